/// \file
/// How far times may go.
#pragma once

#include <cstdint>

namespace acadlc::aidg {

/// Times beyond this are refused, so that a few additions cannot overflow unnoticed.
inline constexpr std::int64_t timeLimit = std::int64_t{1} << 61;

} // namespace acadlc::aidg
