/// \file
/// Nodes of the workload IR that occur again and again in a text.
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace acadlc::tir {

/// Hands out the same node for the same variable or number: nodes never change, and a network has
/// few different ones.
class SharedNodes {
public:
  const workload::IndexExprPtr &axis(std::size_t axis);
  /// axis() as a value.
  const workload::ValueExprPtr &axisValue(std::size_t axis);
  /// A constant of an integer type.
  workload::ValueExprPtr integer(std::int64_t value, workload::ElementType type);
  /// \p value as an index used as a value.
  const workload::ValueExprPtr &indexValue(std::int64_t value);

private:
  /// Texts with more different numbers than these pay for the others.
  static constexpr std::size_t mostNumbers = 10'000;

  using Numbers = std::unordered_map<std::int64_t, workload::ValueExprPtr>;
  std::vector<workload::IndexExprPtr> axes_;
  std::vector<workload::ValueExprPtr> axisValues_;
  Numbers int32_, int64_, indices_;
};

} // namespace acadlc::tir
