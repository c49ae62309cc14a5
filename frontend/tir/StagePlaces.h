/// \file
/// Where a stage reads and writes.
#pragma once

#include "ir/Workload.h"

#include <memory>
#include <utility>
#include <vector>

namespace acadlc::tir {

/// Calls \p visit with the tensor and the indices of every store, those under conditions included.
template <typename Visit>
void forEachPlace(std::vector<workload::StageStatement> &statements, Visit &visit) {
  for (workload::StageStatement &statement : statements) {
    if (!statement.condition)
      visit(statement.written.tensor, statement.written.indices);
    forEachPlace(statement.then, visit);
    forEachPlace(statement.otherwise, visit);
  }
}

/// Calls \p visit with the tensor and the indices of all accesses of \p computation; it may change
/// them.
template <typename Visit> void forEachPlace(workload::Computation &computation, Visit visit) {
  visit(computation.written, computation.writeIndices);
  for (workload::Access &access : computation.accesses)
    visit(access.tensor, access.indices);
  if (!computation.body)
    return;
  workload::StageBody body = *computation.body;
  for (workload::Access &access : body.accesses)
    visit(access.tensor, access.indices);
  forEachPlace(body.init, visit);
  forEachPlace(body.statements, visit);
  computation.body = std::make_shared<const workload::StageBody>(std::move(body));
}

} // namespace acadlc::tir
