/// \file
/// What objects do, added up beside an evaluation (timing::Usage). It is no part of the state that
/// recurs; a jump adds what the period has added as often as it has periods.
#pragma once

#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"
#include "backend/timing/Usage.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Sums of cycles. That something begins at \p t subtracts t, that it ends adds t: so nothing has
/// to be known of what is under way, and in every period of a recurrence the sums change by the
/// same amount, as equally many begin and end in it. The sums are taken modulo 2^64, which is exact
/// as the result fits.
class UsageTotals {
public:
  /// What is added up of an object, as in timing::ObjectUsage.
  enum class Part : std::uint8_t { Taken, Operands, Requests, Next };
  static constexpr std::size_t parts = 4;

  explicit UsageTotals(const arch::ArchitectureGraph &graph);

  static std::size_t place(arch::ObjectId object, Part part) {
    return object * parts + static_cast<std::size_t>(part);
  }
  void begin(arch::ObjectId object, Part part, std::int64_t time) {
    add(place(object, part), -static_cast<std::uint64_t>(time));
  }
  void end(arch::ObjectId object, Part part, std::int64_t time) {
    add(place(object, part), static_cast<std::uint64_t>(time));
  }
  void add(arch::ObjectId object, Part part, std::int64_t cycles) {
    add(place(object, part), static_cast<std::uint64_t>(cycles));
  }
  void add(std::size_t place, std::uint64_t value) { words_[place] += value; }

  /// What serving a request made caches ask below.
  void addLower(std::span<const timing::LowerRequests> requests);

  /// Where the cycles of instructions in the issue buffer, and the number of fetches, are added up.
  [[nodiscard]] std::size_t bufferedPlace() const { return words_.size() - 2; }
  [[nodiscard]] std::size_t fetchesPlace() const { return words_.size() - 1; }
  void beginBuffered(std::int64_t time) { add(bufferedPlace(), -static_cast<std::uint64_t>(time)); }
  void endBuffered(std::int64_t time) { add(bufferedPlace(), static_cast<std::uint64_t>(time)); }

  // ---- jumps ----------------------------------------------------------------------------------

  /// The sums of an earlier state; empty if it has none.
  using Snapshot = std::vector<std::uint64_t>;
  /// The present sums; empty when all snapshots together have become too large.
  [[nodiscard]] Snapshot snapshot() const;
  /// What has been added since \p before is added \p periods times. Without a snapshot the sums are
  /// known no more.
  void repeat(const Snapshot &before, std::int64_t periods);

  /// The usage of a stream of \p cycles, in which all that was begun has ended. Nothing if it is
  /// not known. The fetch stage has what was added for it; its unit all but the stage's own
  /// latency.
  [[nodiscard]] std::optional<timing::Usage> usage(std::int64_t cycles) const;

private:
  /// Of timing::LowerTraffic.
  static constexpr std::size_t lowerParts = 4;

  const arch::ArchitectureGraph *graph_;
  /// By object below a cache: where what caches ask of it is added up.
  std::map<arch::ObjectId, std::size_t> lowerPlaces_;
  std::vector<std::uint64_t> words_;
  mutable std::size_t snapshotWords_ = 0;
  bool isLost_ = false;
};

} // namespace acadlc::aidg
