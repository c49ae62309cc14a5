// docs/timing.md, "Step". A test's name quotes the section and the decision; what stands in
// brackets in a comment is the number that another decision would give.

#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::ObjectId;

namespace {

/// A queue, a stage of 1 cycle and a unit that looks ahead. Instruction i enters the queue at i + 1
/// and is visible from i + 3 on.
struct Mesh : Lanes {
  ObjectId front = arch::noObject;
  Lane mesh;
  explicit Mesh(const std::vector<arch::UnitStep> &steps) {
    front = queue(8, {fetchStage()});
    mesh = laneBehind(front);
    object(mesh.unit).steps = steps;
  }
  program::Instruction &emitStep(const std::string &operation) {
    program::Instruction &instruction = emitTo(mesh, "", {front});
    instruction.operation = operation;
    return instruction;
  }
  /// One with a single phase that takes nothing but time.
  program::Instruction &emitStep(const std::string &operation, std::int64_t cycles) {
    program::Instruction &instruction = emitStep(operation);
    addPhase(instruction, delay(cycles));
    return instruction;
  }
};

const arch::UnitStep pair{{"compute", "preload"}, {}, {}};
const arch::UnitStep compute{{"compute"}, {}, {}};
const arch::UnitStep preloadBefore{{"preload"}, {"compute"}, {}};

} // namespace

TEST_CASE("timing: Step: visible after its stay and the latency of the stage") {
  Mesh b({compute});
  b.emitStep("compute", 1);
  CHECK(occupationTimesOf(b).entered("0") == 1 + 1 + 1);
}

TEST_CASE("timing: Step: an instruction with which no step begins is a step by itself") {
  Mesh b({pair});
  b.emitStep("config", 1);
  CHECK(occupationTimesOf(b).entered("0") == 3);
}

TEST_CASE("timing: Step: the instructions are taken at once, the next when the step has ended") {
  Mesh b({pair});
  for (int i = 0; i < 2; ++i) {
    b.emitStep("compute", 5);
    addPhase(b.emitStep("preload", 3), delay(20));
  }
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("0") == 4);
  CHECK(times.entered("1") == 4);
  CHECK(times.started("0") == 4);
  CHECK(times.finished("0") == 9);
  CHECK(times.finished("1") == 27);
  // Of the second instruction the first phase counts alone. (All phases: 27.)
  CHECK(times.entered("2") == 9);
  CHECK(times.entered("3") == 9);
}

TEST_CASE("timing: Step: the first step in the list whose instructions stand in front is taken") {
  Mesh b({pair, compute});
  b.emitStep("compute", 5);
  b.emitStep("compute", 5);
  b.emitStep("preload", 5);
  const auto times = occupationTimesOf(b);
  // At 3 the first alone is visible, at 8 the other two.
  CHECK(times.entered("0") == 3);
  CHECK(times.entered("1") == 8);
  CHECK(times.entered("2") == 8);
}

TEST_CASE("timing: Step: what stands behind before stays in the queue") {
  Mesh b({preloadBefore, compute});
  b.emitStep("preload", 3);
  b.emitStep("compute", 3);
  const auto times = occupationTimesOf(b);
  // The second is visible at 4; then the first is taken. (Without `before`: 3.)
  CHECK(times.entered("0") == 4);
  CHECK(times.entered("1") == 7);
}

TEST_CASE("timing: Step: a step that waits for what never comes is a deadlock") {
  Mesh b({preloadBefore});
  b.emitStep("preload", 3);
  const auto deadlock = occupationDeadlockOf(b);
  REQUIRE(deadlock.waits.size() == 1);
  CHECK(deadlock.waits[0].object == b.mesh.unit);
  CHECK(deadlock.waits[0].where == b.front);
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Never);
}

TEST_CASE("timing: Step: an entry of the queue is kept while an instruction waits there") {
  Mesh b({compute});
  b.object(b.front).queue.capacity = 1;
  b.emitStep("compute", 5);
  b.emitStep("compute", 5);
  const auto times = occupationTimesOf(b);
  CHECK(times.issued("1") == 3);
  CHECK(times.entered("1") == 8);
}

TEST_CASE("timing: Step: the step starts when the dependences of all are over") {
  Mesh b({pair});
  b.registers(1);
  const auto lane = b.lane(10);
  b.emitTo(lane).writes = {0}; // [2, 12)
  b.emitStep("compute", 5);
  b.emitStep("preload", 5).reads = {0};
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("1") == 4);
  CHECK(times.started("1") == 12);
  CHECK(times.started("2") == 12);
}

TEST_CASE("timing: Step: after step + n, when the n-th step behind the own one has ended") {
  for (const std::int64_t n : {0, 1}) {
    Mesh b({compute});
    program::Instruction &first = b.emitStep("compute", 4);
    program::Phase result = delay(10);
    result.afterStep = n;
    addPhase(first, result).after.clear();
    b.emitStep("compute", 6);
    // Steps [3, 7) and [7, 13).
    CHECK(occupationTimesOf(b).finished("0") == (n == 0 ? 17 : 23));
  }
}

TEST_CASE("timing: Step: a step that never comes is a deadlock") {
  Mesh b({compute});
  program::Instruction &first = b.emitStep("compute", 4);
  program::Phase result = delay(10);
  result.afterStep = 1;
  addPhase(first, result).after.clear();
  const auto deadlock = occupationDeadlockOf(b);
  CHECK(deadlock.time == 7);
  REQUIRE(deadlock.waits.size() == 1);
  CHECK(deadlock.waits[0].reason == timing::Wait::Reason::Never);
}

TEST_CASE("timing: Step: a unit without step lines counts each instruction as a step") {
  Lanes b;
  const auto lane = b.lane();
  program::Instruction &first = b.emitTo(lane);
  addPhase(first, on(lane.unit, 4));
  program::Phase result = delay(10);
  result.afterStep = 1;
  addPhase(first, result).after.clear();
  addPhase(b.emitTo(lane), on(lane.unit, 6));
  CHECK(occupationTimesOf(b).finished("0") == 2 + 4 + 6 + 10);
}

TEST_CASE("timing: Step: instructions without phases execute on the unit, one after the other") {
  Mesh b({pair});
  b.emitStep("compute").latency = 3;
  b.emitStep("preload").latency = 3;
  const auto times = occupationTimesOf(b);
  CHECK(times.started("1") == 4);
  CHECK(times.finished("0") == 7);
  CHECK(times.finished("1") == 10);
}

TEST_CASE("timing: Step: of a station, the first that is not ready hides those behind it") {
  Mesh b({pair, compute});
  b.object(b.front).objectClass = arch::ObjectClass::ReservationStation;
  b.hazard(b.front, "st", {"ex"}, "completed");
  b.emitStep("compute", 9).className = "ex"; // [3, 12)
  b.emitStep("compute", 5).className = "st";
  b.emitStep("compute", 5).className = "ld";
  const auto times = occupationTimesOf(b);
  CHECK(times.entered("0") == 3);
  CHECK(times.entered("1") == 12);
  CHECK(times.entered("2") == 17);
}

TEST_CASE("timing: Lock step: the messages of the instructions of one step") {
  Mesh b({pair});
  const ObjectId one = b.channel(1), other = b.channel(1);
  addPhase(b.emitStep("compute"), over({one}, 8 * 3)).together = true;
  addPhase(b.emitStep("preload"), over({other}, 8)).together = true;
  const auto times = occupationTimesOf(b);
  // Words at 4, 5 and 6 on both. (By itself: 5.)
  CHECK(times.finished("0") == 7);
  CHECK(times.finished("1") == 7);
}

TEST_CASE("timing: Lock step: they begin in the first cycle in which each could") {
  Mesh b({pair});
  const ObjectId one = b.channel(1), other = b.channel(1);
  program::Instruction &late = b.emitStep("compute", 6);
  addPhase(late, over({one}, 8)).together = true;
  addPhase(b.emitStep("preload"), over({other}, 8)).together = true;
  CHECK(occupationTimesOf(b).finished("1") == 4 + 6 + 1);
}

TEST_CASE("timing: Lock step: they begin behind a phase of 0 cycles that begins in that cycle") {
  Mesh b({pair});
  const ObjectId one = b.channel(1), other = b.channel(1);
  addPhase(b.emitStep("compute"), over({one}, 8 * 2)).together = true;
  program::Instruction &late = b.emitStep("preload", 0);
  addPhase(late, over({other}, 8 * 2)).together = true;
  const auto times = occupationTimesOf(b);
  // Both could begin at 4: words at 4 and 5.
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 6);
}

TEST_CASE("timing: Lock step: on a channel with program_order in the place of the oldest") {
  Mesh b({pair});
  const auto lane = b.lane(1, 3);
  const ObjectId bus = b.channel(1);
  b.object(bus).arbitration = arch::Arbitration::ProgramOrder;
  addPhase(b.emitStep("compute"), over({bus}, 8 * 2)).together = true;
  addPhase(b.emitTo(lane), over({bus}, 8 * 2));
  addPhase(b.emitStep("preload"), over({bus}, 8 * 2)).together = true;
  const auto times = occupationTimesOf(b);
  // 0 sends at 4 and 6, 2 at 5 and 7, then 1. (2 in its own place: 1 sends at 7 and 8.)
  CHECK(times.finished("0") == 7);
  CHECK(times.finished("2") == 8);
  CHECK(times.finished("1") == 10);
}

TEST_CASE("timing: Step: an instruction may take its unit until the step ends") {
  Mesh b({pair});
  program::Instruction &first = b.emitStep("compute", 1);
  addPhase(first, delay(2)).holding = {{b.mesh.unit, program::completedEvent}};
  b.emitStep("preload", 10);
  const auto times = occupationTimesOf(b);
  // Its part is over at 5, the step at 14. (Like another's instruction: 16.)
  CHECK(times.finished("0") == 4 + 1 + 2);
  CHECK(times.finished("1") == 14);
}

} // namespace acadlc::test
