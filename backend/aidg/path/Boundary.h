/// \file
/// Between two parts of a stream: what the instructions of one leave to those of the next.
#pragma once

#include "backend/aidg/path/BindingPath.h"
#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Lets a BindingPath begin in the middle of a stream. What happened before is known by times
/// alone, those of a TimeLayout; a path that gets there goes on from one of its places, which
/// stands for a node.
class Boundary {
public:
  /// \p plan and \p flat must outlive it. The instructions depend on no addresses.
  Boundary(const Plan &plan, const FlatProgram &flat) : plan_(&plan), flat_(&flat) {}

  /// Makes \p path forget everything but the normalised times \p values, which are relative to the
  /// arrival of the present fetch block; \p remaining of it are still to come. The next instruction
  /// has the index 0.
  void enter(BindingPath &path, std::span<const std::int64_t> values, std::int64_t remaining) const;
  /// By place: the node that its time is of; noNode where no later instruction can wait for it.
  [[nodiscard]] std::vector<NodeId> leave(const BindingPath &path) const;

  /// The node that stands for what was before at \p place.
  static constexpr NodeId nodeOf(std::uint32_t place) { return firstPlace + place; }
  static constexpr bool isPlace(NodeId node) { return node >= firstPlace && node != noNode; }
  static constexpr std::uint32_t placeOf(NodeId node) { return node - firstPlace; }

private:
  static constexpr NodeId firstPlace = 1U << 31U;

  const Plan *plan_;
  const FlatProgram *flat_;
};

} // namespace acadlc::aidg
