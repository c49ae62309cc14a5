/// \file
/// Builds functions of the workload IR for operators whose loops are not in the text.
#pragma once

#include "frontend/relax/RelaxOperators.h"
#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::tir {

/// What is wrong with the call of an operator.
class OperatorError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

using workload::Indices;

/// Builds the function of one call. All members throw OperatorError if the call makes no sense.
class OperatorBuilder {
public:
  explicit OperatorBuilder(const OperatorCall &call);

  [[nodiscard]] const OperatorCall &call() const { return call_; }
  /// The type of tensor \p input that the call gives.
  [[nodiscard]] const TensorType &type(std::size_t input) const;
  [[nodiscard]] const Shape &shape(std::size_t input) const { return type(input).shape; }
  [[nodiscard]] static workload::TensorRef input(std::size_t index) {
    return {false, static_cast<std::uint32_t>(index)};
  }
  [[nodiscard]] const TensorType &typeOf(workload::TensorRef tensor) const;
  workload::TensorRef local(std::string name, TensorType type);
  /// Adds an output, which also becomes the next result.
  workload::TensorRef output(TensorType type);
  /// Makes a tensor that is given the next result.
  void passOn(std::size_t input) { done_.results.push_back({true, input}); }
  void returnTuple() { done_.isTuple = true; }
  void add(workload::Computation computation);
  void rename(std::string name) { done_.function.name = std::move(name); }
  OperatorFunction finish() { return std::move(done_); }

  // Attributes, by keyword or position.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view keyword,
                                                    std::size_t position) const;
  [[nodiscard]] std::int64_t integer(std::string_view keyword, std::size_t position,
                                     std::int64_t fallback) const;
  [[nodiscard]] std::optional<Shape> integers(std::string_view keyword, std::size_t position) const;
  /// As many as \p count; a single one stands for all.
  [[nodiscard]] Shape integers(std::string_view keyword, std::size_t position, std::size_t count,
                               std::int64_t fallback) const;
  /// A number, also one with a point; \p fallback if it is absent.
  [[nodiscard]] double real(std::string_view keyword, std::size_t position, double fallback) const;
  [[nodiscard]] bool flag(std::string_view keyword, std::size_t position,
                          bool fallback = false) const;
  [[nodiscard]] std::string_view text(std::string_view keyword, std::size_t position) const;
  /// The element type that an attribute names; \p fallback if it is absent or "void".
  [[nodiscard]] workload::ElementType elementType(std::string_view keyword, std::size_t position,
                                                  workload::ElementType fallback) const;

private:
  const OperatorCall &call_;
  OperatorFunction done_;
  std::vector<TensorType> locals_, outputs_;
};

/// What is known of the products that a stage sums up whose loops are not modelled.
enum class Products : std::uint8_t {
  Unknown,
  None, ///< it moves, compares, adds up or multiplies elements, but sums up no products
};

/// One loop nest.
class Stage {
public:
  Stage(OperatorBuilder &builder, std::string name, workload::TensorRef written);

  workload::IndexExprPtr spatial(std::int64_t extent) {
    return axis(extent, workload::Axis::Kind::Spatial);
  }
  workload::IndexExprPtr reduction(std::int64_t extent) {
    return axis(extent, workload::Axis::Kind::Reduction);
  }
  /// A reduction of at most \p most iterations, \p total over all \p outputs values of the spatial
  /// axis that its number depends on.
  workload::IndexExprPtr varyingReduction(std::int64_t most, std::int64_t total,
                                          std::int64_t outputs);
  /// A spatial axis for every dimension.
  Indices spatial(const Shape &shape);
  workload::ValueExprPtr load(workload::TensorRef tensor, Indices indices);
  /// Ends the stage: stores \p value, or combines it with what is there.
  void store(Indices indices, workload::ValueExprPtr value,
             workload::Combiner combiner = workload::Combiner::None);
  /// Ends a stage that also writes \p others and computes what is not modelled, for \p reason.
  void storeOpaque(Indices indices, std::string reason, std::vector<workload::TensorRef> others,
                   Products products);
  /// The same of a stage of which \p body says what it does.
  void storeBody(Indices indices, std::string reason, std::vector<workload::TensorRef> others,
                 std::shared_ptr<const workload::StageBody> body);

private:
  workload::IndexExprPtr axis(std::int64_t extent, workload::Axis::Kind kind);

  OperatorBuilder &builder_;
  workload::Computation computation_;
};

// Shapes

/// \p axis of a tensor of \p rank dimensions, counted from its end if it is negative.
std::size_t normalAxis(std::int64_t axis, std::size_t rank);
/// Product of all extents; throws if it leaves 64 bits.
std::int64_t elementCount(const Shape &shape);
/// The shape of an element by element combination of two.
Shape broadcast(const Shape &left, const Shape &right);
/// Where an element of a tensor of \p shape is read for the element \p indices of a broadcast.
Indices broadcastIndices(const Indices &indices, const Shape &shape);

/// The operators of neural networks: convolutions, products, pools, normalisations. False if
/// \p builder 's call is none of them.
bool buildNeuralOperator(OperatorBuilder &builder);
bool isNeuralOperator(std::string_view name);

/// The operators that make, copy, pick and order elements, and sums of products by index. False if
/// \p builder 's call is none of them.
bool buildDataOperator(OperatorBuilder &builder);
bool isDataOperator(std::string_view name);

/// The operators that look at the elements in another order or place them by position.
bool buildRearrangeOperator(OperatorBuilder &builder);
bool isRearrangeOperator(std::string_view name);

/// The losses that networks are trained with.
bool buildLossOperator(OperatorBuilder &builder);
bool isLossOperator(std::string_view name);

/// The operators of which nothing is known but the types of their results.
bool buildUnmodelledOperator(OperatorBuilder &builder);
bool isUnmodelledOperator(std::string_view name);

/// parametersOf() of the operators that are not a function of their operands' elements alone.
std::optional<OperatorParameters> listedParameters(std::string_view name);

/// A stage that computes \p outputs from all inputs in a way that is not modelled; \p reason says
/// why, \p products what is known of it all the same.
void opaqueStage(OperatorBuilder &builder, const std::vector<workload::TensorRef> &outputs,
                 const std::string &reason, Products products);

} // namespace acadlc::tir
