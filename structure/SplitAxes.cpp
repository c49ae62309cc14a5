#include "structure/SplitAxes.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <set>

namespace acadlc::workload {

namespace {

using AffineIndices = std::vector<std::optional<AffineIndex>>;

bool isAffine(const AffineIndices &indices) {
  return std::all_of(indices.begin(), indices.end(), [](const auto &form) { return form; });
}

/// Adds the numbers that dividing \p form by \p divisor divides axes by: in `(o * 2 + i) // 6`,
/// where i is 0 or 1, that is 3 for o.
void addDivisors(const AffineIndex &form, std::int64_t divisor, const std::vector<Axis> &axes,
                 std::vector<std::set<std::int64_t>> &divisors) {
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const std::int64_t step = form.coefficients[a];
    if (step <= 0 || divisor % step != 0)
      continue;
    AffineIndex lower = form;
    for (std::size_t other = 0; other < axes.size(); ++other)
      if (other == a || form.coefficients[other] % divisor == 0)
        lower.coefficients[other] = 0;
    const auto range = rangeOf(lower, axes);
    if (range && range->low >= 0 && range->high < step)
      divisors[a].insert(divisor / step);
  }
}

/// Adds the numbers that \p index divides axes by.
void addDivisors(const IndexExpr &index, const std::vector<Axis> &axes,
                 std::vector<std::set<std::int64_t>> &divisors) {
  using Kind = IndexExpr::Kind;
  const bool isFloor = index.kind == Kind::FloorDiv || index.kind == Kind::FloorMod;
  if (isFloor && index.right->kind == Kind::Constant && index.right->value > 0)
    if (const auto form = affineForm(*index.left, axes))
      addDivisors(*form, index.right->value, axes, divisors);
  if (index.left)
    addDivisors(*index.left, axes, divisors);
  if (index.right)
    addDivisors(*index.right, axes, divisors);
}

/// New axes, and what stands for the old ones.
struct Split {
  std::vector<Axis> axes;
  std::vector<IndexExprPtr> replacements; ///< one per old axis
};

Split splitAxes(const std::vector<Axis> &axes,
                const std::vector<std::set<std::int64_t>> &divisors) {
  Split split;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const Axis &axis = axes[a];
    const std::int64_t divisor = divisors[a].size() == 1 ? *divisors[a].begin() : 0;
    IndexExprPtr first = indexAxis(split.axes.size());
    if (divisor <= 1 || divisor >= axis.extent || axis.extent % divisor != 0) {
      split.replacements.push_back(std::move(first));
      split.axes.push_back(axis);
      continue;
    }
    split.replacements.push_back(
        indexBinary(IndexExpr::Kind::Add,
                    indexBinary(IndexExpr::Kind::Mul, std::move(first), indexConstant(divisor)),
                    indexAxis(split.axes.size() + 1)));
    const std::string number = std::to_string(divisor);
    split.axes.push_back({axis.name + " // " + number, axis.extent / divisor, axis.kind});
    split.axes.push_back({axis.name + " % " + number, divisor, axis.kind});
  }
  return split;
}

AffineIndices formsOf(const std::vector<IndexExprPtr> &indices, const Split &split) {
  AffineIndices forms;
  for (const IndexExprPtr &index : indices)
    forms.push_back(affineForm(*substitute(index, split.replacements), split.axes));
  return forms;
}

bool usesAxis(const AffineIndices &forms, std::size_t axis) {
  return std::any_of(forms.begin(), forms.end(),
                     [&](const auto &form) { return form->coefficients[axis] != 0; });
}

/// The axes that number groups: those that stand in the result and in both factors.
std::vector<std::size_t> groupAxes(const Contraction &contraction) {
  std::vector<std::size_t> groups;
  for (std::size_t a = 0; a < contraction.axes.size(); ++a) {
    const bool isShared = std::all_of(
        contraction.operands.begin(), contraction.operands.end(),
        [&](const Contraction::Operand &operand) { return usesAxis(operand.affine, a); });
    if (isShared && usesAxis(contraction.outputAffine, a) && contraction.axes[a].extent > 1)
      groups.push_back(a);
  }
  return groups;
}

/// The group axis that dimension \p form of \p extent can be split at; none if it can't.
std::optional<std::size_t> groupOf(const AffineIndex &form, std::int64_t extent,
                                   const std::vector<std::size_t> &groups,
                                   const std::vector<Axis> &axes) {
  for (const std::size_t group : groups) {
    const std::int64_t step = form.coefficients[group];
    if (step <= 1 || form.constant != 0 || extent % step != 0 ||
        extent / step != axes[group].extent)
      continue;
    AffineIndex rest = form;
    rest.coefficients[group] = 0;
    const auto range = rangeOf(rest, axes);
    if (range && range->low >= 0 && range->high < step)
      return group;
  }
  return std::nullopt;
}

/// Splits the dimensions of a tensor; \p padding may be null.
void splitDimensions(AffineIndices &forms, std::vector<std::int64_t> &shape, Padding *padding,
                     const std::vector<std::size_t> &groups, const std::vector<Axis> &axes) {
  for (std::size_t d = 0; d < forms.size(); ++d) {
    if (padding != nullptr && (padding->before[d] != 0 || padding->after[d] != 0))
      continue;
    const auto group = groupOf(*forms[d], shape[d], groups, axes);
    if (!group)
      continue;
    AffineIndex outer{0, AffineIndex::Coefficients(axes.size(), 0)};
    outer.coefficients[*group] = 1;
    forms[d]->coefficients[*group] = 0;
    const auto at = static_cast<std::ptrdiff_t>(d);
    shape[d] /= axes[*group].extent;
    shape.insert(shape.begin() + at, axes[*group].extent);
    forms.insert(forms.begin() + at, std::move(outer));
    if (padding != nullptr) {
      padding->before.insert(padding->before.begin() + at, 0);
      padding->after.insert(padding->after.begin() + at, 0);
    }
    // The next dimension is the rest, which another group may split.
  }
}

/// Splits axes if that makes all indices affine. False if they are not and nothing does.
bool makeAffine(const Computation &computation, Contraction &contraction) {
  bool allAffine = isAffine(contraction.outputAffine);
  std::vector<std::set<std::int64_t>> divisors(computation.axes.size());
  const auto collect = [&](const std::vector<IndexExprPtr> &indices) {
    for (const IndexExprPtr &index : indices)
      addDivisors(*index, computation.axes, divisors);
  };
  collect(computation.writeIndices);
  for (const Contraction::Operand &operand : contraction.operands) {
    allAffine = allAffine && isAffine(operand.affine);
    collect(operand.access.indices);
  }
  if (allAffine)
    return true;
  Split split = splitAxes(computation.axes, divisors);
  AffineIndices output = formsOf(computation.writeIndices, split);
  std::vector<AffineIndices> forms;
  bool becomesAffine = isAffine(output);
  for (const Contraction::Operand &operand : contraction.operands) {
    forms.push_back(formsOf(operand.access.indices, split));
    becomesAffine = becomesAffine && isAffine(forms.back());
  }
  if (!becomesAffine)
    return false;
  contraction.outputAffine = std::move(output);
  for (std::size_t i = 0; i < forms.size(); ++i)
    contraction.operands[i].affine = std::move(forms[i]);
  contraction.axes = std::move(split.axes);
  return true;
}

} // namespace

void splitGroups(const Computation &computation, Contraction &contraction) {
  contraction.axes = computation.axes;
  if (!makeAffine(computation, contraction))
    return;
  const std::vector<std::size_t> groups = groupAxes(contraction);
  splitDimensions(contraction.outputAffine, contraction.resultShape, nullptr, groups,
                  contraction.axes);
  for (Contraction::Operand &operand : contraction.operands)
    splitDimensions(operand.affine, operand.shape, operand.padding ? &*operand.padding : nullptr,
                    groups, contraction.axes);
}

} // namespace acadlc::workload
