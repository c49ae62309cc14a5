#include "bench/Estimating.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

namespace acadlc::bench {

namespace {

/// What has to be there before the estimator is timed.
struct Prepared {
  std::unique_ptr<Session> session;
  Streams streams;
};

/// A benchmark's function is called several times until its time is long enough; \p prepared keeps
/// the streams from call to call.
void timeEstimates(benchmark::State &state, const std::function<Job()> &job, Prepared &prepared) {
  if (!prepared.session) {
    auto session = load(job());
    prepared.streams = streamsOf(*session);
    prepared.session = std::move(session);
  }
  const Streams &streams = prepared.streams;
  const arch::ArchitectureGraph &graph = *prepared.session->architecture();
  Sum sum;
  for ([[maybe_unused]] const auto &pass : state) {
    const double begin = processSeconds();
    sum = estimateAll(graph, streams);
    state.SetIterationTime(processSeconds() - begin);
  }
  if (sum.cycles != streams.cycles.value_or(sum.cycles))
    throw std::runtime_error("the streams take other cycles than the network");
  state.counters["cycles"] = static_cast<double>(sum.cycles);
  state.counters["instructions"] = static_cast<double>(sum.instructions);
  state.counters["iterations"] = static_cast<double>(sum.iterations);
  state.counters["evaluated"] = static_cast<double>(sum.evaluated);
  state.counters["peak_mebibytes"] = peakMebibytes();
  state.SetLabel(std::string(analysis::guaranteeName(sum.guarantee)));
}

} // namespace

void registerBenchmark(const std::string &name, std::function<void(benchmark::State &)> body) {
  const auto guarded = [body = std::move(body)](benchmark::State &state) {
    try {
      body(state);
    } catch (const std::exception &error) {
      state.SkipWithError(error.what());
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), guarded)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void registerEstimating(const std::string &name, std::function<Job()> job) {
  registerBenchmark(name, [job = std::move(job), prepared = std::make_shared<Prepared>()](
                              benchmark::State &state) { timeEstimates(state, job, *prepared); });
}

} // namespace acadlc::bench
