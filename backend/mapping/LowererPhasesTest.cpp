#include "backend/mapping/Lower.h"
#include "backend/mapping/MappingTestSupport.h"

#include <doctest/doctest.h>

namespace acadlc::mapping {
namespace {

using program::Phase;
using test::Bench;

/// A machine with a controller that hands on, a reader behind it, and a link between memory and
/// reader; in it the instructions under test.
struct PhaseBench : Bench {
  std::optional<LoweredLayer> run(std::string instructions, const std::string &body) {
    for (const std::string name : {"move", "row", "word", "load"})
      if (instructions.find("instruction " + name + "(") == std::string::npos)
        instructions += "instruction " + name + "(src: in mem)\n";
    loadText("architecture Machine {\n"
             "  instructions: SRAM { size = 1 KiB }\n"
             "  fetch: InstructionFetchStage { issue_buffer_size = 1 } contains {\n"
             "    fetcher: InstructionMemoryAccessUnit { latency = 1 cycle }\n"
             "  }\n"
             "  instructions => fetcher\n"
             "  memory: SRAM { size = 1 KiB }\n"
             "  other: SRAM { size = 1 KiB }\n"
             "  link: Channel { width = 4 bytes, credits = 8 }\n"
             "  lane[2]: Channel { width = 4 bytes }\n"
             "  route way(n: int) = [link, lane[n]]\n"
             "  tokens: Queue { capacity = 3 }\n"
             "  waiting: Queue { capacity = 3 }\n"
             "  control: ExecuteStage { latency = 1 cycle } contains {\n"
             "    controller: FunctionalUnit { to_process = [move], latency = 3 cycles }\n"
             "  }\n"
             "  reading: ExecuteStage { latency = 1 cycle } contains {\n"
             "    reader: FunctionalUnit { to_process = [row, word], latency = 1 cycle }\n"
             "  }\n"
             "  loading: ExecuteStage { latency = 1 cycle } contains {\n"
             "    loader: MemoryAccessUnit { to_process = [load], latency = 1 cycle }\n"
             "  }\n"
             "  fetch -> control -> waiting -> [reading, loading]\n"
             "  lane[0] => loader\n"
             "  memory => link => lane => reader\n"
             "  reader => other\n" +
             instructions + "}\nprogram p() on arch: Machine { " + body + " }");
    elaborateWith({});
    REQUIRE_MESSAGE(architecture, messages());
    return lower(*programs.front(), *architecture, home(), sources, diagnostics, {});
  }
  LoweredLayer lowered(const std::string &instructions, const std::string &body) {
    auto layer = run(instructions, body);
    REQUIRE_MESSAGE(layer, messages());
    return std::move(*layer);
  }
  [[nodiscard]] arch::ObjectId id(std::string_view name) const {
    const auto found = architecture->graph.find(name);
    REQUIRE(found);
    return *found;
  }
  /// The first code reported.
  [[nodiscard]] DiagnosticCode problem() const {
    REQUIRE(!diagnostics.diagnostics().empty());
    return diagnostics.diagnostics().front().code;
  }
};

} // namespace

TEST_CASE_FIXTURE(PhaseBench, "phases keep what they take and when they begin") {
  const LoweredLayer layer =
      lowered(R"(
    instruction row(src: in mem, dst: out mem, lane_used: int) {
      phase ask for 2 cycles holding tokens until done
      phase move_in over way(lane_used) for src.bytes after ask signals done
      phase keep on other for 5 cycles after issued holding link until completed holding reader until read
      phase spread over [lane[0], lane[1]] for 12 bits after move_in after keep together
      phase use on reader after step + 2
      phase rest for 0 cycles
    })",
              "emit row(arch.memory[0 .. 6], arch.other[4 .. 8], 1) on arch.reader");
  const program::Instruction &row = layer.program.instructions.front();
  REQUIRE(row.phases.size() == 6);
  const Phase &ask = row.phases[0], &moveIn = row.phases[1], &keep = row.phases[2],
              &spread = row.phases[3], &use = row.phases[4], &rest = row.phases[5];
  CHECK(ask.kind == Phase::Kind::Delay);
  CHECK(ask.cycles == 2);
  CHECK(ask.after.empty());
  CHECK(ask.holding == std::vector<program::Holding>{{id("tokens"), program::phaseEnd(1)}});
  CHECK(moveIn.kind == Phase::Kind::Message);
  CHECK(moveIn.channels == std::vector{id("link"), id("lane[1]")});
  CHECK(moveIn.bits == 48);
  CHECK(moveIn.after == std::vector{program::phaseEnd(0)});
  CHECK_FALSE(moveIn.together);
  CHECK(keep.kind == Phase::Kind::Occupation);
  CHECK(keep.object == id("other"));
  CHECK(keep.after.empty());
  CHECK(keep.holding == std::vector<program::Holding>{{id("link"), program::completedEvent},
                                                      {id("reader"), program::readEvent}});
  CHECK(spread.bits == 12);
  CHECK(spread.together);
  CHECK(spread.after == std::vector{program::phaseEnd(1), program::phaseEnd(2)});
  CHECK(use.cycles == 1);
  CHECK(use.afterStep == 2);
  CHECK(use.after.empty());
  CHECK(rest.cycles == 0);
  CHECK(rest.after == std::vector{program::phaseEnd(4)});
  CHECK(row.findEvent("done") == program::phaseEnd(1));
  CHECK(row.findEvent("read") == program::readEvent);
  CHECK_FALSE(row.findEvent("ask"));
  CHECK(row.requestCount() == 0);
}

TEST_CASE_FIXTURE(PhaseBench, "nests are lowered once, relative to the operands of their emitter") {
  const LoweredLayer layer =
      lowered(R"(
    instruction word(src: in mem)
    instruction row(src: in mem) { macs = 2 }
    instruction move(src: in mem, rows: int, also: bool) {
      phase lines expands (outstanding = 2) {
        let size = src.bytes / 1 byte / rows
        for r in 0 .. rows { emit row(src[r * size .. (r + 1) * size]) }
      }
      phase words after issued expands (outstanding = { row: 4, word: 1 }) {
        if also { emit word(src) }
      }
    })",
              "for i in 0 .. 10 { emit move(arch.memory[16 * i .. 16 * i + 16], 4, true) } "
              "emit move(arch.memory[0 .. 16], 4, false)");
  const program::Program &program = layer.program;
  REQUIRE(program.instructions.size() == 4);
  const program::Instruction &move = program.instructions[0], &row = program.instructions[1],
                             &word = program.instructions[2], &last = program.instructions[3];
  CHECK(move.phases[0].outstanding == 2);
  CHECK(move.phases[1].limits == std::vector<program::OutstandingLimit>{{"row", 4}, {"word", 1}});
  CHECK(move.phases[0].body == last.phases[0].body);
  CHECK(move.phases[1].body != last.phases[1].body);
  const program::Region &lines = program.regions[move.phases[0].body];
  REQUIRE(lines.steps.size() == 1);
  const program::Repeat &repeat = program.repeats[lines.steps.front().index];
  CHECK(repeat.depth == 0);
  CHECK(repeat.count == 4);
  REQUIRE(row.memory.size() == 1);
  CHECK(row.memory[0].base == 0);
  CHECK(row.memory[0].bytes == 4);
  REQUIRE(row.memory[0].address.terms.size() == 1);
  CHECK(row.memory[0].address.terms[0].depth == 0);
  CHECK(row.memory[0].address.terms[0].coefficient == 4);
  CHECK(word.memory[0].address.constant == 0);
  CHECK(word.memory[0].bytes == 16);
  CHECK(program.routes[row.route].origin == id("control"));
  CHECK(program.routes[row.route].stages == std::vector{id("waiting"), id("reading")});
  CHECK(layer.totals.instructions == 11);
  CHECK(layer.totals.emitted == 11 * 4 + 10);
  CHECK(layer.totals.macs == 11 * 8);
}

TEST_CASE_FIXTURE(PhaseBench, "inout operands count twice among those of the emitter") {
  const LoweredLayer layer = lowered(R"(
    instruction word(src: in mem)
    instruction move(both: inout mem, src: in mem) { expands { emit word(src[0 .. 2]) } }
  )",
                                     "emit move(arch.memory[0 .. 4], arch.memory[8 .. 12])");
  REQUIRE(layer.program.instructions.size() == 2);
  CHECK(layer.program.instructions[1].memory[0].base == 2);
}

TEST_CASE("a single phase on the unit is what an instruction without phases does") {
  PhaseBench plain;
  const LoweredLayer layer =
      plain.lowered("instruction word(src: in mem) { phase run on reader for "
                    "src.bytes / 1 byte * 1 cycle }\n",
                    "emit word(arch.memory[0 .. 5])");
  CHECK(layer.program.instructions.front().phases.empty());
  CHECK(layer.program.instructions.front().latency == 5);
  PhaseBench nothing; // which no latency can say
  CHECK(nothing
            .lowered("instruction word(src: in mem) { phase run on reader for 0 cycles }\n",
                     "emit word(arch.memory[0 .. 5])")
            .program.instructions.front()
            .phases.size() == 1);
}

TEST_CASE("an access through channels needs phases where it takes time") {
  PhaseBench functional; // whose latency includes its accesses
  CHECK(functional.run("", "emit word(arch.memory[0 .. 4])"));
  PhaseBench plain;
  CHECK_FALSE(plain.run("", "emit load(arch.memory[0 .. 4])"));
  CHECK(plain.problem() == DiagnosticCode::NoUnit);
  CHECK(plain.messages().find("phases have to say what moves") != std::string::npos);
  PhaseBench phased;
  CHECK(phased.run("instruction load(src: in mem) { phase p over link for src.bytes }",
                   "emit load(arch.memory[0 .. 4])"));
}

TEST_CASE("phases that can not be are reported") {
  const auto problemOf = [](const std::string &phases, const std::string &operand = "0") {
    PhaseBench bench;
    CHECK_FALSE(bench.run("instruction word(src: in mem)\n"
                          "instruction move(src: in mem, n: int) {\n" +
                              phases + "\n}\n",
                          "emit move(arch.memory[0 .. 8], " + operand + ")"));
    return bench.problem();
  };
  CHECK(problemOf("phase a for (n - 1) * 1 cycle phase b expands {}") ==
        DiagnosticCode::InstructionAttributeRange);
  CHECK(problemOf("phase a on control for 1 cycle phase b expands {}") ==
        DiagnosticCode::OperandKind);
  CHECK(problemOf("phase a over memory for 1 byte phase b expands {}") ==
        DiagnosticCode::OperandKind);
  CHECK(problemOf("phase a for 1 cycle holding waiting until completed phase b expands {}") ==
        DiagnosticCode::OperandKind);
  CHECK(problemOf("phase a for 1 cycle holding lane[0] until completed phase b expands {}") ==
        DiagnosticCode::OperandKind);
  CHECK(problemOf("phase a expands (outstanding = n) {}") ==
        DiagnosticCode::InstructionAttributeRange);
  CHECK(problemOf("phase a expands { emit word(src[4 .. 12]) }") == DiagnosticCode::OutsideStorage);
  CHECK(problemOf("phase a expands { for i in 0 .. 9 { emit word(src[i .. i + 1]) } }") ==
        DiagnosticCode::OutsideStorage);
  CHECK(problemOf("phase a expands { emit word(src[4 .. 4]) }") == DiagnosticCode::EmptySlice);
  CHECK(problemOf("macs = 3 phase a expands { emit word(src) }") == DiagnosticCode::WorkDiffers);
  CHECK(problemOf("phase a on other phase b expands {}") == DiagnosticCode::PhaseWithoutDuration);
  CHECK(problemOf("phase a for 1 cycle holding link until a holding link until completed "
                  "phase b expands {}") == DiagnosticCode::StatedTwice);
  // What is emitted goes on: the unit that emits does not take it.
  CHECK(problemOf("phase a expands { emit move(src, n) }") == DiagnosticCode::NoRoute);
}

TEST_CASE_FIXTURE(PhaseBench, "work that an expanding instruction states is not counted twice") {
  const LoweredLayer layer = lowered("instruction word(src: in mem) { macs = 3, ops = 5 }\n"
                                     "instruction move(src: in mem) { macs = 6, ops = 100\n"
                                     "  expands { for i in 0 .. 2 { emit word(src) } } }\n",
                                     "emit move(arch.memory[0 .. 8])");
  CHECK(layer.totals.macs == 6);
  CHECK(layer.totals.ops == 100);
}

} // namespace acadlc::mapping
