/// \file
/// Mistakes of acadlc itself, in contrast to mistakes in a user's input (support/Diagnostics.h).
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace acadlc {

/// Thrown when acadlc finds that one of its own invariants does not hold. Only a program's main
/// function (or a server's loop over requests) catches it.
class InternalError : public std::logic_error {
public:
  explicit InternalError(std::string_view message,
                         std::source_location where = std::source_location::current());
};

namespace detail {
/// Out of line, so that a check costs its call site a compare and a jump.
[[noreturn]] void failCheck(const char *condition, std::string_view message,
                            std::source_location where);
} // namespace detail

} // namespace acadlc

/// Throws InternalError unless \p condition holds. Always active, unlike assert: a wrong estimate
/// that looks right is worse than a crash. \p message is only evaluated on failure.
#define ACADLC_CHECK(condition, message)                                                           \
  do {                                                                                             \
    if (!(condition)) [[unlikely]]                                                                 \
      ::acadlc::detail::failCheck(#condition, (message), std::source_location::current());         \
  } while (false)
