#include "frontend/network/GraphReader.h"
#include "frontend/relax/OperatorBuilder.h"
#include "frontend/tvmscript/Vocabulary.h"

#include <algorithm>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// \p expr over the parameters of \p lambda as axes; null if it is no arithmetic on whole numbers.
IndexExprPtr mappedIndex(const Expr &expr, const Expr &lambda) {
  if (const auto number = integerLiteral(expr))
    return indexConstant(*number);
  if (expr.kind == Expr::Kind::Name) {
    for (std::size_t i = 1; i < lambda.children.size(); ++i)
      if (lambda.children[i]->text == expr.text)
        return indexAxis(i - 1);
    return nullptr;
  }
  constexpr std::pair<std::string_view, IndexExpr::Kind> operators[] = {
      {"+", IndexExpr::Kind::Add},
      {"-", IndexExpr::Kind::Sub},
      {"*", IndexExpr::Kind::Mul},
      {"//", IndexExpr::Kind::FloorDiv},
      {"%", IndexExpr::Kind::FloorMod}};
  if (expr.kind != Expr::Kind::Binary)
    return nullptr;
  IndexExprPtr left = mappedIndex(*expr.children[0], lambda);
  IndexExprPtr right = left ? mappedIndex(*expr.children[1], lambda) : nullptr;
  for (const auto &[name, kind] : operators)
    if (right && name == expr.text)
      return indexBinary(kind, std::move(left), std::move(right));
  return nullptr;
}

/// The index map that \p expr is: a `lambda`, also within `T.index_map`.
std::optional<IndexMap> indexMapOf(const Expr &expr) {
  if (tirCallName(&expr) == "index_map")
    return positional(expr, 0) ? indexMapOf(*positional(expr, 0)) : std::nullopt;
  if (expr.kind != Expr::Kind::Lambda)
    return std::nullopt;
  IndexMap map;
  map.inputs = expr.children.size() - 1;
  const Expr *body = expr.children[0];
  const bool isList = body->kind == Expr::Kind::Tuple || body->kind == Expr::Kind::List;
  for (const Expr *item : isList ? body->children : std::span(&body, 1)) {
    IndexExprPtr index = mappedIndex(*item, expr);
    if (!index)
      return std::nullopt;
    map.outputs.push_back(std::move(index));
  }
  return map;
}

/// The type of a number that stands in the text, `R.prim_value(T.float32(1))`: as TVM reads it.
std::optional<ElementType> numberType(const Expr &expr) {
  if (relaxCallName(&expr) == "prim_value")
    return positional(expr, 0) ? numberType(*positional(expr, 0)) : std::nullopt;
  if (expr.kind == Expr::Kind::Float || expr.kind == Expr::Kind::Integer) {
    const bool isTyped = expr.range.end.raw() - expr.range.begin.raw() > expr.text.size();
    const bool isPlainInteger = expr.kind == Expr::Kind::Integer && !isTyped;
    return isPlainInteger ? ElementType{ElementType::Kind::Int, 64} : expr.elementType;
  }
  return std::nullopt;
}

} // namespace

/// Whether a tensor stands in arithmetic.
bool GraphReader::holdsTensor(const Expr &expr) {
  using Kind = GraphValue::Kind;
  if (expr.kind == Expr::Kind::Name) {
    const GraphValue *found = findValue(expr.text);
    return found && (found->kind == Kind::Tensor || found->kind == Kind::Constant);
  }
  if (expr.kind == Expr::Kind::Call || expr.kind == Expr::Kind::Subscript) {
    const std::string_view relax = relaxCallName(&expr);
    return expr.kind == Expr::Kind::Subscript
               ? holdsTensor(*expr.children[0])
               : !relax.empty() && relax != "shape" && relax != "prim_value";
  }
  return std::ranges::any_of(
      expr.children, [&](const Expr *child) { return child != nullptr && holdsTensor(*child); });
}

/// Whether the text says what a shape or number is: `R.shape([1, n])`, `(2, 2)`, `-1`, ….
bool GraphReader::isSizes(const Expr &expr) {
  if (integerLiteral(expr) || isHugeInteger(expr))
    return true;
  if (expr.kind == Expr::Kind::Unary)
    return isSizes(*expr.children[0]);
  if (expr.kind == Expr::Kind::Binary)
    return !holdsTensor(expr);
  if (isSizeArithmetic(expr))
    return std::ranges::all_of(arguments(expr), [&](const Expr *operand) {
      return operand->kind == Expr::Kind::String || isSizes(*operand);
    });
  const std::string_view relax = relaxCallName(&expr);
  if (relax == "shape" || relax == "prim_value")
    return positional(expr, 0) != nullptr && isSizes(*positional(expr, 0));
  if (expr.kind == Expr::Kind::Tuple || expr.kind == Expr::Kind::List)
    return std::ranges::all_of(expr.children, [&](const Expr *item) { return isSizes(*item); });
  if (expr.kind != Expr::Kind::Name)
    return false;
  if (const GraphValue *value = findValue(expr.text))
    return value->kind == GraphValue::Kind::Number || value->kind == GraphValue::Kind::Size;
  return sizeNames_.contains(expr.text) || sizeNamed(expr.text);
}

std::optional<OperatorArgument> GraphReader::sizesArgument(const Expr &expr) {
  const std::string_view relax = relaxCallName(&expr);
  if (relax == "shape" || relax == "prim_value")
    return sizesArgument(*positional(expr, 0));
  OperatorArgument argument;
  argument.isList = expr.kind == Expr::Kind::Tuple || expr.kind == Expr::Kind::List;
  argument.integers.emplace();
  const Expr *only = &expr;
  for (const Expr *item : argument.isList ? expr.children : std::span(&only, 1)) {
    const bool isWrapped = relaxCallName(item) == "prim_value";
    const auto size = evaluateSize(isWrapped ? *positional(*item, 0) : *item);
    if (!size)
      return std::nullopt;
    argument.integers->push_back(*size);
  }
  return argument;
}

/// Adds a tensor that an operator is given; false after an error.
bool GraphReader::addOperand(const GraphValue &value, const Expr &expr, OperatorCall &call,
                             std::vector<std::uint32_t> &tensors, OperatorArgument &argument) {
  std::uint32_t index = value.tensor;
  if (value.kind == GraphValue::Kind::Constant) {
    if (!value.constantType) {
      diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                          "a constant whose shape is not in the text (bind it to a name with its "
                          "type, or run LegalizeOps before printing)");
      return false;
    }
    index = addTensor(frame().prefix + "constant", value.constantType->shape,
                      value.constantType->elementType, TensorOrigin::Weight, expr.range);
  } else if (value.kind != GraphValue::Kind::Tensor) {
    return false;
  }
  const Tensor &tensor = workload_.tensors[index];
  if (value.constantNumber)
    call.numbers.emplace(call.tensors.size(), *value.constantNumber);
  argument.tensors.push_back(call.tensors.size());
  call.tensors.push_back({tensor.shape, tensor.elementType});
  tensors.push_back(index);
  return true;
}

/// What \p expr is to an operator; none after an error. Its tensors are added to \p call.
std::optional<OperatorArgument> GraphReader::operatorArgument(const Expr &expr,
                                                              const std::string &name,
                                                              OperatorCall &call,
                                                              std::vector<std::uint32_t> &tensors) {
  OperatorArgument argument;
  if (expr.kind == Expr::Kind::String || expr.kind == Expr::Kind::Constant) {
    argument.text = expr.text;
    return argument;
  }
  argument.map = indexMapOf(expr);
  if (argument.map || expr.kind == Expr::Kind::Lambda)
    return argument;
  argument.numberType = numberType(expr);
  argument.number = numberIn(expr);
  // A type: `R.dtype("float32")`.
  if (relaxCallName(&expr) == "dtype" && positional(expr, 0)) {
    argument.text = positional(expr, 0)->text;
    return argument;
  }
  // A number of TIR that counts nothing: `T.FloatImm("float32", 0.1)`.
  const bool isOtherNumber = !tirCallName(&expr).empty() && !isSizes(expr);
  if (expr.kind == Expr::Kind::Float || isOtherNumber)
    return argument;
  const bool isEmpty =
      (expr.kind == Expr::Kind::Tuple || expr.kind == Expr::Kind::List) && expr.children.empty();
  if (isEmpty || isSizes(expr)) {
    auto sizes = sizesArgument(expr);
    if (sizes) {
      sizes->numberType = argument.numberType;
      sizes->number = argument.number;
    }
    return sizes;
  }
  const GraphValue value = evaluate(expr, name);
  switch (value.kind) {
  case GraphValue::Kind::Unknown:
    return std::nullopt;
  case GraphValue::Kind::Tensor:
  case GraphValue::Kind::Constant:
    return addOperand(value, expr, call, tensors, argument) ? std::optional(argument)
                                                            : std::nullopt;
  case GraphValue::Kind::Number:
    argument.integers = Shape{value.number};
    return argument;
  case GraphValue::Kind::Size:
    argument.unread = value.unknownSize;
    return argument;
  case GraphValue::Kind::Memory:
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "memory that no function of this module has written");
    stopped_ = true;
    return std::nullopt;
  case GraphValue::Kind::Tuple:
    break;
  default:
    return argument;
  }
  argument.isList = true;
  if (value.elements->empty()) // `R.tuple()`
    argument.integers.emplace();
  bool hasOther = false;
  for (const GraphValue &element : *value.elements) {
    if (element.kind == GraphValue::Kind::Number) {
      if (!argument.integers)
        argument.integers.emplace();
      argument.integers->push_back(element.number);
    } else if (element.kind == GraphValue::Kind::Tensor ||
               element.kind == GraphValue::Kind::Constant) {
      if (!addOperand(element, expr, call, tensors, argument))
        return std::nullopt;
    } else if (element.kind == GraphValue::Kind::Unknown) {
      return std::nullopt;
    } else {
      hasOther = true;
      if (element.kind == GraphValue::Kind::Size)
        argument.unread = element.unknownSize;
    }
  }
  // A shape without one of its dimensions would be another shape.
  if (hasOther && argument.integers && !argument.unread)
    argument.unread.emplace();
  return argument;
}

/// Tells \p call the types that the binding of \p expr gives its results.
void GraphReader::readAnnotation(const Expr &expr, OperatorCall &call) {
  if (annotated_.value != &expr || !annotated_.type)
    return;
  const Expr *type = annotated_.type;
  call.annotatesTuple = relaxCallName(type) == "Tuple";
  for (const Expr *item : call.annotatesTuple ? arguments(*type) : std::span(&type, 1)) {
    const bool hasShape = relaxCallName(item) == "Tensor" && positional(*item, 0) &&
                          positional(*item, 0)->kind == Expr::Kind::Tuple;
    auto read = hasShape ? readTensorType(*item) : std::nullopt;
    if (!read)
      return call.annotated.clear();
    call.annotated.push_back(std::move(*read));
  }
}

/// Reports a number of \p argument that the operator needs and the text does not tell; false if
/// there is one.
bool GraphReader::checkNumbers(const OperatorArgument &argument, const Expr &expr) {
  if (!argument.unread)
    return true;
  if (argument.unread->empty())
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "the list '" + textOf(sources_, expr) +
                            "', of which not all are integers,");
  else
    reportSize(*argument.unread, expr.range);
  return false;
}

namespace {

/// `(data, pool_size, strides)`
std::string listed(const std::vector<std::string_view> &names) {
  std::string list;
  for (const std::string_view name : names)
    list += (list.empty() ? "(" : ", ") + std::string(name);
  return list + ")";
}

} // namespace

/// Reports what \p expr, a call of the operator \p relax, gives that the operator does not take, or
/// gives twice: it would be lost. False if there is such.
bool GraphReader::checkArguments(const Expr &expr, std::string_view relax) {
  const auto parameters = parametersOf(relax);
  if (!parameters)
    return true;
  const std::vector<std::string_view> &names = parameters->names;
  std::vector<bool> isGiven(names.size());
  bool isFine = true;
  const auto refused = [&](SourceRange range, const std::string &what) {
    isFine = false;
    return diagnostics_.report(DiagnosticCode::TirCallMismatch, range,
                               "'R." + std::string(relax) + "' takes " + listed(names) + ", " +
                                   what);
  };
  std::size_t count = 0; // of those without a name
  for (const Expr *given : arguments(expr)) {
    if (given->kind == Expr::Kind::Star)
      return true;
    std::size_t index = count;
    if (given->kind == Expr::Kind::Keyword) {
      const SourceRange name{
          given->range.begin,
          given->range.begin.advancedBy(static_cast<std::uint32_t>(given->text.size()))};
      if (std::ranges::find(parameters->elsewhere, given->text) != parameters->elsewhere.end())
        continue;
      index = static_cast<std::size_t>(std::ranges::find(names, given->text) - names.begin());
      if (index == names.size()) {
        DiagnosticBuilder report = refused(name, "not '" + std::string(given->text) + "'");
        if (const std::string_view near = mayGuess() ? nearestName(given->text, names) : "";
            !near.empty())
          report.fixIt(name, std::string(near));
        continue;
      }
    } else if (count++ == names.size()) {
      refused(given->range, "not " + std::to_string(arguments(expr).size()) + " arguments");
      break;
    }
    if (isGiven[index])
      refused(given->range, "and '" + std::string(names[index]) + "' is given twice");
    isGiven[index] = true;
  }
  return isFine;
}

/// The arguments of \p expr, a call of the operator \p relax. Tensors that are given by name may
/// stand in any order in the text; here they have that of the parameters.
std::vector<const Expr *> GraphReader::operatorArguments(const Expr &expr, std::string_view relax) {
  const auto given = arguments(expr);
  std::vector<const Expr *> inOrder(given.begin(), given.end());
  const auto isNamedTensor = [&](const Expr *argument) {
    return argument->kind == Expr::Kind::Keyword && holdsTensor(*argument->children[0]);
  };
  if (std::ranges::count_if(inOrder, isNamedTensor) < 2)
    return inOrder;
  if (const auto parameters = parametersOf(relax)) {
    const auto &names = parameters->names;
    const auto place = [&](const Expr *argument) {
      return argument->kind == Expr::Kind::Keyword
                 ? 1 + (std::ranges::find(names, argument->text) - names.begin())
                 : 0;
    };
    std::ranges::stable_sort(inOrder, {}, place);
  }
  return inOrder;
}

/// A call of an operator of Relax, `R.nn.conv2d(…)`.
GraphValue GraphReader::callOperator(const Expr &expr, std::string_view relax,
                                     const std::string &name) {
  if (!isKnownOperator(relax)) {
    if (operatorCount_++ == 0) {
      firstOperator_ = "R." + std::string(relax);
      firstOperatorRange_ = expr.children[0]->range;
    }
    return {};
  }
  OperatorCall call;
  call.name = relax;
  call.range = expr.range;
  if (isUnmodelledOperator(relax))
    readAnnotation(expr, call);
  std::vector<std::uint32_t> inputs;
  bool isComplete = true;
  for (const Expr *given : operatorArguments(expr, relax)) {
    const bool isKeyword = given->kind == Expr::Kind::Keyword;
    const Expr &content = isKeyword ? *given->children[0] : *given;
    auto argument = operatorArgument(content, name, call, inputs);
    const bool isRead = argument && checkNumbers(*argument, content);
    isComplete = isComplete && isRead;
    if (!isRead)
      continue;
    if (isKeyword)
      call.keywords[given->text] = std::move(*argument);
    else
      call.positional.push_back(std::move(*argument));
  }
  if (!isComplete)
    return {};
  // Of an argument that is given twice, the call knows the last alone.
  const bool knowsAll = call.positional.size() + call.keywords.size() == arguments(expr).size();
  auto key = knowsAll ? keyOf(call) : std::nullopt;
  if (OperatorFunction *known = key ? operatorCalled(*key) : nullptr)
    return addOperator(*known, false, name, inputs, expr.range);
  if (!checkArguments(expr, relax))
    return {};
  auto described = describeOperator(call);
  if (const auto *problem = std::get_if<std::string>(&described)) {
    diagnostics_.report(DiagnosticCode::TirCallMismatch, expr.range,
                        "'R." + std::string(relax) + "': " + *problem);
    return {};
  }
  auto &made = std::get<OperatorFunction>(described);
  if (!key)
    return addOperator(made, true, name, inputs, expr.range);
  return addOperator(remember(std::move(*key), std::move(made)), false, name, inputs, expr.range);
}

/// The function of the calls that \p key stands for; null if none has been read lately.
OperatorFunction *GraphReader::operatorCalled(const std::string &key) {
  const auto found = operators_.find(key);
  return found == operators_.end() ? nullptr : &found->second;
}

/// Keeps \p operation for further calls that \p key stands for.
OperatorFunction &GraphReader::remember(std::string key, OperatorFunction operation) {
  // Networks have few different operators; a text without equal ones is not to pay for all of its.
  constexpr std::size_t mostOperators = 1000;
  if (operators_.size() >= mostOperators)
    operators_.clear();
  return operators_.insert_or_assign(std::move(key), std::move(operation)).first->second;
}

namespace {

/// Everything in the function of an operator stands where its call does.
void place(Call &call, SourceRange range) {
  call.functionRange = range;
  for (Tensor &local : call.locals)
    local.range = range;
  for (Computation &computation : call.computations) {
    computation.range = range;
    for (Access &access : computation.accesses)
      access.range = range;
    if (!computation.body)
      continue;
    StageBody body = *computation.body;
    for (Access &access : body.accesses)
      access.range = range;
    for (auto *statements : {&body.init, &body.statements})
      for (StageStatement &statement : *statements)
        statement.written.range = range;
    computation.body = std::make_shared<const StageBody>(std::move(body));
  }
}

} // namespace

/// Adds a call of \p operation. \p isLast: it is not called again.
GraphValue GraphReader::addOperator(OperatorFunction &operation, bool isLast,
                                    const std::string &name,
                                    const std::vector<std::uint32_t> &inputs, SourceRange range) {
  const TensorOrigin origin = originOf(inputs);
  std::vector<std::uint32_t> outputs;
  FunctionTemplate &function = operation.function;
  const std::size_t count = function.parameters.size() - inputs.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor &tensor = function.parameters[inputs.size() + i].tensor;
    const std::string suffix = count == 1 ? "" : "[" + std::to_string(i) + "]";
    outputs.push_back(
        addTensor(frame().prefix + name + suffix, tensor.shape, tensor.elementType, origin, range));
  }
  if (count > 0) {
    if (!addCall(function, isLast, frame().prefix + name, inputs, outputs, range))
      return {};
    place(workload_.calls.back(), range);
  }
  std::vector<GraphValue> results;
  for (const OperatorResult &result : operation.results)
    results.push_back(
        GraphValue::ofTensor(result.isInput ? inputs[result.index] : outputs[result.index]));
  return operation.isTuple ? GraphValue::tuple(std::move(results)) : results.at(0);
}

/// Gives a constant whose value is not in the text the type that its binding says.
void GraphReader::setConstantType(const Stmt &stmt, GraphValue &value) {
  const bool isUntyped = value.kind == GraphValue::Kind::Constant && !value.constantType;
  const Expr *type = stmt.annotation;
  if (!isUntyped || relaxCallName(type) != "Tensor" ||
      !(positional(*type, 0) || keyword(*type, "shape")))
    return;
  if (auto said = readTensorType(*type))
    value = GraphValue::constant(std::move(*said));
}

/// Reports if the binding of an operator's result says that it has another type.
void GraphReader::checkAnnotation(const Stmt &stmt, const GraphValue &value) {
  const bool isChecked = value.kind == GraphValue::Kind::Tensor && stmt.annotation &&
                         relaxCallName(stmt.annotation) == "Tensor" &&
                         isKnownOperator(relaxCallName(stmt.value)) &&
                         positional(*stmt.annotation, 0) != nullptr &&
                         positional(*stmt.annotation, 0)->kind == Expr::Kind::Tuple;
  if (!isChecked)
    return;
  const auto said = readTensorType(*stmt.annotation);
  const Tensor &tensor = workload_.tensors[value.tensor];
  const TensorType made{tensor.shape, tensor.elementType};
  // Without an element type, `R.Tensor((1, 8))`, it is any.
  const bool saysElements = keyword(*stmt.annotation, "dtype") || positional(*stmt.annotation, 1);
  if (said && (said->shape != made.shape || (saysElements && *said != made)))
    diagnostics_.report(DiagnosticCode::TirCallMismatch, stmt.annotation->range,
                        "the result is " + describe(made) + ", not " + describe(*said));
}

} // namespace acadlc::tir
