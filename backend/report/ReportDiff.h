/// \file
/// What changed from one report to another.
#pragma once

#include "backend/report/StoredReport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::report {

/// A value before and after; nothing where a report has none.
struct ChangedText {
  std::string name;
  std::optional<std::string> before, after;
};

/// A number of a view before and after.
struct ChangedNumber {
  std::string view; ///< "bounds", "resources", "traffic"
  std::string name; ///< "memory (left[*].unit)", "pe[*][*].execute", "memory"
  std::int64_t before = 0, after = 0;
};

/// The largest changes of a layer's views, and which of them goes with the change of its cycles.
struct LayerExplanation {
  /// "bounds": the largest limit of the layer moved, and by at least half as many cycles.
  /// "resources": another resource's work did. "traffic": the bytes of a storage changed by at
  /// least half the share of the cycles. Empty: none of them, or no report has these views.
  std::string view;
  std::vector<ChangedNumber> changes; ///< the one that `view` means comes first
  bool hasViews = false;              ///< whether both reports have any of the views
};

/// "K=64 P=55": the extents of \p layer that are not 1; empty if all are.
std::string dimensionsText(const StoredLayer &layer);

/// A layer of one report or both; in both it has the same operator (LayerAlignment.h).
struct LayerChange {
  const StoredLayer *before = nullptr, *after = nullptr; ///< null: only in the other
  LayerExplanation explanation;                          ///< if cycles of both are known and differ
  std::vector<ChangedText> details; ///< mapping, guarantee, dimensions, bound: what differs
  [[nodiscard]] bool isSame() const;
};

/// Points into the reports that it was made of.
struct ReportDiff {
  const StoredReport *before = nullptr, *after = nullptr;
  std::vector<ChangedText> description; ///< method, architecture, network, parameters, clock
  std::vector<ChangedText> totals;      ///< guarantee, peak, coverage
  std::vector<LayerChange> layers;      ///< all, in the order of `after`; those only before last
  std::vector<const StoredUnmapped *> newlyCovered, newlyUncovered;
};

/// Layers are paired as alignLayers() says. Uncovered operators are the same if they have the same
/// name and operator, or the same operator with as many macs and bytes.
ReportDiff compareReports(const StoredReport &before, const StoredReport &after);

/// \p names: of the two files.
std::string diffText(const ReportDiff &diff, const std::pair<std::string, std::string> &names);

/// Version of the JSON layout, the member `schema`. Members are only ever added under the same
/// number.
inline constexpr int diffSchemaVersion = 1;
/// Follows docs/diff.schema.json. \p version is acadlc's.
std::string diffJson(const ReportDiff &diff, const std::pair<std::string, std::string> &names,
                     std::string_view version);

} // namespace acadlc::report
