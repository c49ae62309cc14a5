/// \file
/// A row for each layer:
///
///     layer    operator  dimensions          mapping  instructions  cycles  share    utilisation
///     bound by conv2d   conv2d    K=6 P=28 Q=28 R=5   conv2d     19,208,123   1,912  61.3
///     %        43.1 %  memory (memory) dense    dense     M=1 N=120 K=400     matmul 12,123
///     921  38.7 %         4.0 %  fetch (fetch)
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/report/Report.h"
#include "backend/report/View.h"

#include <span>
#include <string>

namespace acadlc::report {

class LayersView : public View {
public:
  /// With a column for the cycles of each model in \p compare, and one for their ratio to the
  /// estimate.
  explicit LayersView(const analysis::NetworkEstimate &estimate,
                      std::span<const ComparedModel> compare = {})
      : estimate_(estimate), compare_(compare) {}
  void print(std::string &out) const override;

private:
  void printNotes(std::string &out) const;

  const analysis::NetworkEstimate &estimate_;
  std::span<const ComparedModel> compare_;
};

} // namespace acadlc::report
