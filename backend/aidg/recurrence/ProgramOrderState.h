/// \file
/// Everything that later instructions can still feel of earlier ones, in program-order evaluation,
/// and its normal form: times relative to the fetch front, times that can delay nothing any more
/// raised to what cannot be undercut, addresses relative to the loop's progress.
#pragma once

#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/plan/RangeList.h"
#include "backend/aidg/plan/StorageForm.h"
#include "backend/aidg/recurrence/Recurrences.h"
#include "backend/timing/StorageModel.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// A tracked byte range with the finish times of its last accesses.
struct TrackedRange {
  std::int64_t low = 0, high = 0;
  std::int64_t lastWrite = 0;  ///< finish of the last write
  std::int64_t lastAccess = 0; ///< finish of the last read or write
};

/// The state of a program-order evaluation. Times are absolute cycles.
class ProgramOrderState {
public:
  ProgramOrderState(const Plan &plan, const FlatProgram &flat);

  Recurrences<ExactArithmetic> times;
  std::vector<RangeList<TrackedRange>> ranges; ///< by class of conflicts
  timing::StorageModel storageModel;

  [[nodiscard]] std::int64_t arrival() const { return times.values[TimeLayout::arrival]; }
  [[nodiscard]] std::int64_t end() const { return times.values[TimeLayout::end]; }

  /// Raises dead times, stores the issues and forgets dead ranges: the same state.
  void normalise();
  /// Appends the normal form of the times to \p key; to be called when normalised.
  void appendTimes(std::vector<std::int64_t> &key) const;
  /// Takes the times from what appendTimes() gave, with the arrival at \p arrival.
  void loadTimes(std::span<const std::int64_t> key, std::int64_t arrival);
  /// Appends the normal form of what depends on addresses; those are shifted back by
  /// \p addressShift bytes, by class of addresses. To be called when normalised.
  void appendAddresses(const std::vector<std::int64_t> &addressShift,
                       std::vector<std::int64_t> &key) const;
  /// Moves the whole state by \p cycles in time and the addresses by \p addressShift bytes.
  void shift(std::int64_t cycles, const std::vector<std::int64_t> &addressShift);

  /// Notes a tracked access, and forgets ranges that it outdates or that can delay no later
  /// instruction.
  void recordRange(std::uint32_t conflictClass, const TrackedRange &added);
  /// The bytes [\p low, \p high) are accessed: raises \p time to when they may be.
  void awaitRanges(std::uint32_t conflictClass, std::int64_t low, std::int64_t high, bool isWrite,
                   std::int64_t &time);

private:
  /// What no later instruction waits for.
  [[nodiscard]] auto isOver() const {
    return [front = arrival() + trackedDistance_](const TrackedRange &range) {
      return range.lastAccess <= front;
    };
  }

  std::int64_t trackedDistance_ = 0;
  StorageForm storageForm_;
};

} // namespace acadlc::aidg
