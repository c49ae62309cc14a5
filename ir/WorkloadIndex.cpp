#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

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

private:
  [[nodiscard]] AffineIndex constant(std::int64_t value) const {
    return {value, AffineIndex::Coefficients(axes_.size(), 0)};
  }

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

std::optional<AffineIndex> affineForm(const IndexExpr &index, const std::vector<Axis> &axes) {
  return AffineBuilder(axes).build(index);
}

} // namespace acadlc::workload
