#include "support/TextEncoding.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

namespace acadlc {

namespace {

/// The encoding that the first bytes of \p text give away; empty if none but UTF-8.
std::string_view otherEncoding(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv))
    return "UTF-32";
  // The last one is UTF-16 that was read with its bytes swapped and written as UTF-8.
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
      text.starts_with("\xEF\xBF\xBE"))
    return "UTF-16";
  return {};
}

/// Length that the first byte of a character announces; 0 if no character starts with it.
std::size_t announcedLength(unsigned char first) {
  if (first < 0x80)
    return 1;
  // 0xC0 and 0xC1 could only start forms that are longer than needed.
  if (first >= 0xC2 && first <= 0xDF)
    return 2;
  if (first >= 0xE0 && first <= 0xEF)
    return 3;
  if (first >= 0xF0 && first <= 0xF4)
    return 4;
  return 0;
}

/// Bytes at the start of \p text that are plain ASCII text, counted eight at a time: networks are
/// megabytes of these.
std::size_t plainPrefix(std::string_view text) {
  constexpr std::uint64_t ones = ~std::uint64_t{0} / 0xFF; // 0x0101…
  constexpr std::uint64_t highBits = ones * 0x80;
  std::size_t length = 0;
  for (; length + sizeof(std::uint64_t) <= text.size(); length += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + length, sizeof word);
    // The second term has the high bit of every byte below 9 (as long as no byte has its own).
    if (((word | ((word - ones * 0x09) & ~word)) & highBits) != 0)
      break;
  }
  return length;
}

} // namespace

std::size_t utf8CharacterLength(std::string_view text) {
  const auto byteAt = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byteAt(0);
  const std::size_t length = announcedLength(first);
  if (length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byteAt(i) < 0x80 || byteAt(i) > 0xBF)
      return 0;
  // Forms longer than needed, surrogates and values beyond U+10FFFF show in the second byte.
  const bool isExcluded =
      (first == 0xE0 && byteAt(1) < 0xA0) || (first == 0xED && byteAt(1) > 0x9F) ||
      (first == 0xF0 && byteAt(1) < 0x90) || (first == 0xF4 && byteAt(1) > 0x8F);
  return isExcluded ? 0 : length;
}

std::optional<EncodingProblem> findEncodingProblem(std::string_view text) {
  if (const std::string_view encoding = otherEncoding(text); !encoding.empty())
    return EncodingProblem{0, fmt::format("wrong encoding: {}; save the file as UTF-8", encoding)};
  for (std::size_t offset = plainPrefix(text); offset < text.size();) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    const bool isControl = byte < 0x09;
    const std::size_t length = isControl ? 0 : utf8CharacterLength(text.substr(offset));
    if (length == 0)
      return EncodingProblem{offset,
                             fmt::format("not a text file: byte 0x{:02X} at offset {} is {}", byte,
                                         offset, isControl ? "a control character" : "not UTF-8")};
    offset += length;
    offset += plainPrefix(text.substr(offset));
  }
  return std::nullopt;
}

} // namespace acadlc
