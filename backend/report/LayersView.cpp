#include "backend/report/LayersView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

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

} // namespace

void LayersView::print(std::string &out) const {
  if (estimate_.layers.empty())
    return;
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"operator"},
                   {"dimensions"},
                   {"mapping"},
                   {"instructions", Align::Right},
                   {"cycles", Align::Right},
                   {"share", Align::Right},
                   {"utilisation", Align::Right},
                   {"guarantee"},
                   {"bound by"}});
  for (const analysis::LayerEstimate &layer : estimate_.layers) {
    const double share = estimate_.cycles == 0 ? 0
                                               : static_cast<double>(layer.cycles) /
                                                     static_cast<double>(estimate_.cycles);
    const std::string cycles = cyclesText(layer.guarantee, layer.cycles, layer.bounds);
    table.add({layer.name, operators(layer), shortDimensions(layer), layer.mapping,
               thousands(layer.instructions), cycles, estimate_.isBounded() ? "" : percent(share),
               layer.utilisation ? percent(*layer.utilisation) : "",
               std::string(analysis::guaranteeName(layer.guarantee)),
               layer.bound ? fmt::format("{} ({}){}", analysis::boundKindName(layer.bound->kind),
                                         layer.bound->object, layer.boundIsPartial ? " ~" : "")
                           : ""});
  }
  out += "\n";
  table.print(out);
}

} // namespace acadlc::report
