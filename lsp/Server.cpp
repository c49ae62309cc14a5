#include "lsp/Server.h"

#include "lsp/FeaturesDiagnostics.h"
#include "lsp/Uri.h"

#include <algorithm>

namespace acadlc::lsp {

using llvm::json::Object;
using llvm::json::Value;
using Phase = MessageHandler::Phase;

namespace {

/// By language or by name: not every editor knows the language, and not every file has a name.
bool isOurs(const TextDocumentItem &item) {
  return item.languageId == "acadl" || llvm::StringRef(item.uri).ends_with(".acadl") ||
         isNetwork(item.uri);
}

} // namespace

std::chrono::milliseconds patienceAfter(std::chrono::nanoseconds duration) {
  // What is shorter nobody notices; who pauses for longer wants to see something.
  constexpr std::chrono::milliseconds noticed{50}, longest{1000};
  const auto rounded = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
  return rounded < noticed ? std::chrono::milliseconds{} : std::min(rounded, longest);
}

Server::Server(Transport &transport) : transport_(transport), handler_(transport) {
  handler_.onRequest("initialize", this, &Server::initialize);
  handler_.onRequest("shutdown", this, &Server::shutdown);
  handler_.onNotification("exit", this, &Server::exit);
  handler_.onNotification("textDocument/didOpen", this, &Server::didOpen);
  handler_.onNotification("textDocument/didChange", this, &Server::didChange);
  handler_.onNotification("textDocument/didSave", this, &Server::didSave);
  handler_.onNotification("textDocument/didClose", this, &Server::didClose);
  handler_.onNotification("workspace/didChangeWatchedFiles", this, &Server::didChangeWatchedFiles);
}

int Server::run() {
  while (handler_.phase() != Phase::Exited) {
    // Who types fast gets one analysis for several changes.
    if (isUpdateDelayed_ && !transport_.hasPendingInput(patience_))
      update();
    const std::optional<std::string> message = transport_.read();
    if (!message)
      break;
    handler_.handle(*message);
  }
  return exitCode_;
}

//===--- The connection -----------------------------------------------------------------------===//

Value Server::initialize(const InitializeParams &params) {
  if (handler_.phase() != Phase::Uninitialized)
    throw ProtocolError(ErrorCode::InvalidRequest, "the server is initialized already");
  handler_.setPhase(Phase::Running);
  hasRelatedInformation_ = params.hasRelatedInformation;
  if (const std::optional<std::string> folder = pathOfUri(params.folderUri))
    workspace_.setFolder(*folder);

  constexpr int fullText = 1;
  return Object{
      {"serverInfo", Object{{"name", "acadl-lsp"}, {"version", ACADLC_VERSION}}},
      {"capabilities", Object{{"positionEncoding", "utf-16"},
                              {"textDocumentSync",
                               Object{{"openClose", true}, {"change", fullText}, {"save", true}}}}},
  };
}

Value Server::shutdown(const NoParams & /*params*/) {
  update();
  handler_.setPhase(Phase::ShutDown);
  return nullptr;
}

void Server::exit(const NoParams & /*params*/) {
  exitCode_ = handler_.phase() == Phase::ShutDown ? 0 : 1;
  handler_.setPhase(Phase::Exited);
}

//===--- Documents ----------------------------------------------------------------------------===//

void Server::didOpen(const DidOpenTextDocumentParams &params) {
  const TextDocumentItem &item = params.textDocument;
  if (!isOurs(item))
    return;
  workspace_.open(item.uri, item.version, item.text);
  update();
}

void Server::didChange(const DidChangeTextDocumentParams &params) {
  const TextDocumentIdentifier &document = params.textDocument;
  // Documents of other languages are not in the workspace.
  if (!workspace_.find(document.uri) || params.contentChanges.empty())
    return;
  for (const TextDocumentContentChangeEvent &change : params.contentChanges)
    if (change.hasRange)
      throw ProtocolError(ErrorCode::InvalidParams,
                          "expected the whole text, the change of a range was sent");
  workspace_.change(document.uri, document.version, params.contentChanges.back().text);
  isUpdateDelayed_ = true;
}

void Server::didSave(const TextDocumentParams &params) {
  workspace_.fileChanged(params.textDocument.uri);
  update();
}

void Server::didClose(const TextDocumentParams &params) {
  workspace_.close(params.textDocument.uri);
  update();
}

void Server::didChangeWatchedFiles(const DidChangeWatchedFilesParams &params) {
  for (const FileEvent &change : params.changes)
    workspace_.fileChanged(change.uri);
  update();
}

//===--- Diagnostics --------------------------------------------------------------------------===//

void Server::update() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  isUpdateDelayed_ = false;
  for (const std::string &failure : workspace_.update())
    handler_.logError("internal error: " + failure);
  DiagnosticsByUri found = collectDiagnostics(workspace_);
  // What was published before and is gone is cleared.
  for (const auto &[uri, last] : published_)
    found[uri];
  for (auto &[uri, diagnostics] : found) {
    if (!hasRelatedInformation_)
      for (DocumentDiagnostic &diagnostic : diagnostics)
        diagnostic = withNotesInMessage(std::move(diagnostic));
    publish(uri, diagnostics);
  }
  patience_ = patienceAfter(Clock::now() - start);
}

void Server::publish(const std::string &uri, const std::vector<DocumentDiagnostic> &diagnostics) {
  const OpenDocument *document = workspace_.find(uri);
  const bool isOpen = document != nullptr;
  Published next{isOpen ? document->version : std::nullopt, isOpen, diagnostics};
  // What the client takes for granted of a document it was told nothing of.
  const Published nothing;
  const auto found = published_.find(uri);
  const Published &last = found == published_.end() ? nothing : found->second;
  const bool isSilent = !isOpen && diagnostics.empty() && last.diagnostics.empty();
  if (next != last && !isSilent)
    handler_.notify("textDocument/publishDiagnostics",
                    PublishDiagnosticsParams{uri, next.version, diagnostics});
  if (!isOpen && diagnostics.empty())
    published_.erase(uri);
  else
    published_.insert_or_assign(uri, std::move(next));
}

} // namespace acadlc::lsp
