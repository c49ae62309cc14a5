#include "backend/simulate/Simulator.h"

#include "backend/timing/Evaluable.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

#include <vector>

namespace acadlc::simulate {

namespace {

using arch::Arbitration;
using arch::ObjectId;
using test::CaseBuilder;
using timing::InstructionTimes;
using Times = std::vector<std::int64_t>;

struct Result {
  timing::Evaluation evaluation;
  std::vector<InstructionTimes> times;

  [[nodiscard]] Times of(std::int64_t InstructionTimes::*milestone) const {
    Times result;
    for (const InstructionTimes &each : times)
      result.push_back(each.*milestone);
    return result;
  }
};

Result run(CaseBuilder &builder) {
  Result result;
  SimulateOptions options;
  options.observer = [&result](const program::Instance &instance, const InstructionTimes &times) {
    REQUIRE(instance.index == static_cast<std::int64_t>(result.times.size()));
    result.times.push_back(times);
  };
  result.evaluation = simulate(builder.graph(), builder.program(), options);
  return result;
}

/// A port: a stage behind the fetch stage with a functional unit of its own.
struct Port {
  Port(CaseBuilder &builder, std::int64_t stageLatency, std::int64_t latency,
       std::int64_t initiationInterval = 0)
      : stage(builder.stage(stageLatency, {builder.fetchStage()})),
        unit(builder.functionalUnit(stage, latency, initiationInterval)) {}
  ObjectId stage, unit;
};

/// A port with a memory access unit.
struct MemoryPort {
  MemoryPort(CaseBuilder &builder, std::int64_t stageLatency, const std::vector<ObjectId> &storages)
      : stage(builder.stage(stageLatency, {builder.fetchStage()})),
        unit(builder.accessUnit(stage, 1, storages)) {}
  ObjectId stage, unit;
};

/// Two stages of latency 2 and 1 that feed one unit.
struct SharedUnit {
  explicit SharedUnit(Arbitration arbitration) {
    builder.fetch({2, 2});
    slow = builder.stage(2, {builder.fetchStage()});
    fast = builder.stage(1, {builder.fetchStage()});
    unit = builder.functionalUnit(slow, 1);
    builder.edge(fast, unit, arch::EdgeKind::Contains);
    builder.object(unit).arbitration = arbitration;
    builder.registers(1);
  }
  CaseBuilder builder;
  ObjectId slow, fast, unit;
};

} // namespace

TEST_CASE("an empty stream takes no time") {
  CaseBuilder builder;
  builder.fetch({1, 1});
  const Result result = run(builder);
  CHECK(result.evaluation.completed());
  CHECK(result.evaluation.cycles == 0);
  CHECK(result.evaluation.instructions == 0);
}

TEST_CASE("one instruction passes fetch, stage and unit") {
  CaseBuilder builder;
  builder.fetch({1, 1, 2, 3, 4});
  const Port port(builder, 5, 6);
  builder.emit({port.stage}, port.unit);
  const Result result = run(builder);
  REQUIRE(result.times.size() == 1);
  CHECK(result.times[0] == InstructionTimes{9, 9, 14, 14, 20});
  CHECK(result.evaluation.cycles == 20);
}

// ---- Fetch
// ---------------------------------------------------------------------------------------

TEST_CASE("fetch waits for a number of free slots, not for one instruction") {
  CaseBuilder builder;
  builder.fetch({1, 2});
  const Port x(builder, 1, 1), y(builder, 1, 1);
  builder.emit({x.stage}, x.unit).latency = 9;
  builder.emit({x.stage}, x.unit);
  builder.emit({x.stage}, x.unit);
  for (int i = 0; i < 3; ++i)
    builder.emit({y.stage}, y.unit);
  const Result result = run(builder);
  CHECK(result.of(&InstructionTimes::issued) == Times{1, 2, 11, 4, 5, 6});
  CHECK(result.evaluation.cycles == 13);
}

TEST_CASE("fetch starts only when a whole block fits") {
  // Slots become free one by one at 2, 3, 4 (issues of the first block): with room for three only,
  // the second block of two has to wait for the second issue.
  const auto fetched = [](std::int64_t bufferSize) {
    CaseBuilder builder;
    builder.fetch({2, bufferSize, 1, 1, 0});
    const Port port(builder, 3, 1);
    for (int i = 0; i < 4; ++i)
      builder.emit({port.stage}, port.unit);
    return run(builder).of(&InstructionTimes::fetched);
  };
  CHECK(fetched(2) == Times{2, 2, 7, 7});
  CHECK(fetched(3) == Times{2, 2, 4, 4});
  CHECK(fetched(4) == Times{2, 2, 4, 4});
}

TEST_CASE("a port issues one instruction a cycle, ports are independent") {
  CaseBuilder builder;
  builder.fetch({4, 4});
  const Port x(builder, 1, 1), y(builder, 1, 1);
  builder.emit({x.stage}, x.unit);
  builder.emit({x.stage}, x.unit);
  builder.emit({y.stage}, y.unit);
  builder.emit({y.stage}, y.unit);
  CHECK(run(builder).of(&InstructionTimes::issued) == Times{1, 2, 1, 2});
}

TEST_CASE("a branch ends its block and holds the next fetch until it has finished") {
  CaseBuilder builder;
  builder.fetch({4, 4, 1, 1, 0});
  const Port port(builder, 1, 1);
  builder.registers(1);
  builder.emit({port.stage}, port.unit, {}, {0}).latency = 5;
  builder.emit({}, builder.branchUnit(), {0}).latency = 3;
  builder.emit({port.stage}, port.unit);
  const Result result = run(builder);
  // The branch enters the fetch unit at once and waits there for the register.
  CHECK(result.times[0] == InstructionTimes{2, 2, 3, 3, 8});
  CHECK(result.times[1] == InstructionTimes{2, 2, 2, 8, 11});
  CHECK(result.times[2] == InstructionTimes{13, 13, 14, 14, 15});
}

TEST_CASE("fetches from a data memory are younger than requests of fetched instructions") {
  const auto cycles = [](Arbitration arbitration) {
    CaseBuilder builder;
    const ObjectId memory = builder.sram(1);
    builder.object(memory).arbitration = arbitration;
    builder.fetch({1, 2}, memory);
    const MemoryPort port(builder, 1, {memory});
    for (int i = 0; i < 2; ++i)
      builder.emit({port.stage}, port.unit).memory = {builder.access(memory, 64 * i, 4, false)};
    return run(builder).evaluation.cycles;
  };
  CHECK(cycles(Arbitration::OldestFirst) == 6);
  CHECK(cycles(Arbitration::ProgramOrder) == 8);
}

// ---- Stages and units
// ----------------------------------------------------------------------------

TEST_CASE("a blocked stage keeps its instruction and hands over without a gap") {
  CaseBuilder builder;
  builder.fetch({3, 3});
  const Port port(builder, 1, 4);
  for (int i = 0; i < 3; ++i)
    builder.emit({port.stage}, port.unit);
  const Result result = run(builder);
  CHECK(result.of(&InstructionTimes::issued) == Times{1, 2, 6});
  CHECK(result.of(&InstructionTimes::entered) == Times{2, 6, 10});
}

TEST_CASE("units of one stage work at the same time") {
  CaseBuilder builder;
  builder.fetch({2, 2});
  const Port port(builder, 2, 9);
  const ObjectId second = builder.functionalUnit(port.stage, 9);
  builder.emit({port.stage}, port.unit);
  builder.emit({port.stage}, second);
  const Result result = run(builder);
  CHECK(result.of(&InstructionTimes::issued) == Times{1, 3});
  CHECK(result.of(&InstructionTimes::finished) == Times{12, 14});
}

TEST_CASE("dependences are awaited in the unit and block it") {
  CaseBuilder builder;
  builder.fetch({3, 3});
  const Port port(builder, 1, 1), other(builder, 1, 1);
  builder.registers(1);
  builder.emit({other.stage}, other.unit, {}, {0}).latency = 7;
  builder.emit({port.stage}, port.unit, {0});
  builder.emit({port.stage}, port.unit);
  const Result result = run(builder);
  CHECK(result.times[1] == InstructionTimes{1, 1, 2, 9, 10});
  CHECK(result.times[2] == InstructionTimes{1, 2, 10, 10, 11});
}

TEST_CASE("read after write, write after read and write after write are awaited") {
  using Registers = std::vector<arch::RegisterId>;
  const auto start = [](const Registers &firstReads, const Registers &firstWrites,
                        const Registers &reads, const Registers &writes) {
    CaseBuilder builder;
    builder.fetch({2, 2});
    const Port x(builder, 1, 6), y(builder, 1, 1);
    builder.registers(2);
    builder.emit({x.stage}, x.unit, firstReads, firstWrites);
    builder.emit({y.stage}, y.unit, reads, writes);
    return run(builder).times[1].started;
  };
  CHECK(start({}, {0}, {0}, {}) == 8);
  CHECK(start({0}, {}, {}, {0}) == 8);
  CHECK(start({}, {0}, {}, {0}) == 8);
  CHECK(start({0}, {}, {0}, {}) == 2);
  CHECK(start({}, {0}, {1}, {}) == 2);
}

TEST_CASE("an initiation interval frees the unit before the instruction finishes") {
  const auto entered = [](std::int64_t interval) {
    CaseBuilder builder;
    builder.fetch({3, 3});
    const Port port(builder, 1, 5, interval);
    for (int i = 0; i < 3; ++i)
      builder.emit({port.stage}, port.unit);
    return run(builder).of(&InstructionTimes::entered);
  };
  CHECK(entered(0) == Times{2, 7, 12});
  CHECK(entered(2) == Times{2, 4, 6});
  CHECK(entered(5) == Times{2, 7, 12});
}

TEST_CASE("a pipelined unit is blocked while an instruction waits in it") {
  CaseBuilder builder;
  builder.fetch({3, 3});
  const Port port(builder, 1, 5, 1);
  builder.registers(1);
  builder.emit({port.stage}, port.unit, {}, {0});
  builder.emit({port.stage}, port.unit, {0});
  builder.emit({port.stage}, port.unit);
  CHECK(run(builder).of(&InstructionTimes::started) == Times{2, 7, 8});
}

TEST_CASE("a shared unit takes instructions in program order or oldest first") {
  const auto entered = [](Arbitration arbitration) {
    SharedUnit shared(arbitration);
    shared.builder.emit({shared.slow}, shared.unit).latency = 2;
    shared.builder.emit({shared.fast}, shared.unit).latency = 2;
    return run(shared.builder).of(&InstructionTimes::entered);
  };
  CHECK(entered(Arbitration::OldestFirst) == Times{4, 2});
  CHECK(entered(Arbitration::ProgramOrder) == Times{3, 5});
}

TEST_CASE("oldest first can deadlock, program order can't") {
  const auto evaluate = [](Arbitration arbitration) {
    SharedUnit shared(arbitration);
    shared.builder.emit({shared.slow}, shared.unit, {}, {0});
    shared.builder.emit({shared.fast}, shared.unit, {0}, {});
    return run(shared.builder).evaluation;
  };
  const timing::Evaluation ordered = evaluate(Arbitration::ProgramOrder);
  CHECK(ordered.completed());
  CHECK(ordered.cycles == 5);

  const timing::Evaluation stuck = evaluate(Arbitration::OldestFirst);
  REQUIRE(stuck.deadlock.has_value());
  CHECK_FALSE(stuck.completed());
  const std::vector<timing::Wait> &waits = stuck.deadlock->waits;
  REQUIRE(waits.size() == 2);
  CHECK(stuck.deadlock->time == 3);
  CHECK(waits[0].index == 0);
  CHECK(waits[0].reason == timing::Wait::Reason::Occupied);
  CHECK(waits[1].index == 1);
  CHECK(waits[1].reason == timing::Wait::Reason::Dependence);
}

TEST_CASE("an object with one predecessor takes instructions as they come") {
  // A shared stage lets the younger instruction pass. Its unit keeps program order, but has only
  // this stage before it: waiting for the older instruction there would be a deadlock.
  CaseBuilder builder;
  builder.fetch({2, 2});
  const ObjectId slow = builder.stage(4, {builder.fetchStage()});
  const ObjectId fast = builder.stage(1, {builder.fetchStage()});
  const ObjectId shared = builder.stage(1, {slow, fast});
  const ObjectId unit = builder.functionalUnit(shared, 1);
  builder.object(shared).arbitration = Arbitration::OldestFirst;
  builder.emit({slow, shared}, unit);
  builder.emit({fast, shared}, unit);
  CHECK(run(builder).of(&InstructionTimes::entered) == Times{6, 3});
}

// ---- Storages
// ------------------------------------------------------------------------------------

TEST_CASE("a memory with one slot serves the oldest of those that wait") {
  const auto finished = [](Arbitration arbitration) {
    CaseBuilder builder;
    builder.fetch({2, 2});
    const ObjectId memory = builder.sram(4);
    builder.object(memory).arbitration = arbitration;
    const MemoryPort slow(builder, 3, {memory}), fast(builder, 1, {memory});
    builder.emit({slow.stage}, slow.unit).memory = {builder.access(memory, 0, 4, false)};
    builder.emit({fast.stage}, fast.unit).memory = {builder.access(memory, 64, 4, false)};
    return run(builder).of(&InstructionTimes::finished);
  };
  CHECK(finished(Arbitration::OldestFirst) == Times{11, 7});
  CHECK(finished(Arbitration::ProgramOrder) == Times{9, 13});
}

TEST_CASE("two slots serve two requests at once") {
  CaseBuilder builder;
  builder.fetch({3, 3});
  const ObjectId memory = builder.sram(4, 2);
  for (int i = 0; i < 3; ++i) {
    const MemoryPort port(builder, 1, {memory});
    builder.emit({port.stage}, port.unit).memory = {builder.access(memory, 64 * i, 4, false)};
  }
  CHECK(run(builder).of(&InstructionTimes::finished) == Times{7, 7, 11});
}

TEST_CASE("operands are requested one after the other") {
  CaseBuilder builder;
  builder.fetch({1, 1});
  const ObjectId a = builder.sram(3), b = builder.sram(5);
  builder.object(b).writeLatency = 7;
  const MemoryPort port(builder, 1, {a, b});
  builder.emit({port.stage}, port.unit).memory = {builder.access(a, 0, 4, false),
                                                  builder.access(b, 0, 8, false),
                                                  builder.access(b, 0, 4, true)};
  // start 2, unit latency 1, then 3, two transactions of 5, and 7
  CHECK(run(builder).evaluation.cycles == 2 + 1 + 3 + 2 * 5 + 7);
}

TEST_CASE("overlapping bytes of one memory are dependences, whatever cache leads there") {
  const auto start = [](std::int64_t address, bool firstWrites, bool secondWrites) {
    CaseBuilder builder;
    builder.fetch({2, 2});
    const ObjectId memory = builder.sram(4, 3);
    const ObjectId cache = builder.cache(1, 1, 8, 1, 1, memory);
    const MemoryPort direct(builder, 1, {memory}), cached(builder, 1, {cache});
    builder.emit({direct.stage}, direct.unit).memory = {builder.access(memory, 8, 4, firstWrites)};
    builder.emit({cached.stage}, cached.unit).memory = {
        builder.access(cache, address, 4, secondWrites)};
    return run(builder).times[1].started;
  };
  CHECK(start(11, true, false) == 7);
  CHECK(start(5, false, true) == 7);
  CHECK(start(5, true, true) == 7);
  CHECK(start(8, false, false) == 2);
  CHECK(start(12, true, false) == 2);
  CHECK(start(4, true, true) == 2);
}

TEST_CASE("a cache keeps its slot while it fills a line") {
  CaseBuilder builder;
  builder.fetch({3, 3});
  const ObjectId memory = builder.sram(5);
  const ObjectId cache = builder.cache(1, 1, 8, 1, 2, memory);
  for (int i = 0; i < 3; ++i) {
    const MemoryPort port(builder, 1, {cache});
    builder.emit({port.stage}, port.unit).memory = {builder.access(cache, 4 * (i / 2), 4, false)};
  }
  // Miss: 2 and a line of two transactions of 5. Then two hits.
  CHECK(run(builder).of(&InstructionTimes::finished) == Times{15, 16, 17});
}

// ---- The run
// -------------------------------------------------------------------------------------

TEST_CASE("the observer sees program order, whatever finishes first") {
  CaseBuilder builder;
  builder.fetch({1, 2});
  const Port x(builder, 1, 50), y(builder, 1, 1);
  builder.beginRepeat(3, 10, 5);
  builder.emit({x.stage}, x.unit);
  builder.emit({y.stage}, y.unit);
  builder.endRepeat();
  std::vector<std::int64_t> values;
  SimulateOptions options;
  options.observer = [&values](const program::Instance &instance, const InstructionTimes &) {
    values.push_back(instance.loopValues[0] + 100 * instance.id);
  };
  const timing::Evaluation evaluation = simulate(builder.graph(), builder.program(), options);
  CHECK(values == Times{10, 110, 15, 115, 20, 120});
  CHECK(evaluation.kernelIterations == 3);
  CHECK(evaluation.evaluatedIterations == 3);
  CHECK(evaluation.instructions == 6);
  CHECK(evaluation.guarantee == timing::Guarantee::Exact);
}

TEST_CASE("latencies far beyond the event ring are kept apart") {
  CaseBuilder builder;
  builder.fetch({4, 4});
  for (const std::int64_t latency : {255, 256, 257, 100'000}) {
    const Port port(builder, 1, latency);
    builder.emit({port.stage}, port.unit);
  }
  CHECK(run(builder).of(&InstructionTimes::finished) == Times{257, 258, 259, 100'002});
}

TEST_CASE("a limit of instructions cuts the stream off") {
  CaseBuilder builder;
  builder.fetch({1, 1});
  const Port port(builder, 1, 1);
  builder.beginRepeat(INT64_MAX);
  builder.emit({port.stage}, port.unit);
  builder.endRepeat();
  SimulateOptions options;
  options.maxInstructions = 1000;
  const timing::Evaluation evaluation = simulate(builder.graph(), builder.program(), options);
  CHECK(evaluation.limitReached);
  CHECK(evaluation.instructions == 1000);
  CHECK_FALSE(evaluation.completed());
}

TEST_CASE("times and counts beyond 64 bits are noticed") {
  CaseBuilder builder;
  builder.fetch({1, 1});
  const Port port(builder, 1, INT64_MAX - 1);
  builder.emit({port.stage}, port.unit);
  CHECK(run(builder).evaluation.overflow);

  CaseBuilder counts;
  counts.fetch({1, 1});
  const Port other(counts, 1, 1);
  counts.beginRepeat(INT64_MAX);
  counts.beginRepeat(2);
  counts.emit({other.stage}, other.unit);
  counts.endRepeat();
  counts.endRepeat();
  CHECK(run(counts).evaluation.overflow);

  CaseBuilder transfer;
  transfer.fetch({1, 1});
  const ObjectId memory = transfer.sram(INT64_MAX / 2);
  const MemoryPort access(transfer, 1, {memory});
  transfer.emit({access.stage}, access.unit).memory = {transfer.access(memory, 0, 64, false)};
  CHECK(run(transfer).evaluation.overflow);
}

} // namespace acadlc::simulate
