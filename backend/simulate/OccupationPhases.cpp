// What instructions do once they have started: phases, requests and events (docs/timing.md,
// "Phase", "Events", "Memory access"). What phases take stands in OccupationHoldings.cpp.
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;
using program::EventId;
using program::Phase;
using program::phaseEnd;
using Status = PhaseState::Status;

// ---- Instructions without phases ----------------------------------------------------------------

/// The instruction occupies its unit, as soon as no other of its step does.
void OccupationRun::execute(Record &record) {
  if (record.isExecuting || record.hasExecuted || !takeUnit(record, record.table->unit))
    return;
  record.isExecuting = true;
  findCauseOfExecution(record);
  noteChange();
  const std::int64_t latency = record.instruction->latency;
  if (record.instruction->requestCount() > 0)
    return schedule(latency, {Timed::Kind::MakeRequest, record.self, 0, {}});
  if (record.table->occupation < latency)
    schedule(record.table->occupation, {Timed::Kind::UnitFree, record.self, 0, {}});
  schedule(latency, {Timed::Kind::Finish, record.self, 0, {}});
}

void OccupationRun::executed(Record &record) {
  record.isExecuting = false;
  record.hasExecuted = true;
  releaseObject(record, record.table->unit);
  checkUnitPart(record);
}

void OccupationRun::makeRequest(Record &record) {
  ++record.requests;
  record.wantsGrant = true;
}

/// Grants the request that the instruction has made, if it can be granted.
void OccupationRun::grant(Record &record) {
  if (!record.wantsGrant)
    return;
  const std::size_t number = record.requests - 1;
  const program::MemoryOperand &operand = record.instruction->memory[number];
  if (!isTurn(operand.storage, record.age) || !takeSlot(operand.storage))
    return;
  record.wantsGrant = false;
  findCauseOfGrant(record, operand.storage);
  takeTurn(record, operand.storage);
  noteChange();
  const timing::Request request{record.addresses[number], operand.bytes, operand.isWrite};
  const std::int64_t service = storageModel_.serve(operand.storage, request, now_);
  if (usage_)
    usage_->addLower(storageModel_.lowerRequests());
  schedule(service, {Timed::Kind::Served, record.self, 0, {}});
}

void OccupationRun::served(Record &record) {
  const ObjectId storage = record.instruction->memory[record.requests - 1].storage;
  ++freeSlotsOf_[storage];
  noteFreed(storage);
  if (record.requests < record.instruction->memory.size())
    return makeRequest(record);
  executed(record);
  happen(record, program::completedEvent);
}

// ---- Phases begin -------------------------------------------------------------------------------

bool OccupationRun::hasSeenEvents(const Record &record, std::size_t number) {
  return std::ranges::all_of(record.instruction->phases[number].after,
                             [&](EventId event) { return record.hasHappened(event); });
}

/// Whether everything has happened that a phase waits for.
bool OccupationRun::isDue(const Record &record, std::size_t number) const {
  const Phase &phase = record.instruction->phases[number];
  if (!record.hasStarted || record.phases[number].status != Status::Waiting)
    return false;
  if (!hasSeenEvents(record, number))
    return false;
  if (phase.afterStep && !isStepOver(record.table->unit, record.step + *phase.afterStep))
    return false;
  return phase.kind != Phase::Kind::Expansion || !findFormerExpander(record, number);
}

bool OccupationRun::takesNothing(const Record &record, std::size_t number) const {
  const Phase &phase = record.instruction->phases[number];
  if (!phase.holding.empty() || record.phases[number].lockStep)
    return false;
  switch (phase.kind) {
  case Phase::Kind::Delay:
  case Phase::Kind::Expansion:
    return true;
  case Phase::Kind::Occupation:
    return phase.cycles == 0;
  case Phase::Kind::Message:
    return channels_.wordsOf(phase) == 0;
  }
  return false;
}

/// In part 1: phases that take nothing begin with what they wait for.
void OccupationRun::cascade(Record &record) {
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
    if (isDue(record, phase) && takesNothing(record, phase))
      begin(record, phase);
}

/// In part 4: phases begin as far as they can. One of 0 cycles lets the next begin.
void OccupationRun::beginPhases(Record &record) {
  for (bool hasBegun = true; hasBegun;) {
    hasBegun = false;
    for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
      if (isDue(record, phase) && tryBegin(record, phase))
        hasBegun = true;
  }
}

/// Begins a phase, with all of its lock step, if everything that is taken is free.
bool OccupationRun::tryBegin(Record &record, std::size_t number) {
  const std::shared_ptr<LockStep> group = record.phases[number].lockStep;
  if (!group) {
    if (!tryTake(record, number))
      return false;
    begin(record, number);
    return true;
  }
  // The group is asked in the place of its oldest, and again when a later one could begin by now.
  if (!takeLockStep(*group))
    return false;
  for (const LockStep::Member &member : group->members)
    begin(*find(member.instruction), member.phase);
  // Those that have been asked before may go on behind a message without words.
  for (const LockStep::Member &member : group->members)
    if (member.age < record.age)
      beginPhases(*find(member.instruction));
  return true;
}

/// Takes what all messages of a lock step need, or nothing.
bool OccupationRun::takeLockStep(const LockStep &group) {
  for (const LockStep::Member &member : group.members)
    if (!isDue(*find(member.instruction), member.phase))
      return false;
  std::size_t taken = 0;
  while (taken < group.members.size() &&
         tryTake(*find(group.members[taken].instruction), group.members[taken].phase))
    ++taken;
  if (taken == group.members.size())
    return true;
  while (taken-- > 0)
    giveBack(*find(group.members[taken].instruction), group.members[taken].phase);
  return false;
}

/// Words that the message of a phase sends, empty ones included.
std::int64_t OccupationRun::wordsOf(const Record &record, std::size_t number) const {
  const Phase &phase = record.instruction->phases[number];
  const std::shared_ptr<LockStep> &group = record.phases[number].lockStep;
  if (phase.channels.empty())
    return 0;
  return group ? group->words : channels_.wordsOf(phase);
}

/// The phase begins; what it takes has been taken.
void OccupationRun::begin(Record &record, std::size_t number) {
  const Phase &phase = record.instruction->phases[number];
  findCauseOfPhase(record, number);
  record.phases[number].status = Status::Running;
  noteChange();
  for (const program::Holding &holding : phase.holding)
    if (record.hasHappened(holding.until)) {
      pushLate({Late::Kind::Holdings, record.self, 0, number, arch::noObject, 0});
      break;
    }
  switch (phase.kind) {
  case Phase::Kind::Delay:
  case Phase::Kind::Occupation:
    if (phase.cycles > 0) {
      if (phase.kind == Phase::Kind::Occupation)
        takeTurn(record, phase.object);
      schedule(phase.cycles, {Timed::Kind::PhaseOver, record.self, number, {}});
    } else {
      endPhase(record, number);
    }
    break;
  case Phase::Kind::Message:
    beginMessage(record, number);
    break;
  case Phase::Kind::Expansion:
    beginExpansion(record, number);
    break;
  }
  if (isReleasing())
    checkUnitPart(record);
  else
    pushLate({Late::Kind::UnitPart, record.self, 0, 0, arch::noObject, 0});
}

void OccupationRun::beginMessage(Record &record, std::size_t number) {
  const std::int64_t words = wordsOf(record, number);
  noteMessage(record, number, words);
  if (words > 0) {
    channels_.begin(record, number, words, now_);
    return;
  }
  const Phase &phase = record.instruction->phases[number];
  const std::vector<ObjectId> &route = phase.channels;
  if (phase.together) // without a word of its own too it has had turns: its group might have words
    for (auto channel = route.begin(); channel != route.end(); ++channel)
      if (std::find(route.begin(), channel, *channel) == channel)
        takeTurn(record, *channel);
  endPhase(record, number);
}

// ---- Phases end, events -------------------------------------------------------------------------

void OccupationRun::endPhase(Record &record, std::size_t number) {
  record.phases[number].status = Status::Ended;
  happen(record, phaseEnd(number));
  const bool isExpansion = record.phases[number].expansion != nullptr;
  if (record.table->readPhase == number && !isExpansion)
    happen(record, program::readEvent);
  const bool allEnded = std::ranges::all_of(
      record.phases, [](const PhaseState &phase) { return phase.status == Status::Ended; });
  if (allEnded)
    happen(record, program::completedEvent);
}

/// An event happens, in part 1 for all to know. What is completed has read.
void OccupationRun::happen(Record &record, EventId event) {
  if (record.hasHappened(event))
    return;
  if (event == program::completedEvent) {
    record.times.finished = now_;
    happen(record, program::readEvent);
  }
  noteEvent(record, event);
  record.events[event] = EventState::Happened;
  noteChange();
  if (isReleasing())
    publish(record, event);
  else
    pushLate({Late::Kind::Event, record.self, event, 0, arch::noObject, 0});
}

/// Part 1: everybody knows of an event of \p record.
void OccupationRun::publish(Record &record, EventId event) {
  record.events[event] = EventState::Published;
  noteKnown();
  noteAwaited(record);
  releaseHoldings(record, event);
  for (std::size_t i = 0; i < record.stations.size(); ++i)
    if (record.table->stations[i].release == event)
      releaseEntry(record, i);
  if (event >= phaseEnd(0)) {
    freeObjectOf(record, event - phaseEnd(0));
    checkUnitPart(record);
  }
  if (event == program::readEvent)
    if (Record *parent = find(record.parent))
      emittedRead(*parent, record.parentPhase);
  if (event == program::completedEvent)
    return complete(record);
  cascade(record);
}

void OccupationRun::complete(Record &record) {
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
    for (std::size_t i = 0; i < record.phases[phase].holdings.size(); ++i)
      releaseHolding(record, phase, i);
  for (std::size_t i = 0; i < record.stations.size(); ++i)
    releaseEntry(record, i);
  checkUnitPart(record);
  if (record.table->isBranch) {
    branchUnderWay_ = false;
    if (causes_)
      causes_->branchOver = causes_->enabler(now_);
  }
  Record *parent = find(record.parent);
  retire(record);
  if (parent)
    emittedCompleted(record, *parent);
}

// ---- Words --------------------------------------------------------------------------------------

void OccupationRun::arriveWord(const WordArrival &arrival) {
  Record &owner = *arrival.message->owner;
  const std::size_t phase = arrival.message->phase;
  noteWordArrived(arrival);
  if (channels_.arrive(arrival, now_))
    endPhase(owner, phase);
}

void OccupationRun::acceptWords() {
  std::vector<WordArrival> accepted;
  std::vector<Channels::Sent> sentAll;
  const auto isTurnOf = [this](ObjectId channel, const Message &message) {
    return isMessageTurn(channel, message);
  };
  channels_.accept(now_, isTurnOf, accepted, sentAll);
  for (const WordArrival &word : accepted) {
    noteChange();
    noteWordAccepted(word);
    const arch::Object &channel = graph_.objects[word.message->hops[word.hop].channel];
    schedule(channel.latency, {Timed::Kind::Word, nobody, 0, word});
    schedule(channel.channel.interval, {Timed::Kind::Wake, nobody, 0, {}});
  }
  for (const Channels::Sent &sent : sentAll) {
    if (causes_)
      causes_->because(sent.owner->causes.messages[sent.phase], WaitKind::Forward);
    takeTurn(*sent.owner, sent.channel);
  }
}

} // namespace acadlc::simulate
