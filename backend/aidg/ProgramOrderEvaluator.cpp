#include "backend/aidg/ProgramOrderEvaluator.h"

#include "backend/aidg/Recurrence.h"

#include <algorithm>
#include <limits>
#include <span>

namespace acadlc::aidg {

namespace {
/// Times beyond this are refused, so that a few additions cannot overflow unnoticed.
constexpr std::int64_t timeLimit = std::int64_t{1} << 61;
} // namespace

ProgramOrderEvaluator::ProgramOrderEvaluator(const Plan &plan, const EstimateOptions &options)
    : plan_(&plan), options_(&options), state_(plan), loopValues_(plan.program->maxDepth, 0) {}

std::optional<timing::Evaluation> ProgramOrderEvaluator::run() {
  timing::Evaluation result;
  const auto totals = plan_->program->totals();
  if (!totals) {
    result.overflow = true;
    return result;
  }
  result.instructions = totals->instructions;
  result.kernelIterations = totals->kernelIterations;
  try {
    evaluateRegion(plan_->program->root);
  } catch (const OrderDependsOnTime &) {
    return std::nullopt;
  } catch (const LimitReached &) {
    result.limitReached = true;
  } catch (const TimeOverflow &) {
    result.overflow = true;
    return result;
  }
  result.cycles = state_.end();
  result.evaluatedIterations = evaluatedIterations_;
  result.guarantee =
      certificates_.empty() ? timing::Guarantee::Exact : timing::Guarantee::Certified;
  result.certificates = std::move(certificates_);
  return result;
}

void ProgramOrderEvaluator::evaluateRegion(program::RegionId region) {
  for (const program::Step &step : plan_->program->regions[region].steps) {
    if (step.kind == program::Step::Kind::Emit)
      evaluateInstruction(step.index);
    else
      evaluateRepeat(step.index);
  }
}

void ProgramOrderEvaluator::evaluateRepeat(std::uint32_t index) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const RepeatFacts &facts = plan_->repeats[index];
  if (facts.isEmpty)
    return;
  bool searching = options_->extrapolate && repeat.count > 2 && facts.isShiftInvariant;
  RecurrenceSearch search;
  std::vector<std::int64_t> key, arrivals;
  std::vector<std::int64_t> shift(facts.stride.size());
  const auto shiftBy = [&](std::int64_t iterations) {
    for (std::size_t space = 0; space != shift.size(); ++space)
      shift[space] = facts.stride[space] * iterations;
  };
  for (std::int64_t iteration = 0; iteration < repeat.count;) {
    loopValues_[repeat.depth] = repeat.first + iteration * repeat.step;
    inKernel_ = facts.isKernel;
    depth_ = repeat.depth + 1;
    evaluateRegion(repeat.body);
    depth_ = repeat.depth;
    inKernel_ = false;
    ++iteration;
    evaluatedIterations_ += facts.isKernel ? 1 : 0;
    if (!searching || iteration == repeat.count)
      continue;
    key.clear();
    shiftBy(iteration);
    arrivals.resize(static_cast<std::size_t>(iteration) + 1);
    arrivals.back() = state_.arrival;
    state_.normalForm(shift, key);
    const std::optional<std::int64_t> earlier = search.offer(iteration, key);
    if (!earlier)
      continue;
    // The state recurs: every later period of iterations costs the same.
    const std::int64_t period = iteration - *earlier;
    const std::int64_t cycles = state_.arrival - arrivals[static_cast<std::size_t>(*earlier)];
    certificates_.push_back({repeat.range, *earlier, period, cycles, 0, 0});
    searching = false;
    const std::int64_t periods = (repeat.count - iteration) / period;
    std::int64_t total = 0;
    if (__builtin_mul_overflow(periods, cycles, &total) || total > timeLimit)
      throw TimeOverflow{};
    shiftBy(periods * period);
    state_.shift(total, shift);
    iteration += periods * period;
  }
}

std::int64_t ProgramOrderEvaluator::arrivalOfNext() {
  if (state_.remaining == 0) {
    const std::int64_t start = std::max(state_.fetchFree, state_.bufferRoom());
    if (start > timeLimit)
      throw TimeOverflow{};
    state_.arrival = start + plan_->fetch.latency();
    state_.fetchFree = state_.arrival;
    state_.remaining = plan_->fetch.width;
  }
  --state_.remaining;
  return state_.arrival;
}

void ProgramOrderEvaluator::evaluateInstruction(std::uint32_t id) {
  if (index_ == options_->maxInstructions)
    throw LimitReached{};
  ++index_;
  const PlanInstruction &instruction = plan_->instructions[id];
  timing::InstructionTimes times;
  times.fetched = arrivalOfNext();

  // Along the stages: an object is entered when the one before is done and its previous occupant,
  // which is the previous instruction in program order that passes it, has left.
  std::int64_t ready = times.fetched;
  std::int64_t *leaving = nullptr; // the object that the next entry frees
  for (std::uint32_t s = 0; s != instruction.stageCount; ++s) {
    const std::uint32_t object = plan_->routeObjects[instruction.firstStage + s];
    const std::int64_t entered = std::max(ready, state_.objectFree(object));
    if (leaving != nullptr)
      *leaving = entered;
    else
      times.issued = entered;
    leaving = &state_.objectFree(object);
    ready = entered + plan_->objects[object].latency;
  }
  std::int64_t &unitFree = state_.objectFree(instruction.unit);
  times.entered = std::max(ready, unitFree);
  if (leaving != nullptr)
    *leaving = times.entered;
  else
    times.issued = times.entered;
  state_.recordIssue(times.issued);

  times.started = dependences(instruction, times.entered);
  if (!instruction.makesRequests) {
    times.finished = times.started + instruction.latency;
    unitFree = times.started + instruction.occupation;
  } else {
    times.finished = serveAccesses(instruction, times.started + instruction.latency);
    unitFree = times.finished;
  }
  if (times.finished > timeLimit)
    throw TimeOverflow{};
  publish(instruction, times.finished);
  if (instruction.isBranch) {
    state_.remaining = 0;
    state_.fetchFree = std::max(state_.fetchFree, times.finished);
  }
  if (options_->observer)
    observe(id, times);
}

std::int64_t ProgramOrderEvaluator::dependences(const PlanInstruction &instruction,
                                                std::int64_t time) {
  for (std::uint32_t i = 0; i != instruction.readCount; ++i)
    time = std::max(time, state_.lastWrite(plan_->registers[instruction.firstRead + i]));
  for (std::uint32_t i = 0; i != instruction.writeCount; ++i)
    time = std::max(time, state_.lastAccess(plan_->registers[instruction.firstWrite + i]));
  if (instruction.accessCount == 0)
    return time;
  addresses_.resize(instruction.accessCount);
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (!access.tracked && !plan_->storages[access.storage].hasState)
      continue;
    const std::int64_t low = plan_->program->evaluate(access.operand->address, loopValues_);
    addresses_[i] = low;
    if (!access.tracked)
      continue;
    const std::int64_t high = low + access.bytes;
    for (const TrackedRange &range : state_.ranges[access.space])
      if (range.low < high && low < range.high)
        time = std::max(time, access.isWrite ? range.lastAccess : range.lastWrite);
  }
  return time;
}

std::int64_t ProgramOrderEvaluator::serveAccesses(const PlanInstruction &instruction,
                                                  std::int64_t time) {
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    const PlanStorage &storage = plan_->storages[access.storage];
    std::int64_t granted = time;
    if (storage.clients > 1 || storage.programOrder) {
      if (storage.programOrder)
        granted = std::max(granted, state_.lastGrant(access.storage));
      else if (storage.hasState || !storage.neverWaits()) {
        // Program order is the order of time as long as requests do not come earlier than older
        // ones.
        std::int64_t &last = state_.lastRequest(access.storage);
        if (time < last)
          throw OrderDependsOnTime{};
        last = time;
      }
      if (!storage.neverWaits())
        granted = std::max(granted, state_.earliestSlot(access.storage));
      if (storage.programOrder)
        state_.lastGrant(access.storage) = granted;
    }
    if (storage.stateGroup) {
      std::int64_t &last = state_.lastStateChange(*storage.stateGroup);
      if (granted < last)
        throw OrderDependsOnTime{};
      last = granted;
    }
    std::int64_t service = access.service;
    if (storage.hasState) {
      service = state_.storageModel.serve(storage.id, {addresses_[i], access.bytes, access.isWrite},
                                          granted);
      if (service > timeLimit)
        throw TimeOverflow{};
    }
    time = granted + service;
    if (!storage.neverWaits())
      state_.occupyEarliestSlot(access.storage, time);
  }
  return time;
}

void ProgramOrderEvaluator::publish(const PlanInstruction &instruction, std::int64_t finish) {
  for (std::uint32_t i = 0; i != instruction.readCount; ++i) {
    std::int64_t &last = state_.lastAccess(plan_->registers[instruction.firstRead + i]);
    last = std::max(last, finish);
  }
  for (std::uint32_t i = 0; i != instruction.writeCount; ++i) {
    const std::uint32_t reg = plan_->registers[instruction.firstWrite + i];
    state_.lastWrite(reg) = finish;
    state_.lastAccess(reg) = finish;
  }
  state_.end() = std::max(state_.end(), finish);
  if (!instruction.hasTracked)
    return;
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (!access.tracked)
      continue;
    std::vector<TrackedRange> &ranges = state_.ranges[access.space];
    if (ranges.size() >= 32 && (ranges.size() & (ranges.size() - 1)) == 0)
      state_.dropDeadRanges(access.space);
    ranges.push_back({addresses_[i], addresses_[i] + access.bytes,
                      access.isWrite ? finish : std::numeric_limits<std::int64_t>::min(), finish});
  }
}

void ProgramOrderEvaluator::observe(std::uint32_t id, const timing::InstructionTimes &times) {
  program::Instance instance;
  instance.instruction = &plan_->program->instructions[id];
  instance.id = id;
  instance.index = index_ - 1;
  instance.kernelIteration = inKernel_ ? evaluatedIterations_ : -1;
  instance.loopValues = std::span(loopValues_).first(depth_); // deeper ones are stale
  options_->observer(instance, times);
}

} // namespace acadlc::aidg
