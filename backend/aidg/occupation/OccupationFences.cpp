#include "backend/aidg/occupation/OccupationFences.h"

#include "backend/aidg/occupation/OccupationEngine.h"
#include "backend/aidg/occupation/OccupationRepeats.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace acadlc::aidg {

namespace {

using Kind = OccupationObject::Kind;
using program::Phase;
using program::Program;

//===--- Orders -------------------------------------------------------------------------------===//

/// Phases that take nothing but time, their own unit once, or channels one after the other. One of
/// 0 cycles is not among them: when others see its end depends on the part of the cycle.
bool hasSimplePhases(const OccupationPlan &plan, const OccupationInstruction &instruction) {
  std::uint32_t onUnit = 0;
  for (const OccupationPhase &phase : instruction.phases.of(plan.phases)) {
    if (phase.holdings.count != 0 || phase.afterStep >= 0 || phase.together)
      return false;
    switch (phase.kind) {
    case Phase::Kind::Expansion:
      return false;
    case Phase::Kind::Message:
      if (phase.channels.count == 0 || phase.words == 0)
        return false;
      break;
    case Phase::Kind::Occupation:
      if (phase.object != instruction.unit || ++onUnit > 1)
        return false;
      [[fallthrough]];
    case Phase::Kind::Delay:
      if (phase.cycles == 0)
        return false;
      break;
    }
  }
  return true;
}

/// Requests of known length, and nobody is granted one before another by age.
bool hasFixedRequests(const OccupationPlan &plan) {
  std::vector<std::set<arch::ObjectId>> clients(plan.objects.size());
  for (const OccupationInstruction &instruction : plan.instructions)
    if (instruction.makesRequests)
      for (const OccupationAccess &access : instruction.accesses.of(plan.accesses))
        clients[access.storage].insert(instruction.unit);
  for (arch::ObjectId id = 0; id != clients.size(); ++id) {
    const arch::Object &storage = plan.graph->objects[id];
    const bool isKnown = storage.objectClass == arch::ObjectClass::SRAM && id != plan.fetch.storage;
    const bool neverWaits = static_cast<std::int64_t>(clients[id].size()) <= storage.slots();
    if (!clients[id].empty() &&
        (!isKnown || (storage.arbitration != arch::Arbitration::ProgramOrder && !neverWaits)))
      return false;
  }
  return true;
}

bool isEntryFixed(const OccupationPlan &plan, arch::ObjectId id) {
  const OccupationObject &planned = plan.objects[id];
  const arch::Object &object = plan.graph->objects[id];
  const bool isMerging = planned.predecessors.size() > 1;
  const bool keepsOrder = object.arbitration == arch::Arbitration::ProgramOrder;
  switch (planned.kind) {
  case Kind::Stage:
  case Kind::Unit:
    return planned.steps.empty() && planned.windowOn == arch::noObject &&
           (!isMerging || keepsOrder);
  case Kind::Queue: {
    const QueuePlan &queue = plan.queue(id);
    return !queue.isStation && !queue.isPool && queue.capacity != 0 && !queue.hasHazards &&
           queue.windowOf == arch::noObject && (!isMerging || queue.entryInOrder);
  }
  case Kind::Channel:
    // Behind the end of its last message a channel must be free.
    return keepsOrder && object.channel.inFlight == 0 && object.channel.credits == 0 &&
           object.channel.interval <= object.latency;
  case Kind::Unused:
  case Kind::Fetch:
  case Kind::Storage:
    return true;
  }
  return false;
}

//===--- Parts --------------------------------------------------------------------------------===//

/// The outermost loop with the most instructions, and what stands before and behind it.
struct CutLoop {
  std::size_t place = 0; ///< in the root region
  std::uint32_t repeat = 0;
  std::int64_t before = 0; ///< instructions before it
  std::int64_t inside = 0; ///< in an iteration
};

std::optional<CutLoop> findLoop(const Program &program) {
  std::optional<CutLoop> best;
  std::int64_t before = 0, most = 0;
  const std::vector<program::Step> &steps = program.regions[program.root].steps;
  for (std::size_t i = 0; i != steps.size(); ++i) {
    if (steps[i].kind == program::Step::Kind::Emit) {
      ++before;
      continue;
    }
    const program::Repeat &repeat = program.repeats[steps[i].index];
    const auto isSame = [&](const program::Step &other) {
      return other.kind == program::Step::Kind::Repeat && other.index == steps[i].index;
    };
    const auto totals = program.totals(repeat.body);
    const std::int64_t inside = totals ? totals->instructions : 0;
    const auto all = checkedMul(inside, std::max<std::int64_t>(repeat.count, 0));
    const auto behind = all ? checkedAdd(before, *all) : std::nullopt;
    if (!behind)
      return std::nullopt;
    if (*all > most && std::ranges::count_if(steps, isSame) == 1) {
      best = CutLoop{i, steps[i].index, before, inside};
      most = *all;
    }
    before = *behind;
  }
  return best;
}

/// A part of a program: iterations of a loop, and perhaps what stands before or behind it.
struct Part {
  std::int64_t first = 0, count = 0; ///< iterations
  bool hasBefore = false, hasBehind = false;
};

Program makePart(const Program &program, const CutLoop &loop, const Part &part) {
  Program result = program;
  std::vector<program::Step> &steps = result.regions[result.root].steps;
  const auto place = static_cast<std::ptrdiff_t>(loop.place);
  if (!part.hasBehind)
    steps.erase(steps.begin() + place + 1, steps.end());
  if (part.count == 0)
    steps.erase(steps.begin() + place);
  if (!part.hasBefore)
    steps.erase(steps.begin(), steps.begin() + place);
  program::Repeat &repeat = result.repeats[loop.repeat];
  repeat.first += part.first * repeat.step;
  repeat.count = part.count;
  return result;
}

/// When the stream of \p program ends; nothing if the budget is reached before.
std::optional<std::int64_t> endOf(const arch::ArchitectureGraph &graph, const Program &program,
                                  std::int64_t budget) {
  OccupationPlan plan = makeOccupationPlan(graph, program);
  planRepeats(plan);
  EstimateOptions options;
  options.budget = budget;
  const timing::Evaluation result = OccupationEngine(plan, options).run();
  return result.completed() ? std::optional(result.cycles) : std::nullopt;
}

} // namespace

bool isOrderFixed(const OccupationPlan &plan) {
  for (const OccupationInstruction &instruction : plan.instructions)
    if (instruction.isBranch || instruction.expands || !hasSimplePhases(plan, instruction))
      return false;
  for (arch::ObjectId id = 0; id != plan.objects.size(); ++id)
    if (!isEntryFixed(plan, id))
      return false;
  return hasFixedRequests(plan);
}

std::optional<std::int64_t> boundByFences(const OccupationPlan &plan, std::int64_t budget) {
  const Program &program = *plan.program;
  const std::optional<CutLoop> loop = findLoop(program);
  if (!loop || !plan.repeats[loop->repeat].isShiftInvariant)
    return std::nullopt;
  const std::int64_t width = plan.fetch.width, count = program.repeats[loop->repeat].count;
  // Parts begin where a fetch does.
  std::int64_t head = 0;
  while (head != width && (loop->before % width + head * (loop->inside % width)) % width != 0)
    ++head;
  const std::int64_t aligned = width / std::gcd(width, loop->inside);
  const std::int64_t length = budget / loop->inside / aligned * aligned;
  if (head == width || length == 0 || head + length > count)
    return std::nullopt;
  const std::int64_t parts = (count - head) / length, rest = (count - head) % length;
  const auto end = [&](const Part &part) {
    return endOf(*plan.graph, makePart(program, *loop, part), budget);
  };
  const auto before = end({0, head, true, false});
  const auto inside = end({head, length, false, false});
  const auto behind = end({count - rest, rest, false, true});
  if (!before || !inside || !behind)
    return std::nullopt;
  const auto all = checkedMul(*inside, parts);
  const auto sum = all ? checkedAdd(*all, *before) : std::nullopt;
  return sum ? checkedAdd(*sum, *behind) : std::nullopt;
}

} // namespace acadlc::aidg
