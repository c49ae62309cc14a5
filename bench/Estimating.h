/// \file
/// How benchmarks are registered; those that time the estimator alone, on streams made beforehand.
#pragma once

#include "bench/Measure.h"

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace acadlc::bench {

/// Registers a benchmark that says itself how long its passes take (State::SetIterationTime, in CPU
/// seconds). What \p body throws becomes the benchmark's error.
void registerBenchmark(const std::string &name, std::function<void(benchmark::State &)> body);

/// Registers a benchmark that times aidg::estimate on the different streams of a job, in CPU time.
/// Its counters are what the estimate says (cycles, instructions, iterations, evaluated) and the
/// peak memory of the process; its label is the guarantee.
void registerEstimating(const std::string &name, std::function<Job()> job);

} // namespace acadlc::bench
