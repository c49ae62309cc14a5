/// \file
/// Groups the stages of calls into operators in the field's terms. Private to this folder.
///
/// A function that fusion has made is taken apart: the main computations (products, pooling,
/// reductions, softmax, normalisations) and what stands in front of and behind them. What an
/// operator is depends on its stages, and for an average on who scales the sum, but not on which
/// call they stand in.
#pragma once

#include "ir/Workload.h"

namespace acadlc::workload {

/// Sets `operators` and `kind` of every call of \p workload, whose stages are analysed.
void findOperators(Workload &workload);

} // namespace acadlc::workload
