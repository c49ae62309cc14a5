#include "frontend/tir/BufferShapes.h"

#include "frontend/tir/GuardedStore.h"
#include "frontend/tir/RepeatedTiles.h"
#include "frontend/tir/StagePlaces.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

using Indices = std::vector<IndexExprPtr>;
using IndexKind = IndexExpr::Kind;

//===--- Indices --------------------------------------------------------------------------===//

IndexExprPtr indexOf(const AffineIndex &form) {
  std::vector<std::size_t> terms;
  for (std::size_t a = 0; a < form.coefficients.size(); ++a)
    if (form.coefficients[a] != 0)
      terms.push_back(a);
  std::ranges::stable_sort(terms, std::greater{},
                           [&](std::size_t a) { return std::abs(form.coefficients[a]); });
  IndexExprPtr index = indexConstant(0);
  for (const std::size_t a : terms)
    index =
        indexBinary(IndexKind::Add, std::move(index),
                    indexBinary(IndexKind::Mul, indexAxis(a), indexConstant(form.coefficients[a])));
  return indexBinary(IndexKind::Add, std::move(index), indexConstant(form.constant));
}

/// The axis that \p index is; none if it is more than that.
std::optional<std::size_t> plainAxis(const IndexExpr &index) {
  return index.kind == IndexKind::Axis ? std::optional(static_cast<std::size_t>(index.value))
                                       : std::nullopt;
}

bool touches(Computation &computation, const std::function<bool(TensorRef)> &isMeant) {
  bool found = std::ranges::any_of(computation.alsoWritten, isMeant);
  forEachPlace(computation, [&](TensorRef tensor, Indices &) { found = found || isMeant(tensor); });
  return found;
}

/// \p index with all parts of it as sums that are.
IndexExprPtr simplified(const IndexExprPtr &index, const std::vector<Axis> &axes) {
  constexpr std::uint32_t largest = 256; // no schedule writes more
  if (index->size > largest)
    return index;
  if (const auto form = affineForm(*index, axes))
    return indexOf(*form);
  return index->left ? indexBinary(index->kind, simplified(index->left, axes),
                                   simplified(index->right, axes))
                     : index;
}

//===--- Axes -----------------------------------------------------------------------------===//

/// Adds the numbers at which \p index cuts bare axes.
void addCuts(const IndexExpr &index, std::vector<std::set<std::int64_t>> &cuts) {
  const bool isFloor = index.kind == IndexKind::FloorDiv || index.kind == IndexKind::FloorMod;
  if (isFloor && index.right->kind == IndexKind::Constant) {
    if (const auto axis = plainAxis(*index.left))
      cuts[*axis].insert(index.right->value);
    // `axis // divisor % extent`
    const IndexExpr &inner = *index.left;
    const bool isDigit = index.kind == IndexKind::FloorMod && inner.kind == IndexKind::FloorDiv &&
                         inner.right->kind == IndexKind::Constant;
    const auto axis = isDigit ? plainAxis(*inner.left) : std::nullopt;
    if (const auto cut = axis ? checkedMul(inner.right->value, index.right->value) : std::nullopt)
      cuts[*axis].insert(*cut);
  }
  if (index.left)
    addCuts(*index.left, cuts);
  if (index.right)
    addCuts(*index.right, cuts);
}

/// Cuts axes into digits. Numbers that don't divide one another cut nothing.
void cutAxes(Computation &computation, const std::vector<std::set<std::int64_t>> &cuts) {
  std::vector<Axis> axes;
  Indices values;
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const Axis &axis = computation.axes[a];
    std::vector<std::int64_t> steps{1};
    for (const std::int64_t cut : cuts[a])
      if (cut > 1 && cut < axis.extent)
        steps.push_back(cut);
    steps.push_back(axis.extent);
    const bool fits = std::ranges::adjacent_find(steps, [](std::int64_t low, std::int64_t high) {
                        return high % low != 0;
                      }) == steps.end();
    if (!fits)
      steps = {1, axis.extent};
    IndexExprPtr value = indexConstant(0);
    for (std::size_t s = steps.size() - 1; s-- > 0;) {
      value =
          indexBinary(IndexKind::Add, std::move(value),
                      indexBinary(IndexKind::Mul, indexAxis(axes.size()), indexConstant(steps[s])));
      axes.push_back({axis.name, steps[s + 1] / steps[s], axis.kind});
    }
    values.push_back(std::move(value));
  }
  if (axes.size() == computation.axes.size())
    return;
  substituteAxes(computation, std::move(axes), values);
  // What is left of a reduced axis where it numbers results reduces nothing.
  std::vector<bool> inWrite(computation.axes.size());
  for (const IndexExprPtr &index : computation.writeIndices)
    forEachAxis(*simplified(index, computation.axes), [&](std::size_t a) { inWrite[a] = true; });
  for (std::size_t a = 0; a < inWrite.size(); ++a)
    if (inWrite[a])
      computation.axes[a].kind = Axis::Kind::Spatial;
}

/// Whether indices hold \p outer and \p inner only as `outer * extent + inner`, or its multiples.
bool isHeldTogether(const std::vector<AffineIndex> &forms, std::size_t outer, std::size_t inner,
                    std::int64_t extent) {
  bool isUsed = false;
  for (const AffineIndex &form : forms) {
    const auto scaled = checkedMul(form.coefficients[inner], extent);
    if (!scaled || *scaled != form.coefficients[outer])
      return false;
    isUsed = isUsed || *scaled != 0;
  }
  return isUsed;
}

void joinPair(Computation &computation, std::size_t outer, std::size_t inner) {
  std::vector<Axis> axes;
  Indices values(computation.axes.size());
  std::size_t joined = 0;
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    if (a == inner)
      continue;
    values[a] = indexAxis(axes.size());
    if (a == outer)
      joined = axes.size();
    axes.push_back(computation.axes[a]);
  }
  const std::int64_t extent = computation.axes[inner].extent;
  axes[joined].extent *= extent;
  values[outer] = indexBinary(IndexKind::FloorDiv, indexAxis(joined), indexConstant(extent));
  values[inner] = indexBinary(IndexKind::FloorMod, indexAxis(joined), indexConstant(extent));
  forEachPlace(computation, [&](TensorRef, Indices &indices) {
    for (IndexExprPtr &index : indices) {
      const auto form = affineForm(*index, computation.axes);
      AffineIndex whole{form->constant, AffineIndex::Coefficients(axes.size(), 0)};
      for (std::size_t a = 0, to = 0; a < computation.axes.size(); ++a) {
        if (a == inner)
          continue;
        whole.coefficients[to] = form->coefficients[a == outer ? inner : a];
        ++to;
      }
      index = indexOf(whole);
    }
  });
  // Indices are done with; these are the conditions.
  computation.value = substitute(computation.value, values);
  computation.axes = std::move(axes);
}

} // namespace

void simplify(Computation &computation) {
  const std::vector<Axis> axes = computation.axes;
  mapIndices(computation, [&](const IndexExprPtr &index) { return simplified(index, axes); });
}

void cutDigits(Computation &computation, const std::function<bool(std::size_t)> &isMeant) {
  std::vector<std::set<std::int64_t>> cuts(computation.axes.size());
  forEachPlace(computation, [&](TensorRef, Indices &indices) {
    for (const IndexExprPtr &index : indices)
      addCuts(*index, cuts);
  });
  for (std::size_t a = 0; a < cuts.size(); ++a)
    if (!cuts[a].empty() && !isMeant(a))
      cuts[a].clear();
  cutAxes(computation, cuts);
}

// Leaves alone axes that something else depends on.
void joinAxes(Computation &computation) {
  constexpr std::size_t mostAxes = 64;
  if (!isRectangular(computation) || computation.axes.size() > mostAxes || computation.body)
    return;
  std::set<std::size_t> inValue;
  forEachAxis(*computation.value, [&](std::size_t a) { inValue.insert(a); });
  for (bool isNew = true; isNew;) {
    isNew = false;
    std::vector<AffineIndex> forms;
    bool isAffine = true;
    forEachPlace(computation, [&](TensorRef, Indices &indices) {
      for (const IndexExprPtr &index : indices) {
        auto form = affineForm(*index, computation.axes);
        isAffine = isAffine && form;
        if (form)
          forms.push_back(std::move(*form));
      }
    });
    if (!isAffine || !inValue.empty())
      return;
    const std::vector<Axis> &axes = computation.axes;
    for (std::size_t outer = 0; outer < axes.size() && !isNew; ++outer)
      for (std::size_t inner = 0; inner < axes.size() && !isNew; ++inner) {
        const bool fits = outer != inner && axes[outer].kind == axes[inner].kind &&
                          axes[outer].extent > 1 && axes[inner].extent > 1 &&
                          isHeldTogether(forms, outer, inner, axes[inner].extent);
        if (!fits)
          continue;
        joinPair(computation, outer, inner);
        isNew = true;
      }
  }
}

namespace {

bool readsOwn(const Computation &computation) {
  return std::ranges::any_of(computation.accesses, [&](const Access &access) {
    return access.tensor == computation.written;
  });
}

bool isPlainStore(const Computation &computation) {
  return computation.combiner == Combiner::None && !computation.body &&
         computation.opaqueReason.empty() && computation.alsoWritten.empty() &&
         isRectangular(computation);
}

/// Gives a store to a tensor of \p shape an axis for each dimension of one element that it names by
/// its number, as TVM's blocks have.
void addUnitAxes(Computation &computation, const Shape &shape) {
  if (!isPlainStore(computation) || readsOwn(computation))
    return;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    IndexExprPtr &index = computation.writeIndices[d];
    if (shape[d] != 1 || index->kind != IndexKind::Constant)
      continue;
    index = indexAxis(computation.axes.size());
    computation.axes.push_back({"unit", 1, Axis::Kind::Spatial});
  }
}

//===--- Rows -----------------------------------------------------------------------------===//

constexpr std::size_t mostSums = 32; ///< that conditions tell of one access

/// Values that a sum of axes takes where an access happens: low … high − 1.
struct SumBounds {
  AffineIndex::Coefficients coefficients;
  std::int64_t low = 0, high = 0;
};

/// Values that an axis takes where an access happens: low … high − 1.
struct AxisBounds {
  std::vector<std::int64_t> low, high;
  std::vector<SumBounds> sums; ///< of several axes, as far as conditions tell
};

AxisBounds boundsOf(const std::vector<Axis> &axes) {
  AxisBounds bounds;
  for (const Axis &axis : axes) {
    bounds.low.push_back(0);
    bounds.high.push_back(axis.extent);
  }
  return bounds;
}

/// The bounds in \p bounds of the sum with \p coefficients; at first those that its axes give. Null
/// if they leave 64 bits.
SumBounds *sumIn(AxisBounds &bounds, const AffineIndex::Coefficients &coefficients) {
  const auto known = std::ranges::find(bounds.sums, coefficients, &SumBounds::coefficients);
  if (known != bounds.sums.end())
    return &*known;
  std::optional<std::int64_t> least = 0, most = 0;
  for (std::size_t a = 0; a < coefficients.size(); ++a) {
    const auto first = checkedMul(coefficients[a], bounds.low[a]);
    const auto last = checkedMul(coefficients[a], bounds.high[a] - 1);
    least = least && first && last ? checkedAdd(*least, std::min(*first, *last)) : std::nullopt;
    most = most && first && last ? checkedAdd(*most, std::max(*first, *last)) : std::nullopt;
  }
  const auto high = most ? checkedAdd(*most, 1) : std::nullopt;
  if (!least || !high)
    return nullptr;
  bounds.sums.push_back({coefficients, *least, *high});
  return &bounds.sums.back();
}

/// Narrows \p bounds: there \p index is below \p limit, or, if \p isLow, at least that.
void narrow(const IndexExpr &index, bool isLow, std::int64_t limit, const std::vector<Axis> &axes,
            AxisBounds &bounds) {
  constexpr std::int64_t farAway = std::int64_t{1} << 60;
  if (std::abs(limit) >= farAway)
    return;
  std::int64_t *low = nullptr, *high = nullptr;
  if (const auto axis = plainAxis(index)) {
    low = &bounds.low[*axis];
    high = &bounds.high[*axis];
  } else if (const auto form = affineForm(index, axes);
             form && std::abs(form->constant) < farAway && bounds.sums.size() < mostSums) {
    limit -= form->constant;
    if (SumBounds *sum = sumIn(bounds, form->coefficients)) {
      low = &sum->low;
      high = &sum->high;
    }
  }
  if (isLow && low != nullptr)
    *low = std::max(*low, limit);
  if (!isLow && high != nullptr)
    *high = std::min(*high, limit);
}

/// Narrows \p bounds by those parts of \p condition that compare a sum of axes with a number.
void narrow(const ValueExpr &condition, const std::vector<Axis> &axes, AxisBounds &bounds) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2)
    return;
  if (condition.name == "and") {
    narrow(*condition.operands[0], axes, bounds);
    narrow(*condition.operands[1], axes, bounds);
    return;
  }
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  if (!left || !right)
    return;
  const bool isLess = condition.name == "<" || condition.name == "<=";
  const bool isGreater = condition.name == ">" || condition.name == ">=";
  const IndexExprPtr &lower = isLess ? left : right;
  const IndexExprPtr &upper = isLess ? right : left;
  const std::int64_t open = condition.name.size() == 1 ? 1 : 0; // the limit itself is excluded
  if (!isLess && !isGreater)
    return;
  if (upper->kind == IndexKind::Constant)
    narrow(*lower, false, upper->value + 1 - open, axes, bounds);
  else if (lower->kind == IndexKind::Constant)
    narrow(*upper, true, lower->value + open, axes, bounds);
}

/// The bounds of every read of \p computation, by the conditions within its value.
void addReadBounds(const ValueExpr &value, const std::vector<Axis> &axes, const AxisBounds &bounds,
                   std::vector<AxisBounds> &reads) {
  if (value.kind == ValueExpr::Kind::Load)
    reads[value.value] = bounds;
  for (std::size_t i = 0; i < value.operands.size(); ++i) {
    AxisBounds inside = bounds;
    if (value.kind == ValueExpr::Kind::Select && i == 1)
      narrow(*value.operands[0], axes, inside);
    addReadBounds(*value.operands[i], axes, inside, reads);
  }
}

/// Quotient and remainder of an index.
struct Halves {
  AffineIndex high, low;
};

/// A part of a sum: how often a sum with known bounds is in it.
struct SumPart {
  const SumBounds *sum = nullptr;
  std::int64_t factor = 0;
};

/// The first sum of several axes with known bounds that \p form holds a multiple of; none if there
/// is none.
std::optional<SumPart> knownSum(const AffineIndex &form, const AxisBounds &bounds) {
  for (const SumBounds &sum : bounds.sums) {
    std::int64_t factor = 0;
    bool fits = true;
    for (std::size_t a = 0; a < sum.coefficients.size() && fits; ++a) {
      const std::int64_t own = sum.coefficients[a];
      if (own == 0)
        continue;
      if (factor == 0 && form.coefficients[a] % own == 0)
        factor = form.coefficients[a] / own;
      fits = factor > 0 && checkedMul(own, factor) == form.coefficients[a];
    }
    if (fits && factor > 0)
      return SumPart{&sum, factor};
  }
  return std::nullopt;
}

/// Smallest and largest value of \p form; none if that is not known.
std::optional<IndexRange> rangeWithin(AffineIndex form, const AxisBounds &bounds) {
  std::optional<std::int64_t> least = form.constant, most = form.constant;
  const auto add = [&](std::int64_t factor, std::int64_t low, std::int64_t high) {
    const auto first = checkedMul(factor, low);
    const auto last = checkedMul(factor, high - 1);
    const bool isKnown = low < high && first && last;
    least = isKnown && least ? checkedAdd(*least, std::min(*first, *last)) : std::nullopt;
    most = isKnown && most ? checkedAdd(*most, std::max(*first, *last)) : std::nullopt;
  };
  for (auto part = knownSum(form, bounds); part; part = knownSum(form, bounds)) {
    add(part->factor, part->sum->low, part->sum->high);
    for (std::size_t a = 0; a < form.coefficients.size(); ++a)
      if (part->sum->coefficients[a] != 0)
        form.coefficients[a] = 0;
  }
  for (std::size_t a = 0; a < form.coefficients.size(); ++a)
    if (form.coefficients[a] != 0)
      add(form.coefficients[a], bounds.low[a], bounds.high[a]);
  return least && most ? std::optional(IndexRange{*least, *most}) : std::nullopt;
}

/// \p form as `high * step + low` with 0 ≤ low < step; none if the terms don't part so.
std::optional<Halves> cut(const AffineIndex &form, std::int64_t step, const AxisBounds &bounds) {
  Halves halves{{0, AffineIndex::Coefficients(form.coefficients.size(), 0)},
                {form.constant, AffineIndex::Coefficients(form.coefficients.size(), 0)}};
  for (std::size_t a = 0; a < form.coefficients.size(); ++a) {
    const std::int64_t factor = form.coefficients[a];
    if (factor % step == 0)
      halves.high.coefficients[a] = factor / step;
    else
      halves.low.coefficients[a] = factor;
  }
  const auto range = rangeWithin(halves.low, bounds);
  if (!range)
    return std::nullopt;
  const std::int64_t multiple = *checkedFloorDiv(range->low, step);
  if (*checkedFloorDiv(range->high, step) != multiple)
    return std::nullopt;
  halves.high.constant = multiple;
  halves.low.constant -= multiple * step;
  return halves;
}

/// A tensor's index as it is read or written somewhere, of one dimension.
struct RowAccess {
  AffineIndex form;
  AxisBounds bounds;
  const Computation *computation = nullptr;
};

/// Whether positions and taps take turns in \p access, as in a window of two dimensions: then a
/// stride that parts a position from its taps is no dimension of the tensor.
bool isWindow(const RowAccess &access) {
  std::vector<std::pair<std::int64_t, Axis::Kind>> terms;
  const std::vector<Axis> &axes = access.computation->axes;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (access.form.coefficients[a] != 0 && axes[a].extent > 1)
      terms.emplace_back(-access.form.coefficients[a], axes[a].kind);
  std::ranges::sort(terms);
  std::size_t turns = 0; // from a position to taps
  for (std::size_t i = 1; i < terms.size(); ++i)
    turns += terms[i - 1].second == Axis::Kind::Spatial && terms[i].second == Axis::Kind::Reduction
                 ? 1
                 : 0;
  return turns > 1;
}

/// Whether \p step parts a position of a window from its taps. Taps that step as far as the
/// position are its own: what is below them is another dimension.
bool partsWindow(const RowAccess &access, std::int64_t step) {
  if (!isWindow(access))
    return false;
  const std::vector<Axis> &axes = access.computation->axes;
  std::int64_t nextBelow = 0, nextAbove = std::numeric_limits<std::int64_t>::max();
  bool isTap = false, isPosition = false;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const std::int64_t factor = access.form.coefficients[a];
    if (factor == 0 || axes[a].extent == 1)
      continue;
    if (factor < step && factor > nextBelow) {
      nextBelow = factor;
      isTap = axes[a].kind == Axis::Kind::Reduction;
    }
    if (factor >= step && factor <= nextAbove) {
      const bool isOwn = factor < nextAbove || isPosition;
      nextAbove = factor;
      isPosition = isOwn && axes[a].kind == Axis::Kind::Spatial;
    }
  }
  return isTap && isPosition;
}

//===--- The pass -------------------------------------------------------------------------===//

class ShapeRestorer {
public:
  ShapeRestorer(FunctionTemplate &function, const PrivateBuffers &privates, bool ownsParameters)
      : function_(function), ownsParameters_(ownsParameters) {
    for (const auto &[index, loops] : privates) {
      privates_.insert(index);
      loopDimensions_[index] = loops.extents.size();
    }
  }

  void run() {
    constexpr std::size_t mostStages = 1000; // far more than any compiler prints
    if (function_.computations.size() > mostStages)
      return;
    findRows();
    if (privates_.empty() && rows_.empty())
      return;
    dropUnits();
    prepare();
    shapeRows();
    constexpr std::size_t mostRounds = 100;
    for (std::size_t round = 0; round < mostRounds; ++round)
      if (!forwardCopy() && !adoptShape())
        break;
    for (Computation &computation : function_.computations)
      if (isMeant(computation)) {
        simplify(computation);
        joinAxes(computation);
      }
  }

private:
  using Key = std::pair<bool, std::uint32_t>;
  static Key keyOf(TensorRef tensor) { return {tensor.isLocal, tensor.index}; }

  [[nodiscard]] bool isPrivate(TensorRef tensor) const {
    return tensor.isLocal && privates_.contains(tensor.index);
  }
  [[nodiscard]] bool isMeant(Computation &computation) const {
    return touches(computation, [&](TensorRef tensor) {
      return isPrivate(tensor) || rows_.contains(keyOf(tensor));
    });
  }
  [[nodiscard]] Tensor &tensorOf(TensorRef tensor) {
    return tensor.isLocal ? function_.locals[tensor.index]
                          : function_.parameters[tensor.index].tensor;
  }

  /// Finds buffers of one dimension where a store goes through several axes, and with them, of the
  /// parameters, all.
  void findRows() {
    bool storesRow = false;
    for (Computation &computation : function_.computations) {
      const TensorRef written = computation.written;
      const bool isRow =
          !computation.writeIndices.empty() &&
          (isPrivate(written) || (computation.writeIndices.size() == 1 &&
                                  holdsSeveral(computation, *computation.writeIndices[0])));
      if (isRow && written.isLocal)
        rows_.insert(keyOf(written));
      storesRow = storesRow || (isRow && holdsSeveral(computation, *computation.writeIndices[0]));
    }
    const bool areRows = std::ranges::all_of(function_.parameters, [](const auto &parameter) {
      return parameter.tensor.shape.size() <= 1;
    });
    if (areRows && ownsParameters_ && storesRow)
      for (std::uint32_t i = 0; i < function_.parameters.size(); ++i)
        rows_.insert({false, i});
  }

  /// Whether \p index goes through several axes, or through one that is cut into digits elsewhere.
  static bool holdsSeveral(Computation &computation, const IndexExpr &index) {
    std::vector<std::set<std::int64_t>> cuts(computation.axes.size());
    forEachPlace(computation, [&](TensorRef, Indices &indices) {
      for (const IndexExprPtr &each : indices)
        addCuts(*each, cuts);
    });
    std::size_t count = 0;
    std::set<std::size_t> axes;
    forEachAxis(index, [&](std::size_t a) {
      if (computation.axes[a].extent > 1 && axes.insert(a).second)
        count += cuts[a].empty() ? 1 : 2;
    });
    return count > 1;
  }

  /// Leaves dimensions of one element, `acc[0]`, out of buffers that have dimensions of loops.
  void dropUnits() {
    for (const auto &[index, loops] : loopDimensions_)
      if (loops != 0)
        for (std::size_t d = function_.locals[index].shape.size(); d-- > loops;)
          if (function_.locals[index].shape[d] == 1)
            dropDimension(function_, index, d);
  }

  /// Makes the axes of the stages those of the unscheduled text, as far as they alone tell.
  void prepare() {
    for (Computation &computation : function_.computations) {
      if (!isMeant(computation) || !isRectangular(computation))
        continue;
      cutDigits(computation, [](std::size_t) { return true; });
      simplify(computation);
      if (computation.combiner != Combiner::None)
        joinAxes(computation);
    }
  }

  /// All accesses to \p dimension of \p tensor; none if one of them is not a sum.
  std::optional<std::vector<RowAccess>> accessesOf(TensorRef tensor, std::size_t dimension) {
    std::vector<RowAccess> result;
    bool isKnown = true;
    const auto add = [&](const Computation &computation, const Indices &indices,
                         const AxisBounds &bounds) {
      auto form = affineForm(*indices[dimension], computation.axes);
      isKnown = isKnown && form;
      if (form)
        result.push_back({std::move(*form), bounds, &computation});
    };
    for (Computation &computation : function_.computations) {
      const AxisBounds whole = boundsOf(computation.axes);
      std::vector<AxisBounds> reads(computation.accesses.size(), whole);
      addReadBounds(*computation.value, computation.axes, whole, reads);
      for (std::size_t i = 0; i < reads.size(); ++i)
        if (computation.accesses[i].tensor == tensor)
          add(computation, computation.accesses[i].indices, reads[i]);
      if (computation.written == tensor)
        add(computation, computation.writeIndices, whole);
      const bool alsoWrites =
          std::ranges::find(computation.alsoWritten, tensor) != computation.alsoWritten.end();
      // Conditions of a body are not looked at.
      isKnown = isKnown && !alsoWrites;
      if (computation.body && touches(computation, [&](TensorRef t) { return t == tensor; }))
        isKnown = false;
    }
    return isKnown && !result.empty() ? std::optional(std::move(result)) : std::nullopt;
  }

  /// The strides that reductions tell, else those that any access does.
  static std::set<std::int64_t> stridesOf(const std::vector<RowAccess> &accesses) {
    std::set<std::int64_t> all, ofReductions;
    for (const RowAccess &access : accesses)
      for (std::size_t a = 0; a < access.form.coefficients.size(); ++a) {
        const std::int64_t factor = access.form.coefficients[a];
        if (factor <= 1 || access.computation->axes[a].extent == 1)
          continue;
        all.insert(factor);
        if (access.computation->combiner != Combiner::None)
          ofReductions.insert(factor);
      }
    return ofReductions.empty() ? all : ofReductions;
  }

  /// Cuts an axis of stages without a reduction where it runs across a dimension.
  bool alignAxes(TensorRef tensor, std::size_t dimension, std::int64_t step) {
    bool isChanged = false;
    for (Computation &computation : function_.computations) {
      if (computation.combiner != Combiner::None || !isRectangular(computation))
        continue;
      std::vector<std::set<std::int64_t>> cuts(computation.axes.size());
      bool hasCut = false;
      forEachPlace(computation, [&](TensorRef place, Indices &indices) {
        if (place != tensor)
          return;
        const auto form = affineForm(*indices[dimension], computation.axes);
        for (std::size_t a = 0; form && a < cuts.size(); ++a) {
          const std::int64_t factor = form->coefficients[a];
          if (factor < 1 || step % factor != 0 || step == factor ||
              computation.axes[a].extent <= step / factor ||
              computation.axes[a].extent % (step / factor) != 0)
            continue;
          cuts[a].insert(step / factor);
          hasCut = true;
        }
      });
      if (!hasCut)
        continue;
      cutAxes(computation, cuts);
      simplify(computation);
      isChanged = true;
    }
    return isChanged;
  }

  /// The strides of the dimensions that all accesses keep to, 1 first.
  std::vector<std::int64_t> dimensionsOf(TensorRef tensor, std::size_t dimension) {
    std::vector<std::int64_t> chain{1};
    auto accesses = accessesOf(tensor, dimension);
    if (!accesses)
      return chain;
    const std::int64_t extent = tensorOf(tensor).shape[dimension];
    for (const std::int64_t step : stridesOf(*accesses)) {
      if (step % chain.back() != 0 || extent % step != 0 || step == extent)
        continue;
      if (alignAxes(tensor, dimension, step))
        accesses = accessesOf(tensor, dimension);
      if (!accesses)
        return {1};
      const bool fits = std::ranges::all_of(*accesses, [&](const RowAccess &access) {
        return cut(access.form, step, access.bounds) && !partsWindow(access, step);
      });
      if (fits)
        chain.push_back(step);
    }
    return chain;
  }

  /// Gives every row its dimensions. Those of one can cut the axes that tell those of another.
  void shapeRows() {
    std::set<Key> left = rows_;
    while (std::erase_if(left, [&](const Key &row) { return shapeRow({row.first, row.second}); }) !=
           0) {
    }
  }

  /// Gives a row the dimensions that its strides tell; false if they tell none.
  bool shapeRow(TensorRef tensor) {
    const std::size_t rank = tensorOf(tensor).shape.size();
    if (rank == 0)
      return false;
    const std::size_t dimension = rank - 1;
    const std::vector<std::int64_t> chain = dimensionsOf(tensor, dimension);
    if (chain.size() < 2)
      return false;
    for (Computation &computation : function_.computations) {
      const AxisBounds whole = boundsOf(computation.axes);
      std::vector<AxisBounds> reads(computation.accesses.size(), whole);
      addReadBounds(*computation.value, computation.axes, whole, reads);
      for (std::size_t i = 0; i < reads.size(); ++i)
        if (computation.accesses[i].tensor == tensor)
          unroll(computation.accesses[i].indices, chain, computation, reads[i]);
      if (computation.written == tensor)
        unroll(computation.writeIndices, chain, computation, whole);
    }
    std::vector<std::int64_t> &shape = tensorOf(tensor).shape;
    std::int64_t above = shape[dimension];
    shape.pop_back();
    for (std::size_t i = chain.size(); i-- > 0;) {
      shape.push_back(above / chain[i]);
      above = chain[i];
    }
    return true;
  }

  /// Puts an index for each dimension in the place of the last one.
  static void unroll(Indices &indices, const std::vector<std::int64_t> &chain,
                     const Computation &computation, const AxisBounds &bounds) {
    AffineIndex rest = *affineForm(*indices.back(), computation.axes);
    indices.pop_back();
    for (std::size_t i = chain.size(); i-- > 1;) {
      Halves halves = *cut(rest, chain[i], bounds);
      indices.push_back(indexOf(halves.high));
      rest = std::move(halves.low);
    }
    indices.push_back(indexOf(rest));
  }

  /// The axis of each dimension where \p indices are an axis each, all different and as long as the
  /// dimension; none if they are not.
  static std::optional<std::vector<std::size_t>>
  plainAxes(const Indices &indices, const Shape &shape, const std::vector<Axis> &axes) {
    std::vector<std::size_t> result;
    std::set<std::size_t> used;
    for (std::size_t d = 0; d < indices.size(); ++d) {
      const auto axis = plainAxis(*indices[d]);
      if (!axis || axes[*axis].extent != shape[d] || !used.insert(*axis).second)
        return std::nullopt;
      result.push_back(*axis);
    }
    for (std::size_t a = 0; a < axes.size(); ++a)
      if (axes[a].extent > 1 && !used.contains(a))
        return std::nullopt;
    return result;
  }

  [[nodiscard]] std::size_t writerCount(TensorRef tensor) {
    std::size_t count = 0;
    for (const Computation &computation : function_.computations)
      count +=
          computation.written == tensor || std::ranges::find(computation.alsoWritten, tensor) !=
                                               computation.alsoWritten.end()
              ? 1
              : 0;
    return count;
  }

  /// Whether all that writes \p tensor comes before stage \p index.
  [[nodiscard]] bool isDoneBefore(TensorRef tensor, std::size_t index) {
    for (std::size_t i = index; i < function_.computations.size(); ++i)
      if (function_.computations[i].written == tensor ||
          std::ranges::find(function_.computations[i].alsoWritten, tensor) !=
              function_.computations[i].alsoWritten.end())
        return false;
    return true;
  }

  /// Lets the readers of a copy read what it is a copy of. False if there is no such copy.
  bool forwardCopy() {
    for (std::size_t i = 0; i < function_.computations.size(); ++i) {
      const Computation &copy = function_.computations[i];
      const bool isCopy = isPrivate(copy.written) && isPlainStore(copy) &&
                          copy.value->kind == ValueExpr::Kind::Load && copy.accesses.size() == 1 &&
                          copy.accesses[0].tensor != copy.written;
      if (!isCopy || writerCount(copy.written) != 1 || !isDoneBefore(copy.accesses[0].tensor, i) ||
          isReadBefore(copy.written, i) ||
          tensorOf(copy.written).elementType != tensorOf(copy.accesses[0].tensor).elementType)
        continue;
      const auto axes = plainAxes(copy.writeIndices, tensorOf(copy.written).shape, copy.axes);
      if (!axes)
        continue;
      const Computation source = copy;
      function_.computations.erase(function_.computations.begin() + static_cast<std::ptrdiff_t>(i));
      replace(source.written, source.accesses[0].tensor, source.accesses[0].indices, *axes,
              source.axes.size());
      return true;
    }
    return false;
  }

  [[nodiscard]] bool isReadBefore(TensorRef tensor, std::size_t index) {
    for (std::size_t i = 0; i < index; ++i)
      if (touches(function_.computations[i], [&](TensorRef t) { return t == tensor; }))
        return true;
    return false;
  }

  /// Puts element \p to of \p other in the place of the elements of \p tensor. \p to are indices
  /// over \p axisCount axes of which \p axes stand for the dimensions of \p tensor.
  void replace(TensorRef tensor, TensorRef other, const Indices &to,
               const std::vector<std::size_t> &axes, std::size_t axisCount) {
    for (Computation &computation : function_.computations) {
      bool isChanged = false;
      forEachPlace(computation, [&](TensorRef &place, Indices &indices) {
        if (place != tensor)
          return;
        Indices values(axisCount, indexConstant(0));
        for (std::size_t d = 0; d < axes.size(); ++d)
          values[axes[d]] = indices[d];
        indices.clear();
        for (const IndexExprPtr &index : to)
          indices.push_back(substitute(index, values));
        place = other;
        isChanged = true;
      });
      if (isChanged)
        simplify(computation);
    }
  }

  /// Whether \p indices reach every element of a tensor of \p shape once.
  static bool isBijective(const Indices &indices, const Shape &shape,
                          const std::vector<Axis> &axes) {
    std::set<std::size_t> used;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto form = affineForm(*indices[d], axes);
      if (!form || form->constant != 0)
        return false;
      std::vector<std::pair<std::int64_t, std::int64_t>> terms;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if (form->coefficients[a] == 0 || axes[a].extent == 1)
          continue;
        if (!used.insert(a).second)
          return false;
        terms.emplace_back(form->coefficients[a], axes[a].extent);
      }
      std::ranges::sort(terms);
      std::int64_t reached = 1;
      for (const auto &[factor, extent] : terms) {
        if (factor != reached || extent > shape[d] / reached)
          return false;
        reached *= extent;
      }
      if (reached != shape[d])
        return false;
    }
    return true;
  }

  /// Gives a tile of results the shape of what it is written to. False if there is no such tile.
  bool adoptShape() {
    for (const Computation &reader : function_.computations) {
      if (!isPlainStore(reader) || isPrivate(reader.written))
        continue;
      for (const Access &access : reader.accesses) {
        if (!isPrivate(access.tensor))
          continue;
        const Tensor &tile = tensorOf(access.tensor);
        const Tensor &whole = tensorOf(reader.written);
        const auto axes = plainAxes(access.indices, tile.shape, reader.axes);
        const bool isPlain = std::ranges::all_of(
            reader.writeIndices, [](const auto &index) { return plainAxis(*index).has_value(); });
        if (!axes || (isPlain && tile.shape.size() == whole.shape.size()) ||
            tile.elementCount() != whole.elementCount() ||
            !isBijective(reader.writeIndices, whole.shape, reader.axes))
          continue;
        const TensorRef tensor = access.tensor;
        const Indices to = reader.writeIndices;
        const Shape shape = whole.shape;
        replace(tensor, tensor, to, *axes, reader.axes.size());
        tensorOf(tensor).shape = shape;
        return true;
      }
    }
    return false;
  }

  FunctionTemplate &function_;
  bool ownsParameters_;
  std::set<std::uint32_t> privates_;
  std::map<std::uint32_t, std::size_t> loopDimensions_; ///< of privates: how many, the first ones
  std::set<Key> rows_;
};

} // namespace

void restoreShapes(FunctionTemplate &function, const PrivateBuffers &privates,
                   bool ownsParameters) {
  ShapeRestorer(function, privates, ownsParameters).run();
  for (Computation &computation : function.computations) {
    const TensorRef written = computation.written;
    addUnitAxes(computation, written.isLocal ? function.locals[written.index].shape
                                             : function.parameters[written.index].tensor.shape);
  }
}

} // namespace acadlc::tir
