#include "api/Evaluate.h"

#include "api/Parallel.h"
#include "backend/aidg/Estimator.h"
#include "backend/analysis/CriticalPath.h"
#include "backend/simulate/Simulator.h"
#include "backend/timing/Evaluable.h"
#include "backend/timing/Machine.h"

#include <map>
#include <mutex>

namespace acadlc {

namespace {

using analysis::Method;

/// What is known of one stream.
struct Timed {
  timing::Evaluation evaluation;
  analysis::CriticalPathReport criticalPath;
};

/// Calls the user's progress function, one call at a time.
class Progress {
public:
  Progress(const EstimateOptions &options, std::size_t total) : options_(options), total_(total) {
    if (options_.progress)
      options_.progress(0, total_);
  }
  void finishedOne() {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (options_.progress)
      options_.progress(done_, total_);
  }

private:
  const EstimateOptions &options_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::mutex mutex_;
};

Timed timeOf(const program::Program &program, const arch::ArchitectureGraph &graph,
             const EstimateOptions &options, timing::InstructionObserver observer = {}) {
  Timed timed;
  timed.evaluation = evaluateStream(graph, program, options, std::move(observer));
  // The graph that a critical path is found in has no nodes for queues and phases.
  if (timed.evaluation.completed() && timed.evaluation.instructions > 0 &&
      !timing::usesOccupations(graph, program))
    timed.criticalPath = analysis::analyseCriticalPath(graph, program);
  return timed;
}

/// The time of each different stream.
std::vector<Timed> timeStreams(const std::vector<const program::Program *> &streams,
                               const arch::ArchitectureGraph &graph,
                               const EstimateOptions &options) {
  std::vector<Timed> results(streams.size());
  Progress progress(options, streams.size());
  forEachInParallel(streams.size(), threadCount(options.jobs), [&](std::size_t i) {
    results[i] = timeOf(*streams[i], graph, options);
    progress.finishedOne();
  });
  return results;
}

Timed traced(const Layer &layer, const arch::ArchitectureGraph &graph,
             const EstimateOptions &options) {
  const program::Program &program = layer.lowered->program;
  return timeOf(program, graph, options,
                [&](const program::Instance &instance, const timing::InstructionTimes &times) {
                  options.trace(layer.estimate.name, program, instance, times);
                });
}

void fill(analysis::LayerEstimate &layer, const Timed &timed, const SourceManager &sources) {
  const timing::Evaluation &evaluation = timed.evaluation;
  layer.cycles = evaluation.cycles;
  layer.guarantee = evaluation.guarantee;
  layer.instructions = evaluation.instructions;
  layer.iterations = evaluation.kernelIterations;
  layer.evaluatedIterations = evaluation.evaluatedIterations;
  for (const timing::Certificate &certificate : evaluation.certificates)
    layer.certificates.push_back({placeOf(certificate.loop, sources), certificate.k0,
                                  certificate.period, certificate.cyclesPerPeriod});
  if (!timed.criticalPath.shares.empty()) {
    layer.bound = timed.criticalPath.shares.front();
    layer.boundIsPartial = timed.criticalPath.truncated;
  }
}

} // namespace

timing::Evaluation evaluateStream(const arch::ArchitectureGraph &graph,
                                  const program::Program &program, const EstimateOptions &options,
                                  timing::InstructionObserver observer) {
  if (options.method == Method::Simulate) {
    simulate::SimulateOptions simulation;
    simulation.observer = std::move(observer);
    return simulate::simulate(graph, program, simulation);
  }
  aidg::EstimateOptions estimation;
  estimation.extrapolate = options.extrapolate && !observer;
  estimation.observer = std::move(observer);
  return aidg::estimate(graph, program, estimation);
}

void evaluateLayers(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                    const EstimateOptions &options, const SourceManager &sources,
                    DiagnosticEngine &diagnostics) {
  std::map<const program::Program *, std::size_t> indexOf;
  std::vector<const program::Program *> streams;
  bool evaluable = true;
  for (const Layer &layer : layers) {
    const program::Program *program = &layer.lowered->program;
    if (!indexOf.try_emplace(program, streams.size()).second)
      continue;
    streams.push_back(program);
    evaluable = timing::checkEvaluable(graph, *program, diagnostics) && evaluable;
  }
  if (!evaluable)
    return;
  const std::vector<Timed> results =
      options.trace ? std::vector<Timed>() : timeStreams(streams, graph, options);
  for (Layer &layer : layers) {
    const Timed timed = options.trace ? traced(layer, graph, options)
                                      : results[indexOf.at(&layer.lowered->program)];
    if (timed.evaluation.completed())
      fill(layer.estimate, timed, sources);
    else
      timing::reportFailure(timed.evaluation, graph, layer.range, diagnostics);
  }
}

} // namespace acadlc
