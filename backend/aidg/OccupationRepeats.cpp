#include "backend/aidg/OccupationRepeats.h"

#include "backend/aidg/AddressBounds.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/EquivalenceClasses.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace acadlc::aidg {

namespace {

__extension__ typedef __int128 Int128; // NOLINT(modernize-use-using): has no other spelling

/// Numbers from low to high, both included; kept within ±limit.
struct Range {
  static constexpr std::int64_t limit = std::int64_t{1} << 62;
  std::int64_t low = 0, high = 0;

  static Range all() { return {-limit, limit}; }
  static Range of(Int128 low, Int128 high) {
    const auto clamp = [](Int128 value) {
      return static_cast<std::int64_t>(std::clamp<Int128>(value, -limit, limit));
    };
    return {clamp(low), clamp(high)};
  }
  friend Range operator+(Range a, Range b) {
    return of(Int128{a.low} + b.low, Int128{a.high} + b.high);
  }
  friend Range operator-(Range a, Range b) {
    return of(Int128{a.low} - b.high, Int128{a.high} - b.low);
  }
  friend Range operator*(Range a, Range b) {
    const auto corners = {Int128{a.low} * b.low, Int128{a.low} * b.high, Int128{a.high} * b.low,
                          Int128{a.high} * b.high};
    return of(std::min(corners), std::max(corners));
  }
  [[nodiscard]] Range hull(Range other) const {
    return {std::min(low, other.low), std::max(high, other.high)};
  }
  friend bool operator==(const Range &, const Range &) = default;
};

/// By loop, by operand.
using Ranges = std::vector<Range>;

/// Widens \p known to hold \p more; false if it does already.
bool widen(Ranges &known, const Ranges &more) {
  bool changed = known.size() < more.size();
  for (std::size_t i = 0; i != std::min(known.size(), more.size()); ++i) {
    const Range hull = known[i].hull(more[i]);
    changed |= !(hull == known[i]);
    known[i] = hull;
  }
  for (std::size_t i = known.size(); i < more.size(); ++i)
    known.push_back(more[i]);
  return changed;
}

class RepeatPlanner {
public:
  explicit RepeatPlanner(OccupationPlan &plan) : plan_(plan), program_(*plan.program) {}

  void plan() {
    findRanges();
    joinWithBases();
    joinOverlapping();
    numberClasses();
    plan_.repeats.resize(program_.repeats.size());
    plan_.repeatTouches.resize(program_.repeats.size());
    for (std::uint32_t i = 0; i != program_.repeats.size(); ++i)
      planRepeat(i);
  }

private:
  [[nodiscard]] std::span<const OccupationAccess> accessesOf(std::uint32_t instruction) const {
    return plan_.instructions[instruction].accesses.of(plan_.accesses);
  }

  // ---- where accesses can lie -----------------------------------------------------------------

  /// What a region has been looked at with: values of the loops around it, and addresses that the
  /// operands in it may be relative to.
  struct Surroundings {
    bool isKnown = false;
    Ranges loops, bases;
  };

  void findRanges() {
    ranges_.resize(plan_.accesses.size());
    surroundings_.resize(program_.regions.size());
    if (!program_.regions.empty())
      look(program_.root, {}, {});
  }

  void look(program::RegionId region, const Ranges &loops, const Ranges &bases) {
    Surroundings &known = surroundings_[region];
    const bool hasMoreLoops = widen(known.loops, loops);
    const bool hasMoreBases = widen(known.bases, bases);
    if (known.isKnown && !hasMoreLoops && !hasMoreBases)
      return;
    known.isKnown = true;
    const Ranges around = known.loops, offsets = known.bases;
    for (const program::Step &step : program_.regions[region].steps) {
      if (step.kind == program::Step::Kind::Emit) {
        lookAt(step.index, around, offsets);
        continue;
      }
      const program::Repeat &repeat = program_.repeats[step.index];
      if (repeat.count <= 0)
        continue;
      const Int128 last = repeat.first + Int128{repeat.step} * (repeat.count - 1);
      Ranges inner = around;
      inner.resize(repeat.depth);
      inner.push_back(
          Range::of(std::min<Int128>(repeat.first, last), std::max<Int128>(repeat.first, last)));
      look(repeat.body, inner, offsets);
    }
  }

  void lookAt(std::uint32_t index, const Ranges &loops, const Ranges &bases) {
    const OccupationInstruction &instruction = plan_.instructions[index];
    Ranges own;
    for (std::uint32_t i = 0; i != instruction.accesses.count; ++i) {
      const program::MemoryOperand &operand =
          *plan_.accesses[instruction.accesses.first + i].operand;
      Range address = rangeOf(operand.address, loops);
      if (operand.base)
        address = address + bases[*operand.base];
      std::optional<Range> &known = ranges_[instruction.accesses.first + i];
      known = known ? known->hull(address) : address;
      own.push_back(*known);
    }
    for (const OccupationPhase &phase : instruction.phases.of(plan_.phases))
      if (phase.kind == program::Phase::Kind::Expansion)
        look(phase.body, {}, own);
  }

  [[nodiscard]] Range rangeOf(const program::Address &address, const Ranges &loops) const {
    Range sum{address.constant, address.constant};
    for (const program::Address::Term &term : address.terms)
      sum = sum + Range{term.coefficient, term.coefficient} * loops[term.depth];
    return address.hasRest ? sum + rangeOf(address.rest, loops) : sum;
  }

  [[nodiscard]] Range rangeOf(program::ExpressionId id, const Ranges &loops) const {
    using Kind = program::Expression::Kind;
    const program::Expression &expression = program_.expressions[id];
    if (expression.kind == Kind::Constant)
      return {expression.value, expression.value};
    if (expression.kind == Kind::LoopValue)
      return loops[static_cast<std::size_t>(expression.value)];
    const Range left = rangeOf(expression.left, loops), right = rangeOf(expression.right, loops);
    switch (expression.kind) {
    case Kind::Add:
      return left + right;
    case Kind::Subtract:
      return left - right;
    case Kind::Multiply:
      return left * right;
    case Kind::FloorModulo:
      return right.low > 0 ? Range{0, right.high - 1} : Range::all();
    case Kind::FloorDivide: {
      // A division by a positive number goes no further from 0, but for the floor.
      return right.low > 0
                 ? Range{std::min<std::int64_t>(left.low, -1), std::max<std::int64_t>(left.high, 0)}
                 : Range::all();
    }
    case Kind::Min:
      return {std::min(left.low, right.low), std::min(left.high, right.high)};
    case Kind::Max:
      return {std::max(left.low, right.low), std::max(left.high, right.high)};
    default:
      return Range::all();
    }
  }

  // ---- classes --------------------------------------------------------------------------------

  /// What is emitted lies at a distance from what it is relative to.
  void joinWithBases() {
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (plan_.accesses[i].tracked)
        classes_.insert(i);
    // From the inside to the outside: a base may be relative itself.
    for (bool changed = true; changed;) {
      changed = false;
      for (const OccupationInstruction &emitter : plan_.instructions)
        for (const OccupationPhase &phase : emitter.phases.of(plan_.phases))
          if (phase.kind == program::Phase::Kind::Expansion)
            changed |= joinWithBases(emitter, phase.body);
    }
  }

  bool joinWithBases(const OccupationInstruction &emitter, program::RegionId body) {
    bool changed = false;
    for (const std::uint32_t emitted : instructionsBelow(body)) {
      const PlanSlice accesses = plan_.instructions[emitted].accesses;
      for (std::uint32_t i = accesses.first; i != accesses.first + accesses.count; ++i) {
        const auto &base = plan_.accesses[i].operand->base;
        if (!base || classes_.findValue(i) == classes_.end() ||
            classes_.isEquivalent(i, emitter.accesses.first + *base))
          continue;
        classes_.unionSets(i, emitter.accesses.first + *base);
        changed = true;
      }
    }
    return changed;
  }

  const std::vector<std::uint32_t> &instructionsBelow(program::RegionId root) {
    const auto [entry, isNew] = below_.try_emplace(root);
    if (!isNew)
      return entry->second;
    llvm::DenseSet<std::uint32_t> regions, found;
    std::vector<std::uint32_t> order;
    std::vector<program::RegionId> pending{root};
    while (!pending.empty()) {
      const program::RegionId region = pending.back();
      pending.pop_back();
      if (!regions.insert(region).second)
        continue;
      for (const program::Step &step : program_.regions[region].steps)
        if (step.kind == program::Step::Kind::Repeat)
          pending.push_back(program_.repeats[step.index].body);
        else if (found.insert(step.index).second)
          order.push_back(step.index);
    }
    return entry->second = std::move(order);
  }

  /// Of each memory, those that can meet.
  void joinOverlapping() {
    std::map<arch::ObjectId, std::vector<std::uint32_t>> byMemory;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (plan_.accesses[i].tracked && ranges_[i])
        byMemory[plan_.accesses[i].memory].push_back(i);
    for (auto &[memory, accesses] : byMemory) {
      std::ranges::sort(accesses, {}, [this](std::uint32_t i) { return ranges_[i]->low; });
      std::int64_t end = -Range::limit - 1; // behind the last byte of the class so far
      std::uint32_t last = none;
      for (const std::uint32_t i : accesses) {
        if (last != none && ranges_[i]->low < end)
          classes_.unionSets(i, last);
        last = i;
        end = std::max(
            end,
            Range::of(ranges_[i]->high, Int128{ranges_[i]->high} + plan_.accesses[i].bytes).high);
      }
    }
  }

  void numberClasses() {
    std::map<std::uint32_t, std::uint32_t> numbers;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (classes_.findValue(i) != classes_.end())
        plan_.accesses[i].addressClass =
            numbers
                .try_emplace(classes_.getLeaderValue(i), static_cast<std::uint32_t>(numbers.size()))
                .first->second;
    plan_.addressClassCount = static_cast<std::uint32_t>(numbers.size());
  }

  // ---- loops ----------------------------------------------------------------------------------

  /// Bytes by which an operand moves with an iteration; none if that varies.
  using Stride = std::optional<std::int64_t>;

  void planRepeat(std::uint32_t index) {
    const program::Repeat &repeat = program_.repeats[index];
    RepeatFacts &facts = plan_.repeats[index];
    facts.stride.assign(plan_.addressClassCount, 0);
    seen_.assign(plan_.addressClassCount, false);
    const std::vector<std::uint32_t> &below = instructionsBelow(repeat.body);
    facts.isEmpty = below.empty();
    for (const std::uint32_t instruction : below) {
      std::vector<Stride> strides;
      for (const OccupationAccess &access : accessesOf(instruction))
        strides.push_back(strideOf(access.operand->address, repeat));
      collect(instruction, strides, facts);
    }
    plan_.repeatTouches[index] = seen_;
  }

  void collect(std::uint32_t index, const std::vector<Stride> &strides, RepeatFacts &facts) {
    const OccupationInstruction &instruction = plan_.instructions[index];
    for (std::uint32_t i = 0; i != instruction.accesses.count && facts.isShiftInvariant; ++i) {
      const OccupationAccess &access = plan_.accesses[instruction.accesses.first + i];
      const bool hasState =
          plan_.graph->objects[access.storage].objectClass != arch::ObjectClass::SRAM;
      if (instruction.makesRequests && hasState && strides[i] != 0)
        facts.isShiftInvariant = false;
      if (access.addressClass == none)
        continue;
      if (!strides[i] ||
          (seen_[access.addressClass] && facts.stride[access.addressClass] != *strides[i])) {
        facts.isShiftInvariant = false;
        return;
      }
      facts.stride[access.addressClass] = *strides[i];
      seen_[access.addressClass] = true;
    }
    for (const OccupationPhase &phase : instruction.phases.of(plan_.phases))
      if (phase.kind == program::Phase::Kind::Expansion && facts.isShiftInvariant)
        collectEmitted(phase.body, strides, facts);
  }

  /// What an expansion emits moves with its base.
  void collectEmitted(program::RegionId body, const std::vector<Stride> &bases,
                      RepeatFacts &facts) {
    for (const std::uint32_t emitted : instructionsBelow(body)) {
      std::vector<Stride> strides;
      for (const OccupationAccess &access : accessesOf(emitted))
        strides.push_back(access.operand->base ? bases[*access.operand->base] : Stride(0));
      collect(emitted, strides, facts);
    }
  }

  [[nodiscard]] Stride strideOf(const program::Address &address,
                                const program::Repeat &repeat) const {
    if (address.hasRest && dependsOn(program_, address.rest, repeat.depth))
      return std::nullopt;
    std::int64_t sum = 0;
    for (const program::Address::Term &term : address.terms)
      if (term.depth == repeat.depth)
        sum += term.coefficient;
    std::int64_t stride = 0;
    return __builtin_mul_overflow(sum, repeat.step, &stride) ? Stride() : Stride(stride);
  }

  OccupationPlan &plan_;
  const program::Program &program_;
  std::vector<std::optional<Range>> ranges_; ///< of the first bytes, by access
  std::vector<Surroundings> surroundings_;   ///< by region
  llvm::EquivalenceClasses<std::uint32_t> classes_;
  std::map<program::RegionId, std::vector<std::uint32_t>> below_;
  std::vector<bool> seen_; ///< by class, in the repeat that is being planned
};

} // namespace

void planRepeats(OccupationPlan &plan) { RepeatPlanner(plan).plan(); }

} // namespace acadlc::aidg
