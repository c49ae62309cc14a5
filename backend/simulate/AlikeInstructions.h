/// \file
/// Which instructions of a program differ in addresses at most.
#pragma once

#include "ir/Program.h"

#include <vector>

namespace acadlc::simulate {

/// By instruction of \p program: the first one that time can tell from it by addresses alone, and
/// by what expansions hand on.
std::vector<program::InstructionId> findAlikeInstructions(const program::Program &program);

} // namespace acadlc::simulate
