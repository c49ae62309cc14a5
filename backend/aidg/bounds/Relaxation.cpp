#include "backend/aidg/bounds/Relaxation.h"

#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <map>
#include <utility>

namespace acadlc::aidg {

namespace {

// Cycles and sizes are never negative here, so overflow is always upwards.
/// Ids of registers that stand for something else. No architecture has so many.
constexpr arch::RegisterId firstOwnRegister = arch::RegisterId{1} << 31;
constexpr std::int64_t endless = timing::StorageModel::overflow;
std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(endless); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return checkedMul(a, b).value_or(endless); }
std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

//===--- Relaxed plans ------------------------------------------------------------------------===//

/// What both cases have in common: no state, no wait at storages where the oldest is served first,
/// no dependences through addresses that do not repeat with every loop.
class Relaxer {
public:
  Relaxer(const Plan &plan, Addresses addresses) : original_(plan), addresses_(addresses) {
    relaxed_.plan = plan;
  }

  /// Removes what dependences through addresses are made of; with \p always each class of
  /// conflicts becomes a register instead.
  void relaxAddresses(bool always) {
    Plan &plan = relaxed_.plan;
    const std::vector<std::optional<std::uint32_t>> classes = keepRepeatingClasses();
    std::vector<std::optional<std::uint32_t>> registers(original_.conflictClasses);
    plan.registers.clear();
    for (PlanInstruction &instruction : plan.instructions) {
      std::vector<std::uint32_t> reads = registersOf(instruction.firstRead, instruction.readCount);
      std::vector<std::uint32_t> writes =
          registersOf(instruction.firstWrite, instruction.writeCount);
      instruction.hasTracked = false;
      for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
        PlanAccess &access = plan.accesses[instruction.firstAccess + i];
        if (!access.tracked)
          continue;
        if (classes[access.conflictClass]) {
          instruction.hasTracked = true;
        } else {
          access.tracked = false;
          if (always)
            (access.isWrite ? writes : reads)
                .push_back(registerFor(registers[access.conflictClass], instruction));
        }
      }
      for (std::uint32_t i = 0; i != instruction.accessCount; ++i)
        if (PlanAccess &access = plan.accesses[instruction.firstAccess + i]; access.tracked)
          access.conflictClass = *classes[access.conflictClass];
        else
          access.conflictClass = 0;
      append(reads, instruction.firstRead, instruction.readCount);
      append(writes, instruction.firstWrite, instruction.writeCount);
    }
  }

  /// Gives storages without order a slot for each client, and none a state.
  void relaxStorages() {
    for (PlanStorage &storage : relaxed_.plan.storages) {
      storage.hasState = false;
      storage.stateGroup.reset();
      storage.servesFetch = false;
      if (!storage.programOrder)
        storage.slots = std::max<std::int64_t>(storage.slots, storage.clients);
    }
    for (PlanAccess &access : relaxed_.plan.accesses)
      access.changesState = false;
    relaxed_.plan.blockClasses.clear();
    relaxed_.plan.stateful.clear();
    relaxed_.plan.fetch.storage.reset();
  }

  RelaxedPlan &relaxed() { return relaxed_; }

private:
  [[nodiscard]] std::vector<std::uint32_t> registersOf(std::uint32_t first,
                                                       std::uint32_t count) const {
    const auto begin = original_.registers.begin() + first;
    return {begin, begin + count};
  }

  void append(const std::vector<std::uint32_t> &registers, std::uint32_t &first,
              std::uint32_t &count) {
    std::vector<std::uint32_t> &all = relaxed_.plan.registers;
    first = static_cast<std::uint32_t>(all.size());
    count = static_cast<std::uint32_t>(registers.size());
    all.insert(all.end(), registers.begin(), registers.end());
  }

  /// The register that stands for a class of conflicts.
  std::uint32_t registerFor(std::optional<std::uint32_t> &reg, const PlanInstruction &user) {
    Plan &plan = relaxed_.plan;
    const std::int64_t distance = plan.objects[user.unit].distance;
    if (!reg) {
      reg = plan.registerCount++;
      plan.registerIds.push_back(firstOwnRegister + *reg);
      plan.registerDistance.push_back(distance);
    }
    plan.registerDistance[*reg] = std::min(plan.registerDistance[*reg], distance);
    return *reg;
  }

  /// Keeps the classes whose tracked accesses move alike with each iteration, of every loop, and
  /// returns their new numbers. Then which accesses overlap is the same in each iteration.
  std::vector<std::optional<std::uint32_t>> keepRepeatingClasses() {
    Plan &plan = relaxed_.plan;
    std::vector<std::optional<std::uint32_t>> numbers(original_.conflictClasses);
    plan.conflictClasses = 0;
    for (RepeatFacts &facts : plan.repeats) {
      facts.isShiftInvariant = true;
      facts.stride.clear();
      facts.addressPeriod = 1;
      facts.moving.clear();
    }
    std::vector<std::vector<std::int64_t>> strides; // by repeat and class
    std::vector<bool> repeats(original_.conflictClasses, addresses_ == Addresses::Repeating);
    for (std::uint32_t i = 0; i != plan.repeats.size(); ++i)
      strides.push_back(stridesOf(i, repeats));
    for (std::uint32_t conflicts = 0; conflicts != original_.conflictClasses; ++conflicts) {
      if (!repeats[conflicts])
        continue;
      numbers[conflicts] = plan.conflictClasses++;
      for (std::size_t i = 0; i != plan.repeats.size(); ++i)
        plan.repeats[i].stride.push_back(strides[i][conflicts]);
    }
    return numbers;
  }

  /// By class: bytes by which its tracked accesses move with an iteration. Classes in which that is
  /// not one number are marked in \p repeats.
  std::vector<std::int64_t> stridesOf(std::uint32_t index, std::vector<bool> &repeats) const {
    std::vector<std::optional<std::int64_t>> strides(original_.conflictClasses);
    for (const std::uint32_t instruction : instructionsBelow(index)) {
      const PlanInstruction &planned = original_.instructions[instruction];
      for (std::uint32_t a = 0; a != planned.accessCount; ++a) {
        const PlanAccess &access = original_.accesses[planned.firstAccess + a];
        if (!access.tracked)
          continue;
        const auto stride = strideOf(access.operand->address, original_.program->repeats[index]);
        std::optional<std::int64_t> &known = strides[access.conflictClass];
        if (!stride || (known && *known != *stride))
          repeats[access.conflictClass] = false;
        known = stride;
      }
    }
    std::vector<std::int64_t> result;
    for (const std::optional<std::int64_t> &stride : strides)
      result.push_back(stride.value_or(0));
    return result;
  }

  [[nodiscard]] std::vector<std::uint32_t> instructionsBelow(std::uint32_t repeat) const {
    const program::Program &program = *original_.program;
    std::vector<bool> visited(program.regions.size());
    std::vector<std::uint32_t> found;
    std::vector<program::RegionId> pending{program.repeats[repeat].body};
    while (!pending.empty()) {
      const program::RegionId region = pending.back();
      pending.pop_back();
      if (visited[region])
        continue;
      visited[region] = true;
      for (const program::Step &step : program.regions[region].steps)
        if (step.kind == program::Step::Kind::Repeat)
          pending.push_back(program.repeats[step.index].body);
        else
          found.push_back(step.index);
    }
    return found;
  }

  /// Bytes by which an address moves with one iteration; none if it is not affine.
  static std::optional<std::int64_t> strideOf(const program::Address &address,
                                              const program::Repeat &repeat) {
    if (address.hasRest)
      return std::nullopt;
    std::int64_t coefficient = 0;
    for (const program::Address::Term &term : address.terms)
      if (term.depth == repeat.depth)
        coefficient += term.coefficient;
    return checkedMul(coefficient, repeat.step);
  }

  const Plan &original_;
  Addresses addresses_;
  RelaxedPlan relaxed_;
};

/// Splits objects whose order of entry depends on time by the way on which instructions come to
/// them: those of one way keep their order and exclude one another.
class WaySplitter {
public:
  explicit WaySplitter(Plan &plan) : plan_(plan), objects_(plan.objects) {}

  void split() {
    if (std::ranges::none_of(objects_, &PlanObject::mergesByTime))
      return;
    for (PlanInstruction &instruction : plan_.instructions) {
      std::vector<std::uint32_t> way;
      bool depends = false; // whether the order of those before depends on time
      const auto visit = [&](std::uint32_t object) {
        way.push_back(object);
        depends = objects_[object].mergesByTime || (objects_[object].takesAsTheyCome && depends);
        return depends ? copyFor(way) : object;
      };
      // Routes may be shared by instructions with the same stages: copies get a slice of their own.
      const auto first = static_cast<std::uint32_t>(plan_.routeObjects.size());
      for (std::uint32_t i = 0; i != instruction.stageCount; ++i)
        plan_.routeObjects.push_back(visit(plan_.routeObjects[instruction.firstStage + i]));
      instruction.firstStage = first;
      instruction.unit = visit(instruction.unit);
    }
  }

private:
  std::uint32_t copyFor(const std::vector<std::uint32_t> &way) {
    const auto [copy, isNew] =
        copies_.try_emplace(way, static_cast<std::uint32_t>(plan_.objects.size()));
    if (isNew) {
      PlanObject object = objects_[way.back()];
      object.mergesByTime = object.takesAsTheyCome = false;
      plan_.objects.push_back(object);
    }
    return copy->second;
  }

  Plan &plan_;
  const std::vector<PlanObject> objects_; ///< as they were
  std::map<std::vector<std::uint32_t>, std::uint32_t> copies_;
};

/// Whether the oldest of the requests made so far is served first and some may have to wait.
bool isContended(const PlanStorage &storage) {
  return !storage.programOrder && !storage.neverWaits();
}

/// Computes what contention may cost in the worst case.
class WorstCaseServices {
public:
  WorstCaseServices(const Plan &plan, RelaxedPlan &relaxed)
      : plan_(plan), relaxed_(relaxed), counts_(plan.program->executions()),
        work_(plan.storages.size(), 0) {}

  /// False if a number is too large.
  bool apply(const std::vector<std::int64_t> &services) {
    for (std::size_t i = 0; i != plan_.instructions.size(); ++i) {
      const PlanInstruction &instruction = plan_.instructions[i];
      for (std::uint32_t a = 0; instruction.makesRequests && a != instruction.accessCount; ++a) {
        const std::uint32_t index = instruction.firstAccess + a;
        serve(relaxed_.plan.accesses[index], services[index], counts_[i]);
      }
    }
    if (plan_.fetch.storage)
      relaxed_.plan.fetch.readLatency =
          serve(*plan_.fetch.storage, plan_.fetch.readLatency, mostFetches(plan_, counts_));
    for (std::size_t s = 0; s != work_.size(); ++s)
      relaxed_.addedCycles = add(relaxed_.addedCycles, ceilDiv(work_[s], plan_.storages[s].slots));
    return isInRange_ && relaxed_.addedCycles < longest;
  }

private:
  /// Sums of a few such times stay in range.
  static constexpr std::int64_t longest = std::int64_t{1} << 60;

  void serve(PlanAccess &access, std::int64_t service, Count count) {
    access.service = serve(access.storage, service, count);
    isInRange_ = isInRange_ && access.service < longest;
  }

  /// Where requests wait, all slots are busy: such time is bounded by the work there is. What is
  /// counted so need not be counted again in the service times (docs/exactness.md).
  std::int64_t serve(std::uint32_t index, std::int64_t service, Count count) {
    const PlanStorage &storage = plan_.storages[index];
    if (!isContended(storage))
      return service;
    work_[index] = count ? add(work_[index], multiply(*count, service)) : endless;
    return service - service / storage.slots;
  }

  const Plan &plan_;
  RelaxedPlan &relaxed_;
  const std::vector<Count> counts_;
  std::vector<std::int64_t> work_; ///< by storage: cycles of service
  bool isInRange_ = true;
};

} // namespace

Count mostFetches(const Plan &plan, const std::vector<Count> &counts) {
  Count all = 0;
  Count branches = 0;
  for (std::size_t i = 0; i != counts.size(); ++i) {
    all = all && counts[i] ? checkedAdd(*all, *counts[i]) : std::nullopt;
    if (plan.instructions[i].isBranch)
      branches = branches && counts[i] ? checkedAdd(*branches, *counts[i]) : std::nullopt;
  }
  if (!all || !branches)
    return std::nullopt;
  return checkedAdd(ceilDiv(*all, plan.fetch.width), *branches);
}

RelaxedPlan makeBestCase(const Plan &plan, const std::vector<std::int64_t> &services,
                         Addresses addresses) {
  Relaxer relaxer(plan, addresses);
  relaxer.relaxAddresses(false);
  relaxer.relaxStorages();
  RelaxedPlan &relaxed = relaxer.relaxed();
  for (std::size_t i = 0; i != services.size(); ++i)
    relaxed.plan.accesses[i].service = services[i];
  WaySplitter(relaxed.plan).split();
  return std::move(relaxed);
}

std::optional<RelaxedPlan>
makeWorstCase(const Plan &plan, const std::vector<std::int64_t> &services, Addresses addresses) {
  const auto isOrderedFetch = [](const PlanStorage &storage) {
    return storage.servesFetch && storage.programOrder;
  };
  if (std::ranges::any_of(plan.objects, &PlanObject::mergesByTime) ||
      std::ranges::any_of(plan.storages, isOrderedFetch))
    return std::nullopt;
  Relaxer relaxer(plan, addresses);
  relaxer.relaxAddresses(true);
  relaxer.relaxStorages();
  RelaxedPlan &relaxed = relaxer.relaxed();
  if (!WorstCaseServices(plan, relaxed).apply(services))
    return std::nullopt;
  return std::move(relaxed);
}

} // namespace acadlc::aidg
