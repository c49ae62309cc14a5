/// \file
/// An estimate as text for people, JSON for programs, or CSV for tables. The same estimate gives
/// the same bytes. docs/report.md describes all three.
#pragma once

#include "backend/analysis/NetworkEstimate.h"

#include <string>
#include <string_view>

namespace acadlc::report {

struct TextOptions {
  bool listFree = false; ///< name the calls that cost nothing
  bool explain = false;  ///< show how each layer's number came about
};
std::string textReport(const analysis::NetworkEstimate &estimate, const TextOptions &options);

/// Version of the JSON layout, the member `schema`. Members are only ever added under the same
/// number.
inline constexpr int jsonSchemaVersion = 1;
/// Follows docs/report.schema.json. \p version is acadlc's.
std::string jsonReport(const analysis::NetworkEstimate &estimate, std::string_view version);

/// One row a layer, with a header line; fields are quoted as RFC 4180 says, lines end in \n.
std::string csvReport(const analysis::NetworkEstimate &estimate);

/// "23 of 25 certificates verified, 2 not gone through": the text and JSON have it, the rows of CSV
/// have no place for it.
std::string verificationText(const analysis::CertificateCounts &counts);

} // namespace acadlc::report
