/// \file
/// An estimate as text for people, JSON for programs, or CSV for tables. The same estimate gives
/// the same bytes. docs/report.md describes all three.
#pragma once

#include "backend/analysis/NetworkEstimate.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::report {

/// A view of a report, as `--view` names it (docs/report.md).
enum class ViewName : std::uint8_t {
  Summary,      ///< the answer
  Layers,       ///< a row for each layer
  Coverage,     ///< what is missing, what is free
  Explain,      ///< how the cycles were found
  Bounds,       ///< what each limit alone would allow
  Resources,    ///< the part of each object
  Traffic,      ///< bytes by layer and storage
  Timeline,     ///< where instructions are in which cycle
  CriticalPath, ///< the chain of waits that makes the time
  Assumptions,  ///< what was assumed, and the legend
};
/// All names with their texts: "summary", "layers", ….
std::span<const std::pair<std::string_view, ViewName>> viewNames();

/// A simple model whose cycles stand beside the estimate, as `--compare` names it.
enum class ComparedModel : std::uint8_t {
  Roofline, ///< analysis::SimpleEstimates::roofline
  Refined,  ///< analysis::SimpleEstimates::refined
};
/// "roofline", "refined".
std::span<const std::pair<std::string_view, ComparedModel>> comparedModelNames();
std::string_view comparedModelName(ComparedModel model);

struct ReportOptions {
  /// In their order; empty: summary, layers, coverage and assumptions. What is missing from the
  /// sum is said in any case. JSON has the data of bounds, resources and traffic if it is named,
  /// the rest always.
  std::vector<ViewName> views;
  bool listFree = false; ///< name the calls that cost nothing
  /// Models beside the estimate, in this order, for networks with EstimateOptions::countRooflines.
  std::vector<ComparedModel> compare = {};
  [[nodiscard]] bool shows(ViewName name) const;
  /// Whether it needs EstimateOptions::countResources.
  [[nodiscard]] bool needsResources() const;
  /// Whether it needs EstimateOptions::countUsage.
  [[nodiscard]] bool needsUsage() const { return shows(ViewName::Resources); }
};
std::string textReport(const analysis::NetworkEstimate &estimate, const ReportOptions &options);

/// Version of the JSON layout, the member `schema`. Members are only ever added under the same
/// number.
inline constexpr int jsonSchemaVersion = 1;
/// Follows docs/report.schema.json. \p version is acadlc's.
std::string jsonReport(const analysis::NetworkEstimate &estimate, const ReportOptions &options,
                       std::string_view version);

/// One row a layer, with a header line; fields are quoted as RFC 4180 says, lines end in \n.
/// Compared models add two columns each: cycles and their ratio to the estimate.
std::string csvReport(const analysis::NetworkEstimate &estimate, const ReportOptions &options);

/// "23 of 25 certificates verified, 2 not gone through": the text and JSON have it, the rows of CSV
/// have no place for it.
std::string verificationText(const analysis::CertificateCounts &counts);

} // namespace acadlc::report
