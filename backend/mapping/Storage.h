/// \file
/// Where tensors and buffers lie in memories.
#pragma once

#include "backend/mapping/Match.h"
#include "ir/ArchitectureGraph.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// Room for a tensor or buffer. Element (0, …, 0) of its own coordinates lies at
/// base + Σ before · stride; coordinates run from −before to extent − 1 + after.
struct Allocation {
  std::string name; ///< for traces: "I", "buffer tile"
  arch::ObjectId memory = arch::noObject;
  std::int64_t base = 0, bytes = 0;
  std::int64_t elementBytes = 1;
  struct Dimension {
    std::int64_t extent = 1, before = 0, after = 0; ///< what is stored
    std::int64_t stride = 0;                        ///< bytes
  };
  std::vector<Dimension> dimensions;
  bool withBorder = false;
  /// Reads outside are known to be 0, so it is a mistake to load them: they must be stored.
  bool isZeroOutside = false;
};

class StorageAllocator {
public:
  StorageAllocator(const arch::ArchitectureGraph &graph, DiagnosticEngine &diagnostics)
      : graph_(graph), diagnostics_(&diagnostics) {}

  /// Finds room of \p allocation.bytes in \p allocation.memory, behind what lies there, and sets
  /// base; or takes it at \p address. False if there is none (reported).
  bool place(Allocation &allocation, std::optional<std::int64_t> address, SourceRange at);

private:
  const arch::ArchitectureGraph &graph_;
  DiagnosticEngine *diagnostics_;
  std::map<arch::ObjectId, std::int64_t> next_; ///< first free byte
};

/// Fills sizes and strides, row-major; false if the size leaves 64 bits.
bool layOut(Allocation &allocation);

} // namespace acadlc::mapping
