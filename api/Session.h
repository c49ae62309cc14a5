/// \file
/// acadlc as a library: the one face that the command line, and later bindings, use.
///
/// A session loads one description and at most one network, and answers questions about them with
/// plain data (backend/analysis/NetworkEstimate.h). It prints nothing: what is wrong in the inputs
/// is in diagnostics(). A session belongs to one thread; estimates use more by themselves.
///
///     Session session;
///     if (session.loadDescription("std/systolic_array.acadl") &&
///         session.loadWorkload("lenet5.tir") && session.selectArchitecture({}))
///       if (auto estimate = session.estimate({}))
///         use(estimate->cycles);
#pragma once

#include "api/ColumnOptions.h"
#include "backend/analysis/NetworkEstimate.h"
#include "backend/analysis/Validation.h"
#include "backend/mapping/Match.h"
#include "backend/timing/Evaluation.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/acadl/evaluation/Module.h"
#include "frontend/network/NetworkReader.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Workload.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

/// "0.1.0"
std::string_view versionText();

/// Which architecture of the description, with which parameters.
struct Selection {
  std::string architecture; ///< empty: the only one (or that of `program`)
  std::string program;      ///< empty: none
  /// `name=value` for the architecture, `mapping.name=value` for mappings and programs.
  std::vector<ParameterOverride> parameters;
};

/// Called for every instruction of a layer in program order, layer after layer.
using TraceObserver =
    std::function<void(const std::string &layer, const program::Program &program,
                       const program::Instance &instance, const timing::InstructionTimes &times)>;

/// Instructions of a layer that are evaluated one by one before its cycles are only bounded.
inline constexpr std::int64_t defaultBudget = 1'000'000'000;
inline constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

/// How a network is read.
struct WorkloadOptions : tir::ReadOptions {
  /// Batch norms become part of the weights before them (structure/BatchNormFold.h).
  bool foldBatchNorm = true;
};

struct EstimateOptions {
  analysis::Method method = analysis::Method::Estimate;
  std::string layer; ///< this layer alone; empty: all
  std::vector<mapping::ForcedMapping> mappings;
  std::optional<workload::ElementType> elementType; ///< reads every tensor as this type
  bool strict = false;             ///< what no mapping computes or absorbs is an error
  bool extrapolate = true;         ///< false: evaluate every instruction
  bool verifyCertificates = false; ///< go through every certificate again in the simulator
  bool countResources = false;     ///< fill in the resources of layers and network
  bool boundDependences = false;   ///< fill in what dependences alone would take
  bool countUsage = false;         ///< with their usage, which may take another evaluation
  bool countLower = false;         ///< the same where caches ask other storages
  /// Fill in the timelines of layers with these instructions. They are evaluated again for it, one
  /// by one and from the first of the stream on.
  std::optional<analysis::InstructionRange> timeline;
  std::size_t timelineRows = analysis::Timeline::mostRows; ///< of a layer, at the most
  /// Fill in the memory levels of the network, and what the layers move there and take by simple
  /// models.
  bool countRooflines = false;
  /// Fill in the chains of waits of layers (analysis/WaitChain.h).
  bool findWaitChains = false;
  /// Of each layer; none: defaultBudget, but unlimited if nothing is extrapolated. Not for
  /// Method::Simulate, which evaluates everything.
  std::optional<std::int64_t> budget;
  unsigned jobs = 0;   ///< threads; 0: one for each core
  TraceObserver trace; ///< if set, nothing is extrapolated and one thread is used
  /// Called when \p done of \p total layers are known; from any thread, one call at a time.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// How a model is held against measurements; docs/validation.md.
struct ValidationOptions {
  analysis::Method method = analysis::Method::Estimate;
  std::string experiment; ///< a declaration of the description; empty: none
  /// The mapping that every row runs, by its name or that of the operator it computes. Empty: the
  /// program of the selection, or else what the experiment is for.
  std::string operatorName;
  ColumnOptions columns;
  std::optional<workload::ElementType> elementType; ///< of the operator's tensors
  bool extrapolate = true;
  std::optional<std::int64_t> budget; ///< of each row; as in EstimateOptions
  unsigned jobs = 0;                  ///< threads; 0: one for each core
  /// Called when \p done of \p total different rows are known; from any thread, one call at a time.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// How long a part of the work took.
struct Phase {
  std::string_view name;
  double seconds = 0;
};

class Session {
public:
  explicit Session(FileOverlay overlay = {});
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  // Each of the following returns false (or nothing) if it reported an error.

  /// Loads, parses and checks a description and what it imports; "std/…" is the library.
  bool loadDescription(const std::string &path);
  /// The same for a text that is no file. Imports are relative to \p folder.
  bool loadDescriptionText(std::string name, std::string text, const std::string &folder = ".");
  bool loadWorkload(const std::string &path, const WorkloadOptions &options = {});
  bool loadWorkloadText(const std::string &name, std::string text,
                        const WorkloadOptions &options = {});

  /// Reads a file with measurements (CSV).
  bool loadMeasurements(const std::string &path);
  bool loadMeasurementsText(const std::string &name, std::string text);

  /// Builds an architecture of the description.
  bool selectArchitecture(const Selection &selection);
  /// Builds what can be built of the description: the selected architecture, or all whose
  /// parameters have values; and their programs.
  bool checkDescription(const Selection &selection);
  /// Maps the network onto the selected architecture without evaluating anything.
  bool checkMapping(const EstimateOptions &options);

  /// Whether the selected architecture has a `scalar` declaration.
  [[nodiscard]] bool hasScalarCode() const;
  /// The scalar code that runs what no mapping computes of the network, as declarations of the
  /// language; layers of equal code have one. Empty if mappings compute everything.
  std::optional<std::string> scalarCode(const EstimateOptions &options);

  /// The time of the network on the selected architecture.
  std::optional<analysis::NetworkEstimate> estimate(const EstimateOptions &options);
  /// The time of the program that was selected.
  std::optional<analysis::NetworkEstimate> estimateProgram(const EstimateOptions &options);

  /// What the model says of every row of the measurements that were loaded. \p selection names the
  /// architecture, the program and what is the same in all rows; selectArchitecture is not needed.
  std::optional<analysis::Validation> validate(const Selection &selection,
                                               const ValidationOptions &options);

  /// The stream of layer `options.layer`, or of the selected program if that is empty.
  std::shared_ptr<const program::Program> stream(const EstimateOptions &options);

  /// Names of the description's programs.
  [[nodiscard]] std::vector<std::string> programs() const;
  /// Names of the description's experiments.
  [[nodiscard]] std::vector<std::string> experiments() const;
  /// The selected architecture; null if there is none.
  [[nodiscard]] const arch::ArchitectureGraph *architecture() const;
  [[nodiscard]] const workload::Workload *workload() const;
  /// The description's tree; null before it is loaded.
  [[nodiscard]] const Module *description() const;
  [[nodiscard]] const DiagnosticEngine &diagnostics() const;
  [[nodiscard]] const SourceManager &sources() const;
  [[nodiscard]] const std::vector<Phase> &phases() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace acadlc
