#include "backend/report/AssumptionsView.h"
#include "backend/report/BoundsView.h"
#include "backend/report/CoverageView.h"
#include "backend/report/CriticalPathView.h"
#include "backend/report/ExplainView.h"
#include "backend/report/LayersView.h"
#include "backend/report/Report.h"
#include "backend/report/ResourcesView.h"
#include "backend/report/SummaryView.h"
#include "backend/report/TimelineView.h"
#include "backend/report/TrafficView.h"

#include <algorithm>
#include <array>

namespace acadlc::report {

namespace {

using analysis::NetworkEstimate;

template <typename View> void print(const NetworkEstimate &estimate, std::string &out) {
  View(estimate).print(out);
}

void print(ViewName name, const NetworkEstimate &estimate, const ReportOptions &options,
           std::string &out) {
  switch (name) {
  case ViewName::Summary:
    return print<SummaryView>(estimate, out);
  case ViewName::Layers:
    return LayersView(estimate, options.compare).print(out);
  case ViewName::Coverage:
    print<UnmappedView>(estimate, out);
    FreeView(estimate, options.listFree).print(out);
    return print<FoldedView>(estimate, out);
  case ViewName::Explain:
    return print<ExplainView>(estimate, out);
  case ViewName::Bounds:
    return print<BoundsView>(estimate, out);
  case ViewName::Resources:
    return print<ResourcesView>(estimate, out);
  case ViewName::Traffic:
    return print<TrafficView>(estimate, out);
  case ViewName::Timeline:
    return print<TimelineView>(estimate, out);
  case ViewName::CriticalPath:
    return print<CriticalPathView>(estimate, out);
  case ViewName::Assumptions:
    print<AssumptionsView>(estimate, out);
    return print<LegendView>(estimate, out);
  }
}

} // namespace

std::span<const std::pair<std::string_view, ViewName>> viewNames() {
  static constexpr std::array<std::pair<std::string_view, ViewName>, 10> names{
      {{"summary", ViewName::Summary},
       {"layers", ViewName::Layers},
       {"coverage", ViewName::Coverage},
       {"explain", ViewName::Explain},
       {"bounds", ViewName::Bounds},
       {"resources", ViewName::Resources},
       {"traffic", ViewName::Traffic},
       {"timeline", ViewName::Timeline},
       {"critical-path", ViewName::CriticalPath},
       {"assumptions", ViewName::Assumptions}}};
  return names;
}

bool ReportOptions::shows(ViewName name) const {
  return std::ranges::find(views, name) != views.end();
}

bool ReportOptions::needsResources() const {
  return shows(ViewName::Bounds) || shows(ViewName::Resources) || shows(ViewName::Traffic);
}

std::string textReport(const NetworkEstimate &estimate, const ReportOptions &options) {
  static constexpr std::array usual{ViewName::Summary, ViewName::Layers, ViewName::Coverage,
                                    ViewName::Assumptions};
  std::string out;
  for (const ViewName name :
       options.views.empty() ? std::span<const ViewName>(usual) : std::span(options.views))
    print(name, estimate, options, out);
  if (!options.views.empty() && !options.shows(ViewName::Coverage))
    print<UnmappedView>(estimate, out);
  out.erase(0, out.find_first_not_of('\n'));
  return out;
}

} // namespace acadlc::report
