/// \file
/// The language server: which methods there are, and what each does.
///
/// To add a feature: write it as plain function and structs in lsp/Features<Name>.h, give its
/// parameters and result JSON forms in lsp/Protocol.h, register its method in Server's constructor
/// and its capability in initialize. A request that asks the workspace calls update() first: the
/// last change may not be analysed yet.
#pragma once

#include "lsp/MessageHandler.h"
#include "lsp/Protocol.h"
#include "lsp/Transport.h"
#include "lsp/Workspace.h"

#include <llvm/Support/JSON.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::lsp {

/// How long to wait for further changes before an analysis, if the last one took \p duration: as
/// long as that, so that a large text is not read again for every key, but no more than a second.
/// None for an analysis that nobody notices.
std::chrono::milliseconds patienceAfter(std::chrono::nanoseconds duration);

class Server {
public:
  explicit Server(Transport &transport);
  Server(const Server &) = delete;
  Server &operator=(const Server &) = delete;

  /// Serves until the client says `exit` or the input ends. Returns the program's exit code: 0 for
  /// `exit` after `shutdown`, else 1.
  int run();

private:
  llvm::json::Value initialize(const InitializeParams &params);
  llvm::json::Value shutdown(const NoParams &params);
  void exit(const NoParams &params);

  void didOpen(const DidOpenTextDocumentParams &params);
  void didChange(const DidChangeTextDocumentParams &params);
  void didSave(const TextDocumentParams &params);
  void didClose(const TextDocumentParams &params);
  void didChangeWatchedFiles(const DidChangeWatchedFilesParams &params);

  /// Analyses what has changed and publishes diagnostics that differ from the last ones.
  void update();
  void publish(const std::string &uri, const std::vector<DocumentDiagnostic> &diagnostics);

  /// What the client was told of a document last.
  struct Published {
    std::optional<std::int64_t> version;
    bool wasOpen = false;
    std::vector<DocumentDiagnostic> diagnostics;
    friend bool operator==(const Published &, const Published &) = default;
  };

  Transport &transport_;
  MessageHandler handler_;
  Workspace workspace_;
  std::map<std::string, Published> published_;
  bool hasRelatedInformation_ = false;
  /// A document was changed and not yet analysed, since more changes may have been sent already.
  bool isUpdateDelayed_ = false;
  /// How long to wait for further changes before the next analysis.
  std::chrono::milliseconds patience_{};
  int exitCode_ = 1;
};

} // namespace acadlc::lsp
