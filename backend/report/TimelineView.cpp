#include "backend/report/TimelineView.h"

#include "backend/report/Format.h"
#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

namespace {

using analysis::TimelineRow;

/// The cycles of a picture.
struct Window {
  std::int64_t begin = 0, end = 0;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - begin); }
};

Window windowOf(const std::vector<TimelineRow> &rows) {
  Window window{rows.front().times.fetched, 0};
  for (const TimelineRow &row : rows) {
    window.begin = std::min(window.begin, row.times.fetched);
    window.end = std::max(window.end, row.times.finished);
  }
  window.end =
      std::min(std::max(window.end, window.begin + 1), window.begin + TimelineView::mostCycles);
  return window;
}

/// What an instruction does in each cycle of the window.
std::string line(const timing::InstructionTimes &times, const Window &window) {
  std::string text(window.size(), ' ');
  const auto fill = [&](std::int64_t from, std::int64_t to, char letter) {
    for (std::int64_t cycle = std::max(from, window.begin); cycle < std::min(to, window.end);
         ++cycle)
      text[static_cast<std::size_t>(cycle - window.begin)] = letter;
  };
  fill(times.fetched, times.issued, '.');
  fill(times.issued, times.entered, '-');
  fill(times.entered, times.started, '=');
  fill(times.started, times.finished, 'e');
  // The rest of a cycle in which it is somewhere else by then is not shown.
  if (times.fetched < times.started)
    fill(times.fetched, times.fetched + 1, 'F');
  if (times.finished > window.end)
    text.back() = '>';
  return text;
}

/// Two lines with the tens and the ones of each cycle.
void printScale(std::string &out, const Window &window, std::size_t indent) {
  std::string tens(indent, ' '), ones(indent, ' ');
  for (std::int64_t cycle = window.begin; cycle < window.end; ++cycle) {
    ones += static_cast<char>('0' + cycle % 10);
    if (cycle % 10 == 0) {
      const std::string number = std::to_string(cycle);
      // A number stands over its cycle, as far as there is room for it in front of the next one.
      tens.resize(indent + static_cast<std::size_t>(cycle - window.begin), ' ');
      tens += number.size() < 10 ? number : "";
    }
  }
  out += tens + "\n" + ones + "\n";
}

void printRows(std::string &out, const std::vector<TimelineRow> &rows) {
  const Window window = windowOf(rows);
  std::size_t age = 0, operation = 0, unit = 0;
  for (const TimelineRow &row : rows) {
    age = std::max(age, row.age.size());
    operation = std::max(operation, row.operation.size());
    unit = std::max(unit, row.unit.size());
  }
  printScale(out, window, age + 4);
  std::size_t later = 0;
  for (const TimelineRow &row : rows) {
    if (row.times.fetched >= window.end) {
      ++later;
      continue;
    }
    out += fmt::format("  {:<{}}  {}  {:<{}}  {:<{}}  {}\n", row.age, age, line(row.times, window),
                       row.operation, operation, row.unit, unit, printableText(row.place));
  }
  if (later != 0)
    out += fmt::format("  {} {} later.\n", counted(static_cast<std::int64_t>(later), "instruction"),
                       later == 1 ? "enters" : "enter");
}

} // namespace

void TimelineView::print(std::string &out) const {
  for (const analysis::LayerEstimate &layer : estimate_.layers) {
    if (!layer.timeline)
      continue;
    const analysis::Timeline &timeline = *layer.timeline;
    out += fmt::format("\nTimeline of {}\n\n", printableText(layer.name));
    if (timeline.rows.empty()) {
      out += "  no such instructions\n";
      continue;
    }
    out += "  F enters the issue buffer   . waits in it   - in stages before its unit   "
           "= waits in its unit   e executes\n\n";
    printRows(out, timeline.rows);
    if (timeline.isCut)
      out += fmt::format("  The first {} are shown.\n",
                         counted(static_cast<std::int64_t>(timeline.rows.size()), "instruction"));
  }
}

} // namespace acadlc::report
