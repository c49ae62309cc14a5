#include "driver/RawOptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace acadlc::driver {

namespace {

void require(bool condition, const char *message) {
  if (!condition)
    fail(message);
}

/// What belongs to `--validate` and what does not.
void checkValidation(const Options &options, const RawOptions &raw) {
  const ColumnOptions &columns = options.columns;
  if (!options.validates()) {
    const bool isAlone = options.experiment.empty() && options.operatorName.empty() &&
                         columns.bindings.empty() && columns.measured.empty() &&
                         columns.where.empty() && columns.groupBy.empty() &&
                         columns.ignore.empty() && options.plot.empty();
    return require(isAlone, "--experiment, --operator, --bind, --measured, --where, --group-by, "
                            "--ignore and --plot need --validate");
  }
  require(!raw.check, "--check and --validate exclude each other");
  require(!options.description.empty(), "no FILE.acadl is given");
  require(options.workload.empty(), "--workload and --validate exclude each other");
  require(options.program.empty() || options.operatorName.empty(),
          "--program and --operator exclude each other");
  require(options.description != "-" || options.measurements != "-",
          "standard input can be FILE or the measurements, not both");
  require(options.trace.empty() && !options.explainEstimate && !options.verifyCertificates &&
              !options.listFree && raw.views.empty(),
          "--trace, --explain-estimate, --verify-certificates, --list-free and --view are for "
          "networks and programs, not for --validate");
  require(!options.dumpAst && options.dumpAg.empty() && options.dumpAidg.empty(),
          "nothing can be dumped with --validate");
  if (!options.plot.empty() && !options.plot.ends_with(".svg"))
    fail(fmt::format("--plot draws SVG: its FILE ends in .svg, not '{}'", options.plot));
}

/// What a list of operators goes with: the network alone.
void checkOperatorList(const Options &options, const RawOptions &raw) {
  const bool isFolded = raw.foldBatchNorm || raw.noFoldBatchNorm;
  require(!isFolded || !options.workload.empty(), "--fold-batch-norm and --no-fold-batch-norm need "
                                                  "--workload");
  require(!raw.foldBatchNorm || !raw.noFoldBatchNorm,
          "--fold-batch-norm and --no-fold-batch-norm exclude each other");
  if (!options.listOperators)
    return;
  require(!options.workload.empty(), "--list-operators needs --workload");
  require(
      !options.evaluates() && !raw.check && !options.dumpAst && options.dumpAg.empty() &&
          options.dumpAidg.empty(),
      "--list-operators prints nothing else: not with --check, --estimate, --simulate or a dump");
  require(
      options.layer.empty() && options.mappings.empty() && !options.strict &&
          !options.elementType && !options.listFree,
      "--list-operators lists the network as it is: --layer, --mapping, --strict, --element-type "
      "and --list-free are for estimates");
}

/// Pictures and models of rooflines, and traces for viewers.
void checkRooflines(const Options &options, const RawOptions &raw) {
  require(options.evaluates() || options.rooflinePlot.empty(),
          "--plot-roofline needs --estimate or --simulate");
  require(options.evaluates() || raw.compare.empty(), "--compare needs --estimate or --simulate");
  require(options.evaluates() || options.traceJson.empty(),
          "--trace-json needs --estimate or --simulate");
  require(!options.validates() ||
              (options.rooflinePlot.empty() && raw.compare.empty() && options.traceJson.empty()),
          "--plot-roofline, --compare and --trace-json are for networks and programs, not for "
          "--validate");
  require(options.trace.empty() || options.traceJson.empty(),
          "--trace and --trace-json exclude each other");
  if (!options.rooflinePlot.empty() && !options.rooflinePlot.ends_with(".svg"))
    fail(fmt::format("--plot-roofline draws SVG: its FILE ends in .svg, not '{}'",
                     options.rooflinePlot));
  if (options.instructions.end > analysis::InstructionRange::mostEnd)
    fail(fmt::format(
        "--instructions: all instructions in front of them are evaluated one by one, so "
        "B is {} at the most",
        analysis::InstructionRange::mostEnd));
}

/// Where everything is evaluated, or has to be, a budget makes no sense.
void checkBudget(const Options &options, const RawOptions &raw) {
  if (!raw.budget)
    return;
  require(options.mode == Mode::Estimate, "--budget needs --estimate");
  require(options.trace.empty(), "--trace and --budget exclude each other");
}

} // namespace

void fail(std::string message) { throw UsageError{std::move(message)}; }

void checkCombination(const Options &options, const RawOptions &raw) {
  checkBudget(options, raw);
  checkRooflines(options, raw);
  checkValidation(options, raw);
  checkOperatorList(options, raw);
  const bool evaluates = options.evaluates();
  const bool dumpsAidg = !options.dumpAidg.empty();
  require(!options.description.empty() || (!options.workload.empty() && !evaluates),
          "no FILE.acadl is given");
  require(options.workload.empty() || options.program.empty(),
          "--workload and --program exclude each other");
  require(options.description != "-" || options.workload != "-",
          "standard input can be FILE or the workload, not both");
  require(!options.workload.empty() || options.layer.empty(), "--layer needs --workload");
  require(!options.workload.empty() || options.entry.empty(), "--entry needs --workload");
  require(!options.workload.empty() || (options.sizes.empty() && !options.batch),
          "--shape and --batch need --workload");
  require(!options.workload.empty() || options.mappings.empty(), "--mapping needs --workload");
  require(!options.workload.empty() || !options.strict, "--strict needs --workload");
  require(evaluates || options.listOperators || raw.format.empty(),
          "--format needs --estimate, --simulate or --list-operators");
  require(evaluates || raw.views.empty(), "--view needs --estimate or --simulate");
  require(options.format != ReportFormat::Csv || raw.views.empty(),
          "--view is for --format text and json; csv has the layers alone");
  require(evaluates || options.trace.empty(), "--trace needs --estimate or --simulate");
  require(evaluates || !options.explainEstimate,
          "--explain-estimate needs --estimate or --simulate");
  require(options.format == ReportFormat::Text || !options.explainEstimate,
          "--explain-estimate is for --format text; json has the certificates anyway, csv has no "
          "columns for it");
  require(options.mode == Mode::Estimate || !options.verifyCertificates,
          "--verify-certificates needs --estimate");
  require((options.extrapolate && options.trace.empty()) || !options.verifyCertificates,
          "--verify-certificates: with --no-extrapolate or --trace there are no certificates");
  require(evaluates || options.listOperators || options.dumpAst || options.dumpScalar ||
              options.output.empty(),
          "-o needs a report: --estimate, --simulate or --list-operators");
  require(!options.dumpScalar || !options.workload.empty(), "--dump-scalar needs --workload");
  require(!options.dumpScalar || !options.description.empty(), "--dump-scalar needs FILE.acadl");
  require(!options.dumpScalar || !(evaluates || options.dumpAst),
          "--dump-scalar can't be combined with --estimate, --simulate or --dump-ast");
  require(!options.dumpAst || !evaluates, "--dump-ast can't be combined with --estimate or "
                                          "--simulate");
  const bool showsTimeline =
      std::ranges::find(options.views, report::ViewName::Timeline) != options.views.end();
  require(raw.instructions.empty() || showsTimeline || !options.traceJson.empty(),
          "--instructions needs --view timeline or --trace-json");
  require(raw.iterations.empty() || dumpsAidg, "--iterations needs --dump-aidg");
  require(!dumpsAidg || options.workload.empty() || !options.layer.empty(),
          "--dump-aidg needs --layer NAME");
}

} // namespace acadlc::driver
