#include "backend/aidg/plan/UsageTotals.h"

namespace acadlc::aidg {

namespace {

/// Of all snapshots of an evaluation: 256 MiB.
constexpr std::size_t mostSnapshotWords = std::size_t{1} << 25;

} // namespace

void UsageTotals::addLower(std::span<const timing::LowerRequests> requests) {
  for (const timing::LowerRequests &each : requests) {
    const std::size_t place = lowerPlaces_.at(each.storage) + (each.isWrite ? 2 : 0);
    add(place, static_cast<std::uint64_t>(each.count));
    add(place + 1, static_cast<std::uint64_t>(each.bytes));
  }
}

UsageTotals::UsageTotals(const arch::ArchitectureGraph &graph) : graph_(&graph) {
  const std::size_t first = graph.objects.size() * parts;
  for (const arch::Object &object : graph.objects)
    if (object.lower != arch::noObject)
      lowerPlaces_.try_emplace(object.lower, first + lowerPlaces_.size() * lowerParts);
  words_.resize(first + lowerPlaces_.size() * lowerParts + 2);
}

UsageTotals::Snapshot UsageTotals::snapshot() const {
  snapshotWords_ += words_.size();
  return snapshotWords_ > mostSnapshotWords ? Snapshot() : words_;
}

void UsageTotals::repeat(const Snapshot &before, std::int64_t periods) {
  isLost_ = isLost_ || before.empty();
  for (std::size_t i = 0; i != before.size(); ++i)
    words_[i] += (words_[i] - before[i]) * static_cast<std::uint64_t>(periods);
}

std::optional<timing::Usage> UsageTotals::usage(std::int64_t cycles) const {
  std::optional<timing::Usage> usage = timing::emptyUsage(*graph_, cycles);
  const auto fetch = timing::fetchPath(*graph_);
  if (isLost_ || !usage || !fetch)
    return std::nullopt;
  const auto sum = [this](std::size_t place) { return static_cast<std::int64_t>(words_[place]); };
  for (arch::ObjectId id = 0; id != usage->objects.size(); ++id) {
    timing::ObjectUsage &object = usage->objects[id];
    object.taken = sum(place(id, Part::Taken));
    object.operands = sum(place(id, Part::Operands));
    object.requests = sum(place(id, Part::Requests));
    object.next = sum(place(id, Part::Next));
  }
  for (const auto &[id, first] : lowerPlaces_)
    usage->lower[id] = {sum(first), sum(first + 2), sum(first + 1), sum(first + 3)};
  const timing::ObjectUsage &stage = usage->objects[fetch->stage];
  timing::ObjectUsage &unit = usage->objects[fetch->unit];
  unit.taken += stage.taken - sum(fetchesPlace()) * fetch->stageLatency;
  unit.requests += stage.requests;
  usage->buffered = sum(bufferedPlace());
  return usage;
}

} // namespace acadlc::aidg
