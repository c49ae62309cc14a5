// Bounds on named kernels in which nothing recurs, how far apart they are, and timing anomalies
// that break bounds which follow intuition.

#include "backend/aidg/bounds/Bounds.h"

#include "backend/aidg/Estimator.h"
#include "backend/aidg/bounds/FittingCaches.h"
#include "backend/aidg/bounds/RequestHistory.h"
#include "backend/aidg/bounds/RequestOrder.h"
#include "backend/aidg/bounds/ServiceBounds.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/simulate/Simulator.h"
#include "backend/timing/StorageModel.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

namespace acadlc::aidg {

namespace {

using arch::ObjectId;
using test::CaseBuilder;

constexpr std::int64_t smallBudget = 1000;

std::int64_t simulated(CaseBuilder &builder) {
  const timing::Evaluation result = simulate::simulate(builder.graph(), builder.program(), {});
  REQUIRE(result.completed());
  return result.cycles;
}

/// Whether \p result is what bounds say: such that meet are a proof.
bool isFromBounds(const timing::Evaluation &result) {
  return result.guarantee == timing::Guarantee::Bounded ||
         (result.bounds.upper != 0 && result.bounds.lower == result.bounds.upper &&
          result.cycles == result.bounds.lower);
}

/// The bounds that a small budget leaves; the truth must lie between them.
timing::CycleBounds boundsOf(CaseBuilder &builder) {
  EstimateOptions options;
  options.budget = smallBudget;
  const timing::Evaluation result = estimate(builder.graph(), builder.program(), options);
  REQUIRE(result.completed());
  REQUIRE(isFromBounds(result));
  const std::int64_t truth = simulated(builder);
  CHECK(result.lower() <= truth);
  CHECK(truth <= result.upper());
  return result.bounds;
}

/// An address (i · i) mod 64 · \p factor, which no stride describes; i is the loop's value.
void makeSquare(CaseBuilder &builder, program::MemoryOperand &operand, std::int64_t factor = 4) {
  using Kind = program::Expression::Kind;
  const auto constant = [&](std::int64_t value) {
    return builder.expression({Kind::Constant, value, 0, 0});
  };
  const auto index = builder.expression({Kind::LoopValue, 0, 0, 0});
  const auto square = builder.expression({Kind::Multiply, 0, index, index});
  const auto wrapped = builder.expression({Kind::FloorModulo, 0, square, constant(64)});
  operand.address.hasRest = true;
  operand.address.rest = builder.expression({Kind::Multiply, 0, wrapped, constant(factor)});
}

/// Stages for two loads, a computation and a store.
struct Kernel {
  CaseBuilder builder;
  ObjectId loadStage = 0, weightStage = 0, computeStage = 0, storeStage = 0;
  ObjectId compute = 0;

  explicit Kernel(std::int64_t latency) {
    builder.registers(4);
    builder.fetch({4, 16});
    loadStage = builder.stage(1, {builder.fetchStage()});
    weightStage = builder.stage(1, {builder.fetchStage()});
    computeStage = builder.stage(1, {builder.fetchStage()});
    storeStage = builder.stage(1, {builder.fetchStage()});
    compute = builder.functionalUnit(computeStage, latency);
  }

  /// Loads \p operand and computes with it, twice: a load goes on beside the computation before it.
  void emitPairs(ObjectId unit, const program::MemoryOperand &operand) {
    for (const arch::RegisterId buffer : {0U, 1U}) {
      builder.emit({loadStage}, unit, {}, {buffer}).memory = {operand};
      builder.emit({computeStage}, compute, {buffer}, {2});
    }
  }
};

} // namespace

namespace {

/// 256 bytes are 64 transactions and at most one new row: 129 to 166 cycles, beside 160 of the
/// computation. Rows and banks recur behind 2048 iterations, which no small budget lasts for.
std::unique_ptr<Kernel> readRows(std::int64_t trips, std::int64_t latency) {
  auto kernel = std::make_unique<Kernel>(latency);
  const ObjectId dram = kernel->builder.dram(2, 1, 8, 65536, 11, 11, 28);
  const ObjectId unit = kernel->builder.accessUnit(kernel->loadStage, 1, {dram});
  kernel->builder.beginRepeat(trips);
  program::MemoryOperand operand = kernel->builder.access(dram, 0, 256, false);
  operand.mayConflict = false;
  operand.address.terms = {{0, 768}};
  kernel->emitPairs(unit, operand);
  kernel->builder.endRepeat();
  return kernel;
}

} // namespace

TEST_CASE("bounds: rows of a DRAM") {
  // One unit asks for them one after the other, so it is known which of them finds its row open.
  for (const std::int64_t latency : {1, 100, 120, 130, 140, 160}) {
    const timing::CycleBounds bounds = boundsOf(readRows(2000, latency)->builder);
    CHECK(bounds.ratio() < 1.01);
    CHECK(!bounds.ifCompletes);
    MESSAGE("computation of ", latency, " cycles: upper/lower ", bounds.ratio());
  }
}

TEST_CASE("bounds: a contended memory with addresses that are not affine") {
  // The requests, 60 cycles an iteration in one slot, are all of the work; dependences through
  // addresses are unknown. Both add little.
  Kernel kernel(4);
  const ObjectId sram = kernel.builder.sram(20);
  const ObjectId load = kernel.builder.accessUnit(kernel.loadStage, 1, {sram});
  const ObjectId weight = kernel.builder.accessUnit(kernel.weightStage, 1, {sram});
  const ObjectId store = kernel.builder.accessUnit(kernel.storeStage, 1, {sram});
  kernel.builder.beginRepeat(2000);
  const auto access = [&](ObjectId stage, ObjectId unit, bool isWrite, arch::RegisterId reg) {
    program::MemoryOperand operand = kernel.builder.access(sram, isWrite ? 4 : 0, 4, isWrite);
    makeSquare(kernel.builder, operand);
    program::Instruction &emitted = isWrite ? kernel.builder.emit({stage}, unit, {reg}, {})
                                            : kernel.builder.emit({stage}, unit, {}, {reg});
    emitted.memory = {operand};
  };
  access(kernel.loadStage, load, false, 0);
  access(kernel.weightStage, weight, false, 1);
  kernel.builder.emit({kernel.computeStage}, kernel.compute, {0, 1}, {2});
  access(kernel.storeStage, store, true, 2);
  kernel.builder.endRepeat();
  const timing::CycleBounds bounds = boundsOf(kernel.builder);
  CHECK(bounds.ratio() < 1.25);
  MESSAGE("upper/lower ", bounds.ratio());
}

namespace {

/// Walks through a cache on addresses that are not affine, and computes for \p latency cycles.
timing::CycleBounds boundsOfWalk(std::int64_t latency) {
  Kernel kernel(latency);
  const ObjectId cache = kernel.builder.cache(2, 2, 16, 1, 18, arch::noObject);
  const ObjectId unit = kernel.builder.accessUnit(kernel.loadStage, 1, {cache});
  kernel.builder.beginRepeat(2000);
  program::MemoryOperand operand = kernel.builder.access(cache, 0, 4, false);
  makeSquare(kernel.builder, operand);
  operand.mayConflict = false;
  kernel.emitPairs(unit, operand);
  kernel.builder.endRepeat();
  return boundsOf(kernel.builder);
}

} // namespace

TEST_CASE("bounds: a cache walk behind computation, beside it, and one that is all there is") {
  // 1 + 1 or 1 + 18 cycles a read. Where the computation is between the two, how much of a miss it
  // hides is not known; else nothing is lost.
  for (const std::int64_t latency : {1, 2, 4, 6, 8, 10, 12, 14, 17, 20, 40}) {
    const timing::CycleBounds bounds = boundsOfWalk(latency);
    CHECK(bounds.ratio() < (latency < 4 || latency > 18 ? 1.01 : 1.25));
    MESSAGE("computation of ", latency, " cycles: upper/lower ", bounds.ratio());
  }
}

namespace {

/// Two units load from a cache with one slot, in an order that depends on time, each from 127 bytes
/// of its own over and over.
std::unique_ptr<Kernel> shareCache(std::int64_t sets) {
  auto kernel = std::make_unique<Kernel>(1);
  CaseBuilder &builder = kernel->builder;
  const ObjectId cache = builder.cache(sets, 2, 16, 2, 30, arch::noObject);
  const ObjectId load = builder.accessUnit(kernel->loadStage, 1, {cache});
  const ObjectId weight = builder.accessUnit(kernel->weightStage, 1, {cache});
  builder.beginRepeat(2000);
  for (const ObjectId unit : {load, weight}) {
    program::MemoryOperand operand = builder.access(cache, unit == load ? 0 : 256, 1, false);
    makeSquare(builder, operand, 2);
    operand.mayConflict = false;
    builder.emit({unit == load ? kernel->loadStage : kernel->weightStage}, unit).memory = {operand};
  }
  builder.endRepeat();
  return kernel;
}

} // namespace

TEST_CASE("bounds: a cache that several clients share") {
  // Eight lines from each client.
  const auto large = shareCache(16);
  const Plan fits = makePlan(large->builder.graph(), large->builder.program());
  CHECK(findOrderedStorages(fits).empty());
  REQUIRE(findFittingCaches(fits).size() == 1);
  CHECK(findFittingCaches(fits)[0].lines == 16);
  // Each line is filled once; the units' own cycles, a third of the work, may come on top of it.
  const timing::CycleBounds bounds = boundsOf(large->builder);
  CHECK(bounds.ratio() < 1.4);
  MESSAGE("upper/lower ", bounds.ratio());
  const auto small = shareCache(4);
  const Plan tight = makePlan(small->builder.graph(), small->builder.program());
  CHECK(findFittingCaches(tight).empty());
  CHECK(!boundsOf(small->builder).isUseful());
}

TEST_CASE("bounds: where requests come in program order") {
  const auto rows = readRows(10, 1);
  const Plan alone = makePlan(rows->builder.graph(), rows->builder.program());
  CHECK(findOrderedStorages(alone).size() == 1);
  // Of two clients either may come first, unless the storage sees to it.
  const auto shared = shareCache(4);
  const auto ordered = [&] {
    return findOrderedStorages(makePlan(shared->builder.graph(), shared->builder.program())).size();
  };
  CHECK(ordered() == 0);
  const ObjectId cache = shared->builder.program().instructions[0].memory[0].storage;
  shared->builder.object(cache).arbitration = arch::Arbitration::ProgramOrder;
  CHECK(ordered() == 1);
}

TEST_CASE("bounds: a DRAM with two slots serves requests in program order, but two at once") {
  CaseBuilder builder;
  builder.registers(1);
  builder.fetch({1, 1});
  const ObjectId dram = builder.dram(2, 2, 1, 64, 5, 5, 20);
  builder.object(dram).arbitration = arch::Arbitration::ProgramOrder;
  for (int i = 0; i != 2; ++i) {
    const ObjectId stage = builder.stage(1, {builder.fetchStage()});
    const ObjectId unit = builder.accessUnit(stage, 1, {dram});
    builder.emit({stage}, unit).memory = {builder.access(dram, 0, 4, false)};
  }
  CHECK(findOrderedStorages(makePlan(builder.graph(), builder.program())).empty());
  builder.object(dram).maxConcurrentRequests = builder.object(dram).readWritePorts = 1;
  CHECK(findOrderedStorages(makePlan(builder.graph(), builder.program())).size() == 1);
}

TEST_CASE("bounds: instructions of two ways may overtake each other before one unit") {
  CaseBuilder builder;
  builder.registers(1);
  builder.fetch({2, 4});
  const ObjectId cache = builder.cache(2, 2, 16, 1, 18, arch::noObject);
  const ObjectId slow = builder.stage(5, {builder.fetchStage()});
  const ObjectId fast = builder.stage(1, {builder.fetchStage()});
  const ObjectId last = builder.stage(1, {slow, fast});
  const ObjectId unit = builder.accessUnit(last, 1, {cache});
  const auto emit = [&](ObjectId way) {
    builder.emit({way, last}, unit).memory = {builder.access(cache, 0, 4, false)};
  };
  const auto isOrdered = [&] {
    return !findOrderedStorages(makePlan(builder.graph(), builder.program())).empty();
  };
  builder.object(last).arbitration = arch::Arbitration::OldestFirst;
  emit(slow);
  emit(slow);
  CHECK(isOrdered()); // those of one way do not
  emit(fast);
  CHECK(!isOrdered());
  builder.object(last).arbitration = arch::Arbitration::ProgramOrder;
  CHECK(isOrdered());
}

TEST_CASE("bounds: what a cache holds is followed at a cost that does not grow with trip counts") {
  // Every fourth read of 4 bytes comes to a new line.
  constexpr std::int64_t trips = 1'000'000'000'000;
  Kernel kernel(1);
  const ObjectId cache = kernel.builder.cache(4, 2, 16, 1, 18, arch::noObject);
  const ObjectId unit = kernel.builder.accessUnit(kernel.loadStage, 1, {cache});
  kernel.builder.beginRepeat(trips);
  program::MemoryOperand operand = kernel.builder.access(cache, 0, 4, false);
  operand.address.terms = {{0, 4}};
  kernel.builder.emit({kernel.loadStage}, unit).memory = {operand};
  kernel.builder.endRepeat();
  const Plan plan = makePlan(kernel.builder.graph(), kernel.builder.program());
  std::int64_t allowance = 200;
  const RequestHistory history = walkRequests(plan, findOrderedStorages(plan).front(), allowance);
  CHECK(allowance > 0);
  REQUIRE(history.size() == 1);
  const std::vector<ServedRequests> &served = history.begin()->second;
  REQUIRE(served.size() == 2);
  CHECK(served[0].service.most == 1);
  CHECK(served[0].count == trips / 4 * 3);
  CHECK(served[1].service.least == 18);
  CHECK(served[1].count == trips / 4);
  // What is left when the allowance is used up may be anything.
  allowance = 10;
  std::int64_t looked = 0;
  const RequestHistory begun = walkRequests(plan, findOrderedStorages(plan).front(), allowance);
  for (const ServedRequests &requests : begun.begin()->second)
    looked += requests.count;
  CHECK(looked == 10);
  CHECK(allowance == 0);
}

TEST_CASE("bounds: a DRAM's row may have to stay open, if its requests come fast enough") {
  // Alternating rows of one bank: tRP + tRCD + latency = 12, and up to tRAS behind the activation.
  Kernel kernel(1);
  const ObjectId dram = kernel.builder.dram(2, 1, 1, 64, 5, 5, 20);
  const ObjectId unit = kernel.builder.accessUnit(kernel.loadStage, 1, {dram});
  kernel.builder.beginRepeat(100);
  for (const std::int64_t address : {0, 64})
    kernel.builder.emit({kernel.loadStage}, unit).memory = {
        kernel.builder.access(dram, address, 4, false)};
  kernel.builder.endRepeat();
  const Plan plan = makePlan(kernel.builder.graph(), kernel.builder.program());
  std::int64_t allowance = 1000;
  const RequestHistory history = walkRequests(plan, findOrderedStorages(plan).front(), allowance);
  REQUIRE(history.contains(1));
  const std::vector<ServedRequests> &second = history.at(1);
  // At the second request the row has been open for at least 7 cycles: t_RCD and one access.
  REQUIRE(second.size() == 1);
  CHECK(second[0].service.least == 12);
  CHECK(second[0].service.most == 25);
}

TEST_CASE("bounds: instructions fetched from the contended data memory") {
  // 24 cycles of the store and 6 of the fetch in one slot; little else.
  CaseBuilder builder;
  builder.registers(2);
  const ObjectId sram = builder.sram(6);
  builder.fetch({2, 4, 1, 6, 0}, sram);
  const ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const ObjectId other = builder.stage(1, {builder.fetchStage()});
  const ObjectId unit = builder.accessUnit(stage, 1, {sram});
  const ObjectId compute = builder.functionalUnit(other, 1);
  builder.beginRepeat(2000);
  program::MemoryOperand operand = builder.access(sram, 0, 32, true);
  makeSquare(builder, operand);
  builder.emit({stage}, unit, {1}, {}).memory = {operand};
  builder.emit({other}, compute, {0}, {1});
  builder.endRepeat();
  const timing::CycleBounds bounds = boundsOf(builder);
  CHECK(bounds.ratio() < 1.25);
  MESSAGE("upper/lower ", bounds.ratio());
}

TEST_CASE("bounds: a stream that runs ahead for thousands of iterations") {
  // The fetch is a cycle faster in each iteration until the buffer is full: nothing recurs before,
  // also not in the relaxed plans. Monotony gives 2 to 3 cycles an iteration, the work of the
  // unit 3.
  CaseBuilder builder;
  builder.registers(2);
  builder.fetch({1, 8192});
  const ObjectId slow = builder.stage(1, {builder.fetchStage()});
  const ObjectId fast = builder.stage(1, {builder.fetchStage()});
  const ObjectId slowUnit = builder.functionalUnit(slow, 3);
  const ObjectId fastUnit = builder.functionalUnit(fast, 1);
  builder.beginRepeat(5000);
  builder.emit({slow}, slowUnit, {}, {0});
  builder.emit({fast}, fastUnit, {}, {1});
  builder.endRepeat();
  const timing::CycleBounds bounds = boundsOf(builder);
  CHECK(bounds.lower >= 15'000);
  CHECK(bounds.upper < 15'100);
}

TEST_CASE("bounds: nests of loops are leapt over on each level") {
  // Three loops with a fetch block that ends elsewhere in each iteration.
  CaseBuilder builder;
  builder.registers(2);
  builder.fetch({4, 64});
  const ObjectId first = builder.stage(1, {builder.fetchStage()});
  const ObjectId second = builder.stage(1, {builder.fetchStage()});
  const ObjectId unit = builder.functionalUnit(first, 5);
  const ObjectId other = builder.functionalUnit(second, 2);
  builder.beginRepeat(30);
  builder.emit({second}, other, {1}, {0});
  builder.beginRepeat(40);
  builder.emit({first}, unit, {0}, {1});
  builder.beginRepeat(70);
  builder.emit({first}, unit, {}, {0});
  builder.emit({second}, other, {0}, {1});
  builder.emit({second}, other, {1}, {1});
  builder.endRepeat();
  builder.endRepeat();
  builder.endRepeat();
  EstimateOptions options;
  options.budget = 10;
  const timing::Evaluation result = estimate(builder.graph(), builder.program(), options);
  const std::int64_t truth = simulated(builder);
  CHECK(isFromBounds(result));
  CHECK(result.lower() <= truth);
  CHECK(truth <= result.upper());
  CHECK(result.bounds.ratio() < 1.02);
  MESSAGE("upper/lower ", result.bounds.ratio());
}

TEST_CASE("bounds cost nothing that grows with trip counts") {
  const auto kernel = readRows(1'000'000'000'000'000, 160);
  EstimateOptions options;
  options.budget = smallBudget;
  const timing::Evaluation result =
      estimate(kernel->builder.graph(), kernel->builder.program(), options);
  REQUIRE(result.completed());
  CHECK(isFromBounds(result));
  CHECK(result.lower() >= 320'000'000'000'000'000);
  CHECK(result.bounds.ratio() < 1.05);
}

TEST_CASE("service times: activations of other requests may lie ahead") {
  CaseBuilder builder;
  builder.registers(1);
  builder.fetch({1, 1});
  const ObjectId dram = builder.dram(2, 2, 1, 64, 5, 5, 20);
  for (int i = 0; i != 2; ++i) {
    const ObjectId stage = builder.stage(1, {builder.fetchStage()});
    const ObjectId unit = builder.accessUnit(stage, 1, {dram});
    builder.emit({stage}, unit).memory = {builder.access(dram, 0, 4, false)};
  }
  timing::StorageModel model(builder.graph());
  CHECK(model.serve(dram, {0, 4, false}, 0) == 7);
  CHECK(model.serve(dram, {64, 4, false}, 0) ==
        32); // waits for t_RAS, as long as one alone may take
  const std::int64_t third = model.serve(dram, {0, 4, false}, 7);
  CHECK(third == 50); // the activation before lies ahead, at 25
  const ServiceTimes times(builder.graph(), builder.program());
  const ServiceBounds bounds = times.of(builder.program().instructions[0].memory[0]);
  CHECK(bounds.least == 2);
  CHECK(bounds.most == 64);
}

TEST_CASE("service times: alignment decides how many lines are touched") {
  program::MemoryOperand operand;
  operand.address.constant = 4;
  operand.address.terms = {{0, 24}, {1, -40}};
  const Alignment alignment = Alignment::of(operand, 16); // 4 or 12 behind the begin of a line
  CHECK(alignment.offset == 4);
  CHECK(alignment.step == 8);
  CHECK(alignment.mostTouched(4, 16) == 1);
  CHECK(alignment.mostTouched(5, 16) == 2);
  CHECK(alignment.mostTouched(20, 16) == 2);
  CHECK(alignment.mostTouched(21, 16) == 3);
  operand.address.hasRest = true;
  CHECK(Alignment::of(operand, 16).mostTouched(2, 16) == 2);
}

TEST_CASE("bounds beyond 64 bits are refused") {
  Kernel kernel(1'000'000);
  const ObjectId dram = kernel.builder.dram(2, 1, 4, 1024, 11, 11, 28);
  const ObjectId unit = kernel.builder.accessUnit(kernel.loadStage, 1, {dram});
  kernel.builder.beginRepeat(std::int64_t{1} << 60);
  program::Instruction &load = kernel.builder.emit({kernel.loadStage}, unit, {}, {0});
  load.memory = {kernel.builder.access(dram, 0, 256, false)};
  load.memory[0].address.terms = {{0, 1}};
  kernel.builder.emit({kernel.computeStage}, kernel.compute, {0}, {1});
  kernel.builder.endRepeat();
  EstimateOptions options;
  options.budget = smallBudget;
  const timing::Evaluation result =
      estimate(kernel.builder.graph(), kernel.builder.program(), options);
  CHECK(result.overflow);
  CHECK(!result.completed());
}

TEST_CASE("a budget that suffices changes nothing") {
  CaseBuilder builder;
  builder.registers(1);
  builder.fetch({1, 1});
  const ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const ObjectId unit = builder.functionalUnit(stage, 3);
  for (int i = 0; i != 5; ++i)
    builder.emit({stage}, unit, {0}, {0});
  for (const bool forceTimeOrder : {false, true}) {
    EstimateOptions options;
    options.forceTimeOrder = forceTimeOrder;
    options.budget = 5;
    const timing::Evaluation enough = estimate(builder.graph(), builder.program(), options);
    CHECK(enough.guarantee == timing::Guarantee::Exact);
    CHECK(enough.cycles == simulated(builder));
    CHECK(enough.lower() == enough.cycles);
    CHECK(enough.upper() == enough.cycles);
    options.budget = 4;
    CHECK(isFromBounds(estimate(builder.graph(), builder.program(), options)));
  }
}

TEST_CASE("bounds of several occupations: a channel is not busy behind its last word") {
  CaseBuilder builder;
  builder.registers(1);
  builder.fetch({1, 1});
  const ObjectId channel = builder.channel(1, 3);
  const ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const ObjectId unit = builder.functionalUnit(stage, 1);
  builder.edge(unit, channel, arch::EdgeKind::WriteData);
  test::addPhase(builder.emit({stage}, unit), test::over({channel}, 16));
  const std::int64_t truth = simulated(builder);
  CHECK(truth == 6); // fetched by 1, begun at 2, words accepted at 2 and 5
  const auto bounds = boundOccupations(builder.graph(), builder.program());
  REQUIRE(bounds);
  CHECK(bounds->lower == 5); // the stage is another object
  CHECK(bounds->upper >= truth);
  CHECK(bounds->ifCompletes);
}

namespace {

/// A long queue in front of a slow lane, beside a quick one, fills while nothing recurs.
struct LongQueue {
  CaseBuilder builder;
  ObjectId queue = 0, slowStage = 0, slow = 0, quickStage = 0, quick = 0, channel = 0;

  LongQueue() {
    builder.fetch({2, 4});
    queue = builder.queue(1024, {builder.fetchStage()});
    slowStage = builder.stage(1, {queue});
    slow = builder.functionalUnit(slowStage, 3);
    quickStage = builder.stage(1, {builder.fetchStage()});
    quick = builder.functionalUnit(quickStage, 1);
    channel = builder.channel(2);
    builder.edge(slow, channel, arch::EdgeKind::WriteData);
    builder.object(channel).arbitration = arch::Arbitration::ProgramOrder;
    builder.beginRepeat(4000);
  }
  program::Instruction &emitSlow() { return builder.emit({queue, slowStage}, slow); }
  timing::CycleBounds bounds() {
    builder.emit({quickStage}, quick);
    builder.endRepeat();
    return boundsOf(builder);
  }
};

} // namespace

TEST_CASE("bounds of several occupations: a long queue that fills") {
  LongQueue kernel;
  kernel.emitSlow().latency = 3;
  const timing::CycleBounds bounds = kernel.bounds();
  MESSAGE("long queue: ", bounds.ratio());
  CHECK(bounds.ratio() < 1.25);
}

TEST_CASE("bounds of several occupations: a long queue in front of a channel") {
  LongQueue kernel;
  program::Instruction &slow = kernel.emitSlow();
  test::addPhase(slow, test::on(kernel.slow, 3));
  test::addPhase(slow, test::over({kernel.channel}, 8));
  const timing::CycleBounds bounds = kernel.bounds();
  MESSAGE("long queue in front of a channel: ", bounds.ratio());
  CHECK(bounds.ratio() < 1.25);
}

TEST_CASE("bounds of several occupations: what is left is counted from where the budget ends") {
  LongQueue kernel;
  // An order that depends on time: no fences.
  kernel.builder.object(kernel.channel).arbitration = arch::Arbitration::OldestFirst;
  program::Instruction &slow = kernel.emitSlow();
  test::addPhase(slow, test::on(kernel.slow, 3));
  test::addPhase(slow, test::over({kernel.channel}, 8));
  const timing::CycleBounds bounds = kernel.bounds();
  const auto all = boundOccupations(kernel.builder.graph(), kernel.builder.program());
  REQUIRE(all);
  CHECK(bounds.upper < all->upper);
  CHECK(bounds.lower >= all->lower);
}

//===--- Timing anomalies ---------------------------------------------------------------------===//

namespace {

/// A load through a cache decides when a long request reaches a contended memory: just before, or
/// long behind, a short one that much work waits for.
struct Anomaly {
  CaseBuilder builder;
  ObjectId cache = 0;

  /// \p isWarm: the line is there already.
  explicit Anomaly(bool isWarm) {
    builder.registers(4);
    builder.fetch({5, 5});
    cache = builder.cache(1, 1, 16, 1, 5, arch::noObject);
    const ObjectId memory = builder.sram(1);
    const auto stage = [&] { return builder.stage(1, {builder.fetchStage()}); };
    const ObjectId first = stage();
    const ObjectId second = stage();
    const ObjectId third = stage();
    const ObjectId fourth = stage();
    const ObjectId loads = builder.accessUnit(first, 1, {cache});
    const ObjectId longRequest = builder.accessUnit(second, 1, {memory});
    const ObjectId shortRequest = builder.accessUnit(third, isWarm ? 10 : 4, {memory});
    const ObjectId work = builder.functionalUnit(fourth, 50);
    const auto access = [&](program::Instruction &instruction, ObjectId storage,
                            std::int64_t address, std::int64_t bytes) {
      instruction.memory = {builder.access(storage, address, bytes, false)};
      instruction.memory[0].mayConflict = false;
    };
    if (isWarm)
      access(builder.emit({first}, loads, {}, {0}), cache, 0, 4);
    access(builder.emit({first}, loads, {}, {1}), cache, 0, 4);
    access(builder.emit({second}, longRequest, {1}, {2}), memory, 0, 40);
    access(builder.emit({third}, shortRequest, {}, {3}), memory, 64, 4);
    builder.emit({fourth}, work, {3}, {});
  }

  /// Bounds that intuition gives: every access a miss, every access a hit.
  std::int64_t withLatencies(std::int64_t hit, std::int64_t miss) {
    builder.object(cache).hitLatency = hit;
    builder.object(cache).missLatency = miss;
    const std::int64_t cycles = simulated(builder);
    builder.object(cache).hitLatency = 1;
    builder.object(cache).missLatency = 5;
    return cycles;
  }
};

} // namespace

TEST_CASE("a timing anomaly: all misses are faster than a hit") {
  Anomaly anomaly(true);
  const std::int64_t truth = simulated(anomaly.builder);
  const std::int64_t allMisses = anomaly.withLatencies(5, 5);
  CHECK(truth == 72);
  CHECK(allMisses == 63); // no upper bound
  const auto bounds =
      boundCycles(makePlan(anomaly.builder.graph(), anomaly.builder.program()), {100, 100});
  REQUIRE(bounds);
  CHECK(bounds->lower <= truth);
  CHECK(truth <= bounds->upper);
}

TEST_CASE("a timing anomaly: all hits are slower than a miss") {
  Anomaly anomaly(false);
  const std::int64_t truth = simulated(anomaly.builder);
  const std::int64_t allHits = anomaly.withLatencies(1, 1);
  CHECK(truth == 57);
  CHECK(allHits == 66); // no lower bound
  const auto bounds =
      boundCycles(makePlan(anomaly.builder.graph(), anomaly.builder.program()), {100, 100});
  REQUIRE(bounds);
  CHECK(bounds->lower <= truth);
  CHECK(truth <= bounds->upper);
}

} // namespace acadlc::aidg
