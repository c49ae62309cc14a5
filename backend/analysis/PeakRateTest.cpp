#include "backend/analysis/PeakRate.h"

#include <doctest/doctest.h>

using namespace acadlc;
using namespace acadlc::analysis;

namespace {

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

TEST_CASE("the peak of an operation with phases is that of its longest one") {
  using arch::ObjectClass;
  arch::ArchitectureGraph graph;
  graph.objects = {unit(ObjectClass::FunctionalUnit, {"compute"}, 1, 0), {}};
  graph.objects[1].objectClass = ObjectClass::Channel;
  graph.objects[1].channel.width = 128;
  graph.objects[1].channel.interval = 2;
  program::Instruction compute = work("compute", 4096, 1);
  program::Phase feed, fed;
  feed.kind = program::Phase::Kind::Message;
  feed.channels = {1};
  feed.bits = 15 * 128 + 1; // 16 words of 2 cycles
  fed.kind = program::Phase::Kind::Occupation;
  fed.object = 0;
  fed.cycles = 3;
  compute.phases = {feed, fed};
  PeakRate peak;
  peak.add(compute);
  CHECK(peak.macsPerCycle(graph) == doctest::Approx(128));
}

TEST_CASE("a unit that states its peak counts with that, whatever the network emits") {
  using arch::ObjectClass;
  arch::ArchitectureGraph graph;
  graph.objects = {unit(ObjectClass::FunctionalUnit, {"fold"}, 1, 0),
                   unit(ObjectClass::FunctionalUnit, {"mac"}, 1, 0)};
  PeakRate peak;
  peak.addOpen("fold");
  peak.add(work("mac", 1, 1), false);
  peak.add(work("fold", 60, 10));
  CHECK(peak.macsPerCycle(graph) == doctest::Approx(7));
  CHECK(peak.dependsOnNetwork(graph));
  graph.objects[0].peakMacs = 256;
  CHECK(peak.macsPerCycle(graph) == doctest::Approx(257));
  CHECK_FALSE(peak.dependsOnNetwork(graph));
}
