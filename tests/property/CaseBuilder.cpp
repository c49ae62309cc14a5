#include "tests/property/CaseBuilder.h"

#include <algorithm>

namespace acadlc::test {

using arch::EdgeKind;
using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

Object makeObject(ObjectClass objectClass, std::string name, std::int64_t latency) {
  Object object;
  object.objectClass = objectClass;
  object.name = std::move(name);
  object.latency = latency;
  return object;
}

Object makeStorage(ObjectClass objectClass, std::string name, std::int64_t latency,
                   std::int64_t slots) {
  Object object = makeObject(objectClass, std::move(name), 1);
  object.dataWidth = 32;
  object.readLatency = object.writeLatency = latency;
  object.maxConcurrentRequests = object.readWritePorts = slots;
  object.arbitration = arch::Arbitration::OldestFirst;
  return object;
}

} // namespace

CaseBuilder::CaseBuilder() : open_{0} { program_.regions.emplace_back(); }

ObjectId CaseBuilder::add(Object object) {
  object.name += std::to_string(graph_.objects.size());
  graph_.objects.push_back(std::move(object));
  return static_cast<ObjectId>(graph_.objects.size() - 1);
}

void CaseBuilder::edge(ObjectId source, ObjectId target, EdgeKind kind) {
  graph_.edges.push_back({source, target, kind, {}});
}

void CaseBuilder::fetch(const Fetch &parameters, ObjectId storage) {
  Object stage = makeObject(ObjectClass::InstructionFetchStage, "fetch", parameters.stageLatency);
  stage.issueBufferSize = parameters.bufferSize;
  fetchStage_ = add(stage);
  fetchUnit_ =
      add(makeObject(ObjectClass::InstructionMemoryAccessUnit, "loader", parameters.unitLatency));
  if (storage == arch::noObject)
    storage = sram(parameters.readLatency);
  object(storage).portWidth = parameters.width;
  edge(fetchStage_, fetchUnit_, EdgeKind::Contains);
  edge(storage, fetchUnit_, EdgeKind::ReadData);
}

ObjectId CaseBuilder::stage(std::int64_t latency, const std::vector<ObjectId> &sources) {
  const ObjectId id = add(makeObject(ObjectClass::ExecuteStage, "stage", latency));
  for (const ObjectId source : sources)
    edge(source, id, EdgeKind::Forward);
  return id;
}

ObjectId CaseBuilder::functionalUnit(ObjectId stage, std::int64_t latency,
                                     std::int64_t initiationInterval) {
  Object unit = makeObject(ObjectClass::FunctionalUnit, "unit", latency);
  unit.hasLatency = true;
  unit.initiationInterval = initiationInterval;
  const ObjectId id = add(unit);
  edge(stage, id, EdgeKind::Contains);
  return id;
}

ObjectId CaseBuilder::accessUnit(ObjectId stage, std::int64_t latency,
                                 const std::vector<ObjectId> &storages) {
  const ObjectId id = add(makeObject(ObjectClass::MemoryAccessUnit, "access", latency));
  edge(stage, id, EdgeKind::Contains);
  for (const ObjectId storage : storages) {
    edge(storage, id, EdgeKind::ReadData);
    edge(id, storage, EdgeKind::WriteData);
  }
  return id;
}

ObjectId CaseBuilder::sram(std::int64_t latency, std::int64_t slots) {
  return add(makeStorage(ObjectClass::SRAM, "sram", latency, slots));
}

ObjectId CaseBuilder::dram(std::int64_t latency, std::int64_t slots, std::int64_t banks,
                           std::int64_t rowSize, std::int64_t tRCD, std::int64_t tRP,
                           std::int64_t tRAS) {
  Object dram = makeStorage(ObjectClass::DRAM, "dram", latency, slots);
  dram.banks = banks;
  dram.rowSize = rowSize;
  dram.tRCD = tRCD;
  dram.tRP = tRP;
  dram.tRAS = tRAS;
  return add(dram);
}

ObjectId CaseBuilder::cache(std::int64_t sets, std::int64_t ways, std::int64_t lineSize,
                            std::int64_t hitLatency, std::int64_t missLatency, ObjectId lower,
                            std::int64_t slots) {
  Object cache = makeStorage(ObjectClass::SetAssociativeCache, "cache", 1, slots);
  cache.sets = sets;
  cache.ways = ways;
  cache.lineSize = lineSize;
  cache.hitLatency = hitLatency;
  cache.missLatency = missLatency;
  cache.lower = lower;
  const ObjectId id = add(cache);
  if (lower != arch::noObject) {
    edge(lower, id, EdgeKind::ReadData);
    edge(id, lower, EdgeKind::WriteData);
  }
  return id;
}

void CaseBuilder::registers(std::int64_t count) {
  Object file = makeObject(ObjectClass::RegisterFile, "registers", 1);
  file.dataWidth = 32;
  for (std::int64_t i = 0; i < count; ++i)
    file.registers.push_back("r" + std::to_string(i));
  add(file);
}

ObjectId CaseBuilder::queue(std::int64_t capacity, const std::vector<ObjectId> &sources) {
  Object queue = makeObject(ObjectClass::Queue, "queue", 1);
  queue.queue.capacity = capacity;
  const ObjectId id = add(queue);
  for (const ObjectId source : sources)
    edge(source, id, EdgeKind::Forward);
  return id;
}

ObjectId CaseBuilder::station(std::int64_t capacity, const std::vector<ObjectId> &sources) {
  const ObjectId id = queue(capacity, sources);
  object(id).objectClass = ObjectClass::ReservationStation;
  return id;
}

void CaseBuilder::hazard(ObjectId station, const std::string &waiting,
                         const std::vector<std::string> &awaited, const std::string &event,
                         bool onlyOverlapping) {
  arch::QueueAttributes &queue = object(station).queue;
  queue.hasHazards = true;
  queue.hazards.push_back({waiting, awaited, event, onlyOverlapping, {}});
}

ObjectId CaseBuilder::channel(std::int64_t latency, std::int64_t interval) {
  Object channel = makeObject(ObjectClass::Channel, "channel", latency);
  channel.arbitration = arch::Arbitration::OldestFirst;
  channel.channel.width = 8;
  channel.channel.interval = interval;
  return add(channel);
}

ObjectId CaseBuilder::memoryOf(ObjectId storage) const {
  while (graph_.objects[storage].lower != arch::noObject)
    storage = graph_.objects[storage].lower;
  return storage;
}

program::RouteId CaseBuilder::route(const program::Route &wanted) {
  auto &routes = program_.routes;
  const auto found = std::find(routes.begin(), routes.end(), wanted);
  const auto id = static_cast<program::RouteId>(found - routes.begin());
  if (found == routes.end())
    routes.push_back(wanted);
  return id;
}

program::Instruction &CaseBuilder::emit(const std::vector<ObjectId> &stages, ObjectId unit,
                                        const std::vector<arch::RegisterId> &reads,
                                        const std::vector<arch::RegisterId> &writes) {
  program::Instruction instruction;
  instruction.operation = "i" + std::to_string(program_.instructions.size());
  instruction.route = route({stages, unit, origin_});
  instruction.latency = std::max<std::int64_t>(graph_.objects[unit].latency, 1);
  instruction.reads = reads;
  instruction.writes = writes;
  const auto id = static_cast<program::InstructionId>(program_.instructions.size());
  program_.instructions.push_back(std::move(instruction));
  program_.regions[open_.back()].steps.push_back({program::Step::Kind::Emit, id});
  return program_.instructions.back();
}

program::MemoryOperand CaseBuilder::access(ObjectId storage, std::int64_t address,
                                           std::int64_t bytes, bool isWrite) const {
  program::MemoryOperand operand;
  operand.storage = storage;
  operand.memory = memoryOf(storage);
  operand.isWrite = isWrite;
  operand.address.constant = address;
  operand.bytes = bytes;
  return operand;
}

void CaseBuilder::beginRepeat(std::int64_t count, std::int64_t first, std::int64_t step) {
  const auto body = static_cast<program::RegionId>(program_.regions.size());
  program_.regions.emplace_back();
  program::Repeat repeat;
  repeat.first = first;
  repeat.step = step;
  repeat.count = count;
  repeat.body = body;
  repeat.depth = depth();
  const auto id = static_cast<std::uint32_t>(program_.repeats.size());
  program_.repeats.push_back(repeat);
  program_.regions[open_.back()].steps.push_back({program::Step::Kind::Repeat, id});
  open_.push_back(body);
  program_.maxDepth = std::max(program_.maxDepth, depth());
}

void CaseBuilder::endRepeat() { open_.pop_back(); }

program::RegionId CaseBuilder::beginNest(ObjectId stage) {
  outerNests_.push_back({open_, origin_});
  const auto nest = static_cast<program::RegionId>(program_.regions.size());
  program_.regions.emplace_back();
  open_ = {nest};
  origin_ = stage;
  return nest;
}

void CaseBuilder::endNest() {
  open_ = std::move(outerNests_.back().open);
  origin_ = outerNests_.back().origin;
  outerNests_.pop_back();
}

program::ExpressionId CaseBuilder::expression(const program::Expression &expression) {
  program_.expressions.push_back(expression);
  return static_cast<program::ExpressionId>(program_.expressions.size() - 1);
}

const arch::ArchitectureGraph &CaseBuilder::graph() {
  graph_.finish();
  return graph_;
}

program::Phase delay(std::int64_t cycles) {
  program::Phase phase;
  phase.cycles = cycles;
  return phase;
}

program::Phase on(ObjectId object, std::int64_t cycles) {
  program::Phase phase = delay(cycles);
  phase.kind = program::Phase::Kind::Occupation;
  phase.object = object;
  return phase;
}

program::Phase over(const std::vector<ObjectId> &channels, std::int64_t bits) {
  program::Phase phase;
  phase.kind = program::Phase::Kind::Message;
  phase.channels = channels;
  phase.bits = bits;
  return phase;
}

program::Phase expanding(program::RegionId nest) {
  program::Phase phase;
  phase.kind = program::Phase::Kind::Expansion;
  phase.body = nest;
  return phase;
}

program::Phase &addPhase(program::Instruction &instruction, program::Phase phase) {
  const std::size_t count = instruction.phases.size();
  phase.name = phase.name.empty() ? "p" + std::to_string(count) : phase.name;
  if (count > 0 && phase.after.empty())
    phase.after = {program::phaseEnd(count - 1)};
  instruction.phases.push_back(std::move(phase));
  return instruction.phases.back();
}

} // namespace acadlc::test
