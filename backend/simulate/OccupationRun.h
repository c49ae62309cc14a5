/// \file
/// One run of the occupation simulator. The class is written in several files, one for each
/// concern:
///
/// - OccupationRun.cpp: the cycle and its four parts, instructions in flight, what is over
/// - OccupationFetch.cpp: fetching
/// - OccupationEntry.cpp: who may leave, who enters
/// - OccupationSteps.cpp: units and what they take at once
/// - OccupationPhases.cpp: execution, phases, events
/// - OccupationHoldings.cpp: what phases take and give back
/// - OccupationExpansion.cpp: what expansions hand on
/// - OccupationDependences.cpp: hazards of stations and dependences awaited in units
/// - OccupationTurns.cpp: program order at objects
/// - OccupationDeadlock.cpp: why nothing goes on
/// - OccupationUsage.cpp: what objects do in a cycle
/// - OccupationMoment.cpp: the whole state while instructions expand, to compare it with others
/// - OccupationSnapshot.cpp: the same where instructions are fetched
/// - OccupationCauses.cpp: what lets things happen, if that is asked for
///
/// Events of an instruction that happen in part 1 are known to all at once ("published"); those
/// that happen later in a cycle are known to the instruction itself, and published in part 1 of the
/// next cycle.
#pragma once

#include "backend/simulate/EventQueue.h"
#include "backend/simulate/OccupationChannels.h"
#include "backend/simulate/OccupationRecord.h"
#include "backend/simulate/OccupationSimulator.h"
#include "backend/simulate/UsageCounter.h"
#include "backend/timing/StorageModel.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace acadlc::simulate {

class OccupationRun {
public:
  OccupationRun(const arch::ArchitectureGraph &graph, const program::Program &program,
                const SimulateOptions &options, const timing::FetchPath &fetchPath);
  timing::Evaluation run();

private:
  /// Something that will be over at a known time.
  struct Timed {
    enum class Kind : std::uint8_t {
      Wake,         ///< nothing by itself: something may be possible from this cycle on
      StageDone,    ///< the latency of the stage that holds `who` has passed
      UnitFree,     ///< `who`, without phases, occupies its unit no more
      Finish,       ///< `who`, without phases, has executed
      MakeRequest,  ///< the latency of the memory access unit that holds `who` has passed
      Served,       ///< the request of `who` has been served
      PhaseOver,    ///< phase `phase` of `who`
      Word,         ///< a word has passed a channel
      FetchRequest, ///< the latency of the instruction memory access unit has passed
      FetchServed,  ///< the fetch has its block
      FetchArrival, ///< the block reaches the issue buffer
    } kind{};
    Reference who;
    std::size_t phase = 0;
    WordArrival word;
    // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
    Cause cause = {}; ///< itself, if causes are noted
  };

  /// What happened in part 3 or 4 and is known to all in the next cycle.
  struct Late {
    enum class Kind : std::uint8_t {
      Event,    ///< `event` of `who`
      UnitPart, ///< the part of `who` in its unit may be over
      Holdings, ///< holdings of `phase` whose event had come before it began
      StepOver, ///< step number `step` of `unit`
    } kind{};
    Reference who;
    program::EventId event = 0;
    std::size_t phase = 0;
    arch::ObjectId unit = arch::noObject;
    std::int64_t step = 0;
    // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
    Cause cause = {}; ///< why, if causes are noted
  };

  /// A stage, queue or station.
  struct Place {
    std::vector<Record *> held; ///< in it, oldest first
    std::int64_t entries = 0;   ///< taken, of all classes
    std::map<std::string, std::int64_t> entriesByClass;
  };

  /// A step that a unit has taken and that has not ended.
  struct UnitStep {
    std::int64_t number = 0;
    std::vector<Reference> members; ///< oldest first
    std::size_t open = 0;           ///< members whose part in it is not over
    bool hasStarted = false;
  };
  struct Unit {
    std::vector<Reference> processing; ///< entered, and it is not free of them
    Reference claimant = nobody;       ///< whose phase or holding has it
    std::int64_t taken = 0;            ///< steps
    std::deque<UnitStep> steps;
    // Expansion
    std::map<std::string, std::int64_t> outstanding;        ///< handed on, by class and operation
    std::map<std::string, std::int64_t> outstandingOfPhase; ///< by phaseKey()
    Record *offering = nullptr; ///< whose instruction it offers in this cycle; null: none
    std::size_t offeredPhase = 0;
    Age offeredAge;
    std::vector<Record *> visible; ///< it looks ahead: what it may take in this cycle
  };

  /// One who may enter an object in this cycle.
  struct Candidate {
    Record *record = nullptr; ///< null: what `expander` offers
    arch::ObjectId expander = arch::noObject;
    const Age *age = nullptr;
    const program::Instruction *instruction = nullptr;
  };

  // ---- The cycle (OccupationRun.cpp) -----------------------------------------------------------

  bool advanceTime(std::vector<Timed> &due);
  void cycle(const std::vector<Timed> &due);
  void release(const std::vector<Timed> &due);
  void decide();
  void enterAll();
  void beginAll();
  void handle(const Timed &timed);
  void publishLate();
  /// Lets something be over \p delay cycles from now; at least 1.
  void schedule(std::int64_t delay, const Timed &timed);
  /// Something happened in this cycle.
  void noteChange() {
    hasChanged_ = true;
    lastChange_ = now_;
  }
  /// Something that happened before is known to others from now on.
  void noteKnown() { hasChanged_ = true; }
  [[nodiscard]] bool isReleasing() const { return part_ == Part::Release; }

  Record &create(program::InstructionId id, const std::vector<std::int64_t> &loopValues, Age age,
                 const Record *parent);
  void retire(Record &record);
  /// Null if it is no more in flight.
  [[nodiscard]] Record *find(const Reference &reference) const;
  /// A memory address of an operand; \p parent is who emits, if anybody.
  [[nodiscard]] std::vector<std::int64_t>
  addressesOf(const program::Instruction &instruction, const std::vector<std::int64_t> &loopValues,
              const std::vector<std::int64_t> *parent) const;
  void deliver();

  // ---- Fetch -----------------------------------------------------------------------------------

  void readAhead();
  void startFetch();
  void requestFetch();
  void grantFetch();
  void fetchServed();
  void fetchArrived();
  void buffer();

  // ---- Who may leave, who enters ---------------------------------------------------------------

  void decidePort(arch::ObjectId id);
  void decidePlace(arch::ObjectId id);
  void decideQueue(arch::ObjectId id);
  void decideStation(arch::ObjectId id);
  void propose(Record &record);
  void enterOne(arch::ObjectId id);
  [[nodiscard]] bool canTake(arch::ObjectId id, const Candidate &candidate) const;
  [[nodiscard]] bool hasEntry(arch::ObjectId id, const program::Instruction &instruction) const;
  void enter(arch::ObjectId id, Record &record);
  void leave(Record &record);
  void leaveStation(Record &record, arch::ObjectId id);
  void issue(Record &record);
  void releaseEntry(Record &record, std::size_t station);
  void countEntry(arch::ObjectId id, const program::Instruction &instruction, std::int64_t change);

  // ---- Steps (OccupationSteps.cpp) -------------------------------------------------------------

  [[nodiscard]] bool isUnitFree(arch::ObjectId id, const Age &age, bool isExpanding) const;
  void enterUnit(Record &record, UnitStep &step);
  void decideLookAhead(arch::ObjectId unit);
  /// How many of the visible instructions the unit takes: a step, or 0.
  [[nodiscard]] std::size_t chooseStep(arch::ObjectId unit) const;
  /// How many of the visible instructions decide that it takes \p count: those `before` included.
  [[nodiscard]] std::size_t countLookedAt(arch::ObjectId unit, std::size_t count) const;
  void takeStep(arch::ObjectId unit);
  void makeLockStep(const UnitStep &step);
  void startStep(Record &first);
  /// Frees the unit of \p record if its part is over, and ends its step if it was the last one.
  void checkUnitPart(Record &record);
  [[nodiscard]] bool isUnitPartOver(const Record &record) const;
  void leaveUnit(arch::ObjectId unit, const Reference &who);
  void endStep(arch::ObjectId unit, std::int64_t number);
  [[nodiscard]] bool isStepOver(arch::ObjectId unit, std::int64_t number) const;
  /// Null if it has ended.
  UnitStep *findStep(const Record &record);

  // ---- Starts and phases -----------------------------------------------------------------------

  void execute(Record &record);
  /// An instruction without phases occupies its unit no more.
  void executed(Record &record);
  void grant(Record &record);
  void makeRequest(Record &record);
  void served(Record &record);

  void beginPhases(Record &record);
  [[nodiscard]] bool isDue(const Record &record, std::size_t phase) const;
  /// Whether all events that the phase awaits have happened.
  [[nodiscard]] static bool hasSeenEvents(const Record &record, std::size_t phase);
  [[nodiscard]] bool takesNothing(const Record &record, std::size_t phase) const;
  /// Begins the phase, or all of its lock step, if everything that it takes is free.
  bool tryBegin(Record &record, std::size_t phase);
  bool takeLockStep(const LockStep &group);
  bool tryTake(Record &record, std::size_t phase);
  void giveBack(Record &record, std::size_t phase);
  bool takeObject(Record &record, std::size_t phase);
  bool takeHolding(Record &record, std::size_t phase, std::size_t holding);
  bool takeUnit(Record &record, arch::ObjectId unit);
  bool takeSlot(arch::ObjectId storage);
  bool takeCredits(Record &record, std::size_t phase, arch::ObjectId channel);
  void releaseObject(Record &record, arch::ObjectId object);
  void releaseHolding(Record &record, std::size_t phase, std::size_t holding);
  void releaseHoldings(Record &record, program::EventId event);
  /// Those of a phase whose events had come before it began.
  void releasePastHoldings(Record &record, std::size_t phase);
  void begin(Record &record, std::size_t phase);
  void beginMessage(Record &record, std::size_t phase);
  void endPhase(Record &record, std::size_t phase);
  void freeObjectOf(Record &record, std::size_t phase);
  [[nodiscard]] static bool follows(const Record &record, std::size_t next, std::size_t phase);
  [[nodiscard]] static std::optional<std::size_t>
  findMessage(const Record &record, std::size_t phase, arch::ObjectId channel);
  [[nodiscard]] std::int64_t wordsOf(const Record &record, std::size_t phase) const;

  void happen(Record &record, program::EventId event);
  void publish(Record &record, program::EventId event);
  void complete(Record &record);
  /// In part 1: phases that take nothing begin with what they wait for.
  void cascade(Record &record);
  void cascadeUnit(arch::ObjectId unit);
  void arriveWord(const WordArrival &arrival);
  void acceptWords();

  // ---- Expansion -------------------------------------------------------------------------------

  void beginExpansion(Record &record, std::size_t phase);
  void decideOffer(arch::ObjectId unit);
  [[nodiscard]] bool canOffer(Record &record, std::size_t phase);
  [[nodiscard]] bool isWithinLimits(const Record &record, std::size_t phase) const;
  /// Whether a limit with the name \p name counts \p instruction.
  [[nodiscard]] static bool isNamed(const program::Instruction &instruction,
                                    const std::string &name);
  [[nodiscard]] std::optional<std::size_t> findOtherPhase(Record &record, std::size_t phase);
  /// Who keeps an expansion from beginning: an older instruction in the unit that has not handed on
  /// the last of the same phase. Null if there is none.
  [[nodiscard]] const Record *findFormerExpander(const Record &record, std::size_t phase) const;
  void handOn(arch::ObjectId unit, arch::ObjectId target);
  void emittedRead(Record &parent, std::size_t phase);
  void emittedCompleted(const Record &child, Record &parent);
  void countOutstanding(const Record &child, const Record &parent, std::int64_t change);
  void checkRead(Record &record);
  [[nodiscard]] static std::string phaseKey(const Record &record, std::size_t phase);
  /// Who takes the place in program order of what \p record hands on next.
  [[nodiscard]] const Record *placeOf(const Record &record) const;
  [[nodiscard]] Age nextEmittedAge(const Record &record) const;
  /// Whether what \p record has still to hand on is older than \p age.
  [[nodiscard]] static bool emitsBefore(const Record &record, const Age &age);

  // ---- Dependences -----------------------------------------------------------------------------

  /// Finds out who awaits whom of \p record and all others in flight.
  void relate(Record &record);
  void relatePair(const Record &older, Record &younger);
  [[nodiscard]] static bool haveMet(const std::vector<Meeting> &a, const std::vector<Meeting> &b);
  [[nodiscard]] bool mayStart(Record &record);
  [[nodiscard]] bool isReady(Record &record, arch::ObjectId station);
  [[nodiscard]] bool hasAwaited(Record &record, arch::ObjectId station);
  [[nodiscard]] bool isOver(const Await &await) const;
  [[nodiscard]] const Record *findEmission(Record &record, arch::ObjectId station);
  [[nodiscard]] Scout &scoutFor(Record &record, const Record &expander, std::size_t phase,
                                arch::ObjectId station, std::size_t reader);
  [[nodiscard]] bool emitsAwaited(Record &record, arch::ObjectId station, const Record &expander);
  [[nodiscard]] bool emitsAwaited(Record &record, arch::ObjectId station, const Record &expander,
                                  std::size_t phase);
  [[nodiscard]] bool isAwaited(const Record &record, arch::ObjectId station,
                               const NestCursor &emitted,
                               const std::vector<std::int64_t> &addresses) const;
  [[nodiscard]] static bool writesWhatReads(const program::Instruction &writer,
                                            const std::vector<std::int64_t> &written,
                                            const program::Instruction &reader,
                                            const std::vector<std::int64_t> &read);

  // ---- Turns -----------------------------------------------------------------------------------

  void addTurns(Record &record);
  void takeTurn(Record &record, arch::ObjectId id);
  /// Whether nobody older has still to take a turn at \p id; true where no turns are taken.
  [[nodiscard]] bool isTurn(arch::ObjectId id, const Age &age) const;
  [[nodiscard]] bool isMessageTurn(arch::ObjectId channel, const Message &message) const;
  /// Where a message stands in a channel with program order.
  struct MessagePlace {
    const Age *age = nullptr;
    std::size_t phase = 0;
  };
  [[nodiscard]] static MessagePlace messagePlace(const Record &record, std::size_t phase,
                                                 arch::ObjectId channel);
  [[nodiscard]] static bool isBefore(const MessagePlace &a, const MessagePlace &b);
  [[nodiscard]] bool isStillToSend(const Record &record, std::size_t phase,
                                   arch::ObjectId channel) const;

  // ---- Snapshots -------------------------------------------------------------------------------

  void takeSnapshots();
  /// The whole state; the fetched stream is where it is \p base instructions earlier.
  [[nodiscard]] StateSnapshot snapshot(std::int64_t base) const;
  static void appendProgress(const Record &record, std::vector<std::int64_t> &out);
  static void appendPhase(const PhaseState &phase, std::vector<std::int64_t> &out);
  [[nodiscard]] std::vector<std::int64_t> wordsInChannels() const;

  // ---- Moments (OccupationMoment.cpp) ----------------------------------------------------------

  /// Sees to it that there are cycles at whose ends moments are to be shown.
  void scheduleMoments();
  void showMoments();
  [[nodiscard]] Moment moment() const;
  [[nodiscard]] StateSnapshot stateFrom(std::int64_t base) const;
  /// The place of an instruction in the order of age; −1 if it is no more in flight.
  [[nodiscard]] std::int64_t numberOf(const Reference &reference) const;
  [[nodiscard]] std::int64_t numberOf(const Record *record) const;
  void appendFlight(const Record &record, std::vector<std::int64_t> &out) const;
  void appendAge(const Record &record, std::vector<std::int64_t> &out) const;
  void appendPhases(const Record &record, std::vector<std::int64_t> &out) const;
  void appendAwaits(const Record &record, std::vector<std::int64_t> &out) const;
  void appendUnit(const Unit &unit, std::vector<std::int64_t> &out) const;
  void appendPlace(const Place &place, std::vector<std::int64_t> &out) const;
  /// How far the accesses of instructions in flight that meet lie apart.
  [[nodiscard]] std::vector<std::int64_t> meetingAccesses() const;
  [[nodiscard]] std::vector<std::int64_t> objects() const;
  [[nodiscard]] std::vector<std::int64_t> turns() const;
  /// What has happened in this cycle and is known to all in the next.
  [[nodiscard]] std::vector<std::int64_t> lateEvents() const;
  [[nodiscard]] std::vector<std::int64_t> eventsToCome() const;
  void findStreams(std::vector<StreamPlace> &streams) const;

  // ---- Usage (OccupationUsage.cpp) --------------------------------------------------------------

  void countUsage(std::int64_t next);
  [[nodiscard]] UsageSight sightOfUsage(bool isFirst) const;
  [[nodiscard]] timing::ObjectUsage sightOfUnit(arch::ObjectId id, bool isFirst) const;
  [[nodiscard]] bool isWorking(const Record &record, bool isFirst) const;

  // ---- Causes (OccupationCauses.cpp): nothing is done unless they are asked for ----------------

  using CauseCandidates = std::vector<CauseBook::Candidate>;
  void pushLate(Late late);
  /// The happening that ends when \p timed is over, in cycle \p end.
  [[nodiscard]] Cause causeOf(const Timed &timed, std::int64_t end) const;
  /// \p timed is over: what follows is because of it.
  void becauseOf(const Timed &timed, Record *record);
  void becauseOf(const Late &late);
  /// \p activity of \p record, because of what is being done.
  [[nodiscard]] Cause addCause(Activity activity, const Record &record, arch::ObjectId object,
                               std::int64_t end, std::size_t phase = 0) const;
  void findCauseOfEntry(arch::ObjectId id, const Candidate &candidate);
  void addCausesOfLeaving(const Record &record, CauseCandidates &candidates);
  void findCauseOfStep(arch::ObjectId unit, std::size_t lookedAt);
  void findCauseOfStart(const UnitStep &step);
  void findCauseOfExecution(const Record &record);
  void findCauseOfGrant(const Record &record, arch::ObjectId storage);
  void findCauseOfFetch();
  void findCauseOfFetchGrant();
  void findCauseOfPhase(const Record &record, std::size_t phase);
  void addCausesOfPhase(const Record &record, std::size_t phase, CauseCandidates &candidates);
  void addCausesOfHolding(const Record &record, arch::ObjectId object, CauseCandidates &candidates);
  void noteCreated(Record &record);
  void noteEntering(Record &record, arch::ObjectId id);
  void noteHandingOn(arch::ObjectId unit, const Record &child);
  void noteHandedOnLast(arch::ObjectId unit);
  /// Of what \p unit has emitted, less is outstanding.
  void noteLimit(arch::ObjectId unit);
  void noteEntered(Record &record, arch::ObjectId id);
  void noteLeft(const Record &record);
  void noteFreed(arch::ObjectId id);
  void noteFreedEntry(arch::ObjectId id, const program::Instruction &instruction);
  void noteTurn(arch::ObjectId id);
  void noteStarted(Record &record);
  void noteEvent(Record &record, program::EventId event);
  /// Some wait for nothing any more that \p record had to do.
  void noteAwaited(const Record &record);
  void noteStepEnd(arch::ObjectId unit, std::int64_t number);
  void noteExpansion(Record &record, std::size_t phase, std::int64_t firstOffer);
  void noteMessage(Record &record, std::size_t phase, std::int64_t words);
  void noteWordAccepted(const WordArrival &word);
  void noteWordArrived(const WordArrival &word);
  void noteFinish(const Record &record);

  // ---- Deadlock --------------------------------------------------------------------------------

  struct Blocked {
    timing::Wait wait;
    const Record *by = nullptr; ///< null: it waits for what never comes
  };
  [[nodiscard]] timing::DeadlockReport findDeadlock();
  [[nodiscard]] Blocked whyBlocked(Record &record);
  void whyNotEntered(Record &record, Blocked &blocked);
  void whyNotTaken(arch::ObjectId next, const Candidate &candidate, const Record &record,
                   Blocked &blocked);
  void whyNotStarted(Record &record, Blocked &blocked);
  void whyNotGranted(const Record &record, Blocked &blocked);
  void whyPhasesWait(Record &record, Blocked &blocked);
  void whyPhaseWaits(Record &record, std::size_t phase, Blocked &blocked);
  void whyMessageWaits(const Record &record, std::size_t phase, Blocked &blocked);
  void whyPhaseIsNotDue(const Record &record, std::size_t phase, Blocked &blocked);
  void whyExpansionWaits(Record &record, std::size_t phase, Blocked &blocked);
  void whyNotHandedOn(const Record &record, Blocked &blocked);
  void whyLimitHolds(const Record &record, std::size_t phase, Blocked &blocked);
  [[nodiscard]] bool awaitsItself(Record &record);
  /// The oldest other one that has a part of \p object; else \p except if it has, or null.
  [[nodiscard]] const Record *findHolder(arch::ObjectId object, const Record &except) const;
  [[nodiscard]] bool holds(const Record &record, arch::ObjectId object) const;
  [[nodiscard]] const Record *findFirstToLeave(const Record &record);
  [[nodiscard]] const Record *findAwaitedBy(Record &record, arch::ObjectId station);
  [[nodiscard]] const Record *findTurnBefore(arch::ObjectId id, const Age &age) const;

  enum class Part : std::uint8_t { Release, Decide, Enter, Begin };

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  const SimulateOptions &options_;
  const timing::InstructionObserver &observer_;
  timing::FetchPath fetchPath_;
  OccupationTables tables_;
  timing::StorageModel storageModel_;
  Channels channels_;

  // Time
  std::int64_t now_ = 0, lastFinish_ = 0;
  std::int64_t lastChange_ = 0; ///< when something happened last
  Part part_ = Part::Release;
  bool hasChanged_ = false, overflow_ = false;
  bool isStopped_ = false; ///< by options_.isEnough
  EventQueue<Timed> timed_;
  std::vector<Late> late_;

  // Instructions in flight
  std::vector<std::unique_ptr<Record>> records_; ///< by slot; those free have no serial
  std::vector<std::uint32_t> freeSlots_;
  std::uint64_t serials_ = 0;
  std::vector<std::unique_ptr<Record>> graveyard_; ///< completed in this cycle
  std::vector<Record *> live_;                     ///< oldest first
  std::vector<Record *> expanders_; ///< of those, with something to emit; in no order
  std::int64_t finishedCount_ = 0;  ///< of the stream

  /// For the observer: instructions that not all older ones have been told of.
  struct Observed {
    program::InstructionId id = 0;
    std::vector<std::int64_t> loopValues;
    timing::InstructionTimes times;
    bool isFinished = false;
  };
  std::map<Age, Observed> observed_;

  // Fetch
  program::InstructionStream stream_;
  program::Instance ahead_; ///< the next instance to fetch
  bool hasAhead_ = false, limitReached_ = false, isFetching_ = false, wantsFetchGrant_ = false;
  bool isFetchServed_ = false;  ///< of the fetch under way: it has its block
  bool branchUnderWay_ = false; ///< a branch is between its arrival in the buffer and its finish
  std::int64_t buffered_ = 0;   ///< instructions in the issue buffer
  std::int64_t fetchedCount_ = 0;
  std::size_t snapshotCount_ = 0; ///< that have been taken
  std::size_t momentCount_ = 0;   ///< that have been shown

  // Objects, by id
  std::vector<std::deque<Record *>> ports_; ///< in the issue buffer for this one, in program order
  std::vector<Place> places_;
  std::vector<Unit> units_;
  std::vector<std::int64_t> freeSlotsOf_; ///< of storages
  std::vector<std::vector<Candidate>> candidates_;
  std::optional<UsageCounter> usage_;        ///< if it is asked for
  std::vector<bool> handedOn_;               ///< by unit: in this cycle
  std::vector<std::vector<Record *>> turns_; ///< by TurnIndex: who has turns to take, oldest first

  std::unique_ptr<CauseBook> causes_; ///< null: they are not noted
};

} // namespace acadlc::simulate
