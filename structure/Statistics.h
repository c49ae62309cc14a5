/// \file
/// Softmaxes and normalisations: which stages behind a reduction belong to it. Private to this
/// folder.
#pragma once

#include "structure/StageFlow.h"

#include <functional>
#include <optional>

namespace acadlc::workload {

/// Stages that are one operator.
struct StatisticStages {
  Stages reductions; ///< that make the statistics, in text order
  Stages stages;     ///< all of them, in text order
};

/// What is known of the call that stages are looked for in.
struct StageContext {
  const Call &call;
  const CallStructure &structure;
  const StageFlow &flow;
  /// Whether a stage takes time and belongs to no operator so far.
  std::function<bool(std::size_t)> isOpen;
};

/// The softmax that begins with the maximum that stage \p first makes, or with the sum of powers of
/// e if none is subtracted; none if there is none. It may end with the logarithm of the sum. A
/// softmax that the result is handed on to is another one.
std::optional<StatisticStages> softmaxOf(const StageContext &context, std::size_t first);

/// The normalisation whose first statistic is the sum that stage \p first makes; none if nothing is
/// divided by a root of it. It ends with the scale and shift of its elements by tensors that have
/// fewer axes; what is done to normalised elements besides, also in front of another norm, is none
/// of it.
std::optional<StatisticStages> normOf(const StageContext &context, std::size_t first);

/// Whether \p value calls function \p name.
bool hasFunction(const ValueExpr &value, std::string_view name);

} // namespace acadlc::workload
