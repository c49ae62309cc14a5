/// \file
/// Source texts and positions in them.
///
/// A position is one 32-bit word (`SourceLocation`): an offset into the concatenation of all texts
/// that a `SourceManager` holds. Ranges are half-open byte ranges. The manager turns a position
/// into file, line and column, in bytes, code points or UTF-16 units, whichever a client needs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

/// A byte position in one of the texts of a SourceManager; the default value means "nowhere".
class SourceLocation {
public:
  constexpr SourceLocation() = default;
  static constexpr SourceLocation fromRaw(std::uint32_t raw) {
    SourceLocation location;
    location.raw_ = raw;
    return location;
  }
  [[nodiscard]] constexpr std::uint32_t raw() const { return raw_; }
  [[nodiscard]] constexpr bool isValid() const { return raw_ != 0; }
  [[nodiscard]] constexpr SourceLocation advancedBy(std::uint32_t bytes) const {
    return fromRaw(raw_ + bytes);
  }
  friend constexpr auto operator<=>(SourceLocation, SourceLocation) = default;

private:
  std::uint32_t raw_ = 0;
};

/// A half-open range of bytes of one text.
struct SourceRange {
  SourceLocation begin;
  SourceLocation end;
  [[nodiscard]] bool isValid() const { return begin.isValid(); }
  friend constexpr bool operator==(SourceRange, SourceRange) = default;
};

/// Names one text of a SourceManager.
struct FileId {
  std::uint32_t index = ~0U;
  [[nodiscard]] bool isValid() const { return index != ~0U; }
  friend constexpr bool operator==(FileId, FileId) = default;
};

/// A position as people and editors count; all members start at 0.
struct LineColumn {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// The unit in which a column is counted.
enum class ColumnUnit { Byte, CodePoint, Utf16 };

/// Owns the texts of a run. Texts are never removed, so views of them stay valid as long as the
/// manager lives. Not thread-safe while texts are added; safe to read from many threads after that.
class SourceManager {
public:
  SourceManager();
  ~SourceManager();
  SourceManager(const SourceManager &) = delete;
  SourceManager &operator=(const SourceManager &) = delete;

  /// Adds a text under the name that diagnostics print. Total size of all texts is limited to
  /// 4 GiB − 2; returns an invalid id beyond that.
  FileId addText(std::string name, std::string text);

  [[nodiscard]] std::string_view text(FileId file) const;
  [[nodiscard]] std::string_view name(FileId file) const;
  [[nodiscard]] std::size_t fileCount() const;

  /// Position of byte \p offset of \p file; offset == size is the end of the text.
  [[nodiscard]] SourceLocation location(FileId file, std::uint32_t offset) const;
  /// The file that holds \p location; invalid for an invalid location.
  [[nodiscard]] FileId fileOf(SourceLocation location) const;
  /// Byte offset within its file.
  [[nodiscard]] std::uint32_t offsetOf(SourceLocation location) const;
  [[nodiscard]] LineColumn lineColumn(SourceLocation location,
                                      ColumnUnit unit = ColumnUnit::Byte) const;
  /// Inverse of lineColumn; columns beyond a line's end mean its end, lines beyond the text's its
  /// end.
  [[nodiscard]] SourceLocation locate(FileId file, LineColumn position, ColumnUnit unit) const;
  /// Text of a line (0-based) without its line break.
  [[nodiscard]] std::string_view lineText(FileId file, std::uint32_t line) const;
  /// Text that \p range covers.
  [[nodiscard]] std::string_view textOf(SourceRange range) const;

private:
  struct File;
  std::vector<std::unique_ptr<File>> files_;
};

} // namespace acadlc
