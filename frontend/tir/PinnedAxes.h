/// \file
/// Reads stores that happen in one iteration of a loop alone as if they stood behind the loop.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

namespace acadlc::tir {

/// Takes axes that a condition holds to one value, `if k == 63: c[i] = acc[i]`, out of the stages
/// of
/// \p function that are a store under such a condition, and the condition as far as it says that.
void dropPinnedAxes(FunctionTemplate &function);

} // namespace acadlc::tir
