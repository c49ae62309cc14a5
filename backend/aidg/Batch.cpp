#include "backend/aidg/Batch.h"

#include "backend/aidg/bounds/Bounds.h"
#include "backend/aidg/occupation/OccupationEvaluator.h"
#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/recurrence/MergingEvaluator.h"
#include "backend/aidg/recurrence/ProgramOrderEvaluator.h"
#include "backend/timing/Machine.h"
#include "support/InternalError.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace acadlc::aidg {

namespace {

/// A stream made ready for its evaluator.
struct Stream {
  const program::Program *program = nullptr;
  std::unique_ptr<const Plan> plan; ///< null: of several occupations
  /// If it can be evaluated in program order.
  std::unique_ptr<const FlatProgram> flat;
  std::size_t group = 0;
};

Stream prepare(const arch::ArchitectureGraph &graph, const program::Program &program) {
  Stream stream;
  stream.program = &program;
  if (timing::usesOccupations(graph, program))
    return stream;
  stream.plan = std::make_unique<const Plan>(makePlan(graph, program));
  if (!stream.plan->hasEndlessLatency && !stream.plan->needsTimeOrder())
    stream.flat = std::make_unique<const FlatProgram>(*stream.plan);
  return stream;
}

timing::Evaluation evaluateInProgramOrder(const Stream &stream, const EstimateOptions &options,
                                          Transitions &transitions) {
  const auto evaluate = [&](const EstimateOptions &with) {
    return ProgramOrderEvaluator(*stream.plan, *stream.flat, with, transitions).run();
  };
  if (!stream.flat->checksOrder)
    return *evaluate(options);
  // The attempt may have to be given up: find out without the observer.
  EstimateOptions silent = options;
  silent.observer = nullptr;
  auto result = evaluate(silent);
  if (!result)
    return evaluateInTimeOrder(*stream.plan, options);
  return options.observer ? *evaluate(options) : std::move(*result);
}

/// The usage of a stream that takes \p cycles, found in the order of time.
std::optional<timing::Usage> usageOf(const Plan &plan, const EstimateOptions &options,
                                     std::int64_t cycles) {
  EstimateOptions silent = options;
  silent.observer = nullptr;
  timing::Evaluation again = evaluateInTimeOrder(plan, silent);
  if (!again.completed())
    return std::nullopt;
  ACADLC_CHECK(again.cycles == cycles, "both evaluations of a stream give the same cycles");
  return std::move(again.usage);
}

/// What is answered if the budget did not suffice. \p isFinal: no instruction that has not been
/// evaluated can change the times of those that have been.
timing::Evaluation bounded(timing::Evaluation result,
                           const std::optional<timing::CycleBounds> &bounds, bool isFinal) {
  result.budgetReached = false;
  if (!bounds) {
    result.overflow = timing::Overflow::Cycles;
    return result;
  }
  result.guarantee = timing::Guarantee::Bounded;
  result.bounds = *bounds;
  // What has finished is a part of the whole.
  if (isFinal)
    result.bounds.lower = std::max(result.bounds.lower, result.cycles);
  result.cycles = 0;
  // Bounds that meet are a proof.
  if (result.bounds.lower == result.bounds.upper && !result.bounds.ifCompletes) {
    result.guarantee = timing::Guarantee::Certified;
    result.cycles = result.bounds.lower;
  }
  return result;
}

} // namespace

struct Batch::State {
  const arch::ArchitectureGraph &graph;
  std::vector<Stream> streams;
  std::vector<std::vector<std::size_t>> groups;
  std::vector<Transitions> transitions; ///< by group
};

Batch::Batch(const arch::ArchitectureGraph &graph, std::span<const program::Program *const> streams)
    : state_(new State{graph, {}, {}, {}}) {
  std::map<std::vector<std::int64_t>, std::size_t> groupOf;
  for (const program::Program *program : streams) {
    Stream &stream = state_->streams.emplace_back(prepare(graph, *program));
    stream.group = state_->groups.size();
    if (stream.flat && !stream.flat->usesAddresses)
      stream.group = groupOf.try_emplace(stream.flat->layout.signature, stream.group).first->second;
    if (stream.group == state_->groups.size())
      state_->groups.emplace_back();
    state_->groups[stream.group].push_back(state_->streams.size() - 1);
  }
  state_->transitions.resize(state_->groups.size());
}

Batch::~Batch() = default;
Batch::Batch(Batch &&) noexcept = default;
Batch &Batch::operator=(Batch &&) noexcept = default;

const std::vector<std::vector<std::size_t>> &Batch::groups() const { return state_->groups; }

timing::Evaluation Batch::estimate(std::size_t index, const EstimateOptions &options) {
  const Stream &stream = state_->streams[index];
  if (!stream.plan) {
    timing::Evaluation result = evaluateOccupations(state_->graph, *stream.program, options);
    if (!result.budgetReached || result.overflow)
      return result;
    const timing::CycleBounds bounds = result.bounds;
    return bounded(std::move(result), bounds, true);
  }
  if (stream.plan->hasEndlessLatency) {
    timing::Evaluation result;
    result.overflow =
        stream.program->totals() ? timing::Overflow::Latency : timing::Overflow::Counts;
    return result;
  }
  const bool inTimeOrder = options.forceTimeOrder || !stream.flat;
  timing::Evaluation result =
      inTimeOrder ? evaluateInTimeOrder(*stream.plan, options)
                  : evaluateInProgramOrder(stream, options, state_->transitions[stream.group]);
  if (options.countUsage && !inTimeOrder && result.completed())
    result.usage = usageOf(*stream.plan, options, result.cycles);
  if (!result.budgetReached)
    return result;
  return bounded(std::move(result), boundCycles(*stream.plan, BoundsBudget::of(options.budget)),
                 inTimeOrder || !stream.flat->checksOrder);
}

timing::Evaluation estimate(const arch::ArchitectureGraph &graph, const program::Program &program,
                            const EstimateOptions &options) {
  const program::Program *const only = &program;
  return Batch(graph, {&only, 1}).estimate(0, options);
}

} // namespace acadlc::aidg
