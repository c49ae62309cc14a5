/// \file
/// Indices, and numbers and conditions that depend on loop variables alone, as texts of the
/// language. Private to this folder.
#pragma once

#include "ir/Workload.h"

#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// Writes the expressions of one stage.
class ScalarIndexWriter {
public:
  /// A text and the loops that it depends on.
  struct Text {
    std::string text;
    std::size_t depth = 0; ///< see ScalarNode::depth
  };
  /// What the loops over the axes are called, and how deep they stand.
  struct Loop {
    std::string name;      ///< "" if the axis has one point
    std::size_t depth = 0; ///< the outermost one has 1
  };
  ScalarIndexWriter(const std::vector<workload::Axis> &axes, std::vector<Loop> loops)
      : axes_(axes), loops_(std::move(loops)) {}

  /// None for what is opaque.
  [[nodiscard]] std::optional<Text> write(const workload::IndexExpr &index) const;
  /// A whole number or a condition; none for all else.
  [[nodiscard]] std::optional<Text> write(const workload::ValueExpr &value) const;
  /// A condition as it stands behind `if`; none if it depends on data.
  [[nodiscard]] std::optional<Text> writeCondition(const workload::ValueExpr &condition) const;
  /// An index that is computed from loop variables in another way, as with numbers with a point: in
  /// pieces that it is linear in. None if it reads data, depends on several loops, or on one with
  /// more than a million iterations.
  [[nodiscard]] std::optional<Text> writeComputed(const workload::ValueExpr &value) const;
  /// Counts the combinations of the loops in \p axes from 0 on, modulo \p extent.
  [[nodiscard]] Text counting(const std::vector<bool> &axes, std::int64_t extent) const;

private:
  [[nodiscard]] Text affine(const workload::AffineIndex &index) const;

  const std::vector<workload::Axis> &axes_;
  std::vector<Loop> loops_;
};

} // namespace acadlc::mapping
