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

#include "backend/aidg/plan/EstimateOptions.h"
#include "backend/timing/Evaluation.h"

namespace acadlc::aidg {

/// Evaluates \p program on \p graph (evaluable as timing::checkEvaluable says). The result equals
/// that of simulate::simulate in every time.
timing::Evaluation estimate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const EstimateOptions &options);

} // namespace acadlc::aidg
