/// \file
/// Small architectures and programs for tests, written down in a few lines.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::test {

/// Builds an architecture graph and a program on it.
class CaseBuilder {
public:
  struct Fetch {
    std::int64_t width = 1, bufferSize = 1;
    /// Cycles. 0 for the unit lets a fetch take one cycle only, which no description can ask for;
    /// tests use it to reproduce known numbers.
    std::int64_t unitLatency = 0, readLatency = 1, stageLatency = 0;
  };

  /// Adds the fetch stage "fetch" with its unit "loader"; the instructions come from a memory of
  /// their own unless \p storage is given.
  void fetch(const Fetch &parameters, arch::ObjectId storage = arch::noObject);
  /// An ExecuteStage behind \p sources (the fetch stage's id: fetchStage()).
  arch::ObjectId stage(std::int64_t latency, const std::vector<arch::ObjectId> &sources);
  arch::ObjectId functionalUnit(arch::ObjectId stage, std::int64_t latency,
                                std::int64_t initiationInterval = 0);
  /// A MemoryAccessUnit that reads and writes \p storages.
  arch::ObjectId accessUnit(arch::ObjectId stage, std::int64_t latency,
                            const std::vector<arch::ObjectId> &storages);
  /// 32-bit words, one a transaction, oldest first.
  arch::ObjectId sram(std::int64_t latency, std::int64_t slots = 1);
  arch::ObjectId dram(std::int64_t latency, std::int64_t slots, std::int64_t banks,
                      std::int64_t rowSize, std::int64_t tRCD, std::int64_t tRP, std::int64_t tRAS);
  arch::ObjectId cache(std::int64_t sets, std::int64_t ways, std::int64_t lineSize,
                       std::int64_t hitLatency, std::int64_t missLatency, arch::ObjectId lower,
                       std::int64_t slots = 1);
  void registers(std::int64_t count);
  /// A Queue behind \p sources with \p capacity entries, in order; without sources and successors a
  /// pool.
  arch::ObjectId queue(std::int64_t capacity, const std::vector<arch::ObjectId> &sources = {});
  /// A ReservationStation without hazards, in order, whose entries are released at the end.
  arch::ObjectId station(std::int64_t capacity, const std::vector<arch::ObjectId> &sources);
  /// `waiting waits for awaited event [where overlapping]` at a station.
  void hazard(arch::ObjectId station, const std::string &waiting,
              const std::vector<std::string> &awaited, const std::string &event,
              bool onlyOverlapping = false);
  /// A Channel of 8 bits that accepts a word every cycle, oldest first, without limits.
  arch::ObjectId channel(std::int64_t latency, std::int64_t interval = 1);
  void edge(arch::ObjectId source, arch::ObjectId target, arch::EdgeKind kind);
  arch::Object &object(arch::ObjectId id) { return graph_.objects[id]; }
  [[nodiscard]] arch::ObjectId fetchStage() const { return fetchStage_; }
  [[nodiscard]] arch::ObjectId branchUnit() const { return fetchUnit_; }
  [[nodiscard]] arch::ObjectId memoryOf(arch::ObjectId storage) const;

  /// Appends an instruction to the innermost open loop. Changes may follow through the reference
  /// until the next emit.
  program::Instruction &emit(const std::vector<arch::ObjectId> &stages, arch::ObjectId unit,
                             const std::vector<arch::RegisterId> &reads = {},
                             const std::vector<arch::RegisterId> &writes = {});
  /// A memory operand at a fixed address; terms may be added.
  program::MemoryOperand access(arch::ObjectId storage, std::int64_t address, std::int64_t bytes,
                                bool isWrite) const;
  void beginRepeat(std::int64_t count, std::int64_t first = 0, std::int64_t step = 1);
  void endRepeat();
  /// What is emitted until endNest() is emitted by an expansion in a unit of \p stage. Loops count
  /// from depth 0. Nests may not be opened in loops of another one.
  program::RegionId beginNest(arch::ObjectId stage);
  void endNest();
  program::ExpressionId expression(const program::Expression &expression);

  /// Number of loops open now.
  [[nodiscard]] std::uint32_t depth() const { return static_cast<std::uint32_t>(open_.size()) - 1; }
  /// Finishes the graph (again, after changes) and returns what has been built so far.
  const arch::ArchitectureGraph &graph();
  [[nodiscard]] const program::Program &program() const { return program_; }
  /// For changes behind other emits.
  program::Instruction &mutableInstruction(program::InstructionId id) {
    return program_.instructions[id];
  }

  CaseBuilder();

private:
  arch::ObjectId add(arch::Object object);
  program::RouteId route(const program::Route &wanted);

  arch::ArchitectureGraph graph_;
  program::Program program_;
  std::vector<program::RegionId> open_; ///< regions from the root to the innermost open loop's body
  struct OuterNest {
    std::vector<program::RegionId> open;
    arch::ObjectId origin = arch::noObject;
  };
  std::vector<OuterNest> outerNests_;
  arch::ObjectId origin_ = arch::noObject; ///< of routes
  arch::ObjectId fetchStage_ = arch::noObject, fetchUnit_ = arch::noObject;
};

/// Phases as the program has them. `addPhase` lets one begin behind the one before it.
program::Phase delay(std::int64_t cycles);
program::Phase on(arch::ObjectId object, std::int64_t cycles);
program::Phase over(const std::vector<arch::ObjectId> &channels, std::int64_t bits);
program::Phase expanding(program::RegionId nest);
program::Phase &addPhase(program::Instruction &instruction, program::Phase phase);

} // namespace acadlc::test
