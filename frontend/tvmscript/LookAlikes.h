/// \file
/// Characters that look like a part of Python and are none: word processors, web pages and
/// keyboards put them in place of blanks, quotes and signs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace acadlc::tir {

/// A character beyond ASCII and what is meant where it stands.
struct LookAlike {
  char32_t codePoint = 0;
  std::string_view name;  ///< "no-break space"
  std::string_view meant; ///< " ", "\"", "-"; empty if nothing is meant: it cannot be seen
  std::size_t length = 0; ///< in bytes, as UTF-8

  [[nodiscard]] bool isBlank() const { return meant.empty() || meant == " "; }
  [[nodiscard]] bool isQuote() const { return meant == "\"" || meant == "'"; }
};

/// The look-alike at the start of \p text; null if there is none. Letters of other scripts are
/// none: they may stand in names.
const LookAlike *lookAlikeAt(std::string_view text);

/// "no-break space (U+00A0) instead of a plain one".
std::string describe(const LookAlike &found);

} // namespace acadlc::tir
