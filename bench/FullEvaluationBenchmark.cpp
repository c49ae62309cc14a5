#include "backend/aidg/Estimator.h"
#include "bench/ArrayByHand.h"
#include "bench/Benchmarks.h"
#include "bench/Estimating.h"
#include "bench/Networks.h"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

namespace acadlc::bench {

namespace {

/// One tile of a matrix product on the array.
Job tileJob(std::int64_t size, std::int64_t steps) {
  Job job;
  job.description = "std/systolic_array.acadl";
  job.selection = squareArray(size);
  job.text = chainOfProducts(size, {steps, size});
  return job;
}

/// Pairs of an instruction and an object that it occupies: the issue buffer, the stages of its
/// route, its unit, and the storage of each request.
std::int64_t countNodes(const program::Program &program) {
  std::int64_t nodes = 0;
  program::InstructionStream stream(program);
  for (program::Instance instance; stream.next(instance);) {
    const program::Instruction &instruction = *instance.instruction;
    nodes += static_cast<std::int64_t>(2 + program.routes[instruction.route].stages.size() +
                                       instruction.requestCount());
  }
  return nodes;
}

std::int64_t estimateFully(const Session &session, const program::Program &program) {
  aidg::EstimateOptions options;
  options.extrapolate = false;
  return aidg::estimate(*session.architecture(), program, options).cycles;
}

template <std::size_t Size> std::int64_t runByHand(std::int64_t steps) {
  return std::make_unique<ArrayByHand<Size, Size>>()->run(steps);
}

/// Times \p byHand and the estimator in turns, so that both see the same machine, after they gave
/// the same. The benchmark's time is the estimator's.
void timeTile(benchmark::State &state, std::int64_t size, std::int64_t steps,
              std::int64_t (*byHand)(std::int64_t)) {
  const auto session = load(tileJob(size, steps));
  const Streams streams = streamsOf(*session);
  if (streams.entries.size() != 1)
    throw std::runtime_error("one layer expected");
  const program::Program &program = *streams.entries.front().program;
  const std::int64_t expected = estimateFully(*session, program);
  if (byHand(steps) != expected)
    throw std::runtime_error(
        fmt::format("by hand it ends in cycle {}, the estimator says {}", byHand(steps), expected));
  double secondsByHand = 0, secondsEstimated = 0;
  for ([[maybe_unused]] const auto &pass : state) {
    const double begin = processSeconds();
    benchmark::DoNotOptimize(byHand(steps));
    const double middle = processSeconds();
    benchmark::DoNotOptimize(estimateFully(*session, program));
    const double end = processSeconds();
    secondsByHand += middle - begin;
    secondsEstimated += end - middle;
    state.SetIterationTime(end - middle);
  }
  const auto nodes = static_cast<double>(countNodes(program));
  const double evaluated = nodes * static_cast<double>(state.iterations());
  state.counters["nodes"] = nodes;
  state.counters["instructions"] = static_cast<double>(program.totals()->instructions);
  state.counters["cycles"] = static_cast<double>(expected);
  state.counters["nanoseconds_by_hand"] = secondsByHand / evaluated * 1e9;
  state.counters["nanoseconds_estimator"] = secondsEstimated / evaluated * 1e9;
  state.counters["ratio"] = secondsEstimated / secondsByHand;
}

template <std::size_t Size> void registerTile(std::int64_t steps) {
  registerBenchmark(fmt::format("full_evaluation/size:{}", Size), [=](benchmark::State &state) {
    timeTile(state, Size, steps, runByHand<Size>);
  });
}

} // namespace

void registerFullEvaluation() {
  registerTile<2>(8192);
  registerTile<8>(512);
}

} // namespace acadlc::bench
