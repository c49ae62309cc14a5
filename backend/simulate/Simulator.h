/// \file
/// The simulator: the event-driven reference that docs/timing.md describes.
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <limits>

namespace acadlc::simulate {

struct SimulateOptions {
  /// Called for every instruction in program order, if set. Instructions that have finished are
  /// then kept until all older ones have.
  timing::InstructionObserver observer;
  /// Longer streams are cut off there: the result is marked limitReached.
  std::int64_t maxInstructions = std::numeric_limits<std::int64_t>::max();
};

/// Simulates the stream of \p program on \p graph, for which timing::checkEvaluable holds. Time is
/// proportional to the instructions, memory to those in flight.
timing::Evaluation simulate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const SimulateOptions &options = {});

} // namespace acadlc::simulate
