#include "backend/aidg/bounds/ServiceBounds.h"

#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <span>

namespace acadlc::aidg {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

// Cycles and sizes are never negative here, so overflow is always upwards.
constexpr std::int64_t endless = timing::StorageModel::overflow;
std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(endless); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return checkedMul(a, b).value_or(endless); }
std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

std::int64_t accessLatency(const Object &storage, bool isWrite) {
  return isWrite ? storage.writeLatency : storage.readLatency;
}

} // namespace

Alignment Alignment::of(const program::MemoryOperand &operand, std::int64_t size) {
  if (operand.address.hasRest || operand.base)
    return {0, 1};
  std::int64_t step = size;
  for (const program::Address::Term &term : operand.address.terms)
    step = std::gcd(step, term.coefficient);
  return {checkedFloorMod(operand.address.constant, step).value_or(0), step};
}

std::int64_t Alignment::mostTouched(std::int64_t bytes, std::int64_t size) const {
  return ceilDiv(add(size - step + offset, bytes), size);
}

ServiceTimes::ServiceTimes(const arch::ArchitectureGraph &graph, const program::Program &program)
    : graph_(&graph) {
  findDramUses(program);
}

ServiceBounds ServiceTimes::of(const program::MemoryOperand &operand) const {
  return at(operand.storage, {operand.bytes, operand.bytes}, operand.isWrite, &operand);
}

ServiceBounds ServiceTimes::at(ObjectId storage, Size size, bool isWrite,
                               const program::MemoryOperand *operand) const {
  const Object &object = graph_->objects[storage];
  switch (object.objectClass) {
  case ObjectClass::DRAM:
    return ofDram(storage, size, isWrite, operand);
  case ObjectClass::SetAssociativeCache:
    return ofCache(storage, size, isWrite, operand);
  default: {
    const std::int64_t latency = accessLatency(object, isWrite);
    return {multiply(timing::transactions(object, size.least), latency),
            multiply(timing::transactions(object, size.most), latency)};
  }
  }
}

//===--- DRAM ---------------------------------------------------------------------------------===//

std::int64_t ServiceTimes::aloneAtDram(const Object &dram, std::int64_t bytes, bool isWrite,
                                       Alignment alignment, std::int64_t rowWait) {
  const std::int64_t count = timing::transactions(dram, bytes);
  // Bytes from the begin of the first transaction to that of the last.
  const std::int64_t span = multiply(count - 1, multiply(dram.portWidth, dram.dataWidth)) / 8;
  const std::int64_t rows = std::min(count, alignment.mostTouched(add(span, 1), dram.rowSize));
  const std::int64_t rowMiss = add(rowWait, add(dram.tRP, dram.tRCD));
  return add(multiply(count, accessLatency(dram, isWrite)), multiply(rows, rowMiss));
}

ServiceBounds ServiceTimes::ofDram(ObjectId id, Size size, bool isWrite,
                                   const program::MemoryOperand *operand) const {
  const Object &dram = graph_->objects[id];
  const Alignment alignment =
      operand != nullptr ? Alignment::of(*operand, dram.rowSize) : Alignment{};
  const DramUse &use = dramUses_.at(id);
  return {multiply(timing::transactions(dram, size.least), accessLatency(dram, isWrite)),
          add(aloneAtDram(dram, size.most, isWrite, alignment, use.rowWait), use.backlog)};
}

/// A request changes the rows when it is granted, up to its own end: a later one that is granted
/// before that finds activations that lie ahead. Let E be the latest end of those under way. A
/// request granted at t ends at most its time alone behind max(t, E), and what is over by t ended
/// by t; so E is at most the sum of the times alone of those under way behind t. Each unit has at
/// most one request under way, and the storage one in each slot.
///
/// If only one request is under way at a time, an activation is followed by at least one access to
/// its row before the next: so much of t_RAS has passed.
void ServiceTimes::findDramUses(const program::Program &program) {
  for (ObjectId id = 0; id != graph_->objects.size(); ++id)
    if (graph_->objects[id].objectClass == ObjectClass::DRAM)
      dramUses_[id].rowWait = graph_->objects[id].tRAS;
  std::map<ObjectId, std::set<ObjectId>> units;
  for (const program::Instruction &instruction : program.instructions)
    for (const program::MemoryOperand &operand :
         std::span(instruction.memory).first(instruction.requestCount())) {
      std::int64_t bytes = operand.bytes;
      ObjectId id = operand.storage;
      for (; graph_->objects[id].objectClass == ObjectClass::SetAssociativeCache &&
             graph_->objects[id].lower != arch::noObject;
           id = graph_->objects[id].lower)
        bytes = std::max(bytes, graph_->objects[id].lineSize);
      const Object &dram = graph_->objects[id];
      if (dram.objectClass != ObjectClass::DRAM)
        continue;
      units[id].insert(program.routes[instruction.route].unit);
      for (const bool isWrite : {false, true})
        dramUses_[id].backlog =
            std::max(dramUses_[id].backlog, aloneAtDram(dram, bytes, isWrite, {}, dram.tRAS));
    }
  for (const auto &[id, users] : units) {
    const Object &dram = graph_->objects[id];
    const std::int64_t others = std::min(static_cast<std::int64_t>(users.size()), dram.slots()) - 1;
    dramUses_[id].backlog = multiply(others, dramUses_[id].backlog);
    if (others == 0)
      dramUses_[id].rowWait = std::max<std::int64_t>(
          0, dram.tRAS - dram.tRCD - std::min(dram.readLatency, dram.writeLatency));
  }
}

//===--- Caches -------------------------------------------------------------------------------===//

ServiceBounds ServiceTimes::below(const Object &cache, Size size, bool isWrite) const {
  return cache.lower == arch::noObject ? ServiceBounds{} : at(cache.lower, size, isWrite, nullptr);
}

ServiceBounds ServiceTimes::ofCache(ObjectId id, Size size, bool isWrite,
                                    const program::MemoryOperand *operand) const {
  const Object &cache = graph_->objects[id];
  const Alignment alignment =
      operand != nullptr ? Alignment::of(*operand, cache.lineSize) : Alignment{};
  const std::int64_t least = std::max<std::int64_t>(size.least, 1);
  const std::int64_t most = std::max<std::int64_t>(size.most, 1);
  const ServiceBounds line = ofLine(cache, std::min(most, cache.lineSize), isWrite);
  return {multiply(ceilDiv(least, cache.lineSize), line.least),
          multiply(alignment.mostTouched(most, cache.lineSize), line.most)};
}

std::int64_t ServiceTimes::mostIfHits(const program::MemoryOperand &operand) const {
  const Object &cache = graph_->objects[operand.storage];
  const std::int64_t bytes = std::max<std::int64_t>(operand.bytes, 1);
  const std::int64_t through = operand.isWrite && !cache.writeBack
                                   ? below(cache, {1, std::min(bytes, cache.lineSize)}, true).most
                                   : 0;
  return multiply(Alignment::of(operand, cache.lineSize).mostTouched(bytes, cache.lineSize),
                  add(cache.hitLatency, through));
}

std::int64_t ServiceTimes::mostOfFill(ObjectId id) const {
  const Object &cache = graph_->objects[id];
  const std::int64_t miss =
      add(cache.missLatency, below(cache, {cache.lineSize, cache.lineSize}, false).most);
  return std::max<std::int64_t>(miss - cache.hitLatency, 0);
}

/// \p bytes, at most, in one line: the cases of StorageModel::accessLine.
ServiceBounds ServiceTimes::ofLine(const Object &cache, std::int64_t bytes, bool isWrite) const {
  const ServiceBounds written = isWrite ? below(cache, {1, bytes}, true) : ServiceBounds{};
  const ServiceBounds through = cache.writeBack ? ServiceBounds{} : written;
  ServiceBounds behindMiss = written;
  if (!isWrite || cache.writeAllocate) {
    const Size line{cache.lineSize, cache.lineSize};
    const ServiceBounds fill = below(cache, line, false);
    behindMiss = {add(fill.least, through.least), add(fill.most, through.most)};
    if (cache.writeBack) // the victim may be dirty
      behindMiss.most = add(behindMiss.most, below(cache, line, true).most);
  }
  return {std::min(add(cache.hitLatency, through.least), add(cache.missLatency, behindMiss.least)),
          std::max(add(cache.hitLatency, through.most), add(cache.missLatency, behindMiss.most))};
}

} // namespace acadlc::aidg
