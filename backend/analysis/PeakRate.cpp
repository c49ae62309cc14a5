#include "backend/analysis/PeakRate.h"

#include "backend/timing/Machine.h"

#include <algorithm>

namespace acadlc::analysis {

void PeakRate::add(const program::Instruction &instruction, bool hasOwnLatency) {
  if (instruction.macs <= 0)
    return;
  const Work work{instruction.macs, instruction.latency, hasOwnLatency};
  std::vector<Work> &works = works_[instruction.operation];
  if (std::find(works.begin(), works.end(), work) == works.end())
    works.push_back(work);
}

void PeakRate::add(const program::Program &program) {
  for (const program::Instruction &instruction : program.instructions)
    add(instruction);
}

double PeakRate::macsPerCycle(const arch::ArchitectureGraph &graph) const {
  double sum = 0;
  for (const arch::Object &unit : graph.objects) {
    if (!arch::isUnit(unit.objectClass))
      continue;
    double best = 0;
    for (const std::string &operation : unit.toProcess) {
      const auto found = works_.find(operation);
      if (found == works_.end())
        continue;
      for (const Work &work : found->second) {
        program::Instruction instruction;
        instruction.latency = work.hasOwnLatency ? work.latency : unit.latency;
        const auto cycles = std::max<std::int64_t>(1, timing::occupation(unit, instruction));
        best = std::max(best, static_cast<double>(work.macs) / static_cast<double>(cycles));
      }
    }
    sum += best;
  }
  return sum;
}

} // namespace acadlc::analysis
