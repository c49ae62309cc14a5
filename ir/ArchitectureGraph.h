/// \file
/// The architecture graph: an elaborated accelerator, all parameters applied, as ACADL defines it:
/// named objects of a few classes joined by FORWARD, READ_DATA, WRITE_DATA and CONTAINS edges.
///
/// The graph knows nothing of the text it came from but source ranges for messages, and nothing of
/// instructions streams or time. Units: latencies in cycles, widths in bits or words as named.
#pragma once

#include "support/Source.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::arch {

/// Index of an object in its graph.
using ObjectId = std::uint32_t;
inline constexpr ObjectId noObject = ~0U;
/// Index of a register: registers of all register files are numbered consecutively.
using RegisterId = std::uint32_t;

enum class ObjectClass : std::uint8_t {
  PipelineStage,
  ExecuteStage,
  InstructionFetchStage,
  FunctionalUnit,
  MemoryAccessUnit,
  InstructionMemoryAccessUnit,
  RegisterFile,
  SRAM,
  DRAM,
  SetAssociativeCache,
  Queue,
  ReservationStation,
  Channel,
};
std::string_view className(ObjectClass objectClass);
[[nodiscard]] bool isStage(ObjectClass c);           ///< the three stage classes
[[nodiscard]] bool isUnit(ObjectClass c);            ///< the three unit classes
[[nodiscard]] bool isMemoryInterface(ObjectClass c); ///< SRAM, DRAM
[[nodiscard]] bool isStorage(ObjectClass c);         ///< SRAM, DRAM, cache
/// Queue, ReservationStation, Channel: our own classes, which ACADL has not got.
[[nodiscard]] bool isExtension(ObjectClass c);
[[nodiscard]] bool isOnRoutes(ObjectClass c); ///< stages, Queue, ReservationStation

/// Who enters an object when several instructions ask for it (docs/timing.md, "Arbitration").
enum class Arbitration : std::uint8_t {
  ProgramOrder,
  OldestFirst,
  Priority, ///< channels only, as those that follow
  RoundRobin,
  FirstCome,
};
enum class ReplacementPolicy : std::uint8_t { LRU, FIFO };

/// Half-open range of byte addresses.
struct AddressRange {
  std::int64_t low = 0, high = 0;
};

/// In which order instructions enter or leave a queue (docs/timing.md, "Queue").
enum class QueueOrder : std::uint8_t { InOrder, OldestReady };
/// Entries for the instructions of one class.
struct ClassCapacity {
  std::string className;
  std::int64_t entries = 0;
};
/// `ld waits for ex, st completed where overlapping`
struct Hazard {
  std::string waiting;              ///< class
  std::vector<std::string> awaited; ///< classes
  std::string event;                ///< "issued", "read", "completed" or one that is signalled
  bool onlyOverlapping = false;     ///< those alone that share a byte or register which one writes
  SourceRange range;
};
/// The event that releases the station's entry of the instructions of one class, or of one
/// instruction.
struct ReleaseEvent {
  std::string name; ///< of the class or instruction
  std::string event;
};
/// What a Queue or ReservationStation has beyond other objects.
struct QueueAttributes {
  std::int64_t capacity = 0; ///< entries for all; 0: each class has its own
  std::vector<ClassCapacity> classCapacities;
  QueueOrder entryOrder = QueueOrder::InOrder, issueOrder = QueueOrder::InOrder;
  bool hasHazards = false; ///< whether there is a `hazards` block: dependences are awaited here
  std::vector<Hazard> hazards;
  std::string release = "completed";  ///< event that releases a station's entry
  std::vector<ReleaseEvent> releases; ///< exceptions; that of an instruction beats its class's
};
/// What a unit takes at once out of the queue in front of its stage (docs/timing.md, "Step").
struct UnitStep {
  std::vector<std::string> taken;  ///< operations
  std::vector<std::string> behind; ///< what must stand behind them and is not taken
  SourceRange range;
};
/// What a Channel has beyond other objects.
struct ChannelAttributes {
  std::int64_t width = 0;    ///< bits
  std::int64_t interval = 1; ///< cycles from word to word
  std::int64_t inFlight = 0; ///< messages begun and not ended; 0: no limit
  std::int64_t credits = 0;  ///< words accepted and not arrived; 0: no limit
};

/// One object. Only the members that its class has carry meaning.
struct Object {
  std::string name; ///< unique, hierarchical: "pe[0][1].execute"
  ObjectClass objectClass{};
  SourceRange range; ///< of the declaration's name

  // Stages and units
  std::int64_t latency = 1;            ///< cycles; of units the default for their operations
  bool hasLatency = false;             ///< whether the unit states one
  std::int64_t initiationInterval = 0; ///< cycles; 0 = not pipelined: the latency
  std::int64_t peakMacs = 0; ///< most multiply-accumulates of a unit in a cycle; 0: not stated
  Arbitration arbitration = Arbitration::ProgramOrder;
  std::vector<std::string> toProcess; ///< operations of a unit
  std::vector<UnitStep> steps; ///< of a unit: the first that fits is taken; empty: one by one
  std::int64_t maxConcurrentExpansions = 1; ///< instructions that a unit expands at once
  ObjectId container = noObject;            ///< the stage that CONTAINS a unit
  std::int64_t issueBufferSize = 0;         ///< instructions; fetch stage

  // Register files
  std::int64_t dataWidth = 0; ///< bits of a register or of a storage's word
  std::vector<std::string> registers;
  RegisterId firstRegister = 0;

  // Storages
  std::int64_t portWidth = 1; ///< words a transaction moves; instructions for fetch
  std::int64_t readLatency = 1,
               writeLatency = 1;           ///< cycles a transaction (SRAM; DRAM: column access)
  std::int64_t maxConcurrentRequests = 1;  ///< requests served at once: "slots"
  std::int64_t readWritePorts = 1;         ///< slots = min of both
  std::vector<AddressRange> addressRanges; ///< bytes
  // DRAM
  std::int64_t banks = 1, rowSize = 0; ///< bytes a row
  std::int64_t tRCD = 0, tRP = 0, tRAS = 0;
  // Cache
  std::int64_t sets = 0, ways = 0, lineSize = 0; ///< bytes a line
  std::int64_t hitLatency = 1, missLatency = 1;
  bool writeAllocate = true, writeBack = true;
  ReplacementPolicy replacement = ReplacementPolicy::LRU;
  ObjectId lower = noObject; ///< the next storage below a cache, if any

  QueueAttributes queue;
  ChannelAttributes channel;

  [[nodiscard]] std::int64_t slots() const {
    return maxConcurrentRequests < readWritePorts ? maxConcurrentRequests : readWritePorts;
  }
};

enum class EdgeKind : std::uint8_t { Forward, ReadData, WriteData, Contains };
std::string_view edgeName(EdgeKind kind); ///< "FORWARD", …
struct Edge {
  ObjectId source = noObject, target = noObject;
  EdgeKind kind{};
  SourceRange range;
};

/// A parameter's value as the user would write it, for reports.
struct ParameterValue {
  std::string name, value;
};

/// An elaborated architecture. Invariants (established by the elaborator): names are unique, edges
/// join allowed classes and are not doubled, the FORWARD edges are acyclic, latencies of stages,
/// units and storages are at least 1 (a fetch stage's at least 0).
struct ArchitectureGraph {
  std::string name;
  std::vector<ParameterValue> parameters;
  std::optional<double> clockHz;
  std::vector<Object> objects;
  std::vector<Edge> edges;
  std::uint32_t registerCount = 0;

  // Adjacency, filled by finish(): ids in ascending order of edges.
  std::vector<std::vector<ObjectId>> forwardTo; ///< FORWARD successors of a stage
  std::vector<std::vector<ObjectId>> readsFrom; ///< READ_DATA sources of an object
  std::vector<std::vector<ObjectId>> writesTo;  ///< WRITE_DATA targets of an object
  std::vector<std::vector<ObjectId>> contains;  ///< units of a stage
  std::vector<ObjectId> registerFiles;          ///< those with registers, ascending
  /// Computes the adjacency, register numbers, containers of units and lower storages of caches
  /// from objects and edges. A unit that several stages contain keeps the first as its container.
  void finish();

  [[nodiscard]] std::optional<ObjectId> find(std::string_view name) const;
  /// Whether \p id is a Queue without edges: on no route, its entries are held by phases.
  [[nodiscard]] bool isPool(ObjectId id) const;
  /// "pe[0][0].registers.acc"
  [[nodiscard]] std::string registerName(RegisterId id) const;
  [[nodiscard]] ObjectId fileOfRegister(RegisterId id) const;
  /// The one fetch stage; noObject if there is none or more than one.
  [[nodiscard]] ObjectId fetchStage() const;
};

} // namespace acadlc::arch
