#include "backend/report/Comparison.h"

#include <doctest/doctest.h>

using namespace acadlc;
using namespace acadlc::report;

TEST_CASE(
    "models beside the estimate: ratios where cycles are known, a sum where all layers have one") {
  analysis::NetworkEstimate estimate;
  analysis::LayerEstimate layer;
  layer.cycles = 200;
  layer.simple = {50, 100, false};
  estimate.layers = {layer, layer};
  estimate.layers[1].simple->isComputationAlone = true;
  REQUIRE(summarize(estimate));
  CHECK(compare(layer, ComparedModel::Roofline)->ratio == 0.25);
  CHECK(compare(layer, ComparedModel::Refined)->ratio == 0.5);
  const auto all = compareAll(estimate, ComparedModel::Refined);
  REQUIRE(all);
  CHECK(all->cycles == 200);
  CHECK(all->ratio == 0.5);
  CHECK(all->isComputationAlone);
  estimate.layers[0].guarantee = timing::Guarantee::Bounded;
  estimate.layers[0].bounds = {100, 300, false};
  REQUIRE(summarize(estimate));
  CHECK(!compare(estimate.layers[0], ComparedModel::Roofline)->ratio);
  CHECK(!compareAll(estimate, ComparedModel::Roofline)->ratio);
  estimate.layers[0].simple.reset();
  CHECK(!compare(estimate.layers[0], ComparedModel::Roofline));
  CHECK(!compareAll(estimate, ComparedModel::Roofline));
}

TEST_CASE("compared models stand in the CSV behind the columns that are always there") {
  analysis::NetworkEstimate estimate;
  analysis::LayerEstimate layer;
  layer.cycles = 200;
  layer.simple = {50.5, 100, false};
  estimate.layers = {layer};
  ReportOptions options;
  const std::string plain = csvReport(estimate, options);
  options.compare = {ComparedModel::Refined, ComparedModel::Roofline};
  const std::string csv = csvReport(estimate, options);
  CHECK(csv.find(",if_completes,refined_cycles,refined_ratio,roofline_cycles,roofline_ratio\n") !=
        std::string::npos);
  CHECK(csv.ends_with(",100,0.5,50.5,0.2525\n"));
  CHECK(plain.find("roofline") == std::string::npos);
}
