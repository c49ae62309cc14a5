#include "backend/aidg/plan/Independence.h"

#include "ir/ArchitectureGraph.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

namespace {

using program::MemoryOperand;
using program::Program;

/// Emits of instructions with memory operands, each in each of its loop nests, that are looked at.
constexpr std::size_t mostPlaces = std::size_t{1} << 16;

/// A loop as an address sees it: \p count values, \p stride > 0 bytes apart.
struct Progression {
  std::int64_t stride = 0, count = 0;
  friend auto operator<=>(const Progression &, const Progression &) = default;
};

/// Bytes [low, high).
struct Interval {
  std::int64_t low = 0, high = 0;
};

/// The bytes of one operand in one loop nest: an interval, moved by each of the loops.
struct Footprint {
  const MemoryOperand *operand = nullptr;
  Interval first;
  std::vector<Progression> loops; ///< strides ascend
  Interval hull;
};

/// What a footprint is made from, as far as that can be done: affine, in the range.
std::optional<Footprint> footprintOf(const MemoryOperand &operand,
                                     std::span<const program::Repeat *const> loops) {
  if (operand.address.hasRest || operand.base)
    return std::nullopt;
  Footprint made;
  made.operand = &operand;
  std::int64_t low = operand.address.constant;
  for (std::size_t depth = 0; depth != loops.size(); ++depth) {
    const program::Repeat &repeat = *loops[depth];
    std::int64_t coefficient = 0;
    for (const program::Address::Term &term : operand.address.terms)
      if (term.depth == depth)
        coefficient += term.coefficient;
    std::int64_t start = 0, stride = 0;
    if (__builtin_mul_overflow(coefficient, repeat.first, &start) ||
        __builtin_mul_overflow(coefficient, repeat.step, &stride) ||
        __builtin_add_overflow(low, start, &low))
      return std::nullopt;
    if (repeat.count > 1)
      made.loops.push_back({stride, repeat.count});
  }
  std::int64_t span = operand.bytes;
  for (Progression &loop : made.loops) {
    std::int64_t way = 0;
    if (__builtin_mul_overflow(loop.stride, loop.count - 1, &way))
      return std::nullopt;
    if (way < 0) { // the same bytes from the other end
      low += way;
      way = -way;
      loop.stride = -loop.stride;
    }
    if (__builtin_add_overflow(span, way, &span))
      return std::nullopt;
  }
  std::ranges::sort(made.loops);
  if (__builtin_add_overflow(low, span, &made.hull.high))
    return std::nullopt;
  made.hull.low = low;
  made.first = {low, low + operand.bytes};
  return made;
}

/// Collects the footprints of a program's operands that may conflict, by memory.
class Collector {
public:
  explicit Collector(const Program &program) : program_(program) {}

  void collect() {
    if (!program_.regions.empty())
      visit(program_.root);
  }
  /// Without those of which something is not known.
  [[nodiscard]] const std::map<arch::ObjectId, std::vector<Footprint>> &byMemory() const {
    return byMemory_;
  }
  [[nodiscard]] bool isComplete() const { return places_ <= mostPlaces; }

private:
  void visit(program::RegionId region) {
    for (const program::Step &step : program_.regions[region].steps) {
      if (!isComplete())
        return;
      if (step.kind == program::Step::Kind::Emit) {
        add(program_.instructions[step.index]);
        continue;
      }
      const program::Repeat &repeat = program_.repeats[step.index];
      ++places_;
      if (repeat.count <= 0)
        continue;
      loops_.push_back(&repeat);
      visit(repeat.body);
      loops_.pop_back();
    }
  }

  void add(const program::Instruction &instruction) {
    for (const MemoryOperand &operand : instruction.memory) {
      if (!operand.mayConflict)
        continue;
      ++places_;
      std::optional<Footprint> footprint = footprintOf(operand, loops_);
      if (!footprint)
        unknown_.insert(operand.memory);
      if (unknown_.contains(operand.memory))
        byMemory_.erase(operand.memory);
      else
        byMemory_[operand.memory].push_back(std::move(*footprint));
    }
  }

  const Program &program_;
  std::vector<const program::Repeat *> loops_;
  std::map<arch::ObjectId, std::vector<Footprint>> byMemory_;
  llvm::DenseSet<arch::ObjectId> unknown_;
  std::size_t places_ = 0;
};

/// Sorts \p intervals; whether no two of them overlap.
bool areDisjoint(std::vector<Interval> &intervals) {
  std::ranges::sort(intervals, {}, &Interval::low);
  for (std::size_t i = 1; i < intervals.size(); ++i)
    if (intervals[i].low < intervals[i - 1].high)
      return false;
  return true;
}

/// Lets disjoint, sorted \p intervals move by a loop; they become the intervals that are passed
/// over. False if it cannot be excluded that one gets to where another one is in another trip.
///
/// What moves falls into groups that keep apart on the whole way. The members of one that is no
/// longer than the stride keep apart too: in different trips all of it has moved on.
bool move(std::vector<Interval> &intervals, const Progression &loop) {
  const std::int64_t way = loop.stride * (loop.count - 1);
  std::vector<Interval> passed;
  for (std::size_t i = 0; i != intervals.size();) {
    Interval group = intervals[i];
    for (++i; i != intervals.size() && intervals[i].low < group.high + way; ++i)
      group.high = intervals[i].high;
    if (group.high - group.low > loop.stride)
      return false;
    passed.push_back({group.low, group.high + way});
  }
  intervals = std::move(passed);
  return true;
}

/// Whether no byte of \p footprints is touched twice. Loops are taken in the order of their
/// strides; those with the same loops left to take are looked at together.
bool touchNothingTwice(std::span<const Footprint> footprints) {
  std::map<std::vector<Progression>, std::vector<Interval>> byLoops;
  for (const Footprint &footprint : footprints) {
    // The next to take stands at the end.
    std::vector<Progression> loops(footprint.loops.rbegin(), footprint.loops.rend());
    byLoops[std::move(loops)].push_back(footprint.first);
  }
  while (true) {
    // Take the loop with the least stride that is left.
    auto next = byLoops.end();
    for (auto entry = byLoops.begin(); entry != byLoops.end(); ++entry)
      if (!entry->first.empty() &&
          (next == byLoops.end() || entry->first.back() < next->first.back()))
        next = entry;
    if (next == byLoops.end())
      break;
    std::vector<Interval> intervals = std::move(next->second);
    std::vector<Progression> loops = next->first;
    byLoops.erase(next);
    if (!areDisjoint(intervals) || !move(intervals, loops.back()))
      return false;
    loops.pop_back();
    std::vector<Interval> &joined = byLoops[loops];
    joined.insert(joined.end(), intervals.begin(), intervals.end());
  }
  return areDisjoint(byLoops[{}]);
}

} // namespace

llvm::DenseSet<const MemoryOperand *> findIndependentOperands(const Program &program) {
  llvm::DenseSet<const MemoryOperand *> independent, others;
  Collector collector(program);
  collector.collect();
  if (!collector.isComplete())
    return independent;
  for (const auto &[memory, all] : collector.byMemory()) {
    std::vector<Footprint> footprints = all;
    std::ranges::stable_sort(footprints, {},
                             [](const Footprint &footprint) { return footprint.hull.low; });
    // Parts of the memory that have nothing to do with each other.
    for (std::size_t i = 0; i != footprints.size();) {
      const std::size_t first = i;
      std::int64_t high = footprints[i].hull.high;
      for (++i; i != footprints.size() && footprints[i].hull.low < high; ++i)
        high = std::max(high, footprints[i].hull.high);
      const auto part = std::span(footprints).subspan(first, i - first);
      llvm::DenseSet<const MemoryOperand *> &found = touchNothingTwice(part) ? independent : others;
      for (const Footprint &footprint : part)
        found.insert(footprint.operand);
    }
  }
  // An operand may stand in several loop nests.
  for (const MemoryOperand *operand : others)
    independent.erase(operand);
  return independent;
}

} // namespace acadlc::aidg
