/// \file
/// What each layer moves to and from each storage:
///
///     Traffic: bytes that units read from storages and write to them
///
///       layer  storage  bytes read  bytes written  bytes a cycle  MACs a byte
///       conv1  memory    1,234,567         12,345           1.23         3.97
///              buffer      123,456              0           0.12        39.72
///       all    memory    1,234,567         12,345           1.23         3.97
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class TrafficView : public View {
public:
  explicit TrafficView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
