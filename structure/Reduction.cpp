#include "structure/Reduction.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>
#include <utility>

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
    std::optional<std::int64_t> smallest; // of an axis in several parts, the innermost tells
    for (const std::size_t a : axes) {
      product *= computation.axes[a].extent;
      if (computation.axes[a].extent != 1 && affine)
        smallest = std::min(smallest.value_or(std::numeric_limits<std::int64_t>::max()),
                            std::abs(affine->coefficients[a]));
    }
    step = smallest.value_or(step);
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

/// The read that \p value is, or is a part of by division: a mean that is still a sum.
const ValueExpr &withoutDivisor(const ValueExpr &value) {
  const ValueExpr &inner = stripCasts(value);
  if (inner.kind != ValueExpr::Kind::Binary || inner.operands.size() != 2 ||
      (inner.name != "/" && inner.name != "*"))
    return inner;
  return stripCasts(*inner.operands[1]).kind == ValueExpr::Kind::Constant
             ? stripCasts(*inner.operands[0])
             : inner;
}

/// The two reads whose difference \p value is; the second one may be divided by a number.
std::optional<std::pair<const Access *, const Access *>>
differenceIn(const Computation &computation, const ValueExpr &value) {
  const ValueExpr &difference = stripCasts(value);
  if (difference.kind != ValueExpr::Kind::Binary || difference.name != "-")
    return std::nullopt;
  const ValueExpr &left = stripCasts(*difference.operands[0]);
  const ValueExpr &right = withoutDivisor(*difference.operands[1]);
  if (left.kind != ValueExpr::Kind::Load || right.kind != ValueExpr::Kind::Load)
    return std::nullopt;
  return std::pair(&computation.accesses[left.value], &computation.accesses[right.value]);
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

std::vector<NormDimension> normDimensions(const Computation &computation, const Access &access) {
  const auto isWide = [&](std::size_t a) { return computation.axes[a].extent > 1; };
  std::vector<NormDimension> dimensions;
  for (const IndexExprPtr &index : access.indices) {
    const DimensionAxes axes = axesOf(computation, *index);
    const bool reduces = std::any_of(axes.taps.begin(), axes.taps.end(), isWide);
    const bool keeps = std::any_of(axes.positions.begin(), axes.positions.end(), isWide);
    if (reduces && keeps)
      dimensions.push_back(NormDimension::Grouped);
    else if (reduces || (!axes.taps.empty() && axes.positions.empty()))
      dimensions.push_back(NormDimension::Reduced);
    else
      dimensions.push_back(NormDimension::Kept);
  }
  return dimensions;
}

bool isSquaredDifference(const Computation &computation) {
  const ValueExpr &square = stripCasts(*computation.value);
  if (square.kind != ValueExpr::Kind::Binary || square.operands.size() != 2)
    return false;
  const auto left = differenceIn(computation, *square.operands[0]);
  if (!left)
    return false;
  if (square.name == "pow") {
    const ValueExpr &exponent = stripCasts(*square.operands[1]);
    return exponent.kind == ValueExpr::Kind::Constant && exponent.number == 2;
  }
  const auto right =
      square.name == "*" ? differenceIn(computation, *square.operands[1]) : std::nullopt;
  return right && isSameElement(*left->first, *right->first) &&
         isSameElement(*left->second, *right->second);
}

std::int64_t extentOf(const Computation &computation, Axis::Kind kind) {
  std::int64_t product = 1;
  for (const Axis &axis : computation.axes)
    if (axis.kind == kind)
      product *= axis.extent;
  return product;
}

} // namespace acadlc::workload
