/// \file
/// How far times may go.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>

namespace acadlc::timing {

/// The last cycle in which anything may end. Both evaluators refuse what goes on beyond it, so that
/// a few additions cannot overflow unnoticed.
inline constexpr std::int64_t timeLimit = std::int64_t{1} << 61;

/// The largest latency, in cycles, of an object, instruction or phase, or of one request to an
/// SRAM, so that sums of a few stay in the 64-bit range. Descriptions state at most 2^40
/// (mostCycles in frontend/acadl/elaboration/Elaborate.h); so it is requests of many words that
/// exceed it.
inline constexpr std::int64_t longestLatency = std::int64_t{1} << 48;

/// Whether anything in \p graph or \p program takes longer than longestLatency. All evaluators
/// refuse what does.
bool exceedsLongestLatency(const arch::ArchitectureGraph &graph, const program::Program &program);

} // namespace acadlc::timing
