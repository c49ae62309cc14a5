#include "tests/unit/Property.h"

#include "backend/timing/Evaluable.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/property/Stepper.h"

#include <doctest/doctest.h>

namespace acadlc::test {

namespace {

/// The simulator equals the stepper on every case and keeps every rule.
void checkSimulator(const Knobs &knobs, std::uint64_t firstSeed, bool mayDeadlock) {
  const std::uint64_t cases = propertyCases(3000) / 4;
  const Comparison comparison = compareOnRandomCases(knobs, firstSeed, cases, runSimulator, step);
  INFO(comparison.firstFailure);
  CHECK(comparison.failures == 0);
  if (!mayDeadlock)
    CHECK(comparison.deadlocks == 0);
  for (std::uint64_t seed = firstSeed; seed < firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const std::string broken = brokenRule(randomCase, observe(randomCase, runSimulator));
    if (broken.empty())
      continue;
    FAIL_CHECK(broken << "\n" << printCase(randomCase));
    return;
  }
}

} // namespace

TEST_CASE("simulator equals stepper: trees without contention") {
  checkSimulator(cleanKnobs(), 1, false);
}

TEST_CASE("simulator equals stepper: contended memories") {
  checkSimulator(contentionKnobs(), 100'000, false);
}

TEST_CASE("simulator equals stepper: program order, everything else") {
  checkSimulator(defaultKnobs(), 200'000, false);
}

TEST_CASE("simulator equals stepper: oldest first, with deadlocks") {
  checkSimulator(allKnobs(), 300'000, true);
}

TEST_CASE("random cases can be evaluated and have finite totals") {
  for (std::uint64_t seed = 0; seed < propertyCases(3000) / 4; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, allKnobs());
    DiagnosticEngine diagnostics;
    INFO(printCase(randomCase));
    REQUIRE(timing::checkEvaluable(randomCase.graph, randomCase.program, diagnostics));
    const auto totals = randomCase.program.totals();
    REQUIRE(totals.has_value());
    std::int64_t count = 0;
    program::InstructionStream stream(randomCase.program);
    for (program::Instance instance; stream.next(instance); ++count)
      REQUIRE(instance.index == count);
    REQUIRE(totals->instructions == count);
  }
}

} // namespace acadlc::test
