/// \file
/// Several streams on one architecture, the layers of a network: what is found out about the loops
/// of one serves the others.
#pragma once

#include "backend/aidg/Estimator.h"

#include <memory>
#include <span>
#include <vector>

namespace acadlc::aidg {

class Batch {
public:
  /// \p graph and \p streams must outlive it.
  Batch(const arch::ArchitectureGraph &graph, std::span<const program::Program *const> streams);
  ~Batch();
  Batch(Batch &&) noexcept;
  Batch &operator=(Batch &&) noexcept;

  /// The streams in groups that can learn from one another. Those of a group are to be evaluated
  /// one behind the other, in this order: so what each finds known does not depend on threads.
  /// Different groups may be evaluated at the same time.
  [[nodiscard]] const std::vector<std::vector<std::size_t>> &groups() const;

  /// Evaluates a stream as estimate() does.
  timing::Evaluation estimate(std::size_t stream, const EstimateOptions &options);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace acadlc::aidg
