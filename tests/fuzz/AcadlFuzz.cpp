// Any bytes as a description: parsed, checked and, if correct, elaborated with default parameters.

#include "frontend/acadl/check/Check.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/acadl/evaluation/Module.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace acadlc;
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation(sources, diagnostics);
  const Module *module =
      compilation.loadText("fuzz.acadl", std::string(reinterpret_cast<const char *>(data), size));
  if (module != nullptr)
    check(compilation, diagnostics);
  if (module != nullptr && !diagnostics.hasErrors()) {
    ElaborationLimits limits;
    limits.objects = 10'000;
    limits.edges = 100'000;
    limits.evaluation.steps = 100'000;
    for (const ast::Declaration *declaration : module->tree.declarations)
      if (const auto *architecture = ast::dynCast<ast::ArchitectureDeclaration>(declaration))
        elaborate(compilation, *architecture, {}, sources, diagnostics, limits);
  }
  renderDiagnostics(diagnostics.diagnostics(), sources, {});
  return 0;
}
