/// \file
/// Diagnostics: what is wrong in a user's input, and how they are collected and printed.
///
/// All diagnostics stand in text tables, `support/diagnostics/*.txt`, one per stage of the
/// compiler; the build turns them into the enumeration `DiagnosticCode` (support/DiagnosticCodes.h)
/// and the texts of `--explain`, and `scripts/generate_diagnostics.py --markdown` writes
/// `docs/diagnostics.md` (a test compares it). A diagnostic is about a user's input; a mistake of
/// acadlc itself is an `InternalError` (support/InternalError.h).
#pragma once

#include "support/DiagnosticCodes.h"
#include "support/Source.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

enum class Severity : std::uint8_t { Note, Warning, Error };

/// A replacement of a range of the text that would repair the input.
struct FixIt {
  SourceRange range;
  std::string replacement;
};

/// Something related to a diagnostic at another place.
struct DiagnosticNote {
  SourceRange range; ///< may be invalid: a note without a place
  std::string message;
};

struct Diagnostic {
  DiagnosticCode code{};
  Severity severity = Severity::Error;
  SourceRange range; ///< may be invalid: about the run, not about a place
  std::string message;
  std::vector<DiagnosticNote> notes;
  std::vector<FixIt> fixIts;
};

/// Adds notes and fix-its to a diagnostic just reported; a value that lives for one statement.
class DiagnosticBuilder {
public:
  explicit DiagnosticBuilder(Diagnostic *diagnostic) : diagnostic_(diagnostic) {}
  DiagnosticBuilder &note(SourceRange range, std::string message);
  DiagnosticBuilder &fixIt(SourceRange range, std::string replacement);

private:
  Diagnostic *diagnostic_; ///< null if the diagnostic was dropped (limit reached)
};

/// Turns an argument into the text that stands for it in a message.
inline std::string diagnosticArgument(std::string_view text) { return std::string(text); }
inline std::string diagnosticArgument(const char *text) { return text; }
inline std::string diagnosticArgument(const std::string &text) { return text; }
inline std::string diagnosticArgument(std::integral auto number) { return std::to_string(number); }

/// Collects the diagnostics of a run, in the order in which they are reported. A diagnostic equal
/// in code, range and message to an earlier one is dropped, and so are all behind the first
/// `maxErrors` errors (the count goes on) and the first `maxWarnings` warnings of one code.
class DiagnosticEngine {
public:
  static constexpr std::size_t maxErrors = 200;
  static constexpr std::size_t maxWarnings = 200;

  /// Reports \p code at \p range. `{0}`, `{1}`, … of the table's message stand for \p arguments.
  template <typename... Arguments>
  DiagnosticBuilder report(DiagnosticCode code, SourceRange range, const Arguments &...arguments) {
    return reportFormatted(code, range, {diagnosticArgument(arguments)...});
  }

  [[nodiscard]] bool hasErrors() const { return errorCount_ != 0; }
  [[nodiscard]] std::size_t errorCount() const { return errorCount_; }
  [[nodiscard]] const std::vector<Diagnostic> &diagnostics() const { return diagnostics_; }
  /// Appends the diagnostics of another engine, in its order.
  void append(const DiagnosticEngine &other);
  /// The same, and each of them gets \p note unless it stands in the same place itself.
  void append(const DiagnosticEngine &other, const DiagnosticNote &note);

private:
  DiagnosticBuilder reportFormatted(DiagnosticCode code, SourceRange range,
                                    const std::vector<std::string> &arguments);
  /// Null if the diagnostic was dropped.
  Diagnostic *add(Diagnostic diagnostic);

  std::vector<Diagnostic> diagnostics_;
  std::size_t errorCount_ = 0;
  std::size_t warningCount_ = 0;
};

/// What the table says of one code.
struct DiagnosticInfo {
  std::string_view id;          ///< "E0101"
  std::string_view name;        ///< "unknown-unit"
  Severity severity;            ///< the default
  std::string_view message;     ///< with {0}, {1}, …
  std::string_view explanation; ///< prose for `--explain`, Markdown
  std::string_view example; ///< input that shows it; first line says the kind (`.acadl`, `.tir`);
                            ///< empty: no input leads to it
};
const DiagnosticInfo &diagnosticInfo(DiagnosticCode code);
/// Every code of the table in its order.
const std::vector<DiagnosticCode> &allDiagnosticCodes();
/// Looks a code up by id or name, case-insensitive.
std::optional<DiagnosticCode> findDiagnosticCode(std::string_view idOrName);

struct RenderOptions {
  bool color = false;
};
/// Prints diagnostics for people: `file:line:column: error: message [E0101]`, the source line with
/// the range underlined, notes, fix-its, grouped by diagnostic; then a line that counts them.
std::string renderDiagnostics(const std::vector<Diagnostic> &diagnostics,
                              const SourceManager &sources, const RenderOptions &options);

/// \p text with everything that a terminal can't show made visible: bytes that are no UTF-8 and
/// control characters as `<XX>`, invisible characters as `<U+XXXX>`.
std::string printableText(std::string_view text);

/// Of \p candidates the one nearest to \p word by edit distance (a swap of neighbours is one edit;
/// case counts only between equals) if near enough to be a misspelling (at most a third of its
/// length, at least 1); empty if none.
std::string_view nearestName(std::string_view word,
                             const std::vector<std::string_view> &candidates);

} // namespace acadlc
