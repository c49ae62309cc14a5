#include "backend/report/ExplainView.h"

#include "backend/report/Format.h"
#include "backend/report/Report.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;

/// "relu, requantize"
std::string joined(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + printableText(name);
  return text;
}

std::string layoutText(analysis::TensorLayout layout) {
  if (layout == analysis::TensorLayout::AsInHeader)
    return "";
  return fmt::format(", {}", analysis::layoutName(layout));
}

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
    out += fmt::format("      {} is {}: {}[{}]{}{}\n", tensor.name, printableText(tensor.network),
                       tensor.declared, shape,
                       tensor.isReinterpreted() ? ", read as " + tensor.readAs : "",
                       layoutText(tensor.layout));
  }
  for (const analysis::AbsorbedStep &step : layer.absorbed)
    out += fmt::format("      {} is absorbed from {}\n", step.name, printableText(step.call));
  if (!layer.uncounted.empty())
    out += fmt::format("      not counted: {}\n", joined(layer.uncounted));
  if (!layer.absent.empty())
    out += fmt::format("      not there: {}\n", joined(layer.absent));
  if (!layer.absorptionEnd.empty())
    out += fmt::format("      no more is absorbed: {}\n", printableText(layer.absorptionEnd));
  for (const analysis::RejectedMapping &rejected : layer.rejected)
    out += fmt::format("    not taken: {} ({}): {}\n", rejected.mapping,
                       printableText(rejected.place.text()), printableText(rejected.reason));
}

/// A certificate and how many more like it there are.
struct CertificateGroup {
  analysis::LayerCertificate certificate;
  std::int64_t count = 1;
  std::int64_t lastBegin; ///< largest k0 of them; the least is that of `certificate`
  std::size_t number;     ///< in the order of being found

  CertificateGroup(const analysis::LayerCertificate &one, std::size_t place)
      : certificate(one), lastBegin(one.k0), number(place) {}
};

bool isAlike(const analysis::LayerCertificate &a, const analysis::LayerCertificate &b) {
  const auto finding = [](const analysis::LayerCertificate &one) {
    return one.replay ? one.replay->finding : std::string();
  };
  return a.loop == b.loop && a.period == b.period && a.cyclesPerPeriod == b.cyclesPerPeriod &&
         a.periods == b.periods && a.isDrift == b.isDrift && finding(a) == finding(b);
}

/// A loop that is met again and again, inside of others, mostly repeats in the same way. Loops are
/// in the order of the text: the outer ones before those that they hold.
std::vector<CertificateGroup> groupCertificates(const LayerEstimate &layer) {
  std::vector<CertificateGroup> groups;
  for (const analysis::LayerCertificate &certificate : layer.certificates) {
    const auto same = std::ranges::find_if(groups, [&](const CertificateGroup &group) {
      return isAlike(group.certificate, certificate);
    });
    if (same == groups.end()) {
      groups.emplace_back(certificate, groups.size());
      continue;
    }
    same->count += 1;
    same->certificate.k0 = std::min(same->certificate.k0, certificate.k0);
    same->lastBegin = std::max(same->lastBegin, certificate.k0);
  }
  std::ranges::sort(groups, [](const CertificateGroup &a, const CertificateGroup &b) {
    return std::tie(a.certificate.loop, a.number) < std::tie(b.certificate.loop, b.number);
  });
  return groups;
}

std::string_view verdictOf(const analysis::CertificateReplay &replay) {
  using Outcome = analysis::CertificateReplay::Outcome;
  switch (replay.outcome) {
  case Outcome::Holds:
    return "replayed in the simulator: ";
  case Outcome::Fails:
    return "REFUTED by the simulator: ";
  case Outcome::InPart:
  case Outcome::NotReplayed:
    break; // the finding says it
  }
  return "";
}

void printCertificateGroups(const LayerEstimate &layer, std::string &out) {
  for (const CertificateGroup &group : groupCertificates(layer)) {
    const analysis::LayerCertificate &certificate = group.certificate;
    const std::string begin =
        certificate.k0 == group.lastBegin
            ? thousands(certificate.k0)
            : fmt::format("{} to {}", thousands(certificate.k0), thousands(group.lastBegin));
    out += fmt::format(
        "    loop {}: every {} {} {}, from iteration {} on", printableText(certificate.loop.text()),
        counted(certificate.period, "iteration"), certificate.period == 1 ? "takes" : "take",
        counted(certificate.cyclesPerPeriod, "cycle"), begin);
    if (certificate.periods != 0)
      out +=
          fmt::format(" for {}{}", counted(certificate.periods * certificate.period, "iteration"),
                      certificate.isDrift ? " (a drift)" : "");
    if (group.count != 1)
      out += fmt::format("; {} times", thousands(group.count));
    out += "\n";
    if (certificate.replay)
      out += fmt::format("      {}{}\n", verdictOf(*certificate.replay),
                         printableText(certificate.replay->finding));
  }
}

void printCertificates(const LayerEstimate &layer, std::string &out) {
  out += fmt::format("    {} of {} of innermost loops evaluated one by one\n",
                     thousands(layer.evaluatedIterations), counted(layer.iterations, "iteration"));
  printCertificateGroups(layer, out);
  if (layer.boundsMeet)
    out += "    proved by a lower and an upper bound that meet\n";
  else if (layer.certificates.empty() && layer.guarantee == timing::Guarantee::Certified)
    out += "    the others begin in states in which the same had been evaluated before\n";
  if (layer.guarantee == timing::Guarantee::Bounded)
    out += "    no certificate covers the iterations that were not evaluated\n";
}

} // namespace

std::string verificationText(const analysis::CertificateCounts &counts) {
  std::string text = fmt::format("{} of {} verified", thousands(counts.verified),
                                 counted(counts.total, "certificate"));
  if (counts.inPart != 0)
    text += fmt::format(", {} in part", thousands(counts.inPart));
  if (counts.notReplayed != 0)
    text += fmt::format(", {} not gone through", thousands(counts.notReplayed));
  return text;
}

void ExplainView::print(std::string &out) const {
  out += "\nHow the cycles were found\n";
  for (const LayerEstimate &layer : estimate_.layers) {
    const std::string cycles =
        layer.isBounded() ? cyclesText(layer.guarantee, layer.cycles, layer.bounds) + " cycles"
                          : counted(layer.cycles, "cycle");
    out += fmt::format("\n  {}: {}, {}\n", printableText(layer.name), cycles,
                       analysis::guaranteeName(layer.guarantee));
    if (layer.isBounded())
      out += fmt::format("    upper / lower = {:.2f}{}{}\n", layer.bounds.ratio(),
                         layer.bounds.isUseful() ? "" : ": too far apart to be of use",
                         layer.bounds.ifCompletes ? "; if no deadlock comes" : "");
    printMapping(layer, out);
    printCertificates(layer, out);
  }
  if (const auto counts = analysis::countReplays(estimate_))
    out += fmt::format("\n  {}\n", verificationText(*counts));
}

} // namespace acadlc::report
