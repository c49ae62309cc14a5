// The two evaluators, written independently, must agree on every cycle number of every instruction
// and on every deadlock, on random architectures and programs.

#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

namespace acadlc::test {

namespace {

void checkEqual(const Knobs &knobs, std::uint64_t firstSeed, const Evaluator &evaluator) {
  const std::uint64_t cases = propertyCases(3000) / 2;
  const Comparison comparison =
      compareOnRandomCases(knobs, firstSeed, cases, runSimulator, evaluator);
  INFO(comparison.failures, " of ", comparison.cases, " cases\n", comparison.firstFailure);
  CHECK(comparison.failures == 0);
}

} // namespace

TEST_CASE("estimator equals simulator: trees without contention, every instruction") {
  checkEqual(cleanKnobs(), 1'000'000, estimator(false, false));
}

TEST_CASE("estimator equals simulator: contended memories, every instruction") {
  checkEqual(contentionKnobs(), 1'100'000, estimator(false, false));
}

TEST_CASE("estimator equals simulator: all that keeps program order, every instruction") {
  checkEqual(defaultKnobs(), 1'200'000, estimator(false, false));
}

TEST_CASE("estimator equals simulator: everything, deadlock verdicts included") {
  checkEqual(allKnobs(), 1'300'000, estimator(false, false));
}

TEST_CASE("estimator in order of time equals simulator on all that keeps program order") {
  checkEqual(defaultKnobs(), 1'400'000, estimator(false, true));
}

TEST_CASE("extrapolated loops equal the simulator") {
  Knobs knobs = defaultKnobs();
  knobs.loops = 100;
  knobs.maxInstructions = 5000;
  knobs.maxTrips = 1500;
  checkEqual(knobs, 1'500'000, estimator(true, false));
  Knobs clean = cleanKnobs();
  clean.loops = 100;
  clean.maxInstructions = 5000;
  clean.maxTrips = 1500;
  checkEqual(clean, 1'600'000, estimator(true, false));
}

} // namespace acadlc::test
