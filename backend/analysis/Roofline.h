/// \file
/// What a roofline needs: how fast the storages and channels of an architecture are, and what a
/// stream moves there. Bytes follow from the loops alone (analysis/StreamCounts.h), so they are
/// exact for any trip count.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::analysis {

/// Storages or channels that differ in nothing but the indices of their names.
struct MemoryLevel {
  std::string object; ///< "memory", "unit[*].scratchpad"
  arch::ObjectClass objectClass{};
  std::int64_t objects = 0;
  /// Most bytes a cycle that all of its objects move together: of a storage by its slots, port
  /// width and shorter latency, of a channel by its width and interval.
  double bytesPerCycle = 0;
  /// It moves less whenever caches miss, rows have to be opened, or the longer of two latencies
  /// counts.
  bool isAtMost = false;
  /// A cache stands in front of it: what that asks of it depends on time and is not counted.
  bool isBelowCache = false;
};

/// What a stream moves at one level.
struct LevelTraffic {
  std::int64_t bytes = 0; ///< of channels: whole words
  /// Instructions access the storage without a request to it: it takes other time than its
  /// bandwidth says, or none. So MemoryLevel::bytesPerCycle is no limit of this stream.
  bool isUnserved = false;
  [[nodiscard]] bool isUsed() const { return bytes != 0; }
};

/// What a stream asks of an architecture, as rooflines see it.
struct StreamTraffic {
  std::vector<LevelTraffic> levels; ///< as in memoryLevels()
  /// Least cycles of the unit that multiplies and accumulates longest, one instruction behind the
  /// other: what is left of the peak is how full the units are and how even their work is.
  std::int64_t macCycles = 0;
};

/// The storages and channels of \p graph, in the order of the first objects of each.
std::vector<MemoryLevel> memoryLevels(const arch::ArchitectureGraph &graph);

/// What the whole stream of \p program moves; nothing if a count leaves the 64-bit range.
std::optional<StreamTraffic> countTraffic(const arch::ArchitectureGraph &graph,
                                          const program::Program &program);

/// A tensor that is moved once, and where it lies.
struct OperandBytes {
  arch::ObjectId memory = arch::noObject;
  std::int64_t bytes = 0;
};

/// What two simple models say of a layer, in cycles. Neither is a bound: both leave out all that
/// they do not name.
struct SimpleEstimates {
  /// max(macs / peak, bytes / bandwidth) with each operand moved once to or from the memory where
  /// it lies.
  double roofline = 0;
  /// The same, but where the computation is the longer part, it is that of the unit which has most
  /// to multiply and accumulate (StreamTraffic::macCycles): edge tiles and uneven shares count.
  double refined = 0;
  /// The memories of the operands have no bandwidth of their own in this model, or there are no
  /// operands: the computation alone counts.
  bool isComputationAlone = false;
};

/// Nothing if neither the computation nor the operands say anything. \p peak: macs a cycle, 0 if
/// unknown.
std::optional<SimpleEstimates> estimateSimply(const arch::ArchitectureGraph &graph,
                                              const StreamTraffic &traffic,
                                              std::span<const OperandBytes> operands,
                                              std::int64_t macs, double peak);

} // namespace acadlc::analysis
