/// \file
/// What a reduction does beside joining its values: where it starts, and under which conditions it
/// joins them.
#pragma once

#include "ir/Workload.h"

#include <cstdint>

namespace acadlc::workload {

/// On what it depends whether a value is joined.
enum class JoinCondition : std::uint8_t {
  Always,
  OnAxes, ///< which iteration it is
  OnData,
};

/// The condition under which \p computation, a reduction with one store, joins its values: that
/// around the store, and that of a value which is 0 elsewhere.
JoinCondition joinCondition(const Computation &computation);

/// Whether the multiply-accumulates of \p contraction, which \p computation makes, stand under a
/// condition other than that of reading no padding.
bool isConditional(const Computation &computation, const Contraction &contraction);

/// Whether the store that \p computation makes under a condition is all that it does: its value
/// says what is joined.
bool isPlainUnderCondition(const Computation &computation);

/// Whether \p computation, a reduction, starts from elements that it reads, or goes on from those
/// that are there.
bool startsFromData(const Computation &computation);

/// \p value without choices of 0 around it: what a sum adds where their conditions hold.
const ValueExpr &withoutZeroChoices(const ValueExpr &value);

} // namespace acadlc::workload
