#include "backend/report/Report.h"

#include "backend/report/Csv.h"
#include "backend/report/Format.h"
#include "backend/report/GraphDot.h"
#include "backend/report/TextTable.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace acadlc;
using namespace acadlc::report;

TEST_CASE("numbers have thousands separators") {
  CHECK(thousands(0) == "0");
  CHECK(thousands(999) == "999");
  CHECK(thousands(1000) == "1,000");
  CHECK(thousands(-123456) == "-123,456");
  CHECK(thousands(std::numeric_limits<std::int64_t>::max()) == "9,223,372,036,854,775,807");
  CHECK(thousands(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("durations and frequencies have four digits and a unit") {
  CHECK(duration(0) == "0 s");
  CHECK(duration(4.9384e-3) == "4.938 ms");
  CHECK(duration(49.384e-6) == "49.38 us");
  CHECK(duration(0.9999e-6) == "999.9 ns");
  CHECK(duration(1234.5) == "1234 s");
  CHECK(duration(1e-12) == "0.001 ns");
  CHECK(frequency(250e6) == "250 MHz");
  CHECK(frequency(1.5e9) == "1.5 GHz");
  CHECK(frequency(50) == "50 Hz");
}

TEST_CASE("a table aligns its columns, leaves empty ones out and shows control characters") {
  TextTable table({{"name"}, {"empty"}, {"n", TextTable::Align::Right}});
  table.add({"é", "", "1"});
  table.add({"a\033b", "", "1,000"});
  std::string out;
  table.print(out);
  CHECK(out == "  name        n\n"
               "  é           1\n"
               "  a<1B>b  1,000\n");
}

TEST_CASE("fields of a CSV are quoted if they must be") {
  std::string out;
  csvRow(out, {"plain", "a,b", "say \"x\"", "two\nlines", ""});
  CHECK(out == "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\n");
}

TEST_CASE("a JSON report survives names that are no UTF-8 and cycles beyond 2^53") {
  analysis::NetworkEstimate estimate;
  estimate.workload = "a\xff\"b";
  analysis::LayerEstimate layer;
  layer.cycles = std::numeric_limits<std::int64_t>::max();
  estimate.layers.push_back(layer);
  REQUIRE(summarize(estimate));
  const std::string json = jsonReport(estimate, {}, "0");
  CHECK(json.find("\"cycles\": 9223372036854775807") != std::string::npos);
  CHECK(json.find('\xff') == std::string::npos);
  CHECK(json.find("\"seconds\": null") != std::string::npos);
}

TEST_CASE("names in a graph are quoted") {
  arch::ArchitectureGraph graph;
  graph.name = "odd \"name\"\\";
  CHECK(architectureDot(graph).find("digraph \"odd \\\"name\\\"\\\\\"") != std::string::npos);
}
