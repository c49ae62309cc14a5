#include "backend/timing/Usage.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>

namespace acadlc::timing {

namespace {

using arch::ObjectClass;

/// How many can take \p object at once; nothing beyond the 64-bit range.
std::optional<std::int64_t> placesOf(const arch::Object &object) {
  switch (object.objectClass) {
  case ObjectClass::RegisterFile:
    return 0;
  case ObjectClass::SRAM:
  case ObjectClass::DRAM:
  case ObjectClass::SetAssociativeCache:
    return object.slots();
  case ObjectClass::Queue:
  case ObjectClass::ReservationStation: {
    std::optional<std::int64_t> entries = object.queue.capacity;
    if (!object.queue.classCapacities.empty())
      entries = 0;
    for (const arch::ClassCapacity &capacity : object.queue.classCapacities)
      entries = entries ? checkedAdd(*entries, capacity.entries) : entries;
    return entries;
  }
  default:
    return 1;
  }
}

} // namespace

std::optional<Usage> emptyUsage(const arch::ArchitectureGraph &graph, std::int64_t cycles) {
  Usage usage;
  usage.objects.resize(graph.objects.size());
  usage.lower.resize(graph.objects.size());
  for (arch::ObjectId id = 0; id != graph.objects.size(); ++id) {
    const std::optional<std::int64_t> places = placesOf(graph.objects[id]);
    if (!places || !checkedMul(*places, cycles))
      return std::nullopt;
    usage.objects[id].places = *places;
  }
  return usage;
}

} // namespace acadlc::timing
