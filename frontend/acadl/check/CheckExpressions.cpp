#include "frontend/acadl/check/CheckExpressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace acadlc::checking {

using ast::ExprKind;
using llvm::StringRef;
using Kind = Type::Kind;

//===--- Wanted types -------------------------------------------------------------------------===//

Type Expressions::checkAs(const ast::Expr *expr, Names &names, const Type &wanted,
                          const std::string &what, SourceRange declared) {
  const Type found = check(expr, names, &wanted);
  if (!expr || !require(*expr, found, wanted, what, declared))
    return {};
  return found;
}

bool Expressions::require(const ast::Expr &expr, const Type &found, const Type &wanted,
                          const std::string &what, SourceRange declared) {
  if (isAssignable(found, wanted))
    return true;
  if (found.isNumber() && found.dimension.isNone() && wanted.isNumber() &&
      !wanted.dimension.isNone()) {
    reportBareNumber(expr, wanted, what, declared);
    return false;
  }
  auto report =
      diagnostics_.report(DiagnosticCode::WrongType, expr.range, what, wanted.text(), found.text());
  if (found.is(Kind::Real) && wanted.is(Kind::Int) && found.dimension == wanted.dimension)
    report.note({}, "'ceil', 'floor' and 'round' make whole numbers of it");
  if (found.isNumber() && wanted.isNumber() && wanted.dimension.isNone() &&
      !found.dimension.isNone())
    report.note({}, fmt::format("'value(…, {})' gives the bare number", found.dimension.name()));
  if (declared.isValid())
    report.note(declared, "declared here");
  return false;
}

std::string withUnit(const ast::Expr &expr, StringRef unit, StringRef text) {
  // `cycles` is what several are; of one it is `1 cycle`.
  const StringRef singular = unit.ends_with("s") && unit.size() > 2 ? unit.drop_back() : unit;
  if (const auto *number = ast::dynCast<ast::NumberExpr>(&expr)) {
    const bool isOne = number->isInteger && number->integer == 1;
    return fmt::format("{} {}", text.str(), (isOne ? singular : unit).str());
  }
  const bool isTight = expr.kind == ExprKind::Name || expr.kind == ExprKind::Member ||
                       expr.kind == ExprKind::Index || expr.kind == ExprKind::Call;
  return fmt::format("{0}{1}{2} * 1 {3}", isTight ? "" : "(", text.str(), isTight ? "" : ")",
                     singular.str());
}

namespace {

/// The unit to propose for quantities of \p dimension; empty for those without a name.
StringRef unitFor(Dimension dimension) {
  if (dimension == builtins::cyclesDimension)
    return "cycles";
  if (dimension == builtins::bitsDimension)
    return "bits";
  if (dimension == builtins::wordsDimension)
    return "words";
  if (dimension == builtins::secondsDimension)
    return "s";
  return dimension == builtins::hertzDimension ? "Hz" : "";
}

std::string counted(std::size_t count, StringRef noun) {
  return fmt::format("{} {}{}", count, noun.str(), count == 1 ? "" : "s");
}

} // namespace

void Expressions::reportBareNumber(const ast::Expr &expr, const Type &wanted,
                                   const std::string &what, SourceRange declared) {
  const StringRef unit = wanted.unit.empty() ? unitFor(wanted.dimension) : wanted.unit;
  auto report = diagnostics_.report(DiagnosticCode::BareNumber, expr.range, what, wanted.text());
  if (!unit.empty())
    report.fixIt(expr.range,
                 withUnit(expr, unit, checker_.compilation().sources().textOf(expr.range)));
  if (declared.isValid())
    report.note(declared, "declared here");
}

bool Expressions::requireNumber(const ast::Expr &expr, const Type &type, const std::string &what) {
  if (type.isError())
    return false;
  if (type.isNumber())
    return true;
  diagnostics_.report(DiagnosticCode::WrongType, expr.range, what, "a number", type.text());
  return false;
}

//===--- Statements that many blocks have -----------------------------------------------------===//

void Expressions::checkRequire(const ast::RequireStatement &statement, Names &names) {
  checkAs(statement.condition, names, Type::of(Kind::Bool), "'require'");
}

void Expressions::checkLet(const ast::LetStatement &statement, Names &names) {
  for (const ast::Binding &binding : statement.bindings) {
    Type type;
    if (binding.type.isValid()) {
      type = resolveType(binding.type, names);
      checkAs(binding.value, names, type, fmt::format("'{}'", binding.name.text.str()),
              binding.type.range);
    } else {
      type = check(binding.value, names);
    }
    Name name{.text = binding.name.text,
              .range = binding.name.range,
              .kind = Name::Kind::Let,
              .type = type};
    // In a structure the name has been announced: it becomes visible now.
    Name *announced = names.findLocal(name.text);
    if (announced && announced->range == name.range) {
      announced->type = type;
      announced->isVisible = true;
    } else {
      declare(diagnostics_, names, name);
    }
  }
}

void Expressions::checkLoops(llvm::ArrayRef<ast::LoopHeader> loops, Names &inner) {
  for (const ast::LoopHeader &loop : loops) {
    const Type iterated = check(loop.iterated, inner);
    Type element;
    if (iterated.is(Kind::Range)) {
      element = Type::number(false, iterated.dimension);
      element.unit = iterated.unit;
      if (loop.step)
        checkAs(loop.step, inner, element, "'step'");
    } else if (iterated.is(Kind::List) || iterated.is(Kind::Array)) {
      element = iterated.elementType();
      if (loop.step) {
        check(loop.step, inner);
        diagnostics_.report(DiagnosticCode::StepWithoutRange, loop.step->range, iterated.text());
      }
    } else {
      if (!iterated.isError())
        diagnostics_.report(DiagnosticCode::NotIterable, loop.iterated->range, iterated.text());
      check(loop.step, inner);
    }
    declare(diagnostics_, inner,
            {.text = loop.name.text,
             .range = loop.name.range,
             .kind = Name::Kind::LoopVariable,
             .type = element});
  }
}

//===--- Parameters and arguments -------------------------------------------------------------===//

void Expressions::checkParameters(llvm::ArrayRef<ast::Parameter> parameters, Names &names) {
  for (const ast::Parameter &parameter : parameters) {
    const Type type = resolveType(parameter.type, names);
    if (parameter.defaultValue)
      checkAs(parameter.defaultValue, names, type,
              fmt::format("parameter '{}'", parameter.name.text.str()), parameter.type.range);
    declare(diagnostics_, names,
            {.text = parameter.name.text,
             .range = parameter.name.range,
             .kind = Name::Kind::Parameter,
             .type = type});
  }
}

void Expressions::checkArguments(llvm::ArrayRef<ast::Parameter> parameters,
                                 llvm::ArrayRef<ast::Argument> arguments, Names &names,
                                 Names &typeNames, SourceRange at, const std::string &callee,
                                 SourceRange declared) {
  std::vector<bool> given(parameters.size());
  std::size_t position = 0;
  bool isTooMany = false;
  bool isMisspelt = false; // what seems to be missing is most likely there
  for (const ast::Argument &argument : arguments) {
    std::size_t index = position;
    if (argument.name.isValid()) {
      index = static_cast<std::size_t>(llvm::find_if(parameters,
                                                     [&](const ast::Parameter &p) {
                                                       return p.name.text == argument.name.text;
                                                     }) -
                                       parameters.begin());
      if (index == parameters.size()) {
        auto report = diagnostics_.report(DiagnosticCode::UnknownParameter, argument.name.range,
                                          callee, "parameter", argument.name.text);
        std::vector<std::string_view> candidates;
        for (const ast::Parameter &parameter : parameters)
          candidates.push_back(parameter.name.text);
        suggest(report, argument.name, candidates);
        report.note(declared, "declared here");
      }
    } else {
      ++position;
    }
    if (index >= parameters.size()) {
      check(argument.value, names);
      isTooMany |= !argument.name.isValid();
      isMisspelt |= argument.name.isValid();
      continue;
    }
    const ast::Parameter &parameter = parameters[index];
    if (given[index])
      diagnostics_.report(DiagnosticCode::GivenTwice,
                          argument.name.isValid() ? argument.name.range
                          : argument.value        ? argument.value->range
                                                  : at,
                          parameter.name.text);
    given[index] = true;
    checkAs(argument.value, names, quietType(parameter.type, typeNames.module()),
            fmt::format("parameter '{}'", parameter.name.text.str()), parameter.name.range);
  }
  if (isTooMany)
    diagnostics_
        .report(DiagnosticCode::ArgumentCount, at, callee, counted(parameters.size(), "argument"),
                position)
        .note(declared, "declared here");
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (!given[i] && !parameters[i].defaultValue && parameters[i].name.isValid())
      missing.push_back(parameters[i].name.text.str());
  if (!missing.empty() && !isTooMany && !isMisspelt)
    diagnostics_
        .report(DiagnosticCode::ArgumentNotGiven, at, callee, joinNames(missing, "and", true))
        .note(declared, "declared here");
}

//===--- Named types --------------------------------------------------------------------------===//

namespace {

const ast::EnumDeclaration *findEnum(const ast::QualifiedName &name, const Module &module) {
  return module.scope ? resolveAs<ast::EnumDeclaration>(name, *module.scope) : nullptr;
}

/// The type that a name without `<…>` means, if any.
std::optional<Type> simpleType(const ast::QualifiedName &name, const Module &module) {
  if (name.parts.size() == 1)
    if (const builtins::ValueType *type = builtins::findValueType(name.parts[0].text))
      return Type::ofBuiltin(*type);
  if (const ast::EnumDeclaration *enumeration = findEnum(name, module))
    return Type::ofEnum(*enumeration);
  return std::nullopt;
}

bool isContainer(const ast::TypeRef &type) {
  return type.name.parts.size() == 1 &&
         (type.name.parts[0].text == "list" || type.name.parts[0].text == "table");
}

void reportUnknownType(DiagnosticEngine &diagnostics, const ast::QualifiedName &name,
                       const Module &module) {
  std::string text;
  for (const ast::Identifier &part : name.parts)
    text += (text.empty() ? "" : ".") + part.text.str();
  auto report = diagnostics.report(DiagnosticCode::UnknownType, name.range, text);
  std::vector<std::string_view> candidates{"list", "table"};
  for (const builtins::ValueType &type : builtins::valueTypes())
    candidates.push_back(type.name);
  for (const Scope *scope = module.scope.get(); scope; scope = scope->parent())
    for (const Scope::Entry &entry : scope->entries())
      if (ast::dynCast<ast::EnumDeclaration>(entry.second.declaration))
        candidates.push_back(entry.first);
  if (name.parts.size() == 1)
    suggest(report, name.parts[0], candidates);
}

} // namespace

Type Expressions::quietType(const ast::TypeRef &type, const Module &module) {
  if (!type.isValid() || type.name.parts.empty())
    return {};
  if (!isContainer(type))
    return simpleType(type.name, module).value_or(Type{});
  Type element;
  if (type.element.isValid())
    element = simpleType(qualified(type.element), module).value_or(Type{});
  return type.name.parts[0].text == "list" ? Type::listOf(element) : Type::tableOf(element);
}

Type Expressions::resolveType(const ast::TypeRef &type, Names &names) {
  if (!type.isValid() || type.name.parts.empty() || !type.name.parts[0].isValid())
    return {};
  const Module &module = names.module();
  if (isContainer(type)) {
    if (type.element.isValid() && !simpleType(qualified(type.element), module))
      reportUnknownType(diagnostics_, qualified(type.element), module);
    else if (!type.element.isValid())
      diagnostics_.report(DiagnosticCode::MissingElementType, type.range, type.name.parts[0].text);
  } else if (!simpleType(type.name, module)) {
    reportUnknownType(diagnostics_, type.name, module);
  } else if (type.element.isValid()) {
    diagnostics_.report(DiagnosticCode::MisplacedElementType, type.element.range,
                        type.name.parts.back().text);
  }
  return quietType(type, module);
}

//===--- Expressions --------------------------------------------------------------------------===//

Type Expressions::check(const ast::Expr *expr, Names &names, const Type *expected) {
  const Checker::Depth depth(checker_);
  // Trees that deep are refused by the evaluator.
  if (!expr || depth.isTooDeep())
    return {};
  return checkKind(*expr, names, expected);
}

Type Expressions::checkKind(const ast::Expr &expr, Names &names, const Type *expected) {
  switch (expr.kind) {
  case ExprKind::Error:
    return {};
  case ExprKind::Number:
    return checkNumber(ast::cast<ast::NumberExpr>(expr));
  case ExprKind::String:
    return Type::of(Kind::String);
  case ExprKind::Bool:
    return Type::of(Kind::Bool);
  case ExprKind::Name:
    return checkName(ast::cast<ast::NameExpr>(expr), names, expected);
  case ExprKind::Member:
    return checkMember(ast::cast<ast::MemberExpr>(expr), names);
  case ExprKind::Index:
    return checkIndex(ast::cast<ast::IndexExpr>(expr), names);
  case ExprKind::Call:
    return checkCall(ast::cast<ast::CallExpr>(expr), names);
  case ExprKind::Unary:
    return checkUnary(ast::cast<ast::UnaryExpr>(expr), names);
  case ExprKind::Binary:
    return checkBinary(ast::cast<ast::BinaryExpr>(expr), names);
  case ExprKind::Range:
    return checkRange(ast::cast<ast::RangeExpr>(expr), names);
  case ExprKind::Conditional:
    return checkConditional(ast::cast<ast::ConditionalExpr>(expr), names, expected);
  case ExprKind::List:
    return checkList(ast::cast<ast::ListExpr>(expr), names, expected);
  case ExprKind::Comprehension:
    return checkComprehension(ast::cast<ast::ComprehensionExpr>(expr), names, expected);
  case ExprKind::Table:
    return checkTable(ast::cast<ast::TableExpr>(expr), names, expected);
  }
  return {};
}

Type Expressions::checkNumber(const ast::NumberExpr &expr) {
  if (!expr.unit.isValid())
    return Type::number(!expr.isInteger);
  const builtins::Unit *unit = builtins::findUnit(expr.unit.text);
  if (!unit) {
    auto report = diagnostics_.report(DiagnosticCode::UnknownUnit, expr.unit.range, expr.unit.text);
    std::vector<std::string_view> candidates;
    for (const builtins::Unit &known : builtins::units())
      candidates.push_back(known.name);
    suggest(report, expr.unit, candidates);
    return {};
  }
  if (unit->isWhole() && !expr.isInteger) {
    const double base = expr.real * unit->factor;
    if (std::floor(base) != base) {
      diagnostics_.report(DiagnosticCode::NotWhole, expr.range,
                          checker_.compilation().sources().textOf(expr.range),
                          unit->dimension.name());
      return {};
    }
  }
  Type type = Type::number(!unit->isWhole(), unit->dimension);
  if (unit->dimension == builtins::bitsDimension && unit->factor != 1)
    type.unit = "bytes";
  return type;
}

//===--- Names --------------------------------------------------------------------------------===//

Type Expressions::checkName(const ast::NameExpr &expr, Names &names, const Type *expected) {
  if (expr.name.empty())
    return {};
  // Where an enum is wanted its enumerators win, as in the evaluator.
  if (expected && expected->is(Kind::Enum))
    for (const ast::Identifier &enumerator : expected->enumeration->enumerators)
      if (enumerator.text == expr.name)
        return *expected;
  if (Name *name = names.find(expr.name))
    return checkLocal(expr, *name, names);
  if (const Symbol *symbol = names.findGlobal(expr.name))
    return checkGlobal(*symbol, expr.name, expr.range);
  return reportUnknownName(expr, names, expected);
}

Type Expressions::checkLocal(const ast::NameExpr &expr, Name &name, const Names &names) {
  name.isUsed = true;
  switch (name.kind) {
  case Name::Kind::Declaration:
    diagnostics_
        .report(DiagnosticCode::NameWithoutValue, expr.range,
                declarationWord(name.declaration->kind), name.text)
        .note(name.range, "declared here");
    return {};
  case Name::Kind::HeaderIndex:
    diagnostics_.report(DiagnosticCode::IndexWithoutValue, expr.range, name.text)
        .note(name.range, "an index of the header");
    return {};
  case Name::Kind::EpilogueFunction:
    diagnostics_
        .report(DiagnosticCode::NameWithoutValue, expr.range, "function of the epilogue", name.text)
        .note(name.range, fmt::format("'present({})' says whether it is there", name.text.str()));
    return {};
  default:
    break;
  }
  if (!name.isVisible && !names.isDeferred()) {
    diagnostics_.report(DiagnosticCode::UsedBeforeDeclaration, expr.range, name.text)
        .note(name.range, "declared here");
    return {};
  }
  return name.type;
}

Type Expressions::checkGlobal(const Symbol &symbol, StringRef text, SourceRange range) {
  if (const auto *constant = ast::dynCast<ast::ConstantDeclaration>(symbol.declaration))
    return checker_.constantType(*constant, range, diagnostics_);
  if (symbol.kind == Symbol::Kind::Value)
    return {};
  diagnostics_
      .report(DiagnosticCode::NameWithoutValue, range,
              symbol.kind == Symbol::Kind::Module ? StringRef("imported file")
                                                  : declarationWord(symbol.declaration->kind),
              text)
      .note(symbol.range, "declared here");
  return {};
}

Type Expressions::reportUnknownName(const ast::NameExpr &expr, const Names &names,
                                    const Type *expected) {
  const ast::Identifier word{expr.name, expr.range};
  if (expected && expected->is(Kind::Enum)) {
    llvm::SmallVector<StringRef> allowed;
    for (const ast::Identifier &enumerator : expected->enumeration->enumerators)
      allowed.push_back(enumerator.text);
    reportUnknownWord(diagnostics_, word, "enumerator of " + expected->enumeration->name.text.str(),
                      allowed);
    return {};
  }
  auto report = diagnostics_.report(DiagnosticCode::UnknownName, expr.range, "name", expr.name);
  if (builtins::findUnit(expr.name)) {
    report.note({}, "a unit follows a number")
        .fixIt(expr.range, fmt::format("1 {}", expr.name.str()));
    return {};
  }
  suggest(report, word, names.all());
  return {};
}

//===--- Members ------------------------------------------------------------------------------===//

const Symbol *Expressions::symbolOf(const ast::Expr &expr, Names &names) {
  if (const auto *name = ast::dynCast<ast::NameExpr>(&expr))
    return names.find(name->name) ? nullptr : names.findGlobal(name->name);
  const auto *member = ast::dynCast<ast::MemberExpr>(&expr);
  if (!member || !member->object || member->object->kind != ExprKind::Name)
    return nullptr; // a module's names are one level deep
  const Symbol *object = symbolOf(*member->object, names);
  return object && object->kind == Symbol::Kind::Module
             ? object->home->findLocal(member->member.text)
             : nullptr;
}

Type Expressions::checkMember(const ast::MemberExpr &expr, Names &names) {
  if (!expr.object)
    return {};
  if (const Symbol *symbol = symbolOf(expr, names))
    return checkGlobal(*symbol, expr.member.text, expr.range);
  if (const Symbol *object = symbolOf(*expr.object, names)) {
    if (object->kind == Symbol::Kind::Module)
      return memberOfModule(*object, expr.member);
    if (const auto *enumeration = ast::dynCast<ast::EnumDeclaration>(object->declaration))
      return memberOfEnum(*enumeration, expr.member);
  }
  const Type object = check(expr.object, names);
  if (object.isError() || !expr.member.isValid())
    return {};
  switch (object.kind) {
  case Kind::Instance:
    return memberOfInstance(object, expr.member);
  case Kind::Table:
    return memberOfTable(object, expr.member);
  case Kind::Object:
    return memberOfRegisterFile(object, expr.member);
  case Kind::MemoryOperand:
    if (llvm::is_contained(builtins::memoryOperandMembers(), expr.member.text))
      return Type::quantity(builtins::bitsDimension, "bytes");
    return unknownMember(object, expr.member, {"bytes"});
  case Kind::Tensor:
    if (object.tensor == nullptr || object.tensor->role == Tensor::Role::Buffer)
      return unknownMember(object, expr.member, {});
    if (expr.member.text == "shape")
      return Type::listOf(Type::number(false));
    return unknownMember(object, expr.member, {"shape"});
  default:
    return unknownMember(object, expr.member, {});
  }
}

Type Expressions::unknownMember(const Type &object, const ast::Identifier &member,
                                const std::vector<std::string_view> &candidates) {
  auto report =
      diagnostics_.report(DiagnosticCode::UnknownMember, member.range, object.text(), member.text);
  suggest(report, member, candidates);
  if (object.is(Kind::Array))
    report.note({}, "an index in brackets chooses one of them");
  return {};
}

Type Expressions::memberOfModule(const Symbol &module, const ast::Identifier &member) {
  if (!member.isValid())
    return {};
  auto report = diagnostics_.report(DiagnosticCode::UnknownMember, member.range,
                                    "the imported file", member.text);
  std::vector<std::string_view> candidates;
  for (const Scope::Entry &entry : module.home->entries())
    candidates.push_back(entry.first);
  suggest(report, member, candidates);
  return {};
}

Type Expressions::memberOfEnum(const ast::EnumDeclaration &enumeration,
                               const ast::Identifier &member) {
  llvm::SmallVector<StringRef> allowed;
  for (const ast::Identifier &enumerator : enumeration.enumerators)
    allowed.push_back(enumerator.text);
  if (member.isValid() && !llvm::is_contained(allowed, member.text))
    reportUnknownWord(diagnostics_, member, "enumerator of " + enumeration.name.text.str(),
                      allowed);
  return Type::ofEnum(enumeration);
}

namespace {

/// Ports, also those of arrays, have another direction outside of their template.
Type seenFromOutside(Type type) {
  if (type.is(Kind::Array) && type.element)
    return Type::arrayOf(seenFromOutside(*type.element));
  type.isPortInside = false;
  return type;
}

} // namespace

Type Expressions::memberOfInstance(const Type &object, const ast::Identifier &member) {
  StructureInfo &info = checker_.structure(*object.structure);
  Name *name = info.names ? info.names->findLocal(member.text) : nullptr;
  if (name && name->kind != Name::Kind::Declaration) {
    name->isUsed = true;
    return seenFromOutside(name->type);
  }
  // While a template is under way not all of its members are known.
  if (info.progress != Progress::Done)
    return {};
  std::vector<std::string_view> candidates;
  for (const Name &known : info.names->own())
    if (known.kind != Name::Kind::Declaration)
      candidates.push_back(known.text);
  auto report =
      diagnostics_.report(DiagnosticCode::UnknownMember, member.range, object.text(), member.text);
  suggest(report, member, candidates);
  if (const auto inner = info.inner.find(member.text); inner != info.inner.end())
    report.note(inner->second, "declared in a block: visible there alone");
  else
    report.note(object.structure->name.range, "declared here");
  return {};
}

namespace {

/// The name and the bounds of an entry of `registers = [a, r[4]]`.
struct RegisterEntry {
  ast::Identifier name;
  std::size_t dimensions = 0;
};
std::optional<RegisterEntry> registerEntry(const ast::Expr *expr) {
  std::size_t dimensions = 0;
  while (const auto *index = ast::dynCast<ast::IndexExpr>(expr)) {
    dimensions += index->indices.size();
    expr = index->object;
  }
  const auto *name = ast::dynCast<ast::NameExpr>(expr);
  if (!name)
    return std::nullopt;
  return RegisterEntry{{name->name, name->range}, dimensions};
}

const ast::Expr *attributeOf(const ast::ObjectStatement *object, StringRef attribute) {
  if (object)
    for (const ast::Attribute &given : object->attributes)
      if (given.name.text == attribute)
        return given.value;
  return nullptr;
}

} // namespace

Type Expressions::memberOfRegisterFile(const Type &object, const ast::Identifier &member) {
  if (!object.objectClass)
    return {};
  if (object.objectClass->objectClass != arch::ObjectClass::RegisterFile)
    return unknownMember(object, member, {});
  const auto *registers = ast::dynCast<ast::ListExpr>(attributeOf(object.object, "registers"));
  if (!registers)
    return {}; // nothing is known of the registers
  std::vector<std::string_view> candidates;
  for (const ast::Expr *expr : registers->elements) {
    const std::optional<RegisterEntry> entry = registerEntry(expr);
    if (!entry)
      return {};
    if (entry->name.text == member.text) {
      Type type = Type::of(Kind::Register);
      for (std::size_t i = 0; i < entry->dimensions; ++i)
        type = Type::arrayOf(type);
      return type;
    }
    candidates.push_back(entry->name.text);
  }
  return unknownMember(object, member, candidates);
}

Type Expressions::memberOfTable(const Type &object, const ast::Identifier &member) {
  if (!object.table)
    return object.elementType();
  std::vector<std::string_view> candidates;
  for (const ast::TableEntry &entry : object.table->entries) {
    if (entry.key.text == member.text)
      return object.elementType();
    candidates.push_back(entry.key.text);
  }
  return unknownMember(object, member, candidates);
}

//===--- Indices ------------------------------------------------------------------------------===//

Type Expressions::checkIndex(const ast::IndexExpr &expr, Names &names) {
  const Type object = check(expr.object, names);
  if (object.is(Kind::Tensor) && object.tensor)
    return checkTensorIndex(expr, *object.tensor, names);
  if (object.is(Kind::Object) && object.objectClass &&
      arch::isStorage(object.objectClass->objectClass))
    return checkStorageIndex(expr, object, names);
  if (object.isError()) {
    for (const ast::Expr *index : expr.indices)
      check(index, names);
    return {};
  }
  // A part of a `mem` operand, in the expansion of an instruction.
  if (object.is(Kind::MemoryOperand)) {
    for (const ast::Expr *index : expr.indices)
      check(index, names);
    return Type::of(Kind::MemoryRange);
  }
  return checkElement(expr, object, names);
}

Type Expressions::checkElement(const ast::IndexExpr &expr, Type object, Names &names) {
  for (const ast::Expr *index : expr.indices) {
    if (object.is(Kind::Table)) {
      checkAs(index, names, Type::of(Kind::String), "an index of a table");
    } else if (object.is(Kind::List) || object.is(Kind::Array)) {
      checkAs(index, names, Type::number(false), "an index");
    } else {
      check(index, names);
      if (!object.isError())
        diagnostics_.report(DiagnosticCode::NotIndexable, index ? index->range : expr.range,
                            object.text());
      return {};
    }
    object = object.elementType();
  }
  return object;
}

Type Expressions::checkTensorIndex(const ast::IndexExpr &expr, const Tensor &tensor, Names &names) {
  for (const ast::Expr *index : expr.indices) {
    const Type type = check(index, names);
    if (!index || (type.is(Kind::Range) && type.dimension.isNone()))
      continue;
    require(*index, type, Type::number(false), fmt::format("an index of '{}'", tensor.name.str()));
  }
  if (expr.indices.size() != tensor.rank)
    diagnostics_
        .report(DiagnosticCode::IndexCount, expr.range, tensor.name,
                tensor.rank == 1 ? std::string("1 index") : fmt::format("{} indices", tensor.rank),
                expr.indices.size())
        .note(tensor.range, "declared here");
  Type type = Type::of(Kind::MemoryRange);
  type.tensor = &tensor;
  return type;
}

Type Expressions::checkStorageIndex(const ast::IndexExpr &expr, const Type &object, Names &names) {
  if (expr.indices.size() != 1) {
    for (const ast::Expr *index : expr.indices)
      check(index, names);
    diagnostics_.report(DiagnosticCode::NotIndexable, expr.range, object.text())
        .note({}, "bytes of a storage are one range: 'memory[0x100 .. 0x140]'");
    return {};
  }
  const Type index = check(expr.indices[0], names);
  if (!index.isError() && !index.is(Kind::Range))
    diagnostics_.report(DiagnosticCode::WrongType, expr.indices[0]->range, "bytes of a storage",
                        "a range of addresses", index.text());
  return Type::of(Kind::MemoryRange);
}

//===--- Calls --------------------------------------------------------------------------------===//

namespace {

void checkAll(Expressions &expressions, llvm::ArrayRef<ast::Argument> arguments, Names &names) {
  for (const ast::Argument &argument : arguments)
    expressions.check(argument.value, names);
}

} // namespace

Type Expressions::checkCall(const ast::CallExpr &expr, Names &names) {
  const auto *name = ast::dynCast<ast::NameExpr>(expr.callee);
  if (!name) {
    const Symbol *symbol = expr.callee ? symbolOf(*expr.callee, names) : nullptr;
    if (symbol)
      if (const auto *function = ast::dynCast<ast::FunctionDeclaration>(symbol->declaration))
        return callFunction(expr, *function, nullptr, names);
    const Type callee = check(expr.callee, names);
    if (callee.is(Kind::Route) && callee.route)
      return callRoute(expr, *callee.route, names);
    checkAll(*this, expr.arguments, names);
    if (!callee.isError())
      diagnostics_.report(DiagnosticCode::CannotBeCalled, expr.callee->range, callee.text());
    return {};
  }
  if (Name *local = names.find(name->name)) {
    if (const auto *function = ast::dynCast<ast::FunctionDeclaration>(local->declaration)) {
      local->isUsed = true;
      Names *home = &names;
      while (home && home->findLocal(name->name) != local)
        home = home->parent();
      return callFunction(expr, *function, home, names);
    }
    if (local->type.is(Kind::Route) && local->type.route) {
      local->isUsed = true;
      return callRoute(expr, *local->type.route, names);
    }
  } else if (const Symbol *symbol = names.findGlobal(name->name)) {
    if (const auto *function = ast::dynCast<ast::FunctionDeclaration>(symbol->declaration))
      return callFunction(expr, *function, nullptr, names);
  } else if (const builtins::Function *function = builtins::findFunction(name->name)) {
    return callBuiltin(expr, *function, names);
  } else {
    checkAll(*this, expr.arguments, names);
    auto report =
        diagnostics_.report(DiagnosticCode::UnknownName, name->range, "function", name->name);
    std::vector<std::string_view> candidates = names.all();
    for (const builtins::Function &known : builtins::functions())
      candidates.push_back(known.name);
    suggest(report, {name->name, name->range}, candidates);
    return {};
  }
  const Type callee = check(expr.callee, names);
  checkAll(*this, expr.arguments, names);
  if (!callee.isError())
    diagnostics_.report(DiagnosticCode::CannotBeCalled, name->range, callee.text());
  return {};
}

Type Expressions::callFunction(const ast::CallExpr &expr, const ast::FunctionDeclaration &function,
                               Names *home, Names &names) {
  Names global(home ? home->module() : checker_.moduleOf(function));
  checkArguments(function.parameters, expr.arguments, names, global, expr.callee->range,
                 fmt::format("function '{}'", function.name.text.str()), function.name.range);
  return checker_.functionResult(function, home, expr.callee->range, diagnostics_);
}

Type Expressions::callRoute(const ast::CallExpr &expr, const ast::RouteStatement &route,
                            Names &names) {
  checkArguments(route.parameters, expr.arguments, names, names, expr.callee->range,
                 fmt::format("route '{}'", route.name.text.str()), route.name.range);
  Type channel = Type::of(Kind::Object);
  channel.objectClass = &builtins::classInfo(arch::ObjectClass::Channel);
  return Type::listOf(channel);
}

Type Expressions::callBuiltin(const ast::CallExpr &expr, const builtins::Function &function,
                              Names &names) {
  for (const ast::Argument &argument : expr.arguments)
    if (argument.name.isValid())
      diagnostics_.report(DiagnosticCode::UnknownParameter, argument.name.range,
                          fmt::format("function '{}'", function.name.str()), "named parameter",
                          argument.name.text);
  const std::size_t count = expr.arguments.size();
  if (count < function.minArguments || count > function.maxArguments) {
    const bool isFixed = function.minArguments == function.maxArguments;
    diagnostics_.report(DiagnosticCode::ArgumentCount, expr.callee->range,
                        fmt::format("function '{}'", function.name.str()),
                        (isFixed ? "" : "at least ") + counted(function.minArguments, "argument"),
                        count);
    checkAll(*this, expr.arguments, names);
    return {};
  }
  if (function.rule == builtins::FunctionRule::Value)
    return checkValueFunction(expr, names);
  if (function.rule == builtins::FunctionRule::Present)
    return checkPresent(expr, names);
  llvm::SmallVector<Type> types;
  bool isKnown = true;
  for (const ast::Argument &argument : expr.arguments) {
    types.push_back(check(argument.value, names));
    isKnown &= !types.back().isError();
  }
  return isKnown ? builtinResult(expr, function, types) : Type{};
}

Type Expressions::checkValueFunction(const ast::CallExpr &expr, Names &names) {
  const ast::Expr *quantity = expr.arguments[0].value;
  const ast::Expr *unitExpr = expr.arguments[1].value;
  const Type type = check(quantity, names);
  const auto *name = ast::dynCast<ast::NameExpr>(unitExpr);
  const builtins::Unit *unit = name ? builtins::findUnit(name->name) : nullptr;
  if (!unit) {
    if (name) {
      auto report = diagnostics_.report(DiagnosticCode::UnknownUnit, name->range, name->name);
      std::vector<std::string_view> candidates;
      for (const builtins::Unit &known : builtins::units())
        candidates.push_back(known.name);
      suggest(report, {name->name, name->range}, candidates);
    } else if (unitExpr && unitExpr->kind != ExprKind::Error) {
      diagnostics_.report(DiagnosticCode::WrongType, unitExpr->range,
                          "the second argument of 'value'", "the name of a unit", "an expression");
    }
    return {};
  }
  if (!quantity || type.isError() ||
      !require(*quantity, type, Type::number(true, unit->dimension), "'value'"))
    return {};
  return Type::number(type.is(Kind::Real) || !unit->isWhole());
}

Type Expressions::checkPresent(const ast::CallExpr &expr, Names &names) {
  const auto *argument = ast::dynCast<ast::NameExpr>(expr.arguments[0].value);
  if (!argument) {
    if (expr.arguments[0].value && expr.arguments[0].value->kind != ExprKind::Error)
      diagnostics_.report(DiagnosticCode::WrongType, expr.arguments[0].value->range, "'present'",
                          "the name of a step of the epilogue", "an expression");
    return Type::of(Kind::Bool);
  }
  const auto isStep = [](const Name &name) {
    return name.kind == Name::Kind::EpilogueFunction ||
           (name.type.is(Kind::Tensor) && name.type.tensor &&
            name.type.tensor->role == Tensor::Role::Epilogue);
  };
  if (const Name *name = names.find(argument->name); name && isStep(*name))
    return Type::of(Kind::Bool);
  std::vector<std::string_view> candidates;
  for (Names *block = &names; block; block = block->parent())
    for (const Name &name : block->own())
      if (isStep(name))
        candidates.push_back(name.text);
  auto report = diagnostics_.report(DiagnosticCode::UnknownName, argument->range,
                                    "step of the epilogue", argument->name);
  suggest(report, {argument->name, argument->range}, candidates);
  return Type::of(Kind::Bool);
}

Type Expressions::builtinResult(const ast::CallExpr &expr, const builtins::Function &function,
                                llvm::ArrayRef<Type> types) {
  using enum builtins::FunctionRule;
  const std::string what = fmt::format("function '{}'", function.name.str());
  const ast::Expr &first = *expr.arguments[0].value;
  const Type &type = types[0];
  switch (function.rule) {
  case SameKind: {
    Type result = type;
    for (std::size_t i = 0; i < types.size(); ++i) {
      const ast::Expr &argument = *expr.arguments[i].value;
      if (!requireNumber(argument, types[i], what))
        return {};
      if (types[i].dimension != result.dimension) {
        diagnostics_.report(DiagnosticCode::UnitMismatch, argument.range, function.name,
                            result.text(), types[i].text());
        return {};
      }
      if (types[i].is(Kind::Real))
        result.kind = Kind::Real;
    }
    return result;
  }
  case Magnitude:
    return requireNumber(first, type, what) ? type : Type{};
  case CeilDivide: {
    const ast::Expr &second = *expr.arguments[1].value;
    for (const auto &[argument, at] : {std::pair(&type, &first), {&types[1], &second}})
      if (!argument->is(Kind::Int)) {
        diagnostics_.report(DiagnosticCode::WrongType, at->range, what, "whole numbers",
                            argument->text());
        return {};
      }
    return Type::number(false, type.dimension / types[1].dimension);
  }
  case Round:
    if (!requireNumber(first, type, what))
      return {};
    return Type::number(false, type.dimension);
  case WholeToInt:
  case WholeToBool:
    if (!require(first, type, Type::number(false), what))
      return {};
    return function.rule == WholeToInt ? Type::number(false) : Type::of(Kind::Bool);
  case SquareRoot:
    return require(first, type, Type::number(true), what) ? Type::number(true) : Type{};
  case Length:
    if (type.is(Kind::List) || type.is(Kind::Table) || type.is(Kind::Array))
      return Type::number(false);
    diagnostics_.report(DiagnosticCode::WrongType, first.range, what, "a list", type.text());
    return {};
  case Sum:
    if (!type.is(Kind::List)) {
      diagnostics_.report(DiagnosticCode::WrongType, first.range, what, "a list of numbers",
                          type.text());
      return {};
    }
    return requireNumber(first, type.elementType(), "each element for " + what) ? type.elementType()
                                                                                : Type{};
  case ToInt:
    if (type.is(Kind::Bool))
      return Type::number(false);
    return require(first, type, Type::number(true), what) ? Type::number(false) : Type{};
  case ToReal:
    return requireNumber(first, type, what) ? Type::number(true, type.dimension) : Type{};
  case Contains:
    if (!type.is(Kind::List)) {
      diagnostics_.report(DiagnosticCode::WrongType, first.range, what, "a list", type.text());
      return {};
    }
    require(*expr.arguments[1].value, types[1], type.elementType(), what);
    return Type::of(Kind::Bool);
  case Value:
  case Present:
    break; // take no values; handled by the caller
  }
  return {};
}

//===--- Operators ----------------------------------------------------------------------------===//

Type Expressions::checkUnary(const ast::UnaryExpr &expr, Names &names) {
  if (expr.op == ast::UnaryOperator::Not) {
    checkAs(expr.operand, names, Type::of(Kind::Bool), "'not'");
    return Type::of(Kind::Bool);
  }
  const Type type = check(expr.operand, names);
  return expr.operand && requireNumber(*expr.operand, type, "'-'") ? type : Type{};
}

Type Expressions::checkBinary(const ast::BinaryExpr &expr, Names &names) {
  using enum ast::BinaryOperator;
  if (!expr.left || !expr.right)
    return {};
  if (expr.op == And || expr.op == Or) {
    const std::string what = fmt::format("'{}'", expr.op == And ? "and" : "or");
    checkAs(expr.left, names, Type::of(Kind::Bool), what);
    checkAs(expr.right, names, Type::of(Kind::Bool), what);
    return Type::of(Kind::Bool);
  }
  const bool isEquality = expr.op == Equal || expr.op == NotEqual;
  const auto *bare = ast::dynCast<ast::NameExpr>(expr.left);
  Type left;
  Type right;
  // `os == flow`: the other side says which enumerators there are.
  if (isEquality && bare && !names.find(bare->name) && !names.findGlobal(bare->name)) {
    right = check(expr.right, names);
    left = check(expr.left, names, &right);
  } else {
    left = check(expr.left, names);
    right = check(expr.right, names, isEquality ? &left : nullptr);
  }
  switch (expr.op) {
  case Add:
  case Subtract:
  case Multiply:
  case Divide:
  case Modulo:
    return checkArithmetic(expr, left, right);
  default:
    return checkComparison(expr, left, right);
  }
}

bool Expressions::checkSameUnit(const ast::BinaryExpr &expr, const Type &left, const Type &right) {
  if (left.dimension == right.dimension)
    return true;
  auto report = diagnostics_.report(DiagnosticCode::UnitMismatch, expr.operatorRange,
                                    ast::spelling(expr.op), left.text(), right.text());
  // A bare literal most likely lacks its unit.
  const bool isLeftBare = left.dimension.isNone() && expr.left->kind == ExprKind::Number;
  const bool isRightBare = right.dimension.isNone() && expr.right->kind == ExprKind::Number;
  if (!isLeftBare && !isRightBare)
    return false;
  const ast::Expr &bare = isLeftBare ? *expr.left : *expr.right;
  const Type &quantity = isLeftBare ? right : left;
  const StringRef unit = quantity.unit.empty() ? unitFor(quantity.dimension) : quantity.unit;
  if (!unit.empty())
    report.fixIt(bare.range,
                 withUnit(bare, unit, checker_.compilation().sources().textOf(bare.range)));
  return false;
}

Type Expressions::checkArithmetic(const ast::BinaryExpr &expr, const Type &left,
                                  const Type &right) {
  using enum ast::BinaryOperator;
  const std::string what = fmt::format("'{}'", ast::spelling(expr.op).str());
  if (!left.isError() && !requireNumber(*expr.left, left, what))
    return {};
  if (!right.isError() && !requireNumber(*expr.right, right, what))
    return {};
  if (left.isError() || right.isError())
    return {};
  Dimension dimension = left.dimension;
  if (expr.op == Multiply)
    dimension = left.dimension * right.dimension;
  else if (expr.op == Divide)
    dimension = left.dimension / right.dimension;
  else if (!checkSameUnit(expr, left, right))
    return {};
  Type type = Type::number(left.is(Kind::Real) || right.is(Kind::Real), dimension);
  // The word that one side was written with is the one to print.
  if (dimension == left.dimension)
    type.unit = left.unit;
  if (dimension == right.dimension && type.unit.empty())
    type.unit = right.unit;
  return type;
}

Type Expressions::checkComparison(const ast::BinaryExpr &expr, const Type &left,
                                  const Type &right) {
  using enum ast::BinaryOperator;
  const Type result = Type::of(Kind::Bool);
  if (expr.op != Equal && expr.op != NotEqual) {
    const std::string what = fmt::format("'{}'", ast::spelling(expr.op).str());
    if ((!left.isError() && !requireNumber(*expr.left, left, what)) ||
        (!right.isError() && !requireNumber(*expr.right, right, what)))
      return result;
  }
  if (left.isError() || right.isError())
    return result;
  if (left.isNumber() && right.isNumber()) {
    checkSameUnit(expr, left, right);
    return result;
  }
  if (!join(left, right))
    diagnostics_.report(DiagnosticCode::MixedTypes, expr.operatorRange,
                        fmt::format("the sides of '{}'", ast::spelling(expr.op).str()), left.text(),
                        right.text());
  return result;
}

//===--- Compound expressions -----------------------------------------------------------------===//

Type Expressions::checkRange(const ast::RangeExpr &expr, Names &names) {
  const Type low = check(expr.low, names);
  const Type high = check(expr.high, names);
  Type type = Type::of(Kind::Range);
  for (const auto &[end, at] : {std::pair(&low, expr.low), {&high, expr.high}})
    if (!end->isError() && !end->is(Kind::Int)) {
      diagnostics_.report(DiagnosticCode::WrongType, at->range, "an end of a range",
                          "a whole number", end->text());
      return type;
    }
  if (low.isError() || high.isError()) {
    const Type &known = low.isError() ? high : low;
    return known.isError() ? Type{} : (type.dimension = known.dimension, type);
  }
  if (low.dimension != high.dimension)
    diagnostics_.report(DiagnosticCode::UnitMismatch, expr.range, "..", low.text(), high.text());
  type.dimension = high.dimension;
  type.unit = high.unit;
  return type;
}

Type Expressions::checkConditional(const ast::ConditionalExpr &expr, Names &names,
                                   const Type *expected) {
  checkAs(expr.condition, names, Type::of(Kind::Bool), "a condition");
  const Type thenType = check(expr.thenValue, names, expected);
  const Type elseType = check(expr.elseValue, names, expected);
  if (const std::optional<Type> type = join(thenType, elseType))
    return *type;
  diagnostics_.report(DiagnosticCode::MixedTypes, expr.elseValue->range, "the values of 'if'",
                      thenType.text(), elseType.text());
  return {};
}

Type Expressions::checkList(const ast::ListExpr &expr, Names &names, const Type *expected) {
  const Type wanted = expected && expected->is(Kind::List) ? expected->elementType() : Type{};
  std::optional<Type> joined = Type{};
  for (const ast::Expr *element : expr.elements) {
    const Type type = check(element, names, &wanted);
    if (!joined)
      continue;
    const std::optional<Type> next = join(*joined, type);
    if (!next)
      diagnostics_.report(DiagnosticCode::MixedTypes, element->range, "the elements of the list",
                          joined->text(), type.text());
    joined = next;
  }
  return Type::listOf(joined.value_or(Type{}));
}

Type Expressions::checkComprehension(const ast::ComprehensionExpr &expr, Names &names,
                                     const Type *expected) {
  const Type wanted = expected && expected->is(Kind::List) ? expected->elementType() : Type{};
  Names inner(names);
  checkLoops(expr.loops, inner);
  return Type::listOf(check(expr.value, inner, &wanted));
}

Type Expressions::checkTable(const ast::TableExpr &expr, Names &names, const Type *expected) {
  const Type wanted = expected && expected->is(Kind::Table) ? expected->elementType() : Type{};
  std::optional<Type> joined = Type{};
  reportRepeatedKeys(diagnostics_, expr);
  for (const ast::TableEntry &entry : expr.entries) {
    const Type type = check(entry.value, names, &wanted);
    if (joined)
      joined = join(*joined, type); // tables of values of several types are legal: nothing is known
  }
  Type type = Type::tableOf(joined.value_or(Type{}));
  type.table = &expr;
  return type;
}

} // namespace acadlc::checking
