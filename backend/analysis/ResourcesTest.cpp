#include "backend/analysis/Resources.h"

#include <doctest/doctest.h>

#include <limits>

using namespace acadlc;
using namespace acadlc::analysis;

namespace {

arch::Object object(const char *name, arch::ObjectClass objectClass) {
  arch::Object result;
  result.name = name;
  result.objectClass = objectClass;
  return result;
}

ObjectCounts counts(std::int64_t uses, std::int64_t work, std::int64_t operations = 0,
                    std::int64_t operands = 0) {
  ObjectCounts result;
  result.uses = uses;
  result.work = work;
  result.operations = operations;
  result.operands = operands;
  return result;
}

} // namespace

TEST_CASE("objects of an array are one resource, with the work of the busiest") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("pe[0].unit", arch::ObjectClass::FunctionalUnit),
                   object("pe[1].unit", arch::ObjectClass::FunctionalUnit),
                   object("pe[2].unit", arch::ObjectClass::FunctionalUnit)};
  const auto resources = groupResources(graph, std::vector{counts(3, 30, 3), counts(5, 50, 5), {}});
  REQUIRE(resources);
  REQUIRE(resources->size() == 1);
  const Resource &resource = resources->front();
  CHECK(resource.object == "pe[*].unit");
  CHECK(resource.objects == 3);
  CHECK(resource.used == 2);
  CHECK(resource.sum.uses == 8);
  CHECK(resource.sum.work == 80);
  CHECK(resource.leastCycles == 50);
  CHECK(resource.kind == BoundKind::Compute);
}

TEST_CASE("slots of a storage and the instructions of a step work at the same time") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("memory", arch::ObjectClass::SRAM),
                   object("mesh", arch::ObjectClass::FunctionalUnit)};
  graph.objects[0].maxConcurrentRequests = 4;
  graph.objects[0].readWritePorts = 2;
  graph.objects[1].steps = {{{"compute", "preload"}, {}, {}}};
  const auto resources = groupResources(graph, std::vector{counts(7, 21), counts(4, 40, 4)});
  REQUIRE(resources);
  CHECK((*resources)[0].leastCycles == 11);
  CHECK((*resources)[1].leastCycles == 20);
}

TEST_CASE("a limit of each kind and one of each storage, largest first; units that move data are "
          "memory") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("add", arch::ObjectClass::FunctionalUnit),
                   object("load", arch::ObjectClass::FunctionalUnit),
                   object("memory", arch::ObjectClass::SRAM),
                   object("file", arch::ObjectClass::RegisterFile),
                   object("idle", arch::ObjectClass::FunctionalUnit),
                   object("buffer[0]", arch::ObjectClass::SRAM),
                   object("buffer[1]", arch::ObjectClass::SRAM),
                   object("unused", arch::ObjectClass::SRAM)};
  const auto resources = groupResources(graph, std::vector{counts(10, 20, 10),
                                                           counts(5, 90, 0, 5),
                                                           counts(5, 60),
                                                           counts(9, 0),
                                                           {},
                                                           counts(1, 7),
                                                           counts(1, 8),
                                                           counts(1, 0)});
  REQUIRE(resources);
  const std::vector<SoleLimit> limits = soleLimits(*resources);
  REQUIRE(limits.size() == 4);
  CHECK(limits[0].kind == BoundKind::Memory);
  CHECK(limits[0].object == "load");
  CHECK(limits[0].cycles == 90);
  CHECK(limits[1].kind == BoundKind::Memory);
  CHECK(limits[1].object == "memory");
  CHECK(limits[2].kind == BoundKind::Compute);
  CHECK(limits[2].cycles == 20);
  CHECK(limits[3].object == "buffer[*]");
  CHECK(limits[3].cycles == 8);
  CHECK_FALSE((*resources)[4].kind);
}

TEST_CASE("what computes has its row, also where a unit without operations has more to do") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("multiply", arch::ObjectClass::FunctionalUnit),
                   object("hand", arch::ObjectClass::FunctionalUnit)};
  auto resources = groupResources(graph, std::vector{counts(9, 20, 9), counts(9, 50)});
  REQUIRE(resources);
  std::vector<SoleLimit> limits = soleLimits(*resources);
  REQUIRE(limits.size() == 2);
  CHECK(limits[0].object == "hand");
  CHECK(limits[1].object == "multiply");
  resources = groupResources(graph, std::vector{counts(9, 60, 9), counts(9, 50)});
  REQUIRE(resources);
  limits = soleLimits(*resources);
  REQUIRE(limits.size() == 1);
  CHECK(limits[0].object == "multiply");
}

TEST_CASE(
    "what instructions only pass is no computation; what multiplies is, wherever its phases are") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("decode", arch::ObjectClass::PipelineStage),
                   object("read", arch::ObjectClass::ExecuteStage),
                   object("multiply", arch::ObjectClass::FunctionalUnit)};
  ObjectCounts multiply = counts(4, 0, 64);
  multiply.macCycles = 30;
  const auto resources = groupResources(graph, std::vector{counts(9, 50), counts(9, 40), multiply});
  REQUIRE(resources);
  const std::vector<SoleLimit> limits = soleLimits(*resources);
  REQUIRE(limits.size() == 2);
  CHECK(limits[0].kind == BoundKind::Stage);
  CHECK(limits[0].object == "decode");
  CHECK(limits[1].kind == BoundKind::Compute);
  CHECK(limits[1].object == "multiply");
  CHECK(limits[1].cycles == 30);
}

TEST_CASE("sums that leave the 64-bit range are refused") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  arch::ArchitectureGraph graph;
  graph.objects = {object("a[0]", arch::ObjectClass::FunctionalUnit),
                   object("a[1]", arch::ObjectClass::FunctionalUnit)};
  CHECK_FALSE(groupResources(graph, std::vector{counts(1, most), counts(1, 1)}));
  std::vector<ObjectCounts> sum;
  CHECK(addCounts(sum, std::vector{counts(1, most)}));
  CHECK(sum.size() == 1);
  CHECK_FALSE(addCounts(sum, std::vector{counts(1, 1)}));
}

TEST_CASE("a storage that only a cache asks has a part, too") {
  arch::ArchitectureGraph graph;
  graph.objects = {object("cache", arch::ObjectClass::SetAssociativeCache),
                   object("memory", arch::ObjectClass::SRAM),
                   object("spare", arch::ObjectClass::SRAM)};
  graph.objects[0].lower = 1;
  const auto resources = groupResources(graph, std::vector{counts(7, 21), counts(0, 0), {}});
  REQUIRE(resources);
  CHECK((*resources)[1].used == 1);
  CHECK((*resources)[1].sum.uses == 0);
  CHECK((*resources)[2].used == 0);
}
