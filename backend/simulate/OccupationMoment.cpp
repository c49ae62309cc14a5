// The whole state at the end of a cycle, without the time and without how far streams are: those of
// expansions (Moment.h), or the fetched one (OccupationSnapshot.cpp).
#include "backend/simulate/OccupationRun.h"

#include <algorithm>
#include <map>

namespace acadlc::simulate {

namespace {

using Values = std::vector<std::int64_t>;

/// The counts that are not 0, by name.
void appendCounts(const std::map<std::string, std::int64_t> &counts, Values &out) {
  for (const auto &[name, count] : counts) {
    if (count == 0)
      continue;
    out.push_back(static_cast<std::int64_t>(name.size()));
    out.insert(out.end(), name.begin(), name.end());
    out.push_back(count);
  }
  out.push_back(-1);
}

/// Lists in an order of their own, as that in which they came has no effect.
Values sorted(std::vector<Values> lists) {
  std::ranges::sort(lists);
  Values out;
  for (const Values &list : lists) {
    out.push_back(static_cast<std::int64_t>(list.size()));
    out.insert(out.end(), list.begin(), list.end());
  }
  return out;
}

} // namespace

// ---- When ---------------------------------------------------------------------------------------

/// A cycle in which nothing happens changes nothing.
void OccupationRun::scheduleMoments() {
  for (const std::int64_t time : options_.momentsAt)
    if (time > now_)
      timed_.push(time, {Timed::Kind::Wake, nobody, 0, {}});
}

void OccupationRun::showMoments() {
  for (; momentCount_ < options_.momentsAt.size() && options_.momentsAt[momentCount_] <= now_;
       ++momentCount_)
    options_.momentObserver(moment());
}

Moment OccupationRun::moment() const {
  Moment result{stateFrom(0), {}};
  findStreams(result.streams);
  return result;
}

/// All but how far the streams of expansions are; that in the fetched stream from \p base on.
StateSnapshot OccupationRun::stateFrom(std::int64_t base) const {
  StateSnapshot state;
  state.time = now_;
  Values flights;
  for (const Record *record : live_) {
    state.flights.push_back(record->id);
    appendFlight(*record, flights);
  }
  state.addPart("how far instructions have come") = std::move(flights);
  state.addPart("the fetch") = {fetchedCount_ - base,     buffered_,
                                hasAhead_ ? 1 : 0,        isFetching_ ? 1 : 0,
                                wantsFetchGrant_ ? 1 : 0, branchUnderWay_ ? 1 : 0};
  state.addPart("how far accesses that meet lie apart") = meetingAccesses();
  state.addPart("what objects hold") = objects();
  state.addPart("whose turn it is") = turns();
  state.addPart("words in channels") = wordsInChannels();
  state.addPart("free slots of storages") = freeSlotsOf_;
  state.addPart("what has happened in the cycle") = lateEvents();
  state.addPart("when what is under way will be over") = eventsToCome();
  // What happens next happens in the next cycle.
  state.contents = contentsOf(storageModel_, graph_, now_ + 1);
  return state;
}

// ---- Instructions -------------------------------------------------------------------------------

std::int64_t OccupationRun::numberOf(const Record *record) const {
  if (!record)
    return -1;
  const auto isOlder = [](const Record *a, const Age &age) { return a->age < age; };
  const auto place = std::lower_bound(live_.begin(), live_.end(), record->age, isOlder);
  return place == live_.end() || *place != record ? -1 : place - live_.begin();
}

std::int64_t OccupationRun::numberOf(const Reference &reference) const {
  return numberOf(find(reference));
}

void OccupationRun::appendFlight(const Record &record, Values &out) const {
  appendAge(record, out);
  appendProgress(record, out);
  const bool isOnItsWay = record.position > 0 && !record.isInUnit();
  const LookAhead *window = isOnItsWay ? &tables_.lookAhead(record.next()) : nullptr;
  const bool isSeen = window && window->queue == record.place();
  const std::int64_t visible = isSeen ? record.enteredAt + 1 + window->windowLatency : 0;
  out.push_back(std::max<std::int64_t>(visible - (now_ + 1), 0));
  appendPhases(record, out);
  appendAwaits(record, out);
}

/// Ages are only compared: so it counts in whose place it stands, behind which other.
void OccupationRun::appendAge(const Record &record, Values &out) const {
  const auto numbers = [](const Age &age) {
    Values values{age.index};
    values.insert(values.end(), age.emission.begin(), age.emission.end());
    return values;
  };
  const std::int64_t place = numberOf(&record);
  std::int64_t common = 0;
  if (place > 0) {
    const Values own = numbers(record.age);
    const Values before = numbers(live_[static_cast<std::size_t>(place) - 1]->age);
    common = std::ranges::mismatch(own, before).in1 - own.begin();
  }
  out.insert(out.end(), {static_cast<std::int64_t>(record.age.emission.size()), common,
                         numberOf(record.parent), static_cast<std::int64_t>(record.parentPhase)});
}

void OccupationRun::appendPhases(const Record &record, Values &out) const {
  bool awaitsStep = false;
  for (std::size_t i = 0; i < record.phases.size(); ++i) {
    const PhaseState &phase = record.phases[i];
    appendPhase(phase, out);
    awaitsStep = awaitsStep || (record.instruction->phases[i].afterStep &&
                                phase.status == PhaseState::Status::Waiting);
    if (!phase.expansion)
      continue;
    const Expansion &expansion = *phase.expansion;
    const bool isRunning = phase.status == PhaseState::Status::Running;
    out.insert(out.end(),
               {expansion.cursor.isAtEnd() ? 1 : 0, expansion.uncompleted, expansion.unread,
                isRunning ? std::max<std::int64_t>(expansion.firstOffer - (now_ + 1), 0) : 0});
  }
  const bool isStepKnown = awaitsStep && record.step >= 0;
  out.push_back(isStepKnown ? units_[record.table->unit].taken - record.step : 0);
}

void OccupationRun::appendAwaits(const Record &record, Values &out) const {
  std::vector<Values> awaits;
  for (const Await &await : record.awaits)
    if (!isOver(await))
      awaits.push_back({numberOf(await.whom), await.event, await.station});
  const Values all = sorted(std::move(awaits));
  out.push_back(static_cast<std::int64_t>(all.size()));
  out.insert(out.end(), all.begin(), all.end());
}

/// What expands is left out: it has no accesses of its own.
Values OccupationRun::meetingAccesses() const {
  Values out;
  for (std::size_t i = 0; i < live_.size(); ++i)
    for (std::size_t j = i + 1; j < live_.size(); ++j) {
      const Record &older = *live_[i], &younger = *live_[j];
      if (older.isExpanding() || younger.isExpanding())
        continue;
      for (std::size_t a = 0; a < older.addresses.size(); ++a)
        for (std::size_t b = 0; b < younger.addresses.size(); ++b) {
          const program::MemoryOperand &first = older.instruction->memory[a];
          const program::MemoryOperand &second = younger.instruction->memory[b];
          const std::int64_t low = older.addresses[a], other = younger.addresses[b];
          if (first.memory == second.memory && (first.isWrite || second.isWrite) &&
              low < other + second.bytes && other < low + first.bytes)
            out.insert(out.end(),
                       {static_cast<std::int64_t>(i), static_cast<std::int64_t>(a),
                        static_cast<std::int64_t>(j), static_cast<std::int64_t>(b), other - low});
        }
    }
  return out;
}

// ---- Objects ------------------------------------------------------------------------------------

Values OccupationRun::objects() const {
  Values out;
  for (arch::ObjectId id = 0; id < graph_.objects.size(); ++id) {
    for (const Record *record : ports_[id])
      out.push_back(numberOf(record));
    out.push_back(-2);
    appendPlace(places_[id], out);
    appendUnit(units_[id], out);
  }
  return out;
}

void OccupationRun::appendPlace(const Place &place, Values &out) const {
  for (const Record *record : place.held)
    out.push_back(numberOf(record));
  out.insert(out.end(), {-2, place.entries});
  appendCounts(place.entriesByClass, out);
}

/// Steps are counted back from the one that it has taken last.
void OccupationRun::appendUnit(const Unit &unit, Values &out) const {
  for (const Reference &reference : unit.processing)
    out.push_back(numberOf(reference));
  out.insert(out.end(), {-2, unit.claimant == nobody ? 0 : 1, numberOf(unit.claimant)});
  for (const UnitStep &step : unit.steps) {
    out.insert(out.end(), {unit.taken - step.number, static_cast<std::int64_t>(step.open),
                           step.hasStarted ? 1 : 0});
    for (const Reference &member : step.members)
      out.push_back(numberOf(member));
    out.push_back(-2);
  }
  appendCounts(unit.outstanding, out);
  appendCounts(unit.outstandingOfPhase, out);
}

/// Of what an expansion has still to emit the streams tell how much it is.
Values OccupationRun::turns() const {
  Values out;
  for (std::size_t turn = 0; turn < turns_.size(); ++turn) {
    for (const Record *record : turns_[turn])
      out.insert(out.end(), {numberOf(record), record->ownTurns[turn]});
    out.push_back(-2);
    for (const Record *record : live_)
      if (record->hasToEmit() && record->emittedTurns[turn] > 0)
        out.push_back(numberOf(record));
    out.push_back(-2);
  }
  return out;
}

// ---- What is to come ----------------------------------------------------------------------------

Values OccupationRun::lateEvents() const {
  std::vector<Values> events;
  for (const Late &late : late_) {
    const bool isStep = late.kind == Late::Kind::StepOver;
    events.push_back({static_cast<std::int64_t>(late.kind), numberOf(late.who), late.event,
                      static_cast<std::int64_t>(late.phase), late.unit,
                      isStep ? units_[late.unit].taken - late.step : 0});
  }
  return sorted(std::move(events));
}

/// Wakes are left out: what may be possible from then on follows from the rest.
Values OccupationRun::eventsToCome() const {
  std::vector<Values> events;
  timed_.forEach([&](std::int64_t time, const Timed &timed) {
    if (timed.kind == Timed::Kind::Wake)
      return;
    Values &event = events.emplace_back();
    event = {time - now_, static_cast<std::int64_t>(timed.kind),
             static_cast<std::int64_t>(timed.phase), numberOf(timed.who)};
    if (timed.kind == Timed::Kind::Word)
      event.insert(event.end(), {numberOf(timed.word.message->owner),
                                 static_cast<std::int64_t>(timed.word.message->phase),
                                 static_cast<std::int64_t>(timed.word.hop)});
  });
  return sorted(std::move(events));
}

void OccupationRun::findStreams(std::vector<StreamPlace> &streams) const {
  for (const Record *record : live_)
    for (std::size_t phase = 0; phase < record->phases.size(); ++phase) {
      const PhaseState &state = record->phases[phase];
      if (!state.expansion || state.status != PhaseState::Status::Running ||
          state.expansion->cursor.isAtEnd())
        continue;
      StreamPlace &place = streams.emplace_back();
      place.index = record->age.index;
      place.emission = record->age.emission;
      place.owner = numberOf(record);
      place.phase = phase;
      place.handedOn = state.expansion->cursor.position();
      state.expansion->cursor.findLoops(place.loops);
    }
}

} // namespace acadlc::simulate
