#include "api/Session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace acadlc;

namespace {

analysis::NetworkEstimate estimateOf(const std::string &model, const std::string &network) {
  Session session;
  REQUIRE(session.loadDescription("std/" + model + ".acadl"));
  REQUIRE(session.loadWorkload(std::string(ACADLC_SOURCE_DIR) + "/examples/" + network));
  REQUIRE(session.selectArchitecture({}));
  EstimateOptions options;
  options.countRooflines = true;
  options.jobs = 1;
  auto estimate = session.estimate(options);
  REQUIRE(estimate);
  return std::move(*estimate);
}

} // namespace

TEST_CASE("no layer stands above a roof") {
  for (const char *model : {"systolic_array", "one_mac", "gemmini", "gamma", "plasticine",
                            "systolic_fold", "stonne_os_mesh"})
    for (const char *network : {"tiny_conv.tir", "matmul.tir"}) {
      CAPTURE(model);
      CAPTURE(network);
      const analysis::NetworkEstimate estimate = estimateOf(model, network);
      CHECK(estimate.peakMacsPerCycle > 0);
      std::size_t roofs = 0;
      for (const analysis::LayerEstimate &layer : estimate.layers) {
        CAPTURE(layer.name);
        const auto cycles = static_cast<double>(layer.cycles);
        CHECK(layer.traffic.size() == estimate.memoryLevels.size());
        for (std::size_t i = 0; i < layer.traffic.size(); ++i) {
          const analysis::MemoryLevel &level = estimate.memoryLevels[i];
          if (layer.traffic[i].isUnserved || level.isBelowCache || !layer.traffic[i].isUsed())
            continue;
          CAPTURE(level.object);
          CHECK(static_cast<double>(layer.traffic[i].bytes) <= level.bytesPerCycle * cycles);
          ++roofs;
        }
        CHECK(static_cast<double>(layer.macs) <= estimate.peakMacsPerCycle * cycles * (1 + 1e-9));
      }
      // An array of SCALE-Sim has no memory.
      CHECK((roofs != 0) == (std::string(model) != "systolic_fold"));
    }
}

TEST_CASE("what the busiest unit multiplies takes no longer than the layer") {
  for (const char *model : {"systolic_array", "gemmini", "systolic_fold"}) {
    CAPTURE(model);
    const analysis::NetworkEstimate estimate = estimateOf(model, "matmul.tir");
    for (const analysis::LayerEstimate &layer : estimate.layers) {
      REQUIRE(layer.simple);
      CHECK(layer.simple->refined >= layer.simple->roofline);
      if (layer.simple->refined > layer.simple->roofline)
        CHECK(layer.simple->refined <= static_cast<double>(layer.cycles));
    }
  }
}

TEST_CASE("operands count once, as the network has them") {
  const analysis::NetworkEstimate estimate = estimateOf("systolic_array", "matmul.tir");
  REQUIRE(estimate.layers.size() == 1);
  const analysis::LayerEstimate &layer = estimate.layers.front();
  std::int64_t elements = 0;
  for (const analysis::LayerTensor &tensor : layer.tensors) {
    std::int64_t count = 1;
    for (const std::int64_t extent : tensor.shape)
      count *= extent;
    elements += count;
  }
  for (const analysis::MemoryLevel &level : estimate.memoryLevels)
    if (level.object == "memory") {
      const double memory = static_cast<double>(4 * elements) / level.bytesPerCycle;
      const double compute = static_cast<double>(layer.macs) / estimate.peakMacsPerCycle;
      REQUIRE(layer.simple);
      CHECK(layer.simple->roofline == doctest::Approx(std::max(memory, compute)));
    }
}
