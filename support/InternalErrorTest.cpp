#include "support/InternalError.h"

#include <doctest/doctest.h>

#include <string>

using namespace acadlc;

TEST_CASE("InternalError: a failed check names condition, message and place") {
  const int one = 1;
  CHECK_NOTHROW([&] { ACADLC_CHECK(one == 1, "unused"); }());
  std::string text;
  try {
    ACADLC_CHECK(one == 2, std::string("one is not two"));
  } catch (const InternalError &error) {
    text = error.what();
  }
  CHECK(text.starts_with("support/InternalErrorTest.cpp:"));
  CHECK(text.ends_with("internal error: one is not two (check failed: one == 2)"));
}
