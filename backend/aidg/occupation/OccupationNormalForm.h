/// \file
/// The normal form of a state of several occupations, for recurrence in the fetched stream and in
/// those of expansions: two states with equal forms behave alike from then on if the same
/// instructions follow.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"

#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// Writes a state down so that it does not show when it was reached, how far the stream was, or
/// which slots its parts lie in:
///
/// - times are relative to `now`; nothing happens before `now + 1` any more, so those that are over
///   by then are raised to it;
/// - instructions are named by age, what belongs to them by their order: expansions and messages
///   by instruction and phase, groups by their first member; of ages of what is emitted only the
///   order is shown, and in whose place it stands;
/// - positions in the stream are distances from the next instruction, steps of a unit from its
///   latest;
/// - addresses are relative to the loop's progress, by class (OccupationAccess::addressClass).
///
/// Everything else stands as it is, lists in their order: the engine goes through them in that
/// order. What is compared with the present cycle alone (whether an object has taken something, a
/// queue let something go, a message sent a word in this cycle) is left out: the cycle is over.
/// So is what is for observers and reports alone.
class OccupationNormalForm {
public:
  explicit OccupationNormalForm(const OccupationPlan &plan) : plan_(plan) {}

  /// By slot of an expansion: the depth of the loop of its stream whose iteration is not shown;
  /// none: its position is.
  using FreeLoops = std::vector<std::uint32_t>;

  /// Appends the form of \p state, which must be between two cycles, to \p key. \p addressShift:
  /// bytes by which addresses are shifted back, by class.
  void append(const OccupationState &state, const std::vector<std::int64_t> &addressShift,
              std::vector<std::int64_t> &key) {
    append(state, addressShift, {}, key);
  }
  /// The same without the iterations of \p freeLoops, nor what follows from them: how many the
  /// expansions have handed on, and how many that keep program order they have still to. It holds
  /// for one position in the fetched stream.
  void append(const OccupationState &state, const std::vector<std::int64_t> &addressShift,
              const FreeLoops &freeLoops, std::vector<std::int64_t> &key);

  /// The instructions of the state whose form was taken last, in the order of their names.
  [[nodiscard]] const std::vector<FlightId> &named() const { return flights_; }
  /// How many of them are under way: the first ones, by age.
  [[nodiscard]] std::size_t underWay() const { return underWay_; }

private:
  void nameFlights();
  void nameParts();
  void push(std::int64_t value) { key_->push_back(value); }
  [[nodiscard]] std::int64_t name(FlightId id) const;
  [[nodiscard]] std::int64_t relative(Cycle time) const;
  [[nodiscard]] bool isWaiting(const Candidate &candidate) const;
  [[nodiscard]] const OccupationInstruction &instruction(FlightId id) const {
    return plan_.instructions[state_->flights[id].id];
  }
  [[nodiscard]] const PhaseState &phase(FlightId id, std::size_t index) const {
    return state_->phases[id * std::size_t{plan_.maxPhases} + index];
  }
  [[nodiscard]] const std::int64_t *age(FlightId id) const {
    return &state_->ages[id * (std::size_t{plan_.nesting} + 1)];
  }

  void appendFlights();
  void appendFlight(std::size_t index);
  void appendAge(std::size_t index);
  [[nodiscard]] std::int64_t commonAge(FlightId a, FlightId b) const;
  void appendPlace(FlightId id);
  void appendEdges(FlightId id);
  void appendAddresses(FlightId id);
  void appendPhases(FlightId id);
  void appendExpansions();
  void appendPosition(std::uint32_t expansion);
  [[nodiscard]] std::int64_t awaitedOf(const Expansion &expansion) const;
  void appendMessages();
  void appendGroups();
  void appendObjects();
  void appendObject(arch::ObjectId id);
  void appendChannels();
  void appendOrders();
  void appendUses();
  void appendEvents();
  void appendEvent(const TimedEvent &event);
  void appendDeferred(const Deferred &deferred);
  void appendNext();
  void appendStorages();
  template <typename Flights> void appendNames(const Flights &flights);
  void appendCandidates(const std::vector<Candidate> &candidates);
  void appendSet(const std::vector<std::uint32_t> &objects);

  const OccupationPlan &plan_;
  const OccupationState *state_ = nullptr;
  const std::vector<std::int64_t> *shift_ = nullptr;
  const FreeLoops *freeLoops_ = nullptr;
  std::vector<std::int64_t> *key_ = nullptr;

  // By slot; 0 where there is none.
  std::vector<std::uint32_t> flightNames_, expansionNames_, messageNames_, groupNames_;
  std::vector<FlightId> flights_; ///< by name, from 1; those under way first
  std::size_t underWay_ = 0;      ///< how many these are
  std::vector<std::uint32_t> expansions_, messages_, groups_; ///< by name, from 1
  std::vector<std::uint32_t> set_;
  std::vector<program::InstructionStream::Loop> loops_;
};

/// Moves \p state by \p cycles in time, \p instructions in the fetched stream and addresses by
/// \p addressShift bytes, by class.
void shift(OccupationState &state, const OccupationPlan &plan, Cycle cycles,
           std::int64_t instructions, const std::vector<std::int64_t> &addressShift);

} // namespace acadlc::aidg
