#include "bench/Benchmarks.h"

#include <benchmark/benchmark.h>

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  acadlc::bench::registerHeadline();
  acadlc::bench::registerFullEvaluation();
  acadlc::bench::registerGrowth();
  acadlc::bench::registerPhases();
  acadlc::bench::registerCommands();
  acadlc::bench::registerReading();
  const bool found = benchmark::RunSpecifiedBenchmarks() != 0;
  benchmark::Shutdown();
  return found ? 0 : 1;
}
