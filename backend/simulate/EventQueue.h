/// \file
/// Future events by cycle.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <queue>
#include <vector>

namespace acadlc::simulate {

/// A queue of events by time. Most latencies are short, so events of the next cycles stand in a
/// ring with a list for each cycle; the others wait in a heap. The order of events of one cycle is
/// unspecified.
template <typename Event> class EventQueue {
public:
  /// Adds an event at \p time, which must lie after the time last returned by advance().
  void push(std::int64_t time, const Event &event) {
    if (time - now_ >= ringSize) {
      far_.push({time, event});
      return;
    }
    const std::size_t place = static_cast<std::size_t>(time) % ringSize;
    ring_[place].push_back(event);
    filled_[place / 64] |= std::uint64_t{1} << (place % 64);
  }

  /// Moves to the next cycle that has events and puts them into \p events; false if there is none.
  bool advance(std::int64_t &time, std::vector<Event> &events) {
    events.clear();
    const std::int64_t near = nextInRing();
    if (near < 0 && far_.empty())
      return false;
    time = near < 0 || (!far_.empty() && far_.top().time < near) ? far_.top().time : near;
    now_ = time;
    if (time == near) {
      const std::size_t place = static_cast<std::size_t>(time) % ringSize;
      events.swap(ring_[place]);
      filled_[place / 64] &= ~(std::uint64_t{1} << (place % 64));
    }
    for (; !far_.empty() && far_.top().time == time; far_.pop())
      events.push_back(far_.top().event);
    return true;
  }

  /// Calls \p visit with the time and the event of all that are still to come, in no order.
  template <typename Visit> void forEach(const Visit &visit) const {
    for (std::size_t place = 0; place < ring_.size(); ++place)
      for (const Event &event : ring_[place])
        visit(now_ + static_cast<std::int64_t>(
                         (place + ringSize - static_cast<std::size_t>(now_) % ringSize) % ringSize),
              event);
    for (const FarEvent &far : far_.container())
      visit(far.time, far.event);
  }

private:
  static constexpr std::int64_t ringSize = 256;
  static constexpr std::size_t words = ringSize / 64;

  struct FarEvent {
    std::int64_t time;
    Event event;
    friend bool operator<(const FarEvent &a, const FarEvent &b) { return a.time > b.time; }
  };

  struct FarQueue : std::priority_queue<FarEvent> {
    [[nodiscard]] const std::vector<FarEvent> &container() const { return this->c; }
  };

  /// Time of the first event in the ring; −1 if it is empty. Every event there lies less than
  /// ringSize cycles ahead, so its place says its time.
  [[nodiscard]] std::int64_t nextInRing() const {
    const std::size_t start = static_cast<std::size_t>(now_) % ringSize;
    // One word more than there are: the first is looked at in two parts.
    for (std::size_t i = 0; i <= words; ++i) {
      const std::size_t word = (start / 64 + i) % words;
      std::uint64_t bits = filled_[word];
      const std::uint64_t behind = ~std::uint64_t{0} << (start % 64);
      if (i == 0)
        bits &= behind;
      else if (i == words)
        bits &= ~behind;
      if (bits == 0)
        continue;
      const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      return now_ + static_cast<std::int64_t>((place + ringSize - start) % ringSize);
    }
    return -1;
  }

  std::int64_t now_ = 0;
  std::array<std::vector<Event>, ringSize> ring_;
  std::array<std::uint64_t, words> filled_{};
  FarQueue far_;
};

} // namespace acadlc::simulate
