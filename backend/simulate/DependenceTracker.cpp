#include "backend/simulate/DependenceTracker.h"

namespace acadlc::simulate {

namespace {

/// Removes all entries of \p slot; keeps the order of the others.
template <typename Entry> void removeSlot(std::vector<Entry> &entries, Slot slot) {
  std::erase_if(entries, [slot](const Entry &entry) { return entry.slot == slot; });
}

} // namespace

DependenceTracker::DependenceTracker(const arch::ArchitectureGraph &graph)
    : registers_(graph.registerCount), spaces_(graph.objects.size()) {}

/// The last write and, for a write, the reads since. Everything older has finished when the last
/// write starts, as that depends on it.
void DependenceTracker::collectUses(const std::vector<RegisterUse> &uses, bool isWrite,
                                    std::vector<Slot> &producers) {
  for (auto use = uses.rbegin(); use != uses.rend(); ++use) {
    if (isWrite || use->isWrite)
      producers.push_back(use->slot);
    if (use->isWrite)
      return;
  }
}

void DependenceTracker::add(Slot slot, const program::Instruction &instruction,
                            const std::vector<std::int64_t> &addresses,
                            std::vector<Slot> &producers) {
  for (const arch::RegisterId id : instruction.reads)
    collectUses(registers_[id], false, producers);
  for (const arch::RegisterId id : instruction.writes)
    collectUses(registers_[id], true, producers);

  const auto collect = [&producers](const std::vector<Access> &accesses, std::int64_t low,
                                    std::int64_t high) {
    for (const Access &access : accesses)
      if (low < access.high && access.low < high)
        producers.push_back(access.slot);
  };
  for (std::size_t i = 0; i < instruction.memory.size(); ++i) {
    const program::MemoryOperand &operand = instruction.memory[i];
    const Space &space = spaces_[operand.memory];
    collect(space.writes, addresses[i], addresses[i] + operand.bytes);
    if (operand.isWrite)
      collect(space.reads, addresses[i], addresses[i] + operand.bytes);
  }

  // Held only now: an instruction does not depend on itself.
  for (const arch::RegisterId id : instruction.reads)
    registers_[id].push_back({slot, false});
  for (const arch::RegisterId id : instruction.writes)
    registers_[id].push_back({slot, true});
  for (std::size_t i = 0; i < instruction.memory.size(); ++i) {
    const program::MemoryOperand &operand = instruction.memory[i];
    Space &space = spaces_[operand.memory];
    (operand.isWrite ? space.writes : space.reads)
        .push_back({slot, addresses[i], addresses[i] + operand.bytes});
  }
}

void DependenceTracker::remove(Slot slot, const program::Instruction &instruction) {
  for (const arch::RegisterId id : instruction.reads)
    removeSlot(registers_[id], slot);
  for (const arch::RegisterId id : instruction.writes)
    removeSlot(registers_[id], slot);
  for (const program::MemoryOperand &operand : instruction.memory) {
    Space &space = spaces_[operand.memory];
    removeSlot(operand.isWrite ? space.writes : space.reads, slot);
  }
}

} // namespace acadlc::simulate
