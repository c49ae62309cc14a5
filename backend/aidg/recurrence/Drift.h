/// \file
/// Long transients that are linear: from one period to the next every time moves by its own amount,
/// fast streams ahead of slow ones, until one catches up.
#pragma once

#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Issues.h"
#include "ir/Program.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Cycles that move at a rate: behind m periods they are cycles + m · rate. Every comparison passes
/// on the winner and notes for how many periods it stays the winner.
class DriftingArithmetic {
public:
  struct Time {
    std::int64_t cycles = 0, rate = 0;
  };
  using Issues = SortedIssues<DriftingArithmetic>;
  static constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

  Time max(Time a, Time b) { return isBefore(a, b) ? b : a; }
  /// At equal cycles the one with the lower rate is before the other: it will be.
  bool isBefore(Time a, Time b) {
    if (a.cycles < b.cycles || (a.cycles == b.cycles && a.rate < b.rate)) {
      limitBy(b, a);
      return true;
    }
    limitBy(a, b);
    return false;
  }
  static Time add(Time time, std::int64_t cycles) { return {time.cycles + cycles, time.rate}; }
  static std::int64_t cycles(Time time) { return time.cycles; }

  /// For so many periods all comparisons so far have the same outcome.
  [[nodiscard]] std::int64_t limit() const { return limit_; }

private:
  void limitBy(Time winner, Time loser) {
    if (loser.rate > winner.rate)
      limit_ = std::min(limit_, (winner.cycles - loser.cycles) / (loser.rate - winner.rate));
  }
  std::int64_t limit_ = forever;
};

/// Where periods that a loop's times drift through begin: normalised, `values` as the layout says.
struct DriftStart {
  std::span<const std::int64_t> values;
  std::int64_t remaining = 0; ///< of the fetch block
  /// By which each time moved in each of the last two periods.
  std::span<const std::int64_t> step;
};

/// Proves that a loop goes on as it did: evaluates \p iterations of \p body, a period, once more
/// with rates. If the state behind it is start + step and the rates are still those, then behind m
/// periods it is start + m · step as long as no comparison turns: the result is the largest m that
/// is certain, or forever; nothing if there is no such proof.
///
/// Let F be one period and all comparisons in it have the same outcome for start + m · step,
/// m = 0 … L. Then F(start + m · step) = F(start) + m · step = start + (m + 1) · step, because
/// along the winners F only adds constants. So L + 1 periods are certain.
std::optional<std::int64_t> proveDrift(const FlatProgram &flat, const program::Program &program,
                                       program::RegionId body, std::int64_t iterations,
                                       const DriftStart &start);

} // namespace acadlc::aidg
