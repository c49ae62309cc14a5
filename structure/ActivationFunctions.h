/// \file
/// Recognises the activation functions that have a name by what they compute. Private to this
/// folder.
#pragma once

#include "ir/Workload.h"

#include <optional>
#include <string_view>

namespace acadlc::workload {

/// A function with a name, and what it is done on.
struct NamedFunction {
  std::string_view name; ///< "gelu_tanh", "mish", "softplus", …
  ValueExprPtr inner;
};

/// The activation function that \p value is of one of its parts, however it is written: its values
/// are compared with the function's. None if it is none of those that are known, or another
/// function of numbers that are read.
std::optional<NamedFunction> namedFunction(const ValueExprPtr &value);

} // namespace acadlc::workload
