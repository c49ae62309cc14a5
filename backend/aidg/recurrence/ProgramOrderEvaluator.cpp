#include "backend/aidg/recurrence/ProgramOrderEvaluator.h"

#include "backend/aidg/recurrence/Recurrences.h"

#include <algorithm>
#include <limits>
#include <span>

namespace acadlc::aidg {

ProgramOrderEvaluator::ProgramOrderEvaluator(const Plan &plan, const FlatProgram &flat,
                                             const EstimateOptions &options,
                                             Transitions &transitions)
    : plan_(&plan), flat_(&flat), options_(&options),
      table_(&transitions.tableFor(flat.layout.signature, flat.layout.size + 1)),
      state_(plan, flat), loopValues_(plan.program->maxDepth, 0), runs_(plan.program->maxDepth),
      bodies_(plan.program->repeats.size()), regionIds_(plan.program->regions.size()),
      instructionIds_(plan.instructions.size()),
      mostAtOnce_(timeLimit / std::max<std::int64_t>(flat.longestStep, 1)) {}

std::optional<timing::Evaluation> ProgramOrderEvaluator::run() {
  timing::Evaluation result;
  const auto totals = plan_->program->totals();
  if (!totals) {
    result.overflow = timing::Overflow::Counts;
    return result;
  }
  result.instructions = totals->instructions;
  result.kernelIterations = totals->kernelIterations;
  try {
    evaluateRegion(plan_->program->root);
    load();
  } catch (const OrderDependsOnTime &) {
    return std::nullopt;
  } catch (const LimitReached &) {
    result.limitReached = true;
  } catch (const BudgetReached &) {
    result.budgetReached = true;
  } catch (const TimeOverflow &) {
    result.overflow = timing::Overflow::Cycles;
    return result;
  }
  result.cycles = state_.end();
  result.evaluatedIterations = evaluatedIterations_;
  result.guarantee = hasSkipped_ ? timing::Guarantee::Certified : timing::Guarantee::Exact;
  result.certificates = certificates_.take();
  return result;
}

//===--- The stream ---------------------------------------------------------------------------===//

void ProgramOrderEvaluator::evaluateRegion(program::RegionId region) {
  const std::vector<program::Step> &steps = plan_->program->regions[region].steps;
  for (const FlatRun &run : flat_->regions[region]) {
    if (run.kind == FlatRun::Kind::Repeat) {
      evaluateRepeat(steps[run.firstStep].index);
      continue;
    }
    load();
    const auto emits = std::span(steps).subspan(run.firstStep, run.stepCount);
    if (isPlain() && run.stepCount <= std::min(mostAtOnce_, instructionsLeft())) {
      evaluatePlainly(run, emits);
      continue;
    }
    for (const program::Step &emit : emits)
      evaluateInstruction(emit.index);
  }
}

void ProgramOrderEvaluator::evaluatePlainly(const FlatRun &run,
                                            std::span<const program::Step> emits) {
  if (run.kind == FlatRun::Kind::Series)
    state_.times.evaluate(flat_->seriesOf(run));
  else
    for (const program::Step &emit : emits)
      state_.times.evaluate(flat_->instructions[emit.index]);
  countPlain(run.stepCount);
}

void ProgramOrderEvaluator::countPlain(std::int64_t instructions) {
  known_ = noState;
  index_ += instructions;
  evaluated_ += instructions;
}

void ProgramOrderEvaluator::evaluateRepeat(std::uint32_t index) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const RepeatFacts &facts = plan_->repeats[index];
  if (facts.isEmpty)
    return;
  if (!options_->extrapolate) {
    evaluateTrips(index, 0, repeat.count);
  } else if (!flat_->usesAddresses) {
    repeatByTransitions(index);
  } else if (facts.canRecurIn(repeat.count)) {
    repeatByShift(index);
  } else {
    evaluateTrips(index, 0, repeat.count);
  }
}

void ProgramOrderEvaluator::evaluateTrips(std::uint32_t index, std::int64_t first,
                                          std::int64_t count) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const bool isKernel = plan_->repeats[index].isKernel;
  if (evaluateSeriesTrips(repeat, count))
    return;
  for (std::int64_t trip = first; trip != first + count; ++trip) {
    loopValues_[repeat.depth] = repeat.first + trip * repeat.step;
    inKernel_ = isKernel;
    depth_ = repeat.depth + 1;
    evaluateRegion(repeat.body);
    evaluatedIterations_ += isKernel ? 1 : 0;
  }
  depth_ = repeat.depth;
  inKernel_ = false;
}

/// The same for a loop around nothing but a series, if that can be evaluated plainly.
bool ProgramOrderEvaluator::evaluateSeriesTrips(const program::Repeat &repeat, std::int64_t count) {
  const std::vector<FlatRun> &runs = flat_->regions[repeat.body];
  if (count == 0 || !isPlain() || runs.size() != 1 || runs.front().kind != FlatRun::Kind::Series)
    return false;
  const std::int64_t size = runs.front().stepCount;
  if (size > mostAtOnce_ || count > instructionsLeft() / size)
    return false;
  load();
  const auto series = flat_->seriesOf(runs.front());
  for (std::int64_t trip = 0; trip != count; ++trip)
    state_.times.evaluate(series);
  countPlain(count * size);
  evaluatedIterations_ += count;
  return true;
}

void ProgramOrderEvaluator::evaluateInstruction(std::uint32_t id) {
  if (evaluated_ == options_->maxInstructions)
    throw LimitReached{};
  if (evaluated_ >= options_->budget)
    throw BudgetReached{};
  ++evaluated_;
  ++index_;
  known_ = noState;
  const FlatInstruction &flat = flat_->instructions[id];
  const PlanInstruction &instruction = plan_->instructions[id];
  timing::InstructionTimes times;
  times.entered = state_.times.enter(flat);
  times.fetched = state_.arrival();
  times.issued = state_.times.issued();
  times.started = addressDependences(instruction, state_.times.awaitRegisters(flat, times.entered));
  times.finished = serveAccesses(flat, times.started + flat.latency);
  state_.times.finish(flat, times.finished,
                      flat.accessCount == 0 ? times.started + flat.occupation : times.finished);
  trackAccesses(instruction, times.finished);
  if (options_->observer)
    observe(id, times);
}

std::int64_t ProgramOrderEvaluator::addressDependences(const PlanInstruction &instruction,
                                                       std::int64_t time) {
  addresses_.resize(instruction.accessCount);
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (!access.tracked && !access.changesState)
      continue;
    const std::int64_t low = plan_->program->evaluate(access.operand->address, loopValues_);
    addresses_[i] = low;
    if (!access.tracked)
      continue;
    state_.awaitRanges(access.conflictClass, low, low + access.bytes, access.isWrite, time);
  }
  return time;
}

std::int64_t ProgramOrderEvaluator::serveAccesses(const FlatInstruction &instruction,
                                                  std::int64_t time) {
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const FlatAccess &access = flat_->accesses[instruction.firstAccess + i];
    const std::int64_t granted = state_.times.grant(access, time);
    std::int64_t service = access.service;
    if (access.hasState) {
      const PlanAccess &planned = plan_->accesses[access.access];
      service = state_.storageModel.serve(
          plan_->storages[planned.storage].id,
          {addresses_[access.operand], planned.bytes, planned.isWrite}, granted);
      if (service > timeLimit)
        throw TimeOverflow{};
    }
    time = granted + service;
    state_.times.giveBack(access, time);
  }
  return time;
}

void ProgramOrderEvaluator::trackAccesses(const PlanInstruction &instruction, std::int64_t finish) {
  if (!instruction.hasTracked)
    return;
  for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
    const PlanAccess &access = plan_->accesses[instruction.firstAccess + i];
    if (!access.tracked)
      continue;
    state_.recordRange(access.conflictClass,
                       {addresses_[i], addresses_[i] + access.bytes,
                        access.isWrite ? finish : std::numeric_limits<std::int64_t>::min(),
                        finish});
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

void ProgramOrderEvaluator::certify(const timing::Certificate &certificate) {
  hasSkipped_ = true;
  certificates_.add(certificate);
}

} // namespace acadlc::aidg
