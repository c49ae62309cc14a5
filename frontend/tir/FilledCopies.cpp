#include "frontend/tir/FilledCopies.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

/// A dimension of what is written: so many elements from \p first on, numbered by an axis, or the
/// one element \p first.
struct WrittenPart {
  std::optional<std::size_t> axis;
  std::int64_t first = 0, count = 1;
};
using WrittenParts = std::vector<WrittenPart>;

/// A store, and nothing else, at all points of its axes.
bool isPlainStore(const Computation &computation) {
  std::optional<std::int64_t> points = 1;
  for (const Axis &axis : computation.axes)
    points = points ? checkedMul(*points, axis.extent) : std::nullopt;
  return computation.combiner == Combiner::None && !computation.body &&
         computation.opaqueReason.empty() && computation.alsoWritten.empty() &&
         points == computation.points;
}

/// What \p computation writes; none if it is no box, or written more than once.
std::optional<WrittenParts> partsOf(const Computation &computation) {
  WrittenParts parts;
  std::vector<bool> used(computation.axes.size());
  for (const IndexExprPtr &index : computation.writeIndices) {
    const auto form = affineForm(*index, computation.axes);
    if (!form)
      return std::nullopt;
    WrittenPart part{std::nullopt, form->constant, 1};
    for (std::size_t a = 0; a < computation.axes.size(); ++a) {
      if (form->coefficients[a] == 0 || computation.axes[a].extent == 1)
        continue;
      if (part.axis || used[a] || form->coefficients[a] != 1)
        return std::nullopt;
      used[a] = true;
      part.axis = a;
      part.count = computation.axes[a].extent;
    }
    parts.push_back(part);
  }
  for (std::size_t a = 0; a < used.size(); ++a)
    if (!used[a] && computation.axes[a].extent > 1)
      return std::nullopt;
  return parts;
}

bool fills(const WrittenParts &parts, const std::vector<std::int64_t> &shape) {
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (parts[d].first != 0 || parts[d].count != shape[d])
      return false;
  return true;
}

ValueExprPtr compared(const char *name, IndexExprPtr left, IndexExprPtr right) {
  return valueNode(ValueExpr::Kind::Compare, name,
                   {valueIndex(std::move(left)), valueIndex(std::move(right))});
}

/// \p copy as a store to all of a tensor of \p shape, with \p filling where it writes nothing.
Computation padding(Computation copy, const WrittenParts &parts,
                    const std::vector<std::int64_t> &shape, const ValueExprPtr &filling) {
  std::vector<Axis> axes;
  std::vector<IndexExprPtr> values(copy.axes.size(), indexConstant(0));
  ValueExprPtr condition;
  const auto require = [&](ValueExprPtr part) {
    condition = condition ? valueNode(ValueExpr::Kind::Compare, "and", {condition, std::move(part)})
                          : std::move(part);
  };
  std::vector<IndexExprPtr> places;
  copy.points = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const WrittenPart &part = parts[d];
    const std::string name = part.axis ? copy.axes[*part.axis].name : "i" + std::to_string(d);
    places.push_back(indexAxis(d));
    axes.push_back({name, shape[d], Axis::Kind::Spatial});
    copy.points *= shape[d];
    if (part.axis)
      values[*part.axis] =
          indexBinary(IndexExpr::Kind::Sub, indexAxis(d), indexConstant(part.first));
    if (part.first > 0)
      require(compared("<=", indexConstant(part.first), indexAxis(d)));
    if (part.first + part.count < shape[d])
      require(compared("<", indexAxis(d), indexConstant(part.first + part.count)));
  }
  substituteAxes(copy, std::move(axes), values);
  copy.writeIndices = std::move(places);
  if (condition)
    copy.value = valueNode(ValueExpr::Kind::Select, {}, {condition, copy.value, filling});
  return copy;
}

const std::vector<std::int64_t> &shapeOf(const FunctionTemplate &function, TensorRef tensor) {
  return tensor.isLocal ? function.locals[tensor.index].shape
                        : function.parameters[tensor.index].tensor.shape;
}

/// \p copy and \p fill, the stage right before it, as one padding of a tensor of \p shape; none if
/// they are something else.
std::optional<Computation> paddingOf(const Computation &fill, const Computation &copy,
                                     const std::vector<std::int64_t> &shape) {
  const bool fits = isPlainStore(fill) && isPlainStore(copy) && fill.written == copy.written &&
                    fill.accesses.empty() && fill.value->kind == ValueExpr::Kind::Constant &&
                    copy.value->kind == ValueExpr::Kind::Load && copy.accesses.size() == 1 &&
                    copy.accesses[0].tensor != copy.written;
  if (!fits)
    return std::nullopt;
  const auto filled = partsOf(fill), copied = partsOf(copy);
  if (!filled || !copied || !fills(*filled, shape))
    return std::nullopt;
  return padding(copy, *copied, shape, fill.value);
}

} // namespace

void joinFilledCopies(FunctionTemplate &function) {
  std::vector<Computation> stages;
  for (Computation &stage : function.computations) {
    auto joined = stages.empty()
                      ? std::nullopt
                      : paddingOf(stages.back(), stage, shapeOf(function, stage.written));
    if (joined)
      stages.back() = std::move(*joined);
    else
      stages.push_back(std::move(stage));
  }
  function.computations = std::move(stages);
}

} // namespace acadlc::tir
