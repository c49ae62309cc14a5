// Where accesses can lie, from the ranges of the loops around them.

#include "backend/aidg/plan/AddressRanges.h"

#include <doctest/doctest.h>

namespace acadlc::aidg {

TEST_CASE("address ranges: sums and products of ranges hold every value") {
  const AddressRange a{-2, 3}, b{-5, 4};
  CHECK(a + b == AddressRange{-7, 7});
  CHECK(a - b == AddressRange{-6, 8});
  CHECK(a * b == AddressRange{-15, 12});
}

TEST_CASE("address ranges: what leaves the limits stays at them") {
  constexpr std::int64_t limit = AddressRange::limit;
  const AddressRange large{limit, limit}, small{-limit, -limit};
  CHECK(large + large == large);
  CHECK(small - large == small);
  CHECK(large * small == small);
}

TEST_CASE("address ranges: a loop's values, backwards too") {
  program::Repeat repeat;
  repeat.first = 10;
  repeat.step = -3;
  CHECK(valuesOf(repeat, 1, 4) == AddressRange{-2, 7});
}

TEST_CASE("address ranges: terms and the rest of an address") {
  program::Program program;
  program.expressions = {{program::Expression::Kind::LoopValue, 1},
                         {program::Expression::Kind::Constant, 8},
                         {program::Expression::Kind::FloorModulo, 0, 0, 1}};
  program::Address address;
  address.constant = 100;
  address.terms = {{0, 16}};
  const AddressRanges loops{{0, 3}, {0, 20}};
  CHECK(rangeOf(program, address, loops) == AddressRange{100, 148});
  address.hasRest = true;
  address.rest = 2;
  CHECK(rangeOf(program, address, loops) == AddressRange{100, 155});
}

} // namespace acadlc::aidg
