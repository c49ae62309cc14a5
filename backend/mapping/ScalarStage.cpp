#include "backend/mapping/ScalarStage.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>

namespace acadlc::mapping {

using workload::Access;
using workload::Axis;
using workload::Combiner;
using workload::Computation;
using workload::StageBody;
using workload::StageStatement;
using workload::ValueExpr;
using workload::ValueExprPtr;

namespace {

/// The operation that joins a value to a reduction's result.
llvm::StringRef operationOf(Combiner combiner) {
  switch (combiner) {
  case Combiner::Sum:
    return "add";
  case Combiner::Product:
    return "multiply";
  case Combiner::Max:
    return "max";
  case Combiner::Min:
    return "min";
  case Combiner::None:
  case Combiner::Opaque:
    break;
  }
  return "";
}

/// The product that a sum of products adds; null if it adds something else.
const ValueExpr *productOf(const ValueExpr &value) {
  const ValueExpr &product = workload::stripCasts(value);
  return product.kind == ValueExpr::Kind::Binary && product.name == "*" ? &product : nullptr;
}

/// Calls \p visit with every store among \p statements.
void forEachStore(const std::vector<StageStatement> &statements,
                  const std::function<void(const StageStatement &)> &visit) {
  for (const StageStatement &statement : statements) {
    forEachStore(statement.then, visit);
    forEachStore(statement.otherwise, visit);
    if (statement.condition == nullptr)
      visit(statement);
  }
}

/// Conditions that hold together, as far as `and` joins them.
void splitConjunction(const ValueExprPtr &condition, std::vector<ValueExprPtr> &parts) {
  if (condition->kind != ValueExpr::Kind::Compare || condition->name != "and")
    return parts.push_back(condition);
  for (const ValueExprPtr &operand : condition->operands)
    splitConjunction(operand, parts);
}

class StageReader {
public:
  StageReader(const ScalarStageContext &context, std::size_t stage)
      : context_(context), computation_(context.call.computations[stage]),
        indices_(computation_.axes, makeLoops()),
        surroundings_{context.workload,
                      context.call,
                      computation_,
                      computation_.body ? computation_.body->accesses : computation_.accesses,
                      context.operations,
                      indices_,
                      context.tensorName},
        reader_(surroundings_, result_.graph) {
    const auto sum =
        std::ranges::find(context.call.contractions, stage, &workload::Contraction::computation);
    if (sum == context.call.contractions.end())
      return;
    contraction_ = &*sum;
    result_.macs = sum->macs;
  }

  std::optional<ScalarStage> read() {
    if (!checkForm() || !(computation_.body ? readBody(*computation_.body) : readPlain()))
      return std::nullopt;
    result_.assumptions.insert(result_.assumptions.begin(), reader_.assumptions().begin(),
                               reader_.assumptions().end());
    return std::move(result_);
  }

  [[nodiscard]] ScalarRefusal refusal() const {
    if (!reason_.empty())
      return {reason_, computation_.range};
    return {reader_.reason(),
            reader_.reasonRange().isValid() ? reader_.reasonRange() : computation_.range};
  }

private:
  [[nodiscard]] bool isReduced(std::size_t axis) const {
    return computation_.axes[axis].kind == Axis::Kind::Reduction;
  }

  [[nodiscard]] bool isReduction() const {
    return llvm::any_of(computation_.axes,
                        [](const Axis &axis) { return axis.kind == Axis::Kind::Reduction; });
  }

  /// Spatial axes outside, reduced ones inside, both in their order.
  std::vector<ScalarIndexWriter::Loop> makeLoops() {
    const std::vector<std::string> names = context_.axisNames(computation_);
    std::vector<ScalarIndexWriter::Loop> loops(computation_.axes.size());
    for (const bool reduced : {false, true}) {
      for (std::size_t i = 0; i < loops.size(); ++i) {
        if (names[i].empty() || isReduced(i) != reduced)
          continue;
        result_.loops.push_back({names[i], computation_.axes[i].extent});
        loops[i] = {names[i], result_.loops.size()};
      }
      if (!reduced)
        result_.outerLoops = result_.loops.size();
    }
    return loops;
  }

  bool fail(std::string reason) {
    if (reason_.empty())
      reason_ = std::move(reason);
    return false;
  }

  bool checkForm() {
    if (computation_.body ? !computation_.body->opaqueReason.empty()
                          : !computation_.opaqueReason.empty())
      return fail(computation_.body ? computation_.body->opaqueReason : computation_.opaqueReason);
    std::optional<std::int64_t> points = 1;
    for (const Axis &axis : computation_.axes)
      points = points ? checkedMul(*points, axis.extent) : std::nullopt;
    if (points != computation_.points)
      return fail("extents of its loops depend on other loops");
    return computation_.body || computation_.combiner == Combiner::None ||
           llvm::none_of(computation_.writeIndices,
                         [&](const auto &index) { return usesReduction(*index); }) ||
           fail("it writes where a reduced axis says");
  }

  [[nodiscard]] bool usesReduction(const workload::IndexExpr &index) const {
    bool uses = false;
    forEachAxis(index, [&](std::size_t axis) { uses |= isReduced(axis); });
    return uses;
  }

  ScalarId number(const std::string &text) {
    ScalarNode node;
    node.text = text;
    return result_.graph.add(std::move(node));
  }

  ScalarId accumulated(std::size_t accumulator) {
    ScalarNode node;
    node.kind = ScalarNode::Kind::Accumulator;
    node.text = fmt::format("{}", accumulator);
    node.depth = result_.loops.size();
    return result_.graph.add(std::move(node));
  }

  //===--- One value -------------------------------------------------------------------------===//

  bool readPlain() {
    reader_.setWritten({computation_.written});
    if (computation_.combiner == Combiner::None && contraction_ == nullptr)
      return readStore();
    auto target = reader_.access(computation_.written, computation_.writeIndices);
    const auto value = target ? joined(computation_.combiner, *computation_.value) : std::nullopt;
    if (!value)
      return false;
    result_.accumulators.push_back({number("start"), std::move(*target)});
    ScalarStatement update;
    update.kind = ScalarStatement::Kind::Update;
    update.value = *value;
    result_.statements.push_back(std::move(update));
    return true;
  }

  bool readStore() {
    const auto value = reader_.read(*computation_.value);
    auto target =
        value ? reader_.access(computation_.written, computation_.writeIndices) : std::nullopt;
    if (!target)
      return false;
    ScalarStatement store;
    store.value = *value;
    store.target = std::move(*target);
    result_.statements.push_back(std::move(store));
    return true;
  }

  /// What the accumulator becomes that joins \p operand.
  std::optional<ScalarId> joined(Combiner combiner, const ValueExpr &operand) {
    // A product with a sign in front of it, or written out, is computed and added.
    const ValueExpr *product = contraction_ == nullptr ? nullptr : productOf(operand);
    if (product == nullptr) {
      result_.macs = 0;
      const auto value = reader_.read(operand);
      return value ? reader_.operation(operationOf(combiner), {accumulated(0), *value})
                   : std::nullopt;
    }
    if (combiner != Combiner::Sum) {
      fail("it is no plain sum of products");
      return std::nullopt;
    }
    std::vector<ScalarId> factors;
    for (const ValueExprPtr &factor : product->operands) {
      const auto value = reader_.read(*factor);
      if (!value)
        return std::nullopt;
      factors.push_back(*value);
    }
    return multiplyAdd(std::move(factors));
  }

  /// Never done in advance, as it has the multiply-accumulates.
  std::optional<ScalarId> multiplyAdd(std::vector<ScalarId> factors) {
    if (!reader_.requireOperation("multiply_add"))
      return std::nullopt;
    ScalarNode node;
    node.kind = ScalarNode::Kind::Operation;
    node.text = "multiply_add";
    node.operands = std::move(factors);
    node.isVolatile = true;
    return result_.graph.add(std::move(node));
  }

  //===--- Several stores, conditions ---------------------------------------------------------===//

  bool readBody(const StageBody &body) {
    result_.readsFirst = body.readsFirst;
    const auto accumulators = accumulatorsOf(body);
    const bool isOne = body.statements.size() == 1 && accumulators.size() == 1;
    if (contraction_ != nullptr && !isOne)
      return fail("it is no plain sum of products");
    // Products under a condition are computed and added: less than the operator's.
    if (contraction_ != nullptr && body.statements[0].condition != nullptr) {
      contraction_ = nullptr;
      result_.macs = 0;
    }
    std::vector<workload::TensorRef> written;
    forEachStore(body.statements,
                 [&](const StageStatement &store) { written.push_back(store.written.tensor); });
    reader_.setWritten(std::move(written));
    std::vector<StageStatement> statements = body.statements;
    splitOuterCondition(statements);
    if (!result_.outerCondition.empty())
      reader_.enterCondition();
    // What starts a reduction is read before there is one.
    if (!(accumulators.empty() ? readInitialStores(body) : readInitialValues(body, accumulators)))
      return false;
    reader_.setAccumulators(accumulators, !body.readsFirst);
    accumulators_ = accumulators;
    if (!readStatements(statements, result_.statements))
      return false;
    return accumulators.empty() || !body.readsFirst || orderUpdates(result_.statements);
  }

  /// The elements that stay in registers while reduced axes run: if each tensor is written in one
  /// place alone, which no reduced axis moves, and is read there alone. All of them start from
  /// values, or all from what is there.
  [[nodiscard]] std::vector<const Access *> accumulatorsOf(const StageBody &body) const {
    std::vector<const Access *> places;
    bool fits = isReduction();
    const auto known = [&](workload::TensorRef tensor) {
      return std::ranges::find_if(places,
                                  [&](const Access *place) { return place->tensor == tensor; });
    };
    forEachStore(body.statements, [&](const StageStatement &store) {
      const auto found = known(store.written.tensor);
      if (found != places.end())
        fits &= sameElement(**found, store.written);
      else
        places.push_back(&store.written);
      for (const auto &index : store.written.indices)
        fits &= !usesReduction(*index);
    });
    for (const Access &access : body.accesses)
      if (const auto found = known(access.tensor); found != places.end())
        fits &= sameElement(**found, access);
    for (const Access *place : places)
      fits &=
          body.init.empty() || std::ranges::count_if(body.init, [&](const StageStatement &store) {
                                 return sameElement(store.written, *place);
                               }) == 1;
    fits &= body.init.empty() || body.init.size() == places.size();
    return fits ? places : std::vector<const Access *>();
  }

  bool readInitialValues(const StageBody &body, const std::vector<const Access *> &accumulators) {
    for (const Access *place : accumulators) {
      const auto start = std::ranges::find_if(body.init, [&](const StageStatement &store) {
        return sameElement(store.written, *place);
      });
      const auto value = body.init.empty() ? loadOf(*place) : reader_.read(*start->value);
      auto target = value ? reader_.access(place->tensor, place->indices) : std::nullopt;
      if (!target)
        return false;
      if (result_.graph[*value].depth > result_.outerLoops)
        return fail("what its reduction starts from depends on the reduced axes");
      result_.accumulators.push_back({*value, std::move(*target)});
    }
    return true;
  }

  bool readInitialStores(const StageBody &body) {
    if (!readStatements(body.init, result_.initialStores))
      return false;
    return llvm::all_of(result_.initialStores, [&](const ScalarStatement &store) {
      return (store.target.depth <= result_.outerLoops &&
              result_.graph[store.value].depth <= result_.outerLoops) ||
             fail("what its reduction starts from depends on the reduced axes");
    });
  }

  /// Takes those parts of a condition around everything out of \p statements on which the reduced
  /// axes have no influence: they hold for the start of a reduction, too.
  void splitOuterCondition(std::vector<StageStatement> &statements) {
    const bool isGuarded = statements.size() == 1 && statements[0].condition != nullptr &&
                           statements[0].otherwise.empty();
    if (!isReduction() || !isGuarded)
      return;
    std::vector<ValueExprPtr> parts, inner;
    splitConjunction(statements[0].condition, parts);
    for (const ValueExprPtr &part : parts) {
      const auto text =
          part->kind == ValueExpr::Kind::Compare ? indices_.write(*part) : std::nullopt;
      if (!text || text->depth > result_.outerLoops) {
        inner.push_back(part);
        continue;
      }
      result_.outerCondition += (result_.outerCondition.empty() ? "" : " and ") + text->text;
    }
    std::vector<StageStatement> then = std::move(statements[0].then);
    if (inner.empty()) {
      statements = std::move(then);
      return;
    }
    ValueExprPtr rest = inner[0];
    for (std::size_t i = 1; i < inner.size(); ++i)
      rest = workload::valueNode(ValueExpr::Kind::Compare, "and", {rest, inner[i]});
    statements[0].condition = rest;
    statements[0].then = std::move(then);
  }

  bool readStatements(const std::vector<StageStatement> &from, std::vector<ScalarStatement> &to) {
    for (const StageStatement &statement : from) {
      auto read = statement.condition != nullptr ? readCondition(statement) : readOne(statement);
      if (!read)
        return false;
      to.push_back(std::move(*read));
    }
    return true;
  }

  std::optional<ScalarStatement> readCondition(const StageStatement &statement) {
    ScalarStatement result;
    if (auto text = indices_.writeCondition(*statement.condition)) {
      result.kind = ScalarStatement::Kind::If;
      result.condition = std::move(text->text);
    } else {
      const auto value = reader_.read(*statement.condition);
      if (!value)
        return std::nullopt;
      result.kind = ScalarStatement::Kind::Branch;
      result.value = *value;
      // Behind a branch only what is stored there is computed.
      result_.readsFirst &= !accumulators_.empty();
      const std::string assumption =
          "data says which way a branch goes; assumed: the condition holds";
      if (llvm::find(result_.assumptions, assumption) == result_.assumptions.end())
        result_.assumptions.push_back(assumption);
    }
    reader_.enterCondition();
    const bool isGood = readStatements(statement.then, result.then) &&
                        (result.kind == ScalarStatement::Kind::Branch ||
                         readStatements(statement.otherwise, result.otherwise));
    reader_.leaveCondition();
    return isGood ? std::optional(std::move(result)) : std::nullopt;
  }

  std::optional<ScalarStatement> readOne(const StageStatement &statement) {
    ScalarStatement result;
    const bool isProduct = contraction_ != nullptr && statement.combiner != Combiner::None;
    auto value =
        isProduct ? joined(statement.combiner, *statement.value) : reader_.read(*statement.value);
    if (!value)
      return std::nullopt;
    const auto found = std::ranges::find_if(accumulators_, [&](const Access *place) {
      return place->tensor == statement.written.tensor;
    });
    const bool isUpdate = found != accumulators_.end();
    if (isUpdate) {
      result.kind = ScalarStatement::Kind::Update;
      result.accumulator = static_cast<std::size_t>(found - accumulators_.begin());
    }
    if (statement.combiner != Combiner::None && !isProduct) {
      const auto before =
          isUpdate ? accumulatedAsRead(result.accumulator) : loadOf(statement.written);
      value = before ? reader_.operation(operationOf(statement.combiner), {*before, *value})
                     : std::nullopt;
      if (!value)
        return std::nullopt;
    }
    result.value = *value;
    if (isUpdate)
      return checkUpdate(result) ? std::optional(std::move(result)) : std::nullopt;
    auto target = reader_.access(statement.written.tensor, statement.written.indices);
    if (!target)
      return std::nullopt;
    result.target = std::move(*target);
    return result;
  }

  std::optional<ScalarId> accumulatedAsRead(std::size_t accumulator) {
    ScalarNode node = result_.graph[accumulated(accumulator)];
    node.isVolatile = !result_.readsFirst;
    return result_.graph.add(std::move(node));
  }

  std::optional<ScalarId> loadOf(const Access &access) {
    auto place = reader_.access(access.tensor, access.indices);
    if (!place)
      return std::nullopt;
    ScalarNode node;
    node.kind = ScalarNode::Kind::Load;
    node.text = std::move(place->text);
    node.depth = place->depth;
    node.operands = std::move(place->indices);
    node.isVolatile = true;
    return result_.graph.add(std::move(node));
  }

  /// No instruction copies a register.
  bool checkUpdate(const ScalarStatement &update) {
    const ScalarNode &value = result_.graph[update.value];
    const auto isOther = [&](ScalarId id) {
      const ScalarNode &node = result_.graph[id];
      return node.kind == ScalarNode::Kind::Accumulator &&
             node.text != fmt::format("{}", update.accumulator);
    };
    return !(isOther(update.value) ||
             (value.kind == ScalarNode::Kind::Choice && llvm::any_of(value.operands, isOther))) ||
           fail("one of its results takes the value of another one");
  }

  [[nodiscard]] bool readsAccumulator(ScalarId id, std::size_t accumulator) const {
    const ScalarNode &node = result_.graph[id];
    if (node.kind == ScalarNode::Kind::Accumulator)
      return node.text == fmt::format("{}", accumulator);
    return llvm::any_of(node.operands,
                        [&](ScalarId operand) { return readsAccumulator(operand, accumulator); });
  }

  /// An accumulator is set when all others that read its old value are.
  bool orderUpdates(std::vector<ScalarStatement> &statements) {
    if (statements.size() == 1 && statements[0].kind != ScalarStatement::Kind::Update)
      return orderUpdates(statements[0].then) && orderUpdates(statements[0].otherwise);
    std::vector<ScalarStatement> open = std::move(statements);
    statements.clear();
    while (!open.empty()) {
      const auto next = std::ranges::find_if(open, [&](const ScalarStatement &statement) {
        return llvm::none_of(open, [&](const ScalarStatement &other) {
          return &other != &statement && (other.kind != ScalarStatement::Kind::Update ||
                                          readsAccumulator(other.value, statement.accumulator));
        });
      });
      if (next == open.end())
        return fail("its results need each other's value of before");
      statements.push_back(std::move(*next));
      open.erase(next);
    }
    return true;
  }

  const ScalarStageContext &context_;
  const Computation &computation_;
  const workload::Contraction *contraction_ = nullptr; ///< null if it is no sum of products
  ScalarStage result_;
  ScalarIndexWriter indices_;
  ScalarSurroundings surroundings_;
  ScalarReader reader_;
  std::vector<const Access *> accumulators_;
  std::string reason_;
};

} // namespace

std::optional<ScalarStage> readScalarStage(const ScalarStageContext &context, std::size_t stage,
                                           ScalarRefusal &refusal) {
  StageReader reader(context, stage);
  auto result = reader.read();
  if (!result)
    refusal = reader.refusal();
  return result;
}

} // namespace acadlc::mapping
