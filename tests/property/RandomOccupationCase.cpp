#include "tests/property/RandomOccupationCase.h"

#include "tests/property/Random.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace acadlc::test {

using arch::EdgeKind;
using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::Phase;

namespace {

constexpr std::int64_t classCount = 3;

class Generator {
public:
  Generator(std::uint64_t seed, const OccupationKnobs &knobs) : random_(seed, 7), knobs_(knobs) {
    program_.regions.emplace_back();
  }

  RandomCase make(std::uint64_t seed) {
    makeStorages();
    makeChannels();
    makePools();
    makeRoutes();
    makeRegisters();
    graph_.finish();
    makeOperations();
    finishQueues();
    joinChannels();
    graph_.finish();
    makeProgram();
    RandomCase result;
    result.seed = seed;
    result.graph = graph_;
    result.program = program_;
    return result;
  }

private:
  /// A way from the fetch stage or the stage of a unit that expands to a unit.
  struct Way {
    std::vector<ObjectId> stages;
    ObjectId unit = arch::noObject;
    ObjectId origin = arch::noObject;
  };
  /// What the instructions of one name have in common.
  struct Operation {
    std::string name, className;
    ObjectId unit = arch::noObject;
    std::vector<Phase> phases;
    std::vector<program::Signal> signals;
    std::int64_t latency = 1;
    bool expands = false;
  };

  // ---- objects --------------------------------------------------------------------------------

  ObjectId add(ObjectClass objectClass, const std::string &name) {
    Object object;
    object.objectClass = objectClass;
    object.name = name + std::to_string(graph_.objects.size());
    graph_.objects.push_back(std::move(object));
    return static_cast<ObjectId>(graph_.objects.size() - 1);
  }
  Object &object(ObjectId id) { return graph_.objects[id]; }
  void edge(ObjectId source, ObjectId target, EdgeKind kind) {
    graph_.edges.push_back({source, target, kind, {}});
  }

  void makeStorages() {
    const std::int64_t count = random_.range(1, 3);
    for (std::int64_t i = 0; i != count; ++i) {
      const bool isDram = random_.chance(20);
      const ObjectId id = makeStorage(isDram ? ObjectClass::DRAM : ObjectClass::SRAM);
      if (isDram) {
        object(id).banks = random_.range(1, 3);
        object(id).rowSize = 16;
        object(id).tRCD = random_.range(0, 3);
        object(id).tRP = random_.range(0, 3);
        object(id).tRAS = random_.range(0, 6);
      }
      if (random_.chance(knobs_.orderedMemory))
        object(id).arbitration = arch::Arbitration::ProgramOrder;
      storages_.push_back(id);
      if (random_.chance(20))
        makeCache(id);
    }
  }

  ObjectId makeStorage(ObjectClass objectClass) {
    const ObjectId id = add(objectClass, "memory");
    Object &storage = object(id);
    storage.dataWidth = 32;
    storage.readLatency = random_.range(1, 4);
    storage.writeLatency = random_.range(1, 4);
    storage.maxConcurrentRequests = storage.readWritePorts = random_.range(1, 3);
    storage.arbitration = arch::Arbitration::OldestFirst;
    return id;
  }

  void makeCache(ObjectId lower) {
    const ObjectId id = makeStorage(ObjectClass::SetAssociativeCache);
    object(id).sets = random_.range(1, 2);
    object(id).ways = random_.range(1, 2);
    object(id).lineSize = 8;
    object(id).hitLatency = random_.range(1, 2);
    object(id).missLatency = random_.range(1, 4);
    object(id).lower = lower;
    object(lower).maxConcurrentRequests = object(lower).readWritePorts = 12;
    edge(lower, id, EdgeKind::ReadData);
    edge(id, lower, EdgeKind::WriteData);
    storages_.push_back(id);
  }

  void makeChannels() {
    if (!random_.chance(knobs_.channels))
      return;
    const std::int64_t count = random_.range(1, 4);
    for (std::int64_t i = 0; i != count; ++i) {
      const ObjectId id = add(ObjectClass::Channel, "channel");
      Object &channel = object(id);
      channel.latency = random_.range(1, 4);
      channel.channel.width = 32;
      channel.channel.interval = random_.range(1, 3);
      channel.channel.inFlight = random_.chance(35) ? random_.range(1, 3) : 0;
      channel.channel.credits = random_.chance(40) ? random_.range(1, 6) : 0;
      channel.arbitration = channelArbitration();
      channels_.push_back(id);
    }
  }

  arch::Arbitration channelArbitration() {
    if (random_.chance(knobs_.orderedChannels))
      return arch::Arbitration::ProgramOrder;
    constexpr std::array others{arch::Arbitration::OldestFirst, arch::Arbitration::Priority,
                                arch::Arbitration::RoundRobin, arch::Arbitration::FirstCome};
    return others[static_cast<std::size_t>(random_.range(0, 3))];
  }

  void makePools() {
    const std::int64_t count = random_.range(0, 2);
    for (std::int64_t i = 0; i != count; ++i)
      pools_.push_back(add(ObjectClass::Queue, "pool"));
  }

  void makeRegisters() {
    const ObjectId id = add(ObjectClass::RegisterFile, "registers");
    object(id).dataWidth = 32;
    for (int i = 0; i != 4; ++i)
      object(id).registers.push_back("r" + std::to_string(i));
  }

  /// One behind the other: perhaps something in front, perhaps units that expand, then lanes.
  void makeRoutes() {
    fetch_ = add(ObjectClass::InstructionFetchStage, "fetch");
    std::vector<ObjectId> fronts{fetch_};
    if (random_.chance(50))
      fronts = {makeOnRoute(fronts)};
    if (random_.chance(knobs_.expansions)) {
      fronts = makeExpander(fronts);
      if (random_.chance(knobs_.nested))
        fronts = makeExpander(fronts);
      if (random_.chance(40))
        fronts = {makeOnRoute(fronts)};
    }
    const std::int64_t lanes = random_.range(1, 3);
    for (std::int64_t i = 0; i != lanes; ++i)
      makeLane(fronts);
    makeFetch();
  }

  void makeFetch() {
    const ObjectId unit = add(ObjectClass::InstructionMemoryAccessUnit, "loader");
    const ObjectId memory = makeStorage(ObjectClass::SRAM);
    object(unit).latency = random_.range(1, 2);
    object(memory).portWidth = random_.range(1, 4);
    object(fetch_).latency = random_.range(0, 1);
    object(fetch_).issueBufferSize = object(memory).portWidth + random_.range(0, 6);
    edge(fetch_, unit, EdgeKind::Contains);
    edge(memory, unit, EdgeKind::ReadData);
  }

  arch::Arbitration someArbitration() {
    return random_.chance(knobs_.oldestFirst) ? arch::Arbitration::OldestFirst
                                              : arch::Arbitration::ProgramOrder;
  }

  ObjectId makeStage(const std::vector<ObjectId> &sources) {
    const ObjectId id = add(ObjectClass::ExecuteStage, "stage");
    object(id).latency = random_.range(1, 2);
    object(id).arbitration = someArbitration();
    for (const ObjectId source : sources)
      edge(source, id, EdgeKind::Forward);
    return id;
  }

  ObjectId makeQueue(const std::vector<ObjectId> &sources) {
    const bool isStation = random_.chance(knobs_.stations);
    const ObjectId id =
        add(isStation ? ObjectClass::ReservationStation : ObjectClass::Queue, "queue");
    const auto order = [this] {
      return random_.chance(50) ? arch::QueueOrder::InOrder : arch::QueueOrder::OldestReady;
    };
    object(id).queue.entryOrder = order();
    object(id).queue.issueOrder = order();
    queues_.push_back(id);
    for (const ObjectId source : sources)
      edge(source, id, EdgeKind::Forward);
    return id;
  }

  ObjectId makeOnRoute(const std::vector<ObjectId> &sources) {
    return random_.chance(knobs_.queues) ? makeQueue(sources) : makeStage(sources);
  }

  /// A stage with a unit that expands; what passes it goes on to the same objects.
  std::vector<ObjectId> makeExpander(std::vector<ObjectId> sources) {
    if (random_.chance(50))
      sources = {makeOnRoute(sources)};
    const ObjectId stage = makeStage(sources);
    const ObjectId unit = makeUnit(stage, ObjectClass::FunctionalUnit);
    if (random_.chance(knobs_.concurrent))
      object(unit).maxConcurrentExpansions = random_.range(2, 3);
    expanders_.push_back(unit);
    // Some ways go past it.
    std::vector<ObjectId> next{stage};
    if (random_.chance(30))
      next.push_back(sources.front());
    return next;
  }

  ObjectId makeUnit(ObjectId stage, ObjectClass objectClass) {
    const ObjectId id = add(objectClass, "unit");
    object(id).latency = random_.range(1, 4);
    object(id).hasLatency = true;
    object(id).arbitration = arch::Arbitration::OldestFirst;
    edge(stage, id, EdgeKind::Contains);
    units_.push_back(id);
    return id;
  }

  void makeLane(const std::vector<ObjectId> &fronts) {
    std::vector<ObjectId> sources = fronts;
    const std::int64_t length = random_.range(0, 2);
    for (std::int64_t i = 0; i != length; ++i)
      sources = {makeOnRoute(sources)};
    if (random_.chance(knobs_.steps)) {
      const ObjectId stage = makeStage({makeQueue(sources)});
      stepUnits_.push_back(makeUnit(stage, ObjectClass::FunctionalUnit));
      return;
    }
    const ObjectId stage = makeStage(sources);
    const std::int64_t count = random_.range(1, 2);
    for (std::int64_t i = 0; i != count; ++i) {
      const bool accesses = random_.chance(35);
      const ObjectId unit =
          makeUnit(stage, accesses ? ObjectClass::MemoryAccessUnit : ObjectClass::FunctionalUnit);
      if (accesses)
        accessUnits_.push_back(unit);
      else if (random_.chance(25))
        object(unit).initiationInterval = random_.range(1, 3);
    }
  }

  // ---- operations -----------------------------------------------------------------------------

  void makeOperations() {
    findWays();
    for (const ObjectId unit : units_) {
      const bool isStepUnit = contains(stepUnits_, unit);
      const std::int64_t count = isStepUnit ? 2 : random_.range(1, 2);
      for (std::int64_t i = 0; i != count; ++i)
        makeOperation(unit, isStepUnit);
      if (isStepUnit)
        makeSteps(unit);
    }
  }

  template <typename Element>
  static bool contains(const std::vector<Element> &all, const Element &one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  }

  void findWays() {
    findWaysFrom(fetch_, arch::noObject);
    for (const ObjectId unit : expanders_)
      findWaysFrom(object(unit).container, object(unit).container);
  }

  void findWaysFrom(ObjectId begin, ObjectId origin) {
    std::vector<std::vector<ObjectId>> open;
    for (const ObjectId next : graph_.forwardTo[begin])
      open.push_back({next});
    while (!open.empty()) {
      const std::vector<ObjectId> path = open.back();
      open.pop_back();
      for (const ObjectId unit : graph_.contains[path.back()])
        ways_.push_back({path, unit, origin});
      for (const ObjectId next : graph_.forwardTo[path.back()]) {
        open.push_back(path);
        open.back().push_back(next);
      }
    }
  }

  void makeOperation(ObjectId unit, bool isStepUnit) {
    Operation operation;
    operation.name = "op" + std::to_string(operations_.size());
    if (random_.chance(70))
      operation.className = "c" + std::to_string(random_.range(0, classCount - 1));
    operation.unit = unit;
    operation.latency = random_.range(1, 5);
    operation.expands = contains(expanders_, unit) && random_.chance(80);
    const bool hasPhases = random_.chance(knobs_.phases) && !contains(accessUnits_, unit);
    if (operation.expands || hasPhases)
      makePhases(operation, isStepUnit);
    operations_.push_back(std::move(operation));
  }

  void makePhases(Operation &operation, bool isStepUnit) {
    const std::int64_t count = random_.range(1, 4);
    for (std::int64_t i = 0; i != count; ++i)
      operation.phases.push_back(makePhase(operation, isStepUnit));
    if (operation.expands && !std::ranges::any_of(operation.phases, [](const Phase &phase) {
          return phase.kind == Phase::Kind::Expansion;
        }))
      makeExpanding(operation.phases.back());
    for (Phase &phase : operation.phases)
      if (phase.kind == Phase::Kind::Expansion)
        makeExpanding(phase);
    if (random_.chance(30))
      operation.signals.push_back(
          {"read", static_cast<std::uint32_t>(random_.range(0, count - 1))});
    if (random_.chance(30))
      operation.signals.push_back({"s", static_cast<std::uint32_t>(random_.range(0, count - 1))});
    for (std::size_t i = 0; i != operation.phases.size(); ++i)
      if (random_.chance(knobs_.holdings))
        addHolding(operation, i);
  }

  static void makeExpanding(Phase &phase) {
    phase.kind = Phase::Kind::Expansion;
    phase.object = arch::noObject;
    phase.cycles = 0;
    phase.channels.clear();
    phase.together = false;
  }

  Phase makePhase(const Operation &operation, bool isStepUnit) {
    const std::size_t index = operation.phases.size();
    Phase phase;
    phase.name = "p" + std::to_string(index);
    phase.cycles = random_.range(0, 4);
    const std::int64_t kind = random_.range(0, 9);
    if (operation.expands && kind < 5) {
      phase.kind = Phase::Kind::Expansion;
    } else if (kind < 4 && !channels_.empty()) {
      makeMessage(phase, isStepUnit);
    } else if (kind < 8) {
      phase.kind = Phase::Kind::Occupation;
      phase.object = random_.chance(40) ? operation.unit : someStorage();
      if (random_.chance(knobs_.foreignUnits))
        phase.object = random_.pick(units_);
      if (contains(expanders_, phase.object) || contains(stepUnits_, phase.object))
        phase.object = operation.unit;
    }
    if (index != 0)
      makeAfter(phase, index);
    if (isStepUnit && index != 0 && phase.object != operation.unit &&
        random_.chance(knobs_.afterStep))
      phase.afterStep = random_.chance(80) ? 0 : 1;
    return phase;
  }

  ObjectId someStorage() { return random_.pick(storages_); }

  void makeMessage(Phase &phase, bool isStepUnit) {
    phase.kind = Phase::Kind::Message;
    phase.cycles = 0;
    phase.bits = random_.range(0, 6) * 32 - random_.range(0, 8);
    phase.bits = std::max<std::int64_t>(phase.bits, 0);
    const std::int64_t hops = random_.chance(60) ? 1 : random_.range(0, 3);
    for (std::int64_t i = 0; i != hops; ++i)
      if (const ObjectId channel = random_.pick(channels_); !contains(phase.channels, channel))
        phase.channels.push_back(channel);
    // Whether messages without words are waited for in program order is left open.
    if (std::ranges::any_of(phase.channels, [this](ObjectId channel) {
          return object(channel).arbitration == arch::Arbitration::ProgramOrder;
        }))
      phase.bits = std::max<std::int64_t>(phase.bits, 1);
    phase.together = !phase.channels.empty() && random_.chance(isStepUnit ? knobs_.together : 10);
  }

  void makeAfter(Phase &phase, std::size_t index) {
    if (random_.chance(25))
      return; // with the start
    if (random_.chance(60)) {
      phase.after = {program::phaseEnd(index - 1)};
      return;
    }
    for (std::size_t i = 0; i != index; ++i)
      if (random_.chance(50))
        phase.after.push_back(program::phaseEnd(i));
  }

  void addHolding(Operation &operation, std::size_t index) {
    Phase &phase = operation.phases[index];
    program::Holding holding;
    const std::int64_t kind = random_.range(0, 9);
    if (kind < 5 && !pools_.empty()) {
      holding.object = random_.pick(pools_);
    } else if (kind < 7) {
      holding.object = someStorage();
      if (holding.object == phase.object ||
          object(holding.object).arbitration == arch::Arbitration::ProgramOrder)
        return;
    } else if (kind < 8) {
      holding.object = operation.unit;
      // What it holds until behind a later phase on its unit is a deadlock.
      for (const Phase &other : operation.phases)
        if (&other != &phase && other.object == operation.unit)
          return;
    } else if (!findCredits(operation, index, holding.object)) {
      return;
    }
    if (phase.together)
      return;
    holding.until = program::completedEvent;
    if (random_.chance(50))
      holding.until = program::phaseEnd(static_cast<std::size_t>(
          random_.range(0, static_cast<std::int64_t>(operation.phases.size()) - 1)));
    else if (random_.chance(20))
      holding.until = random_.chance(50) ? program::readEvent : program::issuedEvent;
    phase.holding.push_back(holding);
  }

  /// A channel with enough credits for the later message over it.
  bool findCredits(const Operation &operation, std::size_t index, ObjectId &channel) {
    for (std::size_t i = index + 1; i != operation.phases.size(); ++i) {
      const Phase &later = operation.phases[i];
      if (later.channels.empty() || later.together)
        continue;
      const std::int64_t words = (later.bits + 31) / 32;
      channel = later.channels.front();
      if (words > 0 && object(channel).channel.credits >= words &&
          !contains(reserved_, std::pair(operation.name, channel))) {
        reserved_.emplace_back(operation.name, channel);
        return true;
      }
      return false;
    }
    return false;
  }

  /// Every operation can be a step by itself, mostly: so nothing waits forever.
  void makeSteps(ObjectId unit) {
    std::vector<std::string> names;
    for (const Operation &operation : operations_)
      if (operation.unit == unit)
        names.push_back(operation.name);
    std::vector<arch::UnitStep> steps;
    const std::int64_t count = random_.range(1, 3);
    for (std::int64_t i = 0; i != count; ++i) {
      arch::UnitStep step;
      const std::int64_t taken = random_.range(1, 2);
      for (std::int64_t k = 0; k != taken; ++k)
        step.taken.push_back(random_.pick(names));
      if (random_.chance(40))
        step.behind.push_back(random_.pick(names));
      steps.push_back(std::move(step));
    }
    for (const std::string &name : names)
      if (random_.chance(95))
        steps.push_back({{name}, {}, {}});
    object(unit).steps = std::move(steps);
    object(unit).toProcess = names;
  }

  // ---- queues, now that classes are known -----------------------------------------------------

  void finishQueues() {
    for (const ObjectId id : queues_)
      finishQueue(id);
    for (const ObjectId id : pools_)
      setCapacity(object(id).queue, 1);
  }

  std::vector<std::string> classNames() const {
    std::vector<std::string> names;
    for (const Operation &operation : operations_) {
      const std::string &name = operation.className.empty() ? operation.name : operation.className;
      if (!contains(names, name))
        names.push_back(name);
    }
    return names;
  }

  void setCapacity(arch::QueueAttributes &queue, std::int64_t least) {
    if (!random_.chance(knobs_.classTables)) {
      queue.capacity = random_.range(least, 6);
      return;
    }
    for (const std::string &name : classNames())
      queue.classCapacities.push_back({name, random_.range(least, 3)});
  }

  void finishQueue(ObjectId id) {
    arch::QueueAttributes &queue = object(id).queue;
    setCapacity(queue, 2);
    if (object(id).objectClass != ObjectClass::ReservationStation)
      return;
    queue.release = someEvent();
    if (random_.chance(30)) {
      const Operation &operation = random_.pick(operations_);
      queue.releases.push_back({operation.name, someEvent()});
      if (const std::string other = random_.pick(classNames()); other != operation.name)
        queue.releases.push_back({other, someEvent()});
    }
    queue.hasHazards = random_.chance(knobs_.hazards);
    const std::int64_t lines = queue.hasHazards ? random_.range(0, 4) : 0;
    for (std::int64_t i = 0; i != lines; ++i) {
      arch::Hazard hazard;
      hazard.waiting = random_.pick(classNames());
      hazard.awaited = {random_.pick(classNames())};
      hazard.event = someEvent();
      hazard.onlyOverlapping = random_.chance(50);
      queue.hazards.push_back(std::move(hazard));
    }
  }

  std::string someEvent() {
    static const std::vector<std::string> events{"issued", "read", "completed", "s"};
    return random_.pick(events);
  }

  /// Their edges name the ranks of sources.
  void joinChannels() {
    for (const ObjectId channel : channels_) {
      for (const ObjectId unit : units_)
        if (random_.chance(40))
          edge(channel, unit, random_.chance(50) ? EdgeKind::ReadData : EdgeKind::WriteData);
      for (const ObjectId other : channels_)
        if (other != channel && random_.chance(30))
          edge(other, channel, EdgeKind::ReadData);
    }
    for (std::size_t i = 0; i + 1 < graph_.edges.size(); ++i)
      if (object(graph_.edges[i].source).objectClass == ObjectClass::Channel)
        std::swap(graph_.edges[i], graph_.edges[static_cast<std::size_t>(random_.range(
                                       static_cast<std::int64_t>(i),
                                       static_cast<std::int64_t>(graph_.edges.size()) - 1))]);
  }

  // ---- the program ----------------------------------------------------------------------------

  void makeProgram() {
    budget_ = 150;
    const std::int64_t blocks = random_.range(1, 3);
    for (std::int64_t i = 0; i != blocks; ++i) {
      if (random_.chance(50))
        makeLoop(program_.root, 0, arch::noObject, nullptr);
      makeBlock(program_.root, 0, random_.range(1, 8), arch::noObject, nullptr);
    }
    if (hasLongLoops())
      shortenLoops();
  }

  [[nodiscard]] bool hasLongLoops() const {
    return knobs_.longLoops != 0 || knobs_.longExpansions != 0;
  }

  /// Takes the longest loops down until the stream is short enough to be simulated.
  void shortenLoops() {
    for (;;) {
      const auto totals = program_.totals();
      if (totals && totals->instructions + totals->emitted <= knobs_.maxInstructions)
        return;
      const auto longest = std::ranges::max_element(program_.repeats, {}, &program::Repeat::count);
      if (longest == program_.repeats.end() || longest->count <= 3)
        return;
      longest->count = longest->count * 2 / 3;
    }
  }

  void makeLoop(program::RegionId region, std::uint32_t depth, ObjectId origin,
                const Instruction *emitter) {
    const auto body = static_cast<program::RegionId>(program_.regions.size());
    program_.regions.emplace_back();
    program::Repeat repeat;
    repeat.count = random_.range(0, 4);
    const bool isLong =
        knobs_.longLoops != 0 && origin == arch::noObject && random_.chance(knobs_.longLoops);
    if (knobs_.longExpansions != 0 && origin != arch::noObject &&
        random_.chance(knobs_.longExpansions))
      repeat.count = random_.range(8, random_.chance(30) ? 300 : 60);
    if (isLong)
      repeat.count = random_.range(3, random_.chance(30) ? 300 : 60);
    repeat.step = random_.range(1, 2);
    repeat.body = body;
    repeat.depth = depth;
    program_.maxDepth = std::max(program_.maxDepth, depth + 1);
    program_.regions[region].steps.push_back(
        {program::Step::Kind::Repeat, static_cast<std::uint32_t>(program_.repeats.size())});
    program_.repeats.push_back(repeat);
    makeBlock(body, depth + 1, random_.range(1, 3), origin, emitter);
    if (depth == 0 && random_.chance(isLong ? 50 : 30))
      makeLoop(body, depth + 1, origin, emitter);
    if (isLong && random_.chance(30)) // so that the next instruction stands in the outer loop
      makeBlock(body, depth + 1, 1, origin, emitter);
  }

  void makeBlock(program::RegionId region, std::uint32_t depth, std::int64_t count, ObjectId origin,
                 const Instruction *emitter) {
    for (std::int64_t i = 0; i != count; ++i)
      makeInstruction(region, depth, origin, emitter);
  }

  void makeInstruction(program::RegionId region, std::uint32_t depth, ObjectId origin,
                       const Instruction *emitter) {
    std::vector<const Way *> ways;
    for (const Way &way : ways_)
      if (way.origin == origin && (budget_ > 0 || !contains(expanders_, way.unit)))
        ways.push_back(&way);
    if (ways.empty())
      return;
    const Way &way = *random_.pick(ways);
    std::vector<const Operation *> operations;
    for (const Operation &operation : operations_)
      if (operation.unit == way.unit)
        operations.push_back(&operation);
    const Operation &operation = *random_.pick(operations);
    --budget_;
    Instruction instruction;
    instruction.operation = operation.name;
    instruction.className = operation.className;
    instruction.latency = operation.latency;
    instruction.phases = operation.phases;
    instruction.signals = operation.signals;
    program_.routes.push_back({way.stages, way.unit, way.origin});
    instruction.route = static_cast<program::RouteId>(program_.routes.size() - 1);
    makeOperands(instruction, depth, emitter);
    for (Phase &phase : instruction.phases)
      if (phase.kind == Phase::Kind::Expansion)
        makeExpansion(phase, way.unit, instruction);
    program_.regions[region].steps.push_back(
        {program::Step::Kind::Emit, static_cast<std::uint32_t>(program_.instructions.size())});
    program_.instructions.push_back(std::move(instruction));
  }

  void makeExpansion(Phase &phase, ObjectId unit, const Instruction &emitter) {
    const ObjectId origin = object(unit).container;
    phase.body = static_cast<program::RegionId>(program_.regions.size());
    program_.regions.emplace_back();
    const program::RegionId body = phase.body;
    if (random_.chance(50))
      makeLoop(body, 0, origin, &emitter);
    makeBlock(body, 0, random_.range(0, 3), origin, &emitter);
    if (random_.chance(knobs_.limits)) {
      if (random_.chance(50))
        phase.outstanding = random_.range(1, 4);
      else
        phase.limits.push_back({random_.pick(classNames()), random_.range(1, 3)});
    }
  }

  void makeOperands(Instruction &instruction, std::uint32_t depth, const Instruction *emitter) {
    const auto registers = [this](std::vector<arch::RegisterId> &into) {
      if (random_.chance(knobs_.dependences / 2))
        into.push_back(static_cast<arch::RegisterId>(random_.range(0, 3)));
    };
    registers(instruction.reads);
    registers(instruction.writes);
    const ObjectId unit = program_.routes[instruction.route].unit;
    const bool makesRequests = contains(accessUnits_, unit);
    instruction.makesRequests = makesRequests;
    if (!makesRequests && !random_.chance(knobs_.dependences))
      return;
    const std::int64_t count = random_.range(1, 2);
    for (std::int64_t i = 0; i != count; ++i)
      instruction.memory.push_back(makeOperand(depth, emitter));
  }

  program::MemoryOperand makeOperand(std::uint32_t depth, const Instruction *emitter) {
    program::MemoryOperand operand;
    operand.storage = random_.pick(storages_);
    operand.memory = operand.storage;
    if (object(operand.storage).lower != arch::noObject)
      operand.memory = object(operand.storage).lower;
    operand.isWrite = random_.chance(40);
    operand.bytes = random_.range(1, 12);
    operand.address.constant = 4 * random_.range(0, 20);
    if (emitter == nullptr && knobs_.walkedOperands != 0) // those of who expands may be long
      operand.bytes = random_.range(1, random_.chance(50) ? 400 : 12);
    if (emitter != nullptr && !emitter->memory.empty() && random_.chance(50)) {
      const auto base = static_cast<std::uint32_t>(
          random_.range(0, static_cast<std::int64_t>(emitter->memory.size()) - 1));
      operand.base = base;
      operand.storage = emitter->memory[base].storage;
      operand.memory = emitter->memory[base].memory;
    }
    if (hasLongLoops() && random_.chance(85)) {
      moveTogether(operand, depth, emitter);
      return operand;
    }
    for (std::uint32_t level = 0; level != depth; ++level)
      if (random_.chance(60))
        operand.address.terms.push_back({level, 4 * random_.range(0, 4)});
    return operand;
  }

  /// Accesses to a memory move by the same number of bytes with each loop, or not at all where it
  /// has a state. Some lie in a part of the memory where they move by another number.
  void moveTogether(program::MemoryOperand &operand, std::uint32_t depth,
                    const Instruction *emitter) {
    if (emitter != nullptr && knobs_.longExpansions != 0) {
      moveInExpansion(operand, depth);
      return;
    }
    const bool hasState = object(operand.memory).objectClass != ObjectClass::SRAM ||
                          operand.storage != operand.memory;
    const bool isApart = emitter == nullptr && random_.chance(30);
    if (isApart)
      operand.address.constant += 1 << 20;
    for (std::uint32_t level = 0; level != depth && emitter == nullptr; ++level) {
      const auto [stride, isNew] = strides_.try_emplace({operand.memory, level, isApart}, 0);
      if (isNew && !hasState && random_.chance(70))
        stride->second = 4 * random_.range(0, 6);
      if (stride->second != 0)
        operand.address.terms.push_back({level, stride->second});
    }
    for (std::uint32_t level = 0; level != depth && emitter != nullptr; ++level)
      if (random_.chance(60))
        operand.address.terms.push_back({level, 4 * random_.range(0, 4)});
  }

  /// What is emitted lies in a part of the memory of its own, or where its emitter has put it.
  void moveInExpansion(program::MemoryOperand &operand, std::uint32_t depth) {
    const bool hasState = object(operand.memory).objectClass != ObjectClass::SRAM ||
                          operand.storage != operand.memory;
    const bool keepsBase = operand.base && random_.chance(80);
    if (keepsBase &&
        (knobs_.walkedOperands == 0 || hasState || !random_.chance(knobs_.walkedOperands)))
      return;
    const bool isApart = !keepsBase && random_.chance(30);
    if (!keepsBase) {
      operand.base.reset();
      operand.address.constant += isApart ? 3 << 20 : 2 << 20;
    }
    for (std::uint32_t level = 0; level != depth; ++level) {
      const auto [stride, isNew] = emittedStrides_.try_emplace({operand.memory, level, isApart}, 0);
      if (isNew && !hasState && random_.chance(70))
        stride->second = 4 * random_.range(0, 6);
      if (stride->second != 0)
        operand.address.terms.push_back({level, stride->second});
    }
  }

  Random random_;
  OccupationKnobs knobs_;
  arch::ArchitectureGraph graph_;
  program::Program program_;
  ObjectId fetch_ = arch::noObject;
  std::vector<ObjectId> storages_, channels_, pools_, queues_, units_, expanders_, stepUnits_,
      accessUnits_;
  std::vector<Way> ways_;
  std::vector<Operation> operations_;
  std::vector<std::pair<std::string, ObjectId>> reserved_;
  std::int64_t budget_ = 0;
  /// By memory, depth and part of the memory.
  std::map<std::tuple<ObjectId, std::uint32_t, bool>, std::int64_t> strides_, emittedStrides_;
};

} // namespace

RandomCase makeOccupationCase(std::uint64_t seed, const OccupationKnobs &knobs) {
  return Generator(seed, knobs).make(seed);
}

} // namespace acadlc::test
