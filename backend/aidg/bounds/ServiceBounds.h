/// \file
/// How long a request may take at a storage, whatever was requested before: the least and the
/// greatest service time, found without any history.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <map>

namespace acadlc::aidg {

/// Cycles that a request may take.
struct ServiceBounds {
  std::int64_t least = 0, most = 0;
};

/// Where requests may begin within units (lines, rows) of some size: at `offset` and every `step`
/// bytes behind it.
struct Alignment {
  std::int64_t offset = 0; ///< 0 … step − 1
  std::int64_t step = 1;   ///< divides the unit's size

  /// Of all values that \p address can have.
  static Alignment of(const program::MemoryOperand &operand, std::int64_t size);
  /// Most units of \p size bytes that \p bytes, at least 1, touch.
  [[nodiscard]] std::int64_t mostTouched(std::int64_t bytes, std::int64_t size) const;
};

/// The bounds of all requests of a program. Numbers beyond the 64-bit range saturate at the largest
/// (timing::StorageModel::overflow).
class ServiceTimes {
public:
  ServiceTimes(const arch::ArchitectureGraph &graph, const program::Program &program);

  [[nodiscard]] ServiceBounds of(const program::MemoryOperand &operand) const;
  /// Most cycles of a request to a cache that holds all lines which it touches.
  [[nodiscard]] std::int64_t mostIfHits(const program::MemoryOperand &operand) const;
  /// Most cycles that a line which is filled, without a victim, takes longer at \p cache than one
  /// that is there.
  [[nodiscard]] std::int64_t mostOfFill(arch::ObjectId cache) const;

private:
  /// A request of \p bytes at most, and of one byte at least if it may be smaller.
  struct Size {
    std::int64_t least = 1, most = 1;
  };
  [[nodiscard]] ServiceBounds at(arch::ObjectId storage, Size size, bool isWrite,
                                 const program::MemoryOperand *operand) const;
  [[nodiscard]] ServiceBounds ofDram(arch::ObjectId id, Size size, bool isWrite,
                                     const program::MemoryOperand *operand) const;
  [[nodiscard]] ServiceBounds ofCache(arch::ObjectId id, Size size, bool isWrite,
                                      const program::MemoryOperand *operand) const;
  [[nodiscard]] ServiceBounds ofLine(const arch::Object &cache, std::int64_t bytes,
                                     bool isWrite) const;
  [[nodiscard]] ServiceBounds below(const arch::Object &cache, Size size, bool isWrite) const;
  /// Greatest time of a request at a DRAM when no other is under way.
  static std::int64_t aloneAtDram(const arch::Object &dram, std::int64_t bytes, bool isWrite,
                                  Alignment alignment, std::int64_t rowWait);
  void findDramUses(const program::Program &program);

  const arch::ArchitectureGraph *graph_;
  struct DramUse {
    std::int64_t rowWait = 0; ///< most cycles from a request to the precharge that it needs
    std::int64_t backlog = 0; ///< by how much activations of other requests may lie ahead
  };
  std::map<arch::ObjectId, DramUse> dramUses_;
};

} // namespace acadlc::aidg
