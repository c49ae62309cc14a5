#include "lsp/Workspace.h"

#include "lsp/Uri.h"

#include <filesystem>

namespace acadlc::lsp {
namespace {

std::string identityOf(const std::string &path) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, error);
  return error ? std::filesystem::path(path).lexically_normal().string() : canonical.string();
}

} // namespace

void Workspace::open(llvm::StringRef uri, std::optional<std::int64_t> version, std::string text) {
  OpenDocument document;
  document.uri = uri.str();
  document.version = version;
  document.text = std::move(text);
  document.path = pathOfUri(uri).value_or("");
  if (!document.path.empty())
    document.identity = identityOf(document.path);
  markReaders(document.identity);
  documents_.insert_or_assign(document.uri, std::move(document));
}

bool Workspace::change(llvm::StringRef uri, std::optional<std::int64_t> version, std::string text) {
  const auto found = documents_.find(uri.str());
  if (found == documents_.end())
    return false;
  OpenDocument &document = found->second;
  document.version = version;
  document.text = std::move(text);
  document.isStale = true;
  markReaders(document.identity);
  return true;
}

void Workspace::close(llvm::StringRef uri) {
  const auto found = documents_.find(uri.str());
  if (found == documents_.end())
    return;
  // Others read the file from the disk now.
  markReaders(found->second.identity);
  documents_.erase(found);
}

void Workspace::fileChanged(llvm::StringRef uri) {
  if (const std::optional<std::string> path = pathOfUri(uri))
    markReaders(identityOf(*path));
}

std::vector<std::string> Workspace::update() {
  std::vector<std::string> failures;
  for (auto &[uri, document] : documents_) {
    if (!document.isStale)
      continue;
    analyze(document);
    if (!document.analysis->failure().empty())
      failures.push_back(uri + ": " + document.analysis->failure());
  }
  return failures;
}

void Workspace::analyze(OpenDocument &document) {
  document.reads.clear();
  const FileOverlay overlay = [this, &document](const std::string &path) {
    const std::string identity = identityOf(path);
    document.reads.insert(identity);
    // The document itself first: two URIs may name one file.
    if (identity == document.identity)
      return std::optional(document.text);
    const OpenDocument *other = findIdentity(identity);
    return other ? std::optional(other->text) : std::nullopt;
  };
  AnalysisRoot root;
  root.isFile = !document.path.empty();
  root.name = root.isFile ? document.path : document.uri;
  if (!root.isFile) {
    root.text = document.text;
    root.folder = folder_;
  }
  document.analysis = std::make_unique<Analysis>(root, overlay);
  document.isStale = false;
}

void Workspace::markReaders(const std::string &identity) {
  for (auto &[uri, document] : documents_)
    if (document.reads.contains(identity))
      document.isStale = true;
}

const OpenDocument *Workspace::find(llvm::StringRef uri) const {
  const auto found = documents_.find(uri.str());
  return found == documents_.end() ? nullptr : &found->second;
}

const OpenDocument *Workspace::findIdentity(llvm::StringRef identity) const {
  for (const auto &[uri, document] : documents_)
    if (document.identity == identity)
      return &document;
  return nullptr;
}

std::optional<std::string> Workspace::uriOf(llvm::StringRef name) const {
  if (name.starts_with("std/"))
    return std::nullopt;
  if (find(name))
    return name.str();
  const OpenDocument *document = findIdentity(identityOf(name.str()));
  return document ? document->uri : uriOfPath(name);
}

} // namespace acadlc::lsp
