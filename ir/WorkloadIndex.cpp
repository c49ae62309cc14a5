#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace acadlc::workload {

namespace {

using Kind = IndexExpr::Kind;

/// Turns one index expression into its affine form.
class AffineBuilder {
public:
  explicit AffineBuilder(const std::vector<Axis> &axes) : axes_(axes) {}

  std::optional<AffineIndex> build(const IndexExpr &index) const {
    switch (index.kind) {
    case Kind::Constant:
      return constant(index.value);
    case Kind::Axis: {
      auto axis = static_cast<std::size_t>(index.value);
      if (axis >= axes_.size())
        return std::nullopt;
      AffineIndex result = constant(0);
      result.coefficients[axis] = 1;
      return result;
    }
    case Kind::Opaque:
      return std::nullopt;
    default:
      break;
    }
    auto left = build(*index.left);
    auto right = left ? build(*index.right) : std::nullopt;
    if (!right)
      return std::nullopt;
    switch (index.kind) {
    case Kind::Add:
      return sum(*left, *right, 1);
    case Kind::Sub:
      return sum(*left, *right, -1);
    case Kind::Mul:
      if (isConstant(*right))
        return scaled(*left, right->constant);
      return isConstant(*left) ? scaled(*right, left->constant) : std::nullopt;
    case Kind::FloorDiv:
    case Kind::FloorMod:
      return isConstant(*right) ? divided(*left, right->constant, index.kind) : std::nullopt;
    default:
      return selected(*left, *right, index.kind == Kind::Max);
    }
  }

  [[nodiscard]] AffineIndex constant(std::int64_t value) const {
    return {value, AffineIndex::Coefficients(axes_.size(), 0)};
  }

  /// left + factor · right
  static std::optional<AffineIndex> sum(AffineIndex left, const AffineIndex &right,
                                        std::int64_t factor) {
    auto add = [&](std::int64_t &to, std::int64_t from) {
      auto product = checkedMul(from, factor);
      auto total = product ? checkedAdd(to, *product) : std::nullopt;
      to = total.value_or(0);
      return total.has_value();
    };
    bool fits = add(left.constant, right.constant);
    for (std::size_t a = 0; a < left.coefficients.size(); ++a)
      fits = add(left.coefficients[a], right.coefficients[a]) && fits;
    return fits ? std::optional(std::move(left)) : std::nullopt;
  }

  /// index // divisor or index % divisor where the ranges of the axes decide it: the terms that
  /// divisor divides leave the floor, and the others together stay within one multiple of it.
  [[nodiscard]] std::optional<AffineIndex> divided(const AffineIndex &index, std::int64_t divisor,
                                                   Kind kind) const {
    if (divisor <= 0)
      return std::nullopt;
    AffineIndex quotient = constant(*checkedFloorDiv(index.constant, divisor));
    AffineIndex rest = constant(*checkedFloorMod(index.constant, divisor));
    for (std::size_t a = 0; a < index.coefficients.size(); ++a) {
      if (index.coefficients[a] % divisor == 0)
        quotient.coefficients[a] = index.coefficients[a] / divisor;
      else
        rest.coefficients[a] = index.coefficients[a];
    }
    auto range = rangeOf(rest, axes_);
    if (!range)
      return std::nullopt;
    std::int64_t multiple = *checkedFloorDiv(range->low, divisor);
    if (multiple != *checkedFloorDiv(range->high, divisor))
      return std::nullopt;
    if (kind == Kind::FloorMod)
      return sum(std::move(rest), constant(multiple), -divisor);
    return sum(std::move(quotient), constant(multiple), 1);
  }

private:
  static bool isConstant(const AffineIndex &index) {
    for (std::int64_t coefficient : index.coefficients)
      if (coefficient != 0)
        return false;
    return true;
  }

  [[nodiscard]] std::optional<AffineIndex> scaled(const AffineIndex &index,
                                                  std::int64_t factor) const {
    return sum(constant(0), index, factor);
  }

  [[nodiscard]] std::optional<AffineIndex> selected(const AffineIndex &left,
                                                    const AffineIndex &right, bool larger) const {
    auto difference = sum(left, right, -1);
    auto range = difference ? rangeOf(*difference, axes_) : std::nullopt;
    if (!range)
      return std::nullopt;
    if (range->low >= 0)
      return larger ? left : right;
    if (range->high <= 0)
      return larger ? right : left;
    return std::nullopt;
  }

  const std::vector<Axis> &axes_;
};

} // namespace

namespace {

/// whole // divisor, or its remainder by `base` if there is one.
struct Digit {
  AffineIndex whole;
  std::int64_t divisor = 1;
  std::optional<std::int64_t> base;
  [[nodiscard]] bool isWhole() const { return divisor == 1 && !base; }
};

/// An affine index plus digits, each times a factor. Digits are cut until those of equal numbers
/// are of the same one; the digits of one number, each times its place, are the number again.
class DigitSum {
public:
  explicit DigitSum(const std::vector<Axis> &axes)
      : axes_(axes), builder_(axes), affine_(builder_.constant(0)) {}

  /// Adds \p factor times \p index; false if that has no such form.
  bool add(const IndexExpr &index, std::int64_t factor);
  /// The sum, if joining its digits leaves none.
  std::optional<AffineIndex> joined() &&;

private:
  struct Term {
    Digit digit;
    std::int64_t factor = 1;
  };
  [[nodiscard]] std::optional<Digit> digitOf(const IndexExpr &index) const;
  [[nodiscard]] std::optional<Digit> part(const Digit &of, Kind kind, std::int64_t by) const;
  void dropMultiples(Digit &digit) const;
  void shorten(Digit &digit) const;
  void dropNeedlessBase(Digit &digit) const;
  struct Halves {
    Digit high, low;
    std::int64_t place = 1; ///< of `high`
  };
  [[nodiscard]] std::optional<Halves> halves(const Digit &digit) const;
  bool add(Digit digit, std::int64_t factor);

  const std::vector<Axis> &axes_;
  AffineBuilder builder_;
  AffineIndex affine_;
  std::vector<Term> terms_;
};

/// \p of // \p by or \p of % \p by as a digit of the same number.
std::optional<Digit> DigitSum::part(const Digit &of, Kind kind, std::int64_t by) const {
  if (kind == Kind::FloorMod && by == 1)
    return Digit{builder_.constant(0), 1, std::nullopt};
  if (of.isWhole())
    if (auto decided = builder_.divided(of.whole, by, kind))
      return Digit{std::move(*decided), 1, std::nullopt};
  Digit result = of;
  if (kind == Kind::FloorDiv) {
    const auto divisor = checkedMul(of.divisor, by);
    if (!divisor || (of.base && *of.base % by != 0))
      return std::nullopt;
    result.divisor = *divisor;
    if (of.base)
      result.base = *of.base / by;
  } else {
    if (of.base && *of.base % by != 0)
      return by % *of.base == 0 ? std::optional(of) : std::nullopt;
    result.base = by;
  }
  return result;
}

/// \p index as a digit; a number itself is one.
std::optional<Digit> DigitSum::digitOf(const IndexExpr &index) const {
  const bool isPart = (index.kind == Kind::FloorDiv || index.kind == Kind::FloorMod) &&
                      index.right->kind == Kind::Constant && index.right->value > 0;
  if (isPart) {
    const auto of = digitOf(*index.left);
    return of ? part(*of, index.kind, index.right->value) : std::nullopt;
  }
  DigitSum sum(axes_);
  auto whole = sum.add(index, 1) ? std::move(sum).joined() : std::nullopt;
  return whole ? std::optional(Digit{std::move(*whole), 1, std::nullopt}) : std::nullopt;
}

/// Leaves out the terms that change no digit below the base.
void DigitSum::dropMultiples(Digit &digit) const {
  // Axes of one iteration are 0.
  for (std::size_t a = 0; a < axes_.size(); ++a)
    if (axes_[a].extent == 1)
      digit.whole.coefficients[a] = 0;
  const auto end = digit.base ? checkedMul(digit.divisor, *digit.base) : std::nullopt;
  if (!end)
    return;
  for (std::int64_t &coefficient : digit.whole.coefficients)
    if (coefficient % *end == 0)
      coefficient = 0;
}

/// Leaves out what the divisor of \p digit cuts off in any case: (16 * a + b) // 32 is a // 2 if b
/// is below 16.
void DigitSum::shorten(Digit &digit) const {
  std::int64_t largest = 1;
  AffineIndex kept = digit.whole;
  for (const std::int64_t coefficient : digit.whole.coefficients) {
    if (coefficient <= largest || digit.divisor % coefficient != 0)
      continue;
    if (auto quotient = builder_.divided(digit.whole, coefficient, Kind::FloorDiv)) {
      largest = coefficient;
      kept = std::move(*quotient);
    }
  }
  digit.whole = std::move(kept);
  digit.divisor /= largest;
}

/// The remainder of a number below the base is the number.
void DigitSum::dropNeedlessBase(Digit &digit) const {
  const auto end = digit.base ? checkedMul(digit.divisor, *digit.base) : std::nullopt;
  const auto range = end ? rangeOf(digit.whole, axes_) : std::nullopt;
  if (range && range->low >= 0 && range->high < *end)
    digit.base.reset();
}

/// Cuts \p digit where the terms of its number fall apart: (16 * a + b) // 2 % 80 is
/// a % 10 * 8 + b // 2 if b is below 16. None if they don't.
std::optional<DigitSum::Halves> DigitSum::halves(const Digit &digit) const {
  for (const std::int64_t step : digit.whole.coefficients) {
    if (step <= digit.divisor || step % digit.divisor != 0)
      continue;
    const std::int64_t place = step / digit.divisor;
    if (digit.base && (*digit.base <= place || *digit.base % place != 0))
      continue;
    auto quotient = builder_.divided(digit.whole, step, Kind::FloorDiv);
    auto rest = builder_.divided(digit.whole, step, Kind::FloorMod);
    if (!quotient || !rest)
      continue;
    const auto base = digit.base ? std::optional(*digit.base / place) : std::nullopt;
    return Halves{
        {std::move(*quotient), 1, base}, {std::move(*rest), digit.divisor, std::nullopt}, place};
  }
  return std::nullopt;
}

bool DigitSum::add(Digit digit, std::int64_t factor) {
  dropMultiples(digit);
  shorten(digit);
  dropNeedlessBase(digit);
  if (!digit.isWhole()) {
    if (auto cut = halves(digit)) {
      const auto product = checkedMul(factor, cut->place);
      return product && add(std::move(cut->high), *product) && add(std::move(cut->low), factor);
    }
    terms_.push_back({std::move(digit), factor});
    return true;
  }
  auto sum = AffineBuilder::sum(std::move(affine_), digit.whole, factor);
  affine_ = sum ? std::move(*sum) : builder_.constant(0);
  return sum.has_value();
}

bool DigitSum::add(const IndexExpr &index, std::int64_t factor) {
  switch (index.kind) {
  case Kind::Add:
    return add(*index.left, factor) && add(*index.right, factor);
  case Kind::Sub: {
    const auto negated = checkedSub(0, factor);
    return negated && add(*index.left, factor) && add(*index.right, *negated);
  }
  case Kind::Mul: {
    const bool isLeft = index.left->kind == Kind::Constant;
    const IndexExpr &number = isLeft ? *index.left : *index.right;
    const auto product =
        number.kind == Kind::Constant ? checkedMul(factor, number.value) : std::nullopt;
    return product && add(isLeft ? *index.right : *index.left, *product);
  }
  case Kind::FloorDiv:
  case Kind::FloorMod: {
    const bool isPart = index.right->kind == Kind::Constant && index.right->value > 0;
    auto digit = isPart ? digitOf(index) : std::nullopt;
    return digit && add(std::move(*digit), factor);
  }
  default: {
    auto whole = builder_.build(index);
    return whole && add(Digit{std::move(*whole), 1, std::nullopt}, factor);
  }
  }
}

std::optional<AffineIndex> DigitSum::joined() && {
  const auto order = [](const Term &term) {
    return std::tie(term.digit.whole.constant, term.digit.whole.coefficients, term.digit.divisor);
  };
  std::sort(terms_.begin(), terms_.end(),
            [&](const Term &a, const Term &b) { return order(a) < order(b); });
  std::vector<Term> digits = std::exchange(terms_, {});
  for (std::size_t i = 0; i < digits.size();) {
    Term joined = digits[i++];
    for (; i < digits.size() && joined.digit.base; ++i) {
      const Digit &next = digits[i].digit;
      if (next.whole != joined.digit.whole ||
          next.divisor != checkedMul(joined.digit.divisor, *joined.digit.base) ||
          digits[i].factor != checkedMul(joined.factor, *joined.digit.base))
        break;
      if (!next.base) {
        joined.digit.base.reset();
        continue; // nothing stands above a quotient
      }
      const auto base = checkedMul(*joined.digit.base, *next.base);
      if (!base)
        break;
      joined.digit.base = base;
    }
    if (!add(std::move(joined.digit), joined.factor))
      return std::nullopt;
  }
  return terms_.empty() ? std::optional(std::move(affine_)) : std::nullopt;
}

} // namespace

std::optional<AffineIndex> affineFormOfDigits(const IndexExpr &index,
                                              const std::vector<Axis> &axes) {
  if (auto plain = affineForm(index, axes))
    return plain;
  DigitSum sum(axes);
  return sum.add(index, 1) ? std::move(sum).joined() : std::nullopt;
}

std::optional<AffineIndex> affineForm(const IndexExpr &index, const std::vector<Axis> &axes) {
  return AffineBuilder(axes).build(index);
}

} // namespace acadlc::workload
