/// \file
/// Gives meaning to one TIR function: its buffers and the computations of its blocks.
#pragma once

#include "frontend/tir/FunctionTemplate.h"
#include "frontend/tir/SharedNodes.h"
#include "frontend/tvmscript/Syntax.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace acadlc::tir {

using Symbols = std::map<std::string, std::int64_t, std::less<>>;

/// What the caller knows when it reads a function.
struct FunctionContext {
  const SourceManager &sources;
  Tree &tree; ///< takes what strings hold as expressions
  SharedNodes &nodes;
  /// Sizes that the caller knows. A size of the function itself that the shapes of its arguments
  /// tell goes first, whatever the caller's of the same name is.
  Symbols symbols;
  const std::set<std::string, std::less<>> &sizeNames; ///< that the module declares
  /// Nodes that may still be converted in this file. Bounds what names that stand for expressions
  /// can blow up.
  std::size_t &workLeft;
  /// Shapes of the arguments for the buffer parameters in order; may be shorter.
  std::vector<std::optional<Shape>> argumentShapes;
  /// Values of the arguments for the parameters that are numbers; may be shorter.
  std::vector<std::optional<std::int64_t>> scalarArguments;
};

/// Reads \p function, a `@T.prim_func`.
FunctionTemplate readFunction(const Stmt &function, const FunctionContext &context,
                              DiagnosticEngine &diagnostics);

} // namespace acadlc::tir
