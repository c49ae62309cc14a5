// docs/timing.md, "Phase" and "Order within a cycle". A test's name quotes the section and the
// decision; what stands in brackets in a comment is the number that another decision would give.

#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::ObjectId;
using program::phaseEnd;

TEST_CASE("timing: Phase: an instruction whose phases lie elsewhere passes through its unit") {
  Lanes b;
  const auto lane = b.lane();
  for (int i = 0; i < 2; ++i)
    addPhase(b.emitTo(lane), delay(5));
  const auto times = occupationTimesOf(b);
  // 0 enters the unit and begins at 2; from 3 on the unit takes the next one. (Held to the end: 7.)
  CHECK(times.finished("0") == 7);
  CHECK(times.entered("1") == 3);
  CHECK(times.finished("1") == 8);
}

TEST_CASE("timing: Phase: the unit is held to the end of the last phase on it") {
  Lanes b;
  const auto lane = b.lane();
  for (int i = 0; i < 2; ++i) {
    program::Instruction &instruction = b.emitTo(lane);
    addPhase(instruction, delay(2));
    addPhase(instruction, on(lane.unit, 3));
    addPhase(instruction, delay(4));
  }
  const auto times = occupationTimesOf(b);
  // Unit [2, 7), the delay behind it to 11.
  CHECK(times.finished("0") == 11);
  CHECK(times.entered("1") == 7);
  CHECK(times.cycles == 16);
}

TEST_CASE("timing: Phase: phases with the same after run side by side") {
  Lanes b;
  const auto lane = b.lane();
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, on(lane.unit, 3));
  addPhase(instruction, delay(7)).after.clear(); // after issued: with the start
  addPhase(instruction, delay(2)).after = {phaseEnd(0), phaseEnd(1)};
  CHECK(occupationTimesOf(b).cycles == 2 + 7 + 2);
}

TEST_CASE("timing: Phase: an initiation interval does not count for phases") {
  Lanes b;
  const ObjectId stage = b.stage(1, {b.fetchStage()});
  const ObjectId unit = b.functionalUnit(stage, 8, 1);
  for (int i = 0; i < 2; ++i)
    addPhase(b.emit({stage}, unit), on(unit, 8));
  CHECK(occupationTimesOf(b).cycles == 18);
}

TEST_CASE("timing: Phase: on a storage takes one slot, without a request") {
  Lanes b;
  const auto one = b.lane(), other = b.lane();
  const ObjectId memory = b.sram(100);
  addPhase(b.emitTo(one), on(memory, 4));
  addPhase(b.emitTo(other), on(memory, 4));
  addPhase(b.emitTo(other), delay(1));
  const auto times = occupationTimesOf(b);
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 10);
  // It waits for the unit, until the first phase of 1 has begun at 6.
  CHECK(times.entered("2") == 7);
}

TEST_CASE("timing: Phase: a phase and a request compete for a slot by age") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId memory = b.sram(3);
  const ObjectId stage = b.stage(1, {b.fetchStage()});
  const ObjectId access = b.accessUnit(stage, 1, {memory});
  program::Instruction &load = b.emit({stage}, access);
  load.memory = {b.access(memory, 0, 4, false)};
  program::Instruction &phased = b.emitTo(lane);
  addPhase(phased, delay(1));
  addPhase(phased, on(memory, 2));
  const auto times = occupationTimesOf(b);
  // Both want the slot at 3: the older load has [3, 6), the phase [6, 8).
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 8);
}

TEST_CASE("timing: Phase: program_order, only instructions that have a phase on it count") {
  Lanes b;
  const auto slow = b.lane(1, 10), fast = b.lane();
  const ObjectId memory = b.sram(1);
  b.object(memory).arbitration = arch::Arbitration::ProgramOrder;
  addPhase(b.emitTo(slow), on(memory, 2));
  addPhase(b.emitTo(fast), on(memory, 2));
  // 0 is in its unit at 11 and has the slot to 13. (Oldest first: 4.)
  CHECK(occupationTimesOf(b).finished("1") == 15);
}

TEST_CASE("timing: Phase: two phases on the same object do not release it between them") {
  const auto finishOf = [](std::int64_t between) {
    Lanes b;
    const auto late = b.lane(1, 3), early = b.lane();
    const ObjectId memory = b.sram(1);
    addPhase(b.emitTo(late), on(memory, 2)); // wants the slot from 4 on
    program::Instruction &instruction = b.emitTo(early);
    addPhase(instruction, on(memory, 3));
    if (between > 0)
      addPhase(instruction, delay(between));
    addPhase(instruction, on(memory, 3));
    return occupationTimesOf(b).finished("0");
  };
  CHECK(finishOf(0) == 2 + 3 + 3 + 2); // (Released in between: 7.)
  CHECK(finishOf(1) == 2 + 3 + 2);
}

TEST_CASE("timing: Phase: holding an object until an event of the instruction") {
  const auto finishOf = [](program::EventId until) {
    Lanes b;
    const auto one = b.lane(), other = b.lane();
    const ObjectId memory = b.sram(1);
    program::Instruction &holder = b.emitTo(one);
    addPhase(holder, delay(4)).holding = {{memory, until}};
    addPhase(holder, delay(3));
    addPhase(b.emitTo(other), on(memory, 1));
    return occupationTimesOf(b).finished("1");
  };
  // The holder's phases are [2, 6) and [6, 9).
  CHECK(finishOf(program::completedEvent) == 10);
  CHECK(finishOf(phaseEnd(0)) == 7);
  // An event that has come already: held in cycle 2 alone.
  CHECK(finishOf(program::issuedEvent) == 4);
}

TEST_CASE("timing: Phase: a phase begins when its own object and what it holds are free") {
  Lanes b;
  const auto one = b.lane(), other = b.lane(), third = b.lane();
  const ObjectId first = b.sram(1), second = b.sram(1);
  addPhase(b.emitTo(one), on(first, 6));
  addPhase(b.emitTo(other), on(second, 2)).holding = {{first, program::completedEvent}};
  addPhase(b.emitTo(third), on(second, 3));
  const auto times = occupationTimesOf(b);
  // 1 waits for `first` until 8 and reserves nothing: 2 takes `second` meanwhile. (Else: 13.)
  CHECK(times.finished("1") == 10);
  CHECK(times.finished("2") == 5);
}

TEST_CASE("timing: Queue: without edges it is a pool, with entries for each class") {
  Lanes b;
  const auto one = b.lane(), other = b.lane(), third = b.lane();
  const ObjectId pool = b.queue(0);
  b.object(pool).queue.classCapacities = {{"a", 1}, {"b", 1}};
  addPhase(b.emitTo(one, "a"), delay(5)).holding = {{pool, program::completedEvent}};
  addPhase(b.emitTo(other, "a"), delay(5)).holding = {{pool, program::completedEvent}};
  addPhase(b.emitTo(third, "b"), delay(5)).holding = {{pool, program::completedEvent}};
  const auto times = occupationTimesOf(b);
  CHECK(times.finished("0") == 7);
  CHECK(times.finished("1") == 12);
  CHECK(times.finished("2") == 7);
}

TEST_CASE("timing: Order within a cycle: a phase of 0 cycles lets the next of its own begin") {
  Lanes b;
  const auto lane = b.lane();
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, delay(0));
  addPhase(instruction, delay(5));
  addPhase(instruction, delay(0));
  CHECK(occupationTimesOf(b).cycles == 7);
}

namespace {

/// The cycle in which an instruction leaves a station that awaits the end of phase 1 of another,
/// which starts at 3.
std::int64_t leavesAfter(std::int64_t first, std::int64_t second) {
  Lanes b;
  const ObjectId station = b.station(4, {b.fetchStage()});
  b.hazard(station, "ld", {"ex"}, "done");
  const auto one = b.laneBehind(station), other = b.laneBehind(station);
  program::Instruction &ex = b.emitTo(one, "ex", {station});
  addPhase(ex, delay(first));
  addPhase(ex, delay(second));
  addPhase(ex, delay(50));
  ex.signals = {{"done", 1}};
  b.emitTo(other, "ld", {station});
  return occupationTimesOf(b).issued("1");
}

} // namespace

TEST_CASE("timing: Order within a cycle: an end in part 4 is seen in the next cycle") {
  CHECK(leavesAfter(0, 0) == 4); // ends at 3
  CHECK(leavesAfter(0, 1) == 4); // ends at 4, in part 1
}

TEST_CASE("timing: Order within a cycle: a phase that takes nothing belongs to the end before it") {
  // The first ends at 5 in part 1, and so does the second. (In part 4: 6.)
  CHECK(leavesAfter(2, 0) == 5);
}

TEST_CASE("timing: Phase: a phase that waits for itself through what it holds is a deadlock") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId memory = b.sram(1);
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, delay(1)).holding = {{memory, program::completedEvent}};
  addPhase(instruction, on(memory, 1));
  const auto deadlock = occupationDeadlockOf(b);
  REQUIRE(deadlock.waits.size() == 1);
  CHECK(deadlock.waits[0].index == 0);
  CHECK(deadlock.waits[0].object == memory);
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Occupied);
}

TEST_CASE("timing: Reservation station: release = read, at the end of the phase that signals it") {
  Lanes b;
  const ObjectId station = b.station(1, {b.fetchStage()});
  b.object(station).queue.release = "read";
  const auto lane = b.laneBehind(station);
  for (int i = 0; i < 2; ++i) {
    program::Instruction &instruction = b.emitTo(lane, "", {station});
    addPhase(instruction, delay(4));
    addPhase(instruction, delay(10));
    instruction.signals = {{"read", 0}};
  }
  const auto times = occupationTimesOf(b);
  // Station 1, stage 2, unit 3, reads to 7.
  CHECK(times.of.at("0").released == 7);
  CHECK(times.of.at("1").allocated == 7);
  CHECK(times.finished("0") == 17);
}

TEST_CASE("timing: ACADL's classes: a functional unit and a phase on it are the same") {
  for (const std::int64_t interval : {0, 2}) {
    Lanes classic, phased;
    for (Lanes *b : {&classic, &phased}) {
      const ObjectId stage = b->stage(1, {b->fetchStage()});
      const ObjectId unit = b->functionalUnit(stage, 5, b == &classic ? interval : 0);
      for (int i = 0; i < 3; ++i) {
        program::Instruction &instruction = b->emit({stage}, unit);
        if (b == &classic)
          continue;
        addPhase(instruction, on(unit, interval == 0 ? 5 : interval));
        addPhase(instruction, delay(5)).after.clear();
      }
    }
    const auto a = occupationTimesOf(classic), b = occupationTimesOf(phased);
    for (const auto &[name, times] : a.of)
      CHECK(times == b.of.at(name));
  }
}

} // namespace acadlc::test
