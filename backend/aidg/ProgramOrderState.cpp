#include "backend/aidg/ProgramOrderState.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

ProgramOrderState::ProgramOrderState(const Plan &plan)
    : ranges(plan.spaces.size()), storageModel(*plan.graph), plan_(&plan) {
  const auto add = [this](std::int64_t distance) {
    times_.push_back(0);
    distance_.push_back(distance);
    return times_.size() - 1;
  };
  for (const PlanObject &object : plan.objects)
    add(object.distance);
  writes_ = times_.size();
  for (const std::int64_t distance : plan.registerDistance)
    add(distance);
  accesses_ = times_.size();
  for (const std::int64_t distance : plan.registerDistance)
    add(distance);
  requests_ = times_.size();
  for (const PlanStorage &storage : plan.storages)
    add(storage.distance);
  grants_ = times_.size();
  for (const PlanStorage &storage : plan.storages)
    add(storage.distance);
  stateChanges_ = times_.size();
  // The first of a group may be farther away than others: no distance that holds for all is known.
  for (std::size_t i = 0; i != plan.storages.size(); ++i)
    add(0);
  for (const PlanStorage &storage : plan.storages) {
    slots_.push_back(times_.size());
    // Slots that can never be waited for need no state.
    const std::int64_t slots = storage.neverWaits() && !storage.programOrder ? 1 : storage.slots;
    for (std::int64_t i = 0; i != slots; ++i)
      add(storage.distance);
    slotEnds_.push_back(times_.size());
  }
  end_ = add(0);
  issues_.resize(static_cast<std::size_t>(plan.fetch.bufferSize - plan.fetch.width + 1), 0);

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

void ProgramOrderState::occupyEarliestSlot(std::uint32_t storage, std::int64_t busyUntil) {
  // The section is kept in ascending order.
  std::size_t i = slots_[storage];
  for (; i + 1 != slotEnds_[storage] && times_[i + 1] < busyUntil; ++i)
    times_[i] = times_[i + 1];
  times_[i] = busyUntil;
}

void ProgramOrderState::recordIssue(std::int64_t time) {
  // Issues come nearly in order, so the place of a new one is found from the young end.
  if (time <= issues_[oldestIssue_])
    return;
  const std::size_t size = issues_.size();
  std::size_t position = oldestIssue_;
  oldestIssue_ = oldestIssue_ + 1 == size ? 0 : oldestIssue_ + 1;
  while (position != oldestIssue_) {
    const std::size_t previous = position == 0 ? size - 1 : position - 1;
    if (issues_[previous] <= time)
      break;
    issues_[position] = issues_[previous];
    position = previous;
  }
  issues_[position] = time;
}

void ProgramOrderState::dropDeadRanges(std::uint32_t space) {
  const std::int64_t front = arrival + trackedDistance_;
  std::erase_if(ranges[space],
                [front](const TrackedRange &range) { return range.lastAccess <= front; });
}

void ProgramOrderState::clampDeadTimes() {
  // No later instruction arrives before the present block did, so none uses a thing before
  // arrival + distance: smaller times can delay nothing.
  for (std::size_t i = 0; i != times_.size(); ++i)
    times_[i] = std::max(times_[i], arrival + distance_[i]);
  for (std::int64_t &time : issues_)
    time = std::max(time, fetchFree);
}

void ProgramOrderState::normalForm(const std::vector<std::int64_t> &addressShift,
                                   std::vector<std::int64_t> &key) {
  clampDeadTimes();
  for (std::uint32_t space = 0; space != ranges.size(); ++space)
    dropDeadRanges(space);
  key.push_back(remaining);
  key.push_back(fetchFree - arrival);
  for (const std::int64_t time : times_)
    key.push_back(time - arrival);
  for (std::size_t i = 0; i != issues_.size(); ++i)
    key.push_back(issues_[(oldestIssue_ + i) % issues_.size()] - arrival);
  for (std::size_t space = 0; space != ranges.size(); ++space) {
    key.push_back(static_cast<std::int64_t>(ranges[space].size()));
    for (const TrackedRange &range : ranges[space]) {
      key.push_back(range.low - addressShift[space]);
      key.push_back(range.high - range.low);
      key.push_back(std::max(range.lastWrite, arrival + trackedDistance_) - arrival);
      key.push_back(range.lastAccess - arrival);
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
      key.push_back(bank.open ? std::max(bank.activated + storage.tRAS, arrival) - arrival : 0);
    }
  }
}

void ProgramOrderState::shift(std::int64_t cycles, const std::vector<std::int64_t> &addressShift) {
  for (std::int64_t &time : times_)
    time += cycles;
  for (std::int64_t &time : issues_)
    time += cycles;
  arrival += cycles;
  fetchFree += cycles;
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
