/// \file
/// Counts cycle by cycle what objects do (timing::Usage).
#pragma once

#include "backend/timing/StorageModel.h"
#include "backend/timing/Usage.h"
#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace acadlc::simulate {

/// What there is to be seen in one cycle: in each object the places that are taken, and how many of
/// them wait for what. `places` is not used.
using UsageSight = timing::Usage;

class UsageCounter {
public:
  explicit UsageCounter(const arch::ArchitectureGraph &graph)
      : graph_(&graph), sum_{std::vector<timing::ObjectUsage>(graph.objects.size()), 0,
                             std::vector<timing::LowerTraffic>(graph.objects.size())} {}

  /// In \p cycles cycles from \p begin on there is \p sight to be seen.
  void see(std::int64_t begin, std::int64_t cycles, UsageSight sight) {
    seen_.push_back({begin, cycles, std::move(sight)});
  }
  /// What serving a request made caches ask below.
  void addLower(std::span<const timing::LowerRequests> requests) {
    for (const timing::LowerRequests &each : requests) {
      timing::LowerTraffic &lower = sum_.lower[each.storage];
      (each.isWrite ? lower.writes : lower.reads) += each.count;
      (each.isWrite ? lower.bytesWritten : lower.bytesRead) += each.bytes;
    }
  }
  /// The stream goes on to \p end at least: what has been seen before counts.
  void settle(std::int64_t end) {
    for (const Seen &seen : seen_)
      if (seen.begin < end)
        add(seen);
    std::erase_if(seen_, [=](const Seen &seen) { return seen.begin < end; });
  }
  /// What was counted in a stream of \p cycles; nothing beyond the 64-bit range.
  [[nodiscard]] std::optional<timing::Usage> usage(std::int64_t cycles) const {
    std::optional<timing::Usage> usage = timing::emptyUsage(*graph_, cycles);
    if (!usage)
      return std::nullopt;
    for (std::size_t id = 0; id != sum_.objects.size(); ++id) {
      const std::int64_t places = usage->objects[id].places;
      usage->objects[id] = sum_.objects[id];
      usage->objects[id].places = places;
    }
    usage->lower = sum_.lower;
    usage->buffered = sum_.buffered;
    return usage;
  }

private:
  struct Seen {
    std::int64_t begin = 0, cycles = 0;
    UsageSight sight;
  };

  void add(const Seen &seen) {
    for (std::size_t id = 0; id != sum_.objects.size(); ++id) {
      const timing::ObjectUsage &from = seen.sight.objects[id];
      timing::ObjectUsage &to = sum_.objects[id];
      to.taken += from.taken * seen.cycles;
      to.operands += from.operands * seen.cycles;
      to.requests += from.requests * seen.cycles;
      to.next += from.next * seen.cycles;
    }
    sum_.buffered += seen.sight.buffered * seen.cycles;
  }

  const arch::ArchitectureGraph *graph_;
  timing::Usage sum_;
  std::vector<Seen> seen_; ///< since the last instruction finished
};

} // namespace acadlc::simulate
