// What objects do is added up beside the evaluation and, where loops recur, scaled with them. The
// simulator counts the same cycle by cycle: both have to be equal, and all cycles of all places to
// be busy, waiting or idle.

#include "backend/timing/Usage.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

namespace acadlc::test {

namespace {

using timing::ObjectUsage;

using UsageEvaluator = std::function<timing::Evaluation(const RandomCase &)>;

timing::Evaluation simulateUsage(const RandomCase &randomCase) {
  simulate::SimulateOptions options;
  options.countUsage = true;
  return simulate::simulate(randomCase.graph, randomCase.program, options);
}

timing::Evaluation simulateUsageOfOccupations(const RandomCase &randomCase) {
  simulate::SimulateOptions options;
  options.countUsage = true;
  return simulate::simulateOccupations(randomCase.graph, randomCase.program, options);
}

/// In the order of time, or as streams are evaluated otherwise.
UsageEvaluator estimateUsage(bool extrapolate, bool forceTimeOrder) {
  return [=](const RandomCase &randomCase) {
    aidg::EstimateOptions options;
    options.countUsage = true;
    options.extrapolate = extrapolate;
    options.forceTimeOrder = forceTimeOrder;
    return aidg::estimate(randomCase.graph, randomCase.program, options);
  };
}

UsageEvaluator estimateUsageOfOccupations(bool extrapolate) {
  return [=](const RandomCase &randomCase) {
    aidg::EstimateOptions options;
    options.countUsage = true;
    options.extrapolate = extrapolate;
    return aidg::evaluateOccupations(randomCase.graph, randomCase.program, options);
  };
}

std::string text(const ObjectUsage &usage) {
  return fmt::format("{} of {} places taken, waiting {} + {} + {}", usage.taken, usage.places,
                     usage.operands, usage.requests, usage.next);
}

/// How two usages differ, or what is wrong with both; empty if nothing is.
std::string difference(const arch::ArchitectureGraph &graph, const timing::Usage &counted,
                       const timing::Usage &estimated, std::int64_t cycles) {
  if (counted.buffered != estimated.buffered)
    return fmt::format("issue buffer: {} and {}", counted.buffered, estimated.buffered);
  for (arch::ObjectId id = 0; id != graph.objects.size(); ++id) {
    if (counted.lower[id] != estimated.lower[id])
      return fmt::format("{}: caches read {} and {} bytes, wrote {} and {}", graph.objects[id].name,
                         counted.lower[id].bytesRead, estimated.lower[id].bytesRead,
                         counted.lower[id].bytesWritten, estimated.lower[id].bytesWritten);
    const ObjectUsage &usage = estimated.objects[id];
    if (counted.objects[id] != usage)
      return fmt::format("{}: {} and {}", graph.objects[id].name, text(counted.objects[id]),
                         text(usage));
    const bool isWhole =
        usage.operands >= 0 && usage.requests >= 0 && usage.next >= 0 && usage.busy() >= 0 &&
        usage.idle(cycles) >= 0 &&
        usage.busy() + usage.waiting() + usage.idle(cycles) == usage.places * cycles;
    if (!isWhole)
      return fmt::format("{}: {} in {} cycles", graph.objects[id].name, text(usage), cycles);
  }
  return {};
}

struct UsageSummary {
  std::uint64_t cases = 0, completed = 0, certified = 0, waiting = 0, lower = 0, failures = 0;
  std::string firstFailure;

  void compare(const RandomCase &randomCase, const UsageEvaluator &reference,
               const UsageEvaluator &evaluator) {
    ++cases;
    const timing::Evaluation truth = reference(randomCase);
    const timing::Evaluation estimate = evaluator(randomCase);
    if (!truth.completed())
      return;
    ++completed;
    certified += estimate.guarantee == timing::Guarantee::Certified ? 1 : 0;
    std::string what = "no usage";
    if (truth.usage && estimate.usage) {
      what = difference(randomCase.graph, *truth.usage, *estimate.usage, truth.cycles);
      const auto hasTraffic = [](const timing::LowerTraffic &traffic) {
        return traffic.bytesRead != 0 && traffic.bytesWritten != 0;
      };
      if (estimate.guarantee == timing::Guarantee::Certified)
        lower += std::ranges::any_of(truth.usage->lower, hasTraffic) ? 1 : 0;
      for (const ObjectUsage &usage : truth.usage->objects)
        if (usage.waiting() != 0) {
          ++waiting;
          break;
        }
    }
    if (!what.empty() && failures++ == 0)
      firstFailure = fmt::format("seed {}: {}", randomCase.seed, what);
  }
};

UsageSummary compareUsage(const std::function<RandomCase(std::uint64_t)> &make, std::uint64_t first,
                          const UsageEvaluator &reference, const UsageEvaluator &evaluator,
                          std::uint64_t share = 1) {
  UsageSummary summary;
  const std::uint64_t count = std::max<std::uint64_t>(propertyCases(3000) / 2 / share, 100);
  for (std::uint64_t seed = first; seed != first + count; ++seed)
    summary.compare(make(seed), reference, evaluator);
  MESSAGE(fmt::format("{} cases, {} ended, {} certified, in {} something waits", summary.cases,
                      summary.completed, summary.certified, summary.waiting));
  INFO(summary.failures, " failures; ", summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.waiting * 2 > summary.cases);
  return summary;
}

std::function<RandomCase(std::uint64_t)> classic(const Knobs &knobs) {
  return [=](std::uint64_t seed) { return makeRandomCase(seed, knobs); };
}

std::function<RandomCase(std::uint64_t)> ofOccupations(const OccupationKnobs &knobs) {
  return [=](std::uint64_t seed) { return makeOccupationCase(seed, knobs); };
}

/// Long loops, so that states recur.
Knobs withLoops(Knobs knobs) {
  knobs.loops = 100;
  knobs.maxInstructions = 5000;
  knobs.maxTrips = 1500;
  return knobs;
}

void checkJumps(const UsageSummary &summary) { CHECK(summary.certified * 10 > summary.cases); }

} // namespace

TEST_CASE("usage: what is added up is what the simulator counts, in program order") {
  compareUsage(classic(defaultKnobs()), 7'000'000, simulateUsage, estimateUsage(false, false));
}

TEST_CASE("usage: what is added up is what the simulator counts, in the order of time") {
  compareUsage(classic(allKnobs()), 7'100'000, simulateUsage, estimateUsage(false, true));
}

TEST_CASE("usage: what recurs is scaled, in program order") {
  checkJumps(compareUsage(classic(withLoops(defaultKnobs())), 7'200'000, simulateUsage,
                          estimateUsage(true, false)));
}

TEST_CASE("usage: what recurs is scaled, with contended memories") {
  checkJumps(compareUsage(classic(withLoops(contentionKnobs())), 7'300'000, simulateUsage,
                          estimateUsage(true, false)));
}

TEST_CASE("usage: what recurs is scaled, with everything") {
  const UsageSummary summary = compareUsage(classic(withLoops(allKnobs())), 7'400'000,
                                            simulateUsage, estimateUsage(true, true));
  checkJumps(summary);
  CHECK(summary.lower * 100 > summary.cases); // caches read and write below, in what was skipped
}

TEST_CASE("usage: several occupations, every instruction") {
  compareUsage(ofOccupations({}), 7'500'000, simulateUsageOfOccupations,
               estimateUsageOfOccupations(false));
}

TEST_CASE("usage: several occupations, what recurs is scaled") {
  OccupationKnobs knobs;
  knobs.longLoops = 80;
  checkJumps(compareUsage(ofOccupations(knobs), 7'700'000, simulateUsageOfOccupations,
                          estimateUsageOfOccupations(true), 10));
}

TEST_CASE("usage: several occupations, what recurs within expansions is scaled") {
  OccupationKnobs knobs;
  knobs.expansions = 100;
  knobs.longExpansions = 80;
  checkJumps(compareUsage(ofOccupations(knobs), 7'800'000, simulateUsageOfOccupations,
                          estimateUsageOfOccupations(true), 10));
}

TEST_CASE("usage: classic programs mean the same to the evaluators of several occupations") {
  compareUsage(classic(defaultKnobs()), 7'600'000, simulateUsage,
               estimateUsageOfOccupations(false));
  compareUsage(classic(defaultKnobs()), 7'650'000, simulateUsageOfOccupations,
               estimateUsageOfOccupations(true));
}

} // namespace acadlc::test
