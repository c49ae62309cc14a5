/// \file
/// Bounds of addresses from the ranges of the loops around them.
#pragma once

#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// All integers from `low` to `high`, both included.
struct Interval {
  std::int64_t low = 0, high = 0;
  friend bool operator==(const Interval &, const Interval &) = default;
};

/// By instruction and depth: the values that the loops around it take, over all places in which the
/// program emits it. Empty for an instruction outside of all loops or never emitted. A range that
/// leaves the 64 bits is that of all 64-bit numbers.
std::vector<std::vector<Interval>> loopValuesOf(const program::Program &program);

/// Bounds of \p address (bytes) while the loops take \p loopValues, by depth; nothing if they are
/// not within 64 bits or the address is of a form whose bounds are not known.
std::optional<Interval> boundsOf(const program::Program &program, const program::Address &address,
                                 std::span<const Interval> loopValues);

/// Whether the value of the loop at \p depth stands in the expression \p id of \p program.
bool dependsOn(const program::Program &program, program::ExpressionId id, std::uint32_t depth);

} // namespace acadlc::aidg
