#include "support/JsonNesting.h"

#include <cstddef>

namespace acadlc {

bool isJsonNestedDeeperThan(std::string_view text, unsigned limit) {
  unsigned depth = 0;
  bool inString = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"')
      inString = !inString;
    else if (inString && c == '\\')
      ++i;
    else if (!inString && (c == '{' || c == '['))
      ++depth;
    else if (!inString && (c == '}' || c == ']') && depth > 0)
      --depth;
    if (depth > limit)
      return true;
  }
  return false;
}

} // namespace acadlc
