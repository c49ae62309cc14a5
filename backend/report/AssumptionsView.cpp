#include "backend/report/AssumptionsView.h"

#include "backend/analysis/CriticalPath.h"
#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;
using timing::Guarantee;

/// The words, separated by commas, in lines of at most 100 columns.
std::string wrapped(const std::string &begin, const std::vector<std::string> &words) {
  constexpr std::size_t width = 100;
  std::string text;
  std::string line = begin;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = printableText(words[i]) + (i + 1 == words.size() ? "" : ",");
    if (line.size() + word.size() > width && line.size() > begin.size()) {
      text += line.substr(0, line.size() - 1) + "\n";
      line = std::string(4, ' ');
    }
    line += word + " ";
  }
  return text + line.substr(0, line.size() - 1) + "\n";
}

/// "conv2d, conv2d1 and 3 more"
std::string names(const std::vector<std::string> &all) {
  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < shown; ++i)
    text += (i == 0 ? "" : ", ") + printableText(all[i]);
  if (all.size() > shown)
    text += fmt::format(" and {} more", all.size() - shown);
  return text;
}

/// Says each text once, with the layers that it is about, in the order of its first layer.
class Grouped {
public:
  void add(const std::string &text, const std::string &layer) {
    const auto [entry, isNew] = index_.try_emplace(text, groups_.size());
    if (isNew)
      groups_.push_back({text, {}});
    groups_[entry->second].second.push_back(layer);
  }
  void print(std::string &out) const {
    for (const auto &[text, layers] : groups_)
      out += fmt::format("  {}: {}\n", names(layers), printableText(text));
  }

private:
  std::map<std::string, std::size_t> index_;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
};

std::string reinterpretations(const LayerEstimate &layer) {
  std::string text;
  for (const analysis::LayerTensor &tensor : layer.tensors)
    if (tensor.isReinterpreted())
      text += fmt::format("{}{} {} read as {}", text.empty() ? "" : ", ", tensor.name,
                          tensor.declared, tensor.readAs);
  return text;
}

/// "I, O"
std::string tensorsOf(const LayerEstimate &layer, analysis::TensorLayout layout) {
  std::string text;
  for (const analysis::LayerTensor &tensor : layer.tensors)
    if (tensor.layout == layout)
      text += (text.empty() ? "" : ", ") + tensor.name;
  return text;
}

std::int64_t countOf(const analysis::NetworkEstimate &estimate, Guarantee guarantee) {
  std::int64_t count = 0;
  for (const LayerEstimate &layer : estimate.layers)
    count += layer.guarantee == guarantee ? 1 : 0;
  return count;
}

} // namespace

std::vector<std::string> runAssumptions(const analysis::NetworkEstimate &estimate) {
  if (estimate.layers.size() > 1)
    return {"Each layer starts when the one before has finished, with caches empty and DRAM rows "
            "closed."};
  return {"The stream starts with caches empty and DRAM rows closed."};
}

void AssumptionsView::print(std::string &out) const {
  out += "\nAssumed\n";
  printParameters(out);
  for (const std::string &assumption : runAssumptions(estimate_))
    out += "  " + assumption + "\n";
  printElementTypes(out);
  printLayouts(out);
  printData(out);
  printUncounted(out);
}

void AssumptionsView::printParameters(std::string &out) const {
  std::vector<std::string> all;
  for (const arch::ParameterValue &parameter : estimate_.parameters)
    all.push_back(parameter.name + " = " + parameter.value);
  // A mapping's parameters are the same for all layers but where their defaults depend on extents.
  Grouped grouped;
  for (const LayerEstimate &layer : estimate_.layers)
    for (const arch::ParameterValue &parameter : layer.parameters)
      grouped.add(parameter.name + " = " + parameter.value, layer.name);
  if (!all.empty())
    out += wrapped("  " + estimate_.architecture + ": ", all);
  grouped.print(out);
}

void AssumptionsView::printElementTypes(std::string &out) const {
  Grouped grouped;
  for (const LayerEstimate &layer : estimate_.layers)
    if (const std::string text = reinterpretations(layer); !text.empty())
      grouped.add(text, layer.name);
  grouped.print(out);
}

void AssumptionsView::printData(std::string &out) const {
  Grouped grouped;
  for (const LayerEstimate &layer : estimate_.layers)
    for (const std::string &assumption : layer.assumptions)
      grouped.add(assumption, layer.name);
  grouped.print(out);
}

void AssumptionsView::printLayouts(std::string &out) const {
  using analysis::TensorLayout;
  Grouped grouped;
  for (const LayerEstimate &layer : estimate_.layers) {
    if (const std::string tensors = tensorsOf(layer, TensorLayout::Blocked); !tensors.empty())
      grouped.add("blocked tensors of the network, taken row by row as if plain: " + tensors,
                  layer.name);
    if (const std::string tensors = tensorsOf(layer, TensorLayout::Reordered); !tensors.empty())
      grouped.add(
          "dimensions of " + tensors +
              " lie in another order in memory than in the mapping's header; addresses follow "
              "the network, strides that the mapping computes itself do not",
          layer.name);
  }
  grouped.print(out);
}

void AssumptionsView::printUncounted(std::string &out) const {
  Grouped grouped;
  for (const LayerEstimate &layer : estimate_.layers) {
    std::string text;
    for (const std::string &stage : layer.uncounted)
      text += (text.empty() ? "" : ", ") + stage;
    if (!text.empty())
      grouped.add("fused stages that the mapping does not compute are not counted: " + text,
                  layer.name);
  }
  grouped.print(out);
}

void LegendView::print(std::string &out) const {
  out += "\nLegend\n";
  if (!estimate_.layers.empty() && !estimate_.isProgram)
    out += "  dimensions   extents of the mapping's indices; those of 1 are left out\n";
  out += "  cycles       of the global clock, from the start of a layer to the end of its last "
         "instruction\n";
  if (estimate_.peakMacsPerCycle > 0 && !estimate_.layers.empty())
    out += fmt::format("  utilisation  multiply-accumulates / (cycles x {} a cycle, {})\n",
                       rounded(estimate_.peakMacsPerCycle),
                       estimate_.isPeakOfNetwork ? "those of the best instruction of this network"
                                                 : "the most that the units can do");
  if (countOf(estimate_, Guarantee::Exact) > 0)
    out += "  exact        every instruction was evaluated\n";
  if (countOf(estimate_, Guarantee::Certified) > 0)
    out += "  certified    repeating iterations were skipped; it is proved that the cycles equal "
           "exact\n";
  if (countOf(estimate_, Guarantee::Bounded) > 0)
    out += "  bounded      between two proven bounds; nothing repeated within --budget\n";
  const auto any = [&](auto condition) {
    return std::any_of(estimate_.layers.begin(), estimate_.layers.end(), condition);
  };
  if (any([](const LayerEstimate &layer) { return layer.bound.has_value(); }))
    out += "  bound by     the object with the largest share of the critical path\n";
  if (any([](const LayerEstimate &layer) { return layer.boundIsPartial; }))
    out += fmt::format(
        "  ~            found from the first instructions of the layer, {} at the most\n",
        thousands(analysis::criticalPathWindow));
}

} // namespace acadlc::report
