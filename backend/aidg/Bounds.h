/// \file
/// Between which cycles a stream ends, without going through it: what is answered when its loops do
/// not recur within the budget. The proofs stand in docs/exactness.md, "Bounds".
#pragma once

#include "backend/aidg/Plan.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <optional>

namespace acadlc::aidg {

/// Bounds of the end of the stream of \p plan. Two relaxed plans are evaluated for it, at most \p
/// budget instructions of each one by one; where that is not enough, what does not depend on order
/// stands in (the work of each object; everything one after the other). Nothing if the upper bound
/// leaves the 64-bit range.
std::optional<timing::CycleBounds> boundCycles(const Plan &plan, std::int64_t budget);

/// The same for programs of several occupations (timing::usesOccupations): from the work of each
/// object, and from everything one after the other.
std::optional<timing::CycleBounds> boundOccupations(const arch::ArchitectureGraph &graph,
                                                    const program::Program &program);

} // namespace acadlc::aidg
