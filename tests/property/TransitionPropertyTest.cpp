// Loops whose bodies are looked up, streams that drift, accesses that are proved independent: what
// the estimator leaves out must not change a cycle.

#include "backend/aidg/Batch.h"
#include "backend/aidg/plan/Independence.h"
#include "tests/property/Compare.h"
#include "tests/property/Evaluators.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <map>

namespace acadlc::test {

namespace {

/// Memory is read only, so no dependence goes through an address: states are times alone.
Knobs timesAlone() {
  Knobs knobs = cleanKnobs();
  knobs.writes = 0;
  knobs.orderedMemory = 20;
  knobs.branches = 3;
  knobs.loops = 100;
  knobs.maxInstructions = 20'000;
  knobs.maxTrips = 3000;
  return knobs;
}

/// The same with wide buffers and long latencies: fast streams run ahead for a long time.
Knobs drifting() {
  Knobs knobs = timesAlone();
  knobs.maxBufferRest = 300;
  knobs.maxOwnLatency = 60;
  knobs.branches = 0;
  return knobs;
}

struct Shares {
  std::uint64_t cases = 0, certified = 0, drifts = 0;
};

/// Compares the end of random cases with the simulator, the estimator being \p evaluate.
template <typename Evaluate>
Shares compareEnds(const Knobs &knobs, std::uint64_t firstSeed, Evaluate evaluate) {
  Shares shares;
  shares.cases = propertyCases(1000);
  for (std::uint64_t i = 0; i != shares.cases; ++i) {
    const RandomCase randomCase = makeRandomCase(firstSeed + i, knobs);
    const timing::Evaluation simulated =
        simulate::simulate(randomCase.graph, randomCase.program, {});
    const timing::Evaluation estimated = evaluate(randomCase);
    shares.certified += estimated.guarantee == timing::Guarantee::Certified ? 1 : 0;
    for (const timing::Certificate &certificate : estimated.certificates)
      if (certificate.periods != 0) {
        ++shares.drifts;
        break;
      }
    INFO(printCase(randomCase));
    REQUIRE(estimated.cycles == simulated.cycles);
    REQUIRE(estimated.instructions == simulated.instructions);
    REQUIRE(estimated.evaluatedIterations <= 2 * simulated.kernelIterations);
  }
  return shares;
}

timing::Evaluation estimated(const RandomCase &randomCase) {
  return aidg::estimate(randomCase.graph, randomCase.program, {});
}

} // namespace

TEST_CASE("looked-up transitions give the simulator's cycles") {
  const Shares shares = compareEnds(timesAlone(), 2'000'000, estimated);
  CHECK(shares.certified * 2 > shares.cases);
}

TEST_CASE("drifts give the simulator's cycles") {
  const Shares shares = compareEnds(drifting(), 2'100'000, estimated);
  CHECK(shares.certified * 2 > shares.cases);
  CHECK(shares.drifts * 200 > shares.cases);
}

TEST_CASE("streams that share transitions have the cycles of each alone") {
  // Other trip counts of the same loops: all that differs between layers of one operator.
  std::uint64_t learnt = 0, cases = 0;
  const Shares shares = compareEnds(drifting(), 2'200'000, [&](const RandomCase &randomCase) {
    std::vector<program::Program> variants(3, randomCase.program);
    for (std::size_t v = 0; v != variants.size(); ++v)
      for (program::Repeat &repeat : variants[v].repeats)
        repeat.count = repeat.count * static_cast<std::int64_t>(v + 2) / 3 + 1;
    variants.push_back(randomCase.program);
    std::vector<const program::Program *> streams;
    for (const program::Program &variant : variants)
      streams.push_back(&variant);
    aidg::Batch batch(randomCase.graph, streams);
    std::vector<timing::Evaluation> results;
    for (std::size_t i = 0; i != streams.size(); ++i) {
      results.push_back(batch.estimate(i, {}));
      const timing::Evaluation alone = aidg::estimate(randomCase.graph, *streams[i], {});
      CHECK(results.back().cycles == alone.cycles);
      ++cases;
      learnt += results.back().evaluatedIterations < alone.evaluatedIterations ? 1 : 0;
    }
    return results.back();
  });
  CHECK(shares.cases > 0);
  CHECK(learnt * 4 > cases);
}

TEST_CASE("accesses that are said to be independent share no byte with others") {
  Knobs knobs = defaultKnobs();
  knobs.loops = 100;
  knobs.maxInstructions = 1500;
  std::uint64_t independentCases = 0;
  const std::uint64_t cases = propertyCases(2000);
  for (std::uint64_t i = 0; i != cases; ++i) {
    const RandomCase randomCase = makeRandomCase(2'300'000 + i, knobs);
    const program::Program &program = randomCase.program;
    const auto independent = aidg::findIndependentOperands(program);
    independentCases += independent.empty() ? 0 : 1;
    if (independent.empty())
      continue;
    // By memory and byte: who touched it first.
    std::map<std::pair<arch::ObjectId, std::int64_t>, const program::MemoryOperand *> touched;
    program::InstructionStream stream(program);
    INFO(printCase(randomCase));
    for (program::Instance instance; stream.next(instance);)
      for (const program::MemoryOperand &operand : instance.instruction->memory) {
        if (!operand.mayConflict)
          continue;
        const std::int64_t low = program.evaluate(operand.address, instance.loopValues);
        for (std::int64_t byte = low; byte != low + operand.bytes; ++byte) {
          const auto [first, isNew] = touched.try_emplace({operand.memory, byte}, &operand);
          const bool isShared =
              !isNew && (independent.contains(&operand) || independent.contains(first->second));
          REQUIRE_FALSE(isShared);
        }
      }
  }
  CHECK(independentCases * 20 > cases);
}

} // namespace acadlc::test
