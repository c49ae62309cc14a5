#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>
#include <bit>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;
using Stage = PhaseState::Stage;

// ---- starts ------------------------------------------------------------------------------------

/// Starts \p id and what it stands in a step with, if the dependences of all are over.
void OccupationEngine::tryStart(FlightId id) {
  if (flight(id).started)
    return;
  const arch::ObjectId unit = instruction(id).unit;
  const auto isReady = [this](FlightId one) {
    return instruction(one).expands ||
           (flight(one).unitWaits == 0 &&
            (state_.expanders.empty() || !awaitsUnemitted(one, arch::noObject)));
  };
  if (plan_.objects[unit].windowOn == arch::noObject) {
    if (isReady(id))
      start(id);
    return;
  }
  const std::vector<FlightId> &step = state_.objects[unit].occupants;
  if (!std::ranges::all_of(step, isReady))
    return;
  // What starts may end its part, but the unit is free in the next cycle at the earliest.
  for (std::size_t i = 0; i != state_.objects[unit].occupants.size(); ++i)
    start(state_.objects[unit].occupants[i]);
}

void OccupationEngine::start(FlightId id) {
  note();
  OccupationFlight &starting = flight(id);
  const OccupationInstruction &planned = instruction(id);
  starting.started = true;
  starting.times.started = state_.now;
  if (planned.makesRequests) {
    at(planned.latency, TimedEvent::Kind::Request, id);
    return;
  }
  if (!planned.hasPhases && plan_.objects[planned.unit].windowOn != arch::noObject) {
    starting.asks = true;
    ask({id, 0});
    return;
  }
  if (!planned.hasPhases) {
    if (planned.occupation != planned.latency)
      at(planned.occupation, TimedEvent::Kind::UnitFree, id);
    at(planned.latency, TimedEvent::Kind::Finish, id);
    return;
  }
  for (std::uint32_t p = 0; p != planned.phases.count; ++p)
    if (phase(id, p).afterStep >= 0)
      state_.objects[planned.unit].stepWaiters.push_back({id, p});
  advance(id);
}

/// Joins the messages of a step that go in lock step.
void OccupationEngine::formGroup(std::span<const FlightId> flights) {
  std::uint32_t count = 0;
  for (const FlightId id : flights)
    count += instruction(id).togetherPhases;
  if (count < 2)
    return;
  std::uint32_t index = static_cast<std::uint32_t>(state_.groups.size());
  if (state_.freeGroups.empty()) {
    state_.groups.emplace_back();
  } else {
    index = state_.freeGroups.back();
    state_.freeGroups.pop_back();
    state_.groups[index].clear();
  }
  LockStep &group = state_.groups[index];
  group.unfinished = count;
  for (const FlightId id : flights) {
    if (instruction(id).togetherPhases != 0)
      flight(id).group = index;
    for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p)
      if (phase(id, p).together) {
        group.members.push_back({id, p});
        group.words = std::max(group.words, phase(id, p).words);
      }
  }
  for (const Candidate &member : group.members)
    for (const arch::ObjectId object :
         phase(member.flight, member.part).channels.of(plan_.routeChannels))
      joinTurns(member.flight, object, index);
}

/// In a channel with program order the messages of a group stand in the place of the oldest.
void OccupationEngine::joinTurns(FlightId id, arch::ObjectId object, std::uint32_t group) {
  const std::uint32_t list = plan_.objects[object].order;
  const FlightId place = list == none ? id : placeOf({id, 0}, object, group).flight;
  if (place == id)
    return;
  removeTurn(list, id, false, 1);
  addTurnTo(list, place);
}

void OccupationEngine::addTurnTo(std::uint32_t list, FlightId id) {
  for (OrderEntry &entry : state_.orders[list])
    if (entry.flight == id && !entry.emitted) {
      ++entry.count;
      return;
    }
  addTurn(list, {id, false, 1});
}

// ---- phases ------------------------------------------------------------------------------------

/// Begins, or lets ask, every phase of \p id that nothing of its own keeps back.
void OccupationEngine::advance(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  if (!flight(id).started || !planned.hasPhases)
    return;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint64_t rest = flight(id).idle; rest != 0; rest &= rest - 1) {
      const auto p = static_cast<std::uint32_t>(std::countr_zero(rest));
      const OccupationPhase &next = plan_.phases[planned.phases.first + p];
      // One that begins may let others begin: those of the rest that did are not idle any more.
      if ((next.after & ~flight(id).own) != 0 || (flight(id).idle & bit(p)) == 0 ||
          (next.afterStep >= 0 && !isStepOver(planned.unit, flight(id).step + next.afterStep)))
        continue;
      flight(id).idle &= ~bit(p);
      phaseState(id, p).stage = Stage::Asking;
      const bool alone = !next.together || flight(id).group == none;
      const bool hasTurn = next.kind != program::Phase::Kind::Expansion || hasExpansionTurn(id, p);
      if (alone && hasTurn && (next.takesNothing || isNothing(next))) {
        beginPhase(id, p);
        changed = true;
      } else if (alone) {
        ask({id, p});
      } else {
        askTogether(flight(id).group);
      }
    }
  }
  if (flight(id).phasesLeft != 0 || (flight(id).own & bit(program::completedEvent)) != 0)
    return;
  checkRead(id);
  happen(id, program::readEvent);
  happen(id, program::completedEvent);
}

/// Whether a message that could have gone in lock step has nothing to send.
bool OccupationEngine::isNothing(const OccupationPhase &phase) {
  return phase.kind == program::Phase::Kind::Message && phase.holdings.count == 0 &&
         (phase.words == 0 || phase.channels.count == 0);
}

void OccupationEngine::askTogether(std::uint32_t group) {
  const std::vector<Candidate> &members = state_.groups[group].members;
  if (std::ranges::all_of(members, [this](const Candidate &member) {
        return phaseState(member.flight, member.part).stage == Stage::Asking;
      }))
    ask(members.front());
}

bool OccupationEngine::precedes(const Candidate &a, const Candidate &b) {
  return a.flight == b.flight ? a.part < b.part : isOlder(a.flight, b.flight);
}

void OccupationEngine::ask(Candidate candidate) {
  asking_.push_back(candidate);
  std::ranges::push_heap(asking_,
                         [this](const Candidate &a, const Candidate &b) { return precedes(b, a); });
}

/// Those that ask are looked at by age; who is refused waits at what it lacks.
void OccupationEngine::begin() {
  while (!asking_.empty()) {
    std::ranges::pop_heap(
        asking_, [this](const Candidate &a, const Candidate &b) { return precedes(b, a); });
    const Candidate candidate = asking_.back();
    asking_.pop_back();
    tryCandidate(candidate);
  }
}

void OccupationEngine::wake(arch::ObjectId object) {
  std::vector<Candidate> &waiters = state_.objects[object].waiters;
  for (const Candidate &waiter : waiters)
    ask(waiter);
  waiters.clear();
}

void OccupationEngine::tryCandidate(const Candidate &candidate) {
  if (candidate.flight != fetchFlight && flight(candidate.flight).id == none)
    return; // it has begun and ended in part 1
  if (candidate.flight == fetchFlight) {
    grantFetch();
    return;
  }
  // Where several phases began together, some may be left standing in lists of those that wait; the
  // slot may have come to another instruction since.
  if (!instruction(candidate.flight).hasPhases) {
    if (!flight(candidate.flight).asks)
      return;
    if (instruction(candidate.flight).makesRequests)
      tryRequest(candidate.flight);
    else
      tryExecute(candidate.flight);
    return;
  }
  if (phaseState(candidate.flight, candidate.part).stage != Stage::Asking)
    return;
  const std::uint32_t index =
      phase(candidate.flight, candidate.part).together ? flight(candidate.flight).group : none;
  if (index == none) {
    if (takeAll(candidate, candidate)) {
      beginPhase(candidate.flight, candidate.part);
      advance(candidate.flight);
    }
    return;
  }
  startTogether(index);
}

/// Starts all messages of a group, or none.
void OccupationEngine::startTogether(std::uint32_t index) {
  // Each may end at once, and the group with the last, so the list is gone through by a copy.
  const ScratchCopy members(candidates_, state_.groups[index].members);
  for (std::size_t i = 0; i != members.size(); ++i)
    if (!takeAll(members[i], members[0])) {
      for (std::size_t j = 0; j != i; ++j)
        giveBack(members[j], phase(members[j].flight, members[j].part).holdings.count, true);
      return;
    }
  state_.groups[index].begun = true;
  for (std::size_t i = 0; i != members.size(); ++i)
    beginPhase(members[i].flight, members[i].part);
  for (std::size_t i = 0; i != members.size(); ++i)
    advance(members[i].flight);
}

/// Of several instructions in a step, one executes on the unit at a time.
void OccupationEngine::tryExecute(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  OccupationObjectState &unit = state_.objects[planned.unit];
  if (unit.inner != 0 || unit.foreign != 0) {
    unit.waiters.push_back({id, 0});
    return;
  }
  note();
  ++unit.inner;
  flight(id).asks = false;
  flight(id).executes = true;
  if (planned.occupation != planned.latency)
    at(planned.occupation, TimedEvent::Kind::UnitFree, id);
  at(planned.latency, TimedEvent::Kind::Finish, id);
}

/// A unit has executed an instruction without phases.
void OccupationEngine::endExecution(FlightId id) {
  if (flight(id).executes) {
    flight(id).executes = false;
    --state_.objects[instruction(id).unit].inner;
    wake(instruction(id).unit);
  }
  flight(id).partLeft = 0;
  partOver(id);
}

void OccupationEngine::tryRequest(FlightId id) {
  const OccupationAccess &access =
      plan_.accesses[instruction(id).accesses.first + flight(id).access];
  OccupationObjectState &storage = state_.objects[access.storage];
  if (!hasTurn(access.storage, id) ||
      storage.used >= plan_.graph->objects[access.storage].slots()) {
    storage.waiters.push_back({id, flight(id).access});
    return;
  }
  note();
  ++storage.used;
  flight(id).asks = false;
  const Cycle service = state_.storageModel.serve(
      access.storage, {addresses(id)[flight(id).access], access.bytes, access.isWrite}, state_.now);
  if (usage_)
    usage_->addLower(state_.storageModel.lowerRequests());
  at(service, TimedEvent::Kind::Served, id);
  if (const std::uint32_t list = plan_.objects[access.storage].order; list != none)
    removeTurn(list, id, false, 1);
}

void OccupationEngine::grantFetch() {
  OccupationObjectState &storage = state_.objects[plan_.fetch.storage];
  if (!hasTurn(plan_.fetch.storage, fetchFlight) ||
      storage.used >= plan_.graph->objects[plan_.fetch.storage].slots()) {
    storage.waiters.push_back({fetchFlight, 0});
    return;
  }
  note();
  ++storage.used;
  at(plan_.fetch.serviceTime, TimedEvent::Kind::FetchServed);
  if (const std::uint32_t list = plan_.objects[plan_.fetch.storage].order; list != none)
    removeTurn(list, fetchFlight, false, 1);
}

// ---- begin and end -----------------------------------------------------------------------------

/// What \p index takes has been taken.
void OccupationEngine::beginPhase(FlightId id, std::uint32_t index) {
  note();
  const OccupationPhase &beginning = phase(id, index);
  PhaseState &state = phaseState(id, index);
  state.stage = Stage::Running;
  for (std::uint32_t i = 0; i != beginning.holdings.count; ++i)
    if ((flight(id).own & bit(plan_.holdings[beginning.holdings.first + i].until)) != 0)
      state_.deferred.push_back({Deferred::Kind::ReleaseHeld, id, index << 8 | i});
  const OccupationInstruction &planned = instruction(id);
  if (beginning.object != arch::noObject && plan_.objects[beginning.object].kind == Kind::Storage &&
      plan_.objects[beginning.object].order != none)
    removeTurn(plan_.objects[beginning.object].order, id, false, 1);
  if (index == 0 && planned.part == 0 && plan_.objects[planned.unit].windowOn == arch::noObject &&
      --flight(id).partLeft == 0)
    partOver(id);
  switch (beginning.kind) {
  case program::Phase::Kind::Message:
    beginMessage(id, index);
    return;
  case program::Phase::Kind::Expansion:
    beginExpansion(id, index);
    return;
  default:
    if (beginning.cycles == 0)
      endPhase(id, index);
    else
      at(beginning.cycles, TimedEvent::Kind::PhaseEnd, id, index);
  }
}

/// The caller sees to what can begin behind it.
void OccupationEngine::endPhase(FlightId id, std::uint32_t index) {
  note();
  const OccupationPhase &ending = phase(id, index);
  const OccupationInstruction &planned = instruction(id);
  phaseState(id, index).stage = Stage::Ended;
  if (ending.heir != none)
    phaseState(id, ending.heir).inherited = true;
  else if (ending.kind == program::Phase::Kind::Occupation)
    dropObject({id, index}, true);
  OccupationFlight &owner = flight(id);
  --owner.phasesLeft;
  const bool isFirstPart =
      ending.isFirst && planned.part == 0 && plan_.objects[planned.unit].windowOn != arch::noObject;
  if ((ending.isPart || isFirstPart) && --owner.partLeft == 0)
    partOver(id);
  happen(id, program::phaseEnd(index));
  if (planned.readPhase == index && ending.kind != program::Phase::Kind::Expansion)
    happen(id, program::readEvent);
}

} // namespace acadlc::aidg
