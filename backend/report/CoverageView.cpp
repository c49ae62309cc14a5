#include "backend/report/CoverageView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

/// "98.1 %"
std::string shareOf(const analysis::Share &share) {
  return share.total == 0
             ? std::string("all (there are none)")
             : percent(static_cast<double>(share.covered) / static_cast<double>(share.total));
}

} // namespace

void UnmappedView::print(std::string &out) const {
  if (estimate_.unmapped.empty())
    return;
  const auto count = static_cast<std::int64_t>(estimate_.unmapped.size());
  const analysis::Coverage &coverage = estimate_.coverage;
  out += fmt::format("\nWARNING: {} of {} {} covered by no mapping. {} NOT in the sum above.\n\n",
                     thousands(count), counted(coverage.operators.total, "operator"),
                     count == 1 ? "is" : "are", count == 1 ? "Its cycles are" : "Their cycles are");
  TextTable table({{"layer"}, {"operator"}, {"line", TextTable::Align::Right}, {"why"}});
  for (const analysis::UnmappedOperator &entry : estimate_.unmapped)
    table.add({entry.name, entry.operatorName, std::to_string(entry.place.line), entry.reason});
  table.print(out);
  out += fmt::format("\nCovered: {} of multiply-accumulates, {} of bytes moved, {} of {}.\n",
                     shareOf(coverage.macs), shareOf(coverage.bytes),
                     thousands(coverage.operators.covered),
                     counted(coverage.operators.total, "operator"));
}

void FreeView::print(std::string &out) const {
  if (estimate_.free.empty())
    return;
  const auto count = static_cast<std::int64_t>(estimate_.free.size());
  out += fmt::format("\n{} {} free: {}", counted(count, "call"), count == 1 ? "is" : "are",
                     freeReasons(estimate_.free));
  if (!list_) {
    out += " (--list-free names them).\n";
    return;
  }
  out += ".\n\n";
  TextTable table({{"call"}, {"reason"}});
  for (const analysis::FreeCall &call : estimate_.free)
    table.add({call.name, call.reason});
  table.print(out);
}

void FoldedView::print(std::string &out) const {
  if (estimate_.folded.empty())
    return;
  const auto count = static_cast<std::int64_t>(estimate_.folded.size());
  out += fmt::format("\n{} {} folded into the weights before {} (--no-fold-batch-norm counts {}): ",
                     counted(count, "batch norm"), count == 1 ? "is" : "are",
                     count == 1 ? "it" : "them", count == 1 ? "it" : "them");
  const char *separator = "";
  for (const analysis::FoldedNorm &norm : estimate_.folded) {
    out += separator + norm.into;
    separator = ", ";
  }
  out += ".\n";
}

} // namespace acadlc::report
