/// \file
/// What element-wise stages and stages that move data do, in the field's terms: "relu",
/// "transpose". Private to this folder.
#pragma once

#include "structure/CallStructure.h"

#include <span>
#include <string>

namespace acadlc::workload {

/// Whether \p computation only moves elements: it stores loads or constants, untouched, or resizes
/// by interpolating between neighbours.
bool onlyMoves(const Computation &computation);

/// "transpose", "reshape", "concat", "slice", "pad", "resize2d linear", "gather", "flip", …: what
/// stage \p index, which only moves, does.
std::string movementName(const Call &call, const CallStructure &structure, std::size_t index);

/// "relu", "add, relu", "gelu", "requantize": what connected element-wise \p stages do together, in
/// order; by operations where no step is known.
std::string elementWiseName(const Call &call, const CallStructure &structure,
                            std::span<const std::size_t> stages);

/// "cumsum", "cumprod" or "scan" if \p computation makes elements of others that it has written;
/// else empty.
std::string scanName(const Computation &computation);

/// Whether stage \p index only scales what it reads by numbers: a mean's division.
bool onlyScales(const Call &call, std::size_t index);

} // namespace acadlc::workload
