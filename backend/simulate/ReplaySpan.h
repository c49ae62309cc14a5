/// \file
/// Which part of a stream the replay of a certificate looks at.
#pragma once

#include <cstdint>
#include <vector>

namespace acadlc::simulate {

struct ReplaySpan {
  std::int64_t first = 0; ///< index of the first instruction
  std::int64_t end = 0;   ///< index behind the last one
  /// Instructions, ascending, whose arrival in the issue buffer brings a snapshot of the state.
  std::vector<std::int64_t> boundaries;
};

} // namespace acadlc::simulate
