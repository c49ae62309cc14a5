#include "backend/aidg/ProgramOrderState.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

ProgramOrderState::ProgramOrderState(const Plan &plan, const FlatProgram &flat)
    : times(flat), ranges(plan.spaces.size()), storageModel(*plan.graph), plan_(&plan) {
  bool hasTracked = false;
  trackedDistance_ = std::numeric_limits<std::int64_t>::max();
  for (const PlanInstruction &instruction : plan.instructions)
    if (instruction.hasTracked) {
      hasTracked = true;
      trackedDistance_ = std::min(trackedDistance_, plan.objects[instruction.unit].distance);
    }
  if (!hasTracked)
    trackedDistance_ = 0;
  for (const PlanStorage &storage : plan.storages)
    for (arch::ObjectId id = storage.id; id != arch::noObject; id = plan.graph->objects[id].lower)
      if (storageModel.hasState(id) &&
          std::find(stateful_.begin(), stateful_.end(), id) == stateful_.end())
        stateful_.push_back(id);
}

void ProgramOrderState::dropDeadRanges(std::uint32_t space) {
  const std::int64_t front = arrival() + trackedDistance_;
  std::erase_if(ranges[space],
                [front](const TrackedRange &range) { return range.lastAccess <= front; });
}

void ProgramOrderState::normalise() {
  times.storeIssues();
  times.clamp();
  times.takeIssues();
  for (std::uint32_t space = 0; space != ranges.size(); ++space)
    dropDeadRanges(space);
}

void ProgramOrderState::appendTimes(std::vector<std::int64_t> &key) const {
  key.push_back(times.remaining);
  for (const std::int64_t time : times.values)
    key.push_back(time - arrival());
}

void ProgramOrderState::loadTimes(std::span<const std::int64_t> key, std::int64_t arrival) {
  times.remaining = key.front();
  for (std::size_t place = 0; place != times.values.size(); ++place)
    times.values[place] = key[place + 1] + arrival;
  times.takeIssues();
}

void ProgramOrderState::appendAddresses(const std::vector<std::int64_t> &addressShift,
                                        std::vector<std::int64_t> &key) const {
  for (std::size_t space = 0; space != ranges.size(); ++space) {
    key.push_back(static_cast<std::int64_t>(ranges[space].size()));
    for (const TrackedRange &range : ranges[space]) {
      key.push_back(range.low - addressShift[space]);
      key.push_back(range.high - range.low);
      key.push_back(std::max(range.lastWrite, arrival() + trackedDistance_) - arrival());
      key.push_back(range.lastAccess - arrival());
    }
  }
  appendStorageStates(key);
}

void ProgramOrderState::appendStorageStates(std::vector<std::int64_t> &key) const {
  for (const arch::ObjectId id : stateful_) {
    for (const timing::CacheSet &set : storageModel.sets(id)) {
      key.push_back(static_cast<std::int64_t>(set.size()));
      for (const timing::CacheLine &line : set)
        key.push_back(line.tag * 2 + (line.dirty ? 1 : 0));
    }
    const arch::Object &storage = plan_->graph->objects[id];
    for (const timing::Bank &bank : storageModel.banks(id)) {
      key.push_back(bank.open ? bank.row : -1);
      // An activation delays a precharge until tRAS has passed, nothing later.
      key.push_back(bank.open ? std::max(bank.activated + storage.tRAS, arrival()) - arrival() : 0);
    }
  }
}

void ProgramOrderState::shift(std::int64_t cycles, const std::vector<std::int64_t> &addressShift) {
  times.storeIssues();
  for (std::int64_t &time : times.values)
    time += cycles;
  times.takeIssues();
  for (std::size_t space = 0; space != ranges.size(); ++space)
    for (TrackedRange &range : ranges[space]) {
      range.low += addressShift[space];
      range.high += addressShift[space];
      range.lastWrite += cycles;
      range.lastAccess += cycles;
    }
  for (const arch::ObjectId id : stateful_)
    for (timing::Bank &bank : storageModel.banks(id))
      bank.activated += cycles;
}

} // namespace acadlc::aidg
