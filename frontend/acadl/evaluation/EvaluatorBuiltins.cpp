#include "frontend/acadl/evaluation/Evaluator.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/MathExtras.h>

#include <cmath>

namespace acadlc {

using builtins::FunctionRule;
using Kind = Value::Kind;

/// A call of a built-in function with its arguments evaluated.
struct Evaluator::BuiltinCall {
  const builtins::Function &function;
  const ast::CallExpr &expr;
  llvm::ArrayRef<Value> arguments;

  [[nodiscard]] SourceRange argumentRange(std::size_t index) const {
    return expr.arguments[index].value->range;
  }
};

std::nullopt_t Evaluator::wrongArgument(const BuiltinCall &call, std::size_t index,
                                        llvm::StringRef expected) {
  report(DiagnosticCode::WrongType, call.argumentRange(index),
         fmt::format("argument {} of '{}'", index + 1, call.function.name.str()), expected,
         call.arguments[index].typeName());
  return std::nullopt;
}

std::optional<Value> Evaluator::callBuiltin(const builtins::Function &function,
                                            const ast::CallExpr &expr, const Scope &scope) {
  const std::size_t count = expr.arguments.size();
  if (count < function.minArguments || count > function.maxArguments) {
    const std::string expected = fmt::format(
        "{}{} argument{}", function.minArguments == function.maxArguments ? "" : "at least ",
        function.minArguments, function.minArguments == 1 ? "" : "s");
    report(DiagnosticCode::ArgumentCount, expr.range,
           fmt::format("function '{}'", function.name.str()), expected, count);
    return std::nullopt;
  }
  if (function.rule == FunctionRule::Value)
    return builtinValue(expr, scope);
  if (function.rule == FunctionRule::Present)
    return builtinPresent(expr);
  std::vector<Value> arguments;
  for (const ast::Argument &argument : expr.arguments) {
    std::optional<Value> value = evaluate(*argument.value, scope);
    if (!value)
      return std::nullopt;
    arguments.push_back(std::move(*value));
  }
  const auto isSymbolic = [](const Value &value) { return value.is(Kind::Symbolic); };
  if (llvm::any_of(arguments, isSymbolic)) {
    ACADLC_CHECK(symbolic_, "a symbolic value without its arithmetic");
    return symbolic_->builtin(function.name, arguments, expr);
  }
  return applyBuiltin({function, expr, arguments});
}

std::optional<Value> Evaluator::applyBuiltin(const BuiltinCall &call) {
  const Value &first = call.arguments.front();
  switch (call.function.rule) {
  case FunctionRule::SameKind:
    return builtinExtremum(call);
  case FunctionRule::Magnitude:
    return builtinMagnitude(call);
  case FunctionRule::CeilDivide:
    return builtinCeilDivide(call);
  case FunctionRule::Round:
    return builtinRound(call);
  case FunctionRule::WholeToInt:
  case FunctionRule::WholeToBool:
    return builtinWhole(call);
  case FunctionRule::SquareRoot:
    if (!first.isNumber() || !first.dimension().isNone())
      return wrongArgument(call, 0, "a number without a unit");
    if (first.asReal() >= 0)
      return Value::ofReal(std::sqrt(first.asReal()));
    report(DiagnosticCode::FunctionDomain, call.argumentRange(0), "sqrt", first.text(),
           "not negative");
    return std::nullopt;
  case FunctionRule::Length:
    if (first.is(Kind::List) || first.is(Kind::Array))
      return Value::ofInt(static_cast<std::int64_t>(first.elements().size()));
    if (first.is(Kind::Table))
      return Value::ofInt(static_cast<std::int64_t>(first.entries().size()));
    return wrongArgument(call, 0, "a list or a table");
  case FunctionRule::Sum:
    return builtinSum(call);
  case FunctionRule::ToInt:
    return builtinToInt(call);
  case FunctionRule::ToReal:
    if (!first.isNumber())
      return wrongArgument(call, 0, "a number");
    return Value::ofReal(first.asReal(), first.dimension());
  case FunctionRule::Contains:
    if (!first.is(Kind::List) && !first.is(Kind::Array))
      return wrongArgument(call, 0, "a list");
    return Value::ofBool(llvm::is_contained(first.elements(), call.arguments[1]));
  case FunctionRule::Value:
  case FunctionRule::Present:
    break; // not of evaluated arguments
  }
  throw InternalError("unknown rule of a built-in function");
}

std::optional<Value> Evaluator::builtinExtremum(const BuiltinCall &call) {
  const bool wantsLess = call.function.name == "min";
  const Value *best = nullptr;
  bool isWhole = true;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const Value &argument = call.arguments[i];
    if (!argument.isNumber())
      return wrongArgument(call, i, "a number");
    if (best && argument.dimension() != best->dimension())
      return wrongArgument(call, i, best->typeName());
    isWhole &= argument.is(Kind::Int);
    const auto isLess = [](const Value &a, const Value &b) {
      return a.is(Kind::Int) && b.is(Kind::Int) ? a.asInt() < b.asInt() : a.asReal() < b.asReal();
    };
    if (!best || (wantsLess ? isLess(argument, *best) : isLess(*best, argument)))
      best = &argument;
  }
  return isWhole ? *best : Value::ofReal(best->asReal(), best->dimension());
}

std::optional<Value> Evaluator::builtinMagnitude(const BuiltinCall &call) {
  const Value &value = call.arguments.front();
  if (!value.isNumber())
    return wrongArgument(call, 0, "a number");
  if (value.is(Kind::Real))
    return Value::ofReal(std::abs(value.asReal()), value.dimension());
  if (value.asInt() >= 0)
    return value;
  if (const auto result = checkedSub(0, value.asInt()))
    return Value::ofInt(*result, value.dimension());
  return overflow(call.expr.range, call.function.name.str());
}

std::optional<Value> Evaluator::builtinCeilDivide(const BuiltinCall &call) {
  for (std::size_t i = 0; i < 2; ++i)
    if (!call.arguments[i].is(Kind::Int))
      return wrongArgument(call, i, "a whole number");
  const Value &left = call.arguments[0];
  const Value &right = call.arguments[1];
  if (right.asInt() == 0) {
    report(DiagnosticCode::DivisionByZero, call.argumentRange(1));
    return std::nullopt;
  }
  if (const auto result = checkedCeilDiv(left.asInt(), right.asInt()))
    return Value::ofInt(*result, left.dimension() / right.dimension());
  return overflow(call.expr.range, call.function.name.str());
}

std::optional<Value> Evaluator::builtinRound(const BuiltinCall &call) {
  const Value &value = call.arguments.front();
  if (!value.isNumber())
    return wrongArgument(call, 0, "a number");
  if (value.is(Kind::Int))
    return value;
  const double real = value.asReal();
  const double result = call.function.name == "ceil"    ? std::ceil(real)
                        : call.function.name == "floor" ? std::floor(real)
                                                        : std::round(real);
  if (!(std::abs(result) < 0x1p63))
    return overflow(call.expr.range, fmt::format("{}({})", call.function.name.str(), real));
  return Value::ofInt(static_cast<std::int64_t>(result), value.dimension());
}

std::optional<Value> Evaluator::builtinWhole(const BuiltinCall &call) {
  const Value &value = call.arguments.front();
  if (!value.isPlainInt())
    return wrongArgument(call, 0, "int");
  const std::int64_t n = value.asInt();
  const bool isPower = n > 0 && llvm::isPowerOf2_64(static_cast<std::uint64_t>(n));
  if (call.function.rule == FunctionRule::WholeToBool)
    return Value::ofBool(isPower);
  const bool wantsPower = call.function.name == "log2";
  if (n <= 0 || (wantsPower && !isPower)) {
    report(DiagnosticCode::FunctionDomain, call.argumentRange(0), call.function.name, value.text(),
           wantsPower ? "a power of two" : "positive");
    return std::nullopt;
  }
  return Value::ofInt(llvm::Log2_64_Ceil(static_cast<std::uint64_t>(n)));
}

std::optional<Value> Evaluator::builtinSum(const BuiltinCall &call) {
  const Value &list = call.arguments.front();
  if (!list.is(Kind::List))
    return wrongArgument(call, 0, "a list of numbers");
  Value total;
  bool isFirst = true;
  for (const Value &element : list.elements()) {
    if (!element.isNumber() || (!isFirst && element.dimension() != total.dimension())) {
      report(DiagnosticCode::WrongType, call.argumentRange(0), "an element of 'sum'",
             isFirst ? "a number" : total.typeName(), element.typeName());
      return std::nullopt;
    }
    if (isFirst) {
      total = element;
    } else if (total.is(Kind::Int) && element.is(Kind::Int)) {
      const auto next = checkedAdd(total.asInt(), element.asInt());
      if (!next)
        return overflow(call.expr.range, "the sum");
      total = Value::ofInt(*next, total.dimension());
    } else {
      total = Value::ofReal(total.asReal() + element.asReal(), total.dimension());
    }
    isFirst = false;
  }
  return total;
}

std::optional<Value> Evaluator::builtinToInt(const BuiltinCall &call) {
  const Value &value = call.arguments.front();
  if (value.is(Kind::Bool))
    return Value::ofInt(value.asBool() ? 1 : 0);
  if (!value.isNumber() || !value.dimension().isNone())
    return wrongArgument(call, 0, "a number without a unit or a bool");
  if (value.is(Kind::Int))
    return value;
  const double result = std::trunc(value.asReal());
  if (!(std::abs(result) < 0x1p63))
    return overflow(call.expr.range, fmt::format("int({})", value.asReal()));
  return Value::ofInt(static_cast<std::int64_t>(result));
}

std::optional<Value> Evaluator::builtinValue(const ast::CallExpr &expr, const Scope &scope) {
  const auto *unitName = ast::dynCast<ast::NameExpr>(expr.arguments[1].value);
  const builtins::Unit *unit = unitName ? builtins::findUnit(unitName->name) : nullptr;
  if (!unit) {
    report(DiagnosticCode::WrongType, expr.arguments[1].value->range, "argument 2 of 'value'",
           "a unit such as 'bytes'", unitName ? "'" + unitName->name.str() + "'" : "an expression");
    return std::nullopt;
  }
  const std::optional<Value> quantity = evaluate(*expr.arguments[0].value, scope);
  if (!quantity)
    return std::nullopt;
  if (quantity->is(Kind::Symbolic)) {
    ACADLC_CHECK(symbolic_, "a symbolic value without its arithmetic");
    const Value arguments[] = {*quantity, Value::ofInt(unit->wholeFactor, unit->dimension)};
    return symbolic_->builtin("value", arguments, expr);
  }
  if (!quantity->isNumber() || quantity->dimension() != unit->dimension) {
    report(DiagnosticCode::WrongType, expr.arguments[0].value->range, "argument 1 of 'value'",
           unit->dimension.name(), quantity->typeName());
    return std::nullopt;
  }
  // 12 bits are 1.5 bytes: whole only if it comes out even.
  if (quantity->is(Kind::Int) && unit->isWhole() && quantity->asInt() % unit->wholeFactor == 0)
    return Value::ofInt(quantity->asInt() / unit->wholeFactor);
  if (quantity->is(Kind::Int) && unit->isWhole()) {
    report(DiagnosticCode::FunctionDomain, expr.arguments[0].value->range, "value",
           quantity->text(), "a whole number of " + unit->name.str())
        .note({}, "round it first, or use real(…)");
    return std::nullopt;
  }
  return Value::ofReal(quantity->asReal() / unit->factor);
}

std::optional<Value> Evaluator::builtinPresent(const ast::CallExpr &expr) {
  const auto *name = ast::dynCast<ast::NameExpr>(expr.arguments[0].value);
  const std::optional<bool> present =
      name && symbolic_ ? symbolic_->present(name->name) : std::nullopt;
  if (present)
    return Value::ofBool(*present);
  report(DiagnosticCode::WrongType, expr.arguments[0].value->range, "argument 1 of 'present'",
         "the name of an optional step of the mapping",
         name ? "'" + name->name.str() + "'" : "an expression");
  return std::nullopt;
}

} // namespace acadlc
