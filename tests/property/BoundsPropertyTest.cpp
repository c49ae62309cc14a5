// The bounds that stand in for an evaluation must hold on every case, with whatever budget: of
// random architectures and programs, the cycles of the simulator lie between them.

#include "backend/aidg/bounds/Bounds.h"
#include "backend/aidg/bounds/FittingCaches.h"
#include "backend/aidg/bounds/RequestHistory.h"
#include "backend/aidg/bounds/RequestOrder.h"
#include "backend/aidg/occupation/OccupationFences.h"
#include "backend/aidg/occupation/OccupationRepeats.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/timing/StorageModel.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
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
    const auto bounds = aidg::boundCycles(plan, aidg::BoundsBudget::of(1'000'000));
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

/// Enough for shares of them to be steady.
std::uint64_t historyCases() { return std::max<std::uint64_t>(propertyCases(3000) / 6, 200); }

/// Streams through caches and DRAMs, with all of the requests looked at one by one, some, or none.
/// In a good part of the cases, \p leastKnown percent, some storage must be known to serve requests
/// in program order, or some cache to be large enough.
void checkHistories(const Knobs &knobs, std::uint64_t firstSeed, std::uint64_t cases,
                    std::uint64_t leastKnown) {
  BoundsSummary none, some, all;
  std::uint64_t known = 0;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const timing::Evaluation truth = runSimulator(randomCase.graph, randomCase.program, {});
    const aidg::Plan plan = aidg::makePlan(randomCase.graph, randomCase.program);
    if (!aidg::findOrderedStorages(plan).empty() || !aidg::findFittingCaches(plan).empty())
      ++known;
    const auto check = [&](BoundsSummary &summary, std::int64_t requests) {
      ++summary.cases;
      summary.deadlocks += truth.deadlock ? 1 : 0;
      if (const auto bounds = aidg::boundCycles(plan, {budgetOf(seed), requests}))
        summary.check(seed, truth, *bounds, "boundCycles");
      else
        summary.fail(seed, "no bounds");
    };
    check(none, 0);
    check(some, budgetOf(seed / 7));
    check(all, std::int64_t{1} << 40);
  }
  for (BoundsSummary *summary : {&none, &some, &all}) {
    MESSAGE(summary->print());
    INFO(summary->failures, " failures, first: ", summary->firstFailure);
    CHECK(summary->failures == 0);
    CHECK(summary->bounded == cases);
  }
  MESSAGE("something is known of ", known);
  CHECK(known * 100 >= cases * leastKnown);
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

/// What walkRequests() gives, from one request after the other.
aidg::RequestHistory replayRequests(const aidg::Plan &plan,
                                    const std::vector<std::uint32_t> &storages) {
  std::map<std::pair<std::uint32_t, std::int64_t>, std::int64_t> counts;
  timing::StorageModel model(*plan.graph);
  std::int64_t time = 0;
  program::InstructionStream stream(*plan.program);
  for (program::Instance instance; stream.next(instance);) {
    const aidg::PlanInstruction &instruction = plan.instructions[instance.id];
    for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
      const std::uint32_t index = instruction.firstAccess + i;
      const aidg::PlanAccess &access = plan.accesses[index];
      if (!access.changesState || std::ranges::find(storages, access.storage) == storages.end())
        continue;
      const std::int64_t address =
          plan.program->evaluate(access.operand->address, instance.loopValues);
      const std::int64_t cycles = model.serve(plan.storages[access.storage].id,
                                              {address, access.bytes, access.isWrite}, time);
      time += cycles;
      ++counts[{index, cycles}];
    }
  }
  aidg::RequestHistory history;
  for (const auto &[key, count] : counts)
    history[key.first].push_back({{key.second, key.second}, count});
  return history;
}

bool isEqual(const aidg::RequestHistory &a, const aidg::RequestHistory &b) {
  const auto isEqualServed = [](const aidg::ServedRequests &x, const aidg::ServedRequests &y) {
    return x.service.least == y.service.least && x.service.most == y.service.most &&
           x.count == y.count;
  };
  return std::ranges::equal(a, b, [&](const auto &x, const auto &y) {
    return x.first == y.first && std::ranges::equal(x.second, y.second, isEqualServed);
  });
}

std::int64_t requestsIn(const aidg::RequestHistory &history) {
  std::int64_t requests = 0;
  for (const auto &[access, served] : history)
    for (const aidg::ServedRequests &some : served)
      requests += some.count;
  return requests;
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

TEST_CASE("bounds hold: what caches and DRAMs hold is known") {
  checkHistories(streamKnobs(), 3'900'000, historyCases(), 30);
  // Addresses anywhere: nothing moves alike.
  Knobs knobs = streamKnobs();
  knobs.tensors = 0;
  knobs.generalAddresses = 60;
  checkHistories(knobs, 4'000'000, historyCases(), 30);
}

TEST_CASE("bounds: loops of requests that are left early give what all requests give") {
  std::uint64_t histories = 0;
  std::uint64_t shortened = 0;
  std::string firstFailure;
  constexpr std::uint64_t firstSeed = 4'600'000;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + propertyCases(3000) / 3; ++seed) {
    RandomCase randomCase = makeRandomCase(seed, streamKnobs());
    for (arch::Object &object : randomCase.graph.objects)
      object.tRAS = 0; // then times do not matter
    const aidg::Plan plan = aidg::makePlan(randomCase.graph, randomCase.program);
    for (const std::vector<std::uint32_t> &storages : aidg::findOrderedStorages(plan)) {
      constexpr std::int64_t enough = std::int64_t{1} << 40;
      std::int64_t allowance = enough;
      const aidg::RequestHistory history = aidg::walkRequests(plan, storages, allowance);
      ++histories;
      shortened += enough - allowance < requestsIn(history) ? 1 : 0;
      if (!isEqual(history, replayRequests(plan, storages)) && firstFailure.empty())
        firstFailure = fmt::format("seed {}", seed);
    }
  }
  MESSAGE(shortened, " of ", histories, " left early");
  CHECK(firstFailure == "");
  CHECK(shortened * 4 >= histories);
}

TEST_CASE("bounds hold: what storages in program order hold is known") {
  Knobs knobs = streamKnobs();
  knobs.orderedMemory = 70;
  knobs.contendedMemory = 90;
  checkHistories(knobs, 4'100'000, historyCases(), 30);
}

TEST_CASE("bounds hold: what storages behind stages that take the oldest hold is known") {
  Knobs knobs = streamKnobs();
  knobs.oldestFirst = 90;
  knobs.mergingStages = 60;
  checkHistories(knobs, 4'200'000, historyCases(), 30);
  // Few stages: often one unit makes all requests, and gets its instructions on several ways.
  knobs.oldestFirst = knobs.mergingStages = 100;
  knobs.maxPorts = knobs.maxStages = 2;
  knobs.maxMemories = 1;
  knobs.maxWidth = 8;
  checkHistories(knobs, 4'500'000, historyCases(), 30);
}

TEST_CASE("bounds hold: caches that are large enough, with several clients") {
  Knobs knobs = contentionKnobs();
  knobs.caches = 100;
  knobs.sharedLower = 20;
  knobs.maxMemories = 1;
  knobs.maxSets = 20;
  knobs.drams = 30;
  knobs.tensors = 50;
  knobs.loops = 100;
  knobs.generalAddresses = 50;
  checkHistories(knobs, 4'300'000, historyCases(), 30);
  knobs.oldestFirst = 70;
  knobs.mergingStages = 60;
  checkHistories(knobs, 4'400'000, historyCases(), 30);
}

TEST_CASE("bounds hold: instructions of several occupations") {
  const std::uint64_t cases = propertyCases(3000) / 3;
  BoundsSummary summary, summaryOfBudgets;
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
    checkBudget(summaryOfBudgets, seed, randomCase, truth, budgetOf(seed));
  }
  for (BoundsSummary *one : {&summary, &summaryOfBudgets}) {
    MESSAGE(one->print());
    INFO(one->failures, " failures, first: ", one->firstFailure);
    CHECK(one->failures == 0);
  }
  CHECK(summary.bounded == cases);
  CHECK(summaryOfBudgets.bounded * 2 > cases);
}

namespace {

/// A case in which the program mostly decides all orders.
RandomCase makeOrderedCase(std::uint64_t seed) {
  OccupationKnobs knobs;
  knobs.stations = knobs.classTables = knobs.holdings = knobs.foreignUnits = knobs.together = 0;
  knobs.steps = knobs.expansions = knobs.oldestFirst = 0;
  knobs.orderedChannels = knobs.orderedMemory = 100;
  knobs.longLoops = 80;
  RandomCase randomCase = makeOccupationCase(seed, knobs);
  for (arch::Object &object : randomCase.graph.objects) {
    object.queue.entryOrder = arch::QueueOrder::InOrder;
    object.channel.inFlight = object.channel.credits = 0;
    object.channel.interval = std::min(object.channel.interval, object.latency);
  }
  for (program::Instruction &instruction : randomCase.program.instructions)
    for (program::Phase &phase : instruction.phases) {
      phase.cycles = std::max<std::int64_t>(phase.cycles, 1);
      phase.bits = std::max<std::int64_t>(phase.bits, 1);
      const bool isElsewhere = phase.kind == program::Phase::Kind::Occupation &&
                               phase.object != randomCase.program.routes[instruction.route].unit;
      const bool goesNowhere =
          phase.kind == program::Phase::Kind::Message && phase.channels.empty();
      if (isElsewhere || goesNowhere)
        phase.kind = program::Phase::Kind::Delay;
    }
  return randomCase;
}

} // namespace

TEST_CASE("bounds hold: fences where the program decides all orders") {
  const std::uint64_t cases = propertyCases(3000);
  std::uint64_t cut = 0, failures = 0, firstFailure = 0;
  std::vector<double> ratios;
  for (std::uint64_t seed = 4'600'000; seed != 4'600'000 + cases; ++seed) {
    const RandomCase randomCase = makeOrderedCase(seed);
    aidg::OccupationPlan plan = aidg::makeOccupationPlan(randomCase.graph, randomCase.program);
    aidg::planRepeats(plan);
    const auto upper = aidg::isOrderFixed(plan) ? aidg::boundByFences(plan, 5 + seed % 100)
                                                : std::optional<std::int64_t>();
    if (!upper)
      continue;
    const timing::Evaluation truth = runOccupations(randomCase.graph, randomCase.program, {});
    if (!truth.completed())
      continue;
    ++cut;
    if (*upper < truth.cycles && failures++ == 0)
      firstFailure = seed;
    ratios.push_back(static_cast<double>(*upper) / static_cast<double>(truth.cycles));
  }
  std::ranges::sort(ratios);
  INFO(failures, " failures, first: seed ", firstFailure);
  CHECK(failures == 0);
  REQUIRE(cut * 20 > cases);
  MESSAGE(cut, " of ", cases, " cut; upper/cycles: median ", ratios[cut / 2], ", 90 % ",
          ratios[cut * 9 / 10]);
  CHECK(ratios[cut / 2] < 3);
}

} // namespace acadlc::test
