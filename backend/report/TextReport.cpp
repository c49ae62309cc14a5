#include "backend/report/AssumptionsView.h"
#include "backend/report/CoverageView.h"
#include "backend/report/ExplainView.h"
#include "backend/report/LayersView.h"
#include "backend/report/Report.h"
#include "backend/report/SummaryView.h"

#include <memory>
#include <vector>

namespace acadlc::report {

std::string textReport(const analysis::NetworkEstimate &estimate, const TextOptions &options) {
  std::vector<std::unique_ptr<View>> views;
  views.push_back(std::make_unique<SummaryView>(estimate));
  views.push_back(std::make_unique<LayersView>(estimate));
  views.push_back(std::make_unique<UnmappedView>(estimate));
  views.push_back(std::make_unique<FreeView>(estimate, options.listFree));
  views.push_back(std::make_unique<FoldedView>(estimate));
  if (options.explain)
    views.push_back(std::make_unique<ExplainView>(estimate));
  views.push_back(std::make_unique<AssumptionsView>(estimate));
  views.push_back(std::make_unique<LegendView>(estimate));
  std::string out;
  for (const auto &view : views)
    view->print(out);
  return out;
}

} // namespace acadlc::report
