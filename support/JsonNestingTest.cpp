#include "support/JsonNesting.h"

#include <doctest/doctest.h>

#include <string>

using acadlc::isJsonNestedDeeperThan;

TEST_CASE("the nesting of JSON is that of its arrays and objects") {
  CHECK_FALSE(isJsonNestedDeeperThan("", 0));
  CHECK_FALSE(isJsonNestedDeeperThan("1", 0));
  CHECK(isJsonNestedDeeperThan("[1]", 0));
  CHECK_FALSE(isJsonNestedDeeperThan(R"({"a": [1], "b": [2]})", 2));
  CHECK(isJsonNestedDeeperThan(R"({"a": [1, {}]})", 2));
}

TEST_CASE("brackets within strings of JSON are none") {
  CHECK_FALSE(isJsonNestedDeeperThan(R"(["[[[", "\"[[[", "\\"])", 1));
  CHECK(isJsonNestedDeeperThan(R"(["\\", [1]])", 1));
}

TEST_CASE("brackets that close more than was open do not hide those that follow") {
  CHECK(isJsonNestedDeeperThan("]]]][[", 1));
  CHECK(isJsonNestedDeeperThan(std::string(100'000, '['), 100));
}
