/// \file
/// The chain of waits that makes the time of a layer: what happened, from its first cycle to its
/// last, of which each step could not begin before the one in front of it was over.
#pragma once

#include "backend/aidg/path/StreamPath.h"
#include "backend/simulate/CauseTrace.h"
#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::analysis {

std::string_view activityName(simulate::Activity activity); ///< "fetch", "execute", "phase", …
std::string_view waitKindName(simulate::WaitKind kind);     ///< "structural", "data", "hold", …

/// Steps of a chain that are alike, or a sequence of them that recurs.
struct ChainItem {
  std::int64_t cycles = 0;     ///< all together
  std::int64_t times = 0;      ///< how often
  std::vector<ChainItem> body; ///< of what recurs, in the order of time; empty: steps
  // Of steps:
  simulate::Activity activity{};
  simulate::WaitKind over = simulate::WaitKind::Begin; ///< why none began earlier
  bool isContended = false; ///< of a message: while the words of others go
  std::string object;       ///< without indices: "pe[*].multiply"
  std::string awaited;      ///< the object that was not free; empty: none
  std::string operation;    ///< empty: a fetch
  std::string phase;        ///< its name; empty: none
  SourceRange range;        ///< of the emit
  std::string place;        ///< the same as a text, "arch.acadl:130", once somebody fills it in
};

/// What steps of one kind at one object take of the chain.
struct ChainShare {
  std::string object;
  simulate::Activity activity{};
  bool isContended = false;
  std::int64_t cycles = 0;
};

struct WaitChain {
  std::vector<ChainItem> items; ///< in the order of time
  /// The same with all steps of less than `outlineShare` as steps without an object.
  std::vector<ChainItem> outline;
  static constexpr double outlineShare = 0.005;
  std::vector<ChainShare> shares; ///< the largest first, equal ones by name
  std::int64_t cycles = 0;        ///< that the items cover: those of the layer, or none
  std::int64_t unknown = 0;       ///< of those, cycles behind which the next wait is not known
  std::string missing;            ///< a clause why there is no chain; empty: there is one
};

/// Instructions of a stream, those that expansions emit included, of which the causes are looked
/// for at the most.
inline constexpr std::int64_t mostChainInstructions = 4'000'000;

/// Instructions of a stream in program order that are evaluated at the most to find the critical
/// path that is its chain.
inline constexpr std::int64_t mostPathInstructions = std::int64_t{1} << 20;

/// The chain of the stream of \p program, whose cycles \p evaluation knows. \p path: its critical
/// path (aidg::StreamPaths, Blame::Cause), the last step first, if that is known and every request
/// is served at once; then the chain is this path. Otherwise, where loops are certified to recur,
/// some of their periods are gone through and counted for all; a chain that does not add up to the
/// cycles is not given.
WaitChain findWaitChain(const arch::ArchitectureGraph &graph, const program::Program &program,
                        const timing::Evaluation &evaluation,
                        std::span<const aidg::StreamStep> path);

/// None, because of \p why.
WaitChain withoutChain(std::string why);

} // namespace acadlc::analysis
