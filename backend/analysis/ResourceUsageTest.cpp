#include "backend/analysis/ResourceUsage.h"

#include <doctest/doctest.h>

#include <limits>

using namespace acadlc;
using namespace acadlc::analysis;

namespace {

arch::ArchitectureGraph unitsAndRegisters() {
  arch::ArchitectureGraph graph;
  for (const char *name : {"pe[0].unit", "pe[1].unit", "registers"}) {
    arch::Object object;
    object.name = name;
    object.objectClass = arch::ObjectClass::FunctionalUnit;
    graph.objects.push_back(object);
  }
  graph.objects.back().objectClass = arch::ObjectClass::RegisterFile;
  return graph;
}

} // namespace

TEST_CASE("what the objects of a resource did is added up, and the busiest stands out") {
  const arch::ArchitectureGraph graph = unitsAndRegisters();
  auto resources = groupResources(graph, std::vector<ObjectCounts>(3));
  REQUIRE(resources);
  assignUsage(*resources, graph, {{{1, 30, 5, 0, 0}, {1, 50, 0, 3, 7}, {}}, 0});
  REQUIRE((*resources)[0].usage);
  CHECK(*(*resources)[0].usage == timing::ObjectUsage{2, 80, 5, 3, 7});
  CHECK((*resources)[0].mostBusy == 40);
  CHECK((*resources)[0].usage->idle(100) == 120);
  CHECK_FALSE((*resources)[1].usage); // nothing takes a register file
}

TEST_CASE("usages of streams are added, and what leaves the range is not known") {
  timing::Usage sum;
  REQUIRE(addUsage(sum, {{{4, 30, 5, 0, 1}}, 7}));
  REQUIRE(addUsage(sum, {{{4, 10, 0, 2, 1}}, 1}));
  CHECK(sum == timing::Usage{{{4, 40, 5, 2, 2}}, 8});
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK_FALSE(addUsage(sum, {{{4, most, 0, 0, 0}}, 0}));

  const arch::ArchitectureGraph graph = unitsAndRegisters();
  auto resources = groupResources(graph, std::vector<ObjectCounts>(3));
  assignUsage(*resources, graph, {{{1, most, 0, 0, 0}, {1, 1, 0, 0, 0}, {}}, 0});
  CHECK_FALSE((*resources)[0].usage);
}

TEST_CASE("what caches ask of storages below them is added up for those alone") {
  arch::ArchitectureGraph graph;
  for (const char *name : {"cache[0]", "cache[1]", "memory"}) {
    arch::Object object;
    object.name = name;
    object.objectClass = arch::ObjectClass::SetAssociativeCache;
    graph.objects.push_back(object);
  }
  graph.objects[0].lower = graph.objects[1].lower = 2;
  std::vector<ObjectCounts> counts(3);
  counts[0].uses = 1;
  auto resources = groupResources(graph, counts);
  REQUIRE(resources);
  CHECK_FALSE((*resources)[0].isBelowCaches);
  REQUIRE((*resources)[1].isBelowCaches);
  CHECK_FALSE((*resources)[1].lower); // not known yet
  timing::Usage sum;
  const timing::Usage layer{
      {{1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}}, 0, {{}, {}, {3, 1, 48, 16}}};
  REQUIRE(addUsage(sum, layer));
  REQUIRE(addUsage(sum, layer));
  assignUsage(*resources, graph, sum);
  CHECK((*resources)[1].lower == timing::LowerTraffic{6, 2, 96, 32});
  CHECK_FALSE((*resources)[0].lower);
}
