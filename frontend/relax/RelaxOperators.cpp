#include "frontend/relax/RelaxOperators.h"

#include "frontend/relax/OperatorBuilder.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace acadlc::tir {

using namespace workload;

std::string describe(const TensorType &type) {
  std::string out = "(";
  for (std::size_t i = 0; i < type.shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(type.shape[i]);
  return out + ") of " + type.elementType.name();
}

const OperatorArgument *OperatorCall::find(std::string_view keyword, std::size_t position) const {
  const auto found = keywords.find(keyword);
  const OperatorArgument *argument = nullptr;
  if (found != keywords.end())
    argument = &found->second;
  else if (position < positional.size())
    argument = &positional[position];
  return argument && argument->text != "None" ? argument : nullptr;
}

namespace {

constexpr ElementType boolean{ElementType::Kind::Bool, 1};

//===--- Element by element -------------------------------------------------------------------===//

struct ElementOperator {
  std::string_view name;
  std::string_view spelling; ///< in the workload IR
};

/// Functions of one number.
constexpr auto unaryOperators = std::to_array<ElementOperator>({
    {"abs", "fabs"},    {"acos", "acos"},       {"acosh", "acosh"}, {"asin", "asin"},
    {"asinh", "asinh"}, {"atan", "atan"},       {"atanh", "atanh"}, {"bitwise_not", "bitwise_not"},
    {"ceil", "ceil"},   {"cos", "cos"},         {"cosh", "cosh"},   {"erf", "erf"},
    {"exp", "exp"},     {"floor", "floor"},     {"log", "log"},     {"round", "nearbyint"},
    {"rsqrt", "rsqrt"}, {"sigmoid", "sigmoid"}, {"sign", "sign"},   {"sin", "sin"},
    {"sinh", "sinh"},   {"sqrt", "sqrt"},       {"tan", "tan"},     {"tanh", "tanh"},
    {"trunc", "trunc"},
});

constexpr auto binaryOperators = std::to_array<ElementOperator>({
    {"add", "+"},
    {"subtract", "-"},
    {"multiply", "*"},
    {"divide", "/"},
    {"floor_divide", "//"},
    {"mod", "%"},
    {"floor_mod", "%"},
    {"power", "pow"},
    {"maximum", "max"},
    {"minimum", "min"},
    {"bitwise_and", "&"},
    {"bitwise_or", "|"},
    {"bitwise_xor", "^"},
    {"left_shift", "shift_left"},
    {"right_shift", "shift_right"},
    {"atan2", "atan2"},
});

constexpr auto comparisons = std::to_array<ElementOperator>({
    {"equal", "=="},
    {"not_equal", "!="},
    {"less", "<"},
    {"less_equal", "<="},
    {"greater", ">"},
    {"greater_equal", ">="},
    {"logical_and", "and"},
    {"logical_or", "or"},
    {"logical_xor", "!="},
});

template <std::size_t size>
std::string_view spellingOf(const std::array<ElementOperator, size> &table, std::string_view name) {
  const auto *found = std::ranges::find(table, name, &ElementOperator::name);
  return found == table.end() ? std::string_view() : found->spelling;
}

/// Stores \p value of the element of the first tensor in an output of \p type.
template <typename Value>
void elementWise(OperatorBuilder &builder, ElementType type, const Value &value) {
  const Shape shape = builder.shape(0);
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices indices = stage.spatial(shape);
  stage.store(indices, value(stage, indices, stage.load(OperatorBuilder::input(0), indices)));
}

/// The same for operators of the first tensor alone that keep its type.
template <typename Value> void activation(OperatorBuilder &builder, const Value &value) {
  const ElementType type = builder.type(0).elementType;
  elementWise(builder, type, [&](Stage &, const Indices &, ValueExprPtr element) {
    return value(std::move(element), type);
  });
}

/// What an operator combines element by element: a tensor or a number, `R.prim_value(2)`.
struct Operand {
  std::optional<std::size_t> input; ///< the tensor
  double number = 0;                ///< if it is none
  Shape shape;

  /// Its element for the element \p indices of the result; a number is of type \p type.
  [[nodiscard]] ValueExprPtr element(Stage &stage, const Indices &indices, ElementType type) const {
    return input ? stage.load(OperatorBuilder::input(*input), broadcastIndices(indices, shape))
                 : tir::number(number, type);
  }
};

Operand operandAt(const OperatorBuilder &builder, const OperatorArgument &argument,
                  std::size_t position) {
  if (argument.tensors.size() == 1)
    return {argument.tensors[0], 0, builder.shape(argument.tensors[0])};
  if (argument.number)
    return {std::nullopt, *argument.number, {}};
  if (argument.integers && !argument.isList)
    return {std::nullopt, static_cast<double>(argument.integers->front()), {}};
  throw OperatorError("its argument " + std::to_string(position + 1) +
                      " is neither a tensor nor a known number");
}

/// The first \p count arguments.
std::vector<Operand> operands(const OperatorBuilder &builder, std::size_t count) {
  const OperatorCall &call = builder.call();
  const bool areTensors = call.tensors.size() >= count || call.positional.size() < count;
  std::vector<Operand> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(areTensors ? Operand{i, 0, builder.shape(i)}
                                : operandAt(builder, call.positional[i], i));
  return result;
}

/// The element type of \p left and \p right; a number has that of the other one.
ElementType commonType(const OperatorBuilder &builder, const Operand &left, const Operand &right) {
  if (!left.input && !right.input)
    throw OperatorError("none of its operands is a tensor");
  const ElementType first = builder.type(left.input ? *left.input : *right.input).elementType;
  const ElementType second = builder.type(right.input ? *right.input : *left.input).elementType;
  if (first != second)
    throw OperatorError("its operands are " + first.name() + " and " + second.name());
  return first;
}

void binaryOperator(OperatorBuilder &builder, std::string_view spelling, bool isComparison) {
  const std::vector<Operand> both = operands(builder, 2);
  const ElementType type = commonType(builder, both[0], both[1]);
  const Shape shape = broadcast(both[0].shape, both[1].shape);
  const TensorRef result = builder.output({shape, isComparison ? boolean : type});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices indices = stage.spatial(shape);
  ValueExprPtr first = both[0].element(stage, indices, type);
  ValueExprPtr second = both[1].element(stage, indices, type);
  stage.store(indices, binary(spelling, std::move(first), std::move(second)));
}

void whereOperator(OperatorBuilder &builder) {
  const std::vector<Operand> all = operands(builder, 3);
  if (!all[0].input)
    throw OperatorError("its condition is no tensor");
  const ElementType type = commonType(builder, all[1], all[2]);
  const Shape shape = broadcast(broadcast(all[0].shape, all[1].shape), all[2].shape);
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "where", result);
  const Indices indices = stage.spatial(shape);
  std::vector<ValueExprPtr> values;
  for (const Operand &operand : all)
    values.push_back(operand.element(stage, indices, type));
  stage.store(indices, select(values[0], values[1], values[2]));
}

void cast(OperatorBuilder &builder) {
  const ElementType type = builder.elementType("dtype", 1, builder.type(0).elementType);
  elementWise(builder, type, [&](Stage &, const Indices &, ValueExprPtr value) {
    return castTo(std::move(value), type);
  });
}

void relu(OperatorBuilder &builder) {
  activation(builder, [](ValueExprPtr x, ElementType type) {
    return binary("max", std::move(x), number(0, type));
  });
}
void clip(OperatorBuilder &builder) {
  constexpr double six = 6, infinity = std::numeric_limits<double>::infinity();
  const bool isRelu6 = builder.call().name == "nn.relu6";
  const double low = isRelu6 ? 0 : builder.real("min", 1, -infinity);
  const double high = isRelu6 ? six : builder.real("max", 2, infinity);
  activation(builder, [&](ValueExprPtr x, ElementType type) {
    if (std::isfinite(high))
      x = binary("min", std::move(x), number(high, type));
    return std::isfinite(low) ? binary("max", std::move(x), number(low, type)) : x;
  });
}
void leakyRelu(OperatorBuilder &builder) {
  constexpr double usual = 0.01;
  const double slope = builder.real("alpha", 1, usual);
  activation(builder, [&](const ValueExprPtr &x, ElementType type) {
    return select(binary("<", number(0, type), x), x, binary("*", x, number(slope, type)));
  });
}

/// Stores functions of single elements with a stage for each of their operations, as TVM legalises
/// operators that it composes of others.
class Composition {
public:
  explicit Composition(OperatorBuilder &builder)
      : builder_(builder), type_(builder.type(0)), result_(builder.output(type_)) {}

  /// \p value is made of operations, numbers and load 0, the element of the first tensor.
  void store(const ValueExprPtr &value) { addStage(*value, result_); }

private:
  static bool isOperation(const ValueExpr &value) {
    return value.kind == ValueExpr::Kind::Unary || value.kind == ValueExpr::Kind::Binary;
  }

  static std::string nameOf(const ValueExpr &operation) {
    const auto *found =
        std::ranges::find(binaryOperators, operation.name, &ElementOperator::spelling);
    return std::string(found == binaryOperators.end() ? operation.name : found->name);
  }

  void addStage(const ValueExpr &operation, TensorRef written) {
    std::vector<std::optional<TensorRef>> parts;
    for (const ValueExprPtr &operand : operation.operands) {
      parts.emplace_back();
      if (isOperation(*operand)) {
        parts.back() = builder_.local(nameOf(*operand), type_);
        addStage(*operand, *parts.back());
      } else if (operand->kind == ValueExpr::Kind::Load) {
        parts.back() = OperatorBuilder::input(0);
      }
    }
    Stage stage(builder_, nameOf(operation), written);
    const Indices indices = stage.spatial(type_.shape);
    auto value = std::make_shared<ValueExpr>(operation);
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (parts[i])
        value->operands[i] = stage.load(*parts[i], indices);
    stage.store(indices, std::move(value));
  }

  OperatorBuilder &builder_;
  TensorType type_;
  TensorRef result_;
};

/// The element of the first tensor in a Composition.
ValueExprPtr element() {
  auto load = std::make_shared<ValueExpr>();
  load->kind = ValueExpr::Kind::Load;
  return load;
}

void silu(OperatorBuilder &builder) {
  Composition(builder).store(binary("*", element(), unary("sigmoid", element())));
}
/// x · (½ + ½ · erf(x · √½))
void gelu(OperatorBuilder &builder) {
  constexpr double half = 0.5, rootOfHalf = 0.70710678118654757;
  const ElementType type = builder.type(0).elementType;
  ValueExprPtr curve = unary("erf", binary("*", element(), number(rootOfHalf, type)));
  Composition(builder).store(
      binary("*", element(),
             binary("+", number(half, type), binary("*", std::move(curve), number(half, type)))));
}
/// ½ · x · (1 + tanh(√(2 / π) · x · (1 + 0.044715 · x · x)))
void tanhGelu(OperatorBuilder &builder) {
  constexpr double half = 0.5, rootOfTwoByPi = 0.79788456080286541, cubic = 0.044715;
  const ElementType type = builder.type(0).elementType;
  const auto times = [](ValueExprPtr left, ValueExprPtr right) {
    return binary("*", std::move(left), std::move(right));
  };
  const auto onePlus = [&](ValueExprPtr value) {
    return binary("+", number(1, type), std::move(value));
  };
  ValueExprPtr square = times(times(number(cubic, type), element()), element());
  ValueExprPtr inner =
      times(times(number(rootOfTwoByPi, type), element()), onePlus(std::move(square)));
  Composition(builder).store(
      times(times(number(half, type), element()), onePlus(unary("tanh", std::move(inner)))));
}
/// log(1 + exp(β · x)) / β, and x itself where that makes no difference any more.
void softplus(OperatorBuilder &builder) {
  constexpr double usualThreshold = 20;
  const double beta = builder.real("beta", 1, 1);
  const double threshold = builder.real("threshold", 2, usualThreshold);
  activation(builder, [&](const ValueExprPtr &x, ElementType type) {
    const ValueExprPtr scaled = binary("*", x, number(beta, type));
    ValueExprPtr curve = binary(
        "/", unary("log", binary("+", number(1, type), unary("exp", scaled))), number(beta, type));
    return select(binary(">", scaled, number(threshold, type)), x, std::move(curve));
  });
}
/// a · b + c
void fusedMultiplyAdd(OperatorBuilder &builder) {
  const ElementType type = builder.type(0).elementType;
  for (const std::size_t i : {1, 2})
    if (builder.shape(i) != builder.shape(0) || builder.type(i).elementType != type)
      throw OperatorError("its operands differ in type");
  elementWise(builder, type, [&](Stage &stage, const Indices &indices, ValueExprPtr a) {
    ValueExprPtr b = stage.load(OperatorBuilder::input(1), indices);
    ValueExprPtr c = stage.load(OperatorBuilder::input(2), indices);
    return binary("+", binary("*", std::move(a), std::move(b)), std::move(c));
  });
}
void negative(OperatorBuilder &builder) {
  activation(builder, [](ValueExprPtr x, ElementType type) {
    return binary("*", std::move(x), number(-1, type));
  });
}
void square(OperatorBuilder &builder) {
  activation(builder, [](const ValueExprPtr &x, ElementType) { return binary("*", x, x); });
}
void selu(OperatorBuilder &builder) {
  activation(builder, [](const ValueExprPtr &x, ElementType type) {
    constexpr double scale = 1.0507009873554805, alpha = 1.6732632423543772;
    ValueExprPtr low =
        binary("*", binary("-", unary("exp", x), number(1, type)), number(alpha, type));
    return binary("*", select(binary("<", number(0, type), x), x, std::move(low)),
                  number(scale, type));
  });
}
/// A leaky ReLU with one slope for each channel.
void prelu(OperatorBuilder &builder) {
  const std::size_t axis = normalAxis(builder.integer("axis", 2, 1), builder.shape(0).size());
  const ElementType type = builder.type(0).elementType;
  if (builder.shape(1).size() != 1 ||
      (builder.shape(1)[0] != 1 && builder.shape(1)[0] != builder.shape(0)[axis]))
    throw OperatorError("its slopes do not fit its input");
  elementWise(builder, type, [&](Stage &stage, const Indices &indices, ValueExprPtr x) {
    ValueExprPtr slope =
        stage.load(OperatorBuilder::input(1), broadcastIndices({indices[axis]}, builder.shape(1)));
    return select(binary("<", number(0, type), x), x, binary("*", x, std::move(slope)));
  });
}
void maskedFill(OperatorBuilder &builder) {
  const TensorType type = builder.type(0);
  const Shape &mask = builder.shape(1);
  if (broadcast(type.shape, mask) != type.shape)
    throw OperatorError("its mask does not fit its input");
  elementWise(builder, type.elementType, [&](Stage &stage, const Indices &indices, ValueExprPtr x) {
    ValueExprPtr isMasked = stage.load(OperatorBuilder::input(1), broadcastIndices(indices, mask));
    constexpr double filler = 0; // any: values do not matter
    return select(std::move(isMasked), number(filler, type.elementType), std::move(x));
  });
}
/// log(exp(x) + exp(y)).
void logAddExp(OperatorBuilder &builder) {
  const TensorType left = builder.type(0);
  const Shape shape = broadcast(left.shape, builder.shape(1));
  const TensorRef result = builder.output({shape, left.elementType});
  Stage stage(builder, "log_add_exp", result);
  const Indices out = stage.spatial(shape);
  std::vector<ValueExprPtr> powers;
  for (std::size_t i = 0; i < 2; ++i)
    powers.push_back(unary(
        "exp", stage.load(OperatorBuilder::input(i), broadcastIndices(out, builder.shape(i)))));
  stage.store(out, unary("log", binary("+", powers[0], powers[1])));
}
/// Whether a number is finite and the like.
void classify(OperatorBuilder &builder) {
  elementWise(builder, boolean, [&](Stage &, const Indices &, ValueExprPtr value) {
    return unary(builder.call().name, std::move(value));
  });
}
void logicalNot(OperatorBuilder &builder) {
  elementWise(builder, boolean, [](Stage &, const Indices &, ValueExprPtr value) {
    return valueNode(ValueExpr::Kind::Compare, "not", {std::move(value)});
  });
}

/// The scale or zero point of an element: one for all, or one for each index of an axis.
ValueExprPtr quantParameter(OperatorBuilder &builder, Stage &stage, std::size_t input,
                            const Indices &indices) {
  const Shape &shape = builder.shape(input);
  if (elementCount(shape) == 1)
    return stage.load(OperatorBuilder::input(input), Indices(shape.size(), indexConstant(0)));
  const std::size_t axis = normalAxis(builder.integer("axis", 3, -1), indices.size());
  if (shape.size() != 1 || shape[0] != builder.shape(0)[axis])
    throw OperatorError("its scale or zero point has another extent than the axis");
  return stage.load(OperatorBuilder::input(input), {indices[axis]});
}

void quantize(OperatorBuilder &builder) {
  const ElementType from = builder.type(0).elementType;
  const ElementType to = builder.elementType("out_dtype", 4, {ElementType::Kind::Int, 8});
  elementWise(builder, to, [&](Stage &stage, const Indices &indices, ValueExprPtr value) {
    ValueExprPtr scale = quantParameter(builder, stage, 1, indices);
    ValueExprPtr zero = castTo(quantParameter(builder, stage, 2, indices), from);
    value = binary("+", unary("round", binary("/", std::move(value), std::move(scale))),
                   std::move(zero));
    // All numbers of the type.
    const double low = lowestNumber(to);
    const double high = low < 0 ? -low - 1 : std::exp2(to.bits) - 1;
    return castTo(
        binary("max", binary("min", std::move(value), number(high, from)), number(low, from)), to);
  });
}

void dequantize(OperatorBuilder &builder) {
  const ElementType to = builder.elementType("out_dtype", 4, {ElementType::Kind::Float, 32});
  elementWise(builder, to, [&](Stage &stage, const Indices &indices, ValueExprPtr value) {
    constexpr ElementType wide{ElementType::Kind::Int, 32};
    ValueExprPtr scale = quantParameter(builder, stage, 1, indices);
    ValueExprPtr zero = castTo(quantParameter(builder, stage, 2, indices), wide);
    value = binary("-", castTo(std::move(value), wide), std::move(zero));
    return binary("*", castTo(std::move(value), to), std::move(scale));
  });
}

//===--- Reductions ---------------------------------------------------------------------------===//

/// What a reduction of the first tensor leaves.
struct ReductionForm {
  std::vector<bool> reduced; ///< by dimension
  bool keeps = false;        ///< dimensions that are reduced stay, with one element
  bool reduces = false;      ///< any dimension
  Shape shape;               ///< of the result
  double count = 1;          ///< elements that one result is made of

  /// The element that is read for the result \p out; adds the axes of the reduction to \p stage.
  [[nodiscard]] Indices read(Stage &stage, const Indices &out, const Shape &from) const {
    Indices indices;
    std::size_t next = 0;
    for (std::size_t d = 0; d < reduced.size(); ++d) {
      indices.push_back(reduced[d] ? stage.reduction(from[d]) : out[next]);
      next += !reduced[d] || keeps ? 1 : 0;
    }
    return indices;
  }
};

/// \p keeps: dimensions that are reduced stay.
ReductionForm reductionForm(const OperatorBuilder &builder, bool keeps) {
  const Shape &from = builder.shape(0);
  ReductionForm form;
  form.keeps = keeps;
  const auto axes = builder.integers("axis", 1);
  form.reduced.assign(from.size(), !axes);
  for (const std::int64_t axis : axes.value_or(Shape{}))
    form.reduced[normalAxis(axis, from.size())] = true;
  form.reduces = std::ranges::find(form.reduced, true) != form.reduced.end();
  for (std::size_t d = 0; d < from.size(); ++d) {
    if (!form.reduced[d])
      form.shape.push_back(from[d]);
    else if (form.keeps)
      form.shape.push_back(1);
    form.count *= form.reduced[d] ? static_cast<double>(from[d]) : 1;
  }
  return form;
}

ReductionForm reductionForm(const OperatorBuilder &builder) {
  return reductionForm(builder, builder.flag("keepdims", 2));
}

/// The mean of \p source, of the shape of the first tensor, in \p result.
void meanInto(OperatorBuilder &builder, TensorRef source, const ReductionForm &form,
              TensorRef result) {
  const TensorType type = builder.typeOf(result);
  const TensorRef sums = builder.local("sum", type);
  {
    Stage stage(builder, "sum", sums);
    const Indices out = stage.spatial(form.shape);
    const Indices read = form.read(stage, out, builder.shape(0));
    stage.store(out, stage.load(source, read), form.reduces ? Combiner::Sum : Combiner::None);
  }
  Stage stage(builder, "mean", result);
  const Indices out = stage.spatial(form.shape);
  stage.store(out, binary("/", stage.load(sums, out), number(form.count, type.elementType)));
}

/// `variance` and `std`: the mean of (x − mean)², and its root, with a stage for each operation.
void variance(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const ReductionForm form = reductionForm(builder), kept = reductionForm(builder, true);
  const TensorRef mean = builder.local("mean", {kept.shape, data.elementType});
  meanInto(builder, OperatorBuilder::input(0), kept, mean);
  const TensorRef distances = builder.local("distances", data);
  {
    Stage stage(builder, "distances", distances);
    const Indices out = stage.spatial(data.shape);
    ValueExprPtr element = stage.load(OperatorBuilder::input(0), out);
    stage.store(
        out, binary("-", std::move(element), stage.load(mean, broadcastIndices(out, kept.shape))));
  }
  const TensorRef squares = builder.local("squares", data);
  {
    Stage stage(builder, "squares", squares);
    const Indices out = stage.spatial(data.shape);
    const ValueExprPtr distance = stage.load(distances, out);
    stage.store(out, binary("*", distance, distance));
  }
  const TensorType type{form.shape, data.elementType};
  if (builder.call().name == "variance")
    return meanInto(builder, squares, form, builder.output(type));
  const TensorRef average = builder.local("variance", type);
  meanInto(builder, squares, form, average);
  Stage stage(builder, "std", builder.output(type));
  const Indices out = stage.spatial(form.shape);
  stage.store(out, unary("sqrt", stage.load(average, out)));
}

/// `argmax` and `argmin`: a reduction of pairs, of which the place is what is returned.
void placeOfExtreme(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const ReductionForm form = reductionForm(builder);
  constexpr ElementType place{ElementType::Kind::Int, 64};
  const TensorRef values = builder.local("values", {form.shape, data.elementType});
  const TensorRef result = builder.output({form.shape, place});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(form.shape);
  const Indices read = form.read(stage, out, data.shape);
  stage.load(OperatorBuilder::input(0), read);

  // A pair is kept if its value is more extreme, or if it is as extreme and stands further ahead.
  auto body = std::make_shared<StageBody>();
  const auto load = [&](TensorRef tensor, const Indices &indices, ElementType type) {
    auto value = std::make_shared<ValueExpr>();
    value->kind = ValueExpr::Kind::Load;
    value->value = body->accesses.size();
    value->elementType = type;
    body->accesses.push_back({tensor, indices, builder.call().range});
    return ValueExprPtr(std::move(value));
  };
  const auto store = [&](TensorRef tensor, ValueExprPtr value) {
    StageStatement statement;
    statement.written = {tensor, out, builder.call().range};
    statement.value = std::move(value);
    return statement;
  };
  Indices reduced;
  Shape extents;
  for (std::size_t d = 0; d < data.shape.size(); ++d)
    if (form.reduced[d]) {
      reduced.push_back(read[d]);
      extents.push_back(data.shape[d]);
    }
  const bool isMax = builder.call().name == "argmax";
  const ValueExprPtr oldPlace = load(result, out, place);
  const ValueExprPtr oldValue = load(values, out, data.elementType);
  const ValueExprPtr element = load(OperatorBuilder::input(0), read, data.elementType);
  const ValueExprPtr newPlace = valueIndex(flatIndex(reduced, extents));
  const ValueExprPtr isBetter =
      isMax ? binary(">", oldValue, element) : binary("<", oldValue, element);
  const ValueExprPtr isKept =
      binary("or", isBetter,
             binary("and", binary("==", oldValue, element), binary("<", oldPlace, newPlace)));
  const double least = lowestNumber(data.elementType);
  body->readsFirst = true;
  body->init = {store(result, number(-1, place)),
                store(values, number(isMax ? least : -least, data.elementType))};
  body->statements = {store(result, select(isKept, oldPlace, newPlace)),
                      store(values, select(isBetter, oldValue, element))};
  stage.storeBody(out, "several stores in one block", {values}, std::move(body));
}

void reduction(OperatorBuilder &builder) {
  const std::string_view name = builder.call().name;
  const TensorType data = builder.type(0);
  const ReductionForm form = reductionForm(builder);
  const TensorType type{form.shape, data.elementType};
  // `axis=[]` names no dimension: each element stays as it is.
  if (name == "mean" && form.reduces)
    return meanInto(builder, OperatorBuilder::input(0), form, builder.output(type));
  Combiner combiner = Combiner::Sum;
  if (!form.reduces)
    combiner = Combiner::None;
  else if (name == "max")
    combiner = Combiner::Max;
  else if (name == "min")
    combiner = Combiner::Min;
  else if (name == "prod")
    combiner = Combiner::Product;
  Stage stage(builder, std::string(name), builder.output(type));
  const Indices out = stage.spatial(form.shape);
  const Indices read = form.read(stage, out, data.shape);
  stage.store(out, stage.load(OperatorBuilder::input(0), read), combiner);
}

//===--- Data movement ------------------------------------------------------------------------===//

/// The elements of the first tensor in their order, in a tensor of \p shape.
void reshapeTo(OperatorBuilder &builder, const Shape &shape) {
  const TensorType data = builder.type(0);
  if (elementCount(shape) != elementCount(data.shape))
    throw OperatorError("it makes " + describe({shape, data.elementType}) + " of " +
                        describe(data));
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(shape);
  stage.store(out,
              stage.load(OperatorBuilder::input(0), unflatten(flatIndex(out, shape), data.shape)));
}

/// A -1 among the extents means what is left; a 0 the extent of the input.
void reshape(OperatorBuilder &builder) {
  const Shape &from = builder.shape(0);
  auto shape = builder.integers("shape", 1);
  if (!shape)
    throw OperatorError("its shape is not known");
  std::int64_t known = 1;
  std::int64_t *missing = nullptr;
  for (std::size_t d = 0; d < shape->size(); ++d) {
    std::int64_t &extent = (*shape)[d];
    if (extent == 0 && d < from.size())
      extent = from[d];
    if (extent == -1) {
      missing = &extent;
      continue;
    }
    const auto product = extent > 0 ? checkedMul(known, extent) : std::nullopt;
    if (!product)
      throw OperatorError("its shape makes no sense");
    known = *product;
  }
  if (missing)
    *missing = elementCount(from) / known;
  reshapeTo(builder, *shape);
}

void flatten(OperatorBuilder &builder) {
  const Shape &from = builder.shape(0);
  const bool keepsBatch = builder.call().name == "nn.batch_flatten" && !from.empty();
  const std::int64_t all = elementCount(from);
  reshapeTo(builder, keepsBatch ? Shape{from[0], all / from[0]} : Shape{all});
}

void expandDims(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  const auto axes = builder.integers("axis", 1);
  if (!axes)
    throw OperatorError("it needs 'axis'");
  std::vector<bool> isNew(from.size() + axes->size());
  for (const std::int64_t axis : *axes)
    isNew[normalAxis(axis, isNew.size())] = true;
  Shape shape;
  for (std::size_t d = 0, next = 0; d < isNew.size(); ++d) {
    if (!isNew[d] && next == from.size())
      throw OperatorError("it names an axis twice");
    shape.push_back(isNew[d] ? 1 : from[next++]);
  }
  reshapeTo(builder, shape);
}

/// Dimensions of more than one element stay, also if they are named.
void squeeze(OperatorBuilder &builder) {
  const Shape &from = builder.shape(0);
  const auto axes = builder.integers("axis", 1);
  std::vector<bool> isGone(from.size());
  for (std::size_t d = 0; d < from.size(); ++d)
    isGone[d] = !axes && from[d] == 1;
  for (const std::int64_t axis : axes.value_or(Shape{}))
    isGone[normalAxis(axis, from.size())] = true;
  Shape shape;
  for (std::size_t d = 0; d < from.size(); ++d)
    if (!isGone[d] || from[d] != 1)
      shape.push_back(from[d]);
  reshapeTo(builder, shape);
}

void permute(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const std::size_t rank = data.shape.size();
  std::vector<std::size_t> order;
  if (const auto axes = builder.integers("axes", 1))
    for (const std::int64_t axis : *axes)
      order.push_back(normalAxis(axis, rank));
  else
    for (std::size_t d = rank; d-- > 0;)
      order.push_back(d);
  std::vector<bool> seen(rank);
  for (const std::size_t d : order)
    seen[d] = true;
  if (order.size() != rank || std::ranges::find(seen, false) != seen.end())
    throw OperatorError("its axes are no order of " + std::to_string(rank) + " dimensions");
  Shape shape;
  for (const std::size_t d : order)
    shape.push_back(data.shape[d]);
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, "permute_dims", result);
  const Indices out = stage.spatial(shape);
  Indices read(rank);
  for (std::size_t d = 0; d < rank; ++d)
    read[order[d]] = out[d];
  stage.store(out, stage.load(OperatorBuilder::input(0), read));
}

void broadcastTo(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const auto shape = builder.integers("shape", 1);
  if (!shape || broadcast(*shape, data.shape) != *shape)
    throw OperatorError("its shape does not fit its input");
  const TensorRef result = builder.output({*shape, data.elementType});
  Stage stage(builder, "broadcast_to", result);
  const Indices out = stage.spatial(*shape);
  stage.store(out, stage.load(OperatorBuilder::input(0), broadcastIndices(out, data.shape)));
}

void concat(OperatorBuilder &builder) {
  const TensorType first = builder.type(0);
  const std::size_t count = builder.call().tensors.size();
  const std::size_t axis = normalAxis(builder.integer("axis", 1, 0), first.shape.size());
  Shape shape = first.shape;
  shape[axis] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Shape other = builder.shape(i);
    if (other.size() != shape.size())
      throw OperatorError("its tensors differ in the number of dimensions");
    const auto sum = checkedAdd(shape[axis], other[axis]);
    if (!sum)
      throw OperatorError("its result is too large");
    other[axis] = first.shape[axis];
    if (other != first.shape)
      throw OperatorError("its tensors differ in another dimension than axis " +
                          std::to_string(axis));
    shape[axis] = *sum;
  }
  const TensorRef result = builder.output({shape, first.elementType});
  Stage stage(builder, "concat", result);
  const Indices out = stage.spatial(shape);
  std::int64_t offset = 0;
  std::vector<ValueExprPtr> loads;
  std::vector<std::int64_t> offsets;
  for (std::size_t i = 0; i < count; ++i) {
    Indices read = out;
    read[axis] = plus(out[axis], -offset);
    loads.push_back(stage.load(OperatorBuilder::input(i), read));
    offsets.push_back(offset);
    offset += builder.shape(i)[axis];
  }
  ValueExprPtr value = loads[0];
  for (std::size_t i = 1; i < count; ++i)
    value = select(binary("<=", valueIndex(indexConstant(offsets[i])), valueIndex(out[axis])),
                   loads[i], value);
  stage.store(out, std::move(value));
}

/// A copy of what starts at \p start in the first tensor, every \p step -th element, towards the
/// first one if it is negative.
void sliceInto(OperatorBuilder &builder, const Shape &start, const Shape &step,
               const Shape &shape) {
  const TensorRef result = builder.output({shape, builder.type(0).elementType});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(shape);
  Indices read;
  for (std::size_t d = 0; d < shape.size(); ++d)
    read.push_back(step[d] > 0 ? plus(times(out[d], step[d]), start[d])
                               : indexBinary(IndexExpr::Kind::Sub, indexConstant(start[d]),
                                             times(out[d], -step[d])));
  stage.store(out, stage.load(OperatorBuilder::input(0), read));
}

void split(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 2, 0), from.size());
  const OperatorArgument *sections = builder.call().find("indices_or_sections", 1);
  if (!sections || !sections->integers || sections->integers->empty())
    throw OperatorError("it needs 'indices_or_sections'");
  Shape ends = *sections->integers;
  if (!sections->isList) {
    const std::int64_t parts = ends[0];
    constexpr std::int64_t most = 10'000;
    if (parts < 1 || parts > most || from[axis] < parts)
      throw OperatorError("it makes " + std::to_string(parts) + " parts of " +
                          std::to_string(from[axis]) + " elements");
    const std::int64_t size = (from[axis] + parts - 1) / parts;
    ends.clear();
    for (std::int64_t i = 1; i < parts; ++i)
      ends.push_back(std::min(from[axis], i * size));
  }
  ends.push_back(from[axis]);
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    if (end <= begin || end > from[axis])
      throw OperatorError("one of its parts ends at " + std::to_string(end));
    Shape start(from.size(), 0), shape = from;
    start[axis] = begin;
    shape[axis] = end - begin;
    sliceInto(builder, start, Shape(from.size(), 1), shape);
    begin = end;
  }
  builder.returnTuple();
}

void stridedSlice(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  const auto axes = builder.integers("axes", 1), begins = builder.integers("begin", 2),
             ends = builder.integers("end", 3);
  if (!axes || !begins || !ends || begins->size() != axes->size() || ends->size() != axes->size())
    throw OperatorError("its axes, begins and ends differ in number");
  const Shape strides = builder.integers("strides", 4, axes->size(), 1);
  Shape start(from.size(), 0), step(from.size(), 1), shape = from;
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const std::size_t d = normalAxis((*axes)[i], from.size());
    step[d] = strides[i];
    if (step[d] == 0 || step[d] == std::numeric_limits<std::int64_t>::min())
      throw OperatorError("a slice with a stride of " + std::to_string(step[d]));
    // Towards the first element, the end stands one in front of what is read last.
    const bool isBackwards = step[d] < 0;
    const std::int64_t first = isBackwards ? -1 : 0;
    const auto clamp = [&](std::int64_t at) {
      return std::clamp(at < 0 ? at + from[d] : at, first, first + from[d]);
    };
    start[d] = clamp((*begins)[i]);
    const std::int64_t end = clamp((*ends)[i]);
    const std::int64_t length = isBackwards ? start[d] - end : end - start[d];
    shape[d] = length <= 0 ? 0 : (length - 1) / std::abs(step[d]) + 1;
  }
  sliceInto(builder, start, step, shape);
}

/// Where the element \p place of a padded dimension of \p extent elements comes from.
IndexExprPtr paddedPlace(const IndexExprPtr &place, std::int64_t extent, std::string_view mode) {
  const auto extreme = [](IndexExpr::Kind kind, IndexExprPtr left, IndexExprPtr right) {
    return indexBinary(kind, std::move(left), std::move(right));
  };
  using Kind = IndexExpr::Kind;
  if (mode == "circular")
    return remainder(place, extent);
  if (mode == "reflect") {
    IndexExprPtr fromFirst = extreme(Kind::Max, place, extreme(Kind::Sub, indexConstant(0), place));
    IndexExprPtr fromLast = extreme(Kind::Sub, indexConstant(2 * (extent - 1)), fromFirst);
    return extreme(Kind::Min, std::move(fromFirst), std::move(fromLast));
  }
  return extreme(Kind::Min, extreme(Kind::Max, place, indexConstant(0)), indexConstant(extent - 1));
}

void pad(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const std::size_t rank = data.shape.size();
  const auto widths = builder.integers("pad_width", 1);
  if (!widths || widths->size() != 2 * rank)
    throw OperatorError("'pad_width' has not two numbers for each dimension");
  const std::string_view given = builder.text("pad_mode", 2);
  const std::string_view mode = given.empty() ? "constant" : given;
  constexpr auto modes =
      std::to_array<std::string_view>({"constant", "reflect", "replicate", "edge", "circular"});
  if (std::ranges::find(modes, mode) == modes.end())
    throw OperatorError("the mode '" + std::string(mode) + "'");
  Shape shape = data.shape;
  ValueExprPtr condition;
  for (std::size_t d = 0; d < rank; ++d)
    for (const std::int64_t width : {(*widths)[2 * d], (*widths)[2 * d + 1]}) {
      const auto wider = checkedAdd(shape[d], width);
      // A negative width takes elements away.
      if ((width < 0 && mode != "constant") || !wider)
        throw OperatorError("a padding of " + std::to_string(width) + " elements");
      shape[d] = *wider;
    }
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, "pad", result);
  const Indices out = stage.spatial(shape);
  Indices read;
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t before = (*widths)[2 * d], after = (*widths)[2 * d + 1];
    read.push_back(plus(out[d], -before));
    if (before <= 0 && after <= 0)
      continue;
    if (mode != "constant") {
      read[d] = paddedPlace(read[d], data.shape[d], mode);
      continue;
    }
    ValueExprPtr inside = isWithin(out[d], before, before + data.shape[d]);
    condition = condition ? binary("and", condition, inside) : inside;
  }
  ValueExprPtr value = stage.load(OperatorBuilder::input(0), read);
  const ValueExprPtr filler = number(builder.real("pad_value", 3, 0), data.elementType);
  stage.store(out, condition ? select(condition, value, filler) : value);
}

/// The elements of the first tensor that the second one, or a number, says along an axis.
void take(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const OperatorArgument *chosen = builder.call().find("indices", 1);
  const bool isNumber = chosen != nullptr && chosen->tensors.empty() && !chosen->isList &&
                        chosen->integers.has_value();
  const Shape numbers = isNumber ? Shape{} : builder.shape(1);
  const auto given = builder.integer("axis", 2);
  if (!given && data.shape.size() != 1)
    throw OperatorError("it needs 'axis'");
  const std::size_t axis = normalAxis(given.value_or(0), data.shape.size());
  const auto position = static_cast<std::ptrdiff_t>(axis);
  Shape shape = data.shape;
  shape.erase(shape.begin() + position);
  shape.insert(shape.begin() + position, numbers.begin(), numbers.end());
  const TensorRef result = builder.output({shape, data.elementType});
  Stage stage(builder, "take", result);
  const Indices out = stage.spatial(shape);
  const auto inner = static_cast<std::ptrdiff_t>(numbers.size());
  const Indices number(out.begin() + position, out.begin() + position + inner);
  IndexExprPtr place = isNumber ? indexConstant(chosen->integers->front())
                                : indexRead(stage.load(OperatorBuilder::input(1), number));
  // A negative number counts from the end.
  if (place->kind == IndexExpr::Kind::Constant && place->value < 0)
    place = indexConstant(place->value + data.shape[axis]);
  Indices read(out.begin(), out.begin() + position);
  read.push_back(std::move(place));
  read.insert(read.end(), out.begin() + position + inner, out.end());
  stage.store(out, stage.load(OperatorBuilder::input(0), read));
}

/// The dimensions that a resize changes, by its layout.
std::vector<std::size_t> resizedDimensions(std::string_view layout, std::string_view letters,
                                           std::size_t rank) {
  std::vector<std::size_t> dimensions;
  for (const char letter : letters)
    if (const std::size_t d = layout.find(letter); d != std::string_view::npos)
      dimensions.push_back(d);
  if (layout.size() != rank || dimensions.size() != letters.size() || rank != letters.size() + 2)
    throw OperatorError("its layout is not known");
  return dimensions;
}

void resize(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const bool hasDepth = builder.call().name == "image.resize3d";
  const std::string_view letters = hasDepth ? "DHW" : "HW";
  const std::string_view given = builder.text("layout", 3);
  const std::string_view layout = !given.empty() ? given : hasDepth ? "NCDHW" : "NCHW";
  const auto dimensions = resizedDimensions(layout, letters, data.shape.size());
  const auto size = builder.integers("size", 1);
  if (!size || (size->size() != 1 && size->size() != dimensions.size()))
    throw OperatorError("its size is not known");
  Shape shape = data.shape;
  for (std::size_t i = 0; i < dimensions.size(); ++i)
    shape[dimensions[i]] = size->size() == 1 ? size->front() : (*size)[i];
  const std::string_view method = builder.text("method", 4);
  const ElementType type = builder.elementType("out_dtype", 10, data.elementType);
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, hasDepth ? "resize3d" : "resize2d", result);
  const Indices out = stage.spatial(shape);
  /// The neighbour \p number, counted along the last dimension first.
  const auto at = [&](std::int64_t number, std::int64_t neighbours) {
    Indices read = out;
    for (std::size_t i = dimensions.size(); i-- > 0; number /= neighbours) {
      const std::size_t d = dimensions[i];
      const std::int64_t more = number % neighbours;
      const IndexExprPtr near = plus(quotient(times(out[d], data.shape[d]), shape[d]), more);
      read[d] = more == 0
                    ? near
                    : indexBinary(IndexExpr::Kind::Min, near, indexConstant(data.shape[d] - 1));
    }
    return stage.load(OperatorBuilder::input(0), read);
  };
  ValueExprPtr value = at(0, 1);
  // Weights and the place of the neighbours: any, values do not matter.
  if (method != "nearest_neighbor") {
    const std::int64_t neighbours = method == "cubic" ? 4 : 2;
    const auto weighted = [&](ValueExprPtr neighbour) {
      return binary("*", std::move(neighbour), number(0.25, data.elementType));
    };
    value = weighted(std::move(value));
    std::int64_t all = 1;
    for (std::size_t i = 0; i < dimensions.size(); ++i)
      all *= neighbours;
    for (std::int64_t other = 1; other < all; ++other)
      value = binary("+", std::move(value), weighted(at(other, neighbours)));
  }
  stage.store(out, type == data.elementType ? value : castTo(std::move(value), type));
}

/// What passes its input on when a network runs.
void passOn(OperatorBuilder &builder) {
  static_cast<void>(builder.type(0));
  builder.passOn(0);
  if (builder.call().name != "nn.dropout")
    return;
  builder.passOn(0);
  builder.returnTuple();
}

struct PlainOperator {
  std::string_view name;
  void (*build)(OperatorBuilder &);
};

constexpr auto plainOperators = std::to_array<PlainOperator>({
    {"argmax", placeOfExtreme},
    {"argmin", placeOfExtreme},
    {"astype", cast},
    {"broadcast_to", broadcastTo},
    {"clip", clip},
    {"concat", concat},
    {"dequantize", dequantize},
    {"dist.annotate_sharding", passOn},
    {"ewise_fma", fusedMultiplyAdd},
    {"expand_dims", expandDims},
    {"flatten", flatten},
    {"grad.end_checkpoint", passOn},
    {"grad.no_grad", passOn},
    {"grad.start_checkpoint", passOn},
    {"hint_on_device", passOn},
    {"image.resize2d", resize},
    {"image.resize3d", resize},
    {"isfinite", classify},
    {"isinf", classify},
    {"isnan", classify},
    {"log_add_exp", logAddExp},
    {"logical_not", logicalNot},
    {"masked_fill", maskedFill},
    {"max", reduction},
    {"mean", reduction},
    {"memory.ensure_zero_offset", passOn},
    {"min", reduction},
    {"negative", negative},
    {"nn.batch_flatten", flatten},
    {"nn.dropout", passOn},
    {"nn.gelu", gelu},
    {"nn.gelu_tanh", tanhGelu},
    {"nn.leakyrelu", leakyRelu},
    {"nn.pad", pad},
    {"nn.prelu", prelu},
    {"nn.relu", relu},
    {"nn.relu6", clip},
    {"nn.selu", selu},
    {"nn.silu", silu},
    {"nn.softplus", softplus},
    {"permute_dims", permute},
    {"prod", reduction},
    {"quantize", quantize},
    {"reshape", reshape},
    {"split", split},
    {"square", square},
    {"squeeze", squeeze},
    {"std", variance},
    {"builtin.stop_lift_params", passOn},
    {"stop_lift_params", passOn},
    {"strided_slice", stridedSlice},
    {"sum", reduction},
    {"take", take},
    {"to_vdevice", passOn},
    {"variance", variance},
    {"where", whereOperator},
    {"wrap_param", cast},
});

void build(OperatorBuilder &builder) {
  const std::string_view name = builder.call().name;
  if (buildNeuralOperator(builder) || buildDataOperator(builder) ||
      buildRearrangeOperator(builder) || buildLossOperator(builder) ||
      buildUnmodelledOperator(builder))
    return;
  if (const std::string_view spelling = spellingOf(unaryOperators, name); !spelling.empty())
    return activation(builder,
                      [&](ValueExprPtr x, ElementType) { return unary(spelling, std::move(x)); });
  if (const std::string_view spelling = spellingOf(binaryOperators, name); !spelling.empty())
    return binaryOperator(builder, spelling, false);
  if (const std::string_view spelling = spellingOf(comparisons, name); !spelling.empty())
    return binaryOperator(builder, spelling, true);
  const auto *plain = std::ranges::find(plainOperators, name, &PlainOperator::name);
  if (plain == plainOperators.end())
    throw OperatorError("it is not known");
  plain->build(builder);
}

} // namespace

bool isKnownOperator(std::string_view name) {
  return isNeuralOperator(name) || isDataOperator(name) || isRearrangeOperator(name) ||
         isLossOperator(name) || isUnmodelledOperator(name) ||
         !spellingOf(unaryOperators, name).empty() || !spellingOf(binaryOperators, name).empty() ||
         !spellingOf(comparisons, name).empty() ||
         std::ranges::any_of(plainOperators,
                             [&](const PlainOperator &entry) { return entry.name == name; });
}

namespace {

/// Writes what a call consists of one behind the other; how long a part is stands in front of it.
class KeyWriter {
public:
  template <typename Value> void add(Value value) {
    static_assert(std::is_arithmetic_v<Value>);
    const auto bytes = std::bit_cast<std::array<char, sizeof(Value)>>(value);
    key_.append(bytes.data(), bytes.size());
  }
  void add(std::string_view text) {
    add(text.size());
    key_ += text;
  }
  void add(ElementType type) {
    add(static_cast<std::uint8_t>(type.kind));
    add(type.bits);
  }
  void add(const TensorType &type) {
    add(type.elementType);
    addAll(type.shape);
  }
  template <typename Value> void add(const std::optional<Value> &value) {
    add(value.has_value());
    if (value)
      add(*value);
  }
  void add(const Shape &numbers) { addAll(numbers); }
  void add(const OperatorArgument &argument) {
    addAll(argument.tensors);
    add(argument.integers);
    add(argument.isList);
    add(argument.numberType);
    add(argument.number);
    add(argument.unread);
    add(argument.text);
  }
  template <typename Value> void addAll(const std::vector<Value> &values) {
    add(values.size());
    for (const Value &value : values)
      add(value);
  }
  template <typename Key, typename Value> void addAll(const std::map<Key, Value> &values) {
    add(values.size());
    for (const auto &[key, value] : values) {
      add(key);
      add(value);
    }
  }
  std::string take() { return std::move(key_); }

private:
  std::string key_;
};

bool hasMap(const OperatorCall &call) {
  return std::ranges::any_of(
             call.positional,
             [](const OperatorArgument &argument) { return argument.map.has_value(); }) ||
         std::ranges::any_of(call.keywords,
                             [](const auto &entry) { return entry.second.map.has_value(); });
}

} // namespace

std::optional<std::string> keyOf(const OperatorCall &call) {
  if (hasMap(call))
    return std::nullopt;
  KeyWriter key;
  key.add(call.name);
  key.addAll(call.tensors);
  key.addAll(call.numbers);
  key.addAll(call.positional);
  key.addAll(call.keywords);
  key.addAll(call.annotated);
  key.add(call.annotatesTuple);
  return key.take();
}

std::variant<OperatorFunction, std::string> describeOperator(const OperatorCall &call) {
  try {
    OperatorBuilder builder(call);
    build(builder);
    return builder.finish();
  } catch (const OperatorError &error) {
    return std::string(error.what());
  }
}

std::optional<OperatorParameters> parametersOf(std::string_view name) {
  if (!spellingOf(unaryOperators, name).empty())
    return OperatorParameters{{"x"}, {}};
  if (!spellingOf(binaryOperators, name).empty() || !spellingOf(comparisons, name).empty())
    return OperatorParameters{{"x1", "x2"}, {}};
  return listedParameters(name);
}

std::variant<OperatorFunction, std::string> describeExternal(const OperatorCall &call,
                                                             const std::string &name,
                                                             const std::vector<TensorType> &types,
                                                             bool isTuple) {
  try {
    OperatorBuilder builder(call);
    builder.rename(name);
    std::vector<TensorRef> outputs;
    for (const TensorType &type : types)
      outputs.push_back(builder.output(type));
    opaqueStage(builder, outputs, "the function '" + name + "' is not in the text",
                Products::Unknown);
    if (isTuple)
      builder.returnTuple();
    return builder.finish();
  } catch (const OperatorError &error) {
    return std::string(error.what());
  }
}

} // namespace acadlc::tir
