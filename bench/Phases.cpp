#include "bench/Phases.h"

#include "backend/report/Report.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace acadlc::bench {

namespace {

/// CPU seconds of the parts of an estimate, as the command makes it.
struct PhaseSeconds {
  double description = 0, network = 0, architecture = 0, mapping = 0, evaluation = 0,
         criticalPaths = 0, report = 0;
  [[nodiscard]] double sum() const {
    return description + network + architecture + mapping + evaluation + criticalPaths + report;
  }
};

/// Runs \p step and returns the CPU seconds that it took.
template <typename Step> double secondsOf(const Session &session, Step step) {
  const double begin = processSeconds();
  if (!step())
    throw std::runtime_error(problemsOf(session));
  return processSeconds() - begin;
}

/// The parts of one run, added to \p sums. Session::phases() has the same parts in time of day.
analysis::NetworkEstimate run(const Job &job, PhaseSeconds &sums) {
  Session session;
  sums.description += secondsOf(session, [&] { return session.loadDescription(job.description); });
  sums.network += secondsOf(session, [&] { return loadNetwork(session, job); });
  sums.architecture +=
      secondsOf(session, [&] { return session.selectArchitecture(job.selection); });
  EstimateOptions options;
  options.jobs = 1;
  // The first call comes when all layers are lowered, the last when all are evaluated.
  double lowered = 0, evaluated = 0;
  options.progress = [&](std::size_t done, std::size_t total) {
    if (done == 0)
      lowered = processSeconds();
    if (done == total)
      evaluated = processSeconds();
  };
  const double begin = processSeconds();
  auto estimate =
      session.workload() == nullptr ? session.estimateProgram(options) : session.estimate(options);
  const double end = processSeconds();
  if (!estimate || evaluated == 0)
    throw std::runtime_error(problemsOf(session));
  sums.mapping += lowered - begin;
  sums.evaluation += evaluated - lowered;
  sums.criticalPaths += end - evaluated;
  const std::string text = report::textReport(*estimate, {});
  sums.report += processSeconds() - end;
  if (text.empty())
    throw std::runtime_error("an empty report");
  return std::move(*estimate);
}

void timePhases(benchmark::State &state, const Job &job) {
  PhaseSeconds sums;
  std::optional<analysis::NetworkEstimate> estimate;
  double before = 0;
  for ([[maybe_unused]] const auto &pass : state) {
    estimate = run(job, sums);
    state.SetIterationTime(sums.sum() - before);
    before = sums.sum();
  }
  const std::array parts = {std::pair("description", sums.description),
                            std::pair("network", sums.network),
                            std::pair("architecture", sums.architecture),
                            std::pair("mapping", sums.mapping),
                            std::pair("evaluation", sums.evaluation),
                            std::pair("critical_paths", sums.criticalPaths),
                            std::pair("report", sums.report)};
  for (const auto &[name, seconds] : parts)
    state.counters[name] = benchmark::Counter(seconds, benchmark::Counter::kAvgIterations);
  std::int64_t iterations = 0, evaluated = 0, instructions = 0;
  for (const analysis::LayerEstimate &layer : estimate->layers) {
    iterations += layer.iterations;
    evaluated += layer.evaluatedIterations;
    instructions += layer.instructions;
  }
  state.counters["cycles"] = static_cast<double>(estimate->cycles);
  state.counters["layers"] = static_cast<double>(estimate->layers.size());
  state.counters["instructions"] = static_cast<double>(instructions);
  state.counters["iterations"] = static_cast<double>(iterations);
  state.counters["evaluated"] = static_cast<double>(evaluated);
  state.counters["peak_mebibytes"] = peakMebibytes();
  state.SetLabel(std::string(analysis::guaranteeName(estimate->guarantee)));
}

} // namespace

void registerPhasesOf(const std::string &name, std::function<Job()> job) {
  registerBenchmark(name,
                    [job = std::move(job)](benchmark::State &state) { timePhases(state, job()); });
}

} // namespace acadlc::bench
