// What objects do in a cycle (docs/report.md, "Busy, waiting, idle").
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectClass;
using arch::ObjectId;
using program::Phase;
using Status = PhaseState::Status;

/// The cycle is over; nothing changes until \p next, but that units hand on for one cycle alone.
void OccupationRun::countUsage(std::int64_t next) {
  usage_->settle(lastFinish_);
  usage_->see(now_, 1, sightOfUsage(true));
  if (next - now_ > 1)
    usage_->see(now_ + 1, next - now_ - 1, sightOfUsage(false));
  handedOn_.assign(handedOn_.size(), false);
}

/// \p isFirst: in the cycle itself, not in those behind it in which nothing changes.
UsageSight OccupationRun::sightOfUsage(bool isFirst) const {
  const std::int64_t now = isFirst ? now_ : now_ + 1;
  UsageSight sight;
  sight.buffered = buffered_;
  for (ObjectId id = 0; id != graph_.objects.size(); ++id) {
    timing::ObjectUsage usage;
    switch (graph_.objects[id].objectClass) {
    case ObjectClass::FunctionalUnit:
    case ObjectClass::MemoryAccessUnit:
    case ObjectClass::InstructionMemoryAccessUnit:
      usage = sightOfUnit(id, isFirst);
      break;
    case ObjectClass::PipelineStage:
    case ObjectClass::ExecuteStage:
      for (const Record *record : places_[id].held) {
        ++usage.taken;
        usage.next += record->isStageDone ? 1 : 0;
      }
      break;
    case ObjectClass::Queue:
    case ObjectClass::ReservationStation:
      usage.taken = usage.next = places_[id].entries;
      break;
    case ObjectClass::SRAM:
    case ObjectClass::DRAM:
    case ObjectClass::SetAssociativeCache:
      usage.taken = graph_.objects[id].slots() - freeSlotsOf_[id];
      break;
    case ObjectClass::Channel:
      usage.taken = channels_.isAccepting(id, now) ? 0 : 1;
      break;
    case ObjectClass::InstructionFetchStage:
    case ObjectClass::RegisterFile:
      break;
    }
    sight.objects.push_back(usage);
  }
  if (isFetching_) {
    for (const ObjectId id : {fetchPath_.stage, fetchPath_.unit}) {
      if (id == fetchPath_.unit && isFetchServed_)
        continue;
      ++sight.objects[id].taken;
      sight.objects[id].requests += wantsFetchGrant_ ? 1 : 0;
    }
  }
  return sight;
}

timing::ObjectUsage OccupationRun::sightOfUnit(ObjectId id, bool isFirst) const {
  const Unit &unit = units_[id];
  timing::ObjectUsage usage;
  const bool isClaimed = unit.claimant != nobody &&
                         std::ranges::find(unit.processing, unit.claimant) == unit.processing.end();
  usage.taken = isClaimed || !unit.processing.empty() ? 1 : 0;
  if (usage.taken == 0 || isClaimed)
    return usage;
  std::size_t alive = 0, started = 0, asking = 0;
  for (const Reference &reference : unit.processing) {
    const Record *record = find(reference);
    if (!record)
      continue;
    if (isWorking(*record, isFirst))
      return usage;
    ++alive;
    started += record->hasStarted ? 1U : 0U;
    asking += record->wantsGrant ? 1U : 0U;
  }
  if (alive != 0 && started == 0)
    usage.operands = 1;
  else if (asking != 0)
    usage.requests = 1;
  else
    usage.next = isFirst && handedOn_[id] ? 0 : 1;
  return usage;
}

/// Whether something is done for \p record, which is in its unit.
bool OccupationRun::isWorking(const Record &record, bool isFirst) const {
  if (!record.hasStarted)
    return false;
  if (record.phases.empty())
    return record.isExecuting && !record.wantsGrant;
  return std::ranges::any_of(record.phases, [&](const PhaseState &phase) {
    if (phase.status != Status::Running)
      return false;
    return !phase.expansion || phase.expansion->firstOffer > (isFirst ? now_ : now_ + 1);
  });
}

} // namespace acadlc::simulate
