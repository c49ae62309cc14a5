#include "backend/aidg/occupation/OccupationEvaluator.h"

#include "backend/aidg/bounds/Bounds.h"
#include "backend/aidg/occupation/LoopRolling.h"
#include "backend/aidg/occupation/OccupationEngine.h"
#include "backend/aidg/occupation/OccupationFences.h"
#include "backend/aidg/occupation/OccupationRepeats.h"
#include "backend/timing/TimeLimit.h"

#include <algorithm>

namespace acadlc::aidg {

namespace {

timing::Evaluation evaluate(const arch::ArchitectureGraph &graph, const OccupationPlan &plan,
                            const EstimateOptions &options) {
  OccupationEngine engine(plan, options);
  timing::Evaluation result = engine.run();
  if (!result.budgetReached)
    return result;
  auto bounds = boundOccupations(graph, *plan.program, engine.progress());
  if (!plan.repeats.empty() && isOrderFixed(plan))
    if (const auto upper = boundByFences(plan, options.budget))
      bounds = bounds ? timing::CycleBounds{bounds->lower, std::min(bounds->upper, *upper), true}
                      : timing::CycleBounds{0, *upper, true};
  if (bounds)
    result.bounds = *bounds;
  else
    result.overflow = timing::Overflow::Cycles;
  return result;
}

timing::Evaluation evaluateAll(const arch::ArchitectureGraph &graph,
                               const program::Program &program, const EstimateOptions &options) {
  const OccupationPlan plan = makeOccupationPlan(graph, program);
  return evaluate(graph, plan, options);
}

/// The same, jumping where a loop recurs, be it one that lowering has written out.
timing::Evaluation evaluateRecurring(const arch::ArchitectureGraph &graph,
                                     const program::Program &program,
                                     const program::Program::Totals &totals,
                                     const EstimateOptions &options) {
  const std::optional<RolledProgram> rolled = rollLoops(program);
  OccupationPlan plan = makeOccupationPlan(graph, rolled ? rolled->program : program);
  planRepeats(plan);
  if (rolled) {
    plan.kernelTrips = rolled->kernelTrips;
    plan.isWrittenOut = rolled->isWrittenOut;
  }
  timing::Evaluation result = evaluate(graph, plan, options);
  // Iterations are counted as in the program that was given.
  const std::int64_t skipped = result.kernelIterations - result.evaluatedIterations;
  result.kernelIterations = totals.kernelIterations;
  result.evaluatedIterations = totals.kernelIterations - skipped;
  return result;
}

} // namespace

timing::Evaluation evaluateOccupations(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const EstimateOptions &options) {
  const std::optional<program::Program::Totals> totals = program.totals();
  if (!totals || timing::exceedsLongestLatency(graph, program)) {
    timing::Evaluation result;
    result.overflow = totals ? timing::Overflow::Latency : timing::Overflow::Counts;
    return result;
  }
  const bool mayJump = options.extrapolate && !options.observer &&
                       options.maxInstructions == EstimateOptions{}.maxInstructions;
  return mayJump ? evaluateRecurring(graph, program, *totals, options)
                 : evaluateAll(graph, program, options);
}

} // namespace acadlc::aidg
