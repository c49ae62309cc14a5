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
      paths_(graph.objects.size(), 0), previous_(graph.objects.size(), noObject),
      fetch_(graph.fetchStage()) {
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
  countPaths();
}

void Units::countPaths() {
  if (fetch_ == noObject)
    return;
  // Objects that the fetch stage reaches, in an order in which edges point forwards.
  std::vector<std::uint32_t> open(graph_.objects.size(), 0);
  std::vector<ObjectId> reached{fetch_};
  std::vector<bool> seen(graph_.objects.size(), false);
  seen[fetch_] = true;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    for (const ObjectId next : graph_.forwardTo[reached[i]]) {
      ++open[next];
      if (!seen[next]) {
        seen[next] = true;
        reached.push_back(next);
      }
    }
  }
  paths_[fetch_] = 1;
  std::vector<ObjectId> ready{fetch_};
  while (!ready.empty()) {
    const ObjectId id = ready.back();
    ready.pop_back();
    for (const ObjectId next : graph_.forwardTo[id]) {
      paths_[next] = static_cast<std::uint8_t>(std::min(2, paths_[next] + paths_[id]));
      previous_[next] = id;
      if (--open[next] == 0)
        ready.push_back(next);
    }
  }
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

std::string Units::askedStorage(ObjectId unit, const UnitRequest::Memory &memory,
                                ObjectId &storage) const {
  const auto &storages = memory.isWrite ? graph_.writesTo[unit] : graph_.readsFrom[unit];
  std::vector<ObjectId> found;
  for (const ObjectId candidate : storages)
    if (arch::isStorage(graph_.objects[candidate].objectClass) &&
        memoryBelow(candidate) == memory.memory && !contains(found, candidate))
      found.push_back(candidate);
  if (contains(found, memory.memory))
    found = {memory.memory};
  if (found.size() == 1) {
    storage = found.front();
    return {};
  }
  const std::string &name = graph_.objects[memory.memory].name;
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
    if (std::string problem = askedStorage(unit, memory, storage); !problem.empty())
      return problem;
    storages.push_back(storage);
  }
  if (!request.memories.empty() &&
      graph_.objects[unit].objectClass == arch::ObjectClass::FunctionalUnit)
    return "a FunctionalUnit makes no memory accesses: it takes a MemoryAccessUnit";
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

const RouteAnswer &Units::route(ObjectId unit) {
  const auto found = routes_.find(unit);
  return found != routes_.end() ? found->second
                                : routes_.emplace(unit, searchRoute(unit)).first->second;
}

RouteAnswer Units::searchRoute(ObjectId unit) const {
  RouteAnswer answer;
  const ObjectId stage = graph_.objects[unit].container;
  if (fetch_ == noObject || stage == noObject) {
    answer.problem = fetch_ == noObject
                         ? "the architecture has not exactly one InstructionFetchStage"
                         : fmt::format("no stage contains '{}'", graph_.objects[unit].name);
    return answer;
  }
  if (stage != fetch_ && paths_[stage] != 1) {
    answer.problem = fmt::format("{} of FORWARD edges leads from '{}' to '{}'",
                                 paths_[stage] == 0 ? "no path" : "more than one path",
                                 graph_.objects[fetch_].name, graph_.objects[stage].name);
    return answer;
  }
  program::Route route;
  route.unit = unit;
  for (ObjectId id = stage; id != fetch_; id = previous_[id])
    route.stages.push_back(id);
  std::reverse(route.stages.begin(), route.stages.end());
  answer.route = std::move(route);
  return answer;
}

} // namespace acadlc::mapping
