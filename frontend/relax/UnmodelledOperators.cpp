#include "frontend/relax/OperatorBuilder.h"

#include <algorithm>
#include <array>

namespace acadlc::tir {

using namespace workload;

namespace {

/// What says the type of an operator's result.
enum class ResultType : std::uint8_t {
  First,     ///< it is that of the first tensor
  Second,    ///< of the second one
  Gathered,  ///< the first tensor of each of several workers, one behind the other
  Scattered, ///< the part of the first tensor that one of several workers gets
  Annotated, ///< the binding: `lv: R.Tensor((4,), dtype="int32") = …`
};

struct UnmodelledOperator {
  std::string_view name;
  ResultType type;
  Products products;
};

/// Operators whose work depends on data, on other machines or on libraries: each result depends on
/// many elements in ways that no loop nest of the workload says. Those that interpolate, transform
/// places or multiply matrices sum up products, but how many is not known.
constexpr auto unmodelledOperators = std::to_array<UnmodelledOperator>({
    {"bucketize", ResultType::Annotated, Products::None},
    {"ccl.allgather", ResultType::Gathered, Products::None},
    {"ccl.allreduce", ResultType::First, Products::None},
    {"ccl.broadcast_from_worker0", ResultType::First, Products::None},
    {"ccl.scatter_from_worker0", ResultType::Scattered, Products::None},
    {"dist.redistribute", ResultType::First, Products::None},
    {"dist.redistribute_replica_to_shard", ResultType::Annotated, Products::None},
    {"dynamic_strided_slice", ResultType::Annotated, Products::None},
    {"grad.avg_pool2d_backward", ResultType::Second, Products::None},
    {"grad.max_pool2d_backward", ResultType::Second, Products::None},
    {"grad.nll_loss_backward", ResultType::Second, Products::None},
    {"grad.take_backward", ResultType::Second, Products::None},
    {"image.affine_grid", ResultType::Annotated, Products::Unknown},
    {"image.grid_sample", ResultType::Annotated, Products::Unknown},
    {"index_put", ResultType::First, Products::None},
    {"median", ResultType::Annotated, Products::None},
    {"multinomial_from_uniform", ResultType::Annotated, Products::None},
    {"nn.attention_var_len", ResultType::First, Products::Unknown},
    {"nonzero", ResultType::Annotated, Products::None},
    {"qnn.batch_matmul", ResultType::Annotated, Products::Unknown},
    {"qnn.conv2d", ResultType::Annotated, Products::Unknown},
    {"qnn.dense", ResultType::Annotated, Products::Unknown},
    {"shape_to_tensor", ResultType::Annotated, Products::None},
    {"unique", ResultType::Annotated, Products::None},
    {"vision.all_class_non_max_suppression", ResultType::Annotated, Products::Unknown},
    {"vision.get_valid_counts", ResultType::Annotated, Products::None},
    {"vision.multibox_transform_loc", ResultType::Annotated, Products::Unknown},
    {"vision.non_max_suppression", ResultType::Annotated, Products::Unknown},
    {"vision.roi_align", ResultType::Annotated, Products::Unknown},
    {"vision.roi_pool", ResultType::Annotated, Products::None},
});

/// The operator called \p name; null if it is none of these.
const UnmodelledOperator *operatorNamed(std::string_view name) {
  const auto *found = std::ranges::find(unmodelledOperators, name, &UnmodelledOperator::name);
  return found == unmodelledOperators.end() ? nullptr : found;
}

std::int64_t workerCount(const OperatorBuilder &builder) {
  const std::int64_t workers = builder.integer("num_workers", 1, 0);
  if (workers < 1)
    throw OperatorError("it needs 'num_workers'");
  return workers;
}

/// The types of the results.
std::vector<TensorType> resultTypes(const OperatorBuilder &builder, ResultType type) {
  switch (type) {
  case ResultType::First:
    return {builder.type(0)};
  case ResultType::Second:
    return {builder.type(1)};
  case ResultType::Gathered: {
    TensorType gathered = builder.type(0);
    normalAxis(0, gathered.shape.size());
    gathered.shape[0] = elementCount({gathered.shape[0], workerCount(builder)});
    return {gathered};
  }
  case ResultType::Scattered: {
    TensorType part = builder.type(0);
    const std::size_t axis = normalAxis(builder.integer("axis", 2, 0), part.shape.size());
    if (part.shape[axis] % workerCount(builder) != 0)
      throw OperatorError("its workers get parts of different sizes");
    part.shape[axis] /= workerCount(builder);
    return {part};
  }
  case ResultType::Annotated:
    break;
  }
  if (builder.call().annotated.empty())
    throw OperatorError("the type of its result is not in the text");
  return builder.call().annotated;
}

} // namespace

bool isUnmodelledOperator(std::string_view name) { return operatorNamed(name) != nullptr; }

bool buildUnmodelledOperator(OperatorBuilder &builder) {
  const std::string name(builder.call().name);
  const UnmodelledOperator *found = operatorNamed(name);
  if (!found)
    return false;
  std::vector<TensorRef> outputs;
  for (const TensorType &each : resultTypes(builder, found->type))
    outputs.push_back(builder.output(each));
  opaqueStage(builder, outputs, "'R." + name + "'", found->products);
  if (found->type == ResultType::Annotated && builder.call().annotatesTuple)
    builder.returnTuple();
  return true;
}

} // namespace acadlc::tir
