#include "backend/aidg/plan/Recurrence.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/xxhash.h>

#include <algorithm>

namespace acadlc::aidg {

namespace {
/// Numbers kept before the search changes to landmarks: 16 MiB.
constexpr std::size_t budget = std::size_t{2} << 20;
} // namespace

bool RecurrenceSearch::equals(const Entry &entry, std::span<const std::int64_t> state) const {
  return entry.size == state.size() &&
         std::equal(state.begin(), state.end(),
                    storage_.begin() + static_cast<std::ptrdiff_t>(entry.offset));
}

std::optional<std::int64_t> RecurrenceSearch::offer(std::int64_t iteration,
                                                    std::span<const std::int64_t> state) {
  const std::uint64_t hash = llvm::xxh3_64bits(llvm::ArrayRef<std::uint8_t>(
      reinterpret_cast<const std::uint8_t *>(state.data()), state.size() * sizeof(std::int64_t)));
  const auto [first, last] = entries_.equal_range(hash);
  for (auto entry = first; entry != last; ++entry)
    if (equals(entry->second, state))
      return entry->second.iteration;
  if (storage_.size() + state.size() <= budget) {
    entries_.emplace(hash, Entry{iteration, storage_.size(), state.size()});
    storage_.insert(storage_.end(), state.begin(), state.end());
    return std::nullopt;
  }
  if (!landmark_.empty() && std::ranges::equal(landmark_, state))
    return landmarkIteration_;
  if (landmark_.empty() || iteration >= 2 * landmarkIteration_) {
    landmark_.assign(state.begin(), state.end());
    landmarkIteration_ = iteration;
  }
  return std::nullopt;
}

} // namespace acadlc::aidg
