// Loops that lowering has written out come back, and the stream stays what it was.

#include "backend/aidg/occupation/LoopRolling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace acadlc::aidg {

namespace {

/// The stream as text: operations and addresses.
std::vector<std::string> write(const program::Program &program) {
  std::vector<std::string> lines;
  program::InstructionStream stream(program);
  for (program::Instance instance; stream.next(instance);) {
    std::string line = instance.instruction->operation;
    for (const program::MemoryOperand &operand : instance.instruction->memory)
      line += " " + std::to_string(program.evaluate(operand.address, instance.loopValues));
    lines.push_back(std::move(line));
  }
  return lines;
}

/// A program that is written out step by step.
struct Straight {
  program::Program program;

  Straight() {
    program.routes.emplace_back();
    program.regions.emplace_back();
  }
  void emit(const std::string &operation, std::int64_t address) {
    add(0, instruction(operation, address));
  }
  program::Instruction instruction(const std::string &operation, std::int64_t address) {
    program::Instruction added;
    added.operation = operation;
    added.memory.emplace_back();
    added.memory.back().bytes = 4;
    added.memory.back().address.constant = address;
    return added;
  }
  void add(program::RegionId region, program::Instruction added) {
    program.regions[region].steps.push_back(
        {program::Step::Kind::Emit, static_cast<std::uint32_t>(program.instructions.size())});
    program.instructions.push_back(std::move(added));
  }
  /// A loop of \p count stores, 8 bytes apart, from \p address on.
  void repeat(std::int64_t count, std::int64_t address) {
    const auto body = static_cast<program::RegionId>(program.regions.size());
    program.regions.emplace_back();
    program.regions[0].steps.push_back(
        {program::Step::Kind::Repeat, static_cast<std::uint32_t>(program.repeats.size())});
    program.repeats.push_back({0, 1, count, body, 0, {}});
    program.maxDepth = 1;
    program::Instruction store = instruction("store", address);
    store.memory.back().address.terms = {{0, 8}};
    add(body, std::move(store));
  }
};

} // namespace

TEST_CASE("rolling: steps that are all different stay") {
  Straight straight;
  for (int i = 0; i != 20; ++i)
    straight.emit("op" + std::to_string(i), 0);
  CHECK_FALSE(rollLoops(straight.program));
}

TEST_CASE("rolling: thousands of like steps without a rule are gone through in no time") {
  Straight straight;
  std::int64_t address = 1;
  for (int i = 0; i != 20'000; ++i) {
    straight.emit("op", address);
    address = address * 48271 % 2147483647;
  }
  CHECK_FALSE(rollLoops(straight.program));
}

TEST_CASE("rolling: addresses that do not change evenly make no loop") {
  Straight straight;
  for (int i = 0; i != 20; ++i)
    straight.emit("op", i * i);
  CHECK_FALSE(rollLoops(straight.program));
}

TEST_CASE("rolling: two halves in turn are a loop of period 2") {
  Straight straight;
  for (int i = 0; i != 9; ++i)
    straight.emit("load", i % 2 * 4096 + i / 2 * 16);
  const auto rolled = rollLoops(straight.program);
  REQUIRE(rolled);
  REQUIRE(rolled->program.repeats.size() == 1);
  CHECK(rolled->program.repeats[0].count == 4); // and the ninth
  CHECK(rolled->kernelTrips == std::vector<std::int64_t>{0});
  CHECK(write(rolled->program) == write(straight.program));
}

TEST_CASE("rolling: nests come back as nests, with remainders and the loops within") {
  Straight straight;
  for (int i = 0; i != 6; ++i) {
    straight.emit("begin", 1000 * i);
    for (int j = 0; j != 7; ++j) {
      straight.emit("load", 1000 * i + 10 * j);
      straight.repeat(3, 5000 * i + 100 * j);
    }
    straight.emit("end", 7 * i);
  }
  straight.emit("last", 0);
  const auto rolled = rollLoops(straight.program);
  REQUIRE(rolled);
  CHECK(rolled->program.maxDepth == 3);
  CHECK(write(rolled->program) == write(straight.program));
  CHECK(rolled->program.instructions.size() == 5);
  // The outermost counts 7 · 3 trips of the innermost in an iteration.
  CHECK(std::ranges::count(rolled->kernelTrips, 21) == 1);
}

TEST_CASE("rolling: an address that nobody writes to may go where it likes") {
  Straight straight;
  for (int i = 0; i != 8; ++i) {
    program::Instruction added = straight.instruction("load", i * i);
    added.memory.back().mayConflict = false;
    added.makesRequests = false;
    straight.add(0, std::move(added));
  }
  CHECK(rollLoops(straight.program));
}

TEST_CASE("rolling: what expands to something else is something else") {
  Straight straight;
  for (int i = 0; i != 8; ++i) {
    const auto body = static_cast<program::RegionId>(straight.program.regions.size());
    straight.program.regions.emplace_back();
    straight.add(body, straight.instruction("row", i == 5 ? 64 : 0));
    program::Instruction added = straight.instruction("tile", 0);
    program::Phase phase;
    phase.kind = program::Phase::Kind::Expansion;
    phase.body = body;
    added.phases.push_back(phase);
    straight.add(0, std::move(added));
  }
  const auto rolled = rollLoops(straight.program);
  REQUIRE(rolled);
  REQUIRE(rolled->program.repeats.size() == 1);
  CHECK(rolled->program.repeats[0].count == 5);
  CHECK(write(rolled->program) == write(straight.program));
}

} // namespace acadlc::aidg
