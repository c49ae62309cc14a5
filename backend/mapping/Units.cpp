#include "backend/mapping/Units.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::mapping {

using arch::noObject;
using arch::ObjectId;

namespace {

bool contains(const std::vector<ObjectId> &ids, ObjectId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

} // namespace

Units::Units(const arch::ArchitectureGraph &graph)
    : graph_(graph), readers_(graph.objects.size()), writers_(graph.objects.size()),
      channelSources_(graph.objects.size()), channelTargets_(graph.objects.size()),
      fetch_(graph.fetchStage()) {
  const auto isChannel = [&](ObjectId id) {
    return graph.objects[id].objectClass == arch::ObjectClass::Channel;
  };
  for (const arch::Edge &edge : graph.edges) {
    if (isChannel(edge.target))
      channelSources_[edge.target].push_back(edge.source);
    if (isChannel(edge.source))
      channelTargets_[edge.source].push_back(edge.target);
  }
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    if (!arch::isUnit(graph.objects[id].objectClass))
      continue;
    for (const std::string &operation : graph.objects[id].toProcess)
      byOperation_[operation].push_back(id);
    for (const ObjectId source : graph.readsFrom[id])
      readers_[source].push_back(id);
    for (const ObjectId target : graph.writesTo[id])
      writers_[target].push_back(id);
  }
}

Units::ReachedFrom Units::countPaths(ObjectId source) const {
  ReachedFrom result{{source, {1, noObject}}};
  std::unordered_map<ObjectId, std::uint32_t> open; // edges that were not followed yet
  std::vector<ObjectId> reached{source};
  for (std::size_t i = 0; i < reached.size(); ++i)
    for (const ObjectId next : graph_.forwardTo[reached[i]])
      if (++open[next] == 1)
        reached.push_back(next);
  std::vector<ObjectId> ready{source};
  while (!ready.empty()) {
    const ObjectId id = ready.back();
    ready.pop_back();
    const std::uint8_t paths = result[id].paths;
    for (const ObjectId next : graph_.forwardTo[id]) {
      Reached &entry = result[next];
      entry.paths = static_cast<std::uint8_t>(std::min(2, entry.paths + paths));
      entry.previous = id;
      if (--open[next] == 0)
        ready.push_back(next);
    }
  }
  return result;
}

const Units::ReachedFrom &Units::reachedFrom(ObjectId source) {
  const auto found = reached_.find(source);
  return found != reached_.end() ? found->second
                                 : reached_.emplace(source, countPaths(source)).first->second;
}

ObjectId Units::memoryBelow(ObjectId storage) const {
  // A chain longer than there are objects would be a circle.
  for (std::size_t i = 0; i < graph_.objects.size(); ++i) {
    const arch::Object &object = graph_.objects[storage];
    if (object.objectClass != arch::ObjectClass::SetAssociativeCache || object.lower == noObject)
      return storage;
    storage = object.lower;
  }
  return storage;
}

bool Units::leadsThrough(ObjectId storage, ObjectId other) const {
  for (std::size_t i = 0; i < graph_.objects.size() && storage != noObject; ++i) {
    if (storage == other)
      return true;
    const arch::Object &object = graph_.objects[storage];
    storage =
        object.objectClass == arch::ObjectClass::SetAssociativeCache ? object.lower : noObject;
  }
  return false;
}

const UnitAnswer &Units::find(const UnitRequest &request) {
  if (const auto found = answers_.find(request); found != answers_.end())
    return found->second;
  UnitRequest key = request;
  const auto name = std::string(request.operation);
  key.operation = names_.emplace(name, name).first->first;
  return answers_.emplace(std::move(key), search(request)).first->second;
}

bool Units::processes(ObjectId unit, std::string_view operation) const {
  const auto &operations = graph_.objects[unit].toProcess;
  return std::find(operations.begin(), operations.end(), operation) != operations.end();
}

std::vector<ObjectId> Units::candidates(const UnitRequest &request) const {
  const auto found = byOperation_.find(std::string(request.operation));
  if (found == byOperation_.end())
    return {};
  // On a large array few units touch a given register file: start from the shortest list.
  const std::vector<ObjectId> *shortest = &found->second;
  for (const ObjectId file : request.readFiles)
    shortest = readers_[file].size() < shortest->size() ? &readers_[file] : shortest;
  for (const ObjectId file : request.writtenFiles)
    shortest = writers_[file].size() < shortest->size() ? &writers_[file] : shortest;
  std::vector<ObjectId> result;
  for (const ObjectId unit : *shortest)
    if (processes(unit, request.operation) && !contains(result, unit))
      result.push_back(unit);
  return result;
}

std::vector<ObjectId> Units::throughChannels(ObjectId unit, bool isWrite) const {
  std::vector<ObjectId> found, channels;
  const auto look = [&](const std::vector<ObjectId> &ends) {
    for (const ObjectId end : ends) {
      const bool isChannel = graph_.objects[end].objectClass == arch::ObjectClass::Channel;
      std::vector<ObjectId> &list = isChannel ? channels : found;
      if (!contains(list, end))
        list.push_back(end);
    }
  };
  look(isWrite ? graph_.writesTo[unit] : graph_.readsFrom[unit]);
  found.clear(); // without a channel between
  for (std::size_t i = 0; i < channels.size(); ++i)
    look((isWrite ? channelTargets_ : channelSources_)[channels[i]]);
  return found;
}

std::string Units::askedStorage(ObjectId unit, const UnitRequest &request,
                                const UnitRequest::Memory &memory, ObjectId &storage) const {
  const auto &storages = memory.isWrite ? graph_.writesTo[unit] : graph_.readsFrom[unit];
  std::vector<ObjectId> found;
  for (const ObjectId candidate : storages)
    if (arch::isStorage(graph_.objects[candidate].objectClass) &&
        leadsThrough(candidate, memory.named) && !contains(found, candidate))
      found.push_back(candidate);
  if (contains(found, memory.named))
    found = {memory.named};
  if (found.size() == 1) {
    storage = found.front();
    return {};
  }
  const std::string &name = graph_.objects[memory.named].name;
  if (found.empty() && contains(throughChannels(unit, memory.isWrite), memory.named)) {
    storage = memory.named;
    if (request.hasPhases || graph_.objects[unit].objectClass == arch::ObjectClass::FunctionalUnit)
      return {};
    return fmt::format("it reaches '{}' through channels only: phases have to say what moves over "
                       "them",
                       name);
  }
  if (found.empty())
    return memory.isWrite
               ? fmt::format("no WRITE_DATA edge leads to '{}' or a cache above it", name)
               : fmt::format("no READ_DATA edge comes from '{}' or a cache above it", name);
  return fmt::format("it reaches '{}' through both '{}' and '{}'", name,
                     graph_.objects[found[0]].name, graph_.objects[found[1]].name);
}

std::string Units::problemOf(ObjectId unit, const UnitRequest &request,
                             std::vector<ObjectId> &storages) const {
  if (!processes(unit, request.operation))
    return fmt::format("'{}' is not in its to_process", request.operation);
  for (const ObjectId file : request.readFiles)
    if (!contains(graph_.readsFrom[unit], file))
      return fmt::format("no READ_DATA edge comes from '{}'", graph_.objects[file].name);
  for (const ObjectId file : request.writtenFiles)
    if (!contains(graph_.writesTo[unit], file))
      return fmt::format("no WRITE_DATA edge leads to '{}'", graph_.objects[file].name);
  storages.clear();
  for (const UnitRequest::Memory &memory : request.memories) {
    ObjectId storage = noObject;
    if (std::string problem = askedStorage(unit, request, memory, storage); !problem.empty())
      return problem;
    storages.push_back(storage);
  }
  return {};
}

UnitAnswer Units::search(const UnitRequest &request) const {
  UnitAnswer answer;
  if (request.unit != noObject) {
    answer.problem = problemOf(request.unit, request, answer.storages);
    if (!answer.problem.empty()) {
      answer.problem = fmt::format("'{}': {}", graph_.objects[request.unit].name, answer.problem);
      return answer;
    }
    answer.status = UnitAnswer::Status::Found;
    answer.unit = request.unit;
    return answer;
  }
  std::vector<ObjectId> able;
  std::string nearest;
  for (const ObjectId unit : candidates(request)) {
    std::vector<ObjectId> storages;
    const std::string problem = problemOf(unit, request, storages);
    if (problem.empty()) {
      able.push_back(unit);
      answer.storages = std::move(storages);
    } else if (nearest.empty()) {
      nearest = fmt::format("'{}': {}", graph_.objects[unit].name, problem);
    }
  }
  if (able.size() == 1) {
    answer.status = UnitAnswer::Status::Found;
    answer.unit = able.front();
    return answer;
  }
  if (able.empty()) {
    const bool isKnown = byOperation_.contains(std::string(request.operation));
    answer.problem = !nearest.empty() ? nearest
                     : isKnown        ? "no unit that processes it has edges to these registers"
                                      : "it is in no unit's to_process";
    return answer;
  }
  answer.status = UnitAnswer::Status::Ambiguous;
  constexpr std::size_t maxNames = 4;
  for (std::size_t i = 0; i < able.size() && i < maxNames; ++i)
    answer.problem += (i == 0 ? "'" : ", '") + graph_.objects[able[i]].name + "'";
  if (able.size() > maxNames)
    answer.problem += fmt::format(" and {} more", able.size() - maxNames);
  return answer;
}

//===--- Routes -------------------------------------------------------------------------------===//

const RouteAnswer &Units::route(const RouteRequest &request) {
  const auto found = routes_.find(request);
  return found != routes_.end() ? found->second
                                : routes_.emplace(request, searchRoute(request)).first->second;
}

bool Units::hasEdge(ObjectId source, ObjectId target) const {
  const std::vector<ObjectId> &targets = graph_.forwardTo[source];
  return std::find(targets.begin(), targets.end(), target) != targets.end();
}

RouteAnswer Units::searchRoute(const RouteRequest &request) {
  RouteAnswer answer;
  const ObjectId stage = graph_.objects[request.unit].container;
  if (fetch_ == noObject || stage == noObject) {
    answer.problem = fetch_ == noObject
                         ? "the architecture has not exactly one InstructionFetchStage"
                         : fmt::format("no stage contains '{}'", graph_.objects[request.unit].name);
    return answer;
  }
  const ObjectId origin = request.origin == noObject ? fetch_ : request.origin;
  if (stage == request.origin) {
    answer.problem = fmt::format("what is emitted goes on from '{}', whose unit emits it",
                                 graph_.objects[stage].name);
    return answer;
  }
  std::vector<ObjectId> waypoints{origin};
  waypoints.insert(waypoints.end(), request.over.begin(), request.over.end());
  waypoints.push_back(stage);
  // FORWARD edges form no cycle, so the paths are those of the legs, combined.
  bool isUnique = true;
  std::vector<bool> isDirect(waypoints.size()); // the leg that ends there
  for (std::size_t i = 1; i < waypoints.size(); ++i) {
    const ReachedFrom &leg = reachedFrom(waypoints[i - 1]);
    const auto end = leg.find(waypoints[i]);
    if (end == leg.end()) {
      answer.problem =
          fmt::format("no path of FORWARD edges leads from '{}' to '{}'",
                      graph_.objects[waypoints[i - 1]].name, graph_.objects[waypoints[i]].name);
      return answer;
    }
    isDirect[i] =
        request.isStated && end->second.paths != 1 && hasEdge(waypoints[i - 1], waypoints[i]);
    isUnique = isUnique && (isDirect[i] || end->second.paths == 1);
  }
  if (!isUnique) {
    answer.status = RouteAnswer::Status::Ambiguous;
    answer.problem = listPaths(waypoints);
    return answer;
  }
  program::Route route;
  route.unit = request.unit;
  route.origin = request.origin;
  for (std::size_t i = waypoints.size() - 1; i > 0; --i) {
    if (isDirect[i]) {
      route.stages.push_back(waypoints[i]);
      continue;
    }
    const ReachedFrom &leg = reachedFrom(waypoints[i - 1]);
    for (ObjectId id = waypoints[i]; id != waypoints[i - 1]; id = leg.at(id).previous)
      route.stages.push_back(id);
  }
  std::reverse(route.stages.begin(), route.stages.end());
  answer.status = RouteAnswer::Status::Found;
  answer.route = std::move(route);
  return answer;
}

namespace {

/// Objects from which \p target is reached by FORWARD edges, itself included.
std::vector<bool> reaching(const arch::ArchitectureGraph &graph, ObjectId target) {
  std::vector<std::vector<ObjectId>> sources(graph.objects.size());
  for (ObjectId id = 0; id < graph.objects.size(); ++id)
    for (const ObjectId next : graph.forwardTo[id])
      sources[next].push_back(id);
  std::vector<bool> result(graph.objects.size(), false);
  result[target] = true;
  std::vector<ObjectId> open{target};
  while (!open.empty()) {
    const ObjectId id = open.back();
    open.pop_back();
    for (const ObjectId source : sources[id])
      if (!result[source]) {
        result[source] = true;
        open.push_back(source);
      }
  }
  return result;
}

/// A depth-first walk along paths that pass all waypoints. It never leaves them, so that each path
/// takes as many steps as it is long.
class PathWalk {
public:
  PathWalk(const arch::ArchitectureGraph &graph, const std::vector<ObjectId> &waypoints)
      : graph_(graph), waypoints_(waypoints) {
    for (const ObjectId waypoint : waypoints)
      reaching_.push_back(reaching(graph, waypoint));
    push(waypoints.front(), 1);
  }

  /// Goes on to the next path; false if there is none.
  bool next() {
    while (!path_.empty()) {
      Step &step = path_.back();
      const auto &targets = graph_.forwardTo[step.id];
      if (step.waypoint == waypoints_.size()) {
        if (!step.isShown)
          return step.isShown = true;
        path_.pop_back();
      } else if (step.edge == targets.size()) {
        path_.pop_back();
      } else if (const ObjectId target = targets[step.edge++]; reaching_[step.waypoint][target]) {
        push(target, step.waypoint);
      }
    }
    return false;
  }

  [[nodiscard]] std::string text() const {
    constexpr std::size_t shown = 8;
    std::string text;
    for (std::size_t i = 0; i < path_.size(); ++i) {
      // The beginning and the end of a long path.
      const bool isLeftOut = path_.size() > shown && i >= shown / 2 && i < path_.size() - shown / 2;
      if (isLeftOut && i != shown / 2)
        continue;
      text += i == 0 ? "" : " -> ";
      text += isLeftOut ? "…" : graph_.objects[path_[i].id].name;
    }
    return text;
  }

private:
  struct Step {
    ObjectId id = noObject;
    std::size_t waypoint = 0; ///< the next one
    std::size_t edge = 0;     ///< the next one to follow
    bool isShown = false;
  };

  void push(ObjectId id, std::size_t waypoint) {
    while (waypoint < waypoints_.size() && waypoints_[waypoint] == id)
      ++waypoint;
    path_.push_back({id, waypoint});
  }

  const arch::ArchitectureGraph &graph_;
  const std::vector<ObjectId> &waypoints_;
  std::vector<std::vector<bool>> reaching_; ///< per waypoint
  std::vector<Step> path_;
};

} // namespace

std::string Units::listPaths(const std::vector<ObjectId> &waypoints) const {
  constexpr std::size_t shown = 4;
  std::string text;
  PathWalk walk(graph_, waypoints);
  for (std::size_t count = 0; walk.next(); ++count) {
    if (count == shown)
      return text + ", …";
    text += (count == 0 ? "'" : ", '") + walk.text() + "'";
  }
  return text;
}

} // namespace acadlc::mapping
