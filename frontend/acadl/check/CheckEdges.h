/// \file
/// Edges of structures. Private to the checker's sources.
#pragma once

#include "frontend/acadl/check/CheckExpressions.h"

namespace acadlc::checking {

/// Checks the ends of `a -> b => c` as far as their classes and ports are known.
void checkEdges(Expressions &expressions, const ast::EdgeStatement &statement, Names &names);

} // namespace acadlc::checking
