#include "structure/Analysis.h"

#include "structure/Contraction.h"
#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"
#include "structure/Operators.h"
#include "structure/Product.h"
#include "structure/SplitAxes.h"
#include "structure/CallStructure.h"
#include "structure/Traffic.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace acadlc::workload {

namespace {

/// Sets the bytes that \p call, of \p structure, reads and writes.
void countBytes(const Workload &workload, Call &call, const CallStructure &structure) {
  call.bytesRead = 0;
  call.bytesWritten = 0;
  if (call.freeReason != FreeReason::None)
    return;
  std::vector<std::size_t> stages(call.computations.size());
  std::iota(stages.begin(), stages.end(), std::size_t{0});
  call.bytesRead = bytesRead(call, structure, stages, [&](TensorRef reference) {
    return !reference.isLocal || tensorOf(workload, call, reference).origin == TensorOrigin::Weight;
  });
  // What depends on weights alone is written when the network is compiled.
  for (const TensorRef output : call.outputs)
    if (workload.tensors[output.index].origin == TensorOrigin::Activation)
      call.bytesWritten += bytesWritten(call, structure, stages, output);
}

/// Fills the derived members of one call.
class CallAnalyzer {
public:
  /// \p evaluationsLeft bounds the work of all calls for comparing reshapes point by point.
  CallAnalyzer(const Workload &workload, Call &call, std::int64_t &evaluationsLeft)
      : workload_(workload), call_(call), structure_(workload, call),
        evaluationsLeft_(evaluationsLeft) {}

  std::optional<AnalysisError> run();

private:
  [[nodiscard]] const Tensor &tensor(TensorRef reference) const {
    return tensorOf(workload_, call_, reference);
  }
  [[nodiscard]] bool isActivation(TensorRef reference) const {
    return tensor(reference).origin == TensorOrigin::Activation;
  }
  [[nodiscard]] bool readsActivation(const Computation &computation) const;
  void setOrigins();
  [[nodiscard]] FreeReason reasonOf(std::size_t index) const;
  [[nodiscard]] bool keepsOrder(const Computation &computation) const;

  [[nodiscard]] std::optional<Contraction> twoReads(std::size_t index, std::size_t left,
                                                    std::size_t right) const;
  bool addContraction(std::size_t index);
  bool addProducts(const Computation &computation);
  void addSum(std::size_t index);

  void setFreeReason();

  const Workload &workload_;
  Call &call_;
  CallStructure structure_;
  std::int64_t &evaluationsLeft_;
};

// ---------------------------------------------------------------------------------------------
// Origins and free stages

bool CallAnalyzer::readsActivation(const Computation &computation) const {
  return std::any_of(computation.accesses.begin(), computation.accesses.end(),
                     [&](const Access &access) { return isActivation(access.tensor); });
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

/// Whether \p position, the place of an element in memory, takes each number below \p count once:
/// its terms are digits of the place.
bool numbersAll(const AffineIndex &position, const std::vector<Axis> &axes, std::int64_t count) {
  std::vector<std::pair<std::int64_t, std::int64_t>> digits; // value and number of them
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a].extent != 1)
      digits.emplace_back(position.coefficients[a], axes[a].extent);
  std::sort(digits.begin(), digits.end());
  std::int64_t reached = 1;
  for (const auto &[value, extent] : digits) {
    if (value != reached || extent > count / reached)
      return false;
    reached *= extent;
  }
  return position.constant == 0 && reached == count;
}

/// Whether \p computation copies all elements of one tensor to another in the order of memory.
bool CallAnalyzer::keepsOrder(const Computation &computation) const {
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.body || computation.accesses.size() != 1 ||
      computation.value->kind != ValueExpr::Kind::Load)
    return false;
  const Access &access = computation.accesses[0];
  const Tensor &source = tensor(access.tensor);
  const Tensor &written = tensor(computation.written);
  if (source.elementType != written.elementType || source.elementCount() != written.elementCount())
    return false;
  const IndexExprPtr from = flatIndex(access.indices, source.shape);
  const IndexExprPtr to = flatIndex(computation.writeIndices, written.shape);
  auto fromForm = affineFormOfDigits(*from, computation.axes);
  auto toForm = affineForm(*to, computation.axes);
  if (!toForm || !numbersAll(*toForm, computation.axes, written.elementCount()))
    return false;
  if (fromForm) {
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
  const auto &padding = structure_.padding(index);
  if (padding && padding->isIdentity())
    return computation.written.isLocal ? FreeReason::IdentityPad : FreeReason::Alias;
  return keepsOrder(computation) ? FreeReason::Reshape : FreeReason::None;
}

// ---------------------------------------------------------------------------------------------
// Contractions

/// The contraction of stage \p index with these accesses as operands, without kind and macs and
/// before axes are split. None if they read the same.
std::optional<Contraction> CallAnalyzer::twoReads(std::size_t index, std::size_t left,
                                                  std::size_t right) const {
  const Computation &computation = call_.computations[index];
  Contraction contraction;
  contraction.computation = index;
  contraction.resultType = tensor(computation.written).elementType;
  contraction.outputAffine = affineForms(computation.writeIndices, computation.axes);
  contraction.resultShape = tensor(computation.written).shape;
  for (const std::size_t access : {left, right}) {
    Contraction::Operand operand = structure_.resolve(computation.accesses[access], index);
    operand.affine = affineForms(operand.access.indices, computation.axes);
    operand.shape = tensor(operand.access.tensor).shape;
    contraction.operands.push_back(std::move(operand));
  }
  if (isSameElement(contraction.operands[0].access, contraction.operands[1].access))
    return std::nullopt;
  return contraction;
}

/// As far as the indices of a guarded read leave its tensor, it is padded.
void addGuardedPadding(const std::vector<Axis> &axes, double outside,
                       Contraction::Operand &operand) {
  Padding padding;
  padding.fill = outside;
  padding.source = operand.access.tensor;
  for (std::size_t d = 0; d < operand.shape.size(); ++d) {
    const auto range = operand.affine[d] ? rangeOf(*operand.affine[d], axes) : std::nullopt;
    if (!range)
      return;
    padding.before.push_back(range->low < 0 ? -range->low : 0);
    padding.after.push_back(std::max<std::int64_t>(range->high - (operand.shape[d] - 1), 0));
  }
  if (!padding.isIdentity())
    operand.padding = std::move(padding);
}

/// Counts the multiply-accumulates of a sum of several products, or of products of several tensors.
/// False if they leave 64 bits.
bool CallAnalyzer::addProducts(const Computation &computation) {
  const auto macs = checkedMul(computation.points, productsIn(computation).macs);
  const auto sum = macs ? checkedAdd(call_.macs, *macs) : std::nullopt;
  call_.macs = sum.value_or(call_.macs);
  return sum.has_value();
}

/// Adds a contraction if stage \p index is a sum of products of two different loads. False if its
/// multiply-accumulates leave 64 bits.
bool CallAnalyzer::addContraction(std::size_t index) {
  const Computation &computation = call_.computations[index];
  if (computation.freeReason == FreeReason::WeightOnly)
    return true;
  const auto product = productOf(computation);
  auto contraction = product
                         ? twoReads(index, product->factors[0].access, product->factors[1].access)
                         : std::nullopt;
  if (!contraction)
    return product.has_value() || addProducts(computation);
  // Tensor-expression code writes the padding of a tensor into the product; the positions that the
  // condition guards are those outside.
  for (std::size_t i = 0; i < 2; ++i) {
    Contraction::Operand &operand = contraction->operands[i];
    const Product::Factor &factor = product->factors[i];
    // What is multiplied where the tensor is padded has its zero point subtracted.
    if (operand.padding && factor.isComputed && !(factor.keepsZero && operand.padding->fill == 0))
      operand.padding->fill = std::numeric_limits<double>::quiet_NaN();
    if (operand.padding)
      operand.padding->fill += factor.offset;
    if (factor.isGuarded)
      addGuardedPadding(computation.axes, factor.outside, operand);
  }
  contraction->hasZeroPoints = product->hasZeroPoints;
  contraction->isScaled = product->isScaled;
  contraction->isComputed = product->isComputed;
  contraction->macs = computation.points;
  splitGroups(computation, *contraction);
  contraction->kind = contractionKind(computation, *contraction);
  auto sum = checkedAdd(call_.macs, contraction->macs);
  if (!sum)
    return false;
  call_.macs = *sum;
  call_.contractions.push_back(std::move(*contraction));
  return true;
}

/// Adds stage \p index if it is a sum of two activations. A sum with a weight is a bias: part of
/// what stands in front of it.
void CallAnalyzer::addSum(std::size_t index) {
  const Computation &computation = call_.computations[index];
  if (computation.combiner != Combiner::None || !computation.opaqueReason.empty() ||
      computation.freeReason != FreeReason::None)
    return;
  const ValueExpr &value = stripCasts(*computation.value);
  if (value.kind != ValueExpr::Kind::Binary || value.name != "+")
    return;
  const ValueExpr &left = stripCasts(*value.operands[0]);
  const ValueExpr &right = stripCasts(*value.operands[1]);
  if (left.kind != ValueExpr::Kind::Load || right.kind != ValueExpr::Kind::Load)
    return;
  auto sum = twoReads(index, left.value, right.value);
  if (!sum)
    return;
  for (const Contraction::Operand &operand : sum->operands)
    if (operand.origin != TensorOrigin::Activation)
      return;
  sum->form = ContractionForm::Sum;
  sum->kind = OperatorKind::ElementWise;
  // Not split into groups: a stride would look like one, and no element-wise sum has groups.
  sum->axes = computation.axes;
  call_.sums.push_back(std::move(*sum));
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

std::optional<AnalysisError> CallAnalyzer::run() {
  setOrigins();
  call_.macs = 0;
  call_.contractions.clear();
  call_.sums.clear();
  for (std::size_t i = 0; i < call_.computations.size(); ++i) {
    call_.computations[i].freeReason = reasonOf(i);
    if (!addContraction(i))
      return AnalysisError{call_.range, "the number of multiply-accumulates"};
  }
  setFreeReason();
  for (std::size_t i = 0; i < call_.computations.size(); ++i)
    addSum(i);
  countBytes(workload_, call_, structure_);
  return std::nullopt;
}

} // namespace

void countBytes(const Workload &workload, Call &call) {
  countBytes(workload, call, CallStructure(workload, call));
}

namespace {

/// Whether \p sum is a step of a main operator, e.g. of a norm.
bool isPartOfMain(const Call &call, const Contraction &sum) {
  return std::any_of(call.operators.begin(), call.operators.end(), [&](const Operator &found) {
    return found.part == OperatorPart::Main && std::find(found.stages.begin(), found.stages.end(),
                                                         sum.computation) != found.stages.end();
  });
}

/// Of several results of a call some may depend on weights alone, and so may all of a call behind
/// it. What no stage writes stays what it is.
void setOutputOrigins(Workload &workload, const Call &call) {
  const bool onlyWeights =
      std::all_of(call.inputs.begin(), call.inputs.end(), [&](TensorRef input) {
        return workload.tensors[input.index].origin == TensorOrigin::Weight;
      });
  if (call.outputs.size() < 2 && !onlyWeights)
    return;
  std::vector<TensorOrigin> locals(call.locals.size(), TensorOrigin::Weight);
  const auto originOf = [&](TensorRef tensor) -> TensorOrigin & {
    return tensor.isLocal ? locals[tensor.index] : workload.tensors[tensor.index].origin;
  };
  const auto forEachWritten = [&](const Computation &computation, const auto &visit) {
    visit(originOf(computation.written));
    for (const TensorRef also : computation.alsoWritten)
      visit(originOf(also));
  };
  for (const Computation &computation : call.computations)
    forEachWritten(computation, [](TensorOrigin &origin) { origin = TensorOrigin::Weight; });
  for (const Computation &computation : call.computations)
    if (std::any_of(computation.accesses.begin(), computation.accesses.end(),
                    [&](const Access &access) {
                      return originOf(access.tensor) == TensorOrigin::Activation;
                    }))
      forEachWritten(computation, [](TensorOrigin &origin) { origin = TensorOrigin::Activation; });
}

} // namespace

std::optional<AnalysisError> analyze(Workload &workload) {
  std::optional<std::int64_t> macs = 0;
  std::int64_t evaluationsLeft = 1'000'000'000;
  for (Call &call : workload.calls) {
    setOutputOrigins(workload, call);
    if (auto error = CallAnalyzer(workload, call, evaluationsLeft).run())
      return error;
    macs = checkedAdd(*macs, call.macs);
    if (!macs)
      return AnalysisError{call.range, "the number of multiply-accumulates"};
  }
  findOperators(workload);
  for (Call &call : workload.calls)
    std::erase_if(call.sums, [&](const Contraction &sum) { return isPartOfMain(call, sum); });
  return std::nullopt;
}

} // namespace acadlc::workload
