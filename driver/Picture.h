/// \file
/// Graphs as files: dot text, or a picture that Graphviz draws.
#pragma once

#include "support/Diagnostics.h"

#include <string>
#include <string_view>

namespace acadlc::driver {

/// Writes the graph \p dot to \p path. If the name ends in .svg, .pdf or .png, `dot` draws it.
/// False if that fails, which is reported.
bool writeGraph(std::string_view dot, const std::string &path, DiagnosticEngine &diagnostics);

} // namespace acadlc::driver
