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
               thousands(resource.objects), thousands(sum.uses),
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

} // namespace acadlc::report
