// The bounds that stand in for an evaluation must hold on every case, with whatever budget: of
// random architectures and programs, the cycles of the simulator lie between them.

#include "backend/aidg/Bounds.h"
#include "backend/aidg/Plan.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace acadlc::test {

namespace {

/// What bounds were worth on some cases.
struct BoundsSummary {
  std::uint64_t cases = 0, bounded = 0, deadlocks = 0, failures = 0;
  std::vector<double> ratios;
  std::string firstFailure;

  void fail(std::uint64_t seed, const std::string &what) {
    if (failures++ == 0)
      firstFailure = fmt::format("seed {}: {}", seed, what);
  }

  void check(std::uint64_t seed, const timing::Evaluation &truth, const timing::CycleBounds &bounds,
             const char *from) {
    ++bounded;
    if (!truth.completed()) {
      if (!bounds.ifCompletes)
        fail(seed, fmt::format("{}: a deadlock was excluded", from));
      return;
    }
    if (bounds.lower > truth.cycles || bounds.upper < truth.cycles)
      fail(seed, fmt::format("{}: {} is not in {} .. {}", from, truth.cycles, bounds.lower,
                             bounds.upper));
    ratios.push_back(bounds.ratio());
  }

  [[nodiscard]] std::string print() {
    std::ranges::sort(ratios);
    const auto at = [&](double share) {
      return ratios.empty()
                 ? 0
                 : ratios[static_cast<std::size_t>(share * static_cast<double>(ratios.size() - 1))];
    };
    return fmt::format(
        "{} cases, {} bounds, {} deadlocks; upper/lower: median {:.3f}, 90 % {:.3f}, "
        "largest {:.3f}",
        cases, bounded, deadlocks, at(0.5), at(0.9), at(1));
  }
};

/// Budgets from nothing to more than some of the streams need.
std::int64_t budgetOf(std::uint64_t seed) {
  const std::vector<std::int64_t> budgets{0, 1, 3, 10, 40, 200};
  return budgets[seed % budgets.size()];
}

void checkBudget(BoundsSummary &summary, std::uint64_t seed, const RandomCase &randomCase,
                 const timing::Evaluation &truth, std::int64_t budget) {
  aidg::EstimateOptions options;
  options.budget = budget;
  const timing::Evaluation result = aidg::estimate(randomCase.graph, randomCase.program, options);
  // Bounds that meet are a proof, and then called one.
  if (result.bounds.upper != 0) {
    summary.check(seed, truth, result.bounds, "estimate");
  } else if (result.completed() != truth.completed() ||
             (truth.completed() && result.cycles != truth.cycles)) {
    summary.fail(seed, "estimate: not bounded, and not the simulator's cycles");
  }
}

void checkBounds(const Knobs &knobs, std::uint64_t firstSeed, std::uint64_t cases) {
  BoundsSummary summary;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const timing::Evaluation truth = runSimulator(randomCase.graph, randomCase.program, {});
    ++summary.cases;
    summary.deadlocks += truth.deadlock ? 1 : 0;
    const aidg::Plan plan = aidg::makePlan(randomCase.graph, randomCase.program);
    const auto bounds = aidg::boundCycles(plan, 1'000'000);
    if (bounds)
      summary.check(seed, truth, *bounds, "boundCycles");
    else
      summary.fail(seed, "no bounds");
    checkBudget(summary, seed, randomCase, truth, budgetOf(seed));
  }
  MESSAGE(summary.print());
  INFO(summary.failures, " failures, first: ", summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.bounded > cases);
}

/// Each stream with every budget that does not suffice: what is evaluated may end right before the
/// instruction that overtakes others.
void checkEveryBudget(const Knobs &knobs, std::uint64_t firstSeed, std::uint64_t cases) {
  BoundsSummary summary;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const timing::Evaluation truth = runSimulator(randomCase.graph, randomCase.program, {});
    ++summary.cases;
    for (std::int64_t budget = 0; budget < truth.instructions; ++budget)
      checkBudget(summary, seed, randomCase, truth, budget);
  }
  INFO(summary.failures, " failures, first: ", summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.bounded > cases);
}

Knobs withLoops(Knobs knobs) {
  knobs.loops = 100;
  return knobs;
}

} // namespace

TEST_CASE("bounds hold: trees without contention") {
  checkBounds(cleanKnobs(), 3'000'000, propertyCases(3000) / 3);
  checkBounds(withLoops(cleanKnobs()), 3'100'000, propertyCases(3000) / 3);
}

TEST_CASE("bounds hold: every budget of short streams") {
  Knobs knobs = defaultKnobs();
  knobs.loops = 0;
  checkEveryBudget(knobs, 3'700'000, propertyCases(3000) / 20);
  knobs = contentionKnobs();
  knobs.loops = 0;
  checkEveryBudget(knobs, 3'800'000, propertyCases(3000) / 20);
}

TEST_CASE("bounds hold: contended memories") {
  checkBounds(contentionKnobs(), 3'200'000, propertyCases(3000) / 3);
  checkBounds(withLoops(contentionKnobs()), 3'300'000, propertyCases(3000) / 3);
}

TEST_CASE("bounds hold: all that keeps program order at stages") {
  checkBounds(withLoops(defaultKnobs()), 3'400'000, propertyCases(3000) / 3);
}

TEST_CASE("bounds hold: stages that take the oldest, deadlocks included") {
  checkBounds(withLoops(allKnobs()), 3'500'000, propertyCases(3000) / 3);
}

TEST_CASE("bounds hold: instructions of several occupations") {
  const std::uint64_t cases = propertyCases(3000) / 3;
  BoundsSummary summary;
  for (std::uint64_t seed = 3'600'000; seed != 3'600'000 + cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, {});
    const timing::Evaluation truth = runOccupations(randomCase.graph, randomCase.program, {});
    ++summary.cases;
    summary.deadlocks += truth.deadlock ? 1 : 0;
    const auto bounds = aidg::boundOccupations(randomCase.graph, randomCase.program);
    if (bounds)
      summary.check(seed, truth, *bounds, "boundOccupations");
    else
      summary.fail(seed, "no bounds");
    checkBudget(summary, seed, randomCase, truth, budgetOf(seed));
  }
  MESSAGE(summary.print());
  INFO(summary.failures, " failures, first: ", summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.bounded > cases);
}

} // namespace acadlc::test
