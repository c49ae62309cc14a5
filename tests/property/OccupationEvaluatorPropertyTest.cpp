// The evaluator of several occupations: on classic programs it gives the cycles of the simulator,
// and on random programs with queues, phases, channels and expansions those of the simulator that
// knows them.

#include "backend/simulate/Replay.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace acadlc::test {

namespace {

void checkClassic(const Knobs &knobs, std::uint64_t firstSeed) {
  const std::uint64_t cases = propertyCases(3000);
  const Comparison comparison =
      compareOnRandomCases(knobs, firstSeed, cases, runSimulator, runOccupationEvaluator);
  INFO(comparison.failures, " of ", comparison.cases, " cases\n", comparison.firstFailure);
  CHECK(comparison.failures == 0);
}

} // namespace

TEST_CASE("occupations: classic programs without contention have the simulator's times") {
  checkClassic(cleanKnobs(), 2'000'000);
}

TEST_CASE("occupations: classic programs on contended memories have the simulator's times") {
  checkClassic(contentionKnobs(), 2'100'000);
}

TEST_CASE("occupations: classic programs in program order have the simulator's times") {
  checkClassic(defaultKnobs(), 2'200'000);
}

TEST_CASE("occupations: classic programs with deadlocks have the simulator's times") {
  checkClassic(allKnobs(), 2'300'000);
}

TEST_CASE("occupations: who began in lock step does not ask for who comes after it") {
  // An entry in a list of those that wait outlived its instruction, and its slot came to another.
  const RandomCase randomCase = makeOccupationCase(3'614'471, {});
  const Observation simulated = observe(randomCase, runOccupations);
  CHECK(difference(simulated, observe(randomCase, runOccupationEvaluator)) == "");
}

TEST_CASE("occupations: random cases are mostly free of deadlocks, and times are in order") {
  const std::uint64_t cases = propertyCases(3000);
  std::uint64_t deadlocks = 0;
  for (std::uint64_t seed = 0; seed != cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, {});
    const Observation observation = observe(randomCase, runOccupationEvaluator);
    deadlocks += observation.evaluation.deadlock ? 1 : 0;
    INFO(printOccupationCase(randomCase));
    REQUIRE(!observation.evaluation.overflow);
    if (observation.evaluation.deadlock) {
      REQUIRE(!observation.evaluation.deadlock->waits.empty());
      continue;
    }
    const auto totals = randomCase.program.totals();
    REQUIRE(totals.has_value());
    REQUIRE(static_cast<std::int64_t>(observation.times.size()) ==
            totals->instructions + totals->emitted);
    for (const timing::InstructionTimes &times : observation.times) {
      REQUIRE(times.fetched <= times.issued);
      REQUIRE(times.issued <= times.entered);
      REQUIRE(times.entered <= times.started);
      REQUIRE(times.started <= times.finished);
      REQUIRE(times.released >= times.allocated);
    }
  }
  CHECK(deadlocks * 4 < cases);
}

namespace {

void checkOccupations(const OccupationKnobs &knobs, std::uint64_t firstSeed) {
  const std::uint64_t cases = propertyCases(3000);
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, knobs);
    const Observation simulated = observe(randomCase, runOccupations);
    const Observation evaluated = observe(randomCase, runOccupationEvaluator);
    const bool bothStop = simulated.evaluation.deadlock && evaluated.evaluation.deadlock;
    const std::string what = bothStop ? differenceInDeadlock(*simulated.evaluation.deadlock,
                                                             *evaluated.evaluation.deadlock)
                                      : difference(simulated, evaluated);
    if (what.empty())
      continue;
    FAIL_CHECK(what << "\n" << printOccupationCase(randomCase));
    return;
  }
}

} // namespace

TEST_CASE("occupations: evaluator equals simulator on queues, phases and channels") {
  OccupationKnobs knobs;
  knobs.steps = knobs.expansions = 0;
  checkOccupations(knobs, 3'000'000);
}

TEST_CASE("occupations: evaluator equals simulator on steps and lock step") {
  OccupationKnobs knobs;
  knobs.expansions = 0;
  checkOccupations(knobs, 3'100'000);
}

TEST_CASE("occupations: evaluator equals simulator on expansions") {
  OccupationKnobs knobs;
  knobs.steps = 0;
  checkOccupations(knobs, 3'200'000);
}

TEST_CASE("occupations: evaluator equals simulator on everything") {
  checkOccupations({}, 3'300'000);
}

namespace {

/// Both evaluators stop in the same cycle and give the same waits; enough cases must show it.
void checkDeadlocks(const OccupationKnobs &knobs, std::uint64_t firstSeed) {
  const std::uint64_t cases = propertyCases(3000);
  std::uint64_t deadlocks = 0;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, knobs);
    const timing::Evaluation simulated = runOccupations(randomCase.graph, randomCase.program, {});
    if (!simulated.deadlock)
      continue;
    ++deadlocks;
    const timing::Evaluation evaluated =
        runOccupationEvaluator(randomCase.graph, randomCase.program, {});
    REQUIRE(evaluated.deadlock);
    const std::string what = differenceInDeadlock(*simulated.deadlock, *evaluated.deadlock);
    if (what.empty())
      continue;
    FAIL_CHECK("seed " << seed << ": " << what << printOccupationCase(randomCase));
    return;
  }
  INFO(deadlocks, " deadlocks in ", cases, " cases");
  CHECK(deadlocks * 50 > cases);
}

} // namespace

TEST_CASE("occupations: both evaluators report the same deadlocks: queues, phases and channels") {
  OccupationKnobs knobs;
  knobs.steps = knobs.expansions = 0;
  checkDeadlocks(knobs, 4'200'000);
}

TEST_CASE("occupations: both evaluators report the same deadlocks: expansions") {
  OccupationKnobs knobs;
  knobs.steps = knobs.channels = 0;
  checkDeadlocks(knobs, 4'300'000);
}

TEST_CASE("occupations: both evaluators report the same deadlocks: everything") {
  checkDeadlocks({}, 4'400'000);
}

namespace {

/// Long loops, so that states recur.
OccupationKnobs withLongLoops(OccupationKnobs knobs = {}) {
  knobs.longLoops = 80;
  return knobs;
}

/// How what was extrapolated differs from what was evaluated in full; empty if it does not.
std::string difference(const timing::Evaluation &full, const timing::Evaluation &jumped) {
  if (full.deadlock.has_value() != jumped.deadlock.has_value())
    return full.deadlock ? "only the full evaluation deadlocks" : "only the jump deadlocks";
  if (full.deadlock)
    return differenceInDeadlock(*full.deadlock, *jumped.deadlock);
  if (full.cycles != jumped.cycles)
    return std::to_string(full.cycles) + " and " + std::to_string(jumped.cycles) + " cycles";
  return {};
}

/// Writes the outermost loops of a stream out, as lowering does where iterations differ.
class WrittenOut {
public:
  explicit WrittenOut(program::Program program) : source_(std::move(program)), result_(source_) {}

  program::Program make() {
    result_.regions[result_.root].steps.clear();
    for (const program::Step &step : source_.regions[source_.root].steps)
      if (step.kind == program::Step::Kind::Emit)
        result_.regions[result_.root].steps.push_back(step);
      else
        writeLoop(source_.repeats[step.index]);
    return std::move(result_);
  }

private:
  void writeLoop(const program::Repeat &repeat) {
    for (std::int64_t i = 0; i < repeat.count; ++i)
      for (const program::Step &step : source_.regions[repeat.body].steps) {
        const program::Step written = write(step, repeat.first + i * repeat.step);
        result_.regions[result_.root].steps.push_back(written);
      }
  }

  /// \p step where the outermost loop has \p value.
  program::Step write(program::Step step, std::int64_t value) {
    if (step.kind == program::Step::Kind::Emit) {
      program::Instruction instruction = source_.instructions[step.index];
      for (program::MemoryOperand &operand : instruction.memory)
        fold(operand.address, value);
      result_.instructions.push_back(std::move(instruction));
      return {step.kind, static_cast<std::uint32_t>(result_.instructions.size() - 1)};
    }
    program::Repeat repeat = source_.repeats[step.index];
    --repeat.depth;
    program::Region body;
    for (const program::Step &inner : source_.regions[repeat.body].steps)
      body.steps.push_back(write(inner, value));
    repeat.body = static_cast<program::RegionId>(result_.regions.size());
    result_.regions.push_back(std::move(body));
    result_.repeats.push_back(repeat);
    return {step.kind, static_cast<std::uint32_t>(result_.repeats.size() - 1)};
  }

  static void fold(program::Address &address, std::int64_t value) {
    for (program::Address::Term &term : address.terms)
      if (term.depth == 0)
        address.constant += term.coefficient * value;
    std::erase_if(address.terms,
                  [](const program::Address::Term &term) { return term.depth == 0; });
    for (program::Address::Term &term : address.terms)
      --term.depth;
  }

  program::Program source_, result_;
};

/// Extrapolated cycles must be those of \p evaluator, and a good part of the cases must have been
/// extrapolated: else nothing is shown.
void checkJumps(const OccupationKnobs &knobs, std::uint64_t firstSeed, const Evaluator &evaluator,
                bool isWrittenOut = false) {
  // They are long; of fewer the share that is certified varies too much.
  constexpr std::size_t fewest = 150;
  const std::uint64_t cases = std::max(propertyCases(3000) / 20, fewest);
  std::uint64_t certified = 0;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    RandomCase randomCase = makeOccupationCase(seed, knobs);
    if (isWrittenOut)
      randomCase.program = WrittenOut(randomCase.program).make();
    const timing::Evaluation full = evaluator(randomCase.graph, randomCase.program, nullptr);
    const timing::Evaluation jumped =
        runExtrapolatedOccupations(randomCase.graph, randomCase.program, nullptr);
    certified += jumped.guarantee == timing::Guarantee::Certified ? 1 : 0;
    REQUIRE(jumped.certificates.empty() == (jumped.guarantee == timing::Guarantee::Exact));
    const std::string what = difference(full, jumped);
    if (what.empty())
      continue;
    FAIL_CHECK("seed " << seed << ": " << what << "\n" << printOccupationCase(randomCase));
    return;
  }
  INFO(certified, " of ", cases, " certified");
  CHECK(certified * 4 > cases);
}

} // namespace

TEST_CASE("occupations: extrapolated loops equal the simulator on queues, phases and channels") {
  OccupationKnobs knobs = withLongLoops();
  knobs.steps = knobs.expansions = 0;
  checkJumps(knobs, 3'400'000, runOccupations);
}

TEST_CASE("occupations: extrapolated loops equal the simulator on steps and lock step") {
  OccupationKnobs knobs = withLongLoops();
  knobs.expansions = 0;
  checkJumps(knobs, 3'500'000, runOccupations);
}

TEST_CASE("occupations: extrapolated loops equal the simulator on expansions") {
  OccupationKnobs knobs = withLongLoops();
  knobs.steps = 0;
  checkJumps(knobs, 3'600'000, runOccupations);
}

TEST_CASE("occupations: extrapolated loops equal the simulator on everything") {
  checkJumps(withLongLoops(), 3'700'000, runOccupations);
}

namespace {

timing::Evaluation evaluateInFull(const arch::ArchitectureGraph &graph,
                                  const program::Program &program,
                                  const timing::InstructionObserver & /*none*/) {
  aidg::EstimateOptions options;
  options.extrapolate = false;
  return aidg::evaluateOccupations(graph, program, options);
}

/// The same; a good part must have been extrapolated at loops within expansions.
void checkExpandedJumps(const OccupationKnobs &knobs, std::uint64_t firstSeed,
                        const Evaluator &evaluator) {
  const std::uint64_t cases = propertyCases(3000) / 5;
  std::uint64_t certified = 0;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const RandomCase randomCase = makeOccupationCase(seed, knobs);
    const timing::Evaluation full = evaluator(randomCase.graph, randomCase.program, nullptr);
    const timing::Evaluation jumped =
        runExtrapolatedOccupations(randomCase.graph, randomCase.program, nullptr);
    certified += std::ranges::any_of(jumped.certificates, &timing::Certificate::isInExpansion);
    const std::string what = difference(full, jumped);
    if (what.empty())
      continue;
    FAIL_CHECK("seed " << seed << ": " << what << "\n" << printOccupationCase(randomCase));
    return;
  }
  INFO(certified, " of ", cases, " certified");
  CHECK(certified * 10 > cases);
}

} // namespace

TEST_CASE("occupations: extrapolated loops equal full evaluation of longer ones") {
  OccupationKnobs knobs = withLongLoops();
  knobs.maxInstructions = 20'000;
  checkJumps(knobs, 3'800'000, evaluateInFull);
}

TEST_CASE("occupations: loops within expansions equal the simulator") {
  OccupationKnobs knobs;
  knobs.expansions = 100;
  knobs.longExpansions = 80;
  checkExpandedJumps(knobs, 4'000'000, runOccupations);
}

TEST_CASE("occupations: longer loops within expansions equal full evaluation") {
  OccupationKnobs knobs;
  knobs.expansions = 100;
  knobs.longExpansions = 80;
  knobs.maxInstructions = 6'000;
  checkExpandedJumps(knobs, 4'100'000, evaluateInFull);
}

namespace {

OccupationKnobs withWalkedOperands() {
  OccupationKnobs knobs;
  knobs.expansions = 100;
  knobs.longExpansions = 80;
  knobs.walkedOperands = 80;
  knobs.dependences = 100;
  knobs.concurrent = 60;
  return knobs;
}

} // namespace

TEST_CASE("occupations: loops that walk through operands of who expands equal the simulator") {
  checkExpandedJumps(withWalkedOperands(), 4'500'000, runOccupations);
}

TEST_CASE("occupations: a word that arrives and ends nothing is not the last that happens") {
  const RandomCase randomCase = makeOccupationCase(4'508'308, withWalkedOperands());
  const Observation simulated = observe(randomCase, runOccupations);
  REQUIRE(simulated.evaluation.deadlock);
  CHECK(difference(simulated, observe(randomCase, runOccupationEvaluator)) == "");
}

TEST_CASE("occupations: the same where expansions hand on without hazards and nesting") {
  OccupationKnobs knobs = withWalkedOperands();
  knobs.nested = knobs.hazards = knobs.steps = 0;
  knobs.channels = knobs.phases = 30;
  checkExpandedJumps(knobs, 4'600'000, runOccupations);
}

TEST_CASE("occupations: longer loops that walk through operands equal full evaluation") {
  OccupationKnobs knobs = withWalkedOperands();
  knobs.maxInstructions = 6'000;
  checkExpandedJumps(knobs, 4'700'000, evaluateInFull);
}

TEST_CASE("occupations: loops that are written out equal full evaluation") {
  checkJumps(withLongLoops(), 3'900'000, evaluateInFull, true);
}

TEST_CASE("occupations: certificates of loops that are written out hold in the simulator") {
  // A share is asked of enough cases to have one.
  const std::uint64_t cases = std::max<std::uint64_t>(propertyCases(3000) / 20, 100);
  std::uint64_t writtenOut = 0;
  for (std::uint64_t seed = 3'950'000; seed != 3'950'000 + cases; ++seed) {
    RandomCase randomCase = makeOccupationCase(seed, withLongLoops());
    randomCase.program = WrittenOut(randomCase.program).make();
    const std::vector<timing::Certificate> certificates =
        runExtrapolatedOccupations(randomCase.graph, randomCase.program, nullptr).certificates;
    const std::vector<simulate::Replay> replays =
        simulate::replay(randomCase.graph, randomCase.program, certificates);
    for (std::size_t i = 0; i != replays.size(); ++i) {
      CAPTURE(seed);
      CAPTURE(replays[i].finding);
      CHECK(replays[i].verdict != simulate::Replay::Verdict::Fails);
      writtenOut += certificates[i].isWrittenOut ? 1 : 0;
    }
  }
  CHECK(writtenOut * 4 > cases);
}

} // namespace acadlc::test
