#include "backend/report/LayerAlignment.h"

#include "support/InternalError.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace acadlc::report {

namespace {

using Partners = std::vector<std::optional<std::size_t>>;
using Layers = std::vector<StoredLayer>;

/// Numbers for what layers compute: equal for equal operators and dimensions.
class Computations {
public:
  std::size_t numberOf(const StoredLayer &layer) {
    return numbers_.try_emplace({layer.operatorName, largeDimensions(layer)}, numbers_.size())
        .first->second;
  }
  std::vector<std::size_t> numbersOf(const Layers &layers) {
    std::vector<std::size_t> result;
    result.reserve(layers.size());
    for (const StoredLayer &layer : layers)
      result.push_back(numberOf(layer));
    return result;
  }

private:
  std::map<std::pair<std::string, std::map<std::string, std::int64_t>>, std::size_t> numbers_;
};

/// The longest common subsequence of two lists, by the table of all pairs of their ends.
class LongestAlignment {
public:
  LongestAlignment(const Layers &before, const Layers &after) : before_(before), after_(after) {
    Computations computations;
    beforeNumbers_ = computations.numbersOf(before);
    afterNumbers_ = computations.numbersOf(after);
    steps_.resize(before.size() * after.size());
  }

  Partners align() {
    fill();
    Partners partners(after_.size());
    std::size_t i = 0, j = 0;
    while (i < before_.size() && j < after_.size())
      switch (stepAt(i, j)) {
      case Step::Pair:
        partners[j++] = i++;
        break;
      case Step::SkipBefore:
        ++i;
        break;
      case Step::SkipAfter:
        ++j;
        break;
      }
    return partners;
  }

private:
  enum class Step : std::uint8_t { SkipBefore, SkipAfter, Pair };

  Step &stepAt(std::size_t i, std::size_t j) { return steps_[i * after_.size() + j]; }

  /// One pair more is worth more than all agreements of all pairs: they are 7 each at the most, and
  /// there are not more pairs than the root of mostAlignmentCells, 4,096.
  [[nodiscard]] std::int64_t worthOf(std::size_t i, std::size_t j) const {
    constexpr std::int64_t pair = 1 << 16, mapping = 4, name = 2, cycles = 1;
    const StoredLayer &left = before_[i], &right = after_[j];
    return pair + (left.mapping == right.mapping ? mapping : 0) +
           (left.name == right.name ? name : 0) + (left.cycles == right.cycles ? cycles : 0);
  }

  /// From the ends of the lists to their beginnings: the best step for each pair of them.
  void fill() {
    std::vector<std::int64_t> below(after_.size() + 1), row(after_.size() + 1);
    for (std::size_t i = before_.size(); i-- > 0;) {
      row.back() = 0;
      for (std::size_t j = after_.size(); j-- > 0;) {
        const bool skipsBefore = below[j] >= row[j + 1];
        row[j] = std::max(below[j], row[j + 1]);
        stepAt(i, j) = skipsBefore ? Step::SkipBefore : Step::SkipAfter;
        if (beforeNumbers_[i] != afterNumbers_[j])
          continue;
        const std::int64_t paired = below[j + 1] + worthOf(i, j);
        if (paired < row[j])
          continue;
        row[j] = paired;
        stepAt(i, j) = Step::Pair;
      }
      std::swap(below, row);
    }
  }

  const Layers &before_, &after_;
  std::vector<std::size_t> beforeNumbers_, afterNumbers_;
  std::vector<Step> steps_;
};

std::vector<bool> takenOf(const Partners &partners, std::size_t count) {
  std::vector<bool> isTaken(count);
  for (const auto &partner : partners)
    if (partner)
      isTaken[*partner] = true;
  return isTaken;
}

/// Pairs layers that are still without a partner and agree in their keys, in order. \p beforeKey
/// and \p afterKey take an index into the lists.
template <typename BeforeKey, typename AfterKey>
void pairUp(Partners &partners, std::size_t beforeCount, BeforeKey beforeKey, AfterKey afterKey) {
  const std::vector<bool> isTaken = takenOf(partners, beforeCount);
  std::map<decltype(beforeKey(std::size_t{})), std::vector<std::size_t>> places;
  for (std::size_t i = beforeCount; i-- > 0;)
    if (!isTaken[i])
      places[beforeKey(i)].push_back(i);
  for (std::size_t j = 0; j < partners.size(); ++j) {
    if (partners[j])
      continue;
    const auto found = places.find(afterKey(j));
    if (found == places.end() || found->second.empty())
      continue;
    partners[j] = found->second.back();
    found->second.pop_back();
  }
}

/// How many partners of an alignment stand in front of each layer.
struct Gaps {
  std::vector<std::size_t> before, after;
  Gaps(const Partners &partners, std::size_t beforeCount) {
    const std::vector<bool> isTaken = takenOf(partners, beforeCount);
    std::size_t count = 0;
    for (const bool taken : isTaken)
      before.push_back(taken ? count++ : count);
    count = 0;
    for (const auto &partner : partners)
      after.push_back(partner ? count++ : count);
  }
};

/// By operator and dimensions wherever they stand: first those of the same name.
void pairMoved(const Layers &before, const Layers &after, Partners &partners) {
  Computations computations;
  const std::vector<std::size_t> beforeNumbers = computations.numbersOf(before);
  const std::vector<std::size_t> afterNumbers = computations.numbersOf(after);
  pairUp(
      partners, before.size(),
      [&](std::size_t i) { return std::pair(beforeNumbers[i], before[i].name); },
      [&](std::size_t j) { return std::pair(afterNumbers[j], after[j].name); });
  pairUp(
      partners, before.size(), [&](std::size_t i) { return beforeNumbers[i]; },
      [&](std::size_t j) { return afterNumbers[j]; });
}

} // namespace

std::map<std::string, std::int64_t> largeDimensions(const StoredLayer &layer) {
  std::map<std::string, std::int64_t> large = layer.dimensions;
  std::erase_if(large, [](const auto &dimension) { return dimension.second == 1; });
  return large;
}

Partners alignLayers(const Layers &before, const Layers &after, std::size_t mostCells) {
  ACADLC_CHECK(mostCells <= mostAlignmentCells, "an alignment whose worths could overlap");
  const bool isSmall = after.empty() || before.size() <= mostCells / after.size();
  Partners partners = isSmall ? LongestAlignment(before, after).align() : Partners(after.size());
  // Where layers only moved says nothing of where others stood.
  const Gaps gaps(partners, before.size());
  pairMoved(before, after, partners);
  pairUp(
      partners, before.size(),
      [&](std::size_t i) {
        return std::tuple(gaps.before[i], before[i].name, before[i].operatorName);
      },
      [&](std::size_t j) {
        return std::tuple(gaps.after[j], after[j].name, after[j].operatorName);
      });
  return partners;
}

} // namespace acadlc::report
