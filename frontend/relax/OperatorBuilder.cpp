#include "frontend/relax/OperatorBuilder.h"

#include "frontend/tvmscript/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace acadlc::tir {

using namespace workload;

//===--- Functions ----------------------------------------------------------------------------===//

OperatorBuilder::OperatorBuilder(const OperatorCall &call) : call_(call) {
  FunctionTemplate &function = done_.function;
  function.name = "R." + std::string(call.name);
  function.nameRange = call.range;
  for (const TensorType &given : call.tensors) {
    FunctionTemplate::Parameter parameter;
    parameter.tensor.name = "input" + std::to_string(function.parameters.size());
    parameter.tensor.shape = given.shape;
    parameter.tensor.elementType = given.elementType;
    parameter.tensor.range = call.range;
    function.parameters.push_back(std::move(parameter));
  }
}

const TensorType &OperatorBuilder::type(std::size_t input) const {
  if (input >= call_.tensors.size())
    throw OperatorError("it needs at least " + std::to_string(input + 1) + " tensors");
  return call_.tensors[input];
}

const TensorType &OperatorBuilder::typeOf(TensorRef tensor) const {
  if (tensor.isLocal)
    return locals_[tensor.index];
  return tensor.index < call_.tensors.size() ? call_.tensors[tensor.index]
                                             : outputs_[tensor.index - call_.tensors.size()];
}

namespace {

Tensor makeTensor(std::string name, const TensorType &type, SourceRange range) {
  constexpr std::int64_t mostBits = 128; // of an element
  for (const std::int64_t extent : type.shape)
    if (extent <= 0)
      throw OperatorError("its result would be " + describe(type));
  if (!checkedMul(elementCount(type.shape), mostBits))
    throw OperatorError("its result is too large");
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.shape = type.shape;
  tensor.elementType = type.elementType;
  tensor.range = range;
  return tensor;
}

} // namespace

TensorRef OperatorBuilder::local(std::string name, TensorType type) {
  auto &locals = done_.function.locals;
  locals.push_back(makeTensor(std::move(name), type, call_.range));
  locals_.push_back(std::move(type));
  return {true, static_cast<std::uint32_t>(locals.size() - 1)};
}

TensorRef OperatorBuilder::output(TensorType type) {
  auto &parameters = done_.function.parameters;
  FunctionTemplate::Parameter parameter;
  parameter.tensor = makeTensor("output" + std::to_string(outputs_.size()), type, call_.range);
  parameter.isWritten = true;
  done_.results.push_back({false, outputs_.size()});
  outputs_.push_back(std::move(type));
  parameters.push_back(std::move(parameter));
  return {false, static_cast<std::uint32_t>(parameters.size() - 1)};
}

void OperatorBuilder::add(Computation computation) {
  done_.function.computations.push_back(std::move(computation));
}

//===--- Attributes ---------------------------------------------------------------------------===//

std::optional<Shape> OperatorBuilder::integers(std::string_view keyword,
                                               std::size_t position) const {
  const OperatorArgument *argument = call_.find(keyword, position);
  if (!argument)
    return std::nullopt;
  if (!argument->integers)
    throw OperatorError("'" + std::string(keyword) + "' is no list of known numbers");
  return argument->integers;
}

std::optional<std::int64_t> OperatorBuilder::integer(std::string_view keyword,
                                                     std::size_t position) const {
  const auto values = integers(keyword, position);
  if (!values)
    return std::nullopt;
  if (values->size() != 1)
    throw OperatorError("'" + std::string(keyword) + "' is no number");
  return values->front();
}

std::int64_t OperatorBuilder::integer(std::string_view keyword, std::size_t position,
                                      std::int64_t fallback) const {
  return integer(keyword, position).value_or(fallback);
}

Shape OperatorBuilder::integers(std::string_view keyword, std::size_t position, std::size_t count,
                                std::int64_t fallback) const {
  auto values = integers(keyword, position);
  if (!values)
    return Shape(count, fallback);
  if (values->size() == 1)
    return Shape(count, values->front());
  if (values->size() != count)
    throw OperatorError("'" + std::string(keyword) + "' has " + std::to_string(values->size()) +
                        " numbers, not " + std::to_string(count));
  return *values;
}

double OperatorBuilder::real(std::string_view keyword, std::size_t position,
                             double fallback) const {
  const OperatorArgument *argument = call_.find(keyword, position);
  if (!argument)
    return fallback;
  if (argument->number)
    return *argument->number;
  if (argument->integers && argument->integers->size() == 1)
    return static_cast<double>(argument->integers->front());
  if (argument->tensors.size() == 1)
    if (const auto found = call_.numbers.find(argument->tensors[0]); found != call_.numbers.end())
      return found->second;
  throw OperatorError("'" + std::string(keyword) + "' is no known number");
}

bool OperatorBuilder::flag(std::string_view keyword, std::size_t position, bool fallback) const {
  const OperatorArgument *argument = call_.find(keyword, position);
  if (!argument)
    return fallback;
  return argument->text == "True" || (argument->integers && *argument->integers == Shape{1});
}

std::string_view OperatorBuilder::text(std::string_view keyword, std::size_t position) const {
  const OperatorArgument *argument = call_.find(keyword, position);
  return argument ? argument->text : std::string_view();
}

ElementType OperatorBuilder::elementType(std::string_view keyword, std::size_t position,
                                         ElementType fallback) const {
  const std::string_view name = text(keyword, position);
  if (name.empty() || name == "void")
    return fallback;
  const auto type = ElementType::fromName(name);
  if (!type)
    throw OperatorError("'" + std::string(name) + "' is no element type" + nearTypes(name));
  return *type;
}

//===--- Stages -------------------------------------------------------------------------------===//

Stage::Stage(OperatorBuilder &builder, std::string name, TensorRef written) : builder_(builder) {
  computation_.name = std::move(name);
  computation_.written = written;
  computation_.range = builder.call().range;
}

IndexExprPtr Stage::axis(std::int64_t extent, Axis::Kind kind) {
  if (extent <= 0)
    throw OperatorError("one of its loops has " + std::to_string(extent) + " iterations");
  const auto points = checkedMul(computation_.points, extent);
  if (!points)
    throw OperatorError("its number of iterations is too large");
  computation_.points = *points;
  const std::size_t index = computation_.axes.size();
  const char *prefix = kind == Axis::Kind::Spatial ? "i" : "k";
  computation_.axes.push_back({prefix + std::to_string(index), extent, kind});
  return indexAxis(index);
}

IndexExprPtr Stage::varyingReduction(std::int64_t most, std::int64_t total, std::int64_t outputs) {
  const std::int64_t outer = computation_.points; // a multiple of outputs
  const IndexExprPtr index = reduction(most);
  const auto points = checkedMul(outer / outputs, total);
  if (!points)
    throw OperatorError("its number of iterations is too large");
  computation_.points = *points;
  return index;
}

Indices Stage::spatial(const Shape &shape) {
  Indices indices;
  for (const std::int64_t extent : shape)
    indices.push_back(spatial(extent));
  return indices;
}

ValueExprPtr Stage::load(TensorRef tensor, Indices indices) {
  const auto &numbers = builder_.call().numbers;
  if (const auto found = numbers.find(tensor.index); !tensor.isLocal && found != numbers.end())
    return number(found->second, builder_.typeOf(tensor).elementType);
  auto value = std::make_shared<ValueExpr>();
  value->kind = ValueExpr::Kind::Load;
  value->value = computation_.accesses.size();
  value->elementType = builder_.typeOf(tensor).elementType;
  computation_.accesses.push_back({tensor, std::move(indices), computation_.range});
  return value;
}

void Stage::store(Indices indices, ValueExprPtr value, Combiner combiner) {
  computation_.writeIndices = std::move(indices);
  computation_.value = std::move(value);
  computation_.combiner = combiner;
  builder_.add(std::move(computation_));
}

void Stage::storeBody(Indices indices, std::string reason, std::vector<TensorRef> others,
                      std::shared_ptr<const StageBody> body) {
  computation_.body = std::move(body);
  storeOpaque(std::move(indices), std::move(reason), std::move(others), Products::Unknown);
}

void Stage::storeOpaque(Indices indices, std::string reason, std::vector<TensorRef> others,
                        Products products) {
  computation_.sumsNoProducts = products == Products::None;
  computation_.writeIndices = std::move(indices);
  computation_.value = valueNode(ValueExpr::Kind::Opaque, reason, {});
  computation_.alsoWritten = std::move(others);
  computation_.opaqueReason = std::move(reason);
  const bool reduces = std::ranges::any_of(
      computation_.axes, [](const Axis &each) { return each.kind == Axis::Kind::Reduction; });
  computation_.combiner = reduces ? Combiner::Opaque : Combiner::None;
  builder_.add(std::move(computation_));
}

void opaqueStage(OperatorBuilder &builder, const std::vector<TensorRef> &outputs,
                 const std::string &reason, Products products) {
  Stage stage(builder, std::string(builder.call().name), outputs.at(0));
  Indices out = stage.spatial(builder.typeOf(outputs[0]).shape);
  for (std::size_t i = 0; i < builder.call().tensors.size(); ++i)
    stage.load(OperatorBuilder::input(i),
               Indices(builder.shape(i).size(), indexOpaque("an index that is not known")));
  stage.storeOpaque(std::move(out), reason, {outputs.begin() + 1, outputs.end()}, products);
}

//===--- Shapes -------------------------------------------------------------------------------===//

std::size_t normalAxis(std::int64_t axis, std::size_t rank) {
  const auto signedRank = static_cast<std::int64_t>(rank);
  if (axis < -signedRank || axis >= signedRank)
    throw OperatorError("a tensor of " + std::to_string(rank) + " dimensions has no axis " +
                        std::to_string(axis));
  return static_cast<std::size_t>(axis < 0 ? axis + signedRank : axis);
}

std::int64_t elementCount(const Shape &shape) {
  const auto count = checkedProduct(shape);
  if (!count)
    throw OperatorError("a tensor of its is too large");
  return *count;
}

Shape broadcast(const Shape &left, const Shape &right) {
  Shape result(std::max(left.size(), right.size()), 1);
  for (const Shape *shape : {&left, &right}) {
    const std::size_t missing = result.size() - shape->size();
    for (std::size_t d = 0; d < shape->size(); ++d) {
      std::int64_t &extent = result[missing + d];
      if ((*shape)[d] == 1)
        continue;
      if (extent != 1 && extent != (*shape)[d])
        throw OperatorError("its operands differ in extent: " + std::to_string(extent) + " and " +
                            std::to_string((*shape)[d]));
      extent = (*shape)[d];
    }
  }
  return result;
}

Indices broadcastIndices(const Indices &indices, const Shape &shape) {
  Indices own;
  const std::size_t missing = indices.size() - shape.size();
  for (std::size_t d = 0; d < shape.size(); ++d)
    own.push_back(shape[d] == 1 ? indexConstant(0) : indices[missing + d]);
  return own;
}

} // namespace acadlc::tir
