/// \file
/// The multiply-accumulates that an architecture's operations state without being asked for
/// operands.
#pragma once

#include "backend/analysis/PeakRate.h"
#include "frontend/acadl/elaboration/Elaborate.h"

namespace acadlc {

/// Adds the operations of \p architecture whose `macs` depend on no operand to \p peak.
void addDeclaredWork(const ElaboratedArchitecture &architecture, analysis::PeakRate &peak);

} // namespace acadlc
