#include "backend/aidg/bounds/RequestOrder.h"

#include <algorithm>
#include <map>
#include <set>

namespace acadlc::aidg {

namespace {

/// How requests come to the storages of a set.
struct Requesters {
  std::vector<std::uint32_t> storages;
  std::set<std::vector<std::uint32_t>> ways; ///< objects passed; the last is the unit
  bool dependsOnTime = false; ///< the order in which instructions of different ways come
};

class OrderFinder {
public:
  explicit OrderFinder(const Plan &plan) : plan_(plan) {}

  std::vector<std::vector<std::uint32_t>> find() {
    for (std::uint32_t i = 0; i != plan_.storages.size(); ++i)
      if (plan_.storages[i].hasState)
        sets_[setOf(i)].storages.push_back(i);
    for (const PlanInstruction &instruction : plan_.instructions)
      addRequests(instruction);
    std::vector<std::vector<std::uint32_t>> ordered;
    for (const auto &[first, requesters] : sets_)
      if (!requesters.ways.empty() && (comeInOrder(requesters) || areGrantedInOrder(requesters)))
        ordered.push_back(requesters.storages);
    return ordered;
  }

private:
  [[nodiscard]] std::uint32_t setOf(std::uint32_t storage) const {
    return plan_.storages[storage].stateGroup.value_or(storage);
  }

  void addRequests(const PlanInstruction &instruction) {
    if (!instruction.makesRequests)
      return;
    std::vector<std::uint32_t> way;
    bool depends = false;
    const auto visit = [&](std::uint32_t index) {
      const PlanObject &object = plan_.objects[index];
      way.push_back(index);
      depends = object.mergesByTime || (object.takesAsTheyCome && depends);
    };
    for (std::uint32_t i = 0; i != instruction.stageCount; ++i)
      visit(plan_.routeObjects[instruction.firstStage + i]);
    visit(instruction.unit);
    for (std::uint32_t a = 0; a != instruction.accessCount; ++a) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + a];
      if (!access.changesState)
        continue;
      Requesters &requesters = sets_[setOf(access.storage)];
      requesters.ways.insert(way);
      requesters.dependsOnTime |= depends;
    }
  }

  /// One unit makes all requests, one after the other, and gets its instructions in program order:
  /// those of one way keep it in any case.
  static bool comeInOrder(const Requesters &requesters) {
    const std::uint32_t unit = requesters.ways.begin()->back();
    return std::ranges::all_of(requesters.ways,
                               [unit](const auto &way) { return way.back() == unit; }) &&
           (!requesters.dependsOnTime || requesters.ways.size() == 1);
  }

  [[nodiscard]] bool areGrantedInOrder(const Requesters &requesters) const {
    if (requesters.storages.size() != 1)
      return false;
    const PlanStorage &storage = plan_.storages[requesters.storages.front()];
    return storage.programOrder && (storage.slots == 1 || !reachesDram(storage.id));
  }

  [[nodiscard]] bool reachesDram(arch::ObjectId id) const {
    for (; id != arch::noObject; id = plan_.graph->objects[id].lower)
      if (plan_.graph->objects[id].objectClass == arch::ObjectClass::DRAM)
        return true;
    return false;
  }

  const Plan &plan_;
  std::map<std::uint32_t, Requesters> sets_; ///< by the first of the storages
};

} // namespace

std::vector<std::vector<std::uint32_t>> findOrderedStorages(const Plan &plan) {
  return OrderFinder(plan).find();
}

} // namespace acadlc::aidg
