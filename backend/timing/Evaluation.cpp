#include "backend/timing/Evaluation.h"

namespace acadlc::timing {

namespace {

std::string nameOf(const arch::ArchitectureGraph &graph, arch::ObjectId id) {
  return id == arch::noObject ? std::string("the issue buffer")
                              : "'" + graph.objects[id].name + "'";
}

std::string describe(const Wait &wait, const Wait &next, const arch::ArchitectureGraph &graph) {
  const std::string object = nameOf(graph, wait.object);
  std::string begin = wait.instruction + " in " + nameOf(graph, wait.where);
  switch (wait.reason) {
  case Wait::Reason::Occupied:
    return begin + " waits for " + object + ", which " + next.instruction + " holds";
  case Wait::Reason::Turn:
    return begin + " waits for its turn at " + object + ", behind " + next.instruction;
  case Wait::Reason::Dependence:
    if (wait.instruction == next.instruction)
      return begin + " waits for instructions that it has itself still to emit";
    return begin + " waits for the result of " + next.instruction;
  case Wait::Reason::Behind:
    return begin + " waits behind " + next.instruction + ", which is to enter " + object + " first";
  case Wait::Reason::Never:
    return begin + " waits at " + object + " for what never comes";
  }
  return begin;
}

std::string describe(Overflow overflow) {
  switch (overflow) {
  case Overflow::Cycles:
    return "2^61 cycles";
  case Overflow::Latency:
    return "2^48 cycles for one request";
  case Overflow::Counts:
    return "2^63 - 1 instructions or operations";
  }
  return {};
}

} // namespace

void reportFailure(const Evaluation &evaluation, const arch::ArchitectureGraph &graph,
                   SourceRange range, DiagnosticEngine &diagnostics) {
  if (evaluation.overflow)
    diagnostics.report(DiagnosticCode::CycleOverflow, range, describe(*evaluation.overflow));
  if (!evaluation.deadlock)
    return;
  const std::vector<Wait> &waits = evaluation.deadlock->waits;
  const SourceRange place = waits.empty() ? range : waits.front().range;
  auto report = diagnostics.report(DiagnosticCode::Deadlock, place, evaluation.deadlock->time);
  for (std::size_t i = 0; i < waits.size(); ++i)
    report.note(waits[i].range, describe(waits[i], waits[(i + 1) % waits.size()], graph));
}

} // namespace acadlc::timing
