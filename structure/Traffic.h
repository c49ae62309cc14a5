/// \file
/// How many bytes stages read and write. Private to this folder.
#pragma once

#include "structure/CallStructure.h"

#include <cstdint>
#include <functional>
#include <span>

namespace acadlc::workload {

/// Distinct elements that \p stages of \p call read, in bytes, of tensors for which \p isCounted
/// holds. Exact for affine accesses: what a stride skips or padding adds does not count. What is
/// done when the network is compiled reads nothing. Where data says which elements are read, at
/// most as many as there are reads.
std::int64_t bytesRead(const Call &call, const CallStructure &structure,
                       std::span<const std::size_t> stages,
                       const std::function<bool(TensorRef)> &isCounted);

/// Distinct elements of \p written that \p stages of \p call write, in bytes: a part of a tensor
/// counts as what it is. As exact as bytesRead.
std::int64_t bytesWritten(const Call &call, const CallStructure &structure,
                          std::span<const std::size_t> stages, TensorRef written);

} // namespace acadlc::workload
