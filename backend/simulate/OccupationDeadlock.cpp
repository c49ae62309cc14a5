// Why nothing goes on (docs/timing.md, "Deadlock" and "What can deadlock here").
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectClass;
using arch::ObjectId;
using program::Phase;
using Reason = timing::Wait::Reason;
using Status = PhaseState::Status;

/// Follows the waits from the oldest instruction until they close a cycle, or end at one that waits
/// for what never comes: that alone is reported then.
timing::DeadlockReport OccupationRun::findDeadlock() {
  timing::DeadlockReport report;
  report.time = lastChange_;
  std::vector<const Record *> path;
  for (Record *record = live_.empty() ? nullptr : live_.front(); record;) {
    const auto seen = std::ranges::find(path, record);
    if (seen != path.end()) {
      report.waits.erase(report.waits.begin(), report.waits.begin() + (seen - path.begin()));
      return report;
    }
    const Blocked blocked = whyBlocked(*record);
    path.push_back(record);
    report.waits.push_back(blocked.wait);
    record = blocked.by ? find(blocked.by->self) : nullptr;
  }
  if (!report.waits.empty())
    report.waits.erase(report.waits.begin(), report.waits.end() - 1);
  return report;
}

OccupationRun::Blocked OccupationRun::whyBlocked(Record &record) {
  Blocked blocked;
  blocked.wait.index = record.age.index;
  std::string number = std::to_string(record.age.index);
  for (const std::int64_t place : record.age.emission)
    number += '.' + std::to_string(place);
  blocked.wait.instruction = record.instruction->operation + " (instruction " + number + ")";
  blocked.wait.range = record.instruction->range;
  blocked.wait.reason = Reason::Never;
  if (record.position > 0)
    blocked.wait.object = blocked.wait.where = record.place();
  if (!record.isInUnit())
    whyNotEntered(record, blocked);
  else if (!record.hasStarted)
    whyNotStarted(record, blocked);
  else if (record.phases.empty())
    whyNotGranted(record, blocked);
  else
    whyPhasesWait(record, blocked);
  if (!blocked.by)
    blocked.wait.reason = Reason::Never;
  return blocked;
}

// ---- On the way ---------------------------------------------------------------------------------

void OccupationRun::whyNotEntered(Record &record, Blocked &blocked) {
  blocked.wait.object = record.next();
  const Record *before = nullptr;
  if (record.position == 0) {
    before = ports_[record.next()].front();
  } else {
    const arch::Object &place = graph_.objects[record.place()];
    const bool isStation = place.objectClass == ObjectClass::ReservationStation;
    if (isStation && !isReady(record, record.place())) {
      blocked.wait.object = record.place();
      blocked.wait.reason = Reason::Dependence;
      blocked.by = findAwaitedBy(record, record.place());
      return;
    }
    before = findFirstToLeave(record);
  }
  if (before != &record) {
    blocked.wait.reason = Reason::Behind;
    blocked.by = before;
    return;
  }
  whyNotTaken(record.next(), {&record, arch::noObject, &record.age, record.instruction}, record,
              blocked);
}

/// Who may leave the place of \p record, and in the same way, before it; else itself.
const Record *OccupationRun::findFirstToLeave(const Record &record) {
  const ObjectId id = record.place();
  const arch::Object &place = graph_.objects[id];
  const bool isInOrder = place.queue.issueOrder == arch::QueueOrder::InOrder;
  const bool isWindow = tables_.lookAhead(record.next()).queue == id;
  const bool isByClass = place.objectClass == ObjectClass::ReservationStation && !isWindow;
  for (Record *other : places_[id].held) {
    const bool isAlike = isInOrder ? !isByClass || other->instruction->classOrOperation() ==
                                                       record.instruction->classOrOperation()
                                   : other->next() == record.next() && isReady(*other, id);
    if (isAlike)
      return other;
  }
  return &record;
}

/// \p candidate may leave, but \p next does not take it; \p record waits for that: the same or who
/// emits it.
void OccupationRun::whyNotTaken(ObjectId next, const Candidate &candidate, const Record &record,
                                Blocked &blocked) {
  if (!canTake(next, candidate)) {
    blocked.wait.reason = Reason::Occupied;
    blocked.by = findHolder(next, record);
    return;
  }
  if (tables_.lookAhead(next).queue != arch::noObject)
    return; // it waits for the rest of a step
  blocked.wait.reason = Reason::Turn;
  blocked.by = findTurnBefore(next, *candidate.age);
  if (blocked.by)
    return;
  // Another one comes first by age.
  const Age *first = candidate.age;
  for (const Candidate &other : candidates_[next])
    if (*other.age < *first) {
      first = other.age;
      blocked.by = other.record ? other.record : units_[other.expander].offering;
    }
}

/// Who takes a turn at \p id first, or is to emit who does, if that is before \p age.
const Record *OccupationRun::findTurnBefore(ObjectId id, const Age &age) const {
  const TurnIndex turn = tables_.turnsAt(id);
  if (turn == noTurns)
    return nullptr;
  const Record *before = nullptr;
  if (!turns_[turn].empty() && turns_[turn].front()->age < age)
    before = turns_[turn].front();
  const Record *first = nullptr;
  for (const Record *expander : expanders_)
    if (expander->emittedTurns[turn] > 0 && emitsBefore(*expander, before ? before->age : age) &&
        (!first || nextEmittedAge(*expander) < nextEmittedAge(*first)))
      first = expander;
  return first ? first : before;
}

// ---- In the unit --------------------------------------------------------------------------------

/// The oldest that \p record awaits; else the oldest that has to emit what it awaits.
const Record *OccupationRun::findAwaitedBy(Record &record, ObjectId station) {
  const Record *oldest = nullptr;
  for (const Await &await : record.awaits)
    if (await.station == station && !isOver(await))
      if (const Record *other = find(await.whom); !oldest || other->age < oldest->age)
        oldest = other;
  if (oldest)
    return oldest;
  for (const Record *expander : expanders_)
    if ((!oldest || expander->age < oldest->age) && emitsAwaited(record, station, *expander))
      oldest = expander;
  return oldest;
}

void OccupationRun::whyNotStarted(Record &record, Blocked &blocked) {
  blocked.wait.reason = Reason::Dependence;
  blocked.by = findAwaitedBy(record, arch::noObject);
  if (blocked.by)
    return;
  for (const Reference &member : findStep(record)->members)
    if (Record *other = find(member); !blocked.by && other && !mayStart(*other))
      blocked.by = other;
}

void OccupationRun::whyNotGranted(const Record &record, Blocked &blocked) {
  if (!record.wantsGrant) {
    blocked.wait.reason = Reason::Occupied;
    blocked.by = findHolder(record.table->unit, record);
    return;
  }
  const ObjectId storage = record.instruction->memory[record.requests - 1].storage;
  blocked.wait.object = storage;
  blocked.by = findTurnBefore(storage, record.age);
  blocked.wait.reason = blocked.by ? Reason::Turn : Reason::Occupied;
  if (!blocked.by)
    blocked.by = findHolder(storage, record);
}

/// The first phase that says whom it waits for; else the first that waits for what never comes.
void OccupationRun::whyPhasesWait(Record &record, Blocked &blocked) {
  for (std::size_t phase = 0; phase < record.phases.size() && !blocked.by; ++phase) {
    const PhaseState &state = record.phases[phase];
    const Phase &text = record.instruction->phases[phase];
    if (isDue(record, phase)) {
      whyPhaseWaits(record, phase, blocked);
    } else if (state.status == Status::Running && text.kind == Phase::Kind::Message) {
      whyMessageWaits(record, phase, blocked);
    } else if (state.status == Status::Running && text.kind == Phase::Kind::Expansion) {
      whyExpansionWaits(record, phase, blocked);
    } else if (state.status == Status::Waiting && hasSeenEvents(record, phase)) {
      whyPhaseIsNotDue(record, phase, blocked);
    }
  }
  if (!blocked.by && awaitsItself(record)) {
    blocked.wait.object = record.place();
    blocked.wait.reason = Reason::Dependence;
    blocked.by = &record;
  }
}

/// All events that the phase awaits have happened, but not its step, or it is not its turn.
void OccupationRun::whyPhaseIsNotDue(const Record &record, std::size_t phase, Blocked &blocked) {
  const Phase &text = record.instruction->phases[phase];
  if (text.afterStep && !isStepOver(record.table->unit, record.step + *text.afterStep)) {
    blocked.wait.reason = Reason::Dependence;
    for (const UnitStep &step : units_[record.table->unit].steps)
      if (step.number == record.step + *text.afterStep)
        for (const Reference &member : step.members)
          if (const Record *other = find(member); !blocked.by && other && !other->isPartOver)
            blocked.by = other;
    return;
  }
  blocked.wait.reason = Reason::Turn;
  blocked.by = findFormerExpander(record, phase);
}

/// Whether one of its expansions awaits what another one has still to hand on.
bool OccupationRun::awaitsItself(Record &record) {
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase) {
    const PhaseState &state = record.phases[phase];
    if (state.expansion && state.status == Status::Running && !state.expansion->cursor.isAtEnd() &&
        findOtherPhase(record, phase))
      return true;
  }
  return false;
}

/// The phase could begin, but something that it takes is not free.
void OccupationRun::whyPhaseWaits(Record &record, std::size_t phase, Blocked &blocked) {
  const Phase &text = record.instruction->phases[phase];
  if (const std::shared_ptr<LockStep> &group = record.phases[phase].lockStep) {
    for (const LockStep::Member &member : group->members) {
      Record &other = *find(member.instruction);
      if (&other == &record || isDue(other, member.phase))
        continue;
      blocked.wait.reason = Reason::Dependence;
      blocked.by = &other;
      return;
    }
  }
  blocked.wait.reason = Reason::Occupied;
  if (text.kind == Phase::Kind::Occupation && text.cycles > 0) {
    blocked.wait.object = text.object;
    if (arch::isStorage(graph_.objects[text.object].objectClass))
      blocked.by = findTurnBefore(text.object, record.age);
    if (blocked.by) {
      blocked.wait.reason = Reason::Turn;
      return;
    }
    blocked.by = findHolder(text.object, record);
  }
  if (!blocked.by && text.kind == Phase::Kind::Message && !text.channels.empty()) {
    blocked.wait.object = text.channels.front();
    blocked.by = channels_.findUser(text.channels.front(), record);
  }
  for (const program::Holding &holding : text.holding) {
    if (blocked.by)
      return;
    blocked.wait.object = holding.object;
    blocked.by = findHolder(holding.object, record);
  }
}

void OccupationRun::whyMessageWaits(const Record &record, std::size_t phase, Blocked &blocked) {
  const Message *message = channels_.find(record, phase);
  if (!message)
    return;
  for (const Message::Hop &hop : message->hops) {
    if (hop.accepted == message->words)
      continue;
    blocked.wait.object = hop.channel;
    blocked.by = findTurnBefore(hop.channel, record.age);
    blocked.wait.reason = blocked.by ? Reason::Turn : Reason::Occupied;
    if (!blocked.by)
      blocked.by = findHolder(hop.channel, record);
    if (!blocked.by)
      blocked.by = channels_.findUser(hop.channel, record);
    if (blocked.by)
      return;
  }
}

void OccupationRun::whyExpansionWaits(Record &record, std::size_t phase, Blocked &blocked) {
  const Expansion &expansion = *record.phases[phase].expansion;
  if (!expansion.cursor.isAtEnd()) {
    if (!isWithinLimits(record, phase))
      whyLimitHolds(record, phase, blocked);
    else if (!findOtherPhase(record, phase))
      whyNotHandedOn(record, blocked);
  }
  // It waits for what it has handed on to end.
  for (const Record *other : live_) {
    if (blocked.by)
      return;
    if (other->parent != record.self)
      continue;
    blocked.wait.reason = Reason::Dependence;
    blocked.by = other;
  }
}

/// It has an instruction to hand on, but its unit offers that of another one, or nobody takes it.
void OccupationRun::whyNotHandedOn(const Record &record, Blocked &blocked) {
  const ObjectId id = record.table->unit;
  const Unit &unit = units_[id];
  if (!unit.offering)
    return;
  if (unit.offering != &record) {
    blocked.wait.object = id;
    blocked.wait.reason = Reason::Turn;
    blocked.by = unit.offering;
    return;
  }
  const NestCursor &cursor = record.phases[unit.offeredPhase].expansion->cursor;
  blocked.wait.object = tables_.of(cursor.id()).objects.front();
  whyNotTaken(blocked.wait.object, {nullptr, id, &unit.offeredAge, &cursor.instruction()}, record,
              blocked);
}

/// Names the oldest instruction that uses up a limit of the phase, whoever has emitted it.
void OccupationRun::whyLimitHolds(const Record &record, std::size_t phase, Blocked &blocked) {
  const program::Instruction &next = record.phases[phase].expansion->cursor.instruction();
  const Phase &text = record.instruction->phases[phase];
  const std::string key = phaseKey(record, phase);
  Unit &unit = units_[record.table->unit];
  const auto isCounted = [&](const Record &other, const Record &parent) {
    if (text.outstanding && unit.outstandingOfPhase[key] >= *text.outstanding &&
        phaseKey(parent, other.parentPhase) == key)
      return true;
    return std::ranges::any_of(text.limits, [&](const program::OutstandingLimit &limit) {
      return isNamed(next, limit.name) && unit.outstanding[limit.name] >= limit.count &&
             isNamed(*other.instruction, limit.name);
    });
  };
  for (const Record *other : live_) {
    const Record *parent = find(other->parent);
    const bool isOutstanding = other->stations.empty() || !other->stations.back().isReleased;
    if (!parent || parent->table->unit != record.table->unit || !isOutstanding ||
        !isCounted(*other, *parent))
      continue;
    blocked.wait.reason = Reason::Dependence;
    blocked.by = other;
    return;
  }
}

// ---- Who has an object --------------------------------------------------------------------------

const Record *OccupationRun::findHolder(ObjectId id, const Record &except) const {
  const Record *own = nullptr;
  for (const Record *record : live_) {
    if (!holds(*record, id))
      continue;
    if (record != &except)
      return record;
    own = record;
  }
  return own;
}

/// Whether \p record is in \p id or has a part of it.
bool OccupationRun::holds(const Record &record, ObjectId id) const {
  if (std::ranges::find(units_[id].processing, record.self) != units_[id].processing.end() ||
      std::ranges::find(places_[id].held, &record) != places_[id].held.end())
    return true;
  for (std::size_t i = 0; i < record.stations.size(); ++i)
    if (record.stations[i].hasEntry && record.table->stations[i].station == id)
      return true;
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase) {
    const Phase &text = record.instruction->phases[phase];
    if (record.phases[phase].hasObject && text.object == id)
      return true;
    for (std::size_t i = 0; i < text.holding.size(); ++i)
      if (record.phases[phase].holdings[i].isActive && text.holding[i].object == id)
        return true;
  }
  return false;
}

} // namespace acadlc::simulate
