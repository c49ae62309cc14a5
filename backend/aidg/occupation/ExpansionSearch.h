/// \file
/// Where an evaluation may jump at loops within what instructions expand to.
#pragma once

#include "backend/aidg/occupation/EmissionNumbers.h"
#include "backend/aidg/occupation/OccupationNormalForm.h"
#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"
#include "backend/aidg/occupation/StandingOperands.h"
#include "backend/aidg/plan/Recurrence.h"
#include "backend/aidg/plan/UsageTotals.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace acadlc::aidg {

/// Watches the state at the long loops of the streams that expansions hand on.
///
/// A unit may expand several streams at once. In each, the outermost loop that is long enough is
/// *free*: its iteration is left out of the normal form. If the form recurs while fetching stands
/// still, some of the free loops have gone on by so many iterations each, and the rest of the state
/// is as before: so they go on in lock step until the first of them ends. docs/exactness.md has the
/// argument.
///
/// One thing does look ahead in a stream: whether what is handed on reads something that a phase
/// beside it is still to write. What these looks have found is noted (noteLook), and a jump ends
/// before one of them would find something else.
class ExpansionSearch {
public:
  /// \p plan must outlive the search; planRepeats() has been called for it. \p wordsPerInstruction:
  /// as in LoopSearch.
  ExpansionSearch(const OccupationPlan &plan, std::int64_t wordsPerInstruction);

  /// Whether loops of the stream of \p body may be looked at.
  [[nodiscard]] bool isWorthSearching(program::RegionId body) const { return isWorth_[body]; }

  /// The loops of one stream that go on.
  struct Advance {
    std::uint32_t expansion = 0;
    std::size_t depth = 0;
    std::uint32_t repeat = 0;
    std::int64_t iterations = 0;   ///< in a period
    std::int64_t instructions = 0; ///< handed on in a period
    std::int64_t left = 0;         ///< iterations behind the present one
    std::int64_t entry = 0;        ///< into the loop, as in InstructionStream::Loop
  };
  /// What need not be evaluated: `periods` times what happened since an earlier state.
  struct Jump {
    std::vector<Advance> advances;
    std::int64_t periods = 0;
    std::int64_t cycles = 0; ///< of all periods; saturates
    std::vector<std::int64_t> addressShift;
    /// By list, of what is still to be emitted in the order in which it stands there: by how much
    /// the counts change in a period.
    std::vector<std::int64_t> orderChanges;
    /// Instructions, and their numbers behind all periods (see EmissionNumbers).
    std::vector<FlightId> flights;
    std::vector<std::int64_t> numbers;
    timing::Certificate certificate;
    UsageTotals::Snapshot usageBefore; ///< where a period began, if usage is watched
  };
  /// From now on \p usage is kept with every state; it must outlive the search.
  void watch(const UsageTotals &usage) { usage_ = &usage; }
  /// To be asked when \p driver has prepared another instruction and \p state is between two
  /// cycles.
  /// \p evaluated: instructions under way so far.
  std::optional<Jump> find(const OccupationState &state, std::uint32_t driver,
                           std::int64_t evaluated, OccupationNormalForm &form);

  /// Moves \p state by \p jump.
  void take(const Jump &jump, OccupationState &state);

  // ---- looks ahead ----------------------------------------------------------------------------

  /// The expansion of \p reader has looked for a write of what it reads in what phase \p phase
  /// beside it is still to hand on. \p hit: the loops around the write; null if there is none.
  void noteLook(const OccupationState &state, FlightId reader, std::uint32_t phase,
                const program::InstructionStream *hit);
  /// Somebody has walked through what is still to be emitted for another reason. No period may
  /// contain that.
  void noteWalk() { ++walks_; }

private:
  /// A free loop.
  struct Place {
    std::uint32_t expansion = 0;
    std::int64_t serial = 0, entry = 0;
    std::size_t depth = 0;
    std::uint32_t repeat = 0;
    std::int64_t iteration = 0, handedOn = 0;
  };
  /// What is kept of a state beside its form.
  struct Mark {
    Cycle now = 0;
    std::int64_t lastSerial = 0, walks = 0, looks = 0;
    std::vector<Place> places; ///< that of the driver first
    std::vector<std::int64_t> shift;
    std::vector<std::int64_t> orders; ///< counts of what is still to be emitted
    std::vector<FlightId> flights;    ///< by name
    EmissionNumbers numbers;          ///< of these
    UsageTotals::Snapshot usage;
  };
  /// The search in one run of a stream through its free loop.
  struct Run {
    std::int64_t serial = 0, entry = 0;
    bool isSearching = true;
    std::int64_t lastIteration = -1; ///< that was met
    std::int64_t lastEvaluated = 0;  ///< instructions when a state was compared last
    RecurrenceSearch search;
    std::unordered_map<std::int64_t, Mark> marks; ///< by iteration
  };
  /// A byte range that is read.
  struct Range {
    arch::ObjectId memory = arch::noObject;
    std::uint32_t addressClass = none;
    std::int64_t low = 0, high = 0;
  };
  struct Look {
    std::uint32_t reader = 0;      ///< expansion
    std::int64_t readerSerial = 0; ///< of it
    std::uint32_t phase = 0;       ///< in which the write was looked for
    std::int64_t serial = 0;       ///< of that expansion; 0: it has not begun
    bool found = false;
    std::int64_t hitEntry = -1, hitIteration = -1; ///< of the write in the free loop; else −1
    PlanSlice reads;                               ///< into reads_
  };

  [[nodiscard]] bool isFree(std::uint32_t repeat) const;
  bool findPlace(const OccupationState &state, std::uint32_t expansion, Place &place);
  Run *runOf(const Place &place, std::int64_t evaluated);
  Mark markOf(const OccupationState &state, const Place &driver);
  void buildKey(const OccupationState &state, const Mark &mark, OccupationNormalForm &form);
  std::optional<Jump> jumpBetween(const OccupationState &state, const Mark &before,
                                  const Mark &mark) const;
  bool findAdvances(const Mark &before, const Mark &mark, Jump &jump) const;
  [[nodiscard]] timing::Certificate certificateOf(const OccupationState &state, const Mark &before,
                                                  const Mark &mark, const Jump &jump) const;
  [[nodiscard]] bool isConsistent(const Jump &jump) const;
  bool limitPeriods(const OccupationState &state, const Mark &before, Jump &jump) const;
  [[nodiscard]] static std::vector<StandingOperands::Loop> goingOn(const Jump &jump);
  [[nodiscard]] bool findsTheSame(const OccupationState &state, const Mark &before,
                                  const Jump &jump) const;
  [[nodiscard]] bool restWrites(const OccupationState &state, const Look &look,
                                const Advance *advance, std::vector<Range> reads) const;
  void restart();
  void forgetLooks();

  const OccupationPlan &plan_;
  std::int64_t wordsPerInstruction_;
  const UsageTotals *usage_ = nullptr; ///< null: not watched
  std::vector<bool> isWorth_;          ///< by region
  std::map<std::uint32_t, Run> runs_;  ///< by slot of the expansion
  std::int64_t walks_ = 0;
  std::vector<Look> looks_;
  std::vector<Range> reads_;
  std::int64_t firstLook_ = 0; ///< looks that have been forgotten
  std::vector<std::int64_t> key_;
  OccupationNormalForm::FreeLoops freeLoops_;
  std::vector<program::InstructionStream::Loop> loops_;
};

} // namespace acadlc::aidg
