// docs/timing.md, "Arbitration" and "Deadlock". A test's name quotes the section and the decision;
// what stands in brackets in a comment is the number that another decision would give.

#include "tests/timing/TimingCase.h"

#include <doctest/doctest.h>

#include <string>

namespace acadlc::test {

namespace {

using Reason = timing::Wait::Reason;

/// Two ways, of 4 and 1 cycles, that meet in a stage of latency 1 with one unit; \p attributes are
/// those of the stage.
std::string meeting(const std::string &attributes) {
  return "front: Front(width = 8)\n slow: PipelineStage { latency = 4 cycles }\n"
         "fast: PipelineStage {}\n"
         "meet: ExecuteStage { " +
         attributes +
         " } contains {\n unit: FunctionalUnit { to_process = [nop, work, set, use] }\n}\n"
         "front.issue -> [slow, fast] -> meet\n registers => unit => registers";
}

constexpr const char *overtaking = "emit nop() over arch.slow emit nop() over arch.fast";
/// The younger instruction overtakes and waits for the older one.
constexpr const char *crossing =
    "emit set(arch.registers.a) over arch.slow emit use(arch.registers.a) over arch.fast";

/// A memory of latency 4 with one slot and three lanes on it whose stages have the latencies given.
std::string lanesOnMemory(const std::string &latencies, const std::string &attributes = "") {
  return "front: Front(width = 4)\n"
         "memory: SRAM { data_width = 32 bit, size = 1 KiB, read_latency = 4 cycles, "
         "write_latency = 4 cycles" +
         attributes +
         " }\n"
         "let latencies = " +
         latencies +
         "\n"
         "lane0: MemoryLane(stage_latency = latencies[0])\n"
         "lane1: MemoryLane(stage_latency = latencies[1])\n"
         "lane2: MemoryLane(stage_latency = latencies[2])\n"
         "front.issue -> [lane0.issue, lane1.issue, lane2.issue]\n"
         "memory => [lane0.reads, lane1.reads, lane2.reads]";
}

constexpr const char *twoLoads = "emit load(arch.memory[0 .. 4]) on arch.lane0.unit\n"
                                 "emit load(arch.memory[8 .. 12]) on arch.lane1.unit\n";
constexpr const char *threeLoads = "emit load(arch.memory[0 .. 4]) on arch.lane0.unit\n"
                                   "emit load(arch.memory[8 .. 12]) on arch.lane1.unit\n"
                                   "emit load(arch.memory[16 .. 20]) on arch.lane2.unit\n";

/// One lane on a memory of latency 1 that instructions are fetched from too.
std::string unifiedMemory(const std::string &arbitration) {
  return "memory: SRAM { data_width = 32 bit, size = 4 KiB, arbitration = " + arbitration +
         " }\n"
         "fetch: InstructionFetchStage { issue_buffer_size = 2 } contains {\n"
         "  fetcher: InstructionMemoryAccessUnit\n}\n"
         "lane: MemoryLane()\n memory => [fetcher, lane.reads]\n fetch -> lane.issue";
}

} // namespace

TEST_CASE("timing: Arbitration: stages and units: by default in program order") {
  // Instruction 0 is at `meet` at 6, 1 at 3, but waits for it although it has not arrived.
  // (As they come: 7 and 4.)
  CHECK(timesOf(meeting(""), overtaking).entered == Cycles{7, 8});
  CHECK(timesOf(meeting("arbitration = program_order"), overtaking).entered == Cycles{7, 8});
}

TEST_CASE(
    "timing: Arbitration: stages and units: only instructions whose route passes are awaited") {
  // Instruction 0 goes elsewhere, 1 need not wait for it. (All older ones awaited: from 10 on.)
  const Timeline times =
      timesOf(meeting("") + "\n other: Lane()\n slow -> other.issue",
              "emit work(20) on arch.other.unit emit nop() on arch.unit over arch.fast");
  CHECK(times.entered == Cycles{7, 4});
}

TEST_CASE("timing: Arbitration: stages and units: oldest_first lets the oldest that waits enter") {
  CHECK(timesOf(meeting("arbitration = oldest_first"), overtaking).entered == Cycles{7, 4});
  // `meet` takes 4 cycles. 1 and 2 wait at 3: 1 enters and leaves at 7. Then 0, there since 6, and
  // 2, there since 3, wait: 0 enters the unit at 11, 2 at 15. (First come, first served: 15
  // and 11.)
  const std::string three =
      "front: Front(width = 4)\n a: PipelineStage { latency = 4 cycles }\n b: PipelineStage {}\n"
      "c: PipelineStage {}\n"
      "meet: ExecuteStage { latency = 4 cycles, arbitration = oldest_first } contains {\n"
      "  unit: FunctionalUnit { to_process = [nop] }\n}\n front.issue -> [a, b, c] -> meet";
  CHECK(timesOf(three, "emit nop() over arch.a emit nop() over arch.b emit nop() over arch.c")
            .entered == Cycles{11, 7, 15});
}

TEST_CASE("timing: Arbitration: stages and units: CONTAINS edges merge as FORWARD edges do") {
  // A unit in two stages, of 2 and 1 cycles, which no description can say. Issues at 1: they could
  // enter at 3 and 2, and each takes 2 cycles.
  const auto entered = [](arch::Arbitration arbitration) {
    CaseBuilder builder;
    builder.fetch({2, 2});
    const arch::ObjectId slow = builder.stage(2, {builder.fetchStage()});
    const arch::ObjectId fast = builder.stage(1, {builder.fetchStage()});
    const arch::ObjectId unit = builder.functionalUnit(slow, 2);
    builder.edge(fast, unit, arch::EdgeKind::Contains);
    builder.object(unit).arbitration = arbitration;
    builder.emit({slow}, unit).latency = 2;
    builder.emit({fast}, unit).latency = 2;
    return timesOf(builder).entered;
  };
  CHECK(entered(arch::Arbitration::ProgramOrder) == Cycles{3, 5});
  CHECK(entered(arch::Arbitration::OldestFirst) == Cycles{4, 2});
}

TEST_CASE("timing: Arbitration: stages and units: behind one object all enter as they come") {
  // The unit and `behind` keep program order by default, but have one object in front of them.
  // (Program order there: instruction 1 would wait for 0 behind it, a deadlock.)
  const std::string chain =
      "front: Front(width = 2)\n slow: PipelineStage { latency = 4 cycles }\n"
      "fast: PipelineStage {}\n meet: PipelineStage { arbitration = oldest_first }\n"
      "behind: ExecuteStage {} contains {\n  unit: FunctionalUnit { to_process = [nop] }\n}\n"
      "front.issue -> [slow, fast] -> meet -> behind";
  CHECK(timesOf(chain, overtaking).entered == Cycles{8, 5});
}

TEST_CASE("timing: Arbitration: storages: by default the oldest of the requests made so far") {
  // Requests at 6 and 4: [8, 12) and [4, 8). (Program order: 10, 14.)
  CHECK(timesOf(lanesOnMemory("[3 cycles, 1 cycle, 1 cycle]"), twoLoads).finished == Cycles{12, 8});
  // Requests at 7, 5 and 4: 2 in [4, 8), then 0, then 1. (First come, first served: 16, 12, 8.)
  CHECK(timesOf(lanesOnMemory("[4 cycles, 2 cycles, 1 cycle]"), threeLoads).finished ==
        Cycles{12, 16, 8});
}

TEST_CASE("timing: Arbitration: storages: program_order waits for requests not yet made") {
  // Request 0 is made at 6: [6, 10), then 1, made at 4. (Oldest first: 12, 8.)
  CHECK(timesOf(lanesOnMemory("[3 cycles, 1 cycle, 1 cycle]", ", arbitration = program_order"),
                twoLoads)
            .finished == Cycles{10, 14});
}

TEST_CASE("timing: Arbitration: storages: program_order waits for all requests of older ones") {
  // Instruction 0 asks twice, at 4 and 8; two slots would be there for 1, which asks at 4 too:
  // granted at 8, behind the second request. (Behind the first one: 8.)
  const std::string machine = lanesOnMemory("[1 cycle, 1 cycle, 1 cycle]",
                                            ", arbitration = program_order, read_write_ports = 2");
  CHECK(timesOf(machine, "emit add(arch.memory[0 .. 4], arch.memory[8 .. 12]) on arch.lane0.unit\n"
                         "emit load(arch.memory[16 .. 20]) on arch.lane1.unit")
            .finished == Cycles{12, 12});
}

TEST_CASE("timing: Arbitration: storages: a fetch is younger than all fetched instructions") {
  // Fetch 1 asks at 3 and arrives at 4, when load 0 asks, [4, 5); load 1: 4, 5, [6, 7).
  CHECK(timesOf(unifiedMemory("oldest_first"),
                "emit load(arch.memory[0 .. 4]) emit load(arch.memory[8 .. 12])")
            .finished == Cycles{5, 7});
  // In program order fetch 1 waits for the request of load 0: [4, 5), [5, 6); load 1: [8, 9).
  CHECK(timesOf(unifiedMemory("program_order"),
                "emit load(arch.memory[0 .. 4]) emit load(arch.memory[8 .. 12])")
            .finished == Cycles{5, 9});
}

TEST_CASE("timing: Arbitration: within a cycle: releases come before grants") {
  // Request 2 is served in [4, 8). At 8 the slot is free, 1 waits since 5, and 0 asks: it is older.
  // (Slots given away before new requests are seen: 16, 12, 8.)
  CHECK(timesOf(lanesOnMemory("[5 cycles, 2 cycles, 1 cycle]"), threeLoads).finished ==
        Cycles{12, 16, 8});
}

TEST_CASE("timing: Arbitration: within a cycle: entries go on until nothing more can happen") {
  // The unit works in [5, 25) while instructions fill all stages up to the buffer. At 25 each moves
  // up by one, all in one cycle. (One move a cycle: issued at 28.)
  const Timeline times =
      timesOf("front: Front(width = 8)\n s: PipelineStage {}\n t: PipelineStage {}\n lane: Lane()\n"
              "front.issue -> s -> t -> lane.issue",
              "emit work(20) emit nop() emit nop() emit nop() emit nop()");
  CHECK(times.issued == Cycles{2, 3, 4, 5, 25});
  CHECK(times.entered == Cycles{5, 25, 26, 27, 28});
}

TEST_CASE("timing: Arbitration: within a cycle: a fetch starts last, when all issues are known") {
  // Both slots become free at 2 by the issues of two ports, and a block of two is fetched in [2,
  // 4). (Fetches before issues: [3, 5).)
  const Timeline times = timesOf("front: Front(width = 2, slots = 2)\n x: Lane()\n y: Lane()\n"
                                 "front.issue -> [x.issue, y.issue]",
                                 "emit nop() on arch.x.unit emit nop() on arch.y.unit\n"
                                 "emit nop() on arch.x.unit emit nop() on arch.y.unit");
  CHECK(times.fetched == Cycles{2, 2, 4, 4});
}

TEST_CASE("timing: Deadlock: it is the error E0601, and program order cannot have one") {
  CHECK(errorsOf(meeting("arbitration = oldest_first"), crossing) == "E0601");
  CHECK(errorsOf(meeting("arbitration = program_order"), crossing) == "");
  CHECK(timesOf(meeting("arbitration = program_order"), crossing).finished == Cycles{8, 9});
}

TEST_CASE("timing: Deadlock: an object is held, a dependence has not finished") {
  // The younger instruction is in the unit from 4 on; the older one in `meet` is done at 7.
  const timing::DeadlockReport report = deadlockOf(meeting("arbitration = oldest_first"), crossing);
  CHECK(report.time == 7);
  REQUIRE(report.waits.size() == 2);
  CHECK(report.waits[0].index == 0);
  CHECK(report.waits[0].reason == Reason::Occupied);
  CHECK(report.waits[1].index == 1);
  CHECK(report.waits[1].reason == Reason::Dependence);
}

TEST_CASE("timing: Deadlock: it is not the turn at a later object") {
  // The younger ones are ahead: 1 is in `right` and waits for its turn at `second`, which 0 has to
  // pass before; 2 is in `first` and waits for `right`; 0 waits for `first`.
  const timing::DeadlockReport report = deadlockOf(
      "front: Front(width = 4)\n slow: PipelineStage { latency = 9 cycles }\n fast: PipelineStage "
      "{}\n"
      "first: PipelineStage { arbitration = oldest_first }\n"
      "left: PipelineStage {}\n right: PipelineStage {}\n"
      "second: ExecuteStage {} contains {\n  unit: FunctionalUnit { to_process = [nop] }\n}\n"
      "front.issue -> [slow, fast] -> first -> [left, right] -> second",
      "emit nop() over [arch.slow, arch.left]\n"
      "emit nop() over [arch.fast, arch.right]\n"
      "emit nop() over [arch.fast, arch.right]");
  REQUIRE(report.waits.size() == 3);
  CHECK(report.waits[0].index == 0);
  CHECK(report.waits[0].reason == Reason::Occupied);
  CHECK(report.waits[1].index == 2);
  CHECK(report.waits[1].reason == Reason::Occupied);
  CHECK(report.waits[2].index == 1);
  CHECK(report.waits[2].reason == Reason::Turn);
}

TEST_CASE("timing: Deadlock: it is not the turn at a storage") {
  // The younger instruction is in the unit and has asked; the older one's request comes first and
  // cannot be made, since the unit is held.
  const timing::DeadlockReport report =
      deadlockOf("front: Front(width = 2)\n slow: PipelineStage { latency = 4 cycles }\n fast: "
                 "PipelineStage {}\n"
                 "lane: MemoryLane()\n"
                 "meet: ExecuteStage { arbitration = oldest_first } contains {\n"
                 "  unit: MemoryAccessUnit { to_process = [load] }\n}\n"
                 "memory: SRAM { data_width = 32 bit, size = 1 KiB, arbitration = program_order }\n"
                 "front.issue -> [slow, fast] -> meet\n memory => unit",
                 "emit load(arch.memory[0 .. 4]) on arch.unit over arch.slow\n"
                 "emit load(arch.memory[8 .. 12]) on arch.unit over arch.fast");
  REQUIRE(report.waits.size() == 2);
  CHECK(report.waits[0].index == 0);
  CHECK(report.waits[0].reason == Reason::Occupied);
  CHECK(report.waits[1].index == 1);
  CHECK(report.waits[1].reason == Reason::Turn);
}

TEST_CASE("timing: Deadlock: another instruction stands before it in the issue buffer") {
  // 4 overtakes and waits in the unit for 3, which stands in the buffer behind 2, for which `slow`
  // is held by 1, since `meet` is held by 0, which waits for the unit.
  const timing::DeadlockReport report =
      deadlockOf(meeting("arbitration = oldest_first"),
                 "emit nop() over arch.slow emit nop() over arch.slow emit nop() over arch.slow\n"
                 "emit set(arch.registers.a) over arch.slow\n"
                 "emit use(arch.registers.a) over arch.fast");
  REQUIRE(report.waits.size() == 5);
  const Reason expected[] = {Reason::Occupied, Reason::Dependence, Reason::Behind, Reason::Occupied,
                             Reason::Occupied};
  const Cycles order{0, 4, 3, 2, 1};
  for (std::size_t i = 0; i != report.waits.size(); ++i) {
    CHECK(report.waits[i].index == order.values[i]);
    CHECK(report.waits[i].reason == expected[i]);
  }
}

TEST_CASE("timing anomaly: more latency, fewer cycles") {
  // Who asks first is served first. A slower stage lets the older load come a cycle too late: the
  // younger one, for which a long computation waits, overtakes it, and the older one's cycles
  // vanish behind that computation. So neither more latency nor more hardware bounds the cycles
  // from one side: an estimator has to follow the order, it can't guess from both ends.
  const auto cyclesWith = [](int stageLatency) {
    return timesOf("front: Front(width = 4)\n"
                   "memory: SRAM { data_width = 32 bit, size = 1 KiB, read_latency = 10 cycles }\n"
                   "older: MemoryLane(stage_latency = " +
                       std::to_string(stageLatency) +
                       " * 1 cycle)\n"
                       "younger: MemoryLane()\n"
                       "computation: Lane()\n"
                       "front.issue -> [older.issue, younger.issue, computation.issue]\n"
                       "memory => [older.reads, younger.reads]\n"
                       "younger.results => registers => computation.operands",
                   "emit load(arch.memory[0 .. 4]) on arch.older.unit\n"
                   "emit load_into(arch.registers.a, arch.memory[8 .. 12]) on arch.younger.unit\n"
                   "emit use_in(arch.registers.a, 20) on arch.computation.unit\n")
        .cycles;
  };
  CHECK(cyclesWith(1) == 44);  // older 4 to 14, younger 14 to 24, then 20
  CHECK(cyclesWith(2) == 34);  // younger 4 to 14, then 20; older 14 to 24
  CHECK(cyclesWith(30) == 43); // request at 33
}

} // namespace acadlc::test
