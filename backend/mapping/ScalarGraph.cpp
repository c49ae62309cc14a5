#include "backend/mapping/ScalarGraph.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::mapping {

ScalarId ScalarGraph::add(ScalarNode node) {
  node.hasLoad |= node.kind == ScalarNode::Kind::Load;
  std::string key = fmt::format("{} {} {} {}", static_cast<int>(node.kind), node.depth,
                                fmt::join(node.operands, ","), node.text);
  for (const ScalarId operand : node.operands) {
    node.depth = std::max(node.depth, nodes_[operand].depth);
    node.hasLoad |= nodes_[operand].hasLoad;
    node.isVolatile |= nodes_[operand].isVolatile;
  }
  const auto [entry, isNew] =
      known_.try_emplace(std::move(key), static_cast<ScalarId>(nodes_.size()));
  if (isNew)
    nodes_.push_back(std::move(node));
  return entry->second;
}

} // namespace acadlc::mapping
