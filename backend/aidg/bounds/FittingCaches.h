/// \file
/// Caches that hold all they are ever asked for: in whatever order requests come, each line misses
/// once.
#pragma once

#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// A cache whose sets have a way for every line that the stream may touch, so that none is evicted.
struct FittingCache {
  std::uint32_t storage = 0; ///< index into Plan::storages
  std::int64_t lines = 0;    ///< that may be touched, so most misses
};

/// The caches of \p plan that fit. No other cache fills them, and all requests to them allocate.
std::vector<FittingCache> findFittingCaches(const Plan &plan);

} // namespace acadlc::aidg
