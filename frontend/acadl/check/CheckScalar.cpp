// Scalar code: `scalar on arch: … { … }`.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"
#include "support/InternalError.h"

#include <fmt/format.h>

namespace acadlc::checking {

using llvm::StringRef;
using Kind = Type::Kind;

namespace {

/// Calls \p visit with every name that \p block and the blocks in it declare.
template <typename Visit> void forEachDeclared(ast::Block block, Visit visit) {
  for (const ast::Statement *statement : block) {
    if (const auto *let = ast::dynCast<ast::LetStatement>(statement)) {
      for (const ast::Binding &binding : let->bindings)
        visit(binding.name);
    } else if (const auto *branch = ast::dynCast<ast::IfStatement>(statement)) {
      forEachDeclared(branch->thenBlock, visit);
      forEachDeclared(branch->elseBlock, visit);
    } else if (const auto *loop = ast::dynCast<ast::ForStatement>(statement)) {
      for (const ast::LoopHeader &header : loop->loops)
        visit(header.name);
      forEachDeclared(loop->body, visit);
    }
  }
}

class ScalarChecker {
public:
  ScalarChecker(Checker &checker, DiagnosticEngine &diagnostics,
                const ast::ScalarDeclaration &scalar)
      : checker_(checker), diagnostics_(diagnostics), scalar_(scalar),
        expressions_(checker, diagnostics), names_(checker.moduleOf(scalar)) {}

  void run() {
    architecture_ =
        declareArchitecture(diagnostics_, names_, scalar_.architectureName, scalar_.architecture);
    checkOnlyOne();
    for (const ast::LetStatement *let : scalar_.lets)
      if (let != nullptr)
        expressions_.checkLet(*let, names_);
    for (const ast::Attribute &attribute : scalar_.attributes)
      checkAttribute(attribute);
    for (const ast::ScalarOperation &operation : scalar_.operations)
      checkOperation(operation);
    checkComplete();
    warnUnusedNames(diagnostics_, names_, Name::Kind::Let, "value");
  }

private:
  /// An architecture has one scalar code.
  void checkOnlyOne() {
    if (architecture_ == nullptr)
      return;
    for (const ast::Declaration *declaration : checker_.declarations()) {
      const auto *other = ast::dynCast<ast::ScalarDeclaration>(declaration);
      if (other == &scalar_)
        return;
      if (other != nullptr &&
          resolveAs<ast::ArchitectureDeclaration>(
              other->architecture, *checker_.moduleOf(*other).scope) == architecture_)
        diagnostics_
            .report(DiagnosticCode::GivenTwice, scalar_.architecture.range,
                    fmt::format("scalar on {}", architecture_->name.text.str()))
            .note(other->architecture.range, "first here");
    }
  }

  void checkAttribute(const ast::Attribute &attribute) {
    if (!attribute.name.isValid())
      return;
    if (!llvm::is_contained(builtins::scalarAttributes(), attribute.name.text))
      return reportUnknownWord(diagnostics_, attribute.name, "attribute of scalar code",
                               builtins::scalarAttributes());
    const auto [first, isNew] = given_.try_emplace(attribute.name.text, attribute.name.range);
    if (!isNew)
      diagnostics_.report(DiagnosticCode::GivenTwice, attribute.name.range, attribute.name.text)
          .note(first->second, "first here");
    if (attribute.name.text == "memory")
      return checkStorage(checker_, diagnostics_, attribute.value, names_, "'memory'");
    const Type type = expressions_.check(attribute.value, names_);
    const bool isList = type.is(Kind::List) || type.is(Kind::Array);
    const Type element = type.elementType();
    if (attribute.value != nullptr && !type.isError() &&
        (!isList || !(element.isError() || element.is(Kind::Register))))
      diagnostics_.report(DiagnosticCode::WrongType, attribute.value->range,
                          fmt::format("'{}'", attribute.name.text.str()), "a list of registers",
                          type.text());
  }

  void checkOperation(const ast::ScalarOperation &operation) {
    if (!operation.name.isValid())
      return;
    const auto [first, isNew] = operations_.try_emplace(operation.name.text, operation.name.range);
    if (!isNew)
      diagnostics_.report(DiagnosticCode::GivenTwice, operation.name.range, operation.name.text)
          .note(first->second, "first here");
    const auto *known = builtins::findScalarOperation(operation.name.text);
    if (known == nullptr) {
      llvm::SmallVector<StringRef> allowed;
      for (const builtins::ScalarOperation &entry : builtins::scalarOperations())
        allowed.push_back(entry.name);
      return reportUnknownWord(diagnostics_, operation.name, "operation of scalar code", allowed);
    }
    if (operation.parameters.size() != known->parameters)
      diagnostics_.report(
          DiagnosticCode::ArgumentCount, operation.name.range,
          fmt::format("operation '{}'", known->name.str()),
          fmt::format("{} parameter{}", known->parameters, known->parameters == 1 ? "" : "s"),
          operation.parameters.size());
    checkBody(operation, memoryParameter(*known));
  }

  /// Which parameter is an element of a tensor; none: all are registers.
  static std::optional<std::size_t> memoryParameter(const builtins::ScalarOperation &operation) {
    if (operation.name == "load" || operation.name == "load_indexed")
      return 1;
    const bool stores = operation.name == "store" || operation.name == "store_indexed";
    return stores ? std::optional<std::size_t>(0) : std::nullopt;
  }

  void checkBody(const ast::ScalarOperation &operation, std::optional<std::size_t> memory) {
    Names parameters(names_);
    for (std::size_t i = 0; i < operation.parameters.size(); ++i) {
      const ast::Identifier &parameter = operation.parameters[i];
      declare(diagnostics_, parameters,
              {.text = parameter.text,
               .range = parameter.range,
               .kind = Name::Kind::Extent,
               .type = Type::of(i == memory ? Kind::MemoryOperand : Kind::RegisterOperand)});
    }
    // What stands for a parameter is put into the body as text.
    forEachDeclared(operation.body, [&](const ast::Identifier &name) {
      for (const ast::Identifier &parameter : operation.parameters)
        if (name.isValid() && parameter.text == name.text)
          diagnostics_.report(DiagnosticCode::DuplicateName, name.range, name.text)
              .note(parameter.range, "a parameter of the operation");
    });
    checkScalarOperation(checker_, diagnostics_, parameters, architecture_, operation.body);
  }

  void checkComplete() {
    std::vector<std::string> missing;
    for (const StringRef attribute : {StringRef("memory"), StringRef("values")})
      if (!given_.contains(attribute))
        missing.push_back(attribute.str());
    const bool countsLoops =
        operations_.contains("loop_start") || operations_.contains("loop_next");
    if (countsLoops && !given_.contains("counters"))
      missing.emplace_back("counters");
    for (const builtins::ScalarOperation &operation : builtins::scalarOperations())
      if (operation.isRequired && !operations_.contains(operation.name))
        missing.push_back(operation.name.str());
    if (!missing.empty())
      diagnostics_.report(DiagnosticCode::RequiredAttribute, scalar_.architecture.range,
                          "scalar code", joinNames(missing, "and", true));
  }

  Checker &checker_;
  DiagnosticEngine &diagnostics_;
  const ast::ScalarDeclaration &scalar_;
  Expressions expressions_;
  Names names_;
  const ast::ArchitectureDeclaration *architecture_ = nullptr;
  llvm::DenseMap<StringRef, SourceRange> given_, operations_;
};

} // namespace

void checkScalar(Checker &checker, DiagnosticEngine &diagnostics,
                 const ast::ScalarDeclaration &scalar) {
  ScalarChecker(checker, diagnostics, scalar).run();
}

} // namespace acadlc::checking
