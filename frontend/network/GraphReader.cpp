#include "frontend/network/GraphReader.h"

#include "frontend/tvmscript/Parser.h"
#include "frontend/tvmscript/SymbolicSizes.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>

namespace acadlc::tir {

using namespace workload;

GraphValue GraphReader::runFunction(const Function &function, std::vector<GraphValue> arguments,
                                    const std::string &prefix, SourceRange range,
                                    const GraphFrame *outer) {
  constexpr std::size_t deepest = 100;
  for (const auto &caller : frames_) {
    if (caller->function == &function || frames_.size() > deepest) {
      diagnostics_.report(DiagnosticCode::RecursiveGraphFunction, range, function.stmt->name);
      return {};
    }
  }
  if (arguments.size() != function.stmt->parameters.size()) {
    diagnostics_
        .report(DiagnosticCode::TirCallArity, range, function.stmt->name,
                function.stmt->parameters.size(), arguments.size())
        .note(function.stmt->nameRange, "the function is defined here");
    return {};
  }
  auto next = std::make_unique<GraphFrame>();
  next->function = &function;
  next->prefix = prefix;
  next->outer = outer;
  const bool isEntry = frames_.empty();
  frames_.push_back(std::move(next));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Parameter &parameter = function.stmt->parameters[i];
    if (!isEntry)
      bindSizes(arguments[i], parameter.annotation);
    frame().names[parameter.name] = std::move(arguments[i]);
  }
  runBody(function.stmt->body);
  if (!frame().result && !stopped_)
    diagnostics_.report(DiagnosticCode::GraphUnsupported, function.stmt->nameRange,
                        "a function without 'return'");
  GraphValue result = frame().result.value_or(GraphValue{});
  // A function that is returned, perhaps deep in a tuple, goes on to see the names around it.
  if (!frame().functions.empty())
    keptFrames_.push_back(std::move(frames_.back()));
  frames_.pop_back();
  return result;
}

void GraphReader::runBody(std::span<const Stmt *const> body) {
  for (const Stmt *stmt : body) {
    if (stopped_)
      return;
    runStatement(*stmt);
  }
}

void GraphReader::runStatement(const Stmt &stmt) {
  // Functions are inlined, so a short text can mean very many calls.
  constexpr std::size_t mostStatements = 1'000'000;
  if (++statementCount_ > mostStatements) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, stmt.range, "the number of statements");
    stopped_ = true;
    return;
  }
  switch (stmt.kind) {
  case Stmt::Kind::Expression:
    return runExpression(stmt);
  case Stmt::Kind::Assign:
  case Stmt::Kind::AnnotatedAssign:
    return runAssignment(stmt);
  case Stmt::Kind::Return:
    if (stmt.value)
      frame().result = evaluate(*stmt.value, "result");
    return;
  case Stmt::Kind::With:
    if (relaxCallName(stmt.value) != "dataflow")
      diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.range, "this 'with' statement");
    return runBody(stmt.body);
  case Stmt::Kind::If:
    diagnostics_.report(DiagnosticCode::GraphControlFlow, stmt.range, "'if'");
    frame().result = GraphValue{};
    for (const Stmt *link = &stmt; link; link = link->elseIf()) {
      forgetAssigned(link->body);
      forgetAssigned(link->orElse);
    }
    return;
  case Stmt::Kind::For:
  case Stmt::Kind::While:
    diagnostics_.report(DiagnosticCode::GraphControlFlow, stmt.range, "a loop");
    return;
  case Stmt::Kind::Function: {
    const Function function = functionOf(stmt);
    if (function.isRelax) {
      frame().functions.insert_or_assign(stmt.name, function);
      return;
    }
    [[fallthrough]];
  }
  case Stmt::Kind::Class:
    diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.nameRange,
                        "a definition inside a function");
    return;
  case Stmt::Kind::Other:
    return;
  }
}

/// Makes what \p body assigns known by name alone, after an error that says why.
void GraphReader::forgetAssigned(std::span<const Stmt *const> body) {
  for (const Stmt *stmt : body)
    for (const Expr *target : stmt->targets)
      if (target->kind == Expr::Kind::Name)
        frame().names.emplace(target->text, GraphValue{});
}

void GraphReader::runExpression(const Stmt &stmt) {
  std::string_view name = relaxCallName(stmt.value);
  bool isIgnored = name == "func_attr" || name == "output" ||
                   stmt.value->kind == Expr::Kind::String ||
                   stmt.value->kind == Expr::Kind::Constant;
  if (!isIgnored)
    evaluate(*stmt.value, "value");
}

void GraphReader::bindName(const Expr &target, GraphValue value) {
  auto [entry, isNew] = frame().names.emplace(target.text, value);
  if (isNew)
    return;
  if (target.text != "_" && value.kind != GraphValue::Kind::Module)
    diagnostics_.report(DiagnosticCode::TirReboundName, target.range, target.text);
  entry->second = std::move(value);
}

void GraphReader::runAssignment(const Stmt &stmt) {
  if (!stmt.value)
    return;
  const Expr &first = *stmt.targets[0];
  if (stmt.targets.size() > 1 && stmt.value->kind == Expr::Kind::Tuple &&
      stmt.value->children.size() == stmt.targets.size())
    return assignEach(stmt);
  annotated_ = {stmt.value, stmt.annotation};
  GraphValue value = evaluate(*stmt.value, std::string(first.text));
  setConstantType(stmt, value);
  checkAnnotation(stmt, value);
  if (stmt.targets.size() == 1) {
    if (first.kind == Expr::Kind::Name)
      return bindName(first, std::move(value));
    diagnostics_.report(DiagnosticCode::GraphUnsupported, first.range, "this target");
    return;
  }
  bool fits =
      value.kind == GraphValue::Kind::Tuple && value.elements->size() == stmt.targets.size();
  for (std::size_t i = 0; i < stmt.targets.size(); ++i)
    if (stmt.targets[i]->kind == Expr::Kind::Name)
      bindName(*stmt.targets[i], fits ? (*value.elements)[i] : GraphValue{});
  if (!fits && value.kind != GraphValue::Kind::Unknown)
    diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.range,
                        "an assignment to several names");
}

/// `n, m = T.int64(), T.int64()`: each name has a value of its own.
void GraphReader::assignEach(const Stmt &stmt) {
  std::vector<GraphValue> values;
  for (std::size_t i = 0; i < stmt.targets.size(); ++i)
    values.push_back(evaluate(*stmt.value->children[i], std::string(stmt.targets[i]->text)));
  for (std::size_t i = 0; i < stmt.targets.size(); ++i)
    if (stmt.targets[i]->kind == Expr::Kind::Name)
      bindName(*stmt.targets[i], std::move(values[i]));
}

/// What \p name stands for here or, in a function inside another, around it; null if nothing.
const GraphValue *GraphReader::findValue(std::string_view name) {
  for (const GraphFrame *each = innermost(); each; each = each->outer)
    if (const auto found = each->names.find(name); found != each->names.end())
      return &found->second;
  return nullptr;
}

/// The function that \p name alone stands for: a value, one inside the function that is being read,
/// or one of the module; none if it stands for something else.
std::optional<GraphValue> GraphReader::functionNamed(std::string_view name) {
  if (const GraphValue *value = findValue(name)) {
    const bool isFunction =
        value->kind == GraphValue::Kind::Function || value->kind == GraphValue::Kind::External;
    return isFunction ? std::optional(*value) : std::nullopt;
  }
  const GraphFrame *where = nullptr;
  if (const Function *local = localFunction(name, where))
    return GraphValue::ofFunction(*local, where);
  const auto found = functionNames_.find(name);
  if (found == functionNames_.end())
    return std::nullopt;
  found->second->isReached = true;
  return GraphValue::ofFunction(*found->second);
}

/// The member of the module that \p expr, `cls.f`, names if it is a function outside of the text.
const Expr *GraphReader::externalMember(const Expr &expr) {
  const auto found = expr.kind == Expr::Kind::DottedName
                         ? externals_.find(expr.text.substr(expr.text.find('.') + 1))
                         : externals_.end();
  const std::string_view base = expr.text.substr(0, expr.text.find('.'));
  const GraphValue *value = found == externals_.end() ? nullptr : findValue(base);
  const bool isModule =
      value ? value->kind == GraphValue::Kind::Module : classNames_.contains(base);
  return isModule && found != externals_.end() ? found->second : nullptr;
}

/// The function that \p expr is, where one is meant; Unknown after an error if it is none.
GraphValue GraphReader::functionValue(const Expr &expr) {
  if (expr.kind == Expr::Kind::Name)
    if (auto named = functionNamed(expr.text))
      return std::move(*named);
  if (const Expr *external = externalMember(expr))
    return GraphValue::ofExternal(*external);
  Function *function = calleeOf(expr);
  if (!function)
    return {};
  function->isReached = true;
  return GraphValue::ofFunction(*function);
}

/// The value of a symbolic size of the function that is being read, else the one that the user
/// gave; null if there is none.
const std::int64_t *GraphReader::sizeNamed(std::string_view name) {
  for (const GraphFrame *each = innermost(); each; each = each->outer)
    if (const auto found = each->sizes.find(name); found != each->sizes.end())
      return &found->second;
  const auto given = symbols_.find(name);
  return given == symbols_.end() ? nullptr : &given->second;
}

GraphValue GraphReader::evaluateName(std::string_view name, SourceRange range) {
  if (const GraphValue *found = findValue(name)) {
    const bool isWritten = found->kind == GraphValue::Kind::Memory && found->allocation->tensor;
    return isWritten ? GraphValue::ofTensor(*found->allocation->tensor) : *found;
  }
  if (classNames_.contains(name))
    return GraphValue::of(GraphValue::Kind::Module);
  if (auto function = sizeNames_.contains(name) ? std::nullopt : functionNamed(name);
      function && function->function && function->function->isRelax)
    return std::move(*function);
  const GraphValue size = declaredSize(name);
  if (size.kind != GraphValue::Kind::Other)
    return size;
  if (!reportedNames_.emplace(name).second)
    return {};
  std::vector<std::string_view> known;
  if (innermost() && mayGuess())
    for (const auto &[other, value] : frame().names)
      known.push_back(other);
  std::sort(known.begin(), known.end());
  DiagnosticBuilder report = diagnostics_.report(DiagnosticCode::TirUndefinedName, range, name);
  if (std::string_view near = nearestName(name, known); !near.empty())
    report.fixIt(range, std::string(near));
  return {};
}

/// Value of an expression; \p name is that of the binding, for calls that it makes.
GraphValue GraphReader::evaluate(const Expr &expr, const std::string &name) {
  switch (expr.kind) {
  case Expr::Kind::Name:
    return evaluateName(expr.text, expr.range);
  case Expr::Kind::DottedName:
    return evaluateMember(expr);
  case Expr::Kind::Tuple:
  case Expr::Kind::List: {
    std::vector<GraphValue> elements;
    for (const Expr *element : expr.children)
      elements.push_back(evaluate(*element, name));
    return GraphValue::tuple(std::move(elements));
  }
  case Expr::Kind::Subscript:
    return evaluateItem(expr, name);
  case Expr::Kind::Call:
    return evaluateCall(expr, name);
  case Expr::Kind::Integer:
    if (auto number = integerLiteral(expr))
      return GraphValue::ofNumber(*number);
    return GraphValue::of(GraphValue::Kind::Other);
  default:
    if (!holdsTensor(expr)) {
      const bool isArithmetic = expr.kind == Expr::Kind::Unary || expr.kind == Expr::Kind::Binary;
      return isArithmetic ? sizeValue(expr) : GraphValue::of(GraphValue::Kind::Other);
    }
    return evaluateArithmetic(expr, name);
  }
}

namespace {

/// The operator that Relax makes of Python's on tensors; empty if it makes none.
std::string_view operatorOf(const Expr &expr) {
  using Spelling = std::pair<std::string_view, std::string_view>;
  constexpr Spelling binary[] = {{"+", "add"},     {"-", "subtract"},      {"*", "multiply"},
                                 {"/", "divide"},  {"//", "floor_divide"}, {"%", "floor_mod"},
                                 {"**", "power"},  {"<", "less"},          {"<=", "less_equal"},
                                 {">", "greater"}, {">=", "greater_equal"}};
  if (expr.kind == Expr::Kind::Unary)
    return expr.text == "-" ? "negative" : std::string_view();
  const auto found = std::ranges::find(binary, expr.text, &Spelling::first);
  return expr.kind == Expr::Kind::Binary && found != std::end(binary) ? found->second
                                                                      : std::string_view();
}

} // namespace

/// `a + b` on tensors is `R.add(a, b)`.
GraphValue GraphReader::evaluateArithmetic(const Expr &expr, const std::string &name) {
  const std::string_view relax = operatorOf(expr);
  if (relax.empty() || !isKnownOperator(relax)) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "arithmetic on tensors, '" + textOf(sources_, expr) +
                            "' instead of an operator like R.add(a, b),");
    return {};
  }
  std::vector<const Expr *> parts{&expr};
  parts.insert(parts.end(), expr.children.begin(), expr.children.end());
  auto *call = tree_.make<Expr>();
  call->kind = Expr::Kind::Call;
  call->range = expr.range;
  call->children = tree_.list(parts);
  return callOperator(*call, relax, name);
}

/// `cls.f` where no call is meant: the function itself, if it is one of the graph.
GraphValue GraphReader::evaluateMember(const Expr &expr) {
  if (const Expr *external = externalMember(expr))
    return GraphValue::ofExternal(*external);
  const std::size_t dot = expr.text.find('.');
  const std::string_view base = expr.text.substr(0, dot);
  const GraphValue *value = findValue(base);
  const bool isModule =
      value ? value->kind == GraphValue::Kind::Module : classNames_.contains(base);
  const auto found = functionNames_.find(expr.text.substr(dot + 1));
  const bool isFunction = isModule && found != functionNames_.end() && found->second->isRelax;
  if (!isFunction)
    return GraphValue::of(GraphValue::Kind::Other);
  found->second->isReached = true;
  return GraphValue::ofFunction(*found->second);
}

/// `t[1]`, also as `R.TupleGetItem(t, 1)`.
GraphValue GraphReader::evaluateItem(const Expr &expr, const std::string &name) {
  const bool isCall = expr.kind == Expr::Kind::Call;
  const Expr *base = isCall ? positional(expr, 0) : expr.children[0];
  const Expr *place = isCall ? positional(expr, 1) : nullptr;
  if (!isCall && expr.children.size() == 2)
    place = expr.children[1];
  // metadata["relax.expr.Constant"][i]: the value of a constant that the text does not show.
  if (base->kind == Expr::Kind::Subscript && base->children[0]->isName("metadata"))
    return GraphValue::of(GraphValue::Kind::Constant);
  GraphValue value = evaluate(*base, name);
  const std::int64_t index = place ? integerLiteral(*place).value_or(-1) : -1;
  if (value.kind == GraphValue::Kind::Unknown)
    return {};
  if (value.kind == GraphValue::Kind::Tuple && index >= 0 &&
      index < static_cast<std::int64_t>(value.elements->size()))
    return (*value.elements)[static_cast<std::size_t>(index)];
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'" + textOf(sources_, expr) + "'");
  return {};
}

GraphValue GraphReader::evaluateCall(const Expr &expr, const std::string &name) {
  if (auto number = integerLiteral(expr))
    return GraphValue::ofNumber(*number);
  std::string_view relax = relaxCallName(&expr);
  if (!relax.empty())
    return evaluateRelax(expr, relax, name);
  // `n = T.int64()` declares a symbolic size; its name is known from the whole text.
  if (declaresSize(expr))
    return declaredSize(name);
  const bool isNumber =
      isSizeArithmetic(expr) || typeNamed(*expr.children[0]) || tirCallName(&expr) == "FloatImm";
  if (isNumber)
    return sizeValue(expr);
  // Where a tensor lies: `I.vdevice({…}, 0)`.
  if (moduleName(*expr.children[0]) == "vdevice")
    return GraphValue::of(GraphValue::Kind::Other);
  const Expr &callee = *expr.children[0];
  if ((callee.kind == Expr::Kind::DottedName && tirName(callee).empty()) ||
      (callee.kind == Expr::Kind::Name && functionNamed(callee.text)))
    return callFunction(expr, name);
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'" + textOf(sources_, *expr.children[0]) + "'");
  return {};
}

std::optional<double> numberIn(const Expr &expr) {
  if (relaxCallName(&expr) == "prim_value")
    return positional(expr, 0) ? numberIn(*positional(expr, 0)) : std::nullopt;
  if (const auto integer = integerLiteral(expr))
    return static_cast<double>(*integer);
  if (expr.kind == Expr::Kind::Float)
    return parseFloat(expr.text);
  // `T.FloatImm("float32", 0.1)`
  if (tirCallName(&expr) == "FloatImm" || tirCallName(&expr) == "IntImm")
    return positional(expr, 1) ? numberIn(*positional(expr, 1)) : std::nullopt;
  if (expr.kind == Expr::Kind::Unary && expr.text == "-") {
    const auto number = numberIn(*expr.children[0]);
    return number ? std::optional(-*number) : std::nullopt;
  }
  return std::nullopt;
}

namespace {

/// The number that \p expr is in `R.const`: also `"inf"`, `float("inf")` and `True`.
std::optional<double> constantNumberIn(const Expr &expr) {
  if (const auto number = numberIn(expr))
    return number;
  if (expr.kind == Expr::Kind::Constant && (expr.text == "True" || expr.text == "False"))
    return expr.text == "True" ? 1 : 0;
  if (expr.kind == Expr::Kind::String || expr.kind == Expr::Kind::Name)
    return parseFloat(expr.text);
  const bool isCast = expr.kind == Expr::Kind::Call && expr.children[0]->kind == Expr::Kind::Name &&
                      expr.children[0]->text == "float" && positional(expr, 0);
  if (isCast)
    return constantNumberIn(*positional(expr, 0));
  if (expr.kind == Expr::Kind::Unary && expr.text == "-") {
    const auto number = constantNumberIn(*expr.children[0]);
    return number ? std::optional(-*number) : std::nullopt;
  }
  return std::nullopt;
}

/// The element type of `R.const(2)`, which names none: that which TVM gives such a number.
std::optional<ElementType> usualTypeOf(const Expr &value) {
  if (integerLiteral(value))
    return ElementType{ElementType::Kind::Int, 32};
  if (value.kind == Expr::Kind::Constant && constantNumberIn(value))
    return ElementType{ElementType::Kind::Bool, 1};
  return numberIn(value) ? std::optional(ElementType{ElementType::Kind::Float, 32}) : std::nullopt;
}

} // namespace

/// `R.const(0.5, "float32")`: the text shows the shape of numbers and of lists of numbers.
GraphValue GraphReader::evaluateConstant(const Expr &expr) {
  const Expr *value = positional(expr, 0);
  const Expr *type = positional(expr, 1);
  if (!type)
    type = keyword(expr, "dtype");
  if (!value)
    return GraphValue::of(GraphValue::Kind::Constant);
  const auto element = type ? typeNamed(*type) : usualTypeOf(*value);
  if (!element)
    return GraphValue::of(GraphValue::Kind::Constant);
  TensorType constant{{}, *element};
  while (value->kind == Expr::Kind::List) {
    constant.shape.push_back(static_cast<std::int64_t>(value->children.size()));
    if (value->children.empty())
      break;
    value = value->children[0];
  }
  const bool isNumber = constant.shape.empty();
  GraphValue result = GraphValue::constant(std::move(constant));
  if (isNumber)
    result.constantNumber = constantNumberIn(*value);
  return result;
}

/// Gives the sizes of the function that is being entered the values that one of its arguments
/// tells: a dimension of \p type that is a plain name is what \p value has there.
void GraphReader::bindSizes(const GraphValue &value, const Expr *type) {
  const std::string_view kind = relaxCallName(type);
  if (kind == "Tuple" && value.kind == GraphValue::Kind::Tuple) {
    for (std::size_t i = 0; i < value.elements->size(); ++i)
      if (const Expr *element = positional(*type, i))
        bindSizes((*value.elements)[i], element);
    return;
  }
  if (kind == "Prim" && value.kind == GraphValue::Kind::Number) {
    if (const Expr *number = keyword(*type, "value"))
      bindSize(*number, value.number);
    return;
  }
  const Expr *shape = kind == "Tensor" || kind == "Shape" ? positional(*type, 0) : nullptr;
  const bool isList =
      shape && (shape->kind == Expr::Kind::Tuple || shape->kind == Expr::Kind::List);
  if (!isList)
    return;
  // The dimensions of a shape that have a value are known even if others have none.
  if (value.kind == GraphValue::Kind::Tuple && value.elements->size() == shape->children.size()) {
    for (std::size_t d = 0; d < value.elements->size(); ++d) {
      const GraphValue &element = (*value.elements)[d];
      const std::string_view name = plainSize(*shape->children[d]);
      if (element.kind == GraphValue::Kind::Number)
        bindSize(*shape->children[d], element.number);
      else if (element.kind == GraphValue::Kind::Size && !name.empty())
        frame().missingSizes.emplace(name, element.unknownSize);
    }
    return;
  }
  const std::optional<Shape> extents = extentsOf(value);
  if (!extents || extents->size() != shape->children.size())
    return;
  for (std::size_t d = 0; d < extents->size(); ++d)
    bindSize(*shape->children[d], (*extents)[d]);
}

/// Makes \p dimension, if it is a size without a value yet, what an argument or a cast says.
void GraphReader::bindSize(const Expr &dimension, std::int64_t extent) {
  const std::string_view name = plainSize(dimension);
  if (name.empty() || frame().sizes.contains(name))
    return;
  frame().sizes.emplace(name, extent);
  if (const auto found = frame().names.find(name); found != frame().names.end())
    found->second = GraphValue::ofNumber(extent);
}

/// The shape of a tensor, or the numbers of a shape; none if \p value is neither.
std::optional<Shape> GraphReader::extentsOf(const GraphValue &value) const {
  if (value.kind == GraphValue::Kind::Tensor)
    return workload_.tensors[value.tensor].shape;
  if (value.kind != GraphValue::Kind::Tuple)
    return std::nullopt;
  Shape extents;
  for (const GraphValue &element : *value.elements) {
    if (element.kind != GraphValue::Kind::Number)
      return std::nullopt;
    extents.push_back(element.number);
  }
  return extents;
}

/// `R.match_cast(x, R.Tensor(("m", 4), …))` gives m the extent that x has.
void GraphReader::matchCast(const GraphValue &value, const Expr &type) {
  const std::string_view kind = relaxCallName(&type);
  const Expr *shape = kind == "Tensor" || kind == "Shape" ? positional(type, 0) : nullptr;
  const auto extents = extentsOf(value);
  const bool isList =
      shape && (shape->kind == Expr::Kind::Tuple || shape->kind == Expr::Kind::List);
  if (!extents || !isList)
    return;
  if (extents->size() != shape->children.size()) {
    diagnostics_.report(DiagnosticCode::TirCallMismatch, type.range,
                        "the tensor has " + std::to_string(extents->size()) +
                            " dimensions, this type " + std::to_string(shape->children.size()));
    return;
  }
  for (std::size_t d = 0; d < extents->size(); ++d)
    matchSize(*shape->children[d], (*extents)[d]);
}

void GraphReader::matchSize(const Expr &dimension, std::int64_t extent) {
  const std::string_view name = plainSize(dimension);
  // What the user says of a size holds in the entry.
  const bool isKnown = frame().sizes.contains(name) || (frames_.size() == 1 && sizeNamed(name));
  if (!name.empty() && !isKnown)
    return bindSize(dimension, extent);
  const auto said = evaluateSize(dimension);
  if (said && *said != extent)
    diagnostics_.report(DiagnosticCode::TirCallMismatch, dimension.range,
                        "the extent is " + std::to_string(extent) + ", not " +
                            std::to_string(*said));
}

/// Reports that \p expr can't be read and ends the reading: other forms of its kind would say the
/// same.
GraphValue GraphReader::refuse(const Expr &expr, std::string_view remedy) {
  const Expr &what = expr.kind == Expr::Kind::Call ? *expr.children[0] : expr;
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'" + textOf(sources_, what) + "' (" + std::string(remedy) + ")");
  stopped_ = true;
  return {};
}

GraphValue GraphReader::evaluateRelax(const Expr &expr, std::string_view relax,
                                      const std::string &name) {
  // What computes gradients is not called.
  if (relax == "call_tir" || relax == "call_tir_inplace" || relax == "call_tir_with_grad")
    return callTir(expr, name);
  if (relax == "const")
    return evaluateConstant(expr);
  if (relax == "tuple") {
    std::vector<GraphValue> elements;
    for (const Expr *element : arguments(expr))
      elements.push_back(evaluate(*element, name));
    return GraphValue::tuple(std::move(elements));
  }
  const Expr *first = positional(expr, 0);
  if (relax == "TupleGetItem" && first)
    return evaluateItem(expr, name);
  if (relax == "match_cast" && first) {
    GraphValue value = evaluate(*first, name);
    if (const Expr *type = positional(expr, 1))
      matchCast(value, *type);
    return value;
  }
  if (relax == "prim_value" && first)
    return sizeValue(*first);
  const bool isList =
      first && (first->kind == Expr::Kind::List || first->kind == Expr::Kind::Tuple);
  if (relax == "shape" && isList) {
    std::vector<GraphValue> sizes;
    for (const Expr *size : first->children)
      sizes.push_back(sizeValue(*size));
    return GraphValue::tuple(std::move(sizes));
  }
  if (relax == "shape_of" && first) {
    const GraphValue value = evaluate(*first, name);
    const auto extents = extentsOf(value);
    if (!extents)
      return value.kind == GraphValue::Kind::Unknown ? GraphValue{}
                                                     : GraphValue::of(GraphValue::Kind::Other);
    std::vector<GraphValue> sizes;
    for (const std::int64_t extent : *extents)
      sizes.push_back(GraphValue::ofNumber(extent));
    return GraphValue::tuple(std::move(sizes));
  }
  if (relax == "ExternFunc")
    return GraphValue::ofExternal(expr);
  if (relax == "prim_value" || relax == "shape" || relax == "str" || relax == "dtype" ||
      relax == "null_value" || relax == "print" || relax == "assert_op" || relax == "device" ||
      relax == "cpu" || relax == "cuda")
    return GraphValue::of(GraphValue::Kind::Other);
  if (relax == "call_dps_packed" || relax == "call_pure_packed" || relax == "call_packed" ||
      relax == "call_inplace_packed" || relax == "call_builtin_with_ctx" || relax == "call_py_func")
    return callExternal(expr, relax, name);
  if (relax == "make_closure" || relax == "invoke_closure" || relax == "invoke_pure_closure")
    return evaluateClosure(expr, relax == "make_closure", name);
  // A shape whose numbers only the binding, or a cast that follows, can say.
  if (relax == "tensor_to_shape" && first)
    return evaluate(*first, name).kind == GraphValue::Kind::Unknown
               ? GraphValue{}
               : shapeSaid(annotated_.value == &expr ? annotated_.type : nullptr);
  if (!isKnownOperator(relax) &&
      (relax.starts_with("memory.") || relax.starts_with("builtin.") || relax.starts_with("vm.")))
    return evaluateMemory(expr, relax, name);
  if (relax.starts_with("dist.") && !isKnownOperator(relax))
    return refuse(expr, distributedRemedy);
  if (!isKnownOperator(relax) && (relax.starts_with("call_") || relax == "inline_private"))
    return refuse(expr, "print the module before the pass that makes it");
  return callOperator(expr, relax, name);
}

} // namespace acadlc::tir
