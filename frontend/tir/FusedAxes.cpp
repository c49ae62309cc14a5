#include "frontend/tir/FusedAxes.h"

#include "frontend/tir/BufferShapes.h"
#include "ir/WorkloadExpr.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

/// How an axis is used.
struct AxisUse {
  std::set<std::int64_t> divisors; ///< of its quotients and remainders
  bool isPlain = false;            ///< otherwise too
};
using AxisUses = std::vector<AxisUse>;

void addUses(const IndexExpr &index, AxisUses &uses) {
  using Kind = IndexExpr::Kind;
  const bool isPart = (index.kind == Kind::FloorDiv || index.kind == Kind::FloorMod) &&
                      index.left->kind == Kind::Axis && index.right->kind == Kind::Constant;
  if (isPart) {
    uses[static_cast<std::size_t>(index.left->value)].divisors.insert(index.right->value);
    return;
  }
  // What stands in an opaque index can't be taken apart.
  if (index.kind == Kind::Axis || !index.left || !index.right)
    forEachAxis(index, [&](std::size_t axis) { uses[axis].isPlain = true; });
  if (index.left)
    addUses(*index.left, uses);
  if (index.right)
    addUses(*index.right, uses);
}

AxisUses usesOf(const Computation &computation) {
  AxisUses uses(computation.axes.size());
  for (const IndexExprPtr &index : computation.writeIndices)
    addUses(*index, uses);
  for (const Access &access : computation.accesses)
    for (const IndexExprPtr &index : access.indices)
      addUses(*index, uses);
  forEachNode(*computation.value, [&](const ValueExpr &node) {
    if (node.index)
      addUses(*node.index, uses);
  });
  return uses;
}

/// The number to split \p axis at: the smallest of its divisors, if each of them divides the next
/// and the number of iterations; 0 if it is not to be split.
std::int64_t stepOf(const Axis &axis, const AxisUse &use) {
  if (use.isPlain || use.divisors.empty() || *use.divisors.begin() <= 1)
    return 0;
  std::int64_t last = 1;
  for (const std::int64_t divisor : use.divisors) {
    if (divisor % last != 0 || axis.extent % divisor != 0)
      return 0;
    last = divisor;
  }
  return last < axis.extent ? *use.divisors.begin() : 0;
}

/// Splits the axes that are to be, and what \p origins says of each; false if there are none.
bool splitOnce(Computation &computation, std::vector<std::size_t> &origins) {
  const AxisUses uses = usesOf(computation);
  std::vector<Axis> axes;
  std::vector<IndexExprPtr> values;
  std::vector<std::size_t> ownOrigins;
  bool isSplit = false;
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const Axis &axis = computation.axes[a];
    const std::int64_t step = stepOf(axis, uses[a]);
    IndexExprPtr value = indexAxis(axes.size());
    ownOrigins.insert(ownOrigins.end(), step == 0 ? 1 : 2, origins[a]);
    if (step == 0) {
      axes.push_back(axis);
      values.push_back(std::move(value));
      continue;
    }
    isSplit = true;
    values.push_back(
        indexBinary(IndexExpr::Kind::Add,
                    indexBinary(IndexExpr::Kind::Mul, std::move(value), indexConstant(step)),
                    indexAxis(axes.size() + 1)));
    const std::string number = std::to_string(step);
    axes.push_back({axis.name + " // " + number, axis.extent / step, axis.kind});
    axes.push_back({axis.name + " % " + number, step, axis.kind});
  }
  if (!isSplit)
    return false;
  substituteAxes(computation, std::move(axes), values);
  simplify(computation); // `(a * 3 + b) // 3` is `a`
  origins = std::move(ownOrigins);
  return true;
}

} // namespace

std::vector<std::size_t> splitFusedAxes(Computation &computation) {
  constexpr std::size_t mostAxes = 64;
  std::vector<std::size_t> origins(computation.axes.size());
  std::iota(origins.begin(), origins.end(), std::size_t{0});
  while (computation.axes.size() < mostAxes && splitOnce(computation, origins)) {
  }
  return origins;
}

void splitFusedAxes(FunctionTemplate &function) {
  for (Computation &computation : function.computations)
    if (computation.combiner != Combiner::None && !computation.body)
      splitFusedAxes(computation);
}

} // namespace acadlc::tir
