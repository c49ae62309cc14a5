#include "frontend/tir/SharedNodes.h"

#include "ir/WorkloadExpr.h"

#include <utility>

namespace acadlc::tir {

using namespace workload;

const IndexExprPtr &SharedNodes::axis(std::size_t axis) {
  while (axes_.size() <= axis)
    axes_.push_back(indexAxis(axes_.size()));
  return axes_[axis];
}

const ValueExprPtr &SharedNodes::axisValue(std::size_t axis) {
  while (axisValues_.size() <= axis)
    axisValues_.push_back(valueIndex(this->axis(axisValues_.size())));
  return axisValues_[axis];
}

ValueExprPtr SharedNodes::integer(std::int64_t value, ElementType type) {
  const auto make = [&] {
    auto node = std::make_shared<ValueExpr>();
    node->elementType = type;
    node->number = static_cast<double>(value);
    node->index = indexConstant(value);
    return node;
  };
  const bool isShared = type.kind == ElementType::Kind::Int && type.bits >= 32;
  Numbers &numbers = type.bits == 32 ? int32_ : int64_;
  if (!isShared || (type.bits != 32 && type.bits != 64))
    return make();
  if (const auto found = numbers.find(value); found != numbers.end())
    return found->second;
  if (numbers.size() >= mostNumbers)
    return make();
  return numbers.emplace(value, make()).first->second;
}

const ValueExprPtr &SharedNodes::indexValue(std::int64_t value) {
  if (indices_.size() >= mostNumbers)
    indices_.clear();
  ValueExprPtr &node = indices_[value];
  if (!node)
    node = valueIndex(indexConstant(value));
  return node;
}

} // namespace acadlc::tir
