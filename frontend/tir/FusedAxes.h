/// \file
/// Takes loops apart that were fused from several.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

namespace acadlc::tir {

/// Splits the axes of the reductions of \p function that are used by quotient and remainder alone:
/// `for f in range(9): … X[y + f // 3, x + f % 3]` has two axes of 3, as a window has.
void splitFusedAxes(FunctionTemplate &function);

} // namespace acadlc::tir
