// docs/timing.md, "Channel" and "Route". A test's name quotes the section and the decision; what
// stands in brackets in a comment is the number that another decision would give.

#include "tests/timing/OccupationCase.h"

#include <doctest/doctest.h>

namespace acadlc::test {

using arch::Arbitration;
using arch::EdgeKind;
using arch::ObjectId;

namespace {

/// Bits of \p words words.
constexpr std::int64_t words(std::int64_t count) { return 8 * count; }

/// Two lanes whose instructions are in their units at 2, or the first one at \p firstAt.
struct TwoSenders : Lanes {
  Lane first, second;
  ObjectId bus = arch::noObject;
  explicit TwoSenders(std::int64_t latency = 1, std::int64_t firstAt = 2)
      : first(lane(1, firstAt - 1)), second(lane()), bus(channel(latency)) {}
  void send(std::int64_t wordsOfFirst, std::int64_t wordsOfSecond) {
    addPhase(emitTo(first), over({bus}, words(wordsOfFirst)));
    addPhase(emitTo(second), over({bus}, words(wordsOfSecond)));
  }
};

} // namespace

TEST_CASE("timing: Channel: alone, (w - 1) intervals and the latency") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId bus = b.channel(3, 2);
  addPhase(b.emitTo(lane), over({bus}, 25)); // 4 words of 8 bits
  CHECK(occupationTimesOf(b).cycles == 2 + 3 * 2 + 3);
}

TEST_CASE("timing: Channel: 0 words end at once") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId bus = b.channel(3);
  addPhase(b.emitTo(lane), over({bus}, 0));
  CHECK(occupationTimesOf(b).cycles == 2);
}

TEST_CASE("timing: Channel: oldest_first, an older message overtakes between two words") {
  TwoSenders b(1, 4);
  b.send(2, 4);
  const auto times = occupationTimesOf(b);
  // 1 sends at 2 and 3, 0 at 4 and 5, 1 at 6 and 7.
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 8);
}

TEST_CASE("timing: Channel: program_order, one that is not there yet is waited for") {
  TwoSenders b(1, 4);
  b.object(b.bus).arbitration = Arbitration::ProgramOrder;
  b.send(2, 4);
  const auto times = occupationTimesOf(b);
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 10);
}

TEST_CASE("timing: Channel: program_order, nobody waits for a message of 0 words") {
  TwoSenders b(1, 4);
  b.object(b.bus).arbitration = Arbitration::ProgramOrder;
  b.send(0, 2);
  // 1 sends at 2 and 3. (Behind the begin of 0: 6.)
  CHECK(occupationTimesOf(b).finished("1") == 4);
}

TEST_CASE("timing: Channel: program_order, one marked together is waited for until it begins") {
  TwoSenders b(1, 4);
  b.object(b.bus).arbitration = Arbitration::ProgramOrder;
  addPhase(b.emitTo(b.first), over({b.bus}, 0)).together = true;
  addPhase(b.emitTo(b.second), over({b.bus}, words(2)));
  // Its step could give it empty words. It begins, alone, at 4; 1 sends at 4 and 5.
  CHECK(occupationTimesOf(b).finished("1") == 6);
}

TEST_CASE("timing: Channel: round_robin, of the sources in turn, at first with the first") {
  TwoSenders b;
  b.object(b.bus).arbitration = Arbitration::RoundRobin;
  b.edge(b.second.unit, b.bus, EdgeKind::WriteData);
  b.edge(b.first.unit, b.bus, EdgeKind::WriteData);
  b.send(2, 2);
  const auto times = occupationTimesOf(b);
  // 1 at 2 and 4, 0 at 3 and 5. (Oldest first: 4 and 6.)
  CHECK(times.finished("1") == 5);
  CHECK(times.finished("0") == 6);
}

TEST_CASE("timing: Channel: first_come, the word that came first") {
  TwoSenders b(1, 4);
  b.object(b.bus).arbitration = Arbitration::FirstCome;
  b.send(2, 4);
  const auto times = occupationTimesOf(b);
  // 1 sends at 2 to 5, then 0. (Oldest first: 0 ends at 6, 1 at 8.)
  CHECK(times.finished("1") == 6);
  CHECK(times.finished("0") == 8);
}

TEST_CASE("timing: Channel: first_come, to a later channel of a route the words come one by one") {
  TwoSenders b(1, 4);
  const ObjectId link = b.channel(1);
  b.object(link).arbitration = Arbitration::FirstCome;
  addPhase(b.emitTo(b.first), over({link}, words(2)));
  addPhase(b.emitTo(b.second), over({b.bus, link}, words(3)));
  const auto times = occupationTimesOf(b);
  // The words of 1 come to the link at 3, 4 and 5, both of 0 at 4. (Message by message: 6 and 8.)
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 8);
}

TEST_CASE("timing: Channel: priority, the source whose edge stands first") {
  TwoSenders b;
  b.object(b.bus).arbitration = Arbitration::Priority;
  b.edge(b.bus, b.second.unit, EdgeKind::ReadData); // in either direction
  b.edge(b.first.unit, b.bus, EdgeKind::WriteData);
  b.send(2, 2);
  const auto times = occupationTimesOf(b);
  CHECK(times.finished("1") == 4);
  CHECK(times.finished("0") == 6);
}

TEST_CASE("timing: Channel: a source without an edge comes behind those with one") {
  TwoSenders b;
  b.object(b.bus).arbitration = Arbitration::Priority;
  b.edge(b.second.unit, b.bus, EdgeKind::WriteData);
  b.send(2, 2);
  CHECK(occupationTimesOf(b).finished("1") == 4);
}

TEST_CASE("timing: Channel: in_flight, so many messages have begun and not ended") {
  TwoSenders b(3);
  b.object(b.bus).channel.inFlight = 1;
  b.send(2, 2);
  const auto times = occupationTimesOf(b);
  // Words at 2 and 3 arrive at 5 and 6; then at 6 and 7. (Without a limit: 8.)
  CHECK(times.finished("0") == 6);
  CHECK(times.finished("1") == 10);
}

TEST_CASE("timing: Channel: credits, so many words have been accepted and not arrived") {
  TwoSenders b(3);
  b.object(b.bus).channel.credits = 1;
  b.send(2, 1);
  const auto times = occupationTimesOf(b);
  // 0 sends at 2 and 5, 1 at 8.
  CHECK(times.finished("0") == 8);
  CHECK(times.finished("1") == 11);
}

TEST_CASE("timing: Channel: holding takes the credits that the later message needs") {
  TwoSenders b(2);
  b.object(b.bus).channel.credits = 2;
  program::Instruction &holder = b.emitTo(b.first);
  addPhase(holder, delay(3)).holding = {{b.bus, program::completedEvent}};
  addPhase(holder, over({b.bus}, words(2)));
  addPhase(b.emitTo(b.second), over({b.bus}, words(1)));
  const auto times = occupationTimesOf(b);
  // Both credits are held from 2 on; the words go at 5 and 6, the first has arrived at 7.
  CHECK(times.finished("0") == 8);
  CHECK(times.finished("1") == 9);
}

TEST_CASE("timing: Channel: a phase that holds credits begins when all are free") {
  TwoSenders b(2);
  b.object(b.bus).channel.credits = 2;
  addPhase(b.emitTo(b.first), over({b.bus}, words(1))); // arrives at 4
  program::Instruction &holder = b.emitTo(b.second);
  addPhase(holder, delay(1)).holding = {{b.bus, program::completedEvent}};
  addPhase(holder, over({b.bus}, words(2)));
  // It takes both credits at 2, before the word is accepted: the word waits for one until 5.
  const auto times = occupationTimesOf(b);
  CHECK(times.finished("1") == 6);
  CHECK(times.finished("0") == 7);
}

TEST_CASE("timing: Route: each word enters the next channel when it has arrived in this one") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId one = b.channel(2), other = b.channel(3);
  addPhase(b.emitTo(lane), over({one, other}, words(3)));
  CHECK(occupationTimesOf(b).cycles == 2 + 2 + 3 + 2);
}

TEST_CASE("timing: Route: what a word frees by going on can be taken in the next cycle") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId one = b.channel(1), other = b.channel(1);
  b.object(one).channel.credits = 1;
  addPhase(b.emitTo(lane), over({one, other}, words(2)));
  // Accepted at 2, goes on at 3; the next is accepted at 4. (In the same cycle: 5.)
  CHECK(occupationTimesOf(b).cycles == 6);
}

TEST_CASE("timing: Route: a blocked word holds up what is behind it") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId one = b.channel(1), other = b.channel(1, 4);
  b.object(one).channel.credits = 1;
  addPhase(b.emitTo(lane), over({one, other}, words(3)));
  addPhase(b.emitTo(lane), over({one}, words(1)));
  const auto times = occupationTimesOf(b);
  // `other` accepts at 3, 7, 11; `one` at 2, 4 and, after the second word has gone on, at 8 and 12.
  CHECK(times.finished("0") == 12);
  CHECK(times.finished("1") == 13);
}

TEST_CASE("timing: Route: an empty list ends at once") {
  Lanes b;
  const auto lane = b.lane();
  addPhase(b.emitTo(lane), over({}, words(3)));
  CHECK(occupationTimesOf(b).cycles == 2);
}

TEST_CASE("timing: Lock step: all send as many words as the longest, empty ones behind their own") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId one = b.channel(1), other = b.channel(4);
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, over({one}, words(3))).together = true;
  program::Phase &shorter = addPhase(instruction, over({other}, words(1)));
  shorter.together = true;
  shorter.after.clear();
  // Words at 2, 3, 4; the last on the slower channel arrives at 8. (Without empty words: 6.)
  CHECK(occupationTimesOf(b).cycles == 8);
}

TEST_CASE("timing: Lock step: on one channel they take turns") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId bus = b.channel(1);
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, over({bus}, words(3))).together = true;
  program::Phase &second = addPhase(instruction, over({bus}, words(3)));
  second.together = true;
  second.after.clear();
  addPhase(instruction, delay(100)).after = {program::phaseEnd(0)};
  // The first sends at 2, 4 and 6. (One after the other: 2, 3, 4.)
  CHECK(occupationTimesOf(b).cycles == 107);
}

TEST_CASE("timing: Lock step: a channel that refuses one delays all") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId one = b.channel(1), other = b.channel(1, 3);
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, over({one}, words(3))).together = true;
  program::Phase &second = addPhase(instruction, over({other}, words(3)));
  second.together = true;
  second.after.clear();
  addPhase(instruction, delay(100)).after = {program::phaseEnd(0)};
  // `other` accepts at 2, 5, 8; `one` at 2, 3, and when the other has sent as many, at 6.
  CHECK(occupationTimesOf(b).cycles == 107);
}

TEST_CASE("timing: Lock step: on a channel with program_order one message for the others") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId bus = b.channel(1);
  b.object(bus).arbitration = Arbitration::ProgramOrder;
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, over({bus}, words(2))).together = true;
  addPhase(instruction, over({bus}, words(1))).after.clear();
  program::Phase &last = addPhase(instruction, over({bus}, words(2)));
  last.together = true;
  last.after.clear();
  addPhase(instruction, delay(100)).after = {program::phaseEnd(1)};
  // The two in lock step send at 2, 3, 4 and 5, in the place of the first; the one between them at
  // 6. (In its own place: 5.)
  CHECK(occupationTimesOf(b).cycles == 107);
}

TEST_CASE("timing: Lock step: messages that have no words at all take no room") {
  Lanes b;
  const auto lane = b.lane();
  const ObjectId bus = b.channel(3);
  b.object(bus).channel.inFlight = 1;
  program::Instruction &instruction = b.emitTo(lane);
  addPhase(instruction, over({bus}, 0)).together = true;
  program::Phase &second = addPhase(instruction, over({bus}, 0));
  second.together = true;
  second.after.clear();
  CHECK(occupationTimesOf(b).cycles == 2);
}

TEST_CASE("timing: Route: routes that cross in a circle can deadlock") {
  Lanes b;
  const auto one = b.lane(), other = b.lane();
  const ObjectId left = b.channel(1), right = b.channel(1);
  b.object(left).channel.credits = b.object(right).channel.credits = 1;
  addPhase(b.emitTo(one), over({left, right}, words(4)));
  addPhase(b.emitTo(other), over({right, left}, words(4)));
  CHECK(occupationDeadlockOf(b).waits.size() == 2);
}

} // namespace acadlc::test
