#include "backend/report/Comparison.h"
#include "backend/report/Csv.h"
#include "backend/report/Format.h"
#include "backend/report/Report.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

std::string dimensions(const analysis::LayerEstimate &layer) {
  std::string text;
  for (const analysis::NamedNumber &dimension : layer.dimensions)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", dimension.name, dimension.value);
  return text;
}

/// "I=float32:int8 W=int8": declared and, if it differs, read as.
std::string elementTypes(const analysis::LayerEstimate &layer) {
  std::string text;
  for (const analysis::LayerTensor &tensor : layer.tensors)
    text += fmt::format("{}{}={}{}", text.empty() ? "" : " ", tensor.name, tensor.declared,
                        tensor.isReinterpreted() ? ":" + tensor.readAs : "");
  return text;
}

/// "bias relu"
std::string absorbed(const analysis::LayerEstimate &layer) {
  std::string text;
  for (const analysis::AbsorbedStep &step : layer.absorbed)
    text += (text.empty() ? "" : " ") + step.name;
  return text;
}

} // namespace

void csvRow(std::string &out, const std::vector<std::string> &fields) {
  const char *separator = "";
  for (const std::string &field : fields) {
    out += separator;
    separator = ",";
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      out += field;
      continue;
    }
    out += '"';
    for (const char c : field)
      out += c == '"' ? std::string("\"\"") : std::string(1, c);
    out += '"';
  }
  out += "\n";
}

std::string csvReport(const analysis::NetworkEstimate &estimate, const ReportOptions &options) {
  std::string out;
  std::vector<std::string> header{"name",
                                  "operator",
                                  "dims",
                                  "mapping",
                                  "element_types",
                                  "macs",
                                  "cycles",
                                  "guarantee",
                                  "instructions",
                                  "iterations",
                                  "evaluated_iterations",
                                  "utilisation",
                                  "bound_by",
                                  "bound_kind",
                                  "absorbed",
                                  "cycles_lower",
                                  "cycles_upper",
                                  "if_completes"};
  for (const ComparedModel model : options.compare)
    for (const char *suffix : {"_cycles", "_ratio"})
      header.push_back(std::string(comparedModelName(model)) + suffix);
  csvRow(out, header);
  for (const analysis::LayerEstimate &layer : estimate.layers) {
    std::vector<std::string> fields{
        layer.name,
        layer.operatorName,
        dimensions(layer),
        layer.mapping,
        elementTypes(layer),
        std::to_string(layer.macs),
        layer.isBounded() ? "" : std::to_string(layer.cycles),
        std::string(analysis::guaranteeName(layer.guarantee)),
        std::to_string(layer.instructions),
        std::to_string(layer.iterations),
        std::to_string(layer.evaluatedIterations),
        layer.utilisation ? number(*layer.utilisation) : "",
        layer.bound ? layer.bound->object : "",
        layer.bound ? std::string(analysis::boundKindName(layer.bound->kind)) : "",
        absorbed(layer),
        std::to_string(layer.cycleBounds().lower),
        std::to_string(layer.cycleBounds().upper),
        layer.cycleBounds().ifCompletes ? "true" : "false"};
    for (const ComparedModel model : options.compare) {
      const auto compared = compare(layer, model);
      fields.push_back(compared ? number(compared->cycles) : "");
      fields.push_back(compared && compared->ratio ? number(*compared->ratio) : "");
    }
    csvRow(out, fields);
  }
  return out;
}

} // namespace acadlc::report
