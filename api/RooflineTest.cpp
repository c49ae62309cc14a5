#include "api/Session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
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
  options.countResources = true;
  options.jobs = 1;
  auto estimate = session.estimate(options);
  REQUIRE(estimate);
  return std::move(*estimate);
}

/// The resource of \p layer that is named \p object.
const analysis::Resource &resourceOf(const analysis::LayerEstimate &layer,
                                     const std::string &object) {
  const auto found = std::ranges::find(layer.resources, object, &analysis::Resource::object);
  REQUIRE(found != layer.resources.end());
  return *found;
}

/// Rooflines and the view `traffic` have the same bytes of storages.
void checkBytes(const analysis::NetworkEstimate &estimate, const analysis::LayerEstimate &layer) {
  for (std::size_t i = 0; i < layer.traffic.size(); ++i) {
    const analysis::MemoryLevel &level = estimate.memoryLevels[i];
    if (!arch::isStorage(level.objectClass))
      continue;
    CAPTURE(level.object);
    const analysis::ObjectCounts &sum = resourceOf(layer, level.object).sum;
    CHECK(layer.traffic[i].bytes == sum.bytesRead + sum.bytesWritten);
  }
}

/// A level that has a bandwidth is a limit, of no less than what its bandwidth says; the
/// computation is one of no less than what the peak says; none is more than the cycles.
void checkLimits(const analysis::NetworkEstimate &estimate, const analysis::LayerEstimate &layer) {
  for (std::size_t i = 0; i < layer.traffic.size(); ++i) {
    const analysis::MemoryLevel &level = estimate.memoryLevels[i];
    if (layer.traffic[i].isUnserved || !layer.traffic[i].isUsed() || level.isBelowCache)
      continue;
    CAPTURE(level.object);
    const double atLeast = static_cast<double>(layer.traffic[i].bytes) / level.bytesPerCycle;
    CHECK(static_cast<double>(resourceOf(layer, level.object).leastCycles) >= atLeast - 1e-6);
  }
  std::int64_t compute = 0;
  for (const analysis::SoleLimit &limit : analysis::soleLimits(layer.resources)) {
    CAPTURE(limit.object);
    CHECK(limit.cycles <= layer.cycles);
    if (limit.kind == analysis::BoundKind::Compute)
      compute = limit.cycles;
  }
  if (layer.macs > 0)
    CHECK(static_cast<double>(compute) >=
          static_cast<double>(layer.macs) / estimate.peakMacsPerCycle - 1e-6);
}

/// The model `roofline` is where the roofs of the picture lie over the layer.
void checkRoofline(const analysis::NetworkEstimate &estimate,
                   const analysis::LayerEstimate &layer) {
  if (layer.macs == 0 && (!layer.simple || layer.simple->isComputationAlone))
    return;
  REQUIRE(layer.simple);
  double roof = static_cast<double>(layer.macs) / estimate.peakMacsPerCycle;
  const auto level = analysis::limitingLevel(estimate.memoryLevels, layer.traffic);
  if (level && !layer.traffic[*level].isUnserved)
    roof = std::max(roof, static_cast<double>(layer.traffic[*level].bytes) /
                              estimate.memoryLevels[*level].bytesPerCycle);
  CHECK(layer.simple->roofline == doctest::Approx(roof));
}

/// The models of the library that map what the networks below compute.
constexpr std::array models{"systolic_array", "one_mac",       "gemmini",       "gamma",
                            "plasticine",     "systolic_fold", "stonne_os_mesh"};

/// Calls \p check with each model and its estimate of two networks.
template <typename Check> void forEachEstimate(Check check) {
  for (const std::string model : models)
    for (const char *network : {"tiny_conv.tir", "matmul.tir"}) {
      CAPTURE(model);
      CAPTURE(network);
      check(model, estimateOf(model, network));
    }
}

} // namespace

TEST_CASE("no layer stands above a roof") {
  forEachEstimate([](const std::string &model, const analysis::NetworkEstimate &estimate) {
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
    CHECK((roofs != 0) == (model != "systolic_fold"));
  });
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

TEST_CASE("views agree about what layers move, how fast, and what that takes") {
  forEachEstimate([](const std::string &, const analysis::NetworkEstimate &estimate) {
    CHECK_FALSE(estimate.isPeakOfNetwork);
    for (const analysis::LayerEstimate &layer : estimate.layers) {
      CAPTURE(layer.name);
      checkBytes(estimate, layer);
      checkLimits(estimate, layer);
      checkRoofline(estimate, layer);
    }
  });
}

TEST_CASE("the peak of a library model is the same for every network") {
  for (const char *model : models) {
    CAPTURE(model);
    CHECK(estimateOf(model, "tiny_conv.tir").peakMacsPerCycle ==
          estimateOf(model, "matmul.tir").peakMacsPerCycle);
  }
  CHECK(estimateOf("systolic_fold", "matmul.tir").peakMacsPerCycle == 256);
  CHECK(estimateOf("stonne_os_mesh", "matmul.tir").peakMacsPerCycle == 256);
  CHECK(estimateOf("gamma", "matmul.tir").peakMacsPerCycle == 128);
  CHECK(estimateOf("gemmini", "matmul.tir").peakMacsPerCycle == 256);
  CHECK(estimateOf("plasticine", "matmul.tir").peakMacsPerCycle == 1024);
}
