#include "backend/report/ValidationReport.h"

#include "backend/report/Csv.h"
#include "backend/report/Format.h"
#include "backend/report/Json.h"
#include "backend/report/TextTable.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace acadlc::report {

namespace {

using analysis::ErrorStatistics;
using analysis::Validation;
using analysis::ValidationGroup;
using analysis::ValidationRow;

//===--- Text ---------------------------------------------------------------------------------===//

/// "4.1 %"; far beyond what anybody reads digit by digit, three of them and an exponent.
std::string percentText(double value) {
  if (std::isnan(value)) // of no rows
    return "-";
  constexpr double most = 1e6;
  return std::abs(value) < most ? fmt::format("{:.1f} %", value) : fmt::format("{:.2e} %", value);
}
std::string signedPercent(double value) {
  return value > 0 ? "+" + percentText(value) : percentText(value);
}

std::string measuredText(double cycles) {
  constexpr double limit = 9007199254740992; // 2^53: whole below it
  return cycles == std::floor(cycles) && cycles < limit
             ? thousands(static_cast<std::int64_t>(cycles))
             : number(cycles);
}

/// Which columns have more than one value.
std::vector<bool> varyingColumns(const Validation &validation) {
  std::vector<bool> varies(validation.columns.size(), false);
  for (const ValidationRow &row : validation.rows)
    for (std::size_t i = 0; i < varies.size(); ++i)
      varies[i] = varies[i] || row.values[i] != validation.rows.front().values[i];
  for (std::size_t i = 0; i < varies.size(); ++i)
    varies[i] = varies[i] || std::ranges::count(validation.groupBy, validation.columns[i]) != 0;
  return varies;
}

class TextWriter {
public:
  explicit TextWriter(const Validation &validation)
      : validation_(validation), varies_(varyingColumns(validation)) {}

  std::string write() {
    heading();
    rows();
    statistics();
    guarantees();
    return std::move(out_);
  }

private:
  void heading() {
    out_ += fmt::format("{} against {}, {} {}{}{}\n", printableText(validation_.file),
                        validation_.architecture, validation_.isProgram ? "program" : "mapping",
                        validation_.target, validation_.experiment.empty() ? "" : ", experiment ",
                        validation_.experiment);
    std::string same;
    for (std::size_t i = 0; i < varies_.size(); ++i)
      if (!varies_[i])
        same += fmt::format("{}{} = {}", same.empty() ? "" : ", ", validation_.columns[i],
                            validation_.rows.front().values[i]);
    if (!same.empty())
      out_ += fmt::format("in all rows: {}\n", printableText(same));
    out_ += "\n";
  }

  void rows() {
    std::vector<TextTable::Column> columns{{"line", TextTable::Align::Right}};
    for (std::size_t i = 0; i < varies_.size(); ++i)
      if (varies_[i])
        columns.push_back({printableText(validation_.columns[i]), TextTable::Align::Right});
    for (const char *title : {"measured", "estimated", "error"})
      columns.push_back({title, TextTable::Align::Right});
    TextTable table(columns);
    for (const ValidationRow &row : validation_.rows) {
      std::vector<std::string> cells{std::to_string(row.line)};
      for (std::size_t i = 0; i < varies_.size(); ++i)
        if (varies_[i])
          cells.push_back(row.values[i]);
      cells.push_back(measuredText(row.point.measured));
      cells.push_back(cyclesText(row.guarantee, row.point.estimated, row.bounds));
      cells.push_back(row.isBounded() ? "-" : signedPercent(row.point.error()));
      table.add(std::move(cells));
    }
    table.print(out_);
    out_ += "\n";
  }

  void statistics() {
    std::vector<TextTable::Column> columns{{"", TextTable::Align::Left}};
    for (const char *title : {"points", "MAPE", "median", "90th", "largest", "bias", "Spearman"})
      columns.push_back({title, TextTable::Align::Right});
    TextTable table(columns);
    for (const ValidationGroup &group : validation_.groups)
      addStatistics(table, groupLabel(validation_, group), group.statistics);
    addStatistics(table, "all", validation_.statistics);
    table.print(out_);
  }

  static void addStatistics(TextTable &table, const std::string &label,
                            const ErrorStatistics &statistics) {
    table.add({label, thousands(static_cast<std::int64_t>(statistics.points)),
               percentText(statistics.mape), percentText(statistics.median),
               percentText(statistics.p90), percentText(statistics.max),
               signedPercent(statistics.bias),
               statistics.spearman ? fmt::format("{:.3f}", *statistics.spearman) : "-"});
  }

  void guarantees() {
    std::string text;
    for (const timing::Guarantee guarantee :
         {timing::Guarantee::Exact, timing::Guarantee::Certified, timing::Guarantee::Bounded}) {
      const auto count = std::ranges::count(validation_.rows, guarantee, &ValidationRow::guarantee);
      if (count != 0)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", thousands(count),
                            analysis::guaranteeName(guarantee));
    }
    out_ += fmt::format("\nestimates: {}\n", text);
    if (validation_.guarantee() == timing::Guarantee::Bounded)
      out_ += "BOUNDED: rows that did not repeat within the budget (--budget) have no error; the "
              "statistics leave them out\n";
  }

  const Validation &validation_;
  std::vector<bool> varies_;
  std::string out_;
};

//===--- JSON ---------------------------------------------------------------------------------===//

class ValidationJsonWriter {
public:
  explicit ValidationJsonWriter(llvm::json::OStream &json) : json_(json) {}

  void write(const Validation &validation, std::string_view version) {
    json_.object([&] {
      json_.attribute("schema", validationSchemaVersion);
      json_.attribute("acadlc", jsonText(version));
      json_.attribute("method", jsonText(analysis::methodName(validation.method)));
      json_.attribute("architecture", jsonText(validation.architecture));
      json_.attribute(validation.isProgram ? "program" : "mapping", jsonText(validation.target));
      json_.attribute("experiment", validation.experiment.empty()
                                        ? llvm::json::Value(nullptr)
                                        : jsonText(validation.experiment));
      json_.attribute("measurements", jsonText(validation.file));
      json_.attributeObject("options", [&] { asked(validation); });
      json_.attribute("guarantee", jsonText(analysis::guaranteeName(validation.guarantee())));
      statistics(validation.statistics);
      json_.attributeArray("groups", [&] {
        for (const ValidationGroup &group : validation.groups)
          json_.object([&] {
            named("columns", validation.groupBy, group.values);
            statistics(group.statistics);
          });
      });
      json_.attributeArray("rows", [&] {
        for (const ValidationRow &entry : validation.rows)
          row(validation, entry);
      });
    });
  }

private:
  /// As in the report of an estimate, as far as there is no network.
  void asked(const Validation &validation) {
    const analysis::AskedOptions &asked = validation.asked;
    if (!validation.isProgram)
      json_.attribute("element_type", asked.elementType.empty() ? llvm::json::Value(nullptr)
                                                                : jsonText(asked.elementType));
    json_.attribute("extrapolate", asked.extrapolates);
    json_.attribute("budget",
                    asked.budget ? llvm::json::Value(*asked.budget) : llvm::json::Value(nullptr));
  }

  void statistics(const ErrorStatistics &statistics) {
    json_.attribute("points", static_cast<std::int64_t>(statistics.points));
    jsonReal(json_, "mape", statistics.mape);
    jsonReal(json_, "median", statistics.median);
    jsonReal(json_, "p90", statistics.p90);
    jsonReal(json_, "max", statistics.max);
    jsonReal(json_, "bias", statistics.bias);
    jsonReal(json_, "spearman", statistics.spearman);
  }

  void row(const Validation &validation, const ValidationRow &row) {
    json_.object([&] {
      json_.attribute("line", row.line);
      named("columns", validation.columns, row.values);
      jsonReal(json_, "measured", row.point.measured);
      const bool isBounded = row.isBounded();
      const std::int64_t estimated = row.point.estimated;
      json_.attribute("estimated",
                      isBounded ? llvm::json::Value(nullptr) : llvm::json::Value(estimated));
      json_.attribute("estimated_lower", isBounded ? row.bounds.lower : estimated);
      json_.attribute("estimated_upper", isBounded ? row.bounds.upper : estimated);
      json_.attribute("if_completes", isBounded && row.bounds.ifCompletes);
      jsonReal(json_, "error", isBounded ? std::nullopt : std::optional(row.point.error()));
      json_.attribute("guarantee", jsonText(analysis::guaranteeName(row.guarantee)));
    });
  }

  void named(llvm::StringRef name, const std::vector<std::string> &names,
             const std::vector<std::string> &values) {
    json_.attributeObject(name, [&] {
      for (std::size_t i = 0; i < names.size(); ++i)
        json_.attribute(llvm::json::fixUTF8(names[i]), jsonText(values[i]));
    });
  }

  llvm::json::OStream &json_;
};

} // namespace

std::string groupLabel(const Validation &validation, const ValidationGroup &group) {
  std::string label;
  for (std::size_t i = 0; i < group.values.size(); ++i)
    label +=
        fmt::format("{}{} = {}", label.empty() ? "" : ", ", validation.groupBy[i], group.values[i]);
  return printableText(label);
}

std::string validationText(const Validation &validation) { return TextWriter(validation).write(); }

std::string validationJson(const Validation &validation, std::string_view version) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  llvm::json::OStream json(stream, 2);
  ValidationJsonWriter(json).write(validation, version);
  json.flush();
  stream << "\n";
  return out;
}

std::string validationCsv(const Validation &validation) {
  std::string out;
  std::vector<std::string> header{"line"};
  header.insert(header.end(), validation.columns.begin(), validation.columns.end());
  for (const char *name : {"measured", "estimated", "error", "guarantee", "estimated_lower",
                           "estimated_upper", "if_completes"})
    header.emplace_back(name);
  csvRow(out, header);
  for (const ValidationRow &row : validation.rows) {
    std::vector<std::string> fields{std::to_string(row.line)};
    fields.insert(fields.end(), row.values.begin(), row.values.end());
    fields.push_back(number(row.point.measured));
    const std::string estimated = std::to_string(row.point.estimated);
    const bool isBounded = row.isBounded();
    fields.push_back(isBounded ? "" : estimated);
    fields.push_back(isBounded ? "" : number(row.point.error()));
    fields.emplace_back(analysis::guaranteeName(row.guarantee));
    fields.push_back(isBounded ? std::to_string(row.bounds.lower) : estimated);
    fields.push_back(isBounded ? std::to_string(row.bounds.upper) : estimated);
    fields.emplace_back(isBounded && row.bounds.ifCompletes ? "true" : "false");
    csvRow(out, fields);
  }
  return out;
}

} // namespace acadlc::report
