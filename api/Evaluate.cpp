#include "api/Evaluate.h"

#include "api/Parallel.h"
#include "backend/aidg/Batch.h"
#include "backend/aidg/Estimator.h"
#include "backend/aidg/bounds/DependenceBound.h"
#include "backend/aidg/path/StreamPath.h"
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
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace acadlc {

namespace {

using analysis::Method;

/// What is known of one stream.
struct Timed {
  std::shared_ptr<const timing::Evaluation> evaluation;
  std::vector<simulate::Replay> replays; ///< of the certificates, if they were to be verified
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

/// Instructions of a stream that may be evaluated one by one.
std::int64_t budgetOf(const EstimateOptions &options, bool extrapolates) {
  return options.budget.value_or(extrapolates ? defaultBudget : unlimited);
}

/// \p isObserved: nothing may be left out.
aidg::EstimateOptions estimation(const arch::ArchitectureGraph &graph,
                                 const EstimateOptions &options, bool isObserved) {
  aidg::EstimateOptions estimation;
  estimation.extrapolate = options.extrapolate && !isObserved;
  estimation.budget = budgetOf(options, estimation.extrapolate);
  estimation.countUsage = needsUsage(graph, options);
  return estimation;
}

std::shared_ptr<const timing::Evaluation> shared(timing::Evaluation evaluation) {
  return std::make_shared<const timing::Evaluation>(std::move(evaluation));
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
      results[i].evaluation = shared(evaluateStream(graph, *streams[i], options));
      progress.finishedOne();
    });
    return results;
  }
  aidg::Batch batch(graph, streams);
  forEachInParallel(batch.groups().size(), threads, [&](std::size_t group) {
    for (const std::size_t i : batch.groups()[group]) {
      results[i].evaluation = shared(batch.estimate(i, estimation(graph, options, false)));
      progress.finishedOne();
    }
  });
  if (options.verifyCertificates)
    forEachInParallel(streams.size(), threads, [&](std::size_t i) {
      if (results[i].evaluation->completed())
        results[i].replays =
            simulate::replay(graph, *streams[i], results[i].evaluation->certificates);
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
          .report(DiagnosticCode::CertificateRefuted, timed.evaluation->certificates[i].loop,
                  timed.replays[i].finding)
          .note(layer.range, "in the stream of '" + layer.estimate.name +
                                 "'; this is a mistake of acadlc: please report it");
}

void fill(analysis::LayerEstimate &layer, const Timed &timed, const SourceManager &sources) {
  const timing::Evaluation &evaluation = *timed.evaluation;
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

void describeEvaluation(analysis::AskedOptions &asked, const EstimateOptions &options) {
  if (options.method != Method::Estimate)
    return;
  asked.extrapolates = options.extrapolate && !options.trace;
  const std::int64_t budget = budgetOf(options, asked.extrapolates);
  if (budget != unlimited)
    asked.budget = budget;
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
  for (Layer &layer : layers) {
    const Timed timed = options.trace ? Timed{shared(traced(layer, graph, options)), {}}
                                      : results[streams.places.at(&layer.lowered->program)];
    if (timed.evaluation->completed()) {
      fill(layer.estimate, timed, sources);
      layer.evaluation = timed.evaluation;
      reportRefuted(layer, timed, diagnostics);
    } else {
      timing::reportFailure(*timed.evaluation, graph, layer.range, diagnostics);
    }
  }
}

namespace {

//===--- Critical paths -----------------------------------------------------------------------===//

/// Looks for the critical path of each stream, and says what is on it.
class PathSearch {
public:
  /// \p findsChains: chains of waits are wanted too.
  PathSearch(const arch::ArchitectureGraph &graph, const std::vector<Layer> &layers,
             const Streams &streams, bool findsChains)
      : graph_(graph), programs_(streams.programs), evaluations_(programs_.size()),
        findsChains_(findsChains), paths_(graph, programs_, aidg::Blame::Cause),
        bounds_(programs_.size()), waits_(programs_.size()) {
    for (const Layer &layer : layers)
      evaluations_[streams.places.at(&layer.lowered->program)] = layer.evaluation;
  }

  [[nodiscard]] std::size_t groupCount() const { return paths_.groups().size(); }
  /// Different groups may be looked at by different threads.
  void searchGroup(std::size_t group) {
    const std::vector<std::size_t> &streams = paths_.groups()[group];
    for (const std::size_t i : streams)
      bounds_[i] = findBound(i);
    // For chains more may be evaluated. What is learned from that comes too late for the bounds,
    // which are the same whatever else is wanted.
    if (findsChains_)
      for (const std::size_t i : streams)
        findWaits(i);
  }

  [[nodiscard]] const analysis::CriticalPathReport &bound(std::size_t stream) const {
    return bounds_[stream];
  }
  [[nodiscard]] analysis::WaitChain findChain(std::size_t stream) const {
    return analysis::findWaitChain(graph_, *programs_[stream], *evaluations_[stream],
                                   waits_[stream]);
  }

private:
  analysis::CriticalPathReport findBound(std::size_t stream) {
    const program::Program &program = *programs_[stream];
    // The graph that a critical path is found in has no nodes for queues and phases.
    if (timing::usesOccupations(graph_, program))
      return {};
    const timing::Evaluation &evaluation = *evaluations_[stream];
    if (evaluation.guarantee == timing::Guarantee::Certified) {
      auto path = paths_.find(stream, evaluation.cycles, {analysis::wholePathInstructions});
      if (path) {
        auto bound = analysis::attributePath(graph_, program, *path);
        if (findsChains_ && paths_.isServedAtOnce(stream))
          waits_[stream] = std::move(*path);
        return bound;
      }
    }
    return analysis::analyseCriticalPath(graph_, program);
  }

  void findWaits(std::size_t stream) {
    const timing::Evaluation &evaluation = *evaluations_[stream];
    if (!waits_[stream].empty() || !paths_.isServedAtOnce(stream) ||
        evaluation.guarantee == timing::Guarantee::Bounded)
      return;
    if (auto path = paths_.find(stream, evaluation.cycles, {analysis::mostPathInstructions}))
      waits_[stream] = std::move(*path);
  }

  const arch::ArchitectureGraph &graph_;
  const std::vector<const program::Program *> &programs_;
  std::vector<std::shared_ptr<const timing::Evaluation>> evaluations_;
  bool findsChains_;
  aidg::StreamPaths paths_;
  // By stream:
  std::vector<analysis::CriticalPathReport> bounds_;
  /// The path, where it is the chain of waits too and that is wanted; else empty.
  std::vector<std::vector<aidg::StreamStep>> waits_;
};

using SharedChain = std::shared_ptr<const analysis::WaitChain>;

void findPlaces(std::vector<analysis::ChainItem> &items, const SourceManager &sources) {
  for (analysis::ChainItem &item : items) {
    if (item.range.isValid())
      item.place = placeOf(item.range, sources);
    findPlaces(item.body, sources);
  }
}

/// \p chain with the places of its steps as texts.
SharedChain withPlaces(analysis::WaitChain chain, const SourceManager &sources) {
  for (auto *items : {&chain.items, &chain.outline})
    findPlaces(*items, sources);
  return std::make_shared<const analysis::WaitChain>(std::move(chain));
}

} // namespace

void findCriticalPaths(std::vector<Layer> &layers, const arch::ArchitectureGraph &graph,
                       const EstimateOptions &options, const SourceManager &sources) {
  const Streams streams = streamsOf(layers);
  const unsigned threads = threadCount(options.jobs);
  const bool findsChains = options.findWaitChains && !options.trace;
  PathSearch search(graph, layers, streams, findsChains);
  forEachInParallel(search.groupCount(), threads,
                    [&](std::size_t group) { search.searchGroup(group); });
  std::vector<SharedChain> chains(streams.programs.size());
  if (findsChains)
    forEachInParallel(chains.size(), threads,
                      [&](std::size_t i) { chains[i] = withPlaces(search.findChain(i), sources); });
  else if (options.findWaitChains)
    std::ranges::fill(chains,
                      withPlaces(analysis::withoutChain("instructions are traced"), sources));
  for (Layer &layer : layers) {
    const std::size_t stream = streams.places.at(&layer.lowered->program);
    layer.estimate.waitChain = chains[stream];
    const analysis::CriticalPathReport &found = search.bound(stream);
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
    const std::optional<timing::Usage> &own = layer.evaluation->usage;
    if (own)
      analysis::assignUsage(*resources, graph, *own);
    if (usage && (!own || !analysis::addUsage(*usage, *own)))
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
