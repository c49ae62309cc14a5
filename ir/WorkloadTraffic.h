/// \file
/// How many bytes stages read and write. Private to this folder.
#pragma once

#include "ir/WorkloadStructure.h"

#include <cstdint>
#include <functional>
#include <span>

namespace acadlc::workload {

/// Distinct elements that \p stages of \p call read, in bytes, of tensors for which \p isCounted
/// holds. Exact for affine accesses: what a stride skips or padding adds does not count. What is
/// done when the network is compiled reads nothing.
std::int64_t bytesRead(const Call &call, const CallStructure &structure,
                       std::span<const std::size_t> stages,
                       const std::function<bool(TensorRef)> &isCounted);

} // namespace acadlc::workload
