#include "backend/analysis/Roofline.h"

#include "backend/analysis/Bound.h"
#include "backend/analysis/PeakRate.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <map>

namespace acadlc::analysis {

namespace {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::Phase;

constexpr double bitsPerByte = 8;

bool isLevel(const Object &object) {
  return arch::isStorage(object.objectClass) || object.objectClass == ObjectClass::Channel;
}

/// Most bytes a cycle.
double bandwidthOf(const Object &object) {
  const auto slots = static_cast<double>(std::max<std::int64_t>(object.slots(), 1));
  switch (object.objectClass) {
  case ObjectClass::Channel:
    return static_cast<double>(object.channel.width) / bitsPerByte /
           static_cast<double>(object.channel.interval);
  case ObjectClass::SetAssociativeCache:
    return slots * static_cast<double>(object.lineSize) /
           static_cast<double>(std::min(object.hitLatency, object.missLatency));
  default:
    return slots * static_cast<double>(object.portWidth) * static_cast<double>(object.dataWidth) /
           bitsPerByte / static_cast<double>(std::min(object.readLatency, object.writeLatency));
  }
}

bool isAtMost(const Object &object) {
  return object.objectClass == ObjectClass::SetAssociativeCache ||
         object.objectClass == ObjectClass::DRAM ||
         (object.objectClass == ObjectClass::SRAM && object.readLatency != object.writeLatency);
}

/// By object: the level that it belongs to; none if it is none.
std::vector<std::optional<std::size_t>> levelsOf(const arch::ArchitectureGraph &graph) {
  std::map<std::string, std::size_t, std::less<>> places;
  std::vector<std::optional<std::size_t>> levels(graph.objects.size());
  for (ObjectId id = 0; id < graph.objects.size(); ++id)
    if (isLevel(graph.objects[id]))
      levels[id] =
          places.try_emplace(withoutIndices(graph.objects[id].name), places.size()).first->second;
  return levels;
}

/// Collects what a stream moves; a number that leaves the range spoils the whole.
class TrafficCounter {
public:
  TrafficCounter(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), levels_(levelsOf(graph)),
        macCycles_(graph.objects.size()) {
    std::size_t count = 0;
    for (const auto &level : levels_)
      count = std::max(count, level ? *level + 1 : 0);
    traffic_.levels.resize(count);
  }

  std::optional<StreamTraffic> count() {
    const std::vector<program::Program::Count> executions = program_.executions();
    for (std::size_t id = 0; id < executions.size(); ++id) {
      if (!executions[id])
        return std::nullopt;
      if (*executions[id] != 0)
        add(program_.instructions[id], *executions[id]);
    }
    if (overflowed_)
      return std::nullopt;
    if (!macCycles_.empty())
      traffic_.macCycles = *std::ranges::max_element(macCycles_);
    return std::move(traffic_);
  }

private:
  void add(const Instruction &instruction, std::int64_t instances) {
    const ObjectId unit = program_.routes[instruction.route].unit;
    if (instruction.macs > 0)
      addProduct(macCycles_[unit], instances,
                 PeakRate::cyclesBetween(graph_, graph_.objects[unit], instruction));
    for (const program::MemoryOperand &operand : instruction.memory) {
      LevelTraffic &level = traffic_.levels[*levels_[operand.storage]];
      addProduct(level.bytes, instances, operand.bytes);
      level.isUnserved |= instruction.requestCount() == 0;
    }
    for (const Phase &phase : instruction.phases) {
      if (phase.kind == Phase::Kind::Occupation && levels_[phase.object])
        traffic_.levels[*levels_[phase.object]].isUnserved = true;
      if (phase.kind == Phase::Kind::Message)
        addMessage(phase, instances);
    }
  }

  void addMessage(const Phase &phase, std::int64_t instances) {
    for (const ObjectId id : phase.channels) {
      const std::int64_t width = graph_.objects[id].channel.width;
      const std::int64_t words = phase.bits / width + (phase.bits % width != 0 ? 1 : 0);
      // Words of 4 bits make half as many bytes; an odd one is rounded up.
      const auto bits = checkedMul(words, width);
      overflowed_ |= !bits;
      const auto bytes = checkedMul(instances, bits.value_or(0));
      overflowed_ |= !bytes;
      addProduct(traffic_.levels[*levels_[id]].bytes, 1,
                 bytes.value_or(0) / 8 + (bytes.value_or(0) % 8 != 0 ? 1 : 0));
    }
  }

  void addProduct(std::int64_t &sum, std::int64_t a, std::int64_t b) {
    const auto product = checkedMul(a, b);
    const auto result = product ? checkedAdd(sum, *product) : std::nullopt;
    overflowed_ |= !result;
    sum = result.value_or(sum);
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::vector<std::optional<std::size_t>> levels_;
  std::vector<std::int64_t> macCycles_; ///< by object
  StreamTraffic traffic_;
  bool overflowed_ = false;
};

/// Cycles of moving each operand once; nothing if there are none or a memory of theirs has no
/// bandwidth.
std::optional<double> memoryCycles(const arch::ArchitectureGraph &graph,
                                   const StreamTraffic &traffic,
                                   std::span<const OperandBytes> operands) {
  const std::vector<MemoryLevel> levels = memoryLevels(graph);
  const auto levelOf = levelsOf(graph);
  std::vector<double> bytes(levels.size());
  for (const OperandBytes &operand : operands)
    bytes[*levelOf[operand.memory]] += static_cast<double>(operand.bytes);
  std::optional<double> longest;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (bytes[i] == 0)
      continue;
    if (traffic.levels[i].isUnserved)
      return std::nullopt;
    longest = std::max(longest.value_or(0), bytes[i] / levels[i].bytesPerCycle);
  }
  return longest;
}

} // namespace

std::vector<MemoryLevel> memoryLevels(const arch::ArchitectureGraph &graph) {
  const auto levelOf = levelsOf(graph);
  std::vector<MemoryLevel> levels;
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    if (!levelOf[id])
      continue;
    const Object &object = graph.objects[id];
    if (*levelOf[id] == levels.size())
      levels.push_back({withoutIndices(object.name), object.objectClass, 0, 0, false, false});
    MemoryLevel &level = levels[*levelOf[id]];
    ++level.objects;
    level.bytesPerCycle += bandwidthOf(object);
    level.isAtMost |= isAtMost(object);
  }
  for (const Object &object : graph.objects)
    if (object.objectClass == ObjectClass::SetAssociativeCache && object.lower != arch::noObject)
      levels[*levelOf[object.lower]].isBelowCache = true;
  return levels;
}

std::optional<StreamTraffic> countTraffic(const arch::ArchitectureGraph &graph,
                                          const program::Program &program) {
  return TrafficCounter(graph, program).count();
}

std::optional<SimpleEstimates> estimateSimply(const arch::ArchitectureGraph &graph,
                                              const StreamTraffic &traffic,
                                              std::span<const OperandBytes> operands,
                                              std::int64_t macs, double peak) {
  const auto memory = memoryCycles(graph, traffic, operands);
  const bool isComputed = macs > 0 && peak > 0;
  // Operations whose macs are not known would count as none.
  if ((!memory && !isComputed) || (macs > 0 && peak <= 0))
    return std::nullopt;
  const double compute = isComputed ? static_cast<double>(macs) / peak : 0;
  SimpleEstimates result;
  result.isComputationAlone = !memory;
  result.roofline = std::max(compute, memory.value_or(0));
  result.refined =
      compute > memory.value_or(0) ? static_cast<double>(traffic.macCycles) : result.roofline;
  return result;
}

} // namespace acadlc::analysis
