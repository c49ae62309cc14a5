#include "backend/mapping/ScalarExpression.h"

#include "frontend/acadl/Builtins.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

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

/// How the language writes an operator on numbers; empty if it is a function or not there.
std::string_view languageOperator(const std::string &network) {
  for (const std::string_view same :
       {"+", "-", "*", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"})
    if (network == same)
      return same;
  return network == "//" ? "/" : "";
}

} // namespace

std::vector<std::size_t> ScalarNode::order() const {
  std::vector<std::size_t> indices(operands.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::ranges::sort(indices, [&](std::size_t a, std::size_t b) {
    const unsigned first = operands[a].registers, second = operands[b].registers;
    return first != second ? first > second : a < b;
  });
  return indices;
}

unsigned registersFor(const std::vector<ScalarNode> &operands, unsigned temporaries) {
  std::vector<unsigned> needs;
  for (const ScalarNode &operand : operands)
    needs.push_back(operand.registers);
  std::ranges::sort(needs, std::greater{});
  unsigned most = std::max(1U, static_cast<unsigned>(needs.size()) + temporaries);
  for (std::size_t i = 0; i < needs.size(); ++i)
    most = std::max(most, static_cast<unsigned>(i) + needs[i]);
  return most;
}

std::nullopt_t ScalarReader::fail(std::string reason) {
  if (reason_.empty())
    reason_ = std::move(reason);
  return std::nullopt;
}

//===--- Operations ---------------------------------------------------------------------------===//

bool ScalarReader::requireOperation(llvm::StringRef name) {
  if (operations_.has(name))
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
  const std::vector<std::string> lacks = operations_.lacks(name);
  if (!lacks.empty())
    reason += fmt::format("; with {} it would be composed", fmt::join(lacks, " and "));
  fail(std::move(reason));
  return false;
}

std::optional<ScalarNode>
ScalarReader::operation(llvm::StringRef name, const std::vector<workload::ValueExprPtr> &operands) {
  if (!requireOperation(name))
    return std::nullopt;
  const auto *known = builtins::findScalarOperation(name);
  if (known == nullptr || known->parameters != operands.size() + 1)
    return fail(fmt::format("scalar code has no operation '{}' of {} operands", name.str(),
                            operands.size()));
  ScalarNode node;
  node.kind = ScalarNode::Kind::Operation;
  node.text = name.str();
  for (const workload::ValueExprPtr &operand : operands) {
    auto read = this->read(*operand);
    if (!read)
      return std::nullopt;
    node.operands.push_back(std::move(*read));
  }
  node.registers = registersFor(node.operands, operations_.temporaries(name));
  return node;
}

std::optional<ScalarNode> ScalarReader::function(const ValueExpr &value) {
  // infinity, min_value, …
  if (value.operands.empty())
    return ScalarNode{};
  return operation(operationName(value.name), value.operands);
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
/// width alone is done by the loads and stores.
std::optional<ScalarNode> ScalarReader::cast(const ValueExpr &value) {
  const auto from = typeOf(*value.operands[0]);
  if (!from || isFloat(*from) == isFloat(value.elementType))
    return read(*value.operands[0]);
  return operation("convert", value.operands);
}

std::optional<ScalarNode> ScalarReader::choice(std::string condition, const ValueExpr &then,
                                               const ValueExpr &otherwise) {
  ScalarNode node;
  node.kind = ScalarNode::Kind::Choice;
  // Comparisons stand in parentheses, which the outermost one does not need.
  const bool isEnclosed = condition.starts_with('(') && condition.ends_with(')');
  node.text = isEnclosed ? condition.substr(1, condition.size() - 2) : std::move(condition);
  ++conditions_;
  for (const ValueExpr *side : {&then, &otherwise}) {
    auto operand = read(*side);
    if (!operand)
      return std::nullopt;
    node.registers = std::max(node.registers, operand->registers);
    node.operands.push_back(std::move(*operand));
  }
  --conditions_;
  return node;
}

std::optional<ScalarNode> ScalarReader::select(const ValueExpr &value) {
  if (auto condition = value.operands[0]->kind == ValueExpr::Kind::Compare
                           ? indexText(*value.operands[0])
                           : std::nullopt)
    return choice(std::move(*condition), *value.operands[1], *value.operands[2]);
  return operation("select", value.operands);
}

std::optional<ScalarNode> ScalarReader::read(const ValueExpr &value) {
  switch (value.kind) {
  case ValueExpr::Kind::Load: {
    const workload::Access &read = computation_.accesses[value.value];
    auto text = access(read.tensor, read.indices);
    if (!text)
      return std::nullopt;
    return ScalarNode{ScalarNode::Kind::Load, std::move(*text), {}, 1};
  }
  case ValueExpr::Kind::Constant:
  case ValueExpr::Kind::Index:
    return ScalarNode{};
  case ValueExpr::Kind::Opaque:
    return fail("its value is not understood");
  case ValueExpr::Kind::Cast:
    return indexText(value) ? ScalarNode{} : cast(value);
  case ValueExpr::Kind::Select:
    return select(value);
  case ValueExpr::Kind::Unary:
  case ValueExpr::Kind::Binary:
  case ValueExpr::Kind::Compare:
    return indexText(value) ? ScalarNode{} : function(value);
  }
  return std::nullopt;
}

//===--- Indices and conditions on them -------------------------------------------------------===//

std::string ScalarReader::affineText(const workload::AffineIndex &index) const {
  std::string text;
  const auto add = [&](std::int64_t factor, const std::string &name) {
    const bool isNegative = factor < 0;
    // The magnitude of the smallest number is none of 64 bits.
    const std::uint64_t magnitude =
        isNegative ? 0 - static_cast<std::uint64_t>(factor) : static_cast<std::uint64_t>(factor);
    text += text.empty() ? (isNegative ? "-" : "") : (isNegative ? " - " : " + ");
    if (name.empty())
      text += fmt::format("{}", magnitude);
    else
      text += magnitude == 1 ? name : fmt::format("{} * {}", magnitude, name);
  };
  for (std::size_t i = 0; i < index.coefficients.size(); ++i)
    if (index.coefficients[i] != 0 && !names_.axes[i].empty())
      add(index.coefficients[i], names_.axes[i]);
  if (index.constant != 0 || text.empty())
    add(index.constant, "");
  return text;
}

std::optional<std::string> ScalarReader::indexText(const IndexExpr &index) const {
  if (const auto affine = affineForm(index, computation_.axes))
    return affineText(*affine);
  if (index.kind == IndexExpr::Kind::Opaque || index.left == nullptr || index.right == nullptr)
    return std::nullopt;
  const auto left = indexText(*index.left), right = indexText(*index.right);
  if (!left || !right)
    return std::nullopt;
  switch (index.kind) {
  case IndexExpr::Kind::Add:
    return fmt::format("({}) + ({})", *left, *right);
  case IndexExpr::Kind::Sub:
    return fmt::format("({}) - ({})", *left, *right);
  case IndexExpr::Kind::Mul:
    return fmt::format("({}) * ({})", *left, *right);
  case IndexExpr::Kind::FloorDiv:
    return fmt::format("({}) / ({})", *left, *right);
  case IndexExpr::Kind::FloorMod:
    return fmt::format("({}) % ({})", *left, *right);
  case IndexExpr::Kind::Min:
    return fmt::format("min({}, {})", *left, *right);
  case IndexExpr::Kind::Max:
    return fmt::format("max({}, {})", *left, *right);
  default:
    return std::nullopt;
  }
}

std::optional<std::string> ScalarReader::indexText(const ValueExpr &value) const {
  std::vector<std::string> texts;
  for (const workload::ValueExprPtr &operand : value.operands) {
    auto text = indexText(*operand);
    if (!text)
      return std::nullopt;
    texts.push_back(std::move(*text));
  }
  switch (value.kind) {
  case ValueExpr::Kind::Index:
    return indexText(*value.index);
  case ValueExpr::Kind::Constant:
    if (value.number != std::floor(value.number) || std::abs(value.number) > 1e15)
      return std::nullopt;
    return fmt::format("{}", static_cast<std::int64_t>(value.number));
  case ValueExpr::Kind::Cast:
    // A condition that becomes a number is none any more.
    if (isFloat(value.elementType) || value.operands[0]->kind == ValueExpr::Kind::Compare)
      return std::nullopt;
    return texts[0];
  case ValueExpr::Kind::Binary:
    if ((value.name == "min" || value.name == "max") && texts.size() == 2)
      return fmt::format("{}({}, {})", value.name, texts[0], texts[1]);
    [[fallthrough]];
  case ValueExpr::Kind::Compare:
    if (value.name == "not")
      return fmt::format("(not {})", texts[0]);
    if (const auto spelling = languageOperator(value.name); !spelling.empty() && texts.size() == 2)
      return fmt::format("({} {} {})", texts[0], spelling, texts[1]);
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

/// A guard around iterations (`T.where`) is not in the workload IR; what it keeps out shows here.
bool ScalarReader::checkBounds(const IndexExpr &index, std::int64_t extent,
                               workload::TensorRef tensor) {
  const auto affine = affineForm(index, computation_.axes);
  if (!affine || conditions_ != 0)
    return true;
  std::optional<std::int64_t> low = affine->constant, high = affine->constant;
  for (std::size_t i = 0; i < affine->coefficients.size() && low && high; ++i) {
    const auto span = checkedMul(affine->coefficients[i], computation_.axes[i].extent - 1);
    auto &bound = affine->coefficients[i] < 0 ? low : high;
    bound = span ? checkedAdd(*bound, *span) : std::nullopt;
  }
  if (low && high && *low >= 0 && *high < extent)
    return true;
  fail(fmt::format("an index of '{}' leaves its bounds where iterations are guarded",
                   tensorOf(workload_, call_, tensor).name));
  return false;
}

std::optional<std::string>
ScalarReader::access(workload::TensorRef tensor,
                     const std::vector<workload::IndexExprPtr> &indices) {
  const workload::Tensor &read = tensorOf(workload_, call_, tensor);
  std::string text = names_.tensor(tensor) + "[";
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto index = indexText(*indices[i]);
    if (!index)
      return fail(fmt::format("where it reads '{}' depends on data", read.name));
    if (!checkBounds(*indices[i], read.shape[i], tensor))
      return std::nullopt;
    text += (i == 0 ? "" : ", ") + *index;
  }
  // A tensor without dimensions is an element.
  return text + (indices.empty() ? "0]" : "]");
}

} // namespace acadlc::mapping
