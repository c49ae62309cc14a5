#include "backend/simulate/Simulator.h"

#include "backend/simulate/DependenceTracker.h"
#include "backend/simulate/EventQueue.h"
#include "backend/simulate/OccupationSimulator.h"
#include "backend/simulate/UsageCounter.h"
#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"
#include "backend/timing/TimeLimit.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace acadlc::simulate {

namespace {

using arch::ArchitectureGraph;
using arch::ObjectId;
using program::Instance;
using program::Instruction;
using timing::InstructionTimes;

/// Something that will be over at a known time.
struct Event {
  enum class Kind : std::uint8_t {
    StageDone,    ///< the latency of the stage that holds instruction `id` has passed
    UnitFree,     ///< unit `id` can take its next instruction before the present one finishes
    Finish,       ///< instruction `id` finishes in a functional unit
    MakeRequest,  ///< the latency of the memory access unit that holds instruction `id` has passed
    Served,       ///< the request of instruction `id` has been served
    FetchRequest, ///< the latency of the instruction memory access unit has passed
    FetchServed,  ///< the fetch has its block
    FetchArrival, ///< the block reaches the issue buffer
  } kind{};
  std::uint32_t id = 0;
};

/// What all instances of an instruction have in common, resolved once.
struct Plan {
  const std::vector<ObjectId> *objects = nullptr; ///< stages, then the unit
  std::int64_t latency = 1;
  std::int64_t occupation = 1; ///< cycles from the start until the unit is free again
  bool isBranch = false;
};

/// An instruction between fetch and finish.
struct InFlight {
  const Instruction *instruction = nullptr;
  const Plan *plan = nullptr;
  std::int64_t index = 0;   ///< in the stream: its age
  std::size_t position = 0; ///< number of objects of its route that it has entered
  std::size_t requests = 0; ///< number of requests it has made
  std::size_t pending = 0;  ///< number of dependences that have not finished
  bool wantsGrant = false;  ///< has made a request that has not been granted
  bool isLive = false;
  InstructionTimes times;
  std::vector<Slot> dependents; ///< who depends on it
  std::vector<std::int64_t> addresses;
  std::vector<std::int64_t> loopValues; ///< for the observer

  [[nodiscard]] bool isInUnit() const { return position == plan->objects->size(); }
  [[nodiscard]] ObjectId next() const { return (*plan->objects)[position]; }
  [[nodiscard]] ObjectId place() const { return (*plan->objects)[position - 1]; }
};

/// A stage or unit as the thing that instructions enter.
struct Station {
  Slot occupant = noSlot; ///< who keeps the next one from entering
  bool isUnit = false;
  std::int64_t stageLatency = 1;
  bool isStageDone = false; ///< of a stage: its latency has passed for the occupant
  /// Whether instructions enter in program order although they come from several objects.
  bool keepsOrder = false;
  std::deque<std::int64_t> turns; ///< if so: indices of those that will enter and are in flight
  std::deque<Slot> buffered;      ///< in the issue buffer for this port, in program order
  std::vector<Slot> waiting;      ///< done in the objects before and waiting to enter
  bool isTouched = false;
};

/// The slots of a storage and who wants them.
struct StorageStation {
  struct Pending {
    std::int64_t age = 0; ///< index of the instruction; of a fetch, that of the first it brings
    Slot slot = noSlot;   ///< noSlot: the fetch
  };
  std::int64_t freeSlots = 1;
  bool keepsOrder = false;
  std::deque<std::int64_t> turns; ///< if so: index for each request not granted, of those in flight
  std::vector<Pending> pending;
  bool isTouched = false;

  /// The place in `pending` of the request that may be granted next; its size if there is none.
  [[nodiscard]] std::size_t choose() const {
    std::size_t best = pending.size();
    if (freeSlots == 0)
      return best;
    for (std::size_t i = 0; i < pending.size(); ++i)
      if (best == pending.size() || pending[i].age < pending[best].age)
        best = i;
    const bool mustWait =
        best != pending.size() && keepsOrder && !turns.empty() && turns.front() < pending[best].age;
    return mustWait ? pending.size() : best;
  }
};

/// Gives finished instructions to the observer in program order.
class OrderedDelivery {
public:
  explicit OrderedDelivery(const timing::InstructionObserver &observer) : observer_(observer) {}
  [[nodiscard]] bool isActive() const { return static_cast<bool>(observer_); }

  void finished(program::InstructionId id, InFlight &instruction) {
    const auto place = static_cast<std::size_t>(instruction.index - first_);
    if (waiting_.size() <= place)
      waiting_.resize(place + 1);
    waiting_[place] = {true, id, instruction.instruction, std::move(instruction.loopValues),
                       instruction.times};
    for (; !waiting_.empty() && waiting_.front().isFinished; waiting_.pop_front(), ++first_) {
      const Item &item = waiting_.front();
      observer_(Instance{item.instruction, item.id, first_, item.loopValues}, item.times);
    }
  }

private:
  struct Item {
    bool isFinished = false;
    program::InstructionId id = 0;
    const Instruction *instruction = nullptr;
    std::vector<std::int64_t> loopValues;
    InstructionTimes times;
  };
  const timing::InstructionObserver &observer_;
  std::deque<Item> waiting_;
  std::int64_t first_ = 0; ///< index of the front
};

/// One run. Each cycle with events has the phases that docs/timing.md names: release, then entries
/// and grants until nothing more happens, then perhaps a fetch.
class Simulation {
public:
  Simulation(const ArchitectureGraph &graph, const program::Program &program,
             const SimulateOptions &options)
      : graph_(graph), program_(program), options_(options), routes_(graph, program),
        storageModel_(graph), dependences_(graph), delivery_(options.observer), stream_(program) {
    const std::optional<timing::FetchPath> path = timing::fetchPath(graph);
    ACADLC_CHECK(path.has_value(), "checkEvaluable() holds");
    fetchPath_ = *path;
    buildPlans();
    buildStations();
    if (options.countUsage) {
      usage_.emplace(graph);
      storageModel_.noteLowerRequests();
    }
  }

  timing::Evaluation run() {
    timing::Evaluation result;
    const std::optional<program::Program::Totals> totals = program_.totals();
    if (!totals || timing::exceedsLongestLatency(graph_, program_)) {
      result.overflow = totals ? timing::Overflow::Latency : timing::Overflow::Counts;
      return result;
    }
    readAhead();
    settle();
    std::vector<Event> due;
    while (!overflow_ && !isStopped_ && advanceTime(due)) {
      for (const Event &event : due)
        handle(event);
      settle();
      takeSnapshots();
      isStopped_ = options_.isEnough && options_.isEnough();
    }
    result.cycles = lastFinish_;
    result.instructions = finishedCount_;
    result.kernelIterations = result.evaluatedIterations = totals->kernelIterations;
    if (overflow_)
      result.overflow = timing::Overflow::Cycles;
    result.limitReached = limitReached_ || isStopped_;
    if (!overflow_ && !isStopped_ && (liveCount_ != 0 || hasAhead_))
      result.deadlock = findDeadlock();
    if (usage_ && result.completed()) {
      usage_->settle(lastFinish_);
      result.usage = usage_->usage(lastFinish_);
    }
    return result;
  }

private:
  // ---- Preparation ---------------------------------------------------------------------------

  void buildPlans() {
    for (const Instruction &instruction : program_.instructions) {
      Plan plan;
      plan.objects = &routes_.objects(instruction.route);
      plan.latency = instruction.latency;
      plan.occupation = timing::occupation(graph_.objects[plan.objects->back()], instruction);
      plan.isBranch = plan.objects->back() == fetchPath_.unit;
      plans_.push_back(plan);
    }
  }

  void buildStations() {
    stations_.resize(graph_.objects.size());
    storages_.resize(graph_.objects.size());
    for (ObjectId id = 0; id < graph_.objects.size(); ++id) {
      const arch::Object &object = graph_.objects[id];
      const bool ordered = object.arbitration == arch::Arbitration::ProgramOrder;
      stations_[id].isUnit = arch::isUnit(object.objectClass);
      stations_[id].stageLatency = object.latency;
      stations_[id].keepsOrder = ordered && routes_.merges(id);
      storages_[id].freeSlots = object.slots();
      storages_[id].keepsOrder = ordered;
    }
  }

  // ---- Time ----------------------------------------------------------------------------------

  /// Goes on to the next cycle with events; false if there is none. Nothing changes in between.
  bool advanceTime(std::vector<Event> &due) {
    const std::int64_t before = now_;
    if (!events_.advance(now_, due))
      return false;
    if (usage_) {
      usage_->settle(lastFinish_);
      usage_->see(before, now_ - before, sightOfUsage());
    }
    return true;
  }

  /// Lets \p event happen \p delay cycles from now; at least 1.
  void schedule(std::int64_t delay, Event::Kind kind, std::uint32_t id) {
    const std::optional<std::int64_t> time = checkedAdd(now_, delay);
    if (!time || *time > timing::timeLimit || delay == timing::StorageModel::overflow) {
      overflow_ = true;
      return;
    }
    events_.push(*time, {kind, id});
  }

  /// The release phase for one event.
  void handle(const Event &event) {
    switch (event.kind) {
    case Event::Kind::StageDone: {
      const ObjectId next = inFlight_[event.id].next();
      stations_[inFlight_[event.id].place()].isStageDone = true;
      stations_[next].waiting.push_back(event.id);
      touch(next);
      return;
    }
    case Event::Kind::UnitFree:
      return vacate(event.id);
    case Event::Kind::Finish:
      return finish(event.id);
    case Event::Kind::MakeRequest:
      return makeRequest(event.id);
    case Event::Kind::Served:
      return served(event.id);
    case Event::Kind::FetchRequest:
      return requestFetch();
    case Event::Kind::FetchServed:
      return fetchServed();
    case Event::Kind::FetchArrival:
      return fetchArrived();
    }
  }

  /// What follows from the releases within this cycle. No entry or grant causes a request before
  /// the next cycle, a fetch start may (unit latency 0): hence the second round of grants.
  void settle() {
    enterAll();
    grantAll();
    startFetch();
    grantAll();
  }

  // ---- Fetch ---------------------------------------------------------------------------------

  void readAhead() {
    hasAhead_ = stream_.next(ahead_);
    if (hasAhead_ && ahead_.index >= options_.maxInstructions) {
      hasAhead_ = false;
      limitReached_ = true;
    }
  }

  void startFetch() {
    if (isFetching_ || branchUnderWay_ || !hasAhead_ ||
        fetchPath_.bufferSize - buffered_ < fetchPath_.width)
      return;
    isFetching_ = true;
    isFetchServed_ = wantsFetchGrant_ = false;
    if (fetchPath_.unitLatency == 0)
      requestFetch();
    else
      schedule(fetchPath_.unitLatency, Event::Kind::FetchRequest, 0);
  }

  void requestFetch() {
    wantsFetchGrant_ = true;
    storages_[fetchPath_.storage].pending.push_back({ahead_.index, noSlot});
    touchStorage(fetchPath_.storage);
  }

  void fetchServed() {
    isFetchServed_ = true;
    ++storages_[fetchPath_.storage].freeSlots;
    touchStorage(fetchPath_.storage);
    if (fetchPath_.stageLatency == 0)
      fetchArrived();
    else
      schedule(fetchPath_.stageLatency, Event::Kind::FetchArrival, 0);
  }

  void fetchArrived() {
    isFetching_ = false;
    for (std::int64_t i = 0; i < fetchPath_.width && hasAhead_ && !branchUnderWay_; ++i) {
      buffer(ahead_);
      readAhead();
    }
  }

  /// Puts an instruction into the issue buffer.
  void buffer(const Instance &instance) {
    const Slot slot = allocate();
    InFlight &record = inFlight_[slot];
    record.instruction = instance.instruction;
    record.plan = &plans_[instance.id];
    record.index = instance.index;
    record.position = record.requests = record.pending = 0;
    record.wantsGrant = false;
    record.isLive = true;
    record.times.fetched = now_;
    record.dependents.clear();
    record.addresses.clear();
    for (const program::MemoryOperand &operand : instance.instruction->memory) {
      record.addresses.push_back(program_.evaluate(operand.address, instance.loopValues));
      if (instance.instruction->makesRequests && storages_[operand.storage].keepsOrder)
        storages_[operand.storage].turns.push_back(instance.index);
    }
    if (delivery_.isActive())
      record.loopValues.assign(instance.loopValues.begin(), instance.loopValues.end());

    producers_.clear();
    dependences_.add(slot, *record.instruction, record.addresses, producers_);
    record.pending = producers_.size();
    for (const Slot producer : producers_)
      inFlight_[producer].dependents.push_back(slot);

    for (const ObjectId id : *record.plan->objects)
      if (stations_[id].keepsOrder)
        stations_[id].turns.push_back(record.index);
    const ObjectId port = record.plan->objects->front();
    stations_[port].buffered.push_back(slot);
    touch(port);
    ++buffered_;
    ++fetchedCount_;
    ++liveCount_;
    branchUnderWay_ = record.plan->isBranch;
  }

  Slot allocate() {
    if (freeSlots_.empty()) {
      inFlight_.emplace_back();
      return static_cast<Slot>(inFlight_.size() - 1);
    }
    const Slot slot = freeSlots_.back();
    freeSlots_.pop_back();
    return slot;
  }

  // ---- Stages and units ----------------------------------------------------------------------

  /// Notes that someone may be able to enter \p id in this cycle.
  void touch(ObjectId id) {
    if (stations_[id].isTouched)
      return;
    stations_[id].isTouched = true;
    touched_.push_back(id);
  }

  void vacate(ObjectId id) {
    stations_[id].occupant = noSlot;
    touch(id);
  }

  void enterAll() {
    // An entry frees the object before, which is touched in turn.
    while (!touched_.empty()) {
      const ObjectId id = touched_.back();
      touched_.pop_back();
      stations_[id].isTouched = false;
      if (stations_[id].occupant != noSlot)
        continue;
      const Slot slot = chooseEntrant(stations_[id]);
      if (slot != noSlot)
        enter(id, slot);
    }
  }

  /// The oldest of those that wait, unless the station waits for an older one.
  [[nodiscard]] Slot chooseEntrant(const Station &station) const {
    Slot best = station.buffered.empty() ? noSlot : station.buffered.front();
    for (const Slot slot : station.waiting)
      if (best == noSlot || inFlight_[slot].index < inFlight_[best].index)
        best = slot;
    if (best != noSlot && station.keepsOrder && station.turns.front() != inFlight_[best].index)
      return noSlot;
    return best;
  }

  void enter(ObjectId id, Slot slot) {
    Station &station = stations_[id];
    InFlight &record = inFlight_[slot];
    if (record.position == 0) {
      station.buffered.pop_front();
      --buffered_;
      record.times.issued = now_;
      // Another one of the same port may follow, but not before `id` is free again.
    } else {
      std::erase(station.waiting, slot);
      vacate((*record.plan->objects)[record.position - 1]);
    }
    if (station.keepsOrder)
      station.turns.pop_front();
    station.occupant = slot;
    station.isStageDone = false;
    ++record.position;
    if (!station.isUnit) {
      schedule(station.stageLatency, Event::Kind::StageDone, slot);
      return;
    }
    record.times.entered = now_;
    if (record.pending == 0)
      start(slot);
  }

  /// Everything that \p slot, which is in its unit, depends on has finished.
  void start(Slot slot) {
    InFlight &record = inFlight_[slot];
    const Plan &plan = *record.plan;
    record.times.started = now_;
    if (record.instruction->requestCount() != 0) {
      schedule(plan.latency, Event::Kind::MakeRequest, slot);
      return;
    }
    schedule(plan.latency, Event::Kind::Finish, slot);
    if (plan.occupation < plan.latency)
      schedule(plan.occupation, Event::Kind::UnitFree, plan.objects->back());
  }

  void finish(Slot slot) {
    InFlight &record = inFlight_[slot];
    record.times.finished = lastFinish_ = now_;
    for (const Slot dependent : record.dependents)
      if (--inFlight_[dependent].pending == 0 && inFlight_[dependent].isInUnit())
        start(dependent);
    dependences_.remove(slot, *record.instruction);
    const ObjectId unit = record.plan->objects->back();
    // A pipelined unit may hold another one by now.
    if (stations_[unit].occupant == slot)
      vacate(unit);
    if (record.plan->isBranch)
      branchUnderWay_ = false;
    if (delivery_.isActive())
      delivery_.finished(static_cast<program::InstructionId>(record.plan - plans_.data()), record);
    record.isLive = false;
    freeSlots_.push_back(slot);
    --liveCount_;
    ++finishedCount_;
  }

  // ---- Storages ------------------------------------------------------------------------------

  void touchStorage(ObjectId id) {
    if (storages_[id].isTouched)
      return;
    storages_[id].isTouched = true;
    touchedStorages_.push_back(id);
  }

  void makeRequest(Slot slot) {
    InFlight &record = inFlight_[slot];
    record.wantsGrant = true;
    const ObjectId storage = record.instruction->memory[record.requests++].storage;
    storages_[storage].pending.push_back({record.index, slot});
    touchStorage(storage);
  }

  void served(Slot slot) {
    const InFlight &record = inFlight_[slot];
    const ObjectId storage = record.instruction->memory[record.requests - 1].storage;
    ++storages_[storage].freeSlots;
    touchStorage(storage);
    if (record.requests < record.instruction->memory.size())
      makeRequest(slot);
    else
      finish(slot);
  }

  /// Grants what can be granted in this cycle, the oldest request of all storages first: storages
  /// may share one below them, whose state depends on the order.
  void grantAll() {
    for (;;) {
      ObjectId best = arch::noObject;
      std::size_t bestPlace = 0;
      std::int64_t bestAge = 0;
      for (const ObjectId id : touchedStorages_) {
        const std::size_t place = storages_[id].choose();
        if (place == storages_[id].pending.size())
          continue;
        const std::int64_t age = storages_[id].pending[place].age;
        if (best == arch::noObject || age < bestAge) {
          best = id;
          bestPlace = place;
          bestAge = age;
        }
      }
      if (best == arch::noObject)
        break;
      grant(best, bestPlace);
    }
    for (const ObjectId id : touchedStorages_)
      storages_[id].isTouched = false;
    touchedStorages_.clear();
  }

  void grant(ObjectId id, std::size_t place) {
    StorageStation &storage = storages_[id];
    const Slot slot = storage.pending[place].slot;
    storage.pending[place] = storage.pending.back();
    storage.pending.pop_back();
    --storage.freeSlots;
    if (slot == noSlot) {
      wantsFetchGrant_ = false;
      schedule(fetchPath_.serviceTime, Event::Kind::FetchServed, 0);
      return;
    }
    if (storage.keepsOrder)
      storage.turns.pop_front();
    InFlight &record = inFlight_[slot];
    record.wantsGrant = false;
    const std::size_t number = record.requests - 1;
    const program::MemoryOperand &operand = record.instruction->memory[number];
    const timing::Request request{record.addresses[number], operand.bytes, operand.isWrite};
    const std::int64_t service = storageModel_.serve(id, request, now_);
    if (usage_)
      usage_->addLower(storageModel_.lowerRequests());
    schedule(service, Event::Kind::Served, slot);
  }

  // ---- Usage ---------------------------------------------------------------------------------

  /// What objects do in the present cycle.
  [[nodiscard]] UsageSight sightOfUsage() const {
    UsageSight sight;
    sight.buffered = buffered_;
    for (ObjectId id = 0; id < graph_.objects.size(); ++id) {
      timing::ObjectUsage &usage = sight.objects.emplace_back();
      const Station &station = stations_[id];
      if (station.occupant != noSlot) {
        const InFlight &record = inFlight_[station.occupant];
        usage.taken = 1;
        usage.next = !station.isUnit && station.isStageDone ? 1 : 0;
        usage.operands = station.isUnit && record.pending > 0 ? 1 : 0;
        usage.requests = station.isUnit && record.wantsGrant ? 1 : 0;
      } else if (arch::isStorage(graph_.objects[id].objectClass)) {
        usage.taken = graph_.objects[id].slots() - storages_[id].freeSlots;
      }
    }
    if (isFetching_) {
      for (const ObjectId id : {fetchPath_.stage, fetchPath_.unit}) {
        if (id == fetchPath_.unit && isFetchServed_)
          continue;
        ++sight.objects[id].taken;
        sight.objects[id].requests += wantsFetchGrant_ ? 1 : 0;
      }
    }
    return sight;
  }

  // ---- Snapshots -----------------------------------------------------------------------------

  void takeSnapshots() {
    for (; snapshotCount_ < options_.snapshotsAt.size() &&
           options_.snapshotsAt[snapshotCount_] < fetchedCount_;
         ++snapshotCount_)
      options_.snapshotObserver(snapshot(options_.snapshotsAt[snapshotCount_]));
  }

  /// Indices of instructions in flight, ascending. Only their order matters for what happens, so
  /// snapshots name them by their places.
  using Ages = std::vector<std::int64_t>;

  /// Of an index that is in flight; the youngest is −1.
  [[nodiscard]] static std::int64_t placeOf(std::int64_t index, const Ages &ages) {
    return std::ranges::lower_bound(ages, index) - ages.end();
  }

  /// Whether nobody can wait for what is left of it: it has left its unit to others and touches
  /// nothing that others touch. It matters for the end of the stream alone.
  [[nodiscard]] bool isForgotten(Slot slot) const {
    const InFlight &flight = inFlight_[slot];
    const Instruction &instruction = *flight.instruction;
    return flight.isInUnit() && stations_[flight.plan->objects->back()].occupant != slot &&
           !flight.plan->isBranch && instruction.reads.empty() && instruction.writes.empty() &&
           instruction.memory.empty();
  }

  /// The state relative to the instruction \p base. What follows from it is left out: registers and
  /// bytes that unfinished instructions touch follow from which ones these are.
  [[nodiscard]] StateSnapshot snapshot(std::int64_t base) const {
    StateSnapshot state;
    state.index = base;
    state.time = now_;
    std::vector<Slot> live;
    for (Slot slot = 0; slot < inFlight_.size(); ++slot)
      if (inFlight_[slot].isLive && !isForgotten(slot))
        live.push_back(slot);
    std::ranges::sort(live, {}, [this](Slot slot) { return inFlight_[slot].index; });
    Ages ages;
    for (const Slot slot : live) {
      ages.push_back(inFlight_[slot].index);
      state.flights.push_back(static_cast<std::uint32_t>(inFlight_[slot].plan - plans_.data()));
      if (ages.back() >= base)
        state.arrived.push_back(state.flights.back());
    }
    state.addPart("the fetch") = {fetchedCount_ - base, isFetching_ ? 1 : 0,
                                  branchUnderWay_ ? 1 : 0, buffered_};
    std::vector<std::int64_t> flights, stations, requests;
    for (const Slot slot : live)
      appendFlight(inFlight_[slot], ages, flights);
    for (const Station &station : stations_)
      appendStation(station, ages, stations);
    for (const StorageStation &storage : storages_)
      appendStorage(storage, ages, requests);
    state.addPart("how far instructions have come") = std::move(flights);
    state.addPart("who is in, or waits for, stages and units") = std::move(stations);
    state.addPart("requests and free slots of storages") = std::move(requests);
    state.addPart("when what is under way will be over") = comingEvents(ages);
    state.contents = contentsOf(storageModel_, graph_, now_);
    return state;
  }

  /// Appends the number of \p slots and their places in ascending order.
  template <typename Slots>
  void appendSlots(const Slots &slots, const Ages &ages, std::vector<std::int64_t> &out) const {
    out.push_back(static_cast<std::int64_t>(slots.size()));
    const auto first = static_cast<std::ptrdiff_t>(out.size());
    for (const Slot slot : slots)
      out.push_back(placeOf(inFlight_[slot].index, ages));
    std::sort(out.begin() + first, out.end());
  }

  static void appendTurns(const std::deque<std::int64_t> &turns, const Ages &ages,
                          std::vector<std::int64_t> &out) {
    out.push_back(static_cast<std::int64_t>(turns.size()));
    for (const std::int64_t index : turns)
      out.push_back(placeOf(index, ages));
  }

  void appendFlight(const InFlight &flight, const Ages &ages,
                    std::vector<std::int64_t> &out) const {
    for (const std::size_t number : {flight.position, flight.requests, flight.pending})
      out.push_back(static_cast<std::int64_t>(number));
    appendSlots(flight.dependents, ages, out);
  }

  void appendStation(const Station &station, const Ages &ages,
                     std::vector<std::int64_t> &out) const {
    std::vector<Slot> occupants;
    if (station.occupant != noSlot)
      occupants.push_back(station.occupant);
    appendSlots(occupants, ages, out);
    appendSlots(station.buffered, ages, out);
    appendSlots(station.waiting, ages, out);
    appendTurns(station.turns, ages, out);
  }

  static void appendStorage(const StorageStation &storage, const Ages &ages,
                            std::vector<std::int64_t> &out) {
    out.push_back(storage.freeSlots);
    appendTurns(storage.turns, ages, out);
    std::vector<std::int64_t> pending;
    for (const StorageStation::Pending &request : storage.pending)
      pending.push_back(placeOf(request.age, ages)); // 0: the fetch
    std::ranges::sort(pending);
    out.push_back(static_cast<std::int64_t>(pending.size()));
    out.insert(out.end(), pending.begin(), pending.end());
  }

  /// Relative times, kinds and whom they are about, in order.
  [[nodiscard]] std::vector<std::int64_t> comingEvents(const Ages &ages) const {
    std::vector<std::array<std::int64_t, 3>> events;
    events_.forEach([&](std::int64_t time, const Event &event) {
      const bool isOfInstruction =
          event.kind == Event::Kind::StageDone || event.kind == Event::Kind::Finish ||
          event.kind == Event::Kind::MakeRequest || event.kind == Event::Kind::Served;
      if (isOfInstruction && isForgotten(event.id))
        return;
      events.push_back({time - now_, static_cast<std::int64_t>(event.kind),
                        isOfInstruction ? placeOf(inFlight_[event.id].index, ages) : event.id});
    });
    std::ranges::sort(events);
    std::vector<std::int64_t> values;
    for (const std::array<std::int64_t, 3> &event : events)
      values.insert(values.end(), event.begin(), event.end());
    return values;
  }

  // ---- Deadlock ------------------------------------------------------------------------------

  /// Why an instruction does not go on, and for whom it waits.
  struct Blocked {
    timing::Wait wait;
    Slot by = noSlot;
  };

  /// Follows the waits from the oldest instruction until they close a cycle. Each instruction waits
  /// for one other; the cycle is what is left when the way into it is cut off.
  [[nodiscard]] timing::DeadlockReport findDeadlock() const {
    Slot oldest = noSlot;
    for (Slot slot = 0; slot < inFlight_.size(); ++slot)
      if (inFlight_[slot].isLive &&
          (oldest == noSlot || inFlight_[slot].index < inFlight_[oldest].index))
        oldest = slot;
    ACADLC_CHECK(oldest != noSlot, "fetching goes on while no instruction is in flight");

    timing::DeadlockReport report;
    report.time = now_;
    std::vector<Slot> path;
    for (Slot slot = oldest;;) {
      const auto seen = std::find(path.begin(), path.end(), slot);
      if (seen != path.end()) {
        report.waits.erase(report.waits.begin(), report.waits.begin() + (seen - path.begin()));
        return report;
      }
      const Blocked blocked = whyBlocked(slot);
      path.push_back(slot);
      report.waits.push_back(blocked.wait);
      slot = blocked.by;
    }
  }

  [[nodiscard]] Blocked whyBlocked(Slot slot) const {
    using Reason = timing::Wait::Reason;
    const InFlight &record = inFlight_[slot];
    Blocked result;
    result.wait.index = record.index;
    result.wait.instruction =
        record.instruction->operation + " (instruction " + std::to_string(record.index) + ")";
    result.wait.range = record.instruction->range;
    if (record.position > 0)
      result.wait.where = (*record.plan->objects)[record.position - 1];

    if (record.isInUnit()) {
      if (record.pending > 0) {
        result.wait.object = result.wait.where;
        result.wait.reason = Reason::Dependence;
        result.by = producerOf(slot);
        return result;
      }
      result.wait.object = record.instruction->memory[record.requests - 1].storage;
      result.wait.reason = Reason::Turn;
      result.by = slotOf(storages_[result.wait.object].turns.front());
      return result;
    }
    const Station &station = stations_[record.next()];
    result.wait.object = record.next();
    if (record.position == 0 && station.buffered.front() != slot) {
      result.wait.reason = Reason::Behind;
      result.by = station.buffered.front();
    } else if (station.occupant != noSlot) {
      result.wait.reason = Reason::Occupied;
      result.by = station.occupant;
    } else {
      result.wait.reason = Reason::Turn;
      result.by = slotOf(station.turns.front());
    }
    return result;
  }

  /// The oldest instruction in flight that the one in \p slot depends on.
  [[nodiscard]] Slot producerOf(Slot slot) const {
    Slot oldest = noSlot;
    for (Slot other = 0; other < inFlight_.size(); ++other)
      if (inFlight_[other].isLive && inFlight_[other].index < inFlight_[slot].index &&
          dependsOn(inFlight_[slot], inFlight_[other]) &&
          (oldest == noSlot || inFlight_[other].index < inFlight_[oldest].index))
        oldest = other;
    ACADLC_CHECK(oldest != noSlot, "a pending dependence is in flight");
    return oldest;
  }

  [[nodiscard]] static bool dependsOn(const InFlight &younger, const InFlight &older) {
    const auto meet = [](const std::vector<arch::RegisterId> &some,
                         const std::vector<arch::RegisterId> &others) {
      return std::ranges::find_first_of(some, others) != some.end();
    };
    const Instruction &first = *older.instruction, &second = *younger.instruction;
    if (meet(second.reads, first.writes) || meet(second.writes, first.writes) ||
        meet(second.writes, first.reads))
      return true;
    for (std::size_t i = 0; i < second.memory.size(); ++i)
      for (std::size_t j = 0; j < first.memory.size(); ++j) {
        const program::MemoryOperand &one = second.memory[i], &other = first.memory[j];
        if (one.memory == other.memory && (one.isWrite || other.isWrite) &&
            younger.addresses[i] < older.addresses[j] + other.bytes &&
            older.addresses[j] < younger.addresses[i] + one.bytes)
          return true;
      }
    return false;
  }

  [[nodiscard]] Slot slotOf(std::int64_t index) const {
    for (Slot slot = 0; slot < inFlight_.size(); ++slot)
      if (inFlight_[slot].isLive && inFlight_[slot].index == index)
        return slot;
    ACADLC_CHECK(false, "an instruction that others wait for is in flight");
    return noSlot;
  }

  const ArchitectureGraph &graph_;
  const program::Program &program_;
  const SimulateOptions &options_;
  timing::FetchPath fetchPath_;
  timing::RouteTable routes_;
  timing::StorageModel storageModel_;
  DependenceTracker dependences_;
  OrderedDelivery delivery_;
  std::vector<Plan> plans_; ///< by instruction

  program::InstructionStream stream_;
  Instance ahead_; ///< the next instance to fetch
  bool hasAhead_ = false;
  bool limitReached_ = false;
  bool isFetching_ = false;
  bool isFetchServed_ = false;   ///< the fetch under way has its block
  bool wantsFetchGrant_ = false; ///< it has made its request
  bool branchUnderWay_ = false;  ///< a branch is between its arrival in the buffer and its finish
  std::int64_t buffered_ = 0;    ///< instructions in the issue buffer

  std::int64_t now_ = 0;
  EventQueue<Event> events_;
  std::optional<UsageCounter> usage_;    ///< if it is asked for
  std::vector<Station> stations_;        ///< by object
  std::vector<StorageStation> storages_; ///< by object
  std::vector<ObjectId> touched_, touchedStorages_;
  std::vector<InFlight> inFlight_; ///< by slot
  std::vector<Slot> freeSlots_;
  std::vector<Slot> producers_; ///< reused by buffer()

  std::int64_t fetchedCount_ = 0, liveCount_ = 0, finishedCount_ = 0, lastFinish_ = 0;
  std::size_t snapshotCount_ = 0; ///< that have been taken
  bool overflow_ = false;
  bool isStopped_ = false; ///< by options_.isEnough
};

} // namespace

timing::Evaluation simulate(const ArchitectureGraph &graph, const program::Program &program,
                            const SimulateOptions &options) {
  if (timing::usesOccupations(graph, program))
    return simulateOccupations(graph, program, options);
  return Simulation(graph, program, options).run();
}

} // namespace acadlc::simulate
