// Loops that move through caches and DRAMs: their state recurs up to a shift of the addresses.

#include "backend/aidg/Estimator.h"
#include "backend/aidg/plan/AddressClasses.h"
#include "backend/aidg/recurrence/ProgramOrderState.h"
#include "backend/simulate/Simulator.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

namespace acadlc::aidg {

namespace {

/// A fetch stage, one stage and one memory access unit in front of one storage.
struct Pipeline {
  test::CaseBuilder builder;
  arch::ObjectId stage = arch::noObject, unit = arch::noObject, storage = arch::noObject;

  explicit Pipeline(const std::function<arch::ObjectId(test::CaseBuilder &)> &makeStorage) {
    stage = builder.stage(1, {});
    storage = makeStorage(builder);
    unit = builder.accessUnit(stage, 1, {storage});
    test::CaseBuilder::Fetch fetch;
    fetch.width = 2;
    fetch.bufferSize = 4;
    builder.fetch(fetch);
    builder.edge(builder.fetchStage(), stage, arch::EdgeKind::Forward);
    builder.registers(2);
  }

  /// Accesses 4 bytes at \p base + \p stride · iteration of the innermost loop, if there is one.
  void access(std::int64_t base, std::int64_t stride, bool isWrite) {
    const std::vector<arch::RegisterId> value{0}, nothing;
    program::MemoryOperand operand = builder.access(storage, base, 4, isWrite);
    if (builder.depth() != 0)
      operand.address.terms.push_back({builder.depth() - 1, stride});
    builder.emit({stage}, unit, isWrite ? value : nothing, isWrite ? nothing : value)
        .memory.push_back(operand);
  }

  timing::Evaluation simulate() {
    return simulate::simulate(builder.graph(), builder.program(), {});
  }
  timing::Evaluation estimate(bool inOrderOfTime, bool extrapolate = true) {
    EstimateOptions options;
    options.forceTimeOrder = inOrderOfTime;
    options.extrapolate = extrapolate;
    return aidg::estimate(builder.graph(), builder.program(), options);
  }
};

arch::ObjectId smallDram(test::CaseBuilder &builder) {
  return builder.dram(3, 1, 2, 16, 4, 3, 9); // two banks with rows of 16 bytes
}

/// What a copy may go through.
struct CacheVariant {
  std::int64_t ways = 1;
  bool writeBack = true, writeAllocate = true, overDram = true;
  arch::ReplacementPolicy replacement = arch::ReplacementPolicy::LRU;
};

std::vector<CacheVariant> cacheVariants() {
  std::vector<CacheVariant> variants;
  for (const std::int64_t ways : {1, 2, 4})
    for (const bool writeBack : {false, true})
      for (const bool writeAllocate : {false, true})
        for (const bool overDram : {false, true})
          for (const auto replacement :
               {arch::ReplacementPolicy::LRU, arch::ReplacementPolicy::FIFO})
            variants.push_back({ways, writeBack, writeAllocate, overDram, replacement});
  return variants;
}

/// B[i] = A[i] for \p count words behind a cache of 2 sets with lines of 8 bytes.
Pipeline makeCopy(const CacheVariant &variant, std::int64_t count, std::int64_t target) {
  Pipeline copy([&](test::CaseBuilder &builder) {
    const arch::ObjectId memory = variant.overDram ? smallDram(builder) : builder.sram(4);
    const arch::ObjectId cache = builder.cache(2, variant.ways, 8, 1, 2, memory);
    builder.object(cache).writeBack = variant.writeBack;
    builder.object(cache).writeAllocate = variant.writeAllocate;
    builder.object(cache).replacement = variant.replacement;
    return cache;
  });
  copy.builder.beginRepeat(count);
  copy.access(0, 4, false);
  copy.access(target, 4, true);
  copy.builder.endRepeat();
  return copy;
}

} // namespace

TEST_CASE("a copy through a cache is certified after a constant number of iterations") {
  constexpr std::int64_t few = 10'000;
  constexpr std::int64_t period = 16; // iterations: more than any cycle of the state
  constexpr std::int64_t far = std::int64_t{1} << 43; // the same place in its row for all counts
  for (const CacheVariant &variant : cacheVariants()) {
    CAPTURE(variant.ways);
    CAPTURE(variant.writeBack);
    CAPTURE(variant.writeAllocate);
    CAPTURE(variant.overDram);
    const std::int64_t cycles = makeCopy(variant, few, far).simulate().cycles;
    const std::int64_t increment = makeCopy(variant, few + period, far).simulate().cycles - cycles;
    for (const bool inOrderOfTime : {false, true})
      for (std::int64_t count = few; count <= 1'000'000'000'000; count *= 100) {
        CAPTURE(count);
        const timing::Evaluation result = makeCopy(variant, count, far).estimate(inOrderOfTime);
        CHECK(result.guarantee == timing::Guarantee::Certified);
        CHECK(result.evaluatedIterations < 100);
        CHECK(result.cycles == cycles + (count - few) / period * increment);
      }
  }
}

TEST_CASE("tensors that share a line and a row are jumped over up to there") {
  for (const CacheVariant &variant : cacheVariants())
    for (const std::int64_t count : {997, 1000, 1001})
      for (const bool inOrderOfTime : {false, true}) {
        CAPTURE(count);
        // The target begins right behind the source.
        Pipeline copy = makeCopy(variant, count, 4 * count);
        const timing::Evaluation result = copy.estimate(inOrderOfTime);
        CHECK(result.guarantee == timing::Guarantee::Certified);
        CHECK(result.evaluatedIterations < 100);
        CHECK(result.cycles == copy.simulate().cycles);
      }
}

TEST_CASE("two tensors with different strides in one SRAM") {
  for (const bool inOrderOfTime : {false, true}) {
    Pipeline spread([](test::CaseBuilder &builder) { return builder.sram(3); });
    spread.builder.beginRepeat(5000);
    spread.access(0, 4, false);
    spread.access(20'000, 12, true); // right behind the first
    spread.access(20'000, 12, false);
    spread.builder.endRepeat();
    const timing::Evaluation result = spread.estimate(inOrderOfTime);
    CHECK(result.guarantee == timing::Guarantee::Certified);
    CHECK(result.evaluatedIterations < 20);
    CHECK(result.cycles == spread.simulate().cycles);
  }
}

TEST_CASE("two streams that meet in one set evict each other for ever") {
  // A cache of one way. At the same place in it each access misses; half a cache apart only the
  // first of a line does.
  const auto makeStreams = [](std::int64_t distance) {
    Pipeline streams(
        [](test::CaseBuilder &builder) { return builder.cache(4, 1, 16, 1, 2, builder.sram(5)); });
    streams.builder.beginRepeat(4000);
    streams.access(0, 4, false);
    streams.access((std::int64_t{1} << 20) + distance, 4, false);
    streams.builder.endRepeat();
    return streams;
  };
  for (const bool inOrderOfTime : {false, true}) {
    Pipeline thrash = makeStreams(0), apart = makeStreams(32);
    const timing::Evaluation slow = thrash.estimate(inOrderOfTime);
    const timing::Evaluation fast = apart.estimate(inOrderOfTime);
    CHECK(slow.guarantee == timing::Guarantee::Certified);
    CHECK(fast.guarantee == timing::Guarantee::Certified);
    CHECK(slow.evaluatedIterations < 100);
    CHECK(slow.cycles == thrash.simulate().cycles);
    CHECK(fast.cycles == apart.simulate().cycles);
    // A miss takes 2 + 4 · 5 cycles, a hit 1: 8 misses for 4 iterations against 2.
    CHECK(slow.cycles - fast.cycles == 4000 / 4 * 6 * (22 - 1));
  }
}

TEST_CASE("two streams through different rows of one bank open a row for each access") {
  for (const std::int64_t banks : {1, 2}) {
    CAPTURE(banks);
    Pipeline streams(
        [&](test::CaseBuilder &builder) { return builder.dram(2, 1, banks, 64, 4, 3, 5); });
    streams.builder.beginRepeat(6400);
    streams.access(0, 4, false);
    streams.access((std::int64_t{1} << 20) + 64, 4, true); // with two banks: in the other one
    streams.builder.endRepeat();
    for (const bool inOrderOfTime : {false, true}) {
      const timing::Evaluation result = streams.estimate(inOrderOfTime);
      CHECK(result.guarantee == timing::Guarantee::Certified);
      CHECK(result.evaluatedIterations < 200);
      CHECK(result.cycles == streams.simulate().cycles);
    }
    // Each of the 12,800 accesses waits at least for the row if they meet in one bank.
    CHECK((streams.simulate().cycles > 12'800 * (2 + 4 + 3)) == (banks == 1));
  }
}

TEST_CASE("a loop of two address periods is not searched") {
  Pipeline copy = makeCopy({}, 16, 4096);
  CHECK(makePlan(copy.builder.graph(), copy.builder.program()).repeats[0].addressPeriod == 8);
  CHECK(copy.estimate(false).guarantee == timing::Guarantee::Exact);
}

TEST_CASE("accesses are of one class if they may overlap and one writes") {
  Pipeline pipeline([](test::CaseBuilder &builder) { return builder.sram(1); });
  pipeline.builder.beginRepeat(10);
  pipeline.access(0, 4, false);  // [0, 40): nobody writes there
  pipeline.access(40, 4, true);  // [40, 80)
  pipeline.access(76, 2, false); // [76, 98): joins the write before and the one behind
  pipeline.access(96, 0, true);  // [96, 100)
  pipeline.access(100, 2, true); // [100, 122), each byte twice
  pipeline.builder.endRepeat();
  const Plan plan = makePlan(pipeline.builder.graph(), pipeline.builder.program());
  REQUIRE(plan.accesses.size() == 5);
  CHECK_FALSE(plan.accesses[0].tracked);
  CHECK(plan.conflictClasses == 2);
  CHECK(plan.accesses[1].conflictClass == plan.accesses[2].conflictClass);
  CHECK(plan.accesses[1].conflictClass == plan.accesses[3].conflictClass);
  CHECK(plan.accesses[1].conflictClass != plan.accesses[4].conflictClass);
  CHECK_FALSE(plan.repeats[0].isShiftInvariant); // strides 4, 2 and 0 in one class
}

TEST_CASE("classes own the whole blocks that no other class touches") {
  Pipeline pipeline(smallDram); // rows of 16 bytes in 2 banks
  pipeline.builder.beginRepeat(10);
  pipeline.access(4, 4, false);   // [4, 44)
  pipeline.access(44, 8, true);   // [44, 120)
  pipeline.access(120, 0, false); // [120, 124)
  pipeline.builder.endRepeat();
  const Plan plan = makePlan(pipeline.builder.graph(), pipeline.builder.program());
  REQUIRE(plan.blockClasses.size() == 3);
  CHECK(plan.blockClasses[0].low == 0);
  CHECK(plan.blockClasses[0].high == 32);
  CHECK(plan.blockClasses[1].low == 48);
  CHECK(plan.blockClasses[1].high == 112);
  CHECK(plan.blockClasses[2].isEmpty());
  const RepeatFacts &facts = plan.repeats[0];
  CHECK(facts.isShiftInvariant);
  CHECK(facts.addressPeriod == 8); // 32 bytes by 4, and by 8
  REQUIRE(facts.moving.size() == 2);
  // The first leaves its own rows in iteration 7, the second enters its own in iteration 1.
  CHECK(lastInOwnBlocks(plan, 0, {}, 0) == -1);
  CHECK(lastInOwnBlocks(plan, 0, {}, 1) == 6);
  CHECK(lastInOwnBlocks(plan, 0, {}, 7) == 6);
}

TEST_CASE("a range is forgotten when a later one says all that it says") {
  Pipeline pipeline([](test::CaseBuilder &builder) { return builder.sram(1); });
  pipeline.builder.beginRepeat(2);
  pipeline.access(0, 0, true);
  pipeline.builder.endRepeat();
  const Plan plan = makePlan(pipeline.builder.graph(), pipeline.builder.program());
  REQUIRE(plan.conflictClasses == 1);
  constexpr std::int64_t never = INT64_MIN;
  const FlatProgram flat(plan);
  ProgramOrderState state(plan, flat);
  const auto kept = [&] {
    state.normalise();
    return state.ranges[0].ranges().size();
  };
  state.recordRange(0, {0, 4, 100, 100});
  // A read that ends later does not tell when the bytes were written.
  state.recordRange(0, {0, 8, never, 200});
  CHECK(kept() == 2);
  state.recordRange(0, {0, 8, never, 300}); // the same bytes, later
  CHECK(kept() == 2);
  state.recordRange(0, {0, 8, 250, 250}); // ends before that read
  CHECK(kept() == 2);
  state.recordRange(0, {0, 8, 400, 400});
  CHECK(kept() == 1);
}

TEST_CASE("bounds of addresses that are not affine") {
  program::Program program;
  const auto add = [&](program::Expression::Kind kind, std::int64_t value, std::uint32_t left = 0,
                       std::uint32_t right = 0) {
    program.expressions.push_back({kind, value, left, right});
    return static_cast<program::ExpressionId>(program.expressions.size() - 1);
  };
  using Kind = program::Expression::Kind;
  const auto loop = add(Kind::LoopValue, 0), five = add(Kind::Constant, 5);
  const auto modulo = add(Kind::FloorModulo, 0, loop, five);
  const auto divided = add(Kind::FloorDivide, 0, loop, five);
  const auto least = add(Kind::Min, 0, modulo, divided);
  const auto bounds = [&](program::ExpressionId rest, const Interval &values) {
    program::Address address;
    address.constant = 100;
    address.hasRest = true;
    address.rest = rest;
    return boundsOf(program, address, std::vector<Interval>{values});
  };
  CHECK(bounds(modulo, {-3, 20}) == Interval{100, 104});
  CHECK(bounds(modulo, {11, 13}) == Interval{101, 103}); // within one period
  CHECK(bounds(divided, {-3, 20}) == Interval{99, 104});
  CHECK(bounds(least, {0, 9}) == Interval{100, 101});
  CHECK_FALSE(bounds(add(Kind::FloorModulo, 0, five, loop), {1, 2}).has_value());
  CHECK_FALSE(bounds(loop, {0, INT64_MAX}).has_value()); // beyond 64 bits
}

} // namespace acadlc::aidg
