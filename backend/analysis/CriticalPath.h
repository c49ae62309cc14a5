/// \file
/// What bounds a stream: the objects on the critical path of its AIDG.
#pragma once

#include "backend/aidg/path/StreamPath.h"
#include "backend/analysis/Bound.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <vector>

namespace acadlc::analysis {

struct CriticalPathReport {
  /// The parts that like objects have in the path, largest first, equal ones by name. Objects of an
  /// array count as one: "pe[*][*].multiply". The kind is that of most of their cycles.
  std::vector<Bound> shares;
  std::int64_t instructions = 0; ///< analysed: the stream or its first part
  bool truncated = false;        ///< only the first part of the stream was analysed
};

/// Number of instructions of a stream that are analysed at the most.
inline constexpr std::int64_t criticalPathWindow = std::int64_t{1} << 15;

/// Instructions that are evaluated at the most to find the path of a whole stream.
inline constexpr std::int64_t wholePathInstructions = std::int64_t{1} << 18;

/// Attributes the cycles of the critical path of a whole stream, which was evaluated.
CriticalPathReport attributePath(const arch::ArchitectureGraph &graph,
                                 const program::Program &program,
                                 const std::vector<aidg::StreamStep> &path);

/// Attributes the cycles of the critical path of the stream's first instructions. A unit's cycles
/// are compute or memory by its class, a storage's are memory, a stage's are stage and a fetch's
/// are fetch; cycles of a unit that the next instruction on the path reached over a data
/// dependence, not because the unit was busy, are dependence.
///
/// A shorter stream is analysed as a whole. Of others a sixteenth of `criticalPathWindow` is looked
/// at first, then four times as much, then all of it. Less than all suffices where every
/// instruction of the program that the window has is in it, and the largest share is that of the
/// same objects after a quarter, after a half and in the end; it must differ by one part in a
/// hundred at the most, or be more than half and not have fallen.
CriticalPathReport analyseCriticalPath(const arch::ArchitectureGraph &graph,
                                       const program::Program &program);

} // namespace acadlc::analysis
