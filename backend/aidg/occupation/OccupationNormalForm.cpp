#include "backend/aidg/occupation/OccupationNormalForm.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

namespace {

/// A mark that no distance, address or relative time has.
constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::min();

std::int64_t word(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }
std::int64_t flag(bool set) { return set ? 1 : 0; }
/// Two numbers that fit into half a word each.
std::int64_t pair(std::uint32_t high, std::uint32_t low) {
  return word(std::uint64_t{high} << 32 | low);
}

} // namespace

void OccupationNormalForm::append(const OccupationState &state,
                                  const std::vector<std::int64_t> &addressShift,
                                  const FreeLoops &freeLoops, std::vector<std::int64_t> &key) {
  state_ = &state;
  shift_ = &addressShift;
  freeLoops_ = &freeLoops;
  key_ = &key;
  nameFlights();
  nameParts();
  if (!freeLoops.empty())
    push(state.nextIndex);
  push(state.bufferFree);
  push(flag(state.fetching) | flag(state.branchPending) << 1 | flag(state.hasNext) << 2);
  key.insert(key.end(), state.outstanding.begin(), state.outstanding.end());
  appendFlights();
  appendExpansions();
  appendMessages();
  appendGroups();
  appendNames(state.expanders);
  appendObjects();
  appendChannels();
  appendOrders();
  appendUses();
  appendEvents();
  appendNext();
  appendStorages();
}

// ---- names -------------------------------------------------------------------------------------

/// By age; those that an expansion has prepared have none, and come by their expansions.
void OccupationNormalForm::nameFlights() {
  flights_.clear();
  for (FlightId id = 1; id != state_->flights.size(); ++id)
    if (state_->flights[id].id != none && state_->flights[id].underWay)
      flights_.push_back(id);
  const std::size_t ageSize = std::size_t{plan_.nesting} + 1;
  std::ranges::sort(flights_, [&](FlightId a, FlightId b) {
    return std::lexicographical_compare(age(a), age(a) + ageSize, age(b), age(b) + ageSize);
  });
  underWay_ = flights_.size();
  flightNames_.assign(state_->flights.size(), 0);
  for (std::size_t i = 0; i != flights_.size(); ++i)
    flightNames_[flights_[i]] = static_cast<std::uint32_t>(i + 1);
}

void OccupationNormalForm::nameParts() {
  const auto begin = [](std::vector<std::uint32_t> &names, std::size_t count,
                        std::vector<std::uint32_t> &parts) {
    names.assign(count, 0);
    parts.clear();
  };
  begin(expansionNames_, state_->expansions.size(), expansions_);
  begin(messageNames_, state_->messages.size(), messages_);
  begin(groupNames_, state_->groups.size(), groups_);
  const auto add = [](std::uint32_t part, std::vector<std::uint32_t> &names,
                      std::vector<std::uint32_t> &parts) {
    if (part == none || names[part] != 0)
      return;
    parts.push_back(part);
    names[part] = static_cast<std::uint32_t>(parts.size());
  };
  for (std::size_t i = 0; i != underWay_; ++i) {
    const FlightId id = flights_[i];
    add(state_->flights[id].group, groupNames_, groups_);
    for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
      add(phase(id, p).expansion, expansionNames_, expansions_);
      add(phase(id, p).message, messageNames_, messages_);
    }
  }
  for (const std::uint32_t expansion : expansions_)
    if (const FlightId next = state_->expansions[expansion].next; next != none) {
      flights_.push_back(next);
      flightNames_[next] = static_cast<std::uint32_t>(flights_.size());
    }
}

/// 0 for the fetch; −1 if it is over.
std::int64_t OccupationNormalForm::name(FlightId id) const {
  if (id == 0)
    return 0;
  return id == none || flightNames_[id] == 0 ? -1 : std::int64_t{flightNames_[id]};
}

std::int64_t OccupationNormalForm::relative(Cycle time) const {
  return std::max<Cycle>(time - state_->now, 1);
}

template <typename Flights> void OccupationNormalForm::appendNames(const Flights &flights) {
  push(static_cast<std::int64_t>(flights.size()));
  for (const FlightId id : flights)
    push(name(id));
}

/// A phase that has begun, or an instruction that is over, is left standing in lists of those that
/// wait; nobody heeds it.
bool OccupationNormalForm::isWaiting(const Candidate &candidate) const {
  if (candidate.flight == 0)
    return true;
  if (state_->flights[candidate.flight].id == none)
    return false;
  return instruction(candidate.flight).hasPhases
             ? phase(candidate.flight, candidate.part).stage == PhaseState::Stage::Asking
             : state_->flights[candidate.flight].asks;
}

void OccupationNormalForm::appendCandidates(const std::vector<Candidate> &candidates) {
  const std::size_t count = key_->size();
  push(0);
  for (const Candidate &candidate : candidates)
    if (isWaiting(candidate)) {
      push(pair(static_cast<std::uint32_t>(name(candidate.flight)), candidate.part));
      ++(*key_)[count];
    }
}

// ---- instructions ------------------------------------------------------------------------------

void OccupationNormalForm::appendFlights() {
  push(static_cast<std::int64_t>(underWay_));
  for (std::size_t i = 0; i != flights_.size(); ++i)
    appendFlight(i);
}

/// How many numbers of their ages two instructions have in common.
std::int64_t OccupationNormalForm::commonAge(FlightId a, FlightId b) const {
  const std::size_t ageSize = std::size_t{plan_.nesting} + 1;
  return std::mismatch(age(a), age(a) + ageSize, age(b)).first - age(a);
}

/// What is emitted is compared by age alone, with other instructions and with what these have still
/// to emit: so it counts between which others it stands, and in whose place.
void OccupationNormalForm::appendAge(std::size_t index) {
  const FlightId id = flights_[index];
  const std::size_t ageSize = std::size_t{plan_.nesting} + 1;
  std::size_t place = index;
  if (index >= underWay_) {
    const auto end = flights_.begin() + static_cast<std::ptrdiff_t>(underWay_);
    const auto next = std::lower_bound(flights_.begin(), end, id, [&](FlightId a, FlightId b) {
      return std::lexicographical_compare(age(a), age(a) + ageSize, age(b), age(b) + ageSize);
    });
    place = static_cast<std::size_t>(next - flights_.begin());
    push(static_cast<std::int64_t>(place));
    push(next == end ? 0 : commonAge(id, *next));
  }
  push(state_->nextIndex - age(id)[0]);
  push(state_->flights[id].level);
  push(place == 0 ? 0 : commonAge(flights_[place - 1], id));
}

void OccupationNormalForm::appendFlight(std::size_t index) {
  const FlightId id = flights_[index];
  const OccupationFlight &flight = state_->flights[id];
  push(flight.id);
  appendAddresses(id);
  const bool isOver = (flight.visible & bit(program::completedEvent)) != 0;
  const std::uint32_t expansion = isOver ? none : flight.expansion;
  push(expansion == none ? 0 : std::int64_t{expansionNames_[expansion]});
  // What is prepared gets its age when it is offered.
  if (!flight.underWay &&
      state_->objects[instruction(state_->expansions[flight.expansion].flight).unit].offered !=
          id) {
    push(nothing);
    return;
  }
  appendAge(index);
  if (!flight.underWay)
    return;
  push(word(flag(flight.inUnit) | flag(flight.started) << 1 | flag(flight.partDone) << 2 |
            flag(flight.executes) << 3 | flag(flight.unitFreed) << 4 |
            std::int64_t{flight.position} << 5));
  push(word(flight.own));
  push(word(flight.visible));
  push(pair(flight.unitWaits, flight.hazardWaits));
  push(pair(flight.phasesLeft, flight.partLeft));
  push(pair(flight.expansionsLeft, flight.ownHeld));
  push(flight.inUnit ? state_->objects[instruction(id).unit].stepsTaken - flight.step : 0);
  push(flight.access);
  push(word(flight.entriesHeld));
  push(word(flight.left));
  push(flight.group == none ? 0 : std::int64_t{groupNames_[flight.group]});
  appendPlace(id);
  appendEdges(id);
  appendPhases(id);
}

/// When it is done where it is.
void OccupationNormalForm::appendPlace(FlightId id) {
  const OccupationFlight &flight = state_->flights[id];
  if (flight.position == 0)
    return;
  const arch::ObjectId place = plan_.routeOf(flight.id)[flight.position - 1];
  if (plan_.objects[place].kind == OccupationObject::Kind::Stage) {
    push(relative(flight.ready));
    return;
  }
  if (plan_.objects[place].kind != OccupationObject::Kind::Queue)
    return;
  // A unit that looks into the queue sees it later.
  if (const arch::ObjectId unit = plan_.queue(place).windowOf; unit != arch::noObject)
    push(relative(flight.entry + 1 +
                  plan_.graph->objects[plan_.graph->objects[unit].container].latency));
}

void OccupationNormalForm::appendEdges(FlightId id) {
  const std::size_t count = key_->size();
  push(0);
  for (std::uint32_t edge = state_->flights[id].firstEdge; edge != none;
       edge = state_->edges[edge].next) {
    const Edge &one = state_->edges[edge];
    push(name(one.waiter));
    push(pair(one.station, one.event));
    ++(*key_)[count];
  }
}

void OccupationNormalForm::appendAddresses(FlightId id) {
  const OccupationInstruction &planned = instruction(id);
  const std::int64_t *addresses = state_->addresses.data() + id * std::size_t{plan_.maxAccesses};
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i) {
    const OccupationAccess &access = plan_.accesses[planned.accesses.first + i];
    if (access.addressClass != none)
      push(addresses[i] - (*shift_)[access.addressClass]);
    else if (planned.makesRequests)
      push(state_->storageModel.hasState(access.storage) ? addresses[i] : 0);
  }
}

void OccupationNormalForm::appendPhases(FlightId id) {
  if (!state_->flights[id].started)
    return;
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
    const PhaseState &one = phase(id, p);
    push(static_cast<std::int64_t>(one.stage) | flag(one.inherited) << 2 |
         flag(one.expansion != none) << 3 | flag(one.message != none) << 4 |
         flag(one.held != 0) << 5);
    if (one.held != 0)
      push(word(one.held));
  }
}

// ---- what belongs to them ----------------------------------------------------------------------

/// How far its stream is, is how many it has handed on; else where it stands in the free loop.
void OccupationNormalForm::appendPosition(std::uint32_t index) {
  const Expansion &expansion = state_->expansions[index];
  const std::uint32_t depth = freeLoops_->empty() ? none : (*freeLoops_)[index];
  if (depth == none) {
    push(expansion.handedOn);
    return;
  }
  push(nothing);
  expansion.stream.findLoops(loops_);
  push(static_cast<std::int64_t>(loops_.size()));
  for (std::size_t i = depth; i != loops_.size(); ++i) {
    push(pair(loops_[i].repeat, static_cast<std::uint32_t>(loops_[i].step)));
    push(i == depth ? 0 : loops_[i].iteration);
  }
}

/// How many the phase beside it must still hand on first.
std::int64_t OccupationNormalForm::awaitedOf(const Expansion &expansion) const {
  if (expansion.awaitedPhase == none)
    return 0;
  const std::uint32_t beside = phase(expansion.flight, expansion.awaitedPhase).expansion;
  const std::int64_t handedOn = beside == none ? 0 : state_->expansions[beside].handedOn;
  return std::max<std::int64_t>(expansion.awaitedCount - handedOn, 0);
}

void OccupationNormalForm::appendExpansions() {
  for (const std::uint32_t index : expansions_) {
    const Expansion &expansion = state_->expansions[index];
    push(name(expansion.flight));
    push(pair(expansion.phase, static_cast<std::uint32_t>(flag(expansion.exhausted))));
    push(name(expansion.next));
    push(relative(expansion.offerFrom));
    appendPosition(index);
    push(expansion.uncompleted);
    push(expansion.unread);
    push(expansion.awaitedPhase);
    push(awaitedOf(expansion));
  }
}

void OccupationNormalForm::appendMessages() {
  for (const std::uint32_t index : messages_) {
    const Message &message = state_->messages[index];
    push(name(message.flight));
    push(pair(message.phase, message.group == none ? 0 : groupNames_[message.group]));
    push(message.words);
    const PlanSlice channels =
        plan_.phases[instruction(message.flight).phases.first + message.phase].channels;
    for (std::size_t h = 0; h != message.hopCount; ++h) {
      const Hop &hop = message.hops[h];
      for (const std::int64_t count :
           {hop.available, hop.accepted, hop.arrived, hop.arriving, hop.creditless})
        push(count);
      const arch::ObjectId channel = plan_.routeChannels[channels.first + h];
      if (!plan_.channels[plan_.objects[channel].detail].firstCome || hop.accepted == message.words)
        continue; // nobody asks when its words came
      push(static_cast<std::int64_t>(hop.came.size() - hop.firstCame));
      for (std::size_t i = hop.firstCame; i != hop.came.size(); ++i)
        push(state_->now - hop.came[i]);
    }
  }
}

void OccupationNormalForm::appendGroups() {
  push(static_cast<std::int64_t>(groups_.size()));
  for (const std::uint32_t index : groups_) {
    const LockStep &group = state_->groups[index];
    push(static_cast<std::int64_t>(group.members.size()));
    for (const Candidate &member : group.members)
      push(pair(static_cast<std::uint32_t>(name(member.flight)), member.part));
    appendNames(group.completed);
    push(pair(group.unfinished, static_cast<std::uint32_t>(flag(group.begun))));
    push(group.words);
  }
}

// ---- objects -----------------------------------------------------------------------------------

void OccupationNormalForm::appendObjects() {
  for (arch::ObjectId id = 0; id != state_->objects.size(); ++id)
    if (plan_.objects[id].kind != OccupationObject::Kind::Unused)
      appendObject(id);
  push(nothing);
}

void OccupationNormalForm::appendObject(arch::ObjectId id) {
  const OccupationObjectState &object = state_->objects[id];
  const std::size_t begin = key_->size();
  push(id);
  const std::size_t content = key_->size();
  push(name(object.occupant));
  push(object.used);
  push(pair(object.foreign, object.inner));
  push(pair(object.partsLeft, static_cast<std::uint32_t>(name(object.offered) + 1)));
  for (const std::int64_t used : object.classUsed)
    push(used);
  appendNames(std::span(object.buffered.items).subspan(object.buffered.head));
  appendNames(object.members);
  appendNames(object.occupants);
  push(static_cast<std::int64_t>(object.activeSteps.size()));
  for (const std::int64_t step : object.activeSteps)
    push(object.stepsTaken - step);
  push(static_cast<std::int64_t>(object.expanding.size()));
  for (const std::uint32_t expansion : object.expanding)
    push(expansionNames_[expansion]);
  push(static_cast<std::int64_t>(object.stepWaiters.size()));
  for (const Candidate &waiter : object.stepWaiters)
    push(pair(static_cast<std::uint32_t>(name(waiter.flight)), waiter.part));
  appendCandidates(object.waiters);
  for (const Bucket &bucket : object.buckets)
    if (!bucket.flights.empty()) {
      push(bucket.key);
      appendNames(bucket.flights);
    }
  // Mostly nothing is there: −1 for the occupant, else zeros.
  if ((*key_)[content] == -1 &&
      std::all_of(key_->begin() + static_cast<std::ptrdiff_t>(content) + 1, key_->end(),
                  [](std::int64_t value) { return value == 0; }))
    key_->resize(begin);
  else
    push(nothing);
}

void OccupationNormalForm::appendChannels() {
  for (std::size_t i = 0; i != state_->channels.size(); ++i) {
    const ChannelState &channel = state_->channels[i];
    const bool isBusy = channel.next > state_->now + 1;
    push(static_cast<std::int64_t>(channel.reserves.size()));
    for (const Reserve &reserve : channel.reserves) {
      push(name(reserve.flight));
      push(pair(reserve.holder, reserve.holding));
      push(reserve.later);
      push(reserve.left);
      push(reserve.inTransit);
    }
    push(relative(channel.next));
    // `wake` matters while it tells that the channel will be looked at when it is free.
    push(flag(isBusy && channel.wake == channel.next));
    push(channel.messages);
    push(channel.credits);
    if (plan_.graph->objects[plan_.channelIds[i]].arbitration == arch::Arbitration::RoundRobin)
      push(channel.lastSource);
    push(static_cast<std::int64_t>(channel.senders.size()));
    for (const ChannelState::Sender &sender : channel.senders) {
      push(messageNames_[sender.message]);
      push(pair(sender.hop, sender.source));
    }
  }
}

void OccupationNormalForm::appendOrders() {
  for (const Ring<OrderEntry> &order : state_->orders) {
    push(static_cast<std::int64_t>(order.size()));
    for (const OrderEntry &entry : order) {
      push(pair(static_cast<std::uint32_t>(name(entry.flight)),
                static_cast<std::uint32_t>(flag(entry.emitted))));
      // What an expander has still to emit follows from the positions of its streams.
      push(entry.emitted && !freeLoops_->empty() ? 0 : entry.count);
    }
  }
}

/// The order in which they stand in the lists; what they touch stands with the instructions.
void OccupationNormalForm::appendUses() {
  const auto append = [this](std::size_t place, const auto &uses) {
    if (uses.empty())
      return;
    push(static_cast<std::int64_t>(place));
    push(static_cast<std::int64_t>(uses.size()));
    for (const auto &use : uses)
      push(name(use.flight) * 2 + flag(use.isWrite));
  };
  for (std::size_t i = 0; i != state_->registers.size(); ++i)
    append(i, state_->registers[i]);
  push(nothing);
  for (std::size_t i = 0; i != state_->expandingRegisters.size(); ++i)
    append(i, state_->expandingRegisters[i]);
  push(nothing);
  for (std::size_t i = 0; i != state_->memories.size(); ++i)
    append(i, state_->memories[i]);
  push(nothing);
  for (std::size_t i = 0; i != state_->expandingMemories.size(); ++i)
    append(i, state_->expandingMemories[i]);
  push(nothing);
}

// ---- what is to come ---------------------------------------------------------------------------

void OccupationNormalForm::appendEvents() {
  state_->calendar.forEach(state_->now, [this](Cycle time, bool isFar, const TimedEvent &event) {
    push((time - state_->now) * 2 + flag(isFar));
    appendEvent(event);
  });
  push(nothing);
}

void OccupationNormalForm::appendEvent(const TimedEvent &event) {
  using Kind = TimedEvent::Kind;
  push(static_cast<std::int64_t>(event.kind));
  switch (event.kind) {
  case Kind::StageDone:
  case Kind::UnitFree:
  case Kind::Finish:
  case Kind::Request:
  case Kind::Served:
  case Kind::PhaseEnd:
    push(name(event.a));
    break;
  case Kind::Word:
    push(messageNames_[event.a]);
    break;
  case Kind::FetchRequest:
  case Kind::FetchServed:
  case Kind::FetchArrived:
  case Kind::Channel:
  case Kind::Object:
  case Kind::Offer:
    push(event.a);
    break;
  }
  push(event.b);
}

void OccupationNormalForm::appendDeferred(const Deferred &deferred) {
  using Kind = Deferred::Kind;
  push(static_cast<std::int64_t>(deferred.kind));
  switch (deferred.kind) {
  case Kind::Event:
  case Kind::LeftStation:
  case Kind::ReleaseHeld:
  case Kind::UnitFree:
    push(name(deferred.a));
    push(deferred.b);
    break;
  case Kind::StepEnded:
    push(deferred.a);
    push(static_cast<std::uint32_t>(state_->objects[deferred.a].stepsTaken) - deferred.b);
    break;
  case Kind::WentOn:
    push(messageNames_[deferred.a]);
    push(deferred.b);
    break;
  case Kind::MessageEnded:
    push(deferred.a);
    push(deferred.b);
    break;
  }
}

/// Objects to be looked at, in whatever order they were noted.
void OccupationNormalForm::appendSet(const std::vector<std::uint32_t> &objects) {
  set_ = objects;
  std::ranges::sort(set_);
  const auto repeated = std::ranges::unique(set_);
  set_.erase(repeated.begin(), repeated.end());
  push(static_cast<std::int64_t>(set_.size()));
  for (const std::uint32_t object : set_)
    push(object);
}

void OccupationNormalForm::appendNext() {
  push(static_cast<std::int64_t>(state_->deferred.size()));
  for (const Deferred &deferred : state_->deferred)
    appendDeferred(deferred);
  for (const std::uint64_t ranks : state_->dirty.words())
    push(word(ranks));
  appendSet(state_->nextDirty);
  appendSet(state_->nextOffers);
  appendSet(state_->nextChannels);
}

void OccupationNormalForm::appendStorages() {
  for (arch::ObjectId id = 0; id != plan_.objects.size(); ++id) {
    for (const timing::CacheSet &set : state_->storageModel.sets(id)) {
      push(static_cast<std::int64_t>(set.size()));
      for (const timing::CacheLine &line : set)
        push(line.tag * 2 + flag(line.dirty));
    }
    for (const timing::Bank &bank : state_->storageModel.banks(id)) {
      // An activation delays a precharge until tRAS has passed, nothing later.
      push(bank.open ? bank.row : nothing);
      push(bank.open ? relative(bank.activated + plan_.graph->objects[id].tRAS) : 0);
    }
  }
}

// ---- jumps -------------------------------------------------------------------------------------

namespace {

void shiftFlight(OccupationState &state, const OccupationPlan &plan, FlightId id, Cycle cycles,
                 const std::vector<std::int64_t> &addressShift) {
  OccupationFlight &flight = state.flights[id];
  flight.entry += cycles;
  flight.ready += cycles;
  const PlanSlice accesses = plan.instructions[flight.id].accesses;
  for (std::uint32_t i = 0; i != accesses.count; ++i)
    if (const std::uint32_t address = plan.accesses[accesses.first + i].addressClass;
        address != none)
      state.addresses[id * std::size_t{plan.maxAccesses} + i] += addressShift[address];
}

} // namespace

void shift(OccupationState &state, const OccupationPlan &plan, Cycle cycles,
           std::int64_t instructions, const std::vector<std::int64_t> &addressShift) {
  state.calendar.shift(cycles);
  state.now += cycles;
  state.lastEvent += cycles;
  state.end += cycles;
  state.nextIndex += instructions;
  const std::size_t ageSize = std::size_t{plan.nesting} + 1;
  for (FlightId id = 0; id != state.flights.size(); ++id) {
    state.ages[id * ageSize] += instructions;
    if (state.flights[id].id != none)
      shiftFlight(state, plan, id, cycles, addressShift);
  }
  const auto shiftUse = [&](MemoryUse &use) {
    use.low += addressShift[use.addressClass];
    use.high += addressShift[use.addressClass];
  };
  for (std::vector<MemoryUse> &uses : state.memories)
    std::ranges::for_each(uses, shiftUse);
  for (Ring<MemoryUse> &uses : state.expandingMemories)
    std::for_each(uses.begin(), uses.end(), shiftUse);
  for (Expansion &expansion : state.expansions)
    expansion.offerFrom += cycles;
  for (ChannelState &channel : state.channels) {
    channel.next += cycles;
    channel.wake += cycles;
  }
  for (Message &message : state.messages)
    for (Hop &hop : message.hops)
      for (Cycle &came : hop.came)
        came += cycles;
  for (arch::ObjectId id = 0; id != plan.objects.size(); ++id)
    for (timing::Bank &bank : state.storageModel.banks(id))
      bank.activated += cycles;
}

} // namespace acadlc::aidg
