#include "backend/report/ExplainView.h"

#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

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
  for (const analysis::RejectedMapping &rejected : layer.rejected)
    out += fmt::format("    not taken: {}: {}\n", rejected.mapping,
                       printableText(rejected.reason));
}

void printCertificates(const LayerEstimate &layer, std::string &out) {
  out += fmt::format("    {} of {} of innermost loops evaluated one by one\n",
                     thousands(layer.evaluatedIterations), counted(layer.iterations, "iteration"));
  for (const analysis::LayerCertificate &certificate : layer.certificates)
    out += fmt::format("    loop {}: from iteration {} on, every {} {} {}\n",
                       printableText(certificate.loop), thousands(certificate.k0),
                       counted(certificate.period, "iteration"),
                       certificate.period == 1 ? "takes" : "take",
                       counted(certificate.cyclesPerPeriod, "cycle"));
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
