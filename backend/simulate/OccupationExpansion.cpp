// What expansions hand on (docs/timing.md, "Expansion").
#include "backend/simulate/OccupationRun.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;
using program::Instruction;
using program::Phase;
using Status = PhaseState::Status;

// ---- Begin and end ------------------------------------------------------------------------------

void OccupationRun::beginExpansion(Record &record, std::size_t number) {
  Expansion &expansion = *record.phases[number].expansion;
  const std::int64_t latency = graph_.objects[record.table->unit].latency;
  expansion.firstOffer = checkedAdd(now_, latency).value_or(now_);
  noteExpansion(record, number, expansion.firstOffer);
  if (!expansion.cursor.isAtEnd())
    return schedule(latency, {Timed::Kind::Wake, nobody, 0, {}});
  noteHandedOnLast(record.table->unit);
  checkRead(record);
  endPhase(record, number);
  if (isReleasing())
    cascadeUnit(record.table->unit); // the same phase of the next instruction may begin
}

/// The event `read` of an instruction that expands.
void OccupationRun::checkRead(Record &record) {
  const auto hasRead = [&](std::size_t number) {
    const PhaseState &phase = record.phases[number];
    return !phase.expansion || (phase.status != Status::Waiting &&
                                phase.expansion->cursor.isAtEnd() && phase.expansion->unread == 0);
  };
  const std::optional<std::size_t> reader = record.table->readPhase;
  if (reader && !record.phases[*reader].expansion)
    return; // the end of that phase
  bool all = true;
  for (std::size_t phase = 0; phase < record.phases.size(); ++phase)
    if (!reader || *reader == phase)
      all = all && hasRead(phase);
  if (all)
    happen(record, program::readEvent);
}

void OccupationRun::emittedRead(Record &parent, std::size_t phase) {
  --parent.phases[phase].expansion->unread;
  checkRead(parent);
}

void OccupationRun::emittedCompleted(const Record &child, Record &parent) {
  // With a station it ends when the entry there is given back (releaseEntry).
  if (child.stations.empty())
    countOutstanding(child, parent, -1);
  PhaseState &phase = parent.phases[child.parentPhase];
  if (--phase.expansion->uncompleted == 0 && phase.expansion->cursor.isAtEnd() &&
      phase.status == Status::Running)
    endPhase(parent, child.parentPhase);
}

void OccupationRun::countOutstanding(const Record &child, const Record &parent,
                                     std::int64_t change) {
  Unit &unit = units_[parent.table->unit];
  if (change < 0)
    noteLimit(parent.table->unit);
  unit.outstandingOfPhase[phaseKey(parent, child.parentPhase)] += change;
  const Instruction &instruction = *child.instruction;
  unit.outstanding[instruction.classOrOperation()] += change;
  if (instruction.classOrOperation() != instruction.operation)
    unit.outstanding[instruction.operation] += change;
}

/// A phase of the text, whichever emit its instruction comes from.
std::string OccupationRun::phaseKey(const Record &record, std::size_t number) {
  return record.instruction->operation + '.' + record.instruction->phases[number].name;
}

const Record *OccupationRun::findFormerExpander(const Record &record, std::size_t number) const {
  const std::string &name = record.instruction->phases[number].name;
  for (const Reference &reference : units_[record.table->unit].processing) {
    const Record *other = find(reference);
    if (!other || !(other->age < record.age))
      continue;
    for (std::size_t i = 0; i < other->phases.size(); ++i) {
      if (!other->phases[i].hasHandedOn() && other->instruction->phases[i].name == name)
        return other;
    }
  }
  return nullptr;
}

// ---- Age ----------------------------------------------------------------------------------------

/// What is emitted stands in the place of the oldest instruction that the unit expands.
const Record *OccupationRun::placeOf(const Record &record) const {
  if (record.step < 0)
    return &record; // not in the unit yet
  const std::vector<Reference> &processing = units_[record.table->unit].processing;
  if (std::ranges::find(processing, record.self) == processing.end())
    return &record;
  const Record *oldest = &record;
  for (const Reference &reference : processing) {
    const Record *other = find(reference);
    const bool isExpanded = other && !std::ranges::all_of(other->phases, &PhaseState::hasHandedOn);
    if (isExpanded && other->age < oldest->age)
      oldest = other;
  }
  return oldest;
}

Age OccupationRun::nextEmittedAge(const Record &record) const {
  const Record &place = *placeOf(record);
  Age age = place.age;
  age.emission.push_back(place.standing + 1);
  return age;
}

/// Until it is handed on it stands in the place of \p record itself, behind what stands there.
bool OccupationRun::emitsBefore(const Record &record, const Age &age) {
  if (record.age.index != age.index)
    return record.age.index < age.index;
  const std::vector<std::int64_t> &prefix = record.age.emission;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (i == age.emission.size())
      return false;
    if (prefix[i] != age.emission[i])
      return prefix[i] < age.emission[i];
  }
  return prefix.size() < age.emission.size() && record.standing + 1 < age.emission[prefix.size()];
}

// ---- Part 2: offers -----------------------------------------------------------------------------

void OccupationRun::decideOffer(ObjectId id) {
  Unit &unit = units_[id];
  unit.offering = nullptr;
  std::vector<Record *> expanding;
  for (const Reference &reference : unit.processing)
    if (Record *record = find(reference); record && record->hasToEmit())
      expanding.push_back(record);
  std::ranges::sort(expanding, [](const Record *a, const Record *b) { return a->age < b->age; });
  std::size_t phases = 0;
  for (const Record *record : expanding)
    phases = std::max(phases, record->phases.size());
  for (std::size_t phase = 0; phase < phases; ++phase)
    for (Record *record : expanding)
      if (!unit.offering && phase < record->phases.size() && canOffer(*record, phase)) {
        unit.offering = record;
        unit.offeredPhase = phase;
      }
  if (!unit.offering)
    return;
  unit.offeredAge = nextEmittedAge(*unit.offering);
  const NestCursor &cursor = unit.offering->phases[unit.offeredPhase].expansion->cursor;
  candidates_[tables_.of(cursor.id()).objects.front()].push_back(
      {nullptr, id, &unit.offeredAge, &cursor.instruction()});
}

bool OccupationRun::canOffer(Record &record, std::size_t number) {
  const PhaseState &phase = record.phases[number];
  return phase.expansion && phase.status == Status::Running && !phase.expansion->cursor.isAtEnd() &&
         now_ >= phase.expansion->firstOffer && isWithinLimits(record, number) &&
         !findOtherPhase(record, number);
}

bool OccupationRun::isNamed(const Instruction &instruction, const std::string &name) {
  return instruction.classOrOperation() == name || instruction.operation == name;
}

bool OccupationRun::isWithinLimits(const Record &record, std::size_t number) const {
  const Phase &phase = record.instruction->phases[number];
  const Unit &unit = units_[record.table->unit];
  const auto count = [](const std::map<std::string, std::int64_t> &counts,
                        const std::string &name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  };
  if (phase.outstanding &&
      count(unit.outstandingOfPhase, phaseKey(record, number)) >= *phase.outstanding)
    return false;
  const Instruction &next = record.phases[number].expansion->cursor.instruction();
  return std::ranges::all_of(phase.limits, [&](const program::OutstandingLimit &limit) {
    return !isNamed(next, limit.name) || count(unit.outstanding, limit.name) < limit.count;
  });
}

/// The phase beside it that has still to hand on an instruction which writes a byte that the next
/// one of phase \p number reads; nothing if there is none.
std::optional<std::size_t> OccupationRun::findOtherPhase(Record &record, std::size_t number) {
  const NestCursor &reading = record.phases[number].expansion->cursor;
  const Instruction &reader = reading.instruction();
  const bool reads = std::ranges::any_of(
      reader.memory, [](const program::MemoryOperand &operand) { return !operand.isWrite; });
  if (!reads)
    return std::nullopt;
  const std::vector<std::int64_t> addresses =
      addressesOf(reader, reading.loopValues(), &record.addresses);
  for (std::size_t other = 0; other < record.phases.size(); ++other) {
    const PhaseState &phase = record.phases[other];
    if (other == number || !phase.expansion || phase.expansion->cursor.isAtEnd() ||
        OccupationTables::isBehind(*record.instruction, other, number))
      continue;
    Scout &scout = scoutFor(record, record, other, arch::noObject, number);
    if (scout.readerPosition != reading.position()) {
      scout.cursor = phase.expansion->cursor;
      scout.readerPosition = reading.position();
    }
    if (scout.cursor.position() < phase.expansion->cursor.position())
      scout.cursor = phase.expansion->cursor;
    const auto writes = [&](const NestCursor &cursor) {
      return writesWhatReads(
          cursor.instruction(),
          addressesOf(cursor.instruction(), cursor.loopValues(), &record.addresses), reader,
          addresses);
    };
    while (!scout.cursor.isAtEnd() && !writes(scout.cursor))
      scout.cursor.advance();
    if (!scout.cursor.isAtEnd())
      return other;
  }
  return std::nullopt;
}

// ---- Part 3: handing on -------------------------------------------------------------------------

/// The instruction that unit \p id offers enters \p target.
void OccupationRun::handOn(ObjectId id, ObjectId target) {
  Unit &unit = units_[id];
  Record &parent = *unit.offering;
  Expansion &expansion = *parent.phases[unit.offeredPhase].expansion;
  ++find(placeOf(parent)->self)->standing;
  Record &child =
      create(expansion.cursor.id(), expansion.cursor.loopValues(), unit.offeredAge, &parent);
  child.parentPhase = unit.offeredPhase;
  noteHandingOn(id, child);
  if (child.stations.empty())
    issue(child);
  ++expansion.uncompleted;
  ++expansion.unread;
  handedOn_[id] = true;
  countOutstanding(child, parent, 1);
  for (std::size_t turn = 0; turn < parent.emittedTurns.size(); ++turn)
    parent.emittedTurns[turn] -= child.table->ownTurns[turn] + child.table->emittedTurns[turn];
  expansion.cursor.advance();
  if (!parent.hasToEmit())
    std::erase(expanders_, &parent);
  if (expansion.cursor.isAtEnd())
    noteHandedOnLast(id);
  enter(target, child);
  if (expansion.cursor.isAtEnd())
    checkUnitPart(parent);
}

} // namespace acadlc::simulate
