// The checker against inputs that say themselves which diagnostics they expect.
//
// Each tests/check/*.acadl holds texts split by lines `// -----`. A comment
// `// expect: E0203 "part of the message"` expects a diagnostic whose range starts on its line, or,
// if nothing else stands on the line, on the line above it; `fix "text"` behind it expects that
// fix-it. What is expected and what is reported must agree exactly; notes are not compared.

#include "frontend/acadl/check/Check.h"

#include "frontend/acadl/evaluation/Module.h"
#include "frontend/acadl/syntax/Parser.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace acadlc;
namespace fs = std::filesystem;

namespace {

struct Expectation {
  std::uint32_t line = 0; ///< from 0
  std::string id, message;
  std::string fix; ///< empty: not compared
};

/// The text between the quotes that \p rest starts with, taken away with what follows \p prefix.
std::string takeQuoted(std::string_view &rest, std::string_view prefix) {
  if (!rest.starts_with(prefix))
    return {};
  const std::size_t begin = prefix.size();
  const std::size_t end = rest.find('"', begin);
  REQUIRE(end != std::string_view::npos);
  std::string quoted(rest.substr(begin, end - begin));
  rest.remove_prefix(end + 1);
  return quoted;
}

std::vector<Expectation> expectationsOf(std::string_view text) {
  constexpr std::string_view marker = "// expect: ";
  std::vector<Expectation> result;
  std::uint32_t target = 0; // what a line with nothing but a comment speaks of
  for (std::uint32_t line = 0; !text.empty(); ++line) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    const std::size_t first = content.find_first_not_of(' ');
    if (first != std::string_view::npos && !content.substr(first).starts_with("//"))
      target = line;
    const std::size_t found = content.find(marker);
    if (found == std::string_view::npos)
      continue;
    content.remove_prefix(found + marker.size());
    Expectation expectation{target, std::string(content.substr(0, 5)), {}, {}};
    content.remove_prefix(5);
    expectation.message = takeQuoted(content, " \"");
    expectation.fix = takeQuoted(content, " fix \"");
    REQUIRE_MESSAGE(content.empty(), "not understood: ", std::string(content));
    result.push_back(std::move(expectation));
  }
  return result;
}

struct Checked {
  SourceManager sources;
  DiagnosticEngine diagnostics;
};

/// Loads and checks a text; diagnostics of both.
void checkText(Checked &checked, const std::string &text, const std::string &folder = ".") {
  Compilation compilation(checked.sources, checked.diagnostics);
  compilation.loadText("text.acadl", text, folder);
  check(compilation, checked.diagnostics);
}

bool fits(const Diagnostic &diagnostic, const Expectation &expected, const SourceManager &sources) {
  if (diagnosticInfo(diagnostic.code).id != expected.id || !diagnostic.range.isValid() ||
      sources.lineColumn(diagnostic.range.begin).line != expected.line ||
      diagnostic.message.find(expected.message) == std::string::npos)
    return false;
  return expected.fix.empty() || std::ranges::any_of(diagnostic.fixIts, [&](const FixIt &fixIt) {
           return fixIt.replacement == expected.fix;
         });
}

/// What was reported against what was expected; empty if they agree.
std::string compare(const std::string &text, const std::string &folder) {
  Checked checked;
  checkText(checked, text, folder);
  std::vector<Expectation> expected = expectationsOf(text);
  std::vector<Diagnostic> unexpected;
  for (const Diagnostic &diagnostic : checked.diagnostics.diagnostics()) {
    const auto found = std::ranges::find_if(expected, [&](const Expectation &expectation) {
      return fits(diagnostic, expectation, checked.sources);
    });
    if (found == expected.end())
      unexpected.push_back(diagnostic);
    else
      expected.erase(found);
  }
  std::string report;
  if (!unexpected.empty())
    report += "not expected:\n" + renderDiagnostics(unexpected, checked.sources, {});
  for (const Expectation &missing : expected)
    report += fmt::format("missing: {} \"{}\" on line {}{}\n", missing.id, missing.message,
                          missing.line + 1,
                          missing.fix.empty() ? "" : " with the fix '" + missing.fix + "'");
  return report;
}

std::string readText(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> split(const std::string &text) {
  static const std::string separator = "// -----\n";
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + separator.size()) {
    end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos)
      break;
  }
  return parts;
}

} // namespace

TEST_CASE("Check: the inputs of tests/check") {
  const fs::path folder = fs::path(ACADLC_SOURCE_DIR) / "tests" / "check";
  std::vector<fs::path> paths;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".acadl")
      paths.push_back(entry.path());
  std::ranges::sort(paths);
  REQUIRE_FALSE(paths.empty());
  for (const fs::path &path : paths) {
    std::size_t number = 0;
    for (const std::string &part : split(readText(path))) {
      ++number;
      const std::string difference = compare(part, folder.string());
      if (!difference.empty())
        FAIL_CHECK(path.filename().string(), ", part ", number, ":\n", difference, part);
    }
  }
}

TEST_CASE("Check: the standard library is without a complaint") {
  for (const fs::directory_entry &entry :
       fs::directory_iterator(fs::path(ACADLC_SOURCE_DIR) / "stdlib")) {
    if (entry.path().extension() != ".acadl")
      continue;
    Checked checked;
    Compilation compilation(checked.sources, checked.diagnostics);
    compilation.load(entry.path().string());
    check(compilation, checked.diagnostics);
    CHECK_MESSAGE(checked.diagnostics.diagnostics().empty(),
                  renderDiagnostics(checked.diagnostics.diagnostics(), checked.sources, {}));
  }
}

TEST_CASE("Check: the example of every diagnostic of the table shows it") {
  for (const DiagnosticCode code : allDiagnosticCodes()) {
    const DiagnosticInfo &info = diagnosticInfo(code);
    if (info.id.substr(1, 2) != "02" || !info.example.starts_with(".acadl\n"))
      continue;
    Checked checked;
    checkText(checked, std::string(info.example.substr(7)));
    const auto &diagnostics = checked.diagnostics.diagnostics();
    const std::string rendered = renderDiagnostics(diagnostics, checked.sources, {});
    CAPTURE(info.id);
    CHECK_MESSAGE(
        std::ranges::any_of(diagnostics, [&](const Diagnostic &d) { return d.code == code; }),
        rendered);
    // An example shows one mistake, not several; a warning's is no error.
    CHECK_MESSAGE(checked.diagnostics.errorCount() == (info.severity == Severity::Error ? 1 : 0),
                  rendered);
  }
}

TEST_CASE("Check: broken texts are no trouble") {
  // Every prefix of a text, and the text without each of its words, must be survived.
  const std::string text =
      readText(fs::path(ACADLC_SOURCE_DIR) / "stdlib" / "systolic_array.acadl");
  for (std::size_t end = 0; end < text.size(); end += 97) {
    Checked checked;
    checkText(checked, text.substr(0, end));
  }
  for (std::size_t begin = 0; begin < text.size(); begin += 131) {
    Checked checked;
    checkText(checked, text.substr(0, begin) + text.substr(std::min(text.size(), begin + 5)));
  }
}

TEST_CASE("Check: long chains do not exhaust the stack") {
  std::string functions = "function f0(x: int) = x\n";
  for (int i = 1; i < 20000; ++i)
    functions += fmt::format("function f{}(x: int) = f{}(x)\n", i, i - 1);
  Checked forwards;
  checkText(forwards, functions);
  CHECK(forwards.diagnostics.diagnostics().empty());

  std::string backwards;
  for (int i = 1; i < 20000; ++i)
    backwards += fmt::format("const c{} = c{}\n", i, i + 1);
  backwards += "const c20000 = 1\n";
  Checked constants;
  checkText(constants, backwards);
  CHECK(constants.diagnostics.diagnostics().empty());

  std::string templates;
  for (int i = 0; i < 5000; ++i)
    templates += fmt::format("template T{} {{\n  inner: T{}()\n}}\n", i, i + 1);
  templates += "template T5000 {\n}\n";
  Checked nested;
  checkText(nested, templates);
  CHECK(nested.diagnostics.diagnostics().empty());

  for (const int depth : {100, 900, 3000, 50000}) {
    std::string sum = "const a = 1";
    std::string parentheses = "const b = ";
    for (int i = 0; i < depth; ++i) {
      sum += " + 1";
      parentheses += "(-";
    }
    Checked deep; // the parser may refuse it
    checkText(deep, sum + "\n" + parentheses + "1" + std::string(depth, ')') + "\n");
  }
}
