#include "backend/mapping/ProgramBuilder.h"

#include "support/InternalError.h"

#include <llvm/ADT/Hashing.h>

#include <algorithm>
#include <map>

namespace acadlc::mapping {
namespace {

using program::Address;
using program::Expression;
using program::ExpressionId;
using program::Instruction;
using program::MemoryOperand;
using program::Program;
using program::Region;
using program::Repeat;
using program::Route;
using program::Step;

bool isSame(const MemoryOperand &a, const MemoryOperand &b) {
  return a.storage == b.storage && a.memory == b.memory && a.isWrite == b.isWrite &&
         a.base == b.base && a.bytes == b.bytes && a.gaps == b.gaps && a.tensor == b.tensor &&
         a.address == b.address;
}

bool isSame(const Instruction &a, const Instruction &b) {
  return a.operation == b.operation && a.route == b.route && a.latency == b.latency &&
         a.reads == b.reads && a.writes == b.writes && a.immediates == b.immediates &&
         a.macs == b.macs && a.ops == b.ops && a.bytes == b.bytes && a.range == b.range &&
         a.phases == b.phases &&
         std::equal(a.memory.begin(), a.memory.end(), b.memory.begin(), b.memory.end(),
                    [](const auto &x, const auto &y) { return isSame(x, y); });
}

bool isSame(const Repeat &a, const Repeat &b) {
  return a.first == b.first && a.step == b.step && a.count == b.count && a.body == b.body &&
         a.depth == b.depth && a.range == b.range;
}

bool isSame(const Region &a, const Region &b) {
  return std::equal(
      a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(),
      [](const Step &x, const Step &y) { return x.kind == y.kind && x.index == y.index; });
}

bool isSame(const Expression &a, const Expression &b) {
  return a.kind == b.kind && a.value == b.value && a.left == b.left && a.right == b.right;
}
bool isSame(const Route &a, const Route &b) { return a == b; }

std::size_t hashOf(const Instruction &i) {
  std::size_t hash =
      llvm::hash_combine(i.route, i.latency, i.macs, i.range.begin.raw(),
                         llvm::hash_combine_range(i.reads.begin(), i.reads.end()),
                         llvm::hash_combine_range(i.writes.begin(), i.writes.end()),
                         llvm::hash_combine_range(i.immediates.begin(), i.immediates.end()));
  for (const program::Phase &phase : i.phases)
    hash = llvm::hash_combine(hash, phase.cycles, phase.bits, phase.object, phase.body);
  for (const MemoryOperand &operand : i.memory) {
    hash = llvm::hash_combine(hash, operand.storage, operand.isWrite, operand.bytes,
                              operand.address.constant, operand.address.rest);
    for (const Address::Term &term : operand.address.terms)
      hash = llvm::hash_combine(hash, term.depth, term.coefficient);
  }
  return hash;
}

/// The element of \p elements equal to \p element, or where it was added; and whether it was.
template <typename Element>
std::pair<std::uint32_t, bool> intern(std::vector<Element> &elements,
                                      std::unordered_multimap<std::size_t, std::uint32_t> &index,
                                      std::size_t hash, Element element) {
  const auto [begin, end] = index.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (isSame(elements[it->second], element))
      return {it->second, false};
  const auto id = static_cast<std::uint32_t>(elements.size());
  elements.push_back(std::move(element));
  index.emplace(hash, id);
  return {id, true};
}

Expression::Kind expressionKind(Atom::Kind kind) {
  switch (kind) {
  case Atom::Kind::Multiply:
    return Expression::Kind::Multiply;
  case Atom::Kind::FloorDivide:
    return Expression::Kind::FloorDivide;
  case Atom::Kind::FloorModulo:
    return Expression::Kind::FloorModulo;
  case Atom::Kind::Min:
    return Expression::Kind::Min;
  case Atom::Kind::Max:
    return Expression::Kind::Max;
  case Atom::Kind::Loop:
    break;
  }
  return Expression::Kind::LoopValue;
}

/// Drops what is not reachable from the root and renumbers the rest in stream order.
class Compaction {
public:
  explicit Compaction(Program &from) : from_(from) {}

  Program run() {
    to_.routes = std::move(from_.routes);
    to_.expressions = std::move(from_.expressions);
    to_.root = region(from_.root, 0);
    return std::move(to_);
  }

private:
  program::RegionId region(program::RegionId id, std::uint32_t depth) {
    to_.maxDepth = std::max(to_.maxDepth, depth);
    if (const auto found = regions_.find(id); found != regions_.end())
      return found->second;
    Region region;
    region.steps.reserve(from_.regions[id].steps.size());
    for (const Step &step : from_.regions[id].steps)
      region.steps.push_back({step.kind, step.kind == Step::Kind::Emit
                                             ? instruction(step.index)
                                             : repeat(step.index, depth)});
    const auto result = static_cast<program::RegionId>(to_.regions.size());
    to_.regions.push_back(std::move(region));
    regions_.emplace(id, result);
    return result;
  }

  std::uint32_t instruction(std::uint32_t id) {
    if (const auto found = instructions_.find(id); found != instructions_.end())
      return found->second;
    const auto result = static_cast<std::uint32_t>(to_.instructions.size());
    instructions_.emplace(id, result);
    to_.instructions.push_back(std::move(from_.instructions[id]));
    // What it emits may emit in turn, but never itself: FORWARD edges form no circle.
    for (std::size_t i = 0; i < to_.instructions[result].phases.size(); ++i)
      if (to_.instructions[result].phases[i].kind == program::Phase::Kind::Expansion) {
        const program::RegionId body = region(to_.instructions[result].phases[i].body, 0);
        to_.instructions[result].phases[i].body = body;
      }
    return result;
  }

  std::uint32_t repeat(std::uint32_t id, std::uint32_t depth) {
    if (const auto found = repeats_.find(id); found != repeats_.end())
      return found->second;
    Repeat repeat = from_.repeats[id];
    repeat.body = region(repeat.body, depth + 1);
    const auto result = static_cast<std::uint32_t>(to_.repeats.size());
    to_.repeats.push_back(repeat);
    repeats_.emplace(id, result);
    return result;
  }

  Program &from_;
  Program to_;
  std::unordered_map<std::uint32_t, std::uint32_t> regions_, instructions_, repeats_;
};

} // namespace

ExpressionId ProgramBuilder::expression(Expression::Kind kind, std::int64_t value,
                                        ExpressionId left, ExpressionId right) {
  Expression node;
  node.kind = kind;
  node.value = value;
  node.left = left;
  node.right = right;
  const std::size_t hash = llvm::hash_combine(static_cast<unsigned>(kind), value, left, right);
  return intern(program_.expressions, expressions_, hash, node).first;
}

ExpressionId ProgramBuilder::expressionOf(AtomId id) {
  if (const auto found = atoms_.find(id); found != atoms_.end())
    return found->second;
  const Atom &atom = space_->atom(id);
  const ExpressionId result = atom.kind == Atom::Kind::Loop
                                  ? expression(Expression::Kind::LoopValue, atom.depth)
                                  : expression(expressionKind(atom.kind), 0,
                                               expressionOf(atom.left), expressionOf(atom.right));
  atoms_.emplace(id, result);
  return result;
}

ExpressionId ProgramBuilder::expressionOf(const Linear &number) {
  std::optional<ExpressionId> sum;
  for (const auto &[atom, coefficient] : number.terms) {
    ExpressionId term = expressionOf(atom);
    if (coefficient != 1)
      term = expression(Expression::Kind::Multiply, 0, term,
                        expression(Expression::Kind::Constant, coefficient));
    sum = sum ? expression(Expression::Kind::Add, 0, *sum, term) : term;
  }
  if (!sum)
    return expression(Expression::Kind::Constant, number.constant);
  if (number.constant == 0)
    return *sum;
  return expression(Expression::Kind::Add, 0, *sum,
                    expression(Expression::Kind::Constant, number.constant));
}

Address ProgramBuilder::address(const Linear &number) {
  Address address;
  address.constant = number.constant;
  Linear rest;
  for (const auto &[id, coefficient] : number.terms) {
    const Atom &atom = space_->atom(id);
    if (atom.kind == Atom::Kind::Loop)
      address.terms.push_back({atom.depth, coefficient});
    else
      rest.terms.emplace_back(id, coefficient);
  }
  std::sort(address.terms.begin(), address.terms.end(),
            [](const auto &a, const auto &b) { return a.depth < b.depth; });
  address.hasRest = !rest.terms.empty();
  if (address.hasRest)
    address.rest = expressionOf(rest);
  return address;
}

program::InstructionId ProgramBuilder::instruction(Instruction instruction,
                                                   const std::vector<ByteRange> &ranges) {
  const std::size_t hash = hashOf(instruction);
  const auto [id, isNew] =
      intern(program_.instructions, instructions_, hash, std::move(instruction));
  if (isNew) {
    ranges_.push_back(ranges);
    return id;
  }
  // The same instruction in another loop may reach further.
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges_[id][i].low = std::min(ranges_[id][i].low, ranges[i].low);
    ranges_[id][i].high = std::max(ranges_[id][i].high, ranges[i].high);
  }
  return id;
}

program::RouteId ProgramBuilder::route(Route route) {
  const std::size_t hash = llvm::hash_combine(
      route.unit, llvm::hash_combine_range(route.stages.begin(), route.stages.end()));
  return intern(program_.routes, routes_, hash, std::move(route)).first;
}

program::RegionId ProgramBuilder::region(std::vector<Step> steps, std::uint32_t depth) {
  std::size_t hash = llvm::hash_combine(steps.size(), depth);
  for (const Step &step : steps)
    hash = llvm::hash_combine(hash, static_cast<unsigned>(step.kind), step.index);
  Region region{std::move(steps)};
  const auto [begin, end] = regions_.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (regionDepths_[it->second] == depth && isSame(program_.regions[it->second], region))
      return it->second;
  const auto id = static_cast<program::RegionId>(program_.regions.size());
  program_.regions.push_back(std::move(region));
  regionDepths_.push_back(depth);
  regions_.emplace(hash, id);
  return id;
}

std::uint32_t ProgramBuilder::repeat(const Repeat &repeat) {
  const std::size_t hash =
      llvm::hash_combine(repeat.first, repeat.step, repeat.count, repeat.body, repeat.depth);
  return intern(program_.repeats, repeats_, hash, repeat).first;
}

program::Program ProgramBuilder::finish(std::vector<Step> steps) {
  program_.root = region(std::move(steps), 0);
  markConflicts();
  return Compaction(program_).run();
}

/// Whether something that \p id expands to writes through its \p operand, whatever that is declared
/// to be.
bool ProgramBuilder::isWrittenBelow(program::InstructionId id, std::size_t operand) const {
  return std::ranges::any_of(program_.instructions[id].phases, [&](const program::Phase &phase) {
    return phase.kind == program::Phase::Kind::Expansion && isWrittenIn(phase.body, operand);
  });
}

bool ProgramBuilder::isWrittenIn(program::RegionId region, std::size_t base) const {
  return std::ranges::any_of(program_.regions[region].steps, [&](const Step &step) {
    if (step.kind == Step::Kind::Repeat)
      return isWrittenIn(program_.repeats[step.index].body, base);
    const std::vector<MemoryOperand> &operands = program_.instructions[step.index].memory;
    for (std::size_t i = 0; i != operands.size(); ++i)
      if (operands[i].base == base && (operands[i].isWrite || isWrittenBelow(step.index, i)))
        return true;
    return false;
  });
}

void ProgramBuilder::markConflicts() {
  // Per memory, the union of all bytes that are written, as disjoint ranges by their ends.
  // What is relative to an operand of the emitting instruction lies within that operand.
  std::map<arch::ObjectId, std::vector<ByteRange>> writes;
  for (std::size_t i = 0; i < program_.instructions.size(); ++i)
    for (std::size_t j = 0; j < program_.instructions[i].memory.size(); ++j) {
      const MemoryOperand &operand = program_.instructions[i].memory[j];
      if (!operand.base &&
          (operand.isWrite || isWrittenBelow(static_cast<program::InstructionId>(i), j)))
        writes[operand.memory].push_back(ranges_[i][j]);
    }
  for (auto &[memory, ranges] : writes) {
    std::sort(ranges.begin(), ranges.end(),
              [](const ByteRange &a, const ByteRange &b) { return a.low < b.low; });
    std::vector<ByteRange> merged;
    for (const ByteRange &range : ranges) {
      if (!merged.empty() && range.low <= merged.back().high)
        merged.back().high = std::max(merged.back().high, range.high);
      else
        merged.push_back(range);
    }
    ranges = std::move(merged);
  }
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    for (std::size_t j = 0; j < program_.instructions[i].memory.size(); ++j) {
      MemoryOperand &operand = program_.instructions[i].memory[j];
      if (operand.base)
        continue;
      const auto &ranges = writes[operand.memory];
      const ByteRange &mine = ranges_[i][j];
      const auto first = std::partition_point(
          ranges.begin(), ranges.end(), [&](const ByteRange &r) { return r.high <= mine.low; });
      operand.mayConflict = first != ranges.end() && first->low < mine.high;
    }
  }
}

} // namespace acadlc::mapping
