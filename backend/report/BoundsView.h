/// \file
/// What each layer would take at least if it had a single limit:
///
///     Bounds: the least cycles of a layer if this were its only limit
///
///       layer  cycles      limit       resource           at least  of the cycles
///       conv1  14,306,212  compute     pe[*][*].execute  9,486,126         66.3 %
///                          memory      memory            8,112,000         56.7 %
///                          dependence  operands          7,213,450 +       50.4 %
///                          fetch       fetch             2,641,431         18.5 %
///       dense  14,155,777  memory      memory           14,155,776        100.0 %  *
///
///       * a bottleneck: 98 % of the cycles or more
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class BoundsView : public View {
public:
  explicit BoundsView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
