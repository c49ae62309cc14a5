#include "backend/analysis/DataDependences.h"

#include <algorithm>
#include <iterator>

namespace acadlc::analysis {

std::vector<std::size_t> DataDependences::add(const program::Program &program,
                                              const program::Instance &instance) {
  const program::Instruction &instruction = *instance.instruction;
  const std::size_t number = count_++;
  std::vector<std::size_t> writers;
  for (const arch::RegisterId reg : instruction.reads)
    if (const auto writer = registers_.find(reg); writer != registers_.end())
      writers.push_back(writer->second);
  const auto forEachRange = [&](bool isWrite, const auto &visit) {
    for (const program::MemoryOperand &operand : instruction.memory) {
      if (operand.isWrite != isWrite || operand.base || operand.bytes <= 0)
        continue;
      const std::int64_t low = program.evaluate(operand.address, instance.loopValues);
      visit(memories_[operand.memory], low, low + operand.bytes);
    }
  };
  forEachRange(false, [&](const Bytes &bytes, std::int64_t low, std::int64_t high) {
    read(bytes, low, high, writers);
  });
  for (const arch::RegisterId reg : instruction.writes)
    registers_[reg] = number;
  forEachRange(true, [&](Bytes &bytes, std::int64_t low, std::int64_t high) {
    write(bytes, low, high, number);
  });
  std::ranges::sort(writers);
  const auto repeated = std::ranges::unique(writers);
  writers.erase(repeated.begin(), repeated.end());
  return writers;
}

void DataDependences::read(const Bytes &bytes, std::int64_t low, std::int64_t high,
                           std::vector<std::size_t> &writers) {
  auto at = bytes.upper_bound(low);
  if (at != bytes.begin() && std::prev(at)->second.end > low)
    --at;
  for (; at != bytes.end() && at->first < high; ++at)
    writers.push_back(at->second.writer);
}

/// What the range overlaps of older writes keeps what lies before and behind it.
void DataDependences::write(Bytes &bytes, std::int64_t low, std::int64_t high, std::size_t writer) {
  auto at = bytes.upper_bound(low);
  if (at != bytes.begin() && std::prev(at)->second.end > low)
    --at;
  while (at != bytes.end() && at->first < high) {
    const std::int64_t begin = at->first;
    const Write old = at->second;
    at = bytes.erase(at);
    if (begin < low)
      bytes[begin] = {low, old.writer};
    if (old.end > high)
      bytes[high] = old;
  }
  bytes[low] = {high, writer};
}

} // namespace acadlc::analysis
