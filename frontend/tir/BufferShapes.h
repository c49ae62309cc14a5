/// \file
/// Gives buffers the dimensions that the loops around their accesses have.
#pragma once

#include "frontend/tir/FunctionTemplate.h"
#include "frontend/tir/PrivateBuffers.h"

#include <cstddef>
#include <functional>

namespace acadlc::tir {

/// Undoes what schedules and lowering do to the shapes of buffers in \p function, so that its
/// stages are those of the unscheduled text:
///
/// - a buffer that is one long row, `C[i * 8 + j]`, gets the dimensions that its strides tell, if
///   all its accesses keep to them. Parameters do only if \p ownsParameters: their shapes are then
///   nobody else's;
/// - a copy of a part of a tensor in one of \p privates is read where it comes from;
/// - a tile of results in one of \p privates gets the shape of what it is written to;
/// - of the stages that use such buffers, two axes become one where all indices hold them together,
///   `io * 4 + ii`;
/// - a store has an axis for each dimension of one element, which lowering numbers by 0.
void restoreShapes(FunctionTemplate &function, const PrivateBuffers &privates, bool ownsParameters);

/// Cuts the axes of \p computation, whose domain is all combinations of them, into the digits that
/// its indices take of them: `f // 8` and `f % 8`. \p isMeant says which axes. The indices are left
/// as they are, with sums in the place of the axes.
void cutDigits(workload::Computation &computation, const std::function<bool(std::size_t)> &isMeant);

/// Writes the indices of \p computation, and all parts of them, as sums where they are.
void simplify(workload::Computation &computation);

/// Makes one axis of two of the same kind that all indices of \p computation hold together,
/// `io * 4 + ii`, as often as there are such.
void joinAxes(workload::Computation &computation);

} // namespace acadlc::tir
