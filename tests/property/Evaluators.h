/// \file
/// The evaluators in the form in which tests compare them.
#pragma once

#include "backend/aidg/Estimator.h"
#include "backend/aidg/occupation/OccupationEvaluator.h"
#include "backend/simulate/OccupationSimulator.h"
#include "backend/simulate/Simulator.h"
#include "tests/property/Compare.h"

namespace acadlc::test {

/// The simulator.
inline timing::Evaluation runSimulator(const arch::ArchitectureGraph &graph,
                                       const program::Program &program,
                                       const timing::InstructionObserver &observer) {
  simulate::SimulateOptions options;
  options.observer = observer;
  return simulate::simulate(graph, program, options);
}

/// The literal simulator of several occupations, on whatever case.
inline timing::Evaluation runOccupations(const arch::ArchitectureGraph &graph,
                                         const program::Program &program,
                                         const timing::InstructionObserver &observer) {
  simulate::SimulateOptions options;
  options.observer = observer;
  return simulate::simulateOccupations(graph, program, options);
}

/// The fast evaluator of several occupations, on whatever case.
inline timing::Evaluation runOccupationEvaluator(const arch::ArchitectureGraph &graph,
                                                 const program::Program &program,
                                                 const timing::InstructionObserver &observer) {
  aidg::EstimateOptions options;
  options.observer = observer;
  return aidg::evaluateOccupations(graph, program, options);
}

/// The same, jumping over what recurs; it observes nothing.
inline timing::Evaluation runExtrapolatedOccupations(const arch::ArchitectureGraph &graph,
                                                     const program::Program &program,
                                                     const timing::InstructionObserver & /*none*/) {
  return aidg::evaluateOccupations(graph, program, {});
}

/// The estimator. With \p extrapolate it observes nothing, since it does not evaluate every
/// instruction; \p forceTimeOrder lets it serve merging objects in order of time from the start.
inline Evaluator estimator(bool extrapolate, bool forceTimeOrder) {
  return [=](const arch::ArchitectureGraph &graph, const program::Program &program,
             const timing::InstructionObserver &observer) {
    aidg::EstimateOptions options;
    options.extrapolate = extrapolate;
    options.forceTimeOrder = forceTimeOrder;
    if (!extrapolate)
      options.observer = observer;
    return aidg::estimate(graph, program, options);
  };
}

} // namespace acadlc::test
