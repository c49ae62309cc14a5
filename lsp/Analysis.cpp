#include "lsp/Analysis.h"

#include "frontend/acadl/Check.h"
#include "frontend/acadl/Elaborate.h"

#include <llvm/ADT/STLExtras.h>

#include <exception>

namespace acadlc::lsp {
namespace {

/// While one types nobody wants to wait for millions of objects.
ElaborationLimits editorLimits() {
  ElaborationLimits limits;
  limits.objects = 100'000;
  limits.edges = 1'000'000;
  limits.evaluation.steps = 10'000'000;
  return limits;
}

/// Whether \p code says that one of the limits above was reached, which the compiler may well not
/// reach: no mistake of the user.
bool isLimit(DiagnosticCode code) {
  return code == DiagnosticCode::TooManyObjects || code == DiagnosticCode::TooManyEdges ||
         code == DiagnosticCode::EvaluationLimit;
}

bool hasDefaults(const ast::ArchitectureDeclaration &architecture) {
  return llvm::all_of(architecture.parameters,
                      [](const ast::Parameter &parameter) { return parameter.defaultValue; });
}

} // namespace

Analysis::Analysis(const AnalysisRoot &root, FileOverlay overlay)
    : compilation_(sources_, diagnostics_, std::move(overlay)) {
  try {
    run(root);
  } catch (const std::exception &error) {
    failure_ = error.what();
  }
}

void Analysis::run(const AnalysisRoot &root) {
  if (root.isFile)
    compilation_.load(root.name);
  else
    compilation_.loadText(root.name, root.text, root.folder);
  check(compilation_, diagnostics_);
  if (!compilation_.root() || diagnostics_.hasErrors())
    return;
  DiagnosticEngine found;
  evaluateConstants(compilation_, found, editorLimits().evaluation);
  appendMistakes(found);
  if (!diagnostics_.hasErrors())
    elaborateArchitectures();
}

/// Adds what was \p found unless a limit cut the search short.
void Analysis::appendMistakes(const DiagnosticEngine &found) {
  if (llvm::none_of(found.diagnostics(), [](const Diagnostic &d) { return isLimit(d.code); }))
    diagnostics_.append(found);
}

void Analysis::elaborateArchitectures() {
  for (const ast::Declaration *declaration : compilation_.root()->tree.declarations) {
    const auto *architecture = ast::dynCast<ast::ArchitectureDeclaration>(declaration);
    if (!architecture || !hasDefaults(*architecture))
      continue;
    DiagnosticEngine found;
    elaborate(compilation_, *architecture, {}, sources_, found, editorLimits());
    appendMistakes(found);
  }
}

} // namespace acadlc::lsp
