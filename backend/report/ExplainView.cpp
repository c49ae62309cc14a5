#include "backend/report/ExplainView.h"

#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;

void printMapping(const LayerEstimate &layer, std::string &out) {
  if (layer.mapping.empty())
    return;
  out += fmt::format("    mapping {} ({})\n", layer.mapping, printableText(layer.mappingPlace));
  out += fmt::format("      extents: {}\n", namedNumbers(layer.dimensions));
  if (!layer.coefficients.empty())
    out += fmt::format("      coefficients: {}\n", namedNumbers(layer.coefficients));
  for (const analysis::LayerTensor &tensor : layer.tensors) {
    std::string shape;
    for (const std::int64_t extent : tensor.shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    out += fmt::format("      {} is {}: {}[{}]{}\n", tensor.name, printableText(tensor.network),
                       tensor.declared, shape,
                       tensor.isReinterpreted() ? ", read as " + tensor.readAs : "");
  }
  for (const analysis::AbsorbedStep &step : layer.absorbed)
    out += fmt::format("      {} is absorbed from {}\n", step.name, printableText(step.call));
  if (!layer.absorptionEnd.empty())
    out += fmt::format("      no more is absorbed: {}\n", printableText(layer.absorptionEnd));
  for (const analysis::RejectedMapping &rejected : layer.rejected)
    out += fmt::format("    not taken: {}: {}\n", rejected.mapping, printableText(rejected.reason));
}

/// A loop that is met again and again, inside of others, mostly repeats in the same way.
void printEqualCertificates(const LayerEstimate &layer, std::string &out) {
  std::vector<std::pair<analysis::LayerCertificate, std::int64_t>> groups;
  for (const analysis::LayerCertificate &certificate : layer.certificates) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto &group) {
      return group.first.loop == certificate.loop && group.first.period == certificate.period &&
             group.first.cyclesPerPeriod == certificate.cyclesPerPeriod;
    });
    if (same == groups.end())
      groups.emplace_back(certificate, 1);
    else
      same->second += 1;
  }
  for (const auto &[certificate, count] : groups)
    out += fmt::format(
        "    loop {}: every {} {} {}, from iteration {} on{}\n", printableText(certificate.loop),
        counted(certificate.period, "iteration"), certificate.period == 1 ? "takes" : "take",
        counted(certificate.cyclesPerPeriod, "cycle"), thousands(certificate.k0),
        count == 1 ? "" : fmt::format("; the same {} more", counted(count - 1, "time")));
}

void printCertificates(const LayerEstimate &layer, std::string &out) {
  out += fmt::format("    {} of {} of innermost loops evaluated one by one\n",
                     thousands(layer.evaluatedIterations), counted(layer.iterations, "iteration"));
  printEqualCertificates(layer, out);
}

} // namespace

void ExplainView::print(std::string &out) const {
  out += "\nHow the cycles were found\n";
  for (const LayerEstimate &layer : estimate_.layers) {
    out += fmt::format("\n  {}: {}, {}\n", printableText(layer.name),
                       counted(layer.cycles, "cycle"), analysis::guaranteeName(layer.guarantee));
    printMapping(layer, out);
    printCertificates(layer, out);
  }
}

} // namespace acadlc::report
