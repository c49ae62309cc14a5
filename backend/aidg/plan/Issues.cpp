#include "backend/aidg/plan/Issues.h"

#include <functional>

namespace acadlc::aidg {

namespace {

/// Empty cycles that are passed one by one.
constexpr int longestWalk = 8;

} // namespace

void IssueCounts::assign(std::span<const std::int64_t> times) {
  counts_.fill(0);
  filled_.fill(0);
  far_.clear();
  base_ = times.front();
  near_ = base_ + static_cast<std::int64_t>(span);
  for (const std::int64_t time : times)
    if (time < near_)
      add(time);
    else
      far_.push_back(time);
  std::ranges::make_heap(far_, std::greater<>());
  surplus_ = 0;
}

void IssueCounts::store(std::span<std::int64_t> times) {
  room();
  std::size_t stored = 0;
  std::int64_t time = base_;
  const std::size_t near = times.size() - far_.size();
  while (stored != near) {
    time = firstFilled(time);
    for (std::uint32_t i = counts_[placeOf(time)]; i != 0; --i)
      times[stored++] = time;
    ++time;
  }
  std::ranges::copy(far_, times.begin() + static_cast<std::ptrdiff_t>(stored));
  std::ranges::sort(times.subspan(stored));
}

/// Records a time out of the range of the counts.
void IssueCounts::recordElsewhere(std::int64_t time) {
  if (time < base_)
    --surplus_; // earlier than all that count
  else
    addFar(time);
}

void IssueCounts::addFar(std::int64_t time) {
  far_.push_back(time);
  std::ranges::push_heap(far_, std::greater<>());
}

/// Forgets the smallest times until none is left over.
void IssueCounts::drop() {
  std::int64_t base = base_, surplus = surplus_;
  while (true) {
    std::uint32_t &here = counts_[placeOf(base)];
    if (here > surplus) {
      here -= static_cast<std::uint32_t>(surplus);
      break;
    }
    surplus -= here;
    here = 0;
    // Most cycles have some, or one of the next does. None has from near_ on.
    for (int gap = 0; counts_[placeOf(++base)] == 0; ++gap)
      if (gap == longestWalk) {
        base = firstFilled(base);
        break;
      }
  }
  base_ = base;
  surplus_ = 0;
  if (far_.empty())
    near_ = base_ + static_cast<std::int64_t>(span);
}

/// The first cycle at or behind \p from in which something left; there is one.
std::int64_t IssueCounts::firstFilled(std::int64_t from) {
  while (true) {
    for (std::size_t passed = 0; passed <= words;) {
      const std::size_t place = placeOf(from);
      std::uint64_t &word = filled_[place / 64];
      const std::uint64_t rest = word >> (place % 64);
      if (rest == 0) {
        from += static_cast<std::int64_t>(64 - place % 64);
        ++passed;
        continue;
      }
      from += std::countr_zero(rest);
      if (counts_[placeOf(from)] != 0)
        return from;
      word &= ~(std::uint64_t{1} << (placeOf(from) % 64)); // forgotten since
    }
    refill();
    from = base_;
  }
}

/// Brings in times from far away when there are no near ones.
void IssueCounts::refill() {
  base_ = far_.front();
  near_ = base_ + static_cast<std::int64_t>(span);
  while (!far_.empty() && far_.front() < near_) {
    add(far_.front());
    std::ranges::pop_heap(far_, std::greater<>());
    far_.pop_back();
  }
}

} // namespace acadlc::aidg
