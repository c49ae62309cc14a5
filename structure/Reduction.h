/// \file
/// What the axes of a reduction are to it: pooling windows, or whole dimensions. Private to this
/// folder.
#pragma once

#include "structure/CallStructure.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::workload {

/// A dimension of the source that positions of the result and reduced elements share.
struct PoolingWindow {
  std::size_t dimension = 0;             ///< of the source
  std::int64_t positions = 1, taps = 1;  ///< products of the extents of its axes
  std::int64_t stride = 1, dilation = 1; ///< 1 where nothing tells
  bool isWhole = false;                  ///< one window, all of the dimension
  bool isUneven = false;                 ///< windows begin where no stride tells
};

/// A reduction of the elements of one tensor over windows.
struct Pooling {
  Contraction::Operand source;        ///< looked through padding
  std::vector<PoolingWindow> windows; ///< in the order of the source's dimensions; not empty
  std::int64_t batch = 1;             ///< extent of the source's first dimension
  std::int64_t channels = 1;          ///< product of the other extents without a window
};

/// Stage \p index of \p call as a pooling. The positions of a window may also be missing where the
/// result keeps the dimension with one element: a sum that keeps dimensions is a global pooling,
/// unless it reduces the first dimension or leaves more than one other.
std::optional<Pooling> poolingOf(const Call &call, const CallStructure &structure,
                                 std::size_t index);

/// What a norm's statistics do with a dimension of the data.
enum class NormDimension : std::uint8_t {
  Kept,    ///< each position has statistics of its own
  Reduced, ///< all positions have the same
  Grouped, ///< so many neighbours have the same
};
/// Of each dimension of \p access; \p computation makes the statistics. Axes of one iteration don't
/// count, where others tell.
std::vector<NormDimension> normDimensions(const Computation &computation, const Access &access);

/// Whether the value of \p computation is the square of a difference of two elements.
bool isSquaredDifference(const Computation &computation);

/// The product of the extents of the axes of \p kind.
std::int64_t extentOf(const Computation &computation, Axis::Kind kind);

} // namespace acadlc::workload
