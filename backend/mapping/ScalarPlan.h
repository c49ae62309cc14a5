/// \file
/// Which values of a stage wait in registers, and at which loops they are computed. Private to this
/// folder.
#pragma once

#include "backend/mapping/ScalarGraph.h"
#include "backend/mapping/ScalarOperations.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::mapping {

/// Values that are wanted at one place of the code.
struct ScalarUse {
  std::vector<ScalarId> values; ///< together: each waits for those behind it
  std::size_t level = 0;        ///< loops around the place
  bool isCertain = true;        ///< it is reached in every iteration of these
  /// The register that gets the (only) value is given: an accumulator.
  bool isInto = false;
};

/// Values that are the same in inner loops, or wanted several times in an iteration, are computed
/// once, as far as there are registers for them: those first that save the most instructions. What
/// reads memory moves only where it is read in every iteration.
class ScalarPlan {
public:
  /// \p extents of the loops, the outermost first.
  ScalarPlan(const ScalarGraph &graph, const ScalarOperations &operations,
             const std::vector<std::int64_t> &extents, std::vector<ScalarUse> uses);

  /// Registers that the stage needs at least, besides accumulators.
  [[nodiscard]] std::size_t leastRegisters() const { return need({}); }
  /// Chooses what waits; \p registers are free for it and for what is computed.
  void choose(std::size_t registers);

  /// What waits, in the order in which it is computed: outer loops first.
  [[nodiscard]] const std::vector<ScalarId> &residents() const { return residents_; }
  /// Position in residents(); none for what does not wait.
  [[nodiscard]] std::optional<std::size_t> residentIndex(ScalarId id) const;
  /// Operands of \p node that are computed for it, in this order: those first that need more
  /// registers, since the results of the others wait meanwhile. Positions in its operands.
  [[nodiscard]] std::vector<std::size_t> computed(const ScalarNode &node) const;

private:
  using Residents = std::vector<ScalarId>;

  void markCertain(ScalarId id);
  [[nodiscard]] bool mayWait(ScalarId id) const;
  [[nodiscard]] double instructions(const Residents &residents) const;
  /// Registers for residents and what is computed beside them.
  [[nodiscard]] std::size_t need(const Residents &residents) const;
  [[nodiscard]] std::vector<std::size_t> needs(const Residents &residents) const;
  [[nodiscard]] bool isPlaced(ScalarId id, const std::vector<bool> &waits) const {
    return waits[id] || graph_[id].kind == ScalarNode::Kind::Accumulator;
  }
  [[nodiscard]] std::vector<bool> waiting(const Residents &residents) const;
  void sort(Residents &residents) const;

  const ScalarGraph &graph_;
  const ScalarOperations &operations_;
  std::vector<double> iterations_; ///< by level
  std::vector<ScalarUse> uses_;
  std::vector<bool> isCertain_;
  Residents residents_;
  std::vector<std::size_t> needs_;
};

} // namespace acadlc::mapping
