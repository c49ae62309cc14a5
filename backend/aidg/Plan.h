/// \file
/// The evaluation problem: a program on an architecture graph, compiled into flat arrays that hold
/// only the objects, registers and storages that the program uses.
///
/// The plan is a model apart from the IR: evaluators walk the program's loop tree for order and
/// look up everything else here. It knows the rules of docs/timing.md, but holds no time.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// A stage or unit that the program uses.
struct PlanObject {
  arch::ObjectId id = arch::noObject;
  std::int64_t latency = 1; ///< cycles; of stages
  /// Least number of cycles from an instruction's arrival in the issue buffer to its entry here.
  std::int64_t distance = 0;
  /// Whether instructions reach it from several objects and the oldest of those that wait enters:
  /// then the order of entry depends on time.
  bool mergesByTime = false;
  /// Whether all instructions reach it from one other object, which hands them over one by one, and
  /// nothing makes it insist on program order.
  bool takesAsTheyCome = false;
};

/// A storage that the program asks (not those below a cache).
struct PlanStorage {
  arch::ObjectId id = arch::noObject;
  std::int64_t slots = 1;
  std::uint32_t clients = 0; ///< units that ask it, the fetch included
  bool servesFetch = false;
  bool programOrder = false; ///< arbitration = program_order
  bool hasState = false;     ///< service times depend on addresses and history (cache, DRAM)
  std::int64_t distance = 0; ///< least cycles from arrival to a request
  /// The first of the storages that share a storage with state below them, if there are several:
  /// then grants at all of them change one state, in the order of time.
  std::optional<std::uint32_t> stateGroup;
  /// Requests can never wait: each client has one request in flight and has a slot.
  [[nodiscard]] bool neverWaits() const { return static_cast<std::int64_t>(clients) <= slots; }
};

struct PlanAccess {
  std::uint32_t storage = 0; ///< index into Plan::storages
  std::uint32_t space = 0;   ///< index into Plan::spaces
  bool isWrite = false;
  bool tracked = false;     ///< takes part in dependences by address
  std::int64_t service = 0; ///< cycles, if the storage has no state
  std::int64_t bytes = 0;
  const program::MemoryOperand *operand = nullptr;
};

struct PlanInstruction {
  std::uint32_t firstStage = 0, stageCount = 0; ///< into Plan::routeObjects
  std::uint32_t unit = 0;                       ///< into Plan::objects
  std::int64_t latency = 1;
  std::int64_t occupation =
      1; ///< cycles from the start until the unit takes the next (no accesses)
  std::uint32_t firstRead = 0, readCount = 0; ///< into Plan::registers
  std::uint32_t firstWrite = 0, writeCount = 0;
  std::uint32_t firstAccess = 0, accessCount = 0; ///< into Plan::accesses
  bool makesRequests = false; ///< some accesses are requests; else they are dependences alone
  bool isBranch = false;
  bool hasTracked = false;
};

/// How instructions reach the issue buffer.
struct PlanFetch {
  std::int64_t width = 1;                                          ///< instructions a fetch
  std::int64_t bufferSize = 1;                                     ///< issue buffer, instructions
  std::int64_t unitLatency = 1, readLatency = 1, stageLatency = 0; ///< cycles
  std::optional<std::uint32_t> storage; ///< index into Plan::storages if data requests go there too
  [[nodiscard]] std::int64_t latency() const { return unitLatency + readLatency + stageLatency; }
};

/// What evaluating a loop needs to know of its body.
struct RepeatFacts {
  bool isKernel = false; ///< no repeat inside
  bool isEmpty = false;  ///< no instruction inside
  /// Whether one iteration's accesses are those of the one before moved by `stride`: then whatever
  /// depends on addresses (which accesses overlap, what hits a cache) is the same in each. Accesses
  /// to storages with state may not move at all.
  bool isShiftInvariant = true;
  /// By address space: bytes by which the tracked accesses move from one iteration to the next.
  std::vector<std::int64_t> stride;
};

struct Plan {
  const arch::ArchitectureGraph *graph = nullptr;
  const program::Program *program = nullptr;
  PlanFetch fetch;
  std::vector<PlanObject> objects;
  std::vector<PlanStorage> storages;
  std::vector<arch::ObjectId> spaces;        ///< memories with tracked accesses
  std::vector<PlanInstruction> instructions; ///< parallel to Program::instructions
  std::vector<std::uint32_t> routeObjects;
  std::vector<std::uint32_t> registers;
  std::vector<PlanAccess> accesses;
  std::vector<arch::RegisterId> registerIds;
  std::vector<std::int64_t> registerDistance; ///< least cycles from arrival to a unit that uses it
  std::uint32_t registerCount = 0;
  std::vector<RepeatFacts> repeats; ///< parallel to Program::repeats

  /// Whether a single latency is so long that a sum of a few could leave the 64-bit range.
  bool hasEndlessLatency = false;

  /// Whether the order of entry at some object depends on time whatever the stream does.
  [[nodiscard]] bool needsTimeOrder() const;
};

/// Compiles \p program. The program must be evaluable (timing::checkEvaluable).
Plan makePlan(const arch::ArchitectureGraph &graph, const program::Program &program);

} // namespace acadlc::aidg
