/// \file
/// A model held against measurements, as text for people, JSON for programs, CSV for tables, and a
/// picture. The same validation gives the same bytes. docs/validation.md describes all of them.
#pragma once

#include "backend/analysis/Validation.h"

#include <string>
#include <string_view>

namespace acadlc::report {

std::string validationText(const analysis::Validation &validation);

/// Version of the JSON layout, the member `schema`. Members are only ever added under the same
/// number.
inline constexpr int validationSchemaVersion = 1;
/// Follows docs/validation.schema.json. \p version is acadlc's.
std::string validationJson(const analysis::Validation &validation, std::string_view version);

/// One row a measurement, with a header line.
std::string validationCsv(const analysis::Validation &validation);

/// Measured over estimated cycles as an SVG picture with logarithmic axes.
std::string validationPlot(const analysis::Validation &validation);

/// "mode = isa, size = 4": what the rows of \p group agree in.
std::string groupLabel(const analysis::Validation &validation,
                       const analysis::ValidationGroup &group);

} // namespace acadlc::report
