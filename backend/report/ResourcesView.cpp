#include "backend/report/ResourcesView.h"

#include "backend/report/Format.h"
#include "backend/report/TextTable.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

std::string nonZero(std::int64_t number) { return number == 0 ? "" : thousands(number); }

} // namespace

void ResourcesView::print(std::string &out) const {
  out += "\nResources: objects that differ in indices alone count as one\n\n";
  printTable(out);
  printIdle(out);
  printUsage(out);
  printBuffer(out);
}

void ResourcesView::printTable(std::string &out) const {
  using Align = TextTable::Align;
  TextTable table({{"resource"},
                   {"class"},
                   {"objects", Align::Right},
                   {"uses", Align::Right},
                   {"work", Align::Right},
                   {"busiest", Align::Right},
                   {"reads", Align::Right},
                   {"bytes read", Align::Right},
                   {"writes", Align::Right},
                   {"bytes written", Align::Right}});
  bool isLeast = false;
  for (const analysis::Resource &resource : estimate_.resources) {
    if (resource.used == 0)
      continue;
    const analysis::ObjectCounts &sum = resource.sum;
    const bool isKnown = !estimate_.isBounded() && estimate_.cycles != 0 && sum.work != 0;
    const double busiest =
        static_cast<double>(resource.leastCycles) / static_cast<double>(estimate_.cycles);
    const std::string_view mark = sum.isWorkLeast ? " +" : "";
    isLeast |= sum.isWorkLeast;
    table.add({resource.object, std::string(arch::className(resource.objectClass)),
               thousands(resource.objects), nonZero(sum.uses),
               sum.work == 0 ? "" : fmt::format("{}{}", thousands(sum.work), mark),
               isKnown ? fmt::format("{}{}", percent(busiest), mark) : "", nonZero(sum.reads),
               nonZero(sum.bytesRead), nonZero(sum.writes), nonZero(sum.bytesWritten)});
  }
  table.print(out);
  if (isLeast)
    out += "\n  + at least: caches count as hit, rows as open, fetches as full\n";
}

void ResourcesView::printIdle(std::string &out) const {
  std::string names;
  for (const analysis::Resource &resource : estimate_.resources) {
    if (resource.used == resource.objects)
      continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", resource.object);
    if (resource.used != 0)
      names += fmt::format(" ({} of {})", thousands(resource.objects - resource.used),
                           thousands(resource.objects));
  }
  if (!names.empty())
    out += fmt::format("\nWithout a part: {}.\n", names);
}

/// What each resource did; what did nothing is named above.
void ResourcesView::printUsage(std::string &out) const {
  using Align = TextTable::Align;
  TextTable table({{"resource"},
                   {"places", Align::Right},
                   {"busy", Align::Right},
                   {"busiest", Align::Right},
                   {"waiting", Align::Right},
                   {"for operands", Align::Right},
                   {"for requests", Align::Right},
                   {"for next", Align::Right},
                   {"idle", Align::Right},
                   {""}});
  bool isKnown = false, hasBottleneck = false;
  const auto cycles = static_cast<double>(estimate_.cycles);
  for (const analysis::Resource &resource : estimate_.resources) {
    if (!resource.usage)
      continue;
    isKnown = true;
    if (resource.usage->taken == 0)
      continue;
    const timing::ObjectUsage &usage = *resource.usage;
    const auto share = [&](std::int64_t part) {
      return static_cast<double>(part) / (static_cast<double>(usage.places) * cycles);
    };
    const auto shareText = [&](std::int64_t part) { return part == 0 ? "" : percent(share(part)); };
    const double busiest = resource.mostBusy / cycles;
    const bool isBottleneck = busiest >= analysis::bottleneckShare;
    hasBottleneck |= isBottleneck;
    table.add({resource.object, thousands(usage.places), shareText(usage.busy()),
               usage.busy() == 0 || resource.objects == 1 ? "" : percent(busiest),
               shareText(usage.waiting()), shareText(usage.operands), shareText(usage.requests),
               shareText(usage.next), shareText(usage.idle(estimate_.cycles)),
               isBottleneck ? "*" : ""});
  }
  if (!isKnown) {
    out +=
        "\nBusy, waiting, idle: not known; a layer is bounded, or would be when this is counted.\n";
    return;
  }
  if (estimate_.cycles == 0)
    return;
  out += "\nBusy, waiting, idle: parts of the cycles of all places\n\n";
  table.print(out);
  if (hasBottleneck)
    out += fmt::format("\n  * a bottleneck: busy for {:.0f} % of the cycles or more\n",
                       analysis::bottleneckShare * 100);
}

void ResourcesView::printBuffer(std::string &out) const {
  for (const analysis::Resource &resource : estimate_.resources)
    if (resource.buffered && estimate_.cycles != 0)
      out += fmt::format(
          "\nIn the issue buffer of {}: {:.1f} instructions on average.\n", resource.object,
          static_cast<double>(*resource.buffered) / static_cast<double>(estimate_.cycles));
}

} // namespace acadlc::report
