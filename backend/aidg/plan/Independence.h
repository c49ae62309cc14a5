/// \file
/// Which accesses of a program never touch a byte twice: found from trip counts and strides, so
/// that nobody has to look for dependences between them.
#pragma once

#include "ir/Program.h"

#include <llvm/ADT/DenseSet.h>

namespace acadlc::aidg {

/// The memory operands that share no byte with any other access that `mayConflict`, nor with
/// themselves in another trip of a loop around them: no dependence can go through them. Operands
/// that are not in the set may or may not be independent.
llvm::DenseSet<const program::MemoryOperand *>
findIndependentOperands(const program::Program &program);

} // namespace acadlc::aidg
