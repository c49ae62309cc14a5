/// \file
/// Where the first instructions of each layer, or those of `--instructions`, are in which cycle:
///
///     Timeline of product, from cycle 2
///
///       F enters the issue buffer   . waits in it   - in stages before its unit   = waits in its
///       unit   e executes
///
///                       1         2
///              234567890123456789012
///       0      F-ee                    clear     pe[0][0].multiply  arch.acadl:118
///       1      F.-eeeee                load      left[0].unit       arch.acadl:121
///       2      F..---==eeee            multiply  pe[0][0].multiply  arch.acadl:123
///
/// Cycles behind the first 100 are left out; a line that goes on there ends in >.
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class TimelineView : public View {
public:
  explicit TimelineView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

  /// Cycles that a line shows at the most.
  static constexpr std::int64_t mostCycles = 100;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
