#include "backend/aidg/occupation/LoopRolling.h"

#include "support/InternalError.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

namespace acadlc::aidg {

using program::Instruction;
using program::Program;
using program::Step;

namespace {

/// Periods of a run at least: two show no stride that continues.
constexpr std::size_t fewestPeriods = 3;
/// Positions that are compared at most, so that long streams in which nothing is alike cost little.
constexpr std::size_t mostComparisons = std::size_t{1} << 25;

using Numbers = std::vector<std::int64_t>;

/// A step of the outermost region, or a run of several.
struct Item {
  std::uint32_t shape = 0; ///< items that differ in the constants of their addresses have the same
  Numbers constants;       ///< of all addresses in it; of a run, in its first period
  Step step;               ///< unless it is a run
  std::vector<Item> body;  ///< of a run: one period
  std::int64_t count = 0;  ///< of a run: periods; else 0
  Numbers strides;         ///< of a run: by which the constants change
};

class Shapes {
public:
  explicit Shapes(const Program &program) : program_(program) {}

  Item itemOf(const Step &step) {
    Item item;
    item.step = step;
    item.shape = shapeOf(step, item.constants);
    return item;
  }

  std::uint32_t shapeOfRun(const Item &run) {
    Numbers key{-1, run.count};
    for (const Item &item : run.body)
      key.push_back(item.shape);
    key.insert(key.end(), run.strides.begin(), run.strides.end());
    return number(key);
  }

private:
  std::uint32_t number(const Numbers &key) {
    return numbers_.try_emplace(key, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }
  std::int64_t name(const std::string &text) {
    return names_.try_emplace(text, static_cast<std::int64_t>(names_.size())).first->second;
  }

  std::uint32_t shapeOf(const Step &step, Numbers &constants) {
    if (step.kind == Step::Kind::Emit)
      return shapeOf(program_.instructions[step.index], constants);
    const program::Repeat &repeat = program_.repeats[step.index];
    Numbers key{-2, repeat.first, repeat.step, repeat.count};
    for (const Step &inner : program_.regions[repeat.body].steps)
      key.push_back(shapeOf(inner, constants));
    return number(key);
  }

  /// Of what an expansion emits the addresses are the same.
  std::int64_t shapeOfBody(program::RegionId body) {
    if (const auto known = bodies_.find(body); known != bodies_.end())
      return known->second;
    Numbers key{-9}, constants;
    for (const Step &step : program_.regions[body].steps)
      key.push_back(shapeOf(step, constants));
    key.insert(key.end(), constants.begin(), constants.end());
    return bodies_[body] = number(key);
  }

  /// All that time depends on but the constants of its addresses.
  std::uint32_t shapeOf(const Instruction &instruction, Numbers &constants) {
    Numbers key{-3,
                name(instruction.operation),
                name(instruction.className),
                instruction.route,
                instruction.latency,
                instruction.makesRequests ? 1 : 0};
    if (const auto found = routeOf_.find(instruction.route); found != routeOf_.end())
      key[3] = found->second;
    else
      key[3] = routeOf_[instruction.route] = numberOfRoute(program_.routes[instruction.route]);
    append(key, instruction.reads);
    append(key, instruction.writes);
    const std::vector<bool> matters = operandsThatMatter(instruction);
    for (std::size_t i = 0; i != instruction.memory.size(); ++i)
      appendOperand(instruction.memory[i], matters[i], key, constants);
    for (const program::Phase &phase : instruction.phases)
      appendPhase(phase, key);
    for (const program::Signal &signal : instruction.signals)
      key.insert(key.end(), {-4, name(signal.name), signal.phase});
    return number(key);
  }

  std::int64_t numberOfRoute(const program::Route &route) {
    Numbers key{-5, route.unit, route.origin};
    append(key, route.stages);
    return number(key);
  }

  template <typename Element>
  static void append(Numbers &key, const std::vector<Element> &elements) {
    key.push_back(static_cast<std::int64_t>(elements.size()));
    key.insert(key.end(), elements.begin(), elements.end());
  }

  /// By operand: whether time can depend on its address. It does not if nobody writes there and it
  /// is not requested; then the rows of a tensor that a tile reads may have gaps here and there.
  std::vector<bool> operandsThatMatter(const Instruction &instruction) {
    std::vector<bool> matters(instruction.memory.size());
    for (std::size_t i = 0; i != matters.size(); ++i)
      matters[i] = instruction.memory[i].mayConflict || instruction.requestCount() != 0;
    for (const program::Phase &phase : instruction.phases)
      if (phase.kind == program::Phase::Kind::Expansion)
        for (const std::uint32_t base : basesThatMatter(phase.body))
          matters[base] = true;
    return matters;
  }

  /// Operands of whoever emits \p body to which something in it that matters is relative.
  const std::set<std::uint32_t> &basesThatMatter(program::RegionId body) {
    if (const auto known = bases_.find(body); known != bases_.end())
      return known->second;
    std::set<std::uint32_t> bases;
    for (const Step &step : program_.regions[body].steps) {
      if (step.kind == Step::Kind::Repeat) {
        bases.merge(std::set(basesThatMatter(program_.repeats[step.index].body)));
        continue;
      }
      const Instruction &emitted = program_.instructions[step.index];
      const std::vector<bool> matters = operandsThatMatter(emitted);
      for (std::size_t i = 0; i != matters.size(); ++i)
        if (matters[i] && emitted.memory[i].base)
          bases.insert(*emitted.memory[i].base);
    }
    return bases_[body] = std::move(bases);
  }

  static void appendOperand(const program::MemoryOperand &operand, bool matters, Numbers &key,
                            Numbers &constants) {
    key.insert(key.end(), {-6, operand.storage, operand.memory, operand.isWrite ? 1 : 0,
                           operand.base ? std::int64_t{*operand.base} : -1});
    constants.push_back(matters ? operand.address.constant : 0);
    if (!matters)
      return;
    key.insert(key.end(), {operand.bytes, operand.mayConflict ? 1 : 0,
                           operand.address.hasRest ? std::int64_t{operand.address.rest} : -1});
    for (const program::Address::Term &term : operand.address.terms)
      key.insert(key.end(), {term.depth, term.coefficient});
  }

  void appendPhase(const program::Phase &phase, Numbers &key) {
    key.insert(key.end(),
               {-7, name(phase.name), static_cast<std::int64_t>(phase.kind),
                phase.afterStep.value_or(-1), phase.cycles, phase.object, phase.bits,
                phase.together ? 1 : 0,
                phase.kind == program::Phase::Kind::Expansion ? shapeOfBody(phase.body) : -1,
                phase.outstanding.value_or(-1)});
    append(key, phase.after);
    append(key, phase.channels);
    for (const program::Holding &holding : phase.holding)
      key.insert(key.end(), {holding.object, holding.until});
    key.push_back(-8);
    for (const program::OutstandingLimit &limit : phase.limits)
      key.insert(key.end(), {name(limit.name), limit.count});
  }

  const Program &program_;
  std::map<Numbers, std::uint32_t> numbers_;
  std::map<std::string, std::int64_t> names_;
  std::map<program::RouteId, std::int64_t> routeOf_;
  std::map<program::RegionId, std::int64_t> bodies_;
  std::map<program::RegionId, std::set<std::uint32_t>> bases_; ///< basesThatMatter()
};

// ---- runs --------------------------------------------------------------------------------------

/// Whether the constants of three items, a period apart, change by the same number of bytes.
bool isProgression(const Item &a, const Item &b, const Item &c) {
  for (std::size_t i = 0; i != a.constants.size(); ++i) {
    std::int64_t first = 0, second = 0;
    if (__builtin_sub_overflow(b.constants[i], a.constants[i], &first) ||
        __builtin_sub_overflow(c.constants[i], b.constants[i], &second) || first != second)
      return false;
  }
  return true;
}

/// Where runs of one period end, for every place where one may begin; found in one pass.
class RunEnds {
public:
  RunEnds(const std::vector<Item> &items, std::size_t period)
      : period_(period), alikeUntil_(items.size() + 1, items.size()),
        evenUntil_(items.size() + 1, items.size()) {
    for (std::size_t place = items.size(); place-- > period;) {
      const bool isAlike = items[place].shape == items[place - period].shape;
      alikeUntil_[place] = isAlike ? alikeUntil_[place + 1] : place;
      const bool isEven =
          isAlike && place >= 2 * period &&
          items[place - period].shape == items[place - 2 * period].shape &&
          isProgression(items[place - 2 * period], items[place - period], items[place]);
      evenUntil_[place] = isEven ? evenUntil_[place + 1] : place;
    }
  }

  /// Periods of a run from \p begin on. A place continues it if it is like the one a period before,
  /// and both like two before.
  [[nodiscard]] std::size_t periodsFrom(std::size_t begin) const {
    const std::size_t second = begin + period_, third = second + period_;
    if (third >= alikeUntil_.size())
      return 0;
    const std::size_t alike = alikeUntil_[second];
    const std::size_t end = alike < third ? alike : evenUntil_[third];
    return (end - begin) / period_;
  }

private:
  std::size_t period_;
  std::vector<std::size_t> alikeUntil_; ///< the first that is unlike the one a period before
  std::vector<std::size_t> evenUntil_;  ///< the first that does not go on as two periods before
};

Item makeRun(std::span<Item> items, std::size_t period, std::size_t count, Shapes &shapes) {
  Item run;
  run.count = static_cast<std::int64_t>(count);
  for (std::size_t i = 0; i != period; ++i) {
    for (std::size_t k = 0; k != items[i].constants.size(); ++k) {
      run.constants.push_back(items[i].constants[k]);
      run.strides.push_back(items[i + period].constants[k] - items[i].constants[k]);
    }
    run.body.push_back(std::move(items[i]));
  }
  run.shape = shapes.shapeOfRun(run);
  return run;
}

/// Replaces runs of \p period items; false if there is none.
bool rollPeriod(std::vector<Item> &items, std::size_t period, Shapes &shapes) {
  const RunEnds runs(items, period);
  std::vector<Item> rolled;
  bool found = false;
  for (std::size_t i = 0; i != items.size();) {
    const std::size_t count = runs.periodsFrom(i);
    if (count < fewestPeriods) {
      if (found)
        rolled.push_back(std::move(items[i]));
      ++i;
      continue;
    }
    if (!found)
      std::move(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i),
                std::back_inserter(rolled));
    found = true;
    rolled.push_back(makeRun(std::span(items).subspan(i), period, count, shapes));
    i += count * period;
  }
  if (found)
    items = std::move(rolled);
  return found;
}

// ---- the program -------------------------------------------------------------------------------

/// Writes items down as a program of their own.
class RolledBuilder {
public:
  explicit RolledBuilder(const Program &source) : source_(source) {
    result_.program.routes = source.routes;
    result_.program.expressions = source.expressions;
  }

  RolledProgram build(const std::vector<Item> &items) {
    const program::RegionId root = newRegion();
    result_.program.root = root;
    for (const Item &item : items)
      addItem(item, root);
    return std::move(result_);
  }

private:
  Program &program() { return result_.program; }

  program::RegionId newRegion() {
    program().regions.emplace_back();
    return static_cast<program::RegionId>(program().regions.size() - 1);
  }

  /// Appends \p item to \p region; returns the trips of innermost repeats of the source in it.
  std::int64_t addItem(const Item &item, program::RegionId region) {
    if (item.count == 0)
      return addStep(item.step, region);
    const auto index = newRepeat();
    const program::RegionId body = newRegion();
    result_.isWrittenOut[index] = true;
    program::Repeat &repeat = program().repeats[index];
    repeat = {0, 1, item.count, body, static_cast<std::uint32_t>(around_.size()), rangeOf(item)};
    program().maxDepth = std::max(program().maxDepth, repeat.depth + 1);
    program().regions[region].steps.push_back({Step::Kind::Repeat, index});
    around_.emplace_back(item.strides);
    std::int64_t trips = 0;
    for (const Item &inner : item.body)
      trips += addItem(inner, body);
    around_.pop_back();
    result_.kernelTrips[index] = trips;
    return trips * item.count;
  }

  std::uint32_t newRepeat() {
    program().repeats.emplace_back();
    result_.kernelTrips.push_back(0);
    result_.isWrittenOut.push_back(false);
    return static_cast<std::uint32_t>(program().repeats.size() - 1);
  }

  [[nodiscard]] SourceRange rangeOf(const Item &item) const {
    const Item *first = &item;
    while (first->count != 0)
      first = &first->body.front();
    Step step = first->step;
    while (step.kind == Step::Kind::Repeat && !bodyOf(step).empty())
      step = bodyOf(step).front();
    return step.kind == Step::Kind::Repeat ? source_.repeats[step.index].range
                                           : source_.instructions[step.index].range;
  }

  [[nodiscard]] const std::vector<Step> &bodyOf(const Step &repeat) const {
    return source_.regions[source_.repeats[repeat.index].body].steps;
  }

  std::int64_t addStep(const Step &step, program::RegionId region) {
    if (step.kind == Step::Kind::Emit) {
      const std::uint32_t moved = move(step.index); // it may add regions
      program().regions[region].steps.push_back({Step::Kind::Emit, moved});
      return 0;
    }
    program::Repeat repeat = source_.repeats[step.index];
    const auto index = newRepeat();
    const program::RegionId body = newRegion();
    repeat.body = body;
    repeat.depth += static_cast<std::uint32_t>(around_.size());
    program().repeats[index] = repeat;
    program().maxDepth = std::max(program().maxDepth, repeat.depth + 1);
    program().regions[region].steps.push_back({Step::Kind::Repeat, index});
    std::int64_t trips = 0;
    bool isKernel = true;
    for (const Step &inner : bodyOf(step)) {
      isKernel = isKernel && inner.kind == Step::Kind::Emit;
      trips += addStep(inner, body);
    }
    trips = isKernel ? 1 : trips;
    result_.kernelTrips[index] = trips;
    return trips * std::max<std::int64_t>(repeat.count, 0);
  }

  /// The instruction within the runs around it; the same one is made once.
  std::uint32_t move(std::uint32_t source) {
    const std::size_t operands = source_.instructions[source].memory.size();
    Numbers key{source, static_cast<std::int64_t>(around_.size())};
    for (std::span<const std::int64_t> &strides : around_) {
      key.insert(key.end(), strides.begin(),
                 strides.begin() + static_cast<std::ptrdiff_t>(operands));
      strides = strides.subspan(operands);
    }
    const auto [entry, isNew] = moved_.try_emplace(key, 0);
    if (!isNew)
      return entry->second;
    Instruction instruction = source_.instructions[source];
    moveBodies(instruction);
    // Outside of all runs there are no strides.
    for (std::size_t i = 0; i != operands && !around_.empty(); ++i)
      moveAddress(instruction.memory[i].address, std::span(key).subspan(2 + i), operands);
    return entry->second = addInstruction(std::move(instruction));
  }

  std::uint32_t addInstruction(Instruction instruction) {
    program().instructions.push_back(std::move(instruction));
    return static_cast<std::uint32_t>(program().instructions.size() - 1);
  }

  /// The address within the runs around it, whose values count from 0; of their strides each
  /// \p pace-th is about it.
  void moveAddress(program::Address &address, std::span<const std::int64_t> strides,
                   std::size_t pace) {
    const auto depth = static_cast<std::uint32_t>(around_.size());
    for (program::Address::Term &term : address.terms)
      term.depth += depth;
    if (address.hasRest && depth != 0)
      address.rest = moveExpression(address.rest);
    for (std::uint32_t level = 0; level != depth; ++level)
      if (strides[level * pace] != 0)
        address.terms.push_back({level, strides[level * pace]});
  }

  program::ExpressionId moveExpression(program::ExpressionId id) {
    program::Expression expression = source_.expressions[id];
    using Kind = program::Expression::Kind;
    if (expression.kind == Kind::Constant)
      return id;
    if (expression.kind == Kind::LoopValue) {
      expression.value += static_cast<std::int64_t>(around_.size());
    } else {
      expression.left = moveExpression(expression.left);
      expression.right = moveExpression(expression.right);
    }
    program().expressions.push_back(expression);
    return static_cast<program::ExpressionId>(program().expressions.size() - 1);
  }

  // ---- what expansions emit stays as it is ----------------------------------------------------

  void moveBodies(Instruction &instruction) {
    for (program::Phase &phase : instruction.phases)
      if (phase.kind == program::Phase::Kind::Expansion)
        phase.body = copyRegion(phase.body);
  }

  program::RegionId copyRegion(program::RegionId id) {
    if (const auto known = copies_.find(id); known != copies_.end())
      return known->second;
    const program::RegionId copy = newRegion();
    copies_[id] = copy;
    for (const Step &step : source_.regions[id].steps) {
      if (step.kind == Step::Kind::Emit) {
        const std::uint32_t copied = copyInstruction(step.index);
        program().regions[copy].steps.push_back({Step::Kind::Emit, copied});
        continue;
      }
      program::Repeat repeat = source_.repeats[step.index];
      repeat.body = copyRegion(repeat.body);
      program().maxDepth = std::max(program().maxDepth, repeat.depth + 1);
      const auto index = newRepeat();
      program().repeats[index] = repeat;
      program().regions[copy].steps.push_back({Step::Kind::Repeat, index});
    }
    return copy;
  }

  std::uint32_t copyInstruction(std::uint32_t source) {
    if (const auto known = copiedInstructions_.find(source); known != copiedInstructions_.end())
      return known->second;
    Instruction instruction = source_.instructions[source];
    moveBodies(instruction);
    const std::uint32_t copy = addInstruction(std::move(instruction));
    copiedInstructions_[source] = copy;
    return copy;
  }

  const Program &source_;
  RolledProgram result_;
  /// Bytes by which the constants of what is being written change with the runs around it,
  /// outermost first; each begins at the constant that is next.
  std::vector<std::span<const std::int64_t>> around_;
  /// By instruction of the source, depth and strides.
  std::map<Numbers, std::uint32_t> moved_;
  std::map<std::uint32_t, std::uint32_t> copiedInstructions_;
  std::map<program::RegionId, program::RegionId> copies_;
};

} // namespace

std::optional<RolledProgram> rollLoops(const Program &program) {
  if (program.regions.empty())
    return std::nullopt;
  Shapes shapes(program);
  std::vector<Item> items;
  for (const Step &step : program.regions[program.root].steps)
    items.push_back(shapes.itemOf(step));
  bool found = false;
  std::size_t comparisons = 0;
  for (std::size_t period = 1;
       period * fewestPeriods <= items.size() && comparisons <= mostComparisons; ++period) {
    comparisons += items.size();
    while (rollPeriod(items, period, shapes)) {
      found = true;
      comparisons += items.size();
    }
  }
  if (!found)
    return std::nullopt;
  return RolledBuilder(program).build(items);
}

} // namespace acadlc::aidg
