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
  /// Memories (not caches) of the memory operands, with direction, in operand order.
  struct Memory {
    arch::ObjectId memory = arch::noObject;
    bool isWrite = false;
    friend auto operator<=>(const Memory &, const Memory &) = default;
  };
  std::vector<Memory> memories;
  friend auto operator<=>(const UnitRequest &, const UnitRequest &) = default;
};

struct UnitAnswer {
  enum class Status : std::uint8_t { Found, None, Ambiguous };
  Status status = Status::None;
  arch::ObjectId unit = arch::noObject;
  std::vector<arch::ObjectId> storages; ///< per memory operand: the storage that the unit asks
  std::string problem;                  ///< None: what misses. Ambiguous: the candidates
};

struct RouteAnswer {
  std::optional<program::Route> route;
  std::string problem;
};

class Units {
public:
  explicit Units(const arch::ArchitectureGraph &graph);

  const UnitAnswer &find(const UnitRequest &request);
  const RouteAnswer &route(arch::ObjectId unit);
  /// The memory at the end of a chain of caches.
  [[nodiscard]] arch::ObjectId memoryBelow(arch::ObjectId storage) const;

private:
  UnitAnswer search(const UnitRequest &request) const;
  [[nodiscard]] std::vector<arch::ObjectId> candidates(const UnitRequest &request) const;
  /// Empty if \p unit can do it (then \p storages is set), else what misses.
  [[nodiscard]] std::string problemOf(arch::ObjectId unit, const UnitRequest &request,
                                      std::vector<arch::ObjectId> &storages) const;
  [[nodiscard]] std::string askedStorage(arch::ObjectId unit, const UnitRequest::Memory &memory,
                                         arch::ObjectId &storage) const;
  [[nodiscard]] bool processes(arch::ObjectId unit, std::string_view operation) const;
  RouteAnswer searchRoute(arch::ObjectId unit) const;
  void countPaths();

  const arch::ArchitectureGraph &graph_;
  std::unordered_map<std::string, std::vector<arch::ObjectId>> byOperation_;
  /// Units with an edge from or to an object, ascending.
  std::vector<std::vector<arch::ObjectId>> readers_, writers_;
  /// Paths of FORWARD edges from the fetch stage: 0, 1, or 2 for more; and the last step of one.
  std::vector<std::uint8_t> paths_;
  std::vector<arch::ObjectId> previous_;
  arch::ObjectId fetch_ = arch::noObject;
  std::map<UnitRequest, UnitAnswer> answers_;
  std::map<std::string, std::string, std::less<>> names_; ///< owns operations of requests
  std::unordered_map<arch::ObjectId, RouteAnswer> routes_;
};

} // namespace acadlc::mapping
