#include "backend/aidg/bounds/Bounds.h"

#include "backend/aidg/bounds/Relaxation.h"
#include "backend/aidg/bounds/RelaxedEvaluator.h"
#include "backend/aidg/bounds/RequestTimes.h"
#include "backend/aidg/recurrence/ProgramOrderEvaluator.h"
#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>
#include <vector>

namespace acadlc::aidg {

namespace {

// Cycles are never negative here. Lower bounds saturate, which keeps them right.
constexpr std::int64_t endless = timing::StorageModel::overflow;
std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(endless); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return checkedMul(a, b).value_or(endless); }
std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }
std::int64_t valueOf(Count count) { return count.value_or(endless); }

/// The work of a stream by object, each by itself: needs no order.
class Work {
public:
  Work(const Plan &plan, const std::vector<Count> &counts, const RequestTimes &requests)
      : plan_(plan), counts_(counts), objects_(plan.objects.size(), 0),
        storages_(plan.storages.size(), 0), filling_(requests.filling()) {
    for (std::size_t i = 0; i != counts_.size(); ++i)
      addInstruction(plan.instructions[i], valueOf(counts_[i]), requests);
  }

  /// No object can do its work in less time than it takes, nor begin before the first instruction
  /// has come to it.
  [[nodiscard]] std::int64_t longest() const {
    if (instructions_ == 0)
      return 0;
    const std::int64_t first = plan_.fetch.latency();
    const std::int64_t fetches = ceilDiv(instructions_, plan_.fetch.width);
    std::int64_t most = multiply(fetches, plan_.fetch.latency());
    for (std::size_t i = 0; i != objects_.size(); ++i)
      if (objects_[i] != 0)
        most = std::max(most, add(first + plan_.objects[i].distance, objects_[i]));
    for (std::size_t s = 0; s != storages_.size(); ++s)
      most = std::max(most, ofStorage(s, fetches));
    return most;
  }

  /// Everything one after the other. In each cycle before the end some latency passes: nothing else
  /// takes time.
  [[nodiscard]] std::int64_t sum() const {
    if (instructions_ == 0)
      return 0;
    return add(add(sum_, filling_),
               multiply(valueOf(mostFetches(plan_, counts_)), plan_.fetch.latency()));
  }

private:
  void addInstruction(const PlanInstruction &instruction, std::int64_t count,
                      const RequestTimes &requests) {
    if (count == 0)
      return;
    std::int64_t most = instruction.latency;
    for (std::uint32_t s = 0; s != instruction.stageCount; ++s) {
      const std::uint32_t stage = plan_.routeObjects[instruction.firstStage + s];
      const std::int64_t latency = plan_.objects[stage].latency;
      objects_[stage] = add(objects_[stage], multiply(count, latency));
      most = add(most, latency);
    }
    std::int64_t &unit = objects_[instruction.unit];
    unit = add(unit, multiply(count, instruction.makesRequests ? instruction.latency
                                                               : instruction.occupation));
    sum_ = add(sum_, multiply(count, most));
    for (std::uint32_t a = 0; instruction.makesRequests && a != instruction.accessCount; ++a) {
      const std::uint32_t index = instruction.firstAccess + a;
      const ServiceBounds services = requests.sum(index);
      std::int64_t &storage = storages_[plan_.accesses[index].storage];
      storage = add(storage, services.least);
      unit = add(unit, services.least);
      sum_ = add(sum_, services.most);
    }
    instructions_ = add(instructions_, count);
  }

  [[nodiscard]] std::int64_t ofStorage(std::size_t index, std::int64_t fetches) const {
    const PlanStorage &storage = plan_.storages[index];
    if (storage.servesFetch)
      return add(plan_.fetch.unitLatency,
                 ceilDiv(add(storages_[index], multiply(fetches, plan_.fetch.readLatency)),
                         storage.slots));
    return storages_[index] == 0 ? 0
                                 : add(plan_.fetch.latency() + storage.distance,
                                       ceilDiv(storages_[index], storage.slots));
  }

  const Plan &plan_;
  const std::vector<Count> &counts_;
  std::vector<std::int64_t> objects_, storages_; ///< least cycles that each works
  std::int64_t sum_ = 0;                         ///< greatest, of all instructions
  std::int64_t filling_ = 0;                     ///< greatest, to be added
  std::int64_t instructions_ = 0;
};

timing::Evaluation evaluate(const RelaxedPlan &relaxed, std::int64_t budget) {
  EstimateOptions options;
  options.budget = budget;
  const FlatProgram flat(relaxed.plan);
  Transitions transitions;
  auto result = ProgramOrderEvaluator(relaxed.plan, flat, options, transitions).run();
  ACADLC_CHECK(result.has_value(), "nothing in a relaxed plan depends on the order of time");
  return *result;
}

/// A bound of the end if no request takes less than \p services says.
std::int64_t endOfBestCase(const Plan &plan, const std::vector<std::int64_t> &services,
                           std::int64_t budget) {
  const timing::Evaluation best =
      evaluate(makeBestCase(plan, services, Addresses::Repeating), budget);
  if (best.overflow)
    return 0;
  if (best.completed())
    return best.cycles;
  // A part ends no later than the whole.
  const RelaxedPlan relaxed = makeBestCase(plan, services, Addresses::None);
  const auto leaping = RelaxedEvaluator(relaxed.plan, RelaxedEvaluator::Side::Lower).run();
  return std::max(best.cycles, leaping.value_or(0));
}

/// A bound of the end if no request takes more than \p services says; the largest number if there
/// is no proof.
std::int64_t endOfWorstCase(const Plan &plan, const std::vector<std::int64_t> &services,
                            std::int64_t budget) {
  const auto worst = makeWorstCase(plan, services, Addresses::Repeating);
  if (!worst)
    return endless;
  const timing::Evaluation result = evaluate(*worst, budget);
  if (result.completed())
    return add(result.cycles, worst->addedCycles);
  const auto relaxed = makeWorstCase(plan, services, Addresses::None);
  ACADLC_CHECK(relaxed.has_value(), "addresses do not decide whether there is a worst case");
  const auto leaping = RelaxedEvaluator(relaxed->plan, RelaxedEvaluator::Side::Upper).run();
  return leaping ? add(*leaping, relaxed->addedCycles) : endless;
}

constexpr std::int64_t leastRequests = 1'000'000, mostRequests = 64'000'000;
/// Instructions of a relaxed plan that are evaluated one by one for a second opinion.
constexpr std::int64_t mostOnceMore = 1'000'000;

using Level = RequestTimes::Level;

// Where requests of an access take different times, no one time is right for all of them. But ends
// move by no more than all the differences together.

std::int64_t lowerBound(const Plan &plan, const AssumedServices &assumed, std::int64_t budget) {
  return endOfBestCase(plan, assumed.cycles, budget) - assumed.error;
}

std::int64_t upperBound(const Plan &plan, const AssumedServices &assumed, std::int64_t budget) {
  return add(endOfWorstCase(plan, assumed.cycles, budget), assumed.error);
}

/// Tries the other levels.
void improve(timing::CycleBounds &bounds, const Plan &plan, const RequestTimes &requests,
             std::int64_t budget) {
  for (const Level level : {Level::Middle, Level::Most})
    if (bounds.lower != bounds.upper)
      bounds.lower = std::max(bounds.lower, lowerBound(plan, requests.atLeast(level), budget));
  for (const Level level : {Level::Least, Level::Middle})
    if (bounds.lower != bounds.upper)
      bounds.upper = std::min(bounds.upper, upperBound(plan, requests.atMost(level), budget));
}

} // namespace

BoundsBudget BoundsBudget::of(std::int64_t budget) {
  return {budget, std::clamp(budget, leastRequests, mostRequests)};
}

std::optional<timing::CycleBounds> boundCycles(const Plan &plan, const BoundsBudget &budget) {
  const std::vector<Count> counts = plan.program->executions();
  const RequestTimes requests(plan, counts, budget.requests);
  const Work work(plan, counts, requests);
  timing::CycleBounds bounds;
  bounds.ifCompletes = std::ranges::any_of(plan.objects, &PlanObject::mergesByTime);
  bounds.lower = std::max(work.longest(),
                          lowerBound(plan, requests.atLeast(Level::Least), budget.instructions));
  bounds.upper =
      std::min(work.sum(), upperBound(plan, requests.atMost(Level::Most), budget.instructions));
  if (requests.hasLevels())
    improve(bounds, plan, requests, std::min(budget.instructions, mostOnceMore));
  if (bounds.upper == endless)
    return std::nullopt;
  return bounds;
}

} // namespace acadlc::aidg
