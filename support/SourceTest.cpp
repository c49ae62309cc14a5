#include "support/Source.h"

#include "support/InternalError.h"

#include <doctest/doctest.h>

using namespace acadlc;

namespace {

LineColumn at(const SourceManager &sources, FileId file, std::uint32_t offset,
              ColumnUnit unit = ColumnUnit::Byte) {
  return sources.lineColumn(sources.location(file, offset), unit);
}

void checkAt(LineColumn actual, std::uint32_t line, std::uint32_t column) {
  CHECK(actual.line == line);
  CHECK(actual.column == column);
}

} // namespace

TEST_CASE("Source: positions of several texts are told apart") {
  SourceManager sources;
  const FileId empty = sources.addText("empty.acadl", "");
  const FileId first = sources.addText("first.acadl", "ab\ncd");
  const FileId second = sources.addText("second.acadl", "x");
  CHECK(sources.fileCount() == 3);
  CHECK(sources.fileOf(sources.location(empty, 0)) == empty);
  CHECK(sources.fileOf(sources.location(first, 0)) == first);
  CHECK(sources.fileOf(sources.location(first, 5)) == first); // the end of the text
  CHECK(sources.fileOf(sources.location(second, 0)) == second);
  CHECK(sources.offsetOf(sources.location(second, 1)) == 1);
  CHECK_FALSE(sources.fileOf({}).isValid());
  CHECK(sources.name(second) == "second.acadl");
  CHECK(sources.text(first) == "ab\ncd");
  CHECK(sources.textOf({sources.location(first, 1), sources.location(first, 4)}) == "b\nc");
  CHECK(sources.textOf({}).empty());
}

TEST_CASE("Source: a position beyond the texts is an internal error") {
  SourceManager sources;
  const FileId file = sources.addText("a", "abc");
  CHECK_THROWS_AS((void)sources.location(file, 4), InternalError);
  CHECK_THROWS_AS((void)sources.fileOf(SourceLocation::fromRaw(9)), InternalError);
  CHECK_THROWS_AS((void)sources.lineText(file, 1), InternalError);
}

TEST_CASE("Source: lines end in LF, CRLF or CR") {
  SourceManager sources;
  const FileId file = sources.addText("a", "one\r\ntwo\nthree\rfour\r\n");
  CHECK(sources.lineText(file, 0) == "one");
  CHECK(sources.lineText(file, 1) == "two");
  CHECK(sources.lineText(file, 2) == "three");
  CHECK(sources.lineText(file, 3) == "four");
  CHECK(sources.lineText(file, 4).empty());
  checkAt(at(sources, file, 5), 1, 0);
  checkAt(at(sources, file, 4), 0, 4); // between CR and LF
  checkAt(at(sources, file, 15), 3, 0);
  checkAt(at(sources, file, 21), 4, 0);
}

TEST_CASE("Source: columns in bytes, code points and UTF-16 units") {
  SourceManager sources;
  // 'é' has 2 bytes and 1 unit, '😀' 4 bytes and 2 units.
  const FileId file = sources.addText("a", "x\né😀z");
  const std::uint32_t z = 2 + 2 + 4;
  checkAt(at(sources, file, z, ColumnUnit::Byte), 1, 6);
  checkAt(at(sources, file, z, ColumnUnit::CodePoint), 1, 2);
  checkAt(at(sources, file, z, ColumnUnit::Utf16), 1, 3);
  // Within a character: its start.
  checkAt(at(sources, file, 3, ColumnUnit::CodePoint), 1, 0);
  checkAt(at(sources, file, 6, ColumnUnit::Utf16), 1, 1);
  for (const ColumnUnit unit : {ColumnUnit::Byte, ColumnUnit::CodePoint, ColumnUnit::Utf16})
    for (const std::uint32_t offset : {0U, 1U, 2U, 4U, 8U, 9U}) {
      const SourceLocation location = sources.location(file, offset);
      CHECK(sources.locate(file, sources.lineColumn(location, unit), unit) == location);
    }
}

TEST_CASE("Source: bytes that are no UTF-8 count as one character each") {
  SourceManager sources;
  // A lone continuation byte, an overlong slash, a surrogate, a truncated character.
  const FileId file = sources.addText("a", "\x80\xC0\xAF\xED\xA0\x80z\xE2\x82");
  checkAt(at(sources, file, 6, ColumnUnit::CodePoint), 0, 6);
  checkAt(at(sources, file, 9, ColumnUnit::Utf16), 0, 9);
}

TEST_CASE("Source: positions beyond a line or text are its end") {
  SourceManager sources;
  const FileId file = sources.addText("a", "ab\r\nc");
  for (const ColumnUnit unit : {ColumnUnit::Byte, ColumnUnit::CodePoint, ColumnUnit::Utf16}) {
    CHECK(sources.locate(file, {0, 99}, unit) == sources.location(file, 2));
    CHECK(sources.locate(file, {1, 99}, unit) == sources.location(file, 5));
    CHECK(sources.locate(file, {7, 0}, unit) == sources.location(file, 5));
  }
  const FileId emoji = sources.addText("b", "😀!");
  CHECK(sources.locate(emoji, {0, 1}, ColumnUnit::Utf16) == sources.location(emoji, 0));
}
