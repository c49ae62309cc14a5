/// \file
/// The part that each resource has in the network:
///
///     Resources: objects that differ in indices alone count as one
///
///       resource          class           objects  uses     work     busiest  bytes read  …
///       pe[*][*].execute  FunctionalUnit        4  796,672  796,672   33.3 %
///       memory            SRAM                  1  270,336  270,336   56.7 %     524,288
///
///     Without a part: pe[*][*].shift, spare (2 of 4).
///
///     Busy, waiting, idle: parts of the cycles of all places
///
///       resource          places    busy  busiest  waiting  for operands  for requests  for next
///       idle pe[*][*].execute       4  33.3 %   33.3 %   12.0
///       %                                12.0 %  54.7 %
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class ResourcesView : public View {
public:
  explicit ResourcesView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  void printTable(std::string &out) const;
  void printIdle(std::string &out) const;
  void printUsage(std::string &out) const;
  void printBuffer(std::string &out) const;

  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
