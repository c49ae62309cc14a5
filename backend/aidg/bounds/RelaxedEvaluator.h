/// \file
/// Bounds the end of a relaxed plan whose loops do not recur: by monotony, at a cost that does not
/// depend on trip counts.
#pragma once

#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/recurrence/Recurrences.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// Evaluates a plan in program order, like ProgramOrderEvaluator, but leaps over loops without a
/// recurrence. Let x(k) be the state behind iteration k. The map from a state to that c iterations
/// later is monotone and commutes with adding a constant to all times, if nothing in it depends on
/// the iteration. So x(k + c) ≤ x(k) + u in each component gives x(k + m·c) ≤ x(k) + m·u for every
/// m, and likewise ≥ with the least difference.
///
/// The plan must have no dependences through addresses, no state in storages and no order that
/// depends on time (Relaxation.h).
class RelaxedEvaluator {
public:
  enum class Side : std::uint8_t { Lower, Upper };
  RelaxedEvaluator(const Plan &plan, Side side);

  /// A bound of the end. Nothing for an upper bound that leaves the 64-bit range, or that would
  /// take too long; a lower bound is then that of a part.
  std::optional<std::int64_t> run();

private:
  struct Stopped {}; ///< thrown and caught within run()

  /// The state when a fetched block had so many instructions left.
  struct Mark {
    std::int64_t iteration = 0;
    std::vector<std::int64_t> times;
  };
  void evaluateRegion(program::RegionId region);
  void evaluateRepeat(std::uint32_t index);
  std::int64_t leap(const Mark &earlier, std::int64_t iteration, std::int64_t count);
  [[nodiscard]] std::int64_t warmUp(const RepeatFacts &facts) const;

  const Plan &plan_;
  const FlatProgram flat_;
  Side side_;
  Recurrences<ExactArithmetic> times_;
  std::int64_t evaluated_ = 0; ///< instructions
};

} // namespace acadlc::aidg
