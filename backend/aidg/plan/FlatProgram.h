/// \file
/// The plan of a program-order evaluation compiled once more: every instruction is a few places in
/// one array of times, so evaluating it is max and add over that array.
#pragma once

#include "backend/aidg/plan/Plan.h"
#include "ir/Program.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Where each time that later instructions can feel stands in the array. Objects, registers and
/// storages come in the order of their ids in the architecture, so that streams that use the same
/// ones have the same layout.
struct TimeLayout {
  explicit TimeLayout(const Plan &plan);

  static constexpr std::uint32_t arrival = 0;   ///< of the present fetch block in the buffer
  static constexpr std::uint32_t fetchFree = 1; ///< when the next fetch may start at the earliest
  static constexpr std::uint32_t end = 2;       ///< largest finish time so far
  std::vector<std::uint32_t> objects;           ///< by plan object: when it is free
  /// By plan register: finish of the last write; behind it that of the last use.
  std::vector<std::uint32_t> registers;
  /// By plan storage: largest request time, then the last grant, then the last grant at its group.
  std::vector<std::uint32_t> storages;
  std::vector<std::uint32_t> slots, slotEnds; ///< by plan storage; the times ascend
  /// The largest (buffer size − fetch width + 1) issue times, a ring that ascends from where it
  /// starts: a fetch finds room when the smallest of them has passed.
  std::uint32_t issues = 0, issueCount = 0;
  std::uint32_t size = 0;
  /// By place before `issues`: least cycles from the arrival of an instruction to its use of it.
  std::vector<std::int64_t> distance;
  /// Equal signatures: the same things stand at the same places, with the same distances.
  std::vector<std::int64_t> signature;
};

/// A request whose place in the order matters, or whose time depends on addresses.
struct FlatAccess {
  std::uint32_t access = 0;   ///< into Plan::accesses
  std::uint32_t operand = 0;  ///< which of its instruction's accesses
  std::uint32_t requests = 0; ///< place of the storage's three times
  std::uint32_t slots = 0, slotEnd = 0;
  std::uint32_t groupGrant = 0; ///< place of the last grant at the group of storages
  std::int64_t service = 0;     ///< cycles, if the storage has no state
  bool merges = false;          ///< several clients, granted as they come: the order is checked
  bool inProgramOrder = false;  ///< granted in program order
  bool takesSlot = false;       ///< may have to wait for a slot
  bool hasGroup = false, hasState = false;
};

struct FlatInstruction {
  /// Where its places begin in FlatProgram::places: first the objects on its way, the last of them
  /// the unit, then the registers that it reads, then those that it writes.
  std::uint32_t firstPlace = 0;
  std::uint32_t objectCount = 0, readCount = 0, writeCount = 0;
  std::int64_t latency = 1;    ///< from the start to the finish, or to the first of the accesses
  std::int64_t occupation = 1; ///< from the start until the unit is free; without accesses
  std::uint32_t firstAccess = 0, accessCount = 0; ///< into FlatProgram::accesses
  bool isBranch = false;
  /// Where it finds its operands in memory matters: dependences through addresses, or storages
  /// whose service depends on them.
  bool usesAddresses = false;

  [[nodiscard]] std::uint32_t unit() const { return firstPlace + objectCount - 1; }
  [[nodiscard]] std::uint32_t placeCount() const { return objectCount + readCount + writeCount; }
};

/// An instruction of the most frequent form, with all that its evaluation needs: one stage, then a
/// unit, few registers, no branch, requests that are served at once. The places of registers that
/// it does not have are that of its unit, which it waits for anyway and frees last.
struct SeriesStep {
  static constexpr std::uint32_t mostReads = 2, mostWrites = 1;
  std::uint32_t stage = 0, unit = 0;
  std::uint32_t readWritten[mostReads] = {};  ///< finish of the last write of what it reads
  std::uint32_t readAccessed[mostReads] = {}; ///< finish of the last use of it
  std::uint32_t written = 0, accessed = 0;    ///< the same of what it writes
  std::uint32_t stageLatency = 0, occupation = 0, latency = 0; ///< cycles
  [[nodiscard]] bool readsTwo() const { return readWritten[1] != unit; }
};

/// Successive steps of a region of one kind.
struct FlatRun {
  enum class Kind : std::uint8_t {
    Repeat, ///< a single one
    Series, ///< instructions that have a SeriesStep each
    Others, ///< other instructions
  };
  Kind kind = Kind::Others;
  std::uint32_t firstStep = 0, stepCount = 0; ///< into the steps of the region
  std::uint32_t firstSeriesStep = 0;          ///< into FlatProgram::seriesSteps, for a Series
};

struct FlatProgram {
  explicit FlatProgram(const Plan &plan);
  /// The steps of a run that is a Series.
  [[nodiscard]] std::span<const SeriesStep> seriesOf(const FlatRun &run) const {
    return std::span(seriesSteps).subspan(run.firstSeriesStep, run.stepCount);
  }

  TimeLayout layout;
  std::vector<FlatInstruction> instructions; ///< parallel to Program::instructions
  std::vector<std::uint32_t> places;         ///< of all instructions
  std::vector<std::int64_t> latencies;       ///< by place of a stage: cycles until it can be left
  std::vector<FlatAccess> accesses;
  std::vector<std::vector<FlatRun>> regions; ///< parallel to Program::regions
  std::vector<SeriesStep> seriesSteps;       ///< of all regions, in their order
  std::int64_t fetchWidth = 1, fetchLatency = 1;
  bool usesAddresses = false; ///< some instruction does
  /// The order of requests at some storage is checked on the way: until the last instruction has
  /// been evaluated, it may turn out that it depends on time.
  bool checksOrder = false;
  std::int64_t longestStep = 0; ///< cycles by which one instruction can move any time, at the most

private:
  void addRegisters(const Plan &plan, const PlanInstruction &planned, FlatInstruction &flat);
  void addRuns(const program::Region &region);
  [[nodiscard]] std::optional<SeriesStep> seriesStepOf(const FlatInstruction &flat) const;
  [[nodiscard]] std::int64_t stepOf(const FlatInstruction &flat) const;
  void addAccesses(const Plan &plan, const PlanInstruction &planned, FlatInstruction &flat);
  void addAccess(const Plan &plan, const PlanInstruction &instruction, std::uint32_t operand,
                 FlatInstruction &flat);
};

} // namespace acadlc::aidg
