#include "frontend/network/GraphReader.h"
#include "frontend/tvmscript/Parser.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// \p left \p op \p right as integers, rounded down; none if \p op has no such meaning, a divisor
/// is 0, or the result leaves 64 bits.
std::optional<std::int64_t> combineSizes(std::string_view op, std::int64_t left,
                                         std::int64_t right) {
  if (op == "+")
    return checkedAdd(left, right);
  if (op == "-")
    return checkedSub(left, right);
  if (op == "*")
    return checkedMul(left, right);
  if (op == "//")
    return checkedFloorDiv(left, right);
  if (op == "%")
    return checkedFloorMod(left, right);
  if (op == "min")
    return std::min(left, right);
  if (op == "max")
    return std::max(left, right);
  // Rounded towards 0, which is down for what is not negative.
  if (op == "truncdiv" && left >= 0 && right > 0)
    return left / right;
  if (op == "ceildiv") {
    const auto negated = checkedSub(0, left);
    const auto quotient = negated ? checkedFloorDiv(*negated, right) : std::nullopt;
    return quotient ? checkedSub(0, *quotient) : std::nullopt;
  }
  return std::nullopt;
}

} // namespace

/// The value of the arithmetic \p call: `T.min(n, 2)`, `T.int64(n)`, `R.prim_value(n)`, ….
std::optional<std::int64_t> GraphReader::sizeOfCall(const Expr &call, const Expr *&unknown) {
  const std::string_view name = tirCallName(&call);
  const Expr *first = positional(call, 0);
  const Expr *second = positional(call, 1);
  if (first && (isIntegerCast(call) || relaxCallName(&call) == "prim_value"))
    return sizeOf(*first, unknown);
  // `T.Cast("int64", e)`, in old texts `T.cast(e, "int64")`.
  if ((name == "Cast" || name == "cast") && first && second)
    return sizeOf(first->kind == Expr::Kind::String ? *second : *first, unknown);
  const std::string_view op = sizeOperator(call);
  if (!op.empty() && first && second) {
    const auto left = sizeOf(*first, unknown);
    const auto right = left ? sizeOf(*second, unknown) : std::nullopt;
    if (!right)
      return std::nullopt;
    if (const auto result = combineSizes(op, *left, *right))
      return result;
  }
  unknown = &call;
  return std::nullopt;
}

/// The value of \p expr as a size, without a report; if there is none, \p unknown is the part of it
/// that has none.
std::optional<std::int64_t> GraphReader::sizeOf(const Expr &expr, const Expr *&unknown) {
  if (const auto literal = integerLiteral(expr))
    return literal;
  unknown = &expr;
  if (expr.kind == Expr::Kind::String) {
    const SourceRange inner{expr.range.begin.advancedBy(1),
                            SourceLocation::fromRaw(expr.range.end.raw() - 1)};
    const Expr *content = Parser::parseExpression(sources_, inner, tree_, diagnostics_);
    const bool isSize = content && content->kind != Expr::Kind::String;
    return isSize ? sizeOf(*content, unknown) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Name) {
    const GraphValue *value = findValue(expr.text);
    if (value && value->kind == GraphValue::Kind::Number)
      return value->number;
    const std::int64_t *size = sizeNamed(expr.text);
    return size ? std::optional(*size) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Unary && expr.text == "-") {
    const auto operand = sizeOf(*expr.children[0], unknown);
    return operand ? checkedSub(0, *operand) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Binary) {
    const auto left = sizeOf(*expr.children[0], unknown);
    const auto right = left ? sizeOf(*expr.children[1], unknown) : std::nullopt;
    if (!right)
      return std::nullopt;
    unknown = &expr;
    return combineSizes(expr.text, *left, *right);
  }
  return expr.kind == Expr::Kind::Call ? sizeOfCall(expr, unknown) : std::nullopt;
}

/// Reports once that the symbolic size \p name has no value.
void GraphReader::reportSize(std::string_view name, SourceRange range) {
  if (reportedSizes_.emplace(name).second)
    diagnostics_.report(DiagnosticCode::TirSymbolicSize, range, name);
}

std::optional<std::int64_t> GraphReader::evaluateSize(const Expr &expr) {
  const Expr *unknown = nullptr;
  const std::size_t errorsBefore = diagnostics_.errorCount();
  const auto size = sizeOf(expr, unknown);
  // What stands in a string may be no expression at all.
  if (size || diagnostics_.errorCount() != errorsBefore)
    return size;
  const GraphValue *value = unknown->kind == Expr::Kind::Name ? findValue(unknown->text) : nullptr;
  if (isHugeInteger(*unknown))
    diagnostics_.report(DiagnosticCode::TirTooLarge, unknown->range, "this number");
  else if (value && value->kind == GraphValue::Kind::Size)
    reportSize(value->unknownSize, unknown->range);
  else if (unknown->kind == Expr::Kind::Name && !(value && holdsTensor(*unknown)))
    reportSize(missingSize(unknown->text), unknown->range);
  else
    diagnostics_.report(DiagnosticCode::GraphUnsupported, unknown->range,
                        "the size '" + textOf(sources_, *unknown) + "'");
  return std::nullopt;
}

/// The size that must get a value for \p name to have one: that of a caller if an argument depends
/// on it, else the one called \p name.
std::string_view GraphReader::missingSize(std::string_view name) const {
  for (const GraphFrame *each = innermost(); each; each = each->outer)
    if (const auto found = each->missingSizes.find(name); found != each->missingSizes.end())
      return found->second;
  return name;
}

/// The size that a text calls \p name.
GraphValue GraphReader::declaredSize(std::string_view name) {
  if (const std::int64_t *value = sizeNamed(name))
    return GraphValue::ofNumber(*value);
  const auto declared = sizeNames_.find(missingSize(name));
  return declared == sizeNames_.end() ? GraphValue::of(GraphValue::Kind::Other)
                                      : GraphValue::ofUnknownSize(*declared);
}

/// \p expr as a number of the graph. What has no value is no error: it may not be needed.
GraphValue GraphReader::sizeValue(const Expr &expr) {
  const Expr *unknown = nullptr;
  if (const auto size = sizeOf(expr, unknown))
    return GraphValue::ofNumber(*size);
  if (unknown->kind != Expr::Kind::Name)
    return GraphValue::of(GraphValue::Kind::Other);
  const GraphValue value = evaluateName(unknown->text, unknown->range);
  const bool isKnown =
      value.kind == GraphValue::Kind::Size || value.kind == GraphValue::Kind::Unknown;
  return isKnown ? value : GraphValue::of(GraphValue::Kind::Other);
}

std::optional<Shape> GraphReader::readShape(const Expr &expr) {
  if (expr.kind != Expr::Kind::Tuple && expr.kind != Expr::Kind::List) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "the shape '" + textOf(sources_, expr) + "'");
    return std::nullopt;
  }
  Shape shape;
  constexpr std::int64_t bitsPerElement = 128; // the widest element type
  std::int64_t product = bitsPerElement;
  for (const Expr *item : expr.children) {
    auto extent = evaluateSize(*item);
    if (!extent)
      return std::nullopt;
    if (*extent <= 0) {
      diagnostics_.report(DiagnosticCode::TirBadExtent, item->range, *extent);
      return std::nullopt;
    }
    auto next = checkedMul(product, *extent);
    if (!next) {
      diagnostics_.report(DiagnosticCode::TirTooLarge, expr.range, "the size of this tensor");
      return std::nullopt;
    }
    product = *next;
    shape.push_back(*extent);
  }
  return shape;
}

/// Reads `R.Tensor(shape, dtype)`. Where the tensor lies may follow, and says nothing of its type.
std::optional<TensorType> GraphReader::readTensorType(const Expr &expr) {
  const Expr *shape = positional(expr, 0);
  const Expr *dtype = positional(expr, 1);
  if (shape && shape->kind == Expr::Kind::String) // `R.Tensor("float32")`
    dtype = std::exchange(shape, nullptr);
  if (const Expr *named = keyword(expr, "dtype"))
    dtype = named;
  if (!shape)
    shape = keyword(expr, "shape");
  if (!shape) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range, "a tensor without a shape");
    return std::nullopt;
  }
  TensorType type;
  if (dtype && dtype->kind == Expr::Kind::String) {
    auto element = ElementType::fromName(dtype->text);
    if (!element) {
      diagnostics_.report(DiagnosticCode::TirUnknownElementType, dtype->range,
                          textOf(sources_, *dtype), nearTypes(dtype->text));
      return std::nullopt;
    }
    type.elementType = *element;
  }
  auto extents = readShape(*shape);
  if (!extents)
    return std::nullopt;
  type.shape = std::move(*extents);
  return type;
}

/// Types of the results of a `call_tir`, which may stand as argument \p position; empty if the call
/// does not say.
std::optional<std::vector<TensorType>> GraphReader::outputTypes(const Expr &call,
                                                                std::size_t position) {
  const Expr *types = keyword(call, "out_ty");
  if (!types)
    types = keyword(call, "out_sinfo");
  if (!types)
    types = positional(call, position);
  std::vector<TensorType> out;
  if (!types)
    return out;
  bool isList = types->kind == Expr::Kind::List || types->kind == Expr::Kind::Tuple;
  std::span<const Expr *const> items = isList ? types->children : std::span(&types, 1);
  if (relaxCallName(types) == "Tuple")
    items = arguments(*types);
  for (const Expr *item : items) {
    if (relaxCallName(item) != "Tensor") {
      diagnostics_.report(DiagnosticCode::GraphUnsupported, item->range,
                          "'" + textOf(sources_, *item) + "'");
      return std::nullopt;
    }
    auto type = readTensorType(*item);
    if (!type)
      return std::nullopt;
    out.push_back(std::move(*type));
  }
  return out;
}

} // namespace acadlc::tir
