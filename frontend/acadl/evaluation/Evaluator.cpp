#include "frontend/acadl/evaluation/Evaluator.h"

#include "frontend/acadl/evaluation/EvaluatorActivity.h"
#include "frontend/acadl/evaluation/Module.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <cmath>

namespace acadlc {

using Kind = Value::Kind;
using ast::ExprKind;

//===--- Limits -------------------------------------------------------------------------------===//

bool Evaluator::step(SourceRange at) {
  if (isExhausted_)
    return false;
  if (++steps_ <= limits_.steps)
    return true;
  reportExhausted(at);
  return false;
}

void Evaluator::reportExhausted(SourceRange at) {
  isExhausted_ = true;
  // To blame is the innermost activity that took most of the steps: the loop that never ends, not
  // the one around it that ran once.
  const Activity *culprit = nullptr;
  for (const Activity &activity : activities_)
    if (!culprit || steps_ - activity.stepsBefore >= limits_.steps / 2)
      culprit = &activity;
  if (!culprit) {
    report(DiagnosticCode::EvaluationLimit, at, "the evaluation", limits_.steps, "steps");
    return;
  }
  const std::string what = culprit->name.empty()
                               ? fmt::format("this {}", culprit->kind)
                               : fmt::format("{} '{}'", culprit->kind, culprit->name.str());
  report(DiagnosticCode::EvaluationLimit, culprit->range, what, limits_.steps, "steps")
      .note(at, "the limit was reached here");
}

//===--- Expressions --------------------------------------------------------------------------===//

std::optional<Value> Evaluator::evaluate(const ast::Expr &expr, const Scope &scope,
                                         const ExpectedType *expected) {
  if (!step(expr.range))
    return std::nullopt;
  if (depth_ >= limits_.depth) {
    report(DiagnosticCode::EvaluationLimit, expr.range, "the nesting of calls and operators",
           limits_.depth, "levels");
    return std::nullopt;
  }
  ++depth_;
  std::optional<Value> value = evaluateKind(expr, scope, expected);
  --depth_;
  return value;
}

std::optional<Value> Evaluator::evaluateKind(const ast::Expr &expr, const Scope &scope,
                                             const ExpectedType *expected) {
  switch (expr.kind) {
  case ExprKind::Error:
    return std::nullopt; // the parser has reported it
  case ExprKind::Number:
    return number(ast::cast<ast::NumberExpr>(expr));
  case ExprKind::String:
    return Value::ofString(ast::cast<ast::StringExpr>(expr).value);
  case ExprKind::Bool:
    return Value::ofBool(ast::cast<ast::BoolExpr>(expr).value);
  case ExprKind::Name:
    return name(ast::cast<ast::NameExpr>(expr), scope, expected);
  case ExprKind::Member:
    return memberExpression(ast::cast<ast::MemberExpr>(expr), scope);
  case ExprKind::Index:
    return indexExpression(ast::cast<ast::IndexExpr>(expr), scope);
  case ExprKind::Call:
    return call(ast::cast<ast::CallExpr>(expr), scope);
  case ExprKind::Unary:
    return unary(ast::cast<ast::UnaryExpr>(expr), scope);
  case ExprKind::Binary:
    return binary(ast::cast<ast::BinaryExpr>(expr), scope);
  case ExprKind::Range:
    return range(ast::cast<ast::RangeExpr>(expr), scope);
  case ExprKind::Conditional: {
    const auto &conditional = ast::cast<ast::ConditionalExpr>(expr);
    const std::optional<bool> condition = evaluateBool(*conditional.condition, scope);
    if (!condition)
      return std::nullopt;
    return evaluate(*condition ? *conditional.thenValue : *conditional.elseValue, scope, expected);
  }
  case ExprKind::List:
    return list(ast::cast<ast::ListExpr>(expr), scope, expected);
  case ExprKind::Comprehension:
    return comprehension(ast::cast<ast::ComprehensionExpr>(expr), scope);
  case ExprKind::Table:
    return table(ast::cast<ast::TableExpr>(expr), scope, expected);
  }
  throw InternalError("unknown kind of expression");
}

std::optional<Value> Evaluator::evaluateAs(const ast::Expr &expr, const Scope &scope,
                                           const ExpectedType &type, llvm::StringRef what) {
  std::optional<Value> value = evaluate(expr, scope, &type);
  return value ? convert(std::move(*value), type, expr.range, what) : std::nullopt;
}

std::optional<bool> Evaluator::evaluateBool(const ast::Expr &expr, const Scope &scope,
                                            llvm::StringRef what) {
  std::optional<Value> value = evaluate(expr, scope);
  if (value)
    value = known(std::move(*value), expr);
  if (!value)
    return std::nullopt;
  if (value->is(Kind::Bool))
    return value->asBool();
  report(DiagnosticCode::WrongType, expr.range, what.str(), "bool", value->typeName());
  return std::nullopt;
}

std::optional<std::int64_t> Evaluator::evaluateInt(const ast::Expr &expr, const Scope &scope,
                                                   llvm::StringRef what) {
  ExpectedType type;
  type.kind = ExpectedType::Kind::Int;
  type.name = "int";
  std::optional<Value> value = evaluate(expr, scope);
  if (value)
    value = known(std::move(*value), expr);
  if (value)
    value = convert(std::move(*value), type, expr.range, what);
  return value ? std::optional(value->asInt()) : std::nullopt;
}

std::optional<Value> Evaluator::known(Value value, const ast::Expr &at) {
  if (!value.is(Kind::Symbolic))
    return value;
  ACADLC_CHECK(symbolic_, "a symbolic value without its arithmetic");
  return symbolic_->requireKnown(value, at);
}

std::optional<Value> Evaluator::number(const ast::NumberExpr &expr) {
  if (!expr.unit.isValid())
    return expr.isInteger ? Value::ofInt(expr.integer) : Value::ofReal(expr.real);
  const builtins::Unit *unit = builtins::findUnit(expr.unit.text);
  if (!unit) {
    report(DiagnosticCode::UnknownUnit, expr.unit.range, expr.unit.text);
    return std::nullopt;
  }
  if (!unit->isWhole())
    return Value::ofReal(expr.real * unit->factor, unit->dimension);
  if (expr.isInteger) {
    if (const auto base = checkedMul(expr.integer, unit->wholeFactor))
      return Value::ofInt(*base, unit->dimension);
    return overflow(expr.range, "the quantity");
  }
  // 0.5 KiB is a whole number of bits.
  const double base = expr.real * unit->factor;
  if (std::floor(base) == base && std::abs(base) < 0x1p62)
    return Value::ofInt(static_cast<std::int64_t>(base), unit->dimension);
  return Value::ofReal(base, unit->dimension);
}

//===--- Names --------------------------------------------------------------------------------===//

std::optional<Value> Evaluator::name(const ast::NameExpr &expr, const Scope &scope,
                                     const ExpectedType *expected) {
  if (expected && expected->kind == ExpectedType::Kind::Enum)
    for (std::uint32_t i = 0; i < expected->enumeration->enumerators.size(); ++i)
      if (expected->enumeration->enumerators[i].text == expr.name)
        return Value::ofEnumerator(*expected->enumeration, i);
  if (const Symbol *symbol = scope.find(expr.name))
    return symbolValue(*symbol, expr.name, expr.range);
  auto builder = report(DiagnosticCode::UnknownName, expr.range, "name", expr.name);
  const std::string nearest = scope.nearest(expr.name);
  if (!nearest.empty())
    builder.note({}, fmt::format("did you mean '{}'?", nearest)).fixIt(expr.range, nearest);
  return std::nullopt;
}

namespace {

std::string_view declarationKindName(ast::DeclarationKind kind) {
  switch (kind) {
  case ast::DeclarationKind::Import:
    return "import";
  case ast::DeclarationKind::Enum:
    return "enum";
  case ast::DeclarationKind::Constant:
    return "constant";
  case ast::DeclarationKind::Function:
    return "function";
  case ast::DeclarationKind::Instruction:
    return "instruction";
  case ast::DeclarationKind::Template:
    return "template";
  case ast::DeclarationKind::Architecture:
    return "architecture";
  case ast::DeclarationKind::Mapping:
    return "mapping";
  case ast::DeclarationKind::Program:
    return "program";
  case ast::DeclarationKind::Prefer:
    return "preference";
  case ast::DeclarationKind::Experiment:
    return "experiment";
  case ast::DeclarationKind::Scalar:
    return "scalar code";
  }
  throw InternalError("unknown kind of declaration");
}

} // namespace

std::optional<Value> Evaluator::symbolValue(const Symbol &symbol, llvm::StringRef name,
                                            SourceRange at) {
  if (symbol.kind == Symbol::Kind::Value) {
    if (symbol.value.is(Kind::Error))
      return std::nullopt;
    return symbol.value;
  }
  if (const auto *declaration = ast::dynCast<ast::ConstantDeclaration>(symbol.declaration))
    return constant(*declaration, *symbol.home);
  report(DiagnosticCode::NameWithoutValue, at,
         symbol.kind == Symbol::Kind::Module ? "imported file"
                                             : declarationKindName(symbol.declaration->kind),
         name)
      .note(symbol.range, "declared here");
  return std::nullopt;
}

std::optional<Value> Evaluator::constant(const ast::ConstantDeclaration &constant,
                                         const Scope &home) {
  if (const auto found = constants_.find(&constant); found != constants_.end())
    return found->second;
  const ActivityScope activity(
      *this, {"constant", constant.name.text, constant.name.range, &constant, steps_});
  if (activity.isRecursive()) {
    report(DiagnosticCode::RecursiveConstant, constant.name.range, constant.name.text);
    return std::nullopt;
  }
  std::optional<Value> value;
  if (!constant.type.isValid()) {
    value = evaluate(*constant.value, home);
  } else if (const auto type = resolveType(constant.type, home)) {
    value = evaluateAs(*constant.value, home, *type,
                       fmt::format("constant '{}'", constant.name.text.str()));
  }
  constants_[&constant] = value;
  return value;
}

const Symbol *Evaluator::symbolOf(const ast::Expr &expr, const Scope &scope) const {
  if (const auto *name = ast::dynCast<ast::NameExpr>(&expr))
    return scope.find(name->name);
  if (const auto *member = ast::dynCast<ast::MemberExpr>(&expr)) {
    const Symbol *object = symbolOf(*member->object, scope);
    if (object && object->kind == Symbol::Kind::Module)
      return object->home->findLocal(member->member.text);
  }
  return nullptr;
}

std::optional<Value> Evaluator::memberExpression(const ast::MemberExpr &expr, const Scope &scope) {
  if (const Symbol *symbol = symbolOf(expr, scope))
    return symbolValue(*symbol, expr.member.text, expr.range);
  const Symbol *object = symbolOf(*expr.object, scope);
  if (object && object->kind == Symbol::Kind::Module) {
    auto builder = report(DiagnosticCode::UnknownMember, expr.member.range, "the imported file",
                          expr.member.text);
    if (const std::string nearest = object->home->nearest(expr.member.text); !nearest.empty())
      builder.note({}, fmt::format("did you mean '{}'?", nearest))
          .fixIt(expr.member.range, nearest);
    return std::nullopt;
  }
  if (object)
    if (const auto *enumeration = ast::dynCast<ast::EnumDeclaration>(object->declaration))
      return enumerator(*enumeration, expr.member);
  const std::optional<Value> value = evaluate(*expr.object, scope);
  return value ? member(*value, expr.member) : std::nullopt;
}

std::optional<Value> Evaluator::enumerator(const ast::EnumDeclaration &enumeration,
                                           const ast::Identifier &name) {
  std::vector<std::string_view> candidates;
  for (std::uint32_t i = 0; i < enumeration.enumerators.size(); ++i) {
    if (enumeration.enumerators[i].text == name.text)
      return Value::ofEnumerator(enumeration, i);
    candidates.emplace_back(enumeration.enumerators[i].text);
  }
  auto builder = report(DiagnosticCode::UnknownMember, name.range,
                        fmt::format("enum '{}'", enumeration.name.text.str()), name.text);
  if (const std::string_view nearest = nearestName(name.text, candidates); !nearest.empty())
    builder.note({}, fmt::format("did you mean '{}'?", nearest))
        .fixIt(name.range, std::string(nearest));
  return std::nullopt;
}

std::optional<Value> Evaluator::member(const Value &object, const ast::Identifier &name) {
  std::vector<std::string_view> candidates;
  if (const Scope *members = object.members()) {
    if (const Symbol *symbol = members->findLocal(name.text))
      return symbolValue(*symbol, name.text, name.range);
    for (const Scope::Entry &entry : members->entries())
      candidates.emplace_back(entry.first);
  } else if (object.is(Kind::Table)) {
    for (const auto &[key, value] : object.entries()) {
      if (name.text == key)
        return value;
      candidates.emplace_back(key);
    }
  }
  auto builder = report(DiagnosticCode::UnknownMember, name.range,
                        "a value of type " + object.typeName(), name.text);
  if (object.is(Kind::Array))
    builder.note({}, "it is an array: choose an element with [index] first");
  else if (const std::string_view nearest = nearestName(name.text, candidates); !nearest.empty())
    builder.note({}, fmt::format("did you mean '{}'?", nearest))
        .fixIt(name.range, std::string(nearest));
  return std::nullopt;
}

//===--- Elements -----------------------------------------------------------------------------===//

std::optional<Value> Evaluator::indexExpression(const ast::IndexExpr &expr, const Scope &scope) {
  std::optional<Value> value = evaluate(*expr.object, scope);
  for (const ast::Expr *indexExpr : expr.indices) {
    if (!value)
      return std::nullopt;
    std::optional<Value> index = evaluate(*indexExpr, scope);
    if (index)
      index = known(std::move(*index), *indexExpr);
    if (!index)
      return std::nullopt;
    value = element(*value, *index, indexExpr->range);
  }
  return value;
}

std::optional<Value> Evaluator::element(const Value &object, const Value &index, SourceRange at) {
  if (object.is(Kind::Table) && index.is(Kind::String)) {
    for (const auto &[key, value] : object.entries())
      if (index.asString() == key)
        return value;
    report(DiagnosticCode::UnknownMember, at, "the table", index.asString());
    return std::nullopt;
  }
  if (!object.is(Kind::List) && !object.is(Kind::Array)) {
    report(DiagnosticCode::WrongType, at, "what is indexed", "a list or an array",
           object.typeName());
    return std::nullopt;
  }
  if (!index.isPlainInt()) {
    report(DiagnosticCode::WrongType, at, "an index", "int", index.typeName());
    return std::nullopt;
  }
  const llvm::ArrayRef<Value> elements = object.elements();
  const std::int64_t position = index.asInt();
  if (position < 0 || position >= static_cast<std::int64_t>(elements.size())) {
    report(DiagnosticCode::IndexOutOfRange, at, position, object.is(Kind::List) ? "list" : "array",
           elements.size());
    return std::nullopt;
  }
  if (elements[position].is(Kind::Error))
    return std::nullopt;
  return elements[position];
}

std::optional<Value> Evaluator::range(const ast::RangeExpr &expr, const Scope &scope) {
  std::optional<Value> low = evaluate(*expr.low, scope);
  std::optional<Value> high = evaluate(*expr.high, scope);
  if (low)
    low = known(std::move(*low), *expr.low);
  if (high)
    high = known(std::move(*high), *expr.high);
  if (!low || !high)
    return std::nullopt;
  for (const auto &[end, at] : {std::pair(&*low, expr.low), {&*high, expr.high}})
    if (!end->is(Kind::Int)) {
      report(DiagnosticCode::WrongType, at->range, "an end of a range", "int", end->typeName());
      return std::nullopt;
    }
  if (low->dimension() != high->dimension()) {
    report(DiagnosticCode::UnitMismatch, expr.range, "..", low->typeName(), high->typeName());
    return std::nullopt;
  }
  return Value::ofRange(low->asInt(), high->asInt(), low->dimension());
}

std::optional<Value> Evaluator::list(const ast::ListExpr &expr, const Scope &scope,
                                     const ExpectedType *expected) {
  const ExpectedType *element =
      expected && expected->kind == ExpectedType::Kind::List ? expected->element.get() : nullptr;
  std::vector<Value> elements;
  elements.reserve(expr.elements.size());
  for (const ast::Expr *elementExpr : expr.elements) {
    std::optional<Value> value = evaluate(*elementExpr, scope, element);
    if (!value)
      return std::nullopt;
    elements.push_back(std::move(*value));
  }
  return Value::ofList(std::move(elements));
}

std::optional<Value> Evaluator::comprehension(const ast::ComprehensionExpr &expr,
                                              const Scope &scope) {
  std::vector<Value> elements;
  const bool done = forEach(expr.loops, scope, expr.range, [&](Scope &inner) {
    std::optional<Value> value = evaluate(*expr.value, inner);
    if (value)
      elements.push_back(std::move(*value));
    return value.has_value();
  });
  return done ? std::optional(Value::ofList(std::move(elements))) : std::nullopt;
}

std::optional<Value> Evaluator::table(const ast::TableExpr &expr, const Scope &scope,
                                      const ExpectedType *expected) {
  const ExpectedType *element =
      expected && expected->kind == ExpectedType::Kind::Table ? expected->element.get() : nullptr;
  std::vector<std::pair<std::string, Value>> entries;
  for (const ast::TableEntry &entry : expr.entries) {
    std::optional<Value> value = evaluate(*entry.value, scope, element);
    if (!value)
      return std::nullopt;
    for (const auto &[key, other] : entries)
      if (entry.key.text == key) {
        report(DiagnosticCode::StatedTwice, entry.key.range, key);
        return std::nullopt;
      }
    entries.emplace_back(entry.key.text.str(), std::move(*value));
  }
  return Value::ofTable(std::move(entries));
}

//===--- Logic --------------------------------------------------------------------------------===//

std::optional<Value> Evaluator::logic(const ast::BinaryExpr &expr, const Scope &scope) {
  const std::string what = fmt::format("an operand of '{}'", ast::spelling(expr.op).str());
  const std::optional<bool> left = evaluateBool(*expr.left, scope, what);
  if (!left)
    return std::nullopt;
  if (*left == (expr.op == ast::BinaryOperator::Or))
    return Value::ofBool(*left);
  const std::optional<bool> right = evaluateBool(*expr.right, scope, what);
  return right ? std::optional(Value::ofBool(*right)) : std::nullopt;
}

std::optional<Value> Evaluator::binary(const ast::BinaryExpr &expr, const Scope &scope) {
  if (expr.op == ast::BinaryOperator::And || expr.op == ast::BinaryOperator::Or)
    return logic(expr, scope);
  const bool isEquality =
      expr.op == ast::BinaryOperator::Equal || expr.op == ast::BinaryOperator::NotEqual;
  // `flow == os`: what one side is says what enumerators the other may name.
  ExpectedType hint;
  const auto expectLike = [&](const Value &value) -> const ExpectedType * {
    if (!isEquality || !value.is(Kind::Enumerator))
      return nullptr;
    hint.kind = ExpectedType::Kind::Enum;
    hint.enumeration = &value.enumeration();
    return &hint;
  };
  std::optional<Value> left;
  std::optional<Value> right;
  const bool leftIsBare = isEquality && expr.left->kind == ExprKind::Name &&
                          !scope.find(ast::cast<ast::NameExpr>(*expr.left).name);
  if (leftIsBare) {
    right = evaluate(*expr.right, scope);
    left = right ? evaluate(*expr.left, scope, expectLike(*right)) : std::nullopt;
  } else {
    left = evaluate(*expr.left, scope);
    right = left ? evaluate(*expr.right, scope, expectLike(*left)) : std::nullopt;
  }
  if (!left || !right)
    return std::nullopt;
  if (left->is(Kind::Symbolic) || right->is(Kind::Symbolic)) {
    ACADLC_CHECK(symbolic_, "a symbolic value without its arithmetic");
    return symbolic_->binary(expr.op, *left, *right, expr);
  }
  switch (expr.op) {
  case ast::BinaryOperator::Add:
  case ast::BinaryOperator::Subtract:
  case ast::BinaryOperator::Multiply:
  case ast::BinaryOperator::Divide:
  case ast::BinaryOperator::Modulo:
    return arithmetic(expr, *left, *right);
  default:
    return comparison(expr, *left, *right);
  }
}

std::optional<Value> Evaluator::unary(const ast::UnaryExpr &expr, const Scope &scope) {
  if (expr.op == ast::UnaryOperator::Not) {
    const std::optional<bool> operand = evaluateBool(*expr.operand, scope, "the operand of 'not'");
    return operand ? std::optional(Value::ofBool(!*operand)) : std::nullopt;
  }
  const std::optional<Value> operand = evaluate(*expr.operand, scope);
  if (!operand)
    return std::nullopt;
  if (operand->is(Kind::Symbolic)) {
    ACADLC_CHECK(symbolic_, "a symbolic value without its arithmetic");
    return symbolic_->negate(*operand, expr);
  }
  if (operand->is(Kind::Real))
    return Value::ofReal(-operand->asReal(), operand->dimension());
  if (!operand->is(Kind::Int)) {
    report(DiagnosticCode::WrongType, expr.operand->range, "the operand of '-'", "a number",
           operand->typeName());
    return std::nullopt;
  }
  if (const auto result = checkedSub(0, operand->asInt()))
    return Value::ofInt(*result, operand->dimension());
  return overflow(expr.range, "the result of '-'");
}

} // namespace acadlc
