#include "backend/aidg/Estimator.h"

#include "backend/aidg/MergingEvaluator.h"
#include "backend/aidg/OccupationEvaluator.h"
#include "backend/aidg/ProgramOrderEvaluator.h"
#include "backend/timing/Machine.h"

namespace acadlc::aidg {

timing::Evaluation estimate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const EstimateOptions &options) {
  if (timing::usesOccupations(graph, program))
    return evaluateOccupations(graph, program, options);
  const Plan plan = makePlan(graph, program);
  if (plan.hasEndlessLatency) {
    timing::Evaluation result;
    result.overflow = true;
    return result;
  }
  if (options.forceTimeOrder || plan.needsTimeOrder())
    return evaluateInTimeOrder(plan, options);
  if (!options.observer) {
    if (auto result = ProgramOrderEvaluator(plan, options).run())
      return std::move(*result);
    return evaluateInTimeOrder(plan, options);
  }
  // An attempt in program order may have to be given up: find out without the observer.
  EstimateOptions silent = options;
  silent.observer = nullptr;
  if (!ProgramOrderEvaluator(plan, silent).run())
    return evaluateInTimeOrder(plan, options);
  auto result = ProgramOrderEvaluator(plan, options).run();
  return std::move(*result);
}

} // namespace acadlc::aidg
