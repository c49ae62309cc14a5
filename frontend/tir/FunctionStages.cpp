#include "frontend/tir/FunctionParts.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// \p expr without casts around it.
const Expr &withoutCasts(const Expr &expr) {
  const Expr *inner = &expr;
  while (true) {
    const std::string_view name = tirCallName(inner);
    const Expr *operand = nullptr;
    if (name == "Cast" || name == "cast")
      operand =
          positional(*inner, positional(*inner, 0) && typeNamed(*positional(*inner, 0)) ? 1 : 0);
    else if (inner->kind == Expr::Kind::Call && typeNamed(*inner->children[0]))
      operand = positional(*inner, 0);
    if (!operand)
      return *inner;
    inner = operand;
  }
}

/// The operator of \p value and its two operands, whether written as one or as a call.
struct BinaryForm {
  std::string_view op;
  const Expr *left = nullptr, *right = nullptr;
};

std::optional<BinaryForm> binaryForm(const Expr &value) {
  if (value.kind == Expr::Kind::Binary)
    return BinaryForm{value.text, value.children[0], value.children[1]};
  const std::string_view name = tirCallName(&value);
  if (name.empty() || mathName(name).form != MathForm::Operator)
    return std::nullopt;
  BinaryForm form{mathName(name).spelling, positional(value, 0), positional(value, 1)};
  return form.left && form.right ? std::optional(form) : std::nullopt;
}

/// If storing \p value to \p target is `T = T ⊕ e` in one of the forms of a reduction that is no
/// sum, sets the combiner and returns e.
const Expr *accumulated(const Expr &target, const Expr &value, Combiner &combiner) {
  const auto form = binaryForm(value);
  if (!form)
    return nullptr;
  if (form->op == "*")
    combiner = Combiner::Product;
  else if (form->op == "max")
    combiner = Combiner::Max;
  else if (form->op == "min")
    combiner = Combiner::Min;
  else
    return nullptr;
  if (sameText(*form->left, target))
    return form->right;
  return sameText(*form->right, target) ? form->left : nullptr;
}

/// What a sum adds or subtracts: an expression, or its product with a factor.
struct Summand {
  const Expr *value = nullptr;
  const Expr *factor = nullptr;
  bool isSubtracted = false;
};

bool mentions(const Expr &expr, const Expr &target) {
  return sameText(expr, target) || std::ranges::any_of(expr.children, [&](const Expr *child) {
           return child && mentions(*child, target);
         });
}

/// Takes \p value apart as far as that leads to \p target.
void addSummands(const Expr &value, const Expr &target, bool isSubtracted, std::size_t depth,
                 std::vector<Summand> &summands) {
  constexpr std::size_t deepest = 256;
  const Expr &inner = withoutCasts(value);
  const bool isSplit = depth < deepest && mentions(inner, target);
  const auto form = isSplit ? binaryForm(inner) : std::nullopt;
  const auto fused = isSplit ? fusedMultiplyAdd(inner) : std::nullopt;
  if (form && (form->op == "+" || form->op == "-")) {
    addSummands(*form->left, target, isSubtracted, depth + 1, summands);
    addSummands(*form->right, target, isSubtracted != (form->op == "-"), depth + 1, summands);
  } else if (fused) {
    summands.push_back({(*fused)[0], (*fused)[1], isSubtracted});
    addSummands(*(*fused)[2], target, isSubtracted, depth + 1, summands);
  } else {
    summands.push_back({&value, nullptr, isSubtracted});
  }
}

/// If storing \p value to \p target is `T = T + …`, with T anywhere in the sum, what is added.
std::optional<std::vector<Summand>> addedTo(const Expr &target, const Expr &value) {
  std::vector<Summand> summands;
  addSummands(value, target, false, 0, summands);
  const auto own = std::ranges::find_if(summands, [&](const Summand &summand) {
    return !summand.factor && !summand.isSubtracted &&
           sameText(withoutCasts(*summand.value), target);
  });
  if (own == summands.end() || summands.size() == 1)
    return std::nullopt;
  summands.erase(own);
  return summands;
}

} // namespace

void FunctionReader::addStore(const Expr &target, const Expr &value, SourceRange range) {
  Store store;
  store.range = range;
  Conversion conversion;
  const std::size_t activeMark = active_.size();
  lane_.reset();
  readsTarget_ = true;
  auto written = readAccess(target, conversion);
  readsTarget_ = false;
  if (!written)
    return leaveVariables(activeMark);
  store.written = std::move(*written);
  keepGuards(store);
  if (const NameMeaning *name = value.kind == Expr::Kind::Name ? find(value.text) : nullptr;
      name != nullptr && name->kind == NameMeaning::Kind::Let)
    store.definition = name->definition->range;
  if (isInInit_)
    return addInit(std::move(store), value, conversion);
  for (std::size_t variable : active_)
    if (variable >= frames_.back().firstVariable)
      store.variables.push_back(variable);
  if (conditions_ != 0)
    frames_.back().opaqueReason = "a store under a condition";
  setValue(store, target, value, conversion);
  store.accesses = std::move(conversion.accesses);
  if (isCertain()) {
    store.certain = std::move(conversion.certain);
    store.certain.push_back(store.written);
  }
  if (frames_.back().isBlock) {
    frames_.back().stores.push_back(std::move(store));
  } else {
    std::vector<Store> single;
    single.push_back(std::move(store));
    buildComputation(frames_.back(), std::move(single));
    frames_.back().opaqueReason.clear();
  }
  if (lane_)
    leaveVariables(activeMark);
  // Nothing refers to the lane of a store that is done; a nest of many stores keeps none of them.
  if (lane_ && !frames_.back().isBlock && *lane_ + 1 == variables_.size()) {
    if (uses_.needsVariables())
      uses_.settle(nestVariables());
    variables_.pop_back();
  }
  lane_.reset();
}

/// Whether \p store is of a kind that may join its value to what is there.
bool FunctionReader::isReduction(const Store &store) const {
  if (frames_.back().hasInit)
    return true;
  std::vector<bool> inWrite(variables_.size());
  for (const IndexExprPtr &index : store.written.indices)
    forEachAxis(*index, [&](std::size_t variable) { inWrite[variable] = true; });
  // What a spatial axis of a block does that numbers no element, it does to the same one again.
  const auto isBoundToWrite = [&](const Variable &axis) {
    bool isBound = axis.inLoops != nullptr;
    if (isBound)
      forEachAxis(*axis.inLoops, [&](std::size_t loop) { isBound = isBound && inWrite[loop]; });
    return isBound;
  };
  return std::any_of(store.variables.begin(), store.variables.end(), [&](std::size_t variable) {
    const Variable &each = variables_[variable];
    return each.kind == Axis::Kind::Reduction ||
           (!inWrite[variable] &&
            (!each.isBlockAxis || (each.extent > 1 && !isBoundToWrite(each))));
  });
}

/// What \p value is the name of, if that is a `let` with reads; else \p value.
const Expr &FunctionReader::named(const Expr &value) const {
  const Expr *inner = &value;
  constexpr std::size_t mostNames = 64;
  for (std::size_t i = 0; i < mostNames && inner->kind == Expr::Kind::Name; ++i) {
    const NameMeaning *name = find(inner->text);
    if (name == nullptr || name->kind != NameMeaning::Kind::Let)
      break;
    inner = name->definition;
  }
  return *inner;
}

void FunctionReader::setValue(Store &store, const Expr &target, const Expr &given,
                              Conversion &conversion) {
  const bool mayReduce = isReduction(store);
  const Expr &value = mayReduce ? named(given) : given;
  if (const auto summands = mayReduce ? addedTo(target, value) : std::nullopt) {
    store.combiner = Combiner::Sum;
    for (const Summand &summand : *summands) {
      ValueExprPtr next = convert(*summand.value, conversion);
      if (summand.factor)
        next = binaryValue("*", std::move(next), convert(*summand.factor, conversion));
      if (store.value)
        store.value = binaryValue(summand.isSubtracted ? "-" : "+", store.value, std::move(next));
      else
        store.value = summand.isSubtracted ? negated(std::move(next)) : std::move(next);
    }
    return;
  }
  Combiner combiner = Combiner::None;
  const Expr *operand = mayReduce ? accumulated(target, value, combiner) : nullptr;
  if (operand) {
    store.combiner = combiner;
    store.value = convert(*operand, conversion);
    return;
  }
  store.value = convert(value, conversion);
  if (!frames_.back().hasInit)
    return;
  store.combiner = Combiner::Opaque;
  if (frames_.back().opaqueReason.empty())
    frames_.back().opaqueReason = "a reduction of an unknown form";
}

namespace {

/// Adds what \p value of \p body reads to the reads of \p computation, but for what it writes.
void addReads(const StageBody &body, const ValueExpr &value, Computation &computation) {
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.kind != ValueExpr::Kind::Load)
      return;
    const Access &access = body.accesses[node.value];
    const bool isOwn =
        access.tensor == computation.written ||
        std::ranges::find(computation.alsoWritten, access.tensor) != computation.alsoWritten.end();
    const bool isKnown = std::ranges::any_of(computation.accesses, [&](const Access &known) {
      return known.tensor == access.tensor && isSameElement(known, access);
    });
    if (!isOwn && !isKnown)
      computation.accesses.push_back(access);
  });
}

void addConditionReads(const StageBody &body, const std::vector<StageStatement> &statements,
                       Computation &computation) {
  for (const StageStatement &statement : statements) {
    if (statement.condition == nullptr)
      continue;
    addReads(body, *statement.condition, computation);
    addConditionReads(body, statement.then, computation);
    addConditionReads(body, statement.otherwise, computation);
  }
}

/// Adds what the value of \p computation says nothing of: what its conditions read, and what its
/// reduction starts from. \p goesOn: from what is there.
void addReadsOfBody(Computation &computation, bool goesOn) {
  if (!computation.body)
    return;
  const StageBody &body = *computation.body;
  addConditionReads(body, body.statements, computation);
  for (const StageStatement &store : body.init)
    if (store.value != nullptr)
      addReads(body, *store.value, computation);
  if (goesOn)
    computation.accesses.push_back(
        {computation.written, computation.writeIndices, computation.range});
}

} // namespace

void FunctionReader::buildComputation(const Frame &frame, std::vector<Store> stores) {
  constexpr std::size_t mostComputations = 100'000;
  if (result_.computations.size() >= mostComputations)
    return error(DiagnosticCode::TirTooLarge, frame.range, "the number of stages of a function");
  noteUses(stores, false);
  Computation computation;
  const bool isReduction = stores[0].combiner != Combiner::None;
  const bool goesOn = isReduction && !frame.hasInit && !isStartedOutside(stores[0]) &&
                      !dropInit(stores[0].written.tensor);
  const auto body = bodyOf(frame, stores, goesOn);
  Store &first = stores[0];
  computation.range = frame.isBlock ? frame.range : first.range;
  computation.written = first.written.tensor;
  computation.writeIndices = std::move(first.written.indices);
  computation.name = frame.label.empty() ? tensorOf(first.written.tensor).name : frame.label;
  computation.combiner = first.combiner;
  computation.value = std::move(first.value);
  computation.opaqueReason = frame.opaqueReason;
  std::vector<std::size_t> own;
  std::vector<TensorRef> written;
  for (Store &store : stores) {
    own.insert(own.end(), store.variables.begin(), store.variables.end());
    TensorRef tensor = store.written.tensor;
    const bool isNew = std::find(written.begin(), written.end(), tensor) == written.end();
    if (isNew)
      written.push_back(tensor);
    if (isNew && tensor != computation.written)
      computation.alsoWritten.push_back(tensor);
    for (Access &access : store.accesses)
      computation.accesses.push_back(std::move(access));
  }
  // Values that are named first and stored together are one reduction of several results.
  const bool isTuple =
      stores.size() > 1 && isReduction && frame.hasInit && stores[0].definition.isValid();
  if (isTuple)
    computation.combiner = Combiner::Opaque;
  if (stores.size() > 1 && computation.opaqueReason.empty())
    computation.opaqueReason =
        isTuple ? "a reduction of several results" : "several stores in one block";
  if (computation.combiner == Combiner::Opaque || stores.size() > 1) {
    // Loads of the accumulators leave the list of accesses, so the value can't refer to it.
    computation.value = valueNode(ValueExpr::Kind::Opaque, computation.opaqueReason, {});
    std::erase_if(computation.accesses, [&](const Access &access) {
      return std::find(written.begin(), written.end(), access.tensor) != written.end();
    });
  }
  if (body != nullptr) {
    StageBody resolved = *body;
    resolveGuards(resolved, own, stores.size() == 1 && !isReduction);
    const bool isPlain = resolved.statements.size() == 1 &&
                         resolved.statements[0].condition == nullptr && resolved.init.empty() &&
                         resolved.opaqueReason.empty() && computation.opaqueReason.empty() &&
                         !goesOn;
    if (!isPlain)
      computation.body = std::make_shared<const StageBody>(std::move(resolved));
  }
  Numbering numbering = setAxes(computation, own, computation.combiner != Combiner::None);
  addReadsOfBody(computation, goesOn);
  refuseRestarts(frame, computation, numbering);
  refusePartialReads(frame, computation, stores, numbering);
  if (!isReduction)
    noteRestart(computation.written, stores[0].guards);
  for (const Store &store : stores)
    for (const Access &access : store.certain)
      checkBounds(access, computation.axes, numbering);
  markUse(computation);
  result_.computations.push_back(std::move(computation));
}

namespace {

/// `axis // divisor % extent` of the axis \p first; no remainder is taken if \p extent is 0.
IndexExprPtr digit(IndexExprPtr first, std::int64_t divisor, std::int64_t extent) {
  IndexExprPtr value =
      indexBinary(IndexExpr::Kind::FloorDiv, std::move(first), indexConstant(divisor));
  return extent == 0 ? value : indexBinary(IndexExpr::Kind::FloorMod, value, indexConstant(extent));
}

/// The value of \p loop where `axis` is \p form, a sum in which the loop is one digit; null if it
/// is none.
IndexExprPtr digitOf(const AffineIndex &form, std::size_t loop, std::size_t axis,
                     const std::vector<Axis> &loops) {
  const std::int64_t step = form.coefficients[loop];
  const auto next = step > 0 ? checkedMul(step, loops[loop].extent) : std::nullopt;
  if (!next || form.constant != 0)
    return nullptr;
  AffineIndex lower = form;
  bool hasHigher = false;
  for (std::size_t other = 0; other < loops.size(); ++other) {
    if (other != loop && lower.coefficients[other] % *next != 0)
      continue;
    hasHigher =
        hasHigher || (other != loop && lower.coefficients[other] != 0 && loops[other].extent > 1);
    lower.coefficients[other] = 0;
  }
  const auto range = rangeOf(lower, loops);
  if (!range || range->low < 0 || range->high >= step)
    return nullptr;
  return digit(indexAxis(axis), step, hasHigher ? loops[loop].extent : 0);
}

/// An axis that is `loop // divisor`, or `loop % modulus`, or both.
struct Fragment {
  std::size_t axis = 0;
  std::int64_t divisor = 1;
  std::int64_t modulus = 0; ///< 0: the rest of the loop
};

std::optional<Fragment> fragmentOf(const IndexExpr &index, std::size_t loop, std::size_t axis) {
  using Kind = IndexExpr::Kind;
  Fragment result{axis, 1, 0};
  const IndexExpr *inner = &index;
  if (inner->kind == Kind::FloorDiv && inner->right->kind == Kind::Constant) {
    result.divisor = inner->right->value;
    inner = inner->left.get();
  }
  if (inner->kind == Kind::FloorMod && inner->right->kind == Kind::Constant) {
    result.modulus = inner->right->value;
    inner = inner->left.get();
  }
  // `loop // divisor % extent` keeps the digits below divisor · extent.
  if (result.divisor == 1 && inner->kind == Kind::FloorDiv &&
      inner->right->kind == Kind::Constant) {
    const auto modulus = checkedMul(result.modulus, inner->right->value);
    if (!modulus)
      return std::nullopt;
    result = {axis, inner->right->value, *modulus};
    inner = inner->left.get();
  }
  const bool isLoop = inner->kind == Kind::Axis && static_cast<std::size_t>(inner->value) == loop;
  return isLoop && result.divisor > 0 ? std::optional(result) : std::nullopt;
}

/// The value of a loop that axes hold in pieces; null if a piece is missing.
IndexExprPtr joined(std::vector<Fragment> fragments) {
  std::ranges::sort(fragments, {}, &Fragment::divisor);
  IndexExprPtr value = indexConstant(0);
  std::int64_t reached = 1;
  for (const Fragment &fragment : fragments) {
    if (reached == 0 || fragment.divisor != reached)
      return nullptr;
    value = indexBinary(IndexExpr::Kind::Add,
                        indexBinary(IndexExpr::Kind::Mul, indexAxis(fragment.axis),
                                    indexConstant(fragment.divisor)),
                        value);
    reached = fragment.modulus;
  }
  return reached == 0 ? value : nullptr;
}

} // namespace

/// By variable: the value of a loop in terms of block axes that are bound to it, so that a block
/// that names both counts its points once. Null where a variable is to stay.
std::vector<IndexExprPtr> FunctionReader::valuesOfLoops(const std::vector<bool> &used) const {
  std::vector<IndexExprPtr> values(variables_.size(), nullptr);
  std::vector<std::size_t> bound; // axes that say what they are in loops
  std::set<std::size_t> needed;   // in extents
  bool hasLoops = false;
  for (std::size_t variable = 0; variable < used.size(); ++variable) {
    hasLoops = hasLoops || (used[variable] && !variables_[variable].isBlockAxis);
    if (used[variable] && variables_[variable].dependsOnOthers)
      forEachAxis(*variables_[variable].extentExpr, [&](std::size_t v) { needed.insert(v); });
    if (used[variable] && variables_[variable].isBlockAxis && variables_[variable].inLoops &&
        !variables_[variable].dependsOnOthers)
      bound.push_back(variable);
  }
  if (bound.empty() || !hasLoops)
    return values;
  std::vector<Axis> loops;
  for (const Variable &variable : variables_)
    loops.push_back({variable.name, variable.extent, Axis::Kind::Spatial});
  for (std::size_t loop = 0; loop < used.size(); ++loop) {
    if (!used[loop] || variables_[loop].isBlockAxis || variables_[loop].dependsOnOthers ||
        needed.contains(loop))
      continue;
    std::vector<Fragment> fragments;
    for (const std::size_t axis : bound) {
      const IndexExpr &inLoops = *variables_[axis].inLoops;
      const auto form = affineForm(inLoops, loops);
      if (form && form->coefficients[loop] != 0 && !values[loop])
        values[loop] = digitOf(*form, loop, axis, loops);
      else if (const auto fragment = form ? std::nullopt : fragmentOf(inLoops, loop, axis))
        fragments.push_back(*fragment);
    }
    if (!values[loop] && !fragments.empty())
      values[loop] = joined(std::move(fragments));
  }
  return values;
}

/// How often the loops of \p used go round together; none if that is not one number.
std::optional<std::int64_t> FunctionReader::iterationsOf(const std::set<std::size_t> &used) const {
  std::optional<std::int64_t> iterations = 1;
  for (const std::size_t loop : used) {
    if (variables_[loop].dependsOnOthers)
      return std::nullopt;
    iterations = iterations ? checkedMul(*iterations, variables_[loop].extent) : std::nullopt;
  }
  return iterations;
}

/// The values that block axis \p variable takes if its loops reach only a part of its domain: then
/// a reduction has only these. None if they reach all of it, or that is not known.
std::optional<AxisPart> FunctionReader::reachedPart(const Variable &variable,
                                                    const std::vector<Axis> &loops) const {
  if (!variable.isBlockAxis || !variable.inLoops || variable.dependsOnOthers)
    return std::nullopt;
  std::set<std::size_t> used;
  forEachAxis(*variable.inLoops, [&](std::size_t loop) { used.insert(loop); });
  const auto iterations = iterationsOf(used);
  if (!iterations)
    return std::nullopt;
  const auto form = affineForm(*variable.inLoops, loops);
  if (!form) // which values these are is not known, but there are no more of them
    return *iterations < variable.extent ? std::optional(AxisPart{0, 1, variable.extent, true})
                                         : std::nullopt;
  const auto range = rangeOf(*form, loops);
  if (!range || range->low < 0 || range->high >= variable.extent)
    return std::nullopt;
  std::int64_t step = 0;
  for (const std::size_t loop : used)
    if (loops[loop].extent > 1)
      step = std::gcd(step, form->coefficients[loop]);
  step = std::max<std::int64_t>(step, 1);
  AxisPart part{range->low, step, (range->high - range->low) / step + 1};
  part.hasGaps = *iterations < part.count;
  return part.count < variable.extent || part.hasGaps ? std::optional(part) : std::nullopt;
}

/// Whether the loops that block axis \p variable is bound to are among \p used beside it, in a way
/// that does not tell the one from the other: together they would count as a product.
bool FunctionReader::isCountedTwice(const Variable &variable, const std::vector<bool> &used,
                                    const std::vector<Axis> &loops) const {
  if (!variable.isBlockAxis || !variable.inLoops || variable.extent == 1 ||
      affineForm(*variable.inLoops, loops))
    return false;
  bool isFound = false;
  forEachAxis(*variable.inLoops, [&](std::size_t loop) {
    isFound = isFound || (used[loop] && variables_[loop].extent > 1);
  });
  return isFound;
}

/// Gives \p computation its axes: \p own variables and others that it refers to, numbered anew.
Numbering FunctionReader::setAxes(Computation &computation, const std::vector<std::size_t> &own,
                                  bool accumulates) {
  std::vector<bool> used(variables_.size());
  std::vector<bool> inWrite(variables_.size());
  for (std::size_t variable : own)
    used[variable] = true;
  auto collect = [&](std::size_t variable) { used[variable] = true; };
  for (const IndexExprPtr &index : computation.writeIndices)
    forEachAxis(*index, [&](std::size_t variable) { inWrite[variable] = used[variable] = true; });
  for (const Access &access : computation.accesses)
    for (const IndexExprPtr &index : access.indices)
      forEachAxis(*index, collect);
  forEachAxis(*computation.value, collect);
  if (computation.body)
    forEachAxis(*computation.body, collect);
  // Extents may refer to further variables, which stand before their own.
  for (std::size_t variable = variables_.size(); variable-- > 0;)
    if (used[variable] && variables_[variable].dependsOnOthers)
      forEachAxis(*variables_[variable].extentExpr, collect);

  std::vector<IndexExprPtr> loopValues = valuesOfLoops(used);
  for (std::size_t loop = 0; loop < used.size(); ++loop) {
    used[loop] = used[loop] && !loopValues[loop];
    if (inWrite[loop] && loopValues[loop])
      forEachAxis(*loopValues[loop], [&](std::size_t axis) { inWrite[axis] = true; });
  }
  std::vector<std::size_t> ordered;
  for (std::size_t variable = 0; variable < used.size(); ++variable)
    if (used[variable])
      ordered.push_back(variable);
  std::vector<IndexExprPtr> replacements(variables_.size(), nullptr);
  std::vector<Axis> axes;
  const bool isBox = std::ranges::none_of(
      ordered, [&](std::size_t variable) { return variables_[variable].dependsOnOthers; });
  std::vector<Axis> loops;
  const bool hasBlocks = std::ranges::any_of(
      ordered, [&](std::size_t variable) { return variables_[variable].isBlockAxis; });
  if (accumulates && isBox && hasBlocks)
    for (const Variable &variable : variables_)
      loops.push_back({variable.name, variable.extent, Axis::Kind::Spatial});
  auto points = countPoints(ordered);
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const Variable &variable = variables_[ordered[i]];
    const bool isOwn = std::ranges::find(own, ordered[i]) != own.end();
    const bool isSummed = accumulates && !inWrite[ordered[i]];
    Axis::Kind kind = variable.kind;
    if (!variable.isBlockAxis)
      kind = isSummed ? Axis::Kind::Reduction : Axis::Kind::Spatial;
    else if (isSummed && isOwn && variable.extent > 1)
      kind = Axis::Kind::Reduction; // whatever the text calls it
    else if (inWrite[ordered[i]] && !isOwn)
      kind = Axis::Kind::Spatial; // of a block around this one, whose parts have their own results
    axes.push_back({variable.name, variable.extent, kind});
    replacements[ordered[i]] = context_.nodes.axis(i);
    if (!loops.empty() && isCountedTwice(variable, used, loops))
      issue(computation.range,
            "a loop beside the axis '" + variable.name + "', which is bound to a part of it,");
    const auto part = loops.empty() ? std::nullopt : reachedPart(variable, loops);
    if (!part)
      continue;
    if (part->hasGaps)
      issue(computation.range, "an axis, '" + variable.name +
                                   "', of which the loops reach only some values, with gaps,");
    axes.back().extent = part->count;
    replacements[ordered[i]] = indexBinary(
        IndexExpr::Kind::Add,
        indexBinary(IndexExpr::Kind::Mul, context_.nodes.axis(i), indexConstant(part->step)),
        indexConstant(part->first));
    if (points)
      points = *points / variable.extent * part->count;
  }
  for (std::size_t loop = 0; loop < loopValues.size(); ++loop)
    if (loopValues[loop])
      replacements[loop] = substitute(loopValues[loop], replacements);
  substituteAxes(computation, std::move(axes), replacements);
  if (points)
    computation.points = *points;
  else
    error(DiagnosticCode::TirTooLarge, computation.range, "the number of iterations");
  return {std::move(ordered), std::move(replacements)};
}

/// Whether a store that stands here happens at every point that its variables span.
bool FunctionReader::isCertain() const {
  return conditions_ == 0 &&
         std::none_of(frames_.begin(), frames_.end(),
                      [](const Frame &frame) { return frame.isGuarded; }) &&
         std::none_of(active_.begin(), active_.end(),
                      [&](std::size_t variable) { return variables_[variable].dependsOnOthers; });
}

/// Whether the axes in \p index take every combination of their values.
bool FunctionReader::isCovered(const AffineIndex &index, const Numbering &numbering) const {
  std::set<std::size_t> loops;
  for (std::size_t a = 0; a < index.coefficients.size(); ++a) {
    if (index.coefficients[a] == 0)
      continue;
    const auto &loop = variables_[numbering.variables[a]].loop;
    if (!loop || !loops.insert(*loop).second)
      return false;
  }
  return true;
}

/// Reports \p access if one of its indices is sure to leave the buffer.
void FunctionReader::checkBounds(const Access &access, const std::vector<Axis> &axes,
                                 const Numbering &numbering) {
  // After another error, extents may be stand-ins.
  if (!result_.isValid || !result_.issues.empty())
    return;
  const Tensor &tensor = tensorOf(access.tensor);
  for (std::size_t i = 0; i < access.indices.size(); ++i) {
    const IndexExpr &plain = *access.indices[i];
    const bool staysInside =
        plain.kind == IndexExpr::Kind::Axis &&
        variables_[static_cast<std::size_t>(plain.value)].extent <= tensor.shape[i];
    if (staysInside)
      continue;
    bool isNumbered = true;
    forEachAxis(*access.indices[i], [&](std::size_t variable) {
      isNumbered = isNumbered && numbering.replacements[variable];
    });
    auto index = isNumbered
                     ? affineForm(*substitute(access.indices[i], numbering.replacements), axes)
                     : std::nullopt;
    auto range = index && isCovered(*index, numbering) ? rangeOf(*index, axes) : std::nullopt;
    if (!range || (range->low >= 0 && range->high < tensor.shape[i]))
      continue;
    diagnostics_.report(DiagnosticCode::IndexOutsideBuffer, access.range, tensor.name, i,
                        range->low, range->high, tensor.shape[i]);
    leavesBuffer_ = true;
    return;
  }
}

/// Forgets the store that starts the reduction to \p written: in code without `T.init` it is a
/// stage of its own, which a plain reduction does not have. False if there is none.
bool FunctionReader::dropInit(TensorRef written) {
  constexpr std::size_t farthest = 1000;
  std::size_t last = result_.computations.size();
  for (std::size_t i = last; i-- > 0 && last - i <= farthest;) {
    const Computation &earlier = result_.computations[i];
    if (earlier.written != written)
      continue;
    if (earlier.combiner != Combiner::None || !earlier.accesses.empty() ||
        !earlier.alsoWritten.empty())
      return false;
    result_.computations.erase(result_.computations.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

namespace {

/// The variables that \p condition compares for equality: it holds in few of their iterations.
void collectPinned(const ValueExpr &condition, std::set<std::size_t> &pinned) {
  if (condition.kind != ValueExpr::Kind::Compare)
    return;
  if (condition.name == "==")
    forEachAxis(condition, [&](std::size_t variable) { pinned.insert(variable); });
  else if (condition.name == "and")
    for (const ValueExprPtr &operand : condition.operands)
      collectPinned(*operand, pinned);
}

} // namespace

/// \p index with the loops in the place of the block axes that are bound to them.
IndexExprPtr FunctionReader::inLoops(const IndexExprPtr &index) const {
  return substituteSome(index, [&](std::size_t variable) { return variables_[variable].inLoops; });
}

/// What uses of local buffers need to know of the variables of this nest.
std::vector<NestVariable> FunctionReader::nestVariables() const {
  std::vector<NestVariable> result;
  result.reserve(variables_.size());
  for (const Variable &variable : variables_)
    result.push_back(
        {variable.extent, variable.isThread, variable.dependsOnOthers, variable.inLoops});
  return result;
}

namespace {

/// Whether \p condition holds in the first iteration of loops alone: `k == 0`. Adds these.
bool isFirstIteration(const ValueExpr &condition, std::set<std::size_t> &loops) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2)
    return false;
  if (condition.name == "and")
    return isFirstIteration(*condition.operands[0], loops) &&
           isFirstIteration(*condition.operands[1], loops);
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  const bool fits = condition.name == "==" && left && right &&
                    left->kind == IndexExpr::Kind::Axis &&
                    right->kind == IndexExpr::Kind::Constant && right->value == 0;
  if (fits)
    loops.insert(static_cast<std::size_t>(left->value));
  return fits;
}

} // namespace

/// Whether it matters how a store that is being read uses \p tensor.
bool FunctionReader::isNoted(TensorRef tensor) const {
  return tensor.isLocal && !uses_.isShared(tensor.index);
}

/// Notes how \p access, of a store that is being read, uses a local buffer.
void FunctionReader::noteUse(const Access &access, BufferUse use) {
  if (!isNoted(access.tensor))
    return;
  use.nest = nest_;
  use.indices = access.indices;
  for (const std::size_t variable : active_) {
    if (lane_ && variable >= *lane_)
      break;
    use.path.push_back(variable);
  }
  uses_.add(access.tensor.index, std::move(use));
}

/// Whether what is being read may happen more than once.
bool FunctionReader::isInLoop() const {
  return std::ranges::any_of(active_,
                             [&](std::size_t variable) { return variables_[variable].extent > 1; });
}

/// How \p store, which is being read, writes its tensor.
BufferUse FunctionReader::writeOf(const Store &store, bool isInit) const {
  BufferUse write;
  write.isWrite = true;
  write.isSum = store.combiner != Combiner::None;
  write.range = store.range;
  write.joinsThreads = frames_.back().joinsThreads;
  write.isPlain = store.combiner == Combiner::None && !store.hasLostGuards;
  for (const Guard &guard : store.guards)
    write.isPlain =
        write.isPlain && !guard.isElse && isFirstIteration(*guard.value, write.startedBefore);
  for (const std::size_t variable : active_) {
    const Variable &each = variables_[variable];
    write.isPlain = write.isPlain && !each.dependsOnOthers;
    if (!isInit || !each.isBlockAxis || each.kind != Axis::Kind::Reduction)
      continue;
    write.startedBefore.insert(variable);
    if (each.inLoops)
      forEachAxis(*each.inLoops, [&](std::size_t loop) { write.startedBefore.insert(loop); });
  }
  return write;
}

/// Notes how the local buffers of a stage are used, in the order in which it does so.
void FunctionReader::noteUses(std::span<const Store> stores, bool isInit) {
  for (const Store &store : stores) {
    for (const Guard &guard : store.guards)
      for (const Access &access : guard.accesses)
        noteUse(access, {});
    for (const Access &access : store.accesses)
      noteUse(access, {});
    if (isNoted(store.written.tensor))
      noteUse(store.written, writeOf(store, isInit));
    const bool isOverwritten =
        store.written.tensor.isLocal && store.combiner == Combiner::None && isInLoop();
    if (isOverwritten)
      localBuffers_[store.written.tensor.index].isOverwritten = true;
  }
}

/// The loops around what is being read make or overwrite \p tensor anew in each iteration, except
/// those that \p guards hold to one: `if k == 0` starts a reduction over k.
void FunctionReader::noteRestart(TensorRef tensor, const std::vector<Guard> &guards) {
  std::set<std::size_t> pinned;
  for (const Guard &guard : guards)
    if (!guard.isElse)
      collectPinned(*guard.value, pinned);
  for (const std::size_t variable : active_)
    if (!variables_[variable].isBlockAxis && variable != lane_ && !pinned.contains(variable))
      restarts_[{tensor.isLocal, tensor.index}].insert(variable);
}

/// The variable of \p numbering whose extent depends on loop \p outer: a domain that is a triangle.
std::optional<std::size_t> FunctionReader::loopBoundedBy(std::size_t outer,
                                                         const Numbering &numbering) const {
  for (const std::size_t variable : numbering.variables) {
    bool isBounded = false;
    if (variables_[variable].dependsOnOthers)
      forEachAxis(*variables_[variable].extentExpr,
                  [&](std::size_t other) { isBounded = isBounded || other == outer; });
    if (isBounded)
      return variable;
  }
  return std::nullopt;
}

/// A loop that starts the accumulator of \p computation anew in each iteration is no reduction of
/// it: each iteration has an accumulator of its own, which the buffer has no dimension for.
void FunctionReader::refuseRestarts(const Frame &frame, const Computation &computation,
                                    const Numbering &numbering) {
  const auto found = restarts_.find({computation.written.isLocal, computation.written.index});
  for (std::size_t axis = 0; axis < computation.axes.size(); ++axis) {
    const std::size_t variable = numbering.variables[axis];
    const Variable &each = variables_[variable];
    const bool isSummed =
        computation.axes[axis].kind == Axis::Kind::Reduction && each.kind == Axis::Kind::Spatial;
    const bool isReducedLoop = isSummed && each.extent > 1;
    // `T.init` starts anew with each value of a spatial axis.
    const bool isRestarted =
        (frame.hasInit && (variable < frame.firstVariable || each.isBlockAxis)) ||
        (found != restarts_.end() && found->second.contains(variable));
    if (!isReducedLoop || !isRestarted)
      continue;
    if (const auto inner = loopBoundedBy(variable, numbering))
      return issue(computation.range, "a triangle of iterations, where those of '" +
                                          variables_[*inner].name + "' depend on '" + each.name +
                                          "',");
    return issue(computation.range, "an accumulation in '" + tensorOf(computation.written).name +
                                        "', which each iteration of '" + variables_[variable].name +
                                        "' starts anew without a dimension for it,");
  }
}

namespace {

/// The loops that \p condition holds to their last iteration: `k == 63`.
void collectLast(const ValueExpr &condition, const std::vector<Variable> &variables,
                 std::set<std::size_t> &loops) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2)
    return;
  if (condition.name == "and") {
    for (const ValueExprPtr &operand : condition.operands)
      collectLast(*operand, variables, loops);
    return;
  }
  const IndexExprPtr left = asIndex(condition.operands[0]);
  const IndexExprPtr right = asIndex(condition.operands[1]);
  if (condition.name != "==" || !left || !right || left->kind != IndexExpr::Kind::Axis ||
      right->kind != IndexExpr::Kind::Constant)
    return;
  const auto loop = static_cast<std::size_t>(left->value);
  if (right->value == variables[loop].extent - 1)
    loops.insert(loop);
}

} // namespace

/// What is read in a loop that the accumulation in it goes on through is no result yet, but for the
/// last iteration.
void FunctionReader::refusePartialReads(const Frame &frame, const Computation &computation,
                                        const std::vector<Store> &stores,
                                        const Numbering &numbering) {
  std::set<std::size_t> last;
  for (const Guard &guard : stores[0].guards)
    if (!guard.isElse)
      collectLast(*guard.value, variables_, last);
  const auto refuse = [&](TensorRef tensor) {
    issue(computation.range,
          "a read of '" + tensorOf(tensor).name + "' in a loop that goes on accumulating in it");
  };
  for (const Access &access : computation.accesses) {
    Accumulation &own = accumulations_[{access.tensor.isLocal, access.tensor.index}];
    if (access.tensor == computation.written)
      continue;
    for (const std::size_t loop : active_) {
      if (variables_[loop].isBlockAxis || variables_[loop].extent == 1 || last.contains(loop))
        continue;
      own.readIn.insert(loop);
      if (own.loops.contains(loop))
        return refuse(access.tensor);
    }
  }
  if (computation.combiner == Combiner::None || frame.joinsThreads)
    return;
  Accumulation &own = accumulations_[{computation.written.isLocal, computation.written.index}];
  // What each iteration has for itself accumulates over none of them, whatever the axis says.
  const auto privates = computation.written.isLocal ? plan_.privates.find(computation.written.index)
                                                    : plan_.privates.end();
  const auto add = [&](std::size_t loop) {
    const bool isPrivate =
        privates != plan_.privates.end() &&
        std::ranges::find(privates->second.variables, loop) != privates->second.variables.end();
    if (variables_[loop].extent > 1 && !isPrivate)
      own.loops.insert(loop);
  };
  for (std::size_t a = 0; a < computation.axes.size(); ++a) {
    const Variable &variable = variables_[numbering.variables[a]];
    if (computation.axes[a].kind != Axis::Kind::Reduction)
      continue;
    if (!variable.isBlockAxis)
      add(numbering.variables[a]);
    else if (variable.inLoops)
      forEachAxis(*variable.inLoops, add);
  }
  const bool isReadBefore =
      std::ranges::any_of(own.loops, [&](std::size_t loop) { return own.readIn.contains(loop); });
  if (isReadBefore)
    refuse(computation.written);
}

/// An accumulator that indices compact to the tile of an iteration, and that is not sure to be
/// started anew in each, would be misread.
void FunctionReader::refuseReuse() {
  for (std::size_t i = 0; i < localBuffers_.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (plan_.privates.contains(index))
      continue;
    if (const auto range =
            uses_.reusedBy(index, localBuffers_[i].shape, localBuffers_[i].isThreadLocal))
      issue(*range, "an accumulation in '" + result_.locals[i].name +
                        "', whose elements several iterations of a loop around it use,");
  }
}

/// What a local buffer holds that nothing writes is not known.
void FunctionReader::refuseUnwrittenLocals() {
  std::vector<bool> written(result_.locals.size());
  for (const std::uint32_t constant : result_.constants)
    written[constant] = true;
  const auto write = [&](TensorRef tensor) {
    if (tensor.isLocal)
      written[tensor.index] = true;
  };
  for (const Computation &computation : result_.computations) {
    write(computation.written);
    for (const TensorRef tensor : computation.alsoWritten)
      write(tensor);
  }
  for (const Computation &computation : result_.computations)
    for (const Access &access : computation.accesses)
      if (access.tensor.isLocal && !written[access.tensor.index]) {
        written[access.tensor.index] = true; // one message for each buffer
        issue(access.range, "a read of the local buffer '" + tensorOf(access.tensor).name +
                                "', which nothing writes,");
      }
}

void FunctionReader::markUse(const Computation &computation) {
  auto write = [&](TensorRef reference) {
    if (reference.isLocal && result_.constants.contains(reference.index))
      issue(computation.range, "a store to the constant '" + tensorOf(reference).name + "'");
    if (reference.isLocal)
      return;
    FunctionTemplate::Parameter &parameter = result_.parameters[reference.index];
    if (!parameter.isWritten)
      parameter.firstWrite = computation.range;
    parameter.isWritten = true;
  };
  write(computation.written);
  for (TensorRef reference : computation.alsoWritten)
    write(reference);
  for (const Access &access : computation.accesses)
    if (!access.tensor.isLocal)
      result_.parameters[access.tensor.index].isRead = true;
}

} // namespace acadlc::tir
