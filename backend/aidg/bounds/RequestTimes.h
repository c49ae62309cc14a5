/// \file
/// What is known of how long the requests of a stream take at their storages: of each by itself
/// (ServiceBounds.h), from the history of storages where that does not depend on times
/// (RequestHistory.h), and of caches that are large enough (FittingCaches.h).
#pragma once

#include "backend/aidg/bounds/FittingCaches.h"
#include "backend/aidg/bounds/RequestHistory.h"
#include "backend/aidg/bounds/ServiceBounds.h"
#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// How often something happens over a whole stream; nothing stands for more than 64 bits hold.
using Count = std::optional<std::int64_t>;

/// As if all requests of an access took the same time.
struct AssumedServices {
  std::vector<std::int64_t> cycles; ///< by access (index into Plan::accesses)
  /// Cycles by which requests take longer (where a greatest end is looked for) or shorter (a least
  /// one), all together at most.
  std::int64_t error = 0;
};

/// Bounds of the times of all requests of a plan. Numbers beyond the 64-bit range saturate at the
/// largest.
class RequestTimes {
public:
  /// \p counts: how often each instruction is evaluated. At most \p allowance requests are looked
  /// at one by one.
  RequestTimes(const Plan &plan, const std::vector<Count> &counts, std::int64_t allowance);

  /// Cycles that all requests of an access take together, but for what filling caches adds to the
  /// greatest.
  [[nodiscard]] ServiceBounds sum(std::uint32_t access) const { return accesses_[access].sum; }
  /// Most cycles that the first touches of all lines of caches that fit take longer than others.
  [[nodiscard]] std::int64_t filling() const { return filling_; }

  /// Whether levels differ for some access.
  [[nodiscard]] bool hasLevels() const { return hasLevels_; }
  /// A time that requests of an access are assumed to take, if more is known than bounds of each.
  enum class Level : std::uint8_t {
    Least,  ///< none takes less
    Middle, ///< the mean of the greatest times
    Most,   ///< none takes more
  };
  /// For a least end.
  [[nodiscard]] AssumedServices atLeast(Level level) const;
  /// For a greatest end.
  [[nodiscard]] AssumedServices atMost(Level level) const;

private:
  struct AccessTimes {
    ServiceBounds each; ///< of any request
    ServiceBounds sum;
    std::vector<ServedRequests> served;     ///< empty: it has no history
    std::optional<std::int64_t> mostIfHits; ///< of a cache that fits
  };
  void addHistory(AccessTimes &times, std::int64_t count, std::vector<ServedRequests> served);
  void addFitting(const Plan &plan, const std::vector<Count> &counts, const FittingCache &cache,
                  const ServiceTimes &single);
  static std::int64_t levelOf(const AccessTimes &times, Level level);

  std::vector<AccessTimes> accesses_;
  bool hasLevels_ = false;
  std::int64_t filling_ = 0;
};

} // namespace acadlc::aidg
