#include "ir/Program.h"

#include "support/InternalError.h"

#include <doctest/doctest.h>

#include <utility>

namespace acadlc::program {

namespace {

using Kind = Expression::Kind;
using Values = std::vector<std::int64_t>;

Step emit(std::uint32_t index) { return {Step::Kind::Emit, index}; }
Step repeat(std::uint32_t index) { return {Step::Kind::Repeat, index}; }

Instruction work(std::int64_t macs, std::int64_t ops) {
  Instruction instruction;
  instruction.macs = macs;
  instruction.ops = ops;
  return instruction;
}

/// emit 0; repeat 0 (3 times: 10, 12, 14) { repeat 1 (2 times: 0, −1) { emit 1 } emit 0 }
Program nested() {
  Program program;
  program.instructions = {work(1, 2), work(3, 5)};
  program.repeats = {{10, 2, 3, 1, 0, {}}, {0, -1, 2, 2, 1, {}}};
  program.regions = {{{emit(0), repeat(0)}}, {{repeat(1), emit(0)}}, {{emit(1)}}};
  program.maxDepth = 2;
  return program;
}

/// All instances as (instruction, loop values).
std::vector<std::pair<InstructionId, Values>> walk(const Program &program) {
  std::vector<std::pair<InstructionId, Values>> result;
  InstructionStream stream(program);
  for (Instance instance; stream.next(instance);) {
    CHECK(instance.index == static_cast<std::int64_t>(result.size()));
    CHECK(instance.instruction == &program.instructions[instance.id]);
    result.emplace_back(instance.id,
                        Values(instance.loopValues.begin(), instance.loopValues.end()));
  }
  return result;
}

} // namespace

TEST_CASE("the stream walks loops in order with their values") {
  const std::vector<std::pair<InstructionId, Values>> expected = {
      {0, {}},       {1, {10, 0}}, {1, {10, -1}}, {0, {10}},     {1, {12, 0}},
      {1, {12, -1}}, {0, {12}},    {1, {14, 0}},  {1, {14, -1}}, {0, {14}}};
  CHECK(walk(nested()) == expected);
}

TEST_CASE("the stream tells its loops and skips iterations of one") {
  const Program program = nested();
  InstructionStream stream(program);
  std::vector<InstructionStream::Loop> loops;
  Instance instance;
  stream.next(instance);
  stream.findLoops(loops);
  CHECK(loops.empty());
  for (int i = 0; i < 2; ++i)
    stream.next(instance); // the second trip of the inner loop in the first of the outer
  stream.findLoops(loops);
  REQUIRE(loops.size() == 2);
  CHECK(loops[0].repeat == 0);
  CHECK(loops[0].iteration == 0);
  CHECK(loops[1].repeat == 1);
  CHECK(loops[1].iteration == 1);
  const std::int64_t entry = loops[1].entry;
  // Two trips of the outer loop: 3 instructions and 2 trips of the inner one each.
  stream.skip(0, 2, 6, 4, instance);
  CHECK(instance.index == 8);
  CHECK(instance.kernelIteration == 5);
  CHECK(Values(instance.loopValues.begin(), instance.loopValues.end()) == Values{14, -1});
  stream.findLoops(loops);
  CHECK(loops[0].iteration == 2);
  CHECK(loops[1].entry == entry);
  REQUIRE(stream.next(instance));
  CHECK(instance.index == 9);
  CHECK(Values(instance.loopValues.begin(), instance.loopValues.end()) == Values{14});
  CHECK_FALSE(stream.next(instance));
}

TEST_CASE("the stream has ended for good when it ends") {
  const Program program = nested();
  InstructionStream stream(program);
  Instance instance;
  while (stream.next(instance)) {
  }
  CHECK_FALSE(stream.next(instance));
}

TEST_CASE("programs without instructions end at once") {
  CHECK(walk(Program{}).empty());
  Program program = nested();
  program.regions[0].steps = {repeat(0)};
  program.repeats[0].count = 0;
  CHECK(walk(program).empty());
  // Trips around nothing are not walked.
  program.repeats[0].count = INT64_MAX;
  program.regions[1].steps = {repeat(1)};
  program.regions[2].steps.clear();
  CHECK(walk(program).empty());
}

TEST_CASE("regions may be shared by repeats") {
  Program program = nested();
  program.repeats.push_back({100, 1, 1, 1, 0, {}});
  program.regions[0].steps.push_back(repeat(2));
  const auto instances = walk(program);
  CHECK(instances.size() == 13);
  CHECK(instances.back() == std::pair<InstructionId, Values>{0, {100}});
}

TEST_CASE("totals multiply through loops") {
  const std::optional<Program::Totals> totals = nested().totals();
  REQUIRE(totals.has_value());
  CHECK(totals->instructions == 10);
  CHECK(totals->macs == 4 * 1 + 6 * 3);
  CHECK(totals->ops == 4 * 2 + 6 * 5);
  CHECK(totals->kernelIterations == 6);
  CHECK(Program{}.totals()->instructions == 0);
}

TEST_CASE("totals notice overflow, but not of loops that never run") {
  Program program = nested();
  program.repeats[0].count = INT64_MAX;
  CHECK_FALSE(program.totals().has_value());
  program.repeats[0].count = INT64_MAX / 16;
  program.repeats[1].count = 1;
  CHECK(program.totals().has_value());
  program.instructions[1].macs = 17;
  CHECK_FALSE(program.totals().has_value());
  program.repeats[0].count = 0;
  CHECK(program.totals()->instructions == 1);
}

TEST_CASE("totals of many levels of shared regions are computed once each") {
  Program program;
  program.instructions = {work(1, 1)};
  program.regions.resize(31);
  program.regions[30].steps = {emit(0)};
  for (std::uint32_t depth = 0; depth < 30; ++depth) {
    program.repeats.push_back({0, 1, 2, depth + 1, depth, {}});
    program.regions[depth].steps = {repeat(depth), repeat(depth)};
  }
  CHECK(program.totals()->instructions == std::int64_t{1} << 60);
}

TEST_CASE("addresses are sums of terms and a rest") {
  Program program;
  program.expressions = {
      {Kind::LoopValue, 1, 0, 0}, {Kind::Constant, 4, 0, 0}, {Kind::FloorModulo, 0, 0, 1}};
  Address address;
  address.constant = 1000;
  address.terms = {{0, 16}, {1, -2}};
  const Values values = {3, -5};
  CHECK(program.evaluate(address, values) == 1000 + 48 + 10);
  address.hasRest = true;
  address.rest = 2;
  CHECK(program.evaluate(address, values) == 1000 + 48 + 10 + 3);
}

TEST_CASE("expressions evaluate") {
  Program program;
  program.expressions = {{Kind::LoopValue, 0, 0, 0}, {Kind::Constant, 3, 0, 0}};
  const auto value = [&program](Kind kind, std::int64_t left) {
    program.expressions.resize(2);
    program.expressions.push_back({kind, 0, 0, 1});
    return program.evaluate(2, Values{left});
  };
  CHECK(value(Kind::Add, -7) == -4);
  CHECK(value(Kind::Subtract, -7) == -10);
  CHECK(value(Kind::Multiply, -7) == -21);
  CHECK(value(Kind::FloorDivide, -7) == -3);
  CHECK(value(Kind::FloorModulo, -7) == 2);
  CHECK(value(Kind::Min, -7) == -7);
  CHECK(value(Kind::Max, -7) == 3);
  CHECK(value(Kind::Add, INT64_MAX) == INT64_MIN + 2);
  program.expressions[1].value = 0;
  CHECK_THROWS_AS(value(Kind::FloorDivide, 1), InternalError);
}

} // namespace acadlc::program
