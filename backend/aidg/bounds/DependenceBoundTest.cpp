// What dependences alone take, in cycles worked out by hand, for trip counts that nobody could go
// through.

#include "backend/aidg/bounds/DependenceBound.h"

#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

using namespace acadlc;
using namespace acadlc::aidg;
using test::CaseBuilder;

namespace {

constexpr std::int64_t many = std::int64_t{1} << 40;

/// A load unit, an adder of 3 cycles and a multiplier of 5, each behind a stage of its own.
struct Machine : CaseBuilder {
  Machine() {
    fetch({});
    loadStage = stage(1, {fetchStage()});
    addStage = stage(1, {fetchStage()});
    multiplyStage = stage(1, {fetchStage()});
    memory = sram(4);
    load = accessUnit(loadStage, 1, {memory});
    adder = functionalUnit(addStage, 3);
    multiplier = functionalUnit(multiplyStage, 5);
    registers(8);
  }

  void emitAdd(const std::vector<arch::RegisterId> &reads,
               const std::vector<arch::RegisterId> &writes) {
    emit({addStage}, adder, reads, writes).latency = 3;
  }
  void emitMultiply(const std::vector<arch::RegisterId> &reads,
                    const std::vector<arch::RegisterId> &writes) {
    emit({multiplyStage}, multiplier, reads, writes).latency = 5;
  }
  /// Four bytes, at \p address and \p stride further on with each iteration of the innermost loop.
  void emitAccess(std::int64_t address, std::int64_t stride, bool isWrite, arch::RegisterId data) {
    program::Instruction &instruction =
        isWrite ? emit({loadStage}, load, {data}, {}) : emit({loadStage}, load, {}, {data});
    instruction.latency = 1;
    instruction.makesRequests = true;
    program::MemoryOperand operand = access(memory, address, 4, isWrite);
    if (stride != 0)
      operand.address.terms.push_back({depth() - 1, stride});
    instruction.memory.push_back(operand);
  }

  arch::ObjectId loadStage, addStage, multiplyStage, memory, load, adder, multiplier;
};

void checkBound(Machine &machine, std::int64_t cycles, bool isLeast = false) {
  const auto bound = boundByDependences(machine.graph(), machine.program());
  REQUIRE(bound);
  CHECK(bound->cycles == cycles);
  CHECK(bound->isLeast == isLeast);
}

/// Of a loop each iteration of which reads four bytes and writes those from \p written on, all
/// \p stride further on each time: each access is behind the one before.
void checkReadAndWrite(std::int64_t written, std::int64_t stride) {
  Machine machine;
  machine.beginRepeat(many);
  machine.emitAccess(0, stride, false, 0);
  machine.emitAccess(written, stride, true, 0);
  machine.endRepeat();
  checkBound(machine, 10 * many);
}

} // namespace

TEST_CASE("dependences alone: an empty stream takes no cycles") {
  Machine machine;
  checkBound(machine, 0);
}

TEST_CASE("dependences alone: what waits for nobody takes its own latency") {
  Machine machine;
  machine.emitAdd({}, {0});
  machine.emitMultiply({}, {1});
  checkBound(machine, 5);
}

TEST_CASE("dependences alone: a sum waits for itself, in each iteration") {
  Machine machine;
  machine.beginRepeat(many);
  machine.emitAdd({0, 1}, {0});
  machine.endRepeat();
  checkBound(machine, 3 * many);
}

TEST_CASE("dependences alone: who reads and who writes again wait for one another") {
  Machine machine;
  machine.beginRepeat(many);
  machine.emitMultiply({}, {1});
  machine.emitAdd({1}, {2}); // 5 + 3, then 1 is free again
  machine.endRepeat();
  checkBound(machine, 8 * many);
}

TEST_CASE("dependences alone: a fast chain overtakes one that leads in the middle of a loop") {
  for (const std::int64_t trips : {1'000'000L, 1'499'999L, 1'500'001L, 2'000'000L, many}) {
    Machine machine;
    machine.beginRepeat(1'000'000);
    machine.emitAdd({0}, {0});
    machine.endRepeat();
    machine.beginRepeat(trips);
    machine.emitAdd({0}, {0});
    machine.emitMultiply({1}, {1});
    machine.endRepeat();
    machine.emitAdd({0, 1}, {2});
    checkBound(machine, std::max(3'000'000 + 3 * trips, 5 * trips) + 3);
  }
}

TEST_CASE("dependences alone: periods of two iterations, in nested loops") {
  Machine machine;
  machine.beginRepeat(many / 1000);
  machine.beginRepeat(1000);
  machine.emitAdd({0}, {1});
  machine.emitMultiply({1}, {0});
  machine.endRepeat();
  machine.emitAdd({0}, {0});
  machine.endRepeat();
  checkBound(machine, (many / 1000) * (8 * 1000 + 3));
}

TEST_CASE("dependences alone: a sum in memory") {
  Machine machine;
  machine.beginRepeat(many);
  machine.emitAccess(0, 0, false, 0); // 1 + 4
  machine.emitAdd({0}, {0});
  machine.emitAccess(0, 0, true, 0);
  machine.endRepeat();
  checkBound(machine, (5 + 3 + 5) * many);
}

TEST_CASE("dependences alone: what the last iteration wrote is read, further on each time") {
  checkReadAndWrite(4, 4);
}

TEST_CASE("dependences alone: a fast chain overtakes others one behind the other, through memory") {
  constexpr std::int64_t lead = 1'000'000, trips = 2'000'000, tail = 1'000'000'000;
  constexpr std::int64_t second = std::int64_t{1} << 30, third = std::int64_t{1} << 31;
  Machine machine;
  machine.beginRepeat(lead);
  machine.emitAdd({2, 3, 4}, {2, 3, 4});
  machine.endRepeat();
  machine.beginRepeat(trips, 1);
  machine.emitMultiply({1}, {1});
  machine.emitMultiply({1}, {1});
  machine.emitAccess(0, 8, true, 1);
  machine.emitAccess(0, 8, false, 2);
  machine.emitAccess(second, 8, true, 2);
  machine.emitAccess(second - 8, 8, false, 3); // of the iteration before
  machine.emitAccess(third, 8, true, 3);
  machine.emitAccess(third - 8, 8, false, 4);
  machine.endRepeat();
  machine.beginRepeat(tail);
  machine.emitAdd({4}, {4});
  machine.endRepeat();
  std::int64_t one = 0, two = 3 * lead, three = two, four = two, storedTwo = 0, storedThree = 0;
  for (std::int64_t trip = 0; trip != trips; ++trip) {
    one += 15;
    two = std::max(two, one) + 10;
    three = std::max(three, storedTwo) + 10;
    four = std::max(four, storedThree) + 5;
    storedTwo = two;
    storedThree = three;
  }
  CHECK(four > 15 * (trips - 3)); // it was overtaken
  checkBound(machine, four + 3 * tail);
}

TEST_CASE("dependences alone: bytes that a loop around comes back to") {
  const auto comeBack = [](std::int64_t trips, std::int64_t stride) {
    Machine machine;
    machine.beginRepeat(3);
    machine.beginRepeat(trips);
    machine.emitAccess(0, stride, true, 0);
    machine.endRepeat();
    machine.endRepeat();
    return *boundByDependences(machine.graph(), machine.program());
  };
  CHECK(comeBack(100, 4).cycles == 15);
  CHECK_FALSE(comeBack(100, 4).isLeast);
  CHECK(comeBack(many, 0).cycles == 15 * many);
  CHECK(comeBack(many, 4).cycles == 5); // too many bytes to remember
  CHECK(comeBack(many, 4).isLeast);
}

TEST_CASE("dependences alone: each byte is read and written once, registers wait") {
  checkReadAndWrite(0, 8);
}

TEST_CASE("dependences alone: what a long loop leaves behind in memory is not followed") {
  Machine machine;
  machine.beginRepeat(many);
  machine.emitAccess(0, 4, true, 0); // wait for nobody: 5
  machine.endRepeat();
  machine.beginRepeat(many);
  machine.emitAccess(0, 4, false, 1); // each behind its store and, by its register, the load before
  machine.endRepeat();
  const auto bound = boundByDependences(machine.graph(), machine.program());
  REQUIRE(bound);
  CHECK(bound->isLeast);
  CHECK(bound->cycles == 5 * many);
}
