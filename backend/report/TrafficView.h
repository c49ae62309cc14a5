/// \file
/// What each layer moves to and from each storage:
///
///     Traffic: bytes that units read from storages and write to them; by caches: what these ask
///     below
///
///       layer  storage            bytes read  bytes written  bytes a cycle  MACs a byte
///       conv1  cache               1,234,567         12,345           1.23         3.97
///              memory, by caches     123,456              0           0.12        39.72
///       all    cache               1,234,567         12,345           1.23         3.97
///              memory, by caches     123,456              0           0.12        39.72
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
