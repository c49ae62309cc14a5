#include "driver/Options.h"

#include "api/Session.h"
#include "support/Diagnostics.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace acadlc::driver {

namespace {

/// The values of options as they stand on the command line.
struct RawOptions {
  bool check = false, estimate = false, simulate = false, help = false, version = false;
  bool noExtrapolate = false, foldBatchNorm = false, noFoldBatchNorm = false;
  std::vector<std::string> parameters, mappings, bindings, groupBy, ignore, sizes, views;
  std::string elementType, format, color, iterations, instructions, jobs;
  std::optional<std::string> budget, batch;
};

void addText(CLI::App &app, const std::string &name, std::string &value) {
  app.add_option(name, value);
}

/// An option that can be repeated; each occurrence takes one value.
void addList(CLI::App &app, const std::string &name, std::vector<std::string> &values) {
  app.add_option(name, values)->allow_extra_args(false);
}

void declare(CLI::App &app, Options &options, RawOptions &raw) {
  app.set_help_flag();
  app.allow_extras();
  addText(app, "description", options.description);
  app.add_flag("--check", raw.check);
  app.add_flag("--estimate", raw.estimate);
  app.add_flag("--simulate", raw.simulate);
  addText(app, "--explain", options.code);
  app.add_flag("--help,-h", raw.help);
  app.add_flag("--version", raw.version);
  addText(app, "--workload", options.workload);
  addText(app, "--program", options.program);
  addText(app, "--architecture", options.architecture);
  addList(app, "-P", raw.parameters);
  addList(app, "--mapping", raw.mappings);
  addText(app, "--entry", options.entry);
  addList(app, "--shape", raw.sizes);
  app.add_option("--batch", raw.batch);
  addText(app, "--element-type", raw.elementType);
  addText(app, "--layer", options.layer);
  addText(app, "--validate", options.measurements);
  addText(app, "--experiment", options.experiment);
  addText(app, "--operator", options.operatorName);
  addList(app, "--bind", raw.bindings);
  addText(app, "--measured", options.columns.measured);
  addText(app, "--where", options.columns.where);
  addList(app, "--group-by", raw.groupBy);
  addList(app, "--ignore", raw.ignore);
  addText(app, "--plot", options.plot);
  app.add_flag("--strict", options.strict);
  app.add_flag("--fold-batch-norm", raw.foldBatchNorm);
  app.add_flag("--no-fold-batch-norm", raw.noFoldBatchNorm);
  app.add_flag("--no-extrapolate", raw.noExtrapolate);
  app.add_option("--budget", raw.budget);
  addText(app, "-j", raw.jobs);
  addText(app, "--format", raw.format);
  addText(app, "-o", options.output);
  app.add_flag("--list-operators", options.listOperators);
  addList(app, "--view", raw.views);
  app.add_flag("--list-free", options.listFree);
  app.add_flag("--explain-estimate", options.explainEstimate);
  app.add_flag("--verify-certificates", options.verifyCertificates);
  addText(app, "--trace", options.trace);
  app.add_flag("--dump-ast", options.dumpAst);
  app.add_flag("--dump-scalar", options.dumpScalar);
  addText(app, "--dump-ag", options.dumpAg);
  addText(app, "--dump-aidg", options.dumpAidg);
  addText(app, "--iterations", raw.iterations);
  addText(app, "--instructions", raw.instructions);
  app.add_flag("--timing", options.timing);
  addText(app, "--color", raw.color);
}

std::vector<std::string> namesOf(const CLI::App &app) {
  std::vector<std::string> names;
  for (const CLI::Option *option : app.get_options()) {
    for (const std::string &name : option->get_snames())
      names.push_back("-" + name);
    for (const std::string &name : option->get_lnames())
      names.push_back("--" + name);
  }
  return names;
}

[[noreturn]] void fail(std::string message) { throw UsageError{std::move(message)}; }

/// What CLI11 could not place: options that it does not know, and more files than one.
[[noreturn]] void failOnExtra(const CLI::App &app, const std::string &extra) {
  if (!extra.starts_with("-") || extra == "-")
    fail(fmt::format("there is one FILE; '{}' is another one", extra));
  const std::string name = extra.substr(0, extra.find('='));
  const std::vector<std::string> names = namesOf(app);
  const std::string_view nearest =
      nearestName(name, std::vector<std::string_view>(names.begin(), names.end()));
  fail(fmt::format("unknown option '{}'{}", name,
                   nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
}

/// Splits `left=right`; both must not be empty.
std::pair<std::string, std::string>
splitAssignment(const std::string &text, std::string_view option, std::string_view form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    fail(fmt::format("{} takes {}, not '{}'", option, form, text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

template <typename Value>
Value choose(const std::string &text, std::string_view option,
             const std::vector<std::pair<std::string_view, Value>> &choices) {
  std::string names;
  for (const auto &[name, value] : choices) {
    if (text == name)
      return value;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  fail(fmt::format("{} takes one of {}, not '{}'", option, names, text));
}

template <typename Number> std::optional<Number> parseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

/// A..B, for IterationRange and InstructionRange.
template <typename Range> Range parseRange(std::string_view option, const std::string &text) {
  const std::size_t dots = text.find("..");
  if (dots != std::string::npos) {
    const auto first = parseNumber<std::int64_t>(std::string_view(text).substr(0, dots));
    const auto end = parseNumber<std::int64_t>(std::string_view(text).substr(dots + 2));
    if (first && end && *first >= 0 && *end > *first)
      return {*first, *end};
  }
  fail(fmt::format("{} takes A..B with A < B, not '{}'", option, text));
}

std::int64_t parseBudget(const std::string &text) {
  if (text == "unlimited")
    return unlimited;
  const auto budget = parseNumber<std::int64_t>(text);
  if (!budget || *budget <= 0)
    fail(fmt::format("--budget takes a number of instructions or 'unlimited', not '{}'", text));
  return *budget;
}

std::int64_t parseSize(const std::string &text, const std::string &where) {
  const auto size = parseNumber<std::int64_t>(text);
  if (!size || *size <= 0)
    fail(fmt::format("{} takes a number of 1 or more, not '{}'", where, text));
  return *size;
}

void convertSizes(const RawOptions &raw, Options &options) {
  for (const std::string &text : raw.sizes) {
    auto [name, value] = splitAssignment(text, "--shape", "NAME=N");
    const std::int64_t size = parseSize(value, fmt::format("--shape {}", name));
    const auto [entry, isNew] = options.sizes.emplace(std::move(name), size);
    if (!isNew && entry->second != size)
      fail(fmt::format("--shape {} has two values, {} and {}", entry->first, entry->second, size));
  }
  if (raw.batch)
    options.batch = parseSize(*raw.batch, "--batch");
}

Mode modeOf(const Options &options, const RawOptions &raw) {
  if (raw.help)
    return Mode::Help;
  if (raw.version)
    return Mode::Version;
  if (!options.code.empty())
    return Mode::ExplainCode;
  if (raw.check + raw.estimate + raw.simulate > 1)
    fail("--check, --estimate and --simulate exclude each other");
  if (raw.check)
    return Mode::Check;
  if (raw.estimate || (options.validates() && !raw.simulate))
    return Mode::Estimate;
  return raw.simulate ? Mode::Simulate : Mode::None;
}

/// The names in `A,B` and in all repetitions of the option. \p form: what it takes.
std::vector<std::string> splitNames(const std::vector<std::string> &texts, std::string_view option,
                                    std::string_view form) {
  std::vector<std::string> names;
  for (const std::string &text : texts)
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      if (begin == end)
        fail(fmt::format("{} takes {}, not '{}'", option, form, text));
      names.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  return names;
}

void convertColumns(const RawOptions &raw, ColumnOptions &columns) {
  for (const std::string &text : raw.bindings) {
    auto [name, expression] = splitAssignment(text, "--bind", "NAME=EXPR");
    columns.bindings.push_back({std::move(name), std::move(expression)});
  }
  static constexpr std::string_view form = "names of columns, COL,...";
  columns.groupBy = splitNames(raw.groupBy, "--group-by", form);
  columns.ignore = splitNames(raw.ignore, "--ignore", form);
}

/// Options that ask for a view by another name add it to the usual ones.
void convertViews(const RawOptions &raw, Options &options) {
  using report::ViewName;
  const auto all = report::viewNames();
  for (const std::string &name : splitNames(raw.views, "--view", "names of views, VIEW,..."))
    options.views.push_back(choose<ViewName>(name, "--view", {all.begin(), all.end()}));
  if (!options.explainEstimate && !options.verifyCertificates)
    return;
  if (options.views.empty())
    options.views = {ViewName::Summary, ViewName::Layers, ViewName::Coverage, ViewName::Explain,
                     ViewName::Assumptions};
  else if (std::ranges::find(options.views, ViewName::Explain) == options.views.end())
    options.views.push_back(ViewName::Explain);
}

void convert(const RawOptions &raw, Options &options) {
  convertColumns(raw, options.columns);
  convertViews(raw, options);
  convertSizes(raw, options);
  options.extrapolate = !raw.noExtrapolate;
  options.foldBatchNorm = !raw.noFoldBatchNorm;
  for (const std::string &text : raw.parameters) {
    auto [name, value] = splitAssignment(text, "-P", "NAME=VALUE");
    options.parameters.push_back({std::move(name), std::move(value)});
  }
  for (const std::string &text : raw.mappings) {
    auto [layer, name] = splitAssignment(text, "--mapping", "OP=NAME");
    options.mappings.push_back({std::move(layer), std::move(name)});
  }
  if (!raw.elementType.empty()) {
    options.elementType = workload::ElementType::fromName(raw.elementType);
    if (!options.elementType)
      fail(fmt::format("--element-type takes a type like int8 or float32, not '{}'",
                       raw.elementType));
  }
  if (!raw.format.empty())
    options.format = choose<ReportFormat>(
        raw.format, "--format",
        {{"text", ReportFormat::Text}, {"json", ReportFormat::Json}, {"csv", ReportFormat::Csv}});
  if (!raw.color.empty())
    options.color = choose<ColorMode>(
        raw.color, "--color",
        {{"auto", ColorMode::Auto}, {"always", ColorMode::Always}, {"never", ColorMode::Never}});
  if (!raw.jobs.empty()) {
    const auto jobs = parseNumber<unsigned>(raw.jobs);
    if (!jobs || *jobs == 0)
      fail(fmt::format("-j takes a number of threads, not '{}'", raw.jobs));
    options.jobs = *jobs;
  }
  if (raw.budget)
    options.budget = parseBudget(*raw.budget);
  if (!raw.iterations.empty())
    options.iterations = parseRange<IterationRange>("--iterations", raw.iterations);
  if (!raw.instructions.empty())
    options.instructions =
        parseRange<analysis::InstructionRange>("--instructions", raw.instructions);
}

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

/// Combinations that mean nothing are refused rather than ignored.
void checkCombination(const Options &options, const RawOptions &raw) {
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
  require(raw.instructions.empty() || showsTimeline, "--instructions needs --view timeline");
  require(raw.iterations.empty() || dumpsAidg, "--iterations needs --dump-aidg");
  require(!dumpsAidg || options.workload.empty() || !options.layer.empty(),
          "--dump-aidg needs --layer NAME");
}

/// Where everything is evaluated, or has to be, a budget makes no sense.
void checkBudget(const Options &options, const RawOptions &raw) {
  if (!raw.budget)
    return;
  require(options.mode == Mode::Estimate, "--budget needs --estimate");
  require(options.trace.empty(), "--trace and --budget exclude each other");
}

Options parse(int argc, const char *const *argv) {
  Options options;
  RawOptions raw;
  CLI::App app;
  declare(app, options, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch &error) {
    // "--name: 1 required TEXT missing", "--name: At Most 1 required but received 2"
    const std::string_view message = error.what();
    const bool isRepeated = message.find("received") != std::string_view::npos;
    fail(fmt::format("{} {}", message.substr(0, message.find(':')),
                     isRepeated ? "is given more than once" : "needs one value"));
  } catch (const CLI::ParseError &error) {
    fail(error.what());
  }
  options.mode = modeOf(options, raw);
  if (options.mode == Mode::Help || options.mode == Mode::Version)
    return options;
  if (const auto extras = app.remaining(); !extras.empty())
    failOnExtra(app, extras.front());
  convert(raw, options);
  checkBudget(options, raw);
  if (options.mode != Mode::ExplainCode)
    checkCombination(options, raw);
  return options;
}

} // namespace

std::variant<Options, UsageError> parseOptions(int argc, const char *const *argv) {
  try {
    return parse(argc, argv);
  } catch (UsageError &error) {
    return std::move(error);
  }
}

std::vector<std::string> optionNames() {
  Options options;
  RawOptions raw;
  CLI::App app;
  declare(app, options, raw);
  return namesOf(app);
}

} // namespace acadlc::driver
