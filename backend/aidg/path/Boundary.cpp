#include "backend/aidg/path/Boundary.h"

#include <algorithm>

namespace acadlc::aidg {

void Boundary::enter(BindingPath &path, std::span<const std::int64_t> values,
                     std::int64_t remaining) const {
  const TimeLayout &layout = flat_->layout;
  // A time that nothing to come undercuts delays nothing, and may have been raised: whoever goes on
  // at that very time had no way to come earlier.
  const auto useOf = [&](std::uint32_t place) -> BindingPath::Use {
    const bool isDead = values[place] <= layout.distance[place];
    return {values[place], isDead ? noNode : nodeOf(place)};
  };
  path.hasAddresses_ = false;
  path.block_ = {0, nodeOf(TimeLayout::arrival)};
  path.blockIndex_ = remaining - flat_->fetchWidth;
  const std::int64_t fetchFree = values[TimeLayout::fetchFree];
  path.branch_ = fetchFree > 0 ? BindingPath::Use{fetchFree, nodeOf(TimeLayout::fetchFree)}
                               : BindingPath::Use{};
  path.last_ = nodeOf(TimeLayout::end);
  path.lastDone_ = values[TimeLayout::end];
  for (std::size_t object = 0; object != plan_->objects.size(); ++object)
    path.occupants_[plan_->objects[object].id] = useOf(layout.objects[object]);
  for (std::size_t index = 0; index != plan_->registerIds.size(); ++index) {
    const BindingPath::Use writer = useOf(layout.registers[index]);
    const BindingPath::Use user = useOf(layout.registers[index] + 1);
    path.registers_[plan_->registerIds[index]] = {
        writer, user.time > writer.time ? user : BindingPath::Use{}};
  }
  path.issues_.clear();
  for (std::uint32_t i = 0; i != layout.issueCount; ++i) {
    const std::int64_t time = values[layout.issues + i];
    path.issues_.record(time, time > fetchFree ? nodeOf(layout.issues + i) : noNode);
  }
}

std::vector<NodeId> Boundary::leave(const BindingPath &path) const {
  const TimeLayout &layout = flat_->layout;
  std::vector<NodeId> nodes(layout.size, noNode);
  nodes[TimeLayout::arrival] = path.block_.node;
  nodes[TimeLayout::fetchFree] = path.branch_.node;
  nodes[TimeLayout::end] = path.last_;
  for (std::size_t object = 0; object != plan_->objects.size(); ++object)
    nodes[layout.objects[object]] = path.occupants_[plan_->objects[object].id].node;
  for (std::size_t index = 0; index != plan_->registerIds.size(); ++index) {
    const auto &[writer, reader] = path.registers_[plan_->registerIds[index]];
    const bool isReadLater = reader.node != noNode && reader.time > writer.time;
    nodes[layout.registers[index]] = writer.node;
    nodes[layout.registers[index] + 1] = isReadLater ? reader.node : writer.node;
  }
  std::uint32_t place = layout.issues;
  for (const LatestIssues::Issue &issue : path.issues_.sorted())
    nodes[place++] = issue.node;
  return nodes;
}

} // namespace acadlc::aidg
