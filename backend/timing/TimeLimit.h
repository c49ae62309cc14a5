/// \file
/// How far times may go.
#pragma once

#include <cstdint>

namespace acadlc::timing {

/// The last cycle in which anything may end. Both evaluators refuse what goes on beyond it, so that
/// a few additions cannot overflow unnoticed.
inline constexpr std::int64_t timeLimit = std::int64_t{1} << 61;

} // namespace acadlc::timing
