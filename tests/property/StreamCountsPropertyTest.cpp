// What a stream asks of its objects is found from the loops. Held against walking through the whole
// stream, and, where it is stated as a limit, against the simulator: no stream ends before any of
// its limits.

#include "backend/analysis/Resources.h"
#include "backend/analysis/StreamCounts.h"
#include "backend/timing/Machine.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace acadlc::test {

namespace {

using analysis::ObjectCounts;

/// The accesses and passages of every instance, one by one.
class Walk {
public:
  explicit Walk(const RandomCase &randomCase)
      : graph_(randomCase.graph), program_(randomCase.program), empty_(program_.findEmptyRegions()),
        objects_(graph_.objects.size()) {
    program::InstructionStream stream(program_);
    go(stream);
  }
  [[nodiscard]] const std::vector<ObjectCounts> &objects() const { return objects_; }

private:
  void go(program::InstructionStream &stream) {
    program::Instance instance;
    while (stream.next(instance))
      take(*instance.instruction);
  }

  void take(const program::Instruction &instruction) {
    const program::Route &route = program_.routes[instruction.route];
    for (const arch::ObjectId id : route.stages)
      ++objects_[id].uses;
    ++objects_[route.unit].uses;
    for (std::size_t i = 0; i < instruction.memory.size(); ++i) {
      const program::MemoryOperand &operand = instruction.memory[i];
      if (!isHandedOn(instruction, i))
        access(operand.storage, operand.isWrite, operand.bytes - operand.gaps);
    }
    for (const arch::RegisterId id : instruction.reads)
      access(graph_.fileOfRegister(id), false, registerBytes(id));
    for (const arch::RegisterId id : instruction.writes)
      access(graph_.fileOfRegister(id), true, registerBytes(id));
    for (const program::Phase &phase : instruction.phases) {
      for (const arch::ObjectId id : phase.channels)
        ++objects_[id].uses;
      for (const program::Holding &holding : phase.holding)
        objects_[holding.object].uses +=
            graph_.objects[holding.object].objectClass == arch::ObjectClass::Queue ? 1 : 0;
      if (phase.kind != program::Phase::Kind::Expansion)
        continue;
      program::InstructionStream body(program_, phase.body, empty_);
      go(body);
    }
  }

  /// Whether what an instruction of this operation expands to names the operand.
  [[nodiscard]] bool isHandedOn(const program::Instruction &instruction, std::size_t index) const {
    return std::ranges::any_of(program_.instructions, [&](const program::Instruction &other) {
      return other.operation == instruction.operation &&
             std::ranges::any_of(other.phases, [&](const program::Phase &phase) {
               return phase.kind == program::Phase::Kind::Expansion &&
                      (names(phase.body, index) ||
                       (isSecond(other, index) && names(phase.body, index - 1)));
             });
    });
  }

  /// Whether operand \p index is what an `inout` operand writes: what is emitted names the read.
  [[nodiscard]] static bool isSecond(const program::Instruction &instruction, std::size_t index) {
    const auto &memory = instruction.memory;
    return index > 0 && index < memory.size() && memory[index].isWrite &&
           !memory[index - 1].isWrite && memory[index - 1].address == memory[index].address &&
           memory[index - 1].tensor == memory[index].tensor;
  }

  [[nodiscard]] bool names(program::RegionId region, std::size_t base) const {
    return std::ranges::any_of(program_.regions[region].steps, [&](const program::Step &step) {
      if (step.kind == program::Step::Kind::Repeat)
        return names(program_.repeats[step.index].body, base);
      return std::ranges::any_of(program_.instructions[step.index].memory,
                                 [&](const auto &operand) { return operand.base == base; });
    });
  }

  [[nodiscard]] std::int64_t registerBytes(arch::RegisterId id) const {
    return (graph_.objects[graph_.fileOfRegister(id)].dataWidth + 7) / 8;
  }

  void access(arch::ObjectId id, bool isWrite, std::int64_t bytes) {
    ObjectCounts &counts = objects_[id];
    ++counts.uses;
    ++(isWrite ? counts.writes : counts.reads);
    (isWrite ? counts.bytesWritten : counts.bytesRead) += bytes;
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::vector<bool> empty_;
  std::vector<ObjectCounts> objects_;
};

bool isFetching(const arch::ArchitectureGraph &graph, arch::ObjectId id) {
  const auto path = timing::fetchPath(graph);
  return path && (id == path->stage || id == path->unit || id == path->storage);
}

bool sameCounts(const ObjectCounts &left, const ObjectCounts &right) {
  return left.uses == right.uses && left.reads == right.reads && left.writes == right.writes &&
         left.bytesRead == right.bytesRead && left.bytesWritten == right.bytesWritten;
}

struct Summary {
  std::uint64_t cases = 0, completed = 0, close = 0, failures = 0;
  std::string firstFailure;

  void fail(std::uint64_t seed, const std::string &what) {
    if (failures++ == 0)
      firstFailure = fmt::format("seed {}: {}", seed, what);
  }

  void compareCounts(const RandomCase &randomCase, const std::vector<ObjectCounts> &counts) {
    const Walk walk(randomCase);
    for (arch::ObjectId id = 0; id < counts.size(); ++id)
      if (!isFetching(randomCase.graph, id) && !sameCounts(counts[id], walk.objects()[id]))
        fail(randomCase.seed, randomCase.graph.objects[id].name + " is counted otherwise");
  }

  void compareLimits(const RandomCase &randomCase, const std::vector<ObjectCounts> &counts,
                     const Evaluator &evaluator) {
    const timing::Evaluation truth = evaluator(randomCase.graph, randomCase.program, {});
    if (!truth.completed())
      return;
    ++completed;
    const auto resources = analysis::groupResources(randomCase.graph, counts);
    std::int64_t largest = 0;
    for (const analysis::SoleLimit &limit : analysis::soleLimits(*resources)) {
      largest = std::max(largest, limit.cycles);
      if (limit.cycles > truth.cycles)
        fail(randomCase.seed, fmt::format("{} cycles, but {} alone would take {}", truth.cycles,
                                          limit.object, limit.cycles));
    }
    close += largest * 4 > truth.cycles * 3 ? 1 : 0;
  }
};

/// Lets about half of the operations of \p program multiply and accumulate: other ones for each
/// \p seed. That takes no part in the time, but is a limit of its own.
void giveMacs(program::Program &program, std::uint64_t seed) {
  for (program::Instruction &instruction : program.instructions) {
    std::uint64_t sum = seed;
    for (const char letter : instruction.operation)
      sum += static_cast<unsigned char>(letter);
    if (sum % 2 == 0)
      instruction.macs = 1;
  }
}

Summary compareCases(const std::function<RandomCase(std::uint64_t)> &make,
                     const Evaluator &evaluator) {
  Summary summary;
  for (std::uint64_t seed = 1; seed <= propertyCases(600); ++seed) {
    RandomCase randomCase = make(seed);
    giveMacs(randomCase.program, seed);
    const auto counts = analysis::countStream(randomCase.graph, randomCase.program);
    REQUIRE(counts);
    ++summary.cases;
    summary.compareCounts(randomCase, *counts);
    summary.compareLimits(randomCase, *counts, evaluator);
  }
  MESSAGE(fmt::format("{} cases, {} ended, of {} a limit is more than 75 % of the cycles",
                      summary.cases, summary.completed, summary.close));
  return summary;
}

} // namespace

TEST_CASE("what streams ask of objects is counted, and no stream ends before its limits") {
  const Summary summary = compareCases(
      [](std::uint64_t seed) { return makeRandomCase(seed, allKnobs()); }, runSimulator);
  INFO(summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.completed * 2 > summary.cases);
  CHECK(summary.close * 10 > summary.cases); // limits that say nothing would hold, too
}

TEST_CASE("the same for instructions of several occupations") {
  const Summary summary =
      compareCases([](std::uint64_t seed) { return makeOccupationCase(seed, OccupationKnobs{}); },
                   runOccupations);
  INFO(summary.firstFailure);
  CHECK(summary.failures == 0);
  CHECK(summary.completed * 2 > summary.cases);
}

} // namespace acadlc::test
