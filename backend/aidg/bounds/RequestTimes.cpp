#include "backend/aidg/bounds/RequestTimes.h"

#include "backend/aidg/bounds/RequestOrder.h"
#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <utility>

namespace acadlc::aidg {

namespace {

// Cycles are never negative here, so overflow is always upwards.
/// Sums of a few times of a level stay in range.
constexpr std::int64_t mostOfLevel = std::int64_t{1} << 48;
constexpr std::int64_t endless = timing::StorageModel::overflow;
std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(endless); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return checkedMul(a, b).value_or(endless); }

} // namespace

RequestTimes::RequestTimes(const Plan &plan, const std::vector<Count> &counts,
                           std::int64_t allowance)
    : accesses_(plan.accesses.size()) {
  const ServiceTimes single(*plan.graph, *plan.program);
  for (std::size_t i = 0; i != accesses_.size(); ++i) {
    const PlanAccess &access = plan.accesses[i];
    const std::int64_t count = counts[access.instruction].value_or(endless);
    AccessTimes &times = accesses_[i];
    times.each = single.of(*access.operand);
    times.sum = {multiply(count, times.each.least), multiply(count, times.each.most)};
  }
  // Numbers of requests are added up in 64 bits.
  if (!std::ranges::all_of(counts, &Count::has_value))
    return;
  for (const std::vector<std::uint32_t> &storages : findOrderedStorages(plan))
    for (auto &[access, served] : walkRequests(plan, storages, allowance))
      addHistory(accesses_[access], *counts[plan.accesses[access].instruction], std::move(served));
  for (const FittingCache &cache : findFittingCaches(plan))
    addFitting(plan, counts, cache, single);
}

/// Adds those of its \p count requests that are known to what is known of all.
void RequestTimes::addHistory(AccessTimes &times, std::int64_t count,
                              std::vector<ServedRequests> served) {
  std::int64_t rest = count;
  for (const ServedRequests &requests : served)
    rest -= requests.count;
  if (rest != 0)
    served.push_back({times.each, rest});
  times.sum = {};
  times.each = served.front().service;
  for (const auto &[service, number] : served) {
    times.sum.least = add(times.sum.least, multiply(number, service.least));
    times.sum.most = add(times.sum.most, multiply(number, service.most));
    times.each.least = std::min(times.each.least, service.least);
    times.each.most = std::max(times.each.most, service.most);
  }
  times.served = std::move(served);
  hasLevels_ = hasLevels_ || times.each.least != times.each.most;
}

/// Uses that each line of \p cache misses once, if that is better than taking every request for a
/// miss.
void RequestTimes::addFitting(const Plan &plan, const std::vector<Count> &counts,
                              const FittingCache &cache, const ServiceTimes &single) {
  std::vector<std::uint32_t> requests;
  std::int64_t ifMisses = 0;
  std::int64_t ifHits = 0;
  for (std::uint32_t i = 0; i != accesses_.size(); ++i) {
    const PlanAccess &access = plan.accesses[i];
    if (access.storage != cache.storage || !access.changesState)
      continue;
    if (!accesses_[i].served.empty())
      return; // more is known
    requests.push_back(i);
    ifMisses = add(ifMisses, accesses_[i].sum.most);
    ifHits = add(ifHits, multiply(*counts[access.instruction], single.mostIfHits(*access.operand)));
  }
  const std::int64_t filling =
      multiply(cache.lines, single.mostOfFill(plan.storages[cache.storage].id));
  if (add(ifHits, filling) >= ifMisses)
    return;
  for (const std::uint32_t i : requests) {
    AccessTimes &times = accesses_[i];
    times.mostIfHits = single.mostIfHits(*plan.accesses[i].operand);
    times.sum.most = multiply(*counts[plan.accesses[i].instruction], *times.mostIfHits);
  }
  filling_ = add(filling_, filling);
  hasLevels_ = true;
}

std::int64_t RequestTimes::levelOf(const AccessTimes &times, Level level) {
  if (level == Level::Least)
    return std::min(times.each.least, mostOfLevel);
  if (level == Level::Most)
    return std::min(times.each.most, mostOfLevel);
  std::int64_t count = 0;
  for (const ServedRequests &requests : times.served)
    count += requests.count;
  return std::min(times.sum.most / count, mostOfLevel);
}

AssumedServices RequestTimes::atLeast(Level level) const {
  AssumedServices assumed;
  for (const AccessTimes &times : accesses_) {
    const std::int64_t cycles = times.served.empty() ? times.each.least : levelOf(times, level);
    assumed.cycles.push_back(cycles);
    for (const auto &[service, count] : times.served)
      assumed.error =
          add(assumed.error, multiply(count, std::max<std::int64_t>(cycles - service.least, 0)));
  }
  return assumed;
}

AssumedServices RequestTimes::atMost(Level level) const {
  AssumedServices assumed;
  // What lines that are filled take longer passes at a unit, and at a storage where others wait.
  assumed.error = level == Level::Most ? 0 : add(filling_, filling_);
  for (const AccessTimes &times : accesses_) {
    std::int64_t cycles = times.each.most;
    if (!times.served.empty())
      cycles = levelOf(times, level);
    else if (times.mostIfHits && level != Level::Most)
      cycles = *times.mostIfHits;
    assumed.cycles.push_back(cycles);
    for (const auto &[service, count] : times.served)
      assumed.error =
          add(assumed.error, multiply(count, std::max<std::int64_t>(service.most - cycles, 0)));
  }
  return assumed;
}

} // namespace acadlc::aidg
