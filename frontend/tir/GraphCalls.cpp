#include "frontend/tir/NetworkReader.h"
#include "frontend/tir/Parser.h"
#include "frontend/tir/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace acadlc::tir {

using namespace workload;

/// The function that `cls.f` names, after an error if there is none.
Function *NetworkReader::calleeOf(const Expr &expr) {
  // Texts by hand also name the function alone.
  if (expr.kind == Expr::Kind::Name && !frame().names.contains(expr.text))
    if (auto found = functionNames_.find(expr.text); found != functionNames_.end())
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

bool NetworkReader::checkWrites(const FunctionTemplate &callee, std::size_t inputs,
                                SourceRange range) {
  for (std::size_t i = 0; i < inputs; ++i) {
    const FunctionTemplate::Parameter &parameter = callee.parameters[i];
    if (!parameter.isWritten)
      continue;
    diagnostics_
        .report(DiagnosticCode::TirWrittenInput, parameter.firstWrite, callee.name,
                parameter.tensor.name)
        .note(range, "it is called here");
    return false;
  }
  // Nothing could be said about what such a call costs.
  for (std::size_t i = inputs; i < callee.parameters.size(); ++i) {
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
  auto types = outputTypes(expr);
  if (!function || !types)
    return {};
  function->isReached = true;
  if (!function->isPrim) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, calleeExpr->range,
                        "'R.call_tir' of a function that is no 'T.prim_func'");
    return {};
  }
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
  for (const TensorType &type : *types)
    shapes.emplace_back(type.shape);
  FunctionTemplate &callee = templateOf(*function, shapes, scalars);
  if (!callee.isValid || !checkTemplate(callee, expr.range))
    return {};
  std::size_t inputs = tensors.size();
  if (types->empty())
    for (std::size_t i = inputs; i < callee.parameters.size(); ++i)
      types->push_back(
          {callee.parameters[i].tensor.shape, callee.parameters[i].tensor.elementType});
  if (inputs + types->size() != callee.parameters.size()) {
    diagnostics_
        .report(DiagnosticCode::TirCallArity, expr.range, callee.name, callee.parameters.size(),
                inputs + types->size())
        .note(callee.nameRange, "the function is defined here");
    return {};
  }
  auto bound = bindInputs(callee, tensors, frame().prefix + name, argumentExpr->range);
  if (!bound || !checkWrites(callee, inputs, expr.range))
    return {};
  const TensorOrigin origin = originOf(*bound);
  std::vector<std::uint32_t> outputs;
  std::vector<GraphValue> results;
  for (std::size_t i = 0; i < types->size(); ++i) {
    const TensorType &type = (*types)[i];
    if (!checkType(callee, inputs + i, type.shape, type.elementType, expr.range))
      return {};
    std::string suffix = types->size() == 1 ? "" : "[" + std::to_string(i) + "]";
    outputs.push_back(addTensor(frame().prefix + name + suffix, type.shape, type.elementType,
                                origin, expr.range));
    results.push_back(GraphValue::ofTensor(outputs.back()));
  }
  // What is called once, outside of functions that are inlined many times, is most of a long text.
  const bool isLast = function->mentions == 1 && frames_.size() == 1;
  if (!addCall(callee, isLast, frame().prefix + name, *bound, outputs, expr.range))
    return {};
  if (isLast)
    forget(*function, callee);
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

/// \p body with \p resolve done to every tensor that it names.
std::shared_ptr<const StageBody> resolved(StageBody body,
                                          const std::function<void(TensorRef &)> &resolve) {
  for (Access &access : body.accesses)
    resolve(access.tensor);
  resolveTensors(body.init, resolve);
  resolveTensors(body.statements, resolve);
  return std::make_shared<const StageBody>(std::move(body));
}

} // namespace

/// Adds a call of \p callee. \p isLast: it is not called again, and its content moves into the
/// call.
bool NetworkReader::addCall(FunctionTemplate &callee, bool isLast, const std::string &name,
                            const std::vector<std::uint32_t> &inputs,
                            const std::vector<std::uint32_t> &outputs, SourceRange range) {
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
  auto resolve = [&](TensorRef &reference) {
    if (!reference.isLocal)
      reference.index = tensors[reference.index];
  };
  for (Computation &computation : call.computations) {
    resolve(computation.written);
    for (TensorRef &reference : computation.alsoWritten)
      resolve(reference);
    for (Access &access : computation.accesses)
      resolve(access.tensor);
    if (computation.body)
      computation.body = resolved(*computation.body, resolve);
  }
  workload_.calls.push_back(std::move(call));
  return true;
}

/// A call of a private function of the graph, which is inlined.
GraphValue NetworkReader::callFunction(const Expr &expr, const std::string &name) {
  Function *function = calleeOf(*expr.children[0]);
  if (!function)
    return {};
  function->isReached = true;
  if (!function->isRelax) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "a direct call of '" + std::string(function->stmt->name) + "'");
    return {};
  }
  std::vector<GraphValue> given;
  for (const Expr *argument : arguments(expr))
    given.push_back(evaluate(*argument, name + "_argument"));
  return runFunction(*function, std::move(given), frame().prefix + name + ".", expr.range);
}

} // namespace acadlc::tir
