/// \file
/// Takes loops apart that were fused from several.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

#include <cstddef>
#include <vector>

namespace acadlc::tir {

/// Splits the axes of the reductions of \p function that are used by quotient and remainder alone:
/// `for f in range(9): … X[y + f // 3, x + f % 3]` has two axes of 3, as a window has.
void splitFusedAxes(FunctionTemplate &function);

/// The same for \p computation, a reduction. Returns of which axis from before each of its axes is
/// a part.
std::vector<std::size_t> splitFusedAxes(workload::Computation &computation);

} // namespace acadlc::tir
