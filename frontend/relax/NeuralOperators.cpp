#include "frontend/relax/OperatorBuilder.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// The order of a tensor's dimensions: "NCHW", "OIHW", …. In a blocked layout, "NCHW4c", a
/// dimension is cut into blocks: its capital stands for the blocks, and the small letter, behind
/// the number of elements in a block, for the elements of one.
class Layout {
public:
  /// \p wanted are the capitals that it must have, in any order.
  Layout(std::string_view text, std::string_view wanted) : text_(text) {
    std::int64_t number = 0;
    for (const char c : text) {
      constexpr std::int64_t most = 1 << 20;
      if (c >= '0' && c <= '9' && number < most) {
        number = 10 * number + (c - '0');
        continue;
      }
      const bool isInner = c >= 'a' && c <= 'z';
      if (isInner != (number > 0))
        fail(wanted);
      dimensions_.push_back({isInner ? static_cast<char>(c - 'a' + 'A') : c, number});
      number = 0;
    }
    std::string outer, inner;
    for (const Dimension &dimension : dimensions_)
      (dimension.block > 0 ? inner : outer) += dimension.letter;
    std::string sortedWanted(wanted);
    std::ranges::sort(outer);
    std::ranges::sort(inner);
    std::ranges::sort(sortedWanted);
    if (number > 0 || outer != sortedWanted || !std::ranges::includes(sortedWanted, inner))
      fail(wanted);
  }
  /// The same of a tensor of \p shape.
  Layout(std::string_view text, std::string_view wanted, const Shape &shape)
      : Layout(text, wanted) {
    if (shape.size() != rank())
      throw OperatorError("a tensor of layout '" + text_ + "' has " + std::to_string(shape.size()) +
                          " dimensions");
    for (std::size_t d = 0; d < rank(); ++d)
      if (dimensions_[d].block > 0 && dimensions_[d].block != shape[d])
        throw OperatorError("a tensor of layout '" + text_ + "' has blocks of " +
                            std::to_string(shape[d]) + " elements");
  }
  [[nodiscard]] std::size_t rank() const { return dimensions_.size(); }
  [[nodiscard]] char letter(std::size_t dimension) const { return dimensions_[dimension].letter; }
  [[nodiscard]] bool isInner(std::size_t dimension) const {
    return dimensions_[dimension].block > 0;
  }
  [[nodiscard]] bool isBlocked() const {
    return std::ranges::any_of(dimensions_, [](const Dimension &each) { return each.block > 0; });
  }
  /// The dimension that \p letter is, or its blocks.
  [[nodiscard]] std::size_t of(char letter) const {
    std::size_t d = 0;
    while (dimensions_[d].letter != letter || dimensions_[d].block > 0)
      ++d;
    return d;
  }
  /// Elements in a block of \p letter; 1 if it is not cut.
  [[nodiscard]] std::int64_t block(char letter) const {
    for (const Dimension &dimension : dimensions_)
      if (dimension.letter == letter && dimension.block > 0)
        return dimension.block;
    return 1;
  }
  /// Elements along \p letter of a tensor of \p shape.
  [[nodiscard]] std::int64_t extent(const Shape &shape, char letter) const {
    const auto product = checkedMul(shape[of(letter)], block(letter));
    if (!product)
      throw OperatorError("a tensor of its is too large");
    return *product;
  }
  /// The shape of a tensor with \p extent of each letter.
  [[nodiscard]] Shape shapeOf(const std::function<std::int64_t(char)> &extent) const {
    Shape shape;
    for (const Dimension &dimension : dimensions_) {
      const std::int64_t size = block(dimension.letter), all = extent(dimension.letter);
      if (all % size != 0)
        throw OperatorError("the layout '" + text_ + "' cuts " + std::to_string(all) +
                            " elements into blocks of " + std::to_string(size));
      shape.push_back(dimension.block > 0 ? dimension.block : all / size);
    }
    return shape;
  }
  /// Sets the position of \p letter in \p indices to \p index.
  void place(Indices &indices, char letter, const IndexExprPtr &index) const {
    const std::int64_t size = block(letter);
    for (std::size_t d = 0; d < rank(); ++d)
      if (dimensions_[d].letter == letter)
        indices[d] = size == 1                  ? index
                     : dimensions_[d].block > 0 ? remainder(index, size)
                                                : quotient(index, size);
  }
  /// The position of \p letter among its elements, where \p indices are those of the tensor.
  [[nodiscard]] IndexExprPtr whole(const Indices &indices, char letter) const {
    IndexExprPtr index = indices[of(letter)];
    for (std::size_t d = 0; d < rank(); ++d)
      if (dimensions_[d].letter == letter && dimensions_[d].block > 0)
        index = plus(times(index, dimensions_[d].block), indices[d]);
    return index;
  }

private:
  struct Dimension {
    char letter = 0;
    std::int64_t block = 0; ///< 0: not the inside of blocks
  };

  [[noreturn]] void fail(std::string_view wanted) const {
    throw OperatorError("the layout '" + text_ + "' is no order of '" + std::string(wanted) + "'");
  }

  std::string text_;
  std::vector<Dimension> dimensions_;
};

constexpr std::size_t mostSpatial = 3;

/// The letters of \p count spatial dimensions.
std::string spatialLetters(std::size_t count) {
  return std::string("DHW").substr(mostSpatial - count);
}

std::string_view orElse(std::string_view text, std::string_view fallback) {
  return text.empty() || text == "None" ? fallback : text;
}

/// The number in "conv2d" and the like.
std::size_t spatialCount(std::string_view name) {
  const std::size_t digit = name.find_first_of("123");
  return static_cast<std::size_t>(name[digit] - '0');
}

/// What windows do in one dimension.
struct Window {
  std::int64_t input = 1, kernel = 1, stride = 1, dilation = 1;
  std::int64_t before = 0, after = 0; ///< padding

  [[nodiscard]] std::int64_t span() const { return dilation * (kernel - 1) + 1; }
  [[nodiscard]] std::int64_t outputs(bool roundUp) const {
    const std::int64_t room = input + before + after - span();
    if (room < 0)
      throw OperatorError("its window of " + std::to_string(span()) +
                          " elements is larger than the input of " +
                          std::to_string(input + before + after));
    return (room + (roundUp ? stride - 1 : 0)) / stride + 1;
  }
  [[nodiscard]] IndexExprPtr at(const IndexExprPtr &output, const IndexExprPtr &tap) const {
    return plus(times(output, stride), times(tap, dilation));
  }
};

/// Keeps products of the numbers of a window far from overflow.
void checkWindow(const Window &window) {
  constexpr std::int64_t most = std::int64_t{1} << 30;
  const auto isSane = [](std::int64_t value, std::int64_t low) {
    return value >= low && value <= most;
  };
  if (!isSane(window.kernel, 1) || !isSane(window.stride, 1) || !isSane(window.dilation, 1) ||
      !isSane(window.before, 0) || !isSane(window.after, 0) || !isSane(window.input, 1) ||
      !isSane(window.span(), 1))
    throw OperatorError("its window, strides, dilation or padding make no sense");
}

/// Where the attributes of a window stand if they have no keywords.
struct WindowPositions {
  std::size_t strides, padding, dilation;
};

/// The windows of an operator that slides over the spatial dimensions of its input.
std::vector<Window> readWindows(const OperatorBuilder &builder, const Shape &input,
                                const Layout &layout, const std::string &letters,
                                const Shape &kernel, const WindowPositions &positions) {
  const std::size_t count = letters.size();
  const Shape strides = builder.integers("strides", positions.strides, count, 1);
  const Shape dilation = builder.integers("dilation", positions.dilation, count, 1);
  Shape padding = builder.integers("padding", positions.padding).value_or(Shape{0});
  if (padding.size() == 1)
    padding.assign(2 * count, padding[0]);
  else if (padding.size() == count)
    padding.insert(padding.end(), padding.begin(), padding.end());
  if (padding.size() != 2 * count)
    throw OperatorError("'padding' has " + std::to_string(padding.size()) + " numbers");
  std::vector<Window> windows;
  for (std::size_t i = 0; i < count; ++i) {
    windows.push_back({layout.extent(input, letters[i]), kernel[i], strides[i], dilation[i],
                       padding[i], padding[count + i]});
    checkWindow(windows.back());
  }
  return windows;
}

struct PadAmount {
  std::int64_t before = 0, after = 0;
};

/// \p input with \p amounts of \p fill around it: itself if there is nothing to add.
TensorRef padded(OperatorBuilder &builder, TensorRef input, const std::vector<PadAmount> &amounts,
                 const ValueExprPtr &fill, const std::string &name) {
  const TensorType from = builder.typeOf(input);
  Shape shape = from.shape;
  bool isPadded = false;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    shape[d] += amounts[d].before + amounts[d].after;
    isPadded = isPadded || shape[d] != from.shape[d];
  }
  if (!isPadded)
    return input;
  const TensorRef local = builder.local(name, {shape, from.elementType});
  Stage stage(builder, name, local);
  const Indices indices = stage.spatial(shape);
  Indices inner;
  ValueExprPtr condition;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    inner.push_back(plus(indices[d], -amounts[d].before));
    if (shape[d] == from.shape[d])
      continue;
    ValueExprPtr inside =
        isWithin(indices[d], amounts[d].before, amounts[d].before + from.shape[d]);
    condition = condition ? binary("and", condition, inside) : inside;
  }
  stage.store(indices, select(condition, stage.load(input, inner), fill));
  return local;
}

/// \p tensor loaded and, if its type is another, cast to \p type.
ValueExprPtr loadAs(OperatorBuilder &builder, Stage &stage, TensorRef tensor, Indices indices,
                    ElementType type) {
  ValueExprPtr value = stage.load(tensor, std::move(indices));
  return builder.typeOf(tensor).elementType == type ? value : castTo(std::move(value), type);
}

/// The product of two elements of two tensors as type \p type.
struct Factor {
  TensorRef tensor;
  Indices indices;
};
ValueExprPtr product(OperatorBuilder &builder, Stage &stage, Factor left, Factor right,
                     ElementType type) {
  // In order: the loads count as they stand.
  ValueExprPtr first = loadAs(builder, stage, left.tensor, std::move(left.indices), type);
  ValueExprPtr second = loadAs(builder, stage, right.tensor, std::move(right.indices), type);
  return binary("*", std::move(first), std::move(second));
}

//===--- Convolutions -------------------------------------------------------------------------===//

/// What convolutions and transposed ones have in common.
struct ConvolutionForm {
  std::string letters;
  Layout data, kernel, result;
  std::int64_t groups;
  ElementType type;
};

/// \p groupsAt: the position of `groups`; the layouts and the type of the result follow it.
ConvolutionForm convolutionForm(const OperatorBuilder &builder, const std::string &kernelDefault,
                                std::size_t groupsAt) {
  const std::string letters = spatialLetters(spatialCount(builder.call().name));
  const std::string dataDefault = "NC" + letters;
  const std::string_view dataLetters =
      orElse(builder.text("data_layout", groupsAt + 1), dataDefault);
  const std::int64_t groups = builder.integer("groups", groupsAt, 1);
  if (groups < 1)
    throw OperatorError("it has " + std::to_string(groups) + " groups");
  return {letters,
          Layout(dataLetters, dataDefault, builder.shape(0)),
          Layout(orElse(builder.text("kernel_layout", groupsAt + 2), kernelDefault), kernelDefault,
                 builder.shape(1)),
          Layout(orElse(builder.text("out_layout", groupsAt + 3), dataLetters), dataDefault),
          groups,
          builder.elementType("out_dtype", groupsAt + 4, builder.type(0).elementType)};
}

/// Spatial dimensions in blocks have no plain windows.
void refuseSpatialBlocks(const ConvolutionForm &form) {
  for (const char letter : form.letters)
    if (form.data.block(letter) != 1 || form.kernel.block(letter) != 1 ||
        form.result.block(letter) != 1)
      throw OperatorError("a layout that cuts heights or widths into blocks");
}

void convolution(OperatorBuilder &builder) {
  const std::size_t count = spatialCount(builder.call().name);
  const ConvolutionForm form = convolutionForm(builder, "OI" + spatialLetters(count), 5);
  refuseSpatialBlocks(form);
  const Shape &data = builder.shape(0);
  const Shape &weights = builder.shape(1);
  const std::int64_t outputs = form.kernel.extent(weights, 'O');
  const std::int64_t depth = form.kernel.extent(weights, 'I');
  const std::int64_t channels = form.data.extent(data, 'C');
  if (channels % form.groups != 0 || channels / form.groups != depth || outputs % form.groups != 0)
    throw OperatorError("its weights of " + std::to_string(outputs) + " x " +
                        std::to_string(depth) + " channels do not fit an input of " +
                        std::to_string(channels) + " channels in " + std::to_string(form.groups) +
                        " groups");
  Shape kernel;
  for (const char letter : form.letters)
    kernel.push_back(weights[form.kernel.of(letter)]);
  constexpr WindowPositions positions{.strides = 2, .padding = 3, .dilation = 4};
  const std::vector<Window> windows =
      readWindows(builder, data, form.data, form.letters, kernel, positions);

  std::vector<PadAmount> amounts(data.size());
  for (std::size_t i = 0; i < count; ++i)
    amounts[form.data.of(form.letters[i])] = {windows[i].before, windows[i].after};
  const TensorRef source = padded(builder, OperatorBuilder::input(0), amounts,
                                  number(0, builder.type(0).elementType), "pad_temp");

  const Shape shape = form.result.shapeOf([&](char letter) {
    if (letter == 'N')
      return form.data.extent(data, 'N');
    return letter == 'C' ? outputs : windows[form.letters.find(letter)].outputs(false);
  });
  const TensorRef result = builder.output({shape, form.type});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(shape);
  const IndexExprPtr filter = form.result.whole(out, 'C');
  Indices read(form.data.rank()), weight(form.kernel.rank());
  form.data.place(read, 'N', form.result.whole(out, 'N'));
  form.kernel.place(weight, 'O', filter);
  for (std::size_t d = 0; d < form.data.rank(); ++d) {
    const char letter = form.data.letter(d);
    if (form.data.isInner(d) || letter == 'N')
      continue;
    if (letter == 'C') {
      const IndexExprPtr channel = stage.reduction(depth);
      const std::int64_t filters = outputs / form.groups; // of a group
      IndexExprPtr group = indexConstant(0);
      if (form.groups > 1)
        group = depth == 1 && filters == 1 ? filter : times(quotient(filter, filters), depth);
      form.data.place(read, 'C', plus(group, channel));
      form.kernel.place(weight, 'I', channel);
    } else {
      const std::size_t i = form.letters.find(letter);
      const IndexExprPtr tap = stage.reduction(windows[i].kernel);
      read[d] = windows[i].at(out[form.result.of(letter)], tap);
      weight[form.kernel.of(letter)] = tap;
    }
  }
  stage.store(
      out, product(builder, stage, {source, read}, {OperatorBuilder::input(1), weight}, form.type),
      Combiner::Sum);
}

/// As TVM computes it: the input with zeros between its elements and around it, then a plain
/// convolution with the flipped weights.
void transposedConvolution(OperatorBuilder &builder) {
  const std::size_t count = spatialCount(builder.call().name);
  const ConvolutionForm form = convolutionForm(builder, "IO" + spatialLetters(count), 6);
  if (form.data.isBlocked() || form.kernel.isBlocked() || form.result.isBlocked())
    throw OperatorError("a blocked layout of a transposed convolution");
  const Shape data = builder.shape(0);
  const Shape weights = builder.shape(1);
  const std::int64_t channels = data[form.data.of('C')];
  const std::int64_t filters = weights[form.kernel.of('O')]; // of a group
  if (weights[form.kernel.of('I')] != channels || channels % form.groups != 0)
    throw OperatorError("its weights do not fit an input of " + std::to_string(channels) +
                        " channels");
  const std::int64_t depth = channels / form.groups;
  Shape kernel;
  for (const char letter : form.letters)
    kernel.push_back(weights[form.kernel.of(letter)]);
  constexpr WindowPositions positions{.strides = 2, .padding = 3, .dilation = 5};
  const std::vector<Window> windows =
      readWindows(builder, data, form.data, form.letters, kernel, positions);
  const Shape extra = builder.integers("output_padding", 4, count, 0);
  const ElementType type = builder.type(0).elementType;

  // Zeros between the elements.
  Shape spread = data;
  std::vector<PadAmount> amounts(data.size());
  bool isSpread = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t d = form.data.of(form.letters[i]);
    const std::int64_t reach = windows[i].span() - 1;
    spread[d] = (data[d] - 1) * windows[i].stride + 1;
    isSpread = isSpread || windows[i].stride > 1;
    amounts[d] = {reach - windows[i].before, reach - windows[i].after};
    if (amounts[d].before < 0 || amounts[d].after < 0 || extra[i] < 0 ||
        extra[i] >= std::max(windows[i].stride, windows[i].dilation))
      throw OperatorError("its padding does not fit its window");
    amounts[d].after += extra[i];
  }
  TensorRef source = OperatorBuilder::input(0);
  if (isSpread) {
    const TensorRef local = builder.local("data_dilate", {spread, type});
    Stage stage(builder, "data_dilate", local);
    const Indices indices = stage.spatial(spread);
    Indices inner = indices;
    ValueExprPtr condition;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t d = form.data.of(form.letters[i]);
      if (windows[i].stride == 1)
        continue;
      inner[d] = quotient(indices[d], windows[i].stride);
      ValueExprPtr isElement = binary("==", valueIndex(remainder(indices[d], windows[i].stride)),
                                      valueIndex(indexConstant(0)));
      condition = condition ? binary("and", condition, isElement) : isElement;
    }
    stage.store(indices, select(condition, stage.load(source, inner), number(0, type)));
    source = local;
  }
  source = padded(builder, source, amounts, number(0, type), "data_pad");

  // The weights: [output of its group, channel, taps from the last to the first].
  Shape flipped{filters, channels};
  flipped.insert(flipped.end(), kernel.begin(), kernel.end());
  const ElementType weightType = builder.type(1).elementType;
  const TensorRef turned = builder.local("kernel_transform", {flipped, weightType});
  {
    Stage stage(builder, "kernel_transform", turned);
    const Indices indices = stage.spatial(flipped);
    Indices read(form.kernel.rank());
    read[form.kernel.of('O')] = indices[0];
    read[form.kernel.of('I')] = indices[1];
    for (std::size_t i = 0; i < count; ++i)
      read[form.kernel.of(form.letters[i])] =
          indexBinary(IndexExpr::Kind::Sub, indexConstant(kernel[i] - 1), indices[2 + i]);
    stage.store(indices, stage.load(OperatorBuilder::input(1), read));
  }

  Shape shape(form.result.rank());
  shape[form.result.of('N')] = data[form.data.of('N')];
  shape[form.result.of('C')] = filters * form.groups;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t d = form.data.of(form.letters[i]);
    shape[form.result.of(form.letters[i])] =
        spread[d] + amounts[d].before + amounts[d].after - windows[i].span() + 1;
  }
  const TensorRef result = builder.output({shape, form.type});
  Stage stage(builder, std::string(builder.call().name), result);
  const Indices out = stage.spatial(shape);
  const IndexExprPtr &filter = out[form.result.of('C')];
  const IndexExprPtr ownChannel = stage.reduction(depth);
  const bool isGrouped = form.groups > 1;
  const IndexExprPtr channel =
      isGrouped ? plus(times(quotient(filter, filters), depth), ownChannel) : ownChannel;
  Indices read(form.data.rank());
  Indices weight{isGrouped ? remainder(filter, filters) : filter, channel};
  read[form.data.of('N')] = out[form.result.of('N')];
  read[form.data.of('C')] = channel;
  for (std::size_t i = 0; i < count; ++i) {
    const IndexExprPtr tap = stage.reduction(kernel[i]);
    weight.push_back(tap);
    read[form.data.of(form.letters[i])] =
        plus(out[form.result.of(form.letters[i])], times(tap, windows[i].dilation));
  }
  stage.store(out, product(builder, stage, {source, read}, {turned, weight}, form.type),
              Combiner::Sum);
}

//===--- Products -----------------------------------------------------------------------------===//

void matrixProduct(OperatorBuilder &builder) {
  Shape left = builder.shape(0), right = builder.shape(1);
  if (left.empty() || right.empty())
    throw OperatorError("its operands must have dimensions");
  const bool leftIsVector = left.size() == 1, rightIsVector = right.size() == 1;
  const std::int64_t inner = left.back();
  const std::int64_t rows = leftIsVector ? 1 : left[left.size() - 2];
  const std::int64_t columns = rightIsVector ? 1 : right.back();
  const std::int64_t rightInner = rightIsVector ? right[0] : right[right.size() - 2];
  if (inner != rightInner)
    throw OperatorError("its operands, " + describe(builder.type(0)) + " and " +
                        describe(builder.type(1)) + ", differ in the extent that is summed over, " +
                        std::to_string(inner) + " and " + std::to_string(rightInner));
  left.resize(leftIsVector ? 0 : left.size() - 2);
  right.resize(rightIsVector ? 0 : right.size() - 2);
  const Shape batch = broadcast(left, right);
  Shape shape = batch;
  if (!leftIsVector)
    shape.push_back(rows);
  if (!rightIsVector)
    shape.push_back(columns);
  const ElementType type = builder.elementType("out_dtype", 2, builder.type(0).elementType);
  const TensorRef result = builder.output({shape, type});
  Stage stage(builder, "matmul", result);
  const Indices out = stage.spatial(shape);
  const IndexExprPtr k = stage.reduction(inner);
  const Indices outer(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(batch.size()));
  Indices first = broadcastIndices(outer, left), second = broadcastIndices(outer, right);
  if (!leftIsVector)
    first.push_back(out[batch.size()]);
  first.push_back(k);
  second.push_back(k);
  if (!rightIsVector)
    second.push_back(out.back());
  stage.store(out,
              product(builder, stage, {OperatorBuilder::input(0), first},
                      {OperatorBuilder::input(1), second}, type),
              Combiner::Sum);
}

//===--- Pools --------------------------------------------------------------------------------===//

/// The layout of a pool, which stands at \p position; that of the result follows it.
Layout poolLayout(const OperatorBuilder &builder, const std::string &letters,
                  std::size_t position) {
  const std::string fallback = "NC" + letters;
  const std::string_view layout = orElse(builder.text("layout", position), fallback);
  const std::string_view result = orElse(builder.text("out_layout", position + 1), layout);
  if (result != layout)
    throw OperatorError("a pool that also changes the layout");
  const Layout read(layout, fallback, builder.shape(0));
  for (const char letter : letters)
    if (read.block(letter) != 1)
      throw OperatorError("a layout that cuts heights or widths into blocks");
  return read;
}

/// Divides every element of \p sums into a new output.
void divideBy(OperatorBuilder &builder, TensorRef sums, const ValueExprPtr &count) {
  const TensorType type = builder.typeOf(sums);
  const TensorRef result = builder.output(type);
  Stage stage(builder, "average", result);
  const Indices indices = stage.spatial(type.shape);
  stage.store(indices, binary("/", stage.load(sums, indices), count));
}

void pool(OperatorBuilder &builder, bool isMax) {
  const std::string letters = spatialLetters(spatialCount(builder.call().name));
  const Layout layout = poolLayout(builder, letters, 7);
  const TensorType input = builder.type(0);
  const Shape kernel = builder.integers("pool_size", 1, letters.size(), 1);
  constexpr WindowPositions positions{.strides = 2, .padding = 3, .dilation = 4};
  std::vector<Window> windows =
      readWindows(builder, input.shape, layout, letters, kernel, positions);
  const bool roundUp = builder.flag("ceil_mode", 5);
  Shape shape = input.shape;
  std::vector<PadAmount> amounts(shape.size());
  std::int64_t taps = 1;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    Window &window = windows[i];
    const std::size_t d = layout.of(letters[i]);
    shape[d] = window.outputs(roundUp);
    // Windows that start inside may end behind the padding. TVM adds what the last one may need at
    // most.
    if (roundUp)
      window.after += window.stride - 1;
    amounts[d] = {window.before, window.after};
    taps *= window.kernel;
  }
  const ValueExprPtr start = isMax ? lowest(input.elementType) : number(0, input.elementType);
  const TensorRef source = padded(builder, OperatorBuilder::input(0), amounts, start, "pad_temp");
  const TensorType type{shape, input.elementType};
  const TensorRef result = isMax ? builder.output(type) : builder.local("pool_sum", type);
  Stage stage(builder, isMax ? "pool_max" : "pool_sum", result);
  const Indices out = stage.spatial(shape);
  Indices read = out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const std::size_t d = layout.of(letters[i]);
    read[d] = windows[i].at(out[d], stage.reduction(windows[i].kernel));
  }
  stage.store(out, stage.load(source, read), isMax ? Combiner::Max : Combiner::Sum);
  if (!isMax)
    divideBy(builder, result, number(static_cast<double>(taps), input.elementType));
}

/// Where the window of output i starts is floor(i · input / output), and it ends where the ceiling
/// of that for i + 1 is.
void adaptivePool(OperatorBuilder &builder, bool isMax) {
  const std::string letters = spatialLetters(spatialCount(builder.call().name));
  const Layout layout = poolLayout(builder, letters, 2);
  const TensorType input = builder.type(0);
  Shape shape = input.shape;
  std::vector<std::int64_t> wanted;
  if (const auto sizes = builder.integers("output_size", 1))
    wanted = builder.integers("output_size", 1, letters.size(), 1);
  else
    for (const char letter : letters)
      wanted.push_back(input.shape[layout.of(letter)]);
  for (std::size_t i = 0; i < letters.size(); ++i)
    shape[layout.of(letters[i])] = wanted[i];
  const TensorType type{shape, input.elementType};
  const TensorRef result = isMax ? builder.output(type) : builder.local("adaptive_pool_sum", type);
  Stage stage(builder, isMax ? "adaptive_pool_max" : "adaptive_pool_sum", result);
  const Indices out = stage.spatial(shape);
  Indices read = out;
  double taps = 1;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const std::size_t d = layout.of(letters[i]);
    const std::int64_t from = input.shape[d], to = wanted[i];
    constexpr std::int64_t most = 1'000'000;
    if (to < 1 || to > most || from > (std::int64_t{1} << 40))
      throw OperatorError("an adaptive pool to " + std::to_string(to) + " elements");
    std::int64_t largest = 0, sum = 0;
    for (std::int64_t o = 0; o < to; ++o) {
      const std::int64_t size = ((o + 1) * from + to - 1) / to - o * from / to;
      largest = std::max(largest, size);
      sum += size;
    }
    const IndexExprPtr tap = stage.varyingReduction(largest, sum, to);
    read[d] = from % to == 0 ? plus(times(out[d], from / to), tap)
                             : plus(quotient(times(out[d], from), to), tap);
    taps *= static_cast<double>(sum) / static_cast<double>(to);
  }
  stage.store(out, stage.load(OperatorBuilder::input(0), read),
              isMax ? Combiner::Max : Combiner::Sum);
  if (!isMax)
    divideBy(builder, result, number(taps, input.elementType));
}

//===--- Normalisation ------------------------------------------------------------------------===//

/// Sums over \p axes of \p input, one result for each combination of the other indices. \p group:
/// axis 1 is cut into groups of that many elements.
struct Normalisation {
  std::vector<bool> reduced; ///< by dimension
  std::size_t channelAxis = 0;
  std::int64_t groups = 0; ///< 0: none
};

/// The extents that are left, with the groups in the place of the channels.
Shape keptShape(const Shape &shape, const Normalisation &form) {
  Shape kept;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (form.groups > 0 && d == form.channelAxis)
      kept.push_back(form.groups);
    else if (!form.reduced[d])
      kept.push_back(shape[d]);
  }
  return kept;
}

Indices keptIndices(const Indices &indices, const Shape &shape, const Normalisation &form) {
  Indices kept;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (form.groups > 0 && d == form.channelAxis)
      kept.push_back(quotient(indices[d], shape[d] / form.groups));
    else if (!form.reduced[d])
      kept.push_back(indices[d]);
  }
  return kept;
}

/// A local with the sums of \p value(stage, indices, those that are kept), over what is reduced of
/// a tensor of type \p data.
template <typename Value>
TensorRef sumOf(OperatorBuilder &builder, const std::string &name, const TensorType &data,
                const Normalisation &form, const Value &value) {
  const Shape kept = keptShape(data.shape, form);
  const TensorRef sums = builder.local(name, {kept, data.elementType});
  Stage stage(builder, name, sums);
  const Indices outer = stage.spatial(kept);
  Indices read;
  std::size_t next = 0;
  for (std::size_t d = 0; d < data.shape.size(); ++d) {
    if (form.groups > 0 && d == form.channelAxis) {
      const std::int64_t size = data.shape[d] / form.groups;
      const IndexExprPtr group = outer[next++];
      read.push_back(plus(times(group, size), stage.reduction(size)));
    } else {
      read.push_back(form.reduced[d] ? stage.reduction(data.shape[d]) : outer[next++]);
    }
  }
  stage.store(outer, value(stage, read, outer), Combiner::Sum);
  return sums;
}

/// A local with Σ x or, if \p isSquared, Σ x².
TensorRef sumOver(OperatorBuilder &builder, const Normalisation &form, bool isSquared) {
  return sumOf(builder, isSquared ? "sum_of_squares" : "sum", builder.type(0), form,
               [&](Stage &stage, const Indices &read, const Indices &) {
                 ValueExprPtr value = stage.load(OperatorBuilder::input(0), read);
                 if (!isSquared)
                   return value;
                 ValueExprPtr again = stage.load(OperatorBuilder::input(0), read);
                 return binary("*", std::move(value), std::move(again));
               });
}

/// The elements of \p source in their order in \p result, a tensor of another shape.
TensorRef reshapedInto(OperatorBuilder &builder, TensorRef source, const std::string &name,
                       TensorRef result) {
  const Shape from = builder.typeOf(source).shape, shape = builder.typeOf(result).shape;
  Stage stage(builder, name, result);
  const Indices out = stage.spatial(shape);
  stage.store(out, stage.load(source, unflatten(flatIndex(out, shape), from)));
  return result;
}

/// Stores \p value of every channel in \p result.
template <typename Value>
void storeByChannel(OperatorBuilder &builder, const std::string &name, TensorRef result,
                    const Value &value) {
  Stage stage(builder, name, result);
  const Indices channel = stage.spatial(builder.typeOf(result).shape);
  stage.store(channel, value(stage, channel));
}

/// Where a tensor of \p shape, the channels with or without dimensions of 1 around them, has the
/// channel of \p indices.
Indices channelOf(const Indices &indices, std::size_t axis, const Shape &shape) {
  if (shape.size() == 1)
    return {indices[axis]};
  Indices own(shape.size(), indexConstant(0));
  own[axis] = indices[axis];
  return own;
}

/// The means and variances that a batch norm subtracts and divides by.
struct ChannelStatistics {
  TensorRef mean, variance;
};

/// \p sums / \p count.
TensorRef averageOf(OperatorBuilder &builder, TensorRef sums, double count,
                    const std::string &name) {
  const TensorType type = builder.typeOf(sums);
  const TensorRef result = builder.local(name, type);
  storeByChannel(builder, name, result, [&](Stage &stage, const Indices &channel) {
    return binary("/", stage.load(sums, channel), number(count, type.elementType));
  });
  return result;
}

/// Statistics of the first tensor, and the same with dimensions of 1 around the channels.
struct BatchStatistics {
  ChannelStatistics plain, spread;
};

/// Σ x / n and Σ (x − mean)² / n.
BatchStatistics batchStatistics(OperatorBuilder &builder, std::size_t axis) {
  const TensorType data = builder.type(0);
  const std::size_t rank = data.shape.size();
  const std::int64_t channels = data.shape[axis];
  const auto count = static_cast<double>(elementCount(data.shape) / channels);
  Shape around(rank, 1);
  around[axis] = channels;
  const auto spread = [&](TensorRef source, const std::string &name) {
    return reshapedInto(builder, source, name, builder.local(name, {around, data.elementType}));
  };
  Normalisation form{std::vector<bool>(rank, true), 0, 0};
  form.reduced[axis] = false;
  BatchStatistics result;
  result.plain.mean = averageOf(builder, sumOver(builder, form, false), count, "mean");
  result.spread.mean = spread(result.plain.mean, "mean_spread");
  const TensorRef squares = builder.local("squares", {{channels}, data.elementType});
  {
    Stage stage(builder, "squares", squares);
    const Indices channel = stage.spatial(Shape{channels});
    Indices read;
    for (std::size_t d = 0; d < rank; ++d)
      read.push_back(d == axis ? channel[0] : stage.reduction(data.shape[d]));
    ValueExprPtr element = stage.load(OperatorBuilder::input(0), read);
    const ValueExprPtr distance = binary(
        "-", std::move(element), stage.load(result.spread.mean, channelOf(read, axis, around)));
    stage.store(channel, binary("*", distance, distance), Combiner::Sum);
  }
  result.plain.variance = averageOf(builder, squares, count, "variance");
  result.spread.variance = spread(result.plain.variance, "variance_spread");
  return result;
}

/// The output (1 − momentum) · \p old + momentum · \p fresh, with a stage for each operation.
void movingAverage(OperatorBuilder &builder, std::size_t old, TensorRef fresh) {
  constexpr double usual = 0.1;
  const double momentum = builder.real("momentum", 9, usual);
  const TensorType type = builder.type(old);
  const auto scaled = [&](TensorRef source, const std::string &name, double factor) {
    const TensorRef result = builder.local(name, type);
    storeByChannel(builder, name, result, [&](Stage &stage, const Indices &channel) {
      return binary("*", number(factor, type.elementType), stage.load(source, channel));
    });
    return result;
  };
  const TensorRef kept = scaled(OperatorBuilder::input(old), "kept", 1 - momentum);
  const TensorRef added = scaled(fresh, "added", momentum);
  storeByChannel(builder, "moving", builder.output(type),
                 [&](Stage &stage, const Indices &channel) {
                   ValueExprPtr left = stage.load(kept, channel);
                   return binary("+", std::move(left), stage.load(added, channel));
                 });
}

void batchNorm(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 5, 1), data.shape.size());
  const Shape channels{data.shape[axis]};
  for (std::size_t i = 1; i <= 4; ++i)
    if (builder.shape(i) != channels)
      throw OperatorError("its tensor " + std::to_string(i) + " does not have one value a channel");
  constexpr std::size_t gamma = 1, beta = 2, mean = 3, variance = 4;
  const ElementType type = data.elementType;
  const bool isTraining = builder.flag("training", 10);
  BatchStatistics fresh;
  ChannelStatistics used{OperatorBuilder::input(mean), OperatorBuilder::input(variance)};
  if (isTraining) {
    fresh = batchStatistics(builder, axis);
    used = fresh.spread;
  }
  const TensorRef root = builder.local("root", {builder.typeOf(used.variance).shape, type});
  storeByChannel(builder, "root", root, [&](Stage &stage, const Indices &channel) {
    constexpr double epsilon = 1e-5; // any: values do not matter
    return unary("sqrt", binary("+", stage.load(used.variance, channel), number(epsilon, type)));
  });
  // The chain that DecomposeOpsForInference makes.
  struct Step {
    const char *name;
    std::string_view op;
    TensorRef operand;
    bool isThere;
  };
  std::vector<Step> steps{
      {"subtract", "-", used.mean, true},
      {"divide", "/", root, true},
      {"multiply", "*", OperatorBuilder::input(gamma), builder.flag("scale", 8, true)},
      {"add", "+", OperatorBuilder::input(beta), builder.flag("center", 7, true)}};
  std::erase_if(steps, [](const Step &step) { return !step.isThere; });
  TensorRef last = OperatorBuilder::input(0);
  for (const Step &step : steps) {
    const bool isEnd = &step == &steps.back();
    const TensorRef next = isEnd ? builder.output(data) : builder.local(step.name, data);
    Stage stage(builder, step.name, next);
    const Indices indices = stage.spatial(data.shape);
    ValueExprPtr left = stage.load(last, indices);
    ValueExprPtr right =
        stage.load(step.operand, channelOf(indices, axis, builder.typeOf(step.operand).shape));
    stage.store(indices, binary(step.op, std::move(left), std::move(right)));
    last = next;
  }
  if (isTraining) {
    movingAverage(builder, mean, fresh.plain.mean);
    movingAverage(builder, variance, fresh.plain.variance);
  } else {
    builder.passOn(mean);
    builder.passOn(variance);
  }
  builder.returnTuple();
}

constexpr double normEpsilon = 1e-5; // any: values do not matter

/// How many elements each statistic is of.
double countOf(const Shape &shape, const Normalisation &form) {
  double count = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (form.groups > 0 && d == form.channelAxis)
      count *= static_cast<double>(shape[d] / form.groups);
    else if (form.reduced[d])
      count *= static_cast<double>(shape[d]);
  }
  return count;
}

/// Where tensor \p position, a γ or β, has the element for \p indices: it has the axes that are
/// normalised over, or one value a channel.
Indices ownIndices(const OperatorBuilder &builder, const Normalisation &form,
                   const Indices &indices, std::size_t position) {
  Indices own;
  for (std::size_t d = 0; d < indices.size(); ++d)
    if (form.groups > 0 ? d == form.channelAxis : form.reduced[d])
      own.push_back(indices[d]);
  if (own.size() != builder.shape(position).size())
    throw OperatorError("its tensor " + std::to_string(position) +
                        " has another number of dimensions");
  return own;
}

/// \p value · γ + β, as far as they are there.
ValueExprPtr scaledAndShifted(OperatorBuilder &builder, Stage &stage, const Normalisation &form,
                              const Indices &indices, ValueExprPtr value) {
  for (std::size_t i = 1; i < builder.call().tensors.size(); ++i)
    value = binary(i == 1 ? "*" : "+", std::move(value),
                   stage.load(OperatorBuilder::input(i), ownIndices(builder, form, indices, i)));
  return value;
}

/// (x − mean) · rsqrt(variance + ε) · γ + β, the variance from Σ x² and the mean.
void groupNorm(OperatorBuilder &builder, const Normalisation &form) {
  const TensorType data = builder.type(0);
  const ValueExprPtr divisor = number(countOf(data.shape, form), data.elementType);
  const TensorRef sums = sumOver(builder, form, false);
  const TensorRef squares = sumOver(builder, form, true);
  Stage stage(builder, "normalise", builder.output(data));
  const Indices indices = stage.spatial(data.shape);
  const Indices outer = keptIndices(indices, data.shape, form);
  ValueExprPtr value = stage.load(OperatorBuilder::input(0), indices);
  ValueExprPtr spread = binary("/", stage.load(squares, outer), divisor);
  const ValueExprPtr mean = binary("/", stage.load(sums, outer), divisor);
  value = binary("-", std::move(value), mean);
  spread = binary("-", std::move(spread), binary("*", mean, mean));
  value =
      binary("*", std::move(value),
             unary("rsqrt", binary("+", std::move(spread), number(normEpsilon, data.elementType))));
  stage.store(indices, scaledAndShifted(builder, stage, form, indices, std::move(value)));
}

/// (x − mean) · rsqrt(variance + ε) · γ + β, the variance from Σ (x − mean)².
void layerNorm(OperatorBuilder &builder, const Normalisation &form) {
  const TensorType data = builder.type(0);
  const TensorRef source = OperatorBuilder::input(0);
  const double count = countOf(data.shape, form);
  const TensorRef mean = averageOf(builder, sumOver(builder, form, false), count, "mean");
  const TensorRef squares = sumOf(builder, "sum_of_squares", data, form,
                                  [&](Stage &stage, const Indices &read, const Indices &outer) {
                                    ValueExprPtr element = stage.load(source, read);
                                    const ValueExprPtr distance =
                                        binary("-", std::move(element), stage.load(mean, outer));
                                    return binary("*", distance, distance);
                                  });
  Stage stage(builder, "normalise", builder.output(data));
  const Indices indices = stage.spatial(data.shape);
  const Indices outer = keptIndices(indices, data.shape, form);
  ValueExprPtr element = stage.load(source, indices);
  ValueExprPtr value = binary("-", std::move(element), stage.load(mean, outer));
  ValueExprPtr variance = binary("/", stage.load(squares, outer), number(count, data.elementType));
  value = binary(
      "*", std::move(value),
      unary("rsqrt", binary("+", std::move(variance), number(normEpsilon, data.elementType))));
  stage.store(indices, scaledAndShifted(builder, stage, form, indices, std::move(value)));
}

/// \p source in elements of \p type, as a new local or, if \p isEnd, as the output. TVM writes the
/// stage also where nothing changes.
TensorRef castCopy(OperatorBuilder &builder, TensorRef source, const std::string &name,
                   ElementType type, bool isEnd) {
  const TensorType from = builder.typeOf(source);
  const TensorType to{from.shape, type};
  const TensorRef result = isEnd ? builder.output(to) : builder.local(name, to);
  Stage stage(builder, name, result);
  const Indices indices = stage.spatial(from.shape);
  ValueExprPtr element = stage.load(source, indices);
  stage.store(indices,
              from.elementType == type ? std::move(element) : castTo(std::move(element), type));
  return result;
}

/// rsqrt(Σ x² / n + ε) · x · γ in float32, with a stage for each step, as TVM computes it.
void rmsNorm(OperatorBuilder &builder, const Normalisation &form) {
  constexpr ElementType wide{ElementType::Kind::Float, 32};
  const TensorType data = builder.type(0);
  const TensorType inner{data.shape, wide};
  const TensorRef source = castCopy(builder, OperatorBuilder::input(0), "cast", wide, false);
  const TensorRef squares = builder.local("squares", inner);
  {
    Stage stage(builder, "squares", squares);
    const Indices indices = stage.spatial(data.shape);
    ValueExprPtr left = stage.load(source, indices);
    stage.store(indices, binary("*", std::move(left), stage.load(source, indices)));
  }
  const TensorRef sums = sumOf(builder, "sum_of_squares", inner, form,
                               [&](Stage &stage, const Indices &read, const Indices &) {
                                 return stage.load(squares, read);
                               });
  const TensorRef root = builder.local("rsqrt", builder.typeOf(sums));
  storeByChannel(builder, "rsqrt", root, [&](Stage &stage, const Indices &outer) {
    ValueExprPtr mean =
        binary("/", stage.load(sums, outer), number(countOf(data.shape, form), wide));
    return unary("rsqrt", binary("+", std::move(mean), number(normEpsilon, wide)));
  });
  const bool isScaled = builder.call().tensors.size() > 1;
  const TensorRef weights =
      isScaled ? castCopy(builder, OperatorBuilder::input(1), "weights", wide, false) : TensorRef{};
  const TensorRef result = builder.local("rms_norm", inner);
  {
    Stage stage(builder, "rms_norm", result);
    const Indices indices = stage.spatial(data.shape);
    ValueExprPtr factor = stage.load(root, keptIndices(indices, data.shape, form));
    ValueExprPtr value = binary("*", std::move(factor), stage.load(source, indices));
    if (isScaled)
      value =
          binary("*", std::move(value), stage.load(weights, ownIndices(builder, form, indices, 1)));
    stage.store(indices, std::move(value));
  }
  castCopy(builder, result, "cast_back", data.elementType, true);
}

void normalisation(OperatorBuilder &builder) {
  const std::string_view name = builder.call().name;
  const std::size_t rank = builder.shape(0).size();
  const bool hasGroups = name == "nn.group_norm";
  const bool hasChannels = hasGroups || name == "nn.instance_norm";
  // Behind the tensors: the number of groups, the axis of the channels, the axes.
  const std::size_t first = name == "nn.rms_norm" ? 2 : 3;
  const std::size_t axesAt = first + (hasGroups ? 1 : 0) + (hasChannels ? 1 : 0);
  Normalisation form;
  form.reduced.assign(rank, false);
  for (const std::int64_t axis : builder.integers("axes", axesAt).value_or(Shape{-1}))
    form.reduced[normalAxis(axis, rank)] = true;
  if (hasChannels) {
    form.channelAxis = normalAxis(builder.integer("channel_axis", axesAt - 1, 1), rank);
    const std::int64_t channels = builder.shape(0)[form.channelAxis];
    form.groups = hasGroups ? builder.integer("num_groups", first, 1) : channels;
    if (form.groups < 1 || channels % form.groups != 0)
      throw OperatorError(std::to_string(channels) + " channels are no multiple of its groups");
  }
  if (name == "nn.rms_norm")
    rmsNorm(builder, form);
  else if (form.groups > 0)
    groupNorm(builder, form);
  else
    layerNorm(builder, form);
}

//===--- Softmax and attention ----------------------------------------------------------------===//

/// A reduction of \p source along \p axis into a new local.
TensorRef
reduceAlong(OperatorBuilder &builder, TensorRef source, std::size_t axis, const std::string &name,
            Combiner combiner,
            const std::function<ValueExprPtr(Stage &, const Indices &, const Indices &)> &value) {
  const TensorType type = builder.typeOf(source);
  Shape kept = type.shape;
  kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(axis));
  const TensorRef result = builder.local(name, {kept, type.elementType});
  Stage stage(builder, name, result);
  const Indices outer = stage.spatial(kept);
  Indices full = outer;
  full.insert(full.begin() + static_cast<std::ptrdiff_t>(axis), stage.reduction(type.shape[axis]));
  stage.store(outer, value(stage, full, outer), combiner);
  return result;
}

Indices without(Indices indices, std::size_t axis) {
  indices.erase(indices.begin() + static_cast<std::ptrdiff_t>(axis));
  return indices;
}

/// The stages of a softmax of \p source into \p result.
void softmaxInto(OperatorBuilder &builder, TensorRef source, std::size_t axis, TensorRef result) {
  const TensorType type = builder.typeOf(source);
  const auto plain = [](TensorRef tensor) {
    return [tensor](Stage &stage, const Indices &full, const Indices &) {
      return stage.load(tensor, full);
    };
  };
  const TensorRef largest =
      reduceAlong(builder, source, axis, "largest", Combiner::Max, plain(source));
  const TensorRef powers = builder.local("powers", type);
  {
    Stage stage(builder, "powers", powers);
    const Indices indices = stage.spatial(type.shape);
    ValueExprPtr left = stage.load(source, indices);
    stage.store(indices, unary("exp", binary("-", std::move(left),
                                             stage.load(largest, without(indices, axis)))));
  }
  const TensorRef sum = reduceAlong(builder, powers, axis, "sum", Combiner::Sum, plain(powers));
  Stage stage(builder, "softmax", result);
  const Indices indices = stage.spatial(type.shape);
  ValueExprPtr left = stage.load(powers, indices);
  stage.store(indices, binary("/", std::move(left), stage.load(sum, without(indices, axis))));
}

void softmax(OperatorBuilder &builder) {
  const TensorType type = builder.type(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 1, -1), type.shape.size());
  softmaxInto(builder, OperatorBuilder::input(0), axis, builder.output(type));
}

void logSoftmax(OperatorBuilder &builder) {
  const TensorType type = builder.type(0);
  const TensorRef source = OperatorBuilder::input(0);
  const std::size_t axis = normalAxis(builder.integer("axis", 1, -1), type.shape.size());
  const TensorRef largest = reduceAlong(
      builder, source, axis, "largest", Combiner::Max,
      [&](Stage &stage, const Indices &full, const Indices &) { return stage.load(source, full); });
  const TensorRef sum =
      reduceAlong(builder, source, axis, "sum", Combiner::Sum,
                  [&](Stage &stage, const Indices &full, const Indices &outer) {
                    ValueExprPtr left = stage.load(source, full);
                    return unary("exp", binary("-", std::move(left), stage.load(largest, outer)));
                  });
  const TensorRef result = builder.output(type);
  Stage stage(builder, "log_softmax", result);
  const Indices indices = stage.spatial(type.shape);
  const Indices outer = without(indices, axis);
  ValueExprPtr left = stage.load(source, indices);
  ValueExprPtr middle = stage.load(largest, outer);
  stage.store(indices, binary("-", binary("-", std::move(left), std::move(middle)),
                              unary("log", stage.load(sum, outer))));
}

/// \p source with its dimensions in \p order, as a new local.
TensorRef transposed(OperatorBuilder &builder, TensorRef source, const std::string &name,
                     const std::vector<std::size_t> &order) {
  const TensorType from = builder.typeOf(source);
  Shape shape;
  for (const std::size_t d : order)
    shape.push_back(from.shape[d]);
  const TensorRef result = builder.local(name, {shape, from.elementType});
  Stage stage(builder, name, result);
  const Indices out = stage.spatial(shape);
  Indices read(order.size());
  for (std::size_t d = 0; d < order.size(); ++d)
    read[order[d]] = out[d];
  stage.store(out, stage.load(source, read));
  return result;
}

/// The extents of an attention: tensors (batch, position, head, element), where several heads of
/// the query may share one of the key and value.
struct AttentionForm {
  std::int64_t batches = 0, heads = 0, sharedHeads = 0, queries = 0, keys = 0;
  std::int64_t depth = 0, width = 0; ///< elements of a key and of a value
  ElementType type;
};

AttentionForm attentionForm(const OperatorBuilder &builder) {
  constexpr std::size_t rank = 4;
  const Shape &q = builder.shape(0), &k = builder.shape(1), &v = builder.shape(2);
  if (q.size() != rank || k.size() != rank || v.size() != rank || q[0] != k[0] || q[0] != v[0] ||
      k[2] != v[2] || q[2] % k[2] != 0 || q[3] != k[3] || k[1] != v[1])
    throw OperatorError("its query, key and value do not fit one another");
  return {q[0], q[2], k[2], q[1], k[1], q[3], v[3], builder.type(0).elementType};
}

/// Input \p input, (batch, position, head, element), as (batch and head, position, element).
TensorRef byHead(OperatorBuilder &builder, std::size_t input, const std::string &name) {
  const TensorRef moved =
      transposed(builder, OperatorBuilder::input(input), name + "_by_head", {0, 2, 1, 3});
  const TensorType type = builder.typeOf(moved);
  const Shape shape{elementCount({type.shape[0], type.shape[1]}), type.shape[2], type.shape[3]};
  return reshapedInto(builder, moved, name, builder.local(name, {shape, type.elementType}));
}

/// The batch and head of the key and value for \p query, those of the query.
IndexExprPtr sharedHead(const IndexExprPtr &query, const AttentionForm &form) {
  if (form.sharedHeads == form.heads)
    return query;
  const IndexExprPtr batch = quotient(query, form.heads), head = remainder(query, form.heads);
  return plus(times(batch, form.sharedHeads), quotient(head, form.heads / form.sharedHeads));
}

/// \p scores + bias. The bias has (batch, head, query, key), or it has no heads, or neither heads
/// nor queries.
TensorRef withBias(OperatorBuilder &builder, TensorRef scores, const AttentionForm &form) {
  const Shape bias = builder.shape(3);
  const Shape parts{form.batches, form.heads, form.queries, form.keys};
  std::vector<std::size_t> dimensions{0, 1, 2, 3};
  if (bias.size() == 3)
    dimensions = {0, 2, 3};
  else if (bias.size() == 2)
    dimensions = {0, 3};
  bool fits = bias.size() == dimensions.size();
  for (std::size_t d = 0; fits && d < bias.size(); ++d)
    fits = bias[d] == 1 || bias[d] == parts[dimensions[d]];
  if (!fits)
    throw OperatorError("its bias does not fit its scores");
  const TensorRef apart = reshapedInto(builder, scores, "scores_apart",
                                       builder.local("scores_apart", {parts, form.type}));
  const TensorRef sums = builder.local("biased", {parts, form.type});
  {
    Stage stage(builder, "biased", sums);
    const Indices out = stage.spatial(parts);
    Indices read;
    for (std::size_t d = 0; d < bias.size(); ++d)
      read.push_back(bias[d] == 1 ? indexConstant(0) : out[dimensions[d]]);
    ValueExprPtr left = stage.load(apart, out);
    stage.store(out, binary("+", std::move(left), stage.load(OperatorBuilder::input(3), read)));
  }
  const Shape together = builder.typeOf(scores).shape;
  return reshapedInto(builder, sums, "biased_scores",
                      builder.local("biased_scores", {together, form.type}));
}

/// \p scores with the lowest number where a query may not see a key.
TensorRef masked(OperatorBuilder &builder, TensorRef scores, std::string_view mask,
                 const AttentionForm &form) {
  const TensorType type = builder.typeOf(scores);
  const TensorRef result = builder.local("masked", type);
  Stage stage(builder, "masked", result);
  const Indices i = stage.spatial(type.shape);
  // The last query sees the last key or, "TopLeft", the first one sees the first alone.
  const std::int64_t ahead = mask == "TopLeft" ? 0 : form.keys - form.queries;
  stage.store(i, select(binary("<=", valueIndex(i[2]), valueIndex(plus(i[1], ahead))),
                        stage.load(scores, i), lowest(form.type)));
  return result;
}

/// softmax(q · kᵀ · scale + bias) · v, with the heads moved to the batches and back.
void attention(OperatorBuilder &builder) {
  const AttentionForm form = attentionForm(builder);
  const std::int64_t all = elementCount({form.batches, form.heads});
  const Shape scores{all, form.queries, form.keys};
  const TensorRef query = byHead(builder, 0, "query"), key = byHead(builder, 1, "key");
  const TensorRef products = builder.local("products", {scores, form.type});
  {
    Stage stage(builder, "products", products);
    const Indices i = stage.spatial(scores);
    const IndexExprPtr e = stage.reduction(form.depth);
    ValueExprPtr left = stage.load(query, {i[0], i[1], e});
    ValueExprPtr right = stage.load(key, {sharedHead(i[0], form), i[2], e});
    stage.store(i, binary("*", std::move(left), std::move(right)), Combiner::Sum);
  }
  const bool isScaled = builder.call().find("scale", 4) != nullptr;
  const ValueExprPtr scale =
      number(isScaled ? builder.real("scale", 4, 1) : std::sqrt(static_cast<double>(form.depth)),
             form.type);
  TensorRef logits = builder.local("scores", {scores, form.type});
  {
    Stage stage(builder, "scores", logits);
    const Indices i = stage.spatial(scores);
    stage.store(i, binary(isScaled ? "*" : "/", stage.load(products, i), scale));
  }
  if (builder.call().tensors.size() > 3)
    logits = withBias(builder, logits, form);
  if (const std::string_view mask = builder.text("causal_mask", 5); !mask.empty())
    logits = masked(builder, logits, mask, form);
  const TensorRef weights = builder.local("weights", {scores, form.type});
  softmaxInto(builder, logits, 2, weights);
  const TensorRef value = byHead(builder, 2, "value");
  const Shape mixed{all, form.queries, form.width};
  const TensorRef sums = builder.local("mixed", {mixed, form.type});
  {
    Stage stage(builder, "mixed", sums);
    const Indices i = stage.spatial(mixed);
    const IndexExprPtr t = stage.reduction(form.keys);
    ValueExprPtr left = stage.load(weights, {i[0], i[1], t});
    ValueExprPtr right = stage.load(value, {sharedHead(i[0], form), t, i[2]});
    stage.store(i, binary("*", std::move(left), std::move(right)), Combiner::Sum);
  }
  const Shape parts{form.batches, form.heads, form.queries, form.width};
  const TensorRef apart =
      reshapedInto(builder, sums, "apart", builder.local("apart", {parts, form.type}));
  const Shape shape{form.batches, form.queries, form.heads, form.width};
  const TensorRef result = builder.output({shape, form.type});
  Stage stage(builder, "attention", result);
  const Indices out = stage.spatial(shape);
  stage.store(out, stage.load(apart, {out[0], out[2], out[1], out[3]}));
}

struct NeuralOperator {
  std::string_view name;
  void (*build)(OperatorBuilder &);
};

void maxPool(OperatorBuilder &builder) { pool(builder, true); }
void averagePool(OperatorBuilder &builder) { pool(builder, false); }
void adaptiveMaxPool(OperatorBuilder &builder) { adaptivePool(builder, true); }
void adaptiveAveragePool(OperatorBuilder &builder) { adaptivePool(builder, false); }

constexpr auto neuralOperators = std::to_array<NeuralOperator>({
    {"nn.conv1d", convolution},
    {"nn.conv2d", convolution},
    {"nn.conv3d", convolution},
    {"nn.conv1d_transpose", transposedConvolution},
    {"nn.conv2d_transpose", transposedConvolution},
    {"nn.conv3d_transpose", transposedConvolution},
    {"matmul", matrixProduct},
    {"nn.max_pool1d", maxPool},
    {"nn.max_pool2d", maxPool},
    {"nn.max_pool3d", maxPool},
    {"nn.avg_pool1d", averagePool},
    {"nn.avg_pool2d", averagePool},
    {"nn.avg_pool3d", averagePool},
    {"nn.adaptive_max_pool1d", adaptiveMaxPool},
    {"nn.adaptive_max_pool2d", adaptiveMaxPool},
    {"nn.adaptive_max_pool3d", adaptiveMaxPool},
    {"nn.adaptive_avg_pool1d", adaptiveAveragePool},
    {"nn.adaptive_avg_pool2d", adaptiveAveragePool},
    {"nn.adaptive_avg_pool3d", adaptiveAveragePool},
    {"nn.batch_norm", batchNorm},
    {"nn.layer_norm", normalisation},
    {"nn.rms_norm", normalisation},
    {"nn.group_norm", normalisation},
    {"nn.instance_norm", normalisation},
    {"nn.softmax", softmax},
    {"nn.log_softmax", logSoftmax},
    {"nn.attention", attention},
    {"nn.attention_bias", attention},
});

} // namespace

bool isNeuralOperator(std::string_view name) {
  return std::ranges::any_of(neuralOperators,
                             [&](const NeuralOperator &entry) { return entry.name == name; });
}

bool buildNeuralOperator(OperatorBuilder &builder) {
  const auto *found =
      std::ranges::find(neuralOperators, builder.call().name, &NeuralOperator::name);
  if (found == neuralOperators.end())
    return false;
  found->build(builder);
  return true;
}

} // namespace acadlc::tir
