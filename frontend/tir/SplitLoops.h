/// \file
/// Makes one axis of the loops that a schedule has made of one, where no block says that they are.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

namespace acadlc::tir {

/// Joins axes that a stage of \p function holds together everywhere, `io * 6 + ii`:
///
/// - where a condition says how far they go, `if io * 6 + ii < 16`. The axis ends there and the
///   condition is gone;
/// - where a stage that sums nothing writes at such an index, also if the tiles overlap: what
/// stands
///   in two of them is the same.
///
/// Fused loops, `C[f // 8, f % 8]`, are cut into their parts first.
void joinSplitLoops(FunctionTemplate &function);

} // namespace acadlc::tir
