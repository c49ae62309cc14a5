#include "backend/aidg/occupation/OccupationEngine.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;

bool OccupationEngine::isOwnUnit(FlightId id, arch::ObjectId object) const {
  return object == instruction(id).unit && !flight(id).unitFreed;
}

/// Takes all that a phase needs; else nothing, and \p waiter waits at the first thing it lacks.
bool OccupationEngine::takeAll(const Candidate &candidate, Candidate waiter) {
  if (!takeObject(candidate, waiter))
    return false;
  const std::uint32_t count = phase(candidate.flight, candidate.part).holdings.count;
  for (std::uint32_t i = 0; i != count; ++i)
    if (!takeHolding(candidate, i, waiter)) {
      giveBack(candidate, i, true);
      return false;
    }
  return true;
}

void OccupationEngine::giveBack(const Candidate &candidate, std::uint32_t holdings, bool object) {
  for (std::uint32_t i = 0; i != holdings; ++i)
    dropHolding(candidate, i, false);
  if (object)
    dropObject(candidate, false);
}

bool OccupationEngine::takeObject(const Candidate &candidate, Candidate waiter) {
  const OccupationPhase &taking = phase(candidate.flight, candidate.part);
  const auto refuse = [&](arch::ObjectId object) {
    state_.objects[object].waiters.push_back(waiter);
    return false;
  };
  if (phaseState(candidate.flight, candidate.part).inherited)
    return true;
  if (taking.kind == program::Phase::Kind::Expansion)
    return hasExpansionTurn(candidate.flight, candidate.part) ||
           refuse(instruction(candidate.flight).unit);
  if (taking.kind == program::Phase::Kind::Message) {
    if (!takesRoom(candidate))
      return true;
    const arch::ObjectId first = plan_.routeChannels[taking.channels.first];
    ChannelState &state = channel(first);
    const std::int64_t limit = plan_.channels[plan_.objects[first].detail].inFlight;
    if (limit != 0 && state.messages >= limit)
      return refuse(first);
    ++state.messages;
    return true;
  }
  if (taking.object == arch::noObject)
    return true;
  OccupationObjectState &state = state_.objects[taking.object];
  if (isOwnUnit(candidate.flight, taking.object)) {
    // The phases and holdings of those that it processes have the unit one after the other.
    if (state.inner != 0 || state.foreign != 0)
      return refuse(taking.object);
    ++state.inner;
    return true;
  }
  if (plan_.objects[taking.object].kind == Kind::Unit) {
    if (state.isProcessing() || state.foreign != 0)
      return refuse(taking.object);
    ++state.foreign;
    return true;
  }
  if (!hasTurn(taking.object, candidate.flight) ||
      state.used >= plan_.graph->objects[taking.object].slots())
    return refuse(taking.object);
  ++state.used;
  return true;
}

/// Whether a message has a word to send, be it an empty one; else it ends at once.
bool OccupationEngine::takesRoom(const Candidate &message) {
  return phase(message.flight, message.part).channels.count != 0 && wordsOf(message) != 0;
}

/// Takes a unit that \p candidate holds beside its own object; a phase on a unit may hold the same.
bool OccupationEngine::takeUnit(const Candidate &candidate, arch::ObjectId unit) {
  const OccupationPhase &taking = phase(candidate.flight, candidate.part);
  const std::uint32_t own = taking.object == unit ? 1 : 0;
  OccupationObjectState &state = state_.objects[unit];
  if (!isOwnUnit(candidate.flight, unit)) {
    if (state.isProcessing() || state.foreign != own)
      return false;
    ++state.foreign;
    return true;
  }
  OccupationFlight &holder = flight(candidate.flight);
  if (state.inner != own || state.foreign != 0)
    return false;
  ++state.inner;
  ++holder.ownHeld;
  return true;
}

/// The object of a phase is free again.
void OccupationEngine::dropObject(const Candidate &candidate, bool wakeUp) {
  const OccupationPhase &taken = phase(candidate.flight, candidate.part);
  if (taken.kind == program::Phase::Kind::Message && !wakeUp) {
    if (takesRoom(candidate))
      --channel(plan_.routeChannels[taken.channels.first]).messages;
    return;
  }
  if (phaseState(candidate.flight, candidate.part).inherited && !wakeUp)
    return;
  if (taken.object == arch::noObject)
    return;
  OccupationObjectState &state = state_.objects[taken.object];
  if (isOwnUnit(candidate.flight, taken.object))
    --state.inner;
  else if (plan_.objects[taken.object].kind == Kind::Unit)
    --state.foreign;
  else
    --state.used;
  if (!wakeUp)
    return;
  wake(taken.object);
  state_.dirty.insert(plan_.objects[taken.object].rank);
}

bool OccupationEngine::takeHolding(const Candidate &candidate, std::uint32_t index,
                                   Candidate waiter) {
  const OccupationHolding &holding =
      plan_.holdings[phase(candidate.flight, candidate.part).holdings.first + index];
  OccupationObjectState &state = state_.objects[holding.object];
  const auto refuse = [&] {
    state.waiters.push_back(waiter);
    return false;
  };
  switch (plan_.objects[holding.object].kind) {
  case Kind::Unit:
    if (!takeUnit(candidate, holding.object))
      return refuse();
    break;
  case Kind::Storage:
    if (state.used >= plan_.graph->objects[holding.object].slots())
      return refuse();
    ++state.used;
    break;
  case Kind::Queue:
    if (!hasEntry(holding.object, candidate.flight))
      return refuse();
    takeEntry(holding.object, candidate.flight, 1);
    break;
  default: {
    ChannelState &credits = channel(holding.object);
    if (credits.credits + holding.amount >
        plan_.channels[plan_.objects[holding.object].detail].credits)
      return refuse();
    credits.credits += holding.amount;
    credits.reserves.push_back(
        {candidate.flight, candidate.part, index, holding.later, holding.amount, 0});
  }
  }
  phaseState(candidate.flight, candidate.part).held |= bit(index);
  flight(candidate.flight).holding |= bit(candidate.part);
  return true;
}

void OccupationEngine::dropHolding(const Candidate &candidate, std::uint32_t index, bool wakeUp) {
  const OccupationHolding &holding =
      plan_.holdings[phase(candidate.flight, candidate.part).holdings.first + index];
  OccupationObjectState &state = state_.objects[holding.object];
  std::uint64_t &held = phaseState(candidate.flight, candidate.part).held;
  held &= ~bit(index);
  if (held == 0)
    flight(candidate.flight).holding &= ~bit(candidate.part);
  switch (plan_.objects[holding.object].kind) {
  case Kind::Unit:
    if (isOwnUnit(candidate.flight, holding.object)) {
      --state.inner;
      --flight(candidate.flight).ownHeld;
      if (wakeUp) {
        wake(holding.object);
        state_.dirty.insert(plan_.objects[holding.object].rank);
      }
      return;
    }
    --state.foreign;
    break;
  case Kind::Storage:
    --state.used;
    break;
  case Kind::Queue:
    takeEntry(holding.object, candidate.flight, -1);
    break;
  default:
    dropReserve(candidate, index, holding.object);
    if (wakeUp)
      markChannel(holding.object);
  }
  if (!wakeUp)
    return;
  wake(holding.object);
  state_.dirty.insert(plan_.objects[holding.object].rank);
}

/// Credits that \p candidate holds for a later message come back, those of its words under way too.
void OccupationEngine::dropReserve(const Candidate &candidate, std::uint32_t index,
                                   arch::ObjectId object) {
  ChannelState &credits = channel(object);
  const auto reserve = std::ranges::find_if(credits.reserves, [&](const Reserve &one) {
    return one.flight == candidate.flight && one.holder == candidate.part && one.holding == index;
  });
  ACADLC_CHECK(reserve != credits.reserves.end(), "held credits are known to their channel");
  credits.credits -= reserve->left + reserve->inTransit;
  if (reserve->inTransit != 0)
    forgetCredits(object, candidate.flight, reserve->later, reserve->inTransit);
  credits.reserves.erase(reserve);
}

void OccupationEngine::releaseHeld(FlightId id, std::uint32_t index, std::uint32_t holding) {
  if ((phaseState(id, index).held & bit(holding)) != 0)
    dropHolding({id, index}, holding, true);
}

} // namespace acadlc::aidg
