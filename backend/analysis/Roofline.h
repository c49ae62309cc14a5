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
  /// Most bytes a cycle that all of its objects move together: of a channel by its width and
  /// interval; of a storage by its slots, port width and shorter latency, or, where phases say how
  /// long they take it, by the instruction that moves most in a cycle.
  double bytesPerCycle = 0;
  /// It moves less whenever caches miss, rows have to be opened, the longer of two latencies
  /// counts, or another instruction says so.
  bool isAtMost = false;
  /// A cache stands in front of it: what that asks of it depends on time and is not counted.
  bool isBelowCache = false;
};

/// What a stream moves at one level.
struct LevelTraffic {
  std::int64_t bytes = 0; ///< of storages those of ObjectCounts; of channels whole words
  /// Instructions access the storage without a request to it and without a phase on it: that takes
  /// no time of it. So MemoryLevel::bytesPerCycle is no limit of this stream.
  bool isUnserved = false;
  bool isRequested = false; ///< there are requests to it
  /// Most bytes a cycle of one of its objects by what phases say; 0 if none lies on it.
  double statedBytesPerCycle = 0;
  [[nodiscard]] bool isUsed() const { return bytes != 0; }
};

/// What a stream asks of an architecture, as rooflines see it.
struct StreamTraffic {
  std::vector<LevelTraffic> levels; ///< as in memoryLevels()
  /// Least cycles of the unit that multiplies and accumulates longest, one instruction behind the
  /// other (ObjectCounts::macCycles): what is left of the peak is how full the units are and how
  /// even their work is.
  std::int64_t macCycles = 0;
};

/// The storages and channels of \p graph, in the order of the first objects of each, as \p streams
/// use them.
std::vector<MemoryLevel> memoryLevels(const arch::ArchitectureGraph &graph,
                                      std::span<const StreamTraffic> streams);

/// What the whole stream of \p program moves; nothing if a count leaves the 64-bit range.
std::optional<StreamTraffic> countTraffic(const arch::ArchitectureGraph &graph,
                                          const program::Program &program);

/// The level whose roof lies lowest over a stream: what it moves there takes longest. If none has a
/// bandwidth, the one where it moves most; nothing if it moves nothing that is counted.
std::optional<std::size_t> limitingLevel(std::span<const MemoryLevel> levels,
                                         std::span<const LevelTraffic> traffic);

/// What two simple models say of a layer, in cycles.
struct SimpleEstimates {
  /// max(macs / peak, bytes / bandwidth) with what the layer moves at its limiting level: where the
  /// roofline lies over the layer.
  double roofline = 0;
  /// The same, but where the computation is the longer part, it is that of the unit which has most
  /// to multiply and accumulate (StreamTraffic::macCycles): edge tiles and uneven shares count.
  double refined = 0;
  /// What the layer moves has no bandwidth in this model: the computation alone counts.
  bool isComputationAlone = false;
};

/// Nothing if neither the computation nor the traffic says anything. \p peak: macs a cycle, 0 if
/// unknown.
std::optional<SimpleEstimates> estimateSimply(std::span<const MemoryLevel> levels,
                                              const StreamTraffic &traffic, std::int64_t macs,
                                              double peak);

} // namespace acadlc::analysis
