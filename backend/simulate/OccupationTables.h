/// \file
/// What a run of the occupation simulator knows before time starts: routes, stations, the order in
/// which objects take instructions, who has turns where, and what the nests of expansions touch.
#pragma once

#include "backend/timing/Machine.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace acadlc::simulate {

/// Registers and memories that instructions touch.
struct Footprint {
  std::vector<bool> registersRead, registersWritten; ///< by register
  std::vector<bool> memoriesRead, memoriesWritten;   ///< by object
};

/// An object at which instructions take turns in program order: a stage, unit or queue that takes
/// them so, a storage or channel with `arbitration = program_order`.
using TurnIndex = std::uint32_t;
inline constexpr TurnIndex noTurns = ~0U;
/// How many turns are taken: entries, requests and phases, or messages; by TurnIndex. Saturates.
using TurnCounts = std::vector<std::int64_t>;

/// A line of hazards as one instruction that waits sees it.
struct HazardLine {
  bool onlyOverlapping = false;
  std::vector<bool> isAwaited;         ///< by instruction
  std::vector<program::EventId> event; ///< by instruction: the one awaited of it
};

/// A reservation station that an instruction passes.
struct StationPass {
  arch::ObjectId station = arch::noObject;
  program::EventId release = program::completedEvent; ///< gives the entry back
  bool hasHazards = false;
  std::vector<HazardLine> hazards; ///< those by which the instruction waits
};

/// What all instances of an instruction have in common.
struct InstructionTable {
  /// Queues, stages and the unit, in the order of entry. Without the stage of a unit that looks
  /// ahead: that is a window on the queue in front of it.
  std::vector<arch::ObjectId> objects;
  arch::ObjectId unit = arch::noObject;
  bool isBranch = false, isExpanding = false;
  bool hasPhaseOnUnit = false;          ///< a phase `on` the unit that processes it
  std::int64_t occupation = 1;          ///< without phases: cycles until the unit is free again
  std::vector<StationPass> stations;    ///< in the order of the route
  TurnCounts ownTurns;                  ///< that it takes itself
  TurnCounts emittedTurns;              ///< that all that it emits takes, in any depth
  std::vector<bool> isFirst;            ///< by phase: written first, or begins with the start
  std::optional<std::size_t> readPhase; ///< the phase that `signals read`
};

/// How a unit takes its instructions out of the queue in front of its stage.
struct LookAhead {
  arch::ObjectId queue = arch::noObject; ///< noObject: it does not look ahead
  std::int64_t windowLatency = 0;        ///< of its stage
};

class OccupationTables {
public:
  OccupationTables(const arch::ArchitectureGraph &graph, const program::Program &program,
                   const timing::FetchPath &fetchPath);

  [[nodiscard]] const InstructionTable &of(program::InstructionId id) const {
    return instructions_[id];
  }
  /// Stages, queues and units, each behind all to which instructions go on from it.
  [[nodiscard]] const std::vector<arch::ObjectId> &entryOrder() const { return entryOrder_; }
  /// The turns at an object; noTurns where none are taken.
  [[nodiscard]] TurnIndex turnsAt(arch::ObjectId id) const { return turnIndex_[id]; }
  [[nodiscard]] std::size_t turnCount() const { return turnObjects_; }
  [[nodiscard]] const LookAhead &lookAhead(arch::ObjectId unit) const { return lookAhead_[unit]; }
  /// Of all that a region emits, in any depth.
  [[nodiscard]] const Footprint &footprint(program::RegionId region) const {
    return *footprints_[region];
  }
  [[nodiscard]] const std::vector<bool> &emptyRegions() const { return emptyRegions_; }
  /// The place of \p source among the sources of \p channel; smaller comes first.
  [[nodiscard]] std::int64_t sourceRank(arch::ObjectId channel, arch::ObjectId source) const {
    return sourceRanks_[channel].empty() ? source : sourceRanks_[channel][source];
  }
  /// Whether phase \p later of \p instruction can begin only when phase \p earlier has ended.
  [[nodiscard]] static bool isBehind(const program::Instruction &instruction, std::size_t later,
                                     std::size_t earlier);

private:
  void findLookAhead();
  void orderEntries();
  void numberTurns(const timing::RouteTable &routes);
  void describe(program::InstructionId id, const timing::RouteTable &routes);
  [[nodiscard]] std::vector<HazardLine> hazardsOf(arch::ObjectId station,
                                                  const program::Instruction &instruction) const;
  void countOwnTurns(const program::Instruction &instruction, InstructionTable &table) const;
  const TurnCounts &turnsOf(program::RegionId region);
  TurnCounts turnsOfInstruction(program::InstructionId id);
  const Footprint &findFootprint(program::RegionId region);
  void addFootprint(Footprint &sum, const program::Instruction &instruction);
  void rankSources();

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  arch::ObjectId fetchUnit_;
  std::vector<InstructionTable> instructions_;
  std::vector<arch::ObjectId> entryOrder_;
  std::vector<TurnIndex> turnIndex_; ///< by object
  std::size_t turnObjects_ = 0;
  std::vector<LookAhead> lookAhead_; ///< by object
  std::vector<std::optional<TurnCounts>> regionTurns_;
  std::vector<std::optional<Footprint>> footprints_;
  std::vector<bool> emptyRegions_;
  std::vector<std::vector<std::int64_t>> sourceRanks_; ///< by channel and object
};

} // namespace acadlc::simulate
