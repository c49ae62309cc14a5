#include "api/Validate.h"

#include "api/Evaluate.h"
#include "api/Parallel.h"
#include "backend/mapping/Lower.h"
#include "backend/mapping/Problem.h"
#include "backend/timing/Evaluable.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>

namespace acadlc {

namespace {

using analysis::Validation;
using Kind = Bindable::Kind;

/// What one row asks for.
struct Job {
  std::size_t measurement = 0;  ///< the first row that asks for it
  std::size_t architecture = 0; ///< into the list of architectures
  std::int64_t cycles = 0;
  timing::Guarantee guarantee = timing::Guarantee::Exact;
  timing::CycleBounds bounds{}; ///< if bounded
  DiagnosticEngine problems{};
};

/// An architecture with parameters that some jobs share: built by the first of them that runs, and
/// dropped by the last.
struct SharedArchitecture {
  std::once_flag once;
  std::optional<ElaboratedArchitecture> built;
  DiagnosticEngine problems;
  std::size_t firstJob = 0;
  std::atomic<std::size_t> jobsLeft = 0;
};

class Validator {
public:
  Validator(const ValidationInputs &inputs, SourceManager &sources, DiagnosticEngine &diagnostics)
      : inputs_(inputs), sources_(sources), diagnostics_(diagnostics) {}

  std::optional<Validation> run() {
    const std::size_t errors = diagnostics_.errorCount();
    const auto good = [&] { return diagnostics_.errorCount() == errors; };
    findProblem();
    findBindables();
    parseOverrides(inputs_.architectureOverrides, architectureOverrides_);
    parseOverrides(inputs_.otherOverrides, otherOverrides_);
    if (!good())
      return std::nullopt;
    const Scope &home = inputs_.experiment ? *inputs_.experiment->home : targetHome();
    measurements_ =
        readMeasurements({inputs_.table, inputs_.options.columns,
                          inputs_.experiment ? inputs_.experiment->declaration : nullptr, home,
                          bindables_, isFixed()},
                         sources_, diagnostics_);
    if (!measurements_)
      return std::nullopt;
    makeJobs();
    runJobs();
    reportProblems();
    return good() ? std::optional(result()) : std::nullopt;
  }

private:
  [[nodiscard]] const Scope &targetHome() const {
    return inputs_.mapping ? *inputs_.mapping->home : *inputs_.program->home;
  }
  [[nodiscard]] const ast::Identifier &targetName() const {
    return inputs_.mapping ? inputs_.mapping->declaration->name
                           : inputs_.program->declaration->name;
  }

  void findProblem() {
    if (!inputs_.mapping)
      return;
    mapping::ProblemFailure failure;
    problem_ =
        mapping::Problem::of(*inputs_.mapping->declaration, inputs_.options.elementType, failure);
    if (!problem_)
      diagnostics_.report(DiagnosticCode::NoProblem, failure.range, targetName().text.str(),
                          failure.reason);
  }

  void findBindables() {
    bindables_ = inputs_.mapping
                     ? bindablesOf(*inputs_.mapping->declaration, *inputs_.mapping->home)
                     : bindablesOf(*inputs_.program->declaration, *inputs_.program->home);
    const Module *module = inputs_.compilation.moduleAt(inputs_.architecture.name.range.begin);
    ACADLC_CHECK(module, "an architecture that is in no file of the compilation");
    const auto more = bindablesOf(inputs_.architecture, *module->scope);
    bindables_.insert(bindables_.end(), more.begin(), more.end());
  }

  /// Many threads will use them, so no text may be added to the sources by then.
  void parseOverrides(const std::vector<ParameterOverride> &given,
                      std::vector<ParameterOverride> &parsed) {
    for (const ParameterOverride &override : given) {
      overrideTexts_.push_back(parseOverride("-P", override.name, override.value, sources_));
      const ParsedOverride &text = overrideTexts_.back();
      if (text.expression == nullptr) {
        auto report =
            diagnostics_.report(DiagnosticCode::OverrideSyntax, text.valueRange, override.name);
        for (const DiagnosticNote &problem : text.problems)
          report.note(problem.range, problem.message);
      }
      parsed.push_back({override.name, override.value, text.expression});
    }
  }

  /// Which bindables `-P` sets for all rows.
  [[nodiscard]] std::vector<bool> isFixed() const {
    std::vector<bool> fixed;
    for (const Bindable &bindable : bindables_) {
      const std::string name = overrideName(bindable);
      const auto isIt = [&](const ParameterOverride &override) { return override.name == name; };
      fixed.push_back(!bindable.isHeader() && (std::ranges::any_of(architectureOverrides_, isIt) ||
                                               std::ranges::any_of(otherOverrides_, isIt)));
    }
    return fixed;
  }

  static std::string overrideName(const Bindable &bindable) {
    return bindable.kind == Kind::ArchitectureParameter ? bindable.name.text.str()
                                                        : bindable.qualifiedName();
  }

  //===--- Jobs -------------------------------------------------------------------------------===//

  void makeJobs() {
    std::map<std::string, std::size_t> architectures;
    std::map<std::string, std::size_t> jobs;
    std::vector<Job> unsorted;
    for (std::size_t i = 0; i < measurements_->rows.size(); ++i) {
      const std::string architecture = keyOf(measurements_->rows[i], true);
      const auto [shared, isNew] = architectures.try_emplace(architecture, architectures_.size());
      if (isNew)
        architectures_.emplace_back();
      const std::string key =
          std::to_string(shared->second) + ":" + keyOf(measurements_->rows[i], false);
      const auto [job, isNewJob] = jobs.try_emplace(key, unsorted.size());
      if (isNewJob)
        unsorted.push_back({i, shared->second});
      jobOf_.push_back(job->second);
    }
    sortJobs(std::move(unsorted));
  }

  /// Jobs of one architecture run one after the other, so that it can be dropped early.
  void sortJobs(std::vector<Job> unsorted) {
    std::vector<std::size_t> order(unsorted.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return unsorted[i].architecture; });
    std::vector<std::size_t> placeOf(unsorted.size());
    for (std::size_t place = 0; place < order.size(); ++place) {
      placeOf[order[place]] = place;
      SharedArchitecture &shared = architectures_[unsorted[order[place]].architecture];
      if (shared.jobsLeft++ == 0)
        shared.firstJob = place;
      jobs_.push_back(std::move(unsorted[order[place]]));
    }
    for (std::size_t &job : jobOf_)
      job = placeOf[job];
  }

  /// Equal for rows that agree in the parameters of the architecture (or in all else).
  [[nodiscard]] std::string keyOf(const Measurement &measurement, bool ofArchitecture) const {
    std::string key;
    for (std::size_t i = 0; i < bindables_.size(); ++i)
      if ((bindables_[i].kind == Kind::ArchitectureParameter) == ofArchitecture) {
        const std::string text =
            measurement.values[i] ? exactText(*measurement.values[i]) : std::string();
        key += fmt::format("{}:{} ", text.size(), text);
      }
    return key;
  }

  /// Different for different values of a type; what people read rounds times and frequencies.
  static std::string exactText(const Value &value) {
    return value.is(Value::Kind::Real) ? fmt::format("{:a}", value.asReal()) : value.text();
  }

  void runJobs() {
    std::mutex mutex;
    std::size_t done = 0;
    const auto finishedOne = [&] {
      const std::lock_guard lock(mutex);
      ++done;
      if (inputs_.options.progress)
        inputs_.options.progress(done, jobs_.size());
    };
    if (inputs_.options.progress)
      inputs_.options.progress(0, jobs_.size());
    forEachInParallel(jobs_.size(), threadCount(inputs_.options.jobs), [&](std::size_t i) {
      if (!isBeyondFailures(i)) {
        runJob(jobs_[i], architectures_[jobs_[i].architecture]);
        if (jobs_[i].problems.hasErrors())
          noteFailure(i);
      }
      finishedOne();
    });
  }

  /// Whether so many jobs in front of job \p i have failed that nothing of it will be shown. Asks
  /// for those in front alone, so that what is reported does not depend on the threads.
  bool isBeyondFailures(std::size_t i) {
    const std::lock_guard lock(failuresMutex_);
    return failures_.size() >= mostFailures && *std::next(failures_.begin(), mostFailures - 1) < i;
  }
  void noteFailure(std::size_t i) {
    const std::lock_guard lock(failuresMutex_);
    failures_.insert(i);
    if (failures_.size() > mostFailures)
      failures_.erase(std::prev(failures_.end()));
  }

  void runJob(Job &job, SharedArchitecture &shared) {
    std::call_once(shared.once, [&] {
      shared.built =
          elaborate(inputs_.compilation, inputs_.architecture,
                    overridesOf(measurements_->rows[jobs_[shared.firstJob].measurement], true),
                    sources_, shared.problems);
    });
    if (shared.built)
      evaluate(job, *shared.built);
    else if (shared.problems.hasErrors())
      job.problems = shared.problems;
    if (--shared.jobsLeft == 0)
      shared.built.reset();
  }

  /// What `-P` and a row set.
  [[nodiscard]] std::vector<ParameterOverride> overridesOf(const Measurement &measurement,
                                                           bool ofArchitecture) const {
    std::vector<ParameterOverride> overrides =
        ofArchitecture ? architectureOverrides_ : otherOverrides_;
    for (std::size_t i = 0; i < bindables_.size(); ++i) {
      const Bindable &bindable = bindables_[i];
      const bool isMeant = (bindable.kind == Kind::ArchitectureParameter) == ofArchitecture;
      if (isMeant && !bindable.isHeader() && measurement.values[i])
        overrides.push_back({overrideName(bindable), "", nullptr, measurement.values[i]});
    }
    return overrides;
  }

  /// How rows are evaluated.
  [[nodiscard]] EstimateOptions ofRows() const {
    EstimateOptions options;
    options.method = inputs_.options.method;
    options.extrapolate = inputs_.options.extrapolate;
    options.budget = inputs_.options.budget;
    return options;
  }

  void evaluate(Job &job, const ElaboratedArchitecture &architecture) {
    const auto lowered = lower(job, architecture);
    if (!lowered || !timing::checkEvaluable(architecture.graph, lowered->program, job.problems))
      return;
    const timing::Evaluation evaluation =
        evaluateStream(architecture.graph, lowered->program, ofRows());
    if (!evaluation.completed())
      timing::reportFailure(evaluation, architecture.graph, targetName().range, job.problems);
    job.cycles = evaluation.cycles;
    job.guarantee = evaluation.guarantee;
    job.bounds = evaluation.bounds;
  }

  std::optional<mapping::LoweredLayer> lower(Job &job, const ElaboratedArchitecture &architecture) {
    const Measurement &measurement = measurements_->rows[job.measurement];
    const std::vector<ParameterOverride> overrides = overridesOf(measurement, false);
    const mapping::LoweringOptions options{overrides, {}};
    if (inputs_.program)
      return mapping::lower(*inputs_.program->declaration, architecture, *inputs_.program->home,
                            sources_, job.problems, options);
    const auto match = matchOf(job, measurement, architecture);
    return match ? mapping::lower(*match, architecture, *inputs_.mapping->home, sources_,
                                  job.problems, options)
                 : std::nullopt;
  }

  std::optional<mapping::Match> matchOf(Job &job, const Measurement &measurement,
                                        const ElaboratedArchitecture &architecture) {
    std::vector<std::int64_t> extents;
    std::vector<std::int64_t> coefficients;
    for (std::size_t i = 0; i < bindables_.size(); ++i) {
      const auto &value = measurement.values[i];
      if (bindables_[i].kind == Kind::Extent)
        extents.push_back(value->asInt());
      else if (bindables_[i].kind == Kind::Coefficient)
        coefficients.push_back(value ? value->asInt()
                                     : problem_->defaultCoefficient(coefficients.size()));
    }
    mapping::ProblemFailure failure;
    auto match = problem_->match(extents, coefficients, failure);
    if (!match) {
      reportMisfit(job, measurement, failure.reason, failure.range);
      return std::nullopt;
    }
    const std::size_t errors = job.problems.errorCount();
    if (mapping::guardHolds(*match, architecture, *inputs_.mapping->home, job.problems))
      return match;
    if (job.problems.errorCount() == errors)
      reportMisfit(job, measurement, "its condition does not hold",
                   inputs_.mapping->declaration->guard->range);
    return std::nullopt;
  }

  void reportMisfit(Job &job, const Measurement &measurement, const std::string &reason,
                    SourceRange declared) {
    job.problems
        .report(DiagnosticCode::RowDoesNotFit, inputs_.table.row(measurement.row),
                targetName().text.str(), reason)
        .note(declared, "what the mapping says");
  }

  //===--- Results ----------------------------------------------------------------------------===//

  void reportProblems() {
    for (const SharedArchitecture &shared : architectures_)
      if (!shared.problems.hasErrors())
        diagnostics_.append(shared.problems); // warnings
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const Job &job = jobs_[i];
      const bool isShown = !job.problems.hasErrors() || failures_.contains(i);
      if (isShown && !job.problems.diagnostics().empty())
        diagnostics_.append(job.problems, {rowOf(job), "for this row"});
    }
  }

  [[nodiscard]] SourceRange rowOf(const Job &job) const {
    return inputs_.table.row(measurements_->rows[job.measurement].row);
  }

  Validation result() {
    Validation validation;
    validation.method = inputs_.options.method;
    validation.architecture = inputs_.architecture.name.text.str();
    validation.file = sources_.name(inputs_.table.file);
    if (inputs_.experiment)
      validation.experiment = inputs_.experiment->declaration->name.text.str();
    validation.target = targetName().text.str();
    validation.isProgram = inputs_.program.has_value();
    describeEvaluation(validation.asked, ofRows());
    if (inputs_.options.elementType)
      validation.asked.elementType = inputs_.options.elementType->name();
    validation.columns = measurements_->columns;
    validation.groupBy = measurements_->groupBy;
    std::map<std::vector<std::string>, std::size_t> groups;
    for (std::size_t i = 0; i < measurements_->rows.size(); ++i) {
      Measurement &measurement = measurements_->rows[i];
      const Job &job = jobs_[jobOf_[i]];
      const SourceLocation begin = inputs_.table.row(measurement.row).begin;
      analysis::ValidationRow row{sources_.lineColumn(begin).line + 1,
                                  {measurement.cycles, job.cycles},
                                  job.guarantee,
                                  std::move(measurement.shown),
                                  0,
                                  job.bounds};
      if (!validation.groupBy.empty()) {
        const auto [group, isNew] = groups.try_emplace(measurement.group, validation.groups.size());
        if (isNew)
          validation.groups.push_back({measurement.group, {}});
        row.group = group->second;
      }
      validation.rows.push_back(std::move(row));
    }
    analysis::summarize(validation);
    return validation;
  }

  static constexpr std::size_t mostFailures = DiagnosticEngine::maxErrors;

  const ValidationInputs &inputs_;
  SourceManager &sources_;
  DiagnosticEngine &diagnostics_;
  std::optional<mapping::Problem> problem_; ///< of a mapping
  std::vector<Bindable> bindables_;
  std::deque<ParsedOverride> overrideTexts_;
  std::vector<ParameterOverride> architectureOverrides_, otherOverrides_;
  std::optional<MeasurementTable> measurements_;
  std::deque<SharedArchitecture> architectures_;
  std::vector<Job> jobs_;
  std::vector<std::size_t> jobOf_; ///< one for each measurement
  std::mutex failuresMutex_;
  std::set<std::size_t> failures_; ///< the first jobs that failed
};

} // namespace

std::optional<Validation> validate(const ValidationInputs &inputs, SourceManager &sources,
                                   DiagnosticEngine &diagnostics) {
  return Validator(inputs, sources, diagnostics).run();
}

} // namespace acadlc
