#include "backend/aidg/recurrence/ProgramOrderState.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

ProgramOrderState::ProgramOrderState(const Plan &plan, const FlatProgram &flat)
    : times(flat), storageModel(*plan.graph), storageForm_(plan) {
  for (const std::int64_t longest : longestTracked(plan))
    ranges.emplace_back(longest);
  bool hasTracked = false;
  trackedDistance_ = std::numeric_limits<std::int64_t>::max();
  for (const PlanInstruction &instruction : plan.instructions)
    if (instruction.hasTracked) {
      hasTracked = true;
      trackedDistance_ = std::min(trackedDistance_, plan.objects[instruction.unit].distance);
    }
  if (!hasTracked)
    trackedDistance_ = 0;
}

void ProgramOrderState::recordRange(std::uint32_t conflictClass, const TrackedRange &added) {
  const std::int64_t front = arrival() + trackedDistance_;
  const bool isWrite = added.lastWrite == added.lastAccess;
  // Whoever overlaps a range within the added one overlaps that too, and waits longer for it.
  ranges[conflictClass].forEachOverlapping(
      added.low, added.high, isOver(), [&](const TrackedRange &range) {
        return range.low >= added.low && range.high <= added.high &&
               range.lastAccess <= added.lastAccess && (isWrite || range.lastWrite <= front);
      });
  ranges[conflictClass].append(added, isOver());
}

void ProgramOrderState::awaitRanges(std::uint32_t conflictClass, std::int64_t low,
                                    std::int64_t high, bool isWrite, std::int64_t &time) {
  ranges[conflictClass].forEachOverlapping(low, high, isOver(), [&](const TrackedRange &range) {
    time = std::max(time, isWrite ? range.lastAccess : range.lastWrite);
    return false;
  });
}

void ProgramOrderState::normalise() {
  times.storeIssues();
  times.clamp();
  times.takeIssues();
  for (RangeList<TrackedRange> &list : ranges)
    list.compact(isOver());
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
  const std::int64_t front = arrival() + trackedDistance_;
  for (std::size_t i = 0; i != ranges.size(); ++i) {
    const std::vector<TrackedRange> &list = ranges[i].ranges();
    if (list.empty())
      continue;
    key.push_back(static_cast<std::int64_t>(i));
    key.push_back(static_cast<std::int64_t>(list.size()));
    for (const TrackedRange &range : list) {
      key.push_back(range.low - addressShift[i]);
      key.push_back(range.high - range.low);
      key.push_back(std::max(range.lastWrite, front) - arrival());
      key.push_back(range.lastAccess - arrival());
    }
  }
  key.push_back(-1); // no class follows
  storageForm_.append(storageModel, addressShift, arrival(), key);
}

void ProgramOrderState::shift(std::int64_t cycles, const std::vector<std::int64_t> &addressShift) {
  times.storeIssues();
  for (std::int64_t &time : times.values)
    time += cycles;
  times.takeIssues();
  for (std::size_t i = 0; i != ranges.size(); ++i)
    ranges[i].changeAll([&](TrackedRange &range) {
      range.low += addressShift[i];
      range.high += addressShift[i];
      range.lastWrite += cycles;
      range.lastAccess += cycles;
    });
  storageForm_.shift(storageModel, addressShift, cycles);
}

} // namespace acadlc::aidg
