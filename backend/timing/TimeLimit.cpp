#include "backend/timing/TimeLimit.h"

#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <span>

namespace acadlc::timing {

namespace {

bool isTooLong(std::int64_t cycles) { return cycles > longestLatency; }

bool isTooLong(const arch::Object &object) {
  return isTooLong(std::max({object.latency, object.readLatency, object.writeLatency}));
}

/// Requests to storages with state take as long as these say when they are served.
bool isTooLong(const program::MemoryOperand &request, const arch::ArchitectureGraph &graph) {
  if (request.storage == arch::noObject)
    return false;
  const arch::Object &storage = graph.objects[request.storage];
  if (storage.objectClass != arch::ObjectClass::SRAM)
    return false;
  const auto cycles = checkedMul(transactions(storage, request.bytes),
                                 request.isWrite ? storage.writeLatency : storage.readLatency);
  return !cycles || isTooLong(*cycles);
}

} // namespace

bool exceedsLongestLatency(const arch::ArchitectureGraph &graph, const program::Program &program) {
  const auto isInstructionTooLong = [&](const program::Instruction &instruction) {
    const auto requests = std::span(instruction.memory).first(instruction.requestCount());
    return isTooLong(instruction.latency) ||
           std::ranges::any_of(instruction.phases,
                               [](const program::Phase &one) { return isTooLong(one.cycles); }) ||
           std::ranges::any_of(requests, [&](const program::MemoryOperand &request) {
             return isTooLong(request, graph);
           });
  };
  return std::ranges::any_of(graph.objects,
                             [](const arch::Object &object) { return isTooLong(object); }) ||
         std::ranges::any_of(program.instructions, isInstructionTooLong);
}

} // namespace acadlc::timing
