/// \file
/// What a function computes, whoever calls it: read from a TIR function, or made for an operator of
/// Relax whose loops are not in the text.
#pragma once

#include "ir/Workload.h"
#include "support/Source.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace acadlc::tir {

/// Extents by dimension, outermost first.
using Shape = std::vector<std::int64_t>;

/// A function without a caller. A TensorRef that is not local counts `parameters`.
struct FunctionTemplate {
  struct Parameter {
    workload::Tensor tensor;
    bool isRead = false;
    bool isWritten = false;
    SourceRange firstWrite;
  };
  /// A construct that has no meaning here.
  struct Issue {
    SourceRange range;
    std::string what;
  };
  std::string name;
  SourceRange nameRange;
  std::vector<Parameter> parameters; ///< buffers only
  std::vector<std::string> scalars;  ///< parameters that are numbers, in order
  std::vector<workload::Tensor> locals;
  std::set<std::uint32_t> constants; ///< locals whose content is part of the program
  std::vector<workload::Computation> computations;
  std::vector<Issue> issues;       ///< an error if the function is called
  SourceRange threadBinding;       ///< valid if loops are bound to threads of a GPU
  bool usesArgumentShapes = false; ///< a symbolic size was taken from an argument
  bool isValid = true;             ///< no error was reported
};

} // namespace acadlc::tir
