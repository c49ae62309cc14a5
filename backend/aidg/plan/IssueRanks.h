/// \file
/// When a fetch finds room, where issues become known in any order: of the largest issue times the
/// one that comes behind as many as are not known yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace acadlc::aidg {

/// The `count` largest issue times, at first as many zeros, and how many instructions have been
/// fetched that have not been issued as far as is known. Each change takes logarithmic time.
class IssueRanks {
public:
  using Time = std::int64_t;

  explicit IssueRanks(std::size_t count) : count_(count), late_(count, 0) {}

  /// An instruction has been fetched: its issue is not known.
  void fetch() {
    ++unissued_;
    if (late_.empty())
      return;
    std::ranges::pop_heap(late_, std::greater<>());
    pushEarly(late_.back());
    late_.pop_back();
  }
  /// The issue of an instruction that has been fetched has become known.
  void issue(Time time) {
    --unissued_;
    if (late_.size() + 1 > roomSize()) { // as many are missing as before: there was no rank
      pushEarly(time);
      return;
    }
    if (!early_.empty() && time < early_.front()) {
      std::ranges::pop_heap(early_);
      std::swap(early_.back(), time);
      std::ranges::push_heap(early_);
    }
    late_.push_back(time);
    std::ranges::push_heap(late_, std::greater<>());
  }
  /// Whether there is room for a fetch at some time, as far as is known.
  [[nodiscard]] bool hasRoom() const { return unissued_ < count_; }
  /// When, if so: the smallest of the largest times but for those not known, which would be larger.
  [[nodiscard]] Time room() const { return late_.front(); }
  [[nodiscard]] std::size_t unissued() const { return unissued_; }

  /// Calls \p see with each of the `count` largest times, ascending.
  template <typename See> void forEach(const See &see) const {
    std::vector<Time> times = early_;
    times.insert(times.end(), late_.begin(), late_.end());
    std::ranges::sort(times);
    for (std::size_t i = times.size() - count_; i != times.size(); ++i)
      see(times[i]);
  }
  /// Moves all times.
  void shift(Time cycles) {
    for (Time &time : early_)
      time += cycles;
    for (Time &time : late_)
      time += cycles;
  }

private:
  /// How many times `late_` has: none if more are unissued than count.
  [[nodiscard]] std::size_t roomSize() const { return unissued_ < count_ ? count_ - unissued_ : 0; }

  void pushEarly(Time time) {
    early_.push_back(time);
    std::ranges::push_heap(early_);
    if (early_.size() <= 2 * count_ + spare)
      return;
    // Beyond the `count` largest none counts any more.
    std::ranges::nth_element(early_, early_.begin() + static_cast<std::ptrdiff_t>(count_),
                             std::greater<>());
    early_.resize(count_);
    std::ranges::make_heap(early_);
  }

  static constexpr std::size_t spare = 64;
  std::size_t count_; ///< at least 1
  std::size_t unissued_ = 0;
  std::vector<Time> early_; ///< a heap, the largest on top
  std::vector<Time> late_;  ///< a heap, the smallest on top; none is less than any of early_
};

} // namespace acadlc::aidg
