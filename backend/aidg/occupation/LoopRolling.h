/// \file
/// Finds loops in a stream that lowering has written out: Gemmini's tiles lie in two halves of its
/// memories in turn, so that no two neighbours are alike, but every second is.
#pragma once

#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// A program with the stream of another one, but for what time does not depend on (work, immediate
/// operands, names of tensors).
struct RolledProgram {
  program::Program program;
  /// By repeat: trips of innermost repeats of the other program in one iteration. (Repeats that it
  /// does not have are not counted.)
  std::vector<std::int64_t> kernelTrips;
  std::vector<bool> isWrittenOut; ///< by repeat: the other program does not have it
};

/// \p program with runs of alike steps of its outermost region as repeats; nothing if it has none.
///
/// Alike are steps that differ in the constants of their addresses alone, and in these by the same
/// number of bytes from one period to the next. Short periods are looked for first, then longer
/// ones of what they leave; so nests come back as nests. A repeat has the place of the first emit
/// in it.
std::optional<RolledProgram> rollLoops(const program::Program &program);

} // namespace acadlc::aidg
