/// \file
/// Compares evaluators on random cases, and checks the times that one observes on their own.
#pragma once

#include "backend/timing/Evaluation.h"
#include "tests/property/RandomCase.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace acadlc::test {

/// An evaluator under test. It calls the observer for every instruction in program order, or not at
/// all if it cannot.
using Evaluator =
    std::function<timing::Evaluation(const arch::ArchitectureGraph &, const program::Program &,
                                     const timing::InstructionObserver &)>;

/// What an evaluator said about a case.
struct Observation {
  timing::Evaluation evaluation;
  std::vector<timing::InstructionTimes> times; ///< by index in the stream
};
Observation observe(const RandomCase &randomCase, const Evaluator &evaluator);

/// How two reports on the same deadlock differ, in the cycle or in any wait; empty if they do not.
std::string differenceInDeadlock(const timing::DeadlockReport &a, const timing::DeadlockReport &b);
/// How two observations differ: in the verdict on deadlock, the cycles, the number of instructions
/// or the times of any instruction (if both observed them). Empty if they do not.
std::string difference(const Observation &a, const Observation &b);

/// Which rule of docs/timing.md the times break; empty if none of those that can be checked from
/// outside: milestones in order, stage latencies, buffer size, one issue a port and cycle in order,
/// dependences, exclusive units, slots of SRAMs.
std::string brokenRule(const RandomCase &randomCase, const Observation &observation);

/// Result of comparing on many cases.
struct Comparison {
  std::uint64_t cases = 0, deadlocks = 0, failures = 0;
  std::string firstFailure; ///< case and difference
};
/// Compares two evaluators on the cases of the seeds first … first + count − 1.
Comparison compareOnRandomCases(const Knobs &knobs, std::uint64_t first, std::uint64_t count,
                                const Evaluator &a, const Evaluator &b);

} // namespace acadlc::test
