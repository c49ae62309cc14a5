/// \file
/// The AIDG evaluated in program order: the flat, fast case.
#pragma once

#include "backend/aidg/Estimator.h"
#include "backend/aidg/Plan.h"
#include "backend/aidg/ProgramOrderState.h"

#include <functional>

namespace acadlc::aidg {

/// Evaluates one stream by the recurrences of docs/timing.md, max and add over arrays.
///
/// It is not a simulator: it has no events, and it is exact only while no younger instruction gets
/// ahead of an older one at a storage. That is checked at every request; run() gives nothing when
/// it happens.
class ProgramOrderEvaluator {
public:
  ProgramOrderEvaluator(const Plan &plan, const EstimateOptions &options);

  /// The result, or nothing if some order turned out to depend on time.
  std::optional<timing::Evaluation> run();

private:
  /// Raised and caught within run(): a younger request came before an older one.
  struct OrderDependsOnTime {};
  /// Raised and caught within run(): options_->maxInstructions were evaluated.
  struct LimitReached {};
  /// Raised and caught within run(): a time would leave the range.
  struct TimeOverflow {};

  void evaluateRegion(program::RegionId region);
  void evaluateRepeat(std::uint32_t index);
  void evaluateInstruction(std::uint32_t id);
  std::int64_t arrivalOfNext();
  std::int64_t serveAccesses(const PlanInstruction &instruction, std::int64_t time);
  std::int64_t dependences(const PlanInstruction &instruction, std::int64_t time);
  void publish(const PlanInstruction &instruction, std::int64_t finish);
  void observe(std::uint32_t id, const timing::InstructionTimes &times);

  const Plan *plan_;
  const EstimateOptions *options_;
  ProgramOrderState state_;
  std::uint32_t depth_ = 0; ///< loops around the instruction
  std::vector<std::int64_t> loopValues_;
  std::vector<std::int64_t> addresses_; ///< of the accesses of the instruction under way
  std::int64_t index_ = 0;              ///< of the next instruction among those evaluated
  bool inKernel_ = false;               ///< the present region is the body of an innermost repeat
  std::int64_t evaluatedIterations_ = 0;
  std::vector<timing::Certificate> certificates_;
};

} // namespace acadlc::aidg
