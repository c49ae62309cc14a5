// Certificates of loops within expansions: true ones are confirmed, wrong ones are refused by the
// place, the time, the state.

#include "backend/aidg/Estimator.h"
#include "backend/simulate/Replay.h"
#include "tests/property/CaseBuilder.h"
#include "tests/property/RandomCase.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace acadlc::simulate {

namespace {

using test::CaseBuilder;
using timing::Certificate;
using Verdict = Replay::Verdict;

/// A unit that expands, two lanes behind it, a lane beside it, a memory.
struct Machine : CaseBuilder {
  arch::ObjectId expanderStage, expander, firstStage, first, secondStage, second, besideStage,
      beside, memory;
  std::vector<program::Phase> phases;

  Machine() {
    fetch({});
    expanderStage = stage(1, {fetchStage()});
    expander = functionalUnit(expanderStage, 1);
    firstStage = stage(1, {expanderStage});
    first = functionalUnit(firstStage, 3);
    secondStage = stage(1, {expanderStage});
    second = functionalUnit(secondStage, 2);
    besideStage = stage(1, {fetchStage()});
    beside = functionalUnit(besideStage, 1);
    memory = sram(1);
  }

  /// Adds a phase, side by side with the others, that hands on \p trips times what \p emitAll
  /// emits, two at a time.
  template <typename EmitAll> void addStream(std::int64_t trips, EmitAll emitAll) {
    const program::RegionId nest = beginNest(expanderStage);
    beginRepeat(trips);
    emitAll();
    endRepeat();
    endNest();
    phases.push_back(test::expanding(nest));
    phases.back().name = "stream" + std::to_string(phases.size());
    phases.back().outstanding = 2;
  }
  program::Instruction &emitFirst() { return emit({firstStage}, first); }
  program::Instruction &emitSecond() { return emit({secondStage}, second); }
  void expand() { emit({expanderStage}, expander).phases = phases; }
  /// \p bytes at \p stride times the iteration.
  [[nodiscard]] program::MemoryOperand at(std::int64_t stride, std::int64_t bytes,
                                          bool isWrite) const {
    program::MemoryOperand operand = access(memory, 0, bytes, isWrite);
    operand.address.terms = {{0, stride}};
    return operand;
  }
};

/// One loop.
Machine oneLoop(std::int64_t trips) {
  Machine machine;
  machine.addStream(trips, [&] {
    machine.emitFirst();
    machine.emitSecond();
  });
  machine.expand();
  return machine;
}

/// Two loops in lock step: the second reads what the first writes.
Machine twoLoops(std::int64_t trips) {
  Machine machine;
  machine.addStream(trips, [&] { machine.emitFirst().memory = {machine.at(4, 4, true)}; });
  machine.addStream(trips, [&] { machine.emitSecond().memory = {machine.at(4, 4, false)}; });
  machine.expand();
  return machine;
}

/// One loop with two writes of 64 bytes, which move by so many bytes an iteration.
Machine twoWrites(std::int64_t firstStride, std::int64_t secondStride) {
  Machine machine;
  machine.addStream(400, [&] {
    machine.emitFirst().memory = {machine.at(firstStride, 64, true)};
    machine.emitSecond().memory = {machine.at(secondStride, 64, true)};
  });
  machine.expand();
  return machine;
}

Certificate certificateOf(CaseBuilder &machine) {
  const std::vector<Certificate> certificates =
      aidg::estimate(machine.graph(), machine.program(), {}).certificates;
  REQUIRE(!certificates.empty());
  REQUIRE(certificates.front().isInExpansion());
  return certificates.front();
}

Replay replayOne(CaseBuilder &machine, const Certificate &certificate) {
  return replay(machine.graph(), machine.program(), {certificate}).front();
}

/// \p certificate as if it had been found \p periods later.
Certificate movedBy(Certificate certificate, std::int64_t periods) {
  certificate.firstCycle += periods * certificate.cyclesPerPeriod;
  certificate.k0 += periods * certificate.period;
  for (timing::ExpandedLoop &loop : certificate.expandedLoops) {
    loop.k0 += periods * loop.period;
    loop.firstInstruction += periods * loop.instructionsPerPeriod;
  }
  return certificate;
}

/// Each of \p certificates with a wrong time, a wrong iteration and a wrong period.
std::vector<Certificate> wrongOnes(const std::vector<Certificate> &certificates) {
  std::vector<Certificate> wrong;
  for (const Certificate &certificate : certificates) {
    wrong.insert(wrong.end(), 3, certificate);
    wrong.rbegin()[0].cyclesPerPeriod += 1;
    wrong.rbegin()[1].k0 = ++wrong.rbegin()[1].expandedLoops.front().k0;
    wrong.rbegin()[2].period = ++wrong.rbegin()[2].expandedLoops.front().period;
  }
  return wrong;
}

} // namespace

TEST_CASE("Replay in expansions: a certificate of the estimator holds") {
  Machine machine = oneLoop(1000);
  const Certificate certificate = certificateOf(machine);
  REQUIRE(certificate.expandedLoops.size() == 1);
  CHECK(certificate.firstCycle > 0);
  const Replay result = replayOne(machine, certificate);
  CHECK(result.finding == "2 periods of 12 cycles, 3 states equal");
  CHECK(result.verdict == Verdict::Holds);
}

TEST_CASE("Replay in expansions: a wrong number of cycles is refused") {
  Machine machine = oneLoop(1000);
  for (const std::int64_t change : {-1, 1, 3}) {
    Certificate wrong = certificateOf(machine);
    wrong.cyclesPerPeriod += change;
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  }
}

TEST_CASE("Replay in expansions: periods that are none are refused") {
  Machine machine = oneLoop(1000);
  Certificate early = certificateOf(machine), backward = early, still = early;
  early.firstCycle = -1;
  backward.cyclesPerPeriod = -12;
  still.cyclesPerPeriod = 0;
  for (const Certificate &wrong : {early, backward, still})
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: a wrong iteration or period is refused") {
  Machine machine = oneLoop(1000);
  for (const std::int64_t change : {-1, 1}) {
    Certificate wrong = certificateOf(machine);
    wrong.expandedLoops[0].k0 += change;
    CHECK(replayOne(machine, wrong).finding ==
          "it names other iterations than those of the loop that it was found in");
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
    wrong.k0 = wrong.expandedLoops[0].k0;
    CHECK(replayOne(machine, wrong).finding.ends_with("of the loop"));
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
    wrong = certificateOf(machine);
    wrong.expandedLoops[0].period += change;
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
    wrong.period = wrong.expandedLoops[0].period;
    CHECK(replayOne(machine, wrong).finding.ends_with("of the loop"));
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  }
}

TEST_CASE("Replay in expansions: another loop, or another instruction, is refused") {
  Machine machine = oneLoop(1000);
  const Certificate certificate = certificateOf(machine);
  Certificate wrong = certificate;
  wrong.loop.begin = SourceLocation::fromRaw(certificate.loop.begin.raw() + 1);
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  for (const bool isIndex : {false, true}) {
    wrong = certificate;
    wrong.expandedLoops[0].index += isIndex ? 1 : 0;
    wrong.expandedLoops[0].phase += isIndex ? 0 : 1;
    CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  }
  wrong = certificate;
  wrong.expandedLoops[0].emission = {1};
  const Replay result = replayOne(machine, wrong);
  CHECK(result.finding.find("phase 1 of instruction 0.1 is not in iteration") != std::string::npos);
  CHECK(result.verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: a loop behind one with loops in it that was left out in part") {
  Machine machine;
  machine.addStream(1, [&] {
    machine.beginRepeat(200);
    machine.beginRepeat(3);
    machine.emitFirst();
    machine.endRepeat();
    machine.endRepeat();
    machine.beginRepeat(300);
    machine.emitSecond();
    machine.endRepeat();
  });
  machine.expand();
  const std::vector<Certificate> certificates =
      aidg::estimate(machine.graph(), machine.program(), {}).certificates;
  REQUIRE(certificates.size() == 2);
  for (const Replay &one : replay(machine.graph(), machine.program(), certificates)) {
    CAPTURE(one.finding);
    CHECK(one.verdict == Verdict::Holds);
  }
  Certificate wrong = certificates[1];
  wrong.expandedLoops[0].firstInstruction -= 3;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: loops in lock step are looked at together") {
  Machine machine = twoLoops(400);
  const Certificate certificate = certificateOf(machine);
  REQUIRE(certificate.expandedLoops.size() == 2);
  CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
  Certificate wrong = certificate;
  wrong.expandedLoops[1].period += 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  // One that is not named has to stand still.
  wrong = certificate;
  wrong.expandedLoops.pop_back();
  const Replay result = replayOne(machine, wrong);
  CHECK(result.finding.ends_with("what expands does not stand alike"));
  CHECK(result.verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: what is under way beside the loop is part of the state") {
  // Of the instruction beside it nothing changes for 5000 cycles but how long it still takes.
  Machine machine;
  machine.emit({machine.besideStage}, machine.beside).latency = 5000;
  machine.addStream(2000, [&] {
    machine.emitFirst();
    machine.emitSecond();
  });
  machine.expand();
  const Certificate certificate = certificateOf(machine);
  CHECK(certificate.firstCycle > 5000);
  CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
  const Certificate wrong = movedBy(certificate, -100);
  const Replay result = replayOne(machine, wrong);
  CHECK(result.finding.ends_with("differ: when what is under way will be over"));
  CHECK(result.verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: how far accesses lie apart is part of the state") {
  Machine machine = twoWrites(4, 4);
  const Certificate certificate = certificateOf(machine);
  CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
  REQUIRE(certificate.k0 + 2 * certificate.period < 40);
  // The same instructions wait for the same ones, but in iteration 64 the last time.
  Machine apart = twoWrites(4, 5);
  const Replay result = replayOne(apart, certificate);
  CHECK(result.finding.ends_with("differ: how far accesses that meet lie apart"));
  CHECK(result.verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: the loop may end behind the second period") {
  Machine longer = oneLoop(1000);
  const Certificate certificate = certificateOf(longer);
  const std::int64_t end = certificate.k0 + 2 * certificate.period;
  Machine machine = oneLoop(end + 1);
  CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
  Machine shorter = oneLoop(end);
  const Replay result = replayOne(shorter, certificate);
  CHECK(result.finding ==
        "not verified: 1 period of 12 cycles, 2 states equal, but the loop ends before a second "
        "period");
  CHECK(result.verdict == Verdict::InPart);
  Machine none = oneLoop(certificate.k0 + certificate.period);
  CHECK(replayOne(none, certificate).verdict == Verdict::Fails);
  Machine never = oneLoop(1);
  CHECK(replayOne(never, certificate).verdict == Verdict::Fails);
}

TEST_CASE("Replay in expansions: what is too far is named, not passed over") {
  Machine machine = oneLoop(1000);
  const Certificate certificate = certificateOf(machine);
  const Certificate far = movedBy(certificate, 50);
  Certificate never = certificate;
  never.cyclesPerPeriod = std::int64_t{1} << 62;
  const std::vector<Replay> results =
      replay(machine.graph(), machine.program(), {far, certificate, never}, {.cycles = 200});
  CHECK(results[0].verdict == Verdict::NotReplayed);
  CHECK(results[0].finding ==
        "not replayed: its second period ends in cycle " +
            std::to_string(far.firstCycle + 2 * far.cyclesPerPeriod) +
            "; the first 200 cycles in which something happens are simulated");
  CHECK(results[1].verdict == Verdict::Holds);
  CHECK(results[2].verdict == Verdict::NotReplayed);
  CHECK(results[2].finding == "not replayed: its second period ends beyond 64 bits");
  // With room for it, the later place is in the steady state as well.
  CHECK(replayOne(machine, far).verdict == Verdict::Holds);
}

namespace {

/// The estimator's certificates hold, and none does that is changed.
void checkOnRandomMachines(test::OccupationKnobs knobs, std::uint64_t firstSeed) {
  knobs.expansions = 100;
  knobs.longExpansions = 80;
  const std::uint64_t cases = std::max<std::size_t>(test::propertyCases(1000) / 5, 100);
  std::uint64_t replayed = 0;
  for (std::uint64_t seed = firstSeed; seed != firstSeed + cases; ++seed) {
    const test::RandomCase randomCase = test::makeOccupationCase(seed, knobs);
    std::vector<Certificate> certificates =
        aidg::estimate(randomCase.graph, randomCase.program, {}).certificates;
    std::erase_if(certificates, [](const Certificate &one) { return !one.isInExpansion(); });
    CAPTURE(seed);
    for (const Replay &one : replay(randomCase.graph, randomCase.program, certificates)) {
      CAPTURE(one.finding);
      CHECK(one.verdict == Verdict::Holds);
      ++replayed;
    }
    for (const Replay &one : replay(randomCase.graph, randomCase.program, wrongOnes(certificates)))
      CHECK(one.verdict == Verdict::Fails);
  }
  INFO(replayed, " of ", cases);
  CHECK(replayed * 4 > cases);
}

} // namespace

TEST_CASE("Replay in expansions: the estimator's certificates hold on random machines") {
  checkOnRandomMachines({}, 2'600'000);
}

TEST_CASE("Replay in expansions: they hold where loops walk through operands") {
  test::OccupationKnobs knobs;
  knobs.walkedOperands = 80;
  knobs.dependences = 100;
  knobs.concurrent = 60;
  checkOnRandomMachines(knobs, 2'700'000);
}

} // namespace acadlc::simulate
