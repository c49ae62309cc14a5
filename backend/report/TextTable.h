/// \file
/// A table of aligned columns for terminals.
///
///     layer    operator  cycles  share
///     conv2d   conv2d       912  4.1 %
///     dense    dense     21,340  95.9 %
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::report {

class TextTable {
public:
  enum class Align : std::uint8_t { Left, Right };
  struct Column {
    std::string title;
    Align align = Align::Left;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// One cell per column.
  void add(std::vector<std::string> cells);
  /// Appends the table to \p out, every line with \p indent in front of it. A column without any
  /// text is left out.
  void print(std::string &out, std::string_view indent = "  ") const;

private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace acadlc::report
