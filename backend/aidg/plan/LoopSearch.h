/// \file
/// Where an evaluation in the order of time may jump: at loops whose complete state recurs.
#pragma once

#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/plan/Recurrence.h"
#include "backend/aidg/plan/UsageTotals.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace acadlc::aidg {

/// Watches the state at every loop around the next instruction to be fetched. If it is, but for
/// time and the loop's progress, the same as some iterations before, the loop goes on like that:
/// the same instructions follow, and nothing else enters into what happens.
class LoopSearch {
public:
  /// \p repeats are the facts about the repeats of \p program; both must outlive the search.
  /// \p wordsPerInstruction: words of a state that may be compared for each instruction evaluated,
  /// so that comparing does not cost more than evaluating.
  LoopSearch(const program::Program &program, const std::vector<RepeatFacts> &repeats,
             std::int64_t wordsPerInstruction)
      : program_(&program), repeats_(&repeats), wordsPerInstruction_(wordsPerInstruction) {}

  /// Where an evaluation stands.
  struct Point {
    std::int64_t now = 0;       ///< the cycle
    std::int64_t nextIndex = 0; ///< of the next instruction to be fetched
    std::int64_t evaluated = 0; ///< instructions so far, those of expansions included
  };
  /// What the search asks of an evaluation's state.
  class State {
  public:
    virtual ~State() = default;
    /// Appends the normal form to \p key, with addresses shifted back by \p addressShift bytes, by
    /// class of addresses (as in RepeatFacts::stride).
    virtual void appendNormalForm(const std::vector<std::int64_t> &addressShift,
                                  std::vector<std::int64_t> &key) const = 0;
    /// Whether accesses under way to storages with state stay within blocks that move as they do.
    [[nodiscard]] virtual bool movesInOwnBlocks(const RepeatFacts &) const { return true; }
    /// The last iteration of a loop up to which that holds for all its accesses, from iteration
    /// \p first on; less than \p first if it does not hold there. \p outerValues: of the loops
    /// around it.
    [[nodiscard]] virtual std::int64_t lastInOwnBlocks(std::uint32_t repeat,
                                                       std::span<const std::int64_t> outerValues,
                                                       std::int64_t first) const = 0;
  };

  /// Iterations that need not be evaluated.
  struct Jump {
    std::size_t depth = 0;       ///< of the loop, 0 = outermost
    std::uint32_t repeat = 0;    ///< the loop
    std::int64_t iterations = 0; ///< whole periods
    std::int64_t instructions = 0, kernelIterations = 0;
    std::int64_t cycles = 0; ///< saturates
    std::vector<std::int64_t> addressShift;
    timing::Certificate certificate;
    UsageTotals::Snapshot usageBefore; ///< where a period began, if usage is watched
    std::int64_t periods = 0;
  };
  /// From now on \p usage is kept with every state; it must outlive the search.
  void watch(const UsageTotals &usage) { usage_ = &usage; }
  /// To be asked whenever instructions have been fetched and all that follows is computed.
  std::optional<Jump> find(const Point &point, const program::InstructionStream &stream,
                           const State &state);

private:
  struct Mark {
    std::int64_t now = 0;
    std::int64_t nextIndex = 0, kernelIterations = 0;
    UsageTotals::Snapshot usage;
  };
  /// One of the loops around the next instruction.
  struct Level {
    std::int64_t entry = 0; ///< tells apart the times that the stream goes through the loop
    bool isSearching = true;
    std::int64_t firstIteration = -1; ///< that was offered
    std::int64_t lastIteration = -1;  ///< that was offered
    std::int64_t lastEvaluated = 0;   ///< instructions evaluated when it was
    RecurrenceSearch search;
    std::unordered_map<std::int64_t, Mark> marks; ///< by iteration
  };
  void followStream(const Point &point);
  [[nodiscard]] bool isDue(std::size_t depth, const Point &point, const State &state) const;
  std::optional<Jump> offer(std::size_t depth, const Point &point,
                            const program::InstructionStream &stream, const State &state);
  void buildKey(std::size_t depth, const State &state);
  /// The last iteration of a loop up to which what recurs from iteration \p first on goes on.
  [[nodiscard]] std::int64_t lastIteration(std::size_t depth, const State &state,
                                           std::int64_t first) const;

  const program::Program *program_;
  const std::vector<RepeatFacts> *repeats_;
  std::int64_t wordsPerInstruction_;
  const UsageTotals *usage_ = nullptr; ///< null: not watched
  std::vector<program::InstructionStream::Loop> loops_;
  std::vector<Level> levels_; ///< parallel to loops_
  std::vector<std::int64_t> key_;
};

} // namespace acadlc::aidg
