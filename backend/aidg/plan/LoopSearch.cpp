#include "backend/aidg/plan/LoopSearch.h"

#include <limits>

namespace acadlc::aidg {

namespace {

/// States that are looked at in one run through a loop before the search is given up.
constexpr std::size_t mostOffers = std::size_t{1} << 17;

std::vector<std::int64_t> shiftBy(const RepeatFacts &facts, std::int64_t iterations) {
  std::vector<std::int64_t> shift;
  shift.reserve(facts.stride.size());
  for (const std::int64_t stride : facts.stride)
    shift.push_back(stride * iterations);
  return shift;
}

} // namespace

void LoopSearch::followStream(const Point &point) {
  std::size_t same = 0;
  while (same != levels_.size() && same != loops_.size() &&
         levels_[same].entry == loops_[same].entry)
    ++same;
  levels_.resize(same);
  for (; same != loops_.size(); ++same) {
    Level &level = levels_.emplace_back();
    level.entry = loops_[same].entry;
    level.lastEvaluated = point.evaluated;
    const RepeatFacts &facts = (*repeats_)[loops_[same].repeat];
    level.isSearching = facts.canRecurIn(program_->repeats[loops_[same].repeat].count);
  }
}

bool LoopSearch::isDue(std::size_t depth, const Point &point, const State &state) const {
  const Level &level = levels_[depth];
  if (!level.isSearching || loops_[depth].iteration == level.lastIteration)
    return false;
  const RepeatFacts &facts = (*repeats_)[loops_[depth].repeat];
  const std::int64_t iteration = loops_[depth].iteration;
  // Wide fetches may always miss the same iterations: the phase of the first one comes again.
  if (level.firstIteration >= 0 && !facts.isWorthComparing(iteration) &&
      (iteration - level.firstIteration) % facts.addressPeriod != 0)
    return false;
  if ((point.evaluated - level.lastEvaluated) * wordsPerInstruction_ <
      static_cast<std::int64_t>(key_.size()))
    return false;
  return facts.moving.empty() ||
         (state.movesInOwnBlocks(facts) && lastIteration(depth, state, iteration) >= iteration);
}

std::int64_t LoopSearch::lastIteration(std::size_t depth, const State &state,
                                       std::int64_t first) const {
  const std::uint32_t repeat = loops_[depth].repeat;
  if ((*repeats_)[repeat].moving.empty())
    return program_->repeats[repeat].count - 1;
  std::vector<std::int64_t> outerValues;
  for (std::size_t outer = 0; outer != depth; ++outer) {
    const program::Repeat &around = program_->repeats[loops_[outer].repeat];
    outerValues.push_back(around.first + loops_[outer].iteration * around.step);
  }
  return state.lastInOwnBlocks(repeat, outerValues, first);
}

void LoopSearch::buildKey(std::size_t depth, const State &state) {
  key_.clear();
  // Where the next instruction stands in the loop's body.
  key_.push_back(static_cast<std::int64_t>(loops_.size()));
  key_.push_back(static_cast<std::int64_t>(loops_[depth].step));
  for (std::size_t inner = depth + 1; inner != loops_.size(); ++inner)
    key_.insert(key_.end(),
                {loops_[inner].iteration, static_cast<std::int64_t>(loops_[inner].step)});
  const RepeatFacts &facts = (*repeats_)[loops_[depth].repeat];
  const std::int64_t whole = facts.wholePeriods(loops_[depth].iteration);
  key_.push_back(loops_[depth].iteration - whole);
  state.appendNormalForm(shiftBy(facts, whole), key_);
}

std::optional<LoopSearch::Jump> LoopSearch::offer(std::size_t depth, const Point &point,
                                                  const program::InstructionStream &stream,
                                                  const State &state) {
  Level &level = levels_[depth];
  const std::int64_t iteration = loops_[depth].iteration;
  const program::Repeat &repeat = program_->repeats[loops_[depth].repeat];
  level.lastIteration = iteration;
  level.lastEvaluated = point.evaluated;
  if (level.firstIteration < 0)
    level.firstIteration = iteration;
  level.isSearching = level.marks.size() < mostOffers;
  level.marks.emplace(iteration,
                      Mark{point.now, point.nextIndex, stream.kernelIterations(),
                           usage_ == nullptr ? UsageTotals::Snapshot() : usage_->snapshot()});
  buildKey(depth, state);
  const std::optional<std::int64_t> earlier = level.search.offer(iteration, key_);
  if (!earlier)
    return std::nullopt;
  // What is left is less than a period, or ends at blocks that are shared.
  level.isSearching = false;
  const std::int64_t period = iteration - *earlier;
  const std::int64_t last = lastIteration(depth, state, *earlier);
  const std::int64_t periods = (last - iteration) / period;
  if (periods <= 0)
    return std::nullopt;
  const Mark &before = level.marks.at(*earlier);
  Jump jump;
  jump.certificate = {repeat.range,
                      *earlier,
                      period,
                      point.now - before.now,
                      before.nextIndex,
                      point.nextIndex - before.nextIndex,
                      last + 1 < repeat.count ? periods + 1 : 0};
  jump.usageBefore = before.usage;
  jump.periods = periods;
  jump.depth = depth;
  jump.repeat = loops_[depth].repeat;
  jump.iterations = periods * jump.certificate.period;
  // No overflow: the stream's totals are 64-bit numbers.
  jump.instructions = periods * (point.nextIndex - before.nextIndex);
  jump.kernelIterations = periods * (stream.kernelIterations() - before.kernelIterations);
  if (__builtin_mul_overflow(periods, jump.certificate.cyclesPerPeriod, &jump.cycles))
    jump.cycles = std::numeric_limits<std::int64_t>::max();
  jump.addressShift = shiftBy((*repeats_)[loops_[depth].repeat], jump.iterations);
  levels_.resize(depth + 1); // marks of inner loops would be compared across the jump
  return jump;
}

std::optional<LoopSearch::Jump>
LoopSearch::find(const Point &point, const program::InstructionStream &stream, const State &state) {
  stream.findLoops(loops_);
  followStream(point);
  for (std::size_t depth = loops_.size(); depth-- != 0;)
    if (isDue(depth, point, state))
      if (auto jump = offer(depth, point, stream, state))
        return jump;
  return std::nullopt;
}

} // namespace acadlc::aidg
