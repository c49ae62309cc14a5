/// \file
/// What a simulation with occupations holds at the end of a cycle while instructions expand, in a
/// form in which two moments can be compared between which streams of expansions have gone on.
#pragma once

#include "backend/simulate/StateSnapshot.h"
#include "ir/Program.h"

#include <cstdint>
#include <vector>

namespace acadlc::simulate {

/// Where the stream stands that a phase hands on.
struct StreamPlace {
  /// Whose phase it is: its index in the fetched stream and the numbers of its emission.
  std::int64_t index = 0;
  std::vector<std::int64_t> emission;
  std::int64_t owner = 0; ///< its place among the instructions of the state
  std::size_t phase = 0;
  std::int64_t handedOn = 0;                           ///< instructions
  std::vector<program::InstructionStream::Loop> loops; ///< around the next one
};

/// All that is to come follows from a moment and the streams that go on from their places.
///
/// The state shows neither when it was reached nor how far the streams of expansions are: times
/// are relative to the cycle, instructions are named by their order in age. The position in the
/// fetched stream is in it.
struct Moment {
  StateSnapshot state;              ///< its index means nothing
  std::vector<StreamPlace> streams; ///< of phases that have still to hand on, oldest first
};

} // namespace acadlc::simulate
