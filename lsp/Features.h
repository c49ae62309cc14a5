/// \file
/// What features of the language server share.
///
/// Architecture invariant: a feature (lsp/Features*.h) is a function from analyses (lsp/Analysis.h,
/// lsp/Workspace.h) and a position to plain structs. It knows neither JSON nor messages; turning
/// its result into JSON is the work of lsp/Protocol.h, registering it as a method that of
/// lsp/Server.h. So a feature is tested by calling it.
#pragma once

#include "support/Source.h"

#include <cstdint>

namespace acadlc::lsp {

/// A place in a document; both start at 0, characters are UTF-16 units.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t character = 0;
  friend auto operator<=>(const Position &, const Position &) = default;
};

/// Half-open.
struct Range {
  Position start;
  Position end;
  friend auto operator<=>(const Range &, const Range &) = default;
};

inline Position positionOf(SourceLocation location, const SourceManager &sources) {
  const LineColumn place = sources.lineColumn(location, ColumnUnit::Utf16);
  return {place.line, place.column};
}

/// \p range must be valid. One that ends in another text (or before it starts) is cut to its start.
inline Range rangeOf(SourceRange range, const SourceManager &sources) {
  const Position start = positionOf(range.begin, sources);
  const bool isWhole =
      range.end >= range.begin && sources.fileOf(range.end) == sources.fileOf(range.begin);
  return {start, isWhole ? positionOf(range.end, sources) : start};
}

} // namespace acadlc::lsp
