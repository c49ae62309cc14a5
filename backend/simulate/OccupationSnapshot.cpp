#include "backend/simulate/OccupationRun.h"

#include <algorithm>
#include <map>

namespace acadlc::simulate {

void OccupationRun::takeSnapshots() {
  for (; snapshotCount_ < options_.snapshotsAt.size() &&
         options_.snapshotsAt[snapshotCount_] < fetchedCount_;
       ++snapshotCount_)
    options_.snapshotObserver(snapshot(options_.snapshotsAt[snapshotCount_]));
}

/// While instructions are fetched, expansions that are under way at the begins of two periods have
/// to stand where they stood.
StateSnapshot OccupationRun::snapshot(std::int64_t base) const {
  StateSnapshot state = stateFrom(base);
  state.index = base;
  for (const Record *record : live_) // oldest first
    if (record->age.index >= base)
      state.arrived.push_back(record->id);
  std::vector<StreamPlace> streams;
  findStreams(streams);
  std::vector<std::int64_t> &places = state.addPart("what expansions have handed on");
  for (const StreamPlace &place : streams)
    places.insert(places.end(),
                  {place.owner, static_cast<std::int64_t>(place.phase), place.handedOn});
  return state;
}

/// How far it has come on its way and what has happened to it.
void OccupationRun::appendProgress(const Record &record, std::vector<std::int64_t> &out) {
  out.push_back(static_cast<std::int64_t>(record.position));
  out.push_back(static_cast<std::int64_t>(record.requests));
  for (const bool flag : {record.isStageDone, record.hasStarted, record.isPartOver,
                          record.isExecuting, record.hasExecuted, record.wantsGrant})
    out.push_back(flag ? 1 : 0);
  for (const StationState &station : record.stations)
    out.push_back((station.hasEntry ? 1 : 0) + (station.hasLeft ? 2 : 0) +
                  (station.isReleased ? 4 : 0));
  for (const EventState event : record.events)
    out.push_back(static_cast<std::int64_t>(event));
}

void OccupationRun::appendPhase(const PhaseState &phase, std::vector<std::int64_t> &out) {
  out.push_back(static_cast<std::int64_t>(phase.status) * 4 + (phase.hasObject ? 2 : 0) +
                (phase.keepsObject ? 1 : 0));
  for (const HoldingState &holding : phase.holdings)
    out.push_back(holding.isActive ? 1 : 0);
}

/// Phases with credits or in lock step, those with words under way, then the channels.
std::vector<std::int64_t> OccupationRun::wordsInChannels() const {
  std::vector<std::int64_t> values;
  std::map<const LockStep *, std::int64_t> groups; // with numbers in the order of age
  for (const Record *record : live_)
    for (std::size_t phase = 0; phase < record->phases.size(); ++phase) {
      const PhaseState &state = record->phases[phase];
      if (record->instruction->phases[phase].channels.empty())
        continue;
      values.push_back(static_cast<std::int64_t>(state.reservations.size()));
      for (const Reservation &reservation : state.reservations)
        values.insert(values.end(), {reservation.channel, reservation.left, reservation.inTransit});
      if (state.lockStep) {
        const auto number = static_cast<std::int64_t>(groups.size()) + 1;
        values.insert(values.end(), {groups.try_emplace(state.lockStep.get(), number).first->second,
                                     state.lockStep->words});
      } else {
        values.push_back(0);
      }
      channels_.appendMessage(*record, phase, now_, values);
    }
  channels_.appendChannels(now_, values);
  return values;
}

} // namespace acadlc::simulate
