/// \file
/// Which accesses of a program can have to do with each other, and how they move in its loops.
#pragma once

#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <span>

namespace acadlc::aidg {

/// Divides the accesses of \p plan into classes and finds out how they move: fills the classes of
/// accesses, Plan::conflictClasses, Plan::blockClasses, Plan::stateful and Plan::repeats. An access
/// that overlaps no write is tracked no longer.
void planAddresses(Plan &plan);

/// The last iteration of the loop \p repeat (from 0) up to which all accesses that move stay within
/// the blocks of their class alone, counted from iteration \p first on; less than \p first if they
/// do not in that one. \p outerValues: of the loops around it, by depth.
///
/// Only within these iterations do blocks move as accesses do: a block that classes share moves
/// with one of them at most.
std::int64_t lastInOwnBlocks(const Plan &plan, std::uint32_t repeat,
                             std::span<const std::int64_t> outerValues, std::int64_t first);

} // namespace acadlc::aidg
