/// \file
/// Whether a stream is where a certificate says: in its loop and iteration.
#pragma once

#include "backend/timing/Evaluation.h"
#include "ir/Program.h"

#include <cstdint>
#include <vector>

namespace acadlc::simulate {

/// Follows the loop of one certificate from the first instruction of its first period on.
class LoopFollower {
public:
  LoopFollower(const timing::Certificate &certificate, const program::Program &program)
      : certificate_(certificate), program_(program) {}

  enum class Place : std::uint8_t {
    InIteration, ///< in the loop, in the iteration in which the period begins
    Elsewhere,   ///< in another iteration or, at the first period, another loop
    Left,        ///< behind the loop
  };
  /// Where \p stream is, which stands at the first instruction of period number \p period. Periods
  /// are asked for in ascending order from 0 on.
  Place placeAt(std::int64_t period, const program::InstructionStream &stream);

  /// Whether the loop has not been left since the first period began.
  [[nodiscard]] bool isInLoop(const program::InstructionStream &stream) const;

  /// The iteration in which period number \p period begins.
  [[nodiscard]] std::int64_t iterationOf(std::int64_t period) const {
    return certificate_.k0 + period * certificate_.period;
  }

private:
  [[nodiscard]] bool isEntry(std::int64_t entry) const;

  timing::Certificate certificate_;
  const program::Program &program_;
  /// Into the loop, in the stream. Several loops around an instruction may have one header (`for m
  /// in …, n in …`): any of them may be meant until their iterations differ.
  std::vector<std::int64_t> entries_;
};

} // namespace acadlc::simulate
