#include "backend/aidg/LoopSearch.h"

#include "backend/aidg/AddressClasses.h"

namespace acadlc::aidg {

namespace {

/// States that are looked at in one run through a loop before the search is given up.
constexpr std::size_t mostOffers = std::size_t{1} << 17;
/// Words of a state that may be compared for each instruction evaluated: comparing must not cost
/// more than evaluating.
constexpr std::int64_t wordsPerInstruction = 64;

std::vector<std::int64_t> shiftBy(const RepeatFacts &facts, std::int64_t iterations) {
  std::vector<std::int64_t> shift;
  shift.reserve(facts.stride.size());
  for (const std::int64_t stride : facts.stride)
    shift.push_back(stride * iterations);
  return shift;
}

} // namespace

void LoopSearch::followStream(const MergingState &state) {
  std::size_t same = 0;
  while (same != levels_.size() && same != loops_.size() &&
         levels_[same].entry == loops_[same].entry)
    ++same;
  levels_.resize(same);
  for (; same != loops_.size(); ++same) {
    Level &level = levels_.emplace_back();
    level.entry = loops_[same].entry;
    level.lastIndex = state.nextIndex;
    const RepeatFacts &facts = plan_->repeats[loops_[same].repeat];
    level.isSearching = facts.canRecurIn(plan_->program->repeats[loops_[same].repeat].count);
  }
}

bool LoopSearch::isDue(std::size_t depth, const MergingState &state) const {
  const Level &level = levels_[depth];
  if (!level.isSearching || loops_[depth].iteration == level.lastIteration)
    return false;
  const RepeatFacts &facts = plan_->repeats[loops_[depth].repeat];
  const std::int64_t iteration = loops_[depth].iteration;
  // Wide fetches may always miss the same iterations: the phase of the first one comes again.
  if (level.firstIteration >= 0 && !facts.isWorthComparing(iteration) &&
      (iteration - level.firstIteration) % facts.addressPeriod != 0)
    return false;
  if ((state.nextIndex - level.lastIndex) * wordsPerInstruction <
      static_cast<std::int64_t>(key_.size()))
    return false;
  return facts.moving.empty() ||
         (state.movesInOwnBlocks(facts.stride) && lastIteration(depth, iteration) >= iteration);
}

void LoopSearch::buildKey(std::size_t depth, const MergingState &state) {
  key_.clear();
  // Where the next instruction stands in the loop's body.
  key_.push_back(static_cast<std::int64_t>(loops_.size()));
  key_.push_back(static_cast<std::int64_t>(loops_[depth].step));
  for (std::size_t inner = depth + 1; inner != loops_.size(); ++inner)
    key_.insert(key_.end(),
                {loops_[inner].iteration, static_cast<std::int64_t>(loops_[inner].step)});
  const RepeatFacts &facts = plan_->repeats[loops_[depth].repeat];
  const std::int64_t iteration = loops_[depth].iteration;
  key_.push_back(iteration - facts.wholePeriods(iteration));
  state.appendNormalForm(shiftBy(facts, facts.wholePeriods(iteration)), key_);
}

std::int64_t LoopSearch::lastIteration(std::size_t depth, std::int64_t first) const {
  std::vector<std::int64_t> outerValues;
  for (std::size_t outer = 0; outer != depth; ++outer) {
    const program::Repeat &repeat = plan_->program->repeats[loops_[outer].repeat];
    outerValues.push_back(repeat.first + loops_[outer].iteration * repeat.step);
  }
  return lastInOwnBlocks(*plan_, loops_[depth].repeat, outerValues, first);
}

std::optional<LoopSearch::Jump> LoopSearch::offer(std::size_t depth, const MergingState &state,
                                                  const program::InstructionStream &stream) {
  Level &level = levels_[depth];
  const std::int64_t iteration = loops_[depth].iteration;
  const program::Repeat &repeat = plan_->program->repeats[loops_[depth].repeat];
  level.lastIteration = iteration;
  level.lastIndex = state.nextIndex;
  if (level.firstIteration < 0)
    level.firstIteration = iteration;
  level.isSearching = level.marks.size() < mostOffers;
  const Mark mark{state.now, state.nextIndex, stream.kernelIterations()};
  level.marks.emplace(iteration, mark);
  buildKey(depth, state);
  const std::optional<std::int64_t> earlier = level.search.offer(iteration, key_);
  if (!earlier)
    return std::nullopt;
  level.isSearching =
      false; // what is left is less than a period, or ends at blocks that are shared
  const std::int64_t period = iteration - *earlier;
  const std::int64_t periods = (lastIteration(depth, *earlier) - iteration) / period;
  if (periods <= 0)
    return std::nullopt;
  const Mark &before = level.marks.at(*earlier);
  Jump jump;
  jump.certificate = {repeat.range,           *earlier,         period,
                      state.now - before.now, before.nextIndex, state.nextIndex - before.nextIndex};
  jump.depth = depth;
  jump.iterations = periods * jump.certificate.period;
  // No overflow: the stream's totals are 64-bit numbers.
  jump.instructions = periods * (state.nextIndex - before.nextIndex);
  jump.kernelIterations = periods * (stream.kernelIterations() - before.kernelIterations);
  if (__builtin_mul_overflow(periods, jump.certificate.cyclesPerPeriod, &jump.cycles))
    jump.cycles = unknown;
  jump.addressShift = shiftBy(plan_->repeats[loops_[depth].repeat], jump.iterations);
  levels_.resize(depth + 1); // marks of inner loops would be compared across the jump
  return jump;
}

std::optional<LoopSearch::Jump> LoopSearch::find(const MergingState &state,
                                                 const program::InstructionStream &stream) {
  stream.findLoops(loops_);
  followStream(state);
  for (std::size_t depth = loops_.size(); depth-- != 0;)
    if (isDue(depth, state))
      if (auto jump = offer(depth, state, stream))
        return jump;
  return std::nullopt;
}

} // namespace acadlc::aidg
