/// \file
/// The evaluation problem: a program on an architecture graph, compiled into flat arrays that hold
/// only the objects, registers and storages that the program uses.
///
/// The plan is a model apart from the IR: evaluators walk the program's loop tree for order and
/// look up everything else here. It knows the rules of docs/timing.md, but holds no time.
#pragma once

#include "backend/aidg/plan/AddressBounds.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <bit>
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
  std::uint32_t storage = 0;       ///< index into Plan::storages
  std::uint32_t instruction = 0;   ///< that makes it
  std::uint32_t conflictClass = 0; ///< if tracked
  std::uint32_t blockClass = 0;    ///< index into Plan::blockClasses, if changesState
  bool isWrite = false;
  bool tracked = false;      ///< takes part in dependences by address
  bool changesState = false; ///< a request to a storage with state
  std::int64_t service = 0;  ///< cycles, if the storage has no state
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

/// Accesses to storages with state that reach one memory in the end and may touch a byte in common.
struct BlockClass {
  arch::ObjectId memory = arch::noObject;
  /// The bytes [low, high) are whole blocks (lines of every cache above the memory, rows of a DRAM)
  /// that no other class touches. The blocks at its ends may be shared with neighbours; then they
  /// are not in it.
  std::int64_t low = 0, high = 0;
  [[nodiscard]] bool isEmpty() const { return low >= high; }
};

/// A storage with state that the program reaches.
struct PlanStateful {
  arch::ObjectId id = arch::noObject;
  arch::ObjectId memory = arch::noObject; ///< at the end of the chain of caches that it is in
};

/// An access to storages with state that moves from one iteration of a loop to the next.
struct MovingAccess {
  std::uint32_t access = 0;         ///< index into Plan::accesses
  std::int64_t stride = 0;          ///< bytes an iteration
  std::vector<Interval> loopValues; ///< by depth, of the loops around it
};

/// What evaluating a loop needs to know of its body.
struct RepeatFacts {
  bool isKernel = false; ///< no repeat inside
  bool isEmpty = false;  ///< no instruction inside
  /// Whether one iteration's accesses are those of the one before moved by `stride`: then whatever
  /// depends on addresses (which accesses overlap, what hits a cache) is the same in each.
  bool isShiftInvariant = true;
  /// By class of addresses (first those of conflicts, then those of blocks): bytes by which its
  /// accesses move from one iteration to the next.
  std::vector<std::int64_t> stride;
  /// After so many iterations every access to a storage with state has moved by a multiple of its
  /// memory's period: it meets the same sets and banks. States recur after multiples of it alone.
  std::int64_t addressPeriod = 1;
  /// Whether a state behind \p iteration (from 1) is worth comparing: few of each address period,
  /// more of them early in it, so that a short transient costs little.
  [[nodiscard]] bool isWorthComparing(std::int64_t iteration) const {
    const auto phase = static_cast<std::uint64_t>(iteration % addressPeriod);
    return phase == 0 || std::has_single_bit(phase);
  }
  /// Iterations whose movement is taken out of a state behind \p iteration: whole address periods.
  /// What is left of it, the phase, is part of the state.
  [[nodiscard]] std::int64_t wholePeriods(std::int64_t iteration) const {
    return iteration - iteration % addressPeriod;
  }
  /// Whether \p count iterations are enough for something to be left when a state has recurred.
  [[nodiscard]] bool canRecurIn(std::int64_t count) const {
    return isShiftInvariant && (count - 1) / 2 >= addressPeriod;
  }
  /// Accesses to storages with state that move in the loop.
  std::vector<MovingAccess> moving;
};

struct Plan {
  const arch::ArchitectureGraph *graph = nullptr;
  const program::Program *program = nullptr;
  PlanFetch fetch;
  std::vector<PlanObject> objects;
  std::vector<PlanStorage> storages;
  /// Number of classes of tracked accesses: two accesses of different ones never overlap, or
  /// neither writes.
  std::uint32_t conflictClasses = 0;
  std::vector<BlockClass> blockClasses;      ///< by memory, then by address
  std::vector<PlanStateful> stateful;        ///< each once, by memory
  std::vector<PlanInstruction> instructions; ///< parallel to Program::instructions
  std::vector<std::uint32_t> routeObjects;
  std::vector<std::uint32_t> registers;
  std::vector<PlanAccess> accesses;
  std::vector<arch::RegisterId> registerIds;
  std::vector<std::int64_t> registerDistance; ///< least cycles from arrival to a unit that uses it
  std::uint32_t registerCount = 0;
  std::vector<RepeatFacts> repeats; ///< parallel to Program::repeats

  /// Index of a class of blocks among all classes of addresses, as in RepeatFacts::stride.
  [[nodiscard]] std::uint32_t addressClass(std::uint32_t blockClass) const {
    return conflictClasses + blockClass;
  }
  [[nodiscard]] std::size_t addressClasses() const { return conflictClasses + blockClasses.size(); }

  /// Whether a single latency is so long that a sum of a few could leave the 64-bit range.
  bool hasEndlessLatency = false;

  /// Whether the order of entry at some object depends on time whatever the stream does.
  [[nodiscard]] bool needsTimeOrder() const;
};

/// By class of conflicts: bytes of the longest tracked access.
std::vector<std::int64_t> longestTracked(const Plan &plan);

/// Compiles \p program. The program must be evaluable (timing::checkEvaluable).
Plan makePlan(const arch::ArchitectureGraph &graph, const program::Program &program);

} // namespace acadlc::aidg
