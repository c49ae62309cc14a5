#include "backend/aidg/occupation/OccupationEngine.h"

#include "backend/aidg/plan/TimeLimit.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::aidg {

namespace {

/// For LoopSearch. Words of these states are dear: they lie in many lists.
constexpr std::int64_t wordsPerInstruction = 32;

/// The state as the search for recurrences sees it. Requests to storages with state do not move.
class SearchedState final : public LoopSearch::State {
public:
  SearchedState(const OccupationPlan &plan, const OccupationState &state,
                OccupationNormalForm &form)
      : plan_(plan), state_(state), form_(form) {}
  void appendNormalForm(const std::vector<std::int64_t> &addressShift,
                        std::vector<std::int64_t> &key) const override {
    form_.append(state_, addressShift, key);
  }
  [[nodiscard]] std::int64_t lastInOwnBlocks(std::uint32_t repeat,
                                             std::span<const std::int64_t> /*outerValues*/,
                                             std::int64_t /*first*/) const override {
    return plan_.program->repeats[repeat].count - 1;
  }

private:
  const OccupationPlan &plan_;
  const OccupationState &state_;
  OccupationNormalForm &form_;
};

} // namespace

OccupationEngine::OccupationEngine(const OccupationPlan &plan, const EstimateOptions &options)
    : plan_(plan), options_(options), stream_(*plan.program), state_(plan),
      ageSize_(std::size_t{plan.nesting} + 1), searchesLoops_(!plan.repeats.empty()),
      loops_(*plan.program, plan.repeats, wordsPerInstruction),
      expansionLoops_(plan, wordsPerInstruction), form_(plan), begun_(plan.instructions.size()),
      completed_(plan.instructions.size()), jumpedOver_(plan.program->repeats.size()),
      offerMarked_(plan.objects.size()), channelMarked_(plan.channels.size()) {
  state_.flights.emplace_back();
  state_.ages.resize(ageSize_);
  state_.phases.resize(plan.maxPhases);
  state_.addresses.resize(plan.maxAccesses);
  state_.loopValues.resize(plan.loopDepth);
  state_.loopCounts.resize(1);
  state_.hasNext = stream_.next(next_);
  if (options.countUsage) {
    usage_.emplace(plan);
    state_.storageModel.noteLowerRequests();
    loops_.watch(usage_->totals());
    expansionLoops_.watch(usage_->totals());
  }
}

timing::Evaluation OccupationEngine::run() {
  timing::Evaluation result;
  const auto totals = plan_.program->totals();
  if (!totals) {
    result.overflow = timing::Overflow::Counts;
    return result;
  }
  result.instructions = totals->instructions;
  result.kernelIterations = result.evaluatedIterations = totals->kernelIterations;
  if (state_.hasNext && options_.maxInstructions <= 0) {
    state_.hasNext = false;
    state_.limitReached = true;
  }
  startFetch();
  if (usage_)
    usage_->observe(state_);
  while (!overflow_ && created_ <= options_.budget && advanceTime()) {
    runCycle();
    if (usage_)
      usage_->observe(state_);
    if (searchesLoops_ && state_.hasNext && state_.nextIndex != searchedIndex_ && isBetweenCycles())
      searchLoops(result);
    if (!advanced_.empty())
      searchExpansions(result);
  }
  if (overflow_) {
    result.overflow = timing::Overflow::Cycles;
    return result;
  }
  observe();
  result.budgetReached = created_ > options_.budget;
  if (result.budgetReached)
    result.evaluatedIterations -= totals->kernelIterations - stream_.kernelIterations();
  else if (state_.hasNext || state_.live != 0)
    result.deadlock = reportDeadlock();
  result.limitReached = state_.limitReached;
  result.cycles = state_.end;
  result.certificates = certificates_.take();
  if (usage_ && result.completed())
    result.usage = usage_->usage(state_);
  return result;
}

// ---- how far it has come -----------------------------------------------------------------------

namespace {

/// Adds how often \p region, gone through \p times, executes each instruction. All counts fit:
/// those of the whole stream do.
void addExecutions(const program::Program &program, program::RegionId region, std::int64_t times,
                   std::vector<std::int64_t> &counts) {
  for (const program::Step &step : program.regions[region].steps) {
    if (step.kind == program::Step::Kind::Repeat) {
      const program::Repeat &repeat = program.repeats[step.index];
      if (repeat.count > 0)
        addExecutions(program, repeat.body, times * repeat.count, counts);
      continue;
    }
    counts[step.index] += times;
    for (const program::Phase &phase : program.instructions[step.index].phases)
      if (phase.kind == program::Phase::Kind::Expansion)
        addExecutions(program, phase.body, times, counts);
  }
}

} // namespace

/// Where a loop recurs, each of its periods begins and completes what a period executes, as the
/// same is under way at both ends.
OccupationProgress OccupationEngine::progress() const {
  OccupationProgress progress{state_.now, state_.nextIndex, state_.fetching ? 1 : 0, begun_,
                              completed_};
  std::vector<std::int64_t> jumped(begun_.size());
  for (std::size_t repeat = 0; repeat != jumpedOver_.size(); ++repeat)
    if (jumpedOver_[repeat] != 0)
      addExecutions(*plan_.program, plan_.program->repeats[repeat].body, jumpedOver_[repeat],
                    jumped);
  for (std::size_t i = 0; i != jumped.size(); ++i) {
    progress.begun[i] += jumped[i];
    progress.completed[i] += jumped[i];
  }
  return progress;
}

// ---- loops that recur --------------------------------------------------------------------------

/// Whether the state alone tells what comes: nothing is left over from the cycle.
bool OccupationEngine::isBetweenCycles() const {
  return happened_.empty() && starting_.empty() && over_.empty() && asking_.empty() &&
         offers_.empty() && channels_.empty();
}

void OccupationEngine::searchLoops(timing::Evaluation &result) {
  searchedIndex_ = state_.nextIndex;
  const auto jump = loops_.find({state_.now, state_.nextIndex, evaluated_}, stream_,
                                SearchedState(plan_, state_, form_));
  if (!jump)
    return;
  take(*jump, result);
  searchedIndex_ = state_.nextIndex;
}

/// Leaves out what \p jump covers.
void OccupationEngine::take(const LoopSearch::Jump &jump, timing::Evaluation &result) {
  if (jump.cycles > timeLimit) {
    overflow_ = true;
    return;
  }
  jumpedOver_[jump.repeat] += jump.iterations;
  shift(state_, plan_, jump.cycles, jump.instructions, jump.addressShift);
  if (usage_)
    usage_->repeat(jump.usageBefore, jump.periods, state_);
  stream_.skip(jump.depth, jump.iterations, jump.instructions, jump.kernelIterations, next_);
  result.evaluatedIterations -= plan_.kernelTrips.empty()
                                    ? jump.kernelIterations
                                    : jump.iterations * plan_.kernelTrips[jump.repeat];
  timing::Certificate certificate = jump.certificate;
  certificate.isWrittenOut = !plan_.isWrittenOut.empty() && plan_.isWrittenOut[jump.repeat];
  certify(certificate, result);
}

void OccupationEngine::searchExpansions(timing::Evaluation &result) {
  for (std::size_t i = 0; i != advanced_.size() && isBetweenCycles(); ++i) {
    const auto jump = expansionLoops_.find(state_, advanced_[i], evaluated_, form_);
    if (!jump)
      continue;
    if (jump->cycles > timeLimit) {
      overflow_ = true;
      return;
    }
    for (const ExpansionSearch::Advance &advance : jump->advances)
      jumpedOver_[advance.repeat] += advance.iterations * jump->periods;
    expansionLoops_.take(*jump, state_);
    if (usage_)
      usage_->repeat(jump->usageBefore, jump->periods, state_);
    certify(jump->certificate, result);
  }
  advanced_.clear();
}

void OccupationEngine::certify(const timing::Certificate &certificate, timing::Evaluation &result) {
  result.guarantee = timing::Guarantee::Certified;
  certificates_.add(certificate);
}

// ---- the cycle ---------------------------------------------------------------------------------

/// Goes on to the next cycle in which something can happen; false if there is none.
bool OccupationEngine::advanceTime() {
  const bool soon = !state_.deferred.empty() || !state_.nextDirty.empty() ||
                    !state_.nextOffers.empty() || !state_.nextChannels.empty();
  const Cycle next = soon ? state_.now + 1 : state_.calendar.next(state_.now);
  if (next == never)
    return false;
  if (next > timeLimit) {
    overflow_ = true;
    return false;
  }
  state_.now = next;
  return true;
}

void OccupationEngine::runCycle() {
  part_ = Part::Release;
  std::swap(happened_, state_.deferred);
  for (const arch::ObjectId id : state_.nextDirty)
    state_.dirty.insert(plan_.objects[id].rank);
  state_.nextDirty.clear();
  for (const arch::ObjectId unit : state_.nextOffers)
    offers_.push_back(unit);
  state_.nextOffers.clear();
  for (const arch::ObjectId id : state_.nextChannels)
    channels_.push_back(id);
  state_.nextChannels.clear();
  for (const Deferred &one : happened_)
    handle(one);
  happened_.clear();
  state_.calendar.take(state_.now, events_);
  for (const TimedEvent &event : events_)
    handle(event);

  // More that was deferred may have been about an instruction that is over.
  for (const FlightId id : over_)
    freeFlight(id);
  over_.clear();

  part_ = Part::Decide;
  for (const arch::ObjectId unit : offers_)
    decide(unit);
  offers_.clear();

  part_ = Part::Take;
  for (std::uint32_t rank = state_.dirty.pop(); rank != none; rank = state_.dirty.pop())
    take(plan_.byRank[rank]);

  part_ = Part::Begin;
  for (std::size_t i = 0; i != starting_.size(); ++i)
    tryStart(starting_[i]);
  starting_.clear();
  begin();
  for (const arch::ObjectId id : channels_) {
    channelMarked_[plan_.objects[id].detail] = false;
    serve(id);
  }
  channels_.clear();
  startFetch();
  if (observed_.size() > 4096)
    observe();
}

void OccupationEngine::at(Cycle delay, TimedEvent::Kind kind, std::uint32_t a, std::uint32_t b) {
  if (delay > timeLimit || state_.now + delay > timeLimit) {
    overflow_ = true;
    return;
  }
  state_.calendar.add(state_.now, state_.now + delay, {kind, a, b});
}

void OccupationEngine::handle(const TimedEvent &event) {
  using Kind = TimedEvent::Kind;
  switch (event.kind) {
  case Kind::Channel:
    markChannel(event.a);
    return;
  case Kind::Object:
    state_.dirty.insert(plan_.objects[event.a].rank);
    return;
  case Kind::Offer:
    markOffer(event.a);
    return;
  case Kind::Word: // what its arrival ends is noted there
    break;
  default:
    note();
  }
  switch (event.kind) {
  case Kind::StageDone:
    state_.dirty.insert(plan_.objects[nextObject(event.a)].rank);
    return;
  case Kind::UnitFree:
    endExecution(event.a);
    return;
  case Kind::Finish:
    endExecution(event.a);
    happen(event.a, program::readEvent);
    happen(event.a, program::completedEvent);
    return;
  case Kind::Request:
    flight(event.a).asks = true;
    ask({event.a, flight(event.a).access});
    return;
  case Kind::Served: {
    OccupationFlight &served = flight(event.a);
    const auto accesses = instruction(event.a).accesses;
    const arch::ObjectId storage = plan_.accesses[accesses.first + served.access].storage;
    --state_.objects[storage].used;
    wake(storage);
    if (++served.access != accesses.count) {
      served.asks = true;
      ask({event.a, served.access});
    } else {
      handle(TimedEvent{Kind::Finish, event.a});
    }
    return;
  }
  case Kind::FetchRequest:
    ask({fetchFlight, 0});
    return;
  case Kind::FetchServed:
    --state_.objects[plan_.fetch.storage].used;
    wake(plan_.fetch.storage);
    if (plan_.fetch.stageLatency == 0)
      fetchArrived();
    else
      at(plan_.fetch.stageLatency, Kind::FetchArrived);
    return;
  case Kind::FetchArrived:
    fetchArrived();
    return;
  case Kind::PhaseEnd:
    endPhase(event.a, event.b);
    advance(event.a);
    return;
  case Kind::Word:
    wordArrived(event.a, event.b);
    return;
  default:
    ACADLC_CHECK(false, "no such kind of event");
  }
}

void OccupationEngine::handle(const Deferred &happened) {
  using Kind = Deferred::Kind;
  switch (happened.kind) {
  case Kind::Event:
    show(happened.a, happened.b);
    return;
  case Kind::LeftStation:
    leftStation(happened.a, happened.b);
    return;
  case Kind::ReleaseHeld:
    releaseHeld(happened.a, happened.b >> 8, happened.b & 255);
    return;
  case Kind::UnitFree:
    freeUnit(happened.a);
    return;
  case Kind::StepEnded:
    stepEnded(happened.a, happened.b);
    return;
  case Kind::WentOn:
    returnCredit(happened.a, happened.b);
    return;
  case Kind::MessageEnded:
    messageEnded(happened.a);
    return;
  }
}

// ---- fetch -------------------------------------------------------------------------------------

void OccupationEngine::startFetch() {
  if (state_.fetching || state_.branchPending || !state_.hasNext ||
      state_.bufferFree < plan_.fetch.width)
    return;
  note();
  state_.fetching = true;
  state_.bufferFree -= plan_.fetch.width;
  age(fetchFlight)[0] = state_.nextIndex;
  if (const std::uint32_t list = plan_.objects[plan_.fetch.storage].order; list != none)
    addTurn(list, {fetchFlight, false, 1});
  if (plan_.fetch.unitLatency != 0) {
    at(plan_.fetch.unitLatency, TimedEvent::Kind::FetchRequest);
    return;
  }
  ask({fetchFlight, 0});
  begin();
}

void OccupationEngine::fetchArrived() {
  state_.fetching = false;
  std::int64_t brought = 0;
  for (; brought != plan_.fetch.width && state_.hasNext && !state_.branchPending; ++brought) {
    const FlightId id = newFlight(next_, none);
    age(id)[0] = state_.nextIndex++;
    flight(id).times.fetched = state_.now;
    state_.branchPending = instruction(id).isBranch;
    admit(id);
    const arch::ObjectId port = nextObject(id);
    state_.objects[port].buffered.items.push_back(id);
    state_.dirty.insert(plan_.objects[port].rank);
    state_.hasNext = stream_.next(next_);
    if (state_.hasNext && state_.nextIndex == options_.maxInstructions) {
      state_.limitReached = true;
      state_.hasNext = false;
    }
  }
  state_.bufferFree += plan_.fetch.width - brought;
}

// ---- what is observed --------------------------------------------------------------------------

void OccupationEngine::record(FlightId id) {
  const OccupationFlight &done = flight(id);
  const std::int64_t *values = state_.loopValues.data() + std::size_t{id} * plan_.loopDepth;
  observed_.push_back({{age(id), age(id) + done.level + 1},
                       done.id,
                       done.level,
                       done.kernelIteration,
                       {values, values + state_.loopCounts[id]},
                       done.times});
}

/// Shows what is older than all that is under way. What may still be emitted stands behind an
/// instruction under way, so it is younger.
void OccupationEngine::observe() {
  std::ranges::sort(observed_, {}, &Observed::age);
  std::vector<std::int64_t> oldest;
  for (FlightId id = 1; id != state_.flights.size(); ++id)
    if (flight(id).id != none && flight(id).underWay) {
      std::vector<std::int64_t> other(age(id), age(id) + flight(id).level + 1);
      if (oldest.empty() || other < oldest)
        oldest = std::move(other);
    }
  std::size_t shown = 0;
  for (; shown != observed_.size() && (oldest.empty() || observed_[shown].age < oldest); ++shown) {
    const Observed &one = observed_[shown];
    program::Instance instance;
    instance.instruction = &plan_.program->instructions[one.id];
    instance.id = one.id;
    instance.index = one.age[0];
    instance.loopValues = one.loopValues;
    instance.kernelIteration = one.kernelIteration;
    instance.emission = std::span(one.age).subspan(1);
    options_.observer(instance, one.times);
  }
  observed_.erase(observed_.begin(), observed_.begin() + static_cast<std::ptrdiff_t>(shown));
}

} // namespace acadlc::aidg
