#include "backend/simulate/OccupationRun.h"

#include "backend/timing/TimeLimit.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>
#include <utility>

namespace acadlc::simulate {

using arch::ObjectId;
using program::Instruction;

OccupationRun::OccupationRun(const arch::ArchitectureGraph &graph, const program::Program &program,
                             const SimulateOptions &options, const timing::FetchPath &fetchPath)
    : graph_(graph), program_(program), options_(options), observer_(options.observer),
      fetchPath_(fetchPath), tables_(graph, program, fetchPath), storageModel_(graph),
      channels_(graph, tables_), stream_(program), ports_(graph.objects.size()),
      places_(graph.objects.size()), units_(graph.objects.size()),
      candidates_(graph.objects.size()), turns_(tables_.turnCount()) {
  for (const arch::Object &object : graph.objects)
    freeSlotsOf_.push_back(object.slots());
  if (options.countUsage) {
    usage_.emplace(graph);
    storageModel_.noteLowerRequests();
  }
  handedOn_.resize(graph.objects.size());
  if (options.chainObserver)
    causes_ = std::make_unique<CauseBook>(graph.objects.size());
}

timing::Evaluation OccupationRun::run() {
  timing::Evaluation result;
  const std::optional<program::Program::Totals> totals = program_.totals();
  if (!totals || timing::exceedsLongestLatency(graph_, program_)) {
    result.overflow = totals ? timing::Overflow::Latency : timing::Overflow::Counts;
    return result;
  }
  readAhead();
  scheduleMoments();
  std::vector<Timed> due;
  do {
    cycle(due);
    takeSnapshots();
    showMoments();
    isStopped_ = options_.isEnough && options_.isEnough();
  } while (!overflow_ && !isStopped_ && advanceTime(due));
  result.cycles = lastFinish_;
  result.instructions = finishedCount_;
  result.kernelIterations = result.evaluatedIterations = totals->kernelIterations;
  if (overflow_)
    result.overflow = timing::Overflow::Cycles;
  result.limitReached = limitReached_ || isStopped_;
  if (!overflow_ && !isStopped_ && (!live_.empty() || hasAhead_))
    result.deadlock = findDeadlock();
  if (usage_ && result.completed()) {
    usage_->settle(lastFinish_);
    result.usage = usage_->usage(lastFinish_);
  }
  if (causes_ && result.completed())
    options_.chainObserver(followCauses(causes_->last, lastFinish_));
  return result;
}

// ---- The cycle ----------------------------------------------------------------------------------

/// Goes on to the next cycle in which something may happen; false if there is none.
bool OccupationRun::advanceTime(std::vector<Timed> &due) {
  const std::int64_t before = now_;
  if (!timed_.advance(now_, due))
    return false;
  if (usage_) {
    const std::int64_t next = std::exchange(now_, before);
    countUsage(next);
    now_ = next;
  }
  return true;
}

/// "Order within a cycle". A cycle in which something changed is followed by the next one; else
/// nothing can change before something is over.
void OccupationRun::cycle(const std::vector<Timed> &due) {
  hasChanged_ = false;
  graveyard_.clear();
  part_ = Part::Release;
  release(due);
  part_ = Part::Decide;
  decide();
  part_ = Part::Enter;
  enterAll();
  part_ = Part::Begin;
  beginAll();
  if (hasChanged_) // what ended with the last cycle there is must still be known to others
    timed_.push(now_ + 1, {Timed::Kind::Wake, nobody, 0, {}});
}

/// Part 1: everything that is over by this cycle.
void OccupationRun::release(const std::vector<Timed> &due) {
  channels_.settleDepartures();
  publishLate();
  for (const Timed &timed : due)
    handle(timed);
}

/// Part 2: who may leave, on the state that there is now.
void OccupationRun::decide() {
  for (std::vector<Candidate> &candidates : candidates_)
    candidates.clear();
  for (const ObjectId id : tables_.entryOrder()) {
    decidePort(id);
    decidePlace(id);
    decideLookAhead(id);
    decideOffer(id);
  }
}

/// Part 3: entries, from the ends of the routes towards the fetch stage.
void OccupationRun::enterAll() {
  for (const ObjectId id : tables_.entryOrder()) {
    if (tables_.lookAhead(id).queue != arch::noObject)
      takeStep(id);
    else
      enterOne(id);
  }
}

/// Part 4: starts, then phases and requests in the order of age, then words; a fetch starts last.
void OccupationRun::beginAll() {
  for (Record *record : live_)
    if (record->isInUnit() && !record->hasStarted)
      startStep(*record);
  for (Record *record : live_) {
    if (!record->hasStarted)
      continue;
    if (record->phases.empty())
      execute(*record);
    else
      beginPhases(*record);
    grant(*record);
  }
  grantFetch();
  acceptWords();
  startFetch();
  grantFetch();
}

void OccupationRun::schedule(std::int64_t delay, const Timed &timed) {
  const std::optional<std::int64_t> time = checkedAdd(now_, delay);
  if (!time || *time > timing::timeLimit || delay == timing::StorageModel::overflow) {
    overflow_ = true;
    return;
  }
  Timed entry = timed;
  entry.cause = causeOf(timed, *time);
  timed_.push(*time, entry);
}

void OccupationRun::handle(const Timed &timed) {
  if (timed.kind == Timed::Kind::Wake)
    return;
  if (timed.kind == Timed::Kind::Word)
    noteKnown(); // what its arrival ends is noted there
  else
    noteChange();
  Record *record = find(timed.who);
  becauseOf(timed, record);
  switch (timed.kind) {
  case Timed::Kind::Wake:
    return;
  case Timed::Kind::StageDone:
    record->isStageDone = true;
    return;
  case Timed::Kind::UnitFree:
    return executed(*record);
  case Timed::Kind::Finish:
    if (record->isExecuting)
      executed(*record);
    return happen(*record, program::completedEvent);
  case Timed::Kind::MakeRequest:
    return makeRequest(*record);
  case Timed::Kind::Served:
    return served(*record);
  case Timed::Kind::PhaseOver:
    return endPhase(*record, timed.phase);
  case Timed::Kind::Word:
    return arriveWord(timed.word);
  case Timed::Kind::FetchRequest:
    return requestFetch();
  case Timed::Kind::FetchServed:
    return fetchServed();
  case Timed::Kind::FetchArrival:
    return fetchArrived();
  }
}

void OccupationRun::publishLate() {
  std::vector<Late> late;
  late.swap(late_);
  for (const Late &item : late) {
    noteKnown();
    becauseOf(item);
    if (item.kind == Late::Kind::StepOver) {
      endStep(item.unit, item.step);
      continue;
    }
    Record *record = find(item.who);
    if (!record)
      continue;
    if (item.kind == Late::Kind::Event)
      publish(*record, item.event);
    else if (item.kind == Late::Kind::UnitPart)
      checkUnitPart(*record);
    else
      releasePastHoldings(*record, item.phase);
  }
}

// ---- Instructions in flight ---------------------------------------------------------------------

Record *OccupationRun::find(const Reference &reference) const {
  if (reference.slot >= records_.size())
    return nullptr;
  Record *record = records_[reference.slot].get();
  return record && record->self == reference ? record : nullptr;
}

std::vector<std::int64_t>
OccupationRun::addressesOf(const Instruction &instruction,
                           const std::vector<std::int64_t> &loopValues,
                           const std::vector<std::int64_t> *parent) const {
  std::vector<std::int64_t> addresses;
  for (const program::MemoryOperand &operand : instruction.memory) {
    auto address = static_cast<std::uint64_t>(program_.evaluate(operand.address, loopValues));
    if (operand.base) {
      ACADLC_CHECK(parent, "relative addresses are those of what is emitted");
      address += static_cast<std::uint64_t>((*parent)[*operand.base]);
    }
    addresses.push_back(static_cast<std::int64_t>(address));
  }
  return addresses;
}

Record &OccupationRun::create(program::InstructionId id,
                              const std::vector<std::int64_t> &loopValues, Age age,
                              const Record *parent) {
  auto owned = std::make_unique<Record>();
  Record &record = *owned;
  if (freeSlots_.empty()) {
    freeSlots_.push_back(static_cast<std::uint32_t>(records_.size()));
    records_.emplace_back();
  }
  record.self = {freeSlots_.back(), ++serials_};
  freeSlots_.pop_back();
  record.age = std::move(age);
  record.id = id;
  record.instruction = &program_.instructions[id];
  record.table = &tables_.of(id);
  record.loopValues = loopValues;
  record.addresses =
      addressesOf(*record.instruction, loopValues, parent ? &parent->addresses : nullptr);
  record.times.fetched = now_;
  record.stations.resize(record.table->stations.size());
  record.events.resize(program::phaseEnd(record.instruction->phases.size()));
  for (const program::Phase &phase : record.instruction->phases) {
    PhaseState &state = record.phases.emplace_back();
    state.holdings.resize(phase.holding.size());
    if (phase.kind == program::Phase::Kind::Expansion)
      state.expansion = std::make_unique<Expansion>(
          Expansion{NestCursor(program_, phase.body, tables_.emptyRegions())});
  }
  for (const StationPass &pass : record.table->stations)
    if (pass.hasHazards)
      record.meetings.push_back({pass.station, record.self});
  if (parent) {
    record.parent = parent->self;
    record.meetings.insert(record.meetings.end(), parent->meetings.begin(), parent->meetings.end());
  }
  noteCreated(record);
  relate(record);
  const auto isOlder = [](const Record *a, const Record *b) { return a->age < b->age; };
  live_.insert(std::ranges::upper_bound(live_, &record, isOlder), &record);
  addTurns(record);
  if (record.hasToEmit())
    expanders_.push_back(&record);
  if (observer_)
    observed_[record.age] = {id, loopValues, {}, false};
  records_[record.self.slot] = std::move(owned);
  noteChange();
  return record;
}

/// The record stays until the next cycle, for those that have still to do with it in this one.
void OccupationRun::retire(Record &record) {
  if (record.age.emission.empty())
    ++finishedCount_;
  noteFinish(record);
  lastFinish_ = std::max(lastFinish_, record.times.finished);
  if (observer_) {
    Observed &observed = observed_[record.age];
    observed.times = record.times;
    observed.isFinished = true;
    deliver();
  }
  std::erase(live_, &record);
  freeSlots_.push_back(record.self.slot);
  graveyard_.push_back(std::move(records_[record.self.slot]));
}

/// Nothing older than an instruction in flight comes into being any more but what stands in its
/// place, and that before it is completed.
void OccupationRun::deliver() {
  while (!observed_.empty() && observed_.begin()->second.isFinished) {
    const auto &[age, observed] = *observed_.begin();
    program::Instance instance;
    instance.instruction = &program_.instructions[observed.id];
    instance.id = observed.id;
    instance.index = age.index;
    instance.loopValues = observed.loopValues;
    instance.emission = age.emission;
    observer_(instance, observed.times);
    observed_.erase(observed_.begin());
  }
}

timing::Evaluation simulateOccupations(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const SimulateOptions &options) {
  const std::optional<timing::FetchPath> path = timing::fetchPath(graph);
  ACADLC_CHECK(path.has_value(), "there is one complete fetch stage");
  return OccupationRun(graph, program, options, *path).run();
}

} // namespace acadlc::simulate
