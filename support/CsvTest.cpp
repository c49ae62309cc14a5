#include "support/Csv.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace acadlc;

namespace {

/// A text read as CSV.
struct Reading {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<CsvTable> table;

  explicit Reading(const std::string &text, const CsvLimits &limits = {}) {
    table = readCsv(sources, sources.addText("x.csv", text), diagnostics, limits);
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const CsvTable::Column &column : table->columns)
      list.push_back(column.name);
    return list;
  }
  [[nodiscard]] std::vector<std::string> row(std::size_t row) const {
    std::vector<std::string> list(table->columns.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      list[i] = csvText(sources, table->cell(row, i));
    return list;
  }
  /// The codes with the lines and columns where they are reported.
  [[nodiscard]] std::vector<std::string> errors() const {
    std::vector<std::string> list;
    for (const Diagnostic &diagnostic : diagnostics.diagnostics()) {
      const LineColumn place = sources.lineColumn(diagnostic.range.begin);
      list.push_back(std::string(diagnosticInfo(diagnostic.code).id) + " " +
                     std::to_string(place.line + 1) + ":" + std::to_string(place.column + 1));
    }
    return list;
  }
};

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("rows of cells, with or without a break at the end") {
  for (const std::string end : {"", "\n", "\r\n", "\n\n  \n"}) {
    const Reading reading("M,N,cycles\n8,16,120\n1,2,3" + end);
    REQUIRE(reading.table);
    CHECK(reading.names() == Texts{"M", "N", "cycles"});
    REQUIRE(reading.table->rowCount() == 2);
    CHECK(reading.row(0) == Texts{"8", "16", "120"});
    CHECK(reading.row(1) == Texts{"1", "2", "3"});
  }
}

TEST_CASE("line breaks of all systems, blanks and a byte order mark mean nothing") {
  for (const std::string line : {"\n", "\r\n", "\r"}) {
    const Reading reading(fmt::format("\xEF\xBB\xBF{0} M ,\tN{0}{0}8 , 9 {0}", line));
    REQUIRE(reading.table);
    CHECK(reading.names() == Texts{"M", "N"});
    REQUIRE(reading.table->rowCount() == 1);
    CHECK(reading.row(0) == Texts{"8", "9"});
  }
}

TEST_CASE("quoted cells hold commas, quotes and line breaks") {
  const Reading reading("a,\"b, c\"\n\"x\"\"y\", \"\r\n,\" \n\"\",\"\"\"\"\n");
  REQUIRE(reading.table);
  CHECK(reading.names() == Texts{"a", "b, c"});
  REQUIRE(reading.table->rowCount() == 2);
  CHECK(reading.row(0) == Texts{"x\"y", "\r\n,"});
  CHECK(reading.row(1) == Texts{"", "\""});
}

TEST_CASE("places are those of the cells") {
  const Reading reading("a,b\n12, 345\n");
  REQUIRE(reading.table);
  const SourceRange cell = reading.table->cell(0, 1);
  CHECK(reading.sources.textOf(cell) == "345");
  CHECK(reading.sources.lineColumn(cell.begin).line == 1);
  CHECK(reading.sources.lineColumn(cell.begin).column == 4);
  CHECK(reading.sources.textOf(reading.table->row(0)) == "12, 345");
}

TEST_CASE("empty cells are cells") {
  const Reading reading("a,b,c\n,,\n");
  REQUIRE(reading.table);
  CHECK(reading.row(0) == Texts{"", "", ""});
}

TEST_CASE("files without rows") {
  CHECK(Reading("").errors() == Texts{"E0801 1:1"});
  CHECK(Reading("\n \r\n").errors() == Texts{"E0801 3:1"});
  CHECK(Reading("M,N\n").errors() == Texts{"E0801 2:1"});
}

TEST_CASE("all rows with too many or too few cells are reported") {
  const Reading reading("a,b\n1\n1,2\n1,2,3\n");
  CHECK_FALSE(reading.table);
  CHECK(reading.errors() == Texts{"E0802 2:1", "E0802 4:1"});
}

TEST_CASE("quotes that are wrong") {
  CHECK(Reading("a,b\n1,\"2\n3,4\n").errors() == Texts{"E0803 2:3"});
  CHECK(Reading("a,b\n1,\"2\"x\n\"3\"y,4\n").errors() == Texts{"E0803 2:6", "E0803 3:4"});
  CHECK(Reading("\"").errors() == Texts{"E0803 1:1"});
}

TEST_CASE("columns of one name") {
  CHECK(Reading("a,b,a\n1,2,3\n").errors() == Texts{"E0804 1:5"});
  // Nothing can mean a column without a name, so several are no worse than one.
  CHECK(Reading("a,,\n1,2,3\n").errors().empty());
}

TEST_CASE("more rows or columns than the limit") {
  CHECK(Reading("a,b\n1,2\n3,4\n", {.rows = 2, .columns = 2}).errors().empty());
  CHECK(Reading("a,b\n1,2\n3,4\n", {.rows = 1, .columns = 2}).errors() == Texts{"E0801 4:1"});
  CHECK(Reading("a,b,c\n1,2,3\n", {.rows = 2, .columns = 2}).errors() == Texts{"E0801 3:1"});
}

TEST_CASE("bytes that are no text are cells like others") {
  const Reading reading(std::string("a,b\n\0\xFF,\x01\n", 9));
  REQUIRE(reading.table);
  CHECK(reading.row(0) == Texts{std::string("\0\xFF", 2), "\x01"});
}
