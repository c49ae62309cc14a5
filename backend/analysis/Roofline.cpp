#include "backend/analysis/Roofline.h"

#include "backend/analysis/Bound.h"
#include "backend/analysis/StreamCounts.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <map>

namespace acadlc::analysis {

namespace {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

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

/// Where the objects of each level are used as bandwidths need to know.
struct LevelUse {
  double statedBytesPerCycle = 0; ///< of one object
  bool isRequested = false;
};

std::vector<LevelUse> usesOf(std::size_t levels, std::span<const StreamTraffic> streams) {
  std::vector<LevelUse> uses(levels);
  for (const StreamTraffic &stream : streams)
    for (std::size_t i = 0; i < stream.levels.size(); ++i) {
      uses[i].isRequested |= stream.levels[i].isRequested;
      uses[i].statedBytesPerCycle =
          std::max(uses[i].statedBytesPerCycle, stream.levels[i].statedBytesPerCycle);
    }
  return uses;
}

/// Most bytes a cycle of \p object, whose level is used like \p use.
double bandwidthOf(const Object &object, const LevelUse &use) {
  if (use.statedBytesPerCycle == 0)
    return bandwidthOf(object);
  return use.isRequested ? std::max(use.statedBytesPerCycle, bandwidthOf(object))
                         : use.statedBytesPerCycle;
}

std::size_t levelCount(const std::vector<std::optional<std::size_t>> &levelOf) {
  std::size_t count = 0;
  for (const auto &level : levelOf)
    count = std::max(count, level ? *level + 1 : 0);
  return count;
}

/// What \p object moves by \p counts; nothing if that leaves the range.
std::optional<std::int64_t> bytesOf(const Object &object, const ObjectCounts &counts) {
  if (object.objectClass != ObjectClass::Channel)
    return checkedAdd(counts.bytesRead, counts.bytesWritten);
  // Words of 4 bits make half as many bytes; an odd one is rounded up.
  const auto bits = checkedMul(counts.words, object.channel.width);
  return bits ? checkedCeilDiv(*bits, 8) : std::nullopt;
}

double cyclesAt(const MemoryLevel &level, const LevelTraffic &traffic) {
  return static_cast<double>(traffic.bytes) / level.bytesPerCycle;
}

} // namespace

std::vector<MemoryLevel> memoryLevels(const arch::ArchitectureGraph &graph,
                                      std::span<const StreamTraffic> streams) {
  const auto levelOf = levelsOf(graph);
  const std::vector<LevelUse> uses = usesOf(levelCount(levelOf), streams);
  std::vector<MemoryLevel> levels;
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    if (!levelOf[id])
      continue;
    const Object &object = graph.objects[id];
    if (*levelOf[id] == levels.size())
      levels.push_back({withoutIndices(object.name), object.objectClass, 0, 0, false, false});
    MemoryLevel &level = levels[*levelOf[id]];
    const LevelUse &use = uses[*levelOf[id]];
    ++level.objects;
    level.bytesPerCycle += bandwidthOf(object, use);
    level.isAtMost |= isAtMost(object) || use.statedBytesPerCycle != 0;
  }
  for (const Object &object : graph.objects)
    if (object.objectClass == ObjectClass::SetAssociativeCache && object.lower != arch::noObject)
      levels[*levelOf[object.lower]].isBelowCache = true;
  return levels;
}

std::optional<StreamTraffic> countTraffic(const arch::ArchitectureGraph &graph,
                                          const program::Program &program) {
  const auto counts = countStream(graph, program);
  if (!counts)
    return std::nullopt;
  const auto levelOf = levelsOf(graph);
  StreamTraffic traffic;
  traffic.levels.resize(levelCount(levelOf));
  for (ObjectId id = 0; id < graph.objects.size(); ++id) {
    const ObjectCounts &own = (*counts)[id];
    traffic.macCycles = std::max(traffic.macCycles, own.macCycles);
    if (!levelOf[id])
      continue;
    LevelTraffic &level = traffic.levels[*levelOf[id]];
    const auto bytes = bytesOf(graph.objects[id], own);
    const auto sum = bytes ? checkedAdd(level.bytes, *bytes) : std::nullopt;
    if (!sum)
      return std::nullopt;
    level.bytes = *sum;
    level.isUnserved |= own.bytesUnserved != 0;
    level.isRequested |= own.bytesRequested != 0;
    level.statedBytesPerCycle = std::max(level.statedBytesPerCycle, own.statedBytesPerCycle);
  }
  return traffic;
}

std::optional<std::size_t> limitingLevel(std::span<const MemoryLevel> levels,
                                         std::span<const LevelTraffic> traffic) {
  std::optional<std::size_t> best;
  const auto isBetter = [&](std::size_t i) {
    if (traffic[i].isUnserved != traffic[*best].isUnserved)
      return !traffic[i].isUnserved;
    return traffic[i].isUnserved
               ? traffic[i].bytes > traffic[*best].bytes
               : cyclesAt(levels[i], traffic[i]) > cyclesAt(levels[*best], traffic[*best]);
  };
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (traffic[i].isUsed() && !levels[i].isBelowCache && (!best || isBetter(i)))
      best = i;
  return best;
}

std::optional<SimpleEstimates> estimateSimply(std::span<const MemoryLevel> levels,
                                              const StreamTraffic &traffic, std::int64_t macs,
                                              double peak) {
  const auto level = limitingLevel(levels, traffic.levels);
  const bool isMoved = level && !traffic.levels[*level].isUnserved;
  const bool isComputed = macs > 0 && peak > 0;
  // Operations whose macs are not known would count as none.
  if ((!isMoved && !isComputed) || (macs > 0 && peak <= 0))
    return std::nullopt;
  const double compute = isComputed ? static_cast<double>(macs) / peak : 0;
  const double memory = isMoved ? cyclesAt(levels[*level], traffic.levels[*level]) : 0;
  SimpleEstimates result;
  result.isComputationAlone = !isMoved;
  result.roofline = std::max(compute, memory);
  result.refined = compute > memory ? std::max(compute, static_cast<double>(traffic.macCycles))
                                    : result.roofline;
  return result;
}

} // namespace acadlc::analysis
