#include "structure/CallStructure.h"

#include "structure/Analysis.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace acadlc::workload {

namespace {

using Bounds = AxisBounds;

/// Adds the bounds of `c ≤ v`, `v < c` and their conjunctions; false if \p condition has another
/// form.
bool addBounds(const ValueExpr &condition, Bounds &bounds) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2)
    return false;
  if (condition.name == "and")
    return addBounds(*condition.operands[0], bounds) && addBounds(*condition.operands[1], bounds);
  IndexExprPtr left = asIndex(condition.operands[0]);
  IndexExprPtr right = asIndex(condition.operands[1]);
  if (!left || !right)
    return false;
  std::string name = condition.name;
  if (left->kind == IndexExpr::Kind::Constant) {
    std::swap(left, right);
    constexpr std::pair<std::string_view, std::string_view> mirrored[] = {
        {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
    for (const auto &[from, to] : mirrored)
      if (condition.name == from)
        name = to;
  }
  if (left->kind != IndexExpr::Kind::Axis || right->kind != IndexExpr::Kind::Constant)
    return false;
  auto axis = static_cast<std::size_t>(left->value);
  std::int64_t value = right->value;
  constexpr std::int64_t farAway = std::int64_t{1} << 60; // so that value + 1 fits
  if (value > farAway || value < -farAway)
    return false;
  std::int64_t &low = bounds.low[axis];
  std::int64_t &high = bounds.high[axis];
  if (name == ">=")
    low = std::max(low, value);
  else if (name == ">")
    low = std::max(low, value + 1);
  else if (name == "<")
    high = std::min(high, value);
  else if (name == "<=")
    high = std::min(high, value + 1);
  else
    return false;
  return true;
}

} // namespace

std::optional<AxisBounds> guardBounds(const Computation &computation) {
  const StageBody *body = computation.body.get();
  const bool isGuarded = body != nullptr && body->statements.size() == 1 &&
                         body->statements[0].condition != nullptr &&
                         body->statements[0].otherwise.empty();
  if (!isGuarded)
    return std::nullopt;
  Bounds bounds;
  for (const Axis &axis : computation.axes) {
    bounds.low.push_back(0);
    bounds.high.push_back(axis.extent);
  }
  if (!addBounds(*body->statements[0].condition, bounds))
    return std::nullopt;
  for (std::size_t a = 0; a < computation.axes.size(); ++a)
    if (bounds.low[a] >= bounds.high[a])
      return std::nullopt;
  return bounds;
}

AffineIndices affineForms(const std::vector<IndexExprPtr> &indices, const std::vector<Axis> &axes) {
  AffineIndices forms;
  forms.reserve(indices.size());
  for (const IndexExprPtr &index : indices)
    forms.push_back(affineForm(*index, axes));
  return forms;
}

CallStructure::CallStructure(const Workload &workload, const Call &call)
    : workload_(workload), call_(call) {
  findWriters();
  findPadding();
  findLookedThrough();
}

std::optional<std::size_t> CallStructure::writerOf(TensorRef reference) const {
  auto found = writers_.find({reference.isLocal, reference.index});
  return found == writers_.end() ? std::nullopt : found->second;
}

void CallStructure::findWriters() {
  auto add = [&](TensorRef reference, std::size_t stage) {
    auto [entry, isNew] = writers_.emplace(std::pair(reference.isLocal, reference.index), stage);
    if (!isNew)
      entry->second = std::nullopt;
  };
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    add(call_.computations[i].written, i);
    for (TensorRef also : call_.computations[i].alsoWritten)
      add(also, i);
  }
}

void CallStructure::findPadding() {
  paddings_.assign(call_.computations.size(), std::nullopt);
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    const Computation &computation = call_.computations[i];
    // Of a tensor that other stages write too, a copy is no other name.
    if (computation.accesses.size() != 1 || !writerOf(computation.written))
      continue;
    const Tensor &source = tensor(computation.accesses[0].tensor);
    const Tensor &written = tensor(computation.written);
    if (source.elementType == written.elementType)
      paddings_[i] = paddingOf(computation, source.shape, written.shape);
  }
}

void CallStructure::findLookedThrough() {
  isLookedThrough_.assign(call_.computations.size(), false);
  // From the last stage on, so that what readers of a stage do is known.
  std::set<std::pair<bool, std::uint32_t>> worked; // what stages that do more than copy read
  for (std::size_t i = call_.computations.size(); i-- > 0;) {
    const Computation &computation = call_.computations[i];
    const bool isWorkedOn =
        computation.written.isLocal && worked.contains({true, computation.written.index});
    const bool isCopy = paddings_[i] && paddings_[i]->isIdentity();
    isLookedThrough_[i] = paddings_[i] && computation.written.isLocal && (isWorkedOn || isCopy);
    if (isCopy && !isWorkedOn)
      continue;
    for (const Access &access : computation.accesses)
      worked.insert({access.tensor.isLocal, access.tensor.index});
  }
}

std::optional<std::size_t> CallStructure::paddingBefore(TensorRef tensor,
                                                        std::size_t reader) const {
  const auto writer = tensor.isLocal ? writerOf(tensor) : std::optional<std::size_t>();
  return writer && *writer < reader && paddings_[*writer] ? writer : std::nullopt;
}

TensorRef CallStructure::behindCopies(TensorRef tensor, std::size_t reader) const {
  for (auto writer = paddingBefore(tensor, reader); writer && paddings_[*writer]->isIdentity();
       writer = paddingBefore(tensor, reader)) {
    tensor = paddings_[*writer]->source;
    reader = *writer;
  }
  return tensor;
}

Contraction::Operand CallStructure::resolve(const Access &access, std::size_t reader) const {
  Contraction::Operand operand;
  operand.access = access;
  while (const auto writer = paddingBefore(operand.access.tensor, reader)) {
    const Padding &padding = *paddings_[*writer];
    // Two paddings merge if they fill with the same value.
    if (!padding.isIdentity()) {
      if (operand.padding && operand.padding->fill != padding.fill)
        break;
      if (!operand.padding) {
        operand.padding = padding;
      } else {
        for (std::size_t d = 0; d < padding.before.size(); ++d) {
          operand.padding->before[d] += padding.before[d];
          operand.padding->after[d] += padding.after[d];
        }
      }
      for (std::size_t d = 0; d < padding.before.size(); ++d)
        operand.access.indices[d] = indexBinary(IndexExpr::Kind::Sub, operand.access.indices[d],
                                                indexConstant(padding.before[d]));
    }
    operand.access.tensor = padding.source;
    if (operand.padding)
      operand.padding->source = padding.source;
    reader = *writer;
  }
  const Tensor &source = tensor(operand.access.tensor);
  operand.elementType = source.elementType;
  operand.origin = source.origin;
  return operand;
}

bool isAxisPlus(const std::optional<AffineIndex> &index, std::size_t axis, std::int64_t offset,
                const std::vector<Axis> &axes) {
  if (!index || index->constant != offset)
    return false;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent != 1 && index->coefficients[a] != (a == axis ? 1 : 0))
      return false;
  return true;
}

std::optional<std::vector<std::size_t>> plainWrite(const Computation &computation,
                                                   const std::vector<std::int64_t> &shape) {
  if (computation.axes.size() < shape.size() || computation.writeIndices.size() != shape.size())
    return std::nullopt;
  std::vector<std::size_t> order;
  std::vector<bool> used(computation.axes.size(), false);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const IndexExpr &index = *computation.writeIndices[d];
    std::size_t axis = d;
    if (index.kind == IndexExpr::Kind::Axis)
      axis = static_cast<std::size_t>(index.value);
    else if (index.kind != IndexExpr::Kind::Constant || index.value != 0 || shape[d] != 1)
      return std::nullopt;
    if (used[axis] || computation.axes[axis].extent != shape[d])
      return std::nullopt;
    used[axis] = true;
    order.push_back(axis);
  }
  for (std::size_t a = 0; a < used.size(); ++a)
    if (!used[a] && computation.axes[a].extent != 1)
      return std::nullopt;
  return order;
}

std::optional<Padding> paddingOf(const Computation &computation,
                                 const std::vector<std::int64_t> &sourceShape,
                                 const std::vector<std::int64_t> &writtenShape) {
  // What has a body may copy a part alone.
  const ValueExpr *load = computation.value.get();
  const bool isChoice = load->kind == ValueExpr::Kind::Select;
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.body || computation.accesses.size() != 1 ||
      sourceShape.size() != writtenShape.size() ||
      (!isChoice && load->kind != ValueExpr::Kind::Load))
    return std::nullopt;
  auto order = plainWrite(computation, writtenShape);
  if (!order)
    return std::nullopt;
  Bounds bounds;
  for (const Axis &axis : computation.axes) {
    bounds.low.push_back(0);
    bounds.high.push_back(axis.extent);
  }
  Padding padding;
  if (isChoice) {
    if (load->operands[2]->kind != ValueExpr::Kind::Constant ||
        !addBounds(*load->operands[0], bounds))
      return std::nullopt;
    padding.fill = load->operands[2]->number;
    load = load->operands[1].get();
  }
  if (load->kind != ValueExpr::Kind::Load)
    return std::nullopt;
  const Access &access = computation.accesses[0];
  padding.source = access.tensor;
  for (std::size_t d = 0; d < sourceShape.size(); ++d) {
    std::size_t axis = (*order)[d];
    std::int64_t low = bounds.low[axis];
    std::int64_t high = bounds.high[axis];
    if (low < 0 || high > writtenShape[d] || high - low != sourceShape[d] ||
        !isAxisPlus(affineForm(*access.indices[d], computation.axes), axis, -low, computation.axes))
      return std::nullopt;
    padding.before.push_back(low);
    padding.after.push_back(writtenShape[d] - high);
  }
  return padding;
}

} // namespace acadlc::workload
