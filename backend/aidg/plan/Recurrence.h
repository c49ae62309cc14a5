/// \file
/// Finds out when a loop's state recurs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace acadlc::aidg {

/// Remembers normal forms of a loop's state by iteration and recognises the first that recurs.
///
/// All states are kept while they fit into a budget; behind it one state is kept and replaced
/// whenever the iteration count doubles (Brent's method), so memory stays bounded and a recurrence
/// is still found, later. States are compared whole: equal hashes prove nothing.
class RecurrenceSearch {
public:
  /// Offers the state behind \p iteration (ascending). Returns the earlier iteration with the same
  /// state if there is one.
  std::optional<std::int64_t> offer(std::int64_t iteration, std::span<const std::int64_t> state);

private:
  struct Entry {
    std::int64_t iteration = 0;
    std::size_t offset = 0, size = 0;
  };
  [[nodiscard]] bool equals(const Entry &entry, std::span<const std::int64_t> state) const;

  std::unordered_multimap<std::uint64_t, Entry> entries_;
  std::vector<std::int64_t> storage_;
  std::vector<std::int64_t> landmark_;
  std::int64_t landmarkIteration_ = 0;
};

} // namespace acadlc::aidg
