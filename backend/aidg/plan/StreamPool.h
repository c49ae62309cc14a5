/// \file
/// Streams of expansions that are looked through ahead of their instructions.
#pragma once

#include "ir/Program.h"

#include <deque>
#include <utility>
#include <vector>

namespace acadlc::aidg {

/// Lends streams, and gives their memory to who borrows next: looking ahead allocates nothing once
/// as many were lent at a time as ever will be.
class StreamPool {
  struct Entry {
    program::InstructionStream stream;
    std::vector<std::int64_t> addresses;
  };

public:
  /// A stream, and room for the addresses of the instruction looked at. Goes back when it ends; the
  /// pool outlives it.
  class Lease {
  public:
    Lease(StreamPool &pool, Entry &entry) : pool_(&pool), entry_(&entry) {}
    Lease(Lease &&other) noexcept
        : pool_(other.pool_), entry_(std::exchange(other.entry_, nullptr)) {}
    Lease &operator=(Lease &&) = delete;
    ~Lease() {
      if (entry_ != nullptr)
        pool_->free_.push_back(entry_);
    }
    program::InstructionStream &stream() { return entry_->stream; }
    std::vector<std::int64_t> &addresses() { return entry_->addresses; }

  private:
    StreamPool *pool_;
    Entry *entry_;
  };

  /// A stream that stands where \p other does.
  Lease copyOf(const program::InstructionStream &other) {
    if (free_.empty())
      return {*this, entries_.emplace_back(Entry{other, {}})};
    Lease lease(*this, takeFree());
    lease.stream() = other;
    return lease;
  }

  /// The stream of \p region of \p program from its beginning (see InstructionStream).
  Lease begin(const program::Program &program, program::RegionId region,
              const std::vector<bool> &emptyRegions) {
    if (free_.empty())
      return {*this, entries_.emplace_back(Entry{{program, region, emptyRegions}, {}})};
    Lease lease(*this, takeFree());
    lease.stream().restart(region);
    return lease;
  }

private:
  Entry &takeFree() {
    Entry &entry = *free_.back();
    free_.pop_back();
    return entry;
  }

  std::deque<Entry> entries_; ///< a deque: they stay where they are
  std::vector<Entry *> free_;
};

} // namespace acadlc::aidg
