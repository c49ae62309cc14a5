/// \file
/// Whether an input is a text that can be read: UTF-8 without control characters of binary files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace acadlc {

/// What UTF-8 texts may begin with; it means nothing.
inline constexpr std::string_view byteOrderMark = "\xEF\xBB\xBF";

/// Length in bytes of the UTF-8 character at the start of \p text, which is not empty; 0 if there
/// is none: a stray or missing continuation byte, a longer form than needed, a surrogate, a value
/// beyond U+10FFFF.
std::size_t utf8CharacterLength(std::string_view text);

/// Why a text cannot be read, and where.
struct EncodingProblem {
  std::size_t offset = 0; ///< of the byte
  std::string message;    ///< "not a text file: byte 0x00 at offset 3 is a control character"
};

/// The first problem of \p text; nothing if it is UTF-8 (with or without a byte order mark) and
/// holds no control character below U+0009. Those stand in no text, but in every program and
/// picture.
std::optional<EncodingProblem> findEncodingProblem(std::string_view text);

} // namespace acadlc
