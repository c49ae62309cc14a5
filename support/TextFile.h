/// \file
/// Reading input texts from the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace acadlc {

/// Larger texts are not read.
constexpr std::uintmax_t mostTextBytes = std::uintmax_t{256} << 20;
constexpr const char *textTooLarge = "it has more than 256 MiB";

/// What else than regular files may be read.
enum class TextFileKind : std::uint8_t {
  RegularOnly, ///< for files that another file names: a pipe would be waited for without a word
  OrPipe,      ///< for files that the user names: `<(command)` of a shell is a pipe
};

/// The bytes of the file at \p path; nothing if it can't be read, then \p problem says why
/// ("there is no such file"). Never reads more than mostTextBytes.
std::optional<std::string> readTextFile(const std::string &path, TextFileKind kind,
                                        std::string &problem);

} // namespace acadlc
