/// \file
/// What the replay of a certificate keeps of an instruction, to compare it with the one a period
/// later.
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/Program.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace acadlc::simulate {

/// The milestones of an instruction with their names.
using Milestone = std::int64_t timing::InstructionTimes::*;
inline constexpr std::array<std::pair<Milestone, const char *>, 7> milestones{{
    {&timing::InstructionTimes::fetched, "is fetched"},
    {&timing::InstructionTimes::allocated, "enters its station"},
    {&timing::InstructionTimes::issued, "is issued"},
    {&timing::InstructionTimes::entered, "enters its unit"},
    {&timing::InstructionTimes::started, "starts"},
    {&timing::InstructionTimes::released, "gives its entry in the station back"},
    {&timing::InstructionTimes::finished, "finishes"},
}};

struct ObservedInstruction {
  std::int64_t index = 0;
  std::vector<std::int64_t> emission; ///< empty: it was fetched
  program::InstructionId id = 0;
  timing::InstructionTimes times;

  ObservedInstruction(const program::Instance &instance, const timing::InstructionTimes &when)
      : index(instance.index), emission(instance.emission.begin(), instance.emission.end()),
        id(instance.id), times(when) {}

  /// Whether \p later is the same instruction \p distance further on in the stream.
  [[nodiscard]] bool recursAs(const program::Instance &later, std::int64_t distance) const {
    return index == later.index - distance && id == later.id &&
           std::ranges::equal(emission, later.emission);
  }
};

} // namespace acadlc::simulate
