#include "tests/property/RandomCase.h"

#include "tests/property/CaseBuilder.h"
#include "tests/property/Random.h"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

namespace acadlc::test {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Address;
using program::Expression;
using program::Instruction;
using program::MemoryOperand;

namespace {

class Generator {
public:
  Generator(std::uint64_t seed, const Knobs &knobs) : random_(seed, 1), knobs_(knobs) {}

  RandomCase make(std::uint64_t seed) {
    makeStages();
    makeMemories();
    makeUnits();
    makeFetch();
    setSlots();
    setArbitration();
    builder_.registers(registerCount_ = random_.range(1, 6));
    makeRoutes();
    if (random_.chance(knobs_.loops))
      makeLoops();
    else
      makeBlock(random_.range(2, 60));
    RandomCase result;
    result.seed = seed;
    result.graph = builder_.graph();
    result.program = builder_.program();
    packTensors(result.program);
    markConflicts(result.program);
    return result;
  }

private:
  struct Way {
    std::vector<ObjectId> stages;
    ObjectId unit;
  };
  struct Tensor {
    std::array<std::int64_t, 3> strides{}; ///< bytes, by depth
  };
  struct AccessUnit {
    ObjectId unit;
    std::vector<ObjectId> storages;
  };

  // ---- The architecture ----------------------------------------------------------------------

  /// The fetch stage comes first; its storage is chosen when the memories are there.
  void makeStages() {
    const std::int64_t ports = random_.range(1, knobs_.maxPorts);
    const std::int64_t total = random_.range(ports, ports + knobs_.maxStages - 1);
    for (std::int64_t i = 0; i < total; ++i) {
      std::vector<ObjectId> sources;
      if (i < ports || stages_.empty())
        sources.push_back(arch::noObject); // the fetch stage, joined later
      else
        sources.push_back(random_.pick(stages_));
      if (!stages_.empty() && random_.chance(knobs_.mergingStages)) {
        const ObjectId second = random_.pick(stages_);
        if (second != sources[0])
          sources.push_back(second);
      }
      const std::vector<ObjectId> real(sources.begin() + (sources[0] == arch::noObject ? 1 : 0),
                                       sources.end());
      stages_.push_back(builder_.stage(random_.range(1, 3), real));
      if (sources[0] == arch::noObject)
        ports_.push_back(stages_.back());
    }
  }

  void makeMemories() {
    const std::int64_t count = random_.range(1, knobs_.maxMemories);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t latency = random_.range(1, 6);
      ObjectId memory;
      if (random_.chance(knobs_.drams))
        memory = builder_.dram(latency, 1, random_.range(1, 3), 16 * random_.range(1, 3),
                               random_.range(0, 5), random_.range(0, 5), random_.range(0, 12));
      else
        memory = builder_.sram(latency);
      Object &object = builder_.object(memory);
      object.writeLatency = random_.range(1, 6);
      object.portWidth = random_.range(1, 3);
      makeStoragesAbove(memory);
    }
  }

  /// What units may ask to reach a memory: itself, or caches in front of it, or both.
  void makeStoragesAbove(ObjectId memory) {
    if (!random_.chance(knobs_.caches)) {
      storages_.push_back(memory);
      return;
    }
    storages_.push_back(makeCache(memory));
    if (random_.chance(knobs_.sharedLower))
      storages_.push_back(makeCache(memory));
    if (random_.chance(knobs_.sharedLower))
      storages_.push_back(memory);
  }

  ObjectId makeCache(ObjectId lower) {
    const ObjectId cache =
        builder_.cache(random_.range(1, knobs_.maxSets), random_.range(1, 4),
                       8 * random_.range(1, 2), random_.range(1, 2), random_.range(1, 4), lower);
    Object &object = builder_.object(cache);
    object.writeBack = random_.chance(50);
    object.writeAllocate = random_.chance(50);
    object.replacement =
        random_.chance(50) ? arch::ReplacementPolicy::LRU : arch::ReplacementPolicy::FIFO;
    return cache;
  }

  void makeUnits() {
    for (const ObjectId stage : stages_) {
      const std::int64_t count = random_.range(0, 2);
      for (std::int64_t i = 0; i < count; ++i)
        makeUnit(stage);
    }
    if (units_.empty())
      makeUnit(random_.pick(stages_));
  }

  void makeUnit(ObjectId stage) {
    const std::int64_t latency = random_.range(1, 5);
    if (random_.chance(50)) {
      const std::int64_t interval =
          random_.chance(knobs_.initiationInterval) ? random_.range(1, latency) : 0;
      units_.push_back(builder_.functionalUnit(stage, latency, interval));
      return;
    }
    std::vector<ObjectId> storages{random_.pick(storages_)};
    if (const ObjectId second = random_.pick(storages_); second != storages[0])
      storages.push_back(second);
    units_.push_back(builder_.accessUnit(stage, latency, storages));
    accessUnits_.push_back({units_.back(), storages});
  }

  void makeFetch() {
    CaseBuilder::Fetch fetch;
    fetch.width = random_.range(1, knobs_.maxWidth);
    fetch.bufferSize = fetch.width + random_.range(0, knobs_.maxBufferRest);
    fetch.unitLatency = random_.range(1, 2);
    fetch.readLatency = random_.range(1, 3);
    fetch.stageLatency = random_.range(0, 2);
    ObjectId storage = arch::noObject;
    if (random_.chance(knobs_.fetchFromData)) {
      const ObjectId data = random_.pick(storages_);
      if (builder_.object(data).objectClass == ObjectClass::SRAM)
        storage = data;
    }
    builder_.fetch(fetch, storage);
    fetchStorage_ = storage;
    for (const ObjectId port : ports_)
      builder_.edge(builder_.fetchStage(), port, arch::EdgeKind::Forward);
  }

  [[nodiscard]] std::int64_t clientUnits(ObjectId storage) const {
    std::int64_t count = storage == fetchStorage_ ? 1 : 0;
    for (const AccessUnit &unit : accessUnits_)
      count += std::count(unit.storages.begin(), unit.storages.end(), storage);
    return count;
  }

  void setSlots() {
    for (const ObjectId id : storages_) {
      Object &storage = builder_.object(id);
      const std::int64_t enough = std::max<std::int64_t>(clientUnits(id), 1);
      storage.maxConcurrentRequests = random_.chance(knobs_.contendedMemory)
                                          ? random_.range(1, std::min<std::int64_t>(enough, 3))
                                          : enough;
      storage.readWritePorts = storage.maxConcurrentRequests + random_.range(0, 1);
    }
    // What lies below caches never lets them wait.
    std::map<ObjectId, std::int64_t> below;
    for (const ObjectId id : storages_)
      if (const Object &storage = builder_.object(id); storage.lower != arch::noObject)
        below[storage.lower] += storage.slots();
    for (const auto &[id, slots] : below) {
      Object &lower = builder_.object(id);
      lower.maxConcurrentRequests = lower.readWritePorts = slots + clientUnits(id);
    }
  }

  void setArbitration() {
    const bool oldestFirst = random_.chance(knobs_.oldestFirst);
    for (const auto *ids : {&stages_, &units_})
      for (const ObjectId id : *ids)
        if (oldestFirst && random_.chance(80))
          builder_.object(id).arbitration = arch::Arbitration::OldestFirst;
    for (const ObjectId id : storages_)
      if (random_.chance(knobs_.orderedMemory))
        builder_.object(id).arbitration = arch::Arbitration::ProgramOrder;
  }

  /// All paths from the fetch stage to units.
  void makeRoutes() {
    const arch::ArchitectureGraph &graph = builder_.graph();
    std::vector<std::vector<ObjectId>> open;
    for (const ObjectId port : ports_)
      open.push_back({port});
    while (!open.empty()) {
      const std::vector<ObjectId> path = open.back();
      open.pop_back();
      for (const ObjectId unit : graph.contains[path.back()])
        ways_.push_back({path, unit});
      for (const ObjectId next : graph.forwardTo[path.back()]) {
        open.push_back(path);
        open.back().push_back(next);
      }
    }
  }

  // ---- The program ---------------------------------------------------------------------------

  void makeBlock(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      makeInstruction();
  }

  /// Blocks and nests of loops in turn.
  void makeLoops() {
    makeBlock(random_.range(0, 6));
    const std::int64_t nests = random_.range(1, 3);
    for (std::int64_t i = 0; i < nests; ++i) {
      makeNest(random_.range(1, 3), knobs_.maxInstructions / nests);
      makeBlock(random_.range(0, 4));
    }
  }

  /// A nest of up to \p levels loops with at most about \p budget instructions in the stream.
  void makeNest(std::int64_t levels, std::int64_t budget) {
    const std::int64_t before = random_.range(0, 3), after = random_.range(0, 3);
    const std::int64_t own = before + after + 6;
    const std::int64_t most = std::max<std::int64_t>(1, budget / own);
    const std::int64_t innerBudget = levels > 1 ? budget / 8 : own;
    const std::int64_t trips = random_.range(
        1, std::min(knobs_.maxTrips, levels > 1 ? std::min<std::int64_t>(most, 8) : most));
    builder_.beginRepeat(trips, random_.range(0, 3), random_.range(1, 3));
    makeBlock(before);
    if (levels > 1)
      makeNest(levels - 1, innerBudget);
    else
      makeBlock(random_.range(1, 6));
    makeBlock(after);
    builder_.endRepeat();
  }

  void makeInstruction() {
    if (random_.chance(knobs_.branches)) {
      Instruction &branch =
          builder_.emit({}, builder_.branchUnit(), someRegisters(1), someRegisters(1));
      branch.latency = random_.range(1, 4);
      return;
    }
    const Way &way = random_.pick(ways_);
    const auto access = std::find_if(accessUnits_.begin(), accessUnits_.end(),
                                     [&](const AccessUnit &unit) { return unit.unit == way.unit; });
    Instruction &instruction =
        builder_.emit(way.stages, way.unit, someRegisters(2), someRegisters(1));
    if (random_.chance(50))
      instruction.latency = random_.range(1, knobs_.maxOwnLatency);
    if (access == accessUnits_.end()) {
      // Functional units work on memory without requests.
      if (!accessUnits_.empty() && random_.chance(knobs_.directOperands)) {
        instruction.makesRequests = false;
        instruction.memory.push_back(makeOperand(accessUnits_.front().storages));
      }
      return;
    }
    const int operands = random_.chance(knobs_.severalOperands) ? 2 : 1;
    for (int i = 0; i < operands; ++i)
      instruction.memory.push_back(makeOperand(access->storages));
  }

  std::vector<arch::RegisterId> someRegisters(std::int64_t most) {
    std::vector<arch::RegisterId> result;
    const std::int64_t count = random_.range(0, most);
    for (std::int64_t i = 0; i < count; ++i)
      result.push_back(static_cast<arch::RegisterId>(random_.range(0, registerCount_ - 1)));
    return result;
  }

  MemoryOperand makeOperand(const std::vector<ObjectId> &storages) {
    if (random_.chance(knobs_.tensors))
      return makeElement(random_.pick(storages));
    // Far apart bases give operands that meet no other, near ones give dependences.
    const std::int64_t base = random_.chance(50) ? 0 : 100000 * random_.range(1, 4);
    MemoryOperand operand = builder_.access(random_.pick(storages), base + random_.range(0, 40),
                                            random_.range(1, 24), random_.chance(knobs_.writes));
    Address &address = operand.address;
    for (std::uint32_t depth = 0; depth < builder_.depth(); ++depth)
      if (random_.chance(60))
        address.terms.push_back({depth, 4 * random_.range(-1, 6)});
    if (builder_.depth() > 0 && random_.chance(knobs_.generalAddresses)) {
      address.hasRest = true;
      address.rest = makeRest();
    }
    return operand;
  }

  /// An access near the place in a tensor that the loops around it have come to.
  MemoryOperand makeElement(ObjectId storage) {
    if (tensors_.empty())
      for (std::int64_t i = random_.range(2, 4); i != 0; --i)
        makeTensor();
    const auto index =
        static_cast<std::size_t>(random_.range(0, static_cast<std::int64_t>(tensors_.size()) - 1));
    const Tensor &tensor = tensors_[index];
    MemoryOperand operand =
        builder_.access(storage, random_.range(0, 12), random_.range(1, 8), random_.chance(40));
    operand.tensor = std::to_string(index);
    for (std::uint32_t depth = 0; depth < builder_.depth() && depth < tensor.strides.size();
         ++depth)
      if (tensor.strides[depth] != 0)
        operand.address.terms.push_back({depth, tensor.strides[depth]});
    return operand;
  }

  void makeTensor() {
    Tensor tensor;
    for (std::int64_t &stride : tensor.strides)
      stride = random_.chance(75) ? 4 * random_.range(-2, 8) : 0;
    tensors_.push_back(tensor);
  }

  /// (loop value mod a) · b
  program::ExpressionId makeRest() {
    const auto node = [this](Expression::Kind kind, std::int64_t value, std::uint32_t left = 0,
                             std::uint32_t right = 0) {
      return builder_.expression({kind, value, left, right});
    };
    const auto loop =
        node(Expression::Kind::LoopValue, random_.range(0, std::int64_t{builder_.depth()} - 1));
    const auto modulus = node(Expression::Kind::Constant, random_.range(2, 5));
    const auto remainder = node(Expression::Kind::FloorModulo, 0, loop, modulus);
    const auto factor = node(Expression::Kind::Constant, 4 * random_.range(1, 8));
    return node(Expression::Kind::Multiply, 0, remainder, factor);
  }

  /// Moves the tensors to where they lie one behind the other, over all memories.
  void packTensors(program::Program &program) {
    std::map<std::string, Hull> hulls;
    program::InstructionStream stream(program);
    for (program::Instance instance; stream.next(instance);)
      for (const MemoryOperand &operand : instance.instruction->memory)
        if (!operand.tensor.empty()) {
          const std::int64_t low = program.evaluate(operand.address, instance.loopValues);
          hulls[operand.tensor].add(low, low + operand.bytes);
        }
    std::int64_t end = random_.range(0, 60);
    std::map<std::string, std::int64_t> moves;
    for (const auto &[tensor, hull] : hulls) {
      moves[tensor] = end - hull.low;
      end += hull.high - hull.low + random_.range(-2, 3); // some overlap a little
    }
    for (Instruction &instruction : program.instructions)
      for (MemoryOperand &operand : instruction.memory)
        if (!operand.tensor.empty())
          operand.address.constant += moves[operand.tensor];
  }

  // ---- Conflicts -----------------------------------------------------------------------------

  struct Hull {
    std::int64_t low = INT64_MAX, high = INT64_MIN;
    void add(std::int64_t from, std::int64_t to) {
      low = std::min(low, from);
      high = std::max(high, to);
    }
    [[nodiscard]] bool meets(const Hull &other) const {
      return low < other.high && other.low < high;
    }
  };

  /// Sets mayConflict from the smallest intervals that hold all accesses of an operand.
  static void markConflicts(program::Program &program) {
    std::vector<std::vector<Hull>> hulls;
    for (const Instruction &instruction : program.instructions)
      hulls.emplace_back(instruction.memory.size());
    program::InstructionStream stream(program);
    for (program::Instance instance; stream.next(instance);)
      for (std::size_t i = 0; i < instance.instruction->memory.size(); ++i) {
        const MemoryOperand &operand = instance.instruction->memory[i];
        const std::int64_t low = program.evaluate(operand.address, instance.loopValues);
        hulls[instance.id][i].add(low, low + operand.bytes);
      }
    for (std::size_t i = 0; i < hulls.size(); ++i)
      for (std::size_t k = 0; k < hulls[i].size(); ++k)
        program.instructions[i].memory[k].mayConflict = conflicts(program, hulls, i, k);
  }

  static bool conflicts(const program::Program &program,
                        const std::vector<std::vector<Hull>> &hulls, std::size_t i, std::size_t k) {
    const MemoryOperand &operand = program.instructions[i].memory[k];
    for (std::size_t j = 0; j < hulls.size(); ++j)
      for (std::size_t l = 0; l < hulls[j].size(); ++l) {
        const MemoryOperand &other = program.instructions[j].memory[l];
        if (operand.memory == other.memory && (operand.isWrite || other.isWrite) &&
            hulls[i][k].meets(hulls[j][l]))
          return true;
      }
    return false;
  }

  Random random_;
  Knobs knobs_;
  CaseBuilder builder_;
  std::vector<ObjectId> stages_, ports_, units_;
  std::vector<ObjectId> storages_; ///< that units ask
  std::vector<AccessUnit> accessUnits_;
  ObjectId fetchStorage_ = arch::noObject;
  std::int64_t registerCount_ = 0;
  std::vector<Way> ways_;
  std::vector<Tensor> tensors_;
};

// ---- Printing ----------------------------------------------------------------------------------

void printObject(std::ostream &out, const Object &object) {
  out << "  " << object.name << ": " << arch::className(object.objectClass);
  if (arch::isStage(object.objectClass) || arch::isUnit(object.objectClass))
    out << " latency=" << object.latency;
  if (object.initiationInterval != 0)
    out << " ii=" << object.initiationInterval;
  if (object.objectClass == ObjectClass::InstructionFetchStage)
    out << " buffer=" << object.issueBufferSize;
  if (arch::isStorage(object.objectClass))
    out << " slots=" << object.slots();
  if (arch::isMemoryInterface(object.objectClass))
    out << " read=" << object.readLatency << " write=" << object.writeLatency
        << " port_width=" << object.portWidth;
  if (object.objectClass == ObjectClass::DRAM)
    out << " banks=" << object.banks << " row=" << object.rowSize << " RCD=" << object.tRCD
        << " RP=" << object.tRP << " RAS=" << object.tRAS;
  if (object.objectClass == ObjectClass::SetAssociativeCache)
    out << " sets=" << object.sets << " ways=" << object.ways << " line=" << object.lineSize
        << " hit=" << object.hitLatency << " miss=" << object.missLatency
        << (object.writeBack ? " write-back" : " write-through")
        << (object.writeAllocate ? " allocate" : " no-allocate")
        << (object.replacement == arch::ReplacementPolicy::LRU ? " LRU" : " FIFO");
  if (object.objectClass != ObjectClass::RegisterFile)
    out << (object.arbitration == arch::Arbitration::OldestFirst ? " oldest_first"
                                                                 : " program_order");
  out << "\n";
}

void printExpression(std::ostream &out, const program::Program &program, program::ExpressionId id) {
  const Expression &node = program.expressions[id];
  if (node.kind == Expression::Kind::Constant) {
    out << node.value;
    return;
  }
  if (node.kind == Expression::Kind::LoopValue) {
    out << "v" << node.value;
    return;
  }
  static constexpr const char *names[] = {"", "", "add", "sub", "mul", "div", "mod", "min", "max"};
  out << names[static_cast<std::size_t>(node.kind)] << "(";
  printExpression(out, program, node.left);
  out << ", ";
  printExpression(out, program, node.right);
  out << ")";
}

void printOperand(std::ostream &out, const RandomCase &c, const MemoryOperand &operand) {
  out << (operand.isWrite ? " store " : " load ") << c.graph.objects[operand.storage].name << "["
      << operand.address.constant;
  for (const Address::Term &term : operand.address.terms)
    out << " + " << term.coefficient << "*v" << term.depth;
  if (operand.address.hasRest) {
    out << " + ";
    printExpression(out, c.program, operand.address.rest);
  }
  out << "; " << operand.bytes << (operand.mayConflict ? "]" : "; no conflict]");
}

void printInstruction(std::ostream &out, const RandomCase &c, const Instruction &instruction) {
  out << instruction.operation << " latency=" << instruction.latency << " via";
  const program::Route &route = c.program.routes[instruction.route];
  for (const ObjectId stage : route.stages)
    out << " " << c.graph.objects[stage].name;
  out << " " << c.graph.objects[route.unit].name;
  for (const arch::RegisterId id : instruction.reads)
    out << " read r" << id;
  for (const arch::RegisterId id : instruction.writes)
    out << " write r" << id;
  for (const MemoryOperand &operand : instruction.memory)
    printOperand(out, c, operand);
  out << "\n";
}

void printRegion(std::ostream &out, const RandomCase &c, program::RegionId id, int indent) {
  for (const program::Step &step : c.program.regions[id].steps) {
    out << std::string(static_cast<std::size_t>(indent), ' ');
    if (step.kind == program::Step::Kind::Emit) {
      printInstruction(out, c, c.program.instructions[step.index]);
      continue;
    }
    const program::Repeat &repeat = c.program.repeats[step.index];
    out << "repeat " << repeat.count << ": v" << repeat.depth << " from " << repeat.first
        << " step " << repeat.step << "\n";
    printRegion(out, c, repeat.body, indent + 2);
  }
}

} // namespace

Knobs cleanKnobs() {
  Knobs knobs;
  knobs.initiationInterval = 30;
  knobs.severalOperands = 30;
  knobs.directOperands = 15;
  return knobs;
}

Knobs contentionKnobs() {
  Knobs knobs = cleanKnobs();
  knobs.contendedMemory = 70;
  knobs.fetchFromData = 25;
  return knobs;
}

Knobs defaultKnobs() {
  Knobs knobs = contentionKnobs();
  knobs.mergingStages = 40;
  knobs.orderedMemory = 10;
  knobs.caches = 30;
  knobs.drams = 30;
  knobs.sharedLower = 30;
  knobs.branches = 5;
  knobs.loops = 40;
  knobs.generalAddresses = 10;
  return knobs;
}

Knobs streamKnobs() {
  Knobs knobs = defaultKnobs();
  knobs.caches = 60;
  knobs.drams = 60;
  knobs.tensors = 90;
  knobs.loops = 100;
  knobs.generalAddresses = 2;
  knobs.branches = 2;
  knobs.maxInstructions = 5000;
  knobs.maxTrips = 1500;
  return knobs;
}

Knobs allKnobs() {
  Knobs knobs = defaultKnobs();
  knobs.oldestFirst = 50;
  return knobs;
}

RandomCase makeRandomCase(std::uint64_t seed, const Knobs &knobs) {
  return Generator(seed, knobs).make(seed);
}

std::string printCase(const RandomCase &randomCase) {
  std::ostringstream out;
  out << "seed " << randomCase.seed << "\nobjects\n";
  for (const Object &object : randomCase.graph.objects)
    printObject(out, object);
  out << "edges\n";
  for (const arch::Edge &edge : randomCase.graph.edges)
    out << "  " << randomCase.graph.objects[edge.source].name << " " << arch::edgeName(edge.kind)
        << " " << randomCase.graph.objects[edge.target].name << "\n";
  out << "program\n";
  printRegion(out, randomCase, randomCase.program.root, 2);
  return out.str();
}

} // namespace acadlc::test
