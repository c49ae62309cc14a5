#include "api/Session.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>

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

} // namespace
} // namespace acadlc
