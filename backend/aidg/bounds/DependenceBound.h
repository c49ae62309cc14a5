/// \file
/// The cycles that a stream would take if nothing but its data dependences limited it: with
/// objects, slots, ports and fetches for all instructions at once.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace acadlc::aidg {

/// Let every instruction start when all older ones that it depends on (docs/timing.md,
/// "Dependences") have finished, or need no more what it writes, and finish when its latency and
/// the service times of its requests, or its phases one behind the other, have passed. `cycles` is
/// when the last one finishes. No stream ends sooner: on its way through stages, and where it waits
/// for objects and slots, an instruction does not start earlier.
struct DependenceBound {
  std::int64_t cycles = 0;
  /// It may be more: requests count at their least, or not all dependences through memory were
  /// followed.
  bool isLeast = false;
};

/// How much is evaluated.
struct DependenceEffort {
  /// Instructions that are evaluated one by one, in each of a few attempts.
  std::int64_t instructions = std::int64_t{1} << 20;
  /// Loops in which accesses move are gone through iteration by iteration if they have at most so
  /// many instructions; in longer ones, what no window of an iteration has is forgotten.
  std::int64_t longestWhole = std::int64_t{1} << 16;
};

/// A clause why boundByDependences() has nothing for \p program; empty: it has. Where instructions
/// expand or pass stations with hazards, what they wait for is not said by dependences alone.
std::string_view whyDependencesAreUnknown(const arch::ArchitectureGraph &graph,
                                          const program::Program &program);

/// The bound of \p program (evaluable as timing::checkEvaluable says). Its cost does not depend on
/// trip counts.
///
/// Loops are evaluated until every time has moved by an amount of its own, twice. The map F from a
/// state to the state a period later takes maxima of times and adds latencies; which, is the same
/// in each period. So each time of F(x + m · u) is a convex function of m. If it is on the line
/// x + (m + 1) · u for m = 0, 1 and M, it is on it for all m up to M: then M + 1 periods are
/// certain.
std::optional<DependenceBound> boundByDependences(const arch::ArchitectureGraph &graph,
                                                  const program::Program &program,
                                                  const DependenceEffort &effort = {});

} // namespace acadlc::aidg
