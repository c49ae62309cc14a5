/// \file
/// A second, literal simulator for tests: looks at every object in every cycle. It shares no code
/// with the event-driven one but the service times of caches and DRAMs.
#pragma once

#include "backend/timing/Evaluation.h"

namespace acadlc::test {

/// Steps through the stream of \p program, which is held as a whole. Of a deadlock only the time is
/// found out.
timing::Evaluation step(const arch::ArchitectureGraph &graph, const program::Program &program,
                        const timing::InstructionObserver &observer = {});

} // namespace acadlc::test
