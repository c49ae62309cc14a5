/// \file
/// What was assumed, and what the words of the report mean:
///
///     Assumed
///       SystolicArray: rows = 8, columns = 8
///       Every layer starts when the one before has finished, with caches empty.
///       conv2d: I float32 read as int8, W float32 read as int8.
///       conv2d_relu: 'relu' runs beside the mapping and is not counted.
///
///     Legend
///       cycles       of one global clock, from a layer's start until its last instruction has
///       finished …
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

#include <string>
#include <vector>

namespace acadlc::report {

/// What is assumed of the run as a whole, a sentence each.
std::vector<std::string> runAssumptions(const analysis::NetworkEstimate &estimate);

class AssumptionsView : public View {
public:
  explicit AssumptionsView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  void printParameters(std::string &out) const;
  void printElementTypes(std::string &out) const;
  void printLayouts(std::string &out) const;
  void printData(std::string &out) const;
  void printUncounted(std::string &out) const;

  const analysis::NetworkEstimate &estimate_;
};

class LegendView : public View {
public:
  explicit LegendView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
