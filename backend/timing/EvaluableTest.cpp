#include "backend/timing/Evaluable.h"

#include "backend/timing/Evaluation.h"
#include "backend/timing/Machine.h"
#include "support/InternalError.h"
#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::timing {

namespace {

using arch::ObjectClass;
using arch::ObjectId;
using test::CaseBuilder;

/// What is reported, as codes in order.
std::vector<DiagnosticCode> problems(CaseBuilder &builder) {
  DiagnosticEngine diagnostics;
  const bool evaluable = checkEvaluable(builder.graph(), builder.program(), diagnostics);
  CHECK(evaluable == diagnostics.diagnostics().empty());
  std::vector<DiagnosticCode> result;
  for (const Diagnostic &diagnostic : diagnostics.diagnostics())
    result.push_back(diagnostic.code);
  return result;
}

/// A machine with a memory and a program of one load.
struct Fixture {
  explicit Fixture(const CaseBuilder::Fetch &fetch = {2, 4, 1, 1, 0}) {
    builder.fetch(fetch);
    memory = builder.sram(4);
    stage = builder.stage(1, {builder.fetchStage()});
    unit = builder.accessUnit(stage, 1, {memory});
    builder.registers(2);
    builder.emit({stage}, unit).memory = {builder.access(memory, 0, 4, false)};
  }
  CaseBuilder builder;
  ObjectId memory, stage, unit;
};

using Codes = std::vector<DiagnosticCode>;

} // namespace

TEST_CASE("a complete machine can be evaluated") {
  Fixture fixture;
  CHECK(problems(fixture.builder).empty());
}

TEST_CASE("a queue with entries by class needs some for all that passes it") {
  Fixture fixture;
  arch::Object &queue = fixture.builder.object(fixture.stage);
  queue.objectClass = ObjectClass::Queue;
  queue.queue.classCapacities = {{"ld", 2}};
  CHECK(problems(fixture.builder) == Codes{DiagnosticCode::ClassWithoutEntries});
  fixture.builder.object(fixture.stage).queue.classCapacities.push_back({"op", 1});
  const std::string name = fixture.builder.program().instructions.front().classOrOperation();
  fixture.builder.object(fixture.stage).queue.classCapacities.back().className = name;
  CHECK(problems(fixture.builder).empty());
}

TEST_CASE("a phase can not hold more credits than there are") {
  CaseBuilder builder;
  builder.fetch({1, 1, 1, 1, 0});
  const ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const ObjectId unit = builder.functionalUnit(stage, 1);
  const ObjectId link = builder.sram(1);
  builder.object(link).objectClass = ObjectClass::Channel;
  builder.object(link).channel = {.width = 32, .interval = 1, .inFlight = 0, .credits = 2};
  program::Phase hold, send;
  hold.cycles = 1;
  hold.holding = {{link, program::completedEvent}};
  send.kind = program::Phase::Kind::Message;
  send.channels = {link};
  send.bits = 64;
  builder.emit({stage}, unit).phases = {hold, send};
  CHECK(problems(builder).empty());
  send.bits = 65;
  builder.emit({stage}, unit).phases = {hold, send};
  CHECK(problems(builder) == Codes{DiagnosticCode::TooManyCredits});
}

TEST_CASE("fetches from an SRAM only are evaluated") {
  CaseBuilder fromDram;
  fromDram.fetch({1, 1, 1, 1, 0}, fromDram.dram(1, 1, 1, 64, 1, 1, 1));
  CHECK(problems(fromDram) == Codes{DiagnosticCode::FetchNotFromSram});
}

TEST_CASE("an architecture that breaks the invariants of elaboration is an internal error") {
  const auto breaks = [](auto change) {
    Fixture fixture;
    change(fixture);
    CHECK_THROWS_AS(problems(fixture.builder), InternalError);
  };
  breaks([](Fixture &f) { f.builder.object(f.stage).latency = 0; });
  breaks([](Fixture &f) { f.builder.object(f.unit).latency = 0; });
  breaks([](Fixture &f) { f.builder.object(f.memory).readLatency = 0; });
  breaks([](Fixture &f) { f.builder.object(f.memory).readWritePorts = 0; });
  breaks([](Fixture &f) { f.builder.dram(1, 1, 0, 64, 0, 0, 0); });
  breaks([](Fixture &f) { f.builder.dram(1, 1, 1, 0, 0, 0, 0); });
  breaks([](Fixture &f) { f.builder.cache(1, 0, 8, 1, 1, arch::noObject); });
  breaks([](Fixture &f) { f.builder.fetch({1, 1, 1, 1, 0}); });
  breaks([](Fixture &f) {
    f.builder.edge(f.memory, f.builder.branchUnit(), arch::EdgeKind::ReadData);
  });
  breaks([](Fixture &f) { f.builder.object(f.builder.fetchStage()).issueBufferSize = 1; });
}

TEST_CASE("a storage below a cache needs slots for all its clients") {
  const auto check = [](std::int64_t cacheSlots, std::int64_t slots, bool alsoDirect) {
    CaseBuilder builder;
    builder.fetch({1, 1, 1, 1, 0});
    const ObjectId memory = builder.sram(4, slots);
    const ObjectId cache = builder.cache(1, 1, 8, 1, 1, memory, cacheSlots);
    const ObjectId stage = builder.stage(1, {builder.fetchStage()});
    const ObjectId unit = builder.accessUnit(stage, 1, {cache, memory});
    builder.emit({stage}, unit).memory = {builder.access(cache, 0, 4, false)};
    if (alsoDirect)
      builder.emit({stage}, unit).memory = {builder.access(memory, 0, 4, false)};
    return problems(builder);
  };
  const Codes contended{DiagnosticCode::LowerStorageContended};
  CHECK(check(1, 1, false).empty());
  CHECK(check(2, 1, false) == contended);
  CHECK(check(2, 2, false).empty());
  CHECK(check(2, 2, true) == contended);
  CHECK(check(2, 3, true).empty());
}

TEST_CASE("a program that leaves the graph or time is an internal error") {
  Fixture fixture;
  fixture.builder.emit({fixture.builder.fetchStage()}, fixture.unit);
  CHECK_THROWS_AS(problems(fixture.builder), InternalError);
  Fixture timeless;
  timeless.builder.emit({timeless.stage}, timeless.unit).latency = 0;
  CHECK_THROWS_AS(problems(timeless.builder), InternalError);
}

TEST_CASE("routes know where instructions merge") {
  CaseBuilder builder;
  builder.fetch({1, 1, 1, 1, 0});
  const ObjectId a = builder.stage(1, {builder.fetchStage()});
  const ObjectId b = builder.stage(1, {builder.fetchStage(), a});
  const ObjectId unit = builder.functionalUnit(b, 1);
  builder.emit({a, b}, unit);
  builder.emit({}, builder.branchUnit());
  const RouteTable routes(builder.graph(), builder.program());
  CHECK(routes.objects(0) == std::vector<ObjectId>{a, b, unit});
  CHECK(routes.objects(1) == std::vector<ObjectId>{builder.branchUnit()});
  CHECK(routes.merges(b));
  CHECK_FALSE(routes.merges(a));
  CHECK_FALSE(routes.merges(unit));
  CHECK(routes.isPassed(a));
}

TEST_CASE("a deadlock is reported as a cycle of waits") {
  Fixture fixture;
  Evaluation evaluation;
  DeadlockReport report;
  report.time = 7;
  report.waits = {
      {3, "first (instruction 3)", {}, fixture.stage, fixture.unit, Wait::Reason::Occupied},
      {5, "second (instruction 5)", {}, fixture.unit, fixture.unit, Wait::Reason::Dependence}};
  evaluation.deadlock = report;
  DiagnosticEngine diagnostics;
  reportFailure(evaluation, fixture.builder.graph(), {}, diagnostics);
  REQUIRE(diagnostics.diagnostics().size() == 1);
  const Diagnostic &diagnostic = diagnostics.diagnostics()[0];
  CHECK(diagnostic.code == DiagnosticCode::Deadlock);
  REQUIRE(diagnostic.notes.size() == 2);
  const std::string stage = fixture.builder.object(fixture.stage).name;
  const std::string unit = fixture.builder.object(fixture.unit).name;
  CHECK(diagnostic.notes[0].message == "first (instruction 3) in '" + stage + "' waits for '" +
                                           unit + "', which second (instruction 5) holds");
  CHECK(diagnostic.notes[1].message ==
        "second (instruction 5) in '" + unit + "' waits for the result of first (instruction 3)");
}

TEST_CASE("an overflow is reported, a completed evaluation is not") {
  Fixture fixture;
  Evaluation evaluation;
  DiagnosticEngine diagnostics;
  reportFailure(evaluation, fixture.builder.graph(), {}, diagnostics);
  CHECK_FALSE(diagnostics.hasErrors());
  for (const Overflow limit : {Overflow::Cycles, Overflow::Latency, Overflow::Counts}) {
    evaluation.overflow = limit;
    reportFailure(evaluation, fixture.builder.graph(), {}, diagnostics);
    CHECK(diagnostics.diagnostics().back().code == DiagnosticCode::CycleOverflow);
  }
  REQUIRE(diagnostics.diagnostics().size() == 3);
  CHECK(diagnostics.diagnostics()[0].message == "more than 2^61 cycles");
  CHECK(diagnostics.diagnostics()[1].message == "more than 2^48 cycles for one request");
  CHECK(diagnostics.diagnostics()[2].message == "more than 2^63 - 1 instructions or operations");
}

} // namespace acadlc::timing
