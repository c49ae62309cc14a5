/// \file
/// What limits a stream: the object with the largest share of its critical path.
#pragma once

#include <cstddef>
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
  Stage,      ///< instructions pass a stage, one behind the other
};
inline constexpr std::size_t boundKindCount = 5;
std::string_view boundKindName(BoundKind kind); ///< "compute", "memory", …

/// Name of all objects that differ in indices alone: "pe[3][0].multiply" → "pe[*][*].multiply".
std::string withoutIndices(std::string_view name);

struct Bound {
  std::string object; ///< "pe[0][0].multiply"
  BoundKind kind = BoundKind::Compute;
  double share = 0; ///< of the critical path's cycles, 0 … 1
};

} // namespace acadlc::analysis
