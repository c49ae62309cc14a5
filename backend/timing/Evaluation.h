/// \file
/// What the simulator and the estimator answer. All times are cycles from the start of the stream.
#pragma once

#include "backend/timing/Usage.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::timing {

/// How sure the cycles of an evaluation are.
enum class Guarantee : std::uint8_t {
  Exact,     ///< every instruction was evaluated
  Certified, ///< skipped iterations are covered by certificates: the same cycles as Exact
  Bounded,   ///< a proven lower and an upper bound are known, the cycles are not
};

/// When one instruction passed its milestones.
struct InstructionTimes {
  std::int64_t fetched = 0;  ///< entered the issue buffer
  std::int64_t issued = 0;   ///< left it for its first stage (a branch: for the fetch stage's unit)
  std::int64_t entered = 0;  ///< entered its unit
  std::int64_t started = 0;  ///< all that it depends on had finished
  std::int64_t finished = 0; ///< its latency has passed and its last request has been served; all
                             ///< of its phases have ended
  /// When it entered the last reservation station on its route, and when it gave its entry there
  /// back; −1 if it passes none. `issued` is when it left that station.
  std::int64_t allocated = -1, released = -1;
  friend bool operator==(const InstructionTimes &, const InstructionTimes &) = default;
};

/// A loop of the stream that a phase of an instruction hands on, which goes on while a certificate
/// holds.
struct ExpandedLoop {
  /// Whose phase it is: its index in the fetched stream and, if it was emitted itself, the numbers
  /// of its emission, as in program::Instance.
  std::int64_t index = 0;
  std::vector<std::int64_t> emission;
  std::uint32_t phase = 0;         ///< of that instruction
  std::size_t depth = 0;           ///< of the loop in the stream of that phase, 0 = outermost
  std::int64_t k0 = 0, period = 0; ///< iterations of this loop
  /// What the phase has handed on before its iteration k0 is met, and does in a period.
  std::int64_t firstInstruction = 0, instructionsPerPeriod = 0;
};

/// Proof that a loop repeats itself: after iteration k0 the state recurs every `period` iterations,
/// each time `cyclesPerPeriod` later.
struct Certificate {
  SourceRange loop; ///< of the loop's header
  std::int64_t k0 = 0, period = 0, cyclesPerPeriod = 0;
  /// Where in the stream it was found: the index of the first instruction of iteration k0, and the
  /// instructions of a period. So the proof can be gone through again.
  std::int64_t firstInstruction = 0, instructionsPerPeriod = 0;
  /// How many periods it holds for, from iteration k0 on; 0: all that follow.
  std::int64_t periods = 0;
  /// No recurrence: in each period every time moves by an amount of its own, that of the
  /// instruction fetch by cyclesPerPeriod.
  bool isDrift = false;
  /// The program has no such loop: the iterations, which are alike but for addresses, stand in it
  /// one after the other. `loop` is the first instruction of one.
  bool isWrittenOut = false;
  /// The loop is one of the stream that an instruction expands to: the first of these, which go on
  /// in lock step. Empty for loops of the fetched stream.
  // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
  std::vector<ExpandedLoop> expandedLoops = {};
  /// The cycle in which these loops have reached their iterations k0; 0 for loops of the fetched
  /// stream, which have their place in that.
  std::int64_t firstCycle = 0;

  [[nodiscard]] bool isInExpansion() const { return !expandedLoops.empty(); }
};

/// One instruction of a deadlock and what it waits for.
struct Wait {
  std::int64_t index = 0;                 ///< of the waiting instruction in the stream
  std::string instruction;                ///< "mac, instruction 17"
  SourceRange range;                      ///< of its emit
  arch::ObjectId where = arch::noObject;  ///< the object that the instruction is in
  arch::ObjectId object = arch::noObject; ///< the object it wants to enter, be granted or start in
  enum class Reason : std::uint8_t {
    Occupied,   ///< `object` is held by the next instruction of the report
    Turn,       ///< the next instruction comes first at `object` in program order
    Dependence, ///< it is in `object` and depends on the next instruction; one that is its own
                ///< next emits instructions that wait for one another
    Behind,     ///< it stands in the issue buffer or a queue behind the next instruction
    Never,      ///< at `object` for what never comes; such a report has no other waits
  } reason{};
};

/// A cycle of waits: each instruction waits for the next, the last for the first.
struct DeadlockReport {
  std::int64_t time = 0; ///< cycle of the last event
  std::vector<Wait> waits;
};

/// Between which cycles a stream ends (docs/exactness.md, "Bounds"). Both are proven, also where
/// more time in one place means less in another.
struct CycleBounds {
  std::int64_t lower = 0, upper = 0;
  /// A deadlock is not excluded: `upper` holds if the stream ends at all.
  bool ifCompletes = false;
  /// upper / lower; 1 if both are 0.
  [[nodiscard]] double ratio() const {
    return upper == lower ? 1 : static_cast<double>(upper) / static_cast<double>(lower);
  }
  /// Bounds that are further apart say little.
  static constexpr double largestUsefulRatio = 2;
  [[nodiscard]] bool isUseful() const { return ratio() <= largestUsefulRatio; }
};

/// Why a stream has no number of cycles.
enum class Overflow : std::uint8_t {
  Cycles,  ///< a time left timeLimit
  Latency, ///< a latency or request is longer than longestLatency
  Counts,  ///< instructions or their operations leave the 64-bit range
};

/// Result of evaluating one stream.
struct Evaluation {
  /// When the last instruction finished; meaningless unless completed(), and if Bounded.
  std::int64_t cycles = 0;
  Guarantee guarantee = Guarantee::Exact;
  CycleBounds bounds;                   ///< if Bounded; else meaningless
  std::int64_t instructions = 0;        ///< of the stream, those skipped by certificates included
  std::int64_t kernelIterations = 0;    ///< trips of innermost loops in the stream
  std::int64_t evaluatedIterations = 0; ///< those evaluated one by one
  std::vector<Certificate> certificates;
  std::optional<DeadlockReport> deadlock;
  std::optional<Overflow> overflow; ///< which limit was hit, if one was
  bool limitReached = false;        ///< stopped at the limit of instructions that the caller set
  /// Stopped at the budget; `cycles` is when the last of those that did finish had finished. What
  /// callers of aidg::estimate() see instead is Bounded.
  bool budgetReached = false;
  /// If it was asked for; none unless completed and not Bounded, nor if it is not known all the
  /// same.
  std::optional<Usage> usage;

  [[nodiscard]] bool completed() const {
    return !deadlock && !overflow && !limitReached && !budgetReached;
  }
  /// Bounds of the cycles, if completed(): both are `cycles` unless Bounded.
  [[nodiscard]] std::int64_t lower() const {
    return guarantee == Guarantee::Bounded ? bounds.lower : cycles;
  }
  [[nodiscard]] std::int64_t upper() const {
    return guarantee == Guarantee::Bounded ? bounds.upper : cycles;
  }
};

/// Called for every instruction in program order. The instance's loop values are valid during the
/// call only.
using InstructionObserver =
    std::function<void(const program::Instance &, const InstructionTimes &)>;

/// Reports what kept \p evaluation from completing (deadlock, overflow), if anything did. \p range
/// is the place for what is about the whole stream.
void reportFailure(const Evaluation &evaluation, const arch::ArchitectureGraph &graph,
                   SourceRange range, DiagnosticEngine &diagnostics);

} // namespace acadlc::timing
