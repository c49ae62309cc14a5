/// \file
/// Gives buffers the dimensions that the loops around their accesses have.
#pragma once

#include "frontend/tir/FunctionReader.h"
#include "frontend/tir/PrivateBuffers.h"

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
///   `io * 4 + ii`.
void restoreShapes(FunctionTemplate &function, const PrivateBuffers &privates, bool ownsParameters);

/// Makes one axis of two of the same kind that all indices of \p computation hold together,
/// `io * 4 + ii`, as often as there are such.
void joinAxes(workload::Computation &computation);

} // namespace acadlc::tir
