#include "structure/Steps.h"

#include "ir/WorkloadExpr.h"
#include "structure/ActivationFunctions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace acadlc::workload {

namespace {

using Kind = ValueExpr::Kind;
using Step = ChainStep::Kind;

constexpr double infinity = std::numeric_limits<double>::infinity();

bool sameValue(const ValueExpr &a, const ValueExpr &b) {
  if (&a == &b)
    return a.kind != Kind::Opaque;
  if (a.kind != b.kind || a.name != b.name || a.value != b.value || a.number != b.number ||
      a.elementType != b.elementType || a.operands.size() != b.operands.size() ||
      a.kind == Kind::Opaque || (a.index == nullptr) != (b.index == nullptr) ||
      (a.index && !sameIndex(*a.index, *b.index)))
    return false;
  for (std::size_t i = 0; i < a.operands.size(); ++i)
    if (!sameValue(*a.operands[i], *b.operands[i]))
      return false;
  return true;
}

bool hasLoads(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    found = found || node.kind == Kind::Load || node.kind == Kind::Opaque;
  });
  return found;
}

/// The number that \p value is whatever the data; none if it is not the same everywhere.
std::optional<double> numberOf(const ValueExpr &value) {
  const ValueExpr &inner = stripCasts(value);
  if (inner.kind == Kind::Constant)
    return inner.number;
  if (inner.kind == Kind::Index && inner.index->kind == IndexExpr::Kind::Constant)
    return static_cast<double>(inner.index->value);
  return std::nullopt;
}

bool isNumber(const ValueExpr &value, double wanted) {
  constexpr double tolerance = 1e-5; // of a constant printed in single or half precision
  const auto number = numberOf(value);
  return number && std::abs(*number - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
}

bool isBinary(const ValueExpr &value, std::string_view name) {
  return value.kind == Kind::Binary && value.name == name && value.operands.size() == 2;
}

bool isFunction(const ValueExpr &value, std::string_view name) {
  return value.kind == Kind::Unary && value.name == name && value.operands.size() == 1;
}

/// The other operand of a commutative \p name whose one operand is the number \p number.
ValueExprPtr besides(const ValueExpr &value, std::string_view name, double number) {
  if (!isBinary(value, name))
    return nullptr;
  for (const std::size_t i : {0, 1})
    if (isNumber(*value.operands[i], number))
      return value.operands[1 - i];
  return nullptr;
}

/// \p value divided by \p number, written as a quotient or a product.
ValueExprPtr dividedBy(const ValueExpr &value, double number) {
  if (isBinary(value, "/") && isNumber(*value.operands[1], number))
    return value.operands[0];
  return besides(value, "*", 1 / number);
}

/// A bound that one `max` or `min` with a number sets.
struct OneBound {
  ValueExprPtr inner;
  bool isLow = false;
  double bound = 0;
};

std::optional<OneBound> boundOf(const ValueExpr &value) {
  const bool isLow = isBinary(value, "max");
  if (!isLow && !isBinary(value, "min"))
    return std::nullopt;
  for (const std::size_t i : {1, 0})
    if (const auto number = numberOf(*value.operands[i]))
      return OneBound{value.operands[1 - i], isLow, *number};
  return std::nullopt;
}

/// The recognised outermost step of an expression, and what it is done on.
struct Peeled {
  ChainStep step;
  ValueExprPtr inner;
};

Peeled functionStep(std::string name, ValueExprPtr inner) {
  ChainStep step;
  step.kind = Step::Function;
  step.name = std::move(name);
  return {std::move(step), std::move(inner)};
}

Peeled clipStep(double low, double high, ValueExprPtr inner) {
  ChainStep step;
  step.kind = Step::Clip;
  step.low = low;
  step.high = high;
  return {std::move(step), std::move(inner)};
}

std::optional<Peeled> peelClip(const ValueExpr &value) {
  const auto outer = boundOf(value);
  if (!outer)
    return std::nullopt;
  double low = outer->isLow ? outer->bound : -infinity;
  double high = outer->isLow ? infinity : outer->bound;
  ValueExprPtr inner = outer->inner;
  if (const auto other = boundOf(*inner); other && other->isLow != outer->isLow) {
    (other->isLow ? low : high) = other->bound;
    inner = other->inner;
  }
  if (!(low <= high)) // also not a number
    return std::nullopt;
  return clipStep(low, high, std::move(inner));
}

/// clip(x + 3, 0, 6) / 6
ValueExprPtr insideHardSigmoid(const ValueExpr &value) {
  const ValueExprPtr clipped = dividedBy(value, 6);
  const auto clip = clipped ? peelClip(*clipped) : std::nullopt;
  return clip && clip->step.low == 0 && clip->step.high == 6 ? besides(*clip->inner, "+", 3)
                                                             : nullptr;
}

/// (1 + erf(x / √2)) / 2
ValueExprPtr insideNormalDistribution(const ValueExpr &value) {
  ValueExprPtr error;
  if (const ValueExprPtr half = besides(value, "+", 0.5))
    error = dividedBy(*half, 2);
  else if (const ValueExprPtr sum = dividedBy(value, 2))
    error = besides(*sum, "+", 1);
  return error && isFunction(*error, "erf") ? dividedBy(*error->operands[0], std::sqrt(2.0))
                                            : nullptr;
}

/// x · f(x) for the functions that have a name.
std::optional<Peeled> peelGated(const ValueExpr &value) {
  if (!isBinary(value, "*"))
    return std::nullopt;
  for (const std::size_t i : {0, 1}) {
    const ValueExprPtr &x = value.operands[i];
    const ValueExpr &gate = *value.operands[1 - i];
    if (isFunction(gate, "sigmoid") && sameValue(*x, *gate.operands[0]))
      return functionStep("silu", x);
    if (const ValueExprPtr inner = insideHardSigmoid(gate); inner && sameValue(*x, *inner))
      return functionStep("hard_swish", x);
    if (const ValueExprPtr inner = insideNormalDistribution(gate); inner && sameValue(*x, *inner))
      return functionStep("gelu", x);
  }
  return std::nullopt;
}

/// The slope, if \p value is \p x times a number.
std::optional<double> slopeOf(const ValueExpr &value, const ValueExpr &x) {
  if (isBinary(value, "*"))
    for (const std::size_t i : {0, 1})
      if (sameValue(*value.operands[i], x))
        return numberOf(*value.operands[1 - i]);
  return std::nullopt;
}

/// `x if x > 0 else y`
std::optional<Peeled> peelRectified(const ValueExpr &value) {
  if (value.kind != Kind::Select || value.operands[0]->kind != Kind::Compare ||
      value.operands[0]->operands.size() != 2)
    return std::nullopt;
  const ValueExpr &condition = *value.operands[0];
  const ValueExprPtr &x = value.operands[1];
  const bool isAbove = condition.name == ">" || condition.name == ">=";
  const bool isBelow = condition.name == "<" || condition.name == "<=";
  const std::size_t at = isAbove ? 0 : 1;
  if ((!isAbove && !isBelow) || !sameValue(*condition.operands[at], *x) ||
      numberOf(*condition.operands[1 - at]) != 0.0)
    return std::nullopt;
  if (numberOf(*value.operands[2]) == 0.0)
    return clipStep(0, infinity, x);
  const auto slope = slopeOf(*value.operands[2], *x);
  if (!slope)
    return std::nullopt;
  Peeled peeled{{}, x};
  peeled.step.kind = Step::LeakyRelu;
  peeled.step.low = *slope;
  return peeled;
}

/// The operand that \p value reads first, if it is one, or sums and shifts of such and of numbers:
/// what a requantisation by channels rounds with. Other functions are no step but several.
const StepOperand *firstOperand(const ValueExpr &value, const std::vector<StepOperand> &operands) {
  const StepOperand *first = nullptr;
  bool hasOthers = false;
  forEachNode(value, [&](const ValueExpr &node) {
    const bool isOperand = node.kind == Kind::Load && node.value > 0;
    const bool isShifted = node.kind == Kind::Binary &&
                           (node.name == "+" || node.name == "-" || node.name.starts_with("shift"));
    const bool isNumber =
        node.kind == Kind::Constant || node.kind == Kind::Index || node.kind == Kind::Cast;
    hasOthers = hasOthers || !(isOperand || isShifted || isNumber);
    if (isOperand && first == nullptr)
      first = &operands[node.value - 1];
  });
  return hasOthers ? nullptr : first;
}

/// An operator with an operand's tensor, with what is computed of such, or with a number.
std::optional<Peeled> peelOperator(const ValueExpr &value,
                                   const std::vector<StepOperand> &operands) {
  constexpr std::array<std::string_view, 6> names = {"+", "-",          "*",
                                                     "/", "shift_left", "shift_right"};
  if (value.kind != Kind::Binary || value.operands.size() != 2 ||
      std::find(names.begin(), names.end(), value.name) == names.end())
    return std::nullopt;
  const bool commutes = value.name == "+" || value.name == "*";
  for (const std::size_t i : {1, 0}) {
    const ValueExpr &operand = *value.operands[i];
    Peeled peeled{{}, value.operands[1 - i]};
    peeled.step.name = value.name;
    if (!hasLoads(operand)) {
      if (i == 0 && !commutes)
        continue; // c − x, c / x
      peeled.step.kind = Step::Constant;
      peeled.step.isUniform = numberOf(operand).has_value();
      peeled.step.number = numberOf(operand);
      return peeled;
    }
    const StepOperand *read = firstOperand(operand, operands);
    if (read == nullptr || (i == 0 && !commutes))
      continue;
    const bool isTensor = operand.kind == Kind::Load && !value.name.starts_with("shift");
    peeled.step.kind = isTensor ? Step::Operand : Step::Computed;
    peeled.step.operand = read->tensor;
    peeled.step.operandCall = read->call;
    peeled.step.operandDimensions = read->dimensions;
    return peeled;
  }
  return std::nullopt;
}

std::optional<Peeled> peelUnary(const ValueExpr &value) {
  if (value.kind == Kind::Cast) {
    Peeled peeled{{}, value.operands[0]};
    peeled.step.kind = Step::Cast;
    peeled.step.elementType = value.elementType;
    return peeled;
  }
  if (value.kind != Kind::Unary || value.operands.size() != 1)
    return std::nullopt;
  if (value.name == "sigmoid" || value.name == "tanh")
    return functionStep(value.name, value.operands[0]);
  constexpr std::array<std::string_view, 6> rounding = {"round", "nearbyint", "rint",
                                                        "floor", "ceil",      "trunc"};
  if (std::find(rounding.begin(), rounding.end(), value.name) == rounding.end())
    return std::nullopt;
  Peeled peeled{{}, value.operands[0]};
  peeled.step.kind = Step::Round;
  peeled.step.name = value.name;
  return peeled;
}

std::optional<Peeled> peel(const ValueExprPtr &shared, const std::vector<StepOperand> &operands) {
  const ValueExpr &value = *shared;
  if (ValueExprPtr inner = insideHardSigmoid(value))
    return functionStep("hard_sigmoid", std::move(inner));
  if (auto peeled = peelClip(value))
    return peeled;
  if (auto peeled = peelRectified(value))
    return peeled;
  if (auto peeled = peelGated(value))
    return peeled;
  if (auto found = namedFunction(shared))
    return functionStep(std::string(found->name), std::move(found->inner));
  if (auto peeled = peelUnary(value))
    return peeled;
  return peelOperator(value, operands);
}

} // namespace

std::optional<std::vector<ChainStep>> stepsOf(const ValueExprPtr &value,
                                              const std::vector<StepOperand> &operands) {
  std::vector<ChainStep> steps;
  ValueExprPtr rest = value;
  while (rest->kind != Kind::Load || rest->value != 0) {
    auto peeled = peel(rest, operands);
    if (!peeled)
      return std::nullopt;
    steps.push_back(std::move(peeled->step));
    rest = std::move(peeled->inner);
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

} // namespace acadlc::workload
