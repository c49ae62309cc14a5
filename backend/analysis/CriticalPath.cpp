#include "backend/analysis/CriticalPath.h"

#include "backend/aidg/Graph.h"

#include <algorithm>
#include <array>
#include <map>

namespace acadlc::analysis {

namespace {

BoundKind kindOf(const arch::ArchitectureGraph &graph, const aidg::Node &node,
                 const aidg::CriticalStep &step) {
  switch (node.kind) {
  case aidg::Node::Kind::Fetch:
    return BoundKind::Fetch;
  case aidg::Node::Kind::Memory:
    return BoundKind::Memory;
  case aidg::Node::Kind::Stage:
    return kindOfStage(graph, node.object);
  case aidg::Node::Kind::Unit:
    break;
  }
  if (step.over == aidg::DependenceKind::Data)
    return BoundKind::Dependence;
  return graph.objects[node.object].objectClass == arch::ObjectClass::MemoryAccessUnit
             ? BoundKind::Memory
             : BoundKind::Compute;
}

} // namespace

CriticalPathReport analyseCriticalPath(const arch::ArchitectureGraph &graph,
                                       const program::Program &program) {
  const aidg::Graph window = aidg::buildGraph(graph, program, criticalPathWindow);
  CriticalPathReport report;
  report.truncated = window.truncated;
  if (!window.nodes.empty())
    report.instructions = window.nodes.back().index + 1;
  std::map<std::string, std::array<std::int64_t, 4>> cycles;
  std::int64_t total = 0;
  for (const aidg::CriticalStep &step : window.criticalPath()) {
    const aidg::Node &node = window.nodes[step.node];
    const auto kind = static_cast<std::size_t>(kindOf(graph, node, step));
    cycles[withoutIndices(graph.objects[node.object].name)][kind] += step.end - step.begin;
    total += step.end - step.begin;
  }
  for (const auto &[object, byKind] : cycles) {
    Bound bound;
    bound.object = object;
    bound.kind = static_cast<BoundKind>(std::ranges::max_element(byKind) - byKind.begin());
    std::int64_t own = 0;
    for (const std::int64_t part : byKind)
      own += part;
    bound.share = static_cast<double>(own) / static_cast<double>(total);
    report.shares.push_back(std::move(bound));
  }
  std::ranges::stable_sort(report.shares, std::ranges::greater{}, &Bound::share);
  return report;
}

} // namespace acadlc::analysis
