// docs/report.md, "Busy, waiting, idle". What stands in brackets in a comment is where the cycles
// come from.

#include "backend/aidg/Estimator.h"
#include "backend/simulate/Simulator.h"
#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::ObjectId;
using timing::ObjectUsage;

namespace {

struct Result {
  timing::Usage usage;
  std::int64_t cycles = 0;
};

/// What the simulator counts and the estimator adds up, which must be the same.
Result usageOf(CaseBuilder &builder) {
  simulate::SimulateOptions simulating;
  simulating.countUsage = true;
  const timing::Evaluation counted =
      simulate::simulate(builder.graph(), builder.program(), simulating);
  aidg::EstimateOptions estimating;
  estimating.countUsage = true;
  const timing::Evaluation added = aidg::estimate(builder.graph(), builder.program(), estimating);
  REQUIRE(counted.usage);
  REQUIRE(added.usage);
  CHECK(*counted.usage == *added.usage);
  return {*counted.usage, counted.cycles};
}

void check(const ObjectUsage &usage, const ObjectUsage &expected) {
  CHECK(usage.places == expected.places);
  CHECK(usage.taken == expected.taken);
  CHECK(usage.operands == expected.operands);
  CHECK(usage.requests == expected.requests);
  CHECK(usage.next == expected.next);
}

} // namespace

TEST_CASE("usage: an instruction waits in its unit for operands") {
  Lanes b;
  b.registers(1);
  const Lanes::Lane first = b.lane(4), second = b.lane(3);
  b.emit({first.stage}, first.unit, {}, {0});
  b.emit({second.stage}, second.unit, {0}, {});
  const Result result = usageOf(b);
  CHECK(result.cycles == 9); // both enter at 2, the second starts at 6
  check(result.usage.objects[first.unit], {1, 4, 0, 0, 0});
  check(result.usage.objects[second.unit], {1, 7, 4, 0, 0});
  CHECK(result.usage.objects[second.unit].busy() == 3);
  CHECK(result.usage.objects[second.unit].idle(result.cycles) == 2);
  check(result.usage.objects[second.stage], {1, 1, 0, 0, 0});
  CHECK(result.usage.buffered == 0); // both are issued as they arrive
}

TEST_CASE("usage: an instruction waits in a stage for the object that it enters next") {
  Lanes b;
  const Lanes::Lane lane = b.lane(4);
  b.emitTo(lane);
  b.emitTo(lane);
  const Result result = usageOf(b);
  CHECK(result.cycles == 10);
  check(result.usage.objects[lane.stage], {1, 5, 0, 0, 3}); // 1 to 2, then 2 to 6, done at 3
  check(result.usage.objects[lane.unit], {1, 8, 0, 0, 0});
  CHECK(result.usage.buffered == 1); // the second, from 1 to 2
  check(result.usage.objects[b.fetchStage()], {1, 1, 0, 0, 0});
}

TEST_CASE("usage: an instruction waits in its unit for its request to be granted") {
  Lanes b;
  const ObjectId memory = b.sram(5);
  ObjectId units[2];
  for (ObjectId &unit : units) {
    const ObjectId stage = b.stage(1, {b.fetchStage()});
    unit = b.accessUnit(stage, 1, {memory});
    program::Instruction &load = b.emit({stage}, unit);
    load.memory.push_back(b.access(memory, 0, 4, false));
    load.makesRequests = true;
  }
  const Result result = usageOf(b);
  CHECK(result.cycles == 13); // both ask at 3; one is served to 8, the other from then to 13
  check(result.usage.objects[units[0]], {1, 6, 0, 0, 0});
  check(result.usage.objects[units[1]], {1, 11, 0, 5, 0});
  check(result.usage.objects[memory], {1, 10, 0, 0, 0});
}

TEST_CASE("usage: a unit is busy while phases are under way, wherever they lie") {
  Lanes b;
  const Lanes::Lane lane = b.lane(), other = b.lane();
  program::Instruction &holds = b.emitTo(other);
  addPhase(holds, on(other.unit, 10));
  program::Instruction &delays = b.emitTo(lane);
  addPhase(delays, on(lane.unit, 3));
  addPhase(delays, on(other.unit, 4)).after = {program::phaseEnd(0)};
  addPhase(delays, on(lane.unit, 2)).after = {program::phaseEnd(1)};
  const Result result = usageOf(b);
  CHECK(result.cycles == 18); // 2 to 5; from 12, when the other unit is free, to 16; to 18
  check(result.usage.objects[lane.unit], {1, 16, 0, 0, 7});
  check(result.usage.objects[other.unit], {1, 14, 0, 0, 0});
}

TEST_CASE("usage: a delay in a step keeps a mesh busy, that stands in its queue waits") {
  Lanes b;
  const ObjectId front = b.queue(8, {b.fetchStage()});
  const Lanes::Lane mesh = b.laneBehind(front);
  b.object(mesh.unit).steps = {{{"compute"}, {}, {}}};
  for (int i = 0; i < 2; ++i) {
    program::Instruction &compute = b.emitTo(mesh, "", {front});
    compute.operation = "compute";
    addPhase(compute, delay(20));
  }
  const Result result = usageOf(b);
  CHECK(result.cycles == 43); // in the queue at 1 and 2, in the unit at 3 and 23
  check(result.usage.objects[mesh.unit], {1, 40, 0, 0, 0});
  check(result.usage.objects[front], {8, 2 + 21, 0, 0, 2 + 21});
  check(result.usage.objects[mesh.stage], {1, 0, 0, 0, 0}); // a window on the queue
}

TEST_CASE("usage: a unit that expands works where it hands on") {
  Lanes b;
  const ObjectId stage = b.stage(1, {b.fetchStage()});
  const ObjectId unit = b.functionalUnit(stage, 2);
  const Lanes::Lane slow = b.laneBehind(stage, 10);
  const program::RegionId nest = b.beginNest(stage);
  b.beginRepeat(3);
  b.emitTo(slow, "row");
  b.endRepeat();
  b.endNest();
  addPhase(b.emit({stage}, unit), expanding(nest));
  const Result result = usageOf(b);
  CHECK(result.cycles == 35);
  // It is in the unit at 2 and hands on at 4, 5 and, when the stage is free, 15.
  check(result.usage.objects[unit], {1, 13, 0, 0, 9});
  check(result.usage.objects[slow.unit], {1, 30, 0, 0, 0});
}

TEST_CASE("usage: a channel is busy for an interval a word") {
  Lanes b;
  const ObjectId bus = b.channel(5, 3);
  const Lanes::Lane lane = b.lane();
  addPhase(b.emitTo(lane), over({bus}, 4 * 8));
  const Result result = usageOf(b);
  CHECK(result.cycles == 2 + 3 * 3 + 5); // words at 2, 5, 8 and 11
  check(result.usage.objects[bus], {1, 12, 0, 0, 0});
}

TEST_CASE("usage: what is taken beyond the end does not count") {
  Lanes b;
  const ObjectId bus = b.channel(1, 8);
  addPhase(b.emitTo(b.lane()), over({bus}, 8));
  const Result result = usageOf(b);
  CHECK(result.cycles == 3);
  check(result.usage.objects[bus], {1, 1, 0, 0, 0}); // it would accept again at 10
}

} // namespace acadlc::test
