/// \file
/// The answer:
///
///     lenet5.tir on SystolicArray
///
///       1,234,567 cycles = 4.938 ms at 250 MHz
///       bound by memory (memory) in layers that take 71.3 % of the cycles
///       largest layer: conv2d1, 64.2 % of the cycles
///       NOT COMPLETE: 2 of 7 operators are covered by no mapping, see the warning below
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class SummaryView : public View {
public:
  explicit SummaryView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  void printBounds(std::string &out) const;
  void printBound(std::string &out) const;

  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
