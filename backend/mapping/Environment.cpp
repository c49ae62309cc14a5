#include "backend/mapping/Environment.h"

#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::mapping {

/// The first and the last element of an access; equal but for slices.
struct AccessResolver::Corners {
  llvm::SmallVector<Linear, 6> low, last;
  bool isSlice = false;
};

namespace {

std::string text(Int128 value) {
  constexpr Int128 large = Int128{1} << 62;
  return value > large || value < -large ? (value < 0 ? "-2^62" : "2^62")
                                         : std::to_string(static_cast<std::int64_t>(value));
}

} // namespace

bool Frame::isAbsent(llvm::StringRef tensor) const {
  if (mapping == nullptr || tensors.contains(tensor))
    return false;
  return std::any_of(mapping->epilogue.begin(), mapping->epilogue.end(),
                     [&](const ast::EpilogueStep &step) {
                       return step.hasTensor && step.tensor.tensor.text == tensor;
                     });
}

std::optional<ResolvedAccess> AccessResolver::resolve(const Frame &frame, llvm::StringRef name,
                                                      llvm::ArrayRef<const ast::Expr *> indices,
                                                      const Scope &scope, SourceRange at) {
  Corners corners;
  if (!indices.empty()) {
    if (!evaluateIndices(indices, scope, scope, corners))
      return std::nullopt;
    auto access = resolveCorners(frame, name, corners, at);
    if (access)
      access->elements = countElements(corners);
    return access;
  }
  const auto found = frame.tensors.find(name);
  if (found == frame.tensors.end() || found->second.allocation == nullptr) {
    diagnostics_->report(DiagnosticCode::TensorUsedUnplaced, at, name);
    return std::nullopt;
  }
  const Allocation &allocation = *found->second.allocation;
  ResolvedAccess access;
  access.allocation = &allocation;
  access.address = SymbolicSpace::constant(allocation.base);
  access.lastElement =
      SymbolicSpace::constant(allocation.base + allocation.bytes - allocation.elementBytes);
  access.elements = allocation.bytes / allocation.elementBytes;
  return access;
}

std::optional<std::int64_t> AccessResolver::countElements(const Corners &corners) const {
  std::int64_t count = 1;
  for (std::size_t i = 0; i < corners.low.size(); ++i) {
    const auto length = values_->space().subtract(corners.last[i], corners.low[i]);
    const Interval range = length ? values_->space().interval(*length) : Interval{0, 1};
    if (!range.isPoint() || range.low < 0 || __builtin_mul_overflow(count, range.low + 1, &count))
      return std::nullopt;
  }
  return count;
}

bool AccessResolver::evaluateIndices(llvm::ArrayRef<const ast::Expr *> indices,
                                     const Scope &lowScope, const Scope &lastScope,
                                     Corners &corners) {
  const auto number = [&](const ast::Expr &expr, const Scope &scope) -> std::optional<Linear> {
    const auto value = evaluator_->evaluate(expr, scope);
    if (!value)
      return std::nullopt;
    auto linear = SymbolicValues::toLinear(*value);
    if (!linear)
      diagnostics_->report(DiagnosticCode::WrongType, expr.range, "an index", "a whole number",
                           value->typeName());
    return linear;
  };
  const bool sameScope = &lowScope == &lastScope;
  corners.isSlice = corners.isSlice || !sameScope;
  for (const ast::Expr *index : indices) {
    const auto *range = ast::dynCast<ast::RangeExpr>(index);
    const ast::Expr *first = range != nullptr ? range->low : index;
    auto low = number(*first, lowScope);
    if (!low)
      return false;
    if (range == nullptr && sameScope) {
      corners.last.push_back(*low);
    } else {
      auto last = number(range != nullptr ? *range->high : *index, lastScope);
      if (last && range != nullptr)
        last = values_->checked(values_->space().subtract(*last, SymbolicSpace::constant(1)),
                                index->range);
      if (!last)
        return false;
      corners.last.push_back(std::move(*last));
      corners.isSlice = corners.isSlice || range != nullptr;
    }
    corners.low.push_back(std::move(*low));
  }
  return true;
}

std::optional<ResolvedAccess> AccessResolver::resolveCorners(const Frame &frame,
                                                             llvm::StringRef name,
                                                             const Corners &corners,
                                                             SourceRange at) {
  const auto found = frame.tensors.find(name);
  if (found == frame.tensors.end() && frame.isAbsent(name)) {
    diagnostics_->report(DiagnosticCode::AbsentStep, at, name);
    return std::nullopt;
  }
  if (found == frame.tensors.end()) {
    diagnostics_->report(DiagnosticCode::UnknownName, at, "tensor", name);
    return std::nullopt;
  }
  const TensorEntry &entry = found->second;
  if (entry.view != nullptr)
    return resolveView(entry, corners, at);
  if (entry.allocation == nullptr) {
    diagnostics_->report(DiagnosticCode::TensorUsedUnplaced, at, name);
    return std::nullopt;
  }
  ResolvedAccess access;
  access.allocation = entry.allocation;
  auto address = addressOf(entry, name, corners.low, at);
  if (!address)
    return std::nullopt;
  access.address = std::move(*address);
  if (!corners.isSlice) {
    access.lastElement = access.address;
    return access;
  }
  auto last = addressOf(entry, name, corners.last, at);
  if (!last)
    return std::nullopt;
  access.lastElement = std::move(*last);
  return access;
}

std::optional<ResolvedAccess> AccessResolver::resolveView(const TensorEntry &entry,
                                                          const Corners &corners, SourceRange at) {
  const ast::View &view = *entry.view;
  if (view.indices.size() != corners.low.size()) {
    reportIndexCount(view.tensor.text, view.indices.size(), corners.low.size(), at);
    return std::nullopt;
  }
  Scope low(entry.viewScope), last(entry.viewScope);
  for (std::size_t i = 0; i < view.indices.size(); ++i) {
    low.declare(view.indices[i], SymbolicValues::toValue(corners.low[i]));
    if (corners.isSlice)
      last.declare(view.indices[i], SymbolicValues::toValue(corners.last[i]));
  }
  Corners outer;
  if (!evaluateIndices(view.source.indices, low, corners.isSlice ? last : low, outer))
    return std::nullopt;
  return resolveCorners(*entry.viewFrame, view.source.tensor.text, outer, at);
}

std::optional<Linear> AccessResolver::addressOf(const TensorEntry &entry, llvm::StringRef name,
                                                llvm::ArrayRef<Linear> indices, SourceRange at) {
  const Allocation &allocation = *entry.allocation;
  const std::size_t rank =
      entry.binding != nullptr ? entry.binding->dimensions.size() : allocation.dimensions.size();
  if (indices.size() != rank) {
    reportIndexCount(name, rank, indices.size(), at);
    return std::nullopt;
  }
  static const Allocation::Dimension single;
  std::optional<Linear> sum = SymbolicSpace::constant(allocation.base);
  for (std::size_t i = 0; i < rank; ++i) {
    const auto source = entry.binding != nullptr ? entry.binding->dimensions[i].source
                                                 : std::optional(static_cast<std::uint32_t>(i));
    const Allocation::Dimension &dimension = source ? allocation.dimensions[*source] : single;
    if (!checkBounds(allocation, dimension, i, name, indices[i], at))
      return std::nullopt;
    auto bytes = values_->space().scale(indices[i], dimension.stride);
    sum = sum && bytes ? values_->space().add(*sum, *bytes) : std::nullopt;
  }
  // The border in front of element 0.
  Linear offset;
  for (const Allocation::Dimension &dimension : allocation.dimensions)
    offset.constant += dimension.before * dimension.stride;
  return values_->checked(sum ? values_->space().add(*sum, offset) : std::nullopt, at);
}

void AccessResolver::reportIndexCount(llvm::StringRef name, std::size_t expected, std::size_t found,
                                      SourceRange at) {
  diagnostics_->report(DiagnosticCode::IndexCount, at, name,
                       fmt::format("{} {}", expected, expected == 1 ? "index" : "indices"), found);
}

bool AccessResolver::checkBounds(const Allocation &allocation,
                                 const Allocation::Dimension &dimension, std::size_t position,
                                 llvm::StringRef name, const Linear &index, SourceRange at) {
  const Interval range = values_->space().interval(index);
  const Int128 low = -Int128{dimension.before};
  const Int128 high = Int128{dimension.extent} + dimension.after;
  if (range.low >= low && range.high < high)
    return true;
  // The interval of what is not linear may be too wide: only what is certainly outside is an error.
  if (!values_->space().isLinearInLoops(index) && range.high >= low && range.low < high)
    return true;
  const std::string values =
      range.isPoint() ? "is " + text(range.low)
                      : fmt::format("runs from {} to {}", text(range.low), text(range.high));
  auto builder = diagnostics_->report(DiagnosticCode::IndexOutsideTensor, at, position, name,
                                      values, fmt::format("{} .. {}", text(low), text(high)));
  if (allocation.isZeroOutside && !allocation.withBorder)
    builder.note({}, fmt::format("'{}' is 0 outside its bounds, but that is not stored: place it "
                                 "`with border`, or do not load it there",
                                 allocation.name));
  return false;
}

} // namespace acadlc::mapping
