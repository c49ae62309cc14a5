/// \file
/// Entry point of acadlc-unit-tests; the test cases stand beside the sources they test.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
