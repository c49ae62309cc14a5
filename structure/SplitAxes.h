/// \file
/// Takes axes apart whose quotient and remainder are used, so that grouped operators become affine.
#pragma once

#include "ir/Workload.h"

namespace acadlc::workload {

/// Sets `axes` of \p contraction, a part of \p computation, and splits them: where an index is not
/// affine because it holds `axis // n` or `axis % n`, and n divides the axis' extent, the axis
/// becomes two, quotient and remainder, if that makes all indices affine. Then a dimension of a
/// tensor that runs over `n · group + rest`, where the axis `group` stands in the result and both
/// factors, becomes two likewise, which in row-major order changes nothing in memory. `shape` of
/// the operands and `resultShape` must be those of the tensors.
void splitGroups(const Computation &computation, Contraction &contraction);

} // namespace acadlc::workload
