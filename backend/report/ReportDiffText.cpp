#include "backend/report/Format.h"
#include "backend/report/ReportDiff.h"
#include "backend/report/TextTable.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

namespace {

std::string cyclesOf(const StoredCycles &cycles) {
  return cycles.exact ? thousands(*cycles.exact)
                      : fmt::format("{} .. {}", thousands(cycles.lower), thousands(cycles.upper));
}

/// "-45.2 %"; empty if there is no such share.
std::string changeText(std::int64_t before, std::int64_t after) {
  if (before == after)
    return "=";
  if (before == 0)
    return "";
  const auto from = static_cast<double>(before);
  return fmt::format("{:+.1f} %", (static_cast<double>(after) - from) / from * 100);
}

std::string changeText(const StoredCycles &before, const StoredCycles &after) {
  if (before == after)
    return "=";
  return before.exact && after.exact ? changeText(*before.exact, *after.exact) : "";
}

std::string orNone(const std::optional<std::string> &text) {
  return text ? printableText(*text) : "none";
}

/// One value, or what it was and what it is.
std::string changedText(const std::string &before, const std::string &after) {
  return before == after ? after : fmt::format("{} -> {}", before, after);
}

/// Those of 1 are left out, so there may be none.
std::string dimensionsOf(const StoredLayer &layer) {
  const std::string text = dimensionsText(layer);
  return text.empty() ? "all 1" : text;
}

bool isInBoth(const LayerChange &change) {
  return change.before != nullptr && change.after != nullptr;
}

/// A printer may have given it another name.
std::string nameOf(const LayerChange &change) {
  return changedText(change.before->name, change.after->name);
}

bool isReshaped(const LayerChange &change) {
  return isInBoth(change) && dimensionsOf(*change.before) != dimensionsOf(*change.after);
}

class DiffText {
public:
  DiffText(const ReportDiff &diff, const std::pair<std::string, std::string> &names)
      : diff_(diff), names_(names) {}

  std::string write() {
    head();
    texts("Description", diff_.description);
    texts("Totals", diff_.totals);
    operators();
    layers();
    details();
    explanations();
    return std::move(out_);
  }

private:
  void head() {
    const StoredReport &before = *diff_.before;
    const StoredReport &after = *diff_.after;
    out_ += fmt::format("{} -> {}: {} on {}\n\n", printableText(names_.first),
                        printableText(names_.second), printableText(after.subject),
                        printableText(after.architecture));
    const std::string change = changeText(before.cycles, after.cycles);
    out_ += fmt::format("  {} -> {} cycles{}\n", cyclesOf(before.cycles), cyclesOf(after.cycles),
                        change.empty()  ? ""
                        : change == "=" ? ", the same"
                                        : ", " + change);
    if (before.seconds && after.seconds)
      out_ += fmt::format("  {} -> {}\n", duration(*before.seconds), duration(*after.seconds));
  }

  void texts(std::string_view title, const std::vector<ChangedText> &changes) {
    if (changes.empty())
      return;
    TextTable table({{""}, {"before"}, {"after"}});
    for (const ChangedText &change : changes)
      table.add({change.name, orNone(change.before), orNone(change.after)});
    out_ += fmt::format("\n{}\n\n", title);
    table.print(out_);
  }

  void operators() {
    const auto list = [&](std::string_view title, const auto &entries) {
      if (entries.empty())
        return;
      out_ += fmt::format("\n{}:", title);
      const char *separator = " ";
      for (const StoredUnmapped *entry : entries) {
        out_ += fmt::format("{}{} ({})", separator, printableText(entry->name),
                            printableText(entry->operatorName));
        separator = ", ";
      }
      out_ += "\n";
    };
    list("No mapping covers any more", diff_.newlyUncovered);
    list("Not missing any more", diff_.newlyCovered);
  }

  void layers() {
    const auto same = std::ranges::count_if(diff_.layers, &LayerChange::isSame);
    const auto added = std::ranges::count(diff_.layers, nullptr, &LayerChange::before);
    const auto removed = std::ranges::count(diff_.layers, nullptr, &LayerChange::after);
    const auto reshaped = std::ranges::count_if(diff_.layers, isReshaped);
    const auto all = static_cast<std::ptrdiff_t>(diff_.layers.size());
    out_ += fmt::format("\nLayers: {} changed{}, {} added, {} removed, {} the same\n",
                        all - same - added - removed,
                        reshaped == 0 ? "" : fmt::format(" ({} of them in dimensions)", reshaped),
                        added, removed, same);
    if (same == all)
      return;
    using Align = TextTable::Align;
    TextTable table({{"layer"},
                     {"operator"},
                     {"dimensions"},
                     {"before", Align::Right},
                     {"after", Align::Right},
                     {"change", Align::Right},
                     {"explained by"}});
    for (const LayerChange &change : diff_.layers)
      if (!change.isSame())
        table.add(row(change));
    out_ += "\n";
    table.print(out_);
  }

  static std::vector<std::string> row(const LayerChange &change) {
    if (!isInBoth(change))
      return rowOfOne(change);
    return {nameOf(change),
            change.after->operatorName,
            changedText(dimensionsOf(*change.before), dimensionsOf(*change.after)),
            cyclesOf(change.before->cycles),
            cyclesOf(change.after->cycles),
            changeText(change.before->cycles, change.after->cycles),
            change.explanation.view};
  }

  /// Of a layer that one report is without.
  static std::vector<std::string> rowOfOne(const LayerChange &change) {
    const bool isRemoved = change.after == nullptr;
    const StoredLayer &layer = isRemoved ? *change.before : *change.after;
    const std::string cycles = cyclesOf(layer.cycles);
    return {layer.name,
            layer.operatorName,
            dimensionsOf(layer),
            isRemoved ? cycles : "",
            isRemoved ? "" : cycles,
            isRemoved ? "removed" : "added",
            ""};
  }

  void details() {
    TextTable table({{"layer"}, {""}, {"before"}, {"after"}});
    bool isEmpty = true;
    for (const LayerChange &change : diff_.layers) {
      if (!isInBoth(change))
        continue;
      std::string name = nameOf(change);
      for (const ChangedText &detail : change.details) {
        if (detail.name == "dimensions") // stand above
          continue;
        table.add(
            {std::exchange(name, ""), detail.name, orNone(detail.before), orNone(detail.after)});
        isEmpty = false;
      }
    }
    if (isEmpty)
      return;
    out_ += "\nWhat else differs in layers\n\n";
    table.print(out_);
  }

  void explanations() {
    using Align = TextTable::Align;
    TextTable table({{"layer"},
                     {"view"},
                     {"largest change"},
                     {"before", Align::Right},
                     {"after", Align::Right},
                     {"change", Align::Right},
                     {""}});
    bool isEmpty = true, isWithoutViews = false;
    for (const LayerChange &change : diff_.layers) {
      const bool isChanged = isInBoth(change) && change.before->cycles.exact &&
                             change.after->cycles.exact &&
                             change.before->cycles != change.after->cycles;
      isWithoutViews |= isChanged && !change.explanation.hasViews;
      std::string name = isInBoth(change) ? nameOf(change) : "";
      bool isFirst = true;
      for (const ChangedNumber &number : change.explanation.changes) {
        table.add({std::exchange(name, ""), number.view, number.name, thousands(number.before),
                   thousands(number.after), changeText(number.before, number.after),
                   std::exchange(isFirst, false) && !change.explanation.view.empty() ? "*" : ""});
        isEmpty = false;
      }
    }
    if (!isEmpty) {
      out_ += "\nWhat the views say: bounds and resources in cycles, traffic in bytes\n\n";
      table.print(out_);
      out_ +=
          "\n  * goes with the cycles: at least half of their change. Layers without it wait for\n"
          "    results, or for objects that they take in turn\n";
    }
    if (isWithoutViews)
      out_ +=
          "\nReports written with --view bounds,resources,traffic --format json say what changed "
          "within\nlayers.\n";
  }

  const ReportDiff &diff_;
  const std::pair<std::string, std::string> &names_;
  std::string out_;
};

} // namespace

std::string diffText(const ReportDiff &diff, const std::pair<std::string, std::string> &names) {
  return DiffText(diff, names).write();
}

} // namespace acadlc::report
