/// \file
/// Reads any bytes as a JSON report and compares what can be read with itself.
#include "backend/report/ReportDiff.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace acadlc::report;
  const auto read = readReport({reinterpret_cast<const char *>(data), size});
  const auto *report = std::get_if<StoredReport>(&read);
  if (report == nullptr)
    return 0;
  const ReportDiff diff = compareReports(*report, *report);
  for (const LayerChange &change : diff.layers)
    if (!change.isSame())
      std::abort();
  diffText(diff, {"a", "b"});
  diffJson(diff, {"a", "b"}, "0");
  return 0;
}
