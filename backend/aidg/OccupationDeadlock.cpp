#include "backend/aidg/OccupationEngine.h"

#include <algorithm>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;
using Reason = timing::Wait::Reason;

std::string OccupationEngine::describe(FlightId id) {
  std::string place = std::to_string(age(id)[0]);
  for (std::uint32_t level = 1; level <= flight(id).level; ++level)
    place += "." + std::to_string(age(id)[level]);
  return plan_.program->instructions[flight(id).id].operation + " (instruction " + place + ")";
}

/// Somebody else who has \p object or a part of it; none if nobody is found.
FlightId OccupationEngine::holderOf(arch::ObjectId object, FlightId except) {
  for (FlightId id = 1; id != state_.flights.size(); ++id) {
    if (id == except || flight(id).id == none || !flight(id).underWay)
      continue;
    const OccupationInstruction &planned = instruction(id);
    if (flight(id).position != 0 && route(id)[flight(id).position - 1] == object &&
        !flight(id).partDone)
      return id;
    for (std::uint32_t i = 0; i != flight(id).position; ++i)
      if (route(id)[i] == object && (flight(id).entriesHeld >> i & 1) != 0)
        return id;
    for (std::uint32_t p = 0; p != planned.phases.count; ++p) {
      const OccupationPhase &held = phase(id, p);
      const PhaseState &state = phaseState(id, p);
      const auto channels = held.channels.of(plan_.routeChannels);
      if (state.stage == PhaseState::Stage::Running &&
          (held.object == object || std::ranges::find(channels, object) != channels.end()))
        return id;
      for (std::uint32_t h = 0; h != held.holdings.count; ++h)
        if ((state.held >> h & 1) != 0 && plan_.holdings[held.holdings.first + h].object == object)
          return id;
    }
  }
  return none;
}

/// Whom \p id awaits by a dependence or hazard.
FlightId OccupationEngine::awaitedBy(FlightId id) {
  for (FlightId other = 1; other != state_.flights.size(); ++other)
    if (flight(other).id != none)
      for (std::uint32_t edge = flight(other).firstEdge; edge != none;
           edge = state_.edges[edge].next)
        if (state_.edges[edge].waiter == id)
          return other;
  const OrderEntry own{id, false, 0};
  for (const FlightId expander : state_.expanders)
    if (expander != id && isOlder(OrderEntry{expander, true, 0}, own))
      return expander;
  return none;
}

/// Whom \p id waits for, as far as it can be said; fills \p wait.
FlightId OccupationEngine::waitsFor(FlightId id, timing::Wait &wait) {
  const OccupationFlight &stuck = flight(id);
  wait.index = age(id)[0];
  wait.instruction = describe(id);
  wait.range = plan_.program->instructions[stuck.id].range;
  if (stuck.position != 0)
    wait.where = route(id)[stuck.position - 1];
  wait.object = wait.where;
  wait.reason = Reason::Dependence;
  if (!stuck.inUnit) {
    if (stuck.hazardWaits != 0)
      return awaitedBy(id);
    const arch::ObjectId next = nextObject(id);
    wait.object = next;
    wait.reason = Reason::Behind;
    if (stuck.position == 0 && state_.objects[next].buffered.front() != id)
      return state_.objects[next].buffered.front();
    wait.reason = Reason::Occupied;
    if (const FlightId holder = holderOf(next, id);
        holder != none && plan_.objects[next].kind != Kind::Queue)
      return holder;
    wait.reason = Reason::Turn;
    if (const std::uint32_t list = plan_.objects[next].order;
        list != none && !state_.orders[list].empty() && !hasTurn(next, id))
      return state_.orders[list].front().flight;
    wait.reason = Reason::Occupied;
    return holderOf(next, id);
  }
  if (!stuck.started)
    return awaitedBy(id);
  // One of its phases, or a request, asks for an object.
  wait.reason = Reason::Occupied;
  for (arch::ObjectId object = 0; object != state_.objects.size(); ++object)
    for (const Candidate &waiter : state_.objects[object].waiters)
      if (waiter.flight == id) {
        wait.object = object;
        const std::uint32_t list = plan_.objects[object].order;
        if (list == none || state_.orders[list].empty() || hasTurn(object, id))
          return holderOf(object, id);
        wait.reason = Reason::Turn;
        return state_.orders[list].front().flight;
      }
  for (std::uint32_t p = 0; p != instruction(id).phases.count; ++p) {
    const std::uint32_t expansion = phaseState(id, p).expansion;
    if (expansion == none)
      continue;
    wait.reason = Reason::Dependence;
    for (FlightId other = 1; other != state_.flights.size(); ++other)
      if (flight(other).id != none && flight(other).expansion == expansion &&
          flight(other).underWay)
        return other;
  }
  return none;
}

/// Follows the waits from the oldest instruction on. Where they come back to an instruction, that
/// circle is the report; where nobody can be named (a step or message that never comes), they end.
timing::DeadlockReport OccupationEngine::reportDeadlock() {
  timing::DeadlockReport report;
  report.time = state_.lastEvent;
  FlightId first = none;
  for (FlightId id = 1; id != state_.flights.size(); ++id)
    if (flight(id).id != none && flight(id).underWay && (first == none || isOlder(id, first)))
      first = id;
  std::vector<FlightId> chain;
  for (FlightId id = first; id != none;) {
    chain.push_back(id);
    const FlightId next = waitsFor(id, report.waits.emplace_back());
    const auto seen = std::ranges::find(chain, next);
    if (seen != chain.end()) {
      report.waits.erase(report.waits.begin(), report.waits.begin() + (seen - chain.begin()));
      return report;
    }
    id = next;
  }
  return report;
}

} // namespace acadlc::aidg
