#include "lsp/Analysis.h"

#include "frontend/acadl/check/Check.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/network/NetworkReader.h"
#include "support/TextFile.h"

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

bool isNetwork(llvm::StringRef name) { return name.ends_with(".tir"); }

Analysis::Analysis(const AnalysisRoot &root, FileOverlay overlay)
    : compilation_(sources_, diagnostics_, isNetwork(root.name) ? FileOverlay() : overlay) {
  try {
    if (isNetwork(root.name))
      readNetwork(root, overlay);
    else
      run(root);
  } catch (const std::exception &error) {
    failure_ = error.what();
  }
  mistakes_ = diagnostics_.diagnostics();
  // The command line sets symbolic sizes: a text that has them is no mistake.
  llvm::erase_if(mistakes_, [](const Diagnostic &diagnostic) {
    return diagnostic.code == DiagnosticCode::TirSymbolicSize;
  });
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

void Analysis::readNetwork(const AnalysisRoot &root, const FileOverlay &overlay) {
  std::optional<std::string> text = root.text;
  if (root.isFile) {
    text = overlay ? overlay(root.name) : std::nullopt;
    std::string problem;
    if (!text)
      text = readTextFile(root.name, TextFileKind::RegularOnly, problem);
    if (!text)
      diagnostics_.report(DiagnosticCode::CannotReadFile, {}, root.name, problem);
  }
  const FileId file = text ? sources_.addText(root.name, std::move(*text)) : FileId();
  if (!file.isValid())
    return;
  tir::readWorkload(sources_, file, {}, diagnostics_);
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
