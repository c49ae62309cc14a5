/// \file
/// Goes through a certificate that says that the state recurs.
#pragma once

#include "backend/simulate/LoopFollower.h"
#include "backend/simulate/ObservedInstruction.h"
#include "backend/simulate/Replay.h"
#include "backend/simulate/ReplaySpan.h"
#include "backend/simulate/StateRecurrence.h"

#include <string>
#include <vector>

namespace acadlc::simulate {

/// Two periods are compared instruction by instruction, and the states in which some begin
/// (replay() says how).
class RecurrenceWitness {
public:
  RecurrenceWitness(const timing::Certificate &certificate, const arch::ArchitectureGraph &graph,
                    const program::Program &program);

  /// What it wants to be shown.
  [[nodiscard]] const ReplaySpan &span() const { return span_; }
  /// An instruction of the span, or what one emits, in program order; \p stream stands at it.
  void observe(const program::Instance &instance, const timing::InstructionTimes &times,
               const program::InstructionStream &stream);
  /// The state at a boundary of the span.
  void observe(const StateSnapshot &snapshot);

  /// When all has been shown.
  [[nodiscard]] Replay result();

private:
  [[nodiscard]] program::InstructionId nameOf(program::InstructionId id) const;
  [[nodiscard]] std::int64_t begin() const { return certificate_.firstInstruction; }
  [[nodiscard]] std::int64_t middle() const { return begin() + certificate_.instructionsPerPeriod; }
  [[nodiscard]] std::int64_t end() const { return middle() + certificate_.instructionsPerPeriod; }

  void fail(std::string what) { failure_ = std::move(what); }
  void checkPlace(std::int64_t period, const program::InstructionStream &stream);
  void compareInstruction(const program::Instance &instance, const timing::InstructionTimes &times,
                          const program::InstructionStream &stream);
  [[nodiscard]] std::vector<std::int64_t> addressesOf(const program::Instance &instance) const;
  void addShifts(const program::Instance &instance, const std::vector<std::int64_t> &before);
  void compareTimes();
  void compareTime(std::int64_t index, std::int64_t before, std::int64_t time,
                   std::int64_t different, const char *name);
  void compareStates();
  /// Whether the second period was there to its end.
  [[nodiscard]] bool isWhole() const { return second_.size() == first_.size(); }
  [[nodiscard]] std::string whatWasCompared() const;

  timing::Certificate certificate_;
  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  ReplaySpan span_;
  LoopFollower loop_;
  /// Of a loop that is written out: the first that each instruction is alike to.
  std::vector<program::InstructionId> alike_;
  /// Of the periods; those of the second that are the same.
  std::vector<ObservedInstruction> first_, second_;
  /// Of each of the first, those of operands in storages with state.
  std::vector<std::vector<std::int64_t>> firstAddresses_;
  AddressShifts shifts_;
  StateRecurrence states_;
  std::int64_t lastSeen_ = 0; ///< before the loop was left, or the first behind it
  bool hasLeftLoop_ = false;  ///< `lastSeen_` is the first behind the loop
  int equalStates_ = 0;
  std::string failure_, doubt_;
};

} // namespace acadlc::simulate
