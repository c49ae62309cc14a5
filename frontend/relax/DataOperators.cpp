#include "frontend/relax/OperatorBuilder.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

using Position = std::ptrdiff_t;

//===--- Products -----------------------------------------------------------------------------===//

/// x · wᵀ + b.
void linear(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const Shape weight = builder.shape(1);
  if (data.shape.empty() || weight.size() != 2 || data.shape.back() != weight[1])
    throw OperatorError("its weights do not fit its input");
  Shape shape = data.shape;
  shape.back() = weight[0];
  const ElementType type = builder.elementType("out_dtype", 3, data.elementType);
  const bool hasBias = builder.call().tensors.size() > 2;
  const TensorRef sums =
      hasBias ? builder.local("matmul", {shape, type}) : builder.output({shape, type});
  {
    Stage stage(builder, "matmul", sums);
    const Indices out = stage.spatial(shape);
    const IndexExprPtr k = stage.reduction(weight[1]);
    Indices read = out;
    read.back() = k;
    const auto factor = [&](std::size_t input, Indices indices) {
      ValueExprPtr value = stage.load(OperatorBuilder::input(input), std::move(indices));
      return builder.type(input).elementType == type ? value : castTo(std::move(value), type);
    };
    ValueExprPtr left = factor(0, std::move(read));
    ValueExprPtr right = factor(1, {out.back(), k});
    stage.store(out, binary("*", std::move(left), std::move(right)), Combiner::Sum);
  }
  if (!hasBias)
    return;
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "bias", result);
  const Indices out = stage.spatial(shape);
  ValueExprPtr left = stage.load(sums, out);
  stage.store(
      out, binary("+", std::move(left),
                  stage.load(OperatorBuilder::input(2), broadcastIndices(out, builder.shape(2)))));
}

/// "bij,bjk->bik" taken apart. The dimensions that "..." stands for have letters of their own,
/// counted from the last one.
struct EinsumForm {
  std::vector<std::string> operands;
  std::string result;
  std::map<char, std::int64_t> extents;
};

/// The letter of the dimension of "..." that \p behind others follow.
char ellipsisLetter(std::size_t behind) { return static_cast<char>('\x01' + behind); }
bool isEllipsis(char letter) { return letter < ' '; }

/// \p subscripts with "..." as letters for \p count dimensions; without "..." as they are.
std::string withoutEllipsis(std::string subscripts, std::size_t count) {
  const std::size_t dots = subscripts.find("...");
  if (dots == std::string::npos)
    return subscripts;
  std::string letters;
  for (std::size_t behind = count; behind-- > 0;)
    letters += ellipsisLetter(behind);
  return subscripts.replace(dots, 3, letters);
}

/// The letters of operand \p index, which stands as \p subscripts in \p text.
std::string operandLetters(const std::string &subscripts, const std::string &text,
                           std::size_t index, std::size_t rank) {
  constexpr std::size_t mostDimensions = 16;
  const bool hasEllipsis = subscripts.find("...") != std::string::npos;
  const std::size_t named = subscripts.size() - (hasEllipsis ? 3 : 0);
  const bool fits = hasEllipsis ? rank >= named && rank - named <= mostDimensions : rank == named;
  if (!fits)
    throw OperatorError("'" + text + "' does not fit its tensor " + std::to_string(index));
  return withoutEllipsis(subscripts, rank - named);
}

/// Notes that a dimension called \p letter has \p extent. Those of "..." are repeated where they
/// are 1.
void noteExtent(EinsumForm &form, char letter, std::int64_t extent) {
  std::int64_t &known = form.extents.emplace(letter, extent).first->second;
  if (isEllipsis(letter) && known == 1)
    known = extent;
  if (known == extent || (isEllipsis(letter) && extent == 1))
    return;
  throw OperatorError(isEllipsis(letter) ? "'...' stands for shapes that do not fit"
                                         : std::string("'") + letter + "' has two extents");
}

EinsumForm einsumForm(const OperatorBuilder &builder) {
  EinsumForm form;
  std::string text(builder.text("subscripts", 1));
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  for (std::size_t begin = 0; begin <= left.size();) {
    const std::size_t comma = std::min(left.find(',', begin), left.size());
    form.operands.push_back(left.substr(begin, comma - begin));
    begin = comma + 1;
  }
  const std::size_t given = builder.call().tensors.size();
  if (form.operands.size() != given)
    throw OperatorError("'" + text + "' is for " + std::to_string(form.operands.size()) +
                        " tensors, " + std::to_string(given) + " are given");
  std::map<char, std::size_t> uses;
  for (std::size_t i = 0; i < form.operands.size(); ++i) {
    const Shape &shape = builder.shape(i);
    form.operands[i] = operandLetters(form.operands[i], text, i, shape.size());
    for (std::size_t d = 0; d < shape.size(); ++d) {
      ++uses[form.operands[i][d]];
      noteExtent(form, form.operands[i][d], shape[d]);
    }
  }
  const auto dimensions = static_cast<std::size_t>(std::ranges::count_if(
      form.extents, [](const auto &entry) { return isEllipsis(entry.first); }));
  if (arrow != std::string::npos) {
    form.result = withoutEllipsis(text.substr(arrow + 2), dimensions);
  } else {
    form.result = withoutEllipsis("...", dimensions);
    for (const auto &[letter, count] : uses)
      if (count == 1 && !isEllipsis(letter))
        form.result += letter;
  }
  for (const char letter : form.result)
    if (!form.extents.contains(letter))
      throw OperatorError(std::string("no tensor has '") + letter + "'");
  return form;
}

/// One loop nest over all letters, whatever the number of tensors, as TVM makes of it.
void einsum(OperatorBuilder &builder) {
  const EinsumForm form = einsumForm(builder);
  Shape shape;
  for (const char letter : form.result)
    shape.push_back(form.extents.at(letter));
  const ElementType type = builder.type(0).elementType;
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "einsum", result);
  const Indices out = stage.spatial(shape);
  std::map<char, IndexExprPtr> indices;
  for (std::size_t d = 0; d < out.size(); ++d)
    if (!indices.emplace(form.result[d], out[d]).second)
      throw OperatorError("its result has a letter twice");
  bool isReduced = false;
  for (const std::string &operand : form.operands)
    for (const char letter : operand)
      if (!indices.contains(letter)) {
        indices[letter] = stage.reduction(form.extents.at(letter));
        isReduced = true;
      }
  ValueExprPtr value;
  for (std::size_t i = 0; i < form.operands.size(); ++i) {
    Indices read;
    for (std::size_t d = 0; d < form.operands[i].size(); ++d) {
      const char letter = form.operands[i][d];
      const bool isRepeated = builder.shape(i)[d] != form.extents.at(letter);
      read.push_back(isRepeated ? indexConstant(0) : indices.at(letter));
    }
    ValueExprPtr factor = stage.load(OperatorBuilder::input(i), read);
    value = value ? binary("*", std::move(value), std::move(factor)) : std::move(factor);
  }
  stage.store(out, std::move(value), isReduced ? Combiner::Sum : Combiner::None);
}

void outer(OperatorBuilder &builder) {
  if (builder.shape(0).size() != 1 || builder.shape(1).size() != 1)
    throw OperatorError("its operands must have one dimension");
  const Shape shape{builder.shape(0)[0], builder.shape(1)[0]};
  const TensorRef result = builder.output({shape, builder.type(0).elementType});
  Stage stage(builder, "outer", result);
  const Indices out = stage.spatial(shape);
  ValueExprPtr left = stage.load(OperatorBuilder::input(0), {out[0]});
  ValueExprPtr right = stage.load(OperatorBuilder::input(1), {out[1]});
  stage.store(out, binary("*", std::move(left), std::move(right)));
}

//===--- New tensors --------------------------------------------------------------------------===//

/// A new tensor whose elements are \p value of their indices.
template <typename Value>
void create(OperatorBuilder &builder, const TensorType &type, const Value &value) {
  const TensorRef result = builder.output(type);
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(type.shape);
  stage.store(out, value(stage, out));
}

Shape newShape(const OperatorBuilder &builder) {
  const auto shape = builder.integers("shape", 0);
  if (!shape)
    throw OperatorError("its shape is not known");
  return *shape;
}

/// `zeros` and `ones`, of a shape or like another tensor.
void fill(OperatorBuilder &builder) {
  const std::string_view name = builder.call().name;
  const bool isLike = name.ends_with("_like");
  TensorType type = isLike ? builder.type(0) : TensorType{newShape(builder), {}};
  type.elementType = builder.elementType("dtype", 1, type.elementType);
  create(builder, type, [&](Stage &, const Indices &) {
    return number(name.starts_with("ones") ? 1 : 0, type.elementType);
  });
}

/// `full(shape, value)` and `full_like(x, value)`; the value is a tensor of one element.
void full(OperatorBuilder &builder) {
  const bool isLike = builder.call().name == "full_like";
  const std::size_t value = isLike ? 1 : 0;
  TensorType type =
      isLike ? builder.type(0) : TensorType{newShape(builder), builder.type(value).elementType};
  type.elementType = builder.elementType("dtype", 2, type.elementType);
  create(builder, type, [&](Stage &stage, const Indices &) {
    const Indices first(builder.shape(value).size(), indexConstant(0));
    ValueExprPtr element = stage.load(OperatorBuilder::input(value), first);
    const bool isSame = builder.type(value).elementType == type.elementType;
    return isSame ? element : castTo(std::move(element), type.elementType);
  });
}

/// `arange(end)`, `arange(start, end)` and `arange(start, end, step)`, also with numbers with a
/// point and towards smaller ones.
struct Range {
  double start = 0, end = 0, step = 1;
  bool isWhole = true; ///< all three are whole numbers

  [[nodiscard]] std::int64_t length() const {
    constexpr double most = 1e15; // keeps whole numbers exact
    const double count = std::ceil((end - start) / step);
    if (!(count >= 1 && count <= most && std::abs(start) <= most && std::abs(step) <= most))
      throw OperatorError("its bounds make no sense");
    return static_cast<std::int64_t>(count);
  }
};

Range rangeOf(const OperatorBuilder &builder) {
  Range range;
  const auto bound = [&](std::string_view name, std::size_t position) -> std::optional<double> {
    const OperatorArgument *argument = builder.call().find(name, position);
    if (!argument || !argument->text.empty()) // the element type
      return std::nullopt;
    const bool isInteger = argument->integers && argument->integers->size() == 1;
    if (!isInteger && !argument->number)
      throw OperatorError("its bounds are no known numbers");
    range.isWhole = range.isWhole && isInteger;
    return isInteger ? static_cast<double>(argument->integers->front()) : *argument->number;
  };
  const auto first = bound("start", 0), second = bound("end", 1), step = bound("step", 2);
  if (!first && !second)
    throw OperatorError("its bounds make no sense");
  range.start = second ? first.value_or(0) : 0;
  range.end = second ? *second : *first;
  range.step = step.value_or(1);
  return range;
}

void arange(OperatorBuilder &builder) {
  const Range range = rangeOf(builder);
  const ElementType usual = range.isWhole ? ElementType{ElementType::Kind::Int, 64}
                                          : ElementType{ElementType::Kind::Float, 32};
  const ElementType type = builder.elementType("dtype", 3, usual);
  create(builder, {{range.length()}, type}, [&](Stage &, const Indices &out) {
    if (range.isWhole)
      return castTo(valueIndex(plus(times(out[0], static_cast<std::int64_t>(range.step)),
                                    static_cast<std::int64_t>(range.start))),
                    type);
    return binary("+", number(range.start, type),
                  binary("*", castTo(valueIndex(out[0]), type), number(range.step, type)));
  });
}

/// alpha − beta · cos(2π i / n), a tensor of constants.
void hammingWindow(OperatorBuilder &builder) {
  const auto size = builder.integer("window_size", 0);
  if (!size)
    throw OperatorError("its size is not known");
  const ElementType type =
      builder.elementType("dtype", 4, ElementType{ElementType::Kind::Float, 32});
  create(builder, {{*size}, type}, [&](Stage &, const Indices &out) {
    constexpr double alpha = 0.54, beta = 0.46, turn = 6.283185307179586;
    ValueExprPtr angle = binary("*", castTo(valueIndex(out[0]), type),
                                number(turn / static_cast<double>(*size), type));
    return binary("-", number(alpha, type),
                  binary("*", number(beta, type), unary("cos", std::move(angle))));
  });
}

/// `eye(n, m, k)` and `eye_like(x, k)`.
void eye(OperatorBuilder &builder) {
  const bool isLike = builder.call().name == "eye_like";
  if (isLike && builder.shape(0).size() != 2)
    throw OperatorError("its input needs two dimensions");
  const std::int64_t rows = isLike ? builder.shape(0)[0] : builder.integer("n", 0, 1);
  const std::int64_t columns = isLike ? builder.shape(0)[1] : builder.integer("m", 1, rows);
  const std::int64_t diagonal = builder.integer("k", isLike ? 1 : 2, 0);
  const ElementType type = builder.elementType("dtype", isLike ? 2 : 3,
                                               isLike ? builder.type(0).elementType
                                                      : ElementType{ElementType::Kind::Float, 32});
  create(builder, {{rows, columns}, type}, [&](Stage &, const Indices &out) {
    return select(binary("==", valueIndex(plus(out[0], diagonal)), valueIndex(out[1])),
                  number(1, type), number(0, type));
  });
}

/// `tril` and `triu`: what lies on one side of a diagonal, zeros elsewhere.
void triangle(OperatorBuilder &builder) {
  const TensorType type = builder.type(0);
  if (type.shape.size() < 2)
    throw OperatorError("its input needs two dimensions");
  const std::int64_t diagonal = builder.integer("k", 1, 0);
  const bool isUpper = builder.call().name == "triu";
  create(builder, type, [&](Stage &stage, const Indices &out) {
    ValueExprPtr row = valueIndex(plus(out[out.size() - 2], diagonal));
    ValueExprPtr column = valueIndex(out.back());
    ValueExprPtr isKept = isUpper ? binary("<=", std::move(row), std::move(column))
                                  : binary("<=", std::move(column), std::move(row));
    return select(std::move(isKept), stage.load(OperatorBuilder::input(0), out),
                  number(0, type.elementType));
  });
}

void meshgrid(OperatorBuilder &builder) {
  Shape shape;
  for (std::size_t i = 0; i < builder.call().tensors.size(); ++i) {
    if (builder.shape(i).size() != 1)
      throw OperatorError("its tensors must have one dimension");
    shape.push_back(builder.shape(i)[0]);
  }
  if (builder.text("indexing", 1) == "xy" && shape.size() > 1)
    throw OperatorError("the indexing 'xy'");
  for (std::size_t i = 0; i < shape.size(); ++i)
    create(builder, {shape, builder.type(i).elementType}, [&](Stage &stage, const Indices &out) {
      return stage.load(OperatorBuilder::input(i), {out[i]});
    });
  builder.returnTuple();
}

//===--- Copies -------------------------------------------------------------------------------===//

/// A tensor of \p shape whose elements are those of the first one at \p place of their indices.
template <typename Place>
void copy(OperatorBuilder &builder, const Shape &shape, const Place &place) {
  create(builder, {shape, builder.type(0).elementType}, [&](Stage &stage, const Indices &out) {
    return stage.load(OperatorBuilder::input(0), place(out));
  });
}

std::int64_t product(std::int64_t left, std::int64_t right) {
  const auto result = left > 0 && right > 0 ? checkedMul(left, right) : std::nullopt;
  if (!result)
    throw OperatorError("it repeats " + std::to_string(left) + " elements " +
                        std::to_string(right) + " times");
  return *result;
}

void repeat(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  const std::int64_t count = builder.integer("repeats", 1, 1);
  const auto given = builder.integer("axis", 2);
  if (!given) {
    copy(builder, {product(elementCount(from), count)},
         [&](const Indices &out) { return unflatten(quotient(out[0], count), from); });
    return;
  }
  const std::size_t axis = normalAxis(*given, from.size());
  Shape shape = from;
  shape[axis] = product(shape[axis], count);
  copy(builder, shape, [&](Indices out) {
    out[axis] = quotient(out[axis], count);
    return out;
  });
}

void tile(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  Shape repeats = builder.integers("repeats", 1).value_or(Shape{1});
  Shape shape = from;
  while (repeats.size() < shape.size())
    repeats.insert(repeats.begin(), 1);
  while (shape.size() < repeats.size())
    shape.insert(shape.begin(), 1);
  for (std::size_t d = 0; d < shape.size(); ++d)
    shape[d] = product(shape[d], repeats[d]);
  const std::size_t added = shape.size() - from.size();
  copy(builder, shape, [&](const Indices &out) {
    Indices read;
    for (std::size_t d = 0; d < from.size(); ++d)
      read.push_back(repeats[added + d] == 1 ? out[added + d] : remainder(out[added + d], from[d]));
    return read;
  });
}

void flip(OperatorBuilder &builder) {
  const Shape shape = builder.shape(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 1, 0), shape.size());
  copy(builder, shape, [&](Indices out) {
    out[axis] =
        indexBinary(IndexExpr::Kind::Sub, indexConstant(shape[axis] - 1), std::move(out[axis]));
    return out;
  });
}

void stack(OperatorBuilder &builder) {
  const TensorType first = builder.type(0);
  const std::size_t count = builder.call().tensors.size();
  const std::size_t axis = normalAxis(builder.integer("axis", 1, 0), first.shape.size() + 1);
  Shape shape = first.shape;
  shape.insert(shape.begin() + static_cast<Position>(axis), static_cast<std::int64_t>(count));
  create(builder, {shape, first.elementType}, [&](Stage &stage, const Indices &out) {
    Indices read = out;
    read.erase(read.begin() + static_cast<Position>(axis));
    ValueExprPtr value;
    for (std::size_t i = 0; i < count; ++i) {
      if (builder.type(i) != first)
        throw OperatorError("its tensors differ");
      ValueExprPtr element = stage.load(OperatorBuilder::input(i), read);
      value = value ? select(binary("<=", valueIndex(indexConstant(static_cast<std::int64_t>(i))),
                                    valueIndex(out[axis])),
                             std::move(element), std::move(value))
                    : std::move(element);
    }
    return value;
  });
}

/// (n, c·r², h, w) as (n, c, h·r, w·r).
void pixelShuffle(OperatorBuilder &builder) {
  const Shape from = builder.shape(0);
  const std::int64_t factor = builder.integer("upscale_factor", 1, 1);
  constexpr std::int64_t mostFactor = 1 << 15;
  if (from.size() < 3 || factor < 1 || factor > mostFactor ||
      from[from.size() - 3] % (factor * factor) != 0)
    throw OperatorError("its channels are no multiple of the square of its factor");
  const std::size_t channel = from.size() - 3, row = from.size() - 2, column = from.size() - 1;
  Shape shape = from;
  shape[channel] /= factor * factor;
  shape[row] = product(shape[row], factor);
  shape[column] = product(shape[column], factor);
  copy(builder, shape, [&](Indices out) {
    const IndexExprPtr below = remainder(out[row], factor), right = remainder(out[column], factor);
    out[channel] = plus(plus(times(out[channel], factor * factor), times(below, factor)), right);
    out[row] = quotient(out[row], factor);
    out[column] = quotient(out[column], factor);
    return out;
  });
}

//===--- Copies by index ----------------------------------------------------------------------===//

/// The index along one axis is read: as many results as there are indices.
void gatherElements(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const Shape shape = builder.shape(1);
  const std::size_t axis = normalAxis(builder.integer("axis", 2, 0), data.shape.size());
  if (shape.size() != data.shape.size())
    throw OperatorError("its tensors differ in the number of dimensions");
  create(builder, {shape, data.elementType}, [&](Stage &stage, const Indices &out) {
    Indices read = out;
    read[axis] = indexRead(stage.load(OperatorBuilder::input(1), out));
    return stage.load(OperatorBuilder::input(0), read);
  });
}

/// The last dimension of the indices holds a place in the first dimensions of the data.
void gatherNd(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const Shape places = builder.shape(1);
  const std::int64_t batches = builder.integer("batch_dims", 2, 0);
  const auto rank = static_cast<std::int64_t>(data.shape.size());
  const auto most = static_cast<std::int64_t>(places.size()) - 1;
  const std::int64_t depth = places.empty() ? 0 : places.back();
  if (places.empty() || batches < 0 || batches > most || depth < 1 || depth > rank - batches)
    throw OperatorError("its indices do not fit its input");
  Shape shape(places.begin(), places.end() - 1);
  shape.insert(shape.end(), data.shape.begin() + batches + depth, data.shape.end());
  create(builder, {shape, data.elementType}, [&](Stage &stage, const Indices &out) {
    const auto outerEnd = out.begin() + static_cast<Position>(places.size() - 1);
    Indices read(out.begin(), out.begin() + batches);
    for (std::int64_t i = 0; i < depth; ++i) {
      Indices place(out.begin(), outerEnd);
      place.push_back(indexConstant(i));
      read.push_back(indexRead(stage.load(OperatorBuilder::input(1), place)));
    }
    read.insert(read.end(), outerEnd, out.end());
    return stage.load(OperatorBuilder::input(0), read);
  });
}

/// x[i, j]: one tensor of indices for each of the first dimensions.
void indexTensor(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const std::size_t count = builder.call().tensors.size() - 1;
  if (count == 0 || count > data.shape.size())
    throw OperatorError("its indices do not fit its input");
  Shape places = builder.shape(1);
  for (std::size_t i = 1; i < count; ++i)
    places = broadcast(places, builder.shape(1 + i));
  Shape shape = places;
  shape.insert(shape.end(), data.shape.begin() + static_cast<Position>(count), data.shape.end());
  create(builder, {shape, data.elementType}, [&](Stage &stage, const Indices &out) {
    const auto end = out.begin() + static_cast<Position>(places.size());
    const Indices place(out.begin(), end);
    Indices read;
    for (std::size_t i = 0; i < count; ++i)
      read.push_back(indexRead(stage.load(OperatorBuilder::input(1 + i),
                                          broadcastIndices(place, builder.shape(1 + i)))));
    read.insert(read.end(), end, out.end());
    return stage.load(OperatorBuilder::input(0), read);
  });
}

//===--- What is no loop nest of this kind ----------------------------------------------------===//

/// `sort`, `cumsum`, `scatter_nd`: each result depends on many elements in ways that a loop nest of
/// the workload does not say. They move, compare, add up or multiply elements.
void unmodelled(OperatorBuilder &builder) {
  TensorType type = builder.type(0);
  const std::string_view name = builder.call().name;
  if (name == "cumsum" || name == "cumprod") {
    type.elementType = builder.elementType("dtype", 2, type.elementType);
    if (!builder.integer("axis", 1)) // of all elements, one behind the other
      type.shape = {elementCount(type.shape)};
  }
  opaqueStage(builder, {builder.output(type)}, "'R." + std::string(name) + "'", Products::None);
}

void argsort(OperatorBuilder &builder) {
  const TensorType type{builder.shape(0),
                        builder.elementType("dtype", 3, {ElementType::Kind::Int, 32})};
  opaqueStage(builder, {builder.output(type)}, "'R.argsort'", Products::None);
}

void topk(OperatorBuilder &builder) {
  TensorType type = builder.type(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 2, -1), type.shape.size());
  const std::int64_t count = builder.integer("k", 1, 1);
  if (count > type.shape[axis])
    throw OperatorError("it takes " + std::to_string(count) + " of " +
                        std::to_string(type.shape[axis]) + " elements");
  if (count >= 1)
    type.shape[axis] = count;
  const std::string_view given = builder.text("ret_type", 3);
  const std::string_view results = given.empty() ? "both" : given;
  std::vector<TensorRef> outputs;
  if (results != "indices")
    outputs.push_back(builder.output(type));
  type.elementType = builder.elementType("dtype", 5, {ElementType::Kind::Int, 32});
  if (results != "values")
    outputs.push_back(builder.output(type));
  opaqueStage(builder, outputs, "'R.topk'", Products::None);
  if (results == "both")
    builder.returnTuple();
}

struct DataOperator {
  std::string_view name;
  void (*build)(OperatorBuilder &);
};

constexpr auto dataOperators = std::to_array<DataOperator>({
    {"arange", arange},
    {"argsort", argsort},
    {"cumprod", unmodelled},
    {"cumsum", unmodelled},
    {"einsum", einsum},
    {"eye", eye},
    {"eye_like", eye},
    {"flip", flip},
    {"full", full},
    {"full_like", full},
    {"gather_elements", gatherElements},
    {"gather_nd", gatherNd},
    {"hamming_window", hammingWindow},
    {"index_tensor", indexTensor},
    {"linear", linear},
    {"meshgrid", meshgrid},
    {"nn.linear", linear},
    {"nn.pixel_shuffle", pixelShuffle},
    {"ones", fill},
    {"ones_like", fill},
    {"outer", outer},
    {"repeat", repeat},
    {"scatter_elements", unmodelled},
    {"scatter_nd", unmodelled},
    {"sort", unmodelled},
    {"stack", stack},
    {"tile", tile},
    {"topk", topk},
    {"tril", triangle},
    {"triu", triangle},
    {"zeros", fill},
    {"zeros_like", fill},
});

} // namespace

bool isDataOperator(std::string_view name) {
  return std::ranges::any_of(dataOperators,
                             [&](const DataOperator &entry) { return entry.name == name; });
}

bool buildDataOperator(OperatorBuilder &builder) {
  const auto *found = std::ranges::find(dataOperators, builder.call().name, &DataOperator::name);
  if (found == dataOperators.end())
    return false;
  found->build(builder);
  return true;
}

} // namespace acadlc::tir
