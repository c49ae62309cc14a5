#include "support/TextEncoding.h"

#include <doctest/doctest.h>

#include <string>

using namespace acadlc;
using namespace std::string_literals;

namespace {

/// The problem of a text that has one, as "offset: message".
std::string problemOf(const std::string &text) {
  const auto problem = findEncodingProblem(text);
  return problem ? std::to_string(problem->offset) + ": " + problem->message : "";
}

} // namespace

TEST_CASE("UTF-8 characters have the length that their bytes say") {
  CHECK(utf8CharacterLength("a") == 1);
  CHECK(utf8CharacterLength("\0"s) == 1);
  CHECK(utf8CharacterLength("\x7F") == 1);
  CHECK(utf8CharacterLength("\xC2\x80 and more") == 2);
  CHECK(utf8CharacterLength("\xDF\xBF") == 2);
  CHECK(utf8CharacterLength("\xE0\xA0\x80") == 3);
  CHECK(utf8CharacterLength("\xED\x9F\xBF") == 3); // U+D7FF, before the surrogates
  CHECK(utf8CharacterLength("\xEE\x80\x80") == 3); // U+E000, behind them
  CHECK(utf8CharacterLength("\xF0\x90\x80\x80") == 4);
  CHECK(utf8CharacterLength("\xF4\x8F\xBF\xBF") == 4); // U+10FFFF
}

TEST_CASE("what is no UTF-8 character has no length") {
  CHECK(utf8CharacterLength("\x80") == 0);             // continues nothing
  CHECK(utf8CharacterLength("\xC0\xAF") == 0);         // longer than needed
  CHECK(utf8CharacterLength("\xC1\xBF") == 0);         // longer than needed
  CHECK(utf8CharacterLength("\xE0\x9F\xBF") == 0);     // longer than needed
  CHECK(utf8CharacterLength("\xF0\x8F\xBF\xBF") == 0); // longer than needed
  CHECK(utf8CharacterLength("\xED\xA0\x80") == 0);     // a surrogate
  CHECK(utf8CharacterLength("\xF4\x90\x80\x80") == 0); // U+110000
  CHECK(utf8CharacterLength("\xF5\x80\x80\x80") == 0);
  CHECK(utf8CharacterLength("\xFF") == 0);
  CHECK(utf8CharacterLength("\xC3") == 0);         // cut off
  CHECK(utf8CharacterLength("\xE2\x82") == 0);     // cut off
  CHECK(utf8CharacterLength("\xF0\x9F\x98") == 0); // cut off
  CHECK(utf8CharacterLength("\xC3(") == 0);
  CHECK(utf8CharacterLength("\xE2\x82\xC0") == 0);
}

TEST_CASE("texts in UTF-8 can be read") {
  CHECK(problemOf("").empty());
  CHECK(problemOf("a\tb\r\nc\f\x1B").empty());
  CHECK(problemOf("\xEF\xBB\xBF"
                  "a")
            .empty());
  CHECK(problemOf("gr\xC3\xB6\xC3\x9F"
                  "er \xE2\x89\xA5 \xF0\x9F\x98\x80")
            .empty());
}

TEST_CASE("other encodings are named") {
  CHECK(problemOf("\xFF\xFE"
                  "a\0"s) == "0: wrong encoding: UTF-16; save the file as UTF-8");
  CHECK(problemOf("\xFE\xFF\0a"s) == "0: wrong encoding: UTF-16; save the file as UTF-8");
  CHECK(problemOf("\xEF\xBF\xBE") == "0: wrong encoding: UTF-16; save the file as UTF-8");
  CHECK(problemOf("\xFF\xFE\0\0a\0\0\0"s) == "0: wrong encoding: UTF-32; save the file as UTF-8");
  CHECK(problemOf("\0\0\xFE\xFF"s) == "0: wrong encoding: UTF-32; save the file as UTF-8");
}

TEST_CASE("the first byte that stands in no text is shown") {
  CHECK(problemOf("ab\0c\x01"s) ==
        "2: not a text file: byte 0x00 at offset 2 is a control character");
  CHECK(problemOf("\b") == "0: not a text file: byte 0x08 at offset 0 is a control character");
  CHECK(problemOf("\xC3\xB6\xE9 \xFF") == "2: not a text file: byte 0xE9 at offset 2 is not UTF-8");
  CHECK(problemOf("a\xE2\x82") == "1: not a text file: byte 0xE2 at offset 1 is not UTF-8");
}
