/// \file
/// How the stages of one call hang together: who writes a buffer, and which stages only pad or
/// copy. Private to this folder.
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace acadlc::workload {

using AffineIndices = std::vector<std::optional<AffineIndex>>;

AffineIndices affineForms(const std::vector<IndexExprPtr> &indices, const std::vector<Axis> &axes);

/// Bounds that a condition sets to the axes: low ≤ axis < high.
struct AxisBounds {
  std::vector<std::int64_t> low, high;
};
/// Where \p computation, all of which stands under one condition, does something; none if it stands
/// under none or under one that says more than bounds.
std::optional<AxisBounds> guardBounds(const Computation &computation);

class CallStructure {
public:
  /// Keeps references to both. The origins of local tensors need not be known yet.
  CallStructure(const Workload &workload, const Call &call);

  [[nodiscard]] const Tensor &tensor(TensorRef reference) const {
    return tensorOf(workload_, call_, reference);
  }
  /// The stage that writes \p reference; none if there is none or several do.
  [[nodiscard]] std::optional<std::size_t> writerOf(TensorRef reference) const;
  /// Whether a stage of the call writes \p reference.
  [[nodiscard]] bool isWritten(TensorRef reference) const {
    return writers_.contains({reference.isLocal, reference.index});
  }
  /// What stage \p index pads, if it only pads or copies.
  [[nodiscard]] const std::optional<Padding> &padding(std::size_t index) const {
    return paddings_[index];
  }
  /// Whether stage \p index moves nothing by itself: its readers look through it. What is padded
  /// for the call's results alone has no such readers.
  [[nodiscard]] bool isLookedThrough(std::size_t index) const { return isLookedThrough_[index]; }
  /// What \p access of stage \p reader reads, looking through the padding and copies that stages
  /// before it apply. `affine` and `shape` are not set.
  [[nodiscard]] Contraction::Operand resolve(const Access &access, std::size_t reader) const;
  /// The tensor that \p tensor, which stage \p reader reads, is a copy of: of all its elements,
  /// made by stages before it. \p tensor itself if it is none.
  [[nodiscard]] TensorRef behindCopies(TensorRef tensor, std::size_t reader) const;

private:
  /// The stage before \p reader that makes \p tensor by padding or copying alone, if one does.
  [[nodiscard]] std::optional<std::size_t> paddingBefore(TensorRef tensor,
                                                         std::size_t reader) const;
  void findWriters();
  void findPadding();
  void findLookedThrough();

  const Workload &workload_;
  const Call &call_;
  std::vector<std::optional<Padding>> paddings_; ///< of every stage that only pads or copies
  std::vector<bool> isLookedThrough_;            ///< by stage
  /// The stage that writes a tensor; none if several do.
  std::map<std::pair<bool, std::uint32_t>, std::optional<std::size_t>> writers_;
};

} // namespace acadlc::workload
