#include "ir/ArchitectureGraph.h"

#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::arch {

std::string_view className(ObjectClass objectClass) {
  switch (objectClass) {
  case ObjectClass::PipelineStage:
    return "PipelineStage";
  case ObjectClass::ExecuteStage:
    return "ExecuteStage";
  case ObjectClass::InstructionFetchStage:
    return "InstructionFetchStage";
  case ObjectClass::FunctionalUnit:
    return "FunctionalUnit";
  case ObjectClass::MemoryAccessUnit:
    return "MemoryAccessUnit";
  case ObjectClass::InstructionMemoryAccessUnit:
    return "InstructionMemoryAccessUnit";
  case ObjectClass::RegisterFile:
    return "RegisterFile";
  case ObjectClass::SRAM:
    return "SRAM";
  case ObjectClass::DRAM:
    return "DRAM";
  case ObjectClass::SetAssociativeCache:
    return "SetAssociativeCache";
  case ObjectClass::Queue:
    return "Queue";
  case ObjectClass::ReservationStation:
    return "ReservationStation";
  case ObjectClass::Channel:
    return "Channel";
  }
  ACADLC_CHECK(false, "no such object class");
  return {};
}

bool isStage(ObjectClass c) {
  return c == ObjectClass::PipelineStage || c == ObjectClass::ExecuteStage ||
         c == ObjectClass::InstructionFetchStage;
}

bool isOnRoutes(ObjectClass c) {
  return isStage(c) || c == ObjectClass::Queue || c == ObjectClass::ReservationStation;
}

bool isUnit(ObjectClass c) {
  return c == ObjectClass::FunctionalUnit || c == ObjectClass::MemoryAccessUnit ||
         c == ObjectClass::InstructionMemoryAccessUnit;
}

bool isMemoryInterface(ObjectClass c) { return c == ObjectClass::SRAM || c == ObjectClass::DRAM; }

bool isStorage(ObjectClass c) {
  return isMemoryInterface(c) || c == ObjectClass::SetAssociativeCache;
}

bool isExtension(ObjectClass c) {
  return c == ObjectClass::Queue || c == ObjectClass::ReservationStation ||
         c == ObjectClass::Channel;
}

std::string_view edgeName(EdgeKind kind) {
  switch (kind) {
  case EdgeKind::Forward:
    return "FORWARD";
  case EdgeKind::ReadData:
    return "READ_DATA";
  case EdgeKind::WriteData:
    return "WRITE_DATA";
  case EdgeKind::Contains:
    return "CONTAINS";
  }
  ACADLC_CHECK(false, "no such edge kind");
  return {};
}

void ArchitectureGraph::finish() {
  for (auto *lists : {&forwardTo, &readsFrom, &writesTo, &contains})
    lists->assign(objects.size(), {});

  for (const Edge &edge : edges) {
    ACADLC_CHECK(edge.source < objects.size() && edge.target < objects.size(),
                 "an edge joins objects of its graph");
    switch (edge.kind) {
    case EdgeKind::Forward:
      forwardTo[edge.source].push_back(edge.target);
      break;
    case EdgeKind::ReadData:
      readsFrom[edge.target].push_back(edge.source);
      if (objects[edge.target].objectClass == ObjectClass::SetAssociativeCache &&
          isStorage(objects[edge.source].objectClass))
        objects[edge.target].lower = edge.source;
      break;
    case EdgeKind::WriteData:
      writesTo[edge.source].push_back(edge.target);
      break;
    case EdgeKind::Contains:
      contains[edge.source].push_back(edge.target);
      if (objects[edge.target].container == noObject)
        objects[edge.target].container = edge.source;
      break;
    }
  }

  registerCount = 0;
  registerFiles.clear();
  for (ObjectId id = 0; id < objects.size(); ++id) {
    Object &object = objects[id];
    if (object.objectClass != ObjectClass::RegisterFile)
      continue;
    object.firstRegister = registerCount;
    registerCount += static_cast<std::uint32_t>(object.registers.size());
    // An empty file owns no number and would only blur the search for a register's owner.
    if (!object.registers.empty())
      registerFiles.push_back(id);
  }
}

std::optional<ObjectId> ArchitectureGraph::find(std::string_view objectName) const {
  for (ObjectId id = 0; id < objects.size(); ++id)
    if (objects[id].name == objectName)
      return id;
  return std::nullopt;
}

ObjectId ArchitectureGraph::fileOfRegister(RegisterId id) const {
  ACADLC_CHECK(id < registerCount, "a register of this graph");
  const auto behind = std::upper_bound(
      registerFiles.begin(), registerFiles.end(), id,
      [this](RegisterId wanted, ObjectId file) { return wanted < objects[file].firstRegister; });
  return *(behind - 1);
}

bool ArchitectureGraph::isPool(ObjectId id) const {
  return objects[id].objectClass == ObjectClass::Queue &&
         std::ranges::none_of(
             edges, [&](const Edge &edge) { return edge.source == id || edge.target == id; });
}

std::string ArchitectureGraph::registerName(RegisterId id) const {
  const Object &file = objects[fileOfRegister(id)];
  return file.name + "." + file.registers[id - file.firstRegister];
}

ObjectId ArchitectureGraph::fetchStage() const {
  ObjectId found = noObject;
  for (ObjectId id = 0; id < objects.size(); ++id) {
    if (objects[id].objectClass != ObjectClass::InstructionFetchStage)
      continue;
    if (found != noObject)
      return noObject;
    found = id;
  }
  return found;
}

} // namespace acadlc::arch
