#include "driver/CompareReports.h"

#include "api/Session.h"
#include "backend/report/ReportDiff.h"
#include "driver/Driver.h"
#include "driver/Output.h"
#include "stdlib/StandardLibrary.h"
#include "support/TextFile.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace acadlc::driver {

namespace {

/// The report in the file \p path; nothing if that is wrong (reported).
std::optional<report::StoredReport> load(const std::string &path, DiagnosticEngine &diagnostics) {
  std::string problem;
  const auto text = readTextFile(path, TextFileKind::OrPipe, problem);
  if (!text) {
    diagnostics.report(DiagnosticCode::CannotReadFile, {}, path, problem);
    return std::nullopt;
  }
  auto read = report::readReport(*text);
  if (const auto *refused = std::get_if<report::ReportProblem>(&read)) {
    diagnostics.report(DiagnosticCode::NoReport, {}, path, refused->text);
    return std::nullopt;
  }
  return std::get<report::StoredReport>(std::move(read));
}

/// The next line of \p text, which is shortened by it.
std::string_view takeLine(std::string_view &text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// The first sentence of the comment at the head of a description.
std::string firstSentence(std::string_view text) {
  static constexpr std::string_view mark = "//! ";
  std::string sentence;
  while (text.starts_with(mark)) {
    sentence += sentence.empty() ? "" : " ";
    sentence += takeLine(text).substr(mark.size());
    const std::size_t end = sentence.find(". ");
    if (end != std::string::npos)
      return sentence.substr(0, end + 1);
    if (sentence.ends_with("."))
      break;
  }
  return sentence;
}

/// \p text in lines of at most \p width bytes, each behind \p indent but the first.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string result;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const bool isNewLine = used != 0 && used + 1 + end > width;
    if (isNewLine)
      result += "\n" + std::string(indent, ' ');
    else if (used != 0)
      result += ' ';
    used = isNewLine ? end : used + end + (used == 0 ? 0 : 1);
    result += text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

} // namespace

int compareReports(const Options &options) {
  DiagnosticEngine diagnostics;
  const SourceManager sources;
  const auto before = load(options.reports.first, diagnostics);
  const auto after = load(options.reports.second, diagnostics);
  printDiagnostics(diagnostics, sources, options.color);
  if (!before || !after)
    return inputErrors;
  const report::ReportDiff diff = report::compareReports(*before, *after);
  return writeReport(options.format == ReportFormat::Json
                         ? report::diffJson(diff, options.reports, versionText())
                         : report::diffText(diff, options.reports),
                     options, sources);
}

std::string libraryText() {
  constexpr std::size_t width = 66, nameWidth = 30;
  std::string text;
  for (const StandardLibraryFile &file : standardLibraryFiles())
    text += fmt::format("{:<{}}  {}\n", file.name, nameWidth,
                        wrapped(firstSentence(file.text), width, nameWidth + 2));
  return text;
}

} // namespace acadlc::driver
