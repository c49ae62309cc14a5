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

struct ExactArithmetic;

/// The largest issue times, for any arithmetic: a ring in ascending order.
template <typename Arithmetic> class IssueRing {
public:
  using Time = typename Arithmetic::Time;

  /// Takes the largest times, ascending.
  void assign(std::span<const Time> times) {
    times_.assign(times.begin(), times.end());
    oldest_ = 0;
  }
  /// Gives the largest times, ascending.
  void store(std::span<Time> times) const {
    std::rotate_copy(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(oldest_),
                     times_.end(), times.begin());
  }
  Time room() { return times_[oldest_]; }

  void record(Time time, Arithmetic &arithmetic) {
    if (!arithmetic.isBefore(times_[oldest_], time))
      return;
    // Issues come nearly in order, so the place of a new one is found from the young end.
    std::size_t position = oldest_;
    oldest_ = oldest_ + 1 == times_.size() ? 0 : oldest_ + 1;
    while (position != oldest_) {
      const std::size_t previous = (position == 0 ? times_.size() : position) - 1;
      if (!arithmetic.isBefore(time, times_[previous]))
        break;
      times_[position] = times_[previous];
      position = previous;
    }
    times_[position] = time;
  }

private:
  std::vector<Time> times_;
  std::size_t oldest_ = 0;
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
  void record(std::int64_t time, const ExactArithmetic & /*plain*/) { surplus_ += recordOne(time); }

  /// Records a series. room() must not be asked for before its end: how many count is summed up
  /// apart, where it costs nothing.
  class Series {
  public:
    explicit Series(IssueCounts &issues) : issues_(issues) {}
    ~Series() { issues_.surplus_ += recorded_; }
    Series(const Series &) = delete;
    Series &operator=(const Series &) = delete;
    void record(std::int64_t time) { recorded_ += issues_.recordOne(time); }

  private:
    IssueCounts &issues_;
    std::int64_t recorded_ = 0;
  };

private:
  static constexpr std::int64_t span = 1024; ///< cycles
  static constexpr std::size_t words = span / 64;

  std::int64_t recordOne(std::int64_t time) {
    if (time < base_)
      return 0; // earlier than all that count
    if (time < near_)
      add(time);
    else
      addFar(time);
    return 1;
  }

  void add(std::int64_t time) {
    const auto place = static_cast<std::size_t>(time) % span;
    if (counts_[place]++ == 0)
      filled_[place / 64] |= std::uint64_t{1} << (place % 64);
  }
  void addFar(std::int64_t time);
  void drop();
  std::int64_t firstFilled(std::int64_t from);
  void refill();

  std::array<std::uint32_t, span> counts_{}; ///< of the cycles from base_ on
  std::array<std::uint64_t, words> filled_{};
  std::int64_t base_ = 0;    ///< the first of them
  std::int64_t near_ = span; ///< later times, if any, are in far_
  std::int64_t surplus_ = 0; ///< times beyond the largest ones that count
  std::vector<std::int64_t> far_;
};

} // namespace acadlc::aidg
