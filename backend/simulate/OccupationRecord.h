/// \file
/// What the occupation simulator knows of one instruction in flight.
#pragma once

#include "backend/simulate/CauseTrace.h"
#include "backend/simulate/OccupationTables.h"
#include "backend/timing/Evaluation.h"

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace acadlc::simulate {

/// The place of an instruction in program order. What an expansion emits stands behind the
/// instruction in whose place it stands: 4 < 4.1 < 4.2 < 4.2.1 < 5.
struct Age {
  std::int64_t index = 0;             ///< of the fetched instruction
  std::vector<std::int64_t> emission; ///< from 1 in each place
  friend std::strong_ordering operator<=>(const Age &, const Age &) = default;
  friend bool operator==(const Age &, const Age &) = default;
};

/// Names an instruction in flight for as long as it is.
struct Reference {
  std::uint32_t slot = ~0U; ///< used again by others
  std::uint64_t serial = 0; ///< never used again
  friend bool operator==(const Reference &, const Reference &) = default;
};
inline constexpr Reference nobody{};

/// Walks the nest of an expansion; holds the instance that comes next.
class NestCursor {
public:
  NestCursor(const program::Program &program, program::RegionId nest,
             const std::vector<bool> &emptyRegions)
      : stream_(program, nest, emptyRegions) {
    advance();
  }
  [[nodiscard]] bool isAtEnd() const { return isAtEnd_; }
  [[nodiscard]] const program::Instruction &instruction() const { return *instruction_; }
  [[nodiscard]] program::InstructionId id() const { return id_; }
  [[nodiscard]] const std::vector<std::int64_t> &loopValues() const { return loopValues_; }
  /// How many stand before it in the nest.
  [[nodiscard]] std::int64_t position() const { return position_; }
  /// Fills \p loops with those around it, outermost first.
  void findLoops(std::vector<program::InstructionStream::Loop> &loops) const {
    stream_.findLoops(loops);
  }
  void advance() {
    program::Instance next;
    isAtEnd_ = !stream_.next(next);
    ++position_;
    if (isAtEnd_)
      return;
    instruction_ = next.instruction;
    id_ = next.id;
    loopValues_.assign(next.loopValues.begin(), next.loopValues.end());
  }

private:
  program::InstructionStream stream_;
  const program::Instruction *instruction_ = nullptr;
  program::InstructionId id_ = 0;
  std::vector<std::int64_t> loopValues_;
  std::int64_t position_ = -1;
  bool isAtEnd_ = false;
};

/// A walk ahead through a nest that stopped at the next instruction that somebody waits for.
struct Scout {
  Reference expander;
  std::size_t phase = 0;
  arch::ObjectId station = arch::noObject; ///< whose hazards ask; noObject: the unit, or a phase
  std::size_t reader = 0;                  ///< the phase beside it whose next instruction asks
  std::int64_t readerPosition = -1;        ///< in its nest; −1: another instruction asks
  NestCursor cursor;
};

/// What a phase that `expands` has handed on and has still to hand on.
struct Expansion {
  NestCursor cursor;
  std::int64_t firstOffer = 0; ///< cycle; once begun
  std::int64_t uncompleted = 0, unread = 0;
};

/// Credits of a channel that an earlier phase took for a message.
struct Reservation {
  arch::ObjectId channel = arch::noObject;
  std::int64_t left = 0;      ///< for words that have not been accepted
  std::int64_t inTransit = 0; ///< of words that have been accepted and not arrived
};

/// Messages of one step that go in lock step.
struct LockStep {
  struct Member {
    Reference instruction; ///< nobody's any more when it has completed
    Age age;               ///< of the instruction
    std::size_t phase = 0;
    const program::Phase *text = nullptr;
  };
  std::vector<Member> members; ///< in the order of age, of one instruction in that of writing
  std::int64_t words = 0;      ///< of each member, empty ones included
};

struct HoldingState {
  bool isActive = false;
  bool isOwnObject = false; ///< the object that the phase itself is on
};

struct PhaseState {
  enum class Status : std::uint8_t { Waiting, Running, Ended } status = Status::Waiting;
  bool hasObject = false;   ///< has taken its object, or keeps it from the phase before
  bool keepsObject = false; ///< the latter
  std::vector<HoldingState> holdings;
  std::vector<Reservation> reservations; ///< for its words
  std::shared_ptr<LockStep> lockStep;    ///< null: it goes by itself
  std::unique_ptr<Expansion> expansion;

  /// Whether it hands on nothing any more. An empty nest has handed on its last when it begins.
  [[nodiscard]] bool hasHandedOn() const {
    return !expansion || (status != Status::Waiting && expansion->cursor.isAtEnd());
  }
};

/// A reservation station that an instruction passes.
struct StationState {
  bool hasEntry = false;
  bool hasLeft = false;    ///< it has been issued there
  bool isReleased = false; ///< the entry has come back
};

enum class EventState : std::uint8_t {
  Ahead,
  Happened, ///< in part 3 or 4 of this cycle: known to the instruction itself
  Published ///< known to all
};

/// Somebody whose event is awaited.
struct Await {
  Reference whom;
  program::EventId event = program::completedEvent;
  arch::ObjectId station = arch::noObject; ///< whose hazards say so; noObject: the unit
  bool isNoted = false;                    ///< that it is over, where causes are noted
};

/// A station that an instruction, or one that it was emitted from, passes.
struct Meeting {
  arch::ObjectId station = arch::noObject;
  Reference who;
};

/// An instruction between fetch, or being handed on, and its completion.
struct Record {
  Reference self;
  Age age;
  const program::Instruction *instruction = nullptr;
  program::InstructionId id = 0;
  const InstructionTable *table = nullptr;
  std::vector<std::int64_t> loopValues, addresses;
  timing::InstructionTimes times;

  // The way
  std::size_t position = 0;           ///< number of objects of its route that it has entered
  bool isStageDone = false;           ///< the latency of the stage that it is in has passed
  std::int64_t enteredAt = 0;         ///< the object that it is in
  std::vector<StationState> stations; ///< as table->stations
  TurnCounts ownTurns;                ///< still to be taken
  TurnCounts emittedTurns;            ///< by what it has still to hand on

  // The unit
  std::int64_t step = -1; ///< number of its step in its unit
  bool hasStarted = false;
  bool isPartOver = false;  ///< its part in the step is over
  bool isExecuting = false; ///< without phases: occupies the unit
  bool hasExecuted = false; ///< without phases: occupies the unit no more
  bool wantsGrant = false;  ///< has made a request
  std::size_t requests = 0; ///< made so far

  // Phases
  std::vector<EventState> events; ///< by EventId
  std::vector<PhaseState> phases;

  // Dependences
  std::vector<Await> awaits;
  std::vector<Scout> scouts;
  std::vector<Meeting> meetings; ///< stations with hazards

  // Expansion
  Reference parent; ///< who emitted it
  std::size_t parentPhase = 0;
  std::int64_t standing = 0; ///< number of instructions that have stood in its place

  InstructionCauses causes; ///< empty unless they are noted

  [[nodiscard]] bool isExpanding() const { return table->isExpanding; }
  [[nodiscard]] bool isInUnit() const { return position == table->objects.size(); }
  [[nodiscard]] arch::ObjectId next() const { return table->objects[position]; }
  [[nodiscard]] arch::ObjectId place() const { return table->objects[position - 1]; }
  [[nodiscard]] bool isPublished(program::EventId event) const {
    return events[event] == EventState::Published;
  }
  [[nodiscard]] bool hasHappened(program::EventId event) const {
    return events[event] != EventState::Ahead;
  }
  /// Whether one of its expansions has still to hand on something.
  [[nodiscard]] bool hasToEmit() const {
    for (const PhaseState &phase : phases)
      if (phase.expansion && !phase.expansion->cursor.isAtEnd())
        return true;
    return false;
  }
};

} // namespace acadlc::simulate
