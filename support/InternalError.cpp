#include "support/InternalError.h"

#include <fmt/format.h>

namespace acadlc {

InternalError::InternalError(std::string_view message, std::source_location where)
    : std::logic_error(
          fmt::format("{}:{}: internal error: {}", where.file_name(), where.line(), message)) {}

void detail::failCheck(const char *condition, std::string_view message,
                       std::source_location where) {
  throw InternalError(fmt::format("{} (check failed: {})", message, condition), where);
}

} // namespace acadlc
