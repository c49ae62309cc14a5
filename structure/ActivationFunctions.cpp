#include "structure/ActivationFunctions.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace acadlc::workload {

namespace {

using Kind = ValueExpr::Kind;

//===--- Functions with a name ----------------------------------------------------------------===//

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::log1p(std::exp(x)); }

double gelu(double x) { return x * (0.5 + 0.5 * std::erf(x / std::sqrt(2.0))); }
double geluTanh(double x) {
  constexpr double cubic = 0.044715, twoByPi = 0.63661977236758134;
  return 0.5 * x * (1 + std::tanh(std::sqrt(twoByPi) * (x + cubic * x * x * x)));
}
double quickGelu(double x) {
  constexpr double slope = 1.702;
  return x * sigmoid(slope * x);
}
double silu(double x) { return x * sigmoid(x); }
double mish(double x) { return x * std::tanh(softplus(x)); }
double selu(double x) {
  constexpr double scale = 1.0507009873554805, alpha = 1.6732632423543772;
  return scale * (x > 0 ? x : alpha * std::expm1(x));
}
double elu(double x) { return x > 0 ? x : std::expm1(x); }
double softsign(double x) { return x / (1 + std::abs(x)); }
double hardSigmoid(double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; }
double hardSwish(double x) { return x * hardSigmoid(x); }

struct KnownFunction {
  std::string_view name;
  double (*evaluate)(double);
};

constexpr auto knownFunctions = std::to_array<KnownFunction>({
    {"gelu", gelu},
    {"gelu_tanh", geluTanh},
    {"quick_gelu", quickGelu},
    {"silu", silu},
    {"mish", mish},
    {"softplus", softplus},
    {"selu", selu},
    {"elu", elu},
    {"softsign", softsign},
    {"hard_sigmoid", hardSigmoid},
    {"hard_swish", hardSwish},
});

/// Where functions are compared: on both sides of all thresholds, where they differ.
constexpr std::array samples = {-4.5, -2.75, -1.5, -0.8, -0.3, 0.2, 0.6, 1.25, 2.5, 4.75};
/// Constants are printed in single or half precision.
constexpr double tolerance = 2e-4;

bool isNear(double value, double wanted) {
  return std::abs(value - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
}

//===--- What a text computes -----------------------------------------------------------------===//

/// Whether two values are written the same way.
bool sameValue(const ValueExpr &a, const ValueExpr &b) {
  if (&a == &b)
    return true;
  if (a.kind != b.kind || a.size != b.size || a.name != b.name || a.value != b.value ||
      a.number != b.number || a.operands.size() != b.operands.size() ||
      (a.index == nullptr) != (b.index == nullptr) || (a.index && !sameIndex(*a.index, *b.index)))
    return false;
  for (std::size_t i = 0; i < a.operands.size(); ++i)
    if (!sameValue(*a.operands[i], *b.operands[i]))
      return false;
  return true;
}

/// Evaluates a value as a function of one of its parts.
class Evaluator {
public:
  Evaluator(const ValueExpr &part, double x) : part_(part), x_(x) {}

  /// None if \p value needs more than the part.
  [[nodiscard]] std::optional<double> evaluate(const ValueExpr &value) const {
    if (sameValue(value, part_))
      return x_;
    switch (value.kind) {
    case Kind::Constant:
      return value.number;
    case Kind::Index:
      if (value.index->kind == IndexExpr::Kind::Constant)
        return static_cast<double>(value.index->value);
      return std::nullopt;
    case Kind::Cast:
      // To whole numbers it rounds.
      return value.elementType.kind == ElementType::Kind::Float ? evaluate(*value.operands[0])
                                                                : std::nullopt;
    case Kind::Unary:
      return value.operands.size() == 1 ? unary(value) : std::nullopt;
    case Kind::Binary:
    case Kind::Compare:
      return value.operands.size() == 2 ? binary(value) : std::nullopt;
    case Kind::Select: {
      const auto condition = evaluate(*value.operands[0]);
      if (!condition)
        return std::nullopt;
      return evaluate(*value.operands[*condition != 0 ? 1 : 2]);
    }
    case Kind::Load:
    case Kind::Opaque:
      break;
    }
    return std::nullopt;
  }

private:
  [[nodiscard]] std::optional<double> unary(const ValueExpr &value) const {
    const auto x = evaluate(*value.operands[0]);
    if (!x)
      return std::nullopt;
    using Function = double (*)(double);
    constexpr std::pair<std::string_view, Function> functions[] = {
        {"exp", [](double v) { return std::exp(v); }},
        {"log", [](double v) { return std::log(v); }},
        {"log1p", [](double v) { return std::log1p(v); }},
        {"tanh", [](double v) { return std::tanh(v); }},
        {"erf", [](double v) { return std::erf(v); }},
        {"sigmoid", sigmoid},
        {"neg", [](double v) { return -v; }},
        {"fabs", [](double v) { return std::abs(v); }},
        {"abs", [](double v) { return std::abs(v); }},
        {"sqrt", [](double v) { return std::sqrt(v); }},
    };
    for (const auto &[name, function] : functions)
      if (name == value.name)
        return function(*x);
    return std::nullopt;
  }

  [[nodiscard]] std::optional<double> binary(const ValueExpr &value) const {
    const auto left = evaluate(*value.operands[0]);
    const auto right = left ? evaluate(*value.operands[1]) : std::nullopt;
    if (!right)
      return std::nullopt;
    using Function = double (*)(double, double);
    constexpr std::pair<std::string_view, Function> functions[] = {
        {"+", [](double a, double b) { return a + b; }},
        {"-", [](double a, double b) { return a - b; }},
        {"*", [](double a, double b) { return a * b; }},
        {"/", [](double a, double b) { return a / b; }},
        {"max", [](double a, double b) { return std::max(a, b); }},
        {"min", [](double a, double b) { return std::min(a, b); }},
        {"pow", [](double a, double b) { return std::pow(a, b); }},
        {"<", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
        {"<=", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
        {">", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
        {">=", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
        {"and", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
        {"or", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
    };
    for (const auto &[name, function] : functions)
      if (name == value.name)
        return function(*left, *right);
    return std::nullopt;
  }

  const ValueExpr &part_;
  double x_;
};

bool hasLoads(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) { found = found || node.kind == Kind::Load; });
  return found;
}

/// The parts of \p value that depend on data, each once, the outer ones first.
void collectParts(const ValueExprPtr &value, std::vector<ValueExprPtr> &parts) {
  constexpr std::size_t most = 24; // no function with a name is written with more
  for (const ValueExprPtr &operand : value->operands) {
    const bool isNew = parts.size() < most && hasLoads(*operand) &&
                       std::none_of(
                           parts.begin(), parts.end(),
                           [&](const ValueExprPtr &other) { return sameValue(*other, *operand); });
    if (isNew)
      parts.push_back(operand);
  }
  for (const ValueExprPtr &operand : value->operands)
    if (parts.size() < most && hasLoads(*operand))
      collectParts(operand, parts);
}

/// The values of \p value at all samples of \p part; none if it needs more than that.
std::optional<std::array<double, samples.size()>> valuesOf(const ValueExpr &value,
                                                           const ValueExpr &part) {
  std::array<double, samples.size()> values{};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto at = Evaluator(part, samples.at(i)).evaluate(value);
    if (!at)
      return std::nullopt;
    values.at(i) = *at;
  }
  return values;
}

/// Whether \p value could be one of the functions: it holds one that is no arithmetic, or a choice.
bool mayBeKnown(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    found = found || node.kind == Kind::Unary || node.kind == Kind::Select ||
            (node.kind == Kind::Binary && (node.name == "min" || node.name == "max"));
  });
  return found;
}

} // namespace

std::optional<NamedFunction> namedFunction(const ValueExprPtr &value) {
  constexpr std::uint32_t largest = 512; // what compares parts looks at every node more than once
  if (value->size > largest || !mayBeKnown(*value))
    return std::nullopt;
  std::vector<ValueExprPtr> parts;
  collectParts(value, parts);
  for (const ValueExprPtr &part : parts) {
    const auto values = valuesOf(*value, *part);
    if (!values)
      continue;
    for (const KnownFunction &known : knownFunctions) {
      bool isSame = true;
      for (std::size_t i = 0; i < samples.size(); ++i)
        isSame = isSame && isNear(values->at(i), known.evaluate(samples.at(i)));
      if (isSame)
        return NamedFunction{known.name, part};
    }
  }
  return std::nullopt;
}

} // namespace acadlc::workload
