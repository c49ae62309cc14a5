#include "backend/report/LayersView.h"

#include "backend/report/Comparison.h"
#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace acadlc::report {

namespace {

/// "K=64 P=55 Q=55": extents of 1 are left out.
std::string shortDimensions(const analysis::LayerEstimate &layer) {
  std::string text;
  for (const analysis::NamedNumber &dimension : layer.dimensions)
    if (dimension.value != 1)
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", dimension.name, dimension.value);
  return text.empty() && !layer.dimensions.empty() ? "all 1" : text;
}

/// "conv2d + bias + relu"
std::string operators(const analysis::LayerEstimate &layer) {
  std::string text = layer.operatorName;
  for (const analysis::AbsorbedStep &step : layer.absorbed)
    text += " + " + step.name;
  return text;
}

/// Cycles of a simple model, which need be neither whole nor within 64 bits.
std::string wholeCycles(double cycles) {
  constexpr double most = 9e18;
  return cycles < most ? thousands(std::llround(cycles)) : fmt::format("{:.4g}", cycles);
}

} // namespace

void LayersView::print(std::string &out) const {
  if (estimate_.layers.empty())
    return;
  using Align = TextTable::Align;
  std::vector<TextTable::Column> columns{{"layer"},
                                         {"operator"},
                                         {"dimensions"},
                                         {"mapping"},
                                         {"instructions", Align::Right},
                                         {"cycles", Align::Right}};
  for (const ComparedModel model : compare_) {
    columns.push_back({std::string(comparedModelName(model)), Align::Right});
    columns.push_back({"of the cycles", Align::Right});
  }
  columns.insert(
      columns.end(),
      {{"share", Align::Right}, {"utilisation", Align::Right}, {"guarantee"}, {"bound by"}});
  TextTable table(std::move(columns));
  for (const analysis::LayerEstimate &layer : estimate_.layers) {
    const double share = estimate_.cycles == 0 ? 0
                                               : static_cast<double>(layer.cycles) /
                                                     static_cast<double>(estimate_.cycles);
    const std::string cycles = cyclesText(layer.guarantee, layer.cycles, layer.bounds);
    std::vector<std::string> cells{layer.name,
                                   operators(layer),
                                   shortDimensions(layer),
                                   layer.mapping,
                                   thousands(layer.instructions),
                                   cycles};
    for (const ComparedModel model : compare_) {
      const auto compared = compare(layer, model);
      const bool isPartial = layer.simple && layer.simple->isComputationAlone;
      cells.push_back(
          compared ? fmt::format("{}{}", wholeCycles(compared->cycles), isPartial ? " c" : "")
                   : "");
      cells.push_back(compared && compared->ratio ? percent(*compared->ratio) : "");
    }
    cells.insert(cells.end(), {estimate_.isBounded() ? "" : percent(share),
                               layer.utilisation ? percent(*layer.utilisation) : "",
                               std::string(analysis::guaranteeName(layer.guarantee)),
                               layer.bound ? boundText(*layer.bound, layer.boundIsPartial) : ""});
    table.add(std::move(cells));
  }
  out += "\n";
  table.print(out);
  printNotes(out);
}

/// What the compared models say of all layers, and what they lack.
void LayersView::printNotes(std::string &out) const {
  if (compare_.empty())
    return;
  out += "\n";
  for (const ComparedModel model : compare_) {
    const auto all = compareAll(estimate_, model);
    out += fmt::format(
        "  {}: {}\n", comparedModelName(model),
        all ? fmt::format("{} cycles{}", wholeCycles(all->cycles),
                          all->ratio ? fmt::format(", {} of the estimate", percent(*all->ratio))
                                     : "")
            : "it says nothing of some layers, so there is no sum");
  }
  if (std::ranges::any_of(estimate_.layers, [](const auto &layer) {
        return layer.simple && layer.simple->isComputationAlone;
      }))
    out += "  c computation alone: what the layer moves has no bandwidth in this model\n";
}

} // namespace acadlc::report
