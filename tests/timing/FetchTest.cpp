// docs/timing.md, "Fetch". A test's name quotes the section and the decision; what stands in
// brackets in a comment is the number that another decision would give.

#include "tests/timing/TimingCase.h"

#include <doctest/doctest.h>

#include <string>

namespace acadlc::test {

namespace {

/// A front end with \p parameters and one lane.
std::string oneLane(const std::string &parameters, const std::string &laneParameters = "") {
  return "front: Front(" + parameters + ")\n lane: Lane(" + laneParameters +
         ")\n front.issue -> lane.issue\n registers => [lane.operands, front.operands]\n"
         "lane.results => registers";
}

/// A front end with \p parameters and two lanes x and y, each a port of its own.
std::string twoLanes(const std::string &parameters) {
  return "front: Front(" + parameters +
         ")\n x: Lane()\n y: Lane()\n front.issue -> [x.issue, y.issue]";
}

constexpr const char *twoSteps = "emit nop() emit nop()";
constexpr const char *threeSteps = "emit nop() emit nop() emit nop()";
constexpr const char *fourSteps = "emit nop() emit nop() emit nop() emit nop()";

} // namespace

TEST_CASE("timing: Fetch: a block must fit into the issue buffer") {
  CHECK(errorsOf(oneLane("width = 2, slots = 1"), twoSteps) == "E0326");
  CHECK(errorsOf(oneLane("width = 2, slots = 2"), twoSteps) == "");
}

TEST_CASE("timing: Fetch: the first fetch starts at 0, one is under way at a time") {
  // [0, 2), [2, 4), [4, 6): the next starts in the cycle in which the one before is over.
  // (One started a cycle: 2, 3, 4. A cycle between them: 2, 5, 8.)
  CHECK(timesOf(oneLane(""), threeSteps).fetched == Cycles{2, 4, 6});
}

TEST_CASE("timing: Fetch: it starts when at least p of the B slots are free") {
  // The stage takes 3 cycles: issues at 2, 5, 8, …. With B = 3 there is room for a second block of
  // two at 2 (one instruction is left), with B = 2 not before 5. (Any free slot: 4 for both.)
  const std::string slow = "stage_latency = 3 cycles";
  CHECK(timesOf(oneLane("width = 2, slots = 3", slow), fourSteps).fetched == Cycles{2, 2, 4, 4});
  CHECK(timesOf(oneLane("width = 2, slots = 2", slow), fourSteps).fetched == Cycles{2, 2, 7, 7});
}

TEST_CASE("timing: Fetch: a number of slots is awaited, not those of certain instructions") {
  // x.unit is busy in [3, 12), so x.stage is until 12 and instruction 2 waits in the buffer from 6
  // to 12. The other slot goes on serving y: fetches start at 0, 2, 4, 6, 8, 10.
  // (Slots given back in program order: 4 and 5 would wait for 2, and be issued at 14 and 16.)
  const Timeline times =
      timesOf(twoLanes("slots = 2"),
              "emit work(9) on arch.x.unit  emit nop() on arch.x.unit  emit nop() on arch.x.unit\n"
              "emit nop() on arch.y.unit  emit nop() on arch.y.unit  emit nop() on arch.y.unit");
  CHECK(times.issued == Cycles{2, 4, 12, 8, 10, 12});
  CHECK(times.cycles == 14);
}

TEST_CASE("timing: Fetch: a slot whose instruction is issued in cycle s is free in cycle s") {
  // The only slot is filled at 2 and free at 2. (Free in the next cycle: 2, 5, 8.)
  CHECK(timesOf(oneLane("slots = 1"), threeSteps).fetched == Cycles{2, 4, 6});
}

TEST_CASE("timing: Fetch: a fetch brings the next p instructions, fewer at the end") {
  // All of a block arrive in the same cycle. (One by one: 2, 3, 4; never, if a block had to be
  // full.)
  CHECK(timesOf(oneLane("width = 2"), threeSteps).fetched == Cycles{2, 2, 4});
}

TEST_CASE("timing: Fetch: p slots are demanded even if fewer come") {
  // Issues at 2 and, when the stage has passed the first on, 7. Then both slots are free for the
  // last instruction alone: [7, 9). (One slot demanded: 4.)
  CHECK(timesOf(oneLane("width = 2, slots = 2", "stage_latency = 5 cycles"), threeSteps).fetched ==
        Cycles{2, 2, 9});
}

TEST_CASE("timing: Fetch: u.latency, one read_latency for the whole block, f.latency") {
  // 2 + 3 + 4, whatever p is. (A transaction for each instruction: 2 + 4 · 3 + 4 = 18 for p = 4.)
  const std::string latencies =
      "unit_latency = 2 cycles, read_latency = 3 cycles, stage_latency = 4 cycles";
  CHECK(timesOf(oneLane(latencies), twoSteps).fetched == Cycles{9, 18});
  CHECK(timesOf(oneLane("width = 4, " + latencies), fourSteps).fetched == Cycles{9, 9, 9, 9});
}

TEST_CASE("timing: Fetch: u asks m behind its latency and may have to wait for a slot of m") {
  // Fetch 0: unit [0, 2), memory [2, 6), stage [6, 9). Load 0: stage 9, unit 10, request at 11.
  // Fetch 1 starts at 9 and asks at 11 too, but is younger: load [11, 15), fetch [15, 19), stage
  // until 22. (Asked at the start of the fetch: [9, 13), and 0 finished at 17. Two slots, or
  // fetches without slots: 18. f.latency in front of the request: 19.)
  const std::string shared = R"(
    memory: SRAM { data_width = 32 bit, size = 4 KiB, read_latency = 4 cycles }
    fetch: InstructionFetchStage { issue_buffer_size = 2, latency = 3 cycles } contains {
      fetcher: InstructionMemoryAccessUnit { latency = 2 cycles }
    }
    lane: MemoryLane()
    memory => [fetcher, lane.reads]
    fetch -> lane.issue
  )";
  const Timeline times =
      timesOf(shared, "emit load(arch.memory[0 .. 4]) emit load(arch.memory[4 .. 8])");
  CHECK(times.fetched == Cycles{9, 22});
  CHECK(times.finished == Cycles{15, 28});
}

TEST_CASE("timing: Fetch: Issue: one instruction a port and cycle, ports on their own") {
  // (One a cycle of all ports: 2, 3, 4, 5.)
  const Timeline times =
      timesOf(twoLanes("width = 4"), "emit nop() on arch.x.unit  emit nop() on arch.x.unit\n"
                                     "emit nop() on arch.y.unit  emit nop() on arch.y.unit");
  CHECK(times.issued == Cycles{2, 3, 2, 3});
}

TEST_CASE("timing: Fetch: Issue: in the cycle of arrival, at the earliest") {
  const Timeline times = timesOf(oneLane(""), twoSteps);
  CHECK(times.fetched == Cycles{2, 4});
  CHECK(times.issued == Cycles{2, 4}); // (a cycle in the buffer: 3, 5)
}

TEST_CASE("timing: Fetch: Issue: in order for each port, out of order across ports") {
  // x: unit [3, 12), so its stage takes instruction 1 at 3 and 2 at 12. y does not wait for them.
  // (In order of all: 12 for instruction 3.)
  const Timeline times =
      timesOf(twoLanes("width = 4"), "emit work(9) on arch.x.unit  emit nop() on arch.x.unit\n"
                                     "emit nop() on arch.x.unit  emit nop() on arch.y.unit");
  CHECK(times.issued == Cycles{2, 3, 12, 2});
}

TEST_CASE("timing: Fetch: Issue: a port is a successor of the fetch stage, not a unit") {
  // x.unit is busy in [4, 13). Instruction 1 waits in x.stage, 2 in `decode`; so 3, although y is
  // idle, is issued at 13. (A port for each unit: decode would still be held, but not if
  // instruction 3 had passed 2: issued at 4.)
  const std::string shared = "front: Front(width = 4)\n decode: PipelineStage {}\n"
                             "x: Lane()\n y: Lane()\n front.issue -> decode -> [x.issue, y.issue]";
  const Timeline times = timesOf(shared, "emit work(9) on arch.x.unit  emit nop() on arch.x.unit\n"
                                         "emit nop() on arch.x.unit  emit nop() on arch.y.unit");
  CHECK(times.issued == Cycles{2, 3, 4, 13});
}

TEST_CASE("timing: Fetch: Branches: one ends its block and holds fetches until it has finished") {
  // The branch is in u in [2, 5); the next fetch takes [5, 7). (Block not ended: 2. Fetch while it
  // is under way: 4. In the cycle behind its end: 8.)
  const Timeline times = timesOf(oneLane("width = 4"), "emit nop() emit jump_in(3) emit nop()");
  CHECK(times.fetched == Cycles{2, 2, 7});
  CHECK(times.finished == Cycles{4, 5, 9});
}

TEST_CASE("timing: Fetch: Branches: one enters u in the cycle in which it reaches the buffer") {
  // Instruction 1 waits in the buffer until 3; the branch, behind it, does not. (In order: 3.)
  const Timeline times =
      timesOf(oneLane("width = 4"), "emit work(9) emit nop() emit jump() emit nop()");
  CHECK(times.issued == Cycles{2, 3, 2, 12});
  CHECK(times.entered == Cycles{3, 12, 2, 13});
  CHECK(times.fetched == Cycles{2, 2, 2, 5});
}

TEST_CASE("timing: Fetch: Branches: one waits in u for what it depends on") {
  // The register is written at 3 + 5 = 8. (Not awaited: finished at 3. Awaited in the buffer:
  // entered at 8.)
  const Timeline times = timesOf(oneLane("width = 4"), "emit set_in(arch.registers.a, 5)\n"
                                                       "emit jump_if(arch.registers.a) emit nop()");
  CHECK(times.entered == Cycles{3, 2, 12});
  CHECK(times.started == Cycles{3, 8, 12});
  CHECK(times.finished == Cycles{8, 9, 13});
}

TEST_CASE("timing: Fetch: Branches: u treats them as other units do, its latency included") {
  // Fetches take 4 + 1. The branch takes u.latency, [5, 9), unless it states one: [14, 15).
  // (Always 1: fetched at 11 and 17.)
  const Timeline times =
      timesOf(oneLane("unit_latency = 4 cycles"), "emit jump() emit jump_in(1) emit nop()");
  CHECK(times.fetched == Cycles{5, 14, 20});
  CHECK(times.finished == Cycles{9, 15, 22});
}

TEST_CASE("timing: Fetch: m must be an SRAM") {
  const auto fetchingFrom = [](const std::string &memory) {
    return "code: " + memory +
           "\n fetch: InstructionFetchStage { issue_buffer_size = 1 } contains {\n"
           "  fetcher: InstructionMemoryAccessUnit\n}\n"
           "code => fetcher\n lane: Lane()\n fetch -> lane.issue";
  };
  CHECK(errorsOf(fetchingFrom("SRAM { data_width = 32 bit, size = 1 KiB }"), "emit nop()") == "");
  CHECK(errorsOf(fetchingFrom("DRAM { data_width = 32 bit, size = 1 KiB, row_size = 64 bytes }"),
                 "emit nop()") == "E0603");
  CHECK(errorsOf(fetchingFrom("SetAssociativeCache { data_width = 32 bit, sets = 1, ways = 1,\n"
                              "  cache_line_size = 16 bytes, hit_latency = 1 cycle,\n"
                              "  miss_latency = 2 cycles }"),
                 "emit nop()") == "E0603");
}

} // namespace acadlc::test
