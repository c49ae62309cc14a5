/// \file
/// Writes the loop nest of a stage as a text of the language. Private to this folder.
#pragma once

#include "backend/mapping/ScalarOperations.h"
#include "backend/mapping/ScalarStage.h"

#include <cstddef>
#include <optional>
#include <string>

namespace acadlc::mapping {

/// The registers of scalar code, as texts call their lists.
struct ScalarRegisters {
  std::string values, counters;
  std::size_t valueCount = 0, counterCount = 0;
};

struct ScalarNest {
  std::string text; ///< statements of a program's body
  bool usesCounters = false;
};

/// Nothing if there are too few registers; then \p reason says so: a clause.
std::optional<ScalarNest> writeScalarNest(const ScalarStage &stage,
                                          const ScalarOperations &operations,
                                          const ScalarRegisters &registers, std::string &reason);

} // namespace acadlc::mapping
