/// \file
/// The critical path of a whole stream, whatever its trip counts. Where the state of the machine
/// recurs, so does what lets instructions begin: of each part of the stream in each state that it
/// is met in it is found once which time that the part leaves goes back to which time that it
/// found. From the end of the stream the path is followed through these parts, and through the
/// periods of a loop until it comes back to where it was in one.
#pragma once

#include "backend/aidg/path/BindingPath.h"
#include "backend/aidg/path/Graph.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// A step of the path: cycles that an instruction spends on `object`.
struct StreamStep {
  Node::Kind kind{};
  arch::ObjectId object = arch::noObject;
  program::InstructionId instruction = 0; ///< not for a fetch
  /// Why it did not begin earlier: how it depends on the step before it.
  DependenceKind over{};
  DependenceKind reachedOver{}; ///< how the step behind it depends on it
  std::int64_t cycles = 0;      ///< each time; 0 for an object that is passed in no time
  std::int64_t times = 0;       ///< how often
  friend bool operator==(const StreamStep &, const StreamStep &) = default;
};

struct StreamPathLimits {
  /// Instructions that may be evaluated one by one.
  std::int64_t instructions = 0;
  /// Steps that the path may have, what recurs counted once.
  std::size_t steps = std::size_t{1} << 18;
  /// Pieces of the path that may be gone through to collect them; a piece may have no step.
  std::size_t pieces = std::size_t{1} << 22;
};

/// Finds the paths of streams on one architecture. Streams that use the same objects learn from one
/// another.
class StreamPaths {
public:
  /// \p graph and the programs must outlive it. Reports want Blame::Cause.
  StreamPaths(const arch::ArchitectureGraph &graph,
              std::span<const program::Program *const> streams, Blame blame);
  ~StreamPaths();
  StreamPaths(const StreamPaths &) = delete;
  StreamPaths &operator=(const StreamPaths &) = delete;

  /// The streams by number. Those of different groups may be looked at by different threads, those
  /// of one group must come in this order.
  [[nodiscard]] const std::vector<std::vector<std::size_t>> &groups() const;

  /// Whether the paths of stream number \p index can be found, and every request is served when it
  /// is made: then no step at a storage hides that it waited for another.
  [[nodiscard]] bool isServedAtOnce(std::size_t index) const;

  /// The path of stream number \p index that ends with the instruction that finishes last, the last
  /// step first. The stream takes \p cycles: they are what the steps add up to. Of several things
  /// that something waited for until the same cycle one is taken, as in BindingPath; which one may
  /// differ from there. What has been learned elsewhere names the
  /// `instruction` there, which is another one at the same objects; with Blame::Cause one of the
  /// same operation and range. Nothing if the stream's order or dependences need more than times
  /// (queues, phases, addresses, an order that depends on time), or if \p limits do not suffice.
  std::optional<std::vector<StreamStep>> find(std::size_t index, std::int64_t cycles,
                                              const StreamPathLimits &limits);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace acadlc::aidg
