// Jumps at loops within what an instruction expands to: when they are taken, and where they end.

#include "tests/property/CaseBuilder.h"
#include "tests/property/Evaluators.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::aidg {

namespace {

using test::CaseBuilder;

/// A unit that expands, with two lanes behind it and a memory.
struct Fixture {
  CaseBuilder builder;
  arch::ObjectId expander = arch::noObject, expanderStage = arch::noObject;
  arch::ObjectId firstStage = arch::noObject, first = arch::noObject;
  arch::ObjectId secondStage = arch::noObject, second = arch::noObject;
  arch::ObjectId memory = arch::noObject;
  std::vector<program::Phase> phases;

  Fixture() {
    builder.fetch({});
    expanderStage = builder.stage(1, {builder.fetchStage()});
    expander = builder.functionalUnit(expanderStage, 1);
    firstStage = builder.stage(1, {expanderStage});
    first = builder.functionalUnit(firstStage, 3);
    secondStage = builder.stage(1, {expanderStage});
    second = builder.functionalUnit(secondStage, 2);
    memory = builder.sram(1);
  }

  /// Adds a phase, side by side with the others, that hands on what \p emitAll emits, two at a
  /// time: so another one has its turn when they wait.
  template <typename EmitAll> void addStream(EmitAll emitAll) {
    const program::RegionId nest = builder.beginNest(expanderStage);
    emitAll();
    builder.endNest();
    phases.push_back(test::expanding(nest));
    phases.back().name = "stream" + std::to_string(phases.size());
    phases.back().outstanding = 2;
  }
  program::Instruction &emitFirst() { return builder.emit({firstStage}, first); }
  program::Instruction &emitSecond() { return builder.emit({secondStage}, second); }
  /// Four bytes at \p address, and \p stride further in each iteration.
  [[nodiscard]] program::MemoryOperand access(std::int64_t address, std::int64_t stride,
                                              bool isWrite) const {
    program::MemoryOperand operand = builder.access(memory, address, 4, isWrite);
    if (stride != 0)
      operand.address.terms = {{0, stride}};
    return operand;
  }

  /// Four bytes \p offset behind the first operand of who expands, \p stride further in each
  /// iteration.
  [[nodiscard]] program::MemoryOperand within(std::int64_t offset, std::int64_t stride,
                                              bool isWrite) const {
    program::MemoryOperand operand = access(offset, stride, isWrite);
    operand.base = 0;
    return operand;
  }

  /// Emits an instruction with the streams so far, and with \p operands.
  void expand(std::vector<program::MemoryOperand> operands) {
    program::Instruction &instruction = builder.emit({expanderStage}, expander);
    instruction.phases = std::exchange(phases, {});
    instruction.memory = std::move(operands);
  }

  /// The evaluation, which must have the simulator's cycles.
  timing::Evaluation evaluate() {
    if (!phases.empty())
      expand({});
    const timing::Evaluation simulated =
        test::runOccupations(builder.graph(), builder.program(), nullptr);
    timing::Evaluation evaluated =
        test::runExtrapolatedOccupations(builder.graph(), builder.program(), nullptr);
    REQUIRE(!simulated.deadlock);
    CHECK(evaluated.cycles == simulated.cycles);
    return evaluated;
  }
};

} // namespace

TEST_CASE("expansion search: a loop within an expansion is certified") {
  Fixture fixture;
  fixture.addStream([&] {
    fixture.builder.beginRepeat(1000);
    fixture.emitFirst();
    fixture.builder.endRepeat();
  });
  const timing::Evaluation evaluation = fixture.evaluate();
  CHECK(evaluation.guarantee == timing::Guarantee::Certified);
  REQUIRE(evaluation.certificates.size() == 1);
  CHECK(evaluation.certificates[0].isInExpansion());
  CHECK(evaluation.certificates[0].k0 < 20);
  CHECK(evaluation.certificates[0].cyclesPerPeriod == 3 * evaluation.certificates[0].period);
  CHECK(evaluation.certificates[0].periods == 0);
}

TEST_CASE("expansion search: reports number what is emitted as if nothing had been left out") {
  Fixture fixture;
  const arch::ObjectId pool = fixture.builder.queue(1);
  fixture.addStream([&] {
    fixture.builder.beginRepeat(1000);
    fixture.emitFirst();
    fixture.builder.endRepeat();
    program::Instruction &stuck = fixture.emitFirst(); // one entry is not enough
    stuck.phases = {test::on(fixture.first, 1)};
    stuck.phases[0].holding = {{pool, program::completedEvent}, {pool, program::completedEvent}};
  });
  fixture.builder.emit({fixture.expanderStage}, fixture.expander).phases = fixture.phases;
  const timing::Evaluation evaluation =
      test::runExtrapolatedOccupations(fixture.builder.graph(), fixture.builder.program(), nullptr);
  CHECK(!evaluation.certificates.empty());
  REQUIRE(evaluation.deadlock);
  const auto &waits = evaluation.deadlock->waits;
  CHECK(std::ranges::any_of(waits, [](const timing::Wait &wait) {
    return wait.instruction.find("(instruction 0.1001)") != std::string::npos;
  }));
}

TEST_CASE("expansion search: a short loop is evaluated") {
  Fixture fixture;
  fixture.addStream([&] {
    fixture.builder.beginRepeat(7);
    fixture.emitFirst();
    fixture.builder.endRepeat();
  });
  CHECK(fixture.evaluate().guarantee == timing::Guarantee::Exact);
}

TEST_CASE("expansion search: two streams go on in lock step, one reading what the other writes") {
  Fixture fixture;
  fixture.addStream([&] {
    fixture.builder.beginRepeat(400);
    fixture.emitFirst().memory = {fixture.access(0, 4, true)};
    fixture.builder.endRepeat();
  });
  fixture.addStream([&] {
    fixture.builder.beginRepeat(400);
    fixture.emitSecond().memory = {fixture.access(0, 4, false)};
    fixture.builder.endRepeat();
  });
  const timing::Evaluation evaluation = fixture.evaluate();
  CHECK(evaluation.cycles < 2000); // one behind the other: 2800
  REQUIRE(!evaluation.certificates.empty());
  CHECK(evaluation.certificates[0].isInExpansion());
  CHECK(evaluation.certificates[0].k0 < 40);
}

TEST_CASE("expansion search: addresses of one class that move differently do not recur") {
  Fixture fixture;
  fixture.addStream([&] {
    fixture.builder.beginRepeat(100);
    fixture.emitFirst().memory = {fixture.access(0, 4, true)};
    fixture.emitFirst().memory = {fixture.access(0, 8, true)};
    fixture.builder.endRepeat();
  });
  CHECK(fixture.evaluate().guarantee == timing::Guarantee::Exact);
}

TEST_CASE("expansion search: the operand that a loop goes through stands") {
  for (const bool isWritten : {false, true}) {
    CAPTURE(isWritten);
    Fixture fixture;
    fixture.addStream([&] {
      fixture.builder.beginRepeat(1000);
      fixture.emitFirst().memory = {fixture.within(0, 4, isWritten)};
      fixture.builder.endRepeat();
    });
    fixture.expand({fixture.builder.access(fixture.memory, 64, 4000, isWritten)});
    const timing::Evaluation evaluation = fixture.evaluate();
    REQUIRE(evaluation.certificates.size() == 1);
    CHECK(evaluation.certificates[0].isInExpansion());
    CHECK(evaluation.certificates[0].k0 < 20);
    CHECK(evaluation.certificates[0].periods == 0);
  }
}

TEST_CASE("expansion search: rows behind one another in one operand, by several that expand") {
  Fixture fixture;
  for (int tile = 0; tile != 4; ++tile) {
    fixture.addStream([&] {
      fixture.builder.beginRepeat(500);
      fixture.emitFirst().memory = {fixture.within(0, 4, true)};
      fixture.builder.endRepeat();
    });
    fixture.expand({fixture.builder.access(fixture.memory, 0, 2000, true)});
  }
  CHECK(fixture.evaluate().certificates.size() == 4);
}

namespace {

/// Beside the last rows of an instruction that expands, and whose operand of \p written bytes is
/// written, those of the next one: each reads four bytes, from \p first on, \p stride further.
timing::Evaluation evaluateBeside(std::int64_t written, std::int64_t first, std::int64_t stride) {
  Fixture fixture;
  fixture.builder.object(fixture.expander).maxConcurrentExpansions = 2;
  fixture.addStream([&] { fixture.emitSecond(); });
  fixture.addStream([&] {
    fixture.builder.beginRepeat(1000);
    fixture.emitSecond();
    fixture.builder.endRepeat();
  });
  fixture.expand({fixture.builder.access(fixture.memory, 0, written, true)});
  fixture.addStream([&] {
    fixture.builder.beginRepeat(200);
    fixture.emitFirst().memory = {fixture.within(first, stride, false)};
    fixture.builder.endRepeat();
  });
  fixture.expand({fixture.builder.access(fixture.memory, 0, 1000, false)});
  return fixture.evaluate();
}

} // namespace

TEST_CASE("expansion search: a jump ends at an operand of who is still under way") {
  // Row 100 is the first that awaits the end of the other.
  const timing::Evaluation evaluation = evaluateBeside(400, 800, -4);
  CHECK(evaluation.cycles > 2000 + 3 * 90);
  REQUIRE(!evaluation.certificates.empty());
  const timing::Certificate &first = evaluation.certificates[0];
  CHECK(first.isInExpansion());
  CHECK(first.periods != 0);
}

TEST_CASE("expansion search: rows beside an operand of who is still under way go on") {
  const timing::Evaluation evaluation = evaluateBeside(100, 100, 4);
  CHECK(evaluation.cycles < 2000 + 3 * 90);
  REQUIRE(!evaluation.certificates.empty());
  CHECK(evaluation.certificates[0].k0 < 40);
}

TEST_CASE("expansion search: a jump ends before what a phase beside is still to write") {
  // Byte 200 is written behind the loop of the first stream; iteration 50 of the second awaits it.
  Fixture fixture;
  fixture.addStream([&] {
    fixture.builder.beginRepeat(100);
    fixture.emitFirst();
    fixture.builder.endRepeat();
    fixture.emitFirst().memory = {fixture.access(200, 0, true)};
  });
  fixture.addStream([&] {
    fixture.builder.beginRepeat(200);
    program::Instruction &reader = fixture.emitSecond();
    reader.memory = {fixture.access(0, 4, false)};
    reader.latency = 3;
    fixture.builder.endRepeat();
  });
  const timing::Evaluation evaluation = fixture.evaluate();
  CHECK(evaluation.cycles > 3 * (100 + 150));
  REQUIRE(evaluation.certificates.size() > 1);
  const timing::Certificate &first = evaluation.certificates[0];
  CHECK(first.isInExpansion());
  CHECK(first.periods != 0);
  CHECK(first.k0 + first.period * first.periods < 50);
}

} // namespace acadlc::aidg
