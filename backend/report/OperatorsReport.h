/// \file
/// The operators of a network, whatever it runs on: text for people, JSON for programs, CSV for
/// tables. docs/operators.md explains the columns.
#pragma once

#include "backend/report/View.h"
#include "ir/Workload.h"

#include <string>
#include <string_view>
#include <vector>

namespace acadlc::report {

/// A row for each operator. Parts of one call stand in the order of their stages:
///
///     call    function  operator     dimensions                   what                 MACs  …
///     active  relu      elementwise  D0=1 D1=4 D2=3 D3=3          relu                    0  …
///     second  fused     conv2d       N=1 K=4 C=4 P=3 Q=3 R=3 S=3  padding 1×1         1,296  …
///     second  fused     elementwise  D0=1 D1=4 D2=3 D3=3          subtract, multiply      0  …
///     second  fused     elementwise  D0=1 D1=4 D2=3 D3=3          add, relu               0  …
///
/// with more columns behind:
///
///     …  bytes read  bytes written  element types  part
///     …         144            144  float32        single
///     …         720            144  float32        main
///     …           0              0  float32        free: batch norm
///     …         160            144  float32        epilogue
///
/// and the sums below:
///
///     2 calls, 4 operators, 1 of them free: 1,296 multiply-accumulates.
///     Batch norm folded into second: centred, scaled.
class OperatorsView : public View {
public:
  explicit OperatorsView(const workload::Workload &workload) : workload_(workload) {}
  void print(std::string &out) const override;

private:
  const workload::Workload &workload_;
};

/// The calls with operators whose multiply-accumulates are not known: what the functions compute is
/// not in the text. The sum over the workload is without them.
std::vector<const workload::Call *> unknownMacs(const workload::Workload &workload);

std::string operatorsText(const workload::Workload &workload);
/// Follows docs/operators.schema.json. \p version is acadlc's.
std::string operatorsJson(const workload::Workload &workload, std::string_view version);
/// One row an operator, with a header line.
std::string operatorsCsv(const workload::Workload &workload);

} // namespace acadlc::report
