#include "backend/aidg/recurrence/MergingEvaluator.h"

#include "backend/aidg/plan/AddressClasses.h"
#include "backend/aidg/plan/Certificates.h"
#include "backend/aidg/plan/LoopSearch.h"
#include "backend/aidg/plan/TimeLimit.h"
#include "backend/aidg/plan/UsageTotals.h"
#include "backend/aidg/recurrence/MergingState.h"
#include "backend/timing/Machine.h"
#include "support/InternalError.h"

#include <algorithm>
#include <optional>
#include <span>

namespace acadlc::aidg {

namespace {

/// For LoopSearch.
constexpr std::int64_t wordsPerInstruction = 64;

/// The state as the search for recurrences sees it.
class SearchedState final : public LoopSearch::State {
public:
  SearchedState(const Plan &plan, const MergingState &state) : plan_(plan), state_(state) {}
  void appendNormalForm(const std::vector<std::int64_t> &addressShift,
                        std::vector<std::int64_t> &key) const override {
    state_.appendNormalForm(addressShift, key);
  }
  [[nodiscard]] bool movesInOwnBlocks(const RepeatFacts &facts) const override {
    return state_.movesInOwnBlocks(facts.stride);
  }
  [[nodiscard]] std::int64_t lastInOwnBlocks(std::uint32_t repeat,
                                             std::span<const std::int64_t> outerValues,
                                             std::int64_t first) const override {
    return aidg::lastInOwnBlocks(plan_, repeat, outerValues, first);
  }

private:
  const Plan &plan_;
  const MergingState &state_;
};

class MergingEvaluator {
public:
  MergingEvaluator(const Plan &plan, const EstimateOptions &options)
      : plan_(plan), options_(options), stream_(*plan.program), state_(plan),
        loops_(*plan.program, plan.repeats, wordsPerInstruction),
        mayJump_(options.extrapolate && !options.observer &&
                 options.maxInstructions == EstimateOptions{}.maxInstructions) {
    for (std::uint32_t i = 0; i != plan.objects.size(); ++i)
      if (plan.objects[i].mergesByTime)
        mergingObjects_.push_back(i);
    for (const PlanInstruction &instruction : plan.instructions)
      mostAccesses_ = std::max<std::size_t>(mostAccesses_, instruction.accessCount);
    if (options.countUsage) {
      fetchPath_ = *timing::fetchPath(*plan.graph);
      usage_.emplace(*plan.graph);
      state_.storageModel.noteLowerRequests();
      loops_.watch(*usage_);
    }
    hasNext_ = stream_.next(next_);
  }

  timing::Evaluation run() {
    timing::Evaluation result;
    const auto totals = plan_.program->totals();
    if (!totals) {
      result.overflow = timing::Overflow::Counts;
      return result;
    }
    result.instructions = totals->instructions;
    result.kernelIterations = result.evaluatedIterations = totals->kernelIterations;
    std::int64_t fetched = 0;
    while (!budgetReached_ && grantNext()) {
      if (mayJump_ && hasNext_ && state_.nextIndex != fetched) {
        const auto jump = loops_.find({state_.now, state_.nextIndex, state_.nextIndex}, stream_,
                                      SearchedState(plan_, state_));
        if (jump)
          take(*jump, result);
        fetched = state_.nextIndex;
      }
      if (state_.now > timeLimit || state_.end > timeLimit) {
        result.overflow = timing::Overflow::Cycles;
        return result;
      }
    }
    if (budgetReached_) {
      result.evaluatedIterations -= totals->kernelIterations - stream_.kernelIterations();
      result.budgetReached = true;
    } else if (hasNext_ || !state_.window.empty()) {
      result.deadlock = reportDeadlock();
    }
    result.limitReached = limitReached_;
    result.cycles = state_.end;
    result.certificates = certificates_.take();
    if (usage_ && result.completed())
      result.usage = usage_->usage(result.cycles);
    return result;
  }

private:
  using Part = UsageTotals::Part;
  /// Leaves out what \p jump covers.
  void take(const LoopSearch::Jump &jump, timing::Evaluation &result) {
    if (jump.cycles > timeLimit) {
      state_.now = unknown; // the caller refuses it
      return;
    }
    state_.shift(jump.cycles, jump.instructions, jump.addressShift);
    if (usage_)
      usage_->repeat(jump.usageBefore, jump.periods);
    stream_.skip(jump.depth, jump.iterations, jump.instructions, jump.kernelIterations, next_);
    result.evaluatedIterations -= jump.kernelIterations;
    result.guarantee = timing::Guarantee::Certified;
    certificates_.add(jump.certificate);
  }

  // ---- choosing -------------------------------------------------------------------------------

  /// Makes the earliest grant; false if there is none.
  bool grantNext() {
    // A grant lets one block arrive at most: flights stay where they are while it is made.
    state_.window.reserve(state_.window.size() + static_cast<std::size_t>(plan_.fetch.width));
    Time best = unknown;
    enum class What : std::uint8_t { Nothing, Object, Storage, Fetch } what = What::Nothing;
    std::uint32_t which = 0;
    for (const std::uint32_t i : mergingObjects_)
      if (const Time time = objectGrantTime(i); time < best)
        best = time, what = What::Object, which = i;
    for (std::uint32_t i = 0; i != state_.storages.size(); ++i) {
      const Time time = storageGrantTime(i);
      // In one cycle the older instruction is granted first: it changes shared state first.
      if (time < best || (time == best && time != unknown && what == What::Storage &&
                          nextAt(i, time) < nextAt(which, time)))
        best = time, what = What::Storage, which = i;
    }
    if (const Time time = fetchTime(); time < best)
      best = time, what = What::Fetch;
    if (what == What::Nothing)
      return false;
    state_.now = std::max(state_.now, best);
    switch (what) {
    case What::Object:
      grantObject(which, best);
      break;
    case What::Storage:
      grantStorage(which, best);
      break;
    default:
      fetch(best);
      break;
    }
    settle();
    return true;
  }

  static Time earliest(const std::vector<Waiting> &waiting) {
    Time time = unknown;
    for (const Waiting &one : waiting)
      time = std::min(time, one.time);
    return time;
  }

  /// Takes the oldest of those that wait at \p time.
  static Waiting takeOldest(std::vector<Waiting> &waiting, Time time) {
    auto oldest = waiting.end();
    for (auto one = waiting.begin(); one != waiting.end(); ++one)
      if (one->time <= time && (oldest == waiting.end() || one->index < oldest->index))
        oldest = one;
    const Waiting taken = *oldest;
    waiting.erase(oldest);
    return taken;
  }

  [[nodiscard]] Time objectGrantTime(std::uint32_t object) const {
    const ObjectState &state = state_.objects[object];
    if (state.free == unknown || state.waiting.empty())
      return unknown;
    return std::max(state.free, earliest(state.waiting));
  }

  void grantObject(std::uint32_t object, Time time) {
    enter(flight(takeOldest(state_.objects[object].waiting, time).index), object, time);
  }

  [[nodiscard]] Time storageGrantTime(std::uint32_t index) {
    StorageState &state = state_.storages[index];
    if (plan_.storages[index].programOrder)
      return plan_.storages[index].stateGroup ? orderedGrantTime(index) : unknown;
    if (state.requests.empty())
      return unknown;
    return std::max(state.slots.front(), earliest(state.requests));
  }

  /// Whose request is granted next at a storage, at \p time.
  [[nodiscard]] std::int64_t nextAt(std::uint32_t index, Time time) const {
    const StorageState &state = state_.storages[index];
    if (plan_.storages[index].programOrder)
      return state.coming.front();
    std::int64_t oldest = unknown;
    for (const Waiting &one : state.requests)
      if (one.time <= time)
        oldest = std::min(oldest, one.index);
    return oldest;
  }

  void grantStorage(std::uint32_t storage, Time time) {
    if (plan_.storages[storage].programOrder) {
      grantOrdered(storage, time);
      return;
    }
    const Waiting granted = takeOldest(state_.storages[storage].requests, time);
    if (granted.index == state_.nextIndex)
      serveFetch(state_.storages[storage], time);
    else
      serve(flight(granted.index), storage, time);
  }

  void serveFetch(StorageState &state, Time granted) {
    const Time served = granted + plan_.fetch.readLatency;
    if (usage_) {
      usage_->add(fetchPath_.storage, Part::Taken, plan_.fetch.readLatency);
      usage_->end(fetchPath_.stage, Part::Requests, granted);
    }
    occupySlot(state, served);
    state_.fetchPending = false;
    fetchArrives(served + plan_.fetch.stageLatency);
  }

  // ---- fetch ----------------------------------------------------------------------------------

  /// When the next fetch can start as far as is known: instructions whose issue is unknown are
  /// taken as never issued. If this is the earliest of all grants it is right, for they are issued
  /// later.
  [[nodiscard]] Time fetchTime() const {
    if (!hasNext_ || state_.fetchPending || state_.unresolvedBranch || !state_.issues.hasRoom())
      return unknown;
    return std::max(state_.fetchFree, state_.issues.room());
  }

  void fetch(Time time) {
    if (usage_)
      usage_->begin(fetchPath_.stage, Part::Taken, time);
    if (!plan_.fetch.storage || (plan_.storages[*plan_.fetch.storage].neverWaits() &&
                                 !plan_.storages[*plan_.fetch.storage].programOrder)) {
      if (usage_)
        usage_->add(fetchPath_.storage, Part::Taken, plan_.fetch.readLatency);
      fetchArrives(time + plan_.fetch.latency());
      return;
    }
    // A fetch has the age of the first instruction that it brings.
    state_.fetchPending = true;
    state_.fetchRequest = time + plan_.fetch.unitLatency;
    if (usage_)
      usage_->begin(fetchPath_.stage, Part::Requests, state_.fetchRequest);
    StorageState &state = state_.storages[*plan_.fetch.storage];
    if (plan_.storages[*plan_.fetch.storage].programOrder) {
      state.coming.pushBack(state_.nextIndex);
      grantInProgramOrder(*plan_.fetch.storage);
    } else {
      state.requests.push_back({state_.nextIndex, state_.fetchRequest});
    }
  }

  void fetchArrives(Time time) {
    state_.fetchFree = time;
    if (usage_) {
      usage_->end(fetchPath_.stage, Part::Taken, time);
      usage_->add(usage_->fetchesPlace(), 1);
    }
    for (std::int64_t i = 0; i != plan_.fetch.width && hasNext_ && !state_.unresolvedBranch; ++i) {
      if (evaluated_ == options_.budget) {
        budgetReached_ = true;
        return;
      }
      ++evaluated_;
      addFlight(time);
      hasNext_ = stream_.next(next_);
      if (hasNext_ && state_.nextIndex == options_.maxInstructions) {
        limitReached_ = true;
        hasNext_ = false;
      }
    }
  }

  void addFlight(Time time) {
    Flight &added = newFlight();
    added.id = next_.id;
    added.index = state_.nextIndex++;
    added.times.fetched = time;
    if (usage_)
      usage_->beginBuffered(time);
    added.ready = time;
    added.kernelIteration = next_.kernelIteration;
    if (options_.observer)
      added.loopValues.assign(next_.loopValues.begin(), next_.loopValues.end());
    const PlanInstruction &instruction = plan_.instructions[added.id];
    state_.unresolvedBranch = instruction.isBranch;
    state_.issues.fetch();
    for (std::uint32_t i = 0; i <= instruction.stageCount; ++i)
      if (const std::uint32_t object = objectAt(instruction, i);
          !plan_.objects[object].takesAsTheyCome)
        state_.objects[object].coming.pushBack(added.index);
    findDependences(added, instruction);
    for (std::uint32_t i = 0; instruction.makesRequests && i != instruction.accessCount; ++i) {
      const std::uint32_t storage = plan_.accesses[instruction.firstAccess + i].storage;
      if (plan_.storages[storage].programOrder)
        state_.storages[storage].coming.pushBack(added.index);
    }
    pending_.push_back(added.index);
  }

  /// A flight behind the last one. It keeps the memory of the one whose place it takes.
  Flight &newFlight() {
    Flight &added = state_.window.append();
    Flight fresh;
    fresh.addresses = std::move(added.addresses);
    fresh.addresses.reserve(mostAccesses_);
    fresh.tracked = std::move(added.tracked);
    fresh.tracked.reserve(mostAccesses_);
    fresh.loopValues = std::move(added.loopValues);
    added = std::move(fresh);
    return added;
  }

  [[nodiscard]] std::uint32_t objectAt(const PlanInstruction &instruction,
                                       std::uint32_t position) const {
    return position == instruction.stageCount
               ? instruction.unit
               : plan_.routeObjects[instruction.firstStage + position];
  }

  // ---- dependences ----------------------------------------------------------------------------

  void dependOn(Flight &flightOf, std::int64_t older) {
    if (older == flightOf.index || older < state_.base)
      return;
    Flight &other = flight(older);
    if (other.finished)
      return; // its time is in the tables
    state_.waits.append(other.waiters, flightOf.index);
    ++flightOf.unfinishedDependences;
    flightOf.awaited = older;
  }

  void dropFinished(std::vector<std::int64_t> &list) {
    std::erase_if(list, [this](std::int64_t i) { return i < state_.base || flight(i).finished; });
  }

  /// Adds an instruction to a list of which nobody may ask for long: what has finished makes room.
  /// The list grows only when more than half of it is unfinished, so looking through it is rare.
  void remember(std::vector<std::int64_t> &list, std::int64_t index) {
    if (list.size() == list.capacity()) {
      dropFinished(list);
      if (list.size() * 2 >= list.capacity())
        list.reserve(2 * list.capacity() + 4);
    }
    list.push_back(index);
  }

  void findDependences(Flight &added, const PlanInstruction &instruction) {
    for (std::uint32_t i = 0; i != instruction.readCount; ++i) {
      RegisterState &state = state_.registers[plan_.registers[instruction.firstRead + i]];
      added.dependences = std::max(added.dependences, state.lastWrite);
      dropFinished(state.writers);
      for (const std::int64_t older : state.writers)
        dependOn(added, older);
    }
    for (std::uint32_t i = 0; i != instruction.writeCount; ++i) {
      RegisterState &state = state_.registers[plan_.registers[instruction.firstWrite + i]];
      added.dependences = std::max(added.dependences, state.lastAccess);
      dropFinished(state.users);
      for (const std::int64_t older : state.users)
        dependOn(added, older);
    }
    for (std::uint32_t i = 0; i != instruction.readCount; ++i)
      remember(state_.registers[plan_.registers[instruction.firstRead + i]].users, added.index);
    for (std::uint32_t i = 0; i != instruction.writeCount; ++i) {
      RegisterState &state = state_.registers[plan_.registers[instruction.firstWrite + i]];
      // Whoever depends on those before it waits for this one, and that for them.
      state.users.assign(1, added.index);
      state.writers.assign(1, added.index);
    }
    findAddressDependences(added, instruction);
  }

  void findAddressDependences(Flight &added, const PlanInstruction &instruction) {
    added.addresses.resize(instruction.accessCount);
    added.tracked.resize(instruction.accessCount);
    for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + i];
      if (!access.tracked && !access.changesState)
        continue;
      const std::int64_t low = plan_.program->evaluate(access.operand->address, next_.loopValues);
      added.addresses[i] = added.tracked[i] = low;
      if (!access.tracked)
        continue;
      trackAccess(added, access, low);
    }
  }

  /// What has finished by now can delay nobody who has not started.
  [[nodiscard]] auto isOver() const {
    return [now = state_.now](const TrackedAccess &access) { return access.finish <= now; };
  }

  void trackAccess(Flight &added, const PlanAccess &access, std::int64_t low) {
    const std::int64_t high = low + access.bytes;
    RangeList<TrackedAccess> &list = state_.tracked[access.conflictClass];
    list.forEachOverlapping(low, high, isOver(), [&](const TrackedAccess &other) {
      if (!other.isWrite && !access.isWrite)
        return false;
      if (other.finish != unknown)
        added.dependences = std::max(added.dependences, other.finish);
      else
        dependOn(added, other.index);
      return access.isWrite && low <= other.low && other.high <= high;
    });
    list.append({low, high, added.index, unknown, access.isWrite}, isOver());
  }

  // ---- data flow ------------------------------------------------------------------------------

  Flight &flight(std::int64_t index) {
    return state_.window[static_cast<std::size_t>(index - state_.base)];
  }

  /// Computes everything that follows from what is known without choosing.
  void settle() {
    while (!pending_.empty()) {
      const std::int64_t index = pending_.back();
      pending_.pop_back();
      if (index >= state_.base)
        advance(flight(index));
    }
    while (!state_.window.empty() && state_.window.front().finished) {
      if (options_.observer)
        observe(state_.window.front());
      state_.window.popFront();
      ++state_.base;
    }
  }

  void advance(Flight &moving) {
    if (moving.inUnit) {
      if (!moving.started && moving.unfinishedDependences == 0)
        start(moving);
      return;
    }
    const PlanInstruction &instruction = plan_.instructions[moving.id];
    const std::uint32_t object = objectAt(instruction, moving.position);
    ObjectState &state = state_.objects[object];
    if (plan_.objects[object].mergesByTime) {
      const auto sameIndex = [&](const Waiting &one) { return one.index == moving.index; };
      if (std::none_of(state.waiting.begin(), state.waiting.end(), sameIndex))
        state.waiting.push_back({moving.index, moving.ready});
    } else if (plan_.objects[object].takesAsTheyCome) {
      if (state.free != unknown)
        enter(moving, object, std::max(moving.ready, state.free));
      else
        state.standing = moving.index;
    } else if (state.free != unknown && state.coming.front() == moving.index) {
      enter(moving, object, std::max(moving.ready, state.free));
    }
  }

  void enter(Flight &moving, std::uint32_t object, Time time) {
    const PlanInstruction &instruction = plan_.instructions[moving.id];
    ObjectState &state = state_.objects[object];
    if (!state.coming.empty() && state.coming.front() == moving.index)
      state.coming.popFront();
    else
      state.coming.erase(moving.index);
    state.free = unknown;
    state.occupant = moving.index;
    if (usage_)
      noteEntry(moving, object, time);
    if (moving.position == 0) {
      moving.times.issued = time;
      state_.issues.issue(time);
    } else {
      release(objectAt(instruction, moving.position - 1), time);
    }
    ++moving.position;
    if (object == instruction.unit && moving.position == instruction.stageCount + 1) {
      moving.inUnit = true;
      moving.times.entered = time;
    } else {
      moving.ready = time + plan_.objects[object].latency;
    }
    pending_.push_back(moving.index);
  }

  /// \p moving leaves what it is in, and takes \p object.
  void noteEntry(const Flight &moving, std::uint32_t object, Time time) {
    const PlanInstruction &instruction = plan_.instructions[moving.id];
    if (moving.position == 0)
      usage_->endBuffered(time);
    else
      usage_->end(plan_.objects[objectAt(instruction, moving.position - 1)].id, Part::Next, time);
    const arch::ObjectId entered = plan_.objects[object].id;
    usage_->begin(entered, Part::Taken, time);
    if (moving.position == instruction.stageCount)
      usage_->begin(entered, Part::Operands, time);
    else
      usage_->begin(entered, Part::Next, time + plan_.objects[object].latency);
  }

  void release(std::uint32_t object, Time time) {
    if (usage_)
      usage_->end(plan_.objects[object].id, Part::Taken, time);
    ObjectState &state = state_.objects[object];
    state.free = time;
    state.occupant = -1;
    if (state.standing >= 0) {
      pending_.push_back(state.standing);
      state.standing = -1;
    }
    if (state.coming.empty())
      return;
    // The next in program order may stand right before the object.
    const Flight &next = flight(state.coming.front());
    if (!next.inUnit && objectAt(plan_.instructions[next.id], next.position) == object)
      pending_.push_back(next.index);
  }

  void start(Flight &starting) {
    const PlanInstruction &instruction = plan_.instructions[starting.id];
    starting.started = true;
    starting.times.started = std::max(starting.times.entered, starting.dependences);
    if (usage_)
      usage_->end(unitOf(starting), Part::Operands, starting.times.started);
    if (instruction.makesRequests) {
      request(starting, starting.times.started + instruction.latency);
      return;
    }
    release(instruction.unit, starting.times.started + instruction.occupation);
    finish(starting, starting.times.started + instruction.latency);
  }

  [[nodiscard]] arch::ObjectId unitOf(const Flight &flight) const {
    return plan_.objects[plan_.instructions[flight.id].unit].id;
  }

  /// Makes the next request of \p asking, or finishes it.
  void request(Flight &asking, Time time) {
    const PlanInstruction &instruction = plan_.instructions[asking.id];
    if (asking.access == instruction.accessCount) {
      release(instruction.unit, time);
      finish(asking, time);
      return;
    }
    if (usage_)
      usage_->begin(unitOf(asking), Part::Requests, time);
    const std::uint32_t index = plan_.accesses[instruction.firstAccess + asking.access].storage;
    const PlanStorage &storage = plan_.storages[index];
    StorageState &state = state_.storages[index];
    if (storage.programOrder) {
      asking.ready = time;
      grantInProgramOrder(index);
    } else if (!storage.stateGroup &&
               (storage.clients == 1 || (storage.neverWaits() && !storage.hasState))) {
      serve(asking, index, std::max(time, state.slots.front()));
    } else {
      state.requests.push_back({asking.index, time});
    }
  }

  /// When the next request at a storage that grants in program order is granted; unknown if it has
  /// not been made.
  [[nodiscard]] Time orderedGrantTime(std::uint32_t index) {
    const StorageState &state = state_.storages[index];
    if (state.coming.empty())
      return unknown;
    const Time earliest = std::max(state.lastGrant, state.slots.front());
    if (state.coming.front() == state_.nextIndex)
      return state_.fetchPending ? std::max(earliest, state_.fetchRequest) : unknown;
    const Flight &first = flight(state.coming.front());
    const PlanInstruction &instruction = plan_.instructions[first.id];
    if (!first.started || first.finished || first.access == instruction.accessCount ||
        plan_.accesses[instruction.firstAccess + first.access].storage != index)
      return unknown;
    return std::max(earliest, first.ready);
  }

  void grantOrdered(std::uint32_t index, Time granted) {
    StorageState &state = state_.storages[index];
    const std::int64_t next = state.coming.front();
    state.coming.popFront();
    state.lastGrant = granted;
    if (next == state_.nextIndex)
      serveFetch(state, granted);
    else
      serve(flight(next), index, granted);
  }

  /// Grants what can be granted at a storage whose order does not depend on time.
  void grantInProgramOrder(std::uint32_t index) {
    if (plan_.storages[index].stateGroup)
      return;
    for (Time time = orderedGrantTime(index); time != unknown; time = orderedGrantTime(index))
      grantOrdered(index, time);
  }

  void serve(Flight &served, std::uint32_t index, Time granted) {
    const PlanInstruction &instruction = plan_.instructions[served.id];
    const PlanAccess &access = plan_.accesses[instruction.firstAccess + served.access];
    Time service = access.service;
    if (plan_.storages[index].hasState)
      service = state_.storageModel.serve(
          plan_.storages[index].id, {served.addresses[served.access], access.bytes, access.isWrite},
          granted);
    const Time until = std::min(granted, timeLimit) + std::min(service, timeLimit);
    if (usage_) {
      usage_->end(unitOf(served), Part::Requests, granted);
      usage_->add(plan_.storages[index].id, Part::Taken, service);
      if (plan_.storages[index].hasState)
        usage_->addLower(state_.storageModel.lowerRequests());
    }
    // Where nobody ever waits, slots are not even counted: grants are not made in order of time.
    if (!plan_.storages[index].neverWaits())
      occupySlot(state_.storages[index], until);
    ++served.access;
    request(served, until);
  }

  static void occupySlot(StorageState &state, Time until) {
    state.slots.front() = until;
    std::sort(state.slots.begin(), state.slots.end());
  }

  void finish(Flight &finishing, Time time) {
    const PlanInstruction &instruction = plan_.instructions[finishing.id];
    finishing.finished = true;
    finishing.times.finished = time;
    state_.end = std::max(state_.end, time);
    for (std::uint32_t i = 0; i != instruction.readCount; ++i) {
      RegisterState &state = state_.registers[plan_.registers[instruction.firstRead + i]];
      state.lastAccess = std::max(state.lastAccess, time);
    }
    for (std::uint32_t i = 0; i != instruction.writeCount; ++i) {
      RegisterState &state = state_.registers[plan_.registers[instruction.firstWrite + i]];
      state.lastWrite = std::max(state.lastWrite, time);
      state.lastAccess = std::max(state.lastAccess, time);
    }
    for (std::uint32_t i = 0; instruction.hasTracked && i != instruction.accessCount; ++i)
      if (const PlanAccess &done = plan_.accesses[instruction.firstAccess + i]; done.tracked)
        state_.tracked[done.conflictClass].forEachOverlapping(finishing.tracked[i],
                                                              finishing.tracked[i] + done.bytes,
                                                              isOver(), [&](TrackedAccess &access) {
                                                                if (access.index == finishing.index)
                                                                  access.finish = time;
                                                                return false;
                                                              });
    if (instruction.isBranch) {
      state_.unresolvedBranch = false;
      state_.fetchFree = std::max(state_.fetchFree, time);
    }
    state_.waits.forEach(finishing.waiters, [&](std::int64_t waiter) {
      Flight &waiting = flight(waiter);
      waiting.dependences = std::max(waiting.dependences, time);
      if (--waiting.unfinishedDependences == 0)
        pending_.push_back(waiter);
    });
    state_.waits.clear(finishing.waiters);
  }

  void observe(const Flight &done) {
    program::Instance instance;
    instance.instruction = &plan_.program->instructions[done.id];
    instance.id = done.id;
    instance.index = done.index;
    instance.loopValues = done.loopValues;
    instance.kernelIteration = done.kernelIteration;
    options_.observer(instance, done.times);
  }

  // ---- deadlock -------------------------------------------------------------------------------

  /// Whom \p stuck waits for; fills \p wait.
  std::int64_t waitsFor(const Flight &stuck, timing::Wait &wait) {
    const PlanInstruction &instruction = plan_.instructions[stuck.id];
    wait.index = stuck.index;
    wait.instruction = plan_.program->instructions[stuck.id].operation + " (instruction " +
                       std::to_string(stuck.index) + ")";
    wait.range = plan_.program->instructions[stuck.id].range;
    if (stuck.position != 0)
      wait.where = plan_.objects[objectAt(instruction, stuck.position - 1)].id;
    if (stuck.started) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + stuck.access];
      wait.object = plan_.storages[access.storage].id;
      wait.reason = timing::Wait::Reason::Turn;
      return state_.storages[access.storage].coming.front();
    }
    if (stuck.inUnit) {
      wait.object = wait.where;
      wait.reason = timing::Wait::Reason::Dependence;
      for (const Flight &older : state_.window)
        if (!older.finished && older.index < stuck.index && isAwaitedBy(older, stuck))
          return older.index;
      return stuck.awaited;
    }
    const std::uint32_t object = objectAt(instruction, stuck.position);
    wait.object = plan_.objects[object].id;
    if (stuck.position == 0 && firstBuffered(object) != stuck.index) {
      wait.reason = timing::Wait::Reason::Behind;
      return firstBuffered(object);
    }
    if (state_.objects[object].occupant >= 0) {
      wait.reason = timing::Wait::Reason::Occupied;
      return state_.objects[object].occupant;
    }
    wait.reason = timing::Wait::Reason::Turn;
    return state_.objects[object].coming.empty() ? stuck.index
                                                 : state_.objects[object].coming.front();
  }

  /// Whether \p younger depends on \p older, be it over others.
  [[nodiscard]] bool isAwaitedBy(const Flight &older, const Flight &younger) const {
    const PlanInstruction &first = plan_.instructions[older.id];
    const PlanInstruction &second = plan_.instructions[younger.id];
    const auto registers = [this](std::uint32_t begin, std::uint32_t count) {
      return std::span(plan_.registers).subspan(begin, count);
    };
    const auto share = [](std::span<const std::uint32_t> some,
                          std::span<const std::uint32_t> others) {
      return std::ranges::find_first_of(some, others) != some.end();
    };
    const auto read = registers(second.firstRead, second.readCount);
    const auto written = registers(second.firstWrite, second.writeCount);
    const auto olderWritten = registers(first.firstWrite, first.writeCount);
    return share(read, olderWritten) || share(written, olderWritten) ||
           share(written, registers(first.firstRead, first.readCount)) ||
           meetByAddress(older, younger);
  }

  [[nodiscard]] bool meetByAddress(const Flight &older, const Flight &younger) const {
    const PlanInstruction &first = plan_.instructions[older.id];
    const PlanInstruction &second = plan_.instructions[younger.id];
    for (std::uint32_t i = 0; i != first.accessCount; ++i)
      for (std::uint32_t j = 0; j != second.accessCount; ++j) {
        const PlanAccess &one = plan_.accesses[first.firstAccess + i];
        const PlanAccess &other = plan_.accesses[second.firstAccess + j];
        if (one.tracked && other.tracked && one.conflictClass == other.conflictClass &&
            (one.isWrite || other.isWrite) && older.tracked[i] < younger.tracked[j] + other.bytes &&
            younger.tracked[j] < older.tracked[i] + one.bytes)
          return true;
      }
    return false;
  }

  /// The oldest instruction in the issue buffer that enters \p port first; there is one.
  [[nodiscard]] std::int64_t firstBuffered(std::uint32_t port) const {
    const auto standsThere = [&](const Flight &one) {
      return one.position == 0 && objectAt(plan_.instructions[one.id], 0) == port;
    };
    const auto first = std::find_if(state_.window.begin(), state_.window.end(), standsThere);
    ACADLC_CHECK(first != state_.window.end(),
                 "an instruction in the issue buffer waits for the port");
    return first->index;
  }

  timing::DeadlockReport reportDeadlock() {
    timing::DeadlockReport report;
    // After the last grant instructions may still finish, or become done where they are.
    report.time = std::max(state_.now, state_.end);
    for (const Flight &one : state_.window)
      if (one.ready != unknown)
        report.time = std::max(report.time, one.ready);
    const auto isStuck = [](const Flight &one) { return !one.finished; };
    const auto first = std::find_if(state_.window.begin(), state_.window.end(), isStuck);
    if (first == state_.window.end())
      return report;
    std::vector<std::int64_t> chain{first->index};
    while (true) {
      timing::Wait wait;
      const std::int64_t next = waitsFor(flight(chain.back()), wait);
      report.waits.push_back(wait);
      const auto seen = std::ranges::find(chain, next);
      if (seen != chain.end()) {
        report.waits.erase(report.waits.begin(), report.waits.begin() + (seen - chain.begin()));
        return report;
      }
      if (next < state_.base ||
          next >= state_.base + static_cast<std::int64_t>(state_.window.size()))
        return report;
      chain.push_back(next);
    }
  }

  const Plan &plan_;
  const EstimateOptions &options_;
  program::InstructionStream stream_;
  program::Instance next_; ///< the next instruction to be fetched, if hasNext_
  bool hasNext_ = false;
  std::vector<std::int64_t> pending_; ///< instructions that may have become able to go on
  std::vector<std::uint32_t> mergingObjects_;
  std::size_t mostAccesses_ = 0; ///< of an instruction
  bool limitReached_ = false;
  std::int64_t evaluated_ = 0; ///< instructions fetched one by one
  bool budgetReached_ = false;
  MergingState state_;
  LoopSearch loops_;
  bool mayJump_;
  Certificates certificates_;
  std::optional<UsageTotals> usage_; ///< if it is asked for
  timing::FetchPath fetchPath_;      ///< if that is so
};

} // namespace

timing::Evaluation evaluateInTimeOrder(const Plan &plan, const EstimateOptions &options) {
  return MergingEvaluator(plan, options).run();
}

} // namespace acadlc::aidg
