#include "support/TextFile.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace acadlc {

namespace {

namespace fs = std::filesystem;

/// Why the file at \p path is not worth opening; empty if it is.
std::string refusal(const std::string &path, TextFileKind kind) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    return error && error != std::errc::no_such_file_or_directory ? error.message()
                                                                  : "there is no such file";
  if (fs::is_directory(status))
    return "it is a directory";
  if (fs::is_fifo(status) && kind == TextFileKind::OrPipe)
    return {};
  if (!fs::is_regular_file(status))
    return "it is no regular file";
  const std::uintmax_t size = fs::file_size(path, error);
  return !error && size > mostTextBytes ? textTooLarge : "";
}

} // namespace

std::optional<std::string> readTextFile(const std::string &path, TextFileKind kind,
                                        std::string &problem) {
  problem = refusal(path, kind);
  if (!problem.empty())
    return std::nullopt;
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  std::array<char, std::size_t{1} << 16> block{};
  while (stream && text.size() <= mostTextBytes) {
    stream.read(block.data(), block.size());
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.eof())
    return text;
  if (text.size() > mostTextBytes)
    problem = textTooLarge;
  else
    problem = errno != 0 ? std::generic_category().message(errno) : "reading failed";
  return std::nullopt;
}

} // namespace acadlc
