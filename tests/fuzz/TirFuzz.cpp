// Any bytes as a network: read, and listed in every form as `--list-operators` does, before and
// after its batch norms are folded.

#include "backend/report/OperatorsReport.h"
#include "frontend/network/NetworkReader.h"
#include "structure/BatchNormFold.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace {

using namespace acadlc;

void list(const workload::Workload &workload) {
  report::operatorsText(workload);
  report::operatorsJson(workload, "0");
  report::operatorsCsv(workload);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  const FileId file =
      sources.addText("fuzz.tir", std::string(reinterpret_cast<const char *>(data), size));
  std::optional<workload::Workload> workload = tir::readWorkload(sources, file, {}, diagnostics);
  renderDiagnostics(diagnostics.diagnostics(), sources, {});
  if (!workload) {
    // Who gets nothing is told why.
    if (!diagnostics.hasErrors())
      std::abort();
    return 0;
  }
  list(*workload);
  workload::foldBatchNorms(*workload);
  list(*workload);
  return 0;
}
