#include "support/CheckedArithmetic.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>

using namespace acadlc;

namespace {
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
} // namespace

TEST_CASE("CheckedArithmetic: overflow is nothing") {
  CHECK(checkedAdd(2, 3) == 5);
  CHECK_FALSE(checkedAdd(largest, 1));
  CHECK(checkedSub(2, 3) == -1);
  CHECK_FALSE(checkedSub(smallest, 1));
  CHECK(checkedMul(-4, 5) == -20);
  CHECK_FALSE(checkedMul(largest, 2));
  CHECK_FALSE(checkedMul(smallest, -1));
}

TEST_CASE("CheckedArithmetic: division rounds down or up, for every sign") {
  for (std::int64_t a = -7; a <= 7; ++a)
    for (const std::int64_t b : {-3, -2, -1, 1, 2, 3}) {
      CAPTURE(a);
      CAPTURE(b);
      const auto quotient = checkedFloorDiv(a, b);
      const auto remainder = checkedFloorMod(a, b);
      REQUIRE(quotient.has_value());
      REQUIRE(remainder.has_value());
      CHECK(*quotient * b + *remainder == a);
      CHECK((*remainder == 0 || (*remainder < 0) == (b < 0)));
      CHECK(*checkedCeilDiv(a, b) == *quotient + (*remainder != 0 ? 1 : 0));
    }
  CHECK_FALSE(checkedFloorDiv(1, 0));
  CHECK_FALSE(checkedFloorMod(1, 0));
  CHECK_FALSE(checkedCeilDiv(1, 0));
  CHECK_FALSE(checkedFloorDiv(smallest, -1));
  CHECK_FALSE(checkedCeilDiv(smallest, -1));
  CHECK(checkedFloorMod(smallest, -1) == 0);
}

TEST_CASE("checked arithmetic: products of many") {
  constexpr std::int64_t half = std::int64_t{1} << 40;
  CHECK(checkedProduct({}) == 1);
  CHECK(checkedProduct(std::array<std::int64_t, 3>{3, 4, 5}) == 60);
  CHECK_FALSE(checkedProduct(std::array{half, half}));
}
