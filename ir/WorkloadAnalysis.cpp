#include "ir/WorkloadAnalysis.h"

#include "ir/WorkloadExpr.h"
#include "ir/WorkloadSplit.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace acadlc::workload {

namespace {

using AffineIndices = std::vector<std::optional<AffineIndex>>;

AffineIndices affineForms(const std::vector<IndexExprPtr> &indices, const std::vector<Axis> &axes) {
  AffineIndices forms;
  for (const IndexExprPtr &index : indices)
    forms.push_back(affineForm(*index, axes));
  return forms;
}

/// Bounds that a condition sets to the axes: low ≤ axis < high.
struct Bounds {
  std::vector<std::int64_t> low, high;
};

/// Adds the bounds of `c ≤ v`, `v < c` and their conjunctions; false if \p condition has another
/// form.
bool addBounds(const ValueExpr &condition, Bounds &bounds) {
  if (condition.kind != ValueExpr::Kind::Compare || condition.operands.size() != 2)
    return false;
  if (condition.name == "and")
    return addBounds(*condition.operands[0], bounds) && addBounds(*condition.operands[1], bounds);
  IndexExprPtr left = asIndex(condition.operands[0]);
  IndexExprPtr right = asIndex(condition.operands[1]);
  if (!left || !right)
    return false;
  std::string name = condition.name;
  if (left->kind == IndexExpr::Kind::Constant) {
    std::swap(left, right);
    constexpr std::pair<std::string_view, std::string_view> mirrored[] = {
        {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
    for (const auto &[from, to] : mirrored)
      if (condition.name == from)
        name = to;
  }
  if (left->kind != IndexExpr::Kind::Axis || right->kind != IndexExpr::Kind::Constant)
    return false;
  auto axis = static_cast<std::size_t>(left->value);
  std::int64_t value = right->value;
  constexpr std::int64_t farAway = std::int64_t{1} << 60; // so that value + 1 fits
  if (value > farAway || value < -farAway)
    return false;
  std::int64_t &low = bounds.low[axis];
  std::int64_t &high = bounds.high[axis];
  if (name == ">=")
    low = std::max(low, value);
  else if (name == ">")
    low = std::max(low, value + 1);
  else if (name == "<")
    high = std::min(high, value);
  else if (name == "<=")
    high = std::min(high, value + 1);
  else
    return false;
  return true;
}

/// Which elements of one dimension are read.
class DimensionCover {
public:
  /// Adds the values of \p index within a dimension of \p extent.
  void add(const std::optional<AffineIndex> &index, const std::vector<Axis> &axes,
           std::int64_t extent) {
    if (count_ == extent)
      return;
    auto range = index ? rangeOf(*index, axes) : std::nullopt;
    auto last = range ? checkedSub(range->high, range->low) : std::nullopt;
    if (!last || *last == std::numeric_limits<std::int64_t>::max()) {
      count_ = extent;
      return;
    }
    std::int64_t points = 1;
    std::int64_t steps = 0;
    std::int64_t width = *last + 1;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (index->coefficients[a] == 0)
        continue;
      points = checkedMul(points, axes[a].extent).value_or(extent);
      steps = checkedAdd(steps, axes[a].extent).value_or(mostSteps);
    }
    auto work = checkedMul(std::min(steps, mostSteps) + 1, width);
    if (extent > widest || !work || *work > mostSteps) {
      // Too wide to list: at most as many as there are combinations, or as lie in the range.
      std::int64_t inside =
          std::min(range->high, extent - 1) - std::max<std::int64_t>(range->low, 0) + 1;
      count_ = std::max(count_, std::clamp<std::int64_t>(std::min(points, inside), 0, extent));
      return;
    }
    mark(reachable(*index, axes, width), range->low, extent);
  }
  [[nodiscard]] std::int64_t count() const { return count_; }

private:
  static constexpr std::int64_t widest = 1 << 16;
  static constexpr std::int64_t mostSteps = 1 << 20;

  /// Which of the \p width values from its smallest on \p index takes.
  static std::vector<char> reachable(const AffineIndex &index, const std::vector<Axis> &axes,
                                     std::int64_t width) {
    std::vector<char> reached(static_cast<std::size_t>(width), 0);
    // Start at the smallest value of every term, so that all further steps go up.
    reached[0] = 1;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (index.coefficients[a] == 0 || axes[a].extent == 1)
        continue;
      std::int64_t step = std::abs(index.coefficients[a]);
      std::vector<char> next = reached;
      for (std::int64_t v = 0; v < width; ++v)
        if (reached[static_cast<std::size_t>(v)])
          for (std::int64_t i = 1; i < axes[a].extent && v + i * step < width; ++i)
            next[static_cast<std::size_t>(v + i * step)] = 1;
      reached = std::move(next);
    }
    return reached;
  }

  void mark(const std::vector<char> &reached, std::int64_t low, std::int64_t extent) {
    covered_.resize(static_cast<std::size_t>(extent), 0);
    for (std::size_t i = 0; i < reached.size(); ++i) {
      std::int64_t at = low + static_cast<std::int64_t>(i);
      if (!reached[i] || at < 0 || at >= extent || covered_[static_cast<std::size_t>(at)])
        continue;
      covered_[static_cast<std::size_t>(at)] = 1;
      ++count_;
    }
  }

  std::vector<char> covered_;
  std::int64_t count_ = 0;
};

/// Fills the derived members of one call.
class CallAnalyzer {
public:
  /// \p evaluationsLeft bounds the work of all calls for comparing reshapes point by point.
  CallAnalyzer(const Workload &workload, Call &call, std::int64_t &evaluationsLeft)
      : workload_(workload), call_(call), evaluationsLeft_(evaluationsLeft) {}

  std::optional<AnalysisError> run();

private:
  [[nodiscard]] const Tensor &tensor(TensorRef reference) const {
    return tensorOf(workload_, call_, reference);
  }
  [[nodiscard]] bool isActivation(TensorRef reference) const {
    return tensor(reference).origin == TensorOrigin::Activation;
  }
  [[nodiscard]] bool readsActivation(const Computation &computation) const;
  [[nodiscard]] std::optional<std::size_t> onlyWriter(TensorRef reference) const;
  void findWriters();
  void setOrigins();
  void findPadding();
  [[nodiscard]] FreeReason reasonOf(std::size_t index) const;
  [[nodiscard]] bool keepsOrder(const Computation &computation) const;

  /// Looks through the padding and copies that stages before \p reader apply.
  [[nodiscard]] Contraction::Operand resolve(const Access &access, std::size_t reader) const;
  [[nodiscard]] std::optional<Contraction> twoLoads(std::size_t index, const ValueExpr &left,
                                                    const ValueExpr &right) const;
  bool addContraction(std::size_t index);
  [[nodiscard]] bool isKnownBefore(TensorRef reference, std::size_t reader) const;
  void addSum(std::size_t index);
  [[nodiscard]] OperatorKind contractionKind(const Contraction &contraction) const;

  void setFreeReason();
  [[nodiscard]] OperatorKind kind() const;
  [[nodiscard]] bool isSoftmax() const;
  [[nodiscard]] bool hasWindow(std::size_t index) const;
  [[nodiscard]] static bool onlyMoves(const ValueExpr &value);
  void setBytes();

  const Workload &workload_;
  Call &call_;
  std::int64_t &evaluationsLeft_;
  std::vector<std::optional<Padding>> paddings_; ///< of every stage that only pads or copies
  /// The stage that writes a tensor; none if several do.
  std::map<std::pair<bool, std::uint32_t>, std::optional<std::size_t>> writers_;
};

// ---------------------------------------------------------------------------------------------
// Origins and free stages

bool CallAnalyzer::readsActivation(const Computation &computation) const {
  return std::any_of(computation.accesses.begin(), computation.accesses.end(),
                     [&](const Access &access) { return isActivation(access.tensor); });
}

/// The stage that writes \p reference if there is exactly one.
std::optional<std::size_t> CallAnalyzer::onlyWriter(TensorRef reference) const {
  auto found = writers_.find({reference.isLocal, reference.index});
  return found == writers_.end() ? std::nullopt : found->second;
}

void CallAnalyzer::findWriters() {
  auto add = [&](TensorRef reference, std::size_t stage) {
    auto [entry, isNew] = writers_.emplace(std::pair(reference.isLocal, reference.index), stage);
    if (!isNew)
      entry->second = std::nullopt;
  };
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    add(call_.computations[i].written, i);
    for (TensorRef also : call_.computations[i].alsoWritten)
      add(also, i);
  }
}

void CallAnalyzer::setOrigins() {
  for (Tensor &local : call_.locals)
    local.origin = TensorOrigin::Weight;
  for (Computation &computation : call_.computations) {
    if (!readsActivation(computation)) {
      computation.freeReason = FreeReason::WeightOnly;
      continue;
    }
    if (computation.written.isLocal)
      call_.locals[computation.written.index].origin = TensorOrigin::Activation;
    for (TensorRef also : computation.alsoWritten)
      if (also.isLocal)
        call_.locals[also.index].origin = TensorOrigin::Activation;
  }
}

void CallAnalyzer::findPadding() {
  paddings_.assign(call_.computations.size(), std::nullopt);
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    const Computation &computation = call_.computations[i];
    if (computation.accesses.size() != 1)
      continue;
    const Tensor &source = tensor(computation.accesses[0].tensor);
    const Tensor &written = tensor(computation.written);
    if (source.elementType == written.elementType)
      paddings_[i] = paddingOf(computation, source.shape, written.shape);
  }
}

/// Whether \p computation copies all elements of one tensor to another in the order of memory.
bool CallAnalyzer::keepsOrder(const Computation &computation) const {
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.accesses.size() != 1 || computation.value->kind != ValueExpr::Kind::Load)
    return false;
  const Access &access = computation.accesses[0];
  const Tensor &source = tensor(access.tensor);
  const Tensor &written = tensor(computation.written);
  if (source.elementType != written.elementType ||
      source.elementCount() != written.elementCount() || !plainWrite(computation, written.shape))
    return false;
  auto linear = [](const std::vector<IndexExprPtr> &indices,
                   const std::vector<std::int64_t> &shape) {
    IndexExprPtr position = indexConstant(0);
    for (std::size_t d = 0; d < shape.size(); ++d)
      position = indexBinary(IndexExpr::Kind::Add,
                             indexBinary(IndexExpr::Kind::Mul, position, indexConstant(shape[d])),
                             indices[d]);
    return position;
  };
  IndexExprPtr from = linear(access.indices, source.shape);
  IndexExprPtr to = linear(computation.writeIndices, written.shape);
  auto fromForm = affineForm(*from, computation.axes);
  auto toForm = affineForm(*to, computation.axes);
  if (fromForm && toForm) {
    for (std::size_t a = 0; a < computation.axes.size(); ++a)
      if (computation.axes[a].extent != 1 && fromForm->coefficients[a] != toForm->coefficients[a])
        return false;
    return fromForm->constant == toForm->constant;
  }
  // Otherwise compare positions: all of a small tensor; of a large one so many, spread evenly by a
  // step that shares no factor with usual extents, that no permutation printed by a compiler slips
  // through.
  constexpr std::int64_t mostPoints = 1 << 16;
  std::int64_t count = written.elementCount();
  std::int64_t step = 1;
  if (count > mostPoints)
    step = (count / mostPoints) | 1;
  evaluationsLeft_ -= (count / step + 1) * (std::int64_t{from->size} + to->size);
  if (evaluationsLeft_ < 0)
    return false;
  std::vector<std::int64_t> point(computation.axes.size(), 0);
  for (std::int64_t at = 0; at < count; at += step) {
    std::int64_t rest = at;
    for (std::size_t a = point.size(); a-- > 0;) {
      point[a] = rest % computation.axes[a].extent;
      rest /= computation.axes[a].extent;
    }
    auto left = evaluate(*from, point);
    if (!left || left != evaluate(*to, point))
      return false;
  }
  return true;
}

FreeReason CallAnalyzer::reasonOf(std::size_t index) const {
  const Computation &computation = call_.computations[index];
  if (computation.freeReason == FreeReason::WeightOnly)
    return FreeReason::WeightOnly;
  if (paddings_[index] && paddings_[index]->isIdentity())
    return computation.written.isLocal ? FreeReason::IdentityPad : FreeReason::Alias;
  return keepsOrder(computation) ? FreeReason::Reshape : FreeReason::None;
}

// ---------------------------------------------------------------------------------------------
// Contractions

Contraction::Operand CallAnalyzer::resolve(const Access &access, std::size_t reader) const {
  Contraction::Operand operand;
  operand.access = access;
  while (operand.access.tensor.isLocal) {
    auto writer = onlyWriter(operand.access.tensor);
    if (!writer || *writer >= reader || !paddings_[*writer])
      break;
    const Padding &padding = *paddings_[*writer];
    // Two paddings merge if they fill with the same value.
    if (!padding.isIdentity()) {
      if (operand.padding && operand.padding->fill != padding.fill)
        break;
      if (!operand.padding) {
        operand.padding = padding;
      } else {
        for (std::size_t d = 0; d < padding.before.size(); ++d) {
          operand.padding->before[d] += padding.before[d];
          operand.padding->after[d] += padding.after[d];
        }
      }
      for (std::size_t d = 0; d < padding.before.size(); ++d)
        operand.access.indices[d] = indexBinary(IndexExpr::Kind::Sub, operand.access.indices[d],
                                                indexConstant(padding.before[d]));
    }
    operand.access.tensor = padding.source;
    if (operand.padding)
      operand.padding->source = padding.source;
    reader = *writer;
  }
  const Tensor &source = tensor(operand.access.tensor);
  operand.elementType = source.elementType;
  operand.origin = source.origin;
  return operand;
}

/// Whether \p left and \p right read the same element.
bool isSameRead(const Access &left, const Access &right) {
  return left.tensor == right.tensor &&
         std::equal(left.indices.begin(), left.indices.end(), right.indices.begin(),
                    right.indices.end(),
                    [](const auto &a, const auto &b) { return sameIndex(*a, *b); });
}

/// The contraction of stage \p index with these operands, without kind and macs and before axes are
/// split. None if they are not two different loads.
std::optional<Contraction> CallAnalyzer::twoLoads(std::size_t index, const ValueExpr &left,
                                                  const ValueExpr &right) const {
  const Computation &computation = call_.computations[index];
  Contraction contraction;
  contraction.computation = index;
  contraction.resultType = tensor(computation.written).elementType;
  contraction.outputAffine = affineForms(computation.writeIndices, computation.axes);
  contraction.resultShape = tensor(computation.written).shape;
  for (const ValueExpr *load : {&left, &right}) {
    if (load->kind != ValueExpr::Kind::Load)
      return std::nullopt;
    Contraction::Operand operand = resolve(computation.accesses[load->value], index);
    operand.affine = affineForms(operand.access.indices, computation.axes);
    operand.shape = tensor(operand.access.tensor).shape;
    contraction.operands.push_back(std::move(operand));
  }
  if (isSameRead(contraction.operands[0].access, contraction.operands[1].access))
    return std::nullopt;
  return contraction;
}

/// What \p factor multiplies. Tensor-expression code writes the zero padding of a tensor into the
/// product; the positions that it guards are those outside.
const ValueExpr &factorOf(const ValueExpr &factor) {
  const ValueExpr &value = stripCasts(factor);
  bool isGuarded = value.kind == ValueExpr::Kind::Select &&
                   stripCasts(*value.operands[1]).kind == ValueExpr::Kind::Load &&
                   value.operands[2]->kind == ValueExpr::Kind::Constant &&
                   value.operands[2]->number == 0;
  return isGuarded ? stripCasts(*value.operands[1]) : value;
}

/// Adds a contraction if stage \p index is a sum of products of two different loads. False if its
/// multiply-accumulates leave 64 bits.
bool CallAnalyzer::addContraction(std::size_t index) {
  const Computation &computation = call_.computations[index];
  if (computation.combiner != Combiner::Sum || !computation.opaqueReason.empty() ||
      computation.freeReason == FreeReason::WeightOnly)
    return true;
  const ValueExpr &product = stripCasts(*computation.value);
  if (product.kind != ValueExpr::Kind::Binary || product.name != "*")
    return true;
  auto contraction =
      twoLoads(index, factorOf(*product.operands[0]), factorOf(*product.operands[1]));
  if (!contraction)
    return true;
  contraction->macs = computation.points;
  contraction->kind = contractionKind(*contraction);
  splitGroups(computation, *contraction);
  auto sum = checkedAdd(call_.macs, contraction->macs);
  if (!sum)
    return false;
  call_.macs = *sum;
  call_.contractions.push_back(std::move(*contraction));
  return true;
}

/// Whether stage \p reader need not wait for a stage of the call that takes time and is none of the
/// sums found so far: then nothing that counts comes before it when it reads \p reference.
bool CallAnalyzer::isKnownBefore(TensorRef reference, std::size_t reader) const {
  while (writers_.contains({reference.isLocal, reference.index})) {
    auto writer = onlyWriter(reference);
    if (!writer || *writer >= reader)
      return false;
    const Computation &computation = call_.computations[*writer];
    bool isSum = std::any_of(call_.sums.begin(), call_.sums.end(),
                             [&](const Contraction &sum) { return sum.computation == *writer; });
    if (isSum || computation.freeReason == FreeReason::WeightOnly)
      return true;
    if (computation.freeReason == FreeReason::None)
      return false;
    // All other free stages move a single tensor.
    reference = computation.accesses.front().tensor;
    reader = *writer;
  }
  return true;
}

/// Adds stage \p index of an element-wise call if it is a sum of two activations. A sum with a
/// weight is a bias: part of what stands in front of it.
void CallAnalyzer::addSum(std::size_t index) {
  const Computation &computation = call_.computations[index];
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.freeReason != FreeReason::None)
    return;
  const ValueExpr &value = stripCasts(*computation.value);
  if (value.kind != ValueExpr::Kind::Binary || value.name != "+")
    return;
  auto sum = twoLoads(index, stripCasts(*value.operands[0]), stripCasts(*value.operands[1]));
  if (!sum)
    return;
  for (const Contraction::Operand &operand : sum->operands)
    if (operand.origin != TensorOrigin::Activation || !isKnownBefore(operand.access.tensor, index))
      return;
  sum->form = ContractionForm::Sum;
  sum->kind = OperatorKind::ElementWise;
  // Not split into groups: a stride would look like one, and no element-wise sum has groups.
  sum->axes = computation.axes;
  call_.sums.push_back(std::move(*sum));
}

/// Which axes occur in which dimension of an operand; also where an index is not affine.
std::vector<std::vector<bool>> occurrences(const std::vector<IndexExprPtr> &indices,
                                           const AffineIndices &affine, std::size_t axisCount) {
  std::vector<std::vector<bool>> result;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    std::vector<bool> &axes = result.emplace_back(axisCount, false);
    if (affine[d]) {
      for (std::size_t a = 0; a < axisCount; ++a)
        axes[a] = affine[d]->coefficients[a] != 0;
    } else {
      forEachAxis(*indices[d], [&](std::size_t a) { axes[a] = true; });
    }
  }
  return result;
}

bool occursAnywhere(const std::vector<std::vector<bool>> &dimensions, std::size_t axis) {
  return std::any_of(dimensions.begin(), dimensions.end(),
                     [&](const std::vector<bool> &axes) { return axes[axis]; });
}

OperatorKind CallAnalyzer::contractionKind(const Contraction &contraction) const {
  const Computation &computation = call_.computations[contraction.computation];
  const std::vector<Axis> &axes = computation.axes;
  std::vector<std::vector<bool>> operands[2];
  for (std::size_t o = 0; o < 2; ++o)
    operands[o] = occurrences(contraction.operands[o].access.indices,
                              contraction.operands[o].affine, axes.size());
  auto output = occurrences(computation.writeIndices, contraction.outputAffine, axes.size());
  auto isReduction = [&](std::size_t a) { return axes[a].kind == Axis::Kind::Reduction; };

  // A window is a dimension of one operand that a position in the output and an axis of the kernel
  // share, the latter occurring in the other operand and the former not.
  std::size_t windows = 0;
  std::vector<bool> inWindow(axes.size(), false);
  for (std::size_t o = 0; o < 2; ++o) {
    for (const std::vector<bool> &dimension : operands[o]) {
      std::optional<std::size_t> position;
      std::optional<std::size_t> tap;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if (!dimension[a])
          continue;
        bool inOther = occursAnywhere(operands[1 - o], a);
        if (isReduction(a) && inOther)
          tap = a;
        else if (!isReduction(a) && !inOther)
          position = a;
      }
      if (!position || !tap)
        continue;
      ++windows;
      inWindow[*tap] = true;
    }
  }
  bool sharesAxis = false; // an axis of the output that both operands have
  bool reducesChannels = false;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (axes[a].extent == 1)
      continue;
    if (isReduction(a))
      reducesChannels = reducesChannels || !inWindow[a];
    else
      sharesAxis = sharesAxis || (occursAnywhere(output, a) && occursAnywhere(operands[0], a) &&
                                  occursAnywhere(operands[1], a));
  }
  if (windows > 0) {
    if (sharesAxis && !reducesChannels)
      return OperatorKind::DepthwiseConvolution;
    constexpr OperatorKind kinds[] = {OperatorKind::Convolution1D, OperatorKind::Convolution2D,
                                      OperatorKind::Convolution3D};
    return windows <= std::size(kinds) ? kinds[windows - 1] : OperatorKind::Other;
  }
  if (sharesAxis)
    return OperatorKind::BatchMatMul;
  bool hasWeight = contraction.operands[0].origin == TensorOrigin::Weight ||
                   contraction.operands[1].origin == TensorOrigin::Weight;
  return hasWeight ? OperatorKind::Dense : OperatorKind::MatMul;
}

// ---------------------------------------------------------------------------------------------
// Kinds

void CallAnalyzer::setFreeReason() {
  bool allWeightOnly = true;
  bool allFree = true;
  bool reshapes = false;
  for (const Computation &computation : call_.computations) {
    allWeightOnly = allWeightOnly && computation.freeReason == FreeReason::WeightOnly;
    allFree = allFree && computation.freeReason != FreeReason::None;
    reshapes = reshapes || computation.freeReason == FreeReason::Reshape;
  }
  if (allWeightOnly)
    call_.freeReason = FreeReason::WeightOnly;
  else if (allFree)
    call_.freeReason = reshapes ? FreeReason::Reshape : FreeReason::Alias;
}

/// Whether stage \p index reduces over a window: one dimension of what it reads has a position in
/// the output and a reduction axis.
bool CallAnalyzer::hasWindow(std::size_t index) const {
  const Computation &computation = call_.computations[index];
  for (const Access &access : computation.accesses) {
    for (const IndexExprPtr &indexExpr : access.indices) {
      bool hasPosition = false;
      bool hasTap = false;
      forEachAxis(*indexExpr, [&](std::size_t a) {
        bool reduces = computation.axes[a].kind == Axis::Kind::Reduction;
        (reduces ? hasTap : hasPosition) = true;
      });
      if (hasPosition && hasTap)
        return true;
    }
  }
  return false;
}

bool CallAnalyzer::isSoftmax() const {
  bool hasMax = false;
  bool hasSum = false;
  bool hasExp = false;
  for (const Computation &computation : call_.computations) {
    hasMax = hasMax || computation.combiner == Combiner::Max;
    hasSum = hasSum || computation.combiner == Combiner::Sum;
    forEachNode(*computation.value, [&](const ValueExpr &node) {
      hasExp = hasExp || (node.kind == ValueExpr::Kind::Unary && node.name == "exp");
    });
  }
  return hasMax && hasSum && hasExp;
}

/// Whether \p value is one of several loads or constants, untouched.
bool CallAnalyzer::onlyMoves(const ValueExpr &value) {
  if (value.kind == ValueExpr::Kind::Select)
    return onlyMoves(*value.operands[1]) && onlyMoves(*value.operands[2]);
  return value.kind == ValueExpr::Kind::Load || value.kind == ValueExpr::Kind::Constant;
}

OperatorKind CallAnalyzer::kind() const {
  if (call_.freeReason != FreeReason::None)
    return OperatorKind::Free;
  if (const Contraction *contraction = call_.contraction())
    return contraction->kind;
  bool isOpaque = false;
  bool moves = true;
  std::optional<OperatorKind> reduction;
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    const Computation &computation = call_.computations[i];
    if (computation.freeReason != FreeReason::None)
      continue;
    isOpaque = isOpaque || !computation.opaqueReason.empty();
    moves = moves && computation.combiner == Combiner::None && onlyMoves(*computation.value);
    if (computation.combiner == Combiner::None)
      continue;
    OperatorKind found = OperatorKind::Reduction;
    if (hasWindow(i) && computation.combiner == Combiner::Max)
      found = OperatorKind::MaxPool;
    else if (hasWindow(i) && computation.combiner == Combiner::Sum)
      found = OperatorKind::AveragePool;
    // Several reductions of different kinds have no better name.
    reduction = reduction && *reduction != found ? OperatorKind::Reduction : found;
  }
  if (isOpaque)
    return OperatorKind::Other;
  if (reduction)
    return isSoftmax() ? OperatorKind::Softmax : *reduction;
  return moves ? OperatorKind::DataMovement : OperatorKind::ElementWise;
}

// ---------------------------------------------------------------------------------------------
// Traffic

void CallAnalyzer::setBytes() {
  if (call_.freeReason != FreeReason::None)
    return;
  std::map<std::pair<bool, std::uint32_t>, std::vector<DimensionCover>> covers;
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    const Computation &computation = call_.computations[i];
    // Padding moves nothing by itself: its readers look through it.
    bool isLookedThrough = paddings_[i] && computation.written.isLocal;
    if (computation.freeReason == FreeReason::WeightOnly || isLookedThrough)
      continue;
    for (const Access &access : computation.accesses) {
      Access source = resolve(access, i).access;
      const Tensor &read = tensor(source.tensor);
      if (source.tensor.isLocal && read.origin == TensorOrigin::Activation)
        continue;
      auto &cover = covers[{source.tensor.isLocal, source.tensor.index}];
      cover.resize(read.shape.size());
      AffineIndices affine = affineForms(source.indices, computation.axes);
      for (std::size_t d = 0; d < read.shape.size(); ++d)
        cover[d].add(affine[d], computation.axes, read.shape[d]);
    }
  }
  for (const auto &[key, dimensions] : covers) {
    Tensor covered = tensor({key.first, key.second});
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      covered.shape[d] = dimensions[d].count();
    call_.bytesRead += covered.byteCount();
  }
  for (TensorRef output : call_.outputs)
    call_.bytesWritten += tensor(output).byteCount();
}

std::optional<AnalysisError> CallAnalyzer::run() {
  findWriters();
  setOrigins();
  findPadding();
  call_.macs = 0;
  call_.contractions.clear();
  call_.sums.clear();
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    call_.computations[i].freeReason = reasonOf(i);
    if (!addContraction(i))
      return AnalysisError{call_.range, "the number of multiply-accumulates"};
  }
  setFreeReason();
  call_.kind = kind();
  if (call_.kind == OperatorKind::ElementWise)
    for (std::size_t i = 0; i < call_.computations.size(); ++i)
      addSum(i);
  setBytes();
  return std::nullopt;
}

} // namespace

bool isAxisPlus(const std::optional<AffineIndex> &index, std::size_t axis, std::int64_t offset,
                const std::vector<Axis> &axes) {
  if (!index || index->constant != offset)
    return false;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent != 1 && index->coefficients[a] != (a == axis ? 1 : 0))
      return false;
  return true;
}

std::optional<std::vector<std::size_t>> plainWrite(const Computation &computation,
                                                   const std::vector<std::int64_t> &shape) {
  if (computation.axes.size() != shape.size() || computation.writeIndices.size() != shape.size())
    return std::nullopt;
  std::vector<std::size_t> order;
  std::vector<bool> used(shape.size(), false);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const IndexExpr &index = *computation.writeIndices[d];
    std::size_t axis = d;
    if (index.kind == IndexExpr::Kind::Axis)
      axis = static_cast<std::size_t>(index.value);
    else if (index.kind != IndexExpr::Kind::Constant || index.value != 0 || shape[d] != 1)
      return std::nullopt;
    if (used[axis] || computation.axes[axis].extent != shape[d])
      return std::nullopt;
    used[axis] = true;
    order.push_back(axis);
  }
  return order;
}

std::optional<Padding> paddingOf(const Computation &computation,
                                 const std::vector<std::int64_t> &sourceShape,
                                 const std::vector<std::int64_t> &writtenShape) {
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.accesses.size() != 1 || sourceShape.size() != writtenShape.size())
    return std::nullopt;
  auto order = plainWrite(computation, writtenShape);
  if (!order)
    return std::nullopt;
  Bounds bounds;
  for (const Axis &axis : computation.axes) {
    bounds.low.push_back(0);
    bounds.high.push_back(axis.extent);
  }
  const ValueExpr *load = computation.value.get();
  Padding padding;
  if (load->kind == ValueExpr::Kind::Select) {
    if (load->operands[2]->kind != ValueExpr::Kind::Constant ||
        !addBounds(*load->operands[0], bounds))
      return std::nullopt;
    padding.fill = load->operands[2]->number;
    load = load->operands[1].get();
  }
  if (load->kind != ValueExpr::Kind::Load)
    return std::nullopt;
  const Access &access = computation.accesses[0];
  padding.source = access.tensor;
  for (std::size_t d = 0; d < sourceShape.size(); ++d) {
    std::size_t axis = (*order)[d];
    std::int64_t low = bounds.low[axis];
    std::int64_t high = bounds.high[axis];
    if (low < 0 || high > writtenShape[d] || high - low != sourceShape[d] ||
        !isAxisPlus(affineForm(*access.indices[d], computation.axes), axis, -low, computation.axes))
      return std::nullopt;
    padding.before.push_back(low);
    padding.after.push_back(writtenShape[d] - high);
  }
  return padding;
}

std::optional<std::int64_t> checkedProduct(const std::vector<std::int64_t> &values) {
  std::optional<std::int64_t> product = 1;
  for (std::int64_t value : values)
    product = product ? checkedMul(*product, value) : std::nullopt;
  return product;
}

std::optional<AnalysisError> analyze(Workload &workload) {
  std::optional<std::int64_t> macs = 0;
  std::int64_t evaluationsLeft = 1'000'000'000;
  for (Call &call : workload.calls) {
    if (auto error = CallAnalyzer(workload, call, evaluationsLeft).run())
      return error;
    macs = checkedAdd(*macs, call.macs);
    if (!macs)
      return AnalysisError{call.range, "the number of multiply-accumulates"};
  }
  return std::nullopt;
}

} // namespace acadlc::workload
