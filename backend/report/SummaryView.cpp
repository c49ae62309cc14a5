#include "backend/report/SummaryView.h"

#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

void SummaryView::print(std::string &out) const {
  out += fmt::format("{}{} on {}\n\n", estimate_.isProgram ? "program " : "",
                     printableText(estimate_.workload), estimate_.architecture);
  if (estimate_.isBounded())
    out += fmt::format("  {} cycles",
                       cyclesText(estimate_.guarantee, estimate_.cycles, estimate_.bounds));
  else
    out += fmt::format("  {}", counted(estimate_.cycles, "cycle"));
  if (estimate_.isBounded() && estimate_.clockHz)
    out += fmt::format(" = {} .. {} at {}",
                       duration(static_cast<double>(estimate_.bounds.lower) / *estimate_.clockHz),
                       duration(static_cast<double>(estimate_.bounds.upper) / *estimate_.clockHz),
                       frequency(*estimate_.clockHz));
  if (const auto seconds = estimate_.seconds())
    out += fmt::format(" = {} at {}", duration(*seconds), frequency(*estimate_.clockHz));
  if (!estimate_.onlyLayer.empty())
    out += fmt::format(" (layer {} alone)", printableText(estimate_.onlyLayer));
  out += "\n";
  if (estimate_.layers.empty())
    out += "  all that is asked for is free\n";
  printBounds(out);
  printBound(out);
  if (!estimate_.unmapped.empty())
    out += fmt::format("  NOT COMPLETE: {} of {} {} covered by no mapping, see the warning below\n",
                       thousands(static_cast<std::int64_t>(estimate_.unmapped.size())),
                       counted(estimate_.coverage.operators.total, "operator"),
                       estimate_.unmapped.size() == 1 ? "is" : "are");
  const auto fused = std::ranges::count_if(
      estimate_.layers, [](const auto &layer) { return !layer.uncounted.empty(); });
  if (fused != 0)
    out += fmt::format("  NOT COMPLETE: fused computations of {} are not counted, see below\n",
                       counted(fused, "layer"));
}

void SummaryView::printBounds(std::string &out) const {
  if (!estimate_.isBounded())
    return;
  const auto count = std::ranges::count_if(estimate_.layers, &analysis::LayerEstimate::isBounded);
  out +=
      fmt::format("  BOUNDED: {} of {} did not repeat within the budget (--budget); the cycles lie "
                  "between proven bounds{}\n",
                  thousands(count),
                  counted(static_cast<std::int64_t>(estimate_.layers.size()),
                          estimate_.isProgram ? "program" : "layer"),
                  estimate_.bounds.ifCompletes ? ", if no deadlock comes" : "");
  const double ratio = estimate_.bounds.ratio();
  out += fmt::format("  upper / lower = {:.2f}{}\n", ratio,
                     estimate_.bounds.isUseful() ? "" : ": too far apart to be of use");
}

void SummaryView::printBound(std::string &out) const {
  if (const auto found = analysis::networkBound(estimate_))
    out += fmt::format(
        "  bound by {}{}\n", boundText(found->bound, found->isPartial),
        estimate_.layers.size() == 1
            ? ""
            : fmt::format(" in layers that take {} of the cycles", percent(found->bound.share)));
  else if (!estimate_.isBounded() && estimate_.cycles > 0)
    // Through queues and phases a path is only followed where it is asked for: it takes longer.
    out += "  what bounds it: see --view critical-path,bounds,resources\n";
  if (estimate_.layers.size() < 2 || estimate_.isBounded() || estimate_.cycles == 0)
    return;
  const auto largest = std::max_element(
      estimate_.layers.begin(), estimate_.layers.end(),
      [](const auto &left, const auto &right) { return left.cycles < right.cycles; });
  out += fmt::format(
      "  largest layer: {}, {} of the cycles\n", printableText(largest->name),
      percent(static_cast<double>(largest->cycles) / static_cast<double>(estimate_.cycles)));
}

} // namespace acadlc::report
