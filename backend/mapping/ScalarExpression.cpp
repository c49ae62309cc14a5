#include "backend/mapping/ScalarExpression.h"

#include "frontend/acadl/syntax/Builtins.h"
#include "ir/WorkloadExpr.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace acadlc::mapping {

using workload::ElementType;
using workload::IndexExpr;
using workload::ValueExpr;

namespace {

struct Spelling {
  std::string_view network, operation;
};

/// Operators and functions of the workload IR that are called otherwise here.
constexpr std::array spellings{
    Spelling{"+", "add"},
    Spelling{"-", "subtract"},
    Spelling{"*", "multiply"},
    Spelling{"/", "divide"},
    Spelling{"//", "floor_divide"},
    Spelling{"%", "floor_modulo"},
    Spelling{"truncdiv", "truncate_divide"},
    Spelling{"truncmod", "truncate_modulo"},
    Spelling{"fmod", "truncate_modulo"},
    Spelling{"Mod", "truncate_modulo"},
    Spelling{"&", "bitwise_and"},
    Spelling{"|", "bitwise_or"},
    Spelling{"^", "bitwise_xor"},
    Spelling{"<", "less"},
    Spelling{"<=", "less_equal"},
    Spelling{">", "greater"},
    Spelling{">=", "greater_equal"},
    Spelling{"==", "equal"},
    Spelling{"!=", "not_equal"},
    Spelling{"and", "logical_and"},
    Spelling{"or", "logical_or"},
    Spelling{"not", "logical_not"},
    Spelling{"neg", "negate"},
    Spelling{"fabs", "abs"},
    Spelling{"nearbyint", "round"},
    Spelling{"rint", "round"},
};

std::string operationName(const std::string &network) {
  const auto *const found = std::ranges::find(spellings, network, &Spelling::network);
  return found != spellings.end() ? std::string(found->operation) : network;
}

bool isFloat(ElementType type) {
  return type.kind == ElementType::Kind::Float || type.kind == ElementType::Kind::BFloat;
}

ScalarNode constant(std::string text, std::size_t depth) {
  ScalarNode node;
  node.text = std::move(text);
  node.depth = depth;
  return node;
}

} // namespace

bool sameElement(const workload::Access &left, const workload::Access &right) {
  return left.tensor == right.tensor &&
         std::ranges::equal(left.indices, right.indices,
                            [](const auto &a, const auto &b) { return sameIndex(*a, *b); });
}

std::nullopt_t ScalarReader::fail(std::string reason) {
  if (reason_.empty()) {
    reason_ = std::move(reason);
    reasonRange_ = at_;
  }
  return std::nullopt;
}

//===--- Operations ---------------------------------------------------------------------------===//

bool ScalarReader::requireOperation(llvm::StringRef name) {
  if (in_.operations.has(name))
    return true;
  const auto *known = builtins::findScalarOperation(name);
  if (known == nullptr) {
    fail(fmt::format("scalar code has no operation for '{}'", name.str()));
    return false;
  }
  constexpr std::string_view letters = "dabc";
  std::string parameters;
  for (unsigned i = 0; i < known->parameters; ++i)
    parameters += fmt::format("{}{}", i == 0 ? "" : ", ", letters[i]);
  std::string reason =
      fmt::format("the `scalar` declaration has no operation `{}({})`", name.str(), parameters);
  const std::vector<std::string> lacks = in_.operations.lacks(name);
  if (!lacks.empty())
    reason += fmt::format("; with {} it would be composed", fmt::join(lacks, " and "));
  fail(std::move(reason));
  return false;
}

/// Operations on numbers alone are done when the code is written.
std::optional<ScalarId> ScalarReader::operation(llvm::StringRef name,
                                                std::vector<ScalarId> operands) {
  const bool isNumber = !operands.empty() && std::ranges::all_of(operands, [&](ScalarId operand) {
    return graph_[operand].kind == ScalarNode::Kind::Constant && graph_[operand].depth == 0;
  });
  if (isNumber) {
    std::string text = name.str();
    for (const ScalarId operand : operands)
      text += " (" + graph_[operand].text + ")";
    return graph_.add(constant(std::move(text), 0));
  }
  if (!requireOperation(name))
    return std::nullopt;
  const auto *known = builtins::findScalarOperation(name);
  if (known == nullptr || known->parameters != operands.size() + 1)
    return fail(fmt::format("scalar code has no operation '{}' of {} operands", name.str(),
                            operands.size()));
  ScalarNode node;
  node.kind = ScalarNode::Kind::Operation;
  node.text = name.str();
  node.operands = std::move(operands);
  return graph_.add(std::move(node));
}

std::optional<ScalarId> ScalarReader::function(const ValueExpr &value) {
  // infinity, min_value, …
  if (value.operands.empty())
    return graph_.add(constant(value.name, 0));
  std::vector<ScalarId> operands;
  for (const workload::ValueExprPtr &operand : value.operands) {
    const auto read = this->read(*operand);
    if (!read)
      return std::nullopt;
    operands.push_back(*read);
  }
  return operation(operationName(value.name), std::move(operands));
}

std::optional<ElementType> ScalarReader::typeOf(const ValueExpr &value) const {
  switch (value.kind) {
  case ValueExpr::Kind::Load:
  case ValueExpr::Kind::Cast:
    return value.elementType;
  case ValueExpr::Kind::Index:
    return ElementType{ElementType::Kind::Int, 64};
  case ValueExpr::Kind::Compare:
    return ElementType{ElementType::Kind::Bool, 8};
  case ValueExpr::Kind::Unary:
  case ValueExpr::Kind::Binary:
  case ValueExpr::Kind::Select:
    // That of a constant is not known, but it is the same as that of the other operands.
    for (std::size_t i = value.kind == ValueExpr::Kind::Select ? 1 : 0; i < value.operands.size();
         ++i)
      if (const auto type = typeOf(*value.operands[i]))
        return type;
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

/// Whole numbers and numbers with a point need an instruction to become one another; a change of
/// width alone is done by the loads and stores. An immediate is of either kind.
std::optional<ScalarId> ScalarReader::cast(const ValueExpr &value) {
  const auto operand = read(*value.operands[0]);
  if (!operand)
    return std::nullopt;
  const auto from = typeOf(*value.operands[0]);
  if (!from || isFloat(*from) == isFloat(value.elementType))
    return operand;
  if (graph_[*operand].kind == ScalarNode::Kind::Constant) {
    ScalarNode node = graph_[*operand];
    node.text = fmt::format("{}({})", value.elementType.name(), node.text);
    return graph_.add(std::move(node));
  }
  return operation("convert", {*operand});
}

std::optional<ScalarId> ScalarReader::choice(ScalarIndexWriter::Text condition,
                                             const ValueExpr &then, const ValueExpr &otherwise) {
  ScalarNode node;
  node.kind = ScalarNode::Kind::Choice;
  node.text = std::move(condition.text);
  node.depth = condition.depth;
  ++conditions_;
  for (const ValueExpr *side : {&then, &otherwise}) {
    const auto operand = read(*side);
    if (!operand)
      return std::nullopt;
    node.operands.push_back(*operand);
  }
  --conditions_;
  return graph_.add(std::move(node));
}

std::optional<ScalarId> ScalarReader::select(const ValueExpr &value) {
  if (auto condition = in_.indices.writeCondition(*value.operands[0]))
    return choice(std::move(*condition), *value.operands[1], *value.operands[2]);
  std::vector<ScalarId> operands;
  for (const workload::ValueExprPtr &operand : value.operands) {
    const auto read = this->read(*operand);
    if (!read)
      return std::nullopt;
    operands.push_back(*read);
  }
  return operation("select", std::move(operands));
}

std::optional<ScalarId> ScalarReader::read(const ValueExpr &value) {
  switch (value.kind) {
  case ValueExpr::Kind::Load:
    if (value.value >= in_.accesses.size())
      return fail("its value is not understood");
    return load(in_.accesses[value.value]);
  case ValueExpr::Kind::Opaque:
    return fail("its value is not understood");
  case ValueExpr::Kind::Select:
    return select(value);
  case ValueExpr::Kind::Constant:
    if (!value.index)
      return graph_.add(constant(fmt::format("{} {}", value.elementType.name(), value.number), 0));
    [[fallthrough]];
  case ValueExpr::Kind::Index:
    if (auto text = in_.indices.write(*value.index))
      return graph_.add(constant(std::move(text->text), text->depth));
    return value.index->computed ? read(*value.index->computed)
                                 : fail("its value is not understood");
  case ValueExpr::Kind::Cast:
  case ValueExpr::Kind::Unary:
  case ValueExpr::Kind::Binary:
  case ValueExpr::Kind::Compare:
    if (auto text = in_.indices.write(value))
      return graph_.add(constant(std::move(text->text), text->depth));
    return value.kind == ValueExpr::Kind::Cast ? cast(value) : function(value);
  }
  return std::nullopt;
}

//===--- Accesses
//------------------------------------------------------------------------------===//

std::optional<ScalarId> ScalarReader::load(const workload::Access &access) {
  const SourceRange outer = std::exchange(at_, access.range);
  for (std::size_t i = 0; i < accumulators_.size(); ++i)
    if (sameElement(*accumulators_[i], access)) {
      at_ = outer;
      ScalarNode node;
      node.kind = ScalarNode::Kind::Accumulator;
      node.text = fmt::format("{}", i);
      // It changes in the innermost loop.
      node.depth = static_cast<std::size_t>(std::ranges::count_if(
          in_.computation.axes, [](const workload::Axis &axis) { return axis.extent != 1; }));
      node.isVolatile = areVolatile_;
      return graph_.add(std::move(node));
    }
  auto place = this->access(access.tensor, access.indices);
  if (!place)
    return std::nullopt;
  at_ = outer;
  ScalarNode node;
  node.kind = ScalarNode::Kind::Load;
  node.text = std::move(place->text);
  node.depth = place->depth;
  node.operands = std::move(place->indices);
  node.isVolatile = std::ranges::find(written_, access.tensor) != written_.end();
  return graph_.add(std::move(node));
}

/// A guard around iterations that the workload IR does not have shows here.
bool ScalarReader::checkBounds(const IndexExpr &index, std::int64_t extent,
                               const workload::Tensor &tensor) {
  const auto affine = affineForm(index, in_.computation.axes);
  if (!affine || conditions_ != 0)
    return true;
  const auto range = rangeOf(*affine, in_.computation.axes);
  if (range && range->low >= 0 && range->high < extent)
    return true;
  fail(fmt::format("an index of '{}' leaves its bounds where iterations are guarded", tensor.name));
  return false;
}

void ScalarReader::collectAxes(const ValueExpr &value, std::vector<bool> &axes) const {
  forEachAxis(value, [&](std::size_t axis) { axes[axis] = true; });
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.kind != ValueExpr::Kind::Load || node.value >= in_.accesses.size())
      return;
    for (const workload::IndexExprPtr &index : in_.accesses[node.value].indices)
      forEachAxis(*index, [&](std::size_t axis) { axes[axis] = true; });
  });
}

std::optional<ScalarIndexWriter::Text> ScalarReader::indexFromData(const IndexExpr &index,
                                                                   std::int64_t extent,
                                                                   const workload::Tensor &tensor,
                                                                   Place &place) {
  constexpr unsigned deepest = 16;
  if (index.kind != IndexExpr::Kind::Opaque || !index.computed)
    return fail(fmt::format("where it reads '{}' is not understood", tensor.name));
  if (auto text = in_.indices.writeComputed(*index.computed))
    return text;
  bool readsData = false;
  forEachNode(*index.computed,
              [&](const ValueExpr &node) { readsData |= node.kind == ValueExpr::Kind::Load; });
  if (!readsData)
    return fail(
        fmt::format("an index of '{}' is computed in a way that is not understood", tensor.name));
  if (depth_ >= deepest)
    return fail(fmt::format("where it reads '{}' depends on too many other reads", tensor.name));
  ++depth_;
  const auto value = read(*index.computed);
  --depth_;
  if (!value)
    return std::nullopt;
  place.indices.push_back(*value);
  std::vector<bool> axes(in_.computation.axes.size());
  collectAxes(*index.computed, axes);
  std::string assumption = fmt::format(
      "data says which elements of '{}' are taken; assumed: one behind the other", tensor.name);
  if (std::ranges::find(assumptions_, assumption) == assumptions_.end())
    assumptions_.push_back(std::move(assumption));
  return in_.indices.counting(axes, extent);
}

std::optional<ScalarReader::Place>
ScalarReader::access(workload::TensorRef tensor,
                     const std::vector<workload::IndexExprPtr> &indices) {
  const workload::Tensor &read = tensorOf(in_.workload, in_.call, tensor);
  Place place;
  place.text = in_.tensorName(tensor) + "[";
  for (std::size_t i = 0; i < indices.size(); ++i) {
    auto index = in_.indices.write(*indices[i]);
    if (!index)
      index = indexFromData(*indices[i], read.shape[i], read, place);
    if (!index || !checkBounds(*indices[i], read.shape[i], read))
      return std::nullopt;
    place.text += (i == 0 ? "" : ", ") + index->text;
    place.depth = std::max(place.depth, index->depth);
  }
  // A tensor without dimensions is an element.
  place.text += indices.empty() ? "0]" : "]";
  return place;
}

} // namespace acadlc::mapping
