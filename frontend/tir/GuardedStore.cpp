#include "frontend/tir/GuardedStore.h"

#include "support/CheckedArithmetic.h"

#include <cstdint>
#include <utility>

namespace acadlc::tir {

using namespace workload;

std::optional<GuardedStore> onlyStore(const StageBody &body) {
  if (!body.init.empty() || !body.opaqueReason.empty())
    return std::nullopt;
  GuardedStore result;
  const std::vector<StageStatement> *statements = &body.statements;
  while (statements->size() == 1 && statements->front().condition) {
    if (!statements->front().otherwise.empty())
      return std::nullopt;
    result.conditions.push_back(statements->front().condition);
    statements = &statements->front().then;
  }
  if (statements->size() != 1)
    return std::nullopt;
  result.store = statements->front();
  return result;
}

StageStatement statementOf(GuardedStore guarded) {
  StageStatement statement = std::move(guarded.store);
  for (std::size_t i = guarded.conditions.size(); i-- > 0;) {
    StageStatement outer;
    outer.condition = std::move(guarded.conditions[i]);
    outer.then.push_back(std::move(statement));
    statement = std::move(outer);
  }
  return statement;
}

bool isRectangular(const Computation &computation) {
  std::optional<std::int64_t> points = 1;
  for (const Axis &axis : computation.axes)
    points = points ? checkedMul(*points, axis.extent) : std::nullopt;
  return points == computation.points;
}

} // namespace acadlc::tir
