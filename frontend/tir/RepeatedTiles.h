/// \file
/// Buffers that get the same values in each iteration of a loop.
#pragma once

#include "frontend/tir/FunctionTemplate.h"
#include "frontend/tir/PrivateBuffers.h"

#include <cstddef>
#include <cstdint>

namespace acadlc::tir {

/// Takes the dimension of a loop from those of \p privates that get the same values in each of its
/// iterations: what is padded or copied anew for every output channel, say.
void dropRepeatedTiles(FunctionTemplate &function, PrivateBuffers &privates);

/// Takes \p dimension out of the local \p buffer and out of all accesses to it.
void dropDimension(FunctionTemplate &function, std::uint32_t buffer, std::size_t dimension);

} // namespace acadlc::tir
