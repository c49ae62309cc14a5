/// \file
/// What evaluators derive from a graph and a program before time starts: the fetch path, the
/// objects that every route passes, and where instructions compete.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::timing {

/// The fetch stage with what it fetches through.
struct FetchPath {
  arch::ObjectId stage = arch::noObject;
  arch::ObjectId unit = arch::noObject;    ///< its InstructionMemoryAccessUnit
  arch::ObjectId storage = arch::noObject; ///< what the unit reads instructions from
  std::int64_t width = 1;                  ///< instructions a fetch
  std::int64_t bufferSize = 1;             ///< instructions
  std::int64_t unitLatency = 1;            ///< cycles before the request
  std::int64_t serviceTime = 1;            ///< cycles of the request
  std::int64_t stageLatency = 0;           ///< cycles behind the request
};
/// The fetch path of \p graph; nothing unless there is exactly one fetch stage with exactly one
/// unit that reads exactly one storage.
std::optional<FetchPath> fetchPath(const arch::ArchitectureGraph &graph);

/// The objects that instructions pass.
class RouteTable {
public:
  RouteTable(const arch::ArchitectureGraph &graph, const program::Program &program);

  /// Stages, queues and unit of a route in order; at least one object. A branch passes the fetch
  /// stage's unit only.
  [[nodiscard]] const std::vector<arch::ObjectId> &objects(program::RouteId route) const {
    return objects_[route];
  }
  /// Whether instructions can come to \p id from more than one object, so that its arbitration
  /// matters. An object with one predecessor takes instructions as they come.
  [[nodiscard]] bool merges(arch::ObjectId id) const { return predecessors_[id] > 1; }
  /// Whether any route of the program passes \p id.
  [[nodiscard]] bool isPassed(arch::ObjectId id) const { return passed_[id]; }

private:
  std::vector<std::vector<arch::ObjectId>> objects_; ///< by route
  std::vector<std::uint32_t> predecessors_;          ///< by object
  std::vector<bool> passed_;                         ///< by object
};

/// Whether \p program needs what docs/timing.md calls instructions of several occupations: a queue
/// or station on a route, or an instruction with phases.
bool usesOccupations(const arch::ArchitectureGraph &graph, const program::Program &program);

/// Most of what evaluators keep a bit of each for, where usesOccupations() holds.
inline constexpr std::size_t mostRouteObjects = 64, mostPhases = 60, mostHoldings = 60,
                             mostHazardStations = 64;

/// Cycles after the start at which a functional unit takes its next instruction.
std::int64_t occupation(const arch::Object &unit, const program::Instruction &instruction);

} // namespace acadlc::timing
