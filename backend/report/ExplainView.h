/// \file
/// How each layer's number came about, for `--explain-estimate`:
///
///     conv2d1
///       mapping conv2d (std/systolic_array.acadl:160)
///         extents: B = 1, K = 16, …
///         coefficients: sh = 1, …
///         I is lv2: float32[1, 6, 14, 14]
///       not taken: matmul: tensor A, dimension 1: …
///       1,234 of 19,208,123 iterations of innermost loops evaluated
///       loop std/systolic_array.acadl:136: every 2 iterations take 13 cycles, from iteration 5 on
///         replayed in the simulator: 2 periods of 24 instructions, 3 states equal
///
///     12 of 12 certificates verified
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class ExplainView : public View {
public:
  explicit ExplainView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
