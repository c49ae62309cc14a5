#include "driver/Driver.h"

#include "api/Session.h"
#include "backend/aidg/path/Graph.h"
#include "backend/report/AidgDot.h"
#include "backend/report/GraphDot.h"
#include "backend/report/OperatorsReport.h"
#include "backend/report/Report.h"
#include "backend/report/RooflinePlot.h"
#include "backend/report/Trace.h"
#include "backend/report/TraceJson.h"
#include "backend/report/ValidationReport.h"
#include "backend/timing/Machine.h"
#include "driver/CompareReports.h"
#include "driver/Output.h"
#include "driver/OutputFile.h"
#include "driver/Picture.h"
#include "driver/Progress.h"
#include "frontend/acadl/syntax/Parser.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>

namespace acadlc::driver {

namespace {

using analysis::NetworkEstimate;

std::string standardInput() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

int usageError(const std::string &message) {
  fmt::print(stderr, "acadlc: error: {}\nacadlc --help shows what can be done.\n", message);
  return wrongUse;
}

/// Prints \p text on standard output.
int print(std::string_view text) {
  OutputFile file("-");
  file.write(text);
  if (file.commit())
    return success;
  if (!file.problem().empty())
    fmt::print(stderr, "acadlc: error: cannot write standard output: {}\n", file.problem());
  return inputErrors;
}

/// The only one of \p names; empty if there are none or several.
std::string onlyOf(const std::vector<std::string> &names) {
  return names.size() == 1 ? names.front() : std::string();
}

/// "; the description's programs: a b", or nothing if there are none.
std::string offerOf(std::string_view what, const std::vector<std::string> &names) {
  return names.empty() ? std::string()
                       : fmt::format("; the description's {}: {}", what, fmt::join(names, " "));
}

/// One run on inputs.
class Run {
public:
  explicit Run(const Options &options) : options_(options) {}

  int run() {
    const bool good = work();
    progress_.erase();
    printAll();
    if (good && usage_.empty())
      result_ = writeReport(report_, options_, session_.sources());
    if (options_.timing)
      printTiming();
    if (!usage_.empty())
      return usageError(usage_);
    return good && !session_.diagnostics().hasErrors() ? result_ : inputErrors;
  }

private:
  bool work() {
    // A mistake in one input does not hide those in the other.
    const bool description = loadDescription();
    const bool workload = loadWorkload() && loadMeasurements();
    const bool outputs = checkOutputs();
    if (options_.dumpAst && session_.description() != nullptr)
      report_ = dumpAst(session_.description()->tree, session_.sources());
    if (!description || !workload || !outputs)
      return false;
    if (options_.listOperators) {
      reportUnknownMacs(*session_.workload());
      report_ = operatorReport(*session_.workload());
      return true;
    }
    if (options_.description.empty())
      return true;
    selection_ = {options_.architecture, options_.program, options_.parameters};
    if (options_.validates())
      return validate();
    if (options_.evaluates() && options_.workload.empty() && !chooseProgram())
      return false;
    const bool dumps = !options_.dumpAg.empty() || !options_.dumpAidg.empty();
    if (!options_.evaluates() && !dumps && options_.workload.empty())
      return options_.dumpAst || session_.checkDescription(selection_);
    return session_.selectArchitecture(selection_) && dumpGraphs() && useWorkload();
  }

  /// Nobody should wait for an estimate that cannot be written then.
  bool checkOutputs() {
    bool areFine = true;
    for (const std::string *path : {&options_.output, &options_.trace, &options_.traceJson,
                                    &options_.rooflinePlot, &options_.plot}) {
      const std::string problem =
          isInput(*path) ? "it is an input of this run" : OutputFile::whyNot(*path);
      if (!problem.empty())
        extra_.report(DiagnosticCode::CannotWriteFile, {}, *path, problem);
      areFine &= problem.empty();
    }
    return areFine;
  }

  /// Whether writing \p path would overwrite what is read.
  bool isInput(const std::string &path) const {
    const auto isSame = [&](const std::string &input) {
      std::error_code error; // of what is no file: then it is none of ours
      return !input.empty() && std::filesystem::is_regular_file(path, error) &&
             std::filesystem::equivalent(path, input, error);
    };
    return isSame(options_.description) || isSame(options_.workload) ||
           isSame(options_.measurements);
  }

  bool loadDescription() {
    if (options_.description.empty())
      return true;
    if (options_.description == "-")
      return session_.loadDescriptionText("<stdin>", standardInput());
    return session_.loadDescription(options_.description);
  }

  bool loadWorkload() {
    WorkloadOptions reading;
    reading.foldBatchNorm = options_.foldBatchNorm;
    reading.entry = options_.entry;
    reading.symbols = options_.sizes;
    reading.batch = options_.batch;
    if (options_.workload.empty())
      return true;
    if (options_.workload == "-")
      return session_.loadWorkloadText("<stdin>", standardInput(), reading);
    return session_.loadWorkload(options_.workload, reading);
  }

  bool loadMeasurements() {
    if (!options_.validates())
      return true;
    if (options_.measurements == "-")
      return session_.loadMeasurementsText("<stdin>", standardInput());
    return session_.loadMeasurements(options_.measurements);
  }

  /// Without --operator, --program and --experiment the description's only experiment is meant.
  bool chooseExperiment(ValidationOptions &options) {
    if (!options.experiment.empty() || !options.operatorName.empty() || !selection_.program.empty())
      return true;
    options.experiment = onlyOf(session_.experiments());
    if (!options.experiment.empty())
      return true;
    usage_ = "what do the measurements run? Give --operator NAME, --program NAME or --experiment "
             "NAME" +
             offerOf("experiments", session_.experiments());
    return false;
  }

  bool validate() {
    ValidationOptions options;
    options.method = method();
    options.experiment = options_.experiment;
    options.operatorName = options_.operatorName;
    options.columns = options_.columns;
    options.elementType = options_.elementType;
    options.extrapolate = options_.extrapolate;
    options.budget = options_.budget;
    options.jobs = options_.jobs;
    options.progress = [this](std::size_t done, std::size_t total) { progress_.show(done, total); };
    if (!chooseExperiment(options))
      return false;
    const auto validation = session_.validate(selection_, options);
    if (!validation)
      return false;
    report_ = reportOf(*validation);
    if (options_.plot.empty())
      return true;
    return writeFile(options_.plot, report::validationPlot(*validation));
  }

  [[nodiscard]] std::string reportOf(const analysis::Validation &validation) const {
    switch (options_.format) {
    case ReportFormat::Json:
      return report::validationJson(validation, versionText());
    case ReportFormat::Csv:
      return report::validationCsv(validation);
    case ReportFormat::Text:
      break;
    }
    return report::validationText(validation);
  }

  [[nodiscard]] std::string operatorReport(const workload::Workload &workload) const {
    switch (options_.format) {
    case ReportFormat::Json:
      return report::operatorsJson(workload, versionText());
    case ReportFormat::Csv:
      return report::operatorsCsv(workload);
    case ReportFormat::Text:
      break;
    }
    return report::operatorsText(workload);
  }

  /// Nobody should take a sum that some operators are missing in for that of the network.
  void reportUnknownMacs(const workload::Workload &workload) {
    const std::vector<const workload::Call *> calls = report::unknownMacs(workload);
    if (calls.empty())
      return;
    constexpr std::size_t shown = 8;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < calls.size() && i < shown; ++i)
      names.push_back(fmt::format("'{}' ({})", calls[i]->name, calls[i]->function));
    const std::string others =
        calls.size() > shown ? fmt::format(" and {} more", calls.size() - shown) : "";
    extra_.report(DiagnosticCode::UnknownMacs, calls.front()->range,
                  fmt::format("{}{}", fmt::join(names, ", "), others));
  }

  /// Without --workload and --program the description's only program is meant.
  bool chooseProgram() {
    if (!selection_.program.empty())
      return true;
    selection_.program = onlyOf(session_.programs());
    if (!selection_.program.empty())
      return true;
    usage_ = "nothing to evaluate: give --workload FILE or --program NAME" +
             offerOf("programs", session_.programs());
    return false;
  }

  bool dumpGraphs() {
    if (!options_.dumpAg.empty() &&
        !writeGraph(report::architectureDot(*session_.architecture()), options_.dumpAg, extra_))
      return false;
    return options_.dumpAidg.empty() || dumpAidg();
  }

  bool dumpAidg() {
    if (options_.workload.empty() && selection_.program.empty()) {
      usage_ = "--dump-aidg needs --workload and --layer, or --program";
      return false;
    }
    const auto program = session_.stream(estimateOptions());
    if (!program)
      return false;
    if (timing::usesOccupations(*session_.architecture(), *program)) {
      extra_.report(DiagnosticCode::NoAidgPicture, {}, session_.architecture()->name);
      return false;
    }
    const report::AidgWindow window{options_.iterations.first, options_.iterations.end - 1};
    return writeGraph(report::aidgDot(graphUpTo(*program, window.last), *session_.architecture(),
                                      *program, window),
                      options_.dumpAidg, extra_);
  }

  /// The graph of the stream up to an iteration of its innermost loops. How many instructions that
  /// takes is not known, so it grows until it is enough.
  aidg::Graph graphUpTo(const program::Program &program, std::int64_t iteration) {
    constexpr std::int64_t first = 1024;
    constexpr std::int64_t most = std::int64_t{1} << 22;
    for (std::int64_t count = first;; count *= 4) {
      aidg::Graph graph = aidg::buildGraph(*session_.architecture(), program, count);
      const bool enough = !graph.truncated || count >= most || graph.nodes.empty() ||
                          graph.nodes.back().kernelIteration > iteration;
      if (enough)
        return graph;
    }
  }

  bool useWorkload() {
    if (options_.dumpScalar && !session_.hasScalarCode()) {
      usage_ = "--dump-scalar is for architectures with a `scalar` declaration";
      return false;
    }
    if (options_.dumpScalar) {
      const auto code = session_.scalarCode(estimateOptions());
      report_ = code.value_or("");
      return code.has_value();
    }
    if (!options_.evaluates())
      return options_.workload.empty() || session_.checkMapping(estimateOptions());
    EstimateOptions options = estimateOptions();
    options.countRooflines = !options_.rooflinePlot.empty() || !options_.compare.empty();
    std::optional<OutputFile> trace;
    if (!options_.trace.empty())
      startTrace(options, trace.emplace(options_.trace));
    options.progress = [this](std::size_t done, std::size_t total) { progress_.show(done, total); };
    const auto estimate =
        options_.workload.empty() ? session_.estimateProgram(options) : session_.estimate(options);
    if (!estimate)
      return false;
    report_ = reportOf(*estimate);
    if (options_.format == ReportFormat::Csv)
      printVerification(*estimate);
    return (!trace || finish(*trace)) && writeRoofline(*estimate) && writeTraceJson(*estimate);
  }

  bool writeRoofline(const NetworkEstimate &estimate) {
    return options_.rooflinePlot.empty() ||
           writeFile(options_.rooflinePlot, report::rooflinePlot(estimate));
  }

  bool writeTraceJson(const NetworkEstimate &estimate) {
    if (options_.traceJson.empty())
      return true;
    if (const auto unknown = report::layerOfUnknownLength(estimate)) {
      extra_.report(DiagnosticCode::LayerStartUnknown, {}, estimate.layers[*unknown + 1].name,
                    estimate.layers[*unknown].name);
      return false;
    }
    for (const analysis::LayerEstimate &layer : estimate.layers)
      if (layer.timeline->isCut)
        extra_.report(DiagnosticCode::TraceCut, {}, layer.name, layer.timeline->rows.size());
    return writeFile(options_.traceJson, report::traceJson(estimate, versionText()));
  }

  bool writeFile(const std::string &path, std::string_view text) {
    OutputFile file(path);
    file.write(text);
    return finish(file);
  }

  void startTrace(EstimateOptions &options, OutputFile &file) {
    file.write(report::traceHeader());
    options.trace = [this, &file, line = std::string()](
                        const std::string &layer, const program::Program &program,
                        const program::Instance &instance,
                        const timing::InstructionTimes &times) mutable {
      line.clear();
      report::traceRow(line, layer, *session_.architecture(), program, instance, times,
                       session_.sources());
      file.write(line);
    };
  }

  bool finish(OutputFile &file) {
    if (file.commit())
      return true;
    if (!file.problem().empty())
      extra_.report(DiagnosticCode::CannotWriteFile, {}, file.path(), file.problem());
    return false;
  }

  [[nodiscard]] analysis::Method method() const {
    return options_.mode == Mode::Simulate ? analysis::Method::Simulate
                                           : analysis::Method::Estimate;
  }

  [[nodiscard]] EstimateOptions estimateOptions() const {
    EstimateOptions options;
    options.method = method();
    options.layer = options_.layer;
    options.mappings = options_.mappings;
    options.elementType = options_.elementType;
    options.strict = options_.strict;
    options.extrapolate = options_.extrapolate;
    options.budget = options_.budget;
    options.jobs = options_.jobs;
    options.verifyCertificates = options_.verifyCertificates;
    options.countResources = reportOptions().needsResources();
    options.boundDependences = reportOptions().shows(report::ViewName::Bounds);
    options.countUsage = reportOptions().needsUsage();
    options.countLower = reportOptions().shows(report::ViewName::Traffic);
    if (reportOptions().shows(report::ViewName::Timeline) || !options_.traceJson.empty())
      options.timeline = options_.instructions;
    if (!options_.traceJson.empty())
      options.timelineRows = report::mostTraceRows;
    options.findWaitChains = reportOptions().shows(report::ViewName::CriticalPath);
    return options;
  }

  [[nodiscard]] std::string reportOf(const NetworkEstimate &estimate) const {
    switch (options_.format) {
    case ReportFormat::Json:
      return report::jsonReport(estimate, reportOptions(), versionText());
    case ReportFormat::Csv:
      return report::csvReport(estimate, reportOptions());
    case ReportFormat::Text:
      break;
    }
    return report::textReport(estimate, reportOptions());
  }

  [[nodiscard]] report::ReportOptions reportOptions() const {
    return {options_.views, options_.listFree, options_.compare};
  }

  /// What the other formats say in the report.
  static void printVerification(const NetworkEstimate &estimate) {
    if (const auto counts = analysis::countReplays(estimate))
      fmt::print(stderr, "acadlc: {}\n", report::verificationText(*counts));
  }

  void printAll() {
    DiagnosticEngine all;
    all.append(session_.diagnostics());
    all.append(extra_);
    printDiagnostics(all, session_.sources(), options_.color);
  }

  void printTiming() const {
    double sum = 0;
    for (const Phase &phase : session_.phases())
      sum += phase.seconds;
    for (const Phase &phase : session_.phases())
      fmt::print(stderr, "{:<20}{:>10.1f} ms\n", phase.name, phase.seconds * 1e3);
    fmt::print(stderr, "{:<20}{:>10.1f} ms\n", "sum", sum * 1e3);
  }

  const Options &options_;
  Session session_;
  Selection selection_;
  Progress progress_;
  DiagnosticEngine extra_; ///< what the driver itself reports
  std::string report_;
  std::string usage_; ///< wrong use that shows only when the inputs are known
  int result_ = success;
};

int explainCode(const std::string &name) {
  const auto code = findDiagnosticCode(name);
  if (!code) {
    std::vector<std::string_view> names;
    for (const DiagnosticCode each : allDiagnosticCodes()) {
      names.push_back(diagnosticInfo(each).id);
      names.push_back(diagnosticInfo(each).name);
    }
    const std::string_view nearest = nearestName(name, names);
    return usageError(fmt::format("no diagnostic is called '{}'{}", name,
                                  nearest.empty() ? "; docs/diagnostics.md lists them"
                                                  : fmt::format("; did you mean '{}'?", nearest)));
  }
  const DiagnosticInfo &info = diagnosticInfo(*code);
  const std::string_view severity = info.severity == Severity::Error ? "error" : "warning";
  std::string text = fmt::format("{} {} ({})\n\n  {}\n\n{}\n", info.id, info.name, severity,
                                 info.message, info.explanation);
  // The example's first line says its kind.
  const std::size_t lineEnd = info.example.find('\n');
  if (lineEnd != std::string_view::npos) {
    text += fmt::format("\nExample ({}):\n\n", info.example.substr(0, lineEnd));
    std::string_view rest = info.example.substr(lineEnd + 1);
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      text += line.empty() ? "\n" : fmt::format("  {}\n", line);
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
  }
  return print(text);
}

/// Says what to do about a mistake of acadlc itself.
int reportInternal(const char *what) noexcept {
  std::fprintf(stderr,
               "acadlc: internal error: %s\n"
               "This is a mistake of acadlc, not of your input. Please send us this text, the "
               "command line, the\ninput files and the output of acadlc --version.\n",
               what);
  return internalError;
}

} // namespace

int run(const Options &options) {
  switch (options.mode) {
  case Mode::Help:
    return print(helpText());
  case Mode::Version:
    return print(fmt::format("acadlc {}\n", versionText()));
  case Mode::ExplainCode:
    return explainCode(options.code);
  case Mode::CompareReports:
    return compareReports(options);
  case Mode::ListLibrary:
    return print(libraryText());
  default:
    return Run(options).run();
  }
}

int runMain(int argc, const char *const *argv) {
  // A reader that has gone is a failed write like others, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto parsed = parseOptions(argc, argv);
    if (const auto *error = std::get_if<UsageError>(&parsed))
      return usageError(error->message);
    return run(std::get<Options>(parsed));
  } catch (const std::bad_alloc &) {
    return reportInternal("out of memory");
  } catch (const std::exception &error) {
    return reportInternal(error.what());
  }
}

} // namespace acadlc::driver
