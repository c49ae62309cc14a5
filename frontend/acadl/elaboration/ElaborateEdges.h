/// \file
/// From edge statements, with ports as intermediate nodes, to edges between objects. Private to the
/// elaborator.
#pragma once

#include "frontend/acadl/elaboration/ElaborateReports.h"
#include "frontend/acadl/syntax/Ast.h"
#include "ir/ArchitectureGraph.h"

#include <llvm/ADT/DenseSet.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {

enum class PortKind : std::uint8_t { Forward, Read, Write };

/// One port of one instance.
struct PortNode {
  const ast::PortStatement *statement = nullptr;
  const ast::Declarator *declarator = nullptr;
  std::string name; ///< "pe[0][1].issue"
  llvm::StringRef templateName;
  PortKind kind{};
  std::uint32_t instance = 0; ///< number of the instance that declares it
};

/// An end of an edge as written: an object or a port.
struct EdgeNode {
  bool isPort = false;
  std::uint32_t index = 0;
};

/// An edge as written.
struct WrittenEdge {
  EdgeNode source, target;
  ast::ArrowKind arrow{};
  SourceRange range; ///< of the arrow
};

/// Follows \p edges through \p ports, decides for each joined pair of objects what kind of edge it
/// is and adds it to \p graph. Mistakes go to \p reports. False if there are more than \p limit
/// edges.
bool joinEdges(const std::vector<WrittenEdge> &edges, const std::vector<PortNode> &ports,
               arch::ArchitectureGraph &graph, GroupedReports &reports, std::size_t limit);

} // namespace acadlc
