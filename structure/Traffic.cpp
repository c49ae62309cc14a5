#include "structure/Traffic.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace acadlc::workload {

namespace {

/// Which elements of one dimension are read.
class DimensionCover {
public:
  /// Adds the values of \p index within a dimension of \p extent.
  void add(const std::optional<AffineIndex> &index, const std::vector<Axis> &axes,
           std::int64_t extent) {
    if (count_ == extent)
      return;
    auto range = index ? rangeOf(*index, axes) : std::nullopt;
    auto last = range ? checkedSub(range->high, range->low) : std::nullopt;
    if (!last || *last == std::numeric_limits<std::int64_t>::max() ||
        isWhole(*index, *range, axes, extent)) {
      count_ = extent;
      return;
    }
    std::int64_t points = 1;
    std::int64_t steps = 0;
    std::int64_t width = *last + 1;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (index->coefficients[a] == 0)
        continue;
      points = checkedMul(points, axes[a].extent).value_or(extent);
      steps = checkedAdd(steps, axes[a].extent).value_or(mostSteps);
    }
    auto work = checkedMul(std::min(steps, mostSteps) + 1, width);
    if (extent > widest || !work || *work > mostSteps) {
      // Too wide to list: at most as many as there are combinations, or as lie in the range.
      std::int64_t inside =
          std::min(range->high, extent - 1) - std::max<std::int64_t>(range->low, 0) + 1;
      count_ = std::max(count_, std::clamp<std::int64_t>(std::min(points, inside), 0, extent));
      return;
    }
    mark(reachable(*index, axes, width), range->low, extent);
  }
  [[nodiscard]] std::int64_t count() const { return count_; }

private:
  static constexpr std::int64_t widest = 1 << 16;
  static constexpr std::int64_t mostSteps = 1 << 20;

  /// Whether \p index takes every value of a dimension of \p extent because it is a sum of axes,
  /// which leaves out no value of its \p range: by far the most indices are.
  static bool isWhole(const AffineIndex &index, const IndexRange &range,
                      const std::vector<Axis> &axes, std::int64_t extent) {
    if (range.low > 0 || range.high < extent - 1)
      return false;
    for (std::size_t a = 0; a < axes.size(); ++a)
      if (axes[a].extent != 1 && index.coefficients[a] != 0 && index.coefficients[a] != 1)
        return false;
    return true;
  }

  /// Which of the \p width values from its smallest on \p index takes.
  static std::vector<char> reachable(const AffineIndex &index, const std::vector<Axis> &axes,
                                     std::int64_t width) {
    std::vector<char> reached(static_cast<std::size_t>(width), 0);
    // Start at the smallest value of every term, so that all further steps go up.
    reached[0] = 1;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (index.coefficients[a] == 0 || axes[a].extent == 1)
        continue;
      std::int64_t step = std::abs(index.coefficients[a]);
      std::vector<char> next = reached;
      for (std::int64_t v = 0; v < width; ++v)
        if (reached[static_cast<std::size_t>(v)])
          for (std::int64_t i = 1; i < axes[a].extent && v + i * step < width; ++i)
            next[static_cast<std::size_t>(v + i * step)] = 1;
      reached = std::move(next);
    }
    return reached;
  }

  void mark(const std::vector<char> &reached, std::int64_t low, std::int64_t extent) {
    covered_.resize(static_cast<std::size_t>(extent), 0);
    for (std::size_t i = 0; i < reached.size(); ++i) {
      std::int64_t at = low + static_cast<std::int64_t>(i);
      if (!reached[i] || at < 0 || at >= extent || covered_[static_cast<std::size_t>(at)])
        continue;
      covered_[static_cast<std::size_t>(at)] = 1;
      ++count_;
    }
  }

  std::vector<char> covered_;
  std::int64_t count_ = 0;
};

/// Where a computation does something: its axes, from \p low on.
struct Region {
  std::vector<Axis> axes;
  std::vector<std::int64_t> low;
  std::int64_t points = 1; ///< iterations
};

Region regionOf(const Computation &computation) {
  Region region{computation.axes, std::vector<std::int64_t>(computation.axes.size(), 0),
                computation.points};
  const auto bounds = guardBounds(computation);
  if (!bounds)
    return region;
  std::optional<std::int64_t> points = 1;
  for (std::size_t a = 0; a < region.axes.size(); ++a) {
    region.low[a] = bounds->low[a];
    region.axes[a].extent = bounds->high[a] - bounds->low[a];
    points = points ? checkedMul(*points, region.axes[a].extent) : std::nullopt;
  }
  region.points = std::min(computation.points, points.value_or(computation.points));
  return region;
}

/// \p index with its axes counted from \p low on; none on overflow.
std::optional<AffineIndex> countedFrom(std::optional<AffineIndex> index,
                                       const std::vector<std::int64_t> &low) {
  for (std::size_t a = 0; index && a < low.size(); ++a) {
    const auto first = checkedMul(index->coefficients[a], low[a]);
    const auto constant = first ? checkedAdd(index->constant, *first) : std::nullopt;
    if (!constant)
      return std::nullopt;
    index->constant = *constant;
  }
  return index;
}

/// Which elements of a tensor are accessed: those of a box.
class TensorCover {
public:
  /// \p region: that of \p computation.
  void add(const std::vector<IndexExprPtr> &indices, const Computation &computation,
           const Region &region, const std::vector<std::int64_t> &shape) {
    dimensions_.resize(shape.size());
    const AffineIndices affine = affineForms(indices, computation.axes);
    for (std::size_t d = 0; d < shape.size(); ++d)
      dimensions_[d].add(countedFrom(affine[d], region.low), region.axes, shape[d]);
    // Of several stores only the first one's points are known.
    constexpr std::int64_t unknown = std::numeric_limits<std::int64_t>::max();
    const std::int64_t points = computation.opaqueReason.empty() ? region.points : unknown;
    accesses_ = checkedAdd(accesses_, points).value_or(unknown);
  }

  /// No more than there are accesses.
  [[nodiscard]] std::int64_t bytes(const Tensor &tensor) const {
    Tensor covered = tensor;
    for (std::size_t d = 0; d < dimensions_.size(); ++d)
      covered.shape[d] = dimensions_[d].count();
    if (covered.elementCount() > accesses_)
      covered.shape = {accesses_};
    return covered.byteCount();
  }

private:
  std::vector<DimensionCover> dimensions_;
  std::int64_t accesses_ = 0;
};

} // namespace

std::int64_t bytesRead(const Call &call, const CallStructure &structure,
                       std::span<const std::size_t> stages,
                       const std::function<bool(TensorRef)> &isCounted) {
  std::map<std::pair<bool, std::uint32_t>, TensorCover> covers;
  for (const std::size_t i : stages) {
    const Computation &computation = call.computations[i];
    if (isCompiled(computation.freeReason) || structure.isLookedThrough(i))
      continue;
    const Region region = regionOf(computation);
    for (const Access &access : computation.accesses) {
      const Access source = structure.resolve(access, i).access;
      if (isCounted(source.tensor))
        covers[{source.tensor.isLocal, source.tensor.index}].add(
            source.indices, computation, region, structure.tensor(source.tensor).shape);
    }
  }
  std::int64_t bytes = 0;
  for (const auto &[key, cover] : covers)
    bytes += cover.bytes(structure.tensor({key.first, key.second}));
  return bytes;
}

std::int64_t bytesWritten(const Call &call, const CallStructure &structure,
                          std::span<const std::size_t> stages, TensorRef written) {
  TensorCover cover;
  const Tensor &tensor = structure.tensor(written);
  for (const std::size_t i : stages) {
    const Computation &computation = call.computations[i];
    const bool alsoWrites =
        std::find(computation.alsoWritten.begin(), computation.alsoWritten.end(), written) !=
        computation.alsoWritten.end();
    if (computation.written != written && !alsoWrites)
      continue;
    // Where further stores of a stage go is not kept.
    if (alsoWrites || !computation.opaqueReason.empty())
      return tensor.byteCount();
    cover.add(computation.writeIndices, computation, regionOf(computation), tensor.shape);
  }
  return cover.bytes(tensor);
}

} // namespace acadlc::workload
