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
  // A file of bytes that begins with what could be many arrays.
  using namespace std::string_literals;
  const std::string binary = "\x7f"
                             "ELF\0"s +
                             std::string(1000, '[') + "\xff";
  CHECK(problemOf(binary) == "it is no JSON report: it is no text");
  CHECK(problemOf(std::string(1000, '[') + "\0"s) == "it is no JSON report: it is no text");
  CHECK(problemOf("ELF" + std::string(1000, '[')).find("it is no JSON") == 0);
  CHECK(problemOf("\"a\" " + std::string(1'000'000, '[')).find("it is no JSON") == 0);
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

TEST_CASE("layers are told as the same, changed in dimensions, added and removed") {
  const StoredReport before = stored(
      network({layer("a", 2, 20), layer("b", 3, 30), layer("c", 4, 40), layer("gone", 5, 50)}));
  const StoredReport after = stored(
      network({layer("v", 2, 20), layer("new", 9, 1), layer("b", 6, 60), layer("v1", 4, 41)}));
  const ReportDiff diff = compareReports(before, after);
  REQUIRE(diff.layers.size() == 5);
  CHECK(diff.layers[0].isSame()); // under another name
  CHECK(diff.layers[1].before == nullptr);
  CHECK(diff.layers[2].before == &before.layers[1]);
  REQUIRE(!diff.layers[2].details.empty());
  CHECK(diff.layers[2].details[0].name == "dimensions");
  CHECK(diff.layers[3].before == &before.layers[2]);
  CHECK(diff.layers[4].after == nullptr);
  CHECK(diff.layers[4].before->name == "gone");
  const std::string text = diffText(diff, {"A", "B"});
  CHECK(text.find("Layers: 2 changed (1 of them in dimensions), 1 added, 1 removed, 1 the same") !=
        std::string::npos);
  CHECK(text.find("K=4 M=3 -> K=4 M=6") != std::string::npos);
  CHECK(text.find("c -> v1") != std::string::npos);
}

TEST_CASE("equal layers under other names are no change") {
  // An operator that stands between them moves the printer's numbers on.
  const StoredReport before =
      stored(network({layer("lv", 64, 3), layer("lv1", 256, 49), layer("lv2", 256, 12)}));
  const StoredReport after =
      stored(network({layer("lv", 64, 3), layer("lv2", 256, 49), layer("lv4", 256, 12)}));
  const ReportDiff diff = compareReports(before, after);
  CHECK(std::ranges::all_of(diff.layers, &LayerChange::isSame));
  CHECK(diff.layers.size() == 3);
}

TEST_CASE("uncovered operators are the same by what they do, not by their names") {
  NetworkEstimate first = network({layer("a", 1, 1)}), second = first;
  first.unmapped = {{"lv3", "max_pool", "", 0, 100, {}, "", {}},
                    {"lv5", "softmax", "", 0, 40, {}, "", {}},
                    {"add", "elementwise", "", 0, 8, {}, "", {}}};
  second.unmapped = {{"lv4", "max_pool", "", 0, 100, {}, "", {}},
                     {"lv6", "max_pool", "", 0, 100, {}, "", {}},
                     {"add", "elementwise", "", 0, 16, {}, "", {}}};
  const StoredReport before = stored(first), after = stored(second);
  const ReportDiff diff = compareReports(before, after);
  REQUIRE(diff.newlyUncovered.size() == 1);
  CHECK(diff.newlyUncovered[0]->name == "lv6");
  REQUIRE(diff.newlyCovered.size() == 1);
  CHECK(diff.newlyCovered[0]->name == "lv5");
}

TEST_CASE("options that decide about the numbers are named") {
  NetworkEstimate estimate = network({layer("a", 1, 1), layer("b", 2, 2)});
  estimate.asked.entry = "main";
  estimate.asked.foldsBatchNorms = estimate.asked.extrapolates = true;
  estimate.asked.budget = 1000;
  estimate.layers[0].parameters = {{"matmul.mode", "loop"}, {"matmul.tile", "1"}};
  estimate.layers[1].parameters = {{"matmul.mode", "loop"}, {"matmul.tile", "2"}};
  const StoredReport before = stored(estimate);
  const auto changesFrom = [&](const NetworkEstimate &now) {
    const StoredReport after = stored(now);
    std::string text;
    for (const ChangedText &change : compareReports(before, after).description)
      text += change.name + ": " + change.before.value_or("none") + " -> " +
              change.after.value_or("none") + "\n";
    return text;
  };
  CHECK(changesFrom(estimate).empty());
  NetworkEstimate now = estimate;
  now.onlyLayer = "a";
  now.asked.entry = "forward";
  now.asked.batch = 4;
  now.asked.sizes = {{"n", 7}};
  now.asked.elementType = "int8";
  now.asked.mappings = {{"dense", "product"}};
  now.asked.foldsBatchNorms = now.asked.extrapolates = false;
  now.asked.budget.reset();
  CHECK(changesFrom(now) == "--batch: none -> 4\n"
                            "--element-type: none -> int8\n"
                            "--entry: main -> forward\n"
                            "--layer: none -> a\n"
                            "--mapping dense: none -> product\n"
                            "--no-fold-batch-norm: no -> yes\n"
                            "--shape n: none -> 7\n"
                            "--budget: 1,000 -> unlimited\n"
                            "--no-extrapolate: no -> yes\n");
  // What two methods do is told by their names.
  now = estimate;
  now.method = analysis::Method::Simulate;
  now.asked.extrapolates = false;
  now.asked.budget.reset();
  CHECK(changesFrom(now) == "method: estimate -> simulate\n");
}

TEST_CASE("parameters of mappings are named once if all layers agree, else with their layers") {
  NetworkEstimate estimate = network({layer("a", 1, 1), layer("b", 2, 2)});
  estimate.layers[0].parameters = {{"matmul.mode", "loop"}, {"matmul.tile", "1"}};
  estimate.layers[1].parameters = {{"matmul.mode", "loop"}, {"matmul.tile", "2"}};
  NetworkEstimate now = estimate;
  now.layers[0].parameters = {{"matmul.mode", "isa"}, {"matmul.tile", "1"}};
  now.layers[1].parameters = {{"matmul.mode", "isa"}, {"matmul.tile", "3"}};
  const StoredReport before = stored(estimate), after = stored(now);
  const ReportDiff diff = compareReports(before, after);
  REQUIRE(diff.description.size() == 1);
  CHECK(diff.description[0].name == "parameter matmul.mode");
  CHECK(diff.description[0].after == "isa");
  CHECK(diff.layers[0].details.empty());
  REQUIRE(diff.layers[1].details.size() == 1);
  CHECK(diff.layers[1].details[0].name == "parameter matmul.tile");
  CHECK(diff.layers[1].details[0].before == "2");
}

TEST_CASE("reports that say nothing of options are compared as far as they go") {
  NetworkEstimate estimate = network({layer("a", 1, 1)});
  estimate.coverage.calls = {2, 3};
  estimate.coverage.operators = {4, 6};
  const StoredReport now = stored(estimate);
  estimate.coverage.calls = {3, 3};
  estimate.coverage.operators = {5, 6};
  StoredReport old = stored(estimate);
  CHECK(compareReports(now, old).totals[0].name == "covered operators");
  CHECK(compareReports(now, old).totals[0].after == "5 of 6");
  old.options.reset();
  old.operators.reset();
  CHECK(compareReports(now, old).description.empty());
  CHECK(compareReports(now, old).totals[0].name == "covered calls");
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
