/// \file
/// Checks `experiment` declarations. Names in their expressions are columns of files that are not
/// known here; everything else is checked.
#include "frontend/acadl/check/CheckExpressions.h"
#include "frontend/acadl/evaluation/Experiment.h"

#include <fmt/format.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>

namespace acadlc::checking {

using llvm::StringRef;

namespace {

class ExperimentChecker {
public:
  ExperimentChecker(Checker &checker, DiagnosticEngine &diagnostics,
                    const ast::ExperimentDeclaration &experiment)
      : experiment_(experiment), diagnostics_(diagnostics), module_(checker.moduleOf(experiment)),
        expressions_(checker, diagnostics) {}

  void run() {
    findTarget();
    llvm::DenseMap<StringRef, SourceRange> seen;
    for (const ast::Attribute &attribute : experiment_.attributes) {
      if (!attribute.name.isValid())
        continue;
      if (!llvm::is_contained(experimentAttributes(), attribute.name.text)) {
        reportUnknownWord(diagnostics_, attribute.name, "attribute of an experiment",
                          experimentAttributes());
        continue;
      }
      const auto [first, isNew] = seen.try_emplace(attribute.name.text, attribute.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, attribute.name.range, attribute.name.text)
            .note(first->second, "first here");
      checkAttribute(attribute);
    }
    if (experiment_.condition != nullptr)
      checkExpression(*experiment_.condition, Type::of(Type::Kind::Bool), "the condition");
  }

private:
  /// Reports a wrong target; fills `bindables_` if there is a right one.
  void findTarget() {
    const Names names(module_);
    const Symbol *symbol = resolve(experiment_.target, *module_.scope);
    const ast::Declaration *declaration = symbol ? symbol->declaration : nullptr;
    if (const auto *program = ast::dynCast<ast::ProgramDeclaration>(declaration);
        program && experiment_.isOfProgram) {
      bindables_ = bindablesOf(*program, *symbol->home);
      addArchitecture(program->architecture, *symbol->home);
    } else if (const auto *mapping = ast::dynCast<ast::MappingDeclaration>(declaration);
               mapping && !experiment_.isOfProgram) {
      bindables_ = bindablesOf(*mapping, *symbol->home);
      addArchitecture(mapping->architecture, *symbol->home);
    } else {
      reportUnknownDeclaration(diagnostics_, names, experiment_.target, symbol,
                               experiment_.isOfProgram ? ast::DeclarationKind::Program
                                                       : ast::DeclarationKind::Mapping);
    }
  }

  void addArchitecture(const ast::QualifiedName &name, const Scope &home) {
    const auto *architecture = resolveAs<ast::ArchitectureDeclaration>(name, home);
    if (architecture == nullptr)
      return; // reported there
    const std::vector<Bindable> more = bindablesOf(*architecture, home);
    bindables_.insert(bindables_.end(), more.begin(), more.end());
    isTargetKnown_ = true;
  }

  void checkAttribute(const ast::Attribute &attribute) {
    if (attribute.value == nullptr || attribute.value->kind == ast::ExprKind::Error)
      return; // the parser has reported it
    if (attribute.name.text == "measured")
      return checkMeasured(*attribute.value);
    if (attribute.name.text == "bind")
      return checkBindings(*attribute.value);
    checkColumns(attribute);
  }

  void checkMeasured(const ast::Expr &value) {
    const Type type = checkExpression(value);
    const bool isCycles = type.isNumber() && (type.dimension == builtins::cyclesDimension ||
                                              type.dimension == builtins::noDimension);
    if (!type.isError() && !isCycles)
      diagnostics_.report(DiagnosticCode::WrongType, value.range, "measured", "cycles",
                          type.text());
  }

  /// `[mode, dataflow]`
  void checkColumns(const ast::Attribute &attribute) {
    const auto *list = ast::dynCast<ast::ListExpr>(attribute.value);
    if (list == nullptr) {
      diagnostics_.report(DiagnosticCode::ExperimentAttribute, attribute.value->range,
                          attribute.name.text, "a list of columns: [mode, size]");
      return;
    }
    for (const ast::Expr *element : list->elements)
      if (element != nullptr && element->kind != ast::ExprKind::Name &&
          element->kind != ast::ExprKind::String && element->kind != ast::ExprKind::Error)
        diagnostics_.report(DiagnosticCode::ExperimentAttribute, element->range,
                            attribute.name.text, "names of columns");
  }

  /// `{ rows: array_rows }`
  void checkBindings(const ast::Expr &value) {
    const auto *table = ast::dynCast<ast::TableExpr>(&value);
    if (table == nullptr) {
      diagnostics_.report(DiagnosticCode::ExperimentAttribute, value.range, "bind",
                          "a table: { rows: array_rows }");
      return;
    }
    llvm::DenseMap<StringRef, SourceRange> seen;
    for (const ast::TableEntry &entry : table->entries) {
      const auto [first, isNew] = seen.try_emplace(entry.key.text, entry.key.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, entry.key.range, entry.key.text)
            .note(first->second, "first here");
      checkBinding(entry, *table);
    }
  }

  void checkBinding(const ast::TableEntry &entry, const ast::TableExpr &table) {
    if (entry.value == nullptr)
      return;
    std::vector<const Bindable *> meant;
    for (const Bindable &bindable : bindables_)
      if (bindable.isCalled(entry.key.text))
        meant.push_back(&bindable);
    if (meant.size() > 1) {
      diagnostics_
          .report(DiagnosticCode::AmbiguousBinding, entry.key.range, entry.key.text,
                  meant[0]->text() + " or " + meant[1]->text())
          .note(meant[0]->name.range, fmt::format("'{}' means this one", meant[0]->qualifiedName()))
          .note(meant[1]->name.range,
                fmt::format("'{}' means this one", meant[1]->qualifiedName()));
    } else if (meant.empty() && isTargetKnown_ && !isUsed(entry.key.text, table)) {
      auto report = diagnostics_.report(DiagnosticCode::UnknownBinding, entry.key.range,
                                        entry.key.text, targetText());
      std::vector<std::string_view> names;
      names.reserve(bindables_.size());
      for (const Bindable &bindable : bindables_)
        names.emplace_back(bindable.name.text);
      suggest(report, entry.key, names);
    }
    const Type type = checkExpression(*entry.value);
    if (meant.size() != 1)
      return;
    const auto [first, isNew] = boundBy_.try_emplace(meant[0], entry.key);
    if (!isNew && first->second.text != entry.key.text)
      diagnostics_
          .report(DiagnosticCode::BoundTwice, entry.key.range, meant[0]->text(),
                  fmt::format("the binding '{}'", first->second.text.str()),
                  fmt::format("the binding '{}'", entry.key.text.str()))
          .note(first->second.range, "the first is here");
    if (type.isError())
      return;
    if (meant[0]->isHeader() && !type.is(Type::Kind::Int) && !type.is(Type::Kind::Real))
      diagnostics_.report(DiagnosticCode::WrongType, entry.value->range, meant[0]->text(), "int",
                          type.text());
  }

  /// Whether some expression or `group_by` uses what a binding computes.
  [[nodiscard]] bool isUsed(StringRef name, const ast::TableExpr &table) const {
    bool used = false;
    const auto look = [&](const ast::NameExpr &expr) { used = used || expr.name == name; };
    for (const ast::TableEntry &entry : table.entries)
      forEachFreeName(entry.value, look);
    for (const ast::Attribute &attribute : experiment_.attributes)
      if (attribute.name.text == "measured" || attribute.name.text == "group_by")
        forEachFreeName(attribute.value, look);
    forEachFreeName(experiment_.condition, look);
    return used;
  }

  [[nodiscard]] std::string targetText() const {
    return fmt::format("{} '{}' and its architecture",
                       experiment_.isOfProgram ? "program" : "mapping",
                       experiment_.target.parts.back().text.str());
  }

  /// Checks \p expr with every name as a column that the file does not give another meaning.
  Type checkExpression(const ast::Expr &expr) {
    Names names(module_);
    declareColumns(expr, names);
    return expressions_.check(&expr, names);
  }
  void checkExpression(const ast::Expr &expr, const Type &wanted, const std::string &what) {
    Names names(module_);
    declareColumns(expr, names);
    expressions_.checkAs(&expr, names, wanted, what);
  }

  static void declareColumns(const ast::Expr &expr, Names &names) {
    forEachFreeName(&expr, [&](const ast::NameExpr &name) {
      const Symbol *symbol = names.findGlobal(name.name);
      // A column hides a constant; enums and modules have no value but members.
      if (symbol == nullptr || ast::dynCast<ast::ConstantDeclaration>(symbol->declaration))
        names.add({.text = name.name, .range = name.range});
    });
  }

  const ast::ExperimentDeclaration &experiment_;
  DiagnosticEngine &diagnostics_;
  const Module &module_;
  Expressions expressions_;
  std::vector<Bindable> bindables_;
  llvm::DenseMap<const Bindable *, ast::Identifier> boundBy_; ///< the first key that means it
  bool isTargetKnown_ = false;
};

} // namespace

void checkExperiment(Checker &checker, DiagnosticEngine &diagnostics,
                     const ast::ExperimentDeclaration &experiment) {
  ExperimentChecker(checker, diagnostics, experiment).run();
}

} // namespace acadlc::checking
