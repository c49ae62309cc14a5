/// \file
/// When instructions left the issue buffer: a fetch can start when there is room, that is at the
/// smallest of the largest (buffer size − fetch width + 1) issue times so far.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace acadlc::aidg {

class ExactIssues;

/// Plain cycles.
struct ExactArithmetic {
  using Time = std::int64_t;
  using Issues = ExactIssues;
  static Time max(Time a, Time b) { return a < b ? b : a; }
  static bool isBefore(Time a, Time b) { return a < b; }
  static Time add(Time time, std::int64_t cycles) { return time + cycles; }
  static std::int64_t cycles(Time time) { return time; }
};

/// The largest issue times, for any arithmetic, in ascending order. The fast way where they are
/// few.
template <typename Arithmetic> class SortedIssues {
public:
  using Time = typename Arithmetic::Time;

  SortedIssues() = default;
  SortedIssues(const SortedIssues &) = delete;
  SortedIssues &operator=(const SortedIssues &) = delete;
  ~SortedIssues() = default;

  /// Takes the largest times, ascending.
  void assign(std::span<const Time> times) {
    buffer_.resize(capacityFor(times.size()));
    std::ranges::copy(times, buffer_.begin());
    first_ = buffer_.data();
    end_ = first_ + times.size();
  }
  /// Gives the largest times, ascending.
  void store(std::span<Time> times) const { std::copy(first_, end_, times.begin()); }
  Time room() { return *first_; }

  void record(Time time, Arithmetic &arithmetic) {
    if (!arithmetic.isBefore(*first_, time))
      return;
    if (end_ == buffer_.data() + buffer_.size())
      moveToFront();
    // Issues come nearly in order, so the place of a new one is found from the young end.
    ++first_;
    Time *place = end_++;
    for (; place != first_ && arithmetic.isBefore(time, place[-1]); --place)
      *place = place[-1];
    *place = time;
  }

private:
  /// So large that moving costs next to nothing.
  static std::size_t capacityFor(std::size_t count) { return 8 * count + 256; }
  void moveToFront() {
    end_ = std::copy(first_, end_, buffer_.data());
    first_ = buffer_.data();
  }

  std::vector<Time> buffer_; ///< the times move through it
  Time *first_ = nullptr, *end_ = nullptr;
};

/// The same for plain cycles: how many left the buffer is counted cycle by cycle, so that a wide
/// fetch, whose instructions leave in any order, costs no more than a narrow one.
class IssueCounts {
public:
  void assign(std::span<const std::int64_t> times);
  void store(std::span<std::int64_t> times);
  /// The smallest of the largest times.
  std::int64_t room() {
    if (surplus_ != 0)
      drop();
    return base_;
  }
  void record(std::int64_t time, const ExactArithmetic &plain) {
    Series(*this, 1).record(time, plain);
  }

  /// Records as many times as it was made for. room() must not be asked for before the last one:
  /// where the counts begin and end is looked up once.
  class Series {
  public:
    Series(IssueCounts &issues, std::int64_t count)
        : issues_(issues), base_(issues.base_),
          length_(static_cast<std::uint64_t>(issues.near_ - base_)) {
      issues.surplus_ += count;
    }
    void record(std::int64_t time, const ExactArithmetic & /*plain*/) {
      if (static_cast<std::uint64_t>(time - base_) < length_)
        issues_.add(time);
      else
        issues_.recordElsewhere(time);
    }

  private:
    IssueCounts &issues_;
    std::int64_t base_;
    std::uint64_t length_; ///< cycles from base_ on that are counted
  };

private:
  static constexpr std::size_t span = 1024; ///< cycles
  static constexpr std::size_t words = span / 64;

  static std::size_t placeOf(std::int64_t time) { return static_cast<std::size_t>(time) % span; }

  void add(std::int64_t time) {
    const std::size_t place = placeOf(time);
    if (counts_[place]++ == 0)
      filled_[place / 64] |= std::uint64_t{1} << (place % 64);
  }
  void recordElsewhere(std::int64_t time);
  void addFar(std::int64_t time);
  void drop();
  std::int64_t firstFilled(std::int64_t from);
  void refill();

  std::array<std::uint32_t, span> counts_{}; ///< of the cycles from base_ on
  /// Bits of cycles that have counts; perhaps also of some that had.
  std::array<std::uint64_t, words> filled_{};
  std::int64_t base_ = 0;         ///< the first of them
  std::int64_t near_ = span;      ///< times from here on, if any, are in far_
  std::int64_t surplus_ = 0;      ///< times beyond the largest ones that count
  std::vector<std::int64_t> far_; ///< a heap, the smallest on top
};

/// For plain cycles the way that suits the number of times.
class ExactIssues {
public:
  /// Where there are more, sorting them costs more than counting them.
  static constexpr std::size_t mostSorted = 8;

  void assign(std::span<const std::int64_t> times) {
    areFew_ = times.size() <= mostSorted;
    if (areFew_)
      sorted_.assign(times);
    else
      counts_.assign(times);
  }
  void store(std::span<std::int64_t> times) {
    if (areFew_)
      sorted_.store(times);
    else
      counts_.store(times);
  }
  std::int64_t room() { return areFew_ ? sorted_.room() : counts_.room(); }
  void record(std::int64_t time, ExactArithmetic &plain) {
    if (areFew_)
      sorted_.record(time, plain);
    else
      counts_.record(time, plain);
  }

  [[nodiscard]] bool areFew() const { return areFew_; }
  /// What holds the times if they are few, and if they are not: for series.
  SortedIssues<ExactArithmetic> &sorted() { return sorted_; }
  IssueCounts &counts() { return counts_; }

private:
  bool areFew_ = false;
  SortedIssues<ExactArithmetic> sorted_;
  IssueCounts counts_;
};

} // namespace acadlc::aidg
