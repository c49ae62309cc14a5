/// \file
/// What the objects of an architecture did in the cycles of a stream (docs/report.md, "Busy,
/// waiting, idle").
#pragma once

#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::timing {

/// What one object did, in cycles of its places: an object with two places has two of them in each
/// cycle.
struct ObjectUsage {
  std::int64_t places = 0; ///< that can be taken at once; 0: nothing takes it (register files)
  std::int64_t taken = 0;  ///< by an instruction, a request, a message or a fetch
  // Of these, nothing is done because what has the place waits:
  std::int64_t operands = 0; ///< for what it depends on
  std::int64_t requests = 0; ///< for a storage to grant its request
  std::int64_t next = 0;     ///< for what it takes next: another object, or room there

  [[nodiscard]] std::int64_t waiting() const { return operands + requests + next; }
  [[nodiscard]] std::int64_t busy() const { return taken - waiting(); }
  /// Of \p cycles, the length of the stream.
  [[nodiscard]] std::int64_t idle(std::int64_t cycles) const { return places * cycles - taken; }
  friend bool operator==(const ObjectUsage &, const ObjectUsage &) = default;
};

/// What caches asked of the storage below them: lines that they missed or gave back, and what they
/// wrote through.
struct LowerTraffic {
  std::int64_t reads = 0, writes = 0; ///< requests
  std::int64_t bytesRead = 0, bytesWritten = 0;
  friend bool operator==(const LowerTraffic &, const LowerTraffic &) = default;
};

struct Usage {
  std::vector<ObjectUsage> objects; ///< by object
  /// Sum over the cycles of how many instructions stand in the issue buffer.
  std::int64_t buffered = 0;
  /// By object; of storages below a cache.
  // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
  std::vector<LowerTraffic> lower = {};
  friend bool operator==(const Usage &, const Usage &) = default;
};

/// Usage of \p graph in which nothing has been taken yet. Nothing if the places of an object have
/// more than 2^63 cycles in \p cycles.
std::optional<Usage> emptyUsage(const arch::ArchitectureGraph &graph, std::int64_t cycles);

} // namespace acadlc::timing
