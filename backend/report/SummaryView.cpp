#include "backend/report/SummaryView.h"

#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

void SummaryView::print(std::string &out) const {
  out += fmt::format("{}{} on {}\n\n", estimate_.isProgram ? "program " : "",
                     printableText(estimate_.workload), estimate_.architecture);
  out += fmt::format("  {}", counted(estimate_.cycles, "cycle"));
  if (const auto seconds = estimate_.seconds())
    out += fmt::format(" = {} at {}", duration(*seconds), frequency(*estimate_.clockHz));
  if (!estimate_.onlyLayer.empty())
    out += fmt::format(" (layer {} alone)", printableText(estimate_.onlyLayer));
  out += "\n";
  if (estimate_.layers.empty())
    out += "  all that is asked for is free\n";
  printBound(out);
  if (!estimate_.unmapped.empty())
    out += fmt::format("  NOT COMPLETE: {} of {} {} covered by no mapping, see the warning below\n",
                       thousands(static_cast<std::int64_t>(estimate_.unmapped.size())),
                       counted(estimate_.coverage.calls.total, "operator"),
                       estimate_.unmapped.size() == 1 ? "is" : "are");
}

void SummaryView::printBound(std::string &out) const {
  if (const auto bound = analysis::networkBound(estimate_))
    out += fmt::format(
        "  bound by {} ({}){}\n", analysis::boundKindName(bound->kind), bound->object,
        estimate_.layers.size() == 1
            ? ""
            : fmt::format(" in layers that take {} of the cycles", percent(bound->share)));
  if (estimate_.layers.size() < 2 || estimate_.cycles == 0)
    return;
  const auto largest = std::max_element(
      estimate_.layers.begin(), estimate_.layers.end(),
      [](const auto &left, const auto &right) { return left.cycles < right.cycles; });
  out += fmt::format(
      "  largest layer: {}, {} of the cycles\n", printableText(largest->name),
      percent(static_cast<double>(largest->cycles) / static_cast<double>(estimate_.cycles)));
}

} // namespace acadlc::report
