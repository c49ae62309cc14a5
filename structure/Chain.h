/// \file
/// What a network does with the result of a contraction, element by element, as long as nobody else
/// reads it: the steps that a mapping may absorb (`then optional + bias[k], relu`).
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <optional>
#include <span>
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
    Computed,  ///< `x name c` with sums and shifts of elements of `operand` and of numbers
    Constant,  ///< `x name c` (or `c name x`) with a number that depends on no data
    Round,     ///< to a whole number
    Cast,      ///< to elementType
    MaxPool,   ///< over windows
    SumPool,   ///< over windows: an average pooling, but for the division
  };
  Kind kind{};
  std::string name;
  double low = 0, high = 0;
  bool isUniform = true;        ///< Constant: the same number for all elements
  std::optional<double> number; ///< Constant: that number, if the text says it
  ElementType elementType;
  /// Operand, Computed: a tensor of the workload, or one inside of a call that depends on weights
  /// only.
  TensorRef operand;
  std::size_t operandCall = 0; ///< that call
  /// Operand: per dimension of it, the dimension of the contraction's result that it runs over;
  /// none: its index is always 0.
  std::vector<std::optional<std::size_t>> operandDimensions;
  std::vector<PoolWindow> windows; ///< MaxPool, SumPool: one per dimension of the result
};

/// A place at which the chain may be cut: one tensor holds all that is known of the result.
struct ChainCut {
  std::size_t steps = 0;        ///< how many of the chain's steps are done
  TensorRef tensor;             ///< holds the value; if local, of the call of the last stage
  std::vector<StageRef> stages; ///< all stages up to here
  /// Calls behind the contraction's that take time and of which some stages are done.
  std::vector<std::size_t> calls;
  bool isReshape = false; ///< the last stage moves nothing: the same elements with another shape
};

struct ResultChain {
  std::vector<ChainStep> steps;
  std::vector<ChainCut> cuts; ///< in order, behind the result itself
  std::string end;            ///< why it ends: a clause with the tensor's name
};

/// The end of the requantisation of a value of \p bits that begins with step \p at: numbers alone,
/// up to the last cast to a whole number that is narrower. \p at if there is none. A bound on one
/// side is a ReLU and no part of it, nor are two bounds in front of a scale.
std::size_t endOfRequantization(std::span<const ChainStep> steps, std::size_t at,
                                std::uint16_t bits);

/// Whether step \p at is a ReLU, also one with an upper bound that the saturation of the
/// requantisation behind it makes superfluous: min(x, 6) where 6 becomes more than 127.
bool isRectification(std::span<const ChainStep> steps, std::size_t at);

/// The end of a requantisation as endOfRequantization() has it that also holds a ReLU or has one
/// right behind it, where it makes no difference which of both comes first: 0 stays 0, and what is
/// larger stays larger. \p at if there is none.
std::size_t endOfRectifiedRequantization(std::span<const ChainStep> steps, std::size_t at,
                                         std::uint16_t bits);

/// Who reads or writes each tensor of a workload. Worth keeping where many results are followed.
class TensorUses {
public:
  explicit TensorUses(const Workload &workload);
  /// The calls of \p tensor, which is one of the workload, in execution order.
  [[nodiscard]] const std::vector<std::size_t> &callsOf(TensorRef tensor) const {
    return calls_[tensor.index];
  }
  /// The stages of \p tensor, which is one of the workload or local to \p call, in execution order.
  [[nodiscard]] const std::vector<StageRef> &stagesOf(std::size_t call, TensorRef tensor) const {
    return tensor.isLocal ? localStages_[call][tensor.index] : stages_[tensor.index];
  }

private:
  void add(TensorRef tensor, StageRef stage);

  std::vector<std::vector<std::size_t>> calls_;                 ///< by tensor
  std::vector<std::vector<StageRef>> stages_;                   ///< by tensor
  std::vector<std::vector<std::vector<StageRef>>> localStages_; ///< by call and tensor
};

/// Follows the result of \p contraction of call \p call. Stages are followed through tensors that
/// have no reader outside the chain and are no result of the network; a step's operand is available
/// before the call starts. What has another form than that of ChainStep ends the chain.
ResultChain followResult(const Workload &workload, std::size_t call,
                         const Contraction &contraction);
/// The same with the uses of all tensors of \p workload.
ResultChain followResult(const Workload &workload, const TensorUses &uses, std::size_t call,
                         const Contraction &contraction);

} // namespace acadlc::workload
