/// \file
/// Undoes what makes several reductions of one: partial results, and loops that are written out.
#pragma once

#include "frontend/tir/FunctionTemplate.h"

namespace acadlc::tir {

/// Makes one reduction of two in \p function where the schedule primitive `rfactor` has made two of
/// one:
///
///     for ki, n, ko:  part[ki, n] += value(ko * 16 + ki, n)
///     for ki, n:      result[n] += part[ki, n]
///
/// Where ko and ki are made of a loop that they do not divide, `T.where(ko * 16 + ki < 60)` on the
/// first, the reduction goes over the 60 elements.
///
/// What tells is that all indices hold the loop of the second one, `ki`, as a digit of the same
/// number as a loop of the first, `ko`. A sum over one dimension and a sum of the results over
/// another are two.
void joinPartialResults(FunctionTemplate &function);

/// Makes one reduction of accumulations behind one another in \p function that are the steps of a
/// loop written out:
///
///     result[n] += value(ko * 2, n)
///     result[n] += value(ko * 2 + 1, n)
void joinWrittenOutSteps(FunctionTemplate &function);

} // namespace acadlc::tir
