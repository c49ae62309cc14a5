/// \file
/// The state of an evaluation of instructions with several occupations: plain data, so that a
/// normal form of it can be taken. Times are absolute cycles; instructions under way are named by
/// their slot in `flights`.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/plan/Queues.h"
#include "backend/timing/Evaluation.h"
#include "backend/timing/StorageModel.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace acadlc::aidg {

using Cycle = std::int64_t;
using FlightId = std::uint32_t;
inline constexpr Cycle never = std::numeric_limits<Cycle>::max();

/// An instruction that awaits an event of another one.
struct Edge {
  FlightId waiter = none;
  std::uint32_t next = none;               ///< of the same awaited instruction
  arch::ObjectId station = arch::noObject; ///< whose hazard it is; none: awaited in the unit
  program::EventId event = program::completedEvent;
};

struct OccupationFlight {
  std::uint32_t id = none; ///< into OccupationPlan::instructions; none: the slot is free
  std::uint32_t level = 0; ///< expansions that it stands in
  std::int64_t kernelIteration = -1;
  timing::InstructionTimes times;
  std::uint32_t position = 0; ///< objects of its route that it has entered
  Cycle entry = 0;            ///< into its present object
  Cycle ready = 0;            ///< when its stage is done with it
  bool underWay = false; ///< fetched or handed on; before that an expansion may have prepared it
  bool inUnit = false, started = false, partDone = false, windowed = false;
  std::uint64_t own = 0;     ///< events that have happened, a bit each
  std::uint64_t visible = 0; ///< those that others know of
  std::uint32_t unitWaits = 0, hazardWaits = 0;
  std::uint32_t firstEdge = none;
  std::uint32_t expansion = none;  ///< that has emitted it
  std::int64_t emittedInPlace = 0; ///< what stands in its place
  std::uint32_t phasesLeft = 0;
  std::uint32_t partLeft = 0;       ///< what keeps its unit from being free of it
  std::uint32_t expansionsLeft = 0; ///< that have not handed on their last
  std::uint32_t ownHeld = 0;        ///< times that its phases hold its unit beside their object
  bool asks = false;     ///< without phases: for its unit or its next request, which it has not got
  bool executes = false; ///< without phases, in a declared step: it has the unit
  bool unitFreed = false;        ///< its unit is free of it
  std::int64_t step = 0;         ///< its step at its unit, from 1
  std::uint32_t access = 0;      ///< the next request
  std::uint64_t idle = 0;        ///< phases that nothing has let begin yet, a bit each
  std::uint64_t holding = 0;     ///< phases that hold something beside their object, likewise
  std::uint64_t entriesHeld = 0; ///< stations by position in the route
  std::uint64_t left = 0;        ///< stations that others see it has left, likewise
  std::uint32_t group = none;    ///< of messages in lock step
};

struct PhaseState {
  enum class Stage : std::uint8_t { Idle, Asking, Running, Ended };
  Stage stage = Stage::Idle;
  bool inherited = false;         ///< has its object from the phase before
  std::uint32_t expansion = none; ///< into expansions
  std::uint32_t message = none;   ///< into messages
  std::uint64_t held = 0;         ///< holdings not released, a bit each
};

/// Something that asks for objects in the fourth part of a cycle.
struct Candidate {
  FlightId flight = none;
  std::uint32_t part = 0; ///< phase, or access
  friend bool operator==(const Candidate &, const Candidate &) = default;
};

/// A copy of a list that may change while it is gone through. It stands behind the copies that
/// exist already in a vector of scratch, whose memory is used again: they end in the reverse order.
template <typename T> class ScratchCopy {
public:
  ScratchCopy(std::vector<T> &scratch, const std::vector<T> &list)
      : scratch_(&scratch), begin_(scratch.size()), size_(list.size()) {
    scratch.insert(scratch.end(), list.begin(), list.end());
  }
  ScratchCopy(const ScratchCopy &) = delete;
  ScratchCopy &operator=(const ScratchCopy &) = delete;
  ~ScratchCopy() { scratch_->resize(begin_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  T operator[](std::size_t index) const { return (*scratch_)[begin_ + index]; }

private:
  std::vector<T> *scratch_;
  std::size_t begin_, size_;
};

struct OrderEntry {
  FlightId flight = none;
  bool emitted = false; ///< stands for what the instruction has still to emit
  std::int64_t count = 0;
};

struct Fifo {
  std::vector<FlightId> items;
  std::size_t head = 0;
  [[nodiscard]] bool empty() const { return head == items.size(); }
  [[nodiscard]] FlightId front() const { return items[head]; }
  void pop() {
    if (++head == items.size())
      items.clear(), head = 0;
    else if (head >= 64 && head * 2 > items.size())
      items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(head)), head = 0;
  }
};

/// Instructions in a queue that may leave in the same way, by age.
struct Bucket {
  std::uint32_t key = none; ///< successor or class
  std::vector<FlightId> flights;
  Cycle lastLeave = -1;
};

struct OccupationObjectState {
  // On routes
  Cycle lastEntry = -1;
  FlightId occupant = none; ///< of a stage
  Fifo buffered;            ///< in the issue buffer, bound for here
  std::int64_t used = 0;    ///< entries of a queue, slots of a storage, credits of a channel
  std::vector<std::int64_t> classUsed;
  std::vector<Bucket> buckets;
  std::vector<FlightId> members; ///< of a station with hazards: those that may be awaited
  // Units
  std::vector<FlightId> occupants;
  std::uint32_t foreign = 0; ///< phases and holdings of others than the occupants
  std::uint32_t inner = 0;   ///< those of the occupants
  std::int64_t stepsTaken = 0;
  std::vector<std::int64_t> activeSteps;
  std::uint32_t partsLeft = 0; ///< of a declared step
  std::vector<Candidate> stepWaiters;
  FlightId offered = none;              ///< what a unit hands on next
  std::vector<std::uint32_t> expanding; ///< expansions with something to hand on, in the order of
                                        ///< their rights: by phase, then by age
  // What phases and requests take
  std::vector<Candidate> waiters;

  /// Of a unit. Instructions of a step that are over are not among the occupants.
  [[nodiscard]] bool isProcessing() const { return !occupants.empty() || partsLeft != 0; }
};

/// Credits that a phase holds for a later message of its instruction.
struct Reserve {
  FlightId flight = none;
  std::uint32_t holder = 0;   ///< phase
  std::uint32_t holding = 0;  ///< of that phase
  std::uint32_t later = none; ///< phase that sends the words
  std::int64_t left = 0, inTransit = 0;
};

struct ChannelState {
  std::vector<Reserve> reserves;
  Cycle next = 0;                  ///< when it accepts again
  Cycle wake = -1;                 ///< the latest time at which it is to be looked at
  std::int64_t messages = 0;       ///< begun and not ended
  std::int64_t credits = 0;        ///< taken
  std::uint32_t lastSource = none; ///< rank of the source served last
  struct Sender {
    std::uint32_t message = none, hop = 0, source = 0;
  };
  std::vector<Sender> senders; ///< messages with words to send
};

struct Hop {
  std::int64_t available = 0, accepted = 0, arrived = 0;
  std::int64_t arriving = 1;   ///< words that an event of arrival is about
  std::int64_t creditless = 0; ///< words under way whose credit has come back already
  /// When the words that wait here came, of a channel that asks for it; those before `firstCame`
  /// have gone on. In a first channel all come at once: one entry stands for them.
  std::vector<Cycle> came;
  std::size_t firstCame = 0;

  /// Makes it a new one in the memory of the old.
  void clear() {
    came.clear();
    available = accepted = arrived = creditless = 0;
    arriving = 1;
    firstCame = 0;
  }
};

struct Message {
  FlightId flight = none;
  std::uint32_t phase = 0;
  std::uint32_t firstChannel = 0; ///< into OccupationPlan::routeChannels
  std::int64_t words = 0;
  std::uint32_t hopCount = 0;
  std::vector<Hop> hops; ///< more than hopCount if another message had the slot before
  std::uint32_t group = none;
  Cycle lastSent = -1; ///< its last word in the first channel

  /// Makes its hops new ones in the memory of the old.
  void clearHops(std::uint32_t count) {
    hopCount = count;
    if (hops.size() < count)
      hops.resize(count);
    for (std::uint32_t hop = 0; hop != count; ++hop)
      hops[hop].clear();
  }
};

/// Messages in lock step.
struct LockStep {
  std::vector<Candidate> members;  ///< by age
  std::vector<FlightId> completed; ///< instructions that are over, kept until the group is
  bool begun = false;
  std::int64_t words = 0;
  std::uint32_t unfinished = 0;

  /// Makes it a new one in the memory of the old.
  void clear() {
    members.clear();
    completed.clear();
    begun = false;
    words = 0;
    unfinished = 0;
  }
};

struct Expansion {
  FlightId flight = none;
  std::uint32_t phase = 0;
  bool begun = false, exhausted = false;
  program::InstructionStream stream;
  FlightId next = none; ///< the instruction to be handed on next, without an age yet
  Cycle offerFrom = 0;
  std::int64_t handedOn = 0, uncompleted = 0, unread = 0;
  Cycle lastHandOn = -1;
  std::uint32_t awaitedPhase = none; ///< phase beside it that must hand on more first
  std::int64_t awaitedCount = 0;
  std::int64_t serial = 0; ///< tells it from others that have used its slot; 0: the slot is free
};

struct RegisterUse {
  FlightId flight = none;
  bool isWrite = false;
};
struct MemoryUse {
  std::int64_t low = 0, high = 0;
  FlightId flight = none;
  bool isWrite = false;
  std::uint32_t addressClass = none;
};

/// Something that is over at a known time.
struct TimedEvent {
  enum class Kind : std::uint8_t {
    StageDone, ///< a: flight
    UnitFree,  ///< a: flight
    Finish,    ///< a: flight
    Request,   ///< a: flight
    Served,    ///< a: flight
    FetchRequest,
    FetchServed,
    FetchArrived,
    PhaseEnd, ///< a: flight, b: phase
    Word,     ///< a: message, b: hop
    Channel,  ///< a: channel object
    Object,   ///< a: object to look at
    Offer,    ///< a: unit to look at
  };
  Kind kind{};
  std::uint32_t a = 0, b = 0;
};

/// What has happened and is seen by others in the next cycle.
struct Deferred {
  enum class Kind : std::uint8_t {
    Event,        ///< b: event
    LeftStation,  ///< b: station
    ReleaseHeld,  ///< b: phase << 8 | holding
    UnitFree,     ///< of a flight that frees its unit
    StepEnded,    ///< a: unit
    WentOn,       ///< a: message, b: hop that a word of it has left
    MessageEnded, ///< a: channel object
  };
  Kind kind{};
  std::uint32_t a = 0, b = 0;
};

/// Events by time: a ring of the next cycles, and a heap for what is further away.
class Calendar {
public:
  static constexpr std::size_t span = 256;
  void add(Cycle now, Cycle time, TimedEvent event);
  /// The first time at which there is something; never if there is nothing. \p now is past.
  [[nodiscard]] Cycle next(Cycle now) const;
  /// Moves what happens at \p time into \p out.
  void take(Cycle time, std::vector<TimedEvent> &out);
  /// Calls \p see with the time, whether it lies in the heap, and the event, for all events behind
  /// \p now: first those of the ring, then those of the heap, in the order in which they will be
  /// taken. (At one time those of the ring are taken first.)
  void forEach(Cycle now, llvm::function_ref<void(Cycle, bool, const TimedEvent &)> see) const;
  /// Moves everything by \p cycles.
  void shift(Cycle cycles);

private:
  struct Far {
    Cycle time = 0;
    std::uint64_t sequence = 0;
    TimedEvent event;
    friend bool operator>(const Far &x, const Far &y) {
      return x.time != y.time ? x.time > y.time : x.sequence > y.sequence;
    }
  };
  std::array<std::vector<TimedEvent>, span> ring_;
  std::array<std::uint64_t, span / 64> filled_{};
  std::vector<Far> far_; ///< a heap, the first on top
  std::uint64_t sequence_ = 0;
};

/// A set of small numbers that is taken out in ascending order.
class RankSet {
public:
  void resize(std::size_t count) { words_.assign(count / 64 + 1, 0); }
  void insert(std::uint32_t rank) {
    words_[rank / 64] |= std::uint64_t{1} << (rank % 64);
    low_ = std::min<std::size_t>(low_, rank / 64);
  }
  /// The least; none if there is none.
  std::uint32_t pop();
  /// A bit for each number.
  [[nodiscard]] const std::vector<std::uint64_t> &words() const { return words_; }

private:
  std::vector<std::uint64_t> words_;
  std::size_t low_ = 0; ///< words before it are empty
};

struct OccupationState {
  explicit OccupationState(const OccupationPlan &plan);

  Cycle now = 0;
  Cycle lastEvent = 0, end = 0;
  std::vector<OccupationFlight> flights;
  std::vector<FlightId> freeFlights;
  std::uint32_t live = 0;
  std::vector<std::int64_t> ages;        ///< nesting + 1 for each flight
  std::vector<PhaseState> phases;        ///< maxPhases for each flight
  std::vector<std::int64_t> addresses;   ///< maxAccesses for each flight
  std::vector<std::int64_t> loopValues;  ///< loopDepth for each flight
  std::vector<std::uint32_t> loopCounts; ///< for each flight
  std::vector<Edge> edges;
  std::uint32_t freeEdge = none;
  std::vector<OccupationObjectState> objects;
  std::vector<ChannelState> channels;
  std::vector<Ring<OrderEntry>> orders; ///< by age
  std::vector<std::vector<RegisterUse>> registers;
  std::vector<std::vector<MemoryUse>> memories; ///< by object
  /// Those of instructions that expand stand apart, by age. They wait for nobody in a unit, so only
  /// those older than an instruction matter to it: few, however many stand in the issue buffer.
  std::vector<Ring<RegisterUse>> expandingRegisters;
  std::vector<Ring<MemoryUse>> expandingMemories;
  std::vector<std::int64_t> outstanding;
  std::vector<Message> messages;
  std::vector<std::uint32_t> freeMessages;
  std::vector<LockStep> groups;
  std::vector<std::uint32_t> freeGroups;
  std::vector<Expansion> expansions;
  std::vector<std::uint32_t> freeExpansions;
  Ring<FlightId> expanders; ///< with something to hand on, by age

  // Fetch
  std::int64_t nextIndex = 0;
  std::int64_t bufferFree = 0;
  bool fetching = false, branchPending = false, hasNext = false, limitReached = false;

  Calendar calendar;
  std::vector<Deferred> deferred;
  RankSet dirty;                        ///< objects that may take something in this cycle
  std::vector<std::uint32_t> nextDirty; ///< objects for the next cycle
  std::vector<std::uint32_t> nextOffers, nextChannels;
  timing::StorageModel storageModel;
};

} // namespace acadlc::aidg
