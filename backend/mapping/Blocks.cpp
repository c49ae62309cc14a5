#include "backend/mapping/Blocks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace acadlc::mapping {

namespace {

using workload::AffineIndex;
using workload::Axis;
using workload::Contraction;
using AffineIndices = std::vector<std::optional<AffineIndex>>;

/// A tensor of a contraction, to be read and changed.
struct TensorForms {
  AffineIndices &forms;
  std::vector<std::int64_t> &shape;
  workload::Padding *padding; ///< may be null
};

/// How a tensor uses two axes.
struct PairUse {
  enum class Kind : std::uint8_t {
    Unused,
    Joint,    ///< as `outer * extent + inner` in dimension `outer`
    Separate, ///< as two whole dimensions
    Other,    ///< they cannot be joined
  } kind = Kind::Unused;
  std::size_t outer = 0, inner = 0; ///< dimensions
};

class Joiner {
public:
  explicit Joiner(JoinedContraction joined) : joined_(std::move(joined)) {}

  std::optional<JoinedContraction> run() {
    if (!isAffine())
      return std::nullopt;
    bool changed = false;
    while (const auto pair = findTile()) {
      join(pair->first, pair->second);
      changed = true;
    }
    if (!changed)
      for (const std::size_t inner : innermostAxes())
        if (const auto outer = outerOf(inner)) {
          join(*outer, inner);
          changed = true;
        }
    return changed ? std::optional(std::move(joined_)) : std::nullopt;
  }

private:
  static constexpr std::size_t tensorCount = 3;

  [[nodiscard]] bool isAffine() const {
    const auto all = [](const AffineIndices &forms) {
      return std::ranges::all_of(forms, [](const auto &form) { return form.has_value(); });
    };
    const Contraction &contraction = joined_.contraction;
    return contraction.operands.size() + 1 == tensorCount && all(contraction.outputAffine) &&
           std::ranges::all_of(contraction.operands, all, &Contraction::Operand::affine);
  }

  [[nodiscard]] TensorForms tensor(std::size_t index) {
    Contraction &contraction = joined_.contraction;
    if (index == 0)
      return {contraction.outputAffine, contraction.resultShape, nullptr};
    Contraction::Operand &operand = contraction.operands[index - 1];
    return {operand.affine, operand.shape, operand.padding ? &*operand.padding : nullptr};
  }
  [[nodiscard]] const Axis &axis(std::size_t index) const {
    return joined_.contraction.axes[index];
  }

  //===--- Pairs ------------------------------------------------------------------------------===//

  /// Two axes that are one in every tensor already.
  std::optional<std::pair<std::size_t, std::size_t>> findTile() {
    for (std::size_t inner = 0; inner < joined_.contraction.axes.size(); ++inner)
      for (std::size_t outer = 0; outer < joined_.contraction.axes.size(); ++outer)
        if (canJoin(outer, inner) && isTile(outer, inner))
          return std::pair(outer, inner);
    return std::nullopt;
  }

  bool isTile(std::size_t outer, std::size_t inner) {
    for (std::size_t t = 0; t < tensorCount; ++t)
      if (use(t, outer, inner).kind == PairUse::Kind::Separate)
        return false;
    return true;
  }

  /// The axes that the last dimension of a tensor runs over, each once. Dimensions of extent 1 do
  /// not count.
  std::vector<std::size_t> innermostAxes() {
    std::vector<std::size_t> axes;
    for (std::size_t t = 0; t < tensorCount; ++t) {
      const TensorForms view = tensor(t);
      std::size_t last = view.shape.size();
      while (last > 0 && view.shape[last - 1] == 1)
        --last;
      if (last == 0)
        continue;
      for (std::size_t a = 0; a < joined_.contraction.axes.size(); ++a)
        if (axis(a).extent > 1 && view.forms[last - 1]->coefficients[a] != 0 &&
            std::ranges::count(axes, a) == 0)
          axes.push_back(a);
    }
    return axes;
  }

  /// The axis that \p inner is a block of. Of several the one that a tensor has in a sum with it,
  /// else the nearest in front of it.
  std::optional<std::size_t> outerOf(std::size_t inner) {
    std::optional<std::size_t> best;
    std::size_t bestDistance = 0;
    for (std::size_t outer = 0; outer < joined_.contraction.axes.size(); ++outer) {
      if (!canJoin(outer, inner))
        continue;
      const std::size_t distance = distanceOf(outer, inner);
      if (!best || distance < bestDistance) {
        best = outer;
        bestDistance = distance;
      }
    }
    return best;
  }

  std::size_t distanceOf(std::size_t outer, std::size_t inner) {
    std::size_t distance = 0;
    for (std::size_t t = 0; t < tensorCount; ++t) {
      const PairUse found = use(t, outer, inner);
      if (found.kind == PairUse::Kind::Joint)
        return 0;
      if (found.kind == PairUse::Kind::Separate)
        distance = std::max(distance, found.inner - found.outer);
    }
    return distance;
  }

  bool canJoin(std::size_t outer, std::size_t inner) {
    if (outer == inner || axis(outer).extent == 1 || axis(inner).extent == 1 ||
        axis(outer).kind != axis(inner).kind)
      return false;
    const bool keepsOrder = joined_.contraction.form == workload::ContractionForm::Sum;
    bool isUsed = false;
    for (std::size_t t = 0; t < tensorCount; ++t) {
      const PairUse found = use(t, outer, inner);
      if (found.kind == PairUse::Kind::Other ||
          (keepsOrder && found.kind == PairUse::Kind::Separate && !areNeighbours(t, found)))
        return false;
      isUsed = isUsed || found.kind != PairUse::Kind::Unused;
    }
    return isUsed;
  }

  /// Whether nothing lies between two dimensions: joining them keeps the order in memory.
  bool areNeighbours(std::size_t t, const PairUse &pair) {
    const std::vector<std::int64_t> &shape = tensor(t).shape;
    for (std::size_t d = pair.outer + 1; d < pair.inner; ++d)
      if (shape[d] != 1)
        return false;
    return true;
  }

  PairUse use(std::size_t t, std::size_t outer, std::size_t inner) {
    const TensorForms view = tensor(t);
    const auto ofOuter = dimensionsOf(view, outer);
    const auto ofInner = dimensionsOf(view, inner);
    if (ofOuter.empty() && ofInner.empty())
      return {};
    const PairUse other{PairUse::Kind::Other, 0, 0};
    if (ofOuter.size() != 1 || ofInner.size() != 1)
      return other;
    const PairUse result{PairUse::Kind::Separate, ofOuter.front(), ofInner.front()};
    if (result.outer != result.inner)
      return result.outer < result.inner && isWhole(view, result.outer, outer) &&
                     isWhole(view, result.inner, inner)
                 ? result
                 : other;
    const auto &factors = view.forms[result.outer]->coefficients;
    const bool isSum = factors[outer] % axis(inner).extent == 0 &&
                       factors[outer] / axis(inner).extent == factors[inner];
    return isSum ? PairUse{PairUse::Kind::Joint, result.outer, result.outer} : other;
  }

  static std::vector<std::size_t> dimensionsOf(const TensorForms &view, std::size_t axis) {
    std::vector<std::size_t> dimensions;
    for (std::size_t d = 0; d < view.forms.size(); ++d)
      if (view.forms[d]->coefficients[axis] != 0)
        dimensions.push_back(d);
    return dimensions;
  }

  /// Whether dimension \p d runs over axis \p index alone, all of it, without padding.
  [[nodiscard]] bool isWhole(const TensorForms &view, std::size_t d, std::size_t index) const {
    const AffineIndex &form = *view.forms[d];
    for (std::size_t a = 0; a < form.coefficients.size(); ++a)
      if (a != index && form.coefficients[a] != 0 && axis(a).extent > 1)
        return false;
    const bool isPadded =
        view.padding != nullptr && (view.padding->before[d] != 0 || view.padding->after[d] != 0);
    return form.coefficients[index] == 1 && form.constant == 0 &&
           view.shape[d] == axis(index).extent && !isPadded;
  }

  //===--- Joining ----------------------------------------------------------------------------===//

  void join(std::size_t outer, std::size_t inner) {
    for (std::size_t t = 0; t < tensorCount; ++t)
      joinIn(t, use(t, outer, inner), outer, inner);
    Axis &whole = joined_.contraction.axes[outer];
    Axis &block = joined_.contraction.axes[inner];
    whole.name = joinedName(whole, block);
    whole.extent *= block.extent;
    block.extent = 1;
  }

  void joinIn(std::size_t t, const PairUse &found, std::size_t outer, std::size_t inner) {
    const TensorForms view = tensor(t);
    if (found.kind == PairUse::Kind::Joint) {
      auto &factors = view.forms[found.outer]->coefficients;
      factors[outer] = factors[inner];
      factors[inner] = 0;
    }
    if (found.kind != PairUse::Kind::Separate)
      return;
    joined_.isBlocked[t] = joined_.isBlocked[t] || !areNeighbours(t, found);
    view.shape[found.outer] *= view.shape[found.inner];
    const auto at = static_cast<std::ptrdiff_t>(found.inner);
    view.shape.erase(view.shape.begin() + at);
    view.forms.erase(view.forms.begin() + at);
    if (view.padding != nullptr) {
      view.padding->before.erase(view.padding->before.begin() + at);
      view.padding->after.erase(view.padding->after.begin() + at);
    }
    if (t != 0)
      return;
    auto &parts = joined_.resultParts;
    parts[found.outer].insert(parts[found.outer].end(), parts[found.inner].begin(),
                              parts[found.inner].end());
    parts.erase(parts.begin() + at);
  }

  /// "v_c" of "v_c // 4" and "v_c % 4", else "v_co * 4 + v_ci".
  static std::string joinedName(const Axis &outer, const Axis &inner) {
    const std::string extent = std::to_string(inner.extent);
    const auto stem = [](std::string_view name, const std::string &ending) {
      return name.ends_with(ending) ? name.substr(0, name.size() - ending.size())
                                    : std::string_view();
    };
    const std::string_view whole = stem(outer.name, " // " + extent);
    if (!whole.empty() && whole == stem(inner.name, " % " + extent))
      return std::string(whole);
    return outer.name + " * " + extent + " + " + inner.name;
  }

  JoinedContraction joined_;
};

} // namespace

JoinedContraction withoutJoins(const Contraction &contraction) {
  JoinedContraction joined{contraction, contraction.resultShape, {}, {}};
  for (std::size_t d = 0; d < contraction.resultShape.size(); ++d)
    joined.resultParts.push_back({d});
  return joined;
}

std::optional<JoinedContraction> joinBlocks(const JoinedContraction &joined) {
  return Joiner(joined).run();
}

} // namespace acadlc::mapping
