#include "support/Diagnostics.h"

#include "support/InternalError.h"

#include <doctest/doctest.h>

#include <string>

using namespace acadlc;

namespace {

/// One text and an engine; ranges are found by the text that they cover.
struct Fixture {
  SourceManager sources;
  DiagnosticEngine engine;
  FileId file;

  explicit Fixture(std::string text) : file(sources.addText("a.acadl", std::move(text))) {}

  [[nodiscard]] SourceRange rangeOf(std::string_view part) const {
    const std::size_t offset = sources.text(file).find(part);
    REQUIRE(offset != std::string_view::npos);
    return range(offset, part.size());
  }
  [[nodiscard]] SourceRange range(std::size_t offset, std::size_t length) const {
    return {sources.location(file, static_cast<std::uint32_t>(offset)),
            sources.location(file, static_cast<std::uint32_t>(offset + length))};
  }
  [[nodiscard]] std::string rendered(bool color = false) const {
    return renderDiagnostics(engine.diagnostics(), sources, {.color = color});
  }
};

} // namespace

TEST_CASE("Diagnostics: place, message, id, source line, underline, count") {
  Fixture f("first line\n  size = 8 bist\n");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("bist"), "bist")
      .fixIt(f.rangeOf("bist"), "bits")
      .note(f.rangeOf("size"), "a size is counted in bits")
      .note({}, "units are listed in the language reference");
  CHECK(f.rendered() == "a.acadl:2:12: error: unknown unit 'bist' [E0201]\n"
                        "  size = 8 bist\n"
                        "           ^~~~\n"
                        "fix: replace with 'bits'\n"
                        "a.acadl:2:3: note: a size is counted in bits\n"
                        "  size = 8 bist\n"
                        "  ^~~~\n"
                        "note: units are listed in the language reference\n"
                        "1 error\n");
}

TEST_CASE("Diagnostics: fix-its insert, remove and replace elsewhere") {
  Fixture f("abc def");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(0, 3), "abc")
      .fixIt(f.range(3, 0), ";")
      .fixIt(f.rangeOf("def"), "")
      .fixIt(f.rangeOf("def"), "ghi");
  CHECK(f.rendered() == "a.acadl:1:1: error: unknown unit 'abc' [E0201]\n"
                        "abc def\n"
                        "^~~\n"
                        "a.acadl:1:4: fix: insert ';'\n"
                        "a.acadl:1:5: fix: remove 'def'\n"
                        "a.acadl:1:5: fix: replace 'def' with 'ghi'\n"
                        "1 error\n");
}

TEST_CASE("Diagnostics: without a place, and without any") {
  Fixture f("");
  CHECK(f.rendered().empty());
  f.engine.report(DiagnosticCode::CannotReadFile, {}, "x.acadl", "no such file");
  CHECK(f.rendered() == "error: cannot read 'x.acadl': no such file [E0701]\n1 error\n");
}

TEST_CASE("Diagnostics: tabs stay, and the caret stands below") {
  Fixture f("\tif\tx y\tz");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("y\tz"), "y");
  // In the range a tab is underlined up to its tab stop.
  CHECK(f.rendered() == "a.acadl:1:7: error: unknown unit 'y' [E0201]\n"
                        "\tif\tx y\tz\n"
                        "\t  \t  ^~~~~~~\n"
                        "1 error\n");
}

TEST_CASE("Diagnostics: ranges that are empty, at the end, over several lines") {
  Fixture f("ab\ncd\n");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(1, 0), "1");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(2, 0), "2");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(6, 0), "3");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(0, 5), "4");
  CHECK(f.rendered() == "a.acadl:1:2: error: unknown unit '1' [E0201]\nab\n ^\n"
                        "a.acadl:1:3: error: unknown unit '2' [E0201]\nab\n  ^\n"
                        "a.acadl:3:1: error: unknown unit '3' [E0201]\n\n^\n"
                        "a.acadl:1:1: error: unknown unit '4' [E0201]\nab\n^~\n"
                        "4 errors\n");
}

TEST_CASE("Diagnostics: columns are characters, the underline follows their width") {
  Fixture f("é世 x");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("世"), "世");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("x"), "x");
  CHECK(f.rendered() == "a.acadl:1:2: error: unknown unit '世' [E0201]\né世 x\n ^\n"
                        "a.acadl:1:4: error: unknown unit 'x' [E0201]\né世 x\n    ^\n"
                        "2 errors\n");
}

TEST_CASE("Diagnostics: what a terminal can't show is made visible") {
  Fixture f("a\x01\xFF\xE2\x80\x8B b");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("b"), "\x1B[31m");
  CHECK(f.rendered() == "a.acadl:1:6: error: unknown unit '<1B>[31m' [E0201]\n"
                        "a<01><FF><U+200B> b\n"
                        "                  ^\n"
                        "1 error\n");
}

TEST_CASE("Diagnostics: a long line is cut to a window around the range") {
  const std::string longPart(5000, 'x');
  for (const std::size_t before : {0, 100, 300, 5000}) {
    CAPTURE(before);
    Fixture f(longPart.substr(0, before) + "HERE" + longPart);
    f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("HERE"), "u");
    const std::string text = f.rendered();
    const std::size_t lineBegin = text.find('\n') + 1;
    const std::size_t marksBegin = text.find('\n', lineBegin) + 1;
    CHECK(marksBegin - lineBegin < 170);
    const std::size_t here = text.find("HERE", lineBegin);
    REQUIRE(here < marksBegin);
    CHECK(text.find("^~~~") - marksBegin == here - lineBegin);
    CHECK((text.substr(lineBegin, 3) == "...") == (before > 40));
    CHECK(text.substr(marksBegin - 4, 3) == "...");
  }
}

TEST_CASE("Diagnostics: a range that a long line cuts is underlined as far as it is shown") {
  Fixture f(std::string(100000, 'x'));
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(5, 90000), "u");
  const std::string text = f.rendered();
  CHECK(text.size() < 500);
  CHECK(text.find("     ^~~~") != std::string::npos);
}

TEST_CASE("Diagnostics: colour") {
  Fixture f("ab");
  f.engine.report(DiagnosticCode::UnknownUnit, f.rangeOf("ab"), "ab");
  CHECK(f.rendered(true) == "\033[1ma.acadl:1:1: \033[0m\033[1;31merror:\033[0m "
                            "\033[1munknown unit 'ab' [E0201]\033[0m\n"
                            "ab\n\033[1;32m^~\033[0m\n1 error\n");
}

TEST_CASE("Diagnostics: duplicates are dropped, errors are limited but counted") {
  Fixture f(std::string(300, 'x'));
  for (int twice = 0; twice < 2; ++twice)
    f.engine.report(DiagnosticCode::UnknownUnit, f.range(0, 1), "u").note({}, "n");
  CHECK(f.engine.errorCount() == 1);
  CHECK(f.engine.diagnostics().size() == 1);
  CHECK(f.engine.diagnostics()[0].notes.size() == 1);
  for (std::size_t i = 1; i < 250; ++i)
    f.engine.report(DiagnosticCode::UnknownUnit, f.range(i, 1), "u");
  CHECK(f.engine.errorCount() == 250);
  CHECK(f.engine.diagnostics().size() == DiagnosticEngine::maxErrors);

  DiagnosticEngine other;
  CHECK_FALSE(other.hasErrors());
  other.append(f.engine);
  CHECK(other.errorCount() == 250);
  CHECK(other.diagnostics().size() == DiagnosticEngine::maxErrors);
}

TEST_CASE("Diagnostics: many warnings of one kind hide no others") {
  Fixture f(std::string(300, 'x'));
  constexpr DiagnosticCode many = DiagnosticCode::TirReboundName;
  for (std::size_t i = 0; i < 250; ++i)
    f.engine.report(many, f.range(i, 1), "x");
  CHECK(f.engine.diagnostics().size() == DiagnosticEngine::maxWarnings);
  f.engine.report(DiagnosticCode::TirUnreadFunction, f.range(0, 1), "x", "f");
  f.engine.report(DiagnosticCode::UnknownUnit, f.range(0, 1), "u");
  CHECK(f.engine.diagnostics().size() == DiagnosticEngine::maxWarnings + 2);
  CHECK(f.engine.errorCount() == 1);
}

TEST_CASE("Diagnostics: a message with too few arguments is an internal error") {
  DiagnosticEngine engine;
  CHECK_THROWS_AS(engine.report(DiagnosticCode::UnknownUnit, {}), InternalError);
}

TEST_CASE("Diagnostics: codes are found by id and name") {
  CHECK(findDiagnosticCode("e0201") == DiagnosticCode::UnknownUnit);
  CHECK(findDiagnosticCode("Unknown-Unit") == DiagnosticCode::UnknownUnit);
  CHECK_FALSE(findDiagnosticCode("E9999").has_value());
  for (const DiagnosticCode code : allDiagnosticCodes()) {
    const DiagnosticInfo &info = diagnosticInfo(code);
    CAPTURE(info.id);
    CHECK(findDiagnosticCode(info.id) == code);
    CHECK(findDiagnosticCode(info.name) == code);
    CHECK((info.severity == Severity::Error) == info.id.starts_with('E'));
    CHECK((info.example.empty() || info.example.starts_with(".acadl\n") ||
           info.example.starts_with(".tir\n") || info.example.starts_with(".csv ") ||
           info.example.starts_with(".json\n")));
  }
  CHECK_THROWS_AS(diagnosticInfo(static_cast<DiagnosticCode>(60000)), InternalError);
}

TEST_CASE("Diagnostics: the nearest name") {
  CHECK(nearestName("bist", {"cycles", "bits", "bit"}) == "bits");
  CHECK(nearestName("registerfile", {"RegisterFile"}) == "RegisterFile");
  CHECK(nearestName("Latency", {"latency", "LATENCY"}) == "latency");
  CHECK(nearestName("capcity", {"capacity"}) == "capacity");
  CHECK(nearestName("a", {"b"}).empty());
  CHECK(nearestName("memory", {"fetch"}).empty());
  CHECK(nearestName("", {"a"}).empty());
  CHECK(nearestName("x", {}).empty());
}
