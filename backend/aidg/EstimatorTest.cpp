// Named kernels on which the estimator's certificates must hold, with the wrong values that a rule
// on increments would give.

#include "backend/aidg/Estimator.h"

#include "backend/aidg/occupation/OccupationEvaluator.h"
#include "backend/aidg/path/Graph.h"
#include "backend/aidg/plan/Certificates.h"
#include "backend/aidg/plan/Recurrence.h"
#include "backend/simulate/OccupationSimulator.h"
#include "backend/simulate/Simulator.h"
#include "backend/timing/TimeLimit.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::aidg {

namespace {

/// A fetch stage in front of independent units, each behind a stage of its own.
struct Machine {
  arch::ArchitectureGraph graph;
  std::vector<arch::ObjectId> stages, units;
  program::Program program;

  Machine(std::int64_t width, std::int64_t buffer, std::size_t ports) {
    const auto add = [this](std::string name, arch::ObjectClass objectClass) {
      arch::Object object;
      object.name = std::move(name);
      object.objectClass = objectClass;
      graph.objects.push_back(object);
      return static_cast<arch::ObjectId>(graph.objects.size() - 1);
    };
    const arch::ObjectId fetch = add("fetch", arch::ObjectClass::InstructionFetchStage);
    graph.objects[fetch].issueBufferSize = buffer;
    graph.objects[fetch].latency = 0;
    const arch::ObjectId loader = add("loader", arch::ObjectClass::InstructionMemoryAccessUnit);
    graph.objects[loader].container = fetch;
    const arch::ObjectId memory = add("instructions", arch::ObjectClass::SRAM);
    graph.objects[memory].portWidth = width;
    graph.objects[memory].dataWidth = 32;
    const arch::ObjectId file = add("registers", arch::ObjectClass::RegisterFile);
    graph.objects[file].registers = {"r0", "r1", "r2", "r3"};
    graph.edges = {{fetch, loader, arch::EdgeKind::Contains, {}},
                   {memory, loader, arch::EdgeKind::ReadData, {}}};
    for (std::size_t i = 0; i != ports; ++i) {
      stages.push_back(add("stage" + std::to_string(i), arch::ObjectClass::ExecuteStage));
      units.push_back(add("unit" + std::to_string(i), arch::ObjectClass::FunctionalUnit));
      graph.objects[units.back()].container = stages.back();
      graph.edges.push_back({fetch, stages.back(), arch::EdgeKind::Forward, {}});
      graph.edges.push_back({stages.back(), units.back(), arch::EdgeKind::Contains, {}});
      program.routes.push_back({{stages.back()}, units.back()});
    }
    graph.finish();
    program.regions.emplace_back();
  }

  program::InstructionId instruction(program::RouteId route, std::int64_t latency,
                                     std::vector<arch::RegisterId> reads,
                                     std::vector<arch::RegisterId> writes) {
    program::Instruction added;
    added.operation = "op";
    added.route = route;
    added.latency = latency;
    added.reads = std::move(reads);
    added.writes = std::move(writes);
    program.instructions.push_back(added);
    return static_cast<program::InstructionId>(program.instructions.size() - 1);
  }

  void emit(program::RegionId region, program::InstructionId id) {
    program.regions[region].steps.push_back({program::Step::Kind::Emit, id});
  }

  program::RegionId repeat(std::int64_t count) {
    program.regions.emplace_back();
    const auto body = static_cast<program::RegionId>(program.regions.size() - 1);
    program.repeats.push_back({0, 1, count, body, 0, {}});
    program.regions[0].steps.push_back(
        {program::Step::Kind::Repeat, static_cast<std::uint32_t>(program.repeats.size() - 1)});
    program.maxDepth = 1;
    return body;
  }
};

void checkAgainstSimulator(const Machine &machine) {
  const timing::Evaluation simulated = simulate::simulate(machine.graph, machine.program, {});
  const timing::Evaluation estimated = estimate(machine.graph, machine.program, {});
  CHECK(estimated.cycles == simulated.cycles);
  CHECK(estimated.instructions == simulated.instructions);
}

/// Cycles of the first loop beyond 5 an iteration, found on 1000 iterations by the simulator.
std::int64_t simulatedOffset(Machine machine) {
  machine.program.repeats[0].count = 1000;
  return simulate::simulate(machine.graph, machine.program, {}).cycles - 5 * 1000;
}

} // namespace

TEST_CASE("two streams, one with a head start: equal increments prove nothing") {
  // The first instruction holds the fast unit's stream back by 100 cycles; then the fast stream,
  // one cycle an iteration slower to be felt, hides the slow one until that has caught up.
  Machine machine(2, 512, 2);
  const auto head = machine.instruction(0, 100, {}, {0});
  const auto fast = machine.instruction(0, 1, {}, {0});
  const auto slow = machine.instruction(1, 2, {}, {1});
  machine.emit(0, head);
  const program::RegionId body = machine.repeat(1000);
  machine.emit(body, fast);
  machine.emit(body, slow);
  checkAgainstSimulator(machine);
}

TEST_CASE("a long loop is extrapolated and the certificate says how") {
  for (const bool inOrderOfTime : {false, true}) {
    CAPTURE(inOrderOfTime);
    Machine machine(2, 8, 2);
    const program::RegionId body = machine.repeat(1'000'000'000'000);
    machine.emit(body, machine.instruction(0, 3, {}, {0}));
    machine.emit(body, machine.instruction(1, 2, {0}, {1}));
    EstimateOptions options;
    options.forceTimeOrder = inOrderOfTime;
    const timing::Evaluation result = estimate(machine.graph, machine.program, options);
    CHECK(result.guarantee == timing::Guarantee::Certified);
    CHECK(result.instructions == 2'000'000'000'000);
    CHECK(result.evaluatedIterations < 50);
    REQUIRE(result.certificates.size() == 1);
    // unit0 takes 3 cycles, then unit1 has to read before the next write: 5 an iteration.
    CHECK(result.certificates[0].cyclesPerPeriod == 5 * result.certificates[0].period);
    CHECK(result.cycles == 5'000'000'000'000 + simulatedOffset(machine));
  }
}

TEST_CASE("in order of time, outer loops are extrapolated too") {
  // 10^6 times: 1000 times unit0, then unit1. Jumps within the inner loop alone would leave 10^6
  // passes with some iterations each.
  Machine machine(2, 8, 2);
  program::Program &program = machine.program;
  const program::RegionId outer = machine.repeat(1'000'000);
  program.regions.emplace_back();
  const auto inner = static_cast<program::RegionId>(program.regions.size() - 1);
  program.repeats.push_back({0, 1, 1000, inner, 1, {}});
  program.regions[outer].steps.push_back({program::Step::Kind::Repeat, 1});
  program.maxDepth = 2;
  machine.emit(inner, machine.instruction(0, 3, {}, {0}));
  machine.emit(outer, machine.instruction(1, 2, {0}, {1}));
  EstimateOptions options;
  options.forceTimeOrder = true;
  const timing::Evaluation result = estimate(machine.graph, program, options);
  CHECK(result.guarantee == timing::Guarantee::Certified);
  CHECK(result.evaluatedIterations < 2000);
  CHECK(result.kernelIterations == 1'000'000'000);
  CHECK(result.cycles == estimate(machine.graph, program, {}).cycles);
  for (program::Repeat &repeat : program.repeats)
    repeat.count = 100;
  CHECK(estimate(machine.graph, program, options).cycles ==
        simulate::simulate(machine.graph, program, {}).cycles);
}

TEST_CASE("an instruction that finishes long after a loop behind it stays where it is") {
  for (const bool inOrderOfTime : {false, true}) {
    CAPTURE(inOrderOfTime);
    Machine machine(2, 8, 2);
    machine.graph.objects[machine.units[0]].initiationInterval = 1;
    machine.emit(0, machine.instruction(0, 5000, {}, {}));
    machine.emit(machine.repeat(1000), machine.instruction(1, 2, {}, {}));
    EstimateOptions options;
    options.forceTimeOrder = inOrderOfTime;
    const timing::Evaluation result = estimate(machine.graph, machine.program, options);
    CHECK(result.cycles == simulate::simulate(machine.graph, machine.program, {}).cycles);
  }
}

TEST_CASE("times beyond the range are refused") {
  Machine machine(1, 8, 1);
  const program::RegionId body = machine.repeat(std::int64_t{1} << 60);
  machine.emit(body, machine.instruction(0, 1000, {}, {}));
  CHECK(estimate(machine.graph, machine.program, {}).overflow);
}

TEST_CASE("a latency near the end of the range is an overflow, not a small number") {
  for (const std::int64_t latency : {INT64_MAX, INT64_MAX - 1, std::int64_t{1} << 61}) {
    Machine inUnit(1, 8, 1);
    inUnit.emit(0, inUnit.instruction(0, latency, {}, {}));
    CHECK(estimate(inUnit.graph, inUnit.program, {}).overflow);
    CHECK(simulate::simulate(inUnit.graph, inUnit.program, {}).overflow);
    Machine inStage(1, 8, 1);
    inStage.graph.objects[inStage.stages[0]].latency = latency;
    inStage.emit(0, inStage.instruction(0, 1, {}, {}));
    CHECK(estimate(inStage.graph, inStage.program, {}).overflow);
    CHECK(simulate::simulate(inStage.graph, inStage.program, {}).overflow);
  }
}

namespace {

/// Which limit all evaluators say that \p machine hits; they must agree.
std::optional<timing::Overflow> overflowOf(test::CaseBuilder &machine) {
  const arch::ArchitectureGraph &graph = machine.graph();
  const program::Program &program = machine.program();
  EstimateOptions inTimeOrder;
  inTimeOrder.forceTimeOrder = true;
  const auto first = estimate(graph, program, {}).overflow;
  CHECK(estimate(graph, program, inTimeOrder).overflow == first);
  CHECK(evaluateOccupations(graph, program, {}).overflow == first);
  CHECK(simulate::simulate(graph, program, {}).overflow == first);
  CHECK(simulate::simulateOccupations(graph, program, {}).overflow == first);
  return first;
}

} // namespace

TEST_CASE("the largest latency is the same for all evaluators") {
  constexpr std::int64_t most = timing::longestLatency;
  const auto ofUnit = [](std::int64_t latency) {
    test::CaseBuilder builder;
    builder.fetch({1, 1});
    const arch::ObjectId stage = builder.stage(1, {builder.fetchStage()});
    builder.emit({stage}, builder.functionalUnit(stage, latency)).latency = latency;
    return overflowOf(builder);
  };
  CHECK(ofUnit(most) == std::nullopt);
  CHECK(ofUnit(most + 1) == timing::Overflow::Latency);
  const auto ofRequest = [](std::int64_t words) {
    test::CaseBuilder builder;
    builder.fetch({1, 1});
    const arch::ObjectId stage = builder.stage(1, {builder.fetchStage()});
    const arch::ObjectId memory = builder.sram(most / 4);
    const arch::ObjectId unit = builder.accessUnit(stage, 1, {memory});
    program::Instruction &load = builder.emit({stage}, unit);
    const std::int64_t wordBytes = builder.object(memory).dataWidth / 8;
    load.memory = {builder.access(memory, 0, wordBytes * words, false)};
    return overflowOf(builder);
  };
  CHECK(ofRequest(4) == std::nullopt);
  CHECK(ofRequest(5) == timing::Overflow::Latency);
  // More cycles in sum is another matter.
  test::CaseBuilder builder;
  builder.fetch({1, 1});
  const arch::ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const arch::ObjectId unit = builder.functionalUnit(stage, most);
  builder.beginRepeat(std::int64_t{1} << 14);
  builder.emit({stage}, unit).latency = most;
  builder.endRepeat();
  CHECK(overflowOf(builder) == timing::Overflow::Cycles);
  builder.beginRepeat(std::int64_t{1} << 62);
  builder.emit({stage}, unit);
  builder.emit({stage}, unit);
  builder.endRepeat();
  CHECK(overflowOf(builder) == timing::Overflow::Counts);
}

TEST_CASE("cycle 2^61 is the last one, whoever counts") {
  // One after the other on a unit: 2^14 - 1 instructions of 2^47 cycles and a last one.
  const std::int64_t latency = std::int64_t{1} << 47;
  const auto evaluate = [&](std::int64_t last) {
    Machine machine(1, 8, 1);
    machine.emit(machine.repeat((std::int64_t{1} << 14) - 1),
                 machine.instruction(0, latency, {}, {}));
    machine.emit(0, machine.instruction(0, last, {}, {}));
    EstimateOptions inTimeOrder;
    inTimeOrder.forceTimeOrder = true;
    return std::array{estimate(machine.graph, machine.program, {}),
                      estimate(machine.graph, machine.program, inTimeOrder),
                      evaluateOccupations(machine.graph, machine.program, {}),
                      simulate::simulate(machine.graph, machine.program, {}),
                      simulate::simulateOccupations(machine.graph, machine.program, {})};
  };
  const std::int64_t fits = timing::timeLimit - evaluate(1)[3].cycles + 1;
  for (const timing::Evaluation &result : evaluate(fits)) {
    CHECK(result.completed());
    CHECK(result.cycles == timing::timeLimit);
  }
  for (const timing::Evaluation &result : evaluate(fits + 1))
    CHECK(result.overflow);
}

TEST_CASE("certificates of a loop are one where they say the same") {
  timing::Certificate drift{{}, 5, 2, 14, 10, 4, 30, true};
  Certificates certificates;
  certificates.add(drift);
  drift.firstInstruction = 1000; // the loop is gone through again
  certificates.add(drift);
  // The same figures for a longer time: the first one would not cover what is skipped.
  drift.periods = 40;
  certificates.add(drift);
  drift.isDrift = false;
  certificates.add(drift);
  const std::vector<timing::Certificate> all = certificates.take();
  REQUIRE(all.size() == 3);
  CHECK(all[0].firstInstruction == 10);
  CHECK(all[0].periods == 30);
  CHECK(all[1].periods == 40);
  CHECK(!all[2].isDrift);
  CHECK(certificates.take().empty());
}

TEST_CASE("a loop around nothing takes no time") {
  Machine machine(1, 8, 1);
  machine.repeat(std::int64_t{1} << 60);
  const timing::Evaluation result = estimate(machine.graph, machine.program, {});
  CHECK(result.cycles == 0);
  CHECK(result.completed());
}

TEST_CASE("the critical path covers the whole time and names what binds") {
  Machine machine(4, 16, 2);
  const program::RegionId body = machine.repeat(50);
  machine.emit(body, machine.instruction(0, 7, {}, {0}));
  machine.emit(body, machine.instruction(1, 1, {}, {1}));
  const Graph graph = buildGraph(machine.graph, machine.program, 1000);
  const std::vector<CriticalStep> path = graph.criticalPath();
  REQUIRE(!path.empty());
  CHECK(path.front().end == estimate(machine.graph, machine.program, {}).cycles);
  CHECK(path.back().begin == 0);
  std::int64_t inSlowUnit = 0;
  for (std::size_t i = 0; i != path.size(); ++i) {
    if (i != 0)
      CHECK(path[i].end == path[i - 1].begin);
    if (graph.nodes[path[i].node].object == machine.units[0])
      inSlowUnit += path[i].end - path[i].begin;
  }
  CHECK(inSlowUnit == 350);
}

TEST_CASE("recurrence search finds the first repetition") {
  RecurrenceSearch search;
  for (std::int64_t i = 0; i != 20; ++i) {
    const std::vector<std::int64_t> state{i < 7 ? i : 7 + (i - 7) % 5, 42};
    const auto found = search.offer(i, state);
    if (i < 12)
      CHECK(!found.has_value());
    else
      CHECK(found == 7 + (i - 7) % 5);
  }
}

TEST_CASE("recurrence search stays bounded and still finds repetitions") {
  RecurrenceSearch search;
  std::vector<std::int64_t> state(1 << 14, 0);
  std::optional<std::int64_t> found;
  std::int64_t iteration = 0;
  for (; iteration != 4000 && !found; ++iteration) {
    state[0] = iteration < 500 ? iteration : 500 + (iteration - 500) % 100;
    found = search.offer(iteration, state);
  }
  REQUIRE(found.has_value());
  CHECK((iteration - 1 - *found) % 100 == 0);
}

} // namespace acadlc::aidg
