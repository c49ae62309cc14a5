/// \file
/// Programs that end no later, or no earlier, than a given one, and whose evaluation does not
/// depend on the order of time, on addresses that cannot be proven to repeat, or on the history of
/// storages: so their loops recur, and their ends are proven bounds.
///
/// The argument (docs/exactness.md, "Bounds"): in program order every time is a maximum, an order
/// statistic or a sum of earlier times and of latencies that are not negative. Such a time grows
/// with every latency and with every further time that it waits for.
#pragma once

#include "backend/aidg/bounds/RequestTimes.h"
#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// Most fetches that bring the stream, if instructions are evaluated \p counts times: a block is
/// full, ends with a branch, or is the last.
Count mostFetches(const Plan &plan, const std::vector<Count> &counts);

/// A plan for ProgramOrderEvaluator, and how its end bounds that of the original.
///
/// Objects, registers, storages, instructions and accesses keep their numbers; registers that stand
/// for addresses and copies of objects are appended, so a state of the original can be carried
/// over. Spaces of addresses are numbered anew.
struct RelaxedPlan {
  Plan plan;
  /// To be added to the plan's end.
  std::int64_t addedCycles = 0;
};

/// Which dependences through addresses a relaxed plan keeps.
enum class Addresses : std::uint8_t {
  Repeating, ///< of classes of conflicts where all tracked accesses move alike with each loop
  None,
};

/// A plan whose end is at most that of \p plan, for every order of arbitration, if no request takes
/// less than \p services says (by access). Storages have a slot for each client and no state;
/// dependences through addresses are left
/// out unless they repeat with every loop; objects whose order of entry depends on time hold
/// instructions of one way only.
RelaxedPlan makeBestCase(const Plan &plan, const std::vector<std::int64_t> &services,
                         Addresses addresses);

/// A plan whose end with addedCycles is at least that of \p plan, if no request takes more than
/// \p services says (by access). Nothing if there is no such
/// proof: the order of entry into a stage or unit depends on time, instructions are fetched from a
/// storage that grants in program order, or a number leaves the 64-bit range.
std::optional<RelaxedPlan>
makeWorstCase(const Plan &plan, const std::vector<std::int64_t> &services, Addresses addresses);

} // namespace acadlc::aidg
