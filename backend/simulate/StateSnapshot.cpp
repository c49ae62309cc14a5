#include "backend/simulate/StateSnapshot.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>

namespace acadlc::simulate {

namespace {

using arch::Object;
using arch::ObjectId;

/// \p bytes in units of \p unit; 0 unless it is a whole number of them.
std::int64_t wholeUnits(std::int64_t bytes, std::int64_t unit) {
  return unit > 0 && bytes % unit == 0 ? bytes / unit : 0;
}

/// Where place \p place of \p size lies when all move by \p shift places, around the end.
std::size_t moved(std::size_t place, std::int64_t shift, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  return static_cast<std::size_t>(
      checkedFloorMod(static_cast<std::int64_t>(place) + shift, count).value_or(0));
}

bool isMoved(const timing::CacheSet &a, const timing::CacheSet &b, std::int64_t tags) {
  return std::ranges::equal(a, b, [tags](const timing::CacheLine &x, const timing::CacheLine &y) {
    return x.tag + tags == y.tag && x.dirty == y.dirty;
  });
}

bool isMoved(const std::vector<timing::CacheSet> &a, const std::vector<timing::CacheSet> &b,
             std::int64_t tags) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!isMoved(a[i], b[moved(i, tags, a.size())], tags))
      return false;
  return true;
}

/// Rows lie around the banks: row r of bank b is the frame r · banks + b.
bool isMoved(const std::vector<timing::Bank> &a, const std::vector<timing::Bank> &b,
             std::int64_t frames) {
  const auto count = static_cast<std::int64_t>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const timing::Bank &other = b[moved(i, frames, a.size())];
    if (a[i].open != other.open)
      return false;
    const std::int64_t frame = a[i].row * count + static_cast<std::int64_t>(i) + frames;
    if (a[i].open &&
        (checkedFloorDiv(frame, count) != other.row || a[i].activated != other.activated))
      return false;
  }
  return true;
}

} // namespace

std::vector<std::int64_t> &StateSnapshot::addPart(std::string name) {
  return parts.emplace_back(Part{std::move(name), {}}).values;
}

std::vector<StorageContents> contentsOf(const timing::StorageModel &model,
                                        const arch::ArchitectureGraph &graph, std::int64_t now) {
  std::vector<StorageContents> result;
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    if (model.sets(id).empty() && model.banks(id).empty())
      continue;
    StorageContents contents{id, model.sets(id), model.banks(id)};
    for (timing::Bank &bank : contents.banks) {
      const auto until = checkedAdd(bank.activated, graph.objects[id].tRAS);
      bank.activated = bank.open && until ? std::max<std::int64_t>(*until - now, 0) : 0;
    }
    result.push_back(std::move(contents));
  }
  return result;
}

std::optional<std::string> differingPart(const StateSnapshot &a, const StateSnapshot &b) {
  if (a.flights != b.flights)
    return "which instructions are in flight";
  for (std::size_t i = 0; i < a.parts.size() && i < b.parts.size(); ++i)
    if (a.parts[i].name != b.parts[i].name || a.parts[i].values != b.parts[i].values)
      return a.parts[i].name;
  if (a.parts.size() != b.parts.size())
    return "the number of parts";
  return std::nullopt;
}

ObjectId differingContents(const StateSnapshot &a, const StateSnapshot &b,
                           const std::vector<std::int64_t> &shifts,
                           const arch::ArchitectureGraph &graph) {
  for (std::size_t i = 0; i < a.contents.size(); ++i) {
    const ObjectId id = a.contents[i].storage;
    const Object &object = graph.objects[id];
    if (!isMoved(a.contents[i].sets, b.contents[i].sets, wholeUnits(shifts[id], object.lineSize)) ||
        !isMoved(a.contents[i].banks, b.contents[i].banks, wholeUnits(shifts[id], object.rowSize)))
      return id;
  }
  return arch::noObject;
}

} // namespace acadlc::simulate
