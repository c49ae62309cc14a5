/// \file
/// When the instructions of a part of a stream are where: plain data for a picture of time.
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::analysis {

/// Instructions first … end − 1 of a stream, counted from 0 as they are fetched.
struct InstructionRange {
  std::int64_t first = 0, end = 32;
  /// Where a range ends at the most: all instructions in front of it are evaluated one by one.
  static constexpr std::int64_t mostEnd = 1'000'000'000;
};

struct TimelineRow {
  std::string age; ///< "4"; of what an expansion emits "4.2.1"
  std::string operation;
  std::string unit;
  std::string place; ///< of the emit: "arch.acadl:130"
  timing::InstructionTimes times;
  std::vector<std::int64_t> loops; ///< values of the loops around it, outermost first
  /// What it writes and reads: "writes pe[0][0].registers.acc, reads A at 1024 (4 bytes)".
  std::string operands;
  /// The rows, by number and ascending, that wrote last what it reads.
  // NOLINTNEXTLINE(readability-redundant-member-init): else shorter aggregates warn
  std::vector<std::size_t> dependences = {};
};

/// TimelineRow::operands of \p instance. Addresses of what an expansion emits may be relative to
/// its instruction; they are left out.
std::string operandsText(const arch::ArchitectureGraph &graph, const program::Program &program,
                         const program::Instance &instance);

struct Timeline {
  std::vector<TimelineRow> rows; ///< in program order
  bool isCut = false;            ///< the range has more rows, of what expansions emit
  /// Rows that a picture has at the most: what an instruction expands to can be millions.
  static constexpr std::size_t mostRows = 10'000;
};

} // namespace acadlc::analysis
