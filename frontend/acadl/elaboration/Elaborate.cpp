#include "frontend/acadl/elaboration/Elaborate.h"

#include "frontend/acadl/elaboration/ElaborateBuilder.h"
#include "frontend/acadl/elaboration/ElaborateChecks.h"
#include "frontend/acadl/syntax/Parser.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

namespace acadlc {

using Kind = Value::Kind;

const Symbol *ElaboratedArchitecture::findInstruction(llvm::StringRef name) const {
  return acadlc::findInstruction(name, *scope);
}

//===--- Parameters ---------------------------------------------------------------------------===//

ParsedOverride parseOverride(const std::string &option, const std::string &name,
                             const std::string &value, SourceManager &sources) {
  ParsedOverride parsed;
  const std::string nameBefore = option + " ";
  const std::string before = nameBefore + (name.empty() ? "" : name + "=");
  const FileId file = sources.addText("command line", before + value);
  if (!file.isValid())
    return parsed;
  const auto place = [&](std::size_t offset) {
    return sources.location(file, static_cast<std::uint32_t>(offset));
  };
  parsed.nameRange = {place(nameBefore.size()), place(nameBefore.size() + name.size())};
  parsed.valueRange = {place(before.size()), place(before.size() + value.size())};
  DiagnosticEngine problems;
  parsed.tree = parseAcadlValue(sources, file, static_cast<std::uint32_t>(before.size()), problems);
  const auto &declarations = parsed.tree.declarations;
  if (problems.hasErrors())
    parsed.problems.push_back(
        {problems.diagnostics().front().range, problems.diagnostics().front().message});
  else if (declarations.size() == 1)
    if (const auto *constant = ast::dynCast<ast::ConstantDeclaration>(declarations.front()))
      parsed.expression = constant->value;
  return parsed;
}

std::optional<Value> convertOverride(Value value, const ExpectedType &type, SourceRange at,
                                     llvm::StringRef what, Evaluator &evaluator) {
  // On the command line a bare number counts in the type's unit.
  if (type.kind == ExpectedType::Kind::Quantity && value.isNumber() && value.dimension().isNone()) {
    if (!value.is(Kind::Int) || !type.isWhole)
      value = Value::ofReal(value.asReal() * static_cast<double>(type.scale), type.dimension);
    else if (const auto base = checkedMul(value.asInt(), type.scale))
      value = Value::ofInt(*base, type.dimension);
  }
  return evaluator.convert(std::move(value), type, at, what);
}

namespace {

/// The `-P` values of one run, parsed.
class Overrides {
public:
  Overrides(const std::vector<ParameterOverride> &overrides, SourceManager &sources,
            DiagnosticEngine &diagnostics) {
    for (const ParameterOverride &override : overrides)
      parse(override, sources, diagnostics);
  }

  struct Entry {
    std::string name;
    ParsedOverride parsed;
    const ast::Expr *expression = nullptr; ///< null: not one expression (reported), or `known`
    std::optional<Value> known;
  };
  [[nodiscard]] const std::vector<Entry> &entries() const { return entries_; }
  [[nodiscard]] const Entry *find(llvm::StringRef name) const {
    const auto found = llvm::find_if(entries_, [&](const Entry &e) { return name == e.name; });
    return found == entries_.end() ? nullptr : &*found;
  }

private:
  void parse(const ParameterOverride &override, SourceManager &sources,
             DiagnosticEngine &diagnostics);
  std::vector<Entry> entries_;
};

void Overrides::parse(const ParameterOverride &override, SourceManager &sources,
                      DiagnosticEngine &diagnostics) {
  Entry entry{override.name, {}, override.expression, override.known};
  if (!entry.known && entry.expression == nullptr) {
    entry.parsed = parseOverride("-P", override.name, override.value, sources);
    entry.expression = entry.parsed.expression;
    if (entry.expression == nullptr) {
      auto builder = diagnostics.report(DiagnosticCode::OverrideSyntax, entry.parsed.valueRange,
                                        override.name);
      for (const DiagnosticNote &problem : entry.parsed.problems)
        builder.note(problem.range, problem.message);
    }
  }
  entries_.push_back(std::move(entry));
}

class ArchitectureElaborator {
public:
  ArchitectureElaborator(const Compilation &compilation,
                         const ast::ArchitectureDeclaration &architecture,
                         const std::vector<ParameterOverride> &overrides, SourceManager &sources,
                         DiagnosticEngine &diagnostics, const ElaborationLimits &limits)
      : compilation_(compilation), architecture_(architecture),
        errorsBefore_(diagnostics.errorCount()), overrides_(overrides, sources, diagnostics),
        diagnostics_(diagnostics), limits_(limits), evaluator_(diagnostics, limits.evaluation) {}

  std::optional<ElaboratedArchitecture> run();

private:
  [[nodiscard]] std::string callee() const {
    return fmt::format("architecture '{}'", architecture_.name.text.str());
  }
  void checkOverrideNames();
  void bindParameters(Scope &scope, arch::ArchitectureGraph &graph);
  bool bindOverride(const ast::Parameter &parameter, const Overrides::Entry &entry, Scope &scope);

  const Compilation &compilation_;
  const ast::ArchitectureDeclaration &architecture_;
  std::size_t errorsBefore_; ///< ahead of the overrides, which report as they are parsed
  Overrides overrides_;
  DiagnosticEngine &diagnostics_;
  const ElaborationLimits &limits_;
  Evaluator evaluator_;
};

void ArchitectureElaborator::checkOverrideNames() {
  std::vector<std::string_view> names;
  for (const ast::Parameter &parameter : architecture_.parameters)
    names.emplace_back(parameter.name.text);
  for (const Overrides::Entry &entry : overrides_.entries()) {
    if (overrides_.find(entry.name) != &entry) {
      diagnostics_.report(DiagnosticCode::GivenTwice, entry.parsed.nameRange, entry.name);
      continue;
    }
    if (llvm::is_contained(names, entry.name))
      continue;
    auto builder = diagnostics_.report(DiagnosticCode::UnknownParameter, entry.parsed.nameRange,
                                       callee(), "parameter", entry.name);
    if (const auto nearest = nearestName(entry.name, names); !nearest.empty())
      builder.note({}, fmt::format("did you mean '{}'?", nearest));
    else if (!names.empty())
      builder.note(architecture_.name.range,
                   fmt::format("its parameters are {}", fmt::join(names, ", ")));
    else
      builder.note(architecture_.name.range, "it has no parameters");
  }
}

bool ArchitectureElaborator::bindOverride(const ast::Parameter &parameter,
                                          const Overrides::Entry &entry, Scope &scope) {
  if (entry.known) {
    scope.declare(parameter.name, *entry.known);
    return true;
  }
  if (entry.expression == nullptr)
    return false;
  const auto type = evaluator_.resolveType(parameter.type, scope);
  auto value = type ? evaluator_.evaluate(*entry.expression, scope, &*type) : std::nullopt;
  if (value)
    value = convertOverride(std::move(*value), *type, entry.expression->range,
                            fmt::format("parameter '{}'", parameter.name.text.str()), evaluator_);
  if (!value)
    return false;
  scope.declare(parameter.name, std::move(*value));
  return true;
}

void ArchitectureElaborator::bindParameters(Scope &scope, arch::ArchitectureGraph &graph) {
  for (const ast::Parameter &parameter : architecture_.parameters) {
    const Overrides::Entry *entry = overrides_.find(parameter.name.text);
    if (entry && !bindOverride(parameter, *entry, scope))
      scope.declare(parameter.name, Value::ofError());
    else if (!entry)
      evaluator_.bindDefault(parameter, scope, architecture_.name.range, callee());
    if (const Symbol *symbol = scope.findLocal(parameter.name.text))
      graph.parameters.push_back({parameter.name.text.str(), symbol->value.text()});
  }
}

std::optional<ElaboratedArchitecture> ArchitectureElaborator::run() {
  const Module *module = compilation_.moduleAt(architecture_.name.range.begin);
  ACADLC_CHECK(module, "an architecture that is in no file of the compilation");
  ElaboratedArchitecture result;
  result.declaration = &architecture_;
  result.graph.name = architecture_.name.text.str();
  checkOverrideNames();
  auto scope = std::make_shared<Scope>(module->scope.get());
  bindParameters(*scope, result.graph);
  // Without its parameters nothing can be said of the rest.
  if (diagnostics_.errorCount() != errorsBefore_)
    return std::nullopt;
  StructureBuilder(evaluator_, limits_, result.graph).build(architecture_, *scope);
  if (diagnostics_.errorCount() != errorsBefore_)
    return std::nullopt;
  result.graph.finish();
  checkGraph(result.graph, architecture_.name.range, diagnostics_);
  if (diagnostics_.errorCount() != errorsBefore_)
    return std::nullopt;
  result.instance = Value::ofInstance(scope, architecture_);
  result.scope = std::move(scope);
  return result;
}

} // namespace

std::optional<ElaboratedArchitecture>
elaborate(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture,
          const std::vector<ParameterOverride> &overrides, SourceManager &sources,
          DiagnosticEngine &diagnostics, const ElaborationLimits &limits) {
  return ArchitectureElaborator(compilation, architecture, overrides, sources, diagnostics, limits)
      .run();
}

std::optional<ElaboratedArchitecture> elaborate(const Compilation &compilation,
                                                const ast::ArchitectureDeclaration &architecture,
                                                const std::vector<ParameterOverride> &overrides,
                                                SourceManager &sources,
                                                DiagnosticEngine &diagnostics) {
  return elaborate(compilation, architecture, overrides, sources, diagnostics, ElaborationLimits{});
}

} // namespace acadlc
