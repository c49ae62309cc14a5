#include "structure/Product.h"

#include "structure/ReductionBody.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::workload {

namespace {

using Kind = ValueExpr::Kind;

bool isBinary(const ValueExpr &value, std::string_view name) {
  return value.kind == Kind::Binary && value.name == name && value.operands.size() == 2;
}

bool isNegation(const ValueExpr &value) {
  return value.kind == Kind::Unary && value.name == "neg" && value.operands.size() == 1;
}

/// Whether \p value is known without reading anything.
bool isNumber(const ValueExpr &value) {
  bool reads = false;
  forEachNode(value, [&](const ValueExpr &node) {
    reads = reads || node.kind == Kind::Load || node.kind == Kind::Opaque;
  });
  return !reads;
}

/// Whether \p value is the same number at all points.
bool isUniform(const ValueExpr &value) {
  bool hasAxes = false;
  forEachAxis(value, [&](std::size_t) { hasAxes = true; });
  return isNumber(value) && !hasAxes;
}

/// How an axis moves a read.
enum class Motion : std::uint8_t {
  None,
  ByGroups, ///< by its quotient alone: so many neighbours read the same element
  Single,
};

/// A read that is multiplied.
struct Term {
  Product::Factor factor;
  std::vector<Motion> axes; ///< by axis of the computation
  bool isDivisor = false;
  bool isMultiple = false; ///< what is read has been scaled or has another sign
};
using Terms = std::vector<Term>;

/// Whether \p part has some of the axes of \p whole, not all, and no others; groups of an axis are
/// less than the axis.
bool hasFewerAxes(const Term &part, const Term &whole) {
  for (std::size_t a = 0; a < part.axes.size(); ++a)
    if (part.axes[a] > whole.axes[a])
      return false;
  return part.axes != whole.axes;
}

/// Takes apart what one computation adds up.
class ProductFinder {
public:
  explicit ProductFinder(const Computation &computation) : computation_(computation) {}

  std::optional<Product> find() {
    if (computation_.value->size > largest)
      return std::nullopt;
    Summands summands;
    addSummands(withoutZeroChoices(*computation_.value), summands);
    std::optional<Product> product;
    Terms factors;
    std::vector<Terms> others;
    for (const ValueExpr *summand : summands) {
      result_ = {};
      Terms terms;
      if (!addTerms(*summand, terms))
        return std::nullopt;
      terms = factorsOf(*summand, std::move(terms));
      if (product || !isProduct(terms, summands.size())) {
        others.push_back(std::move(terms));
        continue;
      }
      result_.factors = {terms.front().factor, terms.back().factor};
      product = result_;
      product->isComputed = terms.front().factor.isComputed || terms.back().factor.isComputed;
      factors = std::move(terms);
    }
    if (!product || !std::all_of(others.begin(), others.end(),
                                 [&](const Terms &terms) { return isPartOf(terms, factors); }))
      return std::nullopt;
    product->hasZeroPoints = product->hasZeroPoints || summands.size() > 1;
    return product;
  }

  /// The products of different elements that are added up; none if something else is as well.
  ProductCount countProducts() {
    if (computation_.value->size > largest)
      return {};
    joinsElements_ = true;
    Summands summands;
    addSummands(withoutZeroChoices(*computation_.value), summands);
    ProductCount count;
    for (const ValueExpr *summand : summands) {
      Terms terms;
      if (!addTerms(*summand, terms))
        return {};
      const std::int64_t factors = factorsOf(std::move(terms), summands.size() == 1);
      if (factors < 2)
        return {};
      ++count.products;
      count.factors = std::max(count.factors, factors);
      count.macs += factors - 1;
    }
    return count;
  }

private:
  /// No product of two reads is so large; what looks at every node more than once stays cheap.
  static constexpr std::uint32_t largest = 512;
  using Summands = std::vector<const ValueExpr *>;

  static void addSummands(const ValueExpr &value, Summands &summands) {
    const ValueExpr &inner = stripCasts(value);
    if (isBinary(inner, "+") || isBinary(inner, "-")) {
      for (const ValueExprPtr &operand : inner.operands)
        addSummands(*operand, summands);
    } else if (isNegation(inner)) {
      addSummands(*inner.operands[0], summands);
    } else {
      summands.push_back(&inner);
    }
  }

  /// Adds the reads that \p value multiplies; false if it does something else.
  bool addTerms(const ValueExpr &value, Terms &terms) {
    const ValueExpr &inner = stripCasts(value);
    if (isNumber(inner)) {
      result_.isScaled = true;
      return true;
    }
    if (isNegation(inner))
      return addTerms(*inner.operands[0], terms);
    if (isBinary(inner, "*"))
      return addTerms(*inner.operands[0], terms) && addTerms(*inner.operands[1], terms);
    if (isBinary(inner, "/"))
      return addTerms(*inner.operands[0], terms) && addDivisor(*inner.operands[1], terms);
    if (isBinary(inner, "shift_left") && isUniform(*inner.operands[1])) {
      result_.isScaled = true;
      return addTerms(*inner.operands[0], terms);
    }
    auto term = termOf(inner);
    if (!term)
      return false;
    terms.push_back(std::move(*term));
    return true;
  }

  bool addDivisor(const ValueExpr &value, Terms &terms) {
    const std::size_t first = terms.size();
    if (!addTerms(value, terms))
      return false;
    for (std::size_t i = first; i < terms.size(); ++i)
      terms[i].isDivisor = true;
    return true;
  }

  /// The one read that \p value is made of, apart from zero points, scales and padding.
  std::optional<Term> termOf(const ValueExpr &value) {
    if (value.kind == Kind::Load)
      return readOf(value);
    if (isBinary(value, "+") || isBinary(value, "-"))
      return shifted(*value.operands[0], *value.operands[1], value.name == "-");
    if (value.kind == Kind::Select)
      if (auto term = guarded(value))
        return term;
    return computed(value);
  }

  /// The one element that \p value is a function of; none if it is one of several elements.
  std::optional<Term> computed(const ValueExpr &value) {
    const bool isFunction = value.kind == Kind::Unary || value.kind == Kind::Binary ||
                            value.kind == Kind::Select || value.kind == Kind::Compare;
    if (!isFunction)
      return std::nullopt;
    // What is added or multiplied within the function is no zero point or scale of the factor.
    const bool hasZeroPoints = result_.hasZeroPoints, isScaled = result_.isScaled;
    std::optional<Term> whole;
    Terms others;
    for (const ValueExprPtr &operand : value.operands) {
      if (isNumber(*operand))
        continue;
      const ValueExpr &inner = stripCasts(*operand);
      auto term = inner.kind == Kind::Compare ? computed(inner) : scaledTerm(inner);
      if (!term)
        return std::nullopt;
      if (whole && hasFewerAxes(*whole, *term))
        std::swap(*whole, *term);
      if (whole)
        others.push_back(std::move(*term));
      else
        whole = std::move(term);
    }
    result_.hasZeroPoints = hasZeroPoints;
    result_.isScaled = isScaled;
    const bool isOne = whole && std::all_of(others.begin(), others.end(), [&](const Term &other) {
                         return readSame(other, *whole) || hasFewerAxes(other, *whole);
                       });
    if (!isOne)
      return std::nullopt;
    Term result = std::move(*whole);
    addPositions(value, result);
    const bool keepsZero = result.factor.keepsZero && result.factor.offset == 0 && others.empty() &&
                           clipsToZero(value);
    result.factor.isComputed = true;
    result.factor.keepsZero = keepsZero;
    if (!keepsZero || result.factor.outside != 0)
      result.factor.outside = unknown;
    result.factor.offset = 0;
    result.isMultiple = true;
    return result;
  }

  /// Whether \p value, a function of one operand and numbers, is 0 where the operand is.
  static bool clipsToZero(const ValueExpr &value) {
    const bool isLow = isBinary(value, "max");
    if (!isLow && !isBinary(value, "min"))
      return false;
    return std::any_of(value.operands.begin(), value.operands.end(), [&](const ValueExprPtr &each) {
      const double number = valueOf(*each);
      return isLow ? number <= 0 : number >= 0;
    });
  }

  /// What \p value does depends on axes beside the element that it reads: neighbours make another
  /// value of the same element.
  static void addPositions(const ValueExpr &value, Term &term) {
    forEachNode(value, [&](const ValueExpr &node) {
      if (node.kind == Kind::Index)
        addAxes(*node.index, Motion::Single, term.axes);
    });
  }

  [[nodiscard]] Term readOf(const ValueExpr &load) const {
    Term term;
    term.factor.access = load.value;
    term.axes = axesOf(computation_.accesses[load.value]);
    return term;
  }

  /// As termOf, also of a product with scales.
  std::optional<Term> scaledTerm(const ValueExpr &value) {
    Terms terms;
    if (!addTerms(value, terms))
      return std::nullopt;
    terms = withoutScales(std::move(terms));
    if (terms.size() != 1)
      return std::nullopt;
    const ValueExpr &inner = stripCasts(value);
    const bool isRead = inner.kind == Kind::Load || inner.kind == Kind::Select ||
                        isBinary(inner, "+") || isBinary(inner, "-");
    terms.front().isMultiple = terms.front().isMultiple || !isRead;
    return terms.front();
  }

  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  /// \p term with \p number added to it.
  static std::optional<Term> moved(std::optional<Term> term, double number) {
    if (!term)
      return std::nullopt;
    // Products of small numbers are not worth following: they are never mistaken for 0.
    const double added = term->isMultiple ? unknown : number;
    term->factor.offset += added;
    term->factor.outside += added;
    return term;
  }

  static double valueOf(const ValueExpr &number) {
    const ValueExpr &inner = stripCasts(number);
    return inner.kind == Kind::Constant ? inner.number : unknown;
  }

  std::optional<Term> shifted(const ValueExpr &left, const ValueExpr &right, bool isDifference) {
    result_.hasZeroPoints = true;
    if (isNumber(right))
      return moved(scaledTerm(left), isDifference ? -valueOf(right) : valueOf(right));
    if (isNumber(left))
      return moved(scaledTerm(right), isDifference ? unknown : valueOf(left));
    auto first = scaledTerm(left);
    auto second = first ? scaledTerm(right) : std::nullopt;
    if (!second)
      return std::nullopt;
    if (hasFewerAxes(*second, *first))
      return moved(std::move(first), unknown);
    if (hasFewerAxes(*first, *second))
      return moved(std::move(second), unknown);
    if (!joinsElements_)
      return std::nullopt;
    for (std::size_t a = 0; a < first->axes.size(); ++a)
      first->axes[a] = std::max(first->axes[a], second->axes[a]);
    return moved(std::move(first), unknown);
  }

  /// An element where a condition on the axes holds, and a padding value elsewhere.
  std::optional<Term> guarded(const ValueExpr &select) {
    if (!isNumber(*select.operands[0]))
      return std::nullopt;
    auto term = scaledTerm(*select.operands[1]);
    if (!term)
      return std::nullopt;
    const ValueExpr &outside = stripCasts(*select.operands[2]);
    if (!isNumber(outside) && (outside.kind != Kind::Load || !hasFewerAxes(readOf(outside), *term)))
      return std::nullopt;
    term->factor.isGuarded = true;
    term->factor.outside = valueOf(outside);
    return term;
  }

  [[nodiscard]] std::vector<Motion> axesOf(const Access &access) const {
    std::vector<Motion> axes(computation_.axes.size(), Motion::None);
    for (const IndexExprPtr &index : access.indices)
      addAxes(*index, Motion::Single, axes);
    return axes;
  }
  static void addAxes(const IndexExpr &index, Motion motion, std::vector<Motion> &axes) {
    if (index.kind == IndexExpr::Kind::Opaque) // it may run over all axes
      axes.assign(axes.size(), Motion::Single);
    if (index.kind == IndexExpr::Kind::Axis) {
      Motion &own = axes[static_cast<std::size_t>(index.value)];
      own = std::max(own, motion);
    }
    if (!index.left)
      return;
    addAxes(*index.left, index.kind == IndexExpr::Kind::FloorDiv ? Motion::ByGroups : motion, axes);
    addAxes(*index.right, motion, axes);
  }

  /// Whether \p terms are the two factors. Of several summands the others are products with zero
  /// points, which nothing is summed over.
  [[nodiscard]] bool isProduct(const Terms &terms, std::size_t summands) const {
    return terms.size() == 2 && !terms[0].isDivisor && !terms[1].isDivisor &&
           (summands == 1 || (isSummed(terms[0]) && isSummed(terms[1])));
  }

  /// How many different elements \p terms multiply, scales aside; 0 if they do more than that.
  /// \p isOnly: else there are other products, and what nothing is summed over may be part of one.
  [[nodiscard]] std::int64_t factorsOf(Terms terms, bool isOnly) {
    Terms factors = withoutScales(terms);
    // In x·A·y, summed over both axes, the vectors look like scales of the matrix.
    if (factors.size() == 1) {
      factors = joined(std::move(terms));
      std::erase_if(factors, [&](const Term &term) { return !isSummed(term); });
    }
    std::int64_t different = 0;
    for (std::size_t i = 0; i < factors.size(); ++i) {
      if (factors[i].isDivisor || (!isOnly && !isSummed(factors[i])))
        return 0;
      const bool isKnown =
          std::any_of(factors.begin(), factors.begin() + static_cast<std::ptrdiff_t>(i),
                      [&](const Term &other) { return readSame(other, factors[i]); });
      different += isKnown ? 0 : 1;
    }
    return different;
  }

  /// Of three and more \p terms those that are functions of the same element are one: `a·f(a)·b`.
  [[nodiscard]] Terms joined(Terms terms) const {
    if (terms.size() < 3)
      return terms;
    Terms kept;
    for (Term &term : terms) {
      const auto same = std::find_if(kept.begin(), kept.end(), [&](const Term &other) {
        return (term.factor.isComputed || other.factor.isComputed) && readSame(term, other) &&
               !term.isDivisor && !other.isDivisor;
      });
      if (same == kept.end()) {
        kept.push_back(std::move(term));
        continue;
      }
      same->factor.isComputed = true;
      same->factor.keepsZero = same->factor.keepsZero || term.factor.keepsZero;
    }
    return kept;
  }

  /// \p terms without those that scale: of three and more all that nothing is summed over if two
  /// are left, else those that have fewer axes than another one.
  Terms withoutScales(Terms terms) {
    terms = joined(std::move(terms));
    Terms summed;
    std::copy_if(terms.begin(), terms.end(), std::back_inserter(summed),
                 [&](const Term &term) { return isSummed(term); });
    if (isProduct(summed, 1)) {
      result_.isScaled = result_.isScaled || summed.size() < terms.size();
      return summed;
    }
    Terms kept = withoutNarrower(terms);
    result_.isScaled = result_.isScaled || kept.size() < terms.size();
    return kept;
  }

  /// \p terms without those that have fewer axes than another one.
  static Terms withoutNarrower(const Terms &terms) {
    Terms kept;
    std::copy_if(terms.begin(), terms.end(), std::back_inserter(kept), [&](const Term &term) {
      return std::none_of(terms.begin(), terms.end(), [&](const Term &other) {
        return !other.isDivisor && hasFewerAxes(term, other);
      });
    });
    return kept;
  }

  /// The factors among \p terms, which \p summand multiplies. Where a vector and the scales of a
  /// matrix both have fewer axes than the matrix, how the product is bracketed tells which of them
  /// is a factor: `v·(m·s)`.
  Terms factorsOf(const ValueExpr &summand, Terms terms) {
    terms = joined(std::move(terms));
    if (terms.size() < 3 || !std::all_of(terms.begin(), terms.end(), [&](const Term &term) {
          return isSummed(term) && !term.isDivisor;
        }))
      return withoutScales(std::move(terms));
    const ValueExpr &inner = stripCasts(summand);
    // In `a·b·c`, which is `(a·b)·c`, nobody has set brackets.
    if (isBinary(inner, "*") && isBinary(stripCasts(*inner.operands[1]), "*")) {
      const Product before = result_;
      const auto left = widestTerm(*inner.operands[0]);
      const auto right = left ? widestTerm(*inner.operands[1]) : std::nullopt;
      result_ = before;
      if (right) {
        result_.isScaled = true;
        return {*left, *right};
      }
    }
    return withoutScales(std::move(terms));
  }

  /// The term of \p value, a product, that all its others scale.
  std::optional<Term> widestTerm(const ValueExpr &value) {
    Terms terms;
    if (!addTerms(value, terms))
      return std::nullopt;
    terms = withoutNarrower(joined(std::move(terms)));
    return terms.size() == 1 ? std::optional(terms.front()) : std::nullopt;
  }

  /// Whether \p term has another element for some of what is summed, if several are.
  [[nodiscard]] bool isSummed(const Term &term) const {
    bool sumsSeveral = false;
    for (std::size_t a = 0; a < computation_.axes.size(); ++a) {
      const Axis &axis = computation_.axes[a];
      const bool isWide = axis.kind == Axis::Kind::Reduction && axis.extent > 1;
      if (isWide && term.axes[a] != Motion::None)
        return true;
      sumsSeveral = sumsSeveral || isWide;
    }
    return !sumsSeveral;
  }

  [[nodiscard]] bool readSame(const Term &left, const Term &right) const {
    return isSameElement(computation_.accesses[left.factor.access],
                         computation_.accesses[right.factor.access]);
  }

  /// Whether \p terms are zero points and the factors of \p product: what a product of differences
  /// has beside the product itself.
  [[nodiscard]] bool isPartOf(const Terms &terms, const Terms &product) const {
    return std::all_of(terms.begin(), terms.end(), [&](const Term &term) {
      return std::any_of(product.begin(), product.end(), [&](const Term &factor) {
        return readSame(term, factor) || hasFewerAxes(term, factor);
      });
    });
  }

  const Computation &computation_;
  bool joinsElements_ = false; ///< a factor may be a sum of several elements: `(a + b)·c`
  Product result_;
};

/// Whether \p computation does nothing but sum up its value, be it under a condition.
bool isPlainSum(const Computation &computation) {
  return computation.combiner == Combiner::Sum &&
         (computation.opaqueReason.empty() || isPlainUnderCondition(computation));
}

} // namespace

std::optional<Product> productOf(const Computation &computation) {
  if (!isPlainSum(computation))
    return std::nullopt;
  auto product = ProductFinder(computation).find();
  if (!product)
    return std::nullopt;
  product->condition = joinCondition(computation);
  // Where a condition on the axes leaves the product out, elements may be read outside of tensors.
  if (product->condition == JoinCondition::OnAxes)
    for (Product::Factor &factor : product->factors)
      if (!factor.isGuarded)
        factor = {factor.access, true, 0, factor.offset};
  return product;
}

ProductCount productsIn(const Computation &computation) {
  return isPlainSum(computation) ? ProductFinder(computation).countProducts() : ProductCount{};
}

} // namespace acadlc::workload
