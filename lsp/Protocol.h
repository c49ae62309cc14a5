/// \file
/// The structs of the Language Server Protocol that the server uses, from and to JSON.
///
/// One struct for each message's parameters, with members named as in the protocol. A feature's
/// results get their `toJSON` here as well.
#pragma once

#include "lsp/Features.h"
#include "lsp/FeaturesDiagnostics.h"

#include <llvm/Support/JSON.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::lsp {

struct InitializeParams {
  /// Of the first workspace folder, else `rootUri`.
  std::string folderUri;
  /// The client shows notes at other places; without it they become lines of the message.
  bool hasRelatedInformation = false;
};
bool fromJSON(const llvm::json::Value &value, InitializeParams &params, llvm::json::Path path);

struct TextDocumentItem {
  std::string uri;
  std::string languageId;
  std::optional<std::int64_t> version;
  std::string text;
};
struct DidOpenTextDocumentParams {
  TextDocumentItem textDocument;
};
bool fromJSON(const llvm::json::Value &value, TextDocumentItem &item, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, DidOpenTextDocumentParams &params,
              llvm::json::Path path);

/// Names a document, with its version where the client tells it.
struct TextDocumentIdentifier {
  std::string uri;
  std::optional<std::int64_t> version;
};
bool fromJSON(const llvm::json::Value &value, TextDocumentIdentifier &identifier,
              llvm::json::Path path);

struct TextDocumentContentChangeEvent {
  bool hasRange = false; ///< part of the text, which we did not ask for
  std::string text;
};
struct DidChangeTextDocumentParams {
  TextDocumentIdentifier textDocument;
  std::vector<TextDocumentContentChangeEvent> contentChanges;
};
bool fromJSON(const llvm::json::Value &value, TextDocumentContentChangeEvent &event,
              llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, DidChangeTextDocumentParams &params,
              llvm::json::Path path);

/// Of `didClose`, `didSave`, and whatever else only names a document.
struct TextDocumentParams {
  TextDocumentIdentifier textDocument;
};
bool fromJSON(const llvm::json::Value &value, TextDocumentParams &params, llvm::json::Path path);

struct FileEvent {
  std::string uri;
};
struct DidChangeWatchedFilesParams {
  std::vector<FileEvent> changes;
};
bool fromJSON(const llvm::json::Value &value, FileEvent &event, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, DidChangeWatchedFilesParams &params,
              llvm::json::Path path);

struct PublishDiagnosticsParams {
  std::string uri;
  std::optional<std::int64_t> version;
  std::vector<DocumentDiagnostic> diagnostics;
};
llvm::json::Value toJSON(const Position &position);
llvm::json::Value toJSON(const Range &range);
llvm::json::Value toJSON(const RelatedNote &note);
llvm::json::Value toJSON(const DocumentDiagnostic &diagnostic);
llvm::json::Value toJSON(const PublishDiagnosticsParams &params);

/// \p diagnostic for a client that shows no notes: they become lines of its message.
DocumentDiagnostic withNotesInMessage(DocumentDiagnostic diagnostic);

} // namespace acadlc::lsp
