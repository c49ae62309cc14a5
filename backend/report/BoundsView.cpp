#include "backend/report/BoundsView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

/// Of a layer whose cycles are known.
double shareOf(const analysis::SoleLimit &limit, const analysis::LayerEstimate &layer) {
  return layer.cycles == 0 ? 0
                           : static_cast<double>(limit.cycles) / static_cast<double>(layer.cycles);
}

} // namespace

void BoundsView::print(std::string &out) const {
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"cycles", Align::Right},
                   {"limit"},
                   {"resource"},
                   {"at least", Align::Right},
                   {"of the cycles", Align::Right},
                   {""}});
  bool hasBottleneck = false;
  for (const analysis::LayerEstimate &layer : estimate_.layers) {
    std::string name = layer.name;
    std::string cycles = cyclesText(layer.guarantee, layer.cycles, layer.bounds);
    for (const analysis::SoleLimit &limit : analysis::soleLimits(layer.resources)) {
      const double share = shareOf(limit, layer);
      const bool isBottleneck = !layer.isBounded() && share >= analysis::bottleneckShare;
      hasBottleneck |= isBottleneck;
      table.add({std::exchange(name, ""), std::exchange(cycles, ""),
                 std::string(analysis::boundKindName(limit.kind)), limit.object,
                 thousands(limit.cycles), layer.isBounded() ? "" : percent(share),
                 isBottleneck ? "*" : ""});
    }
  }
  out += "\nBounds: the least cycles of a layer if this were its only limit\n\n";
  table.print(out);
  if (hasBottleneck)
    out += fmt::format("\n  * a bottleneck: {:.0f} % of the cycles or more\n",
                       analysis::bottleneckShare * 100);
}

} // namespace acadlc::report
