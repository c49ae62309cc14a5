#include "frontend/tir/PrivateBuffers.h"

#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <span>
#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// More variables in one nest than any compiler prints: then buffers are left as they are.
constexpr std::size_t mostVariables = 1000;

/// The part of an index that is the same at every point of an iteration of the path.
AffineIndex fixedPart(AffineIndex form, const std::set<std::size_t> &fixed) {
  form.constant = 0;
  for (std::size_t a = 0; a < form.coefficients.size(); ++a)
    if (!fixed.contains(a))
      form.coefficients[a] = 0;
  return form;
}

AffineIndex movingPart(AffineIndex form, const std::set<std::size_t> &fixed) {
  for (std::size_t a = 0; a < form.coefficients.size(); ++a)
    if (fixed.contains(a))
      form.coefficients[a] = 0;
  return form;
}

/// Whether \p index takes every value from its smallest to its largest one.
bool isContiguous(const AffineIndex &index, const std::vector<Axis> &axes) {
  std::vector<std::pair<std::int64_t, std::int64_t>> terms; // coefficient, extent
  for (std::size_t a = 0; a < index.coefficients.size(); ++a)
    if (index.coefficients[a] != 0 && axes[a].extent > 1)
      terms.emplace_back(index.coefficients[a], axes[a].extent);
  std::ranges::sort(terms);
  std::int64_t reach = 0; // of the terms so far, from 0 on
  for (const auto &[coefficient, extent] : terms) {
    const auto last = checkedMul(coefficient, extent - 1);
    if (coefficient < 1 || coefficient > reach + 1 || !last)
      return false;
    const auto sum = checkedAdd(reach, *last);
    if (!sum)
      return false;
    reach = *sum;
  }
  return true;
}

/// The elements that a store reaches in one iteration of the path: a box.
struct Box {
  std::vector<AffineIndex> fixed; ///< by dimension
  std::vector<IndexRange> range;
};

std::optional<Box> boxOf(const std::vector<std::optional<AffineIndex>> &forms,
                         const std::set<std::size_t> &fixed, const std::vector<Axis> &axes) {
  Box box;
  std::set<std::size_t> used;
  for (const auto &form : forms) {
    if (!form)
      return std::nullopt;
    AffineIndex moving = movingPart(*form, fixed);
    const auto range = rangeOf(moving, axes);
    if (!range || !isContiguous(moving, axes))
      return std::nullopt;
    // A variable in two dimensions reaches a diagonal.
    for (std::size_t a = 0; a < moving.coefficients.size(); ++a)
      if (moving.coefficients[a] != 0 && axes[a].extent > 1 && !used.insert(a).second)
        return std::nullopt;
    box.fixed.push_back(fixedPart(*form, fixed));
    box.range.push_back(*range);
  }
  return box;
}

bool isZero(const AffineIndex &form) {
  return std::ranges::all_of(form.coefficients, [](std::int64_t each) { return each == 0; });
}

/// Whether \p box is the whole buffer.
bool isWhole(const Box &box, const Shape &shape) {
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (!isZero(box.fixed[d]) || box.range[d].low > 0 || box.range[d].high < shape[d] - 1)
      return false;
  return true;
}

bool isInside(const std::vector<std::optional<AffineIndex>> &forms, const Box &box,
              const std::set<std::size_t> &fixed, const std::vector<Axis> &axes) {
  for (std::size_t d = 0; d < forms.size(); ++d) {
    if (!forms[d] || fixedPart(*forms[d], fixed) != box.fixed[d])
      return false;
    const auto range = rangeOf(movingPart(*forms[d], fixed), axes);
    if (!range || range->low < box.range[d].low || range->high > box.range[d].high)
      return false;
  }
  return true;
}

} // namespace

void BufferUses::share(Record &record) {
  record = Record{};
  record.isShared = true;
}

void BufferUses::add(std::uint32_t buffer, BufferUse use) {
  if (buffer >= records_.size())
    records_.resize(buffer + 1);
  Record &record = records_[buffer];
  if (record.isShared)
    return;
  if (use.path.empty() || (record.isKnown && record.nest != use.nest))
    return share(record);
  record.isKnown = true;
  record.nest = use.nest;
  if (record.unsettled.empty())
    open_.push_back(buffer);
  record.unsettled.push_back(std::move(use));
}

void BufferUses::endNest(std::size_t nest, std::vector<NestVariable> variables) {
  const bool isNeeded =
      std::ranges::any_of(open_, [&](std::uint32_t buffer) { return !records_[buffer].isShared; });
  if (isNeeded)
    nests_.emplace(nest, std::move(variables));
  open_.clear();
}

namespace {

/// \p variables as the axes that indices are forms of.
std::vector<Axis> axesOf(const std::vector<NestVariable> &variables) {
  std::vector<Axis> axes;
  axes.reserve(variables.size());
  for (const NestVariable &variable : variables)
    axes.push_back({"", variable.extent, Axis::Kind::Spatial});
  return axes;
}

} // namespace

void BufferUses::settle(const std::vector<NestVariable> &variables) {
  const std::vector<Axis> axes = axesOf(variables);
  for (const std::uint32_t buffer : open_)
    settle(records_[buffer], variables, axes);
  open_.clear();
}

void BufferUses::finish() {
  for (Record &record : records_) {
    if (record.unsettled.empty())
      continue;
    const std::vector<NestVariable> &variables = nests_.at(record.nest);
    settle(record, variables, axesOf(variables));
  }
}

void BufferUses::settle(Record &record, const std::vector<NestVariable> &variables,
                        const std::vector<Axis> &axes) {
  std::vector<BufferUse> uses = std::move(record.unsettled);
  record.unsettled.clear();
  for (BufferUse &use : uses)
    if (!record.isShared)
      settle(record, std::move(use), variables, axes);
}

void BufferUses::settle(Record &record, BufferUse use, const std::vector<NestVariable> &variables,
                        const std::vector<Axis> &axes) {
  Access access;
  for (const std::size_t id : use.path) {
    const NestVariable &variable = variables[id];
    PathVariable entry{id, variable.extent, variable.isThread, variable.isIrregular, {}};
    if (variable.inLoops)
      forEachAxis(*variable.inLoops, [&](std::size_t loop) { entry.sources.insert(loop); });
    access.path.push_back(std::move(entry));
  }
  if (record.accesses.empty()) {
    record.startsPlain = use.isWrite && use.isPlain;
    record.path = access.path;
  }
  const auto [own, other] =
      std::ranges::mismatch(record.path, access.path, {}, &PathVariable::id, &PathVariable::id);
  record.path.erase(own, record.path.end());
  if (record.path.empty() || variables.size() > mostVariables)
    return share(record);
  for (const IndexExprPtr &each : use.indices) {
    // With the loops in the place of the block axes that are bound to them.
    const IndexExprPtr index =
        substituteSome(each, [&](std::size_t variable) { return variables[variable].inLoops; });
    access.forms.push_back(affineForm(*index, axes));
    const auto &form = access.forms.back();
    forEachAxis(*index, [&](std::size_t variable) {
      const bool isCancelled = form && form->coefficients[variable] == 0;
      (isCancelled ? record.cancelled : record.dependent).insert(variable);
    });
  }
  if (use.isSum && !record.accumulated)
    record.accumulated = use.range;
  if (use.joinsThreads)
    record.joined.insert(use.startedBefore.begin(), use.startedBefore.end());
  record.startedBefore.merge(use.startedBefore);
  record.accesses.push_back(std::move(access));
  record.axes = axes;
}

/// What is known of \p buffer; null if that is nothing, or that it is shared.
const BufferUses::Record *BufferUses::find(std::uint32_t buffer) const {
  const bool isKnown = buffer < records_.size() && records_[buffer].isKnown;
  return isKnown && !records_[buffer].isShared ? &records_[buffer] : nullptr;
}

/// The variables that the buffer does not depend on, outermost first.
std::vector<BufferUses::PathVariable> BufferUses::candidates(const Record &record,
                                                             bool isThreadLocal) {
  std::vector<PathVariable> path;
  std::set<std::size_t> bound; // loops that block axes stand for
  for (const PathVariable &variable : record.path) {
    if (record.joined.contains(variable.id))
      continue;
    if (record.startedBefore.contains(variable.id) || variable.isIrregular)
      break;
    path.push_back(variable);
    bound.insert(variable.sources.begin(), variable.sources.end());
  }
  std::erase_if(path, [&](const PathVariable &variable) {
    const bool isDependent = record.dependent.contains(variable.id) ||
                             std::ranges::any_of(variable.sources, [&](std::size_t each) {
                               return record.dependent.contains(each);
                             });
    return isDependent || variable.extent == 1 || bound.contains(variable.id) ||
           (variable.isThread && !isThreadLocal);
  });
  return path;
}

/// What is the same when \p access happens as when the first use before it did: the loops around
/// both.
std::set<std::size_t> BufferUses::fixedVariables(const Record &record, const Access &access,
                                                 bool isThreadLocal) {
  std::set<std::size_t> fixed;
  const std::vector<PathVariable> &first = record.accesses.front().path;
  for (std::size_t i = 0; i < std::min(first.size(), access.path.size()); ++i) {
    const PathVariable &variable = first[i];
    if (variable.id != access.path[i].id)
      break;
    if (variable.isThread && !isThreadLocal)
      continue;
    fixed.insert(variable.id);
    fixed.insert(variable.sources.begin(), variable.sources.end());
  }
  return fixed;
}

/// Whether an iteration of the path writes all that it reaches before it reads it.
bool BufferUses::isCovered(Record record, const Shape &shape, bool isThreadLocal) {
  if (!record.startsPlain)
    return false;
  // Variables that came later have no part in the earlier indices.
  for (Access &access : record.accesses)
    for (auto &form : access.forms)
      if (form)
        form->coefficients.resize(record.axes.size(), 0);
  const Forms &start = record.accesses.front().forms;
  // What happens in the first iteration alone reaches one element there.
  for (const auto &form : start)
    for (const std::size_t loop : record.startedBefore)
      if (!form || form->coefficients[loop] != 0)
        return false;
  return std::ranges::all_of(std::span(record.accesses).subspan(1), [&](const Access &access) {
    const std::set<std::size_t> fixed = fixedVariables(record, access, isThreadLocal);
    const auto box = boxOf(start, fixed, record.axes);
    return box && (isWhole(*box, shape) || isInside(access.forms, *box, fixed, record.axes));
  });
}

std::optional<PrivateLoops> BufferUses::privateLoops(std::uint32_t buffer, const Shape &shape,
                                                     bool isThreadLocal) const {
  const Record *found = find(buffer);
  if (!found)
    return std::nullopt;
  const Record &record = *found;
  PrivateLoops result;
  result.nest = record.nest;
  std::optional<std::int64_t> size = 1;
  for (const std::int64_t extent : shape)
    size = size ? checkedMul(*size, extent) : std::nullopt;
  for (const PathVariable &variable : candidates(record, isThreadLocal)) {
    result.variables.push_back(variable.id);
    result.extents.push_back(variable.extent);
    size = size ? checkedMul(*size, variable.extent) : std::nullopt;
  }
  constexpr std::int64_t mostElements = std::int64_t{1} << 56; // of the widest type, in bits
  const bool fits = size && *size < mostElements;
  if (result.variables.empty() || !fits || !isCovered(record, shape, isThreadLocal))
    return std::nullopt;
  return result;
}

std::optional<SourceRange> BufferUses::reusedBy(std::uint32_t buffer, const Shape &shape,
                                                bool isThreadLocal) const {
  const Record *found = find(buffer);
  if (!found || !found->accumulated || privateLoops(buffer, shape, isThreadLocal))
    return std::nullopt;
  const std::vector<PathVariable> loops = candidates(*found, isThreadLocal);
  const bool isReused = std::ranges::any_of(
      loops, [&](const PathVariable &loop) { return found->cancelled.contains(loop.id); });
  return isReused ? found->accumulated : std::nullopt;
}

} // namespace acadlc::tir
