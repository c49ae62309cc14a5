#include "frontend/acadl/elaboration/ElaborateBuilder.h"

#include "frontend/acadl/evaluation/Module.h"
#include "frontend/acadl/syntax/Builtins.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/ScopeExit.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSwitch.h>

namespace acadlc {

using Kind = Value::Kind;
using ast::StatementKind;

namespace {
/// Registers of all register files together.
constexpr std::size_t maxAllRegisters = 64'000'000;

std::string containerName(arch::ObjectClass objectClass) {
  return fmt::format("an {}", arch::className(objectClass));
}

/// "FunctionalUnit or MemoryAccessUnit"
std::string contentsName(arch::ObjectClass container) {
  std::string text;
  for (const arch::ObjectClass content :
       builtins::allowedTargets(arch::EdgeKind::Contains, container))
    text += fmt::format("{}{}", text.empty() ? "" : " or ", arch::className(content));
  return text.empty() ? "nothing" : text;
}
} // namespace

void StructureBuilder::build(const ast::ArchitectureDeclaration &architecture, Scope &scope) {
  architecture_ = &scope;
  Frame frame;
  frame.scope = &scope;
  frame.structure = &architecture;
  runBlock(architecture.body, frame);
  if (isFatal_ || evaluator_.isExhausted())
    return;
  warnOfLoosePorts();
  joinEdges(edges_, ports_, graph_, reports_, limits_.edges);
  reports_.flush(evaluator_.diagnostics());
}

//===--- Blocks -------------------------------------------------------------------------------===//

void StructureBuilder::runBlock(ast::Block block, Frame &frame) {
  declareLocals(block, frame);
  for (const ast::Statement *statement : block) {
    if (isFatal_ || evaluator_.isExhausted())
      return;
    runStatement(*statement, frame);
  }
}

/// Functions and instructions of a block can be used in front of their declaration too.
void StructureBuilder::declareLocals(ast::Block block, Frame &frame) {
  for (const ast::Statement *statement : block) {
    const auto *local = ast::dynCast<ast::LocalDeclarationStatement>(statement);
    if (!local || !local->declaration || !local->declaration->name.isValid())
      continue;
    const ast::Declaration &declaration = *local->declaration;
    if (!frame.scope->declare(declaration.name.text,
                              Symbol::ofDeclaration(declaration, *frame.scope)))
      evaluator_.report(DiagnosticCode::DuplicateName, declaration.name.range,
                        declaration.name.text);
  }
}

void StructureBuilder::runStatement(const ast::Statement &statement, Frame &frame) {
  const bool hasFailed = failed_.contains(&statement);
  bool isDone = true;
  switch (statement.kind) {
  case StatementKind::Let: {
    const auto &let = ast::cast<ast::LetStatement>(statement);
    if (!hasFailed)
      isDone = evaluator_.let(let, *frame.scope);
    else
      for (const ast::Binding &binding : let.bindings)
        frame.scope->declare(binding.name, Value::ofError());
    break;
  }
  case StatementKind::Require: {
    if (hasFailed)
      break;
    const auto holds =
        evaluator_.require(ast::cast<ast::RequireStatement>(statement), *frame.scope);
    isDone = holds.value_or(false);
    // What follows relies on it: it would only be wrong in consequence.
    if (holds && !*holds)
      fail();
    break;
  }
  case StatementKind::For:
    isDone = hasFailed || runFor(ast::cast<ast::ForStatement>(statement), frame);
    break;
  case StatementKind::If:
    isDone = hasFailed || runIf(ast::cast<ast::IfStatement>(statement), frame);
    break;
  case StatementKind::Clock:
    isDone = hasFailed || runClock(ast::cast<ast::ClockStatement>(statement), frame);
    break;
  case StatementKind::Object: {
    const auto &object = ast::cast<ast::ObjectStatement>(statement);
    if (!hasFailed)
      isDone = runObject(object, frame);
    if (hasFailed || !isDone)
      declareFailed(object, frame);
    break;
  }
  case StatementKind::Port: {
    const auto &port = ast::cast<ast::PortStatement>(statement);
    isDone = hasFailed || runPort(port, frame);
    if (hasFailed || !isDone)
      for (const ast::Declarator &declarator : port.declarators)
        frame.scope->declare(declarator.name, Value::ofError());
    break;
  }
  case StatementKind::Edge:
    isDone = hasFailed || runEdge(ast::cast<ast::EdgeStatement>(statement), frame);
    break;
  case StatementKind::Route: {
    const auto &route = ast::cast<ast::RouteStatement>(statement);
    isDone = declare(route.name, Value::ofRoute(route, *frame.scope), frame);
    break;
  }
  case StatementKind::LocalDeclaration:
    break; // declareLocals
  default:
    throw InternalError("a statement that structures don't have");
  }
  if (!isDone)
    failed_.insert(&statement);
}

/// Names of objects that could not be made, those of units that they contain included: who uses
/// them has nothing to be told.
void StructureBuilder::declareFailed(const ast::ObjectStatement &object, const Frame &frame) {
  for (const ast::Declarator &declarator : object.declarators)
    frame.scope->declare(declarator.name, Value::ofError());
  for (const ast::Statement *statement : object.contents)
    if (const auto *contained = ast::dynCast<ast::ObjectStatement>(statement))
      declareFailed(*contained, frame);
}

bool StructureBuilder::runFor(const ast::ForStatement &statement, Frame &frame) {
  return evaluator_.forEach(statement.loops, *frame.scope, statement.headerRange,
                            [&](Scope &scope) {
                              Frame inner = frame;
                              inner.scope = &scope;
                              for (const ast::LoopHeader &header : statement.loops)
                                inner.loopNames.push_back(header.name.text);
                              runBlock(statement.body, inner);
                              return !isFatal_;
                            });
}

bool StructureBuilder::runIf(const ast::IfStatement &statement, Frame &frame) {
  const std::optional<bool> condition = evaluator_.evaluateBool(*statement.condition, *frame.scope);
  if (!condition)
    return false;
  Scope scope(frame.scope);
  Frame inner = frame;
  inner.scope = &scope;
  runBlock(*condition ? statement.thenBlock : statement.elseBlock, inner);
  return true;
}

bool StructureBuilder::runClock(const ast::ClockStatement &statement, const Frame &frame) {
  if (frame.depth != 0) {
    reports_.add(DiagnosticCode::ClockInTemplate, statement.range);
    return true;
  }
  ExpectedType type;
  type.kind = ExpectedType::Kind::Quantity;
  type.dimension = builtins::hertzDimension;
  type.isWhole = false;
  type.name = "Hz";
  const auto frequency =
      evaluator_.evaluateAs(*statement.frequency, *frame.scope, type, "the clock");
  if (!frequency)
    return false;
  if (hasClock_) {
    evaluator_.report(DiagnosticCode::StatedTwice, statement.range, "clock");
    return false;
  }
  hasClock_ = true;
  if (!(frequency->asReal() > 0)) {
    evaluator_.report(DiagnosticCode::WrongType, statement.frequency->range, "the clock",
                      "a frequency above 0 Hz", frequency->text());
    return false;
  }
  graph_.clockHz = frequency->asReal();
  return true;
}

//===--- Names and arrays ---------------------------------------------------------------------===//

bool StructureBuilder::declare(const ast::Identifier &name, Value value, const Frame &frame) {
  if (frame.scope->declare(name, std::move(value)))
    return true;
  evaluator_.report(DiagnosticCode::DuplicateName, name.range, name.text)
      .note(frame.scope->findLocal(name.text)->range, "the first is here");
  return false;
}

/// The full name without indices. Objects of a loop's block get the loop's values, as there is one
/// for each: "lane@i=2".
std::string StructureBuilder::baseName(const ast::Identifier &name, const Frame &frame) {
  std::string result = frame.prefix + name.text.str();
  char separator = '@';
  for (const llvm::StringRef loop : frame.loopNames) {
    const Symbol *symbol = frame.scope->find(loop);
    result += fmt::format("{}{}={}", separator, loop.str(), symbol ? symbol->value.text() : "");
    separator = ',';
  }
  if (frame.loopNames.empty() || loopObjectNames_.insert(result).second)
    return result;
  // Two loops may use the same names.
  for (unsigned i = 2;; ++i)
    if (std::string unique = fmt::format("{}#{}", result, i);
        loopObjectNames_.insert(unique).second)
      return unique;
}

std::optional<StructureBuilder::Shape> StructureBuilder::shapeOf(const ast::Declarator &declarator,
                                                                 const Frame &frame) {
  Shape shape;
  for (const ast::Expr *bound : declarator.bounds) {
    const auto length = evaluator_.evaluateInt(*bound, *frame.scope, "the length of an array");
    if (!length)
      return std::nullopt;
    if (*length < 0) {
      evaluator_.report(DiagnosticCode::ArraySize, bound->range, declarator.name.text, *length);
      return std::nullopt;
    }
    shape.push_back(*length);
  }
  return shape;
}

bool StructureBuilder::reserve(const Shape &shape, SourceRange at, llvm::StringRef name,
                               std::size_t each) {
  std::optional<std::int64_t> count = 1;
  for (const std::int64_t length : shape)
    count = count ? checkedMul(*count, length) : std::nullopt;
  const auto room = static_cast<std::int64_t>(limits_.objects - made_);
  if (count && *count <= room &&
      registers_ + static_cast<std::size_t>(*count) * each <= maxAllRegisters) {
    made_ += static_cast<std::size_t>(*count);
    registers_ += static_cast<std::size_t>(*count) * each;
    return true;
  }
  evaluator_.report(DiagnosticCode::TooManyObjects, at, fmt::format("'{}'", name.str()),
                    limits_.objects);
  fail();
  return false;
}

template <typename Make>
Value StructureBuilder::makeArray(llvm::ArrayRef<std::int64_t> shape, std::string name,
                                  Make &&make) {
  if (shape.empty())
    return make(std::move(name));
  std::vector<Value> elements;
  elements.reserve(static_cast<std::size_t>(shape.front()));
  for (std::int64_t i = 0; i < shape.front() && !isFatal_; ++i)
    elements.push_back(makeArray(shape.drop_front(), fmt::format("{}[{}]", name, i), make));
  return Value::ofArray(std::move(elements));
}

//===--- Objects ------------------------------------------------------------------------------===//

bool StructureBuilder::runObject(const ast::ObjectStatement &statement, Frame &frame) {
  const ast::QualifiedName &type = statement.type;
  const builtins::ObjectClassInfo *info =
      type.parts.size() == 1 ? builtins::findClass(type.parts.front().text) : nullptr;
  if (info) {
    if (!mayContain(statement, info->objectClass, frame))
      return false;
    const ObjectPrototype prototype =
        readAttributes(statement, *info, *frame.scope, *architecture_, evaluator_);
    bool isDone = prototype.isValid;
    for (const ast::Declarator &declarator : statement.declarators)
      isDone = isDone && makeObjects(statement, declarator, prototype, frame);
    return isDone;
  }
  const Symbol *symbol = resolve(type, *frame.scope);
  if (const auto *declaration =
          symbol ? ast::dynCast<ast::TemplateDeclaration>(symbol->declaration) : nullptr) {
    bool isDone = true;
    for (const ast::Declarator &declarator : statement.declarators)
      isDone = isDone && makeInstances(statement, declarator, *declaration, *symbol->home, frame);
    return isDone;
  }
  if (type.parts.empty())
    return false; // the parser has reported it
  const llvm::StringRef name = type.parts.back().text;
  std::vector<std::string_view> candidates;
  for (const builtins::ObjectClassInfo &candidate : builtins::classes())
    candidates.emplace_back(candidate.name);
  for (const Scope *scope = frame.scope; scope; scope = scope->parent())
    for (const Scope::Entry &entry : scope->entries())
      if (ast::dynCast<ast::TemplateDeclaration>(entry.second.declaration))
        candidates.emplace_back(entry.first);
  auto builder = evaluator_.report(DiagnosticCode::UnknownObjectClass, type.range, name);
  if (const auto nearest = nearestName(name, candidates); !nearest.empty())
    builder.note({}, fmt::format("did you mean '{}'?", nearest))
        .fixIt(type.range, std::string(nearest));
  return false;
}

bool StructureBuilder::mayContain(const ast::ObjectStatement &statement,
                                  arch::ObjectClass objectClass, const Frame &frame) {
  const Containment *containment = frame.containment;
  if (!containment ||
      builtins::isAllowedEdge(arch::EdgeKind::Contains, containment->objectClass, objectClass))
    return true;
  evaluator_
      .report(DiagnosticCode::ForbiddenContents, statement.type.range,
              containerName(containment->objectClass), contentsName(containment->objectClass),
              arch::className(objectClass))
      .note(containment->statement->type.range, "contained in this object");
  return false;
}

bool StructureBuilder::makeObjects(const ast::ObjectStatement &statement,
                                   const ast::Declarator &declarator,
                                   const ObjectPrototype &prototype, Frame &frame) {
  const auto ownShape = shapeOf(declarator, frame);
  if (!ownShape)
    return false;
  // Units contained in an array of stages are an array of the same shape.
  Shape shape;
  if (frame.containment)
    shape.append(frame.containment->shape.begin(), frame.containment->shape.end());
  shape.append(ownShape->begin(), ownShape->end());
  if (!reserve(shape, declarator.name.range, declarator.name.text,
               prototype.object.registers.size()))
    return false;
  std::size_t perStage = 1;
  for (const std::int64_t length : *ownShape)
    perStage *= static_cast<std::size_t>(length);

  Containment content{&statement,
                      prototype.object.objectClass,
                      llvm::SmallVector<std::int64_t, 2>(shape.begin(), shape.end()),
                      {}};
  std::size_t made = 0;
  Value value = makeArray(shape, baseName(declarator.name, frame), [&](std::string name) {
    const arch::ObjectId container =
        frame.containment ? frame.containment->stages[made / perStage] : arch::noObject;
    ++made;
    Value object = makeObject(prototype, std::move(name), declarator.name.range, container);
    if (!statement.contents.empty())
      content.stages.push_back(object.object());
    return object;
  });
  if (!declare(declarator.name, std::move(value), frame))
    return false;
  if (statement.contents.empty())
    return true;
  Frame inner = frame; // the same scope: contained objects are visible around the stage
  inner.containment = &content;
  runBlock(statement.contents, inner);
  return true;
}

Value StructureBuilder::makeObject(const ObjectPrototype &prototype, std::string name,
                                   SourceRange range, arch::ObjectId container) {
  const auto id = static_cast<arch::ObjectId>(graph_.objects.size());
  arch::Object &object = graph_.objects.emplace_back(prototype.object);
  object.name = std::move(name);
  object.range = range;
  object.container = container;
  if (container != arch::noObject)
    graph_.edges.push_back({container, id, arch::EdgeKind::Contains, range});
  return object.objectClass == arch::ObjectClass::RegisterFile
             ? registerFileValue(id, prototype)
             : Value::ofObject(id, object.objectClass);
}

Value StructureBuilder::registerFileValue(arch::ObjectId id, const ObjectPrototype &prototype) {
  auto members = std::make_shared<Scope>();
  std::uint32_t index = 0;
  for (const RegisterGroup &group : prototype.registers) {
    Value value;
    if (group.length) {
      std::vector<Value> elements;
      for (std::int64_t i = 0; i < *group.length; ++i)
        elements.push_back(Value::ofRegister(id, index++));
      value = Value::ofArray(std::move(elements));
    } else {
      value = Value::ofRegister(id, index++);
    }
    members->declare(group.name, Symbol::ofValue(std::move(value), group.range));
  }
  return Value::ofRegisterFile(id, std::move(members));
}

//===--- Instances ----------------------------------------------------------------------------===//

namespace {

/// The full name of an instance for messages: of one that is nested deeply, where it begins and
/// ends.
std::string shortened(llvm::StringRef name) {
  constexpr std::size_t shown = 8;
  llvm::SmallVector<llvm::StringRef> parts;
  name.split(parts, '.');
  if (parts.size() <= shown)
    return name.str();
  const llvm::ArrayRef<llvm::StringRef> all(parts);
  return fmt::format("{}.….{}", llvm::join(all.take_front(2), "."),
                     llvm::join(all.take_back(2), "."));
}

} // namespace

bool StructureBuilder::makeInstances(const ast::ObjectStatement &statement,
                                     const ast::Declarator &declarator,
                                     const ast::TemplateDeclaration &declaration, const Scope &home,
                                     Frame &frame) {
  if (frame.containment) {
    evaluator_
        .report(DiagnosticCode::ForbiddenContents, statement.type.range,
                containerName(frame.containment->objectClass),
                contentsName(frame.containment->objectClass), "instances of templates")
        .note(frame.containment->statement->type.range, "contained in this object");
    return false;
  }
  if (frame.depth >= limits_.templateDepth) {
    evaluator_.report(DiagnosticCode::TemplateDepth, statement.type.range, declaration.name.text,
                      limits_.templateDepth);
    fail();
    return false;
  }
  const auto shape = shapeOf(declarator, frame);
  if (!shape || !reserve(*shape, declarator.name.range, declarator.name.text, 0))
    return false;
  bool isDone = true;
  Value value = makeArray(*shape, baseName(declarator.name, frame), [&](std::string name) {
    // Arguments that are wrong for one element are wrong for all.
    if (!isDone)
      return Value::ofError();
    Value instance = makeInstance(statement, declaration, home, frame, std::move(name));
    isDone = !instance.is(Kind::Error);
    return instance;
  });
  return isDone && declare(declarator.name, std::move(value), frame);
}

Value StructureBuilder::makeInstance(const ast::ObjectStatement &statement,
                                     const ast::TemplateDeclaration &declaration, const Scope &home,
                                     const Frame &frame, std::string name) {
  auto scope = std::make_shared<Scope>(&home);
  if (!evaluator_.bindParameters(declaration.parameters, statement.arguments, *frame.scope, *scope,
                                 statement.type.range,
                                 fmt::format("template '{}'", declaration.name.text.str())))
    return Value::ofError();
  DiagnosticNote outer = evaluator_.context();
  evaluator_.setContext({{},
                         fmt::format("in instance '{}' of template '{}'", shortened(name),
                                     declaration.name.text.str())});
  const auto restore = llvm::make_scope_exit([&] { evaluator_.setContext(std::move(outer)); });
  Frame inner;
  inner.scope = scope.get();
  inner.structure = &declaration;
  inner.prefix = std::move(name) + ".";
  inner.instance = ++instances_;
  inner.depth = frame.depth + 1;
  runBlock(declaration.body, inner);
  return Value::ofInstance(std::move(scope), declaration);
}

//===--- Ports and edges ----------------------------------------------------------------------===//

bool StructureBuilder::runPort(const ast::PortStatement &statement, Frame &frame) {
  const auto kind = llvm::StringSwitch<std::optional<PortKind>>(statement.edge.text)
                        .Case("forward", PortKind::Forward)
                        .Case("read", PortKind::Read)
                        .Case("write", PortKind::Write)
                        .Default(std::nullopt);
  if (!kind) {
    if (statement.edge.isValid())
      evaluator_.report(DiagnosticCode::WrongType, statement.edge.range, "the kind of a port",
                        "forward, read or write", "'" + statement.edge.text.str() + "'");
    return false;
  }
  for (const ast::Declarator &declarator : statement.declarators) {
    const auto shape = shapeOf(declarator, frame);
    if (!shape || !reserve(*shape, declarator.name.range, declarator.name.text, 0))
      return false;
    Value value = makeArray(*shape, baseName(declarator.name, frame), [&](std::string name) {
      ports_.push_back({&statement, &declarator, std::move(name), frame.structure->name.text, *kind,
                        frame.instance});
      return Value::ofPort(static_cast<std::uint32_t>(ports_.size() - 1));
    });
    if (!declare(declarator.name, std::move(value), frame))
      return false;
  }
  return true;
}

bool StructureBuilder::collectEnds(const Value &value, const ast::Expr &at,
                                   std::vector<EdgeNode> &ends) {
  switch (value.kind()) {
  case Kind::Object:
    ends.push_back({false, value.object()});
    return true;
  case Kind::Port:
    ends.push_back({true, value.port()});
    return true;
  case Kind::List:
  case Kind::Array:
    for (const Value &element : value.elements())
      if (!collectEnds(element, at, ends))
        return false;
    return true;
  case Kind::Error:
    return false;
  case Kind::Instance: {
    auto builder = evaluator_.report(
        DiagnosticCode::WrongEdgeEnd, at.range,
        fmt::format("an instance of template '{}'", value.instanceOf().name.text.str()));
    std::vector<std::string> ports;
    for (const Scope::Entry &entry : value.members()->entries())
      if (entry.second.value.is(Kind::Port))
        ports.push_back(entry.first.str());
    if (!ports.empty())
      builder.note({}, fmt::format("its ports are {}", fmt::join(ports, ", ")));
    return false;
  }
  default:
    evaluator_.report(DiagnosticCode::WrongEdgeEnd, at.range, value.typeName());
    return false;
  }
}

bool StructureBuilder::checkPort(const EdgeNode &end, bool isSource, ast::ArrowKind arrow,
                                 SourceRange range, const Frame &frame) {
  if (!end.isPort)
    return true;
  const PortNode &port = ports_[end.index];
  const bool isForward = port.kind == PortKind::Forward;
  if (isForward != (arrow == ast::ArrowKind::Forward)) {
    evaluator_
        .report(DiagnosticCode::WrongPortKind, range, port.statement->edge.text,
                isForward ? "->" : "=>")
        .note(port.declarator->name.range, "the port is declared here");
    return false;
  }
  const bool isInside = port.instance == frame.instance;
  if (isSource == (isInside != port.statement->isOut))
    return true;
  evaluator_
      .report(DiagnosticCode::WrongPortDirection, range,
              port.statement->isOut ? "an out port" : "an in port",
              isInside ? "inside its template" : "outside its template",
              isSource ? "starts" : "ends")
      .note(port.declarator->name.range, "the port is declared here");
  return false;
}

void StructureBuilder::addEdges(llvm::ArrayRef<EdgeNode> sources, llvm::ArrayRef<EdgeNode> targets,
                                ast::ArrowKind arrow, SourceRange range, const Frame &frame) {
  if (sources.size() * targets.size() > limits_.edges - edges_.size()) {
    evaluator_.report(DiagnosticCode::TooManyEdges, range, limits_.edges);
    fail();
    return;
  }
  for (const EdgeNode &end : sources)
    if (!checkPort(end, true, arrow, range, frame))
      return;
  for (const EdgeNode &end : targets)
    if (!checkPort(end, false, arrow, range, frame))
      return;
  for (const EdgeNode &source : sources)
    for (const EdgeNode &target : targets) {
      const bool differ =
          source.isPort && target.isPort && ports_[source.index].kind != ports_[target.index].kind;
      if (differ) {
        const PortNode &port = ports_[target.index];
        evaluator_
            .report(DiagnosticCode::DifferentPorts, range,
                    ports_[source.index].statement->edge.text, port.statement->edge.text)
            .note(port.declarator->name.range, "the port is declared here");
        return;
      }
      edges_.push_back({source, target, arrow, range});
    }
}

bool StructureBuilder::runEdge(const ast::EdgeStatement &statement, const Frame &frame) {
  std::vector<EdgeNode> sources;
  for (std::size_t i = 0; i < statement.ends.size(); ++i) {
    const ast::Expr &expr = *statement.ends[i];
    const auto value = evaluator_.evaluate(expr, *frame.scope);
    std::vector<EdgeNode> targets;
    if (!value || !collectEnds(*value, expr, targets))
      return false;
    const std::size_t errorsBefore = evaluator_.diagnostics().errorCount();
    if (i != 0)
      addEdges(sources, targets, statement.arrows[i - 1], statement.arrowRanges[i - 1], frame);
    if (isFatal_ || evaluator_.diagnostics().errorCount() != errorsBefore)
      return false;
    sources = std::move(targets);
  }
  return true;
}

void StructureBuilder::warnOfLoosePorts() {
  std::vector<bool> isUsed(ports_.size());
  for (const WrittenEdge &edge : edges_) {
    // Inside its template an in port is a source and an out port a target.
    if (edge.source.isPort && !ports_[edge.source.index].statement->isOut)
      isUsed[edge.source.index] = true;
    if (edge.target.isPort && ports_[edge.target.index].statement->isOut)
      isUsed[edge.target.index] = true;
  }
  llvm::DenseSet<const ast::Declarator *> usedSomewhere;
  for (std::size_t i = 0; i < ports_.size(); ++i)
    if (isUsed[i])
      usedSomewhere.insert(ports_[i].declarator);
  // A port that `if` leaves open in some instances is meant so.
  for (const PortNode &port : ports_)
    if (!usedSomewhere.contains(port.declarator) && !failed_.contains(port.statement))
      reports_.add(DiagnosticCode::PortWithoutInside, port.declarator->name.range,
                   port.declarator->name.text.str(), port.templateName.str());
}

} // namespace acadlc
