/// \file
/// What must hold of an architecture graph as a whole. Private to the elaborator.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "support/Diagnostics.h"

namespace acadlc {

/// Checks \p graph, whose adjacency must be there (finish()), and reports what is wrong.
/// \p at is the architecture's name.
void checkGraph(const arch::ArchitectureGraph &graph, SourceRange at,
                DiagnosticEngine &diagnostics);

} // namespace acadlc
