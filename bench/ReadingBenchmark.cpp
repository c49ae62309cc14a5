#include "bench/Benchmarks.h"
#include "bench/Measure.h"
#include "bench/Networks.h"
#include "frontend/network/NetworkReader.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace acadlc::bench {

namespace {

/// Reads \p text in every pass. Counters: MB of text a second, and bytes of memory
/// for each byte of text at the peak, the text itself not counted. The peak is that of the process
/// from when the text is there: making it needs more than reading it.
void read(benchmark::State &state, std::string text) {
  const auto size = static_cast<double>(text.size());
  SourceManager sources;
  const FileId file = sources.addText("network.tir", std::move(text));
  constexpr double mebibyte = 1 << 20;
  resetPeak();
  const double before = peakMebibytes();
  double seconds = 0;
  for (auto pass : state) {
    static_cast<void>(pass);
    DiagnosticEngine diagnostics;
    const double start = processSeconds();
    const auto workload = tir::readWorkload(sources, file, {}, diagnostics);
    seconds += processSeconds() - start;
    if (!workload)
      throw std::runtime_error(renderDiagnostics(diagnostics.diagnostics(), sources, {}));
    benchmark::DoNotOptimize(workload->calls.size());
  }
  constexpr double million = 1e6;
  state.counters["megabytes_per_second"] =
      size / million * static_cast<double>(state.iterations()) / seconds;
  state.counters["bytes_per_byte"] = (peakMebibytes() - before) * mebibyte / size;
}

} // namespace

namespace {

/// \p make makes a text of at least so many bytes.
void registerTexts(std::string_view group, std::initializer_list<double> sizes,
                   std::string (*make)(std::size_t)) {
  for (const double megabytes : sizes) {
    constexpr double million = 1e6;
    const auto bytes = static_cast<std::size_t>(megabytes * million);
    benchmark::RegisterBenchmark(
        fmt::format("{}/megabytes:{}", group, megabytes).c_str(),
        [bytes, make](benchmark::State &state) { read(state, make(bytes)); })
        ->Unit(benchmark::kMillisecond);
  }
}

} // namespace

void registerReading() {
  registerTexts("reading", {0.1, 1.0, 3.0, 10.0, 30.0}, chainOfConvolutions);
  // A longer text has more calls than a network may have.
  registerTexts("reading_operators", {0.1, 1.0, 3.0, 10.0}, chainOfOperators);
}

} // namespace acadlc::bench
