// Any bytes as a network.

#include "frontend/network/NetworkReader.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace acadlc;
  SourceManager sources;
  DiagnosticEngine diagnostics;
  const FileId file =
      sources.addText("fuzz.tir", std::string(reinterpret_cast<const char *>(data), size));
  tir::readWorkload(sources, file, {}, diagnostics);
  renderDiagnostics(diagnostics.diagnostics(), sources, {});
  return 0;
}
