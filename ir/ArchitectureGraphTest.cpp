#include "ir/ArchitectureGraph.h"

#include <doctest/doctest.h>

namespace acadlc::arch {

namespace {

Object make(ObjectClass objectClass, std::string name, std::vector<std::string> registers = {}) {
  Object object;
  object.objectClass = objectClass;
  object.name = std::move(name);
  object.registers = std::move(registers);
  return object;
}

/// fetch(0) -> stage(1) contains unit(2); files 3 to 5; memory(6) below cache(7).
ArchitectureGraph example() {
  ArchitectureGraph graph;
  graph.objects = {make(ObjectClass::InstructionFetchStage, "fetch"),
                   make(ObjectClass::ExecuteStage, "stage"),
                   make(ObjectClass::MemoryAccessUnit, "unit"),
                   make(ObjectClass::RegisterFile, "first", {"a", "b"}),
                   make(ObjectClass::RegisterFile, "none"),
                   make(ObjectClass::RegisterFile, "pe[1].file", {"c"}),
                   make(ObjectClass::SRAM, "memory"),
                   make(ObjectClass::SetAssociativeCache, "cache")};
  graph.edges = {{0, 1, EdgeKind::Forward, {}},   {1, 2, EdgeKind::Contains, {}},
                 {7, 2, EdgeKind::ReadData, {}},  {5, 2, EdgeKind::ReadData, {}},
                 {2, 7, EdgeKind::WriteData, {}}, {6, 7, EdgeKind::ReadData, {}}};
  graph.finish();
  return graph;
}

} // namespace

TEST_CASE("finish() computes adjacency, containers and lower storages") {
  const ArchitectureGraph graph = example();
  CHECK(graph.forwardTo[0] == std::vector<ObjectId>{1});
  CHECK(graph.contains[1] == std::vector<ObjectId>{2});
  CHECK(graph.readsFrom[2] == std::vector<ObjectId>{7, 5});
  CHECK(graph.writesTo[2] == std::vector<ObjectId>{7});
  CHECK(graph.objects[2].container == 1);
  CHECK(graph.objects[7].lower == 6);
  CHECK(graph.objects[6].lower == noObject);
}

TEST_CASE("finish() can be repeated") {
  ArchitectureGraph graph = example();
  graph.finish();
  CHECK(graph.forwardTo[0].size() == 1);
  CHECK(graph.registerCount == 3);
}

TEST_CASE("registers of all files are numbered consecutively") {
  const ArchitectureGraph graph = example();
  CHECK(graph.registerCount == 3);
  CHECK(graph.objects[5].firstRegister == 2);
  CHECK(graph.fileOfRegister(1) == 3);
  CHECK(graph.fileOfRegister(2) == 5);
  CHECK(graph.registerName(0) == "first.a");
  CHECK(graph.registerName(2) == "pe[1].file.c");
}

TEST_CASE("objects are found by name, the fetch stage by class") {
  ArchitectureGraph graph = example();
  CHECK(graph.find("cache") == std::optional<ObjectId>(7));
  CHECK_FALSE(graph.find("cach").has_value());
  CHECK(graph.fetchStage() == 0);
  graph.objects.push_back(make(ObjectClass::InstructionFetchStage, "second"));
  CHECK(graph.fetchStage() == noObject);
  CHECK(ArchitectureGraph{}.fetchStage() == noObject);
}

TEST_CASE("slots are the smaller of concurrent requests and ports") {
  Object storage;
  storage.maxConcurrentRequests = 4;
  storage.readWritePorts = 2;
  CHECK(storage.slots() == 2);
  storage.readWritePorts = 8;
  CHECK(storage.slots() == 4);
}

TEST_CASE("classes and edges have names and kinds") {
  CHECK(className(ObjectClass::SetAssociativeCache) == "SetAssociativeCache");
  CHECK(edgeName(EdgeKind::ReadData) == "READ_DATA");
  CHECK(isStage(ObjectClass::InstructionFetchStage));
  CHECK(isUnit(ObjectClass::InstructionMemoryAccessUnit));
  CHECK(isStorage(ObjectClass::SetAssociativeCache));
  CHECK_FALSE(isMemoryInterface(ObjectClass::SetAssociativeCache));
  CHECK_FALSE(isStorage(ObjectClass::RegisterFile));
  CHECK(isExtension(ObjectClass::Channel));
}

} // namespace acadlc::arch
