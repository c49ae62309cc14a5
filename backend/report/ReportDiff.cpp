#include "backend/report/ReportDiff.h"

#include "backend/report/Format.h"
#include "backend/report/LayerAlignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace acadlc::report {

namespace {

/// A change that goes with another one is at least this part of it.
constexpr double explainingShare = 0.5;

void addChange(std::vector<ChangedText> &changes, std::string name,
               std::optional<std::string> before, std::optional<std::string> after) {
  if (before != after)
    changes.push_back({std::move(name), std::move(before), std::move(after)});
}

std::optional<std::string> textOf(const std::optional<double> &value) {
  return value ? std::optional(number(*value)) : std::nullopt;
}

std::optional<std::string> present(const std::string &text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string shareText(const StoredShare &share) {
  return fmt::format("{} of {}", thousands(share.covered), thousands(share.total));
}

/// Values by name, before and after.
using TextsByName =
    std::map<std::string, std::pair<std::optional<std::string>, std::optional<std::string>>>;

TextsByName joined(const std::map<std::string, std::string> &before,
                   const std::map<std::string, std::string> &after) {
  TextsByName values;
  for (const auto &[name, value] : before)
    values[name].first = value;
  for (const auto &[name, value] : after)
    values[name].second = value;
  return values;
}

/// The parameters of mappings that have one value in all layers that have them.
std::map<std::string, std::string> commonParameters(const StoredReport &report) {
  std::map<std::string, std::string> values;
  std::set<std::string> varying;
  for (const StoredLayer &layer : report.layers)
    for (const auto &[name, value] : layer.parameters)
      if (values.try_emplace(name, value).first->second != value)
        varying.insert(name);
  for (const std::string &name : varying)
    values.erase(name);
  return values;
}

/// The parameters of mappings that all layers of both reports say the same of, but not both
/// reports. What one report's layers do not have says which mappings are used, not what was asked
/// for.
TextsByName changedMappingParameters(const StoredReport &before, const StoredReport &after) {
  TextsByName values = joined(commonParameters(before), commonParameters(after));
  std::erase_if(values, [](const auto &entry) {
    const auto &[first, second] = entry.second;
    return !first || !second || first == second;
  });
  return values;
}

//===--- Options ------------------------------------------------------------------------------===//

/// "yes" or "no", for options without a value.
std::string yesIf(bool condition) { return condition ? "yes" : "no"; }

/// What an option would say, by its name as the command line has it.
std::map<std::string, std::string> optionTexts(const StoredOptions &options) {
  std::map<std::string, std::string> texts;
  const auto add = [&](const std::string &name, const std::string &text) {
    if (text.empty())
      return;
    std::string &all = texts[name];
    all += (all.empty() ? "" : ", ") + text;
  };
  add("--layer", options.layer);
  add("--entry", options.entry);
  add("--element-type", options.elementType);
  add("--batch", options.batch ? std::to_string(*options.batch) : "");
  for (const auto &[name, size] : options.sizes)
    add("--shape " + name, std::to_string(size));
  for (const StoredForcedMapping &forced : options.mappings)
    add("--mapping " + forced.layer, forced.mapping);
  if (options.foldsBatchNorms)
    add("--no-fold-batch-norm", yesIf(!*options.foldsBatchNorms));
  return texts;
}

/// How layers are evaluated, which two methods cannot have in common.
std::map<std::string, std::string> evaluationTexts(const StoredOptions &options) {
  return {{"--budget", options.budget ? thousands(*options.budget) : "unlimited"},
          {"--no-extrapolate", yesIf(!options.extrapolates)}};
}

void addOptionChanges(std::vector<ChangedText> &changes, const StoredReport &before,
                      const StoredReport &after) {
  if (!before.options || !after.options)
    return;
  const auto addAll = [&](const TextsByName &values) {
    for (const auto &[name, both] : values)
      addChange(changes, name, both.first, both.second);
  };
  addAll(joined(optionTexts(*before.options), optionTexts(*after.options)));
  if (before.method == after.method)
    addAll(joined(evaluationTexts(*before.options), evaluationTexts(*after.options)));
}

std::vector<ChangedText> descriptionChanges(const StoredReport &before, const StoredReport &after) {
  std::vector<ChangedText> changes;
  addChange(changes, "acadlc", before.version, after.version);
  addChange(changes, "method", before.method, after.method);
  addChange(changes, "architecture", before.architecture, after.architecture);
  addChange(changes, "network", before.subject, after.subject);
  addChange(changes, "clock in Hz", textOf(before.clockHz), textOf(after.clockHz));
  for (const auto &[name, both] : joined(before.parameters, after.parameters))
    addChange(changes, "parameter " + name, both.first, both.second);
  for (const auto &[name, both] : changedMappingParameters(before, after))
    addChange(changes, "parameter " + name, both.first, both.second);
  addOptionChanges(changes, before, after);
  return changes;
}

std::vector<ChangedText> totalChanges(const StoredReport &before, const StoredReport &after) {
  std::vector<ChangedText> changes;
  addChange(changes, "guarantee", before.guarantee, after.guarantee);
  addChange(changes, "peak in macs a cycle", textOf(before.peakMacsPerCycle),
            textOf(after.peakMacsPerCycle));
  addChange(changes, "covered macs", shareText(before.macs), shareText(after.macs));
  addChange(changes, "covered bytes", shareText(before.bytes), shareText(after.bytes));
  if (before.operators && after.operators)
    addChange(changes, "covered operators", shareText(*before.operators),
              shareText(*after.operators));
  else
    addChange(changes, "covered calls", shareText(before.calls), shareText(after.calls));
  return changes;
}

std::string boundText(const StoredLayer &layer) {
  return layer.boundBy.empty() ? std::string()
                               : fmt::format("{} ({})", layer.boundKind, layer.boundBy);
}

/// \p named: parameters whose change is told for all layers together.
std::vector<ChangedText> layerDetails(const StoredLayer &before, const StoredLayer &after,
                                      const TextsByName &named) {
  std::vector<ChangedText> changes;
  addChange(changes, "dimensions", dimensionsText(before), dimensionsText(after));
  addChange(changes, "mapping", present(before.mapping), present(after.mapping));
  if (before.mapping == after.mapping)
    for (const auto &[name, both] : joined(before.parameters, after.parameters))
      if (!named.contains(name) && both.first && both.second)
        addChange(changes, "parameter " + name, both.first, both.second);
  addChange(changes, "guarantee", before.guarantee, after.guarantee);
  addChange(changes, "instructions", thousands(before.instructions), thousands(after.instructions));
  addChange(changes, "bound by", present(boundText(before)), present(boundText(after)));
  return changes;
}

//===--- Explanations -------------------------------------------------------------------------===//

/// Whether a change by \p part goes with one by \p whole.
bool explains(double part, double whole) { return whole != 0 && part / whole >= explainingShare; }

double difference(const ChangedNumber &change) {
  return static_cast<double>(change.after) - static_cast<double>(change.before);
}

const StoredLimit *largestLimit(const std::vector<StoredLimit> &limits) {
  const auto largest = std::ranges::max_element(limits, {}, &StoredLimit::cyclesAtLeast);
  return largest == limits.end() ? nullptr : &*largest;
}

std::string limitName(const StoredLimit &limit) {
  return fmt::format("{} ({})", limit.limit, limit.resource);
}

/// The change of the largest limit, whichever that is before and after.
std::optional<ChangedNumber> limitChange(const StoredLayer &before, const StoredLayer &after) {
  if (!before.bounds || !after.bounds)
    return std::nullopt;
  const StoredLimit *first = largestLimit(*before.bounds);
  const StoredLimit *second = largestLimit(*after.bounds);
  if (first == nullptr || second == nullptr)
    return std::nullopt;
  const std::string from = limitName(*first), to = limitName(*second);
  return ChangedNumber{"bounds", from == to ? from : from + " -> " + to, first->cyclesAtLeast,
                       second->cyclesAtLeast};
}

using NumbersByName = std::map<std::string, std::pair<std::int64_t, std::int64_t>>;

/// The entry of \p numbers that \p weightOf says most of; nothing if nothing differs.
template <typename WeightOf>
std::optional<ChangedNumber> largestChange(const std::string &view, const NumbersByName &numbers,
                                           WeightOf weightOf) {
  std::optional<ChangedNumber> largest;
  for (const auto &[name, both] : numbers) {
    const ChangedNumber change{view, name, both.first, both.second};
    if (change.before != change.after && (!largest || weightOf(change) > weightOf(*largest)))
      largest = change;
  }
  return largest;
}

std::optional<ChangedNumber> resourceChange(const StoredLayer &before, const StoredLayer &after) {
  if (!before.resources || !after.resources)
    return std::nullopt;
  NumbersByName numbers;
  for (const StoredResource &resource : *before.resources)
    numbers[resource.resource].first = resource.cyclesAtLeast;
  for (const StoredResource &resource : *after.resources)
    numbers[resource.resource].second = resource.cyclesAtLeast;
  return largestChange("resources", numbers,
                       [](const ChangedNumber &change) { return std::abs(difference(change)); });
}

/// Bytes of a storage in both directions; those that leave the range count as the most.
std::int64_t bytesOf(const StoredTraffic &traffic) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(traffic.bytesRead, traffic.bytesWritten, &sum) ? INT64_MAX : sum;
}

std::optional<ChangedNumber> trafficChange(const StoredLayer &before, const StoredLayer &after) {
  if (!before.traffic || !after.traffic)
    return std::nullopt;
  NumbersByName numbers;
  for (const StoredTraffic &traffic : *before.traffic)
    numbers[traffic.storage].first = bytesOf(traffic);
  for (const StoredTraffic &traffic : *after.traffic)
    numbers[traffic.storage].second = bytesOf(traffic);
  return largestChange("traffic", numbers,
                       [](const ChangedNumber &change) { return std::abs(difference(change)); });
}

LayerExplanation explain(const StoredLayer &before, const StoredLayer &after) {
  LayerExplanation result;
  const auto hasBoth = [&](auto member) { return before.*member && after.*member; };
  result.hasViews = hasBoth(&StoredLayer::bounds) || hasBoth(&StoredLayer::resources) ||
                    hasBoth(&StoredLayer::traffic);
  const double cyclesBefore = static_cast<double>(*before.cycles.exact);
  const double cycles = static_cast<double>(*after.cycles.exact) - cyclesBefore;
  const auto consider = [&](const std::optional<ChangedNumber> &change, double whole) {
    if (!change || change->before == change->after)
      return;
    const bool isRelative = change->view == "traffic";
    const double part = isRelative && change->before != 0
                            ? difference(*change) / static_cast<double>(change->before)
                            : difference(*change);
    const bool isReason =
        result.view.empty() && (!isRelative || change->before != 0) && explains(part, whole);
    if (isReason)
      result.view = change->view;
    result.changes.insert(isReason ? result.changes.begin() : result.changes.end(), *change);
  };
  consider(limitChange(before, after), cycles);
  consider(resourceChange(before, after), cycles);
  consider(trafficChange(before, after), cyclesBefore == 0 ? 0 : cycles / cyclesBefore);
  return result;
}

LayerChange changeOf(const StoredLayer *before, const StoredLayer *after,
                     const TextsByName &named = {}) {
  LayerChange change{before, after, {}, {}};
  if (before == nullptr || after == nullptr)
    return change;
  change.details = layerDetails(*before, *after, named);
  if (before->cycles.exact && after->cycles.exact && before->cycles.exact != after->cycles.exact)
    change.explanation = explain(*before, *after);
  return change;
}

/// Takes the entries out of both lists that agree in \p keyOf, one for one.
template <typename KeyOf>
void dropCommon(std::vector<const StoredUnmapped *> &left,
                std::vector<const StoredUnmapped *> &right, KeyOf keyOf) {
  std::map<decltype(keyOf(*left.front())), std::size_t> counts;
  for (const StoredUnmapped *entry : left)
    ++counts[keyOf(*entry)];
  std::map<decltype(keyOf(*left.front())), std::size_t> dropped;
  std::erase_if(right, [&](const StoredUnmapped *entry) {
    const auto found = counts.find(keyOf(*entry));
    if (found == counts.end() || found->second == 0)
      return false;
    --found->second;
    ++dropped[keyOf(*entry)];
    return true;
  });
  std::erase_if(left, [&](const StoredUnmapped *entry) {
    const auto found = dropped.find(keyOf(*entry));
    if (found == dropped.end() || found->second == 0)
      return false;
    --found->second;
    return true;
  });
}

/// What no mapping covers in one report alone. As with layers, what an operator does counts more
/// than its name.
void compareUnmapped(ReportDiff &diff) {
  for (const StoredUnmapped &entry : diff.before->unmapped)
    diff.newlyCovered.push_back(&entry);
  for (const StoredUnmapped &entry : diff.after->unmapped)
    diff.newlyUncovered.push_back(&entry);
  dropCommon(diff.newlyCovered, diff.newlyUncovered, [](const StoredUnmapped &entry) {
    return std::tuple(entry.name, entry.operatorName, entry.macs, entry.bytes);
  });
  dropCommon(diff.newlyCovered, diff.newlyUncovered, [](const StoredUnmapped &entry) {
    return std::tuple(entry.operatorName, entry.macs, entry.bytes);
  });
  dropCommon(diff.newlyCovered, diff.newlyUncovered,
             [](const StoredUnmapped &entry) { return std::pair(entry.name, entry.operatorName); });
}

} // namespace

std::string dimensionsText(const StoredLayer &layer) {
  std::string text;
  for (const auto &[name, value] : largeDimensions(layer))
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text;
}

bool LayerChange::isSame() const {
  return before != nullptr && after != nullptr && before->cycles == after->cycles &&
         details.empty();
}

ReportDiff compareReports(const StoredReport &before, const StoredReport &after) {
  ReportDiff diff;
  diff.before = &before;
  diff.after = &after;
  diff.description = descriptionChanges(before, after);
  diff.totals = totalChanges(before, after);
  const TextsByName named = changedMappingParameters(before, after);
  const auto partners = alignLayers(before.layers, after.layers);
  std::vector<bool> isTaken(before.layers.size());
  for (std::size_t i = 0; i < after.layers.size(); ++i) {
    const StoredLayer *partner = partners[i] ? &before.layers[*partners[i]] : nullptr;
    diff.layers.push_back(changeOf(partner, &after.layers[i], named));
    if (partners[i])
      isTaken[*partners[i]] = true;
  }
  for (std::size_t i = 0; i < before.layers.size(); ++i)
    if (!isTaken[i])
      diff.layers.push_back(changeOf(&before.layers[i], nullptr));
  compareUnmapped(diff);
  return diff;
}

} // namespace acadlc::report
