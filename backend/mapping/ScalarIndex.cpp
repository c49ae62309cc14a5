#include "backend/mapping/ScalarIndex.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace acadlc::mapping {

using workload::ElementType;
using workload::IndexExpr;
using workload::ValueExpr;
using Text = ScalarIndexWriter::Text;

namespace {

bool isFloat(ElementType type) {
  return type.kind == ElementType::Kind::Float || type.kind == ElementType::Kind::BFloat;
}

/// How the language writes an operator on numbers; empty if it is a function or not there.
std::string_view languageOperator(const std::string &network) {
  for (const std::string_view same :
       {"+", "-", "*", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"})
    if (network == same)
      return same;
  return network == "//" ? "/" : "";
}

} // namespace

Text ScalarIndexWriter::affine(const workload::AffineIndex &index) const {
  Text result;
  std::string &text = result.text;
  const auto add = [&](std::int64_t factor, const std::string &name) {
    const bool isNegative = factor < 0;
    // The magnitude of the smallest number is none of 64 bits.
    const std::uint64_t magnitude =
        isNegative ? 0 - static_cast<std::uint64_t>(factor) : static_cast<std::uint64_t>(factor);
    text += text.empty() ? (isNegative ? "-" : "") : (isNegative ? " - " : " + ");
    if (name.empty())
      text += fmt::format("{}", magnitude);
    else
      text += magnitude == 1 ? name : fmt::format("{} * {}", magnitude, name);
  };
  for (std::size_t i = 0; i < index.coefficients.size(); ++i)
    if (index.coefficients[i] != 0 && !loops_[i].name.empty()) {
      add(index.coefficients[i], loops_[i].name);
      result.depth = std::max(result.depth, loops_[i].depth);
    }
  if (index.constant != 0 || text.empty())
    add(index.constant, "");
  return result;
}

std::optional<Text> ScalarIndexWriter::write(const IndexExpr &index) const {
  if (const auto form = affineForm(index, axes_))
    return affine(*form);
  if (index.kind == IndexExpr::Kind::Opaque || index.left == nullptr || index.right == nullptr)
    return std::nullopt;
  const auto left = write(*index.left), right = write(*index.right);
  if (!left || !right)
    return std::nullopt;
  const auto joined = [&](std::string_view begin, std::string_view between) {
    return Text{fmt::format("{}({}){}({}){}", begin, left->text, between, right->text,
                            begin.empty() ? "" : ")"),
                std::max(left->depth, right->depth)};
  };
  switch (index.kind) {
  case IndexExpr::Kind::Add:
    return joined("", " + ");
  case IndexExpr::Kind::Sub:
    return joined("", " - ");
  case IndexExpr::Kind::Mul:
    return joined("", " * ");
  case IndexExpr::Kind::FloorDiv:
    return joined("", " / ");
  case IndexExpr::Kind::FloorMod:
    return joined("", " % ");
  case IndexExpr::Kind::Min:
    return joined("min(", ", ");
  case IndexExpr::Kind::Max:
    return joined("max(", ", ");
  default:
    return std::nullopt;
  }
}

std::optional<Text> ScalarIndexWriter::write(const ValueExpr &value) const {
  std::vector<std::string> texts;
  std::size_t depth = 0;
  for (const workload::ValueExprPtr &operand : value.operands) {
    auto text = write(*operand);
    if (!text)
      return std::nullopt;
    depth = std::max(depth, text->depth);
    texts.push_back(std::move(text->text));
  }
  switch (value.kind) {
  case ValueExpr::Kind::Index:
    return write(*value.index);
  case ValueExpr::Kind::Constant:
    if (value.number != std::floor(value.number) || std::abs(value.number) > 1e15)
      return std::nullopt;
    return Text{fmt::format("{}", static_cast<std::int64_t>(value.number)), 0};
  case ValueExpr::Kind::Cast:
    // A condition that becomes a number is none any more.
    if (isFloat(value.elementType) || value.operands[0]->kind == ValueExpr::Kind::Compare)
      return std::nullopt;
    return Text{texts[0], depth};
  case ValueExpr::Kind::Binary:
    if ((value.name == "min" || value.name == "max") && texts.size() == 2)
      return Text{fmt::format("{}({}, {})", value.name, texts[0], texts[1]), depth};
    [[fallthrough]];
  case ValueExpr::Kind::Compare:
    if (value.name == "not")
      return Text{fmt::format("(not {})", texts[0]), depth};
    if (const auto spelling = languageOperator(value.name); !spelling.empty() && texts.size() == 2)
      return Text{fmt::format("({} {} {})", texts[0], spelling, texts[1]), depth};
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<Text> ScalarIndexWriter::writeCondition(const ValueExpr &condition) const {
  auto text = write(condition);
  if (!text)
    return std::nullopt;
  // Comparisons stand in parentheses, which the outermost one does not need.
  if (condition.kind == ValueExpr::Kind::Compare)
    text->text = text->text.substr(1, text->text.size() - 2);
  else
    text->text = fmt::format("({}) != 0", text->text);
  return text;
}

//===--- Indices computed with numbers with a point
//--------------------------------------------===//

namespace {

/// A number as the network computes it: in single precision where its type has that.
struct Number {
  double value = 0;
  bool isSingle = false;
  bool isWhole = false;
};

Number rounded(double value, const Number &like) {
  return {like.isSingle ? static_cast<double>(static_cast<float>(value)) : value, like.isSingle,
          like.isWhole};
}

std::optional<double> functionOf(const std::string &name, double a) {
  if (name == "floor")
    return std::floor(a);
  if (name == "ceil")
    return std::ceil(a);
  if (name == "round" || name == "nearbyint" || name == "rint")
    return std::nearbyint(a);
  if (name == "trunc")
    return std::trunc(a);
  if (name == "neg")
    return -a;
  if (name == "fabs" || name == "abs")
    return std::fabs(a);
  return std::nullopt;
}

std::optional<double> operatorOf(const std::string &name, const Number &a, const Number &b) {
  if (name == "+")
    return a.value + b.value;
  if (name == "-")
    return a.value - b.value;
  if (name == "*")
    return a.value * b.value;
  if (name == "/" && b.value != 0 && !a.isWhole)
    return a.value / b.value;
  if (name == "//" && b.value != 0)
    return std::floor(a.value / b.value);
  if (name == "min")
    return std::min(a.value, b.value);
  if (name == "max")
    return std::max(a.value, b.value);
  return std::nullopt;
}

std::optional<Number> evaluateNumber(const ValueExpr &value, std::span<const std::int64_t> point) {
  if (value.kind == ValueExpr::Kind::Index || value.index != nullptr) {
    const auto whole = evaluate(*value.index, point);
    return whole ? std::optional(Number{static_cast<double>(*whole), false, true}) : std::nullopt;
  }
  if (value.kind == ValueExpr::Kind::Constant)
    return rounded(value.number, {0, value.elementType.bits == 32 && isFloat(value.elementType),
                                  !isFloat(value.elementType)});
  std::vector<Number> operands;
  for (const workload::ValueExprPtr &operand : value.operands) {
    const auto number = evaluateNumber(*operand, point);
    if (!number)
      return std::nullopt;
    operands.push_back(*number);
  }
  if (value.kind == ValueExpr::Kind::Cast) {
    const bool isWhole = !isFloat(value.elementType);
    if (!isWhole && value.elementType.bits != 32 && value.elementType.bits != 64)
      return std::nullopt;
    return rounded(isWhole ? std::trunc(operands[0].value) : operands[0].value,
                   {0, !isWhole && value.elementType.bits == 32, isWhole});
  }
  const bool isArithmetic =
      value.kind == ValueExpr::Kind::Unary || value.kind == ValueExpr::Kind::Binary;
  if (!isArithmetic || operands.empty() || operands.size() > 2)
    return std::nullopt;
  const auto result = operands.size() == 1 ? functionOf(value.name, operands[0].value)
                                           : operatorOf(value.name, operands[0], operands[1]);
  return result ? std::optional(rounded(*result, operands[0])) : std::nullopt;
}

/// a · name + b
std::string linear(std::int64_t a, const std::string &name, std::int64_t b) {
  std::string text = a == 1 ? name : fmt::format("{} * {}", a, name);
  if (b != 0)
    text += fmt::format(" {} {}", b < 0 ? '-' : '+', b < 0 ? -b : b);
  return text;
}

/// `numbers[i]` as an expression of \p name = i: pieces that it is linear in.
std::string pieces(const std::vector<std::int64_t> &numbers, const std::string &name) {
  std::string text;
  for (std::size_t first = 0; first < numbers.size();) {
    std::size_t end = first + 1;
    const std::int64_t step = end < numbers.size() ? numbers[end] - numbers[first] : 0;
    while (end < numbers.size() && numbers[end] - numbers[end - 1] == step)
      ++end;
    const std::int64_t constant = numbers[first] - step * static_cast<std::int64_t>(first);
    const std::string piece =
        step == 0 ? fmt::format("{}", numbers[first]) : linear(step, name, constant);
    text +=
        end == numbers.size() ? piece : fmt::format("if {} < {} then {} else ", name, end, piece);
    first = end;
  }
  return text;
}

/// `numbers[i]` as max(low, min((a · i + b) / c, high)), if it is that with small numbers.
std::optional<std::string> scaled(const std::vector<std::int64_t> &numbers,
                                  const std::string &name) {
  constexpr std::int64_t most = 32;
  const auto [lowest, highest] = std::ranges::minmax(numbers);
  for (std::int64_t c = 1; c <= most; ++c)
    for (std::int64_t a = 1; a <= most; ++a) {
      std::int64_t low = -4 * c * most, high = 4 * c * most; // of b
      for (std::size_t i = 0; i < numbers.size() && low <= high; ++i) {
        const std::int64_t rest = c * numbers[i] - a * static_cast<std::int64_t>(i);
        if (numbers[i] != lowest)
          low = std::max(low, rest);
        if (numbers[i] != highest)
          high = std::min(high, rest + c - 1);
      }
      if (low <= high) {
        const std::int64_t b = std::clamp<std::int64_t>(0, low, high);
        return fmt::format("max({}, min(({}) / {}, {}))", lowest, linear(a, name, b), c, highest);
      }
    }
  return std::nullopt;
}

} // namespace

std::optional<Text> ScalarIndexWriter::writeComputed(const ValueExpr &value) const {
  constexpr std::int64_t mostPoints = 1'000'000;
  std::vector<bool> used(axes_.size());
  forEachAxis(value, [&](std::size_t axis) { used[axis] = !loops_[axis].name.empty(); });
  if (std::ranges::count(used, true) > 1)
    return std::nullopt;
  const auto axis = static_cast<std::size_t>(std::ranges::find(used, true) - used.begin());
  const std::int64_t extent = axis < axes_.size() ? axes_[axis].extent : 1;
  if (extent > mostPoints)
    return std::nullopt;
  std::vector<std::int64_t> point(axes_.size(), 0), numbers;
  for (std::int64_t i = 0; i < extent; ++i) {
    if (axis < axes_.size())
      point[axis] = i;
    const auto number = evaluateNumber(value, point);
    if (!number || !number->isWhole || !(std::abs(number->value) < 1e15))
      return std::nullopt;
    numbers.push_back(static_cast<std::int64_t>(number->value));
  }
  if (extent == 1)
    return Text{fmt::format("{}", numbers[0]), 0};
  const Loop &loop = loops_[axis];
  if (auto text = scaled(numbers, loop.name))
    return Text{std::move(*text), loop.depth};
  return Text{pieces(numbers, loop.name), loop.depth};
}

Text ScalarIndexWriter::counting(const std::vector<bool> &axes, std::int64_t extent) const {
  workload::AffineIndex number;
  number.coefficients.resize(axes_.size());
  std::int64_t count = 1;
  for (std::size_t i = axes_.size(); i-- > 0;) {
    if (!axes[i] || loops_[i].name.empty())
      continue;
    number.coefficients[i] = count;
    // Far beyond what a tensor has, the order does not matter any more.
    count = checkedMul(count, axes_[i].extent).value_or(1);
  }
  Text result = affine(number);
  if (count > extent)
    result.text = fmt::format("({}) % {}", result.text, extent);
  return result;
}

} // namespace acadlc::mapping
