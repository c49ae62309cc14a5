/// \file
/// The workload IR: what a network asks an accelerator to compute.
///
/// A workload is the list of calls of a network's entry function in execution order. Each call is
/// a list of computations (stages): a rectangular iteration domain, one written tensor, an
/// expression over the tensors read at affine (with floor-division and modulo) positions, and,
/// for reductions, a combiner. Names in the text carry no meaning; structure does. The workload IR
/// knows nothing of architectures, mappings or of the syntax it was read from.
#pragma once

#include "support/Source.h"

#include <llvm/ADT/SmallVector.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::workload {

/// Element type of a tensor, as TVM names it.
struct ElementType {
  enum class Kind : std::uint8_t { Int, UInt, Float, BFloat, Bool };
  Kind kind = Kind::Float;
  std::uint16_t bits = 32;
  [[nodiscard]] std::string name() const; ///< "float32", "int8", "bool", …
  /// Bits that one element takes in memory: a bool takes a byte.
  [[nodiscard]] std::int64_t storageBits() const { return kind == Kind::Bool ? 8 : bits; }
  /// The type that TVM calls \p name; none if there is no such type.
  static std::optional<ElementType> fromName(std::string_view name);
  /// Of the kind that \p name, which is no type, begins with: the types with the next smaller and
  /// the next larger number of bits. Empty if it is no kind with a number.
  static std::vector<ElementType> near(std::string_view name);
  friend bool operator==(ElementType, ElementType) = default;
};

/// Names a tensor: one of the workload or a buffer inside the function that a call runs.
struct TensorRef {
  bool isLocal = false;    ///< a buffer inside the callee, else a tensor of the workload
  std::uint32_t index = 0; ///< into Call::locals or Workload::tensors
  friend bool operator==(TensorRef, TensorRef) = default;
};

/// Where a tensor of the entry function comes from.
enum class TensorOrigin : std::uint8_t {
  Activation, ///< depends on a network input
  Weight,     ///< a weight parameter or a constant, or computed from such alone
};

struct Tensor {
  std::string name; ///< the binding or parameter that defines it
  std::vector<std::int64_t> shape;
  ElementType elementType;
  TensorOrigin origin = TensorOrigin::Activation;
  SourceRange range;
  /// Product of the shape. The reader guarantees that it and byteCount() stay below 2^63.
  [[nodiscard]] std::int64_t elementCount() const;
  [[nodiscard]] std::int64_t byteCount() const;
};

/// An axis of an iteration domain: values 0 … extent − 1 (lower bounds are normalised away).
struct Axis {
  enum class Kind : std::uint8_t { Spatial, Reduction };
  std::string name;
  std::int64_t extent = 1;
  Kind kind = Kind::Spatial;
};

struct ValueExpr;
using ValueExprPtr = std::shared_ptr<const ValueExpr>;

/// An integer expression over the axes of a computation; immutable, shared.
struct IndexExpr;
using IndexExprPtr = std::shared_ptr<const IndexExpr>;
struct IndexExpr {
  enum class Kind : std::uint8_t {
    Constant, ///< value
    Axis,     ///< axis index in value
    Add,
    Sub,
    Mul,
    FloorDiv,
    FloorMod,
    Min,
    Max,
    Opaque, ///< no integer expression of axes (an indirect access); text in `opaque`
  };
  Kind kind = Kind::Constant;
  std::int64_t value = 0;
  IndexExprPtr left, right;
  std::string opaque;
  /// Of an opaque index: the value that it is, as far as that is modelled. Loads refer to the
  /// accesses among which it stands.
  ValueExprPtr computed;
  /// Nodes of the expression written out; readers keep it below a limit, so recursion is safe.
  std::uint32_t size = 1;
};

/// constant + Σ coefficient[a] · axis a; the form of most indices.
struct AffineIndex {
  /// Most computations have fewer axes than a convolution, which has seven.
  using Coefficients = llvm::SmallVector<std::int64_t, 8>;
  std::int64_t constant = 0;
  Coefficients coefficients; ///< one per axis of the computation
  friend bool operator==(const AffineIndex &, const AffineIndex &) = default;
};
/// The affine form of \p index over \p axes after deciding floor operations, minima and maxima by
/// the ranges of the axes; none if it is not affine or a coefficient leaves 64 bits. Coefficients
/// of axes of extent 1 are kept where they stand outside floor operations (the stride of a 1×1
/// convolution shows), and are dropped inside them (`(v1 + v2) // 6`).
std::optional<AffineIndex> affineForm(const IndexExpr &index, const std::vector<Axis> &axes);

/// One read of a tensor.
struct Access {
  TensorRef tensor;
  std::vector<IndexExprPtr> indices;
  SourceRange range;
};

/// A scalar expression: the value that a computation stores (or combines).
struct ValueExpr {
  enum class Kind : std::uint8_t {
    Load,     ///< accesses[value]
    Constant, ///< `number`
    Index,    ///< an index expression used as a value
    Cast,     ///< operands[0] to elementType
    Unary,    ///< function `name` of operands[0]: exp, sqrt, neg, …
    Binary,   ///< `name` one of + - * / // % max min pow shift_left shift_right …
    Compare,  ///< `name` one of < <= > >= == !=, `and`, `or`, `not`
    Select,   ///< operands: condition, then, else (T.if_then_else and T.Select)
    Opaque,   ///< a construct that is not modelled
  };
  Kind kind = Kind::Constant;
  std::string name;
  std::size_t value = 0;
  double number = 0;
  ElementType elementType;
  std::vector<ValueExprPtr> operands;
  IndexExprPtr index;
  std::uint32_t size = 1; ///< as in IndexExpr
};

/// How a reduction joins a value to what is already there; None for a plain store.
enum class Combiner : std::uint8_t { None, Sum, Product, Max, Min, Opaque };

/// Why a call or one of its stages costs nothing at run time.
enum class FreeReason : std::uint8_t {
  None,
  WeightOnly,  ///< depends on weights and constants only: done when the network is compiled
  Alias,       ///< copies a tensor element by element without changing shape or type
  Reshape,     ///< changes the shape but not the order of elements in memory
  IdentityPad, ///< an alias into a buffer inside a function that pads nothing
  BatchNorm,   ///< part of a batch norm that is folded into the weights before it
               ///< (structure/BatchNormFold.h)
};
/// Whether what is free for \p reason is done when the network is compiled: at run time it does not
/// even read.
constexpr bool isCompiled(FreeReason reason) {
  return reason == FreeReason::WeightOnly || reason == FreeReason::BatchNorm;
}

/// A store, or statements under a condition.
struct StageStatement {
  /// Null for a store.
  ValueExprPtr condition;
  std::vector<StageStatement> then, otherwise;
  // Of a store:
  Access written;
  Combiner combiner = Combiner::None; ///< with what is there
  ValueExprPtr value;
};

/// What a stage does at a point of its domain, where that is more than its one value says: several
/// stores, stores under conditions, a reduction of its own form or one that starts from a tensor.
struct StageBody {
  std::vector<Access> accesses;     ///< that loads refer to; reads of what the stage writes count
  std::vector<StageStatement> init; ///< in front of a reduction; conditions of `statements` hold
  std::vector<StageStatement> statements;
  bool readsFirst = false;  ///< all values are computed in front of the first store
  std::string opaqueReason; ///< empty, or why the statements say too little
};

/// One stage: `for axes: written[...] (combiner)= value`.
///
/// A stage whose block sits inside another block appears as one computation over the axes of both.
/// A block that stores into several buffers is one computation: `written` is the first of them, the
/// others stand in `alsoWritten`, and opaqueReason says so.
struct Computation {
  std::string name; ///< the block's label, for people
  std::vector<Axis> axes;
  TensorRef written;
  std::vector<IndexExprPtr> writeIndices;
  std::vector<TensorRef> alsoWritten;
  Combiner combiner = Combiner::None;
  /// Reads, without the reduction's own accumulator. Reads inside the indices of other reads count;
  /// so every read of `value` is here but not the other way round.
  std::vector<Access> accesses;
  ValueExprPtr value;
  SourceRange range; ///< of the block's header, or of the store if there is no block
  /// Iterations: the product of all extents, less if extents depend on other axes (then extents are
  /// their maxima). A condition that guards iterations (`T.where`) does not lower it.
  std::int64_t points = 1;
  FreeReason freeReason = FreeReason::None;
  /// Of a stage whose `value` is not modelled: it is known that it sums up no products. A sort,
  /// say.
  bool sumsNoProducts = false;
  /// Empty, or why the stage is not a plain computation (several outputs, data-dependent control).
  std::string opaqueReason;
  /// Null if the other members say all that is computed.
  std::shared_ptr<const StageBody> body;
};

/// Padding that a stage applies to a tensor: out[v…] = inside ? in[v − before…] : fill.
struct Padding {
  TensorRef source;
  std::vector<std::int64_t> before, after; ///< one per dimension, in elements
  double fill = 0;
  [[nodiscard]] bool isIdentity() const;
};

/// What the structure of a call is called in the field; unknown structure is `Other`.
enum class OperatorKind : std::uint8_t {
  Convolution1D,
  Convolution2D,
  Convolution3D,
  DepthwiseConvolution,
  /// A convolution of one, two or three dimensions whose input is spread by zeros.
  TransposedConvolution1D,
  TransposedConvolution2D,
  TransposedConvolution3D,
  Dense,  ///< a matrix product with a weight
  MatMul, ///< a matrix product of two activations
  BatchMatMul,
  MaxPool,
  AveragePool,
  SumPool, ///< an average pooling that is never divided
  GlobalMaxPool,
  GlobalAveragePool,
  AdaptiveAveragePool, ///< windows of different sizes
  Reduction,
  ArgMax, ///< or argmin: the position of an extreme element
  Softmax,
  LogSoftmax,
  BatchNorm, ///< with statistics of the batch itself
  LayerNorm,
  GroupNorm,
  InstanceNorm,
  RmsNorm,
  ElementWise,
  DataMovement,
  Free, ///< see Call::freeReason
  Other,
};
std::string_view operatorName(OperatorKind kind);   ///< "conv2d", "dense", "max_pool", …
std::string_view freeReasonName(FreeReason reason); ///< "weight-only", "reshape", …; "" for None

/// What a contraction makes of its two operands.
enum class ContractionForm : std::uint8_t {
  SumOfProducts, ///< out += left · right
  Sum,           ///< out = left + right, element by element
};

/// A sum-of-products computation, or an element-wise sum of two tensors, with the padding of its
/// operands resolved: the part of a call that mappings are matched against. Its axes are those of
/// the computation, all of them, also those of extent 1; but an axis that only its quotient and
/// remainder make affine is two (splitGroups), and so are the dimensions of the tensors that run
/// over both.
struct Contraction {
  ContractionForm form = ContractionForm::SumOfProducts;
  std::size_t computation = 0; ///< index into Call::computations
  std::vector<Axis> axes;
  struct Operand {
    /// The read as it stands, but looking through copies and padding inside the call: `tensor` is
    /// what is padded, and `before` is already subtracted from the indices, so they run from
    /// −before to extent − 1 + after.
    Access access;
    std::optional<Padding> padding; ///< of access.tensor; none if nothing is padded
    ElementType elementType;
    TensorOrigin origin = TensorOrigin::Activation;
    /// Affine forms of access.indices over the contraction's axes, one per dimension of `shape`;
    /// none where an index is not affine. `padding` has as many dimensions.
    std::vector<std::optional<AffineIndex>> affine;
    std::vector<std::int64_t> shape; ///< of access.tensor, with dimensions that are split
  };
  std::vector<Operand> operands;                        ///< two, in text order
  std::vector<std::optional<AffineIndex>> outputAffine; ///< of writeIndices, like Operand::affine
  std::vector<std::int64_t> resultShape;                ///< like Operand::shape
  ElementType resultType;                               ///< of the accumulator
  OperatorKind kind = OperatorKind::Other;
  /// Something is added to a factor before it is multiplied: a number, or tensors with fewer axes
  /// than the factor, which are read beside the operands.
  bool hasZeroPoints = false;
  bool isScaled = false; ///< a factor or the product is multiplied by such
  /// A factor is a function of the element that is read, which is computed for each product: a
  /// ReLU, the bits of a packed weight.
  bool isComputed = false;
  /// Product of all axis extents, taps on padding included; 0 for a Sum.
  std::int64_t macs = 0;
};

/// How an operator stands in its call.
enum class OperatorPart : std::uint8_t {
  Main, ///< what all pass pipelines have in common: a product, pooling, reduction, softmax, norm
  Prologue, ///< element-wise or data movement in front of the call's first main operator
  Epilogue, ///< the same behind it
  Single,   ///< the same in a call without a main operator
  Free,     ///< costs nothing, see `freeReason`
};
std::string_view partName(OperatorPart part); ///< "main", "prologue", …

struct NamedExtent {
  std::string name;
  std::int64_t value = 0;
  friend bool operator==(const NamedExtent &, const NamedExtent &) = default;
};

/// Stages of a call that are one operator in the field's terms. docs/operators.md names `dims`.
struct Operator {
  OperatorKind kind = OperatorKind::Other;
  std::string detail; ///< what of its kind: "relu", "transpose", "sum"; may be empty
  OperatorPart part = OperatorPart::Single;
  FreeReason freeReason = FreeReason::None;
  std::vector<NamedExtent> dims;
  // Of an operator with windows, one per window dimension, else empty:
  std::vector<std::int64_t> stride, dilation, before, after; ///< the last two: padding, in elements
  std::int64_t groups = 1; ///< of a convolution that is not depthwise
  std::int64_t macs = 0;   ///< taps on padding included
  /// What it computes is not in the text, or not modelled: it may have multiply-accumulates that
  /// `macs` does not count.
  bool hasUnknownMacs = false;
  /// As if the operator stood alone: also what passes between operators of one call counts.
  std::int64_t bytesRead = 0, bytesWritten = 0;
  std::vector<ElementType> reads, writes; ///< of its tensors, in text order
  std::vector<std::size_t> stages;        ///< of the call
};

struct Call {
  std::string name;                      ///< the binding in the entry function; unique
  std::string function;                  ///< callee, for people
  std::vector<TensorRef> inputs;         ///< tensors of the workload
  std::vector<TensorRef> outputs;        ///< tensors of the workload
  std::vector<Tensor> locals;            ///< buffers inside the callee
  std::vector<Computation> computations; ///< all stages in text order
  /// All sums of products that depend on an activation, in text order.
  std::vector<Contraction> contractions;
  /// The element-wise sums of two different activations that are part of no main operator, in text
  /// order.
  std::vector<Contraction> sums;
  std::vector<Operator> operators;          ///< in text order
  OperatorKind kind = OperatorKind::Other;  ///< of the operator that matters most
  FreeReason freeReason = FreeReason::None; ///< set if every stage is free
  std::int64_t macs = 0;                    ///< of all contractions and sums of several products
  /// Distinct elements of activations and weights that the call reads, in bytes; 0 if the call is
  /// free. Exact for affine accesses: what a stride skips or padding adds does not count. A buffer
  /// inside the callee that depends on weights only counts as a weight, and what it is made of does
  /// not.
  std::int64_t bytesRead = 0;
  std::int64_t bytesWritten = 0; ///< of its outputs; 0 if the call is free
  SourceRange range;             ///< of the call
  SourceRange functionRange;     ///< of the callee's name where it is defined
  /// The contraction with most multiply-accumulates; null if there is none.
  [[nodiscard]] const Contraction *contraction() const;
};

/// Stages by their call: `call` is an index into Workload::calls, `stage` into its computations.
struct StageRef {
  std::size_t call = 0;
  std::size_t stage = 0;
  friend auto operator<=>(const StageRef &, const StageRef &) = default;
};

/// A batch norm that became part of the weights of the contraction before it.
struct FoldedBatchNorm {
  StageRef contraction;
  std::vector<StageRef> stages; ///< all of FreeReason::BatchNorm
  std::optional<StageRef> bias; ///< the addition that is left
};

struct Workload {
  std::string name;  ///< of the file, for reports
  std::string entry; ///< name of the entry function
  std::vector<Tensor> tensors;
  std::vector<TensorRef> parameters; ///< of the entry function, in text order
  std::vector<TensorRef> results;    ///< what the entry function returns
  std::vector<Call> calls;           ///< in execution order
  /// The text says which parameters are inputs; else all of them count as activations.
  bool knowsInputs = false;
  std::vector<FoldedBatchNorm> foldedBatchNorms; ///< what foldBatchNorms has done
  /// Multiply-accumulates of all calls; those of operators with unknown ones not counted.
  [[nodiscard]] std::int64_t macs() const;
};

/// The tensor that \p reference names in \p call of \p workload.
const Tensor &tensorOf(const Workload &workload, const Call &call, TensorRef reference);

} // namespace acadlc::workload
