#include "backend/analysis/Roofline.h"

#include <doctest/doctest.h>

#include <limits>

using namespace acadlc;
using namespace acadlc::analysis;
using arch::ObjectClass;

namespace {

arch::Object object(const char *name, ObjectClass objectClass) {
  arch::Object result;
  result.name = name;
  result.objectClass = objectClass;
  return result;
}

arch::Object memory(const char *name, ObjectClass objectClass, std::int64_t bits,
                    std::int64_t words, std::int64_t slots, std::int64_t latency) {
  arch::Object result = object(name, objectClass);
  result.dataWidth = bits;
  result.portWidth = words;
  result.maxConcurrentRequests = result.readWritePorts = slots;
  result.readLatency = result.writeLatency = latency;
  return result;
}

/// Object 0 computes, 1 and 2 are one level, 3 is another, 4 a channel.
arch::ArchitectureGraph machine() {
  arch::ArchitectureGraph graph;
  graph.objects = {object("unit", ObjectClass::FunctionalUnit),
                   memory("bank[0]", ObjectClass::SRAM, 32, 4, 1, 2),
                   memory("bank[1]", ObjectClass::SRAM, 32, 4, 2, 2),
                   memory("dram", ObjectClass::DRAM, 64, 1, 1, 4),
                   object("bus", ObjectClass::Channel)};
  graph.objects[4].channel.width = 12;
  graph.objects[4].channel.interval = 3;
  graph.finish();
  return graph;
}

program::MemoryOperand access(arch::ObjectId storage, std::int64_t bytes) {
  program::MemoryOperand operand;
  operand.storage = operand.memory = storage;
  operand.bytes = bytes;
  return operand;
}

/// \p count times the one instruction.
program::Program repeated(program::Instruction instruction, std::int64_t count) {
  program::Program program;
  program.routes.push_back({{}, 0, arch::noObject});
  program.instructions.push_back(std::move(instruction));
  program.regions = {{{{program::Step::Kind::Repeat, 0}}}, {{{program::Step::Kind::Emit, 0}}}};
  program.repeats.push_back({0, 1, count, 1, 0, {}});
  program.maxDepth = 1;
  return program;
}

} // namespace

TEST_CASE("memory levels: objects that differ in indices add their bandwidths up") {
  arch::ArchitectureGraph graph = machine();
  const auto levels = memoryLevels(graph);
  REQUIRE(levels.size() == 3);
  CHECK(levels[0].object == "bank[*]");
  CHECK(levels[0].objects == 2);
  CHECK(levels[0].bytesPerCycle == 24); // 16 bytes in 2 cycles, in three slots
  CHECK(!levels[0].isAtMost);
  CHECK(levels[1].bytesPerCycle == 2);
  CHECK(levels[1].isAtMost);
  CHECK(levels[2].bytesPerCycle == 0.5);
}

TEST_CASE("memory levels: what stands behind a cache, and latencies that differ") {
  arch::ArchitectureGraph graph = machine();
  arch::Object cache = object("cache", ObjectClass::SetAssociativeCache);
  cache.lineSize = 64;
  cache.hitLatency = 2;
  cache.missLatency = 9;
  cache.lower = 3;
  graph.objects.push_back(cache);
  graph.objects[1].writeLatency = 1;
  const auto levels = memoryLevels(graph);
  REQUIRE(levels.size() == 4);
  CHECK(levels[0].isAtMost);
  CHECK(levels[0].bytesPerCycle == 32);
  CHECK(levels[1].isBelowCache);
  CHECK(!levels[3].isBelowCache);
  CHECK(levels[3].isAtMost);
  CHECK(levels[3].bytesPerCycle == 32);
}

TEST_CASE("traffic of a stream is that of its loops, whatever their trip count") {
  program::Instruction instruction;
  instruction.latency = 3;
  instruction.macs = 8;
  instruction.memory = {access(1, 4), access(2, 6), access(3, 1)};
  const auto traffic = countTraffic(machine(), repeated(instruction, 1'000'000'000'000));
  REQUIRE(traffic);
  CHECK(traffic->levels[0].bytes == 10'000'000'000'000);
  CHECK(traffic->levels[1].bytes == 1'000'000'000'000);
  CHECK(!traffic->levels[2].isUsed());
  CHECK(!traffic->levels[0].isUnserved);
  CHECK(traffic->macCycles == 3'000'000'000'000);
  instruction.memory = {access(1, std::numeric_limits<std::int64_t>::max() / 2)};
  CHECK(!countTraffic(machine(), repeated(instruction, 3)));
}

TEST_CASE("accesses without a request use no bandwidth; channels carry whole words") {
  program::Instruction instruction;
  instruction.memory = {access(1, 4)};
  instruction.makesRequests = false;
  program::Phase message;
  message.kind = program::Phase::Kind::Message;
  message.channels = {4};
  message.bits = 13; // two words of 12 bits
  program::Phase occupation;
  occupation.kind = program::Phase::Kind::Occupation;
  occupation.object = 3;
  occupation.cycles = 7;
  instruction.phases = {message, occupation};
  const auto traffic = countTraffic(machine(), repeated(instruction, 2));
  REQUIRE(traffic);
  CHECK(traffic->levels[0].bytes == 8);
  CHECK(traffic->levels[0].isUnserved);
  CHECK(traffic->levels[1].isUnserved);
  CHECK(traffic->levels[2].bytes == 6);
  CHECK(!traffic->levels[2].isUnserved);
}

TEST_CASE(
    "the roofline is the longer of computation and memory, the refined one counts edge tiles") {
  const arch::ArchitectureGraph graph = machine();
  StreamTraffic traffic;
  traffic.levels.resize(3);
  traffic.macCycles = 30;
  const OperandBytes operands[] = {{1, 24 * 10}, {2, 24 * 10}, {3, 8}}; // 20 and 4 cycles
  auto simple = estimateSimply(graph, traffic, operands, 100, 4);       // 25 cycles
  REQUIRE(simple);
  CHECK(simple->roofline == 25);
  CHECK(simple->refined == 30);
  CHECK(!simple->isComputationAlone);
  simple = estimateSimply(graph, traffic, operands, 60, 4); // the memory is longer: no refinement
  REQUIRE(simple);
  CHECK(simple->roofline == 20);
  CHECK(simple->refined == 20);
  // Element-wise sums have no macs; the peak need not be known.
  CHECK(estimateSimply(graph, traffic, operands, 0, 0)->roofline == 20);
  // Macs that no operation states are not 0 cycles.
  CHECK(!estimateSimply(graph, traffic, operands, 60, 0));
  CHECK(!estimateSimply(graph, traffic, {}, 0, 4));
  traffic.levels[1].isUnserved = true;
  simple = estimateSimply(graph, traffic, operands, 60, 4);
  REQUIRE(simple);
  CHECK(simple->isComputationAlone);
  CHECK(simple->roofline == 15);
}
