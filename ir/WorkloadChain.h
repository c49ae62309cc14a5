/// \file
/// What a network does with the result of a contraction, element by element, as long as nobody else
/// reads it: the steps that a mapping may absorb (`then optional + bias[k], relu`).
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::workload {

/// The window of a pooling along one dimension.
struct PoolWindow {
  std::int64_t extent = 1, stride = 1;
  friend bool operator==(const PoolWindow &, const PoolWindow &) = default;
};

/// One step on the elements x of a result.
struct ChainStep {
  enum class Kind : std::uint8_t {
    Operand,   ///< `x name operand[…]`, name one of + - * /
    Clip,      ///< min(max(x, low), high); infinite bounds for a ReLU
    LeakyRelu, ///< x if x > 0 else low · x
    Function,  ///< `name`: sigmoid, tanh, gelu, silu, hard_swish, hard_sigmoid
    Constant,  ///< `x name c` (or `c name x`) with a number that depends on no data
    Round,     ///< to a whole number
    Cast,      ///< to elementType
    MaxPool,   ///< over windows
    SumPool,   ///< over windows: an average pooling, but for the division
  };
  Kind kind{};
  std::string name;
  double low = 0, high = 0;
  bool isUniform = true; ///< Constant: the same number for all elements
  ElementType elementType;
  /// Operand: a tensor of the workload, or one of the contraction's call that depends on weights
  /// only.
  TensorRef operand;
  /// Operand: per dimension of it, the dimension of the contraction's result that it runs over;
  /// none: its index is always 0.
  std::vector<std::optional<std::size_t>> operandDimensions;
  std::vector<PoolWindow> windows; ///< MaxPool, SumPool: one per dimension of the result
};

/// A stage of the workload.
struct StageRef {
  std::size_t call = 0;  ///< index into Workload::calls
  std::size_t stage = 0; ///< index into Call::computations
  friend auto operator<=>(const StageRef &, const StageRef &) = default;
};

/// A place at which the chain may be cut: one tensor holds all that is known of the result.
struct ChainCut {
  std::size_t steps = 0;        ///< how many of the chain's steps are done
  TensorRef tensor;             ///< holds the value; if local, of the call of the last stage
  std::vector<StageRef> stages; ///< all stages up to here
  /// Calls behind the contraction's that take time and whose stages are all done.
  std::vector<std::size_t> calls;
  /// No call behind the contraction's has stages left that take time, and `tensor` is one of the
  /// workload or of the contraction's call.
  bool isAtCallEnd = true;
};

struct ResultChain {
  std::vector<ChainStep> steps;
  std::vector<ChainCut> cuts; ///< in order, behind the result itself
  std::string end;            ///< why it ends: a clause with the tensor's name
};

/// Follows the result of \p contraction of call \p call. Stages are followed through tensors that
/// have no reader outside the chain and are no result of the network; a step's operand is available
/// before the call starts. What has another form than that of ChainStep ends the chain.
ResultChain followResult(const Workload &workload, std::size_t call,
                         const Contraction &contraction);

} // namespace acadlc::workload
