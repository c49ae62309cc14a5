// Who may leave an object and who enters one (docs/timing.md, "Queue", "Reservation station",
// "Arbitration").
#include "backend/simulate/OccupationRun.h"
#include "support/InternalError.h"

#include <algorithm>
#include <set>

namespace acadlc::simulate {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using arch::QueueOrder;
using program::Instruction;

namespace {

bool isQueue(const Object &object) {
  return object.objectClass == ObjectClass::Queue ||
         object.objectClass == ObjectClass::ReservationStation;
}

} // namespace

// ---- Part 2: who may leave ----------------------------------------------------------------------

/// What a record may enter in this cycle. A unit that looks ahead sees for itself.
void OccupationRun::propose(Record &record) {
  const ObjectId next = record.next();
  if (tables_.lookAhead(next).queue == arch::noObject)
    candidates_[next].push_back({&record, arch::noObject, &record.age, record.instruction});
}

void OccupationRun::decidePort(ObjectId id) {
  if (!ports_[id].empty())
    propose(*ports_[id].front());
}

void OccupationRun::decidePlace(ObjectId id) {
  const Object &object = graph_.objects[id];
  const std::vector<Record *> &held = places_[id].held;
  if (held.empty())
    return;
  if (object.objectClass == ObjectClass::ReservationStation)
    decideStation(id);
  else if (object.objectClass == ObjectClass::Queue)
    decideQueue(id);
  else if (held.front()->isStageDone)
    propose(*held.front());
}

void OccupationRun::decideQueue(ObjectId id) {
  const std::vector<Record *> &held = places_[id].held;
  if (graph_.objects[id].queue.issueOrder == QueueOrder::InOrder)
    return propose(*held.front());
  std::set<ObjectId> successors;
  for (Record *record : held)
    if (successors.insert(record->next()).second)
      propose(*record);
}

void OccupationRun::decideStation(ObjectId id) {
  const bool inOrder = graph_.objects[id].queue.issueOrder == QueueOrder::InOrder;
  std::set<std::string_view> classes;
  std::set<ObjectId> successors;
  for (Record *record : places_[id].held) {
    if (inOrder) {
      if (classes.insert(record->instruction->classOrOperation()).second && isReady(*record, id))
        propose(*record);
    } else if (!successors.contains(record->next()) && isReady(*record, id)) {
      successors.insert(record->next());
      propose(*record);
    }
  }
}

// ---- Part 3: who enters -------------------------------------------------------------------------

/// One instruction enters \p id, if one may.
void OccupationRun::enterOne(ObjectId id) {
  const Object &object = graph_.objects[id];
  const bool choosesByEntry = isQueue(object) && object.queue.entryOrder == QueueOrder::OldestReady;
  const Candidate *best = nullptr;
  for (const Candidate &candidate : candidates_[id]) {
    if (choosesByEntry && !canTake(id, candidate))
      continue;
    if (!best || *candidate.age < *best->age)
      best = &candidate;
  }
  if (!best || !isTurn(id, *best->age) || !canTake(id, *best))
    return;
  findCauseOfEntry(id, *best);
  if (!best->record)
    return handOn(best->expander, id);
  noteEntering(*best->record, id);
  leave(*best->record);
  enter(id, *best->record);
}

bool OccupationRun::canTake(ObjectId id, const Candidate &candidate) const {
  const Object &object = graph_.objects[id];
  if (isQueue(object))
    return hasEntry(id, *candidate.instruction);
  if (arch::isUnit(object.objectClass))
    return isUnitFree(id, *candidate.age, candidate.instruction->isExpanding());
  return places_[id].held.empty();
}

/// Whether \p id has an entry for \p instruction.
bool OccupationRun::hasEntry(ObjectId id, const Instruction &instruction) const {
  const arch::QueueAttributes &queue = graph_.objects[id].queue;
  if (queue.classCapacities.empty())
    return places_[id].entries < queue.capacity;
  const std::string &name = instruction.classOrOperation();
  for (const arch::ClassCapacity &capacity : queue.classCapacities) {
    if (capacity.className != name)
      continue;
    const auto taken = places_[id].entriesByClass.find(name);
    return taken == places_[id].entriesByClass.end() || taken->second < capacity.entries;
  }
  ACADLC_CHECK(false, "a queue has entries for every class that passes it");
  return false;
}

void OccupationRun::countEntry(ObjectId id, const Instruction &instruction, std::int64_t change) {
  if (change < 0)
    noteFreedEntry(id, instruction);
  places_[id].entries += change;
  places_[id].entriesByClass[instruction.classOrOperation()] += change;
}

/// Takes \p record out of what it is in.
void OccupationRun::leave(Record &record) {
  noteChange();
  if (record.position == 0) {
    ports_[record.next()].pop_front();
    --buffered_;
    noteLeft(record);
    if (record.stations.empty())
      issue(record);
    return;
  }
  const ObjectId id = record.place();
  std::erase(places_[id].held, &record);
  noteLeft(record);
  if (graph_.objects[id].objectClass == ObjectClass::Queue)
    countEntry(id, *record.instruction, -1);
  if (graph_.objects[id].objectClass == ObjectClass::ReservationStation)
    leaveStation(record, id);
}

void OccupationRun::leaveStation(Record &record, ObjectId id) {
  for (std::size_t i = 0; i < record.stations.size(); ++i) {
    const StationPass &pass = record.table->stations[i];
    if (pass.station != id)
      continue;
    record.stations[i].hasLeft = true;
    noteAwaited(record);
    if (pass.release == program::issuedEvent)
      releaseEntry(record, i);
    if (i + 1 == record.stations.size())
      issue(record);
  }
}

void OccupationRun::issue(Record &record) {
  record.times.issued = now_;
  noteEvent(record, program::issuedEvent);
  record.events[program::issuedEvent] = EventState::Published;
}

/// Gives back the entry of \p record in the station number \p station of its route.
void OccupationRun::releaseEntry(Record &record, std::size_t station) {
  StationState &state = record.stations[station];
  if (!state.hasEntry)
    return;
  state.hasEntry = false;
  state.isReleased = true;
  noteAwaited(record);
  countEntry(record.table->stations[station].station, *record.instruction, -1);
  if (station + 1 != record.stations.size())
    return;
  record.times.released = now_;
  if (const Record *parent = find(record.parent))
    countOutstanding(record, *parent, -1);
}

void OccupationRun::enter(ObjectId id, Record &record) {
  takeTurn(record, id);
  ++record.position;
  record.isStageDone = false;
  record.enteredAt = now_;
  noteEntered(record, id);
  const Object &object = graph_.objects[id];
  if (arch::isUnit(object.objectClass)) {
    Unit &unit = units_[id];
    UnitStep &step = unit.steps.emplace_back();
    step.number = unit.taken++;
    enterUnit(record, step);
    makeLockStep(step);
    return;
  }
  std::vector<Record *> &held = places_[id].held;
  const auto isOlder = [](const Record *a, const Record *b) { return a->age < b->age; };
  held.insert(std::ranges::upper_bound(held, &record, isOlder), &record);
  if (!isQueue(object))
    return schedule(object.latency, {Timed::Kind::StageDone, record.self, 0, {}});
  countEntry(id, *record.instruction, 1);
  for (std::size_t i = 0; i < record.stations.size(); ++i) {
    if (record.table->stations[i].station != id)
      continue;
    record.stations[i].hasEntry = true;
    if (i + 1 == record.stations.size())
      record.times.allocated = now_;
  }
  const ObjectId next = record.next();
  if (tables_.lookAhead(next).queue == id)
    schedule(1 + tables_.lookAhead(next).windowLatency,
             {Timed::Kind::Wake, nobody, 0, {}}); // it becomes visible
}

} // namespace acadlc::simulate
