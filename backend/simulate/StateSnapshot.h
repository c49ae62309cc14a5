/// \file
/// What a simulator holds at the end of a cycle, in a form in which two moments of a stream can be
/// compared: times relative to the cycle, instructions relative to one of them.
///
/// The estimator proves with normal forms of its own state. Nothing of that is used here: a proof
/// that is gone through again must not lean on itself.
#pragma once

#include "backend/timing/StorageModel.h"
#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::simulate {

/// Lines of a cache or rows of a DRAM.
struct StorageContents {
  arch::ObjectId storage = arch::noObject;
  std::vector<timing::CacheSet> sets;
  /// `activated` is here the number of cycles for which the row must still stay open.
  std::vector<timing::Bank> banks;
};

struct StateSnapshot {
  /// A part of the state: "the issue buffer", "what is in flight". Its numbers have no meaning but
  /// for comparison.
  struct Part {
    std::string name;
    std::vector<std::int64_t> values;
  };

  std::int64_t index = 0; ///< of the instruction that the snapshot is relative to
  std::int64_t time = 0;  ///< cycle at whose end it was taken
  /// Which instructions have been fetched and have not finished, oldest first (without those that
  /// nobody can wait for). The other parts name them by their places.
  std::vector<std::uint32_t> flights;
  std::vector<std::uint32_t> arrived; ///< those of them from `index` on: what the fetch brought
  std::vector<Part> parts;
  std::vector<StorageContents> contents; ///< of storages with state

  /// The values of a new part.
  std::vector<std::int64_t> &addPart(std::string name);
};

/// The contents of all storages of \p graph that have any, seen from cycle \p now.
std::vector<StorageContents> contentsOf(const timing::StorageModel &model,
                                        const arch::ArchitectureGraph &graph, std::int64_t now);

/// The first part in which \p a and \p b differ; nothing if they are equal but for contents of
/// storages.
std::optional<std::string> differingPart(const StateSnapshot &a, const StateSnapshot &b);

/// The first storage whose contents are not the same in \p b, moved by \p shifts bytes (by object).
/// Where no line or row moves onto a line or row by that many bytes, they must be the same unmoved.
arch::ObjectId differingContents(const StateSnapshot &a, const StateSnapshot &b,
                                 const std::vector<std::int64_t> &shifts,
                                 const arch::ArchitectureGraph &graph);

} // namespace acadlc::simulate
