#include "driver/Output.h"

#include "driver/Driver.h"
#include "driver/OutputFile.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace acadlc::driver {

namespace {

bool wantsColor(ColorMode mode) {
  if (mode != ColorMode::Auto)
    return mode == ColorMode::Always;
  const char *terminal = std::getenv("TERM");
  const char *noColor = std::getenv("NO_COLOR");
  return ::isatty(STDERR_FILENO) != 0 && (noColor == nullptr || *noColor == '\0') &&
         terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

} // namespace

void printDiagnostics(const DiagnosticEngine &engine, const SourceManager &sources,
                      ColorMode color) {
  if (engine.diagnostics().empty())
    return;
  const std::string text = renderDiagnostics(engine.diagnostics(), sources, {wantsColor(color)});
  std::fputs(text.c_str(), stderr);
}

int writeReport(std::string_view report, const Options &options, const SourceManager &sources) {
  if (report.empty())
    return success;
  OutputFile file(options.output.empty() ? "-" : options.output);
  file.write(report);
  if (file.commit())
    return success;
  if (!file.problem().empty()) {
    DiagnosticEngine engine;
    engine.report(DiagnosticCode::CannotWriteFile, {},
                  file.path() == "-" ? "standard output" : file.path(), file.problem());
    printDiagnostics(engine, sources, options.color);
  }
  return inputErrors;
}

} // namespace acadlc::driver
