/// \file
/// The dimensions of products and poolings by the field's names. Private to this folder.
#pragma once

#include "structure/Reduction.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::workload {

/// Sets kind, dims, windows, groups and macs of \p result.
void describeContraction(const Computation &computation, const Contraction &contraction,
                         Operator &result);

/// Sets kind, dims and windows of \p result. \p isSum: not a maximum; \p isAverage: a sum that is
/// scaled.
void describePooling(const Pooling &pooling, bool isSum, bool isAverage, Operator &result);

/// Whether \p computation spreads a tensor by zeros, as transposed convolutions do to their input:
/// by how much in each dimension; none if it does something else.
std::optional<std::vector<std::int64_t>> spreadOf(const Computation &computation,
                                                  const Tensor &written);

/// The transposed kind of a convolution; \p kind itself if there is none.
OperatorKind transposed(OperatorKind kind);

} // namespace acadlc::workload
