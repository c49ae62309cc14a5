/// \file
/// How long storages take to serve requests, and the state that this depends on: the lines in
/// caches and the open rows of DRAM banks. Slots and arbitration are the evaluators' business.
#pragma once

#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::timing {

/// One request to a storage.
struct Request {
  std::int64_t address = 0; ///< of the first byte
  std::int64_t bytes = 0;
  bool isWrite = false;
};

/// What caches ask of a storage below them: requests of one kind.
struct LowerRequests {
  arch::ObjectId storage = arch::noObject;
  bool isWrite = false;
  std::int64_t count = 0;
  std::int64_t bytes = 0; ///< of all of them
};

/// A line of a cache: the addresses [tag · lineSize, (tag + 1) · lineSize).
struct CacheLine {
  std::int64_t tag = 0;
  bool dirty = false;
  friend bool operator==(const CacheLine &, const CacheLine &) = default;
};
/// The valid lines of one set, next victim first: least recently used (LRU) or oldest (FIFO).
/// Which way holds a line has no effect on time.
using CacheSet = std::vector<CacheLine>;

/// A bank of a DRAM.
struct Bank {
  bool open = false;
  std::int64_t row = 0;
  std::int64_t activated = 0; ///< cycle at which the row was activated
  friend bool operator==(const Bank &, const Bank &) = default;
};

/// Number of transactions that a request of \p bytes makes at an SRAM or DRAM: at least 1;
/// saturates.
std::int64_t transactions(const arch::Object &storage, std::int64_t bytes);

/// The storages of a graph with their state. A cycle count that leaves the 64-bit range saturates
/// at the largest value.
class StorageModel {
public:
  static constexpr std::int64_t overflow = INT64_MAX;

  explicit StorageModel(const arch::ArchitectureGraph &graph);

  /// Serves a request that is granted at \p time: returns the cycles it takes, those of the
  /// storages below a cache included, and changes the state. Requests are given in the order of
  /// grants.
  std::int64_t serve(arch::ObjectId storage, const Request &request, std::int64_t time);

  /// From now on, what caches ask below is noted down.
  void noteLowerRequests() { notesLower_ = true; }
  /// What serving the last request made caches ask of the storages below them, if it was noted
  /// down.
  [[nodiscard]] std::span<const LowerRequests> lowerRequests() const { return lower_; }

  /// Whether the time that \p storage takes depends on earlier requests: caches and DRAMs.
  [[nodiscard]] bool hasState(arch::ObjectId storage) const;
  /// By set; empty unless \p storage is a cache.
  [[nodiscard]] const std::vector<CacheSet> &sets(arch::ObjectId storage) const {
    return states_[storage].sets;
  }
  /// By bank; empty unless \p storage is a DRAM.
  [[nodiscard]] const std::vector<Bank> &banks(arch::ObjectId storage) const {
    return states_[storage].banks;
  }
  /// For evaluators that jump: access to what sets() and banks() show.
  [[nodiscard]] std::vector<CacheSet> &sets(arch::ObjectId storage) {
    return states_[storage].sets;
  }
  [[nodiscard]] std::vector<Bank> &banks(arch::ObjectId storage) { return states_[storage].banks; }

private:
  struct State {
    std::vector<CacheSet> sets;
    std::vector<Bank> banks;
  };

  std::int64_t serveAt(arch::ObjectId storage, const Request &request, std::int64_t time);
  void noteLower(arch::ObjectId storage, const Request &request);
  std::int64_t serveDram(arch::ObjectId id, const Request &request, std::int64_t time);
  std::int64_t serveCache(arch::ObjectId id, const Request &request, std::int64_t time);
  /// The part of a request that lies in one line.
  std::int64_t accessLine(arch::ObjectId id, const Request &part, std::int64_t time);
  /// A line is brought in; returns the cycles of write-back and fill.
  std::int64_t fill(arch::ObjectId id, CacheSet &set, std::int64_t tag, std::int64_t time);
  std::int64_t serveBelow(arch::ObjectId cache, const Request &request, std::int64_t time);

  const arch::ArchitectureGraph *graph_;
  std::vector<State> states_; ///< by object
  bool notesLower_ = false;
  std::vector<LowerRequests> lower_; ///< each storage and kind once
};

} // namespace acadlc::timing
