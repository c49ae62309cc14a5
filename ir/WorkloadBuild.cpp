#include "ir/WorkloadBuild.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace acadlc::workload {

IndexExprPtr indexRead(ValueExprPtr read) {
  constexpr double beyond = 9.0e18; // of 64 bits
  if (read->kind == ValueExpr::Kind::Constant && std::abs(read->number) < beyond)
    return indexConstant(static_cast<std::int64_t>(read->number));
  return indexOpaque("an index that is read", std::move(read));
}

IndexExprPtr plus(IndexExprPtr left, IndexExprPtr right) {
  return indexBinary(IndexExpr::Kind::Add, std::move(left), std::move(right));
}
IndexExprPtr plus(IndexExprPtr left, std::int64_t right) {
  return plus(std::move(left), indexConstant(right));
}
IndexExprPtr times(IndexExprPtr left, std::int64_t right) {
  return indexBinary(IndexExpr::Kind::Mul, std::move(left), indexConstant(right));
}
IndexExprPtr quotient(IndexExprPtr left, std::int64_t right) {
  return indexBinary(IndexExpr::Kind::FloorDiv, std::move(left), indexConstant(right));
}
IndexExprPtr remainder(IndexExprPtr left, std::int64_t right) {
  return indexBinary(IndexExpr::Kind::FloorMod, std::move(left), indexConstant(right));
}

ValueExprPtr number(double value, ElementType type) {
  auto node = std::make_shared<ValueExpr>();
  node->number = value;
  node->elementType = type;
  return node;
}

ValueExprPtr unary(std::string_view name, ValueExprPtr operand) {
  return valueNode(ValueExpr::Kind::Unary, std::string(name), {std::move(operand)});
}

ValueExprPtr binary(std::string_view op, ValueExprPtr left, ValueExprPtr right) {
  constexpr std::string_view comparisons[] = {"<", "<=", ">", ">=", "==", "!=", "and", "or"};
  const bool isComparison = std::ranges::find(comparisons, op) != std::end(comparisons);
  return valueNode(isComparison ? ValueExpr::Kind::Compare : ValueExpr::Kind::Binary,
                   std::string(op), {std::move(left), std::move(right)});
}

ValueExprPtr castTo(ValueExprPtr value, ElementType type) {
  auto cast =
      std::make_shared<ValueExpr>(*valueNode(ValueExpr::Kind::Cast, "cast", {std::move(value)}));
  cast->elementType = type;
  return cast;
}

ValueExprPtr select(ValueExprPtr condition, ValueExprPtr then, ValueExprPtr otherwise) {
  return valueNode(ValueExpr::Kind::Select, {},
                   {std::move(condition), std::move(then), std::move(otherwise)});
}

ValueExprPtr isWithin(const IndexExprPtr &index, std::int64_t low, std::int64_t high) {
  return binary("and", binary("<=", valueIndex(indexConstant(low)), valueIndex(index)),
                binary("<", valueIndex(index), valueIndex(indexConstant(high))));
}

ValueExprPtr lowest(ElementType type) { return number(lowestNumber(type), type); }

double lowestNumber(ElementType type) {
  using Kind = ElementType::Kind;
  constexpr double lowestHalf = -65504;
  switch (type.kind) {
  case Kind::Int:
    return -std::pow(2.0, type.bits - 1);
  case Kind::UInt:
  case Kind::Bool:
    return 0;
  case Kind::BFloat:
    return std::numeric_limits<float>::lowest();
  case Kind::Float:
    break;
  }
  if (type.bits == 16)
    return lowestHalf;
  return type.bits == 64 ? std::numeric_limits<double>::lowest()
                         : double{std::numeric_limits<float>::lowest()};
}

IndexExprPtr flatIndex(const Indices &indices, const std::vector<std::int64_t> &shape) {
  IndexExprPtr flat = indexConstant(0);
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    flat = plus(times(indices[d], stride), flat);
    stride *= shape[d];
  }
  return flat;
}

Indices unflatten(const IndexExprPtr &flat, const std::vector<std::int64_t> &shape) {
  Indices indices(shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    const IndexExprPtr rest = quotient(flat, stride);
    indices[d] = d == 0 ? rest : remainder(rest, shape[d]);
    stride *= shape[d];
  }
  return indices;
}

} // namespace acadlc::workload
