/// \file
/// Evaluates instructions with several occupations in the order of time. What can have changed in a
/// cycle is noted where it changes, so an object is looked at only then. Within a cycle
/// (docs/timing.md, "Order within a cycle"): release, decide, take, begin; a fetch starts last.
#pragma once

#include "backend/aidg/bounds/Bounds.h"
#include "backend/aidg/occupation/ExpansionSearch.h"
#include "backend/aidg/occupation/OccupationNormalForm.h"
#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"
#include "backend/aidg/occupation/OccupationUsage.h"
#include "backend/aidg/plan/Certificates.h"
#include "backend/aidg/plan/EstimateOptions.h"
#include "backend/aidg/plan/LoopSearch.h"
#include "backend/aidg/plan/StreamPool.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

class OccupationEngine {
public:
  /// \p plan must outlive the engine. Loops are looked at if planRepeats() has been called.
  OccupationEngine(const OccupationPlan &plan, const EstimateOptions &options);
  timing::Evaluation run();
  /// Where run() has stopped. Loops that were jumped over count as evaluated.
  [[nodiscard]] OccupationProgress progress() const;

private:
  /// The parts of a cycle.
  enum class Part : std::uint8_t { Release, Decide, Take, Begin };
  /// Stands for the fetch where instructions ask; its age is that of the first it will bring.
  static constexpr FlightId fetchFlight = 0;

  // ---- the cycle (OccupationEngine.cpp) ----
  bool advanceTime();
  void runCycle();
  [[nodiscard]] bool isBetweenCycles() const;
  void searchLoops(timing::Evaluation &result);
  void take(const LoopSearch::Jump &jump, timing::Evaluation &result);
  void searchExpansions(timing::Evaluation &result);
  void certify(const timing::Certificate &certificate, timing::Evaluation &result);
  void handle(const TimedEvent &event);
  void handle(const Deferred &happened);
  void at(Cycle delay, TimedEvent::Kind kind, std::uint32_t a = 0, std::uint32_t b = 0);
  void note() { state_.lastEvent = state_.now; }
  void fetchArrived();
  void startFetch();
  void observe();
  void record(FlightId id);

  // ---- flights and age (OccupationFlights.cpp) ----
  OccupationFlight &flight(FlightId id) { return state_.flights[id]; }
  [[nodiscard]] const OccupationFlight &flight(FlightId id) const { return state_.flights[id]; }
  const OccupationInstruction &instruction(FlightId id) const {
    return plan_.instructions[state_.flights[id].id];
  }
  std::span<const arch::ObjectId> route(FlightId id) const {
    return plan_.routeOf(state_.flights[id].id);
  }
  PhaseState &phaseState(FlightId id, std::size_t phase) {
    return state_.phases[id * std::size_t{plan_.maxPhases} + phase];
  }
  const OccupationPhase &phase(FlightId id, std::size_t index) const {
    return plan_.phases[instruction(id).phases.first + index];
  }
  std::int64_t *age(FlightId id) { return &state_.ages[id * ageSize_]; }
  std::int64_t *addresses(FlightId id) {
    return state_.addresses.data() + id * std::size_t{plan_.maxAccesses};
  }
  bool isOlder(FlightId a, FlightId b);
  bool isOlder(const OrderEntry &a, const OrderEntry &b);
  FlightId newFlight(const program::Instance &instance, FlightId emitter);
  void freeFlight(FlightId id);
  /// Adds \p id to \p flights, which are in the order of age.
  void sortIn(std::vector<FlightId> &flights, FlightId id);
  /// Where \p id stands, or would stand, in \p flights, which are in the order of age.
  std::vector<FlightId>::iterator placeByAge(std::vector<FlightId> &flights, FlightId id);
  /// How many at the front of \p ring fulfil \p holds; it holds for none behind one for which it
  /// does not.
  template <typename Elements, typename Holds>
  static std::size_t countWhile(const Elements &ring, const Holds &holds) {
    std::size_t low = 0, high = ring.size();
    while (low != high) {
      const std::size_t middle = low + (high - low) / 2;
      if (holds(ring[middle]))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  static FlightId flightOf(FlightId id) { return id; }
  template <typename Use> static FlightId flightOf(const Use &use) { return use.flight; }
  /// Where \p id stands in a ring by age: behind those that are as old.
  template <typename Elements> std::size_t placeByAge(const Elements &ring, FlightId id) {
    return countWhile(ring, [&](const auto &one) { return !isOlder(id, flightOf(one)); });
  }
  [[nodiscard]] arch::ObjectId nextObject(FlightId id) const {
    return route(id)[state_.flights[id].position];
  }
  [[nodiscard]] FlightId emitterOf(FlightId id) const;
  /// What is known of a new instruction: its turns, dependences and hazards.
  void admit(FlightId id);
  void addTurn(std::uint32_t list, const OrderEntry &entry);
  void removeTurn(std::uint32_t list, FlightId id, bool emitted, std::int64_t count);
  [[nodiscard]] bool hasTurn(arch::ObjectId object, FlightId id) const;
  void turnChanged(std::uint32_t list);

  // ---- dependences and hazards (OccupationDependences.cpp) ----
  void addDependences(FlightId id);
  void dependOnExpanding(FlightId id);
  MemoryUse useOf(FlightId id, std::uint32_t access);
  void addUses(FlightId id);
  void addExpandingUses(FlightId id);
  void removeUses(FlightId id);
  void removeExpandingUses(FlightId id);
  void depend(FlightId waiter, FlightId awaited, program::EventId event);
  void addEdge(FlightId waiter, FlightId awaited, program::EventId event, arch::ObjectId station);
  void satisfy(const Edge &edge);
  bool isAncestor(FlightId ancestor, FlightId of) const;
  bool meet(FlightId a, FlightId b) const;
  bool meet(FlightId a, std::uint64_t stations, FlightId emitter) const;
  bool overlap(FlightId a, FlightId b);
  bool touches(FlightId id, const OccupationInstruction &other, const std::int64_t *otherAddresses);
  void joinStation(FlightId id, arch::ObjectId station);
  void addHazards(FlightId id, arch::ObjectId station);
  [[nodiscard]] bool hasLeft(FlightId id, arch::ObjectId station) const;
  void addHazard(FlightId waiter, FlightId awaited, arch::ObjectId station);
  /// Whether \p id must wait for something that an older instruction has still to emit: in its
  /// unit, or for a hazard of \p station.
  bool awaitsUnemitted(FlightId id, arch::ObjectId station);
  bool awaitsUnemittedOf(FlightId id, FlightId expander, arch::ObjectId station);
  bool awaitsRest(FlightId id, StreamPool::Lease rest, const std::int64_t *base, FlightId expander,
                  std::uint64_t stationsAbove, arch::ObjectId station);
  bool awaitsInstance(FlightId id, std::uint32_t other, const std::int64_t *otherAddresses,
                      FlightId expander, std::uint64_t stationsAbove, arch::ObjectId station);
  void happen(FlightId id, program::EventId event);
  void show(FlightId id, program::EventId event);
  void fireEdges(FlightId id, program::EventId event);
  void fireStation(FlightId id, arch::ObjectId station, bool all);
  void releaseEntry(FlightId id, std::uint32_t position);
  void leftStation(FlightId id, arch::ObjectId station);
  void complete(FlightId id);

  // ---- the way of instructions (OccupationRoutes.cpp) ----
  void take(arch::ObjectId object);
  FlightId pick(arch::ObjectId object);
  FlightId pickReady(arch::ObjectId object, bool mustHaveEntry);
  void offersOf(arch::ObjectId source, arch::ObjectId target, std::vector<FlightId> &offers);
  bool mayLeave(FlightId id, arch::ObjectId target);
  FlightId headOf(arch::ObjectId queue, const Bucket &bucket);
  bool isReadyIn(FlightId id, arch::ObjectId queue);
  void enter(FlightId id, arch::ObjectId object);
  void leave(FlightId id);
  void leaveQueue(FlightId id, arch::ObjectId queue);
  void enterQueue(FlightId id, arch::ObjectId queue);
  void enterUnit(FlightId id, arch::ObjectId unit);
  void becameReady(FlightId id);
  bool hasEntry(arch::ObjectId queue, FlightId id) const;
  void takeEntry(arch::ObjectId queue, FlightId id, std::int64_t change);
  Bucket &bucketOf(arch::ObjectId queue, FlightId id);
  void wakeBehind(arch::ObjectId queue, const Bucket &bucket);
  bool accepts(arch::ObjectId unit, FlightId id);
  void takeStep(arch::ObjectId unit);
  void findVisible(arch::ObjectId unit, std::size_t most);
  std::size_t matchStep(arch::ObjectId unit);
  void freeUnit(FlightId id);
  void leaveUnit(FlightId id);
  void endStep(arch::ObjectId unit, std::int64_t number);
  void stepEnded(arch::ObjectId unit, std::uint32_t number);
  bool isStepOver(arch::ObjectId unit, std::int64_t number) const;

  // ---- starts and phases (OccupationPhases.cpp) ----
  void tryStart(FlightId id);
  void start(FlightId id);
  void formGroup(std::span<const FlightId> flights);
  void joinTurns(FlightId id, arch::ObjectId object, std::uint32_t group);
  void addTurnTo(std::uint32_t list, FlightId id);
  void askTogether(std::uint32_t group);
  static bool isNothing(const OccupationPhase &phase);
  void advance(FlightId id);
  void ask(Candidate candidate);
  bool precedes(const Candidate &a, const Candidate &b);
  void begin();
  void tryCandidate(const Candidate &candidate);
  void startTogether(std::uint32_t group);
  void tryExecute(FlightId id);
  void endExecution(FlightId id);
  void tryRequest(FlightId id);
  void grantFetch();

  // ---- what phases take (OccupationResources.cpp) ----
  bool takeAll(const Candidate &candidate, Candidate waiter);
  void giveBack(const Candidate &candidate, std::uint32_t holdings, bool object);
  bool takeObject(const Candidate &candidate, Candidate waiter);
  bool takesRoom(const Candidate &message);
  bool takeUnit(const Candidate &candidate, arch::ObjectId unit);
  bool takeHolding(const Candidate &candidate, std::uint32_t index, Candidate waiter);
  void dropHolding(const Candidate &candidate, std::uint32_t index, bool wakeUp);
  void dropObject(const Candidate &candidate, bool wakeUp);
  void dropReserve(const Candidate &candidate, std::uint32_t index, arch::ObjectId object);
  void forgetCredits(arch::ObjectId object, FlightId id, std::uint32_t index, std::int64_t words);
  bool isOwnUnit(FlightId id, arch::ObjectId object) const;

  // ---- begin and end of phases (OccupationPhases.cpp) ----
  void beginPhase(FlightId id, std::uint32_t index);
  void endPhase(FlightId id, std::uint32_t index);
  void partOver(FlightId id);
  void releaseHeld(FlightId id, std::uint32_t index, std::uint32_t holding);
  void wake(arch::ObjectId object);

  // ---- channels (OccupationChannels.cpp) ----
  void beginMessage(FlightId id, std::uint32_t index);
  [[nodiscard]] std::int64_t wordsOf(const Candidate &message) const;
  void addSender(std::uint32_t message, std::uint32_t hop);
  void leaveGroup(std::uint32_t group);
  void markChannel(arch::ObjectId channel);
  void markNext(arch::ObjectId channel);
  void serve(arch::ObjectId channel);
  bool hasRoomFor(arch::ObjectId object, const ChannelPlan &planned,
                  const ChannelState::Sender &sender, const Hop &hop);
  bool isNotAhead(const Message &message, const Hop &hop);
  bool hasMessageTurn(arch::ObjectId channel, const ChannelState::Sender &sender);
  Candidate placeOf(const Candidate &message, arch::ObjectId object, std::uint32_t group);
  bool hasStillToSend(FlightId id, std::uint32_t index, arch::ObjectId object);
  bool sendsStill(const Candidate &of, arch::ObjectId object);
  void leaveTurns(FlightId id, const OccupationPhase &sending, std::uint32_t group);
  std::size_t choose(arch::ObjectId channel);
  bool sendsBefore(const ChannelPlan &planned, const ChannelState &state,
                   const ChannelState::Sender &a, const ChannelState::Sender &b);
  void accept(arch::ObjectId channel, std::size_t index);
  void wordArrived(std::uint32_t message, std::uint32_t hop);
  void returnCredit(std::uint32_t message, std::uint32_t hop);
  void messageEnded(arch::ObjectId channel);
  arch::ObjectId channelOf(const Message &message, std::uint32_t hop) const;
  ChannelState &channel(arch::ObjectId id) { return state_.channels[plan_.objects[id].detail]; }
  Reserve *reserveOf(arch::ObjectId channel, const Message &message);

  // ---- expansions (OccupationExpansions.cpp) ----
  bool hasExpansionTurn(FlightId id, std::uint32_t index);
  std::uint32_t newExpansion(FlightId id, std::uint32_t index);
  void beginExpansion(FlightId id, std::uint32_t index);
  void prepareNext(std::uint32_t expansion);
  void decide(arch::ObjectId unit);
  bool mayOffer(std::uint32_t expansion);
  bool isWithinLimits(const Expansion &expansion) const;
  bool awaitsSibling(Expansion &expansion);
  std::int64_t findWrite(FlightId expander, std::uint32_t phaseIndex, FlightId reader);
  FlightId placeIn(arch::ObjectId unit);
  void handOn(FlightId id);
  void count(std::uint32_t expansion, FlightId id, std::int64_t change);
  void endExpansion(std::uint32_t expansion);
  void endOutstanding(FlightId id);
  void finishHandOn(std::uint32_t expansion);
  void beginThoseInTurn(arch::ObjectId unit);
  void emittedCompleted(FlightId id);
  void emittedRead(FlightId id);
  void checkRead(FlightId id);
  void markOffer(arch::ObjectId unit);

  // ---- deadlock (OccupationDeadlock.cpp) ----
  timing::DeadlockReport reportDeadlock();
  FlightId waitsFor(FlightId id, timing::Wait &wait);
  FlightId oldestOther(FlightId except, llvm::function_ref<bool(FlightId)> isWanted);
  FlightId awaitedOnTheWay(FlightId id, timing::Wait &wait);
  FlightId awaitedForEntry(FlightId id, arch::ObjectId next, FlightId waiter, timing::Wait &wait);
  bool hasRoom(arch::ObjectId object, FlightId id);
  FlightId turnBefore(arch::ObjectId object, FlightId id);
  FlightId holderOf(arch::ObjectId object, FlightId except);
  bool holdsPart(FlightId id, arch::ObjectId object);
  bool awaitsOverRegister(FlightId id, FlightId other);
  FlightId awaitedBy(FlightId id, arch::ObjectId station);
  FlightId awaitedAtStart(FlightId id, timing::Wait &wait);
  FlightId awaitedForGrant(FlightId id, timing::Wait &wait);
  FlightId awaitedByPhases(FlightId id, timing::Wait &wait);
  FlightId awaitedByPhase(FlightId id, std::uint32_t index, timing::Wait &wait);
  FlightId awaitedStep(FlightId id, std::uint32_t index, timing::Wait &wait);
  FlightId awaitedToBegin(FlightId id, std::uint32_t index, timing::Wait &wait);
  FlightId formerExpander(FlightId id, std::uint32_t index);
  FlightId awaitedByMessage(FlightId id, std::uint32_t index, timing::Wait &wait);
  FlightId userOf(arch::ObjectId object, FlightId except);
  FlightId awaitedByExpansion(FlightId id, std::uint32_t index, timing::Wait &wait);
  FlightId awaitedToHandOn(FlightId id, timing::Wait &wait);
  FlightId awaitedForLimit(const Expansion &expansion);
  [[nodiscard]] std::string describe(FlightId id);

  const OccupationPlan &plan_;
  const EstimateOptions &options_;
  program::InstructionStream stream_;
  program::Instance next_;
  OccupationState state_;
  std::size_t ageSize_ = 1;
  Part part_ = Part::Release;
  bool overflow_ = false;
  std::int64_t created_ = 0; ///< instructions so far, those that were emitted included

  // Loops that recur
  bool searchesLoops_;
  LoopSearch loops_;
  ExpansionSearch expansionLoops_;
  OccupationNormalForm form_;
  std::int64_t expansionCount_ = 0;     ///< begun so far
  std::vector<std::uint32_t> advanced_; ///< expansions with another instruction to hand on
  std::int64_t evaluated_ = 0;          ///< instructions under way so far, emitted ones included
  std::int64_t searchedIndex_ = 0;      ///< next instruction when loops were looked at last
  Certificates certificates_;
  std::optional<OccupationUsage> usage_; ///< if it is asked for

  // Progress
  std::vector<std::int64_t> begun_, completed_; ///< by instruction; without what was jumped over
  std::vector<std::int64_t> jumpedOver_;        ///< by repeat: iterations

  // Used within a cycle.
  std::vector<TimedEvent> events_;
  std::vector<Deferred> happened_;
  std::vector<FlightId> starting_;
  std::vector<FlightId> over_;    ///< completed in this cycle
  std::vector<Candidate> asking_; ///< a heap, the oldest first
  std::vector<std::uint32_t> offers_, channels_;
  std::vector<bool> offerMarked_, channelMarked_;
  std::vector<FlightId> scratch_, visible_;
  std::vector<Candidate> candidates_; ///< of ScratchCopy, as the next
  std::vector<FlightId> flightCopies_;
  StreamPool lookahead_;

  /// What is to be observed, in the order of completion.
  struct Observed {
    std::vector<std::int64_t> age;
    std::uint32_t id = 0, level = 0;
    std::int64_t kernelIteration = -1;
    std::vector<std::int64_t> loopValues;
    timing::InstructionTimes times;
  };
  std::vector<Observed> observed_;
};

} // namespace acadlc::aidg
