// The evaluator of several occupations: on classic programs it gives the cycles of the simulator,
// and on random programs with queues, phases, channels and expansions those of the simulator that
// knows them.

#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

namespace acadlc::test {

namespace {

void checkClassic(const Knobs &knobs, std::uint64_t firstSeed) {
  const std::uint64_t cases = propertyCases(3000);
  const Comparison comparison =
      compareOnRandomCases(knobs, firstSeed, cases, runSimulator, runOccupationEvaluator);
  INFO(comparison.failures, " of ", comparison.cases, " cases\n", comparison.firstFailure);
  CHECK(comparison.failures == 0);
}

} // namespace

TEST_CASE("occupations: classic programs without contention have the simulator's times") {
  checkClassic(cleanKnobs(), 2'000'000);
}

TEST_CASE("occupations: classic programs on contended memories have the simulator's times") {
  checkClassic(contentionKnobs(), 2'100'000);
}

TEST_CASE("occupations: classic programs in program order have the simulator's times") {
  checkClassic(defaultKnobs(), 2'200'000);
}

TEST_CASE("occupations: classic programs with deadlocks have the simulator's times") {
  checkClassic(allKnobs(), 2'300'000);
}

TEST_CASE("occupations: random cases are mostly free of deadlocks, and times are in order") {
  const std::uint64_t cases = propertyCases(3000);
  std::uint64_t deadlocks = 0;
  for (std::uint64_t seed = 0; seed != cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, {});
    const Observation observation = observe(randomCase, runOccupationEvaluator);
    deadlocks += observation.evaluation.deadlock ? 1 : 0;
    INFO(printOccupationCase(randomCase));
    REQUIRE(!observation.evaluation.overflow);
    if (observation.evaluation.deadlock) {
      REQUIRE(!observation.evaluation.deadlock->waits.empty());
      continue;
    }
    const auto totals = randomCase.program.totals();
    REQUIRE(totals.has_value());
    REQUIRE(static_cast<std::int64_t>(observation.times.size()) ==
            totals->instructions + totals->emitted);
    for (const timing::InstructionTimes &times : observation.times) {
      REQUIRE(times.fetched <= times.issued);
      REQUIRE(times.issued <= times.entered);
      REQUIRE(times.entered <= times.started);
      REQUIRE(times.started <= times.finished);
      REQUIRE(times.released >= times.allocated);
    }
  }
  CHECK(deadlocks * 4 < cases);
}

namespace {

void checkOccupations(const OccupationKnobs &knobs, std::uint64_t firstSeed) {
  const std::uint64_t cases = propertyCases(3000);
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, knobs);
    const Observation simulated = observe(randomCase, runOccupations);
    const Observation evaluated = observe(randomCase, runOccupationEvaluator);
    // Of a deadlock the verdict is compared: which instructions a report names is free.
    const bool bothStop = simulated.evaluation.deadlock && evaluated.evaluation.deadlock;
    const std::string what = bothStop ? std::string() : difference(simulated, evaluated);
    if (what.empty())
      continue;
    FAIL_CHECK(what << "\n" << printOccupationCase(randomCase));
    return;
  }
}

} // namespace

TEST_CASE("occupations: evaluator equals simulator on queues, phases and channels") {
  OccupationKnobs knobs;
  knobs.steps = knobs.expansions = 0;
  checkOccupations(knobs, 3'000'000);
}

TEST_CASE("occupations: evaluator equals simulator on steps and lock step") {
  OccupationKnobs knobs;
  knobs.expansions = 0;
  checkOccupations(knobs, 3'100'000);
}

TEST_CASE("occupations: evaluator equals simulator on expansions") {
  OccupationKnobs knobs;
  knobs.steps = 0;
  checkOccupations(knobs, 3'200'000);
}

TEST_CASE("occupations: evaluator equals simulator on everything") {
  checkOccupations({}, 3'300'000);
}

} // namespace acadlc::test
