#include "frontend/acadl/elaboration/Elaborate.h"

#include "frontend/acadl/check/Check.h"
#include "frontend/acadl/syntax/Parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace acadlc;
using arch::EdgeKind;
using arch::ObjectClass;

namespace {

/// Loads a text and elaborates its first architecture (or one that it imports).
struct Run {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation{sources, diagnostics};
  std::optional<ElaboratedArchitecture> result;

  explicit Run(const std::string &text, const std::vector<ParameterOverride> &overrides = {},
               const ElaborationLimits &limits = {}) {
    const Module *module = compilation.loadText("test.acadl", text);
    REQUIRE(module);
    REQUIRE_MESSAGE(!diagnostics.hasErrors(), messages());
    for (const auto &[name, symbol] : module->scope->entries())
      if (const auto *architecture =
              ast::dynCast<ast::ArchitectureDeclaration>(symbol.declaration)) {
        result = elaborate(compilation, *architecture, overrides, sources, diagnostics, limits);
        return;
      }
    FAIL("no architecture");
  }

  [[nodiscard]] std::string messages() const {
    return renderDiagnostics(diagnostics.diagnostics(), sources, {});
  }
  /// The first diagnostic: "E0301 requirement failed: …", with its notes behind " | ".
  [[nodiscard]] std::string first() const {
    if (diagnostics.diagnostics().empty())
      return "";
    const Diagnostic &diagnostic = diagnostics.diagnostics().front();
    std::string text = std::string(diagnosticInfo(diagnostic.code).id) + " " + diagnostic.message;
    for (const DiagnosticNote &note : diagnostic.notes)
      text += " | " + note.message;
    return text;
  }
  /// The text that the first diagnostic is about.
  [[nodiscard]] std::string where() const {
    return std::string(sources.textOf(diagnostics.diagnostics().front().range));
  }
  [[nodiscard]] const arch::ArchitectureGraph &graph() const { return result->graph; }
  [[nodiscard]] const arch::Object &object(std::string_view name) const {
    const auto id = graph().find(name);
    REQUIRE_MESSAGE(id, std::string(name));
    return graph().objects[*id];
  }
  [[nodiscard]] std::size_t count(ObjectClass objectClass) const {
    return std::ranges::count_if(
        graph().objects, [&](const auto &object) { return object.objectClass == objectClass; });
  }
  [[nodiscard]] std::size_t count(EdgeKind kind) const {
    return std::ranges::count_if(graph().edges,
                                 [&](const auto &edge) { return edge.kind == kind; });
  }
  [[nodiscard]] bool hasEdge(EdgeKind kind, std::string_view source,
                             std::string_view target) const {
    return std::ranges::any_of(graph().edges, [&](const auto &edge) {
      return edge.kind == kind && graph().objects[edge.source].name == source &&
             graph().objects[edge.target].name == target;
    });
  }
};

/// What every architecture needs, in front of \p rest.
std::string withFetch(const std::string &rest, const std::string &before = "",
                      const std::string &parameters = "()") {
  return before + "\narchitecture A" + parameters + R"( {
  fetch: InstructionFetchStage { issue_buffer_size = 4 } contains {
    fetcher: InstructionMemoryAccessUnit
  }
  instructions: SRAM { size = 1 KiB }
  instructions => fetcher
)" + rest +
         "\n}\n";
}

constexpr const char *systolic = "import \"std/systolic_array.acadl\"\n";

} // namespace

TEST_CASE("elaborate: the systolic array has the objects and edges of its definition") {
  const Run run(systolic, {{"rows", "3"}, {"columns", "5"}});
  REQUIRE_MESSAGE(run.result, run.messages());
  const std::size_t rows = 3;
  const std::size_t columns = 5;
  const std::size_t elements = rows * columns;
  const std::size_t edge = rows + 2 * columns;
  CHECK(run.count(ObjectClass::RegisterFile) == elements);
  CHECK(run.count(ObjectClass::FunctionalUnit) == 2 * elements);
  CHECK(run.count(ObjectClass::ExecuteStage) == elements + edge);
  CHECK(run.count(ObjectClass::MemoryAccessUnit) == edge);
  CHECK(run.count(ObjectClass::SRAM) == 2);
  CHECK(run.count(EdgeKind::Contains) == 2 * elements + edge + 1);
  CHECK(run.count(EdgeKind::Forward) == elements + edge);
  // Registers to both units, memory to loaders, bottom rows to storers, instructions.
  CHECK(run.count(EdgeKind::ReadData) == 2 * elements + rows + columns + columns + 1);
  // Products, hands to the right and down, loaders to elements, storers to the memory.
  CHECK(run.count(EdgeKind::WriteData) ==
        elements + rows * (columns - 1) + (rows - 1) * columns + rows + columns + columns);
  CHECK(run.graph().parameters.size() == 9);
  CHECK(run.graph().parameters[2].value == "32 bits");
  CHECK(run.graph().clockHz == 250e6);
}

TEST_CASE("elaborate: names, containers and ports of the systolic array") {
  const Run run(systolic, {{"rows", "2"}, {"columns", "2"}, {"memory_latency", "7"}});
  REQUIRE_MESSAGE(run.result, run.messages());
  const arch::Object &multiply = run.object("pe[0][1].multiply");
  CHECK(multiply.toProcess == std::vector<std::string>{"mac", "clear"});
  CHECK(run.graph().objects[multiply.container].name == "pe[0][1].execute");
  CHECK(run.object("memory").readLatency == 7); // a bare number on the command line is in cycles
  CHECK(run.object("memory").slots() == 6);
  CHECK(run.hasEdge(EdgeKind::WriteData, "pe[0][0].hand", "pe[0][1].registers"));
  CHECK(run.hasEdge(EdgeKind::WriteData, "pe[0][0].hand", "pe[1][0].registers"));
  CHECK_FALSE(run.hasEdge(EdgeKind::WriteData, "pe[0][1].hand", "pe[0][0].registers"));
  CHECK(run.hasEdge(EdgeKind::Forward, "fetch", "pe[1][1].execute"));
  CHECK(run.hasEdge(EdgeKind::ReadData, "pe[1][0].registers", "drain[0].unit"));
  CHECK(run.graph().registerName(4) == "pe[0][1].registers.b");
}

TEST_CASE("elaborate: the architecture as a value") {
  Run run(systolic, {{"rows", "2"}, {"columns", "3"}});
  REQUIRE_MESSAGE(run.result, run.messages());
  Scope scope(run.result->scope.get());
  const ast::Identifier arch{"arch", {}};
  scope.declare(arch, run.result->instance);
  const FileId file =
      run.sources.addText("e", "const x = [arch.pe[1][2].registers.acc]\nconst y = arch.rows\n"
                               "const z = arch.left[1].unit");
  const ast::SourceFile tree = parseAcadl(run.sources, file, run.diagnostics);
  Evaluator evaluator(run.diagnostics);
  const auto value = [&](std::size_t i) {
    return *evaluator.evaluate(*ast::cast<ast::ConstantDeclaration>(*tree.declarations[i]).value,
                               scope);
  };
  const Value acc = value(0).elements().front();
  CHECK(run.graph().registerName(acc.registerId(run.graph())) == "pe[1][2].registers.acc");
  CHECK(value(1) == Value::ofInt(2));
  CHECK(run.graph().objects[value(2).object()].name == "left[1].unit");
  CHECK(run.result->findInstruction("mac") != nullptr);
  CHECK(run.result->findInstruction("pe") == nullptr);
}

TEST_CASE("elaborate: a 64 × 64 array") {
  const Run run(systolic, {{"rows", "64"}, {"columns", "64"}});
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.graph().objects.size() == 4 * 64 * 64 + 2 * 3 * 64 + 4);
}

TEST_CASE("elaborate: wrong parameters on the command line") {
  const auto error = [](const std::vector<ParameterOverride> &overrides) {
    const Run run(systolic, overrides);
    CHECK_FALSE(run.result);
    return run.first();
  };
  CHECK(error({{"row", "4"}}) ==
        "E0223 architecture 'SystolicArray' has no parameter 'row' | did you mean 'rows'?");
  CHECK(error({{"rows", "4"}, {"rows", "4"}}) == "E0224 'rows' is given twice");
  CHECK(error({{"rows", "4 cycles"}}) == "E0212 parameter 'rows' takes int, found 4 cycles");
  CHECK(error({{"word", "4 cycles"}}) == "E0212 parameter 'word' takes bits, found 4 cycles");
  CHECK(error({{"rows", "4 +"}}).starts_with("E0332 -P rows: expected one value"));
  CHECK(Run(systolic, {{"rows", "4 +"}}).diagnostics.errorCount() == 1);
  CHECK(error({{"rows", "4 const b = 5"}}).starts_with("E0332 -P rows: expected one value"));
  CHECK(error({{"rows", ""}}).starts_with("E0332 -P rows: expected one value"));
  CHECK(error({{"rows", "0"}}) == "E0301 requirement failed: an array needs at least one "
                                  "processing element");
  CHECK(error({{"rows", "-1"}}).starts_with("E0301"));
  CHECK(error({{"rows", "1 / 0"}}) == "E0302 division by zero");
  CHECK(error({{"rows", "1_000_000"},
               {"columns", "1_000_000"},
               {"memory_ports", "1"},
               {"fetch_width", "1"}})
            .starts_with("E0318 'pe' makes"));
}

TEST_CASE("elaborate: quantities of the command line count in the parameter's unit") {
  const Run run(withFetch("memory: SRAM { size = size, data_width = word }", "",
                          "(size: bytes = 4 bytes, word: bits = 8 bit, f: Hz = 1 MHz)"),
                {{"size", "64"}, {"word", "16"}, {"f", "5"}});
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.object("memory").addressRanges.front().high == 64);
  CHECK(run.object("memory").dataWidth == 16);
  CHECK(run.graph().parameters[2].value == "5 Hz");
}

TEST_CASE("elaborate: attributes and their defaults") {
  const Run run(withFetch(R"(
    r: RegisterFile { data_width = 16 bit, registers = [a, r[3], b] }
    d: DRAM {
      address_ranges = [1 KiB .. 2 KiB, 0x1000 * 1 byte .. 0x2000 * 1 byte], row_size = 64 bytes, banks = 4,
      t_rcd = 3 cycles, t_rp = 4 cycles, t_ras = 9 cycles, read_latency = 5 cycles,
      read_write_ports = 3, arbitration = program_order
    }
    c: SetAssociativeCache {
      sets = 8, ways = 2, cache_line_size = 16 bytes, hit_latency = 1 cycle, miss_latency = 2 cycles,
      write_back = 1 > 2, replacement_policy = fifo
    }
    d => c => d
    x: ExecuteStage { arbitration = oldest_first } contains {
      u: FunctionalUnit { to_process = [nop], latency = 4 cycles, initiation_interval = 2 cycles }
    }
    fetch -> x)",
                          "instruction nop()"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.object("r").registers == std::vector<std::string>{"a", "r[0]", "r[1]", "r[2]", "b"});
  const arch::Object &dram = run.object("d");
  CHECK(dram.addressRanges.size() == 2);
  CHECK(dram.addressRanges[1].low == 0x1000);
  CHECK(dram.tRAS == 9);
  CHECK(dram.rowSize == 64);
  CHECK(dram.writeLatency == 1);
  CHECK(dram.slots() == 3);
  CHECK(dram.arbitration == arch::Arbitration::ProgramOrder);
  const arch::Object &cache = run.object("c");
  CHECK(cache.lineSize == 16);
  CHECK_FALSE(cache.writeBack);
  CHECK(cache.writeAllocate);
  CHECK(cache.replacement == arch::ReplacementPolicy::FIFO);
  CHECK(cache.arbitration == arch::Arbitration::OldestFirst);
  CHECK(run.graph().objects[cache.lower].name == "d");
  CHECK(run.object("x").arbitration == arch::Arbitration::OldestFirst);
  CHECK(run.object("u").initiationInterval == 2);
  CHECK(run.object("u").hasLatency);
  CHECK(run.object("fetch").latency == 0);
  CHECK(run.object("instructions").dataWidth == 8);
}

namespace {

/// An architecture whose unit `mesh` looks ahead, with \p front of its stage and \p edges.
std::string lookingAhead(std::string_view front, std::string_view edges) {
  return R"(
    instruction preload() { class = ex }
    instruction compute() { class = ex }
    architecture A {
      code: SRAM { data_width = 32 bit, size = 1 KiB }
      fetch: InstructionFetchStage { issue_buffer_size = 1 } contains {
        fetcher: InstructionMemoryAccessUnit { }
      }
      code => fetcher
      mesh_stage: ExecuteStage contains {
        mesh: FunctionalUnit {
          to_process = [preload, compute], max_concurrent_expansions = 2
          step [compute, preload] before [compute]
          step [compute]
        }
      }
  )" + std::string(front) +
         "\n" + std::string(edges) + "\n}";
}

} // namespace

TEST_CASE("elaborate: steps of a unit and releases of a station keep what is written") {
  const Run run(lookingAhead("queue: ReservationStation { capacity = 8, "
                             "release = { ex: read, preload: issued } }",
                             "fetch -> queue -> mesh_stage"));
  const arch::Object &mesh = run.object("mesh");
  REQUIRE(mesh.steps.size() == 2);
  CHECK(mesh.steps[0].taken == std::vector<std::string>{"compute", "preload"});
  CHECK(mesh.steps[0].behind == std::vector<std::string>{"compute"});
  CHECK(mesh.steps[1].behind.empty());
  CHECK(mesh.maxConcurrentExpansions == 2);
  const arch::QueueAttributes &queue = run.object("queue").queue;
  CHECK(queue.release == "completed");
  REQUIRE(queue.releases.size() == 2);
  CHECK(queue.releases[1].name == "preload");
  CHECK(queue.releases[1].event == "issued");
}

TEST_CASE("elaborate: a queue without edges is a pool, not a stage that nobody reaches") {
  const auto warning = [](std::string_view edges) {
    return Run(lookingAhead("queue, pool: Queue { capacity = 8 }", edges)).first();
  };
  CHECK(warning("fetch -> queue -> mesh_stage") == "");
  const Run joined(lookingAhead("queue, pool: Queue { capacity = 8 }  lost: PipelineStage",
                                "fetch -> queue -> mesh_stage  pool -> lost"));
  CHECK(joined.first().starts_with("W0323"));
}

TEST_CASE("elaborate: a unit that looks ahead needs a queue of its own") {
  const auto why = [](std::string_view front, std::string_view edges) {
    const Run run(lookingAhead(front, edges));
    return run.first();
  };
  const std::string_view queue = "queue: Queue { capacity = 8 }";
  CHECK(why(queue, "fetch -> queue -> mesh_stage") == "");
  CHECK(why("", "fetch -> mesh_stage").find("'fetch' in front of its stage is no queue") !=
        std::string::npos);
  CHECK(why("queue: Queue { capacity = 8, issue_order = oldest_ready }",
            "fetch -> queue -> mesh_stage")
            .find("does not hand on in order") != std::string::npos);
  CHECK(why("queue: Queue { capacity = 8 }  other: PipelineStage",
            "fetch -> queue -> [mesh_stage, other]")
            .find("leads past it as well") != std::string::npos);
  const Run crowded(withFetch(R"(
    queue: Queue { capacity = 8 }
    stage: ExecuteStage contains {
      mesh: FunctionalUnit { to_process = [compute]  step [compute, compute] }
      other: FunctionalUnit { to_process = [preload] }
    }
    fetch -> queue -> stage
  )",
                              "instruction preload()\ninstruction compute()"));
  CHECK(crowded.first().find("stage 'stage' contains other units") != std::string::npos);
  CHECK(why("queue, more: Queue { capacity = 8 }", "fetch -> [queue, more] -> mesh_stage")
            .find("2 FORWARD edges lead to stage") != std::string::npos);
}

TEST_CASE("elaborate: queues, stations and channels keep their attributes") {
  const Run run(R"(
    instruction load() { class = ld }
    instruction work() { class = ex }
    architecture A(depth: int = 3) {
      code: SRAM { data_width = 32 bit, size = 1 KiB }
      fetch: InstructionFetchStage { issue_buffer_size = 1 } contains {
        fetcher: InstructionMemoryAccessUnit { }
      }
      code => fetcher
      raw: Queue { capacity = depth, entry_order = oldest_ready }
      station: ReservationStation {
        capacity = { ld: 8, ex: 2 * depth }, issue_order = oldest_ready
      } hazards {
        ld waits for ld issued
        ex waits for ld, ex completed where overlapping
      }
      execute: ExecuteStage { latency = 1 cycle } contains {
        unit: FunctionalUnit { to_process = [load, work] }
      }
      fetch -> raw -> station -> execute
      memory: SRAM { data_width = 8 bit, size = 1 KiB }
      bus: Channel { width = 16 bytes, latency = 20 cycles, credits = 4 }
      fast: Channel { width = 8 bit, interval = 1 cycle, latency = 9 cycles, in_flight = 16 }
      memory => bus => unit
      unit => fast => memory
    }
  )");
  const arch::QueueAttributes &raw = run.object("raw").queue;
  CHECK(raw.capacity == 3);
  CHECK(raw.classCapacities.empty());
  CHECK(raw.entryOrder == arch::QueueOrder::OldestReady);
  CHECK(raw.issueOrder == arch::QueueOrder::InOrder);
  CHECK_FALSE(raw.hasHazards);

  const arch::QueueAttributes &station = run.object("station").queue;
  CHECK(station.capacity == 0);
  REQUIRE(station.classCapacities.size() == 2);
  CHECK(station.classCapacities[1].className == "ex");
  CHECK(station.classCapacities[1].entries == 6);
  CHECK(station.entryOrder == arch::QueueOrder::InOrder);
  CHECK(station.issueOrder == arch::QueueOrder::OldestReady);
  CHECK(station.hasHazards);
  REQUIRE(station.hazards.size() == 2);
  CHECK(station.hazards[0].event == "issued");
  CHECK_FALSE(station.hazards[0].onlyOverlapping);
  CHECK(station.hazards[1].waiting == "ex");
  CHECK(station.hazards[1].awaited == std::vector<std::string>{"ld", "ex"});
  CHECK(station.hazards[1].onlyOverlapping);

  const arch::Object &bus = run.object("bus");
  CHECK(bus.channel.width == 128);
  CHECK(bus.latency == 20);
  CHECK(bus.channel.interval == 20); // by default the latency: not pipelined
  CHECK(bus.channel.credits == 4);
  CHECK(bus.channel.inFlight == 0);
  CHECK(run.object("fast").channel.interval == 1);
  CHECK(run.object("fast").channel.inFlight == 16);
}

TEST_CASE("elaborate: edges between caches follow the way to the memory") {
  const Run run(withFetch(R"(
    l1, l2, l3: SetAssociativeCache {
      sets = 8, ways = 2, cache_line_size = 16 bytes, hit_latency = 1 cycle, miss_latency = 2 cycles
    }
    memory: SRAM { size = 1 KiB }
    memory => l3 => l2 => l1
    l1 => l2 => l3 => memory)"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.hasEdge(EdgeKind::ReadData, "l3", "l2"));
  CHECK(run.hasEdge(EdgeKind::WriteData, "l1", "l2"));
  CHECK(run.graph().objects[run.object("l1").lower].name == "l2");
  CHECK(run.graph().objects[run.object("l3").lower].name == "memory");
}

TEST_CASE("elaborate: ports join through several levels, to lists and arrays") {
  const Run run(withFetch(R"(
    outer[2]: Outer()
    fetch -> [outer[0].issue, outer[1].issue])",
                          R"(
    template Inner() {
      port issue: forward in
      stages[2]: PipelineStage
      issue -> stages
    }
    template Outer() {
      port issue: forward in
      inner: Inner()
      issue -> inner.issue
    })"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.count(EdgeKind::Forward) == 4);
  CHECK(run.hasEdge(EdgeKind::Forward, "fetch", "outer[1].inner.stages[0]"));
}

TEST_CASE("elaborate: a port that nobody joins makes no edge") {
  const Run run(withFetch("cell: Cell()\nfetch -> cell.stage", R"(
    template Cell() {
      port issue: forward in
      stage: PipelineStage
      issue -> stage
    })"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.diagnostics.diagnostics().empty());
  CHECK(run.count(EdgeKind::Forward) == 1);
}

TEST_CASE("elaborate: units contained in an array of stages are an array") {
  const Run run(withFetch(R"(
    lane[3]: ExecuteStage contains { u[2]: FunctionalUnit { to_process = [nop] } }
    fetch -> lane
    registers: RegisterFile { data_width = 8 bits, registers = [a] }
    registers => u[2][1] => registers)",
                          "instruction nop()"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.graph().objects[run.object("u[2][1]").container].name == "lane[2]");
  CHECK(run.graph().objects[run.object("u[0][0]").container].name == "lane[0]");
}

TEST_CASE("elaborate: structure by for, if and let") {
  const Run run(withFetch(R"(
    for i in 0 .. 4 step 2 {
      let n = i + 1
      stage: PipelineStage { latency = n * 1 cycle }
      fetch -> stage
      if i > 0 { extra: PipelineStage
        stage -> extra }
    })"));
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.object("stage@i=2").latency == 3);
  CHECK(run.object("stage@i=0").latency == 1);
  CHECK(run.hasEdge(EdgeKind::Forward, "stage@i=2", "extra@i=2"));
  CHECK(run.graph().find("extra@i=0") == std::nullopt);
}

TEST_CASE("elaborate: errors in a template are reported once") {
  const Run run(withFetch("cell[3]: Cell(n = 0)\nfetch -> [cell[0].s, cell[1].s, cell[2].s]", R"(
    template Cell(n: int) {
      let x = 8 / n
      s: PipelineStage { latency = x * 1 cycle }
      port p: forward in
      p -> s
    })"));
  CHECK_FALSE(run.result);
  CHECK(run.diagnostics.errorCount() == 1);
  CHECK(run.first() == "E0302 division by zero | in instance 'cell[0]' of template 'Cell'");
  CHECK(run.where() == "n");
}

TEST_CASE("elaborate: errors of the graph are reported once for each declaration") {
  const Run run(withFetch("cell[4]: Cell()", R"(
    instruction nop()
    template Cell() { loose: FunctionalUnit { to_process = [nop] } })"));
  CHECK(
      run.first() ==
      "E0236 FunctionalUnit 'cell[0].loose' stands in the 'contains' of an ExecuteStage | the same "
      "holds for 3 more that this declaration makes");
  CHECK(run.diagnostics.errorCount() == 1);
}

TEST_CASE("elaborate: paths may meet before a unit") {
  const Run run(withFetch("a[2]: PipelineStage\n"
                          "x: ExecuteStage contains { u: FunctionalUnit { to_process = [n] } }\n"
                          "fetch -> a -> x",
                          "instruction n()"));
  CHECK(run.result);
  CHECK(run.diagnostics.errorCount() == 0);
}

TEST_CASE("elaborate: structural mistakes") {
  const auto error = [](const std::string &rest, const std::string &before = "") {
    const Run run(withFetch(rest, before));
    CHECK_FALSE(run.result);
    CHECK(run.diagnostics.errorCount() == 1);
    return run.first();
  };
  CHECK(error("s: PipelineStage { latency = 0 cycles }\nfetch -> s") ==
        "E0314 attribute 'latency' of a PipelineStage: expected at least 1 cycle, found 0 cycles");
  CHECK(error("s: PipelineStage { latency = 4 }\nfetch -> s") ==
        "E0214 attribute 'latency' takes cycles, found a bare number | write '4 cycles', or "
        "'… * 1 cycles' for an expression");
  CHECK(error("s: PipelineStage { latnecy = 4 cycles }") ==
        "E0232 a PipelineStage has no attribute 'latnecy' | did you mean 'latency'?");
  CHECK(error("s: PipelinStage") ==
        "E0231 unknown class or template 'PipelinStage' | did you mean 'PipelineStage'?");
  CHECK(error("s: PipelineStage { latency = 1_099_511_627_777 cycles }\nfetch -> s") ==
        "E0314 attribute 'latency' of a PipelineStage: expected at most 1099511627776 cycles, "
        "found 1099511627777 cycles");
  CHECK(error("m: DRAM { size = 8 bytes, row_size = 1 byte, banks = 1_048_577 }") ==
        "E0314 attribute 'banks' of a DRAM: expected at most 1048576, found 1048577");
  CHECK(error("m: DRAM { size = 8 bytes, row_size = 1_099_511_627_777 bytes }")
            .starts_with("E0314 attribute 'row_size' of a DRAM: expected at most "));
  CHECK(error("m: SRAM { data_width = 8 bits }") == "E0233 an SRAM needs attribute 'size' or "
                                                    "'address_ranges'");
  CHECK(error("m: SRAM { size = 12 bits }") ==
        "E0314 attribute 'size' of an SRAM: expected a whole number of bytes, found 12 bits");
  CHECK(
      error("m: DRAM { size = 8 bytes, row_size = 1 byte, arbitration = lru }") ==
      "E0314 attribute 'arbitration' of a DRAM: expected program_order, oldest_first, found 'lru'");
  CHECK(error("m: SRAM { address_ranges = [0 bytes .. 8 bytes, 4 bytes .. 6 bytes] }") ==
        "E0327 address ranges 0x0 .. 0x8 and 0x4 .. 0x6 overlap");
  CHECK(error("r: RegisterFile { data_width = 8 bits, registers = [a, r[2], a] }") ==
        "E0239 'a' is stated twice");
  CHECK(error("s[2]: PipelineStage\nfetch -> s\nlet x = s[2]") ==
        "E0304 index 2 is out of range: the array has 2 elements");
  CHECK(error("a, b: PipelineStage\nfetch -> a -> b\na -> b")
            .starts_with("E0316 FORWARD edge from 'a' to 'b' is there already"));
  CHECK(error("a, b: PipelineStage\na => b")
            .starts_with("E0242 no READ_DATA or WRITE_DATA edge leads from PipelineStage 'a' to "
                         "PipelineStage 'b'"));
  CHECK(error("a, b: PipelineStage\nfetch -> a -> b -> a").starts_with("E0321 FORWARD edges form"));
  CHECK(error("x: ExecuteStage contains { s: PipelineStage }")
            .starts_with("E0235 an ExecuteStage contains FunctionalUnit or MemoryAccessUnit, not "
                         "PipelineStage"));
  CHECK(error("x: ExecuteStage contains { u: FunctionalUnit { to_process = [mack] } }\nfetch -> x",
              "instruction mac()") == "E0238 unknown instruction 'mack' | did you mean 'mac'?");
  CHECK(error("c: Cell\nfetch -> c",
              "template Cell { port p: forward in\ns: PipelineStage\np -> s }") ==
        "E0243 an instance of template 'Cell' can't be the end of an edge | "
        "its ports are p");
  CHECK(error("c: Cell(1)", "template Cell() { s: PipelineStage }").starts_with("E0222"));
  CHECK(error("c: Cell", "template Cell(n: int) { s: PipelineStage }")
            .starts_with("E0225 template 'Cell' needs a value for parameter 'n'"));
}

TEST_CASE("elaborate: fetch") {
  const auto error = [](const std::string &text) {
    const Run run("architecture A() { " + text + " }");
    CHECK_FALSE(run.result);
    return run.first();
  };
  CHECK(error("s: PipelineStage") ==
        "E0322 architecture 'A' has 0 InstructionFetchStages, expected 1");
  CHECK(error("f: InstructionFetchStage { issue_buffer_size = 1 }") ==
        "E0237 fetch stage 'f' contains exactly one InstructionMemoryAccessUnit, found 0");
  CHECK(error("f: InstructionFetchStage { issue_buffer_size = 1 } contains { u: "
              "InstructionMemoryAccessUnit }") ==
        "E0325 'u' must read one instruction memory, found 0");
  CHECK(
      error("f: InstructionFetchStage { issue_buffer_size = 1 } contains { u: "
            "InstructionMemoryAccessUnit }\nm: SRAM { size = 8 bytes, port_width = 2 words }\n"
            "m => u") ==
      "E0326 the issue buffer of 'f' holds 1, but 'm' delivers 2 at once | the instruction memory "
      "is declared here");
}

TEST_CASE("elaborate: ports have a kind and a direction") {
  const auto error = [](const std::string &edge, const std::string &port = "forward in",
                        const std::string &inner = "p -> s") {
    const Run run(withFetch("c: Cell()\n" + edge,
                            "template Cell() { port p: " + port +
                                "\ns: PipelineStage\n"
                                "r: RegisterFile { data_width = 8 bits, registers = [a] }\n" +
                                inner + " }"));
    CHECK_FALSE(run.result);
    return run.first();
  };
  CHECK(error("fetch => c.p")
            .starts_with("E0245 this is a forward port: edges to and from it are written '->'"));
  CHECK(error("c.p -> c.s")
            .starts_with("E0246 an in port seen from outside its template: an edge starts at it"));
  CHECK(error("", "forward out")
            .starts_with("E0246 an out port seen from inside its template: an edge starts at it"));
  CHECK(error("x: ExecuteStage contains { u: FunctionalUnit { to_process = [n] } }\nfetch -> x\n"
              "instruction n()\nu => c.p",
              "read in", "p => r\n")
            .starts_with(
                "E0242 no READ_DATA edge leads from FunctionalUnit 'u' to RegisterFile 'c.r'"));
}

TEST_CASE("elaborate: messages about -P show what was typed") {
  const auto shown = [](const ParameterOverride &override) {
    const Run run(systolic, {override});
    REQUIRE_FALSE(run.diagnostics.diagnostics().empty());
    return run.messages();
  };
  const std::string name = shown({"row", "4"});
  CHECK(name.find("command line:1:4: error: architecture 'SystolicArray' has no parameter 'row'") !=
        std::string::npos);
  CHECK(name.find("\n-P row=4\n   ^~~\n") != std::string::npos);
  CHECK(name.find("did you mean 'rows'?") != std::string::npos);
  const std::string value = shown({"rows", "colums / 2"});
  CHECK(value.find("\n-P rows=colums / 2\n        ^~~~~~\n") != std::string::npos);
  // A name that is none of the language, and an expression that ends too early.
  CHECK(shown({"matmul.tile", "4"}).find("\n-P matmul.tile=4\n   ^~~~~~~~~~~\n") !=
        std::string::npos);
  CHECK(shown({"rows", "(4"}).find("\n-P rows=(4\n") != std::string::npos);
  CHECK(shown({"rows", "4 const b = 5"}).find("\n-P rows=4 const b = 5\n        ^~~") !=
        std::string::npos);
  CHECK(shown({"rows", ""}).find("\n-P rows=\n") != std::string::npos);
}

TEST_CASE("elaborate: a stage that cannot be made hides no unit") {
  const Run run(withFetch("memory: SRAM { size = 1 KiB }\n"
                          "x: ExecuteStage { latency = 0 cycles } contains {\n"
                          "  unit, other: FunctionalUnit { to_process = [] }\n"
                          "}\nmemory => unit\nother => memory\nfetch -> x"));
  CHECK(run.first() == "E0314 attribute 'latency' of an ExecuteStage: expected at least 1 cycle, "
                       "found 0 cycles");
  CHECK(run.diagnostics.errorCount() == 1);
}

TEST_CASE("elaborate: limits") {
  const Run recursion(withFetch("t: Tree()", "template Tree() { child: Tree() }"));
  CHECK(recursion.first().starts_with("E0320 instances of template 'Tree' are nested deeper than"));
  CHECK(recursion.first().ends_with("in instance 't.child.….child.child' of template 'Tree'"));
  const Run twofold(withFetch("t: Tree()", "template Tree() { a, b: Tree() }"));
  CHECK(twofold.diagnostics.errorCount() == 1);
  const Run loop(withFetch("for i in 0 .. 1_000_000_000_000 { let x = i }"), {},
                 {.evaluation = {.steps = 100'000}});
  CHECK(loop.first().starts_with("E0307 this loop takes more than 100000 steps"));
  CHECK(loop.where() == "i in 0 .. 1_000_000_000_000");
  const Run nested(withFetch("for i in 0 .. 10 { let x = sum([for j in 0 .. 1_000_000: j]) }"), {},
                   {.evaluation = {.steps = 100'000}});
  CHECK(nested.where() == "[for j in 0 .. 1_000_000: j]");
  const Run edges(withFetch("a[300], b[300]: PipelineStage\na -> b"), {},
                  {.edges = 1000, .evaluation = {}});
  CHECK(edges.first().starts_with("E0319 the architecture has more than 1000 edges"));
}

TEST_CASE("elaborate: a requirement that fails ends it; one without a value does not") {
  const Run failed(withFetch("a[2]: PipelineStage\nrequire 2 > 3, \"more\"\na[2] -> a[0]"));
  CHECK(failed.diagnostics.errorCount() == 1);
  CHECK(failed.first().starts_with("E0301 requirement failed: more"));
  const Run within(withFetch("inner: Inner {}\na[2]: PipelineStage\na[2] -> a[0]", R"(
    template Inner() {
      require 1 == 2, "never"
    })"));
  CHECK(within.diagnostics.errorCount() == 1);
  CHECK(within.first().starts_with("E0301 requirement failed: never"));
  const Run other(withFetch("a[2]: PipelineStage\nrequire 2 / 0 > 3, \"more\"\na[2] -> a[0]"));
  CHECK(other.diagnostics.errorCount() == 2);
  CHECK(other.first() == "E0302 division by zero");
}

TEST_CASE("elaborate: instructions for given operands") {
  Run run(withFetch("", R"(
    instruction gemm(c: inout mem, n: int, m: int = 2) {
      latency = (n + m) * 1 cycle + c.bytes / (4 bytes / (1 cycle))
      macs = n * m
      bytes = c.bytes
      require n <= 16, "at most 16 rows"
    })"));
  REQUIRE_MESSAGE(run.result, run.messages());
  const Symbol *gemm = run.result->findInstruction("gemm");
  REQUIRE(gemm);
  Evaluator evaluator(run.diagnostics);
  const auto evaluate = [&](std::int64_t n) {
    const InstructionOperand operands[] = {{{}, 32}, {Value::ofInt(n), 0}, {Value::ofInt(3), 0}};
    return evaluateInstruction(ast::cast<ast::InstructionDeclaration>(*gemm->declaration),
                               *gemm->home, operands, {}, evaluator);
  };
  const auto info = evaluate(4);
  REQUIRE(info);
  CHECK(info->latency == 15);
  CHECK(info->macs == 12);
  CHECK(info->bytes == 32);
  CHECK_FALSE(info->ops);
  CHECK_FALSE(evaluate(17));
  CHECK(run.first() == "E0301 requirement failed: at most 16 rows | 17 <= 16 does not hold");
}

TEST_CASE("elaborate: the latency of an instruction has a limit") {
  Run run(withFetch("", "instruction wait(n: int) { latency = n * 1 cycle }"));
  REQUIRE_MESSAGE(run.result, run.messages());
  const Symbol *wait = run.result->findInstruction("wait");
  REQUIRE(wait);
  Evaluator evaluator(run.diagnostics);
  const auto evaluate = [&](std::int64_t n) {
    const InstructionOperand operands[] = {{Value::ofInt(n), 0}};
    return evaluateInstruction(ast::cast<ast::InstructionDeclaration>(*wait->declaration),
                               *wait->home, operands, {}, evaluator);
  };
  CHECK(evaluate(std::int64_t{1} << 40));
  CHECK_FALSE(evaluate((std::int64_t{1} << 40) + 1));
  CHECK(run.first() == "E0333 attribute 'latency' of instruction 'wait': expected at most "
                       "1099511627776 cycles, found 1099511627777 cycles");
}

TEST_CASE("elaborate: the One-MAC accelerator") {
  const Run run("import \"std/one_mac.acadl\"\n");
  REQUIRE_MESSAGE(run.result, run.messages());
  CHECK(run.diagnostics.diagnostics().empty());
  CHECK(run.graph().objects.size() == 11);
  // The 14 edges of the RTL example, but the data memory's two are the cache's, the fetcher has two
  // to the registers, and cache and memory are joined both ways.
  CHECK(run.graph().edges.size() == 18);
  CHECK(run.hasEdge(EdgeKind::ReadData, "registers", "fetcher"));
  CHECK(run.object("registers").registers.size() == 17);
  CHECK(run.graph().objects[run.object("cache").lower].name == "memory");
}

TEST_CASE("elaborate: the examples of the table report their diagnostics") {
  for (const DiagnosticCode code : allDiagnosticCodes()) {
    const DiagnosticInfo &info = diagnosticInfo(code);
    // Files are the business of ModuleTest; instructions are evaluated by mappings.
    const bool isMine = info.id.substr(1, 2) == "03" && code != DiagnosticCode::CyclicImport &&
                        code != DiagnosticCode::InstructionAttributeRange;
    if (!isMine)
      continue;
    const std::string text(info.example.substr(info.example.find('\n') + 1));
    std::vector<ParameterOverride> overrides;
    const std::string line = text.substr(0, text.find('\n'));
    for (std::size_t at = line.find("-P "); at != std::string::npos;
         at = line.find("-P ", at + 1)) {
      const std::string word = line.substr(at + 3, line.find(' ', at + 3) - at - 3);
      overrides.push_back({word.substr(0, word.find('=')), word.substr(word.find('=') + 1)});
    }
    SourceManager sources;
    DiagnosticEngine diagnostics;
    Compilation compilation(sources, diagnostics);
    const Module *module = compilation.loadText("example.acadl", text);
    REQUIRE(module);
    check(compilation, diagnostics);
    if (!diagnostics.hasErrors())
      for (const ast::Declaration *declaration : module->tree.declarations)
        if (const auto *architecture = ast::dynCast<ast::ArchitectureDeclaration>(declaration))
          elaborate(compilation, *architecture, overrides, sources, diagnostics);
    const bool isReported = std::ranges::any_of(
        diagnostics.diagnostics(), [&](const Diagnostic &d) { return d.code == code; });
    CHECK_MESSAGE(isReported, std::string(info.id), "\n",
                  renderDiagnostics(diagnostics.diagnostics(), sources, {}));
  }
}
