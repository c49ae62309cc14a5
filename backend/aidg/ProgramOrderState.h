/// \file
/// Everything that later instructions can still feel of earlier ones, in program-order evaluation,
/// and its normal form: times relative to the fetch front, times that can delay nothing any more
/// raised to what cannot be undercut, addresses relative to the loop's progress.
#pragma once

#include "backend/aidg/Plan.h"
#include "backend/timing/StorageModel.h"

#include <cstdint>
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
  explicit ProgramOrderState(const Plan &plan);

  // One flat array of times, in sections, so that normalising is one loop.
  [[nodiscard]] std::int64_t &objectFree(std::uint32_t object) { return times_[object]; }
  [[nodiscard]] std::int64_t &lastWrite(std::uint32_t reg) { return times_[writes_ + reg]; }
  [[nodiscard]] std::int64_t &lastAccess(std::uint32_t reg) { return times_[accesses_ + reg]; }
  /// Largest request time so far at a storage.
  [[nodiscard]] std::int64_t &lastRequest(std::uint32_t storage) {
    return times_[requests_ + storage];
  }
  /// Last grant at a storage that grants in program order.
  [[nodiscard]] std::int64_t &lastGrant(std::uint32_t storage) { return times_[grants_ + storage]; }
  /// Last grant at any storage of a group that shares state.
  [[nodiscard]] std::int64_t &lastStateChange(std::uint32_t group) {
    return times_[stateChanges_ + group];
  }
  /// Largest finish time so far.
  [[nodiscard]] std::int64_t &end() { return times_[end_]; }

  /// Takes the earliest slot of a storage that is free and gives it back at \p busyUntil.
  [[nodiscard]] std::int64_t earliestSlot(std::uint32_t storage) const {
    return times_[slots_[storage]];
  }
  void occupyEarliestSlot(std::uint32_t storage, std::int64_t busyUntil);

  /// Notes that an instruction left the issue buffer.
  void recordIssue(std::int64_t time);
  /// First cycle in which the buffer has room for a fetch.
  [[nodiscard]] std::int64_t bufferRoom() const { return issues_[oldestIssue_]; }

  std::int64_t arrival = 0;   ///< when the current fetch block entered the buffer
  std::int64_t fetchFree = 0; ///< when the next fetch may start at the earliest
  std::int64_t remaining = 0; ///< instructions of the current block that are still to come

  std::vector<std::vector<TrackedRange>> ranges; ///< by address space
  timing::StorageModel storageModel;

  /// Appends the normal form to \p key; address spaces are shifted back by \p addressShift bytes.
  void normalForm(const std::vector<std::int64_t> &addressShift, std::vector<std::int64_t> &key);
  /// Moves the whole state by \p cycles in time and the tracked ranges by \p addressShift bytes.
  void shift(std::int64_t cycles, const std::vector<std::int64_t> &addressShift);

  /// Forgets tracked ranges that can delay no later instruction.
  void dropDeadRanges(std::uint32_t space);

private:
  void clampDeadTimes();
  void appendStorageStates(std::vector<std::int64_t> &key) const;
  /// Where the sections begin.
  std::size_t writes_ = 0, accesses_ = 0, requests_ = 0, grants_ = 0, stateChanges_ = 0, end_ = 0;
  std::vector<std::size_t> slots_; ///< by storage
  std::vector<std::size_t> slotEnds_;
  const Plan *plan_;
  std::vector<std::int64_t> times_;
  /// The largest buffer size − fetch width + 1 issue times, a ring in ascending order: a fetch
  /// finds room when the smallest of them has passed.
  std::vector<std::int64_t> issues_;
  std::size_t oldestIssue_ = 0; ///< where the smallest stands
  /// By time: least cycles from an arrival to its next use.
  std::vector<std::int64_t> distance_;
  std::int64_t trackedDistance_ = 0;
  std::vector<arch::ObjectId> stateful_; ///< storages with state, those below caches included
};

} // namespace acadlc::aidg
