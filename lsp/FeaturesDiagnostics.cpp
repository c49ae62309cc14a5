#include "lsp/FeaturesDiagnostics.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

#include <optional>

namespace acadlc::lsp {
namespace {

/// Turns the diagnostics of one analysis into those of documents.
class Converter {
public:
  Converter(const Workspace &workspace, const OpenDocument &document)
      : workspace_(workspace), document_(document), sources_(document.analysis->sources()) {}

  void addTo(DiagnosticsByUri &all) {
    for (const Diagnostic &diagnostic : document_.analysis->diagnostics())
      add(diagnostic, all);
  }

private:
  struct Place {
    std::string uri;
    Range range;
  };

  /// Nothing if no editor can show it.
  std::optional<Place> placeOf(SourceRange range) const {
    if (!range.isValid())
      return std::nullopt;
    const std::string_view name = sources_.name(sources_.fileOf(range.begin));
    std::optional<std::string> uri = workspace_.uriOf(name);
    if (!uri)
      return std::nullopt;
    return Place{std::move(*uri), rangeOf(range, sources_)};
  }

  /// "std/name.acadl:3:5: " for a place that is known but can't be shown.
  std::string libraryPrefix(SourceRange range) const {
    if (!range.isValid())
      return {};
    const LineColumn at = sources_.lineColumn(range.begin, ColumnUnit::CodePoint);
    return fmt::format("{}:{}:{}: ", sources_.name(sources_.fileOf(range.begin)), at.line + 1,
                       at.column + 1);
  }

  Place fallbackPlace(const Diagnostic &diagnostic) const {
    for (const DiagnosticNote &note : diagnostic.notes)
      if (std::optional<Place> place = placeOf(note.range))
        return std::move(*place);
    return {document_.uri, {}};
  }

  void add(const Diagnostic &diagnostic, DiagnosticsByUri &all) const {
    std::optional<Place> place = placeOf(diagnostic.range);
    DocumentDiagnostic result;
    result.severity = diagnostic.severity;
    result.code = diagnosticInfo(diagnostic.code).id;
    if (!place) {
      place = fallbackPlace(diagnostic);
      result.message = libraryPrefix(diagnostic.range);
    }
    result.message += printableText(diagnostic.message);
    result.range = place->range;
    addNotes(diagnostic, result);
    std::vector<DocumentDiagnostic> &list = all[place->uri];
    if (!llvm::is_contained(list, result))
      list.push_back(std::move(result));
  }

  void addNotes(const Diagnostic &diagnostic, DocumentDiagnostic &result) const {
    for (const DiagnosticNote &note : diagnostic.notes) {
      std::string message = printableText(note.message);
      if (std::optional<Place> place = placeOf(note.range))
        result.notes.push_back({std::move(place->uri), place->range, std::move(message)});
      else
        result.message += "\n" + libraryPrefix(note.range) + message;
    }
  }

  const Workspace &workspace_;
  const OpenDocument &document_;
  const SourceManager &sources_;
};

} // namespace

DiagnosticsByUri collectDiagnostics(const Workspace &workspace) {
  DiagnosticsByUri all;
  for (const auto &[uri, document] : workspace.documents()) {
    all[uri];
    if (document.analysis)
      Converter(workspace, document).addTo(all);
  }
  for (auto &[uri, diagnostics] : all)
    llvm::stable_sort(diagnostics, [](const DocumentDiagnostic &a, const DocumentDiagnostic &b) {
      return a.range < b.range;
    });
  return all;
}

} // namespace acadlc::lsp
