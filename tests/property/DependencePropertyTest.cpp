// The cycles that data dependences alone would take: never more than the result of the simulator,
// and equal to the longest path through the dependences of the whole stream, which is found here
// by comparing each instruction with all before it.

#include "backend/aidg/bounds/DependenceBound.h"
#include "backend/timing/StorageModel.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::test {

namespace {

/// A register or some bytes that an instruction uses.
struct Use {
  arch::ObjectId space = arch::noObject; ///< the memory; noObject: registers
  std::int64_t low = 0, high = 0;
  bool isWrite = false;
  friend bool operator==(const Use &, const Use &) = default;
};

bool areDependent(const Use &one, const Use &other) {
  return (one.isWrite || other.isWrite) && one.space == other.space && one.low < other.high &&
         other.low < one.high;
}

/// Cycles from the start on until sources are needed no more, and until the end.
struct Duration {
  std::int64_t read = 0, completed = 0;
};

/// Cycles of a phase that nothing keeps waiting.
std::int64_t cyclesOf(const arch::ArchitectureGraph &graph, const program::Phase &phase) {
  if (phase.kind != program::Phase::Kind::Message)
    return phase.cycles;
  if (phase.channels.empty())
    return 0;
  // Word by word: when each has arrived in the channel before.
  const std::int64_t width = graph.objects[phase.channels.front()].channel.width;
  std::vector<std::int64_t> arrived(static_cast<std::size_t>((phase.bits + width - 1) / width), 0);
  for (const arch::ObjectId id : phase.channels) {
    const arch::Object &channel = graph.objects[id];
    std::int64_t next = 0;
    for (std::int64_t &time : arrived) {
      time = std::max(time, next);
      next = time + channel.channel.interval;
      time += channel.latency;
    }
  }
  return arrived.empty() ? 0 : arrived.back();
}

/// Goes on until no phase ends later.
Duration durationOfPhases(const RandomCase &randomCase, const program::Instruction &instruction) {
  std::vector<std::int64_t> events(program::phaseEnd(instruction.phases.size()), 0);
  for (bool hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (std::size_t i = 0; i != instruction.phases.size(); ++i) {
      std::int64_t end = 0;
      for (const program::EventId event : instruction.phases[i].after)
        end = std::max(end, events[event]);
      end += cyclesOf(randomCase.graph, instruction.phases[i]);
      hasChanged |= end != events[program::phaseEnd(i)];
      events[program::phaseEnd(i)] = end;
      for (const program::Signal &signal : instruction.signals)
        if (signal.phase == i && signal.name == "read")
          events[program::readEvent] = end;
    }
  }
  const bool signalsRead = std::ranges::find(instruction.signals, "read", &program::Signal::name) !=
                           instruction.signals.end();
  const std::int64_t completed = std::ranges::max(events);
  return {signalsRead ? events[program::readEvent] : completed, completed};
}

/// Of storages without a state alone.
Duration durationOf(const RandomCase &randomCase, const program::Instruction &instruction) {
  if (!instruction.phases.empty())
    return durationOfPhases(randomCase, instruction);
  std::int64_t cycles = instruction.latency;
  if (instruction.makesRequests)
    for (const program::MemoryOperand &operand : instruction.memory) {
      const arch::Object &storage = randomCase.graph.objects[operand.storage];
      cycles += timing::transactions(storage, operand.bytes) *
                (operand.isWrite ? storage.writeLatency : storage.readLatency);
    }
  return {cycles, cycles};
}

std::vector<Use> usesOf(const RandomCase &randomCase, const program::Instance &instance) {
  std::vector<Use> uses;
  for (const arch::RegisterId id : instance.instruction->reads)
    uses.push_back({arch::noObject, id, std::int64_t{id} + 1, false});
  for (const arch::RegisterId id : instance.instruction->writes)
    uses.push_back({arch::noObject, id, std::int64_t{id} + 1, true});
  for (const program::MemoryOperand &operand : instance.instruction->memory) {
    const std::int64_t low = randomCase.program.evaluate(operand.address, instance.loopValues);
    uses.push_back({operand.memory, low, low + operand.bytes, operand.isWrite});
  }
  return uses;
}

/// The longest path through the dependences of the stream.
std::int64_t longestPath(const RandomCase &randomCase) {
  struct Finished {
    Use use;
    std::int64_t time = 0;
  };
  std::vector<Finished> older;
  std::int64_t end = 0;
  program::InstructionStream stream(randomCase.program);
  for (program::Instance instance; stream.next(instance);) {
    const std::vector<Use> uses = usesOf(randomCase, instance);
    std::int64_t time = 0;
    for (const Finished &finished : older)
      for (const Use &use : uses)
        if (areDependent(finished.use, use))
          time = std::max(time, finished.time);
    const Duration duration = durationOf(randomCase, *instance.instruction);
    end = std::max(end, time + duration.completed);
    for (const Use &use : uses) { // what is used alike again is waited for then
      const std::int64_t over = time + (use.isWrite ? duration.completed : duration.read);
      const auto known = std::ranges::find(older, use, &Finished::use);
      if (known == older.end())
        older.push_back({use, over});
      else
        known->time = std::max(known->time, over);
    }
  }
  return end;
}

bool hasState(const RandomCase &randomCase) {
  return std::ranges::any_of(randomCase.graph.objects, [](const arch::Object &object) {
    return object.objectClass == arch::ObjectClass::DRAM ||
           object.objectClass == arch::ObjectClass::SetAssociativeCache;
  });
}

struct Summary {
  std::uint64_t cases = 0, exact = 0, leapt = 0, failures = 0;
  std::string firstFailure;

  void fail(const RandomCase &randomCase, const std::string &what) {
    if (failures++ == 0)
      firstFailure = fmt::format("seed {}: {}\n{}", randomCase.seed, what, printCase(randomCase));
  }

  /// \p path: the longest one; nothing if it is not known.
  void compare(const RandomCase &randomCase, std::optional<std::int64_t> path,
               std::optional<std::int64_t> cycles, const aidg::DependenceEffort &effort) {
    const auto bound = aidg::boundByDependences(randomCase.graph, randomCase.program, effort);
    if (!bound)
      return fail(randomCase, "nothing is known");
    ++cases;
    if (cycles && bound->cycles > *cycles)
      fail(randomCase,
           fmt::format("{} cycles, but dependences alone take {}", *cycles, bound->cycles));
    if (path && (bound->cycles > *path || (!bound->isLeast && bound->cycles != *path)))
      fail(randomCase, fmt::format("the longest path takes {}, dependences {}{}", *path,
                                   bound->isLeast ? "at least " : "", bound->cycles));
    if (bound->isLeast)
      return;
    ++exact;
    leapt += randomCase.program.totals()->instructions > effort.instructions ? 1 : 0;
  }
};

using MakeCase = std::function<RandomCase(std::uint64_t)>;

Summary compareCases(const MakeCase &make, const Evaluator &evaluator,
                     const aidg::DependenceEffort &effort) {
  Summary summary;
  for (std::uint64_t seed = 1; seed <= propertyCases(600); ++seed) {
    const RandomCase randomCase = make(seed);
    const timing::Evaluation truth = evaluator(randomCase.graph, randomCase.program, {});
    const std::optional<std::int64_t> path =
        hasState(randomCase) ? std::nullopt : std::optional(longestPath(randomCase));
    const std::optional<std::int64_t> cycles =
        truth.completed() ? std::optional(truth.cycles) : std::nullopt;
    if (path && cycles && *path > *cycles)
      summary.fail(randomCase, "the longest path takes more than the stream");
    summary.compare(randomCase, path, cycles, effort);
  }
  MESSAGE(fmt::format("{} cases, {} exact, {} of them with more instructions than were evaluated",
                      summary.cases, summary.exact, summary.leapt));
  return summary;
}

Summary compareCases(const Knobs &knobs, const aidg::DependenceEffort &effort) {
  return compareCases([&](std::uint64_t seed) { return makeRandomCase(seed, knobs); }, runSimulator,
                      effort);
}

Knobs loopKnobs() {
  Knobs knobs = contentionKnobs();
  knobs.loops = 90;
  knobs.severalOperands = 30;
  knobs.directOperands = 30;
  knobs.tensors = 50;
  knobs.maxInstructions = 800;
  return knobs;
}

} // namespace

TEST_CASE("dependences alone are the longest path of short streams, and no stream ends before") {
  const Summary summary = compareCases(loopKnobs(), {});
  INFO(summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.exact == summary.cases); // short streams are gone through as a whole
}

TEST_CASE("dependences alone: loops are leapt through, whatever their accesses") {
  aidg::DependenceEffort effort;
  effort.longestWhole = 0;
  effort.instructions = 200;
  const Summary summary = compareCases(loopKnobs(), effort);
  INFO(summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.exact * 3 > summary.cases);
  CHECK(summary.leapt * 20 > summary.cases);
}

TEST_CASE("dependences alone: no more than the cycles with everything, addresses not affine too") {
  for (const std::int64_t longestWhole : {0, 64, 1 << 16}) {
    Knobs knobs = allKnobs();
    knobs.generalAddresses = 20;
    aidg::DependenceEffort effort;
    effort.longestWhole = longestWhole;
    effort.instructions = 400;
    const Summary summary = compareCases(knobs, effort);
    INFO(summary.firstFailure);
    CHECK(summary.failures == 0);
    CHECK(summary.exact * 10 > summary.cases);
  }
}

TEST_CASE("dependences alone: instructions with phases and queues") {
  OccupationKnobs knobs;
  knobs.expansions = knobs.hazards = 0;
  knobs.longLoops = 60;
  const auto make = [&](std::uint64_t seed) { return makeOccupationCase(seed, knobs); };
  for (const std::int64_t longestWhole : {0, 1 << 16}) {
    aidg::DependenceEffort effort;
    effort.longestWhole = longestWhole;
    const Summary summary = compareCases(make, runOccupations, effort);
    INFO(summary.firstFailure);
    CHECK(summary.failures == 0);
    CHECK(summary.exact * 2 > summary.cases);
  }
}

TEST_CASE("dependences alone: nothing is said where expansions or hazards decide") {
  std::uint64_t unknown = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, OccupationKnobs{});
    const bool isKnown =
        aidg::whyDependencesAreUnknown(randomCase.graph, randomCase.program).empty();
    CHECK(isKnown == aidg::boundByDependences(randomCase.graph, randomCase.program).has_value());
    unknown += isKnown ? 0 : 1;
  }
  CHECK(unknown > 0);
}

} // namespace acadlc::test
