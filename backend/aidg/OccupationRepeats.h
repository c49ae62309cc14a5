/// \file
/// What recurrence in the fetched stream needs to know of the addresses of a program with several
/// occupations: which of them can meet at all, and by how much they move from one iteration of a
/// loop to the next.
#pragma once

#include "backend/aidg/OccupationPlan.h"

namespace acadlc::aidg {

/// Fills OccupationAccess::addressClass, OccupationPlan::addressClassCount and
/// OccupationPlan::repeats.
///
/// Two accesses are of one class if their addresses can meet somewhere in the program, or if one
/// is the base of the other; so what overlaps is known from the distances within each class. A
/// repeat is shift-invariant if one iteration moves all that it accesses of a class by the same
/// number of bytes, what expansions emit in it included, and does not move requests to storages
/// with state.
void planRepeats(OccupationPlan &plan);

} // namespace acadlc::aidg
