/// \file
/// Where accesses can lie: ranges of addresses from the ranges of the loops around them and of the
/// operands that they are relative to, for programs with expansions.
#pragma once

#include "ir/Program.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// Numbers from low to high, both included; kept within ±limit.
struct AddressRange {
  static constexpr std::int64_t limit = std::int64_t{1} << 62;
  std::int64_t low = 0, high = 0;

  static AddressRange all() { return {-limit, limit}; }
  [[nodiscard]] AddressRange hull(AddressRange other) const {
    return {std::min(low, other.low), std::max(high, other.high)};
  }
  friend AddressRange operator+(AddressRange a, AddressRange b);
  friend AddressRange operator-(AddressRange a, AddressRange b);
  friend AddressRange operator*(AddressRange a, AddressRange b);
  friend bool operator==(const AddressRange &, const AddressRange &) = default;
};

/// By loop, by operand.
using AddressRanges = std::vector<AddressRange>;

/// The values that the loop of \p repeat takes from iteration \p first to iteration \p last.
AddressRange valuesOf(const program::Repeat &repeat, std::int64_t first, std::int64_t last);

/// The bytes where \p address can lie, relative to its base, while the loops around it take the
/// values \p loops, by depth.
AddressRange rangeOf(const program::Program &program, const program::Address &address,
                     const AddressRanges &loops);

} // namespace acadlc::aidg
