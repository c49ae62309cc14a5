#include "backend/aidg/plan/AddressClasses.h"

#include "support/CheckedArithmetic.h"

#include <llvm/ADT/DenseSet.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace acadlc::aidg {

namespace {

/// Strides that are kept, over all loops and classes; with more each memory is one class.
constexpr std::size_t mostStrides = std::size_t{1} << 20;

/// The bytes [low, high) that hold an access in all iterations.
struct Footprint {
  std::uint32_t access = 0;
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
};

/// What moves accesses to other sets and banks, of the storages with state in front of a memory and
/// the memory itself.
struct BlockSizes {
  std::optional<std::int64_t> block = 1;  ///< bytes: a whole number of lines and of rows of each
  std::optional<std::int64_t> period = 1; ///< bytes: moved by that, an access meets the same sets
};

std::optional<std::int64_t> leastCommonMultiple(std::optional<std::int64_t> a,
                                                std::optional<std::int64_t> b) {
  if (!a || !b)
    return std::nullopt;
  return checkedMul(*a / std::gcd(*a, *b), *b);
}

class AddressPlanner {
public:
  explicit AddressPlanner(Plan &plan)
      : plan_(plan), program_(*plan.program), loopValues_(loopValuesOf(program_)) {}

  void run() {
    findStateful();
    planConflicts();
    planBlocks();
    planRepeats();
  }

private:
  [[nodiscard]] const arch::Object &object(arch::ObjectId id) const {
    return plan_.graph->objects[id];
  }

  [[nodiscard]] arch::ObjectId memoryBehind(arch::ObjectId storage) const {
    while (object(storage).lower != arch::noObject)
      storage = object(storage).lower;
    return storage;
  }

  void findStateful() {
    for (const PlanStorage &storage : plan_.storages)
      for (arch::ObjectId id = storage.id; id != arch::noObject; id = object(id).lower)
        if (object(id).objectClass != arch::ObjectClass::SRAM &&
            std::ranges::find(plan_.stateful, id, &PlanStateful::id) == plan_.stateful.end())
          plan_.stateful.push_back({id, memoryBehind(id)});
    std::ranges::sort(plan_.stateful, {}, [](const PlanStateful &stateful) {
      return std::pair(stateful.memory, stateful.id);
    });
  }

  /// Where an access may lie, taken as at least \p leastBytes long.
  [[nodiscard]] Footprint footprintOf(std::uint32_t index, std::int64_t leastBytes) const {
    const PlanAccess &access = plan_.accesses[index];
    const auto bounds =
        boundsOf(program_, access.operand->address, loopValues_[access.instruction]);
    const auto high =
        bounds ? checkedAdd(bounds->high, std::max(access.bytes, leastBytes)) : std::nullopt;
    return high ? Footprint{index, bounds->low, *high} : Footprint{index};
  }

  // ---- conflicts ------------------------------------------------------------------------------

  void planConflicts() {
    std::map<arch::ObjectId, std::vector<Footprint>> reads, writes;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (const PlanAccess &access = plan_.accesses[i]; access.tracked)
        (access.isWrite ? writes : reads)[access.operand->memory].push_back(footprintOf(i, 0));
    for (auto &[memory, footprints] : reads)
      writes.try_emplace(memory);
    for (auto &[memory, footprints] : writes)
      divideConflicts(reads[memory], footprints);
    if (plan_.conflictClasses * plan_.repeats.size() > mostStrides)
      joinConflicts();
    for (const PlanAccess &access : plan_.accesses)
      if (access.tracked)
        plan_.instructions[access.instruction].hasTracked = true;
  }

  /// Divides the accesses to one memory. Writes that overlap are of one class; a read is of the
  /// class of the writes that it overlaps and joins them.
  void divideConflicts(const std::vector<Footprint> &reads, std::vector<Footprint> &writes) {
    std::vector<Footprint> merged = mergeOverlapping(writes);
    const auto firstBehind = [&](std::int64_t low) {
      return std::ranges::partition_point(merged,
                                          [&](const Footprint &f) { return f.high <= low; });
    };
    // How many reads reach from one of the merged writes to the next, by differences.
    std::vector<std::int64_t> joins(merged.size() + 1, 0);
    for (const Footprint &read : reads) {
      const auto first = firstBehind(read.low);
      const auto last = std::partition_point(first, merged.end(),
                                             [&](const Footprint &f) { return f.low < read.high; });
      if (first == last) {
        plan_.accesses[read.access].tracked = false;
        continue;
      }
      ++joins[static_cast<std::size_t>(first - merged.begin())];
      --joins[static_cast<std::size_t>(last - merged.begin()) - 1];
    }
    std::vector<std::uint32_t> classes;
    std::int64_t reaching = 0;
    for (std::size_t i = 0; i != merged.size(); ++i) {
      if (reaching == 0)
        ++plan_.conflictClasses;
      classes.push_back(plan_.conflictClasses - 1);
      reaching += joins[i];
    }
    const auto assign = [&](const Footprint &footprint) {
      // A write of no bytes may lie right behind the one that it was merged into.
      auto found = firstBehind(footprint.low);
      if (found == merged.end() || found->low > footprint.low)
        found = std::ranges::find(merged, footprint.low, &Footprint::low);
      return classes[static_cast<std::size_t>(found - merged.begin())];
    };
    for (const Footprint &write : writes)
      plan_.accesses[write.access].conflictClass = assign(write);
    for (const Footprint &read : reads)
      if (plan_.accesses[read.access].tracked)
        plan_.accesses[read.access].conflictClass =
            classes[static_cast<std::size_t>(firstBehind(read.low) - merged.begin())];
  }

  /// Sorts \p footprints by address and returns the smallest intervals that hold those that overlap
  /// each other.
  static std::vector<Footprint> mergeOverlapping(std::vector<Footprint> &footprints) {
    std::ranges::sort(footprints, {}, &Footprint::low);
    std::vector<Footprint> merged;
    for (const Footprint &footprint : footprints)
      if (!merged.empty() && footprint.low < merged.back().high)
        merged.back().high = std::max(merged.back().high, footprint.high);
      else
        merged.push_back(footprint);
    return merged;
  }

  /// Makes all tracked accesses to a memory one class.
  void joinConflicts() {
    std::map<arch::ObjectId, std::uint32_t> classes;
    for (PlanAccess &access : plan_.accesses)
      if (access.tracked)
        access.conflictClass =
            classes.try_emplace(access.operand->memory, static_cast<std::uint32_t>(classes.size()))
                .first->second;
    plan_.conflictClasses = static_cast<std::uint32_t>(classes.size());
  }

  // ---- blocks ---------------------------------------------------------------------------------

  [[nodiscard]] BlockSizes blockSizesOf(arch::ObjectId memory) const {
    BlockSizes sizes;
    for (const PlanStateful &stateful : plan_.stateful) {
      if (stateful.memory != memory)
        continue;
      const arch::Object &storage = object(stateful.id);
      const bool isCache = storage.objectClass == arch::ObjectClass::SetAssociativeCache;
      const std::int64_t block = isCache ? storage.lineSize : storage.rowSize;
      sizes.block = leastCommonMultiple(sizes.block, block);
      sizes.period = leastCommonMultiple(sizes.period,
                                         checkedMul(block, isCache ? storage.sets : storage.banks));
    }
    return sizes;
  }

  void planBlocks() {
    std::map<arch::ObjectId, std::vector<Footprint>> footprints;
    for (std::uint32_t i = 0; i != plan_.accesses.size(); ++i)
      if (plan_.accesses[i].changesState)
        // Even a request of no bytes touches a line.
        footprints[memoryBehind(plan_.storages[plan_.accesses[i].storage].id)].push_back(
            footprintOf(i, 1));
    for (auto &[memory, ofMemory] : footprints)
      divideBlocks(memory, ofMemory);
  }

  void divideBlocks(arch::ObjectId memory, std::vector<Footprint> &footprints) {
    const std::vector<Footprint> merged = mergeOverlapping(footprints);
    const auto first = static_cast<std::uint32_t>(plan_.blockClasses.size());
    std::size_t current = 0;
    for (const Footprint &footprint : footprints) { // both in ascending order
      while (footprint.low >= merged[current].high)
        ++current;
      plan_.accesses[footprint.access].blockClass = first + static_cast<std::uint32_t>(current);
    }
    const std::vector<Interval> whole = wholeBlocks(merged, blockSizesOf(memory).block);
    for (std::size_t i = 0; i != merged.size(); ++i) {
      BlockClass added{memory, 0, 0};
      if (!whole.empty()) {
        added.low = i == 0 ? whole[i].low : std::max(whole[i].low, whole[i - 1].high);
        added.high =
            i + 1 == whole.size() ? whole[i].high : std::min(whole[i].high, whole[i + 1].low);
      }
      plan_.blockClasses.push_back(added);
    }
  }

  /// The intervals extended to whole blocks, ends not included; none if they leave the 64 bits.
  static std::vector<Interval> wholeBlocks(const std::vector<Footprint> &footprints,
                                           std::optional<std::int64_t> block) {
    std::vector<Interval> result;
    for (const Footprint &footprint : footprints) {
      const auto begin = block ? checkedFloorDiv(footprint.low, *block) : std::nullopt;
      const auto end = block ? checkedCeilDiv(footprint.high, *block) : std::nullopt;
      const auto low = begin ? checkedMul(*begin, *block) : std::nullopt;
      const auto high = end ? checkedMul(*end, *block) : std::nullopt;
      if (!low || !high)
        return {};
      result.push_back({*low, *high});
    }
    return result;
  }

  // ---- loops ----------------------------------------------------------------------------------

  void planRepeats() {
    for (std::size_t i = 0; i != plan_.repeats.size(); ++i) {
      const program::Repeat &repeat = program_.repeats[i];
      RepeatFacts &facts = plan_.repeats[i];
      facts.stride.assign(plan_.addressClasses(), 0);
      std::vector<bool> seen(plan_.addressClasses(), false);
      bool isKernel = true;
      const std::vector<std::uint32_t> below = instructionsBelow(repeat.body, isKernel);
      for (const std::uint32_t index : below)
        collect(plan_.instructions[index], repeat, facts, seen);
      facts.isKernel = isKernel;
      facts.isEmpty = below.empty();
      planAddressPeriod(facts);
    }
  }

  /// The distinct instructions in a region and the repeats in it.
  std::vector<std::uint32_t> instructionsBelow(program::RegionId root, bool &isKernel) const {
    llvm::DenseSet<std::uint32_t> visitedRegions, found;
    std::vector<std::uint32_t> order;
    std::vector<program::RegionId> pending{root};
    while (!pending.empty()) {
      const program::RegionId region = pending.back();
      pending.pop_back();
      if (!visitedRegions.insert(region).second)
        continue;
      for (const program::Step &step : program_.regions[region].steps) {
        if (step.kind == program::Step::Kind::Repeat) {
          isKernel = false;
          pending.push_back(program_.repeats[step.index].body);
        } else if (found.insert(step.index).second) {
          order.push_back(step.index);
        }
      }
    }
    return order;
  }

  void collect(const PlanInstruction &instruction, const program::Repeat &repeat,
               RepeatFacts &facts, std::vector<bool> &seen) const {
    for (std::uint32_t a = 0; a != instruction.accessCount; ++a) {
      const std::uint32_t index = instruction.firstAccess + a;
      const PlanAccess &access = plan_.accesses[index];
      if (!access.tracked && !access.changesState)
        continue;
      const std::optional<std::int64_t> stride = strideOf(access.operand->address, repeat);
      if (!stride) {
        facts.isShiftInvariant = false;
        return;
      }
      if (access.tracked)
        move(access.conflictClass, *stride, facts, seen);
      if (!access.changesState)
        continue;
      move(plan_.addressClass(access.blockClass), *stride, facts, seen);
      if (*stride == 0)
        continue;
      facts.moving.push_back({index, *stride, loopValues_[access.instruction]});
      // No block of it moves as it does.
      facts.isShiftInvariant &= !plan_.blockClasses[access.blockClass].isEmpty();
    }
  }

  /// Notes that accesses of a class move by \p stride; all of them have to.
  static void move(std::uint32_t addressClass, std::int64_t stride, RepeatFacts &facts,
                   std::vector<bool> &seen) {
    if (seen[addressClass] && facts.stride[addressClass] != stride)
      facts.isShiftInvariant = false;
    facts.stride[addressClass] = stride;
    seen[addressClass] = true;
  }

  void planAddressPeriod(RepeatFacts &facts) const {
    std::optional<std::int64_t> period = 1;
    for (std::size_t i = 0; i != plan_.blockClasses.size(); ++i) {
      const std::int64_t stride = facts.stride[plan_.addressClass(static_cast<std::uint32_t>(i))];
      if (stride == 0)
        continue;
      const auto bytes = blockSizesOf(plan_.blockClasses[i].memory).period;
      period = leastCommonMultiple(period, bytes ? std::optional(*bytes / std::gcd(*bytes, stride))
                                                 : std::nullopt);
    }
    facts.isShiftInvariant &= period.has_value();
    facts.addressPeriod = period.value_or(1);
  }

  /// Bytes by which an address moves with one iteration of \p repeat; none if that varies or the
  /// way through the loop leaves the 64 bits.
  [[nodiscard]] std::optional<std::int64_t> strideOf(const program::Address &address,
                                                     const program::Repeat &repeat) const {
    if (address.hasRest && dependsOn(program_, address.rest, repeat.depth))
      return std::nullopt;
    std::optional<std::int64_t> coefficient = 0;
    for (const program::Address::Term &term : address.terms)
      if (term.depth == repeat.depth && coefficient)
        coefficient = checkedAdd(*coefficient, term.coefficient);
    const auto stride = coefficient ? checkedMul(*coefficient, repeat.step) : std::nullopt;
    return stride && *stride != std::numeric_limits<std::int64_t>::min() &&
                   checkedMul(*stride, repeat.count)
               ? stride
               : std::nullopt;
  }

  Plan &plan_;
  const program::Program &program_;
  std::vector<std::vector<Interval>> loopValues_;
};

/// Iterations by which [low, high) can move by \p stride within [from, to).
std::int64_t iterationsWithin(std::int64_t low, std::int64_t high, std::int64_t stride,
                              std::int64_t from, std::int64_t to) {
  if (low < from || high > to)
    return -1;
  const auto room = stride > 0 ? checkedSub(to, high) : checkedSub(low, from);
  return room.value_or(std::numeric_limits<std::int64_t>::max()) / std::abs(stride);
}

} // namespace

void planAddresses(Plan &plan) {
  plan.repeats.resize(plan.program->repeats.size());
  AddressPlanner(plan).run();
}

std::int64_t lastInOwnBlocks(const Plan &plan, std::uint32_t repeat,
                             std::span<const std::int64_t> outerValues, std::int64_t first) {
  const program::Repeat &loop = plan.program->repeats[repeat];
  std::int64_t more = loop.count - 1 - first;
  for (const MovingAccess &moving : plan.repeats[repeat].moving) {
    const PlanAccess &access = plan.accesses[moving.access];
    std::vector<Interval> loopValues = moving.loopValues;
    if (loopValues.size() <= loop.depth)
      continue; // in a loop without iterations
    for (std::size_t depth = 0; depth != loop.depth; ++depth)
      loopValues[depth] = {outerValues[depth], outerValues[depth]};
    const std::int64_t value = loop.first + first * loop.step;
    loopValues[loop.depth] = {value, value};
    const auto bounds = boundsOf(*plan.program, access.operand->address, loopValues);
    const auto high =
        bounds ? checkedAdd(bounds->high, std::max<std::int64_t>(access.bytes, 1)) : std::nullopt;
    if (!high)
      return first - 1;
    const BlockClass &blocks = plan.blockClasses[access.blockClass];
    more = std::min(more,
                    iterationsWithin(bounds->low, *high, moving.stride, blocks.low, blocks.high));
  }
  return first + more;
}

} // namespace acadlc::aidg
