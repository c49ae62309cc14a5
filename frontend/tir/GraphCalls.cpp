#include "frontend/tir/NetworkReader.h"
#include "frontend/tir/Parser.h"
#include "frontend/tir/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace acadlc::tir {

using namespace workload;

/// The function called \p name that is defined inside the one that is being read, or around it;
/// \p where: the frame that holds it. Null if there is none.
const Function *NetworkReader::localFunction(std::string_view name,
                                             const GraphFrame *&where) const {
  for (const GraphFrame *each = innermost(); each; each = each->outer) {
    const auto found = each->functions.find(name);
    if (found == each->functions.end())
      continue;
    where = each;
    return &found->second;
  }
  return nullptr;
}

/// The function that `cls.f` names, after an error if there is none.
Function *NetworkReader::calleeOf(const Expr &expr) {
  // Texts by hand also name the function alone.
  if (expr.kind == Expr::Kind::Name && !frame().names.contains(expr.text))
    if (auto found = functionNames_.find(expr.text); found != functionNames_.end())
      return found->second;
  // `I.GlobalVar("f")`
  const bool isQuoted =
      expr.kind == Expr::Kind::Call && moduleName(*expr.children[0]) == "GlobalVar";
  if (const Expr *quoted = isQuoted ? positional(expr, 0) : nullptr)
    if (auto found = functionNames_.find(quoted->text); found != functionNames_.end())
      return found->second;
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

FunctionTemplate &
NetworkReader::templateOf(const Function &function, const std::vector<std::optional<Shape>> &shapes,
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

void NetworkReader::forget(const Function &function, const FunctionTemplate &callee) {
  checked_.erase(&callee);
  templates_.erase(std::string(function.stmt->name));
}

/// Reports once what \p callee holds without meaning; false if there is such.
bool NetworkReader::checkTemplate(const FunctionTemplate &callee, SourceRange callRange) {
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
bool NetworkReader::checkWrites(const FunctionTemplate &callee, const std::vector<bool> &mayWrite,
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

bool NetworkReader::checkType(const FunctionTemplate &callee, std::size_t parameter,
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
TensorOrigin NetworkReader::originOf(const std::vector<std::uint32_t> &inputs) const {
  const bool isActivation = std::ranges::any_of(inputs, [&](std::uint32_t input) {
    return workload_.tensors[input].origin == TensorOrigin::Activation;
  });
  return isActivation ? TensorOrigin::Activation : TensorOrigin::Weight;
}

std::uint32_t NetworkReader::addTensor(std::string name, Shape shape, ElementType type,
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

std::string NetworkReader::uniqueName(const std::string &name) {
  std::size_t count = ++usedNames_[name];
  if (count == 1)
    return name;
  return uniqueName(name + "_" + std::to_string(count));
}

/// The tensors that \p arguments give to the first parameters of \p callee.
std::optional<std::vector<std::uint32_t>>
NetworkReader::bindInputs(const FunctionTemplate &callee, const std::vector<GraphValue> &arguments,
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

GraphValue NetworkReader::callTir(const Expr &expr, const std::string &name) {
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
    diagnostics_.report(DiagnosticCode::GraphUnsupported, calleeExpr->range,
                        "'R.call_tir' of a function that is no 'T.prim_func'");
    return {};
  }
  return callFunctionOfTir(*function, expr, given, std::move(*types), name);
}

/// Adds the call \p expr of \p function with \p given, a tuple. Its results are of \p types; if
/// they are empty, they are what the function says.
GraphValue NetworkReader::callFunctionOfTir(Function &function, const Expr &expr,
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
NetworkReader::inPlaceInputs(const Expr &call, std::size_t inputs, std::size_t outputs) {
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
bool NetworkReader::addCall(FunctionTemplate &callee, bool isLast, const std::string &name,
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
  const auto resolve = [&](TensorRef &reference) {
    if (!reference.isLocal)
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

/// A call of a private function of the graph, or of one inside the function; it is inlined.
GraphValue NetworkReader::callFunction(const Expr &expr, const std::string &name) {
  const Expr &callee = *expr.children[0];
  const GraphFrame *where = nullptr;
  const Function *function =
      callee.kind == Expr::Kind::Name ? localFunction(callee.text, where) : nullptr;
  if (!function) {
    Function *named = callee.kind == Expr::Kind::Name ? functionNamed(callee.text) : nullptr;
    Function *member = named ? named : calleeOf(callee);
    if (!member)
      return {};
    member->isReached = true;
    function = member;
  }
  if (function->isPrim)
    return callIntoMemory(*functionNames_.at(function->stmt->name), expr);
  if (!function->isRelax) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "a direct call of '" + std::string(function->stmt->name) + "'");
    return {};
  }
  std::vector<GraphValue> given;
  for (const Expr *argument : arguments(expr))
    given.push_back(evaluate(*argument, name + "_argument"));
  return runFunction(*function, std::move(given), frame().prefix + name + ".", expr.range, where);
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

/// What a call of a function that is not in the text returns, by its annotation; empty if that is
/// no tensor, none after an error. \p name is that of the binding, \p isTuple: of several tensors.
std::optional<std::vector<TensorType>>
NetworkReader::externalTypes(const Expr &call, std::string_view name, bool &isTuple) {
  if (relaxCallName(&call) == "call_dps_packed") {
    auto types = outputTypes(call, 2);
    isTuple = types && types->size() > 1;
    return types;
  }
  const Expr *result = keyword(call, "sinfo_args");
  if (!result)
    result = keyword(call, "ty_args");
  while (result && (result->kind == Expr::Kind::Tuple || result->kind == Expr::Kind::List))
    result = result->children.empty() ? nullptr : result->children[0];
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

/// `R.call_dps_packed("f", (x,), out_sinfo=…)` and its like: what the function does is not in the
/// text, so that the call is an operator of unknown structure.
GraphValue NetworkReader::callExternal(const Expr &expr, std::string_view relax,
                                       const std::string &name) {
  const Expr *function = positional(expr, 0);
  bool isTuple = false;
  const auto types = externalTypes(expr, name, isTuple);
  if (!types)
    return {};
  OperatorCall call;
  call.name = relax;
  call.range = expr.range;
  std::vector<std::uint32_t> inputs;
  for (std::size_t i = 1; const Expr *argument = positional(expr, i); ++i) {
    if (relax == "call_dps_packed" && i == 2)
      break;
    // What a number means to the function is not known either.
    if (!isSizes(*argument) && !operatorArgument(*argument, name, call, inputs))
      return {};
  }
  if (function && checksOnly(*function))
    return GraphValue::of(GraphValue::Kind::Other);
  // Work that goes into an object, or tensors that come out of one, would be lost.
  if (!function || types->empty() != inputs.empty()) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "'R." + std::string(relax) +
                            (inputs.empty() ? "' that makes tensors of none"
                                            : "' that is given tensors and returns none, so that "
                                              "its work would be lost,"));
    return {};
  }
  if (types->empty())
    return GraphValue::of(GraphValue::Kind::Other);
  const std::string what = function->kind == Expr::Kind::String ? std::string(function->text)
                                                                : textOf(sources_, *function);
  auto described = describeExternal(call, what, *types, isTuple);
  if (const auto *problem = std::get_if<std::string>(&described)) {
    diagnostics_.report(DiagnosticCode::TirCallMismatch, expr.range,
                        "'R." + std::string(relax) + "': " + *problem);
    return {};
  }
  return addOperator(std::get<OperatorFunction>(described), name, inputs, expr.range);
}

} // namespace acadlc::tir
