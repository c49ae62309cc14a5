/// \file
/// Which unfinished older instructions an instruction depends on.
#pragma once

#include "ir/Program.h"

#include <cstdint>
#include <vector>

namespace acadlc::simulate {

/// Names an instruction in flight; used again after it has finished.
using Slot = std::uint32_t;
inline constexpr Slot noSlot = ~0U;

/// Holds the registers and bytes that unfinished instructions read and write, and compares new
/// instructions with all of them. Memory is proportional to the instructions held.
class DependenceTracker {
public:
  explicit DependenceTracker(const arch::ArchitectureGraph &graph);

  /// Appends to \p producers unfinished instructions whose finish implies that all have finished
  /// that \p instruction depends on (one may occur several times), then holds it. \p addresses are
  /// those of its memory operands. To be called in program order.
  void add(Slot slot, const program::Instruction &instruction,
           const std::vector<std::int64_t> &addresses, std::vector<Slot> &producers);
  /// Forgets an instruction that has finished.
  void remove(Slot slot, const program::Instruction &instruction);

private:
  struct RegisterUse {
    Slot slot;
    bool isWrite;
  };
  struct Access {
    Slot slot;
    std::int64_t low, high; ///< half-open range of bytes
  };
  /// Accesses to one address space. Reads never depend on reads, hence two lists.
  struct Space {
    std::vector<Access> reads, writes;
  };

  static void collectUses(const std::vector<RegisterUse> &uses, bool isWrite,
                          std::vector<Slot> &producers);

  std::vector<std::vector<RegisterUse>> registers_; ///< by register; uses in program order
  std::vector<Space> spaces_;                       ///< by object
};

} // namespace acadlc::simulate
