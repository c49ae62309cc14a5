#include "backend/timing/StorageModel.h"

#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::timing {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

// Times and sizes here are never negative, so overflow is always upwards.
std::int64_t add(std::int64_t a, std::int64_t b) {
  return checkedAdd(a, b).value_or(StorageModel::overflow);
}
std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return checkedMul(a, b).value_or(StorageModel::overflow);
}
std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }
std::int64_t floorDiv(std::int64_t a, std::int64_t b) {
  return checkedFloorDiv(a, b).value_or(StorageModel::overflow);
}
std::int64_t floorMod(std::int64_t a, std::int64_t b) { return checkedFloorMod(a, b).value_or(0); }

std::int64_t accessLatency(const Object &storage, bool isWrite) {
  return isWrite ? storage.writeLatency : storage.readLatency;
}

} // namespace

std::int64_t transactions(const Object &storage, std::int64_t bytes) {
  const std::int64_t bits = multiply(8, std::max<std::int64_t>(bytes, 0));
  if (bits == StorageModel::overflow)
    return StorageModel::overflow;
  const std::int64_t words = ceilDiv(bits, storage.dataWidth);
  return std::max<std::int64_t>(ceilDiv(words, storage.portWidth), 1);
}

StorageModel::StorageModel(const arch::ArchitectureGraph &graph)
    : graph_(&graph), states_(graph.objects.size()) {
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    const Object &object = graph.objects[id];
    if (object.objectClass == ObjectClass::SetAssociativeCache)
      states_[id].sets.resize(static_cast<std::size_t>(object.sets));
    else if (object.objectClass == ObjectClass::DRAM)
      states_[id].banks.resize(static_cast<std::size_t>(object.banks));
  }
}

bool StorageModel::hasState(ObjectId storage) const {
  return graph_->objects[storage].objectClass != ObjectClass::SRAM;
}

std::int64_t StorageModel::serve(ObjectId id, const Request &request, std::int64_t time) {
  lower_.clear();
  return serveAt(id, request, time);
}

std::int64_t StorageModel::serveAt(ObjectId id, const Request &request, std::int64_t time) {
  const Object &object = graph_->objects[id];
  switch (object.objectClass) {
  case ObjectClass::SRAM:
    return multiply(transactions(object, request.bytes), accessLatency(object, request.isWrite));
  case ObjectClass::DRAM:
    return serveDram(id, request, time);
  case ObjectClass::SetAssociativeCache:
    return serveCache(id, request, time);
  default:
    ACADLC_CHECK(false, "a request goes to a storage");
    return 0;
  }
}

std::int64_t StorageModel::serveDram(ObjectId id, const Request &request, std::int64_t start) {
  const Object &dram = graph_->objects[id];
  const std::int64_t latency = accessLatency(dram, request.isWrite);
  const std::int64_t bits = multiply(dram.portWidth, dram.dataWidth);
  std::int64_t remaining = transactions(dram, request.bytes);
  std::int64_t time = start;
  // Bits into the request at which the next transaction begins.
  std::int64_t offset = 0;
  while (remaining > 0) {
    const std::int64_t address = add(request.address, offset / 8);
    const std::int64_t frame = floorDiv(address, dram.rowSize);
    const std::int64_t row = floorDiv(frame, dram.banks);
    Bank &bank = states_[id].banks[static_cast<std::size_t>(floorMod(frame, dram.banks))];
    if (!bank.open) {
      bank = {true, row, time};
      time = add(time, dram.tRCD);
    } else if (bank.row != row) {
      const std::int64_t precharge = std::max(time, add(bank.activated, dram.tRAS));
      bank = {true, row, add(precharge, dram.tRP)};
      time = add(bank.activated, dram.tRCD);
    }
    // All transactions that begin in this row: the row is open for them.
    const std::int64_t rowEnd = multiply(frame + 1, dram.rowSize);
    const std::int64_t bitsToRowEnd =
        multiply(8, rowEnd - request.address) - offset; // ≥ 1: address lies in the row
    const std::int64_t inRow = std::min(remaining, ceilDiv(bitsToRowEnd, bits));
    time = add(time, multiply(inRow, latency));
    offset = add(offset, multiply(inRow, bits));
    remaining -= inRow;
    if (time == overflow)
      return overflow;
  }
  return time - start;
}

std::int64_t StorageModel::serveCache(ObjectId id, const Request &request, std::int64_t start) {
  const Object &cache = graph_->objects[id];
  const std::int64_t end = add(request.address, std::max<std::int64_t>(request.bytes, 1));
  std::int64_t time = start;
  for (std::int64_t low = request.address; low < end && time != overflow;) {
    const std::int64_t lineEnd = multiply(floorDiv(low, cache.lineSize) + 1, cache.lineSize);
    const std::int64_t high = std::min(end, lineEnd);
    time = add(time, accessLine(id, {low, high - low, request.isWrite}, time));
    low = high;
  }
  return time == overflow ? overflow : time - start;
}

std::int64_t StorageModel::accessLine(ObjectId id, const Request &part, std::int64_t start) {
  const Object &cache = graph_->objects[id];
  const std::int64_t tag = floorDiv(part.address, cache.lineSize);
  CacheSet &set = states_[id].sets[static_cast<std::size_t>(floorMod(tag, cache.sets))];
  auto line = std::find_if(set.begin(), set.end(),
                           [tag](const CacheLine &other) { return other.tag == tag; });
  const bool hit = line != set.end();
  std::int64_t cycles = hit ? cache.hitLatency : cache.missLatency;
  const bool allocates = !part.isWrite || cache.writeAllocate;
  if (!hit && allocates)
    cycles = add(cycles, fill(id, set, tag, add(start, cycles)));
  else if (hit && cache.replacement == arch::ReplacementPolicy::LRU)
    std::rotate(line, line + 1, set.end());

  if (!part.isWrite)
    return cycles;
  const bool inCache = hit || allocates;
  if (inCache && cache.writeBack) {
    std::find_if(set.begin(), set.end(), [tag](const CacheLine &other) {
      return other.tag == tag;
    })->dirty = true;
    return cycles;
  }
  return add(cycles, serveBelow(id, part, add(start, cycles)));
}

std::int64_t StorageModel::fill(ObjectId id, CacheSet &set, std::int64_t tag, std::int64_t start) {
  const Object &cache = graph_->objects[id];
  std::int64_t cycles = 0;
  if (set.size() == static_cast<std::size_t>(cache.ways)) {
    const CacheLine victim = set.front();
    set.erase(set.begin());
    if (victim.dirty)
      cycles = serveBelow(id, {multiply(victim.tag, cache.lineSize), cache.lineSize, true}, start);
  }
  set.push_back({tag, false});
  const Request line{multiply(tag, cache.lineSize), cache.lineSize, false};
  return add(cycles, serveBelow(id, line, add(start, cycles)));
}

std::int64_t StorageModel::serveBelow(ObjectId cache, const Request &request, std::int64_t time) {
  const ObjectId lower = graph_->objects[cache].lower;
  if (lower == arch::noObject)
    return 0;
  if (notesLower_)
    noteLower(lower, request);
  return serveAt(lower, request, time);
}

void StorageModel::noteLower(ObjectId storage, const Request &request) {
  const auto isSame = [&](const LowerRequests &noted) {
    return noted.storage == storage && noted.isWrite == request.isWrite;
  };
  auto noted = std::ranges::find_if(lower_, isSame);
  if (noted == lower_.end())
    noted = lower_.insert(noted, {storage, request.isWrite, 0, 0});
  ++noted->count;
  noted->bytes = add(noted->bytes, request.bytes);
}

} // namespace acadlc::timing
