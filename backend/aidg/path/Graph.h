/// \file
/// The AIDG itself, for a window of a stream: nodes, edges, times and the critical path. Evaluators
/// never build it; it serves pictures. (BindingPath finds the critical path alone, of more of the
/// stream.)
#pragma once

#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <vector>

namespace acadlc::aidg {

using NodeId = std::uint32_t;
inline constexpr NodeId noNode = ~0U;

/// An instruction on an object that it occupies.
struct Node {
  enum class Kind : std::uint8_t {
    Fetch,  ///< a fetch block on the fetch stage; `index` is that of its first instruction
    Stage,  ///< a pipeline or execute stage
    Unit,   ///< a functional unit, up to the end of its latency
    Memory, ///< the requests of a memory access unit, on the storage asked first
  };
  Kind kind{};
  arch::ObjectId object = arch::noObject;
  program::InstructionId instruction = 0; ///< not for Fetch
  std::int64_t index = 0;                 ///< of the instruction in the stream
  std::int64_t kernelIteration = -1;
  std::int64_t enter = 0; ///< begins to occupy the object
  std::int64_t start = 0; ///< begins to work: dependences are satisfied
  std::int64_t done = 0;  ///< its latency has passed
  std::int64_t leave = 0; ///< the object is free again
};

enum class DependenceKind : std::uint8_t {
  Forward,    ///< from the same instruction's previous object
  Structural, ///< from the previous occupant of the object
  Data,       ///< from an older instruction that writes or uses the same register or bytes
  BufferFill, ///< from the issue that made room in the issue buffer, or the branch that redirects
};

struct Dependence {
  NodeId from = noNode, to = noNode;
  DependenceKind kind{};
  /// Whether the successor could not begin earlier because of it.
  bool binding = false;
};

/// A step of the critical path: cycles [begin, end) spent because of `node`, which the step behind
/// it (nearer to the end) reached over an edge of kind `over`.
struct CriticalStep {
  NodeId node = noNode;
  std::int64_t begin = 0, end = 0;
  DependenceKind over{};
};

struct Graph {
  std::vector<Node> nodes; ///< in program order
  std::vector<Dependence> dependences;
  bool truncated = false; ///< the window ends before the stream

  /// The chain of binding dependences that ends with the last node to finish, last step first; its
  /// steps cover the time from the window's begin without gap.
  [[nodiscard]] std::vector<CriticalStep> criticalPath() const;
};

/// Builds the graph of the first \p maxInstructions instructions of the stream, with the times of
/// an exact evaluation. Intermediate stages of routes with several stages are timed by the rule for
/// program order.
Graph buildGraph(const arch::ArchitectureGraph &graph, const program::Program &program,
                 std::int64_t maxInstructions);

} // namespace acadlc::aidg
