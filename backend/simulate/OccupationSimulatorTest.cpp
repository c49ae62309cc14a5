#include "backend/simulate/OccupationSimulator.h"

#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <limits>

namespace acadlc::simulate {

namespace {

using arch::ObjectId;
using test::CaseBuilder;

/// A fetch stage, a stage and a unit.
struct OneUnit : CaseBuilder {
  ObjectId first = arch::noObject, unit = arch::noObject;
  OneUnit() {
    fetch({4, 8, 0, 1, 0});
    first = stage(1, {fetchStage()});
    unit = functionalUnit(first, 1);
  }
};

} // namespace

TEST_CASE("occupations: simulate() goes to the simulator that knows what is used") {
  OneUnit b;
  program::Instruction &instruction = b.emit({b.first}, b.unit);
  test::addPhase(instruction, test::delay(3));
  test::addPhase(instruction, test::delay(4));
  // Fetched at 1, in the unit at 2. (As one without phases: 3.)
  CHECK(simulate(b.graph(), b.program()).cycles == 9);
}

TEST_CASE("occupations: an empty stream takes no time") {
  OneUnit b;
  const timing::Evaluation evaluation = simulateOccupations(b.graph(), b.program());
  CHECK(evaluation.completed());
  CHECK(evaluation.cycles == 0);
}

TEST_CASE("occupations: a time beyond 64 bits is an overflow") {
  OneUnit b;
  program::Instruction &instruction = b.emit({b.first}, b.unit);
  test::addPhase(instruction, test::delay(std::numeric_limits<std::int64_t>::max() - 10));
  test::addPhase(instruction, test::delay(20));
  const timing::Evaluation evaluation = simulateOccupations(b.graph(), b.program());
  CHECK(evaluation.overflow);
  CHECK_FALSE(evaluation.deadlock.has_value());
}

TEST_CASE("occupations: the limit counts fetched instructions, not those emitted") {
  OneUnit b;
  const ObjectId target = b.stage(1, {b.first});
  const ObjectId targetUnit = b.functionalUnit(target, 1);
  const program::RegionId nest = b.beginNest(b.first);
  b.beginRepeat(5);
  b.emit({target}, targetUnit);
  b.endRepeat();
  b.endNest();
  b.beginRepeat(3);
  test::addPhase(b.emit({b.first}, b.unit), test::expanding(nest));
  b.endRepeat();
  std::int64_t observed = 0;
  SimulateOptions options;
  options.maxInstructions = 2;
  options.observer = [&](const program::Instance &, const timing::InstructionTimes &) {
    ++observed;
  };
  const timing::Evaluation evaluation = simulateOccupations(b.graph(), b.program(), options);
  CHECK(evaluation.limitReached);
  CHECK_FALSE(evaluation.deadlock.has_value());
  CHECK(evaluation.instructions == 2);
  CHECK(observed == 2 * (1 + 5));
}

TEST_CASE("occupations: loop values and addresses of what is emitted are those of its nest") {
  OneUnit b;
  const ObjectId target = b.stage(1, {b.first});
  const ObjectId targetUnit = b.functionalUnit(target, 1);
  const program::RegionId nest = b.beginNest(b.first);
  b.beginRepeat(2, 10, 5);
  b.emit({target}, targetUnit);
  b.endRepeat();
  b.endNest();
  test::addPhase(b.emit({b.first}, b.unit), test::expanding(nest));
  std::vector<std::vector<std::int64_t>> values, places;
  SimulateOptions options;
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &) {
    values.emplace_back(instance.loopValues.begin(), instance.loopValues.end());
    places.emplace_back(instance.emission.begin(), instance.emission.end());
    CHECK(instance.index == 0);
  };
  CHECK(simulateOccupations(b.graph(), b.program(), options).completed());
  CHECK(values == std::vector<std::vector<std::int64_t>>{{}, {10}, {15}});
  CHECK(places == std::vector<std::vector<std::int64_t>>{{}, {1}, {2}});
}

} // namespace acadlc::simulate
