#include "backend/analysis/Resources.h"

#include "backend/timing/Machine.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <functional>
#include <map>

namespace acadlc::analysis {

namespace {

using arch::ObjectClass;
using arch::ObjectId;

/// What \p object with \p counts would be a limit of.
std::optional<BoundKind> limitKind(const arch::ArchitectureGraph &graph, ObjectId id,
                                   const ObjectCounts &counts) {
  switch (graph.objects[id].objectClass) {
  case ObjectClass::FunctionalUnit:
    // What accesses storages and computes nothing moves data.
    return counts.operations == 0 && counts.operands != 0 ? BoundKind::Memory : BoundKind::Compute;
  case ObjectClass::PipelineStage:
  case ObjectClass::ExecuteStage:
    return BoundKind::Stage;
  case ObjectClass::MemoryAccessUnit:
  case ObjectClass::SRAM:
  case ObjectClass::DRAM:
  case ObjectClass::SetAssociativeCache:
  case ObjectClass::Channel:
    return BoundKind::Memory;
  case ObjectClass::InstructionFetchStage:
  case ObjectClass::InstructionMemoryAccessUnit:
    return BoundKind::Fetch;
  case ObjectClass::RegisterFile:
  case ObjectClass::Queue:
  case ObjectClass::ReservationStation:
    return std::nullopt;
  }
  return std::nullopt;
}

[[nodiscard]] bool addTo(std::int64_t &sum, std::int64_t value) {
  const auto result = checkedAdd(sum, value);
  sum = result.value_or(sum);
  return result.has_value();
}

[[nodiscard]] bool addTo(ObjectCounts &sum, const ObjectCounts &more) {
  sum.isWorkLeast |= more.isWorkLeast;
  sum.statedBytesPerCycle = std::max(sum.statedBytesPerCycle, more.statedBytesPerCycle);
  return addTo(sum.uses, more.uses) && addTo(sum.work, more.work) &&
         addTo(sum.emitted, more.emitted) && addTo(sum.operations, more.operations) &&
         addTo(sum.macCycles, more.macCycles) && addTo(sum.words, more.words) &&
         addTo(sum.bytesRequested, more.bytesRequested) &&
         addTo(sum.bytesUnserved, more.bytesUnserved) && addTo(sum.operands, more.operands) &&
         addTo(sum.reads, more.reads) && addTo(sum.writes, more.writes) &&
         addTo(sum.bytesRead, more.bytesRead) && addTo(sum.bytesWritten, more.bytesWritten);
}

/// Least cycles in which \p object does the work of \p counts.
std::int64_t leastCycles(const arch::Object &object, const ObjectCounts &counts) {
  const std::int64_t atOnce = arch::isStorage(object.objectClass)
                                  ? std::max<std::int64_t>(object.slots(), 1)
                                  : largestStep(object);
  return std::max(*checkedCeilDiv(counts.work, atOnce), counts.emitted);
}

/// The storage that instructions are fetched from; noObject if there is none.
ObjectId instructionStorage(const arch::ArchitectureGraph &graph) {
  const auto fetch = timing::fetchPath(graph);
  return fetch ? fetch->storage : arch::noObject;
}

bool isCounted(const ObjectCounts &counts) { return counts.uses != 0 || counts.work != 0; }

/// By object: whether it has a part, be it that a cache which has one asks it.
std::vector<bool> objectsWithPart(const arch::ArchitectureGraph &graph,
                                  std::span<const ObjectCounts> counts) {
  std::vector<bool> hasPart(graph.objects.size());
  for (ObjectId id = 0; id < graph.objects.size(); ++id)
    if (isCounted(counts[id]))
      for (ObjectId below = id; below != arch::noObject && !hasPart[below];
           below = graph.objects[below].lower)
        hasPart[below] = true;
  return hasPart;
}

/// By object: whether a cache that has a part asks it.
std::vector<bool> objectsBelowCaches(const arch::ArchitectureGraph &graph,
                                     const std::vector<bool> &hasPart) {
  std::vector<bool> isBelow(graph.objects.size());
  for (ObjectId id = 0; id < graph.objects.size(); ++id)
    if (hasPart[id] && graph.objects[id].lower != arch::noObject)
      isBelow[graph.objects[id].lower] = true;
  return isBelow;
}

} // namespace

std::optional<std::vector<Resource>> groupResources(const arch::ArchitectureGraph &graph,
                                                    std::span<const ObjectCounts> counts) {
  std::vector<Resource> resources;
  std::map<std::string, std::size_t, std::less<>> places;
  const ObjectId instructions = instructionStorage(graph);
  const std::vector<bool> hasPart = objectsWithPart(graph, counts);
  const std::vector<bool> isBelowCaches = objectsBelowCaches(graph, hasPart);
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    const arch::Object &object = graph.objects[id];
    const std::string name = withoutIndices(object.name);
    const auto [place, isNew] = places.try_emplace(name, resources.size());
    if (isNew)
      resources.emplace_back();
    Resource &resource = resources[place->second];
    resource.object = name;
    resource.objectClass = object.objectClass;
    ++resource.objects;
    resource.used += hasPart[id] ? 1 : 0;
    resource.isBelowCaches = resource.isBelowCaches || isBelowCaches[id];
    if (isCounted(counts[id]) && !resource.kind)
      resource.kind = id == instructions ? BoundKind::Fetch : limitKind(graph, id, counts[id]);
    if (!addTo(resource.sum, counts[id]))
      return std::nullopt;
    resource.leastCycles = std::max(resource.leastCycles, leastCycles(object, counts[id]));
    resource.macCycles = std::max(resource.macCycles, counts[id].macCycles);
  }
  return resources;
}

bool addCounts(std::vector<ObjectCounts> &sum, std::span<const ObjectCounts> more) {
  sum.resize(std::max(sum.size(), more.size()));
  bool fits = true;
  for (std::size_t id = 0; id < more.size(); ++id)
    fits = addTo(sum[id], more[id]) && fits;
  return fits;
}

namespace {

/// What \p resource alone would take; nothing if it is no limit.
std::optional<SoleLimit> limitOf(const Resource &resource) {
  if (!resource.kind)
    return std::nullopt;
  const SoleLimit limit{*resource.kind, resource.object,
                        std::max(resource.leastCycles, resource.macCycles),
                        resource.sum.isWorkLeast};
  return limit.cycles == 0 ? std::nullopt : std::optional(limit);
}

} // namespace

std::vector<SoleLimit> soleLimits(std::span<const Resource> resources) {
  std::vector<SoleLimit> limits;
  std::map<BoundKind, SoleLimit> largest;             // of what has no row of its own
  SoleLimit others{BoundKind::Compute, "", 0, false}; // units that state no operations
  for (const Resource &resource : resources) {
    const auto limit = limitOf(resource);
    if (!limit)
      continue;
    if (limit->kind == BoundKind::Memory && arch::isStorage(resource.objectClass)) {
      limits.push_back(*limit);
      continue;
    }
    const bool isOther = limit->kind == BoundKind::Compute && resource.sum.operations == 0;
    SoleLimit &most = isOther ? others : largest[limit->kind];
    if (limit->cycles > most.cycles)
      most = *limit;
  }
  // What multiplies has its row even if a unit that only moves something has more to do.
  const auto compute = largest.find(BoundKind::Compute);
  if (others.cycles > (compute == largest.end() ? 0 : compute->second.cycles))
    limits.push_back(others);
  for (const auto &[kind, limit] : largest)
    limits.push_back(limit);
  std::ranges::stable_sort(limits, std::ranges::greater{}, &SoleLimit::cycles);
  return limits;
}

} // namespace acadlc::analysis
