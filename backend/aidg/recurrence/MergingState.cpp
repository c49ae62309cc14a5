#include "backend/aidg/recurrence/MergingState.h"

#include <algorithm>

namespace acadlc::aidg {

namespace {

/// Marks that no distance or relative time can have.
constexpr std::int64_t none = std::numeric_limits<std::int64_t>::min();

void move(Time &time, Time cycles) {
  if (time != unknown)
    time += cycles;
}

void moveIndex(std::int64_t &index, std::int64_t instructions) {
  if (index >= 0)
    index += instructions;
}

template <typename List> void moveIndices(List &indices, std::int64_t instructions) {
  for (std::int64_t &index : indices)
    moveIndex(index, instructions);
}

void moveWaiting(std::vector<Waiting> &waiting, Time cycles, std::int64_t instructions) {
  for (Waiting &one : waiting) {
    move(one.time, cycles);
    one.index += instructions;
  }
}

void moveFlight(Flight &flight, Time cycles, std::int64_t instructions) {
  flight.index += instructions;
  moveIndex(flight.awaited, instructions);
  for (Time *time :
       {&flight.ready, &flight.dependences, &flight.times.fetched, &flight.times.issued,
        &flight.times.entered, &flight.times.started, &flight.times.finished})
    move(*time, cycles);
}

} // namespace

MergingState::MergingState(const Plan &plan)
    : objects(plan.objects.size()), storages(plan.storages.size()), registers(plan.registerCount),
      issues(static_cast<std::size_t>(plan.fetch.bufferSize - plan.fetch.width + 1)),
      storageModel(*plan.graph), plan_(&plan), storageForm_(plan) {
  for (std::size_t i = 0; i != storages.size(); ++i)
    storages[i].slots.assign(static_cast<std::size_t>(plan.storages[i].slots), 0);
  for (const std::int64_t longest : longestTracked(plan))
    tracked.emplace_back(longest);
}

//===--- Normal form --------------------------------------------------------------------------===//

Time MergingState::relative(Time time) const {
  return time == unknown ? unknown : std::max(time, now) - now;
}

std::int64_t MergingState::distance(std::int64_t index) const {
  return index < 0 ? none : nextIndex - index;
}

void MergingState::appendWaiters(const ListPool::List &waiters,
                                 std::vector<std::int64_t> &key) const {
  const std::size_t count = key.size();
  key.push_back(0);
  waits.forEach(waiters, [&](std::int64_t index) {
    key.push_back(distance(index));
    ++key[count];
  });
}

void MergingState::appendUnfinished(const std::vector<std::int64_t> &indices,
                                    std::vector<std::int64_t> &key) const {
  const std::size_t count = key.size();
  key.push_back(0);
  for (const std::int64_t index : indices)
    if (index >= base && !window[static_cast<std::size_t>(index - base)].finished) {
      key.push_back(distance(index));
      ++key[count];
    }
}

void MergingState::appendAddresses(const Flight &flight,
                                   const std::vector<std::int64_t> &addressShift,
                                   std::vector<std::int64_t> &key) const {
  const PlanInstruction &instruction = plan_->instructions[flight.id];
  for (std::uint32_t i = flight.access; i < instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (!access.changesState)
      continue;
    key.push_back(flight.addresses[i] - addressShift[plan_->addressClass(access.blockClass)]);
  }
}

bool MergingState::movesInOwnBlocks(const std::vector<std::int64_t> &stride) const {
  for (const Flight &flight : window) {
    const PlanInstruction &instruction = plan_->instructions[flight.id];
    for (std::uint32_t i = flight.access; i < instruction.accessCount; ++i)
      if (const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
          access.changesState && stride[plan_->addressClass(access.blockClass)] != 0 &&
          !storageForm_.isInOwnBlocks(access, flight.addresses[i]))
        return false;
  }
  return true;
}

void MergingState::appendFlight(const Flight &flight, const std::vector<std::int64_t> &addressShift,
                                std::vector<std::int64_t> &key) const {
  if (flight.finished) {
    key.push_back(none);
    return;
  }
  const int flags = (flight.inUnit ? 2 : 0) + (flight.started ? 1 : 0);
  key.insert(key.end(), {flight.id, flight.position * 4 + flags, flight.access,
                         relative(flight.ready), relative(flight.times.entered),
                         relative(flight.dependences), flight.unfinishedDependences});
  appendAddresses(flight, addressShift, key);
  appendWaiters(flight.waiters, key);
}

void MergingState::appendObjects(std::vector<std::int64_t> &key) const {
  for (const ObjectState &object : objects) {
    key.insert(key.end(),
               {relative(object.free), distance(object.occupant), distance(object.standing),
                static_cast<std::int64_t>(object.coming.size()),
                static_cast<std::int64_t>(object.waiting.size())});
    for (const std::int64_t index : object.coming)
      key.push_back(distance(index));
    for (const Waiting &one : object.waiting)
      key.insert(key.end(), {distance(one.index), relative(one.time)});
  }
}

void MergingState::appendStorages(std::vector<std::int64_t> &key) const {
  for (const StorageState &storage : storages) {
    for (const Time slot : storage.slots)
      key.push_back(relative(slot));
    key.insert(key.end(),
               {relative(storage.lastGrant), static_cast<std::int64_t>(storage.requests.size()),
                static_cast<std::int64_t>(storage.coming.size())});
    for (const Waiting &one : storage.requests)
      key.insert(key.end(), {distance(one.index), relative(one.time)});
    for (const std::int64_t index : storage.coming)
      key.push_back(distance(index));
  }
}

void MergingState::appendDependences(const std::vector<std::int64_t> &addressShift,
                                     std::vector<std::int64_t> &key) const {
  for (const RegisterState &state : registers) {
    key.insert(key.end(), {relative(state.lastWrite), relative(state.lastAccess)});
    appendUnfinished(state.writers, key);
    appendUnfinished(state.users, key);
  }
  for (std::uint32_t i = 0; i != tracked.size(); ++i)
    appendTracked(i, addressShift[i], key);
}

void MergingState::appendTracked(std::uint32_t conflictClass, std::int64_t addressShift,
                                 std::vector<std::int64_t> &key) const {
  const std::size_t count = key.size();
  key.push_back(0);
  const RangeList<TrackedAccess> &list = tracked[conflictClass];
  for (std::size_t i = 0; i != list.ranges().size(); ++i) {
    const TrackedAccess &access = list.ranges()[i];
    if (list.isErased(i) || access.finish <= now)
      continue; // can delay nobody who has not started
    ++key[count];
    key.insert(key.end(),
               {access.low - addressShift, access.high - access.low, access.isWrite ? 1 : 0,
                relative(access.finish), access.finish == unknown ? distance(access.index) : none});
  }
}

void MergingState::appendNormalForm(const std::vector<std::int64_t> &addressShift,
                                    std::vector<std::int64_t> &key) const {
  key.insert(key.end(),
             {static_cast<std::int64_t>(window.size()),
              static_cast<std::int64_t>(issues.unissued()), relative(fetchFree), relative(end),
              fetchPending ? relative(fetchRequest) : none, unresolvedBranch ? 1 : 0});
  issues.forEach([&](Time issue) { key.push_back(relative(issue)); });
  for (const Flight &flight : window)
    appendFlight(flight, addressShift, key);
  appendObjects(key);
  appendStorages(key);
  appendDependences(addressShift, key);
  storageForm_.append(storageModel, addressShift, now, key);
}

//===--- Jumps --------------------------------------------------------------------------------===//

void MergingState::shiftAddresses(Flight &flight,
                                  const std::vector<std::int64_t> &addressShift) const {
  const PlanInstruction &instruction = plan_->instructions[flight.id];
  for (std::uint32_t i = 0; i < instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (access.changesState)
      flight.addresses[i] += addressShift[plan_->addressClass(access.blockClass)];
    if (access.tracked)
      flight.tracked[i] += addressShift[access.conflictClass];
  }
}

void MergingState::shift(Time cycles, std::int64_t instructions,
                         const std::vector<std::int64_t> &addressShift) {
  for (Flight &flight : window) {
    moveFlight(flight, cycles, instructions);
    waits.forEach(flight.waiters, [=](std::int64_t &index) { moveIndex(index, instructions); });
    shiftAddresses(flight, addressShift);
  }
  base += instructions;
  nextIndex += instructions;
  for (ObjectState &object : objects) {
    move(object.free, cycles);
    moveIndex(object.occupant, instructions);
    moveIndex(object.standing, instructions);
    moveIndices(object.coming, instructions);
    moveWaiting(object.waiting, cycles, instructions);
  }
  for (StorageState &storage : storages) {
    for (Time &slot : storage.slots)
      move(slot, cycles);
    move(storage.lastGrant, cycles);
    moveIndices(storage.coming, instructions);
    moveWaiting(storage.requests, cycles, instructions);
  }
  for (RegisterState &state : registers) {
    move(state.lastWrite, cycles);
    move(state.lastAccess, cycles);
    moveIndices(state.writers, instructions);
    moveIndices(state.users, instructions);
  }
  for (std::size_t i = 0; i != tracked.size(); ++i)
    tracked[i].changeAll([&](TrackedAccess &access) {
      access.low += addressShift[i];
      access.high += addressShift[i];
      access.index += instructions;
      move(access.finish, cycles);
    });
  issues.shift(cycles);
  move(fetchFree, cycles);
  move(fetchRequest, cycles);
  move(now, cycles);
  move(end, cycles);
  storageForm_.shift(storageModel, addressShift, cycles);
}

} // namespace acadlc::aidg
