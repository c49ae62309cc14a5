#include "backend/aidg/occupation/OccupationPlan.h"

#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <llvm/ADT/StringMap.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace acadlc::aidg {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::Phase;

namespace {

std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

using Kind = OccupationObject::Kind;

class OccupationPlanner {
public:
  OccupationPlanner(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), routes_(graph, program) {
    plan_.graph = &graph;
    plan_.program = &program;
    plan_.emptyRegions = program.findEmptyRegions();
    plan_.loopDepth = program.maxDepth;
    plan_.objects.resize(graph.objects.size());
  }

  OccupationPlan make() {
    const auto path = timing::fetchPath(graph_);
    ACADLC_CHECK(path.has_value(), "a program needs a fetch stage");
    plan_.fetch = *path;
    for (ObjectId id = 0; id != graph_.objects.size(); ++id)
      planObject(id);
    for (const Instruction &instruction : program_.instructions)
      planInstruction(instruction);
    findEmitters();
    joinObjects();
    rankObjects();
    planWindows();
    planOrders();
    for (std::uint32_t i = 0; i != program_.instructions.size(); ++i)
      planPasses(i);
    planQueueRules();
    planConflicts();
    return std::move(plan_);
  }

private:
  NameId name(std::string_view text) {
    return names_.try_emplace(text, static_cast<NameId>(names_.size())).first->second;
  }

  // ---- objects --------------------------------------------------------------------------------

  void planObject(ObjectId id) {
    const Object &object = graph_.objects[id];
    OccupationObject &planned = plan_.objects[id];
    if (id == plan_.fetch.stage)
      planned.kind = Kind::Fetch;
    else if (arch::isStage(object.objectClass))
      planned.kind = Kind::Stage;
    else if (arch::isUnit(object.objectClass))
      planned.kind = Kind::Unit;
    else if (arch::isStorage(object.objectClass))
      planned.kind = Kind::Storage;
    else if (object.objectClass == ObjectClass::Channel)
      planChannel(id);
    else if (arch::isOnRoutes(object.objectClass))
      planQueue(id);
    for (const arch::UnitStep &step : object.steps) {
      UnitStepPlan &pattern = planned.steps.emplace_back();
      for (const std::string &operation : step.taken)
        pattern.taken.push_back(name(operation));
      for (const std::string &operation : step.behind)
        pattern.behind.push_back(name(operation));
    }
  }

  void planQueue(ObjectId id) {
    const arch::QueueAttributes &attributes = graph_.objects[id].queue;
    OccupationObject &planned = plan_.objects[id];
    planned.kind = Kind::Queue;
    planned.detail = static_cast<std::uint32_t>(plan_.queues.size());
    QueuePlan &queue = plan_.queues.emplace_back();
    queue.isStation = graph_.objects[id].objectClass == ObjectClass::ReservationStation;
    queue.entryInOrder = attributes.entryOrder == arch::QueueOrder::InOrder;
    queue.issueInOrder = attributes.issueOrder == arch::QueueOrder::InOrder;
    queue.hasHazards = queue.isStation && attributes.hasHazards;
    queue.capacity = attributes.capacity;
    for (const arch::ClassCapacity &entries : attributes.classCapacities)
      queue.classes.push_back({name(entries.className), entries.entries});
    if (queue.hasHazards) {
      hazardBits_[id] = bit(hazardBits_.size());
      ACADLC_CHECK(hazardBits_.size() <= timing::mostHazardStations, "checkEvaluable() holds");
    }
  }

  void planChannel(ObjectId id) {
    const Object &object = graph_.objects[id];
    OccupationObject &planned = plan_.objects[id];
    planned.kind = Kind::Channel;
    planned.detail = static_cast<std::uint32_t>(plan_.channels.size());
    plan_.channelIds.push_back(id);
    ChannelPlan &channel = plan_.channels.emplace_back();
    channel.interval = object.channel.interval;
    channel.latency = object.latency;
    channel.inFlight = object.channel.inFlight;
    channel.credits = object.channel.credits;
    channel.width = object.channel.width;
    channel.arbitration = object.arbitration;
    channel.firstCome = object.arbitration == arch::Arbitration::FirstCome;
    ACADLC_CHECK(channel.interval >= 1 && channel.latency >= 1 && channel.width >= 1,
                 "a channel's numbers are at least 1");
    rankSources(id, channel);
  }

  /// Units and channels joined with it in the order of the edges, then the others as declared.
  void rankSources(ObjectId id, ChannelPlan &channel) const {
    const auto isSource = [this](ObjectId other) {
      return arch::isUnit(graph_.objects[other].objectClass) ||
             graph_.objects[other].objectClass == ObjectClass::Channel;
    };
    const auto add = [&](ObjectId other) {
      if (other != id && isSource(other) &&
          std::ranges::find(channel.sources, other) == channel.sources.end())
        channel.sources.push_back(other);
    };
    for (const arch::Edge &edge : graph_.edges) {
      if (edge.source == id)
        add(edge.target);
      else if (edge.target == id)
        add(edge.source);
    }
    for (ObjectId other = 0; other != graph_.objects.size(); ++other)
      add(other);
  }

  // ---- instructions ---------------------------------------------------------------------------

  void planInstruction(const Instruction &instruction) {
    OccupationInstruction planned;
    const std::vector<ObjectId> &route = routes_.objects(instruction.route);
    ACADLC_CHECK(route.size() <= timing::mostRouteObjects &&
                     instruction.phases.size() <= timing::mostPhases,
                 "checkEvaluable() holds");
    planned.route = append(plan_.routeObjects, route);
    planned.unit = route.back();
    planned.isBranch = planned.unit == plan_.fetch.unit;
    planned.latency = instruction.latency;
    planned.occupation = timing::occupation(graph_.objects[planned.unit], instruction);
    planned.className = name(instruction.classOrOperation());
    planned.operation = name(instruction.operation);
    planned.reads = append(plan_.registers, instruction.reads);
    planned.writes = append(plan_.registers, instruction.writes);
    planned.makesRequests = instruction.requestCount() != 0;
    planned.expands = instruction.isExpanding();
    planned.hasPhases = !instruction.phases.empty();
    for (std::size_t i = 0; i != route.size(); ++i) {
      if (graph_.objects[route[i]].objectClass != ObjectClass::ReservationStation)
        continue;
      planned.lastStation = static_cast<std::uint32_t>(i);
      if (const auto found = hazardBits_.find(route[i]); found != hazardBits_.end())
        planned.hazardStations |= found->second;
    }
    planAccesses(instruction, planned);
    planPhases(instruction, planned);
    plan_.instructions.push_back(planned);
  }

  template <typename Element>
  static PlanSlice append(std::vector<Element> &all, const std::vector<Element> &more) {
    const PlanSlice slice{static_cast<std::uint32_t>(all.size()),
                          static_cast<std::uint32_t>(more.size())};
    all.insert(all.end(), more.begin(), more.end());
    return slice;
  }

  void planAccesses(const Instruction &instruction, OccupationInstruction &planned) {
    planned.accesses.first = static_cast<std::uint32_t>(plan_.accesses.size());
    planned.accesses.count = static_cast<std::uint32_t>(instruction.memory.size());
    plan_.maxAccesses = std::max(plan_.maxAccesses, planned.accesses.count);
    for (const program::MemoryOperand &operand : instruction.memory)
      plan_.accesses.push_back({operand.storage, operand.memory, operand.isWrite,
                                operand.mayConflict && operand.bytes > 0, operand.bytes, &operand});
  }

  void planPhases(const Instruction &instruction, OccupationInstruction &planned) {
    planned.phases.first = static_cast<std::uint32_t>(plan_.phases.size());
    planned.phases.count = static_cast<std::uint32_t>(instruction.phases.size());
    plan_.maxPhases = std::max(plan_.maxPhases, planned.phases.count);
    for (const program::Signal &signal : instruction.signals)
      if (signal.name == "read")
        planned.readPhase = signal.phase;
    for (std::size_t i = 0; i != instruction.phases.size(); ++i) {
      OccupationPhase phase = planPhase(instruction, i, planned);
      plan_.phases.push_back(std::move(phase));
      OccupationPhase &added = plan_.phases.back();
      const bool expands = added.kind == Phase::Kind::Expansion;
      added.isPart =
          added.kind == Phase::Kind::Occupation && instruction.phases[i].object == planned.unit;
      added.isFirst = added.after == 0 && added.afterStep < 0;
      planned.part += added.isPart || expands ? 1 : 0;
      planned.expansions += expands ? 1 : 0;
      planned.firstPhases += added.isFirst ? 1 : 0;
      planned.togetherPhases += added.together ? 1 : 0;
    }
    joinPhases(instruction, planned);
  }

  OccupationPhase planPhase(const Instruction &instruction, std::size_t index,
                            const OccupationInstruction &planned) {
    const Phase &phase = instruction.phases[index];
    OccupationPhase result;
    result.kind = phase.kind;
    for (const program::EventId event : phase.after)
      result.after |= bit(event);
    result.after &= ~bit(program::issuedEvent); // it is over before the start
    result.afterStep = phase.afterStep.value_or(-1);
    result.cycles = phase.cycles;
    result.together = phase.together;
    result.name = name(phase.name);
    if (phase.kind == Phase::Kind::Occupation && phase.cycles > 0)
      result.object = phase.object;
    if (phase.kind == Phase::Kind::Message)
      planMessage(phase, result);
    if (phase.kind == Phase::Kind::Expansion)
      planExpansion(instruction, phase, planned, result);
    planHoldings(instruction, index, result);
    result.takesNothing = phase.holding.empty() && !takesObject(phase, result);
    return result;
  }

  static bool takesObject(const Phase &phase, const OccupationPhase &planned) {
    switch (phase.kind) {
    case Phase::Kind::Occupation:
      return phase.cycles > 0;
    case Phase::Kind::Message:
      return planned.together || (planned.channels.count != 0 && planned.words > 0);
    case Phase::Kind::Delay:
    case Phase::Kind::Expansion:
      break;
    }
    return false;
  }

  void planMessage(const Phase &phase, OccupationPhase &result) {
    result.channels = append(plan_.routeChannels, phase.channels);
    plan_.maxHops = std::max(plan_.maxHops, result.channels.count);
    if (!phase.channels.empty())
      result.words = ceilDiv(phase.bits, graph_.objects[phase.channels.front()].channel.width);
  }

  void planExpansion(const Instruction &instruction, const Phase &phase,
                     const OccupationInstruction &planned, OccupationPhase &result) {
    result.body = phase.body;
    result.emptyBody = plan_.emptyRegions[phase.body];
    const ObjectId unit = planned.unit;
    plan_.objects[unit].emits = true;
    result.limits.first = static_cast<std::uint32_t>(plan_.expansionLimits.size());
    // An operation's phase is the same one wherever it is emitted.
    const auto key = std::make_tuple(unit, instruction.operation, phase.name);
    const auto [entry, isNew] = phaseCounters_.try_emplace(key, plan_.counterCount);
    plan_.counterCount += isNew ? 1 : 0;
    result.ownCounter = entry->second;
    if (phase.outstanding)
      plan_.expansionLimits.push_back({result.ownCounter, noName, *phase.outstanding});
    for (const program::OutstandingLimit &limit : phase.limits)
      plan_.expansionLimits.push_back(
          {classCounter(unit, name(limit.name)), name(limit.name), limit.count});
    result.limits.count =
        static_cast<std::uint32_t>(plan_.expansionLimits.size()) - result.limits.first;
  }

  std::uint32_t classCounter(ObjectId unit, NameId limited) {
    auto &counters = plan_.objects[unit].emissionCounters;
    for (const auto &[other, counter] : counters)
      if (other == limited)
        return counter;
    counters.emplace_back(limited, plan_.counterCount);
    return plan_.counterCount++;
  }

  void planHoldings(const Instruction &instruction, std::size_t index, OccupationPhase &result) {
    const Phase &phase = instruction.phases[index];
    result.holdings.first = static_cast<std::uint32_t>(plan_.holdings.size());
    result.holdings.count = static_cast<std::uint32_t>(phase.holding.size());
    plan_.maxHoldings = std::max(plan_.maxHoldings, result.holdings.count);
    for (const program::Holding &holding : phase.holding) {
      OccupationHolding planned{holding.object, holding.until, 1, none};
      if (graph_.objects[holding.object].objectClass == ObjectClass::Channel)
        planCredits(instruction, index, planned);
      plan_.holdings.push_back(planned);
    }
  }

  /// The credits that the next message over the held channel needs.
  void planCredits(const Instruction &instruction, std::size_t index,
                   OccupationHolding &holding) const {
    holding.amount = 0;
    for (std::size_t i = index + 1; i != instruction.phases.size(); ++i) {
      const Phase &later = instruction.phases[i];
      if (std::ranges::find(later.channels, holding.object) == later.channels.end())
        continue;
      holding.amount = ceilDiv(later.bits, graph_.objects[later.channels.front()].channel.width);
      holding.later = static_cast<std::uint32_t>(i);
      return;
    }
  }

  /// What phases are to one another: heirs of objects, and who stands behind whom for certain.
  void joinPhases(const Instruction &instruction, const OccupationInstruction &planned) {
    const std::size_t count = instruction.phases.size();
    OccupationPhase *phases = plan_.phases.data() + planned.phases.first;
    std::vector<std::uint64_t> awaited(count, 0);
    for (std::size_t round = 0; round != count; ++round)
      for (std::size_t i = 0; i != count; ++i)
        for (std::size_t j = 0; j != count; ++j)
          if ((phases[i].after & bit(program::phaseEnd(j))) != 0)
            awaited[i] |= bit(j) | awaited[j];
    for (std::size_t i = 0; i != count; ++i)
      for (std::size_t j = 0; j != count; ++j)
        if ((awaited[i] & bit(j)) != 0)
          phases[j].behind |= bit(i);
    for (std::size_t i = 0; i != count; ++i)
      for (std::size_t j = 0; j != count && phases[i].heir == none; ++j)
        if (phases[i].object != arch::noObject && phases[j].object == phases[i].object &&
            phases[j].after == bit(program::phaseEnd(i)) && phases[j].afterStep < 0)
          phases[i].heir = static_cast<std::uint32_t>(j);
  }

  // ---- who emits what -------------------------------------------------------------------------

  /// Instructions in a region with the times that each stands there.
  const std::map<std::uint32_t, std::int64_t> &contentOf(program::RegionId region) {
    if (const auto known = contents_.find(region); known != contents_.end())
      return known->second;
    std::map<std::uint32_t, std::int64_t> content;
    for (const program::Step &step : program_.regions[region].steps) {
      if (step.kind == program::Step::Kind::Emit) {
        ++content[step.index];
        continue;
      }
      const program::Repeat &repeat = program_.repeats[step.index];
      if (repeat.count <= 0)
        continue;
      for (const auto &[instruction, count] : contentOf(repeat.body))
        content[instruction] += count * repeat.count;
    }
    return contents_[region] = std::move(content);
  }

  /// Marks what expansions emit and how deep they nest.
  void findEmitters() {
    for (std::uint32_t i = 0; i != plan_.instructions.size(); ++i)
      plan_.nesting = std::max(plan_.nesting, nestingOf(i));
    for (const program::Repeat &repeat : program_.repeats)
      plan_.loopDepth = std::max(plan_.loopDepth, repeat.depth + 1);
  }

  std::uint32_t nestingOf(std::uint32_t instruction) {
    std::uint32_t deepest = 0;
    for (const OccupationPhase &phase : plan_.phasesOf(instruction))
      if (phase.kind == Phase::Kind::Expansion)
        for (const auto &[emitted, count] : contentOf(phase.body)) {
          (void)count;
          deepest = std::max(deepest, 1 + nestingOf(emitted));
          markFed(emitted);
        }
    return deepest;
  }

  void markFed(std::uint32_t emitted) {
    for (const ObjectId id : plan_.routeOf(emitted))
      if (plan_.objects[id].kind == Kind::Queue)
        plan_.queues[plan_.objects[id].detail].mayBeFedByExpansion = true;
  }

  void joinObjects() {
    for (ObjectId id = 0; id != graph_.objects.size(); ++id) {
      for (const ObjectId next : graph_.forwardTo[id])
        plan_.objects[next].predecessors.push_back(id);
      for (const ObjectId unit : graph_.contains[id]) {
        plan_.objects[unit].predecessors.push_back(id);
        if (plan_.objects[unit].emits)
          for (const ObjectId next : graph_.forwardTo[id])
            plan_.objects[next].predecessors.push_back(unit);
      }
    }
  }

  void rankObjects() {
    std::vector<std::int64_t> depth(graph_.objects.size(), -1);
    for (ObjectId id = 0; id != graph_.objects.size(); ++id)
      depthOf(id, depth);
    plan_.byRank.resize(graph_.objects.size());
    for (ObjectId id = 0; id != graph_.objects.size(); ++id)
      plan_.byRank[id] = id;
    std::ranges::stable_sort(plan_.byRank,
                             [&](ObjectId a, ObjectId b) { return depth[a] < depth[b]; });
    for (std::uint32_t i = 0; i != plan_.byRank.size(); ++i)
      plan_.objects[plan_.byRank[i]].rank = i;
  }

  /// Length of the longest way that instructions can go from here.
  std::int64_t depthOf(ObjectId id, std::vector<std::int64_t> &depth) const {
    if (depth[id] >= 0)
      return depth[id];
    std::int64_t longest = 0;
    const auto follow = [&](const std::vector<ObjectId> &next) {
      for (const ObjectId other : next)
        longest = std::max(longest, 1 + depthOf(other, depth));
    };
    follow(graph_.forwardTo[id]);
    follow(graph_.contains[id]);
    if (plan_.objects[id].emits)
      for (ObjectId stage = 0; stage != graph_.objects.size(); ++stage)
        if (std::ranges::find(graph_.contains[stage], id) != graph_.contains[stage].end())
          follow(graph_.forwardTo[stage]);
    return depth[id] = longest;
  }

  /// Units with steps look past their stage into what stands before it.
  void planWindows() {
    for (ObjectId id = 0; id != graph_.objects.size(); ++id) {
      const ObjectId stage = graph_.objects[id].container;
      if (plan_.objects[id].steps.empty() || stage == arch::noObject)
        continue;
      for (const ObjectId front : plan_.objects[stage].predecessors)
        if (plan_.objects[front].kind == Kind::Queue) {
          plan_.objects[id].windowOn = front;
          plan_.queues[plan_.objects[front].detail].windowOf = id;
        }
      ACADLC_CHECK(plan_.objects[id].windowOn != arch::noObject,
                   "a unit with steps has a queue in front of its stage");
    }
  }

  // ---- program order --------------------------------------------------------------------------

  void planOrders() {
    std::vector<bool> passedBehindEmitter(graph_.objects.size(), false);
    for (std::uint32_t i = 0; i != plan_.instructions.size(); ++i)
      notePassing(i, passedBehindEmitter);
    for (ObjectId id = 0; id != graph_.objects.size(); ++id)
      if (keepsOrder(id, passedBehindEmitter[id] && isEmittedInto(id)))
        plan_.objects[id].order = plan_.orderCount++, plan_.orderOwners.push_back(id);
  }

  [[nodiscard]] bool isEmittedInto(ObjectId id) const {
    return std::ranges::any_of(program_.routes, [id](const program::Route &route) {
      return route.origin != arch::noObject && route.stages.front() == id;
    });
  }

  /// Marks objects behind a stage whose unit emits, which an instruction reaches from the stage.
  void notePassing(std::uint32_t instruction, std::vector<bool> &marked) const {
    const auto route = plan_.routeOf(instruction);
    for (std::size_t i = 1; i < route.size(); ++i)
      for (const ObjectId unit : graph_.contains[route[i - 1]])
        if (plan_.objects[unit].emits && plan_.objects[route[i]].kind != Kind::Unit)
          marked[route[i]] = true;
  }

  [[nodiscard]] bool keepsOrder(ObjectId id, bool alsoFromEmitter) const {
    const bool programOrder = graph_.objects[id].arbitration == arch::Arbitration::ProgramOrder;
    switch (plan_.objects[id].kind) {
    case Kind::Queue: {
      const QueuePlan &queue = plan_.queues[plan_.objects[id].detail];
      return queue.entryInOrder && routes_.isPassed(id);
    }
    case Kind::Stage:
      if (isWindow(id))
        return false;
      [[fallthrough]];
    case Kind::Unit:
      return programOrder && plan_.objects[id].windowOn == arch::noObject &&
             (routes_.merges(id) || alsoFromEmitter);
    case Kind::Storage:
    case Kind::Channel:
      return programOrder;
    default:
      return false;
    }
  }

  [[nodiscard]] bool isWindow(ObjectId stage) const {
    return std::ranges::any_of(graph_.contains[stage], [&](ObjectId unit) {
      return plan_.objects[unit].windowOn != arch::noObject;
    });
  }

  using Passes = std::map<std::uint32_t, std::int64_t>;

  void addPass(ObjectId id, std::int64_t count, Passes &passes) const {
    if (plan_.objects[id].order != none)
      passes[plan_.objects[id].order] += count;
  }

  /// Ordered objects that one instruction asks, with how often.
  Passes passesOf(std::uint32_t index) const {
    Passes passes;
    const OccupationInstruction &instruction = plan_.instructions[index];
    for (const ObjectId id : plan_.routeOf(index))
      addPass(id, 1, passes);
    if (instruction.makesRequests)
      for (const OccupationAccess &access : instruction.accesses.of(plan_.accesses))
        addPass(access.storage, 1, passes);
    for (const OccupationPhase &phase : plan_.phasesOf(index)) {
      if (phase.object != arch::noObject && plan_.objects[phase.object].kind == Kind::Storage)
        addPass(phase.object, 1, passes);
      if (phase.words > 0 || phase.together)
        for (const ObjectId channel : phase.channels.of(plan_.routeChannels))
          addPass(channel, 1, passes);
    }
    return passes;
  }

  const Passes &emittedPassesOf(std::uint32_t index) {
    if (const auto known = emittedPasses_.find(index); known != emittedPasses_.end())
      return known->second;
    Passes sum;
    for (const OccupationPhase &phase : plan_.phasesOf(index))
      if (phase.kind == Phase::Kind::Expansion)
        for (const auto &[emitted, count] : contentOf(phase.body)) {
          for (const auto &[list, times] : passesOf(emitted))
            sum[list] += times * count;
          for (const auto &[list, times] : emittedPassesOf(emitted))
            sum[list] += times * count;
        }
    return emittedPasses_[index] = std::move(sum);
  }

  PlanSlice store(const Passes &passes) {
    const PlanSlice slice{static_cast<std::uint32_t>(plan_.orderedPasses.size()),
                          static_cast<std::uint32_t>(passes.size())};
    for (const auto &[list, count] : passes)
      plan_.orderedPasses.push_back({list, count});
    return slice;
  }

  void planPasses(std::uint32_t index) {
    plan_.instructions[index].passes = store(passesOf(index));
    plan_.instructions[index].emittedPasses = store(emittedPassesOf(index));
  }

  // ---- stations -------------------------------------------------------------------------------

  void planQueueRules() {
    for (ObjectId id = 0; id != graph_.objects.size(); ++id)
      if (plan_.objects[id].kind == Kind::Queue)
        planStation(graph_.objects[id].queue, plan_.queues[plan_.objects[id].detail]);
  }

  void planStation(const arch::QueueAttributes &attributes, QueuePlan &queue) {
    if (!queue.isStation)
      return;
    for (const Instruction &instruction : program_.instructions)
      queue.release.push_back(eventOf(instruction, releaseName(attributes, instruction)));
    for (const arch::Hazard &hazard : attributes.hazards) {
      auto &lines = linesOf(name(hazard.waiting), queue);
      for (const std::string &awaited : hazard.awaited) {
        HazardLine &line = lines.emplace_back();
        line.awaited = name(awaited);
        line.onlyOverlapping = hazard.onlyOverlapping;
        for (const Instruction &instruction : program_.instructions)
          line.events.push_back(eventOf(instruction, hazard.event));
      }
    }
  }

  static std::vector<HazardLine> &linesOf(NameId waiting, QueuePlan &queue) {
    for (auto &[other, lines] : queue.hazards)
      if (other == waiting)
        return lines;
    return queue.hazards.emplace_back(waiting, std::vector<HazardLine>{}).second;
  }

  static program::EventId eventOf(const Instruction &instruction, std::string_view event) {
    return instruction.findEvent(event).value_or(program::completedEvent);
  }

  static std::string_view releaseName(const arch::QueueAttributes &attributes,
                                      const Instruction &instruction) {
    for (const std::string *key : {&instruction.operation, &instruction.className})
      for (const arch::ReleaseEvent &release : attributes.releases)
        if (!key->empty() && release.name == *key)
          return release.event;
    return attributes.release;
  }

  // ---- conflicts of what is emitted -----------------------------------------------------------

  struct Touched {
    std::set<arch::RegisterId> reads, writes;
    std::set<ObjectId> memoryReads, memoryWrites;
  };

  void touch(std::uint32_t index, Touched &touched, bool withEmitted) {
    const OccupationInstruction &instruction = plan_.instructions[index];
    for (const arch::RegisterId id : instruction.reads.of(plan_.registers))
      touched.reads.insert(id);
    for (const arch::RegisterId id : instruction.writes.of(plan_.registers))
      touched.writes.insert(id);
    for (const OccupationAccess &access : instruction.accesses.of(plan_.accesses))
      if (access.tracked)
        (access.isWrite ? touched.memoryWrites : touched.memoryReads).insert(access.memory);
    if (withEmitted)
      touchEmitted(index, touched);
  }

  void touchEmitted(std::uint32_t index, Touched &touched) {
    for (const OccupationPhase &phase : plan_.phasesOf(index))
      if (phase.kind == Phase::Kind::Expansion)
        for (const auto &[emitted, count] : contentOf(phase.body)) {
          (void)count;
          touch(emitted, touched, true);
        }
  }

  static bool meet(const auto &a, const auto &b) {
    return std::ranges::any_of(a, [&](auto element) { return b.contains(element); });
  }

  void planConflicts() {
    const std::size_t count = plan_.instructions.size();
    plan_.mayConflict.resize(count);
    std::vector<Touched> touchedBy(count);
    for (std::uint32_t i = 0; i != count; ++i)
      touch(i, touchedBy[i], false);
    for (std::uint32_t i = 0; i != count; ++i) {
      if (!plan_.instructions[i].expands)
        continue;
      Touched emitted;
      touchEmitted(i, emitted);
      plan_.mayConflict[i].resize(count);
      for (std::uint32_t j = 0; j != count; ++j) {
        const Touched &own = touchedBy[j];
        plan_.mayConflict[i][j] =
            meet(own.writes, emitted.writes) || meet(own.writes, emitted.reads) ||
            meet(own.reads, emitted.writes) || meet(own.memoryWrites, emitted.memoryWrites) ||
            meet(own.memoryWrites, emitted.memoryReads) ||
            meet(own.memoryReads, emitted.memoryWrites);
      }
      noteWrites(i);
    }
  }

  void noteWrites(std::uint32_t index) {
    const PlanSlice phases = plan_.instructions[index].phases;
    for (std::uint32_t p = phases.first; p != phases.first + phases.count; ++p) {
      OccupationPhase &phase = plan_.phases[p];
      if (phase.kind != Phase::Kind::Expansion)
        continue;
      phase.writesInto.resize(graph_.objects.size());
      for (const auto &[emitted, count] : contentOf(phase.body)) {
        (void)count;
        for (const OccupationAccess &access :
             plan_.instructions[emitted].accesses.of(plan_.accesses))
          if (access.isWrite && access.bytes > 0)
            phase.writesInto[access.memory] = true;
      }
    }
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  timing::RouteTable routes_;
  OccupationPlan plan_;
  llvm::StringMap<NameId> names_;
  std::map<ObjectId, std::uint64_t> hazardBits_;
  std::map<std::tuple<ObjectId, std::string, std::string>, std::uint32_t> phaseCounters_;
  std::map<program::RegionId, std::map<std::uint32_t, std::int64_t>> contents_;
  std::map<std::uint32_t, Passes> emittedPasses_;
};

} // namespace

OccupationPlan makeOccupationPlan(const arch::ArchitectureGraph &graph,
                                  const program::Program &program) {
  return OccupationPlanner(graph, program).make();
}

} // namespace acadlc::aidg
