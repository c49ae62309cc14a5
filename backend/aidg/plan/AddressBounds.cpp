#include "backend/aidg/plan/AddressBounds.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

namespace {

using program::Expression;

constexpr Interval everything{std::numeric_limits<std::int64_t>::min(),
                              std::numeric_limits<std::int64_t>::max()};

std::optional<Interval> interval(std::optional<std::int64_t> low,
                                 std::optional<std::int64_t> high) {
  if (!low || !high)
    return std::nullopt;
  return Interval{*low, *high};
}

std::optional<Interval> sum(const Interval &a, const Interval &b) {
  return interval(checkedAdd(a.low, b.low), checkedAdd(a.high, b.high));
}

std::optional<Interval> difference(const Interval &a, const Interval &b) {
  return interval(checkedSub(a.low, b.high), checkedSub(a.high, b.low));
}

std::optional<Interval> product(const Interval &a, const Interval &b) {
  const std::optional<std::int64_t> corners[] = {
      checkedMul(a.low, b.low), checkedMul(a.low, b.high), checkedMul(a.high, b.low),
      checkedMul(a.high, b.high)};
  if (!std::ranges::all_of(corners, [](const auto &corner) { return corner.has_value(); }))
    return std::nullopt;
  const auto [least, largest] = std::ranges::minmax_element(corners);
  return Interval{**least, **largest};
}

std::optional<Interval> quotient(const Interval &a, const Interval &b) {
  if (b.low != b.high || b.low <= 0)
    return std::nullopt;
  return interval(checkedFloorDiv(a.low, b.low), checkedFloorDiv(a.high, b.low));
}

std::optional<Interval> remainder(const Interval &a, const Interval &b) {
  if (b.low != b.high || b.low <= 0)
    return std::nullopt;
  // Within one period of the modulus it is a shift.
  if (checkedFloorDiv(a.low, b.low) == checkedFloorDiv(a.high, b.low))
    return interval(checkedFloorMod(a.low, b.low), checkedFloorMod(a.high, b.low));
  return Interval{0, b.low - 1};
}

std::optional<Interval> boundsOf(const program::Program &program, program::ExpressionId id,
                                 std::span<const Interval> loopValues) {
  const Expression &expression = program.expressions[id];
  if (expression.kind == Expression::Kind::Constant)
    return Interval{expression.value, expression.value};
  if (expression.kind == Expression::Kind::LoopValue) {
    const auto depth = static_cast<std::size_t>(expression.value);
    // An instruction that is never emitted has no loops.
    return depth < loopValues.size() ? std::optional(loopValues[depth]) : std::nullopt;
  }
  const std::optional<Interval> left = boundsOf(program, expression.left, loopValues);
  const std::optional<Interval> right = boundsOf(program, expression.right, loopValues);
  if (!left || !right)
    return std::nullopt;
  switch (expression.kind) {
  case Expression::Kind::Add:
    return sum(*left, *right);
  case Expression::Kind::Subtract:
    return difference(*left, *right);
  case Expression::Kind::Multiply:
    return product(*left, *right);
  case Expression::Kind::FloorDivide:
    return quotient(*left, *right);
  case Expression::Kind::FloorModulo:
    return remainder(*left, *right);
  case Expression::Kind::Min:
    return Interval{std::min(left->low, right->low), std::min(left->high, right->high)};
  case Expression::Kind::Max:
    return Interval{std::max(left->low, right->low), std::max(left->high, right->high)};
  default:
    return std::nullopt;
  }
}

/// The values that a loop with at least one iteration takes.
Interval valuesOf(const program::Repeat &repeat) {
  const auto way = checkedMul(repeat.count - 1, repeat.step);
  const auto last = way ? checkedAdd(repeat.first, *way) : std::nullopt;
  if (!last)
    return everything;
  return {std::min(repeat.first, *last), std::max(repeat.first, *last)};
}

void widen(std::vector<Interval> &ranges, const std::vector<Interval> &others) {
  for (std::size_t depth = 0; depth != others.size(); ++depth)
    if (depth == ranges.size()) {
      ranges.push_back(others[depth]);
    } else {
      ranges[depth].low = std::min(ranges[depth].low, others[depth].low);
      ranges[depth].high = std::max(ranges[depth].high, others[depth].high);
    }
}

} // namespace

std::vector<std::vector<Interval>> loopValuesOf(const program::Program &program) {
  std::vector<std::vector<Interval>> result(program.instructions.size());
  if (program.regions.empty())
    return result;
  // Level by level: all loops around a region are in regions of the level above.
  std::vector<std::vector<Interval>> ofRegion(program.regions.size());
  std::vector<program::RegionId> level{program.root};
  while (!level.empty()) {
    std::vector<program::RegionId> next;
    for (const program::RegionId region : level)
      for (const program::Step &step : program.regions[region].steps) {
        if (step.kind == program::Step::Kind::Emit) {
          widen(result[step.index], ofRegion[region]);
          continue;
        }
        const program::Repeat &repeat = program.repeats[step.index];
        if (repeat.count <= 0)
          continue;
        std::vector<Interval> inside = ofRegion[region];
        inside.push_back(valuesOf(repeat));
        widen(ofRegion[repeat.body], inside);
        next.push_back(repeat.body);
      }
    std::ranges::sort(next);
    next.erase(std::ranges::unique(next).begin(), next.end());
    level = std::move(next);
  }
  return result;
}

std::optional<Interval> boundsOf(const program::Program &program, const program::Address &address,
                                 std::span<const Interval> loopValues) {
  std::optional<Interval> bounds = Interval{address.constant, address.constant};
  for (const program::Address::Term &term : address.terms) {
    if (term.depth >= loopValues.size())
      return std::nullopt; // never emitted
    const std::optional<Interval> part =
        product({term.coefficient, term.coefficient}, loopValues[term.depth]);
    bounds = part ? sum(*bounds, *part) : std::nullopt;
    if (!bounds)
      return std::nullopt;
  }
  if (!address.hasRest)
    return bounds;
  const std::optional<Interval> rest = boundsOf(program, address.rest, loopValues);
  return rest ? sum(*bounds, *rest) : std::nullopt;
}

bool dependsOn(const program::Program &program, program::ExpressionId id, std::uint32_t depth) {
  const program::Expression &expression = program.expressions[id];
  switch (expression.kind) {
  case program::Expression::Kind::Constant:
    return false;
  case program::Expression::Kind::LoopValue:
    return expression.value == static_cast<std::int64_t>(depth);
  default:
    return dependsOn(program, expression.left, depth) ||
           dependsOn(program, expression.right, depth);
  }
}

} // namespace acadlc::aidg
