/// \file
/// A picture of an AIDG window, as dot text.
///
/// One column per object, one row of nodes per instruction:
///
///     n12 [label="mac #3\n[7, 8)"];
///     n10 -> n12 [style=bold];                 // forward
///     n8 -> n12 [color="#b05020"];             // structural
#pragma once

#include "backend/aidg/path/Graph.h"

#include <cstdint>
#include <string>

namespace acadlc::report {

/// Which nodes to draw: those of the kernel iterations [first, last].
struct AidgWindow {
  std::int64_t first = 0, last = 0;
};

/// The dot text of \p aidg in \p window. Nodes of the critical path are filled; binding dependences
/// are drawn solid, the others dashed. Fetch blocks are drawn if they bring an instruction of the
/// window.
std::string aidgDot(const aidg::Graph &aidg, const arch::ArchitectureGraph &graph,
                    const program::Program &program, const AidgWindow &window);

} // namespace acadlc::report
