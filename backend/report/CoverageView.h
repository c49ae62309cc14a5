/// \file
/// What is missing from the sum, as a warning:
///
///     WARNING: 2 of 7 operators are covered by no mapping. Their cycles are NOT in the sum above.
///
///       layer      operator  why
///       max_pool   max_pool  no sum of products, and no mapping absorbs it
///
///     Covered: 98.1 % of multiply-accumulates, 71.0 % of bytes moved, 5 of 7 operators.
///
/// and what costs nothing, one line or a list:
///
///     3 calls are free: 1 reshape, 2 weight-only (--list-free names them).
///
/// and which batch norms are part of a layer's weights:
///
///     2 batch norms are folded into the weights before them (--no-fold-batch-norm counts them):
///     conv2d, conv2d1.
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/View.h"

namespace acadlc::report {

class UnmappedView : public View {
public:
  explicit UnmappedView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

class FreeView : public View {
public:
  FreeView(const analysis::NetworkEstimate &estimate, bool list)
      : estimate_(estimate), list_(list) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
  bool list_; ///< name each call
};

class FoldedView : public View {
public:
  explicit FoldedView(const analysis::NetworkEstimate &estimate) : estimate_(estimate) {}
  void print(std::string &out) const override;

private:
  const analysis::NetworkEstimate &estimate_;
};

} // namespace acadlc::report
