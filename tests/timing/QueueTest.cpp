// docs/timing.md, "Queue" and "Reservation station". A test's name quotes the section and the
// decision; what stands in brackets in a comment is the number that another decision would give.

#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::ObjectId;
using arch::QueueOrder;

TEST_CASE("timing: Queue: it may leave in the cycle after its entry, and the entry is free then") {
  Lanes b;
  const ObjectId queue = b.queue(1, {b.fetchStage()});
  const auto lane = b.laneBehind(queue);
  for (int i = 0; i < 3; ++i)
    b.emitTo(lane, "", {queue});
  const auto times = occupationTimesOf(b);
  // Queue [1, 2), stage [2, 3), unit [3, 4). (A queue without a stay: 3.)
  CHECK(times.finished("0") == 4);
  // It enters the one entry in the cycle in which the former leaves. (A cycle later: 3.)
  CHECK(times.issued("1") == 2);
  CHECK(times.finished("2") == 6);
}

namespace {

/// Three instructions for a lane of 10 cycles, then one for a lane beside it.
OccupationTimes pastSlowLane(QueueOrder order) {
  Lanes b;
  const ObjectId queue = b.queue(8, {b.fetchStage()});
  b.object(queue).queue.issueOrder = order;
  const auto slow = b.laneBehind(queue, 10), fast = b.laneBehind(queue);
  for (int i = 0; i < 3; ++i)
    b.emitTo(slow, "", {queue});
  b.emitTo(fast, "", {queue});
  return occupationTimesOf(b);
}

} // namespace

TEST_CASE("timing: Queue: in_order, the oldest alone may leave, one a cycle") {
  // Unit 0: [3, 13). 1 waits in the stage from 3 to 13, 2 in the queue; 3 leaves behind it.
  // (In the same cycle: 15.)
  CHECK(pastSlowLane(QueueOrder::InOrder).finished("3") == 16);
}

TEST_CASE("timing: Queue: oldest_ready, for each successor the oldest bound for it") {
  // 3 enters at 4 and leaves at 5.
  CHECK(pastSlowLane(QueueOrder::OldestReady).finished("3") == 7);
}

namespace {

/// Four instructions of class a by one way and one of class b by another into a station with an
/// entry for each class, in front of a lane that is busy for long.
OccupationTimes headOfLine(QueueOrder entryOrder) {
  Lanes b;
  const ObjectId one = b.stage(1, {b.fetchStage()}), other = b.stage(1, {b.fetchStage()});
  const ObjectId station = b.station(0, {one, other});
  b.object(station).queue.classCapacities = {{"a", 1}, {"b", 1}};
  b.object(station).queue.entryOrder = entryOrder;
  b.object(station).queue.release = "issued";
  const auto lane = b.laneBehind(station, 10);
  for (int i = 0; i < 4; ++i)
    b.emitTo(lane, "a", {one, station});
  b.emitTo(lane, "b", {other, station});
  return occupationTimesOf(b);
}

} // namespace

TEST_CASE("timing: Queue: in_order, one that finds no entry keeps all younger ones out") {
  // 0 in the unit from 4 to 14, 1 in its stage, 2 in the station, 3 before it.
  const auto times = headOfLine(QueueOrder::InOrder);
  CHECK(times.of.at("3").allocated == 14);
  CHECK(times.of.at("4").allocated == 15);
}

TEST_CASE("timing: Queue: oldest_ready, the oldest for which there is an entry") {
  const auto times = headOfLine(QueueOrder::OldestReady);
  CHECK(times.of.at("3").allocated == 14);
  CHECK(times.of.at("4").allocated == 5);
}

namespace {

OccupationTimes oneEntry(const std::string &release) {
  Lanes b;
  const ObjectId station = b.station(1, {b.fetchStage()});
  b.object(station).queue.release = release;
  const auto lane = b.laneBehind(station, 5);
  for (int i = 0; i < 2; ++i)
    b.emitTo(lane, "", {station});
  return occupationTimesOf(b);
}

} // namespace

TEST_CASE("timing: Reservation station: an entry outlasts the leaving, until its release") {
  // Station 1, stage 2, unit [3, 8): the next one enters at 8.
  const auto times = oneEntry("completed");
  CHECK(times.issued("0") == 2);
  CHECK(times.of.at("0").released == 8);
  CHECK(times.of.at("1").allocated == 8);
  CHECK(times.finished("1") == 15);
}

TEST_CASE("timing: Reservation station: release = issued, the entry can be taken in that cycle") {
  const auto times = oneEntry("issued");
  CHECK(times.of.at("0").released == 2);
  CHECK(times.of.at("1").allocated == 2);
  CHECK(times.finished("1") == 13);
}

TEST_CASE("timing: Reservation station: without an event of that name the end releases") {
  CHECK(oneEntry("rows_read").of.at("1").allocated == 8);
}

TEST_CASE("timing: Reservation station: the release of an instruction beats that of its class") {
  Lanes b;
  const ObjectId station = b.station(1, {b.fetchStage()});
  b.object(station).queue.releases = {{"i0", "issued"}, {"ld", "completed"}};
  const auto lane = b.laneBehind(station, 5);
  b.emitTo(lane, "ld", {station});
  b.emitTo(lane, "ld", {station});
  b.emitTo(lane, "ld", {station});
  const auto times = occupationTimesOf(b);
  CHECK(times.of.at("1").allocated == 2);
  CHECK(times.of.at("2").allocated == 13);
}

namespace {

/// A write of class ex that takes [3, 8) in its unit, then a read of class ld in a lane beside it;
/// both pass a station.
struct ExThenLd : Lanes {
  ObjectId pass = arch::noObject;
  OccupationTimes times() {
    registers(2);
    const auto slow = laneBehind(pass, 5), fast = laneBehind(pass);
    emitTo(slow, "ex", {pass}).writes = {0};
    emitTo(fast, "ld", {pass}).reads = {reads};
    return occupationTimesOf(*this);
  }
  arch::RegisterId reads = 0;
  ExThenLd() { pass = station(4, {fetchStage()}); }
};

} // namespace

TEST_CASE("timing: Reservation station: hazards, A waits for all older B") {
  ExThenLd b;
  b.hazard(b.pass, "ld", {"st", "ex"}, "completed");
  b.reads = 1;
  // It leaves at 8, when the other completes. (In the cycle behind: 11.)
  CHECK(b.times().finished("1") == 10);
}

TEST_CASE("timing: Reservation station: hazards, where overlapping counts what is shared") {
  ExThenLd shared;
  shared.hazard(shared.pass, "ld", {"ex"}, "completed", true);
  CHECK(shared.times().finished("1") == 10);
  ExThenLd apart;
  apart.hazard(apart.pass, "ld", {"ex"}, "completed", true);
  apart.reads = 1;
  CHECK(apart.times().finished("1") == 5);
}

TEST_CASE("timing: Where a dependence is awaited: a pair that no line names is not awaited") {
  ExThenLd b;
  b.hazard(b.pass, "st", {"ex"}, "completed");
  CHECK(b.times().finished("1") == 5);
}

TEST_CASE("timing: Where a dependence is awaited: a station without the block adds no rule") {
  ExThenLd b;
  // It waits in its unit from 4 on and starts at 8.
  CHECK(b.times().finished("1") == 9);
}

TEST_CASE("timing: Reservation station: an entry that has been released is not awaited") {
  ExThenLd b;
  b.hazard(b.pass, "ld", {"ex"}, "completed");
  b.object(b.pass).queue.releases = {{"ex", "issued"}};
  CHECK(b.times().finished("1") == 5);
}

TEST_CASE("timing: Order within a cycle: who awaits issued leaves in the cycle after it") {
  Lanes b;
  const ObjectId station = b.station(8, {b.fetchStage()});
  b.hazard(station, "ld", {"ex"}, "issued");
  const auto slow = b.laneBehind(station, 10), fast = b.laneBehind(station);
  for (int i = 0; i < 3; ++i)
    b.emitTo(slow, "ex", {station});
  b.emitTo(fast, "ld", {station});
  const auto times = occupationTimesOf(b);
  CHECK(times.issued("2") == 13);
  CHECK(times.issued("3") == 14);
}

TEST_CASE("timing: Reservation station: in_order holds for each class by itself") {
  Lanes b;
  const ObjectId station = b.station(8, {b.fetchStage()});
  const auto slow = b.laneBehind(station, 10), fast = b.laneBehind(station);
  for (int i = 0; i < 3; ++i)
    b.emitTo(slow, "ex", {station});
  b.emitTo(fast, "ld", {station});
  CHECK(occupationTimesOf(b).issued("3") == 5);
}

TEST_CASE("timing: Reservation station: oldest_ready, for each successor the oldest ready one") {
  Lanes b;
  const ObjectId station = b.station(8, {b.fetchStage()});
  b.object(station).queue.issueOrder = QueueOrder::OldestReady;
  b.hazard(station, "ex", {"ld"}, "completed");
  const auto slow = b.laneBehind(station, 10), fast = b.laneBehind(station);
  b.emitTo(slow, "ld", {station});
  b.emitTo(fast, "ex", {station});
  b.emitTo(fast, "st", {station});
  const auto times = occupationTimesOf(b);
  CHECK(times.issued("2") == 4);
  CHECK(times.issued("1") == 13);
}

TEST_CASE("timing: Reservation station: a ready one leaves past one that awaits what is to come") {
  Lanes b;
  const ObjectId outer = b.stage(1, {b.fetchStage()});
  const ObjectId unit = b.functionalUnit(outer, 2);
  const ObjectId station = b.station(8, {b.fetchStage(), outer});
  b.object(station).queue.entryOrder = QueueOrder::OldestReady;
  b.object(station).queue.issueOrder = QueueOrder::OldestReady;
  b.hazard(station, "ex", {"ld"}, "completed");
  const auto lane = b.laneBehind(station);
  const program::RegionId nest = b.beginNest(outer);
  b.emitTo(lane, "ld", {station});
  b.endNest();
  program::Instruction &unroller = b.emit({outer}, unit);
  addPhase(unroller, delay(20));
  addPhase(unroller, expanding(nest));
  b.emitTo(lane, "ex", {station});
  b.emitTo(lane, "st", {station});
  const auto times = occupationTimesOf(b);
  // 0.1 is handed on at 2 + 20 + 2, leaves at 25 and ends at 27.
  CHECK(times.issued("2") == 3);
  CHECK(times.finished("0.1") == 27);
  CHECK(times.issued("1") == 27);
}

TEST_CASE("timing: Where a dependence is awaited: read if the older only reads") {
  Lanes b;
  b.registers(1);
  const auto one = b.lane(), other = b.lane();
  program::Instruction &reader = b.emitTo(one);
  reader.reads = {0};
  addPhase(reader, delay(3));
  addPhase(reader, delay(20));
  reader.signals = {{"read", 0}};
  b.emitTo(other).writes = {0};
  const auto times = occupationTimesOf(b);
  // The reader's first phase is [2, 5).
  CHECK(times.started("1") == 5);
  CHECK(times.finished("0") == 25);
}

} // namespace acadlc::test
