#include "support/Csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace acadlc {

namespace {

bool isBlank(char c) { return c == ' ' || c == '\t'; }
bool isLineEnd(char c) { return c == '\n' || c == '\r'; }

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

class CsvReader {
public:
  CsvReader(const SourceManager &sources, FileId file, DiagnosticEngine &diagnostics,
            const CsvLimits &limits)
      : sources_(sources), diagnostics_(diagnostics), limits_(limits), text_(sources.text(file)) {
    table_.file = file;
  }

  std::optional<CsvTable> read() {
    const std::size_t errors = diagnostics_.errorCount();
    if (text_.starts_with("\xEF\xBB\xBF"))
      position_ = 3;
    readHeader();
    while (!isBroken_ && !table_.columns.empty()) {
      skipEmptyLines();
      if (position_ == text_.size())
        break;
      if (rows_ == limits_.rows) {
        refuse(fmt::format("it has more than {} rows", limits_.rows));
        break;
      }
      readRow();
    }
    if (diagnostics_.errorCount() != errors)
      return std::nullopt;
    if (rows_ == 0) {
      refuse(table_.columns.empty() ? "it is empty" : "there is no row below the header");
      return std::nullopt;
    }
    return std::move(table_);
  }

private:
  void refuse(const std::string &why) {
    diagnostics_.report(DiagnosticCode::NoMeasurements, range(text_.size(), text_.size()),
                        sources_.name(table_.file), why);
    isBroken_ = true;
  }

  [[nodiscard]] SourceRange range(std::size_t begin, std::size_t end) const {
    return {sources_.location(table_.file, static_cast<std::uint32_t>(begin)),
            sources_.location(table_.file, static_cast<std::uint32_t>(end))};
  }

  void skipEmptyLines() {
    std::size_t next = position_;
    while (next < text_.size() && (isBlank(text_[next]) || isLineEnd(text_[next]))) {
      ++next;
      if (isLineEnd(text_[next - 1]))
        position_ = next;
    }
    if (next == text_.size())
      position_ = next;
  }

  void readHeader() {
    skipEmptyLines();
    if (position_ == text_.size())
      return;
    std::unordered_map<std::string, SourceRange> seen;
    for (bool more = true; more && !isBroken_;) {
      if (table_.columns.size() == limits_.columns)
        return refuse(fmt::format("its header has more than {} columns", limits_.columns));
      const SourceRange cell = readCell(more);
      std::string name = csvText(sources_, cell);
      const auto [first, isNew] = seen.try_emplace(name, cell);
      if (!isNew && !name.empty())
        diagnostics_.report(DiagnosticCode::ColumnTwice, cell, name)
            .note(first->second, "the first is here");
      table_.columns.push_back({std::move(name), cell});
    }
  }

  void readRow() {
    const std::size_t width = table_.columns.size();
    const std::size_t before = table_.cells.size();
    std::size_t count = 0;
    SourceRange whole;
    for (bool more = true; more && !isBroken_; ++count) {
      const SourceRange cell = readCell(more);
      if (count == 0)
        whole = cell;
      whole.end = cell.end;
      if (count < width)
        table_.cells.push_back(cell);
    }
    if (isBroken_)
      return;
    if (count == width) {
      ++rows_;
      return;
    }
    table_.cells.resize(before);
    diagnostics_.report(DiagnosticCode::RaggedRow, whole, counted(count, "cell"),
                        counted(width, "column"));
  }

  /// Reads a cell and what ends it; \p more is false behind the last one of a line.
  SourceRange readCell(bool &more) {
    while (position_ < text_.size() && isBlank(text_[position_]))
      ++position_;
    const std::size_t begin = position_;
    const std::size_t end = begin < text_.size() && text_[begin] == '"' ? quotedEnd() : plainEnd();
    more = position_ < text_.size() && text_[position_] == ',';
    if (position_ < text_.size())
      ++position_;
    if (!more && position_ < text_.size() && text_[position_ - 1] == '\r' &&
        text_[position_] == '\n')
      ++position_;
    return range(begin, end);
  }

  std::size_t plainEnd() {
    const std::size_t begin = position_;
    const std::size_t stop = text_.find_first_of(",\r\n", begin);
    position_ = std::min(stop, text_.size());
    std::size_t end = position_;
    while (end > begin && isBlank(text_[end - 1]))
      --end;
    return end;
  }

  std::size_t quotedEnd() {
    const std::size_t begin = position_++;
    for (;;) {
      position_ = std::min(text_.find('"', position_), text_.size());
      if (position_ == text_.size()) {
        diagnostics_.report(DiagnosticCode::BrokenQuotes, range(begin, begin + 1),
                            "the quote that starts this cell is never closed");
        isBroken_ = true;
        return position_;
      }
      ++position_;
      if (position_ == text_.size() || text_[position_] != '"')
        break;
      ++position_;
    }
    const std::size_t end = position_;
    while (position_ < text_.size() && isBlank(text_[position_]))
      ++position_;
    if (position_ < text_.size() && text_[position_] != ',' && !isLineEnd(text_[position_])) {
      const std::size_t surplus = position_;
      position_ = std::min(text_.find_first_of(",\r\n", surplus), text_.size());
      diagnostics_.report(DiagnosticCode::BrokenQuotes, range(surplus, position_),
                          "text behind the quote that ends the cell");
    }
    return end;
  }

  const SourceManager &sources_;
  DiagnosticEngine &diagnostics_;
  const CsvLimits &limits_;
  std::string_view text_;
  CsvTable table_;
  std::size_t position_ = 0;
  std::size_t rows_ = 0;
  bool isBroken_ = false; ///< what follows can't be told apart
};

} // namespace

std::optional<CsvTable> readCsv(const SourceManager &sources, FileId file,
                                DiagnosticEngine &diagnostics, const CsvLimits &limits) {
  return CsvReader(sources, file, diagnostics, limits).read();
}

std::string csvText(const SourceManager &sources, SourceRange cell) {
  std::string_view text = sources.textOf(cell);
  if (!text.starts_with('"'))
    return std::string(text);
  text.remove_prefix(1);
  if (text.ends_with('"'))
    text.remove_suffix(1);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    plain += text[i];
    if (text[i] == '"')
      ++i; // its double
  }
  return plain;
}

} // namespace acadlc
