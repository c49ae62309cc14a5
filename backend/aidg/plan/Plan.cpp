#include "backend/aidg/plan/Plan.h"

#include "backend/aidg/plan/AddressClasses.h"
#include "backend/aidg/plan/Independence.h"
#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"
#include "backend/timing/TimeLimit.h"
#include "support/InternalError.h"

#include <llvm/ADT/DenseSet.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace acadlc::aidg {

namespace {

constexpr std::uint32_t unnumbered = std::numeric_limits<std::uint32_t>::max();

constexpr std::int64_t unreached = std::numeric_limits<std::int64_t>::max();

class Planner {
public:
  Planner(const arch::ArchitectureGraph &graph, const program::Program &program)
      : routes_(graph, program), independent_(findIndependentOperands(program)),
        objectIndices_(graph.objects.size(), unnumbered),
        storageIndices_(graph.objects.size(), unnumbered),
        registerIndices_(graph.registerCount, unnumbered) {
    plan_.graph = &graph;
    plan_.program = &program;
  }

  Plan make() {
    planFetch();
    plan_.instructions.reserve(program().instructions.size());
    for (const program::Instruction &instruction : program().instructions)
      planInstruction(instruction);
    finishMerging();
    finishStorages();
    planAddresses(plan_);
    return std::move(plan_);
  }

private:
  [[nodiscard]] const program::Program &program() const { return *plan_.program; }
  [[nodiscard]] const arch::Object &object(arch::ObjectId id) const {
    return plan_.graph->objects[id];
  }

  void planFetch() {
    const std::optional<timing::FetchPath> path = timing::fetchPath(*plan_.graph);
    ACADLC_CHECK(path.has_value(), "a program needs a fetch stage");
    fetchUnit_ = path->unit;
    fetchMemory_ = path->storage;
    plan_.fetch.width = path->width;
    plan_.fetch.bufferSize = path->bufferSize;
    plan_.fetch.unitLatency = path->unitLatency;
    plan_.fetch.readLatency = path->serviceTime;
    plan_.fetch.stageLatency = path->stageLatency;
  }

  std::uint32_t objectIndex(arch::ObjectId id) {
    std::uint32_t &index = objectIndices_[id];
    if (index == unnumbered) {
      index = static_cast<std::uint32_t>(plan_.objects.size());
      plan_.objects.push_back({id, object(id).latency, unreached, false, false});
      predecessors_.emplace_back();
    }
    return index;
  }

  std::uint32_t storageIndex(arch::ObjectId id) {
    std::uint32_t &index = storageIndices_[id];
    if (index == unnumbered) {
      index = static_cast<std::uint32_t>(plan_.storages.size());
      const arch::Object &storage = object(id);
      PlanStorage planned;
      planned.id = id;
      planned.slots = storage.slots();
      planned.programOrder = storage.arbitration == arch::Arbitration::ProgramOrder;
      planned.hasState = storage.objectClass != arch::ObjectClass::SRAM;
      planned.distance = unreached;
      plan_.storages.push_back(planned);
      clients_.emplace_back();
    }
    return index;
  }

  std::uint32_t registerIndex(arch::RegisterId id, std::int64_t distance) {
    std::uint32_t &index = registerIndices_[id];
    if (index == unnumbered) {
      index = plan_.registerCount++;
      plan_.registerIds.push_back(id);
      plan_.registerDistance.push_back(unreached);
    }
    std::int64_t &least = plan_.registerDistance[index];
    least = std::min(least, distance);
    return index;
  }

  void planInstruction(const program::Instruction &instruction) {
    PlanInstruction planned;
    const program::Route &route = program().routes[instruction.route];
    planned.isBranch = route.unit == fetchUnit_;
    const std::int64_t distance = planRoute(route, planned);
    planned.latency = instruction.latency;
    planned.occupation = timing::occupation(object(route.unit), instruction);
    planned.firstRead = static_cast<std::uint32_t>(plan_.registers.size());
    planned.readCount = static_cast<std::uint32_t>(instruction.reads.size());
    for (const arch::RegisterId id : instruction.reads)
      plan_.registers.push_back(registerIndex(id, distance));
    planned.firstWrite = static_cast<std::uint32_t>(plan_.registers.size());
    planned.writeCount = static_cast<std::uint32_t>(instruction.writes.size());
    for (const arch::RegisterId id : instruction.writes)
      plan_.registers.push_back(registerIndex(id, distance));
    planAccesses(instruction, route.unit, distance + instruction.latency, planned);
    plan_.instructions.push_back(planned);
  }

  /// Adds the route's objects; returns the least cycles from arrival to entry into the unit.
  std::int64_t planRoute(const program::Route &route, PlanInstruction &planned) {
    planned.firstStage = static_cast<std::uint32_t>(plan_.routeObjects.size());
    planned.stageCount = static_cast<std::uint32_t>(route.stages.size());
    std::int64_t distance = 0;
    arch::ObjectId previous = arch::noObject;
    const auto visit = [&](arch::ObjectId id) {
      const std::uint32_t index = objectIndex(id);
      plan_.objects[index].distance = std::min(plan_.objects[index].distance, distance);
      predecessors_[index].add(previous);
      previous = id;
      return index;
    };
    for (const arch::ObjectId stage : route.stages) {
      plan_.routeObjects.push_back(visit(stage));
      distance += object(stage).latency;
    }
    planned.unit = visit(route.unit);
    return distance;
  }

  void planAccesses(const program::Instruction &instruction, arch::ObjectId unit,
                    std::int64_t distance, PlanInstruction &planned) {
    planned.firstAccess = static_cast<std::uint32_t>(plan_.accesses.size());
    planned.accessCount = static_cast<std::uint32_t>(instruction.memory.size());
    for (const program::MemoryOperand &operand : instruction.memory) {
      PlanAccess access;
      access.storage = storageIndex(operand.storage);
      PlanStorage &storage = plan_.storages[access.storage];
      if (instruction.makesRequests) {
        planned.makesRequests = true;
        clients_[access.storage].insert(unit);
        storage.distance = std::min(storage.distance, distance);
      }
      access.isWrite = operand.isWrite;
      access.bytes = operand.bytes;
      access.operand = &operand;
      access.tracked = operand.mayConflict && !independent_.contains(&operand);
      access.instruction = static_cast<std::uint32_t>(plan_.instructions.size());
      access.changesState = instruction.makesRequests && storage.hasState;
      const arch::Object &object = plan_.graph->objects[operand.storage];
      const std::int64_t latency = operand.isWrite ? object.writeLatency : object.readLatency;
      if (!storage.hasState && instruction.requestCount() != 0)
        access.service = timing::transactions(object, operand.bytes) * latency;
      plan_.accesses.push_back(access);
    }
  }

  void finishMerging() {
    for (std::size_t i = 0; i != plan_.objects.size(); ++i) {
      const arch::Object &merged = object(plan_.objects[i].id);
      plan_.objects[i].mergesByTime =
          predecessors_[i].areSeveral && merged.arbitration != arch::Arbitration::ProgramOrder;
      plan_.objects[i].takesAsTheyCome = !predecessors_[i].areSeveral &&
                                         *predecessors_[i].first != arch::noObject &&
                                         (merged.arbitration != arch::Arbitration::ProgramOrder ||
                                          !routes_.merges(plan_.objects[i].id));
    }
  }

  void finishStorages() {
    groupStorages();
    const std::uint32_t fetched = storageIndices_[fetchMemory_];
    for (std::size_t i = 0; i != plan_.storages.size(); ++i) {
      PlanStorage &storage = plan_.storages[i];
      storage.clients = static_cast<std::uint32_t>(clients_[i].size());
      if (storage.clients == 0) // nobody asks it: operands of functional units lie there
        storage.distance = 0;
    }
    if (fetched == unnumbered)
      return;
    PlanStorage &storage = plan_.storages[fetched];
    storage.servesFetch = true;
    ++storage.clients;
    storage.distance = 0;
    plan_.fetch.storage = fetched;
  }

  /// Finds storages with a common storage with state at or below them.
  void groupStorages() {
    const auto shareState = [this](arch::ObjectId a, arch::ObjectId b) {
      for (; a != arch::noObject; a = object(a).lower)
        for (arch::ObjectId below = b; below != arch::noObject; below = object(below).lower)
          if (a == below && object(a).objectClass != arch::ObjectClass::SRAM)
            return true;
      return false;
    };
    for (std::uint32_t i = 0; i != plan_.storages.size(); ++i)
      for (std::uint32_t j = 0; j != i; ++j)
        if (shareState(plan_.storages[i].id, plan_.storages[j].id)) {
          PlanStorage &first = plan_.storages[j];
          if (!first.stateGroup)
            first.stateGroup = j;
          plan_.storages[i].stateGroup = first.stateGroup;
          break;
        }
  }

  timing::RouteTable routes_;
  llvm::DenseSet<const program::MemoryOperand *> independent_;
  Plan plan_;
  arch::ObjectId fetchUnit_ = arch::noObject, fetchMemory_ = arch::noObject;
  /// By object or register: its index in the plan, unless nothing has used it yet.
  std::vector<std::uint32_t> objectIndices_, storageIndices_, registerIndices_;
  std::vector<llvm::DenseSet<arch::ObjectId>> clients_;
  /// What instructions reach an object from; noObject stands for the fetch stage.
  struct Predecessors {
    std::optional<arch::ObjectId> first;
    bool areSeveral = false;
    void add(arch::ObjectId id) {
      areSeveral = areSeveral || (first && *first != id);
      first = first.value_or(id);
    }
  };
  std::vector<Predecessors> predecessors_;
};

} // namespace

bool Plan::needsTimeOrder() const {
  return std::any_of(objects.begin(), objects.end(),
                     [](const PlanObject &object) { return object.mergesByTime; }) ||
         std::any_of(storages.begin(), storages.end(), [](const PlanStorage &storage) {
           return storage.servesFetch && (storage.programOrder || !storage.neverWaits());
         });
}

Plan makePlan(const arch::ArchitectureGraph &graph, const program::Program &program) {
  if (timing::exceedsLongestLatency(graph, program)) {
    Plan plan;
    plan.graph = &graph;
    plan.program = &program;
    plan.hasEndlessLatency = true;
    return plan;
  }
  return Planner(graph, program).make();
}

std::vector<std::int64_t> longestTracked(const Plan &plan) {
  std::vector<std::int64_t> longest(plan.conflictClasses, 1);
  for (const PlanAccess &access : plan.accesses)
    if (access.tracked)
      longest[access.conflictClass] = std::max(longest[access.conflictClass], access.bytes);
  return longest;
}

} // namespace acadlc::aidg
