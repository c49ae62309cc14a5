#include "backend/timing/Machine.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace acadlc::test {

namespace {

using arch::ArchitectureGraph;
using arch::ObjectId;
using program::Instruction;
using program::Program;

/// On programs without any of the constructs of several occupations the simulator that knows them
/// gives the cycles of the one that does not.
void checkClassic(const Knobs &knobs, std::uint64_t firstSeed, bool mayDeadlock) {
  const Comparison comparison =
      compareOnRandomCases(knobs, firstSeed, propertyCases(3200) / 4, runSimulator, runOccupations);
  INFO(comparison.firstFailure);
  CHECK(comparison.failures == 0);
  CHECK((comparison.deadlocks != 0) == mayDeadlock);
}

/// A deadlock is at the same time in both forms, but its objects have other names.
Evaluator withoutWaits(const Evaluator &evaluator) {
  return [=](const ArchitectureGraph &graph, const Program &program,
             const timing::InstructionObserver &observer) {
    timing::Evaluation evaluation = evaluator(graph, program, observer);
    if (evaluation.deadlock)
      evaluation.deadlock->waits.clear();
    return evaluation;
  };
}

/// `phase execute on unit`; with an initiation interval the latency passes beside it.
Program withPhases(const ArchitectureGraph &graph, Program program) {
  for (Instruction &instruction : program.instructions) {
    const ObjectId unit = program.routes[instruction.route].unit;
    if (graph.objects[unit].objectClass != arch::ObjectClass::FunctionalUnit)
      continue;
    program::Phase execute;
    execute.kind = program::Phase::Kind::Occupation;
    execute.object = unit;
    execute.cycles = timing::occupation(graph.objects[unit], instruction);
    program::Phase latency;
    latency.cycles = instruction.latency;
    instruction.phases = {execute, latency};
  }
  return program;
}

/// Stages of one cycle that contain nothing become queues with one entry.
ArchitectureGraph withQueues(ArchitectureGraph graph, const Program &program) {
  const timing::RouteTable routes(graph, program);
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    arch::Object &object = graph.objects[id];
    const bool isStage = arch::isStage(object.objectClass) &&
                         object.objectClass != arch::ObjectClass::InstructionFetchStage;
    if (!isStage || object.latency != 1 || !graph.contains[id].empty())
      continue;
    object.objectClass = arch::ObjectClass::Queue;
    object.queue.capacity = 1;
    const bool inOrder = routes.merges(id) && object.arbitration == arch::Arbitration::ProgramOrder;
    object.queue.entryOrder = inOrder ? arch::QueueOrder::InOrder : arch::QueueOrder::OldestReady;
  }
  return graph;
}

/// Both forms give the same cycles.
void checkOtherForm(const Evaluator &otherForm) {
  for (const Knobs &knobs : {defaultKnobs(), allKnobs()}) {
    const Comparison comparison =
        compareOnRandomCases(knobs, 500'000, propertyCases(1600) / 4, withoutWaits(runSimulator),
                             withoutWaits(otherForm));
    INFO(comparison.firstFailure);
    CHECK(comparison.failures == 0);
  }
}

} // namespace

TEST_CASE("occupations: classic trees without contention") { checkClassic(cleanKnobs(), 1, false); }

TEST_CASE("occupations: classic contended memories") {
  checkClassic(contentionKnobs(), 100'000, false);
}

TEST_CASE("occupations: classic program order, everything else") {
  checkClassic(defaultKnobs(), 200'000, false);
}

TEST_CASE("occupations: classic oldest first, with deadlocks") {
  checkClassic(allKnobs(), 300'000, true);
}

TEST_CASE("occupations: a functional unit is a phase on it") {
  checkOtherForm([](const ArchitectureGraph &graph, const Program &program,
                    const timing::InstructionObserver &observer) {
    return runOccupations(graph, withPhases(graph, program), observer);
  });
}

TEST_CASE("occupations: a stage of one cycle is a queue of one entry") {
  checkOtherForm([](const ArchitectureGraph &graph, const Program &program,
                    const timing::InstructionObserver &observer) {
    return runOccupations(withQueues(graph, program), program, observer);
  });
}

} // namespace acadlc::test
