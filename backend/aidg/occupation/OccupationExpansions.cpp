#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>

namespace acadlc::aidg {

/// Whether the same phase of each instruction that the unit began to expand before has handed on
/// its last.
bool OccupationEngine::hasExpansionTurn(FlightId id, std::uint32_t index) {
  const std::uint32_t name = phase(id, index).name;
  for (const FlightId other : state_.objects[instruction(id).unit].occupants) {
    if (other == id)
      return true;
    for (std::uint32_t p = 0; p != instruction(other).phases.count; ++p) {
      const OccupationPhase &before = phase(other, p);
      if (before.kind != program::Phase::Kind::Expansion || before.name != name)
        continue;
      const PhaseState &state = phaseState(other, p);
      const bool isOver = state.stage == PhaseState::Stage::Ended ||
                          (state.expansion != none && state_.expansions[state.expansion].exhausted);
      if (!isOver)
        return false;
    }
  }
  return true;
}

/// A slot for phase \p index of \p id; its stream uses the memory of the one before.
std::uint32_t OccupationEngine::newExpansion(FlightId id, std::uint32_t index) {
  const program::RegionId body = phase(id, index).body;
  if (state_.freeExpansions.empty()) {
    state_.expansions.push_back(
        {id, index, true, false, {*plan_.program, body, plan_.emptyRegions}});
    return static_cast<std::uint32_t>(state_.expansions.size() - 1);
  }
  const std::uint32_t added = state_.freeExpansions.back();
  state_.freeExpansions.pop_back();
  Expansion &slot = state_.expansions[added];
  program::InstructionStream stream = std::move(slot.stream);
  stream.restart(body);
  slot = {id, index, true, false, std::move(stream)};
  return added;
}

void OccupationEngine::beginExpansion(FlightId id, std::uint32_t index) {
  const std::uint32_t added = newExpansion(id, index);
  state_.expansions[added].serial = ++expansionCount_;
  phaseState(id, index).expansion = added;
  const arch::ObjectId unit = instruction(id).unit;
  std::vector<std::uint32_t> &order = state_.objects[unit].expanding;
  auto place = order.end();
  while (place != order.begin()) {
    const Expansion &other = state_.expansions[*(place - 1)];
    const bool goesFirst = index != other.phase ? index < other.phase : isOlder(id, other.flight);
    if (!goesFirst)
      break;
    --place;
  }
  order.insert(place, added);
  const Cycle latency = plan_.graph->objects[unit].latency;
  state_.expansions[added].offerFrom = state_.now + latency;
  at(latency, TimedEvent::Kind::Offer, unit);
  prepareNext(added);
  if (!state_.expansions[added].exhausted)
    return;
  endExpansion(added);
}

/// Makes the instruction that \p index hands on next; without one it has handed on its last.
void OccupationEngine::prepareNext(std::uint32_t index) {
  Expansion &expansion = state_.expansions[index];
  expansion.next = none;
  program::Instance instance;
  if (!expansion.stream.next(instance)) {
    expansion.exhausted = true;
    finishHandOn(index);
    return;
  }
  const FlightId next = newFlight(instance, expansion.flight);
  flight(next).expansion = index;
  state_.expansions[index].next = next;
  state_.expansions[index].awaitedPhase = none;
  if (searchesLoops_ &&
      expansionLoops_.isWorthSearching(phase(expansion.flight, expansion.phase).body))
    advanced_.push_back(index);
}

void OccupationEngine::markOffer(arch::ObjectId unit) {
  if (part_ != Part::Release)
    state_.nextOffers.push_back(unit);
  else
    offers_.push_back(unit);
}

// ---- offering ----------------------------------------------------------------------------------

/// Chooses what \p unit offers in this cycle.
void OccupationEngine::decide(arch::ObjectId unit) {
  OccupationObjectState &state = state_.objects[unit];
  state.offered = none;
  for (const std::uint32_t index : state.expanding) {
    if (!mayOffer(index))
      continue;
    const FlightId offered = state_.expansions[index].next;
    const FlightId place = placeIn(unit);
    std::copy_n(age(place), ageSize_, age(offered));
    flight(offered).level = flight(place).level + 1;
    age(offered)[flight(offered).level] = flight(place).emittedInPlace + 1;
    state.offered = offered;
    state_.dirty.insert(plan_.objects[nextObject(offered)].rank);
    return;
  }
}

/// The oldest instruction under expansion in \p unit: what is emitted stands in its place.
FlightId OccupationEngine::placeIn(arch::ObjectId unit) {
  FlightId oldest = none;
  for (const FlightId id : state_.objects[unit].occupants)
    if (instruction(id).expands && flight(id).expansionsLeft != 0 &&
        (oldest == none || isOlder(id, oldest)))
      oldest = id;
  return oldest;
}

bool OccupationEngine::mayOffer(std::uint32_t index) {
  Expansion &expansion = state_.expansions[index];
  return expansion.next != none && expansion.offerFrom <= state_.now && isWithinLimits(expansion) &&
         !awaitsSibling(expansion);
}

bool OccupationEngine::isWithinLimits(const Expansion &expansion) const {
  const OccupationInstruction &next = plan_.instructions[flight(expansion.next).id];
  const OccupationPhase &expanding =
      plan_.phases[plan_.instructions[flight(expansion.flight).id].phases.first + expansion.phase];
  for (const ExpansionLimit &limit : expanding.limits.of(plan_.expansionLimits))
    if ((limit.name == noName || limit.name == next.className || limit.name == next.operation) &&
        state_.outstanding[limit.counter] >= limit.count)
      return false;
  return true;
}

/// Whether what \p expansion is to hand on reads a byte that a phase beside it has still to have
/// written by what it hands on.
bool OccupationEngine::awaitsSibling(Expansion &expansion) {
  const FlightId id = expansion.flight;
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
    const OccupationPhase &beside = phase(id, p);
    if (p == expansion.phase || beside.kind != program::Phase::Kind::Expansion ||
        (phase(id, expansion.phase).behind & bit(p)) != 0)
      continue;
    const bool mayWrite = std::ranges::any_of(
        instruction(expansion.next).accesses.of(plan_.accesses),
        [&](const OccupationAccess &access) {
          return !access.isWrite && access.bytes > 0 && beside.writesInto[access.memory];
        });
    if (!mayWrite || phaseState(id, p).stage == PhaseState::Stage::Ended)
      continue;
    const std::uint32_t index = phaseState(id, p).expansion;
    const std::int64_t handedOn = index == none ? 0 : state_.expansions[index].handedOn;
    if (expansion.awaitedPhase == p && handedOn < expansion.awaitedCount)
      return true;
    const std::int64_t first = findWrite(id, p, expansion.next);
    if (first < 0)
      continue;
    expansion.awaitedPhase = p;
    expansion.awaitedCount = handedOn + first + 1;
    return true;
  }
  return false;
}

/// How many instructions phase \p index of \p expander has still to hand on before the first that
/// writes a byte which \p reader reads; −1 if there is none.
std::int64_t OccupationEngine::findWrite(FlightId expander, std::uint32_t index, FlightId reader) {
  const auto writes = [&](std::uint32_t other, const std::int64_t *otherAddresses) {
    const PlanSlice own = instruction(reader).accesses;
    const PlanSlice others = plan_.instructions[other].accesses;
    for (std::uint32_t i = 0; i != own.count; ++i)
      for (std::uint32_t j = 0; j != others.count; ++j) {
        const OccupationAccess &read = plan_.accesses[own.first + i];
        const OccupationAccess &write = plan_.accesses[others.first + j];
        if (!read.isWrite && write.isWrite && read.memory == write.memory && read.bytes > 0 &&
            write.bytes > 0 && addresses(reader)[i] < otherAddresses[j] + write.bytes &&
            otherAddresses[j] < addresses(reader)[i] + read.bytes)
          return true;
      }
    return false;
  };
  const std::uint32_t expansion = phaseState(expander, index).expansion;
  std::int64_t count = 0;
  if (expansion != none) {
    const FlightId next = state_.expansions[expansion].next;
    if (next == none)
      return -1;
    if (writes(flight(next).id, addresses(next))) {
      expansionLoops_.noteLook(state_, reader, index, &state_.expansions[expansion].stream);
      return 0;
    }
    count = 1;
  }
  StreamPool::Lease rest =
      expansion != none
          ? lookahead_.copyOf(state_.expansions[expansion].stream)
          : lookahead_.begin(*plan_.program, phase(expander, index).body, plan_.emptyRegions);
  std::vector<std::int64_t> &low = rest.addresses();
  for (program::Instance instance; rest.stream().next(instance); ++count) {
    low.clear();
    for (const OccupationAccess &access :
         plan_.instructions[instance.id].accesses.of(plan_.accesses))
      low.push_back(plan_.program->evaluate(access.operand->address, instance.loopValues) +
                    (access.operand->base ? addresses(expander)[*access.operand->base] : 0));
    if (writes(instance.id, low.data())) {
      expansionLoops_.noteLook(state_, reader, index, &rest.stream());
      return count;
    }
  }
  expansionLoops_.noteLook(state_, reader, index, nullptr);
  return -1;
}

// ---- handing on --------------------------------------------------------------------------------

/// The offered instruction \p id is taken: from now on it is under way.
void OccupationEngine::handOn(FlightId id) {
  const std::uint32_t index = flight(id).expansion;
  const FlightId expander = state_.expansions[index].flight;
  const arch::ObjectId unit = instruction(expander).unit;
  ++flight(placeIn(unit)).emittedInPlace;
  flight(id).times.fetched = state_.now;
  admit(id);
  const OccupationInstruction &planned = instruction(id);
  for (const PlanSlice &passes : {planned.passes, planned.emittedPasses})
    for (const OrderedPass &pass : passes.of(plan_.orderedPasses))
      removeTurn(pass.list, expander, true, pass.count);
  Expansion &expansion = state_.expansions[index];
  ++expansion.handedOn;
  ++expansion.uncompleted;
  ++expansion.unread;
  count(index, id, 1);
  state_.objects[unit].offered = none;
  if (usage_)
    usage_->handedOn(unit);
  state_.nextOffers.push_back(unit);
  prepareNext(index);
}

/// Counts \p id for the limits of who emits it.
void OccupationEngine::count(std::uint32_t index, FlightId id, std::int64_t change) {
  const Expansion &expansion = state_.expansions[index];
  const OccupationPhase &expanding = phase(expansion.flight, expansion.phase);
  if (expanding.ownCounter != none)
    state_.outstanding[expanding.ownCounter] += change;
  const OccupationInstruction &counted = instruction(id);
  for (const auto &[name, counter] :
       plan_.objects[instruction(expansion.flight).unit].emissionCounters)
    if (name == counted.className || name == counted.operation)
      state_.outstanding[counter] += change;
}

/// \p id has given back its entry in its last station; without one it is over.
void OccupationEngine::endOutstanding(FlightId id) {
  const std::uint32_t index = flight(id).expansion;
  count(index, id, -1);
  markOffer(instruction(state_.expansions[index].flight).unit);
}

void OccupationEngine::finishHandOn(std::uint32_t index) {
  const FlightId id = state_.expansions[index].flight;
  const arch::ObjectId unit = instruction(id).unit;
  std::erase(state_.objects[unit].expanding, index);
  if (--flight(id).expansionsLeft == 0) {
    state_.expanders.erase(id);
    markOffer(unit); // what others hand on stands in another place from now on
  }
  if (part_ == Part::Release)
    beginThoseInTurn(unit);
  wake(unit); // phases that await their turn to expand
  if (--flight(id).partLeft == 0)
    partOver(id);
}

/// In part 1 an empty nest may let the same phase of the next instruction begin, which takes
/// nothing and so belongs to part 1 too.
void OccupationEngine::beginThoseInTurn(arch::ObjectId unit) {
  const ScratchCopy occupants(flightCopies_, state_.objects[unit].occupants);
  for (std::size_t i = 0; i != occupants.size(); ++i) {
    const FlightId id = occupants[i];
    for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
      const OccupationPhase &expanding = phase(id, p);
      if (expanding.kind != program::Phase::Kind::Expansion || !expanding.takesNothing ||
          phaseState(id, p).stage != PhaseState::Stage::Asking || !hasExpansionTurn(id, p))
        continue;
      std::erase(state_.objects[unit].waiters, Candidate{id, p});
      beginPhase(id, p);
      advance(id);
    }
  }
}

void OccupationEngine::endExpansion(std::uint32_t index) {
  const FlightId id = state_.expansions[index].flight;
  const std::uint32_t ended = state_.expansions[index].phase;
  phaseState(id, ended).expansion = none;
  state_.expansions[index].serial = 0;
  state_.freeExpansions.push_back(index);
  endPhase(id, ended);
  checkRead(id);
}

void OccupationEngine::emittedRead(FlightId id) {
  const std::uint32_t index = flight(id).expansion;
  const FlightId expander = state_.expansions[index].flight;
  --state_.expansions[index].unread;
  checkRead(expander);
  advance(expander);
}

/// What an instruction emits has perhaps read all that it will: then it has itself. The caller sees
/// to what can begin behind that.
void OccupationEngine::checkRead(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  if (!planned.expands || (flight(id).own & bit(program::readEvent)) != 0)
    return;
  const auto hasRead = [&](std::uint32_t p) {
    const PhaseState &state = phaseState(id, p);
    if (state.stage == PhaseState::Stage::Ended)
      return true;
    if (state.expansion == none)
      return false;
    const Expansion &expansion = state_.expansions[state.expansion];
    return expansion.exhausted && expansion.unread == 0;
  };
  if (planned.readPhase != none) {
    if (phase(id, planned.readPhase).kind == program::Phase::Kind::Expansion &&
        hasRead(planned.readPhase))
      happen(id, program::readEvent);
    return;
  }
  for (std::uint32_t p = 0; p != planned.phases.count; ++p)
    if (phase(id, p).kind == program::Phase::Kind::Expansion && !hasRead(p))
      return;
  happen(id, program::readEvent);
}

void OccupationEngine::emittedCompleted(FlightId id) {
  const std::uint32_t index = flight(id).expansion;
  if (instruction(id).lastStation == none)
    endOutstanding(id);
  Expansion &expansion = state_.expansions[index];
  const FlightId expander = expansion.flight;
  if (--expansion.uncompleted != 0 || !expansion.exhausted)
    return;
  endExpansion(index);
  advance(expander);
}

} // namespace acadlc::aidg
