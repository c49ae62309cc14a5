#include "ir/WorkloadExpr.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <utility>

namespace acadlc::workload {

namespace {

using Kind = IndexExpr::Kind;

std::optional<std::int64_t> apply(Kind kind, std::int64_t a, std::int64_t b) {
  switch (kind) {
  case Kind::Add:
    return checkedAdd(a, b);
  case Kind::Sub:
    return checkedSub(a, b);
  case Kind::Mul:
    return checkedMul(a, b);
  case Kind::FloorDiv:
    return checkedFloorDiv(a, b);
  case Kind::FloorMod:
    return checkedFloorMod(a, b);
  case Kind::Min:
    return std::min(a, b);
  case Kind::Max:
    return std::max(a, b);
  default:
    return std::nullopt;
  }
}

bool isConstant(const IndexExpr &index, std::int64_t value) {
  return index.kind == Kind::Constant && index.value == value;
}

/// The operand that \p kind leaves as it is because the other one is neutral; null if none.
IndexExprPtr neutralFold(Kind kind, const IndexExprPtr &left, const IndexExprPtr &right) {
  bool addsZero = (kind == Kind::Add || kind == Kind::Sub) && isConstant(*right, 0);
  bool timesOne = (kind == Kind::Mul || kind == Kind::FloorDiv) && isConstant(*right, 1);
  if (addsZero || timesOne)
    return left;
  if ((kind == Kind::Add && isConstant(*left, 0)) || (kind == Kind::Mul && isConstant(*left, 1)))
    return right;
  if (kind == Kind::Mul && (isConstant(*left, 0) || isConstant(*right, 0)))
    return indexConstant(0);
  return nullptr;
}

/// The number that \p left and \p right are quotient and remainder of, `x // 3 * 3 + x % 3`; null
/// if they are not.
IndexExprPtr wholeOf(const IndexExpr &left, const IndexExpr &right) {
  const bool isProduct = left.kind == Kind::Mul && left.left->kind == Kind::FloorDiv &&
                         left.right->kind == Kind::Constant &&
                         isConstant(*left.left->right, left.right->value);
  if (!isProduct || right.kind != Kind::FloorMod || !isConstant(*right.right, left.right->value) ||
      left.right->value <= 0 || !sameIndex(*left.left->left, *right.left))
    return nullptr;
  return right.left;
}

std::optional<bool> compare(std::string_view name, std::int64_t a, std::int64_t b) {
  if (name == "<")
    return a < b;
  if (name == "<=")
    return a <= b;
  if (name == ">")
    return a > b;
  if (name == ">=")
    return a >= b;
  if (name == "==")
    return a == b;
  if (name == "!=")
    return a != b;
  if (name == "and")
    return a != 0 && b != 0;
  if (name == "or")
    return a != 0 || b != 0;
  return std::nullopt;
}

std::optional<std::int64_t> evaluateBinary(const ValueExpr &value,
                                           std::span<const std::int64_t> point) {
  if (value.operands.size() != 2)
    return std::nullopt;
  auto a = evaluate(*value.operands[0], point);
  auto b = evaluate(*value.operands[1], point);
  if (!a || !b)
    return std::nullopt;
  if (value.kind == ValueExpr::Kind::Compare) {
    auto result = compare(value.name, *a, *b);
    return result ? std::optional<std::int64_t>(*result ? 1 : 0) : std::nullopt;
  }
  constexpr std::pair<std::string_view, Kind> names[] = {
      {"+", Kind::Add},      {"-", Kind::Sub},   {"*", Kind::Mul},  {"//", Kind::FloorDiv},
      {"%", Kind::FloorMod}, {"min", Kind::Min}, {"max", Kind::Max}};
  for (const auto &[name, kind] : names)
    if (name == value.name)
      return apply(kind, *a, *b);
  return std::nullopt;
}

std::uint32_t saturatedSum(std::uint32_t a, std::uint32_t b) {
  return std::min<std::uint64_t>(std::uint64_t{a} + b, ~0U);
}

} // namespace

IndexExprPtr indexConstant(std::int64_t value) {
  auto index = std::make_shared<IndexExpr>();
  index->value = value;
  return index;
}

IndexExprPtr indexAxis(std::size_t axis) {
  auto index = std::make_shared<IndexExpr>();
  index->kind = Kind::Axis;
  index->value = static_cast<std::int64_t>(axis);
  return index;
}

IndexExprPtr indexOpaque(std::string text) {
  auto index = std::make_shared<IndexExpr>();
  index->kind = Kind::Opaque;
  index->opaque = std::move(text);
  return index;
}

IndexExprPtr indexOpaque(std::string text, ValueExprPtr computed) {
  auto index = std::make_shared<IndexExpr>();
  index->kind = Kind::Opaque;
  index->opaque = std::move(text);
  index->size = saturatedSum(computed->size, 1);
  if (index->size > maxExpressionSize)
    index->size = 1;
  else
    index->computed = std::move(computed);
  return index;
}

IndexExprPtr indexBinary(Kind kind, IndexExprPtr left, IndexExprPtr right) {
  if (left->kind == Kind::Constant && right->kind == Kind::Constant) {
    auto folded = apply(kind, left->value, right->value);
    return folded ? indexConstant(*folded) : indexOpaque("a number beyond 64 bits");
  }
  if (IndexExprPtr folded = neutralFold(kind, left, right))
    return folded;
  if (IndexExprPtr whole = kind == Kind::Add ? wholeOf(*left, *right) : nullptr)
    return whole;
  std::uint32_t size = saturatedSum(saturatedSum(left->size, right->size), 1);
  if (size > maxExpressionSize)
    return indexOpaque("an index that is too large");
  auto index = std::make_shared<IndexExpr>();
  index->kind = kind;
  index->left = std::move(left);
  index->right = std::move(right);
  index->size = size;
  return index;
}

bool sameIndex(const IndexExpr &left, const IndexExpr &right) {
  if (&left == &right)
    return left.kind != Kind::Opaque;
  if (left.kind != right.kind || left.value != right.value || left.kind == Kind::Opaque)
    return false;
  if (!left.left)
    return true;
  return sameIndex(*left.left, *right.left) && sameIndex(*left.right, *right.right);
}

bool isSameElement(const Access &left, const Access &right) {
  return left.tensor == right.tensor &&
         std::equal(left.indices.begin(), left.indices.end(), right.indices.begin(),
                    right.indices.end(),
                    [](const auto &a, const auto &b) { return sameIndex(*a, *b); });
}

std::optional<std::int64_t> evaluate(const IndexExpr &index, std::span<const std::int64_t> point) {
  switch (index.kind) {
  case Kind::Constant:
    return index.value;
  case Kind::Axis: {
    auto axis = static_cast<std::size_t>(index.value);
    return axis < point.size() ? std::optional(point[axis]) : std::nullopt;
  }
  case Kind::Opaque:
    return std::nullopt;
  default: {
    auto left = evaluate(*index.left, point);
    auto right = evaluate(*index.right, point);
    return left && right ? apply(index.kind, *left, *right) : std::nullopt;
  }
  }
}

std::optional<std::int64_t> evaluate(const ValueExpr &value, std::span<const std::int64_t> point) {
  switch (value.kind) {
  case ValueExpr::Kind::Constant:
  case ValueExpr::Kind::Index:
    return value.index ? evaluate(*value.index, point) : std::nullopt;
  case ValueExpr::Kind::Cast:
    return evaluate(*value.operands[0], point);
  case ValueExpr::Kind::Compare:
    if (value.name == "not") {
      auto operand = evaluate(*value.operands[0], point);
      return operand ? std::optional<std::int64_t>(*operand == 0 ? 1 : 0) : std::nullopt;
    }
    return evaluateBinary(value, point);
  case ValueExpr::Kind::Binary:
    return evaluateBinary(value, point);
  case ValueExpr::Kind::Select: {
    auto condition = evaluate(*value.operands[0], point);
    if (!condition)
      return std::nullopt;
    return evaluate(*value.operands[*condition != 0 ? 1 : 2], point);
  }
  default:
    return std::nullopt;
  }
}

std::optional<IndexRange> rangeOf(const AffineIndex &index, const std::vector<Axis> &axes) {
  IndexRange range{index.constant, index.constant};
  for (std::size_t a = 0; a < index.coefficients.size(); ++a) {
    auto span = checkedMul(index.coefficients[a], axes[a].extent - 1);
    if (!span)
      return std::nullopt;
    std::int64_t &bound = *span < 0 ? range.low : range.high;
    auto moved = checkedAdd(bound, *span);
    if (!moved)
      return std::nullopt;
    bound = *moved;
  }
  return range;
}

void forEachAxis(const IndexExpr &index, llvm::function_ref<void(std::size_t)> visit) {
  if (index.kind == Kind::Axis)
    visit(static_cast<std::size_t>(index.value));
  if (index.left)
    forEachAxis(*index.left, visit);
  if (index.right)
    forEachAxis(*index.right, visit);
  if (index.computed)
    forEachAxis(*index.computed, visit);
}

void forEachAxis(const ValueExpr &value, llvm::function_ref<void(std::size_t)> visit) {
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.index)
      forEachAxis(*node.index, visit);
  });
}

void forEachNode(const ValueExpr &value, llvm::function_ref<void(const ValueExpr &)> visit) {
  visit(value);
  for (const ValueExprPtr &operand : value.operands)
    forEachNode(*operand, visit);
}

IndexExprPtr substituteSome(const IndexExprPtr &index,
                            llvm::function_ref<IndexExprPtr(std::size_t)> valueOf) {
  if (index->kind == Kind::Axis) {
    IndexExprPtr value = valueOf(static_cast<std::size_t>(index->value));
    return value ? value : index;
  }
  if (index->computed)
    return indexOpaque(index->opaque, mapIndices(index->computed, [&](const IndexExprPtr &inner) {
                         return substituteSome(inner, valueOf);
                       }));
  if (!index->left)
    return index;
  IndexExprPtr left = substituteSome(index->left, valueOf);
  IndexExprPtr right = substituteSome(index->right, valueOf);
  const bool isSame = left == index->left && right == index->right;
  return isSame ? index : indexBinary(index->kind, std::move(left), std::move(right));
}

IndexExprPtr substitute(const IndexExprPtr &index, std::span<const IndexExprPtr> replacements) {
  if (index->kind == Kind::Axis)
    return replacements[static_cast<std::size_t>(index->value)];
  if (index->computed)
    return indexOpaque(index->opaque, substitute(index->computed, replacements));
  if (!index->left)
    return index;
  return indexBinary(index->kind, substitute(index->left, replacements),
                     substitute(index->right, replacements));
}

ValueExprPtr mapIndices(const ValueExprPtr &value, const IndexChange &change) {
  if (!value->index && value->operands.empty())
    return value;
  auto copy = std::make_shared<ValueExpr>(*value);
  if (copy->index)
    copy->index = change(copy->index);
  for (ValueExprPtr &operand : copy->operands)
    operand = mapIndices(operand, change);
  return copy;
}

ValueExprPtr substitute(const ValueExprPtr &value, std::span<const IndexExprPtr> replacements) {
  return mapIndices(value,
                    [&](const IndexExprPtr &index) { return substitute(index, replacements); });
}

namespace {

void forEachAxis(const std::vector<StageStatement> &statements,
                 llvm::function_ref<void(std::size_t)> visit) {
  for (const StageStatement &statement : statements) {
    if (statement.condition) {
      forEachAxis(*statement.condition, visit);
      forEachAxis(statement.then, visit);
      forEachAxis(statement.otherwise, visit);
      continue;
    }
    for (const IndexExprPtr &index : statement.written.indices)
      forEachAxis(*index, visit);
    forEachAxis(*statement.value, visit);
  }
}

void mapIndices(std::vector<IndexExprPtr> &indices, const IndexChange &change) {
  for (IndexExprPtr &index : indices)
    index = change(index);
}

void mapIndices(std::vector<StageStatement> &statements, const IndexChange &change) {
  for (StageStatement &statement : statements) {
    if (statement.condition) {
      statement.condition = mapIndices(statement.condition, change);
      mapIndices(statement.then, change);
      mapIndices(statement.otherwise, change);
      continue;
    }
    mapIndices(statement.written.indices, change);
    statement.value = mapIndices(statement.value, change);
  }
}

StageBody mapIndices(StageBody body, const IndexChange &change) {
  for (Access &access : body.accesses)
    mapIndices(access.indices, change);
  mapIndices(body.init, change);
  mapIndices(body.statements, change);
  return body;
}

} // namespace

void forEachAxis(const StageBody &body, llvm::function_ref<void(std::size_t)> visit) {
  for (const Access &access : body.accesses)
    for (const IndexExprPtr &index : access.indices)
      forEachAxis(*index, visit);
  forEachAxis(body.init, visit);
  forEachAxis(body.statements, visit);
}

StageBody substitute(StageBody body, std::span<const IndexExprPtr> replacements) {
  return mapIndices(std::move(body),
                    [&](const IndexExprPtr &index) { return substitute(index, replacements); });
}

void mapIndices(Computation &computation, const IndexChange &change) {
  mapIndices(computation.writeIndices, change);
  for (Access &access : computation.accesses)
    mapIndices(access.indices, change);
  computation.value = mapIndices(computation.value, change);
  if (computation.body)
    computation.body = std::make_shared<const StageBody>(mapIndices(*computation.body, change));
}

void substituteAxes(Computation &computation, std::vector<Axis> axes,
                    std::span<const IndexExprPtr> values) {
  mapIndices(computation, [&](const IndexExprPtr &index) { return substitute(index, values); });
  computation.axes = std::move(axes);
}

IndexExprPtr renumberLoads(const IndexExprPtr &index, std::size_t offset) {
  if (index->computed)
    return indexOpaque(index->opaque, renumberLoads(index->computed, offset));
  if (!index->left)
    return index;
  auto copy = std::make_shared<IndexExpr>(*index);
  copy->left = renumberLoads(copy->left, offset);
  copy->right = renumberLoads(copy->right, offset);
  return copy;
}

ValueExprPtr renumberLoads(const ValueExprPtr &value, std::size_t offset) {
  auto copy = std::make_shared<ValueExpr>(*value);
  if (copy->kind == ValueExpr::Kind::Load)
    copy->value += offset;
  if (copy->index)
    copy->index = renumberLoads(copy->index, offset);
  for (ValueExprPtr &operand : copy->operands)
    operand = renumberLoads(operand, offset);
  return copy;
}

ValueExprPtr withLoads(const ValueExprPtr &value,
                       const std::map<std::size_t, ValueExprPtr> &loads) {
  if (value->kind == ValueExpr::Kind::Load)
    return loads.at(value->value);
  if (value->operands.empty())
    return value;
  auto copy = std::make_shared<ValueExpr>(*value);
  copy->size = 1;
  for (ValueExprPtr &operand : copy->operands) {
    operand = withLoads(operand, loads);
    copy->size = saturatedSum(copy->size, operand->size);
  }
  return copy;
}

ValueExprPtr valueIndex(IndexExprPtr index) {
  auto value = std::make_shared<ValueExpr>();
  value->kind = ValueExpr::Kind::Index;
  value->size = saturatedSum(index->size, 1);
  value->index = std::move(index);
  return value;
}

ValueExprPtr valueNode(ValueExpr::Kind kind, std::string name, std::vector<ValueExprPtr> operands) {
  auto value = std::make_shared<ValueExpr>();
  value->kind = kind;
  value->name = std::move(name);
  for (const ValueExprPtr &operand : operands)
    value->size = saturatedSum(value->size, operand->size);
  if (value->size > maxExpressionSize) {
    value->kind = ValueExpr::Kind::Opaque;
    value->size = 1;
    return value;
  }
  value->operands = std::move(operands);
  return value;
}

IndexExprPtr asIndex(const ValueExprPtr &value) {
  bool isInteger =
      value->kind == ValueExpr::Kind::Index || value->kind == ValueExpr::Kind::Constant;
  return isInteger ? value->index : nullptr;
}

const ValueExpr &stripCasts(const ValueExpr &value) {
  const ValueExpr *inner = &value;
  while (inner->kind == ValueExpr::Kind::Cast)
    inner = inner->operands[0].get();
  return *inner;
}

} // namespace acadlc::workload
