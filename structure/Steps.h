/// \file
/// Recognises the steps that an expression does on one of its loads. Private to this folder.
#pragma once

#include "structure/Chain.h"

#include <optional>
#include <vector>

namespace acadlc::workload {

/// The loads of expressions that are taken apart: number 0 is the value x that the steps are done
/// on, the others are operands.
struct StepOperand {
  TensorRef tensor;
  std::size_t call = 0;                               ///< as ChainStep::operandCall
  std::vector<std::optional<std::size_t>> dimensions; ///< as ChainStep::operandDimensions
};

/// The steps of \p value on load 0, first one first; operand i is load i + 1. None if it is not
/// made of steps alone.
std::optional<std::vector<ChainStep>> stepsOf(const ValueExprPtr &value,
                                              const std::vector<StepOperand> &operands);

} // namespace acadlc::workload
