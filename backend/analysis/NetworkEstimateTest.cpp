#include "backend/analysis/NetworkEstimate.h"

#include "backend/analysis/PeakRate.h"

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

arch::Object unit(arch::ObjectClass objectClass, std::vector<std::string> operations,
                  std::int64_t latency, std::int64_t interval) {
  arch::Object object;
  object.objectClass = objectClass;
  object.toProcess = std::move(operations);
  object.latency = latency;
  object.initiationInterval = interval;
  return object;
}

program::Instruction work(const char *operation, std::int64_t macs, std::int64_t latency) {
  program::Instruction instruction;
  instruction.operation = operation;
  instruction.macs = macs;
  instruction.latency = latency;
  return instruction;
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
  CHECK(estimate.cyclesLower() == 100);
  estimate.layers[0].guarantee = Guarantee::Bounded;
  REQUIRE(summarize(estimate));
  CHECK(!estimate.cyclesUpper());
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
  const auto bound = networkBound(estimate);
  REQUIRE(bound);
  CHECK(bound->kind == BoundKind::Compute);
  CHECK(bound->object == "pe");
  CHECK(bound->share == doctest::Approx(0.6));
  estimate.layers[0].bound.reset();
  CHECK(!networkBound(estimate));
}

TEST_CASE("the peak is the best operation of each unit") {
  using arch::ObjectClass;
  arch::ArchitectureGraph graph;
  graph.objects = {unit(ObjectClass::FunctionalUnit, {"mac", "gemm"}, 2, 0),
                   unit(ObjectClass::FunctionalUnit, {"mac"}, 4, 2),
                   unit(ObjectClass::FunctionalUnit, {"add"}, 1, 0),
                   unit(ObjectClass::MemoryAccessUnit, {"load"}, 1, 0)};
  PeakRate peak;
  CHECK(peak.macsPerCycle(graph) == 0);
  peak.add(work("mac", 1, 1), false); // the units' own latencies: 1/2 + 1/2
  CHECK(peak.macsPerCycle(graph) == doctest::Approx(1));
  peak.add(work("gemm", 64, 16));
  peak.add(work("gemm", 32, 16));
  peak.add(work("add", 0, 1));
  CHECK(peak.macsPerCycle(graph) == doctest::Approx(4.5));
}
