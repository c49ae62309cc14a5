/// \file
/// What objects do while instructions of several occupations are evaluated (timing::Usage).
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"
#include "backend/aidg/plan/UsageTotals.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// Looks at every object at the end of each cycle with events: until the next such cycle nothing
/// changes. What it sees follows from the state's normal form, so the sums of a period recur with
/// it.
class OccupationUsage {
public:
  /// \p plan must outlive it.
  explicit OccupationUsage(const OccupationPlan &plan);

  [[nodiscard]] const UsageTotals &totals() const { return totals_; }
  /// \p unit hands on an instruction in this cycle.
  void handedOn(arch::ObjectId unit) { handsOn_[unit] = true; }
  /// What serving a request made caches ask below.
  void addLower(std::span<const timing::LowerRequests> requests) { totals_.addLower(requests); }
  /// The cycle `now` of \p state is over.
  void observe(const OccupationState &state);
  /// \p state has been moved behind \p periods like the one since \p before.
  void repeat(const UsageTotals::Snapshot &before, std::int64_t periods,
              const OccupationState &state);
  /// The usage of the whole stream, which is over.
  [[nodiscard]] std::optional<timing::Usage> usage(const OccupationState &state);

private:
  using Part = UsageTotals::Part;
  /// How many places of an object are taken, and for how many of them what has it waits.
  using Levels = std::array<std::int64_t, UsageTotals::parts>;
  /// What has been added since the last instruction finished: if none finishes any more, the stream
  /// ended before.
  struct Recent {
    std::size_t place = 0;
    std::uint64_t value = 0;
    std::int64_t change = 0; ///< of the level
    Cycle time = 0;
  };

  [[nodiscard]] Levels levelsOf(const OccupationState &state, arch::ObjectId id) const;
  [[nodiscard]] Levels levelsOfUnit(const OccupationState &state, arch::ObjectId id) const;
  [[nodiscard]] Levels levelsOfFetch(const OccupationState &state) const;
  /// Whether something is done for \p flight, which its unit processes.
  [[nodiscard]] bool isWorking(const OccupationState &state, FlightId flight) const;
  void observeChannel(const OccupationState &state, arch::ObjectId id);
  void change(std::size_t place, std::int64_t level, Cycle now);
  void addNow(std::size_t place, std::uint64_t value, Cycle now);

  const OccupationPlan &plan_;
  UsageTotals totals_;
  std::vector<std::int64_t> levels_; ///< by place
  std::vector<bool> handsOn_;        ///< by unit
  std::vector<Recent> recent_;
  Cycle end_ = 0; ///< when the last instruction so far finished
  std::int64_t nextIndex_ = 0;
};

} // namespace acadlc::aidg
