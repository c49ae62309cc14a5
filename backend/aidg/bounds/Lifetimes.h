/// \file
/// How long instructions take from their start on if nothing keeps them waiting.
#pragma once

#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// Of one instruction, in cycles from its start on; at most timeLimit.
struct Lifetime {
  std::int64_t read = 0;      ///< until it needs its sources no more
  std::int64_t completed = 0; ///< until it has finished
  bool isLeast = false;       ///< requests may take longer
};

/// By instruction of \p plan, which must not expand. With its objects, slots and channels for
/// itself: so none of them is ever faster.
std::vector<Lifetime> leastLifetimes(const Plan &plan);

} // namespace acadlc::aidg
