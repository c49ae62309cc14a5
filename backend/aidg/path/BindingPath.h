/// \file
/// The critical path of a stream's first instructions, found on the way: of each node of the AIDG
/// the one dependence that the path would follow is kept, and of what has happened so far only what
/// a later node can still depend on. An instruction costs the same however many are in flight.
#pragma once

#include "backend/aidg/path/Graph.h"
#include "backend/aidg/plan/LatestIssues.h"
#include "backend/timing/Evaluation.h"
#include "backend/timing/Machine.h"

#include <llvm/ADT/DenseMap.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace acadlc::aidg {

class Boundary;

/// A step of the critical path: cycles [begin, end) that an instruction spends on `object`. The
/// step behind it (nearer to the end) reached it over an edge of kind `over`.
struct PathStep {
  Node::Kind kind{};
  arch::ObjectId object = arch::noObject;
  DependenceKind over{};
  std::int64_t begin = 0, end = 0;
  friend bool operator==(const PathStep &, const PathStep &) = default;
};

/// What the path goes on with where an instruction waited for an object or for room in the issue
/// buffer.
enum class Blame : std::uint8_t {
  /// With the node of the instruction that was there, as the edges of Graph have it: the path of
  /// the picture, against which this one is tested.
  Occupant,
  /// With what let that one leave: the time that it waited there itself is no step. So whoever made
  /// others wait is named, and not those that stood in front. This is what reports show, as "bound
  /// by" and as the chain of waits.
  Cause,
};

/// Follows an exact evaluation. With Blame::Occupant it gives what Graph::criticalPath() gives for
/// the same instructions, without the graph.
class BindingPath {
public:
  /// What is kept of a node. Times are cycles.
  struct Link {
    std::int64_t start = 0; ///< begins to work
    NodeId from = noNode;   ///< what the path goes on with; none: it begins here
    arch::ObjectId object = arch::noObject;
    Node::Kind kind{};
    DependenceKind over{};                  ///< how `from` is reached
    program::InstructionId instruction = 0; ///< not for Fetch
  };

  /// \p graph and \p program must outlive it. The program must not use occupations
  /// (timing::usesOccupations).
  BindingPath(const arch::ArchitectureGraph &graph, const program::Program &program, Blame blame);

  /// The next instruction of the stream; to be called in program order.
  void add(const program::Instance &instance, const timing::InstructionTimes &times);
  /// Instructions so far.
  [[nodiscard]] std::int64_t instructions() const { return instructions_; }
  /// The path that ends with the node that finishes last so far, last step first.
  [[nodiscard]] std::vector<PathStep> find() const;
  /// What is kept of all nodes so far, by their numbers.
  [[nodiscard]] const std::vector<Link> &links() const { return links_; }

private:
  /// Goes on from, and looks into, what instructions leave to others.
  friend Boundary;

  /// A node with a time of it: when it leaves its object, or when it is done.
  struct Use {
    std::int64_t time = 0;
    NodeId node = noNode;
  };
  /// Of a register: the last write, and the first to finish last of the reads since.
  struct RegisterUses {
    Use writer, reader;
  };
  /// A tracked access. All that finish in one cycle are a list.
  struct AddressUse {
    arch::ObjectId memory = arch::noObject;
    std::int64_t low = 0, high = 0;
    NodeId node = noNode;
    std::uint32_t next = noUse; ///< younger, of the same finish
    bool isWrite = false;
  };
  struct UseList {
    std::uint32_t first = noUse, last = noUse;
  };
  static constexpr std::uint32_t noUse = ~0U;

  void fetchBlock(std::int64_t arrival, std::int64_t index);
  NodeId addUnit(const program::Instance &instance, const timing::InstructionTimes &times,
                 NodeId previous, std::int64_t ready);
  NodeId append(const Link &link, std::int64_t done);
  void chooseEntry(Link &link, std::int64_t enter, NodeId previous, std::int64_t ready) const;
  void occupy(arch::ObjectId object, NodeId node, std::int64_t leave);
  [[nodiscard]] NodeId dataAt(const program::Instance &instance, std::int64_t start);
  [[nodiscard]] NodeId registerAt(const program::Instruction &instruction,
                                  std::int64_t start) const;
  [[nodiscard]] NodeId addressAt(const program::Instance &instance, std::int64_t start) const;
  void recordUses(const program::Instance &instance, NodeId last, std::int64_t finished);
  void recordAddresses(const program::Instance &instance, NodeId last, std::int64_t finished);

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  Blame blame_;
  timing::FetchPath fetch_;
  std::vector<Link> links_;
  NodeId last_ = 0;           ///< the first of those that finish last
  std::int64_t lastDone_ = 0; ///< when it does
  std::int64_t instructions_ = 0;
  Use block_; ///< the present fetch block
  std::int64_t blockIndex_ = 0;
  Use branch_; ///< that the next fetch waits for
  LatestIssues issues_;
  std::vector<Use> occupants_;          ///< by object
  std::vector<RegisterUses> registers_; ///< by register
  std::vector<AddressUse> uses_;
  bool hasAddresses_ = true; ///< dependences through addresses are looked for
  llvm::DenseMap<std::int64_t, UseList> usesByFinish_;
};

} // namespace acadlc::aidg
