/// \file
/// Goes through the certificates of an estimate again: simulates two periods of each and compares.
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::simulate {

struct ReplayLimits {
  /// So many instructions of a stream are simulated for loops of the fetched stream: certificates
  /// that need more are not replayed.
  std::int64_t instructions = 20'000'000;
  /// Nor those of longer periods: the times of two are kept.
  std::int64_t instructionsPerPeriod = 500'000;
  /// Of a drift the periods are looked at that end within so many instructions of it.
  std::int64_t instructionsPerDrift = 1'000'000;
  /// Of loops within expansions those are replayed of which two periods end within so many cycles
  /// in which something happens.
  std::int64_t cycles = 10'000'000;
};

/// What came out for one certificate.
struct Replay {
  enum class Verdict : std::uint8_t {
    Holds,
    Fails,       ///< it is wrong: a mistake of acadlc
    InPart,      ///< nothing that was compared differs, but not all that it says was compared
    NotReplayed, ///< nothing was compared
  };
  Verdict verdict = Verdict::NotReplayed;
  /// What was compared ("2 periods of 48 instructions, 3 states equal"), what differs, or why it
  /// was not replayed.
  std::string finding;
};

/// Replays \p certificates, which are about the stream of \p program on \p graph, in one simulation
/// of its beginning, and one more for loops within expansions. The results stand in the order of
/// the certificates; equal certificates are replayed once, where the first of them was found, and
/// have the same result. Drifts are replayed at each place.
///
/// From instruction `firstInstruction` on, the simulated stream must be in the loop and iteration
/// that the certificate says and be the same for two periods but for addresses, and every event of
/// the second period must come `cyclesPerPeriod` behind that of the first, up to the arrival of
/// what follows the two periods (that may be something else, and younger instructions may go first
/// where objects merge). The states in which the first instructions of two neighbouring periods
/// arrive must be equal up to time and index, the contents of caches and rows of DRAMs up to the
/// bytes by which their addresses move: those of the first and the second, or else of the next
/// ones, as the state may begin with what can delay nobody (an older instruction in a unit that is
/// free before anybody can get there); all periods up to them must take `cyclesPerPeriod`. Where
/// the loop ends within the second period, what there is of it is compared.
///
/// Of a drift all periods that the certificate speaks of must be in the loop and the same, up to
/// the limits (InPart if there are more), but at least three: every event of each instruction must
/// come by the same number of cycles later from period to period, an amount of its own for each,
/// and the last fetch of a period `cyclesPerPeriod` behind that of the one before.
///
/// Of loops within expansions the whole states are compared at `firstCycle` and one and two periods
/// behind it: everything but the time and what the periods hand on. The fetched stream must stand
/// still, each of the `expandedLoops` must be where it says and go on by its period, all other
/// streams stand where they stood; how far accesses under way that meet lie apart is part of the
/// state. Where one of the loops ends within the second period, two states are compared (InPart).
std::vector<Replay> replay(const arch::ArchitectureGraph &graph, const program::Program &program,
                           const std::vector<timing::Certificate> &certificates,
                           const ReplayLimits &limits = {});

} // namespace acadlc::simulate
