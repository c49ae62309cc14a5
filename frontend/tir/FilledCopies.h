/// \file
/// Reads paddings that are written in two steps.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

namespace acadlc::tir {

/// Makes one padding of a stage of \p function that fills a tensor with a number and the stage that
/// copies another tensor into a part of it: `if_then_else(3 <= i and i < 11, x[i - 3], 0)`.
void joinFilledCopies(FunctionTemplate &function);

} // namespace acadlc::tir
