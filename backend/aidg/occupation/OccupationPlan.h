/// \file
/// A program whose instructions have several occupations (docs/timing.md, "Instructions of several
/// occupations"), compiled into flat arrays: numbers instead of names, events, limits, hazards and
/// sources of channels resolved. It holds no time.
#pragma once

#include "backend/aidg/plan/Plan.h"
#include "backend/timing/Machine.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace acadlc::aidg {

/// A consecutive part of one of the plan's arrays.
struct PlanSlice {
  std::uint32_t first = 0, count = 0;
  template <typename Element>
  [[nodiscard]] std::span<const Element> of(const std::vector<Element> &all) const {
    return std::span<const Element>(all).subspan(first, count);
  }
};

/// A class or an operation, as a number.
using NameId = std::uint32_t;
inline constexpr NameId noName = ~0U;
inline constexpr std::uint32_t none = ~0U; ///< no index
/// The bit of one of few: an event, a phase, an object of a route.
constexpr std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << index; }

struct OccupationAccess {
  arch::ObjectId storage = arch::noObject, memory = arch::noObject;
  bool isWrite = false, tracked = false;
  std::int64_t bytes = 0;
  const program::MemoryOperand *operand = nullptr;
  /// Accesses whose addresses can meet have the same, but for operands that stand; none: nothing
  /// depends on the address but what storages with state do (planRepeats).
  std::uint32_t addressClass = none;
  /// Of an instruction that expands and that no other emits: stands still while loops within
  /// expansions go on (planRepeats).
  bool stands = false;
};

struct OccupationHolding {
  arch::ObjectId object = arch::noObject;
  program::EventId until = program::completedEvent;
  std::int64_t amount = 1;    ///< credits of a channel; else 1
  std::uint32_t later = none; ///< phase that the credits are for
};

/// A limit on what an expansion has handed on.
struct ExpansionLimit {
  std::uint32_t counter = 0; ///< into OccupationState::outstanding
  NameId name = noName;      ///< those it is about; none: all
  std::int64_t count = 0;
};

struct OccupationPhase {
  program::Phase::Kind kind{};
  std::uint64_t after = 0;     ///< events of the instruction, a bit each
  std::int64_t afterStep = -1; ///< −1: none
  PlanSlice holdings;
  std::int64_t cycles = 0;
  arch::ObjectId object = arch::noObject; ///< that it takes; none for 0 cycles
  PlanSlice channels;
  std::int64_t words = 0; ///< of a message, in its first channel; see wordsIn for the others
  bool together = false;
  bool takesNothing = false; ///< begins with what it waits for
  bool isPart = false;       ///< lies on the instruction's unit
  bool isFirst = false;      ///< begins with the start
  std::uint32_t heir = none; ///< phase that takes over its object without a gap
  std::uint64_t behind = 0;  ///< phases that can begin only when this one has ended, a bit each
  program::RegionId body = 0;
  bool emptyBody = false;
  PlanSlice limits;                ///< into expansionLimits
  std::uint32_t ownCounter = none; ///< counts what this phase has handed on
  std::vector<bool> writesInto;    ///< by object: memories that its body writes
  std::uint32_t name = noName;
};

/// How many of an instruction, or of what it emits, pass an object that keeps program order.
struct OrderedPass {
  std::uint32_t list = 0; ///< into OccupationState::orders
  std::int64_t count = 0;
};

struct OccupationInstruction {
  PlanSlice route; ///< into routeObjects; the last is the unit
  arch::ObjectId unit = arch::noObject;
  bool isBranch = false, makesRequests = false, expands = false, hasPhases = false;
  std::int64_t latency = 1, occupation = 1;
  NameId className = noName, operation = noName; ///< classOrOperation(), operation
  PlanSlice reads, writes;                       ///< into registers
  PlanSlice accesses;
  PlanSlice phases;
  std::uint32_t readPhase = none;   ///< that signals `read`
  std::uint32_t lastStation = none; ///< position in the route
  std::uint32_t part = 0;           ///< phases on its unit and expansions
  std::uint32_t expansions = 0;
  std::uint32_t firstPhases = 0; ///< those that begin with the start
  std::uint32_t togetherPhases = 0;
  PlanSlice passes, emittedPasses;  ///< into orderedPasses; the latter with nested ones
  std::uint64_t hazardStations = 0; ///< those with a hazards block that it passes, a bit each
};

/// A hazard of a station about one class.
struct HazardLine {
  NameId awaited = noName;
  bool onlyOverlapping = false;
  std::vector<program::EventId> events; ///< by instruction
};

struct ClassEntries {
  NameId name = noName;
  std::int64_t count = 0;
};

struct QueuePlan {
  bool isStation = false, isPool = false;
  bool entryInOrder = true, issueInOrder = true, hasHazards = false;
  std::int64_t capacity = 0; ///< 0: by class
  std::vector<ClassEntries> classes;
  std::vector<std::pair<NameId, std::vector<HazardLine>>> hazards; ///< by waiting class
  std::vector<program::EventId> release;                           ///< by instruction
  arch::ObjectId windowOf = arch::noObject; ///< the unit with steps that looks into it
  bool mayBeFedByExpansion = false;         ///< instructions that pass it are emitted
};

struct UnitStepPlan {
  std::vector<NameId> taken, behind;
};

struct ChannelPlan {
  std::int64_t interval = 1, latency = 1, inFlight = 0, credits = 0, width = 1;
  bool firstCome = false; ///< the arbitration is FirstCome
  arch::Arbitration arbitration = arch::Arbitration::ProgramOrder;
  std::vector<arch::ObjectId> sources; ///< first in rank
};

struct OccupationObject {
  enum class Kind : std::uint8_t { Unused, Fetch, Stage, Queue, Unit, Storage, Channel };
  Kind kind = Kind::Unused;
  std::uint32_t rank = 0;      ///< the order in which objects take; ends of routes first
  std::uint32_t order = none;  ///< list of those to come in program order, if it keeps to that
  std::uint32_t detail = none; ///< into queues or channels
  std::vector<arch::ObjectId> predecessors; ///< from which instructions come; units that emit too
  bool emits = false;                       ///< a unit that expands
  std::vector<UnitStepPlan> steps;          ///< of a unit
  arch::ObjectId windowOn = arch::noObject; ///< the queue that a unit with steps looks into
  std::vector<std::pair<NameId, std::uint32_t>> emissionCounters; ///< of a unit: limits by class
};

struct OccupationPlan {
  const arch::ArchitectureGraph *graph = nullptr;
  const program::Program *program = nullptr;
  timing::FetchPath fetch;
  std::vector<OccupationObject> objects; ///< by object
  std::vector<arch::ObjectId> byRank;
  std::vector<QueuePlan> queues;
  std::vector<arch::ObjectId> channelIds;
  std::vector<ChannelPlan> channels;
  std::vector<OccupationInstruction> instructions;
  std::vector<arch::ObjectId> routeObjects;
  std::vector<arch::RegisterId> registers;
  std::vector<OccupationAccess> accesses;
  std::vector<OccupationPhase> phases;
  std::vector<OccupationHolding> holdings;
  std::vector<arch::ObjectId> routeChannels;
  std::vector<ExpansionLimit> expansionLimits;
  std::vector<OrderedPass> orderedPasses;
  std::vector<bool> emptyRegions;
  std::vector<arch::ObjectId> orderOwners; ///< by list
  std::uint32_t orderCount = 0, counterCount = 0;
  std::uint32_t maxPhases = 0, maxAccesses = 0, maxHops = 0, maxHoldings = 0;
  std::uint32_t nesting = 0; ///< expansions within expansions at most
  std::uint32_t loopDepth = 0;
  /// By expanding instruction and instruction: whether what the first emits may touch a register
  /// or memory that the second does, one of them writing.
  std::vector<std::vector<bool>> mayConflict;
  // Of planRepeats().
  std::uint32_t addressClassCount = 0;
  std::vector<RepeatFacts> repeats; ///< parallel to Program::repeats; strides by address class
  /// By repeat and address class: whether anything in the repeat accesses the class.
  std::vector<std::vector<bool>> repeatTouches;
  /// By repeat: whether one iteration moves all that the repeat accesses of a class by the same
  /// number of bytes, `stride` where it touches the class, whatever it does to operands that stand.
  std::vector<bool> mayBeFree;
  /// By repeat: iterations that count as evaluated in one of its own (see RolledProgram); empty:
  /// trips of innermost repeats.
  std::vector<std::int64_t> kernelTrips;
  std::vector<bool> isWrittenOut; ///< by repeat, as in RolledProgram; empty: none is

  [[nodiscard]] std::span<const arch::ObjectId> routeOf(std::uint32_t instruction) const {
    return instructions[instruction].route.of(routeObjects);
  }
  [[nodiscard]] std::span<const OccupationPhase> phasesOf(std::uint32_t instruction) const {
    return instructions[instruction].phases.of(phases);
  }
  [[nodiscard]] const QueuePlan &queue(arch::ObjectId id) const {
    return queues[objects[id].detail];
  }
};

OccupationPlan makeOccupationPlan(const arch::ArchitectureGraph &graph,
                                  const program::Program &program);

} // namespace acadlc::aidg
