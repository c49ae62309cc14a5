/// \file
/// Stages that are one store under conditions.
#pragma once

#include "ir/Workload.h"

#include <optional>
#include <vector>

namespace acadlc::tir {

/// The only store of a stage and the conditions around it, the outermost first.
struct GuardedStore {
  std::vector<workload::ValueExprPtr> conditions;
  workload::StageStatement store;
};

/// None if \p body does more.
std::optional<GuardedStore> onlyStore(const workload::StageBody &body);

/// The store under what is left of its conditions.
workload::StageStatement statementOf(GuardedStore guarded);

/// Whether the domain of \p computation is all combinations of its axes.
bool isRectangular(const workload::Computation &computation);

} // namespace acadlc::tir
