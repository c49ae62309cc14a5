#include "frontend/tir/FixedPoint.h"
#include "frontend/tir/FunctionParts.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace acadlc::tir {

using namespace workload;

ValueExprPtr FunctionReader::opaque(const Expr &expr, std::string what) {
  if (!what.empty())
    issue(expr.range, std::move(what));
  return valueNode(ValueExpr::Kind::Opaque, textOf(expr), {});
}

ValueExprPtr FunctionReader::convert(const Expr &expr, Conversion &conversion) {
  constexpr std::size_t deepest = 1500;
  if (context_.workLeft == 0 || convertDepth_ > deepest) {
    // What is cut off inside one large expression is one complaint.
    bool isNew = std::exchange(reportedLarge_, true) == false;
    return opaque(expr, isNew ? "an expression that is too large" : "");
  }
  --context_.workLeft;
  ++convertDepth_;
  ValueExprPtr value = convertNode(expr, conversion);
  --convertDepth_;
  return value;
}

ValueExprPtr FunctionReader::convertNode(const Expr &expr, Conversion &conversion) {
  switch (expr.kind) {
  case Expr::Kind::Integer:
  case Expr::Kind::Float:
    return convertLiteral(expr, expr.elementType, conversion);
  case Expr::Kind::Constant: {
    auto value = std::make_shared<ValueExpr>();
    value->elementType = {ElementType::Kind::Bool, 1};
    value->number = expr.text == "True" ? 1 : 0;
    return value;
  }
  case Expr::Kind::Name:
    return convertName(expr, conversion);
  case Expr::Kind::Unary:
    return convertUnary(expr, conversion);
  case Expr::Kind::Binary:
    return convertBinary(expr, conversion);
  case Expr::Kind::Call:
    return convertCall(expr, conversion);
  case Expr::Kind::Subscript:
    return convertLoad(expr, conversion);
  case Expr::Kind::Conditional: {
    ++conversion.conditions;
    auto then = convert(*expr.children[0], conversion);
    --conversion.conditions;
    auto condition = convert(*expr.children[1], conversion);
    ++conversion.conditions;
    auto otherwise = convert(*expr.children[2], conversion);
    --conversion.conditions;
    return valueNode(ValueExpr::Kind::Select, {}, {condition, then, otherwise});
  }
  default:
    return opaque(expr, "'" + textOf(expr) + "'");
  }
}

ValueExprPtr FunctionReader::convertName(const Expr &expr, Conversion &conversion) {
  const NameMeaning *symbol = find(expr.text);
  if (symbol && symbol->kind == NameMeaning::Kind::Value)
    return symbol->value;
  if (symbol && symbol->kind == NameMeaning::Kind::Let)
    return convert(*symbol->definition, conversion);
  if (symbol && symbol->kind == NameMeaning::Kind::Unset)
    return opaque(expr, reportedScalars_.insert(expr.text).second
                            ? "a read of '" + std::string(expr.text) +
                                  "', which is not sure to have a value there,"
                            : "");
  if (symbol && symbol->kind == NameMeaning::Kind::Size)
    return sizeOfName(expr.text, expr.range);
  if (symbol && symbol->kind == NameMeaning::Kind::Buffer && symbol->tensor.isLocal &&
      localBuffers_[symbol->tensor.index].scalar)
    return convertLoad(expr, conversion);
  if (symbol)
    return opaque(expr, "a buffer without indices");
  if (context_.symbols.contains(expr.text) || symbols_.contains(expr.text) ||
      context_.sizeNames.contains(expr.text))
    return sizeOfName(expr.text, expr.range);
  reportUndefined(expr);
  return opaque(expr, {});
}

ValueExprPtr FunctionReader::convertLiteral(const Expr &expr, ElementType type,
                                            Conversion &conversion) {
  const bool toInteger =
      type.kind == ElementType::Kind::Int || type.kind == ElementType::Kind::UInt;
  const auto integer = integerLiteral(expr);
  if (integer && toInteger)
    return context_.nodes.integer(*integer, type);
  auto value = std::make_shared<ValueExpr>();
  value->elementType = type;
  if (integer) {
    value->number = static_cast<double>(*integer);
    return value;
  }
  bool isText = expr.kind == Expr::Kind::Float || expr.kind == Expr::Kind::String ||
                expr.kind == Expr::Kind::Integer;
  if (isText) {
    auto number = parseFloat(expr.text);
    if (!number)
      return opaque(expr, "the number '" + textOf(expr) + "'");
    value->number = *number;
    return value;
  }
  if (expr.kind == Expr::Kind::Unary && expr.text == "-" &&
      expr.children[0]->kind == Expr::Kind::Float) {
    value->number = -parseFloat(expr.children[0]->text).value_or(0);
    return value;
  }
  // `T.int64(e)` of something that is no literal is a cast.
  ValueExprPtr operand = convert(expr, conversion);
  if (toInteger && asIndex(operand))
    return operand;
  auto cast =
      std::make_shared<ValueExpr>(*valueNode(ValueExpr::Kind::Cast, "cast", {std::move(operand)}));
  cast->elementType = type;
  return cast;
}

ValueExprPtr FunctionReader::convertUnary(const Expr &expr, Conversion &conversion) {
  ValueExprPtr operand = convert(*expr.children[0], conversion);
  if (expr.text == "+")
    return operand;
  if (expr.text == "not")
    return valueNode(ValueExpr::Kind::Compare, "not", {operand});
  if (expr.text == "~")
    return valueNode(ValueExpr::Kind::Unary, "bitwise_not", {operand});
  return negated(std::move(operand));
}

ValueExprPtr FunctionReader::negated(ValueExprPtr operand) {
  if (operand->kind == ValueExpr::Kind::Constant) {
    auto number = std::make_shared<ValueExpr>(*operand);
    number->number = -operand->number;
    if (operand->index)
      number->index = indexBinary(IndexExpr::Kind::Sub, indexConstant(0), operand->index);
    return number;
  }
  if (IndexExprPtr index = asIndex(operand))
    return valueIndex(indexBinary(IndexExpr::Kind::Sub, indexConstant(0), index));
  return valueNode(ValueExpr::Kind::Unary, "neg", {std::move(operand)});
}

ValueExprPtr FunctionReader::binaryValue(std::string_view op, ValueExprPtr left,
                                         ValueExprPtr right) {
  constexpr std::pair<std::string_view, IndexExpr::Kind> indexOperators[] = {
      {"+", IndexExpr::Kind::Add},      {"-", IndexExpr::Kind::Sub},
      {"*", IndexExpr::Kind::Mul},      {"//", IndexExpr::Kind::FloorDiv},
      {"%", IndexExpr::Kind::FloorMod}, {"min", IndexExpr::Kind::Min},
      {"max", IndexExpr::Kind::Max}};
  IndexExprPtr leftIndex = asIndex(left);
  IndexExprPtr rightIndex = asIndex(right);
  const bool addsZero = op == "+" && left->kind == ValueExpr::Kind::Index && rightIndex &&
                        rightIndex->kind == IndexExpr::Kind::Constant && rightIndex->value == 0;
  if (addsZero)
    return left;
  if (leftIndex && rightIndex)
    for (const auto &[name, kind] : indexOperators)
      if (name == op)
        return valueIndex(indexBinary(kind, leftIndex, rightIndex));
  constexpr std::string_view comparisons[] = {"<", "<=", ">", ">=", "==", "!=", "and", "or"};
  bool isComparison =
      std::find(std::begin(comparisons), std::end(comparisons), op) != std::end(comparisons);
  return valueNode(isComparison ? ValueExpr::Kind::Compare : ValueExpr::Kind::Binary,
                   std::string(op), {std::move(left), std::move(right)});
}

/// Reports a division of integers by 0, unless it stands under a condition: it may never be made.
void FunctionReader::checkDivisor(const Expr &expr, std::string_view op, const ValueExpr &divisor,
                                  const Conversion &conversion) {
  constexpr std::string_view divisions[] = {"//", "%", "truncdiv", "truncmod", "Mod"};
  const bool isZero = divisor.index && divisor.index->kind == IndexExpr::Kind::Constant &&
                      divisor.index->value == 0;
  if (isZero && conversion.conditions == 0 && conditions_ == 0 &&
      std::ranges::find(divisions, op) != std::end(divisions))
    error(DiagnosticCode::TirDivisionByZero, expr.range, textOf(expr));
}

ValueExprPtr FunctionReader::convertBinary(const Expr &expr, Conversion &conversion) {
  ValueExprPtr left = convert(*expr.children[0], conversion);
  bool mayStop = expr.text == "and" || expr.text == "or";
  conversion.conditions += mayStop ? 1 : 0;
  ValueExprPtr right = convert(*expr.children[1], conversion);
  conversion.conditions -= mayStop ? 1 : 0;
  checkDivisor(expr, expr.text, *right, conversion);
  return binaryValue(expr.text == "**" ? "pow" : expr.text, std::move(left), std::move(right));
}

ValueExprPtr FunctionReader::convertCast(const Expr &expr, Conversion &conversion) {
  const Expr *first = positional(expr, 0);
  const Expr *second = positional(expr, 1);
  if (!second)
    second = keyword(expr, "dtype");
  if (!first || !second)
    return opaque(expr, "'T.Cast' without two arguments");
  // `T.Cast("int32", e)`, in old texts `T.cast(e, "int32")`.
  const Expr *type = first->kind == Expr::Kind::String ? first : second;
  auto element = typeNamed(*type);
  // Of a vector: what holds for each of its elements.
  if (const auto vector = vectorTypeNamed(*type))
    element = vector->element;
  if (!element) {
    reportType(*type);
    return opaque(expr, {});
  }
  return convertLiteral(type == first ? *second : *first, *element, conversion);
}

/// `T.Let(body, where={x: e})`, in old texts `T.let(x, e, body)`: names that hold within the body
/// alone.
ValueExprPtr FunctionReader::convertLet(const Expr &expr, Conversion &conversion) {
  const Expr *body = positional(expr, 0);
  if (const Expr *last = positional(expr, 2); last && body->kind == Expr::Kind::Name) {
    const std::size_t mark = undo_.size();
    bindLet(body->text, *positional(expr, 1));
    ValueExprPtr value = convert(*last, conversion);
    leaveScope(mark);
    return value;
  }
  const Expr *where = keyword(expr, "where");
  if (!body || !where || where->kind != Expr::Kind::Dict)
    return opaque(expr, "'T.Let' without a body and names");
  const std::size_t mark = undo_.size();
  for (std::size_t i = 0; i + 1 < where->children.size(); i += 2)
    if (where->children[i]->kind == Expr::Kind::Name)
      bindLet(where->children[i]->text, *where->children[i + 1]);
  ValueExprPtr value = convert(*body, conversion);
  leaveScope(mark);
  return value;
}

/// `T.min_value("float32")` and `T.max_value`.
ValueExprPtr FunctionReader::convertLimit(const Expr &expr, std::string_view name) {
  const Expr *type = positional(expr, 0);
  const auto element = type ? typeNamed(*type) : std::nullopt;
  if (!element)
    return opaque(expr, "'T." + std::string(name) + "' without a type");
  const double lowest = lowestNumber(*element);
  const bool isSigned = element->kind != ElementType::Kind::UInt && lowest != 0;
  const double highest = isSigned ? -lowest : std::pow(2.0, element->bits) - 1;
  auto value = std::make_shared<ValueExpr>();
  value->elementType = *element;
  value->number = name == "min_value" ? lowest : highest;
  return value;
}

/// `T.Ramp(base, stride, 4)`: the integers from base on.
ValueExprPtr FunctionReader::convertRamp(const Expr &expr, Conversion &conversion) {
  const Expr *base = positional(expr, 0);
  const Expr *stride = positional(expr, 1);
  const Expr *lanes = positional(expr, 2);
  const auto count = lanes ? integerLiteral(*lanes) : std::nullopt;
  if (!count)
    return opaque(expr, "'T.Ramp' without a number of elements");
  ValueExprPtr step = convert(*stride, conversion);
  ValueExprPtr first = convert(*base, conversion);
  return binaryValue("+", std::move(first),
                     binaryValue("*", laneOf(*count, expr.range), std::move(step)));
}

/// `A[i:i + 4]` where an element is meant to stand: the lane's.
IndexExprPtr FunctionReader::convertSlice(const Expr &expr, Conversion &conversion) {
  const Expr *low = expr.children[0];
  const Expr *high = expr.children[1];
  const Expr *step = expr.children[2];
  const auto stride = step ? integerLiteral(*step) : 1;
  if (!low || !high || !stride || *stride < 1) {
    issue(expr.range, "an access to several elements at once");
    return indexOpaque(textOf(expr));
  }
  ValueExprPtr first = convert(*low, conversion);
  const auto length = constantDifference(convert(*high, conversion), first);
  const std::int64_t lanes = length ? (*length + *stride - 1) / *stride : 0;
  ValueExprPtr place =
      binaryValue("*", laneOf(lanes, expr.range), context_.nodes.indexValue(*stride));
  ValueExprPtr element = binaryValue("+", std::move(first), std::move(place));
  if (IndexExprPtr index = asIndex(element))
    return index;
  return indexOpaque(textOf(expr), std::move(element));
}

/// The elements of the vector that \p expr is; 1 of a number. None after an error in it.
std::optional<std::int64_t> FunctionReader::lanesOf(const Expr &expr) {
  const std::size_t issues = result_.issues.size(), errors = diagnostics_.errorCount();
  const auto outer = std::exchange(givenLane_, GivenLane{0, context_.nodes.indexValue(0)});
  Conversion dropped;
  convert(expr, dropped);
  const std::int64_t lanes = givenLane_->lanes;
  givenLane_ = outer;
  if (result_.issues.size() != issues || diagnostics_.errorCount() != errors)
    return std::nullopt;
  return std::max({lanes, lanesIn(expr), std::int64_t{1}});
}

/// `T.Shuffle([a, b], [1, 0])`: of the elements of all vectors and numbers that are listed, one
/// behind the other, those with these numbers.
ValueExprPtr FunctionReader::convertShuffle(const Expr &expr, Conversion &conversion) {
  const Expr *vectors = positional(expr, 0);
  const Expr *numbers = positional(expr, 1);
  const bool isListed = vectors && numbers && vectors->kind == Expr::Kind::List &&
                        numbers->kind == Expr::Kind::List && !numbers->children.empty();
  if (!isListed)
    return opaque(expr, "'T.Shuffle' without two lists");
  struct Element {
    const Expr *vector = nullptr;
    std::int64_t lanes = 1, lane = 0;
  };
  std::vector<Element> elements;
  constexpr std::size_t mostElements = 4096;
  for (const Expr *vector : vectors->children) {
    const auto lanes = lanesOf(*vector);
    if (!lanes)
      return opaque(expr, {});
    for (std::int64_t lane = 0; lane < *lanes && elements.size() < mostElements; ++lane)
      elements.push_back({vector, *lanes, lane});
  }
  const auto count = static_cast<std::int64_t>(numbers->children.size());
  const ValueExprPtr lane = count == 1 ? nullptr : laneOf(count, expr.range);
  std::vector<const Element *> chosen;
  for (const Expr *each : numbers->children) {
    const auto number = integerLiteral(*each);
    if (!number || *number < 0 || *number >= static_cast<std::int64_t>(elements.size()))
      return opaque(expr, "'T.Shuffle' with a number that is none of its elements");
    chosen.push_back(&elements[static_cast<std::size_t>(*number)]);
  }
  const auto take = [&](const Element &element, ValueExprPtr place) {
    const auto outer = std::exchange(givenLane_, GivenLane{element.lanes, std::move(place)});
    ValueExprPtr taken = convert(*element.vector, conversion);
    givenLane_ = outer;
    return taken;
  };
  // A part of one vector is read as that; else each element is one, so that none is read in vain.
  bool isPart = lane != nullptr;
  for (std::size_t i = 1; i < chosen.size(); ++i)
    isPart = isPart && chosen[i]->vector == chosen[0]->vector &&
             chosen[i]->lane == chosen[i - 1]->lane + 1;
  if (isPart)
    return take(*chosen[0], binaryValue("+", lane, context_.nodes.indexValue(chosen[0]->lane)));
  ValueExprPtr value;
  for (std::size_t i = chosen.size(); i-- > 0;) {
    conversion.conditions += lane ? 1 : 0;
    ValueExprPtr taken = take(*chosen[i], context_.nodes.indexValue(chosen[i]->lane));
    conversion.conditions -= lane ? 1 : 0;
    value = value ? valueNode(ValueExpr::Kind::Select, {},
                              {binaryValue("==", lane,
                                           context_.nodes.indexValue(static_cast<std::int64_t>(i))),
                               std::move(taken), std::move(value)})
                  : std::move(taken);
  }
  return value;
}

/// The load that \p expr is, in a form other than `A[i]`; null if it is none.
ValueExprPtr FunctionReader::convertAccess(const Expr &expr, std::string_view name,
                                           Conversion &conversion) {
  const Expr *type = positional(expr, name == "load" ? 0 : 1);
  if (!type)
    type = keyword(expr, "dtype");
  const auto vector = type ? vectorTypeNamed(*type) : std::nullopt;
  const Expr *access = nullptr;
  if (name == "load" && positional(expr, 2) && !positional(expr, 3))
    access = pointerAccess(*positional(expr, 1), *positional(expr, 2), expr.range);
  else if (name.empty())
    access = memberAccess(expr, ".vload", vector ? vector->lanes : 0);
  return access ? convertLoad(*access, conversion) : nullptr;
}

namespace {

/// `T.large_uint_imm("uint64", low, high)`: a number in two halves of 32 bits; none if \p expr is
/// no such.
std::optional<double> largeNumber(const Expr &expr) {
  const Expr *first = positional(expr, 0);
  const std::size_t begin = first && first->kind == Expr::Kind::String ? 1 : 0;
  const Expr *low = positional(expr, begin);
  const Expr *high = positional(expr, begin + 1);
  const auto lower = low ? integerLiteral(*low) : std::nullopt;
  const auto upper = high ? integerLiteral(*high) : std::nullopt;
  constexpr double half = 4294967296.0; // 2^32
  return lower && upper
             ? std::optional(static_cast<double>(*upper) * half + static_cast<double>(*lower))
             : std::nullopt;
}

} // namespace

ValueExprPtr FunctionReader::convertCall(const Expr &expr, Conversion &conversion) {
  std::string_view name = tirCallName(&expr);
  if (ValueExprPtr load =
          name.empty() || name == "load" ? convertAccess(expr, name, conversion) : nullptr)
    return load;
  if (name == "Cast" || name == "cast" || name == "reinterpret")
    return convertCast(expr, conversion);
  if (name == "Let" || name == "let")
    return convertLet(expr, conversion);
  if (name == "min_value" || name == "max_value")
    return convertLimit(expr, name);
  if (const auto fused = fusedMultiplyAdd(expr)) {
    ValueExprPtr left = convert(*(*fused)[0], conversion);
    ValueExprPtr product = binaryValue("*", std::move(left), convert(*(*fused)[1], conversion));
    return binaryValue("+", std::move(product), convert(*(*fused)[2], conversion));
  }
  if (name == "Ramp" || name == "ramp")
    return convertRamp(expr, conversion);
  if (name == "Shuffle")
    return convertShuffle(expr, conversion);
  if (const auto large = name == "large_uint_imm" ? largeNumber(expr) : std::nullopt) {
    auto value = std::make_shared<ValueExpr>();
    value->elementType = {ElementType::Kind::UInt, 64};
    value->number = *large;
    return value;
  }
  if ((name == "Broadcast" || name == "broadcast") && positional(expr, 0))
    return convert(*positional(expr, 0), conversion);
  if (name == "call_extern" || name == "call_pure_extern" || name == "call_llvm_pure_intrin" ||
      name == "call_llvm_intrin")
    return convertExternal(expr, conversion);
  std::vector<ValueExprPtr> operands;
  const Expr *first = positional(expr, 0);
  // `T.call_intrin("float32", "tir.exp", x)` is `T.exp(x)`.
  std::size_t firstOperand = 0;
  if (const Expr *callee = name == "call_intrin" ? positional(expr, 1) : nullptr) {
    name = callee->text.substr(callee->text.find('.') + 1);
    firstOperand = 2;
  }
  if (auto type = typeNamed(*expr.children[0]); type && first)
    return convertLiteral(*first, *type, conversion);
  MathName math = mathName(name);
  bool isSelect = name == "if_then_else" || name == "Select" || name == "where";
  if (math.form == MathForm::Unknown && !isSelect) {
    unknownName(expr.range, name, "'" + textOf(*expr.children[0]) + "'");
    return opaque(expr, {});
  }
  std::string spelling(math.spelling);
  bool isConditional = isSelect || spelling == "and" || spelling == "or";
  for (std::size_t i = 0; const Expr *operand : arguments(expr)) {
    if (operand->kind == Expr::Kind::Keyword || operand->kind == Expr::Kind::Star ||
        i++ < firstOperand)
      continue;
    const bool isUnder = isConditional && i != firstOperand + 1;
    conversion.conditions += isUnder ? 1 : 0;
    if (operand->kind != Expr::Kind::String)
      operands.push_back(convert(*operand, conversion));
    conversion.conditions -= isUnder ? 1 : 0;
  }
  if (operands.size() == 2)
    checkDivisor(expr, spelling, *operands[1], conversion);
  ValueExprPtr product = spelling == "q_multiply_shift"            ? multiplyShift(operands)
                         : spelling == "q_multiply_shift_per_axis" ? multiplyShiftPerAxis(operands)
                                                                   : nullptr;
  if (product)
    return product;
  if (isSelect && operands.size() == 3)
    return valueNode(ValueExpr::Kind::Select, {}, std::move(operands));
  if (math.form == MathForm::Function)
    return valueNode(ValueExpr::Kind::Unary, spelling, std::move(operands));
  if (math.form == MathForm::Comparison && operands.size() == (spelling == "not" ? 1 : 2))
    return valueNode(ValueExpr::Kind::Compare, spelling, std::move(operands));
  if (math.form == MathForm::Transparent && operands.size() == 1)
    return operands[0];
  if (math.form == MathForm::Operator && operands.size() == 2)
    return binaryValue(spelling, operands[0], operands[1]);
  return opaque(expr, "'T." + std::string(name) + "' with this number of arguments");
}

IndexExprPtr FunctionReader::toIndex(const Expr &expr, Conversion &conversion) {
  ValueExprPtr value = convert(expr, conversion);
  if (IndexExprPtr index = asIndex(value))
    return index;
  return indexOpaque(textOf(expr), std::move(value));
}

std::optional<Access> FunctionReader::readAccess(const Expr &expr, Conversion &conversion) {
  const Expr &base = expr.kind == Expr::Kind::Name ? expr : *expr.children[0];
  const NameMeaning *symbol = base.kind == Expr::Kind::Name ? find(base.text) : nullptr;
  if (base.kind == Expr::Kind::Name && !symbol)
    reportUndefined(base);
  else if (!symbol)
    issue(expr.range, "'" + textOf(expr) + "'");
  const std::shared_ptr<const BufferView> view = symbol ? symbol->view : nullptr;
  const bool isBuffer = symbol && (view || symbol->kind == NameMeaning::Kind::Buffer);
  // A name that was meant to be a buffer has been complained of where it is declared.
  if (symbol && !isBuffer && result_.issues.empty() && result_.isValid)
    issue(expr.range, "'" + textOf(expr) + "'");
  if (!isBuffer)
    return std::nullopt;
  Access access;
  access.tensor = view ? view->tensor : symbol->tensor;
  access.range = expr.range;
  const auto vectors = vectors_.find({access.tensor.isLocal, access.tensor.index});
  const std::int64_t ownLanes = vectors == vectors_.end() ? 0 : vectors->second;
  const std::int64_t lanes = view ? view->lanes : ownLanes;
  const std::size_t dimensions = view ? view->shape.size() : shapeOf(access.tensor).size();
  const std::size_t rank = dimensions - (lanes == 0 ? 0 : 1);
  if (arguments(expr).size() != rank) {
    if (result_.isValid)
      error(DiagnosticCode::TirWrongRank, expr.range, base.text, rank, arguments(expr).size());
    return std::nullopt;
  }
  for (const Expr *index : arguments(expr)) {
    const bool isSlice = index->kind == Expr::Kind::Slice;
    access.indices.push_back(isSlice ? convertSlice(*index, conversion)
                                     : toIndex(*index, conversion));
  }
  const bool isSeveral =
      lanes != 0 && lane_ && std::ranges::any_of(access.indices, [&](const auto &index) {
        bool usesLane = false;
        forEachAxis(*index,
                    [&](std::size_t variable) { usesLane = usesLane || variable == *lane_; });
        return usesLane;
      });
  if (isSeveral)
    issue(expr.range, "an access to several vectors at once");
  if (lanes != 0)
    access.indices.push_back(asIndex(laneOf(lanes, expr.range)));
  if (view)
    access.indices = throughView(*view, std::move(access.indices));
  addPrivateIndices(access);
  return access;
}

/// Of a buffer that each iteration of loops has for itself: which iteration it is stands first.
void FunctionReader::addPrivateIndices(Access &access) {
  const auto own =
      access.tensor.isLocal ? plan_.privates.find(access.tensor.index) : plan_.privates.end();
  if (own == plan_.privates.end())
    return;
  std::vector<IndexExprPtr> indices;
  for (const std::size_t variable : own->second.variables) {
    if (own->second.nest != nest_ || std::ranges::find(active_, variable) == active_.end())
      return issue(access.range, "a buffer that is used outside of its loop");
    indices.push_back(context_.nodes.axis(variable));
  }
  access.indices.insert(access.indices.begin(), indices.begin(), indices.end());
}

/// Where an element of \p view stands in the buffer behind it.
std::vector<IndexExprPtr> FunctionReader::throughView(const BufferView &view,
                                                      std::vector<IndexExprPtr> indices) const {
  const Shape &shape = shapeOf(view.tensor);
  if (view.begin.empty()) {
    IndexExprPtr flat = view.strides.empty() ? flatIndex(indices, view.shape) : indexConstant(0);
    for (std::size_t d = 0; d < view.strides.size(); ++d)
      flat = plus(flat, times(indices[d], view.strides[d]));
    return unflatten(view.offset ? plus(flat, view.offset) : flat, shape);
  }
  std::vector<IndexExprPtr> whole = view.begin;
  const std::size_t left = whole.size() - indices.size();
  for (std::size_t d = 0; d < indices.size(); ++d)
    whole[left + d] = plus(whole[left + d], std::move(indices[d]));
  return whole;
}

ValueExprPtr FunctionReader::convertLoad(const Expr &expr, Conversion &conversion) {
  auto access = readAccess(expr, conversion);
  if (!access)
    return opaque(expr, {});
  auto value = std::make_shared<ValueExpr>();
  value->kind = ValueExpr::Kind::Load;
  value->value = conversion.accesses.size();
  value->elementType = tensorOf(access->tensor).elementType;
  if (conversion.conditions == 0)
    conversion.certain.push_back(*access);
  conversion.accesses.push_back(std::move(*access));
  return value;
}

} // namespace acadlc::tir
