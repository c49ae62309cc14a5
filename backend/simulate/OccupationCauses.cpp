// What lets things happen: of the conditions that something waited for, the one that came true last
// (CauseTrace.h). An enabler says since which cycle it lets others go on ("Order within a cycle" of
// docs/timing.md): what happens in part 3 or 4 is mostly seen in the next one.
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectClass;
using arch::ObjectId;
using program::EventId;
using program::Instruction;
using program::Phase;

namespace {

bool isQueue(const arch::Object &object) {
  return object.objectClass == ObjectClass::Queue ||
         object.objectClass == ObjectClass::ReservationStation;
}

/// Under which name entries of a queue are counted for \p instruction.
std::string entryClass(const arch::Object &queue, const Instruction &instruction) {
  return queue.queue.classCapacities.empty() ? "" : instruction.classOrOperation();
}

/// Whom an instruction stands behind in \p place: all, or those of its class.
std::string orderClass(const arch::Object &place, const Instruction &instruction) {
  return place.objectClass == ObjectClass::ReservationStation ? instruction.classOrOperation() : "";
}

} // namespace

// ---- What is being done -------------------------------------------------------------------------

void OccupationRun::pushLate(Late late) {
  if (causes_)
    late.cause = causes_->cause();
  late_.push_back(std::move(late));
}

void OccupationRun::becauseOf(const Late &late) {
  if (causes_)
    causes_->because(late.cause, WaitKind::Forward);
}

void OccupationRun::becauseOf(const Timed &timed, Record *record) {
  if (!causes_)
    return;
  causes_->because(timed.cause, WaitKind::Forward);
  const bool isOnItsWay = timed.kind == Timed::Kind::StageDone ||
                          timed.kind == Timed::Kind::MakeRequest ||
                          timed.kind == Timed::Kind::Served;
  if (record && isOnItsWay)
    record->causes.last = causes_->enabler(now_);
}

Cause OccupationRun::addCause(Activity activity, const Record &record, ObjectId object,
                              std::int64_t end, std::size_t phase) const {
  Cause cause = causes_->add(activity, object, now_, end);
  cause->hasInstruction = true;
  cause->instruction = record.id;
  cause->index = record.age.index;
  cause->emission = record.age.emission;
  cause->phase = static_cast<std::uint32_t>(phase);
  return cause;
}

Cause OccupationRun::causeOf(const Timed &timed, std::int64_t end) const {
  if (!causes_ || timed.kind == Timed::Kind::Wake)
    return nullptr;
  const Record *record = find(timed.who);
  switch (timed.kind) {
  case Timed::Kind::Wake:
    return nullptr;
  case Timed::Kind::StageDone:
    return addCause(Activity::Stage, *record, record->place(), end);
  case Timed::Kind::UnitFree:
  case Timed::Kind::Finish:
    return addCause(Activity::Execute, *record, record->table->unit, end);
  case Timed::Kind::MakeRequest:
    return addCause(Activity::Address, *record, record->table->unit, end);
  case Timed::Kind::Served:
    return addCause(Activity::Request, *record,
                    record->instruction->memory[record->requests - 1].storage, end);
  case Timed::Kind::PhaseOver: {
    const Phase &phase = record->instruction->phases[timed.phase];
    const ObjectId object =
        phase.kind == Phase::Kind::Occupation ? phase.object : record->table->unit;
    return addCause(Activity::Phase, *record, object, end, timed.phase);
  }
  case Timed::Kind::Word:
    return addCause(Activity::Message, *timed.word.message->owner,
                    timed.word.message->hops[timed.word.hop].channel, end,
                    timed.word.message->phase);
  case Timed::Kind::FetchServed:
    return causes_->add(Activity::Fetch, fetchPath_.storage, now_, end);
  case Timed::Kind::FetchRequest:
  case Timed::Kind::FetchArrival:
    return causes_->add(Activity::Fetch, fetchPath_.stage, now_, end);
  }
  return nullptr;
}

// ---- Why now ------------------------------------------------------------------------------------

void OccupationRun::addCausesOfLeaving(const Record &record, CauseCandidates &candidates) {
  if (record.position == 0) {
    candidates.push_back({&causes_->at(record.next()).portLeft, WaitKind::Queue});
  } else if (const ObjectId id = record.place(); isQueue(graph_.objects[id])) {
    candidates.push_back({&record.causes.awaited, WaitKind::Data});
    if (graph_.objects[id].queue.issueOrder == arch::QueueOrder::InOrder)
      candidates.push_back(
          {&causes_->at(id).left[orderClass(graph_.objects[id], *record.instruction)],
           WaitKind::Queue, id});
  }
  candidates.push_back({&record.causes.last, WaitKind::Forward});
}

void OccupationRun::findCauseOfEntry(ObjectId id, const Candidate &candidate) {
  if (!causes_)
    return;
  CauseBook::OfObject &object = causes_->at(id);
  CauseCandidates candidates;
  if (isQueue(graph_.objects[id]))
    candidates.push_back(
        {&object.freedEntry[entryClass(graph_.objects[id], *candidate.instruction)],
         WaitKind::Queue, id});
  else
    candidates.push_back({&object.freed, WaitKind::Structural, id});
  if (tables_.turnsAt(id) != noTurns)
    candidates.push_back({&object.turn, WaitKind::Turn, id});
  if (candidate.record) {
    addCausesOfLeaving(*candidate.record, candidates);
  } else {
    const Unit &unit = units_[candidate.expander];
    candidates.push_back({&causes_->at(candidate.expander).limit, WaitKind::Outstanding});
    candidates.push_back({&causes_->at(candidate.expander).nextLimit, WaitKind::Outstanding});
    candidates.push_back({&unit.offering->causes.offers[unit.offeredPhase], WaitKind::Forward});
    candidates.push_back({&causes_->at(candidate.expander).handedOn, WaitKind::HandOn});
  }
  candidates.push_back({&object.entered, WaitKind::Structural, id});
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfStep(ObjectId id, std::size_t lookedAt) {
  if (!causes_)
    return;
  const ObjectId queue = tables_.lookAhead(id).queue;
  CauseCandidates candidates{{&causes_->at(id).freed, WaitKind::Structural, id}};
  if (tables_.turnsAt(id) != noTurns)
    candidates.push_back({&causes_->at(id).turn, WaitKind::Turn, id});
  for (std::size_t i = 0; i < lookedAt; ++i) {
    const Record &record = *units_[id].visible[i];
    candidates.push_back({&record.causes.awaited, WaitKind::Data});
    candidates.push_back({&record.causes.last, i == 0 ? WaitKind::Forward : WaitKind::Step});
    candidates.push_back(
        {&causes_->at(queue).left[orderClass(graph_.objects[queue], *record.instruction)],
         WaitKind::Queue, queue});
  }
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfStart(const UnitStep &step) {
  if (!causes_)
    return;
  CauseCandidates candidates;
  for (const Reference &reference : step.members) {
    const Record &record = *find(reference);
    candidates.push_back({&record.causes.last, WaitKind::Forward});
    candidates.push_back({&record.causes.awaited, WaitKind::Data});
  }
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfExecution(const Record &record) {
  if (!causes_)
    return;
  const ObjectId unit = record.table->unit;
  const CauseCandidates candidates{{&causes_->at(unit).freed, WaitKind::Structural, unit},
                                   {&record.causes.started, WaitKind::Forward}};
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfGrant(const Record &record, ObjectId storage) {
  if (!causes_)
    return;
  CauseCandidates candidates{{&causes_->at(storage).freed, WaitKind::Structural, storage}};
  if (tables_.turnsAt(storage) != noTurns)
    candidates.push_back({&causes_->at(storage).turn, WaitKind::Turn, storage});
  candidates.push_back({&record.causes.last, WaitKind::Forward});
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfFetch() {
  if (!causes_)
    return;
  const CauseCandidates candidates{{&causes_->bufferRoom, WaitKind::BufferFill},
                                   {&causes_->branchOver, WaitKind::BufferFill},
                                   {&causes_->fetched, WaitKind::Fetch}};
  causes_->choose(now_, candidates);
}

void OccupationRun::findCauseOfFetchGrant() {
  if (!causes_)
    return;
  const ObjectId storage = fetchPath_.storage;
  CauseCandidates candidates{{&causes_->at(storage).freed, WaitKind::Structural, storage}};
  if (tables_.turnsAt(storage) != noTurns)
    candidates.push_back({&causes_->at(storage).turn, WaitKind::Turn, storage});
  candidates.push_back({&causes_->fetchRequested, WaitKind::Forward});
  causes_->choose(now_, candidates);
}

/// In part 1 it begins with what is being done.
void OccupationRun::findCauseOfPhase(const Record &record, std::size_t number) {
  if (!causes_ || isReleasing())
    return;
  CauseCandidates candidates;
  if (const std::shared_ptr<LockStep> &group = record.phases[number].lockStep) {
    for (const LockStep::Member &member : group->members)
      if (const Record *other = find(member.instruction))
        addCausesOfPhase(*other, member.phase, candidates);
  } else {
    addCausesOfPhase(record, number, candidates);
  }
  causes_->choose(now_, candidates);
  causes_->because(addCause(Activity::Start, record, record.table->unit, now_, number),
                   WaitKind::Forward);
}

void OccupationRun::addCausesOfPhase(const Record &record, std::size_t number,
                                     CauseCandidates &candidates) {
  const Phase &phase = record.instruction->phases[number];
  const bool isTaken = phase.kind == Phase::Kind::Occupation && phase.cycles > 0;
  if (isTaken && !record.phases[number].keepsObject) {
    candidates.push_back({&causes_->at(phase.object).freed, WaitKind::Structural, phase.object});
    if (tables_.turnsAt(phase.object) != noTurns)
      candidates.push_back({&causes_->at(phase.object).turn, WaitKind::Turn, phase.object});
  }
  if (phase.kind == Phase::Kind::Message && !phase.channels.empty())
    candidates.push_back(
        {&causes_->at(phase.channels.front()).room, WaitKind::Channel, phase.channels.front()});
  for (std::size_t i = 0; i < phase.holding.size(); ++i)
    if (!record.phases[number].holdings[i].isOwnObject)
      addCausesOfHolding(record, phase.holding[i].object, candidates);
  candidates.push_back({&record.causes.started, WaitKind::Forward});
  for (const EventId event : phase.after)
    candidates.push_back({&record.causes.events[event], WaitKind::Forward});
  const ObjectId unit = record.table->unit;
  if (phase.afterStep)
    candidates.push_back(
        {&causes_->at(unit).stepEnds[record.step + *phase.afterStep], WaitKind::Step});
  if (phase.kind == Phase::Kind::Expansion)
    candidates.push_back({&causes_->at(unit).handedOnLast, WaitKind::HandOn});
}

void OccupationRun::addCausesOfHolding(const Record &record, ObjectId id,
                                       CauseCandidates &candidates) {
  const arch::Object &object = graph_.objects[id];
  CauseBook::OfObject &book = causes_->at(id);
  if (isQueue(object))
    candidates.push_back(
        {&book.freedEntry[entryClass(object, *record.instruction)], WaitKind::Hold, id});
  else if (object.objectClass == ObjectClass::Channel)
    candidates.push_back({&book.room, WaitKind::Hold, id});
  else
    candidates.push_back({&book.freed, WaitKind::Hold, id});
}

// ---- What it lets happen ------------------------------------------------------------------------

void OccupationRun::noteCreated(Record &record) {
  if (!causes_)
    return;
  record.causes.events.resize(record.events.size());
  record.causes.offers.resize(record.phases.size());
  record.causes.messages.resize(record.phases.size());
  record.causes.last = causes_->enabler(now_);
}

void OccupationRun::noteEntering(Record &record, ObjectId id) {
  if (causes_)
    causes_->because(addCause(Activity::Enter, record, id, now_), WaitKind::Forward);
}

void OccupationRun::noteHandingOn(ObjectId unit, const Record &child) {
  if (!causes_)
    return;
  causes_->because(addCause(Activity::HandOn, child, unit, now_), WaitKind::Forward);
  causes_->at(unit).handedOn = causes_->enabler(now_ + 1);
}

void OccupationRun::noteHandedOnLast(ObjectId unit) {
  if (causes_)
    causes_->at(unit).handedOnLast = causes_->enabler(now_);
}

void OccupationRun::noteLimit(ObjectId unit) {
  if (!causes_)
    return;
  CauseBook::OfObject &object = causes_->at(unit);
  if (object.nextLimit.since <= now_ && object.nextLimit.since > object.limit.since)
    object.limit = object.nextLimit;
  if (isReleasing())
    object.limit = causes_->enabler(now_);
  else
    object.nextLimit = causes_->enabler(now_ + 1);
}

void OccupationRun::noteEntered(Record &record, ObjectId id) {
  if (!causes_)
    return;
  causes_->at(id).entered = causes_->enabler(now_ + 1);
  record.causes.last = causes_->enabler(now_);
  if (!isQueue(graph_.objects[id]))
    return;
  const LookAhead &window = tables_.lookAhead(record.next());
  const std::int64_t end = now_ + 1 + (window.queue == id ? window.windowLatency : 0);
  record.causes.last = {addCause(Activity::Queue, record, id, end), end};
}

/// The record still stands where it leaves.
void OccupationRun::noteLeft(const Record &record) {
  if (!causes_)
    return;
  if (record.position == 0) {
    causes_->at(record.next()).portLeft = causes_->enabler(now_ + 1);
    if (fetchPath_.bufferSize - buffered_ == fetchPath_.width)
      causes_->bufferRoom = causes_->enabler(now_);
    return;
  }
  const ObjectId id = record.place();
  CauseBook::OfObject &object = causes_->at(id);
  if (isQueue(graph_.objects[id]))
    object.left[orderClass(graph_.objects[id], *record.instruction)] = causes_->enabler(now_ + 1);
  else
    object.freed = causes_->enabler(now_);
}

/// What is given back in part 4 had been taken in it, to no avail.
void OccupationRun::noteFreed(ObjectId id) {
  if (!causes_ || part_ == Part::Begin)
    return;
  if (!arch::isStorage(graph_.objects[id].objectClass) || freeSlotsOf_[id] == 1)
    causes_->at(id).freed = causes_->enabler(now_);
}

/// An entry is about to come back: it counts where there was none.
void OccupationRun::noteFreedEntry(ObjectId id, const Instruction &instruction) {
  if (causes_ && part_ != Part::Begin && !hasEntry(id, instruction))
    causes_->at(id).freedEntry[entryClass(graph_.objects[id], instruction)] =
        causes_->enabler(now_);
}

/// Objects that instructions enter take one a cycle.
void OccupationRun::noteTurn(ObjectId id) {
  if (causes_)
    causes_->at(id).turn = causes_->enabler(part_ == Part::Enter ? now_ + 1 : now_);
}

void OccupationRun::noteStarted(Record &record) {
  if (!causes_)
    return;
  record.causes.started = {addCause(Activity::Start, record, record.table->unit, now_), now_};
}

void OccupationRun::noteEvent(Record &record, EventId event) {
  if (causes_)
    record.causes.events[event] = causes_->enabler(now_);
}

void OccupationRun::noteAwaited(const Record &record) {
  if (!causes_)
    return;
  for (Record *other : live_)
    for (Await &await : other->awaits)
      if (!await.isNoted && await.whom == record.self && isOver(await)) {
        await.isNoted = true;
        other->causes.awaited = causes_->enabler(isReleasing() ? now_ : now_ + 1);
      }
}

void OccupationRun::noteStepEnd(ObjectId unit, std::int64_t number) {
  if (!causes_)
    return;
  constexpr std::size_t mostKept = 64;
  auto &ends = causes_->at(unit).stepEnds;
  ends[number] = causes_->enabler(now_);
  while (ends.size() > mostKept)
    ends.erase(ends.begin());
}

void OccupationRun::noteExpansion(Record &record, std::size_t phase, std::int64_t firstOffer) {
  if (causes_)
    record.causes.offers[phase] = {
        addCause(Activity::Expand, record, record.table->unit, firstOffer, phase), firstOffer};
}

/// Its words follow it one by one; how long they would need alone is known.
void OccupationRun::noteMessage(Record &record, std::size_t number, std::int64_t words) {
  if (!causes_)
    return;
  const std::vector<ObjectId> &route = record.instruction->phases[number].channels;
  if (route.empty() || words == 0)
    return;
  std::int64_t alone = 0, slowest = 1;
  for (const ObjectId channel : route) {
    alone += channel == route.back() ? 0 : graph_.objects[channel].latency;
    slowest = std::max(slowest, graph_.objects[channel].channel.interval);
  }
  Cause message = addCause(Activity::Message, record, route.back(), now_, number);
  message->alone = alone + (words - 1) * slowest;
  record.causes.messages[number] = std::move(message);
}

void OccupationRun::noteWordAccepted(const WordArrival &word) {
  if (!causes_)
    return;
  causes_->because(word.message->owner->causes.messages[word.message->phase], WaitKind::Forward);
  if (word.hop > 0)
    causes_->at(word.message->hops[word.hop - 1].channel).room = causes_->enabler(now_ + 1);
}

void OccupationRun::noteWordArrived(const WordArrival &word) {
  if (causes_)
    causes_->at(word.message->hops[word.hop].channel).room = causes_->enabler(now_);
}

void OccupationRun::noteFinish(const Record &record) {
  if (causes_ && record.times.finished > lastFinish_)
    causes_->last = record.causes.events[program::completedEvent].cause;
}

} // namespace acadlc::simulate
