// docs/timing.md, "Stages" and "Units". A test's name quotes the section and the decision; what
// stands in brackets in a comment is the number that another decision would give.

#include "tests/timing/TimingCase.h"

#include <doctest/doctest.h>

#include <string>

namespace acadlc::test {

namespace {

std::string oneLane(const std::string &parameters) {
  return "front: Front(width = 4)\n lane: Lane(" + parameters + ")\n front.issue -> lane.issue";
}

/// Three lanes of latency 1 on one register file, four instructions a fetch: what comes first in
/// its lane enters its unit at 3.
constexpr const char *threeLanes = R"(
  front: Front(width = 4)
  x: Lane()
  y: Lane()
  z: Lane()
  front.issue -> [x.issue, y.issue, z.issue]
  registers => [x.operands, y.operands, z.operands]
  [x.results, y.results, z.results] => registers
)";

/// A lane with a unit of latency 5 and the initiation interval \p cycles, and lane y beside it.
std::string pipelined(const std::string &cycles) {
  return "front: Front(width = 4)\n y: Lane()\n"
         "stage: ExecuteStage {} contains {\n"
         "  unit: FunctionalUnit { to_process = [nop, work, use], latency = 5 cycles,\n"
         "                         initiation_interval = " +
         cycles +
         " }\n}\n"
         "front.issue -> [stage, y.issue]\n registers => unit\n y.results => registers";
}

constexpr const char *threeSteps = "emit nop() emit nop() emit nop()";

/// Two memories of latency 10, two lanes with access units on both: what comes first in its lane
/// asks at 4.
constexpr const char *twoMemories = R"(
  front: Front(width = 4)
  near: SRAM { data_width = 32 bit, size = 1 KiB, read_latency = 10 cycles, write_latency = 10 cycles }
  far: SRAM {
    data_width = 32 bit, address_ranges = [4 KiB .. 5 KiB],
    read_latency = 10 cycles, write_latency = 10 cycles
  }
  x: MemoryLane()
  y: MemoryLane()
  front.issue -> [x.issue, y.issue]
  [near, far] => [x.reads, y.reads]
  [x.writes, y.writes] => [near, far]
)";

/// One lane with an access unit on a memory that reads in 3 and writes in 7 cycles.
std::string oneMemory(const std::string &laneParameters) {
  return "front: Front(width = 4)\n memory: SRAM { data_width = 32 bit, size = 1 KiB,\n"
         "  read_latency = 3 cycles, write_latency = 7 cycles }\n lane: MemoryLane(" +
         laneParameters +
         ")\n other: Lane()\n front.issue -> [lane.issue, other.issue]\n"
         "memory => lane.reads\n lane.writes => memory\n"
         "registers => lane.operands\n other.results => registers";
}

} // namespace

TEST_CASE("timing: Stages: an instruction that enters in cycle t is done in cycle t + latency") {
  // Issued at 2, through 5 + 4 cycles.
  const Timeline times = timesOf("front: Front()\n decode: PipelineStage { latency = 5 cycles }\n"
                                 "lane: Lane(stage_latency = 4 cycles)\n"
                                 "front.issue -> decode -> lane.issue",
                                 "emit nop()");
  CHECK(times.entered == Cycles{11});
}

TEST_CASE("timing: Stages: a stage holds one instruction and takes the next as that leaves") {
  // (A cycle between them: 2, 6, 10. A pipelined stage: 2, 3, 4.)
  CHECK(timesOf(oneLane("stage_latency = 3 cycles"), threeSteps).issued == Cycles{2, 5, 8});
  CHECK(timesOf(oneLane(""), threeSteps).issued == Cycles{2, 3, 4});
}

TEST_CASE("timing: Stages: an instruction leaves when its next object takes it") {
  // The unit takes 4 cycles: [3, 7), [7, 11), [11, 15). Instruction 1 stays in the stage in [3, 7).
  // (A stage that lets go without a taker: issued at 2, 3, 4.)
  const Timeline times = timesOf(oneLane("unit_latency = 4 cycles"), threeSteps);
  CHECK(times.issued == Cycles{2, 3, 7});
  CHECK(times.entered == Cycles{3, 7, 11});
}

TEST_CASE("timing: Stages: an ExecuteStage lets its latency pass before its unit takes over") {
  // (Latency of the stage not added: 2.)
  CHECK(timesOf(oneLane("stage_latency = 4 cycles"), "emit nop()").entered == Cycles{6});
}

TEST_CASE("timing: Stages: an ExecuteStage is free when the unit has taken the instruction") {
  // Both units of the stage work in [13, …) at the same time. (Held while a unit works: the second
  // issued at 13.)
  const Timeline times =
      timesOf("front: Front(width = 2)\n"
              "stage: ExecuteStage { latency = 2 cycles } contains {\n"
              "  one: FunctionalUnit { to_process = [nop], latency = 9 cycles }\n"
              "  two: FunctionalUnit { to_process = [work] }\n"
              "}\n front.issue -> stage",
              "emit nop() emit work(9)");
  CHECK(times.issued == Cycles{2, 4});
  CHECK(times.finished == Cycles{13, 15});
}

TEST_CASE("timing: Stages: the route is static: `over` chooses the path") {
  // The long way takes 6 + 1 cycles, the short one 1 + 1, and nobody changes lanes.
  const std::string ways =
      "front: Front()\n short: PipelineStage {}\n long: PipelineStage { latency = 6 cycles }\n"
      "meet: Lane()\n front.issue -> [short, long] -> meet.issue";
  CHECK(timesOf(ways, "emit nop() over arch.short").entered == Cycles{4});
  CHECK(timesOf(ways, "emit nop() over arch.long").entered == Cycles{9});
}

TEST_CASE("timing: Units: dependences are awaited inside the unit, which they block") {
  // Register a is written at 3 + 7 = 10. Instruction 1 enters y.unit at 3 and starts at 10; 2 has
  // left the buffer at 3 and enters behind it, at 11. (Awaited in the stage: entered at 10 and 11,
  // 2 issued at 10. Not blocking: 2 entered at 4.)
  const Timeline times =
      timesOf(threeLanes, "emit set_in(arch.registers.a, 7) on arch.x.unit\n"
                          "emit use(arch.registers.a) on arch.y.unit  emit nop() on arch.y.unit");
  CHECK(times.issued == Cycles{2, 2, 3});
  CHECK(times.entered == Cycles{3, 3, 11});
  CHECK(times.started == Cycles{3, 10, 11});
}

TEST_CASE("timing: Units: an instruction starts when all that it depends on have finished") {
  // Two readers finish at 12 and 8, the writer starts at 12. (The nearest older one alone: 8.)
  const Timeline times = timesOf(threeLanes, "emit use_in(arch.registers.a, 9) on arch.x.unit\n"
                                             "emit use_in(arch.registers.a, 5) on arch.y.unit\n"
                                             "emit set(arch.registers.a) on arch.z.unit");
  CHECK(times.started == Cycles{3, 3, 12});
}

TEST_CASE("timing: Units: an initiation interval frees the unit at start + i") {
  // (No pipelining: 3, 8, 13.)
  const Timeline times = timesOf(pipelined("2 cycles"), std::string("let u = arch.unit\n") +
                                                            "emit nop() on u emit nop() on u "
                                                            "emit nop() on u");
  CHECK(times.entered == Cycles{3, 5, 7});
  CHECK(times.finished == Cycles{8, 10, 12});
}

TEST_CASE("timing: Units: an instruction that waits in a pipelined unit blocks it") {
  // Instruction 1 enters at 3, starts at 3 + 6 = 9 and frees the unit at 11. (Counted from the
  // entry: 5.)
  const Timeline times = timesOf(pipelined("2 cycles"),
                                 "emit set_in(arch.registers.a, 6) on arch.y.unit\n"
                                 "emit use(arch.registers.a) on arch.unit emit nop() on arch.unit");
  CHECK(times.entered == Cycles{3, 3, 11});
  CHECK(times.started == Cycles{3, 9, 11});
}

TEST_CASE("timing: Units: an instruction of a shorter latency than i frees the unit earlier") {
  // In [3, 4). (Free at start + i: 7.)
  const Timeline times =
      timesOf(pipelined("4 cycles"), "emit work(1) on arch.unit emit nop() on arch.unit");
  CHECK(times.entered == Cycles{3, 4});
}

TEST_CASE("timing: Units: the latency is that of the instruction if it states one") {
  // (The unit's for both: 7, 11. The longer one: 7, 11.)
  const Timeline times = timesOf(oneLane("unit_latency = 4 cycles"), "emit nop() emit work(2)");
  CHECK(times.finished == Cycles{7, 9});
}

TEST_CASE("timing: Units: the latency of an instruction is at least 1") {
  CHECK(errorsOf(oneLane(""), "emit work(0)") == "E0333");
  CHECK(errorsOf(oneLane(""), "emit work(1)") == "");
}

TEST_CASE("timing: Units: Dependences: RAW, WAW and WAR, without renaming; reads go together") {
  // The older instruction works in [3, 9); without a dependence the younger one starts at 3.
  const auto start = [](const std::string &older, const std::string &younger) {
    return timesOf(threeLanes,
                   "emit " + older + " on arch.x.unit emit " + younger + " on arch.y.unit")
        .started;
  };
  CHECK(start("set_in(arch.registers.a, 6)", "use(arch.registers.a)") == Cycles{3, 9});
  CHECK(start("set_in(arch.registers.a, 6)", "set(arch.registers.a)") == Cycles{3, 9});
  CHECK(start("use_in(arch.registers.a, 6)", "set(arch.registers.a)") == Cycles{3, 9});
  CHECK(start("use_in(arch.registers.a, 6)", "use(arch.registers.a)") == Cycles{3, 3});
  CHECK(start("set_in(arch.registers.a, 6)", "use(arch.registers.b)") == Cycles{3, 3});
}

TEST_CASE("timing: Units: Dependences: bytes count as registers do") {
  // The older instruction is served in [4, 14); without a dependence the younger one starts at 3.
  const auto start = [](const std::string &older, const std::string &younger) {
    return timesOf(twoMemories,
                   "emit " + older + " on arch.x.unit emit " + younger + " on arch.y.unit")
        .started;
  };
  const std::string written = "store(arch.near[16 .. 20])";
  CHECK(start(written, "load(arch.near[19 .. 23])") == Cycles{3, 14});  // RAW in byte 19
  CHECK(start(written, "store(arch.near[13 .. 17])") == Cycles{3, 14}); // WAW in byte 16
  CHECK(start("load(arch.near[16 .. 20])", "store(arch.near[18 .. 19])") == Cycles{3, 14}); // WAR
  CHECK(start("load(arch.near[16 .. 20])", "load(arch.near[16 .. 20])") == Cycles{3, 3});
  CHECK(start(written, "load(arch.near[20 .. 24])") == Cycles{3, 3}); // (whole words or lines: 14)
  CHECK(start(written, "load(arch.near[12 .. 16])") == Cycles{3, 3});
  CHECK(start(written, "load(arch.far[0x1010 .. 0x1014])") == Cycles{3, 3});
}

TEST_CASE("timing: Units: Dependences: bytes are those of the memory at the end of the caches") {
  // Past the cache [4, 14), through it from 14 on. (Bytes of the cache apart: 3.)
  const Timeline times =
      timesOf("front: Front(width = 2)\n x: MemoryLane()\n y: MemoryLane()\n"
              "front.issue -> [x.issue, y.issue]\n"
              "memory: SRAM { data_width = 32 bit, size = 1 KiB, write_latency = 10 cycles,\n"
              "               read_write_ports = 2 }\n"
              "cache: SetAssociativeCache { data_width = 32 bit, sets = 1, ways = 1,\n"
              "  cache_line_size = 16 bytes, hit_latency = 1 cycle, miss_latency = 1 cycle }\n"
              "memory => cache => y.reads\n x.writes => memory",
              "emit store(arch.memory[0 .. 4]) on arch.x.unit\n"
              "emit load(arch.cache[2 .. 3]) on arch.y.unit");
  CHECK(times.started == Cycles{3, 14});
}

TEST_CASE(
    "timing: Units: Memory access: the unit's latency passes from the start on, then it asks") {
  // 3 + 3 + 3. With a register that is written at 3 + 7 = 10: 10 + 3 + 3. (Latency from the entry
  // on: 13.)
  CHECK(timesOf(oneMemory("unit_latency = 3 cycles"), "emit load(arch.memory[0 .. 4])").finished ==
        Cycles{9});
  const Timeline times = timesOf(oneMemory("unit_latency = 3 cycles"),
                                 "emit set_in(arch.registers.a, 7)\n"
                                 "emit load_if(arch.memory[0 .. 4], arch.registers.a)");
  CHECK(times.finished == Cycles{10, 16});
}

TEST_CASE(
    "timing: Units: Memory access: an instruction's own latency takes the place of the unit's") {
  // 3 + 5 + 3. (The unit's: 9. Both: 14.)
  CHECK(timesOf(oneMemory("unit_latency = 3 cycles"), "emit load_in(arch.memory[0 .. 4], 5)")
            .finished == Cycles{11});
}

TEST_CASE("timing: Units: Memory access: requests are made one after the other, in operand order") {
  // Instruction 0 is served by its first memory in [4, 14), by the second from 14 on. So 1, which
  // asks `far` at 4, is in nobody's way if `far` comes second, and waits if it comes first.
  // (All at once: 14 for instruction 0. Requests in the other order: the cases change places.)
  const auto finished = [](const std::string &operands) {
    return timesOf(twoMemories, "emit add(" + operands + ") on arch.x.unit\n" +
                                    "emit load(arch.far[0x1008 .. 0x100C]) on arch.y.unit")
        .finished;
  };
  const std::string near = "arch.near[0 .. 4]";
  const std::string far = "arch.far[0x1000 .. 0x1004]";
  CHECK(finished(near + ", " + far) == Cycles{24, 14});
  CHECK(finished(far + ", " + near) == Cycles{24, 24});
}

TEST_CASE("timing: Units: Memory access: an `inout` operand is a read, then a write") {
  // 4 + 3 + 7. (One of them: 7 or 11.)
  CHECK(timesOf(oneMemory(""), "emit update(arch.memory[0 .. 4])").finished == Cycles{14});
  // The read misses and brings the line in, the write hits: 4 + (8 + 1) + 1. (The write first: it
  // misses and brings in nothing, 4 + (8 + 1) + (8 + 1).)
  const std::string cached =
      "front: Front()\n lane: MemoryLane()\n front.issue -> lane.issue\n"
      "cache: SetAssociativeCache { data_width = 32 bit, sets = 1, ways = 1,\n"
      "  cache_line_size = 16 bytes, hit_latency = 1 cycle, miss_latency = 8 cycles,\n"
      "  write_allocate = false }\n memory: SRAM { data_width = 128 bit, size = 1 KiB }\n"
      "memory => cache => memory\n cache => lane.reads\n lane.writes => cache";
  CHECK(timesOf(cached, "emit update(arch.cache[0 .. 4])").finished == Cycles{14});
}

TEST_CASE("timing: Units: Memory access: the latency is waited for once for all requests") {
  // 3 + 5 + 7 + 3. (Before each request: 23.)
  const Timeline times =
      timesOf(oneMemory("unit_latency = 5 cycles"), "emit copy(arch.memory[0 .. 4], "
                                                    "arch.memory[8 .. 12])");
  CHECK(times.finished == Cycles{18});
}

TEST_CASE("timing: Units: Memory access: the unit is held until the last request is served") {
  // [3, 7) and [7, 11). (Free when the request has been made: entered at 4, request at 7 after the
  // other.)
  const Timeline times = timesOf(oneMemory(""), "emit load(arch.memory[0 .. 4])\n"
                                                "emit load(arch.memory[8 .. 12])");
  CHECK(times.entered == Cycles{3, 7});
  CHECK(times.finished == Cycles{7, 11});
}

TEST_CASE("timing: Units: Memory access: a memory access unit has no initiation interval") {
  CHECK(errorsOf("front: Front()\n stage: ExecuteStage {} contains {\n"
                 "unit: MemoryAccessUnit { to_process = [nop], initiation_interval = 1 cycle }\n}\n"
                 "front.issue -> stage",
                 "emit nop()") == "E0232");
}

TEST_CASE("timing: Units: a functional unit's memory operands are dependences, not requests") {
  // The store is served in [4, 14); the functional unit starts then and takes its 2 cycles. (A
  // request of its own: 14 + 2 + 10.)
  const Timeline times =
      timesOf("front: Front(width = 2)\n x: MemoryLane()\n"
              "memory: SRAM { data_width = 32 bit, size = 1 KiB,\n"
              "               read_latency = 10 cycles, write_latency = 10 cycles }\n"
              "stage: ExecuteStage {} contains {\n"
              "  unit: FunctionalUnit { to_process = [load], latency = 2 cycles }\n}\n"
              "front.issue -> [x.issue, stage]\n x.writes => memory => unit",
              "emit store(arch.memory[0 .. 4]) on arch.x.unit\n"
              "emit load(arch.memory[0 .. 4]) on arch.unit");
  CHECK(times.started == Cycles{3, 14});
  CHECK(times.finished == Cycles{14, 16});
}

} // namespace acadlc::test
