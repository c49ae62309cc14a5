#include "frontend/acadl/elaboration/ElaborateEdges.h"

#include "frontend/acadl/syntax/Builtins.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <array>
#include <deque>
#include <limits>

namespace acadlc {

using arch::EdgeKind;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

/// An edge between objects whose kind the classes alone don't tell.
struct UnclearEdge {
  ObjectId source = arch::noObject, target = arch::noObject;
  SourceRange range;
  std::optional<EdgeKind> kind;
};

class EdgeJoiner {
public:
  EdgeJoiner(const std::vector<WrittenEdge> &edges, const std::vector<PortNode> &ports,
             arch::ArchitectureGraph &graph, GroupedReports &reports, std::size_t limit)
      : written_(edges), ports_(ports), graph_(graph), reports_(reports), limit_(limit) {}

  bool run();

private:
  void indexPorts();
  void follow(ObjectId source, const WrittenEdge &first);
  void join(ObjectId source, ObjectId target, const WrittenEdge &first, const PortNode *port);
  void addData(ObjectId source, ObjectId target, SourceRange range, const PortNode *port);
  void add(EdgeKind kind, ObjectId source, ObjectId target, SourceRange range);
  void reportNotAllowed(llvm::StringRef kind, ObjectId source, ObjectId target, SourceRange range);

  void settleUnclear();
  void settleCaches();
  void settleChannels();
  using Distances = std::vector<std::uint32_t>;
  [[nodiscard]] Distances distancesOfCaches(bool (*isStart)(ObjectClass)) const;
  [[nodiscard]] ObjectClass classOf(ObjectId id) const { return graph_.objects[id].objectClass; }
  [[nodiscard]] const std::string &nameOf(ObjectId id) const { return graph_.objects[id].name; }
  [[nodiscard]] bool isCache(ObjectId id) const {
    return classOf(id) == ObjectClass::SetAssociativeCache;
  }

  const std::vector<WrittenEdge> &written_;
  const std::vector<PortNode> &ports_;
  arch::ArchitectureGraph &graph_;
  GroupedReports &reports_;
  std::size_t limit_;
  std::vector<std::vector<std::uint32_t>> outOfPort_; ///< written edges that leave a port
  std::vector<UnclearEdge> unclear_;
  llvm::DenseSet<std::pair<std::uint64_t, std::uint32_t>> known_;
  bool isFull_ = false;
};

bool EdgeJoiner::run() {
  indexPorts();
  for (const WrittenEdge &edge : written_) {
    if (isFull_)
      return false;
    if (edge.source.isPort)
      continue; // reached from the objects in front of it
    if (edge.target.isPort)
      follow(edge.source.index, edge);
    else
      join(edge.source.index, edge.target.index, edge, nullptr);
  }
  settleUnclear();
  return !isFull_;
}

void EdgeJoiner::indexPorts() {
  outOfPort_.resize(ports_.size());
  for (std::uint32_t i = 0; i < written_.size(); ++i)
    if (written_[i].source.isPort)
      outOfPort_[written_[i].source.index].push_back(i);
}

/// Joins \p source with every object that can be reached through the port that \p first leads to.
void EdgeJoiner::follow(ObjectId source, const WrittenEdge &first) {
  llvm::SmallVector<std::uint32_t, 8> waiting{first.target.index};
  llvm::DenseSet<std::uint32_t> seen{first.target.index};
  while (!waiting.empty() && !isFull_) {
    const std::uint32_t port = waiting.pop_back_val();
    for (const std::uint32_t index : outOfPort_[port]) {
      const EdgeNode &target = written_[index].target;
      if (!target.isPort)
        join(source, target.index, first, &ports_[port]);
      else if (seen.insert(target.index).second)
        waiting.push_back(target.index);
    }
  }
}

void EdgeJoiner::join(ObjectId source, ObjectId target, const WrittenEdge &first,
                      const PortNode *port) {
  if (first.arrow == ast::ArrowKind::Data) {
    addData(source, target, first.range, port);
    return;
  }
  if (builtins::isAllowedEdge(EdgeKind::Forward, classOf(source), classOf(target)))
    add(EdgeKind::Forward, source, target, first.range);
  else
    reportNotAllowed("FORWARD", source, target, first.range);
}

void EdgeJoiner::reportNotAllowed(llvm::StringRef kind, ObjectId source, ObjectId target,
                                  SourceRange range) {
  const auto describe = [&](ObjectId id) {
    return fmt::format("{} '{}'", arch::className(classOf(id)), nameOf(id));
  };
  reports_.addWithNotes(DiagnosticCode::ForbiddenEdge, range,
                        {{graph_.objects[source].range, "the source is declared here"},
                         {graph_.objects[target].range, "the target is declared here"}},
                        kind.str(), describe(source), describe(target));
}

void EdgeJoiner::addData(ObjectId source, ObjectId target, SourceRange range,
                         const PortNode *port) {
  const auto kinds = builtins::dataEdgeKinds(classOf(source), classOf(target));
  if (kinds.empty()) {
    reportNotAllowed("READ_DATA or WRITE_DATA", source, target, range);
    return;
  }
  if (port) {
    const EdgeKind wanted = port->kind == PortKind::Read ? EdgeKind::ReadData : EdgeKind::WriteData;
    if (llvm::is_contained(kinds, wanted)) {
      add(wanted, source, target, range);
      return;
    }
    reportNotAllowed(std::string(arch::edgeName(wanted)), source, target, range);
    return;
  }
  if (kinds.size() == 1)
    add(kinds.front(), source, target, range);
  else
    unclear_.push_back({source, target, range, std::nullopt});
}

void EdgeJoiner::add(EdgeKind kind, ObjectId source, ObjectId target, SourceRange range) {
  const auto key =
      std::pair(std::uint64_t{source} << 32 | target, static_cast<std::uint32_t>(kind));
  if (!known_.insert(key).second) {
    reports_.add(DiagnosticCode::DuplicateEdge, range, std::string(arch::edgeName(kind)),
                 nameOf(source), nameOf(target));
    return;
  }
  if (graph_.edges.size() >= limit_) {
    isFull_ = true;
    reports_.add(DiagnosticCode::TooManyEdges, range, limit_);
    return;
  }
  graph_.edges.push_back({source, target, kind, range});
}

//===--- Kinds that only the graph decides ----------------------------------------------------===//

void EdgeJoiner::settleUnclear() {
  if (unclear_.empty())
    return;
  settleCaches();
  settleChannels();
  for (const UnclearEdge &edge : unclear_)
    if (edge.kind)
      add(*edge.kind, edge.source, edge.target, edge.range);
}

/// How many edges each cache is away from the nearest object of which \p isStart holds.
EdgeJoiner::Distances EdgeJoiner::distancesOfCaches(bool (*isStart)(ObjectClass)) const {
  Distances distances(graph_.objects.size(), std::numeric_limits<std::uint32_t>::max());
  std::vector<std::vector<ObjectId>> neighbours(graph_.objects.size());
  std::deque<ObjectId> waiting;
  for (const arch::Edge &edge : graph_.edges)
    for (const auto &[cache, other] :
         {std::pair(edge.source, edge.target), {edge.target, edge.source}})
      if (isCache(cache) && isStart(classOf(other)) && distances[cache] != 1) {
        distances[cache] = 1;
        waiting.push_back(cache);
      }
  for (const UnclearEdge &edge : unclear_) {
    neighbours[edge.source].push_back(edge.target);
    neighbours[edge.target].push_back(edge.source);
  }
  while (!waiting.empty()) {
    const ObjectId cache = waiting.front();
    waiting.pop_front();
    for (const ObjectId next : neighbours[cache])
      if (distances[next] == std::numeric_limits<std::uint32_t>::max()) {
        distances[next] = distances[cache] + 1;
        waiting.push_back(next);
      }
  }
  return distances;
}

/// Of two caches the lower one is nearer to a memory, or else farther from the units.
void EdgeJoiner::settleCaches() {
  const Distances fromMemory = distancesOfCaches(arch::isMemoryInterface);
  const Distances fromUnit = distancesOfCaches(arch::isUnit);
  for (UnclearEdge &edge : unclear_) {
    if (!isCache(edge.source) || !isCache(edge.target))
      continue;
    const ObjectId a = edge.source;
    const ObjectId b = edge.target;
    if (fromMemory[a] == fromMemory[b] && fromUnit[a] == fromUnit[b]) {
      reports_.add(DiagnosticCode::UnclearCacheOrder, edge.range, nameOf(a), nameOf(b));
      continue;
    }
    const bool sourceIsLower =
        fromMemory[a] != fromMemory[b] ? fromMemory[a] < fromMemory[b] : fromUnit[a] > fromUnit[b];
    edge.kind = sourceIsLower ? EdgeKind::ReadData : EdgeKind::WriteData;
  }
}

/// Data that a channel got by reading goes on being read; what nothing decides counts as read.
void EdgeJoiner::settleChannels() {
  std::vector<std::vector<std::uint32_t>> leaving(graph_.objects.size());
  std::vector<std::optional<EdgeKind>> kindAt(graph_.objects.size());
  std::deque<ObjectId> waiting;
  const auto arrive = [&](ObjectId channel, EdgeKind kind) {
    if (classOf(channel) != ObjectClass::Channel || kindAt[channel])
      return;
    kindAt[channel] = kind;
    waiting.push_back(channel);
  };
  for (const arch::Edge &edge : graph_.edges)
    if (edge.kind == EdgeKind::ReadData || edge.kind == EdgeKind::WriteData)
      arrive(edge.target, edge.kind);
  for (std::uint32_t i = 0; i < unclear_.size(); ++i) {
    if (isCache(unclear_[i].source) && isCache(unclear_[i].target))
      continue;
    if (classOf(unclear_[i].source) == ObjectClass::Channel) {
      leaving[unclear_[i].source].push_back(i);
      continue;
    }
    unclear_[i].kind = EdgeKind::ReadData; // a cache's answer
    arrive(unclear_[i].target, EdgeKind::ReadData);
  }
  while (!waiting.empty()) {
    const ObjectId channel = waiting.front();
    waiting.pop_front();
    for (const std::uint32_t i : leaving[channel]) {
      unclear_[i].kind = kindAt[channel];
      arrive(unclear_[i].target, *kindAt[channel]);
    }
  }
  for (const auto &indices : leaving)
    for (const std::uint32_t i : indices)
      if (!unclear_[i].kind)
        unclear_[i].kind = EdgeKind::ReadData;
}

} // namespace

bool joinEdges(const std::vector<WrittenEdge> &edges, const std::vector<PortNode> &ports,
               arch::ArchitectureGraph &graph, GroupedReports &reports, std::size_t limit) {
  return EdgeJoiner(edges, ports, graph, reports, limit).run();
}

} // namespace acadlc
