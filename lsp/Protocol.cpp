#include "lsp/Protocol.h"

#include "lsp/Uri.h"

#include <fmt/format.h>

namespace acadlc::lsp {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::ObjectMapper;
using llvm::json::Path;
using llvm::json::Value;

//===--- From JSON ----------------------------------------------------------------------------===//

namespace {

/// The value at \p keys in nested objects, null if any of them is missing.
const Value *lookUp(const Object &object, llvm::ArrayRef<llvm::StringRef> keys) {
  const Object *inner = &object;
  for (const llvm::StringRef key : keys.drop_back()) {
    inner = inner->getObject(key);
    if (!inner)
      return nullptr;
  }
  return inner->get(keys.back());
}

std::string folderUriOf(const Object &params) {
  if (const Array *folders = params.getArray("workspaceFolders"))
    for (const Value &folder : *folders)
      if (const Object *object = folder.getAsObject())
        if (const auto uri = object->getString("uri"))
          return uri->str();
  return params.getString("rootUri").value_or("").str();
}

} // namespace

bool fromJSON(const Value &value, InitializeParams &params, Path path) {
  const Object *object = value.getAsObject();
  if (!object) {
    path.report("expected object");
    return false;
  }
  params.folderUri = folderUriOf(*object);
  const Value *related =
      lookUp(*object, {"capabilities", "textDocument", "publishDiagnostics", "relatedInformation"});
  params.hasRelatedInformation = related && related->getAsBoolean().value_or(false);
  return true;
}

bool fromJSON(const Value &value, TextDocumentItem &item, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("uri", item.uri) &&
         mapper.mapOptional("languageId", item.languageId) && mapper.map("version", item.version) &&
         mapper.map("text", item.text);
}

bool fromJSON(const Value &value, DidOpenTextDocumentParams &params, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", params.textDocument);
}

bool fromJSON(const Value &value, TextDocumentIdentifier &identifier, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("uri", identifier.uri) && mapper.map("version", identifier.version);
}

bool fromJSON(const Value &value, TextDocumentContentChangeEvent &event, Path path) {
  ObjectMapper mapper(value, path);
  if (!mapper || !mapper.map("text", event.text))
    return false;
  event.hasRange = value.getAsObject()->getObject("range") != nullptr;
  return true;
}

bool fromJSON(const Value &value, DidChangeTextDocumentParams &params, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", params.textDocument) &&
         mapper.map("contentChanges", params.contentChanges);
}

bool fromJSON(const Value &value, TextDocumentParams &params, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", params.textDocument);
}

bool fromJSON(const Value &value, FileEvent &event, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("uri", event.uri);
}

bool fromJSON(const Value &value, DidChangeWatchedFilesParams &params, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("changes", params.changes);
}

//===--- To JSON ------------------------------------------------------------------------------===//

namespace {

int severityNumber(Severity severity) {
  switch (severity) {
  case Severity::Error:
    return 1;
  case Severity::Warning:
    return 2;
  case Severity::Note:
    return 3;
  }
  return 1;
}

} // namespace

Value toJSON(const Position &position) {
  return Object{{"line", position.line}, {"character", position.character}};
}

Value toJSON(const Range &range) { return Object{{"start", range.start}, {"end", range.end}}; }

Value toJSON(const RelatedNote &note) {
  return Object{{"location", Object{{"uri", note.uri}, {"range", note.range}}},
                {"message", note.message}};
}

Value toJSON(const DocumentDiagnostic &diagnostic) {
  Object object{{"range", diagnostic.range},
                {"severity", severityNumber(diagnostic.severity)},
                {"code", llvm::StringRef(diagnostic.code)},
                {"source", "acadlc"},
                {"message", diagnostic.message}};
  if (!diagnostic.notes.empty())
    object["relatedInformation"] = Array(diagnostic.notes);
  return object;
}

Value toJSON(const PublishDiagnosticsParams &params) {
  Object object{{"uri", params.uri}, {"diagnostics", Array(params.diagnostics)}};
  if (params.version)
    object["version"] = *params.version;
  return object;
}

DocumentDiagnostic withNotesInMessage(DocumentDiagnostic diagnostic) {
  for (const RelatedNote &note : diagnostic.notes)
    diagnostic.message +=
        fmt::format("\n{}:{}:{}: {}", pathOfUri(note.uri).value_or(note.uri),
                    note.range.start.line + 1, note.range.start.character + 1, note.message);
  diagnostic.notes.clear();
  return diagnostic;
}

} // namespace acadlc::lsp
