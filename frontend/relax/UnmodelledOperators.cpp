#include "frontend/relax/OperatorBuilder.h"

#include <algorithm>
#include <array>
#include <optional>

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
};

/// Operators whose work depends on data, on other machines or on libraries: each result depends on
/// many elements in ways that no loop nest of the workload says.
constexpr auto unmodelledOperators = std::to_array<UnmodelledOperator>({
    {"bucketize", ResultType::Annotated},
    {"ccl.allgather", ResultType::Gathered},
    {"ccl.allreduce", ResultType::First},
    {"ccl.broadcast_from_worker0", ResultType::First},
    {"ccl.scatter_from_worker0", ResultType::Scattered},
    {"dist.redistribute", ResultType::First},
    {"dist.redistribute_replica_to_shard", ResultType::Annotated},
    {"dynamic_strided_slice", ResultType::Annotated},
    {"grad.avg_pool2d_backward", ResultType::Second},
    {"grad.max_pool2d_backward", ResultType::Second},
    {"grad.nll_loss_backward", ResultType::Second},
    {"grad.take_backward", ResultType::Second},
    {"image.affine_grid", ResultType::Annotated},
    {"image.grid_sample", ResultType::Annotated},
    {"index_put", ResultType::First},
    {"median", ResultType::Annotated},
    {"multinomial_from_uniform", ResultType::Annotated},
    {"nn.attention_var_len", ResultType::First},
    {"nonzero", ResultType::Annotated},
    {"qnn.batch_matmul", ResultType::Annotated},
    {"qnn.conv2d", ResultType::Annotated},
    {"qnn.dense", ResultType::Annotated},
    {"shape_to_tensor", ResultType::Annotated},
    {"unique", ResultType::Annotated},
    {"vision.all_class_non_max_suppression", ResultType::Annotated},
    {"vision.get_valid_counts", ResultType::Annotated},
    {"vision.multibox_transform_loc", ResultType::Annotated},
    {"vision.non_max_suppression", ResultType::Annotated},
    {"vision.roi_align", ResultType::Annotated},
    {"vision.roi_pool", ResultType::Annotated},
});

std::optional<ResultType> resultType(std::string_view name) {
  const auto *found = std::ranges::find(unmodelledOperators, name, &UnmodelledOperator::name);
  return found == unmodelledOperators.end() ? std::nullopt : std::optional(found->type);
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

bool isUnmodelledOperator(std::string_view name) { return resultType(name).has_value(); }

bool buildUnmodelledOperator(OperatorBuilder &builder) {
  const std::string name(builder.call().name);
  const auto type = resultType(name);
  if (!type)
    return false;
  std::vector<TensorRef> outputs;
  for (const TensorType &each : resultTypes(builder, *type))
    outputs.push_back(builder.output(each));
  opaqueStage(builder, outputs, "'R." + name + "'");
  if (*type == ResultType::Annotated && builder.call().annotatesTuple)
    builder.returnTuple();
  return true;
}

} // namespace acadlc::tir
