#include "backend/analysis/DataDependences.h"

#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <set>

namespace acadlc::analysis {

namespace {

program::Instruction accessing(std::int64_t low, std::int64_t bytes, bool isWrite) {
  program::Instruction instruction;
  program::MemoryOperand operand;
  operand.memory = operand.storage = 0;
  operand.address.constant = low;
  operand.bytes = bytes;
  operand.isWrite = isWrite;
  instruction.memory.push_back(operand);
  return instruction;
}

std::vector<std::size_t> add(DataDependences &dependences,
                             const program::Instruction &instruction) {
  program::Instance instance;
  instance.instruction = &instruction;
  return dependences.add({}, instance);
}

using Writers = std::vector<std::size_t>;

} // namespace

TEST_CASE("who reads a register depends on its last writer alone") {
  program::Instruction writing, reading, both;
  writing.writes = {3};
  reading.reads = {3, 4};
  both.reads = both.writes = {3};
  DataDependences dependences;
  CHECK(add(dependences, reading).empty());
  CHECK(add(dependences, writing).empty());
  CHECK(add(dependences, reading) == Writers{1});
  CHECK(add(dependences, both) == Writers{1});
  CHECK(add(dependences, both) == Writers{3});
  CHECK(add(dependences, reading) == Writers{4});
}

TEST_CASE("addresses that are relative to those of another instruction are not known") {
  program::Instruction writing = accessing(0, 8, true);
  program::Instruction reading = accessing(0, 8, false);
  reading.memory.front().base = 0;
  DataDependences dependences;
  add(dependences, writing);
  CHECK(add(dependences, reading).empty());
}

TEST_CASE("random accesses: who reads a byte depends on who wrote it last") {
  constexpr std::int64_t size = 40;
  auto generator = test::propertyGenerator(0);
  std::uniform_int_distribution<std::int64_t> at(0, size - 1), length(1, 9);
  std::bernoulli_distribution writes(0.5);
  for (std::size_t round = 0; round != test::propertyCases(20); ++round) {
    DataDependences dependences;
    std::vector<std::optional<std::size_t>> lastOf(size + 10); // by byte
    for (std::size_t number = 0; number != 200; ++number) {
      const std::int64_t low = at(generator), bytes = length(generator);
      const bool isWrite = writes(generator);
      std::set<std::size_t> expected;
      for (std::int64_t byte = low; byte != low + bytes; ++byte) {
        std::optional<std::size_t> &last = lastOf[static_cast<std::size_t>(byte)];
        if (isWrite)
          last = number;
        else if (last)
          expected.insert(*last);
      }
      CHECK(add(dependences, accessing(low, bytes, isWrite)) ==
            Writers(expected.begin(), expected.end()));
    }
  }
}

} // namespace acadlc::analysis
