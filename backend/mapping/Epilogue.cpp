#include "backend/mapping/Epilogue.h"

#include "structure/Chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace acadlc::mapping {

namespace {

using workload::ChainCut;
using workload::ChainStep;
using workload::PoolWindow;
using workload::ResultChain;

std::optional<std::string_view> operatorText(ast::BinaryOperator op) {
  switch (op) {
  case ast::BinaryOperator::Add:
    return "+";
  case ast::BinaryOperator::Subtract:
    return "-";
  case ast::BinaryOperator::Multiply:
    return "*";
  case ast::BinaryOperator::Divide:
    return "/";
  default:
    return std::nullopt;
  }
}

class Absorber {
public:
  Absorber(const EpilogueContext &context, Match &match)
      : context_(context), contraction_(context.joined.contraction), match_(match),
        chain_(
            context.uses != nullptr
                ? workload::followResult(context.workload, *context.uses, callIndex(), contraction_)
                : workload::followResult(context.workload, callIndex(), contraction_)) {
    findSourceDimensions();
  }

  const ast::EpilogueStep *run() {
    takeSteps();
    const ChainCut *cut = lastCut();
    taken_.resize(countUpTo(cut));
    if (cut != nullptr && !taken_.empty())
      apply(*cut);
    match_.absorptionEnd = endBehind(cut);
    for (const ast::EpilogueStep &step : context_.mapping.epilogue)
      if (!step.isOptional && std::none_of(taken_.begin(), taken_.end(),
                                           [&](const Taken &t) { return t.step == &step; }))
        return &step;
    return nullptr;
  }

private:
  /// A step of the header that the chain has.
  struct Taken {
    const ast::EpilogueStep *step = nullptr;
    std::size_t end = 0; ///< of the chain's steps that it stands for
    std::optional<TensorBinding> operand;
  };

  [[nodiscard]] std::size_t callIndex() const {
    return static_cast<std::size_t>(&context_.call - context_.workload.calls.data());
  }

  //===--- Dimensions -------------------------------------------------------------------------===//

  /// Dimensions of a result may be split (Contraction::resultShape) or joined (Blocks.h); those of
  /// the chain are not.
  void findSourceDimensions() {
    const auto &computation = context_.call.computations[contraction_.computation];
    const auto &shape =
        workload::tensorOf(context_.workload, context_.call, computation.written).shape;
    const auto &split = context_.joined.originalResultShape;
    std::vector<std::size_t> whole; // per dimension of `split`
    for (std::size_t d = 0, at = 0; d < shape.size(); ++d) {
      std::int64_t product = 1;
      do {
        whole.push_back(d);
        product *= split[at++];
      } while (product < shape[d] && at < split.size());
    }
    for (const std::vector<std::size_t> &parts : context_.joined.resultParts) {
      std::vector<std::size_t> &sources = sources_.emplace_back();
      for (const std::size_t part : parts)
        sources.push_back(whole[part]);
    }
  }

  /// The dimension of the result (as the match has it) that an index of the header runs over.
  [[nodiscard]] std::optional<std::uint32_t> resultDimension(llvm::StringRef index) const {
    const ast::TensorAccess &result = context_.mapping.result;
    for (std::size_t d = 0; d < result.indices.size(); ++d) {
      const auto *name = ast::dynCast<ast::NameExpr>(result.indices[d]);
      if (name != nullptr && name->name == index)
        return match_.tensors.front().dimensions[d].source;
    }
    return std::nullopt;
  }

  //===--- Steps ------------------------------------------------------------------------------===//

  /// Takes each step of the chain with the first step of the header that it can be, in order.
  void takeSteps() {
    std::size_t next = 0;
    for (const ast::EpilogueStep &step : context_.mapping.epilogue) {
      if (next == chain_.steps.size())
        return;
      if (takeRectified(step, next)) {
        next = taken_.back().end;
      } else if (auto taken = take(step, next)) {
        next = taken->end;
        taken_.push_back(std::move(*taken));
      } else if (!step.isOptional) {
        return;
      }
    }
  }

  /// Takes a requantisation that has a ReLU within or behind it as both, if \p step is the
  /// requantisation and an optional `relu` stands right in front of it, which is not taken: where
  /// the requantisation leaves 0 at 0, their order makes no difference.
  bool takeRectified(const ast::EpilogueStep &step, std::size_t at) {
    const auto &steps = context_.mapping.epilogue;
    const auto index = static_cast<std::size_t>(&step - steps.data());
    if (step.hasTensor || step.function.text != "requantize" || index == 0)
      return false;
    const ast::EpilogueStep &relu = steps[index - 1];
    const bool isFree = !relu.hasTensor && relu.function.text == "relu" && relu.isOptional &&
                        (taken_.empty() || taken_.back().step != &relu);
    const std::size_t end =
        isFree
            ? workload::endOfRectifiedRequantization(chain_.steps, at, contraction_.resultType.bits)
            : at;
    if (end == at)
      return false;
    taken_.push_back({&relu, end, std::nullopt});
    taken_.push_back({&step, end, std::nullopt});
    return true;
  }

  [[nodiscard]] std::optional<Taken> take(const ast::EpilogueStep &step, std::size_t at) const {
    const ChainStep &found = chain_.steps[at];
    Taken taken{&step, at + 1, std::nullopt};
    if (step.hasTensor) {
      if (found.kind != ChainStep::Kind::Operand || found.name != operatorText(step.op))
        return std::nullopt;
      // What is inside of a later call has no place in this layer.
      if (found.operand.isLocal && found.operandCall != callIndex())
        return std::nullopt;
      taken.operand = bindOperand(step, found);
      return taken.operand ? std::optional(std::move(taken)) : std::nullopt;
    }
    const llvm::StringRef name = step.function.text;
    if (name == "requantize")
      taken.end = workload::endOfRequantization(chain_.steps, at, contraction_.resultType.bits);
    else if (name == "average_pool")
      taken.end = endOfAverage(step, at);
    else if (name == "relu" ? !workload::isRectification(chain_.steps, at)
                            : !isFunction(step, found))
      return std::nullopt;
    return taken.end > at ? std::optional(std::move(taken)) : std::nullopt;
  }

  [[nodiscard]] bool isFunction(const ast::EpilogueStep &step, const ChainStep &found) const {
    using Kind = ChainStep::Kind;
    const llvm::StringRef name = step.function.text;
    const auto isClip = [&](double low, double high) {
      return found.kind == Kind::Clip && found.low == low && found.high == high;
    };
    if (name == "relu6")
      return isClip(0, 6);
    if (name == "clip")
      return found.kind == Kind::Clip && std::isfinite(found.low) && std::isfinite(found.high) &&
             hasArgument(step, 0, found.low) && hasArgument(step, 1, found.high);
    if (name == "leaky_relu")
      return found.kind == Kind::LeakyRelu && hasArgument(step, 0, found.low);
    if (name == "max_pool")
      return found.kind == Kind::MaxPool && hasWindows(step, found);
    return found.kind == Kind::Function && name == found.name;
  }

  /// Whether argument \p position is \p wanted, or not given.
  [[nodiscard]] bool hasArgument(const ast::EpilogueStep &step, std::size_t position,
                                 double wanted) const {
    if (position >= step.arguments.size())
      return true;
    const auto value = context_.number(*step.arguments[position].value);
    constexpr double tolerance = 1e-6; // numbers are printed in single precision
    return value && std::abs(*value - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
  }

  /// The sum over windows and what it is divided by.
  [[nodiscard]] std::size_t endOfAverage(const ast::EpilogueStep &step, std::size_t at) const {
    using Kind = ChainStep::Kind;
    if (at + 1 >= chain_.steps.size())
      return at;
    const ChainStep &sum = chain_.steps[at];
    const ChainStep &scale = chain_.steps[at + 1];
    const bool isAverage =
        sum.kind == Kind::SumPool && scale.kind == Kind::Constant &&
        (scale.name == "*" || scale.name == "/" || scale.name == "shift_right") &&
        hasWindows(step, sum);
    return isAverage ? at + 2 : at;
  }

  /// `pool(h)`, `pool(h, w)`, `pool(h, w, stride)`, `pool(h, w, stride of h, stride of w)`: along
  /// the last output indices, as many as windows are given.
  [[nodiscard]] bool hasWindows(const ast::EpilogueStep &step, const ChainStep &found) const {
    std::vector<std::int64_t> numbers;
    for (const ast::Argument &argument : step.arguments) {
      const auto value = context_.number(*argument.value);
      if (!value || *value != std::floor(*value) || *value < 1 || *value > 1e15)
        return false;
      numbers.push_back(static_cast<std::int64_t>(*value));
    }
    const std::size_t count = std::min<std::size_t>(numbers.size(), 2);
    const auto &indices = context_.mapping.result.indices;
    if (indices.size() < count)
      return false;
    std::vector<PoolWindow> wanted(found.windows.size());
    for (std::size_t i = 0; i < count; ++i) {
      PoolWindow window{numbers[i], numbers[i]};
      if (numbers.size() > 2)
        window.stride = numbers.size() == 4 ? numbers[2 + i] : numbers[2];
      const auto *name = ast::dynCast<ast::NameExpr>(indices[indices.size() - count + i]);
      const auto dimension = name != nullptr ? resultDimension(name->name) : std::nullopt;
      if (dimension && isWhole(*dimension))
        wanted[sources_[*dimension].front()] = window;
      else if (window.extent != 1)
        return false;
    }
    for (std::size_t d = 0; d < wanted.size(); ++d)
      if (!isSameWindow(wanted[d], found.windows[d], d))
        return false;
    return true;
  }

  /// Whether dimension \p d of the result is one of the chain: no half of one, nor several.
  [[nodiscard]] bool isWhole(std::size_t d) const {
    return sources_[d].size() == 1 &&
           std::count(sources_.begin(), sources_.end(), sources_[d]) == 1;
  }

  /// Of a single window the stride does not matter.
  [[nodiscard]] bool isSameWindow(PoolWindow wanted, PoolWindow found, std::size_t d) const {
    const auto &computation = context_.call.computations[contraction_.computation];
    const std::int64_t extent =
        workload::tensorOf(context_.workload, context_.call, computation.written).shape[d];
    const bool isSingle = extent - found.extent < found.stride;
    return wanted.extent == found.extent &&
           (wanted.stride == found.stride || (isSingle && extent - wanted.extent < wanted.stride));
  }

  //===--- Operands ---------------------------------------------------------------------------===//

  /// The tensor of \p step, if \p found reads exactly what its indices say.
  [[nodiscard]] std::optional<TensorBinding> bindOperand(const ast::EpilogueStep &step,
                                                         const ChainStep &found) const {
    const workload::Tensor &tensor =
        workload::tensorOf(context_.workload, context_.call, found.operand);
    TensorBinding binding;
    binding.name = step.tensor.tensor.text.str();
    binding.tensor = found.operand;
    binding.tensorName = tensor.name;
    binding.declared = tensor.elementType;
    // Dimensions of the operand like those of the result, split or joined where that is.
    std::vector<std::optional<std::uint32_t>> runsOver;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      if (!found.operandDimensions[d]) {
        binding.shape.push_back(tensor.shape[d]);
        runsOver.emplace_back();
        continue;
      }
      for (std::uint32_t i = 0; i < sources_.size(); ++i) {
        const std::vector<std::size_t> &sources = sources_[i];
        if (std::ranges::count(sources, *found.operandDimensions[d]) == 0)
          continue;
        if (!hasAll(found, sources))
          return std::nullopt;
        binding.isBlocked = binding.isBlocked || sources.size() > 1;
        if (sources.front() != *found.operandDimensions[d])
          continue; // stands with the outer one
        binding.shape.push_back(contraction_.resultShape[i]);
        runsOver.emplace_back(i);
      }
    }
    std::vector<bool> used(runsOver.size(), false);
    for (const ast::Expr *index : step.tensor.indices) {
      const auto *name = ast::dynCast<ast::NameExpr>(index);
      const auto wanted = name != nullptr ? resultDimension(name->name) : std::nullopt;
      BoundDimension &dimension = binding.dimensions.emplace_back();
      if (!wanted)
        continue; // of extent 1
      const auto place = std::find(runsOver.begin(), runsOver.end(), wanted);
      if (place == runsOver.end()) {
        if (contraction_.resultShape[*wanted] != 1)
          return std::nullopt;
        continue;
      }
      dimension.source = static_cast<std::uint32_t>(place - runsOver.begin());
      used[*dimension.source] = true;
    }
    for (std::size_t d = 0; d < used.size(); ++d)
      if (!used[d] && binding.shape[d] != 1)
        return std::nullopt;
    binding.before.assign(binding.shape.size(), 0);
    binding.after.assign(binding.shape.size(), 0);
    return binding;
  }

  /// Whether an operand runs over all \p dimensions of the result.
  static bool hasAll(const ChainStep &found, const std::vector<std::size_t> &dimensions) {
    return std::ranges::all_of(dimensions, [&](std::size_t d) {
      return std::ranges::count(found.operandDimensions, std::optional(d)) == 1;
    });
  }

  //===--- The end ----------------------------------------------------------------------------===//

  /// The last place at which the taken steps end.
  [[nodiscard]] const ChainCut *lastCut() const {
    const ChainCut *last = nullptr;
    for (const ChainCut &cut : chain_.cuts) {
      const bool isBetween = std::any_of(
          taken_.begin(), taken_.end(), [&](const Taken &taken) { return taken.end == cut.steps; });
      const bool onlyReshapes = cut.isReshape && last != nullptr && last->steps == cut.steps;
      if (isBetween && !onlyReshapes)
        last = &cut;
    }
    return last;
  }

  [[nodiscard]] std::size_t countUpTo(const ChainCut *cut) const {
    std::size_t count = 0;
    while (cut != nullptr && count < taken_.size() && taken_[count].end <= cut->steps)
      ++count;
    return count;
  }

  /// Why nothing behind \p cut is absorbed.
  [[nodiscard]] std::string endBehind(const ChainCut *cut) const {
    std::size_t next = cut == nullptr ? 0 : static_cast<std::size_t>(cut - chain_.cuts.data()) + 1;
    // What does nothing stops nobody.
    const std::size_t done = cut == nullptr ? 0 : cut->steps;
    while (next < chain_.cuts.size() && chain_.cuts[next].steps == done)
      ++next;
    if (next == chain_.cuts.size())
      return chain_.end;
    const workload::StageRef stage = chain_.cuts[next].stages.back();
    const workload::Call &call = context_.workload.calls[stage.call];
    return fmt::format("'{}' of '{}' is no step that comes next in its `then`",
                       call.computations[stage.stage].name, call.name);
  }

  /// Whether \p cut leaves nothing of call \p index that takes time.
  [[nodiscard]] bool isDone(std::size_t index, const ChainCut &cut) const {
    const workload::Call &call = context_.workload.calls[index];
    for (std::size_t stage = 0; stage < call.computations.size(); ++stage)
      if (call.computations[stage].freeReason == workload::FreeReason::None &&
          std::ranges::count(cut.stages, workload::StageRef{index, stage}) == 0)
        return false;
    return true;
  }

  void apply(const ChainCut &cut) {
    std::size_t begin = 0, end = 0;
    for (Taken &taken : taken_) {
      if (taken.end != end) // a ReLU and a requantisation may be the same steps
        begin = std::exchange(end, taken.end);
      match_.absorbed.push_back({stepName(*taken.step), callOf(begin, taken.end)});
      if (taken.operand)
        match_.tensors.push_back(std::move(*taken.operand));
    }
    for (const std::size_t later : cut.calls)
      if (isDone(later, cut))
        match_.absorbedCalls.push_back(later);
    for (const workload::StageRef reference : cut.stages)
      if (reference.call == callIndex())
        match_.absorbedStages.push_back(reference.stage);
      else if (!isDone(reference.call, cut))
        match_.absorbedParts.push_back(reference);
    const std::size_t last = cut.stages.back().call;
    const workload::Call &call = context_.workload.calls[last];
    const workload::Tensor &tensor = workload::tensorOf(context_.workload, call, cut.tensor);
    TensorBinding &result = match_.tensors.front();
    // A tensor inside of another call has no name here; what is written stands in its place.
    if (!cut.tensor.isLocal || last == callIndex())
      result.tensor = cut.tensor;
    result.tensorName = tensor.name;
    result.declared = tensor.elementType;
    for (const ChainStep &step : chain_.steps) {
      if (&step == chain_.steps.data() + cut.steps)
        break;
      for (std::size_t d = 0; d < result.shape.size() && !step.windows.empty(); ++d)
        if (isWhole(d)) {
          const PoolWindow &window = step.windows[sources_[d].front()];
          result.shape[d] = (result.shape[d] - window.extent) / window.stride + 1;
        }
    }
  }

  /// The call in which the chain's step before \p end is done.
  [[nodiscard]] std::size_t callOf(std::size_t begin, std::size_t end) const {
    std::size_t call = callIndex();
    for (const ChainCut &cut : chain_.cuts) {
      if (cut.steps <= begin)
        continue;
      call = cut.stages.back().call;
      if (cut.steps >= end)
        break;
    }
    return call;
  }

  const EpilogueContext &context_;
  const workload::Contraction &contraction_; ///< with its blocks joined
  Match &match_;
  ResultChain chain_;
  std::vector<std::vector<std::size_t>>
      sources_;              ///< per dimension of the match's result: of the chain
  std::vector<Taken> taken_; ///< in order
};

} // namespace

const ast::EpilogueStep *absorb(const EpilogueContext &context, Match &match) {
  if (context.mapping.epilogue.empty())
    return nullptr;
  return Absorber(context, match).run();
}

std::string stepName(const ast::EpilogueStep &step) {
  return (step.hasTensor ? step.tensor.tensor.text : step.function.text).str();
}

} // namespace acadlc::mapping
