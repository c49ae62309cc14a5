#include "backend/aidg/bounds/ByteTimes.h"

#include <algorithm>

namespace acadlc::aidg {

/// Of the first range that ends behind \p address.
std::size_t ByteTimes::firstBehind(std::int64_t address) const {
  const auto first = std::ranges::upper_bound(ranges_, address, {}, &Range::high);
  return static_cast<std::size_t>(first - ranges_.begin());
}

std::int64_t ByteTimes::awaited(std::int64_t low, std::int64_t high, bool isWrite) const {
  std::int64_t time = 0;
  for (std::size_t i = firstBehind(low); i != ranges_.size() && ranges_[i].low < high; ++i)
    time = std::max(time, isWrite ? ranges_[i].accessed : ranges_[i].written);
  return time;
}

/// Makes \p address the end of a range if it lies within one.
void ByteTimes::splitAt(std::int64_t address) {
  const std::size_t place = firstBehind(address);
  if (place == ranges_.size() || ranges_[place].low >= address)
    return;
  Range before = ranges_[place];
  before.high = address;
  ranges_[place].low = address;
  ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(place), before);
}

void ByteTimes::record(std::int64_t low, std::int64_t high, bool isWrite, std::int64_t time) {
  splitAt(low);
  splitAt(high);
  if (!isWrite)
    return recordRead(low, high, time);
  const auto first = ranges_.begin() + static_cast<std::ptrdiff_t>(firstBehind(low));
  const auto end = std::ranges::lower_bound(first, ranges_.end(), high, {}, &Range::low);
  const Range written{low, high, time, time};
  if (first == end) {
    ranges_.insert(first, written);
    return;
  }
  *first = written;
  ranges_.erase(first + 1, end);
}

void ByteTimes::recordRead(std::int64_t low, std::int64_t high, std::int64_t time) {
  std::size_t place = firstBehind(low);
  for (std::int64_t next = low; next < high; ++place) {
    const bool isGap = place == ranges_.size() || ranges_[place].low > next;
    if (isGap) {
      const std::int64_t end = place == ranges_.size() ? high : std::min(high, ranges_[place].low);
      ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(place), {next, end, 0, time});
    } else {
      ranges_[place].accessed = std::max(ranges_[place].accessed, time);
    }
    next = ranges_[place].high;
  }
}

bool ByteTimes::keepWithin(std::int64_t low, std::int64_t high) {
  if (ranges_.empty() || (ranges_.front().low >= low && ranges_.back().high <= high))
    return false;
  splitAt(low);
  splitAt(high);
  std::erase_if(ranges_, [&](const Range &range) { return range.low < low || range.high > high; });
  return true;
}

void ByteTimes::move(std::int64_t bytes) {
  for (Range &range : ranges_) {
    range.low += bytes;
    range.high += bytes;
  }
}

} // namespace acadlc::aidg
