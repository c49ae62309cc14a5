#include "backend/report/TraceJson.h"

#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <llvm/Support/JSON.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace acadlc;
using namespace acadlc::report;
using analysis::LayerEstimate;
using analysis::NetworkEstimate;
using analysis::TimelineRow;

namespace {

/// An instruction that waits, passes stages, waits for operands and executes.
TimelineRow row(std::mt19937_64 &generator, std::size_t age) {
  std::uniform_int_distribution<std::int64_t> gap(0, 6);
  TimelineRow result;
  result.age = std::to_string(age);
  result.operation = "mac \"odd\"\n\xff";
  result.unit = "unit[" + std::to_string(gap(generator) % 3) + "]";
  result.place = "arch.acadl:7";
  result.loops = {1, gap(generator)};
  result.times.fetched = gap(generator) * 5;
  result.times.issued = result.times.fetched + gap(generator);
  result.times.entered = result.times.issued + gap(generator);
  result.times.started = result.times.entered + gap(generator);
  result.times.finished = result.times.started + gap(generator);
  return result;
}

NetworkEstimate network(std::size_t seed) {
  auto generator = test::propertyGenerator(seed);
  NetworkEstimate estimate;
  estimate.architecture = "A \"b\"";
  for (const char *name : {"first", "second"}) {
    LayerEstimate layer;
    layer.name = name;
    layer.cycles = 100;
    layer.timeline.emplace();
    for (std::size_t i = 0; i < 60; ++i)
      layer.timeline->rows.push_back(row(generator, i));
    estimate.layers.push_back(std::move(layer));
  }
  return estimate;
}

} // namespace

TEST_CASE("random traces: valid JSON, time goes on, no slices of a thread overlap, none is lost") {
  for (std::size_t i = 0; i < test::propertyCases(20); ++i) {
    const NetworkEstimate estimate = network(i);
    auto parsed = llvm::json::parse(traceJson(estimate, "0"));
    REQUIRE(parsed);
    std::map<std::int64_t, std::int64_t> endOf; // by thread
    std::map<std::int64_t, std::string> nameOf;
    std::int64_t last = 0, executed = 0;
    std::map<std::string, std::int64_t> cyclesOf; // by category
    for (const llvm::json::Value &value : *parsed->getAsObject()->getArray("traceEvents")) {
      const llvm::json::Object &event = *value.getAsObject();
      const std::int64_t thread = *event.getInteger("tid");
      CHECK(*event.getInteger("pid") == 1);
      if (event.getString("ph") == "M") {
        if (event.getString("name") == "thread_name")
          CHECK(nameOf.emplace(thread, event.getObject("args")->getString("name")->str()).second);
        continue;
      }
      if (event.getString("cat") == "data")
        continue;
      const std::int64_t begin = *event.getInteger("ts"), length = *event.getInteger("dur");
      CHECK(nameOf.contains(thread));
      CHECK(begin >= last);
      CHECK(length >= 0);
      CHECK(begin >= endOf[thread]);
      last = begin;
      endOf[thread] = begin + length;
      const std::string category = event.getString("cat")->str();
      cyclesOf[category] += length;
      executed += category == "execute" ? 1 : 0;
    }
    CHECK(executed == 120);
    CHECK(cyclesOf["layer"] == 200);
    std::map<std::string, std::int64_t> expected;
    for (const LayerEstimate &layer : estimate.layers)
      for (const TimelineRow &row : layer.timeline->rows) {
        expected["wait"] += row.times.issued - row.times.fetched;
        expected["route"] += row.times.entered - row.times.issued;
        expected["operands"] += row.times.started - row.times.entered;
        expected["execute"] += row.times.finished - row.times.started;
      }
    expected["layer"] = 200;
    CHECK(cyclesOf == expected);
  }
}

TEST_CASE("arrows go from who writes something to who reads it") {
  NetworkEstimate estimate;
  LayerEstimate layer;
  layer.timeline.emplace();
  for (std::int64_t i = 0; i < 4; ++i) {
    TimelineRow row;
    row.unit = "unit[" + std::to_string(i) + "]";
    row.times = {i, i, i, 5 * i, 5 * i + 3};
    layer.timeline->rows.push_back(row);
  }
  layer.timeline->rows[2].dependences = {0};
  layer.timeline->rows[3].dependences = {0, 2};
  estimate.layers.push_back(layer);
  auto parsed = llvm::json::parse(traceJson(estimate, "0"));
  REQUIRE(parsed);
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> arrows; // begin and end
  for (const llvm::json::Value &value : *parsed->getAsObject()->getArray("traceEvents")) {
    const llvm::json::Object &event = *value.getAsObject();
    if (event.getString("ph") == "s")
      arrows[*event.getInteger("id")].first = *event.getInteger("ts");
    if (event.getString("ph") == "f")
      arrows[*event.getInteger("id")].second = *event.getInteger("ts");
  }
  const std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> expected{
      {0, {0, 10}}, {1, {0, 15}}, {2, {10, 15}}};
  CHECK(arrows == expected);
}

TEST_CASE("a layer behind one whose cycles are only bounded has no place in a trace") {
  NetworkEstimate estimate = network(0);
  CHECK(!layerOfUnknownLength(estimate));
  estimate.layers[1].guarantee = timing::Guarantee::Bounded; // the last one may be
  CHECK(!layerOfUnknownLength(estimate));
  estimate.layers[0].guarantee = timing::Guarantee::Bounded;
  CHECK(layerOfUnknownLength(estimate) == 0);
}

TEST_CASE("a trace has as many threads of an object as instructions are in it at once") {
  NetworkEstimate estimate;
  LayerEstimate layer;
  layer.timeline.emplace();
  for (std::int64_t i = 0; i < 5; ++i) { // one a cycle, each takes three
    TimelineRow row;
    row.unit = "unit";
    row.times = {i, i, i, i, i + 3};
    layer.timeline->rows.push_back(row);
  }
  estimate.layers.push_back(layer);
  const std::string trace = traceJson(estimate, "0");
  CHECK(trace.find("\"name\":\"unit (3)\"") != std::string::npos);
  CHECK(trace.find("\"name\":\"unit (4)\"") == std::string::npos);
  CHECK(trace.find("on the way") == std::string::npos); // nobody waits there
}
