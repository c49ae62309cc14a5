/// \file
/// The literal simulator of docs/timing.md with "Instructions of several occupations": cycle by
/// cycle, each in the four parts of "Order within a cycle". It is the reference: where it could be
/// quicker or clearer, it is clearer.
#pragma once

#include "backend/simulate/Simulator.h"

namespace acadlc::simulate {

/// Simulates the stream of \p program on \p graph, whatever constructs of docs/timing.md they use;
/// the rules that timing::checkEvaluable states hold but for the constructs that it refuses. Time
/// is proportional to the cycles in which something happens, times the instructions in flight;
/// memory to the instructions in flight.
timing::Evaluation simulateOccupations(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const SimulateOptions &options = {});

} // namespace acadlc::simulate
