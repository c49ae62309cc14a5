#include "backend/aidg/bounds/Lifetimes.h"

#include "backend/aidg/bounds/ServiceBounds.h"
#include "backend/aidg/plan/TimeLimit.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace acadlc::aidg {

namespace {

using program::Instruction;
using program::Phase;

/// Cycles are never negative here.
std::int64_t add(std::int64_t a, std::int64_t b) {
  return std::min(timeLimit, checkedAdd(a, b).value_or(timeLimit));
}

/// Cycles of a message that is alone on its way.
std::int64_t cyclesOfMessage(const arch::ArchitectureGraph &graph, const Phase &phase) {
  if (phase.channels.empty() || phase.bits == 0)
    return 0;
  const std::int64_t words =
      *checkedCeilDiv(phase.bits, graph.objects[phase.channels.front()].channel.width);
  // Each channel accepts word after word, no sooner than they arrive from the one before.
  std::int64_t latencies = 0, longest = 0;
  for (const arch::ObjectId id : phase.channels) {
    const arch::Object &channel = graph.objects[id];
    latencies = add(latencies, channel.latency);
    longest =
        std::max(longest, checkedMul(words - 1, channel.channel.interval).value_or(timeLimit));
  }
  return add(latencies, longest);
}

/// When the phases of one instruction end.
class PhaseEnds {
public:
  PhaseEnds(const arch::ArchitectureGraph &graph, const Instruction &instruction)
      : graph_(graph), phases_(instruction.phases), ends_(phases_.size()) {
    // Without one, the sources are needed to the end.
    for (const program::Signal &signal : instruction.signals)
      if (signal.name == "read")
        read_ = signal.phase;
  }

  Lifetime find() {
    Lifetime lifetime;
    for (std::size_t phase = 0; phase != phases_.size(); ++phase)
      lifetime.completed = std::max(lifetime.completed, endOf(phase));
    lifetime.read = read_ ? endOf(*read_) : lifetime.completed;
    return lifetime;
  }

private:
  std::int64_t endOf(std::size_t index) {
    if (ends_[index])
      return *ends_[index];
    ends_[index] = 0; // phases do not wait for one another in a circle (E0281)
    std::int64_t begin = 0;
    for (const program::EventId event : phases_[index].after)
      if (event >= program::phaseEnd(0))
        begin = std::max(begin, endOf(event - program::phaseEnd(0)));
      else if (event == program::readEvent && read_)
        begin = std::max(begin, endOf(*read_));
    ends_[index] = add(begin, cyclesOf(phases_[index]));
    return *ends_[index];
  }

  [[nodiscard]] std::int64_t cyclesOf(const Phase &phase) const {
    return phase.kind == Phase::Kind::Message ? cyclesOfMessage(graph_, phase) : phase.cycles;
  }

  const arch::ArchitectureGraph &graph_;
  const std::vector<Phase> &phases_;
  std::vector<std::optional<std::int64_t>> ends_; ///< cycles behind the start
  std::optional<std::size_t> read_;               ///< the phase whose end is the event
};

} // namespace

std::vector<Lifetime> leastLifetimes(const Plan &plan) {
  const ServiceTimes services(*plan.graph, *plan.program);
  std::vector<Lifetime> lifetimes;
  for (std::size_t id = 0; id != plan.instructions.size(); ++id) {
    const Instruction &instruction = plan.program->instructions[id];
    if (!instruction.phases.empty()) {
      lifetimes.push_back(PhaseEnds(*plan.graph, instruction).find());
      continue;
    }
    Lifetime lifetime;
    lifetime.completed = instruction.latency;
    for (std::uint32_t i = 0; i != instruction.requestCount(); ++i) {
      const PlanAccess &access = plan.accesses[plan.instructions[id].firstAccess + i];
      ServiceBounds service{access.service, access.service};
      if (plan.storages[access.storage].hasState)
        service = services.of(*access.operand);
      lifetime.isLeast |= service.least != service.most;
      lifetime.completed = add(lifetime.completed, service.least);
    }
    lifetime.read = lifetime.completed;
    lifetimes.push_back(lifetime);
  }
  return lifetimes;
}

} // namespace acadlc::aidg
