// What the normal form of a state tells apart, and what it does not.

#include "backend/aidg/occupation/OccupationNormalForm.h"

#include "backend/aidg/occupation/OccupationRepeats.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::aidg {

namespace {

using Form = std::vector<std::int64_t>;

/// A queue in front of a unit that stores, and the plan of a loop of such instructions, 16 bytes
/// apart.
struct Fixture {
  test::CaseBuilder builder;
  arch::ObjectId queue = arch::noObject, stage = arch::noObject, channel = arch::noObject;
  OccupationPlan plan;

  Fixture() {
    builder.fetch({});
    queue = builder.queue(4, {builder.fetchStage()});
    stage = builder.stage(2, {queue});
    const arch::ObjectId memory = builder.sram(3);
    const arch::ObjectId unit = builder.accessUnit(stage, 1, {memory});
    channel = builder.channel(2);
    builder.beginRepeat(10);
    program::MemoryOperand store = builder.access(memory, 0, 4, true);
    store.address.terms = {{0, 16}};
    builder.emit({queue, stage}, unit).memory = {store};
    builder.endRepeat();
    plan = makeOccupationPlan(builder.graph(), builder.program());
    planRepeats(plan);
  }

  /// A state at \p now in which the instructions \p first and \p first + 1 stand in the stage and
  /// in the queue.
  OccupationState stateAt(Cycle now, std::int64_t first) const {
    OccupationState state(plan);
    state.now = now;
    state.nextIndex = first + 2;
    state.flights.resize(3);
    state.ages.resize(3);
    state.phases.resize(std::size_t{3} * plan.maxPhases);
    state.addresses.resize(3);
    for (FlightId id = 1; id != 3; ++id) {
      state.flights[id].id = 0;
      state.flights[id].underWay = true;
      state.flights[id].position = id == 1 ? 2 : 1;
      state.ages[id] = first + id - 1;
      state.addresses[id] = 16 * state.ages[id];
      state.memories[plan.accesses[0].memory].push_back(
          {state.addresses[id], state.addresses[id] + 4, id, true, 0});
    }
    state.flights[1].ready = now + 2;
    state.objects[stage].occupant = 1;
    state.objects[queue].used = 1;
    state.objects[queue].buckets.push_back({0, {2}, -1});
    state.calendar.add(now, now + 2, {TimedEvent::Kind::StageDone, 1, 0});
    return state;
  }

  [[nodiscard]] Form form(const OccupationState &state, std::int64_t addressShift) const {
    Form key;
    OccupationNormalForm(plan).append(state, {addressShift}, key);
    return key;
  }
};

} // namespace

TEST_CASE("normal form: the loop's accesses move together") {
  const Fixture fixture;
  REQUIRE(fixture.plan.addressClassCount == 1);
  REQUIRE(fixture.plan.repeats[0].isShiftInvariant);
  CHECK(fixture.plan.repeats[0].stride == std::vector<std::int64_t>{16});
}

TEST_CASE("normal form: neither time nor progress nor slots show") {
  const Fixture fixture;
  const OccupationState early = fixture.stateAt(5, 0), late = fixture.stateAt(1000, 7);
  CHECK(fixture.form(early, 0) == fixture.form(late, 7 * 16));
  CHECK(fixture.form(early, 0) != fixture.form(late, 6 * 16));

  OccupationState moved = fixture.stateAt(5, 0);
  shift(moved, fixture.plan, 995, 7, {7 * 16});
  CHECK(fixture.form(moved, 7 * 16) == fixture.form(early, 0));
  CHECK(moved.now == late.now);
  CHECK(moved.nextIndex == late.nextIndex);
  CHECK(moved.calendar.next(moved.now) == late.calendar.next(late.now));

  // The same instructions in each other's slots.
  OccupationState swapped = fixture.stateAt(5, 0);
  std::swap(swapped.flights[1], swapped.flights[2]);
  std::swap(swapped.ages[1], swapped.ages[2]);
  std::swap(swapped.addresses[1], swapped.addresses[2]);
  std::vector<TimedEvent> events;
  swapped.calendar.take(7, events);
  swapped.calendar.add(5, 7, {TimedEvent::Kind::StageDone, 2, 0});
  for (MemoryUse &use : swapped.memories[fixture.plan.accesses[0].memory])
    use.flight = 3 - use.flight;
  swapped.objects[fixture.stage].occupant = 2;
  swapped.objects[fixture.queue].buckets[0].flights = {1};
  CHECK(fixture.form(swapped, 0) == fixture.form(early, 0));
}

TEST_CASE("normal form: what is over does not show") {
  const Fixture fixture;
  const OccupationState early = fixture.stateAt(100, 0);
  const auto leaves = [&](auto change) {
    OccupationState changed = fixture.stateAt(100, 0);
    change(changed);
    return fixture.form(changed, 0) == fixture.form(early, 0);
  };
  CHECK(leaves([&](OccupationState &state) { state.objects[fixture.queue].lastEntry = 100; }));
  CHECK(leaves(
      [&](OccupationState &state) { state.objects[fixture.queue].buckets[0].lastLeave = 100; }));
  CHECK(leaves([&](OccupationState &state) { state.flights[2].entry = 90; }));
  CHECK(leaves([](OccupationState &state) { state.channels[0].next = 101; }));
  CHECK(leaves([](OccupationState &state) { state.channels[0].lastSource = 1; }));
  CHECK(leaves([](OccupationState &state) { state.flights[1].times.issued = 99; }));
}

TEST_CASE("normal form: what later instructions can feel shows") {
  const Fixture fixture;
  const OccupationState early = fixture.stateAt(100, 0);
  const auto changes = [&](auto change) {
    OccupationState changed = fixture.stateAt(100, 0);
    change(changed);
    return fixture.form(changed, 0) != fixture.form(early, 0);
  };
  CHECK(changes([](OccupationState &state) { state.flights[1].ready = 103; }));
  CHECK(changes([](OccupationState &state) { state.channels[0].next = 102; }));
  CHECK(changes([](OccupationState &state) { ++state.nextIndex; }));
  CHECK(changes([](OccupationState &state) { --state.bufferFree; }));
  CHECK(changes([](OccupationState &state) { state.addresses[2] += 4; }));
  CHECK(changes([](OccupationState &state) { ++state.flights[2].hazardWaits; }));
  CHECK(changes([](OccupationState &state) { state.flights[2].visible = 1; }));
  CHECK(changes([&](OccupationState &state) { ++state.objects[fixture.queue].used; }));
  CHECK(changes([&](OccupationState &state) { state.nextDirty.push_back(fixture.queue); }));
  CHECK(changes([](OccupationState &state) {
    state.deferred.push_back({Deferred::Kind::Event, 1, program::issuedEvent});
  }));
  CHECK(changes([](OccupationState &state) {
    state.calendar.add(100, 1000, {TimedEvent::Kind::Finish, 2, 0});
  }));
}

} // namespace acadlc::aidg
