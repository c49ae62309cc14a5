#include "frontend/tvmscript/LookAlikes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace acadlc::tir {

namespace {

constexpr char32_t firstOfTwo = 0x80, firstOfThree = 0x800;

constexpr LookAlike entry(char32_t codePoint, std::string_view name, std::string_view meant) {
  return {codePoint, name, meant, codePoint < firstOfThree ? std::size_t{2} : std::size_t{3}};
}

/// By code point; all of them are two or three bytes of UTF-8.
constexpr auto lookAlikes = std::to_array<LookAlike>({
    entry(0x00A0, "no-break space", " "),
    entry(0x00AD, "soft hyphen", ""),
    entry(0x00D7, "multiplication sign", "*"),
    entry(0x1680, "ogham space mark", " "),
    entry(0x2000, "en quad", " "),
    entry(0x2001, "em quad", " "),
    entry(0x2002, "en space", " "),
    entry(0x2003, "em space", " "),
    entry(0x2004, "three-per-em space", " "),
    entry(0x2005, "four-per-em space", " "),
    entry(0x2006, "six-per-em space", " "),
    entry(0x2007, "figure space", " "),
    entry(0x2008, "punctuation space", " "),
    entry(0x2009, "thin space", " "),
    entry(0x200A, "hair space", " "),
    entry(0x200B, "zero width space", ""),
    entry(0x200C, "zero width non-joiner", ""),
    entry(0x200D, "zero width joiner", ""),
    entry(0x200E, "left-to-right mark", ""),
    entry(0x200F, "right-to-left mark", ""),
    entry(0x2010, "hyphen", "-"),
    entry(0x2011, "non-breaking hyphen", "-"),
    entry(0x2012, "figure dash", "-"),
    entry(0x2013, "en dash", "-"),
    entry(0x2014, "em dash", "-"),
    entry(0x2018, "left single quotation mark", "'"),
    entry(0x2019, "right single quotation mark", "'"),
    entry(0x201A, "low single quotation mark", "'"),
    entry(0x201C, "left double quotation mark", "\""),
    entry(0x201D, "right double quotation mark", "\""),
    entry(0x201E, "low double quotation mark", "\""),
    entry(0x2028, "line separator", " "),
    entry(0x2029, "paragraph separator", " "),
    entry(0x202F, "narrow no-break space", " "),
    entry(0x205F, "medium mathematical space", " "),
    entry(0x2060, "word joiner", ""),
    entry(0x2192, "rightwards arrow", "->"),
    entry(0x2212, "minus sign", "-"),
    entry(0x2260, "not equal to", "!="),
    entry(0x2264, "less-than or equal to", "<="),
    entry(0x2265, "greater-than or equal to", ">="),
    entry(0x3000, "ideographic space", " "),
    entry(0xFEFF, "zero width no-break space", ""),
    entry(0xFF08, "fullwidth left parenthesis", "("),
    entry(0xFF09, "fullwidth right parenthesis", ")"),
    entry(0xFF0C, "fullwidth comma", ","),
    entry(0xFF1A, "fullwidth colon", ":"),
});

/// The code point of a valid character of two or three bytes at the start of \p text; 0 if there
/// is none.
char32_t shortCodePoint(std::string_view text) {
  constexpr unsigned perByte = 6, payload = 0x3F, firstOfTwoBytes = 0xC2, firstOfThreeBytes = 0xE0,
                     firstOfFourBytes = 0xF0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() < 2 || byte(0) < firstOfTwoBytes || byte(0) >= firstOfFourBytes)
    return 0;
  if (byte(0) < firstOfThreeBytes)
    return ((byte(0) & 0x1FU) << perByte) | (byte(1) & payload);
  if (text.size() < 3)
    return 0;
  return ((byte(0) & 0x0FU) << (2 * perByte)) | ((byte(1) & payload) << perByte) |
         (byte(2) & payload);
}

} // namespace

const LookAlike *lookAlikeAt(std::string_view text) {
  const char32_t codePoint = shortCodePoint(text);
  if (codePoint < firstOfTwo)
    return nullptr;
  const auto *found = std::ranges::lower_bound(lookAlikes, codePoint, {}, &LookAlike::codePoint);
  return found != lookAlikes.end() && found->codePoint == codePoint ? found : nullptr;
}

std::string describe(const LookAlike &found) {
  const std::string what =
      fmt::format("{} (U+{:04X})", found.name, static_cast<std::uint32_t>(found.codePoint));
  if (found.meant.empty())
    return what + ", which cannot be seen";
  return what + (found.meant == " " ? " instead of a plain space"
                                    : fmt::format(" instead of {}", found.meant));
}

} // namespace acadlc::tir
