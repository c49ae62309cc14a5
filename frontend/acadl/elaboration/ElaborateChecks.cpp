#include "frontend/acadl/elaboration/ElaborateChecks.h"

#include "frontend/acadl/elaboration/ElaborateReports.h"

#include <fmt/format.h>
#include <llvm/ADT/SmallVector.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace acadlc {

using arch::EdgeKind;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

class GraphChecker {
public:
  GraphChecker(const arch::ArchitectureGraph &graph, SourceRange at, DiagnosticEngine &diagnostics)
      : graph_(graph), at_(at), diagnostics_(diagnostics) {}

  void run() {
    checkContainers();
    checkSteps();
    checkFetchStages();
    checkCaches();
    if (sortForward())
      checkReachable();
    reports_.flush(diagnostics_);
  }

private:
  void checkContainers();
  void checkSteps();
  void checkStep(const arch::Object &unit);
  void checkFetchStages();
  void checkFetch(ObjectId fetch);
  void checkCaches();
  bool sortForward();
  void reportForwardCycle();
  [[nodiscard]] bool isPool(ObjectId id, const std::vector<bool> &incoming) const;
  void checkReachable();
  [[nodiscard]] const arch::Object &object(ObjectId id) const { return graph_.objects[id]; }

  const arch::ArchitectureGraph &graph_;
  SourceRange at_; ///< the architecture's name
  DiagnosticEngine &diagnostics_;
  GroupedReports reports_;
  std::vector<ObjectId> order_;         ///< topological, along FORWARD edges
  std::vector<std::uint32_t> incoming_; ///< FORWARD edges not yet passed by the sort
};

void GraphChecker::checkContainers() {
  for (const arch::Object &object : graph_.objects)
    if (arch::isUnit(object.objectClass) && object.container == arch::noObject)
      reports_.add(DiagnosticCode::UnitOutsideStage, object.range,

                   fmt::format("{} '{}'", arch::className(object.objectClass), object.name),
                   object.objectClass == ObjectClass::InstructionMemoryAccessUnit
                       ? "an InstructionFetchStage"
                       : "an ExecuteStage");
}

void GraphChecker::checkSteps() {
  for (const arch::Object &object : graph_.objects)
    if (!object.steps.empty() && object.container != arch::noObject)
      checkStep(object);
}

/// A unit that looks ahead takes its instructions out of the queue in front of its stage: there
/// must be one, and nobody else may take instructions out of it.
void GraphChecker::checkStep(const arch::Object &unit) {
  const auto report = [&](const std::string &why) {
    reports_.add(DiagnosticCode::StepsWithoutQueue, unit.range, unit.name, why);
  };
  const ObjectId stage = unit.container;
  if (graph_.contains[stage].size() > 1)
    return report(fmt::format("stage '{}' contains other units", object(stage).name));
  std::vector<ObjectId> sources;
  for (ObjectId source = 0; source < graph_.objects.size(); ++source)
    for (const ObjectId target : graph_.forwardTo[source])
      if (target == stage)
        sources.push_back(source);
  if (sources.size() != 1)
    return report(fmt::format("{} FORWARD edges lead to stage '{}', not one", sources.size(),
                              object(stage).name));
  const arch::Object &source = object(sources.front());
  if (source.objectClass != ObjectClass::Queue &&
      source.objectClass != ObjectClass::ReservationStation)
    return report(fmt::format("'{}' in front of its stage is no queue", source.name));
  if (source.queue.issueOrder != arch::QueueOrder::InOrder)
    return report(fmt::format("queue '{}' does not hand on in order", source.name));
  if (graph_.forwardTo[sources.front()].size() > 1 || !graph_.forwardTo[stage].empty())
    return report(fmt::format("queue '{}' leads past it as well", source.name));
}

void GraphChecker::checkFetchStages() {
  std::vector<ObjectId> stages;
  for (ObjectId id = 0; id < graph_.objects.size(); ++id)
    if (object(id).objectClass == ObjectClass::InstructionFetchStage)
      stages.push_back(id);
  // An architecture without objects is no mistake yet.
  if (stages.size() != 1 && !graph_.objects.empty()) {
    std::vector<DiagnosticNote> notes;
    for (const ObjectId id : stages)
      notes.push_back({object(id).range, "'" + object(id).name + "' is declared here"});
    if (notes.size() > 4)
      notes.resize(4);
    reports_.addWithNotes(DiagnosticCode::FetchStageCount, at_, std::move(notes), graph_.name,
                          stages.size());
  }
  for (const ObjectId id : stages)
    checkFetch(id);
}

void GraphChecker::checkFetch(ObjectId fetch) {
  const arch::Object &stage = object(fetch);
  const std::vector<ObjectId> &units = graph_.contains[fetch];
  if (units.size() != 1) {
    reports_.add(DiagnosticCode::MissingFetchUnit, stage.range, stage.name, units.size());
    return;
  }
  const arch::Object &unit = object(units.front());
  std::vector<ObjectId> memories;
  for (const ObjectId source : graph_.readsFrom[units.front()])
    if (arch::isStorage(object(source).objectClass))
      memories.push_back(source);
  if (memories.size() != 1) {
    reports_.add(DiagnosticCode::InstructionMemoryCount, unit.range, unit.name, memories.size());
    return;
  }
  const arch::Object &memory = object(memories.front());
  if (memory.portWidth > stage.issueBufferSize)
    reports_.addWithNotes(DiagnosticCode::FetchExceedsBuffer, stage.range,
                          {{memory.range, "the instruction memory is declared here"}}, stage.name,
                          stage.issueBufferSize, memory.name, memory.portWidth);
}

void GraphChecker::checkCaches() {
  std::vector<ObjectId> lower(graph_.objects.size(), arch::noObject);
  for (const arch::Edge &edge : graph_.edges) {
    const bool fills = edge.kind == EdgeKind::ReadData &&
                       object(edge.target).objectClass == ObjectClass::SetAssociativeCache;
    const bool drains = edge.kind == EdgeKind::WriteData &&
                        object(edge.source).objectClass == ObjectClass::SetAssociativeCache;
    if (!fills && !drains)
      continue;
    const ObjectId cache = fills ? edge.target : edge.source;
    const ObjectId below = fills ? edge.source : edge.target;
    if (!arch::isStorage(object(below).objectClass))
      continue;
    if (lower[cache] != arch::noObject && lower[cache] != below)
      reports_.addWithNotes(DiagnosticCode::SeveralLowerStorages, object(cache).range,
                            {{object(lower[cache]).range, "one is declared here"},
                             {object(below).range, "another is declared here"}},
                            object(cache).name);
    else
      lower[cache] = below;
  }
  // From every cache downwards at most as many steps as there are objects, each walked once.
  std::vector<std::uint32_t> visit(graph_.objects.size());
  for (ObjectId start = 0; start < graph_.objects.size(); ++start) {
    ObjectId id = start;
    while (id != arch::noObject && visit[id] == 0) {
      visit[id] = start + 1;
      id = lower[id];
    }
    if (id != arch::noObject && visit[id] == start + 1)
      reports_.add(DiagnosticCode::CacheCycle, object(id).range, object(id).name);
  }
}

/// Orders the objects along FORWARD edges; false (reported) if that is not possible.
bool GraphChecker::sortForward() {
  incoming_.assign(graph_.objects.size(), 0);
  for (const auto &targets : graph_.forwardTo)
    for (const ObjectId target : targets)
      ++incoming_[target];
  for (ObjectId id = 0; id < graph_.objects.size(); ++id)
    if (incoming_[id] == 0)
      order_.push_back(id);
  for (std::size_t i = 0; i < order_.size(); ++i)
    for (const ObjectId target : graph_.forwardTo[order_[i]])
      if (--incoming_[target] == 0)
        order_.push_back(target);
  if (order_.size() == graph_.objects.size())
    return true;
  reportForwardCycle();
  return false;
}

void GraphChecker::reportForwardCycle() {
  // What is left has a predecessor among what is left: walking backwards ends in a cycle.
  std::vector<ObjectId> before(graph_.objects.size(), arch::noObject);
  ObjectId id = arch::noObject;
  for (ObjectId source = 0; source < graph_.objects.size(); ++source)
    for (const ObjectId target : graph_.forwardTo[source])
      if (incoming_[source] != 0 && incoming_[target] != 0) {
        before[target] = source;
        id = target;
      }
  std::vector<bool> seen(graph_.objects.size());
  for (; !seen[id]; id = before[id])
    seen[id] = true;
  std::string cycle = "'" + object(id).name + "'";
  std::size_t length = 0;
  constexpr std::size_t shown = 8;
  for (ObjectId at = before[id]; at != id; at = before[at], ++length)
    if (length < shown)
      cycle = "'" + object(at).name + "' -> " + cycle;
  if (length > shown)
    cycle = "… -> " + cycle;
  reports_.addWithNotes(DiagnosticCode::ForwardCycle, object(id).range,
                        {{{}, "the cycle: '" + object(id).name + "' -> " + cycle}},
                        object(id).name);
}

/// A queue without edges stands on no route: phases hold its entries.
bool GraphChecker::isPool(ObjectId id, const std::vector<bool> &incoming) const {
  return object(id).objectClass == ObjectClass::Queue && graph_.forwardTo[id].empty() &&
         !incoming[id];
}

/// Finds stages that the fetch stage does not reach. Several paths may lead to a stage: each emit
/// chooses one.
void GraphChecker::checkReachable() {
  const ObjectId fetch = graph_.fetchStage();
  if (fetch == arch::noObject)
    return; // reported
  std::vector<bool> isReached(graph_.objects.size()), incoming(graph_.objects.size());
  isReached[fetch] = true;
  for (const ObjectId source : order_)
    for (const ObjectId target : graph_.forwardTo[source]) {
      incoming[target] = true;
      isReached[target] = isReached[target] || isReached[source];
    }
  for (ObjectId id = 0; id < graph_.objects.size(); ++id)
    if (arch::isOnRoutes(object(id).objectClass) && !isReached[id] && !isPool(id, incoming))
      reports_.add(DiagnosticCode::UnreachableStage, object(id).range, object(id).name);
}

} // namespace

void checkGraph(const arch::ArchitectureGraph &graph, SourceRange at,
                DiagnosticEngine &diagnostics) {
  GraphChecker(graph, at, diagnostics).run();
}

} // namespace acadlc
