/// \file
/// `file://` URIs, as editors name documents, and paths of files.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <optional>
#include <string>

namespace acadlc::lsp {

/// The path that a `file:` URI names, percent escapes decoded. Nothing for other schemes (what
/// `untitled:` names is on no disk), for files of other hosts and for broken escapes.
std::optional<std::string> pathOfUri(llvm::StringRef uri);

/// The `file:` URI of \p path, which is made absolute. All but letters, digits and `-._~/` is
/// escaped.
std::string uriOfPath(llvm::StringRef path);

} // namespace acadlc::lsp
