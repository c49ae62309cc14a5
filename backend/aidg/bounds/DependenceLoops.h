/// \file
/// What evaluating data dependences alone has to know of the loops of a plan: which registers and
/// bytes their instructions touch, and how those move.
#pragma once

#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Where the accesses of a class lie in one iteration of a loop, whatever the loops inside do.
struct AccessHull {
  std::vector<std::int64_t> coefficients; ///< by depth, of the loops around and this one
  std::int64_t low = 0, high = 0;         ///< the bytes [low, high) if the values of these are 0
};

/// A class of conflicts whose accesses move alike with each iteration of a loop.
struct MovingClass {
  std::uint32_t conflictClass = 0;
  std::int64_t stride = 0; ///< bytes an iteration; not 0
  std::vector<AccessHull> hulls;
  /// Whether bytes outside of an iteration's window are not accessed again by later ones, nor by
  /// anything behind the loop, once it has passed them; and those ahead not before.
  bool isNeverMetAgain = false;

  /// The bytes that are accessed in an iteration: [low, high).
  struct Window {
    std::int64_t low = 0, high = 0;
  };
  /// Of the iteration in which the loops have the values \p loopValues, by depth.
  [[nodiscard]] Window window(std::span<const std::int64_t> loopValues) const;
};

struct DependenceLoop {
  bool isEmpty = true;
  std::int64_t instructions = 0;        ///< of all its iterations; the largest number if it is more
  std::vector<std::uint32_t> registers; ///< ascending
  std::vector<std::uint32_t> standing;  ///< classes whose accesses are the same in each iteration
  std::vector<MovingClass> moving;
  std::vector<std::uint32_t> irregular; ///< all other classes
};

/// By repeat. The cost does not depend on trip counts.
std::vector<DependenceLoop> findDependenceLoops(const Plan &plan);

} // namespace acadlc::aidg
