/// \file
/// The AIDG evaluated in program order: the flat, fast case.
#pragma once

#include "backend/aidg/plan/Certificates.h"
#include "backend/aidg/plan/EstimateOptions.h"
#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/recurrence/ProgramOrderState.h"
#include "backend/aidg/recurrence/Transitions.h"

#include <llvm/ADT/DenseMap.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Evaluates one stream by the recurrences of docs/timing.md, max and add over arrays.
///
/// It is not a simulator: it has no events, and it is exact only while no younger instruction gets
/// ahead of an older one at a storage. That is checked at every request; run() gives nothing when
/// it happens.
///
/// A loop is gone through state by state (docs/exactness.md). If no instruction uses addresses, the
/// effect of a body on a state is looked up where it is known, whatever loop, layer or trip count
/// it was evaluated for. A state that has been there before in the same loop ends the evaluation of
/// the loop; so does a drift, for as long as it lasts.
class ProgramOrderEvaluator {
public:
  /// \p transitions: what is known from streams before; must outlive the evaluator.
  ProgramOrderEvaluator(const Plan &plan, const FlatProgram &flat, const EstimateOptions &options,
                        Transitions &transitions);

  /// The result, or nothing if some order turned out to depend on time.
  std::optional<timing::Evaluation> run();

private:
  /// Thrown and caught within run(): options_->maxInstructions were evaluated.
  struct LimitReached {};
  /// Thrown and caught within run(): options_->budget is used up.
  struct BudgetReached {};

  /// A body, as it is looked up: several trips of a short one at once, so that comparing states
  /// does not cost more than evaluating.
  struct Body {
    std::int64_t trips = 1;                              ///< of a unit
    std::optional<BodyId> unit;                          ///< not before it is needed
    std::int64_t instructions = 0, kernelIterations = 0; ///< of one trip
  };
  /// A state at the begin of a trip.
  struct Visit {
    StateId state = noState;
    std::int64_t trip = 0, arrival = 0, index = 0;
  };
  /// One run through a loop.
  struct Run {
    llvm::DenseMap<StateId, Visit> visited;
    std::deque<Visit> path; ///< the last visits, trip by trip
    std::int64_t nextDrift = 0;
    void clear();
  };

  // ---- the stream ----
  void evaluateRegion(program::RegionId region);
  void evaluateRepeat(std::uint32_t index);
  void evaluateTrips(std::uint32_t index, std::int64_t first, std::int64_t count);
  void evaluatePlainly(const FlatRun &run, std::span<const program::Step> emits);
  bool evaluateSeriesTrips(const program::Repeat &repeat, std::int64_t count);
  void countPlain(std::int64_t instructions);
  void evaluateInstruction(std::uint32_t id);
  std::int64_t addressDependences(const PlanInstruction &instruction, std::int64_t time);
  std::int64_t serveAccesses(const FlatInstruction &instruction, std::int64_t time);
  void trackAccesses(const PlanInstruction &instruction, std::int64_t finish);
  void observe(std::uint32_t id, const timing::InstructionTimes &times);

  // ---- loops without addresses ----
  void repeatByTransitions(std::uint32_t index);
  bool jumpByRecurrence(std::uint32_t index, Visit &now);
  bool jumpByDrift(std::uint32_t index, Run &run, Visit &now);
  std::optional<TransitionTable::KnownDrift> findDrift(std::uint32_t index, Run &run,
                                                       const Visit &now);
  void drift(const TransitionTable::KnownDrift &drift, std::int64_t periods);
  void repeatByLandmarks(std::uint32_t index, std::int64_t trip);
  StateId currentState();
  void load();
  Body &bodyOf(std::uint32_t repeat);
  BodyId regionId(program::RegionId region);
  BodyId instructionId(std::uint32_t id);
  void skip(const Body &body, std::int64_t trips, std::int64_t cycles);

  // ---- loops with addresses ----
  void repeatByShift(std::uint32_t index);

  void certify(const timing::Certificate &certificate);
  /// Whether times alone are wanted: no addresses, nobody who observes single instructions.
  [[nodiscard]] bool isPlain() const { return !flat_->usesAddresses && !options_->observer; }
  [[nodiscard]] std::int64_t instructionsLeft() const {
    return std::min(options_->maxInstructions, options_->budget) - evaluated_;
  }
  [[nodiscard]] std::int64_t arrival() const { return isLoaded_ ? state_.arrival() : arrival_; }

  const Plan *plan_;
  const FlatProgram *flat_;
  const EstimateOptions *options_;
  TransitionTable *table_;
  ProgramOrderState state_;
  /// The number of the present state, if it has one. Then `state_` need not hold it (isLoaded_),
  /// and its arrival is arrival_.
  StateId known_ = noState;
  bool isLoaded_ = true;
  std::int64_t arrival_ = 0;
  std::vector<std::int64_t> key_;

  std::uint32_t depth_ = 0; ///< loops around the instruction
  std::vector<std::int64_t> loopValues_;
  std::vector<std::int64_t> addresses_; ///< of the accesses of the instruction under way
  std::int64_t index_ = 0;              ///< of the next instruction in the stream
  std::int64_t evaluated_ = 0;          ///< instructions
  bool inKernel_ = false;               ///< the present region is the body of an innermost repeat
  std::int64_t evaluatedIterations_ = 0;
  bool hasSkipped_ = false;
  std::vector<Run> runs_;    ///< by depth
  std::vector<Body> bodies_; ///< by repeat
  std::vector<std::optional<BodyId>> regionIds_, instructionIds_;
  std::int64_t mostAtOnce_ = 0; ///< instructions in which no time leaves the 64-bit range
  Certificates certificates_;
};

} // namespace acadlc::aidg
