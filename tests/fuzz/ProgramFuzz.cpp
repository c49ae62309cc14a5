// Any bytes as a description with programs: what can be lowered takes the same cycles in both
// evaluators, deadlocks included.

#include "api/Session.h"
#include "backend/aidg/Estimator.h"
#include "backend/simulate/Simulator.h"
#include "backend/timing/Evaluable.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace acadlc;

/// Longer streams are left out: simulating takes time, and a mutation finds nothing more in them.
constexpr std::int64_t mostInstructions = 20'000;

void compare(const arch::ArchitectureGraph &graph, const program::Program &program) {
  DiagnosticEngine diagnostics;
  const auto totals = program.totals();
  if (!totals || totals->instructions > mostInstructions || totals->emitted > mostInstructions ||
      !timing::checkEvaluable(graph, program, diagnostics))
    return;
  const timing::Evaluation simulated = simulate::simulate(graph, program, {});
  const timing::Evaluation estimated = aidg::estimate(graph, program, {});
  const bool sameFate = simulated.completed() == estimated.completed() &&
                        simulated.deadlock.has_value() == estimated.deadlock.has_value();
  if (!sameFate || (simulated.completed() && simulated.cycles != estimated.cycles))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  Session session;
  const std::string text(reinterpret_cast<const char *>(data), size);
  if (session.loadDescriptionText("fuzz.acadl", text))
    for (const std::string &name : session.programs()) {
      Selection selection;
      selection.program = name;
      if (!session.selectArchitecture(selection))
        continue;
      if (const auto program = session.stream({}))
        compare(*session.architecture(), *program);
    }
  renderDiagnostics(session.diagnostics().diagnostics(), session.sources(), {});
  return 0;
}
