/// \file
/// A JSON report that was written earlier, read again as far as a comparison needs it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace acadlc::report {

/// Members have the names and units of docs/report.md.
struct StoredLimit {
  std::string limit, resource;
  std::int64_t cyclesAtLeast = 0;
};
struct StoredResource {
  std::string resource;
  std::int64_t cyclesAtLeast = 0;
};
struct StoredTraffic {
  std::string storage;
  std::int64_t bytesRead = 0, bytesWritten = 0;
};
struct StoredCycles {
  std::optional<std::int64_t> exact; ///< none: bounded
  std::int64_t lower = 0, upper = 0;
  friend bool operator==(const StoredCycles &, const StoredCycles &) = default;
};

struct StoredLayer {
  std::string name, operatorName;
  std::map<std::string, std::int64_t> dimensions;
  std::string mapping, guarantee, boundBy, boundKind; ///< empty: none
  std::map<std::string, std::string> parameters;      ///< of the mapping: "matmul.mode"
  StoredCycles cycles;
  std::int64_t instructions = 0, macs = 0;
  // Nothing where the report is without the view.
  std::optional<std::vector<StoredLimit>> bounds;
  std::optional<std::vector<StoredResource>> resources;
  std::optional<std::vector<StoredTraffic>> traffic;
};

struct StoredShare {
  std::int64_t covered = 0, total = 0;
  friend bool operator==(const StoredShare &, const StoredShare &) = default;
};

struct StoredUnmapped {
  std::string name, operatorName;
  std::int64_t macs = 0, bytes = 0;
  friend bool operator==(const StoredUnmapped &, const StoredUnmapped &) = default;
};

struct StoredForcedMapping {
  std::string layer, mapping;
};

/// What was asked for; nothing where a report does not say it.
struct StoredOptions {
  std::string layer, entry, elementType; ///< empty: none
  std::optional<std::int64_t> batch, budget;
  std::map<std::string, std::int64_t> sizes;
  std::optional<bool> foldsBatchNorms;
  bool extrapolates = false;
  std::vector<StoredForcedMapping> mappings;
};

struct StoredReport {
  std::string version, method, architecture;
  std::string subject; ///< the network or program
  std::map<std::string, std::string> parameters;
  std::optional<double> clockHz, seconds, peakMacsPerCycle;
  StoredCycles cycles;
  std::string guarantee;
  StoredShare macs, bytes, calls; ///< the coverage
  // Nothing in reports that were written before these were told.
  std::optional<StoredShare> operators;
  std::optional<StoredOptions> options;
  std::vector<StoredUnmapped> unmapped;
  std::vector<StoredLayer> layers;
};

/// Why a text is no report that can be read: a clause.
struct ReportProblem {
  std::string text;
};

/// Reads what jsonReport() wrote under the schema version that this acadlc writes. Any bytes do no
/// harm.
std::variant<StoredReport, ReportProblem> readReport(std::string_view text);

} // namespace acadlc::report
