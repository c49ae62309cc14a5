#include "frontend/tir/NetworkReader.h"
#include "frontend/tir/Parser.h"
#include "frontend/tir/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>

namespace acadlc::tir {

using namespace workload;

std::optional<std::int64_t> NetworkReader::evaluateSize(const Expr &expr) {
  if (auto literal = integerLiteral(expr))
    return literal;
  if (isHugeInteger(expr)) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, expr.range, "this number");
    return std::nullopt;
  }
  if (expr.kind == Expr::Kind::String) {
    SourceRange inner{expr.range.begin.advancedBy(1),
                      SourceLocation::fromRaw(expr.range.end.raw() - 1)};
    const Expr *content = Parser::parseExpression(sources_, inner, tree_, diagnostics_);
    bool isSize = content && content->kind != Expr::Kind::String;
    return isSize ? evaluateSize(*content) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Name) {
    if (const std::int64_t *size = sizeNamed(expr.text))
      return *size;
    if (reportedSizes_.emplace(expr.text).second)
      diagnostics_.report(DiagnosticCode::TirSymbolicSize, expr.range, expr.text);
    return std::nullopt;
  }
  if (expr.kind == Expr::Kind::Binary) {
    auto left = evaluateSize(*expr.children[0]);
    auto right = evaluateSize(*expr.children[1]);
    if (!left || !right)
      return std::nullopt;
    std::optional<std::int64_t> result;
    if (expr.text == "+")
      result = checkedAdd(*left, *right);
    else if (expr.text == "-")
      result = checkedSub(*left, *right);
    else if (expr.text == "*")
      result = checkedMul(*left, *right);
    else if (expr.text == "//")
      result = checkedFloorDiv(*left, *right);
    else if (expr.text == "%")
      result = checkedFloorMod(*left, *right);
    if (result)
      return result;
  }
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "the size '" + textOf(sources_, expr) + "'");
  return std::nullopt;
}

std::optional<Shape> NetworkReader::readShape(const Expr &expr) {
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

std::optional<TensorType> NetworkReader::readTensorType(const Expr &expr) {
  const Expr *shape = nullptr;
  const Expr *dtype = keyword(expr, "dtype");
  for (std::size_t i = 0; const Expr *argument = positional(expr, i); ++i)
    (argument->kind == Expr::Kind::String ? dtype : shape) = argument;
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
                          textOf(sources_, *dtype));
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
std::optional<std::vector<TensorType>> NetworkReader::outputTypes(const Expr &call,
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
