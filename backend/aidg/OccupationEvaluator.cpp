#include "backend/aidg/OccupationEvaluator.h"

#include "backend/aidg/LoopRolling.h"
#include "backend/aidg/OccupationEngine.h"
#include "backend/aidg/OccupationRepeats.h"

namespace acadlc::aidg {

namespace {

timing::Evaluation evaluateAll(const arch::ArchitectureGraph &graph,
                               const program::Program &program, const EstimateOptions &options) {
  const OccupationPlan plan = makeOccupationPlan(graph, program);
  return OccupationEngine(plan, options).run();
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
  timing::Evaluation result = OccupationEngine(plan, options).run();
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
  if (!totals) {
    timing::Evaluation result;
    result.overflow = true;
    return result;
  }
  const bool mayJump = options.extrapolate && !options.observer &&
                       options.maxInstructions == EstimateOptions{}.maxInstructions;
  return mayJump ? evaluateRecurring(graph, program, *totals, options)
                 : evaluateAll(graph, program, options);
}

} // namespace acadlc::aidg
