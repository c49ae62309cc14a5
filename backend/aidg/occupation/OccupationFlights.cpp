#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>

namespace acadlc::aidg {

bool OccupationEngine::isOlder(FlightId a, FlightId b) {
  const std::int64_t *first = age(a), *second = age(b);
  for (std::size_t i = 0; i != ageSize_; ++i)
    if (first[i] != second[i])
      return first[i] < second[i];
  return false;
}

/// What an instruction has still to emit stands behind all that it has emitted.
bool OccupationEngine::isOlder(const OrderEntry &a, const OrderEntry &b) {
  const auto ageAt = [this](const OrderEntry &entry, std::size_t level) {
    return entry.emitted && level == flight(entry.flight).level + 1 ? never
                                                                    : age(entry.flight)[level];
  };
  for (std::size_t i = 0; i != ageSize_; ++i)
    if (ageAt(a, i) != ageAt(b, i))
      return ageAt(a, i) < ageAt(b, i);
  return false;
}

FlightId OccupationEngine::newFlight(const program::Instance &instance, FlightId emitter) {
  ++created_;
  FlightId id = static_cast<FlightId>(state_.flights.size());
  if (state_.freeFlights.empty()) {
    state_.flights.emplace_back();
    state_.ages.resize(state_.ages.size() + ageSize_);
    state_.phases.resize(state_.phases.size() + plan_.maxPhases);
    state_.addresses.resize(state_.addresses.size() + plan_.maxAccesses);
    state_.loopValues.resize(state_.loopValues.size() + plan_.loopDepth);
    state_.loopCounts.push_back(0);
  } else {
    id = state_.freeFlights.back();
    state_.freeFlights.pop_back();
    state_.flights[id] = OccupationFlight{};
    std::fill_n(age(id), ageSize_, 0);
  }
  OccupationFlight &added = state_.flights[id];
  added.id = instance.id;
  added.kernelIteration = instance.kernelIteration;
  const OccupationInstruction &planned = plan_.instructions[instance.id];
  for (std::uint32_t p = 0; p != planned.phases.count; ++p)
    phaseState(id, p) = PhaseState{};
  added.phasesLeft = planned.phases.count;
  added.idle = bit(planned.phases.count) - 1;
  added.expansionsLeft = planned.expansions;
  for (std::uint32_t i = 0; i != planned.accesses.count; ++i) {
    const OccupationAccess &access = plan_.accesses[planned.accesses.first + i];
    std::int64_t low = plan_.program->evaluate(access.operand->address, instance.loopValues);
    if (access.operand->base && emitter != none)
      low += addresses(emitter)[*access.operand->base];
    addresses(id)[i] = low;
  }
  if (options_.observer) {
    std::ranges::copy(instance.loopValues,
                      state_.loopValues.begin() +
                          static_cast<std::ptrdiff_t>(std::size_t{id} * plan_.loopDepth));
    state_.loopCounts[id] = static_cast<std::uint32_t>(instance.loopValues.size());
  }
  return id;
}

void OccupationEngine::freeFlight(FlightId id) {
  state_.flights[id].id = none;
  state_.freeFlights.push_back(id);
}

/// Inserts by age; mostly the youngest comes.
void OccupationEngine::sortIn(std::vector<FlightId> &flights, FlightId id) {
  auto place = flights.end();
  while (place != flights.begin() && isOlder(id, *(place - 1)))
    --place;
  flights.insert(place, id);
}

std::vector<FlightId>::iterator OccupationEngine::placeByAge(std::vector<FlightId> &flights,
                                                             FlightId id) {
  // Most ask for the oldest one.
  if (!flights.empty() && flights.front() == id)
    return flights.begin();
  return std::ranges::lower_bound(flights, id,
                                  [this](FlightId a, FlightId b) { return isOlder(a, b); });
}

FlightId OccupationEngine::emitterOf(FlightId id) const {
  const std::uint32_t expansion = state_.flights[id].expansion;
  return expansion == none ? none : state_.expansions[expansion].flight;
}

void OccupationEngine::admit(FlightId id) {
  ++state_.live;
  ++evaluated_;
  ++begun_[flight(id).id];
  flight(id).underWay = true;
  const OccupationInstruction &planned = instruction(id);
  for (const OrderedPass &pass : planned.passes.of(plan_.orderedPasses))
    addTurn(pass.list, {id, false, pass.count});
  for (const OrderedPass &pass : planned.emittedPasses.of(plan_.orderedPasses))
    addTurn(pass.list, {id, true, pass.count});
  if (planned.expands)
    state_.expanders.insert(placeByAge(state_.expanders, id), id);
  addDependences(id);
  if (planned.hazardStations != 0)
    for (const arch::ObjectId object : route(id))
      if (plan_.objects[object].kind == OccupationObject::Kind::Queue &&
          plan_.queue(object).hasHazards)
        joinStation(id, object);
}

// ---- program order -----------------------------------------------------------------------------

void OccupationEngine::addTurn(std::uint32_t list, const OrderEntry &entry) {
  Ring<OrderEntry> &order = state_.orders[list];
  order.insert(countWhile(order, [&](const OrderEntry &one) { return !isOlder(entry, one); }),
               entry);
}

void OccupationEngine::removeTurn(std::uint32_t list, FlightId id, bool emitted,
                                  std::int64_t count) {
  Ring<OrderEntry> &order = state_.orders[list];
  std::size_t place = 0;
  while (place != order.size() && (order[place].flight != id || order[place].emitted != emitted))
    ++place;
  if (place == order.size())
    return;
  order[place].count -= count;
  if (order[place].count > 0)
    return;
  order.eraseAt(place);
  if (place == 0)
    turnChanged(list);
}

void OccupationEngine::turnChanged(std::uint32_t list) {
  const arch::ObjectId owner = plan_.orderOwners[list];
  switch (plan_.objects[owner].kind) {
  case OccupationObject::Kind::Storage:
    wake(owner);
    return;
  case OccupationObject::Kind::Channel:
    if (part_ == Part::Begin)
      state_.nextChannels.push_back(owner);
    else
      markChannel(owner);
    return;
  default:
    state_.nextDirty.push_back(owner);
  }
}

bool OccupationEngine::hasTurn(arch::ObjectId object, FlightId id) const {
  const std::uint32_t list = plan_.objects[object].order;
  if (list == none)
    return true;
  const Ring<OrderEntry> &order = state_.orders[list];
  return !order.empty() && order.front().flight == id && !order.front().emitted;
}

} // namespace acadlc::aidg
