/// \file
/// Reads TVM's products of fixed-point numbers as the whole-number operations that they are.
#pragma once

#include "ir/Workload.h"

#include <span>

namespace acadlc::tir {

/// `T.q_multiply_shift(x, y, q, s)`: round(x · y · 2^(s − q)), in 64 bits. Null if these are not
/// the four \p operands, or q and s no numbers.
workload::ValueExprPtr multiplyShift(std::span<const workload::ValueExprPtr> operands);

/// `T.q_multiply_shift_per_axis(x, y, ls, rs, q, shifts left, shifts right)`:
/// round((x << ls) · y · 2^(−rs − q)); without a shift to the left, ls counts for nothing. Null if
/// these are not the seven \p operands, or the last three no numbers.
workload::ValueExprPtr multiplyShiftPerAxis(std::span<const workload::ValueExprPtr> operands);

} // namespace acadlc::tir
