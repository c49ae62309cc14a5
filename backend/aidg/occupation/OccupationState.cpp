#include "backend/aidg/occupation/OccupationState.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace acadlc::aidg {

void Calendar::add(Cycle now, Cycle time, TimedEvent event) {
  if (time - now < static_cast<Cycle>(span)) {
    const auto slot = static_cast<std::size_t>(time) % span;
    ring_[slot].push_back(event);
    filled_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    return;
  }
  far_.push_back({time, sequence_++, event});
  std::ranges::push_heap(far_, std::greater<>());
}

Cycle Calendar::next(Cycle now) const {
  const Cycle far = far_.empty() ? never : far_.front().time;
  const auto begin = static_cast<std::size_t>(now + 1) % span;
  for (std::size_t word = 0; word <= span / 64; ++word) {
    const std::size_t index = (begin / 64 + word) % (span / 64);
    std::uint64_t bits = filled_[index];
    if (word == 0)
      bits &= ~std::uint64_t{0} << (begin % 64);
    else if (word == span / 64)
      bits &= ~(~std::uint64_t{0} << (begin % 64));
    if (bits == 0)
      continue;
    const std::size_t slot = index * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    return std::min(far, now + 1 + static_cast<Cycle>((slot + span - begin) % span));
  }
  return far;
}

void Calendar::take(Cycle time, std::vector<TimedEvent> &out) {
  out.clear();
  const auto slot = static_cast<std::size_t>(time) % span;
  std::swap(out, ring_[slot]);
  filled_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  while (!far_.empty() && far_.front().time == time) {
    out.push_back(far_.front().event);
    std::ranges::pop_heap(far_, std::greater<>());
    far_.pop_back();
  }
}

void Calendar::forEach(Cycle now,
                       llvm::function_ref<void(Cycle, bool, const TimedEvent &)> see) const {
  for (Cycle time = now + 1; time != now + static_cast<Cycle>(span); ++time)
    for (const TimedEvent &event : ring_[static_cast<std::size_t>(time) % span])
      see(time, false, event);
  std::vector<Far> far = far_;
  std::ranges::sort(far, [](const Far &a, const Far &b) { return b > a; });
  for (const Far &one : far)
    see(one.time, true, one.event);
}

void Calendar::shift(Cycle cycles) {
  const auto by = static_cast<std::size_t>(cycles) % span;
  std::ranges::rotate(ring_, ring_.end() - static_cast<std::ptrdiff_t>(by));
  filled_.fill(0);
  for (std::size_t slot = 0; slot != span; ++slot)
    if (!ring_[slot].empty())
      filled_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  for (Far &one : far_)
    one.time += cycles;
}

std::uint32_t RankSet::pop() {
  for (; low_ != words_.size(); ++low_) {
    std::uint64_t &word = words_[low_];
    if (word == 0)
      continue;
    const auto rank =
        static_cast<std::uint32_t>(low_ * 64) + static_cast<std::uint32_t>(std::countr_zero(word));
    word &= word - 1;
    return rank;
  }
  return none;
}

OccupationState::OccupationState(const OccupationPlan &plan)
    : objects(plan.objects.size()), channels(plan.channels.size()), orders(plan.orderCount),
      registers(plan.graph->registerCount), memories(plan.objects.size()),
      expandingRegisters(plan.graph->registerCount), expandingMemories(plan.objects.size()),
      outstanding(plan.counterCount), bufferFree(plan.fetch.bufferSize), storageModel(*plan.graph) {
  dirty.resize(plan.objects.size());
  for (std::size_t id = 0; id != objects.size(); ++id)
    if (plan.objects[id].kind == OccupationObject::Kind::Queue)
      objects[id].classUsed.resize(plan.queues[plan.objects[id].detail].classes.size());
}

} // namespace acadlc::aidg
