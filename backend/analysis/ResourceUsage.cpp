#include "backend/analysis/ResourceUsage.h"

#include "backend/timing/Machine.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace acadlc::analysis {

namespace {

[[nodiscard]] bool addTo(std::int64_t &sum, std::int64_t value) {
  const auto result = checkedAdd(sum, value);
  sum = result.value_or(sum);
  return result.has_value();
}

/// All but the places.
[[nodiscard]] bool addCycles(timing::ObjectUsage &sum, const timing::ObjectUsage &more) {
  return addTo(sum.taken, more.taken) && addTo(sum.operands, more.operands) &&
         addTo(sum.requests, more.requests) && addTo(sum.next, more.next);
}

[[nodiscard]] bool addLower(timing::LowerTraffic &sum, const timing::LowerTraffic &more) {
  return addTo(sum.reads, more.reads) && addTo(sum.writes, more.writes) &&
         addTo(sum.bytesRead, more.bytesRead) && addTo(sum.bytesWritten, more.bytesWritten);
}

} // namespace

bool addUsage(timing::Usage &sum, const timing::Usage &more) {
  if (sum.objects.empty()) {
    sum = more;
    return true;
  }
  bool fits = addTo(sum.buffered, more.buffered);
  for (std::size_t id = 0; id != sum.objects.size(); ++id)
    fits = addCycles(sum.objects[id], more.objects[id]) && fits;
  for (std::size_t id = 0; id != sum.lower.size(); ++id)
    fits = addLower(sum.lower[id], more.lower[id]) && fits;
  return fits;
}

void assignUsage(std::span<Resource> resources, const arch::ArchitectureGraph &graph,
                 const timing::Usage &usage) {
  std::map<std::string, Resource *, std::less<>> byName;
  for (Resource &resource : resources)
    byName.emplace(resource.object, &resource);
  std::set<const Resource *> tooLarge;
  for (arch::ObjectId id = 0; id != graph.objects.size(); ++id) {
    const timing::ObjectUsage &object = usage.objects[id];
    if (object.places == 0)
      continue;
    Resource &resource = *byName.at(withoutIndices(graph.objects[id].name));
    timing::ObjectUsage sum = resource.usage.value_or(timing::ObjectUsage{});
    if (!addTo(sum.places, object.places) || !addCycles(sum, object))
      tooLarge.insert(&resource);
    resource.usage = sum;
    if (resource.isBelowCaches) {
      timing::LowerTraffic lower = resource.lower.value_or(timing::LowerTraffic{});
      if (!addLower(lower, usage.lower[id]))
        tooLarge.insert(&resource);
      resource.lower = lower;
    }
    resource.mostBusy = std::max(resource.mostBusy, static_cast<double>(object.busy()) /
                                                        static_cast<double>(object.places));
    if (graph.objects[id].objectClass == arch::ObjectClass::InstructionFetchStage)
      resource.buffered = usage.buffered;
  }
  for (Resource &resource : resources)
    if (tooLarge.contains(&resource)) {
      resource.usage.reset();
      resource.lower.reset();
    }
}

} // namespace acadlc::analysis
