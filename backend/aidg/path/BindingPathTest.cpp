#include "backend/aidg/path/BindingPath.h"

#include "backend/aidg/Estimator.h"
#include "tests/property/RandomCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

namespace acadlc::aidg {

namespace {

std::vector<PathStep> pathInGraph(const Graph &graph) {
  std::vector<PathStep> path;
  for (const CriticalStep &step : graph.criticalPath()) {
    const Node &node = graph.nodes[step.node];
    path.push_back({node.kind, node.object, step.over, step.begin, step.end});
  }
  return path;
}

std::vector<PathStep> pathOnTheWay(const test::RandomCase &one, std::int64_t instructions) {
  BindingPath path(one.graph, one.program, Blame::Occupant);
  EstimateOptions options;
  options.extrapolate = false;
  options.maxInstructions = instructions;
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &times) {
    path.add(instance, times);
  };
  estimate(one.graph, one.program, options);
  return path.find();
}

struct Sum {
  std::size_t steps = 0, data = 0, room = 0;
};

/// Compares the path with that of the whole graph.
Sum checkPaths(const test::Knobs &knobs, std::uint64_t firstSeed) {
  Sum sum;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + test::propertyCases(600); ++seed) {
    const test::RandomCase one = makeRandomCase(seed, knobs);
    const std::int64_t window = seed % 2 == 0 ? 100 : 5000;
    const std::vector<PathStep> path = pathOnTheWay(one, window);
    if (path != pathInGraph(buildGraph(one.graph, one.program, window))) {
      FAIL_CHECK("seed " << seed << "\n" << printCase(one));
      return sum;
    }
    sum.steps += path.size();
    for (const PathStep &step : path) {
      sum.data += step.over == DependenceKind::Data ? 1 : 0;
      sum.room += step.over == DependenceKind::BufferFill ? 1 : 0;
    }
  }
  return sum;
}

} // namespace

TEST_CASE("a path found on the way is that of the whole graph") {
  for (const test::Knobs &chosen : {test::defaultKnobs(), test::allKnobs(), test::streamKnobs()}) {
    test::Knobs knobs = chosen;
    const Sum shortBuffer = checkPaths(knobs, 7'100'000);
    knobs.maxBufferRest = 300;
    knobs.loops = 100;
    const Sum longBuffer = checkPaths(knobs, 7'200'000);
    for (const Sum &sum : {shortBuffer, longBuffer}) {
      CHECK(sum.steps > 0);
      CHECK(sum.data > 0);
      CHECK(sum.room > 0);
    }
  }
}

TEST_CASE("of issues in one cycle the one given last is the latest") {
  LatestIssues issues(2);
  const auto room = [&] { return issues.room() ? issues.room()->node : noNode; };
  issues.record(5, 9);
  CHECK(room() == noNode);
  issues.record(5, 2);
  CHECK(room() == 9);
  issues.record(5, 3);
  CHECK(room() == 2);
  issues.record(4, 4);
  CHECK(room() == 2);
  issues.record(9, 5);
  CHECK(room() == 3);
}

} // namespace acadlc::aidg
