#include "structure/Statistics.h"

#include "ir/WorkloadExpr.h"
#include "structure/Naming.h"
#include "structure/Reduction.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

namespace acadlc::workload {

namespace {

bool isReduction(const Computation &computation) { return computation.combiner != Combiner::None; }

/// Whether \p access reads the same element in several iterations of \p computation.
bool hasFewerElements(const Access &access, const Computation &computation) {
  std::set<std::size_t> used;
  for (const IndexExprPtr &index : access.indices)
    forEachAxis(*index, [&](std::size_t axis) { used.insert(axis); });
  for (std::size_t axis = 0; axis < computation.axes.size(); ++axis)
    if (computation.axes[axis].extent > 1 && !used.contains(axis))
      return true;
  return false;
}

//===--- Softmax ------------------------------------------------------------------------------===//

class SoftmaxFinder {
public:
  SoftmaxFinder(const StageContext &context, std::size_t first)
      : context_(context), first_(first) {}

  std::optional<StatisticStages> find() {
    if (stage(first_).combiner == Combiner::Sum)
      return findOfPowers();
    if (stage(first_).combiner != Combiner::Max)
      return std::nullopt;
    const std::set<std::size_t> behindMaximum = behind(first_);
    const auto sum =
        std::find_if(behindMaximum.begin(), behindMaximum.end(),
                     [&](std::size_t index) { return stage(index).combiner == Combiner::Sum; });
    if (sum == behindMaximum.end())
      return std::nullopt;
    const auto last = lastOf(*sum);
    if (!last)
      return std::nullopt;
    std::set<std::size_t> inside = behind(*sum);
    inside.insert(behindMaximum.begin(), behindMaximum.end());
    inside.insert(first_);
    StatisticStages found;
    found.reductions = {first_, *sum};
    found.stages = before(*last, inside);
    const bool hasExp = std::any_of(found.stages.begin(), found.stages.end(), [&](std::size_t i) {
      return i <= *sum && hasFunction(*stage(i).value, "exp");
    });
    const bool hasMaximum =
        std::find(found.stages.begin(), found.stages.end(), first_) != found.stages.end();
    return hasExp && hasMaximum ? std::optional(std::move(found)) : std::nullopt;
  }

private:
  [[nodiscard]] const Computation &stage(std::size_t index) const {
    return context_.call.computations[index];
  }

  /// One without a maximum: the sum of powers of e, and what is divided by it.
  [[nodiscard]] std::optional<StatisticStages> findOfPowers() const {
    const std::optional<Stages> powers = powersIn(first_);
    const auto last = powers ? lastOf(first_) : std::nullopt;
    if (!last)
      return std::nullopt;
    std::set<std::size_t> inside = behind(first_);
    inside.insert(powers->begin(), powers->end());
    inside.insert(first_);
    StatisticStages found{{first_}, before(*last, inside)};
    const bool hasRoot = std::any_of(found.stages.begin(), found.stages.end(), [&](std::size_t i) {
      const ValueExpr &value = *stage(i).value;
      return hasFunction(value, "sqrt") || hasFunction(value, "rsqrt");
    });
    return hasRoot ? std::nullopt : std::optional(std::move(found));
  }

  /// The stage in front of stage \p sum that makes the powers of e which it adds up: none if it
  /// makes them itself, nothing if it adds up something else.
  [[nodiscard]] std::optional<Stages> powersIn(std::size_t sum) const {
    const auto isPower = [&](std::size_t index) {
      const ValueExpr &value = stripCasts(*stage(index).value);
      return value.kind == ValueExpr::Kind::Unary && value.name == "exp";
    };
    if (isPower(sum))
      return Stages{};
    const Stages &sources = context_.flow.sources(sum);
    const bool readsPowers = stripCasts(*stage(sum).value).kind == ValueExpr::Kind::Load &&
                             sources.size() == 1 && context_.isOpen(sources.front()) &&
                             isPower(sources.front());
    return readsPowers ? std::optional(sources) : std::nullopt;
  }

  /// The open stages that the result of stage \p begin reaches, up to the next reductions: the
  /// first of them in text order, as what a softmax consists of stands together.
  [[nodiscard]] std::set<std::size_t> behind(std::size_t begin) const {
    constexpr std::size_t enough = 100;
    std::set<std::size_t> reached;
    std::set<std::size_t> open = {begin};
    while (!open.empty() && reached.size() < enough) {
      const std::size_t index = *open.begin();
      open.erase(open.begin());
      for (const std::size_t reader : context_.flow.readers(index))
        if (context_.isOpen(reader) && reached.insert(reader).second && !isReduction(stage(reader)))
          open.insert(reader);
    }
    return reached;
  }

  /// Those of \p inside that stage \p last needs, and itself; in text order.
  [[nodiscard]] Stages before(std::size_t last, const std::set<std::size_t> &inside) const {
    std::set<std::size_t> needed = {last};
    Stages open = {last};
    while (!open.empty()) {
      const std::size_t index = open.back();
      open.pop_back();
      for (const std::size_t source : context_.flow.sources(index))
        if (inside.contains(source) && needed.insert(source).second)
          open.push_back(source);
    }
    return {needed.begin(), needed.end()};
  }

  /// The last stage that divides by \p sum, or by what is made of it for each row.
  [[nodiscard]] std::optional<std::size_t> lastOf(std::size_t sum) const {
    const std::int64_t rows = extentOf(stage(sum), Axis::Kind::Spatial);
    std::optional<std::size_t> last, wide;
    std::set<std::size_t> open = {sum};
    while (!open.empty()) {
      const std::size_t index = *open.begin();
      open.erase(open.begin());
      for (const std::size_t reader : context_.flow.readers(index)) {
        if (!context_.isOpen(reader) || isReduction(stage(reader)))
          continue;
        if (index == sum)
          last = std::max(last.value_or(0), reader);
        if (stage(reader).points > rows)
          wide = std::max(wide.value_or(0), reader);
        else
          open.insert(reader);
      }
    }
    return wide ? wide : last;
  }

  const StageContext &context_;
  std::size_t first_;
};

//===--- Norms --------------------------------------------------------------------------------===//

class NormFinder {
public:
  NormFinder(const StageContext &context, std::size_t first) : context_(context), first_(first) {}

  std::optional<StatisticStages> find() {
    if (!isStatistic(first_) || stage(first_).accesses.empty())
      return std::nullopt;
    addFirst();
    while (!open_.empty()) {
      const std::size_t index = *open_.begin();
      open_.erase(open_.begin());
      if (isMember(index) || !context_.isOpen(index))
        continue;
      if (isReduction(stage(index)))
        joinReduction(index);
      else
        addElementWise(index);
    }
    if (!normalises())
      return std::nullopt;
    dropLooseEnds();
    StatisticStages found;
    for (const auto &[index, member] : members_) {
      found.stages.push_back(index);
      if (isReduction(stage(index)))
        found.reductions.push_back(index);
    }
    return found;
  }

private:
  struct Member {
    bool isWide = false;   ///< has the elements, not what is known of each row of them
    bool isRooted = false; ///< depends on a root of the statistics
  };
  static constexpr unsigned deepest = 16; ///< stages between a statistic and who divides by it

  [[nodiscard]] const Computation &stage(std::size_t index) const {
    return context_.call.computations[index];
  }
  [[nodiscard]] bool isMember(std::size_t index) const { return members_.contains(index); }
  [[nodiscard]] bool isStatistic(std::size_t index) const {
    return stage(index).combiner == Combiner::Sum || stage(index).combiner == Combiner::Opaque;
  }

  void add(std::size_t index, Member member) {
    members_[index] = member;
    const Stages &readers = context_.flow.readers(index);
    open_.insert(readers.begin(), readers.end());
  }

  //===--- Statistics -------------------------------------------------------------------------===//

  /// The squares that a root mean square sums belong to it.
  [[nodiscard]] bool isReadByReductionsAlone(std::size_t index) const {
    const Stages &readers = context_.flow.readers(index);
    return !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](std::size_t reader) {
      return isReduction(stage(reader));
    });
  }
  /// The stage of squares that \p access of a reduction reads; none if there is none.
  [[nodiscard]] std::optional<std::size_t> squaresOf(const Access &access,
                                                     std::size_t reader) const {
    const auto source = context_.flow.sourceOf(access, reader);
    const bool isOwn = source && context_.isOpen(*source) && !isReduction(stage(*source)) &&
                       isReadByReductionsAlone(*source);
    return isOwn ? source : std::nullopt;
  }
  [[nodiscard]] std::pair<bool, std::uint32_t> dataOf(const Access &access,
                                                      std::size_t reader) const {
    const TensorRef tensor = context_.structure.resolve(access, reader).access.tensor;
    return {tensor.isLocal, tensor.index};
  }

  void addFirst() {
    add(first_, {});
    for (const Access &access : stage(first_).accesses) {
      const auto squares = squaresOf(access, first_);
      if (!squares) {
        data_.insert(dataOf(access, first_));
        continue;
      }
      for (const Access &element : stage(*squares).accesses)
        data_.insert(dataOf(element, *squares));
      add(*squares, {.isWide = true});
    }
  }

  /// Whether \p access reads the elements that the first statistic is of, or what has been made of
  /// them and no root so far.
  [[nodiscard]] bool isOfSameData(const Access &access, std::size_t reader) const {
    const auto source = context_.flow.sourceOf(access, reader);
    if (source && isMember(*source))
      return !members_.at(*source).isRooted;
    return data_.contains(dataOf(access, reader));
  }

  /// Adds stage \p index if it is a statistic of the same elements.
  bool joinReduction(std::size_t index) {
    if (!isStatistic(index) ||
        extentOf(stage(index), Axis::Kind::Spatial) != extentOf(stage(first_), Axis::Kind::Spatial))
      return false;
    Stages squares;
    for (const Access &access : stage(index).accesses) {
      if (isOfSameData(access, index))
        continue;
      const auto own = squaresOf(access, index);
      if (!own || !std::all_of(stage(*own).accesses.begin(), stage(*own).accesses.end(),
                               [&](const Access &element) { return isOfSameData(element, *own); }))
        return false;
      squares.push_back(*own);
    }
    for (const std::size_t own : squares)
      add(own, {.isWide = true});
    add(index, {});
    return true;
  }

  /// Adds stage \p index if it makes something of statistics of the same elements for each row.
  bool joinStatistic(std::size_t index, unsigned depth) {
    if (isMember(index))
      return !members_.at(index).isWide;
    if (!context_.isOpen(index) || depth == 0)
      return false;
    if (isReduction(stage(index)))
      return joinReduction(index);
    if (stage(index).points >= stage(first_).points || stage(index).accesses.empty())
      return false;
    Member member{.isRooted = hasRoot(index)};
    for (const std::size_t source : context_.flow.sources(index)) {
      if (!joinStatistic(source, depth - 1))
        return false;
      member.isRooted = member.isRooted || members_.at(source).isRooted;
    }
    if (context_.flow.sources(index).empty())
      return false;
    add(index, member);
    return true;
  }

  //===--- What is done with them -------------------------------------------------------------===//

  [[nodiscard]] bool hasRoot(std::size_t index) const {
    const ValueExpr &value = *stage(index).value;
    return hasFunction(value, "rsqrt") || hasFunction(value, "sqrt");
  }

  /// What an element-wise stage reads.
  struct Reads {
    bool statistics = false, elements = false, parameters = false, others = false;
    bool isRooted = false;
    Stages handed; ///< stages that hand parameters on
  };

  Reads readsOf(std::size_t index) {
    Reads reads;
    for (const Access &access : stage(index).accesses) {
      const auto source = context_.flow.sourceOf(access, index);
      if (source && (isMember(*source) || joinStatistic(*source, deepest))) {
        const Member &member = members_.at(*source);
        (member.isWide ? reads.elements : reads.statistics) = true;
        reads.isRooted = reads.isRooted || member.isRooted;
      } else if (source && handsParameterOn(*source, index)) {
        reads.parameters = true;
        reads.handed.push_back(*source);
      } else if (hasFewerElements(access, stage(index)) && !isOfCall(source)) {
        reads.parameters = true;
      } else {
        reads.others = true;
      }
    }
    return reads;
  }

  /// Whether \p source works on what other stages have computed: the maximum that a softmax of the
  /// elements subtracts, say, is no parameter.
  [[nodiscard]] bool isOfCall(std::optional<std::size_t> source) const {
    return source && (isReduction(stage(*source)) || !context_.flow.sources(*source).empty());
  }

  /// Whether stage \p index makes something of parameters for stage \p reader alone: repeats them,
  /// or computes as few elements.
  [[nodiscard]] bool handsParameterOn(std::size_t index, std::size_t reader) const {
    const Computation &computation = stage(index);
    if (index < first_ || !context_.isOpen(index) || isReduction(computation) ||
        !context_.flow.sources(index).empty() || context_.flow.readers(index) != Stages{reader})
      return false;
    const bool repeats = onlyMoves(computation) && computation.accesses.size() == 1 &&
                         hasFewerElements(computation.accesses.front(), computation);
    return repeats || computation.points < stage(first_).points;
  }

  void addElementWise(std::size_t index) {
    const Reads reads = readsOf(index);
    const Computation &computation = stage(index);
    Member member{.isWide = true, .isRooted = reads.isRooted || hasRoot(index)};
    const bool isOfRows = reads.statistics && !reads.elements && !reads.others;
    const std::int64_t rows = extentOf(stage(first_), Axis::Kind::Spatial);
    if (isOfRows && (computation.points < stage(first_).points || computation.points <= rows))
      member.isWide = readsData(index);
    const bool isCopy = stripCasts(*computation.value).kind == ValueExpr::Kind::Load;
    const bool isScale = reads.elements && !reads.others && (reads.parameters || isCopy);
    const bool isSquare =
        reads.elements && !reads.others && !reads.isRooted && isReadByReductionsAlone(index);
    if (!reads.statistics && !isScale && !isSquare)
      return;
    for (const std::size_t handed : reads.handed)
      members_[handed] = {.isWide = true, .isRooted = false};
    add(index, member);
  }
  /// Where each row has one element only, what is read tells elements and statistics apart.
  [[nodiscard]] bool readsData(std::size_t index) const {
    return std::any_of(stage(index).accesses.begin(), stage(index).accesses.end(),
                       [&](const Access &access) { return data_.contains(dataOf(access, index)); });
  }

  /// Whether elements are divided by a root of the statistics.
  [[nodiscard]] bool normalises() const {
    return std::any_of(members_.begin(), members_.end(), [&](const auto &entry) {
      const auto &[index, member] = entry;
      return member.isRooted && stage(index).points >= stage(first_).points;
    });
  }

  /// A cast behind the norm is none of its own.
  void dropLooseEnds() {
    const Stages all = [&] {
      Stages stages;
      for (const auto &[index, member] : members_)
        stages.push_back(index);
      return stages;
    }();
    for (auto index = all.rbegin(); index != all.rend(); ++index) {
      const Stages &readers = context_.flow.readers(*index);
      const bool isLoose = members_.at(*index).isWide && stage(*index).accesses.size() == 1 &&
                           std::none_of(readers.begin(), readers.end(),
                                        [&](std::size_t reader) { return isMember(reader); });
      if (isLoose)
        members_.erase(*index);
    }
  }

  const StageContext &context_;
  std::size_t first_;
  std::set<std::pair<bool, std::uint32_t>> data_; ///< what the first statistic is of
  std::map<std::size_t, Member> members_;
  std::set<std::size_t> open_; ///< stages to look at, in text order
};

} // namespace

std::optional<StatisticStages> softmaxOf(const StageContext &context, std::size_t first) {
  return SoftmaxFinder(context, first).find();
}

std::optional<StatisticStages> normOf(const StageContext &context, std::size_t first) {
  return NormFinder(context, first).find();
}

bool hasFunction(const ValueExpr &value, std::string_view name) {
  bool found = false;
  forEachNode(value, [&](const ValueExpr &node) {
    found = found || (node.kind == ValueExpr::Kind::Unary && node.name == name);
  });
  return found;
}

} // namespace acadlc::workload
