#include "driver/Options.h"

#include "api/Session.h"
#include "driver/RawOptions.h"
#include "support/Diagnostics.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

namespace acadlc::driver {

namespace {

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
  app.add_option("--diff", raw.reports)->expected(2);
  app.add_flag("--list-stdlib", raw.listLibrary);
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
  addText(app, "--trace-json", options.traceJson);
  addText(app, "--plot-roofline", options.rooflinePlot);
  addList(app, "--compare", raw.compare);
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
  std::vector<std::string_view> candidates;
  for (const auto &[name, value] : choices)
    candidates.push_back(name);
  const std::string_view nearest = nearestName(text, candidates);
  fail(fmt::format("{} takes one of {}, not '{}'{}", option, names, text,
                   nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
}

/// Whether \p text is a number that is too large for 64 bits.
bool isTooLarge(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc::result_out_of_range && end == text.data() + text.size() &&
         !text.starts_with('-');
}

template <typename Number> std::optional<Number> parseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

/// A..B, for IterationRange and InstructionRange. \p most: B.
template <typename Range>
Range parseRange(std::string_view option, const std::string &text, std::int64_t most) {
  const std::size_t dots = text.find("..");
  if (dots != std::string::npos) {
    const std::string_view firstText = std::string_view(text).substr(0, dots);
    const std::string_view endText = std::string_view(text).substr(dots + 2);
    for (const std::string_view bound : {firstText, endText})
      if (isTooLarge(bound))
        fail(fmt::format("{} takes A..B with B up to {}, {} is too large", option, most, bound));
    const auto first = parseNumber<std::int64_t>(firstText);
    const auto end = parseNumber<std::int64_t>(endText);
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
    fail(fmt::format("{} takes a number of 1 or more{}, not '{}'", where,
                     size == 0 ? " (without elements there is nothing to estimate)" : "", text));
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
  if (!raw.reports.empty())
    return Mode::CompareReports;
  if (raw.listLibrary)
    return Mode::ListLibrary;
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

void convertComparison(const RawOptions &raw, Options &options) {
  const auto all = report::comparedModelNames();
  for (const std::string &name : splitNames(raw.compare, "--compare", "names of models, MODEL,..."))
    options.compare.push_back(
        choose<report::ComparedModel>(name, "--compare", {all.begin(), all.end()}));
  if (!raw.reports.empty())
    options.reports = {raw.reports.front(), raw.reports.back()};
}

void convert(const RawOptions &raw, Options &options) {
  convertComparison(raw, options);
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
    options.iterations = parseRange<IterationRange>("--iterations", raw.iterations,
                                                    std::numeric_limits<std::int64_t>::max());
  if (!raw.instructions.empty())
    options.instructions = parseRange<analysis::InstructionRange>(
        "--instructions", raw.instructions, analysis::InstructionRange::mostEnd);
}

/// What needs no description goes with few other options.
void checkAlone(const CLI::App &app, const Options &options) {
  const bool compares = options.mode == Mode::CompareReports;
  const std::string_view own = compares ? "--diff" : "--list-stdlib";
  for (const CLI::Option *option : app.get_options()) {
    const std::string name = option->get_name();
    const bool isFine =
        name == own || name == "--color" || (compares && (name == "--format" || name == "-o"));
    if (option->count() == 0 || isFine)
      continue;
    fail(fmt::format("{} can't be combined with {}", own,
                     name.starts_with("-") ? name : "FILE.acadl"));
  }
  if (options.format == ReportFormat::Csv)
    fail("--diff has --format text and json");
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
    const std::string_view name = message.substr(0, message.find(':'));
    if (name == "--diff")
      fail("--diff takes two reports, A.json B.json");
    fail(fmt::format("{} {}", name, isRepeated ? "is given more than once" : "needs one value"));
  } catch (const CLI::ParseError &error) {
    fail(error.what());
  }
  options.mode = modeOf(options, raw);
  if (options.mode == Mode::Help || options.mode == Mode::Version)
    return options;
  if (const auto extras = app.remaining(); !extras.empty())
    failOnExtra(app, extras.front());
  convert(raw, options);
  if (options.mode == Mode::CompareReports || options.mode == Mode::ListLibrary)
    checkAlone(app, options);
  else if (options.mode != Mode::ExplainCode)
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
