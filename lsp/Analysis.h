/// \file
/// One open document: a description, compiled together with what it imports, or a network.
#pragma once

#include "frontend/acadl/evaluation/Module.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <llvm/ADT/StringRef.h>

#include <string>
#include <vector>

namespace acadlc::lsp {

/// The document that an analysis starts from.
struct AnalysisRoot {
  /// Path of a file, which is then read by way of the overlay, or any name.
  std::string name;
  bool isFile = true;
  /// Unless it is a file: its text, and the folder that its imports are relative to.
  std::string text;
  std::string folder;
};

/// Whether a document of this path or URI is a network of TVM, by the end of its name.
bool isNetwork(llvm::StringRef name);

/// A snapshot of a network: read as far as it goes without values for symbolic sizes; or of a
/// description: loaded, checked and, if all was well, every architecture of the root built with its
/// default parameters. Never changes afterwards. What features ask of a text they ask here.
class Analysis {
public:
  /// Never fails: what the compiler itself gets wrong is kept as failure().
  Analysis(const AnalysisRoot &root, FileOverlay overlay);

  [[nodiscard]] const SourceManager &sources() const { return sources_; }
  [[nodiscard]] const Compilation &compilation() const { return compilation_; }
  /// The module of the document, null if there is none (it could not be read, or is a network).
  [[nodiscard]] const Module *root() const { return compilation_.root(); }
  [[nodiscard]] const std::vector<Diagnostic> &diagnostics() const { return mistakes_; }
  /// What went wrong in the compiler; empty if nothing. The rest is what was found until then.
  [[nodiscard]] const std::string &failure() const { return failure_; }

private:
  void run(const AnalysisRoot &root);
  void readNetwork(const AnalysisRoot &root, const FileOverlay &overlay);
  void appendMistakes(const DiagnosticEngine &found);
  void elaborateArchitectures();

  SourceManager sources_;
  DiagnosticEngine diagnostics_;
  Compilation compilation_;
  std::vector<Diagnostic> mistakes_; ///< those of diagnostics_ that are mistakes of the text
  std::string failure_;
};

} // namespace acadlc::lsp
