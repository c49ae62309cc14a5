#include "frontend/tir/FixedPoint.h"

#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

constexpr ElementType wide{ElementType::Kind::Int, 64};
constexpr ElementType narrow{ElementType::Kind::Int, 32};
constexpr std::int64_t mostBits = 62; // a shift by more leaves nothing

ValueExprPtr shifted(ValueExprPtr value, ValueExprPtr by, bool toLeft) {
  return binary(toLeft ? "shift_left" : "shift_right", std::move(value), std::move(by));
}

/// The whole number or truth value that \p operand is, if it is one.
std::optional<std::int64_t> numberOf(const ValueExprPtr &operand) {
  const ValueExpr &inner = stripCasts(*operand);
  if (inner.kind != ValueExpr::Kind::Constant || inner.index)
    return evaluate(inner, {});
  const bool isTruth = inner.number == 0 || inner.number == 1;
  return isTruth ? std::optional(static_cast<std::int64_t>(inner.number)) : std::nullopt;
}

} // namespace

ValueExprPtr multiplyShift(std::span<const ValueExprPtr> operands) {
  constexpr std::size_t count = 4;
  if (operands.size() != count)
    return nullptr;
  const auto fraction = numberOf(operands[2]), shift = numberOf(operands[3]);
  if (!fraction || !shift || *fraction < 1 || *fraction > mostBits || *shift > mostBits ||
      *shift < *fraction - mostBits)
    return nullptr;
  ValueExprPtr value = castTo(operands[0], wide);
  if (*shift > 0)
    value = shifted(std::move(value), number(static_cast<double>(*shift), wide), true);
  value = binary("*", std::move(value), operands[1]);
  const std::int64_t right = *fraction - std::min<std::int64_t>(*shift, 0);
  const double half = std::exp2(static_cast<double>(right - 1));
  value = binary("+", std::move(value), number(half, wide));
  value = shifted(std::move(value), number(static_cast<double>(right), wide), false);
  return castTo(std::move(value), narrow);
}

ValueExprPtr multiplyShiftPerAxis(std::span<const ValueExprPtr> operands) {
  constexpr std::size_t count = 7, fractionAt = 4, leftAt = 5, rightAt = 6;
  if (operands.size() != count)
    return nullptr;
  const auto fraction = numberOf(operands[fractionAt]), left = numberOf(operands[leftAt]),
             right = numberOf(operands[rightAt]);
  if (!fraction || !left || !right || *fraction < 1 || *fraction > mostBits)
    return nullptr;
  ValueExprPtr value = castTo(operands[0], wide);
  if (*left != 0)
    value = shifted(std::move(value), operands[2], true);
  value = binary("*", std::move(value), operands[1]);
  ValueExprPtr places = number(static_cast<double>(*fraction), wide);
  ValueExprPtr half = number(std::exp2(static_cast<double>(*fraction - 1)), wide);
  if (*right != 0) {
    places = binary("+", operands[3], std::move(places));
    half = shifted(number(1, wide), binary("-", places, number(1, wide)), true);
  }
  value = binary("+", std::move(value), std::move(half));
  return castTo(shifted(std::move(value), std::move(places), false), narrow);
}

} // namespace acadlc::tir
