/// \file
/// Where reports and diagnostics of the command line go.
#pragma once

#include "driver/Options.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <string>
#include <string_view>

namespace acadlc::driver {

/// Prints on standard error.
void printDiagnostics(const DiagnosticEngine &engine, const SourceManager &sources,
                      ColorMode color);

/// Writes \p report to the output that \p options name. Returns the exit code; what goes wrong is
/// printed.
int writeReport(std::string_view report, const Options &options, const SourceManager &sources);

} // namespace acadlc::driver
