/// \file
/// The standard library of `.acadl` descriptions, embedded into the binary.
///
/// Every `stdlib/<name>.acadl` of the repository is known as `std/<name>.acadl`. This is a table of
/// texts and nothing else: it neither parses nor searches folders.
#pragma once

#include <string_view>
#include <vector>

namespace acadlc {

struct StandardLibraryFile {
  std::string_view name; ///< "std/systolic_array.acadl"
  std::string_view text;
};

/// All files, sorted by name.
const std::vector<StandardLibraryFile> &standardLibraryFiles();

/// The text of the file \p name ("std/systolic_array.acadl"). Empty with a null data pointer if
/// there is no such file; an existing empty file has a non-null data pointer.
std::string_view standardLibraryText(std::string_view name);

} // namespace acadlc
