/// \file
/// The normal form of storages with state: lines in caches and open rows of DRAM banks, by their
/// distance from the progress of a loop's accesses.
#pragma once

#include "backend/aidg/plan/Plan.h"
#include "backend/timing/StorageModel.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Knows how blocks (lines, rows) move with the classes of addresses.
///
/// A block that lies in the blocks of one class moves with it. All others stay: those that classes
/// share, and those that no access reaches. Both are functions of the address alone, so blocks that
/// differ stay different, as long as no access that moves meets a block that stays
/// (lastInOwnBlocks). Shifts are multiples of the memory's period (RepeatFacts::addressPeriod):
/// then a block keeps its set or bank, and what hits, which line is the victim and whether a row is
/// open is the same before and after.
class StorageForm {
public:
  explicit StorageForm(const Plan &plan);

  /// Appends the state of all storages to \p key, shifted back by \p addressShift bytes (by class
  /// of addresses); times before \p front can delay nothing and are raised to it.
  void append(const timing::StorageModel &model, std::span<const std::int64_t> addressShift,
              std::int64_t front, std::vector<std::int64_t> &key) const;
  /// Moves the state by \p cycles in time and by \p addressShift bytes.
  void shift(timing::StorageModel &model, std::span<const std::int64_t> addressShift,
             std::int64_t cycles) const;

  /// Whether all blocks that \p access touches at \p address move with its class.
  [[nodiscard]] bool isInOwnBlocks(const PlanAccess &access, std::int64_t address) const;

private:
  /// Bytes by which the block at \p address of \p memory moves, and the class that it moves with
  /// (counted from 1; 0: it stays, whatever moves).
  struct Movement {
    std::int64_t bytes = 0, blockClass = 0;
  };
  [[nodiscard]] Movement movementAt(arch::ObjectId memory, std::int64_t address,
                                    std::span<const std::int64_t> addressShift) const;
  void appendSets(const PlanStateful &storage, const timing::StorageModel &model,
                  std::span<const std::int64_t> addressShift, std::vector<std::int64_t> &key) const;
  void appendBanks(const PlanStateful &storage, const timing::StorageModel &model,
                   std::span<const std::int64_t> addressShift, std::int64_t front,
                   std::vector<std::int64_t> &key) const;

  const Plan *plan_;
  /// Indices of the classes that have blocks of their own, in the order of Plan::blockClasses.
  std::vector<std::uint32_t> ownBlocks_;
};

} // namespace acadlc::aidg
