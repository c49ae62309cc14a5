#include "frontend/tir/FunctionParts.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <llvm/ADT/SmallSet.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace acadlc::tir {

using namespace workload;

/// Reads `v = T.axis.…(…)`; false if \p stmt is no such statement.
bool FunctionReader::readAxes(const Stmt &stmt) {
  std::string_view name = tirCallName(stmt.value);
  if (!name.starts_with("axis."))
    return false;
  std::string_view kind = name.substr(std::string_view("axis.").size());
  if (!frames_.back().isBlock) {
    error(DiagnosticCode::TirBadAxis, stmt.range, "this axis stands in no block");
    for (const Expr *target : stmt.targets)
      bindUnknownAxis(*target);
  } else if (kind == "remap")
    readRemap(stmt, *stmt.value);
  else
    readAxis(stmt, *stmt.value, kind);
  frames_.back().firstLoop = variables_.size();
  return true;
}

void FunctionReader::readRemap(const Stmt &stmt, const Expr &call) {
  const Expr *letters = positional(call, 0);
  const Expr *loops = positional(call, 1);
  const bool areLists = letters && loops && letters->kind == Expr::Kind::String &&
                        (loops->kind == Expr::Kind::List || loops->kind == Expr::Kind::Tuple);
  const std::size_t count = stmt.targets.size();
  if (!areLists) {
    error(DiagnosticCode::TirBadAxis, stmt.range,
          "'T.axis.remap' needs letters and a list of loops");
  } else if (letters->text.size() != count || loops->children.size() != count) {
    error(DiagnosticCode::TirBadAxis, stmt.range,
          "letters, loops and names differ in number: " + std::to_string(letters->text.size()) +
              ", " + std::to_string(loops->children.size()) + " and " + std::to_string(count));
  } else if (letters->text.find_first_not_of("SR") != std::string_view::npos) {
    error(DiagnosticCode::TirBadAxis, letters->range,
          "the kinds of axes are S (spatial) and R (reduction)");
  } else {
    bindRemapped(stmt, letters->text, loops->children);
    return;
  }
  frames_.back().hasBadAxes = true;
  for (const Expr *target : stmt.targets)
    bindUnknownAxis(*target);
}

/// Binds the names of an axis remap, one for each of \p letters and \p loops.
void FunctionReader::bindRemapped(const Stmt &stmt, std::string_view letters,
                                  std::span<const Expr *const> loops) {
  llvm::SmallSet<std::int64_t, 8> bound;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const Expr &loop = *loops[i];
    Conversion conversion;
    const std::size_t errors = diagnostics_.errorCount();
    ValueExprPtr binding = convert(loop, conversion);
    IndexExprPtr index = asIndex(binding);
    // A loop that does not start at 0 reads as axis + start.
    IndexExprPtr axis = index && index->kind == IndexExpr::Kind::Add ? index->left : index;
    const bool isLoop = axis && axis->kind == IndexExpr::Kind::Axis;
    if (!isLoop || !bound.insert(axis->value).second) {
      if (diagnostics_.errorCount() == errors) // else its name is not defined, which is said
        error(DiagnosticCode::TirBadAxis, loop.range,
              isLoop ? "loop '" + textOf(loop) + "' is bound to two axes"
                     : "'" + textOf(loop) + "' is no loop");
      bindUnknownAxis(*stmt.targets[i]);
      continue;
    }
    auto low = axis == index ? context_.nodes.indexValue(0) : valueIndex(index->right);
    bool isReduction = letters[i] == 'R';
    bindAxis(*stmt.targets[i], low, variables_[static_cast<std::size_t>(axis->value)].extentExpr,
             loop, isReduction ? Axis::Kind::Reduction : Axis::Kind::Spatial, stmt.range);
  }
}

/// Gives the name of an axis that is wrong, which has been reported, a meaning: that it has none
/// would be said wherever the block uses it.
void FunctionReader::bindUnknownAxis(const Expr &target) {
  if (target.kind == Expr::Kind::Name)
    bind(target.text, NameMeaning::of(valueNode(ValueExpr::Kind::Opaque, "an axis", {})));
}

namespace {

bool isKindOfAxis(std::string_view kind) {
  constexpr std::array<std::string_view, 6> kinds{"spatial", "reduce", "S", "R", "scan", "opaque"};
  return std::ranges::find(kinds, kind) != kinds.end();
}

} // namespace

void FunctionReader::readAxis(const Stmt &stmt, const Expr &call, std::string_view kind) {
  const Expr *domain = positional(call, 0);
  const Expr *binding = positional(call, 1);
  const bool isKind = isKindOfAxis(kind);
  if (!domain || !binding || stmt.targets.size() != 1 || !isKind) {
    for (const Expr *target : stmt.targets)
      bindUnknownAxis(*target);
    return error(DiagnosticCode::TirBadAxis, stmt.range,
                 isKind ? "an axis needs a domain and a binding"
                        : "there is no 'T.axis." + std::string(kind) +
                              "'; axes are made by T.axis.spatial, reduce, scan, opaque and remap");
  }
  Conversion conversion;
  ValueExprPtr low = context_.nodes.indexValue(0);
  ValueExprPtr extent;
  if (domain->kind == Expr::Kind::Tuple && domain->children.size() == 2) {
    low = convert(*domain->children[0], conversion);
    extent = binaryValue("-", convert(*domain->children[1], conversion), low);
  } else {
    extent = convert(*domain, conversion);
  }
  bool isReduction = kind == "reduce" || kind == "R";
  bool isKnown = isReduction || kind == "spatial" || kind == "S";
  if (!isKnown)
    frames_.back().opaqueReason = "an axis of kind '" + std::string(kind) + "'";
  bindAxis(*stmt.targets[0], low, extent, *binding,
           isReduction ? Axis::Kind::Reduction : Axis::Kind::Spatial, stmt.range);
}

/// Whether \p binding stays fixed inside the block around the current one: then the axis is one
/// point, whatever its domain says (TVM prints domains such as `(v, v + (1 - v))` for these).
bool FunctionReader::isPointOfOuterBlock(const ValueExpr &binding) const {
  if (frames_.size() < 2)
    return false;
  const Frame &outer = frames_[frames_.size() - 2];
  bool isInside = outer.isBlock;
  forEachAxis(binding,
              [&](std::size_t variable) { isInside = isInside && variable < outer.firstLoop; });
  return isInside;
}

void FunctionReader::bindAxis(const Expr &target, const ValueExprPtr &low, ValueExprPtr extent,
                              const Expr &binding, Axis::Kind kind, SourceRange range) {
  if (target.kind != Expr::Kind::Name)
    return error(DiagnosticCode::TirBadAxis, target.range, "an axis needs a name");
  Conversion conversion;
  ValueExprPtr bound = convert(binding, conversion);
  if (kind == Axis::Kind::Spatial && asIndex(bound) && isPointOfOuterBlock(*bound)) {
    bind(target.text, NameMeaning::of(std::move(bound)));
    return;
  }
  addVariable(target.text, low, std::move(extent), range, true, kind);
  Variable &axis = variables_.back();
  IndexExprPtr value = asIndex(bound);
  if (evaluate(*low, {}) == 0)
    axis.binding = value;
  if (const IndexExprPtr start = value ? asIndex(low) : nullptr)
    variables_.back().inLoops = inLoops(indexBinary(IndexExpr::Kind::Sub, value, start));
  std::int64_t offset = 0;
  if (value && value->kind == IndexExpr::Kind::Add &&
      value->right->kind == IndexExpr::Kind::Constant) {
    offset = value->right->value;
    value = value->left;
  }
  if (!value || value->kind != IndexExpr::Kind::Axis || evaluate(*low, {}) != offset)
    return;
  const Variable &source = variables_[static_cast<std::size_t>(value->value)];
  if (source.extent == axis.extent)
    axis.loop = source.loop;
}

/// Ends the life of all variables but the first \p activeCount active ones.
void FunctionReader::leaveVariables(std::size_t activeCount) {
  active_.resize(activeCount);
  // Nothing refers to variables between two nests, so each nest counts its own.
  if (active_.empty() && frames_.size() == 1)
    forgetNest();
}

void FunctionReader::forgetNest() {
  if (uses_.needsVariables())
    uses_.endNest(nest_, nestVariables());
  ++nest_;
  variables_.clear();
  restarts_.clear();
  accumulations_.clear();
}

void FunctionReader::addVariable(std::string_view name, const ValueExprPtr &low,
                                 ValueExprPtr extent, SourceRange range, bool isBlockAxis,
                                 Axis::Kind kind) {
  const std::size_t id = makeVariable(name, std::move(extent), range, isBlockAxis, kind);
  bind(name, NameMeaning::of(binaryValue("+", context_.nodes.axisValue(id), low)));
}

/// A new variable that no name stands for yet.
std::size_t FunctionReader::makeVariable(std::string_view name, ValueExprPtr extent,
                                         SourceRange range, bool isBlockAxis, Axis::Kind kind) {
  Variable variable;
  variable.name = name;
  variable.extentExpr = std::move(extent);
  variable.isBlockAxis = isBlockAxis;
  variable.kind = kind;
  if (!measure(variable, range))
    variable.extentExpr = context_.nodes.indexValue(1);
  std::size_t id = variables_.size();
  if (!isBlockAxis)
    variable.loop = id;
  variables_.push_back(std::move(variable));
  active_.push_back(id);
  return id;
}

/// The position in the vectors of the store that is being read: `A[i:i + 4] = B[i:i + 4]` is a loop
/// over their elements.
ValueExprPtr FunctionReader::laneOf(std::int64_t lanes, SourceRange range) {
  if (givenLane_ && givenLane_->lanes == 0 && lanes > 0)
    givenLane_->lanes = lanes;
  if (givenLane_ && givenLane_->lanes == lanes && lanes > 0)
    return givenLane_->value;
  if (!lane_ && readsTarget_ && lanes > 0)
    lane_ =
        makeVariable("lane", context_.nodes.indexValue(lanes), range, false, Axis::Kind::Spatial);
  if (lane_ && variables_[*lane_].extent == lanes)
    return context_.nodes.axisValue(*lane_);
  issue(range, "an access to several elements at once");
  return context_.nodes.indexValue(0);
}

/// \p high − \p low, if it is the same wherever the variables are.
std::optional<std::int64_t> FunctionReader::constantDifference(const ValueExprPtr &high,
                                                               const ValueExprPtr &low) const {
  const IndexExprPtr first = asIndex(low), last = asIndex(high);
  if (!first || !last)
    return std::nullopt;
  std::vector<Axis> axes;
  for (const Variable &variable : variables_)
    axes.push_back({variable.name, variable.extent, Axis::Kind::Spatial});
  const auto form = affineForm(*indexBinary(IndexExpr::Kind::Sub, last, first), axes);
  const bool isConstant =
      form && std::ranges::all_of(form->coefficients, [](std::int64_t each) { return each == 0; });
  return isConstant ? std::optional(form->constant) : std::nullopt;
}

std::vector<std::size_t> FunctionReader::sourcesOf(const ValueExpr &value) const {
  std::set<std::size_t> found;
  forEachAxis(value, [&](std::size_t variable) { found.insert(variable); });
  return {found.begin(), found.end()};
}

/// Calls \p visit with a value for each of all variables so that \p variables take every
/// combination. False if there are too many combinations or one of the variables has no plain
/// extent.
template <typename Visit>
bool FunctionReader::forEachPoint(const std::vector<std::size_t> &variables, const Visit &visit) {
  constexpr std::int64_t mostPoints = 100'000;
  std::int64_t count = 1;
  for (std::size_t variable : variables) {
    if (variables_[variable].dependsOnOthers || variables_[variable].extent > mostPoints)
      return false;
    count *= variables_[variable].extent;
    if (count > mostPoints)
      return false;
  }
  std::vector<std::int64_t> point(variables_.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    for (std::size_t variable : variables) {
      point[variable] = rest % variables_[variable].extent;
      rest /= variables_[variable].extent;
    }
    if (!visit(point))
      return false;
  }
  return true;
}

/// Finds the extent of \p variable. False after an error.
bool FunctionReader::measure(Variable &variable, SourceRange range) {
  const IndexExprPtr constant = asIndex(variable.extentExpr);
  if (constant && constant->kind == IndexExpr::Kind::Constant && constant->value > 0) {
    variable.extent = constant->value;
    return true;
  }
  std::vector<std::size_t> sources = sourcesOf(*variable.extentExpr);
  std::int64_t largest = std::numeric_limits<std::int64_t>::min();
  auto isKnown = forEachPoint(sources, [&](const std::vector<std::int64_t> &point) {
    auto extent = evaluate(*variable.extentExpr, point);
    largest = std::max(largest, extent.value_or(largest));
    return extent.has_value();
  });
  // An integer literal beyond 64 bits has a value but is no index.
  constexpr double firstBeyond = 9223372036854775808.0;
  const ValueExpr &extent = *variable.extentExpr;
  if (!isKnown && extent.kind == ValueExpr::Kind::Constant && !extent.index &&
      extent.number >= firstBeyond) {
    error(DiagnosticCode::TirTooLarge, range,
          "the number of iterations of '" + variable.name + "'");
    return false;
  }
  if (!isKnown) {
    // After another error the expression is a stand-in; a second message would not help.
    const bool isStandIn = extent.kind == ValueExpr::Kind::Opaque && !result_.issues.empty();
    if (result_.isValid && !isStandIn)
      issue(range, "the number of iterations of '" + variable.name + "'");
    return false;
  }
  if (largest <= 0) {
    if (result_.isValid)
      error(DiagnosticCode::TirBadExtent, range, largest);
    return false;
  }
  variable.extent = largest;
  variable.dependsOnOthers = !sources.empty();
  return true;
}

/// Number of points of the domain that \p variables span; none if it leaves 64 bits.
std::optional<std::int64_t> FunctionReader::countPoints(const std::vector<std::size_t> &variables) {
  std::set<std::size_t> sources; // few extents depend on others
  std::vector<std::size_t> dependent;
  for (std::size_t variable : variables) {
    if (!variables_[variable].dependsOnOthers)
      continue;
    dependent.push_back(variable);
    for (std::size_t source : sourcesOf(*variables_[variable].extentExpr))
      sources.insert(source);
  }
  std::optional<std::int64_t> box = 1;
  std::optional<std::int64_t> rest = 1;
  for (std::size_t variable : variables) {
    std::int64_t extent = variables_[variable].extent;
    box = box ? checkedMul(*box, extent) : std::nullopt;
    if (!variables_[variable].dependsOnOthers && !sources.contains(variable))
      rest = rest ? checkedMul(*rest, extent) : std::nullopt;
  }
  if (!box || dependent.empty())
    return box;
  std::int64_t sum = 0;
  // The sum is at most the box, which fits.
  bool isExact =
      forEachPoint({sources.begin(), sources.end()}, [&](const std::vector<std::int64_t> &point) {
        std::int64_t product = 1;
        for (std::size_t variable : dependent)
          product *= std::max<std::int64_t>(0, evaluate(*variables_[variable].extentExpr, point)
                                                   .value_or(variables_[variable].extent));
        sum += product;
        return true;
      });
  return isExact ? checkedMul(sum, *rest) : box;
}

} // namespace acadlc::tir
