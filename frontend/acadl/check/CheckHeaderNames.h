/// \file
/// Names that the header of a mapping gives to its body. Private to the checker's sources.
#pragma once

#include "frontend/acadl/check/CheckContext.h"

namespace acadlc::checking {

/// Adds indices, extents, coefficients, the architecture's name, tensors and functions of the
/// epilogue to \p names; reports names that are there twice unless \p diagnostics is null.
void addHeaderNames(const ast::MappingDeclaration &mapping, const MappingInfo &info, Names &names,
                    DiagnosticEngine *diagnostics);

} // namespace acadlc::checking
