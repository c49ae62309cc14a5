/// \file
/// What the resources of an architecture did in the cycles of a stream or network.
#pragma once

#include "backend/analysis/Resources.h"
#include "backend/timing/Usage.h"
#include "ir/ArchitectureGraph.h"

#include <span>

namespace acadlc::analysis {

/// Adds \p more, of other cycles of the same graph, to \p sum; an empty \p sum becomes \p more.
/// False if a number leaves the 64-bit range.
[[nodiscard]] bool addUsage(timing::Usage &sum, const timing::Usage &more);

/// Fills Resource::usage, Resource::mostBusy, Resource::lower and Resource::buffered of \p
/// resources, which groupResources() made of \p graph. If a sum leaves the 64-bit range, that
/// resource has no usage.
void assignUsage(std::span<Resource> resources, const arch::ArchitectureGraph &graph,
                 const timing::Usage &usage);

} // namespace acadlc::analysis
