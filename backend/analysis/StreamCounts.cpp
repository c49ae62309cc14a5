#include "backend/analysis/StreamCounts.h"

#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace acadlc::analysis {

namespace {

using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::Phase;

/// Sums and products that remember whether one of them left the range.
class Arithmetic {
public:
  void add(std::int64_t &sum, std::int64_t value) { sum = keep(checkedAdd(sum, value)); }
  std::int64_t product(std::int64_t a, std::int64_t b) { return keep(checkedMul(a, b)); }
  [[nodiscard]] bool hasOverflowed() const { return overflowed_; }
  /// 0 for what is out of range.
  std::int64_t keep(std::optional<std::int64_t> result) {
    overflowed_ |= !result;
    return result.value_or(0);
  }

private:
  bool overflowed_ = false;
};

std::int64_t ceilingOf(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

/// The least cycles in which \p storage serves a request, and whether it may take longer.
struct Service {
  std::int64_t cycles = 0;
  bool isLeast = false;
};

Service serviceOf(const arch::Object &storage, const program::MemoryOperand &operand,
                  Arithmetic &arithmetic) {
  const bool isCache = storage.objectClass == ObjectClass::SetAssociativeCache;
  if (isCache)
    return {
        arithmetic.product(std::max<std::int64_t>(ceilingOf(operand.bytes, storage.lineSize), 1),
                           std::min(storage.hitLatency, storage.missLatency)),
        true};
  return {arithmetic.product(timing::transactions(storage, operand.bytes),
                             operand.isWrite ? storage.writeLatency : storage.readLatency),
          storage.objectClass == ObjectClass::DRAM};
}

/// Which operands of instructions that expand are only handed on: what they expand to makes the
/// accesses then. An operation hands on an operand always or never, even where a nest that would
/// take it is empty.
class OperandsHandedOn {
public:
  explicit OperandsHandedOn(const program::Program &program) : program_(program) {
    for (const Instruction &instruction : program.instructions)
      for (const Phase &phase : instruction.phases)
        if (phase.kind == Phase::Kind::Expansion)
          for (const std::uint32_t base : basesIn(phase.body))
            add(instruction, base);
  }

  /// Whether \p instruction hands its memory operand \p index on.
  [[nodiscard]] bool contain(const Instruction &instruction, std::size_t index) const {
    return operands_.contains({instruction.operation, index});
  }

private:
  void add(const Instruction &instruction, std::size_t index) {
    operands_.insert({instruction.operation, index});
    // An `inout` operand is two accesses, and what an expansion emits names the first.
    const auto &memory = instruction.memory;
    if (index + 1 < memory.size() && !memory[index].isWrite && memory[index + 1].isWrite &&
        memory[index].address == memory[index + 1].address &&
        memory[index].tensor == memory[index + 1].tensor)
      operands_.insert({instruction.operation, index + 1});
  }

  /// The operands of the emitting instruction that the stream of \p region names.
  const std::set<std::uint32_t> &basesIn(program::RegionId region) {
    const auto [found, isNew] = bases_.try_emplace(region);
    if (!isNew)
      return found->second;
    std::set<std::uint32_t> bases;
    for (const program::Step &step : program_.regions[region].steps) {
      if (step.kind == program::Step::Kind::Repeat) {
        bases.merge(std::set(basesIn(program_.repeats[step.index].body)));
        continue;
      }
      for (const program::MemoryOperand &operand : program_.instructions[step.index].memory)
        if (operand.base)
          bases.insert(*operand.base);
    }
    return bases_[region] = std::move(bases);
  }

  const program::Program &program_;
  std::map<program::RegionId, std::set<std::uint32_t>> bases_;
  std::set<std::pair<std::string_view, std::size_t>> operands_;
};

std::int64_t wordsOf(const Phase &phase, const arch::ChannelAttributes &channel) {
  return ceilingOf(phase.bits, channel.width);
}

/// Cycles for which \p phases take \p object, one after the other.
std::int64_t cyclesOn(ObjectId object, const std::vector<Phase> &phases) {
  std::int64_t cycles = 0;
  for (const Phase &phase : phases)
    if (phase.kind == Phase::Kind::Occupation && phase.object == object)
      cycles += phase.cycles;
  return cycles;
}

/// How many things of \p object can be under way at once, at the most.
std::int64_t placesOf(const arch::Object &object) {
  return arch::isStorage(object.objectClass) ? std::max<std::int64_t>(object.slots(), 1)
                                             : largestStep(object);
}

/// What \p instruction moves from or to \p operand. One that was handed to it may be far more than
/// what it takes of it, which it can say.
std::int64_t bytesOf(const Instruction &instruction, const program::MemoryOperand &operand) {
  const std::int64_t named = operand.bytes - operand.gaps;
  return operand.base && instruction.bytes ? std::min(named, *instruction.bytes) : named;
}

/// How long the instructions with multiply-accumulates keep one unit at least.
class MacTime {
public:
  MacTime(const arch::ArchitectureGraph &graph, ObjectId unit) : graph_(graph), unit_(unit) {}

  void add(const Instruction &instruction, std::int64_t instances, Arithmetic &arithmetic) {
    operations_.insert(instruction.operation);
    arithmetic.add(inSteps_, arithmetic.product(instances, partInStep(instruction, arithmetic)));
    if (instruction.phases.empty())
      arithmetic.add(
          onObjects_[unit_],
          arithmetic.product(instances, timing::occupation(graph_.objects[unit_], instruction)));
    for (const Phase &phase : instruction.phases) {
      if (phase.kind == Phase::Kind::Occupation)
        arithmetic.add(onObjects_[phase.object], arithmetic.product(instances, phase.cycles));
      if (phase.kind != Phase::Kind::Message)
        continue;
      for (const ObjectId id : phase.channels) {
        const arch::ChannelAttributes &channel = graph_.objects[id].channel;
        arithmetic.add(onObjects_[id],
                       arithmetic.product(instances, arithmetic.product(wordsOf(phase, channel),
                                                                        channel.interval)));
      }
    }
  }

  /// The work of no object, and no row of steps, takes less.
  [[nodiscard]] std::int64_t cycles() const {
    std::int64_t most = graph_.objects[unit_].steps.empty() ? 0 : ceilingOf(inSteps_, mostInStep());
    for (const auto &[id, cycles] : onObjects_)
      most = std::max(most, ceilingOf(cycles, placesOf(graph_.objects[id])));
    return most;
  }

private:
  /// Least time from the start of a step to its end that \p instruction, which it takes, causes.
  [[nodiscard]] std::int64_t partInStep(const Instruction &instruction,
                                        Arithmetic &arithmetic) const {
    if (instruction.phases.empty())
      return timing::occupation(graph_.objects[unit_], instruction);
    const bool hasOwnPart = std::ranges::any_of(instruction.phases, [&](const Phase &phase) {
      return phase.kind == Phase::Kind::Expansion ||
             (phase.kind == Phase::Kind::Occupation && phase.object == unit_);
    });
    if (hasOwnPart)
      return cyclesOn(unit_, instruction.phases);
    // Without a part of its own on the unit, the phases that begin with the start have to end.
    std::int64_t longest = 0;
    for (const Phase &phase : instruction.phases)
      if (phase.after.empty() && !phase.afterStep)
        longest = std::max(longest, duration(phase, arithmetic));
    return longest;
  }

  [[nodiscard]] std::int64_t duration(const Phase &phase, Arithmetic &arithmetic) const {
    if (phase.kind != Phase::Kind::Message)
      return phase.cycles;
    if (phase.channels.empty() || phase.bits == 0)
      return 0;
    const arch::Object &first = graph_.objects[phase.channels.front()];
    std::int64_t cycles =
        arithmetic.product(wordsOf(phase, first.channel) - 1, first.channel.interval);
    arithmetic.add(cycles, first.latency);
    return cycles;
  }

  [[nodiscard]] std::int64_t mostInStep() const {
    std::int64_t most = 1;
    for (const arch::UnitStep &step : graph_.objects[unit_].steps)
      most = std::max<std::int64_t>(
          most, std::ranges::count_if(step.taken, [&](const std::string &operation) {
            return operations_.contains(operation);
          }));
    return most;
  }

  const arch::ArchitectureGraph &graph_;
  ObjectId unit_;
  std::int64_t inSteps_ = 0; ///< one behind the other
  std::map<ObjectId, std::int64_t> onObjects_;
  std::set<std::string, std::less<>> operations_;
};

class Counter {
public:
  Counter(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), handedOn_(program) {}

  std::optional<std::vector<ObjectCounts>> count() {
    objects_.resize(graph_.objects.size());
    const std::vector<program::Program::Count> executions = program_.executions();
    for (std::size_t id = 0; id < executions.size(); ++id) {
      if (!executions[id])
        return std::nullopt;
      if (*executions[id] != 0)
        addInstruction(program_.instructions[id], *executions[id]);
    }
    addFetches();
    for (const auto &[unit, time] : macTimes_)
      objects_[unit].macCycles = time.cycles();
    if (arithmetic_.hasOverflowed())
      return std::nullopt;
    return std::move(objects_);
  }

private:
  void addUses(ObjectId id, std::int64_t uses, std::int64_t cyclesEach, bool isLeast = false) {
    ObjectCounts &counts = objects_[id];
    arithmetic_.add(counts.uses, uses);
    addWork(id, uses, cyclesEach, isLeast);
  }

  void addWork(ObjectId id, std::int64_t uses, std::int64_t cyclesEach, bool isLeast = false) {
    ObjectCounts &counts = objects_[id];
    arithmetic_.add(counts.work, arithmetic_.product(uses, cyclesEach));
    counts.isWorkLeast |= isLeast;
  }

  void addInstruction(const Instruction &instruction, std::int64_t instances) {
    const program::Route &route = program_.routes[instruction.route];
    const bool hasSteps = !graph_.objects[route.unit].steps.empty();
    for (const ObjectId id : route.stages) {
      const arch::Object &stage = graph_.objects[id];
      const bool isWindow = stage.objectClass == ObjectClass::ExecuteStage && hasSteps;
      addUses(id, instances, arch::isStage(stage.objectClass) && !isWindow ? stage.latency : 0);
    }
    addUnit(instruction, instances);
    for (std::size_t i = 0; i < instruction.memory.size(); ++i) {
      const program::MemoryOperand &operand = instruction.memory[i];
      if (!handedOn_.contain(instruction, i))
        addAccess(operand.storage, operand.isWrite, bytesOf(instruction, operand), instances);
    }
    addServices(instruction, instances);
    addRegisters(instruction.reads, false, instances);
    addRegisters(instruction.writes, true, instances);
    for (const Phase &phase : instruction.phases)
      addPhase(phase, route.unit, instances);
  }

  void addUnit(const Instruction &instruction, std::int64_t instances) {
    const ObjectId id = program_.routes[instruction.route].unit;
    ObjectCounts &counts = objects_[id];
    arithmetic_.add(counts.operations, arithmetic_.product(instruction.macs, instances));
    arithmetic_.add(counts.operations, arithmetic_.product(instruction.ops, instances));
    if (instruction.macs > 0)
      macTimes_.try_emplace(id, graph_, id).first->second.add(instruction, instances, arithmetic_);
    arithmetic_.add(
        counts.operands,
        arithmetic_.product(static_cast<std::int64_t>(instruction.memory.size()), instances));
    // With phases, it works while one of them takes it.
    if (!instruction.phases.empty()) {
      addUses(id, instances, 0);
      return;
    }
    addUses(id, instances, timing::occupation(graph_.objects[id], instruction));
    if (!instruction.makesRequests)
      return;
    for (const program::MemoryOperand &operand : instruction.memory) {
      const Service service = serviceOf(graph_.objects[operand.storage], operand, arithmetic_);
      addWork(operand.storage, instances, service.cycles, service.isLeast);
      addWork(id, instances, service.cycles, service.isLeast);
    }
  }

  /// How long the storages need for what \p instruction moves.
  void addServices(const Instruction &instruction, std::int64_t instances) {
    std::map<ObjectId, std::int64_t> bytesOfStorage;
    for (std::size_t i = 0; i < instruction.memory.size(); ++i)
      if (!handedOn_.contain(instruction, i))
        arithmetic_.add(bytesOfStorage[instruction.memory[i].storage],
                        bytesOf(instruction, instruction.memory[i]));
    for (const auto &[id, bytes] : bytesOfStorage) {
      ObjectCounts &counts = objects_[id];
      const std::int64_t stated = cyclesOn(id, instruction.phases);
      if (instruction.requestCount() != 0)
        arithmetic_.add(counts.bytesRequested, arithmetic_.product(bytes, instances));
      else if (stated == 0)
        arithmetic_.add(counts.bytesUnserved, arithmetic_.product(bytes, instances));
      else
        counts.statedBytesPerCycle = std::max(
            counts.statedBytesPerCycle, static_cast<double>(bytes) / static_cast<double>(stated) *
                                            static_cast<double>(placesOf(graph_.objects[id])));
    }
  }

  void addAccess(ObjectId id, bool isWrite, std::int64_t bytes, std::int64_t instances) {
    ObjectCounts &counts = objects_[id];
    arithmetic_.add(counts.uses, instances);
    arithmetic_.add(isWrite ? counts.writes : counts.reads, instances);
    arithmetic_.add(isWrite ? counts.bytesWritten : counts.bytesRead,
                    arithmetic_.product(bytes, instances));
  }

  void addRegisters(const std::vector<arch::RegisterId> &registers, bool isWrite,
                    std::int64_t instances) {
    for (const arch::RegisterId id : registers) {
      const ObjectId file = graph_.fileOfRegister(id);
      addAccess(file, isWrite, ceilingOf(graph_.objects[file].dataWidth, 8), instances);
    }
  }

  void addPhase(const Phase &phase, ObjectId unit, std::int64_t instances) {
    for (const program::Holding &holding : phase.holding)
      if (graph_.objects[holding.object].objectClass == ObjectClass::Queue)
        addUses(holding.object, instances, 0);
    if (phase.kind == Phase::Kind::Occupation)
      addWork(phase.object, instances, phase.cycles);
    if (phase.kind == Phase::Kind::Expansion) {
      const auto emitted = program_.totals(phase.body);
      arithmetic_.add(objects_[unit].emitted,
                      arithmetic_.product(
                          instances, arithmetic_.keep(emitted ? std::optional(emitted->instructions)
                                                              : std::nullopt)));
    }
    if (phase.kind != Phase::Kind::Message)
      return;
    for (const ObjectId id : phase.channels) {
      const arch::ChannelAttributes &channel = graph_.objects[id].channel;
      const std::int64_t words = wordsOf(phase, channel);
      addUses(id, instances, arithmetic_.product(words, channel.interval));
      arithmetic_.add(objects_[id].words, arithmetic_.product(words, instances));
    }
  }

  void addFetches() {
    const auto fetch = timing::fetchPath(graph_);
    const auto totals = program_.totals();
    if (!fetch || !totals)
      return;
    const std::int64_t blocks = ceilingOf(totals->instructions, fetch->width);
    addUses(fetch->stage, blocks, fetch->unitLatency + fetch->serviceTime + fetch->stageLatency,
            true);
    addUses(fetch->unit, blocks, fetch->unitLatency + fetch->serviceTime, true);
    addUses(fetch->storage, blocks, fetch->serviceTime, true);
    arithmetic_.add(objects_[fetch->storage].reads, blocks);
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  OperandsHandedOn handedOn_;
  Arithmetic arithmetic_;
  std::vector<ObjectCounts> objects_;
  std::map<ObjectId, MacTime> macTimes_; ///< by unit
};

} // namespace

std::int64_t largestStep(const arch::Object &unit) {
  std::size_t largest = 1;
  for (const arch::UnitStep &step : unit.steps)
    largest = std::max(largest, step.taken.size());
  return static_cast<std::int64_t>(largest);
}

std::optional<std::vector<ObjectCounts>> countStream(const arch::ArchitectureGraph &graph,
                                                     const program::Program &program) {
  return Counter(graph, program).count();
}

} // namespace acadlc::analysis
