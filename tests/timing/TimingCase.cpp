#include "tests/timing/TimingCase.h"

#include "api/Session.h"
#include "backend/timing/Evaluable.h"
#include "tests/property/Evaluators.h"
#include "tests/property/Stepper.h"

#include <doctest/doctest.h>

#include <memory>
#include <ostream>
#include <utility>

namespace acadlc::test {

namespace {

constexpr std::string_view parts = R"(
instruction nop()
instruction work(length: int) { latency = length * 1 cycle }
instruction set(dst: out reg)
instruction set_in(dst: out reg, length: int) { latency = length * 1 cycle }
instruction use(src: in reg)
instruction use_in(src: in reg, length: int) { latency = length * 1 cycle }
instruction load(src: in mem)
instruction load_in(src: in mem, length: int) { latency = length * 1 cycle }
instruction store(dst: out mem)
instruction update(data: inout mem)
instruction copy(dst: out mem, src: in mem)
instruction add(first: in mem, second: in mem)
instruction load_if(src: in mem, condition: in reg)
instruction load_into(dst: out reg, src: in mem)
instruction jump()
instruction jump_if(src: in reg)
instruction jump_in(length: int) { latency = length * 1 cycle }

template Front(
  width: int = 1, slots: int = 8,
  unit_latency: cycles = 1 cycle, read_latency: cycles = 1 cycle, stage_latency: cycles = 0 cycles
) {
  port issue: forward out
  port operands: read in
  memory: SRAM {
    data_width = 32 bit, size = 4 KiB, port_width = width * 1 word, read_latency = read_latency
  }
  stage: InstructionFetchStage { issue_buffer_size = slots, latency = stage_latency } contains {
    unit: InstructionMemoryAccessUnit {
      to_process = [jump, jump_if, jump_in], latency = unit_latency
    }
  }
  memory => unit
  operands => unit
  stage -> issue
}

template Lane(stage_latency: cycles = 1 cycle, unit_latency: cycles = 1 cycle) {
  port issue: forward in
  port operands: read in
  port results: write out
  stage: ExecuteStage { latency = stage_latency } contains {
    unit: FunctionalUnit {
      to_process = [nop, work, set, set_in, use, use_in], latency = unit_latency
    }
  }
  issue -> stage
  operands => unit => results
}

template MemoryLane(stage_latency: cycles = 1 cycle, unit_latency: cycles = 1 cycle) {
  port issue: forward in
  port reads: read in
  port writes: write out
  port operands: read in
  port results: write out
  stage: ExecuteStage { latency = stage_latency } contains {
    unit: MemoryAccessUnit {
      to_process = [nop, load, load_in, store, update, copy, add, load_if, load_into],
      latency = unit_latency
    }
  }
  issue -> stage
  reads => unit => writes
  operands => unit => results
}
)";

/// A program on an architecture, ready to be evaluated.
struct LoadedCase {
  std::unique_ptr<Session> session;
  std::shared_ptr<const program::Program> program;

  [[nodiscard]] const arch::ArchitectureGraph &graph() const { return *session->architecture(); }
};

std::string messagesOf(const Session &session) {
  return renderDiagnostics(session.diagnostics().diagnostics(), session.sources(), {});
}

LoadedCase load(std::string_view objects, std::string_view emits) {
  LoadedCase result;
  result.session = std::make_unique<Session>();
  Session &session = *result.session;
  Selection selection;
  selection.program = "stream";
  const bool isLoaded = session.loadDescriptionText("timing.acadl", describe(objects, emits)) &&
                        session.selectArchitecture(selection);
  REQUIRE_MESSAGE(isLoaded, messagesOf(session));
  result.program = session.stream({});
  REQUIRE_MESSAGE(result.program != nullptr, messagesOf(session));
  DiagnosticEngine diagnostics;
  REQUIRE(timing::checkEvaluable(result.graph(), *result.program, diagnostics));
  return result;
}

struct NamedEvaluator {
  const char *name;
  Evaluator evaluate;
};

/// All but the simulator.
std::vector<NamedEvaluator> otherEvaluators() {
  return {
      {"stepper", step},
      {"estimator", estimator(false, false)},
      {"estimator in order of time", estimator(false, true)},
      {"estimator with extrapolation", estimator(true, false)},
  };
}

Observation observe(const arch::ArchitectureGraph &graph, const program::Program &program,
                    const Evaluator &evaluator) {
  Observation result;
  result.evaluation = evaluator(
      graph, program,
      [&result](const program::Instance &instance, const timing::InstructionTimes &times) {
        REQUIRE(instance.index == static_cast<std::int64_t>(result.times.size()));
        result.times.push_back(times);
      });
  return result;
}

/// The result of the simulator, with which all others have been compared.
Observation observeInAll(const arch::ArchitectureGraph &graph, const program::Program &program) {
  Observation simulated = observe(graph, program, runSimulator);
  for (const NamedEvaluator &other : otherEvaluators()) {
    INFO("simulator and ", other.name);
    CHECK(difference(simulated, observe(graph, program, other.evaluate)) == "");
  }
  return simulated;
}

Timeline timelineOf(const Observation &observation) {
  REQUIRE(observation.evaluation.completed());
  Timeline result;
  result.cycles = observation.evaluation.cycles;
  for (const timing::InstructionTimes &times : observation.times) {
    result.fetched.values.push_back(times.fetched);
    result.issued.values.push_back(times.issued);
    result.entered.values.push_back(times.entered);
    result.started.values.push_back(times.started);
    result.finished.values.push_back(times.finished);
  }
  return result;
}

void checkSameReport(const timing::DeadlockReport &a, const timing::DeadlockReport &b) {
  CHECK(a.time == b.time);
  REQUIRE(a.waits.size() == b.waits.size());
  for (std::size_t i = 0; i != a.waits.size(); ++i) {
    CAPTURE(i);
    CHECK(a.waits[i].index == b.waits[i].index);
    CHECK(a.waits[i].where == b.waits[i].where);
    CHECK(a.waits[i].object == b.waits[i].object);
    CHECK(a.waits[i].reason == b.waits[i].reason);
  }
}

} // namespace

std::ostream &operator<<(std::ostream &out, const Cycles &cycles) {
  for (std::size_t i = 0; i != cycles.values.size(); ++i)
    out << (i == 0 ? "" : ", ") << cycles.values[i];
  return out;
}

std::string describe(std::string_view objects, std::string_view emits) {
  std::string text(parts);
  text += "architecture Machine() {\n"
          "  registers: RegisterFile { data_width = 32 bit, registers = [a, b, c] }\n";
  text += objects;
  text += "\n}\nprogram stream() on arch: Machine {\n";
  text += emits;
  return text + "\n}\n";
}

Timeline timesOf(std::string_view objects, std::string_view emits) {
  const LoadedCase loaded = load(objects, emits);
  return timelineOf(observeInAll(loaded.graph(), *loaded.program));
}

Timeline timesOf(CaseBuilder &builder) {
  const arch::ArchitectureGraph &graph = builder.graph();
  return timelineOf(observeInAll(graph, builder.program()));
}

timing::DeadlockReport deadlockOf(std::string_view objects, std::string_view emits) {
  const LoadedCase loaded = load(objects, emits);
  Observation simulated = observeInAll(loaded.graph(), *loaded.program);
  REQUIRE(simulated.evaluation.deadlock.has_value());
  const Observation estimated = observe(loaded.graph(), *loaded.program, estimator(false, false));
  REQUIRE(estimated.evaluation.deadlock.has_value());
  checkSameReport(*simulated.evaluation.deadlock, *estimated.evaluation.deadlock);
  return *std::move(simulated.evaluation.deadlock);
}

std::string errorsOf(std::string_view objects, std::string_view emits) {
  Session session;
  Selection selection;
  selection.program = "stream";
  if (session.loadDescriptionText("timing.acadl", describe(objects, emits)) &&
      session.selectArchitecture(selection))
    session.estimateProgram({});
  std::string codes;
  for (const Diagnostic &diagnostic : session.diagnostics().diagnostics())
    if (diagnostic.severity == Severity::Error)
      codes += (codes.empty() ? "" : " ") + std::string(diagnosticInfo(diagnostic.code).id);
  return codes;
}

} // namespace acadlc::test
