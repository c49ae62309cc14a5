/// \file
/// Which unit executes an emitted instruction, through which storages, and on which way it gets
/// there: questions to the architecture graph.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace acadlc::mapping {

/// What an instruction wants of a unit.
struct UnitRequest {
  std::string_view operation;
  arch::ObjectId unit = arch::noObject;                ///< the one named by `on`, if any
  std::vector<arch::ObjectId> readFiles, writtenFiles; ///< register files, sorted, each once
  /// The memory operands with direction, in operand order.
  struct Memory {
    arch::ObjectId memory = arch::noObject; ///< where the bytes lie: not a cache
    arch::ObjectId named = arch::noObject;  ///< what the text says: `memory` or a cache above it
    bool isWrite = false;
    friend auto operator<=>(const Memory &, const Memory &) = default;
  };
  std::vector<Memory> memories;
  /// Whether phases say how it moves data: channels are as good as edges to the storage then.
  bool hasPhases = false;
  friend auto operator<=>(const UnitRequest &, const UnitRequest &) = default;
};

struct UnitAnswer {
  enum class Status : std::uint8_t { Found, None, Ambiguous };
  Status status = Status::None;
  arch::ObjectId unit = arch::noObject;
  std::vector<arch::ObjectId> storages; ///< per memory operand: the storage that the unit asks
  std::string problem;                  ///< None: what misses. Ambiguous: the candidates
};

/// The way to a unit that passes certain stages, in their order.
struct RouteRequest {
  arch::ObjectId unit = arch::noObject;
  arch::ObjectId origin = arch::noObject; ///< the stage that emits it; none: the fetch stage
  std::vector<arch::ObjectId> over;       ///< often empty: there is one way only
  /// Whether `over` is stated: then an edge that leads from one of its stages to the next is taken
  /// before longer paths between them.
  bool isStated = false;
  friend auto operator<=>(const RouteRequest &, const RouteRequest &) = default;
};

struct RouteAnswer {
  enum class Status : std::uint8_t { Found, None, Ambiguous };
  Status status = Status::None;
  std::optional<program::Route> route; ///< if found
  std::string problem;                 ///< None: what misses. Ambiguous: some of the paths
};

class Units {
public:
  explicit Units(const arch::ArchitectureGraph &graph);

  const UnitAnswer &find(const UnitRequest &request);
  const RouteAnswer &route(const RouteRequest &request);
  /// The memory at the end of a chain of caches.
  [[nodiscard]] arch::ObjectId memoryBelow(arch::ObjectId storage) const;
  /// Whether a request to \p storage goes through \p other, or is one to it.
  [[nodiscard]] bool leadsThrough(arch::ObjectId storage, arch::ObjectId other) const;

private:
  /// How a stage is reached by FORWARD edges from another one.
  struct Reached {
    std::uint8_t paths = 0;                   ///< 0, 1, or 2 for more
    arch::ObjectId previous = arch::noObject; ///< on one of them
  };
  /// What one stage reaches, itself included.
  using ReachedFrom = std::unordered_map<arch::ObjectId, Reached>;

  UnitAnswer search(const UnitRequest &request) const;
  [[nodiscard]] std::vector<arch::ObjectId> candidates(const UnitRequest &request) const;
  /// Empty if \p unit can do it (then \p storages is set), else what misses.
  [[nodiscard]] std::string problemOf(arch::ObjectId unit, const UnitRequest &request,
                                      std::vector<arch::ObjectId> &storages) const;
  [[nodiscard]] std::string askedStorage(arch::ObjectId unit, const UnitRequest &request,
                                         const UnitRequest::Memory &memory,
                                         arch::ObjectId &storage) const;
  /// Storages and register files that \p unit reads from or writes to through channels.
  [[nodiscard]] std::vector<arch::ObjectId> throughChannels(arch::ObjectId unit,
                                                            bool isWrite) const;
  [[nodiscard]] bool processes(arch::ObjectId unit, std::string_view operation) const;
  /// Whether a FORWARD edge leads from \p source to \p target.
  [[nodiscard]] bool hasEdge(arch::ObjectId source, arch::ObjectId target) const;
  RouteAnswer searchRoute(const RouteRequest &request);
  const ReachedFrom &reachedFrom(arch::ObjectId source);
  /// Counts paths with each edge looked at twice, however many paths there are.
  [[nodiscard]] ReachedFrom countPaths(arch::ObjectId source) const;
  /// Some of the paths that pass \p waypoints, as text.
  [[nodiscard]] std::string listPaths(const std::vector<arch::ObjectId> &waypoints) const;

  const arch::ArchitectureGraph &graph_;
  std::unordered_map<std::string, std::vector<arch::ObjectId>> byOperation_;
  /// Units with an edge from or to an object, ascending.
  std::vector<std::vector<arch::ObjectId>> readers_, writers_;
  /// Of channels, the ends of their data edges of either kind: a channel may carry what is read and
  /// what is written.
  std::vector<std::vector<arch::ObjectId>> channelSources_, channelTargets_;
  arch::ObjectId fetch_ = arch::noObject;
  std::map<UnitRequest, UnitAnswer> answers_;
  std::map<std::string, std::string, std::less<>> names_; ///< owns operations of requests
  std::map<RouteRequest, RouteAnswer> routes_;
  std::unordered_map<arch::ObjectId, ReachedFrom> reached_;
};

} // namespace acadlc::mapping
