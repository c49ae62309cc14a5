#include "backend/analysis/Timeline.h"

#include <fmt/format.h>

namespace acadlc::analysis {

namespace {

void append(std::string &list, const std::string &text) {
  list += (list.empty() ? "" : ", ") + text;
}

} // namespace

std::string operandsText(const arch::ArchitectureGraph &graph, const program::Program &program,
                         const program::Instance &instance) {
  const program::Instruction &instruction = *instance.instruction;
  std::string writes, reads;
  for (const arch::RegisterId id : instruction.writes)
    append(writes, graph.registerName(id));
  for (const arch::RegisterId id : instruction.reads)
    append(reads, graph.registerName(id));
  for (const program::MemoryOperand &operand : instruction.memory) {
    const std::string name =
        operand.tensor.empty() ? graph.objects[operand.memory].name : operand.tensor;
    const std::string place =
        operand.base
            ? std::string()
            : fmt::format(" at {}", program.evaluate(operand.address, instance.loopValues));
    append(operand.isWrite ? writes : reads,
           fmt::format("{}{} ({} bytes)", name, place, operand.bytes));
  }
  std::string text;
  if (!writes.empty())
    text = "writes " + writes;
  if (!reads.empty())
    append(text, "reads " + reads);
  return text;
}

} // namespace acadlc::analysis
