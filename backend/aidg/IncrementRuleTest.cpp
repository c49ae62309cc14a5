// Kernels on which a rule on increments is wrong, each with the value that the rule gives. The rule
// is the published one: as soon as two iterations in a row add the same number of cycles, every
// later one is taken to add as many. The estimator has to give what the evaluation of every
// instruction gives.

#include "backend/aidg/Estimator.h"
#include "backend/simulate/Simulator.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

namespace {

using arch::ObjectId;
using arch::RegisterId;
using test::CaseBuilder;

/// When every iteration of the innermost loops has finished, with all that is older.
struct IterationEnds {
  std::vector<std::int64_t> ends;
  std::int64_t cycles = 0;
};

/// Evaluates every instruction.
IterationEnds evaluateFully(CaseBuilder &machine) {
  IterationEnds result;
  std::int64_t end = 0;
  EstimateOptions options;
  options.extrapolate = false;
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &times) {
    end = std::max(end, times.finished);
    if (instance.kernelIteration < 0)
      return;
    result.ends.resize(static_cast<std::size_t>(instance.kernelIteration) + 1);
    result.ends.back() = end;
  };
  result.cycles = estimate(machine.graph(), machine.program(), options).cycles;
  return result;
}

/// What the rule makes of it, and where.
struct Guess {
  std::size_t iteration = 0; ///< from 0: the last that it looked at
  std::int64_t cycles = 0;
};
/// Nothing if there are never \p patience equal increments in a row.
std::optional<Guess> guessByIncrements(const std::vector<std::int64_t> &ends,
                                       std::size_t patience = 2) {
  std::size_t equal = 1;
  for (std::size_t k = 2; k < ends.size(); ++k) {
    const std::int64_t increment = ends[k] - ends[k - 1];
    equal = increment == ends[k - 1] - ends[k - 2] ? equal + 1 : 1;
    if (equal == patience)
      return Guess{k, ends[k] + static_cast<std::int64_t>(ends.size() - 1 - k) * increment};
  }
  return std::nullopt;
}

/// The estimate is certified and equals full evaluation, which is given back, and the simulator.
IterationEnds checkCertified(CaseBuilder &machine) {
  const timing::Evaluation estimated = estimate(machine.graph(), machine.program(), {});
  CHECK(estimated.guarantee == timing::Guarantee::Certified);
  IterationEnds full = evaluateFully(machine);
  CHECK(estimated.cycles == full.cycles);
  CHECK(estimated.evaluatedIterations < static_cast<std::int64_t>(full.ends.size()));
  CHECK(simulate::simulate(machine.graph(), machine.program(), {}).cycles == full.cycles);
  return full;
}

/// The inner loop of an output-stationary array, `size` x `size`, as std/systolic_array emits it:
/// the fetch brings size² instructions, the memory takes 4 cycles.
class OutputStationaryArray {
public:
  OutputStationaryArray(std::size_t size, std::int64_t steps) : size_(size) {
    const auto width = static_cast<std::int64_t>(size * size);
    machine.fetch({width, 2 * width, 1, 1, 0});
    machine.registers(3 * width);
    memory_ = machine.sram(4, static_cast<std::int64_t>(3 * size));
    for (std::size_t i = 0; i != 2 * size; ++i) {
      const ObjectId stage = machine.stage(1, {machine.fetchStage()});
      loaders_.push_back({stage, machine.accessUnit(stage, 1, {memory_})});
    }
    for (std::size_t i = 0; i != size * size; ++i) {
      const ObjectId stage = machine.stage(1, {machine.fetchStage()});
      const ObjectId multiply = machine.functionalUnit(stage, 1);
      elements_.push_back({stage, multiply, machine.functionalUnit(stage, 1)});
    }
    for (std::size_t i = 0; i != size * size; ++i)
      machine.emit({elements_[i].stage}, elements_[i].multiply, {}, {sum(i)});
    machine.beginRepeat(steps);
    for (std::size_t r = 0; r != size; ++r)
      load(r, left(r * size));
    for (std::size_t c = 0; c != size; ++c)
      load(size + c, top(c));
    for (std::size_t i = 0; i != size * size; ++i)
      step(i);
    machine.endRepeat();
  }

  CaseBuilder machine;

private:
  struct Loader {
    ObjectId stage, unit;
  };
  struct Element {
    ObjectId stage, multiply, hand;
  };

  [[nodiscard]] static RegisterId left(std::size_t i) { return static_cast<RegisterId>(3 * i); }
  [[nodiscard]] static RegisterId top(std::size_t i) { return static_cast<RegisterId>(3 * i + 1); }
  [[nodiscard]] static RegisterId sum(std::size_t i) { return static_cast<RegisterId>(3 * i + 2); }

  void load(std::size_t loader, RegisterId target) {
    program::Instruction &instruction =
        machine.emit({loaders_[loader].stage}, loaders_[loader].unit, {}, {target});
    instruction.memory = {machine.access(memory_, static_cast<std::int64_t>(4 * loader), 4, false)};
  }

  /// Multiplies and hands both operands on.
  void step(std::size_t i) {
    const Element &element = elements_[i];
    machine.emit({element.stage}, element.multiply, {sum(i), left(i), top(i)}, {sum(i)});
    if (i % size_ + 1 != size_)
      machine.emit({element.stage}, element.hand, {left(i)}, {left(i + 1)});
    if (i / size_ + 1 != size_)
      machine.emit({element.stage}, element.hand, {top(i)}, {top(i + size_)});
  }

  std::size_t size_;
  ObjectId memory_ = arch::noObject;
  std::vector<Loader> loaders_;
  std::vector<Element> elements_;
};

/// A unit that reads \p inner words, \p stride bytes apart, and that \p outer times.
void readAgainAndAgain(CaseBuilder &machine, ObjectId storage, std::int64_t outer,
                       std::int64_t inner, std::int64_t stride) {
  const ObjectId stage = machine.stage(1, {machine.fetchStage()});
  const ObjectId unit = machine.accessUnit(stage, 1, {storage});
  machine.beginRepeat(outer);
  machine.beginRepeat(inner);
  program::Instruction &load = machine.emit({stage}, unit, {}, {0});
  load.memory = {machine.access(storage, 0, 4, false)};
  load.memory[0].address.terms = {{1, stride}};
  machine.endRepeat();
  machine.endRepeat();
}

} // namespace

TEST_CASE("increment rule: a stream with a head start hides a slower one") {
  // The first instruction holds the fast unit back for 100 cycles. From then on it finishes an
  // instruction a cycle, behind the slow unit's one every 2 cycles, until that has caught up.
  CaseBuilder machine;
  machine.fetch({2, 512, 0, 1, 0});
  machine.registers(2);
  const ObjectId fastStage = machine.stage(1, {machine.fetchStage()});
  const ObjectId fast = machine.functionalUnit(fastStage, 1);
  const ObjectId slowStage = machine.stage(1, {machine.fetchStage()});
  const ObjectId slow = machine.functionalUnit(slowStage, 2);
  machine.emit({fastStage}, fast, {}, {0}).latency = 100;
  machine.beginRepeat(10'000);
  machine.emit({fastStage}, fast, {}, {0}).latency = 1;
  machine.emit({slowStage}, slow, {}, {1}).latency = 2;
  machine.endRepeat();

  const IterationEnds full = checkCertified(machine);
  const std::optional<Guess> guess = guessByIncrements(full.ends);
  REQUIRE(guess.has_value());
  CHECK(guess->iteration == 2);
  // The head ends in cycle 102, and every iteration seems to add one; the slow unit takes 2 from
  // cycle 3 on.
  CHECK(guess->cycles == 10'102);
  const std::optional<Guess> patient = guessByIncrements(full.ends, 50);
  REQUIRE(patient.has_value());
  CHECK(patient->cycles == guess->cycles);
  CHECK(full.cycles == 20'003);
}

TEST_CASE("increment rule: the 4 x 4 array grows by 7, 7, then 6, 7") {
  OutputStationaryArray array(4, 9216);
  const IterationEnds full = checkCertified(array.machine);
  const std::optional<Guess> guess = guessByIncrements(full.ends);
  REQUIRE(guess.has_value());
  CHECK(guess->iteration == 2);
  // 7.7 % too much: the rule sees 7 cycles an iteration where there are 6.5.
  CHECK(guess->cycles == 64'522);
  CHECK(full.cycles == 59'916);
}

TEST_CASE("increment rule: on the 2 x 2 array it never answers") {
  OutputStationaryArray array(2, 9216);
  const IterationEnds full = checkCertified(array.machine);
  // 6, 7, 6, 7, …: no two increments in a row are equal.
  CHECK(!guessByIncrements(full.ends).has_value());
  CHECK(full.cycles == 59'911);
}

TEST_CASE("increment rule: a cold cache") {
  // 16 lines are brought in once and read 1000 times.
  CaseBuilder machine;
  machine.fetch({1, 4, 0, 1, 0});
  machine.registers(1);
  const ObjectId memory = machine.sram(20);
  readAgainAndAgain(machine, machine.cache(16, 1, 32, 1, 2, memory), 1000, 16, 32);

  const IterationEnds full = checkCertified(machine);
  const std::optional<Guess> guess = guessByIncrements(full.ends);
  REQUIRE(guess.has_value());
  CHECK(guess->iteration == 2);
  // A miss moves 8 words of 20 cycles: 163 cycles a read. All but the first 16 reads take 2.
  CHECK(guess->cycles == 2'608'002);
  CHECK(full.cycles == 34'578);
}

TEST_CASE("increment rule: the end of an open row") {
  // Two rows of a bank with 16 words each: behind the first word of a row, every read is as quick
  // as the one before.
  CaseBuilder machine;
  machine.fetch({1, 4, 0, 1, 0});
  machine.registers(1);
  readAgainAndAgain(machine, machine.dram(4, 1, 1, 64, 10, 10, 20), 1000, 32, 4);

  const IterationEnds full = checkCertified(machine);
  const std::optional<Guess> guess = guessByIncrements(full.ends);
  REQUIRE(guess.has_value());
  CHECK(guess->iteration == 2);
  // 1999 times, the other row has to be opened: 20 cycles each.
  CHECK(guess->cycles == 160'012);
  CHECK(full.cycles == 199'992);
}

} // namespace acadlc::aidg
