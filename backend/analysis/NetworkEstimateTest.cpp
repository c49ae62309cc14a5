#include "backend/analysis/NetworkEstimate.h"

#include <doctest/doctest.h>

#include <limits>

using namespace acadlc;
using namespace acadlc::analysis;

namespace {

LayerEstimate layer(std::int64_t cycles, timing::Guarantee guarantee, std::optional<Bound> bound) {
  LayerEstimate result;
  result.cycles = cycles;
  result.macs = cycles;
  result.guarantee = guarantee;
  result.bound = std::move(bound);
  return result;
}

} // namespace

TEST_CASE("a network has the sum of cycles and the weakest guarantee") {
  using timing::Guarantee;
  NetworkEstimate estimate;
  estimate.peakMacsPerCycle = 4;
  estimate.clockHz = 100e6;
  estimate.layers = {layer(30, Guarantee::Exact, std::nullopt),
                     layer(70, Guarantee::Certified, std::nullopt)};
  REQUIRE(summarize(estimate));
  CHECK(estimate.cycles == 100);
  CHECK(estimate.guarantee == Guarantee::Certified);
  CHECK(estimate.layers[0].utilisation == 0.25);
  CHECK(estimate.seconds() == 1e-6);
  CHECK(estimate.bounds.lower == 100);
  CHECK(estimate.bounds.upper == 100);
}

TEST_CASE("bounds of layers add up, and no number stands in for cycles that are not known") {
  using timing::Guarantee;
  NetworkEstimate estimate;
  estimate.peakMacsPerCycle = 4;
  estimate.clockHz = 100e6;
  estimate.layers = {layer(30, Guarantee::Exact, Bound{"memory", BoundKind::Memory, 1}),
                     layer(0, Guarantee::Bounded, Bound{"memory", BoundKind::Memory, 1})};
  estimate.layers[1].bounds = {50, 90, true};
  estimate.layers[1].macs = 70;
  REQUIRE(summarize(estimate));
  CHECK(estimate.guarantee == Guarantee::Bounded);
  CHECK(estimate.bounds.lower == 80);
  CHECK(estimate.bounds.upper == 120);
  CHECK(estimate.bounds.ifCompletes);
  CHECK(estimate.bounds.ratio() == 1.5);
  CHECK(estimate.bounds.isUseful());
  CHECK(!estimate.seconds());
  CHECK(estimate.layers[0].utilisation == 0.25);
  CHECK(!estimate.layers[1].utilisation);
  CHECK(!networkBound(estimate));
  estimate.layers[1].bounds.upper = std::numeric_limits<std::int64_t>::max();
  CHECK(!summarize(estimate));
}

TEST_CASE("a sum of cycles beyond 64 bits is refused") {
  NetworkEstimate estimate;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  estimate.layers = {layer(most, timing::Guarantee::Exact, std::nullopt),
                     layer(1, timing::Guarantee::Exact, std::nullopt)};
  CHECK(!summarize(estimate));
}

TEST_CASE("a network is bound as most of its cycles are") {
  NetworkEstimate estimate;
  const auto exact = timing::Guarantee::Exact;
  estimate.layers = {layer(40, exact, Bound{"memory", BoundKind::Memory, 1}),
                     layer(35, exact, Bound{"pe", BoundKind::Compute, 1}),
                     layer(25, exact, Bound{"adder", BoundKind::Compute, 1})};
  REQUIRE(summarize(estimate));
  const auto found = networkBound(estimate);
  REQUIRE(found);
  CHECK(found->bound.kind == BoundKind::Compute);
  CHECK(found->bound.object == "pe");
  CHECK(found->bound.share == doctest::Approx(0.6));
  CHECK(!found->isPartial);
  // Another layer could be what decides it.
  estimate.layers[0].boundIsPartial = true;
  CHECK(networkBound(estimate)->isPartial);
  estimate.layers[0].bound.reset();
  CHECK(!networkBound(estimate));
}
