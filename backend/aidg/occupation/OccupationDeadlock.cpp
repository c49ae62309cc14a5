// Why nothing goes on (docs/timing.md, "Deadlock" and "What can deadlock here").
#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;
using Reason = timing::Wait::Reason;
using Stage = PhaseState::Stage;

std::string OccupationEngine::describe(FlightId id) {
  std::string place = std::to_string(age(id)[0]);
  for (std::uint32_t level = 1; level <= flight(id).level; ++level)
    place += "." + std::to_string(age(id)[level]);
  return plan_.program->instructions[flight(id).id].operation + " (instruction " + place + ")";
}

/// Follows the waits from the oldest instruction on. Where they come back to an instruction, that
/// circle is the report; where nobody can be named (a step or message that never comes), the last.
timing::DeadlockReport OccupationEngine::reportDeadlock() {
  timing::DeadlockReport report;
  report.time = state_.lastEvent;
  ++state_.now; // what happened last keeps nobody back any more
  std::vector<FlightId> chain;
  for (FlightId id = oldestOther(none, [](FlightId) { return true; }); id != none;) {
    const auto seen = std::ranges::find(chain, id);
    if (seen != chain.end()) {
      report.waits.erase(report.waits.begin(), report.waits.begin() + (seen - chain.begin()));
      return report;
    }
    chain.push_back(id);
    id = waitsFor(id, report.waits.emplace_back());
  }
  if (!report.waits.empty())
    report.waits.erase(report.waits.begin(), report.waits.end() - 1);
  return report;
}

/// Whom \p id waits for; fills \p wait.
FlightId OccupationEngine::waitsFor(FlightId id, timing::Wait &wait) {
  const OccupationFlight &stuck = flight(id);
  wait.index = age(id)[0];
  wait.instruction = describe(id);
  wait.range = plan_.program->instructions[stuck.id].range;
  if (stuck.position != 0)
    wait.where = route(id)[stuck.position - 1];
  wait.object = wait.where;
  FlightId other = none;
  if (!stuck.inUnit)
    other = awaitedOnTheWay(id, wait);
  else if (!stuck.started)
    other = awaitedAtStart(id, wait);
  else if (!instruction(id).hasPhases)
    other = awaitedForGrant(id, wait);
  else
    other = awaitedByPhases(id, wait);
  if (other == none)
    wait.reason = Reason::Never;
  return other;
}

/// The oldest instruction under way but \p except for which \p isWanted; none if there is none.
FlightId OccupationEngine::oldestOther(FlightId except,
                                       llvm::function_ref<bool(FlightId)> isWanted) {
  FlightId oldest = none;
  for (FlightId id = 1; id != state_.flights.size(); ++id)
    if (id != except && flight(id).id != none && flight(id).underWay && isWanted(id) &&
        (oldest == none || isOlder(id, oldest)))
      oldest = id;
  return oldest;
}

// ---- on the way --------------------------------------------------------------------------------

FlightId OccupationEngine::awaitedOnTheWay(FlightId id, timing::Wait &wait) {
  arch::ObjectId next = nextObject(id);
  FlightId first = id;
  if (flight(id).position == 0) {
    first = state_.objects[next].buffered.front();
  } else if (const arch::ObjectId place = wait.where; plan_.objects[place].kind == Kind::Queue) {
    const QueuePlan &queue = plan_.queue(place);
    if (queue.windowOf != arch::noObject)
      next = queue.windowOf;
    if (!isReadyIn(id, place)) {
      wait.reason = Reason::Dependence;
      return awaitedBy(id, place);
    }
    const bool isInOrder = queue.issueInOrder || queue.windowOf != arch::noObject;
    const std::vector<FlightId> &alike = bucketOf(place, id).flights;
    first = *std::ranges::find_if(
        alike, [&](FlightId other) { return isInOrder || isReadyIn(other, place); });
  }
  wait.object = next;
  if (first == id)
    return awaitedForEntry(id, next, id, wait);
  wait.reason = Reason::Behind;
  return first;
}

/// \p id may leave, but \p next does not take it; \p waiter waits for that: the same or who emits
/// it.
FlightId OccupationEngine::awaitedForEntry(FlightId id, arch::ObjectId next, FlightId waiter,
                                           timing::Wait &wait) {
  if (!hasRoom(next, id)) {
    wait.reason = Reason::Occupied;
    return holderOf(next, waiter);
  }
  if (plan_.objects[next].windowOn != arch::noObject)
    return none; // it waits for the rest of a step
  wait.reason = Reason::Turn;
  if (const FlightId before = turnBefore(next, id); before != none)
    return before;
  const FlightId picked = pick(next);
  if (picked == none || picked == id)
    return none;
  return flight(picked).underWay ? picked : emitterOf(picked);
}

/// Whether \p object is free for \p id, whoever else wants it.
bool OccupationEngine::hasRoom(arch::ObjectId object, FlightId id) {
  const OccupationObjectState &state = state_.objects[object];
  switch (plan_.objects[object].kind) {
  case Kind::Stage:
    return state.occupant == none;
  case Kind::Queue:
    return hasEntry(object, id);
  default:
    return plan_.objects[object].windowOn != arch::noObject
               ? !state.isProcessing() && state.foreign == 0
               : accepts(object, id);
  }
}

/// Who comes before \p id at \p object by program order; none if nobody does.
FlightId OccupationEngine::turnBefore(arch::ObjectId object, FlightId id) {
  const std::uint32_t list = plan_.objects[object].order;
  if (list == none || state_.orders[list].empty())
    return none;
  const OrderEntry &front = state_.orders[list].front();
  return isOlder(front, OrderEntry{id, false, 0}) ? front.flight : none;
}

/// Somebody else who has \p object or a part of it; \p except if it alone has; else none.
FlightId OccupationEngine::holderOf(arch::ObjectId object, FlightId except) {
  const FlightId other = oldestOther(except, [&](FlightId id) { return holdsPart(id, object); });
  return other == none && holdsPart(except, object) ? except : other;
}

bool OccupationEngine::holdsPart(FlightId id, arch::ObjectId object) {
  const OccupationFlight &holder = flight(id);
  const std::vector<FlightId> &occupants = state_.objects[object].occupants;
  if (std::ranges::find(occupants, id) != occupants.end() ||
      (holder.position != 0 && !holder.inUnit && route(id)[holder.position - 1] == object))
    return true;
  for (std::uint32_t i = 0; i != holder.position; ++i)
    if (route(id)[i] == object && (holder.entriesHeld >> i & 1) != 0)
      return true;
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
    const OccupationPhase &held = phase(id, p);
    const PhaseState &state = phaseState(id, p);
    const bool hasObject = state.stage == Stage::Running || state.inherited;
    if (held.kind == program::Phase::Kind::Occupation && held.cycles != 0 &&
        held.object == object && hasObject && state.stage != Stage::Ended)
      return true;
    for (std::uint32_t h = 0; h != held.holdings.count; ++h)
      if ((state.held >> h & 1) != 0 && plan_.holdings[held.holdings.first + h].object == object)
        return true;
  }
  return false;
}

// ---- dependences -------------------------------------------------------------------------------

/// Whether \p id awaits \p other over a register that an instruction between them writes: then
/// there is no edge for it (OccupationDependences.cpp).
bool OccupationEngine::awaitsOverRegister(FlightId id, FlightId other) {
  const OccupationInstruction &older = instruction(other), &own = instruction(id);
  if (plan_.nesting != 0 || (older.hazardStations & own.hazardStations) != 0 || !isOlder(other, id))
    return false;
  const auto share = [this](const PlanSlice &some, const PlanSlice &others) {
    const auto registers = some.of(plan_.registers);
    return std::ranges::find_first_of(registers, others.of(plan_.registers)) != registers.end();
  };
  const auto isOpen = [&](program::EventId event) {
    return (flight(other).visible & bit(event)) == 0;
  };
  return (isOpen(program::completedEvent) &&
          (share(own.reads, older.writes) || share(own.writes, older.writes))) ||
         (isOpen(program::readEvent) && share(own.writes, older.reads));
}

/// The oldest that \p id awaits at \p station (noObject: in its unit); else the oldest that has to
/// emit what it awaits.
FlightId OccupationEngine::awaitedBy(FlightId id, arch::ObjectId station) {
  const FlightId awaited = oldestOther(id, [&](FlightId other) {
    if (station == arch::noObject && awaitsOverRegister(id, other))
      return true;
    for (std::uint32_t edge = flight(other).firstEdge; edge != none; edge = state_.edges[edge].next)
      if (state_.edges[edge].waiter == id && state_.edges[edge].station == station)
        return true;
    return false;
  });
  if (awaited != none)
    return awaited;
  const OrderEntry own{id, false, 0};
  return oldestOther(id, [&](FlightId other) {
    return std::find(state_.expanders.begin(), state_.expanders.end(), other) !=
               state_.expanders.end() &&
           isOlder(OrderEntry{other, true, 0}, own) && awaitsUnemittedOf(id, other, station);
  });
}

/// It has entered its unit: its dependences are not over, or those of its step.
FlightId OccupationEngine::awaitedAtStart(FlightId id, timing::Wait &wait) {
  wait.reason = Reason::Dependence;
  if (const FlightId awaited = awaitedBy(id, arch::noObject); awaited != none)
    return awaited;
  const std::vector<FlightId> &step = state_.objects[instruction(id).unit].occupants;
  return oldestOther(id, [&](FlightId other) {
    return std::ranges::find(step, other) != step.end() && !instruction(other).expands &&
           (flight(other).unitWaits != 0 || awaitsUnemitted(other, arch::noObject));
  });
}

/// Without phases: for its unit, which another one of its step has, or for a storage.
FlightId OccupationEngine::awaitedForGrant(FlightId id, timing::Wait &wait) {
  const OccupationInstruction &planned = instruction(id);
  wait.object = planned.unit;
  if (planned.makesRequests) {
    wait.object = plan_.accesses[planned.accesses.first + flight(id).access].storage;
    wait.reason = Reason::Turn;
    if (const FlightId before = turnBefore(wait.object, id); before != none)
      return before;
  }
  wait.reason = Reason::Occupied;
  return holderOf(wait.object, id);
}

// ---- phases ------------------------------------------------------------------------------------

/// Whom the first phase awaits that can say it; the instruction itself where its expansions wait
/// for one another.
FlightId OccupationEngine::awaitedByPhases(FlightId id, timing::Wait &wait) {
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p)
    if (const FlightId other = awaitedByPhase(id, p, wait); other != none)
      return other;
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
    const std::uint32_t index = phaseState(id, p).expansion;
    if (index == none || state_.expansions[index].exhausted ||
        !awaitsSibling(state_.expansions[index]))
      continue;
    wait.object = wait.where;
    wait.reason = Reason::Dependence;
    return id;
  }
  return none;
}

FlightId OccupationEngine::awaitedByPhase(FlightId id, std::uint32_t index, timing::Wait &wait) {
  const OccupationPhase &stuck = phase(id, index);
  switch (phaseState(id, index).stage) {
  case Stage::Idle:
    return awaitedStep(id, index, wait);
  case Stage::Asking:
    if (stuck.kind != program::Phase::Kind::Expansion || hasExpansionTurn(id, index))
      return awaitedToBegin(id, index, wait);
    wait.reason = Reason::Turn;
    return formerExpander(id, index);
  case Stage::Running:
    if (stuck.kind == program::Phase::Kind::Message)
      return awaitedByMessage(id, index, wait);
    return stuck.kind == program::Phase::Kind::Expansion ? awaitedByExpansion(id, index, wait)
                                                         : none;
  case Stage::Ended:
    return none;
  }
  return none;
}

/// Who keeps a step from ending that a phase awaits, if all else that it awaits is over.
FlightId OccupationEngine::awaitedStep(FlightId id, std::uint32_t index, timing::Wait &wait) {
  const OccupationPhase &stuck = phase(id, index);
  if (stuck.afterStep < 0 || (stuck.after & ~flight(id).own) != 0)
    return none;
  const std::int64_t number = flight(id).step + stuck.afterStep;
  const std::vector<FlightId> &step = state_.objects[instruction(id).unit].occupants;
  const auto keepsOn = [&](FlightId other) {
    return flight(other).step == number && !flight(other).partDone &&
           std::ranges::find(step, other) != step.end();
  };
  wait.reason = Reason::Dependence;
  return oldestOther(none, keepsOn);
}

/// The phase could begin, but something that it takes is not free.
FlightId OccupationEngine::awaitedToBegin(FlightId id, std::uint32_t index, timing::Wait &wait) {
  const OccupationPhase &stuck = phase(id, index);
  if (stuck.together && flight(id).group != none) {
    wait.reason = Reason::Dependence;
    for (const Candidate &member : state_.groups[flight(id).group].members)
      if (member.flight != id && phaseState(member.flight, member.part).stage != Stage::Asking)
        return member.flight;
  }
  wait.reason = Reason::Occupied;
  FlightId other = none;
  if (stuck.kind == program::Phase::Kind::Occupation && stuck.cycles != 0) {
    wait.object = stuck.object;
    if (plan_.objects[stuck.object].kind == Kind::Storage)
      other = turnBefore(stuck.object, id);
    if (other != none) {
      wait.reason = Reason::Turn;
      return other;
    }
    other = holderOf(stuck.object, id);
  }
  if (other == none && stuck.channels.count != 0) {
    wait.object = plan_.routeChannels[stuck.channels.first];
    other = userOf(wait.object, id);
  }
  for (std::uint32_t i = 0; i != stuck.holdings.count && other == none; ++i) {
    wait.object = plan_.holdings[stuck.holdings.first + i].object;
    other = holderOf(wait.object, id);
  }
  return other;
}

/// The oldest instruction before \p id in its unit that has not handed on the last of this phase.
FlightId OccupationEngine::formerExpander(FlightId id, std::uint32_t index) {
  const std::uint32_t name = phase(id, index).name;
  for (const FlightId other : state_.objects[instruction(id).unit].occupants)
    for (std::uint32_t p = 0; other != id && p != instruction(other).phases.count; ++p) {
      const PhaseState &state = phaseState(other, p);
      const bool isOver = state.stage == Stage::Ended ||
                          (state.expansion != none && state_.expansions[state.expansion].exhausted);
      if (phase(other, p).kind == program::Phase::Kind::Expansion && phase(other, p).name == name &&
          !isOver)
        return other;
    }
  return none;
}

FlightId OccupationEngine::awaitedByMessage(FlightId id, std::uint32_t index, timing::Wait &wait) {
  const std::uint32_t sent = phaseState(id, index).message;
  if (sent == none)
    return none;
  const Message &message = state_.messages[sent];
  for (std::uint32_t hop = 0; hop != message.hopCount; ++hop) {
    if (message.hops[hop].accepted == message.words)
      continue;
    wait.object = channelOf(message, hop);
    wait.reason = Reason::Turn;
    if (const FlightId before = turnBefore(wait.object, id); before != none)
      return before;
    wait.reason = Reason::Occupied;
    FlightId other = holderOf(wait.object, id);
    if (other == none)
      other = userOf(wait.object, id);
    if (other != none)
      return other;
  }
  return none;
}

/// The oldest other instruction with a message that goes through \p object.
FlightId OccupationEngine::userOf(arch::ObjectId object, FlightId except) {
  return oldestOther(except, [&](FlightId id) {
    for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
      const auto channels = phase(id, p).channels.of(plan_.routeChannels);
      if (phaseState(id, p).stage == Stage::Running && phaseState(id, p).message != none &&
          std::ranges::find(channels, object) != channels.end())
        return true;
    }
    return false;
  });
}

/// It cannot hand on its next instruction; else it waits for what it has handed on to end.
FlightId OccupationEngine::awaitedByExpansion(FlightId id, std::uint32_t index,
                                              timing::Wait &wait) {
  Expansion &expansion = state_.expansions[phaseState(id, index).expansion];
  FlightId other = none;
  if (expansion.next != none && !isWithinLimits(expansion)) {
    wait.reason = Reason::Dependence;
    other = awaitedForLimit(expansion);
  } else if (expansion.next != none && !awaitsSibling(expansion)) {
    other = awaitedToHandOn(id, wait);
  }
  if (other != none)
    return other;
  wait.reason = Reason::Dependence;
  return oldestOther(none, [&](FlightId emitted) { return emitterOf(emitted) == id; });
}

/// \p id has an instruction to hand on, but its unit offers that of another one, or nobody takes
/// it.
FlightId OccupationEngine::awaitedToHandOn(FlightId id, timing::Wait &wait) {
  const arch::ObjectId unit = instruction(id).unit;
  const std::vector<std::uint32_t> &expanding = state_.objects[unit].expanding;
  const auto first = std::ranges::find_if(expanding, [&](auto index) { return mayOffer(index); });
  if (first == expanding.end())
    return none;
  const Expansion &offering = state_.expansions[*first];
  if (offering.flight != id) {
    wait.object = unit;
    wait.reason = Reason::Turn;
    return offering.flight;
  }
  wait.object = nextObject(offering.next);
  return awaitedForEntry(offering.next, wait.object, id, wait);
}

/// The oldest instruction that uses up a limit of \p expansion, whoever has emitted it.
FlightId OccupationEngine::awaitedForLimit(const Expansion &expansion) {
  const OccupationInstruction &next = instruction(expansion.next);
  const auto isNamed = [](const OccupationInstruction &one, NameId name) {
    return name == noName || name == one.className || name == one.operation;
  };
  const auto counts = [&](FlightId other, std::uint32_t counter) {
    const Expansion &from = state_.expansions[flight(other).expansion];
    if (phase(from.flight, from.phase).ownCounter == counter)
      return true;
    const auto &counters = plan_.objects[instruction(from.flight).unit].emissionCounters;
    return std::ranges::any_of(counters, [&](const auto &one) {
      return one.second == counter && isNamed(instruction(other), one.first);
    });
  };
  return oldestOther(none, [&](FlightId other) {
    const std::uint32_t station = instruction(other).lastStation;
    const bool isOutstanding = station == none || flight(other).position <= station ||
                               (flight(other).entriesHeld & bit(station)) != 0;
    const auto limits = phase(expansion.flight, expansion.phase).limits.of(plan_.expansionLimits);
    return flight(other).expansion != none && isOutstanding &&
           std::ranges::any_of(limits, [&](const ExpansionLimit &limit) {
             return isNamed(next, limit.name) && state_.outstanding[limit.counter] >= limit.count &&
                    counts(other, limit.counter);
           });
  });
}

} // namespace acadlc::aidg
