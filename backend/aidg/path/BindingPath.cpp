#include "backend/aidg/path/BindingPath.h"

#include <algorithm>

namespace acadlc::aidg {

BindingPath::BindingPath(const arch::ArchitectureGraph &graph, const program::Program &program,
                         Blame blame)
    : graph_(graph), program_(program), blame_(blame), fetch_(*timing::fetchPath(graph)),
      issues_(fetch_.bufferSize - fetch_.width + 1), occupants_(graph.objects.size()),
      registers_(graph.registerCount) {}

void BindingPath::add(const program::Instance &instance, const timing::InstructionTimes &times) {
  const program::Route &route = program_.routes[instance.instruction->route];
  ++instructions_;
  fetchBlock(times.fetched, instance.index);
  NodeId previous = block_.node;
  NodeId issue = noNode; ///< what let it leave the issue buffer
  std::int64_t ready = times.fetched;
  for (std::size_t s = 0; s != route.stages.size(); ++s) {
    const arch::ObjectId object = route.stages[s];
    const std::int64_t enter = s == 0 ? times.issued : std::max(ready, occupants_[object].time);
    Link stage;
    stage.instruction = instance.id;
    stage.kind = Node::Kind::Stage;
    stage.object = object;
    stage.start = enter;
    chooseEntry(stage, enter, previous, ready);
    if (s == 0)
      issue = stage.from;
    else if (blame_ == Blame::Cause)
      occupy(route.stages[s - 1], stage.from, enter);
    ready = enter + graph_.objects[object].latency;
    previous = append(stage, ready);
    if (blame_ == Blame::Occupant)
      occupy(object, previous,
             s + 1 == route.stages.size() ? times.entered
                                          : std::max(ready, occupants_[route.stages[s + 1]].time));
  }
  const NodeId entry = addUnit(instance, times, previous, ready);
  if (blame_ == Blame::Occupant) {
    issues_.record(times.issued, previous);
    return;
  }
  if (!route.stages.empty())
    occupy(route.stages.back(), entry, times.entered);
  issues_.record(times.issued, route.stages.empty() ? entry : issue);
}

/// Returns what let the instruction enter its unit.
NodeId BindingPath::addUnit(const program::Instance &instance,
                            const timing::InstructionTimes &times, NodeId previous,
                            std::int64_t ready) {
  const program::Instruction &instruction = *instance.instruction;
  const arch::ObjectId object = program_.routes[instruction.route].unit;
  const bool makesRequests = instruction.requestCount() != 0;
  Link unit;
  unit.instruction = instance.id;
  unit.kind = Node::Kind::Unit;
  unit.object = object;
  unit.start = times.started;
  Link entry = unit;
  chooseEntry(entry, times.entered, previous, ready);
  // Data binds the start, the others the entry. A busy object is a limit whatever its instructions
  // wait for, so it comes before data.
  if (times.started == times.entered)
    unit = entry;
  if (unit.from == noNode || unit.over == DependenceKind::Forward)
    if (const NodeId data = dataAt(instance, times.started); data != noNode) {
      unit.from = data;
      unit.over = DependenceKind::Data;
    }
  std::int64_t done = times.started + instruction.latency;
  NodeId last = append(unit, done);
  occupy(object, last,
         makesRequests ? times.finished
                       : times.started + timing::occupation(graph_.objects[object], instruction));
  if (makesRequests) {
    const Link requests{done,
                        last,
                        instruction.memory.front().storage,
                        Node::Kind::Memory,
                        DependenceKind::Forward,
                        instance.id};
    done = times.finished;
    last = append(requests, done);
  }
  recordUses(instance, last, done);
  if (object == fetch_.unit)
    branch_ = {makesRequests ? times.finished : occupants_[object].time, last};
  return entry.from;
}

/// Makes the block that arrives at \p arrival and brings instruction \p index the present one.
void BindingPath::fetchBlock(std::int64_t arrival, std::int64_t index) {
  if (block_.node != noNode && block_.time == arrival && index - blockIndex_ < fetch_.width)
    return;
  const std::int64_t least = fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency;
  const auto room = issues_.room();
  const std::int64_t roomTime = room ? room->time : 0;
  const std::int64_t before = block_.time;
  Link fetched;
  fetched.kind = Node::Kind::Fetch;
  fetched.object = fetch_.stage;
  fetched.start = std::max(before, std::min(roomTime, arrival - least));
  if (branch_.node != noNode)
    fetched.start = std::max(fetched.start, branch_.time);
  if (block_.node != noNode && before >= fetched.start) {
    fetched.from = block_.node;
    fetched.over = DependenceKind::Structural;
  } else if (room && room->node != noNode && roomTime >= fetched.start) {
    fetched.from = room->node;
    fetched.over = DependenceKind::BufferFill;
  } else if (branch_.node != noNode) {
    fetched.from = branch_.node;
    fetched.over = DependenceKind::BufferFill;
  }
  branch_ = {};
  block_ = {arrival, append(fetched, arrival)};
  blockIndex_ = index;
}

/// Adds a node whose latency has passed at \p done.
NodeId BindingPath::append(const Link &link, std::int64_t done) {
  const auto id = static_cast<NodeId>(links_.size());
  links_.push_back(link);
  if (id == 0 || done > lastDone_) {
    last_ = id;
    lastDone_ = done;
  }
  return id;
}

/// What kept \p link from being entered before \p enter: the previous occupant, else the previous
/// object of the same instruction, which had been done at \p ready.
void BindingPath::chooseEntry(Link &link, std::int64_t enter, NodeId previous,
                              std::int64_t ready) const {
  const Use &occupant = occupants_[link.object];
  if (occupant.node != noNode && occupant.time == enter) {
    link.from = occupant.node;
    link.over = DependenceKind::Structural;
  } else if (ready == enter) {
    link.from = previous;
    link.over = DependenceKind::Forward;
  }
}

void BindingPath::occupy(arch::ObjectId object, NodeId node, std::int64_t leave) {
  occupants_[object] = {leave, node};
}

//===--- Data ---------------------------------------------------------------------------------===//

/// The first node that the unit's instruction depends on and that is done when it starts.
NodeId BindingPath::dataAt(const program::Instance &instance, std::int64_t start) {
  const NodeId found = registerAt(*instance.instruction, start);
  return found != noNode ? found : addressAt(instance, start);
}

NodeId BindingPath::registerAt(const program::Instruction &instruction, std::int64_t start) const {
  const auto binds = [start](const Use &use) { return use.node != noNode && use.time == start; };
  for (const arch::RegisterId reg : instruction.reads)
    if (binds(registers_[reg].writer))
      return registers_[reg].writer.node;
  for (const arch::RegisterId reg : instruction.writes) {
    if (binds(registers_[reg].writer))
      return registers_[reg].writer.node;
    if (binds(registers_[reg].reader))
      return registers_[reg].reader.node;
  }
  return noNode;
}

NodeId BindingPath::addressAt(const program::Instance &instance, std::int64_t start) const {
  // What is over when the instruction arrives delays nothing.
  if (!hasAddresses_ || usesByFinish_.empty() || start <= block_.time)
    return noNode;
  const auto found = usesByFinish_.find(start);
  if (found == usesByFinish_.end())
    return noNode;
  for (const program::MemoryOperand &operand : instance.instruction->memory) {
    if (!operand.mayConflict)
      continue;
    const std::int64_t low = program_.evaluate(operand.address, instance.loopValues);
    for (std::uint32_t at = found->second.first; at != noUse; at = uses_[at].next)
      if (const AddressUse &use = uses_[at]; use.memory == operand.memory &&
                                             use.low < low + operand.bytes && low < use.high &&
                                             (use.isWrite || operand.isWrite))
        return use.node;
  }
  return noNode;
}

void BindingPath::recordUses(const program::Instance &instance, NodeId last,
                             std::int64_t finished) {
  for (const arch::RegisterId reg : instance.instruction->reads)
    if (Use &reader = registers_[reg].reader; reader.node == noNode || finished > reader.time)
      reader = {finished, last};
  for (const arch::RegisterId reg : instance.instruction->writes)
    registers_[reg] = {{finished, last}, {}};
  recordAddresses(instance, last, finished);
}

void BindingPath::recordAddresses(const program::Instance &instance, NodeId last,
                                  std::int64_t finished) {
  if (!hasAddresses_)
    return;
  for (const program::MemoryOperand &operand : instance.instruction->memory) {
    if (!operand.mayConflict)
      continue;
    const std::int64_t low = program_.evaluate(operand.address, instance.loopValues);
    const auto added = static_cast<std::uint32_t>(uses_.size());
    uses_.push_back({operand.memory, low, low + operand.bytes, last, noUse, operand.isWrite});
    UseList &list = usesByFinish_[finished];
    if (list.first == noUse)
      list.first = added;
    else
      uses_[list.last].next = added;
    list.last = added;
  }
}

//===--- The path -----------------------------------------------------------------------------===//

std::vector<PathStep> BindingPath::find() const {
  std::vector<PathStep> path;
  if (links_.empty())
    return path;
  NodeId at = last_;
  std::int64_t end = lastDone_;
  DependenceKind over = DependenceKind::Forward;
  while (true) {
    const Link &link = links_[at];
    const std::int64_t begin = link.from == noNode ? 0 : std::min(end, link.start);
    if (end > begin)
      path.push_back({link.kind, link.object, over, begin, end});
    if (link.from == noNode)
      return path;
    end = begin;
    over = link.over;
    at = link.from;
  }
}

} // namespace acadlc::aidg
