#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/evaluation/EvaluatorActivity.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

namespace acadlc {

using Kind = Value::Kind;
using ast::StatementKind;

const Symbol *findInstruction(llvm::StringRef name, const Scope &scope) {
  for (const Scope *s = &scope; s; s = s->parent()) {
    const Symbol *symbol = s->findLocal(name);
    if (symbol && ast::dynCast<ast::InstructionDeclaration>(symbol->declaration))
      return symbol;
  }
  return nullptr;
}

//===--- Arguments ----------------------------------------------------------------------------===//

namespace {

std::string parameterText(const ast::Parameter &parameter) {
  return fmt::format("parameter '{}'", parameter.name.text.str());
}

/// Which argument each parameter gets; null: its default.
struct Assignment {
  std::vector<const ast::Argument *> byParameter;
  bool isComplete = true;
};

} // namespace

bool Evaluator::bindDefault(const ast::Parameter &parameter, Scope &target, SourceRange at,
                            llvm::StringRef callee) {
  if (!parameter.defaultValue) {
    report(DiagnosticCode::ArgumentNotGiven, at, callee,
           fmt::format("a value for {}", parameterText(parameter)))
        .note(parameter.name.range, "declared here, without a default");
    target.declare(parameter.name, Value::ofError());
    return false;
  }
  const auto type = resolveType(parameter.type, target);
  auto value = type ? evaluateAs(*parameter.defaultValue, target, *type, parameterText(parameter))
                    : std::nullopt;
  const bool isDone = value.has_value();
  target.declare(parameter.name, isDone ? std::move(*value) : Value::ofError());
  return isDone;
}

bool Evaluator::bindParameters(llvm::ArrayRef<ast::Parameter> parameters,
                               llvm::ArrayRef<ast::Argument> arguments, const Scope &scope,
                               Scope &target, SourceRange at, llvm::StringRef callee) {
  Assignment assignment{std::vector<const ast::Argument *>(parameters.size())};
  std::size_t position = 0;
  for (const ast::Argument &argument : arguments) {
    std::size_t index = position;
    if (argument.name.isValid()) {
      const auto *found = llvm::find_if(parameters, [&](const ast::Parameter &parameter) {
        return parameter.name.text == argument.name.text;
      });
      index = static_cast<std::size_t>(found - parameters.begin());
    } else {
      ++position;
    }
    if (index < parameters.size() && !assignment.byParameter[index]) {
      assignment.byParameter[index] = &argument;
      continue;
    }
    assignment.isComplete = false;
    if (index < parameters.size()) {
      report(DiagnosticCode::GivenTwice,
             argument.name.isValid() ? argument.name.range : argument.value->range,
             parameters[index].name.text);
    } else if (argument.name.isValid()) {
      std::vector<std::string_view> candidates;
      for (const ast::Parameter &parameter : parameters)
        candidates.emplace_back(parameter.name.text);
      auto builder = report(DiagnosticCode::UnknownParameter, argument.name.range, callee,
                            "parameter", argument.name.text);
      if (const auto nearest = nearestName(argument.name.text, candidates); !nearest.empty())
        builder.note({}, fmt::format("did you mean '{}'?", nearest))
            .fixIt(argument.name.range, std::string(nearest));
    } else {
      report(DiagnosticCode::ArgumentCount, argument.value->range, callee,
             fmt::format("{} argument{}", parameters.size(), parameters.size() == 1 ? "" : "s"),
             arguments.size());
    }
  }
  bool isDone = assignment.isComplete;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ast::Parameter &parameter = parameters[i];
    const ast::Argument *argument = assignment.byParameter[i];
    if (!argument) {
      if (assignment.isComplete || parameter.defaultValue)
        isDone &= bindDefault(parameter, target, at, callee);
      else
        target.declare(parameter.name, Value::ofError());
      continue;
    }
    // The type's names are those that the declaration sees, the argument's those of the caller.
    const auto type = resolveType(parameter.type, target);
    auto value =
        type ? evaluateAs(*argument->value, scope, *type, parameterText(parameter)) : std::nullopt;
    isDone &= value.has_value();
    target.declare(parameter.name, value ? std::move(*value) : Value::ofError());
  }
  return isDone;
}

//===--- Calls --------------------------------------------------------------------------------===//

std::optional<Value> Evaluator::call(const ast::CallExpr &expr, const Scope &scope) {
  const Symbol *symbol = symbolOf(*expr.callee, scope);
  if (symbol && symbol->kind == Symbol::Kind::Declaration) {
    if (const auto *function = ast::dynCast<ast::FunctionDeclaration>(symbol->declaration)) {
      Scope arguments(symbol->home);
      if (!bindParameters(function->parameters, expr.arguments, scope, arguments, expr.range,
                          fmt::format("function '{}'", function->name.text.str())))
        return std::nullopt;
      std::vector<Value> values;
      for (const Scope::Entry &entry : arguments.entries())
        values.push_back(entry.second.value);
      return callFunction(*function, *symbol->home, values, expr.range);
    }
  }
  if (const auto *name = ast::dynCast<ast::NameExpr>(expr.callee))
    if (const builtins::Function *function = builtins::findFunction(name->name))
      return callBuiltin(*function, expr, scope);
  // What is left is a route, perhaps a member of an instance, or a mistake.
  const bool isUnknownName = !symbol && expr.callee->kind == ast::ExprKind::Name;
  if (isUnknownName) {
    const llvm::StringRef callee = ast::cast<ast::NameExpr>(*expr.callee).name;
    std::vector<std::string_view> candidates;
    for (const builtins::Function &function : builtins::functions())
      candidates.emplace_back(function.name);
    std::string nearest = scope.nearest(callee);
    if (nearest.empty())
      nearest = std::string(nearestName(callee, candidates));
    auto builder = report(DiagnosticCode::UnknownName, expr.callee->range, "function", callee);
    if (!nearest.empty())
      builder.note({}, fmt::format("did you mean '{}'?", nearest))
          .fixIt(expr.callee->range, nearest);
    return std::nullopt;
  }
  const std::optional<Value> callee = evaluate(*expr.callee, scope);
  if (!callee)
    return std::nullopt;
  if (callee->is(Kind::Route))
    return callRoute(*callee, expr, scope);
  report(DiagnosticCode::CannotBeCalled, expr.callee->range, callee->typeName());
  return std::nullopt;
}

std::optional<Value> Evaluator::callRoute(const Value &route, const ast::CallExpr &expr,
                                          const Scope &scope) {
  const ast::RouteStatement &declaration = route.route();
  const std::string callee = fmt::format("route '{}'", declaration.name.text.str());
  Scope arguments(&route.routeHome());
  if (!bindParameters(declaration.parameters, expr.arguments, scope, arguments, expr.range, callee))
    return std::nullopt;
  const auto channels = evaluate(*declaration.channels, arguments);
  if (!channels)
    return std::nullopt;
  const auto isChannel = [](const Value &value) {
    return value.is(Kind::Object) && value.objectClass() == arch::ObjectClass::Channel;
  };
  if ((channels->is(Kind::List) || channels->is(Kind::Array)) &&
      llvm::all_of(channels->elements(), isChannel))
    return channels;
  report(DiagnosticCode::WrongType, declaration.channels->range, callee, "a list of Channels",
         channels->typeName());
  return std::nullopt;
}

std::optional<Value> Evaluator::callFunction(const ast::FunctionDeclaration &function,
                                             const Scope &home, llvm::ArrayRef<Value> arguments,
                                             SourceRange at) {
  ACADLC_CHECK(arguments.size() == function.parameters.size(), "a call with missing arguments");
  const ActivityScope activity(
      *this, {"function", function.name.text, function.name.range, &function, steps_});
  if (activity.isRecursive()) {
    report(DiagnosticCode::RecursiveFunction, at, function.name.text)
        .note(function.name.range, "declared here");
    return std::nullopt;
  }
  if (!step(at))
    return std::nullopt;
  Scope scope(&home);
  for (std::size_t i = 0; i < arguments.size(); ++i)
    scope.declare(function.parameters[i].name, arguments[i]);
  ExpectedType resultType;
  if (function.result.isValid()) {
    const auto type = resolveType(function.result, home);
    if (!type)
      return std::nullopt;
    resultType = *type;
  }
  const std::string what = fmt::format("the result of '{}'", function.name.text.str());
  if (function.value)
    return evaluateAs(*function.value, scope, resultType, what);
  std::optional<Value> result;
  std::vector<Scope *> scopes{&scope};
  const Flow flow = runBlock(function.body, scope, scopes, result, resultType);
  if (flow == Flow::Next)
    report(DiagnosticCode::NoResult, at, function.name.text)
        .note(function.name.range, "declared here");
  return flow == Flow::Return ? result : std::nullopt;
}

//===--- Statements of functions --------------------------------------------------------------===//

Evaluator::Flow Evaluator::runBlock(ast::Block block, Scope &scope, std::vector<Scope *> &scopes,
                                    std::optional<Value> &result, const ExpectedType &resultType) {
  scopes.push_back(&scope);
  Flow flow = Flow::Next;
  for (const ast::Statement *statement : block) {
    flow = runStatement(*statement, scopes, result, resultType);
    if (flow != Flow::Next)
      break;
  }
  scopes.pop_back();
  return flow;
}

bool Evaluator::assign(const ast::AssignStatement &statement, const std::vector<Scope *> &scopes) {
  const std::optional<Value> value = evaluate(*statement.value, *scopes.back());
  if (!value)
    return false;
  for (Scope *scope : llvm::reverse(scopes))
    if (Symbol *symbol = scope->findMutable(statement.name.text)) {
      symbol->value = *value;
      return true;
    }
  report(DiagnosticCode::UnknownName, statement.name.range, "name", statement.name.text)
      .note({}, "only names bound by 'let' in the same function can be assigned to");
  return false;
}

Evaluator::Flow Evaluator::runStatement(const ast::Statement &statement,
                                        std::vector<Scope *> &scopes, std::optional<Value> &result,
                                        const ExpectedType &resultType) {
  const auto next = [](bool isDone) { return isDone ? Flow::Next : Flow::Failed; };
  Scope &scope = *scopes.back();
  switch (statement.kind) {
  case StatementKind::Let:
    return next(let(ast::cast<ast::LetStatement>(statement), scope));
  case StatementKind::Assign:
    return next(assign(ast::cast<ast::AssignStatement>(statement), scopes));
  case StatementKind::Require:
    return next(require(ast::cast<ast::RequireStatement>(statement), scope).value_or(false));
  case StatementKind::Return:
    result = evaluateAs(*ast::cast<ast::ReturnStatement>(statement).value, scope, resultType,
                        "the returned value");
    return result ? Flow::Return : Flow::Failed;
  case StatementKind::If: {
    const auto &branch = ast::cast<ast::IfStatement>(statement);
    const std::optional<bool> condition = evaluateBool(*branch.condition, scope);
    if (!condition)
      return Flow::Failed;
    Scope inner(&scope);
    return runBlock(*condition ? branch.thenBlock : branch.elseBlock, inner, scopes, result,
                    resultType);
  }
  case StatementKind::For: {
    const auto &loop = ast::cast<ast::ForStatement>(statement);
    Flow flow = Flow::Next;
    const bool isDone = forEach(loop.loops, scope, loop.headerRange, [&](Scope &inner) {
      flow = runBlock(loop.body, inner, scopes, result, resultType);
      return flow == Flow::Next;
    });
    return isDone || flow != Flow::Next ? flow : Flow::Failed;
  }
  default:
    throw InternalError("a statement that functions don't have");
  }
}

//===--- Shared statements --------------------------------------------------------------------===//

bool Evaluator::let(const ast::LetStatement &statement, Scope &scope) {
  bool isDone = true;
  for (const ast::Binding &binding : statement.bindings) {
    std::optional<Value> value;
    if (!binding.type.isValid())
      value = evaluate(*binding.value, scope);
    else if (const auto type = resolveType(binding.type, scope))
      value =
          evaluateAs(*binding.value, scope, *type, fmt::format("'{}'", binding.name.text.str()));
    isDone &= value.has_value();
    if (!scope.declare(binding.name, value ? std::move(*value) : Value::ofError())) {
      report(DiagnosticCode::DuplicateName, binding.name.range, binding.name.text)
          .note(scope.findLocal(binding.name.text)->range, "the first is here");
      isDone = false;
    }
  }
  return isDone;
}

namespace {
/// Whether \p expr means something only beside the other operand: `os` in `flow == os`.
bool isEnumeratorAlone(const ast::Expr &expr, const Scope &scope) {
  const auto *name = ast::dynCast<ast::NameExpr>(&expr);
  return name && !scope.find(name->name);
}
} // namespace

std::optional<bool> Evaluator::require(const ast::RequireStatement &statement, const Scope &scope) {
  const std::optional<bool> holds = evaluateBool(*statement.condition, scope, "what is required");
  if (!holds || *holds)
    return holds;
  auto builder = report(DiagnosticCode::RequirementFailed, statement.condition->range,
                        statement.message.empty() ? "the condition is false" : statement.message);
  // The numbers that made it fail: the operands of a comparison.
  const auto *comparison = ast::dynCast<ast::BinaryExpr>(statement.condition);
  const bool isComparison = comparison && comparison->op != ast::BinaryOperator::And &&
                            comparison->op != ast::BinaryOperator::Or;
  if (!isComparison || isEnumeratorAlone(*comparison->left, scope) ||
      isEnumeratorAlone(*comparison->right, scope))
    return false;
  const auto left = evaluate(*comparison->left, scope);
  const auto right = evaluate(*comparison->right, scope);
  if (left && right)
    builder.note({}, fmt::format("{} {} {} does not hold", left->text(),
                                 ast::spelling(comparison->op).str(), right->text()));
  return false;
}

bool Evaluator::forEach(llvm::ArrayRef<ast::LoopHeader> loops, const Scope &scope, SourceRange at,
                        llvm::function_ref<bool(Scope &)> body) {
  const ActivityScope activity(*this, {"loop", {}, at, nullptr, steps_});
  Scope inner(&scope);
  return forEachFrom(loops, inner, body);
}

bool Evaluator::forEachFrom(llvm::ArrayRef<ast::LoopHeader> loops, Scope &scope,
                            llvm::function_ref<bool(Scope &)> body) {
  if (loops.empty()) {
    // Names that the body declares are those of one iteration.
    const std::size_t mark = scope.mark();
    const bool goesOn = body(scope);
    scope.rewind(mark);
    return goesOn;
  }
  const ast::LoopHeader &header = loops.front();
  std::optional<Value> iterated = evaluate(*header.iterated, scope);
  if (iterated)
    iterated = known(std::move(*iterated), *header.iterated);
  if (!iterated)
    return false;
  const auto inner = [&] { return forEachFrom(loops.drop_front(), scope, body); };
  const std::size_t mark = scope.mark();
  bool isDone = true;
  if (iterated->is(Kind::Range)) {
    isDone = forEachInRange(header, *iterated, scope, inner);
  } else if (iterated->is(Kind::List) || iterated->is(Kind::Array)) {
    if (header.step) {
      report(DiagnosticCode::WrongType, header.step->range, "'step'", "a loop over a range",
             "one over a " + iterated->typeName());
      return false;
    }
    for (const Value &element : iterated->elements()) {
      if (!step(header.name.range) || element.is(Kind::Error)) {
        isDone = false;
        break;
      }
      scope.set(header.name, element);
      isDone = inner();
      if (!isDone)
        break;
    }
  } else {
    report(DiagnosticCode::WrongType, header.iterated->range, "what a loop runs over",
           "a range or a list", iterated->typeName());
    return false;
  }
  scope.rewind(mark);
  return isDone;
}

bool Evaluator::forEachInRange(const ast::LoopHeader &header, const Value &range, Scope &scope,
                               llvm::function_ref<bool()> body) {
  std::int64_t stride = 1;
  if (header.step) {
    std::optional<Value> value = evaluate(*header.step, scope);
    if (value)
      value = known(std::move(*value), *header.step);
    if (!value)
      return false;
    if (!value->is(Kind::Int) || value->dimension() != range.dimension()) {
      report(DiagnosticCode::WrongType, header.step->range, "the step of a loop",
             range.dimension().isNone() ? "int" : range.dimension().name(), value->typeName());
      return false;
    }
    stride = value->asInt();
    if (stride <= 0) {
      report(DiagnosticCode::NonPositiveStep, header.step->range, value->text());
      return false;
    }
  }
  for (std::int64_t i = range.rangeLow(); i < range.rangeHigh();) {
    if (!step(header.name.range))
      return false;
    scope.set(header.name, Value::ofInt(i, range.dimension()));
    if (!body())
      return false;
    const auto following = checkedAdd(i, stride);
    if (!following)
      break; // beyond every 64-bit bound
    i = *following;
  }
  return true;
}

} // namespace acadlc
