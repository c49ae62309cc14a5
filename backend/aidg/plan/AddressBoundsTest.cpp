#include "backend/aidg/plan/AddressBounds.h"

#include <doctest/doctest.h>

namespace acadlc::aidg {

namespace {

using program::Expression;

/// The square of the value of the outermost loop.
program::Address square(program::Program &program) {
  program.expressions = {{Expression::Kind::LoopValue, 0, 0, 0},
                         {Expression::Kind::Multiply, 0, 0, 0}};
  return {.constant = 8, .terms = {}, .hasRest = true, .rest = 1};
}

TEST_CASE("bounds of an address that is not affine") {
  program::Program program;
  const program::Address address = square(program);
  const std::vector<Interval> loops{{2, 5}};
  CHECK(boundsOf(program, address, loops) == Interval{12, 33});
}

TEST_CASE("an address that is not affine, of an instruction in loops without iterations") {
  program::Program program;
  const program::Address address = square(program);
  CHECK(boundsOf(program, address, {}) == std::nullopt);
}

} // namespace

} // namespace acadlc::aidg
