/// \file
/// The chain of waits that makes the time of each layer, what recurs once:
///
///     Critical path: what a layer's cycles are spent on, one step behind the other
///
///       dense: 144,011 cycles
///       66.7 % memory (request), 16.7 % pe[*][*].hand (execute)
///
///          cycles   share     times  step                         waited for  source
///         143,990  99.9 %  x 23,998  recurs:
///          95,993  66.7 %  x 23,998    memory: request of load                arch.acadl:125
///          23,998  16.7 %  x 23,998    pe[*][*].hand: execute of move  data   arch.acadl:130
///
/// Where that would leave too much out, because the path takes many ways, the same columns are
/// those of each kind of step.
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

#include <cstddef>

namespace acadlc::report {

class CriticalPathView : public View {
public:
  explicit CriticalPathView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

  /// Lines of steps of a layer at the most; the others are summed up in one.
  static constexpr std::size_t mostLines = 28;
  /// The part of the cycles that lines in the order of time may leave out.
  static constexpr double mostHidden = 0.25;
  /// Objects and what they do that stand above, at the most.
  static constexpr std::size_t mostShares = 4;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
