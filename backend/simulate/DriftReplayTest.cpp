// Drifts that hold are confirmed, wrong ones are refused: by their cycles, their place, the length
// of the period, and above all by the number of periods that they speak of.

#include "backend/aidg/Estimator.h"
#include "backend/simulate/Replay.h"
#include "backend/simulate/Simulator.h"
#include "tests/property/CaseBuilder.h"
#include "tests/property/RandomCase.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace acadlc::simulate {

namespace {

using test::CaseBuilder;
using timing::Certificate;
using timing::InstructionTimes;
using Verdict = Replay::Verdict;

/// A stream that takes a cycle an instruction, behind an instruction that takes 100, beside one
/// that takes two: it catches up after 100 iterations.
struct HeadStart : CaseBuilder {
  /// Instructions from the begin of iteration \p k0 on.
  static constexpr std::int64_t head = 1, perIteration = 2;

  explicit HeadStart(std::int64_t count) {
    fetch({.width = 2, .bufferSize = 512});
    registers(4);
    const arch::ObjectId stage0 = stage(1, {fetchStage()}), stage1 = stage(1, {fetchStage()});
    const arch::ObjectId unit0 = functionalUnit(stage0, 1), unit1 = functionalUnit(stage1, 2);
    emit({stage0}, unit0, {}, {0}).latency = 100;
    beginRepeat(count);
    emit({stage0}, unit0, {}, {0}).latency = 1;
    emit({stage1}, unit1, {}, {1}).latency = 2;
    endRepeat();
  }

  /// What holds from iteration 20 on: the fetch needs a cycle an iteration, its units one and two.
  static Certificate drift(std::int64_t periods) {
    return {{}, 20, 1, 1, head + perIteration * 20, perIteration, periods, true};
  }
};

Replay replayOne(CaseBuilder &machine, const Certificate &certificate,
                 const ReplayLimits &limits = {}) {
  return replay(machine.graph(), machine.program(), {certificate}, limits).front();
}

std::vector<InstructionTimes> timesOf(const arch::ArchitectureGraph &graph,
                                      const program::Program &program) {
  std::vector<InstructionTimes> times;
  SimulateOptions options;
  options.observer = [&](const program::Instance &, const InstructionTimes &one) {
    times.push_back(one);
  };
  simulate(graph, program, options);
  return times;
}

bool isEven(const InstructionTimes &a, const InstructionTimes &b, const InstructionTimes &c) {
  return c.fetched - b.fetched == b.fetched - a.fetched &&
         c.issued - b.issued == b.issued - a.issued &&
         c.entered - b.entered == b.entered - a.entered &&
         c.started - b.started == b.started - a.started &&
         c.finished - b.finished == b.finished - a.finished;
}

/// For how many periods from that of \p certificate on all times move evenly, whatever loop they
/// are in.
std::int64_t evenPeriods(const std::vector<InstructionTimes> &times,
                         const Certificate &certificate) {
  const std::int64_t length = certificate.instructionsPerPeriod;
  std::int64_t periods = 2;
  for (std::int64_t i = certificate.firstInstruction + 2 * length;
       i + length <= static_cast<std::int64_t>(times.size()); i += length, ++periods)
    for (std::int64_t j = i; j != i + length; ++j)
      if (!isEven(times[j - 2 * length], times[j - length], times[j]))
        return periods;
  return periods;
}

} // namespace

TEST_CASE("Replay: a drift holds for as long as times move evenly, and no period longer") {
  HeadStart machine(2000);
  const std::int64_t even =
      evenPeriods(timesOf(machine.graph(), machine.program()), HeadStart::drift(0));
  REQUIRE(even > 10);
  REQUIRE(even < 1000);
  for (const std::int64_t periods : {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, even}) {
    const Replay result = replayOne(machine, HeadStart::drift(periods));
    CHECK(result.verdict == Verdict::Holds);
    const char *seen = periods < 3
                           ? "in which the fetch moves evenly; there are too few to see more"
                           : "in which every time moves evenly";
    CHECK(result.finding.ends_with(seen));
  }
  const Replay longer = replayOne(machine, HeadStart::drift(even + 1));
  CHECK(longer.verdict == Verdict::Fails);
  CHECK(longer.finding.find("behind the one a period before; until then it was") !=
        std::string::npos);
  CHECK(replayOne(machine, HeadStart::drift(1000)).verdict == Verdict::Fails);
  CHECK(replayOne(machine, HeadStart::drift(0)).verdict == Verdict::Fails);
}

TEST_CASE("Replay: a drift with other cycles, at another place, of another period is refused") {
  HeadStart machine(2000);
  const Certificate right = HeadStart::drift(8);
  REQUIRE(replayOne(machine, right).verdict == Verdict::Holds);
  for (const std::int64_t change : {-1, 1}) {
    Certificate wrong = right;
    wrong.cyclesPerPeriod += change;
    const Replay result = replayOne(machine, wrong);
    CHECK(result.verdict == Verdict::Fails);
    CHECK(result.finding.find("the fetch gets on by 1 cycles, not") != std::string::npos);
  }
  Certificate elsewhere = right;
  elsewhere.k0 += 1;
  CHECK(replayOne(machine, elsewhere).finding.find("is not of iteration 21") != std::string::npos);
  Certificate uneven = right;
  uneven.instructionsPerPeriod = 3;
  CHECK(replayOne(machine, uneven).finding.find("is not the same as the one a period before") !=
        std::string::npos);
  Certificate stretched = right;
  stretched.period = 2;
  CHECK(replayOne(machine, stretched).verdict == Verdict::Fails);
  // Two iterations at a time are a drift as well.
  Certificate two = right;
  two.period = two.cyclesPerPeriod = 2;
  two.instructionsPerPeriod = 4;
  two.periods = 4;
  CHECK(replayOne(machine, two).verdict == Verdict::Holds);
  // It is no recurrence.
  Certificate recurrence = right;
  recurrence.isDrift = false;
  recurrence.periods = 0;
  CHECK(replayOne(machine, recurrence).verdict == Verdict::Fails);
}

TEST_CASE("Replay: a drift that outlives its loop is refused") {
  HeadStart machine(30);
  CHECK(replayOne(machine, HeadStart::drift(10)).verdict == Verdict::Holds);
  const Replay result = replayOne(machine, HeadStart::drift(11));
  CHECK(result.verdict == Verdict::Fails);
  CHECK(result.finding == "the loop ends behind 10 periods of 2 instructions, not 11");
  // For all that follow.
  CHECK(replayOne(machine, HeadStart::drift(0)).verdict == Verdict::Holds);
}

TEST_CASE("Replay: how far a drift was gone through is said") {
  HeadStart machine(2000);
  const Certificate certificate = HeadStart::drift(40);
  // 41 instructions stand before it.
  CHECK(replayOne(machine, certificate, {.instructions = 121}).verdict == Verdict::Holds);
  const Replay part = replayOne(machine, certificate, {.instructions = 120});
  CHECK(part.verdict == Verdict::InPart);
  CHECK(part.finding == "verified for 39 periods of 2 instructions: every time moves evenly; not "
                        "gone through further");
  CHECK(replayOne(machine, certificate, {.instructionsPerDrift = 20})
            .finding.starts_with("verified for 10 periods of 2 instructions"));
  CHECK(replayOne(machine, certificate, {.instructions = 47}).verdict == Verdict::InPart);
  const Replay none = replayOne(machine, certificate, {.instructions = 46});
  CHECK(none.verdict == Verdict::NotReplayed);
  CHECK(none.finding == "not replayed: its periods of 2 instructions begin at instruction 41 of "
                        "the stream; the first 46 are simulated");
}

TEST_CASE("Replay: the estimator's drifts hold on random machines, longer ones do not") {
  // As no dependence goes through an address, states are times alone; fast streams run ahead for a
  // long time.
  test::Knobs knobs = test::cleanKnobs();
  knobs.writes = 0;
  knobs.orderedMemory = 20;
  knobs.loops = 100;
  knobs.maxInstructions = 20'000;
  knobs.maxTrips = 3000;
  knobs.maxBufferRest = 300;
  knobs.maxOwnLatency = 60;
  const std::uint64_t cases = std::max<std::size_t>(test::propertyCases(5000), 1500);
  std::int64_t drifts = 0, ended = 0;
  for (std::uint64_t seed = 2'400'000; seed != 2'400'000 + cases; ++seed) {
    const test::RandomCase randomCase = test::makeRandomCase(seed, knobs);
    const timing::Evaluation result = aidg::estimate(randomCase.graph, randomCase.program, {});
    std::vector<Certificate> claims;
    std::vector<Verdict> expected;
    for (const Certificate &certificate : result.certificates) {
      if (!certificate.isDrift)
        continue;
      ++drifts;
      claims.push_back(certificate);
      expected.push_back(Verdict::Holds);
      for (const std::int64_t change : {-1, 1}) {
        claims.push_back(certificate);
        claims.back().cyclesPerPeriod += change;
        expected.push_back(Verdict::Fails);
      }
    }
    if (claims.empty())
      continue;
    const std::vector<InstructionTimes> times = timesOf(randomCase.graph, randomCase.program);
    for (const Certificate &certificate : result.certificates) {
      if (!certificate.isDrift)
        continue;
      const std::int64_t even = evenPeriods(times, certificate);
      REQUIRE(even >= certificate.periods);
      claims.push_back(certificate);
      claims.back().periods = even + 1;
      expected.push_back(Verdict::Fails);
      ended += even == certificate.periods ? 1 : 0;
    }
    const std::vector<Replay> replays = replay(randomCase.graph, randomCase.program, claims);
    for (std::size_t i = 0; i < replays.size(); ++i) {
      CAPTURE(seed);
      CAPTURE(i);
      CAPTURE(replays[i].finding);
      CHECK(replays[i].verdict == expected[i]);
    }
  }
  INFO(drifts, " drifts, ", ended, " of them as long as they can be");
  CHECK(drifts * 100 > static_cast<std::int64_t>(cases));
  // Some certificates speak of as many periods as there are: it is not just small ones that hold.
  CHECK(ended * 20 > drifts);
}

} // namespace acadlc::simulate
