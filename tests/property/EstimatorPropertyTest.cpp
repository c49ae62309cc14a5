// The two evaluators, written independently, must agree on every cycle number of every instruction
// and on every deadlock, on random architectures and programs.

#include "backend/aidg/plan/Plan.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>

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

namespace {

/// Long loops, so that states recur.
Knobs withLoops(Knobs knobs) {
  knobs.loops = 100;
  knobs.maxInstructions = 5000;
  knobs.maxTrips = 1500;
  return knobs;
}

/// Evaluates every instruction, but nobody observes it: then series are evaluated at once.
timing::Evaluation runUnobserved(const arch::ArchitectureGraph &graph,
                                 const program::Program &program,
                                 const timing::InstructionObserver & /*none*/) {
  aidg::EstimateOptions options;
  options.extrapolate = false;
  return aidg::estimate(graph, program, options);
}

/// checkEqual(), and a good part of the cases must have been extrapolated: else nothing is shown.
void checkJumps(const Knobs &knobs, std::uint64_t firstSeed, const Evaluator &evaluator) {
  std::uint64_t certified = 0;
  checkEqual(knobs, firstSeed,
             [&](const arch::ArchitectureGraph &graph, const program::Program &program,
                 const timing::InstructionObserver &observer) {
               timing::Evaluation result = evaluator(graph, program, observer);
               certified += result.guarantee == timing::Guarantee::Certified ? 1 : 0;
               return result;
             });
  CHECK(certified * 10 > propertyCases(3000) / 2);
}

} // namespace

TEST_CASE("estimator equals simulator: series of instructions at once") {
  checkEqual(withLoops(cleanKnobs()), 2'400'000, runUnobserved);
  checkEqual(withLoops(defaultKnobs()), 2'500'000, runUnobserved);
}

TEST_CASE("extrapolated loops equal the simulator") {
  checkJumps(withLoops(defaultKnobs()), 1'500'000, estimator(true, false));
  checkJumps(withLoops(cleanKnobs()), 1'600'000, estimator(true, false));
}

TEST_CASE("extrapolated loops in order of time equal the simulator") {
  checkJumps(withLoops(defaultKnobs()), 1'700'000, estimator(true, true));
  checkJumps(withLoops(contentionKnobs()), 1'800'000, estimator(true, false));
  checkJumps(withLoops(allKnobs()), 1'900'000, estimator(true, false));
}

namespace {

/// Whether every loop moves accesses to storages with state: then whatever is skipped is.
bool movesAcrossState(const arch::ArchitectureGraph &graph, const program::Program &program) {
  const aidg::Plan plan = aidg::makePlan(graph, program);
  return std::ranges::all_of(plan.repeats, [](const aidg::RepeatFacts &facts) {
    return facts.isEmpty || !facts.moving.empty();
  });
}

/// checkEqual() on streams over storages with state; a good part of the cases must have been
/// extrapolated across them.
void checkStreams(const Knobs &knobs, std::uint64_t firstSeed, const Evaluator &evaluator) {
  std::uint64_t certified = 0;
  checkEqual(knobs, firstSeed,
             [&](const arch::ArchitectureGraph &graph, const program::Program &program,
                 const timing::InstructionObserver &observer) {
               timing::Evaluation result = evaluator(graph, program, observer);
               certified += result.guarantee == timing::Guarantee::Certified &&
                                    movesAcrossState(graph, program)
                                ? 1
                                : 0;
               return result;
             });
  INFO(certified, " of ", propertyCases(3000) / 2, " certified across storages with state");
  CHECK(certified * 10 > propertyCases(3000) / 2);
}

} // namespace

TEST_CASE("streams over caches and open rows, extrapolated, equal the simulator") {
  checkStreams(streamKnobs(), 2'000'000, estimator(true, false));
}

TEST_CASE("streams over caches and open rows in order of time equal the simulator") {
  checkStreams(streamKnobs(), 2'100'000, estimator(true, true));
}

TEST_CASE("an access past a cache is under way at a jump") {
  // It moves with what it may conflict with; there is no block for it to move with.
  const Comparison comparison =
      compareOnRandomCases(streamKnobs(), 2'101'321, 1, runSimulator, estimator(true, true));
  INFO(comparison.firstFailure);
  CHECK(comparison.failures == 0);
}

TEST_CASE("streams over one cache above a DRAM equal the simulator") {
  Knobs knobs = streamKnobs();
  knobs.caches = knobs.drams = 100;
  knobs.maxMemories = 1;
  checkStreams(knobs, 2'200'000, estimator(true, false));
  knobs.sharedLower = 100;
  checkStreams(knobs, 2'300'000, estimator(true, true));
}

TEST_CASE("drifts with equal figures that hold for different times are certificates of their own") {
  // Fast streams that run ahead behind long buffers.
  Knobs knobs = cleanKnobs();
  knobs.writes = 0;
  knobs.orderedMemory = 20;
  knobs.loops = 100;
  knobs.maxInstructions = 20'000;
  knobs.maxTrips = 3000;
  knobs.maxBufferRest = 300;
  knobs.maxOwnLatency = 60;
  std::uint64_t pairs = 0;
  for (std::uint64_t seed = 2'410'000; seed != 2'412'600; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const std::vector<timing::Certificate> all =
        estimator(true, false)(randomCase.graph, randomCase.program, {}).certificates;
    for (auto a = all.begin(); a != all.end(); ++a)
      pairs += std::any_of(a + 1, all.end(), [&](const timing::Certificate &b) {
        return a->loop == b.loop && a->k0 == b.k0 && a->period == b.period &&
               a->cyclesPerPeriod == b.cyclesPerPeriod && a->periods != b.periods;
      });
  }
  CHECK(pairs > 0);
}

} // namespace acadlc::test
