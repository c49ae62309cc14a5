/// \file
/// Integer arithmetic that says when it overflows. Sizes and cycle counts are int64 everywhere;
/// what a user's numbers can drive beyond that is computed with these.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace acadlc {

[[nodiscard]] constexpr std::optional<std::int64_t> checkedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

[[nodiscard]] constexpr std::optional<std::int64_t> checkedSub(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

[[nodiscard]] constexpr std::optional<std::int64_t> checkedMul(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

/// Largest integer not above a / b (towards −∞, unlike C++'s `/`); nothing for b == 0 and for the
/// one quotient that does not fit.
[[nodiscard]] constexpr std::optional<std::int64_t> checkedFloorDiv(std::int64_t a,
                                                                    std::int64_t b) {
  if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1))
    return std::nullopt;
  return a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

/// a − b · floorDiv(a, b): has the sign of b.
[[nodiscard]] constexpr std::optional<std::int64_t> checkedFloorMod(std::int64_t a,
                                                                    std::int64_t b) {
  if (b == 0)
    return std::nullopt;
  if (b == -1)
    return 0; // the quotient may not fit, the remainder does
  const std::int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

/// Smallest integer not below a / b.
[[nodiscard]] constexpr std::optional<std::int64_t> checkedCeilDiv(std::int64_t a, std::int64_t b) {
  if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1))
    return std::nullopt;
  return a / b + ((a % b != 0 && (a % b < 0) == (b < 0)) ? 1 : 0);
}

/// Product of all values, 1 of none; nothing if it, or one of those on the way, does not fit.
[[nodiscard]] constexpr std::optional<std::int64_t>
checkedProduct(std::span<const std::int64_t> values) {
  std::optional<std::int64_t> product = 1;
  for (const std::int64_t value : values)
    product = product ? checkedMul(*product, value) : std::nullopt;
  return product;
}

} // namespace acadlc
