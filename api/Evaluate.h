/// \file
/// Evaluates the streams of layers, on several threads.
#pragma once

#include "api/Layers.h"
#include "api/Session.h"
#include "ir/ArchitectureGraph.h"
#include "support/Diagnostics.h"

#include <vector>

namespace acadlc {

/// The time of the stream of \p program, for which timing::checkEvaluable holds, by the method of
/// \p options. With an observer nothing is extrapolated.
/// Stops behind \p maxInstructions, which is for streams that are observed.
timing::Evaluation evaluateStream(const arch::ArchitectureGraph &graph,
                                  const program::Program &program, const EstimateOptions &options,
                                  timing::InstructionObserver observer = {},
                                  std::int64_t maxInstructions = unlimited);

/// What of \p options decides how streams are evaluated, as evaluateStream() understands it.
void describeEvaluation(analysis::AskedOptions &asked, const EstimateOptions &options);

/// Fills in the time of every layer. Equal streams are evaluated once. What keeps a layer from
/// being evaluated is reported, in the order of the layers.
void evaluateLayers(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                    const EstimateOptions &options, const SourceManager &sources,
                    DiagnosticEngine &diagnostics);

/// Finds out what each layer is bound by, and the chain of its waits if \p options want it. The
/// layers have been evaluated.
void findCriticalPaths(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                       const EstimateOptions &options, const SourceManager &sources);

/// Fills in what dependences alone would take in each layer that was evaluated.
void boundDependences(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                      const EstimateOptions &options);

/// Fills in the timelines of the layers.
void recordTimelines(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                     const EstimateOptions &options, const SourceManager &sources);

/// Fills in the resources of the layers and of \p network, which they belong to. False if a count
/// leaves the 64-bit range.
[[nodiscard]] bool countResources(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                                  analysis::NetworkEstimate &network);

/// Fills in what rooflines need, in the layers and in \p network, which they belong to; its peak is
/// known. False if a count leaves the 64-bit range.
[[nodiscard]] bool countRooflines(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                                  analysis::NetworkEstimate &network);

} // namespace acadlc
