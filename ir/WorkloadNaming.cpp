#include "ir/WorkloadNaming.h"

#include "ir/WorkloadAnalysis.h"
#include "ir/WorkloadExpr.h"
#include "ir/WorkloadSteps.h"

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

bool isMoved(const ValueExpr &value) {
  if (value.kind == Kind::Select)
    return isMoved(*value.operands[1]) && isMoved(*value.operands[2]);
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
    return "round";
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

std::string stepsText(const std::vector<ChainStep> &steps, ElementType from, ElementType to) {
  if (isDequantization(steps, from, to))
    return "dequantize";
  std::string text;
  for (std::size_t i = 0; i < steps.size();) {
    const std::size_t end = endOfRequantization(steps, i, from.bits);
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
        loads[a] = valueOf(computation.accesses[a]);
      last = withLoads(computation.value, loads);
      if (last->size > maxExpressionSize)
        return std::nullopt;
      values_.emplace_back(computation.written, last);
    }
    const auto steps = last ? stepsOf(withoutCastOperands(last), operands_) : std::nullopt;
    if (!steps || steps->empty())
      return std::nullopt;
    const TensorRef written = call_.computations[stages_.back()].written;
    return stepsText(*steps, structure_.tensor(*main_).elementType,
                     structure_.tensor(written).elementType);
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
        if (isInside(access.tensor))
          continue;
        const bool isActivation =
            structure_.tensor(access.tensor).origin == TensorOrigin::Activation;
        const int rank = !isActivation ? 0 : access.tensor.isLocal ? 2 : 1;
        if (rank > best) {
          best = rank;
          main_ = access.tensor;
        }
      }
  }

  ValueExprPtr valueOf(const Access &access) {
    for (const auto &[tensor, value] : values_)
      if (tensor == access.tensor)
        return value;
    auto load = std::make_shared<ValueExpr>();
    load->kind = Kind::Load;
    if (access.tensor == main_)
      return load;
    const auto found =
        std::find_if(operands_.begin(), operands_.end(),
                     [&](const StepOperand &operand) { return operand.tensor == access.tensor; });
    load->value = static_cast<std::size_t>(found - operands_.begin()) + 1;
    if (found == operands_.end())
      operands_.push_back({access.tensor, 0, {}});
    return load;
  }

  const Call &call_;
  const CallStructure &structure_;
  std::span<const std::size_t> stages_;
  std::optional<TensorRef> main_;
  std::vector<StepOperand> operands_;
  std::vector<std::pair<TensorRef, ValueExprPtr>> values_; ///< of the stages so far
};

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
    return "select";
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
         isMoved(*computation.value);
}

std::string movementName(const Call &call, const CallStructure &structure, std::size_t index) {
  const Computation &computation = call.computations[index];
  const std::size_t loads = countLoads(*computation.value);
  if (loads == 0)
    return "fill";
  if (loads > 1)
    return "concat";
  if (computation.value->kind == Kind::Select)
    return "pad";
  if (computation.freeReason == FreeReason::Reshape)
    return "reshape";
  // Reads inside the indices of other reads count.
  if (computation.accesses.size() > 1)
    return "gather";
  const Access &access = computation.accesses.front();
  if (anyHolds(access, IndexExpr::Kind::Opaque))
    return "resize";
  const Tensor &written = structure.tensor(computation.written);
  const Tensor &source = structure.tensor(access.tensor);
  const auto order = plainWrite(computation, written.shape);
  const auto moved = order ? AffineMove(computation, *order).nameOf(access) : std::nullopt;
  if (moved) {
    const bool isPart = *moved == "copy" && written.elementCount() < source.elementCount();
    return isPart ? "slice" : *moved;
  }
  if (written.elementCount() > source.elementCount())
    return "resize";
  return written.elementCount() == source.elementCount() ? "reshape" : "slice";
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
