/// \file
/// How deep a JSON text is nested, told before it is parsed.
#pragma once

#include <string_view>

namespace acadlc {

/// Whether arrays and objects of \p text stand more than \p limit deep in one another. LLVM's JSON
/// parser calls itself for each level: ask this first, or a text of brackets overflows the stack.
/// Brackets within strings do not count. The text need not be JSON; linear in its length.
bool isJsonNestedDeeperThan(std::string_view text, unsigned limit);

} // namespace acadlc
