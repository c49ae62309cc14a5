// Evaluating an instruction allocates nothing: whoever evaluates more trips of a loop, one by one,
// asks for no more memory than for fewer.

#include "backend/aidg/Estimator.h"
#include "tests/property/CaseBuilder.h"
#include "tests/property/RandomCase.h"
#include "tests/property/RandomOccupationCase.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

/// Allocations of this thread so far.
thread_local std::int64_t allocations = 0;

} // namespace

// What the standard lets a program replace; the other forms end in these, or belong together.
void *operator new(std::size_t size, const std::nothrow_t & /*tag*/) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void *operator new(std::size_t size) {
  if (void *const memory = operator new(size, std::nothrow))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void *memory, const std::nothrow_t & /*tag*/) noexcept { std::free(memory); }

namespace acadlc::aidg {

namespace {

using arch::ObjectId;
using test::CaseBuilder;

struct Counted {
  std::int64_t allocations = 0, instructions = 0;
  bool completed = true; ///< no deadlock
};

/// Evaluates every instruction, with \p times as many trips of the outermost loops.
Counted countAllocations(const arch::ArchitectureGraph &graph, program::Program program,
                         std::int64_t times, bool inOrderOfTime) {
  for (program::Repeat &repeat : program.repeats)
    if (repeat.depth == 0)
      repeat.count *= times;
  EstimateOptions options;
  options.extrapolate = false;
  options.forceTimeOrder = inOrderOfTime;
  const std::int64_t before = allocations;
  const timing::Evaluation result = estimate(graph, program, options);
  return {allocations - before, result.instructions, !result.deadlock};
}

void checkNoneIsAdded(CaseBuilder &machine, bool inOrderOfTime) {
  CAPTURE(inOrderOfTime);
  const Counted few = countAllocations(machine.graph(), machine.program(), 1, inOrderOfTime);
  const Counted many = countAllocations(machine.graph(), machine.program(), 4, inOrderOfTime);
  REQUIRE(many.instructions > few.instructions + 10'000);
  REQUIRE(many.completed);
  CHECK(many.allocations == few.allocations);
}

} // namespace

TEST_CASE("the counter counts") {
  const std::int64_t before = allocations;
  const std::vector<std::int64_t> some(100);
  CHECK(allocations == before + 1);
}

TEST_CASE("no allocation per instruction: registers and independent units") {
  CaseBuilder machine;
  machine.fetch({2, 8});
  machine.registers(4);
  const ObjectId first = machine.stage(1, {machine.fetchStage()});
  const ObjectId second = machine.stage(2, {machine.fetchStage()});
  const ObjectId fast = machine.functionalUnit(first, 1), slow = machine.functionalUnit(second, 3);
  machine.beginRepeat(4000);
  machine.emit({first}, fast, {0, 1}, {2});
  machine.emit({second}, slow, {2}, {0});
  machine.emit({first}, fast, {3}, {3});
  machine.endRepeat();
  for (const bool inOrderOfTime : {false, true})
    checkNoneIsAdded(machine, inOrderOfTime);
}

TEST_CASE("no allocation per instruction: a fetch that runs far ahead of a slow unit") {
  CaseBuilder machine;
  machine.fetch({4, 64});
  machine.registers(2);
  const ObjectId first = machine.stage(1, {machine.fetchStage()});
  const ObjectId second = machine.stage(1, {machine.fetchStage()});
  const ObjectId fast = machine.functionalUnit(first, 1), slow = machine.functionalUnit(second, 1);
  machine.beginRepeat(2000);
  machine.emit({second}, slow, {}, {0}).latency = 3000;
  for (int i = 0; i != 7; ++i)
    machine.emit({first}, fast, {}, {1});
  machine.endRepeat();
  for (const bool inOrderOfTime : {false, true})
    checkNoneIsAdded(machine, inOrderOfTime);
}

TEST_CASE("no allocation per instruction: stages that merge, a cache, dependences by address") {
  CaseBuilder machine;
  machine.fetch({3, 9});
  machine.registers(2);
  const ObjectId left = machine.stage(1, {machine.fetchStage()});
  const ObjectId right = machine.stage(2, {machine.fetchStage()});
  const ObjectId merged = machine.stage(1, {left, right});
  machine.object(merged).arbitration = arch::Arbitration::OldestFirst;
  const ObjectId dram = machine.dram(2, 1, 4, 64, 3, 3, 5);
  const ObjectId cache = machine.cache(4, 2, 16, 1, 2, dram);
  const ObjectId access = machine.accessUnit(merged, 1, {cache});
  const ObjectId unit = machine.functionalUnit(merged, 2);
  machine.beginRepeat(2000);
  // The sides share no registers and no bytes: a younger instruction that gets ahead needs nothing
  // of an older one.
  for (const bool isLeft : {true, false}) {
    const std::vector<ObjectId> route = {isLeft ? left : right, merged};
    const arch::RegisterId data = isLeft ? 0 : 1;
    const std::int64_t base = isLeft ? 0 : 1 << 20;
    program::Instruction &load = machine.emit(route, access, {}, {data});
    load.memory.push_back(machine.access(cache, base, 8, false));
    load.memory.back().address.terms.push_back({0, 4});
    machine.emit(route, unit, {data}, {data});
    program::Instruction &store = machine.emit(route, access, {data}, {});
    store.memory.push_back(machine.access(cache, base + 8, 8, true));
    store.memory.back().address.terms.push_back({0, 4});
  }
  machine.endRepeat();
  checkNoneIsAdded(machine, true);
}

TEST_CASE("no allocation per instruction: grants in program order, shared with the fetch") {
  CaseBuilder machine;
  const ObjectId memory = machine.sram(2, 2);
  machine.object(memory).arbitration = arch::Arbitration::ProgramOrder;
  machine.fetch({2, 6}, memory);
  machine.registers(2);
  const ObjectId left = machine.stage(1, {machine.fetchStage()});
  const ObjectId right = machine.stage(3, {machine.fetchStage()});
  const ObjectId first = machine.accessUnit(left, 1, {memory});
  const ObjectId second = machine.accessUnit(right, 1, {memory});
  machine.beginRepeat(3000);
  machine.emit({left}, first, {}, {0}).memory.push_back(machine.access(memory, 0, 8, false));
  machine.emit({right}, second, {0}, {}).memory.push_back(machine.access(memory, 64, 4, true));
  machine.endRepeat();
  checkNoneIsAdded(machine, true);
}

TEST_CASE("no allocation per instruction: random machines and programs") {
  // Queues grow to the most that they ever hold, which may be later than in the first trips. A
  // queue of 2^k entries has grown k times at most.
  constexpr std::int64_t mostGrowth = 32;
  std::int64_t compared = 0;
  const auto compare = [&](test::Knobs knobs, std::uint64_t firstSeed, bool inOrderOfTime) {
    knobs.loops = 100;
    for (std::uint64_t seed = firstSeed; seed != firstSeed + 40; ++seed) {
      CAPTURE(seed);
      const test::RandomCase some = test::makeRandomCase(seed, knobs);
      const Counted few = countAllocations(some.graph, some.program, 8, inOrderOfTime);
      const Counted many = countAllocations(some.graph, some.program, 32, inOrderOfTime);
      if (many.instructions < few.instructions + 2000 || !many.completed)
        continue;
      ++compared;
      CHECK(many.allocations <= few.allocations + mostGrowth);
    }
  };
  for (const bool inOrderOfTime : {false, true}) {
    CAPTURE(inOrderOfTime);
    compare(test::cleanKnobs(), 5'000'000, inOrderOfTime);
    compare(test::defaultKnobs(), 5'100'000, inOrderOfTime);
    compare(test::streamKnobs(), 5'200'000, inOrderOfTime);
    compare(test::allKnobs(), 5'300'000, inOrderOfTime);
  }
  CHECK(compared > 200);
}

/// With \p times as many trips of the loops of the fetched stream.
program::Program lengthened(program::Program program, std::int64_t times) {
  for (const program::Step &step : program.regions[program.root].steps)
    if (step.kind == program::Step::Kind::Repeat)
      program.repeats[step.index].count *= times;
  return program;
}

std::int64_t instructionsOf(const program::Program &program) {
  const auto totals = program.totals();
  return totals ? totals->instructions + totals->emitted : 0;
}

/// Random machines with instructions of several occupations.
void compareOccupations(const test::OccupationKnobs &knobs, std::int64_t trips,
                        std::int64_t mostGrowth) {
  std::int64_t compared = 0;
  for (std::uint64_t seed = 6'000'000; seed != 6'001'000; ++seed) {
    CAPTURE(seed);
    const test::RandomCase some = test::makeOccupationCase(seed, knobs);
    const program::Program few = lengthened(some.program, trips), many = lengthened(few, 5);
    const std::int64_t added = instructionsOf(many) - instructionsOf(few);
    if (added < 20 * mostGrowth || added > 300'000)
      continue;
    const Counted before = countAllocations(some.graph, few, 1, false);
    if (!before.completed)
      continue;
    ++compared;
    const Counted after = countAllocations(some.graph, many, 1, false);
    CHECK(after.allocations <= before.allocations + mostGrowth);
  }
  CHECK(compared > 5);
}

TEST_CASE("no allocation per instruction: queues, phases and expansions") {
  // As above, and the lists of the calendar grow one by one.
  test::OccupationKnobs knobs;
  knobs.channels = 0;
  compareOccupations(knobs, 100, 300);
}

TEST_CASE("no allocation per instruction: channels") {
  // Messages without credits may wait in any number, so there are more and more of them on some
  // machines.
  compareOccupations({}, 20, 300);
}

} // namespace acadlc::aidg
