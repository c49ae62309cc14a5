/// \file
/// Cases with instructions of several occupations, built in memory, and the cycles that the
/// simulator and the evaluator find, which must be the same.
///
/// A `Lanes` case fetches blocks of 16 instructions: a fetch that starts at 0 has arrived at 1, so
/// all instructions of a short program may be issued from cycle 1 on, one a port and cycle.
#pragma once

#include "backend/timing/Evaluation.h"
#include "tests/property/CaseBuilder.h"

#include <map>
#include <string>

namespace acadlc::test {

/// Times of all instructions; what is emitted is named by its age: "0", "0.1", "0.2", "1".
struct OccupationTimes {
  std::map<std::string, timing::InstructionTimes> of;
  std::vector<std::string> order; ///< of the names, as the observer was told
  std::int64_t cycles = 0;

  [[nodiscard]] std::int64_t finished(const std::string &name) const {
    return of.at(name).finished;
  }
  [[nodiscard]] std::int64_t issued(const std::string &name) const { return of.at(name).issued; }
  [[nodiscard]] std::int64_t entered(const std::string &name) const { return of.at(name).entered; }
  [[nodiscard]] std::int64_t started(const std::string &name) const { return of.at(name).started; }
};

/// The times of a program that completes. Fails where the two evaluators differ.
OccupationTimes occupationTimesOf(CaseBuilder &builder);
/// The deadlock of one that does not, as the simulator reports it; the evaluator must find one too.
timing::DeadlockReport occupationDeadlockOf(CaseBuilder &builder);

/// A fetch stage, and lanes of an ExecuteStage with a FunctionalUnit behind it or other objects.
struct Lanes : CaseBuilder {
  Lanes() { fetch({16, 32, 0, 1, 0}); }
  struct Lane {
    arch::ObjectId stage = arch::noObject, unit = arch::noObject;
  };
  Lane laneBehind(arch::ObjectId source, std::int64_t unitLatency = 1,
                  std::int64_t stageLatency = 1) {
    Lane result;
    result.stage = stage(stageLatency, {source});
    result.unit = functionalUnit(result.stage, unitLatency);
    return result;
  }
  Lane lane(std::int64_t unitLatency = 1, std::int64_t stageLatency = 1) {
    return laneBehind(fetchStage(), unitLatency, stageLatency);
  }
  /// An instruction of class \p className to \p lane, \p before which it passes queues.
  program::Instruction &emitTo(const Lane &lane, const std::string &className = "",
                               std::vector<arch::ObjectId> before = {}) {
    before.push_back(lane.stage);
    program::Instruction &instruction = emit(before, lane.unit);
    instruction.className = className;
    return instruction;
  }
};

} // namespace acadlc::test
