#include "backend/analysis/WaitChain.h"

#include "backend/analysis/Bound.h"
#include "backend/analysis/ShortStream.h"
#include "backend/simulate/OccupationSimulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace acadlc::analysis {

using simulate::Activity;
using simulate::ChainStep;
using simulate::WaitKind;

std::string_view activityName(Activity activity) {
  switch (activity) {
  case Activity::Fetch:
    return "fetch";
  case Activity::Stage:
    return "stage";
  case Activity::Queue:
    return "queue";
  case Activity::Execute:
    return "execute";
  case Activity::Address:
    return "address";
  case Activity::Request:
    return "request";
  case Activity::Phase:
    return "phase";
  case Activity::Message:
    return "message";
  case Activity::Expand:
    return "expand";
  case Activity::HandOn:
    return "hand on";
  case Activity::Enter:
    return "enter";
  case Activity::Start:
    return "start";
  }
  return "";
}

std::string_view waitKindName(WaitKind kind) {
  switch (kind) {
  case WaitKind::Begin:
    return "begin";
  case WaitKind::Forward:
    return "forward";
  case WaitKind::Structural:
    return "structural";
  case WaitKind::Data:
    return "data";
  case WaitKind::BufferFill:
    return "buffer-fill";
  case WaitKind::Fetch:
    return "fetch";
  case WaitKind::Queue:
    return "queue";
  case WaitKind::Hold:
    return "hold";
  case WaitKind::Turn:
    return "turn";
  case WaitKind::Channel:
    return "channel";
  case WaitKind::Step:
    return "step";
  case WaitKind::HandOn:
    return "hand-on";
  case WaitKind::Outstanding:
    return "outstanding";
  case WaitKind::Unknown:
    return "unknown";
  }
  return "";
}

namespace {

// ---- What recurs --------------------------------------------------------------------------------

/// Steps of one kind, or a sequence that recurs. Those of one number differ in cycles and times
/// alone.
struct Numbered {
  std::uint32_t number = 0;
  std::int64_t cycles = 0, times = 0;
  std::vector<Numbered> body; ///< of a sequence
};

void add(Numbered &sum, const Numbered &other) {
  sum.cycles += other.cycles;
  sum.times += other.times;
  for (std::size_t i = 0; i < sum.body.size(); ++i)
    add(sum.body[i], other.body[i]);
}

/// Collapses a sequence of steps: what recurs, one directly behind the other, is one item.
class Collapse {
public:
  /// \p firstFree: number for sequences.
  explicit Collapse(std::uint32_t firstFree) : firstFree_(firstFree) {}

  void run(std::vector<Numbered> &items) {
    for (std::size_t before = 0; before != items.size();) {
      before = items.size();
      for (std::size_t length = 1; length <= longest && 2 * length <= items.size(); ++length)
        collapse(items, length);
    }
  }

private:
  static constexpr std::size_t longest = 96; ///< sequence

  [[nodiscard]] static bool isAlike(const std::vector<Numbered> &items, std::size_t a,
                                    std::size_t b, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i)
      if (items[a + i].number != items[b + i].number)
        return false;
    return true;
  }

  /// Collapses sequences of one length, in place: mostly there are none.
  void collapse(std::vector<Numbered> &items, std::size_t length) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < items.size();) {
      std::size_t end = at + length;
      while (end + length <= items.size() && isAlike(items, at, end, length))
        end += length;
      if (end == at + length) {
        if (kept != at)
          items[kept] = std::move(items[at]);
        ++kept;
        ++at;
        continue;
      }
      Numbered all = length == 1 ? std::move(items[at]) : groupOf(items, at, length);
      for (std::size_t next = at + length; next < end; next += length)
        add(all, length == 1 ? items[next] : groupOf(items, next, length));
      items[kept++] = std::move(all);
      at = end;
    }
    items.resize(kept);
  }

  Numbered groupOf(std::vector<Numbered> &items, std::size_t at, std::size_t length) {
    Numbered group;
    std::vector<std::uint32_t> numbers;
    // Counted is what begins it: steps of a shortened stream stand for several.
    group.times = items[at].times;
    for (std::size_t i = at; i < at + length; ++i) {
      numbers.push_back(items[i].number);
      group.cycles += items[i].cycles;
      group.times = std::min(group.times, items[i].times);
      group.body.push_back(std::move(items[i]));
    }
    const auto [entry, isNew] = numbers_.try_emplace(std::move(numbers), firstFree_);
    firstFree_ += isNew ? 1 : 0;
    group.number = entry->second;
    return group;
  }

  std::uint32_t firstFree_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> numbers_; ///< of sequences
};

// ---- Steps as items -----------------------------------------------------------------------------

class Items {
public:
  Items(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program) {}

  void add(const ChainStep &step, std::int64_t times) {
    items_.push_back({numberOf(kindOf(step)), (step.end - step.begin) * times, times, {}});
  }

  [[nodiscard]] std::vector<ChainItem> all() const { return collapsed(items_); }

  /// Kinds of steps of less than \p least cycles are one kind.
  [[nodiscard]] std::vector<ChainItem> outline(std::int64_t least) const {
    std::vector<std::int64_t> cycles(kinds_.size());
    for (const Numbered &numbered : items_)
      cycles[numbered.number] += numbered.cycles;
    std::vector<Numbered> items = items_;
    for (Numbered &numbered : items)
      if (cycles[numbered.number] < least)
        numbered.number = otherKind();
    return collapsed(std::move(items));
  }

private:
  using Key = std::tuple<Activity, WaitKind, bool, std::string, std::string, std::string,
                         std::string, std::uint32_t>;

  /// The number of steps that are too small to be named, behind those of all kinds.
  [[nodiscard]] std::uint32_t otherKind() const {
    return static_cast<std::uint32_t>(kinds_.size());
  }

  /// What \p step is, without its cycles.
  [[nodiscard]] ChainItem kindOf(const ChainStep &step) const {
    ChainItem item;
    item.activity = step.activity;
    item.over = step.over;
    item.isContended = step.isContended;
    item.object = nameOf(step.object);
    item.awaited = nameOf(step.awaited);
    if (step.hasInstruction) {
      const program::Instruction &instruction = program_.instructions[step.instruction];
      item.operation = instruction.operation;
      item.range = instruction.range;
      const bool hasPhase = step.activity == Activity::Phase ||
                            step.activity == Activity::Message || step.activity == Activity::Expand;
      if (hasPhase)
        item.phase = instruction.phases[step.phase].name;
    }
    return item;
  }

  std::uint32_t numberOf(ChainItem kind) {
    const Key key{kind.activity, kind.over,      kind.isContended, kind.object,
                  kind.awaited,  kind.operation, kind.phase,       kind.range.begin.raw()};
    const auto [known, isNew] =
        numbers_.try_emplace(key, static_cast<std::uint32_t>(kinds_.size()));
    if (isNew)
      kinds_.push_back(std::move(kind));
    return known->second;
  }

  [[nodiscard]] std::vector<ChainItem> collapsed(std::vector<Numbered> items) const {
    Collapse(otherKind() + 1).run(items);
    return itemsOf(items);
  }

  [[nodiscard]] std::vector<ChainItem> itemsOf(const std::vector<Numbered> &numbered) const {
    std::vector<ChainItem> items;
    items.reserve(numbered.size());
    for (const Numbered &one : numbered) {
      ChainItem &item =
          items.emplace_back(one.number < kinds_.size() ? kinds_[one.number] : ChainItem());
      item.cycles = one.cycles;
      item.times = one.times;
      item.body = itemsOf(one.body);
    }
    return items;
  }

  [[nodiscard]] std::string nameOf(arch::ObjectId id) const {
    return id == arch::noObject ? "" : withoutIndices(graph_.objects[id].name);
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::map<Key, std::uint32_t> numbers_;
  std::vector<ChainItem> kinds_; ///< by number
  std::vector<Numbered> items_;
};

void addShares(const ChainItem &item,
               std::map<std::tuple<std::string, Activity, bool>, std::int64_t> &shares) {
  for (const ChainItem &inner : item.body)
    addShares(inner, shares);
  if (item.body.empty())
    shares[{item.object, item.activity, item.isContended}] += item.cycles;
}

std::vector<ChainShare> sharesOf(const std::vector<ChainItem> &items) {
  std::map<std::tuple<std::string, Activity, bool>, std::int64_t> cycles;
  for (const ChainItem &item : items)
    addShares(item, cycles);
  std::vector<ChainShare> shares;
  for (const auto &[key, sum] : cycles)
    shares.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), sum});
  std::ranges::stable_sort(shares, std::ranges::greater{}, &ChainShare::cycles);
  return shares;
}

std::vector<ChainStep> chainOf(const arch::ArchitectureGraph &graph,
                               const program::Program &program) {
  std::vector<ChainStep> chain;
  simulate::SimulateOptions options;
  options.chainObserver = [&](std::vector<ChainStep> steps) { chain = std::move(steps); };
  simulate::simulateOccupations(graph, program, options);
  std::ranges::reverse(chain);
  return chain;
}

/// The instructions of a stream with those that expansions emit, if these are not too many.
bool isShortEnough(const program::Program &program) {
  const auto totals = program.totals();
  return totals && totals->instructions <= mostChainInstructions &&
         totals->emitted <= mostChainInstructions - totals->instructions;
}

/// \p chain as items, each step as often as \p times says; its cycles are what it adds up to.
WaitChain chainOfSteps(const arch::ArchitectureGraph &graph, const program::Program &program,
                       const std::vector<ChainStep> &chain,
                       const std::vector<std::int64_t> &times) {
  WaitChain result;
  Items items(graph, program);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::int64_t cycles = (chain[i].end - chain[i].begin) * times[i];
    result.cycles += cycles;
    if (chain[i].over == WaitKind::Unknown)
      ++result.unknown;
    items.add(chain[i], times[i]);
  }
  result.items = items.all();
  result.outline = items.outline(
      static_cast<std::int64_t>(static_cast<double>(result.cycles) * WaitChain::outlineShare));
  result.shares = sharesOf(result.items);
  return result;
}

/// The chain of a stream of which periods have been left out.
WaitChain chainIn(const arch::ArchitectureGraph &graph, const ShortStream &stream) {
  const std::vector<ChainStep> chain = chainOf(graph, stream.program);
  return chainOfSteps(graph, stream.program, chain, stream.timesOf(chain));
}

// ---- Streams in program order -------------------------------------------------------------------

Activity activityOf(const program::Program &program, const aidg::StreamStep &step) {
  switch (step.kind) {
  case aidg::Node::Kind::Fetch:
    return Activity::Fetch;
  case aidg::Node::Kind::Stage:
    return Activity::Stage;
  case aidg::Node::Kind::Memory:
    return Activity::Request;
  case aidg::Node::Kind::Unit:
    break;
  }
  const bool asks = program.instructions[step.instruction].requestCount() != 0;
  return asks ? Activity::Address : Activity::Execute;
}

WaitKind waitOf(const aidg::StreamStep &step) {
  switch (step.over) {
  case aidg::DependenceKind::Forward:
    return WaitKind::Forward;
  case aidg::DependenceKind::Structural:
    return step.kind == aidg::Node::Kind::Fetch ? WaitKind::Fetch : WaitKind::Structural;
  case aidg::DependenceKind::Data:
    return WaitKind::Data;
  case aidg::DependenceKind::BufferFill:
    return WaitKind::BufferFill;
  }
  return WaitKind::Unknown;
}

ChainStep chainStepOf(const program::Program &program, const aidg::StreamStep &path) {
  ChainStep step;
  step.end = path.cycles;
  step.activity = activityOf(program, path);
  step.over = waitOf(path);
  step.object = path.object;
  step.hasInstruction = path.kind != aidg::Node::Kind::Fetch;
  step.instruction = path.instruction;
  if (step.over == WaitKind::Structural)
    step.awaited = path.object;
  return step;
}

/// The chain of a stream that is evaluated in program order and has the critical path \p path.
WaitChain chainInProgramOrder(const arch::ArchitectureGraph &graph, const program::Program &program,
                              std::span<const aidg::StreamStep> path) {
  std::vector<ChainStep> chain; // the last step first
  std::vector<std::int64_t> times;
  for (const aidg::StreamStep &step : path) {
    ChainStep added = chainStepOf(program, step);
    if (step.cycles != 0) {
      chain.push_back(std::move(added));
      times.push_back(step.times);
    } else if (!chain.empty() && chain.back().over == WaitKind::Forward) {
      // What an object that takes no time waited for, the one behind it waited for too.
      chain.back().over = added.over;
      chain.back().awaited = added.awaited;
    }
  }
  if (!chain.empty())
    chain.back().over = WaitKind::Begin;
  std::ranges::reverse(chain);
  std::ranges::reverse(times);
  return chainOfSteps(graph, program, chain, times);
}

} // namespace

WaitChain withoutChain(std::string why) {
  WaitChain result;
  result.missing = std::move(why);
  return result;
}

WaitChain findWaitChain(const arch::ArchitectureGraph &graph, const program::Program &program,
                        const timing::Evaluation &evaluation,
                        std::span<const aidg::StreamStep> path) {
  // The chain lags behind the fetch: how many periods show it recur is not known in advance.
  constexpr std::array<std::int64_t, 3> periods{3, 8, 32};
  if (evaluation.guarantee == timing::Guarantee::Bounded)
    return withoutChain("the cycles are only bounded");
  if (!path.empty())
    return chainInProgramOrder(graph, program, path);
  std::string why = fmt::format("more than {} million instructions would have to be gone through",
                                mostChainInstructions / 1'000'000);
  for (const std::int64_t kept : periods) {
    const ShortStream stream = shorten(program, evaluation.certificates, kept);
    if (!isShortEnough(stream.program))
      break;
    WaitChain chain = chainIn(graph, stream);
    if (chain.cycles == evaluation.cycles)
      return chain;
    why = "the periods of loops that were gone through do not add up to the cycles";
  }
  if (isShortEnough(program))
    return chainIn(graph, shorten(program, {}, 0));
  return withoutChain(std::move(why));
}

} // namespace acadlc::analysis
