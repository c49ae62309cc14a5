/// \file
/// An architecture graph as a picture, in Graphviz' dot language: objects by class, instances as
/// boxes within boxes, the four kinds of edges in different strokes, and a legend.
#pragma once

#include "ir/ArchitectureGraph.h"

#include <string>

namespace acadlc::report {

std::string architectureDot(const arch::ArchitectureGraph &graph);

} // namespace acadlc::report
