/// \file
/// Whether time can be computed for a program on an architecture at all.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"
#include "support/Diagnostics.h"

namespace acadlc::timing {

/// Reports everything that keeps evaluators from running \p program on \p graph (E06xx); true if
/// there is nothing. Evaluators may rely on what is checked here.
bool checkEvaluable(const arch::ArchitectureGraph &graph, const program::Program &program,
                    DiagnosticEngine &diagnostics);

/// The part of it that needs no program.
bool checkEvaluable(const arch::ArchitectureGraph &graph, DiagnosticEngine &diagnostics);

} // namespace acadlc::timing
