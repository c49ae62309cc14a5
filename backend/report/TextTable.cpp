#include "backend/report/TextTable.h"

#include "support/Diagnostics.h"
#include "support/InternalError.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Locale.h>

#include <algorithm>
#include <string_view>

namespace acadlc::report {

namespace {

/// Columns that \p text takes on a terminal.
std::size_t widthOf(std::string_view text) {
  const int width = llvm::sys::locale::columnWidth(text);
  return width < 0 ? text.size() : static_cast<std::size_t>(width);
}

void trimRight(std::string &line) {
  while (!line.empty() && line.back() == ' ')
    line.pop_back();
}

} // namespace

void TextTable::add(std::vector<std::string> cells) {
  ACADLC_CHECK(cells.size() == columns_.size(), "one cell per column");
  for (std::string &cell : cells)
    cell = printableText(cell); // names come from the user's files
  rows_.push_back(std::move(cells));
}

void TextTable::print(std::string &out, std::string_view indent) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto &row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], widthOf(row[i]));
  const auto printRow = [&](const auto &cellOf) {
    std::string line(indent);
    const char *separator = "";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0)
        continue;
      const std::string &cell = cellOf(i);
      const std::size_t width = std::max(widths[i], widthOf(columns_[i].title));
      const std::string space(width - widthOf(cell), ' ');
      line += separator;
      line += columns_[i].align == Align::Right ? space + cell : cell + space;
      separator = "  ";
    }
    trimRight(line);
    out += line + "\n";
  };
  printRow([&](std::size_t i) -> const std::string & { return columns_[i].title; });
  for (const auto &row : rows_)
    printRow([&](std::size_t i) -> const std::string & { return row[i]; });
}

} // namespace acadlc::report
