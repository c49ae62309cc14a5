#include "backend/simulate/OccupationRun.h"

#include <algorithm>
#include <map>

namespace acadlc::simulate {

namespace {

/// The rank of \p index among the ages, of which the youngest is −1. Only their order matters.
std::int64_t rankOf(std::int64_t index, const std::vector<std::int64_t> &ages) {
  return std::ranges::lower_bound(ages, index) - ages.end();
}

} // namespace

void OccupationRun::takeSnapshots() {
  for (; snapshotCount_ < options_.snapshotsAt.size() &&
         options_.snapshotsAt[snapshotCount_] < fetchedCount_;
       ++snapshotCount_)
    options_.snapshotObserver(snapshot(options_.snapshotsAt[snapshotCount_]));
}

StateSnapshot OccupationRun::snapshot(std::int64_t base) const {
  StateSnapshot state;
  state.index = base;
  state.time = now_;
  state.isComplete = false;
  std::vector<std::int64_t> ages, records;
  for (const Record *record : live_) // oldest first; what is emitted has the index of its emitter
    if (ages.empty() || ages.back() != record->age.index)
      ages.push_back(record->age.index);
  for (const Record *record : live_) {
    state.flights.push_back(record->id);
    if (record->age.index >= base)
      state.arrived.push_back(record->id);
    appendRecord(*record, ages, records);
  }
  state.addPart("how far instructions have come") = std::move(records);
  state.addPart("the fetch") = {fetchedCount_ - base, isFetching_ ? 1 : 0, wantsFetchGrant_ ? 1 : 0,
                                branchUnderWay_ ? 1 : 0, buffered_};
  state.addPart("words in channels") = wordsInChannels();
  state.addPart("free slots of storages") = freeSlotsOf_;
  state.addPart("when what is under way will be over") = comingEvents(ages);
  state.contents = contentsOf(storageModel_, graph_, now_);
  return state;
}

void OccupationRun::appendRecord(const Record &record, const std::vector<std::int64_t> &ages,
                                 std::vector<std::int64_t> &out) {
  out.push_back(rankOf(record.age.index, ages));
  out.push_back(static_cast<std::int64_t>(record.age.emission.size()));
  out.insert(out.end(), record.age.emission.begin(), record.age.emission.end());
  appendProgress(record, out);
  for (const PhaseState &phase : record.phases) {
    appendPhase(phase, out);
    if (phase.expansion)
      out.insert(out.end(), {phase.expansion->cursor.position(), phase.expansion->uncompleted,
                             phase.expansion->unread});
  }
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

std::vector<std::int64_t> OccupationRun::comingEvents(const std::vector<std::int64_t> &ages) const {
  std::vector<std::vector<std::int64_t>> events;
  timed_.forEach([&](std::int64_t time, const Timed &timed) {
    const Record *who =
        timed.kind == Timed::Kind::Word ? timed.word.message->owner : find(timed.who);
    std::vector<std::int64_t> &event = events.emplace_back();
    event = {time - now_, static_cast<std::int64_t>(timed.kind),
             static_cast<std::int64_t>(timed.phase), who == nullptr ? 0 : 1};
    if (who == nullptr)
      return;
    event.push_back(rankOf(who->age.index, ages));
    event.insert(event.end(), who->age.emission.begin(), who->age.emission.end());
    if (timed.kind == Timed::Kind::Word)
      event.insert(event.end(), {static_cast<std::int64_t>(timed.word.message->phase),
                                 static_cast<std::int64_t>(timed.word.hop)});
  });
  std::ranges::sort(events);
  std::vector<std::int64_t> values;
  for (const std::vector<std::int64_t> &event : events) {
    values.push_back(static_cast<std::int64_t>(event.size()));
    values.insert(values.end(), event.begin(), event.end());
  }
  return values;
}

} // namespace acadlc::simulate
