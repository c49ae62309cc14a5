/// \file
/// A roofline of all layers as an SVG picture; docs/report.md describes it.
#pragma once

#include "backend/analysis/NetworkEstimate.h"

#include <string>

namespace acadlc::report {

/// \p estimate must have its memory levels and the layers' traffic
/// (EstimateOptions::countRooflines).
std::string rooflinePlot(const analysis::NetworkEstimate &estimate);

} // namespace acadlc::report
