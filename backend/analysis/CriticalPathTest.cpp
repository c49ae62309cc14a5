#include "backend/analysis/CriticalPath.h"

#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::analysis {

namespace {

/// Two units with a port each.
struct TwoUnits {
  test::CaseBuilder builder;
  arch::ObjectId firstStage, secondStage, first, second;

  TwoUnits() {
    builder.fetch({.width = 4, .bufferSize = 16});
    firstStage = builder.stage(1, {builder.fetchStage()});
    secondStage = builder.stage(1, {builder.fetchStage()});
    first = builder.functionalUnit(firstStage, 8);
    second = builder.functionalUnit(secondStage, 8);
    builder.registers(2);
  }
  void repeatFirst(std::int64_t count) { repeat(count, firstStage, first); }
  void repeatSecond(std::int64_t count) { repeat(count, secondStage, second); }
  CriticalPathReport analyse() { return analyseCriticalPath(builder.graph(), builder.program()); }
  const std::string &name(arch::ObjectId id) { return builder.object(id).name; }

private:
  void repeat(std::int64_t count, arch::ObjectId stage, arch::ObjectId unit) {
    builder.beginRepeat(count);
    builder.emit({stage}, unit);
    builder.endRepeat();
  }
};

} // namespace

TEST_CASE("of a long stream that is the same everywhere little is looked at") {
  TwoUnits machine;
  machine.repeatFirst(1'000'000);
  const CriticalPathReport report = machine.analyse();
  CHECK(report.instructions == criticalPathWindow / 16);
  CHECK(report.truncated);
  REQUIRE(!report.shares.empty());
  CHECK(report.shares.front().object == machine.name(machine.first));
  CHECK(report.shares.front().kind == BoundKind::Compute);
}

TEST_CASE("a stream that is not too long is looked at as a whole") {
  TwoUnits machine;
  machine.repeatFirst(criticalPathWindow);
  const CriticalPathReport report = machine.analyse();
  CHECK(report.instructions == criticalPathWindow);
  CHECK_FALSE(report.truncated);
}

TEST_CASE("what comes late, but within the window, is looked at") {
  TwoUnits machine;
  machine.repeatFirst(3000);
  machine.repeatSecond(1'000'000);
  const CriticalPathReport report = machine.analyse();
  CHECK(report.truncated);
  CHECK(report.instructions > 3000);
  REQUIRE(!report.shares.empty());
  CHECK(report.shares.front().object == machine.name(machine.second));
}

TEST_CASE("what comes behind the window is not waited for") {
  TwoUnits machine;
  machine.repeatFirst(1'000'000);
  machine.repeatSecond(10);
  CHECK(machine.analyse().instructions == criticalPathWindow / 16);
}

} // namespace acadlc::analysis
