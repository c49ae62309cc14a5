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
  const auto levels = memoryLevels(graph, {});
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
  const auto levels = memoryLevels(graph, {});
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
  CHECK(!traffic->levels[1].isUsed()); // a phase on it that moves nothing
  CHECK(traffic->levels[2].bytes == 6);
  CHECK(!traffic->levels[2].isUnserved);
}

TEST_CASE("phases on a storage say its bandwidth, by the instruction that moves most in a cycle") {
  arch::ArchitectureGraph graph = machine();
  program::Instruction instruction;
  instruction.makesRequests = false;
  instruction.memory = {access(1, 40)};
  program::Phase occupation;
  occupation.kind = program::Phase::Kind::Occupation;
  occupation.object = 1;
  occupation.cycles = 5;
  instruction.phases = {occupation};
  const auto fast = countTraffic(graph, repeated(instruction, 2));
  instruction.phases[0].cycles = 7;
  const auto slow = countTraffic(graph, repeated(instruction, 2));
  REQUIRE(fast);
  REQUIRE(slow);
  CHECK(!fast->levels[0].isUnserved);
  const auto levels = memoryLevels(graph, std::vector{*slow, *fast});
  CHECK(levels[0].bytesPerCycle == 16); // 8 at each of its two objects
  CHECK(levels[0].isAtMost);
  CHECK(limitingLevel(levels, slow->levels) == 0);
  const auto simple = estimateSimply(levels, *slow, 0, 0);
  REQUIRE(simple);
  CHECK(simple->roofline == 5); // 80 bytes
  // Another stream asks it by requests.
  instruction.phases.clear();
  instruction.makesRequests = true;
  const auto asked = countTraffic(graph, repeated(instruction, 1));
  REQUIRE(asked);
  CHECK(memoryLevels(graph, std::vector{*asked, *fast})[0].bytesPerCycle == 8 + 16);
}

TEST_CASE("bytes are those of the traffic view: gaps and what is handed on do not count") {
  program::Instruction instruction;
  instruction.memory = {access(1, 40)};
  instruction.memory[0].gaps = 30;
  const auto traffic = countTraffic(machine(), repeated(instruction, 3));
  REQUIRE(traffic);
  CHECK(traffic->levels[0].bytes == 30);
}

TEST_CASE("what multiplies keeps its unit until its part in a step is over") {
  arch::ArchitectureGraph graph = machine();
  graph.objects[0].steps = {{{"mac"}, {}, {}}};
  program::Instruction instruction;
  instruction.operation = "mac";
  instruction.macs = 8;
  program::Phase message, delay, own;
  message.kind = program::Phase::Kind::Message;
  message.channels = {4};
  message.bits = 13; // two words, 3 cycles each
  delay.cycles = 9;
  own.kind = program::Phase::Kind::Occupation;
  own.object = 0;
  const auto cycles = [&](std::vector<program::Phase> phases) {
    instruction.phases = std::move(phases);
    const auto traffic = countTraffic(graph, repeated(instruction, 2));
    REQUIRE(traffic);
    return traffic->macCycles;
  };
  CHECK(cycles({message}) == 12);
  CHECK(cycles({message, delay}) == 18);
  // With a part of its own, even of no cycles, nothing else keeps the unit.
  CHECK(cycles({message, delay, own}) == 12);
  own.cycles = 10;
  CHECK(cycles({message, delay, own}) == 20);
}

TEST_CASE(
    "the roofline is the longer of computation and memory, the refined one counts edge tiles") {
  const auto levels = memoryLevels(machine(), {}); // 24, 2 and 0.5 bytes a cycle
  StreamTraffic traffic;
  traffic.levels.resize(3);
  traffic.levels[0].bytes = 480; // 20 cycles
  traffic.levels[1].bytes = 8;   // 4 cycles
  traffic.macCycles = 30;
  auto simple = estimateSimply(levels, traffic, 100, 4); // 25 cycles
  REQUIRE(simple);
  CHECK(simple->roofline == 25);
  CHECK(simple->refined == 30);
  CHECK(!simple->isComputationAlone);
  simple = estimateSimply(levels, traffic, 60, 4); // the memory is longer: no refinement
  REQUIRE(simple);
  CHECK(simple->roofline == 20);
  CHECK(simple->refined == 20);
  // Element-wise sums have no macs; the peak need not be known.
  CHECK(estimateSimply(levels, traffic, 0, 0)->roofline == 20);
  // Macs that no operation states are not 0 cycles.
  CHECK(!estimateSimply(levels, traffic, 60, 0));
  CHECK(!estimateSimply(levels, {{{}, {}, {}}, 0}, 0, 4));
  traffic.levels[0].isUnserved = true; // the other level counts
  CHECK(estimateSimply(levels, traffic, 0, 0)->roofline == 4);
  traffic.levels[1].isUnserved = true;
  simple = estimateSimply(levels, traffic, 60, 4);
  REQUIRE(simple);
  CHECK(simple->isComputationAlone);
  CHECK(simple->roofline == 15);
}
