#include "structure/ReductionBody.h"

#include "ir/WorkloadExpr.h"

#include <algorithm>

namespace acadlc::workload {

namespace {

bool reads(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    found = found || node.kind == ValueExpr::Kind::Load || node.kind == ValueExpr::Kind::Opaque;
  });
  return found;
}

JoinCondition conditionOn(const ValueExpr &condition) {
  return reads(condition) ? JoinCondition::OnData : JoinCondition::OnAxes;
}

/// Whether \p value is 0 where its condition does not hold, and something else where it does.
bool choosesZero(const ValueExpr &value) {
  if (value.kind != ValueExpr::Kind::Select || !reads(*value.operands[1]))
    return false;
  const ValueExpr &otherwise = stripCasts(*value.operands[2]);
  return otherwise.kind == ValueExpr::Kind::Constant && otherwise.number == 0;
}

/// The only statement of \p statements; null if there are more, or something is done else.
const StageStatement *onlyOne(const std::vector<StageStatement> &statements) {
  return statements.size() == 1 && statements[0].otherwise.empty() ? &statements[0] : nullptr;
}

} // namespace

JoinCondition joinCondition(const Computation &computation) {
  JoinCondition result = JoinCondition::Always;
  if (computation.body != nullptr)
    for (const StageStatement *statement = onlyOne(computation.body->statements);
         statement != nullptr && statement->condition != nullptr;
         statement = onlyOne(statement->then))
      result = std::max(result, conditionOn(*statement->condition));
  const ValueExpr *value = &stripCasts(*computation.value);
  for (; choosesZero(*value); value = &stripCasts(*value->operands[1]))
    result = std::max(result, conditionOn(*value->operands[0]));
  return result;
}

bool isConditional(const Computation &computation, const Contraction &contraction) {
  const JoinCondition condition = joinCondition(computation);
  const bool isPadded =
      std::any_of(contraction.operands.begin(), contraction.operands.end(),
                  [](const Contraction::Operand &operand) { return operand.padding.has_value(); });
  return condition == JoinCondition::OnData || (condition == JoinCondition::OnAxes && !isPadded);
}

bool isPlainUnderCondition(const Computation &computation) {
  if (computation.body == nullptr || !computation.body->opaqueReason.empty() ||
      !computation.alsoWritten.empty() || computation.value->kind == ValueExpr::Kind::Opaque)
    return false;
  const StageStatement *statement = onlyOne(computation.body->statements);
  if (statement == nullptr || statement->condition == nullptr)
    return false;
  while (statement != nullptr && statement->condition != nullptr)
    statement = onlyOne(statement->then);
  return statement != nullptr && statement->combiner == computation.combiner;
}

bool startsFromData(const Computation &computation) {
  const auto isOwn = [&](const Access &access) { return access.tensor == computation.written; };
  if (computation.combiner == Combiner::None || computation.body == nullptr)
    return false;
  const StageBody &body = *computation.body;
  const bool readsFirst =
      std::any_of(body.init.begin(), body.init.end(), [](const StageStatement &store) {
        return store.value != nullptr && reads(*store.value);
      });
  // A single store has a body because of its condition or of where it starts.
  const bool isBare = body.init.empty() && body.statements.size() == 1 &&
                      body.statements[0].condition == nullptr &&
                      computation.combiner != Combiner::Opaque;
  return readsFirst || isBare ||
         std::any_of(computation.accesses.begin(), computation.accesses.end(), isOwn);
}

const ValueExpr &withoutZeroChoices(const ValueExpr &value) {
  const ValueExpr *inner = &stripCasts(value);
  while (choosesZero(*inner))
    inner = &stripCasts(*inner->operands[1]);
  return *inner;
}

} // namespace acadlc::workload
