#include "structure/Operators.h"

#include "structure/Analysis.h"
#include "structure/ReductionBody.h"
#include "structure/Chain.h"
#include "structure/Contraction.h"
#include "structure/Dimensions.h"
#include "ir/WorkloadExpr.h"
#include "structure/Naming.h"
#include "structure/Product.h"
#include "structure/Reduction.h"
#include "structure/Statistics.h"
#include "structure/CallStructure.h"
#include "structure/Traffic.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

namespace acadlc::workload {

namespace {

/// Names a tensor in sets and maps.
using TensorKey = std::pair<bool, std::uint32_t>;
TensorKey keyOf(TensorRef tensor) { return {tensor.isLocal, tensor.index}; }

//===--- One call -----------------------------------------------------------------------------===//

/// Whether \p value is not modelled in full.
bool isUnknown(const ValueExpr &value) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) { found |= node.kind == ValueExpr::Kind::Opaque; });
  return found;
}

/// What \p value of \p body reads.
std::vector<const Access *> readsIn(const ValueExpr &value, const StageBody &body) {
  std::vector<const Access *> reads;
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.kind == ValueExpr::Kind::Load)
      reads.push_back(&body.accesses[node.value]);
  });
  return reads;
}

/// Whether \p value of \p body multiplies different elements that it reads: a square is no product.
bool multipliesReads(const ValueExpr &value, const StageBody &body) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    if (node.kind != ValueExpr::Kind::Binary || node.name != "*")
      return;
    const std::vector<const Access *> left = readsIn(*node.operands[0], body);
    const std::vector<const Access *> right = readsIn(*node.operands[1], body);
    found = found || std::any_of(left.begin(), left.end(), [&](const Access *one) {
              return std::any_of(right.begin(), right.end(),
                                 [&](const Access *other) { return !isSameElement(*one, *other); });
            });
  });
  return found;
}

/// Whether one of \p statements of \p body computes what is not modelled, or sums up products
/// beside others.
bool hidesProducts(const std::vector<StageStatement> &statements, const StageBody &body) {
  return std::any_of(statements.begin(), statements.end(), [&](const StageStatement &statement) {
    if (hidesProducts(statement.then, body) || hidesProducts(statement.otherwise, body))
      return true;
    if (statement.value == nullptr)
      return false;
    return isUnknown(*statement.value) ||
           (statement.combiner == Combiner::Sum && multipliesReads(*statement.value, body));
  });
}

/// Whether \p computation may have multiply-accumulates that no count of products sees.
bool hidesProducts(const Computation &computation) {
  if (computation.opaqueReason.empty() || computation.sumsNoProducts || productOf(computation) ||
      productsIn(computation).products > 0)
    return false;
  if (computation.body)
    return hidesProducts(computation.body->statements, *computation.body);
  return computation.value == nullptr || isUnknown(*computation.value);
}

class OperatorFinder {
public:
  OperatorFinder(const Workload &workload, const TensorUses &uses, std::size_t index)
      : workload_(workload), uses_(uses), index_(index), call_(workload.calls[index]),
        structure_(workload, call_), flow_(call_, structure_), owner_(call_.computations.size()) {
    for (std::size_t i = 0; i < call_.computations.size(); ++i)
      for (const Access &access : stage(i).accesses)
        readersOfTensor_[keyOf(access.tensor)].push_back(i);
  }

  std::vector<Operator> find() {
    if (call_.freeReason != FreeReason::None) {
      addFree();
      return std::move(operators_);
    }
    addFolded();
    for (const Contraction &contraction : call_.contractions)
      addContraction(contraction);
    addReductions();
    addElementWise();
    addMovements();
    adoptPadding();
    complete();
    return std::move(operators_);
  }

private:
  [[nodiscard]] const Computation &stage(std::size_t index) const {
    return call_.computations[index];
  }
  /// Takes time, and belongs to no operator so far.
  [[nodiscard]] bool isOpen(std::size_t index) const {
    return stage(index).freeReason == FreeReason::None && !owner_[index] &&
           !structure_.isLookedThrough(index);
  }
  [[nodiscard]] bool isReduction(std::size_t index) const {
    return stage(index).combiner != Combiner::None;
  }

  struct Readers {
    Stages stages; ///< in text order
    bool hasOutside = false;
  };
  /// Who reads \p tensor. Copies within the call that cost nothing are other names of it.
  [[nodiscard]] Readers readersOf(TensorRef tensor) const {
    Readers readers;
    std::vector<TensorRef> names = {tensor};
    for (std::size_t n = 0; n < names.size(); ++n) {
      readers.hasOutside = readers.hasOutside || !names[n].isLocal;
      const auto found = readersOfTensor_.find(keyOf(names[n]));
      if (found == readersOfTensor_.end())
        continue;
      for (const std::size_t reader : found->second)
        if (stage(reader).freeReason == FreeReason::IdentityPad)
          names.push_back(stage(reader).written);
        else
          readers.stages.push_back(reader);
    }
    std::sort(readers.stages.begin(), readers.stages.end());
    return readers;
  }

  void add(Operator found) {
    std::sort(found.stages.begin(), found.stages.end());
    for (const std::size_t index : found.stages)
      owner_[index] = operators_.size();
    operators_.push_back(std::move(found));
  }

  /// Open stages for which \p isMeant holds, joined where one reads the other; in text order.
  template <typename Predicate> [[nodiscard]] std::vector<Stages> components(Predicate isMeant) {
    const std::size_t count = call_.computations.size();
    Stages root(count);
    std::iota(root.begin(), root.end(), std::size_t{0});
    const auto rootOf = [&](std::size_t index) {
      while (root[index] != index)
        index = root[index] = root[root[index]];
      return index;
    };
    const auto isIn = [&](std::size_t index) { return isOpen(index) && isMeant(index); };
    for (std::size_t i = 0; i < count; ++i)
      if (isIn(i))
        for (const std::size_t source : flow_.sources(i))
          if (isIn(source))
            root[std::max(rootOf(i), rootOf(source))] = std::min(rootOf(i), rootOf(source));
    std::vector<Stages> byRoot(count);
    for (std::size_t i = 0; i < count; ++i)
      if (isIn(i))
        byRoot[rootOf(i)].push_back(i);
    std::erase_if(byRoot, [](const Stages &stages) { return stages.empty(); });
    return byRoot;
  }

  //===--- Kinds ------------------------------------------------------------------------------===//

  /// All stages of a call that costs nothing, as one.
  void addFree() {
    Operator found;
    found.part = OperatorPart::Free;
    found.freeReason = call_.freeReason;
    for (std::size_t i = 0; i < call_.computations.size(); ++i)
      found.stages.push_back(i);
    if (found.stages.empty()) {
      operators_.push_back(std::move(found));
      return;
    }
    const auto all = [&](auto holds) {
      return std::all_of(call_.computations.begin(), call_.computations.end(), holds);
    };
    const std::size_t last = found.stages.back();
    if (all(onlyMoves)) {
      found.kind = OperatorKind::DataMovement;
      found.detail = call_.freeReason == FreeReason::Reshape
                         ? "reshape"
                         : movementName(call_, structure_, last);
    } else if (all([](const Computation &c) { return c.combiner == Combiner::None; })) {
      found.kind = OperatorKind::ElementWise;
      found.detail = elementWiseName(call_, structure_, found.stages);
    } else {
      found.kind = OperatorKind::Reduction;
    }
    setShape(found, last);
    setTensors(found);
    operators_.push_back(std::move(found));
  }

  /// The stages of a fused function that a batch norm before them has been folded into.
  void addFolded() {
    Operator found;
    found.kind = OperatorKind::ElementWise;
    found.part = OperatorPart::Free;
    found.freeReason = FreeReason::BatchNorm;
    for (std::size_t i = 0; i < call_.computations.size(); ++i)
      if (stage(i).freeReason == FreeReason::BatchNorm)
        found.stages.push_back(i);
    if (found.stages.empty())
      return;
    found.detail = elementWiseName(call_, structure_, found.stages);
    setShape(found, found.stages.back());
    add(std::move(found));
  }

  /// Whether data says which elements are multiplied: a weight matrix for each row, say.
  static bool isChosenByData(const Contraction &contraction) {
    return std::any_of(contraction.operands.begin(), contraction.operands.end(),
                       [](const Contraction::Operand &operand) {
                         return std::any_of(operand.access.indices.begin(),
                                            operand.access.indices.end(), dependsOnData);
                       });
  }
  static bool dependsOnData(const IndexExprPtr &index) {
    return index->kind == IndexExpr::Kind::Opaque || (index->left && dependsOnData(index->left)) ||
           (index->right && dependsOnData(index->right));
  }

  /// What is done beside multiplying and adding.
  [[nodiscard]] std::string contractionDetail(const Contraction &contraction) const {
    std::string detail;
    const auto name = [&](bool holds, std::string_view what) {
      if (holds)
        detail += (detail.empty() ? "" : ", ") + std::string(what);
    };
    const Computation &computation = stage(contraction.computation);
    name(contraction.hasZeroPoints, "zero points");
    name(contraction.isScaled, "scale");
    name(contraction.isComputed, "computed factor");
    name(isChosenByData(contraction), "gather");
    name(isConditional(computation, contraction), "condition");
    name(startsFromData(computation), "initial values");
    return detail;
  }

  /// How far the dimensions of \p split, which are those of \p shape but for those that groups
  /// split in two, are spread; none if one of these is.
  static std::optional<std::vector<std::int64_t>>
  splitFactors(const std::vector<std::int64_t> &spread, const std::vector<std::int64_t> &shape,
               const std::vector<std::int64_t> &split) {
    std::vector<std::int64_t> factors;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (factors.size() == split.size())
        return std::nullopt;
      const bool isSplit = split[factors.size()] != shape[d];
      if (isSplit && spread[d] != 1)
        return std::nullopt;
      factors.insert(factors.end(), isSplit ? 2 : 1, spread[d]);
    }
    return factors.size() == split.size() ? std::optional(std::move(factors)) : std::nullopt;
  }

  void addContraction(const Contraction &contraction) {
    Operator found;
    found.part = OperatorPart::Main;
    found.stages = {contraction.computation};
    describeContraction(stage(contraction.computation), contraction, found);
    found.detail = contractionDetail(contraction);
    const ContractionRoles roles = rolesOf(stage(contraction.computation), contraction);
    const Contraction::Operand &input = contraction.operands[roles.input];
    const auto writer = input.access.tensor.isLocal ? structure_.writerOf(input.access.tensor)
                                                    : std::optional<std::size_t>();
    const auto spread = writer && !owner_[*writer]
                            ? spreadOf(stage(*writer), structure_.tensor(input.access.tensor))
                            : std::nullopt;
    const auto factors =
        spread ? splitFactors(*spread, structure_.tensor(input.access.tensor).shape, input.shape)
               : std::nullopt;
    if (factors) {
      found.kind = transposed(found.kind);
      found.stages.push_back(*writer);
      for (std::size_t w = 0; w < roles.windows.size(); ++w) {
        const ContractionWindow &window = roles.windows[w];
        found.stride[w] = (*factors)[window.dimension];
        // As the field counts it: what is cut off the full result.
        const std::int64_t reach = window.dilation * (window.taps - 1);
        found.before[w] = reach - found.before[w];
        found.after[w] = reach - found.after[w];
      }
    }
    add(std::move(found));
  }

  void addReductions() {
    for (std::size_t i = 0; i < call_.computations.size(); ++i)
      if (isReduction(i) && isOpen(i) && !addSoftmax(i) && !addNorm(i))
        addReduction(i);
  }

  /// N results of K elements each.
  void setReduced(Operator &found, std::size_t reduction) const {
    found.dims = {{"N", extentOf(stage(reduction), Axis::Kind::Spatial)},
                  {"K", extentOf(stage(reduction), Axis::Kind::Reduction)}};
  }

  [[nodiscard]] StageContext context() const {
    return {call_, structure_, flow_, [this](std::size_t index) { return isOpen(index); }};
  }

  /// The logarithm of the sum alone is a reduction.
  bool addSoftmax(std::size_t first) {
    auto softmax = softmaxOf(context(), first);
    if (!softmax)
      return false;
    const std::size_t sum = softmax->reductions.back();
    const bool hasLog =
        std::any_of(softmax->stages.begin(), softmax->stages.end(), [&](std::size_t index) {
          return index > sum && hasFunction(*stage(index).value, "log");
        });
    const bool isWhole = stage(softmax->stages.back()).points >= stage(sum).points;
    if (!isWhole && !hasLog)
      return false;
    Operator found;
    found.kind = !isWhole ? OperatorKind::Reduction
                 : hasLog ? OperatorKind::LogSoftmax
                          : OperatorKind::Softmax;
    found.detail = isWhole ? "" : "log_sum_exp";
    found.part = OperatorPart::Main;
    found.stages = std::move(softmax->stages);
    setReduced(found, sum);
    add(std::move(found));
    return true;
  }

  /// Statistics of the elements, and the elements made of mean 0 or length 1 by them.
  bool addNorm(std::size_t first) {
    auto norm = normOf(context(), first);
    if (!norm)
      return false;
    Operator found;
    found.part = OperatorPart::Main;
    found.kind = normKind(norm->stages, norm->reductions);
    found.stages = std::move(norm->stages);
    setReduced(found, norm->reductions.front());
    add(std::move(found));
    return true;
  }

  [[nodiscard]] OperatorKind normKind(const Stages &stages, const Stages &reductions) const {
    const Computation &statistic = stage(reductions.front());
    const Access &data = statistic.accesses.front();
    std::vector<NormDimension> dimensions = normDimensions(statistic, data);
    if (dimensions.size() > 1 && dimensions.front() == NormDimension::Reduced &&
        dimensions[1] != NormDimension::Reduced)
      return OperatorKind::BatchNorm;
    if (reductions.size() == 1 && statistic.combiner == Combiner::Sum)
      return OperatorKind::RmsNorm;
    if (std::find(dimensions.begin(), dimensions.end(), NormDimension::Grouped) != dimensions.end())
      return OperatorKind::GroupNorm;
    // No scale tells anything of a dimension of one element.
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      if (structure_.tensor(data.tensor).shape[d] == 1)
        dimensions[d] = NormDimension::Kept;
    const std::vector<bool> scaled = scaledDimensions(stages, dimensions.size());
    if (std::find(scaled.begin(), scaled.end(), true) == scaled.end())
      return isCutIntoGroups(reductions.front(), data) ? OperatorKind::GroupNorm
                                                       : OperatorKind::LayerNorm;
    return normKindByScale(dimensions, scaled);
  }

  /// A layer norm is scaled along all that it reduces, an instance norm along what it keeps, a
  /// group norm along what it keeps and reduces, or, of a single group, along a part of what it
  /// reduces.
  static OperatorKind normKindByScale(const std::vector<NormDimension> &dimensions,
                                      const std::vector<bool> &scaled) {
    bool scalesKept = false, scalesReduced = false, scalesAllReduced = true;
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      if (dimensions[d] == NormDimension::Reduced) {
        scalesReduced = scalesReduced || scaled[d];
        scalesAllReduced = scalesAllReduced && scaled[d];
      } else {
        scalesKept = scalesKept || (d > 0 && scaled[d]);
      }
    if (scalesKept)
      return scalesReduced ? OperatorKind::GroupNorm : OperatorKind::InstanceNorm;
    return scalesAllReduced ? OperatorKind::LayerNorm : OperatorKind::GroupNorm;
  }

  /// The dimensions of the normalised elements along which parameters scale or shift them: tensors
  /// of fewer dimensions that are not the norm's own. Dimensions of one element don't count.
  [[nodiscard]] std::vector<bool> scaledDimensions(const Stages &stages, std::size_t rank) const {
    const std::set<TensorKey> own = writtenBy(stages);
    std::vector<bool> scaled(rank, false);
    for (const std::size_t index : stages) {
      const Computation &computation = stage(index);
      if (isReduction(index) || computation.axes.size() != rank)
        continue;
      // A schedule may have put the axes in another order than the dimensions.
      const auto order = plainWrite(computation, structure_.tensor(computation.written).shape);
      std::vector<std::size_t> dimensionOf(rank);
      for (std::size_t d = 0; d < rank; ++d)
        dimensionOf[order && order->size() == rank ? order->at(d) : d] = d;
      for (const Access &access : computation.accesses) {
        const TensorRef parameter = structure_.behindCopies(access.tensor, index);
        if (own.contains(keyOf(parameter)) || access.indices.size() >= rank)
          continue;
        for (const IndexExprPtr &position : access.indices)
          forEachAxis(*position, [&](std::size_t a) {
            scaled[dimensionOf[a]] = scaled[dimensionOf[a]] || computation.axes[a].extent > 1;
          });
      }
    }
    return scaled;
  }

  /// Whether \p data, which stage \p reader of a norm reads, was reshaped to one dimension more in
  /// front of it: its channels were cut into groups.
  [[nodiscard]] bool isCutIntoGroups(std::size_t reader, const Access &data) const {
    const TensorRef source = structure_.behindCopies(data.tensor, reader);
    const auto writer = source.isLocal ? structure_.writerOf(source) : std::optional<std::size_t>();
    return writer && stage(*writer).freeReason == FreeReason::Reshape &&
           stage(*writer).accesses.front().indices.size() + 1 == data.indices.size();
  }

  void addReduction(std::size_t index) {
    Operator found;
    found.part = OperatorPart::Main;
    found.stages = {index};
    const bool isSum = stage(index).combiner == Combiner::Sum;
    const bool isAverage = isSum && isScaled(index);
    if (isAverage)
      for (const std::size_t reader : flow_.readers(index))
        if (isOpen(reader) && onlyScales(call_, reader))
          found.stages.push_back(reader);
    if (const auto pooling = poolingOf(call_, structure_, index))
      describePooling(*pooling, isSum, isAverage, found);
    else
      describeReduction(index, isAverage, found);
    if (isSum && isVariance(found))
      addRoot(found);
    add(std::move(found));
  }

  /// Whether \p found is a variance, divided or still to be divided.
  [[nodiscard]] bool isVariance(const Operator &found) const {
    return found.kind == OperatorKind::Reduction &&
           (found.detail == "variance" ||
            (found.stages.size() == 1 && isSquaredDifference(stage(found.stages.front()))));
  }

  /// The root of a variance that nobody else reads makes a standard deviation of it.
  void addRoot(Operator &found) const {
    const std::size_t last = *std::max_element(found.stages.begin(), found.stages.end());
    if (flow_.readers(last).size() != 1 || !isOpen(flow_.readers(last).front()))
      return;
    const Computation &root = stage(flow_.readers(last).front());
    const ValueExpr &value = stripCasts(*root.value);
    if (root.combiner != Combiner::None || root.accesses.size() != 1 ||
        value.kind != ValueExpr::Kind::Unary || value.name != "sqrt")
      return;
    const ValueExpr &inner = stripCasts(*value.operands[0]);
    const bool divides = inner.kind == ValueExpr::Kind::Binary && inner.name == "/" &&
                         stripCasts(*inner.operands[0]).kind == ValueExpr::Kind::Load;
    if (found.detail == "variance" ? inner.kind != ValueExpr::Kind::Load : !divides)
      return;
    found.stages.push_back(flow_.readers(last).front());
    found.detail = "std";
  }

  /// A mean of squared distances that are sums of nobody else.
  void addSquares(std::size_t index, Operator &result) const {
    const Stages &sources = flow_.sources(index);
    const bool isOwn = sources.size() == 1 && isOpen(sources.front()) &&
                       flow_.readers(sources.front()).size() == 1 &&
                       isSquaredDifference(stage(sources.front()));
    if (isOwn)
      result.stages.push_back(sources.front());
    if (isOwn || isSquaredDifference(stage(index)))
      result.detail = "variance";
  }

  void describeReduction(std::size_t index, bool isAverage, Operator &result) const {
    result.kind = OperatorKind::Reduction;
    setReduced(result, index);
    switch (stage(index).combiner) {
    case Combiner::Sum:
      describeSum(index, isAverage, result);
      break;
    case Combiner::Product:
      result.detail = "product";
      break;
    case Combiner::Max:
      result.detail = "max";
      break;
    case Combiner::Min:
      result.detail = "min";
      break;
    case Combiner::None:
    case Combiner::Opaque:
      result.kind = isPositionOfExtreme(stage(index)) ? OperatorKind::ArgMax : OperatorKind::Other;
      break;
    }
    if (startsFromData(stage(index)))
      result.detail += result.detail.empty() ? "initial values" : ", initial values";
  }

  void describeSum(std::size_t index, bool isAverage, Operator &result) const {
    result.detail = isAverage ? "mean" : "sum";
    if (isAverage)
      addSquares(index, result);
    const ProductCount count = productsIn(stage(index));
    if (count.products == 0)
      return;
    // The analysis of the call has seen that this fits.
    result.macs = stage(index).points * count.macs;
    result.detail +=
        " of " + (count.products == 1 ? "" : std::to_string(count.products) + " ") + "products";
    if (count.factors > 2)
      result.detail += " of " + std::string(count.products == 1 ? "" : "up to ") +
                       std::to_string(count.factors) + " tensors";
  }

  /// A reduction of pairs: a whole number (the position) beside an element.
  [[nodiscard]] bool isPositionOfExtreme(const Computation &computation) const {
    if (computation.alsoWritten.size() != 1 || computation.accesses.empty())
      return false;
    const ElementType element = structure_.tensor(computation.accesses.front().tensor).elementType;
    const ElementType first = structure_.tensor(computation.written).elementType;
    const ElementType second = structure_.tensor(computation.alsoWritten.front()).elementType;
    const auto isPosition = [](ElementType type) { return type.kind == ElementType::Kind::Int; };
    return (isPosition(first) && second == element) || (isPosition(second) && first == element);
  }

  /// Whether the first thing that happens to the sum that stage \p index writes, in this call or
  /// another, is that it is scaled by numbers.
  [[nodiscard]] bool isScaled(std::size_t index) const {
    Contraction sum;
    sum.computation = index;
    const ResultChain chain = followResult(workload_, uses_, index_, sum);
    for (const ChainStep &step : chain.steps) {
      if (step.kind == ChainStep::Kind::Cast)
        continue;
      return step.kind == ChainStep::Kind::Constant && step.name != "+" && step.name != "-";
    }
    // What a chain cannot be followed through: several readers, say.
    return !flow_.readers(index).empty() && onlyScales(call_, flow_.readers(index).front());
  }

  void addElementWise() {
    for (Stages &stages : components([&](std::size_t index) { return !onlyMoves(stage(index)); })) {
      Operator found;
      const bool isOpaque = std::any_of(stages.begin(), stages.end(), [&](std::size_t index) {
        return !stage(index).opaqueReason.empty();
      });
      found.kind = isOpaque ? OperatorKind::Other : OperatorKind::ElementWise;
      found.detail = stages.size() == 1 ? scanName(stage(stages.front())) : "";
      if (found.detail.empty())
        found.detail = elementWiseName(call_, structure_, stages);
      setShape(found, stages.back());
      found.stages = std::move(stages);
      add(std::move(found));
    }
  }

  void addMovements() {
    for (std::size_t index = 0; index < call_.computations.size(); ++index) {
      if (!isOpen(index))
        continue;
      Operator found;
      found.kind = OperatorKind::DataMovement;
      found.detail = movementName(call_, structure_, index);
      found.stages = {index};
      if (found.detail == "slice")
        addSiblings(found);
      setShape(found, index);
      add(std::move(found));
    }
  }

  /// Several parts of one tensor are a split of it.
  void addSiblings(Operator &slice) const {
    const TensorRef source = stage(slice.stages.front()).accesses.front().tensor;
    for (const std::size_t index : readersOfTensor_.at(keyOf(source)))
      if (index > slice.stages.front() && isOpen(index) && onlyMoves(stage(index)) &&
          movementName(call_, structure_, index) == "slice")
        slice.stages.push_back(index);
    if (slice.stages.size() > 1)
      slice.detail = "split";
  }

  /// Padding belongs to the first operator that reads it.
  void adoptPadding() {
    for (std::size_t index = call_.computations.size(); index-- > 0;) {
      if (owner_[index] || stage(index).freeReason != FreeReason::None)
        continue;
      for (const std::size_t reader : readersOf(stage(index).written).stages) {
        if (reader <= index || !owner_[reader])
          continue;
        owner_[index] = owner_[reader];
        operators_[*owner_[index]].stages.push_back(index);
        break;
      }
    }
    for (Operator &found : operators_)
      std::sort(found.stages.begin(), found.stages.end());
  }

  //===--- What all operators have ------------------------------------------------------------===//

  /// The extents of what stage \p index writes.
  void setShape(Operator &found, std::size_t index) const {
    const std::vector<std::int64_t> &shape = structure_.tensor(stage(index).written).shape;
    for (std::size_t d = 0; d < shape.size(); ++d)
      found.dims.push_back({"D" + std::to_string(d), shape[d]});
  }

  [[nodiscard]] std::set<TensorKey> writtenBy(const Stages &stages) const {
    std::set<TensorKey> written;
    for (const std::size_t index : stages) {
      written.insert(keyOf(stage(index).written));
      for (const TensorRef also : stage(index).alsoWritten)
        written.insert(keyOf(also));
    }
    return written;
  }

  /// Whether somebody outside \p found, whose stages are sorted, reads \p tensor, which it writes.
  [[nodiscard]] bool isUsed(const Operator &found, TensorRef tensor) const {
    const Readers readers = readersOf(tensor);
    return readers.hasOutside ||
           std::any_of(readers.stages.begin(), readers.stages.end(), [&](std::size_t reader) {
             return !std::binary_search(found.stages.begin(), found.stages.end(), reader);
           });
  }

  /// Whether \p found begins with a reduction to \p tensor that goes on from what is there.
  [[nodiscard]] bool isContinued(const Operator &found, const TensorKey &tensor) const {
    for (const std::size_t index : found.stages)
      if (keyOf(stage(index).written) == tensor)
        return isReduction(index) &&
               std::any_of(stage(index).accesses.begin(), stage(index).accesses.end(),
                           [&](const Access &access) { return keyOf(access.tensor) == tensor; });
    return false;
  }

  /// Sets the types and bytes of what \p found reads from outside and leaves to others.
  void setTensors(Operator &found) const {
    std::set<TensorKey> own = writtenBy(found.stages);
    std::erase_if(own, [&](const TensorKey &tensor) { return isContinued(found, tensor); });
    std::set<TensorKey> seen = own;
    const bool moves = found.part != OperatorPart::Free;
    for (const std::size_t index : found.stages)
      for (const Access &access : stage(index).accesses) {
        const TensorRef tensor = structure_.resolve(access, index).access.tensor;
        if (seen.insert(keyOf(tensor)).second)
          found.reads.push_back(structure_.tensor(tensor).elementType);
      }
    seen.clear();
    const auto write = [&](TensorRef reference) {
      if (!isUsed(found, reference) || !seen.insert(keyOf(reference)).second)
        return;
      const Tensor &tensor = structure_.tensor(reference);
      found.writes.push_back(tensor.elementType);
      found.bytesWritten += moves ? bytesWritten(call_, structure_, found.stages, reference) : 0;
    };
    for (const std::size_t index : found.stages) {
      write(stage(index).written);
      for (const TensorRef also : stage(index).alsoWritten)
        write(also);
    }
    if (moves)
      found.bytesRead = bytesRead(call_, structure_, found.stages,
                                  [&](TensorRef tensor) { return !own.contains(keyOf(tensor)); });
  }

  void complete() {
    if (operators_.empty())
      operators_.emplace_back(); // a call of which nothing is known is listed all the same
    std::sort(operators_.begin(), operators_.end(),
              [](const Operator &a, const Operator &b) { return a.stages < b.stages; });
    std::size_t first = call_.computations.size(); // stage of a main operator
    for (const Operator &found : operators_)
      if (found.part == OperatorPart::Main)
        first = std::min(first, found.stages.back());
    const bool hasMain = first < call_.computations.size();
    for (Operator &found : operators_) {
      if (found.part == OperatorPart::Single && hasMain)
        found.part = found.stages.back() < first ? OperatorPart::Prologue : OperatorPart::Epilogue;
      found.hasUnknownMacs =
          found.part != OperatorPart::Free &&
          std::any_of(found.stages.begin(), found.stages.end(),
                      [&](std::size_t index) { return hidesProducts(stage(index)); });
      setTensors(found);
    }
  }

  const Workload &workload_;
  const TensorUses &uses_;
  std::size_t index_;
  const Call &call_;
  CallStructure structure_;
  StageFlow flow_;
  std::map<TensorKey, Stages> readersOfTensor_;
  std::vector<Operator> operators_;
  std::vector<std::optional<std::size_t>> owner_; ///< by stage: into operators_
};

OperatorKind kindOf(const Call &call) {
  if (call.freeReason != FreeReason::None)
    return OperatorKind::Free;
  const Operator *main = nullptr;
  bool isMixed = false;
  bool moves = true;
  for (const Operator &found : call.operators) {
    if (found.kind == OperatorKind::Other)
      return OperatorKind::Other;
    if (found.part != OperatorPart::Free)
      moves = moves && found.kind == OperatorKind::DataMovement;
    if (found.part != OperatorPart::Main)
      continue;
    isMixed = isMixed || (main != nullptr && found.kind != main->kind);
    if (main == nullptr || found.macs > main->macs)
      main = &found;
  }
  // Several of different kinds have no better name, but for products.
  if (main != nullptr)
    return isMixed && main->macs == 0 ? OperatorKind::Reduction : main->kind;
  return moves ? OperatorKind::DataMovement : OperatorKind::ElementWise;
}

/// What stands in front of a product may decide what it is called.
void nameContractions(Call &call) {
  std::map<std::size_t, OperatorKind> kinds; // by stage
  for (const Operator &found : call.operators)
    for (const std::size_t stage : found.stages)
      kinds[stage] = found.kind;
  for (Contraction &contraction : call.contractions)
    contraction.kind = kinds.at(contraction.computation);
}

} // namespace

void findOperators(Workload &workload) {
  const TensorUses uses(workload);
  for (std::size_t index = 0; index < workload.calls.size(); ++index) {
    Call &call = workload.calls[index];
    call.operators = OperatorFinder(workload, uses, index).find();
    call.kind = kindOf(call);
    nameContractions(call);
  }
}

} // namespace acadlc::workload
