#include "backend/aidg/occupation/OccupationEngine.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;

// ---- who enters --------------------------------------------------------------------------------

/// Lets \p object take what it can in this cycle.
void OccupationEngine::take(arch::ObjectId object) {
  const OccupationObject &planned = plan_.objects[object];
  OccupationObjectState &state = state_.objects[object];
  FlightId entering = none;
  switch (planned.kind) {
  case Kind::Stage:
    if (state.occupant == none)
      entering = pick(object);
    break;
  case Kind::Queue:
    if (state.lastEntry != state_.now)
      entering = pick(object);
    break;
  case Kind::Unit:
    if (planned.windowOn != arch::noObject) {
      takeStep(object);
      return;
    }
    entering = pick(object);
    if (entering != none && !accepts(object, entering))
      entering = none;
    break;
  default:
    return;
  }
  if (entering != none)
    enter(entering, object);
}

/// The instruction whose turn it is to enter \p object, if it may leave where it is.
FlightId OccupationEngine::pick(arch::ObjectId object) {
  const OccupationObject &planned = plan_.objects[object];
  const bool isQueue = planned.kind == Kind::Queue;
  if (planned.order == none)
    return pickReady(object, isQueue);
  const Ring<OrderEntry> &order = state_.orders[planned.order];
  if (order.empty())
    return none;
  const OrderEntry front = order.front();
  FlightId first = !front.emitted && mayLeave(front.flight, object) ? front.flight : none;
  // What is being offered stands in the list only when it has been handed on.
  for (const arch::ObjectId source : planned.predecessors) {
    const FlightId offered = state_.objects[source].offered;
    if (offered != none && nextObject(offered) == object &&
        !isOlder(front, OrderEntry{offered, false, 0}))
      first = offered;
  }
  return first != none && (!isQueue || hasEntry(object, first)) ? first : none;
}

/// The oldest of those that may leave what stands in front.
FlightId OccupationEngine::pickReady(arch::ObjectId object, bool mustHaveEntry) {
  scratch_.clear();
  const OccupationObject &planned = plan_.objects[object];
  for (const arch::ObjectId source : planned.predecessors)
    offersOf(source, object, scratch_);
  FlightId oldest = none;
  for (const FlightId id : scratch_)
    if ((oldest == none || isOlder(id, oldest)) && (!mustHaveEntry || hasEntry(object, id)))
      oldest = id;
  return oldest;
}

void OccupationEngine::offersOf(arch::ObjectId source, arch::ObjectId target,
                                std::vector<FlightId> &offers) {
  OccupationObjectState &state = state_.objects[source];
  const auto offer = [&](FlightId id) {
    if (nextObject(id) == target && mayLeave(id, target))
      offers.push_back(id);
  };
  switch (plan_.objects[source].kind) {
  case Kind::Fetch:
    if (!state_.objects[target].buffered.empty())
      offers.push_back(state_.objects[target].buffered.front());
    return;
  case Kind::Stage:
    if (state.occupant != none)
      offer(state.occupant);
    return;
  case Kind::Queue:
    for (const Bucket &bucket : state.buckets)
      if (const FlightId head = headOf(source, bucket); head != none && nextObject(head) == target)
        offers.push_back(head);
    return;
  default:
    if (state.offered != none && nextObject(state.offered) == target)
      offers.push_back(state.offered);
  }
}

/// Whether \p id may leave for \p target, by the state that the cycle began with.
bool OccupationEngine::mayLeave(FlightId id, arch::ObjectId target) {
  const OccupationFlight &leaving = flight(id);
  if (leaving.position == 0) {
    if (leaving.level != 0)
      return false; // it has been handed on, so it has entered something
    const Fifo &buffered = state_.objects[target].buffered;
    return !buffered.empty() && buffered.front() == id;
  }
  if (nextObject(id) != target)
    return false;
  const arch::ObjectId place = route(id)[leaving.position - 1];
  if (plan_.objects[place].kind != Kind::Queue)
    return leaving.ready <= state_.now;
  return headOf(place, bucketOf(place, id)) == id;
}

/// The one of a bucket that may leave in this cycle; none if none may.
FlightId OccupationEngine::headOf(arch::ObjectId queue, const Bucket &bucket) {
  if (bucket.lastLeave == state_.now)
    return none;
  for (const FlightId id : bucket.flights) {
    if (flight(id).entry < state_.now && isReadyIn(id, queue))
      return id;
    if (plan_.queue(queue).issueInOrder)
      return none;
  }
  return none;
}

/// Whether the hazards of a queue or station let \p id go.
bool OccupationEngine::isReadyIn(FlightId id, arch::ObjectId queue) {
  const QueuePlan &planned = plan_.queue(queue);
  if (!planned.hasHazards)
    return true;
  if (flight(id).hazardWaits != 0)
    return false;
  return planned.entryInOrder || !planned.mayBeFedByExpansion || state_.expanders.empty() ||
         !awaitsUnemitted(id, queue);
}

// ---- going from one object to the next ---------------------------------------------------------

void OccupationEngine::enter(FlightId id, arch::ObjectId object) {
  note();
  leave(id);
  if (const std::uint32_t list = plan_.objects[object].order; list != none)
    removeTurn(list, id, false, 1);
  OccupationFlight &moving = flight(id);
  ++moving.position;
  moving.entry = state_.now;
  state_.objects[object].lastEntry = state_.now;
  switch (plan_.objects[object].kind) {
  case Kind::Stage:
    state_.objects[object].occupant = id;
    at(plan_.graph->objects[object].latency, TimedEvent::Kind::StageDone, id);
    moving.ready = state_.now + plan_.graph->objects[object].latency;
    return;
  case Kind::Queue:
    enterQueue(id, object);
    return;
  default:
    enterUnit(id, object);
  }
}

void OccupationEngine::leave(FlightId id) {
  const OccupationFlight &leaving = flight(id);
  const std::uint32_t position = leaving.position;
  if (position == 0) {
    if (leaving.expansion != none) {
      handOn(id);
    } else {
      const arch::ObjectId port = nextObject(id);
      Fifo &buffered = state_.objects[port].buffered;
      buffered.pop();
      ++state_.bufferFree;
      if (!buffered.empty())
        state_.nextDirty.push_back(port);
    }
    if (instruction(id).lastStation == none) {
      flight(id).times.issued = state_.now;
      happen(id, program::issuedEvent);
    }
    return;
  }
  const arch::ObjectId place = route(id)[position - 1];
  if (plan_.objects[place].kind == Kind::Queue) {
    leaveQueue(id, place);
    return;
  }
  state_.objects[place].occupant = none;
  state_.dirty.insert(plan_.objects[place].rank);
}

// ---- queues and stations -----------------------------------------------------------------------

bool OccupationEngine::hasEntry(arch::ObjectId queue, FlightId id) const {
  const QueuePlan &planned = plan_.queue(queue);
  const OccupationObjectState &state = state_.objects[queue];
  if (planned.capacity != 0)
    return state.used < planned.capacity;
  for (std::size_t i = 0; i != planned.classes.size(); ++i)
    if (planned.classes[i].name == instruction(id).className)
      return state.classUsed[i] < planned.classes[i].count;
  ACADLC_CHECK(false, "a queue has entries for the class of what passes it");
  return false;
}

void OccupationEngine::takeEntry(arch::ObjectId queue, FlightId id, std::int64_t change) {
  const QueuePlan &planned = plan_.queue(queue);
  OccupationObjectState &state = state_.objects[queue];
  state.used += change;
  if (planned.capacity == 0)
    for (std::size_t i = 0; i != planned.classes.size(); ++i)
      if (planned.classes[i].name == instruction(id).className)
        state.classUsed[i] += change;
}

/// Those that leave one after the other: of a queue in order all, of a station in order a class,
/// else those with the same successor.
Bucket &OccupationEngine::bucketOf(arch::ObjectId queue, FlightId id) {
  const QueuePlan &planned = plan_.queue(queue);
  std::uint32_t key = 0;
  if (planned.windowOf != arch::noObject)
    key = 0;
  else if (!planned.issueInOrder)
    key = nextObject(id);
  else if (planned.isStation)
    key = instruction(id).className;
  std::vector<Bucket> &buckets = state_.objects[queue].buckets;
  for (Bucket &bucket : buckets)
    if (bucket.key == key)
      return bucket;
  return buckets.emplace_back(Bucket{key, {}, -1});
}

void OccupationEngine::enterQueue(FlightId id, arch::ObjectId queue) {
  const QueuePlan &planned = plan_.queue(queue);
  takeEntry(queue, id, 1);
  const std::uint32_t position = flight(id).position - 1;
  if (planned.isStation) {
    flight(id).entriesHeld |= std::uint64_t{1} << position;
    if (position == instruction(id).lastStation)
      flight(id).times.allocated = state_.now;
  }
  if (planned.hasHazards)
    addHazards(id, queue);
  // Another may enter in the next cycle.
  state_.nextDirty.push_back(queue);
  const bool onlyReady =
      planned.hasHazards && !planned.issueInOrder && planned.windowOf == arch::noObject;
  if (onlyReady && flight(id).hazardWaits != 0)
    return;
  Bucket &bucket = bucketOf(queue, id);
  sortIn(bucket.flights, id);
  if (planned.windowOf != arch::noObject) {
    const arch::ObjectId stage = plan_.graph->objects[planned.windowOf].container;
    at(1 + plan_.graph->objects[stage].latency, TimedEvent::Kind::Object, planned.windowOf);
  } else if (bucket.flights.front() == id || onlyReady) {
    // Those in front of it may still await what has not been handed on.
    state_.nextDirty.push_back(nextObject(id));
  }
}

/// The hazards of \p id are over.
void OccupationEngine::becameReady(FlightId id) {
  const arch::ObjectId queue = route(id)[flight(id).position - 1];
  const QueuePlan &planned = plan_.queue(queue);
  if (planned.windowOf != arch::noObject) {
    state_.dirty.insert(plan_.objects[planned.windowOf].rank);
    return;
  }
  if (!planned.issueInOrder) {
    Bucket &bucket = bucketOf(queue, id);
    if (const auto place = placeByAge(bucket.flights, id);
        place == bucket.flights.end() || *place != id)
      bucket.flights.insert(place, id);
  }
  state_.dirty.insert(plan_.objects[nextObject(id)].rank);
}

void OccupationEngine::leaveQueue(FlightId id, arch::ObjectId queue) {
  const QueuePlan &planned = plan_.queue(queue);
  Bucket &bucket = bucketOf(queue, id);
  const auto place = placeByAge(bucket.flights, id);
  ACADLC_CHECK(place != bucket.flights.end() && *place == id, "who leaves a queue stands in it");
  bucket.flights.erase(place);
  bucket.lastLeave = state_.now;
  wakeBehind(queue, bucket);
  if (!planned.isStation) {
    takeEntry(queue, id, -1);
    state_.dirty.insert(plan_.objects[queue].rank);
    return;
  }
  const std::uint32_t position = flight(id).position - 1;
  if (planned.release[flight(id).id] == program::issuedEvent)
    releaseEntry(id, position);
  if (planned.hasHazards)
    state_.deferred.push_back({Deferred::Kind::LeftStation, id, queue});
  if (position == instruction(id).lastStation) {
    flight(id).times.issued = state_.now;
    happen(id, program::issuedEvent);
  }
}

void OccupationEngine::wakeBehind(arch::ObjectId queue, const Bucket &bucket) {
  if (const arch::ObjectId unit = plan_.queue(queue).windowOf; unit != arch::noObject)
    state_.nextDirty.push_back(unit);
  else if (!bucket.flights.empty())
    state_.nextDirty.push_back(nextObject(bucket.flights.front()));
}

// ---- units -------------------------------------------------------------------------------------

bool OccupationEngine::accepts(arch::ObjectId unit, FlightId id) {
  const OccupationObjectState &state = state_.objects[unit];
  if (state.lastEntry == state_.now)
    return false;
  if (state.occupants.empty())
    return state.foreign == 0;
  // Those that it expands at once it takes in program order.
  const auto mayStandBefore = [this, id](FlightId other) {
    return instruction(other).expands && isOlder(other, id);
  };
  return instruction(id).expands && std::ranges::all_of(state.occupants, mayStandBefore) &&
         static_cast<std::int64_t>(state.occupants.size()) <
             plan_.graph->objects[unit].maxConcurrentExpansions;
}

void OccupationEngine::enterUnit(FlightId id, arch::ObjectId unit) {
  OccupationFlight &entering = flight(id);
  const OccupationInstruction &planned = instruction(id);
  const bool declared = plan_.objects[unit].windowOn != arch::noObject;
  OccupationObjectState &state = state_.objects[unit];
  entering.inUnit = true;
  entering.times.entered = state_.now;
  if (!declared) {
    ++state.stepsTaken;
    state.activeSteps.push_back(state.stepsTaken);
  }
  entering.step = state.stepsTaken;
  entering.partLeft = planned.part;
  if (planned.part == 0)
    entering.partLeft = declared && planned.hasPhases ? planned.firstPhases : 1;
  state.occupants.push_back(id);
  starting_.push_back(id);
  if (!declared)
    formGroup({&id, 1});
  // Another that expands may enter in the next cycle.
  if (plan_.graph->objects[unit].maxConcurrentExpansions > 1)
    state_.nextDirty.push_back(unit);
}

/// Nothing of \p id keeps its unit any more.
void OccupationEngine::partOver(FlightId id) {
  OccupationFlight &over = flight(id);
  if (over.partDone)
    return;
  over.partDone = true;
  if (part_ == Part::Begin)
    state_.deferred.push_back({Deferred::Kind::UnitFree, id, 0});
  else
    freeUnit(id);
}

void OccupationEngine::freeUnit(FlightId id) {
  const arch::ObjectId unit = instruction(id).unit;
  OccupationObjectState &state = state_.objects[unit];
  if (plan_.objects[unit].windowOn == arch::noObject) {
    leaveUnit(id);
  } else {
    // The instructions of a step have the unit until it ends.
    if (--state.partsLeft != 0)
      return;
    while (!state.occupants.empty())
      leaveUnit(state.occupants.back());
  }
  endStep(unit, flight(id).step);
  state_.dirty.insert(plan_.objects[unit].rank);
  if (state.occupants.empty() && state.foreign == 0)
    wake(unit);
}

/// The unit does not process \p id any more. What its phases still hold is held like that of
/// others.
void OccupationEngine::leaveUnit(FlightId id) {
  OccupationObjectState &state = state_.objects[instruction(id).unit];
  flight(id).unitFreed = true;
  state.foreign += flight(id).ownHeld;
  state.inner -= flight(id).ownHeld;
  std::erase(state.occupants, id);
}

void OccupationEngine::endStep(arch::ObjectId unit, std::int64_t number) {
  const auto low = static_cast<std::uint32_t>(number);
  if (part_ == Part::Release)
    stepEnded(unit, low);
  else
    state_.deferred.push_back({Deferred::Kind::StepEnded, unit, low});
}

void OccupationEngine::stepEnded(arch::ObjectId unit, std::uint32_t number) {
  OccupationObjectState &state = state_.objects[unit];
  std::erase_if(state.activeSteps,
                [&](std::int64_t one) { return static_cast<std::uint32_t>(one) == number; });
  // Each may begin and end at once, so the list is gone through by a copy.
  const ScratchCopy waiting(candidates_, state.stepWaiters);
  for (std::size_t i = 0; i != waiting.size(); ++i) {
    const Candidate waiter = waiting[i];
    if (flight(waiter.flight).id != none &&
        isStepOver(unit,
                   flight(waiter.flight).step + phase(waiter.flight, waiter.part).afterStep)) {
      std::erase(state_.objects[unit].stepWaiters, waiter); // it looks for itself from now on
      advance(waiter.flight);
    }
  }
}

bool OccupationEngine::isStepOver(arch::ObjectId unit, std::int64_t number) const {
  const OccupationObjectState &state = state_.objects[unit];
  return state.stepsTaken >= number &&
         std::ranges::find(state.activeSteps, number) == state.activeSteps.end();
}

// ---- steps -------------------------------------------------------------------------------------

/// Lets a unit take its next step out of the queue in front of its stage.
void OccupationEngine::takeStep(arch::ObjectId unit) {
  OccupationObjectState &state = state_.objects[unit];
  if (state.isProcessing() || state.foreign != 0 || state.lastEntry == state_.now)
    return;
  std::size_t longest = 1;
  for (const UnitStepPlan &step : plan_.objects[unit].steps)
    longest = std::max(longest, step.taken.size() + step.behind.size());
  findVisible(unit, longest);
  const std::size_t taken = matchStep(unit);
  if (taken == 0)
    return;
  ++state.stepsTaken;
  state.activeSteps.push_back(state.stepsTaken);
  state.partsLeft = static_cast<std::uint32_t>(taken);
  visible_.resize(taken);
  for (const FlightId id : visible_) {
    note();
    leave(id);
    flight(id).position += 2; // the queue is looked into past the stage
    flight(id).entry = state_.now;
    state_.objects[unit].lastEntry = state_.now;
    enterUnit(id, unit);
  }
  formGroup(visible_);
}

/// Fills visible_ with what the unit sees, the oldest in front.
void OccupationEngine::findVisible(arch::ObjectId unit, std::size_t most) {
  visible_.clear();
  const arch::ObjectId queue = plan_.objects[unit].windowOn;
  const QueuePlan &planned = plan_.queue(queue);
  const Cycle latency = plan_.graph->objects[plan_.graph->objects[unit].container].latency;
  if (state_.objects[queue].buckets.empty())
    return;
  for (const FlightId id : state_.objects[queue].buckets.front().flights) {
    if (visible_.size() == most)
      return;
    if (flight(id).entry >= state_.now)
      continue;
    if (planned.isStation && !isReadyIn(id, queue))
      return;
    if (flight(id).entry + 1 + latency > state_.now)
      return; // on its way through the window it stands before those that are younger
    visible_.push_back(id);
  }
}

/// How many of the visible instructions the first step that fits takes; 0 if none does.
std::size_t OccupationEngine::matchStep(arch::ObjectId unit) {
  if (visible_.empty())
    return 0;
  const auto operation = [this](std::size_t i) { return instruction(visible_[i]).operation; };
  bool begins = false;
  for (const UnitStepPlan &step : plan_.objects[unit].steps) {
    begins |= step.taken.front() == operation(0);
    if (step.taken.size() + step.behind.size() > visible_.size())
      continue;
    bool fits = true;
    for (std::size_t i = 0; fits && i != step.taken.size(); ++i)
      fits = operation(i) == step.taken[i];
    for (std::size_t i = 0; fits && i != step.behind.size(); ++i)
      fits = operation(step.taken.size() + i) == step.behind[i];
    if (fits)
      return step.taken.size();
  }
  return begins ? 0 : 1;
}

} // namespace acadlc::aidg
