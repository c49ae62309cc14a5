/// \file
/// What limits a stream: the object with the largest share of its critical path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace acadlc::analysis {

/// What the cycles of the critical path are spent on at the object that bounds it.
enum class BoundKind : std::uint8_t {
  Compute,    ///< a functional unit works
  Memory,     ///< a memory access unit or a storage moves data
  Fetch,      ///< instructions are fetched or wait in the issue buffer
  Dependence, ///< an instruction waits for the result of another
};
std::string_view boundKindName(BoundKind kind); ///< "compute", "memory", "fetch", "dependence"

struct Bound {
  std::string object; ///< "pe[0][0].multiply"
  BoundKind kind = BoundKind::Compute;
  double share = 0; ///< of the critical path's cycles, 0 … 1
};

} // namespace acadlc::analysis
