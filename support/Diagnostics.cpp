#include "support/Diagnostics.h"

#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/ConvertUTF.h>
#include <llvm/Support/Unicode.h>

#include <algorithm>
#include <array>
#include <utility>

namespace acadlc {

namespace detail {
// Defined in the generated DiagnosticTable.cpp.
extern const DiagnosticInfo diagnosticTable[];
extern const std::size_t diagnosticTableSize;
} // namespace detail

//===--- Table --------------------------------------------------------------------------------===//

const DiagnosticInfo &diagnosticInfo(DiagnosticCode code) {
  const auto index = static_cast<std::size_t>(code);
  ACADLC_CHECK(index < detail::diagnosticTableSize, "no such diagnostic");
  return detail::diagnosticTable[index];
}

const std::vector<DiagnosticCode> &allDiagnosticCodes() {
  static const std::vector<DiagnosticCode> codes = [] {
    std::vector<DiagnosticCode> all;
    all.reserve(detail::diagnosticTableSize);
    for (std::size_t i = 0; i < detail::diagnosticTableSize; ++i)
      all.push_back(static_cast<DiagnosticCode>(i));
    return all;
  }();
  return codes;
}

std::optional<DiagnosticCode> findDiagnosticCode(std::string_view idOrName) {
  const llvm::StringRef wanted(idOrName);
  for (const DiagnosticCode code : allDiagnosticCodes()) {
    const DiagnosticInfo &info = diagnosticInfo(code);
    if (wanted.equals_insensitive(info.id) || wanted.equals_insensitive(info.name))
      return code;
  }
  return std::nullopt;
}

//===--- Collecting ---------------------------------------------------------------------------===//

namespace {

/// Puts \p arguments in the places {0}, {1}, … of \p pattern.
std::string formatMessage(std::string_view pattern, const std::vector<std::string> &arguments) {
  std::string message;
  while (!pattern.empty()) {
    const std::size_t brace = pattern.find('{');
    message += pattern.substr(0, brace);
    if (brace == std::string_view::npos)
      break;
    // The generator lets nothing pass but '{', one digit, '}'.
    const auto index = static_cast<std::size_t>(pattern[brace + 1] - '0');
    ACADLC_CHECK(index < arguments.size(),
                 fmt::format("too few arguments for the message '{}'", pattern));
    message += arguments[index];
    pattern.remove_prefix(brace + 3);
  }
  return message;
}

} // namespace

DiagnosticBuilder &DiagnosticBuilder::note(SourceRange range, std::string message) {
  if (diagnostic_)
    diagnostic_->notes.push_back({range, std::move(message)});
  return *this;
}

DiagnosticBuilder &DiagnosticBuilder::fixIt(SourceRange range, std::string replacement) {
  if (diagnostic_)
    diagnostic_->fixIts.push_back({range, std::move(replacement)});
  return *this;
}

DiagnosticBuilder DiagnosticEngine::reportFormatted(DiagnosticCode code, SourceRange range,
                                                    const std::vector<std::string> &arguments) {
  const DiagnosticInfo &info = diagnosticInfo(code);
  return DiagnosticBuilder(
      add({code, info.severity, range, formatMessage(info.message, arguments), {}, {}}));
}

Diagnostic *DiagnosticEngine::add(Diagnostic diagnostic) {
  const auto same = [&](const Diagnostic &other) {
    return other.range == diagnostic.range && other.code == diagnostic.code &&
           other.message == diagnostic.message;
  };
  if (std::ranges::any_of(diagnostics_, same))
    return nullptr;
  const bool isWarning = diagnostic.severity == Severity::Warning;
  const auto isAlike = [&](const Diagnostic &other) { return other.code == diagnostic.code; };
  const bool isOneOfMany =
      isWarning && warningCount_ >= maxWarnings &&
      static_cast<std::size_t>(std::ranges::count_if(diagnostics_, isAlike)) >= maxWarnings;
  const bool full = errorCount_ >= maxErrors || isOneOfMany;
  if (diagnostic.severity == Severity::Error)
    ++errorCount_;
  if (isWarning)
    ++warningCount_;
  if (full)
    return nullptr;
  diagnostics_.push_back(std::move(diagnostic));
  return &diagnostics_.back();
}

void DiagnosticEngine::append(const DiagnosticEngine &other) {
  for (const Diagnostic &diagnostic : other.diagnostics_)
    add(diagnostic);
  // What the other engine dropped is counted here too.
  const auto isError = [](const Diagnostic &d) { return d.severity == Severity::Error; };
  errorCount_ += other.errorCount_ -
                 static_cast<std::size_t>(std::ranges::count_if(other.diagnostics_, isError));
}

void DiagnosticEngine::append(const DiagnosticEngine &other, const DiagnosticNote &note) {
  DiagnosticEngine noted = other;
  for (Diagnostic &diagnostic : noted.diagnostics_)
    if (diagnostic.range != note.range)
      diagnostic.notes.push_back(note);
  append(noted);
}

//===--- Rendering ----------------------------------------------------------------------------===//

namespace {

/// One character of a source line as the terminal shows it.
struct Cell {
  std::string text;
  unsigned width;
  std::uint32_t offset; ///< of its first byte, within the line
};

constexpr unsigned tabWidth = 8;

/// Splits text into characters and replaces what a terminal can't show: bytes as <XX>, invisible
/// characters as <U+XXXX>, so that no input can hide text or take over the terminal.
std::vector<Cell> cellsOf(std::string_view text, bool keepTabs) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < text.size();) {
    const auto offset = static_cast<std::uint32_t>(i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\t' && keepTabs) {
      cells.push_back({"\t", 0, offset}); // its width depends on where it stands
      ++i;
      continue;
    }
    const std::size_t length = llvm::getNumBytesForUTF8(byte);
    const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data() + i);
    if (byte < 0x20 || byte == 0x7F || length > text.size() - i ||
        !llvm::isLegalUTF8Sequence(begin, begin + length)) {
      cells.push_back({fmt::format("<{:02X}>", byte), 4, offset});
      ++i;
      continue;
    }
    const std::string_view character = text.substr(i, length);
    const int width = llvm::sys::unicode::columnWidthUTF8(character);
    if (width >= 0) {
      cells.push_back({std::string(character), static_cast<unsigned>(width), offset});
    } else {
      llvm::UTF32 value = 0;
      const llvm::UTF8 *cursor = begin;
      llvm::convertUTF8Sequence(&cursor, begin + length, &value, llvm::strictConversion);
      std::string shown = fmt::format("<U+{:04X}>", value);
      const auto shownWidth = static_cast<unsigned>(shown.size());
      cells.push_back({std::move(shown), shownWidth, offset});
    }
    i += length;
  }
  return cells;
}

/// Colours of the parts of the output; all empty without colour.
struct Palette {
  std::string_view bold, error, warning, note, caret, reset;
};
constexpr Palette plainPalette{};
constexpr Palette colorPalette{"\033[1m",    "\033[1;31m", "\033[1;35m",
                               "\033[1;36m", "\033[1;32m", "\033[0m"};

class Renderer {
public:
  Renderer(const SourceManager &sources, const RenderOptions &options)
      : sources_(sources), palette_(options.color ? colorPalette : plainPalette) {}

  void render(const Diagnostic &diagnostic) {
    heading(diagnostic.range, diagnostic.severity,
            fmt::format("{} [{}]", printableText(diagnostic.message),
                        diagnosticInfo(diagnostic.code).id));
    snippet(diagnostic.range);
    for (const FixIt &fixIt : diagnostic.fixIts)
      renderFixIt(fixIt, diagnostic.range);
    for (const DiagnosticNote &note : diagnostic.notes) {
      heading(note.range, Severity::Note, printableText(note.message));
      snippet(note.range);
    }
  }

  void summary(const std::vector<Diagnostic> &diagnostics) {
    const auto count = [&](Severity severity) {
      return std::ranges::count(diagnostics, severity, &Diagnostic::severity);
    };
    const auto phrase = [](auto number, std::string_view noun) {
      return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
    };
    const auto errors = count(Severity::Error);
    const auto warnings = count(Severity::Warning);
    if (errors != 0 && warnings != 0)
      out_ += fmt::format("{} and {}\n", phrase(errors, "error"), phrase(warnings, "warning"));
    else if (errors != 0)
      out_ += phrase(errors, "error") + "\n";
    else if (warnings != 0)
      out_ += phrase(warnings, "warning") + "\n";
  }

  std::string take() { return std::move(out_); }

private:
  /// "file:line:column: ", or nothing for no place.
  std::string place(SourceRange range) const {
    if (!range.isValid())
      return {};
    const LineColumn at = sources_.lineColumn(range.begin, ColumnUnit::CodePoint);
    return fmt::format("{}:{}:{}: ", printableText(sources_.name(sources_.fileOf(range.begin))),
                       at.line + 1, at.column + 1);
  }

  void heading(SourceRange range, Severity severity, std::string_view message) {
    std::string_view word = "note";
    std::string_view color = palette_.note;
    if (severity == Severity::Error) {
      word = "error";
      color = palette_.error;
    } else if (severity == Severity::Warning) {
      word = "warning";
      color = palette_.warning;
    }
    out_ += fmt::format("{0}{1}{2}{3}{4}:{2} {0}{5}{2}\n", palette_.bold, place(range),
                        palette_.reset, color, word, message);
  }

  /// The line where \p range starts, and the range (as far as it is on this line) underlined.
  void snippet(SourceRange range) {
    if (!range.isValid())
      return;
    constexpr std::uint32_t maxWidth = 160;
    constexpr std::uint32_t contextWidth = 40;
    // Far beyond what is shown; spares to take a generated line of megabytes apart.
    constexpr std::uint32_t byteLimit = 4096;

    const LineColumn at = sources_.lineColumn(range.begin);
    std::string_view line = sources_.lineText(sources_.fileOf(range.begin), at.line);
    auto size = static_cast<std::uint32_t>(line.size());
    std::uint32_t begin = std::min(at.column, size);
    const std::uint32_t length = range.end > range.begin ? range.end.raw() - range.begin.raw() : 0;
    std::uint32_t end = begin + std::min(length, size - begin);

    bool cutLeft = false;
    bool cutRight = false;
    if (size > byteLimit) {
      const std::uint32_t first = begin > byteLimit / 4 ? begin - byteLimit / 4 : 0;
      cutLeft = first != 0;
      cutRight = size - first > byteLimit;
      line = line.substr(first, byteLimit);
      size = static_cast<std::uint32_t>(line.size());
      begin -= first;
      end = std::min(end - first, size);
    }

    const std::vector<Cell> cells = cellsOf(line, /*keepTabs=*/true);
    const auto indexOf = [&](std::uint32_t offset) {
      return static_cast<std::size_t>(std::ranges::lower_bound(cells, offset, {}, &Cell::offset) -
                                      cells.begin());
    };
    const std::size_t rangeBegin = indexOf(begin);
    const std::size_t rangeEnd = indexOf(end);
    std::size_t windowBegin = 0;
    std::size_t windowEnd = cells.size();
    if (cells.size() > maxWidth) {
      windowBegin = rangeBegin > contextWidth ? rangeBegin - contextWidth : 0;
      windowBegin = std::min(windowBegin, cells.size() - maxWidth);
      windowEnd = windowBegin + maxWidth;
      cutLeft = cutLeft || windowBegin != 0;
      cutRight = cutRight || windowEnd != cells.size();
    }

    const std::string_view ellipsis = "...";
    std::string shown(cutLeft ? ellipsis : "");
    std::string marks(shown.size(), ' ');
    unsigned column = static_cast<unsigned>(shown.size());
    bool caretSet = false;
    for (std::size_t i = windowBegin; i < windowEnd; ++i) {
      const Cell &cell = cells[i];
      const bool isTab = cell.text == "\t";
      const unsigned width = isTab ? tabWidth - column % tabWidth : cell.width;
      shown += cell.text;
      column += width;
      if (i == rangeBegin) {
        marks += '^';
        marks.append(rangeEnd > rangeBegin + 1 && width > 1 ? width - 1 : 0, '~');
        // Without more to mark, what follows the caret does not matter.
        caretSet = true;
      } else if (i > rangeBegin && i < rangeEnd) {
        marks.append(width, '~');
      } else if (i < rangeBegin) {
        // A tab below a tab stays aligned however wide the terminal makes it.
        marks += isTab ? "\t" : std::string(width, ' ');
      }
    }
    if (!caretSet)
      marks += '^';
    if (cutRight)
      shown += ellipsis;
    out_ += fmt::format("{}\n{}{}{}\n", shown, palette_.caret, marks, palette_.reset);
  }

  void renderFixIt(const FixIt &fixIt, SourceRange diagnosticRange) {
    const bool samePlace = fixIt.range == diagnosticRange;
    const std::string old = printableText(sources_.textOf(fixIt.range));
    const std::string replacement = printableText(fixIt.replacement);
    std::string text;
    if (old.empty())
      text = fmt::format("insert '{}'", replacement);
    else if (replacement.empty())
      text = fmt::format("remove '{}'", old);
    else if (samePlace)
      text = fmt::format("replace with '{}'", replacement);
    else
      text = fmt::format("replace '{}' with '{}'", old, replacement);
    out_ += fmt::format("{}{}fix:{} {}\n", samePlace ? "" : place(fixIt.range), palette_.note,
                        palette_.reset, text);
  }

  const SourceManager &sources_;
  const Palette &palette_;
  std::string out_;
};

} // namespace

std::string printableText(std::string_view text) {
  std::string result;
  for (const Cell &cell : cellsOf(text, /*keepTabs=*/false))
    result += cell.text;
  return result;
}

std::string renderDiagnostics(const std::vector<Diagnostic> &diagnostics,
                              const SourceManager &sources, const RenderOptions &options) {
  Renderer renderer(sources, options);
  for (const Diagnostic &diagnostic : diagnostics)
    renderer.render(diagnostic);
  renderer.summary(diagnostics);
  return renderer.take();
}

//===--- Misspellings -------------------------------------------------------------------------===//

namespace {

/// Edits (insert, remove, replace, swap of neighbours) that turn \p a into \p b.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> beforeLast(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(beforeLast, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], beforeLast[j - 2] + 1);
    }
  }
  return row[b.size()];
}

} // namespace

std::string_view nearestName(std::string_view word,
                             const std::vector<std::string_view> &candidates) {
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  const std::string lowerWord = llvm::StringRef(word).lower();
  std::string_view best;
  // Case counts only between candidates that are equally near without it.
  std::pair<std::size_t, std::size_t> bestDistance{limit + 1, 0};
  for (const std::string_view candidate : candidates) {
    const std::size_t difference = candidate.size() > word.size() ? candidate.size() - word.size()
                                                                  : word.size() - candidate.size();
    if (candidate.empty() || difference > limit)
      continue;
    const std::size_t distance = editDistance(lowerWord, llvm::StringRef(candidate).lower());
    // A word of which nothing is left is no misspelling.
    if (distance >= word.size())
      continue;
    const std::pair candidateDistance{distance, editDistance(word, candidate)};
    if (distance <= limit && candidateDistance < bestDistance) {
      best = candidate;
      bestDistance = candidateDistance;
    }
  }
  return best;
}

} // namespace acadlc
