#include "api/Session.h"
#include "backend/analysis/WaitChain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {
namespace {

/// The younger instruction overtakes the older one on the fast lane and waits in the unit for its
/// result, while the older one waits for the unit.
std::string crossing(const std::string &arbitration) {
  return "instruction first(dst: out reg)\n"
         "instruction second(src: in reg)\n"
         "architecture Crossing() {\n"
         "  code: SRAM { data_width = 32 bits, port_width = 2 words, size = 1 KiB }\n"
         "  fetch: InstructionFetchStage { issue_buffer_size = 2 } contains {\n"
         "    fetcher: InstructionMemoryAccessUnit\n"
         "  }\n"
         "  code => fetcher\n"
         "  slow: PipelineStage { latency = 2 cycles }\n"
         "  fast: PipelineStage { latency = 1 cycle }\n"
         "  meet: ExecuteStage { arbitration = " +
         arbitration +
         " } contains {\n"
         "    unit: FunctionalUnit { to_process = [first, second] }\n"
         "  }\n"
         "  registers: RegisterFile { data_width = 32 bits, registers = [r] }\n"
         "  fetch -> [slow, fast] -> meet\n"
         "  registers => unit => registers\n"
         "}\n"
         "program overtake() on arch: Crossing {\n"
         "  emit first(arch.registers.r) over arch.slow\n"
         "  emit second(arch.registers.r) over arch.fast\n"
         "}\n";
}

std::optional<analysis::NetworkEstimate> timeOf(Session &session, analysis::Method method) {
  Selection selection;
  selection.program = "overtake";
  if (!session.selectArchitecture(selection))
    return std::nullopt;
  EstimateOptions options;
  options.method = method;
  return session.estimateProgram(options);
}

TEST_CASE("a deadlock where paths meet shows who waits for whom, in both methods") {
  for (const auto method : {analysis::Method::Estimate, analysis::Method::Simulate}) {
    Session session;
    REQUIRE(session.loadDescriptionText("crossing.acadl", crossing("oldest_first")));
    CHECK_FALSE(timeOf(session, method));
    REQUIRE(session.diagnostics().diagnostics().size() == 1);
    const Diagnostic &diagnostic = session.diagnostics().diagnostics().front();
    CHECK(diagnostic.code == DiagnosticCode::Deadlock);
    CHECK(diagnostic.message.find("from cycle 5 on") != std::string::npos);
    REQUIRE(diagnostic.notes.size() == 2);
    std::string waits;
    for (const DiagnosticNote &note : diagnostic.notes) {
      CHECK(note.range.isValid());
      waits += note.message + "\n";
    }
    CAPTURE(waits);
    CHECK(waits.find("in 'meet' waits for 'unit', which second") != std::string::npos);
    CHECK(waits.find("in 'unit' waits for the result of first") != std::string::npos);
  }
}

TEST_CASE("program order where paths meet prevents the deadlock") {
  std::int64_t cycles = 0;
  for (const auto method : {analysis::Method::Simulate, analysis::Method::Estimate}) {
    Session session;
    REQUIRE(session.loadDescriptionText("crossing.acadl", crossing("program_order")));
    const auto estimate = timeOf(session, method);
    REQUIRE(estimate);
    CHECK(estimate->cycles > 0);
    if (cycles != 0)
      CHECK(estimate->cycles == cycles);
    cycles = estimate->cycles;
  }
}

/// A product of 8 × 10 by 10 × 12: a few thousand instructions, whatever computes it.
const char *const smallProduct = R"(@I.ir_module
class Module:
    @T.prim_func
    def product(a: T.Buffer((8, 10), "float32"), b: T.Buffer((10, 12), "float32"), c: T.Buffer((8, 12), "float32")):
        for i, j, k in T.grid(8, 12, 10):
            with T.block("c"):
                vi, vj, vk = T.axis.remap("SSR", [i, j, k])
                with T.init():
                    c[vi, vj] = T.float32(0)
                c[vi, vj] = c[vi, vj] + a[vi, vk] * b[vk, vj]

    @R.function
    def main(p: R.Tensor((8, 10), dtype="float32"), w: R.Tensor((10, 12), dtype="float32")) -> R.Tensor((8, 12), dtype="float32"):
        R.func_attr({"num_input": 1})
        cls = Module
        y = R.call_tir(cls.product, (p, w), out_sinfo=R.Tensor((8, 12), dtype="float32"))
        return y
)";

/// The objects with the largest part of the chain of waits of \p layer: several if equal.
std::vector<std::string> leadersOfChain(const analysis::LayerEstimate &layer) {
  std::map<std::string, std::int64_t> cycles;
  std::int64_t most = 0;
  for (const analysis::ChainShare &share : layer.waitChain->shares)
    most = std::max(most, cycles[share.object] += share.cycles);
  std::vector<std::string> leaders;
  for (const auto &[object, sum] : cycles)
    if (sum == most)
      leaders.push_back(object);
  return leaders;
}

/// What each layer is bound by has the largest part of what the view `critical-path` shows. Returns
/// what that is, layer by layer.
std::vector<std::string> checkBoundsLeadChains(Session &session, const Selection &selection,
                                               timing::Guarantee guarantee) {
  std::vector<std::string> bounds;
  REQUIRE(session.selectArchitecture(selection));
  EstimateOptions options;
  options.findWaitChains = true;
  options.extrapolate = guarantee == timing::Guarantee::Certified;
  const auto estimate = session.estimate(options);
  REQUIRE(estimate);
  REQUIRE(!estimate->layers.empty());
  for (const analysis::LayerEstimate &layer : estimate->layers) {
    CAPTURE(layer.name);
    CHECK(layer.guarantee == guarantee);
    CHECK_FALSE(layer.boundIsPartial);
    REQUIRE(layer.bound);
    REQUIRE(layer.waitChain);
    REQUIRE(layer.waitChain->missing.empty());
    CHECK(layer.waitChain->cycles == layer.cycles);
    const std::vector<std::string> leaders = leadersOfChain(layer);
    CAPTURE(leaders.front());
    CHECK(std::ranges::find(leaders, layer.bound->object) != leaders.end());
    bounds.push_back(layer.bound->object);
  }
  return bounds;
}

TEST_CASE("what a layer is bound by leads its critical path") {
  for (const char *size : {"2", "8"}) {
    CAPTURE(size);
    const Selection array{"", "", {{"rows", size}, {"columns", size}}};
    Session session;
    REQUIRE(session.loadDescription("std/systolic_array.acadl"));
    REQUIRE(session.loadWorkload(std::string(ACADLC_SOURCE_DIR) + "/examples/lenet5.tir"));
    checkBoundsLeadChains(session, array, timing::Guarantee::Certified);
    // Where nothing is skipped, the path is found otherwise.
    Session small;
    REQUIRE(small.loadDescription("std/systolic_array.acadl"));
    REQUIRE(small.loadWorkloadText("small.tir", smallProduct));
    CHECK(checkBoundsLeadChains(small, array, timing::Guarantee::Certified) ==
          checkBoundsLeadChains(small, array, timing::Guarantee::Exact));
  }
  Session session;
  REQUIRE(session.loadDescription("std/one_mac.acadl"));
  REQUIRE(session.loadWorkloadText("small.tir", smallProduct));
  checkBoundsLeadChains(session, {}, timing::Guarantee::Exact);
}

} // namespace
} // namespace acadlc
