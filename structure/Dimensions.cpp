#include "structure/Dimensions.h"

#include "structure/Analysis.h"
#include "structure/Contraction.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace acadlc::workload {

namespace {

/// The names of the last \p count of depth, height and width.
std::string windowName(std::array<std::string_view, 3> names, std::size_t count, std::size_t w) {
  if (count > names.size())
    return std::string(names.back()) + std::to_string(w);
  return std::string(names[names.size() - count + w]);
}
std::string positionName(std::size_t count, std::size_t w) {
  return windowName({"Z", "P", "Q"}, count, w);
}
std::string tapName(std::size_t count, std::size_t w) {
  return windowName({"T", "R", "S"}, count, w);
}

template <typename Windows>
void addWindows(const Windows &windows, const std::optional<Padding> &padding, Operator &result) {
  for (std::size_t w = 0; w < windows.size(); ++w)
    result.dims.push_back({positionName(windows.size(), w), windows[w].positions});
  for (std::size_t w = 0; w < windows.size(); ++w)
    result.dims.push_back({tapName(windows.size(), w), windows[w].taps});
  for (const auto &window : windows) {
    result.stride.push_back(window.stride);
    result.dilation.push_back(window.dilation);
    result.before.push_back(padding ? padding->before[window.dimension] : 0);
    result.after.push_back(padding ? padding->after[window.dimension] : 0);
  }
}

/// The stride and padding of a transposed convolution whose product itself says which positions of
/// the spread input are elements: `x[(q + s) // stride]`.
void describeSpread(const Computation &computation, const Contraction &contraction,
                    const ContractionRoles &roles, Operator &result) {
  const Contraction::Operand &input = contraction.operands[roles.input];
  for (std::size_t w = 0; w < roles.windows.size(); ++w) {
    const ContractionWindow &window = roles.windows[w];
    const IndexExpr &index = *input.access.indices[window.dimension];
    if (index.kind != IndexExpr::Kind::FloorDiv || index.right->kind != IndexExpr::Kind::Constant)
      continue;
    const auto position = affineForm(*index.left, computation.axes);
    const auto range = position ? rangeOf(*position, computation.axes) : std::nullopt;
    if (!range)
      continue;
    result.stride[w] = index.right->value;
    // What of the full result, all positions that a tap reaches, is cut off.
    const std::int64_t reach = window.taps - 1;
    const std::int64_t last = (input.shape[window.dimension] - 1) * result.stride[w];
    result.before[w] = reach + range->low;
    result.after[w] = reach - (range->high - last);
  }
}

} // namespace

void describeContraction(const Computation &computation, const Contraction &contraction,
                         Operator &result) {
  const ContractionRoles roles = rolesOf(computation, contraction);
  const bool isMatrix = roles.windows.empty();
  const bool isDepthwise = contraction.kind == OperatorKind::DepthwiseConvolution;
  auto add = [&](std::string name, std::int64_t value) {
    result.dims.push_back({std::move(name), value});
  };
  if (isMatrix) {
    if (contraction.kind == OperatorKind::BatchMatMul)
      add("B", roles.groups);
    add("M", roles.batch);
    add("N", roles.outputChannels);
    add("K", roles.inputChannels);
  } else {
    add("N", roles.batch);
    if (isDepthwise) {
      add("C", roles.groups);
      if (roles.outputChannels > 1)
        add("K", roles.outputChannels);
    } else {
      if (roles.groups > 1)
        add("G", roles.groups);
      add("K", roles.outputChannels);
      add("C", roles.inputChannels);
      result.groups = roles.groups;
    }
    addWindows(roles.windows, contraction.operands[roles.input].padding, result);
    if (transposed(contraction.kind) == contraction.kind && !isDepthwise)
      describeSpread(computation, contraction, roles, result);
  }
  result.kind = contraction.kind;
  result.macs = contraction.macs;
}

void describePooling(const Pooling &pooling, bool isSum, bool isAverage, Operator &result) {
  using enum OperatorKind;
  const auto all = [&](auto member) {
    return std::all_of(pooling.windows.begin(), pooling.windows.end(), member);
  };
  const bool isGlobal = all([](const PoolingWindow &window) { return window.isWhole; });
  const bool isEven = all([](const PoolingWindow &window) { return !window.isUneven; });
  result.dims = {{"N", pooling.batch}, {"C", pooling.channels}};
  addWindows(pooling.windows, pooling.source.padding, result);
  if (!isSum)
    result.kind = isGlobal ? GlobalMaxPool : MaxPool;
  else if (!isAverage)
    result.kind = SumPool;
  else if (isGlobal)
    result.kind = GlobalAveragePool;
  else
    result.kind = isEven ? AveragePool : AdaptiveAveragePool;
}

std::optional<std::vector<std::int64_t>> spreadOf(const Computation &computation,
                                                  const Tensor &written) {
  const ValueExpr &value = *computation.value;
  const auto order = plainWrite(computation, written.shape);
  if (!order || computation.combiner != Combiner::None || computation.accesses.size() != 1 ||
      !computation.opaqueReason.empty() || value.kind != ValueExpr::Kind::Select ||
      value.operands[1]->kind != ValueExpr::Kind::Load ||
      value.operands[2]->kind != ValueExpr::Kind::Constant || value.operands[2]->number != 0 ||
      computation.accesses[0].indices.size() != order->size())
    return std::nullopt;
  std::vector<std::int64_t> spread;
  for (std::size_t d = 0; d < order->size(); ++d) {
    const IndexExpr &index = *computation.accesses[0].indices[d];
    const bool isDivided = index.kind == IndexExpr::Kind::FloorDiv &&
                           index.left->kind == IndexExpr::Kind::Axis &&
                           index.right->kind == IndexExpr::Kind::Constant;
    const auto axis = isDivided ? static_cast<std::size_t>(index.left->value) : order->at(d);
    if (axis != order->at(d) ||
        (!isDivided && !isAxisPlus(affineForm(index, computation.axes), axis, 0, computation.axes)))
      return std::nullopt;
    spread.push_back(isDivided ? index.right->value : 1);
  }
  const auto isWide = [](std::int64_t factor) { return factor > 1; };
  return std::any_of(spread.begin(), spread.end(), isWide) ? std::optional(spread) : std::nullopt;
}

OperatorKind transposed(OperatorKind kind) {
  switch (kind) {
  case OperatorKind::Convolution1D:
    return OperatorKind::TransposedConvolution1D;
  case OperatorKind::Convolution2D:
    return OperatorKind::TransposedConvolution2D;
  case OperatorKind::Convolution3D:
    return OperatorKind::TransposedConvolution3D;
  default:
    return kind;
  }
}

} // namespace acadlc::workload
