// Certificates that hold are confirmed, wrong ones are refused: by the time, the place, the length
// of the period, the state.

#include "backend/simulate/Replay.h"

#include "backend/aidg/Estimator.h"
#include "backend/simulate/Simulator.h"
#include "tests/property/CaseBuilder.h"
#include "tests/property/RandomCase.h"
#include "tests/property/RandomOccupationCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace acadlc::simulate {

namespace {

using test::CaseBuilder;
using timing::Certificate;
using Verdict = Replay::Verdict;

/// Two units behind one fetch of two instructions; the registers 0 to 3.
struct Machine : CaseBuilder {
  arch::ObjectId stage0, stage1, unit0, unit1;

  Machine(std::int64_t bufferSize, std::int64_t latency0, std::int64_t latency1) {
    fetch({.width = 2, .bufferSize = bufferSize});
    registers(4);
    stage0 = stage(1, {fetchStage()});
    stage1 = stage(1, {fetchStage()});
    unit0 = functionalUnit(stage0, latency0);
    unit1 = functionalUnit(stage1, latency1);
  }
};

/// The certificates of the estimator in the order of time, which name their place in the stream.
std::vector<Certificate> certificatesOf(CaseBuilder &machine) {
  aidg::EstimateOptions options;
  options.forceTimeOrder = true;
  return aidg::estimate(machine.graph(), machine.program(), options).certificates;
}

Replay replayOne(CaseBuilder &machine, const Certificate &certificate) {
  return replay(machine.graph(), machine.program(), {certificate}).front();
}

/// A fast stream that a long instruction holds back and a slow one beside it: for 100 iterations
/// and more the ends lie one cycle apart, then two.
Machine headStart() {
  Machine machine(512, 1, 2);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 100;
  machine.beginRepeat(2000);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 1;
  machine.emit({machine.stage1}, machine.unit1, {}, {1}).latency = 2;
  machine.endRepeat();
  return machine;
}

/// Three instructions an iteration, two a fetch: the state recurs every two iterations.
Machine oddLoop(std::int64_t count) {
  Machine machine(8, 3, 2);
  machine.beginRepeat(count);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 3;
  machine.emit({machine.stage1}, machine.unit1, {0}, {1}).latency = 2;
  machine.emit({machine.stage1}, machine.unit1, {}, {2}).latency = 2;
  machine.endRepeat();
  return machine;
}

} // namespace

TEST_CASE("Replay: a certificate of the estimator holds") {
  Machine machine = oddLoop(100'000);
  const std::vector<Certificate> certificates = certificatesOf(machine);
  REQUIRE(certificates.size() == 1);
  CHECK(certificates[0].period % 2 == 0);
  const Replay result = replayOne(machine, certificates[0]);
  CHECK(result.verdict == Verdict::Holds);
  CHECK(result.finding == "2 periods of 6 instructions, 3 states equal");
}

TEST_CASE("Replay: a wrong number of cycles is refused") {
  Machine machine = oddLoop(100'000);
  Certificate certificate = certificatesOf(machine).at(0);
  for (const std::int64_t change : {-1, 1}) {
    Certificate wrong = certificate;
    wrong.cyclesPerPeriod += change;
    const Replay result = replayOne(machine, wrong);
    CHECK(result.verdict == Verdict::Fails);
    CHECK(result.finding.find("cycles behind the one a period before") != std::string::npos);
  }
}

TEST_CASE("Replay: a period that does not recur is refused") {
  Machine machine = oddLoop(100'000);
  Certificate wrong = certificatesOf(machine).at(0);
  wrong.instructionsPerPeriod /= wrong.period;
  wrong.cyclesPerPeriod /= wrong.period;
  wrong.period = 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
}

TEST_CASE("Replay: instructions that are not those of the period are refused") {
  Machine machine = oddLoop(100'000);
  Certificate wrong = certificatesOf(machine).at(0);
  wrong.instructionsPerPeriod += 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
}

TEST_CASE("Replay: a place that is not the iteration of the certificate is refused") {
  Machine machine = oddLoop(100'000);
  const Certificate certificate = certificatesOf(machine).at(0);
  Certificate wrong = certificate;
  wrong.k0 += 1;
  const Replay result = replayOne(machine, wrong);
  CHECK(result.verdict == Verdict::Fails);
  CHECK(result.finding.find("is not of iteration") != std::string::npos);
}

TEST_CASE(
    "Replay: an iteration before the steady state is refused though its increments are equal") {
  Machine machine = headStart();
  const Certificate certificate = certificatesOf(machine).at(0);
  CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
  // What a rule on equal increments would take for the steady state.
  SimulateOptions options;
  std::vector<std::int64_t> finished;
  options.observer = [&](const program::Instance &, const timing::InstructionTimes &times) {
    finished.push_back(times.finished);
  };
  simulate(machine.graph(), machine.program(), options);
  const std::int64_t first = 1 + 2 * 20;
  const std::int64_t cycles = finished[first + 2] - finished[first];
  CHECK(finished[first + 4] - finished[first + 2] == cycles);
  const Certificate early{certificate.loop, 20, 1, cycles, first, 2};
  CHECK(replayOne(machine, early).verdict == Verdict::Fails);
}

TEST_CASE("Replay: loops behind others, that end before what was in flight has gone") {
  std::int64_t certified = 0;
  for (const std::int64_t buffer : {1, 2, 8, 64})
    for (const std::int64_t latency : {1, 4})
      for (const std::int64_t behind : {0, 1, 3, 8, 60, 1000}) {
        CAPTURE(buffer);
        CAPTURE(latency);
        CAPTURE(behind);
        CaseBuilder machine;
        machine.fetch({.width = 1, .bufferSize = buffer});
        machine.registers(1);
        const arch::ObjectId stage = machine.stage(latency, {machine.fetchStage()});
        const arch::ObjectId unit = machine.functionalUnit(stage, 1);
        machine.beginRepeat(3);
        for (const std::int64_t trips : {std::int64_t{20}, behind}) {
          machine.beginRepeat(trips);
          machine.emit({stage}, unit, {}, {0});
          machine.endRepeat();
        }
        machine.endRepeat();
        // In program order: what follows the loop is not in the state there.
        const std::vector<Certificate> certificates =
            aidg::estimate(machine.graph(), machine.program(), {}).certificates;
        certified += static_cast<std::int64_t>(certificates.size());
        for (const Replay &one : replay(machine.graph(), machine.program(), certificates)) {
          CAPTURE(one.finding);
          CHECK(one.verdict != Verdict::Fails);
        }
      }
  CHECK(certified > 50);
}

TEST_CASE("Replay: equal times with another state are refused") {
  // While the long instruction runs, all that happens is that the buffer fills.
  Machine machine(512, 1, 1);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 100;
  machine.beginRepeat(40);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 1;
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 1;
  machine.endRepeat();
  const Certificate wrong{{}, 4, 1, 1, 9, 2};
  const Replay result = replayOne(machine, wrong);
  CHECK(result.verdict == Verdict::Fails);
  CHECK(result.finding.find("the states at instructions") != std::string::npos);
}

TEST_CASE("Replay: the loop may end behind the second period") {
  Machine longer = oddLoop(100'000);
  // The same at the begin of an iteration.
  Certificate certificate = certificatesOf(longer).at(0);
  certificate.k0 = 20;
  certificate.firstInstruction = 60;
  REQUIRE(certificate.instructionsPerPeriod == 6);
  Machine machine = oddLoop(24);
  const Replay result = replayOne(machine, certificate);
  CHECK(result.verdict == Verdict::Holds);
  CHECK(result.finding == "2 periods of 6 instructions, 2 states equal");
  Machine shorter = oddLoop(23);
  CHECK(replayOne(shorter, certificate).finding ==
        "1 period of 6 instructions and 3 of the next, where the loop ends, 2 states equal");
  Machine one = oddLoop(22);
  CHECK(replayOne(one, certificate).verdict == Verdict::InPart);
  Machine none = oddLoop(20);
  CHECK(replayOne(none, certificate).verdict == Verdict::Fails);
}

TEST_CASE("Replay: what is too far or unknown is named, not passed over") {
  Machine machine = oddLoop(100'000);
  const Certificate certificate = certificatesOf(machine).at(0);
  Certificate unknown = certificate;
  unknown.firstInstruction = unknown.instructionsPerPeriod = 0;
  Certificate far = certificate;
  far.k0 += 6000;
  far.firstInstruction += 18'000;
  const std::vector<Replay> results = replay(
      machine.graph(), machine.program(), {unknown, certificate, far, certificate}, {10'000, 1000});
  REQUIRE(results.size() == 4);
  CHECK(results[0].verdict == Verdict::NotReplayed);
  CHECK(results[0].finding == "not replayed: it is not known where in the stream it was found");
  CHECK(results[1].verdict == Verdict::Holds);
  CHECK(results[2].verdict == Verdict::NotReplayed);
  CHECK(results[2].finding.starts_with("not replayed: its periods of 6 instructions begin at"));
  CHECK(results[3].verdict == Verdict::Holds);
  CHECK(replay(machine.graph(), machine.program(), {certificate}, {10'000, 5}).front().verdict ==
        Verdict::NotReplayed);
  // With room for it, the later place is in the steady state as well.
  CHECK(replayOne(machine, far).verdict == Verdict::Holds);
}

TEST_CASE("Replay: an instruction that nobody waits for is not part of the state") {
  CaseBuilder machine;
  machine.fetch({.width = 2, .bufferSize = 8});
  machine.registers(1);
  const arch::ObjectId stage0 = machine.stage(1, {machine.fetchStage()});
  const arch::ObjectId stage1 = machine.stage(1, {machine.fetchStage()});
  const arch::ObjectId pipelined = machine.functionalUnit(stage0, 1, 1);
  const arch::ObjectId unit = machine.functionalUnit(stage1, 1);
  program::Instruction &head = machine.emit({stage0}, pipelined);
  head.latency = 5000;
  machine.beginRepeat(100);
  machine.emit({stage1}, unit).latency = 2;
  machine.endRepeat();
  const Certificate certificate{{}, 39, 2, 4, 40, 2};
  const Replay result = replayOne(machine, certificate);
  CHECK(result.finding == "2 periods of 2 instructions, 3 states equal");
  CHECK(result.verdict == Verdict::Holds);
  // Somebody may wait for its register.
  machine.mutableInstruction(0).writes = {0};
  CHECK(replayOne(machine, certificate).verdict == Verdict::Fails);
}

TEST_CASE("Replay: behind an instruction that takes for ever, no more is simulated than needed") {
  Machine machine(4, 1, 1);
  machine.emit({machine.stage0}, machine.unit0, {}, {0}).latency = 1'000'000'000'000;
  machine.beginRepeat(1'000'000'000'000);
  machine.emit({machine.stage1}, machine.unit1, {}, {1}).latency = 2;
  machine.endRepeat();
  // The register of the first instruction does not move, all else does.
  const Certificate drift{{}, 39, 2, 4, 40, 2, 1'000'000, true};
  CHECK(replay(machine.graph(), machine.program(), {drift}, {.instructionsPerDrift = 1000})
            .front()
            .finding.starts_with("verified for 500 periods of 2 instructions"));
}

TEST_CASE("Replay: operands of functional units move nothing in a cache") {
  Machine machine(4, 1, 1);
  const arch::ObjectId cache = machine.cache(4, 2, 16, 1, 5, machine.sram(1, 4));
  const arch::ObjectId loader = machine.accessUnit(machine.stage0, 1, {cache});
  program::Instruction &load = machine.emit({machine.stage0}, loader, {}, {0});
  load.memory = {machine.access(cache, 0, 4, false)};
  machine.beginRepeat(1000);
  program::Instruction &work = machine.emit({machine.stage1}, machine.unit1, {}, {1});
  work.memory = {machine.access(cache, 0, 4, false)};
  work.memory[0].address.terms = {{0, 16}};
  work.makesRequests = false;
  machine.endRepeat();
  const std::vector<Certificate> certificates = certificatesOf(machine);
  REQUIRE(!certificates.empty());
  for (const Certificate &certificate : certificates)
    CHECK(replayOne(machine, certificate).verdict == Verdict::Holds);
}

TEST_CASE("Replay: instructions with phases") {
  Machine machine(4, 1, 1);
  machine.beginRepeat(100);
  test::addPhase(machine.emit({machine.stage0}, machine.unit0), test::delay(5));
  test::addPhase(machine.emit({machine.stage1}, machine.unit1), test::delay(2));
  machine.endRepeat();
  SimulateOptions options;
  std::vector<std::int64_t> finished;
  options.observer = [&](const program::Instance &, const timing::InstructionTimes &times) {
    finished.push_back(times.finished);
  };
  simulate(machine.graph(), machine.program(), options);
  const Certificate certificate{{}, 20, 1, finished[42] - finished[40], 40, 2};
  const Replay result = replayOne(machine, certificate);
  CHECK(result.finding == "2 periods of 2 instructions, 3 states equal");
  CHECK(result.verdict == Verdict::Holds);
  Certificate wrong = certificate;
  wrong.cyclesPerPeriod += 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
}

TEST_CASE("Replay: a loop that is written out is told by its instructions") {
  Machine machine(4, 1, 1);
  const arch::ObjectId memory = machine.sram(1);
  for (std::int64_t i = 0; i < 400; ++i) {
    program::Instruction &store = machine.emit({machine.stage0}, machine.unit0);
    store.operation = "store";
    store.memory = {machine.access(memory, 8 * i, 8, true)};
    test::addPhase(store, test::delay(5));
    program::Instruction &add = machine.emit({machine.stage1}, machine.unit1);
    add.operation = "add";
    test::addPhase(add, test::delay(2));
  }
  const std::vector<Certificate> certificates =
      aidg::estimate(machine.graph(), machine.program(), {}).certificates;
  REQUIRE(certificates.size() == 1);
  REQUIRE(certificates[0].isWrittenOut);
  const Replay result = replayOne(machine, certificates[0]);
  CHECK(result.finding.ends_with("2 states equal"));
  CHECK(result.verdict == Verdict::Holds);
  Certificate wrong = certificates[0];
  wrong.cyclesPerPeriod += 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  wrong = certificates[0];
  wrong.instructionsPerPeriod += 1;
  CHECK(replayOne(machine, wrong).verdict == Verdict::Fails);
  // One that is longer in the second period.
  machine
      .mutableInstruction(static_cast<program::InstructionId>(certificates[0].firstInstruction + 2))
      .phases[0]
      .cycles += 1;
  const Replay other = replayOne(machine, certificates[0]);
  CHECK(other.finding.ends_with("is not the same as the one a period before"));
  CHECK(other.verdict == Verdict::Fails);
}

TEST_CASE("Replay: words that are still to come in a channel are part of the state") {
  Machine machine(8, 1, 1);
  const arch::ObjectId channel = machine.channel(3);
  // 8 bits a word, a word a cycle; it goes on beside the loop, always with as many under way.
  test::addPhase(machine.emit({machine.stage0}, machine.unit0), test::over({channel}, 8 * 1000));
  machine.beginRepeat(100);
  test::addPhase(machine.emit({machine.stage1}, machine.unit1), test::delay(2));
  machine.endRepeat();
  SimulateOptions options;
  std::vector<std::int64_t> finished;
  options.observer = [&](const program::Instance &, const timing::InstructionTimes &times) {
    finished.push_back(times.finished);
  };
  simulate(machine.graph(), machine.program(), options);
  const std::int64_t cycles = finished[52] - finished[50];
  REQUIRE(finished[0] > 1000);
  const Replay result = replayOne(machine, {{}, 49, 2, cycles, 50, 2});
  CHECK(result.verdict == Verdict::Fails);
  CHECK(result.finding.ends_with("words in channels"));
}

TEST_CASE("Replay: the estimator's certificates hold on random machines with several occupations") {
  test::OccupationKnobs knobs;
  knobs.longLoops = 80;
  const std::uint64_t cases = std::max<std::size_t>(test::propertyCases(1000) / 5, 100);
  std::uint64_t replayed = 0, held = 0;
  for (std::uint64_t seed = 2'500'000; seed != 2'500'000 + cases; ++seed) {
    const test::RandomCase randomCase = test::makeOccupationCase(seed, knobs);
    const timing::Evaluation result = aidg::estimate(randomCase.graph, randomCase.program, {});
    if (!result.completed())
      continue;
    for (const Replay &one : replay(randomCase.graph, randomCase.program, result.certificates)) {
      CAPTURE(seed);
      CAPTURE(one.finding);
      CHECK(one.verdict != Verdict::Fails);
      ++replayed;
      held += one.verdict == Verdict::Holds ? 1 : 0;
    }
  }
  INFO(held, " of ", replayed, " hold");
  CHECK(replayed * 4 > cases);
  CHECK(held * 2 > replayed);
}

TEST_CASE("Replay: the estimator's certificates hold on random machines") {
  test::Knobs knobs = test::defaultKnobs();
  knobs.loops = 100;
  knobs.maxInstructions = 5000;
  knobs.maxTrips = 1500;
  const std::uint64_t cases = test::propertyCases(1000);
  std::uint64_t held = 0;
  for (std::uint64_t seed = 2'100'000; seed != 2'100'000 + cases; ++seed) {
    const test::RandomCase randomCase = test::makeRandomCase(seed, knobs);
    aidg::EstimateOptions options;
    options.forceTimeOrder = seed % 2 == 0;
    const timing::Evaluation result = aidg::estimate(randomCase.graph, randomCase.program, options);
    if (!result.completed())
      continue;
    const std::vector<Replay> replays =
        replay(randomCase.graph, randomCase.program, result.certificates);
    for (std::size_t i = 0; i < replays.size(); ++i) {
      CAPTURE(seed);
      CAPTURE(i);
      CAPTURE(replays[i].finding);
      CHECK(replays[i].verdict != Verdict::Fails);
      held += replays[i].verdict == Verdict::Holds ? 1 : 0;
      if (replays[i].verdict != Verdict::Holds)
        continue;
      Certificate wrong = result.certificates[i];
      wrong.cyclesPerPeriod += 1;
      CHECK(replay(randomCase.graph, randomCase.program, {wrong}).front().verdict ==
            Verdict::Fails);
    }
  }
  CHECK(held * 10 > cases);
}

} // namespace acadlc::simulate
