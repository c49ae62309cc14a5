/// \file
/// When the instructions of a part of a stream are where: plain data for a picture of time.
#pragma once

#include "backend/timing/Evaluation.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::analysis {

/// Instructions first … end − 1 of a stream, counted from 0 as they are fetched.
struct InstructionRange {
  std::int64_t first = 0, end = 32;
};

struct TimelineRow {
  std::string age; ///< "4"; of what an expansion emits "4.2.1"
  std::string operation;
  std::string unit;
  std::string place; ///< of the emit: "arch.acadl:130"
  timing::InstructionTimes times;
};

struct Timeline {
  std::vector<TimelineRow> rows; ///< in program order
  bool isCut = false;            ///< the range has more rows, of what expansions emit
  /// Rows that a timeline has at the most: what an instruction expands to can be millions.
  static constexpr std::size_t mostRows = 10'000;
};

} // namespace acadlc::analysis
