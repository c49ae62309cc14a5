#include "backend/mapping/Storage.h"

#include "support/CheckedArithmetic.h"

namespace acadlc::mapping {

bool layOut(Allocation &allocation) {
  std::optional<std::int64_t> stride = allocation.elementBytes;
  for (std::size_t i = allocation.dimensions.size(); i-- > 0;) {
    auto &dimension = allocation.dimensions[i];
    dimension.stride = *stride;
    auto stored = checkedAdd(dimension.extent, dimension.before);
    stored = stored ? checkedAdd(*stored, dimension.after) : std::nullopt;
    stride = stored ? checkedMul(*stride, *stored) : std::nullopt;
    if (!stride)
      return false;
  }
  allocation.bytes = *stride;
  return true;
}

bool StorageAllocator::place(Allocation &allocation, std::optional<std::int64_t> address,
                             SourceRange at) {
  const arch::Object &memory = graph_.objects[allocation.memory];
  const std::int64_t word = memory.dataWidth > 8 ? (memory.dataWidth + 7) / 8 : 1;
  const auto fits = [&](const arch::AddressRange &range, std::int64_t base) {
    const auto end = checkedAdd(base, allocation.bytes);
    return base >= range.low && end && *end <= range.high;
  };
  std::int64_t room = 0;
  for (const arch::AddressRange &range : memory.addressRanges) {
    std::int64_t base = range.low;
    if (address) {
      base = *address;
    } else if (const auto next = next_.find(allocation.memory);
               next != next_.end() && next->second > base) {
      const auto aligned = checkedCeilDiv(next->second, word);
      const auto rounded = aligned ? checkedMul(*aligned, word) : std::nullopt;
      base = rounded.value_or(range.high);
    }
    if (fits(range, base)) {
      allocation.base = base;
      next_[allocation.memory] = base + allocation.bytes;
      return true;
    }
    room = std::max(room, std::max<std::int64_t>(0, range.high - std::max(base, range.low)));
  }
  diagnostics_->report(DiagnosticCode::StorageFull, at, allocation.name, memory.name,
                       allocation.bytes, room, allocation.bytes - room);
  return false;
}

} // namespace acadlc::mapping
