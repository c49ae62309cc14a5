#include "backend/simulate/OccupationTables.h"

#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::InstructionId;
using program::Phase;
using program::RegionId;

namespace {

constexpr std::int64_t mostTurns = std::numeric_limits<std::int64_t>::max();

std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(mostTurns); }
std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return checkedMul(a, b).value_or(mostTurns);
}

void addTo(TurnCounts &sum, const TurnCounts &more, std::int64_t times = 1) {
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = add(sum[i], multiply(more[i], times));
}

/// The event that releases the entry of \p instruction in a station.
program::EventId releaseEvent(const arch::QueueAttributes &station,
                              const Instruction &instruction) {
  const std::string *name = &station.release;
  for (const std::string &key : {instruction.classOrOperation(), instruction.operation})
    for (const arch::ReleaseEvent &exception : station.releases)
      if (exception.name == key)
        name = &exception.event;
  return instruction.findEvent(*name).value_or(program::completedEvent);
}

void unite(std::vector<bool> &sum, const std::vector<bool> &more) {
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = sum[i] || more[i];
}

} // namespace

OccupationTables::OccupationTables(const arch::ArchitectureGraph &graph,
                                   const program::Program &program,
                                   const timing::FetchPath &fetchPath)
    : graph_(graph), program_(program), fetchUnit_(fetchPath.unit),
      regionTurns_(program.regions.size()), footprints_(program.regions.size()),
      emptyRegions_(program.findEmptyRegions()) {
  const timing::RouteTable routes(graph, program);
  findLookAhead();
  orderEntries();
  numberTurns(routes);
  for (InstructionId id = 0; id < program.instructions.size(); ++id)
    describe(id, routes);
  for (InstructionId id = 0; id < program.instructions.size(); ++id)
    instructions_[id].emittedTurns = turnsOfInstruction(id);
  for (RegionId region = 0; region < program.regions.size(); ++region)
    findFootprint(region);
  rankSources();
}

void OccupationTables::findLookAhead() {
  lookAhead_.resize(graph_.objects.size());
  for (ObjectId stage = 0; stage < graph_.objects.size(); ++stage)
    for (const ObjectId unit : graph_.contains[stage]) {
      if (graph_.objects[unit].steps.empty())
        continue;
      for (ObjectId queue = 0; queue < graph_.objects.size(); ++queue)
        if (std::ranges::find(graph_.forwardTo[queue], stage) != graph_.forwardTo[queue].end())
          lookAhead_[unit] = {queue, graph_.objects[stage].latency};
    }
}

/// A unit counts as followed by what its stage leads to: there it hands on what it emits.
void OccupationTables::orderEntries() {
  enum class Mark : std::uint8_t { New, Open, Done };
  std::vector<Mark> marks(graph_.objects.size(), Mark::New);
  const auto visit = [&](const auto &self, ObjectId id) -> void {
    if (marks[id] != Mark::New) {
      ACADLC_CHECK(marks[id] == Mark::Done, "the FORWARD graph is acyclic");
      return;
    }
    marks[id] = Mark::Open;
    for (const ObjectId next : graph_.forwardTo[id])
      self(self, next);
    for (const ObjectId unit : graph_.contains[id])
      self(self, unit);
    if (arch::isUnit(graph_.objects[id].objectClass))
      for (ObjectId stage = 0; stage < graph_.objects.size(); ++stage)
        if (std::ranges::find(graph_.contains[stage], id) != graph_.contains[stage].end())
          for (const ObjectId next : graph_.forwardTo[stage])
            self(self, next);
    marks[id] = Mark::Done;
    entryOrder_.push_back(id);
  };
  for (ObjectId id = 0; id < graph_.objects.size(); ++id)
    if (arch::isOnRoutes(graph_.objects[id].objectClass) ||
        arch::isUnit(graph_.objects[id].objectClass))
      visit(visit, id);
}

void OccupationTables::numberTurns(const timing::RouteTable &routes) {
  // A stage behind an expanding unit's takes what that emits and what passes the unit's stage.
  std::vector<bool> takesEmitted(graph_.objects.size()), takesPassing(graph_.objects.size());
  for (program::RouteId route = 0; route < program_.routes.size(); ++route) {
    const std::vector<ObjectId> &objects = routes.objects(route);
    if (program_.routes[route].origin != arch::noObject)
      takesEmitted[objects.front()] = true;
    const bool isEmitted = program_.routes[route].origin != arch::noObject;
    for (std::size_t i = isEmitted ? 1 : 0; i < objects.size(); ++i)
      takesPassing[objects[i]] = true;
  }
  turnIndex_.assign(graph_.objects.size(), noTurns);
  for (ObjectId id = 0; id < graph_.objects.size(); ++id) {
    const Object &object = graph_.objects[id];
    const bool merges = routes.merges(id) || (takesEmitted[id] && takesPassing[id]);
    const bool inProgramOrder = object.arbitration == arch::Arbitration::ProgramOrder;
    bool takesTurns = false;
    if (object.objectClass == ObjectClass::Queue ||
        object.objectClass == ObjectClass::ReservationStation)
      takesTurns = object.queue.entryOrder == arch::QueueOrder::InOrder;
    else if (arch::isStage(object.objectClass) || arch::isUnit(object.objectClass))
      takesTurns = inProgramOrder && merges;
    else if (arch::isStorage(object.objectClass) || object.objectClass == ObjectClass::Channel)
      takesTurns = inProgramOrder;
    if (takesTurns)
      turnIndex_[id] = static_cast<TurnIndex>(turnObjects_++);
  }
}

void OccupationTables::describe(InstructionId id, const timing::RouteTable &routes) {
  const Instruction &instruction = program_.instructions[id];
  InstructionTable table;
  table.unit = program_.routes[instruction.route].unit;
  table.objects = routes.objects(instruction.route);
  if (lookAhead_[table.unit].queue != arch::noObject)
    table.objects.erase(table.objects.end() - 2);
  table.isBranch = table.unit == fetchUnit_;
  table.isExpanding = instruction.isExpanding();
  table.occupation = timing::occupation(graph_.objects[table.unit], instruction);
  for (const ObjectId object : table.objects)
    if (graph_.objects[object].objectClass == ObjectClass::ReservationStation)
      table.stations.push_back({object, releaseEvent(graph_.objects[object].queue, instruction),
                                graph_.objects[object].queue.hasHazards,
                                hazardsOf(object, instruction)});
  for (std::size_t i = 0; i < instruction.phases.size(); ++i) {
    const Phase &phase = instruction.phases[i];
    table.isFirst.push_back(i == 0 || (phase.after.empty() && !phase.afterStep));
    table.hasPhaseOnUnit = table.hasPhaseOnUnit ||
                           (phase.kind == Phase::Kind::Occupation && phase.object == table.unit);
  }
  for (const program::Signal &signal : instruction.signals)
    if (signal.name == "read")
      table.readPhase = signal.phase;
  countOwnTurns(instruction, table);
  instructions_.push_back(std::move(table));
}

std::vector<HazardLine> OccupationTables::hazardsOf(ObjectId station,
                                                    const Instruction &instruction) const {
  std::vector<HazardLine> lines;
  for (const arch::Hazard &hazard : graph_.objects[station].queue.hazards) {
    if (hazard.waiting != instruction.classOrOperation())
      continue;
    HazardLine &line = lines.emplace_back();
    line.onlyOverlapping = hazard.onlyOverlapping;
    for (const Instruction &other : program_.instructions) {
      line.isAwaited.push_back(std::ranges::find(hazard.awaited, other.classOrOperation()) !=
                               hazard.awaited.end());
      line.event.push_back(other.findEvent(hazard.event).value_or(program::completedEvent));
    }
  }
  return lines;
}

void OccupationTables::countOwnTurns(const Instruction &instruction,
                                     InstructionTable &table) const {
  table.ownTurns.assign(turnObjects_, 0);
  const auto count = [&](ObjectId object) {
    if (turnIndex_[object] != noTurns)
      ++table.ownTurns[turnIndex_[object]];
  };
  for (const ObjectId object : table.objects)
    count(object);
  for (std::size_t i = 0; i < instruction.requestCount(); ++i)
    count(instruction.memory[i].storage);
  for (const Phase &phase : instruction.phases) {
    if (phase.kind == Phase::Kind::Occupation && phase.cycles > 0 &&
        arch::isStorage(graph_.objects[phase.object].objectClass))
      count(phase.object);
    if (phase.bits <= 0 && !phase.together)
      continue; // it has no word to send
    // A message takes one turn at a channel, however often its route passes it.
    for (auto hop = phase.channels.begin(); hop != phase.channels.end(); ++hop)
      if (std::find(phase.channels.begin(), hop, *hop) == hop)
        count(*hop);
  }
}

TurnCounts OccupationTables::turnsOfInstruction(InstructionId id) {
  TurnCounts sum(turnObjects_, 0);
  for (const Phase &phase : program_.instructions[id].phases)
    if (phase.kind == Phase::Kind::Expansion)
      addTo(sum, turnsOf(phase.body));
  return sum;
}

const TurnCounts &OccupationTables::turnsOf(RegionId region) {
  if (regionTurns_[region])
    return *regionTurns_[region];
  TurnCounts sum(turnObjects_, 0);
  for (const program::Step &step : program_.regions[region].steps) {
    if (step.kind == program::Step::Kind::Repeat) {
      const program::Repeat &repeat = program_.repeats[step.index];
      if (repeat.count > 0)
        addTo(sum, turnsOf(repeat.body), repeat.count);
      continue;
    }
    addTo(sum, instructions_[step.index].ownTurns);
    addTo(sum, turnsOfInstruction(step.index));
  }
  regionTurns_[region] = std::move(sum);
  return *regionTurns_[region];
}

void OccupationTables::addFootprint(Footprint &sum, const Instruction &instruction) {
  for (const arch::RegisterId id : instruction.reads)
    sum.registersRead[id] = true;
  for (const arch::RegisterId id : instruction.writes)
    sum.registersWritten[id] = true;
  for (const program::MemoryOperand &operand : instruction.memory)
    (operand.isWrite ? sum.memoriesWritten : sum.memoriesRead)[operand.memory] = true;
}

const Footprint &OccupationTables::findFootprint(RegionId region) {
  if (footprints_[region])
    return *footprints_[region];
  Footprint sum;
  sum.registersRead.resize(graph_.registerCount);
  sum.registersWritten.resize(graph_.registerCount);
  sum.memoriesRead.resize(graph_.objects.size());
  sum.memoriesWritten.resize(graph_.objects.size());
  const auto include = [&](RegionId other) {
    const Footprint &part = findFootprint(other);
    unite(sum.registersRead, part.registersRead);
    unite(sum.registersWritten, part.registersWritten);
    unite(sum.memoriesRead, part.memoriesRead);
    unite(sum.memoriesWritten, part.memoriesWritten);
  };
  for (const program::Step &step : program_.regions[region].steps) {
    if (step.kind == program::Step::Kind::Repeat) {
      include(program_.repeats[step.index].body);
      continue;
    }
    const Instruction &instruction = program_.instructions[step.index];
    addFootprint(sum, instruction);
    for (const Phase &phase : instruction.phases)
      if (phase.kind == Phase::Kind::Expansion)
        include(phase.body);
  }
  footprints_[region] = std::move(sum);
  return *footprints_[region];
}

/// Sources in the order of the edges that join them with the channel, those without one behind.
void OccupationTables::rankSources() {
  sourceRanks_.resize(graph_.objects.size());
  const auto edges = static_cast<std::int64_t>(graph_.edges.size());
  for (ObjectId channel = 0; channel < graph_.objects.size(); ++channel) {
    if (graph_.objects[channel].objectClass != ObjectClass::Channel)
      continue;
    std::vector<std::int64_t> &ranks = sourceRanks_[channel];
    for (ObjectId id = 0; id < graph_.objects.size(); ++id)
      ranks.push_back(edges + id);
    for (std::int64_t i = edges; i-- > 0;) {
      const arch::Edge &edge = graph_.edges[static_cast<std::size_t>(i)];
      if (edge.source == channel)
        ranks[edge.target] = i;
      else if (edge.target == channel)
        ranks[edge.source] = i;
    }
  }
}

bool OccupationTables::isBehind(const Instruction &instruction, std::size_t later,
                                std::size_t earlier) {
  std::vector<bool> seen(instruction.phases.size());
  const auto reaches = [&](const auto &self, std::size_t phase) -> bool {
    if (seen[phase])
      return false;
    seen[phase] = true;
    return std::ranges::any_of(instruction.phases[phase].after, [&](program::EventId event) {
      if (event < program::phaseEnd(0))
        return false;
      const std::size_t before = event - program::phaseEnd(0);
      return before == earlier || self(self, before);
    });
  };
  return reaches(reaches, later);
}

} // namespace acadlc::simulate
