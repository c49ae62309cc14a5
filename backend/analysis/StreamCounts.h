/// \file
/// How often a stream uses each object, and how much work that is: found from the loops alone, so
/// exact for any trip count, and the same whatever happens when.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::analysis {

/// What a stream asks of one object.
struct ObjectCounts {
  /// Of stages, queues and units: instructions that pass; of pools: entries that phases hold. Of
  /// storages and register files: accesses. Of channels: messages.
  std::int64_t uses = 0;
  /// Cycles that this is work for the object, one after the other:
  /// - units: Σ latency, or initiation interval where that is shorter; of memory access units the
  ///   service of their requests too; of the fetch stage's unit all fetches;
  /// - stages: Σ latency;
  /// - storages: Σ service time of requests; divided by its slots, the least time that they take;
  /// - channels: words · interval;
  /// - what phases take, for as long as they say.
  /// Time that instructions wait is no work, nor is the latency of a stage whose units take steps:
  /// many instructions stand in it at once.
  std::int64_t work = 0;
  /// The work is at least this: caches count as hit, rows as open, fetches as full.
  bool isWorkLeast = false;
  /// Of units: multiply-accumulates and other operations of what they execute, and its memory
  /// operands.
  std::int64_t operations = 0, operands = 0;
  std::int64_t emitted = 0; ///< instructions that expansions of a unit hand on, one a cycle
  /// Of units: least cycles in which the instructions with multiply-accumulates can go through it,
  /// also where their phases take other objects than the unit.
  std::int64_t macCycles = 0;
  std::int64_t words = 0;             ///< of channels
  std::int64_t reads = 0, writes = 0; ///< accesses of storages and register files
  /// By these; registers as whole bytes. What lies between the elements of a strided slice is not
  /// counted, nor is what an instruction only hands on to those that it expands to. These count at
  /// most the `bytes` that they state of what was handed to them.
  std::int64_t bytesRead = 0, bytesWritten = 0;
  /// Of storages, parts of these bytes: those of requests, and those of accesses that take no time
  /// of the storage. What phases on the storage move is neither.
  std::int64_t bytesRequested = 0, bytesUnserved = 0;
  /// Of storages: most bytes a cycle of an instruction whose phases say how long they take it, all
  /// slots at work.
  double statedBytesPerCycle = 0;
};

/// Most instructions that \p unit takes at once.
std::int64_t largestStep(const arch::Object &unit);

/// Counts the whole stream of \p program, by object. What caches ask of the storages below them
/// depends on time and is not counted. Nothing if a count leaves the 64-bit range.
std::optional<std::vector<ObjectCounts>> countStream(const arch::ArchitectureGraph &graph,
                                                     const program::Program &program);

} // namespace acadlc::analysis
