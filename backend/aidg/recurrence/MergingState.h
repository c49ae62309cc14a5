/// \file
/// Everything that later instructions can still feel of earlier ones, in evaluation in the order of
/// time, and its normal form: times relative to the latest grant, those before it raised to it,
/// instructions by their distance from the next one, addresses relative to a loop's progress.
#pragma once

#include "backend/aidg/plan/IssueRanks.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/plan/Queues.h"
#include "backend/aidg/plan/RangeList.h"
#include "backend/aidg/plan/StorageForm.h"
#include "backend/timing/Evaluation.h"
#include "backend/timing/StorageModel.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace acadlc::aidg {

using Time = std::int64_t;
inline constexpr Time unknown = std::numeric_limits<Time>::max();

/// An instruction between its fetch and the moment in which all older ones are known too.
struct Flight {
  std::uint32_t id = 0; ///< into Plan::instructions
  std::int64_t index = 0;
  std::int64_t kernelIteration = -1;
  timing::InstructionTimes times;
  std::vector<std::int64_t> addresses; ///< of its accesses, for the requests
  /// The same for dependences. A jump moves them with other classes: those of conflicts, while
  /// requests move with those of blocks.
  std::vector<std::int64_t> tracked;
  std::vector<std::int64_t> loopValues; ///< for the observer
  std::uint32_t position = 0;           ///< objects of its route that it has entered
  Time ready = 0;                       ///< when it is done in its present object
  std::uint32_t unfinishedDependences = 0;
  Time dependences = 0;      ///< latest finish of those that are known
  std::int64_t awaited = -1; ///< one instruction that it depends on, for the deadlock report
  bool inUnit = false, started = false, finished = false;
  std::uint32_t access = 0; ///< the next to be requested
  ListPool::List waiters;   ///< in MergingState::waits: younger ones that depend on it
};

struct Waiting {
  std::int64_t index = 0;
  Time time = 0;
};

/// A stage or unit.
struct ObjectState {
  Time free = 0; ///< unknown while the present occupant's leave is
  std::int64_t occupant = -1;
  Ring<std::int64_t> coming;    ///< instructions still to enter, in program order
  std::int64_t standing = -1;   ///< the one that stands before an object that takes as they come
  std::vector<Waiting> waiting; ///< those that stand before an object that merges by time
};

struct StorageState {
  std::vector<Time> slots; ///< ascending
  std::vector<Waiting>
      requests;              ///< made, not granted; a fetch has the index of its first instruction
  Ring<std::int64_t> coming; ///< requests to come in program order (arbitration = program_order)
  Time lastGrant = 0;
};

struct RegisterState {
  Time lastWrite = 0, lastAccess = 0; ///< of finished instructions
  /// Perhaps unfinished: the last to write, and it with those that have come to read since. Those
  /// before it finish before it starts.
  std::vector<std::int64_t> writers, users;
};

struct TrackedAccess {
  std::int64_t low = 0, high = 0;
  std::int64_t index = 0;
  Time finish = unknown;
  bool isWrite = false;
};

/// The state of an evaluation in the order of time. Times are absolute cycles, instructions are
/// named by their index in the stream.
struct MergingState {
  explicit MergingState(const Plan &plan);

  /// Appends the normal form to \p key; addresses are shifted back by \p addressShift bytes, by
  /// class of addresses.
  /// Two states with equal forms behave alike from then on if the same instructions follow: every
  /// event to come happens at `now` or later, so times before it can delay nothing. To be called
  /// when all that follows from what is known has been computed.
  void appendNormalForm(const std::vector<std::int64_t> &addressShift,
                        std::vector<std::int64_t> &key) const;
  /// Whether all requests to storages with state that are still to be made, of classes that move by
  /// \p stride, are to blocks that move with them (StorageForm). Else jumps are not allowed.
  [[nodiscard]] bool movesInOwnBlocks(const std::vector<std::int64_t> &stride) const;
  /// Moves the whole state by \p cycles in time, \p instructions in the stream and the addresses by
  /// \p addressShift bytes.
  void shift(Time cycles, std::int64_t instructions, const std::vector<std::int64_t> &addressShift);

  Ring<Flight> window;
  ListPool waits;
  std::int64_t base = 0;      ///< index of the window's first instruction
  std::int64_t nextIndex = 0; ///< of the next instruction to be fetched
  std::vector<ObjectState> objects;
  std::vector<StorageState> storages;
  std::vector<RegisterState> registers;
  /// By class of conflicts. One that a younger write covers is not kept: it finishes before that
  /// starts.
  std::vector<RangeList<TrackedAccess>> tracked;
  IssueRanks issues;
  Time fetchFree = 0;
  bool fetchPending = false;     ///< a fetch waits for its storage
  Time fetchRequest = 0;         ///< when it asked
  bool unresolvedBranch = false; ///< a branch was fetched and has not finished
  Time now = 0;                  ///< of the latest grant
  Time end = 0;                  ///< largest finish time so far
  timing::StorageModel storageModel;

private:
  void appendFlight(const Flight &flight, const std::vector<std::int64_t> &addressShift,
                    std::vector<std::int64_t> &key) const;
  /// Of the requests to storages with state that \p flight is still to make.
  void appendAddresses(const Flight &flight, const std::vector<std::int64_t> &addressShift,
                       std::vector<std::int64_t> &key) const;
  void shiftAddresses(Flight &flight, const std::vector<std::int64_t> &addressShift) const;
  void appendObjects(std::vector<std::int64_t> &key) const;
  void appendStorages(std::vector<std::int64_t> &key) const;
  void appendDependences(const std::vector<std::int64_t> &addressShift,
                         std::vector<std::int64_t> &key) const;
  void appendTracked(std::uint32_t conflictClass, std::int64_t addressShift,
                     std::vector<std::int64_t> &key) const;
  [[nodiscard]] Time relative(Time time) const;
  [[nodiscard]] std::int64_t distance(std::int64_t index) const;
  void appendWaiters(const ListPool::List &waiters, std::vector<std::int64_t> &key) const;
  /// Those that may be unfinished alone: the others' times stand in the register.
  void appendUnfinished(const std::vector<std::int64_t> &indices,
                        std::vector<std::int64_t> &key) const;

  const Plan *plan_;
  StorageForm storageForm_;
};

} // namespace acadlc::aidg
