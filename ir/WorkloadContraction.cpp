#include "ir/WorkloadContraction.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace acadlc::workload {

namespace {

/// Which axes occur in each dimension of an operand.
using Occurrences = std::vector<std::vector<bool>>;

/// Also where an index is not affine: then no axis is split.
Occurrences occurrences(const Computation &computation, const Contraction &contraction,
                        const Contraction::Operand &operand) {
  const bool isSplit = contraction.axes.size() != computation.axes.size();
  Occurrences result;
  for (std::size_t d = 0; d < operand.affine.size(); ++d) {
    std::vector<bool> &axes = result.emplace_back(contraction.axes.size(), false);
    if (operand.affine[d]) {
      for (std::size_t a = 0; a < axes.size(); ++a)
        axes[a] = operand.affine[d]->coefficients[a] != 0;
    } else if (!isSplit) {
      forEachAxis(*operand.access.indices[d], [&](std::size_t a) { axes[a] = true; });
    }
  }
  return result;
}

bool occursAnywhere(const Occurrences &dimensions, std::size_t axis) {
  return std::any_of(dimensions.begin(), dimensions.end(),
                     [&](const std::vector<bool> &axes) { return axes[axis]; });
}

class RoleFinder {
public:
  RoleFinder(const Computation &computation, const Contraction &contraction)
      : contraction_(contraction), inWindow_(contraction.axes.size(), false) {
    for (std::size_t o = 0; o < occurrences_.size(); ++o)
      occurrences_[o] = occurrences(computation, contraction, contraction.operands[o]);
  }

  ContractionRoles find() {
    for (std::size_t o = 0; o < occurrences_.size(); ++o) {
      auto windows = windowsOf(o);
      if (windows.size() > roles_.windows.size()) {
        roles_.windows = std::move(windows);
        roles_.input = o;
      }
    }
    if (roles_.windows.empty() && isWeight(0) && !isWeight(1))
      roles_.input = 1;
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

  std::vector<ContractionWindow> windowsOf(std::size_t operand) {
    const Occurrences &own = occurrences_[operand];
    const Occurrences &other = occurrences_[1 - operand];
    std::vector<ContractionWindow> windows;
    for (std::size_t d = 0; d < own.size(); ++d) {
      std::vector<std::size_t> positions;
      std::vector<std::size_t> taps;
      for (std::size_t a = 0; a < own[d].size(); ++a) {
        if (!own[d][a])
          continue;
        const bool inOther = occursAnywhere(other, a);
        if (isReduction(a) && inOther)
          taps.push_back(a);
        else if (!isReduction(a) && !inOther)
          positions.push_back(a);
      }
      if (!positions.empty() && !taps.empty())
        windows.push_back(window(operand, d, positions, taps));
    }
    return windows;
  }

  ContractionWindow window(std::size_t operand, std::size_t dimension,
                           const std::vector<std::size_t> &positions,
                           const std::vector<std::size_t> &taps) {
    const auto &affine = contraction_.operands[operand].affine[dimension];
    ContractionWindow window;
    window.dimension = dimension;
    const auto add = [&](const std::vector<std::size_t> &axes, std::int64_t &extent,
                         std::int64_t &step) {
      for (const std::size_t a : axes) {
        extent *= contraction_.axes[a].extent;
        inWindow_[a] = true;
        if (contraction_.axes[a].extent != 1 && affine && axes.size() == 1)
          step = std::abs(affine->coefficients[a]);
      }
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
  std::array<Occurrences, 2> occurrences_;
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
