/// \file
/// Random numbers for generators of cases: the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace acadlc::test {

/// The standard's distributions differ between libraries, its engines do not.
class Random {
public:
  /// Generators with different \p offset draw different cases from the same seed.
  Random(std::uint64_t seed, std::uint64_t offset) : engine_(seed * 0x9E3779B97F4A7C15U + offset) {}
  /// Uniform in [low, high].
  std::int64_t range(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return range(0, 99) < percent; }
  template <typename Element> const Element &pick(const std::vector<Element> &from) {
    return from[static_cast<std::size_t>(range(0, static_cast<std::int64_t>(from.size()) - 1))];
  }

private:
  std::mt19937_64 engine_;
};

} // namespace acadlc::test
