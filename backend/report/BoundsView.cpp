#include "backend/report/BoundsView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

using Align = TextTable::Align;

/// Of a layer whose cycles are known.
double shareOf(const analysis::SoleLimit &limit, const analysis::LayerEstimate &layer) {
  return layer.cycles == 0 ? 0
                           : static_cast<double>(limit.cycles) / static_cast<double>(layer.cycles);
}

/// The rows of the layers, and which of the marks below them they have.
class Rows {
public:
  void add(const analysis::LayerEstimate &layer) {
    std::string name = layer.name;
    std::string cycles = cyclesText(layer.guarantee, layer.cycles, layer.bounds);
    for (const analysis::SoleLimit &limit : analysis::soleLimits(layer))
      addLimit(layer, limit, std::exchange(name, ""), std::exchange(cycles, ""));
    if (!layer.dependences || layer.dependences->limit)
      return;
    missing = layer.dependences->missing;
    table.add({std::exchange(name, ""), std::exchange(cycles, ""),
               std::string(analysis::boundKindName(analysis::BoundKind::Dependence)), "",
               "not known", "", ""});
  }

  TextTable table{{{"layer"},
                   {"cycles", Align::Right},
                   {"limit"},
                   {"resource"},
                   {"at least", Align::Right},
                   {"of the cycles", Align::Right},
                   {""}}};
  bool hasBottleneck = false, hasLeastDependence = false;
  std::string missing; ///< why dependences are not known somewhere; empty: they are

private:
  void addLimit(const analysis::LayerEstimate &layer, const analysis::SoleLimit &limit,
                std::string name, std::string cycles) {
    const double share = shareOf(limit, layer);
    const bool isBottleneck = !layer.isBounded() && share >= analysis::bottleneckShare;
    const bool isLeastDependence = limit.isLeast && limit.kind == analysis::BoundKind::Dependence;
    hasBottleneck |= isBottleneck;
    hasLeastDependence |= isLeastDependence;
    const std::string_view mark = isLeastDependence ? " +" : "";
    table.add({std::move(name), std::move(cycles), std::string(analysis::boundKindName(limit.kind)),
               limit.object, fmt::format("{}{}", thousands(limit.cycles), mark),
               layer.isBounded() ? "" : percent(share), isBottleneck ? "*" : ""});
  }
};

} // namespace

void BoundsView::print(std::string &out) const {
  Rows rows;
  for (const analysis::LayerEstimate &layer : estimate_.layers)
    rows.add(layer);
  out += "\nBounds: the least cycles of a layer if this were its only limit\n\n";
  rows.table.print(out);
  if (rows.hasBottleneck || rows.hasLeastDependence || !rows.missing.empty())
    out += '\n';
  if (rows.hasBottleneck)
    out += fmt::format("  * a bottleneck: {:.0f} % of the cycles or more\n",
                       analysis::bottleneckShare * 100);
  if (rows.hasLeastDependence)
    out += "  + or more: requests count at their least, or not all dependences through memory are\n"
           "    followed\n";
  if (!rows.missing.empty())
    out += fmt::format("  dependence: not known of a layer if {}\n", rows.missing);
}

} // namespace acadlc::report
