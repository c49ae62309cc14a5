// The chain of waits that the occupation simulator gives (backend/simulate/CauseTrace.h): on random
// cases its steps cover the time of the run without a gap, and what it says of an instruction is
// what the trace says.

#include "backend/aidg/path/StreamPath.h"
#include "backend/analysis/ShortStream.h"
#include "backend/analysis/WaitChain.h"
#include "backend/simulate/OccupationSimulator.h"
#include "backend/timing/Machine.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace acadlc::test {

namespace {

using simulate::Activity;
using simulate::ChainStep;
using simulate::WaitKind;

using Age = std::pair<std::int64_t, std::vector<std::int64_t>>;

struct Traced {
  timing::Evaluation evaluation;
  std::vector<ChainStep> chain; ///< first step first
  std::map<Age, timing::InstructionTimes> times;
};

Traced trace(const RandomCase &randomCase) {
  Traced traced;
  simulate::SimulateOptions options;
  options.chainObserver = [&](std::vector<ChainStep> chain) { traced.chain = std::move(chain); };
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &times) {
    traced.times[{instance.index, {instance.emission.begin(), instance.emission.end()}}] = times;
  };
  traced.evaluation = simulate::simulateOccupations(randomCase.graph, randomCase.program, options);
  std::ranges::reverse(traced.chain);
  return traced;
}

/// What is wrong with the steps as such; empty if nothing.
std::string gapIn(const Traced &traced) {
  std::int64_t at = 0;
  for (const ChainStep &step : traced.chain) {
    if (step.begin != at || step.end <= step.begin)
      return "a step from " + std::to_string(step.begin) + " behind cycle " + std::to_string(at);
    at = step.end;
  }
  return at == traced.evaluation.cycles ? "" : "the chain ends in cycle " + std::to_string(at);
}

/// What a step says that the trace does not; empty if nothing.
std::string contradiction(const Traced &traced, std::size_t place, bool isClassic) {
  const ChainStep &step = traced.chain[place];
  const bool isLast = place + 1 == traced.chain.size();
  const bool isKnown = isLast || traced.chain[place + 1].over != WaitKind::Unknown;
  if (isKnown && step.lag > 1 && step.activity != Activity::Message)
    return "it was over long before, in step " + std::to_string(place);
  if (!step.hasInstruction)
    return "";
  const timing::InstructionTimes &times = traced.times.at({step.index, step.emission});
  if (step.begin < times.fetched || step.end > times.finished + 1)
    return "it is not in flight";
  if (step.activity == Activity::Execute && step.begin < times.started)
    return "it has not started";
  if ((step.activity == Activity::Stage || step.activity == Activity::Queue) &&
      step.end > times.entered + 1)
    return "it has entered its unit before";
  // Without stations and steps, it awaits results in its unit, and no other does.
  const bool awaitsInUnit =
      isClassic && step.activity == Activity::Execute && step.over == WaitKind::Data;
  if (awaitsInUnit && step.begin <= times.entered)
    return "it did not wait";
  return "";
}

/// For reports of failures.
std::string textOf(const Traced &traced) {
  std::string text;
  for (const ChainStep &step : traced.chain) {
    text += std::to_string(step.begin) + " .. " + std::to_string(step.end) + ": activity " +
            std::to_string(static_cast<int>(step.activity)) + " over " +
            std::to_string(static_cast<int>(step.over)) + " of " + std::to_string(step.index);
    for (const std::int64_t number : step.emission)
      text += "." + std::to_string(number);
    text += " lag " + std::to_string(step.lag) + "\n";
  }
  return text;
}

struct Findings {
  std::uint64_t cases = 0, steps = 0, unknown = 0;
  std::string first;
};

void examine(const RandomCase &randomCase, Findings &findings) {
  const Traced traced = trace(randomCase);
  if (!traced.evaluation.completed() || traced.evaluation.cycles == 0)
    return;
  ++findings.cases;
  const bool isClassic = !timing::usesOccupations(randomCase.graph, randomCase.program);
  std::string what = gapIn(traced);
  for (std::size_t i = 0; i < traced.chain.size() && what.empty(); ++i) {
    what = contradiction(traced, i, isClassic);
    const ChainStep &step = traced.chain[i];
    ++findings.steps;
    if (step.over != WaitKind::Unknown)
      continue;
    ++findings.unknown;
    if (findings.first.empty())
      findings.first = "unknown in cycle " + std::to_string(step.begin) + " .. " +
                       std::to_string(step.end) + " activity " +
                       std::to_string(static_cast<int>(step.activity)) + " index " +
                       std::to_string(step.index) + "\n" + printOccupationCase(randomCase);
  }
  REQUIRE_MESSAGE(what.empty(), what, "\n", textOf(traced), printOccupationCase(randomCase));
}

void checkChains(const std::function<RandomCase(std::uint64_t)> &make, std::uint64_t firstSeed) {
  Findings findings;
  const std::uint64_t cases = propertyCases(2000);
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed)
    examine(make(seed), findings);
  INFO(findings.unknown, " of ", findings.steps, " steps are not known; ", findings.first);
  CHECK(findings.cases * 4 > cases);
  CHECK(findings.unknown * 1000 <= findings.steps);
}

} // namespace

namespace {

std::int64_t sumOf(const std::vector<analysis::ChainItem> &items) {
  std::int64_t sum = 0;
  for (const analysis::ChainItem &item : items) {
    const std::int64_t inner = item.body.empty() ? item.cycles : sumOf(item.body);
    REQUIRE(item.cycles == inner);
    sum += inner;
  }
  return sum;
}

/// What a chain of a shortened stream adds up to, each step as often as it is said to occur.
std::int64_t weighedSum(const RandomCase &randomCase, const analysis::ShortStream &stream) {
  const Traced traced = trace({randomCase.seed, randomCase.graph, stream.program});
  const std::vector<std::int64_t> times = stream.timesOf(traced.chain);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < times.size(); ++i)
    sum += times[i] * (traced.chain[i].end - traced.chain[i].begin);
  return sum;
}

/// The chain of a stream alone, which is its critical path where that can be found.
analysis::WaitChain chainOf(const RandomCase &randomCase, const timing::Evaluation &evaluation) {
  const program::Program *const only = &randomCase.program;
  aidg::StreamPaths paths(randomCase.graph, {&only, 1}, aidg::Blame::Cause);
  std::optional<std::vector<aidg::StreamStep>> path;
  if (paths.isServedAtOnce(0) && evaluation.guarantee != timing::Guarantee::Bounded)
    path = paths.find(0, evaluation.cycles, {analysis::mostPathInstructions});
  return analysis::findWaitChain(randomCase.graph, randomCase.program, evaluation,
                                 path ? std::move(*path) : std::vector<aidg::StreamStep>());
}

} // namespace

TEST_CASE("causes: chains of streams with certified loops add up to the cycles") {
  Knobs knobs = defaultKnobs();
  knobs.loops = 100;
  knobs.caches = knobs.drams = knobs.generalAddresses = 0;
  knobs.maxInstructions = 6000;
  constexpr std::int64_t keptPeriods = 8;
  std::uint64_t cut = 0, exact = 0;
  const std::uint64_t cases = propertyCases(1000);
  for (std::uint64_t seed = 4'500'000; seed != 4'500'000 + cases; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const timing::Evaluation evaluation = aidg::estimate(randomCase.graph, randomCase.program, {});
    if (!evaluation.completed() || evaluation.cycles == 0)
      continue;
    const analysis::WaitChain chain = chainOf(randomCase, evaluation);
    INFO("seed ", seed);
    REQUIRE(chain.missing.empty());
    REQUIRE(chain.cycles == evaluation.cycles);
    REQUIRE(sumOf(chain.items) == evaluation.cycles);
    REQUIRE(sumOf(chain.outline) == evaluation.cycles);
    const analysis::ShortStream stream =
        analysis::shorten(randomCase.program, evaluation.certificates, keptPeriods);
    if (std::ranges::all_of(stream.cuts, [](const auto &one) { return one.skipped == 0; }))
      continue;
    ++cut;
    exact += weighedSum(randomCase, stream) == evaluation.cycles ? 1 : 0;
  }
  INFO(exact, " of ", cut, " shortened streams add up");
  CHECK(cut * 10 > cases);
  CHECK(exact * 4 > cut * 3);
}

TEST_CASE("causes: chains of streams in program order need no trip counts") {
  constexpr std::int64_t more = 10'000'000;
  Knobs knobs = cleanKnobs();
  knobs.loops = 100;
  knobs.writes = 0;
  knobs.branches = 10;
  knobs.maxInstructions = 2000;
  std::uint64_t longOnes = 0, found = 0;
  const std::uint64_t cases = propertyCases(500);
  for (std::uint64_t seed = 4'600'000; seed != 4'600'000 + cases; ++seed) {
    RandomCase randomCase = makeRandomCase(seed, knobs);
    for (program::Repeat &repeat : randomCase.program.repeats)
      repeat.count *= repeat.depth == 0 ? more : 1;
    const program::Program *const only = &randomCase.program;
    const aidg::StreamPaths paths(randomCase.graph, {&only, 1}, aidg::Blame::Cause);
    aidg::EstimateOptions options;
    options.budget = 100'000;
    const timing::Evaluation evaluation =
        aidg::estimate(randomCase.graph, randomCase.program, options);
    if (!paths.isServedAtOnce(0) || !evaluation.completed() ||
        evaluation.guarantee == timing::Guarantee::Bounded || evaluation.certificates.empty())
      continue;
    ++longOnes;
    const analysis::WaitChain chain = chainOf(randomCase, evaluation);
    INFO("seed ", seed);
    if (!chain.missing.empty())
      continue;
    ++found;
    REQUIRE(chain.cycles == evaluation.cycles);
    REQUIRE(chain.unknown == 0);
    REQUIRE(sumOf(chain.items) == evaluation.cycles);
    REQUIRE(sumOf(chain.outline) == evaluation.cycles);
  }
  INFO(found, " of ", longOnes, " long streams have a chain");
  CHECK(longOnes * 3 > cases);
  // Drifts are not recognised on the way, so long ones use up the instructions.
  CHECK(found * 10 > longOnes * 9);
}

TEST_CASE("causes: the chain of classic programs covers their time") {
  checkChains([](std::uint64_t seed) { return makeRandomCase(seed, defaultKnobs()); }, 4'000'000);
}

TEST_CASE("causes: the chain on contended memories covers the time") {
  checkChains([](std::uint64_t seed) { return makeRandomCase(seed, contentionKnobs()); },
              4'100'000);
}

TEST_CASE("causes: the chain through queues, phases and channels covers the time") {
  OccupationKnobs knobs;
  knobs.steps = knobs.expansions = 0;
  checkChains([&](std::uint64_t seed) { return makeOccupationCase(seed, knobs); }, 4'200'000);
}

TEST_CASE("causes: the chain through steps covers the time") {
  OccupationKnobs knobs;
  knobs.expansions = 0;
  checkChains([&](std::uint64_t seed) { return makeOccupationCase(seed, knobs); }, 4'300'000);
}

TEST_CASE("causes: the chain through expansions covers the time") {
  checkChains([](std::uint64_t seed) { return makeOccupationCase(seed, {}); }, 4'400'000);
}

} // namespace acadlc::test
