/// \file
/// Every instruction of a run with the cycles of its events, as CSV:
///
///     layer,index,instruction,unit,fetched,allocated,issued,entered,started,released,finished,loops,source
///     conv2d,0,clear,pe[0][0].multiply,3,,3,4,4,,5,0 0,std/systolic_array.acadl:131
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"
#include "support/Source.h"

#include <string>

namespace acadlc::report {

std::string traceHeader();
/// Appends the line of one instruction to \p out. \p layer is written as it is.
void traceRow(std::string &out, const std::string &layer, const arch::ArchitectureGraph &graph,
              const program::Program &program, const program::Instance &instance,
              const timing::InstructionTimes &times, const SourceManager &sources);

} // namespace acadlc::report
