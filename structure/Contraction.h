/// \file
/// What the factors and axes of a contraction are to it, from which its kind and dimensions follow,
/// and which factor of a mapping stands for which.
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <vector>

namespace acadlc::workload {

/// A dimension of the input that a position in the output and a tap of the kernel share.
struct ContractionWindow {
  std::size_t dimension = 0;             ///< of the input
  std::int64_t positions = 1, taps = 1;  ///< products of the extents of its axes
  std::int64_t stride = 1, dilation = 1; ///< 1 where nothing tells
};

struct ContractionRoles {
  /// The operand with the windows, or else the one that is no weight, or else the one whose axes
  /// come first in the result. The order of the factors does not matter.
  std::size_t input = 0;
  std::vector<ContractionWindow> windows; ///< in the order of the input's dimensions
  // Products of extents of the axes outside windows:
  std::int64_t batch = 1;          ///< of the input and the result
  std::int64_t groups = 1;         ///< of both operands and the result
  std::int64_t outputChannels = 1; ///< of the other operand and the result
  std::int64_t inputChannels = 1;  ///< reduced
};

ContractionRoles rolesOf(const Computation &computation, const Contraction &contraction);

/// The kind as far as one stage tells: not whether a convolution is transposed by a stage that
/// spreads its input.
OperatorKind contractionKind(const Computation &computation, const Contraction &contraction);

} // namespace acadlc::workload
