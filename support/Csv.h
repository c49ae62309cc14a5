/// \file
/// Reads comma-separated values as RFC 4180 describes them, with the place of every cell.
#pragma once

#include "support/Diagnostics.h"
#include "support/Source.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {

/// A header and rows of as many cells. Only places are kept: a cell's text is read when it is asked
/// for.
struct CsvTable {
  struct Column {
    std::string name; ///< may be empty
    SourceRange range;
  };
  FileId file;
  std::vector<Column> columns;
  std::vector<SourceRange> cells; ///< row after row; quotes are part of a range

  [[nodiscard]] std::size_t rowCount() const { return cells.size() / columns.size(); }
  [[nodiscard]] SourceRange cell(std::size_t row, std::size_t column) const {
    return cells[row * columns.size() + column];
  }
  /// From the first to the last cell of a row.
  [[nodiscard]] SourceRange row(std::size_t row) const {
    return {cell(row, 0).begin, cell(row, columns.size() - 1).end};
  }
};

/// Files with more are refused: nobody measures that much, and what reads a table allocates for
/// each row.
struct CsvLimits {
  std::size_t rows = std::size_t{1} << 20, columns = std::size_t{1} << 20;
};

/// Reads the text \p file. Lines end in \n, \r\n or \r; empty ones are skipped, and so are blanks
/// around cells and a byte order mark. Nothing if there was an error (E080x); all of them are
/// reported.
std::optional<CsvTable> readCsv(const SourceManager &sources, FileId file,
                                DiagnosticEngine &diagnostics, const CsvLimits &limits = {});

/// The text of a cell of a table: without its quotes.
std::string csvText(const SourceManager &sources, SourceRange cell);

} // namespace acadlc
