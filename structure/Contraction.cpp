#include "structure/Contraction.h"

#include "ir/WorkloadExpr.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallBitVector.h>
#include <llvm/ADT/SmallVector.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <utility>

namespace acadlc::workload {

namespace {

/// Which axes occur in each dimension of an operand.
using Occurrences = std::vector<llvm::SmallBitVector>;

/// Calls \p visit with every axis that \p index depends on, also through the elements that it
/// reads.
template <typename Visit>
void forEachAxisBehind(const IndexExpr &index, const Computation &computation, Visit visit) {
  forEachAxis(index, visit);
  if (index.left)
    forEachAxisBehind(*index.left, computation, visit);
  if (index.right)
    forEachAxisBehind(*index.right, computation, visit);
  if (!index.computed)
    return;
  forEachNode(*index.computed, [&](const ValueExpr &node) {
    if (node.kind == ValueExpr::Kind::Load && node.value < computation.accesses.size())
      for (const IndexExprPtr &inner : computation.accesses[node.value].indices)
        forEachAxisBehind(*inner, computation, visit);
  });
}

/// Also where an index is not affine: then no axis is split.
Occurrences occurrences(const Computation &computation, const Contraction &contraction,
                        const std::vector<std::optional<AffineIndex>> &affine,
                        const std::vector<IndexExprPtr> &indices) {
  const bool isSplit = contraction.axes.size() != computation.axes.size();
  Occurrences result;
  result.reserve(affine.size());
  for (std::size_t d = 0; d < affine.size(); ++d) {
    llvm::SmallBitVector &axes =
        result.emplace_back(static_cast<unsigned>(contraction.axes.size()), false);
    if (affine[d]) {
      for (std::size_t a = 0; a < axes.size(); ++a)
        axes[a] = affine[d]->coefficients[a] != 0;
    } else if (!isSplit) {
      forEachAxisBehind(*indices[d], computation, [&](std::size_t a) { axes[a] = true; });
    }
  }
  return result;
}

bool occursAnywhere(const Occurrences &dimensions, std::size_t axis) {
  return std::any_of(dimensions.begin(), dimensions.end(),
                     [&](const llvm::SmallBitVector &axes) { return axes[axis]; });
}

class RoleFinder {
public:
  RoleFinder(const Computation &computation, const Contraction &contraction)
      : contraction_(contraction), inWindow_(contraction.axes.size(), false) {
    for (std::size_t o = 0; o < occurrences_.size(); ++o) {
      const Contraction::Operand &operand = contraction.operands[o];
      occurrences_[o] =
          occurrences(computation, contraction, operand.affine, operand.access.indices);
    }
    result_ =
        occurrences(computation, contraction, contraction.outputAffine, computation.writeIndices);
  }

  ContractionRoles find() {
    roles_.input = inputByWindows();
    roles_.windows = windowsOf(roles_.input);
    for (std::size_t a = 0; a < contraction_.axes.size(); ++a)
      if (!inWindow_[a])
        productOf(a) *= contraction_.axes[a].extent;
    return std::move(roles_);
  }

private:
  [[nodiscard]] bool isWeight(std::size_t operand) const {
    return contraction_.operands[operand].origin == TensorOrigin::Weight;
  }
  [[nodiscard]] bool isReduction(std::size_t axis) const {
    return contraction_.axes[axis].kind == Axis::Kind::Reduction;
  }

  struct WindowAxes {
    std::size_t dimension = 0;
    llvm::SmallVector<std::size_t, 2> positions, taps;
  };

  /// The dimensions of \p operand that axes of the result and reduced axes share.
  [[nodiscard]] std::vector<WindowAxes> windowAxes(std::size_t operand) const {
    const Occurrences &own = occurrences_[operand];
    const Occurrences &other = occurrences_[1 - operand];
    std::vector<WindowAxes> windows;
    for (std::size_t d = 0; d < own.size(); ++d) {
      WindowAxes window{d, {}, {}};
      for (std::size_t a = 0; a < own[d].size(); ++a) {
        if (!own[d][a])
          continue;
        const bool inOther = occursAnywhere(other, a);
        if (isReduction(a) && inOther)
          window.taps.push_back(a);
        else if (!isReduction(a) && !inOther)
          window.positions.push_back(a);
      }
      if (!window.positions.empty() && !window.taps.empty())
        windows.push_back(std::move(window));
    }
    return windows;
  }

  std::vector<ContractionWindow> windowsOf(std::size_t operand) {
    std::vector<ContractionWindow> windows;
    for (const WindowAxes &axes : windowAxes(operand))
      windows.push_back(window(operand, axes.dimension, axes.positions, axes.taps));
    return windows;
  }

  /// The operand that has more windows; if both have as many, the one that is no weight; if that
  /// does not tell either, the result does.
  [[nodiscard]] std::size_t inputByWindows() const {
    const std::size_t first = windowAxes(0).size();
    const std::size_t second = windowAxes(1).size();
    if (first != second)
      return first > second ? 0 : 1;
    if (isWeight(0) != isWeight(1))
      return isWeight(0) ? 1 : 0;
    return inputByResult();
  }

  /// The operand with the rows: the other one has the axis that runs fastest through the result. If
  /// one operand has all of the result's axes, the other is a vector: a row, unless the result is a
  /// column (the last of its dimensions has no axis).
  [[nodiscard]] std::size_t inputByResult() const {
    const std::vector<std::size_t> owners = resultOwners();
    if (owners.empty())
      return 0;
    const std::size_t last = owners.back();
    const bool isVector = std::find(owners.begin(), owners.end(), 1 - last) == owners.end();
    const bool isColumn = result_.back().none();
    return isVector && isColumn ? last : 1 - last;
  }

  /// The operands that the axes of the result belong to, slowest axis first, without axes of both.
  [[nodiscard]] std::vector<std::size_t> resultOwners() const {
    std::vector<std::size_t> owners;
    for (std::size_t d = 0; d < result_.size(); ++d)
      for (const std::size_t axis : slowestFirst(d)) {
        const bool inFirst = occursAnywhere(occurrences_[0], axis);
        if (inFirst != occursAnywhere(occurrences_[1], axis))
          owners.push_back(inFirst ? 0 : 1);
      }
    return owners;
  }

  [[nodiscard]] std::vector<std::size_t> slowestFirst(std::size_t dimension) const {
    std::vector<std::size_t> axes;
    for (std::size_t a = 0; a < result_[dimension].size(); ++a)
      if (result_[dimension][a])
        axes.push_back(a);
    if (const auto &form = contraction_.outputAffine[dimension])
      std::sort(axes.begin(), axes.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(std::abs(form->coefficients[b]), a) <
               std::pair(std::abs(form->coefficients[a]), b);
      });
    return axes;
  }

  ContractionWindow window(std::size_t operand, std::size_t dimension,
                           llvm::ArrayRef<std::size_t> positions,
                           llvm::ArrayRef<std::size_t> taps) {
    const auto &affine = contraction_.operands[operand].affine[dimension];
    ContractionWindow window;
    window.dimension = dimension;
    const auto add = [&](llvm::ArrayRef<std::size_t> axes, std::int64_t &extent,
                         std::int64_t &step) {
      std::optional<std::int64_t> smallest; // of an axis in several parts, the innermost tells
      for (const std::size_t a : axes) {
        extent *= contraction_.axes[a].extent;
        inWindow_[a] = true;
        if (contraction_.axes[a].extent != 1 && affine)
          smallest = std::min(smallest.value_or(std::numeric_limits<std::int64_t>::max()),
                              std::abs(affine->coefficients[a]));
      }
      step = smallest.value_or(step);
    };
    add(positions, window.positions, window.stride);
    add(taps, window.taps, window.dilation);
    return window;
  }

  std::int64_t &productOf(std::size_t axis) {
    if (isReduction(axis))
      return roles_.inputChannels;
    const bool inInput = occursAnywhere(occurrences_[roles_.input], axis);
    const bool inOther = occursAnywhere(occurrences_[1 - roles_.input], axis);
    if (!inOther)
      return roles_.batch;
    return inInput ? roles_.groups : roles_.outputChannels;
  }

  const Contraction &contraction_;
  std::array<Occurrences, 2> occurrences_; ///< of the operands
  Occurrences result_;
  std::vector<bool> inWindow_; ///< by axis
  ContractionRoles roles_;
};

/// Whether a condition that guards a factor lets every so-many-th position pass: zeros between.
bool isSpread(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.kind != ValueExpr::Kind::Compare || node.name != "==" || node.operands.size() != 2)
      return;
    for (const ValueExprPtr &side : node.operands)
      if (const IndexExprPtr index = asIndex(side))
        found = found || index->kind == IndexExpr::Kind::FloorMod;
  });
  return found;
}

} // namespace

ContractionRoles rolesOf(const Computation &computation, const Contraction &contraction) {
  return RoleFinder(computation, contraction).find();
}

OperatorKind contractionKind(const Computation &computation, const Contraction &contraction) {
  using enum OperatorKind;
  const ContractionRoles roles = rolesOf(computation, contraction);
  if (!roles.windows.empty()) {
    if (roles.groups > 1 && roles.inputChannels == 1)
      return DepthwiseConvolution;
    constexpr OperatorKind kinds[] = {Convolution1D, Convolution2D, Convolution3D};
    constexpr OperatorKind spread[] = {TransposedConvolution1D, TransposedConvolution2D,
                                       TransposedConvolution3D};
    const std::size_t count = roles.windows.size();
    if (count > std::size(kinds))
      return Other;
    return isSpread(*computation.value) ? spread[count - 1] : kinds[count - 1];
  }
  if (roles.groups > 1)
    return BatchMatMul;
  const bool hasWeight = std::any_of(
      contraction.operands.begin(), contraction.operands.end(),
      [](const Contraction::Operand &operand) { return operand.origin == TensorOrigin::Weight; });
  return hasWeight ? Dense : MatMul;
}

} // namespace acadlc::workload
