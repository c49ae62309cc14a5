#include "frontend/acadl/check/Check.h"

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc {

void check(const Compilation &compilation, DiagnosticEngine &diagnostics) {
  checking::Checker(compilation, diagnostics).run();
}

void evaluateConstants(const Compilation &compilation, DiagnosticEngine &diagnostics,
                       Evaluator::Limits limits) {
  Evaluator evaluator(diagnostics, limits);
  for (const std::unique_ptr<Module> &module : compilation.modules())
    for (const ast::Declaration *declaration : module->tree.declarations)
      if (const auto *constant = ast::dynCast<ast::ConstantDeclaration>(declaration))
        evaluator.constant(*constant, *module->scope);
}

namespace checking {

using llvm::StringRef;

//===--- Reporting ----------------------------------------------------------------------------===//

void suggest(DiagnosticBuilder &builder, const ast::Identifier &wrong,
             const std::vector<std::string_view> &candidates) {
  const std::string_view nearest = nearestName(wrong.text, candidates);
  if (!nearest.empty() && StringRef(nearest) != wrong.text)
    builder.note({}, fmt::format("did you mean '{}'?", nearest))
        .fixIt(wrong.range, std::string(nearest));
}

void reportUnknownWord(DiagnosticEngine &diagnostics, const ast::Identifier &wrong, StringRef what,
                       llvm::ArrayRef<StringRef> allowed) {
  auto report = diagnostics.report(DiagnosticCode::UnknownWord, wrong.range, what, wrong.text,
                                   allowed.empty() ? "nothing" : joinNames(allowed, "or"));
  suggest(report, wrong, std::vector<std::string_view>(allowed.begin(), allowed.end()));
}

void reportRepeatedKeys(DiagnosticEngine &diagnostics, const ast::TableExpr &table) {
  llvm::DenseMap<StringRef, SourceRange> keys;
  for (const ast::TableEntry &entry : table.entries) {
    const auto [first, isNew] = keys.try_emplace(entry.key.text, entry.key.range);
    if (!isNew && entry.key.isValid())
      diagnostics.report(DiagnosticCode::DuplicateName, entry.key.range, entry.key.text)
          .note(first->second, "first here");
  }
}

Name *declare(DiagnosticEngine &diagnostics, Names &names, Name name) {
  if (name.text.empty())
    return nullptr;
  const StringRef text = name.text;
  const SourceRange range = name.range;
  if (Name *added = names.add(std::move(name)))
    return added;
  diagnostics.report(DiagnosticCode::DuplicateName, range, text)
      .note(names.findLocal(text)->range, "first here");
  return nullptr;
}

void warnUnusedNames(DiagnosticEngine &diagnostics, Names &names, Name::Kind kind, StringRef word) {
  for (const Name &name : names.own())
    if (name.kind == kind && !name.isUsed && !name.text.starts_with("_"))
      diagnostics.report(DiagnosticCode::UnusedName, name.range, word, name.text);
}

namespace {

void addNamesOfKind(std::vector<std::string_view> &names, const Scope *scope,
                    ast::DeclarationKind kind) {
  for (; scope; scope = scope->parent())
    for (const Scope::Entry &entry : scope->entries())
      if (entry.second.declaration && entry.second.declaration->kind == kind)
        names.push_back(entry.first);
}

std::string textOf(const ast::QualifiedName &name) {
  std::string text;
  for (const ast::Identifier &part : name.parts)
    text += (text.empty() ? "" : ".") + part.text.str();
  return text;
}

} // namespace

void reportUnknownDeclaration(DiagnosticEngine &diagnostics, const Names &names,
                              const ast::QualifiedName &name, const Symbol *found,
                              ast::DeclarationKind wanted) {
  if (name.parts.empty() || !name.parts.back().isValid())
    return;
  const StringRef word = declarationWord(wanted);
  if (found) {
    diagnostics
        .report(DiagnosticCode::WrongDeclaration, name.range, word, textOf(name),
                found->declaration ? declarationWord(found->declaration->kind)
                                   : StringRef("imported file"))
        .note(found->range, "declared here");
    return;
  }
  auto report = diagnostics.report(DiagnosticCode::UnknownName, name.range, word, textOf(name));
  const Scope *scope = names.module().scope.get();
  // `lib.X`: the names of that file.
  if (name.parts.size() == 2 && scope)
    if (const Symbol *module = scope->find(name.parts[0].text);
        module && module->kind == Symbol::Kind::Module)
      scope = module->home;
  std::vector<std::string_view> candidates;
  addNamesOfKind(candidates, scope, wanted);
  suggest(report, name.parts.back(), candidates);
}

const ast::ArchitectureDeclaration *findArchitecture(DiagnosticEngine &diagnostics,
                                                     const Names &names,
                                                     const ast::QualifiedName &name) {
  const Symbol *symbol = resolve(name, *names.module().scope);
  const auto *architecture =
      symbol ? ast::dynCast<ast::ArchitectureDeclaration>(symbol->declaration) : nullptr;
  if (!architecture)
    reportUnknownDeclaration(diagnostics, names, name, symbol, ast::DeclarationKind::Architecture);
  return architecture;
}

Type instanceType(const ast::ArchitectureDeclaration *architecture) {
  Type type;
  if (architecture) {
    type = Type::of(Type::Kind::Instance);
    type.structure = architecture;
  }
  return type;
}

const ast::ArchitectureDeclaration *declareArchitecture(DiagnosticEngine &diagnostics, Names &names,
                                                        const ast::Identifier &name,
                                                        const ast::QualifiedName &architecture) {
  const auto *found = findArchitecture(diagnostics, names, architecture);
  declare(diagnostics, names,
          {.text = name.text,
           .range = name.range,
           .kind = Name::Kind::Extent,
           .type = instanceType(found)});
  return found;
}

void reportUnknownInstruction(DiagnosticEngine &diagnostics, const ast::Identifier &name,
                              Names &names, const StructureInfo *architecture) {
  std::vector<std::string_view> candidates;
  const auto addLocal = [&](Names &block) {
    for (const Name &local : block.own())
      if (ast::dynCast<ast::InstructionDeclaration>(local.declaration))
        candidates.push_back(local.text);
  };
  for (Names *block = &names; block; block = block->parent())
    addLocal(*block);
  addNamesOfKind(candidates, names.module().scope.get(), ast::DeclarationKind::Instruction);
  if (architecture) {
    addLocal(*architecture->names);
    addNamesOfKind(candidates, architecture->names->module().scope.get(),
                   ast::DeclarationKind::Instruction);
  }
  auto report = diagnostics.report(DiagnosticCode::UndeclaredInstruction, name.range, name.text);
  suggest(report, name, candidates);
}

ast::QualifiedName qualified(const ast::Identifier &name) {
  return {llvm::ArrayRef(name), name.range};
}

const Tensor *MappingInfo::find(StringRef name) const {
  const auto found = llvm::find_if(tensors, [&](const Tensor &t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

//===--- What all files declare ---------------------------------------------------------------===//

Checker::Checker(const Compilation &compilation, DiagnosticEngine &diagnostics)
    : compilation_(&compilation), diagnostics_(&diagnostics) {
  for (const StringRef event : builtins::events())
    events_.push_back(event);
  for (const std::unique_ptr<Module> &module : compilation.modules())
    collect(*module);
}

void Checker::collect(const Module &module) {
  for (const ast::Declaration *declaration : module.tree.declarations) {
    if (!declaration)
      continue;
    declarations_.push_back(declaration);
    modules_[declaration] = &module;
    if (const auto *instruction = ast::dynCast<ast::InstructionDeclaration>(declaration))
      collectInstruction(*instruction);
    else if (declaration->kind == ast::DeclarationKind::Template ||
             declaration->kind == ast::DeclarationKind::Architecture)
      collectBlock(static_cast<const ast::StructureDeclaration *>(declaration)->body);
  }
}

void Checker::collectInstruction(const ast::InstructionDeclaration &instruction) {
  if (instruction.name.isValid())
    instructionClasses_.push_back(instruction.name.text);
  for (const ast::Attribute &attribute : instruction.attributes)
    if (attribute.name.text == "class")
      if (const auto *name = ast::dynCast<ast::NameExpr>(attribute.value))
        instructionClasses_.push_back(name->name);
  for (const ast::Phase &phase : instruction.phases)
    for (const ast::Identifier &event : phase.signals)
      events_.push_back(event.text);
}

void Checker::collectBlock(ast::Block block) {
  for (const ast::Statement *statement : block)
    if (const auto *local = ast::dynCast<ast::LocalDeclarationStatement>(statement))
      if (const auto *instruction = ast::dynCast<ast::InstructionDeclaration>(local->declaration)) {
        collectInstruction(*instruction);
        structureInstructions_.insert(instruction->name.text);
      }
}

DiagnosticEngine &Checker::engineOf(const ast::Declaration &declaration) {
  std::unique_ptr<DiagnosticEngine> &engine = engines_[&declaration];
  if (!engine)
    engine = std::make_unique<DiagnosticEngine>();
  return *engine;
}

const Module &Checker::moduleOf(const ast::Declaration &declaration) const {
  const auto found = modules_.find(&declaration);
  ACADLC_CHECK(found != modules_.end(), "a declaration of no module");
  return *found->second;
}

//===--- Facts --------------------------------------------------------------------------------===//

Type Checker::constantType(const ast::ConstantDeclaration &constant, SourceRange use,
                           DiagnosticEngine &user) {
  const Depth depth(*this);
  Fact &fact = constants_[&constant];
  if (fact.progress == Progress::Started) {
    user.report(DiagnosticCode::RecursiveConstant, use, constant.name.text)
        .note(constant.name.range, "its value is wanted here");
    return {};
  }
  if (fact.progress == Progress::Done || depth.isTooDeep())
    return fact.type;
  fact.progress = Progress::Started;
  DiagnosticEngine &diagnostics = engineOf(constant);
  Names names(moduleOf(constant));
  Expressions expressions(*this, diagnostics);
  if (constant.type.isValid()) {
    fact.type = expressions.resolveType(constant.type, names);
    expressions.checkAs(constant.value, names, fact.type,
                        fmt::format("constant '{}'", constant.name.text.str()),
                        constant.type.range);
  } else {
    fact.type = expressions.check(constant.value, names);
  }
  fact.progress = Progress::Done;
  return fact.type;
}

Type Checker::functionResult(const ast::FunctionDeclaration &function, Names *home, SourceRange use,
                             DiagnosticEngine &user) {
  const Depth depth(*this);
  Fact &fact = functions_[&function];
  if (fact.progress == Progress::Started) {
    auto report = user.report(DiagnosticCode::RecursiveFunction, use, function.name.text);
    // How the call came to be: from the function itself over those that it calls.
    const auto first = llvm::find(activeFunctions_, &function);
    for (auto it = first; it != activeFunctions_.end(); ++it)
      report.note((*it)->name.range, it == first
                                         ? "it is declared here"
                                         : fmt::format("it calls '{}'", (*it)->name.text.str()));
    return {};
  }
  if (fact.progress == Progress::Done || depth.isTooDeep())
    return fact.type;
  fact.progress = Progress::Started;
  activeFunctions_.push_back(&function);
  if (home) {
    fact.type = checkFunction(*this, user, *home, function);
  } else {
    Names names(moduleOf(function));
    fact.type = checkFunction(*this, engineOf(function), names, function);
  }
  activeFunctions_.pop_back();
  fact.progress = Progress::Done;
  return fact.type;
}

StructureInfo &Checker::structure(const ast::StructureDeclaration &structure) {
  const Depth depth(*this);
  StructureInfo &info = structures_[&structure];
  if (!info.names)
    info.names = std::make_unique<Names>(moduleOf(structure));
  if (info.progress != Progress::NotStarted || depth.isTooDeep())
    return info;
  info.progress = Progress::Started;
  checkStructure(*this, engineOf(structure), structure, info);
  info.progress = Progress::Done;
  return info;
}

MappingInfo &Checker::mapping(const ast::MappingDeclaration &mapping) {
  MappingInfo &info = mappings_[&mapping];
  if (info.progress != Progress::NotStarted)
    return info;
  info.progress = Progress::Started;
  checkMappingHeader(*this, engineOf(mapping), mapping, info);
  info.progress = Progress::Done;
  return info;
}

bool Checker::canProcess(const ast::StructureDeclaration &architecture,
                         const ast::InstructionDeclaration &instruction) {
  std::vector<const ast::StructureDeclaration *> open{&architecture};
  llvm::DenseSet<const ast::StructureDeclaration *> seen{&architecture};
  while (!open.empty()) {
    const StructureInfo &info = structure(*open.back());
    open.pop_back();
    if (info.processesUnknown || info.progress != Progress::Done ||
        info.processed.contains(&instruction))
      return true;
    for (const StructureInfo::Instance &instance : info.instances)
      if (seen.insert(instance.structure).second)
        open.push_back(instance.structure);
  }
  return false;
}

const ast::InstructionDeclaration *
Checker::findInstruction(StringRef name, Names &names,
                         const ast::ArchitectureDeclaration *architecture) {
  if (const Name *local = names.find(name))
    if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(local->declaration))
      return found;
  if (architecture) {
    const StructureInfo &info = structure(*architecture);
    if (const Name *local = info.names->findLocal(name))
      if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(local->declaration))
        return found;
    if (const Symbol *symbol = info.names->findGlobal(name))
      if (const auto *found = ast::dynCast<ast::InstructionDeclaration>(symbol->declaration))
        return found;
  }
  if (const Symbol *symbol = names.findGlobal(name))
    return ast::dynCast<ast::InstructionDeclaration>(symbol->declaration);
  return nullptr;
}

//===--- Declarations -------------------------------------------------------------------------===//

void Checker::run() {
  for (const ast::Declaration *declaration : declarations_)
    checkDeclaration(*declaration);
  // What needs everything to have been seen: recursion, and what nobody uses.
  for (const ast::Declaration *declaration : declarations_) {
    if (declaration->kind == ast::DeclarationKind::Template ||
        declaration->kind == ast::DeclarationKind::Architecture) {
      const auto &structure = static_cast<const ast::StructureDeclaration &>(*declaration);
      checkTemplateRecursion(structure);
      warnUnused(structure);
    } else if (const auto *mapping = ast::dynCast<ast::MappingDeclaration>(declaration)) {
      checkViaRecursion(*mapping);
    } else if (const auto *instruction = ast::dynCast<ast::InstructionDeclaration>(declaration)) {
      warnUnprocessed(*instruction);
    }
  }
  for (const ast::Declaration *declaration : declarations_)
    if (const auto found = engines_.find(declaration); found != engines_.end())
      diagnostics_->append(*found->second);
}

void Checker::checkDeclaration(const ast::Declaration &declaration) {
  DiagnosticEngine &diagnostics = engineOf(declaration);
  switch (declaration.kind) {
  case ast::DeclarationKind::Import:
    return; // loading has checked it
  case ast::DeclarationKind::Enum:
    return checkEnum(ast::cast<ast::EnumDeclaration>(declaration));
  case ast::DeclarationKind::Constant:
    constantType(ast::cast<ast::ConstantDeclaration>(declaration), declaration.range, diagnostics);
    return;
  case ast::DeclarationKind::Function:
    functionResult(ast::cast<ast::FunctionDeclaration>(declaration), nullptr, declaration.range,
                   diagnostics);
    return;
  case ast::DeclarationKind::Instruction: {
    Names names(moduleOf(declaration));
    return checkInstruction(*this, diagnostics, names,
                            ast::cast<ast::InstructionDeclaration>(declaration), false);
  }
  case ast::DeclarationKind::Template:
  case ast::DeclarationKind::Architecture:
    structure(static_cast<const ast::StructureDeclaration &>(declaration));
    return;
  case ast::DeclarationKind::Mapping: {
    const auto &mapping = ast::cast<ast::MappingDeclaration>(declaration);
    return checkMappingBody(*this, diagnostics, mapping, this->mapping(mapping));
  }
  case ast::DeclarationKind::Program:
    return checkProgram(*this, diagnostics, ast::cast<ast::ProgramDeclaration>(declaration));
  case ast::DeclarationKind::Prefer:
    return checkPrefer(ast::cast<ast::PreferDeclaration>(declaration));
  case ast::DeclarationKind::Experiment:
    return checkExperiment(*this, diagnostics, ast::cast<ast::ExperimentDeclaration>(declaration));
  case ast::DeclarationKind::Scalar:
    return checkScalar(*this, diagnostics, ast::cast<ast::ScalarDeclaration>(declaration));
  }
}

void Checker::checkEnum(const ast::EnumDeclaration &enumeration) {
  Names names(moduleOf(enumeration));
  for (const ast::Identifier &enumerator : enumeration.enumerators)
    declare(engineOf(enumeration), names, {.text = enumerator.text, .range = enumerator.range});
}

void Checker::checkPrefer(const ast::PreferDeclaration &prefer) {
  const Names names(moduleOf(prefer));
  llvm::SmallVector<ast::Identifier> all{prefer.name};
  all.append(prefer.others.begin(), prefer.others.end());
  llvm::DenseMap<StringRef, SourceRange> seen;
  for (const ast::Identifier &name : all) {
    if (!name.isValid())
      continue;
    const Symbol *symbol = names.findGlobal(name.text);
    if (!symbol || !ast::dynCast<ast::MappingDeclaration>(symbol->declaration))
      reportUnknownDeclaration(engineOf(prefer), names, qualified(name), symbol,
                               ast::DeclarationKind::Mapping);
    const auto [first, isNew] = seen.try_emplace(name.text, name.range);
    if (!isNew)
      engineOf(prefer)
          .report(DiagnosticCode::GivenTwice, name.range, name.text)
          .note(first->second, "first here");
  }
}

//===--- Recursion ----------------------------------------------------------------------------===//

namespace {

/// The way from \p start back to itself over \p successors, without \p start at its end; empty if
/// there is none.
template <typename Node, typename Successors>
std::vector<const Node *> findCycle(const Node *start, Successors successors) {
  std::map<const Node *, const Node *> cameFrom{{start, nullptr}};
  std::vector<const Node *> open{start};
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Node *node = open[i];
    for (const Node *next : successors(*node)) {
      if (next == start) {
        std::vector<const Node *> way;
        for (; node; node = cameFrom[node])
          way.push_back(node);
        std::ranges::reverse(way);
        return way;
      }
      if (cameFrom.try_emplace(next, node).second)
        open.push_back(next);
    }
  }
  return {};
}

} // namespace

void Checker::checkTemplateRecursion(const ast::StructureDeclaration &structure) {
  const auto successors = [&](const ast::StructureDeclaration &node) {
    std::vector<const ast::StructureDeclaration *> result;
    for (const StructureInfo::Instance &instance : this->structure(node).instances)
      if (!instance.isConditional)
        result.push_back(instance.structure);
    return result;
  };
  const auto cycle = findCycle(&structure, successors);
  if (cycle.empty())
    return;
  auto report = engineOf(structure).report(DiagnosticCode::RecursiveTemplate, structure.name.range,
                                           structure.name.text);
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    const ast::StructureDeclaration *next = cycle[(i + 1) % cycle.size()];
    for (const StructureInfo::Instance &instance : this->structure(*cycle[i]).instances)
      if (instance.structure == next && !instance.isConditional) {
        report.note(instance.range, fmt::format("'{}' makes an instance of '{}'",
                                                cycle[i]->name.text.str(), next->name.text.str()));
        break;
      }
  }
}

void Checker::checkViaRecursion(const ast::MappingDeclaration &mapping) {
  const auto cycle = findCycle(&mapping, [&](const ast::MappingDeclaration &node) {
    return this->mapping(node).unconditionalVias;
  });
  if (cycle.empty())
    return;
  auto report = engineOf(mapping).report(DiagnosticCode::RecursiveMapping, mapping.name.range,
                                         mapping.name.text);
  for (std::size_t i = 1; i < cycle.size(); ++i)
    report.note(cycle[i]->name.range, fmt::format("over '{}'", cycle[i]->name.text.str()));
}

//===--- What nobody uses ---------------------------------------------------------------------===//

void Checker::warnUnused(const ast::StructureDeclaration &structure) {
  Names &names = *this->structure(structure).names;
  warnUnusedNames(engineOf(structure), names, Name::Kind::Parameter, "parameter");
  warnUnusedNames(engineOf(structure), names, Name::Kind::Port, "port");
}

void Checker::warnUnprocessed(const ast::InstructionDeclaration &instruction) {
  if (processed_.contains(&instruction) || !instruction.name.isValid())
    return;
  // A file that only declares instructions is for others to import.
  const Module &module = moduleOf(instruction);
  const bool hasStructure = llvm::any_of(module.tree.declarations, [](const auto *declaration) {
    return declaration && (declaration->kind == ast::DeclarationKind::Architecture ||
                           declaration->kind == ast::DeclarationKind::Template);
  });
  if (hasStructure)
    engineOf(instruction)
        .report(DiagnosticCode::UnprocessedInstruction, instruction.name.range,
                instruction.name.text);
}

} // namespace checking
} // namespace acadlc
