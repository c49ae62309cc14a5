#include "structure/BatchNormFold.h"

#include "structure/Analysis.h"
#include "structure/Chain.h"
#include "structure/Operators.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace acadlc::workload {

namespace {

using Step = ChainStep::Kind;

bool isScale(const ChainStep &step) { return step.name == "*" || step.name == "/"; }
bool isShift(const ChainStep &step) { return step.name == "+" || step.name == "-"; }

bool isReal(ElementType type) {
  return type.kind == ElementType::Kind::Float || type.kind == ElementType::Kind::BFloat;
}

/// Steps of a chain between two of its cuts, and the stages that do them.
struct Piece {
  std::size_t begin = 0, end = 0;
  std::vector<StageRef> stages;
};

std::vector<Piece> piecesOf(const ResultChain &chain) {
  std::vector<Piece> pieces;
  std::set<StageRef> known;
  std::size_t begin = 0;
  for (const ChainCut &cut : chain.cuts) {
    Piece piece{begin, cut.steps, {}};
    for (const StageRef stage : cut.stages)
      if (known.insert(stage).second)
        piece.stages.push_back(stage);
    begin = cut.steps;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

class Folder {
public:
  Folder(const Workload &workload, std::size_t call, const Contraction &contraction)
      : workload_(workload), call_(workload.calls[call]), contraction_(contraction) {
    result_.contraction = {call, contraction.computation};
    findChannels();
  }

  /// What of \p chain is folded; nothing if it is no batch norm.
  std::optional<FoldedBatchNorm> fold(const ResultChain &chain) {
    const auto weight = std::find_if(
        contraction_.operands.begin(), contraction_.operands.end(),
        [](const Contraction::Operand &operand) { return operand.origin == TensorOrigin::Weight; });
    if (weight == contraction_.operands.end() || !isReal(contraction_.resultType) ||
        !isReal(weight->elementType))
      return std::nullopt;
    const std::vector<Piece> pieces = piecesOf(chain);
    const std::size_t end = endOfAffine(chain, pieces);
    const auto steps = std::span(chain.steps).first(end);
    const bool scales = std::any_of(steps.begin(), steps.end(), [](const ChainStep &step) {
      return step.kind == Step::Operand && isScale(step);
    });
    if (!scales)
      return std::nullopt;
    const std::size_t bias = biasOf(steps);
    for (const Piece &piece : pieces)
      if (piece.end <= end && piece.end > piece.begin)
        take(piece, piece.begin == bias);
    // What was folded already, for another layer, is not taken twice.
    return result_.stages.empty() ? std::nullopt : std::optional(std::move(result_));
  }

private:
  /// The dimensions of what the contraction writes along which the weight has an element of its
  /// own.
  void findChannels() {
    const Computation &computation = call_.computations[contraction_.computation];
    const auto &shape = tensorOf(workload_, call_, computation.written).shape;
    std::size_t split = 0; // a dimension may be several of the contraction's
    for (const std::int64_t extent : shape) {
      bool isChannel = true;
      std::int64_t product = 1;
      do {
        isChannel = isChannel && hasWeightFor(split);
        product *= contraction_.resultShape[split++];
      } while (product < extent && split < contraction_.resultShape.size());
      isChannel_.push_back(isChannel);
    }
  }

  [[nodiscard]] bool hasWeightFor(std::size_t dimension) const {
    const auto &index = contraction_.outputAffine[dimension];
    if (!index)
      return false;
    for (std::size_t a = 0; a < contraction_.axes.size(); ++a) {
      if (index->coefficients[a] == 0 || contraction_.axes[a].extent == 1)
        continue;
      const bool isWeights = std::any_of(
          contraction_.operands.begin(), contraction_.operands.end(),
          [&](const Contraction::Operand &operand) {
            return operand.origin == TensorOrigin::Weight &&
                   std::any_of(operand.affine.begin(), operand.affine.end(), [&](const auto &form) {
                     return form && form->coefficients[a] != 0;
                   });
          });
      if (!isWeights)
        return false;
    }
    return true;
  }

  [[nodiscard]] bool isAffine(const ChainStep &step) const {
    if (!isScale(step) && !isShift(step))
      return false;
    if (step.kind == Step::Constant)
      return step.isUniform;
    if (step.kind != Step::Operand ||
        tensorOf(workload_, workload_.calls[step.operandCall], step.operand).origin !=
            TensorOrigin::Weight)
      return false;
    return std::all_of(step.operandDimensions.begin(), step.operandDimensions.end(),
                       [&](const auto &d) { return !d || isChannel_[*d]; });
  }

  /// The end of the affine steps in front of \p chain, in pieces of one step each, behind the last
  /// one with a tensor.
  [[nodiscard]] std::size_t endOfAffine(const ResultChain &chain,
                                        const std::vector<Piece> &pieces) const {
    std::size_t end = 0;
    for (const Piece &piece : pieces) {
      if (piece.begin == piece.end)
        continue;
      const ChainStep &step = chain.steps[piece.begin];
      if (piece.end - piece.begin > 1 || !isAffine(step))
        break;
      if (step.kind == Step::Operand)
        end = piece.end;
    }
    return end;
  }

  /// The step that is left: the last addition, else the last subtraction, of a tensor.
  static std::size_t biasOf(std::span<const ChainStep> steps) {
    std::size_t bias = steps.size();
    for (const std::string_view name : {"-", "+"})
      for (std::size_t i = 0; i < steps.size(); ++i)
        if (steps[i].kind == Step::Operand && steps[i].name == name)
          bias = i;
    return bias;
  }

  void take(const Piece &piece, bool isBias) {
    for (const StageRef stage : piece.stages) {
      const Computation &computation = workload_.calls[stage.call].computations[stage.stage];
      if (computation.freeReason != FreeReason::None)
        continue;
      if (isBias)
        result_.bias = stage;
      else
        result_.stages.push_back(stage);
    }
  }

  const Workload &workload_;
  const Call &call_;
  const Contraction &contraction_;
  std::vector<bool> isChannel_; ///< by dimension of what the contraction writes
  FoldedBatchNorm result_;
};

/// Renews what the free stages of \p call decide.
void renew(const Workload &workload, Call &call) {
  const auto isFree = [](const Computation &c) { return c.freeReason != FreeReason::None; };
  if (std::all_of(call.computations.begin(), call.computations.end(), isFree))
    call.freeReason = FreeReason::BatchNorm;
  countBytes(workload, call);
}

} // namespace

void foldBatchNorms(Workload &workload) {
  const TensorUses uses(workload);
  for (std::size_t c = 0; c < workload.calls.size(); ++c)
    for (const Contraction &contraction : workload.calls[c].contractions) {
      const ResultChain chain = followResult(workload, uses, c, contraction);
      auto folded = Folder(workload, c, contraction).fold(chain);
      if (!folded)
        continue;
      for (const StageRef stage : folded->stages)
        workload.calls[stage.call].computations[stage.stage].freeReason = FreeReason::BatchNorm;
      workload.foldedBatchNorms.push_back(std::move(*folded));
    }
  if (workload.foldedBatchNorms.empty())
    return;
  for (const FoldedBatchNorm &folded : workload.foldedBatchNorms)
    for (const StageRef stage : folded.stages)
      renew(workload, workload.calls[stage.call]);
  findOperators(workload);
}

std::vector<std::string> foldedNames(const Workload &workload, const FoldedBatchNorm &folded) {
  std::vector<std::string> names;
  for (const StageRef reference : folded.stages) {
    const Call &call = workload.calls[reference.call];
    const std::string &name = reference.call == folded.contraction.call
                                  ? call.computations[reference.stage].name
                                  : call.name;
    if (names.empty() || names.back() != name)
      names.push_back(name);
  }
  return names;
}

} // namespace acadlc::workload
