#include "frontend/tir/SplitLoops.h"

#include "frontend/tir/BufferShapes.h"
#include "frontend/tir/GuardedStore.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

/// The axes of more than one value in \p form.
std::vector<std::size_t> axesIn(const AffineIndex &form, const std::vector<Axis> &axes) {
  std::vector<std::size_t> result;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (form.coefficients[a] != 0 && axes[a].extent > 1)
      result.push_back(a);
  return result;
}

/// How many values \p form takes if these are 0, 1, 2, …; none if they are not. \p isDigits: each
/// of them once.
std::optional<std::int64_t> valueCount(const AffineIndex &form, const std::vector<Axis> &axes,
                                       bool isDigits) {
  std::vector<std::pair<std::int64_t, std::int64_t>> terms; // factor and extent
  for (const std::size_t a : axesIn(form, axes))
    terms.emplace_back(form.coefficients[a], axes[a].extent);
  std::ranges::sort(terms);
  std::int64_t count = 1;
  for (const auto &[factor, extent] : terms) {
    if (factor < 1 || factor > count || (isDigits && factor != count))
      return std::nullopt;
    const auto added = checkedMul(factor, extent - 1);
    const auto next = added ? checkedAdd(count, *added) : std::nullopt;
    if (!next)
      return std::nullopt;
    count = *next;
  }
  return form.constant == 0 ? std::optional(count) : std::nullopt;
}

/// `form < limit`
struct Limit {
  AffineIndex form;
  std::int64_t limit = 0;
};

std::optional<Limit> limitOf(const ValueExpr &condition, const std::vector<Axis> &axes) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2 ||
      (condition.name != "<" && condition.name != "<="))
    return std::nullopt;
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  if (!left || !right || right->kind != IndexExpr::Kind::Constant)
    return std::nullopt;
  auto form = affineForm(*left, axes);
  const auto limit = checkedAdd(right->value, condition.name == "<" ? 0 : 1);
  return form && limit ? std::optional<Limit>({std::move(*form), *limit}) : std::nullopt;
}

/// Puts one axis in the place of those that \p form sums, wherever they are held together like
/// that. The axes keep their numbers; the new one takes that of the first.
class Joiner {
public:
  Joiner(const AffineIndex &form, const std::vector<Axis> &axes)
      : form_(form), axes_(axes), joined_(axesIn(form, axes)) {}

  [[nodiscard]] std::size_t axis() const { return joined_.front(); }
  [[nodiscard]] const std::vector<std::size_t> &joined() const { return joined_; }
  /// An index held them in another way.
  [[nodiscard]] bool hasFailed() const { return hasFailed_; }

  IndexExprPtr rewritten(const IndexExprPtr &index) {
    bool isUsed = false;
    forEachAxis(*index, [&](std::size_t a) {
      isUsed = isUsed || std::ranges::find(joined_, a) != joined_.end();
    });
    if (!isUsed || hasFailed_)
      return index;
    if (const auto form = affineForm(*index, axes_); form && isHeld(*form))
      return rewritten(*form);
    hasFailed_ = !index->left;
    return hasFailed_ ? index
                      : indexBinary(index->kind, rewritten(index->left), rewritten(index->right));
  }

private:
  [[nodiscard]] std::int64_t factorIn(const AffineIndex &form) const {
    return form.coefficients[axis()] / form_.coefficients[axis()];
  }
  /// Whether \p form holds all of the axes, or its multiple.
  [[nodiscard]] bool isHeld(const AffineIndex &form) const {
    return std::ranges::all_of(joined_, [&](std::size_t a) {
      return checkedMul(factorIn(form), form_.coefficients[a]) == form.coefficients[a];
    });
  }

  [[nodiscard]] IndexExprPtr rewritten(const AffineIndex &form) const {
    IndexExprPtr result = indexConstant(form.constant);
    const auto add = [&](std::size_t a, std::int64_t coefficient) {
      if (coefficient != 0)
        result = indexBinary(
            IndexExpr::Kind::Add,
            indexBinary(IndexExpr::Kind::Mul, indexAxis(a), indexConstant(coefficient)), result);
    };
    for (std::size_t a = 0; a < axes_.size(); ++a)
      if (a == axis())
        add(a, factorIn(form));
      else if (std::ranges::find(joined_, a) == joined_.end())
        add(a, form.coefficients[a]);
    return result;
  }

  AffineIndex form_;
  std::vector<Axis> axes_;
  std::vector<std::size_t> joined_;
  bool hasFailed_ = false;
};

/// A stage that is one store, under conditions or none.
class SplitStage {
public:
  explicit SplitStage(Computation &computation) : computation_(computation) {}

  void run() {
    if (isPlain() || !isMeant())
      return;
    bool isChanged = joinAll();
    const bool writesDigits = !sums() && !writesPlainly();
    if (writesDigits)
      dropUnits();
    const std::size_t axisCount = computation_.axes.size();
    cutDigits(computation_,
              [&](std::size_t axis) { return writesDigits || isInDigitsAlone(axis); });
    isChanged = isChanged || writesDigits || computation_.axes.size() != axisCount;
    isChanged = joinAll() || isChanged;
    // Not before: `(f % 7 * 3 + i) % 3` is `i` alone, which nothing is held together with.
    if (isChanged)
      simplify(computation_);
  }

private:
  [[nodiscard]] bool sums() const { return computation_.combiner != Combiner::None; }
  [[nodiscard]] bool readsOwn() const {
    return std::ranges::any_of(computation_.accesses, [&](const Access &access) {
      return access.tensor == computation_.written;
    });
  }

  [[nodiscard]] bool isMeant() const {
    constexpr std::size_t mostAxes = 64;
    if (!isRectangular(computation_) || computation_.axes.size() > mostAxes ||
        !computation_.alsoWritten.empty() || computation_.combiner == Combiner::Opaque)
      return false;
    return computation_.body ? onlyStore(*computation_.body).has_value()
                             : computation_.opaqueReason.empty();
  }

  /// Whether there is nothing to join or to cut, as in most blocks.
  [[nodiscard]] bool isPlain() const {
    if (computation_.body || !writesPlainly())
      return false;
    bool isCut = false;
    forEachNode(*computation_.value, [&](const ValueExpr &node) {
      isCut = isCut || (node.index && isCutIn(*node.index));
    });
    return !isCut && std::ranges::none_of(computation_.accesses, [](const Access &access) {
      return std::ranges::any_of(access.indices,
                                 [](const IndexExprPtr &index) { return isCutIn(*index); });
    });
  }
  /// Whether \p index holds a quotient or a remainder, or may do so in what data say.
  static bool isCutIn(const IndexExpr &index) {
    return index.kind == IndexExpr::Kind::FloorDiv || index.kind == IndexExpr::Kind::FloorMod ||
           index.computed || (index.left && isCutIn(*index.left)) ||
           (index.right && isCutIn(*index.right));
  }

  /// Whether the axes are those of what is written, as blocks have them, in spite of a layout or a
  /// function that cuts them elsewhere.
  [[nodiscard]] bool writesPlainly() const {
    return std::ranges::all_of(computation_.writeIndices, [](const IndexExprPtr &index) {
      return index->kind == IndexExpr::Kind::Axis || index->kind == IndexExpr::Kind::Constant;
    });
  }

  /// Whether no index holds \p axis but as a digit of it: then it is a fused loop, and not an axis
  /// that the layout of one tensor alone has in blocks.
  [[nodiscard]] bool isInDigitsAlone(std::size_t axis) {
    bool isBare = false;
    mapIndices(computation_, [&](const IndexExprPtr &index) {
      isBare = isBare || holdsBare(*index, axis);
      return index;
    });
    return !isBare;
  }
  static bool holdsBare(const IndexExpr &index, std::size_t axis) {
    if (index.kind == IndexExpr::Kind::Axis)
      return static_cast<std::size_t>(index.value) == axis;
    const bool isDigit =
        (index.kind == IndexExpr::Kind::FloorDiv || index.kind == IndexExpr::Kind::FloorMod) &&
        index.left->kind == IndexExpr::Kind::Axis;
    return !isDigit && index.left &&
           (holdsBare(*index.left, axis) || holdsBare(*index.right, axis));
  }

  /// Reads the conditions around the store; those that `and` joins as several.
  void readConditions() {
    if (!computation_.body)
      return;
    guarded_ = *onlyStore(*computation_.body);
    std::vector<ValueExprPtr> parts;
    std::vector<ValueExprPtr> left(guarded_.conditions.rbegin(), guarded_.conditions.rend());
    while (!left.empty()) {
      const ValueExprPtr condition = std::move(left.back());
      left.pop_back();
      if (condition->kind == ValueExpr::Kind::Compare && condition->name == "and")
        left.insert(left.end(), condition->operands.rbegin(), condition->operands.rend());
      else
        parts.push_back(condition);
    }
    guarded_.conditions = std::move(parts);
  }

  /// Drops the axes of one value, which are nothing but zeros in sums.
  void dropUnits() {
    std::vector<Axis> axes;
    std::vector<IndexExprPtr> values;
    for (const Axis &axis : computation_.axes) {
      values.push_back(axis.extent == 1 ? indexConstant(0) : indexAxis(axes.size()));
      if (axis.extent != 1)
        axes.push_back(axis);
    }
    substituteAxes(computation_, std::move(axes), values);
  }

  /// False if there is nothing to join.
  bool joinAll() {
    readConditions();
    bool isChanged = false;
    while (joinOne())
      isChanged = true;
    if (isChanged)
      dropConditions();
    return isChanged;
  }

  bool joinOne() {
    for (const ValueExprPtr &condition : guarded_.conditions)
      if (const auto limit = limitOf(*condition, computation_.axes); limit && join(*limit))
        return true;
    return std::ranges::any_of(computation_.writeIndices, [&](const IndexExprPtr &index) {
      constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
      const auto form = affineForm(*index, computation_.axes);
      return form && join({*form, unlimited});
    });
  }

  bool join(const Limit &limit) {
    // What is summed, or made of what is there, changes if it is done twice.
    const auto count = valueCount(limit.form, computation_.axes, sums() || readsOwn());
    Joiner joiner(limit.form, computation_.axes);
    const bool isOneKind = std::ranges::all_of(joiner.joined(), [&](std::size_t a) {
      return computation_.axes[a].kind == computation_.axes[joiner.axis()].kind;
    });
    // One axis alone is as good under its condition, but where products are counted and in buffers
    // whose readers look through what fills them.
    const bool mayEnd = sums() || computation_.written.isLocal;
    const bool changesAxes = joiner.joined().size() > 1 || (mayEnd && limit.limit < count);
    if (!count || joiner.joined().empty() || !changesAxes || limit.limit < 1 || !isOneKind)
      return false;
    Computation joined = computation_;
    mapIndices(joined, [&](const IndexExprPtr &index) { return joiner.rewritten(index); });
    if (joiner.hasFailed())
      return false;
    joined.axes[joiner.axis()].extent = std::min(*count, limit.limit);
    computation_ = std::move(joined);
    removeJoined(joiner);
    readConditions();
    return true;
  }

  void removeJoined(const Joiner &joiner) {
    std::vector<Axis> axes;
    std::vector<IndexExprPtr> values;
    std::int64_t points = 1; // no more than before
    for (std::size_t a = 0; a < computation_.axes.size(); ++a) {
      const bool isGone =
          a != joiner.axis() && std::ranges::find(joiner.joined(), a) != joiner.joined().end();
      values.push_back(isGone ? indexConstant(0) : indexAxis(axes.size()));
      if (isGone)
        continue;
      axes.push_back(computation_.axes[a]);
      points *= axes.back().extent;
    }
    substituteAxes(computation_, std::move(axes), values);
    computation_.points = points;
  }

  /// Drops the conditions that always hold.
  void dropConditions() {
    if (!computation_.body)
      return;
    std::erase_if(guarded_.conditions, [&](const ValueExprPtr &condition) {
      const auto limit = limitOf(*condition, computation_.axes);
      const auto range = limit ? rangeOf(limit->form, computation_.axes) : std::nullopt;
      return range && range->high < limit->limit;
    });
    StageBody body = *computation_.body;
    body.statements = {statementOf(guarded_)};
    computation_.body = std::make_shared<const StageBody>(std::move(body));
    if (guarded_.conditions.empty())
      computation_.opaqueReason.clear(); // it was that the store stands under a condition
    const bool goesOn = sums() && readsOwn();
    if (guarded_.conditions.empty() && !goesOn)
      computation_.body = nullptr;
  }

  Computation &computation_;
  GuardedStore guarded_;
};

} // namespace

void joinSplitLoops(FunctionTemplate &function) {
  for (Computation &computation : function.computations)
    SplitStage(computation).run();
}

} // namespace acadlc::tir
