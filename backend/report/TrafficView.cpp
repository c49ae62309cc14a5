#include "backend/report/TrafficView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

namespace {

using analysis::Resource;

/// Three digits; empty if there is no such ratio.
std::string ratio(double numerator, double denominator) {
  return numerator == 0 || denominator == 0 ? "" : fmt::format("{:.3g}", numerator / denominator);
}

/// What caches ask of \p resource, which is below them. \p cycles: 0 if they are not known.
void addLowerRow(TextTable &table, std::string name, const Resource &resource, double cycles,
                 double macs) {
  const std::string storage = resource.object + ", by caches";
  if (!resource.lower) {
    table.add({std::move(name), storage, "not counted", "not counted", "", ""});
    return;
  }
  const timing::LowerTraffic &lower = *resource.lower;
  const double bytes =
      static_cast<double>(lower.bytesRead) + static_cast<double>(lower.bytesWritten);
  table.add({std::move(name), storage, thousands(lower.bytesRead), thousands(lower.bytesWritten),
             ratio(bytes, cycles), ratio(macs, bytes)});
}

/// The rows of one layer, or of all. \p cycles: 0 if they are not known.
void addRows(TextTable &table, std::string name, const std::vector<Resource> &resources,
             double cycles, double macs) {
  for (const Resource &resource : resources) {
    const analysis::ObjectCounts &sum = resource.sum;
    if (!arch::isStorage(resource.objectClass))
      continue;
    const double bytes = static_cast<double>(sum.bytesRead) + static_cast<double>(sum.bytesWritten);
    if (sum.bytesRead != 0 || sum.bytesWritten != 0)
      table.add({std::exchange(name, ""), resource.object, thousands(sum.bytesRead),
                 thousands(sum.bytesWritten), ratio(bytes, cycles), ratio(macs, bytes)});
    if (resource.isBelowCaches)
      addLowerRow(table, std::exchange(name, ""), resource, cycles, macs);
  }
}

} // namespace

void TrafficView::print(std::string &out) const {
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"storage"},
                   {"bytes read", Align::Right},
                   {"bytes written", Align::Right},
                   {"bytes a cycle", Align::Right},
                   {"MACs a byte", Align::Right}});
  double macs = 0;
  for (const analysis::LayerEstimate &layer : estimate_.layers) {
    addRows(table, layer.name, layer.resources,
            layer.isBounded() ? 0 : static_cast<double>(layer.cycles),
            static_cast<double>(layer.macs));
    macs += static_cast<double>(layer.macs);
  }
  if (estimate_.layers.size() > 1)
    addRows(table, "all", estimate_.resources,
            estimate_.isBounded() ? 0 : static_cast<double>(estimate_.cycles), macs);
  const bool hasCaches = std::ranges::any_of(estimate_.resources, &Resource::isBelowCaches);
  out += fmt::format("\nTraffic: bytes that units read from storages and write to them{}\n\n",
                     hasCaches ? "; by caches: what these ask below" : "");
  table.print(out);
}

} // namespace acadlc::report
