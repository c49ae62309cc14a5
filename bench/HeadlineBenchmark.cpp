#include "bench/Benchmarks.h"
#include "bench/Estimating.h"

#include <fmt/format.h>

namespace acadlc::bench {

namespace {

void registerAlexNet(std::int64_t size, std::int64_t memoryLatency) {
  registerEstimating(fmt::format("headline/size:{}/latency:{}", size, memoryLatency), [=] {
    Job job;
    job.description = "std/systolic_array.acadl";
    job.selection = squareArray(size);
    job.selection.parameters.push_back({"memory_latency", fmt::format("{} cycles", memoryLatency)});
    job.workload = repositoryPath("examples/alexnet.tir");
    return job;
  });
}

} // namespace

void registerHeadline() {
  for (const std::int64_t latency : {1, 4, 20, 100})
    registerAlexNet(2, latency);
  for (const std::int64_t size : {4, 8, 16})
    registerAlexNet(size, 4);
}

} // namespace acadlc::bench
