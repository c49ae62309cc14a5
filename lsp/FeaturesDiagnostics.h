/// \file
/// Diagnostics as an editor shows them: for each document what is wrong in it.
#pragma once

#include "lsp/Features.h"
#include "lsp/Workspace.h"
#include "support/Diagnostics.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::lsp {

/// What a diagnostic says of another place.
struct RelatedNote {
  std::string uri;
  Range range;
  std::string message;
  friend bool operator==(const RelatedNote &, const RelatedNote &) = default;
};

struct DocumentDiagnostic {
  Range range;
  Severity severity = Severity::Error;
  std::string_view code; ///< "E0201"
  /// May have several lines: notes that stand at no place an editor can show follow the message.
  std::string message;
  std::vector<RelatedNote> notes;
  friend bool operator==(const DocumentDiagnostic &, const DocumentDiagnostic &) = default;
};

using DiagnosticsByUri = std::map<std::string, std::vector<DocumentDiagnostic>>;

/// The diagnostics of all analyses of \p workspace by the document they are about, in the order of
/// the text. Every open document is listed, others if something is wrong in them. What several
/// analyses find in a file that they share is listed once.
///
/// A diagnostic without a place stands at the start of the analysed document, one in a text of the
/// library where its first note in a document is (who used it), or else at the start.
DiagnosticsByUri collectDiagnostics(const Workspace &workspace);

} // namespace acadlc::lsp
