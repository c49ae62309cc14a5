// What a stage does in full, where it is more than one store at every point of its domain.

#include "frontend/tir/FunctionParts.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>

namespace acadlc::tir {

using namespace workload;

namespace {

constexpr std::size_t mostGuards = 32;

/// Puts stores into the tree of the conditions around them.
class BodyBuilder {
public:
  void add(const Store &store) {
    std::vector<StageStatement> *list = &body_.statements;
    bool isShared = true;
    for (std::size_t depth = 0; depth < store.guards.size(); ++depth) {
      const Guard &guard = store.guards[depth];
      const bool isKnown = isShared && depth < path_.size() &&
                           path_[depth].first == guard.statement && !list->empty();
      if (!isKnown)
        list->push_back(conditional(guard));
      isShared = isKnown && path_[depth].second == guard.isElse;
      list = guard.isElse ? &list->back().otherwise : &list->back().then;
    }
    path_.clear();
    for (const Guard &guard : store.guards)
      path_.emplace_back(guard.statement, guard.isElse);
    list->push_back(statement(store));
  }

  void addInit(const Store &store) { body_.init.push_back(statement(store)); }

  void setOpaque(std::string reason) { body_.opaqueReason = std::move(reason); }

  [[nodiscard]] StageBody take() { return std::move(body_); }

private:
  /// Appends \p accesses; gives the number of the first.
  std::size_t append(const std::vector<Access> &accesses) {
    const std::size_t offset = body_.accesses.size();
    for (Access access : accesses) {
      for (IndexExprPtr &index : access.indices)
        index = renumberLoads(index, offset);
      body_.accesses.push_back(std::move(access));
    }
    return offset;
  }

  StageStatement conditional(const Guard &guard) {
    StageStatement result;
    result.condition = renumberLoads(guard.value, append(guard.accesses));
    return result;
  }

  StageStatement statement(const Store &store) {
    const std::size_t offset = append(store.accesses);
    StageStatement result;
    result.written = store.written;
    for (IndexExprPtr &index : result.written.indices)
      index = renumberLoads(index, offset);
    result.combiner = store.combiner == Combiner::Opaque ? Combiner::None : store.combiner;
    result.value = renumberLoads(store.value, offset);
    return result;
  }

  StageBody body_;
  std::vector<std::pair<const Stmt *, bool>> path_; ///< conditions around the last store
};

/// Whether \p value is a number, which a register starts from.
bool isNumber(const ValueExpr &value) {
  const ValueExpr &inner = stripCasts(value);
  if (inner.kind == ValueExpr::Kind::Index)
    return inner.index->kind == IndexExpr::Kind::Constant;
  return inner.kind == ValueExpr::Kind::Constant ||
         (inner.kind == ValueExpr::Kind::Unary && inner.operands.empty());
}

bool isPrefix(const std::vector<Guard> &prefix, const std::vector<Guard> &all) {
  return prefix.size() <= all.size() &&
         std::ranges::equal(prefix, std::span(all).first(prefix.size()), {}, &Guard::statement,
                            &Guard::statement);
}

/// Conditions that hold together, as far as `and` joins them.
void splitConjunction(const ValueExprPtr &condition, std::vector<ValueExprPtr> &parts) {
  if (condition->kind != ValueExpr::Kind::Compare || condition->name != "and")
    return parts.push_back(condition);
  for (const ValueExprPtr &operand : condition->operands)
    splitConjunction(operand, parts);
}

} // namespace

void FunctionReader::keepGuards(Store &store) const {
  store.hasLostGuards = guards_.size() > mostGuards;
  if (!store.hasLostGuards)
    store.guards = guards_;
}

/// Reports if \p store, which starts a reduction, writes by an axis that is reduced: then it would
/// start nothing but the first element along that axis.
void FunctionReader::checkInit(const Store &store) {
  std::optional<std::size_t> reduced;
  for (const IndexExprPtr &index : store.written.indices)
    forEachAxis(*index, [&](std::size_t id) {
      const Variable &axis = variables_[id];
      if (axis.isBlockAxis && axis.kind == Axis::Kind::Reduction && axis.extent > 1)
        reduced = id;
    });
  if (reduced)
    error(DiagnosticCode::TirBadAxis, store.written.range,
          "'" + variables_[*reduced].name +
              "' is a reduction axis (R), but what is reduced has a "
              "dimension for it: it must be a spatial one (S)");
}

void FunctionReader::addInit(Store store, const Expr &value, Conversion &conversion) {
  checkInit(store);
  store.value = convert(value, conversion);
  store.accesses = std::move(conversion.accesses);
  noteUses(std::span(&store, 1), true);
  frames_.back().initStores.push_back(std::move(store));
}

/// Whether `T.init` of a block around the innermost one starts what \p store accumulates from a
/// number.
bool FunctionReader::isStartedOutside(const Store &store) const {
  return std::ranges::any_of(frames_, [&](const Frame &outer) {
    return outer.hasInit && std::ranges::any_of(outer.initStores, [&](const Store &init) {
             return init.written.tensor == store.written.tensor && isNumber(*init.value);
           });
  });
}

/// Null if the first store alone says what is computed. \p goesOn: a reduction joins its values to
/// what is there.
std::shared_ptr<const StageBody>
FunctionReader::bodyOf(const Frame &frame, const std::vector<Store> &stores, bool goesOn) const {
  const bool startsFromNumber = std::ranges::all_of(
      frame.initStores, [](const Store &store) { return isNumber(*store.value); });
  const bool hasGuards = std::ranges::any_of(
      stores, [](const Store &store) { return !store.guards.empty() || store.hasLostGuards; });
  if (stores.size() == 1 && !hasGuards && startsFromNumber && !goesOn &&
      stores[0].combiner != Combiner::Opaque)
    return nullptr;
  BodyBuilder builder;
  for (const Store &store : frame.initStores) {
    builder.addInit(store);
    if (!isPrefix(store.guards, stores[0].guards))
      builder.setOpaque("a condition in 'T.init'");
  }
  for (const Store &store : stores) {
    builder.add(store);
    if (store.hasLostGuards)
      builder.setOpaque("it stands under too many conditions");
  }
  StageBody body = builder.take();
  body.readsFirst = std::ranges::all_of(stores, [&](const Store &store) {
    return store.definition.isValid() && store.definition.begin.raw() < stores[0].range.begin.raw();
  });
  return std::make_shared<const StageBody>(std::move(body));
}

namespace {

/// Resolves the conditions of a body.
class GuardResolver {
public:
  /// \p isOneStore: all that stands under the conditions.
  GuardResolver(const std::vector<Variable> &variables, const std::vector<std::size_t> &own,
                bool isOneStore)
      : variables_(variables), own_(own), isOneStore_(isOneStore) {
    for (std::size_t variable = 0; variable < variables.size(); ++variable)
      replacements_.push_back(indexAxis(variable));
    for (const std::size_t axis : own)
      if (variables[axis].isBlockAxis && variables[axis].loop)
        replacements_[*variables[axis].loop] = indexAxis(axis);
  }

  void resolve(std::vector<StageStatement> &statements) {
    for (std::size_t i = 0; i < statements.size(); ++i) {
      if (statements[i].condition == nullptr)
        continue;
      resolve(statements[i].then);
      resolve(statements[i].otherwise);
      statements[i].condition = resolved(statements[i]);
      if (statements[i].condition != nullptr)
        continue;
      std::vector<StageStatement> inner = std::move(statements[i].then);
      statements.erase(statements.begin() + static_cast<std::ptrdiff_t>(i));
      statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(i), inner.begin(),
                        inner.end());
      i += inner.size() - 1;
    }
  }

  /// A loop in a condition that is none of the stage's axes.
  [[nodiscard]] bool hasForeignLoop() const { return hasForeignLoop_; }

private:
  /// Null if it always holds.
  ValueExprPtr resolved(const StageStatement &statement) {
    std::vector<ValueExprPtr> parts;
    splitConjunction(statement.condition, parts);
    std::erase_if(parts, [&](const ValueExprPtr &part) { return isDomain(*part); });
    ValueExprPtr result;
    for (ValueExprPtr &part : parts) {
      part = substitute(part, replacements_);
      // A store in one iteration alone gets by without the loop (PinnedAxes.h).
      const bool isPinned = isOneStore_ && statement.otherwise.empty() && isOneIteration(*part);
      if (!isPinned)
        forEachAxis(*part, [&](std::size_t variable) {
          hasForeignLoop_ |=
              !variables_[variable].isBlockAxis && std::ranges::find(own_, variable) == own_.end();
        });
      result =
          result == nullptr ? part : valueNode(ValueExpr::Kind::Compare, "and", {result, part});
    }
    if (result == nullptr && !statement.otherwise.empty())
      return valueIndex(indexConstant(1));
    return result;
  }

  /// Whether \p condition says that an axis stays in its domain: `i * 4 + j < 10` where the axis is
  /// bound to `i * 4 + j` and has 10 points. What splits loops writes such ones.
  [[nodiscard]] bool isDomain(const ValueExpr &condition) const {
    if (condition.kind != ValueExpr::Kind::Compare || condition.name != "<" ||
        condition.operands.size() != 2)
      return false;
    const IndexExprPtr left = asIndex(condition.operands[0]);
    const IndexExprPtr right = asIndex(condition.operands[1]);
    if (!left || !right || right->kind != IndexExpr::Kind::Constant)
      return false;
    return std::ranges::any_of(own_, [&](std::size_t axis) {
      const Variable &variable = variables_[axis];
      return variable.binding && right->value >= variable.extent &&
             sameIndex(*variable.binding, *left);
    });
  }

  /// Whether \p condition holds a loop to one of its iterations: `tx == 0`.
  [[nodiscard]] bool isOneIteration(const ValueExpr &condition) const {
    if (condition.kind != ValueExpr::Kind::Compare || condition.name != "==" ||
        condition.operands.size() != 2)
      return false;
    const IndexExprPtr left = asIndex(condition.operands[0]);
    const IndexExprPtr right = asIndex(condition.operands[1]);
    return left && right && left->kind == IndexExpr::Kind::Axis &&
           right->kind == IndexExpr::Kind::Constant && right->value >= 0 &&
           right->value < variables_[static_cast<std::size_t>(left->value)].extent;
  }

  const std::vector<Variable> &variables_;
  const std::vector<std::size_t> &own_;
  bool isOneStore_;
  std::vector<IndexExprPtr> replacements_;
  bool hasForeignLoop_ = false;
};

} // namespace

/// Conditions speak of loops, stages of axes.
void FunctionReader::resolveGuards(StageBody &body, const std::vector<std::size_t> &own,
                                   bool isOneStore) const {
  GuardResolver resolver(variables_, own, isOneStore);
  resolver.resolve(body.statements);
  if (resolver.hasForeignLoop() && body.opaqueReason.empty())
    body.opaqueReason = "its conditions are on loops that are none of its axes";
}

} // namespace acadlc::tir
