/// \file
/// Byte ranges of accesses that later ones may still depend on, found by address: looking for those
/// that overlap an access does not go through all that are under way.
#pragma once

#include <llvm/ADT/DenseMap.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace acadlc::aidg {

/// A list in the order of appending. \p Range has the bytes [low, high), at least one.
///
/// Ranges go in two ways: the visitor of forEachOverlapping() says so, or a predicate `isGone` of
/// the caller does from some time on; those may stay until somebody comes across them. Few ranges
/// are simply gone through; more are found by the blocks of addresses that they touch.
template <typename Range> class RangeList {
public:
  /// \p longest: bytes of a range, at the most.
  explicit RangeList(std::int64_t longest = 1)
      : blockBits_(
            std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(longest, 1) - 1))) {}

  template <typename IsGone> void append(const Range &range, const IsGone &isGone) {
    if (ranges_.size() >= limit_)
      compact(isGone);
    ranges_.push_back(range);
    isErased_.push_back(false);
    if (isIndexed_)
      index(static_cast<std::uint32_t>(ranges_.size() - 1));
    else if (ranges_.size() > mostScanned)
      indexAll();
  }

  /// Calls \p see with every range, not gone, that overlaps [\p low, \p high); it may change all
  /// but the addresses. Those for which it returns true are taken out.
  template <typename IsGone, typename See>
  void forEachOverlapping(std::int64_t low, std::int64_t high, const IsGone &isGone,
                          const See &see) {
    if (!isIndexed_) {
      for (std::uint32_t i = 0; i != ranges_.size(); ++i)
        if (!isErased_[i] && ranges_[i].low < high && low < ranges_[i].high && !isGone(ranges_[i]))
          isErased_[i] = see(ranges_[i]);
      return;
    }
    for (std::int64_t block = low >> blockBits_; block <= (high - 1) >> blockBits_; ++block)
      visit(block, low, high, isGone, see);
  }

  /// Takes out what is gone.
  template <typename IsGone> void compact(const IsGone &isGone) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i != ranges_.size(); ++i)
      if (!isErased_[i] && !isGone(ranges_[i]))
        ranges_[kept++] = ranges_[i];
    if (kept == ranges_.size())
      return grow();
    ranges_.resize(kept);
    isErased_.assign(kept, false);
    grow();
    forgetIndex();
    if (kept > mostScanned)
      indexAll();
  }
  /// All ranges in the order of appending; what is gone is not among them directly after compact().
  [[nodiscard]] const std::vector<Range> &ranges() const { return ranges_; }
  /// Whether the range at \p position of ranges() has been taken out.
  [[nodiscard]] bool isErased(std::size_t position) const { return isErased_[position]; }
  /// Lets \p change every range, the addresses too.
  template <typename Change> void changeAll(const Change &change) {
    for (Range &range : ranges_)
      change(range);
    forgetIndex();
    if (ranges_.size() > mostScanned)
      indexAll();
  }

private:
  static constexpr std::size_t mostScanned = 16;
  static constexpr std::uint32_t none = ~0U;
  /// One of the blocks that a range touches.
  struct Place {
    std::uint32_t range = none, next = none;
  };

  /// Compacting again costs little beside what will have been appended by then.
  void grow() { limit_ = 2 * ranges_.size() + mostScanned; }

  void forgetIndex() {
    isIndexed_ = false;
    places_.clear();
    firstOf_.clear();
  }
  void indexAll() {
    isIndexed_ = true;
    for (std::uint32_t i = 0; i != ranges_.size(); ++i)
      if (!isErased_[i])
        index(i);
  }
  void index(std::uint32_t range) {
    const std::int64_t last = (ranges_[range].high - 1) >> blockBits_;
    for (std::int64_t block = ranges_[range].low >> blockBits_; block <= last; ++block) {
      const auto [first, isNew] = firstOf_.try_emplace(block, none);
      places_.push_back({range, first->second});
      first->second = static_cast<std::uint32_t>(places_.size() - 1);
    }
  }

  template <typename IsGone, typename See>
  void visit(std::int64_t block, std::int64_t low, std::int64_t high, const IsGone &isGone,
             const See &see) {
    const auto found = firstOf_.find(block);
    if (found == firstOf_.end())
      return;
    for (std::uint32_t *link = &found->second; *link != none;) {
      Place &place = places_[*link];
      Range &range = ranges_[place.range];
      if (isErased_[place.range] || isGone(range)) {
        *link = place.next; // nobody comes across it here again
        continue;
      }
      link = &place.next;
      // Of a range and an access that share several blocks, the first one counts.
      if (range.low < high && low < range.high && std::max(range.low, low) >> blockBits_ == block)
        isErased_[place.range] = see(range);
    }
  }

  int blockBits_;
  std::vector<Range> ranges_;
  std::vector<bool> isErased_; ///< parallel to ranges_
  std::size_t limit_ = mostScanned;
  bool isIndexed_ = false;
  std::vector<Place> places_;
  llvm::DenseMap<std::int64_t, std::uint32_t> firstOf_; ///< by block, into places_
};

} // namespace acadlc::aidg
