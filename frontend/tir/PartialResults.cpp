#include "frontend/tir/PartialResults.h"

#include "frontend/tir/BufferShapes.h"
#include "frontend/tir/FusedAxes.h"
#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

/// A reduction that does nothing else, at all points of its axes but for conditions.
bool isReductionOfAll(const Computation &computation) {
  std::optional<std::int64_t> points = 1;
  for (const Axis &axis : computation.axes)
    points = points ? checkedMul(*points, axis.extent) : std::nullopt;
  const bool joins =
      computation.combiner != Combiner::None && computation.combiner != Combiner::Opaque;
  return joins && computation.opaqueReason.empty() && computation.alsoWritten.empty() &&
         points == computation.points;
}

/// A reduction that does nothing else, at all points of its axes.
bool isPlainReduction(const Computation &computation) {
  return !computation.body && isReductionOfAll(computation);
}

/// The only axis of several values that \p index is the value of; none if it is something else.
std::optional<std::size_t> onlyAxis(const IndexExpr &index, const std::vector<Axis> &axes) {
  const auto form = affineForm(index, axes);
  if (!form || form->constant != 0)
    return std::nullopt;
  std::optional<std::size_t> only;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (form->coefficients[a] == 0 || axes[a].extent == 1)
      continue;
    if (only || form->coefficients[a] != 1)
      return std::nullopt;
    only = a;
  }
  return only;
}

/// The axis that each dimension of a tensor of \p shape runs over, all of it; none where it has one
/// element. No value if \p indices are more than axes, or leave out one.
std::optional<std::vector<std::optional<std::size_t>>>
plainAxes(const std::vector<IndexExprPtr> &indices, const std::vector<std::int64_t> &shape,
          const std::vector<Axis> &axes) {
  std::vector<std::optional<std::size_t>> result;
  std::set<std::size_t> used;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    result.emplace_back();
    if (shape[d] == 1)
      continue;
    const auto axis = onlyAxis(*indices[d], axes);
    if (!axis || axes[*axis].extent != shape[d] || !used.insert(*axis).second)
      return std::nullopt;
    result.back() = axis;
  }
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent > 1 && !used.contains(a))
      return std::nullopt;
  return result;
}

/// An axis as a digit of a number.
struct Digit {
  std::size_t axis = 0;
  std::int64_t factor = 1;
};

/// The digits, the last one first, that \p index writes the numbers below \p extent with; none if
/// it is something else.
std::optional<std::vector<Digit>> digitsOf(const IndexExpr &index, std::int64_t extent,
                                           const std::vector<Axis> &axes) {
  const auto form = affineForm(index, axes);
  if (!form || form->constant != 0)
    return std::nullopt;
  std::vector<Digit> digits;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (form->coefficients[a] != 0 && axes[a].extent > 1)
      digits.push_back({a, form->coefficients[a]});
  std::ranges::sort(digits, {}, &Digit::factor);
  std::optional<std::int64_t> reached = 1;
  for (const Digit &digit : digits) {
    if (reached != digit.factor)
      return std::nullopt;
    reached = checkedMul(digit.factor, axes[digit.axis].extent);
  }
  return reached == extent ? std::optional(std::move(digits)) : std::nullopt;
}

/// The digits of each dimension of the tensor of \p shape that \p computation writes, each element
/// once for all values of its spatial axes. No value if it does not.
std::optional<std::vector<std::vector<Digit>>>
writtenDigits(const Computation &computation, const std::vector<std::int64_t> &shape) {
  std::vector<std::vector<Digit>> result;
  std::set<std::size_t> used;
  for (std::size_t d = 0; d < computation.writeIndices.size(); ++d) {
    auto digits = digitsOf(*computation.writeIndices[d], shape[d], computation.axes);
    if (!digits)
      return std::nullopt;
    for (const Digit &digit : *digits)
      if (!used.insert(digit.axis).second)
        return std::nullopt;
    result.push_back(std::move(*digits));
  }
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const Axis &axis = computation.axes[a];
    if (axis.extent > 1 && (axis.kind == Axis::Kind::Spatial) != used.contains(a))
      return std::nullopt;
  }
  return result;
}

/// The number that \p digits write.
IndexExprPtr numberOf(const std::vector<Digit> &digits) {
  IndexExprPtr number = indexConstant(0);
  for (const Digit &digit : digits)
    number = plus(times(indexAxis(digit.axis), digit.factor), std::move(number));
  return number;
}

/// Whether \p axis occurs in \p index.
bool occurs(const IndexExpr &index, std::size_t axis) {
  bool isFound = false;
  forEachAxis(index, [&](std::size_t a) { isFound = isFound || a == axis; });
  return isFound;
}

/// Whether \p form, which is written with \p first and \p second, has them as digits of one number,
/// also with others between them, or one of them alone: a quotient or a remainder of the number.
bool areDigits(const AffineIndex &form, std::size_t first, std::size_t second,
               const std::vector<Axis> &axes) {
  const auto factorOf = [&](std::size_t axis) { return std::abs(form.coefficients[axis]); };
  if (factorOf(first) == 0 || factorOf(second) == 0)
    return true;
  const std::int64_t top = std::max(factorOf(first), factorOf(second));
  std::map<std::int64_t, std::int64_t> digits; // extent by factor
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent > 1 && factorOf(a) >= std::min(factorOf(first), factorOf(second)) &&
        factorOf(a) <= top && !digits.emplace(factorOf(a), axes[a].extent).second)
      return false;
  for (auto digit = digits.begin(), next = std::next(digit); next != digits.end(); digit = next++)
    if (checkedMul(digit->first, digit->second) != next->first)
      return false;
  return true;
}

/// Whether \p first and \p second are digits of one number in all sums that \p index is made of;
/// sets \p isUsed if one of them has both.
bool areDigits(const IndexExpr &index, std::size_t first, std::size_t second,
               const std::vector<Axis> &axes, bool &isUsed) {
  const bool hasFirst = occurs(index, first);
  if (hasFirst != occurs(index, second))
    return false;
  if (!hasFirst)
    return true;
  if (const auto form = affineForm(index, axes)) {
    isUsed = isUsed || (form->coefficients[first] != 0 && form->coefficients[second] != 0);
    return areDigits(*form, first, second, axes);
  }
  return index.left && index.right && areDigits(*index.left, first, second, axes, isUsed) &&
         areDigits(*index.right, first, second, axes, isUsed);
}

/// Whether all that \p computation reads and computes has both axes as digits of one number, and
/// something has them. One of the \p locals may have several dimensions for the digits of what is
/// one dimension elsewhere.
bool areDigits(const Computation &computation, const std::vector<Tensor> &locals, std::size_t first,
               std::size_t second) {
  bool areIn = true, isUsed = false;
  const auto check = [&](const IndexExpr &index) {
    areIn = areIn && areDigits(index, first, second, computation.axes, isUsed);
  };
  for (const Access &access : computation.accesses) {
    bool isNumber = true, isUsedHere = false;
    for (const IndexExprPtr &index : access.indices)
      isNumber = isNumber && areDigits(*index, first, second, computation.axes, isUsedHere);
    isUsed = isUsed || (isNumber && isUsedHere);
    if (!isNumber && access.tensor.isLocal) {
      const auto number = flatIndex(access.indices, locals[access.tensor.index].shape);
      isNumber = areDigits(*number, first, second, computation.axes, isUsedHere);
    }
    areIn = areIn && isNumber;
  }
  forEachNode(*computation.value, [&](const ValueExpr &node) {
    if (node.index)
      check(*node.index);
  });
  return areIn && isUsed;
}

/// Whether some reduced axis of \p computation and \p axis are digits of one number.
bool isDigitOfReduction(const Computation &computation, const std::vector<Tensor> &locals,
                        std::size_t axis) {
  for (std::size_t a = 0; a < computation.axes.size(); ++a)
    if (a != axis && computation.axes[a].kind == Axis::Kind::Reduction &&
        computation.axes[a].extent > 1 && areDigits(computation, locals, a, axis))
      return true;
  return false;
}

/// Whether each part of the axes \p partial of \p computation, of which \p origins says what they
/// are parts of, is a digit of the same number as a part of another reduced axis.
bool areDigitsOfReduction(const Computation &computation, const std::vector<Tensor> &locals,
                          const std::vector<std::size_t> &origins,
                          const std::set<std::size_t> &partial) {
  const auto isPart = [&](std::size_t a) { return partial.contains(origins[a]); };
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    if (!isPart(a) || computation.axes[a].extent == 1)
      continue;
    bool isDigit = false;
    for (std::size_t b = 0; b < computation.axes.size() && !isDigit; ++b)
      isDigit = !isPart(b) && computation.axes[b].kind == Axis::Kind::Reduction &&
                computation.axes[b].extent > 1 && areDigits(computation, locals, b, a);
    if (!isDigit)
      return false;
  }
  return true;
}

/// The one condition that a reduction stands under, if that is all that its body says; else null.
const ValueExpr *onlyCondition(const Computation &computation) {
  if (!computation.body || !computation.body->opaqueReason.empty() ||
      computation.body->statements.size() != 1)
    return nullptr;
  const StageStatement &statement = computation.body->statements[0];
  const bool isOne = statement.condition && statement.then.size() == 1 &&
                     !statement.then[0].condition && statement.otherwise.empty();
  const auto startsFromNumber = [](const StageStatement &init) {
    return stripCasts(*init.value).kind == ValueExpr::Kind::Constant;
  };
  return isOne && std::ranges::all_of(computation.body->init, startsFromNumber)
             ? statement.condition.get()
             : nullptr;
}

/// The reduced axes whose number, `ko * 8 + ki`, a condition keeps below an end.
struct UnevenNumber {
  AffineIndex form;
  std::int64_t end = 0;  ///< less than all values that the axes can make
  std::size_t first = 0; ///< the first of the axes
};

/// What \p condition, `ko * 8 + ki < 30`, keeps below an end: reduced axes of \p computation that
/// are the digits of one number from its last one on. None if it says something else.
std::optional<UnevenNumber> unevenNumber(const ValueExpr &condition,
                                         const Computation &computation) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.name != "<" ||
      condition.operands.size() != 2)
    return std::nullopt;
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  auto form = left ? affineForm(*left, computation.axes) : std::nullopt;
  if (!form || form->constant != 0 || !right || right->kind != IndexExpr::Kind::Constant)
    return std::nullopt;
  std::map<std::int64_t, std::size_t> digits; // axis by factor
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const std::int64_t factor = form->coefficients[a];
    if (factor == 0)
      continue;
    const Axis &axis = computation.axes[a];
    if (factor < 0 || axis.kind != Axis::Kind::Reduction || !digits.emplace(factor, a).second)
      return std::nullopt;
  }
  std::optional<std::int64_t> reached = 1;
  for (const auto &[factor, axis] : digits) {
    if (reached != factor)
      return std::nullopt;
    reached = checkedMul(factor, computation.axes[axis].extent);
  }
  if (digits.size() < 2 || !reached || right->value <= 0 || right->value > *reached)
    return std::nullopt;
  std::size_t first = computation.axes.size();
  for (const auto &[factor, axis] : digits)
    first = std::min(first, axis);
  return UnevenNumber{std::move(*form), right->value, first};
}

/// \p index with one axis, number.first, in the place of those of \p number; null if it uses them
/// in another way.
IndexExprPtr asOneNumber(const IndexExpr &index, const UnevenNumber &number,
                         const std::vector<Axis> &axes) {
  const auto form = affineForm(index, axes);
  if (!form)
    return nullptr;
  const std::int64_t unit = form->coefficients[number.first];
  const std::int64_t factor = number.form.coefficients[number.first];
  const std::int64_t step = unit / factor;
  IndexExprPtr sum;
  const auto add = [&](std::size_t axis, std::int64_t coefficient) {
    if (coefficient == 0)
      return;
    IndexExprPtr term =
        indexBinary(IndexExpr::Kind::Mul, indexAxis(axis), indexConstant(coefficient));
    sum = sum ? indexBinary(IndexExpr::Kind::Add, sum, std::move(term)) : std::move(term);
  };
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const bool isDigit = number.form.coefficients[a] != 0;
    if (isDigit && form->coefficients[a] != step * number.form.coefficients[a])
      return nullptr;
    if (!isDigit)
      add(a, form->coefficients[a]);
  }
  add(number.first, step);
  if (!sum)
    return indexConstant(form->constant);
  return form->constant == 0
             ? sum
             : indexBinary(IndexExpr::Kind::Add, sum, indexConstant(form->constant));
}

/// \p computation, a reduction under the condition that a split which does not divide its extent
/// writes, `T.where(ko * 8 + ki < 30)`, as the reduction over 30 elements that it is. None if the
/// condition is another one.
std::optional<Computation> withoutUnevenSplit(Computation computation) {
  const ValueExpr *condition = onlyCondition(computation);
  const auto number = condition ? unevenNumber(*condition, computation) : std::nullopt;
  if (!number)
    return std::nullopt;
  const std::vector<Axis> axes = computation.axes;
  const auto isDigit = [&](std::size_t axis) { return number->form.coefficients[axis] != 0; };
  bool isFree = true;
  forEachNode(*computation.value, [&](const ValueExpr &node) {
    if (node.index)
      forEachAxis(*node.index, [&](std::size_t axis) { isFree = isFree && !isDigit(axis); });
  });
  if (!isFree)
    return std::nullopt;
  for (Access &access : computation.accesses)
    for (IndexExprPtr &index : access.indices) {
      bool isUsed = false;
      forEachAxis(*index, [&](std::size_t axis) { isUsed = isUsed || isDigit(axis); });
      if (isUsed)
        index = asOneNumber(*index, *number, axes);
      if (!index)
        return std::nullopt;
    }
  std::vector<IndexExprPtr> places(axes.size(), indexConstant(0));
  std::vector<Axis> kept;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (isDigit(a) && a != number->first)
      continue;
    places[a] = indexAxis(kept.size());
    kept.push_back(axes[a]);
    if (a == number->first)
      kept.back().extent = number->end;
  }
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (isDigit(a))
      computation.points /= axes[a].extent;
  computation.points *= number->end;
  computation.body = nullptr;
  substituteAxes(computation, std::move(kept), places);
  return computation;
}

//===--- Partial results ------------------------------------------------------------------===//

/// The stages that use a tensor, and those of them that write it, in text order.
struct StagesOf {
  std::vector<std::size_t> all; ///< of a local one; of others nobody asks
  std::vector<std::size_t> writers;
};

class Joiner {
public:
  explicit Joiner(FunctionTemplate &function)
      : function_(function), isGone_(function.computations.size(), false) {
    for (std::size_t i = 0; i < function.computations.size(); ++i) {
      forEachWritten(stage(i), [&](TensorRef tensor) {
        note(stagesOf(tensor).all, i);
        note(stagesOf(tensor).writers, i);
      });
      forEachRead(stage(i), [&](TensorRef tensor) {
        if (tensor.isLocal)
          note(stagesOf(tensor).all, i);
      });
      open_.insert(open_.end(), i);
    }
  }

  void run() {
    while (!open_.empty()) {
      const std::size_t next = *open_.begin();
      open_.erase(open_.begin());
      if (!isGone_[next])
        joinBehind(next);
    }
    std::vector<Computation> left;
    for (std::size_t i = 0; i < function_.computations.size(); ++i)
      if (!isGone_[i])
        left.push_back(std::move(function_.computations[i]));
    function_.computations = std::move(left);
  }

private:
  [[nodiscard]] const Computation &stage(std::size_t index) const {
    return function_.computations[index];
  }
  StagesOf &stagesOf(TensorRef tensor) { return stagesOf_[{tensor.isLocal, tensor.index}]; }

  template <typename Visit>
  static void forEachWritten(const Computation &computation, Visit visit) {
    visit(computation.written);
    for (const TensorRef also : computation.alsoWritten)
      visit(also);
  }
  template <typename Visit> static void forEachRead(const Computation &computation, Visit visit) {
    for (const Access &access : computation.accesses)
      visit(access.tensor);
    if (computation.body)
      for (const Access &access : computation.body->accesses)
        visit(access.tensor);
  }

  /// Adds \p index to \p stages, which are sorted and hold none behind it.
  static void note(std::vector<std::size_t> &stages, std::size_t index) {
    if (stages.empty() || stages.back() != index)
      stages.push_back(index);
  }

  /// The only stage beside \p partial that uses what it writes, if it comes later, and what
  /// \p partial reads is still the same there.
  [[nodiscard]] std::optional<std::size_t> onlyReader(std::size_t partial) {
    const std::vector<std::size_t> &users = stagesOf(stage(partial).written).all;
    if (users.size() != 2 || users.front() != partial)
      return std::nullopt;
    const std::size_t reader = users.back();
    const bool isChanged = std::ranges::any_of(stage(partial).accesses, [&](const Access &access) {
      const std::vector<std::size_t> &writers = stagesOf(access.tensor).writers;
      const auto next = std::ranges::upper_bound(writers, partial);
      return next != writers.end() && *next <= reader;
    });
    return isChanged ? std::nullopt : std::optional(reader);
  }

  /// Puts \p whole, which reads what stage \p partial does, in the place of that and of \p reader.
  void replace(std::size_t partial, std::size_t reader, Computation whole) {
    stagesOf(stage(partial).written) = {};
    forEachRead(stage(partial), [&](TensorRef tensor) {
      if (!tensor.isLocal)
        return;
      std::vector<std::size_t> &users = stagesOf(tensor).all;
      std::erase(users, partial);
      const auto place = std::ranges::lower_bound(users, reader);
      if (place == users.end() || *place != reader)
        users.insert(place, reader);
      // Who writes it has another reader now.
      open_.insert(stagesOf(tensor).writers.begin(), stagesOf(tensor).writers.end());
    });
    function_.computations[reader] = std::move(whole);
    isGone_[partial] = true;
  }

  /// Joins stage \p partial with the one that reduces its results, if there is such a stage.
  void joinBehind(std::size_t partial) {
    const Computation &first = stage(partial);
    const bool isPlain = isPlainReduction(first);
    const bool isUneven = isReductionOfAll(first) && onlyCondition(first) != nullptr;
    if ((!isPlain && !isUneven) || !first.written.isLocal)
      return;
    const auto reader = onlyReader(partial);
    if (!reader)
      return;
    const Computation &second = stage(*reader);
    const bool reducesIt = isPlainReduction(second) && second.combiner == first.combiner &&
                           second.value->kind == ValueExpr::Kind::Load &&
                           second.accesses.size() == 1 &&
                           second.accesses[0].tensor == first.written;
    if (!reducesIt)
      return;
    const Tensor &part = function_.locals[first.written.index];
    const auto written = writtenDigits(first, part.shape);
    const auto read = plainAxes(second.accesses[0].indices, part.shape, second.axes);
    if (!written || !read)
      return;
    Computation whole = first;
    std::vector<IndexExprPtr> values(second.axes.size(), indexConstant(0));
    // Where the second sums one value each, it copies.
    const bool isCopy = std::ranges::none_of(second.axes, [](const Axis &axis) {
      return axis.kind == Axis::Kind::Reduction && axis.extent > 1;
    });
    std::set<std::size_t> partialAxes;
    for (std::size_t d = 0; d < read->size(); ++d) {
      if (!(*read)[d])
        continue;
      values[*(*read)[d]] = numberOf((*written)[d]);
      if (second.axes[*(*read)[d]].kind != Axis::Kind::Reduction)
        continue;
      for (const Digit &digit : (*written)[d]) {
        whole.axes[digit.axis].kind = Axis::Kind::Reduction;
        partialAxes.insert(digit.axis);
      }
    }
    if (!isCopy && partialAxes.empty())
      return;
    whole.name = second.name;
    whole.range = second.range;
    whole.written = second.written;
    whole.writeIndices.clear();
    for (const IndexExprPtr &index : second.writeIndices)
      whole.writeIndices.push_back(substitute(index, values));
    // The loop of the second may be several of the first, `ki // 4 * 8 + ko * 4 + ki % 4`.
    std::vector<std::size_t> origins(whole.axes.size());
    std::iota(origins.begin(), origins.end(), std::size_t{0});
    if (!isUneven)
      origins = splitFusedAxes(whole);
    if (!areDigitsOfReduction(whole, function_.locals, origins, partialAxes))
      return;
    if (isUneven) {
      auto even = withoutUnevenSplit(std::move(whole));
      if (!even)
        return;
      whole = std::move(*even);
    }
    joinAxes(whole);
    replace(partial, *reader, std::move(whole));
  }

  FunctionTemplate &function_;
  std::map<std::pair<bool, std::uint32_t>, StagesOf> stagesOf_; ///< by tensor
  std::vector<bool> isGone_;                                    ///< by stage
  std::set<std::size_t> open_;                                  ///< stages to look at
};

//===--- Steps ----------------------------------------------------------------------------===//

/// Whether two values are written the same way, the places of their loads aside.
bool isSameForm(const ValueExpr &left, const ValueExpr &right) {
  const bool hasIndex = left.index != nullptr;
  if (left.kind != right.kind || left.name != right.name || left.value != right.value ||
      left.number != right.number || left.elementType != right.elementType ||
      left.kind == ValueExpr::Kind::Opaque || left.operands.size() != right.operands.size() ||
      hasIndex != (right.index != nullptr) || (hasIndex && !sameIndex(*left.index, *right.index)))
    return false;
  for (std::size_t i = 0; i < left.operands.size(); ++i)
    if (!isSameForm(*left.operands[i], *right.operands[i]))
      return false;
  return true;
}

/// Whether \p computation goes on from what is there, and does nothing else than to accumulate.
bool goesOn(const Computation &computation) {
  return computation.body && computation.body->init.empty() &&
         computation.body->opaqueReason.empty() && computation.opaqueReason.empty() &&
         computation.body->statements.size() == 1 && !computation.body->statements[0].condition &&
         computation.alsoWritten.empty() && !computation.accesses.empty() &&
         computation.accesses.back().tensor == computation.written;
}

/// Distances between places, by access and dimension.
using Distances = std::vector<std::vector<std::int64_t>>;

/// How far \p later, which goes on from what is there, reads from where \p first does; none if it
/// does something else or for other elements.
std::optional<Distances> distancesOf(const Computation &first, const Computation &later) {
  const auto isSameAxis = [](const Axis &a, const Axis &b) {
    return a.extent == b.extent && a.kind == b.kind;
  };
  const auto isSame = [](const IndexExprPtr &a, const IndexExprPtr &b) {
    return sameIndex(*a, *b);
  };
  const bool fits = goesOn(later) && later.combiner == first.combiner &&
                    later.written == first.written && later.points == first.points &&
                    later.accesses.size() == first.accesses.size() + 1 &&
                    std::ranges::equal(first.axes, later.axes, isSameAxis) &&
                    std::ranges::equal(first.writeIndices, later.writeIndices, isSame) &&
                    isSameForm(*first.value, *later.value);
  if (!fits)
    return std::nullopt;
  Distances distances;
  for (std::size_t i = 0; i < first.accesses.size(); ++i) {
    const Access &from = first.accesses[i], &to = later.accesses[i];
    std::vector<std::int64_t> &own = distances.emplace_back();
    if (from.tensor != to.tensor)
      return std::nullopt;
    for (std::size_t d = 0; d < from.indices.size(); ++d) {
      const auto start = affineForm(*from.indices[d], first.axes);
      const auto end = affineForm(*to.indices[d], first.axes);
      if (!start || !end || start->coefficients != end->coefficients)
        return std::nullopt;
      own.push_back(end->constant - start->constant);
    }
  }
  return distances;
}

/// \p first with a reduced axis of \p count steps, each of which moves the reads by \p distances.
Computation withSteps(Computation first, std::int64_t count, const Distances &distances) {
  const IndexExprPtr step = indexAxis(first.axes.size());
  for (std::size_t i = 0; i < distances.size(); ++i)
    for (std::size_t d = 0; d < distances[i].size(); ++d) {
      IndexExprPtr &index = first.accesses[i].indices[d];
      index = indexBinary(IndexExpr::Kind::Add, index,
                          indexBinary(IndexExpr::Kind::Mul, step, indexConstant(distances[i][d])));
    }
  first.axes.push_back({"step", count, Axis::Kind::Reduction});
  first.points *= count;
  return first;
}

/// How many stages from \p first on are steps of one loop, which \p distances part: at least 1.
std::size_t countSteps(const std::vector<Computation> &stages, std::size_t first,
                       Distances &distances) {
  std::size_t count = 1;
  for (; first + count < stages.size(); ++count) {
    auto next = distancesOf(stages[first], stages[first + count]);
    if (!next)
      break;
    if (count == 1)
      distances = *next;
    Distances wanted = distances;
    for (std::vector<std::int64_t> &own : wanted)
      for (std::int64_t &distance : own)
        distance *= static_cast<std::int64_t>(count);
    if (*next != wanted)
      break;
  }
  return count;
}

} // namespace

void joinWrittenOutSteps(FunctionTemplate &function) {
  std::vector<Computation> &stages = function.computations;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (!isPlainReduction(stages[i]))
      continue;
    Distances distances;
    const std::size_t count = countSteps(stages, i, distances);
    const auto points = checkedMul(stages[i].points, static_cast<std::int64_t>(count));
    if (count == 1 || !points)
      continue;
    Computation whole = withSteps(stages[i], static_cast<std::int64_t>(count), distances);
    if (!isDigitOfReduction(whole, function.locals, whole.axes.size() - 1))
      continue;
    joinAxes(whole);
    stages[i] = std::move(whole);
    const auto next = stages.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    stages.erase(next, next + static_cast<std::ptrdiff_t>(count) - 1);
  }
}

void joinPartialResults(FunctionTemplate &function) { Joiner(function).run(); }

} // namespace acadlc::tir
