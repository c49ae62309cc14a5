#include "backend/aidg/occupation/OccupationUsage.h"

#include <algorithm>

namespace acadlc::aidg {

using Kind = OccupationObject::Kind;

namespace {

/// The first part of levels is how many places are taken, the others are of these.
constexpr std::size_t taken = 0;

std::size_t index(UsageTotals::Part part) { return static_cast<std::size_t>(part); }

} // namespace

OccupationUsage::OccupationUsage(const OccupationPlan &plan)
    : plan_(plan), totals_(*plan.graph), levels_(totals_.fetchesPlace() + 1),
      handsOn_(plan.objects.size()) {}

// ---- what an object does -----------------------------------------------------------------------

bool OccupationUsage::isWorking(const OccupationState &state, FlightId id) const {
  const OccupationFlight &flight = state.flights[id];
  const OccupationInstruction &planned = plan_.instructions[flight.id];
  if (!flight.started)
    return false;
  if (!planned.hasPhases)
    return !flight.asks;
  for (std::uint32_t p = 0; p != planned.phases.count; ++p) {
    const PhaseState &phase = state.phases[id * std::size_t{plan_.maxPhases} + p];
    if (phase.stage != PhaseState::Stage::Running)
      continue;
    // An expansion works before its first instruction, and where it hands one on.
    if (plan_.phases[planned.phases.first + p].kind != program::Phase::Kind::Expansion ||
        (phase.expansion != none && state.expansions[phase.expansion].offerFrom > state.now))
      return true;
  }
  return false;
}

OccupationUsage::Levels OccupationUsage::levelsOfUnit(const OccupationState &state,
                                                      arch::ObjectId id) const {
  const OccupationObjectState &unit = state.objects[id];
  Levels levels{};
  levels[taken] = unit.isProcessing() || unit.foreign != 0 ? 1 : 0;
  if (levels[taken] == 0 || unit.foreign != 0 ||
      std::ranges::any_of(unit.occupants, [&](FlightId one) { return isWorking(state, one); }))
    return levels;
  const auto hasStarted = [&](FlightId one) { return state.flights[one].started; };
  const auto requests = [&](FlightId one) {
    return state.flights[one].asks && plan_.instructions[state.flights[one].id].makesRequests;
  };
  if (!unit.occupants.empty() && std::ranges::none_of(unit.occupants, hasStarted))
    levels[index(Part::Operands)] = 1;
  else if (std::ranges::any_of(unit.occupants, requests))
    levels[index(Part::Requests)] = 1;
  else
    levels[index(Part::Next)] = 1;
  return levels;
}

OccupationUsage::Levels OccupationUsage::levelsOfFetch(const OccupationState &state) const {
  Levels levels{};
  levels[taken] = state.fetching ? 1 : 0;
  const auto isFetch = [](const Candidate &one) { return one.flight == 0; };
  if (std::ranges::any_of(state.objects[plan_.fetch.storage].waiters, isFetch))
    levels[index(Part::Requests)] = 1;
  return levels;
}

OccupationUsage::Levels OccupationUsage::levelsOf(const OccupationState &state,
                                                  arch::ObjectId id) const {
  const OccupationObjectState &object = state.objects[id];
  Levels levels{};
  switch (plan_.objects[id].kind) {
  case Kind::Fetch:
    return levelsOfFetch(state);
  case Kind::Unit:
    return levelsOfUnit(state, id);
  case Kind::Stage:
    levels[taken] = object.occupant == none ? 0 : 1;
    if (object.occupant != none && state.flights[object.occupant].ready <= state.now)
      levels[index(Part::Next)] = 1;
    return levels;
  case Kind::Queue:
    // Nothing is done in a queue.
    levels[taken] = levels[index(Part::Next)] = object.used;
    return levels;
  case Kind::Storage:
    levels[taken] = object.used;
    return levels;
  case Kind::Channel:
  case Kind::Unused:
    return levels;
  }
  return levels;
}

// ---- the end of a cycle ------------------------------------------------------------------------

void OccupationUsage::addNow(std::size_t place, std::uint64_t value, Cycle now) {
  totals_.add(place, value);
  recent_.push_back({place, value, 0, now});
}

void OccupationUsage::change(std::size_t place, std::int64_t level, Cycle now) {
  const std::int64_t change = level - levels_[place];
  if (change == 0)
    return;
  levels_[place] = level;
  const std::uint64_t value =
      -(static_cast<std::uint64_t>(change) * static_cast<std::uint64_t>(now));
  totals_.add(place, value);
  recent_.push_back({place, value, change, now});
}

/// A word that has been accepted keeps a channel for an interval.
void OccupationUsage::observeChannel(const OccupationState &state, arch::ObjectId id) {
  const std::uint32_t detail = plan_.objects[id].detail;
  const std::int64_t interval = plan_.channels[detail].interval;
  if (state.channels[detail].next == state.now + interval)
    addNow(UsageTotals::place(id, Part::Taken), static_cast<std::uint64_t>(interval), state.now);
}

void OccupationUsage::observe(const OccupationState &state) {
  if (state.end != end_) {
    end_ = state.end;
    recent_.clear();
  }
  for (arch::ObjectId id = 0; id != plan_.objects.size(); ++id) {
    if (plan_.objects[id].kind == Kind::Unused)
      continue;
    if (plan_.objects[id].kind == Kind::Channel) {
      observeChannel(state, id);
      continue;
    }
    const Levels levels = levelsOf(state, id);
    for (std::size_t part = 0; part != levels.size(); ++part)
      change(id * UsageTotals::parts + part, levels[part], state.now);
    // A unit that only hands on works in the cycles in which it does.
    if (handsOn_[id] && levels[index(Part::Next)] != 0)
      addNow(UsageTotals::place(id, Part::Next), ~std::uint64_t{0}, state.now);
    handsOn_[id] = false;
  }
  const std::int64_t reserved = state.fetching ? plan_.fetch.width : 0;
  change(totals_.bufferedPlace(), plan_.fetch.bufferSize - state.bufferFree - reserved, state.now);
  if (state.nextIndex != nextIndex_)
    addNow(totals_.fetchesPlace(), 1, state.now);
  nextIndex_ = state.nextIndex;
}

void OccupationUsage::repeat(const UsageTotals::Snapshot &before, std::int64_t periods,
                             const OccupationState &state) {
  totals_.repeat(before, periods);
  end_ = state.end;
  nextIndex_ = state.nextIndex;
  recent_.clear();
}

std::optional<timing::Usage> OccupationUsage::usage(const OccupationState &state) {
  // The last to finish may give back what it had in a later cycle.
  for (const Recent &one : recent_)
    if (one.time >= state.end) {
      totals_.add(one.place, -one.value);
      levels_[one.place] -= one.change;
    }
  for (std::size_t place = 0; place != levels_.size(); ++place)
    totals_.add(place,
                static_cast<std::uint64_t>(levels_[place]) * static_cast<std::uint64_t>(state.end));
  for (const arch::ObjectId id : plan_.channelIds)
    if (const Cycle next = state.channels[plan_.objects[id].detail].next; next > state.end)
      totals_.add(id, Part::Taken, state.end - next);
  return totals_.usage(state.end);
}

} // namespace acadlc::aidg
