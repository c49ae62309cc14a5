#include "bench/Benchmarks.h"
#include "bench/Phases.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <utility>

namespace acadlc::bench {

namespace {

void registerNetwork(const std::string &model, const std::string &network, Selection selection,
                     const std::string &path) {
  const std::string name = fmt::format("{}/{}", model, network);
  if (!std::filesystem::exists(path)) {
    fmt::print(stderr, "skipped: {}, there is no {}\n", name, path);
    return;
  }
  Job job;
  job.description = fmt::format("std/{}.acadl", model.substr(0, model.find(':')));
  job.selection = std::move(selection);
  job.workload = path;
  registerEstimating("networks/" + name, [job] { return job; });
  registerPhasesOf("phases/" + name, [job] { return job; });
}

} // namespace

void registerPhases() {
  const std::string alexNet = repositoryPath("examples/alexnet.tir"),
                    resNet = sharedNetwork("resnet18.tir");
  registerNetwork("systolic_array:8", "tc_resnet8", squareArray(8),
                  repositoryPath("examples/tc_resnet8_ultratrail.tir"));
  registerNetwork("systolic_array:8", "alexnet", squareArray(8), alexNet);
  registerNetwork("systolic_array:8", "resnet18", squareArray(8), resNet);
  registerNetwork("systolic_array:2", "alexnet", squareArray(2), alexNet);
  registerNetwork("gemmini", "alexnet", {}, alexNet);
  registerNetwork("gemmini", "resnet18", {}, resNet);
  registerNetwork("one_mac", "lenet5", {}, repositoryPath("examples/lenet5.tir"));
}

} // namespace acadlc::bench
