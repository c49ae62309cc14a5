#include "backend/aidg/bounds/RequestHistory.h"

#include "backend/aidg/plan/AddressClasses.h"
#include "backend/aidg/plan/Recurrence.h"
#include "backend/aidg/plan/StorageForm.h"
#include "backend/aidg/plan/TimeLimit.h"
#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace acadlc::aidg {

namespace {

using arch::ObjectClass;
using arch::ObjectId;

/// States that are looked at in one run through a loop before the search is given up.
constexpr std::size_t mostOffers = 4096;
/// Numbers of a state that may be compared for each request, so that comparing does not cost more
/// than looking at requests.
constexpr std::int64_t numbersPerRequest = 4;

/// \p plan with the requests to \p storages as its only accesses to anything with an address.
Plan restrictTo(const Plan &plan, std::span<const std::uint32_t> storages) {
  Plan restricted = plan;
  for (PlanInstruction &instruction : restricted.instructions)
    instruction.hasTracked = false;
  for (PlanAccess &access : restricted.accesses) {
    access.tracked = false;
    access.changesState =
        access.changesState && std::ranges::find(storages, access.storage) != storages.end();
  }
  restricted.conflictClasses = 0;
  restricted.blockClasses.clear();
  restricted.stateful.clear();
  restricted.repeats.clear();
  planAddresses(restricted);
  return restricted;
}

arch::ArchitectureGraph withoutRowWaits(const arch::ArchitectureGraph &graph) {
  arch::ArchitectureGraph changed = graph;
  for (arch::Object &object : changed.objects)
    object.tRAS = 0;
  return changed;
}

/// Storages that serve one request after the other, without the times of requests.
///
/// If no request ever had to wait for t_RAS and each were made when the one before is over, the
/// least times would come true. Truly, no less time passes between an activation and a later
/// request; so that is the longest wait.
class OrderedStorages {
public:
  OrderedStorages(const Plan &plan, std::span<const std::uint32_t> storages)
      : graph_(withoutRowWaits(*plan.graph)), least_(graph_), form_(plan) {
    for (const std::uint32_t storage : storages)
      for (ObjectId id = plan.storages[storage].id; id != arch::noObject;
           id = plan.graph->objects[id].lower)
        if (plan.graph->objects[id].objectClass == ObjectClass::DRAM)
          dram_ = id;
    if (dram_)
      greatest_.emplace(*plan.graph);
  }

  ServiceBounds serve(ObjectId storage, const timing::Request &request) {
    std::optional<std::int64_t> most;
    if (greatest_) {
      greatest_->banks(*dram_) = least_.banks(*dram_);
      most = greatest_->serve(storage, request, clock_);
    }
    const std::int64_t least = least_.serve(storage, request, clock_);
    clock_ = checkedAdd(clock_, least).value_or(timeLimit);
    return {least, most.value_or(least)};
  }

  /// Whether times are still in range.
  [[nodiscard]] bool canGoOn() const { return clock_ < timeLimit; }

  void append(std::span<const std::int64_t> addressShift, std::vector<std::int64_t> &key) const {
    form_.append(least_, addressShift, clock_, key);
  }

  void shift(std::span<const std::int64_t> addressShift) {
    form_.shift(least_, addressShift, 0);
    if (greatest_)
      form_.shift(*greatest_, addressShift, 0);
  }

private:
  const arch::ArchitectureGraph graph_; ///< without t_RAS
  timing::StorageModel least_;
  std::optional<timing::StorageModel> greatest_; ///< its caches hold the same as those of least_
  std::optional<ObjectId> dram_;
  StorageForm form_;
  std::int64_t clock_ = 0; ///< if each request takes the least time
};

class Walk {
public:
  Walk(const Plan &plan, std::span<const std::uint32_t> storages, std::int64_t &allowance)
      : plan_(restrictTo(plan, storages)), program_(*plan.program), storages_(plan_, storages),
        allowance_(allowance), loopValues_(program_.maxDepth, 0), last_(plan.accesses.size()) {
    isRelevant_.resize(program_.regions.size());
    findRelevant(program_.root);
  }

  RequestHistory run() {
    try {
      if (*isRelevant_[program_.root])
        walkRegion(program_.root);
    } catch (const Stopped &) {
      return counted(); // so far: still right
    }
    return counted();
  }

private:
  struct Stopped {}; ///< thrown and caught within run(): the allowance is used up

  [[nodiscard]] RequestHistory counted() const {
    RequestHistory history;
    for (const auto &[key, place] : places_) {
      const auto &[access, least, most] = key;
      history[access].push_back({{least, most}, numbers_[place]});
    }
    return history;
  }

  /// Whether a request is made in a region; regions are shared.
  bool findRelevant(program::RegionId region) {
    if (isRelevant_[region])
      return *isRelevant_[region];
    bool found = false;
    for (const program::Step &step : program_.regions[region].steps)
      if (step.kind == program::Step::Kind::Emit)
        found |= makesRequest(plan_.instructions[step.index]);
      else
        found |= findRelevant(program_.repeats[step.index].body) &&
                 program_.repeats[step.index].count > 0;
    isRelevant_[region] = found;
    return found;
  }

  [[nodiscard]] bool makesRequest(const PlanInstruction &instruction) const {
    for (std::uint32_t a = 0; a != instruction.accessCount; ++a)
      if (plan_.accesses[instruction.firstAccess + a].changesState)
        return true;
    return false;
  }

  void walkRegion(program::RegionId region) {
    for (const program::Step &step : program_.regions[region].steps)
      if (step.kind == program::Step::Kind::Emit)
        serve(plan_.instructions[step.index]);
      else if (*isRelevant_[program_.repeats[step.index].body])
        walkRepeat(step.index);
  }

  void serve(const PlanInstruction &instruction) {
    for (std::uint32_t a = 0; a != instruction.accessCount; ++a) {
      const std::uint32_t index = instruction.firstAccess + a;
      const PlanAccess &access = plan_.accesses[index];
      if (!access.changesState)
        continue;
      if (allowance_ <= 0 || !storages_.canGoOn())
        throw Stopped{};
      --allowance_;
      ++walked_;
      const std::int64_t address = program_.evaluate(access.operand->address, loopValues_);
      const ServiceBounds service = storages_.serve(plan_.storages[access.storage].id,
                                                    {address, access.bytes, access.isWrite});
      if (service.most > timeLimit)
        throw Stopped{};
      count(index, service);
    }
  }

  void count(std::uint32_t access, const ServiceBounds &service) {
    Last &last = last_[access];
    if (!last.place || last.service.least != service.least || last.service.most != service.most) {
      const auto [entry, isNew] =
          places_.try_emplace({access, service.least, service.most}, numbers_.size());
      if (isNew)
        numbers_.push_back(0);
      last = {service, entry->second};
    }
    ++numbers_[*last.place];
  }

  /// One run through a loop.
  struct Run {
    RecurrenceSearch search;
    /// By the number of iterations: what had been counted behind them.
    std::unordered_map<std::int64_t, std::vector<std::int64_t>> marks;
    std::vector<std::int64_t> key;
    std::int64_t walkedBefore = 0;
    bool isSearching = true;
  };

  void walkRepeat(std::uint32_t index) {
    const program::Repeat &repeat = program_.repeats[index];
    Run run;
    run.isSearching = plan_.repeats[index].canRecurIn(repeat.count);
    run.walkedBefore = walked_;
    for (std::int64_t trip = 0; trip < repeat.count;) {
      loopValues_[repeat.depth] = repeat.first + trip * repeat.step;
      walkRegion(repeat.body);
      ++trip;
      if (isWorthComparing(run, index, trip))
        trip += skip(run, index, trip);
    }
  }

  [[nodiscard]] bool isWorthComparing(const Run &run, std::uint32_t index,
                                      std::int64_t trip) const {
    const auto numbers = static_cast<std::int64_t>(run.key.size() + numbers_.size());
    return run.isSearching && trip < program_.repeats[index].count &&
           (walked_ - run.walkedBefore) * numbersPerRequest >= numbers &&
           plan_.repeats[index].isWorthComparing(trip) &&
           lastInOwnBlocks(plan_, index, loopValues_, trip) >= trip;
  }

  /// Looks whether what the storages hold behind \p trip iterations recurs; returns by how many
  /// iterations that allows to go on.
  std::int64_t skip(Run &run, std::uint32_t index, std::int64_t trip) {
    const RepeatFacts &facts = plan_.repeats[index];
    run.isSearching = run.marks.size() < mostOffers;
    run.walkedBefore = walked_;
    const std::int64_t whole = facts.wholePeriods(trip);
    run.key.assign(1, trip - whole);
    storages_.append(shiftBy(facts, whole), run.key);
    run.marks.emplace(trip, numbers_);
    const std::optional<std::int64_t> earlier = run.search.offer(trip, run.key);
    if (!earlier)
      return 0;
    run.isSearching = false;
    const std::int64_t period = trip - *earlier;
    const std::int64_t allowed = lastInOwnBlocks(plan_, index, loopValues_, *earlier) + 1;
    const std::int64_t periods = std::max<std::int64_t>(allowed - trip, 0) / period;
    // No overflow: the numbers of requests of a stream are 64-bit numbers.
    const std::vector<std::int64_t> &before = run.marks.at(*earlier);
    for (std::size_t i = 0; i != numbers_.size(); ++i)
      numbers_[i] += periods * (numbers_[i] - (i < before.size() ? before[i] : 0));
    storages_.shift(shiftBy(facts, periods * period));
    return periods * period;
  }

  static std::vector<std::int64_t> shiftBy(const RepeatFacts &facts, std::int64_t trips) {
    std::vector<std::int64_t> shift;
    for (const std::int64_t stride : facts.stride)
      shift.push_back(stride * trips);
    return shift;
  }

  const Plan plan_; ///< with the requests to these storages alone
  const program::Program &program_;
  OrderedStorages storages_;
  std::int64_t &allowance_;
  std::int64_t walked_ = 0; ///< requests
  std::vector<std::int64_t> loopValues_;
  std::vector<std::optional<bool>> isRelevant_; ///< by region
  /// Where the requests of an access with these times are counted.
  std::map<std::tuple<std::uint32_t, std::int64_t, std::int64_t>, std::size_t> places_;
  std::vector<std::int64_t> numbers_; ///< by place
  struct Last {
    ServiceBounds service;
    std::optional<std::size_t> place;
  };
  std::vector<Last> last_; ///< by access: where its last request was counted
};

} // namespace

RequestHistory walkRequests(const Plan &plan, std::span<const std::uint32_t> storages,
                            std::int64_t &allowance) {
  return Walk(plan, storages, allowance).run();
}

} // namespace acadlc::aidg
