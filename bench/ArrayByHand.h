/// \file
/// The recurrences of one kernel written out by hand: what an evaluator could reach if it were
/// compiled for this array and this loop alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace acadlc::bench {

/// One tile of std/systolic_array's matrix product, `Rows` x `Columns` elements with default
/// parameters: clear, a number of steps, drain. All sizes and offsets are constants; one time
/// stands for each object and two for each register (docs/timing.md). Loads and stores do not meet
/// in memory, and each edge unit has a port of its own, so memory keeps no times.
template <std::size_t Rows, std::size_t Columns> class ArrayByHand {
public:
  /// The cycle in which the last instruction finishes; −1 if the times lie too far apart for it.
  /// For one call only.
  std::int64_t run(std::int64_t steps) {
    for (std::size_t r = 0; r != Rows; ++r)
      for (std::size_t c = 0; c != Columns; ++c)
        clear(elements_[r][c]);
    for (std::int64_t k = 0; k != steps; ++k)
      step();
    drain();
    return issues_.isSound() ? end_ : -1;
  }

private:
  static constexpr std::int64_t fetchLatency = 2, stageLatency = 1, unitLatency = 1,
                                memoryLatency = 4, macLatency = 1, moveLatency = 1;
  static constexpr std::size_t fetchWidth = Rows * Columns, bufferSize = 2 * fetchWidth;

  struct Register {
    std::int64_t written = 0;  ///< finish of the last write
    std::int64_t accessed = 0; ///< finish of the last read or write
  };
  struct Element {
    std::int64_t stage = 0, multiply = 0, hand = 0; ///< when they are free
    Register a, b, sum;
  };
  struct Edge {
    std::int64_t stage = 0, unit = 0;
  };

  /// Finds out when the issue buffer has room: the largest issue times in ascending order, as many
  /// as a fetch has to look back. The faster way where few instructions overtake each other.
  class SortedIssues {
  public:
    [[nodiscard]] std::int64_t room() const { return times_[begin_]; }
    static bool isSound() { return true; }
    /// The smallest one leaves. New ones are nearly the largest, so their place is sought from
    /// behind.
    void add(std::int64_t time) {
      if (time <= room())
        return;
      if (begin_ + count == capacity)
        moveToFront();
      ++begin_;
      std::size_t place = begin_ + count - 1;
      for (; place != begin_ && times_[place - 1] > time; --place)
        times_[place] = times_[place - 1];
      times_[place] = time;
    }

  private:
    static constexpr std::size_t count = bufferSize - fetchWidth + 1, capacity = 16 * count + 1024;
    void moveToFront() {
      const auto first = times_.begin() + static_cast<std::ptrdiff_t>(begin_);
      std::copy(first, first + static_cast<std::ptrdiff_t>(count), times_.begin());
      begin_ = 0;
    }
    std::array<std::int64_t, capacity> times_{};
    std::size_t begin_ = 0;
  };

  /// The same with the number of instructions that were issued in each cycle behind `room_`.
  class CountedIssues {
  public:
    void add(std::int64_t time) {
      ++issued_;
      if (time <= room_)
        ++passed_;
      else
        ++counts_[static_cast<std::size_t>(time) % counts_.size()];
      farthest_ = std::max(farthest_, time - room_);
    }
    /// The first cycle in which a fetch finds as many free slots as it needs.
    std::int64_t room() {
      while (passed_ + static_cast<std::int64_t>(bufferSize - fetchWidth) < issued_) {
        ++room_;
        std::int64_t &count = counts_[static_cast<std::size_t>(room_) % counts_.size()];
        passed_ += count;
        count = 0;
      }
      return room_;
    }
    /// Whether no time lay so far ahead that it counted for another cycle.
    [[nodiscard]] bool isSound() const {
      return farthest_ < static_cast<std::int64_t>(std::tuple_size_v<decltype(counts_)>);
    }

  private:
    std::array<std::int64_t, 1024> counts_{};
    std::int64_t room_ = 0, passed_ = 0, issued_ = 0, farthest_ = 0;
  };

  std::int64_t arrivalOfNext() {
    if (remaining_ == 0) {
      arrival_ = std::max(arrival_, issues_.room()) + fetchLatency;
      remaining_ = fetchWidth;
    }
    --remaining_;
    return arrival_;
  }

  /// The next instruction passes \p stage; returns when it enters its unit.
  std::int64_t enter(std::int64_t &stage, std::int64_t unit) {
    const std::int64_t issued = std::max(arrivalOfNext(), stage);
    stage = std::max(issued + stageLatency, unit);
    issues_.add(issued);
    return stage;
  }

  void finish(std::int64_t time) { end_ = std::max(end_, time); }

  static void write(Register &target, std::int64_t time) { target = {time, time}; }
  static void read(Register &source, std::int64_t time) {
    source.accessed = std::max(source.accessed, time);
  }

  void clear(Element &element) {
    const std::int64_t entered = enter(element.stage, element.multiply);
    element.multiply = std::max(entered, element.sum.accessed) + macLatency;
    write(element.sum, element.multiply);
    finish(element.multiply);
  }

  void mac(Element &element) {
    const std::int64_t entered = enter(element.stage, element.multiply);
    element.multiply =
        std::max({entered, element.sum.accessed, element.a.written, element.b.written}) +
        macLatency;
    read(element.a, element.multiply);
    read(element.b, element.multiply);
    write(element.sum, element.multiply);
    finish(element.multiply);
  }

  void move(Element &element, Register &target, Register &source) {
    const std::int64_t entered = enter(element.stage, element.hand);
    element.hand = std::max({entered, target.accessed, source.written}) + moveLatency;
    read(source, element.hand);
    write(target, element.hand);
    finish(element.hand);
  }

  void load(Edge &edge, Register &target) {
    const std::int64_t entered = enter(edge.stage, edge.unit);
    edge.unit = std::max(entered, target.accessed) + unitLatency + memoryLatency;
    write(target, edge.unit);
    finish(edge.unit);
  }

  void store(Edge &edge, Register &source) {
    const std::int64_t entered = enter(edge.stage, edge.unit);
    edge.unit = std::max(entered, source.written) + unitLatency + memoryLatency;
    read(source, edge.unit);
    finish(edge.unit);
  }

  void step() {
    for (std::size_t r = 0; r != Rows; ++r)
      load(left_[r], elements_[r][0].a);
    for (std::size_t c = 0; c != Columns; ++c)
      load(top_[c], elements_[0][c].b);
    for (std::size_t r = 0; r != Rows; ++r)
      for (std::size_t c = 0; c != Columns; ++c) {
        Element &element = elements_[r][c];
        mac(element);
        if (c + 1 < Columns)
          move(element, elements_[r][c + 1].a, element.a);
        if (r + 1 < Rows)
          move(element, elements_[r + 1][c].b, element.b);
      }
  }

  void drain() {
    for (std::size_t shift = 0; shift != Rows; ++shift) {
      for (std::size_t c = 0; c != Columns; ++c)
        store(drains_[c], elements_[Rows - 1][c].sum);
      for (std::size_t r = Rows - 1; r != shift; --r)
        for (std::size_t c = 0; c != Columns; ++c)
          move(elements_[r - 1][c], elements_[r][c].sum, elements_[r - 1][c].sum);
    }
  }

  std::array<std::array<Element, Columns>, Rows> elements_{};
  std::array<Edge, Rows> left_{};
  std::array<Edge, Columns> top_{}, drains_{};
  std::conditional_t<fetchWidth <= 4, SortedIssues, CountedIssues> issues_;
  std::int64_t arrival_ = 0; ///< of the present fetch block, when the next fetch may start
  std::size_t remaining_ = 0;
  std::int64_t end_ = 0;
};

} // namespace acadlc::bench
