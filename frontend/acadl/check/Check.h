/// \file
/// The checker: what the text alone decides.
#pragma once

#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/evaluation/Module.h"
#include "support/Diagnostics.h"

namespace acadlc {

/// Checks names, types and units of everything in all modules of \p compilation: also branches that
/// no parameter value takes and templates that nothing instantiates. Reports to \p diagnostics, in
/// the order of the texts. Needs no parameter values and evaluates nothing; what it accepts can
/// still fail for certain values when it is elaborated. An expression that is wrong is reported
/// once; what depends on it is taken as correct.
void check(const Compilation &compilation, DiagnosticEngine &diagnostics);

/// Evaluates all constants of \p compilation, used or not: they depend on nothing but the text. For
/// texts that check() accepts.
void evaluateConstants(const Compilation &compilation, DiagnosticEngine &diagnostics,
                       Evaluator::Limits limits = {});

} // namespace acadlc
