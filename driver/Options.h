/// \file
/// The command line.
#pragma once

#include "api/ColumnOptions.h"
#include "backend/mapping/Match.h"
#include "backend/report/Report.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "ir/Workload.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace acadlc::driver {

enum class Mode : std::uint8_t {
  None, ///< none was asked for: check, unless something is to be dumped
  Check,
  Estimate,
  Simulate,
  Help,
  Version,
  ExplainCode,
  CompareReports,
  ListLibrary,
};
enum class ReportFormat : std::uint8_t { Text, Json, Csv };
enum class ColorMode : std::uint8_t { Auto, Always, Never };

/// Iterations first … end − 1 of an innermost loop.
struct IterationRange {
  std::int64_t first = 0, end = 4;
};

/// What the user asks for. Every combination that parseOptions returns makes sense.
struct Options {
  Mode mode = Mode::None;
  std::string description; ///< path, "std/…", "-"; empty: none
  std::string workload;    ///< path, "-"; empty: none
  std::string program;
  std::string architecture;
  std::string entry;
  std::map<std::string, std::int64_t, std::less<>> sizes; ///< values of symbolic sizes
  std::optional<std::int64_t> batch;
  std::vector<ParameterOverride> parameters;
  std::vector<mapping::ForcedMapping> mappings;
  std::string layer;
  std::string measurements; ///< what the model is held against: path, "-"; empty: nothing
  std::string experiment;
  std::string operatorName;
  ColumnOptions columns;
  std::string plot; ///< empty: none
  std::optional<workload::ElementType> elementType;
  bool strict = false;
  bool foldBatchNorm = true;
  bool extrapolate = true;
  std::optional<std::int64_t> budget; ///< instructions of a layer; none: as the API decides
  unsigned jobs = 0;                  ///< 0: one thread for each core

  ReportFormat format = ReportFormat::Text;
  std::string output;                  ///< empty or "-": standard output
  bool listOperators = false;          ///< instead of any other report
  std::vector<report::ViewName> views; ///< of the report, in their order; empty: the usual ones
  bool listFree = false;
  bool explainEstimate = false;
  bool verifyCertificates = false;
  std::string trace;
  std::string traceJson;                       ///< empty: none
  std::string rooflinePlot;                    ///< empty: none
  std::vector<report::ComparedModel> compare;  ///< beside the estimate, in this order
  std::pair<std::string, std::string> reports; ///< for Mode::CompareReports: before, after
  bool dumpAst = false;
  bool dumpScalar = false;
  std::string dumpAg;
  std::string dumpAidg;
  IterationRange iterations;
  analysis::InstructionRange instructions; ///< of timelines and traces for viewers
  bool timing = false;
  ColorMode color = ColorMode::Auto;
  std::string code; ///< for Mode::ExplainCode

  [[nodiscard]] bool evaluates() const { return mode == Mode::Estimate || mode == Mode::Simulate; }
  [[nodiscard]] bool validates() const { return !measurements.empty(); }
};

/// Wrong use of the command line; the text says what is wrong.
struct UsageError {
  std::string message;
};

std::variant<Options, UsageError> parseOptions(int argc, const char *const *argv);

/// The names of all options: "--check", "-o", ….
std::vector<std::string> optionNames();
/// What `--help` prints.
std::string helpText();

} // namespace acadlc::driver
