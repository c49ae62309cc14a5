#include "bench/Benchmarks.h"
#include "bench/Estimating.h"
#include "bench/Networks.h"
#include "bench/Phases.h"

#include <fmt/format.h>

#include <numeric>

namespace acadlc::bench {

namespace {

/// bench/loops.acadl on the 2 x 2 array: 10^exponent steps, or as many tiles of 64 steps.
void registerTrips(bool isNest, int exponent) {
  const std::string count = "1" + std::string(static_cast<std::size_t>(exponent), '0');
  registerEstimating(fmt::format("growth/{}/trips:1e{:02}", isNest ? "nest" : "loop", exponent),
                     [=] {
                       Job job;
                       job.description = repositoryPath("bench/loops.acadl");
                       job.selection = squareArray(2);
                       job.selection.program = "steps";
                       job.selection.parameters.push_back({"steps.tiles", isNest ? count : "1"});
                       job.selection.parameters.push_back({"steps.count", isNest ? "64" : count});
                       return job;
                     });
}

/// One matrix product on arrays of all sizes.
void registerSize(std::int64_t size) {
  registerEstimating(fmt::format("growth/array/size:{}", size), [=] {
    Job job;
    job.description = "std/systolic_array.acadl";
    job.selection = squareArray(size);
    job.workload = repositoryPath("examples/matmul.tir");
    return job;
  });
}

/// A chain of matrix products, all the same or no two the same.
void registerLayers(std::size_t count, bool areSame) {
  registerPhasesOf(
      fmt::format("growth/{}/layers:{}", areSame ? "same_layers" : "different_layers", count), [=] {
        std::vector<std::int64_t> widths(count + 1, 64);
        if (!areSame)
          std::iota(widths.begin(), widths.end(), 64);
        Job job;
        job.description = "std/systolic_array.acadl";
        job.selection = squareArray(4);
        job.text = chainOfProducts(64, widths);
        return job;
      });
}

/// As many instructions, with more and more of them in the issue buffer. \p program: of
/// bench/buffer.acadl.
void registerBuffer(const std::string &program, const std::string &name, std::int64_t slots) {
  registerPhasesOf(fmt::format("growth/{}/slots:{}", name, slots), [=] {
    Job job;
    job.description = repositoryPath("bench/buffer.acadl");
    job.selection.program = program;
    job.selection.parameters.push_back({"slots", std::to_string(slots)});
    return job;
  });
}

} // namespace

void registerGrowth() {
  for (const bool isNest : {false, true})
    for (const int exponent : {3, 4, 6, 8, 10, 12})
      registerTrips(isNest, exponent);
  for (const std::int64_t size : {2, 4, 8, 16, 32, 64})
    registerSize(size);
  for (const bool areSame : {true, false})
    for (const std::size_t count : {1, 4, 16, 64})
      registerLayers(count, areSame);
  for (const std::int64_t slots : {4, 64, 1024, 16384}) {
    registerBuffer("ordered", "buffer", slots);
    registerBuffer("merging", "merging_buffer", slots);
  }
}

} // namespace acadlc::bench
