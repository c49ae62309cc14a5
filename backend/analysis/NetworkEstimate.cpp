#include "backend/analysis/NetworkEstimate.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace acadlc::analysis {

std::string_view methodName(Method method) {
  return method == Method::Estimate ? "estimate" : "simulate";
}

std::string_view guaranteeName(timing::Guarantee guarantee) {
  switch (guarantee) {
  case timing::Guarantee::Exact:
    return "exact";
  case timing::Guarantee::Certified:
    return "certified";
  case timing::Guarantee::Bounded:
    return "bounded";
  }
  return "";
}

std::string_view layoutName(TensorLayout layout) {
  switch (layout) {
  case TensorLayout::AsInHeader:
    return "as in header";
  case TensorLayout::Reordered:
    return "reordered";
  case TensorLayout::Blocked:
    return "blocked";
  }
  return "";
}

timing::CycleBounds LayerEstimate::cycleBounds() const {
  return isBounded() ? bounds : timing::CycleBounds{cycles, cycles, false};
}

std::string SourceLine::text() const {
  return file.empty() ? std::string() : file + ":" + std::to_string(line);
}

std::optional<double> NetworkEstimate::seconds() const {
  if (!clockHz || isBounded())
    return std::nullopt;
  return static_cast<double>(cycles) / *clockHz;
}

std::vector<SoleLimit> soleLimits(const LayerEstimate &layer) {
  std::vector<SoleLimit> limits = soleLimits(layer.resources);
  if (layer.dependences && layer.dependences->limit)
    limits.push_back(*layer.dependences->limit);
  std::ranges::stable_sort(limits, std::ranges::greater{}, &SoleLimit::cycles);
  return limits;
}

bool summarize(NetworkEstimate &estimate) {
  timing::CycleBounds sum;
  estimate.guarantee = timing::Guarantee::Exact;
  for (LayerEstimate &layer : estimate.layers) {
    const timing::CycleBounds own = layer.cycleBounds();
    const auto upper = checkedAdd(sum.upper, own.upper);
    if (!upper)
      return false;
    sum = {sum.lower + own.lower, *upper, sum.ifCompletes || own.ifCompletes};
    estimate.guarantee = std::max(estimate.guarantee, layer.guarantee);
    if (estimate.peakMacsPerCycle > 0 && !layer.isBounded() && layer.cycles > 0 && layer.macs > 0)
      layer.utilisation = static_cast<double>(layer.macs) /
                          (static_cast<double>(layer.cycles) * estimate.peakMacsPerCycle);
  }
  estimate.bounds = sum;
  estimate.cycles = estimate.isBounded() ? 0 : sum.lower;
  return true;
}

std::optional<CertificateCounts> countReplays(const NetworkEstimate &estimate) {
  using Outcome = CertificateReplay::Outcome;
  if (!estimate.areCertificatesReplayed)
    return std::nullopt;
  CertificateCounts counts;
  for (const LayerEstimate &layer : estimate.layers)
    for (const LayerCertificate &certificate : layer.certificates) {
      const Outcome outcome =
          certificate.replay ? certificate.replay->outcome : Outcome::NotReplayed;
      ++counts.total;
      counts.verified += outcome == Outcome::Holds ? 1 : 0;
      counts.inPart += outcome == Outcome::InPart ? 1 : 0;
      counts.notReplayed += outcome == Outcome::NotReplayed ? 1 : 0;
    }
  return counts;
}

std::optional<NetworkBound> networkBound(const NetworkEstimate &estimate) {
  std::array<double, boundKindCount> cyclesOf{};
  std::array<std::map<std::string, double>, boundKindCount> objects;
  bool isPartial = false;
  for (const LayerEstimate &layer : estimate.layers) {
    if (!layer.bound)
      return std::nullopt;
    const auto kind = static_cast<std::size_t>(layer.bound->kind);
    cyclesOf[kind] += static_cast<double>(layer.cycles);
    objects[kind][layer.bound->object] += static_cast<double>(layer.cycles);
    isPartial |= layer.boundIsPartial;
  }
  if (estimate.layers.empty() || estimate.isBounded() || estimate.cycles == 0)
    return std::nullopt;
  const auto most = std::max_element(cyclesOf.begin(), cyclesOf.end());
  const auto kind = static_cast<std::size_t>(most - cyclesOf.begin());
  const auto object = std::max_element(
      objects[kind].begin(), objects[kind].end(),
      [](const auto &left, const auto &right) { return left.second < right.second; });
  return NetworkBound{
      {object->first, static_cast<BoundKind>(kind), *most / static_cast<double>(estimate.cycles)},
      isPartial};
}

} // namespace acadlc::analysis
