#include "backend/aidg/occupation/OccupationRepeats.h"

#include "backend/aidg/plan/AddressBounds.h"
#include "backend/aidg/plan/AddressRanges.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/EquivalenceClasses.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace acadlc::aidg {

namespace {

/// Widens \p known to hold \p more; false if it does already.
bool widen(AddressRanges &known, const AddressRanges &more) {
  bool changed = known.size() < more.size();
  for (std::size_t i = 0; i != std::min(known.size(), more.size()); ++i) {
    const AddressRange hull = known[i].hull(more[i]);
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
    findStanding();
    forgetUnwritten();
    numberClasses(classesOf(Standing::Joined), classesOf(Standing::Apart));
    plan_.repeats.resize(program_.repeats.size());
    plan_.repeatTouches.resize(program_.repeats.size());
    plan_.mayBeFree.resize(program_.repeats.size());
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
    AddressRanges loops, bases;
  };

  void findRanges() {
    ranges_.resize(plan_.accesses.size());
    surroundings_.resize(program_.regions.size());
    if (!program_.regions.empty())
      look(program_.root, {}, {});
  }

  void look(program::RegionId region, const AddressRanges &loops, const AddressRanges &bases) {
    Surroundings &known = surroundings_[region];
    const bool hasMoreLoops = widen(known.loops, loops);
    const bool hasMoreBases = widen(known.bases, bases);
    if (known.isKnown && !hasMoreLoops && !hasMoreBases)
      return;
    known.isKnown = true;
    const AddressRanges around = known.loops, offsets = known.bases;
    for (const program::Step &step : program_.regions[region].steps) {
      if (step.kind == program::Step::Kind::Emit) {
        lookAt(step.index, around, offsets);
        continue;
      }
      const program::Repeat &repeat = program_.repeats[step.index];
      if (repeat.count <= 0)
        continue;
      AddressRanges inner = around;
      inner.resize(repeat.depth);
      inner.push_back(valuesOf(repeat, 0, repeat.count - 1));
      look(repeat.body, inner, offsets);
    }
  }

  void lookAt(std::uint32_t index, const AddressRanges &loops, const AddressRanges &bases) {
    const OccupationInstruction &instruction = plan_.instructions[index];
    AddressRanges own;
    for (std::uint32_t i = 0; i != instruction.accesses.count; ++i) {
      const program::MemoryOperand &operand =
          *plan_.accesses[instruction.accesses.first + i].operand;
      AddressRange address = rangeOf(program_, operand.address, loops);
      if (operand.base)
        address = address + bases[*operand.base];
      std::optional<AddressRange> &known = ranges_[instruction.accesses.first + i];
      known = known ? known->hull(address) : address;
      own.push_back(*known);
    }
    for (const OccupationPhase &phase : instruction.phases.of(plan_.phases))
      if (phase.kind == program::Phase::Kind::Expansion)
        look(phase.body, {}, own);
  }

  // ---- classes --------------------------------------------------------------------------------

  using Classes = llvm::EquivalenceClasses<std::uint32_t>;
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  /// What becomes of operands that stand still while loops within expansions go on.
  enum class Standing : std::uint8_t { Joined, Apart };

  [[nodiscard]] bool isWanted(std::uint32_t access, Standing standing) const {
    return standing == Standing::Joined || !plan_.accesses[access].stands;
  }

  /// Those of instructions that expand and come by the fetched stream alone.
  void findStanding() {
    std::vector<bool> isEmitted(plan_.instructions.size(), false);
    for (const OccupationPhase &phase : plan_.phases)
      if (phase.kind == program::Phase::Kind::Expansion)
        for (const std::uint32_t emitted : instructionsBelow(phase.body))
          isEmitted[emitted] = true;
    for (std::uint32_t i = 0; i != plan_.instructions.size(); ++i)
      if (const PlanSlice accesses = plan_.instructions[i].accesses;
          plan_.instructions[i].expands && !isEmitted[i])
        for (std::uint32_t a = accesses.first; a != accesses.first + accesses.count; ++a)
          plan_.accesses[a].stands = true;
  }

  /// Nothing depends on what is read and meets no write.
  void forgetUnwritten() {
    std::vector<bool> isMet(plan_.accesses.size(), false);
    for (const auto &[one, other] : meetings(Standing::Joined))
      isMet[one] = isMet[other] = true;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      plan_.accesses[i].tracked &= plan_.accesses[i].isWrite || isMet[i];
  }

  Classes classesOf(Standing standing) {
    Classes classes;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (plan_.accesses[i].tracked)
        classes.insert(i);
    // From the inside to the outside: a base may be relative itself.
    for (bool changed = true; changed;) {
      changed = false;
      for (const OccupationInstruction &emitter : plan_.instructions)
        for (const OccupationPhase &phase : emitter.phases.of(plan_.phases))
          if (phase.kind == program::Phase::Kind::Expansion)
            changed |= joinWithBases(emitter, phase.body, standing, classes);
    }
    for (const auto &[one, other] : meetings(standing))
      classes.unionSets(one, other);
    return classes;
  }

  /// What is emitted lies at a distance from what it is relative to: that must show where its own
  /// address does.
  bool joinWithBases(const OccupationInstruction &emitter, program::RegionId body,
                     Standing standing, Classes &classes) {
    bool changed = false;
    const auto has = [&](std::uint32_t i) { return classes.findValue(i) != classes.end(); };
    for (const std::uint32_t emitted : instructionsBelow(body)) {
      const PlanSlice accesses = plan_.instructions[emitted].accesses;
      for (std::uint32_t i = accesses.first; i != accesses.first + accesses.count; ++i) {
        if (!plan_.accesses[i].operand->base)
          continue;
        const std::uint32_t base = emitter.accesses.first + *plan_.accesses[i].operand->base;
        if (has(i) && isWanted(base, standing)) {
          changed |= !has(base) || !classes.isEquivalent(i, base);
          classes.unionSets(i, base);
        } else if (!has(base) && (has(i) || changesState(emitted, i))) {
          changed = true;
          classes.insert(base);
        }
      }
    }
    return changed;
  }

  /// Whether requests of \p access come to a storage that remembers them.
  [[nodiscard]] bool changesState(std::uint32_t instruction, std::uint32_t access) const {
    return plan_.instructions[instruction].makesRequests &&
           plan_.graph->objects[plan_.accesses[access].storage].objectClass !=
               arch::ObjectClass::SRAM;
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

  /// Pairs of accesses that can meet, one of them writing: so many that all which can meet are
  /// connected.
  [[nodiscard]] Pairs meetings(Standing standing) const {
    std::map<arch::ObjectId, std::vector<std::uint32_t>> byMemory;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (plan_.accesses[i].tracked && ranges_[i] && isWanted(i, standing))
        byMemory[plan_.accesses[i].memory].push_back(i);
    Pairs pairs;
    for (auto &[memory, accesses] : byMemory) {
      std::ranges::sort(accesses, {}, [this](std::uint32_t i) { return ranges_[i]->low; });
      appendMeetings(accesses, pairs);
    }
    return pairs;
  }

  /// An access, and behind the last byte that it can touch.
  struct Reach {
    std::uint32_t access = none;
    std::int64_t end = -AddressRange::limit - 1;
  };

  /// \p accesses: of one memory, by the least address.
  void appendMeetings(const std::vector<std::uint32_t> &accesses, Pairs &pairs) const {
    // The writes that reach furthest stand for those that they are connected with.
    Reach written;
    std::vector<Reach> read;
    for (const std::uint32_t i : accesses) {
      const std::int64_t low = ranges_[i]->low, bytes = plan_.accesses[i].bytes;
      const Reach own{i, (*ranges_[i] + AddressRange{bytes, bytes}).high};
      if (low < written.end)
        pairs.emplace_back(i, written.access);
      if (!plan_.accesses[i].isWrite) {
        read.push_back(own);
        continue;
      }
      Reach longest;
      for (const Reach &before : read)
        if (low < before.end) {
          pairs.emplace_back(i, before.access);
          longest = before.end > longest.end ? before : longest;
        }
      read.clear();
      if (longest.access != none)
        read.push_back(longest);
      if (own.end > written.end)
        written = own;
    }
  }

  /// Those of one class of \p apart have one number, and so have those of a class of \p joined
  /// that stand.
  void numberClasses(const Classes &joined, const Classes &apart) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> numbers;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i) {
      if (apart.findValue(i) == apart.end())
        continue;
      const std::uint32_t leader = joined.getLeaderValue(i);
      const std::uint32_t own = plan_.accesses[i].stands ? none : apart.getLeaderValue(i);
      const auto [entry, isNew] =
          numbers.try_emplace({leader, own}, static_cast<std::uint32_t>(numbers.size()));
      if (isNew)
        joined_.push_back(leader);
      plan_.accesses[i].addressClass = entry->second;
    }
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
    plan_.mayBeFree[index] = facts.isShiftInvariant;
    joinStrides(facts);
  }

  /// In a loop of the fetched stream, classes that can meet have to move together.
  void joinStrides(RepeatFacts &facts) const {
    std::map<std::uint32_t, std::int64_t> strides; // by joined class
    for (std::uint32_t c = 0; c != plan_.addressClassCount; ++c)
      if (seen_[c] &&
          strides.try_emplace(joined_[c], facts.stride[c]).first->second != facts.stride[c])
        facts.isShiftInvariant = false;
    for (std::uint32_t c = 0; c != plan_.addressClassCount; ++c)
      if (const auto stride = strides.find(joined_[c]); !seen_[c] && stride != strides.end())
        facts.stride[c] = stride->second;
  }

  void collect(std::uint32_t index, const std::vector<Stride> &strides, RepeatFacts &facts) {
    const OccupationInstruction &instruction = plan_.instructions[index];
    for (std::uint32_t i = 0; i != instruction.accesses.count && facts.isShiftInvariant; ++i) {
      const OccupationAccess &access = plan_.accesses[instruction.accesses.first + i];
      if (changesState(index, instruction.accesses.first + i) && strides[i] != 0)
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
  std::vector<std::optional<AddressRange>> ranges_; ///< of the first bytes, by access
  std::vector<Surroundings> surroundings_;          ///< by region
  std::vector<std::uint32_t> joined_; ///< by class: the same where those that stand are joined
  std::map<program::RegionId, std::vector<std::uint32_t>> below_;
  std::vector<bool> seen_; ///< by class, in the repeat that is being planned
};

} // namespace

void planRepeats(OccupationPlan &plan) { RepeatPlanner(plan).plan(); }

} // namespace acadlc::aidg
