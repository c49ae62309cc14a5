/// \file
/// Evaluates the Architectural Instruction Dependency Graph (AIDG) of a stream: the graph whose
/// nodes are pairs (instruction, object that it occupies) and whose edges are forward, structural,
/// data and buffer-fill dependences. The graph is never held: nodes are evaluated in program order
/// with one time per object, register and buffer slot.
///
/// Where the order in which instructions enter an object is the program order, each node's time is
/// a maximum of earlier times plus a latency. Whether that holds is proved from the plan or checked
/// while it runs; where it does not, the merging objects alone are served in order of time
/// (MergingEvaluator). Loops whose complete normalised state recurs are extrapolated exactly.
#pragma once

#include "backend/timing/Evaluation.h"

#include <limits>

namespace acadlc::aidg {

struct EstimateOptions {
  /// Jump over iterations that a certificate covers. False evaluates every instruction.
  bool extrapolate = true;
  /// Called for each evaluated instruction in program order.
  timing::InstructionObserver observer;
  /// Stop behind so many instructions (the result is then marked limitReached); not with
  /// extrapolate.
  std::int64_t maxInstructions = std::numeric_limits<std::int64_t>::max();
  /// Instructions that may be evaluated one by one, what expansions emit included; then the result
  /// is Bounded. Bounding may evaluate as many again, twice, and tens of millions more where that
  /// shows no recurrence (RelaxedEvaluator); and it may look at as many requests to storages, or at
  /// a million if that is more (BoundsBudget). Not counted is an attempt in program order that had
  /// to be given up.
  std::int64_t budget = std::numeric_limits<std::int64_t>::max();
  /// Fill in Evaluation::usage. Streams that are evaluated in program order are evaluated once more
  /// for it, in the order of time, with a budget of its own.
  bool countUsage = false;
  /// Always serve merging objects in order of time; for tests.
  bool forceTimeOrder = false;
};

/// Evaluates \p program on \p graph (evaluable as timing::checkEvaluable says). The result equals
/// that of simulate::simulate in every time.
timing::Evaluation estimate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const EstimateOptions &options);

} // namespace acadlc::aidg
