/// \file
/// Comma-separated values as RFC 4180 says, with \n as the line break.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace acadlc::report {

/// Appends a row to \p out. Fields with a comma, a quote or a line break are quoted.
void csvRow(std::string &out, const std::vector<std::string> &fields);

} // namespace acadlc::report
