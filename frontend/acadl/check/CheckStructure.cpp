// Templates and architectures: objects, ports, routes. Edges stand in CheckEdges.cpp.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckEdges.h"
#include "frontend/acadl/check/CheckExpressions.h"

#include <fmt/format.h>

namespace acadlc::checking {

using ast::StatementKind;
using builtins::AttributeType;
using builtins::ObjectClassInfo;
using llvm::StringRef;
using Kind = Type::Kind;

namespace {

class StructureChecker {
public:
  StructureChecker(Checker &checker, DiagnosticEngine &diagnostics,
                   const ast::StructureDeclaration &structure, StructureInfo &info)
      : checker_(checker), expressions_(checker, diagnostics), diagnostics_(diagnostics),
        structure_(structure), info_(info) {}

  void run() {
    expressions_.checkParameters(structure_.parameters, *info_.names);
    checkBlock(structure_.body, *info_.names, {});
    checkLocalDeclarations();
  }

private:
  /// Where a statement stands.
  struct Place {
    bool isConditional = false;                 ///< in an `if` or `for`
    const ObjectClassInfo *container = nullptr; ///< in its `contains`
  };

  //===--- Names ------------------------------------------------------------------------------===//

  /// Makes the names of a block known before it is read: functions may use those behind them, and
  /// a use that comes too early is told apart from a misspelling.
  /// Units of a stage that is an array are an array of the same shape: \p dimensions.
  void announce(ast::Block block, Names &names, std::size_t dimensions = 0) {
    for (const ast::Statement *statement : block)
      if (statement)
        announce(*statement, names, dimensions);
  }

  void announce(const ast::Statement &statement, Names &names, std::size_t dimensions) {
    switch (statement.kind) {
    case StatementKind::Let:
      for (const ast::Binding &binding : ast::cast<ast::LetStatement>(statement).bindings)
        announce(names, binding.name, Name::Kind::Let, {}, false);
      return;
    case StatementKind::Object: {
      const auto &object = ast::cast<ast::ObjectStatement>(statement);
      for (const ast::Declarator &declarator : object.declarators)
        announce(names, declarator.name, Name::Kind::Object,
                 arrays(objectType(object, names), dimensions + declarator.bounds.size()), false);
      if (!object.declarators.empty())
        announce(object.contents, names, dimensions + object.declarators[0].bounds.size());
      return;
    }
    case StatementKind::Port: {
      const auto &port = ast::cast<ast::PortStatement>(statement);
      Type type = Type::of(Kind::Port);
      type.port = &port;
      type.isPortInside = true;
      for (const ast::Declarator &declarator : port.declarators)
        announce(names, declarator.name, Name::Kind::Port, arrays(type, declarator.bounds.size()),
                 false);
      return;
    }
    case StatementKind::Route: {
      const auto &route = ast::cast<ast::RouteStatement>(statement);
      Type type = Type::of(Kind::Route);
      type.route = &route;
      announce(names, route.name, Name::Kind::Route, type, false);
      return;
    }
    case StatementKind::LocalDeclaration: {
      const ast::Declaration *declaration =
          ast::cast<ast::LocalDeclarationStatement>(statement).declaration;
      if (declaration)
        if (Name *name = announce(names, declaration->name, Name::Kind::Declaration, {}, true))
          name->declaration = declaration;
      return;
    }
    default:
      return;
    }
  }

  Name *announce(Names &names, const ast::Identifier &name, Name::Kind kind, Type type,
                 bool isVisible) {
    if (&names != info_.names.get() && name.isValid())
      info_.inner.try_emplace(name.text, name.range);
    return declare(diagnostics_, names,
                   {.text = name.text,
                    .range = name.range,
                    .kind = kind,
                    .type = std::move(type),
                    .isVisible = isVisible});
  }

  static Type arrays(Type type, std::size_t dimensions) {
    for (std::size_t i = 0; i < dimensions; ++i)
      type = Type::arrayOf(std::move(type));
    return type;
  }

  static void show(Names &names, const ast::Identifier &identifier) {
    if (Name *name = names.findLocal(identifier.text); name && name->range == identifier.range)
      name->isVisible = true;
  }

  static const ObjectClassInfo *classOf(const ast::ObjectStatement &object) {
    return object.type.parts.size() == 1 ? builtins::findClass(object.type.parts[0].text) : nullptr;
  }

  static const ast::TemplateDeclaration *templateOf(const ast::ObjectStatement &object,
                                                    const Names &names) {
    const Scope *scope = names.module().scope.get();
    return scope ? resolveAs<ast::TemplateDeclaration>(object.type, *scope) : nullptr;
  }

  static Type objectType(const ast::ObjectStatement &object, const Names &names) {
    Type type;
    if (const ObjectClassInfo *info = classOf(object)) {
      type = Type::of(Kind::Object);
      type.objectClass = info;
      type.object = &object;
    } else if (const ast::TemplateDeclaration *declaration = templateOf(object, names)) {
      type = Type::of(Kind::Instance);
      type.structure = declaration;
    }
    return type;
  }

  //===--- Statements -------------------------------------------------------------------------===//

  void checkBlock(ast::Block block, Names &names, Place place) {
    announce(block, names);
    checkStatements(block, names, place);
  }

  void checkStatements(ast::Block block, Names &names, Place place) {
    for (const ast::Statement *statement : block)
      if (statement)
        checkStatement(*statement, names, place);
  }

  void checkInnerBlock(ast::Block block, Names &around, Place place) {
    place.isConditional = true;
    Names names(around);
    checkBlock(block, names, place);
    warnUnusedNames(diagnostics_, names, Name::Kind::Let, "value");
  }

  void checkStatement(const ast::Statement &statement, Names &names, Place place) {
    switch (statement.kind) {
    case StatementKind::Let:
      return expressions_.checkLet(ast::cast<ast::LetStatement>(statement), names);
    case StatementKind::Require:
      return expressions_.checkRequire(ast::cast<ast::RequireStatement>(statement), names);
    case StatementKind::For: {
      const auto &loop = ast::cast<ast::ForStatement>(statement);
      Names variables(names);
      expressions_.checkLoops(loop.loops, variables);
      return checkInnerBlock(loop.body, variables, place);
    }
    case StatementKind::If: {
      const auto &branch = ast::cast<ast::IfStatement>(statement);
      expressions_.checkAs(branch.condition, names, Type::of(Kind::Bool), "'if'");
      checkInnerBlock(branch.thenBlock, names, place);
      return checkInnerBlock(branch.elseBlock, names, place);
    }
    case StatementKind::Port:
      return checkPort(ast::cast<ast::PortStatement>(statement), names, place);
    case StatementKind::Object:
      return checkObject(ast::cast<ast::ObjectStatement>(statement), names, place);
    case StatementKind::Edge:
      return checkEdges(expressions_, ast::cast<ast::EdgeStatement>(statement), names);
    case StatementKind::Clock:
      return checkClock(ast::cast<ast::ClockStatement>(statement), names, place);
    case StatementKind::Route:
      return checkRoute(ast::cast<ast::RouteStatement>(statement), names);
    default:
      return; // local declarations are checked when all names are known
    }
  }

  void checkLocalDeclarations() {
    for (const ast::Statement *statement : structure_.body) {
      const auto *local = ast::dynCast<ast::LocalDeclarationStatement>(statement);
      if (!local || !local->declaration)
        continue;
      const ast::Declaration &declaration = *local->declaration;
      if (const auto *function = ast::dynCast<ast::FunctionDeclaration>(&declaration))
        checker_.functionResult(*function, info_.names.get(), declaration.range, diagnostics_);
      else if (const auto *instruction = ast::dynCast<ast::InstructionDeclaration>(&declaration)) {
        checkInstruction(checker_, diagnostics_, *info_.names, *instruction, true);
      }
    }
  }

  void checkPort(const ast::PortStatement &port, Names &names, Place place) {
    for (const ast::Declarator &declarator : port.declarators) {
      checkBounds(declarator, names);
      show(names, declarator.name);
    }
    if (port.edge.isValid() && !llvm::is_contained(builtins::portKinds(), port.edge.text))
      reportUnknownWord(diagnostics_, port.edge, "kind of port", builtins::portKinds());
    const bool isMember = !place.isConditional && !place.container;
    if (!isMember || structure_.kind == ast::DeclarationKind::Architecture)
      for (const ast::Declarator &declarator : port.declarators)
        if (declarator.name.isValid())
          diagnostics_.report(DiagnosticCode::MisplacedPort, declarator.name.range,
                              declarator.name.text);
  }

  void checkClock(const ast::ClockStatement &clock, Names &names, Place place) {
    expressions_.checkAs(clock.frequency, names, Type::quantity(builtins::hertzDimension, "MHz"),
                         "'clock'");
    if (place.isConditional)
      return;
    if (clock_)
      diagnostics_.report(DiagnosticCode::StatedTwice, clock.range, "clock")
          .note(clock_->range, "first here");
    else
      clock_ = &clock;
  }

  void checkRoute(const ast::RouteStatement &route, Names &names) {
    Names parameters(names);
    expressions_.checkParameters(route.parameters, parameters);
    Type channel = Type::of(Kind::Object);
    channel.objectClass = &builtins::classInfo(arch::ObjectClass::Channel);
    expressions_.checkAs(route.channels, parameters, Type::listOf(channel),
                         fmt::format("route '{}'", route.name.text.str()));
    show(names, route.name);
  }

  //===--- Objects ----------------------------------------------------------------------------===//

  void checkBounds(const ast::Declarator &declarator, Names &names) {
    for (const ast::Expr *bound : declarator.bounds)
      expressions_.checkAs(bound, names, Type::number(false),
                           fmt::format("the size of array '{}'", declarator.name.text.str()));
  }

  void checkObject(const ast::ObjectStatement &object, Names &names, Place place) {
    for (const ast::Declarator &declarator : object.declarators)
      checkBounds(declarator, names);
    if (const ObjectClassInfo *info = classOf(object))
      checkObjectOfClass(object, *info, names, place);
    else
      checkInstance(object, names, place);
    for (const ast::Declarator &declarator : object.declarators)
      show(names, declarator.name);
    Place inside = place;
    inside.container = classOf(object);
    // What a stage contains are members of the structure as the stage itself is; see announce().
    checkStatements(object.contents, names, inside);
  }

  void checkInstance(const ast::ObjectStatement &object, Names &names, Place place) {
    const ast::TemplateDeclaration *declaration = templateOf(object, names);
    if (!declaration) {
      reportUnknownTemplate(object, names);
      checkLoosely(object, names);
      return;
    }
    info_.instances.push_back({declaration, object.type.range, place.isConditional});
    if (place.container)
      reportContents(object, *place.container, "an instance of a template");
    const std::string what = fmt::format("template '{}'", declaration->name.text.str());
    Names global(checker_.moduleOf(*declaration));
    expressions_.checkArguments(declaration->parameters, object.arguments, names, global,
                                object.type.range, what, declaration->name.range);
    if (!object.attributes.empty())
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.attributes[0].name.range, what,
                          "attributes in braces: its parameters are given in parentheses");
    else if (!object.steps.empty())
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.steps[0].range, what, "'step'");
    checkClauses(object, what, false, false);
  }

  void reportUnknownTemplate(const ast::ObjectStatement &object, Names &names) {
    if (object.type.parts.empty() || !object.type.parts.back().isValid())
      return;
    const Scope *scope = names.module().scope.get();
    const Symbol *symbol = scope ? resolve(object.type, *scope) : nullptr;
    if (symbol || object.type.parts.size() > 1) {
      reportUnknownDeclaration(diagnostics_, names, object.type, symbol,
                               ast::DeclarationKind::Template);
      return;
    }
    const ast::Identifier &name = object.type.parts[0];
    auto report =
        diagnostics_.report(DiagnosticCode::UnknownObjectClass, object.type.range, name.text);
    std::vector<std::string_view> candidates;
    for (const ObjectClassInfo &info : builtins::classes())
      candidates.push_back(info.name);
    for (; scope; scope = scope->parent())
      for (const Scope::Entry &entry : scope->entries())
        if (ast::dynCast<ast::TemplateDeclaration>(entry.second.declaration))
          candidates.push_back(entry.first);
    suggest(report, name, candidates);
  }

  /// What can be checked of an object of which nothing is known.
  void checkLoosely(const ast::ObjectStatement &object, Names &names) {
    for (const ast::Argument &argument : object.arguments)
      expressions_.check(argument.value, names);
    // Bare words in attributes may be names of instructions, registers, enumerators.
    for (const ast::Attribute &attribute : object.attributes)
      if (attribute.name.text == "to_process")
        info_.processesUnknown = true;
  }

  void checkClauses(const ast::ObjectStatement &object, const std::string &what, bool mayContain,
                    bool mayHaveHazards) {
    if (!object.contents.empty() && !mayContain)
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.type.range, what, "'contains'");
    if (!object.hazards.empty() && !mayHaveHazards)
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.hazards[0].range, what,
                          "'hazards'");
  }

  void checkObjectOfClass(const ast::ObjectStatement &object, const ObjectClassInfo &info,
                          Names &names, Place place) {
    const std::string what = withArticle(info.name);
    if (object.hasArguments) {
      for (const ast::Argument &argument : object.arguments)
        expressions_.check(argument.value, names);
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.type.range, what,
                          "arguments in parentheses: its attributes are given in braces");
    }
    checkClauses(object, what, info.mayContain, info.mayHaveHazards);
    checkContainer(object, info, place);
    checkAttributes(object, info, names);
    for (const ast::Hazard &hazard : object.hazards)
      checkHazard(hazard);
    checkSteps(object, info);
    if (info.objectClass == arch::ObjectClass::InstructionFetchStage)
      checkFetchUnit(object);
    else if (info.objectClass == arch::ObjectClass::ExecuteStage && object.contents.empty() &&
             !object.declarators.empty())
      diagnostics_.report(DiagnosticCode::EmptyStage, object.declarators[0].name.range,
                          object.declarators[0].name.text);
  }

  /// Units stand in stages, and nothing else does.
  void checkContainer(const ast::ObjectStatement &object, const ObjectClassInfo &info,
                      Place place) {
    if (place.container && place.container->mayContain) {
      if (builtins::isAllowedEdge(arch::EdgeKind::Contains, place.container->objectClass,
                                  info.objectClass))
        return;
      reportContents(object, *place.container, withArticle(info.name));
    } else if (arch::isUnit(info.objectClass) && !place.container) {
      StringRef stage = info.objectClass == arch::ObjectClass::InstructionMemoryAccessUnit
                            ? "InstructionFetchStage"
                            : "ExecuteStage";
      diagnostics_.report(DiagnosticCode::UnitOutsideStage, object.type.range,
                          withArticle(info.name), withArticle(stage));
    }
  }

  void reportContents(const ast::ObjectStatement &object, const ObjectClassInfo &container,
                      const std::string &found) {
    if (!container.mayContain)
      return; // reported at the container
    llvm::SmallVector<StringRef> allowed;
    for (const arch::ObjectClass unit :
         builtins::allowedTargets(arch::EdgeKind::Contains, container.objectClass))
      allowed.push_back(builtins::classInfo(unit).name);
    diagnostics_.report(DiagnosticCode::ForbiddenContents, object.type.range,
                        withArticle(container.name), joinNames(allowed, "and"), found);
  }

  void checkFetchUnit(const ast::ObjectStatement &object) {
    std::size_t certain = 0;
    bool isPossible = false; // something may make more: a block, an instance
    for (const ast::Statement *statement : object.contents) {
      if (!statement)
        continue;
      if (const auto *unit = ast::dynCast<ast::ObjectStatement>(statement)) {
        const ObjectClassInfo *info = classOf(*unit);
        if (info && info->objectClass == arch::ObjectClass::InstructionMemoryAccessUnit)
          certain += unit->declarators.size();
        isPossible |= info == nullptr;
      } else if (statement->kind == StatementKind::For || statement->kind == StatementKind::If) {
        isPossible = true;
      }
    }
    if ((certain == 1 || (certain == 0 && isPossible)) || object.declarators.empty())
      return;
    const ast::Identifier &name = object.declarators[0].name;
    diagnostics_.report(DiagnosticCode::MissingFetchUnit, name.range, name.text, certain);
  }

  //===--- Attributes -------------------------------------------------------------------------===//

  void checkAttributes(const ast::ObjectStatement &object, const ObjectClassInfo &info,
                       Names &names) {
    llvm::DenseMap<StringRef, SourceRange> given;
    for (const ast::Attribute &attribute : object.attributes) {
      if (!attribute.name.isValid())
        continue;
      const auto [first, isNew] = given.try_emplace(attribute.name.text, attribute.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, attribute.name.range, attribute.name.text)
            .note(first->second, "first here");
      if (const builtins::Attribute *known = builtins::findAttribute(info, attribute.name.text))
        checkAttribute(attribute, *known, names);
      else
        reportUnknownAttribute(attribute, info);
    }
    std::vector<std::string> missing;
    for (const builtins::Attribute &attribute : info.attributes)
      if (attribute.isRequired && !given.contains(attribute.name))
        missing.push_back("'" + attribute.name.str() + "'");
    if (!info.oneOf.empty() &&
        llvm::none_of(info.oneOf, [&](StringRef name) { return given.contains(name); }))
      missing.push_back("'" + info.oneOf[0].str() + "' or '" + info.oneOf[1].str() + "'");
    if (!missing.empty())
      diagnostics_.report(DiagnosticCode::RequiredAttribute, object.type.range,
                          withArticle(info.name), joinNames(missing, "and"));
  }

  void reportUnknownAttribute(const ast::Attribute &attribute, const ObjectClassInfo &info) {
    auto report = diagnostics_.report(DiagnosticCode::NoSuchAttribute, attribute.name.range,
                                      withArticle(info.name), attribute.name.text);
    std::vector<std::string_view> candidates;
    std::vector<std::string> listed;
    for (const builtins::Attribute &known : info.attributes) {
      candidates.push_back(known.name);
      listed.push_back(known.name.str());
    }
    suggest(report, attribute.name, candidates);
    report.note({},
                fmt::format("attributes of {} are {}", info.name.str(), joinNames(listed, "and")));
  }

  void checkAttribute(const ast::Attribute &attribute, const builtins::Attribute &known,
                      Names &names) {
    const std::string what = fmt::format("attribute '{}'", attribute.name.text.str());
    const bool isWidth = attribute.name.text.ends_with("width");
    const ast::Expr *value = attribute.value;
    switch (known.type) {
    case AttributeType::Int:
      expressions_.checkAs(value, names, Type::number(false), what);
      return;
    case AttributeType::Bool:
      expressions_.checkAs(value, names, Type::of(Kind::Bool), what);
      return;
    case AttributeType::Cycles:
      expressions_.checkAs(value, names, Type::quantity(builtins::cyclesDimension, "cycles"), what);
      return;
    case AttributeType::Bits:
      expressions_.checkAs(
          value, names, Type::quantity(builtins::bitsDimension, isWidth ? "bits" : "bytes"), what);
      return;
    case AttributeType::Words:
      expressions_.checkAs(value, names, Type::quantity(builtins::wordsDimension, "words"), what);
      return;
    case AttributeType::Enumerator:
      return checkWord(value, known, what, names);
    case AttributeType::Instructions:
      return checkToProcess(value, names, what);
    case AttributeType::Registers:
      return checkRegisters(value, names, what);
    case AttributeType::AddressRanges:
      return checkAddressRanges(value, names, what);
    case AttributeType::IntOrTable:
      return checkCapacity(value, names, what);
    case AttributeType::EventOrTable:
      return checkRelease(value, what);
    }
  }

  /// `lru`, or a conditional that chooses such words.
  void checkWord(const ast::Expr *value, const builtins::Attribute &known, const std::string &what,
                 Names &names) {
    if (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(value)) {
      expressions_.checkAs(conditional->condition, names, Type::of(Kind::Bool), "a condition");
      checkWord(conditional->thenValue, known, what, names);
      checkWord(conditional->elseValue, known, what, names);
    } else if (const auto *name = ast::dynCast<ast::NameExpr>(value)) {
      if (!name->name.empty() && !llvm::is_contained(known.enumerators, name->name))
        reportUnknownWord(diagnostics_, {name->name, name->range}, known.name, known.enumerators);
    } else if (value && value->kind != ast::ExprKind::Error) {
      diagnostics_.report(DiagnosticCode::WrongType, value->range, what,
                          joinNames(known.enumerators, "or"), "an expression");
    }
  }

  void checkToProcess(const ast::Expr *value, Names &names, const std::string &what) {
    if (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(value)) {
      expressions_.checkAs(conditional->condition, names, Type::of(Kind::Bool), "a condition");
      checkToProcess(conditional->thenValue, names, what);
      checkToProcess(conditional->elseValue, names, what);
      return;
    }
    const auto *list = ast::dynCast<ast::ListExpr>(value);
    if (!list) {
      info_.processesUnknown = true;
      if (value && value->kind != ast::ExprKind::Error)
        diagnostics_.report(DiagnosticCode::WrongType, value->range, what,
                            "a list of names of instructions", "another expression");
      return;
    }
    llvm::DenseMap<const ast::InstructionDeclaration *, SourceRange> listed;
    for (const ast::Expr *element : list->elements) {
      const ast::InstructionDeclaration *instruction = checkOperation(element, names);
      if (!instruction) {
        info_.processesUnknown = true;
        continue;
      }
      info_.processed.insert(instruction);
      checker_.markProcessed(*instruction);
      const auto [first, isNew] = listed.try_emplace(instruction, element->range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, element->range, instruction->name.text)
            .note(first->second, "first here");
    }
  }

  /// The instruction that an element of to_process names; null if there is none (reported).
  const ast::InstructionDeclaration *checkOperation(const ast::Expr *element, Names &names) {
    if (const auto *name = ast::dynCast<ast::NameExpr>(element)) {
      if (name->name.empty())
        return nullptr;
      // Objects may be called like what they do: only instructions count here.
      for (Names *block = &names; block; block = block->parent())
        if (Name *local = block->findLocal(name->name))
          if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(local->declaration))
            return found;
      const Symbol *symbol = names.findGlobal(name->name);
      if (symbol)
        if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(symbol->declaration))
          return found;
      // A template may name what the architecture that uses it declares.
      if (!checker_.isStructureInstruction(name->name))
        reportUnknownInstruction(diagnostics_, {name->name, name->range}, names, nullptr);
      return nullptr;
    }
    const auto *member = ast::dynCast<ast::MemberExpr>(element);
    const auto *module = member ? ast::dynCast<ast::NameExpr>(member->object) : nullptr;
    const Symbol *home = module ? names.findGlobal(module->name) : nullptr;
    if (home && home->kind == Symbol::Kind::Module) {
      const ast::Identifier parts[] = {{module->name, module->range}, member->member};
      const Symbol *symbol = home->home->findLocal(member->member.text);
      if (symbol)
        if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(symbol->declaration))
          return found;
      reportUnknownDeclaration(diagnostics_, names, {parts, element->range}, symbol,
                               ast::DeclarationKind::Instruction);
    } else if (element && element->kind != ast::ExprKind::Error) {
      diagnostics_.report(DiagnosticCode::WrongType, element->range, "attribute 'to_process'",
                          "names of instructions", "another expression");
    }
    return nullptr;
  }

  void checkRegisters(const ast::Expr *value, Names &names, const std::string &what) {
    const auto *list = ast::dynCast<ast::ListExpr>(value);
    if (!list) {
      if (value && value->kind != ast::ExprKind::Error)
        diagnostics_.report(DiagnosticCode::WrongType, value->range, what,
                            "a list of names of registers", "another expression");
      return;
    }
    Names registers(names.module());
    for (const ast::Expr *element : list->elements) {
      const ast::Expr *base = element;
      while (const auto *index = ast::dynCast<ast::IndexExpr>(base)) {
        for (const ast::Expr *bound : index->indices)
          expressions_.checkAs(bound, names, Type::number(false), "the size of an array");
        base = index->object;
      }
      if (const auto *name = ast::dynCast<ast::NameExpr>(base))
        declare(diagnostics_, registers, {.text = name->name, .range = name->range});
      else if (base && base->kind != ast::ExprKind::Error)
        diagnostics_.report(DiagnosticCode::WrongType, base->range, what, "names of registers",
                            "another expression");
    }
  }

  void checkAddressRanges(const ast::Expr *value, Names &names, const std::string &what) {
    const Type type = expressions_.check(value, names);
    if (!type.isError() && (!type.is(Kind::List) ||
                            !(type.elementType().is(Kind::Range) || type.elementType().isError())))
      diagnostics_.report(DiagnosticCode::WrongType, value->range, what,
                          "a list of ranges of addresses", type.text());
  }

  /// A number, or a table of numbers by classes of instructions.
  void checkCapacity(const ast::Expr *value, Names &names, const std::string &what) {
    const Type type = expressions_.check(value, names);
    if (!type.is(Kind::Table)) {
      if (value)
        expressions_.require(*value, type, Type::number(false), what);
      return;
    }
    expressions_.require(*value, type, Type::tableOf(Type::number(false)), what);
    if (type.table)
      for (const ast::TableEntry &entry : type.table->entries)
        checkClassName(entry.key);
  }

  void checkClassName(const ast::Identifier &name) {
    const std::vector<std::string_view> &known = checker_.instructionClasses();
    if (!name.isValid() || llvm::is_contained(known, std::string_view(name.text)))
      return;
    auto report = diagnostics_.report(DiagnosticCode::UnknownName, name.range,
                                      "class of instructions", name.text);
    suggest(report, name, known);
  }

  void checkEvent(const ast::Identifier &name) {
    const std::vector<std::string_view> &known = checker_.events();
    if (!name.isValid() || llvm::is_contained(known, std::string_view(name.text)))
      return;
    auto report = diagnostics_.report(DiagnosticCode::UnknownName, name.range, "event", name.text);
    suggest(report, name, known);
  }

  /// An event, or a table of events by classes or instructions.
  void checkRelease(const ast::Expr *value, const std::string &what) {
    const auto *table = ast::dynCast<ast::TableExpr>(value);
    if (!table)
      return checkEventWord(value, what);
    reportRepeatedKeys(diagnostics_, *table);
    for (const ast::TableEntry &entry : table->entries) {
      checkClassName(entry.key);
      checkEventWord(entry.value, what);
    }
  }

  void checkEventWord(const ast::Expr *value, const std::string &what) {
    if (const auto *name = ast::dynCast<ast::NameExpr>(value))
      checkEvent({name->name, name->range});
    else if (value && value->kind != ast::ExprKind::Error)
      diagnostics_.report(DiagnosticCode::WrongType, value->range, what, "names of events",
                          "another expression");
  }

  //===--- Steps ------------------------------------------------------------------------------===//

  void checkSteps(const ast::ObjectStatement &object, const ObjectClassInfo &info) {
    if (object.steps.empty())
      return;
    if (info.objectClass != arch::ObjectClass::FunctionalUnit) {
      diagnostics_.report(DiagnosticCode::MisplacedClause, object.steps[0].range,
                          withArticle(info.name), "'step'");
      return;
    }
    const auto *toProcess = llvm::find_if(object.attributes, [](const ast::Attribute &attribute) {
      return attribute.name.text == "to_process";
    });
    for (std::size_t i = 0; i < object.steps.size(); ++i) {
      if (toProcess != object.attributes.end())
        checkStepNames(object.steps[i], *toProcess);
      checkReachable(object.steps, i);
    }
  }

  void checkStepNames(const ast::UnitStep &step, const ast::Attribute &toProcess) {
    for (const llvm::ArrayRef<ast::QualifiedName> names : {step.taken, step.behind})
      for (const ast::QualifiedName &name : names)
        if (!name.parts.empty() && name.parts.back().isValid() &&
            listsOperation(toProcess.value, name.parts.back().text) == std::optional(false))
          diagnostics_.report(DiagnosticCode::UnitCannotProcess, name.range, name.parts.back().text)
              .note(toProcess.name.range, "what the unit processes");
  }

  /// The first step that fits is taken: one that begins like an earlier one and asks for more never
  /// is.
  void checkReachable(llvm::ArrayRef<ast::UnitStep> steps, std::size_t index) {
    const auto wanted = [](const ast::UnitStep &step) {
      std::vector<StringRef> names;
      for (const llvm::ArrayRef<ast::QualifiedName> list : {step.taken, step.behind})
        for (const ast::QualifiedName &name : list)
          names.push_back(name.parts.empty() ? StringRef() : name.parts.back().text);
      return names;
    };
    const std::vector<StringRef> own = wanted(steps[index]);
    for (const ast::UnitStep &earlier : steps.take_front(index)) {
      const std::vector<StringRef> other = wanted(earlier);
      if (other.size() > own.size() || !std::equal(other.begin(), other.end(), own.begin()))
        continue;
      diagnostics_.report(DiagnosticCode::UnreachableStep, steps[index].range)
          .note(earlier.range, "wherever it fits, this one fits too and comes first");
      return;
    }
  }

  void checkHazard(const ast::Hazard &hazard) {
    checkClassName(hazard.waiting);
    for (const ast::Identifier &awaited : hazard.awaited)
      checkClassName(awaited);
    checkEvent(hazard.event);
    if (hazard.where.isValid() &&
        !llvm::is_contained(builtins::hazardConditions(), hazard.where.text))
      reportUnknownWord(diagnostics_, hazard.where, "condition of a hazard",
                        builtins::hazardConditions());
  }

  Checker &checker_;
  Expressions expressions_;
  DiagnosticEngine &diagnostics_;
  const ast::StructureDeclaration &structure_;
  StructureInfo &info_;
  const ast::ClockStatement *clock_ = nullptr;
};

} // namespace

void checkStructure(Checker &checker, DiagnosticEngine &diagnostics,
                    const ast::StructureDeclaration &structure, StructureInfo &info) {
  StructureChecker(checker, diagnostics, structure, info).run();
}

} // namespace acadlc::checking
