/// \file
/// The part that the objects of an architecture have in a stream or network.
#pragma once

#include "backend/analysis/Bound.h"
#include "backend/analysis/StreamCounts.h"
#include "backend/timing/Usage.h"
#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::analysis {

/// Objects that differ in nothing but the indices of their names: "pe[*][*].execute".
struct Resource {
  std::string object;
  arch::ObjectClass objectClass{};
  std::optional<BoundKind> kind; ///< what it would be a limit of; none: it can't be or isn't used
  std::int64_t objects = 0;      ///< how many there are
  std::int64_t used = 0;         ///< how many have a part, those that a cache asks included
  ObjectCounts sum;              ///< of all of them
  /// Least cycles that the one with the most work takes for it, if all slots of a storage are at
  /// work and all steps of a unit are as large as they can be.
  std::int64_t leastCycles = 0;
  /// Of units: the most of ObjectCounts::macCycles.
  std::int64_t macCycles = 0;
  /// What all of them did, if that was asked for and is known (ResourceUsage.h); register files
  /// have none.
  std::optional<timing::ObjectUsage> usage;
  /// Cycles for which the one that was busy longest was busy, of several places on average.
  double mostBusy = 0;
  bool isBelowCaches = false; ///< caches that have a part ask it, which `sum` does not count
  /// What they ask of it, if it is known like the usage.
  std::optional<timing::LowerTraffic> lower;
  /// Of the fetch stage: as in timing::Usage.
  std::optional<std::int64_t> buffered;
};

/// The resources of \p graph by \p counts (by object), in the order of the graph's first objects of
/// each. Nothing if a sum leaves the 64-bit range.
std::optional<std::vector<Resource>> groupResources(const arch::ArchitectureGraph &graph,
                                                    std::span<const ObjectCounts> counts);

/// Adds \p more to \p sum, object by object; an empty \p sum becomes \p more. False if a number
/// leaves the 64-bit range.
[[nodiscard]] bool addCounts(std::vector<ObjectCounts> &sum, std::span<const ObjectCounts> more);

/// What the cycles would be at least if there were no other limit than one resource, or than that
/// instructions depend on one another: a stream cannot take less than any of its limits.
struct SoleLimit {
  BoundKind kind{};
  std::string object; ///< of dependences "operands"
  std::int64_t cycles = 0;
  bool isLeast = false; ///< it may need more: ObjectCounts::isWorkLeast, aidg::DependenceBound
};

/// From this share of the cycles on, a limit counts as a bottleneck (as in uiCA).
inline constexpr double bottleneckShare = 0.98;

/// A limit for each of the storages of \p resources, and for all else the largest of each kind;
/// largest first. A functional unit that states no operations has a further one if it has more to
/// do than those that do.
std::vector<SoleLimit> soleLimits(std::span<const Resource> resources);

} // namespace acadlc::analysis
