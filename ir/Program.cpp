#include "ir/Program.h"

#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>

namespace acadlc::program {

namespace {

/// Two's complement arithmetic without undefined behaviour.
std::int64_t wrappingAdd(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t wrappingSubtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t wrappingMultiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

std::int64_t required(std::optional<std::int64_t> quotient) {
  ACADLC_CHECK(quotient.has_value(), "an expression of a program divides by zero or overflows");
  return *quotient;
}

/// The totals of regions, each computed once however many repeats share it.
class TotalsBuilder {
public:
  explicit TotalsBuilder(const Program &program)
      : program_(program), known_(program.regions.size()) {}

  const std::optional<Program::Totals> &ofRegion(RegionId id) {
    std::optional<std::optional<Program::Totals>> &entry = known_[id];
    if (!entry) {
      std::optional<Program::Totals> sum = Program::Totals{};
      for (const Step &step : program_.regions[id].steps)
        sum = add(sum, ofStep(step));
      known_[id] = sum;
    }
    return *known_[id];
  }

private:
  using MaybeTotals = std::optional<Program::Totals>;

  MaybeTotals ofStep(const Step &step) {
    if (step.kind == Step::Kind::Repeat)
      return ofRepeat(program_.repeats[step.index]);
    return ofInstruction(program_.instructions[step.index]);
  }

  MaybeTotals ofInstruction(const Instruction &instruction) {
    MaybeTotals totals = Program::Totals{1, instruction.macs, instruction.ops, 0, 0};
    for (const Phase &phase : instruction.phases)
      if (phase.kind == Phase::Kind::Expansion)
        totals = addEmitted(totals, ofRegion(phase.body));
    return totals;
  }

  /// What is emitted counts as work, not as instructions that are fetched or as iterations.
  static MaybeTotals addEmitted(const MaybeTotals &totals, MaybeTotals body) {
    const auto emitted = body ? checkedAdd(body->instructions, body->emitted) : std::nullopt;
    if (!emitted)
      return std::nullopt;
    body->emitted = *emitted;
    body->instructions = body->kernelIterations = 0;
    return add(totals, body);
  }

  MaybeTotals ofRepeat(const Repeat &repeat) {
    // A loop that never runs counts nothing, even if one trip would overflow.
    if (repeat.count <= 0)
      return Program::Totals{};
    MaybeTotals body = ofRegion(repeat.body);
    if (!body)
      return std::nullopt;
    const std::vector<Step> &steps = program_.regions[repeat.body].steps;
    const bool innermost = std::none_of(steps.begin(), steps.end(), [](const Step &step) {
      return step.kind == Step::Kind::Repeat;
    });
    if (innermost)
      body->kernelIterations = 1;
    return multiply(*body, repeat.count);
  }

  static MaybeTotals add(const MaybeTotals &a, const MaybeTotals &b) {
    if (!a || !b)
      return std::nullopt;
    return join(checkedAdd(a->instructions, b->instructions), checkedAdd(a->macs, b->macs),
                checkedAdd(a->ops, b->ops), checkedAdd(a->kernelIterations, b->kernelIterations),
                checkedAdd(a->emitted, b->emitted));
  }

  static MaybeTotals multiply(const Program::Totals &one, std::int64_t count) {
    return join(checkedMul(one.instructions, count), checkedMul(one.macs, count),
                checkedMul(one.ops, count), checkedMul(one.kernelIterations, count),
                checkedMul(one.emitted, count));
  }

  static MaybeTotals join(std::optional<std::int64_t> instructions,
                          std::optional<std::int64_t> macs, std::optional<std::int64_t> ops,
                          std::optional<std::int64_t> iterations,
                          std::optional<std::int64_t> emitted) {
    if (!instructions || !macs || !ops || !iterations || !emitted)
      return std::nullopt;
    return Program::Totals{*instructions, *macs, *ops, *iterations, *emitted};
  }

  const Program &program_;
  std::vector<std::optional<MaybeTotals>> known_;
};

/// Distributes the number of times that a region is gone through over what stands in it. Regions
/// are shared, so each is done when all regions around it are.
class ExecutionCounter {
public:
  explicit ExecutionCounter(const Program &program)
      : program_(program), regions_(program.regions.size(), 0),
        instructions_(program.instructions.size(), 0), isOrdered_(program.regions.size()) {}

  std::vector<Program::Count> count() {
    if (program_.regions.empty())
      return instructions_;
    order(program_.root);
    regions_[program_.root] = 1;
    for (std::size_t i = order_.size(); i-- != 0;)
      forEachStep(order_[i], [&](const Step &step) { pass(step, regions_[order_[i]]); });
    return instructions_;
  }

private:
  template <typename Visit> void forEachStep(RegionId region, Visit visit) {
    for (const Step &step : program_.regions[region].steps)
      visit(step);
  }

  template <typename Visit> void forEachBody(const Step &step, Visit visit) {
    if (step.kind == Step::Kind::Repeat) {
      const Repeat &repeat = program_.repeats[step.index];
      visit(repeat.body, std::max<std::int64_t>(repeat.count, 0));
      return;
    }
    for (const Phase &phase : program_.instructions[step.index].phases)
      if (phase.kind == Phase::Kind::Expansion)
        visit(phase.body, std::int64_t{1});
  }

  /// Fills order_, inner regions first.
  void order(RegionId region) {
    if (isOrdered_[region])
      return;
    isOrdered_[region] = true;
    forEachStep(region, [&](const Step &step) {
      forEachBody(step, [&](RegionId body, std::int64_t) { order(body); });
    });
    order_.push_back(region);
  }

  static void addTimes(Program::Count &sum, Program::Count times, std::int64_t count) {
    // What is never done counts nothing, even if once would be too much.
    if (count == 0 || times == Program::Count(0))
      return;
    const Program::Count more = times ? checkedMul(*times, count) : std::nullopt;
    sum = sum && more ? checkedAdd(*sum, *more) : std::nullopt;
  }

  void pass(const Step &step, Program::Count times) {
    if (step.kind == Step::Kind::Emit)
      addTimes(instructions_[step.index], times, 1);
    forEachBody(step,
                [&](RegionId body, std::int64_t count) { addTimes(regions_[body], times, count); });
  }

  const Program &program_;
  std::vector<Program::Count> regions_, instructions_;
  std::vector<bool> isOrdered_;
  std::vector<RegionId> order_;
};

/// Finds out which regions hold no instruction at all, in any depth.
class EmptinessBuilder {
public:
  explicit EmptinessBuilder(const Program &program)
      : program_(program), known_(program.regions.size(), Unknown) {}

  std::vector<bool> build() {
    std::vector<bool> empty(known_.size());
    for (RegionId id = 0; id < known_.size(); ++id)
      empty[id] = isEmpty(id);
    return empty;
  }

private:
  enum Answer : std::uint8_t { Unknown, Empty, Filled };

  bool isEmpty(RegionId id) {
    if (known_[id] == Unknown) {
      const std::vector<Step> &steps = program_.regions[id].steps;
      const bool empty = std::all_of(steps.begin(), steps.end(), [this](const Step &step) {
        if (step.kind == Step::Kind::Emit)
          return false;
        const Repeat &repeat = program_.repeats[step.index];
        return repeat.count <= 0 || isEmpty(repeat.body);
      });
      known_[id] = empty ? Empty : Filled;
    }
    return known_[id] == Empty;
  }

  const Program &program_;
  std::vector<Answer> known_;
};

} // namespace

std::int64_t Program::evaluate(ExpressionId id, std::span<const std::int64_t> loopValues) const {
  const Expression &expression = expressions[id];
  if (expression.kind == Expression::Kind::Constant)
    return expression.value;
  if (expression.kind == Expression::Kind::LoopValue)
    return loopValues[static_cast<std::size_t>(expression.value)];
  const std::int64_t left = evaluate(expression.left, loopValues);
  const std::int64_t right = evaluate(expression.right, loopValues);
  switch (expression.kind) {
  case Expression::Kind::Add:
    return wrappingAdd(left, right);
  case Expression::Kind::Subtract:
    return wrappingSubtract(left, right);
  case Expression::Kind::Multiply:
    return wrappingMultiply(left, right);
  case Expression::Kind::FloorDivide:
    return required(checkedFloorDiv(left, right));
  case Expression::Kind::FloorModulo:
    return required(checkedFloorMod(left, right));
  case Expression::Kind::Min:
    return std::min(left, right);
  case Expression::Kind::Max:
    return std::max(left, right);
  case Expression::Kind::Constant:
  case Expression::Kind::LoopValue:
    break;
  }
  ACADLC_CHECK(false, "no such kind of expression");
  return 0;
}

std::int64_t Program::evaluate(const Address &address,
                               std::span<const std::int64_t> loopValues) const {
  std::int64_t sum = address.constant;
  for (const Address::Term &term : address.terms)
    sum = wrappingAdd(sum, wrappingMultiply(term.coefficient, loopValues[term.depth]));
  return address.hasRest ? wrappingAdd(sum, evaluate(address.rest, loopValues)) : sum;
}

bool Instruction::isExpanding() const {
  return std::ranges::any_of(
      phases, [](const Phase &phase) { return phase.kind == Phase::Kind::Expansion; });
}

std::optional<EventId> Instruction::findEvent(std::string_view name) const {
  if (name == "issued")
    return issuedEvent;
  if (name == "read")
    return readEvent;
  if (name == "completed")
    return completedEvent;
  for (const Signal &signal : signals)
    if (signal.name == name)
      return phaseEnd(signal.phase);
  return std::nullopt;
}

std::optional<Program::Totals> Program::totals() const {
  return regions.empty() ? Totals{} : totals(root);
}

std::optional<Program::Totals> Program::totals(RegionId region) const {
  return TotalsBuilder(*this).ofRegion(region);
}

std::vector<Program::Count> Program::executions() const { return ExecutionCounter(*this).count(); }

std::vector<bool> Program::findEmptyRegions() const { return EmptinessBuilder(*this).build(); }

std::string ageText(const Instance &instance) {
  std::string age = std::to_string(instance.index);
  for (const std::int64_t number : instance.emission)
    age += "." + std::to_string(number);
  return age;
}

InstructionStream::InstructionStream(const Program &program)
    : program_(&program),
      ownEmptyRegions_(std::make_shared<const std::vector<bool>>(program.findEmptyRegions())),
      emptyRegions_(ownEmptyRegions_.get()) {
  if (program.regions.empty())
    return;
  frames_.reserve(program.maxDepth + 1);
  loopValues_.reserve(program.maxDepth);
  frames_.push_back({program.root, 0, ~0U, 0, false, 0});
}

InstructionStream::InstructionStream(const Program &program, RegionId region,
                                     const std::vector<bool> &emptyRegions)
    : program_(&program), emptyRegions_(&emptyRegions) {
  restart(region);
}

void InstructionStream::restart(RegionId region) {
  ACADLC_CHECK(ownEmptyRegions_ == nullptr, "the stream of a body is restarted");
  frames_.clear();
  loopValues_.clear();
  index_ = kernelIterations_ = entries_ = 0;
  frames_.push_back({region, 0, ~0U, 0, false, 0});
}

bool InstructionStream::next(Instance &instance) {
  while (!frames_.empty()) {
    Frame &frame = frames_.back();
    const std::vector<Step> &steps = program_->regions[frame.region].steps;
    if (frame.step == steps.size()) {
      finishIteration();
      continue;
    }
    const Step &step = steps[frame.step++];
    if (step.kind == Step::Kind::Repeat) {
      enter(step.index);
      continue;
    }
    instance.instruction = &program_->instructions[step.index];
    instance.id = step.index;
    instance.index = index_++;
    instance.loopValues = loopValues_;
    instance.kernelIteration = frame.isKernel ? kernelIterations_ - 1 : -1;
    return true;
  }
  return false;
}

void InstructionStream::findLoops(std::vector<Loop> &loops) const {
  loops.clear();
  for (const Frame &frame : frames_)
    if (frame.repeat != ~0U)
      loops.push_back({frame.repeat, frame.entry, frame.iteration, frame.step});
}

void InstructionStream::skip(std::size_t depth, std::int64_t iterations, std::int64_t instructions,
                             std::int64_t kernelIterations, Instance &instance) {
  Frame &frame = frames_[depth + 1]; // the first is the outermost region's
  const Repeat &repeat = program_->repeats[frame.repeat];
  frame.iteration += iterations;
  ACADLC_CHECK(frame.iteration < repeat.count, "skipping ends within the loop");
  loopValues_[depth] = wrappingAdd(loopValues_[depth], wrappingMultiply(iterations, repeat.step));
  index_ += instructions;
  kernelIterations_ += kernelIterations;
  instance.index += instructions;
  instance.kernelIteration += instance.kernelIteration < 0 ? 0 : kernelIterations;
}

void InstructionStream::enter(std::uint32_t repeatIndex) {
  const Repeat &repeat = program_->repeats[repeatIndex];
  // Skipping loops around nothing keeps next() from spinning through their trips.
  if (repeat.count <= 0 || (*emptyRegions_)[repeat.body])
    return;
  ACADLC_CHECK(repeat.depth == loopValues_.size(), "a repeat's depth is the number around it");
  const auto isRepeat = [](const Step &step) { return step.kind == Step::Kind::Repeat; };
  const bool isKernel = std::ranges::none_of(program_->regions[repeat.body].steps, isRepeat);
  frames_.push_back({repeat.body, 0, repeatIndex, 0, isKernel, entries_++});
  kernelIterations_ += isKernel ? 1 : 0;
  loopValues_.push_back(repeat.first);
}

void InstructionStream::finishIteration() {
  Frame &frame = frames_.back();
  if (frame.repeat == ~0U) {
    frames_.pop_back();
    return;
  }
  const Repeat &repeat = program_->repeats[frame.repeat];
  if (++frame.iteration < repeat.count) {
    frame.step = 0;
    kernelIterations_ += frame.isKernel ? 1 : 0;
    loopValues_.back() = wrappingAdd(loopValues_.back(), repeat.step);
    return;
  }
  frames_.pop_back();
  loopValues_.pop_back();
}

} // namespace acadlc::program
