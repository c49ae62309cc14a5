#include "tests/timing/OccupationCase.h"

#include "tests/property/Evaluators.h"

#include <doctest/doctest.h>

#include <utility>

namespace acadlc::test {

namespace {

std::string nameOf(const program::Instance &instance) {
  std::string name = std::to_string(instance.index);
  for (const std::int64_t place : instance.emission)
    name += '.' + std::to_string(place);
  return name;
}

struct Run {
  timing::Evaluation evaluation;
  OccupationTimes times;
};

Run runWith(const Evaluator &evaluator, CaseBuilder &builder) {
  Run run;
  const arch::ArchitectureGraph &graph = builder.graph();
  run.evaluation =
      evaluator(graph, builder.program(),
                [&](const program::Instance &instance, const timing::InstructionTimes &observed) {
                  run.times.order.push_back(nameOf(instance));
                  run.times.of[nameOf(instance)] = observed;
                });
  run.times.cycles = run.evaluation.cycles;
  return run;
}

/// Runs the simulator, and demands of the evaluator the same times, or the same report of a
/// deadlock.
Run runBoth(CaseBuilder &builder) {
  Run simulated = runWith(runOccupations, builder);
  const Run evaluated = runWith(runOccupationEvaluator, builder);
  REQUIRE(simulated.evaluation.deadlock.has_value() == evaluated.evaluation.deadlock.has_value());
  if (simulated.evaluation.deadlock) {
    CHECK(differenceInDeadlock(*simulated.evaluation.deadlock, *evaluated.evaluation.deadlock) ==
          "");
    return simulated;
  }
  CHECK(simulated.times.cycles == evaluated.times.cycles);
  CHECK(simulated.times.order == evaluated.times.order);
  for (const auto &[name, times] : simulated.times.of) {
    INFO("instruction ", name);
    const auto other = evaluated.times.of.find(name);
    REQUIRE(other != evaluated.times.of.end());
    CHECK(times.fetched == other->second.fetched);
    CHECK(times.finished == other->second.finished);
    CHECK(times == other->second);
  }
  return simulated;
}

} // namespace

OccupationTimes occupationTimesOf(CaseBuilder &builder) {
  Run run = runBoth(builder);
  REQUIRE(run.evaluation.completed());
  return std::move(run.times);
}

timing::DeadlockReport occupationDeadlockOf(CaseBuilder &builder) {
  Run run = runBoth(builder);
  REQUIRE(run.evaluation.deadlock.has_value());
  REQUIRE(!run.evaluation.deadlock->waits.empty());
  return *std::move(run.evaluation.deadlock);
}

} // namespace acadlc::test
