#include "backend/mapping/ScalarPlan.h"

#include <algorithm>
#include <functional>

namespace acadlc::mapping {

namespace {

/// Registers for values that need \p needs, one behind the other, each waiting for those behind it.
std::size_t inTurn(std::vector<std::size_t> needs) {
  std::ranges::sort(needs, std::greater{});
  std::size_t most = needs.size();
  for (std::size_t i = 0; i < needs.size(); ++i)
    most = std::max(most, i + needs[i]);
  return most;
}

} // namespace

ScalarPlan::ScalarPlan(const ScalarGraph &graph, const ScalarOperations &operations,
                       const std::vector<std::int64_t> &extents, std::vector<ScalarUse> uses)
    : graph_(graph), operations_(operations), iterations_{1}, uses_(std::move(uses)),
      isCertain_(graph.size()) {
  for (const std::int64_t extent : extents)
    iterations_.push_back(iterations_.back() * static_cast<double>(extent));
  for (const ScalarUse &use : uses_)
    for (const ScalarId value : use.values)
      if (use.isCertain)
        markCertain(value);
  needs_ = needs({});
}

void ScalarPlan::markCertain(ScalarId id) {
  if (isCertain_[id])
    return;
  isCertain_[id] = true;
  if (graph_[id].kind != ScalarNode::Kind::Choice)
    for (const ScalarId operand : graph_[id].operands)
      markCertain(operand);
}

bool ScalarPlan::mayWait(ScalarId id) const {
  const ScalarNode &node = graph_[id];
  return node.kind != ScalarNode::Kind::Accumulator && !node.isVolatile &&
         (isCertain_[id] || !node.hasLoad);
}

std::vector<bool> ScalarPlan::waiting(const Residents &residents) const {
  std::vector<bool> waits(graph_.size());
  for (const ScalarId resident : residents)
    waits[resident] = true;
  return waits;
}

double ScalarPlan::instructions(const Residents &residents) const {
  const std::vector<bool> waits = waiting(residents);
  std::vector<double> costs(graph_.size());
  for (ScalarId id = 0; id < graph_.size(); ++id) {
    const ScalarNode &node = graph_[id];
    if (node.kind == ScalarNode::Kind::Choice) {
      for (const ScalarId side : node.operands)
        costs[id] = std::max(costs[id], costs[side]);
      continue;
    }
    costs[id] = node.kind == ScalarNode::Kind::Accumulator ? 0 : 1;
    for (const ScalarId operand : node.operands)
      costs[id] += isPlaced(operand, waits) ? 0 : costs[operand];
  }
  double total = 0;
  for (const ScalarUse &use : uses_)
    for (const ScalarId value : use.values)
      total += use.isInto || !isPlaced(value, waits) ? costs[value] * iterations_[use.level] : 0;
  for (const ScalarId resident : residents)
    total += costs[resident] * iterations_[graph_[resident].depth];
  return total;
}

/// Registers that each value takes to compute, that of the result included.
std::vector<std::size_t> ScalarPlan::needs(const Residents &residents) const {
  const std::vector<bool> waits = waiting(residents);
  std::vector<std::size_t> result(graph_.size(), 1);
  for (ScalarId id = 0; id < graph_.size(); ++id) {
    const ScalarNode &node = graph_[id];
    if (node.kind == ScalarNode::Kind::Choice) {
      for (const ScalarId side : node.operands)
        result[id] = std::max(result[id], result[side]);
      continue;
    }
    std::vector<std::size_t> operands;
    for (const ScalarId operand : node.operands)
      if (!isPlaced(operand, waits))
        operands.push_back(result[operand]);
    const std::size_t temporaries =
        node.kind == ScalarNode::Kind::Operation ? operations_.temporaries(node.text) : 0;
    const std::size_t together = std::max<std::size_t>(operands.size(), 1) + temporaries;
    result[id] = std::max(inTurn(std::move(operands)), together);
  }
  return result;
}

std::size_t ScalarPlan::need(const Residents &residents) const {
  const std::vector<bool> waits = waiting(residents);
  const std::vector<std::size_t> needs = this->needs(residents);
  std::size_t most = residents.size();
  for (std::size_t i = 0; i < residents.size(); ++i)
    most = std::max(most, i + needs[residents[i]]);
  for (const ScalarUse &use : uses_) {
    std::vector<std::size_t> values;
    for (const ScalarId value : use.values)
      if (use.isInto || !isPlaced(value, waits))
        values.push_back(needs[value]);
    most = std::max(most, residents.size() + inTurn(std::move(values)));
  }
  return most;
}

void ScalarPlan::sort(Residents &residents) const {
  std::ranges::sort(residents, {}, [&](ScalarId id) { return std::pair(graph_[id].depth, id); });
}

void ScalarPlan::choose(std::size_t registers) {
  // Each choice looks at all values in turn, so the largest stages are left as they are.
  constexpr std::size_t mostValues = 1000;
  double best = graph_.size() <= mostValues ? instructions(residents_) : 0;
  for (bool isBetter = best != 0; isBetter;) {
    isBetter = false;
    Residents next;
    for (ScalarId id = 0; id < graph_.size(); ++id) {
      if (!mayWait(id) || std::ranges::find(residents_, id) != residents_.end())
        continue;
      Residents more = residents_;
      more.push_back(id);
      const double after = instructions(more);
      if (after >= best)
        continue;
      sort(more);
      if (need(more) > registers)
        continue;
      best = after;
      next = std::move(more);
      isBetter = true;
    }
    if (isBetter)
      residents_ = std::move(next);
  }
  needs_ = needs(residents_);
}

std::optional<std::size_t> ScalarPlan::residentIndex(ScalarId id) const {
  const auto found = std::ranges::find(residents_, id);
  return found != residents_.end() ? std::optional<std::size_t>(found - residents_.begin())
                                   : std::nullopt;
}

std::vector<std::size_t> ScalarPlan::computed(const ScalarNode &node) const {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < node.operands.size(); ++i)
    if (graph_[node.operands[i]].kind != ScalarNode::Kind::Accumulator &&
        !residentIndex(node.operands[i]))
      positions.push_back(i);
  std::ranges::sort(positions, [&](std::size_t a, std::size_t b) {
    const std::size_t first = needs_[node.operands[a]], second = needs_[node.operands[b]];
    return first != second ? first > second : a < b;
  });
  return positions;
}

} // namespace acadlc::mapping
