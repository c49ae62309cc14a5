#include "backend/report/CriticalPathView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace acadlc::report {

namespace {

using analysis::ChainItem;
using analysis::WaitChain;
using simulate::WaitKind;

/// "mesh: phase push of compute", "answers: message of load, with others"
std::string stepText(const ChainItem &item) {
  std::string text = item.object + ": " + std::string(analysis::activityName(item.activity));
  if (!item.phase.empty())
    text += " " + item.phase;
  if (!item.operation.empty())
    text += " of " + item.operation;
  if (item.isContended)
    text += ", words of others";
  return text;
}

/// "structural (mesh)"; nothing for what follows its own instruction.
std::string waitText(const ChainItem &item) {
  if (item.over == WaitKind::Forward || item.over == WaitKind::Begin)
    return "";
  std::string text(analysis::waitKindName(item.over));
  if (!item.awaited.empty())
    text += " (" + item.awaited + ")";
  return text;
}

void collectCycles(const std::vector<ChainItem> &items, std::vector<std::int64_t> &cycles) {
  for (const ChainItem &item : items) {
    if (item.body.empty())
      cycles.push_back(item.cycles);
    collectCycles(item.body, cycles);
  }
}

TextTable stepTable() {
  using Align = TextTable::Align;
  return TextTable({{"cycles", Align::Right},
                    {"share", Align::Right},
                    {"times", Align::Right},
                    {"step"},
                    {"waited for"},
                    {"source"}});
}

double shareOf(std::int64_t cycles, std::int64_t total) {
  return total == 0 ? 0 : static_cast<double>(cycles) / static_cast<double>(total);
}

void printOthers(std::string &out, std::int64_t cycles, std::int64_t total) {
  if (cycles > 0)
    out += fmt::format("    and shorter steps: {} cycles, {}\n", thousands(cycles),
                       percent(shareOf(cycles, total)));
}

/// The table of the steps with the most cycles, in the order of time.
class Steps {
public:
  explicit Steps(const WaitChain &chain) : total_(chain.cycles) {
    collectCycles(chain.outline, cutoffs_);
    std::ranges::sort(cutoffs_);
    least_ = 0;
    for (const std::int64_t cutoff : cutoffs_) {
      if (countLines(chain.outline) <= CriticalPathView::mostLines)
        break;
      least_ = cutoff + 1;
    }
    for (const ChainItem &item : chain.outline)
      add(item, 0);
  }

  void print(std::string &out) const {
    table_.print(out, "    ");
    printOthers(out, otherCycles_, total_);
  }
  /// The part of the cycles whose steps have no line.
  [[nodiscard]] double hiddenShare() const { return shareOf(otherCycles_, total_); }

private:
  /// Steps that have an object have been at least a small share of all from the beginning.
  [[nodiscard]] bool isShown(const ChainItem &item) const {
    return !item.object.empty() && item.cycles >= least_;
  }
  [[nodiscard]] std::size_t countShown(const ChainItem &item) const {
    if (item.body.empty())
      return isShown(item) ? 1 : 0;
    std::size_t count = 0;
    for (const ChainItem &inner : item.body)
      count += countShown(inner);
    return count;
  }
  /// A sequence of which one step is shown needs no line of its own.
  [[nodiscard]] std::size_t countLines(const std::vector<ChainItem> &items) const {
    std::size_t lines = 0;
    for (const ChainItem &item : items)
      if (!item.body.empty())
        lines += (countShown(item) > 1 ? 1 : 0) + countLines(item.body);
      else
        lines += isShown(item) ? 1 : 0;
    return lines;
  }

  void add(const ChainItem &item, std::size_t depth) {
    const std::string indent(2 * depth, ' ');
    if (item.body.empty() && !isShown(item)) {
      otherCycles_ += item.cycles;
    } else if (item.body.empty()) {
      table_.add({thousands(item.cycles), percent(shareOf(item.cycles, total_)),
                  "x " + thousands(item.times), indent + stepText(item), waitText(item),
                  item.place});
    } else {
      const bool hasLine = countShown(item) > 1;
      if (hasLine)
        table_.add({thousands(item.cycles), percent(shareOf(item.cycles, total_)),
                    "x " + thousands(item.times), indent + "recurs:", "", ""});
      for (const ChainItem &inner : item.body)
        add(inner, depth + (hasLine ? 1 : 0));
    }
  }

  std::int64_t total_;
  std::vector<std::int64_t> cutoffs_; ///< cycles of steps, ascending
  std::int64_t least_ = 0;            ///< cycles of the smallest step that is shown
  std::int64_t otherCycles_ = 0;
  TextTable table_ = stepTable();
};

/// The steps of a chain by what is done, whenever it is: the largest first.
class StepKinds {
public:
  explicit StepKinds(const WaitChain &chain) : total_(chain.cycles) { add(chain.items); }

  void print(std::string &out) const {
    std::vector<std::pair<Kind, Sum>> kinds(sums_.begin(), sums_.end());
    std::ranges::stable_sort(kinds, std::ranges::greater{},
                             [](const auto &entry) { return entry.second.cycles; });
    TextTable table = stepTable();
    std::int64_t others = 0;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const auto &[kind, sum] = kinds[i];
      if (i >= CriticalPathView::mostLines) {
        others += sum.cycles;
        continue;
      }
      const auto &[step, waited, place] = kind;
      table.add({thousands(sum.cycles), percent(shareOf(sum.cycles, total_)),
                 "x " + thousands(sum.times), step, waited, place});
    }
    out += "    the path often changes its way; its steps by kind, not in the order of time:\n\n";
    table.print(out, "    ");
    printOthers(out, others, total_);
  }

private:
  using Kind = std::tuple<std::string, std::string, std::string>; ///< step, waited for, source
  struct Sum {
    std::int64_t cycles = 0, times = 0;
  };

  void add(const std::vector<ChainItem> &items) {
    for (const ChainItem &item : items) {
      add(item.body);
      if (!item.body.empty() || item.cycles == 0)
        continue;
      Sum &sum = sums_[{stepText(item), waitText(item), item.place}];
      sum.cycles += item.cycles;
      sum.times += item.times;
    }
  }

  std::int64_t total_;
  std::map<Kind, Sum> sums_;
};

/// "88.0 % mesh (execute), 4.1 % request_bus (message)"
std::string shareText(const WaitChain &chain) {
  std::string text;
  for (std::size_t i = 0; i < std::min(chain.shares.size(), CriticalPathView::mostShares); ++i) {
    const analysis::ChainShare &share = chain.shares[i];
    text +=
        fmt::format("{}{} {} ({}{})", i == 0 ? "" : ", ",
                    percent(static_cast<double>(share.cycles) / static_cast<double>(chain.cycles)),
                    share.object, analysis::activityName(share.activity),
                    share.isContended ? ", words of others" : "");
  }
  return text;
}

void printLayer(const analysis::LayerEstimate &layer, std::string &out) {
  const WaitChain &chain = *layer.waitChain;
  const std::string cycles = cyclesText(layer.guarantee, layer.cycles, layer.bounds);
  if (!chain.missing.empty()) {
    out += fmt::format("\n  {}: {} cycles, no path: {}\n", layer.name, cycles, chain.missing);
    return;
  }
  out += fmt::format("\n  {}: {} cycles\n", layer.name, cycles);
  if (chain.cycles == 0)
    return;
  out += fmt::format("  {}\n", shareText(chain));
  if (chain.unknown > 0)
    out += fmt::format("  IN PART: what was waited for is not known at {} of the steps\n",
                       thousands(chain.unknown));
  out += "\n";
  const Steps steps(chain);
  if (steps.hiddenShare() <= CriticalPathView::mostHidden)
    steps.print(out);
  else
    StepKinds(chain).print(out);
}

} // namespace

void CriticalPathView::print(std::string &out) const {
  out += "\nCritical path: what a layer's cycles are spent on, one step behind the other\n";
  for (const analysis::LayerEstimate &layer : estimate_.layers)
    if (layer.waitChain)
      printLayer(layer, out);
}

} // namespace acadlc::report
