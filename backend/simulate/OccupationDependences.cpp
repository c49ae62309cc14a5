// Who awaits whom (docs/timing.md, "Hazards" and "Where a dependence is awaited").
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;
using program::Instruction;
using program::MemoryOperand;
using Addresses = std::vector<std::int64_t>;

namespace {

/// What two instructions share that one of them writes.
enum class Sharing : std::uint8_t {
  None,
  OlderReads, ///< only what the older one reads and the younger one writes
  OlderWrites
};

bool haveCommon(const std::vector<arch::RegisterId> &a, const std::vector<arch::RegisterId> &b) {
  return std::ranges::find_first_of(a, b) != a.end();
}

bool overlap(const MemoryOperand &a, std::int64_t addressOfA, const MemoryOperand &b,
             std::int64_t addressOfB) {
  return a.memory == b.memory && addressOfA < addressOfB + b.bytes &&
         addressOfB < addressOfA + a.bytes;
}

Sharing share(const Instruction &older, const Addresses &olderAddresses, const Instruction &younger,
              const Addresses &youngerAddresses) {
  if (haveCommon(older.writes, younger.reads) || haveCommon(older.writes, younger.writes))
    return Sharing::OlderWrites;
  Sharing result = haveCommon(older.reads, younger.writes) ? Sharing::OlderReads : Sharing::None;
  for (std::size_t i = 0; i < older.memory.size(); ++i)
    for (std::size_t j = 0; j < younger.memory.size(); ++j) {
      const MemoryOperand &a = older.memory[i], &b = younger.memory[j];
      if ((!a.isWrite && !b.isWrite) || !overlap(a, olderAddresses[i], b, youngerAddresses[j]))
        continue;
      if (a.isWrite)
        return Sharing::OlderWrites;
      result = Sharing::OlderReads;
    }
  return result;
}

/// Whether an instruction may share anything with what a nest emits: registers and memories as a
/// whole are compared.
bool mayShare(const Instruction &instruction, const Footprint &nest) {
  const auto isTouched = [](bool isWrite, bool isRead, bool isWritten) {
    return isWritten || (isWrite && isRead);
  };
  for (const arch::RegisterId id : instruction.reads)
    if (nest.registersWritten[id])
      return true;
  for (const arch::RegisterId id : instruction.writes)
    if (nest.registersWritten[id] || nest.registersRead[id])
      return true;
  return std::ranges::any_of(instruction.memory, [&](const MemoryOperand &operand) {
    return isTouched(operand.isWrite, nest.memoriesRead[operand.memory],
                     nest.memoriesWritten[operand.memory]);
  });
}

bool passes(const InstructionTable &table, ObjectId station) {
  return std::ranges::any_of(
      table.stations, [station](const StationPass &pass) { return pass.station == station; });
}

} // namespace

// ---- Those in flight ----------------------------------------------------------------------------

void OccupationRun::relate(Record &record) {
  for (Record *other : live_) {
    if (other->age < record.age)
      relatePair(*other, record);
    else
      relatePair(record, *other);
  }
}

void OccupationRun::relatePair(const Record &older, Record &younger) {
  for (const Record *ancestor = find(younger.parent); ancestor; ancestor = find(ancestor->parent))
    if (ancestor == &older)
      return; // what is emitted stands in its place
  const Sharing sharing =
      share(*older.instruction, older.addresses, *younger.instruction, younger.addresses);
  for (std::size_t i = 0; i < younger.stations.size(); ++i) {
    const StationPass &pass = younger.table->stations[i];
    if (younger.stations[i].hasLeft || !passes(*older.table, pass.station))
      continue;
    for (const HazardLine &line : pass.hazards)
      if (line.isAwaited[older.id] && (!line.onlyOverlapping || sharing != Sharing::None))
        younger.awaits.push_back({older.self, line.event[older.id], pass.station});
  }
  if (sharing == Sharing::None || younger.hasStarted || younger.isExpanding() ||
      haveMet(older.meetings, younger.meetings))
    return;
  const program::EventId event =
      sharing == Sharing::OlderWrites ? program::completedEvent : program::readEvent;
  younger.awaits.push_back({older.self, event, arch::noObject});
}

/// Whether two instructions meet at a station with hazards.
bool OccupationRun::haveMet(const std::vector<Meeting> &a, const std::vector<Meeting> &b) {
  return std::ranges::any_of(a, [&](const Meeting &first) {
    return std::ranges::any_of(b, [&](const Meeting &second) {
      return first.station == second.station && first.who != second.who;
    });
  });
}

bool OccupationRun::isOver(const Await &await) const {
  const Record *other = find(await.whom);
  if (!other)
    return true;
  for (std::size_t i = 0; i < other->stations.size(); ++i) {
    if (other->table->stations[i].station != await.station)
      continue;
    if (other->stations[i].isReleased)
      return true; // the station does not know it any more
    if (await.event == program::issuedEvent)
      return other->stations[i].hasLeft;
  }
  return other->isPublished(await.event);
}

/// Whether nobody is awaited any more at \p station (noObject: in the unit).
bool OccupationRun::hasAwaited(Record &record, ObjectId station) {
  for (std::size_t i = 0; i < record.awaits.size();) {
    if (record.awaits[i].station != station) {
      ++i;
      continue;
    }
    if (!isOver(record.awaits[i]))
      return false;
    record.awaits[i] = record.awaits.back();
    record.awaits.pop_back();
  }
  return !findEmission(record, station);
}

bool OccupationRun::mayStart(Record &record) {
  return record.isExpanding() || hasAwaited(record, arch::noObject);
}

bool OccupationRun::isReady(Record &record, ObjectId station) {
  return !graph_.objects[station].queue.hasHazards || hasAwaited(record, station);
}

// ---- Those that have still to be handed on ------------------------------------------------------

/// Whose expansion has still to hand on an instruction that \p record awaits at \p station
/// (noObject: in its unit); null if nobody's.
const Record *OccupationRun::findEmission(Record &record, ObjectId station) {
  const auto found = std::ranges::find_if(
      expanders_, [&](const Record *expander) { return emitsAwaited(record, station, *expander); });
  return found == expanders_.end() ? nullptr : *found;
}

bool OccupationRun::emitsAwaited(Record &record, ObjectId station, const Record &expander) {
  if (&expander == &record || !emitsBefore(expander, record.age) ||
      (station == arch::noObject && haveMet(expander.meetings, record.meetings)))
    return false;
  for (std::size_t phase = 0; phase < expander.phases.size(); ++phase)
    if (expander.phases[phase].expansion && emitsAwaited(record, station, expander, phase))
      return true;
  return false;
}

/// The walk of \p record ahead through a nest of \p expander.
Scout &OccupationRun::scoutFor(Record &record, const Record &expander, std::size_t phase,
                               ObjectId station, std::size_t reader) {
  for (Scout &scout : record.scouts)
    if (scout.expander == expander.self && scout.phase == phase && scout.station == station &&
        scout.reader == reader)
      return scout;
  std::erase_if(record.scouts, [this](const Scout &scout) { return !find(scout.expander); });
  return record.scouts.emplace_back(
      Scout{expander.self, phase, station, reader, -1, expander.phases[phase].expansion->cursor});
}

bool OccupationRun::emitsAwaited(Record &record, ObjectId station, const Record &expander,
                                 std::size_t phase) {
  const NestCursor &next = expander.phases[phase].expansion->cursor;
  const Footprint &footprint = tables_.footprint(expander.instruction->phases[phase].body);
  if (next.isAtEnd() || (station == arch::noObject && !mayShare(*record.instruction, footprint)))
    return false;
  Scout &scout = scoutFor(record, expander, phase, station, 0);
  if (scout.cursor.position() < next.position())
    scout.cursor = next;
  while (!scout.cursor.isAtEnd() && !isAwaited(record, station, scout.cursor, expander.addresses))
    scout.cursor.advance();
  return !scout.cursor.isAtEnd();
}

/// Whether \p record awaits the next instruction of a nest, or one that this will emit.
/// \p addresses are those of the operands of the emitting instruction.
bool OccupationRun::isAwaited(const Record &record, ObjectId station, const NestCursor &emitted,
                              const Addresses &addresses) const {
  const Instruction &instruction = emitted.instruction();
  const InstructionTable &table = tables_.of(emitted.id());
  const Addresses own = addressesOf(instruction, emitted.loopValues(), &addresses);
  const auto shares = [&] {
    return share(instruction, own, *record.instruction, record.addresses) != Sharing::None;
  };
  if (station == arch::noObject) {
    const auto meets = [&](const StationPass &pass) {
      return pass.hasHazards && std::ranges::any_of(record.meetings, [&](const Meeting &meeting) {
               return meeting.station == pass.station;
             });
    };
    if (std::ranges::any_of(table.stations, meets))
      return false;
    if (shares())
      return true;
  } else if (passes(table, station)) {
    for (const StationPass &pass : record.table->stations)
      for (const HazardLine &line : pass.hazards)
        if (pass.station == station && line.isAwaited[emitted.id()] &&
            (!line.onlyOverlapping || shares()))
          return true;
  }
  for (const program::Phase &phase : instruction.phases) {
    if (phase.kind != program::Phase::Kind::Expansion)
      continue;
    NestCursor inner(program_, phase.body, tables_.emptyRegions());
    for (; !inner.isAtEnd(); inner.advance())
      if (isAwaited(record, station, inner, own))
        return true;
  }
  return false;
}

bool OccupationRun::writesWhatReads(const Instruction &writer, const Addresses &written,
                                    const Instruction &reader, const Addresses &read) {
  for (std::size_t i = 0; i < writer.memory.size(); ++i)
    for (std::size_t j = 0; j < reader.memory.size(); ++j)
      if (writer.memory[i].isWrite && !reader.memory[j].isWrite &&
          overlap(writer.memory[i], written[i], reader.memory[j], read[j]))
        return true;
  return false;
}

} // namespace acadlc::simulate
