// What phases take and give back (docs/timing.md, "Phase").
#include "backend/simulate/OccupationRun.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;
using program::EventId;
using program::Phase;
using program::phaseEnd;
using Status = PhaseState::Status;

namespace {

/// Whether a phase takes an object of its own: a unit or a slot.
bool takesObject(const Phase &phase) {
  return phase.kind == Phase::Kind::Occupation && phase.cycles > 0;
}

} // namespace

/// Takes everything that a phase needs, or nothing.
bool OccupationRun::tryTake(Record &record, std::size_t number) {
  const Phase &phase = record.instruction->phases[number];
  PhaseState &state = record.phases[number];
  if (takesObject(phase) && !state.hasObject && !takeObject(record, number))
    return false;
  if (phase.kind == Phase::Kind::Message && wordsOf(record, number) > 0) {
    if (!channels_.takeRoom(phase))
      return false;
    state.hasObject = true;
  }
  for (std::size_t i = 0; i < phase.holding.size(); ++i)
    if (!takeHolding(record, number, i)) {
      giveBack(record, number);
      return false;
    }
  return true;
}

/// Undoes tryTake().
void OccupationRun::giveBack(Record &record, std::size_t number) {
  const Phase &phase = record.instruction->phases[number];
  PhaseState &state = record.phases[number];
  for (std::size_t i = 0; i < phase.holding.size(); ++i)
    releaseHolding(record, number, i);
  if (!state.hasObject || state.keepsObject)
    return;
  state.hasObject = false;
  if (phase.kind == Phase::Kind::Message)
    channels_.giveRoomBack(phase);
  else
    releaseObject(record, phase.object);
}

bool OccupationRun::takeObject(Record &record, std::size_t number) {
  const ObjectId object = record.instruction->phases[number].object;
  const bool isUnit = arch::isUnit(graph_.objects[object].objectClass);
  if (isUnit ? !takeUnit(record, object) : !isTurn(object, record.age) || !takeSlot(object))
    return false;
  record.phases[number].hasObject = true;
  return true;
}

/// Takes \p unit for a phase or holding: it must be free but for the instruction that it processes.
bool OccupationRun::takeUnit(Record &record, ObjectId id) {
  Unit &unit = units_[id];
  const bool isFree = unit.processing.empty() ||
                      std::ranges::find(unit.processing, record.self) != unit.processing.end();
  if (!isFree || unit.claimant != nobody)
    return false;
  unit.claimant = record.self;
  return true;
}

bool OccupationRun::takeSlot(ObjectId storage) {
  if (freeSlotsOf_[storage] == 0)
    return false;
  --freeSlotsOf_[storage];
  return true;
}

bool OccupationRun::takeHolding(Record &record, std::size_t number, std::size_t index) {
  const Phase &phase = record.instruction->phases[number];
  const ObjectId id = phase.holding[index].object;
  HoldingState &holding = record.phases[number].holdings[index];
  const arch::Object &object = graph_.objects[id];
  if (takesObject(phase) && phase.object == id) {
    holding.isOwnObject = true;
  } else if (arch::isUnit(object.objectClass)) {
    if (!takeUnit(record, id))
      return false;
  } else if (arch::isStorage(object.objectClass)) {
    if (!takeSlot(id))
      return false;
  } else if (object.objectClass == arch::ObjectClass::Channel) {
    if (!takeCredits(record, number, id))
      return false;
  } else {
    if (!hasEntry(id, *record.instruction))
      return false;
    countEntry(id, *record.instruction, 1);
  }
  holding.isActive = true;
  return true;
}

/// The credits that the later message of the instruction over \p channel needs.
bool OccupationRun::takeCredits(Record &record, std::size_t number, ObjectId channel) {
  const std::optional<std::size_t> later = findMessage(record, number, channel);
  ACADLC_CHECK(later.has_value(), "credits are held for a message of the instruction");
  const std::int64_t credits = channels_.wordsOf(record.instruction->phases[*later]);
  if (!channels_.hasCredits(channel, credits))
    return false;
  channels_.reserve(channel, credits);
  record.phases[*later].reservations.push_back({channel, credits, 0});
  return true;
}

/// The first phase behind \p number, else that one itself, that sends over \p channel.
std::optional<std::size_t> OccupationRun::findMessage(const Record &record, std::size_t number,
                                                      ObjectId channel) {
  const std::vector<Phase> &phases = record.instruction->phases;
  const auto sends = [&](std::size_t phase) {
    return std::ranges::find(phases[phase].channels, channel) != phases[phase].channels.end();
  };
  for (std::size_t later = number + 1; later < phases.size(); ++later)
    if (sends(later))
      return later;
  return sends(number) ? std::optional(number) : std::nullopt;
}

// ---- Giving back --------------------------------------------------------------------------------

/// Frees a unit, a slot or an entry of a pool that \p record has.
void OccupationRun::releaseObject(Record &record, ObjectId id) {
  const arch::ObjectClass objectClass = graph_.objects[id].objectClass;
  if (arch::isUnit(objectClass))
    units_[id].claimant = nobody;
  else if (arch::isStorage(objectClass))
    ++freeSlotsOf_[id];
  else
    countEntry(id, *record.instruction, -1);
  noteFreed(id);
}

void OccupationRun::releaseHolding(Record &record, std::size_t number, std::size_t index) {
  HoldingState &holding = record.phases[number].holdings[index];
  if (!holding.isActive)
    return;
  holding.isActive = false;
  const ObjectId id = record.instruction->phases[number].holding[index].object;
  if (graph_.objects[id].objectClass == arch::ObjectClass::Channel) {
    channels_.release(record, *findMessage(record, number, id), id);
    if (causes_ && part_ != Part::Begin)
      causes_->at(id).room = causes_->enabler(now_);
    return;
  }
  // The phase itself still has it, or has given it to this holding.
  if (!holding.isOwnObject || !record.phases[number].hasObject)
    releaseObject(record, id);
}

void OccupationRun::releaseHoldings(Record &record, EventId event) {
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
    for (std::size_t i = 0; i < record.phases[phase].holdings.size(); ++i)
      if (record.instruction->phases[phase].holding[i].until == event)
        releaseHolding(record, phase, i);
}

void OccupationRun::releasePastHoldings(Record &record, std::size_t phase) {
  for (std::size_t i = 0; i < record.phases[phase].holdings.size(); ++i)
    if (record.hasHappened(record.instruction->phases[phase].holding[i].until))
      releaseHolding(record, phase, i);
}

/// A phase has ended: its object is free, unless a holding keeps it, or the phase that follows this
/// one and nothing else is on it too.
void OccupationRun::freeObjectOf(Record &record, std::size_t number) {
  const Phase &phase = record.instruction->phases[number];
  PhaseState &state = record.phases[number];
  if (!state.hasObject)
    return;
  state.hasObject = false;
  if (phase.kind == Phase::Kind::Message)
    return; // the channel has counted it
  if (std::ranges::any_of(state.holdings, [](const HoldingState &holding) {
        return holding.isActive && holding.isOwnObject;
      }))
    return;
  for (std::size_t i = 0; i < record.phases.size(); ++i) {
    const Phase &next = record.instruction->phases[i];
    if (takesObject(next) && next.object == phase.object && follows(record, i, number) &&
        record.phases[i].status == Status::Waiting) {
      record.phases[i].hasObject = record.phases[i].keepsObject = true;
      return;
    }
  }
  releaseObject(record, phase.object);
}

/// Whether phase \p next waits for the end of phase \p number and for nothing else.
bool OccupationRun::follows(const Record &record, std::size_t next, std::size_t number) {
  const Phase &phase = record.instruction->phases[next];
  return !phase.after.empty() && !phase.afterStep &&
         std::ranges::all_of(phase.after, [&](EventId event) {
           return event == phaseEnd(number) ||
                  (event == program::readEvent && record.table->readPhase == number);
         });
}

} // namespace acadlc::simulate
