// docs/timing.md, "The clock and the stream". A test's name quotes the section and the decision;
// what stands in brackets in a comment is the number that another decision would give.

#include "api/Session.h"
#include "tests/timing/TimingCase.h"

#include <doctest/doctest.h>

#include <string>

namespace acadlc::test {

namespace {

constexpr const char *oneLane = "front: Front()\n lane: Lane()\n front.issue -> lane.issue\n"
                                "registers => lane.operands";

/// A lane with an access unit on `storage`.
std::string laneOn(const std::string &storage) {
  return "front: Front()\n lane: MemoryLane()\n front.issue -> lane.issue\n" + storage +
         "\n storage => lane.reads";
}

/// Two products, one after the other: a row of 4 times a 4 × 4 matrix, its result times a column.
constexpr const char *twoLayers = R"(@I.ir_module
class Module:
    @T.prim_func
    def square(a: T.Buffer((1, 4), "float32"), b: T.Buffer((4, 4), "float32"), c: T.Buffer((1, 4), "float32")):
        for i, j, k in T.grid(1, 4, 4):
            with T.block("c"):
                vi, vj, vk = T.axis.remap("SSR", [i, j, k])
                with T.init():
                    c[vi, vj] = T.float32(0)
                c[vi, vj] = c[vi, vj] + a[vi, vk] * b[vk, vj]

    @T.prim_func
    def column(a: T.Buffer((1, 4), "float32"), b: T.Buffer((4, 1), "float32"), c: T.Buffer((1, 1), "float32")):
        for i, j, k in T.grid(1, 1, 4):
            with T.block("c"):
                vi, vj, vk = T.axis.remap("SSR", [i, j, k])
                with T.init():
                    c[vi, vj] = T.float32(0)
                c[vi, vj] = c[vi, vj] + a[vi, vk] * b[vk, vj]

    @R.function
    def main(x: R.Tensor((1, 4), dtype="float32"), v: R.Tensor((4, 4), dtype="float32"), w: R.Tensor((4, 1), dtype="float32")) -> R.Tensor((1, 1), dtype="float32"):
        R.func_attr({"num_input": 1})
        cls = Module
        first = R.call_tir(cls.square, (x, v), out_sinfo=R.Tensor((1, 4), dtype="float32"))
        second = R.call_tir(cls.column, (first, w), out_sinfo=R.Tensor((1, 1), dtype="float32"))
        return second
)";

/// A machine that does a layer by one instruction with three requests of one transaction each to
/// one row of a DRAM, and the mapping for it.
std::string rowMachine() {
  return "instruction product(c: out mem, a: in mem, b: in mem, work: int) { macs = work }\n" +
         describe("front: Front()\n"
                  "memory: DRAM { data_width = 1024 bit, size = 4 KiB, row_size = 4 KiB,\n"
                  " read_latency = 2 cycles, write_latency = 2 cycles, t_rcd = 5 cycles }\n"
                  "stage: ExecuteStage {} contains {\n"
                  "  unit: MemoryAccessUnit { to_process = [product] }\n}\n"
                  "front.issue -> stage\n memory => unit => memory",
                  "") +
         "mapping matmul[m < M, n < N; k < K] on arch: Machine\n"
         "  implements C[m, n] += A[m, k] * B[k, n]\n{\n"
         "  place A, B, C in arch.memory\n"
         "  emit product(C[0 .. M, 0 .. N], A[0 .. M, 0 .. K], B[0 .. K, 0 .. N], M * N * K)\n}\n";
}

} // namespace

TEST_CASE(
    "timing: The clock and the stream: time begins at 0 and ends with the last cycle in use") {
  // Fetch [0, 2), stage [2, 3), unit [3, 4). (Counted from 1, or the last cycle named: 5, 3.)
  const Timeline times = timesOf(oneLane, "emit nop()");
  CHECK(times.fetched == Cycles{2});
  CHECK(times.finished == Cycles{4});
  CHECK(times.cycles == 4);
}

TEST_CASE("timing: The clock and the stream: the cycles are those of the last to finish") {
  // Units [3, 23) and [3, 4). (The last in the stream: 4.)
  const Timeline times = timesOf("front: Front(width = 2)\n x: Lane()\n y: Lane()\n"
                                 "front.issue -> [x.issue, y.issue]",
                                 "emit work(20) on arch.x.unit emit nop() on arch.y.unit");
  CHECK(times.finished == Cycles{23, 4});
  CHECK(times.cycles == 23);
}

TEST_CASE("timing: The clock and the stream: registers and addresses are written at the start") {
  CHECK(timesOf(oneLane, "emit use(arch.registers.a)").started == Cycles{3});
  CHECK(timesOf(laneOn("storage: SRAM { data_width = 32 bit, size = 1 KiB }"),
                "emit load(arch.storage[0 .. 4])")
            .started == Cycles{3});
}

TEST_CASE("timing: The clock and the stream: caches are empty at the start") {
  // Request at 4; a miss takes 6 and a line of one transaction. (A hit: 5.)
  CHECK(timesOf(laneOn("memory: SRAM { data_width = 128 bit, size = 1 KiB }\n"
                       "storage: SetAssociativeCache { data_width = 32 bit, sets = 1, ways = 1,\n"
                       " cache_line_size = 16 bytes, hit_latency = 1 cycle,\n"
                       " miss_latency = 6 cycles }\n memory => storage"),
                "emit load(arch.storage[0 .. 4])")
            .cycles == 4 + 6 + 1);
}

TEST_CASE("timing: The clock and the stream: the rows of a DRAM are closed at the start") {
  // Request at 4; t_rcd and read_latency. (Row 0 open: 6. Another row open: 4 + 9 + 5 + 2.)
  CHECK(timesOf(laneOn("storage: DRAM { data_width = 32 bit, size = 1 KiB, row_size = 64 bytes,\n"
                       " read_latency = 2 cycles, t_rcd = 5 cycles, t_rp = 9 cycles }"),
                "emit load(arch.storage[0 .. 4])")
            .cycles == 4 + 5 + 2);
}

TEST_CASE("timing: The clock and the stream: a layer boundary is a fence and resets the state") {
  // Each layer: request at 4, t_rcd 5 and three accesses of 2 to the open row. (Rows left open:
  // 15 + 10. Without the fence: the second instruction enters the unit at 15 and finishes at 22.)
  for (const auto method : {analysis::Method::Simulate, analysis::Method::Estimate}) {
    Session session;
    CAPTURE(renderDiagnostics(session.diagnostics().diagnostics(), session.sources(), {}));
    REQUIRE(session.loadDescriptionText("fence.acadl", rowMachine()));
    REQUIRE(session.loadWorkloadText("layers.tir", twoLayers));
    REQUIRE(session.selectArchitecture({}));
    EstimateOptions options;
    options.method = method;
    const auto estimate = session.estimate(options);
    REQUIRE(estimate);
    REQUIRE(estimate->layers.size() == 2);
    CHECK(estimate->layers[0].cycles == 4 + 5 + 3 * 2);
    CHECK(estimate->layers[1].cycles == 4 + 5 + 3 * 2);
    CHECK(estimate->cycles == 30);
  }
}

TEST_CASE("timing: The clock and the stream: an empty stream takes 0 cycles") {
  // (The time of a fetch that brings nothing: 2.)
  CHECK(timesOf(oneLane, "").cycles == 0);
  CHECK(timesOf(oneLane, "for i in 0 .. 0 { emit nop() }").cycles == 0);
}

TEST_CASE("timing: The clock and the stream: latencies are at least 1, but the fetch stage's") {
  const auto errors = [](const std::string &object) {
    return errorsOf(std::string(oneLane) + "\n" + object, "emit nop()");
  };
  const std::string size = "data_width = 32 bit, size = 1 KiB";
  const std::string lines = "data_width = 32 bit, sets = 1, ways = 1, cache_line_size = 16 bytes";
  CHECK(errors("o: PipelineStage { latency = 0 cycles }\n front.issue -> o") == "E0314");
  CHECK(errors("o: ExecuteStage { latency = 0 cycles }\n front.issue -> o") == "E0314");
  CHECK(errors("o: ExecuteStage {} contains {\n"
               "u: FunctionalUnit { to_process = [], latency = 0 cycles } }") == "E0314");
  CHECK(errors("o: ExecuteStage {} contains {\n"
               "u: MemoryAccessUnit { to_process = [], latency = 0 cycles } }") == "E0314");
  CHECK(errors("o: SRAM { " + size + ", read_latency = 0 cycles }") == "E0314");
  CHECK(errors("o: SRAM { " + size + ", write_latency = 0 cycles }") == "E0314");
  CHECK(errors("o: DRAM { " + size + ", row_size = 64 bytes, read_latency = 0 cycles }") ==
        "E0314");
  CHECK(errors("o: SetAssociativeCache { " + lines +
               ", hit_latency = 0 cycles, miss_latency = 1 cycle }") == "E0314");
  CHECK(errors("o: SetAssociativeCache { " + lines +
               ", hit_latency = 1 cycle, miss_latency = 0 cycles }") == "E0314");
  const auto front = [](const std::string &parameters) {
    return "front: Front(" + parameters + ")\n lane: Lane()\n front.issue -> lane.issue";
  };
  CHECK(errorsOf(front("unit_latency = 0 cycles"), "emit nop()") == "E0314");
  CHECK(errorsOf(front("read_latency = 0 cycles"), "emit nop()") == "E0314");
  CHECK(errorsOf(front("stage_latency = 0 cycles"), "emit nop()") == "");
}

TEST_CASE("timing: The clock and the stream: the FORWARD graph is acyclic") {
  CHECK(errorsOf(std::string(oneLane) + "\n a: PipelineStage {}\n b: PipelineStage {}\n"
                                        "front.issue -> a -> b -> a",
                 "emit nop()") == "E0321");
}

} // namespace acadlc::test
