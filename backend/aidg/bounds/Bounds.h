/// \file
/// Between which cycles a stream ends, without going through it: what is answered when its loops do
/// not recur within the budget. The proofs stand in docs/exactness.md, "Bounds".
#pragma once

#include "backend/aidg/plan/Plan.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// What may be looked at one by one for bounds.
struct BoundsBudget {
  std::int64_t instructions = 0; ///< of each of two relaxed plans
  std::int64_t requests = 0;     ///< to storages with state, to find out what these hold
  /// With \p budget instructions (EstimateOptions::budget): as many requests, but at least a
  /// million, which take less time than anybody notices, and at most 64 million.
  static BoundsBudget of(std::int64_t budget);
};

/// Bounds of the end of the stream of \p plan. Two relaxed plans are evaluated for it, and up to
/// four more, of a million instructions at most, where requests of one access take different times;
/// where \p budget is not enough, what does not depend on order stands in (the work of each object;
/// everything one after the other). Nothing if the upper bound leaves the 64-bit range.
std::optional<timing::CycleBounds> boundCycles(const Plan &plan, const BoundsBudget &budget);

/// How far a stream has been evaluated, exactly; by default not at all.
struct OccupationProgress {
  std::int64_t time = -1;        ///< the last cycle that has been evaluated, to its end
  std::int64_t fetched = 0;      ///< instructions that have arrived
  std::int64_t fetchesBegun = 0; ///< that have not ended: 0 or 1
  /// By instruction: how often it has been fetched or handed on, and has been completed; empty:
  /// never.
  std::vector<std::int64_t> begun, completed;
};

/// The same for programs of several occupations (timing::usesOccupations): from the work of each
/// object that is still to be done behind \p progress, and from everything one after the other.
std::optional<timing::CycleBounds> boundOccupations(const arch::ArchitectureGraph &graph,
                                                    const program::Program &program,
                                                    const OccupationProgress &progress = {});

} // namespace acadlc::aidg
