#include "backend/aidg/bounds/RelaxedEvaluator.h"

#include <algorithm>
#include <unordered_map>

namespace acadlc::aidg {

namespace {

/// Iterations before a leap: the more, the closer are the rates of all components.
constexpr std::int64_t kernelWarmUp = 32, outerWarmUp = 6;
/// Instructions behind which loops are left as soon as possible, and behind which nothing goes on.
constexpr std::int64_t patience = 20'000'000, mostInstructions = 10 * patience;

} // namespace

RelaxedEvaluator::RelaxedEvaluator(const Plan &plan, Side side)
    : plan_(plan), flat_(plan), side_(side), times_(flat_) {}

std::optional<std::int64_t> RelaxedEvaluator::run() {
  try {
    evaluateRegion(plan_.program->root);
  } catch (const Stopped &) {
    if (side_ == Side::Upper)
      return std::nullopt;
  } catch (const TimeOverflow &) {
    if (side_ == Side::Upper)
      return std::nullopt;
  }
  return times_.values[TimeLayout::end];
}

//===--- Loops --------------------------------------------------------------------------------===//

void RelaxedEvaluator::evaluateRegion(program::RegionId region) {
  for (const program::Step &step : plan_.program->regions[region].steps) {
    if (step.kind == program::Step::Kind::Repeat) {
      evaluateRepeat(step.index);
      continue;
    }
    if (++evaluated_ > mostInstructions)
      throw Stopped{};
    times_.evaluate(flat_.instructions[step.index]);
  }
}

std::int64_t RelaxedEvaluator::warmUp(const RepeatFacts &facts) const {
  if (evaluated_ > patience)
    return 1;
  return facts.isKernel ? kernelWarmUp : outerWarmUp;
}

void RelaxedEvaluator::evaluateRepeat(std::uint32_t index) {
  const program::Repeat &repeat = plan_.program->repeats[index];
  const RepeatFacts &facts = plan_.repeats[index];
  if (facts.isEmpty)
    return;
  std::unordered_map<std::int64_t, Mark> marks; // by the instructions left in the block
  bool isSearching = true;
  for (std::int64_t iteration = 0; iteration < repeat.count;) {
    evaluateRegion(repeat.body);
    ++iteration;
    if (!isSearching || iteration == repeat.count)
      continue;
    times_.storeIssues();
    times_.clamp();
    times_.takeIssues();
    Mark &mark = marks[times_.remaining];
    if (mark.iteration != 0 && iteration > warmUp(facts)) {
      iteration = leap(mark, iteration, repeat.count);
      isSearching = false;
      marks.clear();
      continue;
    }
    mark.iteration = iteration;
    mark.times = times_.values;
  }
}

/// Goes on as if all periods but the last had passed; returns the iteration. The last shows the
/// end.
std::int64_t RelaxedEvaluator::leap(const Mark &earlier, std::int64_t iteration,
                                    std::int64_t count) {
  const std::int64_t period = iteration - earlier.iteration;
  const std::int64_t periods = (count - iteration) / period - 1;
  if (periods <= 0)
    return iteration;
  std::vector<std::int64_t> &times = times_.values;
  std::int64_t least = times.front() - earlier.times.front();
  std::int64_t most = least;
  for (std::size_t i = 1; i != times.size(); ++i) {
    least = std::min(least, times[i] - earlier.times[i]);
    most = std::max(most, times[i] - earlier.times[i]);
  }
  std::int64_t total = 0;
  if (__builtin_mul_overflow(periods, side_ == Side::Lower ? least : most, &total) ||
      total > timeLimit)
    throw Stopped{};
  for (std::int64_t &time : times)
    time += total;
  times_.takeIssues();
  return iteration + periods * period;
}

} // namespace acadlc::aidg
