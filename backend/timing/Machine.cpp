#include "backend/timing/Machine.h"

#include "support/InternalError.h"

#include <algorithm>
#include <utility>

namespace acadlc::timing {

using arch::ArchitectureGraph;
using arch::ObjectClass;
using arch::ObjectId;

std::optional<FetchPath> fetchPath(const ArchitectureGraph &graph) {
  FetchPath path;
  path.stage = graph.fetchStage();
  if (path.stage == arch::noObject)
    return std::nullopt;
  for (const ObjectId unit : graph.contains[path.stage]) {
    if (graph.objects[unit].objectClass != ObjectClass::InstructionMemoryAccessUnit)
      continue;
    if (path.unit != arch::noObject)
      return std::nullopt;
    path.unit = unit;
  }
  if (path.unit == arch::noObject)
    return std::nullopt;
  for (const ObjectId source : graph.readsFrom[path.unit]) {
    if (!arch::isStorage(graph.objects[source].objectClass))
      continue;
    if (path.storage != arch::noObject)
      return std::nullopt;
    path.storage = source;
  }
  if (path.storage == arch::noObject)
    return std::nullopt;

  path.width = graph.objects[path.storage].portWidth;
  path.bufferSize = graph.objects[path.stage].issueBufferSize;
  path.unitLatency = graph.objects[path.unit].latency;
  path.serviceTime = graph.objects[path.storage].readLatency;
  path.stageLatency = graph.objects[path.stage].latency;
  return path;
}

RouteTable::RouteTable(const ArchitectureGraph &graph, const program::Program &program)
    : predecessors_(graph.objects.size()), passed_(graph.objects.size()) {
  // Sorted, for a fetch stage may have thousands of successors.
  std::vector<std::pair<ObjectId, ObjectId>> forward, contains;
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    for (const ObjectId next : graph.forwardTo[id]) {
      ++predecessors_[next];
      forward.emplace_back(id, next);
    }
    for (const ObjectId unit : graph.contains[id]) {
      ++predecessors_[unit];
      contains.emplace_back(id, unit);
    }
  }
  std::ranges::sort(forward);
  std::ranges::sort(contains);
  const ObjectId fetchStage = graph.fetchStage(); // looks through all objects
  objects_.reserve(program.routes.size());
  for (const program::Route &route : program.routes) {
    std::vector<ObjectId> &objects = objects_.emplace_back();
    objects.reserve(route.stages.size() + 1);
    objects = route.stages;
    ACADLC_CHECK(route.unit < graph.objects.size(), "a route ends in a unit");
    objects.push_back(route.unit);
    ObjectId previous = route.origin == arch::noObject ? fetchStage : route.origin;
    for (const ObjectId id : objects) {
      ACADLC_CHECK(id < graph.objects.size(), "a route passes objects of its graph");
      ACADLC_CHECK(std::ranges::binary_search(id == route.unit ? contains : forward,
                                              std::pair(previous, id)),
                   "a route follows FORWARD and CONTAINS edges");
      passed_[id] = true;
      previous = id;
    }
  }
}

bool usesOccupations(const ArchitectureGraph &graph, const program::Program &program) {
  const auto isQueue = [&](ObjectId id) {
    return arch::isExtension(graph.objects[id].objectClass);
  };
  return std::ranges::any_of(program.routes,
                             [&](const program::Route &route) {
                               return std::ranges::any_of(route.stages, isQueue);
                             }) ||
         std::ranges::any_of(program.instructions, [](const program::Instruction &instruction) {
           return !instruction.phases.empty();
         });
}

std::int64_t occupation(const arch::Object &unit, const program::Instruction &instruction) {
  const bool pipelined =
      unit.objectClass == ObjectClass::FunctionalUnit && unit.initiationInterval > 0;
  return pipelined ? std::min(unit.initiationInterval, instruction.latency) : instruction.latency;
}

} // namespace acadlc::timing
