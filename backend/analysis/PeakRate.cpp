#include "backend/analysis/PeakRate.h"

#include "backend/timing/Machine.h"

#include <algorithm>

namespace acadlc::analysis {

void PeakRate::add(const program::Instruction &instruction, bool hasOwnLatency) {
  if (instruction.macs <= 0)
    return;
  const Work work{instruction.macs, instruction.latency, hasOwnLatency, instruction.phases};
  std::vector<Work> &works = works_[instruction.operation];
  if (std::find(works.begin(), works.end(), work) == works.end())
    works.push_back(work);
}

void PeakRate::add(const program::Program &program) {
  for (const program::Instruction &instruction : program.instructions)
    add(instruction);
}

/// Least cycles from one execution on \p unit to the next.
std::int64_t PeakRate::cyclesBetween(const arch::ArchitectureGraph &graph, const arch::Object &unit,
                                     const Work &work) {
  if (work.phases.empty()) {
    program::Instruction instruction;
    instruction.latency = work.hasOwnLatency ? work.latency : unit.latency;
    return std::max<std::int64_t>(1, timing::occupation(unit, instruction));
  }
  std::int64_t most = 1;
  for (const program::Phase &phase : work.phases) {
    if (phase.kind == program::Phase::Kind::Occupation)
      most = std::max(most, phase.cycles);
    for (const arch::ObjectId id : phase.channels) {
      const arch::ChannelAttributes &channel = graph.objects[id].channel;
      const std::int64_t words = phase.bits / channel.width + (phase.bits % channel.width != 0);
      most = std::max(most, words * channel.interval);
    }
  }
  return most;
}

double PeakRate::bestOf(const arch::ArchitectureGraph &graph, const arch::Object &unit) const {
  double best = 0;
  for (const std::string &operation : unit.toProcess) {
    const auto found = works_.find(operation);
    if (found == works_.end())
      continue;
    for (const Work &work : found->second) {
      const auto cycles = static_cast<double>(cyclesBetween(graph, unit, work));
      best = std::max(best, static_cast<double>(work.macs) / cycles);
    }
  }
  return best;
}

double PeakRate::macsPerCycle(const arch::ArchitectureGraph &graph) const {
  double sum = 0;
  for (const arch::Object &unit : graph.objects)
    if (arch::isUnit(unit.objectClass))
      sum += unit.peakMacs != 0 ? static_cast<double>(unit.peakMacs) : bestOf(graph, unit);
  return sum;
}

bool PeakRate::dependsOnNetwork(const arch::ArchitectureGraph &graph) const {
  return std::ranges::any_of(graph.objects, [&](const arch::Object &unit) {
    return arch::isUnit(unit.objectClass) && unit.peakMacs == 0 &&
           std::ranges::any_of(unit.toProcess, [&](const std::string &operation) {
             return open_.contains(operation);
           });
  });
}

} // namespace acadlc::analysis
