/// \file
/// What is asked of an estimate.
#pragma once

#include "backend/timing/Evaluation.h"

#include <cstdint>
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

} // namespace acadlc::aidg
