#include "frontend/network/GraphReader.h"
#include "frontend/tvmscript/Parser.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace acadlc::tir {

using namespace workload;

/// The function called \p name that is defined inside the one that is being read, or around it;
/// \p where: the frame that holds it. Null if there is none.
const Function *GraphReader::localFunction(std::string_view name, const GraphFrame *&where) const {
  for (const GraphFrame *each = innermost(); each; each = each->outer) {
    const auto found = each->functions.find(name);
    if (found == each->functions.end())
      continue;
    where = each;
    return &found->second;
  }
  return nullptr;
}

namespace {

/// Whether \p expr is `I.GlobalVar("f")`.
bool isGlobalVar(const Expr &expr) {
  return expr.kind == Expr::Kind::Call && moduleName(*expr.children[0]) == "GlobalVar";
}

} // namespace

/// The function that `cls.f` names, after an error if there is none.
Function *GraphReader::calleeOf(const Expr &expr) {
  // Texts by hand also name the function alone.
  if (expr.kind == Expr::Kind::Name && !frame().names.contains(expr.text))
    if (auto found = functionNames_.find(expr.text); found != functionNames_.end())
      return found->second;
  if (const Expr *quoted = isGlobalVar(expr) ? positional(expr, 0) : nullptr) {
    if (auto found = functionNames_.find(quoted->text); found != functionNames_.end())
      return found->second;
    diagnostics_.report(DiagnosticCode::TirUnknownCallee, quoted->range, quoted->text);
    return nullptr;
  }
  const std::size_t dot = expr.text.find('.');
  const bool isMember =
      expr.kind == Expr::Kind::DottedName && expr.text.find('.', dot + 1) == std::string_view::npos;
  if (!isMember) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "the callee '" + textOf(sources_, expr) + "'");
    return nullptr;
  }
  const std::string_view callee = expr.text.substr(dot + 1);
  GraphValue module = evaluateName(expr.text.substr(0, dot), expr.range);
  if (module.kind == GraphValue::Kind::Unknown)
    return nullptr;
  auto found = functionNames_.find(callee);
  if (module.kind == GraphValue::Kind::Module && found != functionNames_.end())
    return found->second;
  std::vector<std::string_view> known;
  if (mayGuess())
    for (const auto &function : functions_)
      known.push_back(function->stmt->name);
  SourceLocation end = expr.range.end;
  SourceRange name{SourceLocation::fromRaw(end.raw() - static_cast<std::uint32_t>(callee.size())),
                   end};
  DiagnosticBuilder report = diagnostics_.report(DiagnosticCode::TirUnknownCallee, name, callee);
  if (std::string_view near = nearestName(callee, known); !near.empty())
    report.fixIt(name, std::string(near));
  return nullptr;
}

FunctionTemplate &GraphReader::templateOf(const Function &function,
                                          const std::vector<std::optional<Shape>> &shapes,
                                          const std::vector<std::optional<std::int64_t>> &scalars) {
  std::string name(function.stmt->name);
  auto plain = templates_.find(name);
  if (plain != templates_.end())
    return *plain->second;
  // A function with symbolic sizes means something else for every shape of its arguments.
  std::string key = name + "\n";
  for (const auto &shape : shapes) {
    for (std::int64_t extent : shape.value_or(Shape{}))
      key += std::to_string(extent) + ",";
    key += ";";
  }
  for (const auto &scalar : scalars)
    key += scalar ? std::to_string(*scalar) + "," : "?,";
  auto known = templates_.find(key);
  if (known != templates_.end())
    return *known->second;
  auto read = std::make_unique<FunctionTemplate>(
      readFunction(*function.stmt, context(shapes, scalars), diagnostics_));
  std::unique_ptr<FunctionTemplate> &stored = templates_[read->usesArgumentShapes ? key : name];
  stored = std::move(read);
  return *stored;
}

void GraphReader::forget(const Function &function, const FunctionTemplate &callee) {
  checked_.erase(&callee);
  templates_.erase(std::string(function.stmt->name));
}

/// Reports once what \p callee holds without meaning; false if there is such.
bool GraphReader::checkTemplate(const FunctionTemplate &callee, SourceRange callRange) {
  if (!checked_.insert(&callee).second)
    return callee.issues.empty();
  for (const FunctionTemplate::Issue &issue : callee.issues)
    diagnostics_.report(DiagnosticCode::TirUnsupported, issue.range, issue.what, callee.name)
        .note(callRange, "it is called here");
  if (callee.threadBinding.isValid())
    diagnostics_.report(DiagnosticCode::TirScheduleIgnored, callee.threadBinding, callee.name);
  return callee.issues.empty();
}

/// Reports if \p callee writes one of its inputs that is none of \p mayWrite.
bool GraphReader::checkWrites(const FunctionTemplate &callee, const std::vector<bool> &mayWrite,
                              SourceRange range) {
  for (std::size_t i = 0; i < mayWrite.size(); ++i) {
    const FunctionTemplate::Parameter &parameter = callee.parameters[i];
    if (!parameter.isWritten || mayWrite[i])
      continue;
    diagnostics_
        .report(DiagnosticCode::TirWrittenInput, parameter.firstWrite, callee.name,
                parameter.tensor.name)
        .note(range, "it is called here");
    return false;
  }
  // Nothing could be said about what such a call costs.
  for (std::size_t i = mayWrite.size(); i < callee.parameters.size(); ++i) {
    const FunctionTemplate::Parameter &parameter = callee.parameters[i];
    if (parameter.isWritten)
      continue;
    diagnostics_
        .report(DiagnosticCode::TirCallMismatch, range,
                "'" + callee.name + "' never writes its output '" + parameter.tensor.name + "'")
        .note(parameter.tensor.range, "the parameter is declared here");
    return false;
  }
  return true;
}

bool GraphReader::checkType(const FunctionTemplate &callee, std::size_t parameter,
                            const Shape &shape, ElementType type, SourceRange range) {
  const Tensor &wanted = callee.parameters[parameter].tensor;
  if (wanted.shape == shape && wanted.elementType == type)
    return true;
  diagnostics_
      .report(DiagnosticCode::TirCallMismatch, range,
              "parameter '" + wanted.name + "' of '" + callee.name + "' is " +
                  describe(TensorType{wanted.shape, wanted.elementType}) + ", this call gives " +
                  describe(TensorType{shape, type}))
      .note(wanted.range, "the parameter is declared here");
  return false;
}

/// Origin of what is computed from \p inputs alone.
TensorOrigin GraphReader::originOf(const std::vector<std::uint32_t> &inputs) const {
  const bool isActivation = std::ranges::any_of(inputs, [&](std::uint32_t input) {
    return workload_.tensors[input].origin == TensorOrigin::Activation;
  });
  return isActivation ? TensorOrigin::Activation : TensorOrigin::Weight;
}

std::uint32_t GraphReader::addTensor(std::string name, Shape shape, ElementType type,
                                     TensorOrigin origin, SourceRange range) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.shape = std::move(shape);
  tensor.elementType = type;
  tensor.origin = origin;
  tensor.range = range;
  workload_.tensors.push_back(std::move(tensor));
  return static_cast<std::uint32_t>(workload_.tensors.size() - 1);
}

std::string GraphReader::uniqueName(const std::string &name) {
  std::size_t count = ++usedNames_[name];
  if (count == 1)
    return name;
  return uniqueName(name + "_" + std::to_string(count));
}

/// The tensors that \p arguments give to the first parameters of \p callee.
std::optional<std::vector<std::uint32_t>>
GraphReader::bindInputs(const FunctionTemplate &callee, const std::vector<GraphValue> &arguments,
                        const std::string &name, SourceRange range) {
  std::vector<std::uint32_t> inputs;
  for (const GraphValue &argument : arguments) {
    const Tensor &parameter = callee.parameters[inputs.size()].tensor;
    if (argument.kind == GraphValue::Kind::Constant) {
      inputs.push_back(addTensor(name + ".constant" + std::to_string(inputs.size()),
                                 parameter.shape, parameter.elementType, TensorOrigin::Weight,
                                 range));
      continue;
    }
    const Tensor &given = workload_.tensors[argument.tensor];
    if (!checkType(callee, inputs.size(), given.shape, given.elementType, range))
      return std::nullopt;
    inputs.push_back(argument.tensor);
  }
  return inputs;
}

GraphValue GraphReader::callTir(const Expr &expr, const std::string &name) {
  const Expr *calleeExpr = positional(expr, 0);
  const Expr *argumentExpr = positional(expr, 1);
  if (!calleeExpr || !argumentExpr) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "'R.call_tir' without a function and arguments");
    return {};
  }
  Function *function = calleeOf(*calleeExpr);
  GraphValue given = evaluate(*argumentExpr, name + "_argument");
  if (given.kind != GraphValue::Kind::Tuple)
    given = GraphValue::tuple({given});
  auto types = outputTypes(expr, relaxCallName(&expr) == "call_tir_inplace" ? 3 : 2);
  if (!function || !types)
    return {};
  function->isReached = true;
  if (!function->isPrim) {
    diagnostics_
        .report(DiagnosticCode::GraphUnsupported, calleeExpr->range,
                "'R.call_tir' of a function that is no 'T.prim_func'")
        .note(function->stmt->decorators.empty() ? function->stmt->nameRange
                                                 : function->stmt->decorators[0]->range,
              function->stmt->decorators.empty() ? "it is defined without a decorator"
                                                 : "this is its decorator");
    return {};
  }
  return callFunctionOfTir(*function, expr, given, std::move(*types), name);
}

/// Adds the call \p expr of \p function with \p given, a tuple. Its results are of \p types; if
/// they are empty, they are what the function says.
GraphValue GraphReader::callFunctionOfTir(Function &function, const Expr &expr,
                                          const GraphValue &given, std::vector<TensorType> types,
                                          const std::string &name) {
  const bool isInPlace = relaxCallName(&expr) == "call_tir_inplace";
  std::vector<GraphValue> tensors;
  std::vector<std::optional<Shape>> shapes;
  std::vector<std::optional<std::int64_t>> scalars;
  auto addArguments = [&](const GraphValue &values) {
    for (const GraphValue &value : *values.elements) {
      if (value.kind == GraphValue::Kind::Tensor || value.kind == GraphValue::Kind::Constant) {
        tensors.push_back(value);
        shapes.push_back(value.kind == GraphValue::Kind::Tensor
                             ? std::optional(workload_.tensors[value.tensor].shape)
                             : std::nullopt);
      } else if (value.kind == GraphValue::Kind::Number) {
        scalars.emplace_back(value.number);
      } else if (value.kind == GraphValue::Kind::Unknown) {
        return false;
      } else {
        scalars.emplace_back(std::nullopt);
      }
    }
    return true;
  };
  if (!addArguments(given))
    return {};
  if (const Expr *sizes = keyword(expr, "tir_vars")) {
    GraphValue values = evaluate(*sizes, name);
    if (values.kind == GraphValue::Kind::Tuple && !addArguments(values))
      return {};
  }
  std::size_t inputs = tensors.size();
  std::vector<std::optional<std::size_t>> inPlace(types.size());
  if (isInPlace) {
    auto read = inPlaceInputs(expr, inputs, types.size());
    if (!read)
      return {};
    inPlace = std::move(*read);
  }
  for (std::size_t i = 0; i < types.size(); ++i)
    if (!inPlace[i])
      shapes.emplace_back(types[i].shape);
  FunctionTemplate &callee = templateOf(function, shapes, scalars);
  if (!callee.isValid || !checkTemplate(callee, expr.range))
    return {};
  if (types.empty())
    for (std::size_t i = inputs; i < callee.parameters.size(); ++i)
      types.push_back({callee.parameters[i].tensor.shape, callee.parameters[i].tensor.elementType});
  inPlace.resize(types.size());
  std::vector<bool> mayWrite(inputs);
  std::size_t provided = inputs; // tensors that the call gives
  for (const auto &input : inPlace) {
    if (input)
      mayWrite[*input] = true;
    else
      ++provided;
  }
  if (provided != callee.parameters.size()) {
    diagnostics_
        .report(DiagnosticCode::TirCallArity, expr.range, callee.name, callee.parameters.size(),
                provided)
        .note(callee.nameRange, "the function is defined here");
    return {};
  }
  const Expr *argumentExpr = relaxCallName(&expr).empty() ? nullptr : positional(expr, 1);
  auto bound = bindInputs(callee, tensors, frame().prefix + name,
                          argumentExpr ? argumentExpr->range : expr.range);
  if (!bound || !checkWrites(callee, mayWrite, expr.range))
    return {};
  const TensorOrigin origin = originOf(*bound);
  std::vector<std::uint32_t> outputs;
  InPlace writes;
  std::vector<GraphValue> results;
  std::size_t parameter = inputs;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const TensorType &type = types[i];
    const std::size_t written = inPlace[i] ? *inPlace[i] : parameter++;
    if (!checkType(callee, written, type.shape, type.elementType, expr.range))
      return {};
    std::string suffix = types.size() == 1 ? "" : "[" + std::to_string(i) + "]";
    const std::uint32_t output =
        addTensor(frame().prefix + name + suffix, type.shape, type.elementType, origin, expr.range);
    if (inPlace[i])
      writes.emplace(static_cast<std::uint32_t>(written), output);
    else
      outputs.push_back(output);
    results.push_back(GraphValue::ofTensor(output));
  }
  // What is called once, outside of functions that are inlined many times, is most of a long text.
  const bool isLast = function.mentions == 1 && frames_.size() == 1;
  if (!addCall(callee, isLast, frame().prefix + name, *bound, outputs, expr.range, writes))
    return {};
  if (isLast)
    forget(function, callee);
  return results.size() == 1 ? results[0] : GraphValue::tuple(std::move(results));
}

namespace {

void resolveTensors(std::vector<StageStatement> &statements,
                    const std::function<void(TensorRef &)> &resolve) {
  for (StageStatement &statement : statements) {
    resolveTensors(statement.then, resolve);
    resolveTensors(statement.otherwise, resolve);
    if (statement.condition == nullptr)
      resolve(statement.written.tensor);
  }
}

/// \p body with \p read done to every tensor that it reads, \p write to those that it writes.
std::shared_ptr<const StageBody> resolved(StageBody body,
                                          const std::function<void(TensorRef &)> &read,
                                          const std::function<void(TensorRef &)> &write) {
  for (Access &access : body.accesses)
    read(access.tensor);
  resolveTensors(body.init, write);
  resolveTensors(body.statements, write);
  return std::make_shared<const StageBody>(std::move(body));
}

} // namespace

/// For each output of a `call_tir_inplace` the input that it takes the place of, if any; none after
/// an error.
std::optional<std::vector<std::optional<std::size_t>>>
GraphReader::inPlaceInputs(const Expr &call, std::size_t inputs, std::size_t outputs) {
  const Expr *indices = keyword(call, "inplace_indices");
  if (!indices)
    indices = positional(call, 2);
  std::vector<std::optional<std::size_t>> found;
  if (indices) {
    const bool isList = indices->kind == Expr::Kind::List || indices->kind == Expr::Kind::Tuple;
    for (const Expr *item : isList ? indices->children : std::span(&indices, 1)) {
      const auto number = integerLiteral(*item);
      const bool isNew = number == -1;
      const bool isTaken =
          !isNew && number &&
          std::ranges::find(found, std::optional(static_cast<std::size_t>(*number))) != found.end();
      if (!number || isTaken ||
          (!isNew && (*number < 0 || *number >= static_cast<std::int64_t>(inputs))))
        break;
      found.push_back(isNew ? std::nullopt : std::optional(static_cast<std::size_t>(*number)));
    }
  }
  if (found.size() == outputs)
    return found;
  diagnostics_.report(DiagnosticCode::GraphUnsupported, call.range,
                      "'R.call_tir_inplace' without an input or -1 for each output");
  return std::nullopt;
}

/// Adds a call of \p callee. \p isLast: it is not called again, and its content moves into the
/// call.
bool GraphReader::addCall(FunctionTemplate &callee, bool isLast, const std::string &name,
                          const std::vector<std::uint32_t> &inputs,
                          const std::vector<std::uint32_t> &outputs, SourceRange range,
                          const InPlace &inPlace) {
  constexpr std::size_t mostComputations = 200'000;
  constexpr std::size_t mostCalls = 100'000;
  computationCount_ += callee.computations.size();
  if (computationCount_ > mostComputations || workload_.calls.size() >= mostCalls) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, range, "the number of calls");
    stopped_ = true;
    return false;
  }
  Call call;
  call.name = uniqueName(name);
  call.function = callee.name;
  call.range = range;
  call.functionRange = callee.nameRange;
  call.locals = isLast ? std::move(callee.locals) : callee.locals;
  call.computations = isLast ? std::move(callee.computations) : callee.computations;
  std::vector<std::uint32_t> tensors = inputs;
  tensors.insert(tensors.end(), outputs.begin(), outputs.end());
  for (std::uint32_t input : inputs)
    call.inputs.push_back({false, input});
  for (std::uint32_t output : outputs)
    call.outputs.push_back({false, output});
  for (const auto &[parameter, output] : inPlace)
    call.outputs.push_back({false, output});
  // What a function holds as a constant is a weight of the network.
  std::map<std::uint32_t, std::uint32_t> constants;
  for (const std::uint32_t constant : callee.constants) {
    const Tensor &local = call.locals[constant];
    constants[constant] = addTensor(call.name + "." + local.name, local.shape, local.elementType,
                                    TensorOrigin::Weight, local.range);
    call.inputs.push_back({false, constants[constant]});
  }
  const auto resolve = [&](TensorRef &reference) {
    const auto constant = reference.isLocal ? constants.find(reference.index) : constants.end();
    if (constant != constants.end())
      reference = {false, constant->second};
    else if (!reference.isLocal)
      reference.index = tensors[reference.index];
  };
  // What is written in place is another tensor from then on.
  const auto write = [&](TensorRef &reference) {
    if (!inPlace.empty() && !reference.isLocal)
      if (const auto found = inPlace.find(reference.index); found != inPlace.end())
        tensors[found->first] = found->second;
    resolve(reference);
  };
  for (Computation &computation : call.computations) {
    // A sum that goes on from what is there reads and writes one tensor.
    if (TensorRef own = computation.written; computation.combiner != Combiner::None)
      write(own);
    for (Access &access : computation.accesses)
      resolve(access.tensor);
    if (computation.body)
      computation.body = resolved(*computation.body, resolve, write);
    write(computation.written);
    for (TensorRef &reference : computation.alsoWritten)
      write(reference);
  }
  workload_.calls.push_back(std::move(call));
  return true;
}

/// A call of a private function of the graph, of one inside the function, or of a value that is
/// one; it is inlined.
GraphValue GraphReader::callFunction(const Expr &expr, const std::string &name) {
  const GraphValue function = functionValue(*expr.children[0]);
  if (function.kind == GraphValue::Kind::Unknown)
    return {};
  if (function.kind == GraphValue::Kind::External)
    return callExternalFunction(expr, *function.external, name);
  if (function.function->isPrim)
    return callIntoMemory(*functionNames_.at(function.function->stmt->name), expr);
  return callValue(function, arguments(expr), name, expr.range);
}

/// Inlines \p function, a value that is one of the graph.
GraphValue GraphReader::callValue(const GraphValue &function, std::span<const Expr *const> given,
                                  const std::string &name, SourceRange range) {
  if (!function.function->isRelax) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, range,
                        "a direct call of '" + std::string(function.function->stmt->name) + "'");
    return {};
  }
  std::vector<GraphValue> values;
  for (const Expr *argument : given)
    values.push_back(evaluate(*argument, name + "_argument"));
  if (function.elements)
    values.insert(values.end(), function.elements->begin(), function.elements->end());
  return runFunction(*function.function, std::move(values), frame().prefix + name + ".", range,
                     function.frame);
}

/// `R.make_closure(f, (w,))`, f with the arguments that it gets behind those of the call, and
/// `R.invoke_closure(c, (x,), …)`.
GraphValue GraphReader::evaluateClosure(const Expr &expr, bool isMade, const std::string &name) {
  const Expr *callee = positional(expr, 0);
  const Expr *given = positional(expr, 1);
  const bool isList =
      given && (given->kind == Expr::Kind::Tuple || given->kind == Expr::Kind::List);
  const std::span<const Expr *const> items =
      isList ? given->children : std::span(&given, given ? 1 : 0);
  GraphValue function = GraphValue::of(GraphValue::Kind::Other);
  if (callee && callee->kind == Expr::Kind::Name)
    function = functionNamed(callee->text).value_or(function);
  else if (callee && (callee->kind == Expr::Kind::DottedName || isGlobalVar(*callee)))
    function = functionValue(*callee);
  if (function.kind == GraphValue::Kind::Unknown)
    return {};
  if (function.kind != GraphValue::Kind::Function)
    return refuse(expr, "it needs a function of this module");
  if (!isMade)
    return callValue(function, items, name, expr.range);
  std::vector<GraphValue> captured;
  for (const Expr *item : items)
    captured.push_back(evaluate(*item, name + "_argument"));
  if (function.elements)
    captured.insert(captured.end(), function.elements->begin(), function.elements->end());
  if (captured.size() > function.function->stmt->parameters.size())
    return refuse(expr, "the function has fewer parameters");
  function.elements = std::make_shared<const std::vector<GraphValue>>(std::move(captured));
  return function;
}

namespace {

/// The type, with a shape, that a `R.match_cast` in \p body gives the tensor called \p name; null
/// if there is none.
const Expr *castOf(std::span<const Stmt *const> body, std::string_view name) {
  for (const Stmt *stmt : body) {
    if (stmt->kind == Stmt::Kind::With)
      if (const Expr *found = castOf(stmt->body, name))
        return found;
    if (relaxCallName(stmt->value) != "match_cast")
      continue;
    const Expr *tensor = positional(*stmt->value, 0);
    const Expr *type = positional(*stmt->value, 1);
    const Expr *shape = relaxCallName(type) == "Tensor" ? positional(*type, 0) : nullptr;
    if (tensor && tensor->isName(name) && shape && shape->kind == Expr::Kind::Tuple)
      return type;
  }
  return nullptr;
}

} // namespace

namespace {

/// Whether \p function of the runtime looks at what it is given and computes nothing.
bool checksOnly(const Expr &function) {
  constexpr auto names = std::to_array<std::string_view>(
      {"vm.builtin.check_tensor_info", "vm.builtin.check_shape_info", "vm.builtin.check_tuple_info",
       "vm.builtin.check_func_info", "vm.builtin.check_prim_value_info", "vm.builtin.match_shape",
       "vm.builtin.match_prim_value", "vm.builtin.debug_print"});
  return function.kind == Expr::Kind::String &&
         std::ranges::find(names, function.text) != names.end();
}

} // namespace

/// The tensors that a function outside of the text returns, by \p result, the type that the text
/// gives it; empty if that is no tensor, none after an error. \p name is that of the binding,
/// \p isTuple: of several tensors.
std::optional<std::vector<TensorType>>
GraphReader::externalTypes(const Expr *result, std::string_view name, bool &isTuple) {
  isTuple = relaxCallName(result) == "Tuple";
  std::vector<TensorType> types;
  for (const Expr *item : isTuple ? arguments(*result) : std::span(&result, 1)) {
    // An object, a shape, …
    if (relaxCallName(item) != "Tensor")
      return std::vector<TensorType>{};
    const bool hasShape = positional(*item, 0) || keyword(*item, "shape");
    const Expr *shaped = hasShape ? item : castOf(frame().function->stmt->body, name);
    if (!shaped) {
      diagnostics_.report(
          DiagnosticCode::GraphUnsupported, item->range,
          "a result without a shape (a 'R.match_cast' of it, or a size in its type, "
          "would give it one)");
      return std::nullopt;
    }
    auto type = readTensorType(*shaped);
    if (!type)
      return std::nullopt;
    types.push_back(std::move(*type));
  }
  return types;
}

namespace {

/// The type that \p types, one or a list of one, gives the result of a call; null if there is none.
const Expr *onlyType(const Expr *types) {
  while (types && (types->kind == Expr::Kind::Tuple || types->kind == Expr::Kind::List))
    types = types->children.empty() ? nullptr : types->children[0];
  return types;
}

/// Whether the runtime of TVM has the function: its name begins so.
bool isOfRuntime(const Expr &function) {
  return function.kind == Expr::Kind::String && function.text.starts_with("vm.builtin.");
}

} // namespace

/// The numbers of a shape that its type tells, `R.Shape([2, n])`; what has none is missed where it
/// is needed.
GraphValue GraphReader::shapeSaid(const Expr *type) {
  const Expr *list = relaxCallName(type) == "Shape" ? positional(*type, 0) : nullptr;
  const bool isList = list && (list->kind == Expr::Kind::Tuple || list->kind == Expr::Kind::List);
  if (!isList)
    return GraphValue::of(GraphValue::Kind::Other);
  std::vector<GraphValue> extents;
  for (const Expr *extent : list->children)
    extents.push_back(sizeValue(*extent));
  return GraphValue::tuple(std::move(extents));
}

/// `R.call_dps_packed("f", (x,), out_sinfo=…)` and its like: what the function does is not in the
/// text, so that the call is an operator of unknown structure.
GraphValue GraphReader::callExternal(const Expr &expr, std::string_view relax,
                                     const std::string &name) {
  const bool isDestination = relax == "call_dps_packed" || relax == "call_py_func";
  ExternalCall call{expr, "R." + std::string(relax)};
  call.function = positional(expr, 0);
  if (isDestination) {
    auto types = outputTypes(expr, 2);
    if (!types)
      return {};
    call.types = std::move(*types);
    call.isTuple = call.types.size() > 1;
  } else {
    const Expr *said = keyword(expr, "sinfo_args");
    call.result = onlyType(said ? said : keyword(expr, "ty_args"));
    auto types = externalTypes(call.result, name, call.isTuple);
    if (!types)
      return {};
    call.types = std::move(*types);
  }
  const bool isListed = isDestination || relax == "call_builtin_with_ctx";
  for (std::size_t i = 1; const Expr *argument = positional(expr, i); ++i)
    if (!isListed || i == 1)
      call.arguments.push_back(argument);
  return runExternal(std::move(call), name);
}

/// `cls.f(x)` where \p function is `R.ExternFunc("f")`. What it returns is what the binding or the
/// definition says.
GraphValue GraphReader::callExternalFunction(const Expr &expr, const Expr &function,
                                             const std::string &name) {
  ExternalCall call{expr, textOf(sources_, *expr.children[0])};
  call.function = positional(function, 0);
  call.result = annotated_.value == &expr ? annotated_.type : nullptr;
  const Expr *type = positional(function, 1);
  if (!call.result && relaxCallName(type) == "Callable")
    call.result = positional(*type, 1);
  auto types = externalTypes(call.result, name, call.isTuple);
  if (!types)
    return {};
  call.types = std::move(*types);
  for (std::size_t i = 0; const Expr *argument = positional(expr, i); ++i)
    call.arguments.push_back(argument);
  return runExternal(std::move(call), name);
}

/// The name of the function outside of the text that \p expr is, a string if the text tells it;
/// null if \p expr is no function.
const Expr *GraphReader::externalName(const Expr &expr) {
  const GraphValue *value = expr.kind == Expr::Kind::Name ? findValue(expr.text) : nullptr;
  const Expr *definition = value ? value->external : externalMember(expr);
  if (relaxCallName(&expr) == "ExternFunc")
    definition = &expr;
  if (definition)
    return positional(*definition, 0);
  const bool isName = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Subscript;
  return isName && holdsTensor(expr) ? nullptr : &expr;
}

/// Collects the tensors that \p external is given in \p inputs; what is given and not written yet
/// is what it writes if it says no other results. False after an error.
bool GraphReader::readExternalArguments(ExternalCall &external, const std::string &name,
                                        OperatorCall &call, std::vector<std::uint32_t> &inputs) {
  const bool mayWrite = external.types.empty();
  for (const Expr *argument : external.arguments) {
    // What a number means to the function is not known either.
    if (isSizes(*argument))
      continue;
    const GraphValue *value =
        argument->kind == Expr::Kind::Name ? findValue(argument->text) : nullptr;
    const bool isFree =
        mayWrite && value && value->kind == GraphValue::Kind::Memory && !value->allocation->tensor;
    if (isFree) {
      external.written.push_back(value->allocation);
      external.types.push_back(value->allocation->type);
    } else if (!operatorArgument(*argument, name, call, inputs)) {
      return false;
    }
  }
  external.isTuple = external.isTuple || external.written.size() > 1;
  return true;
}

/// Adds a call of unknown structure.
GraphValue GraphReader::runExternal(ExternalCall external, const std::string &name) {
  const Expr &expr = external.expr;
  const Expr *function = external.function ? externalName(*external.function) : nullptr;
  if (!function)
    return refuse(expr, "it names no function");
  OperatorCall call;
  call.name = external.form;
  call.range = expr.range;
  std::vector<std::uint32_t> inputs;
  if (!readExternalArguments(external, name, call, inputs))
    return {};
  const bool saysShape = isOfRuntime(*function) && relaxCallName(external.result) == "Shape";
  // The memory for sizes that are known when the network runs.
  const bool isHeap = isOfRuntime(*function) && function->text.ends_with("alloc_shape_heap");
  if (checksOnly(*function) || saysShape || isHeap)
    return shapeSaid(external.result);
  // Work that goes into an object, or tensors that come out of one, would be lost.
  if (external.types.empty() != inputs.empty()) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "'" + external.form +
                            (inputs.empty() ? "' that makes tensors of none"
                                            : "' that is given tensors and returns none, so that "
                                              "its work would be lost,"));
    stopped_ = true; // what is made of its results would say it again
    return {};
  }
  if (external.types.empty())
    return shapeSaid(external.result);
  const std::string what = function->kind == Expr::Kind::String ? std::string(function->text)
                                                                : textOf(sources_, *function);
  auto described = describeExternal(call, what, external.types, external.isTuple);
  if (const auto *problem = std::get_if<std::string>(&described)) {
    diagnostics_.report(DiagnosticCode::TirCallMismatch, expr.range,
                        "'" + external.form + "': " + *problem);
    return {};
  }
  const GraphValue result =
      addOperator(std::get<OperatorFunction>(described), true, name, inputs, expr.range);
  keepWritten(result, external.written);
  return result;
}

} // namespace acadlc::tir
