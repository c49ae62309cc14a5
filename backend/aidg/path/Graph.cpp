#include "backend/aidg/path/Graph.h"

#include "backend/aidg/Estimator.h"
#include "backend/aidg/plan/LatestIssues.h"
#include "backend/timing/Machine.h"

#include <llvm/ADT/DenseMap.h>

#include <algorithm>

namespace acadlc::aidg {

namespace {

/// A tracked access of an instruction in the window.
struct AddressUse {
  std::int64_t low = 0, high = 0;
  bool isWrite = false;
  NodeId node = noNode;
};

class GraphBuilder {
public:
  GraphBuilder(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), fetch_(*timing::fetchPath(graph)),
        issues_(fetch_.bufferSize - fetch_.width + 1) {}

  Graph build(std::int64_t maxInstructions) {
    EstimateOptions options;
    options.extrapolate = false;
    options.maxInstructions = maxInstructions;
    // A fetch block, a stage, a unit and a request each, at the most: growing would cost more than
    // all the rest.
    if (const auto totals = program_.totals())
      result_.nodes.reserve(
          4 * static_cast<std::size_t>(std::min(totals->instructions, maxInstructions)));
    options.observer = [this](const program::Instance &instance,
                              const timing::InstructionTimes &times) { add(instance, times); };
    result_.truncated = estimate(graph_, program_, options).limitReached;
    return std::move(result_);
  }

private:
  void add(const program::Instance &instance, const timing::InstructionTimes &times) {
    const program::Route &route = program_.routes[instance.instruction->route];
    NodeId previous = fetchBlock(instance, times.fetched);
    std::int64_t ready = times.fetched;
    for (std::size_t s = 0; s != route.stages.size(); ++s) {
      Node stage = node(Node::Kind::Stage, route.stages[s], instance);
      stage.enter = s == 0 ? times.issued : std::max(ready, freeTime(stage.object));
      stage.start = stage.enter;
      stage.done = stage.enter + graph_.objects[stage.object].latency;
      const std::int64_t next = s + 1 == route.stages.size()
                                    ? times.entered
                                    : std::max(stage.done, freeTime(route.stages[s + 1]));
      stage.leave = next;
      previous = append(stage, previous, ready);
      ready = stage.done;
    }
    addUnit(instance, times, route.unit, previous, ready);
    issues_.record(times.issued, previous);
  }

  void addUnit(const program::Instance &instance, const timing::InstructionTimes &times,
               arch::ObjectId object, NodeId previous, std::int64_t ready) {
    const program::Instruction &instruction = *instance.instruction;
    Node unit = node(Node::Kind::Unit, object, instance);
    unit.enter = times.entered;
    unit.start = times.started;
    unit.done = times.started + instruction.latency;
    unit.leave = instruction.requestCount() == 0
                     ? times.started + timing::occupation(graph_.objects[object], instruction)
                     : times.finished;
    const NodeId id = append(unit, previous, ready);
    NodeId last = id;
    if (instruction.requestCount() != 0) {
      Node memory = node(Node::Kind::Memory, instruction.memory.front().storage, instance);
      memory.enter = memory.start = unit.done;
      memory.done = memory.leave = times.finished;
      result_.nodes.push_back(memory);
      last = static_cast<NodeId>(result_.nodes.size() - 1);
      connect(id, last, DependenceKind::Forward, true);
    }
    addData(instance, id, last);
    if (object == fetch_.unit)
      lastBranch_ = last;
  }

  /// The node of the block that brought the instruction.
  NodeId fetchBlock(const program::Instance &instance, std::int64_t arrival) {
    if (fetchNode_ != noNode && result_.nodes[fetchNode_].leave == arrival &&
        instance.index - result_.nodes[fetchNode_].index < fetch_.width)
      return fetchNode_;
    Node block = node(Node::Kind::Fetch, fetch_.stage, instance);
    block.done = block.leave = arrival;
    const std::int64_t least = fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency;
    const std::int64_t before = fetchNode_ == noNode ? 0 : result_.nodes[fetchNode_].leave;
    block.enter = std::max(before, std::min(roomTime(), arrival - least));
    if (lastBranch_ != noNode)
      block.enter = std::max(block.enter, result_.nodes[lastBranch_].leave);
    block.start = block.enter;
    const NodeId older = fetchNode_;
    result_.nodes.push_back(block);
    fetchNode_ = static_cast<NodeId>(result_.nodes.size() - 1);
    if (older != noNode)
      connect(older, fetchNode_, DependenceKind::Structural, before >= block.enter);
    if (const auto room = issues_.room())
      connect(room->node, fetchNode_, DependenceKind::BufferFill, roomTime() >= block.enter);
    if (lastBranch_ != noNode)
      connect(lastBranch_, fetchNode_, DependenceKind::BufferFill, true);
    lastBranch_ = noNode;
    return fetchNode_;
  }

  /// When the issue buffer had room for the next fetch.
  [[nodiscard]] std::int64_t roomTime() const {
    const auto room = issues_.room();
    return room ? room->time : 0;
  }

  Node node(Node::Kind kind, arch::ObjectId object, const program::Instance &instance) const {
    Node made;
    made.kind = kind;
    made.object = object;
    made.instruction = instance.id;
    made.index = instance.index;
    made.kernelIteration = instance.kernelIteration;
    return made;
  }

  [[nodiscard]] std::int64_t freeTime(arch::ObjectId object) const {
    const auto found = occupants_.find(object);
    return found == occupants_.end() ? 0 : result_.nodes[found->second].leave;
  }

  /// Adds a stage or unit with its forward and structural dependences.
  NodeId append(const Node &added, NodeId previous, std::int64_t ready) {
    const NodeId id = static_cast<NodeId>(result_.nodes.size());
    result_.nodes.push_back(added);
    const auto occupant = occupants_.find(added.object);
    if (occupant != occupants_.end())
      connect(occupant->second, id, DependenceKind::Structural,
              result_.nodes[occupant->second].leave == added.enter);
    if (previous != noNode)
      connect(previous, id, DependenceKind::Forward, ready == added.enter);
    occupants_[added.object] = id;
    return id;
  }

  void addData(const program::Instance &instance, NodeId unit, NodeId last) {
    const program::Instruction &instruction = *instance.instruction;
    for (const arch::RegisterId reg : instruction.reads)
      if (const auto writer = writers_.find(reg); writer != writers_.end())
        connectData(writer->second, unit);
    for (const arch::RegisterId reg : instruction.writes) {
      if (const auto writer = writers_.find(reg); writer != writers_.end())
        connectData(writer->second, unit);
      for (const NodeId reader : readers_[reg])
        connectData(reader, unit);
    }
    addAddressData(instance, unit, last);
    for (const arch::RegisterId reg : instruction.reads)
      readers_[reg].push_back(last);
    for (const arch::RegisterId reg : instruction.writes) {
      writers_[reg] = last;
      readers_[reg].clear();
    }
  }

  void addAddressData(const program::Instance &instance, NodeId unit, NodeId last) {
    std::vector<std::pair<arch::ObjectId, AddressUse>> added;
    for (const program::MemoryOperand &operand : instance.instruction->memory) {
      if (!operand.mayConflict)
        continue;
      const std::int64_t low = program_.evaluate(operand.address, instance.loopValues);
      std::vector<AddressUse> &uses = addressUses_[operand.memory];
      const std::int64_t front = result_.nodes[fetchNode_].leave;
      std::erase_if(uses,
                    [&](const AddressUse &use) { return result_.nodes[use.node].done <= front; });
      for (const AddressUse &use : uses)
        if (use.low < low + operand.bytes && low < use.high && (use.isWrite || operand.isWrite))
          connectData(use.node, unit);
      added.push_back({operand.memory, {low, low + operand.bytes, operand.isWrite, last}});
    }
    for (const auto &[memory, use] : added)
      addressUses_[memory].push_back(use);
  }

  void connectData(NodeId from, NodeId to) {
    connect(from, to, DependenceKind::Data, result_.nodes[from].done == result_.nodes[to].start);
  }

  void connect(NodeId from, NodeId to, DependenceKind kind, bool binding) {
    if (from != to)
      result_.dependences.push_back({from, to, kind, binding});
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  timing::FetchPath fetch_;
  Graph result_;
  NodeId fetchNode_ = noNode, lastBranch_ = noNode;
  LatestIssues issues_;
  llvm::DenseMap<arch::ObjectId, NodeId> occupants_;
  llvm::DenseMap<arch::RegisterId, NodeId> writers_;
  llvm::DenseMap<arch::RegisterId, std::vector<NodeId>> readers_;
  llvm::DenseMap<arch::ObjectId, std::vector<AddressUse>> addressUses_;
};

/// Of the binding dependences of a node the one to follow: the object itself before data, for a
/// busy object is a limit whatever its instructions wait for.
int preference(DependenceKind kind) {
  switch (kind) {
  case DependenceKind::Structural:
    return 3;
  case DependenceKind::Data:
    return 2;
  case DependenceKind::Forward:
    return 1;
  case DependenceKind::BufferFill:
    return 0;
  }
  return 0;
}

} // namespace

std::vector<CriticalStep> Graph::criticalPath() const {
  std::vector<CriticalStep> path;
  if (nodes.empty())
    return path;
  // The binding dependence to follow of each node. Data binds the start, the others the entry: if
  // the start is behind the entry, data alone counts.
  std::vector<const Dependence *> chosen(nodes.size(), nullptr);
  for (const Dependence &dependence : dependences) {
    const Node &to = nodes[dependence.to];
    const bool bindsStart = dependence.kind == DependenceKind::Data;
    if (!dependence.binding || (!bindsStart && to.start > to.enter))
      continue;
    const Dependence *&best = chosen[dependence.to];
    if (best == nullptr || preference(dependence.kind) > preference(best->kind))
      best = &dependence;
  }
  NodeId at = 0;
  for (NodeId id = 0; id != nodes.size(); ++id)
    if (nodes[id].done > nodes[at].done)
      at = id;
  std::int64_t end = nodes[at].done;
  DependenceKind over = DependenceKind::Forward;
  while (true) {
    const Dependence *next = chosen[at];
    const std::int64_t begin = next == nullptr ? 0 : std::min(end, nodes[at].start);
    if (end > begin)
      path.push_back({at, begin, end, over});
    if (next == nullptr)
      return path;
    end = begin;
    over = next->kind;
    at = next->from;
  }
}

Graph buildGraph(const arch::ArchitectureGraph &graph, const program::Program &program,
                 std::int64_t maxInstructions) {
  return GraphBuilder(graph, program).build(maxInstructions);
}

} // namespace acadlc::aidg
