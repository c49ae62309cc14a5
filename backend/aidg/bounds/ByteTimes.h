/// \file
/// When bytes were last written and accessed: what accesses by address wait for, without any time
/// from which on nobody waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// The ranges follow from the accesses' addresses and order alone, not from times.
class ByteTimes {
public:
  /// The bytes [low, high), at least one; times are cycles.
  struct Range {
    std::int64_t low = 0, high = 0;
    std::int64_t written = 0;  ///< when the last write of them had finished; 0: none has
    std::int64_t accessed = 0; ///< when that is so and no read of them needs them any more
  };

  /// When an access of [\p low, \p high) may start.
  [[nodiscard]] std::int64_t awaited(std::int64_t low, std::int64_t high, bool isWrite) const;
  /// An access of [\p low, \p high) has finished, or needs what it reads no more, at \p time.
  void record(std::int64_t low, std::int64_t high, bool isWrite, std::int64_t time);

  /// Forgets what lies outside of [\p low, \p high); whether there was something.
  bool keepWithin(std::int64_t low, std::int64_t high);
  void clear() { ranges_.clear(); }
  /// Moves all ranges by \p bytes.
  void move(std::int64_t bytes);

  /// Ascending, none overlaps another.
  [[nodiscard]] const std::vector<Range> &ranges() const { return ranges_; }
  [[nodiscard]] std::vector<Range> &ranges() { return ranges_; } ///< for changes of times alone

private:
  [[nodiscard]] std::size_t firstBehind(std::int64_t address) const;
  void splitAt(std::int64_t address);
  void recordRead(std::int64_t low, std::int64_t high, std::int64_t time);

  std::vector<Range> ranges_;
};

} // namespace acadlc::aidg
