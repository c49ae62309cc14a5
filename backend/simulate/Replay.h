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
  /// Certificates whose two periods end behind so many instructions are not replayed.
  std::int64_t instructions = 20'000'000;
  /// Nor those of longer periods: the times of two are kept.
  std::int64_t instructionsPerPeriod = 500'000;
};

/// What came out for one certificate.
struct Replay {
  enum class Verdict : std::uint8_t {
    Holds,
    Fails, ///< it is wrong: a mistake of acadlc
    Open,  ///< not replayed, or nothing that was compared differs, but not all was compared
  };
  Verdict verdict = Verdict::Open;
  /// What was compared ("2 periods of 48 instructions, 3 states equal"), what differs, or why it
  /// was not replayed.
  std::string finding;
};

/// Replays \p certificates, which are about the stream of \p program on \p graph, in one simulation
/// of its beginning. The results stand in the order of the certificates; equal certificates are
/// replayed once and have the same result.
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
std::vector<Replay> replay(const arch::ArchitectureGraph &graph, const program::Program &program,
                           const std::vector<timing::Certificate> &certificates,
                           const ReplayLimits &limits = {});

} // namespace acadlc::simulate
