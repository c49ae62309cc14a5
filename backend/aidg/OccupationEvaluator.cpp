#include "backend/aidg/OccupationEvaluator.h"

#include "backend/aidg/OccupationEngine.h"

namespace acadlc::aidg {

timing::Evaluation evaluateOccupations(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const EstimateOptions &options) {
  if (!program.totals()) {
    timing::Evaluation result;
    result.overflow = true;
    return result;
  }
  const OccupationPlan plan = makeOccupationPlan(graph, program);
  return OccupationEngine(plan, options).run();
}

} // namespace acadlc::aidg
