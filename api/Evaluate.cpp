#include "api/Evaluate.h"

#include "api/Parallel.h"
#include "backend/aidg/Batch.h"
#include "backend/aidg/DependenceBound.h"
#include "backend/aidg/Estimator.h"
#include "backend/aidg/StreamPath.h"
#include "backend/analysis/CriticalPath.h"
#include "backend/analysis/DataDependences.h"
#include "backend/analysis/ResourceUsage.h"
#include "backend/analysis/Resources.h"
#include "backend/analysis/Roofline.h"
#include "backend/analysis/StreamCounts.h"
#include "backend/analysis/WaitChain.h"
#include "backend/simulate/Replay.h"
#include "backend/simulate/Simulator.h"
#include "backend/timing/Evaluable.h"
#include "backend/timing/Machine.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace acadlc {

namespace {

using analysis::Method;

/// What is known of one stream.
struct Timed {
  timing::Evaluation evaluation;
  std::vector<simulate::Replay> replays;    ///< of the certificates, if they were to be verified
  std::optional<analysis::WaitChain> chain; ///< if it was to be found
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

/// The different streams of \p layers, with the place of each among them.
struct Streams {
  std::vector<const program::Program *> programs;
  std::map<const program::Program *, std::size_t> places;
};
Streams streamsOf(const std::vector<Layer> &layers) {
  Streams streams;
  for (const Layer &layer : layers) {
    const program::Program *program = &layer.lowered->program;
    if (streams.places.try_emplace(program, streams.programs.size()).second)
      streams.programs.push_back(program);
  }
  return streams;
}

/// Whether what objects do is to be counted.
bool needsUsage(const arch::ArchitectureGraph &graph, const EstimateOptions &options) {
  const auto asksOther = [](const arch::Object &object) { return object.lower != arch::noObject; };
  return options.countUsage ||
         (options.countLower && std::ranges::any_of(graph.objects, asksOther));
}

/// \p isObserved: nothing may be left out.
aidg::EstimateOptions estimation(const arch::ArchitectureGraph &graph,
                                 const EstimateOptions &options, bool isObserved) {
  aidg::EstimateOptions estimation;
  estimation.extrapolate = options.extrapolate && !isObserved;
  estimation.budget = options.budget.value_or(estimation.extrapolate ? defaultBudget : unlimited);
  estimation.countUsage = needsUsage(graph, options);
  return estimation;
}

/// The time of each stream.
std::vector<Timed> timeStreams(const std::vector<const program::Program *> &streams,
                               const arch::ArchitectureGraph &graph,
                               const EstimateOptions &options) {
  std::vector<Timed> results(streams.size());
  Progress progress(options, streams.size());
  const unsigned threads = threadCount(options.jobs);
  if (options.method == Method::Simulate) {
    forEachInParallel(streams.size(), threads, [&](std::size_t i) {
      results[i].evaluation = evaluateStream(graph, *streams[i], options);
      progress.finishedOne();
    });
    return results;
  }
  aidg::Batch batch(graph, streams);
  forEachInParallel(batch.groups().size(), threads, [&](std::size_t group) {
    for (const std::size_t i : batch.groups()[group]) {
      results[i].evaluation = batch.estimate(i, estimation(graph, options, false));
      progress.finishedOne();
    }
  });
  if (options.verifyCertificates)
    forEachInParallel(streams.size(), threads, [&](std::size_t i) {
      if (results[i].evaluation.completed())
        results[i].replays =
            simulate::replay(graph, *streams[i], results[i].evaluation.certificates);
    });
  return results;
}

timing::Evaluation traced(const Layer &layer, const arch::ArchitectureGraph &graph,
                          const EstimateOptions &options) {
  const program::Program &program = layer.lowered->program;
  return evaluateStream(
      graph, program, options,
      [&](const program::Instance &instance, const timing::InstructionTimes &times) {
        options.trace(layer.estimate.name, program, instance, times);
      });
}

analysis::CertificateReplay::Outcome outcomeOf(simulate::Replay::Verdict verdict) {
  using Verdict = simulate::Replay::Verdict;
  using Outcome = analysis::CertificateReplay::Outcome;
  switch (verdict) {
  case Verdict::Holds:
    return Outcome::Holds;
  case Verdict::Fails:
    return Outcome::Fails;
  case Verdict::InPart:
    return Outcome::InPart;
  case Verdict::NotReplayed:
    return Outcome::NotReplayed;
  }
  return Outcome::NotReplayed;
}

/// What came out for certificate number \p index; nothing unless it was asked for.
std::optional<analysis::CertificateReplay> replayOf(const Timed &timed, std::size_t index) {
  if (timed.replays.empty())
    return std::nullopt;
  const simulate::Replay &replay = timed.replays[index];
  return analysis::CertificateReplay{outcomeOf(replay.verdict), replay.finding};
}

/// A certificate that does not hold is a mistake of ours; the cycles of \p layer can't be trusted.
void reportRefuted(const Layer &layer, const Timed &timed, DiagnosticEngine &diagnostics) {
  for (std::size_t i = 0; i < timed.replays.size(); ++i)
    if (timed.replays[i].verdict == simulate::Replay::Verdict::Fails)
      diagnostics
          .report(DiagnosticCode::CertificateRefuted, timed.evaluation.certificates[i].loop,
                  timed.replays[i].finding)
          .note(layer.range, "in the stream of '" + layer.estimate.name +
                                 "'; this is a mistake of acadlc: please report it");
}

void findPlaces(std::vector<analysis::ChainItem> &items, const SourceManager &sources) {
  for (analysis::ChainItem &item : items) {
    if (item.range.isValid())
      item.place = placeOf(item.range, sources);
    findPlaces(item.body, sources);
  }
}

void findWaitChains(std::vector<Timed> &results,
                    const std::vector<const program::Program *> &streams,
                    const arch::ArchitectureGraph &graph, unsigned jobs) {
  forEachInParallel(results.size(), threadCount(jobs), [&](std::size_t i) {
    if (results[i].evaluation.completed())
      results[i].chain = analysis::findWaitChain(graph, *streams[i], results[i].evaluation);
  });
}

void fill(analysis::LayerEstimate &layer, const Timed &timed, const SourceManager &sources) {
  if (timed.chain) {
    analysis::WaitChain chain = *timed.chain;
    for (auto *items : {&chain.items, &chain.outline})
      findPlaces(*items, sources);
    layer.waitChain = std::make_shared<const analysis::WaitChain>(std::move(chain));
  }
  const timing::Evaluation &evaluation = timed.evaluation;
  layer.cycles = evaluation.cycles;
  layer.guarantee = evaluation.guarantee;
  layer.bounds = evaluation.bounds;
  layer.boundsMeet =
      evaluation.guarantee == timing::Guarantee::Certified && evaluation.bounds.upper != 0;
  layer.instructions = evaluation.instructions;
  layer.iterations = evaluation.kernelIterations;
  layer.evaluatedIterations = evaluation.evaluatedIterations;
  for (std::size_t i = 0; i < evaluation.certificates.size(); ++i) {
    const timing::Certificate &certificate = evaluation.certificates[i];
    layer.certificates.push_back({lineOf(certificate.loop, sources), certificate.k0,
                                  certificate.period, certificate.cyclesPerPeriod,
                                  replayOf(timed, i), certificate.periods, certificate.isDrift});
  }
}

} // namespace

timing::Evaluation evaluateStream(const arch::ArchitectureGraph &graph,
                                  const program::Program &program, const EstimateOptions &options,
                                  timing::InstructionObserver observer,
                                  std::int64_t maxInstructions) {
  if (options.method == Method::Simulate) {
    simulate::SimulateOptions simulation;
    simulation.maxInstructions = maxInstructions;
    simulation.countUsage = needsUsage(graph, options);
    simulation.observer = std::move(observer);
    return simulate::simulate(graph, program, simulation);
  }
  aidg::EstimateOptions estimating = estimation(graph, options, observer != nullptr);
  estimating.observer = std::move(observer);
  estimating.maxInstructions = maxInstructions;
  return aidg::estimate(graph, program, estimating);
}

void evaluateLayers(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                    const EstimateOptions &options, const SourceManager &sources,
                    DiagnosticEngine &diagnostics) {
  const Streams streams = streamsOf(layers);
  bool evaluable = true;
  for (const program::Program *program : streams.programs)
    evaluable = timing::checkEvaluable(graph, *program, diagnostics) && evaluable;
  if (!evaluable)
    return;
  std::vector<Timed> results;
  if (!options.trace)
    results = timeStreams(streams.programs, graph, options);
  if (options.findWaitChains)
    findWaitChains(results, streams.programs, graph, options.jobs);
  for (Layer &layer : layers) {
    const Timed timed = options.trace ? Timed{traced(layer, graph, options), {}, {}}
                                      : results[streams.places.at(&layer.lowered->program)];
    if (timed.evaluation.completed()) {
      if (options.trace && options.findWaitChains)
        layer.estimate.waitChain = std::make_shared<const analysis::WaitChain>(
            analysis::withoutChain("instructions are traced"));
      fill(layer.estimate, timed, sources);
      layer.usage = timed.evaluation.usage;
      reportRefuted(layer, timed, diagnostics);
    } else {
      timing::reportFailure(timed.evaluation, graph, layer.range, diagnostics);
    }
  }
}

void findBottlenecks(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                     const EstimateOptions &options) {
  const Streams streams = streamsOf(layers);
  std::vector<std::optional<std::int64_t>> certified(streams.programs.size()); ///< cycles
  for (const Layer &layer : layers)
    if (layer.estimate.guarantee == timing::Guarantee::Certified)
      certified[streams.places.at(&layer.lowered->program)] = layer.estimate.cycles;
  std::vector<analysis::CriticalPathReport> results(streams.programs.size());
  aidg::StreamPaths paths(graph, streams.programs, aidg::Blame::Cause);
  const auto analyse = [&](std::size_t i) -> analysis::CriticalPathReport {
    const program::Program &program = *streams.programs[i];
    // The graph that a critical path is found in has no nodes for queues and phases.
    if (timing::usesOccupations(graph, program))
      return {};
    if (certified[i])
      if (const auto path = paths.find(i, *certified[i], {analysis::wholePathInstructions}))
        return analysis::attributePath(graph, program, *path);
    return analysis::analyseCriticalPath(graph, program);
  };
  forEachInParallel(paths.groups().size(), threadCount(options.jobs), [&](std::size_t group) {
    for (const std::size_t i : paths.groups()[group])
      results[i] = analyse(i);
  });
  for (Layer &layer : layers) {
    const analysis::CriticalPathReport &found = results[streams.places.at(&layer.lowered->program)];
    if (found.shares.empty())
      continue;
    layer.estimate.bound = found.shares.front();
    layer.estimate.boundIsPartial = found.truncated;
  }
}

namespace {

analysis::DependenceLimit dependenceLimit(const arch::ArchitectureGraph &graph,
                                          const program::Program &program) {
  const auto bound = aidg::boundByDependences(graph, program);
  if (!bound)
    return {std::nullopt, std::string(aidg::whyDependencesAreUnknown(graph, program))};
  return {analysis::SoleLimit{analysis::BoundKind::Dependence, "operands", bound->cycles,
                              bound->isLeast},
          {}};
}

} // namespace

void boundDependences(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                      const EstimateOptions &options) {
  const Streams streams = streamsOf(layers);
  std::vector<analysis::DependenceLimit> limits(streams.programs.size());
  forEachInParallel(limits.size(), threadCount(options.jobs), [&](std::size_t i) {
    limits[i] = dependenceLimit(graph, *streams.programs[i]);
  });
  for (Layer &layer : layers)
    layer.estimate.dependences = limits[streams.places.at(&layer.lowered->program)];
}

namespace {

analysis::Timeline recordTimeline(const program::Program &program,
                                  const arch::ArchitectureGraph &graph,
                                  const EstimateOptions &options, const SourceManager &sources) {
  const analysis::InstructionRange range = *options.timeline;
  analysis::Timeline timeline;
  analysis::DataDependences dependences;
  const auto record = [&](const program::Instance &instance,
                          const timing::InstructionTimes &times) {
    if (instance.index < range.first || instance.index >= range.end)
      return;
    timeline.isCut = timeline.rows.size() >= options.timelineRows;
    if (timeline.isCut)
      return;
    const program::Instruction &instruction = *instance.instruction;
    timeline.rows.push_back({ageText(instance),
                             instruction.operation,
                             graph.objects[program.routes[instruction.route].unit].name,
                             placeOf(instruction.range, sources),
                             times,
                             {instance.loopValues.begin(), instance.loopValues.end()},
                             analysis::operandsText(graph, program, instance),
                             dependences.add(program, instance)});
  };
  evaluateStream(graph, program, options, record, range.end);
  return timeline;
}

} // namespace

void recordTimelines(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                     const EstimateOptions &options, const SourceManager &sources) {
  const Streams streams = streamsOf(layers);
  std::vector<analysis::Timeline> timelines(streams.programs.size());
  forEachInParallel(timelines.size(), threadCount(options.jobs), [&](std::size_t i) {
    timelines[i] = recordTimeline(*streams.programs[i], graph, options, sources);
  });
  for (Layer &layer : layers)
    layer.estimate.timeline = timelines[streams.places.at(&layer.lowered->program)];
}

bool countResources(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                    analysis::NetworkEstimate &network) {
  std::map<const program::Program *, std::vector<analysis::ObjectCounts>> known;
  std::vector<analysis::ObjectCounts> sum(graph.objects.size());
  std::optional<timing::Usage> usage = timing::Usage();
  for (Layer &layer : layers) {
    const auto [entry, isNew] = known.try_emplace(&layer.lowered->program);
    if (isNew) {
      auto counts = analysis::countStream(graph, layer.lowered->program);
      if (!counts)
        return false;
      entry->second = std::move(*counts);
    }
    auto resources = analysis::groupResources(graph, entry->second);
    if (!resources || !analysis::addCounts(sum, entry->second))
      return false;
    if (layer.usage)
      analysis::assignUsage(*resources, graph, *layer.usage);
    if (usage && (!layer.usage || !analysis::addUsage(*usage, *layer.usage)))
      usage.reset();
    layer.estimate.resources = std::move(*resources);
  }
  auto resources = analysis::groupResources(graph, sum);
  if (!resources)
    return false;
  if (usage && !usage->objects.empty())
    analysis::assignUsage(*resources, graph, *usage);
  network.resources = std::move(*resources);
  return true;
}

bool countRooflines(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                    analysis::NetworkEstimate &network) {
  const Streams streams = streamsOf(layers);
  std::vector<analysis::StreamTraffic> traffic;
  for (const program::Program *program : streams.programs) {
    auto counted = analysis::countTraffic(graph, *program);
    if (!counted)
      return false;
    traffic.push_back(std::move(*counted));
  }
  network.memoryLevels = analysis::memoryLevels(graph, traffic);
  for (Layer &layer : layers) {
    const analysis::StreamTraffic &own = traffic[streams.places.at(&layer.lowered->program)];
    layer.estimate.traffic = own.levels;
    layer.estimate.simple = analysis::estimateSimply(network.memoryLevels, own, layer.estimate.macs,
                                                     network.peakMacsPerCycle);
  }
  return true;
}

} // namespace acadlc
