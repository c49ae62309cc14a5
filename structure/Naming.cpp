#include "structure/Naming.h"

#include "structure/Analysis.h"
#include "ir/WorkloadExpr.h"
#include "structure/Steps.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace acadlc::workload {

namespace {

using Kind = ValueExpr::Kind;

//===--- Moves --------------------------------------------------------------------------------===//

bool hasLoads(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) { found = found || node.kind == Kind::Load; });
  return found;
}

/// What a condition on data chooses is more than moved.
bool isMoved(const ValueExpr &value) {
  if (value.kind == Kind::Select)
    return !hasLoads(*value.operands[0]) && isMoved(*value.operands[1]) &&
           isMoved(*value.operands[2]);
  return value.kind == Kind::Load || value.kind == Kind::Constant;
}

bool holds(const IndexExpr &index, IndexExpr::Kind kind) {
  return index.kind == kind || (index.left && holds(*index.left, kind)) ||
         (index.right && holds(*index.right, kind));
}

bool anyHolds(const Access &access, IndexExpr::Kind kind) {
  return std::any_of(access.indices.begin(), access.indices.end(),
                     [&](const IndexExprPtr &index) { return holds(*index, kind); });
}

/// What an access at positions that are affine in single axes does.
class AffineMove {
public:
  AffineMove(const Computation &computation, const std::vector<std::size_t> &order)
      : computation_(computation), order_(order) {}

  /// None if an index runs over several axes or is not affine.
  std::optional<std::string> nameOf(const Access &access) {
    std::size_t runs = 0;
    for (const IndexExprPtr &index : access.indices) {
      const auto form = affineForm(*index, computation_.axes);
      if (!form || !add(*form, runs))
        return std::nullopt;
    }
    if (isFlipped_)
      return "flip";
    if (isMoved_)
      return "slice";
    if (isPermuted_)
      return "transpose";
    const auto isWide = [](const Axis &axis) { return axis.extent != 1; };
    const auto wide = static_cast<std::size_t>(
        std::count_if(computation_.axes.begin(), computation_.axes.end(), isWide));
    return wide > runs ? "broadcast" : "copy";
  }

private:
  bool add(const AffineIndex &form, std::size_t &runs) {
    std::optional<std::size_t> axis;
    for (std::size_t a = 0; a < computation_.axes.size(); ++a) {
      if (form.coefficients[a] == 0 || computation_.axes[a].extent == 1)
        continue;
      if (axis)
        return false;
      axis = a;
    }
    if (!axis) {
      isMoved_ = isMoved_ || form.constant != 0;
      return true;
    }
    ++runs;
    isFlipped_ = isFlipped_ || form.coefficients[*axis] < 0;
    isMoved_ = isMoved_ || form.constant != 0 || form.coefficients[*axis] > 1;
    const auto place = std::find(order_.begin(), order_.end(), *axis) - order_.begin();
    isPermuted_ = isPermuted_ || place < last_;
    last_ = place;
    return true;
  }

  const Computation &computation_;
  const std::vector<std::size_t> &order_; ///< axes in the order of the result's dimensions
  std::ptrdiff_t last_ = -1;
  bool isFlipped_ = false, isMoved_ = false, isPermuted_ = false;
};

std::size_t countLoads(const ValueExpr &value) {
  std::size_t count = 0;
  forEachNode(value, [&](const ValueExpr &node) { count += node.kind == Kind::Load ? 1 : 0; });
  return count;
}

/// Whether \p value adds up elements, each times numbers.
bool isMixed(const ValueExpr &value) {
  const ValueExpr &inner = stripCasts(value);
  if (inner.kind == Kind::Load || !hasLoads(inner))
    return true;
  if (inner.kind != Kind::Binary || inner.operands.size() != 2)
    return false;
  const ValueExpr &left = *inner.operands[0];
  const ValueExpr &right = *inner.operands[1];
  if (inner.name == "+" || inner.name == "-")
    return isMixed(left) && isMixed(right);
  if (inner.name == "*")
    return isMixed(left) && isMixed(right) && !(hasLoads(left) && hasLoads(right));
  return inner.name == "/" && isMixed(left) && !hasLoads(right);
}

/// Whether the read position is another one than that of the element that is made, moved by a
/// number: rounded, clamped or several steps on.
bool isResampled(const IndexExpr &index, const std::vector<Axis> &axes) {
  const auto form = affineForm(index, axes);
  if (!form)
    return true;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent > 1 && form->coefficients[a] > 1)
      return true;
  return false;
}

/// Whether \p computation makes each element of neighbours in one tensor that it is no copy of:
/// resizing that interpolates.
bool interpolates(const Computation &computation) {
  if (computation.accesses.size() < 2 || !isMixed(*computation.value))
    return false;
  const Access &first = computation.accesses.front();
  return std::all_of(computation.accesses.begin(), computation.accesses.end(),
                     [&](const Access &access) {
                       return access.tensor == first.tensor &&
                              std::any_of(access.indices.begin(), access.indices.end(),
                                          [&](const IndexExprPtr &index) {
                                            return isResampled(*index, computation.axes);
                                          });
                     });
}

/// What a read does that is not affine in single axes, or whose writes leave gaps.
class IrregularMove {
public:
  IrregularMove(const Computation &computation, const Tensor &source, const Tensor &written)
      : computation_(computation), access_(computation.accesses.front()), source_(source),
        written_(written) {}

  [[nodiscard]] std::string name() const {
    if (anyHolds(access_, IndexExpr::Kind::Opaque))
      return opaqueName();
    if (source_.shape.size() == written_.shape.size() && isInPlace()) {
      if (auto name = nameByDimension())
        return *name;
      if (auto name = blockName())
        return *name;
    }
    if (written_.elementCount() == source_.elementCount())
      return "transpose";
    if (written_.elementCount() < source_.elementCount())
      return "slice";
    const bool overlaps = std::any_of(access_.indices.begin(), access_.indices.end(),
                                      [](const IndexExprPtr &index) { return isSum(*index); });
    return overlaps ? "im2col" : "resize";
  }

  /// "resize2d linear" for so many reads of the source in each element.
  [[nodiscard]] std::string resizeName(std::size_t reads) const {
    const std::size_t dimensions = resizedDimensions();
    std::size_t linear = 1, cubic = 1;
    for (std::size_t d = 0; d < dimensions; ++d) {
      linear *= 2;
      cubic *= 4;
    }
    std::string name = "resize";
    if (dimensions > 0 && dimensions <= 3)
      name += std::to_string(dimensions) + "d";
    if (reads == 1)
      return name + " nearest";
    return name + (reads == linear ? " linear" : reads == cubic ? " cubic" : "");
  }

private:
  enum class Form : std::uint8_t { Plain, Tiled, Repeated, Rolled, Clamped, Other };

  /// Positions that are computed with real numbers are those of a resized image.
  [[nodiscard]] std::string opaqueName() const {
    const bool isReal =
        std::any_of(access_.indices.begin(), access_.indices.end(),
                    [](const IndexExprPtr &index) { return holdsText(*index, "float"); });
    if (isReal)
      return resizeName(1);
    return written_.elementCount() > source_.elementCount() ? "pad" : "gather";
  }
  static bool holdsText(const IndexExpr &index, std::string_view text) {
    return index.opaque.find(text) != std::string::npos ||
           (index.left && holdsText(*index.left, text)) ||
           (index.right && holdsText(*index.right, text));
  }

  /// Whether dimension d of the result is written at axis d.
  [[nodiscard]] bool isInPlace() const {
    const auto order = plainWrite(computation_, written_.shape);
    for (std::size_t d = 0; order && d < order->size(); ++d)
      if ((*order)[d] != d)
        return false;
    return order.has_value();
  }

  [[nodiscard]] std::size_t resizedDimensions() const {
    std::size_t count = 0;
    for (std::size_t d = 0; d < source_.shape.size(); ++d)
      if (!affineForm(*access_.indices[d], computation_.axes) ||
          (source_.shape.size() == written_.shape.size() && source_.shape[d] != written_.shape[d]))
        ++count;
    return count;
  }

  [[nodiscard]] bool isAxis(const IndexExpr &index, std::size_t axis) const {
    return isAxisPlus(affineForm(index, computation_.axes), axis, 0, computation_.axes);
  }
  /// Axis \p axis, moved by a number.
  [[nodiscard]] bool isMovedAxis(const IndexExpr &index, std::size_t axis) const {
    const auto form = affineForm(index, computation_.axes);
    return form && isAxisPlus(form, axis, form->constant, computation_.axes);
  }
  /// Axis \p axis times a number.
  [[nodiscard]] bool isMultiple(const IndexExpr &index, std::size_t axis) const {
    const auto form = affineForm(index, computation_.axes);
    if (!form || form->constant != 0)
      return false;
    for (std::size_t a = 0; a < computation_.axes.size(); ++a)
      if (a != axis && computation_.axes[a].extent > 1 && form->coefficients[a] != 0)
        return false;
    return form->coefficients[axis] > 0;
  }
  [[nodiscard]] bool isClamped(const IndexExpr &index, std::size_t axis) const {
    using IndexKind = IndexExpr::Kind;
    if (index.kind != IndexKind::Min && index.kind != IndexKind::Max)
      return false;
    const bool isLeft = index.right->kind == IndexKind::Constant;
    if (!isLeft && index.left->kind != IndexKind::Constant)
      return false;
    const IndexExpr &inner = isLeft ? *index.left : *index.right;
    return isMovedAxis(inner, axis) || isClamped(inner, axis);
  }

  [[nodiscard]] Form formOf(std::size_t d) const {
    using IndexKind = IndexExpr::Kind;
    const IndexExpr &index = *access_.indices[d];
    if (isAxis(index, d))
      return Form::Plain;
    const bool hasNumber = index.right && index.right->kind == IndexKind::Constant;
    if (index.kind == IndexKind::FloorMod && hasNumber && index.right->value == source_.shape[d]) {
      if (isAxis(*index.left, d))
        return Form::Tiled;
      if (isMovedAxis(*index.left, d) && source_.shape[d] == written_.shape[d])
        return Form::Rolled;
    }
    if (index.kind == IndexKind::FloorDiv && hasNumber && isMultiple(*index.left, d))
      return Form::Repeated;
    return isClamped(index, d) ? Form::Clamped : Form::Other;
  }

  /// If all dimensions that are not plain do the same.
  [[nodiscard]] std::optional<std::string> nameByDimension() const {
    Form form = Form::Plain;
    std::size_t count = 0;
    for (std::size_t d = 0; d < source_.shape.size(); ++d) {
      const Form own = formOf(d);
      if (own == Form::Plain)
        continue;
      if (own == Form::Other || (form != Form::Plain && own != form))
        return std::nullopt;
      form = own;
      ++count;
    }
    switch (form) {
    case Form::Tiled:
      return "tile";
    case Form::Repeated:
      return count > 1 ? resizeName(1) : "repeat";
    case Form::Rolled:
      return "roll";
    case Form::Clamped:
      return "pad";
    case Form::Plain:
    case Form::Other:
      break;
    }
    return std::nullopt;
  }

  /// Elements of square blocks of an image become channels, or the other way round; channels first
  /// or last.
  [[nodiscard]] std::optional<std::string> blockName() const {
    if (source_.shape.size() != 4)
      return std::nullopt;
    for (const std::size_t rows : {std::size_t{2}, std::size_t{1}}) {
      if (const auto block = blockOf(source_.shape, written_.shape, rows);
          block && readsAt(rows, *block, 1) && readsAt(rows + 1, *block, 1))
        return "depth_to_space";
      if (const auto block = blockOf(written_.shape, source_.shape, rows);
          block && readsAt(rows, 1, *block) && readsAt(rows + 1, 1, *block))
        return "space_to_depth";
    }
    return std::nullopt;
  }

  /// The block that makes \p large of \p small, images whose rows are dimension \p rows.
  static std::optional<std::int64_t> blockOf(const std::vector<std::int64_t> &small,
                                             const std::vector<std::int64_t> &large,
                                             std::size_t rows) {
    const std::size_t channels = rows == 2 ? 1 : 3;
    const std::int64_t block = small[rows] == 0 ? 0 : large[rows] / small[rows];
    const bool fits = block > 1 && small[0] == large[0] && small[rows] * block == large[rows] &&
                      small[rows + 1] * block == large[rows + 1] &&
                      small[channels] == large[channels] * block * block;
    return fits ? std::optional(block) : std::nullopt;
  }

  /// Whether the position \p at of dimension \p d of the result is read from \p from, all else
  /// being 0.
  [[nodiscard]] bool readsAt(std::size_t d, std::int64_t at, std::int64_t from) const {
    std::vector<std::int64_t> point(computation_.axes.size(), 0);
    point[d] = at;
    return evaluate(*access_.indices[d], point) == from;
  }

  static bool hasAxis(const IndexExpr &index) {
    bool found = false;
    forEachAxis(index, [&](std::size_t) { found = true; });
    return found;
  }
  static bool isSum(const IndexExpr &index) {
    if (index.kind == IndexExpr::Kind::Add && hasAxis(*index.left) && hasAxis(*index.right))
      return true;
    return (index.left && isSum(*index.left)) || (index.right && isSum(*index.right));
  }

  const Computation &computation_;
  const Access &access_;
  const Tensor &source_;
  const Tensor &written_;
};

/// The axes that the dimensions of the result run over, where each is at most one, moved by a
/// number: also where the writes are a part of the tensor. A dimension without an axis has the
/// number behind the last one.
std::optional<std::vector<std::size_t>> writeOrder(const Computation &computation) {
  std::vector<std::size_t> order;
  for (const IndexExprPtr &index : computation.writeIndices) {
    const auto form = affineForm(*index, computation.axes);
    if (!form)
      return std::nullopt;
    std::size_t axis = computation.axes.size();
    for (std::size_t a = 0; a < computation.axes.size(); ++a) {
      if (form->coefficients[a] == 0 || computation.axes[a].extent == 1)
        continue;
      if (axis != computation.axes.size() || form->coefficients[a] != 1)
        return std::nullopt;
      axis = a;
    }
    order.push_back(axis);
  }
  return order;
}

/// What a stage does that reads several elements at once: parts of tensors side by side, or a
/// tensor whose border is mirrored or takes a value that is read.
std::string joinedName(const Computation &computation) {
  const Access &first = computation.accesses.front();
  bool isOne = true;
  bool isShifted = true;
  for (const Access &access : computation.accesses) {
    if (access.indices.empty())
      return "pad";
    isOne = isOne && access.tensor == first.tensor;
    for (const IndexExprPtr &index : access.indices) {
      const auto form = affineForm(*index, computation.axes);
      isShifted = isShifted && form &&
                  std::none_of(form->coefficients.begin(), form->coefficients.end(),
                               [](std::int64_t coefficient) { return coefficient < 0; });
    }
  }
  return isOne && !isShifted ? "pad" : "concat";
}

//===--- Element-wise -------------------------------------------------------------------------===//

std::string_view operationName(std::string_view symbol) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"+", "add"},     {"-", "subtract"},       {"*", "multiply"},        {"/", "divide"},
      {"%", "modulo"},  {"//", "floor_divide"},  {"max", "maximum"},       {"min", "minimum"},
      {"pow", "power"}, {"shift_left", "shift"}, {"shift_right", "shift"},
  };
  for (const auto &[from, to] : names)
    if (symbol == from)
      return to;
  return symbol;
}

std::string stepText(const ChainStep &step) {
  using Step = ChainStep::Kind;
  switch (step.kind) {
  case Step::Operand:
  case Step::Computed:
  case Step::Constant:
    return std::string(operationName(step.name));
  case Step::Clip:
    if (step.low == 0 && step.high > 6)
      return std::isinf(step.high) ? "relu" : "clip";
    return step.low == 0 && step.high == 6 ? "relu6" : "clip";
  case Step::LeakyRelu:
    return "leaky_relu";
  case Step::Function:
    return step.name;
  case Step::Round:
    return step.name == "floor" || step.name == "ceil" || step.name == "trunc" ? step.name
                                                                               : "round";
  case Step::Cast:
    return "cast";
  case Step::MaxPool:
  case Step::SumPool:
    break;
  }
  return "pool";
}

bool isWhole(ElementType type) {
  return type.kind == ElementType::Kind::Int || type.kind == ElementType::Kind::UInt;
}

/// Whether \p steps turn whole numbers into real ones by numbers alone.
bool isDequantization(const std::vector<ChainStep> &steps, ElementType from, ElementType to) {
  const bool hasScale = std::any_of(steps.begin(), steps.end(), [](const ChainStep &step) {
    return step.kind == ChainStep::Kind::Constant && (step.name == "*" || step.name == "/");
  });
  return isWhole(from) && !isWhole(to) && hasScale &&
         std::all_of(steps.begin(), steps.end(), [](const ChainStep &step) {
           return step.kind == ChainStep::Kind::Cast || step.kind == ChainStep::Kind::Constant;
         });
}

/// \p steps with numbers in the place of what scales by channels: factors, and shifts with their
/// rounding, for which \p isOfChannels holds.
template <typename Predicate>
std::vector<ChainStep> withUniformScales(std::vector<ChainStep> steps, Predicate isOfChannels) {
  bool isScaled = false;
  for (ChainStep &step : steps) {
    using Step = ChainStep::Kind;
    const bool scales = step.name == "*" || step.name == "/" || step.name.starts_with("shift");
    const bool isPart = scales || (step.kind == Step::Computed && isScaled);
    const bool isRead = step.kind == Step::Operand || step.kind == Step::Computed;
    isScaled = scales || (isScaled && (step.kind == Step::Constant || step.kind == Step::Cast));
    if (!isRead || !isPart || !isOfChannels(step))
      continue;
    step = {};
    step.kind = Step::Constant;
  }
  return steps;
}

/// \p scaled are \p steps with numbers for what scales by channels.
std::string stepsText(const std::vector<ChainStep> &steps, const std::vector<ChainStep> &scaled,
                      ElementType from, ElementType to) {
  if (isDequantization(steps, from, to))
    return "dequantize";
  std::string text;
  for (std::size_t i = 0; i < steps.size();) {
    const std::size_t end = endOfRequantization(scaled, i, from.bits);
    // A single cast is one.
    const bool isQuantization = end > i + 1;
    text += text.empty() ? "" : ", ";
    text += !isQuantization ? stepText(steps[i]) : isWhole(from) ? "requantize" : "quantize";
    i = isQuantization ? end : i + 1;
  }
  return text;
}

/// The value of connected stages as an expression over what they read from outside.
class Inliner {
public:
  Inliner(const Call &call, const CallStructure &structure, std::span<const std::size_t> stages)
      : call_(call), structure_(structure), stages_(stages) {
    chooseMain();
  }

  /// None if it is no chain of known steps.
  std::optional<std::string> name() {
    ValueExprPtr last;
    for (const std::size_t stage : stages_) {
      const Computation &computation = call_.computations[stage];
      if (!computation.opaqueReason.empty())
        return std::nullopt;
      std::map<std::size_t, ValueExprPtr> loads;
      for (std::size_t a = 0; a < computation.accesses.size(); ++a)
        loads[a] = valueOf(structure_.behindCopies(computation.accesses[a].tensor, stage));
      last = withLoads(computation.value, loads);
      if (last->size > maxExpressionSize)
        return std::nullopt;
      values_.emplace_back(computation.written, last);
    }
    const auto steps = last ? stepsOf(withoutCastOperands(last), operands_) : std::nullopt;
    if (!steps || steps->empty())
      return std::nullopt;
    const TensorRef written = call_.computations[stages_.back()].written;
    const Tensor &main = structure_.tensor(*main_);
    const auto scaled = withUniformScales(*steps, [&](const ChainStep &step) {
      return structure_.tensor(step.operand).elementCount() < main.elementCount();
    });
    return stepsText(*steps, scaled, main.elementType, structure_.tensor(written).elementType);
  }

private:
  /// \p value with operands as they are: the type that they are read as says nothing.
  static ValueExprPtr withoutCastOperands(const ValueExprPtr &value) {
    const ValueExpr &inner = stripCasts(*value);
    if (value->kind == Kind::Cast && inner.kind == Kind::Load && inner.value > 0)
      return std::make_shared<ValueExpr>(inner);
    if (value->operands.empty())
      return value;
    auto copy = std::make_shared<ValueExpr>(*value);
    for (ValueExprPtr &operand : copy->operands)
      operand = withoutCastOperands(operand);
    return copy;
  }

  [[nodiscard]] bool isInside(TensorRef tensor) const {
    return std::any_of(stages_.begin(), stages_.end(), [&](std::size_t stage) {
      return call_.computations[stage].written == tensor;
    });
  }

  /// The value that the steps are done on: what the call has computed, else an activation.
  void chooseMain() {
    int best = -1;
    for (const std::size_t stage : stages_)
      for (const Access &access : call_.computations[stage].accesses) {
        const TensorRef source = structure_.behindCopies(access.tensor, stage);
        if (isInside(source))
          continue;
        const bool isActivation = structure_.tensor(source).origin == TensorOrigin::Activation;
        const int rank = !isActivation ? 0 : source.isLocal ? 2 : 1;
        if (rank > best) {
          best = rank;
          main_ = source;
        }
      }
  }

  ValueExprPtr valueOf(TensorRef read) {
    for (const auto &[tensor, value] : values_)
      if (tensor == read)
        return value;
    auto load = std::make_shared<ValueExpr>();
    load->kind = Kind::Load;
    if (read == main_)
      return load;
    const auto found =
        std::find_if(operands_.begin(), operands_.end(),
                     [&](const StepOperand &operand) { return operand.tensor == read; });
    load->value = static_cast<std::size_t>(found - operands_.begin()) + 1;
    if (found == operands_.end())
      operands_.push_back({read, 0, {}});
    return load;
  }

  const Call &call_;
  const CallStructure &structure_;
  std::span<const std::size_t> stages_;
  std::optional<TensorRef> main_;
  std::vector<StepOperand> operands_;
  std::vector<std::pair<TensorRef, ValueExprPtr>> values_; ///< of the stages so far
};

/// Whether \p select is `x if x > 0 else x · slope` with a slope that is read.
bool isParametricRelu(const Computation &computation, const ValueExpr &select) {
  const ValueExpr &condition = *select.operands[0];
  const ValueExpr &product = stripCasts(*select.operands[2]);
  const ValueExpr &x = stripCasts(*select.operands[1]);
  if (condition.kind != Kind::Compare || condition.operands.size() != 2 || x.kind != Kind::Load ||
      product.kind != Kind::Binary || product.name != "*")
    return false;
  const bool isAbove = condition.name == ">" || condition.name == ">=";
  const bool isBelow = condition.name == "<" || condition.name == "<=";
  const auto isX = [&](const ValueExpr &value) {
    const ValueExpr &inner = stripCasts(value);
    return inner.kind == Kind::Load &&
           isSameElement(computation.accesses[inner.value], computation.accesses[x.value]);
  };
  const auto isZero = [](const ValueExpr &value) {
    const ValueExpr &inner = stripCasts(value);
    return inner.kind == Kind::Constant && inner.number == 0;
  };
  const ValueExpr &above = *condition.operands[isAbove ? 0 : 1];
  const ValueExpr &below = *condition.operands[isAbove ? 1 : 0];
  const bool readsSlope =
      (isX(*product.operands[0]) && stripCasts(*product.operands[1]).kind == Kind::Load) ||
      (isX(*product.operands[1]) && stripCasts(*product.operands[0]).kind == Kind::Load);
  return (isAbove || isBelow) && isX(above) && isZero(below) && readsSlope;
}

/// What chooses by data; numbers where data is a position are what one_hot makes.
std::string choiceName(const Computation &computation, const ValueExpr &select) {
  const ValueExpr &condition = *select.operands[0];
  if (!hasLoads(condition))
    return "select";
  if (isParametricRelu(computation, select))
    return "prelu";
  const bool isNumbers = !hasLoads(*select.operands[1]) && !hasLoads(*select.operands[2]);
  bool comparesPosition = false;
  for (const ValueExprPtr &side : condition.operands)
    comparesPosition = comparesPosition || stripCasts(*side).kind == Kind::Index;
  const bool isOneHot =
      isNumbers && condition.kind == Kind::Compare && condition.name == "==" && comparesPosition;
  return isOneHot ? "one_hot" : "where";
}

/// The outermost operation of a stage.
std::string operationOf(const Computation &computation) {
  const ValueExpr &value = *computation.value;
  switch (value.kind) {
  case Kind::Binary:
  case Kind::Unary:
    return std::string(operationName(value.name));
  case Kind::Compare:
    return "compare";
  case Kind::Select:
    return choiceName(computation, value);
  case Kind::Cast:
    return "cast";
  case Kind::Load:
  case Kind::Constant:
    return "copy";
  case Kind::Index:
    return "index";
  case Kind::Opaque:
    break;
  }
  return "other";
}

} // namespace

bool onlyMoves(const Computation &computation) {
  return computation.combiner == Combiner::None && computation.opaqueReason.empty() &&
         (isMoved(*computation.value) || interpolates(computation));
}

std::string movementName(const Call &call, const CallStructure &structure, std::size_t index) {
  const Computation &computation = call.computations[index];
  const std::size_t loads = countLoads(*computation.value);
  if (loads == 0)
    return "fill";
  const Access &access = computation.accesses.front();
  const Tensor &written = structure.tensor(computation.written);
  const Tensor &source = structure.tensor(access.tensor);
  const bool isScattered =
      std::any_of(computation.writeIndices.begin(), computation.writeIndices.end(),
                  [](const IndexExprPtr &at) { return holds(*at, IndexExpr::Kind::Opaque); });
  if (isScattered)
    return "scatter";
  if (interpolates(computation))
    return IrregularMove(computation, source, written).resizeName(loads);
  if (loads > 1)
    return joinedName(computation);
  if (computation.value->kind == Kind::Select) {
    const bool isMasked = source.shape == written.shape && !structure.padding(index);
    return isMasked ? "mask" : "pad";
  }
  if (computation.freeReason == FreeReason::Reshape)
    return "reshape";
  // Reads inside the indices of other reads count.
  if (computation.accesses.size() > 1)
    return "gather";
  const auto order = writeOrder(computation);
  const auto moved = order ? AffineMove(computation, *order).nameOf(access) : std::nullopt;
  if (!moved)
    return IrregularMove(computation, source, written).name();
  const bool isPart = *moved == "copy" && plainWrite(computation, written.shape) &&
                      written.elementCount() < source.elementCount();
  return isPart ? "slice" : *moved;
}

std::string elementWiseName(const Call &call, const CallStructure &structure,
                            std::span<const std::size_t> stages) {
  constexpr std::size_t mostStages = 32; // no function of single elements has more
  if (stages.size() <= mostStages)
    if (auto name = Inliner(call, structure, stages).name())
      return *name;
  constexpr std::size_t mostNames = 8;
  std::string text;
  std::string previous;
  std::size_t count = 0;
  for (const std::size_t stage : stages) {
    std::string operation = operationOf(call.computations[stage]);
    if (operation == previous)
      continue;
    if (++count > mostNames)
      return text + ", …";
    text += (text.empty() ? "" : ", ") + operation;
    previous = std::move(operation);
  }
  return text;
}

std::string scanName(const Computation &computation) {
  const bool readsOwn = std::any_of(
      computation.accesses.begin(), computation.accesses.end(), [&](const Access &access) {
        return access.tensor == computation.written &&
               !std::equal(access.indices.begin(), access.indices.end(),
                           computation.writeIndices.begin(), computation.writeIndices.end(),
                           [](const auto &a, const auto &b) { return sameIndex(*a, *b); });
      });
  if (!readsOwn)
    return "";
  bool adds = false, multiplies = false, isUnknown = false;
  forEachNode(*computation.value, [&](const ValueExpr &node) {
    isUnknown = isUnknown || node.kind == Kind::Opaque;
    adds = adds || (node.kind == Kind::Binary && node.name == "+");
    multiplies = multiplies || (node.kind == Kind::Binary && node.name == "*");
  });
  if (isUnknown)
    return "";
  return adds == multiplies ? "scan" : adds ? "cumsum" : "cumprod";
}

bool onlyScales(const Call &call, std::size_t index) {
  const Computation &computation = call.computations[index];
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.accesses.size() != 1)
    return false;
  const auto steps = stepsOf(computation.value, {});
  return steps && steps->size() == 1 && steps->front().kind == ChainStep::Kind::Constant &&
         steps->front().name != "+" && steps->front().name != "-";
}

} // namespace acadlc::workload
