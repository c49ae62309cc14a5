#include "support/Source.h"

#include "support/InternalError.h"
#include "support/TextEncoding.h"

#include <algorithm>
#include <limits>

namespace acadlc {
namespace {

/// Byte length of the character that starts at text[offset], and its size in \p unit. A byte that
/// is no part of valid UTF-8 counts as one character, as editors show it.
struct Character {
  std::uint32_t bytes;
  std::uint32_t units;
};

Character characterAt(std::string_view text, std::size_t offset, ColumnUnit unit) {
  const auto length = static_cast<std::uint32_t>(utf8CharacterLength(text.substr(offset)));
  if (length == 0)
    return {1, 1};
  if (unit == ColumnUnit::Byte)
    return {length, length};
  return {length, unit == ColumnUnit::Utf16 && length == 4 ? 2U : 1U};
}

} // namespace

struct SourceManager::File {
  std::string name;
  std::string text;
  /// Raw position of byte 0. The end of a text has a position of its own, so the next file starts
  /// at base + size + 1.
  std::uint32_t base = 0;
  std::vector<std::uint32_t> lineStarts;

  /// Line that holds the byte at \p offset.
  [[nodiscard]] std::uint32_t lineAt(std::uint32_t offset) const {
    const auto next = std::ranges::upper_bound(lineStarts, offset);
    return static_cast<std::uint32_t>(next - lineStarts.begin()) - 1;
  }

  /// Offset behind the last byte of \p line, its line break not counted.
  [[nodiscard]] std::uint32_t lineEnd(std::uint32_t line) const {
    if (line + 1 == lineStarts.size())
      return static_cast<std::uint32_t>(text.size());
    std::uint32_t end = lineStarts[line + 1];
    const auto before = [&](char c) { return end > lineStarts[line] && text[end - 1] == c; };
    if (before('\n'))
      --end;
    if (before('\r'))
      --end;
    return end;
  }
};

SourceManager::SourceManager() = default;
SourceManager::~SourceManager() = default;

FileId SourceManager::addText(std::string name, std::string text) {
  constexpr std::uint64_t limit = std::numeric_limits<std::uint32_t>::max();
  // Raw 0 means "nowhere", so the first text starts at 1.
  const std::uint64_t base =
      files_.empty() ? 1 : std::uint64_t{files_.back()->base} + files_.back()->text.size() + 1;
  if (base + text.size() > limit)
    return {};
  auto file = std::make_unique<File>();
  file->name = std::move(name);
  file->text = std::move(text);
  file->base = static_cast<std::uint32_t>(base);
  file->lineStarts.push_back(0);
  // Line breaks as LSP counts them: "\n", "\r\n" and a lone "\r".
  const std::string &stored = file->text;
  if (stored.find('\r') == std::string::npos) {
    for (std::size_t i = stored.find('\n'); i != std::string::npos; i = stored.find('\n', i + 1))
      file->lineStarts.push_back(static_cast<std::uint32_t>(i + 1));
  } else {
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const bool breaks = stored[i] == '\n' ||
                          (stored[i] == '\r' && (i + 1 == stored.size() || stored[i + 1] != '\n'));
      if (breaks)
        file->lineStarts.push_back(static_cast<std::uint32_t>(i + 1));
    }
  }
  files_.push_back(std::move(file));
  return FileId{static_cast<std::uint32_t>(files_.size() - 1)};
}

std::string_view SourceManager::text(FileId file) const { return files_.at(file.index)->text; }

std::string_view SourceManager::name(FileId file) const { return files_.at(file.index)->name; }

std::size_t SourceManager::fileCount() const { return files_.size(); }

SourceLocation SourceManager::location(FileId file, std::uint32_t offset) const {
  const File &entry = *files_.at(file.index);
  ACADLC_CHECK(offset <= entry.text.size(), "position beyond the end of a text");
  return SourceLocation::fromRaw(entry.base + offset);
}

FileId SourceManager::fileOf(SourceLocation location) const {
  if (!location.isValid())
    return {};
  const auto next = std::ranges::upper_bound(
      files_, location.raw(), {}, [](const std::unique_ptr<File> &file) { return file->base; });
  ACADLC_CHECK(next != files_.begin(), "position of no text");
  const auto found = next - 1;
  ACADLC_CHECK(location.raw() - (*found)->base <= (*found)->text.size(), "position of no text");
  return FileId{static_cast<std::uint32_t>(found - files_.begin())};
}

std::uint32_t SourceManager::offsetOf(SourceLocation location) const {
  const FileId file = fileOf(location);
  ACADLC_CHECK(file.isValid(), "offset of an invalid position");
  return location.raw() - files_[file.index]->base;
}

LineColumn SourceManager::lineColumn(SourceLocation location, ColumnUnit unit) const {
  const FileId id = fileOf(location);
  ACADLC_CHECK(id.isValid(), "line of an invalid position");
  const File &file = *files_[id.index];
  const std::uint32_t offset = location.raw() - file.base;
  const std::uint32_t line = file.lineAt(offset);
  const std::uint32_t start = file.lineStarts[line];
  if (unit == ColumnUnit::Byte)
    return {line, offset - start};
  std::uint32_t column = 0;
  for (std::uint32_t i = start; i < offset;) {
    const Character character = characterAt(file.text, i, unit);
    i += character.bytes;
    // A position within a character counts as its start.
    if (i <= offset)
      column += character.units;
  }
  return {line, column};
}

SourceLocation SourceManager::locate(FileId id, LineColumn position, ColumnUnit unit) const {
  const File &file = *files_.at(id.index);
  if (position.line >= file.lineStarts.size())
    return location(id, static_cast<std::uint32_t>(file.text.size()));
  std::uint32_t offset = file.lineStarts[position.line];
  const std::uint32_t end = file.lineEnd(position.line);
  if (unit == ColumnUnit::Byte)
    return location(id, position.column < end - offset ? offset + position.column : end);
  for (std::uint32_t column = 0; offset < end;) {
    const Character character = characterAt(file.text, offset, unit);
    column += character.units;
    // A column within a surrogate pair means the start of its character.
    if (column > position.column)
      break;
    offset += character.bytes;
  }
  return location(id, offset);
}

std::string_view SourceManager::lineText(FileId id, std::uint32_t line) const {
  const File &file = *files_.at(id.index);
  ACADLC_CHECK(line < file.lineStarts.size(), "line beyond the end of a text");
  const std::uint32_t start = file.lineStarts[line];
  return std::string_view(file.text).substr(start, file.lineEnd(line) - start);
}

std::string_view SourceManager::textOf(SourceRange range) const {
  const FileId id = fileOf(range.begin);
  if (!id.isValid())
    return {};
  const std::uint32_t begin = offsetOf(range.begin);
  ACADLC_CHECK(range.begin <= range.end && fileOf(range.end) == id, "range over several texts");
  return text(id).substr(begin, range.end.raw() - range.begin.raw());
}

} // namespace acadlc
