#include "api/Session.h"

#include "api/DeclaredWork.h"
#include "api/Description.h"
#include "api/Evaluate.h"
#include "api/Layers.h"
#include "api/Validate.h"
#include "backend/mapping/Header.h"
#include "backend/mapping/Problem.h"
#include "backend/timing/Evaluable.h"
#include "frontend/acadl/check/Check.h"
#include "structure/BatchNormFold.h"
#include "support/Csv.h"
#include "support/InternalError.h"
#include "support/TextFile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace acadlc {

namespace {

using analysis::NetworkEstimate;
using ast::ArchitectureDeclaration;

/// Adds the time between its construction and its end to a list.
class PhaseTimer {
public:
  PhaseTimer(std::vector<Phase> &phases, std::string_view name)
      : phases_(phases), name_(name), begin_(std::chrono::steady_clock::now()) {}
  ~PhaseTimer() {
    const std::chrono::duration<double> length = std::chrono::steady_clock::now() - begin_;
    phases_.push_back({name_, length.count()});
  }
  PhaseTimer(const PhaseTimer &) = delete;
  PhaseTimer &operator=(const PhaseTimer &) = delete;

private:
  std::vector<Phase> &phases_;
  std::string_view name_;
  std::chrono::steady_clock::time_point begin_;
};

/// "; did you mean 'x'?", "; there are: a, b" or "; there are none".
std::string suggestion(std::string_view word, const std::vector<std::string> &names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view nearest = nearestName(word, views);
  if (!nearest.empty())
    return fmt::format("; did you mean '{}'?", nearest);
  constexpr std::size_t shown = 12;
  if (names.empty())
    return "; there are none";
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i)
    text += (i == 0 ? "; there are: " : ", ") + names[i];
  return names.size() > shown ? text + ", …" : text;
}

template <typename List> std::vector<std::string> namesOf(const List &declarations) {
  std::vector<std::string> names;
  names.reserve(declarations.size());
  for (const auto *declaration : declarations)
    names.push_back(declaration->name.text.str());
  return names;
}

} // namespace

std::string_view versionText() { return ACADLC_VERSION; }

struct Session::State {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation;
  std::optional<workload::Workload> workload;
  WorkloadOptions reading; ///< how `workload` was read
  std::optional<CsvTable> measurements;
  std::vector<Phase> phases;

  // What selectArchitecture has chosen
  std::optional<ElaboratedArchitecture> architecture;
  std::optional<Declared<ast::ProgramDeclaration>> program;
  std::vector<ParameterOverride> overrides; ///< of mappings and programs: `owner.name`

  explicit State(FileOverlay overlay) : compilation(sources, diagnostics, std::move(overlay)) {}

  /// What \p work reports decides: true if it reports no error.
  template <typename Work> bool withoutErrors(Work work) {
    const std::size_t before = diagnostics.errorCount();
    work();
    return diagnostics.errorCount() == before;
  }

  bool checkModules() {
    return withoutErrors([&] { check(compilation, diagnostics); }) &&
           withoutErrors([&] { evaluateConstants(compilation, diagnostics); });
  }

  bool findProgram(const std::string &name) {
    const auto all = programsFor(compilation, nullptr);
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto &entry) {
      return entry.declaration->name.text == name;
    });
    if (found == all.end()) {
      std::vector<std::string> names;
      names.reserve(all.size());
      for (const auto &entry : all)
        names.push_back(entry.declaration->name.text.str());
      diagnostics.report(DiagnosticCode::UnknownProgram, {}, name, suggestion(name, names));
      return false;
    }
    program = *found;
    return true;
  }

  const ArchitectureDeclaration *namedArchitecture(const std::string &name) {
    const auto *found = findArchitecture(compilation, name);
    if (found == nullptr)
      diagnostics.report(DiagnosticCode::UnknownArchitecture, {}, name,
                         suggestion(name, namesOf(architecturesOf(compilation))));
    return found;
  }

  /// The architecture that \p selection means; null if that was reported as wrong.
  const ArchitectureDeclaration *choose(const Selection &selection) {
    if (!selection.architecture.empty())
      return namedArchitecture(selection.architecture);
    if (program)
      return architectureOf(*program);
    const auto all = architecturesOf(compilation);
    if (all.empty())
      diagnostics.report(DiagnosticCode::NoArchitecture, {});
    else if (all.size() > 1)
      diagnostics.report(DiagnosticCode::ArchitectureNeeded, {}, all.size(),
                         joinNames(namesOf(all), [](const auto &name) { return name; }));
    return all.size() == 1 ? all.front() : nullptr;
  }

  /// Parts `owner.name=value` from `name=value`, which are returned.
  std::vector<ParameterOverride> splitOverrides(const Selection &selection,
                                                const ArchitectureDeclaration &chosen) {
    std::vector<std::string> owners;
    for (const auto &mapping : mappingsFor(compilation, chosen))
      owners.push_back(mapping.declaration->name.text.str());
    for (const auto &entry : programsFor(compilation, &chosen))
      owners.push_back(entry.declaration->name.text.str());
    std::vector<ParameterOverride> own;
    overrides.clear();
    for (const ParameterOverride &parameter : selection.parameters) {
      const std::size_t dot = parameter.name.find('.');
      if (dot == std::string::npos) {
        own.push_back(parameter);
        continue;
      }
      const std::string owner = parameter.name.substr(0, dot);
      if (std::find(owners.begin(), owners.end(), owner) == owners.end())
        diagnostics.report(DiagnosticCode::UnknownParameterOwner, {}, owner, chosen.name.text.str(),
                           parameter.name.substr(dot + 1));
      overrides.push_back(parameter);
    }
    return own;
  }

  bool build(const Selection &selection, const ArchitectureDeclaration &chosen) {
    const PhaseTimer timer(phases, "build architecture");
    return withoutErrors([&] {
      const auto own = splitOverrides(selection, chosen);
      architecture = elaborate(compilation, chosen, own, sources, diagnostics);
    });
  }

  /// Whether every parameter of \p parameters has a default or is set in \p selection.
  static bool hasValues(llvm::ArrayRef<ast::Parameter> parameters, const Selection &selection,
                        const std::string &prefix) {
    return std::all_of(parameters.begin(), parameters.end(), [&](const ast::Parameter &parameter) {
      return parameter.defaultValue != nullptr ||
             std::any_of(selection.parameters.begin(), selection.parameters.end(),
                         [&](const ParameterOverride &given) {
                           return given.name == prefix + parameter.name.text.str();
                         });
    });
  }

  /// Elaborates \p chosen and lowers its programs, as far as parameters have values.
  void checkArchitecture(const Selection &selection, const ArchitectureDeclaration &chosen) {
    if (!hasValues(chosen.parameters, selection, "") || !build(selection, chosen) || !architecture)
      return;
    for (const auto &entry : programsFor(compilation, &chosen))
      if (hasValues(entry.declaration->parameters, selection,
                    entry.declaration->name.text.str() + "."))
        makeProgramLayer(entry, *architecture, overrides, sources, diagnostics);
  }

  void checkHeaders(const ArchitectureDeclaration &chosen) {
    for (const auto &entry : mappingsFor(compilation, chosen)) {
      mapping::HeaderProblem problem;
      if (!mapping::readHeader(*entry.declaration, problem))
        diagnostics.report(DiagnosticCode::MappingNeverFits, problem.range,
                           entry.declaration->name.text.str(), problem.reason);
    }
  }

  /// The call of the layer called \p layer: itself, or what stands in front of `.stage` or `[1]`;
  /// empty if the network has none.
  [[nodiscard]] std::string callOf(const std::string &layer) const {
    std::string found;
    for (const workload::Call &call : workload->calls) {
      const bool isPrefix = layer.size() > call.name.size() && layer.starts_with(call.name) &&
                            (layer[call.name.size()] == '.' || layer[call.name.size()] == '[');
      if (layer == call.name)
        return layer;
      if (isPrefix && call.name.size() > found.size())
        found = call.name;
    }
    return found;
  }

  /// Reports if the call of `--layer` has no layer of that name, which \p list would hold.
  void checkLayer(const LayerList &list, const EstimateOptions &options) {
    const std::string call = options.layer.empty() ? "" : callOf(options.layer);
    if (call == options.layer || !list.layers.empty() || !list.unmapped.empty())
      return;
    std::vector<std::string> names;
    for (const Layer &layer : list.others)
      names.push_back(layer.estimate.name);
    diagnostics.report(DiagnosticCode::UnknownLayer, {}, options.layer,
                       suggestion(options.layer, names));
  }

  [[nodiscard]] bool hasScalar() const {
    return scalarFor(compilation, *architecture->declaration).has_value();
  }

  /// The operators of the network that a mapping could be for, each once, in their order.
  [[nodiscard]] std::vector<std::string> operatorNames() const {
    std::vector<std::string> names;
    const auto add = [&](workload::OperatorKind kind) {
      const std::string_view name = workload::operatorName(kind);
      if (std::ranges::find(names, name) == names.end())
        names.emplace_back(name);
    };
    for (const workload::Call &call : workload->calls) {
      if (call.freeReason == workload::FreeReason::None)
        add(call.kind);
      for (const workload::Contraction &sum : call.sums)
        add(sum.kind);
    }
    return names;
  }

  /// `--mapping` must name a layer or an operator of the network, and a mapping of the
  /// architecture.
  void checkForced(const mapping::ForcedMapping &forced, const std::vector<std::string> &layers,
                   const std::vector<std::string> &mappings) {
    const std::vector<std::string> operators = operatorNames();
    std::vector<std::string> targets = layers;
    targets.insert(targets.end(), operators.begin(), operators.end());
    if (std::ranges::find(targets, forced.layer) == targets.end()) {
      const std::vector<std::string_view> views(targets.begin(), targets.end());
      const bool isMisspelt = !nearestName(forced.layer, views).empty();
      auto report = diagnostics.report(DiagnosticCode::UnknownLayer, {}, forced.layer,
                                       isMisspelt ? suggestion(forced.layer, targets)
                                                  : suggestion(forced.layer, layers));
      if (!isMisspelt && !operators.empty())
        report.note({}, fmt::format("an operator stands for all of its layers: {}",
                                    fmt::join(operators, ", ")));
    }
    if (std::ranges::find(mappings, forced.mapping) == mappings.end())
      diagnostics
          .report(DiagnosticCode::UnknownForcedMapping, {}, forced.mapping,
                  architecture->graph.name)
          .note({}, mappingOffer(forced.mapping, mappings));
  }

  /// What else `--mapping` could mean.
  static std::string mappingOffer(const std::string &word, const std::vector<std::string> &names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view nearest = nearestName(word, views);
    if (!nearest.empty())
      return fmt::format("did you mean '{}'?", nearest);
    return names.empty() ? "it has no mappings"
                         : fmt::format("its mappings are {}", fmt::join(names, ", "));
  }

  /// `--layer` and `--mapping` must name something of the network.
  bool checkLayerNames(const EstimateOptions &options) {
    std::vector<std::string> layers, mappings;
    for (const workload::Call &call : workload->calls)
      layers.push_back(call.name);
    for (const auto &entry : mappingsFor(compilation, *architecture->declaration))
      mappings.push_back(entry.declaration->name.text.str());
    if (hasScalar())
      mappings.emplace_back("scalar");
    return withoutErrors([&] {
      if (!options.layer.empty() && callOf(options.layer).empty())
        diagnostics.report(DiagnosticCode::UnknownLayer, {}, options.layer,
                           suggestion(options.layer, layers));
      for (const mapping::ForcedMapping &forced : options.mappings)
        checkForced(forced, layers, mappings);
    });
  }

  std::optional<LayerList> layersOf(const EstimateOptions &options) {
    const PhaseTimer timer(phases, "map and lower");
    std::optional<LayerList> list;
    const bool good =
        checkLayerNames(options) && withoutErrors([&] {
          const LayerInputs inputs{*architecture,
                                   mappingsFor(compilation, *architecture->declaration),
                                   preferencesOf(compilation),
                                   scalarFor(compilation, *architecture->declaration),
                                   overrides,
                                   options.mappings,
                                   options.elementType,
                                   options.strict,
                                   options.layer.empty() ? "" : callOf(options.layer),
                                   options.layer};
          if (withoutErrors([&] {
                list = makeLayers(*workload, inputs, sources, diagnostics);
                checkLayer(*list, options);
              }))
            reportCoverage(*list, options);
        });
    return good ? std::move(list) : std::nullopt;
  }

  void reportCoverage(const LayerList &list, const EstimateOptions &options) {
    reportUncounted(list);
    if (list.unmapped.empty())
      return;
    if (list.layers.empty() && !options.strict) {
      auto report =
          diagnostics.report(DiagnosticCode::NothingCovered, {}, architecture->graph.name);
      constexpr std::size_t shown = 5;
      for (std::size_t i = 0; i < list.unmapped.size() && i < shown; ++i) {
        const analysis::UnmappedOperator &entry = list.unmapped[i];
        report.note({}, fmt::format("{} ({}, {}): {}", entry.name, entry.operatorName,
                                    entry.place.text(), entry.reason));
      }
      return;
    }
    if (!options.strict)
      diagnostics.report(DiagnosticCode::OperatorsNotCovered, {},
                         fmt::format("operators that no mapping covers: {} of {}",
                                     list.unmapped.size(), list.coverage.operators.total));
  }

  void reportUncounted(const LayerList &list) {
    std::size_t stages = 0, layers = 0;
    for (const Layer &layer : list.layers) {
      stages += layer.estimate.uncounted.size();
      layers += layer.estimate.uncounted.empty() ? 0 : 1;
    }
    if (stages == 0)
      return;
    const double share = static_cast<double>(list.coverage.uncountedBytes) /
                         static_cast<double>(list.coverage.writtenBytes);
    diagnostics.report(
        DiagnosticCode::OperatorsNotCovered, {},
        fmt::format(
            "fused computations that no mapping absorbs: {} in {} of {} layers, which write "
            "{:.1f} % of the bytes that all computations write",
            stages, layers, list.layers.size(), 100 * share));
  }

  NetworkEstimate describe(const EstimateOptions &options) {
    NetworkEstimate estimate;
    estimate.method = options.method;
    estimate.areCertificatesReplayed = options.verifyCertificates;
    estimate.architecture = architecture->graph.name;
    estimate.parameters = architecture->graph.parameters;
    estimate.clockHz = architecture->graph.clockHz;
    describeEvaluation(estimate.asked, options);
    return estimate;
  }

  /// What was asked of the network, beside what describe() says.
  void describeNetwork(NetworkEstimate &estimate, const EstimateOptions &options) const {
    estimate.workload = workload->name;
    estimate.onlyLayer = options.layer;
    analysis::AskedOptions &asked = estimate.asked;
    asked.entry = workload->entry;
    asked.batch = reading.batch;
    asked.sizes.insert(reading.symbols.begin(), reading.symbols.end());
    asked.foldsBatchNorms = reading.foldBatchNorm;
    if (options.elementType)
      asked.elementType = options.elementType->name();
    for (const mapping::ForcedMapping &forced : options.mappings)
      asked.mappings.emplace_back(forced.layer, forced.mapping);
  }

  /// Those of the network, or of \p layer alone if it is named.
  [[nodiscard]] std::vector<analysis::FoldedNorm> foldedNorms(const std::string &layer) const {
    std::vector<analysis::FoldedNorm> norms;
    for (const workload::FoldedBatchNorm &folded : workload->foldedBatchNorms) {
      const std::string &into = workload->calls[folded.contraction.call].name;
      if (layer.empty() || layer == into)
        norms.push_back({into, workload::foldedNames(*workload, folded)});
    }
    return norms;
  }

  /// Fills in the peak, as far as \p layers and \p others of the same network tell.
  void findPeak(NetworkEstimate &estimate, const std::vector<Layer> &layers,
                const std::vector<Layer> &others) {
    analysis::PeakRate peak;
    addDeclaredWork(*architecture, peak);
    for (const auto *list : {&layers, &others})
      for (const Layer &layer : *list)
        if (layer.lowered)
          peak.add(layer.lowered->program);
    estimate.peakMacsPerCycle = peak.macsPerCycle(architecture->graph);
    estimate.isPeakOfNetwork = peak.dependsOnNetwork(architecture->graph);
  }

  /// Evaluates \p layers into \p estimate; nothing if there were errors.
  std::optional<NetworkEstimate> evaluate(NetworkEstimate estimate, std::vector<Layer> layers,
                                          const EstimateOptions &options) {
    const bool good = withoutErrors([&] {
      const PhaseTimer timer(phases, "evaluate");
      evaluateLayers(layers, architecture->graph, options, sources, diagnostics);
    });
    if (!good)
      return std::nullopt;
    {
      const PhaseTimer timer(phases, "find critical paths");
      findCriticalPaths(layers, architecture->graph, options, sources);
    }
    if (options.boundDependences)
      boundDependences(layers, architecture->graph, options);
    if (options.timeline)
      recordTimelines(layers, architecture->graph, options, sources);
    const bool isCounted =
        (!options.countResources || countResources(layers, architecture->graph, estimate)) &&
        (!options.countRooflines || countRooflines(layers, architecture->graph, estimate));
    for (Layer &layer : layers)
      estimate.layers.push_back(std::move(layer.estimate));
    if (!isCounted) {
      diagnostics.report(DiagnosticCode::SumTooLarge, {}, "the counts of a view");
      return std::nullopt;
    }
    if (!summarize(estimate)) {
      diagnostics.report(DiagnosticCode::SumTooLarge, {}, "the cycles of the network");
      return std::nullopt;
    }
    return estimate;
  }

  /// The experiment called \p name; nothing if that was reported as unknown.
  std::optional<Declared<ast::ExperimentDeclaration>> findExperiment(const std::string &name) {
    std::vector<std::string> names;
    for (const auto &entry : experimentsOf(compilation)) {
      names.push_back(entry.declaration->name.text.str());
      if (names.back() == name)
        return entry;
    }
    diagnostics.report(DiagnosticCode::UnknownExperiment, {}, name, suggestion(name, names));
    return std::nullopt;
  }

  /// What an experiment is for, where the command line says nothing else.
  void takeTarget(const Declared<ast::ExperimentDeclaration> &experiment, Selection &selection,
                  std::optional<Declared<ast::MappingDeclaration>> &mapping) {
    const Symbol *symbol = resolve(experiment.declaration->target, *experiment.home);
    ACADLC_CHECK(symbol != nullptr, "an experiment for nothing passed the checker");
    if (experiment.declaration->isOfProgram) {
      program = {ast::dynCast<ast::ProgramDeclaration>(symbol->declaration), symbol->home};
      return;
    }
    mapping = {ast::dynCast<ast::MappingDeclaration>(symbol->declaration), symbol->home};
    if (selection.architecture.empty())
      selection.architecture =
          resolveAs<ArchitectureDeclaration>(mapping->declaration->architecture, *mapping->home)
              ->name.text.str();
  }

  /// The mapping for \p chosen that is called \p name, or the only one that computes an operator of
  /// this name.
  std::optional<Declared<ast::MappingDeclaration>>
  mappingFor(const std::string &name, const ArchitectureDeclaration &chosen) {
    const auto all = mappingsFor(compilation, chosen);
    std::vector<std::string> names;
    for (const auto &entry : all) {
      names.push_back(entry.declaration->name.text.str());
      if (names.back() == name)
        return entry;
    }
    std::vector<Declared<ast::MappingDeclaration>> computing;
    for (const auto &entry : all) {
      mapping::ProblemFailure failure;
      const auto problem = mapping::Problem::of(*entry.declaration, {}, failure);
      if (problem && problem->isCalled(name))
        computing.push_back(entry);
    }
    if (computing.size() == 1)
      return computing.front();
    const auto nameOf = [](const auto &entry) { return entry.declaration->name.text; };
    diagnostics.report(DiagnosticCode::UnknownOperator, {}, chosen.name.text.str(), name,
                       computing.empty()
                           ? suggestion(name, names)
                           : fmt::format("; several compute it: {}", joinNames(computing, nameOf)));
    return std::nullopt;
  }

  /// What \p selection and \p options name; nothing if something is wrong with it (reported).
  std::optional<ValidationInputs> validationInputs(Selection selection,
                                                   const ValidationOptions &options) {
    program.reset();
    std::optional<Declared<ast::ExperimentDeclaration>> experiment;
    if (!options.experiment.empty()) {
      experiment = findExperiment(options.experiment);
      if (!experiment)
        return std::nullopt;
    }
    std::optional<Declared<ast::MappingDeclaration>> mapping;
    if (!selection.program.empty() && !findProgram(selection.program))
      return std::nullopt;
    if (!program && options.operatorName.empty() && experiment)
      takeTarget(*experiment, selection, mapping);
    const ArchitectureDeclaration *chosen = choose(selection);
    if (chosen == nullptr)
      return std::nullopt;
    if (!program) {
      mapping = mappingFor(mapping ? mapping->declaration->name.text.str() : options.operatorName,
                           *chosen);
      if (!mapping)
        return std::nullopt;
    }
    std::vector<ParameterOverride> own;
    if (!withoutErrors([&] { own = splitOverrides(selection, *chosen); }))
      return std::nullopt;
    return ValidationInputs{compilation,    *chosen,   mapping,       program, experiment,
                            std::move(own), overrides, *measurements, options};
  }

  /// \p text as a source; invalid and reported if it is too large.
  FileId addText(const std::string &name, std::string text) {
    // That of a file on the disk has been refused before it was read.
    const bool isTooLarge = text.size() > mostTextBytes;
    const FileId file = isTooLarge ? FileId() : sources.addText(name, std::move(text));
    if (!file.isValid())
      diagnostics.report(DiagnosticCode::CannotReadFile, {}, name,
                         isTooLarge ? textTooLarge : "it is too large");
    return file;
  }

  bool addMeasurements(const std::string &name, std::string text) {
    const PhaseTimer timer(phases, "read measurements");
    const FileId file = addText(name, std::move(text));
    if (!file.isValid())
      return false;
    measurements = readCsv(sources, file, diagnostics);
    return measurements.has_value();
  }

  bool addWorkload(const std::string &name, std::string text, const WorkloadOptions &options) {
    const PhaseTimer timer(phases, "read network");
    const FileId file = addText(name, std::move(text));
    return file.isValid() && withoutErrors([&] {
             reading = options;
             workload = tir::readWorkload(sources, file, options, diagnostics);
             if (workload && options.foldBatchNorm)
               workload::foldBatchNorms(*workload);
           });
  }
};

Session::Session(FileOverlay overlay) : state_(std::make_unique<State>(std::move(overlay))) {}
Session::~Session() = default;

bool Session::loadDescription(const std::string &path) {
  const PhaseTimer timer(state_->phases, "read description");
  return state_->withoutErrors([&] { state_->compilation.load(path); }) && state_->checkModules();
}

bool Session::loadDescriptionText(std::string name, std::string text, const std::string &folder) {
  const PhaseTimer timer(state_->phases, "read description");
  return state_->withoutErrors([&] {
    state_->compilation.loadText(std::move(name), std::move(text), folder);
  }) && state_->checkModules();
}

bool Session::loadWorkload(const std::string &path, const WorkloadOptions &options) {
  std::string problem;
  auto text = readTextFile(path, TextFileKind::OrPipe, problem);
  if (!text) {
    state_->diagnostics.report(DiagnosticCode::CannotReadFile, {}, path, problem);
    return false;
  }
  return state_->addWorkload(path, std::move(*text), options);
}

bool Session::loadWorkloadText(const std::string &name, std::string text,
                               const WorkloadOptions &options) {
  return state_->addWorkload(name, std::move(text), options);
}

bool Session::loadMeasurements(const std::string &path) {
  std::string problem;
  auto text = readTextFile(path, TextFileKind::OrPipe, problem);
  if (!text) {
    state_->diagnostics.report(DiagnosticCode::CannotReadFile, {}, path, problem);
    return false;
  }
  return state_->addMeasurements(path, std::move(*text));
}

bool Session::loadMeasurementsText(const std::string &name, std::string text) {
  return state_->addMeasurements(name, std::move(text));
}

bool Session::selectArchitecture(const Selection &selection) {
  state_->program.reset();
  if (!selection.program.empty() && !state_->findProgram(selection.program))
    return false;
  const auto *chosen = state_->choose(selection);
  return chosen != nullptr && state_->build(selection, *chosen) && state_->architecture;
}

bool Session::checkDescription(const Selection &selection) {
  return state_->withoutErrors([&] {
    if (!selection.program.empty() && !state_->findProgram(selection.program))
      return;
    const bool oneMeant = !selection.architecture.empty() || !selection.parameters.empty() ||
                          !selection.program.empty();
    std::vector<const ArchitectureDeclaration *> architectures;
    if (!oneMeant)
      architectures = architecturesOf(state_->compilation);
    else if (const auto *chosen = state_->choose(selection))
      architectures = {chosen};
    for (const auto *architecture : architectures) {
      state_->checkHeaders(*architecture);
      state_->checkArchitecture(selection, *architecture);
    }
  });
}

bool Session::checkMapping(const EstimateOptions &options) {
  return state_->layersOf(options).has_value();
}

bool Session::hasScalarCode() const { return state_->architecture && state_->hasScalar(); }

std::optional<std::string> Session::scalarCode(const EstimateOptions &options) {
  const auto list = state_->layersOf(options);
  if (!list)
    return std::nullopt;
  std::string text;
  std::vector<const mapping::LoweredLayer *> seen;
  for (const Layer &layer : list->layers) {
    if (layer.scalarText.empty() || std::ranges::count(seen, layer.lowered.get()) != 0)
      continue;
    seen.push_back(layer.lowered.get());
    std::string names;
    for (const Layer &other : list->layers)
      if (!other.scalarText.empty() && other.lowered == layer.lowered)
        names += (names.empty() ? "" : ", ") + other.estimate.name;
    text += fmt::format("{}/// Layers: {}\n{}", text.empty() ? "" : "\n", names, layer.scalarText);
  }
  return text;
}

std::optional<NetworkEstimate> Session::estimate(const EstimateOptions &options) {
  auto list = state_->layersOf(options);
  if (!list)
    return std::nullopt;
  NetworkEstimate estimate = state_->describe(options);
  state_->describeNetwork(estimate, options);
  estimate.coverage = list->coverage;
  estimate.unmapped = std::move(list->unmapped);
  estimate.free = std::move(list->free);
  estimate.folded = state_->foldedNorms(options.layer.empty() ? "" : state_->callOf(options.layer));
  // Where the peak is that of the network's instructions, it is also where one layer alone is
  // wanted.
  state_->findPeak(estimate, list->layers, list->others);
  return state_->evaluate(std::move(estimate), std::move(list->layers), options);
}

std::optional<NetworkEstimate> Session::estimateProgram(const EstimateOptions &options) {
  State &state = *state_;
  auto layer = makeProgramLayer(*state.program, *state.architecture, state.overrides, state.sources,
                                state.diagnostics);
  if (!layer)
    return std::nullopt;
  NetworkEstimate estimate = state.describe(options);
  estimate.workload = layer->estimate.name;
  estimate.isProgram = true;
  estimate.coverage.macs = {layer->estimate.macs, layer->estimate.macs};
  estimate.coverage.calls = {1, 1};
  estimate.coverage.operators = {1, 1};
  std::vector<Layer> layers;
  layers.push_back(std::move(*layer));
  state.findPeak(estimate, layers, {});
  return state.evaluate(std::move(estimate), std::move(layers), options);
}

std::optional<analysis::Validation> Session::validate(const Selection &selection,
                                                      const ValidationOptions &options) {
  const PhaseTimer timer(state_->phases, "validate");
  const auto inputs = state_->validationInputs(selection, options);
  return inputs ? acadlc::validate(*inputs, state_->sources, state_->diagnostics) : std::nullopt;
}

std::shared_ptr<const program::Program> Session::stream(const EstimateOptions &options) {
  State &state = *state_;
  std::optional<Layer> layer;
  if (options.layer.empty()) {
    layer = makeProgramLayer(*state.program, *state.architecture, state.overrides, state.sources,
                             state.diagnostics);
  } else if (auto list = state.layersOf(options)) {
    if (list->layers.empty())
      state.diagnostics.report(DiagnosticCode::LayerIsFree, {}, options.layer);
    else
      layer = std::move(list->layers.front());
  }
  if (!layer || !timing::checkEvaluable(state.architecture->graph, layer->lowered->program,
                                        state.diagnostics))
    return nullptr;
  return {layer->lowered, &layer->lowered->program};
}

std::vector<std::string> Session::programs() const {
  std::vector<std::string> names;
  for (const auto &entry : programsFor(state_->compilation, nullptr))
    names.push_back(entry.declaration->name.text.str());
  return names;
}

std::vector<std::string> Session::experiments() const {
  std::vector<std::string> names;
  for (const auto &entry : experimentsOf(state_->compilation))
    names.push_back(entry.declaration->name.text.str());
  return names;
}

const arch::ArchitectureGraph *Session::architecture() const {
  return state_->architecture ? &state_->architecture->graph : nullptr;
}
const workload::Workload *Session::workload() const {
  return state_->workload ? &*state_->workload : nullptr;
}
const Module *Session::description() const { return state_->compilation.root(); }
const DiagnosticEngine &Session::diagnostics() const { return state_->diagnostics; }
const SourceManager &Session::sources() const { return state_->sources; }
const std::vector<Phase> &Session::phases() const { return state_->phases; }

} // namespace acadlc
