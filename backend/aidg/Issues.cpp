#include "backend/aidg/Issues.h"

namespace acadlc::aidg {

void IssueCounts::assign(std::span<const std::int64_t> times) {
  counts_.fill(0);
  filled_.fill(0);
  far_.clear();
  base_ = times.front();
  near_ = base_ + span;
  for (const std::int64_t time : times)
    if (time < near_)
      add(time);
    else
      addFar(time);
  surplus_ = 0;
}

void IssueCounts::store(std::span<std::int64_t> times) {
  room();
  std::size_t stored = 0;
  std::int64_t time = base_;
  const std::size_t near = times.size() - far_.size();
  while (stored != near) {
    time = firstFilled(time);
    for (std::uint32_t i = counts_[static_cast<std::size_t>(time) % span]; i != 0; --i)
      times[stored++] = time;
    ++time;
  }
  std::ranges::copy(far_, times.begin() + static_cast<std::ptrdiff_t>(stored));
  std::ranges::sort(times.subspan(stored));
}

void IssueCounts::addFar(std::int64_t time) {
  // What comes later must not be taken for earlier than this.
  near_ = std::min(near_, time);
  far_.push_back(time);
}

/// Forgets the smallest times until none is left over.
void IssueCounts::drop() {
  while (true) {
    const auto place = static_cast<std::size_t>(base_) % span;
    const std::int64_t here = counts_[place];
    if (here > surplus_) {
      counts_[place] -= static_cast<std::uint32_t>(surplus_);
      surplus_ = 0;
      return;
    }
    surplus_ -= here;
    counts_[place] = 0;
    filled_[place / 64] &= ~(std::uint64_t{1} << (place % 64));
    base_ = firstFilled(base_);
    if (far_.empty())
      near_ = base_ + span;
  }
}

/// The first cycle at or behind \p from in which something left; there is one.
std::int64_t IssueCounts::firstFilled(std::int64_t from) {
  while (true) {
    auto place = static_cast<std::size_t>(from) % span;
    std::uint64_t word = filled_[place / 64] >> (place % 64);
    for (std::size_t passed = 0; passed <= words; ++passed) {
      if (word != 0)
        return from + std::countr_zero(word);
      from += static_cast<std::int64_t>(64 - place % 64);
      place = static_cast<std::size_t>(from) % span;
      word = filled_[place / 64];
    }
    refill();
    from = base_;
  }
}

/// Brings in times from far away when there are no near ones.
void IssueCounts::refill() {
  base_ = std::ranges::min(far_);
  near_ = base_ + span;
  std::vector<std::int64_t> all;
  std::swap(all, far_);
  for (const std::int64_t time : all)
    if (time < near_)
      add(time);
  std::int64_t first = near_;
  for (const std::int64_t time : all)
    if (time >= base_ + span) {
      far_.push_back(time);
      first = std::min(first, time);
    }
  near_ = far_.empty() ? base_ + span : first;
}

} // namespace acadlc::aidg
