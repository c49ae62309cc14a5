#include "backend/mapping/Match.h"

#include "backend/mapping/Blocks.h"
#include "backend/mapping/Epilogue.h"
#include "backend/mapping/Header.h"
#include "structure/Contraction.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>
#include <llvm/ADT/SmallVector.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <ranges>

namespace acadlc::mapping {
namespace {

using workload::AffineIndex;
using workload::Axis;
using workload::Call;
using workload::Computation;
using workload::Contraction;
using workload::Workload;

constexpr std::uint32_t maxSearchNodes = 200'000;
constexpr std::size_t tensorCount = 3;

/// A tensor of the operator as the search sees it.
struct NetworkTensor {
  workload::TensorRef reference;
  const std::vector<std::optional<AffineIndex>> *affine = nullptr;
  const Contraction::Operand *operand = nullptr; ///< null for the result
};

/// Where an index of the header is assigned to.
struct Assignment {
  static constexpr std::int32_t undecided = -2, unit = -1;
  std::int32_t axis = undecided;
};

/// A node of the search. Copied at every decision: it is small.
struct State {
  llvm::SmallVector<Assignment, 8> indices;
  llvm::SmallVector<std::optional<std::int64_t>, 8> coefficients;
  /// What an axis of extent 1 says of a coefficient; used where nothing else determines it.
  llvm::SmallVector<std::optional<std::int64_t>, 8> weakCoefficients;
  std::uint64_t usedAxes = 0;
  /// Per tensor of the header and dimension: the dimension of the network's tensor, −1: dropped.
  std::array<llvm::SmallVector<std::int32_t, 5>, tensorCount> dimensions;
  std::uint32_t unitIndices = 0;
  std::uint32_t weakMismatches = 0; ///< coefficients of axes of extent 1 that differ
  std::uint32_t agreed = 0;         ///< dimensions that agree, to find what came nearest
  [[nodiscard]] std::uint64_t score() const {
    return (static_cast<std::uint64_t>(unitIndices) << 32U) | weakMismatches;
  }
};

struct Failure {
  std::size_t tensor = 0, dimension = 0;
  bool isLeftover = false; ///< dimensions of the network's tensor stay without counterpart
  bool isUnusedAxis = false;
  std::uint32_t agreed = 0;
  bool isSwapped = false;
  bool isValid = false;
};

/// Dimensions of a header's tensor that windows slide over: `p * s + r`.
std::size_t windowsOf(const HeaderTensor &tensor) {
  return static_cast<std::size_t>(std::ranges::count_if(
      tensor.dimensions, [](const HeaderDimension &d) { return d.terms.size() > 1; }));
}

/// Those of a network's tensor: a position of the result and a reduced index meet.
std::vector<std::size_t> windowsOf(const Contraction &contraction,
                                   const Contraction::Operand &operand) {
  std::vector<std::size_t> windows;
  for (std::size_t d = 0; d < operand.affine.size(); ++d) {
    bool hasPosition = false, hasTap = false;
    for (std::size_t a = 0; a < contraction.axes.size(); ++a) {
      if (contraction.axes[a].extent == 1 || operand.affine[d]->coefficients[a] == 0)
        continue;
      const bool isTap = contraction.axes[a].kind == Axis::Kind::Reduction;
      hasTap = hasTap || isTap;
      hasPosition = hasPosition || !isTap;
    }
    if (hasPosition && hasTap)
      windows.push_back(d);
  }
  return windows;
}

/// Whether an index of \p tensor has number \p index.
bool usesIndex(const HeaderTensor &tensor, std::size_t index) {
  return std::ranges::any_of(tensor.dimensions, [&](const HeaderDimension &dimension) {
    return std::ranges::count(dimension.terms, index, &HeaderTerm::index) != 0;
  });
}

/// The factor of a header that stands for the input, by the rule that holds for operators
/// (workload::ContractionRoles): the one with more windows, or else the one without the last index
/// of the result that belongs to one factor alone, or else the first.
std::size_t inputOf(const Header &header) {
  const std::size_t first = windowsOf(header.operands[0]);
  const std::size_t second = windowsOf(header.operands[1]);
  if (first != second)
    return first > second ? 0 : 1;
  for (const HeaderDimension &dimension : std::views::reverse(header.result.dimensions))
    for (const HeaderTerm &term : std::views::reverse(dimension.terms)) {
      const bool isInFirst = usesIndex(header.operands[0], term.index);
      if (isInFirst != usesIndex(header.operands[1], term.index))
        return isInFirst ? 1 : 0;
    }
  return 0;
}

/// Whether the second factor of the network is what the first of the header means. The text's order
/// of the factors does not tell. The terms of an element-wise sum are alike: they keep that order.
bool isSwapLikely(const Header &header, const Computation &computation,
                  const Contraction &contraction) {
  if (header.form == workload::ContractionForm::Sum)
    return false;
  return inputOf(header) != workload::rolesOf(computation, contraction).input;
}

class Unifier {
public:
  Unifier(const Header &header, const Workload &workload, const Call &call,
          const Contraction &contraction)
      : header_(header), workload_(workload), call_(call), contraction_(contraction),
        computation_(call.computations[contraction.computation]) {
    headerTensors_[0] = &header.result;
    headerTensors_[1] = &header.operands[0];
    headerTensors_[2] = &header.operands[1];
    isSwapLikely_ = isSwapLikely(header, computation_, contraction);
  }

  /// Tries both orders of the factors; keeps what leaves the fewest indices without counterpart,
  /// among equals what was found first: input to input, dimensions, the result's first, in order.
  void run() {
    for (const bool swapped : {isSwapLikely_, !isSwapLikely_}) {
      swapped_ = swapped;
      networkTensors_[0] = {computation_.written, &contraction_.outputAffine, nullptr};
      for (std::size_t i = 0; i < 2; ++i) {
        const auto &operand = contraction_.operands[swapped ? 1 - i : i];
        networkTensors_[1 + i] = {operand.access.tensor, &operand.affine, &operand};
      }
      State state;
      state.indices.resize(header_.mapping->indices.size());
      state.coefficients.resize(header_.mapping->coefficients.size());
      state.weakCoefficients.resize(header_.mapping->coefficients.size());
      matchTensor(0, state);
    }
  }

  [[nodiscard]] const std::optional<State> &best() const { return best_; }
  [[nodiscard]] bool bestIsSwapped() const { return bestSwapped_; }
  [[nodiscard]] bool gaveUp() const { return nodes_ > maxSearchNodes; }
  [[nodiscard]] const Failure &failure() const { return failure_; }

private:
  [[nodiscard]] std::int64_t extent(std::size_t axis) const {
    return contraction_.axes[axis].extent;
  }
  [[nodiscard]] std::size_t rank(std::size_t tensor) const {
    return networkTensors_[tensor].affine->size();
  }
  [[nodiscard]] const AffineIndex &form(std::size_t tensor, std::size_t dimension) const {
    return *(*networkTensors_[tensor].affine)[dimension];
  }
  [[nodiscard]] std::int64_t coefficient(const AffineIndex &form, std::size_t axis) const {
    return axis < form.coefficients.size() ? form.coefficients[axis] : 0;
  }

  /// Of the two orders of factors one is nonsense for people, whatever agrees in it.
  void fail(std::size_t tensor, std::size_t dimension, const State &state, bool leftover = false,
            bool unusedAxis = false) {
    if (swapped_ != isSwapLikely_ || (failure_.isValid && failure_.agreed >= state.agreed))
      return;
    failure_ = {tensor, dimension, leftover, unusedAxis, state.agreed, swapped_, true};
  }

  bool isExhausted(const State &state) {
    return ++nodes_ > maxSearchNodes || (best_ && state.score() >= best_->score());
  }

  void matchTensor(std::size_t tensor, const State &state) {
    if (tensor == tensorCount)
      return finish(state);
    matchDimension(tensor, 0, 0, state);
  }

  void matchDimension(std::size_t tensor, std::size_t dimension, std::uint64_t used,
                      const State &state) {
    if (isExhausted(state))
      return;
    const auto &dimensions = headerTensors_[tensor]->dimensions;
    if (dimension == dimensions.size()) {
      for (std::size_t d = 0; d < rank(tensor); ++d)
        if ((used >> d & 1U) == 0 && !isDroppable(form(tensor, d)))
          return fail(tensor, d, state, true);
      return matchTensor(tensor + 1, state);
    }
    for (std::size_t d = firstCandidate(used); d < rank(tensor); ++d) {
      if ((used >> d & 1U) != 0)
        continue;
      State next = state;
      next.dimensions[tensor].push_back(static_cast<std::int32_t>(d));
      unifyTerm(tensor, dimension, d, 0, used | std::uint64_t{1} << d, next);
    }
    dropDimension(tensor, dimension, used, state);
  }

  /// A factor may lie in memory in another order than the header writes it, which is the body's
  /// business; of a sum it would be a transposition, which is work of its own.
  [[nodiscard]] std::size_t firstCandidate(std::uint64_t used) const {
    const bool keepsOrder = contraction_.form == workload::ContractionForm::Sum;
    return keepsOrder ? static_cast<std::size_t>(std::bit_width(used)) : 0;
  }

  /// A dimension of the network's tensor that the header need not have: always at 0.
  [[nodiscard]] bool isDroppable(const AffineIndex &form) const {
    for (std::size_t axis = 0; axis < form.coefficients.size(); ++axis)
      if (form.coefficients[axis] != 0 && extent(axis) > 1)
        return false;
    return form.constant == 0;
  }

  /// Tries to do without a counterpart of a dimension of the header: its indices are of extent 1.
  void dropDimension(std::size_t tensor, std::size_t dimension, std::uint64_t used, State state) {
    for (const HeaderTerm &term : headerTensors_[tensor]->dimensions[dimension].terms) {
      Assignment &index = state.indices[term.index];
      if (index.axis == Assignment::undecided)
        makeUnit(index, state);
      else if (index.axis >= 0 && extent(static_cast<std::size_t>(index.axis)) > 1)
        return fail(tensor, dimension, state);
    }
    state.dimensions[tensor].push_back(-1);
    matchDimension(tensor, dimension + 1, used, state);
  }

  static void makeUnit(Assignment &index, State &state) {
    index.axis = Assignment::unit;
    ++state.unitIndices;
  }

  void unifyTerm(std::size_t tensor, std::size_t dimension, std::size_t source, std::size_t term,
                 std::uint64_t used, const State &state) {
    if (isExhausted(state))
      return;
    const HeaderDimension &header = headerTensors_[tensor]->dimensions[dimension];
    const AffineIndex &network = form(tensor, source);
    if (term == header.terms.size())
      return endDimension(tensor, dimension, source, used, state);
    const std::uint32_t index = header.terms[term].index;
    if (state.indices[index].axis != Assignment::undecided) {
      State next = state;
      if (!agree(header.terms[term], network, next))
        return fail(tensor, dimension, state);
      return unifyTerm(tensor, dimension, source, term + 1, used, next);
    }
    // Axes that matter first, then those of extent 1, then no counterpart.
    for (const bool ofExtentOne : {false, true}) {
      for (std::size_t axis = 0; axis < network.coefficients.size(); ++axis) {
        if (network.coefficients[axis] == 0 || (extent(axis) == 1) != ofExtentOne ||
            (state.usedAxes >> axis & 1U) != 0 || !isOfKind(index, axis))
          continue;
        State next = state;
        next.indices[index].axis = static_cast<std::int32_t>(axis);
        next.usedAxes |= std::uint64_t{1} << axis;
        if (agree(header.terms[term], network, next))
          unifyTerm(tensor, dimension, source, term + 1, used, next);
        else
          fail(tensor, dimension, state);
      }
    }
    State next = state;
    makeUnit(next.indices[index], next);
    unifyTerm(tensor, dimension, source, term + 1, used, next);
  }

  [[nodiscard]] bool isOfKind(std::uint32_t index, std::size_t axis) const {
    return header_.mapping->indices[index].isReduction ==
           (contraction_.axes[axis].kind == Axis::Kind::Reduction);
  }

  /// factor · coefficient of the header's term must be what the network multiplies the axis with.
  bool agree(const HeaderTerm &term, const AffineIndex &network, State &state) const {
    const std::int32_t assigned = state.indices[term.index].axis;
    if (assigned < 0)
      return true;
    const auto axis = static_cast<std::size_t>(assigned);
    const std::int64_t wanted = coefficient(network, axis);
    if (extent(axis) == 1) {
      agreeWeakly(term, wanted, state);
      return true;
    }
    if (wanted == 0 || term.factor == 0)
      return false;
    if (!term.coefficient)
      return wanted == term.factor;
    if (wanted % term.factor != 0)
      return false;
    auto &value = state.coefficients[*term.coefficient];
    if (value)
      return *value == wanted / term.factor;
    value = wanted / term.factor;
    return true;
  }

  /// An axis of extent 1 adds 0 whatever its coefficient: it never decides, it only hints.
  static void agreeWeakly(const HeaderTerm &term, std::int64_t wanted, State &state) {
    if (!term.coefficient) {
      state.weakMismatches += wanted != term.factor ? 1 : 0;
      return;
    }
    if (wanted == 0 || term.factor == 0 || wanted % term.factor != 0) {
      ++state.weakMismatches;
      return;
    }
    auto &value = state.weakCoefficients[*term.coefficient];
    if (!value)
      value = wanted / term.factor;
  }

  void endDimension(std::size_t tensor, std::size_t dimension, std::size_t source,
                    std::uint64_t used, const State &state) {
    const HeaderDimension &header = headerTensors_[tensor]->dimensions[dimension];
    const AffineIndex &network = form(tensor, source);
    for (std::size_t axis = 0; axis < network.coefficients.size(); ++axis) {
      if (network.coefficients[axis] == 0 || extent(axis) == 1)
        continue;
      const bool covered =
          std::any_of(header.terms.begin(), header.terms.end(), [&](const auto &t) {
            return state.indices[t.index].axis == static_cast<std::int32_t>(axis);
          });
      if (!covered)
        return fail(tensor, dimension, state);
    }
    State next = state;
    if (!solveConstant(header, network.constant, next))
      return fail(tensor, dimension, state);
    ++next.agreed;
    matchDimension(tensor, dimension + 1, used, next);
  }

  /// Solves constant + Σ factor · coefficient == \p wanted for the first unknown coefficient; other
  /// unknown ones become 0.
  static bool solveConstant(const HeaderDimension &header, std::int64_t wanted, State &state) {
    auto rest = checkedSub(wanted, header.constant);
    const HeaderOffset *unknown = nullptr;
    for (const HeaderOffset &offset : header.offsets) {
      auto &value = state.coefficients[offset.coefficient];
      if (!value && unknown == nullptr && offset.factor != 0) {
        unknown = &offset;
        continue;
      }
      if (!value)
        value = 0;
      const auto product = checkedMul(offset.factor, *value);
      rest = rest && product ? checkedSub(*rest, *product) : std::nullopt;
    }
    if (!rest)
      return false;
    if (unknown == nullptr)
      return *rest == 0;
    if (*rest % unknown->factor != 0)
      return false;
    auto &value = state.coefficients[unknown->coefficient];
    // The same coefficient may stand in a second offset of this dimension.
    if (value)
      return *value * unknown->factor == *rest;
    value = *rest / unknown->factor;
    return true;
  }

  void finish(const State &found) {
    State state = found;
    for (Assignment &index : state.indices)
      if (index.axis == Assignment::undecided)
        makeUnit(index, state);
    for (std::size_t axis = 0; axis < contraction_.axes.size(); ++axis)
      if (extent(axis) > 1 && (state.usedAxes >> axis & 1U) == 0)
        return fail(0, axis, state, false, true);
    settleCoefficients(state);
    if (!droppedDimensionsAreZero(state))
      return;
    if (best_ && state.score() >= best_->score())
      return;
    best_ = std::move(state);
    bestSwapped_ = swapped_;
  }

  void settleCoefficients(State &state) const {
    for (std::size_t i = 0; i < state.coefficients.size(); ++i)
      if (!state.coefficients[i])
        state.coefficients[i] = state.weakCoefficients[i];
  }

  bool droppedDimensionsAreZero(State &state) {
    for (std::size_t t = 0; t < tensorCount; ++t) {
      for (std::size_t d = 0; d < state.dimensions[t].size(); ++d) {
        if (state.dimensions[t][d] >= 0)
          continue;
        const HeaderDimension &header = headerTensors_[t]->dimensions[d];
        if (!solveConstant(header, 0, state)) {
          fail(t, d, state);
          return false;
        }
      }
    }
    return true;
  }

  const Header &header_;
  const Workload &workload_;
  const Call &call_;
  const Contraction &contraction_;
  const Computation &computation_;
  std::array<const HeaderTensor *, tensorCount> headerTensors_{};
  std::array<NetworkTensor, tensorCount> networkTensors_;
  bool swapped_ = false;
  bool isSwapLikely_ = false;
  std::uint32_t nodes_ = 0;
  std::optional<State> best_;
  bool bestSwapped_ = false;
  Failure failure_;
};

/// One contraction against one mapping, from the checks before the search to the bindings after it.
class Matcher {
public:
  Matcher(const ast::MappingDeclaration &mapping, const Workload &workload, const Call &call,
          const JoinedContraction &joined, const MatchOptions &options)
      : mapping_(mapping), workload_(workload), call_(call), joined_(joined),
        contraction_(joined.contraction), computation_(call.computations[contraction_.computation]),
        options_(options) {}

  MatchResult run() {
    if (!checkHeader() || !checkOperator())
      return std::move(result_);
    Unifier unifier(*header_, workload_, call_, contraction_);
    unifier.run();
    if (!unifier.best()) {
      explain(unifier);
      return std::move(result_);
    }
    bind(*unifier.best(), unifier.bestIsSwapped());
    return std::move(result_);
  }

private:
  bool mismatch(MismatchKind kind, std::string reason, SourceRange range, std::uint32_t progress) {
    result_.match.reset();
    result_.mismatch = {&mapping_, kind, std::move(reason), range, progress, windowsApart()};
    return false;
  }

  [[nodiscard]] std::uint32_t windowsApart() const {
    if (!header_ || contraction_.operands.size() != 2 || !notAffineTensor().empty())
      return 0;
    const std::size_t wanted =
        std::max(windowsOf(header_->operands[0]), windowsOf(header_->operands[1]));
    std::size_t found = 0;
    for (const Contraction::Operand &operand : contraction_.operands)
      found = std::max(found, windowsOf(contraction_, operand).size());
    return static_cast<std::uint32_t>(std::max(wanted, found) - std::min(wanted, found));
  }

  bool checkHeader() {
    HeaderProblem problem;
    header_ = readHeader(mapping_, problem);
    if (!header_)
      return mismatch(MismatchKind::UnsupportedHeader, problem.reason, problem.range, 0);
    return true;
  }

  bool checkOperator() {
    if (header_->form != contraction_.form)
      return mismatch(MismatchKind::Form,
                      isSum() ? "it computes sums of products, the operator adds two tensors"
                              : "it adds two tensors, the operator computes sums of products",
                      mapping_.range, 0);
    if (contraction_.operands.size() != 2)
      return mismatch(MismatchKind::Structure, "the operator does not multiply two tensors",
                      mapping_.range, 0);
    if (const std::string tensor = notAffineTensor(); !tensor.empty())
      return mismatch(
          MismatchKind::NotAffine,
          fmt::format("the operator accesses `{}` at positions that are no sums of loop "
                      "variables times numbers",
                      tensor),
          mapping_.range, 0);
    // Bit sets of the search.
    if (contraction_.axes.size() > 63)
      return mismatch(MismatchKind::TooComplex, "the operator has more than 63 axes",
                      mapping_.range, 0);
    return true;
  }

  /// The first tensor that is accessed at positions that are not affine; empty if none is.
  [[nodiscard]] std::string notAffineTensor() const {
    for (std::size_t t = 0; t < tensorCount; ++t)
      if (!std::ranges::all_of(forms(t, false), [](const auto &form) { return form.has_value(); }))
        return workload::tensorOf(workload_, call_, reference(t, false)).name;
    return {};
  }

  /// Whether the operator adds two tensors element by element.
  [[nodiscard]] bool isSum() const { return contraction_.form == workload::ContractionForm::Sum; }

  void explain(const Unifier &unifier) {
    const Failure &failure = unifier.failure();
    if (unifier.gaveUp())
      return void(mismatch(MismatchKind::TooComplex, "the search was given up", mapping_.range, 0));
    if (const auto axis = isSum() ? std::nullopt : axisOfAllTensors()) {
      return void(
          mismatch(MismatchKind::SharedAxis,
                   fmt::format("axis '{}' stands in both factors and in the result, as in a "
                               "depthwise or batched operator; the header has no such index",
                               contraction_.axes[*axis].name),
                   mapping_.result.range, failure.agreed + 1));
    }
    if (const auto reason = windowsMissing())
      return void(mismatch(MismatchKind::Structure, *reason, windowsRange(), failure.agreed + 1));
    if (const auto reason = surplusAxes())
      return void(
          mismatch(MismatchKind::Structure, *reason, mapping_.result.range, failure.agreed + 1));
    mismatch(MismatchKind::Structure, explanation(failure), failureRange(failure),
             failure.agreed + 1);
  }

  //===--- Axes by where they stand -----------------------------------------------------------===//

  /// Where an axis, or an index of a header, stands.
  struct Standing {
    std::array<bool, tensorCount> tensors{};
    bool isReduction = false;
    bool isInWindow = false; ///< shares a dimension with another one
    friend bool operator==(const Standing &, const Standing &) = default;
  };

  [[nodiscard]] Standing standingOfIndex(std::size_t index) const {
    Standing standing;
    standing.isReduction = mapping_.indices[index].isReduction;
    for (std::size_t t = 0; t < tensorCount; ++t)
      for (const HeaderDimension &dimension : headerTensor(t).dimensions)
        if (std::ranges::count(dimension.terms, index, &HeaderTerm::index) != 0) {
          standing.tensors[t] = true;
          standing.isInWindow = standing.isInWindow || dimension.terms.size() > 1;
        }
    return standing;
  }

  [[nodiscard]] Standing standingOfAxis(std::size_t axis, bool swapped) const {
    const auto isIn = [&](const AffineIndex &form, std::size_t a) {
      return form.coefficients[a] != 0 && contraction_.axes[a].extent > 1;
    };
    Standing standing;
    standing.isReduction = contraction_.axes[axis].kind == Axis::Kind::Reduction;
    for (std::size_t t = 0; t < tensorCount; ++t)
      for (const auto &form : forms(t, swapped)) {
        if (!isIn(*form, axis))
          continue;
        standing.tensors[t] = true;
        for (std::size_t a = 0; a < contraction_.axes.size(); ++a)
          standing.isInWindow = standing.isInWindow || (a != axis && isIn(*form, a));
      }
    return standing;
  }

  /// A clause if the operator has more axes that stand in the same tensors than the header has
  /// indices: a batch where the header has none, say.
  [[nodiscard]] std::optional<std::string> surplusAxes() const {
    if (isSum())
      return std::nullopt;
    const bool swapped = isSwapLikely(*header_, computation_, contraction_);
    for (std::size_t axis = 0; axis < contraction_.axes.size(); ++axis) {
      const Standing standing = standingOfAxis(axis, swapped);
      if (contraction_.axes[axis].extent == 1 || standing.isInWindow)
        continue;
      std::string names;
      std::size_t axes = 0, indices = 0;
      for (std::size_t a = 0; a < contraction_.axes.size(); ++a)
        if (contraction_.axes[a].extent > 1 && standingOfAxis(a, swapped) == standing) {
          names += fmt::format("{}'{}'", names.empty() ? "" : ", ", contraction_.axes[a].name);
          ++axes;
        }
      // An index of a window can be one without a window.
      for (std::size_t i = 0; i < mapping_.indices.size(); ++i) {
        Standing ofIndex = standingOfIndex(i);
        ofIndex.isInWindow = false;
        indices += ofIndex == standing ? 1 : 0;
      }
      for (std::size_t a = 0; a < contraction_.axes.size(); ++a) {
        Standing other = standingOfAxis(a, swapped);
        const bool usesWindow = contraction_.axes[a].extent > 1 && other.isInWindow;
        other.isInWindow = false;
        indices -= usesWindow && other == standing && indices > 0 ? 1 : 0;
      }
      if (axes > indices)
        return fmt::format("the operator has {} {} {} ({}), the header {}", axes,
                           axes == 1 ? "axis" : "axes", standingText(standing, swapped), names,
                           indices == 0 ? "none" : std::to_string(indices));
    }
    return std::nullopt;
  }

  /// "in the result and `data`", "reduced in `data` and `weight`"
  [[nodiscard]] std::string standingText(const Standing &standing, bool swapped) const {
    std::string tensors;
    for (std::size_t t = 0; t < tensorCount; ++t) {
      if (!standing.tensors[t])
        continue;
      const bool isLast = t + 1 == tensorCount || !standing.tensors[2];
      tensors += tensors.empty() ? "" : (isLast ? " and " : ", ");
      tensors +=
          t == 0 ? std::string("the result")
                 : fmt::format("`{}`",
                               workload::tensorOf(workload_, call_, reference(t, swapped)).name);
    }
    const bool isEverywhere = standing.tensors == std::array{true, true, true};
    return (standing.isReduction ? "reduced in " : "in ") + tensors +
           (isEverywhere ? "" : " alone");
  }

  /// A clause if the operator slides windows over more dimensions than the header.
  [[nodiscard]] std::optional<std::string> windowsMissing() const {
    const std::size_t known =
        std::max(windowsOf(header_->operands[0]), windowsOf(header_->operands[1]));
    for (std::size_t i = 0; i < contraction_.operands.size(); ++i) {
      const Contraction::Operand &operand = contraction_.operands[i];
      const std::vector<std::size_t> windows = windowsOf(contraction_, operand);
      if (windows.size() <= known)
        continue;
      std::string forms;
      for (const std::size_t d : windows)
        forms += fmt::format("{}`{}`", forms.empty() ? "" : ", ", formText(*operand.affine[d]));
      return fmt::format("the operator has windows along {} of `{}` ({}), the header along {}",
                         dimensionCount(windows.size()),
                         workload::tensorOf(workload_, call_, operand.access.tensor).name, forms,
                         known == 0 ? "none" : std::to_string(known));
    }
    return std::nullopt;
  }
  static std::string dimensionCount(std::size_t count) {
    return count == 1 ? "a dimension" : fmt::format("{} dimensions", count);
  }
  [[nodiscard]] SourceRange windowsRange() const {
    const bool isFirst = windowsOf(header_->operands[0]) >= windowsOf(header_->operands[1]);
    return header_->operands[isFirst ? 0 : 1].range;
  }

  /// A spatial axis that the result and both factors use, if no index of the header does so.
  [[nodiscard]] std::optional<std::size_t> axisOfAllTensors() const {
    for (std::size_t i = 0; i < mapping_.indices.size(); ++i)
      if (usesIndex(header_->result, i) && usesIndex(header_->operands[0], i) &&
          usesIndex(header_->operands[1], i))
        return std::nullopt;
    for (std::size_t axis = 0; axis < contraction_.axes.size(); ++axis)
      if (contraction_.axes[axis].extent > 1 && usesAxis(contraction_.outputAffine, axis) &&
          usesAxis(contraction_.operands[0].affine, axis) &&
          usesAxis(contraction_.operands[1].affine, axis))
        return axis;
    return std::nullopt;
  }

  static bool usesAxis(const std::vector<std::optional<AffineIndex>> &forms, std::size_t axis) {
    return std::any_of(forms.begin(), forms.end(), [&](const auto &form) {
      return axis < form->coefficients.size() && form->coefficients[axis] != 0;
    });
  }

  [[nodiscard]] const HeaderTensor &headerTensor(std::size_t tensor) const {
    return tensor == 0 ? header_->result : header_->operands[tensor - 1];
  }
  [[nodiscard]] const std::vector<std::optional<AffineIndex>> &forms(std::size_t tensor,
                                                                     bool swapped) const {
    if (tensor == 0)
      return contraction_.outputAffine;
    return contraction_.operands[(tensor == 1) != swapped ? 0 : 1].affine;
  }
  [[nodiscard]] workload::TensorRef reference(std::size_t tensor, bool swapped) const {
    if (tensor == 0)
      return computation_.written;
    return contraction_.operands[(tensor == 1) != swapped ? 0 : 1].access.tensor;
  }

  [[nodiscard]] const std::vector<std::int64_t> &shapeOf(std::size_t tensor, bool swapped) const {
    if (tensor == 0)
      return contraction_.resultShape;
    return contraction_.operands[(tensor == 1) != swapped ? 0 : 1].shape;
  }

  [[nodiscard]] SourceRange failureRange(const Failure &failure) const {
    if (failure.isUnusedAxis || !failure.isValid)
      return mapping_.result.range;
    const HeaderTensor &tensor = headerTensor(failure.tensor);
    if (failure.isLeftover || failure.dimension >= tensor.dimensions.size())
      return tensor.range;
    return tensor.dimensions[failure.dimension].range;
  }

  [[nodiscard]] std::string explanation(const Failure &failure) const {
    if (!failure.isValid)
      return "the index expressions do not agree";
    if (failure.isUnusedAxis)
      return fmt::format("axis '{}' of the operator (extent {}) has no counterpart",
                         contraction_.axes[failure.dimension].name,
                         contraction_.axes[failure.dimension].extent);
    const HeaderTensor &tensor = headerTensor(failure.tensor);
    const std::string network = accessText(failure.tensor, failure.isSwapped);
    const std::string header = quoted(tensor.range, tensor.name.text.str());
    if (failure.isLeftover)
      return fmt::format("`{}` of {} has no counterpart in {}",
                         formText(*forms(failure.tensor, failure.isSwapped)[failure.dimension]),
                         network, header);
    const std::string dimension = std::to_string(failure.dimension);
    return fmt::format("nothing in {}{} agrees with {} of {}", network,
                       isPadded(failure.tensor, failure.isSwapped) ? ", which is padded," : "",
                       quoted(tensor.dimensions[failure.dimension].range, dimension), header);
  }

  [[nodiscard]] bool isPadded(std::size_t tensor, bool swapped) const {
    if (tensor == 0)
      return false;
    const auto &padding = contraction_.operands[(tensor == 1) != swapped ? 0 : 1].padding;
    return padding && !padding->isIdentity();
  }

  [[nodiscard]] std::string quoted(SourceRange range, const std::string &fallback) const {
    if (options_.sources == nullptr || !range.isValid())
      return "`" + fallback + "`";
    return "`" + std::string(options_.sources->textOf(range)) + "`";
  }

  /// "data[v_n, v_c, 2 * v_y + v_ry - 3]"
  [[nodiscard]] std::string accessText(std::size_t tensor, bool swapped) const {
    std::string text;
    for (const auto &form : forms(tensor, swapped)) {
      text += text.empty() ? "" : ", ";
      text += formText(*form);
    }
    return fmt::format("`{}[{}]`",
                       workload::tensorOf(workload_, call_, reference(tensor, swapped)).name, text);
  }

  [[nodiscard]] std::string formText(const AffineIndex &form) const {
    std::string text;
    for (std::size_t axis = 0; axis < form.coefficients.size(); ++axis) {
      const std::int64_t coefficient = form.coefficients[axis];
      if (coefficient == 0)
        continue;
      text += text.empty() ? (coefficient < 0 ? "-" : "") : (coefficient < 0 ? " - " : " + ");
      const std::string digits = std::to_string(coefficient);
      const std::string magnitude = coefficient < 0 ? digits.substr(1) : digits;
      text += magnitude == "1" ? "" : magnitude + " * ";
      text += contraction_.axes[axis].name;
    }
    if (form.constant == 0)
      return text.empty() ? "0" : text;
    std::string digits = std::to_string(form.constant);
    if (text.empty())
      return digits;
    return text + (form.constant < 0 ? " - " + digits.substr(1) : " + " + digits);
  }

  void bind(const State &state, bool swapped) {
    Match match;
    match.mapping = &mapping_;
    match.unitIndices = state.unitIndices;
    match.form = contraction_.form;
    match.macs = contraction_.macs;
    for (std::size_t i = 0; i < mapping_.indices.size(); ++i) {
      IndexBinding binding;
      binding.name = mapping_.indices[i].name.text.str();
      binding.extentName = mapping_.indices[i].extent.text.str();
      if (state.indices[i].axis >= 0) {
        binding.axis = static_cast<std::uint32_t>(state.indices[i].axis);
        binding.extent = contraction_.axes[*binding.axis].extent;
      }
      match.indices.push_back(std::move(binding));
    }
    for (std::size_t i = 0; i < mapping_.coefficients.size(); ++i) {
      const auto value = state.coefficients[i];
      match.coefficients.push_back({mapping_.coefficients[i].text.str(),
                                    value ? *value : (isFactor(i) ? 1 : 0), value.has_value()});
    }
    result_.match = std::move(match);
    for (std::size_t tensor = 0; tensor < tensorCount; ++tensor)
      if (!bindTensor(state, tensor, swapped))
        return;
    if (absorbEpilogue(state.agreed))
      checkGuard(state.agreed);
  }

  static std::optional<double> literalNumber(const ast::Expr &expr) {
    if (const auto *unary = ast::dynCast<ast::UnaryExpr>(&expr);
        unary != nullptr && unary->op == ast::UnaryOperator::Negate && unary->operand != nullptr) {
      const auto number = literalNumber(*unary->operand);
      return number ? std::optional(-*number) : std::nullopt;
    }
    const auto *literal = ast::dynCast<ast::NumberExpr>(&expr);
    if (literal == nullptr || literal->unit.isValid())
      return std::nullopt;
    return literal->real;
  }

  bool absorbEpilogue(std::uint32_t agreed) {
    const auto number = [this](const ast::Expr &expr) {
      return options_.number ? options_.number(*result_.match, expr) : literalNumber(expr);
    };
    const EpilogueContext context{mapping_, workload_, options_.uses, call_, joined_, number};
    if (const ast::EpilogueStep *missing = absorb(context, *result_.match))
      return mismatch(MismatchKind::RequiredEpilogue,
                      fmt::format("it demands '{}' behind the computation (`then` without "
                                  "`optional`), which the network has not got there",
                                  stepName(*missing)),
                      missing->range, agreed + 3);
    for (TensorBinding &binding : result_.match->tensors)
      if (binding.isResult || &binding >= result_.match->tensors.data() + tensorCount)
        binding.elementType =
            readAs(binding.declared).value_or(options_.elementType.value_or(binding.declared));
    return true;
  }

  void checkGuard(std::uint32_t agreed) {
    if (mapping_.guard != nullptr && options_.guard && !options_.guard(*result_.match))
      mismatch(MismatchKind::Guard,
               fmt::format("its condition {} does not hold for {}",
                           quoted(mapping_.guard->range, "where"), extentsText()),
               mapping_.guard->range, agreed + 4);
  }

  /// "M=4, N=8, s=2": extents and coefficients of the match.
  [[nodiscard]] std::string extentsText() const {
    std::string text;
    const auto add = [&](const std::string &name, std::int64_t value) {
      text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
    };
    for (const IndexBinding &index : result_.match->indices)
      add(index.extentName, index.extent);
    for (const CoefficientBinding &coefficient : result_.match->coefficients)
      add(coefficient.name, coefficient.value);
    return text;
  }

  [[nodiscard]] bool isFactor(std::size_t coefficient) const {
    for (const HeaderTensor *tensor :
         {&header_->result, &header_->operands[0], &header_->operands[1]})
      for (const HeaderDimension &dimension : tensor->dimensions)
        for (const HeaderTerm &term : dimension.terms)
          if (term.coefficient == coefficient)
            return true;
    return false;
  }

  bool bindTensor(const State &state, std::size_t position, bool swapped) {
    const HeaderTensor &header = headerTensor(position);
    const workload::TensorRef reference = this->reference(position, swapped);
    const workload::Tensor &tensor = workload::tensorOf(workload_, call_, reference);
    TensorBinding binding;
    binding.name = header.name.text.str();
    binding.tensor = reference;
    binding.tensorName = tensor.name;
    binding.isResult = position == 0;
    binding.isZeroOutside = header.isZeroOutside;
    binding.declared = tensor.elementType;
    binding.isBlocked =
        joined_.isBlocked[position == 0 || !swapped ? position : tensorCount - position];
    binding.shape = shapeOf(position, swapped);
    binding.before.assign(binding.shape.size(), 0);
    binding.after.assign(binding.shape.size(), 0);
    for (const std::int32_t source : state.dimensions[position])
      binding.dimensions.push_back(
          {source < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(source))});
    if (position != 0) {
      const auto &operand = contraction_.operands[(position == 1) != swapped ? 0 : 1];
      if (operand.padding && !bindPadding(header, *operand.padding, state.agreed, binding))
        return false;
    }
    if (!bindElementType(header, state.agreed, binding))
      return false;
    result_.match->tensors.push_back(std::move(binding));
    return true;
  }

  bool bindPadding(const HeaderTensor &header, const workload::Padding &padding,
                   std::uint32_t agreed, TensorBinding &binding) {
    if (padding.isIdentity())
      return true;
    if (!header.isZeroOutside)
      return mismatch(
          MismatchKind::Padding,
          fmt::format("the operator pads `{}`; the header does not say `zero outside {}`",
                      binding.tensorName, binding.name),
          header.range, agreed + 2);
    if (padding.fill != 0)
      return mismatch(MismatchKind::Padding,
                      fmt::format("the operator pads `{}` with {}, not with 0", binding.tensorName,
                                  padding.fill),
                      header.range, agreed + 2);
    binding.before = padding.before;
    binding.after = padding.after;
    return true;
  }

  /// As which type the mapping reads \p declared; none if it does not accept it.
  [[nodiscard]] std::optional<workload::ElementType> readAs(workload::ElementType declared) const {
    const workload::ElementType type = options_.elementType.value_or(declared);
    if (mapping_.accepts.empty())
      return type;
    for (const ast::AcceptedElement &accepted : mapping_.accepts) {
      if (workload::ElementType::fromName(accepted.element.text.str()) != type)
        continue;
      const auto as = accepted.as.isValid()
                          ? workload::ElementType::fromName(accepted.as.text.str())
                          : std::nullopt;
      return as.value_or(type);
    }
    return std::nullopt;
  }

  bool bindElementType(const HeaderTensor &header, std::uint32_t agreed, TensorBinding &binding) {
    const auto type = readAs(binding.declared);
    binding.elementType = type.value_or(options_.elementType.value_or(binding.declared));
    // A result is wider than its factors, and `accepts` speaks of these.
    if (type || binding.isResult)
      return true;
    return mismatch(MismatchKind::ElementType,
                    fmt::format("it does not accept {}, the element type of `{}`",
                                binding.elementType.name(), binding.tensorName),
                    header.range, agreed + 3);
  }

  const ast::MappingDeclaration &mapping_;
  const Workload &workload_;
  const Call &call_;
  const JoinedContraction &joined_;
  const Contraction &contraction_;
  const Computation &computation_;
  const MatchOptions &options_;
  std::optional<Header> header_;
  MatchResult result_;
};

bool isPreferred(std::span<const ast::PreferDeclaration *const> preferences, llvm::StringRef name,
                 llvm::StringRef other) {
  for (const ast::PreferDeclaration *preference : preferences) {
    if (preference->name.text != name)
      continue;
    for (const ast::Identifier &beaten : preference->others)
      if (beaten.text == other)
        return true;
  }
  return false;
}

/// The matches that no other one is preferred over.
std::vector<Match> unbeaten(std::vector<Match> matches,
                            std::span<const ast::PreferDeclaration *const> preferences) {
  std::vector<Match> result;
  for (const Match &match : matches) {
    const bool isBeaten = std::any_of(matches.begin(), matches.end(), [&](const Match &other) {
      return isPreferred(preferences, other.mapping->name.text, match.mapping->name.text);
    });
    if (!isBeaten)
      result.push_back(match);
  }
  // A circle of preferences decides nothing.
  return result.empty() ? matches : result;
}

/// Those of \p matches with the fewest indices of one iteration: a header without groups, where the
/// network's only group is the one block of a layout.
std::vector<Match> withFewestUnits(std::vector<Match> matches) {
  const auto unitsOf = [](const Match &match) {
    return std::ranges::count(match.indices, 1, &IndexBinding::extent);
  };
  const auto fewest = unitsOf(*std::ranges::min_element(matches, {}, unitsOf));
  std::erase_if(matches, [&](const Match &match) { return unitsOf(match) != fewest; });
  return matches;
}

/// The matches of all \p mappings, or of the forced one; why the others do not fit goes to
/// \p mismatches, nearest first.
std::vector<Match> matchAll(std::span<const ast::MappingDeclaration *const> mappings,
                            const std::string &forced, const Workload &workload, const Call &call,
                            const JoinedContraction &joined, const MatchOptions &options,
                            std::vector<Mismatch> &mismatches) {
  std::vector<Match> matches;
  for (const ast::MappingDeclaration *mapping : mappings) {
    if (!forced.empty() && mapping->name.text != forced)
      continue;
    MatchResult result = Matcher(*mapping, workload, call, joined, options).run();
    if (result.match)
      matches.push_back(std::move(*result.match));
    else
      mismatches.push_back(std::move(result.mismatch));
  }
  std::ranges::stable_sort(mismatches, isNearer);
  return matches;
}

/// Of an element-wise sum any neighbours can be joined, so that is done only where it has more
/// dimensions than the headers.
bool mayJoin(std::span<const ast::MappingDeclaration *const> mappings,
             const Contraction &contraction) {
  if (contraction.form != workload::ContractionForm::Sum)
    return true;
  const auto isLarge = [](std::int64_t extent) { return extent != 1; };
  const auto rank =
      static_cast<std::size_t>(std::ranges::count_if(contraction.resultShape, isLarge));
  return std::ranges::all_of(
      mappings, [&](const auto *mapping) { return mapping->result.indices.size() < rank; });
}

std::string forcedName(std::span<const ForcedMapping> forced, const Call &call,
                       const Contraction &contraction) {
  std::string byOperator;
  for (const ForcedMapping &entry : forced) {
    if (entry.layer == call.name)
      return entry.mapping;
    if (entry.layer == workload::operatorName(contraction.kind))
      byOperator = entry.mapping;
  }
  return byOperator;
}

} // namespace

bool isNearer(const Mismatch &left, const Mismatch &right) {
  // Where nothing agreed, a header that cannot be read say, windows tell nothing.
  if (left.progress == 0 || right.progress == 0)
    return left.progress > right.progress;
  return left.windowsApart != right.windowsApart ? left.windowsApart < right.windowsApart
                                                 : left.progress > right.progress;
}

bool TensorBinding::isReordered() const {
  std::optional<std::uint32_t> last;
  for (const BoundDimension &dimension : dimensions) {
    if (!dimension.source || shape[*dimension.source] == 1)
      continue;
    if (last && *dimension.source < *last)
      return true;
    last = dimension.source;
  }
  return false;
}

MatchResult matchContraction(const ast::MappingDeclaration &mapping, const Workload &workload,
                             const Call &call, const Contraction &contraction,
                             const MatchOptions &options) {
  return Matcher(mapping, workload, call, withoutJoins(contraction), options).run();
}

Choice chooseMapping(std::span<const ast::MappingDeclaration *const> mappings,
                     std::span<const ast::PreferDeclaration *const> preferences,
                     std::span<const ForcedMapping> forced, const Workload &workload,
                     const Call &call, const Contraction &contraction,
                     const MatchOptions &options) {
  Choice choice;
  choice.forced = forcedName(forced, call, contraction);
  const bool isForcedKnown =
      choice.forced.empty() ||
      std::ranges::any_of(mappings, [&](const auto *m) { return m->name.text == choice.forced; });
  if (!isForcedKnown) {
    choice.status = Choice::Status::UnknownForced;
    return choice;
  }
  JoinedContraction joined = withoutJoins(contraction);
  std::vector<Match> matches =
      matchAll(mappings, choice.forced, workload, call, joined, options, choice.mismatches);
  while (matches.empty() && mayJoin(mappings, joined.contraction)) {
    auto next = joinBlocks(joined);
    if (!next)
      break;
    joined = std::move(*next);
    std::vector<Mismatch> mismatches;
    matches = matchAll(mappings, choice.forced, workload, call, joined, options, mismatches);
    // What comes nearer says more of what differs.
    const auto progress = [](const std::vector<Mismatch> &found) {
      return found.empty() ? 0 : found.front().progress;
    };
    if (!matches.empty() || progress(mismatches) > progress(choice.mismatches))
      choice.mismatches = std::move(mismatches);
  }
  if (matches.empty())
    return choice;
  std::uint32_t fewest = ~0U;
  for (const Match &match : matches)
    fewest = std::min(fewest, match.unitIndices);
  std::erase_if(matches, [&](const Match &match) { return match.unitIndices != fewest; });
  matches = withFewestUnits(unbeaten(std::move(matches), preferences));
  if (matches.size() == 1) {
    choice.status = Choice::Status::Mapped;
    choice.match = std::move(matches.front());
  } else {
    choice.status = Choice::Status::Ambiguous;
    choice.ambiguous = std::move(matches);
  }
  return choice;
}

void reportChoice(const Choice &choice, const Call &call, const std::string &architecture,
                  DiagnosticEngine &diagnostics) {
  if (choice.status == Choice::Status::UnknownForced) {
    diagnostics.report(DiagnosticCode::UnknownForcedMapping, call.range, choice.forced,
                       architecture);
    return;
  }
  if (choice.status == Choice::Status::Ambiguous) {
    std::string names;
    for (const Match &match : choice.ambiguous)
      names += (names.empty() ? "'" : ", '") + match.mapping->name.text.str() + "'";
    auto builder =
        diagnostics.report(DiagnosticCode::AmbiguousMapping, call.range, call.name, names);
    for (const Match &match : choice.ambiguous)
      builder.note(match.mapping->name.range,
                   fmt::format("'{}' fits with {} indices set to 1", match.mapping->name.text.str(),
                               match.unitIndices));
    builder.note({}, fmt::format("say `prefer {} over …` or `--mapping {}={}`",
                                 choice.ambiguous.front().mapping->name.text.str(), call.name,
                                 choice.ambiguous.front().mapping->name.text.str()));
    return;
  }
  if (choice.forced.empty() || choice.mismatches.empty())
    return;
  const Mismatch &mismatch = choice.mismatches.front();
  const bool isGuard = mismatch.kind == MismatchKind::Guard;
  diagnostics
      .report(DiagnosticCode::MappingDoesNotFit, call.range, choice.forced, call.name,
              mismatch.reason)
      .note(mismatch.range, isGuard ? "the condition" : "what the mapping computes here");
}

} // namespace acadlc::mapping
