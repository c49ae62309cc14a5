#include "backend/report/ReportDiff.h"

#include "backend/report/Format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
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

std::vector<ChangedText> descriptionChanges(const StoredReport &before, const StoredReport &after) {
  std::vector<ChangedText> changes;
  addChange(changes, "acadlc", before.version, after.version);
  addChange(changes, "method", before.method, after.method);
  addChange(changes, "architecture", before.architecture, after.architecture);
  addChange(changes, "network", before.subject, after.subject);
  addChange(changes, "clock in Hz", textOf(before.clockHz), textOf(after.clockHz));
  std::map<std::string, std::pair<std::optional<std::string>, std::optional<std::string>>> values;
  for (const auto &[name, value] : before.parameters)
    values[name].first = value;
  for (const auto &[name, value] : after.parameters)
    values[name].second = value;
  for (const auto &[name, both] : values)
    addChange(changes, "parameter " + name, both.first, both.second);
  return changes;
}

std::vector<ChangedText> totalChanges(const StoredReport &before, const StoredReport &after) {
  std::vector<ChangedText> changes;
  addChange(changes, "guarantee", before.guarantee, after.guarantee);
  addChange(changes, "peak in macs a cycle", textOf(before.peakMacsPerCycle),
            textOf(after.peakMacsPerCycle));
  addChange(changes, "covered macs", shareText(before.macs), shareText(after.macs));
  addChange(changes, "covered bytes", shareText(before.bytes), shareText(after.bytes));
  addChange(changes, "covered operators", shareText(before.calls), shareText(after.calls));
  return changes;
}

std::string dimensionsText(const StoredLayer &layer) {
  std::string text;
  for (const auto &[name, value] : layer.dimensions)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text;
}

std::string boundText(const StoredLayer &layer) {
  return layer.boundBy.empty() ? std::string()
                               : fmt::format("{} ({})", layer.boundKind, layer.boundBy);
}

std::vector<ChangedText> layerDetails(const StoredLayer &before, const StoredLayer &after) {
  std::vector<ChangedText> changes;
  addChange(changes, "dimensions", dimensionsText(before), dimensionsText(after));
  addChange(changes, "mapping", present(before.mapping), present(after.mapping));
  addChange(changes, "guarantee", before.guarantee, after.guarantee);
  addChange(changes, "instructions", thousands(before.instructions), thousands(after.instructions));
  addChange(changes, "bound by", present(boundText(before)), present(boundText(after)));
  return changes;
}

//===--- Matching -----------------------------------------------------------------------------===//

/// Pairs the layers of two reports that are still without a partner and agree in \p keyOf, in
/// order.
template <typename KeyOf>
void pairUp(const StoredReport &before, const StoredReport &after, KeyOf keyOf,
            std::vector<const StoredLayer *> &partners, std::vector<bool> &isTaken) {
  std::map<decltype(keyOf(after.layers.front())), std::vector<std::size_t>> places;
  for (std::size_t i = before.layers.size(); i-- > 0;)
    if (!isTaken[i])
      places[keyOf(before.layers[i])].push_back(i);
  for (std::size_t i = 0; i < after.layers.size(); ++i) {
    const auto found = places.find(keyOf(after.layers[i]));
    if (partners[i] != nullptr || found == places.end() || found->second.empty())
      continue;
    partners[i] = &before.layers[found->second.back()];
    isTaken[found->second.back()] = true;
    found->second.pop_back();
  }
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

LayerChange changeOf(const StoredLayer *before, const StoredLayer *after) {
  LayerChange change{before, after, {}, {}};
  if (before == nullptr || after == nullptr)
    return change;
  change.details = layerDetails(*before, *after);
  if (before->cycles.exact && after->cycles.exact && before->cycles.exact != after->cycles.exact)
    change.explanation = explain(*before, *after);
  return change;
}

/// The entries of \p list that \p other is without.
std::vector<const StoredUnmapped *> missingIn(const std::vector<StoredUnmapped> &other,
                                              const std::vector<StoredUnmapped> &list) {
  std::vector<const StoredUnmapped *> result;
  for (const StoredUnmapped &entry : list)
    if (std::ranges::find(other, entry) == other.end())
      result.push_back(&entry);
  return result;
}

} // namespace

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
  std::vector<const StoredLayer *> partners(after.layers.size());
  std::vector<bool> isTaken(before.layers.size());
  pairUp(
      before, after,
      [](const StoredLayer &layer) {
        return std::tuple(layer.name, layer.operatorName, layer.dimensions);
      },
      partners, isTaken);
  pairUp(
      before, after,
      [](const StoredLayer &layer) { return std::pair(layer.name, layer.operatorName); }, partners,
      isTaken);
  for (std::size_t i = 0; i < after.layers.size(); ++i)
    diff.layers.push_back(changeOf(partners[i], &after.layers[i]));
  for (std::size_t i = 0; i < before.layers.size(); ++i)
    if (!isTaken[i])
      diff.layers.push_back(changeOf(&before.layers[i], nullptr));
  diff.newlyCovered = missingIn(after.unmapped, before.unmapped);
  diff.newlyUncovered = missingIn(before.unmapped, after.unmapped);
  return diff;
}

} // namespace acadlc::report
