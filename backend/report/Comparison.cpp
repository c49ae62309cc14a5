#include "backend/report/Comparison.h"

#include <array>

namespace acadlc::report {

namespace {

Comparison comparisonOf(double cycles, std::int64_t estimated, bool isBounded,
                        bool isComputationAlone) {
  Comparison result{cycles, std::nullopt, isComputationAlone};
  if (!isBounded && estimated > 0)
    result.ratio = cycles / static_cast<double>(estimated);
  return result;
}

} // namespace

std::span<const std::pair<std::string_view, ComparedModel>> comparedModelNames() {
  static constexpr std::array<std::pair<std::string_view, ComparedModel>, 2> names{
      {{"roofline", ComparedModel::Roofline}, {"refined", ComparedModel::Refined}}};
  return names;
}

std::string_view comparedModelName(ComparedModel model) {
  return comparedModelNames()[static_cast<std::size_t>(model)].first;
}

std::optional<Comparison> compare(const analysis::LayerEstimate &layer, ComparedModel model) {
  if (!layer.simple)
    return std::nullopt;
  const double cycles =
      model == ComparedModel::Roofline ? layer.simple->roofline : layer.simple->refined;
  return comparisonOf(cycles, layer.cycles, layer.isBounded(), layer.simple->isComputationAlone);
}

std::optional<Comparison> compareAll(const analysis::NetworkEstimate &estimate,
                                     ComparedModel model) {
  double sum = 0;
  bool isComputationAlone = false;
  for (const analysis::LayerEstimate &layer : estimate.layers) {
    const auto own = compare(layer, model);
    if (!own)
      return std::nullopt;
    sum += own->cycles;
    isComputationAlone |= own->isComputationAlone;
  }
  return comparisonOf(sum, estimate.cycles, estimate.isBounded(), isComputationAlone);
}

} // namespace acadlc::report
