/// \file
/// The documents that a client has open, and their analyses.
#pragma once

#include "lsp/Analysis.h"

#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace acadlc::lsp {

struct OpenDocument {
  std::string uri;
  std::optional<std::int64_t> version; ///< as the client counts
  std::string text;
  std::string path;     ///< empty if it is no file (`untitled:`)
  std::string identity; ///< of the path, see Workspace
  /// Null until the first update.
  std::unique_ptr<Analysis> analysis;
  /// Identities of all files that the analysis asked for, whether they exist or not.
  std::set<std::string> reads;
  bool isStale = true;
};

/// Open documents lie over the disk: who imports one sees its text, saved or not. The analysis of a
/// document becomes stale when any file that it has read changes; update() makes new ones.
///
/// A file is known by its *identity*, its path with links resolved, because clients and imports
/// name the same file in different ways.
class Workspace {
public:
  /// Imports of documents that are no files are relative to \p folder (by default the working
  /// directory).
  void setFolder(std::string folder) { folder_ = std::move(folder); }

  /// Opens a document, or replaces an open one.
  void open(llvm::StringRef uri, std::optional<std::int64_t> version, std::string text);
  /// False if no such document is open.
  bool change(llvm::StringRef uri, std::optional<std::int64_t> version, std::string text);
  void close(llvm::StringRef uri);
  /// The file has been written, made or removed on the disk.
  void fileChanged(llvm::StringRef uri);

  /// Analyses what is stale, and returns the failures of the compiler itself, one text each.
  std::vector<std::string> update();

  /// By URI.
  [[nodiscard]] const std::map<std::string, OpenDocument> &documents() const { return documents_; }
  [[nodiscard]] const OpenDocument *find(llvm::StringRef uri) const;

  /// The URI of a text of an analysis by its name there: as the client wrote it if the document is
  /// open. Nothing for texts of the library, which no editor can show.
  [[nodiscard]] std::optional<std::string> uriOf(llvm::StringRef name) const;

private:
  void markReaders(const std::string &identity);
  void analyze(OpenDocument &document);
  [[nodiscard]] const OpenDocument *findIdentity(llvm::StringRef identity) const;

  std::map<std::string, OpenDocument> documents_;
  std::string folder_ = ".";
};

} // namespace acadlc::lsp
