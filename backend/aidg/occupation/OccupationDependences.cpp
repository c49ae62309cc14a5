#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>
#include <bit>

namespace acadlc::aidg {

namespace {

bool overlap(std::int64_t low, std::int64_t bytes, std::int64_t otherLow, std::int64_t otherBytes) {
  return low < otherLow + otherBytes && otherLow < low + bytes;
}

} // namespace

// ---- dependences awaited in units --------------------------------------------------------------

void OccupationEngine::addDependences(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  // Of both, the younger awaits the older; a reader is awaited until it has read.
  const auto join = [&](FlightId other, bool otherWrites, bool ownWrites) {
    if (isOlder(other, id))
      depend(id, other, otherWrites ? program::completedEvent : program::readEvent);
    else
      depend(other, id, ownWrites ? program::completedEvent : program::readEvent);
  };
  for (const arch::RegisterId reg : planned.reads.of(plan_.registers))
    for (const RegisterUse &use : state_.registers[reg])
      if (use.isWrite)
        join(use.flight, true, false);
  for (const arch::RegisterId reg : planned.writes.of(plan_.registers))
    for (const RegisterUse &use : state_.registers[reg])
      join(use.flight, use.isWrite, true);
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i) {
    const OccupationAccess &access = plan_.accesses[planned.accesses.first + i];
    if (!access.tracked)
      continue;
    const std::int64_t low = addresses(id)[i], high = low + access.bytes;
    for (const MemoryUse &use : state_.memories[access.memory])
      if (use.low < high && low < use.high && (use.isWrite || access.isWrite))
        join(use.flight, use.isWrite, access.isWrite);
  }
  if (planned.expands) {
    addExpandingUses(id);
    return;
  }
  dependOnExpanding(id);
  addUses(id);
}

/// On older instructions that expand; younger ones do not depend on \p id.
void OccupationEngine::dependOnExpanding(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  const auto forEachOlder = [&](const auto &uses, const auto &see) {
    for (std::size_t i = 0; i != uses.size() && isOlder(uses[i].flight, id); ++i)
      see(uses[i]);
  };
  const auto join = [&](const auto &use) {
    depend(id, use.flight, use.isWrite ? program::completedEvent : program::readEvent);
  };
  for (const arch::RegisterId reg : planned.reads.of(plan_.registers))
    forEachOlder(state_.expandingRegisters[reg], [&](const RegisterUse &use) {
      if (use.isWrite)
        join(use);
    });
  for (const arch::RegisterId reg : planned.writes.of(plan_.registers))
    forEachOlder(state_.expandingRegisters[reg], join);
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i) {
    const OccupationAccess &access = plan_.accesses[planned.accesses.first + i];
    if (!access.tracked)
      continue;
    const std::int64_t low = addresses(id)[i], high = low + access.bytes;
    forEachOlder(state_.expandingMemories[access.memory], [&](const MemoryUse &use) {
      if (use.low < high && low < use.high && (use.isWrite || access.isWrite))
        join(use);
    });
  }
}

void OccupationEngine::addUses(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  for (const arch::RegisterId reg : planned.reads.of(plan_.registers))
    state_.registers[reg].push_back({id, false});
  // Where every dependence is awaited in units and ages ascend, whoever depends on those before a
  // write waits for it, and that for them.
  const bool outdates = plan_.nesting == 0 && planned.hazardStations == 0;
  for (const arch::RegisterId reg : planned.writes.of(plan_.registers)) {
    if (outdates)
      state_.registers[reg].clear();
    state_.registers[reg].push_back({id, true});
  }
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i)
    if (const OccupationAccess &access = plan_.accesses[planned.accesses.first + i]; access.tracked)
      state_.memories[access.memory].push_back(useOf(id, i));
}

void OccupationEngine::addExpandingUses(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  const auto add = [&](auto &uses, const auto &use) { uses.insert(placeByAge(uses, id), use); };
  for (const arch::RegisterId reg : planned.reads.of(plan_.registers))
    add(state_.expandingRegisters[reg], RegisterUse{id, false});
  for (const arch::RegisterId reg : planned.writes.of(plan_.registers))
    add(state_.expandingRegisters[reg], RegisterUse{id, true});
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i)
    if (const OccupationAccess &access = plan_.accesses[planned.accesses.first + i]; access.tracked)
      add(state_.expandingMemories[access.memory], useOf(id, i));
}

MemoryUse OccupationEngine::useOf(FlightId id, std::uint32_t index) {
  const OccupationAccess &access = plan_.accesses[instruction(id).accesses.first + index];
  const std::int64_t low = addresses(id)[index];
  return {low, low + access.bytes, id, access.isWrite, access.addressClass};
}

void OccupationEngine::removeUses(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  if (planned.expands) {
    removeExpandingUses(id);
    return;
  }
  const auto isOwn = [id](const auto &use) { return use.flight == id; };
  for (const PlanSlice &slice : {planned.reads, planned.writes})
    for (const arch::RegisterId reg : slice.of(plan_.registers))
      std::erase_if(state_.registers[reg], isOwn);
  for (const OccupationAccess &access : planned.accesses.of(plan_.accesses))
    if (access.tracked)
      std::erase_if(state_.memories[access.memory], isOwn);
}

void OccupationEngine::removeExpandingUses(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  const auto remove = [&](auto &uses) {
    for (std::size_t place = placeByAge(uses, id); place != 0 && uses[place - 1].flight == id;)
      uses.eraseAt(--place);
  };
  for (const PlanSlice &slice : {planned.reads, planned.writes})
    for (const arch::RegisterId reg : slice.of(plan_.registers))
      remove(state_.expandingRegisters[reg]);
  for (const OccupationAccess &access : planned.accesses.of(plan_.accesses))
    if (access.tracked)
      remove(state_.expandingMemories[access.memory]);
}

void OccupationEngine::depend(FlightId waiter, FlightId awaited, program::EventId event) {
  const OccupationFlight &one = flight(waiter);
  if (one.started || instruction(waiter).expands || (flight(awaited).visible & bit(event)) != 0 ||
      isAncestor(awaited, waiter) || meet(waiter, awaited))
    return;
  addEdge(waiter, awaited, event, arch::noObject);
  ++flight(waiter).unitWaits;
}

void OccupationEngine::addEdge(FlightId waiter, FlightId awaited, program::EventId event,
                               arch::ObjectId station) {
  std::uint32_t edge = state_.freeEdge;
  if (edge == none) {
    edge = static_cast<std::uint32_t>(state_.edges.size());
    state_.edges.emplace_back();
  } else {
    state_.freeEdge = state_.edges[edge].next;
  }
  state_.edges[edge] = {waiter, flight(awaited).firstEdge, station, event};
  flight(awaited).firstEdge = edge;
}

void OccupationEngine::satisfy(const Edge &edge) {
  OccupationFlight &waiter = flight(edge.waiter);
  if (edge.station != arch::noObject) {
    if (--waiter.hazardWaits == 0)
      becameReady(edge.waiter);
    return;
  }
  if (--waiter.unitWaits == 0 && waiter.inUnit && !waiter.started)
    starting_.push_back(edge.waiter);
}

bool OccupationEngine::isAncestor(FlightId ancestor, FlightId of) const {
  for (FlightId id = emitterOf(of); id != none; id = emitterOf(id))
    if (id == ancestor)
      return true;
  return false;
}

bool OccupationEngine::meet(FlightId a, FlightId b) const {
  for (FlightId id = b; id != none; id = emitterOf(id))
    for (FlightId other = a; other != none; other = emitterOf(other))
      if (id != other && (instruction(id).hazardStations & instruction(other).hazardStations) != 0)
        return true;
  return false;
}

/// Whether \p a meets something that passes \p stations and that \p emitter will emit.
bool OccupationEngine::meet(FlightId a, std::uint64_t stations, FlightId emitter) const {
  for (FlightId other = a; other != none; other = emitterOf(other))
    if ((instruction(other).hazardStations & stations) != 0)
      return true;
  return meet(a, emitter);
}

bool OccupationEngine::touches(FlightId id, const OccupationInstruction &other,
                               const std::int64_t *otherAddresses) {
  const OccupationInstruction &own = instruction(id);
  const auto share = [this](const PlanSlice &a, const PlanSlice &b) {
    return std::ranges::any_of(a.of(plan_.registers), [&](arch::RegisterId reg) {
      return std::ranges::find(b.of(plan_.registers), reg) != b.of(plan_.registers).end();
    });
  };
  if (share(own.writes, other.writes) || share(own.writes, other.reads) ||
      share(own.reads, other.writes))
    return true;
  for (std::uint32_t i = 0; i != own.accesses.count; ++i)
    for (std::uint32_t j = 0; j != other.accesses.count; ++j) {
      const OccupationAccess &a = plan_.accesses[own.accesses.first + i];
      const OccupationAccess &b = plan_.accesses[other.accesses.first + j];
      if (a.tracked && b.tracked && a.memory == b.memory && (a.isWrite || b.isWrite) &&
          aidg::overlap(addresses(id)[i], a.bytes, otherAddresses[j], b.bytes))
        return true;
    }
  return false;
}

bool OccupationEngine::overlap(FlightId a, FlightId b) {
  return touches(a, instruction(b), addresses(b));
}

// ---- hazards of stations -----------------------------------------------------------------------

/// A new instruction will pass \p station: younger ones that stand there may have to await it.
void OccupationEngine::joinStation(FlightId id, arch::ObjectId station) {
  for (const FlightId other : state_.objects[station].members) {
    const OccupationFlight &one = flight(other);
    if (one.position != 0 && route(other)[one.position - 1] == station && isOlder(id, other))
      addHazard(other, id, station);
  }
  state_.objects[station].members.push_back(id);
}

void OccupationEngine::addHazards(FlightId id, arch::ObjectId station) {
  for (const FlightId other : state_.objects[station].members)
    if (other != id && isOlder(other, id))
      addHazard(id, other, station);
}

void OccupationEngine::addHazard(FlightId waiter, FlightId awaited, arch::ObjectId station) {
  const QueuePlan &queue = plan_.queue(station);
  for (const auto &[waiting, lines] : queue.hazards) {
    if (waiting != instruction(waiter).className)
      continue;
    for (const HazardLine &line : lines) {
      if (line.awaited != instruction(awaited).className)
        continue;
      const program::EventId event = line.events[flight(awaited).id];
      if (event == program::issuedEvent ? hasLeft(awaited, station)
                                        : (flight(awaited).visible & bit(event)) != 0)
        continue;
      if (line.onlyOverlapping && !overlap(waiter, awaited))
        continue;
      addEdge(waiter, awaited, event, station);
      ++flight(waiter).hazardWaits;
    }
  }
}

/// Whether others see that \p id has left \p station: that is what `issued` means there.
bool OccupationEngine::hasLeft(FlightId id, arch::ObjectId station) const {
  const auto objects = route(id);
  const auto position =
      static_cast<std::uint32_t>(std::ranges::find(objects, station) - objects.begin());
  return (flight(id).left & bit(position)) != 0;
}

// ---- what is still to be emitted ---------------------------------------------------------------

bool OccupationEngine::awaitsUnemitted(FlightId id, arch::ObjectId station) {
  // What is still to be emitted is younger than who emits it; those that expand stand by age.
  const OrderEntry own{id, false, 0};
  for (std::size_t i = 0; i != state_.expanders.size() && isOlder(state_.expanders[i], id); ++i)
    if (const FlightId expander = state_.expanders[i];
        isOlder(OrderEntry{expander, true, 0}, own) && awaitsUnemittedOf(id, expander, station))
      return true;
  return false;
}

bool OccupationEngine::awaitsUnemittedOf(FlightId id, FlightId expander, arch::ObjectId station) {
  if (station == arch::noObject && !plan_.mayConflict[flight(expander).id][flight(id).id])
    return false;
  expansionLoops_.noteWalk();
  const OccupationInstruction &planned = instruction(expander);
  for (std::uint32_t p = 0; p != planned.phases.count; ++p) {
    const OccupationPhase &expanding = plan_.phases[planned.phases.first + p];
    if (expanding.kind != program::Phase::Kind::Expansion)
      continue;
    const std::uint32_t index = phaseState(expander, p).expansion;
    if (index == none) {
      if (phaseState(expander, p).stage != PhaseState::Stage::Idle &&
          phaseState(expander, p).stage != PhaseState::Stage::Asking)
        continue;
      if (awaitsRest(id, lookahead_.begin(*plan_.program, expanding.body, plan_.emptyRegions),
                     addresses(expander), expander, 0, station))
        return true;
      continue;
    }
    const Expansion &expansion = state_.expansions[index];
    if (expansion.exhausted)
      continue;
    const FlightId next = expansion.next;
    if (awaitsInstance(id, flight(next).id, addresses(next), expander, 0, station))
      return true;
    if (awaitsRest(id, lookahead_.copyOf(expansion.stream), addresses(expander), expander, 0,
                   station))
      return true;
  }
  return false;
}

bool OccupationEngine::awaitsRest(FlightId id, StreamPool::Lease rest, const std::int64_t *base,
                                  FlightId expander, std::uint64_t stationsAbove,
                                  arch::ObjectId station) {
  std::vector<std::int64_t> &own = rest.addresses();
  for (program::Instance instance; rest.stream().next(instance);) {
    const OccupationInstruction &planned = plan_.instructions[instance.id];
    own.clear();
    for (const OccupationAccess &access : planned.accesses.of(plan_.accesses))
      own.push_back(plan_.program->evaluate(access.operand->address, instance.loopValues) +
                    (access.operand->base ? base[*access.operand->base] : 0));
    if (awaitsInstance(id, instance.id, own.data(), expander, stationsAbove, station))
      return true;
  }
  return false;
}

/// Whether \p id awaits an instruction \p other that \p expander is to emit, or what that emits.
bool OccupationEngine::awaitsInstance(FlightId id, std::uint32_t other,
                                      const std::int64_t *otherAddresses, FlightId expander,
                                      std::uint64_t stationsAbove, arch::ObjectId station) {
  const OccupationInstruction &planned = plan_.instructions[other];
  const std::uint64_t stations = stationsAbove | planned.hazardStations;
  if (station == arch::noObject) {
    if (touches(id, planned, otherAddresses) && !meet(id, stations, expander))
      return true;
  } else if (std::ranges::find(plan_.routeOf(other), station) != plan_.routeOf(other).end()) {
    for (const auto &[waiting, lines] : plan_.queue(station).hazards)
      if (waiting == instruction(id).className)
        for (const HazardLine &line : lines)
          if (line.awaited == planned.className &&
              (!line.onlyOverlapping || touches(id, planned, otherAddresses)))
            return true;
  }
  for (const OccupationPhase &phase : planned.phases.of(plan_.phases)) {
    if (phase.kind != program::Phase::Kind::Expansion)
      continue;
    if (awaitsRest(id, lookahead_.begin(*plan_.program, phase.body, plan_.emptyRegions),
                   otherAddresses, expander, stations, station))
      return true;
  }
  return false;
}

// ---- events ------------------------------------------------------------------------------------

/// An event of \p id: it knows of it at once, others in the first part of a cycle.
void OccupationEngine::happen(FlightId id, program::EventId event) {
  if ((flight(id).own & bit(event)) != 0)
    return;
  note();
  flight(id).own |= bit(event);
  if (event == program::completedEvent) {
    flight(id).times.finished = state_.now;
    state_.end = std::max(state_.end, state_.now);
  }
  if (part_ == Part::Release)
    show(id, event);
  else
    state_.deferred.push_back({Deferred::Kind::Event, id, event});
}

void OccupationEngine::show(FlightId id, program::EventId event) {
  flight(id).visible |= bit(event);
  if (flight(id).firstEdge != none)
    fireEdges(id, event);
  const OccupationInstruction &planned = instruction(id);
  for (std::uint64_t holding = flight(id).holding; holding != 0; holding &= holding - 1) {
    const auto p = static_cast<std::uint32_t>(std::countr_zero(holding));
    for (std::uint64_t held = phaseState(id, p).held; held != 0; held &= held - 1) {
      const auto index = static_cast<std::uint32_t>(std::countr_zero(held));
      const OccupationPhase &holder = plan_.phases[planned.phases.first + p];
      const program::EventId until = plan_.holdings[holder.holdings.first + index].until;
      if (until == event || event == program::completedEvent)
        releaseHeld(id, p, index);
    }
  }
  if (event != program::issuedEvent)
    for (std::uint64_t entries = flight(id).entriesHeld; entries != 0; entries &= entries - 1) {
      const auto i = static_cast<std::uint32_t>(std::countr_zero(entries));
      if (event == program::completedEvent ||
          plan_.queue(route(id)[i]).release[flight(id).id] == event)
        releaseEntry(id, i);
    }
  if (event == program::readEvent && flight(id).expansion != none)
    emittedRead(id);
  if (event == program::completedEvent)
    complete(id);
}

void OccupationEngine::fireEdges(FlightId id, program::EventId event) {
  std::uint32_t *link = &flight(id).firstEdge;
  while (*link != none) {
    const std::uint32_t index = *link;
    const Edge edge = state_.edges[index];
    const bool fires =
        event == program::completedEvent || (edge.event == event && event != program::issuedEvent);
    if (!fires) {
      link = &state_.edges[index].next;
      continue;
    }
    *link = edge.next;
    state_.edges[index].next = state_.freeEdge;
    state_.freeEdge = index;
    satisfy(edge);
  }
}

/// Those that await \p id in \p station go on: all of them if its entry is back, else those that
/// await that it leaves.
void OccupationEngine::fireStation(FlightId id, arch::ObjectId station, bool all) {
  std::uint32_t *link = &flight(id).firstEdge;
  while (*link != none) {
    const std::uint32_t index = *link;
    const Edge edge = state_.edges[index];
    if (edge.station != station || (!all && edge.event != program::issuedEvent)) {
      link = &state_.edges[index].next;
      continue;
    }
    *link = edge.next;
    state_.edges[index].next = state_.freeEdge;
    state_.freeEdge = index;
    satisfy(edge);
  }
}

/// Gives back the entry of \p id in the station at \p position of its route.
void OccupationEngine::releaseEntry(FlightId id, std::uint32_t position) {
  const arch::ObjectId station = route(id)[position];
  flight(id).entriesHeld &= ~bit(position);
  takeEntry(station, id, -1);
  if (position == instruction(id).lastStation) {
    flight(id).times.released = state_.now;
    if (flight(id).expansion != none)
      endOutstanding(id);
  }
  state_.dirty.insert(plan_.objects[station].rank);
  if (part_ != Part::Release || !plan_.queue(station).hasHazards)
    return;
  std::erase(state_.objects[station].members, id);
  fireStation(id, station, true);
}

/// Others see that \p id has left \p station.
void OccupationEngine::leftStation(FlightId id, arch::ObjectId station) {
  const bool entryBack = plan_.queue(station).release[flight(id).id] == program::issuedEvent;
  const auto objects = route(id);
  flight(id).left |=
      bit(static_cast<std::uint32_t>(std::ranges::find(objects, station) - objects.begin()));
  if (entryBack)
    std::erase(state_.objects[station].members, id);
  fireStation(id, station, entryBack);
}

void OccupationEngine::complete(FlightId id) {
  ++completed_[flight(id).id];
  removeUses(id);
  std::erase(state_.objects[instruction(id).unit].occupants, id); // its step may go on
  for (const arch::ObjectId object : route(id))
    if (instruction(id).hazardStations != 0)
      std::erase(state_.objects[object].members, id);
  if (instruction(id).isBranch)
    state_.branchPending = false;
  if (flight(id).expansion != none)
    emittedCompleted(id);
  if (options_.observer)
    record(id);
  --state_.live;
  // Others may still send in lock step with it.
  if (const std::uint32_t group = flight(id).group;
      group != none && state_.groups[group].unfinished != 0)
    state_.groups[group].completed.push_back(id);
  else
    over_.push_back(id);
}

} // namespace acadlc::aidg
