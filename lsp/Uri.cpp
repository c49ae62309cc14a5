#include "lsp/Uri.h"

#include <llvm/ADT/StringExtras.h>

#include <filesystem>

namespace acadlc::lsp {
namespace {

std::optional<std::string> percentDecoded(llvm::StringRef text) {
  std::string decoded;
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    decoded += text.substr(0, percent);
    if (percent == llvm::StringRef::npos)
      break;
    text = text.drop_front(percent + 1);
    if (text.size() < 2 || !llvm::isHexDigit(text[0]) || !llvm::isHexDigit(text[1]))
      return std::nullopt;
    const auto byte = static_cast<char>(llvm::hexFromNibbles(text[0], text[1]));
    // No path holds a zero byte, and one would cut the path short where C reads it.
    if (byte == '\0')
      return std::nullopt;
    decoded += byte;
    text = text.drop_front(2);
  }
  return decoded;
}

} // namespace

std::optional<std::string> pathOfUri(llvm::StringRef uri) {
  if (!uri.consume_front_insensitive("file:"))
    return std::nullopt;
  // "file:///path", "file://localhost/path", and the short form "file:/path".
  if (uri.consume_front("//"))
    uri.consume_front_insensitive("localhost");
  if (!uri.starts_with("/") || uri.starts_with("//"))
    return std::nullopt;
  return percentDecoded(uri);
}

std::string uriOfPath(llvm::StringRef path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path.str(), error);
  const std::string full = error ? path.str() : absolute.lexically_normal().string();
  std::string uri = "file://";
  for (const char c : full) {
    if (llvm::isAlnum(c) || llvm::StringRef("-._~/").contains(c)) {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += llvm::hexdigit(byte >> 4U);
    uri += llvm::hexdigit(byte & 15U);
  }
  return uri;
}

} // namespace acadlc::lsp
