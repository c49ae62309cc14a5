#include "backend/report/ReportDiff.h"

#include "backend/report/Report.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <llvm/Support/JSON.h>

#include <algorithm>
#include <string>

using namespace acadlc;
using namespace acadlc::report;
using analysis::LayerEstimate;
using analysis::NetworkEstimate;

namespace {

LayerEstimate layer(const char *name, std::int64_t extent, std::int64_t cycles) {
  LayerEstimate result;
  result.name = name;
  result.operatorName = "dense";
  result.dimensions = {{"M", extent}, {"K", 4}};
  result.mapping = "matmul";
  result.cycles = cycles;
  analysis::Resource storage;
  storage.object = "memory";
  storage.objectClass = arch::ObjectClass::SRAM;
  storage.kind = analysis::BoundKind::Memory;
  storage.objects = storage.used = 1;
  storage.sum.bytesRead = 8 * cycles;
  storage.leastCycles = std::max<std::int64_t>(cycles - 1, 0);
  result.resources.push_back(storage);
  return result;
}

NetworkEstimate network(std::vector<LayerEstimate> layers) {
  NetworkEstimate estimate;
  estimate.architecture = "Array";
  estimate.workload = "net.tir";
  estimate.parameters = {{"rows", "4"}};
  estimate.layers = std::move(layers);
  REQUIRE(summarize(estimate));
  return estimate;
}

std::string jsonOf(const NetworkEstimate &estimate, bool hasViews = true) {
  ReportOptions options;
  if (hasViews)
    options.views = {ViewName::Bounds, ViewName::Resources, ViewName::Traffic};
  return jsonReport(estimate, options, "0.1");
}

StoredReport stored(const NetworkEstimate &estimate, bool hasViews = true) {
  auto read = readReport(jsonOf(estimate, hasViews));
  if (const auto *problem = std::get_if<ReportProblem>(&read))
    FAIL(problem->text);
  return std::get<StoredReport>(read);
}

std::string problemOf(std::string_view text) {
  const auto read = readReport(text);
  const auto *problem = std::get_if<ReportProblem>(&read);
  return problem != nullptr ? problem->text : "";
}

} // namespace

TEST_CASE("a report that was written is read with its numbers") {
  NetworkEstimate estimate = network({layer("a", 3, 1'000'000'000'000'000'001), layer("b", 4, 7)});
  estimate.unmapped.push_back({"pool", "max_pool", "no mapping", 0, 0, {}, "", {}});
  estimate.clockHz = 250e6;
  const StoredReport report = stored(estimate);
  CHECK(report.version == "0.1");
  CHECK(report.cycles.exact == 1'000'000'000'000'000'008);
  CHECK(report.clockHz == 250e6);
  CHECK(report.parameters.at("rows") == "4");
  REQUIRE(report.layers.size() == 2);
  CHECK(report.layers[0].dimensions.at("M") == 3);
  CHECK(report.layers[0].bounds->front().cyclesAtLeast == 1'000'000'000'000'000'000);
  CHECK(report.layers[1].traffic->front().bytesRead == 56);
  CHECK(report.unmapped.front().name == "pool");
  CHECK(!stored(estimate, false).layers[0].bounds);
}

TEST_CASE("bounded cycles are none when they are read") {
  LayerEstimate bounded = layer("a", 3, 0);
  bounded.guarantee = timing::Guarantee::Bounded;
  bounded.bounds = {5, 9, true};
  const StoredReport report = stored(network({bounded}));
  CHECK(!report.cycles.exact);
  CHECK(report.layers[0].cycles.lower == 5);
  CHECK(report.layers[0].cycles.upper == 9);
}

TEST_CASE("what is no report is refused, with a reason") {
  CHECK(problemOf("").find("no JSON") != std::string::npos);
  CHECK(problemOf("[1]").find("no member 'schema'") != std::string::npos);
  CHECK(problemOf("{\"schema\": 1}").find("no member 'architecture'") != std::string::npos);
  CHECK(problemOf(std::string(1'000'000, '[')).find("nested") != std::string::npos);
  CHECK(problemOf("{\"a\": \"\xff\"}").find("no JSON") != std::string::npos);
  const std::string good = jsonOf(network({layer("a", 3, 5)}));
  const auto with = [&](const std::string &from, const std::string &to) {
    std::string text = good;
    const std::size_t place = text.find(from);
    REQUIRE(place != std::string::npos);
    return problemOf(text.replace(place, from.size(), to));
  };
  CHECK(with("\"schema\": 1", "\"schema\": 2").find("another version") != std::string::npos);
  CHECK(with("\"schema\": 1", "\"schema\": \"1\"").find("another version") != std::string::npos);
  CHECK(with("\"cycles\": 5", "\"cycles\": 5.5").find("cycles") != std::string::npos);
  CHECK(with("\"cycles\": 5", "\"cycles\": -5").find("0 or more") != std::string::npos);
  CHECK(with("\"cycles\": 5", "\"cycles\": 99999999999999999999").find("cycles") !=
        std::string::npos);
  CHECK(with("\"M\": 3", "\"M\": \"3\"").find("dims") != std::string::npos);
  CHECK(with("\"layers\": [", "\"layers\": 5, \"more\": [").find("layers") != std::string::npos);
  CHECK(with("\"bytes_read\": 40", "\"bytes_read\": null").find("bytes_read") != std::string::npos);
}

TEST_CASE("random damage to a report is read or refused, and what is read can be compared") {
  const std::string good = jsonOf(network({layer("a", 3, 5), layer("b", 2, 9)}));
  const StoredReport other = stored(network({layer("a", 3, 6)}));
  std::size_t readable = 0, refused = 0;
  for (std::size_t i = 0; i < test::propertyCases(2000); ++i) {
    auto generator = test::propertyGenerator(i);
    std::string text = good;
    const auto place = [&] {
      return std::uniform_int_distribution<std::size_t>(0, text.size() - 1)(generator);
    };
    for (int changes = 0; changes < 2; ++changes)
      switch (std::uniform_int_distribution<int>(0, 3)(generator)) {
      case 0:
        text[place()] = static_cast<char>(std::uniform_int_distribution<int>(0, 255)(generator));
        break;
      case 1:
        text.erase(place(), 1);
        break;
      case 2:
        text.insert(place(), 1, "{}[]\",:-9e"[std::uniform_int_distribution<int>(0, 9)(generator)]);
        break;
      default:
        text.resize(place() + 1);
      }
    const auto read = readReport(text);
    if (const auto *report = std::get_if<StoredReport>(&read)) {
      ++readable;
      const ReportDiff diff = compareReports(*report, other);
      CHECK(!diffText(diff, {"a", "b"}).empty());
      CHECK(bool(llvm::json::parse(diffJson(diff, {"a", "b"}, "0"))));
    } else {
      ++refused;
      CHECK(!std::get<ReportProblem>(read).text.empty());
    }
  }
  CHECK(readable > 0);
  CHECK(refused > 0);
}

TEST_CASE("layers are matched by name, operator and dimensions, then without dimensions") {
  const StoredReport before = stored(
      network({layer("a", 1, 10), layer("a", 2, 20), layer("gone", 1, 5), layer("b", 1, 7)}));
  const StoredReport after = stored(
      network({layer("a", 2, 20), layer("b", 9, 70), layer("a", 1, 11), layer("new", 1, 1)}));
  const ReportDiff diff = compareReports(before, after);
  REQUIRE(diff.layers.size() == 5);
  CHECK(diff.layers[0].isSame());
  CHECK(diff.layers[0].before == &before.layers[1]);
  CHECK(diff.layers[1].before == &before.layers[3]); // other dimensions
  REQUIRE(!diff.layers[1].details.empty());
  CHECK(diff.layers[1].details[0].name == "dimensions");
  CHECK(diff.layers[2].before == &before.layers[0]);
  CHECK(diff.layers[3].before == nullptr);
  CHECK(diff.layers[4].after == nullptr);
  CHECK(diff.layers[4].before->name == "gone");
}

TEST_CASE("a report does not differ from itself") {
  const StoredReport report = stored(network({layer("a", 1, 10), layer("a", 1, 10)}));
  const ReportDiff diff = compareReports(report, report);
  CHECK(diff.description.empty());
  CHECK(diff.totals.empty());
  for (const LayerChange &change : diff.layers)
    CHECK(change.isSame());
}

TEST_CASE("the view that goes with a change of cycles explains it") {
  const StoredReport before = stored(network({layer("a", 1, 100)}));
  const auto explanationOf = [&](const LayerEstimate &now, bool hasViews = true) {
    const StoredReport after = stored(network({now}), hasViews);
    return compareReports(before, after).layers[0].explanation;
  };
  LayerExplanation explanation = explanationOf(layer("a", 1, 50));
  CHECK(explanation.view == "bounds");
  REQUIRE(explanation.changes.size() == 3);
  CHECK(explanation.changes[0].name == "memory (memory)");
  CHECK(explanation.changes[0].before == 99);
  CHECK(explanation.changes[0].after == 49);
  // The limits stay; the bytes go.
  LayerEstimate lighter = layer("a", 1, 50);
  lighter.resources[0].leastCycles = 99;
  explanation = explanationOf(lighter);
  CHECK(explanation.view == "traffic");
  CHECK(explanation.changes[0].view == "traffic");
  // Nothing moves but the cycles.
  LayerEstimate waiting = layer("a", 1, 100);
  waiting.cycles = 150;
  explanation = explanationOf(waiting);
  CHECK(explanation.view.empty());
  CHECK(explanation.hasViews);
  // A limit that moves the other way is no reason.
  LayerEstimate contrary = layer("a", 1, 50);
  contrary.resources[0].leastCycles = 49;
  contrary.cycles = 200;
  CHECK(explanationOf(contrary).view.empty());
  CHECK(!explanationOf(layer("a", 1, 50), false).hasViews);
}
