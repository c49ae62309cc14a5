/// \file
/// Which stages of a call work on each other's results. Private to this folder.
#pragma once

#include "structure/CallStructure.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace acadlc::workload {

using Stages = std::vector<std::size_t>; ///< indices into Call::computations

/// Dataflow between the stages that take time; what only moves elements for nothing is looked
/// through.
class StageFlow {
public:
  /// Keeps references to both.
  StageFlow(const Call &call, const CallStructure &structure);

  /// The stages whose results stage \p index reads, in the order of its accesses.
  [[nodiscard]] const Stages &sources(std::size_t index) const { return sources_[index]; }
  /// The stages that read the result of stage \p index, in text order.
  [[nodiscard]] const Stages &readers(std::size_t index) const { return readers_[index]; }
  [[nodiscard]] bool reads(std::size_t reader, std::size_t source) const;
  /// The stage whose result \p access of stage \p reader reads; none if it comes from elsewhere.
  [[nodiscard]] std::optional<std::size_t> sourceOf(const Access &access, std::size_t reader) const;

private:
  const Call &call_;
  const CallStructure &structure_;
  std::vector<Stages> sources_, readers_;
};

} // namespace acadlc::workload
