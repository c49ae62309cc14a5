/// \file
/// Where an evaluation in the order of time may jump: at loops whose complete state recurs.
#pragma once

#include "backend/aidg/MergingState.h"
#include "backend/aidg/Plan.h"
#include "backend/aidg/Recurrence.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace acadlc::aidg {

/// Watches the state at every loop around the next instruction to be fetched. If it is, but for
/// time and the loop's progress, the same as some iterations before, the loop goes on like that:
/// the same instructions follow, and nothing else enters into what happens.
class LoopSearch {
public:
  explicit LoopSearch(const Plan &plan) : plan_(&plan) {}

  /// Iterations that need not be evaluated.
  struct Jump {
    std::size_t depth = 0;       ///< of the loop, 0 = outermost
    std::int64_t iterations = 0; ///< whole periods
    std::int64_t instructions = 0, kernelIterations = 0;
    Time cycles = 0; ///< saturates at `unknown`
    std::vector<std::int64_t> addressShift;
    timing::Certificate certificate;
  };
  /// To be asked whenever instructions have been fetched and all that follows is computed.
  std::optional<Jump> find(const MergingState &state, const program::InstructionStream &stream);

private:
  struct Mark {
    Time now = 0;
    std::int64_t nextIndex = 0, kernelIterations = 0;
  };
  /// One of the loops around the next instruction.
  struct Level {
    std::int64_t entry = 0; ///< tells apart the times that the stream goes through the loop
    bool isSearching = true;
    std::int64_t firstIteration = -1; ///< that was offered
    std::int64_t lastIteration = -1;  ///< that was offered
    std::int64_t lastIndex = 0;       ///< next instruction when it was
    RecurrenceSearch search;
    std::unordered_map<std::int64_t, Mark> marks; ///< by iteration
  };
  void followStream(const MergingState &state);
  [[nodiscard]] bool isDue(std::size_t depth, const MergingState &state) const;
  std::optional<Jump> offer(std::size_t depth, const MergingState &state,
                            const program::InstructionStream &stream);
  void buildKey(std::size_t depth, const MergingState &state);
  /// The last iteration of a loop up to which what recurs from iteration \p first on goes on.
  [[nodiscard]] std::int64_t lastIteration(std::size_t depth, std::int64_t first) const;

  const Plan *plan_;
  std::vector<program::InstructionStream::Loop> loops_;
  std::vector<Level> levels_; ///< parallel to loops_
  std::vector<std::int64_t> key_;
};

} // namespace acadlc::aidg
