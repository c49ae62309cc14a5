#include "backend/timing/Evaluable.h"

#include "backend/timing/Machine.h"
#include "support/InternalError.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

namespace acadlc::timing {

using arch::ArchitectureGraph;
using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

namespace {

/// Invariants that the elaborator establishes: time goes on, and nothing divides by zero.
void checkNumbers(const Object &object) {
  const auto atLeastOne = [](std::int64_t number) {
    ACADLC_CHECK(number >= 1, "latencies and sizes of an architecture are at least 1");
  };
  if (object.objectClass == ObjectClass::InstructionFetchStage)
    ACADLC_CHECK(object.latency >= 0, "the latency of a fetch stage is not negative");
  else if (arch::isStage(object.objectClass) || arch::isUnit(object.objectClass))
    atLeastOne(object.latency);
  if (arch::isStorage(object.objectClass))
    atLeastOne(object.slots());
  if (arch::isMemoryInterface(object.objectClass))
    for (const std::int64_t number :
         {object.dataWidth, object.portWidth, object.readLatency, object.writeLatency})
      atLeastOne(number);
  if (object.objectClass == ObjectClass::Queue ||
      object.objectClass == ObjectClass::ReservationStation) {
    if (object.queue.classCapacities.empty())
      atLeastOne(object.queue.capacity);
    for (const arch::ClassCapacity &capacity : object.queue.classCapacities)
      atLeastOne(capacity.entries);
  }
  if (object.objectClass == ObjectClass::Channel) {
    atLeastOne(object.channel.width);
    atLeastOne(object.channel.interval);
    atLeastOne(object.latency);
  } else {
    ACADLC_CHECK(object.arbitration == arch::Arbitration::ProgramOrder ||
                     object.arbitration == arch::Arbitration::OldestFirst,
                 "channels alone know other arbitrations");
  }
  if (object.objectClass == ObjectClass::DRAM) {
    atLeastOne(object.banks);
    atLeastOne(object.rowSize);
    for (const std::int64_t time : {object.tRCD, object.tRP, object.tRAS})
      ACADLC_CHECK(time >= 0, "the row times of a DRAM are not negative");
  }
  if (object.objectClass == ObjectClass::SetAssociativeCache)
    for (const std::int64_t number :
         {object.sets, object.ways, object.lineSize, object.hitLatency, object.missLatency})
      atLeastOne(number);
}

/// Checks of the graph alone.
class GraphCheck {
public:
  GraphCheck(const ArchitectureGraph &graph, DiagnosticEngine &diagnostics)
      : graph_(graph), diagnostics_(diagnostics) {}

  void run() {
    for (const Object &object : graph_.objects)
      checkNumbers(object);
    checkFetch();
  }

private:
  void checkFetch() {
    const std::optional<FetchPath> path = fetchPath(graph_);
    ACADLC_CHECK(path.has_value(), "there is one complete fetch stage");
    ACADLC_CHECK(path->width <= path->bufferSize, "a fetched block fits into the issue buffer");
    const Object &storage = graph_.objects[path->storage];
    if (storage.objectClass != ObjectClass::SRAM)
      diagnostics_.report(DiagnosticCode::FetchNotFromSram, storage.range,
                          graph_.objects[path->stage].name, storage.name,
                          arch::className(storage.objectClass));
  }

  const ArchitectureGraph &graph_;
  DiagnosticEngine &diagnostics_;
};

/// Checks that accesses of caches to the storages below them never wait for a slot: their time is
/// computed when the cache grants, without asking for one.
class LowerStorageCheck {
public:
  LowerStorageCheck(const ArchitectureGraph &graph, const program::Program &program,
                    DiagnosticEngine &diagnostics)
      : graph_(graph), diagnostics_(diagnostics) {
    for (const program::Instruction &instruction : program.instructions)
      for (const program::MemoryOperand &operand :
           std::span(instruction.memory).first(instruction.requestCount()))
        use(operand.storage, program.routes[instruction.route].unit);
    if (const std::optional<FetchPath> path = fetchPath(graph))
      use(path->storage, path->unit);
  }

  void run() {
    std::set<ObjectId> lowers;
    for (const auto &[storage, client] : clients_)
      if (arch::isStorage(graph_.objects[client].objectClass))
        lowers.insert(storage);
    for (const ObjectId lower : lowers)
      check(lower);
  }

private:
  /// Notes that \p client makes requests to \p storage, and so on down the chain of caches.
  void use(ObjectId storage, ObjectId client) {
    if (!clients_.insert({storage, client}).second)
      return;
    const Object &object = graph_.objects[storage];
    if (object.objectClass == ObjectClass::SetAssociativeCache && object.lower != arch::noObject)
      use(object.lower, storage);
  }

  /// Requests that \p client has under way at once: one of a unit, one for each slot of a cache.
  [[nodiscard]] std::int64_t inFlight(ObjectId client) const {
    const Object &object = graph_.objects[client];
    return arch::isStorage(object.objectClass) ? object.slots() : 1;
  }

  void check(ObjectId lower) {
    const std::int64_t slots = graph_.objects[lower].slots();
    std::int64_t free = slots;
    for (const auto &[storage, client] : clients_)
      if (storage == lower)
        free -= std::min(free + 1, inFlight(client));
    if (free >= 0)
      return;
    const Object &object = graph_.objects[lower];
    auto report = diagnostics_.report(DiagnosticCode::LowerStorageContended, object.range,
                                      object.name, slots);
    for (const auto &[storage, client] : clients_)
      if (storage == lower)
        report.note(graph_.objects[client].range,
                    "'" + graph_.objects[client].name + "' has up to " +
                        std::to_string(inFlight(client)) + " requests under way");
  }

  const ArchitectureGraph &graph_;
  DiagnosticEngine &diagnostics_;
  std::set<std::pair<ObjectId, ObjectId>> clients_; ///< (storage, client)
};

/// Whether \p queue, whose capacity is a table, has entries for \p instruction.
bool hasEntriesFor(const arch::QueueAttributes &queue, const program::Instruction &instruction) {
  return queue.classCapacities.empty() ||
         std::ranges::any_of(queue.classCapacities, [&](const arch::ClassCapacity &capacity) {
           return capacity.className == instruction.classOrOperation();
         });
}

/// Checks of what instructions ask of queues, pools and channels, each instruction by itself.
class OccupationCheck {
public:
  OccupationCheck(const ArchitectureGraph &graph, const program::Program &program,
                  DiagnosticEngine &diagnostics)
      : graph_(graph), program_(program), diagnostics_(diagnostics) {}

  void run() {
    if (!usesOccupations(graph_, program_))
      return;
    const auto hasHazards = [](const Object &object) { return object.queue.hasHazards; };
    checkCount(static_cast<std::size_t>(std::ranges::count_if(graph_.objects, hasHazards)),
               mostHazardStations, "stations with hazards", graph_.name, {});
    for (const program::Instruction &instruction : program_.instructions) {
      checkCounts(instruction);
      for (const ObjectId stage : program_.routes[instruction.route].stages)
        checkEntries(stage, instruction);
      for (std::size_t i = 0; i < instruction.phases.size(); ++i)
        for (const program::Holding &holding : instruction.phases[i].holding)
          checkHolding(holding.object, instruction, i);
    }
  }

private:
  void checkCounts(const program::Instruction &instruction) {
    // The unit is the last object of a route.
    checkCount(program_.routes[instruction.route].stages.size() + 1, mostRouteObjects,
               "objects on its way", instruction.operation, instruction.range);
    checkCount(instruction.phases.size(), mostPhases, "phases", instruction.operation,
               instruction.range);
    for (const program::Phase &phase : instruction.phases)
      checkCount(phase.holding.size(), mostHoldings, "holdings in a phase", instruction.operation,
                 phase.range);
  }

  void checkCount(std::size_t count, std::size_t most, const char *what, const std::string &name,
                  SourceRange range) {
    if (count > most && reported_.insert({arch::noObject, name + what}).second)
      diagnostics_.report(DiagnosticCode::TooManyOccupations, range, name,
                          std::to_string(count) + " " + what, most);
  }

  void checkEntries(ObjectId id, const program::Instruction &instruction) {
    if (hasEntriesFor(graph_.objects[id].queue, instruction) ||
        !reported_.insert({id, instruction.classOrOperation()}).second)
      return;
    const Object &object = graph_.objects[id];
    diagnostics_
        .report(DiagnosticCode::ClassWithoutEntries, instruction.range, object.name,
                instruction.classOrOperation())
        .note(object.range, "its capacity");
  }

  void checkHolding(ObjectId id, const program::Instruction &instruction, std::size_t phase) {
    const Object &object = graph_.objects[id];
    if (object.objectClass == ObjectClass::Queue)
      return checkEntries(id, instruction);
    if (object.objectClass != ObjectClass::Channel)
      return;
    const std::optional<std::int64_t> words = heldCredits(id, instruction, phase);
    if ((words && *words <= object.channel.credits) ||
        !reported_.insert({id, instruction.operation}).second)
      return;
    const SourceRange range = instruction.phases[phase].range;
    auto report =
        words ? diagnostics_.report(DiagnosticCode::TooManyCredits, range, instruction.operation,
                                    *words, object.name, object.channel.credits)
              : diagnostics_.report(DiagnosticCode::CreditsWithoutMessage, range,
                                    instruction.operation, object.name);
    report.note(instruction.range, "emitted here");
  }

  /// Words that the next phase over the channel sends; none if there is no such phase.
  [[nodiscard]] std::optional<std::int64_t>
  heldCredits(ObjectId id, const program::Instruction &instruction, std::size_t phase) const {
    for (std::size_t i = phase + 1; i < instruction.phases.size(); ++i) {
      const program::Phase &later = instruction.phases[i];
      if (std::ranges::find(later.channels, id) == later.channels.end())
        continue;
      // The first channel of a route makes the words.
      const std::int64_t width = graph_.objects[later.channels.front()].channel.width;
      return (later.bits + width - 1) / width;
    }
    return std::nullopt;
  }

  const ArchitectureGraph &graph_;
  const program::Program &program_;
  DiagnosticEngine &diagnostics_;
  std::set<std::pair<ObjectId, std::string>> reported_;
};

/// What whoever builds a program has to see to.
void checkProgram(const ArchitectureGraph &graph, const program::Program &program) {
  RouteTable routes(graph, program); // checks the routes
  for (const program::Instruction &instruction : program.instructions) {
    ACADLC_CHECK(instruction.route < program.routes.size(), "an instruction has a route");
    ACADLC_CHECK(instruction.latency >= 1, "an instruction takes at least a cycle");
    for (const program::MemoryOperand &operand : instruction.memory) {
      ACADLC_CHECK(operand.storage < graph.objects.size() &&
                       arch::isStorage(graph.objects[operand.storage].objectClass),
                   "an operand lies in a storage");
      ACADLC_CHECK(operand.bytes >= 0, "an operand has no negative size");
    }
    for (const auto *registers : {&instruction.reads, &instruction.writes})
      for (const arch::RegisterId id : *registers)
        ACADLC_CHECK(id < graph.registerCount, "a register of the graph");
  }
}

} // namespace

bool checkEvaluable(const ArchitectureGraph &graph, DiagnosticEngine &diagnostics) {
  const std::size_t before = diagnostics.errorCount();
  GraphCheck(graph, diagnostics).run();
  return diagnostics.errorCount() == before;
}

bool checkEvaluable(const ArchitectureGraph &graph, const program::Program &program,
                    DiagnosticEngine &diagnostics) {
  if (!checkEvaluable(graph, diagnostics))
    return false;
  checkProgram(graph, program);
  const std::size_t before = diagnostics.errorCount();
  LowerStorageCheck(graph, program, diagnostics).run();
  OccupationCheck(graph, program, diagnostics).run();
  return diagnostics.errorCount() == before;
}

} // namespace acadlc::timing
