/// \file
/// How many random cases a property test runs, and with which numbers.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>

namespace acadlc::test {

/// The count given by the environment variable ACADLC_PROPERTY_CASES (scripts/test --all sets it),
/// else \p usual. Case i of a test seeds its generator with i, so that a failing case can be
/// repeated alone.
inline std::size_t propertyCases(std::size_t usual) {
  const char *wanted = std::getenv("ACADLC_PROPERTY_CASES");
  return wanted ? std::stoul(wanted) : usual;
}

/// The generator of one case; the same numbers on every machine.
inline std::mt19937_64 propertyGenerator(std::size_t caseNumber) {
  return std::mt19937_64(0x9E3779B97F4A7C15ULL ^ caseNumber);
}

} // namespace acadlc::test
