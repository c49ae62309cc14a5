#include "backend/analysis/CriticalPath.h"

#include "backend/aidg/Batch.h"
#include "backend/aidg/path/BindingPath.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

namespace acadlc::analysis {

namespace {

/// What is done at \p object; \p reachedOver: how the next step depends on it.
BoundKind kindOf(const arch::ArchitectureGraph &graph, aidg::Node::Kind kind, arch::ObjectId object,
                 aidg::DependenceKind reachedOver) {
  switch (kind) {
  case aidg::Node::Kind::Fetch:
    return BoundKind::Fetch;
  case aidg::Node::Kind::Memory:
    return BoundKind::Memory;
  case aidg::Node::Kind::Stage:
    return BoundKind::Stage;
  case aidg::Node::Kind::Unit:
    break;
  }
  if (reachedOver == aidg::DependenceKind::Data)
    return BoundKind::Dependence;
  return graph.objects[object].objectClass == arch::ObjectClass::MemoryAccessUnit
             ? BoundKind::Memory
             : BoundKind::Compute;
}

using CyclesByKind = std::array<std::int64_t, boundKindCount>;
/// By object, then by kind.
using ObjectCycles = std::vector<CyclesByKind>;

std::vector<Bound> sharesOf(const arch::ArchitectureGraph &graph, const ObjectCycles &cyclesOf) {
  std::map<std::string, CyclesByKind> cycles;
  std::int64_t total = 0;
  for (arch::ObjectId object = 0; object != cyclesOf.size(); ++object) {
    if (cyclesOf[object] == CyclesByKind{})
      continue;
    CyclesByKind &sum = cycles[withoutIndices(graph.objects[object].name)];
    for (std::size_t kind = 0; kind != sum.size(); ++kind) {
      sum[kind] += cyclesOf[object][kind];
      total += cyclesOf[object][kind];
    }
  }
  std::vector<Bound> shares;
  for (const auto &[object, byKind] : cycles) {
    Bound bound;
    bound.object = object;
    bound.kind = static_cast<BoundKind>(std::ranges::max_element(byKind) - byKind.begin());
    std::int64_t own = 0;
    for (const std::int64_t part : byKind)
      own += part;
    bound.share = static_cast<double>(own) / static_cast<double>(total);
    shares.push_back(std::move(bound));
  }
  std::ranges::stable_sort(shares, std::ranges::greater{}, &Bound::share);
  return shares;
}

std::vector<Bound> sharesOf(const arch::ArchitectureGraph &graph, const aidg::BindingPath &path) {
  ObjectCycles cyclesOf(graph.objects.size());
  for (const aidg::PathStep &step : path.find()) {
    const BoundKind kind = kindOf(graph, step.kind, step.object, step.over);
    cyclesOf[step.object][static_cast<std::size_t>(kind)] += step.end - step.begin;
  }
  return sharesOf(graph, cyclesOf);
}

std::vector<Bound> sharesOf(const arch::ArchitectureGraph &graph,
                            const std::vector<aidg::StreamStep> &path) {
  ObjectCycles cyclesOf(graph.objects.size());
  for (const aidg::StreamStep &step : path) {
    const BoundKind kind = kindOf(graph, step.kind, step.object, step.reachedOver);
    cyclesOf[step.object][static_cast<std::size_t>(kind)] += step.cycles * step.times;
  }
  return sharesOf(graph, cyclesOf);
}

//===--- How much of a stream is looked at ----------------------------------------------------===//

/// The first window, and by how much each is larger than the one before.
constexpr std::int64_t firstWindow = criticalPathWindow / 16, growth = 4;
/// By how much the largest share may move while it is taken for steady.
constexpr double steadiness = 0.01;

/// Walks a program to find out when each of its instructions comes for the first time.
class FirstComings {
public:
  explicit FirstComings(const program::Program &program)
      : program_(program), hasCome_(program.instructions.size()) {}

  /// How long the beginning of the stream is that has every instruction that comes among the first
  /// \p most.
  std::int64_t lengthOfAll(std::int64_t most) {
    most_ = most;
    walk(program_.root);
    return length_;
  }

private:
  void walk(program::RegionId region) {
    for (const program::Step &step : program_.regions[region].steps) {
      if (position_ >= most_)
        return;
      if (step.kind == program::Step::Kind::Repeat) {
        walkRepeat(program_.repeats[step.index]);
        continue;
      }
      ++position_;
      if (!hasCome_[step.index])
        length_ = position_;
      hasCome_[step.index] = true;
    }
  }
  /// All that a loop has comes in its first trip.
  void walkRepeat(const program::Repeat &repeat) {
    if (repeat.count <= 0)
      return;
    const std::int64_t before = position_;
    walk(repeat.body);
    std::int64_t others = 0;
    if (__builtin_mul_overflow(position_ - before, repeat.count - 1, &others) ||
        others > most_ - position_)
      position_ = std::max(position_, most_);
    else
      position_ += others;
  }

  const program::Program &program_;
  std::vector<bool> hasCome_; ///< by instruction
  std::int64_t most_ = 0;
  std::int64_t position_ = 0; ///< instructions so far, or `most_` if there are more
  std::int64_t length_ = 0;   ///< up to the last that came for the first time
};

/// What a window shows: of the largest share also how it came about.
struct Window {
  CriticalPathReport report;
  std::vector<Bound> leaders; ///< after a quarter, after a half, in the end
};

Window lookAt(aidg::Batch &batch, const arch::ArchitectureGraph &graph,
              const program::Program &program, std::int64_t instructions) {
  Window window;
  aidg::BindingPath path(graph, program, aidg::Blame::Cause);
  aidg::EstimateOptions options;
  options.extrapolate = false;
  options.maxInstructions = instructions;
  options.observer = [&](const program::Instance &instance, const timing::InstructionTimes &times) {
    path.add(instance, times);
    if (path.instructions() == instructions / 4 || path.instructions() == instructions / 2)
      if (const std::vector<Bound> shares = sharesOf(graph, path); !shares.empty())
        window.leaders.push_back(shares.front());
  };
  window.report.truncated = batch.estimate(0, options).limitReached;
  window.report.instructions = path.instructions();
  window.report.shares = sharesOf(graph, path);
  if (!window.report.shares.empty())
    window.leaders.push_back(window.report.shares.front());
  return window;
}

/// Whether more instructions would most probably not show another leader: it is the same in all
/// looks, and its share has come to rest, or is more than half and did not fall.
bool isSteady(const std::vector<Bound> &leaders) {
  constexpr std::size_t looks = 3;
  if (leaders.size() != looks)
    return false;
  const Bound &last = leaders.back();
  const bool isSame = std::ranges::all_of(leaders, [&](const Bound &leader) {
    return leader.object == last.object && leader.kind == last.kind;
  });
  const bool rests = std::ranges::all_of(leaders, [&](const Bound &leader) {
    return std::abs(leader.share - last.share) <= steadiness;
  });
  const bool grows = last.share > 0.5 && std::ranges::is_sorted(leaders, {}, &Bound::share);
  return isSame && (rests || grows);
}

} // namespace

CriticalPathReport attributePath(const arch::ArchitectureGraph &graph,
                                 const program::Program &program,
                                 const std::vector<aidg::StreamStep> &path) {
  return {sharesOf(graph, path), program.totals()->instructions, false};
}

CriticalPathReport analyseCriticalPath(const arch::ArchitectureGraph &graph,
                                       const program::Program &program) {
  const auto totals = program.totals();
  const std::int64_t needed = totals && totals->instructions <= criticalPathWindow
                                  ? totals->instructions
                                  : FirstComings(program).lengthOfAll(criticalPathWindow);
  const program::Program *const only = &program;
  aidg::Batch batch(graph, {&only, 1});
  std::int64_t instructions = firstWindow;
  while (instructions < needed)
    instructions *= growth;
  while (true) {
    Window window = lookAt(batch, graph, program, instructions);
    if (!window.report.truncated || instructions >= criticalPathWindow || isSteady(window.leaders))
      return std::move(window.report);
    instructions *= growth;
  }
}

} // namespace acadlc::analysis
