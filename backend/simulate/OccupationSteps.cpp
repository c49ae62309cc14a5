// Units and their steps (docs/timing.md, "Step", "Phase" and "Expansion").
#include "backend/simulate/OccupationRun.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;
using program::Phase;

// ---- Taking -------------------------------------------------------------------------------------

/// Whether unit \p id can take an instruction. One that expands takes several that expand.
bool OccupationRun::isUnitFree(ObjectId id, const Age &age, bool isExpanding) const {
  const Unit &unit = units_[id];
  if (unit.processing.empty())
    return unit.claimant == nobody;
  const auto most = static_cast<std::size_t>(graph_.objects[id].maxConcurrentExpansions);
  if (!isExpanding || unit.processing.size() >= most)
    return false;
  return std::ranges::all_of(unit.processing, [&](const Reference &reference) {
    const Record *other = find(reference);
    return other && other->isExpanding() && other->age < age;
  });
}

void OccupationRun::enterUnit(Record &record, UnitStep &step) {
  record.step = step.number;
  record.times.entered = now_;
  step.members.push_back(record.self);
  ++step.open;
  units_[record.table->unit].processing.push_back(record.self);
}

/// What a unit that looks ahead may take in this cycle: what has stood in the queue for a cycle and
/// the latency of the stage. The first that may not be taken hides those behind it.
void OccupationRun::decideLookAhead(ObjectId id) {
  const LookAhead &lookAhead = tables_.lookAhead(id);
  if (lookAhead.queue == arch::noObject)
    return;
  const bool isStation =
      graph_.objects[lookAhead.queue].objectClass == arch::ObjectClass::ReservationStation;
  std::vector<Record *> &visible = units_[id].visible;
  visible.clear();
  for (Record *record : places_[lookAhead.queue].held) {
    if (now_ - record->enteredAt < 1 + lookAhead.windowLatency ||
        (isStation && !isReady(*record, lookAhead.queue)))
      return;
    visible.push_back(record);
  }
}

std::size_t OccupationRun::chooseStep(ObjectId id) const {
  const std::vector<Record *> &visible = units_[id].visible;
  const auto stands = [&](std::size_t place, const std::string &operation) {
    return place < visible.size() && visible[place]->instruction->operation == operation;
  };
  bool begins = false;
  for (const arch::UnitStep &step : graph_.objects[id].steps) {
    std::size_t place = 0;
    bool fits = true;
    for (const std::vector<std::string> *part : {&step.taken, &step.behind})
      for (const std::string &operation : *part)
        fits = stands(place++, operation) && fits;
    if (fits)
      return step.taken.size();
    begins = begins || stands(0, step.taken.front());
  }
  return begins ? 0 : 1;
}

std::size_t OccupationRun::countLookedAt(ObjectId id, std::size_t count) const {
  const std::vector<Record *> &visible = units_[id].visible;
  for (const arch::UnitStep &step : graph_.objects[id].steps) {
    std::vector<std::string> operations = step.taken;
    operations.insert(operations.end(), step.behind.begin(), step.behind.end());
    const bool fits = operations.size() <= visible.size() && step.taken.size() == count &&
                      std::ranges::equal(operations, std::span(visible).first(operations.size()),
                                         {}, {}, [](const Record *record) -> const std::string & {
                                           return record->instruction->operation;
                                         });
    if (fits)
      return operations.size();
  }
  return count;
}

void OccupationRun::takeStep(ObjectId id) {
  Unit &unit = units_[id];
  if (unit.visible.empty())
    return;
  const std::size_t count = chooseStep(id);
  const Record &first = *unit.visible.front();
  const bool isFree = count == 1 ? isUnitFree(id, first.age, first.isExpanding())
                                 : unit.processing.empty() && unit.claimant == nobody;
  if (count == 0 || !isFree)
    return;
  UnitStep &step = unit.steps.emplace_back();
  step.number = unit.taken++;
  findCauseOfStep(id, countLookedAt(id, count));
  if (causes_)
    noteEntering(*unit.visible.front(), id);
  for (std::size_t i = 0; i < count; ++i) {
    Record &record = *unit.visible[i];
    leave(record);
    takeTurn(record, id);
    ++record.position;
    record.enteredAt = now_;
    noteEntered(record, id);
    enterUnit(record, step);
  }
  makeLockStep(step);
}

/// Joins the messages of a step that are marked `together`.
void OccupationRun::makeLockStep(const UnitStep &step) {
  auto group = std::make_shared<LockStep>();
  for (const Reference &reference : step.members) {
    const Record &record = *find(reference);
    for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
      if (record.instruction->phases[phase].together)
        group->members.push_back(
            {reference, record.age, phase, &record.instruction->phases[phase]});
  }
  if (group->members.size() < 2)
    return;
  for (const LockStep::Member &member : group->members) {
    group->words = std::max(group->words, channels_.wordsOf(*member.text));
    find(member.instruction)->phases[member.phase].lockStep = group;
  }
}

// ---- Start --------------------------------------------------------------------------------------

OccupationRun::UnitStep *OccupationRun::findStep(const Record &record) {
  for (UnitStep &step : units_[record.table->unit].steps)
    if (step.number == record.step)
      return &step;
  return nullptr;
}

/// Starts the step whose oldest instruction is \p first, once the dependences of all are over.
void OccupationRun::startStep(Record &first) {
  const UnitStep &step = *findStep(first);
  if (step.members.front() != first.self)
    return;
  for (const Reference &reference : step.members)
    if (!mayStart(*find(reference)))
      return;
  findCauseOfStart(step);
  for (const Reference &reference : step.members) {
    Record &record = *find(reference);
    noteStarted(record);
    record.hasStarted = true;
    record.times.started = now_;
    record.awaits.clear();
  }
  noteChange();
}

// ---- End ----------------------------------------------------------------------------------------

/// Whether the part of \p record in its unit is over.
bool OccupationRun::isUnitPartOver(const Record &record) const {
  if (record.phases.empty())
    return record.hasExecuted || record.isPublished(program::completedEvent);
  const bool isDeclared = !graph_.objects[record.table->unit].steps.empty();
  const bool hasPart = record.table->hasPhaseOnUnit || record.isExpanding();
  if (!hasPart && !isDeclared)
    return record.phases.front().status != PhaseState::Status::Waiting;
  for (std::size_t i = 0; i < record.phases.size(); ++i) {
    const Phase &phase = record.instruction->phases[i];
    const PhaseState &state = record.phases[i];
    const bool isOnUnit =
        phase.kind == Phase::Kind::Occupation && phase.object == record.table->unit;
    const bool mustEnd = hasPart ? isOnUnit : record.table->isFirst[i];
    if (mustEnd && !record.isPublished(program::phaseEnd(i)))
      return false;
    if (state.expansion &&
        (state.status == PhaseState::Status::Waiting || !state.expansion->cursor.isAtEnd()))
      return false;
  }
  return true;
}

void OccupationRun::checkUnitPart(Record &record) {
  if (record.step < 0 || record.isPartOver || !isUnitPartOver(record))
    return;
  record.isPartOver = true;
  const ObjectId id = record.table->unit;
  UnitStep &step = *findStep(record);
  --step.open;
  if (graph_.objects[id].steps.empty())
    leaveUnit(id, record.self);
  if (step.open > 0)
    return;
  for (const Reference &member : step.members)
    leaveUnit(id, member);
  if (isReleasing())
    endStep(id, step.number);
  else
    pushLate({Late::Kind::StepOver, nobody, 0, 0, id, step.number});
}

void OccupationRun::leaveUnit(ObjectId id, const Reference &who) {
  std::erase(units_[id].processing, who);
  noteFreed(id);
  noteKnown();
}

/// Everybody knows now that the step has ended.
void OccupationRun::endStep(ObjectId id, std::int64_t number) {
  noteStepEnd(id, number);
  std::erase_if(units_[id].steps, [&](const UnitStep &step) { return step.number == number; });
  cascadeUnit(id);
}

/// In part 1: something has happened in \p id that phases of its instructions may have waited for.
void OccupationRun::cascadeUnit(ObjectId id) {
  std::vector<Reference> started;
  for (const Record *record : live_)
    if (record->table->unit == id && record->hasStarted)
      started.push_back(record->self);
  for (const Reference &reference : started)
    if (Record *record = find(reference))
      cascade(*record);
}

bool OccupationRun::isStepOver(ObjectId id, std::int64_t number) const {
  const Unit &unit = units_[id];
  return number < unit.taken &&
         std::ranges::none_of(
             unit.steps, [&](const UnitStep &step) { return step.number == number; });
}

} // namespace acadlc::simulate
