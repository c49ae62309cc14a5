#include "backend/mapping/SymbolicValues.h"

#include "support/InternalError.h"

namespace acadlc::mapping {
namespace {

struct LinearPayload final : SymbolicPayload {
  explicit LinearPayload(Linear n) : number(std::move(n)) {}
  Linear number;
};

/// Whether every number of the interval compares alike with 0.
std::optional<bool> decide(Interval range, ast::BinaryOperator op) {
  const auto pick = [](bool yes, bool no) -> std::optional<bool> {
    if (yes)
      return true;
    return no ? std::optional(false) : std::nullopt;
  };
  const bool isZero = range.low == 0 && range.high == 0;
  const bool isNonZero = range.low > 0 || range.high < 0;
  switch (op) {
  case ast::BinaryOperator::Less:
    return pick(range.high < 0, range.low >= 0);
  case ast::BinaryOperator::LessEqual:
    return pick(range.high <= 0, range.low > 0);
  case ast::BinaryOperator::Greater:
    return pick(range.low > 0, range.high <= 0);
  case ast::BinaryOperator::GreaterEqual:
    return pick(range.low >= 0, range.high < 0);
  case ast::BinaryOperator::Equal:
    return pick(isZero, isNonZero);
  case ast::BinaryOperator::NotEqual:
    return pick(isNonZero, isZero);
  default:
    ACADLC_CHECK(false, "no comparison");
    return std::nullopt;
  }
}

bool isComparison(ast::BinaryOperator op) {
  return op >= ast::BinaryOperator::Less && op <= ast::BinaryOperator::NotEqual;
}

} // namespace

std::optional<Linear> SymbolicValues::toLinear(const Value &value) {
  if (value.isPlainInt())
    return SymbolicSpace::constant(value.asInt());
  if (value.is(Value::Kind::Symbolic) && value.dimension().isNone())
    return static_cast<const LinearPayload &>(value.symbolic()).number;
  return std::nullopt;
}

Value SymbolicValues::toValue(Linear number) {
  if (number.isConstant())
    return Value::ofInt(number.constant);
  return Value::ofSymbolic(std::make_shared<LinearPayload>(std::move(number)));
}

std::optional<Linear> SymbolicValues::checked(std::optional<Linear> number, SourceRange at) {
  if (!number)
    diagnostics_->report(DiagnosticCode::MappingNumberTooLarge, at);
  return number;
}

std::optional<std::int64_t> SymbolicValues::requirePoint(const Linear &number, SourceRange at) {
  if (number.isConstant())
    return number.constant;
  need_ = Need{Need::Kind::Point, number, {}, space_.innermostLoop(number), at};
  return std::nullopt;
}

std::optional<bool> SymbolicValues::compare(const Linear &number, ast::BinaryOperator op,
                                            SourceRange at) {
  if (const auto decided = decide(space_.interval(number), op))
    return decided;
  need_ = Need{Need::Kind::Comparison, number, op, space_.innermostLoop(number), at};
  return std::nullopt;
}

bool SymbolicValues::isFulfilled(const Need &need) const {
  const Interval range = space_.interval(need.number);
  return need.kind == Need::Kind::Point ? range.isPoint()
                                        : decide(range, need.comparison).has_value();
}

std::optional<Value> SymbolicValues::requireKnown(const Value &value, const ast::Expr &at) {
  const auto number = toLinear(value);
  ACADLC_CHECK(number.has_value(), "a symbolic value of somebody else");
  const auto point = requirePoint(*number, at.range);
  return point ? std::optional(Value::ofInt(*point)) : std::nullopt;
}

std::optional<Value> SymbolicValues::requireKnownAmong(llvm::ArrayRef<Value> values,
                                                       const ast::Expr &at) {
  for (const Value &value : values) {
    if (value.is(Value::Kind::Symbolic))
      return requireKnown(value, at);
    if (value.is(Value::Kind::List))
      if (auto result = requireKnownAmong(value.elements(), at); result || need_)
        return result;
  }
  return std::nullopt;
}

std::optional<Value> SymbolicValues::binary(ast::BinaryOperator op, const Value &left,
                                            const Value &right, const ast::Expr &at) {
  const auto a = toLinear(left), b = toLinear(right);
  // With anything but whole numbers the symbolic side must be known; then the evaluator goes on.
  if (!a || !b)
    return requireKnownAmong({left, right}, at);
  if (isComparison(op)) {
    const auto difference = checked(space_.subtract(*a, *b), at.range);
    const auto result = difference ? compare(*difference, op, at.range) : std::nullopt;
    return result ? std::optional(Value::ofBool(*result)) : std::nullopt;
  }
  auto result = arithmetic(op, *a, *b, at.range);
  return result ? std::optional(toValue(std::move(*result))) : std::nullopt;
}

std::optional<Linear> SymbolicValues::arithmetic(ast::BinaryOperator op, const Linear &left,
                                                 const Linear &right, SourceRange at) {
  switch (op) {
  case ast::BinaryOperator::Add:
    return checked(space_.add(left, right), at);
  case ast::BinaryOperator::Subtract:
    return checked(space_.subtract(left, right), at);
  case ast::BinaryOperator::Multiply:
    return checked(space_.multiply(left, right), at);
  case ast::BinaryOperator::Divide:
  case ast::BinaryOperator::Modulo: {
    const auto isNonZero = compare(right, ast::BinaryOperator::NotEqual, at);
    if (!isNonZero)
      return std::nullopt;
    if (!*isNonZero) {
      diagnostics_->report(DiagnosticCode::DivisionByZero, at);
      return std::nullopt;
    }
    return checked(op == ast::BinaryOperator::Divide ? space_.floorDivide(left, right)
                                                     : space_.floorModulo(left, right),
                   at);
  }
  default:
    ACADLC_CHECK(false, "no arithmetic operator");
    return std::nullopt;
  }
}

std::optional<Value> SymbolicValues::negate(const Value &operand, const ast::Expr &at) {
  const auto number = toLinear(operand);
  if (!number)
    return requireKnown(operand, at);
  auto result = checked(space_.scale(*number, -1), at.range);
  return result ? std::optional(toValue(std::move(*result))) : std::nullopt;
}

std::optional<Value> SymbolicValues::builtin(llvm::StringRef name, llvm::ArrayRef<Value> arguments,
                                             const ast::Expr &at) {
  llvm::SmallVector<Linear, 4> numbers;
  for (const Value &argument : arguments) {
    auto number = toLinear(argument);
    if (!number)
      return requireKnownAmong(arguments, at);
    numbers.push_back(std::move(*number));
  }
  std::optional<Linear> result;
  if (name == "min" || name == "max") {
    result = numbers.front();
    for (std::size_t i = 1; i < numbers.size() && result; ++i)
      result = checked(name == "min" ? space_.minimum(*result, numbers[i])
                                     : space_.maximum(*result, numbers[i]),
                       at.range);
  } else if (name == "abs") {
    const auto negative = checked(space_.scale(numbers.front(), -1), at.range);
    result =
        negative ? checked(space_.maximum(numbers.front(), *negative), at.range) : std::nullopt;
  } else if (name == "ceil_div" && numbers.size() == 2) {
    const auto negative = checked(space_.scale(numbers[0], -1), at.range);
    const auto quotient =
        negative ? arithmetic(ast::BinaryOperator::Divide, *negative, numbers[1], at.range)
                 : std::nullopt;
    result = quotient ? checked(space_.scale(*quotient, -1), at.range) : std::nullopt;
  } else if (name == "int" || name == "ceil" || name == "floor" || name == "round") {
    result = numbers.front();
  } else {
    return requireKnownAmong(arguments, at);
  }
  return result ? std::optional(toValue(std::move(*result))) : std::nullopt;
}

} // namespace acadlc::mapping
