// docs/timing.md, "Expansion". A test's name quotes the section and the decision; what stands in
// brackets in a comment is the number that another decision would give.

#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::ObjectId;

namespace {

/// A stage with a unit of 2 cycles that expands, and two lanes behind it. What reaches the stage
/// first is in the unit at 2 and offers from 4 on.
struct Unroller : Lanes {
  ObjectId stageOf = arch::noObject, unit = arch::noObject, memory = arch::noObject;
  Lane target, slow;
  Unroller() {
    stageOf = stage(1, {fetchStage()});
    unit = functionalUnit(stageOf, 2);
    target = laneBehind(stageOf);
    slow = laneBehind(stageOf, 10);
    memory = sram(1);
  }
  /// A nest of \p count instructions for \p to.
  program::RegionId nestOf(std::int64_t count, const Lane &to) {
    const program::RegionId nest = beginNest(stageOf);
    beginRepeat(count);
    emitTo(to, "row");
    endRepeat();
    endNest();
    return nest;
  }
  program::Instruction &emitExpanding(program::RegionId nest) {
    program::Instruction &instruction = emit({stageOf}, unit);
    instruction.operation = "unroll";
    addPhase(instruction, expanding(nest));
    return instruction;
  }
  /// One more phase, beside the others.
  program::Phase &addBeside(program::Instruction &instruction, program::RegionId nest) {
    program::Phase &phase = addPhase(instruction, expanding(nest));
    phase.after.clear();
    return phase;
  }
  /// An operand with an address for each iteration of the innermost loop.
  program::MemoryOperand row(std::int64_t address, bool isWrite, std::int64_t coefficient = 0) {
    program::MemoryOperand operand = access(memory, address, 4, isWrite);
    if (coefficient != 0)
      operand.address.terms = {{0, coefficient}};
    return operand;
  }
};

} // namespace

TEST_CASE(
    "timing: Expansion: the first is offered after the latency of the unit, then one a cycle") {
  Unroller b;
  b.emitExpanding(b.nestOf(3, b.target));
  const auto times = occupationTimesOf(b);
  CHECK(times.issued("0.1") == 4);
  CHECK(times.issued("0.2") == 5);
  CHECK(times.issued("0.3") == 6);
  CHECK(times.finished("0.3") == 8);
  CHECK(times.finished("0") == 8);
  CHECK(times.order == std::vector<std::string>{"0", "0.1", "0.2", "0.3"});
}

TEST_CASE("timing: Expansion: the unit is free in the cycle in which the last has been handed on") {
  Unroller b;
  const program::RegionId nest = b.nestOf(3, b.target);
  b.emitExpanding(nest);
  b.emitExpanding(nest);
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("1") == 6); // (When the first has ended: 8.)
  CHECK(times.issued("1.1") == 8);
}

TEST_CASE("timing: Expansion: an empty nest ends where it begins") {
  Unroller b;
  b.emitExpanding(b.nestOf(0, b.target));
  CHECK(occupationTimesOf(b).cycles == 2);
}

TEST_CASE("timing: Expansion: outstanding = n, of what the phase has emitted") {
  Unroller b;
  b.emitExpanding(b.nestOf(3, b.target)).phases[0].outstanding = 1;
  const auto times = occupationTimesOf(b);
  CHECK(times.issued("0.2") == 6);
  CHECK(times.issued("0.3") == 8);
}

TEST_CASE("timing: Expansion: outstanding until the entry in the last station is given back") {
  const auto secondHandedOn = [](const std::string &release) {
    Unroller b;
    const ObjectId entries = b.station(4, {b.stageOf});
    b.object(entries).queue.release = release;
    const Lanes::Lane behind = b.laneBehind(entries);
    const program::RegionId nest = b.beginNest(b.stageOf);
    b.beginRepeat(2);
    b.emitTo(behind, "row", {entries});
    b.endRepeat();
    b.endNest();
    b.emitExpanding(nest).phases[0].outstanding = 1;
    return occupationTimesOf(b).of.at("0.2").fetched;
  };
  // The first enters the station at 4, leaves it at 5, which the unit sees in 6, and ends at 7.
  CHECK(secondHandedOn("issued") == 6);
  CHECK(secondHandedOn("completed") == 7);
}

TEST_CASE("timing: Expansion: outstanding by class, of what the unit has emitted") {
  Unroller b;
  const program::RegionId first = b.nestOf(1, b.slow), second = b.nestOf(2, b.target);
  program::Instruction &instruction = b.emitExpanding(first);
  b.addBeside(instruction, second).limits = {{"row", 2}};
  const auto times = occupationTimesOf(b);
  // 0.1 runs from 6 to 16; 0.2 is handed on at 5 and ends at 7, then 0.3.
  CHECK(times.issued("0.2") == 5);
  CHECK(times.issued("0.3") == 7);
}

TEST_CASE("timing: Expansion: phases side by side, of one x the phase written first offers") {
  Unroller b;
  const program::RegionId first = b.nestOf(2, b.slow), second = b.nestOf(2, b.target);
  program::Instruction &instruction = b.emitExpanding(first);
  b.addBeside(instruction, second);
  const auto times = occupationTimesOf(b);
  // 0.1 and 0.2 go to the slow lane at 4 and 5, 0.3 and 0.4 to the other.
  CHECK(times.finished("0.1") == 15);
  CHECK(times.issued("0.3") == 6);
}

TEST_CASE("timing: Expansion: one whose successor does not take it keeps all back") {
  Unroller b;
  const program::RegionId first = b.nestOf(3, b.slow), second = b.nestOf(1, b.target);
  program::Instruction &instruction = b.emitExpanding(first);
  b.addBeside(instruction, second);
  // 0.1 in the slow unit from 5 to 15, 0.2 in its stage, 0.3 offered from 6 to 15.
  CHECK(occupationTimesOf(b).issued("0.4") == 16);
}

TEST_CASE("timing: Expansion: a reader waits until all its writers beside it are handed on") {
  Unroller b;
  const program::RegionId reading = b.beginNest(b.stageOf);
  b.emitTo(b.target).memory = {b.row(8, false)};
  b.endNest();
  const program::RegionId writing = b.beginNest(b.stageOf);
  b.beginRepeat(4);
  b.emitTo(b.slow).memory = {b.row(0, true, 4)};
  b.endRepeat();
  b.endNest();
  program::Instruction &instruction = b.emitExpanding(reading);
  b.addBeside(instruction, writing);
  for (program::InstructionId id = 0; id < 2; ++id)
    b.mutableInstruction(id).makesRequests = false;
  b.object(b.slow.unit).initiationInterval = 1;
  const auto times = occupationTimesOf(b);
  // The third writer is handed on at 6, the reader at 7 and the last writer behind it.
  CHECK(times.issued("0.3") == 6);
  CHECK(times.issued("0.4") == 7);
  CHECK(times.entered("0.4") == 8);
  CHECK(times.started("0.4") == times.finished("0.3"));
  CHECK(times.issued("0.5") == 8);
}

TEST_CASE("timing: Expansion: two phases that read from one another in a circle never go on") {
  Unroller b;
  const program::RegionId first = b.beginNest(b.stageOf);
  b.emitTo(b.target).memory = {b.row(0, false), b.row(4, true)};
  b.endNest();
  const program::RegionId second = b.beginNest(b.stageOf);
  b.emitTo(b.slow).memory = {b.row(4, false), b.row(0, true)};
  b.endNest();
  b.addBeside(b.emitExpanding(first), second);
  for (program::InstructionId id = 0; id < 2; ++id)
    b.mutableInstruction(id).makesRequests = false;
  const auto deadlock = occupationDeadlockOf(b);
  // Both phases begin at 2. (That others know of it at 3, or that the first could be offered at 4,
  // is nothing that happens.)
  CHECK(deadlock.time == 2);
  REQUIRE(deadlock.waits.size() == 1);
  CHECK(deadlock.waits[0].instruction == "unroll (instruction 0)");
  CHECK(deadlock.waits[0].object == b.unit);
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Dependence);
}

namespace {

/// Two instructions that expand at once; each writes what its own slow rows write, so those of the
/// second await the first. They hand on \p beside as well, with what \p limit says.
timing::DeadlockReport deadlockOfTwo(std::int64_t rows, std::int64_t beside, bool isLimited) {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  const program::RegionId writing = b.beginNest(b.stageOf);
  b.beginRepeat(rows);
  program::Instruction &row = b.emitTo(b.slow, "row");
  row.memory = {b.row(0, true)};
  row.makesRequests = false;
  b.endRepeat();
  b.endNest();
  const program::RegionId others = b.nestOf(beside, b.target);
  for (int i = 0; i < 2; ++i) {
    program::Instruction &instruction = b.emitExpanding(writing);
    program::Phase &second = b.addBeside(instruction, others);
    if (isLimited)
      second.limits = {{"row", 1}};
    instruction.memory = {b.row(0, true)};
    instruction.makesRequests = false;
  }
  return occupationDeadlockOf(b);
}

} // namespace

TEST_CASE("timing: Deadlock: what a unit offers of another one keeps back all others") {
  // 1 offers its row for ever, the stage of the slow lane is full; so 0 never hands on its last.
  const auto deadlock = deadlockOfTwo(3, 2, false);
  REQUIRE(deadlock.waits.size() == 4);
  CHECK(deadlock.waits[0].instruction == "unroll (instruction 0)");
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Turn);
  CHECK(deadlock.waits[0].object == deadlock.waits[0].where);
  CHECK(deadlock.waits[1].instruction == "unroll (instruction 1)");
  CHECK(deadlock.waits[1].reason == timing::Wait::Reason::Occupied);
  CHECK(deadlock.waits[2].reason == timing::Wait::Reason::Occupied);
  CHECK(deadlock.waits[3].reason == timing::Wait::Reason::Dependence);
}

TEST_CASE("timing: Deadlock: a limit may be used up by what another one has emitted") {
  const auto deadlock = deadlockOfTwo(1, 1, true);
  REQUIRE(deadlock.waits.size() == 2);
  CHECK(deadlock.waits[0].instruction == "unroll (instruction 0)");
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Dependence);
  CHECK(deadlock.waits[1].reason == timing::Wait::Reason::Dependence);
}

TEST_CASE("timing: Deadlock: what never comes has no circle, and the last event counts") {
  Unroller b;
  program::Instruction &instruction = b.emit({b.stageOf}, b.unit);
  addPhase(instruction, delay(5));
  addPhase(instruction, delay(1)).after = {program::completedEvent};
  const auto deadlock = occupationDeadlockOf(b);
  CHECK(deadlock.time == 7); // the first phase ends
  REQUIRE(deadlock.waits.size() == 1);
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Never);
}

TEST_CASE("timing: Expansion: several x at once stand in the place of the oldest") {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  const program::RegionId quick = b.nestOf(3, b.target), slow = b.nestOf(2, b.slow);
  for (int i = 0; i < 2; ++i) {
    program::Instruction &instruction = b.emitExpanding(quick);
    b.addBeside(instruction, slow).outstanding = 1;
  }
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("1") == 3);
  // 0: 4, 5, 6 to the target, 7 to the slow lane, where the next may follow at 18. The first phase
  // of 1 begins at 6 and offers at 8, 9, 10: in the place of 0. Its second phase begins at 18.
  CHECK(times.issued("0.4") == 7);
  CHECK(times.finished("0.4") == 18);
  CHECK(times.issued("0.5") == 8);
  CHECK(times.issued("0.7") == 10);
  CHECK(times.issued("0.8") == 18);
  // The limit counts over all x: 0.8 ends at 29. (By x: 20.)
  CHECK(times.issued("1.1") == 29);
}

TEST_CASE("timing: Expansion: the phase written first offers, whatever x it works for") {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  const program::RegionId urgent = b.nestOf(1, b.slow), rest = b.nestOf(6, b.target);
  for (int i = 0; i < 2; ++i)
    b.addBeside(b.emitExpanding(urgent), rest);
  const auto times = occupationTimesOf(b);
  // 0: to the slow lane at 4, to the target at 5; the first phase of 1 begins at 4 and offers at 6.
  // (The oldest x first: 0.3 would go to the target.)
  CHECK(times.issued("0.3") == 6);
  CHECK(times.finished("0.3") == 25); // the slow lane is free at 15
  CHECK(times.finished("0.2") == 7);
}

TEST_CASE("timing: Expansion: until it is handed on, it stands in the place of its own x") {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  const ObjectId bus = b.channel(1);
  b.object(bus).arbitration = arch::Arbitration::ProgramOrder;
  const program::RegionId slow = b.nestOf(2, b.slow);
  const program::RegionId sending = b.beginNest(b.stageOf);
  addPhase(b.emitTo(b.target), over({bus}, 8));
  b.endNest();
  b.emitExpanding(slow).phases[0].outstanding = 1;
  program::Instruction &sender = b.emit({b.stageOf}, b.unit);
  addPhase(sender, over({bus}, 8));
  addPhase(sender, expanding(sending));
  const auto times = occupationTimesOf(b);
  // The second is in the unit at 3; its message does not wait for the one that it will emit, and
  // ends at 4. What it hands on at 6 stands in the place of 0, which waits until 15.
  CHECK(times.entered("1") == 3);
  CHECK(times.issued("0.2") == 6);
  CHECK(times.issued("0.3") == 15);
}

TEST_CASE("timing: Expansion: the unit takes them in program order") {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  b.object(b.stageOf).arbitration = arch::Arbitration::OldestFirst;
  const ObjectId detour = b.stage(5, {b.fetchStage()});
  b.edge(detour, b.stageOf, arch::EdgeKind::Forward);
  const program::RegionId slow = b.nestOf(2, b.slow);
  program::Instruction &late = b.emit({detour, b.stageOf}, b.unit);
  addPhase(late, expanding(slow));
  b.emitExpanding(slow).phases[0].outstanding = 1;
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("1") == 2);
  // 1.1 ends at 15, when 1.2 is handed on. (In the order of arrival: 7.)
  CHECK(times.issued("1.2") == 15);
  CHECK(times.entered("0") == 15);
}

namespace {

/// Two at once in a unit: the first hands on a row for the slow lane and behind its end an empty
/// nest, the second what \p nest says and then an empty nest. The row ends at 15.
OccupationTimes twoWithEmptyNests(Unroller &b, program::RegionId nest,
                                  const std::vector<ObjectId> &before) {
  b.object(b.unit).maxConcurrentExpansions = 2;
  const program::RegionId row = b.nestOf(1, b.slow), empty = b.nestOf(0, b.target);
  std::vector<ObjectId> stages = before;
  stages.push_back(b.stageOf);
  for (const program::RegionId first : {row, nest}) {
    program::Instruction &instruction = b.emit(stages, b.unit);
    addPhase(instruction, expanding(first));
    addPhase(instruction, expanding(empty));
  }
  return occupationTimesOf(b);
}

} // namespace

TEST_CASE("timing: Expansion: the oldest is under expansion until its last nest has begun") {
  Unroller b;
  const auto times = twoWithEmptyNests(b, b.nestOf(2, b.slow), {});
  // The first of the second is handed on at 6 in the place of 0, and keeps the slow stage from 6
  // to 15. Then the empty nest of 0 begins in part 1, and the second row stands in its own place.
  CHECK(times.issued("0.2") == 6);
  CHECK(times.issued("1.1") == 15);
}

TEST_CASE("timing: Expansion: an empty nest in part 1 lets that of the next begin in part 1") {
  Unroller b;
  const ObjectId station = b.station(4, {b.fetchStage()});
  b.edge(station, b.stageOf, arch::EdgeKind::Forward);
  const auto times = twoWithEmptyNests(b, b.nestOf(0, b.target), {station});
  // Through the station everything is a cycle later. The entries come back when both have ended.
  CHECK(times.finished("0") == 16);
  CHECK(times.finished("1") == 16);
  CHECK(times.of.at("0").released == 16);
  CHECK(times.of.at("1").released == 16);
}

TEST_CASE("timing: Expansion: an instruction that does not expand has the unit for itself") {
  Unroller b;
  b.object(b.unit).maxConcurrentExpansions = 2;
  b.emitExpanding(b.nestOf(3, b.target));
  b.emit({b.stageOf}, b.unit);
  CHECK(occupationTimesOf(b).entered("1") == 6);
}

TEST_CASE("timing: Expansion: in_order waits for what an expansion has still to emit") {
  Unroller b;
  const ObjectId queue = b.queue(8, {b.stageOf, b.fetchStage()});
  const auto lane = b.laneBehind(queue);
  const program::RegionId nest = b.beginNest(b.stageOf);
  b.beginRepeat(3);
  b.emitTo(lane, "", {queue});
  b.endRepeat();
  b.endNest();
  b.emitExpanding(nest);
  b.emitTo(lane, "", {queue});
  // They enter at 4, 5 and 6. (In the order of arrival: 1.)
  CHECK(occupationTimesOf(b).issued("1") == 7);
}

namespace {

/// When an instruction in another lane starts that reads 4 bytes at \p address; three rows write 4
/// bytes each from \p base on, if relative to an operand there.
std::int64_t startOfReader(std::int64_t address, std::optional<std::int64_t> base) {
  Unroller b;
  const auto other = b.lane();
  const program::RegionId nest = b.beginNest(b.stageOf);
  b.beginRepeat(3);
  program::Instruction &writer = b.emitTo(b.target);
  writer.memory = {b.row(0, true, 4)};
  writer.makesRequests = false;
  if (base)
    writer.memory[0].base = 0;
  b.endRepeat();
  b.endNest();
  program::Instruction &instruction = b.emitExpanding(nest);
  instruction.makesRequests = false;
  if (base)
    instruction.memory = {b.access(b.memory, *base, 0, true)};
  program::Instruction &reader = b.emitTo(other);
  reader.memory = {b.row(address, false)};
  reader.makesRequests = false;
  return occupationTimesOf(b).started("1");
}

} // namespace

TEST_CASE("timing: Where a dependence is awaited: also of what has not been handed on") {
  // The rows end at 6, 7 and 8; the reader is in its unit at 2.
  CHECK(startOfReader(0, std::nullopt) == 6);
  CHECK(startOfReader(8, std::nullopt) == 8);
  CHECK(startOfReader(12, std::nullopt) == 2);
}

TEST_CASE("timing: Expansion: addresses relative to an operand of the instruction") {
  CHECK(startOfReader(100, 100) == 6);
  CHECK(startOfReader(108, 100) == 8);
  CHECK(startOfReader(8, 100) == 2);
}

TEST_CASE("timing: Events: read of an instruction that expands, when all that it emits has read") {
  Lanes b;
  const ObjectId station = b.station(1, {b.fetchStage()});
  b.object(station).queue.release = "read";
  const ObjectId stage = b.stage(1, {station});
  const ObjectId unit = b.functionalUnit(stage, 2);
  const auto target = b.laneBehind(stage);
  const program::RegionId nest = b.beginNest(stage);
  program::Instruction &row = b.emitTo(target);
  addPhase(row, delay(1));
  addPhase(row, delay(10));
  row.signals = {{"read", 0}};
  b.endNest();
  addPhase(b.emit({station, stage}, unit), expanding(nest));
  const auto times = occupationTimesOf(b);
  // In the unit at 3, handed on at 5, started at 6.
  CHECK(times.of.at("0").released == 7);
  CHECK(times.finished("0") == 17);
  CHECK(times.of.at("0.1").allocated == -1);
}

TEST_CASE("timing: Expansion: emitted instructions may expand in turn") {
  Lanes b;
  const ObjectId outer = b.stage(1, {b.fetchStage()}), inner = b.stage(1, {outer});
  const ObjectId outerUnit = b.functionalUnit(outer, 1), innerUnit = b.functionalUnit(inner, 1);
  const auto target = b.laneBehind(inner);
  const program::RegionId leaves = b.beginNest(inner);
  b.beginRepeat(2);
  b.emitTo(target);
  b.endRepeat();
  b.endNest();
  const program::RegionId nest = b.beginNest(outer);
  b.beginRepeat(2);
  addPhase(b.emit({inner}, innerUnit), expanding(leaves));
  b.endRepeat();
  b.endNest();
  addPhase(b.emit({outer}, outerUnit), expanding(nest));
  const auto times = occupationTimesOf(b);
  CHECK(times.order ==
        std::vector<std::string>{"0", "0.1", "0.1.1", "0.1.2", "0.2", "0.2.1", "0.2.2"});
  // 0.1 is handed on at 3 and in its unit at 4; its leaves go on at 5 and 6.
  CHECK(times.issued("0.1.2") == 6);
  CHECK(times.entered("0.2") == 6);
  CHECK(times.cycles == 10);
}

TEST_CASE("timing: What can deadlock: a pool used up by one that waits for one that needs it") {
  Unroller b;
  const ObjectId pool = b.queue(1);
  const program::RegionId nest = b.beginNest(b.stageOf);
  addPhase(b.emitTo(b.target), delay(1)).holding = {{pool, program::completedEvent}};
  b.endNest();
  program::Instruction &instruction = b.emit({b.stageOf}, b.unit);
  instruction.operation = "unroll";
  addPhase(instruction, delay(1)).holding = {{pool, program::completedEvent}};
  addPhase(instruction, expanding(nest));
  const auto deadlock = occupationDeadlockOf(b);
  REQUIRE(deadlock.waits.size() == 2);
  CHECK(deadlock.waits[0].instruction == "unroll (instruction 0)");
  CHECK(deadlock.waits[1].instruction == "i0 (instruction 0.1)");
  CHECK(deadlock.waits[1].object == pool);
}

} // namespace acadlc::test
