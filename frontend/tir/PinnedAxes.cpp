#include "frontend/tir/PinnedAxes.h"

#include "frontend/tir/GuardedStore.h"
#include "ir/WorkloadExpr.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace acadlc::tir {

using namespace workload;

namespace {

/// Axes with the value that they are held to.
using Pins = std::map<std::size_t, std::int64_t>;

/// `axis == number` with a number that the axis takes.
std::optional<Pins::value_type> pinOf(const ValueExpr &condition, const std::vector<Axis> &axes) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.name != "==" ||
      condition.operands.size() != 2)
    return std::nullopt;
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  if (!left || !right || left->kind != IndexExpr::Kind::Axis ||
      right->kind != IndexExpr::Kind::Constant)
    return std::nullopt;
  const auto axis = static_cast<std::size_t>(left->value);
  if (right->value < 0 || right->value >= axes[axis].extent)
    return std::nullopt;
  return Pins::value_type{axis, right->value};
}

/// Adds to \p pins what \p condition says so; the rest of it, null if that is all.
ValueExprPtr withoutPins(const ValueExprPtr &condition, const std::vector<Axis> &axes, Pins &pins) {
  if (condition->kind == ValueExpr::Kind::Compare && condition->name == "and" &&
      condition->operands.size() == 2) {
    ValueExprPtr left = withoutPins(condition->operands[0], axes, pins);
    ValueExprPtr right = withoutPins(condition->operands[1], axes, pins);
    if (!left || !right)
      return left ? left : right;
    return valueNode(ValueExpr::Kind::Compare, "and", {std::move(left), std::move(right)});
  }
  const auto pin = pinOf(*condition, axes);
  if (!pin)
    return condition;
  // Another value for the same axis holds never: that is no pin.
  const auto [known, isNew] = pins.insert(*pin);
  return isNew || known->second == pin->second ? nullptr : condition;
}

/// Gives \p computation, which has no condition any more, what \p body stores.
void makePlain(Computation &computation, const StageBody &body, const StageStatement &store) {
  computation.accesses = body.accesses;
  computation.value = store.value;
  computation.writeIndices = store.written.indices;
  computation.opaqueReason.clear();
  computation.body = nullptr;
}

void dropPins(Computation &computation) {
  const std::shared_ptr<const StageBody> body = computation.body;
  if (!body || computation.combiner != Combiner::None || !computation.alsoWritten.empty())
    return;
  auto guarded = onlyStore(*body);
  if (!guarded || guarded->store.combiner != Combiner::None || !isRectangular(computation))
    return;
  Pins pins;
  std::vector<ValueExprPtr> conditions;
  for (std::size_t i = guarded->conditions.size(); i-- > 0;)
    if (ValueExprPtr rest = withoutPins(guarded->conditions[i], computation.axes, pins))
      conditions.insert(conditions.begin(), std::move(rest));
  if (pins.empty())
    return;
  if (conditions.empty()) {
    makePlain(computation, *body, guarded->store);
  } else {
    StageBody shorter = *body;
    shorter.statements = {statementOf({std::move(conditions), std::move(guarded->store)})};
    computation.body = std::make_shared<const StageBody>(std::move(shorter));
  }
  std::vector<Axis> axes;
  std::vector<IndexExprPtr> values;
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const auto pin = pins.find(a);
    values.push_back(pin != pins.end() ? indexConstant(pin->second) : indexAxis(axes.size()));
    if (pin != pins.end())
      computation.points /= computation.axes[a].extent;
    else
      axes.push_back(computation.axes[a]);
  }
  substituteAxes(computation, std::move(axes), values);
}

} // namespace

void dropPinnedAxes(FunctionTemplate &function) {
  for (Computation &computation : function.computations)
    dropPins(computation);
}

} // namespace acadlc::tir
