/// \file
/// Finds out what the calls of a workload compute: contractions, operator kinds, what is free, and
/// how much is read and written. Looks at structure only, never at names.
#pragma once

#include "ir/Workload.h"

#include <string>

namespace acadlc::workload {

/// A call whose numbers leave 64 bits.
struct AnalysisError {
  SourceRange range;
  std::string what; ///< "multiply-accumulates", …
};

/// Fills the derived members of \p workload: origins of local tensors, Computation::freeReason, and
/// of each call contractions, sums, operators, kind, freeReason, macs, bytesRead and bytesWritten.
/// Origins of `workload.tensors` must be set. Nothing is folded (BatchNormFold.h).
std::optional<AnalysisError> analyze(Workload &workload);

/// Sets bytesRead and bytesWritten of \p call, whose freeReason and stages are analysed.
void countBytes(const Workload &workload, Call &call);

/// The padding that \p computation applies, if that is all it does (also one that pads nothing).
/// \p sourceShape and \p writtenShape are the shapes of the tensors that it reads and writes.
std::optional<Padding> paddingOf(const Computation &computation,
                                 const std::vector<std::int64_t> &sourceShape,
                                 const std::vector<std::int64_t> &writtenShape);

/// The axes that the dimensions of the written tensor run over, one each, if \p computation stores
/// every element of a tensor of \p shape once.
std::optional<std::vector<std::size_t>> plainWrite(const Computation &computation,
                                                   const std::vector<std::int64_t> &shape);

/// Whether \p index is axis \p axis plus \p offset. Axes of extent 1 don't matter.
bool isAxisPlus(const std::optional<AffineIndex> &index, std::size_t axis, std::int64_t offset,
                const std::vector<Axis> &axes);

} // namespace acadlc::workload
