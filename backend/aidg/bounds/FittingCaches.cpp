#include "backend/aidg/bounds/FittingCaches.h"

#include "backend/aidg/plan/AddressBounds.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <optional>

namespace acadlc::aidg {

namespace {

using arch::Object;
using arch::ObjectClass;

class FittingCacheFinder {
public:
  explicit FittingCacheFinder(const Plan &plan)
      : plan_(plan), loopValues_(loopValuesOf(*plan.program)) {}

  [[nodiscard]] std::vector<FittingCache> find() const {
    std::vector<FittingCache> found;
    for (std::uint32_t i = 0; i != plan_.storages.size(); ++i)
      if (const auto lines = isAskedDirectly(i) ? linesOf(i) : std::nullopt;
          lines && fit(i, *lines))
        found.push_back({i, countOf(*lines)});
    return found;
  }

private:
  [[nodiscard]] const Object &objectOf(std::uint32_t storage) const {
    return plan_.graph->objects[plan_.storages[storage].id];
  }

  /// Whether it is a cache that no other one asks.
  [[nodiscard]] bool isAskedDirectly(std::uint32_t storage) const {
    return objectOf(storage).objectClass == ObjectClass::SetAssociativeCache &&
           std::ranges::find(plan_.graph->objects, plan_.storages[storage].id, &Object::lower) ==
               plan_.graph->objects.end();
  }

  /// Intervals of lines, apart from each other, that hold all that are touched; nothing if they are
  /// not known or a request does not allocate.
  [[nodiscard]] std::optional<std::vector<Interval>> linesOf(std::uint32_t storage) const {
    const Object &cache = objectOf(storage);
    std::vector<Interval> touched;
    for (const PlanAccess &access : plan_.accesses) {
      if (access.storage != storage || !access.changesState)
        continue;
      const auto bounds =
          boundsOf(*plan_.program, access.operand->address, loopValues_[access.instruction]);
      const auto last = bounds
                            ? checkedAdd(bounds->high, std::max<std::int64_t>(access.bytes, 1) - 1)
                            : std::nullopt;
      if (!last || (access.isWrite && !cache.writeAllocate))
        return std::nullopt;
      touched.push_back(
          {*checkedFloorDiv(bounds->low, cache.lineSize), *checkedFloorDiv(*last, cache.lineSize)});
    }
    std::ranges::sort(touched, {}, &Interval::low);
    std::vector<Interval> merged;
    for (const Interval &lines : touched)
      if (!merged.empty() && lines.low <= merged.back().high)
        merged.back().high = std::max(merged.back().high, lines.high);
      else
        merged.push_back(lines);
    return merged;
  }

  [[nodiscard]] bool fit(std::uint32_t storage, const std::vector<Interval> &touched) const {
    const Object &cache = objectOf(storage);
    std::vector<std::int64_t> inSet(static_cast<std::size_t>(cache.sets), 0);
    for (const Interval &lines : touched) {
      // More would not fit, and need not be counted.
      const auto span = checkedSub(lines.high, lines.low);
      if (!span || *span / cache.sets >= cache.ways)
        return false;
      for (std::int64_t line = lines.low; line <= lines.high; ++line)
        if (++inSet[static_cast<std::size_t>(*checkedFloorMod(line, cache.sets))] > cache.ways)
          return false;
    }
    return true;
  }

  static std::int64_t countOf(const std::vector<Interval> &touched) {
    std::int64_t count = 0;
    for (const Interval &lines : touched)
      count += lines.high - lines.low + 1;
    return count;
  }

  const Plan &plan_;
  const std::vector<std::vector<Interval>> loopValues_; ///< by instruction
};

} // namespace

std::vector<FittingCache> findFittingCaches(const Plan &plan) {
  return FittingCacheFinder(plan).find();
}

} // namespace acadlc::aidg
