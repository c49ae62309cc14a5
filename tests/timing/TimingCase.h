/// \file
/// Programs on small machines, written in .acadl, and the cycles that the evaluators find.
///
/// Machines are put together from the parts in the head of every description (TimingCase.cpp):
///
/// - `Front` fetches; `front.issue` leads to its ports. Unless told otherwise its unit takes 1
/// cycle,
///   its memory 1 and its stage 0: a fetch that starts at s has arrived at s + 2.
/// - `Lane` is an ExecuteStage with a FunctionalUnit `unit`, `MemoryLane` one with a
///   MemoryAccessUnit; every latency is 1 cycle unless told otherwise.
///
/// and a register file `registers` with the registers a, b and c. Instructions: `nop()`, `set(a)`
/// and `use(a)` take as long as their unit says; `work(n)`, `set_in(a, n)` and `use_in(a, n)` take
/// n cycles; `load`, `store`, `update` and others ask storages; `jump()` and `jump_if(a)` are
/// branches.
#pragma once

#include "backend/timing/Evaluation.h"
#include "tests/property/CaseBuilder.h"

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::test {

/// Cycle numbers, one for each instruction in program order.
struct Cycles {
  std::vector<std::int64_t> values;
  Cycles() = default;
  Cycles(std::initializer_list<std::int64_t> list) : values(list) {}
  friend bool operator==(const Cycles &, const Cycles &) = default;
};
std::ostream &operator<<(std::ostream &out, const Cycles &cycles);

/// When the instructions of a program passed their milestones (timing::InstructionTimes).
struct Timeline {
  Cycles fetched, issued, entered, started, finished;
  std::int64_t cycles = 0; ///< of the whole program
};

/// Runs the program of \p emits on the architecture of \p objects in every evaluator: the
/// simulator, the cycle-by-cycle stepper, and the estimator in program order, in order of time, and
/// with extrapolation. They must agree on every cycle; what they agree on is returned.
Timeline timesOf(std::string_view objects, std::string_view emits);

/// The same for a case that was built in memory, for what no description can say.
Timeline timesOf(CaseBuilder &builder);

/// The deadlock of the program, on whose verdict all evaluators must agree; on whose report the
/// simulator and the estimator must agree.
timing::DeadlockReport deadlockOf(std::string_view objects, std::string_view emits);

/// Codes of what is reported when the program is to be evaluated: "E0314 E0326"; empty if nothing
/// is.
std::string errorsOf(std::string_view objects, std::string_view emits);

/// The description that timesOf() evaluates, for tests that go on in a way of their own.
std::string describe(std::string_view objects, std::string_view emits);

} // namespace acadlc::test
