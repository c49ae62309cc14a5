#include "ir/WorkloadReduction.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace acadlc::workload {

namespace {

struct DimensionAxes {
  std::vector<std::size_t> positions, taps;
};

DimensionAxes axesOf(const Computation &computation, const IndexExpr &index) {
  std::set<std::size_t> seen;
  forEachAxis(index, [&](std::size_t a) { seen.insert(a); });
  DimensionAxes axes;
  for (const std::size_t a : seen)
    (computation.axes[a].kind == Axis::Kind::Reduction ? axes.taps : axes.positions).push_back(a);
  return axes;
}

/// Whether \p value is an element, or zero where a condition says that there is none.
bool isElement(const ValueExpr &value) {
  const ValueExpr &inner = stripCasts(value);
  if (inner.kind == ValueExpr::Kind::Select)
    return stripCasts(*inner.operands[1]).kind == ValueExpr::Kind::Load &&
           stripCasts(*inner.operands[2]).kind == ValueExpr::Kind::Constant;
  return inner.kind == ValueExpr::Kind::Load;
}

PoolingWindow windowOf(const Computation &computation, const Pooling &pooling, std::size_t d,
                       const DimensionAxes &found, std::int64_t extent) {
  PoolingWindow window;
  window.dimension = d;
  const auto affine = affineForm(*pooling.source.access.indices[d], computation.axes);
  const auto add = [&](const std::vector<std::size_t> &axes, std::int64_t &product,
                       std::int64_t &step) {
    for (const std::size_t a : axes) {
      product *= computation.axes[a].extent;
      if (computation.axes[a].extent != 1 && affine && axes.size() == 1)
        step = std::abs(affine->coefficients[a]);
    }
  };
  add(found.positions, window.positions, window.stride);
  add(found.taps, window.taps, window.dilation);
  window.isUneven = !affine;
  window.isWhole =
      window.positions == 1 && window.taps == extent && affine && affine->constant == 0;
  return window;
}

/// Whether dimension \p d of what \p computation reads is one of the result too, with one element.
bool isKept(const CallStructure &structure, const Computation &computation, std::size_t rank,
            std::size_t d) {
  const std::vector<std::int64_t> &result = structure.tensor(computation.written).shape;
  return result.size() == rank && result[d] == 1;
}

} // namespace

std::optional<Pooling> poolingOf(const Call &call, const CallStructure &structure,
                                 std::size_t index) {
  const Computation &computation = call.computations[index];
  const bool reduces =
      computation.combiner == Combiner::Max || computation.combiner == Combiner::Sum;
  if (!reduces || !computation.opaqueReason.empty() || computation.accesses.size() != 1 ||
      !isElement(*computation.value))
    return std::nullopt;
  Pooling pooling;
  pooling.source = structure.resolve(computation.accesses[0], index);
  const std::vector<std::int64_t> &shape = structure.tensor(pooling.source.access.tensor).shape;
  std::size_t others = 0;   // dimensions behind the first without a window
  bool hasPosition = false; // in a window, as pooling is written
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const DimensionAxes found = axesOf(computation, *pooling.source.access.indices[d]);
    if (found.taps.empty()) {
      (d == 0 ? pooling.batch : pooling.channels) *= shape[d];
      others += d == 0 ? 0 : 1;
      continue;
    }
    if (found.positions.empty() && !isKept(structure, computation, shape.size(), d))
      return std::nullopt;
    hasPosition = hasPosition || !found.positions.empty();
    pooling.windows.push_back(windowOf(computation, pooling, d, found, shape[d]));
  }
  if (pooling.windows.empty())
    return std::nullopt;
  const bool isGlobal = pooling.windows.front().dimension > 0 && others == 1;
  return hasPosition || isGlobal ? std::optional(std::move(pooling)) : std::nullopt;
}

std::vector<bool> reducedDimensions(const Computation &computation, const Access &access) {
  std::vector<bool> reduced;
  for (const IndexExprPtr &index : access.indices)
    reduced.push_back(!axesOf(computation, *index).taps.empty());
  return reduced;
}

std::int64_t extentOf(const Computation &computation, Axis::Kind kind) {
  std::int64_t product = 1;
  for (const Axis &axis : computation.axes)
    if (axis.kind == kind)
      product *= axis.extent;
  return product;
}

} // namespace acadlc::workload
