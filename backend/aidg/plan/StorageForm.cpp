#include "backend/aidg/plan/StorageForm.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace acadlc::aidg {

namespace {

/// Marks a closed bank. No row has this number: addresses would leave the 64 bits.
constexpr std::int64_t closed = std::numeric_limits<std::int64_t>::min();

std::int64_t lineAddress(const arch::Object &cache, const timing::CacheLine &line) {
  return line.tag * cache.lineSize;
}

/// Of the first byte of the row that is open in bank \p index.
std::int64_t rowAddress(const arch::Object &dram, const timing::Bank &bank, std::size_t index) {
  return (bank.row * dram.banks + static_cast<std::int64_t>(index)) * dram.rowSize;
}

} // namespace

StorageForm::StorageForm(const Plan &plan) : plan_(&plan) {
  for (std::uint32_t i = 0; i != plan.blockClasses.size(); ++i)
    if (!plan.blockClasses[i].isEmpty())
      ownBlocks_.push_back(i);
}

StorageForm::Movement StorageForm::movementAt(arch::ObjectId memory, std::int64_t address,
                                              std::span<const std::int64_t> addressShift) const {
  const auto found = std::ranges::partition_point(ownBlocks_, [&](std::uint32_t i) {
    const BlockClass &blocks = plan_->blockClasses[i];
    return std::tie(blocks.memory, blocks.high) <= std::tie(memory, address);
  });
  if (found == ownBlocks_.end())
    return {};
  const BlockClass &blocks = plan_->blockClasses[*found];
  if (blocks.memory != memory || address < blocks.low)
    return {};
  return {addressShift[plan_->addressClass(*found)], std::int64_t{*found} + 1};
}

bool StorageForm::isInOwnBlocks(const PlanAccess &access, std::int64_t address) const {
  const BlockClass &blocks = plan_->blockClasses[access.blockClass];
  return address >= blocks.low && address <= blocks.high - std::max<std::int64_t>(access.bytes, 1);
}

void StorageForm::appendSets(const PlanStateful &storage, const timing::StorageModel &model,
                             std::span<const std::int64_t> addressShift,
                             std::vector<std::int64_t> &key) const {
  const arch::Object &cache = plan_->graph->objects[storage.id];
  for (const timing::CacheSet &set : model.sets(storage.id)) {
    key.push_back(static_cast<std::int64_t>(set.size()));
    for (const timing::CacheLine &line : set) {
      const Movement movement = movementAt(storage.memory, lineAddress(cache, line), addressShift);
      const std::int64_t tag = line.tag - movement.bytes / cache.lineSize;
      key.insert(key.end(), {movement.blockClass * 2 + (line.dirty ? 1 : 0), tag});
    }
  }
}

void StorageForm::appendBanks(const PlanStateful &storage, const timing::StorageModel &model,
                              std::span<const std::int64_t> addressShift, std::int64_t front,
                              std::vector<std::int64_t> &key) const {
  const arch::Object &dram = plan_->graph->objects[storage.id];
  const std::vector<timing::Bank> &banks = model.banks(storage.id);
  for (std::size_t i = 0; i != banks.size(); ++i) {
    const timing::Bank &bank = banks[i];
    if (!bank.open) {
      key.push_back(closed);
      continue;
    }
    const Movement movement = movementAt(storage.memory, rowAddress(dram, bank, i), addressShift);
    // An activation delays a precharge until tRAS has passed, nothing later.
    key.insert(key.end(),
               {bank.row - movement.bytes / (dram.rowSize * dram.banks), movement.blockClass,
                std::max(bank.activated + dram.tRAS, front) - front});
  }
}

void StorageForm::append(const timing::StorageModel &model,
                         std::span<const std::int64_t> addressShift, std::int64_t front,
                         std::vector<std::int64_t> &key) const {
  for (const PlanStateful &storage : plan_->stateful) {
    appendSets(storage, model, addressShift, key);
    appendBanks(storage, model, addressShift, front, key);
  }
}

void StorageForm::shift(timing::StorageModel &model, std::span<const std::int64_t> addressShift,
                        std::int64_t cycles) const {
  for (const PlanStateful &storage : plan_->stateful) {
    const arch::Object &object = plan_->graph->objects[storage.id];
    for (timing::CacheSet &set : model.sets(storage.id))
      for (timing::CacheLine &line : set)
        line.tag += movementAt(storage.memory, lineAddress(object, line), addressShift).bytes /
                    object.lineSize;
    std::vector<timing::Bank> &banks = model.banks(storage.id);
    for (std::size_t i = 0; i != banks.size(); ++i) {
      if (!banks[i].open)
        continue;
      banks[i].row +=
          movementAt(storage.memory, rowAddress(object, banks[i], i), addressShift).bytes /
          (object.rowSize * object.banks);
      banks[i].activated += cycles;
    }
  }
}

} // namespace acadlc::aidg
