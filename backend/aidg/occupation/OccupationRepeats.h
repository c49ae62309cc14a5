/// \file
/// What recurrence in the fetched stream needs to know of the addresses of a program with several
/// occupations: which of them can meet at all, and by how much they move from one iteration of a
/// loop to the next.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"

namespace acadlc::aidg {

/// Fills OccupationAccess::addressClass and `stands`, OccupationPlan::addressClassCount, `repeats`,
/// `repeatTouches` and `mayBeFree`. What is read and written nowhere is tracked no longer.
///
/// Two accesses are of one class if their addresses can meet somewhere in the program and one of
/// them writes, or if one is the base of the other; so what overlaps is known from the distances
/// within each class. Operands that stand have classes of their own: they meet others.
///
/// A repeat of the fetched stream is shift-invariant if one iteration moves all that it accesses of
/// a class, and of those that the class meets, by the same number of bytes, what expansions emit in
/// it included, and does not move requests to storages with state. A repeat of an expansion may be
/// free if that holds within each class: that what stands is met in the same way in every iteration
/// is to be seen when it is left out (StandingOperands.h).
void planRepeats(OccupationPlan &plan);

} // namespace acadlc::aidg
