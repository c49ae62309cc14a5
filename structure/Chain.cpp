#include "structure/Chain.h"

#include "structure/Analysis.h"
#include "ir/WorkloadExpr.h"
#include "structure/Steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace acadlc::workload {

namespace {

/// A tensor with the call whose local it is; tensors of the workload are of none.
struct TensorKey {
  std::size_t call = 0;
  TensorRef tensor;
  friend bool operator==(const TensorKey &, const TensorKey &) = default;
};

constexpr std::size_t noCall = ~std::size_t{0};

bool contains(const std::vector<TensorRef> &tensors, TensorRef tensor) {
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

TensorKey keyOf(std::size_t call, TensorRef tensor) {
  return {tensor.isLocal ? call : noCall, tensor};
}

class ChainFollower {
public:
  ChainFollower(const Workload &workload, const TensorUses &uses, std::size_t call,
                const Contraction &contraction)
      : workload_(workload), uses_(uses), call_(call), begin_{call, contraction.computation} {
    current_ = keyOf(call, stage(begin_).written);
    for (std::size_t d = 0; d < tensor(current_).shape.size(); ++d)
      dimensions_.push_back(d);
    chain_.end = quoted(current_) + " is not written by one plain stage";
  }

  ResultChain follow() {
    if (isPlainlyWritten(current_))
      while (advance()) {
      }
    return std::move(chain_);
  }

private:
  /// A tensor of the chain as an expression over the value at the last cut.
  struct Pending {
    TensorKey key;
    ValueExprPtr value;
  };
  static constexpr std::size_t mostStages = 32; ///< between two cuts

  [[nodiscard]] const Computation &stage(StageRef reference) const {
    return workload_.calls[reference.call].computations[reference.stage];
  }
  [[nodiscard]] const Tensor &tensor(const TensorKey &key) const {
    return key.tensor.isLocal ? workload_.calls[key.call].locals[key.tensor.index]
                              : workload_.tensors[key.tensor.index];
  }

  bool stop(std::string why) {
    chain_.end = std::move(why);
    return false;
  }
  [[nodiscard]] std::string quoted(const TensorKey &key) const {
    return "'" + tensor(key).name + "'";
  }

  /// Visits the stages that read or write \p key.
  template <typename Visit> void forEachStage(const TensorKey &key, Visit visit) const {
    for (const StageRef reference : uses_.stagesOf(key.call, key.tensor))
      visit(reference);
  }

  [[nodiscard]] std::vector<StageRef> readersOf(const TensorKey &key) const {
    std::vector<StageRef> readers;
    forEachStage(key, [&](StageRef reference) {
      for (const Access &access : stage(reference).accesses)
        if (access.tensor == key.tensor) {
          readers.push_back(reference);
          return;
        }
    });
    return readers;
  }

  /// By one stage that writes nothing else.
  [[nodiscard]] bool isPlainlyWritten(const TensorKey &key) const {
    std::size_t writers = 0;
    bool isPlain = true;
    forEachStage(key, [&](StageRef reference) {
      const Computation &computation = stage(reference);
      const bool writes =
          computation.written == key.tensor || contains(computation.alsoWritten, key.tensor);
      writers += writes ? 1 : 0;
      isPlain = isPlain &&
                (!writes || (computation.alsoWritten.empty() && computation.opaqueReason.empty()));
    });
    return writers == 1 && isPlain;
  }

  [[nodiscard]] bool isResult(const TensorKey &key) const {
    return !key.tensor.isLocal && contains(workload_.results, key.tensor);
  }

  /// Whether \p tensor of the workload is known before the contraction's call starts: it, or what
  /// free calls make it of. \p visits bounds the search.
  bool isAvailable(TensorRef tensor, unsigned &visits) const {
    if (workload_.tensors[tensor.index].origin == TensorOrigin::Weight)
      return true;
    for (const std::size_t c : uses_.callsOf(tensor)) {
      const Call &call = workload_.calls[c];
      if (c < call_ || !contains(call.outputs, tensor))
        continue;
      if (call.freeReason == FreeReason::None || visits == 0)
        return false;
      --visits;
      return std::all_of(call.inputs.begin(), call.inputs.end(),
                         [&](TensorRef input) { return isAvailable(input, visits); });
    }
    return true;
  }

  /// Follows the chain to its next cut.
  bool advance() {
    auto x = std::make_shared<ValueExpr>();
    x->kind = ValueExpr::Kind::Load;
    pending_ = {{current_, std::move(x)}};
    operands_.clear();
    std::set<StageRef> done;
    while (done.size() < mostStages) {
      // The tensor of the last stage may be read by whom it likes: a piece can end there.
      const std::size_t inner = pending_.size() == 1 ? 1 : pending_.size() - 1;
      std::set<StageRef> open;
      for (std::size_t i = 0; i < inner; ++i) {
        if (isResult(pending_[i].key))
          return stop(quoted(pending_[i].key) + " is a result of the network");
        for (const StageRef reader : readersOf(pending_[i].key))
          if (!done.contains(reader))
            open.insert(reader);
      }
      if (open.empty())
        return pending_.size() > 1 ? cut(done) : stop(quoted(current_) + " is read by nobody");
      const StageRef next = *open.begin();
      if (!(begin_ < next))
        return stop(quoted(current_) + " is read before it is written");
      if (pending_.size() == 1 && open.size() == 1) {
        if (stage(next).combiner != Combiner::None)
          return addPooling(next);
        if (stage(next).freeReason == FreeReason::Reshape && !isPooled_)
          return addReshape(next);
      }
      if (!addStage(next))
        return false;
      done.insert(next);
    }
    return stop("too many stages read " + quoted(current_));
  }

  [[nodiscard]] const Pending *pendingOf(const TensorKey &key) const {
    for (const Pending &entry : pending_)
      if (entry.key == key)
        return &entry;
    return nullptr;
  }

  /// Adds what stage \p reference writes, as an expression over the value at the last cut.
  bool addStage(StageRef reference) {
    const Computation &computation = stage(reference);
    const TensorKey written = keyOf(reference.call, computation.written);
    const std::string reader = "'" + computation.name + "'";
    if (computation.freeReason == FreeReason::BatchNorm)
      return addFolded(computation, written);
    if (computation.combiner != Combiner::None || !isPlainlyWritten(written) ||
        tensor(written).shape != tensor(current_).shape)
      return stop(reader + " is no step on single elements");
    const auto order = plainWrite(computation, tensor(written).shape);
    if (!order)
      return stop(reader + " does not write every element once");
    std::map<std::size_t, ValueExprPtr> loads; // by access
    for (std::size_t a = 0; a < computation.accesses.size(); ++a) {
      auto load = resolve(computation.accesses[a], reference, *order);
      if (!load)
        return false;
      loads[a] = std::move(load);
    }
    ValueExprPtr value = withLoads(computation.value, loads);
    if (value->size > maxExpressionSize)
      return stop(reader + " is too large an expression");
    pending_.push_back({written, std::move(value)});
    return true;
  }

  /// What a folded stage does is in the weights: it hands its element on.
  bool addFolded(const Computation &computation, const TensorKey &written) {
    for (const Access &access : computation.accesses)
      if (const Pending *entry = pendingOf(keyOf(written.call, access.tensor))) {
        pending_.push_back({written, entry->value});
        return true;
      }
    return stop("'" + computation.name + "' is folded into the weights of another layer");
  }

  /// What \p access of stage \p reference reads; null if it is no element of the chain or operand.
  ValueExprPtr resolve(const Access &access, StageRef reference,
                       const std::vector<std::size_t> &order) {
    const Computation &computation = stage(reference);
    const TensorKey key = keyOf(reference.call, access.tensor);
    const auto fail = [&](const char *why) -> ValueExprPtr {
      stop("'" + computation.name + "' reads " + quoted(key) + " " + why);
      return nullptr;
    };
    if (const Pending *entry = pendingOf(key)) {
      for (std::size_t d = 0; d < order.size(); ++d)
        if (!isAxisPlus(affineForm(*access.indices[d], computation.axes), order[d], 0,
                        computation.axes))
          return fail("at other positions than it writes");
      return entry->value;
    }
    unsigned visits = 64;
    const bool isKnown = key.tensor.isLocal ? tensor(key).origin == TensorOrigin::Weight
                                            : isAvailable(key.tensor, visits);
    if (!isKnown)
      return fail("which is not known when the layer starts");
    auto dimensions = operandDimensions(access, key, computation, order);
    if (!dimensions)
      return fail("at positions that are no index of the result");
    auto load = std::make_shared<ValueExpr>();
    load->kind = ValueExpr::Kind::Load;
    operands_.push_back({key.tensor, reference.call, std::move(*dimensions)});
    load->value = operands_.size();
    return load;
  }

  /// Per dimension of an operand the dimension of the result that it runs over, all of it.
  [[nodiscard]] std::optional<std::vector<std::optional<std::size_t>>>
  operandDimensions(const Access &access, const TensorKey &key, const Computation &computation,
                    const std::vector<std::size_t> &order) const {
    std::vector<std::optional<std::size_t>> dimensions;
    for (std::size_t d = 0; d < access.indices.size(); ++d) {
      const auto form = affineForm(*access.indices[d], computation.axes);
      if (!form || form->constant != 0)
        return std::nullopt;
      std::optional<std::size_t> result;
      for (std::size_t i = 0; i < order.size(); ++i) {
        const Axis &axis = computation.axes[order[i]];
        if (form->coefficients[order[i]] == 0 || axis.extent == 1)
          continue;
        if (result || form->coefficients[order[i]] != 1 || axis.extent != tensor(key).shape[d] ||
            dimensions_[i] == noDimension)
          return std::nullopt;
        result = dimensions_[i];
      }
      if (!result && tensor(key).shape[d] != 1)
        return std::nullopt;
      dimensions.push_back(result);
    }
    return dimensions;
  }

  /// Ends a piece of the chain at the tensor that was written last.
  bool cut(const std::set<StageRef> &done) {
    const auto steps = stepsOf(pending_.back().value, operands_);
    const TensorKey last = pending_.back().key;
    if (!steps)
      return stop(quoted(last) + " is computed by an expression that is no known step");
    const bool isOperandBehindPool =
        isPooled_ && std::any_of(steps->begin(), steps->end(), [](const ChainStep &step) {
          return step.kind == ChainStep::Kind::Operand;
        });
    if (isOperandBehindPool)
      return stop(quoted(last) + " has an operand behind a pooling");
    chain_.steps.insert(chain_.steps.end(), steps->begin(), steps->end());
    addCut(last, done);
    return true;
  }

  void addCut(const TensorKey &last, const std::set<StageRef> &done) {
    stages_.insert(done.begin(), done.end());
    ChainCut cut;
    cut.steps = chain_.steps.size();
    cut.tensor = last.tensor;
    cut.stages.assign(stages_.begin(), stages_.end());
    std::set<std::size_t> calls;
    for (const StageRef reference : stages_)
      if (reference.call != call_)
        calls.insert(reference.call);
    for (const std::size_t c : calls)
      if (workload_.calls[c].freeReason == FreeReason::None)
        cut.calls.push_back(c);
    chain_.cuts.push_back(std::move(cut));
    current_ = last;
  }

  /// The elements of the current tensor, which nobody else reads, in their order in a tensor of
  /// another shape.
  bool addReshape(StageRef reference) {
    const TensorKey written = keyOf(reference.call, stage(reference).written);
    if (!isPlainlyWritten(written))
      return stop(quoted(written) + " is not written by one plain stage");
    dimensions_ = dimensionsBehind(tensor(current_).shape, tensor(written).shape);
    isReshaped_ = true;
    addCut(written, {reference});
    chain_.cuts.back().isReshape = true;
    return true;
  }

  /// For each dimension of \p to the dimension of the result that it is: one of \p from that has as
  /// many elements and as many behind it.
  [[nodiscard]] std::vector<std::size_t>
  dimensionsBehind(const std::vector<std::int64_t> &from,
                   const std::vector<std::int64_t> &to) const {
    std::vector<std::size_t> dimensions(to.size(), noDimension);
    std::int64_t behindTo = 1;
    for (std::size_t t = to.size(); t-- > 0; behindTo *= to[t]) {
      std::int64_t behindFrom = 1;
      for (std::size_t f = from.size(); f-- > 0; behindFrom *= from[f])
        if (from[f] == to[t] && behindFrom == behindTo && from[f] > 1)
          dimensions[t] = dimensions_[f];
    }
    return dimensions;
  }

  /// A maximum or sum over windows of the current tensor, which nobody else reads.
  bool addPooling(StageRef reference) {
    const Computation &computation = stage(reference);
    const TensorKey written = keyOf(reference.call, computation.written);
    const std::string reader = "'" + computation.name + "'";
    const bool isMax = computation.combiner == Combiner::Max;
    const bool isPool = (isMax || computation.combiner == Combiner::Sum) &&
                        computation.value->kind == ValueExpr::Kind::Load &&
                        computation.accesses.size() == 1 && isPlainlyWritten(written) &&
                        !isPooled_ && !isReshaped_;
    auto windows = isPool ? windowsOf(computation, written) : std::nullopt;
    if (!windows)
      return stop(reader + " is no pooling without padding, and no step on single elements");
    ChainStep step;
    step.kind = isMax ? ChainStep::Kind::MaxPool : ChainStep::Kind::SumPool;
    step.windows = std::move(*windows);
    chain_.steps.push_back(std::move(step));
    isPooled_ = true;
    addCut(written, {reference});
    return true;
  }

  /// The windows along the dimensions of the current tensor, which is the result's shape still;
  /// also sets which of them the pooled tensor has.
  std::optional<std::vector<PoolWindow>> windowsOf(const Computation &computation,
                                                   const TensorKey &written) {
    const Access &access = computation.accesses[0];
    const std::vector<std::int64_t> &shape = tensor(current_).shape;
    std::vector<PoolWindow> windows;
    std::vector<std::optional<std::size_t>> positions; // the axis of each dimension
    std::vector<bool> used(computation.axes.size(), false);
    for (std::size_t d = 0; d < access.indices.size(); ++d) {
      const auto form = affineForm(*access.indices[d], computation.axes);
      if (!form || form->constant != 0)
        return std::nullopt;
      PoolWindow &window = windows.emplace_back();
      std::optional<std::size_t> &position = positions.emplace_back();
      for (std::size_t a = 0; a < computation.axes.size(); ++a) {
        const Axis &axis = computation.axes[a];
        if (form->coefficients[a] == 0 || axis.extent == 1)
          continue;
        const bool isTap = axis.kind == Axis::Kind::Reduction;
        if (used[a] || (isTap ? window.extent != 1 || form->coefficients[a] != 1
                              : position.has_value() || form->coefficients[a] < 1))
          return std::nullopt;
        used[a] = true;
        if (isTap)
          window.extent = axis.extent;
        else
          position = a;
      }
      const std::int64_t outputs = position ? computation.axes[*position].extent : 1;
      window.stride = position ? form->coefficients[*position] : window.extent;
      // All of the tensor counts, but for what does not fill a window.
      const std::int64_t read = (outputs - 1) * window.stride + window.extent;
      if (read > shape[d] || shape[d] - read >= window.stride)
        return std::nullopt;
    }
    for (std::size_t a = 0; a < computation.axes.size(); ++a)
      if (computation.axes[a].extent > 1 && !used[a])
        return std::nullopt;
    return matchPooled(computation, written, positions) ? std::optional(std::move(windows))
                                                        : std::nullopt;
  }

  /// Whether every position is written once, dimensions in their order; sets dimensions_.
  bool matchPooled(const Computation &computation, const TensorKey &written,
                   const std::vector<std::optional<std::size_t>> &positions) {
    std::vector<std::size_t> dimensions;
    const std::vector<std::int64_t> &shape = tensor(written).shape;
    std::size_t next = 0; // of the current tensor
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto form = affineForm(*computation.writeIndices[d], computation.axes);
      if (!form || form->constant != 0)
        return false;
      if (shape[d] == 1) {
        dimensions.push_back(next < positions.size() && !positions[next] ? next++ : 0);
        continue;
      }
      while (next < positions.size() && !positions[next])
        ++next;
      if (next == positions.size() || computation.axes[*positions[next]].extent != shape[d] ||
          !isAxisPlus(form, *positions[next], 0, computation.axes))
        return false;
      dimensions.push_back(next++);
    }
    for (; next < positions.size(); ++next)
      if (positions[next])
        return false;
    dimensions_ = std::move(dimensions);
    return true;
  }

  const Workload &workload_;
  const TensorUses &uses_;
  std::size_t call_;
  StageRef begin_;
  TensorKey current_;
  static constexpr std::size_t noDimension = ~std::size_t{0};
  /// Of the current tensor, as dimensions of the result; noDimension for one that is no dimension
  /// of it.
  std::vector<std::size_t> dimensions_;
  std::vector<Pending> pending_;      ///< behind the last cut, in the order of their stages
  std::vector<StepOperand> operands_; ///< of the expressions in pending_
  std::set<StageRef> stages_;         ///< up to the last cut
  bool isPooled_ = false, isReshaped_ = false;
  ResultChain chain_;
};

} // namespace

namespace {

using StepKind = ChainStep::Kind;

/// Whether \p step makes a number of fewer than \p bits bits of one of so many.
bool isNarrowing(const ChainStep &step, std::uint16_t bits) {
  const bool isWhole = step.elementType.kind == ElementType::Kind::Int ||
                       step.elementType.kind == ElementType::Kind::UInt;
  return step.kind == StepKind::Cast && isWhole && step.elementType.bits < bits;
}

bool isBounded(const ChainStep &step) {
  return step.kind == StepKind::Clip && std::isfinite(step.low) && std::isfinite(step.high);
}

/// Whether nothing is scaled or added between step \p at and the one that makes a narrow number.
bool standsBeforeNarrowing(std::span<const ChainStep> steps, std::size_t at, std::uint16_t bits) {
  for (std::size_t i = at + 1; i < steps.size(); ++i) {
    if (isNarrowing(steps[i], bits))
      return true;
    if (steps[i].kind != StepKind::Cast && steps[i].kind != StepKind::Round && !isBounded(steps[i]))
      return false;
  }
  return false;
}

/// \p value behind \p step, which is no operand's; none if that is not known, or if larger values
/// may become smaller ones.
std::optional<double> behind(const ChainStep &step, double value) {
  switch (step.kind) {
  case StepKind::Round:
    return std::round(value);
  case StepKind::Cast:
    return isNarrowing(step, std::numeric_limits<std::uint16_t>::max()) ? std::trunc(value) : value;
  case StepKind::Clip:
    return std::clamp(value, step.low, step.high);
  case StepKind::Constant:
    break;
  default:
    return std::nullopt;
  }
  if (!step.number)
    return std::nullopt;
  const double number = *step.number;
  if (step.name == "+")
    return value + number;
  if (step.name == "-")
    return value - number;
  if (step.name == "shift_right")
    return std::floor(value / std::exp2(number));
  if (step.name == "shift_left")
    return value * std::exp2(number);
  if (!(number > 0))
    return std::nullopt;
  return step.name == "*"   ? std::optional(value * number)
         : step.name == "/" ? std::optional(value / number)
                            : std::nullopt;
}

/// Whether the upper bound of the clip at \p at changes nothing, as the numbers that it cuts are
/// cut again behind the scaling.
bool isCutAgain(std::span<const ChainStep> steps, std::size_t at) {
  std::optional<double> value = steps[at].high;
  for (std::size_t i = at + 1; i < steps.size() && value; ++i) {
    if (steps[i].kind == StepKind::Clip)
      return *value >= steps[i].high;
    value = behind(steps[i], *value);
  }
  return false;
}

} // namespace

std::size_t endOfRequantization(std::span<const ChainStep> steps, std::size_t at,
                                std::uint16_t bits) {
  std::size_t end = at;
  for (std::size_t i = at; i < steps.size(); ++i) {
    const ChainStep &step = steps[i];
    const bool isSaturation =
        isBounded(step) && (end > at || standsBeforeNarrowing(steps, i, bits));
    const bool isPart = isSaturation || step.kind == StepKind::Round ||
                        step.kind == StepKind::Cast ||
                        (step.kind == StepKind::Constant && step.isUniform);
    if (!isPart)
      break;
    if (isNarrowing(step, bits))
      end = i + 1;
  }
  return end;
}

bool isRectification(std::span<const ChainStep> steps, std::size_t at) {
  const ChainStep &step = steps[at];
  return step.kind == StepKind::Clip && step.low == 0 &&
         (std::isinf(step.high) || isCutAgain(steps, at));
}

std::size_t endOfRectifiedRequantization(std::span<const ChainStep> steps, std::size_t at,
                                         std::uint16_t bits) {
  // The ReLU, in front of which 0 must stay 0, and larger values larger.
  std::size_t relu = at;
  std::optional<double> zero = 0;
  for (; relu < steps.size() && !isRectification(steps, relu); ++relu) {
    const ChainStep &step = steps[relu];
    const bool fillsType = relu > at && isNarrowing(steps[relu - 1], bits) && isBounded(step) &&
                           step.low == 0 &&
                           step.high >= std::exp2(steps[relu - 1].elementType.bits - 1) - 1;
    if (fillsType)
      break;
    zero = zero ? behind(step, *zero) : std::nullopt;
  }
  if (zero != 0.0)
    return at;
  if (relu == steps.size())
    return at;
  // Without it, what is left is a requantisation.
  std::vector<ChainStep> others(steps.begin() + static_cast<std::ptrdiff_t>(at), steps.end());
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(relu - at));
  const std::size_t end = at + endOfRequantization(others, 0, bits);
  return end > at && end >= relu ? end + 1 : at;
}

TensorUses::TensorUses(const Workload &workload)
    : calls_(workload.tensors.size()), stages_(workload.tensors.size()) {
  for (std::size_t c = 0; c < workload.calls.size(); ++c) {
    const Call &call = workload.calls[c];
    for (const auto *tensors : {&call.inputs, &call.outputs})
      for (const TensorRef tensor : *tensors)
        if (calls_[tensor.index].empty() || calls_[tensor.index].back() != c)
          calls_[tensor.index].push_back(c);
    localStages_.emplace_back(call.locals.size());
    for (std::size_t s = 0; s < call.computations.size(); ++s) {
      const Computation &computation = call.computations[s];
      for (const Access &access : computation.accesses)
        add(access.tensor, {c, s});
      add(computation.written, {c, s});
      for (const TensorRef also : computation.alsoWritten)
        add(also, {c, s});
    }
  }
}

void TensorUses::add(TensorRef tensor, StageRef stage) {
  auto &stages = tensor.isLocal ? localStages_[stage.call][tensor.index] : stages_[tensor.index];
  if (stages.empty() || stages.back() != stage)
    stages.push_back(stage);
}

ResultChain followResult(const Workload &workload, const TensorUses &uses, std::size_t call,
                         const Contraction &contraction) {
  return ChainFollower(workload, uses, call, contraction).follow();
}

ResultChain followResult(const Workload &workload, std::size_t call,
                         const Contraction &contraction) {
  return followResult(workload, TensorUses(workload), call, contraction);
}

} // namespace acadlc::workload
