#include "frontend/acadl/evaluation/Evaluator.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <cmath>

namespace acadlc {

using ast::BinaryOperator;
using Kind = Value::Kind;

std::nullopt_t Evaluator::overflow(SourceRange at, const std::string &what) {
  report(DiagnosticCode::ArithmeticOverflow, at, what);
  return std::nullopt;
}

std::nullopt_t Evaluator::wrongOperands(const ast::BinaryExpr &expr, const Value &left,
                                        const Value &right) {
  report(DiagnosticCode::WrongOperands, expr.range, ast::spelling(expr.op), left.typeName(),
         right.typeName());
  return std::nullopt;
}

std::nullopt_t Evaluator::wrongDimensions(const ast::BinaryExpr &expr, const Value &left,
                                          const Value &right) {
  auto builder = report(DiagnosticCode::UnitMismatch, expr.range, ast::spelling(expr.op),
                        left.typeName(), right.typeName());
  for (const auto &[bare, other] : {std::pair(&left, &right), {&right, &left}})
    if (bare->isPlainInt() && other->dimension() == builtins::cyclesDimension)
      builder.note(bare == &left ? expr.left->range : expr.right->range,
                   fmt::format("a number of cycles is written '{} * 1 cycle'", bare->text()));
  return std::nullopt;
}

std::optional<Value> Evaluator::arithmetic(const ast::BinaryExpr &expr, const Value &left,
                                           const Value &right) {
  if (!left.isNumber() || !right.isNumber())
    return wrongOperands(expr, left, right);
  Dimension dimension = left.dimension();
  switch (expr.op) {
  case BinaryOperator::Multiply:
    dimension = left.dimension() * right.dimension();
    break;
  case BinaryOperator::Divide:
    dimension = left.dimension() / right.dimension();
    break;
  default:
    if (left.dimension() != right.dimension())
      return wrongDimensions(expr, left, right);
  }
  const bool divides = expr.op == BinaryOperator::Divide || expr.op == BinaryOperator::Modulo;
  if (divides && right.asReal() == 0) {
    report(DiagnosticCode::DivisionByZero, expr.right->range);
    return std::nullopt;
  }
  if (left.is(Kind::Int) && right.is(Kind::Int))
    return wholeArithmetic(expr, left.asInt(), right.asInt(), dimension);
  return realArithmetic(expr, left.asReal(), right.asReal(), dimension);
}

std::optional<Value> Evaluator::wholeArithmetic(const ast::BinaryExpr &expr, std::int64_t left,
                                                std::int64_t right, Dimension dimension) {
  std::optional<std::int64_t> result;
  switch (expr.op) {
  case BinaryOperator::Add:
    result = checkedAdd(left, right);
    break;
  case BinaryOperator::Subtract:
    result = checkedSub(left, right);
    break;
  case BinaryOperator::Multiply:
    result = checkedMul(left, right);
    break;
  case BinaryOperator::Divide:
    result = checkedFloorDiv(left, right);
    break;
  case BinaryOperator::Modulo:
    result = checkedFloorMod(left, right);
    break;
  default:
    throw InternalError("no arithmetic operator");
  }
  if (result)
    return Value::ofInt(*result, dimension);
  return overflow(expr.range, fmt::format("{} {} {}", left, ast::spelling(expr.op).str(), right));
}

std::optional<Value> Evaluator::realArithmetic(const ast::BinaryExpr &expr, double left,
                                               double right, Dimension dimension) {
  double result = 0;
  switch (expr.op) {
  case BinaryOperator::Add:
    result = left + right;
    break;
  case BinaryOperator::Subtract:
    result = left - right;
    break;
  case BinaryOperator::Multiply:
    result = left * right;
    break;
  case BinaryOperator::Divide:
    result = left / right;
    break;
  case BinaryOperator::Modulo:
    result = left - right * std::floor(left / right);
    break;
  default:
    throw InternalError("no arithmetic operator");
  }
  if (std::isfinite(result))
    return Value::ofReal(result, dimension);
  report(DiagnosticCode::RealOverflow, expr.range,
         fmt::format("{} {} {}", left, ast::spelling(expr.op).str(), right));
  return std::nullopt;
}

namespace {

template <typename Number> bool compares(BinaryOperator op, Number left, Number right) {
  switch (op) {
  case BinaryOperator::Less:
    return left < right;
  case BinaryOperator::LessEqual:
    return left <= right;
  case BinaryOperator::Greater:
    return left > right;
  case BinaryOperator::GreaterEqual:
    return left >= right;
  default:
    throw InternalError("no comparison");
  }
}

/// Whether asking if two values are equal makes sense: comparing a string with a number is a
/// mistake, not false.
bool isComparable(const Value &left, const Value &right) {
  if (left.is(Kind::Enumerator) && right.is(Kind::Enumerator))
    return &left.enumeration() == &right.enumeration();
  return left.kind() == right.kind();
}

} // namespace

std::optional<Value> Evaluator::comparison(const ast::BinaryExpr &expr, const Value &left,
                                           const Value &right) {
  const bool areNumbers = left.isNumber() && right.isNumber();
  if (areNumbers && left.dimension() != right.dimension())
    return wrongDimensions(expr, left, right);
  if (expr.op == BinaryOperator::Equal || expr.op == BinaryOperator::NotEqual) {
    if (!areNumbers && !isComparable(left, right))
      return wrongOperands(expr, left, right);
    return Value::ofBool((left == right) == (expr.op == BinaryOperator::Equal));
  }
  if (!areNumbers)
    return wrongOperands(expr, left, right);
  if (left.is(Kind::Int) && right.is(Kind::Int))
    return Value::ofBool(compares(expr.op, left.asInt(), right.asInt()));
  return Value::ofBool(compares(expr.op, left.asReal(), right.asReal()));
}

} // namespace acadlc
