#include "frontend/relax/OperatorBuilder.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

using Position = std::ptrdiff_t;

//===--- Other looks at a tensor --------------------------------------------------------------===//

/// `memory.view`: the elements from a byte on, in their order.
void view(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const Shape shape = builder.integers("shape", 1).value_or(data.shape);
  const ElementType type = builder.elementType("dtype", 2, data.elementType);
  const std::int64_t offset = builder.integer("relative_byte_offset", 3, 0);
  constexpr unsigned bitsPerByte = 8;
  const std::int64_t bytes = data.elementType.bits / bitsPerByte;
  if (type != data.elementType || bytes == 0 || offset < 0 || offset % bytes != 0)
    throw OperatorError("a view of elements as others");
  const std::int64_t first = offset / bytes;
  const auto end = checkedAdd(first, elementCount(shape));
  if (!end || *end > elementCount(data.shape))
    throw OperatorError("its view ends behind its input");
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "view", result);
  const Indices out = stage.spatial(shape);
  stage.store(out, stage.load(OperatorBuilder::input(0),
                              unflatten(plus(flatIndex(out, shape), first), data.shape)));
}

//===--- Index maps ---------------------------------------------------------------------------===//

/// A dimension of the result of an index map as a digit of one axis: (axis // divisor) % modulus.
struct Digit {
  std::size_t axis = 0;
  std::int64_t divisor = 1;
  std::int64_t modulus = 0; ///< 0: the digit is the first
};

/// None if \p index is no digit of an axis.
std::optional<Digit> digitOf(const IndexExpr &index) {
  if (index.kind == IndexExpr::Kind::Axis)
    return Digit{static_cast<std::size_t>(index.value)};
  const bool isDivision = index.kind == IndexExpr::Kind::FloorDiv;
  if ((!isDivision && index.kind != IndexExpr::Kind::FloorMod) ||
      index.right->kind != IndexExpr::Kind::Constant || index.right->value < 1)
    return std::nullopt;
  auto digit = digitOf(*index.left);
  const std::int64_t number = index.right->value;
  if (!digit)
    return std::nullopt;
  if (!isDivision) {
    if (digit->modulus != 0 && digit->modulus % number != 0)
      return std::nullopt;
    digit->modulus = number;
    return digit;
  }
  const auto divisor = checkedMul(digit->divisor, number);
  if (!divisor || digit->modulus % number != 0)
    return std::nullopt;
  digit->divisor = *divisor;
  digit->modulus /= number;
  return digit;
}

/// The digits that an index map makes of each axis, the last one first; every dimension of the
/// result is in one of them.
class DigitMap {
public:
  /// None if \p map does anything but to cut axes and to order their parts.
  static std::optional<DigitMap> of(const IndexMap &map) {
    DigitMap result;
    result.byAxis_.resize(map.inputs);
    for (std::size_t d = 0; d < map.outputs.size(); ++d) {
      const auto digit = digitOf(*map.outputs[d]);
      if (!digit)
        return std::nullopt;
      result.digits_.push_back(*digit);
      result.byAxis_[digit->axis].push_back(d);
    }
    for (std::vector<std::size_t> &own : result.byAxis_)
      if (!result.order(own))
        return std::nullopt;
    return result;
  }

  [[nodiscard]] Shape shapeOf(const Shape &from) const {
    Shape shape;
    for (const Digit &digit : digits_) {
      const std::int64_t above = (from[digit.axis] + digit.divisor - 1) / digit.divisor;
      shape.push_back(digit.modulus > 0 ? digit.modulus : above);
    }
    return shape;
  }

  /// Where the element \p out of the result comes from.
  [[nodiscard]] Indices read(const Indices &out) const {
    Indices indices;
    for (const std::vector<std::size_t> &own : byAxis_) {
      IndexExprPtr index = indexConstant(0);
      for (auto d = own.rbegin(); d != own.rend(); ++d)
        index = plus(index, times(out[*d], digits_[*d].divisor));
      indices.push_back(std::move(index));
    }
    return indices;
  }

private:
  /// Sorts the dimensions \p own of one axis, the last digit first; false if they are not all of
  /// it.
  [[nodiscard]] bool order(std::vector<std::size_t> &own) const {
    std::ranges::sort(own, {}, [&](std::size_t d) { return digits_[d].divisor; });
    std::int64_t divisor = 1;
    for (std::size_t i = 0; i < own.size(); ++i) {
      const Digit &digit = digits_[own[i]];
      const bool isFirst = i + 1 == own.size();
      if (digit.divisor != divisor || isFirst != (digit.modulus == 0))
        return false;
      divisor *= digit.modulus;
    }
    return !own.empty();
  }

  std::vector<Digit> digits_; ///< by dimension of the result
  std::vector<std::vector<std::size_t>> byAxis_;
};

/// `layout_transform`: the elements at other places, with padding where blocks are not full.
void layoutTransform(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const OperatorArgument *argument = builder.call().find("index_map", 1);
  if (argument == nullptr || !argument->map)
    throw OperatorError("its index map is no 'lambda' of whole numbers");
  const IndexMap &map = *argument->map;
  if (map.inputs != data.shape.size())
    throw OperatorError("its index map has " + std::to_string(map.inputs) + " indices for " +
                        std::to_string(data.shape.size()) + " dimensions");
  const auto digits = DigitMap::of(map);
  if (!digits)
    throw OperatorError("its index map does more than to cut dimensions and to order their parts");
  const Shape shape = digits->shapeOf(data.shape);
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, "layout_transform", result);
  const Indices out = stage.spatial(shape);
  const Indices read = digits->read(out);
  ValueExprPtr value = stage.load(OperatorBuilder::input(0), read);
  ValueExprPtr inside;
  for (std::size_t d = 0; d < read.size(); ++d) {
    std::int64_t reached = 1;
    for (std::size_t i = 0; i < map.outputs.size(); ++i)
      if (digitOf(*map.outputs[i])->axis == d)
        reached *= shape[i];
    if (reached == data.shape[d])
      continue;
    ValueExprPtr fits = binary("<", valueIndex(read[d]), valueIndex(indexConstant(data.shape[d])));
    inside = inside ? binary("and", inside, fits) : fits;
  }
  stage.store(out, inside ? select(inside, value, number(0, data.elementType)) : value);
}

//===--- By position --------------------------------------------------------------------------===//

/// A number at the position that an index says, another one elsewhere.
void oneHot(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const std::int64_t depth = builder.integer("depth", 3, 0);
  const OperatorArgument *on = builder.call().find("on_value", 1);
  const ElementType type =
      on != nullptr && on->numberType ? *on->numberType : ElementType{ElementType::Kind::Int, 64};
  const std::size_t axis = normalAxis(builder.integer("axis", 4, -1), data.shape.size() + 1);
  Shape shape = data.shape;
  shape.insert(shape.begin() + static_cast<Position>(axis), depth);
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "one_hot", result);
  const Indices out = stage.spatial(shape);
  Indices read = out;
  read.erase(read.begin() + static_cast<Position>(axis));
  ValueExprPtr place = stage.load(OperatorBuilder::input(0), read);
  stage.store(out, select(binary("==", std::move(place), valueIndex(out[axis])), number(1, type),
                          number(0, type)));
}

/// The first tensor with every \p step -th element of an axis taken from the second one.
void sliceScatter(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const Shape source = builder.shape(1);
  const std::size_t rank = data.shape.size();
  const std::size_t axis = normalAxis(builder.integer("axis", 5, 0), rank);
  const std::int64_t extent = data.shape[axis];
  const std::int64_t begin = builder.integer("start", 2, 0);
  const std::int64_t end = std::min(builder.integer("end", 3, extent), extent);
  const std::int64_t step = builder.integer("step", 4, 1);
  Shape wanted = data.shape;
  wanted[axis] = step < 1 || begin < 0 || begin >= end ? 0 : (end - begin - 1) / step + 1;
  if (source != wanted)
    throw OperatorError("its second tensor does not fit its range");
  const TensorRef result = builder.output(data);
  Stage stage(builder, "slice_scatter", result);
  const Indices out = stage.spatial(data.shape);
  Indices read = out;
  read[axis] = quotient(plus(out[axis], -begin), step);
  ValueExprPtr inside = isWithin(out[axis], begin, end);
  if (step > 1)
    inside = binary("and", std::move(inside),
                    binary("==", valueIndex(remainder(plus(out[axis], -begin), step)),
                           valueIndex(indexConstant(0))));
  ValueExprPtr kept = stage.load(OperatorBuilder::input(0), out);
  stage.store(
      out, select(std::move(inside), stage.load(OperatorBuilder::input(1), read), std::move(kept)));
}

/// `collapse_sum_to` and `collapse_sum_like`: sums over what a broadcast to the first tensor's
/// shape repeats.
void collapseSum(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const bool isLike = builder.call().name == "collapse_sum_like";
  const Shape shape = isLike ? builder.shape(1) : builder.integers("shape", 1).value_or(Shape{});
  if (broadcast(data.shape, shape) != data.shape)
    throw OperatorError("its shape does not fit its input");
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, "sum", result);
  const Indices out = stage.spatial(shape);
  const std::size_t missing = data.shape.size() - shape.size();
  Indices read;
  bool isReduced = false;
  for (std::size_t d = 0; d < data.shape.size(); ++d) {
    const bool isKept = d >= missing && shape[d - missing] == data.shape[d];
    read.push_back(isKept ? out[d - missing] : stage.reduction(data.shape[d]));
    isReduced = isReduced || !isKept;
  }
  stage.store(out, stage.load(OperatorBuilder::input(0), read),
              isReduced ? Combiner::Sum : Combiner::None);
}

struct RearrangeOperator {
  std::string_view name;
  void (*build)(OperatorBuilder &);
};

constexpr auto rearrangeOperators = std::to_array<RearrangeOperator>({
    {"collapse_sum_like", collapseSum},
    {"collapse_sum_to", collapseSum},
    {"layout_transform", layoutTransform},
    {"memory.view", view},
    {"one_hot", oneHot},
    {"slice_scatter", sliceScatter},
});

} // namespace

bool isRearrangeOperator(std::string_view name) {
  return std::ranges::any_of(rearrangeOperators,
                             [&](const RearrangeOperator &entry) { return entry.name == name; });
}

bool buildRearrangeOperator(OperatorBuilder &builder) {
  const auto *found =
      std::ranges::find(rearrangeOperators, builder.call().name, &RearrangeOperator::name);
  if (found == rearrangeOperators.end())
    return false;
  found->build(builder);
  return true;
}

} // namespace acadlc::tir
