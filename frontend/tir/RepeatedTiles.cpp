#include "frontend/tir/RepeatedTiles.h"

#include "frontend/tir/GuardedStore.h"
#include "frontend/tir/StagePlaces.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

bool alsoWrites(const Computation &computation, TensorRef tensor) {
  return std::ranges::find(computation.alsoWritten, tensor) != computation.alsoWritten.end();
}

/// Whether each axis of \p computation numbers the elements that it writes. What a block axis is
/// bound to does not show: one that numbers nothing may hide a loop.
bool areAllNumbering(const Computation &computation) {
  std::set<std::size_t> numbering;
  for (const IndexExprPtr &index : computation.writeIndices) {
    if (index->kind == IndexExpr::Kind::Axis)
      numbering.insert(static_cast<std::size_t>(index->value));
    else if (index->kind != IndexExpr::Kind::Constant)
      return false;
  }
  for (std::size_t a = 0; a < computation.axes.size(); ++a)
    if (computation.axes[a].extent > 1 && !numbering.contains(a))
      return false;
  return true;
}

/// Whether \p computation stores the same for each index of \p dimension, which is one of its axes
/// and has \p extent.
bool isSameAlong(Computation &computation, std::size_t dimension, std::int64_t extent) {
  const IndexExpr &index = *computation.writeIndices[dimension];
  if (index.kind != IndexExpr::Kind::Axis || computation.combiner != Combiner::None ||
      computation.body || !computation.alsoWritten.empty() || !isRectangular(computation) ||
      !areAllNumbering(computation))
    return false;
  const auto axis = static_cast<std::size_t>(index.value);
  std::size_t uses = 0;
  mapIndices(computation, [&](const IndexExprPtr &each) {
    forEachAxis(*each, [&](std::size_t a) { uses += a == axis ? 1 : 0; });
    return each;
  });
  return uses == 1 && computation.axes[axis].extent == extent;
}

/// Takes \p axis out of \p computation, which is the same all along it.
void dropAxis(Computation &computation, std::size_t axis) {
  std::vector<Axis> axes = computation.axes;
  std::vector<IndexExprPtr> values;
  for (std::size_t a = 0; a < axes.size(); ++a)
    values.push_back(a == axis ? indexConstant(0) : indexAxis(a - (a > axis ? 1 : 0)));
  computation.points /= axes[axis].extent;
  axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(axis));
  substituteAxes(computation, std::move(axes), values);
}

/// Drops \p dimension if all that writes the buffer is the same along it.
bool dropIfRepeated(FunctionTemplate &function, std::uint32_t buffer, std::size_t dimension) {
  const TensorRef tensor{true, buffer};
  const std::int64_t extent = function.locals[buffer].shape[dimension];
  const bool isRepeated = std::ranges::all_of(function.computations, [&](Computation &computation) {
    return !alsoWrites(computation, tensor) &&
           (computation.written != tensor || isSameAlong(computation, dimension, extent));
  });
  if (!isRepeated)
    return false;
  for (Computation &computation : function.computations)
    if (computation.written == tensor)
      dropAxis(computation, static_cast<std::size_t>(computation.writeIndices[dimension]->value));
  dropDimension(function, buffer, dimension);
  return true;
}

} // namespace

void dropDimension(FunctionTemplate &function, std::uint32_t buffer, std::size_t dimension) {
  const auto at = static_cast<std::ptrdiff_t>(dimension);
  for (Computation &computation : function.computations)
    forEachPlace(computation, [&](TensorRef place, std::vector<IndexExprPtr> &indices) {
      if (place == TensorRef{true, buffer})
        indices.erase(indices.begin() + at);
    });
  auto &shape = function.locals[buffer].shape;
  shape.erase(shape.begin() + at);
}

// Writers stand before readers: the loop has gone from what a stage reads when its own buffer is
// looked at.
void dropRepeatedTiles(FunctionTemplate &function, PrivateBuffers &privates) {
  constexpr std::size_t mostStages = 1000; // as in restoreShapes(): far more than compilers print
  if (privates.empty() || function.computations.size() > mostStages)
    return;
  std::set<std::uint32_t> done;
  for (std::size_t i = 0; i < function.computations.size(); ++i) {
    const TensorRef written = function.computations[i].written;
    const auto found = written.isLocal ? privates.find(written.index) : privates.end();
    if (found == privates.end() || !done.insert(written.index).second)
      continue;
    Shape &extents = found->second.extents;
    for (std::size_t d = extents.size(); d-- > 0;)
      if (dropIfRepeated(function, written.index, d))
        extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(d));
  }
}

} // namespace acadlc::tir
