/// \file
/// The instruction IR: a finite stream of instructions on an architecture graph, held as a compact
/// tree of loops so that its size does not grow with trip counts.
///
/// Everything that time can depend on is resolved: which objects an instruction passes, its
/// latency, which registers it reads and writes, and its addresses as expressions over the values
/// of the enclosing loops. The program knows nothing of mappings, operators or networks.
#pragma once

#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::program {

/// An integer expression over loop values. Nodes stand in Program::expressions; children before
/// parents.
struct Expression {
  enum class Kind : std::uint8_t {
    Constant,
    LoopValue,
    Add,
    Subtract,
    Multiply,
    FloorDivide,
    FloorModulo,
    Min,
    Max
  };
  Kind kind = Kind::Constant;
  std::int64_t value = 0; ///< the constant, or the depth of the loop (0 = outermost)
  std::uint32_t left = 0, right = 0;
};
using ExpressionId = std::uint32_t;

/// A byte address: constant + Σ coefficient · loop value, plus a general rest if it is not affine.
struct Address {
  struct Term {
    std::uint32_t depth = 0; ///< of the loop (0 = outermost)
    std::int64_t coefficient = 0;
    friend bool operator==(const Term &, const Term &) = default;
  };
  std::int64_t constant = 0;
  std::vector<Term> terms;
  bool hasRest = false;
  ExpressionId rest = 0;
  friend bool operator==(const Address &, const Address &) = default;
};

/// One access of an instruction to a storage.
struct MemoryOperand {
  arch::ObjectId storage = arch::noObject; ///< the storage the unit asks: a cache or a memory
  arch::ObjectId memory =
      arch::noObject;   ///< the memory at the end of the cache chain: the address space
  bool isWrite = false; ///< an `inout` operand is two accesses, the read first
  /// Index of the memory operand of the emitting instruction whose address is added; none: the
  /// address is that of the memory. For what an expansion emits only.
  std::optional<std::uint32_t> base;
  Address address;        ///< of the first byte
  std::int64_t bytes = 0; ///< from the first to behind the last element
  /// How many of them lie between the elements of a strided slice: they are in the range, but
  /// nobody needs them.
  std::int64_t gaps = 0;
  /// Whether an access of this program may overlap a write of it: false means that the operand
  /// needs no dependence tracking. (A sound over-approximation; evaluators may ignore it.)
  bool mayConflict = true;
  std::string tensor; ///< what the address belongs to, for traces: "I", "W", "buffer tile"
};

/// The way of an instruction: stages and queues from behind its origin to the stage that holds its
/// unit. An instruction for the fetch stage's own unit (a branch) has no stages.
struct Route {
  std::vector<arch::ObjectId> stages;
  arch::ObjectId unit = arch::noObject;
  /// The stage of the unit that hands it on, for what an expansion emits; none: the fetch stage.
  arch::ObjectId origin = arch::noObject;
  friend bool operator==(const Route &, const Route &) = default;
};
using RouteId = std::uint32_t;

using InstructionId = std::uint32_t;
using RegionId = std::uint32_t;

/// Something that happens once to an instruction: one of the three that every instruction has, or
/// `phaseEnd(i)`, the end of its phase i.
using EventId = std::uint32_t;
inline constexpr EventId issuedEvent = 0, readEvent = 1, completedEvent = 2;
constexpr EventId phaseEnd(std::size_t phase) { return static_cast<EventId>(3 + phase); }

/// An object that a phase takes beside its own and keeps until an event of the instruction.
struct Holding {
  arch::ObjectId object = arch::noObject; ///< a unit, a storage, a pool or a channel with credits
  EventId until = completedEvent;
  friend bool operator==(const Holding &, const Holding &) = default;
};

/// At most `count` instructions of a class (or operation) of what a unit emits are uncompleted.
struct OutstandingLimit {
  std::string name; ///< of the class or operation
  std::int64_t count = 0;
  friend bool operator==(const OutstandingLimit &, const OutstandingLimit &) = default;
};

/// A part of an instruction (docs/timing.md, "Phase").
struct Phase {
  enum class Kind : std::uint8_t {
    Delay,      ///< takes nothing for `cycles`
    Occupation, ///< takes `object` for `cycles`
    Message,    ///< sends `bits` through `channels`
    Expansion,  ///< emits `body`
  };
  std::string name;
  Kind kind = Kind::Delay;
  /// Events of its instruction behind which it begins; empty: with the start of the instruction.
  std::vector<EventId> after;
  /// `after step + n`: also behind the end of the n-th step behind the instruction's own one.
  std::optional<std::int64_t> afterStep;
  std::vector<Holding> holding;
  std::int64_t cycles = 0;                ///< Delay, Occupation; 0: it takes nothing
  arch::ObjectId object = arch::noObject; ///< Occupation: a unit or storage
  std::vector<arch::ObjectId> channels;   ///< Message: the route, in order; may be empty
  std::int64_t bits = 0;                  ///< Message
  bool together = false;                  ///< Message: in lock step with others of the step
  /// Expansion: a loop nest of its own, whose loops are counted from depth 0 and whose memory
  /// operands may be relative to those of the instruction. May be an empty region.
  RegionId body = 0;
  std::optional<std::int64_t> outstanding; ///< Expansion: most uncompleted of this phase, over all
                                           ///< instances
  std::vector<OutstandingLimit> limits;    ///< Expansion: by class, shared by the unit's phases
  SourceRange range;
  friend bool operator==(const Phase &, const Phase &) = default;
};

/// A name that a phase gives its end.
struct Signal {
  std::string name;
  std::uint32_t phase = 0;
};

/// What the instances of one emit have in common.
struct Instruction {
  std::string operation;
  std::string className; ///< for queues and hazards; empty: of no class
  RouteId route = 0;
  std::int64_t latency = 1; ///< cycles in the unit, at least 1
  std::vector<arch::RegisterId> reads, writes;
  std::vector<MemoryOperand> memory; ///< in the order in which the requests are made
  /// Whether the memory operands are requests to storages. Those of a functional unit are not: they
  /// give dependences and access rights, and the latency includes the accesses.
  bool makesRequests = true;
  /// Parts that overlap, in the order of the text; empty: it executes in its unit for its latency.
  std::vector<Phase> phases;
  std::vector<Signal>
      signals; ///< own events; the name "read" is `readEvent`, which it then defines
  std::vector<std::int64_t> immediates;
  std::int64_t macs = 0, ops = 0; ///< work of one instance; that of what it emits not counted
  /// What it says that it moves (`bytes = …`); nothing: it does not say.
  std::optional<std::int64_t> bytes;
  SourceRange range; ///< of the emit
  [[nodiscard]] std::size_t requestCount() const {
    return makesRequests && phases.empty() ? memory.size() : 0;
  }
  [[nodiscard]] bool isExpanding() const;
  /// The event that \p name is in hazards and releases of stations: "issued", "read", "completed"
  /// or a signalled one; nothing if it has no such event.
  [[nodiscard]] std::optional<EventId> findEvent(std::string_view name) const;
  /// What queues and hazards know it by: its class, without one its operation.
  [[nodiscard]] const std::string &classOrOperation() const {
    return className.empty() ? operation : className;
  }
};

/// A loop whose iterations differ in nothing but addresses. Its value runs first, first + step, ….
struct Repeat {
  std::int64_t first = 0, step = 1, count = 0;
  RegionId body = 0;
  std::uint32_t depth = 0; ///< number of repeats around it
  SourceRange range;       ///< of the loop's header
};

struct Step {
  enum class Kind : std::uint8_t { Emit, Repeat };
  Kind kind = Kind::Emit;
  std::uint32_t index = 0; ///< into Program::instructions or Program::repeats
};
/// A straight sequence. Regions may be shared by several repeats of equal depth.
struct Region {
  std::vector<Step> steps;
};

struct Program {
  std::vector<Route> routes;
  std::vector<Instruction> instructions;
  std::vector<Expression> expressions;
  std::vector<Repeat> repeats;
  std::vector<Region> regions;
  RegionId root = 0;
  std::uint32_t maxDepth = 0; ///< largest number of nested repeats

  /// Value of an expression. Sums and products wrap around on overflow (whoever builds a program
  /// sees to it that they don't); a division by zero is an InternalError.
  [[nodiscard]] std::int64_t evaluate(ExpressionId id,
                                      std::span<const std::int64_t> loopValues) const;
  [[nodiscard]] std::int64_t evaluate(const Address &address,
                                      std::span<const std::int64_t> loopValues) const;

  /// Totals over a whole stream, 64-bit checked: nullopt on overflow.
  struct Totals {
    std::int64_t instructions = 0;     ///< that are fetched
    std::int64_t macs = 0, ops = 0;    ///< those of emitted instructions included
    std::int64_t kernelIterations = 0; ///< trips of innermost repeats
    std::int64_t emitted = 0;          ///< instructions that expansions hand on, nested ones too
  };
  [[nodiscard]] std::optional<Totals> totals() const;
  /// Of the stream of one region.
  [[nodiscard]] std::optional<Totals> totals(RegionId region) const;
  using Count = std::optional<std::int64_t>; ///< nothing: more than 64 bits hold
  /// By instruction: how often it is executed in the whole stream, what expansions emit included.
  /// Its cost does not depend on trip counts.
  [[nodiscard]] std::vector<Count> executions() const;
  /// By region: whether it holds no instruction in any depth.
  [[nodiscard]] std::vector<bool> findEmptyRegions() const;
};

/// One instance of the stream.
struct Instance {
  const Instruction *instruction = nullptr;
  InstructionId id = 0;
  std::int64_t index = 0;                   ///< position in the stream, from 0
  std::span<const std::int64_t> loopValues; ///< by depth; valid until the next call of next()
  /// Which trip of an innermost repeat it belongs to, counted over the whole stream; −1 outside.
  std::int64_t kernelIteration = -1;
  /// Of what an expansion emits: its age behind `index`, which is that of the fetched instruction
  /// in whose place it stands; 4.2.1 has the index 4 and the emission {2, 1}. Else empty.
  // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
  std::span<const std::int64_t> emission = {};
};

/// "4", of what an expansion emits "4.2.1".
std::string ageText(const Instance &instance);

/// Walks a program's stream in order. Memory is proportional to the nesting depth.
class InstructionStream {
public:
  explicit InstructionStream(const Program &program);
  /// The stream of \p region, the body of an expansion. \p emptyRegions: what
  /// Program::findEmptyRegions() gives; must outlive the stream.
  InstructionStream(const Program &program, RegionId region, const std::vector<bool> &emptyRegions);
  /// Goes back to the beginning, of \p region from now on; for the body of an expansion alone.
  void restart(RegionId region);
  /// The next instance; false at the end.
  bool next(Instance &instance);

  /// A loop around the instance that next() gave last.
  struct Loop {
    std::uint32_t repeat = 0;   ///< index of the repeat
    std::int64_t entry = 0;     ///< how often the stream had entered a repeat before this one
    std::int64_t iteration = 0; ///< from 0
    std::size_t step = 0;       ///< of the body, behind the one that is under way
  };
  /// Fills \p loops with those around it, outermost first.
  void findLoops(std::vector<Loop> &loops) const;
  /// Goes on as if \p iterations more of the loop at \p depth (0 = outermost) had passed, with
  /// \p instructions and \p kernelIterations in them. \p instance is the one that next() gave
  /// last; it becomes the same instruction that many iterations later, which there must be.
  void skip(std::size_t depth, std::int64_t iterations, std::int64_t instructions,
            std::int64_t kernelIterations, Instance &instance);
  /// Trips of innermost repeats begun so far.
  [[nodiscard]] std::int64_t kernelIterations() const { return kernelIterations_; }

private:
  struct Frame {
    RegionId region = 0;
    std::size_t step = 0;
    std::uint32_t repeat = ~0U; ///< index of the repeat whose body this is
    std::int64_t iteration = 0;
    bool isKernel = false;  ///< no repeat inside
    std::int64_t entry = 0; ///< how many repeats had been entered before
  };
  void enter(std::uint32_t repeatIndex);
  /// Goes on to the next iteration of the innermost loop, or leaves it.
  void finishIteration();

  const Program *program_;
  std::shared_ptr<const std::vector<bool>> ownEmptyRegions_; ///< null for the body of an expansion
  const std::vector<bool> *emptyRegions_; ///< regions without instructions; their loops are skipped
  std::vector<Frame> frames_;
  std::vector<std::int64_t> loopValues_;
  std::int64_t index_ = 0;
  std::int64_t kernelIterations_ = 0; ///< trips of innermost repeats begun
  std::int64_t entries_ = 0;          ///< repeats entered
};

} // namespace acadlc::program
