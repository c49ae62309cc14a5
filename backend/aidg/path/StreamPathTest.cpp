#include "backend/aidg/path/StreamPath.h"

#include "backend/aidg/Estimator.h"
#include "tests/property/RandomCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <map>
#include <tuple>

namespace acadlc::aidg {

namespace {

constexpr StreamPathLimits limits{std::int64_t{1} << 20};

/// Loops of instructions that depend on one another through registers.
test::Knobs loopKnobs() {
  test::Knobs knobs = test::cleanKnobs();
  knobs.loops = 100;
  knobs.writes = 0;
  knobs.initiationInterval = 30;
  knobs.branches = 20;
  knobs.maxInstructions = 4000;
  return knobs;
}

std::optional<std::vector<StreamStep>> pathOf(const test::RandomCase &one, std::int64_t cycles,
                                              Blame blame) {
  const program::Program *const only = &one.program;
  StreamPaths paths(one.graph, {&only, 1}, blame);
  std::optional<std::vector<StreamStep>> path = paths.find(0, cycles, limits);
  // Whoever leaves the issue buffer for several stages may make room long before its last stage,
  // where Blame::Occupant sees it.
  REQUIRE((path.has_value() || blame == Blame::Occupant || !paths.isServedAtOnce(0)));
  return path;
}

/// Cycles by what they are spent on, and how the next step depends on that.
using Sums = std::map<std::tuple<Node::Kind, arch::ObjectId, DependenceKind>, std::int64_t>;

Sums sumsOf(const std::vector<StreamStep> &path) {
  Sums sums;
  for (const StreamStep &step : path)
    if (step.cycles != 0)
      sums[{step.kind, step.object, step.reachedOver}] += step.cycles * step.times;
  return sums;
}

/// The same of the path through all instructions, each evaluated.
Sums sumsOneByOne(const test::RandomCase &one, Blame blame) {
  BindingPath path(one.graph, one.program, blame);
  EstimateOptions options;
  options.extrapolate = false;
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &times) {
    path.add(instance, times);
  };
  estimate(one.graph, one.program, options);
  Sums sums;
  for (const PathStep &step : path.find())
    sums[{step.kind, step.object, step.over}] += step.end - step.begin;
  return sums;
}

std::int64_t total(const Sums &sums) {
  std::int64_t total = 0;
  for (const auto &[key, cycles] : sums)
    total += cycles;
  return total;
}

/// What cannot be: a step that takes longer than what it is, though it was over when the next one
/// began.
bool isTooLong(const test::RandomCase &one, const StreamStep &step) {
  const bool isOverThen =
      step.reachedOver == DependenceKind::Data || step.reachedOver == DependenceKind::Forward;
  if (step.kind != Node::Kind::Unit || !isOverThen)
    return false;
  return step.cycles != one.program.instructions[step.instruction].latency;
}

} // namespace

TEST_CASE("the path of a whole stream is the one through all of its instructions") {
  const std::uint64_t cases = test::propertyCases(600);
  for (const Blame blame : {Blame::Occupant, Blame::Cause}) {
    std::uint64_t found = 0, recurring = 0, same = 0;
    for (std::uint64_t seed = 7'300'000; seed != 7'300'000 + cases; ++seed) {
      const test::RandomCase one = makeRandomCase(seed, loopKnobs());
      INFO("seed ", seed, "\n", printCase(one));
      const timing::Evaluation evaluation = estimate(one.graph, one.program, {});
      REQUIRE(evaluation.completed());
      const auto path = pathOf(one, evaluation.cycles, blame);
      if (!path)
        continue;
      ++found;
      const Sums sums = sumsOf(*path);
      REQUIRE(total(sums) == evaluation.cycles);
      for (const StreamStep &step : *path) {
        recurring += step.times > 1 ? 1 : 0;
        REQUIRE(!isTooLong(one, step));
      }
      const Sums oneByOne = sumsOneByOne(one, blame);
      CHECK(total(oneByOne) == evaluation.cycles);
      same += sums == oneByOne ? 1 : 0;
    }
    // What was waited for until the same cycle as something else may be named instead of that.
    INFO(same, " of ", found, " paths are the same, ", recurring, " steps recur");
    CHECK(found * 2 > cases);
    CHECK(recurring > found);
    CHECK(same * 10 > found * 7);
  }
}

TEST_CASE("the path of a stream does not need its trip counts") {
  constexpr std::int64_t more = 10'000'000;
  const std::uint64_t cases = test::propertyCases(300);
  std::uint64_t certified = 0;
  for (std::uint64_t seed = 7'400'000; seed != 7'400'000 + cases; ++seed) {
    test::RandomCase one = makeRandomCase(seed, loopKnobs());
    for (program::Repeat &repeat : one.program.repeats)
      repeat.count *= repeat.depth == 0 ? more : 1;
    INFO("seed ", seed, "\n", printCase(one));
    EstimateOptions options;
    options.budget = 100'000;
    const timing::Evaluation evaluation = estimate(one.graph, one.program, options);
    if (!evaluation.completed() || evaluation.guarantee != timing::Guarantee::Certified ||
        evaluation.evaluatedIterations == 0)
      continue;
    const program::Program *const only = &one.program;
    StreamPaths paths(one.graph, {&only, 1}, Blame::Cause);
    const auto path = paths.find(0, evaluation.cycles, limits);
    if (!path)
      continue;
    ++certified;
    CHECK(total(sumsOf(*path)) == evaluation.cycles);
  }
  CHECK(certified * 3 > cases);
}

TEST_CASE("streams of one group have the paths that they have alone") {
  const test::RandomCase one = makeRandomCase(7'300'003, loopKnobs());
  test::RandomCase other = makeRandomCase(7'300'003, loopKnobs());
  for (program::Repeat &repeat : other.program.repeats)
    repeat.count += 3;
  const std::vector<const program::Program *> both{&one.program, &other.program};
  StreamPaths paths(one.graph, both, Blame::Occupant);
  REQUIRE(paths.groups().size() == 1);
  for (std::size_t i = 0; i != both.size(); ++i) {
    const std::int64_t cycles = estimate(one.graph, *both[i], {}).cycles;
    const program::Program *const only = both[i];
    StreamPaths alone(one.graph, {&only, 1}, Blame::Occupant);
    const auto path = paths.find(i, cycles, limits);
    REQUIRE(path.has_value());
    CHECK(*path == *alone.find(0, cycles, limits));
  }
}

TEST_CASE("what a path says of an instruction is not said of one that is merely as long") {
  test::RandomCase one = makeRandomCase(7'300'003, loopKnobs());
  program::Program &program = one.program;
  const auto instructions = static_cast<std::uint32_t>(program.instructions.size());
  const auto repeats = static_cast<std::uint32_t>(program.repeats.size());
  const auto regions = static_cast<std::uint32_t>(program.regions.size());
  // All once more, by another name.
  for (std::uint32_t i = 0; i != instructions; ++i) {
    program.instructions.push_back(program.instructions[i]);
    program.instructions.back().operation += "again";
  }
  for (std::uint32_t i = 0; i != repeats; ++i) {
    program.repeats.push_back(program.repeats[i]);
    program.repeats.back().body += regions;
  }
  for (std::uint32_t i = 0; i != regions; ++i) {
    program::Region region = program.regions[i];
    for (program::Step &step : region.steps)
      step.index += step.kind == program::Step::Kind::Emit ? instructions : repeats;
    program.regions.push_back(std::move(region));
  }
  const std::vector<program::Step> &again = program.regions[program.root + regions].steps;
  program.regions[program.root].steps.insert(program.regions[program.root].steps.end(),
                                             again.begin(), again.end());
  const auto path = pathOf(one, estimate(one.graph, program, {}).cycles, Blame::Cause);
  REQUIRE(path.has_value());
  // In the order of time: what comes again comes behind the first.
  bool isAgain = true;
  std::size_t first = 0, second = 0;
  for (const StreamStep &step : *path) {
    if (step.kind == Node::Kind::Fetch)
      continue;
    const bool isOther = step.instruction >= instructions;
    CHECK((isAgain || !isOther));
    isAgain = isOther;
    (isOther ? second : first) += 1;
  }
  CHECK(first > 0);
  CHECK(second > 0);
}

TEST_CASE("there is no path that does not add up, or beyond the limits") {
  const test::RandomCase one = makeRandomCase(7'300'003, loopKnobs());
  const std::int64_t cycles = estimate(one.graph, one.program, {}).cycles;
  const program::Program *const only = &one.program;
  const auto find = [&](std::int64_t wanted, const StreamPathLimits &within) {
    return StreamPaths(one.graph, {&only, 1}, Blame::Occupant).find(0, wanted, within).has_value();
  };
  CHECK(find(cycles, limits));
  CHECK_FALSE(find(cycles + 1, limits));
  CHECK_FALSE(find(cycles, {1}));
  CHECK_FALSE(find(cycles, {limits.instructions, 1}));
  CHECK(find(cycles, {limits.instructions, limits.steps, limits.pieces}));
  CHECK_FALSE(find(cycles, {limits.instructions, limits.steps, 1}));
}

} // namespace acadlc::aidg
