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
#include <span>
#include <string>
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
  };
  std::int64_t constant = 0;
  std::vector<Term> terms;
  bool hasRest = false;
  ExpressionId rest = 0;
};

/// One access of an instruction to a storage.
struct MemoryOperand {
  arch::ObjectId storage = arch::noObject; ///< the storage the unit asks: a cache or a memory
  arch::ObjectId memory =
      arch::noObject;   ///< the memory at the end of the cache chain: the address space
  bool isWrite = false; ///< an `inout` operand is two accesses, the read first
  Address address;      ///< of the first byte
  std::int64_t bytes = 0;
  /// Whether an access of this program may overlap a write of it: false means that the operand
  /// needs no dependence tracking. (A sound over-approximation; evaluators may ignore it.)
  bool mayConflict = true;
  std::string tensor; ///< what the address belongs to, for traces: "I", "W", "buffer tile"
};

/// The way of an instruction: stages from behind the fetch stage to the one that holds its unit.
/// An instruction for the fetch stage's own unit (a branch) has no stages.
struct Route {
  std::vector<arch::ObjectId> stages;
  arch::ObjectId unit = arch::noObject;
  friend bool operator==(const Route &, const Route &) = default;
};
using RouteId = std::uint32_t;

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
  /// Whether the instruction has phases or expands: specified and checked, not evaluated yet.
  bool isCompound = false;
  std::vector<std::int64_t> immediates;
  std::int64_t macs = 0, ops = 0; ///< work of one instance
  SourceRange range;              ///< of the emit
  [[nodiscard]] std::size_t requestCount() const { return makesRequests ? memory.size() : 0; }
};
using InstructionId = std::uint32_t;
using RegionId = std::uint32_t;

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

  /// Totals over the whole stream, 64-bit checked: nullopt on overflow.
  struct Totals {
    std::int64_t instructions = 0, macs = 0, ops = 0;
    std::int64_t kernelIterations = 0; ///< trips of innermost repeats
  };
  [[nodiscard]] std::optional<Totals> totals() const;
};

/// One instance of the stream.
struct Instance {
  const Instruction *instruction = nullptr;
  InstructionId id = 0;
  std::int64_t index = 0;                   ///< position in the stream, from 0
  std::span<const std::int64_t> loopValues; ///< by depth; valid until the next call of next()
  /// Which trip of an innermost repeat it belongs to, counted over the whole stream; −1 outside.
  std::int64_t kernelIteration = -1;
};

/// Walks a program's stream in order. Memory is proportional to the nesting depth.
class InstructionStream {
public:
  explicit InstructionStream(const Program &program);
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
  std::vector<bool> emptyRegions_; ///< regions without instructions; their loops are skipped
  std::vector<Frame> frames_;
  std::vector<std::int64_t> loopValues_;
  std::int64_t index_ = 0;
  std::int64_t kernelIterations_ = 0; ///< trips of innermost repeats begun
  std::int64_t entries_ = 0;          ///< repeats entered
};

} // namespace acadlc::program
