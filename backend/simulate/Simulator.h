/// \file
/// The simulator: the event-driven reference that docs/timing.md describes.
#pragma once

#include "backend/simulate/CauseTrace.h"
#include "backend/simulate/Moment.h"
#include "backend/simulate/StateSnapshot.h"
#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace acadlc::simulate {

struct SimulateOptions {
  /// Called for every instruction in program order, if set. Instructions that have finished are
  /// then kept until all older ones have.
  timing::InstructionObserver observer;
  /// Longer streams are cut off there: the result is marked limitReached.
  std::int64_t maxInstructions = std::numeric_limits<std::int64_t>::max();
  /// Indices in the stream, ascending: a snapshot of the state is taken at the end of the cycle in
  /// which the instruction enters the issue buffer, relative to it. None for those never fetched.
  std::vector<std::int64_t> snapshotsAt;
  std::function<void(const StateSnapshot &)> snapshotObserver;
  /// Cycles, ascending, at whose ends the whole state is shown. Only for streams with occupations
  /// (timing::usesOccupations).
  std::vector<std::int64_t> momentsAt;
  std::function<void(const Moment &)> momentObserver;
  /// Fill in Evaluation::usage.
  bool countUsage = false;
  /// Asked at the end of every cycle with events, if set: true ends the simulation there, and the
  /// result is marked limitReached.
  std::function<bool()> isEnough;
  /// Given the chain of waits that makes the time of the run, the last step first, if it completes.
  /// Only for simulateOccupations().
  std::function<void(std::vector<ChainStep>)> chainObserver;
};

/// Simulates the stream of \p program on \p graph, for which timing::checkEvaluable holds. Time is
/// proportional to the instructions, memory to those in flight.
timing::Evaluation simulate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const SimulateOptions &options = {});

} // namespace acadlc::simulate
