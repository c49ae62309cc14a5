/// \file
/// Builds a program bottom-up. Equal instructions, regions, repeats and expressions are made once.
#pragma once

#include "backend/mapping/Symbolic.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace acadlc::mapping {

/// Bytes that a memory operand may touch over all iterations; half-open.
struct ByteRange {
  Int128 low = 0, high = 0;
};

class ProgramBuilder {
public:
  explicit ProgramBuilder(const SymbolicSpace &space) : space_(&space) {}

  program::Address address(const Linear &number);
  /// \p ranges: one per memory operand.
  program::InstructionId instruction(program::Instruction instruction,
                                     const std::vector<ByteRange> &ranges);
  program::RouteId route(program::Route route);
  /// \p depth: the number of repeats around it. Regions are shared among those of equal depth only.
  program::RegionId region(std::vector<program::Step> steps, std::uint32_t depth);
  std::uint32_t repeat(const program::Repeat &repeat);

  /// Of one execution of \p region; nothing if a number leaves 64 bits.
  [[nodiscard]] std::optional<program::Program::Totals> totals(program::RegionId region) const {
    return program_.totals(region);
  }
  [[nodiscard]] std::size_t instructionCount() const { return program_.instructions.size(); }
  /// The program whose root holds \p steps: what abandoned attempts have left is gone, and it is
  /// known which accesses may conflict.
  program::Program finish(std::vector<program::Step> steps);

private:
  program::ExpressionId expression(program::Expression::Kind kind, std::int64_t value,
                                   program::ExpressionId left = 0, program::ExpressionId right = 0);
  program::ExpressionId expressionOf(const Linear &number);
  program::ExpressionId expressionOf(AtomId atom);
  void markConflicts();
  bool isWrittenBelow(program::InstructionId id, std::size_t operand) const;
  bool isWrittenIn(program::RegionId region, std::size_t base) const;

  const SymbolicSpace *space_;
  program::Program program_;
  std::vector<std::vector<ByteRange>> ranges_; ///< per instruction
  std::vector<std::uint32_t> regionDepths_;
  std::unordered_multimap<std::size_t, std::uint32_t> instructions_, regions_, repeats_, routes_,
      expressions_;
  std::unordered_map<AtomId, program::ExpressionId> atoms_;
};

} // namespace acadlc::mapping
