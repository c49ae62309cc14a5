/// \file
/// Evaluates programs whose instructions have several occupations: queues, stations, phases, steps,
/// channels and expansions (docs/timing.md, "Instructions of several occupations"), mixed with
/// those of the first half of the page.
#pragma once

#include "backend/aidg/plan/EstimateOptions.h"

namespace acadlc::aidg {

/// Evaluates \p program on \p graph. Loops that recur are jumped over as \p options say, with
/// certificates. The result equals that of simulate::simulateOccupations in every time. If the
/// budget is reached, `bounds` say what is left, from where the evaluation has got to.
timing::Evaluation evaluateOccupations(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const EstimateOptions &options);

} // namespace acadlc::aidg
