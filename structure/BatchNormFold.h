/// \file
/// Folds batch norms into the weights of the layer before them, as a deployed network does.
#pragma once

#include "ir/Workload.h"

#include <string>
#include <vector>

namespace acadlc::workload {

/// Folds every per-channel affine chain behind a contraction of \p workload, which is analysed.
///
/// A chain is made of `x - t[k]`, `x / t[k]`, `x * t[k]` and `x + t[k]` with tensors t that depend
/// on weights alone and run over the channels k that the contraction's weight has too, and of the
/// same with numbers. It must scale by a tensor, in floating point; nobody else may read what it
/// makes on the way. Scaled weights and one sum per channel do the same: the last addition (or
/// subtraction) is left as the bias, the other stages become FreeReason::BatchNorm. A stage that
/// scales and adds at once is left as it is, with all behind it.
///
/// Sets `foldedBatchNorms` and renews what depends on it: freeReason, bytes, operators and kind of
/// calls.
void foldBatchNorms(Workload &workload);

/// What \p folded took, for people: the names of calls, and of stages of the contraction's own
/// call.
std::vector<std::string> foldedNames(const Workload &workload, const FoldedBatchNorm &folded);

} // namespace acadlc::workload
