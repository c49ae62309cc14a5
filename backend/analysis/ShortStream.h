/// \file
/// A stream with fewer iterations of the loops that certificates cover, and how often what happens
/// in it happens in the whole one.
#pragma once

#include "backend/simulate/CauseTrace.h"
#include "backend/timing/Evaluation.h"
#include "ir/Program.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::analysis {

struct ShortStream {
  /// Of a repeat: iterations in a period, and periods that have been left out.
  struct Cut {
    std::int64_t period = 0, skipped = 0;
  };
  program::Program program;
  std::vector<Cut> cuts; ///< by repeat; a period of 0: it is whole

  /// How often each step of a chain of the short stream occurs in the whole one, if what recurs in
  /// a cut loop recurs in the iterations that were left out. The steps are in the order of time.
  [[nodiscard]] std::vector<std::int64_t> timesOf(std::span<const simulate::ChainStep> chain) const;
};

/// Leaves out whole periods of the loops that \p certificates cover; the first iterations,
/// \p keptPeriods periods and what remains at the end are kept.
ShortStream shorten(const program::Program &program,
                    std::span<const timing::Certificate> certificates, std::int64_t keptPeriods);

} // namespace acadlc::analysis
