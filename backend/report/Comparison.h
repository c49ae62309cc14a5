/// \file
/// What simple models say of the layers of an estimate, beside it.
#pragma once

#include "backend/report/Report.h"

#include <optional>

namespace acadlc::report {

struct Comparison {
  double cycles = 0;           ///< of the model
  std::optional<double> ratio; ///< to those of the estimate; none if these are bounded or 0
  bool isComputationAlone = false;
};

/// Nothing if the model says nothing of the layer.
std::optional<Comparison> compare(const analysis::LayerEstimate &layer, ComparedModel model);
/// Of all layers together; nothing if the model says nothing of one.
std::optional<Comparison> compareAll(const analysis::NetworkEstimate &estimate,
                                     ComparedModel model);

} // namespace acadlc::report
